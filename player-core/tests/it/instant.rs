//! The first picture after a seek into media that is not held: from the representation that shows it soonest, and what
//! follows in better quality.

use std::time::Duration;

use abr::link::Trace;
use player_core::engine::io::FetchKind;
use player_core::model::Protocol;
use player_core::sim::{Effect, Fault, Film, Rung, World};
use player_core::{Command, Event, MediaTime, PlayerConfig, SeekMode, State};

use crate::support::{BOTH, count, millis, requests, seconds};

const TEN_MINUTES: Duration = seconds(600);

/// Four qualities from 250 kbit/s to 2.6 Mbit/s.
fn with_low_rungs(film: Film) -> Film {
    let rung = |id: &str, bitrate, size| Rung { id: id.to_owned(), bitrate, size };
    let ladder = vec![
        rung("240p", 250_000, (426, 240)),
        rung("360p", 550_000, (640, 360)),
        rung("480p", 1_200_000, (854, 480)),
        rung("720p", 2_600_000, (1280, 720)),
    ];
    Film { ladder, ..film }
}

/// A world at 5 Mbit/s and 20 ms that has played for twelve seconds, with little ahead: each target is far from it.
fn playing(film: Film) -> World {
    let config = PlayerConfig { buffer_goal: seconds(8), ..PlayerConfig::default() };
    let link = Trace::constant(5_000, millis(20));
    let mut world = World::new(config, &with_low_rungs(film), &["edge"], link, Vec::new()).unwrap();
    world.record();
    world.load();
    world.run_for(seconds(12));
    world
}

/// Seeks, and runs until playback is ready. Returns the time until the picture and that until it moves.
fn seek(world: &mut World, to: f64) -> (Duration, Duration) {
    let at = world.now();
    world.command(Command::Seek { to: MediaTime::from_secs_f64(to), mode: SeekMode::Exact });
    world.run_until(seconds(20), |world| world.snapshot().state == State::Ready);
    let seek = world.stats().seeks.last().cloned().unwrap();
    assert_eq!(seek.error_nanos, Some(0), "{to}");
    (seek.latency.unwrap(), world.now().since(at))
}

/// The place on the ladder of what is on screen.
fn shown(world: &World) -> Option<usize> {
    world.snapshot().qualities.iter().position(|quality| quality.shown)
}

#[test]
fn forty_targets_have_a_picture_soon_and_the_best_quality_later() {
    for protocol in BOTH {
        let mut world = playing(Film::new(protocol, TEN_MINUTES));
        let mut draw: u64 = 7;
        let mut waits = Vec::new();
        for _ in 0..40 {
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let to = (draw >> 33) as f64 / f64::from(1_u32 << 31) * 580.0;
            let (picture, moving) = seek(&mut world, to);
            assert!(moving - picture <= millis(300), "{to}: held for {:?} behind its picture", moving - picture);
            waits.push(picture);
            world.run_for(seconds(11));
            assert_eq!(shown(&world), Some(3), "{protocol:?} {to}");
        }
        waits.sort();
        assert!(waits[20] <= millis(300) && waits[37] <= millis(450), "{protocol:?} {waits:?}");
        assert_eq!(world.stats().stalls, []);
    }
}

/// Addresses of the media requested since a number of requests, the quality of each: `240p` or `a`.
fn since(world: &World, before: usize) -> Vec<String> {
    let media = requests(world).skip(before).filter(|request| request.kind == FetchKind::Segment);
    let folder = |path: &str| path.split('/').nth_back(1).unwrap_or_default().to_owned();
    media.map(|request| folder(request.url.path())).collect()
}

#[test]
fn the_further_into_a_segment_the_lower_the_rung_and_the_next_is_better() {
    let chosen = [0.0, 0.5, 1.5, 3.2].map(|into| {
        let mut world = playing(Film::plain(Protocol::Dash, TEN_MINUTES));
        let before = requests(&world).count();
        let (_, moving) = seek(&mut world, 400.0 + into);
        assert!(moving < millis(450), "{into}: {moving:?}");
        world.run_for(seconds(4));
        let pictures = since(&world, before).into_iter().filter(|folder| folder.ends_with('p'));
        pictures.take(2).collect::<Vec<_>>()
    });
    let names = chosen.each_ref().map(|pair| [pair[0].as_str(), pair[1].as_str()]);
    assert_eq!(names, [["360p", "720p"], ["240p", "720p"], ["240p", "720p"], ["240p", "360p"]]);
}

#[test]
fn audio_that_suffices_leaves_the_link_to_the_picture() {
    let mut world = playing(Film::plain(Protocol::Dash, TEN_MINUTES));
    let before = requests(&world).count();
    world.command(Command::Seek { to: MediaTime::from_millis(402_900), mode: SeekMode::Exact });
    let completed = |world: &World| count(world, |event| matches!(event, Event::SeekCompleted { .. }));
    world.run_until(seconds(20), |world| completed(world) == 1);
    assert_eq!(since(&world, before), ["240p", "en"], "one segment of each");
    world.run_for(seconds(2));
    assert!(since(&world, before).iter().filter(|folder| *folder == "en").count() > 1);
    assert_eq!(world.stats().stalls, []);
}

#[test]
fn a_start_in_the_middle_takes_the_rung_that_is_known_to_be_soon() {
    let history = abr::History { bandwidth_bps: 5_000_000, ttfb: millis(20) };
    let first = [400.0, 403.2].map(|at| {
        let mut world = World::new(
            PlayerConfig::default(),
            &with_low_rungs(Film::plain(Protocol::Dash, TEN_MINUTES)),
            &["edge"],
            Trace::constant(5_000, millis(20)),
            Vec::new(),
        )
        .unwrap();
        let mut rule = abr::default_rule();
        rule.seed(&history);
        world.set_rule(rule);
        world.record();
        let request = player_core::LoadRequest { start: Some(MediaTime::from_secs_f64(at)), ..world.request() };
        world.command(Command::Load(request));
        world.run_until(seconds(20), |world| world.snapshot().state == State::Ready);
        since(&world, 0).into_iter().find(|folder| folder.ends_with('p')).unwrap()
    });
    assert_eq!(first, ["360p", "240p"]);
}

#[test]
fn initialisation_data_of_audio_does_not_wait_for_the_video_that_places_it() {
    let link = Trace::constant(5_000, millis(20));
    let film = with_low_rungs(Film::plain(Protocol::Hls, TEN_MINUTES));
    let mut world = World::new(PlayerConfig::default(), &film, &["edge"], link, Vec::new()).unwrap();
    world.record();
    world.load();
    world.run_until(seconds(20), |world| world.snapshot().state == State::Ready);
    let asked = |folder: &str, kind: FetchKind| {
        requests(&world).position(|request| request.kind == kind && request.url.path().contains(folder))
    };
    let init = asked("/a/", FetchKind::Init);
    assert!(init.is_some() && init < asked("/v/", FetchKind::Segment));
    assert!(asked("/v/", FetchKind::Segment) < asked("/a/", FetchKind::Segment), "its media does");
    // Manifest, index, initialisation data and media are a round trip each; the first pieces of both segments, 140 ms.
    let startup = world.stats().startup.unwrap();
    assert!(startup < millis(4 * 20 + 140), "{startup:?}");
}

#[test]
fn initialisation_data_that_fails_ahead_is_not_asked_for_again_before_its_segment() {
    let film = with_low_rungs(Film::plain(Protocol::Hls, TEN_MINUTES));
    let fault = Fault::new("/a/", Effect::Status(404)).of(FetchKind::Init).times(1000);
    // The first video takes its time: about two seconds at 100 kbit/s.
    let link = Trace::constant(100, millis(20));
    let mut world = World::new(PlayerConfig::default(), &film, &["edge"], link, vec![fault]).unwrap();
    world.record();
    world.load();
    world.run_for(seconds(2));
    let asked =
        requests(&world).filter(|request| request.kind == FetchKind::Init && request.url.path().contains("/a/"));
    assert_eq!(asked.count(), 1);
    world.run_for(seconds(60));
    let asked =
        requests(&world).filter(|request| request.kind == FetchKind::Init && request.url.path().contains("/a/"));
    assert!((2..10).contains(&asked.count()), "with the segment it is recovered as ever");
}
