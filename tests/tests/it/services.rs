//! What viewers do with the whole backend, seen from outside: once with all services in one process, and once with each in its
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
