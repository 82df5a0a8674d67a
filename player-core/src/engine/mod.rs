//! The engine: sans-IO, one owner, deterministic. This file takes inputs and runs the steps in their order; every
//! decision is made in a part, whose fields only its own files write (`docs/adr/0016`).
//!
//! | part | content |
//! |---|---|
//! | `io` `effects` | inputs and outputs; `effects` is the only way out |
//! | `commands` | commands of the host |
//! | `ids` | keys of periods, sets, representations and segments, which stay the same when a manifest is read again |
//! | `item` `opening` `session` | what is loaded: a manifest on its way, or an open session, whose steps compose the parts below |
//! | `context` | the parts that outlive an item, side by side |
//! | `playback` | state machine, clock, epoch, feed of the renderer, commands that wait for their turn |
//! | `download` | streams, which stream and segment is next, and what a segment leaves for the next |
//! | `requests` `failure` | requests under way, and what follows when one fails |
//! | `selection` | which track and representation may be chosen, and which audio goes with which video |
//! | `source` | locations of the same bytes, and the steering server that orders between them |
//! | `licence` | keys, and requests for them |
//! | `buffer` | media that is held, its place in time, its gaps and its account |
//! | `memory` | bytes by kind, for the byte budget and the report |
//! | `stats` `timer` `jitter` | counters, timers, seeded randomness |
//! | `utc` | universal time by the manifest's sources, by dates of answers, or by the host |
//! | `view` | snapshot and counters for hosts, and the decision whether a snapshot is news |

#![warn(unreachable_pub)]

pub mod io;

mod buffer;
mod commands;
mod context;
mod download;
mod effects;
mod failure;
mod ids;
mod item;
mod jitter;
mod licence;
mod memory;
mod opening;
mod playback;
mod requests;
mod selection;
mod session;
mod source;
mod stats;
mod timer;
mod utc;
mod view;

pub use requests::recovery;

use std::sync::Arc;

use context::Context;
use io::{Input, Output};
use item::Item;
use recovery::LoadErrorPolicy;
use timer::{LEAST_WAIT, Timer, Timers};
use view::{News, View};

use crate::config::PlayerConfig;
use crate::error::PlayerError;
use crate::snapshot::Snapshot;
use crate::telemetry::SessionStats;
use crate::time::Now;

/// The playback engine.
///
/// Inputs carry the time and what happened, and outputs what the host has to do; the engine never reads a clock, opens
/// a socket, starts a thread, locks or blocks. Equal inputs give equal outputs, byte for byte.
///
/// # Methods and their order
///
/// - **Inputs** — [`handle_input`](Self::handle_input) for everything that happens, [`advance`](Self::advance) when
///   only time has passed. Each is one mutation. `now` never goes back; an earlier one counts as the latest.
/// - **Outputs** — [`poll_output`](Self::poll_output) must be drained after each mutation, before the next.
///   [`poll_timeout`](Self::poll_timeout) then returns the time at which `advance` is due if nothing happens before.
/// - **Views** — [`snapshot`](Self::snapshot) and [`stats`](Self::stats) may be called at any time and change nothing;
///   [`snapshot_version`](Self::snapshot_version) grows whenever a new snapshot is news for a host.
///
/// The engine has one owner and needs no lock. It ignores input that it did not ask for, or no longer waits for.
pub struct Engine {
    context: Context,
    item: Option<Item>,
    timers: Timers,
    news: News,
}

impl Engine {
    /// An engine with nothing loaded.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] when there is no adaptive rule of that name.
    pub fn new(config: PlayerConfig) -> Result<Self, PlayerError> {
        let rule = context::make_rule(&config)?;
        Ok(Self { context: Context::new(config, rule), item: None, timers: Timers::default(), news: News::default() })
    }

    /// Takes one input at the time `now`, and runs all steps that follow from it.
    pub fn handle_input(&mut self, now: Now, input: Input) {
        self.step_to(now);
        let cx = &mut self.context;
        match (input, &mut self.item) {
            (Input::Command { id, command }, item) => commands::on_command(cx, item, id, command),
            (Input::Render(event), Some(item)) => item.on_render(cx, event),
            (Input::WallClock { now, utc }, item) => item::on_wall_clock(cx, item.as_mut(), now, utc),
            (Input::Refresh, Some(Item::Open(session))) => session.refresh(cx),
            (Input::FetchStarted { id, head, resumed }, Some(item)) => item.on_fetch_started(cx, id, head, resumed),
            (Input::FetchNotice { id, notice }, Some(item)) => item.on_fetch_notice(cx, id, notice),
            (Input::FetchProgress { id, bytes }, Some(item)) => item.on_fetch_progress(cx, id, bytes),
            (Input::FetchMedia { id, output, .. }, Some(Item::Open(session))) => session.on_fetch_media(cx, id, output),
            (Input::FetchEnded { id, outcome, report }, Some(item)) => item.on_fetch_ended(cx, id, outcome, &report),
            // Requests and reports end with what they were for, and what is not open yet is not old.
            (
                Input::Refresh
                | Input::Render(_)
                | Input::FetchStarted { .. }
                | Input::FetchNotice { .. }
                | Input::FetchProgress { .. }
                | Input::FetchMedia { .. }
                | Input::FetchEnded { .. },
                _,
            ) => {}
        }
        self.run_steps();
        self.note_news();
    }

    /// Moves the time to `now`, and runs all steps that are due.
    pub fn advance(&mut self, now: Now) {
        self.step_to(now);
        self.run_steps();
        self.note_news();
    }

    /// The next output, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.context.effects.take_next()
    }

    /// Returns the time at which [`advance`](Self::advance) is due at the latest; `None` if only an input can change
    /// anything.
    pub fn poll_timeout(&self) -> Option<Now> {
        self.timers.earliest()
    }

    /// Everything that a host needs to draw a player.
    pub fn snapshot(&self, now: Now) -> Snapshot {
        self.view().snapshot(now)
    }

    /// Grows whenever a host would draw something else than what it computes from the snapshot of the version before;
    /// time that passes, buffered ranges and counters alone are no news.
    pub const fn snapshot_version(&self) -> u64 {
        self.news.version()
    }

    /// The counters of the session.
    pub fn stats(&self, now: Now) -> SessionStats {
        self.view().stats(now)
    }

    const fn view(&self) -> View<'_> {
        View { cx: &self.context, item: self.item.as_ref() }
    }

    fn step_to(&mut self, now: Now) {
        self.context.now = self.context.now.max(now);
    }

    /// Runs the steps that follow every mutation: commands whose turn has come, what is overdue, the steps of the session,
    /// and what is due to be sent.
    fn run_steps(&mut self) {
        let Self { context: cx, item, timers, .. } = self;
        commands::carry_out_pending(cx, item.as_mut());
        if let Some(item) = item {
            item.give_up_silent_requests(cx);
            if let Item::Open(session) = item {
                session.run_steps(cx);
            }
            item.send_due(cx);
            if let Item::Open(session) = item {
                session.announce_losses(cx);
            }
        }
        timers.clear();
        if cx.playback.is_over() {
            return;
        }
        timers.set(Timer::Retry, cx.jobs.next_due());
        timers.set(Timer::Silence, cx.jobs.next_silence(&cx.config));
        let session = item.as_ref().and_then(Item::session);
        let command = cx.pending.next_due(cx.now, session.is_some());
        timers.set(Timer::Command, command.map(|at| at.max(cx.now + LEAST_WAIT)));
        if let Some(session) = session {
            session.arm_timers(cx, timers);
        }
    }

    fn note_news(&mut self) {
        let Self { context, item, news, .. } = self;
        news.note(View { cx: context, item: item.as_ref() }, context.now);
    }

    /// Lets another policy decide what follows a failed request from now on.
    pub fn set_load_error_policy(&mut self, policy: Arc<dyn LoadErrorPolicy>) {
        self.context.load_errors = policy;
    }

    /// Lets another adaptive rule decide from now on.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn set_rule(&mut self, rule: Box<dyn abr::Rule>) {
        self.context.rule = rule;
    }

    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn position(&self) -> crate::time::MediaTime {
        self.context.position()
    }
}
