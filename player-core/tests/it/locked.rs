//! Encrypted films: keys come early, late, never, or for a part of the film only.

use player_core::drm::{ContentKey, KeyId};
use player_core::engine::io::{FetchKind, Output};
use player_core::error::ErrorCode;
use player_core::model::{MediaKind, Protocol};
use player_core::render::RenderCommand;
use player_core::sim::{Addressing, Effect, Fault, Film, Lock, LockKind, Outcome, World};
use player_core::snapshot::{BufferingReason, State};
use player_core::{Command, Event, PlayerConfig, SeekMode};

use super::support::*;

const KEYS: [[u8; 16]; 3] = [[0x11; 16], [0x22; 16], [0x33; 16]];

/// A film whose samples have a few blocks of the cipher each: decrypting is most of the work of these tests.
fn film(protocol: Protocol, locks: &[(u64, LockKind, usize)]) -> Film {
    let mut film = Film::new(protocol, MINUTE);
    film.ladder.iter_mut().for_each(|rung| rung.bitrate /= 80);
    film.voices.iter_mut().for_each(|voice| voice.bitrate /= 8);
    film.locks = locks.iter().map(|&(first, kind, key)| Lock { first, kind, key: KEYS[key] }).collect();
    film
}

/// The name of a key.
fn id(key: usize) -> KeyId {
    KeyId(KEYS[key].map(|byte| !byte))
}

/// Loads with keys, and runs to the end.
fn play_with(world: &mut World, keys: &[usize]) -> Outcome {
    let mut request = world.request();
    for key in keys {
        request.drm.keys.insert(id(*key), ContentKey::new(&KEYS[*key]).unwrap());
    }
    world.command(Command::Load(request));
    world.run_until_end(HOUR)
}

fn failure(outcome: Outcome) -> player_core::PlayerError {
    match outcome {
        Outcome::Failed(error) => error,
        other => panic!("{other:?} instead of a failure"),
    }
}

fn request_count(world: &World, holds: impl Fn(&player_core::engine::io::FetchRequest) -> bool) -> usize {
    requests(world).filter(|request| holds(request)).count()
}

#[test]
fn whole_segments_and_samples_play_with_keys_that_rotate_and_each_key_is_fetched_once() {
    for kind in [LockKind::Segments, LockKind::Samples] {
        let film = film(Protocol::Hls, &[(0, kind, 0), (4, kind, 1), (7, LockKind::Nothing, 0), (9, kind, 2)]);
        let mut world = world(&film, fast(), Vec::new());
        world.record();
        assert_eq!(play(&mut world), Outcome::Ended, "{kind:?}");
        assert_played(&world, MINUTE);
        assert!(world.stats().stalls.is_empty());
        assert_eq!(request_count(&world, |request| request.kind == FetchKind::Key), 3, "{kind:?}");
        let ciphers = request_count(&world, |request| request.cipher.is_some());
        assert_eq!(ciphers > 0, kind == LockKind::Segments, "the host decrypts whole segments and nothing else");
    }
}

#[test]
fn the_vector_of_a_segment_is_its_number() {
    let film = film(Protocol::Hls, &[(0, LockKind::Segments, 0)]).addressed(Addressing::Files, Addressing::Files);
    let mut world = world(&film, fast(), Vec::new());
    world.record();
    assert_eq!(play(&mut world), Outcome::Ended);
    let mut seen = 0;
    for request in requests(&world) {
        if let Some(cipher) = &request.cipher {
            let path: Vec<&str> = request.url.path().split(['/', '.']).collect();
            let (group, place) = (path[2], path[4].parse::<u128>().unwrap());
            let first = if group == "a" { film.shape.first_audio_number } else { film.shape.first_number };
            assert_eq!(u128::from_be_bytes(cipher.iv), u128::from(first) + place, "the media sequence number");
            seen += 1;
        }
    }
    assert_eq!(seen, 30, "pictures and sound of fifteen segments");
}

/// Plays up to a stall for the second key, which is refused for 20 s.
fn stalled_for_the_second_key(kind: LockKind) -> World {
    let film = film(Protocol::Hls, &[(0, kind, 0), (2, kind, 1)]);
    let late = Fault::new(&format!("{}.bin", id(1)), Effect::Status(503)).until(seconds(20));
    let mut world = world(&film, fast(), vec![late]);
    world.load();
    world.run_for(seconds(13));
    assert_eq!(world.snapshot().state, State::Buffering(BufferingReason::WaitingForKey));
    world
}

#[test]
fn a_late_key_holds_the_hand_over_and_never_the_download() {
    let mut world = stalled_for_the_second_key(LockKind::Samples);
    let loaded = events(
        &world,
        |event| matches!(event, Event::SegmentLoaded { start, .. } if start.as_nanos() > 20_000_000_000),
    );
    assert!(!loaded.is_empty(), "what comes after the missing key was fetched meanwhile");
    assert_eq!(world.run_until_end(HOUR), Outcome::Ended);
    assert_eq!(world.stats().stalls.len(), 1);
    assert_eq!(world.stats().stalls[0].reason, "waiting_for_key");
    assert_played(&world, MINUTE);
}

#[test]
fn a_stall_whose_next_segment_waits_for_its_key_says_so() {
    let mut world = stalled_for_the_second_key(LockKind::Segments);
    assert_eq!(world.run_until_end(HOUR), Outcome::Ended);
    let stalls = &world.stats().stalls;
    assert_eq!(stalls.iter().map(|stall| stall.reason.as_str()).collect::<Vec<_>>(), ["waiting_for_key"]);
    assert_played(&world, MINUTE);
}

/// The network is too slow at first, and when the late segment has come, the key of the next one is what is missing.
#[test]
fn a_stall_says_that_it_waits_for_a_key_from_the_time_at_which_it_does() {
    let mut film = film(Protocol::Hls, &[(0, LockKind::Segments, 0), (3, LockKind::Segments, 1)]);
    film.shape = Film::plain(Protocol::Hls, MINUTE).shape;
    let rungs = film.ladder.iter().map(|rung| format!("/film/v/{}/2.m4s", rung.id));
    let slow = rungs.map(|path| Fault::new(&path, Effect::Delay(seconds(9))));
    let late = Fault::new(&format!("{}.bin", id(1)), Effect::Status(503)).until(seconds(20));
    let config =
        PlayerConfig { resume_threshold: seconds(5), first_byte_timeout: seconds(12), ..PlayerConfig::default() };
    let mut world = World::new(config, &film, &["edge"], fast(), slow.chain([late]).collect()).unwrap();
    world.load();
    assert_eq!(world.run_until_end(HOUR), Outcome::Ended);
    assert_eq!(world.faults_fired().iter().filter(|fault| fault.url.path().contains("/v/")).count(), 1);
    let states = world.events().iter().filter_map(|entry| match entry.event {
        Event::StateChanged { state: State::Buffering(reason) } => Some(reason),
        _ => None,
    });
    let expected = [BufferingReason::Starting, BufferingReason::NetworkTooSlow, BufferingReason::WaitingForKey];
    assert_eq!(states.collect::<Vec<_>>(), expected);
    let stalls = &world.stats().stalls;
    assert_eq!(stalls.len(), 1, "one stall, whatever it waits for: {stalls:?}");
    assert_eq!(stalls[0].reason, "network_too_slow", "that of its beginning");
    assert_played(&world, MINUTE);
}

#[test]
fn a_key_that_is_missing_at_one_place_is_fetched_from_another() {
    for kind in [LockKind::Segments, LockKind::Samples] {
        let film = film(Protocol::Hls, &[(0, kind, 0)]);
        let missing = Fault::new("one/film/key/", Effect::Status(404));
        let mut world = two_hosts(&film, fast(), vec![missing]);
        assert_eq!(play(&mut world), Outcome::Ended, "{kind:?}");
        assert!(!world.faults_fired().is_empty());
    }
}

#[test]
fn a_key_that_cannot_be_had_is_the_end_and_the_error_says_why() {
    let cases = [
        (Effect::Status(404), ErrorCode::KeyUnavailable, Some(404)),
        (Effect::Status(403), ErrorCode::LicenceRefused, Some(403)),
        (Effect::Html, ErrorCode::KeyUnavailable, None),
        (Effect::Empty, ErrorCode::KeyUnavailable, None),
    ];
    for kind in [LockKind::Segments, LockKind::Samples] {
        for (effect, code, status) in &cases {
            let film = film(Protocol::Hls, &[(0, kind, 0)]);
            let mut world = world(&film, fast(), vec![Fault::new("/key/", effect.clone())]);
            let error = failure(play(&mut world));
            assert_eq!((error.code, error.context.http_status), (*code, *status), "{kind:?} {effect:?}: {error}");
        }
    }
}

#[test]
fn the_clear_beginning_is_played_before_the_missing_key_ends_playback() {
    for (protocol, kind) in [
        (Protocol::Hls, LockKind::Foreign),
        (Protocol::Hls, LockKind::Segments),
        (Protocol::Hls, LockKind::Samples),
        (Protocol::Dash, LockKind::Foreign),
        (Protocol::Dash, LockKind::Samples),
    ] {
        let mut film = film(protocol, &[(5, kind, 1)]);
        film.periods = 3;
        // In DASH a system that is not supported would be the reason, as no key has an address.
        film.shape.other_key_formats = protocol == Protocol::Hls;
        let mut world = world(&film, fast(), vec![Fault::new("/key/", Effect::Status(404))]);
        let error = failure(play(&mut world));
        let expected = if kind == LockKind::Foreign { ErrorCode::DrmUnsupported } else { ErrorCode::KeyUnavailable };
        assert_eq!(error.code, expected, "{protocol:?} {kind:?}: {error}");
        if kind == LockKind::Foreign {
            let system = if protocol == Protocol::Hls { "FairPlay" } else { "Widevine" };
            assert_eq!(error.context.feature.as_deref(), Some(system));
            assert_eq!(error.context.key_id, Some(id(1).to_string()));
        }
        assert_played(&world, seconds(20));
        assert_eq!(count(&world, |event| matches!(event, Event::Ended)), 0);
    }
}

#[test]
fn without_any_server_the_reason_is_a_system_that_is_not_supported() {
    let film = film(Protocol::Dash, &[(0, LockKind::Samples, 1)]);
    let mut world = world(&film, fast(), Vec::new());
    let error = failure(play(&mut world));
    assert_eq!((error.code, error.context.feature.as_deref()), (ErrorCode::DrmUnsupported, Some("PlayReady")));
    assert!(error.message.contains("PlayReady, Widevine"), "{error}");
    assert_eq!(error.context.key_id, Some(id(1).to_string()));
}

#[test]
fn keys_of_other_formats_beside_the_usable_one_change_no_request() {
    for protocol in BOTH {
        for kind in [LockKind::Segments, LockKind::Samples] {
            if (protocol, kind) == (Protocol::Dash, LockKind::Segments) {
                continue;
            }
            let mut film = film(protocol, &[(0, kind, 0), (4, kind, 1), (7, LockKind::Nothing, 0), (9, kind, 2)]);
            film.ladder.truncate(1);
            film.licence_server = true;
            film.periods = 5;
            let mut asked = Vec::new();
            for other_key_formats in [true, false] {
                film.shape.other_key_formats = other_key_formats;
                let mut world = world(&film, fast(), Vec::new());
                world.record();
                assert_eq!(play(&mut world), Outcome::Ended, "{protocol:?} {kind:?}");
                assert_played(&world, MINUTE);
                assert_eq!(count(&world, |event| matches!(event, Event::Warning { .. })), 0, "{protocol:?} {kind:?}");
                let files = requests(&world).map(|request| (&request.url, request.range, request.cipher.is_some()));
                let mut files: Vec<String> = files.map(|file| format!("{file:?}")).collect();
                files.sort();
                asked.push(files);
            }
            assert_eq!(asked[0], asked[1], "{protocol:?} {kind:?}");
        }
    }
}

#[test]
fn a_seek_back_into_the_clear_part_plays_again_and_a_seek_into_the_rest_fails() {
    let film = film(Protocol::Hls, &[(5, LockKind::Foreign, 1)]);
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(15));
    world.command(Command::Seek { to: player_core::MediaTime::from_millis(2000), mode: SeekMode::Exact });
    world.run_for(seconds(10));
    assert_eq!(world.snapshot().state, State::Ready);
    world.command(Command::Seek { to: player_core::MediaTime::from_millis(40_000), mode: SeekMode::Exact });
    assert_eq!(failure(world.run_until_end(MINUTE)).code, ErrorCode::DrmUnsupported);
}

#[test]
fn keys_of_the_host_open_what_the_manifest_calls_foreign() {
    for protocol in BOTH {
        for kind in [LockKind::Foreign, LockKind::Samples] {
            let film = film(protocol, &[(0, kind, 0), (8, kind, 1)]);
            let mut world = world(&film, fast(), Vec::new());
            assert_eq!(play_with(&mut world, &[0, 1]), Outcome::Ended, "{protocol:?} {kind:?}");
            assert_played(&world, MINUTE);
        }
    }
}

#[test]
fn a_key_that_the_host_lacks_is_named() {
    for protocol in BOTH {
        let mut film = film(protocol, &[(0, LockKind::Foreign, 0), (5, LockKind::Foreign, 1)]);
        film.periods = 3;
        let mut world = world(&film, fast(), Vec::new());
        let error = failure(play_with(&mut world, &[0]));
        assert_eq!((error.code, error.context.key_id), (ErrorCode::KeyUnavailable, Some(id(1).to_string())));
        assert_played(&world, seconds(20));
    }
}

#[test]
fn a_licence_server_is_asked_once_for_each_set_of_keys() {
    let mut film = film(Protocol::Dash, &[(0, LockKind::Samples, 0), (5, LockKind::Samples, 1)]);
    film.periods = 3;
    film.licence_server = true;
    let mut world = world(&film, fast(), Vec::new());
    world.record();
    assert_eq!(play(&mut world), Outcome::Ended);
    assert_played(&world, MINUTE);
    let posted =
        request_count(&world, |request| request.post.as_ref().is_some_and(|body| body.starts_with(b"{\"kids\":[")));
    assert_eq!(posted, 1, "the first licence brought both keys");
    let json = ("Content-Type".to_owned(), "application/json".to_owned());
    let declared = request_count(&world, |request| request.post.is_some() == request.headers.contains(&json));
    assert_eq!(declared, request_count(&world, |_| true), "the request and no other declares the type of its body");
    assert_eq!(request_count(&world, |request| request.key_ids.len() == 1), 1);
    assert_eq!(request_count(&world, |request| request.kind == FetchKind::Key), 1);
}

#[test]
fn a_licence_server_that_refuses_is_the_end() {
    let mut film = film(Protocol::Dash, &[(0, LockKind::Samples, 0)]);
    film.licence_server = true;
    let mut world = world(&film, fast(), vec![Fault::new("/licence", Effect::Status(403))]);
    let error = failure(play(&mut world));
    assert_eq!((error.code, error.context.http_status), (ErrorCode::LicenceRefused, Some(403)));
    assert_eq!(error.context.key_id, Some(id(0).to_string()));
}

#[test]
fn nothing_encrypted_and_no_key_leaves_the_engine() {
    let film = film(Protocol::Hls, &[(0, LockKind::Samples, 0)]);
    let mut world = world(&film, fast(), Vec::new());
    world.record();
    assert_eq!(play(&mut world), Outcome::Ended);
    let (inputs, outputs) = world.recorded().unwrap();
    let mut appended = 0;
    for output in outputs {
        if let Output::Render(RenderCommand::Append { samples, .. }) = output {
            appended += samples.len();
            assert!(samples.iter().all(|sample| sample.crypto.is_none()));
        }
    }
    assert!(appended > 2000);
    let written = serde_json::to_string(inputs).unwrap();
    assert!(!written.contains("17,17,17,17"), "a recording tells no key");
    let replayed = player_core::sim::replay(PlayerConfig::default(), inputs).unwrap();
    assert_eq!(replayed.len(), outputs.len());
}

#[test]
fn a_licence_that_lacks_the_key_that_was_asked_for_ends_playback_with_its_name() {
    let mut film = film(Protocol::Dash, &[(0, LockKind::Samples, 0), (5, LockKind::Samples, 1)]);
    film.periods = 3;
    film.licence_server = true;
    film.licence_lacks = vec![1];
    let mut later = world(&film, fast(), Vec::new());
    let error = failure(play(&mut later));
    assert_eq!((error.code, error.context.key_id), (ErrorCode::KeyUnavailable, Some(id(1).to_string())));
    let position = later.snapshot().position.as_secs_f64();
    assert!((19.0..=20.1).contains(&position), "what the licence opened was played: {position}");
    film.licence_lacks = vec![0];
    let mut first = world(&film, fast(), Vec::new());
    let error = failure(play(&mut first));
    assert_eq!((error.code, error.context.key_id), (ErrorCode::KeyUnavailable, Some(id(0).to_string())));
    assert_eq!(first.stats().frames.presented, 0);
}

#[test]
fn media_that_is_dropped_for_want_of_its_key_is_wasted() {
    let film = film(Protocol::Hls, &[(0, LockKind::Nothing, 0), (3, LockKind::Samples, 1)]);
    let busy = Fault::new("/key/", Effect::Status(503)).until(seconds(8));
    let mut world = world(&film, fast(), vec![busy, Fault::new("/key/", Effect::Status(404))]);
    world.load();
    world.run_for(seconds(7));
    assert_eq!(world.stats().bytes_wasted, 0);
    let held = |world: &World, group: &str| {
        let after = |start: player_core::MediaTime| start.as_secs_f64() > film.span_of(group, 3).0 as f64 - 0.5;
        let audio = group == "a";
        let sizes = world.events().iter().filter_map(|entry| match &entry.event {
            Event::SegmentLoaded { start, bytes, kind, .. }
                if after(*start) && (*kind == MediaKind::Audio) == audio =>
            {
                Some(*bytes)
            }
            _ => None,
        });
        sizes.sum::<u64>()
    };
    let (video, audio) = (held(&world, "v"), held(&world, "a"));
    assert!(video > 0 && audio > 0);
    assert_eq!(failure(world.run_until_end(MINUTE)).code, ErrorCode::KeyUnavailable);
    let wasted = world.stats().bytes_wasted;
    assert!(wasted >= video + audio, "{wasted} of {video} and {audio}");
    assert!(wasted <= world.stats().bytes_media);
}
