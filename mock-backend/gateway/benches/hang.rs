//! The start of playbacks while the catalogue hangs, and what the gateway costs: paired, interleaved rounds over sockets.
//!
//! `cargo test --workspace --bench hang -- --bench`: about a minute. Four kinds of rounds take turns: the service asked directly,
//! through the gateway, and through it while [`BROWSERS`] clients browse a catalogue that answers, or one that takes connections
//! and never answers. Every start has to succeed; it fails if the median of the 99th percentiles of the last kind is more than
//! 10 % and 5 ms above that of the one before. Without `--bench` one short round of each shows that it runs.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::routing::{get, post};
use kinora_gateway::quota::Allowance;
use kinora_gateway::topology::Topology;
use kinora_gateway::transport::over_http;
use kinora_gateway::{Config, serve};
use kinora_kit::http::server::{Limits, listen};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Clients that browse: more than a catalogue's bulkhead has places here.
const BROWSERS: usize = 100;
/// Places of the bulkhead.
const PLACES: usize = 64;
/// Pause of a client after an answer or a refusal.
const PAUSE: Duration = Duration::from_millis(500);
/// Starts at the same time.
const AT_ONCE: usize = 4;

/// Percentiles of a round, in microseconds.
#[derive(Clone, Copy, Debug)]
struct Round {
    p50: u128,
    p99: u128,
}

#[tokio::main]
async fn main() -> ExitCode {
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    match run(if is_measured { (15, 500) } else { (1, 40) }, is_measured).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hang: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run((rounds, starts): (usize, usize), is_measured: bool) -> anyhow::Result<()> {
    let anywhere = "127.0.0.1:0".parse()?;
    let answers =
        Router::new().route("/v1/playback", post(async |body: String| body)).route("/v1/home", get(async || "home"));
    let service = listen(anywhere, answers, Limits::default(), async {}).await?;
    let stopped = TcpListener::bind("127.0.0.1:0").await?;
    let (url, stopped_url) = (service.url(), format!("http://{}", stopped.local_addr()?));
    let holding = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = stopped.accept().await {
            held.push(stream);
        }
    });
    let data = tempfile::tempdir()?;
    let before = async |catalogue: &str| {
        let routes = [format!("accounts={url}"), format!("playback={url}"), format!("catalogue={catalogue}")];
        let routes: Result<Vec<_>, _> = routes.iter().map(|route| route.parse()).collect();
        let mut config = Config::new(data.path());
        config.bounds.service_places = PLACES;
        config.bounds.address = Allowance::per_second(1_000_000);
        anyhow::Ok(serve(config, over_http(&Topology::new(routes?)?)).await?)
    };
    let (sound, hanging) = (before(&url).await?, before(&stopped_url).await?);
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut kinds =
        ["service", "gateway", "gateway, browsing", "gateway, browsing hangs"].map(|name| (name, Vec::new()));
    for _ in 0..rounds {
        kinds[0].1.push(round(&client, &url, starts).await?);
        kinds[1].1.push(round(&client, &sound.url(), starts).await?);
        for (kind, gateway) in [(2, &sound), (3, &hanging)] {
            let mut browsing = JoinSet::new();
            for _ in 0..BROWSERS {
                browsing.spawn(browse(client.clone(), format!("{}/v1/home", gateway.url())));
            }
            tokio::time::sleep(PAUSE).await;
            kinds[kind].1.push(round(&client, &gateway.url(), starts).await?);
            browsing.shutdown().await;
        }
    }
    sound.shutdown().await;
    hanging.shutdown().await;
    holding.abort();
    let median = |rounds: &[Round], of: fn(&Round) -> u128| {
        let mut figures: Vec<u128> = rounds.iter().map(of).collect();
        figures.sort_unstable();
        figures[figures.len() / 2]
    };
    println!("medians of {rounds} rounds of {starts} starts, {AT_ONCE} at once   p50 µs   p99 µs");
    for (name, rounds) in &kinds {
        println!("{name:<56}{:>9}{:>9}", median(rounds, |round| round.p50), median(rounds, |round| round.p99));
    }
    let [calm, hung] = [2, 3].map(|kind| median(&kinds[kind].1, |round| round.p99));
    ensure!(!is_measured || hung <= (calm * 11 / 10).max(calm + 5_000), "p99 {calm} µs became {hung} µs");
    Ok(())
}

/// Starts playbacks, some at once; every one has to succeed.
async fn round(client: &reqwest::Client, base: &str, starts: usize) -> anyhow::Result<Round> {
    let mut lanes = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (client, url) = (client.clone(), format!("{base}/v1/playback"));
        lanes.spawn(async move {
            let mut took = Vec::new();
            for _ in 0..starts / AT_ONCE {
                let begun = Instant::now();
                let response = client.post(&url).body("{}").send().await?.error_for_status()?;
                response.bytes().await?;
                took.push(begun.elapsed().as_micros());
            }
            anyhow::Ok(took)
        });
    }
    let mut took = Vec::new();
    for lane in lanes.join_all().await {
        took.extend(lane.context("a start failed")?);
    }
    took.sort_unstable();
    let percentile = |percent: usize| took.get((took.len() * percent / 100).min(took.len() - 1)).copied();
    let figures = percentile(50).zip(percentile(99)).context("a round without starts")?;
    Ok(Round { p50: figures.0, p99: figures.1 })
}

/// Asks for the home screen again and again.
async fn browse(client: reqwest::Client, url: String) {
    loop {
        // An answer and a refusal are alike here.
        if let Ok(response) = client.get(&url).send().await {
            drop(response.bytes().await);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
