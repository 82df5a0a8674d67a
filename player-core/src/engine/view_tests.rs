//! Tests of which changes are news for a host, and of how seldom undisturbed playback is.
#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::command::{Command, CommandId, QualityChoice, SeekMode, TrackChoice};
use crate::config::PlayerConfig;
use crate::engine::Engine;
use crate::engine::io::Input;
use crate::model::Protocol;
use crate::sim::{Film, Outcome, World};
use crate::snapshot::State;
use crate::time::{MediaTime, Now};
use abr::link::Trace;
use std::time::Duration;

fn playing() -> World {
    let film = Film::new(Protocol::Hls, Duration::from_secs(600)).voices(&["en", "de"]);
    let trace = Trace::constant(20_000, Duration::from_millis(30));
    let mut world = World::new(PlayerConfig::default(), &film, &["edge"], trace, Vec::new()).unwrap();
    world.load();
    world.run_for(Duration::from_secs(120));
    assert_eq!(world.snapshot().state, State::Ready);
    world
}

#[test]
fn undisturbed_play_is_hardly_ever_news_and_hosts_know_the_position() {
    let mut world = playing();
    let (mut known, mut version) = (world.snapshot(), world.snapshot_version());
    let begun = version;
    let mut steps = 0_u64;
    let end = world.now() + Duration::from_secs(60);
    let outcome = world.run_until(Duration::from_secs(600), |world| {
        steps += 1;
        if world.snapshot_version() == version {
            let expected = known.position_at(world.now());
            let found = world.snapshot().position;
            assert!(
                expected.since(found).max(found.since(expected)) <= Duration::from_millis(21),
                "{expected:?} {found:?}"
            );
        } else {
            (known, version) = (world.snapshot(), world.snapshot_version());
        }
        world.now() >= end
    });
    assert_eq!(outcome, Outcome::Reached);
    assert!(steps > 600, "{steps} inputs");
    assert!(version - begun <= 10, "{} pieces of news in a minute", version - begun);
}

#[test]
fn each_change_that_a_host_draws_is_news_once() {
    let mut world = playing();
    let track = |kind| world.snapshot().tracks.iter().rfind(|track| track.kind == kind).map(|track| track.id.clone());
    let audio = track(crate::model::MediaKind::Audio).unwrap();
    let quality = world.snapshot().qualities[0].id.clone();
    let commands = [
        Command::SetVolume(0.25),
        Command::SetMuted(true),
        Command::SetRate(1.25),
        Command::Pause,
        Command::Play,
        Command::SelectAudio(TrackChoice::Track(audio)),
        Command::SelectQuality(QualityChoice::Representation(quality)),
        Command::Seek { to: MediaTime::from_millis(300_000), mode: SeekMode::Exact },
        Command::Stop,
    ];
    for command in commands {
        let before = world.snapshot_version();
        world.command(command.clone());
        assert_eq!(world.snapshot_version(), before + 1, "{command:?}");
        world.run_for(Duration::from_secs(5));
    }
}

#[test]
fn a_command_without_an_effect_is_no_news() {
    let mut engine = Engine::new(PlayerConfig::default()).unwrap();
    let mut versions = Vec::new();
    for (id, volume) in [(1, 0.5), (2, 0.5), (3, 0.75)] {
        engine.handle_input(Now::ZERO, Input::Command { id: CommandId(id), command: Command::SetVolume(volume) });
        engine.advance(Now::from_nanos(id * 1_000_000_000));
        versions.push(engine.snapshot_version());
    }
    assert_eq!(versions, [1, 1, 2]);
}

/// A list that changes is replaced: the same address is the same list, whatever lies in it.
#[test]
fn each_list_that_is_replaced_is_news() {
    let known = || Lists {
        tracks: Arc::default(),
        qualities: Arc::default(),
        cues: Arc::default(),
        metadata: Arc::default(),
        thumbnails: Arc::default(),
    };
    let before = known();
    assert!(before == before.clone());
    let replaced = [
        Lists { tracks: Arc::default(), ..before.clone() },
        Lists { qualities: Arc::default(), ..before.clone() },
        Lists { cues: Arc::default(), ..before.clone() },
        Lists { metadata: Arc::default(), ..before.clone() },
        Lists { thumbnails: Arc::default(), ..before.clone() },
    ];
    assert_eq!(replaced.map(|lists| lists != before), [true; 5]);
}

#[test]
fn a_position_is_news_more_than_a_picture_before_or_after_where_a_host_expects_it() {
    for (to, is_news) in [(980, false), (979, true), (1020, false), (1021, true)] {
        let mut engine = Engine::new(PlayerConfig::default()).unwrap();
        let mut news = News::default();
        for position in [1000, to] {
            engine.context.playback.hold(MediaTime::from_millis(position), Now::ZERO);
            news.note(View { cx: &engine.context, item: None }, Now::ZERO);
        }
        assert_eq!(news.version(), 1 + u64::from(is_news), "{to}");
    }
}
