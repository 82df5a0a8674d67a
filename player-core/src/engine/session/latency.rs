//! Holds the latency of live playback: chooses what is wanted, and carries out what `playback::latency` decides.

use std::time::Duration;

use super::Session;
use crate::engine::buffer::KindList;
use crate::engine::context::Context;
use crate::engine::ids::{RepKey, StreamId};
use crate::engine::playback::{LatencySample, LatencyVerdict};
use crate::model::{Protocol, SegmentList};
use crate::snapshot::State;
use crate::telemetry::LiveDelivery;

/// Media ahead that must remain when the next part arrives: each is a request.
const PART_MARGIN: Duration = Duration::from_millis(300);
/// Media ahead that must remain when the next chunk arrives.
const CHUNK_MARGIN: Duration = Duration::from_millis(130);
/// Media ahead that must remain when the next segment arrives.
const SEGMENT_MARGIN: Duration = Duration::from_millis(500);
/// Added to the distance to the edge by separate audio.
const AUDIO_RESERVE: Duration = Duration::from_millis(250);
/// Latency of a presentation that declares none, in segments.
const DEFAULT_SEGMENTS: u32 = 3;

/// Wanted latency and what may be done to hold it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal {
    /// Distance to the live edge.
    pub(super) distance: Duration,
    pub(super) jump_above: Duration,
    pub(super) margin: Duration,
    pub(super) period: Duration,
}

impl Session {
    /// Returns the wanted distance to the live edge.
    ///
    /// What the host asks for goes before the manifest, and the manifest before what its kind allows: `PART-HOLD-BACK`,
    /// `HOLD-BACK` or three target durations from the end of a playlist (RFC 8216bis §4.4.3.8), `Latency@target`, the
    /// suggested delay, or three segments behind the clock. A latency that cannot be had without stops is raised by
    /// `playback::latency`.
    pub(super) fn goal(&self, cx: &Context, rep: RepKey) -> Option<Goal> {
        let list = self.source.presentation().known_list(rep)?;
        let segment = list.len().checked_sub(1).and_then(|_| list.span(0)).map(|(_, duration)| duration);
        let asked = cx.config.live.latency;
        if let Some(growth) = self.source.growth(rep) {
            let part = growth.part_target.filter(|_| cx.config.live.low_latency && list.has_parts());
            let hold_back = match part {
                // Parts of separate audio end elsewhere than those of the video.
                Some(part) if self.stream(StreamId::Audio).is_some() => {
                    growth.part_hold_back.unwrap_or_default().max(part * 3)
                        + part.clamp(AUDIO_RESERVE, AUDIO_RESERVE * 2)
                }
                Some(part) => growth.part_hold_back.unwrap_or(part * 3),
                None => growth.hold_back.unwrap_or(growth.target_duration * 3),
            };
            // The host counts from the clock; the edge lies behind it.
            let lead = self.source.date_lead(rep, cx.now).unwrap_or(0).max(0).unsigned_abs();
            let least = part.map_or(growth.target_duration, |part| part * 2);
            let asked = asked.map(|asked| asked.saturating_sub(Duration::from_nanos(lead)).max(least));
            let period = part.unwrap_or(growth.target_duration);
            return Some(Goal {
                distance: asked.unwrap_or(hold_back),
                jump_above: (period * 4).max(Duration::from_secs(3)),
                margin: if part.is_some() { PART_MARGIN } else { SEGMENT_MARGIN },
                period,
            });
        }
        let live = self.source.live_description()?;
        let is_chunked = self.is_chunked(rep);
        let segment = segment.or(live.max_segment_duration).unwrap_or(Duration::from_secs(4));
        let declared = live.service.target.or(live.suggested_delay);
        let wanted = asked.or(declared).unwrap_or(segment * DEFAULT_SEGMENTS);
        let least = if is_chunked { CHUNK_MARGIN } else { segment + SEGMENT_MARGIN * 2 };
        let distance = wanted.max(least);
        let max = live.service.max.map(|max| max.saturating_sub(distance));
        let period = if is_chunked { CHUNK_MARGIN } else { segment };
        Some(Goal {
            distance,
            jump_above: max.unwrap_or(Duration::ZERO).max((period * 3).max(Duration::from_secs(3))),
            margin: if is_chunked { CHUNK_MARGIN } else { SEGMENT_MARGIN },
            period,
        })
    }

    pub(super) fn is_chunked(&self, rep: RepKey) -> bool {
        let availability = self.source.presentation().representation(rep).and_then(|rep| rep.availability);
        availability.is_some_and(|availability| availability.is_chunked && !availability.offset.is_zero())
    }

    pub(super) fn delivery(&self, cx: &Context, rep: RepKey) -> LiveDelivery {
        let has_parts = self.source.presentation().known_list(rep).is_some_and(SegmentList::has_parts);
        if has_parts && cx.config.live.low_latency {
            LiveDelivery::Parts
        } else if self.is_chunked(rep) {
            LiveDelivery::Chunks
        } else {
            LiveDelivery::Segments
        }
    }

    /// Holds the latency: sets the rate of playback, or jumps.
    pub(in crate::engine) fn hold_latency(&mut self, cx: &mut Context) {
        if !self.source.is_live() || !self.live.is_placed {
            return;
        }
        let Some(rep) = self.live_rep() else { return };
        self.set_thresholds(cx, rep);
        let Some(latency) = self.latency(cx, rep) else { return };
        let moves = cx.playback.state() == State::Ready && cx.playback.clock().is_running();
        let target = self.goal(cx, rep).map(|goal| self.live.control.target(goal.distance));
        let lead = self.reported_lead(cx, rep);
        cx.ledger.live(
            latency.saturating_add(lead),
            target.map(|target| target.as_secs_f64() + lead as f64 / 1e9),
            moves && cx.playback.has_begun(),
            (cx.utc.source(), cx.utc.error(cx.now), self.delivery(cx, rep)),
            cx.now,
        );
        let is_normal = cx.settings.permille() == 1000;
        if self.live.is_away || !is_normal || !moves || cx.playback.seek().is_some() {
            if self.live.applied != 1000 && (self.live.is_away || !is_normal) {
                self.apply_rate(cx, 1000);
            }
            return;
        }
        let Some(goal) = self.goal(cx, rep) else { return };
        let kinds: KindList = cx.playback.feed().kinds().collect();
        let position = self.position(cx);
        let ahead = self.ahead(&kinds, position).unwrap_or(Duration::MAX);
        let service = self.source.live_description().map(|live| live.service).unwrap_or_default();
        let permille = |rate: f64| (rate * 1000.0).round() as i64;
        let rates = (
            permille(service.min_rate.unwrap_or(0.0).max(cx.config.live.min_rate)),
            permille(service.max_rate.unwrap_or(8.0).min(cx.config.live.max_rate)),
        );
        let sample = LatencySample {
            now: cx.now,
            latency,
            target: goal.distance,
            jump_above: goal.jump_above,
            rates,
            ahead,
            margin: goal.margin,
            period: goal.period,
        };
        match self.live.control.decide(&sample) {
            LatencyVerdict::Rate(rate) => self.apply_rate(cx, rate),
            LatencyVerdict::Jump(by) => {
                let to = self.clamp_live(cx, position + by);
                if to > position {
                    self.jump_live(cx, to, "latency");
                }
            }
        }
    }

    /// The viewer has set a rate, which took the place of the one that held the latency.
    pub(in crate::engine) fn note_rate_set(&mut self) {
        self.live.applied = 1000;
        self.live.control.note_jump();
    }

    pub(super) fn apply_rate(&mut self, cx: &mut Context, permille: i64) {
        if self.live.applied != permille {
            self.live.applied = permille;
            cx.ledger.live_rate_changed();
            cx.playback.set_live_rate(permille, cx.settings.rate, cx.now, &mut cx.effects);
        }
    }

    /// Sets how much media playback needs to start and to go on: no more than the latency leaves room for.
    fn set_thresholds(&self, cx: &mut Context, rep: RepKey) {
        let room = self.goal(cx, rep).map(|goal| self.live.control.target(goal.distance) / 3);
        cx.live_room = room;
    }

    /// Returns the distance from the position to the live edge, in nanoseconds.
    pub(super) fn latency(&self, cx: &Context, rep: RepKey) -> Option<i64> {
        Some(self.source.live_edge(rep, cx.now)?.nanos_from(self.position(cx)))
    }

    /// Returns latency and target as the adaptive rule sees them; `None` on demand, and away from the live edge.
    pub(super) fn rule_latency(&self, cx: &Context) -> Option<abr::Live> {
        if !self.source.is_live() || self.live.is_away {
            return None;
        }
        let rep = self.live_rep()?;
        let latency = Duration::from_nanos(u64::try_from(self.latency(cx, rep)?).unwrap_or(0));
        Some(abr::Live { latency, target: self.live.control.target(self.goal(cx, rep)?.distance) })
    }

    /// Returns what is added to the distance to the edge for reports: where dates are declared and credible, latency
    /// counts from universal time.
    pub(super) fn reported_lead(&self, cx: &Context, rep: RepKey) -> i64 {
        match self.source.presentation().protocol {
            Protocol::Hls => self.source.date_lead(rep, cx.now).unwrap_or(0),
            Protocol::Dash => 0,
        }
    }

    /// A stall has begun: the latency was too low for what arrived.
    pub(super) fn note_live_stall(&mut self, cx: &Context) {
        if self.source.is_live() && !self.live.is_away {
            self.live.control.note_stall(cx.now);
        }
    }
}
