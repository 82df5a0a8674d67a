//! A track, as a viewer picks it: its name and its purpose.

use serde::{Deserialize, Serialize};

/// Names an adaptation set across all periods: equal ids are the same track to the viewer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TrackId(pub String);

/// Purpose of a track (DASH role scheme `urn:mpeg:dash:role:2011`, HLS `CHARACTERISTICS`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The content of the presentation that most viewers want.
    Main,
    /// An alternative of the main content.
    Alternate,
    /// Describes the pictures for those who cannot see them.
    Description,
    /// Dialogue replaced by another language.
    Dub,
    /// Commentary on the content.
    Commentary,
    /// Subtitles that are shown even when subtitles are off.
    ForcedSubtitle,
    /// Captions for those who cannot hear.
    Caption,
    /// Dialogue only, for those who do not know the language.
    Subtitle,
    /// Something else, as written.
    Other(String),
}
