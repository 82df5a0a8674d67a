//! Takes the answers of the network. Each is matched with the job that waits for it; an answer without a job is
//! ignored.

use bytes::Bytes;
use url::Url;

use super::Session;
use super::outcome::StreamOutcome;
use super::refresh;
use crate::container::{self, DemuxError, DemuxOutput, MediaClock};
use crate::drm::DrmError;
use crate::engine::context::{self, Context};
use crate::engine::download::{Activity, Stream};
use crate::engine::ids::{RepKey, StreamId};
use crate::engine::io::{FetchError, FetchId, FetchKind, FetchOutcome, Ingest};
use crate::engine::requests::recovery::Cause;
use crate::engine::requests::{JobId, Purpose};
use crate::engine::selection;
use crate::error::Stage;
use crate::event::Event;
use crate::manifest::IndexReading;
use crate::model::{IndexFormat, Resource, SegmentEncryption};
use crate::time::{MediaTime, Now};

impl Session {
    /// Takes the output of the demuxer of a request.
    pub(in crate::engine) fn on_fetch_media(&mut self, cx: &mut Context, id: FetchId, output: DemuxOutput) {
        let Some(job) = cx.jobs.of_fetch(id) else { return };
        cx.jobs.received(job, 0, cx.now);
        if let Some(Purpose::Media(stream)) = cx.jobs.get(job).map(|job| job.purpose) {
            self.on_media(cx, stream, output);
        }
    }

    /// Takes the beginning of an answer. If it does not continue the request that it should, its samples begin anew.
    pub(in crate::engine) fn on_fetch_started(&mut self, cx: &mut Context, job: JobId, resumed: bool) {
        if let Some(Purpose::Media(stream)) = cx.jobs.get(job).map(|job| job.purpose)
            && !resumed
        {
            self.drop_earlier(cx, stream);
        }
    }

    /// Takes the end of a request. `is_kept` is true if the host keeps it, so that another one can continue it.
    pub(in crate::engine) fn on_fetch_ended(
        &mut self,
        cx: &mut Context,
        job: JobId,
        outcome: FetchOutcome,
        is_kept: bool,
    ) {
        let outcome = match outcome {
            FetchOutcome::Failed { bytes, error } => {
                context::count_bytes(cx, job, bytes);
                let cause = Cause::Fetch(&error);
                if is_kept { self.on_interruption(cx, job, cause) } else { self.on_failure(cx, job, cause) }
            }
            FetchOutcome::Complete { bytes, body } => {
                context::count_bytes(cx, job, bytes);
                self.completed(cx, job, bytes, &body)
            }
            FetchOutcome::Keys { bytes, keys } => {
                context::count_bytes(cx, job, bytes);
                cx.jobs.credit_location(job, self.source.locations_mut(), cx.now, false);
                if cx.jobs.get(job).is_some_and(|job| job.purpose == Purpose::Key) {
                    cx.jobs.remove(job, cx.now);
                    self.keys.arrived(job, &keys);
                }
                StreamOutcome::Waiting
            }
        };
        self.carry_out(cx, outcome);
    }

    fn completed(&mut self, cx: &mut Context, job: JobId, bytes: u64, body: &Bytes) -> StreamOutcome {
        let measured = cx.jobs.measure(job, cx.now);
        let Some(found) = cx.jobs.get(job) else { return StreamOutcome::Waiting };
        let Some(attempt) = found.attempt() else { return StreamOutcome::Waiting };
        let (purpose, url) = (found.purpose, attempt.url.clone());
        let sent = attempt.sent;
        if !matches!(purpose, Purpose::Steering | Purpose::Time(_)) {
            cx.jobs.credit_location(job, self.source.locations_mut(), cx.now, matches!(purpose, Purpose::Media(_)));
        }
        match purpose {
            Purpose::Manifest => refresh::on_manifest(self, cx, job, body, &url),
            Purpose::Remote => refresh::on_remote(self, cx, job, Some(body)),
            Purpose::Steering => self.on_steering(cx, job, body, &url),
            Purpose::Time(source) => self.on_time(cx, job, source, body),
            Purpose::Index(rep) => return self.on_index_read(cx, job, rep, body, &url),
            Purpose::Init(rep) => {
                context::learn(cx, measured, bytes);
                return self.on_init_read(cx, job, rep, body);
            }
            Purpose::Key => {
                let error = FetchError::Key(DrmError::KeyMalformed("a body in place of keys".to_owned()));
                return self.on_failure(cx, job, Cause::Fetch(&error));
            }
            Purpose::Media(id) => {
                context::learn(cx, measured, bytes);
                return self.on_segment_complete(cx, job, id, bytes, sent);
            }
        }
        StreamOutcome::Waiting
    }

    /// Takes an index or a piece of one: a media playlist (RFC 8216bis §4.4.3), or a segment index box, whose levels
    /// may lie in several places of the file (ISO/IEC 14496-12 §8.16.3).
    ///
    /// A complete index is merged with its former state: segments keep their names, and nothing is fetched twice.
    /// Metadata is moved by the same amount as the segments, or events of a playlist whose beginning was removed would
    /// begin too early. The location of the index is noted, because the addresses in it lead there: if that location
    /// fails, the index is read again from another. The duration may become known here, and with it a start that counts
    /// from the end.
    fn on_index_read(&mut self, cx: &mut Context, job: JobId, rep: RepKey, body: &Bytes, url: &Url) -> StreamOutcome {
        let Some(index) = self.source.index_source(rep).cloned() else {
            cx.jobs.remove(job, cx.now);
            return StreamOutcome::Waiting;
        };
        let range = cx.jobs.get(job).and_then(|job| job.resource.range);
        let parsed = match self.source.read_index(rep, &index, range, body, url) {
            Ok(IndexReading::Known(parsed)) => parsed,
            Ok(IndexReading::More(range)) => {
                cx.jobs.remove(job, cx.now);
                let resource = Resource { range: Some(range), ..index.resource };
                cx.jobs.add(cx.now, Purpose::Index(rep), FetchKind::Index, resource, Ingest::Body);
                return StreamOutcome::Waiting;
            }
            Err(error) => return self.on_failure(cx, job, Cause::Manifest(&error)),
        };
        let attempt = cx.jobs.remove(job, cx.now).and_then(|job| job.attempt().cloned());
        let asked_at = attempt.as_ref().map_or(cx.now, |attempt| attempt.sent);
        let place = attempt.map(|attempt| attempt.candidate);
        cx.ledger.phase("index", cx.now);
        cx.effects.warn_about(parsed.warnings, Stage::Index, url);
        let is_growing = parsed.growth.is_some();
        let taken = self.source.merge_index(rep, parsed.segments, parsed.epoch.filter(|_| is_growing));
        if taken.changes.agreement.is_refused() {
            self.on_playlist_refused(cx, rep, taken.changes.agreement, url);
            return StreamOutcome::Waiting;
        }
        if let Some(growth) = &parsed.growth {
            self.remove_date_ranges(cx, &growth.removed_date_ranges);
        }
        let mut metadata = parsed.metadata;
        metadata.iter_mut().for_each(|metadata| metadata.start = metadata.start.shifted(taken.shift));
        refresh::warn_of_changes(cx, taken.changes, url);
        self.add_metadata(cx, metadata, Stage::Index);
        let is_playlist = index.format == IndexFormat::HlsMediaPlaylist;
        if let Some(from) = place {
            self.source.note_index(rep, index, from, url);
        }
        self.source.learn_epoch(parsed.epoch);
        if is_playlist {
            self.source.note_playlist(rep, parsed.growth.map(|growth| *growth), asked_at, cx.now);
            self.source.place_availability(cx.utc.mapping());
            self.check_hint(cx, rep);
        }
        for stream in &mut self.streams {
            stream.on_index(rep);
        }
        if taken.is_duration_changed {
            cx.effects.emit(Event::TimelineChanged);
            self.clamp_start(cx);
        }
        if is_growing {
            self.source.note_live_start(parsed.start);
            self.place_at_edge(cx);
        } else {
            self.begin_at_declared_start(cx, parsed.start);
        }
        StreamOutcome::Waiting
    }

    /// Moves playback to the start that the author declared (`EXT-X-START`, RFC 8216bis §4.4.2.2), once the duration is
    /// known: negative values count from the end. The manifest's start precedes that of the first index. It counts only
    /// before anything is presented, and only if the viewer chose no other start.
    fn begin_at_declared_start(&mut self, cx: &mut Context, index: Option<MediaTime>) {
        let untouched = !cx.playback.feed().is_flushed() && cx.playback.start().at == MediaTime::ZERO;
        let Some(at) = self.source.resolve_start(index, untouched) else { return };
        self.video.account_mut().move_playhead();
        let mode = cx.playback.start().mode;
        self.reposition(cx, at, mode);
    }

    /// The length has become known: a start beyond it moves to the end.
    fn clamp_start(&mut self, cx: &mut Context) {
        let start = cx.playback.start();
        let clamped = self.clamp(cx, start.at);
        if clamped < start.at && !cx.playback.feed().is_flushed() {
            cx.playback.move_seek(clamped);
            self.reposition(cx, clamped, start.mode);
        }
    }

    fn on_init_read(&mut self, cx: &mut Context, job: JobId, rep: RepKey, body: &Bytes) -> StreamOutcome {
        let init = match container::read_init(body.clone()) {
            // The program tables of a transport stream tell no track yet.
            Ok(init) if !init.tracks.is_empty() || init.clock == MediaClock::Mpeg => init,
            Ok(_) => {
                let error = FetchError::Demux(DemuxError::NoInit);
                return self.on_failure(cx, job, Cause::Fetch(&error));
            }
            Err(error) => {
                let error = FetchError::Demux(error);
                return self.on_failure(cx, job, Cause::Fetch(&error));
            }
        };
        cx.ledger.phase("init", cx.now);
        let Some(done) = cx.jobs.remove(job, cx.now) else { return StreamOutcome::Waiting };
        let encryption = self.encryption_at(rep, &done.resource);
        if let Some(info) = container::protection_of(body) {
            self.keys.on_protection(encryption.as_ref(), &info, &mut cx.jobs, cx.now);
        }
        let keys = encryption.map(|found| found.init).unwrap_or_default();
        self.source.keep_init(done.resource, keys, init);
        StreamOutcome::Waiting
    }

    /// Returns the encryption of the segment that waits for initialisation data.
    pub(super) fn encryption_at(&self, rep: RepKey, init: &Resource) -> Option<SegmentEncryption> {
        let waits = |stream: &Stream| match stream.activity() {
            Activity::Init { plan, resource } if resource == init => plan.segment.encryption.clone(),
            _ => None,
        };
        self.streams.iter().filter(|stream| stream.last() == Some(rep)).find_map(waits)
    }

    /// Takes the end of a segment's download: its range counts as settled, and the stream goes on after it.
    ///
    /// A segment without samples is a failure: it is requested again and then skipped with a warning, so that missing
    /// media is never passed in silence. It is no failure if its pictures only wait for parameter sets that the segment
    /// after it may have: transport streams may be cut anywhere (`docs/adr/0007`). That is accepted until a segment had
    /// to be given up, or a stream without any parameter sets would be fetched to its end without a picture. Samples
    /// held back at the end are kept for the segment after it, and presented at once if none continues this one.
    fn on_segment_complete(
        &mut self,
        cx: &mut Context,
        job: JobId,
        id: StreamId,
        bytes: u64,
        sent: Now,
    ) -> StreamOutcome {
        self.place_early(cx, id);
        let Some(download) = self.stream(id).and_then(|stream| stream.download()).cloned() else {
            return StreamOutcome::Waiting;
        };
        // Pictures may wait for their parameter sets until they are given up once.
        let may_wait = self.stream(id).is_some_and(|stream| stream.skipped() == 0);
        let waits = may_wait && download.tail().is_some_and(|tail| tail.waiting > 0);
        let (bytes, elapsed) = (bytes + download.earlier_bytes(), cx.now.since(download.since(sent)));
        let is_empty = download.seen() == 0 && id != StreamId::Text;
        // A muxer may cut parts by its clock, whatever it has by then.
        let is_part = download.plan().segment.part.is_some();
        if is_empty && !is_part && !(waits && self.is_continued(cx, download.plan())) {
            return self.on_failure(cx, job, Cause::NoSamples);
        }
        cx.jobs.remove(job, cx.now);
        self.place_metadata(cx, id, true);
        let segment = &download.plan().segment;
        self.complete_segment(id, download.plan());
        if id == StreamId::Text {
            self.text.segment_loaded(segment.start, segment.end());
        }
        self.source.locations_mut().end_failover();
        self.keep_tail(cx, id, &download);
        let found = selection::representation(self.source.presentation(), download.plan().rep);
        let (name, bitrate) =
            found.map_or((String::new(), 0), |rep| (rep.id.clone(), rep.average_bandwidth.unwrap_or(rep.bandwidth)));
        if let Some(stream) = self.stream_mut(id) {
            stream.complete_download(!is_empty);
        }
        if self.asks_rule(id) {
            cx.ledger.segment(bitrate, segment.duration);
        }
        cx.effects.emit(Event::SegmentLoaded {
            kind: id.kind(),
            representation: name,
            start: segment.start,
            bytes,
            elapsed,
        });
        StreamOutcome::Waiting
    }
}

#[cfg(test)]
#[path = "on_fetch_tests.rs"]
mod tests;
