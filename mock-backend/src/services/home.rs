//! The home screen: which rows, in which order. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use kinora_api::{Home, ResumePosition, Row, RowKind, TitleCard};

use super::catalogue::Entry;

/// Titles in a row that has no end of its own.
const LONG_ROW: usize = 20;

/// The home screen from the titles that the profile may see (by name) and its positions (the latest first).
pub fn arrange(titles: &[Arc<Entry>], positions: &[ResumePosition]) -> Home {
    let by_id: BTreeMap<&str, &ResumePosition> =
        positions.iter().map(|position| (position.title_id.as_str(), position)).collect();
    let card = |entry: &Arc<Entry>| entry.card(by_id.get(entry.id.as_str()).copied());
    let mut newest: Vec<&Arc<Entry>> = titles.iter().collect();
    newest.sort_by_key(|entry| std::cmp::Reverse(entry.added_at));

    let watching = positions.iter().filter_map(|position| {
        let entry = titles.iter().find(|entry| entry.id == position.title_id.as_str())?;
        Some(card(entry)).filter(|card| card.resume.is_some())
    });
    let mut rows = vec![
        row("continue", RowKind::ContinueWatching, "Continue watching", watching.take(LONG_ROW).collect()),
        row(
            "recent",
            RowKind::RecentlyAdded,
            "Recently added",
            newest.iter().take(LONG_ROW).map(|e| card(e)).collect(),
        ),
    ];
    let mut genres: BTreeMap<&str, Vec<TitleCard>> = BTreeMap::new();
    for entry in titles {
        for genre in entry.genres() {
            genres.entry(genre).or_default().push(card(entry));
        }
    }
    // A row of one title is no choice.
    let mut genres: Vec<(&str, Vec<TitleCard>)> = genres.into_iter().filter(|(_, cards)| cards.len() > 1).collect();
    genres.sort_by_key(|(_, cards)| std::cmp::Reverse(cards.len()));
    rows.extend(genres.into_iter().map(|(genre, cards)| {
        row(&format!("genre:{genre}"), RowKind::Genre { genre: genre.to_owned() }, genre, cards)
    }));
    rows.push(row("all", RowKind::All, "All titles", titles.iter().map(card).collect()));
    rows.retain(|row| !row.titles.is_empty());
    Home { hero: newest.first().map(|entry| card(entry)), rows }
}

fn row(id: &str, kind: RowKind, heading: &str, titles: Vec<TitleCard>) -> Row {
    Row { id: id.to_owned(), kind, heading: heading.to_owned(), titles }
}
