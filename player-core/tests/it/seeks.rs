//! Seeks land where they should, and fetch only what they must.

use abr::link::Trace;
use player_core::model::Protocol;
use player_core::sim::{Film, Outcome, World};
use player_core::{Command, Event, MediaTime, SeekMode, State};

use crate::support::{BOTH, HOUR, MINUTE, count, events, fast, millis, seconds, world};

fn seek(to: f64, mode: SeekMode) -> Command {
    Command::Seek { to: MediaTime::from_secs_f64(to), mode }
}

fn completed(world: &World) -> Vec<(f64, i64)> {
    let done = world.events().iter().filter_map(|entry| match entry.event {
        Event::SeekCompleted { to, error_nanos, .. } => Some((to.as_secs_f64(), error_nanos)),
        _ => None,
    });
    done.collect()
}

#[test]
fn an_exact_seek_shows_the_picture_at_the_target_and_a_key_frame_seek_the_one_before() {
    for protocol in BOTH {
        let film = Film::new(protocol, HOUR);
        let mut world = world(&film, fast(), Vec::new());
        world.load();
        world.run_for(seconds(5));
        world.command(seek(1801.23, SeekMode::Exact));
        assert_eq!(world.snapshot().state, State::Seeking);
        assert_eq!(world.snapshot().position, MediaTime::from_secs_f64(1801.23));
        world.run_for(seconds(5));
        world.command(seek(2403.5, SeekMode::Keyframe));
        world.run_for(seconds(5));
        let done = completed(&world);
        assert_eq!(done[0], (1801.23, 0), "{protocol:?}");
        // Key frames come every two seconds; the first of the segment may be on screen before the next one is here.
        assert!(done[1].0 == 2403.5 && [-1_500_000_000, -3_500_000_000].contains(&done[1].1), "{done:?}");
        let stats = world.stats();
        assert!(stats.seeks.iter().all(|seek| seek.latency.unwrap() < millis(1200)), "{:?}", stats.seeks);
        assert_eq!(stats.stalls, [], "a seek is not a stall");
        assert!(world.snapshot().position > MediaTime::from_secs_f64(2403.0));
        assert!(stats.played < seconds(16), "seeks are not played: {:?}", stats.played);
    }
}

#[test]
fn an_exact_seek_waits_for_the_picture_at_the_target_though_later_ones_are_here_already() {
    // Pictures come in pieces that end between a picture and those that are presented before it.
    for protocol in BOTH {
        let film = Film::new(protocol, MINUTE);
        for place in 30..48 {
            let target = (f64::from(place) + 0.9) / 24.0 + 1.0;
            let mut world = world(&film, Trace::constant(1_500, millis(30)), Vec::new());
            world.load();
            world.command(seek(target, SeekMode::Exact));
            world.run_for(seconds(10));
            let first = events(&world, |event| matches!(event, Event::FirstFrame { .. }));
            let Event::FirstFrame { pts, .. } = first[0].event else { panic!("a first frame") };
            let wanted = f64::from(place) / 24.0 + 1.0;
            assert!((pts.as_secs_f64() - wanted).abs() < 0.002, "{protocol:?} {target}: {pts:?}");
            assert!(matches!(completed(&world)[..], [(_, 0)]), "{protocol:?} {:?}", completed(&world));
        }
    }
}

#[test]
fn a_seek_into_the_buffer_fetches_nothing_again() {
    let film = Film::new(Protocol::Dash, MINUTE);
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(50));
    let before = world.stats();
    world.command(seek(45.0, SeekMode::Exact));
    world.run_for(millis(50));
    world.command(seek(55.0, SeekMode::Exact));
    world.run_for(millis(50));
    let after = world.stats();
    assert_eq!((after.requests, after.bytes_wasted), (before.requests, before.bytes_wasted));
    assert_eq!(completed(&world), [(45.0, 0), (55.0, 0)]);
    assert_eq!(world.run_until_end(MINUTE), Outcome::Ended);
}

#[test]
fn while_scrubbing_only_the_last_seek_counts() {
    let film = Film::new(Protocol::Hls, HOUR);
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(3));
    for step in 0..20_u32 {
        world.command(seek(300.0 + f64::from(step) * 60.0, SeekMode::Keyframe));
        world.run_for(millis(20));
    }
    world.run_for(seconds(3));
    assert_eq!(count(&world, |event| matches!(event, Event::Reply { error: None, .. })), 21, "the load and each seek");
    let started = count(&world, |event| matches!(event, Event::SeekStarted { .. }));
    assert_eq!(started, 3 + 4, "a few at once, then one each 100 ms of the 400");
    let done = completed(&world);
    assert_eq!(done.last(), Some(&(300.0 + 19.0 * 60.0, 0)));
    assert!(done.len() < started, "steps on the way have their picture if it comes in time: {done:?}");
    let stats = world.stats();
    assert_eq!(stats.seeks.len(), started, "a seek that was never begun is none");
    assert_eq!(stats.seeks.iter().filter(|seek| seek.latency.is_some()).count(), done.len());
    let begun = world.events().iter().filter_map(|entry| match entry.event {
        Event::SeekStarted { to } => Some(to),
        _ => None,
    });
    assert!(stats.seeks.iter().map(|seek| seek.to).eq(begun), "each has its own target: {:?}", stats.seeks);
    assert_eq!(world.snapshot().state, State::Ready);
}

#[test]
fn targets_are_clamped_and_steps_add_up() {
    let film = Film::new(Protocol::Dash, MINUTE);
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(2));
    world.command(seek(-5.0, SeekMode::Exact));
    world.run_for(seconds(1));
    world.command(seek(999.0, SeekMode::Exact));
    assert_eq!(world.run_until_end(seconds(10)), Outcome::Ended);
    world.command(seek(20.0, SeekMode::Exact));
    world.command(Command::SeekBy { millis: 5000, mode: SeekMode::Exact });
    world.command(Command::SeekBy { millis: -1000, mode: SeekMode::Exact });
    world.run_for(seconds(1));
    let targets: Vec<f64> = completed(&world).iter().map(|(to, _)| *to).collect();
    assert_eq!(targets, [0.0, 59.9, 24.0]);
    assert_eq!(events(&world, |event| matches!(event, Event::Ended)).len(), 1);
}

#[test]
fn a_seek_while_paused_shows_the_picture_and_stays_paused() {
    let film = Film::new(Protocol::Hls, MINUTE);
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(2));
    world.command(Command::Pause);
    world.command(seek(30.5, SeekMode::Exact));
    world.run_for(seconds(3));
    let snapshot = world.snapshot();
    assert_eq!((snapshot.state, snapshot.play_when_ready), (State::Ready, false));
    assert_eq!(snapshot.position, MediaTime::from_secs_f64(30.5));
    assert_eq!(completed(&world), [(30.5, 0)]);
}

#[test]
fn a_seek_before_the_manifest_is_where_playback_begins() {
    let film = Film::new(Protocol::Hls, MINUTE);
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.command(seek(30.0, SeekMode::Exact));
    world.run_for(seconds(2));
    assert_eq!(completed(&world), [(30.0, 0)]);
    assert!(world.snapshot().position > MediaTime::from_secs_f64(30.5));
}

#[test]
fn a_load_may_begin_anywhere() {
    let film = Film::new(Protocol::Hls, MINUTE);
    let mut world = world(&film, fast(), Vec::new());
    let mut request = world.request();
    request.start = Some(MediaTime::from_secs_f64(42.5));
    world.command(Command::Load(request));
    assert_eq!(world.run_until_end(MINUTE), Outcome::Ended);
    let played = world.stats().played;
    assert!(played.abs_diff(millis(17_500)) < millis(100), "{played:?}");
}

#[test]
fn a_key_frame_before_the_first_audio_segment_brings_the_segment_before_that() {
    for protocol in BOTH {
        let film = Film::new(protocol, MINUTE);
        // The key frame lies at the begin of a segment of video, the target in a segment of audio that begins later.
        let targets: Vec<u64> =
            (1..15).map(|place| film.span_of("a", place).0).filter(|begin| begin % 2 == 1).collect();
        assert_eq!(targets, [5, 17, 29, 41, 53]);
        for target in targets {
            let mut world = world(&film, fast(), Vec::new());
            world.load();
            world.run_for(millis(300));
            world.command(seek(target as f64 + 0.5, SeekMode::Keyframe));
            world.run_for(seconds(5));
            let snapshot = world.snapshot();
            assert_eq!(snapshot.state, State::Ready, "{protocol:?} {target}");
            // The first key frame of the segment may be on screen before a later one is here.
            let [(to, error)] = completed(&world)[..] else { panic!("one seek: {:?}", completed(&world)) };
            let key = to + error as f64 / 1e9;
            assert!(
                to == target as f64 + 0.5 && key < target as f64 && key % 2.0 == 0.0,
                "{protocol:?} {target}: {key}"
            );
            let begins = |at: f64| snapshot.buffered.iter().any(|range| range.start.as_secs_f64() <= at);
            assert!(begins(key), "audio is there from the key frame on: {:?}", snapshot.buffered);
            assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
        }
    }
}

#[test]
fn a_seek_is_announced_with_the_time_that_it_goes_to() {
    let mut world = world(&Film::new(Protocol::Dash, MINUTE), fast(), Vec::new());
    world.load();
    world.run_for(seconds(5));
    for to in [20_000, 600_000] {
        world.command(Command::Seek { to: MediaTime::from_millis(to), mode: SeekMode::Exact });
        world.run_for(seconds(1));
    }
    let announced = |event: &Event| match event {
        Event::SeekStarted { to } => Some(to.as_nanos() / 1_000_000),
        _ => None,
    };
    let announced: Vec<_> = world.events().iter().filter_map(|entry| announced(&entry.event)).collect();
    assert_eq!(announced[0], 20_000);
    assert!(announced[1] > 59_000 && announced[1] <= 60_000, "{announced:?}");
}

#[test]
fn a_step_counts_from_the_target_of_the_seek_that_is_under_way() {
    for protocol in BOTH {
        let film = Film::new(protocol, MINUTE * 2);
        let mut world = world(&film, fast(), Vec::new());
        world.load();
        world.run_for(seconds(10));
        world.hold_renderer();
        world.command(seek(30.5, SeekMode::Keyframe));
        world.run_for(seconds(5));
        let before = world.snapshot().position.as_secs_f64();
        assert!(before < 30.4, "the seek goes to the key frame before its target: {before}");
        world.command(Command::SeekBy { millis: 10_000, mode: SeekMode::Exact });
        world.run_for(seconds(1));
        let started = world.events().iter().rev().find_map(|entry| match entry.event {
            Event::SeekStarted { to } => Some(to.as_secs_f64()),
            _ => None,
        });
        assert!(started.is_some_and(|to| (to - 40.5).abs() < 1e-6), "{started:?}");
    }
}

#[test]
fn a_seek_beyond_an_end_that_becomes_known_later_completes_at_the_end() {
    for protocol in BOTH {
        let mut world = world(&Film::new(protocol, MINUTE), fast(), Vec::new());
        world.load();
        world.command(seek(600.0, SeekMode::Exact));
        assert_eq!(world.run_until_end(HOUR), Outcome::Ended);
        let completed = completed(&world);
        let [(to, error)] = completed[..] else { panic!("{completed:?}") };
        assert!(to > 59.0 && to <= 60.0 && error.abs() < 100_000_000, "{protocol:?}: {completed:?}");
    }
}
