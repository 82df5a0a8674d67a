//! Asks the adaptive rule for the representation that a stream takes next, and whether to abandon the running transfer.
//! `selection` decides which representations are permitted, and `audio_pairing` pairs audio with video; the rule itself sees
//! only numbers.

use std::sync::Arc;
use std::time::Duration;

use super::Session;
use super::first_picture::AwaitedPart;
use crate::command::QualityChoice;
use crate::engine::context::Context;
use crate::engine::download::schedule::{self, Step};
use crate::engine::download::{self, NextSegment, SegmentPlan, Stream, Waiting};
use crate::engine::ids::{PeriodKey, RepKey, SetKey, StreamId};
use crate::engine::selection::{self, Bounds, Ladder};
use crate::error::{ErrorCode, PlayerError};
use crate::model::{MediaKind, Representation};
use crate::snapshot::State;
use crate::time::Now;

/// A running transfer is judged this often.
const JUDGE_EVERY: Duration = Duration::from_millis(250);
/// Segments after the next one whose sizes are passed to the rule, as far as they are known.
const LOOKAHEAD: usize = 10;

/// Representation that the rule chose, or the only possible one where there is no choice.
pub(in crate::engine) struct Selection {
    pub rep: RepKey,
    pub reason: abr::Reason,
    pub ladder: Arc<Ladder>,
    pub rung: usize,
    pub wait: Option<Duration>,
}

impl Session {
    /// Chooses the representation of the next segment of `set`. Fails if exclusions, keys and the output's copy
    /// protection leave none.
    ///
    /// The adaptive rule chooses video, and audio if there is no video. Separate audio follows `abr::joint` (see
    /// [`Self::plan_sound`]), and subtitles keep a modest rate. Of video that is offered with several audio groups,
    /// only the variants with the chosen audio are on the ladder (RFC 8216bis §4.4.6.2.1). A representation that is not
    /// aligned with the last one (ISO/IEC 23009-1 §5.3.3.2, `@segmentAlignment`) takes over at a later boundary: here,
    /// part of the media would be presented twice, or not at all.
    pub(in crate::engine) fn pick(
        &mut self,
        cx: &mut Context,
        id: StreamId,
        period: PeriodKey,
        set: SetKey,
    ) -> Result<Selection, PlayerError> {
        let presentation = self.source.presentation();
        let Some(stream) = self.stream(id) else { return Err(nothing_left(None, self)) };
        let (place, last) = (stream.place(), stream.last());
        let mut keys = self.permitted(cx, id, set, self.audio_group(id));
        if keys.is_empty() {
            return Err(nothing_left(selection::reps_of(presentation, set), self));
        }
        let plan = self.plan_sound(cx, period);
        let presentation = self.source.presentation();
        if let (StreamId::Main, Some(plan)) = (id, &plan) {
            plan.pairing.prefer(presentation, &mut keys, plan.choice.sound);
        }
        let ladder = Arc::new(selection::ladder(presentation, keys, self.selection.output()));
        let planned = plan.filter(|_| id == StreamId::Audio).and_then(|plan| {
            let wanted = plan.pairing.keys.get(plan.choice.sound)?;
            Some((ladder.keys.iter().position(|key| key == wanted)?, plan.choice.reason))
        });
        let (mut rung, mut reason, mut wait) = if self.asks_rule(id) {
            let input = self.rule_input(cx, id, place, last, &ladder);
            let decision = cx.rule.select(&input.context(&ladder));
            (decision.representation.min(ladder.keys.len() - 1), decision.reason, decision.wait)
        } else {
            let (rung, reason) = planned.unwrap_or_else(|| (selection::steady_rung(&ladder, last), abr::Reason::Only));
            (rung, reason, None)
        };
        let aligned = |rung: usize| schedule::is_aligned(self.source.presentation(), place, ladder.keys[rung]);
        // A representation that is not aligned with the last one takes over at a later boundary.
        if let Some(at) = last.and_then(|last| ladder.keys.iter().position(|key| *key == last))
            && !aligned(rung)
        {
            (rung, reason, wait) = (at, abr::Reason::Hold, None);
        }
        Ok(Selection { rep: ladder.keys[rung], reason, ladder, rung, wait })
    }

    /// Returns the representations of a set that quality choice, exclusions, keys and output permit; of audio in
    /// groups, only those of `audio_group`.
    pub(in crate::engine) fn permitted(
        &self,
        cx: &Context,
        id: StreamId,
        set: SetKey,
        audio_group: Option<&str>,
    ) -> Vec<RepKey> {
        let presentation = self.source.presentation();
        let any = self.selection.bounds(&self.keys, cx.now);
        let quality = if id == StreamId::Main { &self.preferences().quality } else { any.quality };
        selection::permitted(presentation, set, Bounds { quality, audio_group, ..any })
    }

    /// The adaptive rule is asked for pictures, and for sound when there are none.
    pub(in crate::engine) fn asks_rule(&self, id: StreamId) -> bool {
        let main = self.main().is_some();
        id == StreamId::Main || (id == StreamId::Audio && !main)
    }

    fn rule_input(
        &self,
        cx: &Context,
        id: StreamId,
        place: NextSegment,
        last: Option<RepKey>,
        ladder: &Ladder,
    ) -> RuleInput {
        let fallback = RuleInput::new(cx.now);
        let presentation = self.source.presentation();
        let position = self.position(cx);
        // Before its first file is read a stream counts as one that brings all that is wanted of it.
        let kind = if self.brought_by(id).video { MediaKind::Video } else { MediaKind::Audio };
        let buffer = self.buffer(kind).and_then(|buffer| buffer.complete_end(position));
        let ahead = buffer.map_or(Duration::ZERO, |end| end.since(position));
        let sizes = download::sizes_ahead(presentation, place, &ladder.keys, LOOKAHEAD);
        let known = last.into_iter().chain(ladder.keys.iter().copied());
        let mut known = known.filter(|key| presentation.known_list(*key).is_some());
        let representative = known.next();
        let measure = |key: RepKey| download::segment_duration(presentation, place, key);
        let segment_duration = representative.and_then(measure).unwrap_or(Duration::from_secs(4));
        let saver = |bps| abr::Caps::data_saver(bps, self.reserved_bps(id)).max_bitrate_bps;
        let saver = cx.config.max_bitrate_bps.and_then(saver);
        let phase = self.phase(cx, kind, ahead);
        let awaited = representative.and_then(|key| self.awaited_part(cx, phase, place, key, &ladder.keys));
        RuleInput {
            awaited,
            last: last.and_then(|last| ladder.keys.iter().position(|key| *key == last)),
            phase,
            buffer: ahead,
            // A segment is asked for while less than the goal is here, so the buffer is filled to the goal and one more.
            buffer_goal: cx.config.buffer_goal + segment_duration,
            segment_duration,
            sizes,
            segments_left: representative
                .filter(|key| !presentation.grows(*key))
                .and_then(|key| download::segments_left(presentation, place, key)),
            rate: cx.settings.rate as f32,
            reserved_bps: self.reserved_bps(id),
            live: self.rule_latency(cx),
            caps: abr::Caps { max_height: None, max_bitrate_bps: saver }.and(self.picture_caps(cx, &ladder.rungs)),
            ..fallback
        }
    }

    /// Returns the phase of playback that the rule decides for. `ahead` of a kind is complete: with enough of it, what is
    /// fetched next holds up no start.
    pub(in crate::engine) fn phase(&self, cx: &Context, kind: MediaKind, ahead: Duration) -> abr::Phase {
        let enough = cx.load_control().enough(ahead, Waiting::ToStart, self.demand_for(kind));
        match cx.playback.state() {
            _ if cx.ledger.is_starting() && !enough => abr::Phase::StartUp,
            State::Buffering(_) if enough => abr::Phase::Steady,
            State::Buffering(_) => abr::Phase::Rebuffering,
            State::Seeking => abr::Phase::AfterSeek,
            State::Idle | State::Loading | State::Ready | State::Ended | State::Failed => abr::Phase::Steady,
        }
    }

    /// Returns the upper limits of video that configuration, quality choice, viewport and decoder impose.
    pub(in crate::engine) fn picture_caps(&self, cx: &Context, rungs: &[abr::Rung]) -> abr::Caps {
        let chosen = chosen_height(&self.preferences().quality);
        let max_height = selection::max_height(rungs, &[cx.config.max_height, chosen], cx.settings.viewport);
        abr::Caps { max_height, max_bitrate_bps: None }.and(cx.decoder.caps(cx.now.as_duration()))
    }

    /// Judges the video transfer that is under way, and abandons it if the rule demands so and none of it has been
    /// handed to the renderer.
    pub(in crate::engine) fn judge_running(&mut self, cx: &mut Context) {
        let id = StreamId::Main;
        let Some(download) = self.stream(id).and_then(|stream| stream.download()) else { return };
        let Some(attempt) = cx.jobs.get(download.job()).and_then(|job| job.attempt()) else { return };
        // A part of a segment is followed by the rest of it, and one that is announced only is not late.
        if download.plan().segment.part.is_some() {
            return;
        }
        // Counted from the request, so that being woken late once does not make all later ones late.
        let count = cx.now.since(attempt.sent).as_nanos() / JUDGE_EVERY.as_nanos();
        let due = attempt.sent + JUDGE_EVERY * u32::try_from(count).unwrap_or(u32::MAX);
        if due <= download.judged_at().max(attempt.sent) || self.is_committed(cx, id) {
            return;
        }
        let (plan, place) = (download.plan().clone(), self.stream(id).map_or(NextSegment::End, Stream::place));
        let input = self.rule_input(cx, id, place, Some(plan.rep), &plan.ladder);
        let in_flight = abr::InFlight {
            now: cx.now.as_duration(),
            rung: plan.rung,
            size: attempt.announced.or_else(|| Some(plan.segment.size?.saturating_sub(download.earlier_bytes()))),
            received: attempt.bytes,
            elapsed: cx.now.since(attempt.sent),
            ttfb: attempt.began.map(|began| began.since(attempt.sent)),
            buffer: input.buffer,
            segment_duration: plan.segment.duration,
            others: cx.jobs.others_of(attempt),
        };
        if let Some(download) = self.stream_mut(id).and_then(Stream::download_mut) {
            download.note_judged(due);
        }
        if let abr::Verdict::AbandonTo(rung) = cx.rule.on_progress(&in_flight, &input.context(&plan.ladder)) {
            self.abandon(cx, id, place, &plan, rung);
        }
    }

    /// Returns the time at which the running transfer is judged next; `None` for a part, which never is.
    pub(in crate::engine) fn next_judgement(&self, cx: &Context) -> Option<Now> {
        let download = self.main()?.download().filter(|download| download.plan().segment.part.is_none())?;
        let sent = cx.jobs.get(download.job())?.attempt()?.sent;
        (!self.is_committed(cx, StreamId::Main)).then(|| download.judged_at().max(sent) + JUDGE_EVERY)
    }

    /// Gives up what is on its way. What it taught about the network counts already when the rule is asked again what
    /// to fetch instead; `rung` is what it had in mind before.
    fn abandon(&mut self, cx: &mut Context, id: StreamId, place: NextSegment, plan: &SegmentPlan, rung: usize) {
        let ladder = Arc::clone(&plan.ladder);
        let segment = |session: &Self, cx: &Context, rung: usize| {
            let output = session.selection.output();
            let rep = ladder.keys.get(rung).copied();
            let rep = rep.filter(|_| ladder.rungs.get(rung).is_some_and(|rung| rung.protection.needed <= output));
            let step = rep.map(|rep| (rep, schedule::step(session.source.presentation(), place, rep, cx.now)));
            step.unwrap_or((plan.rep, Step::Exhausted))
        };
        let (rep, first) = match segment(self, cx, rung) {
            // Given up once the other one can begin at once.
            (rep, Step::Index(_)) => return self.want_index(cx, rep),
            (_, Step::WaitUntil(_) | Step::AwaitUpdate | Step::Exhausted) => return,
            // Its place would be taken by another again, perhaps by the one that is on its way.
            (_, Step::Segment(segment)) if segment.gap => return,
            (rep, Step::Segment(segment)) => (rep, segment),
        };
        self.cancel_stream(cx, id);
        let input = self.rule_input(cx, id, place, Some(plan.rep), &ladder);
        let again = cx.rule.select(&input.context(&ladder)).representation;
        let (rung, rep, segment) = match segment(self, cx, again) {
            (rep, Step::Segment(segment)) if again != plan.rung && !segment.gap => (again, rep, segment),
            _ => (rung, rep, first),
        };
        let picked = Selection { rep, reason: abr::Reason::Abandoned, ladder, rung, wait: None };
        let outcome = self.plan_segment(cx, id, picked, *segment);
        self.carry_out(cx, outcome);
    }
}

/// Input of the rule, without the ladder.
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
    awaited: Option<AwaitedPart>,
    live: Option<abr::Live>,
    caps: abr::Caps,
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
            awaited: None,
            live: None,
            caps: abr::Caps { max_height: None, max_bitrate_bps: None },
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
            first_picture: self.awaited.as_ref().map(|part| abr::FirstPicture {
                media: part.media,
                waited: part.waited,
                requests: &part.requests,
            }),
            latency: self.live,
            caps: self.caps,
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

/// Returns the error to report if no representation of a set may be requested.
fn nothing_left(reps: Option<&[Representation]>, session: &Session) -> PlayerError {
    let reps = reps.unwrap_or_default();
    let locked = reps.iter().find(|rep| !session.keys.may_unlock(rep)).map(|rep| session.keys.refusal(rep));
    let barred = || {
        let unprotected = reps.iter().any(|rep| !selection::may_show(rep, session.selection.output()));
        let message = "the output lacks the copy protection that every quality asks for";
        unprotected.then(|| PlayerError::fatal(ErrorCode::OutputUnprotected, message))
    };
    locked
        .or_else(barred)
        .unwrap_or_else(|| PlayerError::fatal(ErrorCode::MediaUnavailable, "no representation is left to fetch from"))
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
