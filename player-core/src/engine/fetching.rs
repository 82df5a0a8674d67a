//! The step that fetches: serves the streams in the order of the schedule, asks the rule, and sends what is due.
//! Which stream, which segment, whether and from where are answered by `schedule`, `load_control`, `select` and
//! `locations`.

use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::buffer::PartOf;
use super::io::{FetchKind, Ingest, Output};
use super::request::Purpose;
use super::schedule::{self, Step};
use super::select::{self, Bounds};
use super::session::Session;
use super::stream::{Activity, Chosen, Fetching, Ladder, Place, RepKey, StreamId, Trouble};
use crate::command::QualityChoice;
use crate::container::InitSegment;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::model::{ContainerFormat, MediaKind, Resource, SegmentRef};
use crate::snapshot::State;
use crate::time::{MediaTime, Now};

/// A better quality whose index is not here yet is worth waiting for only with so much media ahead.
const PATIENCE: Duration = Duration::from_secs(6);
/// A running transfer is judged this often.
const JUDGE_EVERY: Duration = Duration::from_millis(250);

/// What the rule, or the lack of one, chose.
struct Picked {
    rep: RepKey,
    reason: abr::Reason,
    ladder: Arc<Ladder>,
    rung: usize,
    wait: Option<Duration>,
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
            Activity::Init { chosen, resource } => {
                let Some(init) = session.init(resource).cloned() else { return false };
                let chosen = chosen.as_ref().clone();
                self.start_media(id, chosen, Some(init));
                return false;
            }
            Activity::Idle => {}
        }
        let (place, last) = (stream.place, stream.last);
        let Some(period) = schedule::period_of(place) else { return false };
        if stream.hold_until.is_some_and(|until| until > self.now) || !self.wants_more(id) {
            return false;
        }
        let Some(session) = self.session.as_ref() else { return false };
        let Some(set) = session.set_in(id, period) else { return self.pass_period(id, period) };
        if let Some(presentation) = &session.presentation
            && last.is_some_and(|last| {
                last.period == period
                    && schedule::known_list(presentation, last).is_some()
                    && schedule::step(presentation, place, last) == Step::Exhausted
            })
        {
            return self.pass_period(id, period);
        }
        let picked = match self.pick(id, period, set) {
            Ok(picked) => picked,
            Err(error) => {
                self.stream_lost(id, error);
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
        let mut step = schedule::step(presentation, place, picked.rep);
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
            step = schedule::step(presentation, place, stay);
        }
        match step {
            Step::Index(_) => false,
            Step::Exhausted => self.pass_period(id, picked.rep.period),
            Step::Segment(segment) => self.take_segment(id, picked, *segment),
        }
    }

    fn take_segment(&mut self, id: StreamId, picked: Picked, segment: SegmentRef) -> bool {
        let now = self.now;
        let Some(session) = self.session.as_mut() else { return false };
        let known = id == StreamId::Text && session.text.has_segment(segment.start);
        if segment.gap || known {
            if let Some(stream) = session.stream_mut(id) {
                stream.place = schedule::after(picked.rep, &segment);
                stream.last = Some(picked.rep);
            }
            return true;
        }
        if let Some(method) = &segment.encryption {
            let error = PlayerError::unsupported(format!("encryption {method}")).at(Stage::Segment);
            return self.representation_unusable(id, picked.rep, error);
        }
        let presentation = session.presentation.as_ref();
        let opening = presentation
            .and_then(|presentation| schedule::known_list(presentation, picked.rep))
            .and_then(|list| list.get(0))
            .is_some_and(|first| first.mapping == segment.mapping);
        let init = segment.init.clone();
        let Picked { rep, reason, ladder, rung, .. } = picked;
        let chosen = Chosen { rep, segment, reason, ladder, rung, opening };
        if let Some(stream) = session.stream_mut(id) {
            stream.last = Some(rep);
            stream.trouble.get_or_insert(Trouble { since: now, requests: 0 });
        }
        match init {
            None => self.start_media(id, chosen, None),
            Some(resource) => match session.init(&resource).cloned() {
                Some(init) => self.start_media(id, chosen, Some(init)),
                None => {
                    self.want_init(rep, &resource);
                    self.set_activity(id, Activity::Init { chosen: Box::new(chosen), resource });
                }
            },
        }
        false
    }

    fn start_media(&mut self, id: StreamId, chosen: Chosen, init: Option<Arc<InitSegment>>) {
        let Some(session) = self.session.as_mut() else { return };
        let format = session
            .presentation
            .as_ref()
            .and_then(|presentation| select::representation(presentation, chosen.rep))
            .map_or(ContainerFormat::Unknown, |rep| rep.format);
        let kind = if id == StreamId::Text { FetchKind::Text } else { FetchKind::Segment };
        let ingest = Ingest::Media { format, init: init.clone() };
        let job = self.jobs.add(self.now, Purpose::Media(id), kind, chosen.segment.resource.clone(), ingest);
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
        let fetching = Fetching { job, chosen, init, shift: None, seen: 0, warned: false };
        self.set_activity(id, Activity::Media(Box::new(fetching)));
    }

    /// Fetches an index unless it is on its way.
    fn want_index(&mut self, rep: RepKey) {
        if self.jobs.of_purpose(Purpose::Index(rep)).is_some() {
            return;
        }
        let presentation = self.session.as_ref().and_then(|session| session.presentation.as_ref());
        let Some(presentation) = presentation else { return };
        if let Step::Index(source) = schedule::step(presentation, Place::At { period: 0, time: MediaTime::ZERO }, rep) {
            self.jobs.add(self.now, Purpose::Index(rep), FetchKind::Index, source.resource, Ingest::Body);
        }
    }

    /// Fetches initialisation data unless it is on its way.
    fn want_init(&mut self, rep: RepKey, resource: &Resource) {
        let running = self.jobs.find(|job| matches!(job.purpose, Purpose::Init(_)) && job.resource == *resource);
        if running.is_none() {
            self.jobs.add(self.now, Purpose::Init(rep), FetchKind::Init, resource.clone(), Ingest::Body);
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

    /// The stream has no more of a period: its next one begins, and silence fills what sound lacks before it.
    fn pass_period(&mut self, id: StreamId, period: usize) -> bool {
        let Some(session) = self.session.as_mut() else { return false };
        let Some(presentation) = session.presentation.as_ref() else { return false };
        let next = schedule::next_period(presentation, period);
        let from = session.stream(id).map_or(MediaTime::ZERO, |stream| match stream.place {
            Place::At { time, .. } => time,
            Place::After { end, .. } => end,
            Place::End => MediaTime::MAX,
        });
        if let (StreamId::Audio, Place::At { time, .. }) = (id, next) {
            let of = PartOf { rep: RepKey { period, set: 0, rep: 0 }, number: u64::MAX, reason: abr::Reason::Only };
            session.audio.insert_blank(of, from, time);
        }
        if let Some(stream) = session.stream_mut(id) {
            stream.place = next;
            stream.trouble = None;
        }
        true
    }

    /// Chooses a representation.
    fn pick(&mut self, id: StreamId, period: usize, set: usize) -> Result<Picked, PlayerError> {
        let Some(session) = self.session.as_ref() else { return Err(nothing_left(None)) };
        let Some(presentation) = session.presentation.as_ref() else { return Err(nothing_left(None)) };
        let auto = QualityChoice::Auto;
        let bounds = Bounds {
            now: self.now,
            exclusions: &session.exclusions,
            quality: if id == StreamId::Main { &session.wishes.quality } else { &auto },
            audio_group: audio_group(session, id),
        };
        let keys = select::permitted(presentation, period, set, bounds);
        if keys.is_empty() {
            return Err(nothing_left(select::reps_of(presentation, period, set)));
        }
        let ladder = Arc::new(select::ladder(presentation, keys));
        let Some(stream) = session.stream(id) else { return Err(nothing_left(None)) };
        let (place, last) = (stream.place, stream.last);
        let (mut rung, mut reason, mut wait) = if self.asks_rule(id) {
            let input = self.rule_input(id, place, last, &ladder);
            let decision = self.rule.select(&input.context(&ladder));
            (decision.representation.min(ladder.keys.len() - 1), decision.reason, decision.wait)
        } else {
            (select::audio_rung(&ladder, last, self.rule.estimate_bps()), abr::Reason::Only, None)
        };
        let aligned = |rung: usize| {
            let presentation = self.session.as_ref().and_then(|session| session.presentation.as_ref());
            presentation.is_none_or(|known| schedule::is_aligned(known, place, ladder.keys[rung]))
        };
        // A representation that is not aligned with the last one takes over at a later boundary.
        if let Some(at) = last.and_then(|last| ladder.keys.iter().position(|key| *key == last))
            && !aligned(rung)
        {
            (rung, reason, wait) = (at, abr::Reason::Hold, None);
        }
        Ok(Picked { rep: ladder.keys[rung], reason, ladder, rung, wait })
    }

    /// The adaptive rule is asked for pictures, and for sound when there are none.
    pub(super) fn asks_rule(&self, id: StreamId) -> bool {
        let main = self.session.as_ref().is_some_and(|session| session.stream(StreamId::Main).is_some());
        id == StreamId::Main || (id == StreamId::Audio && !main)
    }

    fn rule_input(&self, id: StreamId, place: Place, last: Option<RepKey>, ladder: &Ladder) -> RuleInput {
        let fallback = RuleInput::new(self.now);
        let Some(session) = self.session.as_ref() else { return fallback };
        let Some(presentation) = session.presentation.as_ref() else { return fallback };
        let position = self.position();
        let kind =
            if id == StreamId::Main && session.video.end().is_some() { MediaKind::Video } else { MediaKind::Audio };
        let buffer = session.buffer(kind).and_then(|buffer| buffer.complete_end(position));
        let sizes: Option<Vec<u64>> =
            ladder.keys.iter().map(|key| schedule::segment_size(presentation, place, *key)).collect();
        let known = last.into_iter().chain(ladder.keys.iter().copied());
        let mut known = known.filter(|key| schedule::known_list(presentation, *key).is_some());
        let representative = known.next();
        let measure = |key: RepKey| schedule::segment_duration(presentation, place, key);
        RuleInput {
            last: last.and_then(|last| ladder.keys.iter().position(|key| *key == last)),
            phase: self.phase(),
            buffer: buffer.map_or(Duration::ZERO, |end| end.since(position)),
            buffer_goal: self.config.buffer_goal,
            segment_duration: representative.and_then(measure).unwrap_or(Duration::from_secs(4)),
            sizes,
            segments_left: representative.and_then(|key| schedule::segments_left(presentation, place, key)),
            rate: self.settings.rate as f32,
            reserved_bps: self.reserved_bps(id),
            max_height: select::max_height(
                &ladder.rungs,
                &[self.config.max_height, chosen_height(&session.wishes.quality)],
                self.settings.viewport,
            ),
            ..fallback
        }
    }

    fn phase(&self) -> abr::Phase {
        match self.playback.state {
            _ if self.ledger.is_starting() => abr::Phase::StartUp,
            State::Buffering(_) => abr::Phase::Rebuffering,
            State::Seeking => abr::Phase::AfterSeek,
            State::Idle | State::Loading | State::Ready | State::Ended | State::Failed => abr::Phase::Steady,
        }
    }

    /// What separate sound takes of the network.
    fn reserved_bps(&self, id: StreamId) -> u64 {
        let Some(session) = self.session.as_ref() else { return 0 };
        let audio = session.stream(StreamId::Audio).filter(|stream| stream.id != id).and_then(|stream| stream.last);
        let presentation = session.presentation.as_ref();
        let rep = audio.zip(presentation).and_then(|(key, known)| select::representation(known, key));
        rep.map_or(0, |rep| rep.bandwidth)
    }

    fn wants_more(&self, id: StreamId) -> bool {
        let Some(session) = self.session.as_ref() else { return false };
        let Some(stream) = session.stream(id) else { return false };
        let position = self.position();
        match id {
            // Text lies in no run: what counts is how far it was asked for.
            StreamId::Text => self.load_control().wants(stream.fetched_until().since(position), 0),
            StreamId::Main | StreamId::Audio => {
                let end = session.held_until(id);
                self.load_control().wants(end.map_or(Duration::ZERO, |end| end.since(position)), session.held_bytes())
            }
        }
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

    /// Judges the transfer of pictures that is under way, and gives it up when the rule says so and nothing of it has
    /// been handed out.
    pub(super) fn judge_running(&mut self) {
        let id = StreamId::Main;
        let Some(session) = self.session.as_ref() else { return };
        let Some(fetching) = session.stream(id).and_then(|stream| stream.fetching()) else { return };
        let Some(attempt) = self.jobs.get(fetching.job).and_then(|job| job.attempt()) else { return };
        if self.now < self.judged_at + JUDGE_EVERY || self.is_committed(id) {
            return;
        }
        let (chosen, place) = (fetching.chosen.clone(), session.stream(id).map_or(Place::End, |stream| stream.place));
        let input = self.rule_input(id, place, Some(chosen.rep), &chosen.ladder);
        let in_flight = abr::InFlight {
            now: self.now.as_duration(),
            rung: chosen.rung,
            size: attempt.announced.or(chosen.segment.size),
            received: attempt.bytes,
            elapsed: self.now.since(attempt.sent),
            ttfb: attempt.began.map(|began| began.since(attempt.sent)),
            buffer: input.buffer,
            segment_duration: chosen.segment.duration,
        };
        self.judged_at = self.now;
        if let abr::Verdict::AbandonTo(rung) = self.rule.on_progress(&in_flight, &input.context(&chosen.ladder)) {
            self.abandon(id, place, &chosen, rung);
        }
    }

    /// When the running transfer is judged next.
    pub(super) fn next_judgement(&self) -> Option<Now> {
        let session = self.session.as_ref()?;
        let fetching = session.stream(StreamId::Main)?.fetching()?;
        let running = self.jobs.get(fetching.job)?.attempt().is_some();
        (running && fetching.chosen.rung > 0 && !self.is_committed(StreamId::Main))
            .then(|| self.judged_at + JUDGE_EVERY)
    }

    fn abandon(&mut self, id: StreamId, place: Place, chosen: &Chosen, rung: usize) {
        let Some(rep) = chosen.ladder.keys.get(rung).copied() else { return };
        let presentation = self.session.as_ref().and_then(|session| session.presentation.as_ref());
        match presentation.map(|known| schedule::step(known, place, rep)) {
            // Given up once the smaller one can begin at once.
            Some(Step::Index(_)) => self.want_index(rep),
            Some(Step::Segment(segment)) => {
                self.cancel_stream(id);
                let ladder = Arc::clone(&chosen.ladder);
                let picked = Picked { rep, reason: abr::Reason::Abandoned, ladder, rung, wait: None };
                self.take_segment(id, picked, *segment);
            }
            Some(Step::Exhausted) | None => {}
        }
    }

    /// True when samples of the segment on its way were handed to the renderer.
    pub(super) fn is_committed(&self, id: StreamId) -> bool {
        let Some(session) = self.session.as_ref() else { return false };
        let Some(fetching) = session.stream(id).and_then(|stream| stream.fetching()) else { return false };
        [MediaKind::Video, MediaKind::Audio].into_iter().any(|kind| {
            let open = session.buffer(kind).and_then(|buffer| buffer.back()).filter(|part| {
                !part.complete && part.of.rep == fetching.chosen.rep && part.of.number == fetching.chosen.segment.number
            });
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
        let wanted = session.wanted_of(id);
        let mut kept = 0;
        for kind in [MediaKind::Video, MediaKind::Audio] {
            let committed = self.playback.feed.committed(kind);
            if let Some(buffer) = session.buffer_mut(kind).filter(|_| wanted.has(kind)) {
                buffer.interrupt(committed);
                kept += buffer.back().filter(|part| !part.complete).map_or(0, |part| part.bytes);
            }
        }
        self.ledger.wasted(bytes.saturating_sub(kept));
    }

    /// Sends a stream to a time with nothing in hand.
    pub(super) fn restart_stream(&mut self, id: StreamId, time: MediaTime) {
        self.cancel_stream(id);
        let Some(session) = self.session.as_mut() else { return };
        let wanted = session.wanted_of(id);
        for kind in [MediaKind::Video, MediaKind::Audio] {
            if let Some(buffer) = session.buffer_mut(kind).filter(|_| wanted.has(kind)) {
                self.ledger.wasted(buffer.clear());
            }
        }
        session.send_stream_to(id, time);
    }
}

/// What the rule is told, without the ladder.
struct RuleInput {
    now: Duration,
    last: Option<usize>,
    phase: abr::Phase,
    buffer: Duration,
    buffer_goal: Duration,
    segment_duration: Duration,
    sizes: Option<Vec<u64>>,
    segments_left: Option<u32>,
    rate: f32,
    reserved_bps: u64,
    max_height: Option<u32>,
}

impl RuleInput {
    const fn new(now: Now) -> Self {
        Self {
            now: now.as_duration(),
            last: None,
            phase: abr::Phase::StartUp,
            buffer: Duration::ZERO,
            buffer_goal: Duration::ZERO,
            segment_duration: Duration::from_secs(4),
            sizes: None,
            segments_left: None,
            rate: 1.0,
            reserved_bps: 0,
            max_height: None,
        }
    }

    fn context<'a>(&'a self, ladder: &'a Ladder) -> abr::Context<'a> {
        abr::Context {
            now: self.now,
            last: self.last,
            phase: self.phase,
            buffer: self.buffer,
            buffer_goal: self.buffer_goal,
            next_sizes: self.sizes.as_deref(),
            segments_left: self.segments_left,
            rate: self.rate,
            reserved_bps: self.reserved_bps,
            caps: abr::Caps { max_height: self.max_height, max_bitrate_bps: None },
            ..abr::Context::new(&ladder.rungs, self.segment_duration)
        }
    }
}

fn chosen_height(quality: &QualityChoice) -> Option<u32> {
    match quality {
        QualityChoice::MaxHeight(height) => Some(*height),
        QualityChoice::Auto | QualityChoice::Representation(_) => None,
    }
}

/// The group of renditions that goes with the pictures.
fn audio_group(session: &Session, id: StreamId) -> Option<&str> {
    if id != StreamId::Audio {
        return None;
    }
    let last = session.stream(StreamId::Main)?.last?;
    select::representation(session.presentation.as_ref()?, last)?.audio_group.as_deref()
}

/// Why no representation of a set can be asked for.
fn nothing_left(reps: Option<&[crate::model::Representation]>) -> PlayerError {
    let protection = reps.unwrap_or_default().iter().find_map(|rep| rep.protection.first());
    match protection {
        Some(protection) => {
            let message = format!("the stream is protected by {}", protection.system);
            let mut error = PlayerError::fatal(ErrorCode::DrmUnsupported, message).with_feature(&protection.system);
            error.context.key_id.clone_from(&protection.key_id);
            error.at(Stage::Licence)
        }
        None => PlayerError::fatal(ErrorCode::MediaUnavailable, "no representation is left to fetch from"),
    }
}
