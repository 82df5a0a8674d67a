//! What the network answers. Every answer is matched with the job that waits for it; one that nobody waits for is
//! ignored.

use bytes::Bytes;
use url::Url;

use super::Engine;
use super::fault;
use super::io::{FetchError, FetchId, FetchKind, FetchOutcome, Ingest, RangeNotice, ResponseHead};
use super::pathways::ReadIndex;
use super::recovery::Cause;
use super::request::{JobId, Measured, Purpose};
use super::schedule;
use super::select;
use super::stream::{Activity, RepKey, Stream, StreamId};
use crate::container::{self, DemuxError, DemuxOutput, MediaClock};
use crate::drm::DrmError;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::manifest::{self, IndexPiece, IndexReading, ManifestError};
use crate::model::{Resource, SegmentEncryption, SegmentIndex};
use crate::snapshot::State;
use crate::time::MediaTime;

impl Engine {
    pub(super) fn fetch_started(&mut self, id: FetchId, head: ResponseHead) {
        let Some(job) = self.jobs.of_fetch(id) else { return };
        self.jobs.began(job, head.url, head.content_length, self.now);
        if head.range_ignored {
            self.fetch_notice(id, RangeNotice::Ignored);
        }
    }

    /// A byte range was served oddly. Habits of a server are reported once a session, missing bytes every time.
    pub(super) fn fetch_notice(&mut self, id: FetchId, notice: RangeNotice) {
        let Some(job) = self.jobs.of_fetch(id).and_then(|job| self.jobs.get(job)) else { return };
        let Some(attempt) = job.attempt() else { return };
        let (stage, url) = (fault::stage(job.kind), attempt.url.clone());
        let Some(session) = self.session.as_mut() else { return };
        let error = match notice {
            RangeNotice::Ignored if !std::mem::replace(&mut session.ranges_ignored, true) => {
                PlayerError::warning(ErrorCode::RangeIgnored, "the server ignored the range; the host slices")
            }
            RangeNotice::Unlabelled if !std::mem::replace(&mut session.ranges_unlabelled, true) => {
                let message = "the server does not say which part it sends; it is taken for the one asked for";
                PlayerError::warning(ErrorCode::RangeIgnored, message)
            }
            RangeNotice::Ignored | RangeNotice::Unlabelled => return,
            RangeNotice::PastEnd { received } => {
                let message = format!("the file ends before the range does: only {received} bytes of it exist");
                PlayerError::warning(ErrorCode::RangePastEnd, message)
            }
        };
        self.warn(error.at(stage).with_url(&url));
    }

    pub(super) fn fetch_progress(&mut self, id: FetchId, bytes: u64) {
        let Some(job) = self.jobs.of_fetch(id) else { return };
        self.count_bytes(job, bytes);
        self.judge_running();
    }

    pub(super) fn fetch_media(&mut self, id: FetchId, output: DemuxOutput) {
        let Some(job) = self.jobs.of_fetch(id) else { return };
        self.jobs.received(job, 0, self.now);
        if let Some(Purpose::Media(stream)) = self.jobs.get(job).map(|job| job.purpose) {
            self.take_media(stream, output);
        }
    }

    pub(super) fn fetch_ended(&mut self, id: FetchId, outcome: FetchOutcome) {
        let Some(job) = self.jobs.of_fetch(id) else { return };
        match outcome {
            FetchOutcome::Failed { bytes, error } => {
                self.count_bytes(job, bytes);
                self.request_failed(job, Cause::Fetch(&error));
            }
            FetchOutcome::Complete { bytes, body } => {
                self.count_bytes(job, bytes);
                self.completed(job, bytes, &body);
            }
            FetchOutcome::Keys { bytes, keys } => {
                self.count_bytes(job, bytes);
                self.served(job, false);
                if self.jobs.get(job).is_some_and(|job| job.purpose == Purpose::Key) {
                    self.keys_arrived(job, &keys);
                }
            }
        }
    }

    /// The location that a request went to works.
    fn served(&mut self, job: JobId, with_media: bool) {
        let place = self.jobs.get(job).and_then(|job| job.attempt()).map(|attempt| attempt.candidate.place.clone());
        if let (Some(place), Some(session)) = (place, self.session.as_mut()) {
            session.locations.served(&place, self.now);
            if with_media {
                session.locations.record_media(&place);
            }
        }
    }

    fn completed(&mut self, job: JobId, bytes: u64, body: &Bytes) {
        let measured = self.jobs.measure(job, self.now);
        let Some(found) = self.jobs.get(job) else { return };
        let Some(attempt) = found.attempt() else { return };
        let (purpose, url) = (found.purpose, attempt.url.clone());
        let sent = attempt.sent;
        if purpose != Purpose::Steering {
            self.served(job, matches!(purpose, Purpose::Media(_)));
        }
        match purpose {
            Purpose::Manifest => self.manifest_arrived(job, body, &url),
            Purpose::Steering => self.steering_arrived(job, body, &url),
            Purpose::Remote => self.remote_arrived(job, Some(body.clone())),
            Purpose::Index(rep) => self.index_arrived(job, rep, body, &url),
            Purpose::Init(rep) => {
                self.learn(measured, bytes);
                self.init_arrived(job, rep, body);
            }
            Purpose::Key => {
                let error = FetchError::Key(DrmError::KeyMalformed("a body in place of keys".to_owned()));
                self.request_failed(job, Cause::Fetch(&error));
            }
            Purpose::Media(id) => {
                self.learn(measured, bytes);
                let elapsed = self.now.since(sent);
                self.segment_arrived(job, id, bytes, elapsed);
            }
        }
    }

    fn index_arrived(&mut self, job: JobId, rep: RepKey, body: &Bytes, url: &Url) {
        let session = self.session.as_ref();
        let presentation = session.and_then(|session| session.presentation.as_ref());
        let source = match presentation.and_then(|known| select::representation(known, rep)).map(|rep| &rep.index) {
            Some(SegmentIndex::External(source)) => Some(source.clone()),
            // A newer state of one that is known.
            Some(SegmentIndex::Known(_)) => {
                session.and_then(|session| session.indexes.get(&rep)).map(|read| read.source.clone())
            }
            None => None,
        };
        let Some(source) = source else {
            self.jobs.remove(job, self.now);
            return;
        };
        let range = self.jobs.get(job).and_then(|job| job.resource.range);
        let Some(session) = self.session.as_mut() else { return };
        let mut pieces = session.index_pieces.remove(&rep).unwrap_or_default();
        pieces.push(IndexPiece::new(range, body.clone()));
        let reading = match manifest::read_index(&pieces, &source, url) {
            Ok(IndexReading::Known(parsed)) if parsed.segments.is_empty() => {
                Err(ManifestError::Empty { message: "the index has no segments".to_owned() })
            }
            reading => reading,
        };
        let parsed = match reading {
            Ok(IndexReading::Known(parsed)) => parsed,
            Ok(IndexReading::More(range)) => {
                session.index_pieces.insert(rep, pieces);
                self.jobs.remove(job, self.now);
                let resource = Resource { range: Some(range), ..source.resource };
                self.jobs.add(self.now, Purpose::Index(rep), FetchKind::Index, resource, Ingest::Body);
                return;
            }
            Err(error) => {
                // What came before may be whole: only the last piece is fetched again.
                pieces.pop();
                session.index_pieces.insert(rep, pieces);
                return self.request_failed(job, Cause::Manifest(&error));
            }
        };
        let place = self.jobs.remove(job, self.now).and_then(|job| Some(job.attempt()?.candidate.clone()));
        if parsed.live {
            return self.fail(PlayerError::unsupported("live playback").at(Stage::Index).with_url(url));
        }
        self.ledger.phase("index", self.now);
        self.warn_about(parsed.warnings, Stage::Index, url);
        let Some(session) = self.session.as_mut() else { return };
        let taken = session.take_index(rep, parsed.segments);
        let mut metadata = parsed.metadata;
        metadata.iter_mut().for_each(|metadata| metadata.start = metadata.start.shifted(taken.shift));
        self.warn_of_changes(taken.changes, url);
        self.know_metadata(metadata, Stage::Index);
        let Some(session) = self.session.as_mut() else { return };
        if let Some(from) = place {
            session.locations.redirected(&from, url);
            session.indexes.insert(rep, ReadIndex { source, place: from.place });
        }
        if let Some(presentation) = session.presentation.as_mut() {
            presentation.learn_epoch(parsed.epoch);
        }
        for stream in &mut session.streams {
            if matches!(stream.activity, Activity::Index(waited) if waited == rep) {
                stream.activity = Activity::Idle;
            }
        }
        if taken.is_duration_changed {
            self.emit(Event::TimelineChanged);
            self.clamp_start();
        }
        self.begin_where_told(parsed.start);
    }

    /// The author's beginning, once the length is known: that of the manifest, else that of the first index. It
    /// counts before anything is presented, and only when nobody chose another.
    fn begin_where_told(&mut self, index: Option<MediaTime>) {
        let untouched = !self.playback.feed.is_flushed() && self.playback.start.at == MediaTime::ZERO;
        let Some(session) = self.session.as_mut() else { return };
        let Some(duration) = session.duration else { return };
        let told = session.authored_start.take().or(index).filter(|_| untouched && session.start.is_none());
        let Some(told) = told else { return };
        let at = if told < MediaTime::ZERO { told + duration } else { told };
        let at = session.clamp(at);
        session.start = Some(at);
        session.video.account_mut().move_playhead();
        let mode = self.playback.start.mode;
        self.reposition(at, mode);
    }

    /// The length has become known: a start beyond it moves to the end.
    fn clamp_start(&mut self) {
        let Some(session) = self.session.as_ref() else { return };
        let start = self.playback.start;
        let clamped = session.clamp(start.at);
        if clamped < start.at && !self.playback.feed.is_flushed() {
            if let Some(seek) = self.playback.seek.as_mut() {
                seek.to = clamped;
            }
            self.reposition(clamped, start.mode);
        }
    }

    fn init_arrived(&mut self, job: JobId, rep: RepKey, body: &Bytes) {
        let init = match container::read_init(body.clone()) {
            // The program tables of a transport stream tell no track yet.
            Ok(init) if !init.tracks.is_empty() || init.clock == MediaClock::Mpeg => init,
            Ok(_) => {
                let error = FetchError::Demux(DemuxError::NoInit);
                return self.request_failed(job, Cause::Fetch(&error));
            }
            Err(error) => {
                let error = FetchError::Demux(error);
                return self.request_failed(job, Cause::Fetch(&error));
            }
        };
        self.ledger.phase("init", self.now);
        let Some(done) = self.jobs.remove(job, self.now) else { return };
        let encryption = self.encryption_at(rep, &done.resource);
        if let Some(info) = container::protection_of(body) {
            self.protection_told(encryption.as_ref(), &info);
        }
        let keys = encryption.map(|found| found.init).unwrap_or_default();
        if let Some(session) = self.session.as_mut() {
            session.inits.push((done.resource, keys, std::sync::Arc::new(init)));
        }
    }

    /// How the segment is encrypted that waits for initialisation data.
    fn encryption_at(&self, rep: RepKey, init: &Resource) -> Option<SegmentEncryption> {
        let session = self.session.as_ref()?;
        let waits = |stream: &Stream| match &stream.activity {
            Activity::Init { chosen, resource } if resource == init => chosen.segment.encryption.clone(),
            _ => None,
        };
        session.streams.iter().filter(|stream| stream.last == Some(rep)).find_map(waits)
    }

    fn segment_arrived(&mut self, job: JobId, id: StreamId, bytes: u64, elapsed: std::time::Duration) {
        self.place_early(id);
        let Some(session) = self.session.as_mut() else { return };
        let Some(fetching) = session.stream(id).and_then(|stream| stream.fetching()).cloned() else { return };
        // Pictures may wait for their parameter sets until they are given up once.
        let may_wait = session.stream(id).is_some_and(|stream| stream.skipped == 0);
        let waits = may_wait && fetching.tail.as_ref().is_some_and(|tail| tail.waiting > 0);
        let is_empty = fetching.seen == 0 && id != StreamId::Text;
        if is_empty && !(waits && self.is_continued(&fetching.chosen)) {
            return self.request_failed(job, Cause::NoSamples);
        }
        self.jobs.remove(job, self.now);
        self.place_metadata(id, true);
        let Some(session) = self.session.as_mut() else { return };
        let segment = &fetching.chosen.segment;
        session.complete_segment(id, &fetching.chosen);
        if id == StreamId::Text {
            session.text.segment_loaded(segment.start, segment.end());
        }
        session.failing_over = false;
        self.keep_tail(id, &fetching);
        let Some(session) = self.session.as_mut() else { return };
        let found = session.presentation.as_ref().and_then(|p| select::representation(p, fetching.chosen.rep));
        let (name, bitrate) =
            found.map_or((String::new(), 0), |rep| (rep.id.clone(), rep.average_bandwidth.unwrap_or(rep.bandwidth)));
        if let Some(stream) = session.stream_mut(id) {
            stream.place = schedule::after(fetching.chosen.rep, segment);
            stream.activity = Activity::Idle;
            stream.trouble = None;
            // Segments whose pictures wait for parameter sets are no progress yet.
            stream.skipped = if is_empty { stream.skipped } else { 0 };
        }
        if self.asks_rule(id) {
            self.ledger.segment(bitrate, segment.duration);
        }
        self.emit(Event::SegmentLoaded {
            kind: super::session::kind_of(id),
            representation: name,
            start: segment.start,
            bytes,
            elapsed,
        });
    }

    /// The rule learns of a transfer.
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

    fn count_bytes(&mut self, job: JobId, bytes: u64) {
        let new = self.jobs.received(job, bytes, self.now);
        if let Some(kind) = self.jobs.get(job).map(|job| job.kind) {
            self.ledger.received(kind, new);
        }
    }

    /// Requests that their host has forgotten are given up: the second line behind the host's own time limits.
    pub(super) fn give_up_silent_requests(&mut self) {
        for (job, started) in self.jobs.silent(&self.config, self.now) {
            if let Some(fetch) = self.jobs.get(job).and_then(|job| job.attempt()).map(|attempt| attempt.fetch) {
                self.outbox.push_back(super::io::Output::Cancel(fetch));
                self.request_failed(job, Cause::Fetch(&FetchError::Timeout { started }));
            }
        }
        if self.playback.state != State::Failed {
            self.judge_running();
        }
    }
}
