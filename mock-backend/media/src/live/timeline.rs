//! The timeline of a channel: which segment of which programme is on the air when. Arithmetic alone; nothing is counted up from the
//! epoch, so that a channel of ten years costs what one of a minute does.

use super::stock::{Audio, Programme, Stocked, Track, Video};

/// Nanoseconds of a second.
const SECOND: u128 = 1_000_000_000;

/// A track of a channel, the same in all its programmes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrackId {
    /// A rung, by its place in the ladder.
    Video(usize),
    /// A language, by its place in the list.
    Audio(usize),
}

/// Place of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Number of programmes that ended before.
    pub(super) occurrence: u64,
    /// Index of the programme.
    pub(super) programme: usize,
    /// Index of the segment in the programme.
    pub(super) index: usize,
}

/// Times of a segment of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Decode time of its first sample, in ticks of the track.
    pub(super) start: u64,
    /// Decode time at its end.
    pub(super) end: u64,
    /// Start on the timeline of the presentation, nanoseconds since the epoch.
    pub(super) start_ns: u64,
    /// The same of its end: the segment is complete then.
    pub(super) end_ns: u64,
}

/// The timeline.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    pub(super) programmes: Vec<Programme>,
    /// True if timestamps run through.
    is_continuous: bool,
    /// Number of the first segment of each programme in the first cycle, and the number of segments in a cycle.
    firsts: Vec<u64>,
    /// Start of each programme in the first cycle and the end of the last one, nanoseconds.
    starts_ns: Vec<u64>,
    /// Duration of a part, nanoseconds.
    part_ns: Option<u64>,
}

impl Timeline {
    /// Lays programmes (one at least) one after another. Timestamps run through if there is one and `is_continuous`.
    pub(super) fn new(programmes: Vec<Programme>, is_continuous: bool, part_ns: Option<u64>) -> Self {
        let (mut firsts, mut starts_ns) = (vec![0], vec![0]);
        for programme in &programmes {
            firsts.push(firsts.last().copied().unwrap_or(0) + programme.segments());
            let length = nanoseconds(programme.ticks(), programme.timescale);
            starts_ns.push(starts_ns.last().copied().unwrap_or(0) + length);
        }
        let is_continuous = is_continuous && programmes.len() == 1;
        Self { programmes, is_continuous, firsts, starts_ns, part_ns }
    }

    /// True if each programme begins with timestamps of its own.
    pub(super) fn has_discontinuities(&self) -> bool {
        !self.is_continuous
    }

    fn cycle_segments(&self) -> u64 {
        self.firsts.last().copied().unwrap_or(1).max(1)
    }

    fn cycle_ns(&self) -> u64 {
        self.starts_ns.last().copied().unwrap_or(1).max(1)
    }

    /// Returns the place of a segment.
    pub(super) fn place(&self, number: u64) -> Place {
        let (cycle, rest) = (number / self.cycle_segments(), number % self.cycle_segments());
        let programme = self.firsts.partition_point(|first| *first <= rest) - 1;
        let index = (rest - self.firsts[programme]) as usize;
        Place { occurrence: cycle * self.programmes.len() as u64 + programme as u64, programme, index }
    }

    /// Returns the programme of an occurrence.
    pub(super) fn programme(&self, occurrence: u64) -> &Programme {
        &self.programmes[(occurrence % self.programmes.len() as u64) as usize]
    }

    /// Returns the number of the first segment of an occurrence.
    pub(super) fn first_of(&self, occurrence: u64) -> u64 {
        let count = self.programmes.len() as u64;
        occurrence / count * self.cycle_segments() + self.firsts[(occurrence % count) as usize]
    }

    /// Returns the start of an occurrence, nanoseconds since the epoch.
    pub(super) fn start_of(&self, occurrence: u64) -> u64 {
        if self.is_continuous {
            let programme = &self.programmes[0];
            return nanoseconds(occurrence.saturating_mul(programme.ticks()), programme.timescale);
        }
        let count = self.programmes.len() as u64;
        occurrence / count * self.cycle_ns() + self.starts_ns[(occurrence % count) as usize]
    }

    /// Returns the occurrence on the air at a time.
    pub(super) fn occurrence_at(&self, now_ns: u64) -> u64 {
        let count = self.programmes.len() as u64;
        let (cycle, rest) = (now_ns / self.cycle_ns(), now_ns % self.cycle_ns());
        let programme = self.starts_ns[..self.programmes.len()].partition_point(|start| *start <= rest).max(1) - 1;
        let mut occurrence = cycle * count + programme as u64;
        // The cycle was rounded to nanoseconds.
        while self.start_of(occurrence + 1) <= now_ns {
            occurrence += 1;
        }
        while occurrence > 0 && self.start_of(occurrence) > now_ns {
            occurrence -= 1;
        }
        occurrence
    }

    fn video(&self, programme: usize, rung: usize) -> &Video {
        &self.programmes[programme].video[rung]
    }

    fn audio(&self, programme: usize, language: usize) -> &Audio {
        &self.programmes[programme].audio[language]
    }

    /// Returns what is stored of a track of a programme.
    pub(super) fn track(&self, programme: usize, id: TrackId) -> &Track {
        match id {
            TrackId::Video(rung) => &self.video(programme, rung).track,
            TrackId::Audio(language) => &self.audio(programme, language).track,
        }
    }

    /// Returns the times of a segment.
    pub(super) fn span(&self, id: TrackId, number: u64) -> Span {
        let place = self.place(number);
        let programme = &self.programmes[place.programme];
        let track = self.track(place.programme, id);
        let (start, end) = match id {
            TrackId::Video(_) => {
                let before = if self.is_continuous { place.occurrence.saturating_mul(programme.ticks()) } else { 0 };
                (before + programme.starts[place.index], before + programme.starts[place.index + 1])
            }
            TrackId::Audio(language) => {
                let audio = self.audio(place.programme, language);
                let (first, last) = self.frames(audio, place);
                (first * audio.frame, last * audio.frame)
            }
        };
        let base = if self.is_continuous { 0 } else { self.start_of(place.occurrence) };
        let at = |ticks: u64| base + nanoseconds(ticks.saturating_sub(track.priming), track.timescale);
        Span { start, end, start_ns: at(start), end_ns: at(end) }
    }

    /// Returns the frames of audio of a segment: from the first to the one after the last, counted from the beginning of the
    /// timestamps. Frames follow each other without a gap; a programme has a frame less or more, as the grid of frames falls.
    fn frames(&self, audio: &Audio, place: Place) -> (u64, u64) {
        let before = if self.is_continuous { place.occurrence } else { 0 };
        (self.frame_at(audio, place, before, place.index), self.frame_at(audio, place, before, place.index + 1))
    }

    /// Returns the frame at which segment `index` begins; `before` programmes ended.
    fn frame_at(&self, audio: &Audio, place: Place, before: u64, index: usize) -> u64 {
        let programme = &self.programmes[place.programme];
        let scale = u128::from(audio.track.timescale);
        let nearest = |ticks: u128, priming: u128| {
            // Numerator and denominator of a number of frames, which is rounded.
            let (over, under) = (ticks * scale + priming, u128::from(programme.timescale) * u128::from(audio.frame));
            u64::try_from((over + under / 2) / under).unwrap_or(u64::MAX)
        };
        let origin = |count: u64| nearest(u128::from(count) * u128::from(programme.ticks()), 0);
        if index == 0 {
            return origin(before);
        }
        let is_last = index + 1 == programme.starts.len();
        if is_last && self.is_continuous {
            return origin(before + 1);
        }
        let priming = u128::from(audio.track.priming) * u128::from(programme.timescale);
        let inside = nearest(u128::from(programme.starts[index]), priming);
        let inside = if self.is_continuous { inside } else { inside.min(audio.frames.len() as u64) };
        origin(before) + inside
    }

    /// Returns the samples of a segment.
    pub(super) fn samples(&self, id: TrackId, number: u64) -> Vec<Stocked> {
        let place = self.place(number);
        match id {
            TrackId::Video(rung) => {
                let programme = &self.programmes[place.programme];
                self.video(place.programme, rung).segments[programme.shown[place.index] as usize].clone()
            }
            TrackId::Audio(language) => {
                let audio = self.audio(place.programme, language);
                let (first, last) = self.frames(audio, place);
                let before = if self.is_continuous { place.occurrence } else { 0 };
                let origin = self.frame_at(audio, place, before, 0);
                let end = audio.frames.len() - 1;
                // Audio that is shorter than the video repeats its last frame.
                (first..last).map(|frame| audio.frames[((frame - origin) as usize).min(end)]).collect()
            }
        }
    }

    /// Returns the number of parts of a segment, the same in all tracks; one without low latency.
    pub(super) fn parts(&self, number: u64) -> usize {
        let Some(part_ns) = self.part_ns else { return 1 };
        let place = self.place(number);
        let programme = &self.programmes[place.programme];
        let ticks = programme.starts[place.index + 1] - programme.starts[place.index];
        let count = (nanoseconds(ticks, programme.timescale) + part_ns / 2) / part_ns;
        // No part is without a sample of video; audio has more of them.
        let samples = self.video(place.programme, 0).segments[programme.shown[place.index] as usize].len();
        (count as usize).clamp(1, samples.max(1))
    }

    /// Returns the parts of a segment: of each its samples and its times.
    pub(super) fn cut(&self, id: TrackId, number: u64) -> Vec<(Vec<Stocked>, Span)> {
        let (samples, span) = (self.samples(id, number), self.span(id, number));
        let place = self.place(number);
        let track = self.track(place.programme, id);
        let base = if self.is_continuous { 0 } else { self.start_of(place.occurrence) };
        let at = |ticks: u64| base + nanoseconds(ticks.saturating_sub(track.priming), track.timescale);
        let count = self.parts(number).min(samples.len().max(1));
        let mut start = span.start;
        let part = |index: usize| {
            let samples = samples[index * samples.len() / count..(index + 1) * samples.len() / count].to_vec();
            let end = start + super::stock::ticks(&samples);
            let part = Span { start, end, start_ns: at(start), end_ns: at(end) };
            start = end;
            (samples, part)
        };
        (0..count).map(part).collect()
    }

    /// Returns the number of complete segments of a track at a time, which is the number of the one under way, and how many
    /// parts of that are complete.
    pub(super) fn edge(&self, id: TrackId, now_ns: u64) -> (u64, usize) {
        let occurrence = self.occurrence_at(now_ns);
        let programme = self.programme(occurrence);
        let rest = now_ns - self.start_of(occurrence);
        let ticks = u128::from(rest) * u128::from(programme.timescale) / SECOND;
        let index = programme.starts.partition_point(|start| u128::from(*start) <= ticks).max(1) - 1;
        let mut number = self.first_of(occurrence) + index.min(programme.shown.len() - 1) as u64;
        while self.span(id, number).end_ns <= now_ns {
            number += 1;
        }
        while number > 0 && self.span(id, number - 1).end_ns > now_ns {
            number -= 1;
        }
        let parts = match self.part_ns {
            None => 0,
            Some(_) => self.cut(id, number).iter().take_while(|(_, span)| span.end_ns <= now_ns).count(),
        };
        (number, parts)
    }

    /// Returns the number of the first segment of a track that ends after a time.
    pub(super) fn first_after(&self, id: TrackId, time_ns: u64) -> u64 {
        self.edge(id, time_ns).0
    }

    /// Returns the longest segment of a track, nanoseconds.
    pub(super) fn longest(&self, id: TrackId) -> u64 {
        let spans = (0..self.cycle_segments()).map(|number| self.span(id, number));
        spans.map(|span| span.end_ns - span.start_ns).max().unwrap_or(0) + self.one_more(id)
    }

    /// Returns the longest part of a track, nanoseconds.
    pub(super) fn longest_part(&self, id: TrackId) -> u64 {
        let numbers = 0..self.cycle_segments();
        match id {
            TrackId::Video(_) => {
                let parts = numbers.flat_map(|number| self.cut(id, number));
                parts.map(|(_, span)| span.end_ns - span.start_ns).max().unwrap_or(0)
            }
            TrackId::Audio(language) => {
                let audio = self.audio(0, language);
                // In a later cycle the segment may have a frame more.
                let frames = |number| (self.samples(id, number).len() + 1).div_ceil(self.parts(number));
                let frames = numbers.map(frames).max().unwrap_or(0) as u64;
                nanoseconds(frames * audio.frame, audio.track.timescale)
            }
        }
    }

    /// A frame of audio, by which a segment of a later cycle may be longer than the same one of the first.
    fn one_more(&self, id: TrackId) -> u64 {
        match id {
            TrackId::Video(_) => 0,
            TrackId::Audio(language) => {
                let audio = self.audio(0, language);
                nanoseconds(audio.frame, audio.track.timescale)
            }
        }
    }
}

/// Ticks as nanoseconds, rounded down.
pub(super) fn nanoseconds(ticks: u64, timescale: u32) -> u64 {
    u64::try_from(u128::from(ticks) * SECOND / u128::from(timescale.max(1))).unwrap_or(u64::MAX)
}
