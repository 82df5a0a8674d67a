//! A network that is too slow: playback waits, reports it, and counts it right.

use abr::link::{Row, Trace};
use player_core::model::Protocol;
use player_core::sim::{Film, Outcome, World};
use player_core::snapshot::BufferingReason;
use player_core::{Command, ErrorCode, Event, PlayerConfig, QualityChoice, State, TrackChoice};

use crate::support::{HOUR, MINUTE, assert_played, count, fast, millis, play, seconds, two_hosts, world};

/// A link of rows in seconds, kilobits a second and milliseconds.
fn link(rows: &[(u64, u64, u64)]) -> Trace {
    let row = |&(duration, kbps, ms): &(u64, u64, u64)| Row {
        duration: seconds(duration),
        bandwidth_bps: kbps * 1000,
        latency: millis(ms),
    };
    Trace::from_rows(rows.iter().map(row).collect()).unwrap()
}

/// Fast, then nothing for `outage` seconds, then fast for an hour.
fn outage(after: u64, outage: u64) -> Trace {
    link(&[(after, 20_000, 30), (outage, 0, 30), (3600, 20_000, 30)])
}

#[test]
fn an_outage_longer_than_the_buffer_is_one_stall_of_the_right_length() {
    let film = Film::new(Protocol::Dash, MINUTE * 3);
    let mut world = world(&film, outage(10, 45), Vec::new());
    assert_eq!(play(&mut world), Outcome::Ended);
    let stats = world.stats();
    assert_eq!(stats.stalls.len(), 1, "{:?} {:#?}", stats.stalls, world.events());
    let stall = &stats.stalls[0];
    // The stall runs from the end of the buffer to shortly after the link returns at 55 s.
    let stalled_at = stall.at.as_secs_f64();
    assert!((20.0..=48.0).contains(&stalled_at), "{stall:?}");
    let expected = 55.0 - (stalled_at + stats.startup.unwrap().as_secs_f64());
    let excess = stall.duration.as_secs_f64() - expected;
    assert!((0.0..3.0).contains(&excess), "{stall:?}, expected about {expected}");
    assert_eq!(stall.reason, "network_too_slow");
    assert_eq!(count(&world, |event| matches!(event, Event::StallStarted { .. })), 1);
    assert_eq!(count(&world, |event| matches!(event, Event::StallEnded { .. })), 1);
    assert_played(&world, MINUTE * 3);
    assert!(stats.buffer_min.unwrap() < millis(200), "{:?}", stats.buffer_min);
}

/// The link falls silent in every attempt at a large segment: what each of them leaves is more than a moment of media
/// and too little to go on with.
#[test]
fn a_segment_that_never_comes_whole_is_given_up_in_time() {
    let film = Film::new(Protocol::Hls, MINUTE);
    let mut world = two_hosts(&film, link(&[(11, 4, 0), (5, 3_000, 50)]), Vec::new());
    world.load();
    world.at(millis(2025), Command::SelectQuality(QualityChoice::Representation("v4".into())));
    let Outcome::Failed(error) = world.run_until_end(HOUR) else { panic!("{:?}", world.snapshot().state) };
    assert_eq!(error.code, ErrorCode::NetworkTimeout);
    let stats = world.stats();
    assert_eq!(stats.stalls.len(), 1, "{:?}", stats.stalls);
    // The deadline, and the attempt that was on its way when it passed.
    let longest = PlayerConfig::default().retry_deadline + seconds(16);
    assert!(stats.stalls[0].duration <= longest, "{:?}", stats.stalls);
}

#[test]
fn playback_stops_eighty_milliseconds_before_what_is_held_ends_whatever_the_rate() {
    for (rate, guard) in [(1.0, 80), (2.0, 160)] {
        let film = Film::new(Protocol::Dash, MINUTE * 3);
        let mut world = world(&film, outage(10, 45), Vec::new());
        world.command(Command::SetRate(rate));
        world.load();
        world.run_for(seconds(50));
        let snapshot = world.snapshot();
        assert_eq!(snapshot.state, State::Buffering(BufferingReason::NetworkTooSlow), "{rate}");
        let held = snapshot.buffered.iter().last().unwrap().end.since(snapshot.position);
        assert!(held.abs_diff(millis(guard)) <= millis(2), "{rate}: {held:?}");
        assert_eq!(world.stats().stalls[0].at, snapshot.position);
    }
}

#[test]
fn while_it_waits_the_state_says_why() {
    let film = Film::new(Protocol::Hls, MINUTE * 3);
    let mut world = world(&film, outage(10, 45), Vec::new());
    world.load();
    world.run_for(seconds(50));
    assert_eq!(world.snapshot().state, State::Buffering(BufferingReason::NetworkTooSlow));
    assert_eq!(world.snapshot().clock_rate, 0.0);
    assert!(world.stats().stalls[0].duration > seconds(5), "a running stall counts so far");
}

#[test]
fn a_slow_link_brings_the_quality_down_and_not_to_a_stop() {
    let film = Film::plain(Protocol::Dash, MINUTE * 5);
    let trace = link(&[(60, 10_000, 40), (3600, 1_200, 40)]);
    let mut world = world(&film, trace, Vec::new());
    assert_eq!(play(&mut world), Outcome::Ended);
    let stats = world.stats();
    // Near the end what was saved is spent, so the last switch proves nothing.
    let settled = stats.switches.iter().rfind(|switch| switch.at.as_secs_f64() < 240.0).unwrap();
    assert!(["240p", "360p"].contains(&settled.to.as_str()), "{:?}", stats.switches);
    assert!(stats.switches.iter().any(|switch| ["720p", "1080p"].contains(&switch.to.as_str())));
    let stalled: f64 = stats.stalls.iter().map(|stall| stall.duration.as_secs_f64()).sum();
    assert!(stalled < 3.0, "{:?}", stats.stalls);
    assert!(stats.bitrate_shown.unwrap() < 4_000_000.0);
    assert_played(&world, MINUTE * 5);
}

#[test]
fn a_faster_rate_starts_with_more_media() {
    // A threshold of 1 s is 1 s of media at normal speed, and 3 s at three times that.
    let config = PlayerConfig { start_threshold: seconds(1), ..PlayerConfig::default() };
    let startup = |rate| {
        let film = Film::plain(Protocol::Dash, MINUTE).voices(&[]);
        let link = Trace::constant(1_000, millis(30));
        let mut world = World::new(config.clone(), &film, &["edge"], link, Vec::new()).unwrap();
        world.command(Command::SetRate(rate));
        world.load();
        assert_eq!(world.run_until(MINUTE, |world| world.snapshot().state == State::Ready), Outcome::Reached);
        (world.stats().buffer_now, world.now())
    };
    let (normal, slow, fast) = (startup(1.0), startup(0.5), startup(3.0));
    assert_eq!(normal, slow, "slower playback needs no less");
    assert!(normal.0 >= seconds(1) && normal.0 < seconds(3), "{normal:?}");
    assert!(fast.0 >= seconds(3) && fast.1 > normal.1, "{fast:?}");
}

#[test]
fn a_pause_during_a_stall_is_not_counted_as_stalled() {
    let film = Film::new(Protocol::Dash, MINUTE * 3);
    let mut world = world(&film, outage(10, 45), Vec::new());
    world.load();
    world.run_for(seconds(50));
    let before = world.stats().stalls[0].duration;
    world.command(Command::Pause);
    world.run_for(seconds(20));
    assert_eq!(world.stats().stalls[0].duration, before);
    world.command(Command::Play);
    assert_eq!(world.run_until_end(MINUTE * 10), Outcome::Ended);
}

#[test]
fn the_buffer_stays_within_its_goal_and_its_bytes() {
    let film = Film::new(Protocol::Dash, MINUTE * 5);
    let world = |buffer_bytes| {
        let config = PlayerConfig { buffer_bytes, ..PlayerConfig::default() };
        World::new(config, &film, &["edge"], fast(), Vec::new()).unwrap()
    };
    let (mut small, mut large) = (world(6 << 20), world(64 << 20));
    small.load();
    large.load();
    // At 6 Mbit/s six mebibytes are eight seconds; a segment may be begun just before the budget is reached.
    for (world, most) in [(&mut small, seconds(17)), (&mut large, seconds(35))] {
        let outcome = world.run_until(seconds(200), |world| world.stats().buffer_now >= most);
        assert_eq!(outcome, Outcome::TimeUp, "{:?}", world.stats().buffer_now);
    }
    assert!(large.stats().buffer_now > seconds(25));
    assert_eq!(small.stats().stalls, []);
}

#[test]
fn what_was_played_makes_room_where_the_bytes_are_short() {
    let film = Film::new(Protocol::Dash, MINUTE * 3);
    for (buffer_bytes, least, most) in [(6 << 20, 0, 12), (u64::MAX, 25, 40)] {
        let config = PlayerConfig { buffer_bytes, back_buffer: seconds(30), ..PlayerConfig::default() };
        let mut world = World::new(config, &film, &["edge"], fast(), Vec::new()).unwrap();
        world.load();
        world.run_for(seconds(100));
        let snapshot = world.snapshot();
        let behind = snapshot.position.since(snapshot.buffered.iter().next().unwrap().start);
        assert!((seconds(least)..=seconds(most)).contains(&behind), "{buffer_bytes}: {behind:?}");
    }
}

/// Sound that is turned off while a segment of it is on its way: what had come of that segment is wasted once.
#[test]
fn what_had_come_of_a_cancelled_segment_is_wasted_once() {
    let film = Film::new(Protocol::Dash, MINUTE).voices(&["en", "de"]);
    let mut world = two_hosts(&film, link(&[(16, 56, 0), (5, 3_000, 50)]), Vec::new());
    world.load();
    world.run_for(millis(4975));
    world.command(Command::SelectAudio(TrackChoice::Off));
    world.command(Command::Stop);
    world.run_for(seconds(1));
    let stats = world.stats();
    assert!(stats.bytes_wasted <= stats.bytes_media, "{} of {}", stats.bytes_wasted, stats.bytes_media);
    assert!(stats.bytes_wasted > 0, "nothing was seen or heard");
}

#[test]
fn a_stall_ends_with_what_was_loaded() {
    for reloads in [false, true] {
        let film = Film::new(Protocol::Hls, MINUTE * 3);
        let mut world = world(&film, outage(10, 45), Vec::new());
        world.load();
        world.run_for(seconds(50));
        assert_eq!(world.snapshot().state, State::Buffering(BufferingReason::NetworkTooSlow));
        let stalled = world.stats().stalls[0].duration;
        if reloads {
            world.load();
        } else {
            world.command(Command::Stop);
        }
        let ended = |event: &Event| matches!(event, Event::StallEnded { duration, .. } if *duration == stalled);
        assert_eq!(count(&world, ended), 1, "{:?}", world.events());
        world.run_for(seconds(2));
        let spans: Vec<_> = world.stats().stalls.iter().map(|stall| stall.duration).collect();
        assert_eq!(spans, if reloads { vec![] } else { vec![stalled] }, "what has ended grows no more");
    }
}
