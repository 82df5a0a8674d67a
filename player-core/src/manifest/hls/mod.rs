//! HLS (RFC 8216bis): playlists in, model out. Nothing here fetches.

mod attributes;
mod builder;
mod date_ranges;
mod describe;
mod keys;
mod lexer;
mod live;
mod media;
mod multivariant;
mod pathways;
mod presentation;
mod renditions;
mod segments;
mod unchanged;
mod variants;

pub(super) use describe::describe;
pub(super) use segments::{parse_index, parse_update};
pub use unchanged::PlaylistText;

use url::Url;

use self::lexer::{Lexer, Variables};
use super::ManifestError;
use super::document::Warnings;
use crate::model::Presentation;

/// Reads a playlist of either kind.
pub(super) fn parse(text: &str, base: &Url, warnings: &mut Warnings) -> Result<Presentation, ManifestError> {
    let none = Variables::new();
    let mut lexer = Lexer::new(text, base, &none);
    if is_media(text) {
        let playlist = media::read(&mut lexer, warnings)?;
        segments::presentation(&playlist, base, warnings)
    } else {
        let playlist = multivariant::read(&mut lexer, warnings)?;
        presentation::presentation(&playlist, base, lexer.into_variables(), warnings)
    }
}

/// RFC 8216bis §4.1: a playlist is of one kind. Those that mix both are read as media playlists; those that show
/// neither too, for a live playlist may be empty.
fn is_media(text: &str) -> bool {
    let mut multivariant = false;
    for line in text.split(['\n', '\r']).map(str::trim_start).filter(|line| line.starts_with("#EXT")) {
        if line.starts_with("#EXTINF") || line.starts_with("#EXT-X-TARGETDURATION") {
            return true;
        }
        multivariant |= [
            "#EXT-X-STREAM-INF",
            "#EXT-X-I-FRAME-STREAM-INF",
            "#EXT-X-MEDIA:",
            "#EXT-X-SESSION-",
            "#EXT-X-CONTENT-STEERING",
        ]
        .iter()
        .any(|tag| line.starts_with(tag));
    }
    !multivariant
}
