//! URI references (RFC 3986 §4.1), which both formats hold.

use crate::ManifestError;
use crate::error::{check_characters, check_not_empty};

/// Returns an error unless a text is made of the characters of a URI reference. Others must be percent-encoded, and only
/// the author of an address knows which.
pub(crate) fn check_uri(place: &'static str, text: &str) -> Result<(), ManifestError> {
    check_not_empty(place, text)?;
    check_characters(place, text, is_uri_character)
}

fn is_uri_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_no_white_space_quotes_or_braces() {
        assert_eq!(check_uri("URI", "http://h:1/a%20b/~c?d=e&f='g'#h"), Ok(()));
        assert_eq!(check_uri("URI", ""), Err(ManifestError::Empty { place: "URI" }));
        for character in [' ', '\n', '\r', '\t', '"', '<', '>', '{', '}', '\\', '\0', 'é', '\u{2028}'] {
            let text = format!("a{character}b");
            assert_eq!(check_uri("URI", &text), Err(ManifestError::Character { place: "URI", character }));
        }
    }
}
