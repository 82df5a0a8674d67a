//! Who watches.

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use kinora_api::{Account, Profile};
use ui_desktop::api::{Reply, Request};
use ui_desktop::state::{Launch, Route};

use super::support::{Outside, account, card, home, open, settle, state};
use super::{Window, click, press};

fn family() -> Account {
    let kids = Profile { id: "p2".into(), name: "Kids".to_owned(), max_age: Some(6), ..Profile::default() };
    let mut account = account();
    account.profiles.push(kids);
    account
}

/// The form, filled in and sent.
fn signed_in_by_form() -> (Window, Outside) {
    let (mut window, outside) = open(Launch::Service { credentials: None });
    outside.reply(Reply::Restored(None));
    settle(&mut window);
    outside.reply(Reply::SignedIn(Ok(family())));
    outside.reply(Reply::ProfileInUse(Some("p1".into())));
    settle(&mut window);
    outside.take_asked();
    (window, outside)
}

#[test]
fn a_family_is_asked_who_watches_and_children_see_what_the_service_permits() {
    let (mut window, outside) = signed_in_by_form();
    assert_eq!(state(&window).route, Route::Profiles);
    window.get_by_role_and_label(Role::Heading, "Who's watching?");
    assert!(window.get_by_role_and_label(Role::Button, "Demo").is_focused());
    press(&mut window, Key::ArrowRight);
    assert!(window.get_by_role_and_label(Role::Button, "Kids, Films up to age 6").is_focused());
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_asked(), [Request::UseProfile(Some("p2".into())), Request::Home]);
    let mut late = home();
    late.rows[1].titles = vec![card("grown", "For Adults Only")];
    outside.reply(Reply::Home(Ok(late)));
    settle(&mut window);
    assert!(window.query_by_label_contains("For Adults Only").is_none(), "an answer for another profile is dropped");
    outside.reply(Reply::ProfileInUse(Some("p2".into())));
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    window.get_by_label_contains("Colony Nine");
    assert_eq!(state(&window).settings.profiles.get("a1"), Some(&"p2".into()));
}

#[test]
fn the_choice_is_kept_and_can_be_changed() {
    let (mut window, outside) = signed_in_by_form();
    press(&mut window, Key::Enter);
    assert_eq!(outside.take_asked(), [Request::Home], "requests name the first profile already");
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    click(&mut window, "Switch profile, now Demo");
    assert_eq!(state(&window).route, Route::Profiles);
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).route, Route::Home);
    outside.take_asked();
    click(&mut window, "Switch profile, now Demo");
    click(&mut window, "Kids, Films up to age 6");
    assert_eq!(outside.take_asked(), [Request::UseProfile(Some("p2".into())), Request::Home]);
    outside.reply(Reply::ProfileInUse(Some("p2".into())));
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    window.get_by_role_and_label(Role::Button, "Switch profile, now Kids");
    // The session of the next start goes on with the same profile.
    outside.reply(Reply::SignedOut);
    settle(&mut window);
    outside.reply(Reply::SignedIn(Ok(family())));
    settle(&mut window);
    assert_eq!(state(&window).route, Route::Home, "it is not asked again");
    assert_eq!(outside.take_asked(), [Request::UseProfile(Some("p2".into())), Request::Home]);
}

#[test]
fn an_account_with_one_profile_is_not_asked() {
    let (mut window, outside) = super::at_home();
    assert_eq!(state(&window).route, Route::Home);
    assert!(window.query_by_label_contains("Switch profile").is_none());
    outside.reply(Reply::SignedOut);
    settle(&mut window);
}
