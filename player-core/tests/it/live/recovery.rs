//! Playback goes on by itself: after silences, restarts, pauses, sleep and networks that are away.

use player_core::config::BehindLive;
use player_core::engine::io::FetchKind;
use player_core::sim::{Effect, Fault, Outcome};
use player_core::{Command, ErrorCode, PlayerConfig};

use super::*;
use crate::support::BOTH;

#[test]
fn playback_behind_the_window_goes_by_the_policy() {
    for protocol in BOTH {
        let run = |behind| {
            let mut config = PlayerConfig::default();
            config.live.behind = behind;
            let mut world = start_with(&plain(protocol), config, fast());
            play_on(&mut world, seconds(10));
            world.command(Command::Pause);
            go_on(&mut world, seconds(600));
            world.command(Command::Play);
            world
        };
        let mut world = run(BehindLive::WindowStart);
        go_on(&mut world, seconds(4));
        assert_plays(&mut world);
        assert_latency(&world, 40_000, 70_000);
        let mut world = run(BehindLive::Error);
        let Outcome::Failed(error) = world.run_until_end(seconds(30)) else { panic!("{}", last_events(&world)) };
        assert_eq!(error.code, ErrorCode::BehindLiveWindow);
        let mut world = run(BehindLive::LiveEdge);
        go_on(&mut world, seconds(4));
        assert_plays(&mut world);
        assert_latency(&world, 3000, 8000);
    }
}

#[test]
fn a_short_outage_raises_the_latency_and_it_comes_back() {
    for protocol in BOTH {
        let film = low_latency(protocol);
        let away = Fault::new("", Effect::Silence).of(FetchKind::Segment).from(seconds(20)).until(seconds(22));
        let mut world = World::live(PlayerConfig::default(), &film, &["edge"], fast(), vec![away]).unwrap();
        world.load();
        go_on(&mut world, seconds(180));
        assert_plays(&mut world);
        assert_latency(&world, 1000, 2200);
    }
}
