//! From a load request to streams: the manifest is fetched and read, tracks are chosen, and streams begin.

use std::sync::Arc;

use bytes::Bytes;
use url::Url;

use super::Engine;
use super::accounting::Departure;
use super::fault;
use super::io::{FetchKind, Ingest, Output};
use super::pathways;
use super::playback::Playback;
use super::recovery::Cause;
use super::refresh::{self, Contradictions};
use super::request::{JobId, Purpose};
use super::schedule;
use super::select;
use super::session::{IncompleteManifest, Session, kind_of};
use super::stats::Ledger;
use super::stream::{Place, RepKey, Stream, StreamId};
use crate::command::{LoadRequest, SeekMode};
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::manifest::{self, ManifestWarning, RemoteElements};
use crate::model::{Changes, MediaKind, Presentation, PresentationKind, Resource, ThumbnailSpan};
use crate::render::RenderCommand;
use crate::snapshot::State;
use crate::time::{MediaTime, Now, WallClock, WallClockMapping};

/// A wall clock that shows an earlier time was never set: 2020-01-01T00:00:00Z.
const EARLIEST_CLOCK: WallClock = WallClock::from_unix_nanos(1_577_836_800_000_000_000);

impl Engine {
    /// Begins a session.
    pub(super) fn load(&mut self, request: &LoadRequest) {
        self.unload();
        self.ledger = Ledger::new(self.now);
        self.session = Some(Session::new(request, self.config.output_protection));
        self.playback = Playback {
            feed: std::mem::take(&mut self.playback.feed),
            play_when_ready: request.play_when_ready,
            ..Playback::default()
        };
        self.playback.await_first(self.now);
        self.playback.clock.set_rate(self.settings.rate, self.now);
        self.playback.begin_at(request.start.unwrap_or_default(), SeekMode::Exact, self.now);
        self.render(RenderCommand::SetPlaying(false));
        self.render(RenderCommand::SetRate(self.settings.rate));
        self.render(RenderCommand::SetVolume { volume: self.settings.volume, muted: self.settings.muted });
        self.set_state(State::Loading);
        let resource = Resource { urls: request.locations.clone(), range: None };
        self.jobs.add(self.now, Purpose::Manifest, FetchKind::Manifest, resource, Ingest::Body);
    }

    /// Ends a session without a word: what is on its way is called back, and the renderer lets go. True when there
    /// was one.
    pub(super) fn unload(&mut self) -> bool {
        self.cancel_all();
        self.timers.clear();
        self.pending.forget();
        let frames = self.ledger.frame_counts();
        let session = self.session.take();
        if let Some(mut session) = session.as_ref().map(|session| session.video.account().clone()) {
            session.close(frames, true);
            self.ledger.close_account(session.counts());
        }
        let had = session.is_some();
        if had {
            self.render(RenderCommand::Stop);
        }
        self.playback.forget();
        had
    }

    /// Playback ends by an error, once.
    pub(super) fn fail(&mut self, error: PlayerError) {
        if matches!(self.playback.state, State::Failed | State::Idle) {
            return;
        }
        self.end_stall();
        self.cancel_all();
        self.timers.clear();
        self.pending.forget();
        if let Some(session) = self.session.as_mut() {
            session.streams.clear();
        }
        self.playback.flush_unanswered = None;
        self.playback.clock.hold(self.playback.clock.position(self.now), self.now);
        self.playback.told_playing = false;
        self.playback.error = Some(error.clone());
        self.render(RenderCommand::Stop);
        self.set_state(State::Failed);
        self.emit(Event::Failed { error });
    }

    /// The manifest came. Parts of it that lie in other files are fetched before it is read.
    pub(super) fn manifest_arrived(&mut self, job: JobId, body: &Bytes, url: &Url) {
        let missing = match manifest::missing(body, url, &RemoteElements::default()) {
            Ok(missing) => missing,
            Err(error) => return self.request_failed(job, Cause::Manifest(&error)),
        };
        if missing.is_empty() {
            return self.read_manifest(Some(job), body, url, &RemoteElements::default());
        }
        let place = self.jobs.get(job).and_then(|job| job.attempt()).map(|attempt| attempt.candidate.place.clone());
        self.jobs.remove(job, self.now);
        let Some(session) = self.session.as_mut() else { return };
        if let Some(place) = place {
            session.locations.manifest_came_from(&place, url);
        }
        session.incomplete = Some(IncompleteManifest::new(body.clone(), url.clone()));
        self.want_remote(missing);
    }

    fn want_remote(&mut self, missing: Vec<Url>) {
        for url in missing {
            self.jobs.add(self.now, Purpose::Remote, FetchKind::Manifest, Resource::new(url), Ingest::Body);
        }
    }

    /// A part of the manifest came, or cannot be had.
    pub(super) fn remote_arrived(&mut self, job: JobId, body: Option<Bytes>) {
        let Some(done) = self.jobs.remove(job, self.now) else { return };
        let Some(session) = self.session.as_mut() else { return };
        let Some(incomplete) = session.incomplete.as_mut() else { return };
        for url in done.resource.urls {
            incomplete.remotes.insert(url, body.clone());
        }
        if self.jobs.of_purpose(Purpose::Remote).is_some() {
            return;
        }
        let Some(incomplete) = session.incomplete.take() else { return };
        let missing = manifest::missing(&incomplete.body, &incomplete.url, &incomplete.remotes).unwrap_or_default();
        if missing.is_empty() {
            self.read_manifest(None, &incomplete.body, &incomplete.url, &incomplete.remotes);
        } else {
            session.incomplete = Some(incomplete);
            self.want_remote(missing);
        }
    }

    fn read_manifest(&mut self, job: Option<JobId>, body: &[u8], url: &Url, remotes: &RemoteElements) {
        let parsed = match manifest::parse_with(body, url, None, remotes) {
            Ok(parsed) => parsed,
            Err(error) => {
                return match job {
                    Some(job) => self.request_failed(job, Cause::Manifest(&error)),
                    None => {
                        self.manifest_lost(fault::describe(FetchKind::Manifest, Cause::Manifest(&error), Some(url)))
                    }
                };
            }
        };
        let place = job.and_then(|job| self.jobs.get(job)?.attempt()).map(|attempt| attempt.candidate.place.clone());
        if let Some(job) = job {
            self.jobs.remove(job, self.now);
        }
        let Some(session) = self.session.as_mut() else { return };
        if let Some(place) = place {
            session.locations.manifest_came_from(&place, url);
        }
        let is_refresh = session.presentation.is_some();
        self.ledger.phase("manifest", self.now);
        self.warn_about(parsed.warnings, Stage::Manifest, url);
        match parsed.presentation.kind {
            PresentationKind::OnDemand if is_refresh => self.replace_presentation(parsed.presentation, url),
            PresentationKind::OnDemand => self.presentation_known(parsed.presentation),
            PresentationKind::Live => {
                self.manifest_lost(PlayerError::unsupported("live playback").at(Stage::Manifest).with_url(url));
            }
        }
    }

    /// Announces what was read around in a manifest or an index.
    pub(super) fn warn_about(&mut self, warnings: Vec<ManifestWarning>, stage: Stage, url: &Url) {
        for warning in warnings {
            let error = PlayerError::warning(ErrorCode::ManifestMalformed, warning.message).at(stage).with_url(url);
            self.warn(match warning.line {
                Some(line) => error.with_line(line),
                None => error,
            });
        }
    }

    fn presentation_known(&mut self, presentation: Presentation) {
        let Some(session) = self.session.as_mut() else { return };
        let (protocol, kind) = (presentation.protocol, presentation.kind);
        session.duration = schedule::duration(&presentation);
        let duration = session.duration;
        let authored = presentation.start.map(|start| match duration {
            Some(duration) if start < MediaTime::ZERO => start + duration,
            _ => start,
        });
        // Counted from an end that is not known yet.
        session.authored_start = authored.filter(|start| *start < MediaTime::ZERO);
        let start = session.clamp(session.start.or(authored).unwrap_or_default());
        session.metadata.seek(start);
        session.locations.weigh(&presentation.weights, &mut self.jitter);
        session.thumbnails = Arc::new(ThumbnailSpan::all(&presentation));
        let metadata = presentation.metadata.clone();
        let mut presentation = session.identities.intern(presentation);
        presentation.place_availability(self.wall_clock);
        session.presentation = Some(presentation);
        self.preload_keys();
        self.choose_captions();
        let Some(session) = self.session.as_mut() else { return };
        for id in [StreamId::Main, StreamId::Audio, StreamId::Text] {
            add_stream(session, id, start);
        }
        session.list_choices(self.now);
        self.begin_steering();
        let Some(session) = self.session.as_ref() else { return };
        let playable = session.streams.iter().any(|stream| stream.id != StreamId::Text);
        let mode = self.pending.seek.wish().map_or(SeekMode::Exact, |seek| seek.mode);
        self.playback.begin_at(start, mode, self.now);
        let is_chosen = |session: &&mut Session| session.start.is_some() || authored.is_some();
        if let Some(session) = self.session.as_mut().filter(is_chosen) {
            session.video.account_mut().move_playhead();
        }
        self.emit(Event::Loaded { protocol, kind, duration });
        self.emit(Event::TracksChanged);
        if duration.is_some() {
            self.emit(Event::TimelineChanged);
        }
        self.warn_of_availability();
        self.begin_at_seek(start);
        self.know_metadata(metadata, Stage::Manifest);
        if !playable {
            let error = PlayerError::fatal(ErrorCode::ManifestEmpty, "the stream has neither pictures nor sound");
            self.fail(error.at(Stage::Manifest));
        }
    }
}

impl Engine {
    /// The host has read its clocks.
    pub(super) fn set_wall_clock(&mut self, now: Now, utc: WallClock) {
        if utc < EARLIEST_CLOCK {
            return;
        }
        self.wall_clock = Some(WallClockMapping::new(now, utc));
        let Some(session) = self.session.as_mut() else { return };
        let Some(presentation) = session.presentation.as_mut() else { return };
        let before = presentation.available_at();
        presentation.place_availability(self.wall_clock);
        let after = presentation.available_at();
        // Streams that wait for it wait for the time that it is now.
        for stream in session.streams.iter_mut().filter(|stream| before.is_some() && stream.hold_until == before) {
            stream.hold_until = after;
        }
    }

    /// Says why nothing is fetched, if a presentation is not available yet.
    fn warn_of_availability(&mut self) {
        let presentation = self.session.as_ref().and_then(|session| session.presentation.as_ref());
        let at = presentation.and_then(|known| known.available_at()).filter(|at| *at > self.now);
        if let Some(at) = at {
            let message = format!("the presentation becomes available in {} s", at.since(self.now).as_secs());
            self.warn(PlayerError::warning(ErrorCode::MediaUnavailable, message).at(Stage::Manifest));
        }
    }

    /// Fetches the manifest again.
    pub(super) fn refresh(&mut self) {
        let is_under_way = |purpose| self.jobs.of_purpose(purpose).is_some();
        if is_under_way(Purpose::Manifest) || is_under_way(Purpose::Remote) || self.playback.state == State::Failed {
            return;
        }
        let Some(session) = self.session.as_ref().filter(|session| session.presentation.is_some()) else { return };
        let urls = session.locations.manifest_candidates().into_iter().map(|candidate| candidate.url).collect();
        let resource = Resource { urls, range: None };
        self.jobs.add(self.now, Purpose::Manifest, FetchKind::Manifest, resource, Ingest::Body);
    }

    /// Returns true if a job only renews what is known: playback goes on without it.
    pub(super) fn is_refresh(&self, purpose: Purpose) -> bool {
        let presentation = self.session.as_ref().and_then(|session| session.presentation.as_ref());
        match purpose {
            Purpose::Manifest | Purpose::Remote => presentation.is_some(),
            Purpose::Index(rep) => presentation.is_some_and(|known| schedule::known_list(known, rep).is_some()),
            Purpose::Init(_) | Purpose::Media(_) | Purpose::Steering | Purpose::Key => false,
        }
    }

    /// There is no manifest: playback ends, unless one is known.
    fn manifest_lost(&mut self, error: PlayerError) {
        match self.is_refresh(Purpose::Manifest) {
            true => self.warn(error),
            false => self.fail(error),
        }
    }

    /// The manifest was read again.
    fn replace_presentation(&mut self, presentation: Presentation, url: &Url) {
        let Some(session) = self.session.as_mut() else { return };
        let replaced = refresh::replace(session, presentation);
        if let Some(presentation) = session.presentation.as_mut() {
            presentation.place_availability(self.wall_clock);
        }
        for (clone, base) in session.clones.clone() {
            pathways::add_addresses(session, &clone, &base);
        }
        if replaced.is_steering_changed {
            self.renew_steering();
        }
        for rep in replaced.released {
            self.drop_index_request(rep);
        }
        self.warn_of(replaced.contradictions, Stage::Manifest, url);
        self.know_metadata(replaced.metadata, Stage::Manifest);
        self.choose_captions();
        let now = self.now;
        if self.session.as_mut().is_some_and(|session| session.list_choices(now)) {
            self.emit(Event::TracksChanged);
        }
        if replaced.is_duration_changed {
            self.emit(Event::TimelineChanged);
        }
        for rep in replaced.indexes {
            self.renew_index(rep);
        }
    }

    /// Calls back the request for an index that nothing waits for.
    fn drop_index_request(&mut self, rep: RepKey) {
        let job = self.jobs.of_purpose(Purpose::Index(rep));
        let attempt = job.and_then(|job| self.jobs.remove(job, self.now)?.attempt().map(|attempt| attempt.fetch));
        if let Some(fetch) = attempt {
            self.outbox.push_back(Output::Cancel(fetch));
        }
    }

    /// Reads an index again that is known.
    fn renew_index(&mut self, rep: RepKey) {
        let read = self.session.as_ref().and_then(|session| session.indexes.get(&rep));
        let Some(source) = read.map(|read| read.source.clone()) else { return };
        if self.jobs.of_purpose(Purpose::Index(rep)).is_none() {
            self.jobs.add(self.now, Purpose::Index(rep), FetchKind::Index, source.first_request(), Ingest::Body);
        }
    }

    /// Says what a newer state of a list contradicts.
    pub(super) fn warn_of_changes(&mut self, changes: Changes, url: &Url) {
        let mut contradictions = Contradictions::default();
        contradictions.add(changes);
        self.warn_of(contradictions, Stage::Index, url);
    }

    fn warn_of(&mut self, contradictions: Contradictions, stage: Stage, url: &Url) {
        if let Some(message) = contradictions.message() {
            self.warn(PlayerError::warning(ErrorCode::ManifestMalformed, message).at(stage).with_url(url));
        }
    }
}

/// Begins a stream when some period has a set for it.
pub(super) fn add_stream(session: &mut Session, id: StreamId, at: MediaTime) {
    let Some(presentation) = &session.presentation else { return };
    let kind = kind_of(id);
    if kind == MediaKind::Text && session.captions.chosen().is_some() {
        return;
    }
    let chosen = presentation.periods.iter().find_map(|period| {
        let set = select::set_of(period, kind, &session.wishes, |_| false)?;
        period.adaptation_sets.get(set).map(|set| set.id.clone())
    });
    let Some(track) = chosen else { return };
    let place = Place::At { period: schedule::period_at(presentation, at), time: at };
    let mut stream = Stream::new(id, track, place);
    if kind != MediaKind::Video {
        // A set of sound or text carries nothing else that is wanted of it.
        stream.carries = Some(crate::model::ContentKinds::only(kind));
    }
    session.streams.push(stream);
    for kind in [MediaKind::Video, MediaKind::Audio] {
        // Nothing is held of what a new stream brings: its answers count from here.
        if let Some(buffer) = session.buffer_mut(kind).filter(|buffer| buffer.end().is_none()) {
            buffer.restart(at, Departure::Void);
        }
    }
    session.streams.sort_by_key(|stream| stream.id);
}

impl Engine {
    /// Calls back every request.
    pub(super) fn cancel_all(&mut self) {
        for id in self.jobs.ids() {
            if let Some(job) = self.jobs.remove(id, self.now)
                && let Some(attempt) = job.attempt()
            {
                self.outbox.push_back(Output::Cancel(attempt.fetch));
            }
        }
    }
}
