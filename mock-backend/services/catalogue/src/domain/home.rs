//! The home screen: which rows, in which order, a page at a time. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use kinora_api::internal::PickedKind;
use kinora_api::{Home, ProfileId, Reason, ResumePosition, Row, RowKind, TitleCard, paths};

use super::entry::Entry;
use super::shelves::Shelf;

/// Titles begun that are shown.
const CONTINUE: usize = 20;
/// Titles of the best and of the newest ones among which one with key art is looked for, to show large.
const HERO: usize = 10;
/// Titles of a row in one answer.
pub const ROW_PAGE: usize = 40;
/// Genre rows in one answer.
const GENRES_PAGE: usize = 10;

const MY_LIST: &str = "my-list";
const LIVE: &str = "live";
const FOR_YOU: &str = "for-you";
const BECAUSE: &str = "because:";
const POPULAR: &str = "popular";
const SERIES: &str = "series";
const ALL: &str = "all";
const GENRE: &str = "genre:";

/// Titles of the rows that only one profile has.
pub struct OwnRows {
    /// Titles to continue, the latest first: films that were begun, and of each series the episode to play next.
    pub begun: Vec<Arc<Entry>>,
    /// Titles that it keeps, the latest first.
    pub listed: Vec<Arc<Entry>>,
    /// Live channels.
    pub live: Vec<TitleCard>,
    /// Rows of recommendations; `None` if recommendations do not answer.
    pub picked: Option<Vec<Picked>>,
}

/// A row of recommendations.
pub struct Picked {
    /// Kind of the row.
    pub kind: PickedKind,
    /// The title that it goes with.
    pub of: Option<Arc<Entry>>,
    /// Titles, the best first, and why each is one of them.
    pub titles: Vec<(Arc<Entry>, Option<Reason>)>,
}

/// A profile's titles and positions (the latest first), and its id if the request named it.
pub struct Scene<'s> {
    shelf: &'s Shelf,
    positions: BTreeMap<&'s str, &'s ResumePosition>,
    profile: Option<&'s ProfileId>,
}

impl<'s> Scene<'s> {
    /// A scene of a shelf, positions and the profile that the links of the answer name.
    pub fn new(shelf: &'s Shelf, positions: &'s [ResumePosition], profile: Option<&'s ProfileId>) -> Self {
        let positions = positions.iter().map(|position| (position.title_id.as_str(), position)).collect();
        Self { shelf, positions, profile }
    }

    /// The home screen from the genre row `first` on. The first page has the other rows as well, those of `own`
    /// among them.
    pub fn home(&self, own: &OwnRows, first: usize) -> Home {
        let genres = self.shelf.genres.iter().skip(first).take(GENRES_PAGE);
        let genres = genres.filter_map(|(genre, _)| self.row(&format!("{GENRE}{genre}"), 0));
        let next = first.saturating_add(GENRES_PAGE);
        let next = (next < self.shelf.genres.len()).then(|| paths::home_from(next, self.profile));
        if first > 0 {
            return Home { rows: genres.collect(), next, ..Home::default() };
        }
        let watching = own.begun.iter().map(|entry| self.card(entry));
        let mut rows = vec![
            fixed("continue", RowKind::ContinueWatching, "Continue watching", watching.take(CONTINUE).collect()),
            fixed(LIVE, RowKind::Live, "Live", own.live.iter().take(ROW_PAGE).cloned().collect()),
            fixed(MY_LIST, RowKind::MyList, "My list", self.cards(&own.listed[..own.listed.len().min(ROW_PAGE)])),
        ];
        let picked = own.picked.as_deref().unwrap_or_default();
        rows.extend(picked.iter().filter_map(|row| self.picked(row)));
        rows.extend([fixed("recent", RowKind::RecentlyAdded, "Recently added", self.cards(&self.shelf.newest))]);
        rows.extend(self.row(SERIES, 0));
        rows.extend(genres);
        rows.extend(self.row(ALL, 0));
        rows.retain(|row| !row.titles.is_empty());
        let hero = self.hero(picked);
        Home { hero, rows, next, is_impersonal: own.picked.is_none(), ..Home::default() }
    }

    /// Returns the title to show large: the best that is recommended, else the newest; one with key art before those without.
    fn hero(&self, picked: &[Picked]) -> Option<TitleCard> {
        let best = picked.iter().find(|row| row.kind == PickedKind::ForYou).into_iter();
        let best = best.flat_map(|row| row.titles.iter().take(HERO)).map(|(entry, reason)| (entry, reason.as_ref()));
        let newest = self.shelf.newest.iter().take(HERO).map(|entry| (entry, None));
        let all: Vec<(&Arc<Entry>, Option<&Reason>)> = best.chain(newest).collect();
        let with_art = all.iter().find(|(entry, _)| entry.card.key_art.is_some());
        with_art.or_else(|| all.first()).map(|(entry, reason)| self.picked_card(entry, *reason))
    }

    /// Returns a row of recommendations; `None` for those of genres, which have rows already.
    fn picked(&self, row: &Picked) -> Option<Row> {
        let (id, kind, heading) = match (&row.kind, &row.of) {
            (PickedKind::ForYou, _) => (FOR_YOU.to_owned(), RowKind::ForYou, "For you".to_owned()),
            (PickedKind::Popular, _) => (POPULAR.to_owned(), RowKind::Popular, "Popular".to_owned()),
            (PickedKind::BecauseWatched { title }, Some(of)) => (
                format!("{BECAUSE}{title}"),
                RowKind::BecauseWatched { title: title.clone() },
                format!("Because you watched {}", of.name()),
            ),
            _ => return None,
        };
        let titles = row.titles.iter().take(ROW_PAGE).map(|(entry, reason)| self.picked_card(entry, reason.as_ref()));
        Some(fixed(&id, kind, &heading, titles.collect()))
    }

    fn picked_card(&self, entry: &Entry, reason: Option<&Reason>) -> TitleCard {
        TitleCard { reason: reason.cloned(), ..self.card(entry) }
    }

    /// The titles of a long row from number `first` on; `None` when there is no such row.
    pub fn row(&self, id: &str, first: usize) -> Option<Row> {
        let (kind, heading, titles) = if id == ALL {
            (RowKind::All, "All films", &self.shelf.films)
        } else if id == SERIES {
            (RowKind::Series, "Series", &self.shelf.series)
        } else {
            let wanted = id.strip_prefix(GENRE)?;
            let (genre, titles) = self.shelf.genres.iter().find(|(genre, _)| genre == wanted)?;
            (RowKind::Genre { genre: genre.clone() }, genre.as_str(), titles)
        };
        let page = titles.iter().skip(first).take(ROW_PAGE).map(|entry| self.card(entry)).collect();
        let next = first.saturating_add(ROW_PAGE);
        let next = (next < titles.len()).then(|| paths::home_row(id, next, self.profile));
        Some(Row { next, ..fixed(id, kind, heading, page) })
    }

    fn cards(&self, titles: &[Arc<Entry>]) -> Vec<TitleCard> {
        titles.iter().map(|entry| self.card(entry)).collect()
    }

    fn card(&self, entry: &Entry) -> TitleCard {
        entry.card(self.positions.get(entry.id.as_str()).copied())
    }
}

fn fixed(id: &str, kind: RowKind, heading: &str, titles: Vec<TitleCard>) -> Row {
    Row { id: id.to_owned(), kind, heading: heading.to_owned(), titles, next: None }
}
