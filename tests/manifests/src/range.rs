//! Byte ranges in the notations of both formats.

use crate::ManifestError;
use crate::error::check_range;

/// Bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// Offset of the first byte.
    pub offset: u64,
    /// Number of bytes. HLS can describe a range of none, DASH cannot.
    pub length: u64,
}

impl ByteRange {
    /// Returns `length@offset` (RFC 8216bis §4.4.4.2).
    pub(crate) fn hls(self, place: &'static str) -> Result<String, ManifestError> {
        let text = format!("{}@{}", self.length, self.offset);
        check_range(place, &text, self.offset.checked_add(self.length.saturating_sub(1)).is_some())?;
        Ok(text)
    }

    /// Returns `first-last` (RFC 9110 §14.1.1, to which ISO/IEC 23009-1 refers).
    pub(crate) fn dash(self, place: &'static str) -> Result<String, ManifestError> {
        let last = self.length.checked_sub(1).and_then(|length| self.offset.checked_add(length));
        match last {
            Some(last) => Ok(format!("{}-{last}", self.offset)),
            None => Err(ManifestError::OutOfRange { place, value: format!("{}@{}", self.length, self.offset) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_end_within_64_bits_and_those_of_dash_are_not_empty() {
        let texts = |offset, length| {
            let range = ByteRange { offset, length };
            (range.hls("R").ok(), range.dash("R").ok())
        };
        let pair = |hls: &str, dash: &str| (Some(hls.to_owned()), Some(dash.to_owned()));
        assert_eq!(texts(10, 5), pair("5@10", "10-14"));
        assert_eq!(texts(u64::MAX, 1), pair("1@18446744073709551615", "18446744073709551615-18446744073709551615"));
        assert_eq!(texts(7, 0), (Some("0@7".to_owned()), None));
        assert_eq!(texts(u64::MAX, 2), (None, None));
    }
}
