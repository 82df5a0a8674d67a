//! Any valid commands at any pace: each is answered once, playback lives, the last wishes hold, and flushes are few.

use std::collections::BTreeMap;
use std::time::Duration;

use player_core::engine::io::Output;
use player_core::model::{MediaKind, Protocol, TrackId};
use player_core::render::{RenderCommand, RenderEvent};
use player_core::sim::{Film, Outcome, World};
use player_core::{Command, CommandId, ErrorCode, Event, MediaTime, QualityChoice, SeekMode, State, TrackChoice};
use proptest::prelude::*;

use crate::support::{BOTH, HOUR, MINUTE, count, events, fast, millis, seconds, world};

/// Commands of one kind in a row that are carried out at once, and the time between two after that: `engine::playback::pending`.
const BURST: usize = 3;
const INTERVAL: Duration = Duration::from_millis(100);

/// The number of commands of one kind that may be carried out in a span.
fn turns(span: Duration) -> usize {
    BURST + 1 + (span.as_nanos() / INTERVAL.as_nanos()) as usize
}

fn seek(to: MediaTime) -> Command {
    Command::Seek { to, mode: SeekMode::Exact }
}

fn rendered(world: &World, matches: impl Fn(&RenderCommand) -> bool) -> usize {
    let outputs = world.recorded().map(|(_, outputs)| outputs).unwrap_or_default();
    outputs.iter().filter(|output| matches!(output, Output::Render(command) if matches(command))).count()
}

fn is_flush(command: &RenderCommand) -> bool {
    matches!(command, RenderCommand::Flush { .. } | RenderCommand::FlushTrack { .. })
}

fn started(world: &World) -> usize {
    count(world, |event| matches!(event, Event::SeekStarted { .. }))
}

/// Every command has one reply.
#[track_caller]
fn assert_answered(world: &World, sent: u64) {
    let mut replies: BTreeMap<CommandId, u32> = BTreeMap::new();
    for entry in world.events() {
        if let Event::Reply { id, .. } = &entry.event {
            *replies.entry(*id).or_default() += 1;
        }
    }
    assert_eq!(replies, (0..sent).map(|id| (CommandId(id), 1)).collect());
}

fn any_command() -> impl Strategy<Value = Command> {
    let mode = prop_oneof![Just(SeekMode::Exact), Just(SeekMode::Keyframe)];
    let track = prop_oneof![
        2 => Just(TrackChoice::Auto),
        1 => Just(TrackChoice::Off),
        4 => (0..5_u32).prop_map(|id| TrackChoice::Track(TrackId(id.to_string()))),
    ];
    prop_oneof![
        3 => Just(Command::Play),
        3 => Just(Command::Pause),
        8 => (-5000..70_000_i64, mode).prop_map(|(to, mode)| Command::Seek { to: MediaTime::from_millis(to), mode }),
        2 => (-20_000..20_000_i64).prop_map(|millis| Command::SeekBy { millis, mode: SeekMode::Exact }),
        6 => (0.1..4.5_f64).prop_map(Command::SetRate),
        2 => (0.0..1.0_f64).prop_map(Command::SetVolume),
        2 => any::<bool>().prop_map(Command::SetMuted),
        6 => track.clone().prop_map(Command::SelectAudio),
        2 => track.prop_map(Command::SelectText),
        2 => prop_oneof![
            Just(QualityChoice::Auto),
            Just(QualityChoice::Representation("v1".into())),
            Just(QualityChoice::Representation("none".into())),
            Just(QualityChoice::MaxHeight(480)),
        ].prop_map(Command::SelectQuality),
        1 => Just(Command::Stop),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 5))]

    #[test]
    fn any_commands_at_any_pace_leave_playback_alive_and_the_last_wishes_in_force(
        hls in any::<bool>(),
        pace in 0..40_u64,
        commands in prop::collection::vec((0..4_u64, any_command()), 1..300),
        (rate, volume, muted) in (0.5..2.0_f64, 0.0..1.0_f64, any::<bool>()),
        target in 1_000..40_000_i64,
        voice in 0..2_usize,
    ) {
        let film = Film::new(if hls { Protocol::Hls } else { Protocol::Dash }, MINUTE).voices(&["en", "de"]);
        let mut world = world(&film, fast(), Vec::new());
        world.stop_audit();
        world.record();
        world.load();
        let mut sent = 1;
        let begin = world.now();
        for (gap, command) in commands {
            // Most come at once, some after a while.
            world.run_for(millis(if gap == 0 { pace } else { 0 }));
            world.command(command);
            sent += 1;
            if world.snapshot().state == State::Idle {
                world.load();
                sent += 1;
            }
        }
        world.run_for(seconds(2));
        let voices: Vec<TrackId> = world.snapshot().tracks.iter()
            .filter(|track| track.kind == MediaKind::Audio).map(|track| track.id.clone()).collect();
        let voice = TrackChoice::Track(voices[voice].clone());
        let to = MediaTime::from_millis(target);
        let last = [
            Command::SetRate(rate), Command::SetVolume(volume), Command::SetMuted(muted), Command::Play,
            Command::SelectAudio(voice.clone()), seek(to),
        ];
        sent += last.len() as u64;
        for command in last {
            world.command(command);
        }
        world.run_for(seconds(4));
        assert_answered(&world, sent);
        prop_assert_eq!(count(&world, |event| matches!(event, Event::Failed { .. })), 0);
        let snapshot = world.snapshot();
        prop_assert_eq!((snapshot.rate, snapshot.volume, snapshot.muted), (rate, volume, muted));
        prop_assert_eq!(snapshot.audio_choice, Some(voice));
        prop_assert_eq!(snapshot.state, State::Ready);
        prop_assert!((snapshot.clock_rate - rate).abs() < 0.001);
        let moved = snapshot.position.since(to);
        prop_assert!(moved > seconds(1).mul_f64(rate) && moved <= seconds(4).mul_f64(rate) + millis(10), "{:?} at {}", moved, rate);
        let done = events(&world, |event| matches!(event, Event::SeekCompleted { .. }));
        let exact = |event: &Event| matches!(event, Event::SeekCompleted { to: at, error_nanos: 0, .. } if *at == to);
        prop_assert!(done.last().is_some_and(|entry| exact(&entry.event)), "the last seek: {:?}", done.last());
        // A load flushes, and so does audio that comes or goes.
        let (span, loads) = (world.now().since(begin), count(&world, |event| matches!(event, Event::Loaded { .. })));
        prop_assert!(started(&world) <= turns(span));
        prop_assert!(rendered(&world, is_flush) <= 3 * turns(span) + loads);
        let rates = rendered(&world, |command| matches!(command, RenderCommand::SetRate(_)));
        prop_assert!(rates <= turns(span) + sent as usize / 10 + 2 * loads + 8, "{} rates", rates);
        prop_assert_eq!(world.run_until_end(MINUTE * 4), Outcome::Ended);
    }
}

#[test]
fn a_mouse_that_scrubs_at_200_events_a_second_leads_to_few_flushes_and_ends_where_it_stops() {
    for protocol in BOTH {
        let film = Film::new(protocol, HOUR);
        let mut world = world(&film, fast(), Vec::new());
        world.record();
        world.load();
        world.run_for(seconds(5));
        let before = rendered(&world, is_flush);
        for step in 0..1_000 {
            world.command(seek(MediaTime::from_millis(60_000 + step * 700)));
            world.run_for(millis(5));
        }
        let to = MediaTime::from_millis(60_000 + 999 * 700);
        assert_eq!(world.snapshot().position, to, "where playback goes is known at once");
        world.run_for(seconds(2));
        assert_answered(&world, 1_001);
        let begun = started(&world);
        assert!((20..=turns(seconds(5))).contains(&begun), "{begun} seeks began");
        assert!(rendered(&world, is_flush) - before <= begun);
        assert_eq!(world.stats().seeks.len(), begun);
        let done = events(&world, |event| matches!(event, Event::SeekCompleted { .. }));
        let last = done.last().unwrap();
        assert!(matches!(last.event, Event::SeekCompleted { to: at, error_nanos: 0, .. } if at == to), "{last:?}");
        assert_eq!(world.snapshot().state, State::Ready);
    }
}

#[test]
fn steps_add_up_however_fast_they_come() {
    let film = Film::new(Protocol::Dash, HOUR);
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(5));
    world.command(Command::Pause);
    world.command(seek(MediaTime::from_millis(100_000)));
    for _ in 0..50 {
        world.command(Command::SeekBy { millis: 10_000, mode: SeekMode::Exact });
    }
    world.run_for(seconds(2));
    assert_eq!(world.snapshot().position, MediaTime::from_millis(600_000));
}

#[test]
fn a_wrong_choice_is_refused_at_once_and_does_not_replace_a_right_one() {
    let film = Film::new(Protocol::Hls, MINUTE).voices(&["en", "de"]);
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(5));
    let tracks = world.snapshot().tracks;
    let audio: Vec<_> = tracks.iter().filter(|track| track.kind == MediaKind::Audio).map(|t| t.id.clone()).collect();
    for round in 0..20 {
        world.command(Command::SelectAudio(TrackChoice::Track(audio[round % 2].clone())));
        world.command(Command::SetRate(1.0 + round as f64 / 100.0));
        world.command(Command::SelectAudio(TrackChoice::Track(TrackId("none".into()))));
        world.command(Command::SetRate(17.0));
    }
    let refused = |event: &Event| matches!(event, Event::Reply { error: Some(error), .. } if error.code == ErrorCode::InvalidArgument);
    assert_eq!(count(&world, refused), 40);
    let chosen = Some(TrackChoice::Track(audio[1].clone()));
    assert_eq!((world.snapshot().audio_choice, world.snapshot().rate), (chosen.clone(), 1.19));
    world.run_for(seconds(3));
    assert_eq!((world.snapshot().audio_choice, world.snapshot().rate), (chosen, 1.19));
    let selected = |id: &TrackId| world.snapshot().tracks.iter().any(|track| track.id == *id && track.selected);
    assert!(selected(&audio[1]) && !selected(&audio[0]));
}

#[test]
fn a_renderer_that_stands_still_holds_one_flush_and_the_last_seek_counts() {
    let film = Film::new(Protocol::Hls, MINUTE);
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(30));
    world.hold_renderer();
    for step in 0..200 {
        world.command(seek(MediaTime::from_millis(1_000 + step * 100)));
        world.command(Command::SetRate(if step % 2 == 0 { 1.5 } else { 1.0 }));
        world.run_for(millis(50));
    }
    let waiting = world.held_commands();
    assert_eq!(waiting.iter().filter(|command| is_flush(command)).count(), 1);
    let appended = waiting.iter().filter(|command| matches!(command, RenderCommand::Append { .. })).count();
    assert!(appended < 50, "{appended} appends wait: media of one epoch, as far as the lead");
    assert_eq!(count(&world, |event| matches!(event, Event::Failed { .. })), 0);
    world.release_renderer();
    world.run_for(seconds(1));
    let done = events(&world, |event| matches!(event, Event::SeekCompleted { .. }));
    let last = done.last().unwrap();
    assert!(matches!(last.event, Event::SeekCompleted { to, .. } if to == MediaTime::from_millis(20_900)), "{last:?}");
    assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
}

#[test]
fn a_renderer_that_never_answers_fails_aloud_and_the_next_load_plays() {
    let film = Film::new(Protocol::Hls, MINUTE);
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(10));
    world.hold_renderer();
    for step in 0..40 {
        world.command(seek(MediaTime::from_millis(1_000 + step * 100)));
        world.run_for(seconds(1));
    }
    assert_eq!(world.snapshot().error.map(|error| error.code), Some(ErrorCode::RendererFailed));
    assert_eq!(count(&world, |event| matches!(event, Event::Failed { .. })), 1);
    world.load();
    world.run_for(seconds(40));
    assert_eq!(world.snapshot().state, State::Failed, "it still stands still, and that is said");
    world.release_renderer();
    world.load();
    assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
}

#[test]
fn a_load_after_any_failure_plays() {
    let film = Film::new(Protocol::Dash, MINUTE);
    let mut world = world(&film, fast(), Vec::new());
    for round in 0..3 {
        world.load();
        for _ in 0..20 {
            world.command(seek(MediaTime::from_millis(20_000)));
            world.command(Command::SetRate(2.0));
        }
        world.run_for(millis(50 * round));
        world.report(RenderEvent::Failed(player_core::PlayerError::fatal(ErrorCode::RendererFailed, "gone")));
        assert_eq!(world.snapshot().state, State::Failed);
        let before = world.events().len();
        world.run_for(seconds(1));
        assert_eq!(world.events().len(), before, "what waited died with the session");
    }
    world.load();
    assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
    assert_eq!(world.snapshot().rate, 2.0, "a setting outlives the session");
}

#[test]
fn seeks_before_the_manifest_are_one_seek() {
    let film = Film::new(Protocol::Hls, MINUTE);
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    for step in 0..100 {
        world.command(seek(MediaTime::from_millis(step * 100)));
    }
    assert_eq!(world.snapshot().position, MediaTime::from_millis(9_900));
    world.run_for(seconds(2));
    assert_eq!(started(&world), 1);
    let done = events(&world, |event| matches!(event, Event::SeekCompleted { .. }));
    assert!(
        matches!(done[..], [entry] if matches!(entry.event, Event::SeekCompleted { to, .. } if to == MediaTime::from_millis(9_900)))
    );
}
