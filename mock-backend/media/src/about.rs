//! Facts about a title beside its texts and its media: its place in a series, people, chapters, marks, ratings, availability.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Facts about a title. The record of a title has them; every field may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// Kind of title.
    #[serde(skip_serializing_if = "is_default")]
    pub kind: Kind,
    /// Title that it belongs to; only for episodes and trailers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_of: Option<PartOf>,
    /// Names of seasons by number; only for a series. One without a name here is `Season N`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub season_names: BTreeMap<u16, String>,
    /// Name in its original language, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_name: Option<String>,
    /// Names by language (BCP 47 tag), by which a search finds it too.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// People who made it, in the order of the credits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cast: Vec<Person>,
    /// Ages from which it is suitable; the first whose regions hold counts. Without one it is for adults only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ratings: Vec<AgeRecord>,
    /// Windows within which it can be played; without a window, everywhere and always.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub availability: Vec<Window>,
    /// Chapters in order; the first begins at 0.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chapters: Vec<ChapterRecord>,
    /// Parts that viewers skip.
    #[serde(skip_serializing_if = "is_default")]
    pub marks: MarksRecord,
    /// True if no screen offers it, such as a test card: who knows its id, or searches for its name, can play it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_hidden: bool,
}

/// Kind of a title.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A film.
    #[default]
    Film,
    /// A series: it has no media of its own.
    Series,
    /// An episode of a series.
    Episode,
    /// A trailer of a film or a series.
    Trailer,
}

/// Title that an episode or a trailer belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartOf {
    /// Id of the series, or of the title that a trailer shows.
    pub title: String,
    /// Number of the season, from 1; 0 for a trailer.
    #[serde(default)]
    pub season: u16,
    /// Number within the season, or of the trailer, from 1.
    pub number: u16,
}

/// A person who took part in a title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Name of the person.
    pub name: String,
    /// Part that the person had in it.
    #[serde(default)]
    pub job: Job,
    /// Name of the part, for an actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub character: Option<String>,
}

/// Part that a person had in a title.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
}

/// Age from which a title is suitable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgeRecord {
    /// Regions in which it holds (ISO 3166-1 alpha-2); empty: everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// Text of the badge.
    pub label: String,
    /// Age in years.
    pub min_age: u8,
}

/// Regions and time in which a title can be played.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Window {
    /// Regions (ISO 3166-1 alpha-2); empty: everywhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// Beginning; absent: always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// End, not included; absent: for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A chapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChapterRecord {
    /// Beginning in milliseconds.
    pub start_ms: u64,
    /// Name.
    pub name: String,
}

/// Parts that viewers skip, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MarksRecord {
    /// Beginning and end of the opening titles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intro: Option<(u64, u64)>,
    /// Beginning and end of what happened in earlier episodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recap: Option<(u64, u64)>,
    /// Beginning of the closing credits, which last to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credits_from_ms: Option<u64>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
