//! Series, offers over the film and filters in windows of several sizes: nothing lies beyond the edge or on anything else.

use egui::accesskit::Role;
use egui::{Event, Key, Rect, vec2};
use egui_kittest::kittest::Queryable as _;
use kinora_api::{KindCount, SearchFilters, SearchResults, TitleKind};
use player_core::MediaTime;
use ui_desktop::api::{Companion, Reply, Sprites};

use super::support::{Outside, card, episode_page, found, series, settle};
use super::{Window, at_home, home, playing, press};

/// Windows in points: the first one, a low one, the smallest one.
const WINDOWS: [(f32, f32); 3] = [(1280.0, 720.0), (1067.0, 640.0), (640.0, 360.0)];

fn resize(window: &mut Window, (width, height): (f32, f32)) -> Rect {
    window.set_size(vec2(width, height));
    settle(window);
    window.ctx.content_rect()
}

fn button(window: &Window, name: &str) -> Rect {
    window.get_by_role_and_label(Role::Button, name).rect()
}

fn at_series() -> (Window, Outside) {
    let (mut window, outside) = at_home();
    let mut home = home();
    home.hero = Some(series().card);
    outside.reply(Reply::Home(Ok(home)));
    settle(&mut window);
    window.get_by_role_and_label(Role::Button, "Episodes").click();
    settle(&mut window);
    outside.reply(Reply::Title("harbour".into(), Ok(Box::new(series()))));
    settle(&mut window);
    (window, outside)
}

#[test]
fn an_episode_and_its_mark_lie_side_by_side() {
    for size in WINDOWS {
        let (mut window, _outside) = at_series();
        let page = resize(&mut window, size);
        let line = button(&window, "Play S1 E2, The Lock, 7 min left");
        let mark = button(&window, "Mark S1 E2 as watched");
        let below = button(&window, "Play S1 E3, The Tide, 10 min");
        assert!(line.left() >= page.left() && mark.right() <= page.right(), "{size:?}: {line:?} {mark:?}");
        assert!(!line.intersects(mark) && !line.intersects(below), "{size:?}: {line:?} {mark:?} {below:?}");
        assert!((line.center().y - mark.center().y).abs() < 1.0, "{size:?}");
    }
}

#[test]
fn what_is_offered_over_a_film_stands_clear_of_its_controls() {
    for size in WINDOWS {
        let (mut window, outside) = playing();
        let detail = kinora_api::TitleDetail {
            card: kinora_api::TitleCard { id: "hero".into(), ..episode_page().card },
            ..episode_page()
        };
        outside.reply(Reply::Companion("hero".into(), Box::new(Companion { detail, sprites: Sprites::default() })));
        outside.announce(player_core::Event::FirstFrame { pts: MediaTime::ZERO, latency: Default::default() });
        let page = resize(&mut window, size);
        let at = |seconds: i64, window: &mut Window| {
            outside.change(|snapshot| snapshot.position = MediaTime::from_millis(seconds * 1000));
            window.hover_at(page.center() + vec2(seconds as f32 % 7.0, 0.0));
            settle(window);
        };
        at(20, &mut window);
        let bar = window.get_by_label("Position in seconds").rect();
        let skip = button(&window, "Skip intro");
        assert!(page.contains_rect(skip) && skip.bottom() < bar.top(), "{size:?}: {skip:?} {bar:?}");
        let chapters = button(&window, "Chapters");
        assert!(page.contains_rect(chapters), "{size:?}: {chapters:?}");
        assert!(!chapters.intersects(button(&window, "Mute")), "{size:?}");
        at(565, &mut window);
        let next = window.get_by_role_and_label(Role::Status, "Next: S1 E3  ·  The Tide").rect();
        assert!(page.contains_rect(next) && next.bottom() < bar.top(), "{size:?}: {next:?}");
        for name in ["Play now", "Watch credits"] {
            assert!(next.contains_rect(button(&window, name)), "{size:?}: {name}");
        }
    }
}

#[test]
fn filters_stand_between_the_field_and_the_results() {
    for size in WINDOWS {
        let (mut window, outside) = at_home();
        let page = resize(&mut window, size);
        window.key_press(Key::Slash);
        window.event(Event::Text("/".to_owned()));
        settle(&mut window);
        window.event(Event::Text("night".to_owned()));
        window.run_steps(40);
        let filters =
            SearchFilters { kinds: vec![KindCount { value: TitleKind::Film, titles: 1 }], ..SearchFilters::default() };
        let titles = vec![card("t1", "Night Water")];
        outside.reply(found("nig", titles.clone()));
        let results = SearchResults { titles, filters, ..SearchResults::default() };
        outside.reply(Reply::Found("night".into(), Ok(results)));
        settle(&mut window);
        press(&mut window, Key::ArrowDown);
        press(&mut window, Key::Enter);
        let (field, kind) = (window.get_by_label("Search").rect(), button(&window, "Kind: any"));
        let value = window.get_by_role_and_label(Role::CheckBox, "Films").rect();
        let found = window.get_by_label_contains("Night Water").rect();
        let lines = [field, kind, value, found];
        assert!(lines.windows(2).all(|pair| pair[0].bottom() <= pair[1].top()), "{size:?}: {lines:?}");
        assert!(page.contains_rect(value), "{size:?}");
    }
}
