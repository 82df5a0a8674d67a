//! The gateway as a process, and a service that was stopped: the kernel still takes its connections, and nobody answers.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kinora_api::paths;
use kinora_gateway::topology::Topology;
use kinora_gateway::transport::over_http;
use kinora_gateway::{Config, serve};
use kinora_stage::{PATIENCE, Stage, TITLE};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::task::JoinSet;

struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    url: String,
    dir: tempfile::TempDir,
}

impl Process {
    /// Starts a gateway before a server that answers for all services.
    async fn start(behind: &str, more: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_kinora-gateway"));
        command.arg("--data").arg(dir.path()).args(more);
        for service in ["accounts", "catalogue", "playback"] {
            command.arg("--route").arg(format!("{service}={behind}"));
        }
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = line(&mut lines).await.strip_prefix("listening on ").unwrap().to_owned();
        Self { child, lines, url, dir }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").arg(format!("-{name}")).arg(pid).status().unwrap().success());
    }
}

async fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap()
}

#[tokio::test]
async fn the_process_says_where_it_is_and_ends_in_order() {
    let stage = Stage::new().await;
    let mut process = Process::start(&stage.backend.url(), &["--tls-listen", "127.0.0.1:0"]).await;
    let secure = line(&mut process.lines).await;
    let (url, pin) = secure.strip_prefix("listening on https://").unwrap().split_once(" pin ").unwrap();
    let pin: kinora_kit::http::tls::KeyPin = pin.parse().unwrap();
    let config = kinora_kit::http::tls::client_config(pin).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_backend_preconfigured(config).build().unwrap();
    for url in [format!("https://{url}"), process.url.clone()] {
        let response = client.get(format!("{url}/readyz")).send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), "accounts 1/1\ncatalogue 1/1\nplayback 1/1\n");
    }
    let token = std::fs::read_to_string(process.dir.path().join("keys/metrics.token")).unwrap();
    let counters = client.get(format!("{}/metrics", process.url)).bearer_auth(token.trim()).send().await.unwrap();
    assert!(counters.text().await.unwrap().contains("kinora_gateway_free_places"));
    process.signal("TERM");
    assert!(process.child.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_wrong_set_up_is_refused_with_a_sentence() {
    for (arguments, expected) in [
        (&["--route", "accounts=http://a:1"][..], "catalogue has 0 replicas"),
        (&["--route", "nothing=http://a:1"], "is not SERVICE=URL"),
        (&[], "--route"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_kinora-gateway")).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(expected), "{said}");
    }
}

#[tokio::test]
async fn a_stopped_catalogue_leaves_the_start_of_playbacks_as_it_was() {
    let (stage, _edge, viewer) = Stage::playing().await;
    // The catalogue of the gateway is another gateway, a process that can be stopped.
    let catalogue = Process::start(&stage.backend.url(), &[]).await;
    let dir = tempfile::tempdir().unwrap();
    let backend = stage.backend.url();
    let routes = [format!("accounts={backend}"), format!("catalogue={}", catalogue.url), format!("playback={backend}")];
    let topology = Topology::new(routes.iter().map(|route| route.parse().unwrap())).unwrap();
    let mut config = Config::new(dir.path());
    config.bounds.service_places = 16;
    config.bounds.deadline = PATIENCE;
    let gateway = serve(config, over_http(&topology)).await.unwrap();
    let token = viewer.signed_in.tokens.access_token.expose().to_owned();
    let at = |path: &str| format!("{}{path}", gateway.url());
    let browse = || stage.client.get(at("/v1/home")).bearer_auth(&token).send();
    assert_eq!(browse().await.unwrap().status(), 200);
    catalogue.signal("STOP");
    let mut browsing = JoinSet::new();
    for _ in 0..40 {
        browsing.spawn(browse());
    }
    for _ in 0..24 {
        let refused = browsing.join_next().await.unwrap().unwrap().unwrap();
        assert_eq!(refused.status(), 503);
        assert!(refused.headers().contains_key("retry-after"));
    }
    for _ in 0..50 {
        let request = serde_json::json!({ "title_id": TITLE, "protocols": ["hls"] });
        let granted = stage.client.post(at(paths::PLAYBACK)).bearer_auth(&token).json(&request).send().await.unwrap();
        assert_eq!(granted.status(), 200);
        let grant: kinora_api::PlaybackGrant = granted.json().await.unwrap();
        let last = serde_json::json!({ "position_ms": 0, "phase": "stopped" });
        let stopped = stage.client.post(at(&grant.stop_path)).bearer_auth(&token).json(&last).send().await.unwrap();
        assert_eq!(stopped.status(), 204);
    }
    assert!(browsing.try_join_next().is_none(), "sixteen requests hang meanwhile");
    catalogue.signal("CONT");
    while let Some(answer) = browsing.join_next().await {
        assert_eq!(answer.unwrap().unwrap().status(), 200, "what hung is answered");
    }
    assert_eq!(browse().await.unwrap().status(), 200);
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_service_that_is_started_again_under_its_address_fails_no_request() {
    let stage = Stage::new().await;
    let mut service = Process::start(&stage.backend.url(), &[]).await;
    let address = service.url.strip_prefix("http://").unwrap().to_owned();
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::new(dir.path());
    (config.bounds.grace, config.bounds.deadline) = (PATIENCE, PATIENCE);
    let gateway = serve(config, over_http(&Topology::all_in_one(&service.url).unwrap())).await.unwrap();
    let viewer = stage.viewer().await;
    let token = viewer.signed_in.tokens.access_token.expose().to_owned();
    let (url, client) = (format!("{}/v1/home", gateway.url()), stage.client.clone());
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    let asking = tokio::spawn(async move {
        while !over.load(Ordering::SeqCst) {
            assert_eq!(client.get(&url).bearer_auth(&token).send().await.unwrap().status(), 200);
        }
    });
    for _ in 0..2 {
        service.signal("TERM");
        assert!(service.child.wait().await.unwrap().success());
        service = Process::start(&stage.backend.url(), &["--listen", &address]).await;
    }
    is_over.store(true, Ordering::SeqCst);
    asking.await.unwrap();
    gateway.shutdown().await;
}
