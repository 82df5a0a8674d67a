//! Sessions of the engine with virtual live services: each plays in time, and the truth about its latency is known.

use abr::link::Trace;

use super::super::super::{Outcome, World};
use super::*;
use crate::config::PlayerConfig;
use crate::model::Protocol;

fn world(film: &LiveFilm) -> World {
    let trace = Trace::constant(30_000, ms(20));
    let mut world = World::live(PlayerConfig::default(), film, &["h"], trace, Vec::new()).unwrap();
    world.load();
    world
}

/// Plays for a time, in which the session must go on without a stall and know its latency. Returns the least and the
/// greatest true latency of its second half in milliseconds.
fn play(film: &LiveFilm, seconds: u64) -> (u128, u128) {
    let mut world = world(film);
    let mut latencies = Vec::new();
    for second in 0..seconds {
        let outcome = world.run_until_end(SECOND);
        assert_eq!(outcome, Outcome::TimeUp, "at {second} s: {}", world.event_lines());
        if second > seconds / 2 {
            let (truth, shown) = (world.live_latency().unwrap(), world.snapshot().live.unwrap().latency_nanos);
            let error = shown.abs_diff(truth.as_nanos() as i64);
            // The first picture of a discontinuity is placed where its playlist has it, whatever its encoder held back.
            assert!(error < 100_000_000, "{truth:?}, not {shown} ns");
            latencies.push(truth.as_millis());
        }
    }
    let stats = world.stats();
    assert_eq!(stats.stalls, [], "{}", world.event_lines());
    assert!(stats.played + 2 * SECOND > Duration::from_secs(seconds), "played for {:?}", stats.played);
    (*latencies.iter().min().unwrap(), *latencies.iter().max().unwrap())
}

#[test]
fn ordinary_services_are_played_three_segments_behind() {
    let mut timeline = LiveFilm::new(Protocol::Dash);
    timeline.dash.addressing = MpdAddressing::Time;
    let films = [
        LiveFilm::new(Protocol::Hls),
        LiveFilm { audio_shift: ms(150), ..LiveFilm::new(Protocol::Hls) },
        LiveFilm::new(Protocol::Hls).in_ts(),
        LiveFilm::new(Protocol::Dash),
        timeline,
        LiveFilm::new(Protocol::Dash).with_bytes(),
    ];
    for film in films {
        let (least, most) = play(&film, 30);
        assert!(least > 5500 && most < 7000, "{least} to {most} ms: {film:?}");
    }
}

#[test]
fn low_latency_is_low() {
    let ranges = || {
        let mut film = LiveFilm::new(Protocol::Hls).low_latency(ms(500));
        film.hls.parts = PartFiles::Ranges;
        film
    };
    let low = |protocol| LiveFilm::new(protocol).low_latency(ms(500));
    for film in [
        low(Protocol::Hls),
        ranges(),
        low(Protocol::Hls).muxed_audio(),
        low(Protocol::Dash),
        low(Protocol::Dash).with_bytes(),
    ] {
        let (least, most) = play(&film, 30);
        assert!(least > 1000 && most < 2500, "{least} to {most} ms: {film:?}");
    }
}
