//! Commands by which an operator shows and changes what runs: asked of the supervisor of a data directory, by each program that
//! has them in its command line.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::shell::control::{self, Request};

/// Supervisor that is asked, and form of its answer.
#[derive(Debug, Args)]
pub struct Whom {
    /// Data directory of the supervisor that is asked
    #[arg(long, value_name = "DIR", default_value = "var")]
    data: PathBuf,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

/// Request of an operator.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Show the state of each replica
    Status {
        /// The supervisor.
        #[command(flatten)]
        whom: Whom,
    },
    /// Start the replicas of a process, or one replica, anew at once
    Restart {
        /// Process, or replica such as catalogue-2
        name: String,
        /// The supervisor.
        #[command(flatten)]
        whom: Whom,
    },
    /// Replace replicas one by one, each once the former is ready
    Roll {
        /// Process; default: all
        name: Option<String>,
        /// The supervisor.
        #[command(flatten)]
        whom: Whom,
    },
    /// Change the number of replicas until the supervisor ends
    Scale {
        /// Process
        name: String,
        /// Number of replicas
        replicas: usize,
        /// The supervisor.
        #[command(flatten)]
        whom: Whom,
    },
    /// End all replicas of a process until it is started again, or the supervisor ends
    Stop {
        /// Process
        name: String,
        /// The supervisor.
        #[command(flatten)]
        whom: Whom,
    },
    /// Start a process that was stopped
    Start {
        /// Process
        name: String,
        /// The supervisor.
        #[command(flatten)]
        whom: Whom,
    },
    /// Print events as JSON, one a line, until interrupted
    Events {
        /// Number of the first one
        #[arg(long, default_value_t = 0)]
        since: u64,
        /// The supervisor.
        #[command(flatten)]
        whom: Whom,
    },
}

/// Sends a request to a supervisor that runs, and prints its answer.
///
/// # Errors
/// When none runs for the data directory, or it refuses.
pub async fn ask(task: Task) -> anyhow::Result<()> {
    let (request, whom) = match task {
        Task::Status { whom } => (Request::Status, whom),
        Task::Restart { name, whom } => (Request::Restart { name }, whom),
        Task::Roll { name, whom } => (Request::Roll { name }, whom),
        Task::Scale { name, replicas, whom } => (Request::Scale { name, replicas }, whom),
        Task::Stop { name, whom } => (Request::Stop { name }, whom),
        Task::Start { name, whom } => (Request::Start { name }, whom),
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
