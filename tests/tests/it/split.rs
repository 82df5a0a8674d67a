//! Every service in a process of its own: each is killed while a film plays, and all are rolled.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{binary, demo};

/// Only a guard against hanging.
const PATIENCE: Duration = Duration::from_secs(90);

/// The supervisor of the split topology; everything ends with it.
struct System {
    child: Child,
    data: tempfile::TempDir,
    ready: Value,
}

impl System {
    fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(demo().join("media"), data.path().join("media")).unwrap();
        let prepared = Command::new(binary("kinora-backend"))
            .args(["demo", "--prepare-only", "--data"])
            .arg(data.path())
            .status()
            .unwrap();
        assert!(prepared.success());
        let topology = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mock-backend/supervisor/topologies/split.toml");
        let mut child = Command::new(binary("kinora-supervisor"))
            .arg("--topology")
            .arg(topology)
            .arg("--data")
            .arg(data.path())
            .arg("--exit-with-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.map(Result::unwrap).find(|line| line.starts_with('{')).unwrap();
        Self { child, data, ready: serde_json::from_str(&ready).unwrap() }
    }

    fn text(&self, field: &str) -> &str {
        self.ready[field].as_str().unwrap()
    }

    fn ask(&self, command: &[&str]) -> String {
        let output = Command::new(binary("kinora-supervisor"))
            .args(command)
            .arg("--data")
            .arg(self.data.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Processes that are ready, by name.
    fn ready(&self) -> BTreeMap<String, u64> {
        let answer: Value = serde_json::from_str(&self.ask(&["status", "--json"])).unwrap();
        let replicas = answer["status"].as_array().unwrap();
        let ready = replicas.iter().filter(|replica| replica["phase"] == "ready");
        ready.map(|replica| (replica["name"].as_str().unwrap().to_owned(), replica["pid"].as_u64().unwrap())).collect()
    }

    /// Kills a process, and waits for the one that takes its place.
    fn kill(&self, name: &str) {
        let pid = self.ready()[name];
        assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
        let begun = Instant::now();
        while self.ready().get(name).is_none_or(|other| *other == pid) {
            assert!(begun.elapsed() < PATIENCE, "{name} does not come back");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for System {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

#[test]
fn no_service_is_missed_while_a_film_plays_and_all_are_replaced_without_a_gap() {
    let system = System::start();
    let names = ["a", "accounts", "b", "catalogue", "gateway", "playback"];
    assert_eq!(system.ready().into_keys().collect::<Vec<_>>(), names);
    assert_eq!(system.ready["edges"].as_array().unwrap().len(), 2);
    let report = system.data.path().join("report.json");
    let mut player = Command::new(binary("kinora-qa"))
        .args(["play", "--backend", system.text("backend"), "--until-end", "--render", "null", "--report"])
        .arg(&report)
        .env("KINORA_EMAIL", system.text("email"))
        .env("KINORA_PASSWORD", system.text("password"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    for name in names {
        system.kill(name);
    }
    let rolled = system.ask(&["roll"]);
    assert_eq!(rolled.lines().filter(|line| line.ends_with("without a gap")).count(), names.len(), "{rolled}");
    assert!(player.wait().unwrap().success());
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!((&report["outcome"], &report["stalls"]), (&Value::from("ended"), &Value::Array(Vec::new())), "{report}");
}
