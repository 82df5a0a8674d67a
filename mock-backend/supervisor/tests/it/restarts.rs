//! Processes that die, hang or fail again and again.

use rustix::process::Signal;
use serde_json::json;

use crate::supervised::{Supervised, client, dummy, of, signal};

#[tokio::test]
async fn a_killed_process_is_ready_again_at_its_address() {
    let supervised = Supervised::start(&[dummy("a", "", ""), dummy("b", "", "")].concat());
    supervised.ready();
    let (before, other) = (supervised.replica("a").await, supervised.process("b").await);
    signal(supervised.process("a").await, Signal::KILL);
    let events = supervised.happened("a", "ready", 2).await;
    assert_eq!(of(&events, "a", "ended")[0]["status"], "signal: 9 (SIGKILL)");
    assert_eq!(of(&events, "a", "waiting")[0]["pause_ms"], 0);
    let after = supervised.replica("a").await;
    assert_eq!((&after["url"], &after["restarts"]), (&before["url"], &json!(1)));
    assert_ne!(after["pid"], before["pid"]);
    assert_eq!(supervised.process("b").await, other, "others are not touched");
    let name = client().get(format!("{}/name", after["url"].as_str().unwrap())).send().await.unwrap();
    assert_eq!(name.text().await.unwrap(), "a");
}

#[tokio::test]
async fn a_process_that_hangs_is_replaced_and_one_that_answers_is_not() {
    let probe = "probe = { every_ms = 20, timeout_ms = 500, unready_after = 2, hung_after = 8 }";
    let supervised = Supervised::start(&[dummy("a", "", probe), dummy("b", "", probe)].concat());
    supervised.ready();
    let client = client();
    for (name, path) in [("a", "hang"), ("b", "unready")] {
        let url = supervised.replica(name).await["url"].as_str().unwrap().to_owned();
        client.post(format!("{url}/{path}")).send().await.unwrap();
    }
    let events = supervised.happened("a", "ready", 2).await;
    assert_eq!(of(&events, "a", "unready").len(), 1);
    assert_eq!(of(&events, "a", "killed")[0]["reason"], "hung");
    supervised.happened("b", "unready", 1).await;
    let answering = supervised.replica("b").await;
    assert_eq!((&answering["phase"], &answering["restarts"]), (&json!("unready"), &json!(0)));
    let published = std::fs::read_to_string(supervised.data.path().join("run/addresses.json")).unwrap();
    assert!(!published.contains(answering["url"].as_str().unwrap()), "{published}");
}

#[tokio::test]
async fn failures_in_a_row_are_paused_reported_and_end() {
    let broken = tempfile::NamedTempFile::new().unwrap();
    let fails = format!(", \"--fail-while\", \"{}\"", broken.path().display());
    let restart = "restart = { first_ms = 5, cap_ms = 60, loop_after = 4 }";
    let supervised = Supervised::start(&[dummy("sound", "", ""), dummy("broken", &fails, restart)].concat());
    let ready = supervised.ready();
    assert_eq!(ready["services"].as_array().unwrap().len(), 1, "one in a crash loop delays nobody for ever");
    let sound = supervised.process("sound").await;
    let events = supervised.happened("broken", "waiting", 10).await;
    let pauses: Vec<_> = of(&events, "broken", "waiting").iter().map(|event| event["pause_ms"].clone()).collect();
    assert_eq!(json!(pauses), json!([0, 5, 10, 20, 40, 60, 60, 60, 60, 60]));
    assert_eq!(of(&events, "broken", "ended")[0]["status"], "exit status: 7");
    let loops = of(&events, "broken", "crash_loop");
    assert_eq!((loops.len(), &loops[0]["failures"]), (1, &json!(4)));
    // No start comes before the pause ahead of it is over.
    let times =
        |kind| of(&events, "broken", kind).iter().map(|event| event["at_ms"].as_u64().unwrap()).collect::<Vec<_>>();
    let (waits, starts) = (times("waiting"), times("started"));
    for ((wait, pause), start) in waits.iter().zip(&pauses).zip(&starts[1..]) {
        assert!(*start >= wait + pause.as_u64().unwrap(), "{events:?}");
    }
    drop(broken);
    supervised.happened("broken", "ready", 1).await;
    assert_eq!(supervised.process("sound").await, sound);
}

#[tokio::test]
async fn a_program_that_cannot_be_run_is_a_failure_like_any() {
    let data = tempfile::tempdir().unwrap();
    let program = data.path().join("no-program");
    std::fs::write(&program, "not executable").unwrap();
    let text = format!(
        "[[process]]\nname = \"none\"\nprogram = \"{}\"\nrestart = {{ first_ms = 1, cap_ms = 1 }}\n",
        program.display()
    );
    let supervised = Supervised::start(&[dummy("a", "", ""), text].concat());
    supervised.ready();
    let events = supervised.happened("none", "crash_loop", 1).await;
    assert!(of(&events, "none", "not_started")[0]["reason"].as_str().unwrap().contains("denied"), "{events:?}");
}

#[tokio::test]
async fn a_connection_to_a_handed_socket_waits_for_the_next_process() {
    let keys = "socket = \"handed\"\nrestart = { first_ms = 1000, cap_ms = 1000 }";
    let supervised = Supervised::start(&dummy("a", ", \"--listen-stdin\"", keys));
    let url = supervised.ready()["backend"].as_str().unwrap().to_owned();
    signal(supervised.process("a").await, Signal::KILL);
    supervised.happened("a", "ready", 2).await;
    signal(supervised.process("a").await, Signal::KILL);
    let events = supervised.happened("a", "waiting", 2).await;
    assert_eq!(of(&events, "a", "waiting")[1]["pause_ms"], 1000);
    // No process exists now.
    let name = client().get(format!("{url}/name")).send().await.unwrap();
    assert_eq!(name.text().await.unwrap(), "a");
    let after = supervised.replica("a").await;
    assert_eq!((&after["restarts"], &after["url"]), (&json!(2), &json!(url)));
}

#[tokio::test]
async fn a_process_that_does_not_take_its_socket_is_not_taken_for_ready() {
    let keys = "socket = \"handed\"\nrestart = { first_ms = 1, cap_ms = 1, loop_after = 2 }";
    let deaf =
        dummy("deaf", "", keys).replace("\"--port\", \"{port}\", ", "").replace("start_ms = 60000", "start_ms = 300");
    let supervised = Supervised::start(&[dummy("a", "", ""), deaf].concat());
    let ready = supervised.ready();
    assert_eq!(ready["services"].as_array().unwrap().len(), 1);
    assert!(supervised.stderr().contains("is not the socket that was handed"), "{}", supervised.stderr());
    assert_eq!(supervised.replica("deaf").await["is_looping"], true);
}
