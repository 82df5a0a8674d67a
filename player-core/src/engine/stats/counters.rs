//! Session counters. Callers decide when an event counts.

use std::time::Duration;

use super::latency_log::LatencyLog;
use crate::engine::io::FetchKind;
use crate::engine::memory::MemoryUse;
use crate::render::FrameCounts;
use crate::telemetry::{ClockSource, Failover, FrameAccount, LiveDelivery, Seek, SessionStats, Stall, Switch};
use crate::time::{MediaTime, Now};

/// Most samples of picture against sound that are kept.
const MOST_SYNC_SAMPLES: usize = 4096;
/// Number of pictures in a row, all on time, after which video counts as moving.
const MOVING_FRAMES: u64 = 10;

/// Time after the first picture from which on the latency counts: a session joins before.
const LATENCY_FROM: Duration = Duration::from_secs(5);

/// A mean weighted by time.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    fn add(&mut self, value: f64, span: Duration) {
        self.sum += value * span.as_secs_f64();
        self.weight += span.as_secs_f64();
    }

    fn get(self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

/// Playback as it is at one instant.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct PlayheadSample {
    /// Position of playback.
    pub position: MediaTime,
    /// Playback is running, so that its position moves.
    pub moving: bool,
    /// Media ahead; `None` when all of it is here and it can only shrink.
    pub ahead: Option<Duration>,
    /// Declared bitrate of what is on screen.
    pub bitrate: Option<u64>,
}

/// Counters of one session.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Ledger {
    stats: SessionStats,
    loaded_at: Now,
    looked_at: Option<(Now, MediaTime, bool)>,
    fetched: Mean,
    shown: Mean,
    buffer: Mean,
    stalled_since: Option<Now>,
    on_time_since: u64,
    dropped_before: u64,
    /// Counts of the renderer before the session.
    frames_before: Option<FrameCounts>,
    live: LatencyLog,
}

impl Ledger {
    /// Creates the counters of a session that is loaded at `now`.
    pub(in crate::engine) fn new(now: Now) -> Self {
        Self { loaded_at: now, ..Self::default() }
    }

    /// A request was made, perhaps again.
    pub(in crate::engine) fn requested(&mut self, again: bool) {
        self.stats.requests += 1;
        self.stats.retries += u64::from(again);
    }

    /// Counts bytes received, by the purpose of their request.
    pub(in crate::engine) fn received(&mut self, kind: FetchKind, bytes: u64) {
        match kind {
            FetchKind::Manifest | FetchKind::Index | FetchKind::Key => self.stats.bytes_manifest += bytes,
            FetchKind::Init | FetchKind::Segment | FetchKind::Text => self.stats.bytes_media += bytes,
        }
    }

    /// Notes the memory in use.
    pub(in crate::engine) fn memory(&mut self, now: &MemoryUse) {
        now.note_in(&mut self.stats.memory);
    }

    /// Media bytes will never be presented.
    pub(in crate::engine) fn wasted(&mut self, bytes: u64) {
        self.stats.bytes_wasted += bytes;
    }

    /// A phase of the start has ended; only the first end counts.
    pub(in crate::engine) fn phase(&mut self, name: &str, now: Now) {
        if !self.stats.startup_phases.contains_key(name) {
            self.stats.startup_phases.insert(name.to_owned(), now.since(self.loaded_at));
        }
    }

    /// The first video frame is on screen.
    pub(in crate::engine) fn first_frame(&mut self, now: Now) {
        self.begun("first_frame", now);
    }

    /// The first audio is presented, and no video.
    pub(in crate::engine) fn first_audio(&mut self, now: Now) {
        self.begun("first_audio", now);
    }

    fn begun(&mut self, phase: &str, now: Now) {
        self.phase(phase, now);
        self.stats.startup.get_or_insert(now.since(self.loaded_at));
    }

    /// True before the first video frame or audio.
    pub(in crate::engine) const fn is_starting(&self) -> bool {
        self.stats.startup.is_none()
    }

    /// A segment of a declared bitrate was fetched.
    pub(in crate::engine) fn segment(&mut self, bitrate: u64, span: Duration) {
        self.fetched.add(bitrate as f64, span);
        self.stats.bitrate_fetched = self.fetched.get();
    }

    /// Counts what was played since the last sample.
    pub(in crate::engine) fn count_playing(&mut self, look: PlayheadSample, now: Now) {
        if let Some((then, before, moved)) = self.looked_at {
            // Between two looks nothing but playing moves the playhead: everything else calls `moved`.
            let media = look.position.since(before);
            let wall = if moved { now.since(then) } else { Duration::ZERO };
            self.stats.played += media;
            self.stats.played_wall += wall;
            if let Some(bitrate) = look.bitrate.filter(|_| !media.is_zero()) {
                self.shown.add(bitrate as f64, media);
                self.stats.bitrate_shown = self.shown.get();
            }
            if let Some(ahead) = look.ahead.filter(|_| !wall.is_zero()) {
                self.buffer.add(ahead.as_secs_f64(), wall);
                self.stats.buffer_mean = self.buffer.get().map(Duration::from_secs_f64);
                self.stats.buffer_min = Some(self.stats.buffer_min.map_or(ahead, |least| least.min(ahead)));
            }
        }
        // A report of the renderer may lie a little behind what was extrapolated: that time is not counted twice.
        let position = self.looked_at.map_or(look.position, |(_, before, _)| before.max(look.position));
        self.looked_at = Some((now, position, look.moving));
    }

    /// The playhead moves without playing; `counts` when it is a gap that was jumped over.
    pub(in crate::engine) fn moved(&mut self, from: MediaTime, to: MediaTime, counts: bool) {
        if let Some((_, before, _)) = self.looked_at {
            self.stats.played += from.since(before);
        }
        if counts {
            self.stats.played += to.since(from);
        }
        // Nothing moves until the next look, which counts from here.
        self.looked_at = Some((self.loaded_at, to, false));
    }

    /// An epoch begins at a time: what is played from there on counts.
    pub(in crate::engine) fn begins_at(&mut self, start: MediaTime, now: Now) {
        self.looked_at = Some((now, start, false));
    }

    /// Playback stopped for want of media.
    pub(in crate::engine) fn stall_started(&mut self, at: MediaTime, reason: &str, now: Now) {
        self.stalled_since = Some(now);
        self.stats.stalls.push(Stall { at, duration: Duration::ZERO, reason: reason.to_owned() });
    }

    /// The stall is over: gives its length, when there was one.
    pub(in crate::engine) fn stall_ended(&mut self, now: Now) -> Option<Duration> {
        let duration = now.since(self.stalled_since.take()?);
        if let Some(stall) = self.stats.stalls.last_mut() {
            stall.duration = duration;
        }
        Some(duration)
    }

    /// Another quality is on screen.
    pub(in crate::engine) fn switched(&mut self, at: MediaTime, from: &str, to: &str, reason: &str) {
        let switch = Switch { at, from: from.to_owned(), to: to.to_owned(), reason: reason.to_owned() };
        self.stats.switches.push(switch);
    }

    /// A seek ended, or was overtaken.
    pub(in crate::engine) fn seek(&mut self, to: MediaTime, outcome: Option<(Duration, i64)>) {
        let (latency, error_nanos) = outcome.unzip();
        self.stats.seeks.push(Seek { to, latency, error_nanos });
    }

    /// A location was excluded.
    pub(in crate::engine) fn failover(&mut self, failover: Failover) {
        self.stats.failovers.push(failover);
    }

    /// An epoch begins. Before the first one the renderer has `counted` for other sessions only.
    pub(in crate::engine) const fn begin_frames(&mut self, counted: FrameCounts) {
        if self.frames_before.is_none() {
            self.frames_before = Some(counted);
        }
    }

    /// Counts of the renderer in the session.
    pub(in crate::engine) const fn frame_counts(&self) -> FrameCounts {
        self.stats.frames
    }

    /// The session ends with this account.
    pub(in crate::engine) const fn close_account(&mut self, account: FrameAccount) {
        self.stats.account = account;
    }

    /// The renderer counted pictures.
    pub(in crate::engine) fn frames(&mut self, frames: FrameCounts, now: Now) {
        let Some(before) = self.frames_before else { return };
        let frames = FrameCounts {
            presented: frames.presented.saturating_sub(before.presented),
            dropped: frames.dropped.saturating_sub(before.dropped),
            repeated: frames.repeated.saturating_sub(before.repeated),
            corrupt: frames.corrupt.saturating_sub(before.corrupt),
        };
        if frames.dropped > self.dropped_before {
            self.dropped_before = frames.dropped;
            self.on_time_since = frames.presented;
        }
        if self.stats.moving.is_none() && frames.presented >= self.on_time_since + MOVING_FRAMES {
            self.stats.moving = Some(now.since(self.loaded_at));
        }
        self.stats.frames = frames;
    }

    /// The renderer measured picture against sound.
    pub(in crate::engine) fn av_sync(&mut self, nanos: i64) {
        if self.stats.av_sync_nanos.len() == MOST_SYNC_SAMPLES {
            self.stats.av_sync_nanos.remove(0);
        }
        self.stats.av_sync_nanos.push(nanos);
    }

    /// Notes the latency of live playback, in nanoseconds, and the one that is held, in seconds. It counts while the
    /// position `moves`.
    pub(in crate::engine) fn live(
        &mut self,
        latency: i64,
        target: Option<f64>,
        moves: bool,
        (clock, clock_error, delivery): (Option<ClockSource>, Option<Duration>, LiveDelivery),
        now: Now,
    ) {
        if let Some(startup) = self.stats.startup {
            let counts_from = self.loaded_at + startup + LATENCY_FROM;
            self.live.note(latency, moves && now >= counts_from, now);
        }
        let live = self.stats.live.get_or_insert_default();
        (live.target, live.clock, live.clock_error, live.delivery) = (target, clock, clock_error, delivery);
    }

    /// Counts a change of rate made to hold the latency.
    pub(in crate::engine) fn live_rate_changed(&mut self) {
        self.stats.live.get_or_insert_default().rate_changes += 1;
    }

    /// Counts a return into the window, or a jump to the wanted latency.
    pub(in crate::engine) fn live_recovered(&mut self) {
        self.stats.live.get_or_insert_default().recoveries += 1;
    }

    /// The counters as of now.
    pub(in crate::engine) fn stats(&self, now: Now, ahead: Duration, estimate_bps: Option<u64>) -> SessionStats {
        let mut stats = self.stats.clone();
        if let (Some(since), Some(stall)) = (self.stalled_since, stats.stalls.last_mut()) {
            stall.duration = now.since(since);
        }
        if let Some(live) = &mut stats.live {
            (live.latency_mean, live.latency_p95) = self.live.get();
        }
        stats.buffer_now = ahead;
        stats.bandwidth_estimate = estimate_bps;
        stats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Now {
        Now::from_nanos(millis * 1_000_000)
    }

    fn look(millis: i64, moving: bool) -> PlayheadSample {
        PlayheadSample { position: MediaTime::from_millis(millis), moving, ahead: None, bitrate: Some(1000) }
    }

    #[test]
    fn only_time_that_was_played_counts_and_never_twice() {
        let mut ledger = Ledger::new(at(0));
        ledger.count_playing(look(0, true), at(100));
        ledger.count_playing(look(100, true), at(200));
        ledger.count_playing(look(95, true), at(210));
        ledger.count_playing(look(200, false), at(300));
        ledger.count_playing(look(200, true), at(9_000));
        ledger.moved(MediaTime::from_millis(230), MediaTime::from_millis(50_000), false);
        ledger.count_playing(look(50_040, true), at(9_100));
        ledger.moved(MediaTime::from_millis(50_100), MediaTime::from_millis(51_000), true);
        let stats = ledger.stats(at(9_200), Duration::ZERO, None);
        assert_eq!(stats.played, Duration::from_millis(200 + 30 + 100 + 900));
        assert_eq!(stats.played_wall, Duration::from_millis(200));
        assert!(stats.bitrate_shown.is_some_and(|bitrate| (bitrate - 1000.0).abs() < 1e-6), "{stats:?}");
        assert_eq!(stats.buffer_min, None, "what was not measured is absent");
    }

    #[test]
    fn moving_needs_ten_pictures_in_a_row() {
        let mut ledger = Ledger::new(at(0));
        let counts = |presented, dropped| FrameCounts { presented, dropped, repeated: 0, corrupt: 0 };
        ledger.begin_frames(FrameCounts::default());
        ledger.frames(counts(8, 1), at(300));
        ledger.frames(counts(17, 1), at(700));
        assert_eq!(ledger.stats(at(700), Duration::ZERO, None).moving, None);
        ledger.frames(counts(18, 1), at(800));
        assert_eq!(ledger.stats(at(900), Duration::ZERO, None).moving, Some(Duration::from_millis(800)));
    }

    #[test]
    fn rates_are_means_over_media_and_buffers_over_wall_time() {
        let mut ledger = Ledger::new(at(0));
        let look = |millis, ahead: u64, bitrate| PlayheadSample {
            position: MediaTime::from_millis(millis),
            moving: true,
            ahead: Some(Duration::from_secs(ahead)),
            bitrate: Some(bitrate),
        };
        // A second at double speed, then two at ordinary speed.
        ledger.count_playing(look(0, 0, 0), at(0));
        ledger.count_playing(look(2000, 8, 1000), at(1000));
        ledger.count_playing(look(4000, 2, 3000), at(3000));
        let stats = ledger.stats(at(3000), Duration::ZERO, None);
        assert_eq!((stats.bitrate_shown, stats.buffer_mean), (Some(2000.0), Some(Duration::from_secs(4))));
        assert_eq!((stats.played, stats.played_wall), (Duration::from_secs(4), Duration::from_secs(3)));
    }

    #[test]
    fn what_is_played_counts_from_the_begin_of_its_epoch() {
        let mut ledger = Ledger::new(at(0));
        ledger.count_playing(look(0, true), at(0));
        ledger.count_playing(look(1000, true), at(1000));
        ledger.begins_at(MediaTime::from_millis(60_000), at(3000));
        ledger.count_playing(look(60_500, true), at(4000));
        let stats = ledger.stats(at(4000), Duration::ZERO, None);
        assert_eq!((stats.played, stats.played_wall), (Duration::from_millis(1500), Duration::from_millis(1000)));
    }

    #[test]
    fn means_are_weighted_by_the_time_that_each_value_held() {
        let mut ledger = Ledger::new(at(0));
        let look = |millis, ahead: Option<u64>, bitrate| PlayheadSample {
            position: MediaTime::from_millis(millis),
            moving: true,
            ahead: ahead.map(Duration::from_secs),
            bitrate,
        };
        ledger.count_playing(look(0, Some(99), Some(99)), at(0));
        ledger.count_playing(look(1000, Some(10), Some(1000)), at(1000));
        ledger.count_playing(look(4000, Some(2), Some(2000)), at(4000));
        ledger.count_playing(look(4000, Some(1), Some(7)), at(4000));
        ledger.count_playing(look(5000, None, None), at(5000));
        let stats = ledger.stats(at(5000), Duration::from_secs(3), Some(8));
        assert_eq!(stats.buffer_mean, Some(Duration::from_secs(4)), "one second of ten, three of two");
        assert_eq!(stats.buffer_min, Some(Duration::from_secs(2)));
        assert_eq!(stats.bitrate_shown, Some(1750.0));
        assert_eq!((stats.buffer_now, stats.bandwidth_estimate), (Duration::from_secs(3), Some(8)));
        ledger.segment(1000, Duration::from_secs(1));
        ledger.segment(4000, Duration::from_secs(2));
        assert_eq!(ledger.stats(at(5000), Duration::ZERO, None).bitrate_fetched, Some(3000.0));
    }

    #[test]
    fn stalls_requests_bytes_and_phases_count_where_they_belong() {
        let mut ledger = Ledger::new(at(1000));
        ledger.requested(false);
        ledger.requested(true);
        for (kind, bytes) in [
            (FetchKind::Manifest, 1),
            (FetchKind::Index, 2),
            (FetchKind::Key, 4),
            (FetchKind::Init, 8),
            (FetchKind::Segment, 16),
            (FetchKind::Text, 32),
        ] {
            ledger.received(kind, bytes);
        }
        ledger.wasted(64);
        ledger.phase("manifest", at(1100));
        ledger.phase("manifest", at(1200));
        assert!(ledger.is_starting());
        ledger.first_audio(at(1500));
        ledger.first_frame(at(1700));
        assert!(!ledger.is_starting());
        assert_eq!(ledger.stall_ended(at(1800)), None, "there was none");
        ledger.stall_started(MediaTime::from_millis(5000), "failover", at(2000));
        assert_eq!(ledger.stats(at(2300), Duration::ZERO, None).stalls[0].duration, Duration::from_millis(300));
        assert_eq!(ledger.stall_ended(at(2500)), Some(Duration::from_millis(500)));
        assert_eq!(ledger.stall_ended(at(2600)), None);
        let stats = ledger.stats(at(9000), Duration::ZERO, None);
        let stall =
            Stall { at: MediaTime::from_millis(5000), duration: Duration::from_millis(500), reason: "failover".into() };
        assert_eq!(stats.stalls, [stall]);
        assert_eq!((stats.requests, stats.retries), (2, 1));
        assert_eq!((stats.bytes_manifest, stats.bytes_media, stats.bytes_wasted), (7, 56, 64));
        assert_eq!(stats.startup, Some(Duration::from_millis(500)), "whichever is first");
        let phases: Vec<(&str, u128)> =
            stats.startup_phases.iter().map(|(name, span)| (name.as_str(), span.as_millis())).collect();
        assert_eq!(phases, [("first_audio", 500), ("first_frame", 700), ("manifest", 100)]);
    }

    #[test]
    fn frames_of_sessions_before_are_not_counted_and_a_late_one_begins_the_row_anew() {
        let counts = |presented, dropped| FrameCounts { presented, dropped, repeated: 2, corrupt: 1 };
        let mut ledger = Ledger::new(at(0));
        ledger.frames(counts(500, 5), at(10));
        assert_eq!(ledger.frame_counts(), FrameCounts::default(), "no epoch has begun");
        ledger.begin_frames(FrameCounts { presented: 100, dropped: 10, repeated: 1, corrupt: 1 });
        ledger.begin_frames(FrameCounts { presented: 400, ..FrameCounts::default() });
        ledger.frames(counts(109, 10), at(20));
        assert_eq!(ledger.frame_counts(), FrameCounts { presented: 9, dropped: 0, repeated: 1, corrupt: 0 });
        ledger.frames(counts(110, 11), at(30));
        ledger.frames(counts(119, 11), at(40));
        assert_eq!(ledger.stats(at(40), Duration::ZERO, None).moving, None);
        ledger.frames(counts(120, 11), at(50));
        ledger.frames(counts(130, 11), at(60));
        assert_eq!(ledger.stats(at(60), Duration::ZERO, None).moving, Some(Duration::from_millis(50)));
    }

    #[test]
    fn samples_of_synchronisation_are_the_latest() {
        let mut ledger = Ledger::new(at(0));
        (0..MOST_SYNC_SAMPLES as i64 + 3).for_each(|sample| ledger.av_sync(sample));
        let kept = ledger.stats(at(0), Duration::ZERO, None).av_sync_nanos;
        assert_eq!((kept.len(), kept.first(), kept.last()), (MOST_SYNC_SAMPLES, Some(&3), Some(&4098)));
    }
}
