//! Quality: what is chosen by hand shows soon and stays.

use player_core::model::Protocol;
use player_core::render::{FrameCounts, RenderEvent};
use player_core::sim::{Film, Outcome, World};
use player_core::{Command, MediaTime, PlayerConfig, QualityChoice};

use crate::support::{BOTH, MINUTE, fast, play, seconds, world};

/// Height of what is on screen.
fn shown(world: &World) -> u32 {
    let snapshot = world.snapshot();
    snapshot.qualities.iter().find(|quality| quality.shown).and_then(|quality| quality.height).unwrap()
}

fn id_of(world: &World, height: u32) -> String {
    let snapshot = world.snapshot();
    snapshot.qualities.iter().find(|quality| quality.height == Some(height)).map(|quality| quality.id.clone()).unwrap()
}

#[test]
fn a_quality_chosen_by_hand_shows_within_seconds_without_a_stall_and_stays() {
    for protocol in BOTH {
        let film = Film::new(protocol, MINUTE * 3);
        let mut world = world(&film, fast(), Vec::new());
        world.load();
        world.run_for(seconds(40));
        assert_eq!(shown(&world), 1080);
        world.command(Command::SelectQuality(QualityChoice::Representation(id_of(&world, 240))));
        world.run_for(seconds(12));
        assert_eq!(shown(&world), 240, "{protocol:?}");
        world.run_for(seconds(30));
        assert_eq!(shown(&world), 240);
        assert!(world.stats().bytes_wasted > 0, "what was dropped is counted");
        world.command(Command::SelectQuality(QualityChoice::Auto));
        assert_eq!(world.run_until_end(MINUTE * 5), Outcome::Ended);
        assert_eq!(shown(&world), 1080);
        assert_eq!(world.stats().stalls, []);
        assert_eq!(world.stats().frames.presented, 180 * 24);
    }
}

#[test]
fn heights_are_capped_by_choice_configuration_and_viewport() {
    let film = Film::new(Protocol::Dash, MINUTE);
    let highest = |config: PlayerConfig, command: Option<Command>| {
        let mut world = World::new(config, &film, &["edge"], fast(), Vec::new()).unwrap();
        world.load();
        world.run_for(seconds(1));
        if let Some(command) = command {
            world.command(command);
        }
        assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
        shown(&world)
    };
    assert_eq!(highest(PlayerConfig::default(), None), 1080);
    assert_eq!(highest(PlayerConfig { max_height: Some(480), ..PlayerConfig::default() }, None), 480);
    // 3 Mbit/s of pictures and 128 kbit/s of sound are more than this saver allows.
    assert_eq!(highest(PlayerConfig { max_bitrate_bps: Some(3_100_000), ..PlayerConfig::default() }, None), 480);
    assert_eq!(highest(PlayerConfig { max_bitrate_bps: Some(3_128_000), ..PlayerConfig::default() }, None), 720);
    let choice = Command::SelectQuality(QualityChoice::MaxHeight(360));
    assert_eq!(highest(PlayerConfig::default(), Some(choice)), 360);
    let viewport = Command::SetViewport { width: 1000, height: 500 };
    assert_eq!(highest(PlayerConfig::default(), Some(viewport)), 720);
}

#[test]
fn every_rule_by_name_plays_and_an_unknown_one_is_refused() {
    let film = Film::new(Protocol::Hls, MINUTE);
    for rule in ["default", "throughput", "lowest", "highest", "fixed:2"] {
        let config = PlayerConfig { abr_rule: rule.into(), ..PlayerConfig::default() };
        let mut world = World::new(config, &film, &["edge"], fast(), Vec::new()).unwrap();
        assert_eq!(play(&mut world), Outcome::Ended, "{rule}");
        match rule {
            "lowest" => assert_eq!(shown(&world), 240),
            "highest" => assert_eq!(shown(&world), 1080),
            "fixed:2" => assert_eq!(shown(&world), 480),
            _ => {}
        }
    }
    let config = PlayerConfig { abr_rule: "magic".into(), ..PlayerConfig::default() };
    let refused = World::new(config, &film, &["edge"], fast(), Vec::new()).err().unwrap();
    assert_eq!(refused.code, player_core::ErrorCode::InvalidArgument);
}

#[test]
fn switches_are_told_when_they_are_on_screen() {
    let film = Film::new(Protocol::Dash, MINUTE);
    let mut world = world(&film, fast(), Vec::new());
    play(&mut world);
    let stats = world.stats();
    assert!(!stats.switches.is_empty());
    let mut last = MediaTime::ZERO;
    let mut before = "240p".to_owned();
    for switch in &stats.switches {
        assert_eq!(switch.from, before);
        // A segment begins with the pictures before its key frame, which are decoded after that.
        let mut begins = (0..15).map(|place| MediaTime::from_millis(film.span_of("v", place).0 as i64 * 1000));
        assert!(begins.any(|begin| (0..100_000_000).contains(&begin.nanos_from(switch.at))), "{switch:?}");
        assert!(switch.at > last);
        (last, before) = (switch.at, switch.to.clone());
    }
}

#[test]
fn a_quality_that_cannot_be_shown_in_time_is_left_for_a_while() {
    let film = Film::new(Protocol::Dash, MINUTE * 10);
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(40));
    assert_eq!(shown(&world), 1080);
    let second = |world: &mut World, dropped: u64| {
        world.run_for(seconds(1));
        let counts = world.stats().frames;
        world.report(RenderEvent::Frames(FrameCounts { dropped, ..counts }));
        world.report(RenderEvent::Frames(FrameCounts { dropped: 0, ..counts }));
    };
    // A few late pictures, as after any hiccup, change nothing.
    (0..20).for_each(|_| second(&mut world, 1));
    assert_eq!(shown(&world), 1080);
    (0..12).for_each(|_| second(&mut world, 12));
    // What is here already is shown to its end.
    world.run_for(seconds(36));
    assert_eq!(shown(&world), 720, "the next lower one is fetched");
    world.run_for(seconds(100));
    assert_eq!(shown(&world), 1080, "it is tried again");
    assert_eq!(world.stats().stalls, []);
}

#[test]
fn pictures_that_are_dropped_at_a_higher_rate_say_nothing_of_the_quality() {
    let film = Film::new(Protocol::Dash, MINUTE * 10);
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(40));
    assert_eq!(shown(&world), 1080);
    world.command(Command::SetRate(2.0));
    for _ in 0..30 {
        world.run_for(seconds(1));
        let counts = world.stats().frames;
        world.report(RenderEvent::Frames(FrameCounts { dropped: 24, ..counts }));
        world.report(RenderEvent::Frames(FrameCounts { dropped: 0, ..counts }));
    }
    world.run_for(seconds(40));
    assert_eq!(shown(&world), 1080);
}
