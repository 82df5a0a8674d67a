//! Reports of the renderer are acted upon: decoders that fail, devices that go away.

use player_core::engine::io::Output;
use player_core::model::{MediaKind, Protocol};
use player_core::render::{Epoch, RenderCommand, RenderEvent};
use player_core::sim::{Film, Outcome, World};
use player_core::time::MediaTime;
use player_core::{Command, ErrorCode, Event, PlayerError, SeekMode, State};

use crate::support::{MINUTE, assert_played, count, events, fast, millis, requests, seconds, world};

fn begun(film: &Film) -> World {
    let mut world = world(film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(10));
    world
}

fn fails(track: MediaKind, code: ErrorCode) -> RenderEvent {
    RenderEvent::TrackFailed { track, error: PlayerError::fatal(code, "as a test wishes") }
}

fn warnings(world: &World) -> usize {
    count(world, |event| matches!(event, Event::Warning { .. }))
}

#[test]
fn a_decoder_that_stumbles_is_given_another_quality() {
    let mut world = begun(&Film::new(Protocol::Dash, MINUTE));
    let height = |world: &World| world.snapshot().qualities.iter().find(|q| q.shown).and_then(|q| q.height);
    let before = height(&world);
    world.report(fails(MediaKind::Video, ErrorCode::DecoderFailed));
    assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
    assert_ne!(height(&world), before);
    assert_eq!(warnings(&world), 1);
    assert_eq!(count(&world, |event| matches!(event, Event::Failed { .. })), 0);
    assert_played(&world, MINUTE);
}

#[test]
fn without_a_decoder_for_the_pictures_the_sound_plays_on() {
    let mut world = begun(&Film::new(Protocol::Hls, MINUTE));
    world.report(fails(MediaKind::Video, ErrorCode::DecoderUnavailable));
    let shown = world.stats().frames.presented;
    assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
    assert_eq!(warnings(&world), 1);
    assert!(world.stats().frames.presented <= shown + 24, "no picture after that");
    assert_played(&world, MINUTE);
}

#[test]
fn without_a_decoder_for_the_sound_the_pictures_play_on() {
    let mut world = begun(&Film::new(Protocol::Dash, MINUTE));
    world.report(fails(MediaKind::Audio, ErrorCode::DecoderUnavailable));
    assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
    assert_eq!(warnings(&world), 1);
    assert_played(&world, MINUTE);
}

#[test]
fn a_decoder_that_is_missing_is_missing_for_every_track_of_its_codec() {
    for protocol in [Protocol::Hls, Protocol::Dash] {
        let mut world = begun(&Film::new(protocol, MINUTE).voices(&["en", "de"]));
        world.record();
        world.report(fails(MediaKind::Audio, ErrorCode::DecoderUnavailable));
        assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
        let other = requests(&world).filter(|request| request.url.path().starts_with("/film/a/de/"));
        assert_eq!((other.count(), warnings(&world)), (0, 1), "{protocol:?}");
        assert_played(&world, MINUTE);
    }
}

#[test]
fn without_any_decoder_playback_fails_once() {
    let mut film = Film::new(Protocol::Dash, MINUTE);
    film.voices.clear();
    let mut world = begun(&film);
    world.report(fails(MediaKind::Video, ErrorCode::DecoderUnavailable));
    assert_eq!(world.snapshot().state, State::Failed);
    assert_eq!(world.snapshot().error.unwrap().code, ErrorCode::DecoderUnavailable);
    assert_eq!((warnings(&world), count(&world, |event| matches!(event, Event::Failed { .. }))), (0, 1));
}

#[test]
fn a_flush_that_the_renderer_wants_costs_no_request() {
    let mut world = begun(&Film::new(Protocol::Hls, MINUTE));
    let before = world.stats().bytes_wasted;
    world.report(RenderEvent::FlushWanted { reason: "a device went away".into() });
    assert_eq!(world.stats().bytes_wasted, before);
    assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
    assert_eq!(world.stats().stalls, []);
    assert_played(&world, MINUTE);
}

#[test]
fn a_renderer_that_is_done_for_is_one_typed_error() {
    let mut world = begun(&Film::new(Protocol::Hls, MINUTE));
    world.report(RenderEvent::Failed(PlayerError::fatal(ErrorCode::RendererFailed, "gone")));
    assert_eq!(world.snapshot().error.unwrap().code, ErrorCode::RendererFailed);
    assert_eq!(count(&world, |event| matches!(event, Event::Failed { .. })), 1);
}

#[test]
fn a_renderer_that_owes_an_answer_or_a_picture_has_thirty_seconds_for_it() {
    for answers in [false, true] {
        let mut world = world(&Film::new(Protocol::Hls, MINUTE), fast(), Vec::new());
        world.hold_renderer();
        world.load();
        let flush = |world: &World| {
            world.held_commands().iter().find_map(|command| match command {
                RenderCommand::Flush { epoch, .. } => Some(*epoch),
                _ => None,
            })
        };
        assert_eq!(world.run_until(seconds(5), |world| flush(world).is_some()), Outcome::Reached);
        let (epoch, sent) = (flush(&world).unwrap(), world.now());
        if answers {
            world.report(RenderEvent::Flushed { epoch });
        }
        world.run_for(seconds(40));
        let failed = events(&world, |event| matches!(event, Event::Failed { .. }));
        let late = failed[0].at.since(sent);
        assert_eq!(late, seconds(30), "{answers}");
        assert_eq!(world.snapshot().error.unwrap().code, ErrorCode::RendererFailed);
    }
}

/// Returns the epoch of the last flush that was sent.
fn epoch(world: &World) -> Epoch {
    let flush = |output: &Output| match output {
        Output::Render(RenderCommand::Flush { epoch, .. }) => Some(*epoch),
        _ => None,
    };
    world.recorded().unwrap_or_default().1.iter().rev().find_map(flush).unwrap()
}

#[test]
fn reports_of_an_epoch_that_a_seek_ended_change_nothing() {
    let old = MediaTime::from_millis(11_000);
    let reports: [fn(Epoch, MediaTime) -> RenderEvent; 5] = [
        |epoch, pts| RenderEvent::FirstFrame { epoch, pts },
        |epoch, pts| RenderEvent::FirstAudio { epoch, pts },
        |epoch, position| RenderEvent::Position { epoch, position },
        |epoch, _| RenderEvent::Ended { epoch },
        |epoch, _| RenderEvent::Flushed { epoch },
    ];
    for (number, report) in reports.into_iter().enumerate() {
        let mut world = world(&Film::new(Protocol::Dash, seconds(20)), fast(), Vec::new());
        world.record();
        world.load();
        world.run_for(seconds(10));
        let before = epoch(&world);
        world.hold_renderer();
        // All of the film is here, so that its end could be reached at any time.
        world.command(Command::Seek { to: MediaTime::from_millis(3000), mode: SeekMode::Exact });
        world.run_for(seconds(1));
        assert!(epoch(&world) > before, "the flush of the seek was sent");
        let (announced, snapshot) = (world.events().len(), world.snapshot());
        world.report(report(before, old));
        assert_eq!(
            world.events().get(announced..).unwrap_or_default().len(),
            0,
            "{number}: {:?}",
            world.events().last()
        );
        assert_eq!(
            (world.snapshot().state, world.snapshot().position),
            (snapshot.state, snapshot.position),
            "{number}"
        );
        // Another seek sends its flush only once the renderer has answered that of the first one.
        let sent = epoch(&world);
        world.command(Command::Seek { to: MediaTime::from_millis(5000), mode: SeekMode::Exact });
        world.run_for(millis(500));
        assert_eq!(epoch(&world), sent, "{number}");
        world.release_renderer();
        assert_eq!(world.run_until_end(MINUTE), Outcome::Ended);
        let completed = |event: &Event| matches!(event, Event::SeekCompleted { error_nanos: 0, .. });
        assert_eq!(count(&world, completed), 1, "{number}");
    }
}

/// No time brings room in a buffer that is exactly full while the position stands, so nothing wakes the engine for it.
#[test]
fn a_full_buffer_under_a_renderer_that_stands_still_is_left_alone() {
    let mut world = world(&Film::new(Protocol::Hls, MINUTE * 2), fast(), Vec::new());
    world.load();
    world.run_for(seconds(20));
    world.hold_renderer();
    world.run_for(seconds(2));
    let snapshot = world.snapshot();
    assert_eq!(snapshot.state, State::Ready);
    let ahead = snapshot.buffered.iter().last().unwrap().end.since(snapshot.position);
    world.command(Command::SetBufferGoal(ahead));
    let (mut steps, end) = (0, world.now() + seconds(5));
    world.run_until(seconds(10), |world| {
        steps += 1;
        steps > 2000 || world.now() >= end
    });
    assert!(steps <= 2000, "{steps} steps until {:?}", world.now());
}
