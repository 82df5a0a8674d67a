//! Reasons why a manifest cannot be written.

use std::time::Duration;

/// Reason why a manifest cannot be written. A `place` is an attribute, tag or element by its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// A value has a character that its place cannot hold, and the format has no way to escape it.
    #[error("{place} cannot hold {character:?}")]
    Character {
        /// Place of the value.
        place: &'static str,
        /// First such character.
        character: char,
    },
    /// A value that must not be empty is empty.
    #[error("{place} is empty")]
    Empty {
        /// Place of the value.
        place: &'static str,
    },
    /// A reader would take part of a value for a reference to a variable (RFC 8216bis §4.3).
    #[error("{place} holds the variable reference {reference}")]
    VariableReference {
        /// Place of the value.
        place: &'static str,
        /// The reference with its braces.
        reference: String,
    },
    /// A number lies outside of the range of its place.
    #[error("{place} cannot be {value}")]
    OutOfRange {
        /// Place of the number.
        place: &'static str,
        /// The number as text.
        value: String,
    },
    /// Two things that must differ have the same name.
    #[error("two of {place} are named {name:?}")]
    Duplicate {
        /// Place of the name.
        place: &'static str,
        /// Name that appears again.
        name: String,
    },
    /// A variant names a group that no rendition of that type belongs to (RFC 8216bis §4.4.6.2).
    #[error("no rendition belongs to the group {name:?} that {place} names")]
    UnknownGroup {
        /// Attribute of the variant.
        place: &'static str,
        /// Name of the group.
        name: String,
    },
    /// Two attributes or tags contradict each other.
    #[error("{place}: {reason}")]
    Contradiction {
        /// Place of the later one.
        place: &'static str,
        /// Contradiction as a phrase.
        reason: &'static str,
    },
    /// A segment is longer than the target duration, both in whole seconds (RFC 8216bis §4.4.3.1).
    #[error("a segment lasts {duration:?}, the target duration is {target_duration} s")]
    SegmentTooLong {
        /// Duration of the segment.
        duration: Duration,
        /// Target duration in seconds.
        target_duration: u64,
    },
}

/// Returns an error for the first character of a text for which `is_allowed` is false.
pub(crate) fn check_characters(
    place: &'static str,
    text: &str,
    is_allowed: impl Fn(char) -> bool,
) -> Result<(), ManifestError> {
    match text.chars().find(|character| !is_allowed(*character)) {
        Some(character) => Err(ManifestError::Character { place, character }),
        None => Ok(()),
    }
}

/// Returns an error for an empty text.
pub(crate) fn check_not_empty(place: &'static str, text: &str) -> Result<(), ManifestError> {
    if text.is_empty() { Err(ManifestError::Empty { place }) } else { Ok(()) }
}

/// Returns an error for a number that is false by its range.
pub(crate) fn check_range(place: &'static str, value: impl ToString, is_valid: bool) -> Result<(), ManifestError> {
    if is_valid { Ok(()) } else { Err(ManifestError::OutOfRange { place, value: value.to_string() }) }
}
