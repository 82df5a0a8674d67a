//! A retried segment continues where it broke off (`docs/adr/0022`): the samples received stay, no byte comes twice, and
//! every picture is counted once.

use abr::link::Trace;
use abr::{Context, Decision, InFlight, Reason, Rule, Verdict};
use player_core::engine::io::{FetchId, FetchKind, FetchRequest, Input, Output};
use player_core::model::Protocol;
use player_core::sim::{Addressing, Content, Effect, Fault, Film, Lock, LockKind, Outcome, Recorded, Serving, World};
use player_core::{Command, Event, MediaTime, SeekMode};
use proptest::prelude::*;

use crate::support::{
    BOTH, MINUTE, audit_in_long_runs, count, events, fast, millis, play, requests, seconds, two_hosts, world,
};

/// A film of one quality without separate sound.
fn silent(protocol: Protocol) -> Film {
    let mut film = Film::plain(protocol, MINUTE);
    film.ladder.truncate(1);
    film.voices.clear();
    film
}

/// Address and size of the segment at a place in the video of the lowest quality.
fn segment(film: &Film, place: u64) -> (String, u64) {
    let path = format!("/film/v/240p/{}.m4s", film.file_of("v", place));
    let Some(Content::Media { size, .. }) = film.content(&path) else { panic!("{path} is media") };
    (path, size)
}

fn reset(address: &str, after_bytes: u64) -> Fault {
    Fault::new(address, Effect::ResetAt { after_bytes }).of(FetchKind::Segment)
}

/// The attempts at one resource, in order.
fn attempts<'a>(world: &'a World, path: &'a str) -> Vec<&'a FetchRequest> {
    requests(world).filter(|request| request.url.path() == path).collect()
}

/// Number of bytes that each attempt continues after.
fn continued(world: &World, path: &str) -> Vec<Option<u64>> {
    attempts(world, path).iter().map(|request| request.resume.map(|resume| resume.received)).collect()
}

/// Requests whose answer went on where another broke off.
fn resumed(world: &World) -> Vec<FetchId> {
    let (inputs, _) = world.recorded().unwrap();
    let started = inputs.iter().filter_map(|input| match input {
        Recorded::Input(_, input) => match input.as_ref() {
            Input::FetchStarted { id, resumed: true, .. } => Some(*id),
            _ => None,
        },
        Recorded::Advance(_) => None,
    });
    started.collect()
}

fn cancelled(world: &World) -> Vec<FetchId> {
    let (_, outputs) = world.recorded().unwrap();
    let cancelled = outputs.iter().filter_map(|output| match output {
        Output::Cancel(id) => Some(*id),
        _ => None,
    });
    cancelled.collect()
}

/// Every picture of a minute was received once and presented once.
#[track_caller]
fn assert_every_picture(world: &World, name: &str) {
    let stats = world.stats();
    assert_eq!((stats.frames.presented, stats.frames.dropped), (60 * 24, 0), "{name}");
    assert_eq!((stats.account.received, stats.account.departed()), (60 * 24, 0), "{name}: {:?}", stats.account);
}

/// Plays a film whose media flow without a fault, and returns their bytes.
fn undisturbed(film: &Film, trace: &Trace) -> u64 {
    let mut world = world(film, trace.clone(), Vec::new());
    assert_eq!(play(&mut world), Outcome::Ended);
    world.stats().bytes_media
}

#[test]
fn a_reset_at_any_byte_costs_no_byte_twice() {
    for protocol in BOTH {
        let film = silent(protocol);
        let (path, size) = segment(&film, 2);
        let whole = undisturbed(&film, &fast());
        // The four pieces of the segment end at its quarters.
        let around = [1, 2, 3].map(|quarter| size * quarter / 4).map(|at| [at - 1, at, at + 1]);
        for cut in [1, 2, size / 3, size - 1].into_iter().chain(around.into_iter().flatten()) {
            let mut world = world(&film, fast(), vec![reset(&path, cut).times(1)]);
            world.record();
            assert_eq!(play(&mut world), Outcome::Ended, "{cut}");
            assert_every_picture(&world, &format!("{protocol:?} {cut}"));
            assert_eq!(continued(&world, &path), [None, Some(cut)]);
            let attempts: Vec<FetchId> = attempts(&world, &path).iter().map(|request| request.id).collect();
            assert_eq!(resumed(&world), attempts[1..]);
            let stats = world.stats();
            assert_eq!((stats.bytes_media, stats.bytes_wasted, stats.retries), (whole, 0, 1), "{protocol:?} {cut}");
            let loaded = events(
                &world,
                |event| matches!(event, Event::SegmentLoaded { start, .. } if start.as_nanos() == 8_000_000_000),
            );
            let Event::SegmentLoaded { bytes, elapsed, .. } = loaded[0].event else { panic!("{loaded:?}") };
            assert!(bytes == size && elapsed > millis(250), "{bytes} of {size} in {elapsed:?}, with the delay");
        }
    }
}

#[test]
fn nothing_received_is_nothing_to_continue() {
    let film = silent(Protocol::Dash);
    let (path, _) = segment(&film, 2);
    let mut world = world(&film, fast(), vec![Fault::new(&path, Effect::Truncate(0)).times(1)]);
    world.record();
    assert_eq!(play(&mut world), Outcome::Ended);
    assert_eq!(continued(&world, &path), [None, None]);
    assert_every_picture(&world, "from the beginning");
}

/// One retry is permitted for a broken answer; progress is what permits the others. Without rests the third break gives
/// the segment up.
#[test]
fn breaks_in_a_row_are_no_failure_while_the_segment_grows() {
    let film = silent(Protocol::Hls);
    let (path, size) = segment(&film, 2);
    let broken = || vec![reset(&path, size / 5).times(4)];
    let mut world = world(&film, fast(), broken());
    world.record();
    assert_eq!(play(&mut world), Outcome::Ended);
    let step = size / 5;
    assert_eq!(continued(&world, &path), [None, Some(step), Some(2 * step), Some(3 * step), Some(4 * step)]);
    assert_every_picture(&world, "four breaks");
    assert_eq!(world.stats().bytes_wasted, 0);
    let mut without = crate::support::world(&film, fast(), broken());
    without.serve("edge", Serving { serves_rests: false, ..Serving::default() });
    assert_eq!(play(&mut without), Outcome::Ended);
    assert!(without.stats().frames.presented < 60 * 24, "it is given up");
}

/// An attempt that brings less than a sixteenth counts as a failure, so that a server that drips ends the patience.
#[test]
fn progress_by_single_bytes_is_a_failure() {
    let film = silent(Protocol::Dash);
    let (path, size) = segment(&film, 2);
    for (step, attempts) in [(1, 2), (size / 16 - 1, 2), (size / 16 + 1, 16)] {
        let mut world = world(&film, fast(), vec![reset(&path, step)]);
        world.record();
        assert_eq!(play(&mut world), Outcome::Ended);
        let continued = continued(&world, &path);
        assert_eq!(continued.len(), attempts, "{step} of {size}: {continued:?}");
        let stats = world.stats();
        assert_eq!(stats.frames.presented == 60 * 24, attempts == 16, "{step} of {size}");
        assert!(resumed(&world).len() == attempts - 1, "{step}");
    }
}

#[test]
fn files_of_the_real_container_byte_ranges_and_whole_segment_encryption_continue() {
    let mut real = Film::plain(Protocol::Dash, MINUTE).muxed(true);
    real.real_bytes = true;
    let ranges = |protocol, addressing| Film::new(protocol, MINUTE).addressed(addressing, addressing);
    let mut locked = Film::new(Protocol::Hls, MINUTE);
    locked.locks = vec![Lock { first: 0, kind: LockKind::Segments, key: [0x11; 16] }];
    let films = [
        ("real", real),
        ("indexed", ranges(Protocol::Dash, Addressing::Indexed)),
        ("listed", ranges(Protocol::Dash, Addressing::Listed)),
        ("playlist", ranges(Protocol::Hls, Addressing::Listed)),
        ("encrypted", locked),
        ("reordered", Film::new(Protocol::Dash, MINUTE)),
    ];
    for (name, mut film) in films {
        film.ladder.truncate(1);
        let whole = undisturbed(&film, &fast());
        // Each place breaks off elsewhere, whichever stream comes to it first, and then once more.
        let broken = |place: u64| reset(&format!("/{place}.m4s"), 18_000 + 2_001 * place).times(2);
        let faults = (0..15).map(broken).collect();
        let mut world = world(&film, fast(), faults);
        world.record();
        assert_eq!(play(&mut world), Outcome::Ended, "{name}");
        assert_every_picture(&world, name);
        let stats = world.stats();
        assert!(resumed(&world).len() > 3, "{name}: {:?}", resumed(&world));
        assert_eq!((stats.bytes_media, stats.bytes_wasted), (whole, 0), "{name}");
    }
}

/// A server without `ETag` is believed by the length; everything else that is not the same file begins anew.
#[test]
fn another_file_begins_anew_and_every_picture_counts_once() {
    let usual = Serving::default();
    let plain = Serving { has_etags: false, ..usual };
    let table = [
        ("the same", usual, usual, false, true),
        ("the same length", plain, plain, false, true),
        ("an ETag that came later", plain, usual, false, true),
        ("no rests", usual, Serving { serves_rests: false, ..usual }, false, false),
        ("another ETag", usual, Serving { edition: 1, ..usual }, false, false),
        ("an ETag that is gone", usual, plain, false, false),
        ("another length by ETag", usual, usual, true, false),
        ("another length", plain, plain, true, false),
    ];
    for protocol in BOTH {
        for (name, before, after, is_shorter, goes_on) in table {
            let film = silent(protocol);
            let (path, size) = segment(&film, 2);
            let cut = size * 2 / 3;
            let mut world = world(&film, Trace::constant(3_000, millis(30)), vec![reset(&path, cut).times(1)]);
            world.record();
            world.serve("edge", before);
            world.load();
            let broken = |world: &World| count(world, |event| matches!(event, Event::Warning { .. })) > 0;
            assert_eq!(world.run_until(MINUTE, broken), Outcome::Reached, "{name}");
            assert_eq!(world.stats().bytes_wasted, 0, "{name}: nothing is decided");
            world.serve("edge", after);
            if is_shorter {
                let mut other = film.clone();
                other.ladder[0].bitrate = other.ladder[0].bitrate * 9 / 10;
                world.replace_film("edge", &other);
            }
            assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended, "{name}");
            assert_every_picture(&world, &format!("{protocol:?} {name}"));
            assert_eq!(continued(&world, &path), [None, Some(cut)], "{name}");
            assert_eq!(resumed(&world).len(), usize::from(goes_on), "{name}");
            let wasted = world.stats().bytes_wasted;
            assert_eq!(wasted == 0, goes_on, "{name}: {wasted}");
            assert!(wasted <= cut, "{name}: {wasted} of {cut}");
        }
    }
}

/// On a slow link the renderer has most of the media before the break.
#[test]
fn samples_that_are_shown_already_stay_once() {
    for (serves_rests, cut) in [(true, 9), (true, 6), (false, 9), (false, 6)] {
        let film = silent(Protocol::Hls);
        let (path, size) = segment(&film, 0);
        let cut = size * cut / 10;
        let trace = Trace::constant(500, millis(30));
        let mut world = world(&film, trace, vec![reset(&path, cut).times(1)]);
        world.record();
        world.serve("edge", Serving { serves_rests, ..Serving::default() });
        assert_eq!(play(&mut world), Outcome::Ended);
        assert_every_picture(&world, &format!("{serves_rests} {cut}"));
        assert_eq!(resumed(&world).len(), usize::from(serves_rests));
        assert_eq!(world.stats().bytes_wasted == 0, serves_rests);
    }
}

#[test]
fn a_retry_that_fails_before_its_answer_keeps_what_came() {
    let refusals = [
        Effect::Refuse,
        Effect::Unresolved,
        Effect::Untrusted,
        Effect::Reset,
        Effect::Silence,
        Effect::Status(503),
        Effect::Busy(429, seconds(1)),
    ];
    for refusal in refusals {
        let film = silent(Protocol::Dash);
        let (path, size) = segment(&film, 3);
        let whole = undisturbed(&film, &fast());
        let faults = vec![reset(&path, size / 2).times(1), Fault::new(&path, refusal.clone()).times(2)];
        let mut world = world(&film, fast(), faults);
        world.record();
        assert_eq!(play(&mut world), Outcome::Ended, "{refusal:?}");
        let half = Some(size / 2);
        assert_eq!(continued(&world, &path), [None, half, half, half], "{refusal:?}");
        let stats = world.stats();
        assert_eq!((stats.bytes_media, stats.bytes_wasted), (whole, 0), "{refusal:?}");
        assert_every_picture(&world, &format!("{refusal:?}"));
    }
}

#[test]
fn damage_and_refusal_end_the_continuation() {
    // Of a segment that is given up the first half stays.
    let cases = [
        (Effect::Corrupt(300), 60 * 24, false),
        (Effect::Html, 60 * 24, false),
        (Effect::Status(404), 58 * 24, true),
        (Effect::Garbled, 58 * 24, true),
    ];
    for (effect, presented, stays) in cases {
        let film = silent(Protocol::Dash);
        let (path, size) = segment(&film, 3);
        let faults = vec![reset(&path, size / 2).times(1), Fault::new(&path, effect.clone()).times(1)];
        let mut config = player_core::PlayerConfig::default();
        // The second failure in a row would give the segment up.
        config.load_errors.damaged.most_retries = Some(3);
        let mut world = World::new(config, &film, &["edge"], fast(), faults).unwrap();
        world.record();
        assert_eq!(play(&mut world), Outcome::Ended, "{effect:?}");
        let half = Some(size / 2);
        let continued = continued(&world, &path);
        let expected = [None, half, None];
        assert_eq!(continued, expected[..continued.len()], "{effect:?}");
        let stats = world.stats();
        assert_eq!((stats.frames.presented, stats.account.received), (presented, presented), "{effect:?}");
        assert_eq!(stats.bytes_wasted < size / 2, stays, "{effect:?}: {} of {size}", stats.bytes_wasted);
    }
}

#[test]
fn a_seek_or_a_stop_lets_the_host_forget() {
    for command in [Command::Seek { to: MediaTime::from_millis(50_000), mode: SeekMode::Exact }, Command::Stop] {
        let film = silent(Protocol::Hls);
        let (path, size) = segment(&film, 5);
        let faults = vec![reset(&path, size / 2).times(1)];
        let mut world = world(&film, Trace::constant(3_000, millis(30)), faults);
        world.record();
        world.load();
        let broken = |world: &World| count(world, |event| matches!(event, Event::Warning { .. })) > 0;
        assert_eq!(world.run_until(MINUTE, broken), Outcome::Reached);
        let first = attempts(&world, &path)[0].id;
        assert_eq!(world.stats().bytes_wasted, 0);
        world.command(command.clone());
        world.run_until_end(MINUTE * 2);
        assert_eq!(cancelled(&world), [first], "{command:?}");
        assert_eq!(resumed(&world), []);
        assert!(requests(&world).all(|request| request.resume.is_none()), "{command:?}");
        if matches!(command, Command::Seek { .. }) {
            assert!(world.stats().bytes_wasted >= size / 2);
            world.command(Command::Seek { to: MediaTime::from_millis(18_000), mode: SeekMode::Exact });
            world.run_until_end(MINUTE * 2);
            assert_eq!(continued(&world, &path), [None, None], "it begins anew when it is wanted again");
        }
    }
}

/// A rule that wants the second rung, and the first one instead of a segment that is continued.
struct Impatient;

impl Rule for Impatient {
    fn name(&self) -> &'static str {
        "impatient"
    }

    fn select(&mut self, context: &Context<'_>) -> Decision {
        Decision::new(usize::from(context.segments_left.is_some_and(|left| left > 10)), Reason::Throughput)
    }

    fn on_progress(&mut self, in_flight: &InFlight, _: &Context<'_>) -> Verdict {
        let is_rest = in_flight.size.is_some_and(|size| size < 150_000);
        if in_flight.rung == 1 && is_rest { Verdict::AbandonTo(0) } else { Verdict::Continue }
    }

    fn estimate_bps(&self) -> Option<u64> {
        None
    }
}

/// The rule gives up the transfer that continues another: both parts are wasted, and the other quality begins anew.
#[test]
fn another_representation_does_not_continue() {
    for protocol in BOTH {
        let mut film = Film::plain(protocol, MINUTE);
        film.ladder.truncate(2);
        film.voices.clear();
        let path = format!("/film/v/{}/{}.m4s", film.ladder[1].id, film.file_of("v", 3));
        let Some(Content::Media { size, .. }) = film.content(&path) else { panic!("{path} is media") };
        let cut = size - 120_000;
        let mut world = world(&film, Trace::constant(3_000, millis(30)), vec![reset(&path, cut).times(1)]);
        world.set_rule(Box::new(Impatient));
        world.record();
        world.watch_closely();
        assert_eq!(play(&mut world), Outcome::Ended, "{protocol:?}");
        assert_eq!(continued(&world, &path), [None, Some(cut)]);
        let [given_up] = resumed(&world)[..] else { panic!("{:?}", resumed(&world)) };
        assert_eq!(cancelled(&world), [given_up]);
        let (lower, _) = segment(&film, 3);
        assert_eq!(continued(&world, &lower), [None], "the other quality begins anew");
        let wasted = world.stats().bytes_wasted;
        assert!(wasted > cut && wasted < size, "{protocol:?}: {wasted} of {size}");
        assert_every_picture(&world, "two qualities");
    }
}

#[test]
fn another_location_continues_the_same_file_only() {
    let usual = Serving::default();
    let plain = Serving { has_etags: false, ..usual };
    let table = [
        ("equal ETags", usual, usual, true),
        ("other ETags", usual, Serving { edition: 1, ..usual }, false),
        ("lengths alone", plain, plain, true),
        ("an ETag and none", usual, plain, false),
    ];
    for protocol in BOTH {
        for (name, one, two, goes_on) in table {
            let film = silent(protocol);
            let (path, size) = segment(&film, 2);
            let mut world = two_hosts(&film, fast(), vec![reset(&format!("http://one{path}"), size / 2).times(1)]);
            world.record();
            world.serve("one", one);
            world.serve("two", two);
            assert_eq!(play(&mut world), Outcome::Ended, "{name}");
            let hosts: Vec<_> =
                attempts(&world, &path).iter().map(|request| request.url.host_str().unwrap().to_owned()).collect();
            assert_eq!(hosts, ["one", "two"], "{name}");
            assert_eq!(continued(&world, &path), [None, Some(size / 2)], "{name}");
            assert_eq!(resumed(&world).len(), usize::from(goes_on), "{protocol:?} {name}");
            assert_eq!(world.stats().bytes_wasted == 0, goes_on, "{name}");
            assert_every_picture(&world, name);
        }
    }
}

/// A fixed quality on a link whose connections break every few hundred milliseconds.
#[test]
fn a_fixed_quality_on_a_bursty_link_fetches_every_byte_once() {
    for protocol in BOTH {
        let film = silent(protocol);
        let (_, size) = segment(&film, 0);
        let trace = Trace::parse("duration_ms,bandwidth_kbps,latency_ms\n400,4000,40\n300,100,120\n").unwrap();
        let whole = undisturbed(&film, &trace);
        let faults = || {
            let places = (0..15).map(|place| segment(&film, place).0);
            places.map(|path| reset(&path, size * 2 / 3).times(1)).collect::<Vec<_>>()
        };
        let fetched = [true, false].map(|serves_rests| {
            let mut world = world(&film, trace.clone(), faults());
            world.serve("edge", Serving { serves_rests, ..Serving::default() });
            assert_eq!(play(&mut world), Outcome::Ended);
            assert_every_picture(&world, &format!("{protocol:?} {serves_rests}"));
            let stats = world.stats();
            println!("{protocol:?}, rests {serves_rests}: {} bytes, {} wasted", stats.bytes_media, stats.bytes_wasted);
            stats.bytes_media
        });
        assert_eq!(fetched[0], whole);
        assert!(fetched[1] > whole * 8 / 5, "{} without rests, {whole} once", fetched[1]);
    }
}

fn any_break() -> impl Strategy<Value = Fault> {
    let effect = prop_oneof![
        4 => (1..999_u32).prop_map(Effect::Truncate),
        2 => (1..999_u32).prop_map(Effect::Stall),
        2 => (1..400_000_u64).prop_map(|after_bytes| Effect::ResetAt { after_bytes }),
        1 => Just(Effect::Refuse),
        1 => Just(Effect::Status(503)),
        1 => Just(Effect::WholeFile),
        1 => (1..999_u32).prop_map(Effect::Corrupt),
    ];
    let address = prop_oneof![
        3 => (0..16_u32).prop_map(|number| format!("/{number}.m4s")),
        1 => Just("http://one".to_owned()),
        1 => Just("/a/".to_owned()),
        1 => Just("/v/".to_owned()),
    ];
    (address, effect, 1..4_u32)
        .prop_map(|(address, effect, times)| Fault::new(&address, effect).of(FetchKind::Segment).times(times))
}

fn any_serving() -> impl Strategy<Value = Serving> {
    (0..2_u32, any::<bool>(), prop::bool::weighted(0.8)).prop_map(|(edition, has_etags, serves_rests)| Serving {
        edition,
        has_etags,
        serves_rests,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]
    /// Whatever breaks off, changes in the meantime or is moved elsewhere: each sample has one end, and a film without seeks
    /// shows no picture twice.
    #[test]
    fn any_breaks_end_well(
        hls in any::<bool>(),
        packaging in 0..12_u32,
        faults in prop::collection::vec(any_break(), 2..14),
        kbps in 600..12_000_u64,
        changes in prop::collection::vec((0..8_000_u64, any::<bool>(), any_serving()), 0..4),
        seeks in prop::collection::vec((0..9_000_u64, 0..58_000_i64), 0..3),
    ) {
        let protocol = if hls { Protocol::Hls } else { Protocol::Dash };
        let film = Film::new(protocol, MINUTE);
        let film = match packaging {
            0..=3 => film.addressed(Addressing::Listed, Addressing::Listed),
            4 => Film { real_bytes: true, ..film.muxed(true) },
            _ => film,
        };
        let mut world = two_hosts(&film, Trace::constant(kbps, millis(40)), faults);
        audit_in_long_runs(&mut world);
        world.load();
        let is_moved = !seeks.is_empty();
        let mut at = millis(0);
        for (after, to) in seeks {
            at += millis(after);
            world.at(at, Command::Seek { to: MediaTime::from_millis(to), mode: SeekMode::Exact });
        }
        for (after, first, serving) in changes {
            world.run_for(millis(after));
            world.serve(if first { "one" } else { "two" }, serving);
        }
        let outcome = world.run_until_end(MINUTE * 30);
        prop_assert!(matches!(outcome, Outcome::Ended | Outcome::Failed(_)), "{outcome:?}");
        let stats = world.stats();
        prop_assert!(stats.bytes_wasted <= stats.bytes_media);
        if outcome == Outcome::Ended {
            let (frames, account) = (stats.frames, stats.account);
            let sum = frames.presented - account.repeated + frames.dropped + account.departed();
            prop_assert_eq!(account.received, sum, "{:?} {:?}", frames, account);
            prop_assert!(is_moved || account.received - account.lost.overlapped <= 60 * 24, "{account:?}");
        }
    }
}
