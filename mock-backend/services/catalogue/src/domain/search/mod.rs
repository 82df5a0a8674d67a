//! Search in the catalogue: words, beginnings of words, and typing errors, in every language. Pure.
//!
//! * [`words`] — what a word is.
//!
//! Every word of the query has to be found in a title; a title's score is the sum over the words of how well and how prominently
//! each was found, and more if the query begins its name. The words of all titles are one dictionary (a finite-state transducer),
//! through which an automaton of the query's words goes: what a search costs depends on what it finds, and little on the catalogue.

pub mod words;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use fst::{Automaton, IntoStreamer as _, Map, Streamer as _};
use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder, SINK_STATE};

use self::words::{is_written_without_spaces, plain, words};

/// Words of a query that count.
const MAX_WORDS: usize = 8;
/// Words of a title that are indexed.
const MAX_INDEXED: usize = 400;
/// Characters of a word from which on one typing error is forgiven, and from which on two.
const ONE_ERROR_FROM: usize = 4;
const TWO_ERRORS_FROM: usize = 8;

/// Weight of a title's name, of what else is said of it, and of its prose.
const WEIGHTS: [u32; 3] = [8, 4, 1];

/// Worth of a word by its likeness to the one that was looked for.
const EXACT: u32 = 8;
const BEGINNING: u32 = 6;
const ONE_ERROR: u32 = 2;
const TWO_ERRORS: u32 = 1;

/// Score that a title gets if the query is its name, and if it is the beginning of its name.
const WHOLE_NAME: u32 = 64;
const NAME_BEGINS: u32 = 24;

/// Words of all titles.
pub struct Index {
    /// Number of each word.
    dictionary: Map<Vec<u8>>,
    /// Beginning of each word's titles in `titles`, by number; one more than there are words.
    starts: Vec<u32>,
    /// Title and field: four times the number of the title, and the place of its weight in [`WEIGHTS`].
    titles: Vec<u32>,
    /// Number of titles.
    count: usize,
    /// Names in the form in which they are compared, in order.
    names: Vec<Name>,
    one_error: LevenshteinAutomatonBuilder,
    two_errors: LevenshteinAutomatonBuilder,
}

/// Name of a title.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The name in the form in which it is compared.
    pub plain: String,
    /// Number of the title.
    pub title: u32,
    /// False for a name in another language.
    pub is_first: bool,
}

/// Titles to make an index of.
#[derive(Default)]
pub struct Builder {
    words: HashMap<String, Vec<u32>>,
    count: usize,
    names: Vec<Name>,
}

impl Builder {
    /// Adds a title, whose number is that of those before it: its name weighs most, then its names in other languages and what else
    /// is said of it, then its prose.
    pub fn add(&mut self, name: &str, others: &[&str], major: &[&str], minor: &[&str]) {
        let Some(number) = u32::try_from(self.count).ok().filter(|number| *number < u32::MAX / 4) else { return };
        let fields = [(name, 0)]
            .into_iter()
            .chain(others.iter().chain(major).map(|text| (*text, 1)))
            .chain(minor.iter().map(|text| (*text, 2)));
        let all = fields.flat_map(|(text, field)| words(text).into_iter().map(move |word| (word, field)));
        // Fields come with falling weight, so that the first one of a word is the one that counts.
        let mut of_title: BTreeMap<String, u32> = BTreeMap::new();
        for (word, field) in all.take(MAX_INDEXED) {
            of_title.entry(word).or_insert(field);
        }
        for (word, field) in of_title {
            self.words.entry(word).or_default().push(number * 4 + field);
        }
        self.count += 1;
        self.names.push(Name { plain: plain(name), title: number, is_first: true });
        let other = |name: &&str| Name { plain: plain(name), title: number, is_first: false };
        self.names.extend(others.iter().map(other));
    }

    /// Makes the index.
    pub fn build(self) -> Index {
        let mut all: Vec<(String, Vec<u32>)> = self.words.into_iter().collect();
        all.sort_unstable_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
        let (mut starts, mut titles) = (vec![0], Vec::new());
        for (_, of) in &all {
            titles.extend_from_slice(of);
            starts.push(u32::try_from(titles.len()).unwrap_or(u32::MAX));
        }
        // The words are sorted and distinct, which is all that the map asks for.
        let numbered = all.iter().zip(0_u64..).map(|((word, _), number)| (word.as_bytes(), number));
        let dictionary = Map::from_iter(numbered).unwrap_or_default();
        let mut names = self.names;
        names.sort_unstable();
        Index { dictionary, starts, titles, count: self.count, names, ..Index::default() }
    }
}

impl Default for Index {
    fn default() -> Self {
        Self {
            dictionary: Map::default(),
            starts: vec![0],
            titles: Vec::new(),
            count: 0,
            names: Vec::new(),
            one_error: LevenshteinAutomatonBuilder::new(1, true),
            two_errors: LevenshteinAutomatonBuilder::new(2, true),
        }
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("titles", &self.count)
            .field("words", &self.dictionary.len())
            .finish_non_exhaustive()
    }
}

impl Index {
    /// Returns the titles that match and that `keeps` lets through, the best first, at most `limit`; ties are in the order of adding.
    /// `keeps` is called once for each title that matches.
    pub fn search(&self, query: &str, limit: usize, mut keeps: impl FnMut(u32) -> bool) -> Vec<u32> {
        let mut wanted = words(query);
        wanted.truncate(MAX_WORDS);
        if wanted.is_empty() {
            return Vec::new();
        }
        let mut scores: Vec<u32> = vec![0; self.count];
        let mut found: Vec<u32> = Vec::new();
        let mut best: Vec<u32> = vec![0; self.count];
        for (at, word) in wanted.iter().enumerate() {
            let mut hits = Vec::new();
            self.look_up(word, |title, score| {
                let title_at = title as usize;
                // Titles that lack a word before are out.
                if at > 0 && scores[title_at] == 0 {
                    return;
                }
                if best[title_at] == 0 {
                    hits.push(title);
                }
                best[title_at] = best[title_at].max(score);
            });
            for title in found.drain(..) {
                if best[title as usize] == 0 {
                    scores[title as usize] = 0;
                }
            }
            for title in &hits {
                scores[*title as usize] += std::mem::take(&mut best[*title as usize]);
            }
            found = hits;
        }
        let name = plain(query.trim());
        let beginning = self.names_that_begin(&name);
        for Name { plain, title, .. } in beginning {
            let best = &mut best[*title as usize];
            *best = (*best).max(if plain.len() == name.len() { WHOLE_NAME } else { NAME_BEGINS });
        }
        for Name { title, .. } in beginning {
            let score = &mut scores[*title as usize];
            if *score > 0 {
                // A title with two such names is counted once.
                *score += std::mem::take(&mut best[*title as usize]);
            }
        }
        found.retain(|title| keeps(*title));
        let mut ranked: Vec<(Reverse<u32>, u32)> =
            found.into_iter().map(|title| (Reverse(scores[title as usize]), title)).collect();
        // The first letters of a word find half of the catalogue, of which only the best are put in order.
        if limit < ranked.len() {
            ranked.select_nth_unstable(limit);
            ranked.truncate(limit);
        }
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, title)| title).collect()
    }

    /// Returns the names of all titles, in order.
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    /// Returns the names that begin with a text.
    fn names_that_begin(&self, text: &str) -> &[Name] {
        let first = self.names.partition_point(|name| name.plain.as_str() < text);
        let count = self.names[first..].partition_point(|name| name.plain.starts_with(text));
        &self.names[first..first + count]
    }

    /// Calls `hit` with each title that has a word like `wanted`, and the score of it; some more than once.
    fn look_up(&self, wanted: &str, mut hit: impl FnMut(u32, u32)) {
        let mut add = |number: u64, quality: u32| {
            let Ok(number) = usize::try_from(number) else { return };
            let range = self.starts[number] as usize..self.starts[number + 1] as usize;
            for entry in &self.titles[range] {
                hit(entry / 4, quality * WEIGHTS[(entry % 4) as usize]);
            }
        };
        let mut beginnings = self.dictionary.search(fst::automaton::Str::new(wanted).starts_with()).into_stream();
        while let Some((word, number)) = beginnings.next() {
            add(number, if word.len() == wanted.len() { EXACT } else { BEGINNING });
        }
        let length = wanted.chars().count();
        if length < ONE_ERROR_FROM || wanted.chars().any(is_written_without_spaces) {
            return;
        }
        let (builder, allowed) = if length < TWO_ERRORS_FROM { (&self.one_error, 1) } else { (&self.two_errors, 2) };
        // The whole word with its errors, and the beginning of a longer one, as it is typed.
        let automaton = Errors { dfa: builder.build_prefix_dfa(wanted), allowed };
        let mut near = self.dictionary.search_with_state(&automaton).into_stream();
        while let Some((word, number, state)) = near.next() {
            if word.starts_with(wanted.as_bytes()) {
                continue;
            }
            match automaton.dfa.distance(state) {
                Distance::Exact(0 | 1) => add(number, ONE_ERROR),
                Distance::Exact(_) => add(number, TWO_ERRORS),
                Distance::AtLeast(_) => {}
            }
        }
    }

    /// Returns the number of distinct words.
    pub fn words(&self) -> usize {
        self.dictionary.len()
    }

    /// Returns the bytes that it takes, without the titles' names.
    pub fn bytes(&self) -> usize {
        self.dictionary.as_fst().size() + (self.starts.len() + self.titles.len()) * size_of::<u32>()
    }
}

/// Words that are as near to another one as its automaton says.
struct Errors {
    dfa: DFA,
    allowed: u8,
}

impl Automaton for Errors {
    type State = u32;

    fn start(&self) -> u32 {
        self.dfa.initial_state()
    }

    fn is_match(&self, state: &u32) -> bool {
        matches!(self.dfa.distance(*state), Distance::Exact(errors) if errors <= self.allowed)
    }

    fn can_match(&self, state: &u32) -> bool {
        *state != SINK_STATE
    }

    fn accept(&self, state: &u32, byte: u8) -> u32 {
        self.dfa.transition(*state, byte)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Builder, Index};

    /// Titles in the order of [`index`].
    const IDS: [&str; 4] = ["ocean", "city", "uber", "spirit"];

    fn index() -> Index {
        let mut index = Builder::default();
        index.add("Deep Ocean", &[], &["Nature", "2024"], &["Whales sing in the blue.", "Deutsch"]);
        index.add(
            "City of Lights",
            &["Stad av ljus", "Oceania"],
            &["Documentary"],
            &["A night in the ocean of lights."],
        );
        index.add("Über den Wolken", &[], &["Nature"], &[""]);
        index.add("千と千尋の神隠し", &[], &["Animation"], &["Spirited Away"]);
        index.build()
    }

    fn search(index: &Index, query: &str) -> Vec<&'static str> {
        index.search(query, 20, |_| true).into_iter().map(|title| IDS[title as usize]).collect()
    }

    #[test]
    fn names_come_before_prose() {
        let index = index();
        assert_eq!(search(&index, "ocean"), ["ocean", "city"]);
        assert_eq!(search(&index, "OCE"), ["ocean", "city"]);
        assert_eq!(search(&index, "lights ocean"), ["city"]);
    }

    #[test]
    fn marks_and_typing_errors_do_not_matter() {
        let index = index();
        assert_eq!(search(&index, "uber"), ["uber"]);
        for typo in ["ocaen", "ocen", "oceean", "ocexn"] {
            assert_eq!(search(&index, typo), ["ocean", "city"], "{typo}");
        }
        assert_eq!(search(&index, "2024"), ["ocean"]);
        for typo in ["documentry", "documetnary", "docuemntayr", "documantery"] {
            assert_eq!(search(&index, typo), ["city"], "{typo}");
        }
        assert_eq!(search(&index, "docmuent"), ["city"], "the beginning of a word, with an error");
    }

    #[test]
    fn two_errors_are_too_many_for_a_short_word_and_one_for_a_very_short_one() {
        let index = index();
        assert!(search(&index, "oxexn").is_empty());
        assert!(search(&index, "dep").is_empty());
        assert_eq!(search(&index, "deep"), ["ocean"]);
    }

    #[test]
    fn titles_without_spaces_are_found_by_any_part() {
        let index = index();
        for part in ["千と千尋", "千尋", "神隠し", "神", "千"] {
            assert_eq!(search(&index, part), ["spirit"], "{part}");
        }
        assert!(search(&index, "神千").is_empty());
    }

    #[test]
    fn the_name_that_was_typed_comes_first() {
        let mut builder = Builder::default();
        for name in ["The Deep Blue Deep", "Deep Sea", "Deep"] {
            builder.add(name, &[], &[], &[]);
        }
        assert_eq!(builder.build().search("deep", 20, |_| true), [2, 1, 0]);
    }

    #[test]
    fn what_may_not_be_seen_takes_no_place_in_the_answer() {
        let index = index();
        assert_eq!(index.search("ocean", 1, |title| title != 0), [1]);
        assert_eq!(index.search("nature", 1, |_| true).len(), 1);
    }

    #[test]
    fn a_name_in_another_language_is_a_name() {
        let index = index();
        assert_eq!(search(&index, "stad av ljus"), ["city"]);
        assert_eq!(search(&index, "oceania"), ["city"], "the name that was typed");
        assert_eq!(search(&index, "ocean"), ["ocean", "city"], "its own name weighs more");
        let firsts: Vec<&str> =
            index.names().iter().filter(|name| name.is_first).map(|name| name.plain.as_str()).collect();
        assert_eq!(firsts, ["city of lights", "deep ocean", "uber den wolken", "千と千尋の神隠し"]);
    }

    #[test]
    fn nothing_is_found_for_nothing() {
        let index = index();
        for query in ["", "  ", "?!", "zebra", "ocean zebra", "zebra ocean", "x"] {
            assert!(search(&index, query).is_empty(), "{query:?}");
        }
        assert!(search(&Index::default(), "ocean").is_empty());
    }

    /// Returns true if one letter was added, left out or mistaken, or two neighbours were swapped.
    fn one_error_away(a: &[char], b: &[char]) -> bool {
        let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
        let (a, b) = (&a[same..], &b[same..]);
        match a.len().abs_diff(b.len()) {
            0 => a.get(1..) == b.get(1..) || (a.len() >= 2 && a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..]),
            1 if a.len() > b.len() => a[1..] == *b,
            1 => *a == b[1..],
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn each_word_with_one_error_is_found(words in prop::collection::vec("[a-dä-ü]{4,7}", 1..12), query in "[a-dä-ü]{4,7}") {
            let mut builder = Builder::default();
            words.iter().for_each(|word| builder.add(word, &[], &[], &[]));
            let index = builder.build();
            let found: Vec<&str> =
                index.search(&query, 20, |_| true).into_iter().map(|title| words[title as usize].as_str()).collect();
            let (plain, chars) = (super::plain(&query), super::plain(&query).chars().collect::<Vec<_>>());
            for word in &words {
                let word_plain = super::plain(word);
                let near = word_plain.starts_with(&plain) || one_error_away(&chars, &word_plain.chars().collect::<Vec<_>>());
                prop_assert!(!near || found.contains(&word.as_str()), "{query} {word} {found:?}");
            }
        }

        #[test]
        fn no_query_makes_it_stumble(query in any::<String>(), name in any::<String>()) {
            let mut builder = Builder::default();
            builder.add(&name, &[&query], &[], &[&query]);
            let index = builder.build();
            let words = super::words(&query);
            let found = index.search(&query, 20, |_| true);
            prop_assert!(words.is_empty() || words.len() > 8 || found == [0], "{words:?}");
        }
    }
}
