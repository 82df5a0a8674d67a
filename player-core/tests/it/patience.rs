//! Patience by kind of failure: an address that is wrong fails at once, a server that struggles is waited for, and
//! media that is here is played first.

use std::time::Duration;

use abr::link::{Row, Trace};
use player_core::config::{RetryPolicies, RetryPolicy};
use player_core::engine::io::{FetchKind, Output};
use player_core::error::Stage;
use player_core::model::Protocol;
use player_core::render::{RenderCommand, RenderEvent};
use player_core::sim::{Effect, Fault, Film, Lock, LockKind, Outcome, World};
use player_core::{ErrorCode, Event, MediaTime, Now, PlayerConfig};

use crate::support::{BOTH, HOUR, MINUTE, count, fast, millis, play, seconds, two_hosts, world};

/// Failures of an address that is wrong, or whose server is down.
const PROMPT: [(Effect, ErrorCode); 4] = [
    (Effect::Refuse, ErrorCode::NetworkUnreachable),
    (Effect::Unresolved, ErrorCode::NetworkUnreachable),
    (Effect::NoRoute, ErrorCode::NetworkUnreachable),
    (Effect::Untrusted, ErrorCode::TlsFailed),
];
/// Failures of a server that struggles.
const PATIENT: [(Effect, ErrorCode); 4] = [
    (Effect::Silence, ErrorCode::NetworkTimeout),
    (Effect::Reset, ErrorCode::NetworkUnreachable),
    (Effect::Status(503), ErrorCode::HttpStatus),
    (Effect::Stall(500), ErrorCode::NetworkTimeout),
];
/// Failures that no second attempt changes.
const FINAL: [(Effect, ErrorCode); 2] =
    [(Effect::Garbled, ErrorCode::ResponseMalformed), (Effect::Status(404), ErrorCode::HttpStatus)];

fn open(several: bool, film: &Film, faults: Vec<Fault>) -> World {
    if several { two_hosts(film, fast(), faults) } else { world(film, fast(), faults) }
}

/// Time and cause of the failure of playback.
#[track_caller]
fn failure(world: &mut World) -> (Duration, ErrorCode) {
    let outcome = play(world);
    let Outcome::Failed(error) = outcome else { panic!("{outcome:?} of {:?}", world.events().last()) };
    assert_eq!(count(world, |event| matches!(event, Event::Failed { .. })), 1);
    let at = world.events().iter().find(|entry| matches!(entry.event, Event::Failed { .. })).unwrap().at;
    (at.since(Now::ZERO), error.code)
}

#[test]
fn with_nothing_played_yet_a_wrong_address_fails_within_three_seconds() {
    for protocol in BOTH {
        for several in [false, true] {
            for kind in [FetchKind::Manifest, FetchKind::Init, FetchKind::Segment] {
                for (effect, code) in PROMPT {
                    let film = Film::new(protocol, MINUTE);
                    let mut world = open(several, &film, vec![Fault::new("", effect.clone()).of(kind)]);
                    let (after, found) = failure(&mut world);
                    assert_eq!(found, code, "{effect:?} {kind:?}");
                    assert!(after <= seconds(3) && after > seconds(1), "{effect:?} {kind:?} {several}: {after:?}");
                    assert!(world.stats().retries >= 2, "it is asked again before it is given up");
                }
            }
        }
    }
}

#[test]
fn a_wrong_address_of_the_audio_alone_fails_within_three_seconds() {
    for kind in [FetchKind::Index, FetchKind::Init, FetchKind::Segment] {
        for (effect, code) in PROMPT {
            let film = Film { rendition_host: Some("audio".to_owned()), ..Film::new(Protocol::Hls, MINUTE) };
            let faults = vec![Fault::new("http://audio", effect.clone()).of(kind)];
            // The audio's host has it: only the requests of one kind fail.
            let mirrors = ["audio"];
            let config = PlayerConfig::default();
            let mut world = World::with_mirrors(config, &film, &["edge"], &mirrors, fast(), faults).unwrap();
            let (after, found) = failure(&mut world);
            assert_eq!(found, code, "{effect:?} {kind:?}");
            assert!(after <= seconds(3), "{effect:?} {kind:?}: {after:?}");
            assert!(count(&world, |event| matches!(event, Event::FirstFrame { .. })) <= 1);
        }
    }
}

#[test]
fn with_nothing_played_yet_a_server_that_struggles_is_waited_for() {
    for several in [false, true] {
        for (effect, code) in PATIENT {
            let film = Film::new(Protocol::Hls, MINUTE);
            let mut world = open(several, &film, vec![Fault::new("", effect.clone()).of(FetchKind::Manifest)]);
            let (after, found) = failure(&mut world);
            assert_eq!(found, code, "{effect:?}");
            assert!(after > seconds(25) && after < seconds(50), "{effect:?} {several}: {after:?}");
            assert!(world.stats().retries <= 20, "{effect:?}: {} retries", world.stats().retries);
        }
    }
}

#[test]
fn an_answer_that_no_second_attempt_changes_fails_at_once() {
    for (effect, code) in FINAL {
        let film = Film::new(Protocol::Hls, MINUTE);
        let mut world = open(false, &film, vec![Fault::new("", effect.clone()).of(FetchKind::Manifest)]);
        let (after, found) = failure(&mut world);
        assert_eq!(found, code);
        assert!(after < millis(200), "{effect:?}: {after:?}");
        let mut world = open(true, &film, vec![Fault::new("http://one", effect.clone()).of(FetchKind::Manifest)]);
        assert_eq!(play(&mut world), Outcome::Ended, "{effect:?}: the other location has it");
    }
}

#[test]
fn with_media_buffered_every_failure_is_waited_for_and_the_buffer_is_played() {
    for several in [false, true] {
        for (effect, _) in PROMPT.into_iter().chain(PATIENT) {
            let film = Film::new(Protocol::Dash, MINUTE * 3);
            let dead = Fault::new("http://", effect.clone()).from(seconds(20));
            let mut world = open(several, &film, vec![dead.clone().until(seconds(45))]);
            assert_eq!(play(&mut world), Outcome::Ended, "{effect:?} {several}: it came back in time");
            if matches!(effect, Effect::Stall(_)) {
                // Each attempt brings half a segment, which is played: that is progress, however slow.
                continue;
            }
            let mut world = open(several, &film, vec![dead]);
            let (after, _) = failure(&mut world);
            let position = world.snapshot().position;
            assert!(position > MediaTime::from_secs_f64(40.0), "{effect:?} {several}: {position:?}");
            assert!(after > seconds(45), "{effect:?} {several}: {after:?}");
        }
    }
}

#[test]
fn a_silent_host_of_initialisation_data_is_waited_for_while_there_is_media_to_play() {
    let film = Film::new(Protocol::Dash, MINUTE * 3);
    // The link becomes fast when a minute is buffered, and what a better quality needs is never answered.
    let row = |duration, bandwidth_bps| Row { duration, bandwidth_bps, latency: millis(30) };
    let trace = Trace::from_rows(vec![row(seconds(25), 1_500_000), row(MINUTE * 10, 20_000_000)]).unwrap();
    let silent = Fault::new("", Effect::Silence).of(FetchKind::Init).from(seconds(25));
    let config = PlayerConfig { buffer_goal: MINUTE, ..PlayerConfig::default() };
    let mut world = World::new(config, &film, &["edge"], trace, vec![silent]).unwrap();
    let (_, code) = failure(&mut world);
    assert_eq!(code, ErrorCode::NetworkTimeout);
    assert!(!world.faults_fired().is_empty());
    assert_eq!(count(&world, |event| matches!(event, Event::StallStarted { .. })), 1, "all that is here is played");
}

#[test]
fn with_something_buffered_passing_failures_cost_no_stall() {
    for (effect, _) in PROMPT.into_iter().chain(PATIENT) {
        let film = Film::new(Protocol::Dash, MINUTE * 2);
        let away = Fault::new("http://edge", effect.clone()).from(seconds(10)).until(seconds(25));
        let mut world = world(&film, fast(), vec![away]);
        assert_eq!(play(&mut world), Outcome::Ended, "{effect:?}");
        assert_eq!(world.stats().stalls, [], "{effect:?}");
    }
}

#[test]
fn a_location_that_struggles_keeps_the_patience_of_a_load_whose_other_location_is_wrong() {
    for (effect, _) in PROMPT {
        let film = Film::new(Protocol::Hls, MINUTE);
        let wrong = Fault::new("http://one", effect.clone());
        let busy = Fault::new("http://two", Effect::Status(503)).until(seconds(12));
        let mut world = two_hosts(&film, fast(), vec![wrong, busy]);
        assert_eq!(play(&mut world), Outcome::Ended, "{effect:?}");
    }
}

#[test]
fn attempts_become_rarer_and_the_last_one_begins_at_the_deadline() {
    let film = Film::new(Protocol::Hls, MINUTE);
    let policies = [(Effect::Status(503), seconds(30)), (Effect::Refuse, seconds(2))];
    for seed in 0..20 {
        for (effect, deadline) in &policies {
            let faults = vec![Fault::new("", effect.clone())];
            let config = PlayerConfig { seed, ..PlayerConfig::default() };
            let mut world = World::new(config, &film, &["edge"], fast(), faults).unwrap();
            let (after, _) = failure(&mut world);
            let warned = world.events().iter().filter(|entry| matches!(entry.event, Event::Warning { .. }));
            let mut failures: Vec<Duration> = warned.map(|entry| entry.at.since(Now::ZERO)).collect();
            failures.push(after);
            let gaps: Vec<Duration> = failures.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(gaps.windows(2).all(|pair| pair[0] <= pair[1]), "{seed}: {gaps:?}");
            assert!(gaps.iter().all(|gap| *gap >= millis(250)), "{seed}: {gaps:?}");
            assert!(after >= *deadline && after <= *deadline + millis(200), "{seed}: {after:?}");
        }
    }
}

#[test]
fn the_policy_is_the_hosts() {
    let film = Film::new(Protocol::Hls, MINUTE);
    let patient = RetryPolicy { deadline: Some(seconds(10)), ..RetryPolicy::default() };
    let once = RetryPolicy { most_retries: Some(0), ..RetryPolicy::default() };
    let load_errors = RetryPolicies { unreachable_at_start: patient, busy: once, ..RetryPolicies::default() };
    let config = || PlayerConfig { load_errors, ..PlayerConfig::default() };
    let after = |effect: Effect| {
        let mut world = World::new(config(), &film, &["edge"], fast(), vec![Fault::new("", effect)]).unwrap();
        failure(&mut world).0
    };
    assert!(after(Effect::Refuse) >= seconds(10));
    assert!(after(Effect::Status(503)) < millis(200));
}

#[test]
fn the_snapshot_says_what_a_first_load_waits_for() {
    let film = Film::new(Protocol::Hls, MINUTE);
    let dead = Fault::new("", Effect::Refuse).of(FetchKind::Segment);
    let mut world = world(&film, fast(), vec![dead]);
    world.load();
    world.run_for(seconds(1));
    let retry = world.snapshot().pending_retry.unwrap();
    assert_eq!((retry.stage, retry.error.code), (Stage::Segment, ErrorCode::NetworkUnreachable));
    assert!(retry.gives_up_at.since(world.now()) < seconds(2), "{retry:?}");
}

#[test]
fn the_time_of_media_that_is_here_is_added_for_a_host_that_is_away_and_for_no_other_failure() {
    for (effect, added) in [(Effect::Status(503), false), (Effect::Reset, true)] {
        let mut film = Film::new(Protocol::Dash, MINUTE);
        film.ladder.truncate(1);
        film.voices.clear();
        let fault = Fault::new("/v/", effect.clone()).of(FetchKind::Segment).from(seconds(10));
        assert_eq!(left_to_give_up(&film, fault, Stage::Segment) > seconds(31), added, "{effect:?}");
    }
    // Playback does not wait for a key before the media that needs it.
    let mut film = Film::new(Protocol::Hls, MINUTE);
    film.locks = vec![Lock { first: 5, kind: LockKind::Samples, key: [7; 16] }];
    let fault = Fault::new("/key/", Effect::Reset);
    assert!(left_to_give_up(&film, fault, Stage::Licence) <= seconds(30));
}

/// Time from the first retry of a stage until the player gives up.
fn left_to_give_up(film: &Film, fault: Fault, stage: Stage) -> Duration {
    let mut world = world(film, fast(), vec![fault]);
    world.load();
    assert_eq!(world.run_until(MINUTE, |world| world.snapshot().pending_retry.is_some()), Outcome::Reached);
    let retry = world.snapshot().pending_retry.unwrap();
    assert_eq!(retry.stage, stage);
    retry.gives_up_at.since(world.now())
}

/// A renderer may show the first picture while the audio is still awaited: that is no playback yet.
#[test]
fn a_first_picture_on_the_screen_makes_nobody_wait_for_audio_at_a_wrong_address() {
    let film = Film { rendition_host: Some("audio".to_owned()), ..Film::new(Protocol::Hls, MINUTE) };
    let refused = Fault::new("http://audio", Effect::Refuse).of(FetchKind::Segment);
    let config = PlayerConfig::default();
    let mut world = World::with_mirrors(config, &film, &["edge"], &["audio"], fast(), vec![refused]).unwrap();
    world.record();
    world.load();
    world.run_for(millis(200));
    let (_, outputs) = world.recorded().unwrap();
    let flushed = outputs.iter().find_map(|output| match output {
        Output::Render(RenderCommand::Flush { epoch, .. }) => Some(*epoch),
        _ => None,
    });
    world.report(RenderEvent::FirstFrame { epoch: flushed.unwrap(), pts: MediaTime::ZERO });
    let outcome = world.run_until_end(HOUR);
    assert!(matches!(outcome, Outcome::Failed(error) if error.code == ErrorCode::NetworkUnreachable));
    assert_eq!(count(&world, |event| matches!(event, Event::FirstFrame { .. })), 1);
    let failed = world.events().iter().find(|entry| matches!(entry.event, Event::Failed { .. })).unwrap();
    assert!(failed.at.since(Now::ZERO) <= seconds(3), "{:?}", failed.at);
}
