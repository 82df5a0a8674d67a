//! `kinora-edge`: the command line of the edge. The work is in `kinora_edge_server`.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use abr::link::Trace;
use anyhow::Context as _;
use clap::Parser;
use kinora_backend::edges::DRAINING;
use kinora_edge_server::log::{Destination, Rotation};
use kinora_edge_server::{self as edge, Access, Config};
use kinora_faults::FaultPlan;
use kinora_kit::http::handed;
use kinora_kit::http::server::Limits;
use kinora_kit::http::signal::Termination;
use kinora_kit::signature::EdgeSecret;
use url::Url;

/// A caching edge: checks signed paths, answers from its cache or the origin, shapes each session's bandwidth.
#[derive(Debug, Parser)]
#[command(name = "kinora-edge", version)]
struct Arguments {
    /// The server behind this edge, such as http://127.0.0.1:8080/origin
    #[arg(long, value_name = "URL")]
    origin: Url,
    /// The server that lists revoked sessions, such as http://127.0.0.1:8081/origin; default: that of --origin
    #[arg(long, value_name = "URL")]
    revocations: Option<Url>,
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// File with the secret that the backend signs addresses with (DATA/edge.secret)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["secret", "open"])]
    secret_file: Option<PathBuf>,
    /// The secret itself; visible in the process list, so for tests
    #[arg(long, value_name = "TEXT", conflicts_with = "open")]
    secret: Option<String>,
    /// Serve plain paths to everyone: an edge in front of a public server
    #[arg(long)]
    open: bool,
    /// Bandwidth trace that each session follows: duration_ms,bandwidth_kbps,latency_ms
    #[arg(long, value_name = "CSV")]
    trace: Option<PathBuf>,
    /// Plan of faults to inject
    #[arg(long, value_name = "TOML")]
    chaos: Option<PathBuf>,
    /// Directory of the disk cache; without it the cache is in memory only
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Size of the cache in megabytes
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(8..=1_000_000))]
    cache_mb: u32,
    /// File to append the request log to, one JSON object a line; - is the standard output
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Size in megabytes from which on the log's file is put aside for a new one
    #[arg(long, value_name = "MB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    log_max_mb: u32,
    /// Files of the log that are kept beside the current one, as FILE.1, FILE.2 and so on
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(0..=1000))]
    log_keep: u32,
    /// Seconds that answers under way get to finish after a signal to end; a second signal ends at once
    #[arg(long, value_name = "S", default_value_t = 30)]
    drain_seconds: u32,
    /// Name in the log and for the chaos plan
    #[arg(long, default_value = "edge")]
    name: String,
    /// Listen on the socket that is the standard input, as a supervisor hands it over
    #[arg(long, conflicts_with_all = ["port", "host", "exit_with_stdin"])]
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
            eprintln!("kinora-edge: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut termination = Termination::subscribe()?;
    let watch_stdin = arguments.exit_with_stdin;
    let running = edge::serve(config(arguments)?).await?;
    println!("listening on {}", running.url());
    if watch_stdin {
        tokio::select! {
            () = termination.wait() => {}
            () = kinora_kit::http::signal::end_of_stdin() => {}
        }
        // For the parent, which may be gone.
        drop(writeln!(std::io::stdout(), "{DRAINING}"));
    } else {
        termination.wait().await;
    }
    tokio::select! {
        () = running.shutdown() => {}
        // Whoever asks twice does not want to wait.
        () = termination.wait() => {}
    }
    Ok(())
}

fn config(arguments: Arguments) -> anyhow::Result<Config> {
    let access = match (arguments.secret_file, arguments.secret, arguments.open) {
        (Some(file), _, _) => Access::Signed(
            EdgeSecret::load(&file).with_context(|| format!("the secret file {} cannot be used", file.display()))?,
        ),
        (None, Some(text), _) => {
            Access::Signed(EdgeSecret::new(&text).context("the secret has fewer than 16 characters")?)
        }
        (None, None, true) => Access::Open,
        (None, None, false) => anyhow::bail!(
            "give --secret-file (the backend keeps it in DATA/edge.secret), or --open to serve everyone without signatures"
        ),
    };
    let read = |file: PathBuf| {
        std::fs::read_to_string(&file)
            .with_context(|| format!("{} cannot be read", file.display()))
            .map(|text| (file, text))
    };
    let trace = arguments.trace.map(read).transpose()?;
    let trace =
        trace.map(|(file, text)| Trace::parse(&text).with_context(|| file.display().to_string())).transpose()?;
    let chaos = arguments.chaos.map(read).transpose()?;
    let chaos =
        chaos.map(|(file, text)| FaultPlan::parse(&text).with_context(|| file.display().to_string())).transpose()?;
    let socket = match arguments.socket_on_stdin {
        true => Some(Arc::new(handed::listener().context("--socket-on-stdin")?)),
        false => None,
    };
    Ok(Config {
        address: SocketAddr::new(arguments.host, arguments.port),
        socket,
        name: arguments.name,
        revocations: arguments.revocations,
        trace,
        chaos,
        cache_dir: arguments.cache,
        cache_mb: arguments.cache_mb as usize,
        rotation: Rotation { max_bytes: u64::from(arguments.log_max_mb) << 20, keep: arguments.log_keep },
        limits: Limits { drain: Duration::from_secs(arguments.drain_seconds.into()), ..Limits::default() },
        log: match arguments.log {
            None => Destination::Off,
            Some(file) if file.as_os_str() == "-" => Destination::Stdout,
            Some(file) => Destination::File(file),
        },
        ..Config::new(arguments.origin, access)
    })
}
