//! Ends of the supervisor, after each of which no child is left.

use std::process::Stdio;

use rustix::process::Signal;

use crate::supervised::{PATIENCE, Supervised, dummy, is_alive, of, signal, wait_for_end};

/// A process with a child, one that depends on it, and one that does not heed SIGTERM.
fn system(drain_ms: u64) -> String {
    let stubborn =
        dummy("stubborn", ", \"--stubborn\"", "").replace("drain_ms = 60000", &format!("drain_ms = {drain_ms}"));
    [dummy("parent", ", \"--with-child\"", ""), dummy("a", "", "replicas = 2\nafter = [\"parent\"]"), stubborn].concat()
}

/// The process that `parent` started.
fn grandchild(supervised: &Supervised) -> u32 {
    let stderr = supervised.stderr();
    let line = stderr.lines().find_map(|line| line.strip_prefix("[parent] child "));
    line.unwrap_or_else(|| panic!("no child in {stderr}")).parse().unwrap()
}

#[tokio::test]
async fn sigterm_drains_in_order_and_leaves_no_child() {
    let mut supervised = Supervised::start(&system(300));
    supervised.ready();
    let pids = [supervised.processes().await, vec![grandchild(&supervised)]].concat();
    assert!(pids.len() == 5 && pids.iter().all(|pid| is_alive(*pid)));
    let stopped = std::cell::Cell::new(None);
    let until_all_stopped = supervised.events_until(|event| {
        // Asked for at the first event, when this listens.
        let before = stopped.get().unwrap_or_else(|| {
            signal(supervised.pid(), Signal::TERM);
            0
        });
        let count = before + u32::from(event["event"] == "stopped");
        stopped.set(Some(count));
        count == 4
    });
    let events = until_all_stopped.await;
    assert_eq!(of(&events, "stubborn", "killed")[0]["reason"], "drain_timeout");
    assert_eq!(of(&events, "a", "ended")[0]["status"], "exit status: 0");
    let at = |name: &str, kind: &str| {
        events.iter().position(|event| event["name"] == name && event["event"] == kind).unwrap()
    };
    assert!(at("a", "stopped").max(at("a-2", "stopped")) < at("parent", "draining"), "{events:?}");
    assert_eq!(supervised.ended().code(), Some(0));
    wait_for_end(&pids);
    assert!(!supervised.data.path().join("run/supervisor.sock").exists());
}

#[tokio::test]
async fn a_second_signal_kills() {
    // Far longer than any test waits.
    let mut supervised = Supervised::start(&system(3_600_000));
    supervised.ready();
    let pids = supervised.processes().await;
    signal(supervised.pid(), Signal::INT);
    supervised.happened("stubborn", "draining", 1).await;
    signal(supervised.pid(), Signal::INT);
    assert_eq!(supervised.ended().code(), Some(0));
    wait_for_end(&pids);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_supervisor_that_is_killed_leaves_no_child() {
    let mut supervised = Supervised::start(&system(300));
    supervised.ready();
    let pids = supervised.processes().await;
    let orphan = grandchild(&supervised);
    signal(supervised.pid(), Signal::KILL);
    supervised.ended();
    wait_for_end(&pids);
    // A child of a child is beyond the reach of the parent-death signal (docs/adr/0027).
    if is_alive(orphan) {
        signal(orphan, Signal::KILL);
    }
}

#[tokio::test]
async fn it_ends_with_its_standard_input() {
    let mut supervised = Supervised::start_with(&dummy("a", "", ""), |command| {
        command.arg("--exit-with-stdin").stdin(Stdio::null());
    });
    // The input has ended before the first process is ready.
    assert_eq!(supervised.ended().code(), Some(0));
}

#[tokio::test]
async fn a_flood_of_output_that_is_not_read_stops_nothing() {
    let flood = dummy("flood", ", \"--lines\", \"20000\"", "");
    let mut supervised = Supervised::start_with(&flood, |command| {
        command.stderr(Stdio::piped());
    });
    supervised.ready();
    signal(supervised.pid(), Signal::TERM);
    let ended = tokio::time::timeout(PATIENCE, async { supervised.ended() }).await.unwrap();
    assert_eq!(ended.code(), Some(0));
}
