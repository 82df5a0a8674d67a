//! Texts about a title, for people.

use super::About;

/// Texts that viewers read about a title.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    /// Shown on the poster and in lists.
    pub title: String,
    /// A sentence or two; may be empty.
    pub description: String,
    /// Year of release.
    pub year: Option<u16>,
    /// Genres, most fitting first.
    pub genres: Vec<String>,
    /// Place in a series, people, chapters, ratings, availability.
    pub about: About,
}

impl Metadata {
    /// The small line under the title on the poster: genres and year.
    pub(super) fn tagline(&self) -> String {
        let year = self.year.map(|year| year.to_string());
        let parts: Vec<&str> = self.genres.iter().take(2).chain(&year).map(String::as_str).collect();
        parts.join("  ·  ")
    }
}
