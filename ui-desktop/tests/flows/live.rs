//! Live presentations: the bar over their window, the mark, the way back to the live edge, errors.

use std::time::Duration;

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use player_core::model::PresentationKind;
use player_core::snapshot::{BufferingReason, LiveState};
use player_core::telemetry::{ClockSource, LiveDelivery};
use player_core::{Command, ErrorCode, Event, MediaTime, PlayerError, Snapshot, State, TimeRange};
use ui_desktop::state::Launch;
use ui_desktop::wall_clock::WallClock;

use super::support::{Outside, film, settle};
use super::{Window, click, open_at, pass, press, show_controls};

/// 2026-11-27 10:42:30 UTC, the live edge.
const NOW_MS: i64 = 1_795_776_150_000;

/// A broadcast with times that count from 1970 and a window of 200 s, played so many seconds behind.
fn broadcast(behind: f64, is_following: bool) -> Snapshot {
    let at = |behind: f64| MediaTime::from_secs_f64(NOW_MS as f64 / 1000.0 - behind);
    let window = TimeRange { start: at(200.0), end: at(0.0) };
    Snapshot {
        duration: None,
        kind: Some(PresentationKind::Live),
        position: at(behind),
        seekable: Some(window),
        live: Some(LiveState {
            window,
            edge: at(0.0),
            latency_nanos: (behind * 1e9) as i64,
            target: Duration::from_secs(4),
            is_following,
            rate: 1.0,
            clock: Some(ClockSource::Date),
            clock_error: Some(Duration::from_millis(500)),
            epoch_unix_nanos: Some(0),
            delivery: LiveDelivery::Segments,
        }),
        ..film()
    }
}

/// A window with a broadcast of the command line.
fn watching(behind: f64, is_following: bool) -> (Window, Outside) {
    let launch = Launch::Address("http://h/live.mpd".parse().expect("a valid address"));
    let (mut window, outside) = open_at(launch, || WallClock::set_by(|| NOW_MS));
    outside.change(|snapshot| *snapshot = broadcast(behind, is_following));
    outside.announce(Event::FirstFrame { pts: MediaTime::ZERO, latency: Duration::ZERO });
    settle(&mut window);
    outside.take_commands();
    // A pointer that has just come has not moved.
    show_controls(&mut window);
    show_controls(&mut window);
    (window, outside)
}

/// Returns the target of the only command, in seconds before the live edge.
fn sought(outside: &Outside) -> f64 {
    match outside.take_commands().as_slice() {
        [Command::Seek { to, .. }] => NOW_MS as f64 / 1000.0 - to.as_secs_f64(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_picture_at_the_live_edge_has_its_mark_and_no_way_back() {
    let (window, _outside) = watching(4.2, true);
    window.get_by_role_and_label(Role::Label, "Live, 4 s behind");
    window.get_by_role_and_label(Role::Label, "4 s behind");
    window.get_by_role_and_label(Role::Label, "10:42:25");
    assert!(window.query_by_label("Go to live").is_none());
    let bar = window.get_by_label("Position in seconds before live");
    let node = bar.accesskit_node();
    assert_eq!((node.numeric_value(), node.max_numeric_value()), (Some(0.0), Some(0.0)));
    assert!(node.min_numeric_value().is_some_and(|start| (start + 195.8).abs() < 0.01));
}

#[test]
fn a_viewer_who_went_back_sees_how_far_and_returns_by_button_or_key() {
    let (mut window, outside) = watching(64.0, false);
    window.get_by_role_and_label(Role::Label, "Not live, 1:04 behind");
    window.get_by_role_and_label(Role::Label, "10:41:26");
    click(&mut window, "Go to live");
    assert_eq!(outside.take_commands(), [Command::GoLive]);
    for key in [Key::L, Key::End] {
        press(&mut window, key);
        assert_eq!(outside.take_commands(), [Command::GoLive]);
    }
    press(&mut window, Key::Num5);
    assert!((sought(&outside) - 102.0).abs() < 0.01, "half of the way from 200 s to 4 s");
}

#[test]
fn the_bar_leads_to_times_of_its_window_and_shows_the_time_of_day() {
    let (mut window, outside) = watching(64.0, false);
    let bar = window.get_by_label("Position in seconds before live").rect();
    let at = bar.left_center() + egui::vec2(bar.width() * 0.25, 0.0);
    window.hover_at(at);
    settle(&mut window);
    window.drag_at(at);
    window.drop_at(at);
    settle(&mut window);
    assert!((sought(&outside) - 151.0).abs() < 0.5, "a quarter of the way from 200 s to 4 s");
}

#[test]
fn a_pause_says_how_far_behind_it_is() {
    let (mut window, outside) = watching(4.2, true);
    press(&mut window, Key::Space);
    assert_eq!(outside.take_commands(), [Command::Pause]);
    let flash = super::support::state(&window).player.as_ref().and_then(|player| player.flash.clone());
    assert_eq!(flash.map(|flash| flash.text).as_deref(), Some("Paused, 4 s behind"));
    outside.change(|snapshot| {
        snapshot.play_when_ready = false;
        snapshot.live.as_mut().expect("live").latency_nanos = 30_000_000_000;
    });
    settle(&mut window);
    window.get_by_role_and_label(Role::Label, "Not live, 30 s behind");
    window.get_by_role_and_label(Role::Button, "Go to live");
}

#[test]
fn without_dates_the_distance_stands_alone() {
    let (mut window, outside) = watching(64.0, false);
    outside.change(|snapshot| snapshot.live.as_mut().expect("live").epoch_unix_nanos = None);
    settle(&mut window);
    window.get_by_role_and_label(Role::Label, "1:04 behind");
    assert!(window.query_by_label("10:41:26").is_none());
}

#[test]
fn a_small_window_keeps_the_mark_and_the_way_back() {
    let (mut window, _outside) = watching(64.0, false);
    window.set_size(egui::vec2(640.0, 360.0));
    settle(&mut window);
    window.hover_at(egui::pos2(300.0, 100.0));
    window.run_steps(2);
    let page = window.ctx.content_rect();
    let back = window.get_by_role_and_label(Role::Button, "Go to live").rect();
    let speed = window.get_by_role_and_label(Role::Button, "Speed").rect();
    assert!(page.contains_rect(back) && back.right() <= speed.left(), "{back:?} {speed:?}");
    window.get_by_role_and_label(Role::Label, "Not live, 1:04 behind");
}

#[test]
fn the_statistics_show_latency_clock_and_delivery() {
    let (mut window, _outside) = watching(4.2, true);
    press(&mut window, Key::I);
    let panel = window.get_by_label_contains("Statistics.").accesskit_node().value().unwrap_or_default();
    for words in ["Latency: 4.20 s", "Target: 4.00 s", "Clock: answers of the server, ± 500 ms", "whole segments"] {
        assert!(panel.contains(words), "{panel}");
    }
}

#[test]
fn a_film_on_demand_has_nothing_of_it() {
    let (mut window, outside) = watching(4.2, true);
    outside.change(|snapshot| *snapshot = film());
    settle(&mut window);
    assert!(window.query_by_label_contains("ive, ").is_none() && window.query_by_label("Go to live").is_none());
    press(&mut window, Key::L);
    assert!(matches!(outside.take_commands().as_slice(), [Command::SeekBy { millis: 10_000, .. }]));
}

#[test]
fn a_wait_at_the_live_edge_is_for_the_broadcast() {
    let (mut window, outside) = watching(4.2, true);
    let state = State::Buffering(BufferingReason::LiveEdge);
    outside.change(|snapshot| snapshot.state = state);
    outside.announce(Event::StateChanged { state });
    pass(&mut window, 5.0);
    window.get_by_role_and_label(Role::Status, "The broadcast has sent nothing new.");
}

#[test]
fn a_broadcast_that_failed_is_joined_again_where_it_is_then() {
    for (code, words, advice) in [
        (ErrorCode::LiveStopped, "The broadcast has stopped.", "It may come back: try again later."),
        (ErrorCode::BehindLiveWindow, "This part of the broadcast is gone.", "Try again to watch what is live now."),
    ] {
        let (mut window, outside) = watching(64.0, false);
        outside.announce(Event::Failed { error: PlayerError::fatal(code, "at the edge") });
        settle(&mut window);
        window.get_by_role_and_label(Role::Label, words);
        window.get_by_role_and_label(Role::Label, advice);
        outside.take_commands();
        click(&mut window, "Try again");
        let commands = outside.take_commands();
        let load = commands.iter().find_map(|command| match command {
            Command::Load(request) => Some(request.start),
            _ => None,
        });
        assert_eq!(load, Some(None), "{commands:?}");
    }
}
