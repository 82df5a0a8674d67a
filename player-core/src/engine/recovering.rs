//! Carries out what `recovery` decides. Every failure ends in exactly one of: a warning, a failover, a silent retry
//! because its location is already known to be out, or the end of playback.

use std::time::Duration;

use url::Url;

use super::Engine;
use super::buffer::PartOf;
use super::fault;
use super::io::{FetchKind, Output};
use super::locations::{Candidate, Place as Location};
use super::recovery::{self, Action, Cause, Failure, FailureClass};
use super::request::{JobId, Purpose, RetryState};
use super::schedule;
use super::select::{self, Bounds};
use super::stream::{Activity, RepKey, StreamId};
use crate::command::QualityChoice;
use crate::config::RetryPolicy;
use crate::error::{ErrorCode, PlayerError, Severity};
use crate::event::Event;
use crate::model::MediaKind;
use crate::snapshot::{BufferingReason, State};
use crate::telemetry::Failover;

/// So many segments of a stream given up in a row mean that nothing of it can be had.
const MOST_SKIPPED: u32 = 5;
/// A place is left alone for this when a part was missing there that another place may have.
const SOURCE_REST: Duration = Duration::from_secs(20);
/// With less media than this, playback is as good as stopped.
const IMMINENT: Duration = Duration::from_secs(1);

impl Engine {
    /// A request failed.
    pub(super) fn request_failed(&mut self, id: JobId, cause: Cause<'_>) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        let Some(attempt) = job.attempt() else { return };
        let (candidate, bytes, url) = (attempt.candidate.clone(), attempt.bytes, attempt.url.clone());
        let (kind, purpose) = (job.kind, job.purpose);
        if purpose == Purpose::Steering {
            let error = fault::describe(kind, cause, Some(&url));
            let fetch = if let Cause::Fetch(fetch) = cause { Some(fetch) } else { None };
            return self.steering_failed(id, fetch, error);
        }
        if let Purpose::Media(stream) = purpose {
            self.drop_partial(stream, bytes);
            self.rewind(stream);
        }
        let candidates = self.candidates_of(id);
        let rep = self.representation_of(purpose).filter(|_| !matches!(purpose, Purpose::Index(_)));
        let sources_left = self.other_sources(rep, &candidate.place);
        let Some(session) = self.session.as_ref() else { return };
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.failures += 1;
        if !job.tried.contains(&candidate.index) {
            job.tried.push(candidate.index);
        }
        let addresses_left = session.locations.left(&candidates, &job.tried, &candidate.place, self.now);
        let locations_left = addresses_left + sources_left;
        if session.locations.is_excluded(&candidate.place, self.now) && locations_left > 0 {
            // The location was reported when it was excluded; this request only left too early to know.
            self.jobs.wait(id, self.now, self.now);
            if addresses_left == 0 {
                self.jobs.remove(id, self.now);
                self.leave(&candidate.place);
            }
            return;
        }
        let (failures, last_delay) = (job.failures, job.last_delay);
        let class = FailureClass::of(cause);
        job.is_reachable |= class != FailureClass::Unreachable;
        // A first picture may stand on the screen while audio is still missing: that is no playback yet.
        let nothing_played = self.ledger.is_starting()
            || matches!(self.playback.state, State::Loading | State::Buffering(BufferingReason::Starting));
        let at_start = !job.is_reachable && nothing_played && !session.locations.has_loaded_media(&candidate.place);
        let policy = class.policy(&self.config.load_errors, at_start);
        let failure = Failure {
            kind,
            cause,
            failures,
            locations_left,
            representations_left: self.representations_left(purpose),
            policy,
            last_delay,
            deadline_left: self.deadline_left(id, class, policy),
        };
        let error = fault::describe(kind, cause, Some(&url));
        tracing::debug!(?kind, failures, %error, "request failed");
        let action = recovery::decide(&failure);
        if purpose == Purpose::Remote && action == Action::Fatal {
            // The rest of the manifest may do without it.
            self.warn(error);
            return self.remote_arrived(id, None);
        }
        let is_final = !matches!(action, Action::RetryAfter(_) | Action::OtherLocation { .. });
        if is_final && self.is_refresh(purpose) {
            // What is known stays.
            self.jobs.remove(id, self.now);
            return self.warn(error);
        }
        match action {
            Action::RetryAfter(delay) => self.retry(id, delay, &failure, &url, error),
            Action::OtherLocation { exclude_for } => {
                // Without another address of the same bytes, all that is beside them is read from elsewhere too.
                let least = if addresses_left == 0 { SOURCE_REST } else { Duration::ZERO };
                self.move_on(id, &candidates, &candidate, exclude_for.max(least), error);
                if addresses_left == 0 {
                    self.jobs.remove(id, self.now);
                }
                if !exclude_for.max(least).is_zero() {
                    self.leave(&candidate.place);
                }
            }
            Action::OtherRepresentation { exclude_for } => self.change_representation(id, purpose, exclude_for, error),
            Action::SkipSegment => self.skip_segment(id, purpose, error),
            Action::Fatal => {
                self.jobs.remove(id, self.now);
                match (purpose, kind) {
                    (Purpose::Media(stream), _) => self.stream_lost(stream, error),
                    (Purpose::Index(rep) | Purpose::Init(rep), _) => self.lost_representation(rep, error),
                    (Purpose::Manifest | Purpose::Remote | Purpose::Steering, _) => self.fail(error),
                    (Purpose::Key, _) => self.keys_failed(id, &error),
                }
            }
        }
    }

    fn candidates_of(&self, id: JobId) -> Vec<Candidate> {
        let (Some(session), Some(job)) = (self.session.as_ref(), self.jobs.get(id)) else { return Vec::new() };
        match job.purpose {
            Purpose::Manifest => session.locations.manifest_candidates(),
            Purpose::Remote
            | Purpose::Index(_)
            | Purpose::Init(_)
            | Purpose::Media(_)
            | Purpose::Steering
            | Purpose::Key => session.locations.candidates(&job.resource),
        }
    }

    /// What the next attempt at a segment brings is placed afresh.
    fn rewind(&mut self, id: StreamId) {
        let Some(stream) = self.session.as_mut().and_then(|session| session.stream_mut(id)) else { return };
        if let Activity::Media(fetching) = &mut stream.activity {
            fetching.seen = 0;
            fetching.early.clear();
            fetching.tail = None;
        }
    }

    fn retry(&mut self, id: JobId, delay: Duration, failure: &Failure<'_>, url: &Url, error: PlayerError) {
        // A damaged answer is asked for once more whatever the time it took.
        let deadline_left = failure.deadline_left.max(delay);
        let delay = match delay < failure.policy.longest_delay {
            true => self.jitter.stretch(delay).min(deadline_left),
            false => delay,
        };
        let retry = RetryState {
            host: url.origin().ascii_serialization(),
            error: error.clone().with_severity(Severity::Warning),
            delay,
            next_attempt_at: self.now + delay,
            gives_up_at: self.now + deadline_left,
        };
        self.jobs.schedule_retry(id, retry, self.now);
        self.warn(error);
    }

    /// The same bytes from elsewhere.
    fn move_on(
        &mut self,
        id: JobId,
        candidates: &[Candidate],
        failed: &Candidate,
        exclude_for: Duration,
        error: PlayerError,
    ) {
        self.jobs.wait(id, self.now, self.now);
        let at = self.position();
        let rep = self.jobs.get(id).map(|job| job.purpose).and_then(|purpose| self.representation_of(purpose));
        let Some(session) = self.session.as_mut() else { return };
        if !session.locations.exclude(&failed.place, exclude_for, self.now) {
            return self.warn(error);
        }
        session.failing_over = true;
        let tried = self.jobs.get(id).map(|job| job.tried.clone()).unwrap_or_default();
        let elsewhere = |next: &Candidate| next.place != failed.place;
        let next = session.locations.pick(candidates, &tried, self.now).filter(elsewhere).or_else(|| {
            let sources = session.indexes.get(&rep?).map(|read| session.locations.candidates(&read.source.resource))?;
            session.locations.pick(&sources, &[], self.now)
        });
        let from = session.locations.label(&failed.place);
        let to = next.map(|next| session.locations.label(&next.place)).unwrap_or_default();
        let reason = error.to_string();
        self.ledger.failover(Failover { at, from: from.clone(), to: to.clone(), reason: reason.clone() });
        self.emit(Event::Failover { at, from, to, reason });
        self.recall_from(&failed.place);
    }

    /// Requests to an excluded location whose answer has not begun are made elsewhere at once.
    fn recall_from(&mut self, place: &Location) {
        for id in self.jobs.ids() {
            let Some(job) = self.jobs.get(id) else { continue };
            let Some(attempt) = job.attempt() else { continue };
            let (fetch, waits) = (attempt.fetch, attempt.candidate.place == *place && attempt.began.is_none());
            if waits {
                self.outbox.push_back(Output::Cancel(fetch));
                self.jobs.wait(id, self.now, self.now);
            }
        }
    }

    fn change_representation(&mut self, id: JobId, purpose: Purpose, exclude_for: Duration, error: PlayerError) {
        self.jobs.remove(id, self.now);
        if let Some(rep) = self.representation_of(purpose) {
            self.exclude(rep, exclude_for);
        }
        self.warn(error);
    }

    /// Leaves a representation alone; streams that waited for it choose again.
    pub(super) fn exclude(&mut self, rep: RepKey, span: Duration) {
        let Some(session) = self.session.as_mut() else { return };
        session.exclusions.exclude(rep, span, self.now);
        for stream in &mut session.streams {
            let waits = match &stream.activity {
                Activity::Idle => false,
                Activity::Index(waited) => *waited == rep,
                Activity::Init { chosen, .. } | Activity::Key { chosen, .. } => chosen.rep == rep,
                Activity::Media(fetching) => fetching.chosen.rep == rep && self.jobs.get(fetching.job).is_none(),
            };
            if waits {
                stream.activity = Activity::Idle;
            }
        }
        if session.list_choices(self.now) {
            self.emit(Event::TracksChanged);
        }
    }

    fn skip_segment(&mut self, id: JobId, purpose: Purpose, error: PlayerError) {
        self.jobs.remove(id, self.now);
        let Purpose::Media(stream_id) = purpose else { return self.fail(error) };
        let Some(stream) = self.session.as_mut().and_then(|session| session.stream_mut(stream_id)) else { return };
        let chosen = stream.fetching().map(|fetching| fetching.chosen.clone());
        if let Some(chosen) = &chosen {
            stream.place = schedule::after(chosen.rep, &chosen.segment);
        }
        stream.activity = Activity::Idle;
        stream.trouble = None;
        stream.skipped += 1;
        let hopeless = stream.skipped >= MOST_SKIPPED;
        self.release_tail(stream_id);
        if let Some(session) = self.session.as_mut() {
            for kind in [MediaKind::Video, MediaKind::Audio] {
                if session.wanted_of(stream_id).has(kind)
                    && let Some(buffer) = session.buffer_mut(kind)
                {
                    buffer.complete();
                }
            }
            if let Some(chosen) = &chosen {
                let of = PartOf::new(chosen.rep, &chosen.segment, chosen.reason);
                session.settle(stream_id, of, chosen.segment.start, chosen.segment.end());
            }
        }
        if hopeless {
            let message = format!("{MOST_SKIPPED} segments in a row cannot be had; the last one: {}", error.message);
            let mut lost = PlayerError::fatal(ErrorCode::MediaUnavailable, message);
            lost.context = error.context;
            return self.stream_lost(stream_id, lost);
        }
        self.warn(error);
    }

    fn lost_representation(&mut self, rep: RepKey, error: PlayerError) {
        let kind =
            self.session.as_ref().and_then(|session| session.presentation.as_ref()?.set(rep.set).map(|set| set.kind));
        let stream = match kind {
            Some(MediaKind::Audio) => StreamId::Audio,
            Some(MediaKind::Text) => StreamId::Text,
            Some(MediaKind::Video) | None => StreamId::Main,
        };
        self.exclude(rep, Duration::MAX);
        self.stream_lost(stream, error);
    }

    /// Nothing of a stream can be had any more: subtitles and separate sound are done without, anything else is the
    /// end. A network that is gone is the end whoever notices it first.
    pub(super) fn stream_lost(&mut self, id: StreamId, error: PlayerError) {
        let network =
            matches!(error.code, ErrorCode::NetworkUnreachable | ErrorCode::NetworkTimeout | ErrorCode::TlsFailed);
        let main = self.session.as_ref().is_some_and(|session| session.stream(StreamId::Main).is_some());
        match id {
            StreamId::Text => {
                self.remove_stream(id);
                self.warn(error);
            }
            StreamId::Audio if main && !network => {
                self.do_without(MediaKind::Audio);
                self.warn(error);
            }
            StreamId::Main | StreamId::Audio => self.fail(error),
        }
    }

    /// Ends a stream.
    pub(super) fn remove_stream(&mut self, id: StreamId) {
        self.cancel_stream(id);
        let Some(session) = self.session.as_mut() else { return };
        session.streams.retain(|stream| stream.id != id);
        if id == StreamId::Text && session.text.clear() {
            self.outbox.push_back(Output::Event(Event::CuesChanged));
        }
        if session.list_choices(self.now) {
            self.emit(Event::TracksChanged);
        }
    }

    fn representation_of(&self, purpose: Purpose) -> Option<RepKey> {
        match purpose {
            Purpose::Manifest | Purpose::Remote | Purpose::Steering | Purpose::Key => None,
            Purpose::Index(rep) | Purpose::Init(rep) => Some(rep),
            Purpose::Media(id) => self.session.as_ref()?.stream(id)?.fetching().map(|fetching| fetching.chosen.rep),
        }
    }

    /// How many other representations of the same set are fit to take over now.
    fn representations_left(&self, purpose: Purpose) -> usize {
        self.representation_of(purpose).map_or(0, |rep| self.others_left(rep))
    }

    /// How many other representations of the set of this one are fit to take over now.
    pub(super) fn others_left(&self, rep: RepKey) -> usize {
        let Some(session) = self.session.as_ref() else { return 0 };
        let Some(presentation) = session.presentation.as_ref() else { return 0 };
        let quality = &QualityChoice::Auto;
        let bounds = Bounds {
            now: self.now,
            exclusions: &session.exclusions,
            quality,
            audio_group: None,
            keys: &session.keys,
            output: session.output,
        };
        let others = select::permitted(presentation, rep.set, bounds);
        others.iter().filter(|key| **key != rep && !session.exclusions.holds(**key, self.now)).count()
    }

    /// Returns what is left of the total time that a job may cost. While there is media to play, the time of a host
    /// that is silent or cannot be reached counts from the end of that media: nothing else could be done meanwhile.
    fn deadline_left(&self, id: JobId, class: FailureClass, policy: RetryPolicy) -> Duration {
        let Some(job) = self.jobs.get(id) else { return Duration::ZERO };
        let deadline = policy.deadline.unwrap_or(self.config.retry_deadline);
        let session = self.session.as_ref();
        let mut since = match job.purpose {
            Purpose::Media(stream) => session
                .and_then(|session| session.stream(stream))
                .and_then(|stream| stream.trouble)
                .map_or(job.since, |trouble| trouble.since),
            // A busy server is asked for one representation after another: the time of the segment counts, not of each.
            Purpose::Init(rep) if matches!(class, FailureClass::Busy(_)) => {
                let waiting = session
                    .into_iter()
                    .flat_map(|session| &session.streams)
                    .filter(|stream| matches!(&stream.activity, Activity::Init { chosen, .. } if chosen.rep == rep));
                let since = waiting.filter_map(|stream| stream.trouble).map(|trouble| trouble.since).min();
                since.unwrap_or(job.since).min(job.since)
            }
            Purpose::Manifest
            | Purpose::Remote
            | Purpose::Steering
            | Purpose::Index(_)
            | Purpose::Init(_)
            | Purpose::Key => job.since,
        };
        let waits = matches!(class, FailureClass::Unreachable | FailureClass::Silent);
        if waits && matches!(job.kind, FetchKind::Segment | FetchKind::Init) {
            if matches!(self.playback.state, State::Buffering(_)) {
                // What is held is too little to go on with, however long it waits.
                since = since.max(self.playback.state_since);
            } else {
                let ahead = session.and_then(|session| session.ahead(&self.presented_kinds(), self.position()));
                if let Some(ahead) = ahead.filter(|ahead| *ahead > IMMINENT) {
                    return ahead + deadline;
                }
            }
        }
        deadline.saturating_sub(self.now.since(since))
    }
}
