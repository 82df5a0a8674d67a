//! Carries out what `recovery` decides. Every failure ends in exactly one of: a warning, a failover, a silent retry
//! because its location is already known to be out, or the end of playback.

use std::time::Duration;

use super::Session;
use super::outcome::StreamOutcome;
use super::refresh;
use crate::engine::buffer::BUFFERED;
use crate::engine::context::Context;
use crate::engine::download::{Activity, Stream};
use crate::engine::failure::{self, Alternatives, Assessed};
use crate::engine::ids::{PartOf, RepKey, StreamId};
use crate::engine::requests::error_map;
use crate::engine::requests::recovery::{Action, Cause};
use crate::engine::requests::{JobId, Purpose};
use crate::engine::selection;
use crate::engine::source::ServiceLocation;
use crate::error::{ErrorCode, PlayerError, Severity};
use crate::event::Event;
use crate::model::Resource;

/// Segments of a stream that may be given up in a row; with as many the stream counts as unavailable.
const MOST_SKIPPED: u32 = 5;
/// The same for a live presentation, which is given up later: its origin may be mended.
const MOST_SKIPPED_LIVE: u32 = 40;
/// Share of a segment that a request has to add to what it continues, so that its end does not count as a failure.
const LEAST_ADVANCE: u64 = 16;
/// Minimum time for which a location is excluded if a resource is missing there that another location may have.
const SOURCE_EXCLUSION: Duration = Duration::from_secs(20);

/// Attempt at media that failed and that nothing continues.
#[derive(Clone, Copy, Debug)]
struct EndedAttempt {
    stream: StreamId,
    /// Number of bytes received.
    bytes: u64,
}

impl Session {
    /// Takes the failure of a request, and carries out the action that `recovery` decides on for it.
    pub(in crate::engine) fn on_request_failed(&mut self, cx: &mut Context, id: JobId, cause: Cause<'_>) {
        let outcome = self.on_failure(cx, id, cause);
        self.carry_out(cx, outcome);
    }

    /// Takes the failure of a request that the host keeps (`docs/adr/0022`).
    ///
    /// If the same segment is requested again, that request continues this one: the samples received stay, and no byte
    /// is wasted. Every other decision drops them, and the host forgets the request.
    pub(super) fn on_interruption(&mut self, cx: &mut Context, id: JobId, cause: Cause<'_>) -> StreamOutcome {
        let Some(job) = cx.jobs.get(id) else { return StreamOutcome::Waiting };
        let Some(attempt) = job.attempt() else { return StreamOutcome::Waiting };
        let (fetch, bytes, sent) = (attempt.fetch, attempt.bytes, attempt.sent);
        let whole = attempt.announced.unwrap_or(u64::MAX);
        let is_of_transport = matches!(cause, Cause::Fetch(error) if error.is_of_transport());
        let download = match job.purpose {
            Purpose::Media(stream) if is_of_transport => self.stream_mut(stream).and_then(Stream::download_mut),
            _ => None,
        };
        let Some(download) = download else {
            cx.effects.cancel(fetch);
            return self.on_failure(cx, id, cause);
        };
        let earlier = download.earlier_bytes();
        let has_advanced = earlier > 0 && bytes >= earlier.saturating_add(whole) / LEAST_ADVANCE;
        download.keep_earlier(bytes, sent);
        cx.jobs.continue_later(id, earlier + bytes);
        if has_advanced {
            cx.jobs.note_advance(id);
        }
        self.recover(cx, id, cause, None)
    }

    /// Drops the samples of interrupted requests, because no request continues them: the bytes begin anew, or are not
    /// wanted.
    pub(in crate::engine) fn drop_earlier(&mut self, cx: &mut Context, id: StreamId) {
        if self.stream(id).and_then(Stream::download).is_some_and(|download| download.earlier_bytes() > 0) {
            self.drop_partial(cx, id, 0);
            self.with_stream(id, Stream::restart_download);
        }
    }

    /// Carries out the action that `recovery` decides on for a failed request. Returns what becomes of the stream that
    /// needed it.
    ///
    /// Samples of a failed attempt at media that were not handed out are dropped: the next attempt gives them again, and each
    /// must be counted and presented once. Those of a segment that is given up stay, because nothing gives them again. Four
    /// failures are no matter of `recovery`: a steering
    /// server has rules of its protocol (RFC 8216bis §7.2); initialisation data that no stream waits for any more, since
    /// it went on at another location or with another quality, is not needed, and must not end playback; a request that left before its location was excluded is
    /// made elsewhere without a second report, or one outage would be reported for each stream; and a refresh that
    /// failed for good ends in a warning, because playback goes on with what is known.
    pub(super) fn on_failure(&mut self, cx: &mut Context, id: JobId, cause: Cause<'_>) -> StreamOutcome {
        let found = cx.jobs.get(id).and_then(|job| Some((job.purpose, job.attempt()?.bytes)));
        let ended = match found {
            Some((Purpose::Media(stream), bytes)) => Some(EndedAttempt { stream, bytes }),
            _ => None,
        };
        self.recover(cx, id, cause, ended)
    }

    /// Drops the samples of an attempt that ended in a failure, as far as they were not handed out.
    fn drop_attempt(&mut self, cx: &mut Context, attempt: Option<EndedAttempt>) {
        if let Some(EndedAttempt { stream, bytes }) = attempt {
            self.drop_partial(cx, stream, bytes);
            self.with_stream(stream, Stream::restart_download);
        }
    }

    /// Decides and acts. `ended` is the attempt at media that failed, `None` if the host keeps it.
    fn recover(&mut self, cx: &mut Context, id: JobId, cause: Cause<'_>, ended: Option<EndedAttempt>) -> StreamOutcome {
        let Some(job) = cx.jobs.get(id) else { return StreamOutcome::Waiting };
        let Some(attempt) = job.attempt() else { return StreamOutcome::Waiting };
        let (kind, purpose) = (job.kind, job.purpose);
        if purpose == Purpose::Steering {
            let error = error_map::describe(kind, cause, Some(&attempt.url));
            let fetch = if let Cause::Fetch(fetch) = cause { Some(fetch) } else { None };
            self.on_steering_failed(cx, id, fetch, error);
            return StreamOutcome::Waiting;
        }
        if let Purpose::Time(source) = purpose {
            let error = error_map::describe(kind, cause, Some(&attempt.url));
            self.on_time_failed(cx, id, source, error.with_severity(Severity::Warning));
            return StreamOutcome::Waiting;
        }
        if matches!(purpose, Purpose::Init(_)) && !self.awaits_init(&job.resource) {
            cx.jobs.remove(id, cx.now);
            return StreamOutcome::Waiting;
        }
        let place = attempt.candidate.place.clone();
        if let Purpose::Media(stream) = purpose
            && self.forgive_at_edge(cx, id, stream, cause)
        {
            return StreamOutcome::Waiting;
        }
        let alternatives = self.alternatives(cx, purpose, &place);
        let assessed = failure::assess(cx, self.source.locations(), id, cause, alternatives);
        if let Assessed::Decided(assessment) = &assessed
            && matches!(assessment.action, Action::SkipSegment)
            && let Purpose::Media(stream) = purpose
        {
            self.settle_partial(cx, stream, ended.map_or(0, |attempt| attempt.bytes));
        } else {
            self.drop_attempt(cx, ended);
        }
        let assessment = match assessed {
            Assessed::Unknown => return StreamOutcome::Waiting,
            // The location was reported when it was excluded; this request only left too early to know.
            Assessed::LeftTooEarly { place, addresses_left } => {
                if addresses_left == 0 {
                    self.give_up_job(cx, id);
                    self.leave(cx, &place);
                }
                return StreamOutcome::Waiting;
            }
            Assessed::Decided(assessment) => assessment,
        };
        let is_final = !matches!(assessment.action, Action::RetryAfter(_) | Action::OtherLocation { .. });
        if is_final && refresh::is_refresh(self, purpose) {
            refresh::give_up(self, cx, id, purpose, assessment.error);
            return StreamOutcome::Waiting;
        }
        if is_final {
            self.stop_continuing(cx, id);
        }
        match assessment.action {
            Action::RetryAfter(delay) => assessment.retry(cx, id, delay),
            Action::OtherLocation { exclude_for } => {
                // Without another address of the same bytes, all that is stored with them is read from elsewhere too.
                let is_last = assessment.addresses_left == 0;
                let exclude_for = exclude_for.max(if is_last { SOURCE_EXCLUSION } else { Duration::ZERO });
                let rep = self.representation_of(purpose);
                let sources = rep.map(|rep| self.source.index_candidates(rep)).unwrap_or_default();
                assessment.move_on(cx, self.source.locations_mut(), id, exclude_for, &sources);
                if is_last {
                    // The stream decides again, once the index was read from another location.
                    self.give_up_job(cx, id);
                }
                if !exclude_for.is_zero() {
                    self.leave(cx, &assessment.failed.place);
                }
            }
            Action::OtherRepresentation { exclude_for } => {
                self.change_representation(cx, id, purpose, exclude_for, assessment.error);
            }
            Action::SkipSegment => return self.skip_segment(cx, id, purpose, assessment.error),
            Action::Fatal => {
                let error = assessment.error;
                cx.jobs.remove(id, cx.now);
                match purpose {
                    Purpose::Media(id) => return StreamOutcome::Lost { id, error },
                    Purpose::Index(rep) | Purpose::Init(rep) => return self.lost_representation(cx, rep, error),
                    Purpose::Manifest | Purpose::Remote | Purpose::Steering | Purpose::Time(_) => {
                        return StreamOutcome::Failed(error);
                    }
                    Purpose::Key => self.keys.on_failed(id, &error),
                }
            }
        }
        StreamOutcome::Waiting
    }

    /// Returns true if a stream waits for this initialisation data.
    fn awaits_init(&self, init: &Resource) -> bool {
        let waits = |stream: &Stream| matches!(stream.activity(), Activity::Init { resource, .. } if resource == init);
        self.streams.iter().any(waits)
    }

    /// Lets the host forget the interrupted request that a job would have continued, and drops its samples.
    fn stop_continuing(&mut self, cx: &mut Context, id: JobId) {
        if let Some(fetch) = cx.jobs.stop_continuing(id) {
            cx.effects.cancel(fetch);
        }
        if let Some(Purpose::Media(stream)) = cx.jobs.get(id).map(|job| job.purpose) {
            self.drop_earlier(cx, stream);
        }
    }

    /// Forgets a job whose attempt failed.
    fn give_up_job(&mut self, cx: &mut Context, id: JobId) {
        self.stop_continuing(cx, id);
        cx.jobs.remove(id, cx.now);
    }

    /// Returns what is left to try in place of a request to `place`.
    pub(super) fn alternatives(&self, cx: &Context, purpose: Purpose, place: &ServiceLocation) -> Alternatives {
        let rep = self.representation_of(purpose);
        let since = match purpose {
            Purpose::Media(id) => self.stream(id).and_then(Stream::wanted_since),
            Purpose::Init(rep) => {
                let waiting = self
                    .streams
                    .iter()
                    .filter(|stream| matches!(stream.activity(), Activity::Init { plan, .. } if plan.rep == rep));
                waiting.filter_map(Stream::wanted_since).min()
            }
            Purpose::Manifest
            | Purpose::Remote
            | Purpose::Steering
            | Purpose::Time(_)
            | Purpose::Index(_)
            | Purpose::Key => None,
        };
        Alternatives {
            sources_left: self.source.other_sources(
                rep.filter(|_| !matches!(purpose, Purpose::Index(_))),
                place,
                cx.now,
            ),
            representations_left: rep.map_or(0, |rep| match self.others_left(cx, rep) {
                0 if is_for_representation(purpose) => self.others_in_need(cx, rep),
                fit => fit,
            }),
            since,
            ahead: self.ahead(&self.presented_kinds(cx), self.position(cx)),
        }
    }

    fn change_representation(
        &mut self,
        cx: &mut Context,
        id: JobId,
        purpose: Purpose,
        exclude_for: Duration,
        error: PlayerError,
    ) {
        cx.jobs.remove(id, cx.now);
        if let Some(rep) = self.representation_of(purpose) {
            // Those that are left are excluded for a while themselves, so that this one would be chosen again at once.
            let is_hopeless = is_for_representation(purpose) && self.others_left(cx, rep) == 0;
            self.exclude(cx, rep, if is_hopeless { Duration::MAX } else { exclude_for });
        }
        cx.effects.warn(error);
    }

    /// Excludes a representation; streams that waited for it choose again.
    pub(in crate::engine) fn exclude(&mut self, cx: &mut Context, rep: RepKey, span: Duration) {
        self.selection.exclude(rep, span, cx.now);
        for stream in &mut self.streams {
            stream.on_index(rep);
            stream.leave_representations(|key| key == rep, &cx.jobs);
        }
        if self.list_choices(cx.now) {
            cx.effects.emit(Event::TracksChanged);
        }
    }

    fn skip_segment(&mut self, cx: &mut Context, id: JobId, purpose: Purpose, error: PlayerError) -> StreamOutcome {
        cx.jobs.remove(id, cx.now);
        let Purpose::Media(stream_id) = purpose else { return StreamOutcome::Failed(error) };
        let is_live = self.source.is_live();
        let Some(stream) = self.stream_mut(stream_id) else { return StreamOutcome::Waiting };
        let plan = stream.skip_download();
        let most = if is_live { MOST_SKIPPED_LIVE } else { MOST_SKIPPED };
        let hopeless = stream.skipped() >= most;
        self.release_tail(cx, stream_id);
        for kind in BUFFERED {
            if self.wanted_of(stream_id).has(kind)
                && let Some(buffer) = self.buffer_mut(kind)
            {
                buffer.complete();
            }
        }
        if let Some(plan) = &plan {
            let of = PartOf::new(plan.rep, &plan.segment, plan.reason);
            self.mark_resolved(stream_id, of, plan.segment.start, plan.segment.end());
        }
        if hopeless {
            let message = format!("{most} segments in a row cannot be had; the last one: {}", error.message);
            let mut lost = PlayerError::fatal(ErrorCode::MediaUnavailable, message);
            lost.context = error.context;
            return StreamOutcome::Lost { id: stream_id, error: lost };
        }
        cx.effects.warn(error);
        StreamOutcome::Waiting
    }

    fn lost_representation(&mut self, cx: &mut Context, rep: RepKey, error: PlayerError) -> StreamOutcome {
        let kind = self.source.presentation().set(rep.set).map(|set| set.kind);
        self.exclude(cx, rep, Duration::MAX);
        StreamOutcome::Lost { id: kind.map_or(StreamId::Main, StreamId::of), error }
    }

    fn representation_of(&self, purpose: Purpose) -> Option<RepKey> {
        match purpose {
            Purpose::Manifest | Purpose::Remote | Purpose::Steering | Purpose::Time(_) | Purpose::Key => None,
            Purpose::Index(rep) | Purpose::Init(rep) => Some(rep),
            Purpose::Media(id) => self.stream(id)?.download().map(|download| download.plan().rep),
        }
    }

    /// Returns the number of other representations of the same set that can take over now.
    pub(in crate::engine) fn others_left(&self, cx: &Context, rep: RepKey) -> usize {
        let bounds = self.selection.bounds(&self.keys, cx.now);
        let others = selection::permitted(self.source.presentation(), rep.set, bounds);
        others.iter().filter(|key| **key != rep && !self.selection.exclusions().holds(**key, cx.now)).count()
    }

    /// Returns the number of other representations of the same set that could take over for want of a better one, though
    /// they are excluded for a while.
    fn others_in_need(&self, cx: &Context, rep: RepKey) -> usize {
        let bounds = self.selection.bounds(&self.keys, cx.now);
        selection::playable(self.source.presentation(), rep.set, bounds).iter().filter(|key| **key != rep).count()
    }
}

/// Returns true if a representation cannot be played at all without what was requested.
const fn is_for_representation(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::Index(_) | Purpose::Init(_))
}

#[cfg(test)]
#[path = "failed_requests_tests.rs"]
mod tests;
