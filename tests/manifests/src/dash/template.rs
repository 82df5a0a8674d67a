//! Templates of addresses (ISO/IEC 23009-1 §5.3.9.4.4).

use std::fmt;

/// A template of addresses. A dollar sign of a literal is escaped, so no name can become an identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UrlTemplate {
    text: String,
    has_number: bool,
    has_time: bool,
}

impl UrlTemplate {
    /// Creates a template that begins with a literal, which may be empty.
    pub fn new(literal: &str) -> Self {
        Self::default().literal(literal)
    }

    /// Adds a literal.
    #[must_use]
    pub fn literal(mut self, literal: &str) -> Self {
        self.text.push_str(&literal.replace('$', "$$"));
        self
    }

    /// Adds `$RepresentationID$`.
    #[must_use]
    pub fn representation_id(mut self) -> Self {
        self.text.push_str("$RepresentationID$");
        self
    }

    /// Adds `$Number$`, with leading zeros up to a number of digits. One digit is the least.
    #[must_use]
    pub fn number(mut self, digits: usize) -> Self {
        self.text.push_str(&if digits > 1 { format!("$Number%0{digits}d$") } else { "$Number$".to_owned() });
        self.has_number = true;
        self
    }

    /// Adds `$Time$`, for segments with a timeline.
    #[must_use]
    pub fn time(mut self) -> Self {
        self.text.push_str("$Time$");
        self.has_time = true;
        self
    }

    /// Returns true if the address differs from segment to segment.
    pub(super) const fn is_variable(&self) -> bool {
        self.has_number || self.has_time
    }

    /// Returns true if the address holds the time of the segment.
    pub(super) const fn has_time(&self) -> bool {
        self.has_time
    }
}

impl fmt::Display for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_cannot_become_identifiers() {
        let template = UrlTemplate::new("a/").representation_id().literal("/$Number$-").number(5).literal(".m4s");
        assert_eq!(template.to_string(), "a/$RepresentationID$/$$Number$$-$Number%05d$.m4s");
        assert!(template.is_variable() && !template.has_time());
        assert!(!UrlTemplate::new("$Number$").is_variable() && !UrlTemplate::new("$Time$").is_variable());
        let timed = UrlTemplate::new("a-").time();
        assert_eq!((timed.to_string().as_str(), timed.is_variable(), timed.has_time()), ("a-$Time$", true, true));
        assert_eq!(
            [0, 1, 2].map(|digits| UrlTemplate::new("").number(digits).to_string()),
            ["$Number$", "$Number$", "$Number%02d$"]
        );
    }
}
