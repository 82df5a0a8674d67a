//! The command line: what is printed, and what is refused.

use std::fs;
use std::process::{Command, Output, Stdio};

use kinora_supervisor::shell::control::Request;
use serde_json::json;

use crate::supervised::{SUPERVISOR, Supervised, command, dummy};

fn output(arguments: &[&str]) -> Output {
    Command::new(SUPERVISOR).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn the_ready_line_names_every_process() {
    let topology = [
        dummy("gateway", ", \"--argument\", \"{urls:catalogue}\", \"--argument\", \"{data}\"", "role = \"backend\""),
        dummy("catalogue", "", "replicas = 2\nservices = [\"catalogue\", \"search\"]"),
        dummy("edge", ", \"--argument\", \"{url:gateway}\"", "role = \"edge\""),
    ];
    let supervised = Supervised::start(&topology.concat());
    let ready = supervised.ready();
    let gateway = supervised.replica("gateway").await;
    assert_eq!(ready["backend"], gateway["url"]);
    let edge = supervised.replica("edge").await;
    assert_eq!(ready["edges"], json!([{ "name": "edge", "url": edge["url"], "pid": edge["pid"] }]));
    let services = ready["services"].as_array().unwrap();
    let names: Vec<_> = services.iter().map(|service| service["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["catalogue", "catalogue-2", "gateway"]);
    assert_eq!(services[1]["services"], json!(["catalogue", "search"]));
    let urls = [&services[0], &services[1]].map(|service| service["url"].as_str().unwrap()).join(",");
    let line = fs::read(format!("/proc/{}/cmdline", gateway["pid"])).unwrap();
    let arguments: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
    for argument in [urls.as_str(), supervised.data.path().to_str().unwrap()] {
        assert!(arguments.contains(&argument.as_bytes()), "{argument} in {}", text(&line));
    }
}

#[tokio::test]
async fn processes_with_handed_sockets_know_each_others_addresses() {
    let text = [("a", "b"), ("b", "a")].map(|(name, other)| {
        let arguments = format!(", \"--listen-stdin\", \"--argument\", \"{{urls:{other}}}\"");
        dummy(name, &arguments, "socket = \"handed\"\nreplicas = 2")
    });
    let supervised = Supervised::start(&text.concat());
    supervised.ready();
    for (name, other) in [("a", "b"), ("b-2", "a")] {
        let (first, second) = (supervised.replica(other).await, supervised.replica(&format!("{other}-2")).await);
        let urls = [&first, &second].map(|replica| replica["url"].as_str().unwrap()).join(",");
        let line = fs::read(format!("/proc/{}/cmdline", supervised.process(name).await)).unwrap();
        assert!(
            line.split(|byte| *byte == 0).any(|argument| argument == urls.as_bytes()),
            "{urls} in {}",
            String::from_utf8_lossy(&line)
        );
    }
}

#[tokio::test]
async fn all_in_one_is_a_topology_whose_announcement_is_taken_over() {
    let supervised = Supervised::start(&dummy("all", ", \"--json\"", "ready_line = \"json\"\nrole = \"backend\""));
    let ready = supervised.ready();
    assert_eq!(ready["email"], "a@b");
    assert_eq!(ready["edges"], json!([{ "name": "inner", "url": "http://127.0.0.1:1", "pid": 1 }]));
    assert_eq!(ready["services"][0]["name"], "all");
    assert!(!supervised.stderr().contains("a@b"), "an announcement is not logged");
}

#[tokio::test]
async fn operators_see_a_table_and_sentences() {
    let supervised = Supervised::start(&dummy("a", "", "replicas = 2\nleave_ms = 0"));
    supervised.ready();
    let data = supervised.data.path().to_str().unwrap();
    let status = output(&["status", "--data", data]);
    let table = text(&status.stdout);
    assert!(status.status.success() && table.lines().count() == 3, "{table}");
    assert!(table.lines().nth(2).unwrap().starts_with("a-2                  ready "), "{table}");
    let rolled = output(&["roll", "a", "--data", data]);
    assert_eq!(text(&rolled.stdout).lines().count(), 2, "{}", text(&rolled.stderr));
    let json = output(&["status", "--data", data, "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["status"][1]["restarts"], 1);
    let refused = output(&["restart", "film", "--data", data]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("`film` is no process of this topology; those are a"));
}

#[tokio::test]
async fn a_data_directory_has_one_supervisor() {
    let supervised = Supervised::start(&dummy("a", "", ""));
    supervised.ready();
    let second = command(supervised.data.path(), &dummy("a", "", "")).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("another supervisor runs with"), "{}", text(&second.stderr));
    assert_eq!(supervised.ask(Request::Status).await["pid"], supervised.pid());
}

#[test]
fn what_cannot_run_is_refused_with_a_sentence() {
    let data = tempfile::tempdir().unwrap();
    let missing = "[[process]]\nname = \"a\"\nprogram = \"kinora-nothing\"\n";
    for (topology, sentence) in [
        (missing, "kinora-nothing, is missing: build it with `cargo build --workspace`"),
        ("[[process]]\nname = 1\n", "system.toml:2: invalid type"),
    ] {
        let refused = command(data.path(), topology).output().unwrap();
        assert_eq!(refused.status.code(), Some(1));
        assert!(text(&refused.stderr).contains(sentence), "{}", text(&refused.stderr));
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let topology = dummy("a", ", \"--listen-stdin\"", &format!("socket = \"handed\"\nport = {port}"));
    let refused = command(data.path(), &topology).output().unwrap();
    assert!(text(&refused.stderr).contains("the port of `a` cannot be used"), "{}", text(&refused.stderr));
    let checked = command(data.path(), &dummy("a", "", "")).arg("--check").output().unwrap();
    assert_eq!(text(&checked.stdout), "1 processes\n");
    let nobody = output(&["status", "--data", data.path().to_str().unwrap()]);
    assert!(text(&nobody.stderr).contains("no supervisor answers for"), "{}", text(&nobody.stderr));
}

#[tokio::test]
async fn an_operator_stops_a_process_and_starts_it_again() {
    let topology = [dummy("a", "", "replicas = 2\nleave_ms = 0"), dummy("b", "", "")];
    let supervised = Supervised::start(&topology.concat());
    supervised.ready();
    let data = supervised.data.path().to_str().unwrap();
    let run = |arguments: &[&str]| {
        let output = output(&[arguments, &["--data", data]].concat());
        (output.status.success(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
    };
    assert_eq!(run(&["stop", "a"]).1, "a was stopped\n");
    let (_, table, _) = run(&["status"]);
    assert!(!table.contains("a-2") && table.contains("b "), "{table}");
    let (is_done, _, sentence) = run(&["restart", "a"]);
    assert!(!is_done && sentence.contains("a is stopped; start it first"), "{sentence}");
    assert_eq!(run(&["start", "a"]).1, "a has 2 replicas\n");
    assert!(run(&["status"]).1.contains("a-2"));
}
