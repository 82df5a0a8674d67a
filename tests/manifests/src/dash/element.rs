//! XML elements and their text. This file knows no element of DASH.

use crate::error::check_characters;
use crate::{Layout, ManifestError};

/// An XML element: the content of a descriptor is open to elements of other schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    content: Content,
}

/// Content of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    /// An empty-element tag.
    Empty,
    Text(String),
    Elements(Vec<Element>),
}

impl Element {
    /// Creates an element without attributes and content.
    pub const fn new(name: &'static str) -> Self {
        Self { name, attributes: Vec::new(), content: Content::Empty }
    }

    /// Adds an attribute. Its value is escaped when it is written.
    #[must_use]
    pub fn attribute(mut self, name: &'static str, value: impl ToString) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    /// Makes a text the content, in place of other content. It is escaped when it is written.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.content = Content::Text(text.into());
        self
    }

    /// Makes elements the content, in place of other content. With an empty list the element has a start tag and an end
    /// tag around nothing.
    #[must_use]
    pub fn elements(mut self, elements: Vec<Self>) -> Self {
        self.content = Content::Elements(elements);
        self
    }

    /// Returns the name.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns all attributes in order.
    pub(super) fn attributes(&self) -> &[(&'static str, String)] {
        &self.attributes
    }

    /// Returns the value of an attribute.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the children; `None` if the content is a text or nothing.
    pub(super) fn children(&self) -> Option<&[Self]> {
        match &self.content {
            Content::Elements(elements) => Some(elements),
            Content::Empty | Content::Text(_) => None,
        }
    }

    /// Adds an attribute that may be absent.
    pub(super) fn optional(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.attribute(name, value),
            None => self,
        }
    }

    /// Makes elements the content unless there are none.
    pub(super) fn any_elements(self, elements: Vec<Self>) -> Self {
        if elements.is_empty() { self } else { self.elements(elements) }
    }

    /// Adds the text of the element, with the line break after it, at a depth from the root.
    pub(super) fn push_to(&self, text: &mut String, layout: Layout, depth: usize) -> Result<(), ManifestError> {
        text.extend(std::iter::repeat_n(' ', depth * layout.indentation()));
        self.push_inline(text, layout, depth)?;
        text.push('\n');
        Ok(())
    }

    fn push_inline(&self, text: &mut String, layout: Layout, depth: usize) -> Result<(), ManifestError> {
        text.push('<');
        text.push_str(self.name);
        for (name, value) in &self.attributes {
            text.push(' ');
            text.push_str(name);
            text.push_str("=\"");
            push_escaped(text, name, value)?;
            text.push('"');
        }
        match &self.content {
            Content::Empty => {
                text.push_str("/>");
                return Ok(());
            }
            Content::Text(content) => {
                text.push('>');
                push_escaped(text, self.name, content)?;
            }
            Content::Elements(elements) if layout.is_block(self.name) => {
                text.push_str(">\n");
                for element in elements {
                    element.push_to(text, layout, depth + 1)?;
                }
                text.extend(std::iter::repeat_n(' ', depth * layout.indentation()));
            }
            Content::Elements(elements) => {
                text.push('>');
                for element in elements {
                    element.push_inline(text, layout, depth)?;
                }
            }
        }
        text.push_str("</");
        text.push_str(self.name);
        text.push('>');
        Ok(())
    }
}

/// Adds a text so that a reader gets it back unchanged, in an attribute as in an element (XML 1.0 §2.4, §2.11, §3.3.3):
/// line breaks and tabs would become spaces without escapes. Most control characters cannot stand in XML 1.0 at all.
fn push_escaped(out: &mut String, place: &'static str, text: &str) -> Result<(), ManifestError> {
    check_characters(place, text, is_xml_character)?;
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", character as u32)),
            _ => out.push(character),
        }
    }
    Ok(())
}

/// Returns true for a `Char` of XML 1.0 (§2.2).
const fn is_xml_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn text(element: &Element, layout: Layout) -> String {
        let mut text = String::new();
        element.push_to(&mut text, layout, 0).unwrap();
        text
    }

    #[test]
    fn layouts_differ_in_white_space_only() {
        let inner = Element::new("A").elements(vec![Element::new("B").attribute("c", 1), Element::new("D").text("e")]);
        let root = Element::new("MPD").elements(vec![inner, Element::new("F").elements(Vec::new())]);
        assert_eq!(text(&root, Layout::Compact), "<MPD>\n<A><B c=\"1\"/><D>e</D></A>\n<F></F>\n</MPD>\n");
        let readable = "<MPD>\n  <A>\n    <B c=\"1\"/>\n    <D>e</D>\n  </A>\n  <F>\n  </F>\n</MPD>\n";
        assert_eq!(text(&root, Layout::Readable), readable);
    }

    #[test]
    fn markup_and_line_breaks_are_escaped() {
        let hostile = "\"a\" & <b> ]]> 'c'\t\r\n";
        let escaped = "&quot;a&quot; &amp; &lt;b&gt; ]]&gt; 'c'&#9;&#13;&#10;";
        let element = Element::new("A").attribute("b", hostile).text(hostile);
        assert_eq!(text(&element, Layout::Compact), format!("<A b=\"{escaped}\">{escaped}</A>\n"));
    }

    #[test]
    fn characters_that_xml_cannot_hold_are_errors() {
        for character in ['\0', '\u{b}', '\u{1f}', '\u{fffe}', '\u{ffff}'] {
            let value = format!("a{character}");
            let mut out = String::new();
            let as_text = Element::new("Label").text(value.as_str()).push_to(&mut out, Layout::Compact, 0);
            assert_eq!(as_text, Err(ManifestError::Character { place: "Label", character }));
            let as_value = Element::new("A").attribute("lang", value).push_to(&mut out, Layout::Compact, 0);
            assert_eq!(as_value, Err(ManifestError::Character { place: "lang", character }));
        }
        assert_eq!(text(&Element::new("A").text("\u{7f}\u{10ffff}é"), Layout::Compact), "<A>\u{7f}\u{10ffff}é</A>\n");
    }
}
