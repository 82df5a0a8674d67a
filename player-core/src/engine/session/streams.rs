//! The step that fetches: serves the streams in the order of the schedule, and sends what is due. Which stream, which
//! segment, whether and from where are answered by `schedule`, `load_control`, `rule` and `locations`.

use std::sync::Arc;
use std::time::Duration;

use super::Session;
use super::outcome::StreamOutcome;
use super::rule::Selection;
use crate::container::{DemuxSetup, InitSegment};
use crate::drm::SegmentCipher;
use crate::engine::buffer::{BUFFERED, Cursor, Departure, TrackBuffer};
use crate::engine::context::{self, Context};
use crate::engine::download::schedule::{self, Step};
use crate::engine::download::{self, Activity, NextSegment, SegmentDownload, SegmentPlan, Stream};
use crate::engine::ids::{PartOf, PeriodKey, RepKey, SetKey, StreamId};
use crate::engine::io::{FetchKind, Ingest};
use crate::engine::licence::{KeyState, Needs};
use crate::engine::requests::{Job, Purpose};
use crate::engine::selection;
use crate::error::Stage;
use crate::model::{ContainerFormat, Resource, SegmentId, SegmentIndex, SegmentRef, TimestampMapping};
use crate::snapshot::State;
use crate::time::{MediaTime, Now};

/// Minimum of media ahead with which it is worth waiting for the index of a better quality.
const PATIENCE: Duration = Duration::from_secs(6);
/// Time for which a representation is excluded because its next segment cannot be decrypted: later segments may be
/// clear.
const LOCK_EXCLUSION: Duration = Duration::from_secs(20);

/// A part that is announced may come this much later than others: its encoder may be silent.
const HINT_PATIENCE: Duration = Duration::from_secs(20);

/// Replacement for a segment that is declared as a gap.
enum GapAlternative {
    /// No representation has the segment.
    Missing,
    /// An index must be read before that is known.
    Unknown,
    /// This rung of the ladder has the segment.
    Other(usize, Box<SegmentRef>),
}

impl Session {
    /// Serves every stream in the order of urgency, until each waits for something.
    pub(in crate::engine) fn fetch(&mut self, cx: &mut Context) {
        if cx.playback.state() == State::Failed || !self.is_placed() {
            return;
        }
        for id in schedule::order(self.streams.iter()) {
            loop {
                let outcome = self.step_stream(cx, id);
                if !self.carry_out(cx, outcome) {
                    break;
                }
            }
        }
    }

    /// Takes one step of one stream. A step that advances passes a segment, a period or a representation for good, so
    /// that serving a stream until it waits comes to an end.
    ///
    /// A stream whose key or initialisation data has come goes on with the segment that was decided on: to decide again
    /// could choose another representation each time, and fetch keys and initialisation data without ever fetching
    /// media. An idle stream is asked the cheap questions first: is there a next place, is its pause over, is there
    /// room, must audio wait for video, has the period a set for it, is that set exhausted. Only then is the adaptive
    /// rule asked, which counts on one question a segment.
    fn step_stream(&mut self, cx: &mut Context, id: StreamId) -> StreamOutcome {
        let Some(stream) = self.stream(id) else { return StreamOutcome::Waiting };
        match stream.activity() {
            Activity::Media(_) | Activity::Index(_) => return StreamOutcome::Waiting,
            Activity::Key { plan, key } => {
                if matches!(self.keys.state(*key), Some(KeyState::Asked(_))) {
                    return StreamOutcome::Waiting;
                }
                let plan = plan.as_ref().clone();
                return self.prepare(cx, id, plan);
            }
            Activity::Init { plan, resource } => {
                let keys = plan.segment.init_keys();
                if self.source.init(resource, &keys).is_none() {
                    return StreamOutcome::Waiting;
                }
                let plan = plan.as_ref().clone();
                return self.prepare(cx, id, plan);
            }
            Activity::Idle => {}
        }
        let (place, last) = (stream.place(), stream.last());
        let Some(period) = schedule::period_of(place) else { return StreamOutcome::Waiting };
        if stream.hold_until().is_some_and(|until| until > cx.now) || !self.wants_more(cx, id) {
            return StreamOutcome::Waiting;
        }
        if self.yields(cx, id) {
            return StreamOutcome::Waiting;
        }
        if self.waits_for_main(cx, id, period) {
            self.prefetch_audio_index(cx, period);
            return StreamOutcome::Waiting;
        }
        let Some(set) = self.set_in(id, period) else { return self.pass_period(cx, id, period) };
        let last_step = last
            .filter(|last| last.period == period && self.source.presentation().known_list(*last).is_some())
            .map(|last| (last, schedule::step(self.source.presentation(), place, last, cx.now)));
        match last_step {
            Some((_, Step::Exhausted)) => return self.pass_period(cx, id, period),
            Some((last, Step::AwaitUpdate)) if !self.selection.exclusions().holds(last, cx.now) => {
                self.with_stream(id, |stream| stream.await_update(last));
                return StreamOutcome::Waiting;
            }
            Some((last, Step::Segment(segment))) if is_within(&segment, place) => {
                // Another representation can take over at the beginning of a segment only.
                if let Some(picked) = self.stay_within(cx, id, set, last) {
                    return self.plan_segment(cx, id, picked, *segment);
                }
            }
            Some(_) | None => {}
        }
        let picked = match self.pick(cx, id, period, set) {
            Ok(picked) => picked,
            Err(error) if error.context.stage == Some(Stage::Licence) => {
                return StreamOutcome::EndsHere { id, period, error };
            }
            Err(error) => return StreamOutcome::Lost { id, error },
        };
        if let (Some(wait), Some(stream)) = (picked.wait, self.stream_mut(id)) {
            stream.hold(cx.now + wait);
            return StreamOutcome::Waiting;
        }
        self.follow(cx, id, place, picked, last)
    }

    /// Stays with the representation of the last part, because the next one belongs to the same segment. `None` if that
    /// is not permitted any more.
    fn stay_within(&self, cx: &Context, id: StreamId, set: SetKey, last: RepKey) -> Option<Selection> {
        let keys = self.permitted(cx, id, set, None);
        let rung = keys.iter().position(|key| *key == last)?;
        let ladder = Arc::new(selection::ladder(self.source.presentation(), keys, self.selection.output()));
        let rung = ladder.keys.iter().position(|key| *key == last).unwrap_or(rung);
        Some(Selection { rep: last, reason: abr::Reason::Hold, ladder, rung, wait: None })
    }

    /// Does what the chosen representation needs next.
    fn follow(
        &mut self,
        cx: &mut Context,
        id: StreamId,
        place: NextSegment,
        mut picked: Selection,
        last: Option<RepKey>,
    ) -> StreamOutcome {
        let mut step = schedule::step(self.source.presentation(), place, picked.rep, cx.now);
        if matches!(step, Step::Index(_) | Step::AwaitUpdate) {
            if step == Step::AwaitUpdate {
                self.with_stream(id, |stream| stream.await_update(picked.rep));
            } else {
                self.want_index(cx, picked.rep);
            }
            let stay = last.filter(|last| self.may_stay(cx, id, *last, &picked));
            let Some(stay) = stay else {
                if step != Step::AwaitUpdate {
                    self.with_stream(id, |stream| stream.await_index(picked.rep));
                }
                return StreamOutcome::Waiting;
            };
            picked.reason = abr::Reason::Hold;
            picked.rung = picked.ladder.keys.iter().position(|key| *key == stay).unwrap_or(picked.rung);
            picked.rep = stay;
            step = schedule::step(self.source.presentation(), place, stay, cx.now);
        }
        match step {
            Step::Index(_) | Step::AwaitUpdate => StreamOutcome::Waiting,
            Step::WaitUntil(at) => {
                if let Some(stream) = self.stream_mut(id) {
                    stream.hold(at);
                }
                StreamOutcome::Waiting
            }
            Step::Exhausted => self.pass_period(cx, id, picked.rep.period),
            Step::Segment(segment) => self.plan_segment(cx, id, picked, *segment),
        }
    }

    /// Decides on the next segment of a stream and begins its download, or passes it.
    ///
    /// Passed without a request are segments that the manifest declares as missing (`EXT-X-GAP`, RFC 8216bis §4.4.4.7)
    /// and that no other representation has, and subtitles that were read before. Their range counts as settled:
    /// otherwise playback would wait there for media that never comes. Audio waits for the video of a new
    /// discontinuity, which places both on the timeline. Video of another audio group drops audio that was fetched to
    /// go with the former video (§4.4.6.2.1). The keys of the representation are requested here, before the segment, so
    /// that its samples wait for them as briefly as possible.
    pub(super) fn plan_segment(
        &mut self,
        cx: &mut Context,
        id: StreamId,
        picked: Selection,
        segment: SegmentRef,
    ) -> StreamOutcome {
        let known = id == StreamId::Text && self.text.has_segment(segment.start);
        if segment.gap && !known {
            match self.find_gap_alternative(cx, id, &picked) {
                GapAlternative::Missing => {}
                GapAlternative::Unknown => return StreamOutcome::Waiting,
                GapAlternative::Other(rung, found) => {
                    let rep = picked.ladder.keys.get(rung).copied().unwrap_or(picked.rep);
                    return self.plan_segment(
                        cx,
                        id,
                        Selection { rep, rung, reason: abr::Reason::Hold, ..picked },
                        *found,
                    );
                }
            }
        }
        if segment.gap || known {
            self.release_tail(cx, id);
            self.mark_resolved(id, PartOf::new(picked.rep, &segment, picked.reason), segment.start, segment.end());
            if let Some(stream) = self.stream_mut(id) {
                stream.advance_past(picked.rep, &segment);
            }
            return StreamOutcome::Advanced;
        }
        if id == StreamId::Audio && self.waits_for_pictures(&segment) {
            self.prefetch_init(cx, id, picked.rep, &segment);
            return StreamOutcome::Waiting;
        }
        if id == StreamId::Main {
            self.drop_unpaired_sound(cx, picked.rep, segment.start);
        }
        // An HLS list whose beginning was removed no longer begins with the first discontinuity. A live one has none.
        let opening = !self.source.is_live()
            && match segment.mapping {
                TimestampMapping::Discontinuity(number) => number == 0,
                TimestampMapping::Offset(_) => self
                    .source
                    .presentation()
                    .known_list(picked.rep)
                    .and_then(|list| list.get(0))
                    .is_some_and(|first| first.mapping == segment.mapping),
            };
        let Selection { rep, reason, ladder, rung, .. } = picked;
        let window = download::window(self.source.presentation(), rep, &segment);
        let plan = SegmentPlan { rep, segment, reason, ladder, rung, opening, window };
        if let Some(stream) = self.stream_mut(id) {
            stream.decide_on(rep, cx.now);
        }
        if let Some(found) = selection::representation(self.source.presentation(), rep) {
            self.keys.request_keys_of(found, &mut cx.jobs, cx.now);
        }
        self.prepare(cx, id, plan)
    }

    /// Fetches a segment, or first what it needs: its key, and its initialisation data with the key to that. If it can
    /// never be decrypted, another representation takes over or the stream ends.
    fn prepare(&mut self, cx: &mut Context, id: StreamId, plan: SegmentPlan) -> StreamOutcome {
        let (rep, encryption) = (plan.rep, plan.segment.encryption.clone());
        let media = self.keys.media_needs(encryption.as_ref(), &mut cx.jobs, cx.now);
        let known = |resource: &Resource| self.source.init(resource, &plan.segment.init_keys()).cloned();
        let init = plan.segment.init.as_ref().map(|resource| (resource.clone(), known(resource)));
        let needs = match (&init, media) {
            (_, Err(error)) => Err(error),
            (Some((_, None)), Ok(_)) => self.keys.init_needs(encryption.as_ref(), &mut cx.jobs, cx.now),
            (None | Some((_, Some(_))), Ok(needs)) => Ok(needs),
        };
        match (needs, init) {
            (Err(error), _) => {
                self.with_stream(id, Stream::stop);
                return self.lock_out(cx, id, rep, LOCK_EXCLUSION, error);
            }
            (Ok(Needs::Key(key)), _) => self.with_stream(id, |stream| stream.await_key(plan, key)),
            (Ok(Needs::Nothing(cipher)), Some((resource, None))) => {
                self.want_init(cx, rep, &resource, cipher);
                self.with_stream(id, |stream| stream.await_init(plan, resource));
            }
            (Ok(Needs::Nothing(cipher)), init) => {
                self.start_media(cx, id, plan, init.and_then(|(_, init)| init), cipher)
            }
        }
        StreamOutcome::Waiting
    }

    /// Who has what this representation announces as missing (RFC 8216bis §6.3.3): the next lower ones are asked
    /// first. An index that is not here yet is waited for.
    fn find_gap_alternative(&mut self, cx: &mut Context, id: StreamId, picked: &Selection) -> GapAlternative {
        let presentation = self.source.presentation();
        let Some(stream) = self.stream(id) else { return GapAlternative::Missing };
        for rung in (0..picked.rung).rev().chain(picked.rung + 1..picked.ladder.keys.len()) {
            let Some(rep) = picked.ladder.keys.get(rung).copied() else { continue };
            if self.selection.exclusions().holds(rep, cx.now)
                || !schedule::is_aligned(presentation, stream.place(), rep)
            {
                continue;
            }
            match schedule::step(presentation, stream.place(), rep, cx.now) {
                // Parts before the gap are no replacement for it.
                Step::Segment(found) if !found.gap && schedule::goes_on(stream.place(), &found) => {
                    return GapAlternative::Other(rung, found);
                }
                Step::Segment(_) | Step::WaitUntil(_) | Step::AwaitUpdate | Step::Exhausted => {}
                Step::Index(_) => {
                    self.want_index(cx, rep);
                    self.with_stream(id, |stream| stream.await_index(rep));
                    return GapAlternative::Unknown;
                }
            }
        }
        GapAlternative::Missing
    }

    /// Returns true if audio must wait for the video of its discontinuity, which is on its way. The video places the
    /// discontinuity, because its first picture lies where the playlist declares it, while encoders may put silence
    /// before audio.
    fn waits_for_pictures(&self, segment: &SegmentRef) -> bool {
        let Some(main) = self.main() else { return false };
        self.timeline.known(segment.mapping).is_none()
            && schedule::comes_to(self.source.presentation(), main, segment.mapping, segment.start)
    }

    /// Starts the download of a segment whose key and initialisation data are here.
    ///
    /// The demuxer begins with the state that the segment before left, if this one continues it (`docs/adr/0007`).
    /// Samples of transport streams and packed audio get the one key that the manifest names, because the media names
    /// none (RFC 8216bis §4.4.4.4, `SAMPLE-AES`). `cipher`, for a segment that is encrypted as a whole, belongs to the
    /// job, so that each attempt decrypts from the first byte. Captions are read from the main stream only, and not if
    /// the manifest declares that there are none (§4.4.6.2, `CLOSED-CAPTIONS=NONE`). A further request for the same
    /// segment counts as a retry, whichever representation it is for.
    fn start_media(
        &mut self,
        cx: &mut Context,
        id: StreamId,
        plan: SegmentPlan,
        init: Option<Arc<InitSegment>>,
        cipher: Option<SegmentCipher>,
    ) {
        let sample_key = self.keys.sample_key(plan.segment.encryption.as_ref());
        let carried = self.carried_state(cx, id, &plan);
        let begins_at = self.carried_begin(id, &plan).unwrap_or(plan.segment.start);
        let format = selection::representation(self.source.presentation(), plan.rep)
            .map_or(ContainerFormat::Unknown, |rep| rep.format);
        let kind = if id == StreamId::Text { FetchKind::Text } else { FetchKind::Segment };
        let period = self.source.presentation().period(plan.rep.period);
        let captions = id == StreamId::Main && period.is_none_or(|period| !period.no_captions);
        let keeps_tail = id != StreamId::Text;
        let setup = DemuxSetup { captions, sample_key, carried, keeps_tail, ..DemuxSetup::new(format, init.clone()) };
        let ingest = Ingest::Media(setup);
        let job = cx.jobs.add(cx.now, Purpose::Media(id), kind, plan.segment.resource.clone(), ingest);
        cx.jobs.set_cipher(job, cipher);
        let is_hinted = plan.segment.part.is_some_and(|part| part.is_hinted);
        if is_hinted {
            cx.jobs.set_patience(job, HINT_PATIENCE);
        }
        if is_hinted || self.is_chunked(plan.rep) {
            cx.jobs.set_paced(job);
        }
        if self.stream_mut(id).is_some_and(Stream::count_request) {
            cx.jobs.repeat(job);
        }
        if let Some(init) = &init {
            super::ingest::note_carried(self, id, init);
        }
        let download = SegmentDownload::new(job, plan, init, begins_at);
        self.with_stream(id, |stream| stream.start_download(download));
    }

    /// Fetches an index unless it is on its way.
    pub(in crate::engine) fn want_index(&mut self, cx: &mut Context, rep: RepKey) {
        if cx.jobs.of_purpose(Purpose::Index(rep)).is_some() {
            return;
        }
        let found = selection::representation(self.source.presentation(), rep).map(|found| &found.index);
        if let Some(SegmentIndex::External(source)) = found {
            let resource = self.source.first_playlist_request(rep, source);
            cx.jobs.add(cx.now, Purpose::Index(rep), FetchKind::Index, resource, Ingest::Body);
        }
    }

    /// Fetches initialisation data unless it is on its way.
    fn want_init(&mut self, cx: &mut Context, rep: RepKey, resource: &Resource, cipher: Option<SegmentCipher>) {
        let same =
            |job: &Job| matches!(job.purpose, Purpose::Init(_)) && job.resource == *resource && job.cipher == cipher;
        if cx.jobs.find(same).is_none() {
            let job = cx.jobs.add(cx.now, Purpose::Init(rep), FetchKind::Init, resource.clone(), Ingest::Body);
            cx.jobs.set_cipher(job, cipher);
        }
    }

    /// Fetches the initialisation data of a clear segment that is not requested yet, so that the segment need not wait for
    /// it; once, because nothing that fails before it is needed is recovered. That of an encrypted one is fetched with its
    /// segment, which has the keys.
    fn prefetch_init(&mut self, cx: &mut Context, id: StreamId, rep: RepKey, segment: &SegmentRef) {
        let Some(resource) = segment.init.as_ref().filter(|_| segment.encryption.is_none()) else { return };
        if self.source.init(resource, &segment.init_keys()).is_none()
            && self.stream_mut(id).is_some_and(|stream| stream.note_prefetched(resource))
        {
            self.want_init(cx, rep, resource, None);
        }
    }

    /// Returns true if the stream goes on with its last representation while the index of the chosen one is fetched. It
    /// does not if the choice goes down, because waiting is cheaper than a large segment, nor with enough media ahead
    /// to wait.
    fn may_stay(&self, cx: &Context, id: StreamId, last: RepKey, picked: &Selection) -> bool {
        let presentation = self.source.presentation();
        let rung = picked.ladder.keys.iter().position(|key| *key == last);
        let Some(stream) = self.stream(id) else { return false };
        rung.is_some_and(|rung| rung < picked.rung)
            && presentation.known_list(last).is_some()
            && stream.fetched_until().since(self.position(cx)) < PATIENCE
    }

    /// The stream has no more of a period: its next one begins.
    pub(super) fn pass_period(&mut self, cx: &mut Context, id: StreamId, period: PeriodKey) -> StreamOutcome {
        self.release_tail(cx, id);
        let presentation = self.source.presentation();
        let next = schedule::next_period(presentation, period);
        if let NextSegment::At { time, .. } = next {
            self.mark_resolved(id, PartOf::nothing(period), time, time);
        }
        if let Some(stream) = self.stream_mut(id) {
            stream.enter_period(next);
        }
        StreamOutcome::Advanced
    }

    fn wants_more(&self, cx: &Context, id: StreamId) -> bool {
        let Some(stream) = self.stream(id) else { return false };
        let position = self.position(cx);
        match id {
            // Text lies in no run: what counts is how far it was asked for.
            StreamId::Text => cx.load_control().wants(stream.fetched_until().since(position), 0),
            StreamId::Main | StreamId::Audio => {
                let presentable = self.presentable_end(&self.presented_kinds(cx), position);
                let ahead = self.buffered_ahead(id, position, presentable);
                cx.load_control().wants(ahead, self.taken_bytes(cx))
            }
        }
    }

    /// Returns the media that a stream has ahead of `position`, where media can be presented up to `presentable`. A gap does
    /// not count, because playback can only jump it once there is media after it.
    fn buffered_ahead(&self, id: StreamId, position: MediaTime, presentable: MediaTime) -> Duration {
        if self.stream(id).is_some_and(|stream| stream.carries().is_none()) {
            // Only segments that were given up, so far.
            return Duration::ZERO;
        }
        let held = self.held_until(id).unwrap_or(position);
        held.min(presentable).since(position)
    }

    /// Returns the time at which a full stream will have room, if nothing but playback has to happen for that. Under a
    /// renderer that stands still no time brings room: its next report does.
    pub(in crate::engine) fn next_room(&self, cx: &Context) -> Option<Now> {
        if !cx.playback.clock().moves_at(cx.now) {
            return None;
        }
        let mut idle = StreamId::MEDIA.into_iter().filter(|id| self.may_be_full(*id)).peekable();
        idle.peek()?;
        let (position, control) = (self.position(cx), cx.load_control());
        let presentable = self.presentable_end(&self.presented_kinds(cx), position);
        let ahead = idle.map(|id| self.buffered_ahead(id, position, presentable));
        let taken = self.taken_bytes(cx);
        let full = ahead.filter(|ahead| !control.wants(*ahead, taken));
        let wait = full.filter_map(|ahead| control.until_room(ahead)).min()?;
        Some(cx.now + cx.playback.clock().wall(wait))
    }

    /// True when a stream waits for nothing but room.
    pub(in crate::engine) fn is_full(&self, cx: &Context, id: StreamId) -> bool {
        self.may_be_full(id) && !self.wants_more(cx, id)
    }

    fn may_be_full(&self, id: StreamId) -> bool {
        self.stream(id).is_some_and(|stream| stream.is_idle() && stream.place() != NextSegment::End)
    }

    /// Moves a stream by one of its verbs, unless it is gone.
    pub(super) fn with_stream(&mut self, id: StreamId, verb: impl FnOnce(&mut Stream)) {
        if let Some(stream) = self.stream_mut(id) {
            verb(stream);
        }
    }

    /// True when samples of the segment on its way were handed to the renderer.
    pub(in crate::engine) fn is_committed(&self, cx: &Context, id: StreamId) -> bool {
        let Some(download) = self.stream(id).and_then(|stream| stream.download()) else { return false };
        BUFFERED.into_iter().any(|kind| {
            let open = self
                .buffer(kind)
                .and_then(|buffer| buffer.back())
                .filter(|part| !part.complete && part.of.key() == Some(download.plan().key()));
            let handed = self.committed(cx, kind);
            open.zip(handed).is_some_and(|(part, at)| at.seq > part.seq || (at.seq == part.seq && at.index > 0))
        })
    }

    /// Cancels the download of a stream, and drops the part of it that was not handed to the renderer.
    pub(in crate::engine) fn cancel_stream(&mut self, cx: &mut Context, id: StreamId) {
        let download = self.stream(id).and_then(|s| s.download().cloned());
        if let Some(download) = download {
            let measured = cx.jobs.measure(download.job(), cx.now);
            if let Some(job) = cx.jobs.remove(download.job(), cx.now) {
                job.fetches().for_each(|fetch| cx.effects.cancel(fetch));
                if let Some(attempt) = job.attempt() {
                    context::learn(cx, measured, attempt.bytes);
                }
                if job.attempt().is_some() || download.earlier_bytes() > 0 {
                    self.drop_partial(cx, id, job.attempt().map_or(0, |attempt| attempt.bytes));
                }
            }
        }
        self.with_stream(id, Stream::stop);
    }

    /// Drops the samples of a failed attempt of `bytes`, and of those that it continued, that were not handed to the
    /// renderer. Counts their other bytes as wasted.
    pub(in crate::engine) fn drop_partial(&mut self, cx: &mut Context, id: StreamId, bytes: u64) {
        self.end_partial(cx, id, bytes, |buffer, committed| {
            buffer.interrupt(committed);
        });
    }

    /// Keeps the samples of a failed attempt of `bytes`, and of those that it continued: the segment is given up, and this
    /// is all of it that comes. Counts their other bytes as wasted.
    pub(in crate::engine) fn settle_partial(&mut self, cx: &mut Context, id: StreamId, bytes: u64) {
        self.end_partial(cx, id, bytes, |buffer, _| buffer.account_mut().end_attempt());
    }

    fn end_partial(
        &mut self,
        cx: &mut Context,
        id: StreamId,
        bytes: u64,
        end: impl Fn(&mut TrackBuffer, Option<Cursor>),
    ) {
        let download = self.stream_mut(id).and_then(Stream::download_mut);
        let Some(download) = download else { return cx.ledger.wasted(bytes) };
        let (key, bytes) = (download.plan().key(), bytes + download.take_earlier());
        let (mut kept, wanted) = (0, self.wanted_of(id));
        for kind in BUFFERED {
            let committed = self.committed(cx, kind);
            // Its bytes in the buffer, whether they are still wanted or not.
            let brought = |buffer: &TrackBuffer| {
                buffer.back().filter(|part| !part.complete && part.of.key() == Some(key)).map(|part| part.bytes)
            };
            let Some(buffer) = self.buffer_mut(kind) else { continue };
            if brought(buffer).is_some() {
                end(buffer, committed);
                kept += brought(buffer).unwrap_or(0);
            } else if wanted.has(kind) {
                buffer.account_mut().void_attempt();
            }
        }
        cx.ledger.wasted(bytes.saturating_sub(kept));
    }

    /// Sends a stream to a time with nothing in hand.
    pub(in crate::engine) fn restart_stream(
        &mut self,
        cx: &mut Context,
        id: StreamId,
        time: MediaTime,
        departure: Departure,
    ) {
        self.cancel_stream(cx, id);
        let wanted = self.wanted_of(id);
        for kind in BUFFERED {
            if let Some(buffer) = self.buffer_mut(kind).filter(|_| wanted.has(kind)) {
                cx.ledger.wasted(buffer.restart(time, departure));
            }
        }
        self.send_stream_to(id, time);
        if id == StreamId::Main {
            self.drop_captions(cx);
        }
    }
}

/// Returns true for a part that continues the segment of the one before it.
fn is_within(segment: &SegmentRef, place: NextSegment) -> bool {
    match (segment.id, place) {
        (
            SegmentId::Part { sequence, .. },
            NextSegment::After { segment: SegmentId::Part { sequence: last, .. }, .. },
        ) => sequence == last,
        _ => false,
    }
}

#[cfg(test)]
#[path = "streams_tests.rs"]
mod tests;
