//! A renderer that decodes nothing and paces time like a device.
//!
//! It holds the timing of appended samples, shows pictures by counting them when their time comes, and reports as a
//! real one does. It has no thread and reads no clock: its owner advances the time, so it serves the player without a
//! screen and the simulator alike.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Epoch, FrameCounts, RenderCommand, RenderEvent, Renderer, Waker, Window};
use crate::container::Sample;
use crate::model::MediaKind;
use crate::time::{MediaTime, Now};

/// Interval at which the position is reported while playing.
const REPORT_EVERY: Duration = Duration::from_millis(100);
/// Number of pictures until which frame counts are reported with every position; then once a second.
const EARLY_FRAMES: u64 = 50;
const SPARSE_REPORTS: u32 = 10;
/// The rate is held in millionths, so that positions are exact.
const UNIT: u64 = 1_000_000;

/// One track: start and end of the samples that were appended and not shown yet, in order of presentation.
#[derive(Clone, Debug)]
struct Track {
    kind: MediaKind,
    queue: VecDeque<(MediaTime, MediaTime)>,
    window: Window,
    end: MediaTime,
    /// Decoding time of the last sample appended.
    decoded: MediaTime,
    /// Nothing comes before this.
    gap_until: MediaTime,
    finished: bool,
}

impl Track {
    const fn new(kind: MediaKind, start: MediaTime) -> Self {
        Self {
            kind,
            queue: VecDeque::new(),
            window: Window::ALL,
            end: start,
            decoded: MediaTime::from_nanos(i64::MIN),
            gap_until: start,
            finished: false,
        }
    }

    /// Returns the presentation time of the first sample, unless a gap lies before it.
    fn first(&self, start: MediaTime) -> Option<MediaTime> {
        let (pts, _) = *self.queue.front()?;
        (self.gap_until <= start || pts < self.gap_until).then_some(pts)
    }

    /// Returns true if the track does not hold up the others: what it presents at `start` is settled.
    fn is_ready(&self, start: MediaTime) -> bool {
        self.finished || self.gap_until > start || self.is_first_settled(start)
    }

    /// Returns true if no sample that is still to come can be presented before the first of the queue. A decoder gives
    /// pictures in the order of presentation: one that begins after `start` waits until a sample is decoded at its time
    /// or later, because a sample is never presented before it is decoded (ISO/IEC 14496-12 §8.6.1).
    fn is_first_settled(&self, start: MediaTime) -> bool {
        self.queue.front().is_some_and(|(pts, _)| *pts <= start || *pts <= self.decoded)
    }
}

/// A renderer that decodes nothing and paces time.
#[derive(Clone, Debug, Default)]
pub struct NullRenderer {
    events: VecDeque<RenderEvent>,
    epoch: Option<Epoch>,
    start: MediaTime,
    tracks: Vec<Track>,
    playing: bool,
    /// Rate in units of [`UNIT`].
    rate: u64,
    /// Position of the clock at `at`.
    position: MediaTime,
    /// Remainder of the position, in nanoseconds of [`UNIT`] parts.
    remainder: u64,
    at: Now,
    /// The epoch has begun to be presented.
    shown: bool,
    /// A video frame of the epoch is or was on screen.
    video_shown: bool,
    ended: bool,
    counts: FrameCounts,
    counts_reported: FrameCounts,
    reports: u32,
    next_report: Now,
}

impl NullRenderer {
    /// A renderer with nothing to show.
    pub fn new() -> Self {
        Self { rate: UNIT, ..Self::default() }
    }

    /// The clock runs: pictures move.
    const fn is_running(&self) -> bool {
        self.playing && self.shown && !self.ended
    }

    fn report(&mut self) {
        if let Some(epoch) = self.epoch {
            self.events.push_back(RenderEvent::Position { epoch, position: self.position });
        }
        self.next_report = self.at + REPORT_EVERY;
        self.reports += 1;
        let due = self.counts.presented < EARLY_FRAMES || self.reports.is_multiple_of(SPARSE_REPORTS);
        if due && self.counts != self.counts_reported {
            self.counts_reported = self.counts;
            self.events.push_back(RenderEvent::Frames(self.counts));
        }
    }

    /// The end of everything appended, once nothing more comes.
    fn end(&self) -> Option<MediaTime> {
        let finished = !self.tracks.is_empty() && self.tracks.iter().all(|track| track.finished);
        finished.then(|| self.tracks.iter().map(|track| track.end).max().unwrap_or(self.start))
    }

    fn pass_time(&mut self, now: Now) {
        let wall = now.since(self.at);
        self.at = self.at.max(now);
        if self.is_running() {
            let parts = wall.as_nanos() * u128::from(self.rate) + u128::from(self.remainder);
            self.remainder = (parts % u128::from(UNIT)) as u64;
            let nanos = u64::try_from(parts / u128::from(UNIT)).unwrap_or(u64::MAX);
            self.position = self.position + Duration::from_nanos(nanos);
            if let Some(end) = self.end() {
                self.position = self.position.min(end.max(self.start));
            }
            self.show_due();
        }
    }

    fn show_due(&mut self) {
        let position = self.position;
        for track in &mut self.tracks {
            while let Some((pts, _)) = track.queue.pop_front_if(|(pts, _)| *pts <= position) {
                if track.kind != MediaKind::Video {
                    continue;
                }
                self.counts.presented += 1;
                if !std::mem::replace(&mut self.video_shown, true)
                    && let Some(epoch) = self.epoch
                {
                    self.events.push_back(RenderEvent::FirstFrame { epoch, pts });
                }
            }
        }
    }

    /// Presents the first video frame, or the first audio where there is none, once every track has something to
    /// present at the start; and the end once it is there.
    fn look(&mut self) {
        let Some(epoch) = self.epoch else { return };
        if !self.shown && self.tracks.iter().all(|track| track.is_ready(self.start)) {
            let first = |kind| self.tracks.iter().find(|track| track.kind == kind)?.first(self.start);
            let gap = self.tracks.iter().any(|track| !track.finished).then_some(self.start);
            if let Some(pts) = first(MediaKind::Video) {
                (self.shown, self.video_shown) = (true, true);
                self.events.push_back(RenderEvent::FirstFrame { epoch, pts });
            } else if let Some(pts) = first(MediaKind::Audio).or(gap) {
                self.shown = true;
                self.events.push_back(RenderEvent::FirstAudio { epoch, pts });
            }
        }
        let over = self.end().is_some_and(|end| self.position >= end.max(self.start));
        if over && !self.ended && (self.is_running() || !self.shown) {
            self.report();
            self.ended = true;
            self.events.push_back(RenderEvent::Frames(self.counts));
            self.events.push_back(RenderEvent::Ended { epoch });
        }
    }

    fn flush(&mut self, epoch: Epoch, start: MediaTime, tracks: &[MediaKind]) {
        self.epoch = Some(epoch);
        self.start = start;
        (self.position, self.remainder) = (start, 0);
        (self.shown, self.video_shown, self.ended) = (false, false, false);
        self.tracks = tracks.iter().map(|kind| Track::new(*kind, start)).collect();
        self.events.push_back(RenderEvent::Flushed { epoch });
        self.report();
    }

    fn append(&mut self, kind: MediaKind, samples: &[Sample]) {
        let (position, shown) = (self.position, self.shown);
        let Some(track) = self.tracks.iter_mut().find(|track| track.kind == kind) else { return };
        debug_assert!(samples.iter().all(|sample| sample.crypto.is_none()), "encrypted samples came to the renderer");
        for sample in samples.iter().filter(|sample| track.window.shows(sample.pts, sample.end())) {
            let end = sample.end().min(track.window.until);
            track.end = track.end.max(end);
            track.decoded = sample.dts;
            if end <= position {
                // Before the first picture it is only decoded; after it, it comes too late.
                self.counts.dropped += u64::from(shown && kind == MediaKind::Video);
                continue;
            }
            let at = track.queue.iter().rposition(|(pts, _)| *pts <= sample.pts).map_or(0, |before| before + 1);
            track.queue.insert(at, (sample.pts, end));
        }
    }
}

impl Renderer for NullRenderer {
    fn set_waker(&mut self, _waker: Waker) {
        // Events arise only inside `handle` and `advance`, whose caller asks for them anyway.
    }

    fn handle(&mut self, now: Now, command: RenderCommand) {
        self.pass_time(now);
        let current = |epoch: &Epoch| self.epoch == Some(*epoch);
        match command {
            RenderCommand::Flush { epoch, start, tracks } => self.flush(epoch, start, &tracks),
            RenderCommand::Append { track, samples, epoch } if current(&epoch) => self.append(track, &samples),
            RenderCommand::EndOfTrack { track, epoch } if current(&epoch) => {
                if let Some(track) = self.tracks.iter_mut().find(|known| known.kind == track) {
                    track.finished = true;
                }
            }
            RenderCommand::FlushTrack { track, from, epoch } if current(&epoch) => {
                if let Some(known) = self.tracks.iter_mut().find(|known| known.kind == track) {
                    *known = Track::new(track, from);
                }
            }
            RenderCommand::Configure { track, window, epoch, .. } if current(&epoch) => {
                if let Some(track) = self.tracks.iter_mut().find(|known| known.kind == track) {
                    track.window = window;
                }
            }
            RenderCommand::Gap { track, until, epoch } if current(&epoch) => {
                if let Some(track) = self.tracks.iter_mut().find(|known| known.kind == track) {
                    track.gap_until = track.gap_until.max(until);
                }
            }
            RenderCommand::Append { .. }
            | RenderCommand::Gap { .. }
            | RenderCommand::EndOfTrack { .. }
            | RenderCommand::FlushTrack { .. }
            | RenderCommand::Configure { .. }
            | RenderCommand::SetVolume { .. } => {}
            RenderCommand::SetPlaying(playing) => {
                self.playing = playing;
                self.report();
            }
            RenderCommand::SetRate(rate) => {
                if rate.is_finite() {
                    self.rate = (rate * UNIT as f64).round() as u64;
                }
                self.report();
            }
            RenderCommand::Stop => *self = Self { at: self.at, counts: self.counts, ..Self::new() },
        }
        self.look();
    }

    fn advance(&mut self, now: Now) {
        self.pass_time(now);
        if self.is_running() && self.next_report <= self.at {
            self.report();
        }
        self.look();
    }

    fn poll_event(&mut self, _now: Now) -> Option<RenderEvent> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Now> {
        if !self.is_running() {
            return None;
        }
        let until_end = self.end().map(|end| {
            let parts = end.since(self.position).as_nanos() * u128::from(UNIT);
            let wall = parts.saturating_sub(u128::from(self.remainder)).div_ceil(u128::from(self.rate.max(1)));
            self.at + Duration::from_nanos(u64::try_from(wall).unwrap_or(u64::MAX))
        });
        Some(until_end.map_or(self.next_report, |end| end.min(self.next_report)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::Payload;

    const EPOCH: Epoch = Epoch(3);

    fn at(millis: u64) -> Now {
        Now::from_nanos(millis * 1_000_000)
    }

    fn ms(millis: i64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    fn samples(from: i64, to: i64) -> Vec<Sample> {
        let sample = |pts: i64| Sample {
            pts: ms(pts),
            dts: ms(pts),
            duration: Duration::from_millis(40),
            key: true,
            payload: Payload::default(),
            crypto: None,
        };
        (from..to).step_by(40).map(sample).collect()
    }

    fn begun(start: i64) -> NullRenderer {
        let mut renderer = NullRenderer::new();
        let tracks = vec![MediaKind::Video, MediaKind::Audio];
        renderer.handle(at(0), RenderCommand::Flush { epoch: EPOCH, start: ms(start), tracks });
        renderer
    }

    fn append(renderer: &mut NullRenderer, now: u64, track: MediaKind, from: i64, to: i64) {
        renderer.handle(at(now), RenderCommand::Append { track, samples: samples(from, to), epoch: EPOCH });
    }

    fn events(renderer: &mut NullRenderer) -> Vec<RenderEvent> {
        std::iter::from_fn(|| renderer.poll_event(Now::ZERO)).collect()
    }

    #[test]
    fn the_first_picture_waits_for_every_track_and_for_the_start() {
        let mut renderer = begun(100);
        append(&mut renderer, 10, MediaKind::Video, 0, 400);
        assert!(!events(&mut renderer).iter().any(|event| matches!(event, RenderEvent::FirstFrame { .. })));
        append(&mut renderer, 20, MediaKind::Audio, 80, 400);
        let seen = events(&mut renderer);
        assert!(seen.contains(&RenderEvent::FirstFrame { epoch: EPOCH, pts: ms(80) }), "{seen:?}");
    }

    #[test]
    fn a_picture_after_the_start_waits_for_those_that_are_decoded_after_it_and_presented_before() {
        let picture = |(dts, pts): (i64, i64)| {
            let samples = samples(pts, pts + 40).into_iter().map(|sample| Sample { dts: ms(dts), ..sample });
            RenderCommand::Append { track: MediaKind::Video, samples: samples.collect(), epoch: EPOCH }
        };
        let first = |renderer: &mut NullRenderer| {
            events(renderer).into_iter().find_map(|event| match event {
                RenderEvent::FirstFrame { pts, .. } => Some(pts),
                _ => None,
            })
        };
        // Each case gives the start and the picture, by its place in decoding order, that settles what is presented.
        for (start, settling, shown) in [(0, 0, 0), (60, 3, 40), (90, 2, 80), (125, 1, 120), (160, 6, 160)] {
            let mut renderer = begun(start);
            append(&mut renderer, 0, MediaKind::Audio, start, start + 400);
            let order = [(-80, 0), (-40, 120), (0, 80), (40, 40), (80, 240), (120, 200), (160, 160)];
            for (place, times) in order.into_iter().enumerate() {
                renderer.handle(at(0), picture(times));
                assert_eq!(first(&mut renderer), (place == settling).then(|| ms(shown)), "{start}: {place}");
            }
        }
        let mut renderer = begun(60);
        append(&mut renderer, 0, MediaKind::Audio, 40, 400);
        renderer.handle(at(0), picture((40, 120)));
        assert_eq!(first(&mut renderer), None);
        renderer.handle(at(0), RenderCommand::EndOfTrack { track: MediaKind::Video, epoch: EPOCH });
        assert_eq!(first(&mut renderer), Some(ms(120)), "no other picture comes");
    }

    #[test]
    fn it_plays_to_the_end_at_its_rate_and_counts_every_picture_once() {
        let mut renderer = begun(0);
        append(&mut renderer, 0, MediaKind::Video, 0, 2000);
        append(&mut renderer, 0, MediaKind::Audio, 0, 2000);
        for track in [MediaKind::Video, MediaKind::Audio] {
            renderer.handle(at(0), RenderCommand::EndOfTrack { track, epoch: EPOCH });
        }
        renderer.handle(at(0), RenderCommand::SetRate(2.0));
        renderer.handle(at(0), RenderCommand::SetPlaying(true));
        let mut now = Now::ZERO;
        while let Some(next) = renderer.poll_timeout() {
            assert!(next > now && next.since(now) <= REPORT_EVERY);
            now = next;
            renderer.advance(now);
        }
        assert_eq!(now, at(1000));
        let seen = events(&mut renderer);
        assert_eq!(seen.last(), Some(&RenderEvent::Ended { epoch: EPOCH }));
        assert_eq!(renderer.counts.presented, 50);
        assert_eq!(renderer.counts.dropped, 0);
    }

    #[test]
    fn a_hundred_changes_of_rate_keep_the_position_exact_and_every_picture() {
        let mut renderer = begun(0);
        for track in [MediaKind::Video, MediaKind::Audio] {
            append(&mut renderer, 0, track, 0, 60_000);
            renderer.handle(at(0), RenderCommand::EndOfTrack { track, epoch: EPOCH });
        }
        renderer.handle(at(0), RenderCommand::SetPlaying(true));
        let (mut now, mut millionths) = (0_u64, 0_u128);
        for change in 0..100_u64 {
            let rate = 900_000 + change * 7_919 % 200_000;
            renderer.handle(Now::from_nanos(now), RenderCommand::SetRate(rate as f64 / 1e6));
            // At uneven times, between which the owner lets time pass more often than needed.
            for _ in 0..7 {
                let step = 79_999_991 + change;
                (now, millionths) = (now + step, millionths + u128::from(step * rate));
                renderer.advance(Now::from_nanos(now));
                assert_eq!(renderer.position.as_nanos() as u128, millionths / 1_000_000);
                let shown = renderer.position.as_nanos() as u64 / 40_000_000 + 1;
                assert_eq!(renderer.counts, FrameCounts { presented: shown, ..FrameCounts::default() });
            }
        }
        renderer.handle(Now::from_nanos(now), RenderCommand::SetRate(f64::NAN));
        while let Some(next) = renderer.poll_timeout() {
            assert!(next > Now::from_nanos(now));
            now = next.as_nanos();
            renderer.advance(next);
        }
        assert_eq!(renderer.position, ms(60_000));
        assert_eq!(renderer.counts, FrameCounts { presented: 1_500, ..FrameCounts::default() });
        let seen = events(&mut renderer);
        assert_eq!(seen.last(), Some(&RenderEvent::Ended { epoch: EPOCH }));
        assert!(!seen.iter().any(|event| matches!(event, RenderEvent::FlushWanted { .. })));
    }

    #[test]
    fn pictures_that_come_too_late_are_dropped_and_old_epochs_are_ignored() {
        let mut renderer = begun(0);
        append(&mut renderer, 0, MediaKind::Video, 0, 400);
        append(&mut renderer, 0, MediaKind::Audio, 0, 4000);
        renderer.handle(at(0), RenderCommand::SetPlaying(true));
        renderer.advance(at(1000));
        append(&mut renderer, 1000, MediaKind::Video, 400, 1200);
        assert_eq!(renderer.counts.dropped, 15);
        let old = RenderCommand::Append { track: MediaKind::Video, samples: samples(0, 40), epoch: Epoch(2) };
        renderer.handle(at(1000), old);
        assert_eq!(renderer.counts.dropped, 15);
    }
}
