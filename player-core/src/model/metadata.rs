//! What accompanies media on the timeline without being presented: date ranges, events, ID3 tags.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::time::MediaTime;

/// Which mechanism carried it; for reports and for hosts that know one of them.
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

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetadataBody {
    /// Names and values as written, in the order written.
    Attributes(Vec<(String, String)>),
    /// Text (the content of an `Event` element, XML included).
    Text(String),
    /// Bytes in the format that the scheme names.
    Binary(Bytes),
}

/// One piece of metadata with its span of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimedMetadata {
    /// Which mechanism carried it.
    pub source: MetadataSource,
    /// What kind it is: `schemeIdUri`, or the `CLASS` of a date range; empty when not told.
    pub scheme: String,
    /// The scheme's sub-type (`value`); empty when not told.
    pub value: String,
    /// Equal ids of equal schemes and values are the same event, told again; empty when not told.
    pub id: String,
    /// When it begins. In media time inside a demuxer's output, on the presentation timeline everywhere else.
    pub start: MediaTime,
    /// How long it holds; `None` when not known (an instant, or open).
    pub duration: Option<Duration>,
    /// What it says.
    pub body: MetadataBody,
}
