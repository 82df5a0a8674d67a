//! What can be fetched, and what is known about it beforehand.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::TimestampMapping;
use crate::time::MediaTime;

/// A part of a file: `length` bytes from `offset`; without a length, to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ByteRange {
    /// First byte.
    pub offset: u64,
    /// Number of bytes; `None` means to the end of the file.
    pub length: Option<u64>,
}

impl ByteRange {
    /// The byte after it; without a length the one it begins with.
    pub fn end(self) -> u64 {
        self.offset.saturating_add(self.length.unwrap_or(0))
    }
}

/// A file or a part of one. Several addresses name the same bytes, best first (several `BaseURL`s, redundant
/// variants); it is never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resource {
    /// Absolute addresses, best first.
    pub urls: Vec<Url>,
    /// The part wanted; `None` is the whole file.
    pub range: Option<ByteRange>,
}

impl Resource {
    /// The whole file at one address.
    pub fn new(url: Url) -> Self {
        Self { urls: vec![url], range: None }
    }
}

/// What kind of file carries the media, as the manifest tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerFormat {
    /// ISO base media file format, fragmented (CMAF).
    Fmp4,
    /// MPEG-2 transport stream.
    MpegTs,
    /// Raw audio frames (AAC, MP3, AC-3) with ID3 timestamps.
    PackedAudio,
    /// WebM or Matroska.
    WebM,
    /// WebVTT text.
    WebVtt,
    /// TTML or IMSC1 text.
    Ttml,
    /// Still pictures (thumbnail tiles).
    Image,
    /// Not told: recognised by its first bytes.
    Unknown,
}

/// How to read a segment index that lies in a file of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexFormat {
    /// An HLS media playlist (RFC 8216bis §4.4.3).
    HlsMediaPlaylist,
    /// A segment index box, `sidx` (ISO/IEC 14496-12 §8.16.3).
    Sidx,
}

/// A segment index that must be fetched before segments are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexSource {
    /// Where it is.
    pub resource: Resource,
    /// How to read it.
    pub format: IndexFormat,
    /// Initialisation data, when the manifest tells it (a playlist tells its own).
    pub init: Option<Resource>,
    /// How media timestamps become presentation time (a playlist tells its own).
    pub mapping: TimestampMapping,
    /// Where the period begins: the first segment of a playlist begins here.
    pub period_start: MediaTime,
    /// How long it is, when known: what an index of a file tells of other periods is left out.
    #[serde(default)]
    pub period_duration: Option<Duration>,
    /// Where the media is, when it lies in another file than its index.
    #[serde(default)]
    pub media: Vec<Url>,
    /// Variables that a playlist may import from its multivariant playlist (RFC 8216bis §4.4.2.3), sorted by name.
    #[serde(default)]
    pub variables: Vec<(String, String)>,
}

impl IndexSource {
    /// What to ask for first: an index whose place is not told is looked for from the beginning of its file.
    pub fn first_request(&self) -> Resource {
        const BEGINNING: ByteRange = ByteRange { offset: 0, length: Some(16 << 10) };
        let mut resource = self.resource.clone();
        if self.format == IndexFormat::Sidx {
            resource.range.get_or_insert(BEGINNING);
        }
        resource
    }
}
