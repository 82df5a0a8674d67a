//! Live DASH whose segments follow from the clock, while the encoder makes none.

use player_core::ErrorCode;
use player_core::model::Protocol;
use player_core::sim::Outcome;
use player_core::sim::live::{LiveFilm, Resumption};

use super::*;

/// Services by number, with audio apart and in the files of the video.
fn films() -> [LiveFilm; 3] {
    let muxed = LiveFilm { voices: Vec::new(), muxed: Some(128_000), ..plain(Protocol::Dash) };
    [plain(Protocol::Dash), muxed, low_latency(Protocol::Dash)]
}

#[test]
fn a_silent_encoder_is_waited_for() {
    for way in [Resumption::Discontinuity, Resumption::Skipped] {
        for film in films() {
            let mut film = film;
            film.troubles.silences.push((seconds(20), seconds(34), way));
            let mut world = start(&film);
            go_on(&mut world, seconds(75));
            assert_plays(&mut world);
            assert_latency(&world, 1000, 9000);
            let stalled: Duration = world.stats().stalls.iter().map(|stall| stall.duration).sum();
            assert!(stalled < seconds(18), "{way:?}: {:?}", world.stats().stalls);
        }
    }
}

#[test]
fn an_encoder_that_stays_silent_ends_playback() {
    for film in films() {
        let mut film = film;
        film.troubles.silences.push((seconds(20), seconds(500), Resumption::Discontinuity));
        let mut world = start(&film);
        let Outcome::Failed(error) = world.run_until_end(seconds(120)) else { panic!("{}", last_events(&world)) };
        assert_eq!(error.code, ErrorCode::LiveStopped, "{error}");
        let after = at(world.now());
        assert!(after > seconds(38) && after < seconds(70), "it was waited for until {after:?}");
    }
}
