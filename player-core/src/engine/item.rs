//! The loaded item: one whose manifest is fetched, or an open session. Answers of the network and changes of the output
//! go to one of the two from here.

use super::context::{self, Context};
use super::io::{FetchError, FetchId, FetchOutcome, FetchReport, RangeNotice, ResponseHead};
use super::opening::Opening;
use super::playback::Seeking;
use super::requests::error_map;
use super::requests::recovery::Cause;
use super::requests::{JobId, Purpose};
use super::session::Session;
use super::stats::Ledger;
use std::time::Duration;

use crate::command::{LoadRequest, SeekMode};
use crate::engine::buffer::SampleAccount;
use crate::engine::selection::TrackPreferences;
use crate::engine::source::Locations;
use crate::error::{ErrorCode, PlayerError};
use crate::event::Event;
use crate::model::Presentation;
use crate::render::{RenderCommand, RenderEvent};
use crate::snapshot::State;
use crate::time::{MediaTime, Now, WallClock};

/// A wall clock that shows an earlier time was never set: 2020-01-01T00:00:00Z.
const EARLIEST_CLOCK: WallClock = WallClock::from_unix_nanos(1_577_836_800_000_000_000);

/// `Date` has whole seconds.
const DATE_RESOLUTION: Duration = Duration::from_secs(1);

/// The item that is loaded.
pub(super) enum Item {
    /// Its manifest is on its way.
    Opening(Box<Opening>),
    /// Its presentation is known.
    Open(Box<Session>),
}

/// Replaces what is loaded, if anything, by a new item.
pub(super) fn load(cx: &mut Context, item: &mut Option<Item>, request: &LoadRequest) {
    unload(cx, item);
    cx.ledger = Ledger::new(cx.now);
    cx.utc.forget();
    cx.live_room = None;
    cx.last_item = cx.last_item.next();
    let opening = Opening::new(cx.last_item, request, cx.config.output_protection);
    cx.playback.load(request.start.unwrap_or_default(), request.play_when_ready, cx.settings, cx.now);
    cx.effects.render(RenderCommand::SetPlaying(false));
    cx.effects.render(RenderCommand::SetRate(cx.settings.rate));
    cx.effects.render(RenderCommand::SetVolume { volume: cx.settings.volume, muted: cx.settings.muted });
    cx.playback.set_state(State::Loading, cx.now, &mut cx.effects);
    opening.fetch_manifest(cx);
    *item = Some(Item::Opening(Box::new(opening)));
}

/// Drops what is loaded: its requests are cancelled, and the renderer lets go. A stall ends with it, which is the only
/// event. Returns true if there was something.
pub(super) fn unload(cx: &mut Context, item: &mut Option<Item>) -> bool {
    cx.playback.end_stall(cx.now, &mut cx.ledger, &mut cx.effects);
    cx.jobs.cancel_all(cx.now, &mut cx.effects);
    cx.pending.forget();
    let had = item.take();
    if let Some(item) = &had {
        let mut account = match item {
            Item::Opening(_) => SampleAccount::default(),
            Item::Open(session) => session.account().clone(),
        };
        account.close(cx.ledger.frame_counts(), true);
        cx.ledger.close_account(account.counts());
        cx.effects.render(RenderCommand::Stop);
    }
    cx.playback.forget();
    had.is_some()
}

/// Returns false for a wall clock that was not set since its device started.
fn is_plausible(utc: WallClock) -> bool {
    utc >= EARLIEST_CLOCK
}

/// Takes a reading of the host's clocks.
pub(super) fn on_wall_clock(cx: &mut Context, item: Option<&mut Item>, now: Now, utc: WallClock) {
    if !is_plausible(utc) {
        return;
    }
    cx.utc.note_host(now, utc);
    if let Some(Item::Open(session)) = item {
        session.on_clock_set(cx);
    }
}

/// Takes the date of an answer: of a source of time that the manifest names, or of a manifest or playlist. Segments lie in
/// caches, whose clocks are others.
fn note_date(cx: &mut Context, job: JobId, head: &ResponseHead) {
    let Some(date) = head.date else { return };
    let Some(found) = cx.jobs.get(job) else { return };
    let Some(sent) = found.attempt().map(|attempt| attempt.sent) else { return };
    let is_head = found.asks_head();
    match found.purpose {
        Purpose::Time(_) if is_head => cx.utc.note_timing(date, DATE_RESOLUTION, sent, cx.now),
        Purpose::Manifest | Purpose::Index(_) | Purpose::Time(_) => cx.utc.note_date(date, sent, cx.now),
        Purpose::Remote | Purpose::Init(_) | Purpose::Media(_) | Purpose::Steering | Purpose::Key => {}
    }
}

impl Item {
    /// Returns the session if the presentation is known.
    pub(super) fn session(&self) -> Option<&Session> {
        match self {
            Self::Opening(_) => None,
            Self::Open(session) => Some(session),
        }
    }

    /// Returns what the viewer prefers.
    pub(super) fn preferences(&self) -> &TrackPreferences {
        match self {
            Self::Opening(opening) => opening.preferences(),
            Self::Open(session) => session.preferences(),
        }
    }

    fn locations(&self) -> &Locations {
        match self {
            Self::Opening(opening) => opening.locations(),
            Self::Open(session) => session.locations(),
        }
    }

    fn locations_mut(&mut self) -> &mut Locations {
        match self {
            Self::Opening(opening) => opening.locations_mut(),
            Self::Open(session) => session.locations_mut(),
        }
    }

    /// Ends playback by an error, once.
    pub(super) fn fail(&mut self, cx: &mut Context, error: PlayerError) {
        match self {
            Self::Opening(_) => drop(context::fail(cx, error)),
            Self::Open(session) => session.fail(cx, error),
        }
    }

    /// Takes the protection of another output, or of the same one that protects otherwise.
    pub(super) fn set_output_protection(&mut self, cx: &mut Context, output: abr::Hdcp) {
        match self {
            Self::Opening(opening) => {
                opening.set_output(output);
                cx.effects.emit(Event::TracksChanged);
            }
            Self::Open(session) => session.set_output_protection(cx, output),
        }
    }

    /// Takes the head of an answer.
    pub(super) fn on_fetch_started(&mut self, cx: &mut Context, id: FetchId, head: ResponseHead, resumed: bool) {
        let Some(job) = cx.jobs.of_fetch(id) else { return };
        note_date(cx, job, &head);
        cx.jobs.began(job, head.url, head.content_length, cx.now);
        if let Self::Open(session) = self {
            session.on_fetch_started(cx, job, resumed);
        }
        if head.range_ignored {
            self.on_fetch_notice(cx, id, RangeNotice::Ignored);
        }
    }

    /// Reports a byte range that was served oddly: habits of a server once a session, missing bytes every time.
    pub(super) fn on_fetch_notice(&mut self, cx: &mut Context, id: FetchId, notice: RangeNotice) {
        let Some(job) = cx.jobs.of_fetch(id).and_then(|job| cx.jobs.get(job)) else { return };
        let Some(attempt) = job.attempt() else { return };
        if !self.locations_mut().is_news(notice) {
            return;
        }
        let error = match notice {
            RangeNotice::Ignored => {
                PlayerError::warning(ErrorCode::RangeIgnored, "the server ignored the range; the host slices")
            }
            RangeNotice::Unlabelled => {
                let message = "the server does not say which part it sends; it is taken for the one asked for";
                PlayerError::warning(ErrorCode::RangeIgnored, message)
            }
            RangeNotice::PastEnd { received } => {
                let message = format!("the file ends before the range does: only {received} bytes of it exist");
                PlayerError::warning(ErrorCode::RangePastEnd, message)
            }
        };
        cx.effects.warn(error.at(error_map::stage(job.kind)).with_url(&attempt.url));
    }

    /// Counts bytes of an answer, and judges whether its transfer should go on.
    pub(super) fn on_fetch_progress(&mut self, cx: &mut Context, id: FetchId, bytes: u64) {
        let Some(job) = cx.jobs.of_fetch(id) else { return };
        context::count_bytes(cx, job, bytes);
        if let Self::Open(session) = self {
            session.judge_running(cx);
        }
    }

    /// Takes the end of an answer.
    pub(super) fn on_fetch_ended(
        &mut self,
        cx: &mut Context,
        id: FetchId,
        outcome: FetchOutcome,
        report: &FetchReport,
    ) {
        let Some(job) = cx.jobs.of_fetch(id) else { return };
        context::take_report(cx, job, report);
        match self {
            Self::Opening(opening) => {
                let presentation = opening.on_fetch_ended(cx, job, outcome);
                self.open(cx, presentation);
            }
            Self::Open(session) => session.on_fetch_ended(cx, job, outcome, report.is_kept),
        }
    }

    /// Gives up requests that their host has forgotten: the second line behind the host's own time limits.
    pub(super) fn give_up_silent_requests(&mut self, cx: &mut Context) {
        for (job, started) in cx.jobs.silent(&cx.config, cx.now) {
            if let Some(fetch) = cx.jobs.get(job).and_then(|job| job.attempt()).map(|attempt| attempt.fetch) {
                cx.effects.cancel(fetch);
                self.on_request_failed(cx, job, Cause::Fetch(&FetchError::Timeout { started }));
            }
        }
    }

    fn on_request_failed(&mut self, cx: &mut Context, job: JobId, cause: Cause<'_>) {
        match self {
            Self::Opening(opening) => {
                let presentation = opening.on_request_failed(cx, job, cause);
                self.open(cx, presentation);
            }
            Self::Open(session) => session.on_request_failed(cx, job, cause),
        }
    }

    /// Goes from opening to open once the presentation is known.
    fn open(&mut self, cx: &mut Context, presentation: Option<Presentation>) {
        if let Self::Opening(opening) = self
            && let Some(presentation) = presentation
        {
            let mut session = Session::new(opening, presentation, &mut cx.jitter);
            session.keep_manifest(opening.take_patchable());
            session.place_availability(cx);
            let begun = session.begin(cx, opening.asked_at());
            session.fail_on(cx, begun);
            *self = Self::Open(Box::new(session));
        }
    }

    /// Sends every attempt that is due.
    pub(super) fn send_due(&mut self, cx: &mut Context) {
        let locations = self.locations();
        for id in cx.jobs.due(cx.now) {
            let Some(job) = cx.jobs.get(id) else { continue };
            let candidates = match job.purpose {
                Purpose::Manifest => locations.manifest_candidates(),
                _ => locations.candidates(&job.resource),
            };
            let mut picked = locations.pick(&candidates, &job.tried, cx.now);
            let is_retry = job.is_retry;
            if picked.is_none() {
                cx.jobs.forget_tried(id);
                picked = locations.pick(&candidates, &[], cx.now);
            }
            if let Some(candidate) = picked {
                if let Some(request) = cx.jobs.send(id, candidate, &cx.config, cx.now) {
                    cx.effects.fetch(request);
                }
                cx.ledger.requested(is_retry);
            }
        }
    }

    /// Takes a report. Until the manifest has been read there is no epoch that a report could belong to.
    pub(super) fn on_render(&mut self, cx: &mut Context, event: RenderEvent) {
        if cx.playback.is_over() {
            return;
        }
        match event {
            RenderEvent::Reconfigured { .. } => {}
            RenderEvent::Flushed { epoch } => {
                cx.ledger.begin_frames(cx.decoder.counted());
                cx.playback.on_flushed(epoch);
            }
            RenderEvent::Frames(frames) => {
                let shown = self.session().and_then(Session::shown_rung);
                let steady = cx.playback.state() == State::Ready
                    && cx.playback.clock().is_running()
                    && cx.settings.permille() <= 1000;
                cx.decoder.observe(frames, shown, steady, cx.now.as_duration());
                cx.ledger.frames(frames, cx.now);
            }
            RenderEvent::AvSync { nanos } => cx.ledger.av_sync(nanos),
            RenderEvent::Warning(error) => cx.effects.warn(error),
            RenderEvent::Failed(error) => self.fail(cx, error),
            event => {
                if let Self::Open(session) = self {
                    session.on_render(cx, event);
                }
            }
        }
    }

    /// Makes playback go on as soon as it can; what has ended is played again.
    pub(super) fn play(&mut self, cx: &mut Context) {
        cx.playback.set_play_when_ready(true);
        if let Self::Open(session) = self
            && cx.playback.state() == State::Ended
            && cx.pending.seek().waiting().is_none()
        {
            session.play_again(cx);
        }
    }

    /// Notes a seek. One that comes before the presentation is known decides where playback begins.
    pub(super) fn seek(&mut self, cx: &mut Context, to: MediaTime, mode: SeekMode) {
        let to = match self {
            Self::Opening(opening) => {
                let to = to.max(MediaTime::ZERO);
                opening.start_at(to);
                cx.playback.begin_at(to, mode, cx.now);
                to
            }
            Self::Open(session) => session.clamp(cx, to),
        };
        cx.pending.seek_mut().put(Seeking { to, mode, since: cx.now });
    }
}

#[cfg(test)]
#[path = "item_tests.rs"]
mod tests;
