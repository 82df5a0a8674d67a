//! Parts, mutants, and the seeded choice among them.

use anyhow::Context as _;
use clap::ValueEnum;

/// A folder of sources whose tests are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Part {
    Engine,
    Manifest,
    Container,
    Drm,
    Text,
    Abr,
}

impl Part {
    pub const ALL: [Self; 6] = [Self::Engine, Self::Manifest, Self::Container, Self::Drm, Self::Text, Self::Abr];

    /// Folder of the part below the root of the repository.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Engine => "player-core/src/engine",
            Self::Manifest => "player-core/src/manifest",
            Self::Container => "player-core/src/container",
            Self::Drm => "player-core/src/drm",
            Self::Text => "player-core/src/text",
            Self::Abr => "abr/src",
        }
    }

    fn of_file(file: &str) -> Option<Self> {
        let within = |part: &Self| file.strip_prefix(part.folder()).is_some_and(|rest| rest.starts_with('/'));
        Self::ALL.into_iter().find(within)
    }
}

/// Kind of a change, as `cargo mutants` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize)]
pub enum Genre {
    FnValue,
    BinaryOperator,
    UnaryOperator,
    MatchArm,
    MatchArmGuard,
    StructField,
    #[serde(other)]
    Other,
}

/// Place in a file; lines and columns count from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// One change that `cargo mutants` can make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// File, line, column and change: unique, and the text that `exclude_re` is matched with.
    pub name: String,
    pub part: Part,
    /// Path of the file below the root of the repository.
    pub file: String,
    pub genre: Genre,
    /// Beginning of the code that is replaced.
    pub start: Position,
    /// End of the code that is replaced.
    pub end: Position,
    pub replacement: String,
}

#[cfg(test)]
impl Mutant {
    pub fn for_tests(name: &str, part: Part) -> Self {
        let (file, start) = (format!("{}/a.rs", part.folder()), Position { line: 1, column: 1 });
        Self { name: name.to_owned(), part, file, genre: Genre::Other, start, end: start, replacement: String::new() }
    }
}

/// One row of `cargo mutants --list --json`.
#[derive(serde::Deserialize)]
struct Row {
    name: String,
    file: String,
    genre: Genre,
    replacement: String,
    span: Span,
}

#[derive(serde::Deserialize)]
struct Span {
    start: Position,
    end: Position,
}

/// Reads what `cargo mutants --list --json` printed. Mutants of other folders are dropped.
pub fn parse(json: &[u8]) -> anyhow::Result<Vec<Mutant>> {
    let rows: Vec<Row> = serde_json::from_slice(json).context("cargo mutants --list --json printed something else")?;
    let mutant = |row: Row| {
        let part = Part::of_file(&row.file)?;
        let Row { name, file, genre, replacement, span } = row;
        Some(Mutant { name, part, file, genre, start: span.start, end: span.end, replacement })
    };
    Ok(rows.into_iter().filter_map(mutant).collect())
}

/// Chooses up to `count` mutants of these parts. Each part has its own order by seed, and the parts take turns, so that
/// shares are equal until a part has no mutant left, and a smaller sample is the beginning of a larger one.
pub fn choose(all: &[Mutant], parts: &[Part], count: usize, seed: u64) -> Vec<Mutant> {
    let mut orders: Vec<std::vec::IntoIter<&Mutant>> = Vec::new();
    for part in Part::ALL.into_iter().filter(|part| parts.contains(part)) {
        let mut order: Vec<&Mutant> = all.iter().filter(|mutant| mutant.part == part).collect();
        order.sort_by_key(|mutant| (rank(seed, &mutant.name), &mutant.name));
        orders.push(order.into_iter());
    }
    let mut chosen = Vec::new();
    loop {
        let before = chosen.len();
        for order in &mut orders {
            if chosen.len() == count {
                return chosen;
            }
            chosen.extend(order.next().cloned());
        }
        if chosen.len() == before {
            return chosen;
        }
    }
}

/// Returns a position that looks random: FNV-1a over seed and name, mixed as SplitMix64 ends.
fn rank(seed: u64, name: &str) -> u64 {
    let bytes = seed.to_le_bytes().into_iter().chain(name.bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn mutants(part: Part, count: usize) -> Vec<Mutant> {
        (0..count).map(|index| Mutant::for_tests(&format!("{}/{index}", part.folder()), part)).collect()
    }

    #[test]
    fn parts_take_turns_until_they_run_out() {
        let all: Vec<Mutant> = [mutants(Part::Engine, 50), mutants(Part::Drm, 2), mutants(Part::Abr, 50)].concat();
        let chosen = choose(&all, &Part::ALL, 12, 7);
        let of = |part| chosen.iter().filter(|mutant| mutant.part == part).count();
        assert_eq!((of(Part::Engine), of(Part::Drm), of(Part::Abr)), (5, 2, 5));
        assert_eq!(choose(&all, &[Part::Drm], 12, 7).len(), 2, "only the parts that were asked for");
        assert_eq!(choose(&all, &Part::ALL, usize::MAX, 7).len(), 102, "every one of them once");
    }

    #[test]
    fn a_seed_chooses_the_same_mutants_and_another_seed_others() {
        let mut all = mutants(Part::Text, 1000);
        let first = choose(&all, &Part::ALL, 20, 7);
        assert_eq!(choose(&all, &Part::ALL, 8, 7), first[..8], "a smaller sample begins as a larger one");
        all.reverse();
        assert_eq!(choose(&all, &Part::ALL, 20, 7), first, "whatever the order of the list");
        let other = choose(&all, &Part::ALL, 20, 8);
        assert!(other.iter().filter(|mutant| first.contains(mutant)).count() < 5, "{other:?}");
    }

    #[test]
    fn a_list_is_read_and_other_folders_are_dropped() {
        let row = |name: &str, file: &str| {
            serde_json::json!({
                "name": name, "file": file, "genre": "FnValue", "replacement": "0",
                "span": {"start": {"line": 3, "column": 5}, "end": {"line": 3, "column": 9}},
            })
        };
        let list = serde_json::json!([
            row("abr/src/caps.rs:3:5: replace f -> u8 with 0", "abr/src/caps.rs"),
            row("player-core/src/time.rs:1:1: replace + with -", "player-core/src/time.rs"),
            row("player-core/src/drm/mod.rs:9:9: replace + with -", "player-core/src/drm/mod.rs"),
        ]);
        let mutants = parse(list.to_string().as_bytes()).unwrap();
        assert_eq!((mutants[0].genre, mutants[0].start), (Genre::FnValue, Position { line: 3, column: 5 }));
        let parts: Vec<Part> = mutants.into_iter().map(|mutant| mutant.part).collect();
        assert_eq!(parts, [Part::Abr, Part::Drm]);
        assert!(parse(br#"[{"file": "abr/src/caps.rs"}]"#).is_err(), "a mutant without a name");
        assert!(parse(b"nothing").is_err());
    }
}
