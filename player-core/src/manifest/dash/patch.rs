//! Changes of an MPD (ISO/IEC 23009-1 §5.15), which are patch operations on XML (RFC 5261): a tree and a patch in, the
//! changed tree out. A patch that fails leaves a tree that is of no use any more.

use super::edits::Edits;
use super::selector::{Selector, Target};
use crate::manifest::ManifestError;
use crate::manifest::xml::{Element, MAX_ELEMENTS};

/// More operations than this are hostile.
const MAX_OPERATIONS: usize = 100_000;

/// Reasons why a patch cannot be applied: the whole manifest is fetched in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// It cannot be read, or the manifest that it makes cannot.
    #[error(transparent)]
    Document(#[from] ManifestError),
    /// It belongs to another manifest, by `@mpdId`.
    #[error("the patch is one of another manifest")]
    Foreign,
    /// It belongs to another state of the manifest, by `@originalPublishTime`.
    #[error("the patch is one of another state of the manifest")]
    Stale,
    /// An address of a node is not of the part of XPath that patches use.
    #[error("the patch has an address that cannot be read: {0}")]
    Selector(String),
    /// An address leads to nothing.
    #[error("the patch changes something that is not there")]
    NoMatch,
    /// An address leads to several nodes.
    #[error("the patch changes one of several things")]
    Ambiguous,
    /// An operation is unknown, or lacks what it needs.
    #[error("the patch has an operation that cannot be carried out: {0}")]
    Operation(String),
    /// A limit that protects the player was exceeded.
    #[error("the patch makes the manifest larger than {0} elements")]
    TooLarge(usize),
}

/// State of a document: its root, and the number of elements that it has had.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tree {
    pub(super) root: Element,
    /// Serial number of the next element.
    next_serial: u32,
    /// Number of elements now.
    size: usize,
}

impl Tree {
    pub(super) fn new(root: Element) -> Self {
        let size = root.size();
        Self { root, next_serial: u32::try_from(size).unwrap_or(u32::MAX).saturating_add(1), size }
    }

    /// Carries out the operations of a patch, in order. Returns what they concerned.
    ///
    /// # Errors
    /// The first thing that is wrong. The tree is changed in part then.
    pub(super) fn apply(&mut self, patch: Element) -> Result<Edits, PatchError> {
        self.must_fit(&patch)?;
        let mut edits = Edits::default();
        if patch.children.len() > MAX_OPERATIONS {
            return Err(PatchError::Operation(format!("more than {MAX_OPERATIONS} operations")));
        }
        for operation in patch.children {
            let sel = operation.attr("sel").map(str::to_owned);
            let sel = sel.ok_or_else(|| PatchError::Operation(format!("{} without sel", operation.name)))?;
            let selector = Selector::read(&sel)?;
            let path = selector.find(&self.root)?;
            match &*operation.name {
                "add" => self.add(operation, &selector, &path, &mut edits)?,
                "replace" => self.replace(operation, &selector, &path, &mut edits)?,
                "remove" => self.remove(&selector, &path, &mut edits)?,
                other => return Err(PatchError::Operation(other.to_owned())),
            }
        }
        Ok(edits)
    }

    /// §5.15.3: `@mpdId` and `@originalPublishTime` name the state that the patch changes.
    fn must_fit(&self, patch: &Element) -> Result<(), PatchError> {
        let told = |name: &str| patch.attr(name).filter(|told| !told.is_empty());
        if told("mpdId").is_some_and(|id| self.root.attr("id") != Some(id)) {
            return Err(PatchError::Foreign);
        }
        let original = told("originalPublishTime");
        let instant = |text: &str| crate::manifest::dates::instant(text);
        let (known, wanted) = (self.root.attr("publishTime"), original);
        let is_same = match (known, wanted) {
            (Some(known), Some(wanted)) => {
                known == wanted || instant(known).is_some_and(|at| instant(wanted) == Some(at))
            }
            // Without a time nothing tells which state it changes.
            _ => false,
        };
        if is_same { Ok(()) } else { Err(PatchError::Stale) }
    }

    fn at(&mut self, path: &[usize]) -> Result<&mut Element, PatchError> {
        let mut element = &mut self.root;
        for at in path {
            element = element.children.get_mut(*at).ok_or(PatchError::NoMatch)?;
        }
        Ok(element)
    }

    fn add(
        &mut self,
        mut operation: Element,
        selector: &Selector<'_>,
        path: &[usize],
        edits: &mut Edits,
    ) -> Result<(), PatchError> {
        if selector.target != Target::Element {
            return Err(PatchError::Operation("add to what is no element".to_owned()));
        }
        if let Some(kind) = operation.attr("type") {
            let name = kind.strip_prefix('@').filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| PatchError::Operation(format!("add of {kind}")))?.to_owned();
            edits.attribute(&self.root, path, &name, Some(operation.text.trim()));
            self.at(path)?.set_attr(&name, operation.text.trim());
            return Ok(());
        }
        let position = operation.attr("pos").unwrap_or_default().to_owned();
        let added = std::mem::take(&mut operation.children);
        if added.is_empty() {
            if !position.is_empty() || operation.text.trim().is_empty() {
                return Err(PatchError::Operation("add of nothing".to_owned()));
            }
            edits.other();
            self.at(path)?.text.push_str(operation.text.trim());
            return Ok(());
        }
        let (parent, at) = match (position.as_str(), path) {
            ("", path) => (path, usize::MAX),
            ("prepend", path) => (path, 0),
            ("before", [parent @ .., last]) => (parent, *last),
            ("after", [parent @ .., last]) => (parent, last + 1),
            _ => return Err(PatchError::Operation(format!("add at {position}"))),
        };
        self.put(parent, at, 0, added.into_iter().collect(), edits)
    }

    fn replace(
        &mut self,
        mut operation: Element,
        selector: &Selector<'_>,
        path: &[usize],
        edits: &mut Edits,
    ) -> Result<(), PatchError> {
        match (selector.target, path) {
            (Target::Attribute(name), path) => {
                if self.at(path)?.attr(name).is_none() {
                    return Err(PatchError::NoMatch);
                }
                edits.attribute(&self.root, path, name, Some(operation.text.trim()));
                self.at(path)?.set_attr(name, operation.text.trim());
                Ok(())
            }
            (Target::Text, path) => {
                edits.text(&self.root, path);
                self.at(path)?.text = operation.text;
                Ok(())
            }
            (Target::Element, [parent @ .., last]) if operation.children.len() == 1 => {
                let by = std::mem::take(&mut operation.children);
                self.put(parent, *last, 1, by.into_iter().collect(), edits)
            }
            (Target::Element, _) => Err(PatchError::Operation("replace by other than one element".to_owned())),
        }
    }

    fn remove(&mut self, selector: &Selector<'_>, path: &[usize], edits: &mut Edits) -> Result<(), PatchError> {
        match (selector.target, path) {
            (Target::Attribute(name), path) => {
                edits.attribute(&self.root, path, name, None);
                if self.at(path)?.remove_attr(name) { Ok(()) } else { Err(PatchError::NoMatch) }
            }
            (Target::Text, path) => {
                edits.text(&self.root, path);
                self.at(path)?.text.clear();
                Ok(())
            }
            (Target::Element, [parent @ .., last]) => self.put(parent, *last, 1, Vec::new(), edits),
            (Target::Element, []) => Err(PatchError::Operation("remove of the whole manifest".to_owned())),
        }
    }

    /// Removes `removed` children of `parent` from `at` on, and puts others into their place.
    fn put(
        &mut self,
        parent: &[usize],
        at: usize,
        removed: usize,
        added: Vec<Element>,
        edits: &mut Edits,
    ) -> Result<(), PatchError> {
        let (mut size, mut serial) = (self.size, self.next_serial);
        let count = added.len();
        let length = self.at(parent)?.children.len();
        let at = at.min(length);
        edits.children(&self.root, parent, at..at + removed, &added);
        let element = self.at(parent)?;
        for _ in 0..removed {
            let gone = element.children.remove(at).ok_or(PatchError::NoMatch)?;
            size = size.saturating_sub(gone.size());
        }
        for (offset, mut child) in added.into_iter().enumerate() {
            number(&mut child, &mut serial);
            size = size.saturating_add(child.size());
            element.children.insert(at + offset, child);
        }
        (self.size, self.next_serial) = (size, serial);
        let is_full = count > 0 && (size > MAX_ELEMENTS || serial == u32::MAX);
        if is_full { Err(PatchError::TooLarge(MAX_ELEMENTS)) } else { Ok(()) }
    }
}

/// Gives new elements numbers of their own.
fn number(element: &mut Element, serial: &mut u32) {
    element.serial = *serial;
    *serial = serial.saturating_add(1);
    for at in 0..element.children.len() {
        if let Some(child) = element.children.get_mut(at) {
            number(child, serial);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::manifest::xml;

    const MPD: &str = "<MPD id='m' publishTime='2026-01-01T00:00:00Z'><Period id='a'><T><S t='0' d='2'/><S d='3'/></T>\
                       </Period><BaseURL>x/</BaseURL></MPD>";

    /// Shows a tree as text, with attributes in order.
    fn show(element: &Element) -> String {
        let attributes: String = ["id", "t", "d", "r", "publishTime"]
            .iter()
            .filter_map(|name| element.attr(name).map(|value| format!(" {name}={value}")))
            .collect();
        let inside: String = element.children.iter().map(show).collect();
        format!("<{}{attributes}>{}{inside}", element.name, element.text.trim())
    }

    fn apply(operations: &str) -> Result<String, PatchError> {
        apply_with("mpdId='m' originalPublishTime='2026-01-01T00:00:00Z'", operations)
    }

    fn apply_with(attributes: &str, operations: &str) -> Result<String, PatchError> {
        let mut tree = Tree::new(xml::parse(MPD).unwrap());
        tree.apply(xml::parse(&format!("<Patch {attributes}>{operations}</Patch>")).unwrap())?;
        assert_eq!(tree.size, tree.root.size());
        Ok(show(&tree.root))
    }

    const HEAD: &str = "<MPD id=m publishTime=2026-01-01T00:00:00Z><Period id=a><T>";

    #[test]
    fn elements_are_added_at_each_position_replaced_and_removed() {
        let timeline = "/MPD/Period[@id='a']/T";
        for (operation, entries) in [
            ("<add sel='T'><S d='4'/><S d='5'/></add>", "<S t=0 d=2><S d=3><S d=4><S d=5>"),
            ("<add sel='T' pos='prepend'><S d='4'/></add>", "<S d=4><S t=0 d=2><S d=3>"),
            ("<add sel='T/S[2]' pos='before'><S d='4'/><S d='5'/></add>", "<S t=0 d=2><S d=4><S d=5><S d=3>"),
            ("<add sel='T/S[2]' pos='after'><S d='4'/></add>", "<S t=0 d=2><S d=3><S d=4>"),
            ("<replace sel='T/S[1]'><S t='1' d='1'/></replace>", "<S t=1 d=1><S d=3>"),
            ("<remove sel='T/S[@t=\"0\"]'/><remove sel='T/S[1]'/>", ""),
            ("<add sel='T/S[2]' type='@r'>7</add>", "<S t=0 d=2><S d=3 r=7>"),
            ("<replace sel='T/S[1]/@t'> 9 </replace>", "<S t=9 d=2><S d=3>"),
            ("<remove sel='T/S[1]/@t'/>", "<S d=2><S d=3>"),
        ] {
            let operation = operation.replace("sel='T", &format!("sel=\"{timeline}")).replace("\"0\"", "'0'");
            let operation = operation.replace("]'", "]\"").replace("@t'", "@t\"").replace("T'", "T\"");
            assert_eq!(apply(&operation).unwrap(), format!("{HEAD}{entries}<BaseURL>x/"), "{operation}");
        }
    }

    #[test]
    fn text_is_replaced_and_removed() {
        let whole = format!("{HEAD}<S t=0 d=2><S d=3><BaseURL>");
        assert_eq!(apply("<replace sel='/MPD/BaseURL/text()'>y/</replace>").unwrap(), whole.clone() + "y/");
        assert_eq!(apply("<remove sel='/MPD/BaseURL/text()'/>").unwrap(), whole.clone());
        assert_eq!(apply("<add sel='/MPD/BaseURL'>z/</add>").unwrap(), whole + "x/z/");
    }

    #[test]
    fn a_patch_of_another_state_or_manifest_is_refused() {
        let time = "originalPublishTime='2026-01-01T00:00:00.000Z'";
        assert!(apply_with(time, "").is_ok(), "the same instant, written otherwise");
        assert_eq!(apply_with(&format!("mpdId='n' {time}"), ""), Err(PatchError::Foreign));
        let later = "originalPublishTime='2026-01-01T00:00:01Z'";
        assert_eq!(apply_with(later, ""), Err(PatchError::Stale));
        assert_eq!(apply_with("mpdId='m'", ""), Err(PatchError::Stale));
    }

    #[test]
    fn operations_that_cannot_be_carried_out_are_refused() {
        let operation = |text: &str| matches!(apply(text), Err(PatchError::Operation(_)));
        for text in [
            "<add sel='/MPD'/>",
            "<add sel='/MPD/@id'><S/></add>",
            "<add sel='/MPD' pos='after'><S/></add>",
            "<add sel='/MPD/Period' pos='under'><S/></add>",
            "<add sel='/MPD' type='namespace::x'>u</add>",
            "<replace sel='/MPD'><MPD/></replace>",
            "<replace sel='/MPD/Period'><Period/><Period/></replace>",
            "<remove sel='/MPD'/>",
            "<move sel='/MPD/Period'/>",
            "<remove/>",
        ] {
            assert!(operation(text), "{text}: {:?}", apply(text));
        }
        assert_eq!(apply("<replace sel='/MPD/@type'>static</replace>"), Err(PatchError::NoMatch));
        assert_eq!(apply("<remove sel='/MPD/@type'/>"), Err(PatchError::NoMatch));
        assert_eq!(apply("<remove sel='/MPD/Nothing'/>"), Err(PatchError::NoMatch));
    }

    #[test]
    fn elements_that_are_added_have_numbers_of_their_own() {
        let mut tree = Tree::new(xml::parse(MPD).unwrap());
        let patch =
            "<Patch originalPublishTime='2026-01-01T00:00:00Z'><add sel='/MPD'><Period><A/></Period><B/></add></Patch>";
        tree.apply(xml::parse(patch).unwrap()).unwrap();
        let mut all = Vec::new();
        let mut open = vec![&tree.root];
        while let Some(element) = open.pop() {
            all.push(element.serial);
            open.extend(element.children.iter());
        }
        all.sort_unstable();
        assert_eq!(all, (1..=9).collect::<Vec<u32>>());
    }

    #[test]
    fn a_manifest_that_grows_without_end_is_refused() {
        let mut tree = Tree::new(xml::parse(MPD).unwrap());
        tree.size = MAX_ELEMENTS;
        let patch = "<Patch originalPublishTime='2026-01-01T00:00:00Z'><add sel='/MPD'><B/></add></Patch>";
        assert_eq!(tree.apply(xml::parse(patch).unwrap()), Err(PatchError::TooLarge(MAX_ELEMENTS)));
    }
}
