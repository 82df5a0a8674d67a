//! The engine: sans-IO, one owner, deterministic. This file routes; every decision lives in a room of its own.
//!
//! | room | what lives there |
//! |---|---|
//! | `io` | what goes in and what comes out |
//! | `commands` `answers` `reports` | the three kinds of input: host, network, renderer |
//! | `loading` `fetching` `adapting` `sounding` `ingest` `recovering` `presenting` `playing` `announcing` `tracks` `pathways` `unlocking` `decoding` | the steps that follow each of them |
//! | `session` `stream` `buffer` `playback` `pending` `request` `text` `captions` `metadata` `keys` | state: what is loaded, held, and under way |
//! | `ids` `select` `pairing` `schedule` `refresh` `load_control` `recovery` `timeline` `locations` `steering` `feed` `gap` `seek` `clock` | decisions, as pure functions or small machines |
//! | `stats` `timer` `jitter` `fault` | the ledger, the timers, the dice, the names of errors |

pub mod io;

mod accounting;
mod adapting;
mod announcing;
mod answers;
mod buffer;
mod captions;
mod carry;
mod clock;
mod commands;
mod decoding;
mod fault;
mod feed;
mod fetching;
mod gap;
mod ids;
mod ingest;
mod jitter;
mod keys;
mod load_control;
mod loading;
mod locations;
mod metadata;
mod pairing;
mod pathways;
mod pending;
mod playback;
mod playing;
mod presenting;
mod recovering;
mod recovery;
mod refresh;
mod reports;
mod request;
mod schedule;
mod seek;
mod select;
mod session;
mod sounding;
mod stats;
mod steering;
mod stream;
mod text;
mod timeline;
mod timer;
mod tracks;
mod unlocking;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use io::{Input, Output};
use jitter::Jitter;
use load_control::LoadControl;
use pending::PendingCommands;
use playback::{Playback, Settings};
use request::Jobs;
use session::Session;
use stats::Ledger;
use timer::Timers;

use crate::config::PlayerConfig;
use crate::error::{ErrorCode, PlayerError, Severity};
use crate::event::Event;
use crate::render::RenderCommand;
use crate::snapshot::{Snapshot, State};
use crate::telemetry::SessionStats;
use crate::time::{MediaTime, Now, WallClockMapping};

/// The playback engine.
///
/// It is told the time and what happened, and answers what to do; it never reads a clock, opens a socket, starts a
/// thread, locks or blocks. Equal inputs give equal outputs, byte for byte.
///
/// # Methods and their order
///
/// - **Inputs** — [`handle_input`](Self::handle_input) for everything that happens, [`advance`](Self::advance) when
///   only time has passed. Each is one mutation. `now` never goes back; an earlier one counts as the latest.
/// - **Outputs** — [`poll_output`](Self::poll_output) must be drained after each mutation, before the next.
///   [`poll_timeout`](Self::poll_timeout) then tells when `advance` is due if nothing happens before.
/// - **Views** — [`snapshot`](Self::snapshot) and [`stats`](Self::stats) may be asked at any time and change nothing;
///   [`snapshot_version`](Self::snapshot_version) grows whenever a new snapshot may differ.
///
/// The engine has one owner and needs no lock. What it was not asked for, or no longer waits for, it ignores.
pub struct Engine {
    config: PlayerConfig,
    now: Now,
    outbox: VecDeque<Output>,
    version: u64,
    rule: Box<dyn abr::Rule>,
    jitter: Jitter,
    timers: Timers,
    judged_at: Now,
    decoding: decoding::Decoding,
    settings: Settings,
    jobs: Jobs,
    playback: Playback,
    pending: PendingCommands,
    session: Option<Session>,
    ledger: Ledger,
    /// What the host last said of its clocks.
    wall_clock: Option<WallClockMapping>,
}

impl Engine {
    /// An engine with nothing loaded.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] when there is no adaptive rule of that name.
    pub fn new(config: PlayerConfig) -> Result<Self, PlayerError> {
        let rule = make_rule(&config)?;
        Ok(Self {
            jitter: Jitter::new(config.seed),
            config,
            now: Now::ZERO,
            outbox: VecDeque::new(),
            version: 0,
            rule,
            timers: Timers::default(),
            judged_at: Now::ZERO,
            decoding: decoding::Decoding::default(),
            settings: Settings::default(),
            jobs: Jobs::default(),
            playback: Playback::default(),
            pending: PendingCommands::default(),
            session: None,
            ledger: Ledger::default(),
            wall_clock: None,
        })
    }

    /// Takes one input.
    pub fn handle_input(&mut self, now: Now, input: Input) {
        self.step_to(now);
        match input {
            Input::Command { id, command } => self.command(id, command),
            Input::FetchStarted { id, head } => self.fetch_started(id, head),
            Input::FetchNotice { id, notice } => self.fetch_notice(id, notice),
            Input::FetchProgress { id, bytes } => self.fetch_progress(id, bytes),
            Input::FetchMedia { id, output, .. } => self.fetch_media(id, output),
            Input::FetchEnded { id, outcome } => self.fetch_ended(id, outcome),
            Input::Render(event) => self.rendered(event),
            Input::WallClock { now, utc } => self.set_wall_clock(now, utc),
            Input::Refresh => self.refresh(),
        }
        self.settle();
    }

    /// Lets time pass.
    pub fn advance(&mut self, now: Now) {
        self.step_to(now);
        self.settle();
    }

    /// The next output, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outbox.pop_front()
    }

    /// When [`advance`](Self::advance) is due at the latest; `None` when only an input can change anything.
    pub fn poll_timeout(&self) -> Option<Now> {
        self.timers.earliest()
    }

    /// Everything that a host needs to draw a player.
    pub fn snapshot(&self, now: Now) -> Snapshot {
        let playback = &self.playback;
        let session = self.session.as_ref();
        let presentation = session.and_then(|session| session.presentation.as_ref());
        // A seek that waits for its turn is where playback is going, as one that has begun.
        let going_to = self.pending.seek.wish().map(|seek| seek.to);
        let running = playback.state == State::Ready && playback.clock.is_running() && going_to.is_none();
        let wishes = session.map(|session| &session.wishes);
        Snapshot {
            state: playback.state,
            play_when_ready: playback.play_when_ready,
            position: going_to.unwrap_or_else(|| playback.clock.position(now)),
            taken_at: now,
            clock_rate: if running { playback.clock.rate() } else { 0.0 },
            rate: self.settings.rate,
            duration: session.and_then(|session| session.duration),
            protocol: presentation.map(|presentation| presentation.protocol),
            kind: presentation.map(|presentation| presentation.kind),
            seekable: session.and_then(Session::seekable),
            buffered: session.map(|session| session.buffered(&session.kinds().unwrap_or_default())).unwrap_or_default(),
            tracks: session.map(|session| Arc::clone(&session.tracks)).unwrap_or_default(),
            qualities: session.map(|session| Arc::clone(&session.qualities)).unwrap_or_default(),
            audio_choice: self.pending.audio.wish().or(wishes.map(|wishes| &wishes.audio)).cloned(),
            text_choice: self.pending.text.wish().or(wishes.map(|wishes| &wishes.text)).cloned(),
            quality_choice: self.pending.quality.wish().or(wishes.map(|wishes| &wishes.quality)).cloned(),
            volume: self.settings.volume,
            muted: self.settings.muted,
            cues: session.map(Session::cues).unwrap_or_default(),
            metadata: session.map(|session| session.metadata.list()).unwrap_or_default(),
            thumbnails: session.map(|session| Arc::clone(&session.thumbnails)).unwrap_or_default(),
            error: playback.error.clone(),
            pending_retry: self.jobs.pending_retry(),
            stats: Arc::new(self.stats(now)),
        }
    }

    /// Grows whenever a new snapshot may differ from the last one.
    pub const fn snapshot_version(&self) -> u64 {
        self.version
    }

    /// The counters of the session.
    pub fn stats(&self, now: Now) -> SessionStats {
        let position = self.playback.clock.position(now);
        let ahead = self
            .session
            .as_ref()
            .map_or(Duration::ZERO, |session| session.held_ahead(&session.kinds().unwrap_or_default(), position));
        let mut stats = self.ledger.stats(now, ahead, self.rule.estimate_bps());
        if let Some(session) = &self.session {
            stats.account = session.video.account().counts();
        }
        // Decoders do not notice every picture of which bytes are missing.
        stats.frames.corrupt = stats.frames.corrupt.max(stats.account.incomplete);
        stats
    }

    fn step_to(&mut self, now: Now) {
        self.now = self.now.max(now);
        self.version += 1;
    }

    /// The steps that follow every mutation, in this order: commands whose turn has come, what is overdue, what is seen, what is fetched, what is
    /// handed out, and what that means for the state. A jump over a gap makes the last three worth another round.
    fn settle(&mut self) {
        self.carry_out_pending();
        self.give_up_silent_requests();
        self.look();
        self.steer();
        self.give_up_locked();
        self.fetch();
        self.present();
        if self.progress() {
            self.fetch();
            self.present();
            self.progress();
        }
        self.send_due();
        self.announce_losses();
        self.arm_timers();
    }

    /// Lets another adaptive rule decide from now on.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn set_rule(&mut self, rule: Box<dyn abr::Rule>) {
        self.rule = rule;
    }

    pub(crate) fn position(&self) -> MediaTime {
        self.playback.clock.position(self.now)
    }

    fn load_control(&self) -> LoadControl {
        LoadControl {
            goal: self.config.buffer_goal,
            bytes: self.config.buffer_bytes,
            start: self.config.start_threshold,
            resume: self.config.resume_threshold,
        }
    }

    fn emit(&mut self, event: Event) {
        self.outbox.push_back(Output::Event(event));
    }

    fn warn(&mut self, error: PlayerError) {
        self.emit(Event::Warning { error: error.with_severity(Severity::Warning) });
    }

    fn render(&mut self, command: RenderCommand) {
        self.outbox.push_back(Output::Render(command));
    }

    fn set_state(&mut self, state: State) {
        if self.playback.state != state {
            self.playback.state = state;
            self.playback.state_since = self.now;
            self.emit(Event::StateChanged { state });
        }
    }
}

/// A fresh rule: what one presentation taught is kept only as the hint of the configuration.
fn make_rule(config: &PlayerConfig) -> Result<Box<dyn abr::Rule>, PlayerError> {
    let mut rule = abr::rule(&config.abr_rule).ok_or_else(|| {
        let message = format!("there is no adaptive rule named {:?}", config.abr_rule);
        PlayerError::fatal(ErrorCode::InvalidArgument, message)
    })?;
    if let Some(bandwidth_bps) = config.bandwidth_hint_bps {
        rule.seed(&abr::History { bandwidth_bps, ttfb: Duration::from_millis(50) });
    }
    Ok(rule)
}
