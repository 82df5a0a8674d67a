//! The addresses of nodes that a patch uses: the part of XPath that RFC 5261 §4.1 allows, without namespaces and
//! functions.

use super::patch::PatchError;
use crate::manifest::document::clip;
use crate::manifest::xml::{Element, MAX_DEPTH};

/// More conditions than this on one step are hostile.
const MAX_CONDITIONS: usize = 8;

/// Address of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selector<'t> {
    /// From the root inwards; at least one.
    steps: Vec<Step<'t>>,
    pub(super) target: Target<'t>,
}

/// Node at the end of the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target<'t> {
    Element,
    Attribute(&'t str),
    Text,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step<'t> {
    /// Local name, or `*`.
    name: &'t str,
    conditions: Vec<Condition<'t>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition<'t> {
    /// Position among those that the conditions before hold for, counted from one.
    Position(usize),
    /// An attribute has this value.
    Attribute(&'t str, &'t str),
}

impl<'t> Selector<'t> {
    /// Reads an address.
    ///
    /// # Errors
    /// [`PatchError::Selector`] if it uses anything else.
    pub(super) fn read(text: &'t str) -> Result<Self, PatchError> {
        Self::try_read(text.trim()).ok_or_else(|| PatchError::Selector(clip(text)))
    }

    fn try_read(text: &'t str) -> Option<Self> {
        let mut rest = text.strip_prefix('/')?;
        let mut steps = Vec::new();
        loop {
            if let Some(name) = rest.strip_prefix('@') {
                let target = Target::Attribute(Some(name).filter(|name| is_name(name))?);
                return (!steps.is_empty()).then_some(Self { steps, target });
            }
            if matches!(rest, "text()" | "text()[1]") {
                return (!steps.is_empty()).then_some(Self { steps, target: Target::Text });
            }
            let (step, after) = Step::read(rest)?;
            steps.push(step);
            if steps.len() > MAX_DEPTH {
                return None;
            }
            if after.is_empty() {
                return Some(Self { steps, target: Target::Element });
            }
            rest = after.strip_prefix('/')?;
        }
    }

    /// Finds the element of the last step: the position of a child on each level, from the root inwards.
    ///
    /// # Errors
    /// [`PatchError::NoMatch`], or [`PatchError::Ambiguous`] if more than one node is meant.
    pub(super) fn find(&self, root: &Element) -> Result<Vec<usize>, PatchError> {
        let mut steps = self.steps.iter();
        let first = steps.next().filter(|step| step.fits_root(root));
        let mut element = first.map(|_| root).ok_or(PatchError::NoMatch)?;
        let mut path = Vec::with_capacity(self.steps.len());
        for step in steps {
            let at = step.find(element)?;
            path.push(at);
            element = element.children.get(at).ok_or(PatchError::NoMatch)?;
        }
        Ok(path)
    }
}

impl<'t> Step<'t> {
    fn read(text: &'t str) -> Option<(Self, &'t str)> {
        let end = text.find(['[', '/']).unwrap_or(text.len());
        let (name, mut rest) = text.split_at_checked(end)?;
        let name = name.rsplit(':').next().filter(|name| *name == "*" || is_name(name))?;
        let mut conditions = Vec::new();
        while let Some(inside) = rest.strip_prefix('[') {
            let (condition, after) = Condition::read(inside)?;
            conditions.push(condition);
            if conditions.len() > MAX_CONDITIONS {
                return None;
            }
            rest = after;
        }
        Some((Self { name, conditions }, rest))
    }

    fn fits_root(&self, root: &Element) -> bool {
        let holds = |condition: &Condition<'_>| match condition {
            Condition::Position(at) => *at == 1,
            Condition::Attribute(..) => condition.holds(root),
        };
        self.is_named(root) && self.conditions.iter().all(holds)
    }

    fn is_named(&self, element: &Element) -> bool {
        self.name == "*" || *element.name == *self.name
    }

    fn find(&self, parent: &Element) -> Result<usize, PatchError> {
        let children = &parent.children;
        match self.conditions.as_slice() {
            [Condition::Position(at)] if self.name == "*" || children.are_all(self.name) => {
                let at = at.checked_sub(1).filter(|at| *at < children.len());
                return at.ok_or(PatchError::NoMatch);
            }
            // One of very many, and what is meant lies near either end.
            [condition @ Condition::Attribute(..)] if children.are_all(self.name) && self.name == "S" => {
                let forward = 0..children.len();
                let mut both = forward.clone().zip(forward.rev()).flat_map(|(first, last)| [first, last]);
                let fits = |at: &usize| children.get(*at).is_some_and(|child| condition.holds(child));
                return both.find(fits).ok_or(PatchError::NoMatch);
            }
            _ => {}
        }
        let named = children.iter().enumerate().filter(|(_, child)| self.is_named(child));
        let mut found: Vec<(usize, &Element)> = named.collect();
        for condition in &self.conditions {
            match condition {
                Condition::Position(at) => {
                    let at = at.checked_sub(1).and_then(|at| found.get(at).copied());
                    found = at.into_iter().collect();
                }
                Condition::Attribute(..) => found.retain(|(_, child)| condition.holds(child)),
            }
        }
        match found.as_slice() {
            [(at, _)] => Ok(*at),
            [] => Err(PatchError::NoMatch),
            _ => Err(PatchError::Ambiguous),
        }
    }
}

impl<'t> Condition<'t> {
    /// Reads a condition, of which the opening bracket was read.
    fn read(text: &'t str) -> Option<(Self, &'t str)> {
        let Some(test) = text.strip_prefix('@') else {
            let (number, rest) = text.split_once(']')?;
            return Some((Self::Position(number.trim().parse().ok()?), rest));
        };
        let (name, value) = test.split_once('=')?;
        let value = value.trim_start();
        let quote = value.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        let (value, rest) = value.get(1..)?.split_once(quote)?;
        let name = Some(name.trim()).filter(|name| is_name(name))?;
        Some((Self::Attribute(name, value), rest.trim_start().strip_prefix(']')?))
    }

    fn holds(&self, element: &Element) -> bool {
        match self {
            Self::Position(_) => true,
            Self::Attribute(name, value) => element.attr(name) == Some(value.trim()),
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::manifest::xml;

    const DOCUMENT: &str = "<MPD id='m'><Period id='a'/><Period id='b/]['><x:A/><B/><A k='1'/><A k='1' j='2'/><T><S t='0'/>\
                            <S t='5'/><S/></T></Period></MPD>";

    fn found(selector: &str) -> Result<Vec<usize>, PatchError> {
        Selector::read(selector)?.find(&xml::parse(DOCUMENT).unwrap())
    }

    #[test]
    fn steps_positions_and_attributes() {
        for (selector, path) in [
            ("/MPD", &[][..]),
            ("/MPD[@id='m'][1]/@publishTime", &[]),
            ("/mpd:MPD/Period[1]", &[0]),
            ("/MPD/Period[@id=\"b/][\"]", &[1]),
            ("/MPD/*[2]/*[2]", &[1, 1]),
            ("/MPD/Period[2]/A[2]", &[1, 2]),
            ("/MPD/Period[2]/A[@k='1'][2]", &[1, 3]),
            ("/MPD/Period[2]/A[@k='1'][@j = '2']/text()", &[1, 3]),
            ("/MPD/Period[2]/T/S[3]", &[1, 4, 2]),
            ("/MPD/Period[2]/T/S[@t='5']/@r", &[1, 4, 1]),
        ] {
            assert_eq!(found(selector).unwrap(), path, "{selector}");
        }
        assert_eq!(Selector::read("/M/@xlink:href").unwrap().target, Target::Attribute("xlink:href"));
        assert_eq!(Selector::read(" /M/text() ").unwrap().target, Target::Text);
    }

    #[test]
    fn what_is_not_there_or_not_alone_is_refused() {
        for selector in ["/Mpd", "/MPD[2]", "/MPD/Period[3]", "/MPD/Period[0]", "/MPD/Period[2]/T/S[@t='7']", "/MPD/T"]
        {
            assert_eq!(found(selector), Err(PatchError::NoMatch), "{selector}");
        }
        for selector in ["/MPD/Period", "/MPD/Period[2]/A[@k='1']", "/MPD/*"] {
            assert_eq!(found(selector), Err(PatchError::Ambiguous), "{selector}");
        }
    }

    #[test]
    fn anything_else_of_the_language_is_refused() {
        let deep = "/a".repeat(MAX_DEPTH + 1);
        let conditions = format!("/a{}", "[1]".repeat(MAX_CONDITIONS + 1));
        let others = ["", "MPD", "//S", "/", "/@id", "/text()", "/MPD/", "/MPD[", "/MPD[x]", "/MPD[-1]", "/MPD[@a]"];
        let more = ["/MPD[@a=b]", "/MPD[@a='b'", "/MPD[@a='b]", "/MPD/@", "/MPD/@a/b", "/MPD/id('x')", "/MPD[last()]"];
        for selector in others.into_iter().chain(more).chain([deep.as_str(), &conditions]) {
            assert!(matches!(Selector::read(selector), Err(PatchError::Selector(_))), "{selector}");
        }
    }
}
