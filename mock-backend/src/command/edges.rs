//! Edges as child processes: started after their origin, ended with their parent however that ends.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use url::Url;

/// How long an edge may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(15);

/// What an edge is started with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Name in its log and for the chaos plan.
    pub name: String,
    /// Address to listen on.
    pub host: IpAddr,
    /// Port; 0 takes a free one.
    pub port: u16,
    /// The server behind it.
    pub origin: String,
    /// File with the secret of signed paths.
    pub secret_file: PathBuf,
    /// File of its request log.
    pub log: PathBuf,
    /// Bandwidth trace of each session.
    pub trace: Option<PathBuf>,
    /// Plan of faults.
    pub chaos: Option<PathBuf>,
}

/// Why an edge did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EdgeStartError {
    /// The program is not where it is expected.
    #[error("{} is missing: build it with `cargo build --workspace --bin kinora-edge`", .0.display())]
    Missing(PathBuf),
    /// It could not be started.
    #[error("edge {name} could not be started: {source}")]
    Spawn {
        /// Its name.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// It ended, or said something else than where it listens; its own message is on the standard error.
    #[error("edge {name} did not come up: see its message above")]
    Silent {
        /// Its name.
        name: String,
    },
}

/// An edge that runs.
#[derive(Debug)]
pub struct Edge {
    /// What others need to know.
    pub about: About,
    child: Child,
    /// The edge ends when this closes.
    stdin: Option<ChildStdin>,
    /// Kept open, so that the edge never writes into a closed pipe.
    _stdout: BufReader<ChildStdout>,
}

/// What others need to know of an edge.
#[derive(Clone, Debug, Serialize)]
pub struct About {
    /// Its name.
    pub name: String,
    /// Its base URL, without a slash at its end.
    pub url: String,
    /// Its process.
    pub pid: Option<u32>,
    /// Its request log.
    pub log: PathBuf,
}

/// Starts an edge and waits until it listens.
///
/// # Errors
/// When it does not.
pub async fn start(setup: &Setup) -> Result<Edge, EdgeStartError> {
    let spawn_error = |source| EdgeStartError::Spawn { name: setup.name.clone(), source };
    let program = program().map_err(spawn_error)?;
    if !program.is_file() {
        return Err(EdgeStartError::Missing(program));
    }
    let mut child = command(&program, setup).spawn().map_err(spawn_error)?;
    let silent = || EdgeStartError::Silent { name: setup.name.clone() };
    let stdin = child.stdin.take();
    let mut stdout = BufReader::new(child.stdout.take().ok_or_else(silent)?);
    let mut line = String::new();
    let read = tokio::time::timeout(PATIENCE, stdout.read_line(&mut line)).await;
    read.map_err(|_| silent())?.map_err(spawn_error)?;
    let url = line.trim().strip_prefix("listening on ").filter(|url| Url::parse(url).is_ok()).ok_or_else(silent)?;
    let about = About { name: setup.name.clone(), url: url.to_owned(), pid: child.id(), log: setup.log.clone() };
    Ok(Edge { about, child, stdin, _stdout: stdout })
}

impl Edge {
    /// Completes when the process ends, whoever ended it.
    pub async fn gone(&mut self) {
        match self.child.wait().await {
            Ok(status) => tracing::warn!(edge = self.about.name, %status, "an edge has ended"),
            Err(error) => tracing::warn!(edge = self.about.name, %error, "an edge cannot be watched"),
        }
    }

    /// Asks the edge to end, and sees that it does.
    pub async fn stop(mut self) {
        drop(self.stdin.take());
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            tracing::warn!(edge = self.about.name, "an edge does not end: it is killed");
            if let Err(error) = self.child.kill().await {
                tracing::error!(edge = self.about.name, %error, "an edge cannot be killed");
            }
        }
    }
}

/// `kinora-edge` beside the program that runs.
fn program() -> io::Result<PathBuf> {
    let mut path = std::env::current_exe()?;
    path.set_file_name(format!("kinora-edge{}", std::env::consts::EXE_SUFFIX));
    Ok(path)
}

fn command(program: &Path, setup: &Setup) -> Command {
    let mut command = Command::new(program);
    command
        .arg("--origin")
        .arg(&setup.origin)
        .arg("--host")
        .arg(setup.host.to_string())
        .arg("--port")
        .arg(setup.port.to_string())
        .arg("--name")
        .arg(&setup.name)
        .arg("--secret-file")
        .arg(&setup.secret_file)
        .arg("--log")
        .arg(&setup.log)
        .arg("--exit-with-stdin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    for (option, file) in [("--trace", &setup.trace), ("--chaos", &setup.chaos)] {
        if let Some(file) = file {
            command.arg(option).arg(file);
        }
    }
    command
}
