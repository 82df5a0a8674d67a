//! Playlists of HLS (RFC 8216bis).

mod attributes;
mod date_range;
mod live;
#[cfg(test)]
mod live_tests;
mod media;
mod multivariant;
mod segment_tags;
#[cfg(test)]
mod tests;

pub use date_range::{ClientValue, Cue, DateRange};
pub use live::{HintType, IncompleteSegment, Part, PreloadHint, RenditionReport, ServerControl, Skip};
pub use media::{MediaPlaylist, PlaylistType, Segment};
pub use multivariant::{
    ClosedCaptions, ContentSteering, Multivariant, MultivariantTag, Rendition, RenditionKind, Variant,
};
pub use segment_tags::{EncryptionMethod, Key, KeyAttributes, SegmentRange, SegmentTag};

use crate::ManifestError;
use crate::error::check_range;

/// Version of playlists (§8). `EXT-X-MAP` outside of I-frame playlists needs 6; CMAF in practice announces 7. Only delta
/// updates need more.
const VERSION: u32 = 7;

/// Returns the first lines of a playlist.
fn opening(version: u32) -> String {
    format!("#EXTM3U\n#EXT-X-VERSION:{version}\n")
}

/// Adds `EXT-X-START`. The offset is in seconds; negative values count from the end (§4.4.2.2).
fn push_start(text: &mut String, time_offset: Option<f64>) -> Result<(), ManifestError> {
    let Some(offset) = time_offset else { return Ok(()) };
    check_range("TIME-OFFSET", offset, offset.is_finite())?;
    text.push_str(&format!("#EXT-X-START:TIME-OFFSET={offset}\n"));
    Ok(())
}

/// Returns an error unless a text may stand on a line that is an address: with a number sign in front it would be a
/// comment or a tag.
fn check_uri_line(text: &str) -> Result<(), ManifestError> {
    crate::uri::check_uri("URI line", text)?;
    match text.strip_prefix('#') {
        Some(_) => Err(ManifestError::Character { place: "URI line", character: '#' }),
        None => Ok(()),
    }
}
