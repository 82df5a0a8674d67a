//! A small read-only tree of an XML document, with line numbers and limits. It knows no element of any format.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::ManifestError;
use super::children::Children;

/// Nesting deeper than this is hostile; an MPD needs ten levels.
pub(super) const MAX_DEPTH: usize = 64;
/// More elements than this are hostile: a day of two-second segments in ten timelines has half as many.
pub(super) const MAX_ELEMENTS: usize = 1_000_000;
/// More attributes than this on one element are hostile.
const MAX_ATTRIBUTES: usize = 1000;

/// An element. Names are local: prefixes are dropped from elements and kept on attributes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Element {
    pub(super) name: Box<str>,
    pub(super) line: u32,
    /// Number of the element in the document, counted from one.
    pub(super) serial: u32,
    attributes: Vec<(Box<str>, Box<str>)>,
    pub(super) children: Children,
    /// All character data directly inside, entities resolved; of a verbatim element with children, its content as
    /// written.
    pub(super) text: String,
}

impl Element {
    /// The attribute `name` without a prefix, surrounding white space removed.
    pub(super) fn attr(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| **known == *name).map(|(_, value)| value.trim())
    }

    /// The attribute whose local name is `name`, whatever its prefix.
    pub(super) fn any_attr(&self, name: &str) -> Option<&str> {
        let local = |known: &str| known.rsplit(':').next() == Some(name);
        self.attributes.iter().find(|(known, _)| local(known)).map(|(_, value)| value.trim())
    }

    /// The attribute as a number; `None` when it is absent or is none.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.attr(name)?.parse().ok()
    }

    /// Sets an attribute, which is added if it is not there.
    pub(super) fn set_attr(&mut self, name: &str, value: &str) {
        match self.attributes.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, known)) => *known = value.into(),
            None => self.attributes.push((name.into(), value.into())),
        }
    }

    /// Removes an attribute; false if it is not there.
    pub(super) fn remove_attr(&mut self, name: &str) -> bool {
        let before = self.attributes.len();
        self.attributes.retain(|(known, _)| **known != *name);
        self.attributes.len() < before
    }

    /// The number of elements in it, itself included.
    pub(super) fn size(&self) -> usize {
        self.children.iter().map(Self::size).fold(1, usize::saturating_add)
    }

    /// The children of that name, in order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> + 'a {
        self.children.iter().filter(move |child| *child.name == *name)
    }

    /// The first child of that name.
    pub(super) fn first(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| *child.name == *name)
    }
}

/// Reads a document and gives its root element.
///
/// # Errors
/// [`ManifestError::Malformed`] with the line, or [`ManifestError::TooLarge`].
#[cfg(test)]
pub(super) fn parse(text: &str) -> Result<Element, ManifestError> {
    parse_with(text, &[])
}

/// The same; the content of elements named in `verbatim` is kept as it is written, too.
///
/// # Errors
/// As [`parse`].
pub(super) fn parse_with(text: &str, verbatim: &[&str]) -> Result<Element, ManifestError> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().allow_dangling_amp = true;
    let mut lines = Lines { text, at: 0, line: 1 };
    let mut open: Vec<Element> = Vec::new();
    // Where the content of the outermost open verbatim element begins, and how deep it lies.
    let mut kept: Option<(usize, usize)> = None;
    let mut elements = 0_usize;
    loop {
        let position = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = reader.read_event().map_err(|error| {
            let at = usize::try_from(reader.error_position()).unwrap_or(usize::MAX);
            malformed(&error.to_string(), lines.at(at))
        })?;
        match event {
            Event::Start(start) => {
                count(&mut elements)?;
                if open.len() >= MAX_DEPTH {
                    return Err(too_large("the nesting of the XML", MAX_DEPTH));
                }
                let element = element(&start, lines.at(position), elements)?;
                if kept.is_none() && verbatim.contains(&&*element.name) {
                    kept = usize::try_from(reader.buffer_position()).ok().map(|begin| (begin, open.len() + 1));
                }
                open.push(element);
            }
            Event::Empty(start) => {
                count(&mut elements)?;
                let element = element(&start, lines.at(position), elements)?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => return Ok(element),
                }
            }
            Event::End(_) => {
                let Some(mut element) = open.pop() else { continue };
                if let Some((begin, _)) = kept.take_if(|(_, depth)| *depth == open.len() + 1)
                    && !element.children.is_empty()
                {
                    element.text = text.get(begin..position).unwrap_or_default().to_owned();
                }
                match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => return Ok(element),
                }
            }
            Event::Text(text) => {
                if let Some(parent) = open.last_mut() {
                    parent.text.push_str(&text.xml10_content());
                }
            }
            Event::CData(text) => {
                if let Some(parent) = open.last_mut() {
                    parent.text.push_str(&text.xml10_content());
                }
            }
            Event::GeneralRef(reference) => {
                if let Some(parent) = open.last_mut() {
                    match reference.resolve_char_ref() {
                        Ok(Some(c)) => parent.text.push(c),
                        _ => parent.text.push_str(predefined(&reference).unwrap_or_default()),
                    }
                }
            }
            Event::Eof => {
                let inside = open.last().map_or("the document", |element| &element.name);
                return Err(malformed(&format!("the document ends inside {inside}"), lines.at(position)));
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

fn predefined(name: &str) -> Option<&'static str> {
    match name {
        "amp" => Some("&"),
        "lt" => Some("<"),
        "gt" => Some(">"),
        "quot" => Some("\""),
        "apos" => Some("'"),
        // Entities of a document type are not expanded: nothing good comes from them.
        _ => None,
    }
}

fn count(elements: &mut usize) -> Result<(), ManifestError> {
    *elements += 1;
    if *elements > MAX_ELEMENTS { Err(too_large("the number of XML elements", MAX_ELEMENTS)) } else { Ok(()) }
}

fn element(start: &BytesStart<'_>, line: u32, number: usize) -> Result<Element, ManifestError> {
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| malformed(&error.to_string(), line))?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap_or_else(|_| attribute.value.clone());
        attributes.push((attribute.key.into_inner().into(), value.into()));
        if attributes.len() > MAX_ATTRIBUTES {
            return Err(too_large("the number of XML attributes", MAX_ATTRIBUTES));
        }
    }
    let name = start.local_name().into_inner().into();
    let serial = u32::try_from(number).unwrap_or(u32::MAX);
    Ok(Element { name, line, serial, attributes, ..Element::default() })
}

fn malformed(message: &str, line: u32) -> ManifestError {
    ManifestError::Malformed { message: format!("broken XML: {message}"), line: Some(line) }
}

fn too_large(what: &str, limit: usize) -> ManifestError {
    ManifestError::TooLarge { what: what.to_owned(), limit: limit as u64 }
}

/// Counts lines up to positions that only grow.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u32,
}

impl Lines<'_> {
    fn at(&mut self, position: usize) -> u32 {
        let end = position.min(self.text.len());
        if let Some(passed) = self.text.as_bytes().get(self.at..end) {
            let breaks = passed.iter().filter(|byte| **byte == b'\n').count();
            self.line = self.line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
            self.at = end;
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_tree_has_lines_local_names_and_resolved_text() {
        let root = parse("<?xml version='1.0'?>\n<x:MPD a='1&amp;2' x:b=' c '>\n <B>u?a=1&amp;b=&#50;<![CDATA[<]]></B>\n <S/></x:MPD>")
            .unwrap();
        assert_eq!((&*root.name, root.line, root.attr("a"), root.attr("b")), ("MPD", 2, Some("1&2"), None));
        assert_eq!(root.any_attr("b"), Some("c"));
        assert_eq!(root.first("B").unwrap().text, "u?a=1&b=2<");
        assert_eq!(root.first("S").unwrap().line, 4);
    }

    #[test]
    fn verbatim_elements_keep_their_content_as_written() {
        let root = parse_with("<M><E> <x:a b='1'>t&amp;</x:a> </E><E>a&lt;b</E><E/></M>", &["E"]).unwrap();
        let texts: Vec<&str> = root.all("E").map(|element| element.text.as_str()).collect();
        assert_eq!(texts, [" <x:a b='1'>t&amp;</x:a> ", "a<b", ""]);
    }

    #[test]
    fn damage_is_reported_with_its_line_and_depth_is_limited() {
        let line = |text: &str| match parse(text) {
            Err(ManifestError::Malformed { line, .. }) => line,
            other => panic!("{other:?}"),
        };
        assert_eq!(line("<MPD>\n<Period>\n"), Some(3));
        assert_eq!(line("<MPD>\n\n</Period>"), Some(3));
        assert!(matches!(parse(&"<a>".repeat(1_000_000)), Err(ManifestError::TooLarge { .. })));
    }

    #[test]
    fn limits_are_inclusive() {
        let attributes = |count: usize| (0..count).fold(String::from("<a"), |text, at| text + &format!(" a{at}=''"));
        let attributes = |count: usize| parse(&(attributes(count) + "/>")).is_ok();
        assert_eq!([MAX_ATTRIBUTES, MAX_ATTRIBUTES + 1].map(attributes), [true, false]);
        let nested = |depth: usize| parse(&("<a>".repeat(depth) + &"</a>".repeat(depth))).is_ok();
        assert_eq!([MAX_DEPTH, MAX_DEPTH + 1].map(nested), [true, false]);
        let mut elements = MAX_ELEMENTS - 1;
        assert_eq!([count(&mut elements).is_ok(), count(&mut elements).is_ok()], [true, false]);
    }
}
