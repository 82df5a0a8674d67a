//! `kinora-supervisor`: the command line of the supervisor. The work is in `kinora_supervisor`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use kinora_kit::http::signal::{Termination, end_of_stdin};
use kinora_supervisor::shell::control::{self, Request};
use kinora_supervisor::shell::{self, Setup};
use kinora_supervisor::topology::Topology;
use serde_json::Value;

/// Starts the processes of a topology, probes them, restarts what dies or hangs, and replaces them one by one.
#[derive(Debug, Parser)]
#[command(name = "kinora-supervisor", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    run: Run,
    #[command(subcommand)]
    command: Option<Task>,
}

#[derive(Debug, Args)]
struct Run {
    /// The topology
    #[arg(long, value_name = "FILE", required = true)]
    topology: Option<PathBuf>,
    /// Data directory
    #[arg(long, value_name = "DIR", default_value = "var")]
    data: PathBuf,
    /// Folder of the programs that the topology names without a path; default: that of this program
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// Check the topology and end
    #[arg(long)]
    check: bool,
    /// End when the standard input does, as it does when the process that started this one dies
    #[arg(long)]
    exit_with_stdin: bool,
}

#[derive(Debug, Args)]
struct Whom {
    /// Data directory of the supervisor that is asked
    #[arg(long, value_name = "DIR", default_value = "var")]
    data: PathBuf,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Show the state of each replica
    Status {
        #[command(flatten)]
        whom: Whom,
    },
    /// Start the replicas of a process, or one replica, anew at once
    Restart {
        /// Process, or replica such as catalogue-2
        name: String,
        #[command(flatten)]
        whom: Whom,
    },
    /// Replace replicas one by one, each once the former is ready
    Roll {
        /// Process; default: all
        name: Option<String>,
        #[command(flatten)]
        whom: Whom,
    },
    /// Change the number of replicas until the supervisor ends
    Scale {
        /// Process
        name: String,
        /// Number of replicas
        replicas: usize,
        #[command(flatten)]
        whom: Whom,
    },
    /// Print events as JSON, one a line, until interrupted
    Events {
        /// Number of the first one
        #[arg(long, default_value_t = 0)]
        since: u64,
        #[command(flatten)]
        whom: Whom,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    kinora_kit::http::server::log_to_stderr();
    let arguments = Arguments::parse();
    let result = match arguments.command {
        None => run(arguments.run).await,
        Some(task) => ask(task).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kinora-supervisor: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Run) -> anyhow::Result<()> {
    let mut termination = Termination::subscribe()?;
    let file = arguments.topology.context("give a topology with --topology")?;
    let topology = Topology::load(&file)?;
    if arguments.check {
        println!("{} processes", topology.processes().len());
        return Ok(());
    }
    let mut setup = Setup::new(topology, &file, arguments.data).context("the path of this program")?;
    setup.programs = arguments.programs.unwrap_or(setup.programs);
    let mut running = shell::start(setup).await?;
    {
        let asked = async {
            tokio::select! {
                () = termination.wait() => {}
                () = end_of_stdin(), if arguments.exit_with_stdin => {}
            }
        };
        tokio::pin!(asked);
        tokio::select! {
            ready = running.ready() => {
                let ready = ready.context("the supervisor has failed")?;
                println!("listening on {}", ready.backend);
                println!("{}", serde_json::to_string(&ready)?);
                tokio::select! {
                    () = &mut asked => {}
                    () = running.ended() => anyhow::bail!("the supervisor has failed"),
                }
            }
            () = &mut asked => {}
        }
    }
    running.shut_down();
    tokio::select! {
        () = running.ended() => return Ok(()),
        // Whoever asks twice does not want to wait.
        () = termination.wait() => running.shut_down(),
    }
    running.ended().await;
    Ok(())
}

async fn ask(task: Task) -> anyhow::Result<()> {
    let (request, whom) = match task {
        Task::Status { whom } => (Request::Status, whom),
        Task::Restart { name, whom } => (Request::Restart { name }, whom),
        Task::Roll { name, whom } => (Request::Roll { name }, whom),
        Task::Scale { name, replicas, whom } => (Request::Scale { name, replicas }, whom),
        Task::Events { since, whom } => (Request::Events { since }, whom),
    };
    let is_stream = matches!(request, Request::Events { .. });
    let mut answers = control::ask(&whom.data, &request).await.with_context(|| no_supervisor(&whom.data))?;
    while let Some(answer) = answers.next().await? {
        if is_stream || whom.json {
            println!("{answer}");
        } else {
            show(&answer);
        }
        if answer["ok"] == Value::Bool(false) {
            anyhow::bail!("{}", answer["error"].as_str().unwrap_or("refused"));
        }
    }
    Ok(())
}

fn no_supervisor(data: &Path) -> String {
    format!("no supervisor answers for {}; start one, or give its directory with --data", data.display())
}

/// Prints sentences, or a table.
fn show(answer: &Value) {
    for sentence in answer["done"].as_array().into_iter().flatten() {
        println!("{}", sentence.as_str().unwrap_or_default());
    }
    let Some(status) = answer["status"].as_array() else { return };
    println!("{:<20} {:<9} {:>8} {:>8}  {:<28} note", "name", "phase", "pid", "restarts", "url");
    for replica in status {
        let text = |key: &str| match &replica[key] {
            Value::String(text) => text.clone(),
            Value::Null => "-".to_owned(),
            other => other.to_string(),
        };
        let note = if replica["is_looping"] == Value::Bool(true) { "crash loop" } else { "" };
        let columns = ["name", "phase", "pid", "restarts", "url"].map(text);
        let [name, phase, pid, restarts, url] = columns;
        println!("{name:<20} {phase:<9} {pid:>8} {restarts:>8}  {url:<28} {note}");
    }
}
