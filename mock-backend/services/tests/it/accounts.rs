//! Accounts whole: registration, passwords, profiles and their PIN, devices, sign-in by code, erasure.

use kinora_api::{
    Account, ChangeEmail, ChangePassword, ConfirmEmail, DeviceAuthorization, DeviceAuthorizeRequest, DeviceInfo,
    DeviceList, DeviceTokenRequest, EnterProfile, EraseAccount, ErrorCode, ForgotPassword, NowPlayingList, PinRequest,
    PlaybackGrant, Profile, ProfileRequest, RegisterConfirm, RegisterRequest, ResetPassword, SignInResponse, paths,
};
use kinora_services::{self as services, demo};
use kinora_stage::{Stage, TITLE, error};

const EMAIL: &str = "new@kinora.example";

/// Returns the texts of the mails to an address, the oldest first.
fn mails(stage: &Stage, to: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(stage.dir.path().join("mailbox")) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts = files.iter().map(|file| std::fs::read_to_string(file).unwrap());
    texts.filter(|text| text.contains(&format!("\r\nTo: {to}\r\n"))).collect()
}

fn code(mail: &str) -> String {
    mail.lines().find_map(|line| line.strip_prefix("    ")).unwrap().to_owned()
}

fn device(id: &str) -> DeviceInfo {
    DeviceInfo { id: id.into(), name: "<TV>".to_owned(), platform: "tv".to_owned(), app_version: "1".to_owned() }
}

async fn register(stage: &Stage, email: &str) -> u16 {
    let request =
        RegisterRequest { email: email.to_owned(), password: "first".into(), display_name: Some("New".to_owned()) };
    stage.post(paths::REGISTER, &request).await.status().as_u16()
}

#[tokio::test]
async fn an_address_is_proved_by_a_code_and_nobody_learns_which_ones_have_accounts() {
    let stage = Stage::new().await;
    assert_eq!((register(&stage, EMAIL).await, register(&stage, demo::EMAIL).await), (202, 202));
    assert!(mails(&stage, demo::EMAIL)[0].contains("It has one already"));
    assert_eq!(stage.sign_in(EMAIL, "first").await.status(), 401, "not before the address is proved");
    let confirm = |code: &str| RegisterConfirm { email: EMAIL.to_owned(), code: code.into(), device: device("d") };
    let (_, wrong) = error(stage.post(paths::REGISTER_CONFIRM, &confirm("BCDF-GHJK")).await).await;
    assert_eq!(wrong.kind(), Some(ErrorCode::CodeInvalid));
    let right = confirm(&code(&mails(&stage, EMAIL)[0]).to_lowercase());
    let answer = stage.post(paths::REGISTER_CONFIRM, &right).await;
    assert_eq!(answer.status(), 200);
    let signed_in: SignInResponse = answer.json().await.unwrap();
    assert_eq!((signed_in.account.email.as_str(), signed_in.account.profiles.len()), (EMAIL, 1));
    assert_eq!(stage.post(paths::REGISTER_CONFIRM, &right).await.status(), 400, "a code works once");
    assert_eq!(stage.sign_in(EMAIL, "first").await.status(), 200);
}

#[tokio::test]
async fn a_code_expires_and_allows_few_guesses() {
    let stage = Stage::new().await;
    assert_eq!(register(&stage, EMAIL).await, 202);
    let right = code(&mails(&stage, EMAIL)[0]);
    let confirm = |code: &str| RegisterConfirm { email: EMAIL.to_owned(), code: code.into(), device: device("d") };
    for _ in 0..5 {
        assert_eq!(stage.post(paths::REGISTER_CONFIRM, &confirm("BCDF-GHJK")).await.status(), 400);
    }
    assert_eq!(stage.post(paths::REGISTER_CONFIRM, &confirm(&right)).await.status(), 400, "guessed at too often");
    assert_eq!(register(&stage, EMAIL).await, 202);
    let right = code(mails(&stage, EMAIL).last().unwrap());
    stage.clock.advance_ms(15 * 60_000);
    assert_eq!(stage.post(paths::REGISTER_CONFIRM, &confirm(&right)).await.status(), 400, "past its time");
}

#[tokio::test]
async fn another_password_signs_out_who_has_the_old_one() {
    let stage = Stage::new().await;
    let (this, other) = (stage.viewer().await, stage.viewer_on("device-2").await);
    let change = |present: &str, new: &str| ChangePassword { present: present.into(), new: new.into() };
    let (_, wrong) = error(this.post(paths::PASSWORD, &change("no", "second")).await).await;
    assert_eq!(wrong.kind(), Some(ErrorCode::NotAuthorised));
    assert_eq!(this.post(paths::PASSWORD, &change(demo::PASSWORD, "second")).await.status(), 204);
    assert_eq!(this.get(paths::ACCOUNT).await.status(), 200);
    assert_eq!(other.get(paths::ACCOUNT).await.status(), 401);

    for email in [demo::EMAIL, "nobody@kinora.example"] {
        let forgot = ForgotPassword { email: email.to_owned() };
        assert_eq!(stage.post(paths::PASSWORD_FORGOT, &forgot).await.status(), 202);
    }
    let code = code(mails(&stage, demo::EMAIL).last().unwrap());
    let reset = ResetPassword { email: demo::EMAIL.to_owned(), code: code.into(), password: "third".into() };
    assert_eq!(stage.post(paths::PASSWORD_RESET, &reset).await.status(), 204);
    assert_eq!(this.get(paths::ACCOUNT).await.status(), 401, "all sign-ins end");
    assert_eq!(stage.sign_in(demo::EMAIL, "third").await.status(), 200);
}

#[tokio::test]
async fn a_child_gets_round_the_pin_by_no_operation() {
    let stage = Stage::new().await;
    let _edge = stage.edge().await;
    let viewer = stage.viewer().await;
    let account: Account = viewer.read(paths::ACCOUNT).await;
    let (adult, kids) = (account.profiles[0].id.clone(), account.profiles[1].id.clone());
    let before = viewer.grant().await;
    let pin = PinRequest { pin: Some("4711".into()), password: demo::PASSWORD.into() };
    assert_eq!(viewer.put(paths::PIN, &pin).await.status(), 204);
    let account: Account = viewer.read(paths::ACCOUNT).await;
    assert_eq!((account.has_pin, account.profiles[0].locked, account.profiles[1].locked), (true, true, false));

    let raised = ProfileRequest { name: "Kids".to_owned(), ..ProfileRequest::default() };
    let ask = serde_json::json!({ "title_id": TITLE, "profile_id": adult, "protocols": [] });
    let position = serde_json::json!({ "profile_id": adult, "position_ms": 1 });
    let delete = paths::profile_delete(&kids);
    for (name, answer) in [
        ("home", viewer.get(&paths::home(Some(&adult))).await),
        ("title", viewer.get(&paths::title(&TITLE.into(), Some(&adult))).await),
        ("search", viewer.get(&paths::search("a", 9, Some(&adult))).await),
        ("positions", viewer.get(&paths::positions(Some(&adult))).await),
        ("position", viewer.get(&paths::position(&TITLE.into(), Some(&adult))).await),
        ("put", viewer.put(&paths::position(&TITLE.into(), None), &position).await),
        ("playback", viewer.post(paths::PLAYBACK, &ask).await),
        ("renew", viewer.post(&before.renew_path, &serde_json::json!({})).await),
        ("raise", viewer.put(&paths::profile(&kids), &raised).await),
        ("add", viewer.post(paths::PROFILES, &raised).await),
        ("delete", viewer.post(&delete, &serde_json::json!({})).await),
        ("enter", viewer.post(&paths::profile_enter(&adult), &EnterProfile::default()).await),
        ("wrong", viewer.post(&paths::profile_enter(&adult), &EnterProfile { pin: Some("1234".into()) }).await),
    ] {
        assert_eq!(answer.status(), 403, "{name}");
    }
    // What names no profile is the children's, and what they may do goes on.
    assert_eq!(viewer.get(&paths::home(None)).await.status(), 200);
    let renamed = ProfileRequest { name: "Us".to_owned(), max_age: Some(6), ..ProfileRequest::default() };
    assert_eq!(viewer.put(&paths::profile(&kids), &renamed).await.status(), 200);

    let right = EnterProfile { pin: Some("4711".into()) };
    assert_eq!(viewer.post(&paths::profile_enter(&adult), &right).await.status(), 200);
    assert_eq!(viewer.get(&paths::home(Some(&adult))).await.status(), 200);
    assert_eq!(stage.viewer_on("device-2").await.get(&paths::home(Some(&adult))).await.status(), 403, "this one only");
    assert_eq!(viewer.post(&paths::profile_enter(&kids), &EnterProfile::default()).await.status(), 200);
    assert_eq!(viewer.get(&paths::home(Some(&adult))).await.status(), 403, "the same token, given to a child");
    for _ in 0..5 {
        viewer.post(&paths::profile_enter(&adult), &EnterProfile { pin: Some("0000".into()) }).await;
    }
    let (status, limited) = error(viewer.post(&paths::profile_enter(&adult), &right).await).await;
    assert_eq!((status, limited.kind()), (429, Some(ErrorCode::TooManyAttempts)));
}

#[tokio::test]
async fn an_account_has_one_to_five_profiles() {
    let stage = Stage::new().await;
    let viewer = stage.viewer().await;
    let new = ProfileRequest { name: "Ada".to_owned(), avatar: Some("owl".to_owned()), ..ProfileRequest::default() };
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(viewer.post(paths::PROFILES, &new).await.json::<Profile>().await.unwrap());
    }
    assert_eq!((made[0].name.as_str(), made[0].avatar.as_deref()), ("Ada", Some("owl")));
    let (_, full) = error(viewer.post(paths::PROFILES, &new).await).await;
    assert_eq!(full.kind(), Some(ErrorCode::ProfileLimit));
    let odd = ProfileRequest { avatar: Some("ghost".to_owned()), ..new.clone() };
    assert_eq!(viewer.put(&paths::profile(&made[0].id), &odd).await.status(), 400);
    let account: Account = viewer.read(paths::ACCOUNT).await;
    let last = account.profiles.len() - 1;
    for profile in &account.profiles[..last] {
        assert_eq!(viewer.post(&paths::profile_delete(&profile.id), &serde_json::json!({})).await.status(), 204);
    }
    let refused = viewer.post(&paths::profile_delete(&account.profiles[last].id), &serde_json::json!({})).await;
    assert_eq!(error(refused).await.1.kind(), Some(ErrorCode::ProfileLimit));
}

#[tokio::test]
async fn a_device_is_signed_out_from_another_one() {
    let stage = Stage::new().await;
    let (this, other) = (stage.viewer().await, stage.viewer_on("device-2").await);
    let list: DeviceList = this.read(paths::DEVICES).await;
    assert_eq!((list.devices.len(), list.devices.iter().filter(|device| device.this).count()), (2, 1));
    let away = list.devices.iter().find(|device| !device.this).unwrap();
    let token = this.signed_in.tokens.access_token.expose();
    let end = || stage.client.delete(stage.backend.url() + &paths::device(&away.id)).bearer_auth(token).send();
    assert_eq!(end().await.unwrap().status(), 204);
    assert_eq!(other.get(paths::ACCOUNT).await.status(), 401);
    assert_eq!(end().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_phone_allows_a_device() {
    let stage = Stage::new().await;
    let request = DeviceAuthorizeRequest { device: device("tv-1") };
    let begun: DeviceAuthorization = stage.post(paths::DEVICE_AUTHORIZE, &request).await.json().await.unwrap();
    let ask = || async {
        stage.post(paths::DEVICE_TOKEN, &DeviceTokenRequest { device_code: begun.device_code.clone() }).await
    };
    assert_eq!(error(ask().await).await.1.name, "authorization_pending");
    assert_eq!(error(ask().await).await.1.name, "slow_down");

    let url = |path: &str| format!("{}{path}", stage.backend.url());
    let page = stage.client.get(url(&begun.verification_uri_complete)).send().await.unwrap();
    let cookie = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let html = page.text().await.unwrap();
    assert!(html.contains(&begun.user_code) && !html.contains("<script"), "{html}");
    let field = |html: &str, name: &str| {
        let rest = html.split(&format!("name={name} value=\"")).nth(1).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let csrf = field(&html, "csrf");
    let post = |cookie: String, body: String| {
        let request = stage.client.post(url(paths::LINK)).header("cookie", cookie).body(body);
        request.header("content-type", "application/x-www-form-urlencoded").send()
    };
    let form = |csrf: &str, password: &str| {
        format!("csrf={csrf}&code={}&email=demo%40kinora.example&password={password}", begun.user_code)
    };
    assert_eq!(post(String::new(), form(&csrf, demo::PASSWORD)).await.unwrap().status(), 403, "without the cookie");
    assert_eq!(post(cookie.clone(), form("x", demo::PASSWORD)).await.unwrap().status(), 403, "without the token");
    assert_eq!(post(cookie.clone(), form(&csrf, "wrong")).await.unwrap().status(), 401);
    let html = post(cookie.clone(), form(&csrf, demo::PASSWORD)).await.unwrap().text().await.unwrap();
    assert!(html.contains("&lt;TV&gt;"), "{html}");
    let allow = format!("csrf={csrf}&ticket={}&decision=allow", field(&html, "ticket"));
    assert!(post(cookie, allow).await.unwrap().text().await.unwrap().contains("is signed in"));
    stage.clock.advance_ms(10_000);
    let signed_in: SignInResponse = ask().await.json().await.unwrap();
    assert_eq!(signed_in.account.email, demo::EMAIL);
    assert_eq!(error(ask().await).await.1.name, "expired_token", "once");
}

#[tokio::test]
async fn an_erased_account_is_gone() {
    let stage = Stage::new().await;
    assert_eq!(register(&stage, demo::EMAIL).await, 202);
    let viewer = stage.viewer().await;
    let erase = |password: &str| EraseAccount { password: password.into() };
    assert_eq!(viewer.post(paths::ERASE, &erase("wrong")).await.status(), 403);
    assert_eq!(viewer.post(paths::ERASE, &erase(demo::PASSWORD)).await.status(), 204);
    assert_eq!(viewer.get(paths::ACCOUNT).await.status(), 401);
    assert_eq!(stage.sign_in(demo::EMAIL, demo::PASSWORD).await.status(), 401);
    assert!(mails(&stage, demo::EMAIL).is_empty());
}

#[tokio::test]
async fn another_address_is_proved_before_it_counts() {
    let stage = Stage::new().await;
    let viewer = stage.viewer().await;
    let change = |email: &str, password: &str| ChangeEmail { email: email.to_owned(), password: password.into() };
    let (_, wrong) = error(viewer.post(paths::EMAIL, &change(EMAIL, "wrong")).await).await;
    assert_eq!(wrong.kind(), Some(ErrorCode::NotAuthorised));
    // An address that has an account learns of it, and the caller does not.
    register(&stage, "taken@kinora.example").await;
    let taken = code(&mails(&stage, "taken@kinora.example")[0]);
    let confirm = RegisterConfirm { email: "taken@kinora.example".to_owned(), code: taken.into(), device: device("x") };
    assert_eq!(stage.post(paths::REGISTER_CONFIRM, &confirm).await.status(), 200);
    assert_eq!(viewer.post(paths::EMAIL, &change("taken@kinora.example", demo::PASSWORD)).await.status(), 202);
    assert!(mails(&stage, "taken@kinora.example").last().unwrap().contains("It has one already"));

    assert_eq!(viewer.post(paths::EMAIL, &change(EMAIL, demo::PASSWORD)).await.status(), 202);
    assert_eq!(stage.sign_in(EMAIL, demo::PASSWORD).await.status(), 401, "not before the address is proved");
    let (_, refused) = error(viewer.post(paths::EMAIL_CONFIRM, &ConfirmEmail { code: "BCDF-GHJK".into() }).await).await;
    assert_eq!(refused.kind(), Some(ErrorCode::CodeInvalid));
    let right = ConfirmEmail { code: code(&mails(&stage, EMAIL)[0]).into() };
    assert_eq!(viewer.post(paths::EMAIL_CONFIRM, &right).await.status(), 204);
    assert_eq!(viewer.post(paths::EMAIL_CONFIRM, &right).await.status(), 400, "a code works once");
    assert!(mails(&stage, demo::EMAIL).last().unwrap().contains("another address"), "the old one is told");
    assert_eq!(viewer.read::<Account>(paths::ACCOUNT).await.email, EMAIL);
    assert_eq!(stage.sign_in_on("d2", EMAIL, demo::PASSWORD).await.status(), 200);
    assert_eq!(stage.sign_in_on("d2", demo::EMAIL, demo::PASSWORD).await.status(), 401);

    let erase = EraseAccount { password: demo::PASSWORD.into() };
    assert_eq!(viewer.post(paths::ERASE, &erase).await.status(), 204);
    assert!(
        mails(&stage, demo::EMAIL).is_empty() && mails(&stage, EMAIL).is_empty(),
        "also those to the address of before"
    );
    assert!(!mails(&stage, "taken@kinora.example").is_empty(), "those of others stay");
}

#[tokio::test]
async fn a_device_that_is_denied_learns_it_and_guesses_at_codes_are_limited() {
    let stage = Stage::new().await;
    let request = DeviceAuthorizeRequest { device: device("tv-1") };
    let begun: DeviceAuthorization = stage.post(paths::DEVICE_AUTHORIZE, &request).await.json().await.unwrap();
    let url = |path: &str| format!("{}{path}", stage.backend.url());
    let page = stage.client.get(url(paths::LINK)).send().await.unwrap();
    let cookie = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let html = page.text().await.unwrap();
    let field = |html: &str, name: &str| {
        html.split(&format!("name={name} value=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let csrf = field(&html, "csrf");
    let post = async |body: String| {
        let request = stage.client.post(url(paths::LINK)).header("cookie", cookie.as_str()).body(body);
        request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap()
    };
    let form = |code: &str| format!("csrf={csrf}&code={code}&email=demo%40kinora.example&password={}", demo::PASSWORD);
    let html = post(form(&begun.user_code)).await.text().await.unwrap();
    let deny = format!("csrf={csrf}&ticket={}&decision=deny", field(&html, "ticket"));
    assert!(post(deny.clone()).await.text().await.unwrap().contains("was not signed in"));
    assert!(post(deny).await.text().await.unwrap().contains("took too long"), "a ticket decides once");
    let ask = DeviceTokenRequest { device_code: begun.device_code.clone() };
    let (status, denied) = error(stage.post(paths::DEVICE_TOKEN, &ask).await).await;
    assert_eq!((status, denied.kind()), (400, Some(ErrorCode::AccessDenied)));

    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(post(form("BCDF-GHJK")).await.status().as_u16());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 10, "{statuses:?}");
    assert_eq!(statuses[10..], [429, 429]);
    let begun: DeviceAuthorization = stage.post(paths::DEVICE_AUTHORIZE, &request).await.json().await.unwrap();
    assert_eq!(post(form(&begun.user_code)).await.status(), 429, "the right one has to wait, too");
    stage.clock.advance_ms(3_600_000);
    let begun: DeviceAuthorization = stage.post(paths::DEVICE_AUTHORIZE, &request).await.json().await.unwrap();
    assert_eq!(post(form(&begun.user_code)).await.status(), 200);
}

#[tokio::test]
async fn what_a_device_plays_ends_when_another_one_signs_it_out() {
    let (stage, _edge, this) = Stage::playing().await;
    let other = stage.viewer_on("device-2").await;
    let (own, of_other) = (this.grant().await, other.grant().await);
    let manifest = |grant: &PlaybackGrant| grant.urls(kinora_api::Protocol::Hls)[0].clone();
    let list: DeviceList = this.read(paths::DEVICES).await;
    let away = list.devices.iter().find(|device| !device.this).unwrap();
    assert_eq!(this.delete(&paths::device(&away.id)).await.status(), 204);
    let playing: NowPlayingList = this.read(paths::NOW).await;
    let ids: Vec<&str> = playing.playing.iter().map(|playing| playing.playback_id.as_str()).collect();
    assert_eq!(ids, [own.session_id.as_str()]);
    let (status, refused) = error(stage.client.get(manifest(&of_other)).send().await.unwrap()).await;
    assert_eq!((status, refused.kind()), (403, Some(ErrorCode::GrantInvalid)));
    assert_eq!(stage.client.get(manifest(&own)).send().await.unwrap().status(), 200);
    assert_eq!(other.post(&of_other.renew_path, &()).await.status(), 401);
}

/// Marker that stands in every field of an account.
const MARKER: &str = "zqxvmarker";

/// Files below a folder in which the marker stands.
fn marked(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(marked(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            let lower: Vec<u8> = bytes.iter().map(u8::to_ascii_lowercase).collect();
            if lower.windows(MARKER.len()).any(|part| part == MARKER.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[tokio::test]
async fn no_file_has_a_byte_of_an_account_that_an_operator_erased() {
    let dir = super::apart::old_data().await;
    let data = dir.path().to_owned();
    let on_disk = |config: &mut services::Config| {
        config.data.clone_from(&data);
        config.database = None;
    };
    let stage = Stage::with(on_disk).await;
    assert!(data.join("kinora.before-services.db").exists());
    let email = format!("{MARKER}@kinora.example");
    let request =
        RegisterRequest { email: email.clone(), password: "long enough".into(), display_name: Some(MARKER.to_owned()) };
    assert_eq!(stage.post(paths::REGISTER, &request).await.status(), 202);
    let files = std::fs::read_dir(data.join("mailbox")).unwrap();
    let mail = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).next().unwrap();
    let device = DeviceInfo { id: MARKER.into(), name: MARKER.to_owned(), ..device("d") };
    let confirm = RegisterConfirm { email: email.clone(), code: code(&mail).into(), device };
    assert_eq!(stage.post(paths::REGISTER_CONFIRM, &confirm).await.status(), 200);
    assert!(!marked(&data).is_empty(), "the search finds something before");
    // Services run meanwhile.
    let config = services::Config::new(&data);
    assert!(services::erase_account(&config, &email).await.unwrap());
    assert!(!services::erase_account(&config, &email).await.unwrap());
    let begun = std::time::Instant::now();
    while !marked(&data).is_empty() {
        assert!(begun.elapsed() < kinora_stage::PATIENCE, "{:?}", marked(&data));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(!data.join("kinora.before-services.db").exists());
    stage.backend.shutdown().await;
    assert!(marked(&data).is_empty());
}

#[tokio::test]
async fn a_child_ends_a_film_on_another_device_and_moves_no_position_in_it() {
    let stage = Stage::new().await;
    let _edge = stage.edge().await;
    let parent = stage.viewer().await;
    let account: Account = parent.read(paths::ACCOUNT).await;
    let adult = account.profiles[0].id.clone();
    let pin = PinRequest { pin: Some("4711".into()), password: demo::PASSWORD.into() };
    assert_eq!(parent.put(paths::PIN, &pin).await.status(), 204);
    let enter = EnterProfile { pin: Some("4711".into()) };
    assert_eq!(parent.post(&paths::profile_enter(&adult), &enter).await.status(), 200);
    let grant = parent.grant().await;
    let beat = |position_ms| serde_json::json!({ "position_ms": position_ms, "phase": "playing" });
    assert_eq!(parent.post(&grant.heartbeat_path, &beat(7_000)).await.status(), 200);
    let child = stage.viewer_on("tablet").await;
    let (status, problem) = error(child.post(&grant.heartbeat_path, &beat(20_000)).await).await;
    assert_eq!((status, problem.kind()), (403, Some(ErrorCode::ProfileLocked)));
    let end = serde_json::json!({ "position_ms": 20_000, "phase": "stopped" });
    assert_eq!(child.post(&grant.stop_path, &end).await.status(), 204);
    let path = paths::position(&TITLE.into(), Some(&adult));
    let position: kinora_api::ResumePosition = parent.read(&path).await;
    assert_eq!((position.position_ms, position.finished), (7_000, false));
    let (status, problem) = error(parent.post(&grant.heartbeat_path, &beat(9_000)).await).await;
    assert_eq!((status, problem.kind()), (409, Some(ErrorCode::TooManyStreams)), "its place was taken");
}

#[tokio::test]
async fn a_limit_that_is_lowered_ends_what_plays_above_it() {
    let stage = Stage::new().await;
    let _edge = stage.edge().await;
    let parent = stage.viewer().await;
    let account: Account = parent.read(paths::ACCOUNT).await;
    let adult = account.profiles[0].clone();
    let grant = parent.grant().await;
    let beat = serde_json::json!({ "position_ms": 7_000, "phase": "playing" });
    assert_eq!(parent.post(&grant.heartbeat_path, &beat).await.status(), 200);
    let playing: NowPlayingList = parent.read(paths::NOW).await;
    assert_eq!(playing.playing[0].title.as_ref().map(|title| title.id.as_str()), Some(TITLE));
    // The title has no rating, so that no profile with a limit may see it.
    let lowered = ProfileRequest { name: adult.name, max_age: Some(6), ..ProfileRequest::default() };
    assert_eq!(parent.put(&paths::profile(&adult.id), &lowered).await.status(), 200);
    let playing: NowPlayingList = parent.read(paths::NOW).await;
    assert_eq!((playing.playing.len(), &playing.playing[0].title), (1, &None));
    let (status, problem) = error(parent.post(&grant.renew_path, &serde_json::json!({})).await).await;
    assert_eq!((status, problem.kind()), (403, Some(ErrorCode::ParentalRestriction)));
}
