//! The smallest window, 480 by 270 pixels at the smallest scale: nothing lies on anything else or beyond the edge.

use egui::accesskit::Role;
use egui::{Key, Pos2, Rect, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use kinora_api::{ApiError, NowPlaying, PlaybackPhase, PlayingTitle};
use player_core::{ErrorCode, Event, PlayerError, State};
use ui_desktop::api::{Failure, Reply};
use ui_desktop::state::Launch;

use super::support::{Outside, account, detail, home, open, settle};
use super::{Window, at_home, playing, press};

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

/// A film that the account has no place for: two other devices play.
fn without_a_place() -> (Window, Outside) {
    let (mut window, outside) = at_home();
    window.get_by_role_and_label(Role::Button, "Play").click();
    settle(&mut window);
    let playing = ["Living room", "A tablet with a name that is much longer than its button"].map(|name| NowPlaying {
        playback_id: name.into(),
        device_name: name.to_owned(),
        is_this_device: false,
        title: Some(PlayingTitle { id: "t".into(), name: "A film with a name that needs its room too".to_owned() }),
        started_at: 0,
        position_ms: 0,
        duration_ms: 600_000,
        phase: PlaybackPhase::Playing,
    });
    let answer = ApiError::new(kinora_api::ErrorCode::TooManyStreams, "full").with_playing(playing.to_vec());
    let url = "http://127.0.0.1:1/v1/playback".parse().expect("a valid address");
    outside.reply(Reply::Granted("hero".into(), Err(Failure::refused(answer, 409, &url))));
    settle(&mut window);
    (window, outside)
}

#[test]
fn keys_reach_every_device_that_can_be_stopped() {
    for size in [vec2(640.0, 360.0), vec2(1280.0, 720.0)] {
        let (mut window, _outside) = without_a_place();
        window.set_size(size);
        settle(&mut window);
        window.check_accessibility();
        let page = window.ctx.content_rect();
        let card = window.query_all_by(|node| node.role() == Role::Alert).next().expect("a card").rect();
        assert!(page.contains_rect(card), "{card:?}");
        for name in ["Stop Living room and watch here", "Stop A tablet", "Try again", "Details"] {
            let place = window.get_by(|node| node.is_focused() && node.role() == Role::Button);
            assert!(
                place.accesskit_node().label().is_some_and(|label| label.starts_with(name)),
                "{:?}, not {name}",
                place.accesskit_node().label()
            );
            let rect = place.rect();
            assert!(card.contains_rect(rect), "{name} at {rect:?} of {card:?}");
            press(&mut window, Key::ArrowDown);
            window.run_steps(20);
        }
    }
}

#[test]
fn the_marks_of_a_title_stay_in_the_window() {
    let (mut window, outside) = at_home();
    let page = make_small(&mut window);
    window.get_by_role_and_label(Role::Button, "Details").click();
    settle(&mut window);
    let mut begun = home().rows[0].titles[0].clone();
    begun.id = "hero".into();
    outside.reply(Reply::Title("hero".into(), Ok(Box::new(detail(begun)))));
    settle(&mut window);
    window.check_accessibility();
    let name = window.get_by_label("Infinite Coast").rect();
    for mark in ["Add to My list", "Mark as watched", "Remove from Continue watching", "Like", "Not interested"] {
        let rect = button(&window, mark);
        assert!(rect.left() > 0.0 && rect.right() < page.right(), "{mark} at {rect:?}");
    }
    let text = window.get_by_label("Second paragraph.").rect();
    assert!((text.left() - name.left()).abs() < 1.0, "the text stands below the name: {text:?} {name:?}");
    assert!(text.top() > button(&window, "Not interested").bottom());
}

#[test]
fn the_offer_of_another_device_is_seen_with_the_focus() {
    let (mut window, outside) = at_home();
    let page = make_small(&mut window);
    outside.reply(Reply::NowPlaying(vec![NowPlaying {
        playback_id: "tv".into(),
        device_name: "A television with a name that is longer than any line of a small window has room for".to_owned(),
        is_this_device: false,
        title: Some(PlayingTitle { id: "t1".into(), name: "Slow Light".to_owned() }),
        started_at: 0,
        position_ms: 0,
        duration_ms: 600_000,
        phase: PlaybackPhase::Paused,
    }]));
    settle(&mut window);
    press(&mut window, Key::ArrowDown);
    window.run_steps(20);
    let offer = window.get_by(|node| node.is_focused() && node.role() == Role::Button);
    assert!(offer.accesskit_node().label().is_some_and(|label| label.starts_with("Continue from A television")));
    assert!(page.contains_rect(offer.rect()), "{:?}", offer.rect());
}
