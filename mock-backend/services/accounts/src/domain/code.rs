//! Codes that people type: eight letters of an alphabet without vowels and look-alikes (RFC 8628 §6.1).

use kinora_kit::keyfile;

/// Letters of a code.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Number of letters: 34 bits.
const LENGTH: usize = 8;
/// Maximum number of bytes that are looked at.
const MAX_TYPED: usize = 64;

/// A code in its one form: eight letters.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// Makes a code from the generator of the operating system.
    ///
    /// # Errors
    /// When it gives nothing.
    pub fn generate() -> std::io::Result<Self> {
        let mut code = String::with_capacity(LENGTH);
        while code.len() < LENGTH {
            // Bytes from 240 on would make some letters likelier than others.
            let fair = keyfile::random::<16>()?.into_iter().filter(|byte| *byte < 240);
            code.extend(fair.take(LENGTH - code.len()).map(|byte| char::from(ALPHABET[usize::from(byte) % 20])));
        }
        Ok(Self(code))
    }

    /// Reads what somebody typed: case, spaces and hyphens do not matter. Returns `None` for what can be no code.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > MAX_TYPED {
            return None;
        }
        let letters = typed.chars().filter(|c| !matches!(c, ' ' | '-' | '\t')).map(|c| c.to_ascii_uppercase());
        let code: String = letters.collect();
        let is_code = code.len() == LENGTH && code.bytes().all(|byte| ALPHABET.contains(&byte));
        is_code.then_some(Self(code))
    }

    /// Returns the letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form for people, `XXXX-XXXX`.
    pub fn shown(&self) -> String {
        let (first, second) = self.0.split_at(LENGTH / 2);
        format!("{first}-{second}")
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::{ALPHABET, Code};
    use proptest::prelude::*;

    #[test]
    fn a_code_reads_back_however_it_is_typed() {
        let code = Code::generate().expect("randomness");
        let shown = code.shown();
        assert_eq!((shown.len(), shown.as_bytes()[4]), (9, b'-'));
        for typed in [shown.clone(), shown.to_lowercase(), shown.replace('-', " "), format!(" {} ", code.as_str())] {
            assert_eq!(Code::parse(&typed), Some(code.clone()));
        }
        for wrong in ["", "BCDF-GHJ", "BCDF-GHJKL", "BCDF-GHJA", "BCDF-GHJ0", "ÄBCDFGHJ"] {
            assert_eq!(Code::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Code::parse(&" ".repeat(100)), None);
        assert!(!format!("{code:?}").contains(code.as_str()));
    }

    #[test]
    fn every_letter_comes_up() {
        let letters: String = (0..200).map(|_| Code::generate().expect("randomness").0).collect();
        assert!(ALPHABET.iter().all(|letter| letters.as_bytes().contains(letter)));
    }

    proptest! {
        #[test]
        fn what_is_read_has_one_form(typed in "\\PC{0,20}") {
            if let Some(code) = Code::parse(&typed) {
                prop_assert_eq!(Code::parse(&code.shown()), Some(code));
            }
        }
    }
}
