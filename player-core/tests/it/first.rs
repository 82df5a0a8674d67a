//! The first video frame and the first audio are different events, and either ends start-up.

use player_core::model::{MediaKind, Protocol};
use player_core::render::{RenderCommand, RenderEvent};
use player_core::sim::{Film, Missing, Outcome, World};
use player_core::{Command, ErrorCode, Event, MediaTime, PlayerError, SeekMode, State};

use crate::support::{BOTH, MINUTE, count, events, fast, seconds, world};

fn frames(world: &World) -> usize {
    count(world, |event| matches!(event, Event::FirstFrame { .. }))
}

fn sounds(world: &World) -> usize {
    count(world, |event| matches!(event, Event::FirstAudio { .. }))
}

fn seek() -> Command {
    Command::Seek { to: MediaTime::from_millis(40_000), mode: SeekMode::Exact }
}

#[test]
fn with_video_each_load_and_each_seek_has_a_first_frame_and_no_first_audio() {
    for protocol in BOTH {
        let mut world = world(&Film::new(protocol, MINUTE), fast(), Vec::new());
        world.load();
        world.run_for(seconds(5));
        assert_eq!((frames(&world), sounds(&world)), (1, 0));
        world.command(seek());
        world.run_for(seconds(5));
        assert_eq!((frames(&world), sounds(&world)), (2, 0));
        let phases = world.stats().startup_phases;
        assert!(phases.contains_key("first_frame") && !phases.contains_key("first_audio"), "{phases:?}");
    }
}

#[test]
fn audio_without_a_decoder_for_the_video_is_no_frame_and_ends_start_up() {
    let mut world = world(&Film::new(Protocol::Hls, MINUTE), fast(), Vec::new());
    world.hold_renderer();
    world.load();
    world.run_for(seconds(1));
    let error = PlayerError::fatal(ErrorCode::DecoderUnavailable, "no decoder");
    world.report(RenderEvent::TrackFailed { track: MediaKind::Video, error });
    assert_eq!(world.stats().startup, None);
    world.release_renderer();
    world.run_for(seconds(2));
    assert_eq!((frames(&world), sounds(&world)), (0, 1));
    let stats = world.stats();
    assert_eq!(stats.startup, stats.startup_phases.get("first_audio").copied());
    assert!(stats.startup.is_some() && !stats.startup_phases.contains_key("first_frame"), "{stats:?}");
    world.command(seek());
    world.run_for(seconds(2));
    assert_eq!((frames(&world), sounds(&world)), (0, 2));
    assert_eq!(count(&world, |event| matches!(event, Event::SeekCompleted { .. })), 1);
    assert_eq!(world.run_until_end(MINUTE), Outcome::Ended);
}

#[test]
fn video_that_begins_after_the_audio_has_its_first_frame_when_it_comes() {
    for protocol in BOTH {
        let mut film = Film::new(protocol, MINUTE);
        film.ladder.truncate(1);
        film.periods = 15;
        film.missing = vec![Missing { pictures: true, from: seconds(0), until: seconds(8) }];
        let mut world = world(&film, fast(), Vec::new());
        world.load();
        world.run_for(seconds(5));
        assert_eq!((frames(&world), sounds(&world)), (0, 1), "{protocol:?}");
        assert!(world.stats().startup.is_some_and(|startup| startup < seconds(1)));
        assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
        assert_eq!((frames(&world), sounds(&world)), (1, 1), "{protocol:?}");
        let first = events(&world, |event| matches!(event, Event::FirstFrame { .. }));
        // Without video to go by, an HLS timeline begins with its first audio, two frames late here.
        let late = MediaTime::from_millis(8_000).nanos_from(match first[0].event {
            Event::FirstFrame { pts, .. } => pts,
            _ => MediaTime::ZERO,
        });
        assert!(late == 0 || protocol == Protocol::Hls && (42_000_000..43_000_000).contains(&late), "{late}");
        assert!(world.stats().startup_phases["first_frame"] > seconds(7));
    }
}

#[test]
fn a_first_picture_after_the_end_is_neither_announced_nor_counted() {
    let mut world = world(&Film::new(Protocol::Hls, seconds(8)), fast(), Vec::new());
    world.hold_renderer();
    world.load();
    world.run_for(seconds(9));
    let flushed = world.held_commands().iter().find_map(|command| match command {
        RenderCommand::Flush { epoch, .. } => Some(*epoch),
        _ => None,
    });
    let epoch = flushed.unwrap();
    world.report(RenderEvent::Flushed { epoch });
    world.report(RenderEvent::Ended { epoch });
    assert_eq!(world.snapshot().state, State::Ended);
    world.report(RenderEvent::FirstFrame { epoch, pts: MediaTime::ZERO });
    world.report(RenderEvent::FirstAudio { epoch, pts: MediaTime::ZERO });
    let stats = world.stats();
    assert_eq!((frames(&world), sounds(&world), stats.startup), (0, 0, None));
    let phases = ["first_frame", "first_audio"].map(|phase| stats.startup_phases.contains_key(phase));
    assert_eq!(phases, [false, false]);
}
