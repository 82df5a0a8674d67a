//! Every command is answered exactly once, and refused when it makes no sense.

use std::collections::BTreeMap;

use player_core::engine::io::Output;
use player_core::model::{Protocol, TrackId};
use player_core::render::RenderCommand;
use player_core::sim::{Effect, Fault, Film, World};
use player_core::{
    Command, CommandId, ErrorCode, Event, LoadRequest, MediaTime, QualityChoice, SeekMode, State, TrackChoice,
};

use crate::support::{MINUTE, fast, play, seconds, world};

fn reply(world: &World, id: CommandId) -> Option<ErrorCode> {
    let mut replies = world.events().iter().filter_map(|entry| match &entry.event {
        Event::Reply { id: of, error } if *of == id => Some(error.as_ref().map(|error| error.code)),
        _ => None,
    });
    let first = replies.next().unwrap();
    assert_eq!(replies.next(), None, "one reply for each command");
    first
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let film = Film::new(Protocol::Dash, MINUTE);
    let mut world = world(&film, fast(), Vec::new());
    let seek = Command::Seek { to: MediaTime::ZERO, mode: SeekMode::Exact };
    let idle = [
        (Command::Play, Some(ErrorCode::InvalidState)),
        (Command::Pause, Some(ErrorCode::InvalidState)),
        (seek, Some(ErrorCode::InvalidState)),
        (Command::SelectAudio(TrackChoice::Auto), Some(ErrorCode::InvalidState)),
        (Command::SetVolume(0.5), None),
        (Command::SetMuted(true), None),
        (Command::SetRate(1.5), None),
        (Command::Stop, None),
        (Command::Load(LoadRequest { locations: Vec::new(), ..world.request() }), Some(ErrorCode::InvalidArgument)),
    ];
    for (command, expected) in idle {
        let id = world.command(command.clone());
        assert_eq!(reply(&world, id), expected, "{command:?}");
    }
    assert_eq!(world.snapshot().state, State::Idle);
    world.load();
    world.run_for(seconds(3));
    let wrong = [
        Command::SetRate(0.1),
        Command::SetRate(f64::NAN),
        Command::SetRate(5.0),
        Command::SetRate(-1.0),
        Command::SetRate(f64::NEG_INFINITY),
        Command::SetVolume(1.5),
        Command::SetVolume(f64::NAN),
        Command::SetViewport { width: 0, height: 9 },
        Command::SetBufferGoal(std::time::Duration::ZERO),
        Command::SetMaxBitrate(Some(0)),
        Command::SelectAudio(TrackChoice::Track(TrackId("nobody".into()))),
        Command::SelectText(TrackChoice::Track(TrackId("nobody".into()))),
        Command::SelectQuality(QualityChoice::Representation("8k".into())),
    ];
    for command in wrong {
        let id = world.command(command.clone());
        assert_eq!(reply(&world, id), Some(ErrorCode::InvalidArgument), "{command:?}");
    }
    let snapshot = world.snapshot();
    assert_eq!((snapshot.rate, snapshot.volume, snapshot.muted), (1.5, 0.5, true));
}

#[test]
fn replies_come_before_the_consequences() {
    let film = Film::new(Protocol::Dash, MINUTE);
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(3));
    let before = world.events().len();
    let id = world.command(Command::Seek { to: MediaTime::from_millis(9000), mode: SeekMode::Exact });
    assert_eq!(world.events()[before].event, Event::Reply { id, error: None });
    assert!(matches!(world.events()[before + 1].event, Event::SeekStarted { .. }));
}

#[test]
fn pause_holds_the_picture_and_play_goes_on() {
    let film = Film::new(Protocol::Hls, MINUTE);
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(5));
    world.command(Command::Pause);
    let held = world.snapshot().position;
    world.run_for(seconds(100));
    assert!(world.snapshot().position.since(held) < std::time::Duration::from_millis(1));
    assert_eq!(world.stats().stalls, []);
    world.command(Command::Play);
    world.run_for(seconds(5));
    assert!(world.snapshot().position.since(held) > seconds(4));
}

#[test]
fn stop_ends_it_and_another_load_begins_afresh() {
    let film = Film::new(Protocol::Hls, MINUTE);
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(5));
    world.command(Command::Stop);
    assert_eq!(world.snapshot().state, State::Idle);
    assert_eq!(world.events().last().unwrap().event, Event::Stopped);
    assert!(!world.run_for(seconds(5)), "nothing goes on after a stop");
    assert_eq!(play(&mut world), player_core::sim::Outcome::Ended);
    assert_eq!(world.stats().frames.dropped, 0);
}

#[test]
fn after_a_failure_only_a_load_helps() {
    let film = Film::new(Protocol::Hls, MINUTE);
    let mut world = world(&film, fast(), vec![Fault::new("master", Effect::Status(404)).times(1)]);
    play(&mut world);
    assert_eq!(world.snapshot().state, State::Failed);
    let id = world.command(Command::Play);
    assert_eq!(reply(&world, id), Some(ErrorCode::InvalidState));
    assert_eq!(play(&mut world), player_core::sim::Outcome::Ended);
    assert_eq!(world.snapshot().error, None);
    let mut replies: BTreeMap<u64, u32> = BTreeMap::new();
    for entry in world.events() {
        if let Event::Reply { id, .. } = entry.event {
            *replies.entry(id.0).or_default() += 1;
        }
    }
    assert!(replies.values().all(|count| *count == 1) && replies.len() == 3, "{replies:?}");
}

#[test]
fn loaded_paused_it_shows_the_first_picture_and_waits() {
    let film = Film::new(Protocol::Dash, MINUTE);
    let mut world = world(&film, fast(), Vec::new());
    let request = LoadRequest { play_when_ready: false, ..world.request() };
    world.command(Command::Load(request));
    world.run_for(seconds(10));
    let snapshot = world.snapshot();
    assert_eq!((snapshot.state, snapshot.position), (State::Ready, MediaTime::ZERO));
    assert!(world.stats().startup.is_some());
    world.command(Command::Play);
    world.run_for(seconds(2));
    assert!(world.snapshot().position > MediaTime::from_millis(1500));
}

#[test]
fn volume_and_silence_reach_the_renderer_together() {
    let mut world = world(&Film::new(Protocol::Dash, MINUTE), fast(), Vec::new());
    world.record();
    for command in
        [Command::SetVolume(0.5), Command::SetMuted(true), Command::SetVolume(0.25), Command::SetMuted(false)]
    {
        world.command(command);
    }
    let sent = |output: &Output| match output {
        Output::Render(RenderCommand::SetVolume { volume, muted }) => Some((*volume, *muted)),
        _ => None,
    };
    let sent: Vec<(f64, bool)> = world.recorded().unwrap_or_default().1.iter().filter_map(sent).collect();
    assert_eq!(sent, [(0.5, false), (0.5, true), (0.25, true), (0.25, false)]);
}
