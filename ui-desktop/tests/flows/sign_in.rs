//! Ways to sign in: a code on a phone, a new account, a forgotten password.

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use kinora_api::{ApiError, DeviceAuthorization, ErrorCode, RegisterRequest, ResetPassword};
use ui_desktop::api::{AccountReply, AccountRequest, Failure, Reply, Request, Told};
use ui_desktop::state::{Credentials, Launch, PhoneSignIn, Route, SignInPage};

use super::support::{Outside, account, open, settle, state};
use super::{Window, away, click, pass, press};

pub fn refused(code: ErrorCode) -> Failure {
    let url = "http://127.0.0.1:1/v1/x".parse().expect("a valid address");
    Failure::refused(ApiError::new(code, "no"), code.http_status(), &url)
}

pub fn asked(outside: &Outside) -> Vec<AccountRequest> {
    let of_account = |request| match request {
        Request::Account(request) => Some(request),
        _ => None,
    };
    outside.take_asked().into_iter().filter_map(of_account).collect()
}

fn form() -> (Window, Outside) {
    let (mut window, outside) = open(Launch::Service { credentials: None });
    outside.reply(Reply::Restored(None));
    settle(&mut window);
    outside.take_asked();
    (window, outside)
}

fn type_into(window: &mut Window, role: Role, field: &str, text: &str) {
    window.get_by_role_and_label(role, field).focus();
    settle(window);
    window.get_by_role_and_label(role, field).type_text(text);
    settle(window);
}

fn codes(device_code: &str) -> DeviceAuthorization {
    DeviceAuthorization {
        device_code: device_code.into(),
        user_code: "BCDF-GHJK".to_owned(),
        verification_uri: "https://kinora.example/link".to_owned(),
        verification_uri_complete: "https://kinora.example/link?code=BCDF-GHJK".to_owned(),
        expires_in: 600,
        interval: 5,
    }
}

/// The page with a code on it.
fn on_phone() -> (Window, Outside) {
    let (mut window, outside) = form();
    click(&mut window, "Sign in with your phone");
    assert_eq!(asked(&outside), [AccountRequest::BeginCode]);
    window.get_by_role_and_label(Role::Status, "Getting a code…");
    outside.reply(Reply::Account(AccountReply::CodeBegun(Ok(codes("d1")))));
    settle(&mut window);
    (window, outside)
}

fn answer(window: &mut Window, outside: &Outside, code: ErrorCode) {
    outside.reply(Reply::Account(AccountReply::CodeAsked("d1".into(), refused(code))));
    settle(window);
}

#[test]
fn a_code_is_shown_asked_about_at_its_interval_and_signs_in() {
    let (mut window, outside) = on_phone();
    window.get_by_label("Code BCDF-GHJK");
    window.get_by_label("kinora.example/link");
    window.get_by_label("QR code that leads to https://kinora.example/link?code=BCDF-GHJK");
    assert!(asked(&outside).is_empty(), "not before the interval has passed");
    let ask = AccountRequest::AskCode("d1".into());
    pass(&mut window, 5.2);
    assert_eq!(asked(&outside), std::slice::from_ref(&ask));
    pass(&mut window, 20.0);
    assert!(asked(&outside).is_empty(), "one question at a time");
    answer(&mut window, &outside, ErrorCode::AuthorizationPending);
    pass(&mut window, 5.2);
    assert_eq!(asked(&outside), std::slice::from_ref(&ask));
    answer(&mut window, &outside, ErrorCode::SlowDown);
    pass(&mut window, 8.0);
    assert!(asked(&outside).is_empty(), "the interval is five seconds longer");
    pass(&mut window, 2.2);
    assert_eq!(asked(&outside), std::slice::from_ref(&ask));
    outside.reply(Reply::Account(AccountReply::CodeAsked("d1".into(), away())));
    pass(&mut window, 14.0);
    assert!(asked(&outside).is_empty(), "a service that is away is asked less often");
    pass(&mut window, 2.0);
    assert_eq!(asked(&outside), [ask]);
    outside.reply(Reply::SignedIn(Ok(account())));
    settle(&mut window);
    assert_eq!(state(&window).route, Route::Home);
    pass(&mut window, 30.0);
    assert!(asked(&outside).is_empty(), "nothing is asked after the sign-in");
}

#[test]
fn a_code_that_expires_or_is_refused_is_followed_by_another_one_at_a_press() {
    let (mut window, outside) = on_phone();
    answer(&mut window, &outside, ErrorCode::AccessDenied);
    window.get_by_role_and_label(Role::Status, "This sign-in was refused on the phone.");
    assert!(window.get_by_role_and_label(Role::Button, "Get a new code").is_focused());
    press(&mut window, Key::Enter);
    assert_eq!(asked(&outside), [AccountRequest::BeginCode]);
    outside.reply(Reply::Account(AccountReply::CodeBegun(Ok(DeviceAuthorization { expires_in: 8, ..codes("d2") }))));
    settle(&mut window);
    answer(&mut window, &outside, ErrorCode::ExpiredToken);
    window.get_by_label("Code BCDF-GHJK");
    pass(&mut window, 8.2);
    window.get_by_role_and_label(Role::Status, "This code has expired.");
    assert_eq!(asked(&outside), [AccountRequest::AskCode("d2".into())]);
    press(&mut window, Key::Enter);
    assert_eq!(asked(&outside), [AccountRequest::BeginCode]);
    outside.reply(Reply::Account(AccountReply::CodeBegun(Err(away()))));
    settle(&mut window);
    window.get_by_label_contains("Kinora cannot be reached.");
    press(&mut window, Key::Escape);
    assert_eq!(state(&window).sign_in.page, SignInPage::Password);
    assert!(matches!(state(&window).sign_in.phone, PhoneSignIn::Idle));
}

#[test]
fn an_account_is_created_by_the_code_from_the_mail() {
    let (mut window, outside) = form();
    click(&mut window, "Create an account");
    assert_eq!(state(&window).sign_in.page, SignInPage::Register);
    type_into(&mut window, Role::TextInput, "Your name", "Robin");
    type_into(&mut window, Role::TextInput, "E-mail", "robin");
    type_into(&mut window, Role::PasswordInput, "Password", "good-password");
    click(&mut window, "Continue");
    window.get_by_label("This can't be an e-mail address. Check it.");
    assert!(asked(&outside).is_empty());
    type_into(&mut window, Role::TextInput, "E-mail", "@kinora.example");
    press(&mut window, Key::Enter);
    let request = AccountRequest::Register(RegisterRequest {
        email: "robin@kinora.example".to_owned(),
        password: "good-password".into(),
        display_name: Some("Robin".to_owned()),
    });
    assert_eq!(asked(&outside), std::slice::from_ref(&request));
    outside.reply(Reply::Account(AccountReply::Told(Told::CodeMailed, Ok(()))));
    settle(&mut window);
    window.get_by_label_contains("If that address has an account already, the mail says so");
    click(&mut window, "Create account");
    window.get_by_label("Enter the code from the mail.");
    type_into(&mut window, Role::TextInput, "Code from the mail", "bcdf ghjk");
    press(&mut window, Key::Enter);
    let email = "robin@kinora.example".to_owned();
    let confirm = AccountRequest::ConfirmRegistration { email, code: "bcdf ghjk".into() };
    assert_eq!(asked(&outside), [confirm]);
    outside.reply(Reply::SignedIn(Err(refused(ErrorCode::CodeInvalid))));
    settle(&mut window);
    assert_eq!(state(&window).sign_in.page, SignInPage::RegisterCode);
    window.get_by_label("This code is wrong. Check the newest mail, or ask for another code.");
    click(&mut window, "Send another code");
    assert_eq!(asked(&outside), [request]);
    outside.reply(Reply::Account(AccountReply::Told(Told::CodeMailed, Ok(()))));
    settle(&mut window);
    window.get_by_label("Another code is in the mail.");
    assert_eq!(state(&window).sign_in.code, "");
    outside.reply(Reply::SignedIn(Ok(account())));
    settle(&mut window);
    assert_eq!(state(&window).route, Route::Home);
    assert_eq!(state(&window).sign_in.password, "");
}

#[test]
fn a_mailed_code_that_is_too_old_is_said_to_be_so() {
    let (mut window, outside) = form();
    click(&mut window, "Forgot password?");
    type_into(&mut window, Role::TextInput, "E-mail", "demo@kinora.example");
    press(&mut window, Key::Enter);
    assert_eq!(asked(&outside), [AccountRequest::Forgot("demo@kinora.example".to_owned())]);
    outside.reply(Reply::Account(AccountReply::Told(Told::CodeMailed, Ok(()))));
    settle(&mut window);
    pass(&mut window, 901.0);
    type_into(&mut window, Role::TextInput, "Code from the mail", "BCDF-GHJK");
    type_into(&mut window, Role::PasswordInput, "New password", "another");
    press(&mut window, Key::Enter);
    let reset =
        ResetPassword { email: "demo@kinora.example".to_owned(), code: "BCDF-GHJK".into(), password: "another".into() };
    assert_eq!(asked(&outside), [AccountRequest::Reset(reset)]);
    outside.reply(Reply::SignedIn(Err(refused(ErrorCode::CodeInvalid))));
    settle(&mut window);
    window.get_by_label("This code has expired. Ask for another one.");
    click(&mut window, "Back to sign-in");
    assert_eq!(state(&window).sign_in.email, "demo@kinora.example", "what was typed is kept");
    assert_eq!(state(&window).sign_in.password, "", "but no password");
}

#[test]
fn too_many_attempts_count_down_and_hold_the_form() {
    let (mut window, outside) = form();
    click(&mut window, "Forgot password?");
    type_into(&mut window, Role::TextInput, "E-mail", "demo@kinora.example");
    press(&mut window, Key::Enter);
    outside.take_asked();
    let url = "http://127.0.0.1:1/v1/x".parse().expect("a valid address");
    let answer = ApiError::new(ErrorCode::TooManyAttempts, "no").with_retry_after_ms(600_000);
    let failure = Failure::refused(answer, 429, &url);
    outside.reply(Reply::Account(AccountReply::Told(Told::CodeMailed, Err(failure))));
    window.run_steps(2);
    window.get_by_label("Too many attempts. Wait 10 minutes and try again.");
    click(&mut window, "Send code");
    assert!(asked(&outside).is_empty());
    pass(&mut window, 540.0);
    window.get_by_label_contains("Too many attempts. Wait 5");
    pass(&mut window, 62.0);
    window.get_by_label("You can try again now.");
    click(&mut window, "Send code");
    assert_eq!(asked(&outside).len(), 1);
}

fn sign_in_asked(outside: &Outside) -> Option<(String, String, Option<String>)> {
    let mut asked = outside.take_asked().into_iter().filter_map(|request| match request {
        Request::SignIn { credentials, .. } => Some(credentials),
        _ => None,
    });
    let credentials = asked.next()?;
    assert!(asked.next().is_none());
    let code = credentials.code.map(|code| code.expose().to_owned());
    Some((credentials.email, credentials.password.expose().to_owned(), code))
}

#[test]
fn an_unusual_sign_in_goes_on_with_the_code_from_the_mail() {
    let (mut window, outside) = form();
    type_into(&mut window, Role::TextInput, "E-mail", "ann@example.org");
    type_into(&mut window, Role::PasswordInput, "Password", "right");
    press(&mut window, Key::Enter);
    let (email, password) = ("ann@example.org".to_owned(), "right".to_owned());
    assert_eq!(sign_in_asked(&outside), Some((email.clone(), password.clone(), None)));
    outside.reply(Reply::SignedIn(Err(refused(ErrorCode::StepUpRequired))));
    settle(&mut window);
    assert_eq!(state(&window).sign_in.page, SignInPage::StepUp);
    window.get_by_label_contains("we mailed a code to ann@example.org");
    click(&mut window, "Sign in");
    window.get_by_label_contains("Enter the code from the mail.");
    assert_eq!(sign_in_asked(&outside), None);
    // Another code, for the first mail got lost.
    click(&mut window, "Send another code");
    assert_eq!(sign_in_asked(&outside), Some((email.clone(), password.clone(), None)));
    outside.reply(Reply::SignedIn(Err(refused(ErrorCode::StepUpRequired))));
    settle(&mut window);
    window.get_by_label_contains("Another code is in the mail.");
    type_into(&mut window, Role::TextInput, "Code from the mail", " 123456 ");
    press(&mut window, Key::Enter);
    assert_eq!(sign_in_asked(&outside), Some((email.clone(), password.clone(), Some("123456".to_owned()))));
    outside.reply(Reply::SignedIn(Err(refused(ErrorCode::CodeInvalid))));
    settle(&mut window);
    window.get_by_label_contains("This code is wrong.");
    assert_eq!(state(&window).sign_in.page, SignInPage::StepUp);
    press(&mut window, Key::Enter);
    assert_eq!(sign_in_asked(&outside), Some((email, password, Some("123456".to_owned()))));
    outside.reply(Reply::SignedIn(Ok(account())));
    settle(&mut window);
    assert_ne!(state(&window).route, Route::SignIn);
}

#[test]
fn a_start_that_is_unusual_asks_for_the_code_and_one_that_is_wrong_shows_no_password() {
    let credentials = Credentials { email: "ann@example.org".to_owned(), password: "right".into(), code: None };
    let (mut window, outside) = open(Launch::Service { credentials: Some(credentials.clone()) });
    outside.take_asked();
    outside.reply(Reply::SignedIn(Err(refused(ErrorCode::StepUpRequired))));
    settle(&mut window);
    type_into(&mut window, Role::TextInput, "Code from the mail", "123456");
    click(&mut window, "Sign in");
    let wanted = ("ann@example.org".to_owned(), "right".to_owned(), Some("123456".to_owned()));
    assert_eq!(sign_in_asked(&outside), Some(wanted));
    let (mut window, outside) = open(Launch::Service { credentials: Some(credentials) });
    outside.reply(Reply::SignedIn(Err(refused(ErrorCode::InvalidCredentials))));
    settle(&mut window);
    let form = &state(&window).sign_in;
    assert_eq!((form.page, form.email.as_str(), form.password.as_str()), (SignInPage::Password, "ann@example.org", ""));
}
