//! Behaviours of the whole backend, seen from outside: once with all services in one process, and once with each in its
//! own behind the gateway.

use serde_json::{Value, json};

use crate::support::system::{Mode, System};

/// A test of each function in both modes.
macro_rules! in_both {
    ($($name:ident),* $(,)?) => {
        mod one {
            $(#[test] fn $name() { super::$name(super::Mode::One); })*
        }
        mod split {
            $(#[test] fn $name() { super::$name(super::Mode::Split); })*
        }
    };
}

in_both! {
    a_film_plays_in_both_protocols,
    a_position_is_offered_to_go_on_and_outlives_a_restart,
    what_plays_counts_against_the_account_until_it_is_stopped,
    what_a_signed_out_device_was_granted_is_refused_by_the_edges,
    strangers_get_typed_refusals,
    a_film_goes_on_when_an_edge_dies,
    a_new_viewer_proves_an_address_and_plays,
    a_television_signs_in_by_code,
    a_list_is_kept_and_a_film_moves_to_another_device,
    a_child_sees_nothing_above_its_limit,
    a_device_with_few_lines_never_asks_for_more,
}

/// The first title of the home screen.
fn first_title(viewer: &crate::support::system::Client) -> String {
    let home = viewer.get("/v1/home");
    let rows = home["rows"].as_array().unwrap();
    rows.last().unwrap()["titles"][0]["id"].as_str().unwrap().to_owned()
}

fn a_film_plays_in_both_protocols(mode: Mode) {
    let system = System::start(mode);
    for protocol in ["hls", "dash"] {
        let report = system.play(&["--protocol", protocol, "--play-seconds", "4"]).report();
        assert_eq!((&report["outcome"], &report["stalls"]), (&"stopped".into(), &json!([])), "{report}");
        assert!(report["played_s"].as_f64().unwrap() >= 4.0, "{report}");
    }
}

fn a_position_is_offered_to_go_on_and_outlives_a_restart(mode: Mode) {
    let mut system = System::start(mode);
    let viewer = system.viewer("tv");
    let title = first_title(&viewer);
    assert_eq!(viewer.row("continue"), Vec::<String>::new());
    let grant = viewer.grant(&title);
    let beat = grant["heartbeat_path"].as_str().unwrap();
    viewer.want(200, "POST", beat, &json!({ "position_ms": 12_000, "phase": "playing" }));
    system.start_again();
    let mut viewer = system.client();
    viewer.sign_in(system.text("email"), system.text("password"), "tv");
    assert_eq!(viewer.row("continue"), std::slice::from_ref(&title));
    assert_eq!(viewer.grant(&title)["resume_position_ms"], 12_000);
}

fn what_plays_counts_against_the_account_until_it_is_stopped(mode: Mode) {
    let system = System::start(mode);
    let viewers: Vec<_> = ["tv", "tablet", "phone"].map(|device| system.viewer(device)).into();
    let title = first_title(&viewers[0]);
    let account = viewers[0].get("/v1/account");
    let limit = usize::try_from(account["max_streams"].as_u64().unwrap()).unwrap();
    let ask = json!({ "title_id": title, "protocols": ["hls"] });
    // A device has as many places as it asks for.
    let grants: Vec<Value> = (0..limit).map(|n| viewers[n % 3].want(200, "POST", "/v1/playback", &ask)).collect();
    let refused = viewers[1].want(409, "POST", "/v1/playback", &ask);
    assert_eq!(refused["code"], 7005, "{refused}");
    let stop = grants[0]["stop_path"].as_str().unwrap();
    viewers[0].want(204, "POST", stop, &json!({ "position_ms": 0, "phase": "stopped" }));
    viewers[1].want(200, "POST", "/v1/playback", &ask);
}

fn what_a_signed_out_device_was_granted_is_refused_by_the_edges(mode: Mode) {
    let system = System::start(mode);
    let (mut tv, phone) = (system.client(), system.viewer("phone"));
    let signed_in = tv.sign_in(system.text("email"), system.text("password"), "tv");
    let title = first_title(&tv);
    let manifest = |grant: &Value| grant["sources"][0]["urls"][0].as_str().unwrap().to_owned();
    let (of_tv, of_phone) = (manifest(&tv.grant(&title)), manifest(&phone.grant(&title)));
    for url in [&of_tv, &of_phone] {
        assert_eq!(tv.call("GET", url, &Value::Null).0, 200, "{url}");
    }
    tv.want(204, "POST", "/v1/sign-out", &json!({ "refresh_token": signed_in["tokens"]["refresh_token"] }));
    assert_eq!(tv.until(403, "GET", &of_tv)["code"], 7012);
    assert_eq!(phone.call("GET", &of_phone, &Value::Null).0, 200);
    assert_eq!(tv.want(401, "GET", "/v1/account", &Value::Null)["code"], 7003);
}

fn strangers_get_typed_refusals(mode: Mode) {
    let system = System::start(mode);
    let mut stranger = system.client();
    for token in [None, Some("e30.e30.AAAA".to_owned())] {
        stranger.token = token;
        for path in ["/v1/home", "/v1/account", "/v1/positions", "/v1/search?q=a"] {
            let refused = stranger.want(401, "GET", path, &Value::Null);
            assert_eq!(refused["code"], 7002, "{path}: {refused}");
        }
    }
    assert_eq!(stranger.want(404, "GET", "/v1/nothing", &Value::Null)["name"], "not_found");
    assert_eq!(stranger.want(405, "DELETE", "/v1/home", &Value::Null)["name"], "method_not_allowed");
}

fn a_film_goes_on_when_an_edge_dies(mode: Mode) {
    let system = System::start(mode);
    let edge = &system.ready_line()["edges"][0];
    let playing = system.play(&["--play-seconds", "12"]);
    std::thread::sleep(std::time::Duration::from_secs(2));
    let kill = std::process::Command::new("kill").args(["-KILL", &edge["pid"].to_string()]).status().unwrap();
    assert!(kill.success());
    let report = playing.report();
    assert_eq!((&report["outcome"], &report["stalls"]), (&"stopped".into(), &json!([])), "{report}");
}

/// The code in the only mail to an address.
fn mailed_code(system: &System, to: &str) -> String {
    let files = std::fs::read_dir(system.data().join("mailbox")).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let to = format!("\r\nTo: {to}\r\n");
    let mails: Vec<String> = texts.filter(|text| text.contains(&to)).collect();
    assert_eq!(mails.len(), 1, "{mails:?}");
    mails[0].lines().find_map(|line| line.strip_prefix("    ")).unwrap().to_owned()
}

fn device(id: &str) -> Value {
    json!({ "id": id, "name": id, "platform": "test", "app_version": "1" })
}

fn a_new_viewer_proves_an_address_and_plays(mode: Mode) {
    const EMAIL: &str = "new@kinora.example";
    let system = System::start(mode);
    let mut viewer = system.client();
    let ask = json!({ "email": EMAIL, "password": "long enough", "display_name": "New" });
    viewer.want(202, "POST", "/v1/register", &ask);
    let sign_in = json!({ "email": EMAIL, "password": "long enough", "device": device("tv") });
    assert_eq!(viewer.want(401, "POST", "/v1/sign-in", &sign_in)["code"], 7001, "the address is not proved");
    let code = mailed_code(&system, EMAIL);
    let confirm = json!({ "email": EMAIL, "code": code, "device": device("tv") });
    let signed_in = viewer.want(200, "POST", "/v1/register/confirm", &confirm);
    viewer.take_tokens(&signed_in);
    assert_eq!(signed_in["account"]["profiles"][0]["name"], "New");
    let title = first_title(&viewer);
    let manifest = viewer.grant(&title)["sources"][0]["urls"][0].as_str().unwrap().to_owned();
    assert_eq!(viewer.call("GET", &manifest, &Value::Null).0, 200);
    viewer.want(200, "POST", "/v1/sign-in", &sign_in);
}

fn a_television_signs_in_by_code(mode: Mode) {
    let system = System::start(mode);
    let mut tv = system.client();
    let begun = tv.want(200, "POST", "/v1/device/authorize", &json!({ "device": device("tv") }));
    let ask = json!({ "device_code": begun["device_code"] });
    assert_eq!(tv.want(400, "POST", "/v1/device/token", &ask)["name"], "authorization_pending");
    let phone = system.phone();
    let page = phone.page(begun["verification_uri_complete"].as_str().unwrap());
    assert!(page.contains(begun["user_code"].as_str().unwrap()), "{page}");
    let page = phone.submit(
        &page,
        &["csrf"],
        &[
            ("code", begun["user_code"].as_str().unwrap()),
            ("email", system.text("email")),
            ("password", system.text("password")),
        ],
    );
    assert!(page.contains("tv"), "the phone names the device: {page}");
    phone.submit(&page, &["csrf", "ticket"], &[("decision", "allow")]);
    std::thread::sleep(std::time::Duration::from_millis(begun["interval"].as_u64().unwrap() * 1000));
    let signed_in = tv.want(200, "POST", "/v1/device/token", &ask);
    tv.take_tokens(&signed_in);
    assert_eq!(tv.get("/v1/devices")["devices"].as_array().unwrap().len(), 1);
}

fn a_list_is_kept_and_a_film_moves_to_another_device(mode: Mode) {
    let system = System::start(mode);
    let (tv, tablet) = (system.viewer("tv"), system.viewer("tablet"));
    let title = first_title(&tv);
    tv.want(200, "PUT", &format!("/v1/my-list/{title}"), &Value::Null);
    assert_eq!(tablet.get("/v1/my-list")["titles"][0]["title_id"], title.as_str());
    assert_eq!(tablet.row("my-list"), std::slice::from_ref(&title));
    let grant = tv.grant(&title);
    let beat = json!({ "position_ms": 8_000, "phase": "playing" });
    tv.want(200, "POST", grant["heartbeat_path"].as_str().unwrap(), &beat);
    let playing = tablet.get("/v1/playback/now");
    let playback = &playing["playing"][0];
    assert_eq!((&playback["device_name"], &playback["is_this_device"]), (&json!("tv"), &json!(false)), "{playing}");
    let path = format!("/v1/playback/{}/take-over", playback["playback_id"].as_str().unwrap());
    let taken = tablet.want(200, "POST", &path, &json!({ "protocols": ["hls"] }));
    let position = taken["resume_position_ms"].as_u64().unwrap();
    // At least where the television was; how far it had played since depends on how quick this machine is.
    assert!(position >= 8_000, "{taken}");
    let ended = tv.want(409, "POST", grant["heartbeat_path"].as_str().unwrap(), &beat);
    assert_eq!(ended["name"], "too_many_streams", "another device took its place");
}

fn a_child_sees_nothing_above_its_limit(mode: Mode) {
    let system = System::start(mode);
    let (parent, child) = (system.viewer("parents"), system.viewer("children"));
    let pin = json!({ "password": system.text("password"), "pin": "2468" });
    parent.want(204, "PUT", "/v1/account/pin", &pin);
    let profiles = child.get("/v1/profiles");
    let adult = profiles["profiles"].as_array().unwrap().iter().find(|profile| profile["locked"] == true).unwrap();
    let adult = adult["id"].as_str().unwrap();
    for path in [format!("/v1/home?profile={adult}"), format!("/v1/positions?profile={adult}")] {
        assert_eq!(child.want(403, "GET", &path, &Value::Null)["name"], "profile_locked", "{path}");
    }
    let home = child.get("/v1/home");
    let shown = home["rows"].as_array().unwrap().iter().flat_map(|row| row["titles"].as_array().unwrap());
    let ages: Vec<u64> = shown.filter_map(|title| title["rating"]["min_age"].as_u64()).collect();
    assert!(ages.iter().all(|age| *age <= 6), "{ages:?}");
    let enter = format!("/v1/profiles/{adult}/enter");
    child.want(403, "POST", &enter, &json!({ "pin": "0000" }));
    child.want(200, "POST", &enter, &json!({ "pin": "2468" }));
    child.get(&format!("/v1/home?profile={adult}"));
}

fn a_device_with_few_lines_never_asks_for_more(mode: Mode) {
    let system = System::start(mode);
    let viewer = system.viewer("tablet");
    let title = first_title(&viewer);
    for protocol in ["hls", "dash"] {
        let ask = json!({ "title_id": title, "protocols": [protocol], "capabilities": { "max_height": 480 } });
        let grant = viewer.want(200, "POST", "/v1/playback", &ask);
        let manifest = grant["sources"][0]["urls"][0].as_str().unwrap();
        let report = system.play_address(manifest, &["--play-seconds", "8"]).report();
        assert_eq!((&report["outcome"], &report["stalls"]), (&"stopped".into(), &json!([])), "{report}");
        let session = grant["session_id"].as_str().unwrap();
        let heights = system.fetched(session).into_iter().filter_map(|path| height_of(&path)).collect::<Vec<u32>>();
        assert!(heights.contains(&480), "{protocol}: an unlimited link allows the best of the manifest: {heights:?}");
        assert!(heights.iter().all(|height| *height <= 480), "{protocol}: {heights:?}");
    }
    let nothing = json!({ "title_id": title, "capabilities": { "codecs": ["hvc1"] } });
    assert_eq!(viewer.want(409, "POST", "/v1/playback", &nothing)["code"], 7030);
}

/// Height of the representation that a path of media lies in.
fn height_of(path: &str) -> Option<u32> {
    let (_, rest) = path.split_once("/video/")?;
    rest.split_once('p')?.0.parse().ok()
}
