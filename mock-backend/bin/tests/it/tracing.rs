//! One request through several processes: its id and its trace are in the log of each.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use kinora_services as services;
use kinora_stage::{PATIENCE, client, write_title};
use serde_json::json;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// A service in a process of its own, with everything in its log.
struct Service {
    child: Child,
    url: String,
    log: PathBuf,
    /// Held open: the program ends when it can say nothing more.
    _output: BufReader<ChildStdout>,
}

impl Service {
    fn start(data: &Path, name: &str, peers: &[&str]) -> Self {
        let log = data.join(format!("{name}.log"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_kinora-backend"));
        command.args(["--demo", "--port", "0", "--service", name, "--data"]).arg(data);
        for peer in peers {
            command.args(["--peer", peer]);
        }
        command.env("RUST_LOG", "kinora_kit=debug").stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, url, log, _output: output }
    }

    /// The log's line about a path that was answered.
    async fn logged(&self, path: &str) -> String {
        let begun = Instant::now();
        loop {
            let text = fs::read_to_string(&self.log).unwrap();
            if let Some(line) = text.lines().find(|line| line.contains(&format!("path=\"{path}\""))) {
                return line.to_owned();
            }
            assert!(begun.elapsed() < PATIENCE, "{path} is not in {text}");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn one_id_and_one_trace_are_in_the_logs_of_all_services_that_a_request_reaches() {
    let dir = tempfile::tempdir().unwrap();
    write_title(dir.path());
    services::prepare(&services::Config::new(dir.path())).await.unwrap();
    let accounts = Service::start(dir.path(), "accounts", &["playback=http://127.0.0.1:9"]);
    let peer = format!("accounts={}", accounts.url);
    let playback = Service::start(dir.path(), "playback", &[&peer, "catalogue=http://127.0.0.1:9"]);
    let other = format!("playback={}", playback.url);
    let catalogue = Service::start(dir.path(), "catalogue", &[&peer, &other]);
    let request = json!({
        "email": services::demo::EMAIL, "password": services::demo::PASSWORD,
        "device": { "id": "d", "name": "", "platform": "", "app_version": "" },
    });
    let client = client();
    let signed_in = client.post(format!("{}/v1/sign-in", accounts.url)).json(&request).send().await.unwrap();
    let signed_in: kinora_api::SignInResponse = signed_in.json().await.unwrap();
    let home = client
        .get(format!("{}/v1/home", catalogue.url))
        .bearer_auth(signed_in.tokens.access_token.expose())
        .header("x-request-id", "app-17")
        .header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"))
        .send()
        .await
        .unwrap();
    assert_eq!((home.status().as_u16(), home.headers()["x-request-id"].to_str().unwrap()), (200, "app-17"));
    let mut spans = Vec::new();
    for (service, path) in [
        (&catalogue, "/v1/home"),
        (&accounts, "/internal/accounts/identify"),
        (&playback, "/internal/playback/viewing"),
    ] {
        let line = service.logged(path).await;
        assert!(line.contains("app-17"), "{line}");
        let (_, rest) = line.split_once(&format!("00-{TRACE}-")).unwrap_or_else(|| panic!("another trace: {line}"));
        spans.push(rest[..16].to_owned());
    }
    spans.sort();
    spans.dedup();
    assert_eq!(spans.len(), 3, "each process has a span of its own");
}
