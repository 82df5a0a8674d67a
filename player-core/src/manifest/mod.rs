//! Manifests: bytes in, model and warnings out. The only place that knows HLS from DASH. Nothing here fetches.

mod codecs;
mod dash;
mod dates;
mod document;
mod hls;
mod sidx;
mod steering;
#[cfg(test)]
mod tests;
mod xml;

use serde::{Deserialize, Serialize};
use url::Url;

pub use self::steering::{PathwayClone, SteeringManifest, parse_steering, steering_request};

use self::document::{Document, Warnings};
use crate::model::{IndexFormat, IndexSource, Presentation, SegmentList, TimedMetadata};
use crate::time::{MediaTime, WallClock};

/// Something odd in a manifest that was read around.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestWarning {
    /// Where, counted from one, when known.
    pub line: Option<u32>,
    /// What, one sentence.
    pub message: String,
}

/// Why a manifest cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ManifestError {
    /// Neither an HLS playlist nor a DASH manifest; `found` says what it looks like.
    #[error("expected an HLS playlist or a DASH manifest, found {found}")]
    NotAManifest {
        /// What it looks like.
        found: String,
    },
    /// It breaks its own format beyond repair.
    #[error("{message}")]
    Malformed {
        /// What is wrong.
        message: String,
        /// Where, counted from one, when known.
        line: Option<u32>,
    },
    /// It names nothing that could be played.
    #[error("nothing to play: {message}")]
    Empty {
        /// What is missing.
        message: String,
    },
    /// A limit that protects the player was exceeded.
    #[error("{what} exceeds {limit}")]
    TooLarge {
        /// What is too large.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// It needs something that is not built.
    #[error("{feature} is not supported")]
    Unsupported {
        /// What it needs.
        feature: String,
    },
}

/// A manifest, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The presentation.
    pub presentation: Presentation,
    /// What was read around.
    pub warnings: Vec<ManifestWarning>,
}

/// A segment index, read.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedIndex {
    /// The segments.
    pub segments: SegmentList,
    /// More segments will be added.
    pub live: bool,
    /// Where the author wants playback to begin; negative counts from the end.
    pub start: Option<MediaTime>,
    /// Wall-clock time of presentation time zero, when known.
    pub epoch: Option<WallClock>,
    /// Metadata that the index tells, ordered by begin.
    pub metadata: Vec<TimedMetadata>,
    /// What was read around.
    pub warnings: Vec<ManifestWarning>,
}

/// Reads a manifest: an HLS multivariant playlist, an HLS media playlist, or a DASH MPD, told apart by content.
/// `base` is the address it came from after redirects; `now` is needed by live presentations only.
///
/// # Errors
/// When it is neither, is damaged, empty, too large, or needs a feature that is not built.
pub fn parse(bytes: &[u8], base: &Url, now: Option<WallClock>) -> Result<Parsed, ManifestError> {
    let mut warnings = Warnings::default();
    let presentation = match document::recognise(bytes, &mut warnings)? {
        Document::Hls(text) => hls::parse(&text, base, &mut warnings)?,
        Document::Dash(text) => dash::parse(&text, base, now, &mut warnings)?,
    };
    Ok(Parsed { presentation, warnings: warnings.into_list() })
}

/// Reads a segment index that the manifest referred to. `base` is the address it came from after redirects.
///
/// # Errors
/// As [`parse`].
pub fn parse_index(bytes: &[u8], source: &IndexSource, base: &Url) -> Result<ParsedIndex, ManifestError> {
    let mut warnings = Warnings::default();
    let parsed = match source.format {
        IndexFormat::Sidx => ParsedIndex {
            segments: sidx::parse(bytes, source, base, &mut warnings)?,
            live: false,
            start: None,
            epoch: None,
            metadata: Vec::new(),
            warnings: Vec::new(),
        },
        IndexFormat::HlsMediaPlaylist => match document::recognise(bytes, &mut warnings)? {
            Document::Hls(text) => hls::parse_index(&text, source, base, &mut warnings)?,
            Document::Dash(_) => {
                return Err(ManifestError::NotAManifest { found: "a DASH manifest in place of a playlist".to_owned() });
            }
        },
    };
    Ok(ParsedIndex { warnings: warnings.into_list(), ..parsed })
}

/// What a manifest says, as JSON in document order, for tools and tests: every variant, rendition, segment, period,
/// set and representation, with `protocol`, `kind`, `live` and `warnings` (`[{line, message}]`). Live manifests too;
/// `now` places the live edge of a DASH presentation. Nothing is chosen, merged or left out.
///
/// # Errors
/// As [`parse`], but nothing is unsupported.
pub fn describe(bytes: &[u8], base: &Url, now: Option<WallClock>) -> Result<serde_json::Value, ManifestError> {
    let mut warnings = Warnings::default();
    let mut value = match document::recognise(bytes, &mut warnings)? {
        Document::Hls(text) => hls::describe(&text, base, &mut warnings)?,
        Document::Dash(text) => dash::describe(&text, base, now, &mut warnings)?,
    };
    value["warnings"] = serde_json::json!(warnings.into_list());
    Ok(value)
}
