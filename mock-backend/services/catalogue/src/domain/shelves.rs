//! The titles that a profile may see, in the orders in which screens show them: computed once for each catalogue and age limit,
//! so that no request sorts the catalogue.

use std::collections::BTreeMap;
use std::sync::Arc;

use kinora_api::{Profile, TitleKind};

use super::entry::Entry;

/// Titles added last that a shelf keeps apart.
const NEWEST: usize = 20;
/// Candidates that are looked at in each genre for titles like another one.
const CANDIDATES: usize = 200;

/// The titles under one age limit.
#[derive(Debug, Default)]
pub struct Shelf {
    /// Every film and series, by name.
    pub all: Vec<Arc<Entry>>,
    /// The films, by name.
    pub films: Vec<Arc<Entry>>,
    /// The series, that with the newest episode first.
    pub series: Vec<Arc<Entry>>,
    /// The titles added last, the latest first; 20 at most.
    pub newest: Vec<Arc<Entry>>,
    /// Genres of two titles or more, the largest first, each by name.
    pub genres: Vec<(String, Vec<Arc<Entry>>)>,
}

impl Shelf {
    fn of(mut all: Vec<Arc<Entry>>) -> Self {
        all.sort_by(|a, b| (a.name(), &a.id).cmp(&(b.name(), &b.id)));
        let mut newest = all.clone();
        newest.sort_by_key(|entry| std::cmp::Reverse(entry.added_at));
        newest.truncate(NEWEST);
        let of_kind = |kind| all.iter().filter(move |entry| entry.kind() == kind).cloned().collect::<Vec<_>>();
        let (films, mut series) = (of_kind(TitleKind::Film), of_kind(TitleKind::Series));
        series.sort_by_key(|entry| std::cmp::Reverse(entry.added_at));
        let mut genres: BTreeMap<&str, Vec<Arc<Entry>>> = BTreeMap::new();
        for entry in &all {
            for genre in entry.genres() {
                genres.entry(genre).or_default().push(Arc::clone(entry));
            }
        }
        // A row of one title is no choice.
        let mut genres: Vec<(String, Vec<Arc<Entry>>)> = genres
            .into_iter()
            .filter(|(_, titles)| titles.len() > 1)
            .map(|(genre, titles)| (genre.to_owned(), titles))
            .collect();
        genres.sort_by_key(|(_, titles)| std::cmp::Reverse(titles.len()));
        Self { all, films, series, newest, genres }
    }

    /// Up to `count` titles that share most genres with `entry`, filled up with others.
    pub fn similar(&self, entry: &Entry, count: usize) -> Vec<Arc<Entry>> {
        let same = self.genres.iter().filter(|(genre, _)| entry.genres().contains(genre));
        let candidates = same.flat_map(|(_, titles)| titles.iter().take(CANDIDATES));
        let mut shared: BTreeMap<&str, (usize, &Arc<Entry>)> = BTreeMap::new();
        for candidate in candidates.filter(|candidate| candidate.id != entry.id) {
            shared.entry(&candidate.id).or_insert((0, candidate)).0 += 1;
        }
        let mut ranked: Vec<(usize, &Arc<Entry>)> = shared.values().copied().collect();
        ranked.sort_by(|(a_shared, a), (b_shared, b)| b_shared.cmp(a_shared).then_with(|| a.name().cmp(b.name())));
        let others = self.all.iter().filter(|other| other.id != entry.id && !shared.contains_key(other.id.as_str()));
        ranked.iter().map(|(_, title)| *title).chain(others).take(count).cloned().collect()
    }
}

/// The shelves of a catalogue: one without a limit, and one for each age at which a further title becomes suitable.
#[derive(Debug, Default)]
pub struct Shelves {
    unlimited: Arc<Shelf>,
    by_age: BTreeMap<u8, Arc<Shelf>>,
    empty: Arc<Shelf>,
}

impl Shelves {
    /// Computes every shelf of a catalogue.
    pub fn of<'e>(titles: impl Iterator<Item = &'e Arc<Entry>>) -> Self {
        let titles: Vec<Arc<Entry>> = titles.cloned().collect();
        let mut ages: Vec<u8> = titles.iter().filter_map(|entry| entry.min_age()).collect();
        ages.sort_unstable();
        ages.dedup();
        let suitable =
            |age: u8| titles.iter().filter(move |entry| entry.min_age().is_some_and(|min| min <= age)).cloned();
        let by_age = ages.into_iter().map(|age| (age, Arc::new(Shelf::of(suitable(age).collect())))).collect();
        Self { unlimited: Arc::new(Shelf::of(titles)), by_age, empty: Arc::default() }
    }

    /// The shelf of a profile.
    pub fn for_profile(&self, profile: &Profile) -> &Arc<Shelf> {
        match profile.max_age {
            None => &self.unlimited,
            Some(limit) => self.by_age.range(..=limit).next_back().map_or(&self.empty, |(_, shelf)| shelf),
        }
    }
}
