//! The step that fetches: serves the streams in the order of the schedule, and sends what is due. Which stream, which
//! segment, whether and from where are answered by `schedule`, `load_control`, `adapting` and `locations`.

use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::accounting::Departure;
use super::adapting::Picked;
use super::buffer::{PartOf, TrackBuffer};
use super::ids::PeriodKey;
use super::io::{FetchKind, Ingest, Output};
use super::keys::KeyState;
use super::request::{Job, Purpose};
use super::schedule::{self, Step};
use super::select;
use super::session::Session;
use super::stream::{Activity, Chosen, Fetching, Place, RepKey, StreamId, Trouble};
use super::unlocking::Needs;
use crate::container::{DemuxSetup, InitSegment};
use crate::drm::SegmentCipher;
use crate::error::Stage;
use crate::model::{ContainerFormat, MediaKind, Resource, SegmentIndex, SegmentKeys, SegmentRef, TimestampMapping};
use crate::render::Window;
use crate::snapshot::State;
use crate::time::{MediaTime, Now};

/// A better quality whose index is not here yet is worth waiting for only with so much media ahead.
const PATIENCE: Duration = Duration::from_secs(6);
/// A representation whose next segment cannot be decrypted is left alone for so long: others may be clear there.
const LOCK_REST: Duration = Duration::from_secs(20);

/// What there is in place of a gap.
enum Around {
    /// Nothing.
    Nobody,
    /// An index must be read before that is known.
    Unknown,
    /// This rung of the ladder has the segment.
    Other(usize, Box<SegmentRef>),
}

impl Engine {
    /// Serves every stream.
    pub(super) fn fetch(&mut self) {
        let Some(session) = &self.session else { return };
        if session.presentation.is_none() || self.playback.state == State::Failed {
            return;
        }
        for id in schedule::order(session.streams.iter()) {
            while self.serve(id) {}
        }
    }

    /// Sends every attempt that is due.
    pub(super) fn send_due(&mut self) {
        for id in self.jobs.due(self.now) {
            let (Some(session), Some(job)) = (self.session.as_ref(), self.jobs.get_mut(id)) else { continue };
            let candidates = match job.purpose {
                Purpose::Manifest => session.locations.manifest_candidates(),
                _ => session.locations.candidates(&job.resource),
            };
            let mut picked = session.locations.pick(&candidates, &job.tried, self.now);
            if picked.is_none() {
                job.tried.clear();
                picked = session.locations.pick(&candidates, &[], self.now);
            }
            let again = std::mem::replace(&mut job.again, true);
            if let Some(candidate) = picked {
                let outbox = &mut self.outbox;
                self.jobs.send(id, candidate, &self.config, self.now, &mut |output| outbox.push_back(output));
                self.ledger.requested(again);
            }
        }
    }

    /// One step of one stream. True when it moved on without waiting and should be served again: each such step
    /// passes a segment, a period or a representation for good, so it ends.
    fn serve(&mut self, id: StreamId) -> bool {
        let Some(session) = self.session.as_mut() else { return false };
        let Some(stream) = session.stream(id) else { return false };
        match &stream.activity {
            Activity::Media(_) | Activity::Index(_) => return false,
            Activity::Key { chosen, key } => {
                if matches!(session.keys.state(*key), Some(KeyState::Asked(_))) {
                    return false;
                }
                let chosen = chosen.as_ref().clone();
                return self.prepare(id, chosen);
            }
            Activity::Init { chosen, resource } => {
                let keys = init_keys(&chosen.segment);
                if session.init(resource, &keys).is_none() {
                    return false;
                }
                let chosen = chosen.as_ref().clone();
                return self.prepare(id, chosen);
            }
            Activity::Idle => {}
        }
        let (place, last) = (stream.place, stream.last);
        let Some(period) = schedule::period_of(place) else { return false };
        if stream.hold_until.is_some_and(|until| until > self.now) || !self.wants_more(id) {
            return false;
        }
        if self.waits_for_main(id, period) {
            self.foresee_sound(period);
            return false;
        }
        let Some(session) = self.session.as_ref() else { return false };
        let Some(set) = session.set_in(id, period) else { return self.pass_period(id, period) };
        if let Some(presentation) = &session.presentation
            && last.is_some_and(|last| {
                last.period == period
                    && schedule::known_list(presentation, last).is_some()
                    && schedule::step(presentation, place, last, self.now) == Step::Exhausted
            })
        {
            return self.pass_period(id, period);
        }
        let picked = match self.pick(id, period, set) {
            Ok(picked) => picked,
            Err(error) => {
                if error.context.stage == Some(Stage::Licence) {
                    self.end_stream_here(id, period, error);
                } else {
                    self.stream_lost(id, error);
                }
                return false;
            }
        };
        if let (Some(wait), Some(stream)) = (picked.wait, self.session.as_mut().and_then(|s| s.stream_mut(id))) {
            stream.hold_until = Some(self.now + wait);
            return false;
        }
        self.follow(id, place, picked, last)
    }

    /// Does what the chosen representation needs next.
    fn follow(&mut self, id: StreamId, place: Place, mut picked: Picked, last: Option<RepKey>) -> bool {
        let Some(presentation) = self.session.as_ref().and_then(|session| session.presentation.as_ref()) else {
            return false;
        };
        let mut step = schedule::step(presentation, place, picked.rep, self.now);
        if matches!(step, Step::Index(_)) {
            self.want_index(picked.rep);
            let stay = last.filter(|last| self.may_stay(id, *last, &picked));
            let Some(stay) = stay else {
                self.set_activity(id, Activity::Index(picked.rep));
                return false;
            };
            picked.reason = abr::Reason::Hold;
            picked.rung = picked.ladder.keys.iter().position(|key| *key == stay).unwrap_or(picked.rung);
            picked.rep = stay;
            let Some(presentation) = self.session.as_ref().and_then(|session| session.presentation.as_ref()) else {
                return false;
            };
            step = schedule::step(presentation, place, stay, self.now);
        }
        match step {
            Step::Index(_) => false,
            Step::WaitUntil(at) => {
                if let Some(stream) = self.session.as_mut().and_then(|session| session.stream_mut(id)) {
                    stream.hold_until = Some(at);
                }
                false
            }
            Step::Exhausted => self.pass_period(id, picked.rep.period),
            Step::Segment(segment) => self.take_segment(id, picked, *segment),
        }
    }

    pub(super) fn take_segment(&mut self, id: StreamId, picked: Picked, segment: SegmentRef) -> bool {
        let now = self.now;
        let Some(session) = self.session.as_mut() else { return false };
        let known = id == StreamId::Text && session.text.has_segment(segment.start);
        if segment.gap && !known {
            match self.around_gap(id, &picked) {
                Around::Nobody => {}
                Around::Unknown => return false,
                Around::Other(rung, found) => {
                    let rep = picked.ladder.keys.get(rung).copied().unwrap_or(picked.rep);
                    return self.take_segment(id, Picked { rep, rung, reason: abr::Reason::Hold, ..picked }, *found);
                }
            }
        }
        if segment.gap || known {
            self.release_tail(id);
            let Some(session) = self.session.as_mut() else { return false };
            session.settle(id, PartOf::new(picked.rep, &segment, picked.reason), segment.start, segment.end());
            if let Some(stream) = session.stream_mut(id) {
                stream.place = schedule::after(picked.rep, &segment);
                stream.last = Some(picked.rep);
            }
            return true;
        }
        if id == StreamId::Audio && self.waits_for_pictures(&segment) {
            return false;
        }
        if id == StreamId::Main {
            self.drop_unpaired_sound(picked.rep, segment.start);
        }
        let Some(session) = self.session.as_mut() else { return false };
        let presentation = session.presentation.as_ref();
        // An HLS list whose beginning was removed no longer begins with the first discontinuity.
        let opening = match segment.mapping {
            TimestampMapping::Discontinuity(number) => number == 0,
            TimestampMapping::Offset(_) => presentation
                .and_then(|presentation| schedule::known_list(presentation, picked.rep))
                .and_then(|list| list.get(0))
                .is_some_and(|first| first.mapping == segment.mapping),
        };
        let Picked { rep, reason, ladder, rung, .. } = picked;
        let window = presentation.map_or(Window::ALL, |known| schedule::window(known, rep, &segment));
        let chosen = Chosen { rep, segment, reason, ladder, rung, opening, window };
        if let Some(stream) = session.stream_mut(id) {
            stream.last = Some(rep);
            stream.trouble.get_or_insert(Trouble { since: now, requests: 0 });
        }
        self.want_keys_of(rep);
        self.prepare(id, chosen)
    }

    /// Fetches a segment, or first what it needs: its key, and its initialisation data with the key to that. True when
    /// it can never be decrypted and the stream should be served again.
    fn prepare(&mut self, id: StreamId, chosen: Chosen) -> bool {
        let (rep, encryption) = (chosen.rep, chosen.segment.encryption.clone());
        let media = self.media_needs(encryption.as_ref());
        let known = |resource: &Resource| {
            let session = self.session.as_ref()?;
            session.init(resource, &init_keys(&chosen.segment)).cloned()
        };
        let init = chosen.segment.init.as_ref().map(|resource| (resource.clone(), known(resource)));
        let needs = match (&init, media) {
            (_, Err(error)) => Err(error),
            (Some((_, None)), Ok(_)) => self.init_needs(encryption.as_ref()),
            (None | Some((_, Some(_))), Ok(needs)) => Ok(needs),
        };
        match (needs, init) {
            (Err(error), _) => {
                self.set_activity(id, Activity::Idle);
                self.lock_out(id, rep, LOCK_REST, error);
                return self.session.as_ref().is_some_and(|session| session.stream(id).is_some());
            }
            (Ok(Needs::Key(key)), _) => self.set_activity(id, Activity::Key { chosen: Box::new(chosen), key }),
            (Ok(Needs::Nothing(cipher)), Some((resource, None))) => {
                self.want_init(rep, &resource, cipher);
                self.set_activity(id, Activity::Init { chosen: Box::new(chosen), resource });
            }
            (Ok(Needs::Nothing(cipher)), init) => self.start_media(id, chosen, init.and_then(|(_, init)| init), cipher),
        }
        false
    }

    /// Who has what this representation announces as missing (RFC 8216bis §6.3.3): the next lower ones are asked
    /// first. An index that is not here yet is waited for.
    fn around_gap(&mut self, id: StreamId, picked: &Picked) -> Around {
        let Some(session) = self.session.as_ref() else { return Around::Nobody };
        let (Some(presentation), Some(stream)) = (&session.presentation, session.stream(id)) else {
            return Around::Nobody;
        };
        for rung in (0..picked.rung).rev().chain(picked.rung + 1..picked.ladder.keys.len()) {
            let Some(rep) = picked.ladder.keys.get(rung).copied() else { continue };
            if session.exclusions.holds(rep, self.now) || !schedule::is_aligned(presentation, stream.place, rep) {
                continue;
            }
            match schedule::step(presentation, stream.place, rep, self.now) {
                Step::Segment(found) if !found.gap => return Around::Other(rung, found),
                Step::Segment(_) | Step::WaitUntil(_) | Step::Exhausted => {}
                Step::Index(_) => {
                    self.want_index(rep);
                    self.set_activity(id, Activity::Index(rep));
                    return Around::Unknown;
                }
            }
        }
        Around::Nobody
    }

    /// Where a discontinuity's sound belongs is told by its pictures, when they are on their way: their first one is
    /// where the playlist says, and encoders put silence before sound.
    fn waits_for_pictures(&self, segment: &SegmentRef) -> bool {
        let Some(session) = self.session.as_ref() else { return false };
        let (Some(presentation), Some(main)) = (session.presentation.as_ref(), session.stream(StreamId::Main)) else {
            return false;
        };
        session.timeline.known(segment.mapping).is_none()
            && schedule::comes_to(presentation, main, segment.mapping, segment.start)
    }

    fn start_media(
        &mut self,
        id: StreamId,
        chosen: Chosen,
        init: Option<Arc<InitSegment>>,
        cipher: Option<SegmentCipher>,
    ) {
        let sample_key = self.sample_key(chosen.segment.encryption.as_ref());
        let carried = self.carried_state(id, &chosen);
        let begins_at = self.carried_begin(id, &chosen).unwrap_or(chosen.segment.start);
        let Some(session) = self.session.as_mut() else { return };
        let format = session
            .presentation
            .as_ref()
            .and_then(|presentation| select::representation(presentation, chosen.rep))
            .map_or(ContainerFormat::Unknown, |rep| rep.format);
        let kind = if id == StreamId::Text { FetchKind::Text } else { FetchKind::Segment };
        let period = session.presentation.as_ref().and_then(|known| known.period(chosen.rep.period));
        let captions = id == StreamId::Main && period.is_none_or(|period| !period.no_captions);
        let keeps_tail = id != StreamId::Text;
        let setup = DemuxSetup { captions, sample_key, carried, keeps_tail, ..DemuxSetup::new(format, init.clone()) };
        let ingest = Ingest::Media(setup);
        let job = self.jobs.add(self.now, Purpose::Media(id), kind, chosen.segment.resource.clone(), ingest);
        if let Some(job) = self.jobs.get_mut(job) {
            job.cipher = cipher;
        }
        if let Some(trouble) = session.stream_mut(id).and_then(|stream| stream.trouble.as_mut()) {
            trouble.requests += 1;
            if trouble.requests > 1
                && let Some(job) = self.jobs.get_mut(job)
            {
                job.again = true;
            }
        }
        if let Some(init) = &init {
            super::ingest::note_carried(session, id, init);
        }
        let fetching = Fetching {
            job,
            chosen,
            init,
            begins_at,
            shift: None,
            early: Vec::new(),
            seen: 0,
            metadata: Vec::new(),
            warned: false,
            tail: None,
        };
        self.set_activity(id, Activity::Media(Box::new(fetching)));
    }

    /// Fetches an index unless it is on its way.
    pub(super) fn want_index(&mut self, rep: RepKey) {
        if self.jobs.of_purpose(Purpose::Index(rep)).is_some() {
            return;
        }
        let presentation = self.session.as_ref().and_then(|session| session.presentation.as_ref());
        let found = presentation.and_then(|known| select::representation(known, rep)).map(|found| &found.index);
        if let Some(SegmentIndex::External(source)) = found {
            self.jobs.add(self.now, Purpose::Index(rep), FetchKind::Index, source.first_request(), Ingest::Body);
        }
    }

    /// Fetches initialisation data unless it is on its way.
    fn want_init(&mut self, rep: RepKey, resource: &Resource, cipher: Option<SegmentCipher>) {
        let same =
            |job: &Job| matches!(job.purpose, Purpose::Init(_)) && job.resource == *resource && job.cipher == cipher;
        if self.jobs.find(same).is_none() {
            let job = self.jobs.add(self.now, Purpose::Init(rep), FetchKind::Init, resource.clone(), Ingest::Body);
            if let Some(job) = self.jobs.get_mut(job) {
                job.cipher = cipher;
            }
        }
    }

    /// Whether the stream goes on with its last representation while the index of the chosen one comes: not when the
    /// choice goes down (waiting is cheaper than a large segment) and not with media enough to wait.
    fn may_stay(&self, id: StreamId, last: RepKey, picked: &Picked) -> bool {
        let Some(session) = self.session.as_ref() else { return false };
        let Some(presentation) = session.presentation.as_ref() else { return false };
        let rung = picked.ladder.keys.iter().position(|key| *key == last);
        let Some(stream) = session.stream(id) else { return false };
        rung.is_some_and(|rung| rung < picked.rung)
            && schedule::known_list(presentation, last).is_some()
            && stream.fetched_until().since(self.position()) < PATIENCE
    }

    /// The stream has no more of a period: its next one begins.
    pub(super) fn pass_period(&mut self, id: StreamId, period: PeriodKey) -> bool {
        self.release_tail(id);
        let Some(session) = self.session.as_mut() else { return false };
        let Some(presentation) = session.presentation.as_ref() else { return false };
        let next = schedule::next_period(presentation, period);
        if let Place::At { time, .. } = next {
            session.settle(id, PartOf::nothing(period), time, time);
        }
        if let Some(stream) = session.stream_mut(id) {
            stream.place = next;
            stream.trouble = None;
        }
        true
    }

    fn wants_more(&self, id: StreamId) -> bool {
        let Some(session) = self.session.as_ref() else { return false };
        let Some(stream) = session.stream(id) else { return false };
        let position = self.position();
        match id {
            // Text lies in no run: what counts is how far it was asked for.
            StreamId::Text => self.load_control().wants(stream.fetched_until().since(position), 0),
            StreamId::Main | StreamId::Audio => {
                self.load_control().wants(self.stock(session, id), session.held_bytes())
            }
        }
    }

    /// What a stream has ahead of the playhead. A gap is no stock: behind it there must be something to jump to.
    fn stock(&self, session: &Session, id: StreamId) -> Duration {
        if session.stream(id).is_some_and(|stream| stream.carries.is_none()) {
            // Only segments that were given up, so far.
            return Duration::ZERO;
        }
        let position = self.position();
        let held = session.held_until(id).unwrap_or(position);
        held.min(session.presentable_end(&self.presented_kinds(), position)).since(position)
    }

    /// When a stream that is full will have room, if nothing but playing has to happen for that.
    pub(super) fn next_room(&self) -> Option<Now> {
        let session = self.session.as_ref().filter(|_| self.playback.clock.is_running())?;
        let full = [StreamId::Main, StreamId::Audio].into_iter().filter(|id| self.is_full(*id));
        let wait = full.filter_map(|id| self.load_control().until_room(self.stock(session, id))).min()?;
        Some(self.now + self.playback.clock.wall(wait))
    }

    /// True when a stream waits for nothing but room.
    pub(super) fn is_full(&self, id: StreamId) -> bool {
        let idle = self
            .session
            .as_ref()
            .and_then(|session| session.stream(id))
            .is_some_and(|stream| matches!(stream.activity, Activity::Idle) && stream.place != Place::End);
        idle && !self.wants_more(id)
    }

    pub(super) fn set_activity(&mut self, id: StreamId, activity: Activity) {
        if let Some(stream) = self.session.as_mut().and_then(|session| session.stream_mut(id)) {
            stream.activity = activity;
        }
    }

    /// True when samples of the segment on its way were handed to the renderer.
    pub(super) fn is_committed(&self, id: StreamId) -> bool {
        let Some(session) = self.session.as_ref() else { return false };
        let Some(fetching) = session.stream(id).and_then(|stream| stream.fetching()) else { return false };
        [MediaKind::Video, MediaKind::Audio].into_iter().any(|kind| {
            let open = session
                .buffer(kind)
                .and_then(|buffer| buffer.back())
                .filter(|part| !part.complete && part.of.key() == Some(fetching.chosen.key()));
            let handed = self.playback.feed.committed(kind);
            open.zip(handed).is_some_and(|(part, at)| at.seq > part.seq || (at.seq == part.seq && at.index > 0))
        })
    }

    /// Calls back what a stream has on its way; what came of it and was not handed out is dropped.
    pub(super) fn cancel_stream(&mut self, id: StreamId) {
        let fetching = self.session.as_ref().and_then(|session| session.stream(id)).and_then(|s| s.fetching().cloned());
        if let Some(fetching) = fetching {
            let measured = self.jobs.measure(fetching.job, self.now);
            if let Some(job) = self.jobs.remove(fetching.job, self.now)
                && let Some(attempt) = job.attempt()
            {
                let bytes = attempt.bytes;
                self.outbox.push_back(Output::Cancel(attempt.fetch));
                self.learn(measured, bytes);
                self.drop_partial(id, bytes);
            }
        }
        self.set_activity(id, Activity::Idle);
    }

    /// The bytes of an attempt that came to nothing are wasted, but for what has been handed out of them.
    pub(super) fn drop_partial(&mut self, id: StreamId, bytes: u64) {
        let Some(session) = self.session.as_mut() else { return };
        let fetching = session.stream(id).and_then(|stream| stream.fetching());
        let Some(key) = fetching.map(|fetching| fetching.chosen.key()) else { return self.ledger.wasted(bytes) };
        let (mut kept, wanted) = (0, session.wanted_of(id));
        for kind in [MediaKind::Video, MediaKind::Audio] {
            let committed = self.playback.feed.committed(kind);
            // What it brought, whether it is still wanted or not.
            let brought = |buffer: &TrackBuffer| {
                buffer.back().filter(|part| !part.complete && part.of.key() == Some(key)).map(|part| part.bytes)
            };
            let Some(buffer) = session.buffer_mut(kind) else { continue };
            if brought(buffer).is_some() {
                buffer.interrupt(committed);
                kept += brought(buffer).unwrap_or(0);
            } else if wanted.has(kind) {
                buffer.account_mut().void_attempt();
            }
        }
        self.ledger.wasted(bytes.saturating_sub(kept));
    }

    /// Sends a stream to a time with nothing in hand.
    pub(super) fn restart_stream(&mut self, id: StreamId, time: MediaTime, departure: Departure) {
        self.cancel_stream(id);
        let Some(session) = self.session.as_mut() else { return };
        let wanted = session.wanted_of(id);
        for kind in [MediaKind::Video, MediaKind::Audio] {
            if let Some(buffer) = session.buffer_mut(kind).filter(|_| wanted.has(kind)) {
                self.ledger.wasted(buffer.restart(time, departure));
            }
        }
        session.send_stream_to(id, time);
        if id == StreamId::Main {
            self.drop_captions();
        }
    }
}

/// The keys that the initialisation data of a segment is encrypted with.
fn init_keys(segment: &SegmentRef) -> SegmentKeys {
    segment.encryption.as_ref().map(|encryption| encryption.init.clone()).unwrap_or_default()
}
