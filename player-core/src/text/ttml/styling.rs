//! The head's styles (TTML2 §10.1): which properties an element has by reference, by nested `style` elements and by
//! its own attributes, the later stronger.

use std::collections::HashMap;

use super::names::Tag;
use super::style::Declared;
use super::time::Nanos;
use super::tree::Element;

/// References from style to style that are followed; longer chains end there, and so do circles.
const MAX_CHAIN: usize = 32;

/// Declarations of a `set` element, with the time in which they hold (TTML2 §13.1.1).
#[derive(Debug)]
pub(super) struct TimedStyle {
    pub begin: Nanos,
    pub end: Nanos,
    pub declared: Declared,
}

/// The styles of a document.
#[derive(Debug, Default)]
pub(super) struct Styling {
    by_id: HashMap<String, Declared>,
    /// Initial values of properties (`initial` elements).
    pub initial: Declared,
}

/// The `style` elements, while references are being followed.
struct Sources<'a> {
    by_id: HashMap<&'a str, &'a Element>,
    /// Finished, or begun and not finished: those are part of a circle when met again.
    resolved: HashMap<&'a str, Option<Declared>>,
}

impl Styling {
    /// Reads the `styling` elements of a head.
    pub fn read(head: &Element) -> Self {
        let mut styling = Self::default();
        let mut sources = Sources { by_id: HashMap::new(), resolved: HashMap::new() };
        let stylings = || head.elements().filter(|element| element.tag == Tag::Styling).flat_map(Element::elements);
        for element in stylings() {
            match (element.tag, element.id()) {
                (Tag::Initial, _) => styling.initial.overlay(&Declared::inline(element)),
                (Tag::Style, Some(id)) => {
                    sources.by_id.entry(id).or_insert(element);
                }
                _ => {}
            }
        }
        for id in stylings().filter_map(Element::id) {
            sources.resolve(id, 0);
        }
        let finished = sources.resolved.into_iter().filter_map(|(id, style)| Some((id.to_owned(), style?)));
        styling.by_id = finished.collect();
        styling
    }

    /// Returns the properties that an element declares, by reference and itself.
    pub fn declared(&self, element: &Element) -> Declared {
        let mut declared = Declared::default();
        for style in references(element).filter_map(|id| self.by_id.get(id)) {
            declared.overlay(style);
        }
        for nested in element.elements().filter(|nested| nested.tag == Tag::Style) {
            declared.overlay(&self.declared(nested));
        }
        declared.overlay(&Declared::inline(element));
        declared
    }
}

impl<'a> Sources<'a> {
    fn resolve(&mut self, id: &'a str, depth: usize) -> Option<Declared> {
        if let Some(known) = self.resolved.get(id) {
            return *known;
        }
        let element = *self.by_id.get(id)?;
        self.resolved.insert(id, None);
        let mut declared = Declared::default();
        if depth < MAX_CHAIN {
            for style in references(element) {
                if let Some(style) = self.resolve(style, depth + 1) {
                    declared.overlay(&style);
                }
            }
        }
        declared.overlay(&Declared::inline(element));
        self.resolved.insert(id, Some(declared));
        Some(declared)
    }
}

fn references(element: &Element) -> impl Iterator<Item = &str> {
    element.core("style").into_iter().flat_map(str::split_ascii_whitespace)
}
