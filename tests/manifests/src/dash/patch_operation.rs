//! Operations on XML documents and the paths of their places (RFC 5261).

use super::element::Element;
use crate::ManifestError;

/// An operation of RFC 5261.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatchOperation {
    /// `add` of elements; at least one.
    Add {
        /// An element, by which the place is meant.
        selector: Selector,
        /// Place of the new elements.
        position: Position,
        /// The new elements.
        elements: Vec<Element>,
    },
    /// `add` of an attribute.
    AddAttribute {
        /// Element that gets it.
        selector: Selector,
        /// Name of the attribute.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// `replace` of an element.
    Replace {
        /// Element that goes.
        selector: Selector,
        /// Element in its place.
        element: Element,
    },
    /// `replace` of the value of an attribute.
    ReplaceAttribute {
        /// Element that has it.
        selector: Selector,
        /// Name of the attribute.
        name: &'static str,
        /// Its new value.
        value: String,
    },
    /// `remove` of an element.
    Remove {
        /// Element that goes.
        selector: Selector,
    },
    /// `remove` of an attribute.
    RemoveAttribute {
        /// Element that has it.
        selector: Selector,
        /// Name of the attribute.
        name: &'static str,
    },
}

/// Place of new elements, as `@pos` of an `add`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// The last children of the selected element.
    Append,
    /// The first children of the selected element.
    Prepend,
    /// In front of the selected element.
    Before,
    /// Behind the selected element.
    After,
}

/// A path from the root to one element: the subset of XPath that RFC 5261 §4.1 permits and MPDs need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    name: &'static str,
    predicate: Option<Predicate>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Predicate {
    Attribute(&'static str, String),
    Position(usize),
}

impl Selector {
    /// Returns the path of the root.
    pub fn mpd() -> Self {
        Self { steps: vec![Step { name: "MPD", predicate: None }] }
    }

    fn step(&self, name: &'static str, predicate: Option<Predicate>) -> Self {
        let mut steps = self.steps.clone();
        steps.push(Step { name, predicate });
        Self { steps }
    }

    /// Returns the path of the only child with a name.
    #[must_use]
    pub fn child(&self, name: &'static str) -> Self {
        self.step(name, None)
    }

    /// Returns the path of the child with a name and the value of an attribute.
    #[must_use]
    pub fn child_with(&self, name: &'static str, attribute: &'static str, value: impl Into<String>) -> Self {
        self.step(name, Some(Predicate::Attribute(attribute, value.into())))
    }

    /// Returns the path of a child by its place among those with its name, from 1.
    #[must_use]
    pub fn child_at(&self, name: &'static str, place: usize) -> Self {
        self.step(name, Some(Predicate::Position(place)))
    }

    fn text(&self, attribute: Option<&'static str>) -> Result<String, ManifestError> {
        let mut text = String::new();
        for Step { name, predicate } in &self.steps {
            text.push('/');
            text.push_str(name);
            match predicate {
                None => {}
                Some(Predicate::Position(place)) => text.push_str(&format!("[{place}]")),
                Some(Predicate::Attribute(attribute, value)) => {
                    // A literal of XPath 1.0 has no escapes (§3.7).
                    let quote = match (value.contains('\''), value.contains('"')) {
                        (true, true) => return Err(ManifestError::Character { place: "sel", character: '"' }),
                        (true, false) => '"',
                        (false, _) => '\'',
                    };
                    text.push_str(&format!("[@{attribute}={quote}{value}{quote}]"));
                }
            }
        }
        if let Some(attribute) = attribute {
            text.push_str(&format!("/@{attribute}"));
        }
        Ok(text)
    }
}

impl PatchOperation {
    pub(super) fn element(&self) -> Result<Element, ManifestError> {
        let of = |name, selector: &Selector, attribute| -> Result<Element, ManifestError> {
            Ok(Element::new(name).attribute("sel", selector.text(attribute)?))
        };
        Ok(match self {
            Self::Add { elements, .. } if elements.is_empty() => return Err(ManifestError::Empty { place: "add" }),
            Self::Add { selector, position, elements } => {
                let position = match position {
                    Position::Append => None,
                    Position::Prepend => Some("prepend"),
                    Position::Before => Some("before"),
                    Position::After => Some("after"),
                };
                of("add", selector, None)?.optional("pos", position).elements(elements.clone())
            }
            Self::AddAttribute { selector, name, value } => {
                of("add", selector, None)?.attribute("type", format!("@{name}")).text(value.as_str())
            }
            Self::Replace { selector, element } => of("replace", selector, None)?.elements(vec![element.clone()]),
            Self::ReplaceAttribute { selector, name, value } => {
                of("replace", selector, Some(*name))?.text(value.as_str())
            }
            Self::Remove { selector } => of("remove", selector, None)?,
            Self::RemoveAttribute { selector, name } => of("remove", selector, Some(*name))?,
        })
    }
}
