//! What there is to see: home rows, cards, details, search results.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::events::Rating;
use crate::{Protocol, ResumePosition, TitleId};

/// Answer to `GET /v1/home`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Home {
    /// The title to show large on top; absent when the catalogue is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hero: Option<TitleCard>,
    /// The rows in the order to show them; none is empty.
    pub rows: Vec<Row>,
    /// `GET` here for further rows; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// True if the rows are the same for everyone, because what would choose them for the profile does not answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_impersonal: bool,
}

/// One row of the home screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Row {
    /// Stable across answers, so that a client keeps scroll position and focus.
    pub id: String,
    /// Kind of titles in the row.
    pub kind: RowKind,
    /// The row's heading in English; clients that translate go by `kind`.
    pub heading: String,
    /// The titles in the order to show them; at most 40.
    pub titles: Vec<TitleCard>,
    /// `GET` here for the same [`Row`] with further titles; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Kind of titles in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "type")]
#[non_exhaustive]
pub enum RowKind {
    /// Titles begun and not finished, the latest first.
    ContinueWatching,
    /// Titles that the profile keeps, the latest first.
    MyList,
    /// Titles that the profile may like.
    ForYou,
    /// Titles that go with one that the profile watched.
    BecauseWatched {
        /// Id of the title that was watched.
        title: TitleId,
    },
    /// Titles that many watched lately.
    Popular,
    /// Titles that were added last.
    RecentlyAdded,
    /// Titles of one genre.
    Genre {
        /// The genre's name as it stands in [`TitleCard::genres`].
        genre: String,
    },
    /// Everything, by name.
    All,
    /// A row of a newer server; shown under its heading.
    #[serde(other)]
    Other,
}

/// Title as a poster wall needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TitleCard {
    /// The title's id.
    pub id: TitleId,
    /// The title's name.
    pub name: String,
    /// The poster, in portrait or landscape as its size says.
    pub poster: Image,
    /// Duration in milliseconds.
    pub duration_ms: u64,
    /// Year of production.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<u16>,
    /// From which age it is suitable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<AgeRating>,
    /// Genre names in English.
    #[serde(default)]
    pub genres: Vec<String>,
    /// One or two sentences.
    #[serde(default)]
    pub synopsis: String,
    /// Position at which the profile left off; absent when never begun, or finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<ResumePosition>,
    /// Reason for which it is recommended; absent where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// Reason for which a title is recommended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// The reason in English; clients that translate go by `kind`.
    pub text: String,
    /// The reason.
    #[serde(flatten)]
    pub kind: ReasonKind,
}

/// Kinds of reasons. Each is true of the data that it was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "because")]
#[non_exhaustive]
pub enum ReasonKind {
    /// The profile watched a title that those who watch this one watch.
    Watched {
        /// Id of the title that was watched.
        title: TitleId,
    },
    /// The profile watches titles of a genre.
    Genre {
        /// The genre.
        genre: String,
    },
    /// Many watched it lately.
    Popular {
        /// Profiles that watched it in the last 30 days.
        viewers: u32,
    },
    /// Few have watched it.
    Unseen {
        /// Profiles that ever watched it.
        viewers: u32,
    },
    /// A reason of a newer server.
    #[serde(other)]
    Other,
}

/// Answer to `GET /v1/titles/{id}`: everything a title page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TitleDetail {
    /// Fields that the poster wall shows.
    pub card: TitleCard,
    /// The description, possibly several paragraphs separated by an empty line.
    pub description: String,
    /// Languages of the sound; the first is the original.
    pub audio_languages: Vec<Language>,
    /// Languages of the subtitles.
    pub subtitle_languages: Vec<Language>,
    /// Height in lines of the best picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_height: Option<u32>,
    /// The forms in which it can be played.
    pub protocols: Vec<Protocol>,
    /// Pictures for the seek bar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnails: Option<ThumbnailIndex>,
    /// Other titles for whoever liked this one.
    #[serde(default)]
    pub similar: Vec<TitleCard>,
    /// True if the profile keeps the title on its list.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_listed: bool,
    /// True if the profile has seen it to the end, or marked it as watched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_watched: bool,
    /// Opinion of the profile; absent if it gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub my_rating: Option<Rating>,
}

/// From which age a title is suitable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgeRating {
    /// Text of the badge, such as `PG` or `12`.
    pub label: String,
    /// The age in years that the badge stands for; parental limits compare this.
    pub min_age: u8,
}

/// A language a viewer can choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Language {
    /// BCP 47 tag.
    pub tag: String,
    /// Name for the menu, such as `English` or `Deutsch (Hörfilm)`.
    pub label: String,
}

/// An image served by the backend, without sign-in, with validators for conditional requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Image {
    /// Path relative to the backend's base URL. It changes when the picture does, so it can be a cache key.
    pub path: String,
    /// Width in pixels, 0 when not known.
    #[serde(default)]
    pub width: u32,
    /// Height in pixels, 0 when not known.
    #[serde(default)]
    pub height: u32,
}

/// Pictures for the seek bar: a WebVTT file whose cues name regions of sprite sheets (`sheet.jpg#xywh=x,y,w,h`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ThumbnailIndex {
    /// Path of the WebVTT file relative to the backend's base URL; the sheets are relative to it.
    pub path: String,
}

/// Answer to `GET /v1/search`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchResults {
    /// Text that was searched for, after trimming.
    pub query: String,
    /// The best match first; at most as many as asked for.
    pub titles: Vec<TitleCard>,
}
