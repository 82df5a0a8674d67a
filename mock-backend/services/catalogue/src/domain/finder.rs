//! Search: by words, by filters, or by both; and how many titles each value of a filter would leave. Pure.
//!
//! Films, series and episodes are found. Trailers, and titles that no screen offers, are found by their exact name or id only.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use kinora_api::{FilterCount, KindCount, Language, SearchFilter, SearchFilters, TitleKind};

use super::entry::Entry;
use super::search::words::{is_written_without_spaces, plain};
use super::search::{Builder, Index, Name};

/// Age of a title without a rating, which is above every limit.
const UNRATED: u16 = u16::MAX;

/// Milliseconds of a minute.
const MINUTE_MS: u64 = 60_000;

/// Words and filters of a search.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Text after trimming; empty: every film and series, and every episode if the filter says so.
    pub text: String,
    /// Maximum number of titles.
    pub limit: usize,
    /// Filters.
    pub filter: SearchFilter,
    /// Age up to which titles are shown; `None` shows all.
    pub max_age: Option<u8>,
}

/// Result of a search.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Titles, the best first.
    pub titles: Vec<Arc<Entry>>,
    /// Values by which those that match the text can be filtered.
    pub filters: SearchFilters,
}

/// Titles that can be found.
#[derive(Debug, Default)]
pub struct Finder {
    index: Index,
    /// Titles by their numbers in the index, and after them those that are found by their exact names only.
    titles: Vec<Arc<Entry>>,
    /// Facts about each of `titles` that every search looks at.
    facets: Vec<Facet>,
    /// Numbers of the genres of each title, and after them those of its languages.
    values: Vec<u32>,
    genres: Vec<String>,
    languages: Vec<Language>,
    /// Titles by name, as it is compared, and by id.
    exact: HashMap<String, Vec<u32>>,
}

#[derive(Clone, Copy, Debug)]
struct Facet {
    kind: TitleKind,
    age: u16,
    duration_ms: u64,
    /// Beginning of its values, and how many of them are genres and languages.
    values: (u32, u16, u16),
}

/// A filter whose values are numbers.
struct Sieve {
    kind: Option<TitleKind>,
    /// `Some(None)`: a genre that no title has.
    genre: Option<Option<u32>>,
    language: Option<Option<u32>>,
    max_ms: Option<u64>,
}

impl Finder {
    /// Makes a finder of the titles of a catalogue that can be played.
    pub(super) fn of<'e>(titles: impl Iterator<Item = &'e Arc<Entry>>) -> Self {
        let mut finder = Self::default();
        let mut index = Builder::default();
        let (mut genres, mut languages) = (BTreeMap::new(), BTreeMap::new());
        let is_found = |entry: &&Arc<Entry>| !entry.is_hidden && entry.kind() != TitleKind::Trailer;
        let (found, others): (Vec<_>, Vec<_>) = titles.filter(|entry| entry.is_open).partition(is_found);
        for entry in &found {
            let languages = entry.audio.iter().chain(&entry.subtitles).map(|language| language.label.as_str());
            let people = entry.facts.cast.iter().flat_map(|credit| [Some(&credit.name), credit.character.as_ref()]);
            let people = people.flatten().map(String::as_str);
            let minor: Vec<&str> = people.chain([entry.description.as_str()]).chain(languages).collect();
            let year = entry.card.year.map(|year| year.to_string()).unwrap_or_default();
            let major: Vec<&str> = entry.card.genres.iter().map(String::as_str).chain([year.as_str()]).collect();
            let names: Vec<&str> = entry.names.iter().chain(&entry.original_name).map(String::as_str).collect();
            index.add(entry.name(), &names, &major, &minor);
        }
        for (number, entry) in (0_u32..).zip(found.into_iter().chain(others)) {
            let from = u32::try_from(finder.values.len()).unwrap_or(u32::MAX);
            for genre in entry.genres() {
                let next = finder.genres.len();
                let value = *genres.entry(genre.to_ascii_lowercase()).or_insert_with(|| {
                    finder.genres.push(genre.clone());
                    u32::try_from(next).unwrap_or(u32::MAX)
                });
                finder.values.push(value);
            }
            for language in &entry.audio {
                let next = finder.languages.len();
                let value = *languages.entry(language.tag.to_ascii_lowercase()).or_insert_with(|| {
                    finder.languages.push(language.clone());
                    u32::try_from(next).unwrap_or(u32::MAX)
                });
                finder.values.push(value);
            }
            let length = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
            finder.facets.push(Facet {
                kind: entry.kind(),
                age: entry.min_age().map_or(UNRATED, u16::from),
                duration_ms: entry.duration_ms(),
                values: (from, length(entry.genres().len()), length(entry.audio.len())),
            });
            if entry.is_hidden || entry.kind() == TitleKind::Trailer {
                for text in std::collections::BTreeSet::from([plain(entry.name()), plain(&entry.id)]) {
                    finder.exact.entry(text).or_default().push(number);
                }
            }
            finder.titles.push(Arc::clone(entry));
        }
        finder.index = index.build();
        finder
    }

    /// Returns what is found.
    pub fn search(&self, wanted: &Wanted) -> Found {
        let sieve = self.sieve(&wanted.filter);
        let mut counts = Counts::new(self);
        let mut numbers = Vec::new();
        if wanted.text.is_empty() {
            let is_filtered = wanted.filter != SearchFilter::default();
            for Name { title, .. } in self.index.names().iter().filter(|name| name.is_first) {
                if !self.suits(*title, wanted.max_age) {
                    continue;
                }
                let is_whole = self.facet(*title).kind != TitleKind::Episode;
                counts.add(*title, is_whole);
                if is_filtered
                    && numbers.len() < wanted.limit
                    && (is_whole || wanted.filter.kind.is_some())
                    && self.passes(*title, &sieve)
                {
                    numbers.push(*title);
                }
            }
        } else {
            let mut keeps = |title: u32| {
                self.suits(title, wanted.max_age) && {
                    counts.add(title, true);
                    self.passes(title, &sieve)
                }
            };
            let exact = self.exact.get(&plain(&wanted.text)).into_iter().flatten().copied();
            numbers.extend(exact.filter(|title| keeps(*title)));
            let found = self.index.search(&wanted.text, wanted.limit, keeps);
            numbers.extend(found);
            numbers.truncate(wanted.limit);
        }
        Found { titles: self.entries(&numbers), filters: counts.into_filters(self) }
    }

    /// Returns the titles whose names have words that begin with those of the text, by name, without forgiving typing errors: for
    /// the time in which [`Self::search`] does not work.
    pub fn search_names(&self, wanted: &Wanted) -> Found {
        let text = plain(&wanted.text);
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            return Found::default();
        }
        let sieve = self.sieve(&wanted.filter);
        let mut numbers: Vec<u32> = Vec::new();
        for Name { plain, title, .. } in self.index.names() {
            if numbers.len() == wanted.limit {
                break;
            }
            if words.iter().all(|word| has_word(plain, word))
                && self.suits(*title, wanted.max_age)
                && self.passes(*title, &sieve)
                && !numbers.contains(title)
            {
                numbers.push(*title);
            }
        }
        Found { titles: self.entries(&numbers), filters: SearchFilters::default() }
    }

    /// Returns the index of words.
    pub const fn index(&self) -> &Index {
        &self.index
    }

    fn entries(&self, numbers: &[u32]) -> Vec<Arc<Entry>> {
        numbers.iter().map(|title| Arc::clone(&self.titles[*title as usize])).collect()
    }

    fn facet(&self, title: u32) -> &Facet {
        &self.facets[title as usize]
    }

    fn genres_of(&self, title: u32) -> &[u32] {
        let (from, genres, _) = self.facet(title).values;
        &self.values[from as usize..][..usize::from(genres)]
    }

    fn languages_of(&self, title: u32) -> &[u32] {
        let (from, genres, languages) = self.facet(title).values;
        &self.values[from as usize + usize::from(genres)..][..usize::from(languages)]
    }

    fn suits(&self, title: u32, max_age: Option<u8>) -> bool {
        max_age.is_none_or(|limit| self.facet(title).age <= u16::from(limit))
    }

    fn sieve(&self, filter: &SearchFilter) -> Sieve {
        let number = |at: Option<usize>| at.and_then(|at| u32::try_from(at).ok());
        let genre = |wanted: &String| self.genres.iter().position(|genre| genre.eq_ignore_ascii_case(wanted));
        let language = |tag: &String| self.languages.iter().position(|known| known.tag.eq_ignore_ascii_case(tag));
        Sieve {
            kind: filter.kind,
            genre: filter.genre.as_ref().map(|wanted| number(genre(wanted))),
            language: filter.language.as_ref().map(|tag| number(language(tag))),
            max_ms: filter.max_minutes.map(|minutes| u64::from(minutes) * MINUTE_MS),
        }
    }

    fn passes(&self, title: u32, sieve: &Sieve) -> bool {
        let facet = self.facet(title);
        let has = |values: &[u32], wanted: Option<u32>| wanted.is_some_and(|wanted| values.contains(&wanted));
        sieve.kind.is_none_or(|kind| facet.kind == kind)
            && sieve.max_ms.is_none_or(|max_ms| facet.duration_ms <= max_ms)
            && sieve.genre.is_none_or(|genre| has(self.genres_of(title), genre))
            && sieve.language.is_none_or(|language| has(self.languages_of(title), language))
    }
}

/// Returns true if a word of a name begins with a text; in scripts without spaces every character begins a word.
fn has_word(name: &str, text: &str) -> bool {
    let joined = text.chars().next().is_some_and(is_written_without_spaces);
    let begins = |at: usize| !name[..at].chars().next_back().is_some_and(char::is_alphanumeric);
    let first = text.as_bytes().first();
    let mut starts = name.bytes().enumerate().filter(|(_, byte)| Some(byte) == first).map(|(at, _)| at);
    // A place that begins like the text begins a character.
    starts.any(|at| name.as_bytes()[at..].starts_with(text.as_bytes()) && (joined || begins(at)))
}

/// Titles of each value.
struct Counts<'f> {
    finder: &'f Finder,
    kinds: BTreeMap<TitleKind, u32>,
    genres: Vec<u32>,
    languages: Vec<u32>,
}

impl<'f> Counts<'f> {
    fn new(finder: &'f Finder) -> Self {
        Self {
            finder,
            kinds: BTreeMap::new(),
            genres: vec![0; finder.genres.len()],
            languages: vec![0; finder.languages.len()],
        }
    }

    /// Counts a title; without `has_values` its kind only.
    fn add(&mut self, title: u32, has_values: bool) {
        *self.kinds.entry(self.finder.facet(title).kind).or_default() += 1;
        if has_values {
            self.finder.genres_of(title).iter().for_each(|genre| self.genres[*genre as usize] += 1);
            self.finder.languages_of(title).iter().for_each(|language| self.languages[*language as usize] += 1);
        }
    }

    fn into_filters(self, finder: &Finder) -> SearchFilters {
        let count = |value: &str, label: &str, titles: u32| FilterCount {
            value: value.to_owned(),
            label: label.to_owned(),
            titles,
        };
        let genres = finder.genres.iter().zip(self.genres).map(|(genre, titles)| count(genre, genre, titles));
        let languages = finder.languages.iter().zip(self.languages);
        let languages = languages.map(|(language, titles)| count(&language.tag, &language.label, titles));
        SearchFilters {
            kinds: self.kinds.into_iter().map(|(value, titles)| KindCount { value, titles }).collect(),
            genres: most_first(genres),
            languages: most_first(languages),
        }
    }
}

fn most_first(counts: impl Iterator<Item = FilterCount>) -> Vec<FilterCount> {
    let mut counts: Vec<FilterCount> = counts.filter(|count| count.titles > 0).collect();
    counts.sort_by(|a, b| b.titles.cmp(&a.titles).then_with(|| a.value.cmp(&b.value)));
    counts
}

#[cfg(test)]
mod tests {
    use kinora_api::{FilterCount, SearchFilter, TitleKind};
    use kinora_media::TitleRecord;
    use proptest::prelude::*;
    use serde_json::json;

    use super::{Found, Wanted};
    use crate::domain::Snapshot;
    use crate::domain::facts::Setting;
    use crate::domain::tests::{record, records, snapshot};

    fn all() -> Snapshot {
        let mut films = records();
        let mut ocean = record(
            "ocean",
            json!({
                "names": { "sv": "Stora havet", "fi": "Valtameri" }, "original_name": "Het Water",
                "cast": [{ "name": "Ada Quill", "character": "Captain Fogg" }, { "name": "Bo Reed", "job": "director" }],
            }),
        );
        ocean.title = "Ocean".to_owned();
        ocean.genres = vec!["Nature".to_owned(), "Drama".to_owned()];
        ocean.audio[0].language = "sv".to_owned();
        ocean.audio[0].label = "Svenska".to_owned();
        ocean.duration_ms = 20 * 60_000;
        films.push(ocean);
        snapshot(films, &Setting::default())
    }

    fn find(snapshot: &Snapshot, text: &str, filter: SearchFilter) -> Found {
        snapshot.search(&Wanted { text: text.to_owned(), limit: 20, filter, max_age: None })
    }

    fn ids(found: &Found) -> Vec<&str> {
        found.titles.iter().map(|entry| entry.id.as_str()).collect()
    }

    fn found(text: &str) -> Vec<String> {
        ids(&find(&all(), text, SearchFilter::default())).into_iter().map(str::to_owned).collect()
    }

    fn kinds(found: &Found) -> Vec<(TitleKind, u32)> {
        found.filters.kinds.iter().map(|count| (count.value, count.titles)).collect()
    }

    fn values(counts: &[FilterCount]) -> Vec<(&str, &str, u32)> {
        counts.iter().map(|count| (count.value.as_str(), count.label.as_str(), count.titles)).collect()
    }

    #[test]
    fn a_title_is_found_by_every_name_and_by_its_people() {
        for text in ["ocean", "stora havet", "valtamer", "het water", "quill", "captain fogg", "bo reed", "svensk"] {
            assert_eq!(found(text), ["ocean"], "{text}");
        }
    }

    #[test]
    fn an_episode_is_found_by_its_own_name_and_a_hidden_title_by_its_exact_name() {
        assert_eq!(found("tide"), ["tide", "tide-11", "tide-12", "tide-21", "tide-22"]);
        assert_eq!(found("tide 21"), ["tide-21"]);
        for text in ["name of card", "Name of CARD", "card"] {
            assert_eq!(found(text), ["card"], "{text}");
        }
        assert_eq!(found("tide-trailer"), ["tide-trailer"]);
        for text in ["name of car", "cards", "trailer"] {
            assert!(!found(text).iter().any(|id| id == "card" || id == "tide-trailer"), "{text}");
        }
    }

    #[test]
    fn filters_leave_what_they_name_and_say_what_others_would_leave() {
        let all = all();
        let kind = |kind| SearchFilter { kind: Some(kind), ..SearchFilter::default() };
        let drama = SearchFilter { genre: Some("drama".to_owned()), ..SearchFilter::default() };
        let swedish = SearchFilter { language: Some("SV".to_owned()), ..SearchFilter::default() };
        let short = SearchFilter { max_minutes: Some(19), ..SearchFilter::default() };
        assert_eq!(ids(&find(&all, "about little", kind(TitleKind::Series))), ["tide"]);
        assert_eq!(ids(&find(&all, "about", swedish.clone())), ["ocean"]);
        assert!(!ids(&find(&all, "about", short)).contains(&"ocean"));
        let unknown = SearchFilter { genre: Some("Zither".to_owned()), ..SearchFilter::default() };
        let none = find(&all, "about", unknown);
        assert!(none.titles.is_empty());
        let expected = [(TitleKind::Film, 3), (TitleKind::Series, 1), (TitleKind::Episode, 4)];
        assert_eq!(kinds(&none), expected, "whatever the filter is");
        assert_eq!(values(&none.filters.genres), [("Drama", "Drama", 8), ("Nature", "Nature", 1)]);
        assert_eq!(values(&none.filters.languages), [("en", "English", 7), ("sv", "Svenska", 1)]);

        // Without a text: by name, films and series, unless episodes are asked for.
        assert_eq!(ids(&find(&all, "", drama)), ["film-a", "film-b", "tide", "ocean"]);
        assert_eq!(ids(&find(&all, "", kind(TitleKind::Episode)))[..2], ["tide-11", "tide-12"]);
        assert_eq!(ids(&find(&all, "", swedish)), ["ocean"]);
        let nothing = find(&all, "", SearchFilter::default());
        assert!(nothing.titles.is_empty());
        assert_eq!(values(&nothing.filters.genres), [("Drama", "Drama", 4), ("Nature", "Nature", 1)]);
        let two = Wanted { limit: 2, filter: kind(TitleKind::Film), ..Wanted::default() };
        assert_eq!(ids(&all.search(&two)), ["film-a", "film-b"]);
    }

    #[test]
    fn names_alone_are_searched_by_the_beginnings_of_words() {
        let all = all();
        let find = |text: &str| all.search_names(&Wanted { text: text.to_owned(), limit: 3, ..Wanted::default() });
        assert_eq!(ids(&find("stora hav")), ["ocean"]);
        assert_eq!(ids(&find("tide nam")), ["tide", "tide-11", "tide-12"]);
        assert!(ids(&find("ide")).is_empty() && ids(&find("")).is_empty() && ids(&find("quill")).is_empty());
        assert!(ids(&find("card")).is_empty(), "it is hidden");
    }

    const WORDS: [&str; 6] = ["amber", "birch", "cedar", "amberly", "birches", "delta"];
    const GENRES: [&str; 3] = ["Drama", "Nature", "War"];

    /// Words, genres, age and minutes of a title.
    type Drawn = (Vec<usize>, Vec<usize>, u8, u64);

    fn drawn(titles: &[Drawn]) -> Vec<TitleRecord> {
        let one = |(number, (words, genres, age, minutes)): (usize, &Drawn)| {
            let rule = json!([{ "label": "A", "min_age": age }]);
            let mut title = record(&format!("t{number:02}"), json!({ "ratings": rule }));
            title.title = words.iter().map(|word| WORDS[*word]).collect::<Vec<_>>().join(" ");
            title.genres = genres.iter().map(|genre| GENRES[*genre].to_owned()).collect();
            title.genres.dedup();
            title.duration_ms = minutes * 60_000;
            title
        };
        titles.iter().enumerate().map(one).collect()
    }

    proptest! {
        #[test]
        fn a_filter_leaves_those_of_the_unfiltered_search_that_pass_it_and_as_many_as_was_said(
            titles in prop::collection::vec(
                (prop::collection::vec(0_usize..6, 1..4), prop::collection::btree_set(0_usize..3, 0..3), 0_u8..19, 1_u64..100), 1..30,
            ),
            word in 0_usize..7, genre in 0_usize..3, max_minutes in prop::option::of(0_u32..100), age in prop::option::of(0_u8..19),
        ) {
            let titles: Vec<_> =
                titles.into_iter().map(|(words, genres, age, minutes)| (words, genres.into_iter().collect(), age, minutes)).collect();
            let records = drawn(&titles);
            let snapshot = snapshot(records.clone(), &Setting::default());
            let text = WORDS.get(word).copied().unwrap_or("").to_owned();
            let search = |filter| snapshot.search(&Wanted { text: text.clone(), limit: 100, filter, max_age: age });
            let genre_only = SearchFilter { genre: Some(GENRES[genre].to_owned()), ..SearchFilter::default() };
            let both = search(SearchFilter { max_minutes, ..genre_only.clone() });
            let whole = if text.is_empty() {
                search(SearchFilter { kind: Some(TitleKind::Film), ..SearchFilter::default() })
            } else {
                search(SearchFilter::default())
            };
            let passes = |id: &&str| {
                records.iter().any(|record| {
                    record.id == **id
                        && record.genres.iter().any(|of| of == GENRES[genre])
                        && max_minutes.is_none_or(|most| record.duration_ms <= u64::from(most) * 60_000)
                })
            };
            prop_assert_eq!(ids(&both), ids(&whole).into_iter().filter(passes).collect::<Vec<_>>());
            prop_assert!(whole.titles.iter().all(|entry| age.is_none_or(|limit| entry.min_age().is_some_and(|min| min <= limit))));
            let said = both.filters.genres.iter().find(|count| count.value == GENRES[genre]).map_or(0, |count| count.titles);
            prop_assert_eq!(said as usize, search(genre_only).titles.len());
            prop_assert_eq!(&both.filters, &whole.filters);
        }
    }
}
