//! The XML of a document as a small tree of the elements and attributes that count, text kept where it stands.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::TtmlError;
use super::names::{Attribute, Namespace, Tag};

/// Nesting deeper than this is hostile; documents need about eight levels.
const MAX_DEPTH: usize = 64;
/// More elements that count than this are hostile: the longest subtitles have some fifty thousand.
const MAX_ELEMENTS: usize = 400_000;
/// Attributes of an element that are looked at.
const MAX_ATTRIBUTES: usize = 128;
/// Namespace declarations in scope that are remembered.
const MAX_DECLARATIONS: usize = 128;

/// An element that counts.
#[derive(Debug)]
pub(super) struct Element {
    pub tag: Tag,
    attributes: Vec<(Attribute, Box<str>)>,
    pub children: Vec<Node>,
}

/// Content of an element.
#[derive(Debug)]
pub(super) enum Node {
    Element(Element),
    /// Character data, references resolved.
    Text(String),
}

impl Element {
    /// One of TTML's own attributes, surrounding white space removed.
    pub fn core(&self, local: &str) -> Option<&str> {
        self.get(Namespace::Core, local)
    }

    /// An attribute, surrounding white space removed.
    pub fn get(&self, namespace: Namespace, local: &str) -> Option<&str> {
        let same = |known: &Attribute| known.namespace == namespace && known.local == local;
        self.attributes.iter().find(|(known, _)| same(known)).map(|(_, value)| value.trim())
    }

    /// `xml:id`, or the `id` of older documents.
    pub fn id(&self) -> Option<&str> {
        self.get(Namespace::Xml, "id").or_else(|| self.core("id"))
    }

    /// The attributes of a namespace, in order.
    pub fn all(&self, namespace: Namespace) -> impl Iterator<Item = (&'static str, &str)> {
        let these = self.attributes.iter().filter(move |(known, _)| known.namespace == namespace);
        these.map(|(known, value)| (known.local, value.trim()))
    }

    /// The child elements, in order.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The first child element of that name.
    pub fn first(&self, tag: Tag) -> Option<&Element> {
        self.elements().find(|element| element.tag == tag)
    }
}

/// Reads a document and gives its `tt` element.
pub(super) fn parse(text: &str) -> Result<Element, TtmlError> {
    let mut reader = reader(text);
    let mut builder = Builder::default();
    loop {
        let offset = reader.buffer_position();
        let event = reader.read_event().map_err(|error| damaged(error.to_string(), reader.error_position()))?;
        let done = match event {
            Event::Start(start) => {
                builder.open(&start, offset)?;
                None
            }
            Event::Empty(start) => {
                builder.open(&start, offset)?;
                builder.close()
            }
            Event::End(_) => builder.close(),
            Event::Text(text) => {
                builder.text(&text.xml10_content());
                None
            }
            Event::CData(text) => {
                builder.text(&text.xml10_content());
                None
            }
            Event::GeneralRef(reference) => {
                match reference.resolve_char_ref() {
                    Ok(Some(c)) => builder.text(c.encode_utf8(&mut [0; 4])),
                    _ => builder.text(predefined(&reference)),
                }
                None
            }
            Event::Eof if builder.depth == 0 => return Err(TtmlError::NotTtml("there is no element".to_owned())),
            Event::Eof => return Err(damaged("the document ends inside an element".to_owned(), offset)),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => None,
        };
        if let Some(root) = done {
            return Ok(root);
        }
    }
}

/// True when the first element is a `tt` of TTML.
pub(super) fn root_is_tt(text: &str) -> bool {
    let mut reader = reader(text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start) | Event::Empty(start)) => {
                let mut scope = Vec::new();
                declare(&start, 0, &mut scope);
                return tag(&start, &scope) == Some(Tag::Tt);
            }
            Ok(Event::Eof) | Err(_) => return false,
            Ok(_) => {}
        }
    }
}

fn reader(text: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']));
    reader.config_mut().allow_dangling_amp = true;
    reader
}

fn predefined(name: &str) -> &'static str {
    match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        "nbsp" => "\u{a0}",
        // Entities of a document type are not expanded: nothing good comes from them.
        _ => "",
    }
}

fn damaged(message: String, offset: u64) -> TtmlError {
    TtmlError::Malformed { message, offset }
}

/// A namespace declaration and how deep it stands.
type Declaration = (usize, Box<str>, Namespace);

/// Elements that are open, outermost first.
#[derive(Default)]
struct Builder {
    open: Vec<Element>,
    /// Number of open elements, including those that do not count.
    depth: usize,
    /// The depth of the outermost open element that does not count.
    skipping: Option<usize>,
    declarations: Vec<Declaration>,
    elements: usize,
}

impl Builder {
    fn open(&mut self, start: &BytesStart<'_>, offset: u64) -> Result<(), TtmlError> {
        if self.depth >= MAX_DEPTH {
            return Err(TtmlError::TooLarge { what: "levels of nesting", limit: MAX_DEPTH });
        }
        self.depth += 1;
        if self.skipping.is_some() {
            return Ok(());
        }
        declare(start, self.depth, &mut self.declarations);
        let tag = tag(start, &self.declarations);
        if self.open.is_empty() && tag != Some(Tag::Tt) {
            return Err(TtmlError::NotTtml(format!("its root is '{:.40}'", start.name().into_inner())));
        }
        let Some(tag) = tag else {
            self.skipping = Some(self.depth);
            return Ok(());
        };
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(TtmlError::TooLarge { what: "elements", limit: MAX_ELEMENTS });
        }
        let mut attributes = Vec::new();
        for attribute in start.attributes().with_checks(false).take(MAX_ATTRIBUTES) {
            let attribute = attribute.map_err(|error| damaged(error.to_string(), offset))?;
            let (prefix, local) = split(attribute.key.into_inner());
            let namespace = if prefix.is_empty() { Namespace::Core } else { resolve(prefix, &self.declarations) };
            if let Some(name) = Attribute::of(namespace, local) {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                attributes.push((name, value.unwrap_or_else(|_| attribute.value.clone()).into()));
            }
        }
        self.open.push(Element { tag, attributes, children: Vec::new() });
        Ok(())
    }

    /// Closes an element; gives the outermost.
    fn close(&mut self) -> Option<Element> {
        let depth = self.depth;
        self.depth = depth.saturating_sub(1);
        while self.declarations.last().is_some_and(|(at, _, _)| *at >= depth) {
            self.declarations.pop();
        }
        match self.skipping {
            Some(at) if at == depth => {
                self.skipping = None;
                return None;
            }
            Some(_) => return None,
            None => {}
        }
        let element = self.open.pop()?;
        match self.open.last_mut() {
            Some(parent) => {
                parent.children.push(Node::Element(element));
                None
            }
            None => Some(element),
        }
    }

    /// Adds text to the innermost element, where text counts.
    fn text(&mut self, text: &str) {
        let Some(parent) = self.open.last_mut().filter(|parent| matches!(parent.tag, Tag::P | Tag::Span)) else {
            return;
        };
        if self.skipping.is_some() || text.is_empty() {
            return;
        }
        if let Some(Node::Text(before)) = parent.children.last_mut() {
            before.push_str(text);
        } else {
            parent.children.push(Node::Text(text.into()));
        }
    }
}

/// Remembers the namespaces that an element declares.
fn declare(start: &BytesStart<'_>, depth: usize, declarations: &mut Vec<Declaration>) {
    for attribute in start.attributes().with_checks(false).take(MAX_ATTRIBUTES).flatten() {
        let prefix = match split(attribute.key.into_inner()) {
            ("", "xmlns") => "",
            ("xmlns", prefix) => prefix,
            _ => continue,
        };
        if declarations.len() < MAX_DECLARATIONS {
            let namespace = match &*attribute.value {
                "" => Namespace::customary(prefix),
                address => Namespace::of(address.trim()),
            };
            declarations.push((depth, prefix.into(), namespace));
        }
    }
}

fn tag(start: &BytesStart<'_>, declarations: &[Declaration]) -> Option<Tag> {
    let (prefix, local) = split(start.name().into_inner());
    Tag::of(resolve(prefix, declarations), local)
}

fn resolve(prefix: &str, declarations: &[Declaration]) -> Namespace {
    let declared = declarations.iter().rev().find(|(_, known, _)| **known == *prefix);
    declared.map_or_else(|| Namespace::customary(prefix), |&(_, _, namespace)| namespace)
}

fn split(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
}
