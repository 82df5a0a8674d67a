//! The smallest window, 480 by 270 pixels at the smallest scale: nothing lies on anything else or beyond the edge.

use egui::accesskit::Role;
use egui::{Key, Pos2, Rect, vec2};
use egui_kittest::kittest::Queryable as _;
use player_core::{ErrorCode, Event, PlayerError, State};
use ui_desktop::api::{Failure, Reply};
use ui_desktop::state::Launch;

use super::support::{account, open, settle};
use super::{Window, playing, press};

fn make_small(window: &mut Window) -> Rect {
    window.set_size(vec2(640.0, 360.0));
    settle(window);
    window.ctx.content_rect()
}

fn button(window: &Window, name: &str) -> Rect {
    window.get_by_role_and_label(Role::Button, name).rect()
}

/// Shows the controls over a film without pressing anything.
fn show_controls(window: &mut Window) {
    window.hover_at(Pos2::new(300.0, 100.0));
    window.run_steps(2);
}

fn fail_far_away() -> PlayerError {
    let message = "no answer from edge-a.example and edge-b.example ".repeat(8);
    PlayerError::fatal(ErrorCode::NetworkUnreachable, message)
}

#[test]
fn an_error_card_leaves_the_bar_free() {
    let (mut window, outside) = open(Launch::Service { credentials: None });
    let page = make_small(&mut window);
    outside.reply(Reply::Restored(Some(account())));
    outside.reply(Reply::Home(Err(Failure { error: fail_far_away(), service: None })));
    settle(&mut window);
    let card = window.query_all_by(|node| node.role() == Role::Alert).next().expect("a card").rect();
    assert!(page.contains_rect(card), "{card:?}");
    assert!(!card.intersects(button(&window, "Kinora, home")), "{card:?}");
    assert!(page.contains_rect(button(&window, "Try again")));

    let (mut window, outside) = playing();
    make_small(&mut window);
    outside.announce(Event::Failed { error: fail_far_away() });
    settle(&mut window);
    // The controls over the film have a button of the same name.
    let backs = window.query_all_by(|node| node.label().as_deref() == Some("Back")).map(|node| node.rect());
    let bar = backs.min_by(|one, other| one.top().total_cmp(&other.top())).expect("a way back");
    let card = window.query_all_by(|node| node.role() == Role::Alert).next().expect("a card").rect();
    assert!(page.contains_rect(card) && !card.intersects(bar), "{card:?} {bar:?}");
}

#[test]
fn keys_read_the_details_of_an_error_to_their_end() {
    let (mut window, outside) = playing();
    let page = make_small(&mut window);
    outside.announce(Event::Failed { error: fail_far_away() });
    settle(&mut window);
    // The button lies below the edge of the window.
    for key in [Key::ArrowDown, Key::Enter] {
        press(&mut window, key);
        window.run_steps(20);
    }
    let last = |window: &Window| window.get_by_label_contains("no answer from").rect();
    assert!(last(&window).bottom() > page.bottom(), "the details do not fit: {:?}", last(&window));
    for _ in 0..20 {
        press(&mut window, Key::ArrowDown);
        window.run_steps(20);
    }
    assert!(page.contains_rect(last(&window)), "{:?}", last(&window));
    for _ in 0..20 {
        press(&mut window, Key::ArrowUp);
        window.run_steps(20);
    }
    assert!(page.contains_rect(window.get_by_role_and_label(Role::Label, "We can't reach the film's server.").rect()));
}

#[test]
fn a_wait_with_its_button_leaves_bar_and_controls_free() {
    let (mut window, outside) = playing();
    let page = make_small(&mut window);
    outside
        .change(|snapshot| snapshot.state = State::Buffering(player_core::snapshot::BufferingReason::NetworkTooSlow));
    outside.announce(Event::StallStarted { at: player_core::MediaTime::ZERO, reason: "video".to_owned() });
    for _ in 0..40 {
        show_controls(&mut window);
        window.run_steps(10);
    }
    let cancel = button(&window, "Cancel");
    assert!(page.contains_rect(cancel), "{cancel:?}");
    let bar = window.get_by_label("Position in seconds").rect();
    assert!(cancel.bottom() <= bar.top() && !cancel.intersects(button(&window, "Back")), "{cancel:?} {bar:?}");
    for status in window.query_all_by(|node| node.role() == Role::Status) {
        let rect = status.rect();
        assert!(rect.top() >= button(&window, "Back").bottom() && rect.bottom() <= bar.top(), "{rect:?}");
    }
}

#[test]
fn statistics_and_notices_leave_bar_controls_and_subtitles_free() {
    for size in [vec2(640.0, 360.0), vec2(1280.0, 720.0)] {
        let (mut window, outside) = playing();
        window.set_size(size);
        press(&mut window, Key::I);
        show_controls(&mut window);
        let statistics = window.get_by_label_contains("Statistics.").rect();
        let bar = window.get_by_label("Position in seconds").rect();
        assert!(window.ctx.content_rect().contains_rect(statistics), "{statistics:?} at {size:?}");
        assert!(statistics.bottom() <= bar.top() && statistics.top() >= button(&window, "Back").bottom());

        let error = PlayerError::warning(ErrorCode::AudioDeviceUnavailable, "no audio device could be opened");
        outside.announce(Event::Warning { error });
        settle(&mut window);
        let notice = window.query_all_by(|node| {
            node.role() == Role::Status && node.label().is_some_and(|words| words.contains("sound"))
        });
        let notice = notice.into_iter().next().expect("it is said").rect();
        assert!(window.ctx.content_rect().contains_rect(notice), "{notice:?} at {size:?}");
        assert!(notice.bottom() < size.y / 2.0, "subtitles are in the lower half: {notice:?} at {size:?}");
        assert!(size.x < 1280.0 || !notice.intersects(statistics), "{notice:?} {statistics:?}");
    }
}
