//! The segments of a service by its time: those of the encoder's runs, in chapters. Service time is in nanoseconds since
//! the service began. This file knows no track.

use std::time::Duration;

use super::film::LiveFilm;
use super::troubles::Resumption;

/// Nanoseconds of a duration, saturating.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A stretch in which the encoder works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Service time at which it begins.
    pub(super) start: u64,
    /// Service time at which it ends, `u64::MAX` for never.
    pub(super) end: u64,
    /// Place of its first segment among all, counted by the clock across silences without a discontinuity.
    pub(super) first: u64,
    /// Number of its first segment.
    sequence: u64,
    /// Origin of its numbers, times and chapters, which a skipped silence does not change.
    origin: Origin,
    /// It begins behind a discontinuity.
    is_break: bool,
    /// Everything before it is gone.
    pub(super) forgets: bool,
}

/// Beginning of a run behind a discontinuity, or of the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Origin {
    /// Place of the run.
    run: usize,
    /// Service time at which it begins, and of the sample with the number zero.
    start: u64,
    /// Place of its first segment among all.
    first: u64,
    /// Number of its first segment.
    sequence: u64,
    /// Number of discontinuities up to its beginning.
    breaks: u64,
}

/// A segment by its nominal boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Place among all; part of its address.
    pub(super) ordinal: u64,
    /// Service time of its nominal start.
    pub(super) start: u64,
    /// Service time of its nominal end.
    pub(super) end: u64,
    /// Number in a playlist.
    pub(super) sequence: u64,
    /// Number by the clock, for `$Number$`.
    pub(super) number: u64,
    /// Place of its run.
    run: usize,
    /// Service times at which its run begins and ends.
    pub(super) run_span: (u64, u64),
    /// Place of the run, behind a discontinuity, in which chapters are counted, and place of its chapter there.
    pub(super) chapter: (usize, u64),
    /// Service time at which its chapter begins.
    pub(super) chapter_start: u64,
    /// Service time at which its chapter ends, `u64::MAX` for never.
    pub(super) chapter_end: u64,
    /// Number of the first segment of its chapter by the clock.
    pub(super) chapter_number: u64,
    /// Service time of the sample with the number zero.
    pub(super) grid: u64,
    /// Media timestamps begin at zero with that sample.
    pub(super) is_from_zero: bool,
    /// A discontinuity lies in front of it.
    pub(super) is_break: bool,
    /// Number of discontinuities up to its start.
    pub(super) breaks: u64,
}

/// All segments of a service.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    segment: u64,
    chapter: Option<u64>,
    from_zero: bool,
    runs: Vec<Run>,
}

/// Event that ends a run.
#[derive(Clone, Copy)]
enum Turn {
    Silence(u64, Resumption),
    Restart(u64),
}

impl Timeline {
    /// # Panics
    /// If a silence or a restart lies within another, or a segment has no duration.
    pub(super) fn new(film: &LiveFilm) -> Self {
        let at = |time: Duration| nanos(film.age + time);
        let segment = nanos(film.segment);
        assert!(segment > 0, "a segment has a duration");
        let silences = film.troubles.silences.iter();
        let silences = silences.map(|(from, until, way)| (at(*from), Turn::Silence(at(*until), *way)));
        let restarts = film.troubles.restarts.iter().map(|(time, first)| (at(*time), Turn::Restart(*first)));
        let mut turns: Vec<(u64, Turn)> = silences.chain(restarts).collect();
        turns.sort_by_key(|(at, _)| *at);
        let first = Run {
            start: 0,
            end: u64::MAX,
            first: 0,
            sequence: film.first_number,
            origin: Origin { run: 0, start: 0, first: 0, sequence: film.first_number, breaks: 0 },
            is_break: false,
            forgets: false,
        };
        let mut timeline = Self {
            segment,
            chapter: film.chapter.filter(|count| *count > 0),
            from_zero: film.from_zero,
            runs: vec![first],
        };
        for (from, turn) in turns {
            timeline.turn(from, turn);
        }
        if let Some(end) = film.ends_at
            && let Some(last) = timeline.runs.last_mut()
        {
            last.end = last.end.min(at(end)).max(last.start);
        }
        timeline
    }

    fn turn(&mut self, from: u64, turn: Turn) {
        let Some(mut last) = self.runs.pop() else { return };
        assert!(from > last.start, "a trouble begins within another one");
        last.end = from;
        let count = self.count(&last);
        let (first, sequence) = (last.first + count, last.sequence + count);
        let chapters = self.chapter.map_or(0, |length| (first - 1 - last.origin.first) / length);
        let breaks = last.origin.breaks + chapters + 1;
        let run = self.runs.len() + 1;
        let behind_break = |start: u64, sequence: u64, forgets| Run {
            start,
            end: u64::MAX,
            first,
            sequence,
            origin: Origin { run, start, first, sequence, breaks },
            is_break: true,
            forgets,
        };
        let next = match turn {
            Turn::Silence(until, Resumption::Discontinuity) => behind_break(until, sequence, false),
            Turn::Silence(until, Resumption::Skipped) => {
                let places = (until - last.start).div_ceil(self.segment);
                let start = last.start + places * self.segment;
                let first = last.first + places;
                Run { start, end: u64::MAX, first, sequence, origin: last.origin, is_break: false, forgets: false }
            }
            Turn::Restart(sequence) => behind_break(from, sequence, true),
        };
        self.runs.extend([last, next]);
    }

    /// Returns the number of segments of a run.
    fn count(&self, run: &Run) -> u64 {
        if run.end == u64::MAX { u64::MAX - run.first } else { (run.end - run.start).div_ceil(self.segment) }
    }

    /// Returns the runs in order.
    pub(super) fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Returns a segment by its place.
    pub(super) fn segment(&self, ordinal: u64) -> Option<Segment> {
        let place = self.runs.iter().rposition(|run| run.first <= ordinal)?;
        let run = self.runs.get(place)?;
        let index = ordinal - run.first;
        if index >= self.count(run) {
            return None;
        }
        let (start, origin) = (run.start + index * self.segment, &run.origin);
        let length = self.chapter.unwrap_or(u64::MAX);
        let since = ordinal - origin.first;
        let chapter = since / length;
        let chapter_first = chapter * length;
        let chapter_start = origin.start + chapter_first * self.segment;
        let chapter_end = self.chapter.map_or(u64::MAX, |length| chapter_start.saturating_add(length * self.segment));
        let is_from_zero = self.from_zero && (origin.run > 0 || self.chapter.is_some());
        Some(Segment {
            ordinal,
            start,
            end: run.end.min(start + self.segment),
            sequence: run.sequence + index,
            number: origin.sequence + since,
            run: place,
            run_span: (run.start, run.end),
            chapter: (origin.run, chapter),
            chapter_start,
            chapter_end,
            chapter_number: origin.sequence + chapter_first,
            grid: if is_from_zero { chapter_start } else { origin.start },
            is_from_zero,
            is_break: chapter_first == since && (chapter > 0 || run.is_break),
            breaks: origin.breaks + chapter,
        })
    }

    /// Returns the first segment of a chapter.
    pub(super) fn chapter(&self, (run, chapter): (usize, u64)) -> Option<Segment> {
        let origin = self.runs.get(run)?.origin;
        let first = origin.first.checked_add(chapter.checked_mul(self.chapter.unwrap_or(u64::MAX))?)?;
        // The encoder may have been silent where the chapter begins.
        let next = || self.runs.iter().find(|it| it.first > first).and_then(|it| self.segment(it.first));
        self.segment(first).or_else(next).filter(|segment| segment.chapter == (run, chapter))
    }

    /// Returns the segment that is being made at a service time, or the last one that was.
    pub(super) fn at(&self, time: u64) -> Option<Segment> {
        let run = self.runs.iter().rfind(|run| run.start <= time)?;
        let last = self.count(run).checked_sub(1)?;
        self.segment(run.first + ((time - run.start) / self.segment).min(last))
    }

    /// Returns the segment before another one.
    pub(super) fn before(&self, segment: &Segment) -> Option<Segment> {
        let run = self.runs.get(segment.run)?;
        if segment.ordinal > run.first {
            return self.segment(segment.ordinal - 1);
        }
        let run = segment.run.checked_sub(1).and_then(|place| self.runs.get(place))?;
        self.segment(run.first + self.count(run).checked_sub(1)?)
    }

    /// Returns the segment after another one.
    pub(super) fn after(&self, segment: &Segment) -> Option<Segment> {
        let run = self.runs.get(segment.run)?;
        if segment.ordinal + 1 - run.first < self.count(run) {
            return self.segment(segment.ordinal + 1);
        }
        self.segment(self.runs.get(segment.run + 1)?.first)
    }
}
