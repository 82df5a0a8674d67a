//! Each fault ends in recovery, reported, or in one typed error; never in both, a hang, or silence.

use abr::link::{Row, Trace};
use player_core::engine::io::FetchKind;
use player_core::model::Protocol;
use player_core::sim::{Content, Effect, Fault, Film, Outcome, Rung, Serving, World};
use player_core::{ErrorCode, Event, MediaTime};

use crate::support::{BOTH, MINUTE, count, fast, millis, play, seconds, two_hosts, world};

fn warnings(world: &World) -> Vec<ErrorCode> {
    let codes = world.events().iter().filter_map(|entry| match &entry.event {
        Event::Warning { error } => Some(error.code),
        _ => None,
    });
    codes.collect()
}

#[track_caller]
fn fails(protocol: Protocol, fault: Fault) -> ErrorCode {
    let film = Film::new(protocol, MINUTE);
    let mut world = world(&film, fast(), vec![fault.clone()]);
    let outcome = play(&mut world);
    let Outcome::Failed(error) = outcome else { panic!("{fault:?} must end playback, not {outcome:?}") };
    assert_eq!(count(&world, |event| matches!(event, Event::Failed { .. })), 1);
    assert_eq!(world.snapshot().error.as_ref(), Some(&error));
    error.code
}

#[track_caller]
fn recovers(protocol: Protocol, fault: Fault) -> World {
    let film = Film::new(protocol, MINUTE);
    let mut world = world(&film, fast(), vec![fault.clone()]);
    assert_eq!(play(&mut world), Outcome::Ended, "{fault:?}");
    assert!(!world.faults_fired().is_empty(), "{fault:?} did not fire");
    assert!(!warnings(&world).is_empty(), "{fault:?} was not reported");
    assert_eq!(count(&world, |event| matches!(event, Event::Failed { .. })), 0);
    world
}

#[test]
fn manifests_that_cannot_be_had_end_in_one_typed_error() {
    for protocol in BOTH {
        let fault = |effect| Fault::new("", effect).of(FetchKind::Manifest);
        assert_eq!(fails(protocol, fault(Effect::Status(404))), ErrorCode::HttpStatus);
        assert_eq!(fails(protocol, fault(Effect::Html)), ErrorCode::NotAManifest);
        assert_eq!(fails(protocol, fault(Effect::Refuse)), ErrorCode::NetworkUnreachable);
        assert_eq!(fails(protocol, fault(Effect::Silence)), ErrorCode::NetworkTimeout);
        assert_eq!(fails(protocol, fault(Effect::Stall(500))), ErrorCode::NetworkTimeout);
        assert_eq!(fails(protocol, fault(Effect::Truncate(500))), ErrorCode::BodyTruncated);
        assert_eq!(fails(protocol, fault(Effect::Status(503))), ErrorCode::HttpStatus);
        let empty = fails(protocol, fault(Effect::Empty));
        assert!(matches!(empty, ErrorCode::NotAManifest | ErrorCode::ManifestEmpty), "{empty:?}");
    }
}

#[test]
fn passing_faults_are_recovered_from_and_nothing_is_lost() {
    let effects = [
        Effect::Refuse,
        Effect::Silence,
        Effect::Status(404),
        Effect::Status(503),
        Effect::Stall(500),
        Effect::Truncate(500),
        Effect::Corrupt(500),
        Effect::Empty,
    ];
    for protocol in BOTH {
        for effect in &effects {
            let world =
                recovers(protocol, Fault::new("", effect.clone()).of(FetchKind::Segment).from(seconds(2)).times(1));
            assert_eq!(world.stats().stalls, [], "{protocol:?} {effect:?}");
            let (gaps, frames) =
                (count(&world, |event| matches!(event, Event::GapSkipped { .. })), world.stats().frames.presented);
            // A missing piece of separate sound has no other representation: it is jumped over, and nothing else is.
            assert!(
                gaps == 0 && frames == 60 * 24 || gaps == 1,
                "{protocol:?} {effect:?}: {gaps} gaps, {frames} frames"
            );
        }
    }
}

#[test]
fn passing_faults_of_manifests_indexes_and_initialisation_are_recovered_from() {
    for effect in [Effect::Refuse, Effect::Status(503), Effect::Truncate(500), Effect::Stall(500)] {
        for kind in [FetchKind::Manifest, FetchKind::Index, FetchKind::Init] {
            let world = recovers(Protocol::Hls, Fault::new("", effect.clone()).of(kind).times(1));
            assert_eq!(world.stats().frames.presented, 60 * 24, "{effect:?} {kind:?}");
        }
    }
}

#[test]
fn one_bad_quality_is_left_for_another() {
    for effect in [Effect::Status(404), Effect::Corrupt(100), Effect::Truncate(100)] {
        let world = recovers(Protocol::Dash, Fault::new("/v/1080p/", effect.clone()));
        assert_eq!(world.stats().frames.presented, 60 * 24, "{effect:?}");
        assert_eq!(world.stats().stalls, []);
        let shown: Vec<_> = world.stats().switches.iter().map(|switch| switch.to.clone()).collect();
        assert!(!shown.contains(&"1080p".to_owned()), "{shown:?}");
    }
}

#[test]
fn a_missing_index_of_one_quality_is_left_for_another() {
    let world = recovers(Protocol::Hls, Fault::new("/v/1080p/index", Effect::Status(404)));
    assert_eq!(world.stats().frames.presented, 60 * 24);
}

#[test]
fn media_that_can_never_be_had_ends_in_one_typed_error() {
    for protocol in BOTH {
        let gone = |effect| Fault::new("/v/", effect).of(FetchKind::Segment);
        for effect in [Effect::Status(404), Effect::Corrupt(10), Effect::Truncate(10), Effect::Empty] {
            assert_eq!(fails(protocol, gone(effect.clone())), ErrorCode::MediaUnavailable, "{effect:?}");
        }
        assert_eq!(fails(protocol, gone(Effect::Refuse)), ErrorCode::NetworkUnreachable);
        assert_eq!(fails(protocol, gone(Effect::Stall(0))), ErrorCode::NetworkTimeout);
        let init = Fault::new("/v/", Effect::Status(404)).of(FetchKind::Init);
        assert_eq!(fails(protocol, init), ErrorCode::HttpStatus);
    }
}

#[test]
fn sound_that_can_never_be_had_is_done_without() {
    for effect in [Effect::Status(404), Effect::Corrupt(10)] {
        let film = Film::new(Protocol::Dash, MINUTE);
        let mut world = world(&film, fast(), vec![Fault::new("/a/", effect)]);
        assert_eq!(play(&mut world), Outcome::Ended);
        assert!(!warnings(&world).is_empty());
        assert_eq!(world.stats().frames.presented, 60 * 24);
    }
}

#[test]
fn the_network_in_front_of_a_host_that_forgets_is_not_waited_for_for_ever() {
    // The world's hosts keep their time limits; here no host answers at all, and the engine's own limits must do.
    use player_core::engine::Engine;
    use player_core::engine::io::{Input, Output};
    use player_core::{Command, CommandId, LoadRequest, Now, PlayerConfig};
    let mut engine = Engine::new(PlayerConfig::default()).unwrap();
    let request = LoadRequest::new("http://nobody/master.m3u8".parse().unwrap());
    engine.handle_input(Now::ZERO, Input::Command { id: CommandId(1), command: Command::Load(request) });
    let (mut cancelled, mut failed) = (0, 0);
    for _ in 0..1000 {
        while let Some(output) = engine.poll_output() {
            match output {
                Output::Cancel(_) => cancelled += 1,
                Output::Event(Event::Failed { error }) => {
                    assert_eq!(error.code, ErrorCode::NetworkTimeout);
                    failed += 1;
                }
                _ => {}
            }
        }
        let Some(next) = engine.poll_timeout() else { break };
        engine.advance(next);
    }
    assert_eq!(failed, 1);
    assert!(cancelled > 2);
}

#[test]
fn what_was_handed_out_of_a_segment_that_breaks_off_is_not_wasted() {
    for protocol in BOTH {
        let mut film = Film::plain(protocol, MINUTE);
        film.ladder.truncate(1);
        film.voices.clear();
        let path = format!("/film/v/240p/{}.m4s", film.file_of("v", 0));
        let Some(Content::Media { size, .. }) = film.content(&path) else { panic!("{path} is media") };
        // Two of the four pieces have come by then, and a fifth of the third one.
        let fault = Fault::new(&path, Effect::Truncate(550)).of(FetchKind::Segment).times(1);
        let mut world = world(&film, Trace::constant(3_000, millis(30)), vec![fault]);
        world.serve("edge", Serving { serves_rests: false, ..Serving::default() });
        assert_eq!(play(&mut world), Outcome::Ended);
        assert_eq!(world.faults_fired().len(), 1);
        let wasted = world.stats().bytes_wasted;
        assert!(wasted > 0 && wasted < size / 10, "{protocol:?}: {wasted} of {size}");
    }
}

/// Nothing gives the beginning of a segment again if every attempt at it breaks off: it is shown.
#[test]
fn what_came_of_a_segment_that_is_given_up_is_shown() {
    // A segment has four pieces of a second. A request that continues another one brings half of the rest, so that three
    // of them come in time; damage ends the attempt, and the next one brings the same two again.
    let cases = [(Effect::Truncate(550), 59 * 24), (Effect::Corrupt(550), 58 * 24)];
    for (protocol, rungs) in BOTH.into_iter().flat_map(|protocol| [(protocol, 1), (protocol, 5)]) {
        for (effect, presented) in &cases {
            let mut film = Film::plain(protocol, MINUTE);
            film.ladder.truncate(rungs);
            film.voices.clear();
            let number = film.file_of("v", 6);
            let breaks = |rung: &Rung| {
                let path = format!("/film/v/{}/{number}.m4s", rung.id);
                Fault::new(&path, effect.clone()).of(FetchKind::Segment)
            };
            let faults = film.ladder.iter().map(breaks).collect();
            let mut world = world(&film, Trace::constant(20_000, millis(30)), faults);
            let case = format!("{protocol:?}, {rungs} rungs, {effect:?}");
            assert_eq!(play(&mut world), Outcome::Ended, "{case}");
            let stats = world.stats();
            assert_eq!((stats.frames.presented, stats.account.received), (*presented, *presented), "{case}");
            assert_eq!(stats.stalls.len(), 0, "{case}");
        }
    }
}

/// A segment is missing in all qualities, and the next ones in the better one: the other quality comes after a gap.
#[test]
fn a_quality_that_follows_a_gap_is_announced_with_its_first_picture() {
    for protocol in BOTH {
        let mut film = Film::plain(protocol, MINUTE);
        film.ladder.truncate(2);
        let missing = |rung: &str, number: u64| {
            Fault::new(&format!("/film/v/{rung}/{}.m4s", film.file_of("v", number)), Effect::Status(404))
        };
        let mut faults = vec![missing("240p", 6)];
        faults.extend((6..9).map(|number| missing("360p", number)));
        let mut world = world(&film, fast(), faults);
        assert_eq!(play(&mut world), Outcome::Ended);
        let changes = world.events().iter().filter_map(|entry| match &entry.event {
            Event::QualityChanged { at, from: Some(_), to, .. } => Some((entry.position, *at, to.clone())),
            _ => None,
        });
        let changes: Vec<_> = changes.collect();
        let (position, at, _) = changes.iter().find(|(_, at, _)| *at >= MediaTime::from_millis(24_000)).unwrap();
        assert_eq!(*at, MediaTime::from_millis(28_000), "{protocol:?}: {changes:?}");
        assert!(*position + millis(250) >= *at, "{protocol:?}: {changes:?}");
    }
}

/// Each attempt at a segment breaks off after two thirds, of which the renderer has a part, so that another quality
/// takes over in the middle. The auditor asks for a key frame after each change of configuration.
#[test]
fn another_quality_in_the_middle_of_a_segment_begins_with_a_key_frame() {
    let row = |duration: u64, kbps: u64, ms: u64| Row {
        duration: seconds(duration),
        bandwidth_bps: kbps * 1000,
        latency: millis(ms),
    };
    let trace = Trace::from_rows(vec![row(1, 3116, 0), row(7, 664, 0), row(5, 3000, 50)]).unwrap();
    let fault = Fault::new("", Effect::Corrupt(697)).from(seconds(8)).until(seconds(14));
    let film = Film::new(Protocol::Dash, MINUTE).voices(&["en", "de"]);
    let mut world = two_hosts(&film, trace, vec![fault]);
    assert_eq!(play(&mut world), Outcome::Ended);
    let lost = world.stats().account.lost;
    assert!(lost.undecodable > 0 && lost.overlapped > 0, "{lost:?}");
}

/// A segment is missing in the one quality that can begin: its exclusion for a while must not make it the end.
#[test]
fn initialisation_data_of_the_other_qualities_is_no_reason_to_stop_at_a_missing_segment() {
    for protocol in BOTH {
        let film = Film::plain(protocol, MINUTE * 4);
        let best = film.ladder.last().unwrap().id.clone();
        let mut faults: Vec<_> = film.ladder[..film.ladder.len() - 1]
            .iter()
            .map(|rung| Fault::new(&format!("/v/{}/init", rung.id), Effect::Status(404)))
            .collect();
        let missing = format!("/v/{best}/{}.m4s", film.file_of("v", 50));
        faults.push(Fault::new(&missing, Effect::Status(404)));
        let mut world = world(&film, fast(), faults);
        assert_eq!(play(&mut world), Outcome::Ended, "{protocol:?}");
        let lost = film.segment.as_secs() * 24;
        assert_eq!(world.stats().frames.presented, 240 * 24 - lost, "{protocol:?}");
    }
}

/// The longest run of missing segments that playback passes, and the shortest that ends it.
#[test]
fn four_missing_segments_in_a_row_are_passed_and_the_fifth_is_the_end() {
    for (missing, ends) in [(4, false), (5, true)] {
        let mut film = Film::plain(Protocol::Dash, MINUTE);
        film.ladder.truncate(1);
        film.voices.clear();
        let gone = |number| Fault::new(&format!("/v/240p/{}.m4s", film.file_of("v", number)), Effect::Status(404));
        let faults = (2..2 + missing).map(gone).collect();
        let mut world = world(&film, fast(), faults);
        let outcome = play(&mut world);
        let passed = warnings(&world).len();
        match (ends, outcome) {
            (false, Outcome::Ended) => assert_eq!(passed, 4),
            (true, Outcome::Failed(error)) => {
                assert_eq!((error.code, passed), (ErrorCode::MediaUnavailable, 4));
            }
            (_, outcome) => panic!("{missing} missing: {outcome:?}"),
        }
    }
}
