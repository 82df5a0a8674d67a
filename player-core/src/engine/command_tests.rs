//! Commands: what is refused, what takes effect at once, and what the renderer learns.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use super::*;
use crate::command::{LoadRequest, SeekMode};
use crate::config::PlayerConfig;
use crate::engine::Engine;
use crate::engine::io::{Input, Output};
use crate::engine::playback::Seeking;
use crate::snapshot::BufferingReason;
use crate::time::{MediaTime, Now};

fn engine() -> Engine {
    Engine::new(PlayerConfig::default()).unwrap()
}

/// Sends a command, and returns the outputs without its reply, or the code of the refusal.
fn send(engine: &mut Engine, command: Command) -> Result<Vec<Output>, ErrorCode> {
    engine.handle_input(Now::ZERO, Input::Command { id: CommandId(1), command });
    let mut outputs: Vec<_> = std::iter::from_fn(|| engine.poll_output()).collect();
    let reply = outputs.iter().position(|output| matches!(output, Output::Event(Event::Reply { .. }))).unwrap();
    match outputs.remove(reply) {
        Output::Event(Event::Reply { error: Some(error), .. }) => {
            assert_eq!((outputs, error.context.stage), (Vec::new(), Some(Stage::Command)), "it has no effect");
            Err(error.code)
        }
        _ => Ok(outputs),
    }
}

fn loaded() -> Engine {
    let mut engine = engine();
    send(&mut engine, Command::Load(LoadRequest::new("http://h/manifest.mpd".parse().unwrap()))).unwrap();
    engine
}

#[test]
fn a_value_out_of_its_range_is_refused_and_changes_nothing() {
    let mut engine = engine();
    let invalid = Err(ErrorCode::InvalidArgument);
    let refused = [
        Command::SetRate(0.2),
        Command::SetRate(4.1),
        Command::SetRate(-1.0),
        Command::SetRate(f64::NAN),
        Command::SetVolume(-0.1),
        Command::SetVolume(1.1),
        Command::SetVolume(f64::NAN),
        Command::SetViewport { width: 0, height: 5 },
        Command::SetViewport { width: 5, height: 0 },
        Command::SetBufferGoal(Duration::ZERO),
        Command::SetMaxBitrate(Some(0)),
        Command::Load(LoadRequest { locations: Vec::new(), ..LoadRequest::new("http://h".parse().unwrap()) }),
    ];
    for command in refused {
        assert_eq!(send(&mut engine, command.clone()), invalid, "{command:?}");
    }
    let (settings, config) = (engine.context.settings, &engine.context.config);
    assert_eq!((settings.rate, settings.volume, settings.viewport), (1.0, 1.0, None));
    assert_eq!(config.buffer_goal, PlayerConfig::default().buffer_goal);
    assert_eq!(config.max_bitrate_bps, None);
    for command in [
        Command::SetRate(0.25),
        Command::SetRate(4.0),
        Command::SetVolume(0.0),
        Command::SetVolume(1.0),
        Command::SetViewport { width: 1, height: 1 },
        Command::SetBufferGoal(Duration::from_nanos(1)),
        Command::SetMaxBitrate(Some(1)),
        Command::SetMaxBitrate(None),
    ] {
        assert!(send(&mut engine, command.clone()).is_ok(), "{command:?}");
    }
    let settings = engine.context.settings;
    assert_eq!((settings.rate, settings.volume, settings.viewport), (4.0, 1.0, Some((1, 1))));
}

#[test]
fn without_an_item_nothing_can_be_played_or_chosen() {
    let mut engine = engine();
    let state = Err(ErrorCode::InvalidState);
    let to = MediaTime::ZERO;
    for command in [
        Command::Play,
        Command::Pause,
        Command::Seek { to, mode: SeekMode::Exact },
        Command::SeekBy { millis: 5, mode: SeekMode::Exact },
        Command::SelectAudio(crate::command::TrackChoice::Off),
        Command::SelectText(crate::command::TrackChoice::Off),
        Command::SelectQuality(crate::command::QualityChoice::Auto),
    ] {
        assert_eq!(send(&mut engine, command.clone()), state, "{command:?}");
    }
    assert_eq!(send(&mut engine, Command::Stop), Ok(Vec::new()), "nothing stops");
    let mut engine = loaded();
    assert_eq!(send(&mut engine, Command::SelectText(crate::command::TrackChoice::Off)), state, "no track is known");
    let stopped = [
        Output::Cancel(crate::engine::io::FetchId(0)),
        Output::Render(RenderCommand::Stop),
        Output::Event(Event::StateChanged { state: State::Idle }),
        Output::Event(Event::Stopped),
    ];
    assert_eq!(send(&mut engine, Command::Stop).as_deref(), Ok(&stopped[..]));
}

#[test]
fn the_renderer_learns_of_volume_and_mute_together() {
    let mut engine = engine();
    let set = |volume, muted| Ok(vec![Output::Render(RenderCommand::SetVolume { volume, muted })]);
    assert_eq!(send(&mut engine, Command::SetVolume(0.5)), set(0.5, false));
    assert_eq!(send(&mut engine, Command::SetMuted(true)), set(0.5, true));
    assert_eq!(send(&mut engine, Command::SetVolume(0.75)), set(0.75, true));
    assert_eq!(send(&mut engine, Command::SetMuted(false)), set(0.75, false));
}

#[test]
fn a_pause_ends_a_stall() {
    let mut engine = loaded();
    let Context { playback, ledger, effects, now, .. } = &mut engine.context;
    playback.start_stall(BufferingReason::NetworkTooSlow, *now, ledger, effects);
    while engine.poll_output().is_some() {}
    let outputs = send(&mut engine, Command::Pause).unwrap();
    let over = Event::StallEnded { at: MediaTime::ZERO, duration: Duration::ZERO };
    assert!(outputs.contains(&Output::Event(over)), "{outputs:?}");
    assert!(!engine.context.playback.plays_when_ready());
}

#[test]
fn a_step_counts_from_the_newest_seek_and_otherwise_from_the_position() {
    let ms = MediaTime::from_millis;
    let seek = |to| Seeking { to: ms(to), mode: SeekMode::Exact, since: Now::ZERO };
    for (under_way, waits, target) in [
        (None, None, 6000),
        (Some(20_000), None, 25_000),
        (Some(20_000), Some(40_000), 45_000),
        (None, Some(9000), 14_000),
    ] {
        let mut engine = loaded();
        let cx = &mut engine.context;
        cx.playback.hold(ms(1000), cx.now);
        if let Some(to) = under_way {
            cx.playback.begin_seek(seek(to));
        }
        if let Some(to) = waits {
            cx.pending.seek_mut().put(seek(to));
        }
        send(&mut engine, Command::SeekBy { millis: 5000, mode: SeekMode::Exact }).unwrap();
        let waiting = engine.context.pending.seek().waiting().map(|seek| seek.to);
        assert_eq!(waiting, Some(ms(target)), "{under_way:?} {waits:?}");
    }
}

#[test]
fn without_playback_every_change_of_rate_takes_effect_at_once() {
    let mut engine = engine();
    for count in 1..=8 {
        let rate = 1.0 + f64::from(count) / 10.0;
        send(&mut engine, Command::SetRate(rate)).unwrap();
        assert_eq!(engine.context.pending.rate_mut().waiting(), None, "change {count} at the same instant");
        assert!((engine.context.playback.clock().rate() - rate).abs() < 1e-9);
    }
}

#[test]
fn the_protection_of_the_output_holds_for_later_loads() {
    let mut engine = engine();
    send(&mut engine, Command::SetOutputProtection(abr::Hdcp::Type1)).unwrap();
    send(&mut engine, Command::Load(LoadRequest::new("http://h/manifest.mpd".parse().unwrap()))).unwrap();
    let Some(Item::Opening(opening)) = &engine.item else { panic!("it is opening") };
    assert_eq!(opening.output(), abr::Hdcp::Type1);
}
