//! The language of comments and documents: comment blocks that begin with a question word, blocks of three words or
//! fewer, and words that the house does not use.

use super::comments::{self, Comment, Kind};
use super::limits::Measure;
use super::syntax::{Text, is_below};

/// Parts of the sources that are counted apart. A file belongs to the first part that it lies below.
const AREAS: [&str; 13] = [
    "abr",
    "ffi",
    "player-core/src/container",
    "player-core/src/driver",
    "player-core/src/drm",
    "player-core/src/engine",
    "player-core/src/manifest",
    "player-core/src/model",
    "player-core/src/render",
    "player-core/src/sim",
    "player-core/src/text",
    "player-core/src",
    "player-core",
];

/// Words with which a comment block does not begin.
const QUESTIONS: [&str; 7] = ["what", "which", "where", "why", "how", "when", "whether"];

/// Words that are not used.
const UNUSED: [&str; 18] = [
    "told",
    "tells",
    "says",
    "came",
    "brought",
    "nobody",
    "can be had",
    "left alone",
    "done without",
    "so many",
    "so much",
    "read around",
    "read over",
    "of its own",
    "of their own",
    "beside",
    "sign of life",
    "leave to play",
];

/// Most words of a block that counts as short.
const SHORT: usize = 3;
/// Most blocks of 1000 that may begin with a question word.
const MOST_QUESTIONS: u64 = 30;
/// Most blocks of 1000 that may be short.
const MOST_SHORT: u64 = 60;

/// Counts all areas and the documents.
pub fn measure(sources: &[Text], documents: &[Text]) -> Vec<Measure> {
    let mut measures = Vec::new();
    for area in AREAS {
        let mut prose = Prose::default();
        for file in sources {
            if AREAS.into_iter().find(|area| is_below(&file.name, area)) == Some(area) {
                prose.add_source(file);
            }
        }
        measures.extend(prose.measures(&format!("prose {area}")));
    }
    let mut prose = Prose::default();
    for file in documents {
        prose.add_document(file);
    }
    measures.push(words("prose documents", prose.unused));
    measures
}

/// Counted blocks and words of one area.
#[derive(Default)]
struct Prose {
    blocks: u64,
    questions: Vec<String>,
    short: Vec<String>,
    unused: Vec<String>,
}

impl Prose {
    fn add_source(&mut self, file: &Text) {
        let found = comments::find(&file.text);
        for block in doc_blocks(&found) {
            self.blocks += 1;
            let text = block.iter().map(|comment| comment.text.as_str()).collect::<Vec<_>>().join(" ");
            let place = format!("{}:{}: {text}", file.name, block[0].line);
            let count = text.split_whitespace().count();
            let first = text.split(|character: char| !character.is_alphanumeric()).find(|word| !word.is_empty());
            if first.is_some_and(|word| QUESTIONS.contains(&word.to_lowercase().as_str())) {
                self.questions.push(place.clone());
            }
            if count <= SHORT {
                self.short.push(place);
            }
        }
        // A phrase may go on in the next line, so the comment lines of one place are read together.
        for block in found.chunk_by(|one, next| one.line + 1 == next.line) {
            let lines = block.iter().map(|comment| (comment.line, comment.text.as_str()));
            self.unused.extend(unused_words(&file.name, lines));
        }
    }

    fn add_document(&mut self, file: &Text) {
        let mut in_code = false;
        let lines = file.text.lines().enumerate().filter_map(|(index, line)| {
            let is_fence = line.trim_start().starts_with("```");
            in_code ^= is_fence;
            (!in_code && !is_fence).then_some((index + 1, line))
        });
        self.unused.extend(unused_words(&file.name, lines));
    }

    fn measures(self, section: &str) -> [Measure; 3] {
        let share = |places: Vec<String>, key: &str, target| {
            let value = (places.len() as u64 * 1000).div_ceil(self.blocks.max(1));
            Measure { section: section.to_owned(), key: key.to_owned(), value, target, places }
        };
        [
            share(self.questions, "questions_of_1000", MOST_QUESTIONS),
            share(self.short, "short_of_1000", MOST_SHORT),
            words(section, self.unused),
        ]
    }
}

fn words(section: &str, places: Vec<String>) -> Measure {
    Measure {
        section: section.to_owned(),
        key: "unused_words".to_owned(),
        value: places.len() as u64,
        target: 0,
        places,
    }
}

/// Returns the blocks of doc comments: lines of one kind that follow each other.
fn doc_blocks(found: &[Comment]) -> impl Iterator<Item = &[Comment]> {
    found
        .chunk_by(|one, next| one.kind == next.kind && one.line + 1 == next.line)
        .filter(|block| block[0].kind != Kind::Plain)
}

/// Returns the place of each unused word. Text between backticks is code and does not count.
fn unused_words<'a>(name: &str, lines: impl Iterator<Item = (usize, &'a str)>) -> Vec<String> {
    // Words in lower case, each with its line. Text that cannot belong to a phrase is an empty word.
    let mut words: Vec<(usize, String)> = Vec::new();
    let mut is_code = false;
    for (line, text) in lines {
        for (index, piece) in text.split('`').enumerate() {
            is_code ^= index > 0;
            if is_code {
                words.push((line, String::new()));
                continue;
            }
            let pieces = piece.split(|character: char| !character.is_alphanumeric() && !"-_'’".contains(character));
            words.extend(pieces.filter(|word| !word.is_empty()).map(|word| (line, word.to_lowercase())));
        }
        // Code does not go on in the next line: an odd backtick is a slip.
        is_code = false;
    }
    let mut places = Vec::new();
    for start in 0..words.len() {
        for phrase in UNUSED.iter().filter(|phrase| phrase.starts_with(&words[start].1) && !words[start].1.is_empty()) {
            let mut following = words[start..].iter().map(|(_, word)| word.as_str());
            if phrase.split(' ').all(|word| following.next() == Some(word)) {
                places.push(format!("{name}:{}: “{phrase}”", words[start].0));
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, text: &str) -> Text {
        Text { name: name.to_owned(), text: text.to_owned() }
    }

    fn value(measures: &[Measure], section: &str, key: &str) -> Option<u64> {
        measures.iter().find(|measure| measure.section == section && measure.key == key).map(|measure| measure.value)
    }

    #[test]
    fn blocks_are_counted_by_their_first_word_and_length() {
        let source = "//! One idea of the file.\n\n/// Whether it is so.\n/// It is.\nfn f() {}\n/// Two words.\nfn g() {}\n\
                      /// `which` is code, and counts as a word.\nfn h() {}\n// What is not a doc comment\n";
        let measures = measure(&[text("abr/src/lib.rs", source)], &[]);
        assert_eq!(value(&measures, "prose abr", "questions_of_1000"), Some(500));
        assert_eq!(value(&measures, "prose abr", "short_of_1000"), Some(250));
        assert_eq!(value(&measures, "prose ffi", "short_of_1000"), Some(0));
    }

    #[test]
    fn unused_words_are_found_in_every_comment_across_lines_and_never_in_code() {
        let source = "//! It is told here.\nlet a = \"told\"; // So many of\n// its own.\n/// `nobody`, besides a can be\n\
                      /// had, can be `had`.\n";
        let measures = measure(&[text("player-core/src/engine/x.rs", source)], &[]);
        let words = measures.iter().find(|it| it.section == "prose player-core/src/engine" && it.key == "unused_words");
        let places = words.map(|it| it.places.join(" ")).unwrap_or_default();
        let expected = ["1: “told”", "2: “so many”", "2: “of its own”", "4: “can be had”"]
            .map(|place| format!("player-core/src/engine/x.rs:{place}"));
        assert_eq!(places, expected.join(" "));
    }

    #[test]
    fn a_file_belongs_to_the_narrowest_area() {
        let files = [text("player-core/src/player.rs", "// told\n"), text("player-core/tests/it/main.rs", "// told\n")];
        let measures = measure(&files, &[]);
        assert_eq!(value(&measures, "prose player-core/src", "unused_words"), Some(1));
        assert_eq!(value(&measures, "prose player-core", "unused_words"), Some(1));
        assert_eq!(value(&measures, "prose player-core/src/engine", "unused_words"), Some(0));
    }

    #[test]
    fn documents_are_read_without_their_code() {
        let document = text("docs/abr.md", "The engine is told.\n```\nsays\n```\nA link `tells`; it SAYS so.\n");
        assert_eq!(value(&measure(&[], &[document]), "prose documents", "unused_words"), Some(2));
    }
}
