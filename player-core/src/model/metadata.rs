//! Timed metadata: data that accompanies media on the timeline without being presented, such as date ranges, events and
//! ID3 tags.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::time::MediaTime;

/// Mechanism that carried a piece of metadata; for reports, and for hosts that know one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetadataSource {
    /// `EXT-X-DATERANGE` (RFC 8216bis §4.4.5.1).
    DateRange,
    /// `EventStream` of a Period (ISO/IEC 23009-1 §5.10.2).
    EventStream,
    /// An event message box, `emsg` (ISO/IEC 23009-1 §5.10.3.3).
    EventMessage,
    /// An ID3 tag in the media (RFC 8216bis §3.1.3, §3.1.4; ETSI-style timed metadata streams in MPEG-2 TS).
    Id3,
}

/// Content of a piece of metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetadataBody {
    /// Names and values as written, in the order written.
    Attributes(Vec<(String, String)>),
    /// Text (the content of an `Event` element, XML included).
    Text(String),
    /// Bytes in the format that the scheme names; lower-case hexadecimal in JSON.
    Binary(#[serde(with = "hexadecimal")] Bytes),
}

/// One piece of metadata with its span of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimedMetadata {
    /// Mechanism that carried it.
    pub source: MetadataSource,
    /// Scheme: `schemeIdUri`, or the `CLASS` of a date range; empty if not declared.
    pub scheme: String,
    /// Sub-type of the scheme (`value`); empty if not declared.
    pub value: String,
    /// Equal ids of equal schemes and values are the same event, declared again; empty if not declared.
    pub id: String,
    /// Start. In media time inside a demuxer's output, on the presentation timeline everywhere else.
    pub start: MediaTime,
    /// Duration; `None` if it is not known (an instant, or open).
    pub duration: Option<Duration>,
    /// Content, in the format of the scheme.
    pub body: MetadataBody,
}

impl TimedMetadata {
    /// Returns the first instant after it; `None` for an instant or if the duration is not known.
    pub fn end(&self) -> Option<MediaTime> {
        self.duration.filter(|duration| !duration.is_zero()).map(|duration| self.start + duration)
    }

    /// True at the times at which it holds.
    pub fn holds_at(&self, time: MediaTime) -> bool {
        self.start <= time && self.end().map_or(self.start == time, |end| time < end)
    }

    /// Bytes that it takes, roughly.
    pub fn size(&self) -> usize {
        let body = match &self.body {
            MetadataBody::Attributes(pairs) => pairs.iter().map(|(name, value)| name.len() + value.len()).sum(),
            MetadataBody::Text(text) => text.len(),
            MetadataBody::Binary(bytes) => bytes.len(),
        };
        self.scheme.len() + self.value.len() + self.id.len() + body
    }
}

/// Bytes as text, for JSON.
mod hexadecimal {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
        let text: String = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let bytes: Option<Vec<u8>> =
            pairs.iter().map(|pair| Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8)).collect();
        bytes.filter(|_| rest.is_empty()).map(Bytes::from).ok_or_else(|| D::Error::custom("not hexadecimal"))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn bytes_are_text_in_json_and_come_back() {
        let body = MetadataBody::Binary(Bytes::from_static(&[0, 0xAB, 255]));
        let json = serde_json::to_string(&body).unwrap();
        assert_eq!(json, r#"{"binary":"00abff"}"#);
        assert_eq!(serde_json::from_str::<MetadataBody>(&json).unwrap(), body);
        assert!(serde_json::from_str::<MetadataBody>(r#"{"binary":"0"}"#).is_err());
        assert!(serde_json::from_str::<MetadataBody>(r#"{"binary":"zz"}"#).is_err());
    }
}
