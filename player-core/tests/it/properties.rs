//! Whatever happens: no panic, no hang, one reply a command, one verdict a session.

use std::time::Duration;

use abr::link::{Row, Trace};
use player_core::model::{Protocol, TrackId};
use player_core::sim::{Effect, Fault, Film, Outcome, World};
use player_core::telemetry::FrameDiscards;
use player_core::{Command, Event, Hdcp, MediaTime, PlayerConfig, QualityChoice, SeekMode, State, TrackChoice};
use proptest::prelude::*;

use crate::support::{MINUTE, audit_in_long_runs, millis, seconds};

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        Just(Effect::Refuse),
        Just(Effect::Silence),
        Just(Effect::Status(404)),
        Just(Effect::Status(403)),
        Just(Effect::Status(503)),
        Just(Effect::Html),
        Just(Effect::Empty),
        (0..5000_u64).prop_map(|delay| Effect::Delay(millis(delay))),
        (0..1000_u32).prop_map(Effect::Stall),
        (0..1000_u32).prop_map(Effect::Truncate),
        (0..1000_u32).prop_map(Effect::Corrupt),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    let address = prop_oneof![
        Just(String::new()),
        Just("http://one".to_owned()),
        Just("/a/".to_owned()),
        Just("/v/1080p".to_owned()),
        Just("index".to_owned()),
        Just("init".to_owned()),
        (0..16_u32).prop_map(|number| format!("/{number}.m4s")),
    ];
    (address, effect(), 0..60_u64, 1..30_u64, prop::option::of(1..4_u32)).prop_map(
        |(address, effect, from, span, times)| {
            let fault = Fault::new(&address, effect).from(seconds(from)).until(seconds(from + span));
            match times {
                Some(times) => fault.times(times),
                None => fault,
            }
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    let mode = prop_oneof![Just(SeekMode::Exact), Just(SeekMode::Keyframe)];
    let track = prop_oneof![
        Just(TrackChoice::Auto),
        Just(TrackChoice::Off),
        (0..5_u32).prop_map(|id| TrackChoice::Track(TrackId(id.to_string()))),
    ];
    prop_oneof![
        Just(Command::Play),
        Just(Command::Pause),
        (-5000..70_000_i64, mode).prop_map(|(to, mode)| Command::Seek { to: MediaTime::from_millis(to), mode }),
        (-20_000..20_000_i64).prop_map(|millis| Command::SeekBy { millis, mode: SeekMode::Exact }),
        (0.0..5.0_f64).prop_map(Command::SetRate),
        track.clone().prop_map(Command::SelectAudio),
        track.prop_map(Command::SelectText),
        prop_oneof![
            Just(QualityChoice::Auto),
            Just(QualityChoice::Representation("v1".into())),
            Just(QualityChoice::Representation("v4".into())),
            Just(QualityChoice::MaxHeight(480)),
        ]
        .prop_map(Command::SelectQuality),
        (1..40_u64).prop_map(|goal| Command::SetBufferGoal(seconds(goal))),
        Just(Command::SetViewport { width: 640, height: 360 }),
        prop::option::of(300_000..4_000_000_u64).prop_map(Command::SetMaxBitrate),
        prop_oneof![Just(Hdcp::None), Just(Hdcp::Type0), Just(Hdcp::Type1)].prop_map(Command::SetOutputProtection),
        Just(Command::Stop),
    ]
}

fn trace() -> impl Strategy<Value = Trace> {
    prop::collection::vec((1..20_u64, 0..12_000_u64, 0..300_u64), 1..6).prop_map(|rows| {
        let row = |(duration, kbps, latency): (u64, u64, u64)| Row {
            duration: seconds(duration),
            bandwidth_bps: kbps * 1000,
            latency: millis(latency),
        };
        let mut rows: Vec<Row> = rows.into_iter().map(row).collect();
        rows.push(Row { duration: seconds(5), bandwidth_bps: 3_000_000, latency: millis(50) });
        Trace::from_rows(rows).unwrap()
    })
}

/// Everything that must hold at the end of any session.
fn check(world: &World, outcome: &Outcome, sent: usize) {
    let log = world.events();
    let replies = log.iter().filter(|entry| matches!(entry.event, Event::Reply { .. })).count();
    assert_eq!(replies, sent, "one reply a command");
    let failed = log.iter().filter(|entry| matches!(entry.event, Event::Failed { .. })).count();
    assert!(failed <= 1, "one verdict");
    assert_eq!(
        failed == 1,
        matches!(outcome, Outcome::Failed(_)) || world.snapshot().state == State::Failed || stopped(world)
    );
    let started = log.iter().filter(|entry| matches!(entry.event, Event::StallStarted { .. })).count();
    let ended = log.iter().filter(|entry| matches!(entry.event, Event::StallEnded { .. })).count();
    assert!(started == ended || started == ended + 1, "{started} stalls began, {ended} ended");
    let stats = world.stats();
    let (frames, account) = (stats.frames, stats.account);
    if *outcome == Outcome::Ended {
        let sum = frames.presented - account.repeated + frames.dropped + account.departed();
        assert_eq!(account.received, sum, "every video sample has one end: {frames:?}, {account:?}");
    }
    for (count, message) in [
        (account.lost.undecodable, "decoded"),
        (account.lost.overlapped, "repeat"),
        (account.lost.outside_window, "outside of their period"),
        (account.lost.late, "after their time"),
    ] {
        let warned = log.iter().filter(|entry| matches!(&entry.event, Event::Warning { error } if error.message.starts_with("video samples") && error.message.contains(message)));
        let loads = 1;
        assert!(warned.clone().count() <= loads && (count == 0 || warned.count() > 0), "{count} samples: {message}");
    }
    assert!(stats.bytes_wasted <= stats.bytes_media, "{} of {} wasted", stats.bytes_wasted, stats.bytes_media);
    assert!(stats.buffer_min.is_none_or(|least| stats.buffer_mean.is_some_and(|mean| least <= mean + millis(1))));
}

fn stopped(world: &World) -> bool {
    world.events().iter().any(|entry| matches!(entry.event, Event::Failed { .. }))
        && world.events().iter().any(|entry| entry.event == Event::Stopped)
}

proptest! {
    #[test]
    fn any_commands_and_faults_end_well(
        hls in any::<bool>(),
        trace in trace(),
        faults in prop::collection::vec(fault(), 0..5),
        commands in prop::collection::vec((0..4000_u64, command()), 0..12),
    ) {
        let protocol = if hls { Protocol::Hls } else { Protocol::Dash };
        let film = Film::new(protocol, MINUTE).voices(&["en", "de"]);
        let mut world = World::new(PlayerConfig::default(), &film, &["one", "two"], trace, faults).unwrap();
        audit_in_long_runs(&mut world);
        world.load();
        let mut at = Duration::ZERO;
        let sent = commands.len() + 1;
        for (after, command) in commands {
            at += millis(after);
            world.at(at, command);
        }
        world.run_for(at + millis(1));
        // Whatever was chosen, from here on it plays at a plain rate.
        let stopped = world.snapshot().state == State::Idle;
        let mut extra = 0;
        if !stopped {
            world.command(Command::SetRate(1.0));
            world.command(Command::Play);
            extra = 2;
        }
        let outcome = world.run_until_end(MINUTE * 30);
        check(&world, &outcome, sent + extra);
        if !stopped {
            prop_assert!(
                matches!(outcome, Outcome::Ended | Outcome::Failed(_)),
                "{:?} in state {:?} at {:?}", outcome, world.snapshot().state, world.snapshot().position
            );
        }
    }
}

proptest! {
    #[test]
    fn without_a_hand_nothing_is_discarded(
        hls in any::<bool>(),
        trace in trace(),
        faults in prop::collection::vec(fault(), 0..6),
    ) {
        let protocol = if hls { Protocol::Hls } else { Protocol::Dash };
        let film = Film::new(protocol, MINUTE).voices(&["en", "de"]);
        let mut world = World::new(PlayerConfig::default(), &film, &["one", "two"], trace, faults).unwrap();
        audit_in_long_runs(&mut world);
        world.load();
        let outcome = world.run_until_end(MINUTE * 30);
        check(&world, &outcome, 1);
        if outcome == Outcome::Ended {
            let stats = world.stats();
            let account = stats.account;
            prop_assert_eq!(account.discarded, FrameDiscards::default());
            // Nothing is counted twice: of each time at most one sample is presented or missing.
            let pictures = 60 * 24;
            prop_assert!(account.received - account.lost.overlapped <= pictures, "{account:?}");
            // The picture on screen comes once more where decoding begins anew under it, of which an event gives the cause.
            let restarts = |event: &Event| {
                matches!(
                    event,
                    Event::GapSkipped { .. }
                        | Event::StallStarted { .. }
                        | Event::TracksChanged
                        | Event::Warning { .. }
                )
            };
            let restarts = world.events().iter().filter(|entry| restarts(&entry.event)).count() as u64;
            prop_assert!(account.repeated <= restarts, "{account:?} after {restarts} restarts: {:?}", stats.frames);
        }
    }
}

/// Sound that is missing at the place of a seek to a key frame is missing from that key frame on.
#[test]
fn sound_that_is_given_up_at_a_key_frame_before_the_target_is_not_awaited() {
    let film = Film::new(Protocol::Dash, MINUTE).voices(&["en", "de"]);
    let faults = [Effect::Status(503), Effect::Corrupt(0)]
        .into_iter()
        .zip([10, 16])
        .map(|(effect, until)| Fault::new("/a/", effect).from(seconds(1)).until(seconds(until)));
    let rows = [(1, 16_000, 0), (5, 3_000_000, 50)];
    let rows = rows.map(|(s, bps, ms)| Row { duration: seconds(s), bandwidth_bps: bps, latency: millis(ms) });
    let trace = Trace::from_rows(rows.to_vec()).expect("a trace of two rows");
    let mut world = World::new(PlayerConfig::default(), &film, &["one", "two"], trace, faults.collect()).unwrap();
    world.load();
    world.at(Duration::ZERO, Command::Seek { to: MediaTime::from_millis(251), mode: SeekMode::Keyframe });
    assert_eq!(world.run_until_end(MINUTE * 30), Outcome::Ended);
}
