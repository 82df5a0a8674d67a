//! What there is to see: home rows, cards, details, search results.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::events::Rating;
use crate::{Protocol, ResumePosition, TitleId, UnixMillis};

/// Answer to `GET /v1/home`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// True if what was watched lately is not in the rows yet, because events cannot be read or written for a while. It is kept
    /// and comes in later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_behind: bool,
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
    /// Live channels, by name; their cards have [`TitleCard::live`].
    Live,
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
    /// Series.
    Series,
    /// Titles of one genre.
    Genre {
        /// The genre's name as it stands in [`TitleCard::genres`].
        genre: String,
    },
    /// All films, by name.
    All,
    /// A row of a newer server; shown under its heading.
    #[serde(other)]
    Other,
}

/// Title as a poster wall needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TitleCard {
    /// The title's id.
    pub id: TitleId,
    /// The title's name.
    pub name: String,
    /// Kind of title; absent: a film.
    #[serde(default, skip_serializing_if = "TitleKind::is_film")]
    pub kind: TitleKind,
    /// Place in a series; only for episodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<EpisodePlace>,
    /// The poster, in portrait or landscape as its size says.
    pub poster: Image,
    /// Large picture in landscape without text on it, to show behind text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_art: Option<Image>,
    /// Duration in milliseconds; of a series, that of all its episodes.
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
    /// Programmes of a live channel at the time of the answer; absent for everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<OnAir>,
}

/// Programmes of a live channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OnAir {
    /// Programme on the air.
    pub now: Programme,
    /// The one after it.
    pub next: Programme,
    /// Time in milliseconds for which a viewer can go back.
    pub window_ms: u64,
}

/// A programme of a live channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Programme {
    /// Id of the title that is shown.
    pub title_id: TitleId,
    /// Its name.
    pub name: String,
    /// Its picture in landscape, or its poster.
    pub picture: Image,
    /// Beginning by the server's clock.
    pub started_at: UnixMillis,
    /// End, which is the beginning of the next.
    pub ends_at: UnixMillis,
}

/// Kind of a title.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TitleKind {
    /// A film.
    #[default]
    Film,
    /// A series. It is not played itself: its episodes are.
    Series,
    /// An episode of a series.
    Episode,
    /// A trailer of a film or a series.
    Trailer,
    /// A live channel. It has no length, and no position to come back to.
    Live,
    /// A kind of a newer server.
    #[serde(other)]
    Other,
}

impl TitleKind {
    /// Returns the name, as it stands in JSON; that of an unknown kind is `other`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Film => "film",
            Self::Series => "series",
            Self::Episode => "episode",
            Self::Trailer => "trailer",
            Self::Live => "live",
            Self::Other => "other",
        }
    }

    /// Returns true for a film.
    pub fn is_film(&self) -> bool {
        *self == Self::Film
    }
}

/// Place of an episode in its series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EpisodePlace {
    /// Id of the series.
    pub series: TitleId,
    /// Name of the series.
    pub series_name: String,
    /// Number of the season, from 1.
    pub season: u16,
    /// Number within the season, from 1.
    pub number: u16,
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// Name in its original language, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_name: Option<String>,
    /// People who made it, in the order of the credits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cast: Vec<Credit>,
    /// Trailers that can be played.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trailers: Vec<TitleCard>,
    /// Seasons in order; only for a series.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seasons: Vec<Season>,
    /// Episode to play next: of a series, the one that was begun, or the first after the last that was watched; of an
    /// episode, the one that follows it. Absent after the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_next: Option<TitleCard>,
    /// Chapters in order; the first begins at 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chapters: Vec<Chapter>,
    /// Parts that viewers skip.
    #[serde(default, skip_serializing_if = "Marks::is_empty")]
    pub marks: Marks,
    /// Time from which it can no longer be played here; absent if none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_until: Option<UnixMillis>,
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

/// A season of a series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Season {
    /// Number, from 1.
    pub number: u16,
    /// Name for the menu, such as `Season 1`.
    pub name: String,
    /// Episodes in order.
    pub episodes: Vec<Episode>,
}

/// An episode as the page of its series shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Episode {
    /// The episode, with the profile's position.
    pub card: TitleCard,
    /// True if the profile has seen it to the end, or marked it as watched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_watched: bool,
}

/// A person who took part in a title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Credit {
    /// Name of the person.
    pub name: String,
    /// Part that the person had in it.
    pub job: Job,
    /// Name of the part, for an actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub character: Option<String>,
}

/// Part that a person had in a title.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Job {
    /// Acted, or spoke.
    #[default]
    Actor,
    /// Directed it.
    Director,
    /// Wrote it.
    Writer,
    /// Composed its music.
    Composer,
    /// A job of a newer server.
    #[serde(other)]
    Other,
}

/// A chapter of a title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Chapter {
    /// Beginning in milliseconds; it ends where the next one begins.
    pub start_ms: u64,
    /// Name for the menu.
    pub name: String,
}

/// Parts of a title that viewers skip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Marks {
    /// The opening titles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intro: Option<Span>,
    /// Recap of earlier episodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recap: Option<Span>,
    /// Beginning of the closing credits in milliseconds; they last to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits_from_ms: Option<u64>,
}

impl Marks {
    /// Returns true if nothing is marked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A stretch of a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Span {
    /// Beginning in milliseconds.
    pub start_ms: u64,
    /// End in milliseconds, not included.
    pub end_ms: u64,
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchResults {
    /// Text that was searched for, after trimming.
    pub query: String,
    /// The best match first; at most as many as asked for. A search without text gives the titles that pass the filters, by name, and none without a filter.
    pub titles: Vec<TitleCard>,
    /// Values by which the titles that match the text can be filtered, whatever the filters of this search are; values without a title
    /// are left out.
    #[serde(default, skip_serializing_if = "SearchFilters::is_empty")]
    pub filters: SearchFilters,
    /// True if only names were searched, without forgiving typing errors, because the search does not work: there are no filters
    /// then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_simple: bool,
}

/// Values by which the results of a search can be filtered, with the number of titles of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchFilters {
    /// Kinds (`kind=` of the search).
    pub kinds: Vec<KindCount>,
    /// Genres (`genre=`), the most frequent first.
    pub genres: Vec<FilterCount>,
    /// Languages of the sound (`language=`, a BCP 47 tag), the most frequent first.
    pub languages: Vec<FilterCount>,
}

impl SearchFilters {
    /// Returns true if there is nothing to filter by.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.genres.is_empty() && self.languages.is_empty()
    }
}

/// A kind, and its number of titles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KindCount {
    /// Value of the filter.
    pub value: TitleKind,
    /// Titles that it leaves.
    pub titles: u32,
}

/// A value of a filter, and its number of titles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FilterCount {
    /// Value of the filter.
    pub value: String,
    /// Text for the menu.
    pub label: String,
    /// Titles that it leaves.
    pub titles: u32,
}

/// Filters of a search; absent ones leave all titles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchFilter {
    /// Kind of the titles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<TitleKind>,
    /// A genre of the titles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genre: Option<String>,
    /// A language of their sound, a BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Maximum duration in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_minutes: Option<u32>,
}
