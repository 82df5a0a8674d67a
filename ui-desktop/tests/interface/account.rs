//! Pages about the account in windows of three sizes: everything is inside, nothing lies on anything else, the focus is seen.

use egui::accesskit::Role;
use egui::{Key, Rect, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use kinora_api::{Account, Device, DeviceAuthorization, Profile};
use ui_desktop::api::{AccountReply, Reply};
use ui_desktop::state::{Launch, Route};

use super::navigation::focus_is_seen;
use super::support::{Outside, account, open, settle, state};
use super::{Window, press};

/// Sizes in points: the first window, one of 800 by 480 pixels, the smallest one.
const SIZES: [egui::Vec2; 3] = [vec2(1280.0, 720.0), vec2(1066.0, 640.0), vec2(640.0, 360.0)];

fn five_profiles() -> Account {
    let profile = |number: u8| Profile {
        id: format!("p{number}").as_str().into(),
        name: format!("Somebody with a long name {number}"),
        max_age: (number > 2).then_some(12),
        avatar: (number > 1).then(|| kinora_api::AVATARS[usize::from(number)].to_owned()),
        locked: number < 3,
        ..Profile::default()
    };
    Account { has_pin: true, profiles: (1..=4).map(profile).collect(), ..account() }
}

fn before_sign_in(size: egui::Vec2) -> (Window, Outside) {
    let (mut window, outside) = open(Launch::Service { credentials: None });
    window.set_size(size);
    outside.reply(Reply::Restored(None));
    settle(&mut window);
    (window, outside)
}

fn at_profiles(size: egui::Vec2) -> (Window, Outside) {
    let (mut window, outside) = before_sign_in(size);
    outside.reply(Reply::SignedIn(Ok(five_profiles())));
    settle(&mut window);
    assert_eq!(state(&window).route, Route::Profiles);
    (window, outside)
}

/// Moves the focus to a widget by its name, wherever the page has to scroll to, and presses Enter.
fn push(window: &mut Window, role: Role, name: &str) {
    window.get_by_role_and_label(role, name).focus();
    window.run_steps(20);
    press(window, Key::Enter);
    window.run_steps(20);
}

/// Goes through the page by Tab and by arrows: each time what has the focus is inside the window. Returns the names.
#[track_caller]
fn walk(window: &mut Window, after: &str) -> std::collections::BTreeSet<String> {
    let mut seen = std::collections::BTreeSet::new();
    let tabs = std::iter::repeat_n(Key::Tab, 24);
    let arrows = std::iter::repeat_n([Key::ArrowDown, Key::ArrowRight, Key::ArrowUp, Key::ArrowDown], 8).flatten();
    for key in tabs.chain(arrows) {
        press(window, key);
        window.run_steps(14);
        seen.insert(focus_is_seen(window, &format!("{key:?} on {after} at {:?}", window.ctx.content_rect().size())));
    }
    seen
}

/// Rectangles of the buttons and fields with a name that lie inside the window.
fn controls(window: &Window) -> Vec<(String, Rect)> {
    let is_control =
        |role: Role| matches!(role, Role::Button | Role::RadioButton | Role::TextInput | Role::PasswordInput);
    let page = window.ctx.content_rect();
    let found = window.query_all_by(|node| is_control(node.role()));
    let named = found.map(|node| (node.accesskit_node().label().unwrap_or_default(), node.rect()));
    named.filter(|(_, rect)| page.contains_rect(*rect)).collect()
}

/// Nothing that can be pressed lies on something else that can be, but for the eye in a password field.
#[track_caller]
fn check_apart(window: &Window, page: &str) {
    let controls = controls(window);
    assert!(!controls.is_empty(), "{page} has controls");
    for (index, (name, rect)) in controls.iter().enumerate() {
        for (other, place) in &controls[index + 1..] {
            let is_eye = name.ends_with(" password") || other.ends_with(" password");
            assert!(is_eye || !rect.intersects(*place), "{name} {rect:?} lies on {other} {place:?} on {page}");
        }
    }
    window.check_accessibility();
}

#[test]
fn the_pages_before_the_sign_in_fit_and_their_focus_is_seen() {
    for size in SIZES {
        for page in ["", "Create an account", "Forgot password?"] {
            let (mut window, _outside) = before_sign_in(size);
            if !page.is_empty() {
                push(&mut window, Role::Button, page);
            }
            if size.y > 600.0 {
                check_apart(&window, page);
            }
            let seen = walk(&mut window, page);
            let last = if page.is_empty() { "Forgot password?" } else { "Back to sign-in" };
            assert!(seen.contains(last) && seen.contains("E-mail"), "{page} at {size:?}: {seen:?}");
        }
    }
}

#[test]
fn the_code_for_the_phone_is_large_and_stands_beside_its_picture() {
    for size in SIZES {
        let (mut window, outside) = before_sign_in(size);
        push(&mut window, Role::Button, "Sign in with your phone");
        outside.reply(Reply::Account(AccountReply::CodeBegun(Ok(DeviceAuthorization {
            device_code: "d".into(),
            user_code: "WWWW-WWWW".to_owned(),
            verification_uri: "https://a-long-name-of-a-service.example/link".to_owned(),
            verification_uri_complete: "https://a-long-name-of-a-service.example/link?code=WWWW-WWWW".to_owned(),
            expires_in: 600,
            interval: 5,
        }))));
        window.run_steps(20);
        let picture = window.get_by_label_contains("QR code that leads").rect();
        let code = window.get_by_label("Code WWWW-WWWW").rect();
        assert!((picture.width() - picture.height()).abs() < 0.5 && picture.width() >= 200.0, "{picture:?}");
        assert!(code.height() >= 40.0 && !code.intersects(picture), "{code:?} {picture:?}");
        if size.y > 600.0 {
            let page = window.ctx.content_rect();
            assert!(page.contains_rect(picture) && page.contains_rect(code), "{picture:?} {code:?} at {size:?}");
            assert!(code.left() > picture.right());
            check_apart(&window, "the phone");
        }
        press(&mut window, Key::Tab);
        window.run_steps(20);
        assert_eq!(focus_is_seen(&window, "Tab"), "Use your password instead");
    }
}

#[test]
fn profiles_and_their_pages_fit_and_their_focus_is_seen() {
    for size in SIZES {
        let (mut window, _outside) = at_profiles(size);
        window.run_steps(20);
        check_apart(&window, "profiles");
        let seen = walk(&mut window, "profiles");
        for name in ["Somebody with a long name 4, Films up to age 12", "Add a profile", "Edit profiles", "Account"] {
            assert!(seen.contains(name), "{name} at {size:?}: {seen:?}");
        }
        push(&mut window, Role::Button, "Add a profile");
        assert_eq!(state(&window).route, Route::EditProfile);
        check_apart(&window, "a new profile");
        walk(&mut window, "a new profile");
        for name in ["Picture: wave", "Polski", "On black", "Save", "Cancel"] {
            let role = if matches!(name, "Save" | "Cancel") { Role::Button } else { Role::RadioButton };
            window.get_by_role_and_label(role, name).focus();
            window.run_steps(20);
            assert_eq!(focus_is_seen(&window, name), name);
        }
    }
}

#[test]
fn dialogs_hold_the_focus_and_fit() {
    for size in SIZES {
        let (mut window, _outside) = at_profiles(size);
        push(&mut window, Role::Button, "Somebody with a long name 1, locked");
        if size.y > 600.0 {
            let page = window.ctx.content_rect();
            for name in ["1", "0", "Erase", "OK"] {
                let key = window.get_by_role_and_label(Role::Button, name).rect();
                assert!(page.contains_rect(key), "{name} {key:?} at {size:?}");
            }
            let middle = window.get_by_role_and_label(Role::Button, "8").rect().center().x;
            assert!((middle - page.center().x).abs() < 1.0, "the pad stands in the middle: {middle}");
        }
        let seen = walk(&mut window, "the PIN pad");
        let keys = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "Cancel", "Erase", "OK"];
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), keys, "and nothing of the page behind");
        press(&mut window, Key::Escape);
        window.run_steps(10);
        assert!(focus_is_seen(&window, "Escape").starts_with("Somebody with a long name 1"), "the focus is back");
    }
}

#[test]
fn the_account_page_fits_and_its_focus_is_seen() {
    for size in SIZES {
        let (mut window, outside) = at_profiles(size);
        push(&mut window, Role::Button, "Account");
        let device = |id: &str, this: bool| Device {
            id: id.into(),
            name: format!("A television with a very long name in the room number {id}"),
            platform: "linux-desktop".to_owned(),
            signed_in_at: 0,
            last_seen_at: 0,
            this,
        };
        let devices = vec![device("1", true), device("2", false), device("3", false)];
        outside.reply(Reply::Account(AccountReply::Devices(Ok(devices))));
        window.run_steps(20);
        check_apart(&window, "the account page");
        let seen = walk(&mut window, "the account page");
        for name in ["Change e-mail", "Change password", "Change PIN", "Remove PIN", "Erase account", "Back"] {
            assert!(seen.contains(name), "{name} at {size:?}: {seen:?}");
        }
        push(&mut window, Role::Button, "Change password");
        let seen = walk(&mut window, "a dialog with fields");
        assert!(seen.contains("New password") && seen.contains("Cancel"), "{seen:?}");
        assert!(!seen.contains("Erase account"), "{seen:?}");
    }
}
