//! Search in the catalogue: words, beginnings of words, and one typing error. Pure.
//!
//! Every word of the query has to be found in a title; a title's score is the sum over the words of how well and how prominently
//! each was found. One pass over the words of all titles: linear in the catalogue.

/// Words of a query that count.
const MAX_WORDS: usize = 8;
/// Characters of a word that count.
const MAX_WORD: usize = 40;
/// Words of a title that are indexed.
const MAX_INDEXED: usize = 400;

/// Words of all titles with their weight.
#[derive(Debug, Default)]
pub struct Index {
    titles: Vec<Indexed>,
}

#[derive(Debug)]
struct Indexed {
    id: String,
    words: Vec<(Vec<char>, u32)>,
}

impl Index {
    /// Adds a title: its name weighs most, then what else is said of it, then its prose.
    pub fn add(&mut self, id: &str, name: &str, major: &[&str], minor: &[&str]) {
        let fields = std::iter::once((name, 8))
            .chain(major.iter().map(|&text| (text, 4)))
            .chain(minor.iter().map(|&text| (text, 1)));
        let words =
            fields.flat_map(|(text, weight)| words(text).map(move |word| (word, weight))).take(MAX_INDEXED).collect();
        self.titles.push(Indexed { id: id.to_owned(), words });
    }

    /// Ids of the titles that match, the best first; ties in the order of adding.
    pub fn search(&self, query: &str) -> Vec<String> {
        let query: Vec<Vec<char>> = words(query).take(MAX_WORDS).collect();
        if query.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<(u32, &str)> =
            self.titles.iter().filter_map(|title| Some((title.score(&query)?, title.id.as_str()))).collect();
        found.sort_by_key(|&(score, _)| std::cmp::Reverse(score));
        found.into_iter().map(|(_, id)| id.to_owned()).collect()
    }
}

impl Indexed {
    fn score(&self, query: &[Vec<char>]) -> Option<u32> {
        query.iter().try_fold(0_u32, |sum, wanted| {
            let best = self.words.iter().map(|(word, weight)| likeness(wanted, word) * weight).max().unwrap_or(0);
            (best > 0).then(|| sum + best)
        })
    }
}

/// 4: the word, 3: its beginning, 1: one error away, 0: another word.
fn likeness(wanted: &[char], word: &[char]) -> u32 {
    if wanted == word {
        4
    } else if word.starts_with(wanted) {
        3
    } else if wanted.len() >= 4 && one_error_away(wanted, word) {
        1
    } else {
        0
    }
}

/// Whether one letter was added, left out or mistaken, or two neighbours were swapped.
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

fn words(text: &str) -> impl Iterator<Item = Vec<char>> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().flat_map(char::to_lowercase).map(plain).take(MAX_WORD).collect())
}

/// Latin letters without their marks, so that a viewer without that key finds the title too.
fn plain(c: char) -> char {
    match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'ý' | 'ÿ' => 'y',
        'ç' => 'c',
        'ñ' => 'n',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::Index;

    fn index() -> Index {
        let mut index = Index::default();
        index.add("ocean", "Deep Ocean", &["Nature", "2024"], &["Whales sing in the blue.", "Deutsch"]);
        index.add("city", "City of Lights", &["Documentary"], &["A night in the ocean of lights."]);
        index.add("uber", "Über den Wolken", &["Nature"], &[""]);
        index
    }

    #[test]
    fn names_come_before_prose() {
        assert_eq!(index().search("ocean"), ["ocean", "city"]);
        assert_eq!(index().search("OCE"), ["ocean", "city"]);
        assert_eq!(index().search("lights ocean"), ["city"]);
    }

    #[test]
    fn marks_and_one_error_do_not_matter() {
        assert_eq!(index().search("uber"), ["uber"]);
        for typo in ["ocaen", "ocen", "oceean", "ocexn"] {
            assert_eq!(index().search(typo), ["ocean", "city"], "{typo}");
        }
        assert_eq!(index().search("2024"), ["ocean"]);
    }

    #[test]
    fn nothing_is_found_for_nothing() {
        for query in ["", "  ", "?!", "zebra", "ocean zebra", "x"] {
            assert!(index().search(query).is_empty(), "{query:?}");
        }
    }
}
