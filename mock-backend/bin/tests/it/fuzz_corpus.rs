//! Every file of the fuzz corpora through the function of its target, as it is and with some thousand seeded mutations: a search
//! that runs everywhere, beside the one of cargo-fuzz.

#[path = "../../../fuzz/src/lib.rs"]
mod targets;

use std::path::Path;

/// Mutations of each file of a corpus.
const MUTATIONS: u64 = 2_000;

/// A generator of numbers without quality or state beyond a word (xorshift64*, Vigna 2016).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`, 0 for a bound of 0.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % (bound as u64).max(1)).unwrap()
    }
}

/// Changes a file in one to four places: bytes set, removed, repeated or joined from another file of the corpus.
fn mutate(file: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    const TELLING: [&[u8]; 10] =
        [b"\0", b"\xff", b"\xff\xff\xff\xff", b"-", b",", b"9999999999999999999999", b"\"", b"%", b"\n", b"\x7f"];
    let mut bytes = file.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(8)).min(bytes.len());
        match random.below(6) {
            0 if at < bytes.len() => bytes[at] = random.next() as u8,
            1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            2 => drop(bytes.drain(at..end)),
            3 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            4 => drop(bytes.splice(at..end, TELLING[random.below(TELLING.len())].iter().copied())),
            _ => {
                let from = random.below(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from.min(other.len())..]);
            }
        }
    }
    bytes
}

fn replay(corpus: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(corpus);
    let entries = std::fs::read_dir(&folder).expect("the corpus is committed");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a folder can be listed").path()).collect();
    paths.sort();
    let files: Vec<Vec<u8>> =
        paths.iter().map(|path| std::fs::read(path).expect("a file of the corpus reads")).collect();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for file in &files {
        target(file);
        for _ in 0..MUTATIONS {
            let mutated = mutate(file, &files[random.below(files.len())], &mut random);
            let outcome = std::panic::catch_unwind(|| target(&mutated));
            assert!(outcome.is_ok(), "{corpus}: {:?}", mutated.escape_ascii().to_string());
        }
    }
}

#[test]
fn requests() {
    replay("requests", targets::requests);
}

#[test]
fn answers() {
    replay("answers", targets::answers);
}

#[test]
fn paths() {
    replay("paths", targets::paths);
}

#[test]
fn tokens() {
    replay("tokens", targets::tokens);
}

#[test]
fn bodies() {
    replay("bodies", targets::bodies);
}

#[test]
fn settings() {
    replay("settings", targets::settings);
}

#[test]
fn tracks() {
    replay("tracks", targets::tracks);
}

#[test]
fn subtitles() {
    replay("subtitles", targets::subtitles);
}

#[test]
fn probes() {
    replay("probes", targets::probes);
}

#[test]
fn filters() {
    replay("filters", targets::filters);
}

#[test]
fn segments() {
    replay("segments", targets::segments);
}

#[test]
fn risks() {
    replay("risks", targets::risks);
}

#[test]
fn forms() {
    replay("forms", targets::forms);
}
