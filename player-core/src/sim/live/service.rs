//! State of a service at a time: renditions, chunks, what is complete and what is listed.

use std::time::Duration;

use super::super::film::{AAC_FRAME, AUDIO_SCALE, TRACK};
use super::super::packaging::SECOND_TRACK;
use super::film::{LiveContainer, LiveFilm, LowLatency};
use super::timeline::{Segment, Timeline, nanos};
use super::track::{Span, Track};
use super::truth::MOST_BYTES;
use crate::model::MediaKind;
use crate::time::Now;

/// Duration of a video sample in ticks.
const VIDEO_TICK: u32 = 1000;
/// Chunks of a segment without low latency: they are sent as one, and read one by one.
const CHUNKS: u64 = 4;
/// A rung or a voice with its tracks.
#[derive(Clone, Debug)]
pub(super) struct Rendition {
    /// `v` for video and `a` for audio.
    pub(super) group: &'static str,
    /// Name of the rung or the voice.
    pub(super) name: String,
    /// Its tracks; the first one has the boundaries.
    pub(super) tracks: Vec<Track>,
    /// Width and height of the video.
    pub(super) size: Option<(u16, u16)>,
    /// Nominal duration of a chunk.
    step: u64,
}

impl Rendition {
    /// Returns the track whose boundaries are those of the segments.
    pub(super) fn main(&self) -> &Track {
        &self.tracks[0]
    }
}

/// A piece of a segment: a part of HLS, a chunk of CMAF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Its samples by track.
    pub(super) spans: Vec<Span>,
    /// Service time at which it is published.
    pub(super) available: u64,
    /// It begins with a key frame.
    pub(super) is_independent: bool,
    /// Its media is missing.
    pub(super) is_gap: bool,
}

/// A service with its timeline.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) film: LiveFilm,
    pub(super) timeline: Timeline,
}

impl Service {
    /// # Panics
    /// If the description contradicts itself.
    pub(super) fn new(film: LiveFilm) -> Self {
        assert!(film.frame_rate > 0 && !film.gop.is_zero(), "there are frames, and key frames among them");
        let is_muxed = film.muxed.is_some();
        assert!(film.voices.is_empty() || !is_muxed, "audio is separate or in the files of the video");
        assert!(film.container == LiveContainer::Cmaf || is_muxed, "transport streams hold the audio");
        assert!(film.audio_shift < film.segment, "audio begins within its segment");
        let timeline = Timeline::new(&film);
        Self { film, timeline }
    }

    /// Returns the service time of a session's time.
    pub(super) fn at(&self, now: Now) -> u64 {
        nanos(self.film.age).saturating_add(now.as_nanos())
    }

    /// Returns the time of the session at a service time; its beginning for earlier ones.
    pub(super) fn now(&self, time: u64) -> Now {
        Now::from_nanos(time.saturating_sub(nanos(self.film.age)))
    }

    fn track(&self, number: u32, kind: MediaKind, rate: u64) -> Track {
        let film = &self.film;
        let (scale, tick) = match kind {
            MediaKind::Video => (film.frame_rate * VIDEO_TICK, VIDEO_TICK),
            MediaKind::Audio | MediaKind::Text => (AUDIO_SCALE, AAC_FRAME),
        };
        let frames = nanos(film.gop) * u64::from(film.frame_rate) / 1_000_000_000;
        let is_audio = kind == MediaKind::Audio;
        Track {
            number,
            kind,
            scale,
            tick,
            shift: if is_audio && film.muxed.is_none() { nanos(film.audio_shift) } else { 0 },
            key_every: if is_audio { 1 } else { frames.max(1) },
            bytes: (rate * u64::from(tick) / (8 * u64::from(scale))).clamp(1, MOST_BYTES) as usize,
            ahead: (film.media_offset.as_nanos() * u128::from(scale) / 1_000_000_000) as u64,
        }
    }

    /// Returns a rendition by its group and name.
    pub(super) fn rendition(&self, group: &str, name: &str) -> Option<Rendition> {
        let film = &self.film;
        let step = |part: fn(LowLatency) -> Duration| {
            film.low_latency.map_or(nanos(film.segment) / CHUNKS, |it| nanos(part(it))).max(1)
        };
        match group {
            "v" => {
                let rung = film.ladder.iter().find(|rung| rung.id == name)?;
                let audio = film.muxed.map(|rate| self.track(SECOND_TRACK, MediaKind::Audio, rate));
                let tracks = [self.track(TRACK, MediaKind::Video, rung.bitrate)].into_iter().chain(audio).collect();
                let step = step(|it| it.part);
                Some(Rendition { group: "v", name: name.to_owned(), tracks, size: Some(rung.size), step })
            }
            "a" => {
                let voice = film.voices.iter().find(|voice| voice.language == name)?;
                let tracks = vec![self.track(TRACK, MediaKind::Audio, voice.bitrate)];
                let step = step(|it| it.audio_part);
                Some(Rendition { group: "a", name: name.to_owned(), tracks, size: None, step })
            }
            _ => None,
        }
    }

    /// Returns all renditions, video first.
    pub(super) fn renditions(&self) -> Vec<Rendition> {
        let rungs = self.film.ladder.iter().filter_map(|rung| self.rendition("v", &rung.id));
        rungs.chain(self.film.voices.iter().filter_map(|voice| self.rendition("a", &voice.language))).collect()
    }

    /// Returns the longest duration of a part in nanoseconds.
    pub(super) fn part_target(rendition: &Rendition) -> u64 {
        let Track { scale, tick, .. } = rendition.main();
        let sample = u128::from(*tick) * 1_000_000_000;
        let samples = (u128::from(rendition.step) * u128::from(*scale)).div_ceil(sample);
        ((samples * sample).div_ceil(u128::from(*scale))) as u64
    }

    /// Returns the chunks of a segment in order, without those that have no sample.
    pub(super) fn chunks(&self, rendition: &Rendition, segment: &Segment) -> Vec<Chunk> {
        let main = rendition.main();
        let (start, end) = main.bounds(segment);
        let starts = (start..end).step_by(usize::try_from(rendition.step).unwrap_or(usize::MAX));
        let chunk = |start: u64| {
            let end = (start + rendition.step).min(end);
            let spans: Vec<Span> = rendition.tracks.iter().map(|track| track.span(segment, start, end)).collect();
            let first = spans[0];
            let ends = spans.iter().map(|span| span.track.time_of(segment, span.last));
            let available = ends.max().unwrap_or(end) + nanos(self.film.encoding);
            (first.first < first.last).then(|| Chunk {
                available,
                is_independent: main.is_key(segment, first.first),
                is_gap: self.is_gap(start),
                spans,
            })
        };
        starts.filter_map(chunk).collect()
    }

    fn is_gap(&self, time: u64) -> bool {
        let age = self.film.age;
        self.film.gaps.iter().any(|(from, until)| (nanos(age + *from)..nanos(age + *until)).contains(&time))
    }

    /// Returns true if media of a segment is missing.
    pub(super) fn has_gap(&self, rendition: &Rendition, segment: &Segment) -> bool {
        !self.film.gaps.is_empty() && self.chunks(rendition, segment).iter().any(|chunk| chunk.is_gap)
    }

    /// Returns the service time at which a segment is complete.
    pub(super) fn completed_at(&self, rendition: &Rendition, segment: &Segment) -> u64 {
        let ends = rendition.tracks.iter().map(|track| track.time_of(segment, track.whole(segment).last));
        ends.max().unwrap_or(segment.end) + nanos(self.film.encoding)
    }

    /// Returns the last segment that is complete at a service time, unless the origin has begun anew since.
    pub(super) fn last_complete(&self, rendition: &Rendition, time: u64) -> Option<Segment> {
        self.last_before(time, |segment| self.completed_at(rendition, segment))
    }

    /// Returns the last segment for which a service time has come, unless the origin has begun anew since.
    pub(super) fn last_before(&self, time: u64, of: impl Fn(&Segment) -> u64) -> Option<Segment> {
        let oldest = self.oldest(time);
        let mut segment = self.timeline.at(time)?;
        while of(&segment) > time {
            segment = self.timeline.before(&segment)?;
        }
        (segment.ordinal >= oldest).then_some(segment)
    }

    /// Returns the first segment that the origin knows at a service time.
    fn oldest(&self, time: u64) -> u64 {
        let forgetting = self.timeline.runs().iter().rfind(|run| run.forgets && run.start <= time);
        forgetting.map_or(0, |run| run.first)
    }

    /// Returns the segments in the window that ends with another one, in order.
    pub(super) fn window(&self, last: Segment, time: u64) -> Vec<Segment> {
        let oldest = self.oldest(time);
        let begin = self.film.window.map_or(0, |window| last.end.saturating_sub(nanos(window)));
        let mut segments = vec![last];
        let before =
            |segment: &Segment| self.timeline.before(segment).filter(|it| it.end > begin && it.ordinal >= oldest);
        while let Some(segment) = segments.last().and_then(before) {
            segments.push(segment);
        }
        segments.reverse();
        segments
    }

    /// Returns true if a segment is no longer there.
    pub(super) fn is_gone(&self, segment: &Segment, time: u64) -> bool {
        let depth = self.film.window.map(|window| window + self.film.kept.unwrap_or(window));
        let has_left = depth.is_some_and(|depth| segment.end.saturating_add(nanos(depth)) < time);
        has_left || segment.ordinal < self.oldest(time)
    }

    /// Returns the service time from which nothing more is made.
    pub(super) fn ended_at(&self) -> Option<u64> {
        // The last samples of all tracks end within a frame after the end.
        const LAST_FRAMES: u64 = 100_000_000;
        self.film.ends_at.map(|end| nanos(self.film.age + end) + nanos(self.film.encoding) + LAST_FRAMES)
    }

    /// Returns true if nothing more is made at a service time.
    pub(super) fn has_ended(&self, time: u64) -> bool {
        self.ended_at().is_some_and(|end| time >= end)
    }

    /// Returns the state that manifests show at a service time.
    pub(super) fn shown(&self, time: u64) -> u64 {
        let (age, troubles) = (self.film.age, &self.film.troubles);
        let is_now = |from, until| (nanos(age + from)..nanos(age + until)).contains(&time);
        let stale = troubles.stale.iter().find(|(from, until, _)| is_now(*from, *until));
        let seen = time.saturating_sub(stale.map_or(0, |(_, _, lag)| nanos(*lag)));
        troubles.stops_moving_at.map_or(seen, |end| seen.min(nanos(age + end)))
    }
}
