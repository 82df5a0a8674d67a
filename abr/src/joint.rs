//! Chooses the rung of audio that goes with the video: both ladders, one link. The video keeps its
//! [`Rule`](crate::Rule); this module decides the share that audio takes of the link.
//!
//! Players divide a link in three ways. Some list every pair as one ladder and pick by the sum (the variants of Shaka
//! Player, the levels of hls.js with the audio groups that each names), so that audio changes whenever video does. Some
//! give each stream a share that grows with the estimate (the allocation checkpoints of ExoPlayer's adaptive
//! selection). Some choose audio once. Here audio has the small share, since a few kilobits of it are heard and the
//! same of video are hardly seen; the pairs of a manifest are obeyed; and audio changes seldom, since a change is heard
//! as well:
//!
//! - a rung is *affordable* if it takes at most an eighth of the estimated rate, and leaves the video the rung that it
//!   could have with less audio, unless that is in the upper third of its ladder;
//! - audio goes up to the rung that was affordable for [`UP_AFTER`] without a break, longer once it had to come down,
//!   and sooner after a first choice without an estimate;
//! - it comes down to the affordable rung if it takes more than a fifth, or costs the video a rung in the lower half of
//!   its ladder, for [`DOWN_AFTER`];
//! - while a first picture is waited for, it stays at the rung whose part of the wait costs at most [`LATER`], and then
//!   goes back to the one before;
//! - it falls to the lowest rung at once during a stall, and when the link hardly carries it while the video is at its
//!   lowest rung or the buffer is short; and at once to the bound of a data saver.
//!
//! This module does not change language, codec or number of channels: the ladder holds representations that may follow
//! each other.

use std::time::Duration;

use serde::Serialize;

use crate::{Caps, Phase, Reason, Rung};

/// Time for which a better rung must have been affordable.
pub const UP_AFTER: Duration = Duration::from_secs(10);
/// That time while the first choice stands that was made without an estimate.
pub const UP_FIRST_AFTER: Duration = Duration::from_secs(2);
/// That time once a rung had to be given up: it is tried again less eagerly.
pub const UP_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// Time for which a rung that costs too much is kept, in case the estimate recovers.
pub const DOWN_AFTER: Duration = Duration::from_secs(6);
/// Buffered media below which audio takes no risk.
pub const SHORT_BUFFER: Duration = Duration::from_secs(5);

/// Time by which audio may delay the first picture of a start or a seek, compared with the lowest rung.
pub const LATER: Duration = Duration::from_millis(100);

/// Largest share of the estimated rate to which audio goes up, as one part in this many.
const SHARE: u64 = 8;
/// Largest share that audio may keep, as one part in this many.
const MOST_SHARE: u64 = 5;

/// State of a session with separate audio. Plain data; rates are bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Situation<'a> {
    /// The current time, from the origin that all calls on one [`Chooser`] share.
    pub now: Duration,
    /// The ladder of the pictures, ascending. It may be empty.
    pub pictures: &'a [Rung],
    /// The ladder of the sound, ascending, at most 64 rungs of it. An empty one is answered with index 0.
    pub sound: &'a [Rung],
    /// For each rung of the pictures the rungs of sound that it may be played with, as a set of bits, the lowest rung
    /// in the lowest bit. `None`, a list of another length and an empty set mean that all go together.
    pub pairs: Option<&'a [u64]>,
    /// The rung of the pictures now.
    pub pictures_now: Option<usize>,
    /// The rung of the sound that was chosen last, whether or not it is fetched already; `None` before the first.
    pub sound_now: Option<usize>,
    /// Estimated capacity of the link ([`Rule::estimate_bps`](crate::Rule::estimate_bps)).
    pub estimate_bps: Option<u64>,
    /// Media ahead of the playhead.
    pub buffer: Duration,
    /// State of playback: start-up, steady, after a seek or stalled.
    pub phase: Phase,
    /// Media of the next segment of audio that a start or a seek waits for; zero if neither does.
    pub awaited: Duration,
    /// Playback rate; 2.0 takes twice as much of the link.
    pub rate: f32,
    /// Bounds of the pictures, without a data saver. Neither they nor copy protection bound the sound.
    pub caps: Caps,
    /// A data saver: what both together may take on average.
    pub total_bps: Option<u64>,
}

impl<'a> Situation<'a> {
    /// The beginning of a session at rate 1 in which everything goes together and nothing is known or bounded.
    #[must_use]
    pub const fn new(pictures: &'a [Rung], sound: &'a [Rung]) -> Self {
        Self {
            now: Duration::ZERO,
            pictures,
            sound,
            pairs: None,
            pictures_now: None,
            sound_now: None,
            estimate_bps: None,
            buffer: Duration::ZERO,
            phase: Phase::StartUp,
            awaited: Duration::ZERO,
            rate: 1.0,
            caps: Caps { max_height: None, max_bitrate_bps: None },
            total_bps: None,
        }
    }

    /// The rung of sound that is heard with `pictures` when `wanted` is wanted: that one, else the next lower one that
    /// may be played with them, else the lowest that may.
    #[must_use]
    pub fn partner(&self, pictures: usize, wanted: usize) -> usize {
        let wanted = wanted.min(self.sound.len().saturating_sub(1));
        let allowed = |rung: &usize| self.pairs_with(pictures, *rung);
        (0..=wanted).rev().find(allowed).or_else(|| (0..self.sound.len()).find(allowed)).unwrap_or(wanted)
    }

    fn pairs_with(&self, pictures: usize, sound: usize) -> bool {
        let list = self.pairs.filter(|list| list.len() == self.pictures.len());
        let mask = list.and_then(|list| list.get(pictures)).copied().unwrap_or(0);
        let known = if self.sound.len() < 64 { mask & ((1 << self.sound.len()) - 1) } else { mask };
        known == 0 || (sound < 64 && known >> sound & 1 == 1)
    }

    /// Returns the rate available to both: the estimate at this playback rate, within the data saver's bound.
    fn means(&self) -> Option<u64> {
        let rate = f64::from(self.rate);
        let rate = if rate > 0.0 { rate } else { 1.0 };
        let link = self.estimate_bps.map(|bps| (bps as f64 / rate) as u64);
        match (link, self.total_bps) {
            (Some(link), Some(total)) => Some(link.min(total)),
            (link, total) => link.or(total),
        }
    }

    fn cost(&self, sound: usize) -> u64 {
        self.sound.get(sound).map_or(0, |rung| rung.bitrate_bps)
    }

    /// The rungs of the pictures within their bounds, with their rates, ascending.
    fn permitted(&self) -> impl DoubleEndedIterator<Item = (usize, u64)> {
        let rungs = self.pictures.iter().enumerate();
        rungs.filter(|(_, rung)| self.caps.permits(rung)).map(|(at, rung)| (at, rung.bitrate_bps))
    }

    /// The lowest pictures that may be shown; if the bounds forbid all, the lowest there are.
    fn lowest(&self) -> Option<(usize, u64)> {
        let any = self.pictures.first().map(|rung| (0, rung.bitrate_bps));
        self.permitted().next().or(any)
    }

    /// Returns the highest rung of video that `means` carry together with `sound`.
    fn carried(&self, sound: usize, means: u64) -> Option<usize> {
        let fits = |(at, rate): &(usize, u64)| rate.saturating_add(self.cost(self.partner(*at, sound))) <= means;
        self.permitted().rev().find(fits).map(|(at, _)| at)
    }

    /// Returns true if `rung` is at least `part` of the way (in thirds or halves: `part.0` of `part.1`) up the
    /// permitted ladder.
    fn is_up(&self, rung: Option<usize>, part: (usize, usize)) -> bool {
        let Some(rung) = rung else { return false };
        let below = self.permitted().filter(|(at, _)| *at < rung).count();
        let top = self.permitted().count().saturating_sub(1);
        below * part.1 >= top * part.0
    }

    /// Returns true if `sound` takes at most one part in `share` of `means` and leaves the video the rung it could have
    /// with the least audio, or at least one that is `part` of the way up.
    fn affords(&self, sound: usize, means: u64, share: u64, part: (usize, usize)) -> bool {
        let (with, without) = (self.carried(sound, means), self.carried(0, means));
        self.cost(sound).saturating_mul(share) <= means && (with == without || self.is_up(with, part))
    }

    /// The highest rung of sound that is affordable.
    fn affordable(&self, means: u64) -> usize {
        let fits = |rung: &usize| self.affords(*rung, means, SHARE, (2, 3));
        (1..self.sound.len()).rev().find(fits).unwrap_or(0)
    }

    /// Returns the highest rung up to `wanted` that delays the first picture by at most [`LATER`].
    fn soon(&self, wanted: usize, means: u64) -> usize {
        let delays = |rung: usize| {
            let more = self.cost(rung).saturating_sub(self.cost(0));
            u128::from(more) * self.awaited.as_nanos() > u128::from(means) * LATER.as_nanos()
        };
        (1..=wanted).rev().find(|rung| !delays(*rung)).unwrap_or(0)
    }

    /// Returns the rung to begin with when nothing is known of the link: the start is for the video.
    fn blind(&self) -> usize {
        let most = self.lowest().map_or(0, |(_, rate)| rate / MOST_SHARE);
        let saver = self.total_bps.map_or(usize::MAX, |total| self.affordable(total));
        self.sound.iter().rposition(|rung| rung.bitrate_bps <= most).unwrap_or(0).min(saver)
    }

    /// Returns true if audio must fall at once: the rest would not play the lowest video with a quarter to spare, or
    /// audio takes too much of it, while there is nothing else to give up.
    fn is_urgent(&self, sound: usize, means: u64) -> bool {
        if self.phase == Phase::Rebuffering {
            return true;
        }
        let (at, rate) = self.lowest().unwrap_or((0, 0));
        let needed = rate.saturating_add(self.cost(sound));
        let tight = needed.saturating_add(needed / 4) > means || self.cost(sound).saturating_mul(MOST_SHARE) > means;
        let bottom = self.pictures_now.is_none_or(|now| now <= at) || self.buffer < SHORT_BUFFER;
        tight && bottom
    }

    /// Returns true if the data saver leaves no room for this sound.
    fn is_over_total(&self, sound: usize) -> bool {
        let lowest = self.lowest().map_or(0, |(_, rate)| rate);
        let over = |total: u64| {
            self.cost(sound).saturating_mul(MOST_SHARE) > total || lowest.saturating_add(self.cost(sound)) > total
        };
        self.total_bps.is_some_and(over)
    }
}

/// The answer to one [`Situation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The rung of sound that is wanted; with pictures that it may not be played with, [`Situation::partner`] is heard.
    pub sound: usize,
    /// Reason for this rung.
    pub reason: Reason,
    /// Highest rung of video that is carried together with it; `None` when nothing is known or none is.
    pub pictures: Option<usize>,
}

/// Chooses the sound of one session. It remembers how long something better was affordable.
///
/// Ask it before each segment, of sound or of pictures; equal calls give equal answers, and none allocates.
///
/// ```
/// use std::time::Duration;
/// use abr::Rung;
/// use abr::joint::{Chooser, Situation, UP_AFTER};
///
/// let pictures = [Rung::new(400_000), Rung::new(1_500_000), Rung::new(4_000_000)];
/// let sound = [Rung::new(64_000), Rung::new(128_000), Rung::new(256_000)];
/// let mut chooser = Chooser::new();
///
/// // Half a megabit is for the pictures.
/// let slow = Situation { estimate_bps: Some(500_000), ..Situation::new(&pictures, &sound) };
/// assert_eq!(chooser.choose(&slow).sound, 0);
///
/// // On a link that carries the top rung with ease, sound goes up, though not at the first sign of it.
/// let fast = |now| Situation {
///     now,
///     sound_now: Some(0),
///     estimate_bps: Some(9_000_000),
///     buffer: Duration::from_secs(20),
///     ..Situation::new(&pictures, &sound)
/// };
/// assert_eq!(chooser.choose(&fast(Duration::from_secs(1))).sound, 0);
/// assert_eq!(chooser.choose(&fast(Duration::from_secs(1) + UP_AFTER)).sound, 2);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Chooser {
    /// The best rung that was affordable all the time, and since when.
    better: Option<(usize, Duration)>,
    /// Since when the present rung has cost too much.
    dear: Option<Duration>,
    /// Nothing was known at the first choice, and it stands.
    blind: bool,
    /// A rung had to be given up before.
    lowered: bool,
    /// The rung that was left for the sake of a first picture.
    put_off: Option<usize>,
}

impl Chooser {
    /// A chooser at the beginning of a session.
    #[must_use]
    pub const fn new() -> Self {
        Self { better: None, dear: None, blind: false, lowered: false, put_off: None }
    }

    /// Chooses the rung of sound.
    pub fn choose(&mut self, situation: &Situation<'_>) -> Choice {
        let (sound, reason) = self.decide(situation);
        let pictures = situation.means().and_then(|means| situation.carried(sound, means));
        Choice { sound, reason, pictures }
    }

    fn decide(&mut self, situation: &Situation<'_>) -> (usize, Reason) {
        if situation.sound.len() < 2 {
            return (0, Reason::Only);
        }
        let Some(now) = situation.sound_now.map(|now| now.min(situation.sound.len() - 1)) else {
            let known = situation.estimate_bps.and(situation.means());
            *self = Self { blind: known.is_none(), ..Self::new() };
            let Some(means) = known else { return (situation.blind(), Reason::StartUp) };
            return (self.hurry(situation, situation.affordable(means), means), Reason::StartUp);
        };
        let Some(means) = situation.means() else { return (now, Reason::Hold) };
        let fits = situation.affordable(means);
        if now > 0 && situation.is_urgent(now, means) {
            return self.lower(0, Reason::BufferLow);
        }
        if now > 0 && situation.is_over_total(now) {
            return self.lower(fits.min(now - 1), Reason::Capped);
        }
        let soon = self.hurry(situation, now, means);
        if soon < now {
            return (soon, Reason::StartUp);
        }
        if situation.awaited.is_zero()
            && let Some(before) = self.put_off.take().filter(|before| *before > now)
        {
            return (before.min(fits.max(now)), Reason::Hold);
        }
        if fits < now && !situation.affords(now, means, MOST_SHARE, (1, 2)) {
            self.better = None;
            let since = *self.dear.get_or_insert(situation.now);
            let kept = situation.now.saturating_sub(since) < DOWN_AFTER;
            return if kept { (now, Reason::Hold) } else { self.lower(fits, Reason::Throughput) };
        }
        self.dear = None;
        self.raise(situation, now, fits)
    }

    /// Returns the rung to take while a first picture is waited for, and remembers the wanted one if it is another.
    fn hurry(&mut self, situation: &Situation<'_>, wanted: usize, means: u64) -> usize {
        let soon = situation.soon(wanted, means);
        if soon < wanted {
            self.put_off.get_or_insert(wanted);
        }
        soon
    }

    fn lower(&mut self, to: usize, reason: Reason) -> (usize, Reason) {
        *self = Self { lowered: true, ..Self::new() };
        (to, reason)
    }

    /// Goes up once something better was affordable for long enough; a short buffer is no time for that.
    fn raise(&mut self, situation: &Situation<'_>, now: usize, fits: usize) -> (usize, Reason) {
        if fits <= now {
            self.better = None;
            return (now, Reason::Hold);
        }
        let (all_along, since) = self.better.unwrap_or((fits, situation.now));
        let target = all_along.min(fits);
        self.better = Some((target, since));
        let wait = match self {
            Self { blind: true, .. } => UP_FIRST_AFTER,
            Self { lowered: true, .. } => UP_AGAIN_AFTER,
            _ => UP_AFTER,
        };
        let ripe = situation.now.saturating_sub(since) >= wait && target > now;
        if !ripe || situation.buffer < SHORT_BUFFER {
            return (now, Reason::Hold);
        }
        (self.better, self.blind) = (None, false);
        (target, Reason::Throughput)
    }
}

#[cfg(test)]
mod tests;
