//! One session in virtual time: a film over a link, decided by a rule. On demand, one stream, exact integer time.

use std::time::Duration;

use serde::Serialize;

use crate::{
    Context, InFlight, Phase, Reason, Rule, Transfer, Verdict,
    simulator::{
        link::{Link, Transmission},
        video::Video,
    },
};

/// Number of segments ahead whose sizes the rule sees.
const LOOKAHEAD: usize = 10;
/// Interval at which a running transfer is shown to the rule.
const PROGRESS_EVERY: Duration = Duration::from_millis(50);
/// Bytes that must have arrived since it was last shown.
const PROGRESS_BYTES: u64 = 1500;
/// Times that one segment may be given up; after that it is fetched to its end.
const MOST_ABANDONED: u32 = 16;

/// The player's side of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// A segment is asked for only when it fits below this level.
    pub buffer_goal: Duration,
    /// True if the rule knows the sizes of segments; most HLS does not declare them.
    pub sizes_known: bool,
    /// Moments at which the rule is shown the running transfer.
    pub watch: Watch,
    /// Time at which the session begins on the link's clock.
    pub start: Duration,
    /// True if a segment can be played as far as it has arrived. Models of adaptive streaming count whole segments;
    /// players show what has arrived, which matters when the buffer is nearly empty.
    pub progressive: bool,
    /// Media left when playback halts: players stop a little before they run dry.
    pub reserve: Duration,
}

/// Moments at which a rule is shown the running transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// Every 50 ms from its first byte on when bytes have come; not for the first segment. As scoring protocols do.
    Bytes,
    /// At this interval from the request on. As players with timers do.
    Timer(Duration),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            buffer_goal: Duration::from_secs(30),
            sizes_known: true,
            watch: Watch::Bytes,
            start: Duration::ZERO,
            progressive: false,
            reserve: Duration::ZERO,
        }
    }
}

/// Download and playback of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Played {
    /// The rung that was played.
    pub rung: usize,
    /// Reason for this rung.
    pub reason: Reason,
    /// Time at which the request was made whose answer was played.
    pub requested: Duration,
    /// Time at which its last byte arrived.
    pub arrived: Duration,
    /// Time without picture while it was waited for; start-up is not counted here.
    pub stall: Duration,
    /// Buffer level with it.
    pub buffer: Duration,
}

/// Result of a whole session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Session {
    /// One entry a segment, in order.
    pub segments: Vec<Played>,
    /// From the first request to the end of the first segment.
    pub startup: Duration,
    /// Bytes received in all.
    pub received: u64,
    /// Bytes of transfers that were given up.
    pub wasted: u64,
    /// Number of transfers given up.
    pub abandoned: u32,
}

/// Plays `video` over `link` from the beginning to the end, as fast as the computer can.
///
/// `rule` should be new: it keeps everything that it has learned.
#[must_use]
pub fn play(video: &Video, link: &Link, rule: &mut dyn Rule, settings: Settings) -> Session {
    let mut player = Player {
        video,
        link,
        settings: Settings { buffer_goal: settings.buffer_goal.max(video.segment() * 2), ..settings },
        now: settings.start,
        buffer: Duration::ZERO,
        stall: Duration::ZERO,
        early: Duration::ZERO,
        session: Session::default(),
    };
    for index in 0..video.sizes().len() {
        player.segment(index, rule);
    }
    player.session
}

struct Player<'a> {
    video: &'a Video,
    link: &'a Link,
    settings: Settings,
    now: Duration,
    buffer: Duration,
    /// Stall since the previous segment arrived.
    stall: Duration,
    /// Part of the segment that was played before it had arrived whole.
    early: Duration,
    session: Session,
}

/// End of a transfer.
enum Outcome {
    Complete,
    /// Given up for this rung.
    GivenUp(usize),
}

impl Player<'_> {
    fn segment(&mut self, index: usize, rule: &mut dyn Rule) {
        let duration = self.video.segment();
        self.elapse((self.buffer + duration).saturating_sub(self.settings.buffer_goal), Duration::ZERO);
        let mut last = self.session.segments.last().map(|segment| segment.rung);
        let mut abandoned = 0;
        let mut instead = None;
        loop {
            let decision = rule.select(&self.context(index, last, Duration::ZERO));
            let mut rung = decision.representation.min(self.video.rungs().len() - 1);
            match instead.zip(last) {
                // What was given up is not begun again.
                Some((instead, given_up)) if rung >= given_up => rung = instead,
                Some(_) => {}
                None => self.elapse(decision.wait.unwrap_or_default().min(self.buffer), Duration::ZERO),
            }
            let requested = self.now;
            let first = index == 0 && self.settings.watch == Watch::Bytes;
            let watch = !first && abandoned < MOST_ABANDONED;
            if let Outcome::GivenUp(other) = self.transfer(index, rung, watch, rule) {
                abandoned += 1;
                (last, instead) = (Some(rung), Some(other));
                continue;
            }
            self.buffer = (self.buffer + duration).saturating_sub(self.early);
            self.session.segments.push(Played {
                rung,
                reason: decision.reason,
                requested,
                arrived: self.now,
                stall: std::mem::take(&mut self.stall),
                buffer: self.buffer,
            });
            return;
        }
    }

    /// Fetches one segment; time passes, and the rule observes the transfer.
    fn transfer(&mut self, index: usize, rung: usize, watch: bool, rule: &mut dyn Rule) -> Outcome {
        let size = self.video.sizes()[index][rung];
        let start = self.now;
        let sent = self.link.transmit(start, size);
        let mut end = sent.last_byte;
        let (mut received, mut outcome) = (size, Outcome::Complete);
        if watch && let Some(given_up) = self.watch(index, rung, sent, rule) {
            (end, received) = (given_up.0, given_up.1);
            outcome = Outcome::GivenUp(given_up.2);
        }
        if self.session.segments.is_empty() {
            self.session.startup += end - start;
        }
        let early = match outcome {
            Outcome::Complete if self.settings.progressive => self.played_early(size, sent),
            Outcome::Complete | Outcome::GivenUp(_) => Duration::ZERO,
        };
        self.elapse(end - start, early);
        self.session.received += received;
        rule.on_transfer(&Transfer {
            at: end,
            bytes: received,
            // A transfer may be given up before its first byte.
            ttfb: sent.first_byte.min(end) - start,
            duration: end.saturating_sub(sent.first_byte),
            cached: false,
            concurrent: 1,
            others: 0,
        });
        if let Outcome::GivenUp(_) = outcome {
            self.session.wasted += received;
            self.session.abandoned += 1;
        }
        outcome
    }

    /// Shows the running transfer to the rule; when it was given up, how many bytes had arrived and which rung is to be
    /// fetched instead, if it was.
    fn watch(
        &self,
        index: usize,
        rung: usize,
        sent: Transmission,
        rule: &mut dyn Rule,
    ) -> Option<(Duration, u64, usize)> {
        let mut shown = match self.settings.watch {
            Watch::Bytes => sent.first_byte,
            Watch::Timer(_) => self.now,
        };
        loop {
            shown = match self.settings.watch {
                Watch::Bytes => (shown + PROGRESS_EVERY).max(self.link.arrival(shown, PROGRESS_BYTES)),
                Watch::Timer(interval) => shown + interval.max(Duration::from_millis(1)),
            };
            if shown >= sent.last_byte {
                return None;
            }
            let begun = shown >= sent.first_byte;
            let received = if begun { self.link.bytes_between(sent.first_byte, shown) } else { 0 };
            let elapsed = shown - self.now;
            let context = self.context(index, Some(rung), elapsed);
            let in_flight = InFlight {
                now: shown,
                rung,
                size: Some(self.video.sizes()[index][rung]),
                received,
                elapsed,
                ttfb: begun.then(|| sent.first_byte - self.now),
                buffer: context.buffer,
                segment_duration: self.video.segment(),
                others: 0,
            };
            if let Verdict::AbandonTo(other) = rule.on_progress(&in_flight, &context) {
                return Some((shown, received, context.clamp(other)));
            }
        }
    }

    /// Time passes: the buffer drains, and what it lacks is a stall once something has been shown. `early` of the segment
    /// that arrives at the end may be played before.
    fn elapse(&mut self, time: Duration, early: Duration) {
        self.now += time;
        self.early = Duration::ZERO;
        if !self.session.segments.is_empty() {
            let played = time.min(self.buffer.saturating_sub(self.settings.reserve));
            self.early = early.min(time - played);
            self.stall += time - played - self.early;
            self.buffer -= played;
        }
    }

    /// Returns the part of a segment that can be played while it arrives, until playback has caught up with the
    /// download.
    fn played_early(&self, size: u64, sent: Transmission) -> Duration {
        const STEP: Duration = Duration::from_millis(10);
        let mut played = Duration::ZERO;
        let mut at = self.now + self.buffer.saturating_sub(self.settings.reserve);
        while at < sent.last_byte {
            let come = if at > sent.first_byte { self.link.bytes_between(sent.first_byte, at) } else { 0 };
            if played + self.settings.reserve >= self.video.segment().mul_f64(come as f64 / size.max(1) as f64) {
                break;
            }
            at += STEP;
            played += STEP;
        }
        played
    }

    /// Returns the rule's input for segment `index`, `ahead` of the present.
    fn context(&self, index: usize, last: Option<usize>, ahead: Duration) -> Context<'_> {
        let buffer = self.buffer.saturating_sub(ahead);
        let phase = match (self.session.segments.is_empty(), buffer.is_zero()) {
            (true, _) => Phase::StartUp,
            (false, true) => Phase::Rebuffering,
            (false, false) => Phase::Steady,
        };
        Context {
            now: self.now + ahead,
            last,
            phase,
            buffer,
            buffer_goal: self.settings.buffer_goal,
            next_sizes: self.settings.sizes_known.then(|| self.video.sizes_ahead(index, LOOKAHEAD)),
            segments_left: u32::try_from(self.video.sizes().len() - index).ok(),
            ..Context::new(self.video.rungs(), self.video.segment())
        }
    }
}
