//! Replacing replicas while requests come.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kinora_supervisor::shell::control::Request;
use serde_json::{Value, json};

use crate::supervised::{Supervised, client, dummy, of};

/// Time to answer a probe that a busy machine does not exceed: a replica that is withdrawn for it would fail requests.
const PATIENT: &str = "probe = { timeout_ms = 60000 }";

/// Addresses of the ready replicas of a process.
fn addresses(data: &Path, process: &str) -> Vec<String> {
    let text = std::fs::read_to_string(data.join("run/addresses.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let of_process = all["addresses"].as_array().unwrap().iter().filter(|address| address["process"] == process);
    of_process.map(|address| address["url"].as_str().unwrap().to_owned()).collect()
}

/// Sends one request after the other to a ready replica of a process until it should end; returns how many were answered, and
/// why the others were not.
async fn load(data: Arc<Path>, process: &str, is_over: Arc<AtomicBool>, sent: Arc<AtomicU64>) -> (u64, Vec<String>) {
    let client = client();
    let (mut answered, mut failures) = (0, Vec::new());
    while !is_over.load(Ordering::Relaxed) {
        let ready = addresses(&data, process);
        match ready.get(usize::try_from(answered).unwrap() % ready.len().max(1)) {
            None => failures.push("no replica is ready".to_owned()),
            Some(url) => {
                match client.get(format!("{url}/slow")).send().await.and_then(reqwest::Response::error_for_status) {
                    Ok(_) => answered += 1,
                    Err(error) => failures.push(format!("{error:?}")),
                }
            }
        }
        sent.fetch_add(1, Ordering::Relaxed);
    }
    (answered, failures)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_roll_under_load_fails_no_request() {
    let leave = format!("leave_ms = 4000\n{PATIENT}");
    let handed = dummy("fixed", ", \"--listen-stdin\"", &format!("role = \"backend\"\nsocket = \"handed\"\n{PATIENT}"));
    let text = [dummy("many", "", &format!("replicas = 3\n{leave}")), dummy("one", "", &leave), handed].concat();
    let supervised = Supervised::start(&text);
    supervised.ready();
    let published = |process: &str| addresses(supervised.data.path(), process);
    let before = ["many", "one", "fixed"].map(published);
    let (is_over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let loads: Vec<_> = ["many", "many", "one", "one", "fixed", "fixed"]
        .into_iter()
        .map(|process| {
            tokio::spawn(load(supervised.data.path().into(), process, Arc::clone(&is_over), Arc::clone(&sent)))
        })
        .collect();
    let done = supervised.ask(Request::Roll { name: None }).await;
    // Some more after the last replacement.
    let enough = sent.load(Ordering::Relaxed) + 50;
    while sent.load(Ordering::Relaxed) < enough {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    is_over.store(true, Ordering::Relaxed);
    assert_eq!(done["ok"], json!(true), "{done}");
    let sentences: Vec<&str> = done["done"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert_eq!(sentences.len(), 5);
    assert_eq!(sentences[3], "one was replaced at another address, without a gap");
    assert_eq!(sentences[4], "fixed was replaced at its address, without a gap");
    let mut total = 0;
    for load in loads {
        let (answered, failures) = load.await.unwrap();
        assert_eq!(failures, [""; 0]);
        total += answered;
    }
    assert!(total >= 50, "{total} requests");
    println!("{total} requests were answered and none failed");
    let after = ["many", "one", "fixed"].map(published);
    assert_eq!((&after[0], &after[2]), (&before[0], &before[2]), "replicas and handed sockets keep their addresses");
    assert_ne!(after[1], before[1]);
    let events = supervised.happened("one", "ready", 2).await;
    assert_eq!(of(&events, "many-2", "started").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_are_added_and_removed_under_load() {
    let text = dummy("a", ", \"--listen-stdin\"", &format!("socket = \"handed\"\nleave_ms = 4000\n{PATIENT}"));
    let supervised = Supervised::start(&text);
    supervised.ready();
    let (is_over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let load = tokio::spawn(load(supervised.data.path().into(), "a", Arc::clone(&is_over), sent));
    for replicas in [3, 1] {
        let done = supervised.ask(Request::Scale { name: "a".to_owned(), replicas }).await;
        assert_eq!(done["done"], json!([format!("a has {replicas} replicas")]), "{done}");
        assert_eq!(supervised.processes().await.len(), replicas);
        assert_eq!(addresses(supervised.data.path(), "a").len(), replicas);
    }
    is_over.store(true, Ordering::Relaxed);
    let (answered, failures) = load.await.unwrap();
    assert_eq!(failures, [""; 0]);
    assert!(answered > 0);
    // The sockets of those that are gone are closed.
    let events = supervised.happened("a-2", "stopped", 1).await;
    let url = of(&events, "a-2", "listening")[0]["url"].as_str().unwrap();
    assert!(client().get(format!("{url}/name")).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn a_restart_answers_once_all_is_ready_again() {
    let supervised = Supervised::start(&dummy("a", "", "replicas = 2"));
    supervised.ready();
    let before = [supervised.process("a").await, supervised.process("a-2").await];
    let done = supervised.ask(Request::Restart { name: "a-2".to_owned() }).await;
    assert_eq!(done, json!({ "ok": true, "done": ["a-2 was restarted"] }));
    let after = [supervised.process("a").await, supervised.process("a-2").await];
    assert!(before[0] == after[0] && before[1] != after[1]);
    let refused = supervised.ask(Request::Restart { name: "b".to_owned() }).await;
    assert_eq!(refused["ok"], json!(false));
}

#[tokio::test]
async fn a_successor_at_a_handed_socket_is_judged_by_its_own_answers() {
    let bad = tempfile::tempdir().unwrap();
    let file = bad.path().join("bad");
    let arguments = format!(", \"--listen-stdin\", \"--unready-while\", \"{}\"", file.display());
    let text = dummy("a", &arguments, "socket = \"handed\"\nleave_ms = 0");
    // A successor has both times and five seconds.
    let text = text.replace("drain_ms = 60000", "drain_ms = 500").replace("start_ms = 60000", "start_ms = 2500");
    let supervised = Supervised::start(&text);
    supervised.ready();
    let before = supervised.replica("a").await;
    std::fs::write(&file, "").unwrap();
    let refused = supervised.ask(Request::Roll { name: None }).await;
    assert_eq!(refused["error"], "the successor of a did not become ready and was ended; a stays", "{refused}");
    let events = supervised.happened("a", "stopped", 1).await;
    assert!(of(&events, "a", "unready").is_empty(), "{events:?}");
    let after = supervised.replica("a").await;
    assert_eq!((&after["pid"], &after["phase"]), (&before["pid"], &json!("ready")));
    std::fs::remove_file(&file).unwrap();
    let done = supervised.ask(Request::Roll { name: None }).await;
    assert_eq!(done["done"], json!(["a was replaced at its address, without a gap"]));
}
