//! `kinora-backend`: the command line of the backend. The work is in `kinora_backend`, `kinora_services` and `kinora_media`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use kinora_backend::{demo, events, package, recommend, risk};
use kinora_kit::http::handed;
use kinora_kit::http::signal::{Termination, end_of_stdin};
use kinora_media::{self as media, Ladder};
use kinora_services as services;
use kinora_services::members::Member;
use kinora_supervisor::operator;
use url::Url;

/// The backend: sign-in, catalogue, playback authorisation, resume positions, and the origin behind the edges.
#[derive(Debug, Parser)]
#[command(name = "kinora-backend", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    serve: Serve,
    #[command(subcommand)]
    command: Option<Task>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Package a video file into the catalogue: CMAF with HLS and DASH, thumbnails, poster
    Ingest(Ingest),
    /// Work on accounts
    #[command(subcommand)]
    Account(AccountTask),
    /// Work on the keys that access tokens are signed with
    #[command(subcommand)]
    Keys(KeysTask),
    /// Copy the tables of all services from SQLite into an empty PostgreSQL, and compare both sides
    Migrate(Migrate),
    /// Judge recommendations
    #[command(subcommand)]
    Recommend(recommend::Task),
    /// Score the risk of sign-ins
    #[command(subcommand)]
    Risk(risk::Task),
    /// Work on the log of events
    #[command(subcommand)]
    Events(events::Task),
    /// Show how titles are watched, by the log of events: how far viewers come, and what they watch again
    Insights(events::Insights),
    /// Show and change what runs under a supervisor
    #[command(subcommand)]
    Topology(operator::Task),
    /// Make the demo catalogue and viewer, start backend and edges, and say where they are as a line of JSON
    Demo(Demo),
}

#[derive(Debug, Args)]
struct Migrate {
    /// Data directory, or the URL of a file, such as sqlite:kinora.db
    #[arg(long, value_name = "DIR|URL")]
    from: String,
    /// Database to fill, such as postgres://USER@HOST/NAME; it has to be empty
    #[arg(long, value_name = "URL")]
    to: String,
}

#[derive(Debug, Subcommand)]
enum KeysTask {
    /// Sign with a new key; tokens of the one before it go on working, and services that run take it by themselves
    Rotate(RotateKeys),
}

#[derive(Debug, Args)]
struct RotateKeys {
    /// Data directory
    #[arg(long, value_name = "DIR", default_value = "var")]
    data: PathBuf,
    /// Lifetime of an access token in seconds: refused if the last change is younger
    #[arg(long, value_name = "S", default_value_t = 600)]
    access_seconds: u32,
}

#[derive(Debug, Subcommand)]
enum AccountTask {
    /// Make an account, or set the password of the one that has this address; the password is read from the standard input
    Add(AddAccount),
    /// Erase an account with all that is known of it; services may run meanwhile
    Erase(EraseAccount),
}

#[derive(Debug, Args)]
struct EraseAccount {
    /// Data directory
    #[arg(long, value_name = "DIR", default_value = "var")]
    data: PathBuf,
    /// Database; default: DATA/kinora.db
    #[arg(long, value_name = "URL")]
    db: Option<String>,
    /// Address to sign in with
    #[arg(long)]
    email: String,
}

#[derive(Debug, Args)]
struct AddAccount {
    /// Data directory
    #[arg(long, value_name = "DIR", default_value = "var")]
    data: PathBuf,
    /// Database; default: DATA/kinora.db
    #[arg(long, value_name = "URL")]
    db: Option<String>,
    /// Address to sign in with
    #[arg(long)]
    email: String,
    /// Name shown in clients, also that of its profile; default: the address up to the @
    #[arg(long)]
    name: Option<String>,
    /// Maximum number of playbacks at the same time
    #[arg(long, default_value_t = 4)]
    max_streams: u32,
}

#[derive(Debug, Args)]
struct Listening {
    /// Data directory: media, database, keys
    #[arg(long, value_name = "DIR", default_value = "var")]
    data: PathBuf,
    /// Database, such as sqlite:kinora.db, sqlite::memory: or postgres://USER@HOST/NAME; default: DATA/kinora.db
    #[arg(long, value_name = "URL")]
    db: Option<String>,
    /// Log of events on NATS JetStream, such as nats://HOST:4222; default: in the data directory
    #[arg(long, value_name = "URL")]
    events: Option<String>,
    /// Region in which titles are offered (ISO 3166-1 alpha-2), such as SE; default: only rules without regions hold
    #[arg(long, value_name = "CC", value_parser = region)]
    region: Option<String>,
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Lifetime of signed addresses in seconds
    #[arg(long, value_name = "S", default_value_t = 4 * 3600, value_parser = clap::value_parser!(u32).range(1..))]
    grant_seconds: u32,
    /// Lifetime of an access token in seconds
    #[arg(long, value_name = "S", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    access_seconds: u32,
    /// Seconds that answers under way get to finish after a signal to end; a second signal ends at once
    #[arg(long, value_name = "S", default_value_t = 30)]
    drain_seconds: u32,
    /// End when the standard input does, as it does when the process that started this one dies
    #[arg(long)]
    exit_with_stdin: bool,
}

#[derive(Debug, Args)]
struct Serve {
    #[command(flatten)]
    listening: Listening,
    /// Base URL of an edge; may be given several times
    #[arg(long = "edge", value_name = "URL")]
    edges: Vec<Url>,
    /// Make sure that the demo viewer's account exists
    #[arg(long)]
    demo: bool,
    /// Service that runs in this process (accounts, catalogue, playback); may be given several times; default: all
    #[arg(long = "service", value_name = "NAME")]
    members: Vec<Member>,
    /// Listen on the socket that is the standard input, as a supervisor hands it over
    #[arg(long, conflicts_with_all = ["port", "host", "exit_with_stdin"])]
    socket_on_stdin: bool,
    /// Service that is asked over HTTP, and its base URL; may be given several times
    #[arg(long = "peer", value_name = "NAME=URL", value_parser = peer)]
    peers: Vec<(Member, Url)>,
}

#[derive(Debug, Args)]
struct Ingest {
    /// Any video file that ffmpeg reads
    file: PathBuf,
    /// Data directory
    #[arg(long, value_name = "DIR", default_value = "var")]
    data: PathBuf,
    /// Ladder of sizes and rates as TOML; default: 240p to 1080p
    #[arg(long, value_name = "FILE")]
    ladder: Option<PathBuf>,
    /// Name shown to viewers; default: the file's name
    #[arg(long)]
    title: Option<String>,
    /// Description shown to viewers
    #[arg(long, default_value = "")]
    description: String,
    /// Year of release
    #[arg(long)]
    year: Option<u16>,
    /// Genre; may be given several times
    #[arg(long = "genre", value_name = "NAME")]
    genres: Vec<String>,
    /// Identifier; default: made from the title
    #[arg(long)]
    id: Option<String>,
    /// Replace the title of this identifier instead of adding another
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, Args)]
struct Demo {
    #[command(flatten)]
    listening: Listening,
    /// Port of an edge, 0 for a free one; one edge for each time it is given; default: two edges on free ports
    #[arg(long = "edge-port", value_name = "N")]
    edge_ports: Vec<u16>,
    /// Bandwidth trace for the edges: duration_ms,bandwidth_kbps,latency_ms
    #[arg(long, value_name = "CSV")]
    trace: Option<PathBuf>,
    /// Plan of faults for the edges
    #[arg(long, value_name = "TOML")]
    chaos: Option<PathBuf>,
    /// Make the demo catalogue, the keys and the tables, and end
    #[arg(long)]
    prepare_only: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    kinora_kit::http::server::log_to_stderr();
    let arguments = Arguments::parse();
    let result = match arguments.command {
        None => serve(arguments.serve).await,
        Some(Task::Ingest(arguments)) => ingest(arguments).await,
        Some(Task::Account(AccountTask::Add(arguments))) => add_account(arguments).await,
        Some(Task::Account(AccountTask::Erase(arguments))) => erase_account(arguments).await,
        Some(Task::Keys(KeysTask::Rotate(arguments))) => rotate_keys(&arguments),
        Some(Task::Migrate(arguments)) => migrate(arguments).await,
        Some(Task::Recommend(task)) => recommend::run(task),
        Some(Task::Risk(task)) => risk::run(task),
        Some(Task::Events(task)) => events::run(task).await,
        Some(Task::Insights(arguments)) => events::insights(arguments).await,
        Some(Task::Topology(task)) => operator::ask(task).await,
        Some(Task::Demo(arguments)) => run_demo(arguments).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kinora-backend: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Serve) -> anyhow::Result<()> {
    let mut termination = Termination::subscribe()?;
    let watch_stdin = arguments.listening.exit_with_stdin;
    let mut config =
        services::Config { edges: arguments.edges, demo_viewer: arguments.demo, ..config(arguments.listening) };
    config.peers = arguments.peers.into_iter().collect();
    if arguments.socket_on_stdin {
        config.socket = Some(Arc::new(handed::listener().context("--socket-on-stdin")?));
    }
    let names_viewer = config.demo_viewer;
    if !arguments.members.is_empty() {
        config.members = arguments.members.into_iter().collect();
    }
    for member in &config.members {
        for needed in member.needs() {
            let is_known = config.members.contains(needed) || config.peers.contains_key(needed);
            anyhow::ensure!(
                is_known,
                "the service {member} needs {needed}: add --service {needed} or --peer {needed}=URL"
            );
        }
    }
    let running = services::serve(config).await?;
    println!("listening on {}", running.url());
    if names_viewer {
        println!("{}", serde_json::json!({ "email": services::demo::EMAIL, "password": services::demo::PASSWORD }));
    }
    tokio::select! {
        () = termination.wait() => {}
        () = end_of_stdin(), if watch_stdin => {}
    }
    tokio::select! {
        () = running.shutdown() => {}
        // Whoever asks twice does not want to wait.
        () = termination.wait() => {}
    }
    Ok(())
}

/// Reads two letters.
fn region(text: &str) -> Result<String, String> {
    let is_code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_code.then(|| text.to_ascii_uppercase()).ok_or_else(|| "a region has two letters, such as SE".to_owned())
}

/// Reads `NAME=URL`.
fn peer(text: &str) -> Result<(Member, Url), String> {
    let (name, url) = text.split_once('=').ok_or("a peer is NAME=URL")?;
    Ok((name.parse()?, Url::parse(url).map_err(|error| error.to_string())?))
}

async fn add_account(arguments: AddAccount) -> anyhow::Result<()> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("the password cannot be read from the standard input")?;
    let name = arguments.name.unwrap_or_else(|| arguments.email.split('@').next().unwrap_or_default().to_owned());
    let account = services::NewAccount {
        password: line.trim_end_matches(['\r', '\n']).into(),
        display_name: name.clone(),
        max_streams: arguments.max_streams,
        profiles: vec![(name, None)],
        email: arguments.email,
    };
    let config = services::Config { database: arguments.db, ..services::Config::new(arguments.data) };
    services::add_account(&config, &account).await?;
    println!("{}", account.email);
    Ok(())
}

async fn erase_account(arguments: EraseAccount) -> anyhow::Result<()> {
    let config = services::Config { database: arguments.db, ..services::Config::new(arguments.data) };
    anyhow::ensure!(services::erase_account(&config, &arguments.email).await?, "there is no such account");
    println!("{} was erased", arguments.email);
    Ok(())
}

fn rotate_keys(arguments: &RotateKeys) -> anyhow::Result<()> {
    let lifetime = Duration::from_secs(arguments.access_seconds.into());
    for (id, use_) in services::rotate_keys(&arguments.data, lifetime)?.into_iter().zip(["signs", "is believed"]) {
        println!("{id} {use_}");
    }
    Ok(())
}

async fn migrate(arguments: Migrate) -> anyhow::Result<()> {
    let reports = services::copy_stores(&arguments.from, &arguments.to).await?;
    let mut differs = false;
    for report in &reports {
        for (place, side) in [("sqlite", &report.source), ("postgres", &report.target)] {
            println!("{:<28} {place:<8} {:>9} rows  {}", report.table, side.rows, side.checksum_text());
        }
        differs |= report.source != report.target;
    }
    anyhow::ensure!(!differs, "both sides differ; nothing was kept in the target");
    Ok(())
}

async fn ingest(arguments: Ingest) -> anyhow::Result<()> {
    let mut termination = Termination::subscribe()?;
    let mut request = media::Request::file(&arguments.file);
    if let Some(file) = &arguments.ladder {
        request.ladder = Ladder::load(file).with_context(|| file.display().to_string())?;
    }
    if let Some(title) = arguments.title {
        request.metadata.title = title;
    }
    request.metadata.description = arguments.description;
    request.metadata.year = arguments.year;
    request.metadata.genres = arguments.genres;
    request.id = arguments.id;
    request.replace = arguments.replace;
    let data = arguments.data;
    let record =
        package::run(&mut termination, move |display, cancel| media::ingest(&data, &request, display, cancel)).await?;
    println!("{}", record.id);
    Ok(())
}

async fn run_demo(arguments: Demo) -> anyhow::Result<()> {
    let mut termination = Termination::subscribe()?;
    let exit_with_stdin = arguments.listening.exit_with_stdin;
    let edge_host = arguments.listening.host;
    let backend = config(arguments.listening);
    demo::prepare(&backend, &mut termination).await?;
    if arguments.prepare_only {
        return Ok(());
    }
    let edge_ports = if arguments.edge_ports.is_empty() { vec![0, 0] } else { arguments.edge_ports };
    let demo =
        demo::Demo { backend, edge_ports, edge_host, trace: arguments.trace, chaos: arguments.chaos, exit_with_stdin };
    demo::serve(demo, &mut termination).await
}

fn config(listening: Listening) -> services::Config {
    let mut config = services::Config::new(listening.data);
    config.address = SocketAddr::new(listening.host, listening.port);
    config.database = listening.db;
    config.events = listening.events;
    config.region = listening.region;
    config.terms.grant_ms = i64::from(listening.grant_seconds) * 1000;
    config.access_ms = i64::from(listening.access_seconds) * 1000;
    config.limits.drain = Duration::from_secs(listening.drain_seconds.into());
    config
}
