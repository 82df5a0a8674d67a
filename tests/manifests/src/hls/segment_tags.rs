//! Tags of media segments: encryption, initialisation data, dates and byte ranges (RFC 8216bis §4.4.4).

use super::attributes::TagWriter;
use crate::{ByteRange, DateTime, ManifestError};

/// A tag in front of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SegmentTag {
    /// `EXT-X-DISCONTINUITY`: timestamps, format or tracks change.
    Discontinuity,
    /// `EXT-X-GAP`: the media of the segment is absent.
    Gap,
    /// `EXT-X-BITRATE` in kilobits per second, from here on for segments without byte ranges.
    Bitrate(u64),
    /// `EXT-X-PROGRAM-DATE-TIME`: date of the first sample.
    ProgramDateTime(DateTime),
    /// `EXT-X-KEY`: encryption from here on.
    Key(Key),
    /// `EXT-X-MAP`: initialisation data from here on.
    Map {
        /// `URI`.
        uri: String,
        /// `BYTERANGE`, if it is part of the file.
        byte_range: Option<ByteRange>,
    },
}

/// Bytes of a segment in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentRange {
    /// A range with its offset.
    At(ByteRange),
    /// As many bytes, from the end of the segment before it in the same file on.
    Next {
        /// Number of bytes.
        length: u64,
    },
    /// As [`Self::Next`], with nothing in the playlist that it could follow, which §4.4.4.2 forbids. A reader must survive
    /// it: the virtual film begins so once its first segments are removed.
    Orphan {
        /// Number of bytes.
        length: u64,
    },
}

/// Encryption of segments (§4.4.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// `METHOD=NONE`, which has no other attribute.
    None,
    /// Any other method.
    Encrypted(KeyAttributes),
}

/// Attributes of `EXT-X-KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAttributes {
    /// `METHOD`.
    pub method: EncryptionMethod,
    /// `URI` of the key.
    pub uri: String,
    /// `KEYFORMAT`; `None` is `identity`.
    pub key_format: Option<String>,
    /// `KEYFORMATVERSIONS`; the attribute is absent if there are none.
    pub key_format_versions: Vec<u32>,
    /// `KEYID`, which key formats other than `identity` use.
    pub key_id: Option<[u8; 16]>,
}

/// Method of encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptionMethod {
    /// Files as a whole, AES-128 in CBC mode.
    Aes128,
    /// Samples, by the scheme of the key format.
    SampleAes,
    /// Samples by the scheme `cenc`: AES-128 in CTR mode.
    SampleAesCtr,
}

/// Adds the tags in front of a segment.
pub(super) fn push_tags(text: &mut String, tags: &[SegmentTag]) -> Result<(), ManifestError> {
    for (place, tag) in tags.iter().enumerate() {
        let is_single = !matches!(tag, SegmentTag::Key(_) | SegmentTag::Map { .. });
        let is_same = |other: &SegmentTag| std::mem::discriminant(other) == std::mem::discriminant(tag);
        if is_single && tags.iter().take(place).any(is_same) {
            return Err(ManifestError::Contradiction { place: "segment tags", reason: "one of them stands twice" });
        }
        text.push_str(&tag.to_line()?);
    }
    Ok(())
}

impl SegmentRange {
    /// Returns `length` or `length@offset`; `follows` is true if a range of the same file stands before it.
    pub(super) fn text(self, place: &'static str, follows: bool) -> Result<String, ManifestError> {
        match self {
            Self::At(range) => range.hls(place),
            Self::Next { .. } if !follows => {
                let reason = "no offset, and no range of the same file before it";
                Err(ManifestError::Contradiction { place, reason })
            }
            Self::Next { length } | Self::Orphan { length } => Ok(length.to_string()),
        }
    }
}

impl SegmentTag {
    fn to_line(&self) -> Result<String, ManifestError> {
        Ok(match self {
            Self::Discontinuity => "#EXT-X-DISCONTINUITY\n".to_owned(),
            Self::Gap => "#EXT-X-GAP\n".to_owned(),
            Self::Bitrate(kilobits) => format!("#EXT-X-BITRATE:{kilobits}\n"),
            Self::ProgramDateTime(date) => format!("#EXT-X-PROGRAM-DATE-TIME:{date}\n"),
            Self::Key(Key::None) => "#EXT-X-KEY:METHOD=NONE\n".to_owned(),
            Self::Key(Key::Encrypted(key)) => key.to_line()?,
            Self::Map { uri, byte_range } => {
                let mut tag = TagWriter::new("EXT-X-MAP");
                tag.uri("URI", uri)?;
                if let Some(range) = byte_range {
                    tag.quoted("BYTERANGE", &range.hls("BYTERANGE")?)?;
                }
                tag.finish()
            }
        })
    }
}

impl KeyAttributes {
    fn to_line(&self) -> Result<String, ManifestError> {
        let mut tag = TagWriter::new("EXT-X-KEY");
        let method = match self.method {
            EncryptionMethod::Aes128 => "AES-128",
            EncryptionMethod::SampleAes => "SAMPLE-AES",
            EncryptionMethod::SampleAesCtr => "SAMPLE-AES-CTR",
        };
        tag.enumerated("METHOD", method)?;
        tag.uri("URI", &self.uri)?;
        if let Some(format) = &self.key_format {
            tag.quoted("KEYFORMAT", format)?;
        }
        if !self.key_format_versions.is_empty() {
            let versions: Vec<String> = self.key_format_versions.iter().map(u32::to_string).collect();
            tag.quoted("KEYFORMATVERSIONS", &versions.join("/"))?;
        }
        if let Some(id) = &self.key_id {
            tag.hexadecimal("KEYID", id);
        }
        Ok(tag.finish())
    }
}
