//! Search and the home screen of a catalogue of 100,000 titles, measured where they are computed, without HTTP.
//!
//! `cargo bench -p kinora-catalogue --bench scale -- --bench`: a minute. Names and descriptions are drawn from 60,000 invented words
//! whose frequencies fall as those of a language do (Zipf), a word in twenty from a script without spaces. Queries are the
//! beginnings of names letter by letter, as they are typed, whole names, and names with one or two errors; and filters, with two letters and alone. Four titles of ten are a series of three
//! episodes. Prints the percentiles
//! of each kind, in processor time of the thread, which other work on the machine disturbs less, and the memory. Without `--bench` 500 titles show that it runs, and that every name is found by itself.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use kinora_api::{Profile, ProfileId, SearchFilter, TitleKind};
use kinora_catalogue::domain::Snapshot;
use kinora_catalogue::domain::facts::Setting;
use kinora_catalogue::domain::finder::Wanted;
use kinora_catalogue::domain::home::Scene;
use kinora_catalogue::pictures::PictureKeys;
use kinora_kit::signature::EdgeSecret;
use kinora_media::TitleRecord;

const TITLES: u32 = 100_000;
const WORDS: u64 = 60_000;
const GENRES: [&str; 12] = [
    "Action",
    "Animation",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Family",
    "Fantasy",
    "History",
    "Mystery",
    "Romance",
    "War",
];

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    const fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Returns a rank from 0, the lower the more likely: the logarithm of the rank is uniform, which is Zipf's law.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ranks")]
    fn rank(&mut self) -> u64 {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((WORDS as f64).powf(uniform) - 1.0) as u64
    }

    fn text(&mut self, count: u64) -> String {
        let words: Vec<String> = (0..count).map(|_| word(self.rank())).collect();
        words.join(" ")
    }
}

/// Returns the word of a rank: syllables, the more the rarer.
fn word(rank: u64) -> String {
    if rank % 20 == 19 {
        let mut random = Random(rank);
        return (0..3).filter_map(|_| char::from_u32(0x4e00 + u32::try_from(random.below(3_000)).ok()?)).collect();
    }
    let mut random = Random(rank.wrapping_mul(77));
    let syllables = 1 + rank.checked_ilog(8).unwrap_or(0);
    let (first, second) = (b"bdfghklmnprstvwz", b"aeiou");
    let mut text = String::new();
    for _ in 0..syllables {
        text.push(char::from(first[usize::try_from(random.below(16)).unwrap_or(0)]));
        text.push(char::from(second[usize::try_from(random.below(5)).unwrap_or(0)]));
    }
    text.push(char::from(first[usize::try_from(random.below(16)).unwrap_or(0)]));
    text
}

fn title(number: u32, random: &mut Random) -> serde_json::Result<TitleRecord> {
    let words = 1 + random.below(4);
    let genres: Vec<&str> =
        (0..1 + random.below(3)).map(|_| GENRES[usize::try_from(random.below(12)).unwrap_or(0)]).collect();
    // Of ten titles, one is a series and three are episodes of the series before.
    let series = number / 10 * 10;
    let about = match number % 10 {
        0 => serde_json::json!({ "kind": "series" }),
        place @ 1..=3 => serde_json::json!({
            "kind": "episode", "part_of": { "title": format!("title-{series}"), "season": 1, "number": place },
        }),
        _ => serde_json::json!({ "cast": [{ "name": random.text(2), "character": random.text(1) }] }),
    };
    let language = ["en", "en", "en", "sv", "ja"][usize::try_from(random.below(5)).unwrap_or(0)];
    let audio =
        serde_json::json!({ "name": "a", "language": language, "label": language, "codec": "opus", "peak_bps": 1 });
    serde_json::from_value(serde_json::json!({
        "about": about,
        "id": format!("title-{number}"), "title": random.text(words), "description": random.text(30),
        "year": 1950 + random.below(76), "genres": genres, "duration_ms": 5_400_000, "frames": 129_600,
        "frame_rate": {"num": 24, "den": 1}, "rungs": [], "audio": [audio], "text": [],
        "files": kinora_media::Files::default(),
        "media_bytes": 1, "created": jiff::Timestamp::from_second(1_700_000_000 + i64::from(number)).unwrap_or_default(),
    }))
}

/// Returns a text with errors at some places.
fn mistyped(text: &str, errors: usize, random: &mut Random) -> String {
    let mut all: Vec<char> = text.chars().collect();
    for _ in 0..errors {
        let at = usize::try_from(random.below(all.len() as u64)).unwrap_or(0);
        match random.below(3) {
            0 => all.insert(at, 'e'),
            1 => all[at] = 'o',
            _ => drop(all.remove(at)),
        }
    }
    all.into_iter().collect()
}

/// Returns the processor time that the thread has taken.
fn processor() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn percentiles(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    let worst = times.last().copied().unwrap_or_default();
    println!("{name:<24} {:>6} runs   p50 {:>9.3?}   p99 {:>9.3?}   worst {worst:>9.3?}", times.len(), at(50), at(99));
}

fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
}

fn main() -> ExitCode {
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    let (titles, rounds) = if is_measured { (TITLES, 400) } else { (500, 20) };
    match run(titles, rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(titles: u32, rounds: usize) -> Result<(), String> {
    let mut random = Random(18);
    let records: Vec<TitleRecord> = (0..titles)
        .map(|number| title(number, &mut random))
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let names: Vec<String> = records.iter().map(|record| record.title.clone()).collect();
    let secret = EdgeSecret::new("a secret of the length that a secret has to have").ok_or("the secret is none")?;
    let before = resident_kib();
    let began = Instant::now();
    let snapshot = Snapshot::of(records, &PictureKeys::new(&secret), &Setting::default());
    println!("{titles} titles, read in {:.1?}", began.elapsed());
    if let (Some(before), Some(after)) = (before, resident_kib()) {
        let (words, bytes) = snapshot.search_size();
        println!(
            "memory {} MiB more, of which the index of {words} words {} MiB",
            after.saturating_sub(before) / 1024,
            bytes >> 20
        );
    }
    let wanted = |text: &str, filter| Wanted { text: text.to_owned(), limit: 20, filter, max_age: None };
    let profile: Profile =
        serde_json::from_value(serde_json::json!({"id": "p", "name": "P"})).map_err(|error| error.to_string())?;
    let mut chosen = || names[usize::try_from(random.below(names.len() as u64)).unwrap_or(0)].clone();
    let picked: Vec<String> = (0..rounds).map(|_| chosen()).collect();
    let timed = |query: &str| {
        let began = processor();
        let found = snapshot.search(&wanted(query, SearchFilter::default()));
        (processor().saturating_sub(began), found)
    };
    let filtered = |query: &str, filter: SearchFilter| {
        let began = processor();
        std::hint::black_box(snapshot.search(&wanted(query, filter)));
        processor().saturating_sub(began)
    };
    let mut typed = Vec::new();
    for name in &picked {
        let ends = name.char_indices().map(|(at, _)| at).skip(1).take(10);
        typed.extend(ends.map(|end| timed(&name[..end]).0));
    }
    percentiles("letter by letter", typed);
    let mut whole = Vec::new();
    for name in &picked {
        let (time, found) = timed(name);
        if !found.titles.iter().any(|entry| entry.name() == name) {
            return Err(format!("{name:?} is not found by its name"));
        }
        whole.push(time);
    }
    percentiles("whole names", whole);
    for errors in [1, 2] {
        let times = picked.iter().map(|name| timed(&mistyped(name, errors, &mut random)).0).collect();
        percentiles(if errors == 1 { "one error" } else { "two errors" }, times);
    }
    let some = |number: usize| SearchFilter {
        kind: Some(if number.is_multiple_of(3) { TitleKind::Series } else { TitleKind::Film }),
        genre: (number.is_multiple_of(2)).then(|| GENRES[number % GENRES.len()].to_owned()),
        language: (number.is_multiple_of(5)).then(|| "en".to_owned()),
        max_minutes: (number.is_multiple_of(4)).then_some(95),
    };
    let beginnings = picked.iter().map(|name| name.chars().take(2).collect::<String>()).enumerate();
    percentiles("two letters, filtered", beginnings.map(|(number, text)| filtered(&text, some(number))).collect());
    percentiles("filters alone", (0..rounds).map(|number| filtered("", some(number))).collect());
    let by_names = picked.iter().map(|name| {
        let began = processor();
        std::hint::black_box(snapshot.search_names(&wanted(name, SearchFilter::default())));
        processor().saturating_sub(began)
    });
    percentiles("names alone", by_names.collect());
    let id = ProfileId::new("p");
    let own = snapshot.own_rows(&kinora_api::internal::Viewing::default(), Some(&[]), &profile, 0);
    let home = (0..rounds).map(|_| {
        let began = processor();
        let home = Scene::new(snapshot.shelf(&profile), &[], Some(&id)).home(&own, 0);
        let text = serde_json::to_vec(&home);
        std::hint::black_box(text.map(|text| text.len()).unwrap_or_default());
        processor().saturating_sub(began)
    });
    percentiles("home", home.collect());
    Ok(())
}
