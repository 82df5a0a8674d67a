//! Playlists of HLS (RFC 8216bis).

mod attributes;
mod media;
mod multivariant;
#[cfg(test)]
mod tests;

pub use media::{EncryptionMethod, Key, KeyAttributes, MediaPlaylist, PlaylistType, Segment, SegmentRange, SegmentTag};
pub use multivariant::{
    ClosedCaptions, ContentSteering, Multivariant, MultivariantTag, Rendition, RenditionKind, Variant,
};

use crate::ManifestError;
use crate::error::check_range;

/// Version of all playlists (§8). `EXT-X-MAP` outside of I-frame playlists needs 6; CMAF in practice announces 7, and
/// nothing here needs more.
const VERSION: u32 = 7;

/// Returns the first lines of a playlist.
fn opening() -> String {
    format!("#EXTM3U\n#EXT-X-VERSION:{VERSION}\n")
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
