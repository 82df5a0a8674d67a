//! Runs of segments of a timeline (ISO/IEC 23009-1 §5.3.9.6). Both ends change with every update of a live manifest, at
//! a cost that does not depend on what lies between them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

/// A run of equal segments in a timeline (DASH `S` element with its repeats resolved).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineRun {
    /// Media time of the first segment, in ticks.
    pub time: u64,
    /// Duration of each segment, in ticks.
    pub duration: u64,
    /// Number of segments; at least 1.
    pub count: u64,
    /// Index of the first segment of this run, counted from that of the first run.
    pub first: u64,
}

impl TimelineRun {
    fn end(&self) -> Option<u64> {
        self.count.checked_mul(self.duration)?.checked_add(self.time)
    }
}

/// Media times between which segments of a timeline are kept, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimelineBounds {
    /// End of the last `r="-1"`, if it is known.
    pub repeat_end: Option<u64>,
    /// Segments that end at or before this are left out, and counted.
    pub from: u64,
    /// Segments that begin at or after this are left out.
    pub to: u64,
}

/// Origin of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimelineSource {
    /// Number of the element in the document that it was read from.
    pub element: u32,
    /// Times between which segments were kept.
    pub bounds: TimelineBounds,
    /// Segments that were left out in front.
    pub dropped: u64,
}

/// Runs in order of time.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<TimelineRun>", into = "Vec<TimelineRun>")]
pub struct TimelineRuns {
    /// Their `first` counts from a number that no one else knows, and wraps: taking away the first changes no other.
    runs: VecDeque<TimelineRun>,
    source: Option<TimelineSource>,
}

/// An `S` element as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// Value of `@t`.
    pub time: Option<u64>,
    /// Value of `@d`.
    pub duration: u64,
    /// Value of `@r`; below zero up to the next entry.
    pub repeats: i64,
}

/// Beginning of the part at the end of a timeline that is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimelineCut {
    /// The end: nothing is replaced.
    End,
    /// So many ticks before the end.
    BeforeEnd(u64),
    /// This media time.
    At(u64),
}

/// Change of both ends of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineChange {
    /// Number of the element in the document, as [`TimelineSource::element`].
    pub source: u32,
    /// Something was removed, added or changed at the beginning.
    pub is_front_changed: bool,
    /// Entries at the beginning that are new.
    pub front: Vec<TimelineEntry>,
    /// `@t` of the first entry that stays.
    pub kept_from: Option<u64>,
    /// Entries between both ends stay.
    pub keeps: bool,
    /// Beginning of what the tail replaces.
    pub cut: TimelineCut,
    /// Entries at the end that are new.
    pub tail: Vec<TimelineEntry>,
    /// `@startNumber`, if it is another one.
    pub start_number: Option<u64>,
}

impl TimelineRuns {
    /// Returns what has no segments. All of these share their memory.
    pub fn none() -> Arc<Self> {
        static NONE: LazyLock<Arc<TimelineRuns>> = LazyLock::new(Arc::default);
        Arc::clone(&NONE)
    }

    /// Notes where they come from.
    #[must_use]
    pub const fn from_source(mut self, source: TimelineSource) -> Self {
        self.source = Some(source);
        self
    }

    /// Returns where they come from; `None` if they were not read from a live manifest.
    pub const fn source(&self) -> Option<&TimelineSource> {
        self.source.as_ref()
    }

    /// Returns the number of runs.
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Returns true if there are no segments.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Returns the number of segments.
    pub fn count(&self) -> u64 {
        self.runs.back().map_or(0, |last| self.index_of(last).saturating_add(last.count))
    }

    /// Returns time and duration of a segment in ticks.
    pub fn at(&self, index: u64) -> Option<(u64, u64)> {
        let at = self.runs.partition_point(|run| self.index_of(run) <= index).checked_sub(1)?;
        let run = self.runs.get(at)?;
        let within = Some(index - self.index_of(run)).filter(|within| *within < run.count)?;
        let time = run.time.checked_add(within.checked_mul(run.duration)?)?;
        Some((time, run.duration))
    }

    /// Iterates over the runs.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = TimelineRun> + '_ {
        self.runs.iter().map(|run| TimelineRun { first: self.index_of(run), ..*run })
    }

    /// Returns the run at a position.
    pub fn run(&self, at: usize) -> Option<TimelineRun> {
        self.runs.get(at).map(|run| TimelineRun { first: self.index_of(run), ..*run })
    }

    /// Adds segments, or lengthens the last run if they go on evenly.
    pub fn push(&mut self, time: u64, duration: u64, count: u64) {
        if let Some(last) = self.runs.back_mut() {
            if last.duration == duration && last.end() == Some(time) {
                last.count = last.count.saturating_add(count);
                return;
            }
            let first = last.first.wrapping_add(last.count);
            return self.runs.push_back(TimelineRun { time, duration, count, first });
        }
        self.runs.push_back(TimelineRun { time, duration, count, first: 0 });
    }

    /// Adds segments in front.
    fn push_front(&mut self, time: u64, duration: u64, count: u64) {
        let first = self.runs.front().map_or(0, |run| run.first.wrapping_sub(count));
        if let Some(run) = self.runs.front_mut()
            && run.duration == duration
            && count.checked_mul(duration).and_then(|length| time.checked_add(length)) == Some(run.time)
        {
            *run = TimelineRun { time, first, count: run.count.saturating_add(count), duration };
            return;
        }
        self.runs.push_front(TimelineRun { time, duration, count, first });
    }

    /// Returns the end of the last segment, in ticks.
    fn end(&self) -> Option<u64> {
        self.runs.back()?.end()
    }

    fn index_of(&self, run: &TimelineRun) -> u64 {
        self.runs.front().map_or(0, |front| run.first.wrapping_sub(front.first))
    }

    /// Returns true if a segment begins at `time`, or the first one after a hole does.
    fn begins_at(&self, time: u64) -> bool {
        let at = self.runs.partition_point(|run| run.end().is_some_and(|end| end <= time));
        self.runs.get(at).is_some_and(|run| time.checked_sub(run.time).is_some_and(|past| past % run.duration == 0))
    }

    /// Removes the segments before `time`.
    fn drop_before(&mut self, time: u64) {
        while let Some(run) = self.runs.front_mut() {
            let gone = time.saturating_sub(run.time).div_ceil(run.duration).min(run.count);
            if gone < run.count {
                run.time += gone * run.duration;
                run.first = run.first.wrapping_add(gone);
                run.count -= gone;
                return;
            }
            self.runs.pop_front();
        }
    }

    /// Removes the segments that begin at `time` or later.
    fn drop_from(&mut self, time: u64) {
        while let Some(run) = self.runs.back_mut() {
            let left = time.saturating_sub(run.time).div_ceil(run.duration).min(run.count);
            if left > 0 {
                run.count = left;
                return;
            }
            self.runs.pop_back();
        }
    }

    /// Changes both ends. False, and nothing happens, if the change does not fit: the timeline must be read anew.
    pub fn change(&mut self, change: &TimelineChange) -> bool {
        self.try_change(change).is_some()
    }

    fn try_change(&mut self, change: &TimelineChange) -> Option<()> {
        let bounds = self.source?.bounds;
        let end = self.end()?;
        if self.source?.dropped > 0 || end >= bounds.to {
            return None;
        }
        let cut = match change.cut {
            TimelineCut::End => end,
            TimelineCut::BeforeEnd(back) => end.checked_sub(back)?,
            TimelineCut::At(time) => time,
        };
        if cut < end && !self.begins_at(cut) {
            return None;
        }
        let (front, cursor) = resolved(&change.front, 0, change.kept_from, bounds)?;
        if !change.keeps {
            let (tail, _) = resolved(&change.tail, cursor, None, bounds)?;
            let mut runs = Self { runs: VecDeque::new(), source: self.source };
            front.iter().chain(&tail).for_each(|&(time, duration, count)| runs.push(time, duration, count));
            *self = Some(runs).filter(|runs| !runs.is_empty())?;
            return Some(());
        }
        let kept = match change.kept_from {
            _ if !change.is_front_changed => None,
            None if change.front.is_empty() => return None,
            None => Some(cursor),
            Some(time) => Some(time),
        };
        if kept.is_some_and(|kept| kept < cursor || kept >= cut || !self.begins_at(kept)) {
            return None;
        }
        // The last that stays, up to which the run before the cut lasts.
        let at = self.runs.partition_point(|run| run.time < cut).checked_sub(1)?;
        let middle = self.runs.get(at)?.end()?.min(cut);
        let (tail, _) = resolved(&change.tail, middle, None, bounds)?;
        if cut < end {
            self.drop_from(cut);
        }
        if let Some(kept) = kept {
            self.drop_before(kept);
            front.iter().rev().for_each(|&(time, duration, count)| self.push_front(time, duration, count));
        }
        tail.iter().for_each(|&(time, duration, count)| self.push(time, duration, count));
        Some(())
    }
}

/// Time, duration and number of segments, in order.
type Resolved = Vec<(u64, u64, u64)>;

/// Returns the segments of entries that follow `cursor`, and where they end. `None` for entries
/// that are odd.
fn resolved(
    entries: &[TimelineEntry],
    mut cursor: u64,
    next: Option<u64>,
    bounds: TimelineBounds,
) -> Option<(Resolved, u64)> {
    let mut runs = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let time = entry.time.unwrap_or(cursor);
        if entry.duration == 0 || time < cursor || time < bounds.from {
            return None;
        }
        let count = match u64::try_from(entry.repeats) {
            Ok(repeats) => repeats.checked_add(1)?,
            Err(_) => {
                let next = entries.get(at + 1).map_or(next, |next| next.time).or(bounds.repeat_end)?;
                next.saturating_sub(time).div_ceil(entry.duration)
            }
        };
        cursor = count.checked_mul(entry.duration)?.checked_add(time).filter(|end| *end <= i64::MAX as u64)?;
        let kept = count.min(bounds.to.saturating_sub(time).div_ceil(entry.duration));
        if kept > 0 {
            runs.push((time, entry.duration, kept));
        }
    }
    Some((runs, cursor))
}

/// Two timelines are equal if they have the same segments, wherever they come from.
impl PartialEq for TimelineRuns {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for TimelineRuns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl FromIterator<TimelineRun> for TimelineRuns {
    fn from_iter<I: IntoIterator<Item = TimelineRun>>(runs: I) -> Self {
        Self { runs: runs.into_iter().collect(), source: None }
    }
}

impl From<Vec<TimelineRun>> for TimelineRuns {
    fn from(runs: Vec<TimelineRun>) -> Self {
        runs.into_iter().collect()
    }
}

impl From<TimelineRuns> for Vec<TimelineRun> {
    fn from(runs: TimelineRuns) -> Self {
        runs.iter().collect()
    }
}

#[cfg(test)]
#[path = "runs_tests.rs"]
mod tests;
