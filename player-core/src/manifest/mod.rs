//! Manifests: bytes in, model and warnings out. The only place that knows HLS from DASH. Nothing here fetches.

mod children;
mod codecs;
mod dash;
mod dates;
mod document;
mod hls;
mod languages;
mod remote;
mod sidx;
mod steering;
#[cfg(test)]
mod tests;
mod xml;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

pub use self::dash::{PatchError, PatchableManifest, Patched};
pub use self::steering::{PathwayClone, SteeringManifest, parse_steering, steering_request};

use self::document::{Document, Warnings};
pub use self::hls::PlaylistText;
pub use self::remote::RemoteElements;
use crate::model::{
    ByteRange, IndexFormat, IndexSource, PlaylistGrowth, Presentation, SegmentList, SegmentListing, TimedMetadata,
};
use crate::time::{MediaTime, WallClock};

/// A fault of a manifest that was skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestWarning {
    /// Line, counted from one, if it is known.
    pub line: Option<u32>,
    /// Fault in one sentence.
    pub message: String,
}

/// Reasons why a manifest cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ManifestError {
    /// Neither an HLS playlist nor a DASH manifest; `found` names the kind of document that it resembles.
    #[error("expected an HLS playlist or a DASH manifest, found {found}")]
    NotAManifest {
        /// Kind of document that it resembles.
        found: String,
    },
    /// It breaks its own format beyond repair.
    #[error("{message}")]
    Malformed {
        /// Fault of the manifest.
        message: String,
        /// Line, counted from one, if it is known.
        line: Option<u32>,
    },
    /// It names nothing that could be played.
    #[error("nothing to play: {message}")]
    Empty {
        /// Description of the missing part.
        message: String,
    },
    /// A limit that protects the player was exceeded.
    #[error("{what} exceeds {limit}")]
    TooLarge {
        /// Thing that is too large.
        what: String,
        /// Limit that was exceeded.
        limit: u64,
    },
    /// It needs something that is not built.
    #[error("{feature} is not supported")]
    Unsupported {
        /// Feature that it needs.
        feature: String,
    },
}

/// Reads a date by ISO 8601 at the beginning of a text. Returns it with its resolution: that of the last digit written.
pub fn date_of(text: &str) -> Option<(WallClock, std::time::Duration)> {
    let text = text.trim().trim_matches('"');
    let utc = dates::instant(text)?;
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).take(9).count();
    let nanos = 10_u64.pow(9 - u32::try_from(digits).unwrap_or(9));
    Some((WallClock::from_unix_nanos(utc), std::time::Duration::from_nanos(nanos)))
}

/// A manifest that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// Presentation that the manifest describes.
    pub presentation: Presentation,
    /// Faults that were skipped.
    pub warnings: Vec<ManifestWarning>,
}

/// More pieces of an index than this are not fetched.
const MOST_PIECES: usize = 300;

/// A segment index, read.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedIndex {
    /// Segments of the index, in order.
    pub segments: SegmentList,
    /// Declarations of a playlist to which segments will be added; `None` for a complete index.
    pub growth: Option<Box<PlaylistGrowth>>,
    /// Start that the author prefers; negative values count from the end.
    pub start: Option<MediaTime>,
    /// Wall-clock time of presentation time zero, when known.
    pub epoch: Option<WallClock>,
    /// Metadata in the index, ordered by start.
    pub metadata: Vec<TimedMetadata>,
    /// Faults that were skipped.
    pub warnings: Vec<ManifestWarning>,
}

impl ParsedIndex {
    /// Segments that will not grow.
    fn of(segments: SegmentList) -> Self {
        Self { segments, growth: None, start: None, epoch: None, metadata: Vec::new(), warnings: Vec::new() }
    }
}

/// Reads a manifest: an HLS multivariant playlist, an HLS media playlist, or a DASH MPD, recognised by content. `base`
/// is its address after redirects; `now` is needed by live presentations only. Parts that lie in other files are left
/// out, see [`missing`].
///
/// # Errors
/// When it is neither, is damaged, empty, too large, or needs a feature that is not built.
pub fn parse(bytes: &[u8], base: &Url, now: Option<WallClock>) -> Result<Parsed, ManifestError> {
    parse_with(bytes, base, now, &RemoteElements::default())
}

/// The same, with the parts that lie in other files.
///
/// # Errors
/// As [`parse`].
pub fn parse_with(
    bytes: &[u8],
    base: &Url,
    now: Option<WallClock>,
    remotes: &RemoteElements,
) -> Result<Parsed, ManifestError> {
    parse_kept(bytes, base, now, remotes).map(|(parsed, _)| parsed)
}

/// The same, with the manifest itself if it is live and names an address of its changes.
///
/// # Errors
/// As [`parse`].
pub fn parse_kept(
    bytes: &[u8],
    base: &Url,
    now: Option<WallClock>,
    remotes: &RemoteElements,
) -> Result<(Parsed, Option<Box<PatchableManifest>>), ManifestError> {
    let mut warnings = Warnings::default();
    let (presentation, patchable) = match document::recognise(bytes, &mut warnings)? {
        Document::Hls(text) => (hls::parse(&text, base, &mut warnings)?, None),
        Document::Dash(text) => dash::parse(&text, base, now, remotes, &mut warnings)?,
    };
    Ok((Parsed { presentation, warnings: warnings.into_list() }, patchable))
}

/// Returns true for a patch of an MPD (ISO/IEC 23009-1 §5.15).
pub fn is_patch(bytes: &[u8]) -> bool {
    // A manifest is not decoded twice.
    let head = bytes.get(..1024).unwrap_or(bytes);
    head.windows(5).any(|word| word == b"Patch") && document::patch_text(bytes, &mut Warnings::default()).is_ok()
}

/// Returns the addresses of the parts that must be fetched before [`parse_with`] can give the whole presentation,
/// except those in `remotes`. Parts may refer to further parts: ask again with each that was fetched, until nothing is
/// missing.
///
/// # Errors
/// As [`parse`], but nothing is unsupported or empty.
pub fn missing(bytes: &[u8], base: &Url, remotes: &RemoteElements) -> Result<Vec<Url>, ManifestError> {
    // Few manifests have any.
    if !bytes.windows(4).any(|word| word == b"href") && !bytes.contains(&0) {
        return Ok(Vec::new());
    }
    let mut missing = match document::recognise(bytes, &mut Warnings::default())? {
        Document::Hls(_) => Vec::new(),
        Document::Dash(text) => dash::missing(&text, base, remotes)?,
    };
    missing.truncate(remotes.room());
    Ok(missing)
}

/// A part of a file that holds an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexPiece {
    offset: u64,
    bytes: Bytes,
    /// The file ends with it.
    is_last: bool,
}

impl IndexPiece {
    /// Makes a piece of the bytes received for a range.
    pub fn new(range: Option<ByteRange>, bytes: Bytes) -> Self {
        let offset = range.map_or(0, |range| range.offset);
        let asked = range.and_then(|range| range.length);
        let is_last = asked.is_none_or(|asked| (bytes.len() as u64) < asked);
        Self { offset, bytes, is_last }
    }
}

/// Progress of reading an index.
#[derive(Clone, Debug, PartialEq)]
pub enum IndexReading {
    /// The index is read.
    Known(ParsedIndex),
    /// These bytes of the same file are needed, too.
    More(ByteRange),
}

/// Reads an index from the pieces fetched so far: one for a playlist, one or more for a segment index, which may have
/// levels or must be searched for. `base` is its address after redirects.
///
/// # Errors
/// As [`parse`].
pub fn read_index(pieces: &[IndexPiece], source: &IndexSource, base: &Url) -> Result<IndexReading, ManifestError> {
    if source.format == IndexFormat::HlsMediaPlaylist {
        let bytes = pieces.last().map(|piece| piece.bytes.clone()).unwrap_or_default();
        return parse_index(&bytes, source, base).map(IndexReading::Known);
    }
    if pieces.len() > MOST_PIECES {
        return Err(ManifestError::TooLarge { what: "the pieces of an index".to_owned(), limit: MOST_PIECES as u64 });
    }
    let mut warnings = Warnings::default();
    Ok(match sidx::read(pieces, source, base, &mut warnings)? {
        sidx::Reading::More(range) => IndexReading::More(range),
        sidx::Reading::Known(segments) => {
            IndexReading::Known(ParsedIndex { warnings: warnings.into_list(), ..ParsedIndex::of(segments) })
        }
    })
}

/// Reads a segment index that the manifest referred to, and that is here as a whole. `base` is its address after
/// redirects.
///
/// # Errors
/// As [`parse`].
pub fn parse_index(bytes: &[u8], source: &IndexSource, base: &Url) -> Result<ParsedIndex, ManifestError> {
    let mut warnings = Warnings::default();
    let parsed = match source.format {
        IndexFormat::Sidx => {
            let piece = IndexPiece::new(source.resource.range, Bytes::copy_from_slice(bytes));
            match sidx::read(&[piece], source, base, &mut warnings)? {
                sidx::Reading::Known(segments) => ParsedIndex::of(segments),
                sidx::Reading::More(_) => {
                    let feature = "a segment index that is here in part only".to_owned();
                    return Err(ManifestError::Unsupported { feature });
                }
            }
        }
        IndexFormat::HlsMediaPlaylist => match document::recognise(bytes, &mut warnings)? {
            Document::Hls(text) => hls::parse_index(&text, source, base, &mut warnings)?,
            Document::Dash(_) => {
                return Err(ManifestError::NotAManifest { found: "a DASH manifest in place of a playlist".to_owned() });
            }
        },
    };
    Ok(ParsedIndex { warnings: warnings.into_list(), ..parsed })
}

/// Reads a media playlist again, of which `known` is the state before, and `before` what was kept of its text. Returns
/// what to keep of this text, too. What is unchanged is left out of the segments, so they must be merged with `known`
/// next, or be read by [`parse_index`].
///
/// # Errors
/// As [`parse`].
pub fn read_playlist_again(
    body: &Bytes,
    source: &IndexSource,
    base: &Url,
    known: &SegmentListing,
    before: Option<&PlaylistText>,
) -> Result<(ParsedIndex, Option<PlaylistText>), ManifestError> {
    let mut warnings = Warnings::default();
    let Document::Hls(text) = document::recognise(body, &mut warnings)? else {
        return Err(ManifestError::NotAManifest { found: "a DASH manifest in place of a playlist".to_owned() });
    };
    let (parsed, kept) = hls::parse_update((&text, body), source, base, known, before, &mut warnings)?;
    Ok((ParsedIndex { warnings: warnings.into_list(), ..parsed }, kept))
}

/// Describes a manifest as JSON in document order, for tools and tests: every variant, rendition, segment, period, set
/// and representation, with `protocol`, `kind`, `live` and `warnings` (`[{line, message}]`). Live manifests too; `now`
/// places the live edge of a DASH presentation. Nothing is chosen, merged or left out.
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
