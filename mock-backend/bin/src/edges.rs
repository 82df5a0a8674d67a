//! Edges as child processes: started after their origin, started again when they die or hang, ended with their parent however
//! that ends.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_util::sync::CancellationToken;
use url::Url;

use kinora_kit::http::probe::Probe;

/// How long an edge may take to listen, and to end beyond its drain time.
const PATIENCE: Duration = Duration::from_secs(15);
/// Maximum time in which an edge says that it heeds the end of its standard input; one that hangs never does.
const HEED: Duration = Duration::from_secs(5);
/// Line that an edge prints when it begins to end.
pub const DRAINING: &str = "draining";
/// Time between two looks at whether an edge answers.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Looks without an answer after which a process counts as hung and is killed: more than a busy machine explains.
const MAX_UNANSWERED: u32 = 8;
/// Pause before the first restart; each one that follows soon doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// An edge that ran for this long failed for a new reason: the pause begins small again.
const SETTLED: Duration = Duration::from_secs(60);

/// What an edge is started with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The program; [`program`] finds it.
    pub program: PathBuf,
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
    /// How long answers under way may take to finish once it is asked to end.
    pub drain: Duration,
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
    stdout: BufReader<ChildStdout>,
    drain: Duration,
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
    if !setup.program.is_file() {
        return Err(EdgeStartError::Missing(setup.program.clone()));
    }
    let mut child = command(setup).spawn().map_err(spawn_error)?;
    let silent = || EdgeStartError::Silent { name: setup.name.clone() };
    let stdin = child.stdin.take();
    let mut stdout = BufReader::new(child.stdout.take().ok_or_else(silent)?);
    let mut line = String::new();
    let read = tokio::time::timeout(PATIENCE, stdout.read_line(&mut line)).await;
    read.map_err(|_| silent())?.map_err(spawn_error)?;
    let url = line.trim().strip_prefix("listening on ").filter(|url| Url::parse(url).is_ok()).ok_or_else(silent)?;
    let about = About { name: setup.name.clone(), url: url.to_owned(), pid: child.id(), log: setup.log.clone() };
    Ok(Edge { about, child, stdin, stdout, drain: setup.drain })
}

/// Keeps an edge running under its address until `end` is cancelled, then ends it. One that dies, or no longer answers, is
/// replaced after a pause that grows while its successors die soon.
pub async fn keep(setup: Setup, first: Edge, end: CancellationToken) {
    // Addresses that were handed out stay good: the successor listens where its predecessor did.
    let port = Url::parse(&first.about.url).ok().and_then(|url| url.port()).unwrap_or(setup.port);
    let again = Setup { port, ..setup };
    let (mut edge, mut pause) = (first, Pause::default());
    loop {
        let began = Instant::now();
        tokio::select! {
            () = end.cancelled() => return edge.stop().await,
            () = edge.failed() => {}
        }
        let mut lived = began.elapsed();
        edge = loop {
            tokio::select! {
                () = end.cancelled() => return,
                () = tokio::time::sleep(pause.after(lived)) => {}
            }
            lived = Duration::ZERO;
            match start(&again).await {
                Ok(edge) => break edge,
                Err(error) => tracing::error!(edge = again.name, %error, "an edge does not start again"),
            }
        };
        tracing::warn!(edge = again.name, pid = edge.about.pid, "an edge was started again");
    }
}

/// The pause before the next restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pause {
    restarts: u32,
}

impl Pause {
    /// Returns the pause after a process that lived for a time.
    fn after(&mut self, lived: Duration) -> Duration {
        self.restarts = if lived >= SETTLED { 0 } else { self.restarts.saturating_add(1) };
        let doublings = self.restarts.saturating_sub(1).min(16);
        FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
    }
}

impl Edge {
    /// Completes when the process has ended, whoever ended it; one that no longer answers is killed.
    async fn failed(&mut self) {
        let hung = async {
            let Ok(probe) = Probe::new() else { return std::future::pending().await };
            let mut unanswered = 0;
            while unanswered < MAX_UNANSWERED {
                tokio::time::sleep(LOOK_EVERY).await;
                unanswered = if probe.answers(&self.about.url).await { 0 } else { unanswered + 1 };
            }
        };
        tokio::select! {
            ended = self.child.wait() => match ended {
                Ok(status) => tracing::warn!(edge = self.about.name, %status, "an edge has ended"),
                Err(error) => tracing::warn!(edge = self.about.name, %error, "an edge cannot be watched"),
            },
            () = hung => {
                tracing::warn!(edge = self.about.name, "an edge does not answer: it is killed");
                self.kill().await;
            }
        }
    }

    /// Asks the edge to end, and sees that it does. The drain time is for an edge that says that it drains.
    pub async fn stop(mut self) {
        drop(self.stdin.take());
        let heeds = tokio::time::timeout(HEED, self.heeded()).await.is_ok();
        if !heeds || tokio::time::timeout(self.drain + PATIENCE, self.child.wait()).await.is_err() {
            tracing::warn!(edge = self.about.name, "an edge does not end: it is killed");
            self.kill().await;
        }
    }

    /// Completes when the edge has said that it drains, or has closed its standard output.
    async fn heeded(&mut self) {
        let mut line = String::new();
        while line.trim_end() != DRAINING {
            line.clear();
            // A line that is no text was not written by an edge.
            if !matches!(self.stdout.read_line(&mut line).await, Ok(1..)) {
                return;
            }
        }
    }

    async fn kill(&mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::error!(edge = self.about.name, %error, "an edge cannot be killed");
        }
    }
}

/// Returns the path of `kinora-edge` beside the program that runs.
///
/// # Errors
/// When the system does not tell where that is.
pub fn program() -> io::Result<PathBuf> {
    let mut path = std::env::current_exe()?;
    path.set_file_name(format!("kinora-edge{}", std::env::consts::EXE_SUFFIX));
    Ok(path)
}

fn command(setup: &Setup) -> Command {
    let mut command = Command::new(&setup.program);
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
        .arg("--drain-seconds")
        .arg(setup.drain.as_secs().to_string())
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

#[cfg(test)]
mod tests {
    use super::{FIRST_PAUSE, LONGEST_PAUSE, Pause, SETTLED};
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn the_first_restart_comes_soon_and_a_settled_edge_is_forgiven() {
        let mut pause = Pause::default();
        assert_eq!(pause.after(Duration::from_secs(1)), FIRST_PAUSE);
        assert_eq!(pause.after(Duration::ZERO), 2 * FIRST_PAUSE);
        assert_eq!(pause.after(SETTLED), FIRST_PAUSE);
    }

    proptest! {
        #[test]
        fn pauses_grow_to_their_limit(lives in proptest::collection::vec(0_u64..59, 1..40)) {
            let (mut pause, mut last) = (Pause::default(), Duration::ZERO);
            for lived in lives {
                let next = pause.after(Duration::from_secs(lived));
                prop_assert!(next >= last && next <= LONGEST_PAUSE);
                last = next;
            }
        }
    }
}
