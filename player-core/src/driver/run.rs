//! The player thread: takes messages, passes them to the engine, carries out its outputs, publishes the snapshot.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{EventQueue, Inbox, Message, MonotonicClock, Recorder, Requests};
use crate::command::Command;
use crate::engine::Engine;
use crate::engine::io::{Input, Output};
use crate::error::{ErrorCode, PlayerError};
use crate::event::Event;
use crate::render::{RenderCommand, Renderer};
use crate::snapshot::{Snapshot, State};
use crate::time::{Now, WallClockMapping};

/// Maximum age of the published snapshot while the position moves, and after an input that was no news.
const HEARTBEAT: Duration = Duration::from_millis(250);

/// A wall clock that is off by more than this was set.
const WALL_CLOCK_TOLERANCE: Duration = Duration::from_millis(100);

type Wake = Arc<dyn Fn() + Send + Sync>;

/// State that the thread shows to the handle.
#[derive(Default)]
pub struct Published {
    snapshot: Mutex<Arc<Snapshot>>,
    wake: Mutex<Option<Wake>>,
    /// Events for the application.
    pub events: EventQueue,
}

impl Published {
    /// Returns the newest snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives the function that is called after something changed.
    pub fn set_wake(&self, wake: Wake) {
        *self.wake.lock().unwrap_or_else(PoisonError::into_inner) = Some(wake);
    }

    fn publish(&self, snapshot: Snapshot) {
        *self.snapshot.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }

    fn wake(&self) {
        let wake = self.wake.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(wake) = wake {
            wake();
        }
    }

    /// Shows that the player is beyond repair.
    pub fn fail(&self, error: &PlayerError) {
        let snapshot = Snapshot { state: State::Failed, error: Some(error.clone()), ..(*self.snapshot()).clone() };
        self.publish(snapshot);
        self.events.refuse_unanswered(error);
        self.events.push(Event::Failed { error: error.clone() });
        self.events.close();
        self.wake();
    }
}

/// Owns the engine and the renderer.
pub struct PlayerLoop {
    engine: Engine,
    renderer: Box<dyn Renderer>,
    requests: Requests,
    inbox: Arc<Inbox>,
    published: Arc<Published>,
    clock: MonotonicClock,
    recorder: Option<Recorder>,
    version: Option<u64>,
    /// Time of the published snapshot.
    published_at: Now,
    /// The engine took something since.
    is_stale: bool,
    /// The position moves in the published snapshot.
    is_moving: bool,
    /// Number of times since the load that the host was woken for a snapshot alone, without an event.
    wakeups: u64,
    /// Reading of both clocks that the engine has.
    wall_clock: Option<WallClockMapping>,
    /// Announced after the snapshot that they belong to is published.
    events: Vec<Event>,
}

impl PlayerLoop {
    /// Puts the parts together and shows the first snapshot.
    pub fn new(
        engine: Engine,
        mut renderer: Box<dyn Renderer>,
        requests: Requests,
        recorder: Option<Recorder>,
        inbox: Arc<Inbox>,
        published: Arc<Published>,
        clock: MonotonicClock,
    ) -> Self {
        let waking = Arc::clone(&inbox);
        renderer.set_waker(Arc::new(move || waking.renderer_ready()));
        let mut this = Self {
            engine,
            renderer,
            requests,
            inbox,
            published,
            clock,
            recorder,
            version: None,
            published_at: Now::ZERO,
            is_stale: false,
            is_moving: false,
            wakeups: 0,
            wall_clock: None,
            events: Vec::new(),
        };
        this.publish();
        this
    }

    /// Runs until the handle is dropped.
    pub fn run(mut self) {
        loop {
            let message = self.inbox.receive(&self.clock, self.deadline());
            let now = self.clock.now();
            match message {
                Some(Message::Shutdown) => break,
                Some(Message::Command(id, mut command)) => {
                    self.take_credentials(&mut command);
                    if matches!(command, Command::Load(_)) {
                        self.read_wall_clock(now);
                        self.wakeups = 0;
                    }
                    self.input(now, Input::Command { id, command });
                }
                Some(Message::Answer(input, permit)) => {
                    self.input(now, input);
                    drop(permit);
                }
                Some(Message::RendererReady) | None => {}
            }
            if self.wall_clock.is_some() {
                self.read_wall_clock(now);
            }
            self.renderer.advance(now);
            while let Some(event) = self.renderer.poll_event(now) {
                self.input(now, Input::Render(event));
            }
            if self.engine.poll_timeout().is_some_and(|due| due <= now) {
                if let Some(recorder) = &mut self.recorder {
                    recorder.advance(now);
                }
                self.engine.advance(now);
                self.is_stale = true;
                self.drain(now);
            }
            self.publish();
        }
        self.renderer.handle(self.clock.now(), RenderCommand::Stop);
        self.published.events.close();
    }

    /// Gives the engine the wall-clock time, unless that follows from the reading that it has.
    fn read_wall_clock(&mut self, now: Now) {
        let utc = MonotonicClock::utc();
        let expected = self.wall_clock.map(|mapping| mapping.utc_at(now).as_unix_nanos());
        let is_off = |expected: i64| expected.abs_diff(utc.as_unix_nanos()) > WALL_CLOCK_TOLERANCE.as_nanos() as u64;
        if expected.is_none_or(is_off) {
            self.wall_clock = Some(WallClockMapping::new(now, utc));
            self.input(now, Input::WallClock { now, utc });
        }
    }

    /// Names and passwords in addresses stay with the requests: neither the engine nor a recording sees them.
    fn take_credentials(&self, command: &mut Command) {
        if let Command::Load(request) = command {
            for url in request.locations.iter_mut().chain(&mut request.drm.licence_servers) {
                self.requests.take_credentials(url);
            }
        }
    }

    fn deadline(&self) -> Option<Now> {
        [self.engine.poll_timeout(), self.renderer.poll_timeout(), self.refresh_due()].into_iter().flatten().min()
    }

    /// Returns the time at which the published snapshot is to be replaced, news or not.
    fn refresh_due(&self) -> Option<Now> {
        (self.is_stale || self.is_moving).then(|| self.published_at + HEARTBEAT)
    }

    fn input(&mut self, now: Now, input: Input) {
        if let Some(recorder) = &mut self.recorder {
            recorder.input(now, &input);
        }
        self.engine.handle_input(now, input);
        self.is_stale = true;
        self.drain(now);
    }

    fn drain(&mut self, now: Now) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Fetch(request) => self.requests.start(*request),
                Output::Cancel(id) => self.requests.cancel(id),
                Output::Render(command) => self.renderer.handle(now, command),
                Output::Event(event) => self.events.push(event),
            }
        }
    }

    /// Publishes a snapshot if it is news, if events are due, or if the one before is old, and wakes the host for the first
    /// two. It is replaced before the events are given, so that a host which takes an event sees its consequences.
    fn publish(&mut self) {
        let version = self.engine.snapshot_version();
        let is_news = self.version.replace(version) != Some(version);
        let has_events = !self.events.is_empty();
        let now = self.clock.now();
        if is_news || has_events || self.refresh_due().is_some_and(|due| due <= now) {
            self.wakeups += u64::from(is_news && !has_events);
            let mut snapshot = self.engine.snapshot(now);
            Arc::make_mut(&mut snapshot.stats).host_wakeups = Some(self.wakeups);
            (self.published_at, self.is_stale, self.is_moving) = (now, false, snapshot.clock_rate > 0.0);
            self.published.publish(snapshot);
        }
        for event in self.events.drain(..) {
            self.published.events.push(event);
        }
        if is_news || has_events {
            self.published.wake();
        }
    }
}

/// The error that a panic on the player thread becomes.
pub fn panic_error(payload: &(dyn std::any::Any + Send)) -> PlayerError {
    let what = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown panic".to_owned());
    PlayerError::fatal(ErrorCode::Internal, format!("the player thread panicked: {what}"))
}
