//! Ways to sign in, and wishes about the account, over HTTP.

use kinora_api::{Authority, ErrorCode, PinRequest, ProfileRequest, RegisterRequest, ResetPassword};
use serde_json::{Value, json};
use ui_desktop::api::{AccountReply, AccountRequest, Reply, Request, Told};

use super::{Client, Server, account, error, signed_in};

fn ask(client: &mut Client, request: AccountRequest) -> Reply {
    client.ask(Request::Account(request))
}

/// Asks for something whose answer has no content.
#[track_caller]
fn tell(client: &mut Client, request: AccountRequest) -> Told {
    match ask(client, request) {
        Reply::Account(AccountReply::Told(told, Ok(()))) => told,
        other => panic!("{other:?}"),
    }
}

fn body(server: &Server, what: &str) -> Value {
    server.asked().into_iter().rfind(|asked| asked.what == what).unwrap_or_else(|| panic!("{what} was asked")).body
}

fn serve(call: &str, body: &Value) -> (u16, Value) {
    let codes = json!({
        "device_code": "d", "user_code": "BCDF-GHJK", "verification_uri": "/link",
        "verification_uri_complete": "/link?code=BCDF-GHJK", "expires_in": 600, "interval": 5,
    });
    let profile = json!({"id": "p3", "name": "Robin", "locked": false});
    match call {
        "POST /v1/device/authorize" => (200, codes),
        "POST /v1/device/token" if body["device_code"] == "d" => error(ErrorCode::AuthorizationPending),
        "POST /v1/sign-in" | "POST /v1/device/token" | "POST /v1/register/confirm" => signed_in(2),
        "POST /v1/register" | "POST /v1/password/forgot" => (202, Value::Null),
        "POST /v1/profiles" | "PUT /v1/profiles/p3" | "POST /v1/profiles/p3/enter" => (200, profile),
        "GET /v1/devices" => (200, json!({"devices": []})),
        "GET /v1/account" => (200, account()),
        "POST /v1/password/reset"
        | "POST /v1/profiles/p3/delete"
        | "PUT /v1/account/pin"
        | "DELETE /v1/devices/s1"
        | "POST /v1/account/email/confirm"
        | "POST /v1/account/erase" => (204, Value::Null),
        _ => error(ErrorCode::NotFound),
    }
}

fn server() -> Server {
    Server::start(Box::new(|asked| serve(&asked.what, &asked.body)))
}

#[test]
fn a_phone_gets_whole_addresses_and_the_sign_in_that_it_allows_is_kept() {
    let directory = tempfile::tempdir().expect("a folder");
    let server = server();
    let mut client = Client::start(&server, directory.path());
    let Reply::Account(AccountReply::CodeBegun(Ok(codes))) = ask(&mut client, AccountRequest::BeginCode) else {
        panic!("codes")
    };
    assert_eq!(codes.verification_uri, format!("{}/link", server.base));
    assert_eq!(codes.verification_uri_complete, format!("{}/link?code=BCDF-GHJK", server.base));
    assert_eq!(body(&server, "POST /v1/device/authorize")["device"]["name"], "test");
    let Reply::Account(AccountReply::CodeAsked(code, failure)) =
        ask(&mut client, AccountRequest::AskCode(codes.device_code))
    else {
        panic!("not yet")
    };
    assert_eq!((code.expose(), failure.wire()), ("d", Some(ErrorCode::AuthorizationPending)));
    let Reply::SignedIn(Ok(account)) = ask(&mut client, AccountRequest::AskCode("other".into())) else {
        panic!("signed in")
    };
    assert_eq!(account.id.as_str(), "a");
    drop(client);
    let mut client = Client::start(&server, directory.path());
    assert!(matches!(client.ask(Request::Restore), Reply::Restored(Some(_))), "the tokens were stored");
}

#[test]
fn an_account_is_registered_and_a_password_is_reset_without_a_sign_in_before() {
    let directory = tempfile::tempdir().expect("a folder");
    let server = server();
    let mut client = Client::start(&server, directory.path());
    let email = "robin@kinora.example".to_owned();
    let register = RegisterRequest { email: email.clone(), password: "pw".into(), display_name: None };
    assert_eq!(tell(&mut client, AccountRequest::Register(register)), Told::CodeMailed);
    let confirm = AccountRequest::ConfirmRegistration { email: email.clone(), code: "BCDF-GHJK".into() };
    assert!(matches!(ask(&mut client, confirm), Reply::SignedIn(Ok(_))));
    assert_eq!(body(&server, "POST /v1/register/confirm")["device"]["id"], "device");
    assert_eq!(tell(&mut client, AccountRequest::Forgot(email.clone())), Told::CodeMailed);
    let reset = ResetPassword { email: email.clone(), code: "BCDF-GHJK".into(), password: "new".into() };
    assert!(matches!(ask(&mut client, AccountRequest::Reset(reset)), Reply::SignedIn(Ok(_))));
    let sign_in = body(&server, "POST /v1/sign-in");
    assert_eq!((&sign_in["email"], &sign_in["password"]), (&json!(email), &json!("new")));
    let tokens = server.asked().into_iter().filter(|asked| asked.token.is_some()).count();
    assert_eq!(tokens, 0, "none of these calls carries a token");
}

#[test]
fn wishes_about_the_account_have_their_calls_and_an_erased_one_leaves_no_tokens() {
    let directory = tempfile::tempdir().expect("a folder");
    let server = server();
    let mut client = Client::start(&server, directory.path());
    client.sign_in();
    let settings = ProfileRequest { name: "Robin".to_owned(), ..ProfileRequest::default() };
    for id in [None, Some("p3".into())] {
        let request = AccountRequest::SaveProfile { id, settings: settings.clone() };
        assert!(matches!(ask(&mut client, request), Reply::Account(AccountReply::ProfileSaved(Ok(_)))));
    }
    let enter = AccountRequest::Enter { id: "p3".into(), pin: Some("1234".into()) };
    assert!(matches!(ask(&mut client, enter), Reply::Account(AccountReply::Entered(_, Ok(_)))));
    assert_eq!(body(&server, "POST /v1/profiles/p3/enter"), json!({"pin": "1234"}));
    let authority = Some(Authority::Pin("1234".into()));
    let delete = AccountRequest::DeleteProfile { id: "p3".into(), authority };
    assert_eq!(tell(&mut client, delete), Told::ProfileDeleted("p3".into()));
    assert_eq!(body(&server, "POST /v1/profiles/p3/delete"), json!({"authority": {"pin": "1234"}}));
    let no_pin = PinRequest { pin: None, password: "pw".into() };
    assert_eq!(tell(&mut client, AccountRequest::SetPin(no_pin)), Told::PinSet);
    assert!(matches!(ask(&mut client, AccountRequest::Devices), Reply::Account(AccountReply::Devices(Ok(_)))));
    assert_eq!(tell(&mut client, AccountRequest::SignOutDevice("s1".into())), Told::DeviceSignedOut("s1".into()));
    assert_eq!(tell(&mut client, AccountRequest::ConfirmEmail("BCDF-GHJK".into())), Told::EmailChanged);
    let refused = ask(
        &mut client,
        AccountRequest::ChangePassword(kinora_api::ChangePassword { present: "pw".into(), new: "new".into() }),
    );
    let Reply::Account(AccountReply::Told(Told::PasswordChanged, Err(failure))) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(failure.wire(), Some(ErrorCode::NotFound));
    assert!(!failure.is_outage(), "a refusal is no outage");
    assert_eq!(tell(&mut client, AccountRequest::Erase("pw".into())), Told::Erased);
    drop(client);
    let mut client = Client::start(&server, directory.path());
    assert!(matches!(client.ask(Request::Restore), Reply::Restored(None)));
    assert_eq!(server.count("POST /v1/sign-out"), 0, "there is nothing left to revoke");
}
