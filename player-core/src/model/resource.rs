//! Resources to fetch, and what is known about them beforehand.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::time::MediaTime;

/// A part of a file: `length` bytes from `offset`; without a length, to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ByteRange {
    /// Offset of the first byte.
    pub offset: u64,
    /// Number of bytes; `None` means to the end of the file.
    pub length: Option<u64>,
}

impl ByteRange {
    /// The byte after it; without a length the one it begins with.
    pub fn end(self) -> u64 {
        self.offset.saturating_add(self.length.unwrap_or(0))
    }

    /// Returns true for a range of no bytes.
    pub fn is_empty(self) -> bool {
        self.length == Some(0)
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

/// Container of media files, as the manifest declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerFormat {
    /// ISO base media file format, fragmented (CMAF).
    Fmp4,
    /// MPEG-2 transport stream (ISO/IEC 13818-1).
    MpegTs,
    /// Raw audio frames (AAC, MP3, AC-3) with ID3 timestamps.
    PackedAudio,
    /// WebM or Matroska (RFC 9559).
    WebM,
    /// WebVTT text, segmented or in one file.
    WebVtt,
    /// TTML or IMSC1 text.
    Ttml,
    /// Still pictures (thumbnail tiles).
    Image,
    /// Not declared: recognised by its first bytes.
    Unknown,
}

/// Mapping of timestamps in the media to presentation time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimestampMapping {
    /// Nanoseconds to add (DASH: Period start − presentationTimeOffset).
    Offset(i64),
    /// All media of the same discontinuity sequence number shares one offset, to be learned from the first segment that
    /// is read: it begins at the time that the playlist gives it (RFC 8216bis §6.2.1, §6.3.3).
    Discontinuity(u64),
}

/// Format of a segment index in a separate file.
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
    /// Addresses and range of the index.
    pub resource: Resource,
    /// Format of the index.
    pub format: IndexFormat,
    /// Initialisation data, if the manifest declares it (a playlist declares its own).
    pub init: Option<Resource>,
    /// Mapping of timestamps to presentation time (a playlist declares its own).
    pub mapping: TimestampMapping,
    /// Start of the period: the first segment of a playlist begins here.
    pub period_start: MediaTime,
    /// Duration of the period, if it is known: segments that the index of a file lists for other periods are left out.
    #[serde(default)]
    pub period_duration: Option<Duration>,
    /// Addresses of the media, if it lies in another file than its index.
    #[serde(default)]
    pub media: Vec<Url>,
    /// Variables that a playlist may import from its multivariant playlist (RFC 8216bis §4.4.2.3), sorted by name.
    #[serde(default)]
    pub variables: Vec<(String, String)>,
}

impl IndexSource {
    /// Returns a media playlist as an index of a period that begins at zero. It declares its own initialisation data and
    /// times, and imports no variables.
    pub const fn playlist(resource: Resource) -> Self {
        Self {
            resource,
            format: IndexFormat::HlsMediaPlaylist,
            init: None,
            mapping: TimestampMapping::Discontinuity(0),
            period_start: MediaTime::ZERO,
            period_duration: None,
            media: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// Returns the first request for the index: without a declared range, the beginning of the file is searched for it.
    pub fn first_request(&self) -> Resource {
        const BEGINNING: ByteRange = ByteRange { offset: 0, length: Some(16 << 10) };
        let mut resource = self.resource.clone();
        if self.format == IndexFormat::Sidx {
            resource.range.get_or_insert(BEGINNING);
        }
        resource
    }
}
