//! Every service in a process of its own: each is killed while a film plays, and all are rolled.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::binary;
use crate::support::system::{Mode, PATIENCE, System};

fn ask(system: &System, command: &[&str]) -> String {
    let mut supervisor = Command::new(binary("kinora-supervisor"));
    let output = supervisor.args(command).arg("--data").arg(system.data()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Processes that are ready, by name.
fn ready(system: &System) -> BTreeMap<String, u64> {
    let answer: Value = serde_json::from_str(&ask(system, &["status", "--json"])).unwrap();
    let replicas = answer["status"].as_array().unwrap();
    let ready = replicas.iter().filter(|replica| replica["phase"] == "ready");
    ready.map(|replica| (replica["name"].as_str().unwrap().to_owned(), replica["pid"].as_u64().unwrap())).collect()
}

/// Kills a process, and waits for the one that takes its place.
fn kill(system: &System, name: &str) {
    let pid = ready(system)[name];
    assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
    let begun = Instant::now();
    while ready(system).get(name).is_none_or(|other| *other == pid) {
        assert!(begun.elapsed() < PATIENCE, "{name} does not come back");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn no_service_is_missed_while_a_film_plays_and_all_are_replaced_without_a_gap() {
    let system = System::start(Mode::Split);
    let names: Vec<String> = ready(&system).into_keys().collect();
    for name in ["a", "accounts", "b", "catalogue", "gateway", "playback"] {
        assert!(names.iter().any(|process| process == name), "{name} is not among {names:?}");
    }
    assert_eq!(system.ready_line()["edges"].as_array().unwrap().len(), 2);
    let playing = system.play(&["--until-end"]);
    for name in &names {
        kill(&system, name);
    }
    let rolled = ask(&system, &["roll"]);
    assert_eq!(rolled.lines().filter(|line| line.ends_with("without a gap")).count(), names.len(), "{rolled}");
    let report = playing.report();
    assert_eq!((&report["outcome"], &report["stalls"]), (&Value::from("ended"), &Value::Array(Vec::new())), "{report}");
}
