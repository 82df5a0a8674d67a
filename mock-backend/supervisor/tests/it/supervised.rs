//! A supervisor that runs a topology in a temporary directory, and the ways to look at it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use kinora_supervisor::shell::control::{self, Request};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// The program.
pub const SUPERVISOR: &str = env!("CARGO_BIN_EXE_kinora-supervisor");
/// No wait of a test is longer.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A supervisor that is killed when the test is over.
pub struct Supervised {
    pub data: TempDir,
    child: Child,
    lines: mpsc::Receiver<String>,
}

/// A table of a process that runs the dummy; times are short where a test waits for them, and generous where a busy machine needs it.
pub fn dummy(name: &str, arguments: &str, keys: &str) -> String {
    format!(
        "[[process]]\nname = \"{name}\"\nprogram = \"kinora-supervised-dummy\"\n\
         arguments = [\"--port\", \"{{port}}\", \"--name\", \"{{name}}\"{arguments}]\nstart_ms = 60000\ndrain_ms = 60000\n\
         {keys}\n"
    )
}

/// A command with a topology in a data directory.
pub fn command(data: &Path, topology: &str) -> Command {
    let file = data.join("system.toml");
    fs::write(&file, topology).unwrap();
    let mut command = Command::new(SUPERVISOR);
    command.arg("--topology").arg(file).arg("--data").arg(data).arg("--programs");
    command.arg(Path::new(env!("CARGO_BIN_EXE_kinora-supervised-dummy")).parent().unwrap());
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

impl Supervised {
    /// Starts a supervisor; its standard error is a file.
    pub fn start(topology: &str) -> Self {
        Self::start_with(topology, |_| {})
    }

    pub fn start_with(topology: &str, change: impl FnOnce(&mut Command)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut command = command(data.path(), topology);
        command.stderr(File::create(data.path().join("stderr")).unwrap());
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::sync_channel(100);
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { data, child, lines }
    }

    /// The ready line.
    pub fn ready(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("not ready: {}", self.stderr()));
        let ready: Value = serde_json::from_str(&self.lines.recv_timeout(PATIENCE).unwrap()).unwrap();
        assert_eq!(line, format!("listening on {}", ready["backend"].as_str().unwrap()));
        ready
    }

    pub fn stderr(&self) -> String {
        fs::read_to_string(self.data.path().join("stderr")).unwrap_or_default()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the supervisor has ended.
    pub fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end: {}", self.stderr());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The only line of an answer.
    pub async fn ask(&self, request: Request) -> Value {
        control::ask(self.data.path(), &request).await.unwrap().next().await.unwrap().unwrap()
    }

    /// The state of each replica.
    pub async fn status(&self) -> Vec<Value> {
        self.ask(Request::Status).await["status"].as_array().unwrap().clone()
    }

    /// The state of one replica.
    pub async fn replica(&self, name: &str) -> Value {
        self.status().await.into_iter().find(|replica| replica["name"] == name).unwrap()
    }

    pub async fn process(&self, name: &str) -> u32 {
        u32::try_from(self.replica(name).await["pid"].as_u64().unwrap()).unwrap()
    }

    /// Processes of all replicas.
    pub async fn processes(&self) -> Vec<u32> {
        let pids = self.status().await.into_iter().filter_map(|replica| replica["pid"].as_u64());
        pids.map(|pid| u32::try_from(pid).unwrap()).collect()
    }

    /// Events from the first one on, until one is such as is asked for.
    pub async fn events_until(&self, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut answers = control::ask(self.data.path(), &Request::Events { since: 0 }).await.unwrap();
        let mut events = Vec::new();
        loop {
            let next = tokio::time::timeout(PATIENCE, answers.next()).await;
            let event = next.unwrap_or_else(|_| panic!("it never happens: {events:?}")).unwrap().unwrap();
            events.push(event);
            if is_last(&events[events.len() - 1]) {
                return events;
            }
        }
    }

    /// Waits until something has happened to a replica a number of times.
    pub async fn happened(&self, name: &str, event: &str, times: usize) -> Vec<Value> {
        let count = std::cell::Cell::new(0);
        self.events_until(|value| {
            count.set(count.get() + usize::from(value["name"] == name && value["event"] == event));
            count.get() == times
        })
        .await
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The events of one kind of one replica.
pub fn of<'a>(events: &'a [Value], name: &str, kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["name"] == name && event["event"] == kind).collect()
}

pub fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

/// Returns true if a process exists and has not ended.
pub fn is_alive(pid: u32) -> bool {
    // The state follows the name, which is in parentheses.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Waits until none of some processes is left.
pub fn wait_for_end(pids: &[u32]) {
    let begun = Instant::now();
    while let Some(pid) = pids.iter().find(|pid| is_alive(**pid)) {
        assert!(begun.elapsed() < PATIENCE, "{pid} is left");
        thread::sleep(Duration::from_millis(5));
    }
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(PATIENCE).build().unwrap()
}
