//! The adaptive rule learns what is true: sizes, goal, phase, complete segments, reserved bandwidth, transfers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use abr::link::{Row, Trace};
use abr::{Context, Decision, InFlight, Phase, Reason, Rule, Transfer, Verdict};
use player_core::model::Protocol;
use player_core::sim::{Content, Film, Outcome, World};
use player_core::{Command, PlayerConfig};

use crate::support::{MINUTE, millis, requests, seconds, world};

/// One question to the rule.
#[derive(Clone, Debug)]
struct Asked {
    rungs: Vec<u64>,
    last: Option<usize>,
    phase: Phase,
    buffer: Duration,
    goal: Duration,
    segment: Duration,
    sizes: Option<Vec<u64>>,
    left: Option<u32>,
    rate: f32,
    reserved: u64,
    running: Option<InFlight>,
}

#[derive(Default)]
struct Notes {
    selects: Vec<Asked>,
    judgements: Vec<Asked>,
    transfers: Vec<Transfer>,
    seeks: u32,
}

/// Chooses the rungs of a list in turn and writes down what it learns.
struct Recorder {
    turns: &'static [usize],
    verdict: Verdict,
    notes: Arc<Mutex<Notes>>,
}

impl Recorder {
    fn note(&self, note: impl FnOnce(&mut Notes)) {
        note(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn asked(context: &Context<'_>, running: Option<&InFlight>) -> Asked {
    Asked {
        rungs: context.rungs.iter().map(|rung| rung.bitrate_bps).collect(),
        last: context.last,
        phase: context.phase,
        buffer: context.buffer,
        goal: context.buffer_goal,
        segment: context.segment_duration,
        sizes: context.next_sizes.map(<[u64]>::to_vec),
        left: context.segments_left,
        rate: context.rate,
        reserved: context.reserved_bps,
        running: running.cloned(),
    }
}

impl Rule for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    fn select(&mut self, context: &Context<'_>) -> Decision {
        let mut turn = 0;
        self.note(|notes| {
            turn = notes.selects.len();
            notes.selects.push(asked(context, None));
        });
        Decision::new(self.turns[turn % self.turns.len()], Reason::Throughput)
    }

    fn on_transfer(&mut self, transfer: &Transfer) {
        self.note(|notes| notes.transfers.push(*transfer));
    }

    fn on_progress(&mut self, in_flight: &InFlight, context: &Context<'_>) -> Verdict {
        self.note(|notes| notes.judgements.push(asked(context, Some(in_flight))));
        self.verdict
    }

    fn on_seek(&mut self) {
        self.note(|notes| notes.seeks += 1);
    }

    fn estimate_bps(&self) -> Option<u64> {
        None
    }
}

/// A paused world, so that the playhead stays at zero, in which a recorder decides.
fn paused(film: &Film, kbps: u64, turns: &'static [usize]) -> (World, Arc<Mutex<Notes>>) {
    let row = Row { duration: MINUTE, bandwidth_bps: kbps * 1000, latency: millis(30) };
    let mut world = world(film, Trace::from_rows(vec![row]).unwrap(), Vec::new());
    let notes = Arc::default();
    world.command(Command::Pause);
    let request = world.request();
    world.command(Command::Load(player_core::command::LoadRequest { play_when_ready: false, ..request }));
    world.set_rule(Box::new(Recorder { turns, verdict: Verdict::Continue, notes: Arc::clone(&notes) }));
    (world, notes)
}

fn two_rungs(protocol: Protocol) -> Film {
    let mut film = Film::new(protocol, MINUTE);
    film.ladder.truncate(2);
    film
}

fn taken(notes: &Arc<Mutex<Notes>>) -> Notes {
    std::mem::take(&mut notes.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Length of a segment of video.
fn length(film: &Film, place: u64) -> Duration {
    let (begin, end) = film.span_of("v", place);
    seconds(end - begin)
}

/// The end of the last sample before a segment: the frames before a key frame come with it.
fn held_before(film: &Film, place: u64) -> Duration {
    let begin = seconds(film.span_of("v", place).0);
    if place == 0 { begin } else { begin - Duration::from_nanos(2_000_000_000 / 24) }
}

#[track_caller]
fn near(found: Duration, wanted: Duration) {
    assert!(found.abs_diff(wanted) < millis(1), "{found:?} instead of {wanted:?}");
}

#[test]
fn each_choice_is_made_with_the_numbers_of_its_segment() {
    let film = two_rungs(Protocol::Dash);
    let (mut world, notes) = paused(&film, 20_000, &[0, 1]);
    world.run_for(MINUTE);
    let selects = taken(&notes).selects;
    // Thirty seconds are the goal: segments are asked for until their begin is reached.
    assert!(selects.len() >= 7, "{selects:?}");
    for (place, asked) in (0..).zip(&selects) {
        assert_eq!(asked.rungs, [400_000, 800_000]);
        assert_eq!(asked.last, (place > 0).then(|| (place as usize - 1) % 2), "{place}");
        assert_eq!(asked.left, Some(15 - place as u32));
        near(asked.segment, length(&film, place));
        near(asked.goal, seconds(30) + length(&film, place));
        near(asked.buffer, held_before(&film, place));
        assert_eq!((asked.rate, asked.reserved), (1.0, 128_000), "the audio takes its share");
        assert_eq!(asked.sizes, None, "a template announces no sizes");
        let phase = if place == 0 { Phase::StartUp } else { Phase::Steady };
        assert_eq!(asked.phase, phase, "{place}");
    }
}

#[test]
fn announced_sizes_are_those_of_each_rung_segment_by_segment() {
    let film = two_rungs(Protocol::Hls);
    let (mut world, notes) = paused(&film, 20_000, &[0, 1]);
    world.run_for(MINUTE);
    let selects = taken(&notes).selects;
    let size = |rate: u64, place: u64| {
        rate * [80, 120, 95, 105][place as usize % 4] / 100 * length(&film, place).as_secs() / 8
    };
    let mut told = 0;
    for asked in selects {
        let Some(sizes) = asked.sizes else { continue };
        let place = 15 - u64::from(asked.left.unwrap());
        let wanted: Vec<u64> =
            (place..15).take(10).flat_map(|place| [size(400_000, place), size(800_000, place)]).collect();
        assert_eq!(sizes, wanted, "{place}");
        told += 1;
    }
    assert!(told >= 5, "the playlists of both rungs are known: {told}");
}

#[test]
fn a_running_transfer_is_judged_by_what_has_come_of_it() {
    let film = two_rungs(Protocol::Dash);
    let (mut world, notes) = paused(&film, 1_500, &[1]);
    world.run_for(MINUTE);
    let notes = taken(&notes);
    assert!(notes.judgements.len() > 20);
    let mut before: Option<(Duration, u64)> = None;
    for asked in &notes.judgements {
        let running = asked.running.unwrap();
        let place = notes.selects.iter().rposition(|select| select.left >= asked.left).unwrap() as u64;
        let Some(Content::Media { size, .. }) = film.content(&format!("/film/v/360p/{}.m4s", film.file_of("v", place)))
        else {
            panic!("media")
        };
        assert_eq!((asked.last, running.rung), (Some(1), 1));
        assert_eq!(running.segment_duration, length(&film, place), "{place}");
        assert!(running.size.is_none_or(|told| told == size), "{place}: {:?} of {size}", running.size);
        assert!(running.received <= size);
        assert!(running.ttfb.is_none_or(|ttfb| ttfb == millis(30)), "{:?}", running.ttfb);
        assert!(running.received == 0 || running.ttfb.is_some() && running.size.is_some());
        assert_eq!(running.buffer, asked.buffer);
        // Only complete segments count, not what has come of this one.
        let complete = held_before(&film, place);
        assert!(asked.buffer <= complete + millis(1) && asked.buffer + millis(125) >= complete, "{place} {asked:?}");
        let began = running.now - running.elapsed;
        if let Some((start, received)) = before.filter(|(start, _)| *start == began) {
            assert!(running.received >= received && start == began);
        }
        before = Some((began, running.received));
    }
    let bytes: Vec<u64> = notes.transfers.iter().map(|transfer| transfer.bytes).collect();
    assert!(bytes.len() > 10 && bytes.iter().all(|bytes| *bytes > 0));
}

#[test]
fn the_rate_and_seeks_are_known_to_the_rule() {
    let film = two_rungs(Protocol::Dash);
    let (mut world, notes) = paused(&film, 20_000, &[0]);
    world.run_for(seconds(20));
    taken(&notes);
    world.command(Command::SetRate(2.0));
    world
        .command(Command::Seek { to: player_core::MediaTime::from_millis(50_000), mode: player_core::SeekMode::Exact });
    world.run_for(seconds(5));
    let notes = taken(&notes);
    assert_eq!(notes.seeks, 1);
    assert!(!notes.selects.is_empty() && notes.selects.iter().all(|asked| asked.rate == 2.0), "{:?}", notes.selects);
    assert_eq!((notes.selects[0].phase, notes.selects[0].buffer), (Phase::AfterSeek, Duration::ZERO));
    world.command(Command::Play);
    assert_eq!(world.run_until_end(MINUTE), Outcome::Ended);
}

/// Paths of video that were asked for, but for initialisation data.
fn video_requests(world: &World) -> Vec<String> {
    let paths = requests(world).filter_map(|request| request.url.path().strip_prefix("/film/v/"));
    paths.filter(|path| !path.ends_with("init.mp4")).map(str::to_owned).collect()
}

#[test]
fn while_the_index_of_a_better_quality_comes_a_short_buffer_is_filled_with_the_one_at_hand() {
    const UP: [usize; 40] = {
        let mut turns = [1; 40];
        (turns[0], turns[1]) = (0, 0);
        turns
    };
    const DOWN: [usize; 40] = {
        let mut turns = [0; 40];
        (turns[0], turns[1]) = (1, 1);
        turns
    };
    let requests = |mut film: Film, turns: &'static [usize]| {
        film.ladder.truncate(2);
        let (mut world, _) = paused(&film, 20_000, turns);
        world.record();
        world.run_for(seconds(20));
        video_requests(&world)
    };
    let plain = || Film::plain(Protocol::Hls, MINUTE);
    let up = ["240p/index.m3u8", "240p/0.m4s", "360p/index.m3u8", "240p/1.m4s", "360p/2.m4s"];
    assert_eq!(requests(plain(), &UP)[..5], up, "four seconds are less than six");
    // Six seconds are enough to wait, and what is smaller is waited for in any case.
    let waits = ["240p/index.m3u8", "240p/0.m4s", "360p/index.m3u8", "360p/1.m4s", "360p/2.m4s"];
    assert_eq!(requests(Film::new(Protocol::Hls, MINUTE), &UP)[..5], waits);
    let down = ["360p/index.m3u8", "360p/0.m4s", "240p/index.m3u8", "240p/1.m4s", "240p/2.m4s"];
    assert_eq!(requests(plain(), &DOWN)[..5], down);
}

#[test]
fn what_is_fetched_in_place_of_a_gap_is_judged_as_what_it_is() {
    let mut film = two_rungs(Protocol::Hls);
    film.gaps = vec![("360p".into(), 1)];
    let (mut world, notes) = paused(&film, 1_500, &[1]);
    world.run_for(MINUTE);
    let judged: Vec<_> =
        taken(&notes).judgements.iter().map(|asked| (asked.running.unwrap().rung, asked.last)).collect();
    assert!(judged.iter().all(|(rung, last)| Some(*rung) == *last), "{judged:?}");
    assert!([0, 1].iter().all(|rung| judged.iter().any(|(judged, _)| judged == rung)), "{judged:?}");
}

#[test]
#[should_panic(expected = "requests without progress")]
fn a_rule_that_gives_every_transfer_up_fails_the_test_instead_of_spinning() {
    let film = two_rungs(Protocol::Dash);
    let row = Row { duration: MINUTE, bandwidth_bps: 300_000, latency: millis(30) };
    let mut world =
        World::new(PlayerConfig::default(), &film, &["edge"], Trace::from_rows(vec![row]).unwrap(), Vec::new())
            .unwrap();
    world.load();
    let notes = Arc::default();
    world.set_rule(Box::new(Recorder { turns: &[1, 0], verdict: Verdict::AbandonTo(0), notes }));
    world.run_until_end(MINUTE * 600);
}
