//! A request as a plan sees it.

use std::time::Duration;

use serde::Deserialize;

/// Purpose of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// An MPD or a multivariant playlist.
    Manifest,
    /// A media playlist or a segment index.
    Index,
    /// Initialisation data.
    Init,
    /// A media segment.
    Segment,
    /// Subtitles.
    Text,
    /// A key or a licence.
    Key,
}

impl RequestKind {
    /// Returns true if a file of this name may be of this kind. A playlist may be a manifest and an index.
    pub(crate) fn fits(self, path: &str) -> bool {
        let file = path.rsplit('/').next().unwrap_or_default();
        let (stem, extension) = file.rsplit_once('.').unwrap_or((file, ""));
        let is_media = matches!(extension, "m4s" | "mp4" | "cmfv" | "cmfa" | "cmft" | "ts" | "aac" | "m4a" | "m4v");
        match self {
            Self::Manifest => matches!(extension, "mpd" | "m3u8"),
            Self::Index => matches!(extension, "m3u8" | "sidx"),
            Self::Init => is_media && stem.starts_with("init"),
            Self::Segment => is_media && !stem.starts_with("init"),
            Self::Text => matches!(extension, "vtt" | "ttml" | "xml"),
            Self::Key => matches!(extension, "key" | "bin"),
        }
    }
}

/// A request as the plan sees it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// Path without its first slash and without a token: `title/video/…`.
    pub path: &'a str,
    /// Second name that the request matches by, if it has one. The virtual origin gives the place of a segment in the film
    /// instead of its number, as in `/film/v/240p/7.m4s`, also if the segment is a part of a file.
    pub alias: Option<&'a str>,
    /// Whole address without a query; empty if unknown.
    pub address: &'a str,
    /// Name of the edge that was asked; empty if there is none.
    pub edge: &'a str,
    /// Purpose of the request; `None` if only its path is known, which may fit several kinds.
    pub kind: Option<RequestKind>,
    /// Time since the beginning of the world: of the virtual session, or of the process of the edge.
    pub at: Duration,
}
