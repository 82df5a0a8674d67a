//! A server for the supervisor's tests: it dies, hangs, fails and drains as it is asked to, by its arguments or by requests.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use clap::Parser;
use kinora_kit::http::handed;
use kinora_kit::http::server::{self, Limits, Transport};
use kinora_kit::http::signal::Termination;

#[derive(Debug, Parser)]
struct Arguments {
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Name that requests are answered with
    #[arg(long, default_value = "dummy")]
    name: String,
    /// End at once, with this exit status, while a file exists
    #[arg(long, value_name = "FILE")]
    fail_while: Option<PathBuf>,
    /// Not ready in the whole life of a process that starts while a file exists
    #[arg(long, value_name = "FILE")]
    unready_while: Option<PathBuf>,
    /// Ignore SIGTERM
    #[arg(long)]
    stubborn: bool,
    /// Start a child that sleeps, and print its process as `child PID`
    #[arg(long)]
    with_child: bool,
    /// Print a JSON line with further fields after the address
    #[arg(long)]
    json: bool,
    /// Lines of 100 bytes to print on each output before listening
    #[arg(long, default_value_t = 0)]
    lines: u32,
    /// Listen on the socket that is the standard input
    #[arg(long)]
    listen_stdin: bool,
    /// Not used: shows in the list of processes
    #[arg(long)]
    argument: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<u8> {
    let mut termination = Termination::subscribe()?;
    if arguments.fail_while.as_ref().is_some_and(|file| file.exists()) {
        return Ok(7);
    }
    for _ in 0..arguments.lines {
        println!("{}", "o".repeat(99));
        eprintln!("{}", "e".repeat(99));
    }
    if arguments.with_child {
        let child = std::process::Command::new("sleep").arg("3600").spawn()?;
        eprintln!("child {}", child.id());
    }
    let limits = Limits { drain: Duration::from_secs(30), ..Limits::default() };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let router = handed::identify(router(&arguments));
    let running = if arguments.listen_stdin {
        server::listen_on(handed::listener()?, router, limits, Transport::Plain, async {}).await?
    } else {
        server::listen(address, router, limits, async {}).await?
    };
    println!("listening on {}", running.url());
    if arguments.json {
        println!("{{\"email\":\"a@b\",\"edges\":[{{\"name\":\"inner\",\"url\":\"http://127.0.0.1:1\",\"pid\":1}}]}}");
    }
    termination.wait().await;
    if arguments.stubborn {
        std::future::pending::<()>().await;
    }
    running.shutdown().await;
    Ok(0)
}

fn router(arguments: &Arguments) -> Router {
    let is_unready = arguments.unready_while.as_ref().is_some_and(|file| file.exists());
    let is_ready = Arc::new(AtomicBool::new(!is_unready));
    let hangs = Arc::new(AtomicBool::new(false));
    let (state, silence) = (Arc::clone(&is_ready), Arc::clone(&hangs));
    let readyz = async move || {
        if silence.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        if state.load(Ordering::Relaxed) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
    };
    let name = arguments.name.clone();
    Router::new()
        .route("/readyz", get(readyz))
        .route("/name", get(async move || name))
        // Long enough for a request to be under way when its server is asked to end.
        .route("/slow", get(async || tokio::time::sleep(Duration::from_millis(20)).await))
        .route("/unready", post(async move || is_ready.store(false, Ordering::Relaxed)))
        .route("/hang", post(async move || hangs.store(true, Ordering::Relaxed)))
}
