//! Profiles of a family: a PIN for some of them, and pages on which they are made, changed and deleted.

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use kinora_api::{Account, Authority, ErrorCode, Profile, ProfileRequest, SubtitleColour, SubtitleStyle};
use ui_desktop::api::{AccountReply, AccountRequest, Reply, Request, Told};
use ui_desktop::state::{Launch, Route, watching};

use super::sign_in::{asked, refused};
use super::support::{Outside, account, home, open, settle, state};
use super::{Window, click, press};

/// A parent and a child; with a PIN, `entered` is the profile that this device has entered.
fn family(has_pin: bool, entered: &str) -> Account {
    let kids = Profile { id: "p2".into(), name: "Kids".to_owned(), max_age: Some(6), ..Profile::default() };
    let mut account = Account { has_pin, ..account() };
    account.profiles.push(kids);
    account.profiles[0].locked = has_pin && entered != "p1";
    account
}

fn signed_in(account: Account) -> (Window, Outside) {
    let (mut window, outside) = open(Launch::Service { credentials: None });
    outside.reply(Reply::Restored(None));
    settle(&mut window);
    outside.reply(Reply::SignedIn(Ok(account)));
    outside.reply(Reply::ProfileInUse(Some("p1".into())));
    settle(&mut window);
    outside.take_asked();
    (window, outside)
}

/// Presses a button that may be scrolled out of sight.
fn push(window: &mut Window, role: Role, name: &str) {
    window.get_by_role_and_label(role, name).focus();
    window.run_steps(20);
    press(window, Key::Enter);
}

fn account_reply(window: &mut Window, outside: &Outside, reply: AccountReply) {
    outside.reply(Reply::Account(reply));
    settle(window);
}

#[test]
fn a_locked_profile_is_entered_with_its_pin_and_a_wrong_one_is_said_to_be_wrong() {
    let (mut window, outside) = signed_in(family(true, ""));
    assert_eq!(state(&window).route, Route::Profiles);
    click(&mut window, "Demo, locked");
    window.get_by_role_and_label(Role::Heading, "PIN for Demo");
    assert!(window.get_by_role_and_label(Role::Button, "5").is_focused());
    for key in [Key::Num1, Key::Num2, Key::Num9] {
        press(&mut window, key);
    }
    press(&mut window, Key::Enter);
    window.get_by_label("A PIN has at least four digits.");
    assert!(asked(&outside).is_empty());
    assert!(window.get_by_role_and_label(Role::Button, "OK").is_focused(), "the words move nothing");
    press(&mut window, Key::Backspace);
    for key in [Key::Num3, Key::Num4, Key::Enter] {
        press(&mut window, key);
    }
    let enter = |pin: &str| AccountRequest::Enter { id: "p1".into(), pin: Some(pin.into()) };
    assert_eq!(asked(&outside), [enter("1234")]);
    account_reply(&mut window, &outside, AccountReply::Entered("p1".into(), Err(refused(ErrorCode::NotAuthorised))));
    window.get_by_label("This PIN is wrong. Try again.");
    window.get_by_role_and_label(Role::Status, "0 digits entered");
    for key in [Key::Num4, Key::Num3, Key::Num2, Key::Num1, Key::Enter] {
        press(&mut window, key);
    }
    assert_eq!(asked(&outside), [enter("4321")]);
    let demo = Profile { locked: false, ..family(true, "p1").profiles[0].clone() };
    account_reply(&mut window, &outside, AccountReply::Entered("p1".into(), Ok(demo)));
    assert_eq!(state(&window).route, Route::Home);
    let asked = outside.take_asked();
    assert!(asked.contains(&Request::UseProfile(Some("p1".into()))) && asked.contains(&Request::Home), "{asked:?}");
    assert!(asked.contains(&Request::Account(AccountRequest::Describe)), "other profiles may be open now: {asked:?}");
}

#[test]
fn the_pin_pad_is_usable_with_arrows_and_enter_alone() {
    let (mut window, outside) = signed_in(family(true, ""));
    click(&mut window, "Demo, locked");
    // From 5: 2 and 3, of which the last is erased, then 9, 6, 5, 4.
    let keys = "U E R E D D D E U E U E L E L E";
    for key in keys.split(' ') {
        let key = match key {
            "U" => Key::ArrowUp,
            "D" => Key::ArrowDown,
            "L" => Key::ArrowLeft,
            "R" => Key::ArrowRight,
            _ => Key::Enter,
        };
        press(&mut window, key);
    }
    assert_eq!(state(&window).accounts.dialog.as_ref().map(|dialog| dialog.pin.as_str()), Some("29654"));
    for _ in 0..6 {
        if window.get_by_role_and_label(Role::Button, "OK").is_focused() {
            break;
        }
        press(&mut window, Key::ArrowDown);
    }
    press(&mut window, Key::Enter);
    assert_eq!(asked(&outside), [AccountRequest::Enter { id: "p1".into(), pin: Some("29654".into()) }]);
    press(&mut window, Key::Escape);
    assert!(state(&window).accounts.dialog.is_some(), "an answer is awaited");
    account_reply(&mut window, &outside, AccountReply::Entered("p1".into(), Err(refused(ErrorCode::NotAuthorised))));
    press(&mut window, Key::Escape);
    assert!(state(&window).accounts.dialog.is_none());
    assert_eq!(state(&window).route, Route::Profiles);
}

#[test]
fn choosing_the_children_locks_the_parents_again_and_a_start_asks_for_the_pin() {
    let (mut window, outside) = signed_in(family(true, "p1"));
    click(&mut window, "Kids, Films up to age 6");
    assert_eq!(asked(&outside), [AccountRequest::Enter { id: "p2".into(), pin: None }]);
    assert_eq!(state(&window).route, Route::Home);
    let kids = family(true, "").profiles[1].clone();
    account_reply(&mut window, &outside, AccountReply::Entered("p2".into(), Ok(kids)));
    assert_eq!(asked(&outside), [AccountRequest::Describe]);
    account_reply(&mut window, &outside, AccountReply::Described(Ok(family(true, "p2"))));
    assert_eq!(state(&window).route, Route::Home, "the children go on");
    click(&mut window, "Switch profile, now Kids");
    window.get_by_role_and_label(Role::Button, "Demo, locked");

    // The next start goes on with the profile of the last one, if it may.
    let start = |chosen: &str| {
        let file = ui_desktop::settings_file::SettingsFile::new(None);
        let (mut window, outside) = super::open_with(Launch::Service { credentials: None }, file, |app| app);
        outside.reply(Reply::Restored(Some(family(true, "p1"))));
        outside.reply(Reply::ProfileInUse(Some("p1".into())));
        settle(&mut window);
        press(&mut window, Key::Escape);
        outside.reply(Reply::Home(Ok(home())));
        settle(&mut window);
        click(&mut window, "Switch profile, now Demo");
        click(&mut window, chosen);
        outside.reply(Reply::Restored(Some(family(true, ""))));
        settle(&mut window);
        window
    };
    let window = start("Demo");
    assert_eq!(state(&window).route, Route::Profiles);
    window.get_by_role_and_label(Role::Heading, "PIN for Demo");
    assert!(state(&window).home.data.ready().is_none(), "nothing of the parents is on screen");
    let window = start("Kids, Films up to age 6");
    assert_eq!(state(&window).route, Route::Home);
}

#[test]
fn a_profile_that_was_locked_elsewhere_leaves_the_screen() {
    let (mut window, outside) = signed_in(family(false, ""));
    press(&mut window, Key::Enter);
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    assert_eq!(state(&window).route, Route::Home);
    outside.take_asked();
    outside.reply(Reply::Home(Err(refused(ErrorCode::ProfileLocked))));
    settle(&mut window);
    assert!(state(&window).outage.is_none(), "a refusal is no outage");
    assert_eq!(asked(&outside), [AccountRequest::Describe]);
    account_reply(&mut window, &outside, AccountReply::Described(Ok(family(true, ""))));
    assert_eq!(state(&window).route, Route::Profiles);
    window.get_by_role_and_label(Role::Heading, "PIN for Demo");
}

#[test]
fn a_profile_is_made_with_all_its_settings() {
    let (mut window, outside) = signed_in(family(false, ""));
    click(&mut window, "Add a profile");
    assert_eq!(state(&window).route, Route::EditProfile);
    push(&mut window, Role::Button, "Save");
    window.get_by_label("Enter a name.");
    window.get_by_role_and_label(Role::TextInput, "Name").focus();
    settle(&mut window);
    window.get_by_role_and_label(Role::TextInput, "Name").type_text(" Robin ");
    settle(&mut window);
    for chip in ["Picture: owl", "Up to age 12", "Deutsch", "Yellow", "Use little data"] {
        push(&mut window, Role::RadioButton, chip);
    }
    push(&mut window, Role::Button, "Save");
    let settings = ProfileRequest {
        name: "Robin".to_owned(),
        max_age: Some(12),
        language: Some("de".to_owned()),
        avatar: Some("owl".to_owned()),
        subtitle_style: Some(SubtitleStyle { colour: SubtitleColour::Yellow, ..SubtitleStyle::default() }),
        data_saver: true,
        authority: None,
    };
    assert_eq!(asked(&outside), [AccountRequest::SaveProfile { id: None, settings }]);
    account_reply(&mut window, &outside, AccountReply::ProfileSaved(Err(refused(ErrorCode::ProfileLimit))));
    window.get_by_label("Your account has five profiles already. Delete one first.");
    push(&mut window, Role::Button, "Save");
    asked(&outside);
    let robin = Profile { id: "p3".into(), name: "Robin".to_owned(), max_age: Some(12), ..Profile::default() };
    account_reply(&mut window, &outside, AccountReply::ProfileSaved(Ok(robin)));
    assert_eq!(state(&window).route, Route::Profiles);
    window.get_by_role_and_label(Role::Button, "Robin, Films up to age 12");
    assert_eq!(asked(&outside), [AccountRequest::Describe]);
}

#[test]
fn five_profiles_are_the_most() {
    let mut account = family(false, "");
    for number in 3..=5 {
        let id = format!("p{number}");
        account.profiles.push(Profile { id: id.as_str().into(), name: id, ..Profile::default() });
    }
    let (window, _outside) = signed_in(account);
    window.get_by_role_and_label(Role::Button, "p5");
    assert!(window.query_by_label("Add a profile").is_none());
}

#[test]
fn an_age_limit_is_changed_with_the_pin_and_a_name_without() {
    let (mut window, outside) = signed_in(family(true, "p1"));
    click(&mut window, "Edit profiles");
    click(&mut window, "Edit Kids, Films up to age 6");
    push(&mut window, Role::RadioButton, "Picture: cat");
    push(&mut window, Role::Button, "Save");
    let kids = ProfileRequest {
        name: "Kids".to_owned(),
        max_age: Some(6),
        avatar: Some("cat".to_owned()),
        ..ProfileRequest::default()
    };
    let save = |settings: ProfileRequest| AccountRequest::SaveProfile { id: Some("p2".into()), settings };
    assert_eq!(asked(&outside), [save(kids.clone())]);
    account_reply(&mut window, &outside, AccountReply::ProfileSaved(Err(super::away())));
    push(&mut window, Role::RadioButton, "Up to age 12");
    push(&mut window, Role::Button, "Save");
    assert!(asked(&outside).is_empty(), "the PIN comes first");
    for key in [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Enter] {
        press(&mut window, key);
    }
    let authority = Some(Authority::Pin("1234".into()));
    assert_eq!(asked(&outside), [save(ProfileRequest { max_age: Some(12), authority, ..kids })]);
    account_reply(&mut window, &outside, AccountReply::ProfileSaved(Err(refused(ErrorCode::NotAuthorised))));
    window.get_by_label("This PIN is wrong. Try again.");
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).route, Route::EditProfile, "the page is there with what was changed");
    assert_eq!(state(&window).accounts.editor.as_ref().map(|editor| editor.draft.max_age), Some(Some(12)));
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).route, Route::Profiles);
}

#[test]
fn a_profile_is_deleted_after_a_question() {
    let (mut window, outside) = signed_in(family(false, ""));
    press(&mut window, Key::Enter);
    outside.reply(Reply::Home(Ok(home())));
    settle(&mut window);
    assert_eq!(watching(state(&window)).map(|profile| profile.id.as_str()), Some("p1"));
    click(&mut window, "Switch profile, now Demo");
    click(&mut window, "Edit profiles");
    click(&mut window, "Edit Demo");
    push(&mut window, Role::Button, "Delete profile");
    window.get_by_role_and_label(Role::Heading, "Delete Demo?");
    press(&mut window, Key::Enter);
    assert!(state(&window).accounts.dialog.is_none(), "Enter alone deletes nothing");
    push(&mut window, Role::Button, "Delete profile");
    asked(&outside);
    press(&mut window, Key::ArrowUp);
    press(&mut window, Key::Enter);
    assert_eq!(asked(&outside), [AccountRequest::DeleteProfile { id: "p1".into(), authority: None }]);
    account_reply(&mut window, &outside, AccountReply::Told(Told::ProfileDeleted("p1".into()), Ok(())));
    assert_eq!(state(&window).route, Route::Profiles, "somebody else has to watch");
    assert!(state(&window).home.data.ready().is_none());
    window.get_by_label("The profile was deleted.");
    assert!(window.query_by_label("Demo").is_none());
}

#[test]
fn a_start_without_the_service_shows_nothing_of_a_locked_profile() {
    let start = |account: Account| {
        let (mut window, outside) = open(Launch::Service { credentials: None });
        let seen = |profile: Option<&str>| ui_desktop::api::LastSeen {
            profile: profile.map(Into::into),
            seen_at: 0,
            home: home(),
        };
        let homes = vec![seen(None), seen(Some("p1"))];
        outside.reply(Reply::Offline { failure: super::away(), account: Some(account), homes });
        settle(&mut window);
        (window, outside)
    };
    let (window, _outside) = start(family(true, "p1"));
    assert!(state(&window).home.data.ready().is_some(), "an open one is shown as it was");
    let (mut window, outside) = start(family(true, ""));
    assert!(state(&window).home.data.ready().is_none());
    assert!(window.query_by_label_contains("Colony Nine").is_none());
    outside.reply(Reply::Restored(Some(family(true, ""))));
    settle(&mut window);
    assert_eq!(state(&window).route, Route::Profiles);
    window.get_by_role_and_label(Role::Button, "Demo, locked");
}
