//! The account page: devices, password, address, PIN, and the end of the account.

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use kinora_api::{Account, ChangeEmail, ChangePassword, Device, ErrorCode, PinRequest};
use ui_desktop::api::{AccountReply, AccountRequest, Reply, Request, Told};
use ui_desktop::state::{DialogKind, Route};

use super::sign_in::{asked, refused};
use super::support::{Outside, account, settle, state};
use super::{Window, at_home, click, press};

fn device(id: &str, name: &str, this: bool) -> Device {
    Device {
        id: id.into(),
        name: name.to_owned(),
        platform: "linux-desktop".to_owned(),
        signed_in_at: 0,
        last_seen_at: 0,
        this,
    }
}

fn account_page() -> (Window, Outside) {
    let (mut window, outside) = at_home();
    click(&mut window, "Settings of Demo");
    click(&mut window, "Account");
    assert_eq!(state(&window).route, Route::Account);
    assert_eq!(asked(&outside), [AccountRequest::Describe, AccountRequest::Devices]);
    let devices = vec![device("d1", "Sofa", true), device("d2", "Kitchen", false)];
    outside.reply(Reply::Account(AccountReply::Devices(Ok(devices))));
    settle(&mut window);
    (window, outside)
}

fn told(window: &mut Window, outside: &Outside, told: Told, result: Result<(), ErrorCode>) {
    outside.reply(Reply::Account(AccountReply::Told(told, result.map_err(refused))));
    settle(window);
}

/// Types into the fields of the dialog, the first of which has the focus, and sends them.
fn fill(window: &mut Window, texts: &[&str]) {
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            press(window, Key::ArrowDown);
        }
        window.event(egui::Event::Text((*text).to_owned()));
        settle(window);
    }
    press(window, Key::Enter);
}

#[test]
fn a_device_is_signed_out_after_a_question_and_this_one_is_marked() {
    let (mut window, outside) = account_page();
    window.get_by_label_contains("Sofa, linux-desktop · this device");
    assert!(window.query_by_label("Sign out Sofa").is_none());
    click(&mut window, "Sign out Kitchen");
    window.get_by_role_and_label(Role::Heading, "Sign out Kitchen?");
    assert!(window.get_by_role_and_label(Role::Button, "Cancel").is_focused());
    assert!(asked(&outside).is_empty());
    click(&mut window, "Sign out");
    assert_eq!(asked(&outside), [AccountRequest::SignOutDevice("d2".into())]);
    told(&mut window, &outside, Told::DeviceSignedOut("d2".into()), Err(ErrorCode::DeviceNotFound));
    window.get_by_label("This device is signed out already. There is nothing more to do.");
    click(&mut window, "Sign out");
    told(&mut window, &outside, Told::DeviceSignedOut("d2".into()), Ok(()));
    assert!(window.query_by_label_contains("Kitchen").is_none());
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).route, Route::Home);
}

#[test]
fn the_password_is_changed_by_who_knows_the_present_one() {
    let (mut window, outside) = account_page();
    click(&mut window, "Change password");
    fill(&mut window, &["old"]);
    window.get_by_label("Fill in every field.");
    press(&mut window, Key::Escape);
    click(&mut window, "Change password");
    fill(&mut window, &["old", "new"]);
    let change = ChangePassword { present: "old".into(), new: "new".into() };
    assert_eq!(asked(&outside), [AccountRequest::ChangePassword(change)]);
    told(&mut window, &outside, Told::PasswordChanged, Err(ErrorCode::NotAuthorised));
    window.get_by_label("The password is wrong.");
    click(&mut window, "Cancel");
    click(&mut window, "Change password");
    fill(&mut window, &["right", "new"]);
    asked(&outside);
    told(&mut window, &outside, Told::PasswordChanged, Ok(()));
    window.get_by_label("Your password was changed. All other devices were signed out.");
    assert_eq!(asked(&outside), [AccountRequest::Devices]);
}

#[test]
fn the_address_is_changed_by_a_code_to_the_new_one() {
    let (mut window, outside) = account_page();
    click(&mut window, "Change e-mail");
    fill(&mut window, &["new@kinora.example", "secret"]);
    let change = ChangeEmail { email: "new@kinora.example".to_owned(), password: "secret".into() };
    assert_eq!(asked(&outside), [AccountRequest::ChangeEmail(change)]);
    told(&mut window, &outside, Told::EmailAsked, Ok(()));
    window.get_by_label_contains("If none comes, that address has an account already.");
    fill(&mut window, &["BCDF-GHJK"]);
    assert_eq!(asked(&outside), [AccountRequest::ConfirmEmail("BCDF-GHJK".into())]);
    told(&mut window, &outside, Told::EmailChanged, Err(ErrorCode::CodeInvalid));
    window.get_by_label("This code is wrong or has expired. Check the newest mail, or begin again.");
    told(&mut window, &outside, Told::EmailChanged, Ok(()));
    assert_eq!(asked(&outside), [AccountRequest::Describe]);
    let changed = Account { email: "new@kinora.example".to_owned(), ..account() };
    outside.reply(Reply::Account(AccountReply::Described(Ok(changed))));
    settle(&mut window);
    window.get_by_label("new@kinora.example, E-mail address");
}

#[test]
fn a_pin_is_set_and_removed_with_the_password_and_the_one_who_set_it_goes_on() {
    let (mut window, outside) = account_page();
    click(&mut window, "Set PIN");
    fill(&mut window, &["12x34", "secret"]);
    let set =
        |pin: Option<&str>| AccountRequest::SetPin(PinRequest { pin: pin.map(Into::into), password: "secret".into() });
    assert_eq!(asked(&outside), [set(Some("1234"))], "letters are no part of it");
    told(&mut window, &outside, Told::PinSet, Ok(()));
    window.get_by_label("The PIN was set.");
    assert_eq!(asked(&outside), [AccountRequest::Enter { id: "p1".into(), pin: Some("1234".into()) }]);
    outside.reply(Reply::Account(AccountReply::Described(Ok(Account { has_pin: true, ..account() }))));
    settle(&mut window);
    click(&mut window, "Remove PIN");
    fill(&mut window, &["secret"]);
    assert_eq!(asked(&outside), [set(None)]);
    told(&mut window, &outside, Told::PinSet, Ok(()));
    window.get_by_label("The PIN was removed.");
    assert_eq!(asked(&outside), [AccountRequest::Describe]);
}

#[test]
fn the_account_is_erased_with_its_password_and_nothing_of_it_stays() {
    let (mut window, outside) = account_page();
    click(&mut window, "Erase account");
    window.get_by_role_and_label(Role::Heading, "Erase your account?");
    assert_eq!(state(&window).accounts.dialog.as_ref().map(|dialog| &dialog.kind), Some(&DialogKind::Erase));
    press(&mut window, Key::Enter);
    window.get_by_label("Fill in every field.");
    fill(&mut window, &["secret"]);
    assert_eq!(asked(&outside), [AccountRequest::Erase("secret".into())]);
    told(&mut window, &outside, Told::Erased, Ok(()));
    let state = state(&window);
    assert_eq!((&state.route, &state.account, state.settings.last_email.as_str()), (&Route::SignIn, &None, ""));
    assert!(state.accounts.dialog.is_none() && state.sign_in.email.is_empty());
    window.get_by_label("Your account was erased.");
    assert!(!outside.take_asked().contains(&Request::SignOut), "there is nobody to sign out");
}
