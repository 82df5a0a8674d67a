//! The handle that applications hold. It only sends commands and reads what was published: every decision is the
//! engine's, on the player's own thread.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use url::Url;

use crate::command::{Command, CommandId, LoadRequest, SeekMode};
use crate::config::PlayerConfig;
use crate::driver::{
    HostParts, Inbox, MonotonicClock, NetworkConfig, PlayerLoop, Published, Recorder, Requests, Upkeep, panic_error,
    return_memory,
};
pub use crate::driver::{MAX_COMMANDS, MAX_EVENTS, MAX_REPLIES};
use crate::engine::Engine;
use crate::error::{ErrorCode, PlayerError};
use crate::event::Event;
use crate::render::Renderer;
use crate::snapshot::Snapshot;
use crate::time::{MediaTime, Now};

/// A player. Commands may be sent from any thread; nothing here blocks, except [`Player::wait_event`] and dropping.
///
/// Dropping the handle ends playback and waits for the player's thread.
pub struct Player {
    inbox: Arc<Inbox>,
    published: Arc<Published>,
    clock: MonotonicClock,
    next_id: AtomicU64,
    thread: Option<JoinHandle<()>>,
}

impl Player {
    /// Starts a player that shows through `renderer`.
    ///
    /// # Errors
    /// `InvalidArgument` for a configuration that makes no sense, `Internal` when a thread cannot be started.
    pub fn new(config: PlayerConfig, renderer: Box<dyn Renderer>) -> Result<Self, PlayerError> {
        Self::with_network(config, NetworkConfig::default(), renderer)
    }

    /// As [`Player::new`], with headers and certificates for every request.
    ///
    /// # Errors
    /// As [`Player::new`], and `InvalidArgument` for headers or certificates that cannot be read.
    pub fn with_network(
        config: PlayerConfig,
        network: NetworkConfig,
        renderer: Box<dyn Renderer>,
    ) -> Result<Self, PlayerError> {
        Self::with_host(config, HostParts { network, ..HostParts::default() }, renderer, None)
    }

    /// As [`Player::with_network`], and writes every input of the engine to `recording`, one JSON object a line,
    /// so that the session can be replayed.
    ///
    /// # Errors
    /// As [`Player::with_network`].
    pub fn recorded(
        config: PlayerConfig,
        network: NetworkConfig,
        renderer: Box<dyn Renderer>,
        recording: Box<dyn Write + Send>,
    ) -> Result<Self, PlayerError> {
        Self::with_host(config, HostParts { network, ..HostParts::default() }, renderer, Some(recording))
    }

    /// As [`Player::recorded`], with parts of the host in place of the player's own; without `recording` nothing is
    /// written.
    ///
    /// # Errors
    /// As [`Player::with_network`].
    pub fn with_host(
        config: PlayerConfig,
        parts: HostParts,
        renderer: Box<dyn Renderer>,
        recording: Option<Box<dyn Write + Send>>,
    ) -> Result<Self, PlayerError> {
        let recorder = recording.map(|target| Recorder::new(target, &config));
        let clock = MonotonicClock::start();
        let inbox = Arc::new(Inbox::new());
        let published = Arc::new(Published::default());
        let mut engine = Engine::new(config)?;
        let requests = Requests::new(parts.pipeline()?, Arc::clone(&inbox))?;
        let runtime = requests.runtime();
        let upkeep = Upkeep::begin(runtime);
        if let Some(policy) = parts.load_errors {
            engine.set_load_error_policy(policy);
        }
        let work =
            PlayerLoop::new(engine, renderer, requests, recorder, Arc::clone(&inbox), Arc::clone(&published), clock);
        let guarded = Arc::clone(&published);
        let closing = Arc::clone(&inbox);
        let thread = std::thread::Builder::new()
            .name("player".to_owned())
            .spawn(move || {
                // The loop is dropped by a panic, so nothing half-changed is seen afterwards.
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| work.run())) {
                    closing.close();
                    guarded.fail(&panic_error(payload.as_ref()));
                }
                drop(upkeep);
                return_memory(runtime);
            })
            .map_err(|error| PlayerError::fatal(ErrorCode::Internal, format!("cannot start a thread: {error}")))?;
        Ok(Self { inbox, published, clock, next_id: AtomicU64::new(1), thread: Some(thread) })
    }

    /// Sends a command; an [`Event::Reply`] with the id follows. Commands may come at any pace: of seeks, rates and
    /// choices of track or quality that come faster than they can be carried out, the last is, and each is answered.
    ///
    /// # Errors
    /// `QueueFull` when [`MAX_COMMANDS`] wait, or when [`MAX_REPLIES`] are unanswered or have a reply that the
    /// application has not taken: the command has no effect and no reply. `InvalidState` when the player has ended.
    pub fn send(&self, command: Command) -> Result<CommandId, PlayerError> {
        let id = CommandId(self.next_id.fetch_add(1, Ordering::Relaxed));
        self.published.events.reserve(id)?;
        match self.inbox.command(id, command) {
            Ok(()) => Ok(id),
            // The player has ended in between, and has answered the command with the reason.
            Err(_) if !self.published.events.release(id) => Ok(id),
            Err(error) => Err(error),
        }
    }

    /// Loads one address and plays it.
    ///
    /// # Errors
    /// As [`Player::send`].
    pub fn load(&self, location: Url) -> Result<CommandId, PlayerError> {
        self.send(Command::Load(LoadRequest::new(location)))
    }

    /// Plays as soon as there is enough media.
    ///
    /// # Errors
    /// As [`Player::send`].
    pub fn play(&self) -> Result<CommandId, PlayerError> {
        self.send(Command::Play)
    }

    /// Holds the picture.
    ///
    /// # Errors
    /// As [`Player::send`].
    pub fn pause(&self) -> Result<CommandId, PlayerError> {
        self.send(Command::Pause)
    }

    /// Goes to a time.
    ///
    /// # Errors
    /// As [`Player::send`].
    pub fn seek_to(&self, to: MediaTime, mode: SeekMode) -> Result<CommandId, PlayerError> {
        self.send(Command::Seek { to, mode })
    }

    /// Returns the state to draw from. Cheap; call it for every frame.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.published.snapshot()
    }

    /// The player's clock, as in [`Snapshot::taken_at`].
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// Returns the position of playback right now.
    pub fn position(&self) -> MediaTime {
        self.snapshot().position_at(self.now())
    }

    /// The next event, if there is one.
    pub fn try_event(&self) -> Option<Event> {
        self.published.events.try_pop()
    }

    /// The next event, waiting for one. `None` when the time is up or the player has ended.
    pub fn wait_event(&self, timeout: Duration) -> Option<Event> {
        self.published.events.wait(&self.clock, timeout)
    }

    /// Number of events dropped so far because the application did not take them; see [`Event::EventsLost`]. No reply
    /// is among them. At most [`MAX_EVENTS`] events wait in addition to the replies.
    pub fn events_lost(&self) -> u64 {
        self.published.events.lost()
    }

    /// Gives the function that is called when there are new events, or a snapshot that shows something else than follows
    /// from the one before; time that passes is no reason (see [`Snapshot::position_at`]). It is called on the player's
    /// thread, so it must only wake, and must not call the player.
    pub fn set_wakeup(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.published.set_wake(Arc::new(wake));
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.inbox.close();
        if let Some(thread) = self.thread.take() {
            // A panic was published already.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Player({:?} at {:?})", self.snapshot().state, self.position())
    }
}
