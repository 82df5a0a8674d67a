//! `kinora-gateway`: the command line of the gateway. The work is in `kinora_gateway`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use kinora_gateway::quota::Allowance;
use kinora_gateway::topology::{Route, Topology};
use kinora_gateway::transport::over_http;
use kinora_gateway::{Config, Tls, serve};
use kinora_kit::http::handed;
use kinora_kit::http::signal::{Termination, end_of_stdin};

/// The one address before the services: routes requests, and protects services from each other and from clients.
#[derive(Debug, Parser)]
#[command(name = "kinora-gateway", version)]
struct Arguments {
    /// Address for plain HTTP; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Address for TLS 1.3; key and certificate are made at the first start
    #[arg(long, value_name = "ADDRESS")]
    tls_listen: Option<SocketAddr>,
    /// Speak TLS 1.3 at the address of plain HTTP too: the first byte of a connection tells them apart
    #[arg(long, conflicts_with = "tls_listen")]
    tls: bool,
    /// Say where it listens in a line of JSON too
    #[arg(long)]
    json: bool,
    /// Data directory: keys and certificate
    #[arg(long, value_name = "DIR", default_value = "var")]
    data: PathBuf,
    /// Replicas of a service: accounts=URL,… catalogue=URL,… playback=URL,… with http://HOST:PORT or h2c://HOST:PORT
    #[arg(long = "route", value_name = "SERVICE=URL,…", required = true)]
    routes: Vec<Route>,
    /// Public keys that access tokens are signed with (JSON Web Key Set); without it each token has its own quota
    #[arg(long, value_name = "FILE")]
    token_keys: Option<PathBuf>,
    /// Requests a second of one account; twice as many at once
    #[arg(long, value_name = "N", default_value_t = 300)]
    account_rate: u32,
    /// Requests a second of one address; twice as many at once
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    address_rate: u32,
    /// Seconds that answers under way get to finish after a signal to end; a second signal ends at once
    #[arg(long, value_name = "S", default_value_t = 30)]
    drain_seconds: u32,
    /// Listen on the socket that is the standard input, as a supervisor hands it over, and not on an address for plain HTTP
    #[arg(long, conflicts_with_all = ["listen", "exit_with_stdin"])]
    socket_on_stdin: bool,
    /// End when the standard input does, as it does when the process that started this one dies
    #[arg(long)]
    exit_with_stdin: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    kinora_kit::http::server::log_to_stderr();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kinora-gateway: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut termination = Termination::subscribe()?;
    let topology = Topology::new(arguments.routes)?;
    let mut config = Config::new(arguments.data);
    config.address = arguments.listen;
    if arguments.socket_on_stdin {
        config.socket = Some(Arc::new(handed::listener().context("--socket-on-stdin")?));
    }
    config.tls = match arguments.tls_listen {
        Some(address) => Tls::At(address),
        None if arguments.tls => Tls::BesidePlain,
        None => Tls::Nowhere,
    };
    config.token_keys = arguments.token_keys;
    config.bounds.account = Allowance::per_second(arguments.account_rate);
    config.bounds.address = Allowance::per_second(arguments.address_rate);
    config.limits.drain = Duration::from_secs(arguments.drain_seconds.into());
    let running = serve(config, over_http(&topology)).await?;
    println!("listening on {}", running.url());
    if let Some((url, pin)) = running.tls() {
        println!("listening on {url} pin {pin}");
        if arguments.json {
            println!("{}", serde_json::json!({ "gateway": { "url": url, "pin": pin.to_string() } }));
        }
    }
    tokio::select! {
        () = termination.wait() => {}
        () = end_of_stdin(), if arguments.exit_with_stdin => {}
    }
    tokio::select! {
        () = running.shutdown() => {}
        // Whoever asks twice does not want to wait.
        () = termination.wait() => {}
    }
    Ok(())
}
