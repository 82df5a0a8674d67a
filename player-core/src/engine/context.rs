//! The parts that outlive what is loaded, side by side, so that a step can borrow several of them at once.

use super::effects::Effects;
use super::jitter::Jitter;
use super::load_control::LoadControl;
use super::playback::{PendingCommands, Playback, Settings};
use super::request::{JobId, Jobs, Measured};
use super::stats::{DecoderHealth, Ledger};
use crate::config::PlayerConfig;
use crate::error::PlayerError;
use crate::time::{MediaTime, Now};

/// Everything that a step may use besides the session.
pub(super) struct Context {
    /// Time of the input that is being handled.
    pub now: Now,
    pub config: PlayerConfig,
    pub settings: Settings,
    pub effects: Effects,
    pub rule: Box<dyn abr::Rule>,
    pub jitter: Jitter,
    pub jobs: Jobs,
    pub playback: Playback,
    pub pending: PendingCommands,
    pub ledger: Ledger,
    pub decoder: DecoderHealth,
}

impl Context {
    /// Creates the context of an engine with nothing loaded.
    pub(super) fn new(config: PlayerConfig, rule: Box<dyn abr::Rule>) -> Self {
        Self {
            now: Now::ZERO,
            settings: Settings::default(),
            effects: Effects::default(),
            rule,
            jitter: Jitter::new(config.seed),
            jobs: Jobs::default(),
            playback: Playback::default(),
            pending: PendingCommands::default(),
            ledger: Ledger::default(),
            decoder: DecoderHealth::default(),
            config,
        }
    }

    /// Returns the position of playback at the time of the input.
    pub(super) fn position(&self) -> MediaTime {
        self.playback.clock().position(self.now)
    }

    /// Returns the limits of buffering as configured now.
    pub(super) fn load_control(&self) -> LoadControl {
        LoadControl {
            goal: self.config.buffer_goal,
            bytes: self.config.buffer_bytes,
            start: self.config.start_threshold,
            resume: self.config.resume_threshold,
        }
    }

    /// Counts bytes of a request. `bytes` is the number received so far.
    pub(super) fn count_bytes(&mut self, job: JobId, bytes: u64) {
        let new = self.jobs.received(job, bytes, self.now);
        if let Some(kind) = self.jobs.get(job).map(|job| job.kind) {
            self.ledger.received(kind, new);
        }
    }

    /// Lets the adaptive rule learn from a transfer that is over.
    pub(super) fn learn(&mut self, measured: Option<Measured>, bytes: u64) {
        if let Some(measured) = measured
            && bytes > 0
        {
            self.rule.on_transfer(&abr::Transfer {
                at: self.now.as_duration(),
                bytes,
                ttfb: measured.ttfb,
                duration: measured.duration,
                cached: false,
                concurrent: measured.concurrent,
            });
        }
    }

    /// Ends playback by an error, once. Returns true if it had not ended before.
    pub(super) fn fail(&mut self, error: PlayerError) -> bool {
        if self.playback.is_over() {
            return false;
        }
        self.playback.end_stall(self.now, &mut self.ledger, &mut self.effects);
        self.jobs.cancel_all(self.now, &mut self.effects);
        self.pending.forget();
        self.playback.fail(error, self.now, &mut self.effects);
        true
    }
}
