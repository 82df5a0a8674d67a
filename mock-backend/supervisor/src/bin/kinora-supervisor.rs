//! `kinora-supervisor`: the command line of the supervisor. The work is in `kinora_supervisor`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser};
use kinora_kit::http::signal::{Termination, end_of_stdin};
use kinora_supervisor::operator::{self, Task};
use kinora_supervisor::shell::{self, Setup};
use kinora_supervisor::topology::Topology;

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

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    kinora_kit::http::server::log_to_stderr();
    let arguments = Arguments::parse();
    let result = match arguments.command {
        None => run(arguments.run).await,
        Some(task) => operator::ask(task).await,
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
