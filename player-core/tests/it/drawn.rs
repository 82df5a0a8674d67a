//! Sessions that are drawn by number: a film, a link, faults and commands by chance, compared with a record of one line
//! each.
//!
//! A record pins decisions where no scenario asserts them. A session that differs leaves its log in the folder for
//! temporary files of the tests, to be compared with the log of the code before.

use std::fmt::Write as _;
use std::path::Path;

use abr::link::Trace;
use player_core::command::{QualityChoice, TrackChoice};
use player_core::engine::io::FetchKind;
use player_core::model::{MediaKind, Protocol, TrackId};
use player_core::render::RenderEvent;
use player_core::sim::record::{Digest, compare};
use player_core::sim::{Addressing, Captions, Effect, Fault, Film, Lock, LockKind, Missing, World};
use player_core::{Command, ErrorCode, MediaTime, PlayerConfig, PlayerError, SeekMode};

use super::recorded::log;
use crate::support::{MINUTE, millis, seconds};

/// SplitMix64 (Steele, Lea and Flood 2014).
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize].clone()
    }
}

pub(crate) fn film(draw: &mut Draw) -> Film {
    let protocol = draw.of(&[Protocol::Hls, Protocol::Dash]);
    let mut film = Film::new(protocol, seconds(24 + 4 * draw.below(10))).voices(&["en", "de"]);
    let addressing = [Addressing::Files, Addressing::Files, Addressing::Indexed, Addressing::Listed];
    film = film.addressed(draw.of(&addressing), draw.of(&addressing));
    if draw.one_in(3) {
        film.subtitles = vec!["en".to_owned(), "fr".to_owned()];
    }
    if draw.one_in(4) {
        film.captions = draw.of(&[Captions::Announced("en".to_owned()), Captions::Unannounced]);
    }
    if draw.one_in(4) {
        let from = 4 + draw.below(16);
        let until = from + 1 + draw.below(9);
        film.missing.push(Missing { pictures: draw.one_in(2), from: seconds(from), until: seconds(until) });
    }
    if draw.one_in(4) {
        let place = draw.below(6);
        film.gaps = film.ladder.iter().map(|rung| (rung.id.clone(), place)).take(1 + draw.below(5) as usize).collect();
        if draw.one_in(2) {
            film.gaps.push(("en".to_owned(), place));
        }
    }
    if draw.one_in(5) {
        film.audio_short = seconds(draw.below(5));
    }
    match protocol {
        Protocol::Hls if draw.one_in(3) => film.authored_start = Some(draw.of(&[6.5, -10.0, 100.0])),
        Protocol::Dash if film.duration.as_secs().is_multiple_of(8) && draw.one_in(3) => film.periods = 2,
        Protocol::Dash => film.events = vec![(seconds(3), seconds(2)), (seconds(9), seconds(30))],
        Protocol::Hls => {}
    }
    if draw.one_in(4) && protocol == Protocol::Dash {
        let lock = |first, key: u8| Lock { first, kind: LockKind::Samples, key: [key; 16] };
        film.locks = vec![lock(0, 7), lock(3, 9)];
        film.licence_server = true;
    }
    film
}

pub(crate) fn trace(draw: &mut Draw) -> Trace {
    let mut text = "duration_ms,bandwidth_kbps,latency_ms\n".to_owned();
    for _ in 0..1 + draw.below(6) {
        let rate = draw.of(&[0, 300, 700, 1_500, 3_000, 6_000, 20_000, 20_000]);
        let duration = if rate == 0 { 500 + draw.below(4_000) } else { 2_000 + draw.below(12_000) };
        writeln!(text, "{duration},{rate},{}", 10 + draw.below(150)).unwrap();
    }
    writeln!(text, "20000,5000,40").unwrap();
    Trace::parse(&text).unwrap()
}

pub(crate) fn fault(draw: &mut Draw, hosts: &[&str]) -> Fault {
    let effect = match draw.below(16) {
        0 => Effect::Refuse,
        1 => Effect::Unresolved,
        2 => Effect::NoRoute,
        3 => Effect::Reset,
        4 => Effect::Garbled,
        5 => Effect::Silence,
        6 => Effect::Status(draw.of(&[403, 404, 410, 500, 503])),
        7 => Effect::Busy(429, seconds(1 + draw.below(5))),
        8 => Effect::Delay(millis(200 + draw.below(3_000))),
        9 => Effect::Stall(draw.below(900) as u32),
        10 => Effect::Truncate(draw.below(950) as u32),
        11 => Effect::Corrupt(draw.below(900) as u32),
        12 => Effect::Html,
        13 => Effect::Empty,
        14 => Effect::WholeFile,
        _ => Effect::Parts(2 + draw.below(3) as u32),
    };
    let address = match draw.below(4) {
        0 => format!("/{}.", draw.below(10)),
        1 => draw.of(&["/a/", "/v/", "/t/", "240p", "1080p"]).to_owned(),
        2 => format!("//{}/", draw.of(hosts)),
        _ => String::new(),
    };
    let mut fault = Fault::new(&address, effect).from(millis(draw.below(25_000))).times(1 + draw.below(4) as u32);
    if !draw.one_in(3) {
        fault = fault.of(draw.of(&[
            FetchKind::Segment,
            FetchKind::Index,
            FetchKind::Init,
            FetchKind::Text,
            FetchKind::Key,
        ]));
    }
    fault
}

pub(crate) fn command(draw: &mut Draw) -> Command {
    let mode = draw.of(&[SeekMode::Exact, SeekMode::Keyframe]);
    let track = |draw: &mut Draw, kind: &str, names: &[&str]| match draw.below(6) {
        0 => TrackChoice::Off,
        1 => TrackChoice::Auto,
        _ => TrackChoice::Track(TrackId(format!("{kind}-{}", draw.of(names)))),
    };
    match draw.below(16) {
        0 | 1 => Command::Pause,
        2..=4 => Command::Play,
        5..=7 => Command::Seek { to: MediaTime::from_millis(draw.below(62_000) as i64 - 1_000), mode },
        8 => Command::SeekBy { millis: draw.below(20_000) as i64 - 10_000, mode },
        9 => Command::SetRate(draw.of(&[0.5, 1.0, 1.25, 2.0, 4.0])),
        10 => Command::SelectAudio(track(draw, "audio", &["en", "de", "xx"])),
        11 => Command::SelectText(track(draw, "text", &["en", "fr", "xx"])),
        12 => Command::SelectQuality(draw.of(&[
            QualityChoice::Auto,
            QualityChoice::MaxHeight(480),
            QualityChoice::MaxHeight(240),
        ])),
        13 => Command::SetMaxBitrate(draw.of(&[None, Some(900_000), Some(4_000_000)])),
        14 => Command::SetBufferGoal(seconds(4 + draw.below(40))),
        _ => Command::SetMuted(draw.one_in(2)),
    }
}

/// Returns the log of the session of a number.
fn session(number: u64) -> String {
    let draw = &mut Draw(number);
    let film = film(draw);
    let hosts: &[&str] = if draw.one_in(2) { &["one"] } else { &["one", "two"] };
    let faults = (0..draw.below(5)).map(|_| fault(draw, hosts)).collect();
    let config = PlayerConfig { buffer_goal: seconds(draw.of(&[10, 30])), seed: number, ..PlayerConfig::default() };
    let mut world = World::new(config, &film, hosts, trace(draw), faults).unwrap();
    let mut at = 500;
    for _ in 0..draw.below(9) {
        at += draw.of(&[0, 40, 500, 3_000, 8_000]);
        let command = command(draw);
        world.at(millis(at), command);
    }
    // So that every session comes to an end.
    world.at(millis(at + 6_000), Command::Play);
    world.record();
    world.load();
    if draw.one_in(4) {
        world.run_for(millis(2_000 + draw.below(9_000)));
        let track = draw.of(&[MediaKind::Video, MediaKind::Audio]);
        let code = draw.of(&[ErrorCode::DecoderFailed, ErrorCode::DecoderUnavailable]);
        world.report(match draw.below(3) {
            0 => RenderEvent::FlushWanted { reason: "a device went away".into() },
            _ => RenderEvent::TrackFailed { track, error: PlayerError::fatal(code, "drawn") },
        });
    }
    let outcome = world.run_until_end(MINUTE * 3);
    format!("{outcome:?}\n{}", log(&world))
}

/// Compares the sessions of these numbers with the record of a name.
pub(crate) fn sessions(name: &str, numbers: impl Iterator<Item = u64>, session: impl Fn(u64) -> String) {
    let mut found = String::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded").join(format!("{name}.txt"));
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    for (place, number) in numbers.enumerate() {
        let log = session(number);
        let mut digest = Digest::default();
        log.lines().for_each(|line| digest.add_line(line));
        let outcome = log.lines().next().unwrap_or_default();
        let line = format!("{number}: {outcome} in {} lines, {:016x}", log.lines().count(), digest.value());
        if expected.lines().nth(place) != Some(line.as_str()) {
            let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{number}.log"));
            std::fs::write(file, &log).expect("a file for temporary use can be written");
        }
        writeln!(found, "{line}").unwrap();
    }
    compare(&path, &found);
}

#[test]
fn sessions_1_to_24_give_what_is_on_record() {
    sessions("drawn-1", 1..25, session);
}

#[test]
fn sessions_25_to_48_give_what_is_on_record() {
    sessions("drawn-2", 25..49, session);
}

#[test]
fn sessions_49_to_72_give_what_is_on_record() {
    sessions("drawn-3", 49..73, session);
}
