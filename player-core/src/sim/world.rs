//! The world: engine, renderer and network on one virtual clock, with the events and the faults of the session.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use abr::link::{Link, Trace};
use serde::{Deserialize, Serialize};
use url::Url;

use super::audit::Audit;
use super::fault::{Fault, FaultPlan, FiredFault};
use super::film::Film;
use super::live::{self, LiveFilm, LiveOrigin, Truth, WORLD_BEGINS};
use super::network::Network;
use super::resume::Serving;
use super::watch::Watch;
use crate::command::{Command, CommandId, LoadRequest};
use crate::config::PlayerConfig;
use crate::drm::DrmConfig;
use crate::engine::Engine;
use crate::engine::io::{FetchOutcome, Input, Output};
use crate::error::PlayerError;
use crate::event::Event;
use crate::render::null::NullRenderer;
use crate::render::{RenderCommand, RenderEvent, Renderer};
use crate::snapshot::Snapshot;
use crate::telemetry::SessionStats;
use crate::time::{MediaTime, Now, WallClock, WallClockMapping};

/// More inputs than this without time passing mean that something spins.
const MOST_AT_ONCE: u32 = 100_000;

/// Wall-clock time at which a world begins.
const START: WallClock = WallClock::from_unix_nanos(WORLD_BEGINS);

/// An event of the engine, with its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimedEvent {
    /// Time on the virtual clock.
    pub at: Now,
    /// Position of playback at that time.
    pub position: MediaTime,
    /// Event of the engine.
    pub event: Event,
}

/// One mutation of the engine, as recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Recorded {
    /// A call of `advance`.
    Advance(Now),
    /// A call of `handle_input`.
    Input(Now, Box<Input>),
}

/// Result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The condition of [`World::run_until`] holds.
    Reached,
    /// The end of the film was presented.
    Ended,
    /// Playback failed with this error.
    Failed(PlayerError),
    /// The time limit was reached.
    TimeUp,
    /// Nothing will ever happen again, and the end was not reached.
    Hung,
}

/// Engine, network, renderer and clock of one virtual session.
pub struct World {
    engine: Engine,
    renderer: NullRenderer,
    /// Commands for a renderer that stands still.
    held: Option<Vec<RenderCommand>>,
    network: Network,
    now: Now,
    clock: WallClockMapping,
    locations: Vec<Url>,
    commands: VecDeque<(Now, Command)>,
    next_command: u64,
    events: Vec<TimedEvent>,
    recording: Option<(Vec<Recorded>, Vec<Output>)>,
    exact_progress: bool,
    outcome: Option<Outcome>,
    watch: Watch,
    /// Auditor of the session; `None` if it is not audited.
    audit: Option<Audit>,
    /// Truth about a live session, with a service that knows the time.
    truth: Option<(Arc<LiveOrigin>, Truth)>,
}

impl World {
    /// A world with one film on some hosts behind one link. Nothing is loaded yet.
    ///
    /// # Errors
    /// When the configuration is refused by the engine.
    pub fn new(
        config: PlayerConfig,
        film: &Film,
        hosts: &[&str],
        trace: Trace,
        faults: Vec<Fault>,
    ) -> Result<Self, PlayerError> {
        Self::with_mirrors(config, film, hosts, &[], trace, faults)
    }

    /// Creates a world like [`new`](Self::new), with more hosts that hold the film but are not among the locations of
    /// the load request.
    ///
    /// # Errors
    /// If the engine refuses the configuration.
    pub fn with_mirrors(
        config: PlayerConfig,
        film: &Film,
        hosts: &[&str],
        mirrors: &[&str],
        trace: Trace,
        faults: Vec<Fault>,
    ) -> Result<Self, PlayerError> {
        let films = hosts.iter().chain(mirrors).map(|host| ((*host).to_owned(), film.clone())).collect();
        let network = Network::new(Link::new(trace), films, FaultPlan::new(faults));
        Self::on_network(config, network, hosts, film.manifest_path())
    }

    /// Creates a world with a live service on some hosts, and on those of its pathways. Nothing is loaded yet.
    ///
    /// # Errors
    /// If the engine refuses the configuration.
    pub fn live(
        config: PlayerConfig,
        film: &LiveFilm,
        hosts: &[&str],
        trace: Trace,
        faults: Vec<Fault>,
    ) -> Result<Self, PlayerError> {
        let mut network = Network::new(Link::new(trace), Vec::new(), FaultPlan::new(faults));
        let origin = Arc::new(LiveOrigin::new(film.clone()));
        let pathways = film.pathways.iter().map(|pathway| pathway.host.as_str());
        for host in hosts.iter().copied().chain(pathways) {
            network.add_live(host, Arc::clone(&origin));
        }
        let world = Self::on_network(config, network, hosts, film.manifest_path())?;
        Ok(Self { truth: Some((origin, Truth::default())), ..world })
    }

    fn on_network(config: PlayerConfig, network: Network, hosts: &[&str], path: &str) -> Result<Self, PlayerError> {
        let address = |host: &&str| Url::parse(&format!("http://{host}{path}")).ok();
        Ok(Self {
            engine: Engine::new(config)?,
            renderer: NullRenderer::new(),
            held: None,
            network,
            now: Now::ZERO,
            clock: WallClockMapping::new(Now::ZERO, START),
            locations: hosts.iter().filter_map(address).collect(),
            commands: VecDeque::new(),
            next_command: 0,
            events: Vec::new(),
            recording: None,
            exact_progress: false,
            outcome: None,
            watch: Watch::default(),
            audit: Some(Audit::default()),
            truth: None,
        })
    }

    /// Lets an adaptive rule of the test's own decide from now on.
    pub fn set_rule(&mut self, rule: Box<dyn abr::Rule>) {
        self.engine.set_rule(rule);
    }

    /// Lets nothing be audited from now on: for sessions that are drawn anew on each run, whose times the tolerances of the
    /// auditor were not measured on, and for measurements of the engine alone.
    pub fn stop_audit(&mut self) {
        self.audit = None;
    }

    /// From now on every input and output is kept.
    pub fn record(&mut self) {
        self.recording = Some((Vec::new(), Vec::new()));
    }

    /// From now on the engine knows to the byte what has come whenever time passes.
    pub const fn watch_closely(&mut self) {
        self.exact_progress = true;
    }

    /// Returns the inputs and outputs that were recorded, if [`record`](Self::record) was called.
    pub fn recorded(&self) -> Option<(&[Recorded], &[Output])> {
        self.recording.as_ref().map(|(inputs, outputs)| (inputs.as_slice(), outputs.as_slice()))
    }

    /// A load request for the film at all hosts, in order.
    pub fn request(&self) -> LoadRequest {
        LoadRequest {
            locations: self.locations.clone(),
            start: None,
            play_when_ready: true,
            audio_languages: Vec::new(),
            text_languages: Vec::new(),
            drm: DrmConfig::default(),
        }
    }

    /// Loads the film now.
    pub fn load(&mut self) -> CommandId {
        let request = self.request();
        self.command(Command::Load(request))
    }

    /// Gives a command now.
    pub fn command(&mut self, command: Command) -> CommandId {
        let id = CommandId(self.next_command);
        self.next_command += 1;
        if self.outcome == Some(Outcome::Ended) || matches!(command, Command::Load(_)) {
            self.outcome = None;
        }
        if matches!(command, Command::Load(_)) {
            let utc = self.clock.utc_at(self.now);
            self.feed(Input::WallClock { now: self.now, utc });
        }
        self.feed(Input::Command { id, command });
        id
    }

    /// Gives a command at a time of the virtual clock; times must not go back.
    pub fn at(&mut self, time: Duration, command: Command) {
        self.commands.push_back((Now::ZERO + time, command));
    }

    /// Puts another film, or the same one described otherwise, in the place of that of a host.
    pub fn replace_film(&mut self, host: &str, film: &Film) {
        self.network.replace_film(host, film);
    }

    /// Lets a host serve its files otherwise from now on.
    pub fn serve(&mut self, host: &str, serving: Serving) {
        self.network.serve(host, serving);
    }

    /// Lets the engine fetch the manifest again.
    pub fn refresh(&mut self) {
        self.feed(Input::Refresh);
    }

    /// Sets the wall clock, and gives the engine a reading of it.
    pub fn set_utc(&mut self, utc: WallClock) {
        self.clock = WallClockMapping::new(self.now, utc);
        self.feed(Input::WallClock { now: self.now, utc });
    }

    /// Sets the wall clock of the host off from that of live services, in nanoseconds, and gives the engine a reading of
    /// it.
    pub fn set_clock_off(&mut self, nanos: i64) {
        let service = self.network.utc(self.now).as_unix_nanos();
        self.set_utc(WallClock::from_unix_nanos(service.saturating_add(nanos)));
    }

    /// Suspends the system of the host: wall clocks and live services go on, the monotonic clock stands still, and all
    /// connections break. The engine gets a reading of the wall clock afterwards.
    pub fn suspend(&mut self, span: Duration) {
        self.network.suspend(span, self.now);
        let before = self.clock.utc_at(self.now).as_unix_nanos();
        self.set_utc(WallClock::from_unix_nanos(before.saturating_add(span.as_nanos() as i64)));
    }

    /// Lets all clocks run while the host does nothing, as with a process that is not scheduled.
    pub fn freeze(&mut self, span: Duration) {
        self.now = self.now + span;
    }

    /// Returns the true latency of a live session: from the capture of what is presented to now, by the clock of the
    /// service. `None` before anything is presented.
    pub fn live_latency(&self) -> Option<Duration> {
        let (origin, truth) = self.truth.as_ref()?;
        let captured = truth.captured(self.engine.snapshot(self.now).position)?;
        Some(live::latency(captured, self.network.service_time(origin, self.now)))
    }

    /// Puts another live service in the place of that of a host.
    pub fn replace_live(&mut self, host: &str, film: &LiveFilm) {
        self.network.add_live(host, Arc::new(LiveOrigin::new(film.clone())));
    }

    /// Makes the renderer report something that it would not report by itself.
    pub fn report(&mut self, event: RenderEvent) {
        self.feed(Input::Render(event));
    }

    /// From now on the renderer stands still: it takes no command and reports nothing.
    pub fn hold_renderer(&mut self) {
        self.held.get_or_insert_default();
    }

    /// Commands that wait for the renderer while it stands still.
    pub fn held_commands(&self) -> &[RenderCommand] {
        self.held.as_deref().unwrap_or_default()
    }

    /// Lets the renderer go on, with the commands that waited.
    pub fn release_renderer(&mut self) {
        if let Some(audit) = &mut self.audit {
            audit.on_release(self.now);
        }
        for command in self.held.take().unwrap_or_default() {
            self.renderer.handle(self.now, command);
        }
        self.pump_renderer();
    }

    /// Runs until a condition holds. It is tried at once, after each event of the world and at the time limit, so that the
    /// clock stands at the first event after which it holds. The run ends before that at the end of the film, with a
    /// failure, at the limit, or if nothing is pending any more.
    pub fn run_until(&mut self, limit: Duration, mut holds: impl FnMut(&Self) -> bool) -> Outcome {
        let end = self.now + limit;
        let mut is_pending = true;
        loop {
            if holds(self) {
                return Outcome::Reached;
            }
            if let Some(outcome) = &self.outcome {
                return outcome.clone();
            }
            if !is_pending {
                return if self.now >= end { Outcome::TimeUp } else { Outcome::Hung };
            }
            is_pending = self.step(end);
        }
    }

    /// Runs until the end of the film, a failure, or the end of a span of virtual time.
    pub fn run_until_end(&mut self, limit: Duration) -> Outcome {
        self.run_until(limit, |_| false)
    }

    /// Runs for a span of virtual time. Returns false if nothing can happen any more on the way.
    pub fn run_for(&mut self, span: Duration) -> bool {
        let end = self.now + span;
        let mut alive = true;
        while self.now < end && alive {
            alive = self.step(end);
        }
        self.now = self.now.max(end);
        alive
    }

    /// One event: the earliest of all. False when there is none before `end`.
    fn step(&mut self, end: Now) -> bool {
        let times = [
            self.engine.poll_timeout(),
            self.renderer_timeout(),
            self.network.next(),
            self.commands.front().map(|(at, _)| *at),
        ];
        let Some(next) = times.into_iter().flatten().min() else { return false };
        if next > end {
            self.now = end;
            return false;
        }
        self.now = self.now.max(next);
        self.watch.step(self.now, self.engine.position());
        if let Some((_, command)) = self.commands.pop_front_if(|(at, _)| *at <= self.now) {
            self.command(command);
        } else if let Some(input) = self.network.poll(self.now) {
            self.feed(input);
        } else if self.renderer_timeout().is_some_and(|at| at <= self.now) {
            self.renderer.advance(self.now);
            self.pump_renderer();
        } else {
            let progress = if self.exact_progress { self.network.progress(self.now) } else { Vec::new() };
            for input in progress {
                self.feed(input);
            }
            if let Some((inputs, _)) = self.recording.as_mut() {
                inputs.push(Recorded::Advance(self.now));
            }
            self.engine.advance(self.now);
            self.drain();
            self.pump_renderer();
        }
        true
    }

    fn feed(&mut self, input: Input) {
        if matches!(input, Input::FetchEnded { outcome: FetchOutcome::Complete { .. }, .. } | Input::Command { .. }) {
            self.watch.progress();
        }
        if let Some((inputs, _)) = self.recording.as_mut() {
            inputs.push(Recorded::Input(self.now, Box::new(input.clone())));
        }
        self.hand_over(input);
        self.pump_renderer();
    }

    /// Gives the engine an input, and carries out what follows.
    fn hand_over(&mut self, input: Input) {
        if let Some(audit) = &mut self.audit {
            audit.on_input(&input, self.now, || self.engine.snapshot(self.now));
        }
        self.engine.handle_input(self.now, input);
        self.drain();
    }

    fn renderer_timeout(&self) -> Option<Now> {
        self.renderer.poll_timeout().filter(|_| self.held.is_none())
    }

    fn pump_renderer(&mut self) {
        if self.held.is_some() {
            return;
        }
        let mut count = 0;
        while let Some(event) = self.renderer.poll_event(self.now) {
            count += 1;
            assert!(count < MOST_AT_ONCE, "the engine and the renderer talk without end at {:?}", self.now);
            if let Some((inputs, _)) = self.recording.as_mut() {
                inputs.push(Recorded::Input(self.now, Box::new(Input::Render(event.clone()))));
            }
            let input = Input::Render(event);
            self.hand_over(input);
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            if let Some((_, outputs)) = self.recording.as_mut() {
                outputs.push(output.clone());
            }
            if let Some(audit) = &mut self.audit {
                audit.on_output(&output, self.now);
            }
            if let (Some((origin, truth)), Output::Render(command)) = (&mut self.truth, &output) {
                truth.on_command(command, self.network.service_time(origin, self.now));
            }
            match output {
                Output::Fetch(request) => {
                    self.watch.request(self.now);
                    self.network.start(&request, self.now);
                }
                Output::Cancel(id) => self.network.cancel(id, self.now),
                Output::Render(command) => match &mut self.held {
                    Some(held) => held.push(command),
                    None => self.renderer.handle(self.now, command),
                },
                Output::Event(event) => {
                    match &event {
                        Event::Ended => {
                            self.outcome = Some(Outcome::Ended);
                        }
                        Event::Failed { error } => self.outcome = Some(Outcome::Failed(error.clone())),
                        _ => {}
                    }
                    self.watch.progress();
                    let position = self.engine.snapshot(self.now).position;
                    self.events.push(TimedEvent { at: self.now, position, event });
                }
            }
        }
        if let Some(audit) = &mut self.audit {
            audit.end_step(self.now, || self.engine.snapshot(self.now));
        }
    }

    /// Returns the virtual time since the world began.
    pub const fn now(&self) -> Now {
        self.now
    }

    /// Returns the events so far, in order, with their times.
    pub fn events(&self) -> &[TimedEvent] {
        &self.events
    }

    /// Returns the events as lines of JSON, for comparing runs byte by byte.
    pub fn event_lines(&self) -> String {
        self.events.iter().filter_map(|event| serde_json::to_string(event).ok()).collect::<Vec<_>>().join("\n")
    }

    /// The counters of the session.
    pub fn stats(&self) -> SessionStats {
        self.engine.stats(self.now)
    }

    /// Returns the number that grows whenever a new snapshot may differ.
    pub const fn snapshot_version(&self) -> u64 {
        self.engine.snapshot_version()
    }

    /// The snapshot of now.
    pub fn snapshot(&self) -> Snapshot {
        self.engine.snapshot(self.now)
    }

    /// Replaces the faults of the world, for example by a plan of a file; the counts of the plan begin anew.
    pub fn set_fault_plan(&mut self, plan: FaultPlan) {
        self.network.set_fault_plan(plan);
    }

    /// Adds a fault after those of the plan, whose counts stay.
    pub fn add_fault(&mut self, fault: Fault) {
        self.network.add_fault(fault);
    }

    /// Adds faults in their order.
    pub fn add_faults(&mut self, faults: impl IntoIterator<Item = Fault>) {
        faults.into_iter().for_each(|fault| self.add_fault(fault));
    }

    /// Returns the fault plan, with how often each of its faults fired: also those that never did.
    pub const fn fault_plan(&self) -> &FaultPlan {
        self.network.fault_plan()
    }

    /// Returns each time that a fault fired, with the request that it struck, in the order of the requests: of all plans so
    /// far.
    pub fn faults_fired(&self) -> &[FiredFault] {
        self.network.faults_fired()
    }

    /// True when something is pending: a timer, a transfer, or a picture.
    pub fn is_alive(&self) -> bool {
        self.engine.poll_timeout().is_some() || self.renderer_timeout().is_some() || self.network.next().is_some()
    }
}

/// Feeds recorded inputs to a fresh engine and gives its outputs.
///
/// # Errors
/// When the configuration is refused by the engine.
pub fn replay(config: PlayerConfig, inputs: &[Recorded]) -> Result<Vec<Output>, PlayerError> {
    let mut engine = Engine::new(config)?;
    let mut outputs = Vec::new();
    for input in inputs {
        match input {
            Recorded::Advance(now) => engine.advance(*now),
            Recorded::Input(now, input) => engine.handle_input(*now, input.as_ref().clone()),
        }
        outputs.extend(std::iter::from_fn(|| engine.poll_output()));
    }
    Ok(outputs)
}
