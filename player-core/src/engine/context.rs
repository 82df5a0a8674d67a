//! The parts that outlive what is loaded, side by side, so that a step can borrow several of them at once.

use std::sync::Arc;

use super::effects::Effects;
use super::ids::ItemId;
use super::io::FetchReport;
use super::jitter::Jitter;
use super::playback::{PendingCommands, Playback, Settings};
use super::requests::recovery::{LoadErrorPolicy, UsualPolicy};
use super::requests::{JobId, Jobs, Measured};
use super::stats::{DecoderHealth, Ledger};
use super::utc::UtcClock;
use std::time::Duration;

use crate::config::PlayerConfig;
use crate::engine::download::LoadControl;
use crate::error::{ErrorCode, PlayerError};
use crate::time::{MediaTime, Now};

/// Everything that a step may use besides the session.
pub(super) struct Context {
    /// Time of the input that is being handled.
    pub now: Now,
    pub config: PlayerConfig,
    pub settings: Settings,
    pub effects: Effects,
    pub rule: Box<dyn abr::Rule>,
    pub load_errors: Arc<dyn LoadErrorPolicy>,
    pub jitter: Jitter,
    pub jobs: Jobs,
    pub playback: Playback,
    pub pending: PendingCommands,
    pub ledger: Ledger,
    pub decoder: DecoderHealth,
    /// Item that was loaded last.
    pub last_item: ItemId,
    /// Universal time.
    pub utc: UtcClock,
    /// Media ahead that live playback may wait for: its latency leaves room for no more. `None` on demand.
    pub live_room: Option<Duration>,
}

impl Context {
    /// Creates the context of an engine with nothing loaded.
    pub(super) fn new(config: PlayerConfig, rule: Box<dyn abr::Rule>) -> Self {
        Self {
            now: Now::ZERO,
            settings: Settings::default(),
            effects: Effects::default(),
            rule,
            load_errors: Arc::new(UsualPolicy),
            jitter: Jitter::new(config.seed),
            jobs: Jobs::default(),
            playback: Playback::default(),
            pending: PendingCommands::default(),
            ledger: Ledger::default(),
            decoder: DecoderHealth::default(),
            last_item: ItemId::default(),
            utc: UtcClock::default(),
            live_room: None,
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
            start: self.live_room.map_or(self.config.start_threshold, |room| room.min(self.config.start_threshold)),
            resume: self.live_room.map_or(self.config.resume_threshold, |room| room.min(self.config.resume_threshold)),
        }
    }
}

/// Counts bytes of a request. `bytes` is the number received so far.
pub(super) fn count_bytes(cx: &mut Context, job: JobId, bytes: u64) {
    let new = cx.jobs.received(job, bytes, cx.now);
    if let Some(kind) = cx.jobs.get(job).map(|job| job.kind) {
        cx.ledger.received(kind, new);
    }
}

/// Takes the host's measurements of a request that has ended.
pub(super) fn take_report(cx: &mut Context, job: JobId, report: &FetchReport) {
    if let Some(connected) = cx.jobs.take_report(job, report) {
        cx.ledger.phase("connect", connected);
    }
}

/// Lets the adaptive rule learn from a transfer that is over.
pub(super) fn learn(cx: &mut Context, measured: Option<Measured>, bytes: u64) {
    if let Some(measured) = measured
        && bytes > 0
    {
        // The pace of an encoder is not that of the link.
        if let Some(bursts) = measured.bursts {
            bursts.into_iter().for_each(|bursts| cx.rule.on_transfer(&bursts));
            return;
        }
        cx.rule.on_transfer(&abr::Transfer {
            at: cx.now.as_duration(),
            bytes,
            ttfb: measured.ttfb,
            duration: measured.duration,
            cached: measured.from_cache,
            concurrent: measured.concurrent,
            others: measured.others,
        });
    }
}

/// Ends playback by an error, once. Returns true if it had not ended before.
pub(super) fn fail(cx: &mut Context, error: PlayerError) -> bool {
    if cx.playback.is_over() {
        return false;
    }
    cx.playback.end_stall(cx.now, &mut cx.ledger, &mut cx.effects);
    cx.jobs.cancel_all(cx.now, &mut cx.effects);
    cx.pending.forget();
    cx.playback.fail(error, cx.now, &mut cx.effects);
    true
}

/// A fresh rule: what one presentation taught is kept only as the hint of the configuration.
pub(super) fn make_rule(config: &PlayerConfig) -> Result<Box<dyn abr::Rule>, PlayerError> {
    let mut rule = abr::rule(&config.abr_rule).ok_or_else(|| {
        let message = format!("there is no adaptive rule named {:?}", config.abr_rule);
        PlayerError::fatal(ErrorCode::InvalidArgument, message)
    })?;
    if let Some(bandwidth_bps) = config.bandwidth_hint_bps {
        rule.seed(&abr::History { bandwidth_bps, ttfb: Duration::from_millis(50) });
    }
    Ok(rule)
}
