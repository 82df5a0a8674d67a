//! The loop that owns the fleet: it waits for what happens, passes it on, and carries out the decisions.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::children::Children;
use super::control::{self, Answer, Call, Request, Room};
use super::folder::RunFolder;
use super::output::{self, Awaited, Log};
use super::probe::Prober;
use super::setup::{Setup, StartError};
use super::sockets::Sockets;
use super::spawner::Spawner;
use crate::announcement::Announcing;
use crate::fleet::Fleet;
use crate::fleet::io::{Announcement, Event, Input, Output, RequestId, Run};
use crate::moment::Moment;
use crate::replica::Report;
use crate::topology::{Piece, Process, Role, Socket, Template};

/// Maximum number of inputs that wait.
const MAX_INPUTS: usize = 256;
/// Maximum number of requests of operators that wait.
const MAX_CALLS: usize = 16;
/// Number of events that are kept for operators.
const KEPT_EVENTS: usize = 4_096;
/// Time for the last lines of the log to be written.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Content of the ready line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ready {
    /// Address that applications use.
    pub backend: String,
    /// Edges, each an object with `name`, `url` and `pid`.
    pub edges: Vec<Value>,
    /// All other processes, each an object with `name`, `url`, `pid` and `services`.
    pub services: Vec<Value>,
    /// The data directory.
    pub data: PathBuf,
    /// Fields that processes announced.
    #[serde(flatten)]
    pub announced: Map<String, Value>,
}

/// A supervisor that runs. Without it, the processes are killed.
#[derive(Debug)]
pub struct Running {
    end: mpsc::Sender<()>,
    ready: watch::Receiver<Option<Ready>>,
    /// Taken once it has ended.
    task: Option<JoinHandle<()>>,
}

impl Running {
    /// Waits until all runs that can; `None` if the supervisor ends before.
    pub async fn ready(&mut self) -> Option<Ready> {
        self.ready.wait_for(Option::is_some).await.ok().and_then(|ready| ready.clone())
    }

    /// Asks all processes to end, in the order of their dependencies; the second time, kills them.
    pub fn shut_down(&self) {
        // A request that has no place has two before it.
        let _ = self.end.try_send(());
    }

    /// Waits until no process runs, after [`Running::shut_down`], or the supervisor has failed.
    pub async fn ended(&mut self) {
        let Some(task) = &mut self.task else { return };
        if let Err(error) = task.await {
            tracing::error!(%error, "the supervisor has failed");
        }
        self.task = None;
    }
}

/// Starts the processes of a topology.
///
/// # Errors
/// [`StartError`]; nothing runs then.
pub async fn start(setup: Setup) -> Result<Running, StartError> {
    setup.check()?;
    let absolute = |path: &Path| std::path::absolute(path).map_err(StartError::System);
    let setup = Setup { data: absolute(&setup.data)?, programs: absolute(&setup.programs)?, ..setup };
    if setup.data.to_str().is_none() {
        return Err(StartError::NotText(setup.data));
    }
    let folder = RunFolder::open(&setup.data)?;
    let listener = folder.bind()?;
    let sockets = bind(&setup)?;
    let (inputs, inbox) = mpsc::channel(MAX_INPUTS);
    let (calls, called) = mpsc::channel(MAX_CALLS);
    let (end, ends) = mpsc::channel(2);
    let (announce, ready) = watch::channel(None);
    let deaths = signal(SignalKind::child()).map_err(StartError::System)?;
    let (log, writer) = Log::new().map_err(StartError::System)?;
    let mut shell = Shell {
        fleet: Fleet::new(&setup.topology),
        spawner: Spawner::new().map_err(StartError::System)?,
        log,
        prober: Prober::new().map_err(|error| StartError::System(io::Error::other(error)))?,
        folder,
        setup,
        children: Children::default(),
        sockets,
        inputs,
        began: Instant::now(),
        events: VecDeque::new(),
        last_event: 0,
        stream: broadcast::channel(KEPT_EVENTS).0,
        waiting: BTreeMap::new(),
        last_request: 0,
        announce,
        has_finished: false,
    };
    shell.publish(&[]);
    let room = Room::new();
    let control = tokio::spawn(control::serve(listener, room.clone(), calls));
    let task = tokio::spawn(async move {
        shell.run(inbox, called, ends, deaths).await;
        control.abort();
        // Streams of events end with their sender, and the log with its last owner.
        drop(shell);
        room.empty().await;
        let limit = Instant::now() + LAST_LINES;
        while !writer.is_finished() && Instant::now() < limit {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    Ok(Running { end, ready, task: Some(task) })
}

/// Binds the sockets that are handed, so that their addresses are known before any process starts.
fn bind(setup: &Setup) -> Result<Sockets, StartError> {
    let mut sockets = Sockets::default();
    for process in setup.topology.processes().iter().filter(|process| process.socket == Socket::Handed) {
        for number in 1..=process.replicas {
            let bound = sockets.hand(&process.replica_name(number), process.port.unwrap_or(0));
            bound.map_err(|source| StartError::Port { process: process.name.clone(), source })?;
        }
    }
    Ok(sockets)
}

struct Shell {
    setup: Setup,
    folder: RunFolder,
    fleet: Fleet,
    spawner: Spawner,
    log: Log,
    prober: Prober,
    children: Children,
    sockets: Sockets,
    inputs: mpsc::Sender<Input>,
    began: Instant,
    /// The latest events, the last of which has the number `last_event`.
    events: VecDeque<Value>,
    last_event: u64,
    stream: broadcast::Sender<Value>,
    waiting: BTreeMap<RequestId, oneshot::Sender<Answer>>,
    last_request: u64,
    announce: watch::Sender<Option<Ready>>,
    has_finished: bool,
}

impl Shell {
    async fn run(
        &mut self,
        mut inbox: mpsc::Receiver<Input>,
        mut calls: mpsc::Receiver<Call>,
        mut ends: mpsc::Receiver<()>,
        mut deaths: Signal,
    ) {
        let mut is_owned = true;
        self.fleet.advance(self.now());
        self.carry_out().await;
        while !self.has_finished {
            let timeout = self.fleet.timeout().map(|at| self.began + at.since(Moment::default()));
            tokio::select! {
                Some(input) = inbox.recv() => self.fleet.handle(input, self.now()),
                Some(call) = calls.recv() => self.on_call(call),
                end = ends.recv(), if is_owned => {
                    self.fleet.handle(Input::Shutdown, self.now());
                    if end.is_none() {
                        is_owned = false;
                        self.fleet.handle(Input::Shutdown, self.now());
                    }
                }
                _ = deaths.recv() => self.reap(),
                () = tokio::time::sleep_until(timeout.unwrap_or(self.began)), if timeout.is_some() => {
                    self.fleet.advance(self.now());
                }
            }
            self.carry_out().await;
        }
        self.folder.clear();
    }

    fn now(&self) -> Moment {
        Moment::new(self.began.elapsed())
    }

    fn reap(&mut self) {
        for (run, status) in self.children.reap() {
            self.fleet.handle(Input::Exited { run, status }, self.now());
        }
    }

    async fn carry_out(&mut self) {
        while let Some(output) = self.fleet.poll_output() {
            match output {
                Output::Spawn { run, process, name, port } => {
                    let input = match self.spawn(run, process, name, port).await {
                        Ok(pid) => Input::Spawned { run, pid },
                        Err(error) => Input::NotSpawned { run, reason: error.to_string() },
                    };
                    self.fleet.handle(input, self.now());
                }
                Output::Probe { run, process, url } => self.probe(run, process, url),
                Output::Terminate(run) => {
                    self.note_failure("a process cannot be asked to end", self.children.terminate(run))
                }
                Output::Kill(run) => self.note_failure("a process cannot be killed", self.children.kill(run)),
                Output::Event(event) => self.on_event(&event),
                Output::Publish(addresses) => self.publish(&addresses),
                Output::Announce(announcement) => {
                    let ready = ready(announcement, &self.setup.data);
                    self.announce.send_replace(ready);
                }
                Output::Reply { request, result } => {
                    let value = match result {
                        Ok(done) => json!({ "ok": true, "done": done }),
                        Err(sentence) => control::refusal(&sentence),
                    };
                    if let Some(answer) = self.waiting.remove(&request) {
                        // An operator who has gone needs no answer.
                        drop(answer.send(Answer::Line(value)));
                    }
                }
                Output::Finished => self.has_finished = true,
            }
        }
    }

    async fn spawn(&mut self, run: Run, process: usize, name: String, port: u16) -> io::Result<u32> {
        let process = &self.setup.topology.processes()[process];
        let (input, port, handed) = match process.socket {
            Socket::Own => (Stdio::piped(), port, None),
            Socket::Handed => {
                let (input, port) = self.sockets.hand(&name, process.port.unwrap_or(0))?;
                (input, port, Some(port))
            }
        };
        let command = self.command(process, &name, port);
        let announcing = Announcing::new(process.ready_line);
        let awaited = Awaited { announcing, run, port: handed, inputs: self.inputs.clone() };
        let mut child = self.spawner.spawn(command, input).await?;
        self.pass_on(&mut child, &name, awaited);
        // A child that nobody has waited for has its number.
        self.children.add(run, child).ok_or_else(|| io::Error::other("the process has no number"))
    }

    fn pass_on(&self, child: &mut Child, name: &str, awaited: Awaited) {
        let (name, log) = (name.to_owned(), self.log.clone());
        if let Some(stream) = child.stdout.take() {
            tokio::spawn(output::pass_on(stream, name.clone(), log.clone(), Some(awaited)));
        }
        if let Some(stream) = child.stderr.take() {
            tokio::spawn(output::pass_on(stream, name, log, None));
        }
    }

    fn command(&self, process: &Process, name: &str, port: u16) -> Command {
        let fill = |template: &Template| {
            template.fill(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Data => text(&self.setup.data),
                Piece::Run => text(self.folder.path()),
                Piece::Name => name.to_owned(),
                Piece::Port => port.to_string(),
                Piece::Addresses => text(&self.folder.addresses()),
                Piece::Url(other) => self.urls(other).into_iter().next().unwrap_or_default(),
                Piece::Urls(other) => self.urls(other).join(","),
            })
        };
        let mut command = Command::new(self.setup.program(process));
        command.args(process.arguments.iter().map(fill));
        command.envs(process.environment.iter().map(|(name, value)| (name, fill(value))));
        command
    }

    /// Addresses of a process: of its sockets that are bound (of all of them, if it is stopped), and of those that it binds itself.
    fn urls(&self, name: &str) -> Vec<String> {
        let process = self.setup.topology.find(name).map(|at| &self.setup.topology.processes()[at]);
        let numbers = process.map_or(0, |process| process.replicas);
        let names = (1..=numbers).filter_map(|number| Some(process?.replica_name(number)));
        let (bound, closed): (Vec<String>, Vec<String>) = names.partition(|name| self.sockets.is_bound(name));
        let names = if bound.is_empty() { closed } else { bound };
        let mut urls: Vec<String> = names.iter().filter_map(|name| self.sockets.url(name)).collect();
        let others: Vec<String> = self.fleet.urls(name).into_iter().filter(|url| !urls.contains(url)).collect();
        urls.extend(others);
        urls
    }

    fn probe(&self, run: Run, process: usize, url: String) {
        let (prober, inputs) = (self.prober.clone(), self.inputs.clone());
        let process = &self.setup.topology.processes()[process];
        let probe = process.policy.probe.clone();
        let pid = self.children.process(run).filter(|_| process.socket == Socket::Handed);
        tokio::spawn(async move {
            let answer = prober.ask(&url, &probe.path, probe.timeout, pid).await;
            // Without a receiver the supervisor ends.
            drop(inputs.send(Input::Probed { run, answer }).await);
        });
    }

    fn publish(&self, addresses: &[crate::fleet::io::Address]) {
        self.note_failure("addresses cannot be published", self.folder.publish(addresses));
    }

    fn note_failure(&self, sentence: &str, result: io::Result<()>) {
        if let Err(error) = result {
            self.log.note(&format!("{sentence}: {error}"));
        }
    }

    fn on_event(&mut self, event: &Event) {
        if let Some(sentence) = sentence(&event.report) {
            self.log.note(&format!("{}: {sentence}", event.name));
        }
        if matches!(event.report, Report::Stopped) && !self.fleet.has(&event.name) {
            self.sockets.close(&event.name);
        }
        self.last_event += 1;
        let mut value = json!(event);
        value["seq"] = json!(self.last_event);
        if self.events.len() == KEPT_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(value.clone());
        // Without operators nothing is sent.
        drop(self.stream.send(value));
    }

    fn on_call(&mut self, Call { request, answer }: Call) {
        self.last_request += 1;
        let id = RequestId(self.last_request);
        let input = match request {
            Request::Status => {
                let status = self.fleet.status(self.now());
                return drop(
                    answer.send(Answer::Line(json!({ "ok": true, "pid": std::process::id(), "status": status }))),
                );
            }
            Request::Events { since } => {
                let past = self.events.iter().filter(|event| event["seq"].as_u64() >= Some(since)).cloned().collect();
                return drop(answer.send(Answer::Stream(past, self.stream.subscribe())));
            }
            Request::Restart { name } => Input::Restart { request: id, name },
            Request::Roll { name } => Input::Roll { request: id, name },
            Request::Scale { name, replicas } => Input::Scale { request: id, name, replicas },
            Request::Stop { name } => Input::Stop { request: id, name },
            Request::Start { name } => Input::Start { request: id, name },
        };
        self.waiting.insert(id, answer);
        self.fleet.handle(input, self.now());
    }
}

/// The line of the log about an event; steps that always follow each other have one.
fn sentence(report: &Report) -> Option<String> {
    Some(match report {
        Report::NotStarted { reason } => format!("cannot be started: {reason}"),
        Report::Ready => "ready".to_owned(),
        Report::Unready => "not ready".to_owned(),
        Report::Killed { reason } => format!("killed: {}", reason.sentence()),
        Report::Ended { status } => format!("ended ({status})"),
        Report::Waiting { pause_ms: 0, .. } => return None,
        Report::Waiting { pause_ms, failures } => format!("starts again in {pause_ms} ms after {failures} failures"),
        Report::CrashLoop { failures } => format!("CRASH LOOP: {failures} failures in a row; the tries go on"),
        Report::Started { .. } | Report::Listening { .. } | Report::Leaving | Report::Draining | Report::Stopped => {
            return None;
        }
    })
}

/// Paths that are used here were found to be text.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn ready(announcement: Announcement, data: &Path) -> Option<Ready> {
    let Announcement { addresses, mut announced } = announcement;
    let backend = addresses.iter().find(|address| address.role == Role::Backend).or(addresses.first())?.url.clone();
    for key in ["backend", "url", "services", "data"] {
        announced.remove(key);
    }
    let others = announced.remove("edges");
    let is_edge = |address: &&crate::fleet::io::Address| address.role == Role::Edge;
    let edges =
        addresses.iter().filter(is_edge).map(|edge| json!({ "name": edge.name, "url": edge.url, "pid": edge.pid }));
    let services = addresses.iter().filter(|address| !is_edge(address)).map(
        |service| json!({ "name": service.name, "url": service.url, "pid": service.pid, "services": service.services }),
    );
    Some(Ready {
        backend,
        edges: edges.chain(others.as_ref().and_then(Value::as_array).into_iter().flatten().cloned()).collect(),
        services: services.collect(),
        data: data.to_owned(),
        announced,
    })
}
