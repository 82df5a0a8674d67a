//! `SegmentTimeline` as runs (ISO/IEC 23009-1 §5.3.9.6). A run costs the same however often it repeats.

use std::sync::Arc;

use crate::manifest::document::Warnings;
use crate::manifest::xml::Element;
use crate::model::{TimelineBounds as Bounds, TimelineRuns, TimelineSource};

/// A timeline with its repeats resolved.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Timeline {
    pub(super) runs: Arc<TimelineRuns>,
    /// Segments in all runs.
    pub(super) count: u64,
    /// Segments left out before the first one.
    pub(super) dropped: u64,
}

/// Resolves every `S` of a timeline. Times that run backwards and elements without a duration are passed over.
pub(super) fn resolve(element: &Element, bounds: Bounds, warnings: &mut Warnings) -> Timeline {
    let mut runs = TimelineRuns::default();
    let mut count = 0_u64;
    let mut dropped = 0_u64;
    let mut cursor = 0_u64;
    let mut entries = element.all("S").peekable();
    while let Some(entry) = entries.next() {
        let Some(duration) = entry.number::<u64>("d").filter(|duration| *duration > 0) else {
            warnings.push(entry.line, "a timeline entry without a duration");
            continue;
        };
        let time = entry.number::<u64>("t").unwrap_or(cursor);
        let latest = i64::MAX as u64;
        if time.saturating_add(duration) < cursor || time > latest - duration.min(latest) {
            warnings.push(entry.line, "a timeline entry out of order");
            continue;
        }
        let repeats = match entry.attr("r").map(str::parse::<i64>) {
            None | Some(Err(_)) => 1,
            Some(Ok(r)) if r >= 0 => r.unsigned_abs().saturating_add(1),
            Some(Ok(_)) => {
                let next = entries.peek().and_then(|next| next.number::<u64>("t"));
                // Without any end the segment stands for itself.
                next.or(bounds.repeat_end).map_or(1, |end| end.saturating_sub(time).div_ceil(duration))
            }
        };
        let repeats = repeats.min((latest - time) / duration);
        cursor = time.saturating_add(repeats.saturating_mul(duration));
        let before = bounds.from.saturating_sub(time) / duration;
        let skipped = before.min(repeats);
        let beyond = bounds.to.saturating_sub(time).div_ceil(duration);
        let kept = repeats.min(beyond).saturating_sub(skipped);
        if runs.is_empty() {
            dropped = dropped.saturating_add(skipped);
        }
        if kept > 0 {
            runs.push(time + skipped * duration, duration, kept);
            count = count.saturating_add(kept);
        }
    }
    let source = TimelineSource { element: element.serial, bounds, dropped };
    Timeline { runs: Arc::new(runs.from_source(source)), count, dropped }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::manifest::xml;

    const ALL: Bounds = Bounds { repeat_end: Some(100), from: 0, to: u64::MAX };

    /// Returns the runs as `time×duration×count`.
    fn runs(entries: &str, bounds: Bounds) -> (Vec<(u64, u64, u64)>, u64) {
        let element = xml::parse(&format!("<T>{entries}</T>")).unwrap();
        let timeline = resolve(&element, bounds, &mut Warnings::default());
        assert_eq!(timeline.count, timeline.runs.iter().map(|run| run.count).fold(0, u64::saturating_add));
        (timeline.runs.iter().map(|run| (run.time, run.duration, run.count)).collect(), timeline.dropped)
    }

    #[test]
    fn repeats_holes_and_open_ends() {
        assert_eq!(runs("<S d='10' r='2'/><S d='10'/><S d='5'/>", ALL).0, [(0, 10, 4), (40, 5, 1)]);
        assert_eq!(runs("<S t='7' d='10'/><S t='27' d='10' r='-1'/>", ALL).0, [(7, 10, 1), (27, 10, 8)]);
        assert_eq!(runs("<S d='10' r='-1'/><S t='35' d='9'/>", ALL).0, [(0, 10, 4), (35, 9, 1)]);
        assert_eq!(runs("<S d='10' r='-1'/>", Bounds { repeat_end: None, ..ALL }).0, [(0, 10, 1)]);
    }

    #[test]
    fn segments_outside_the_period_are_left_out_and_counted() {
        let bounds = Bounds { repeat_end: None, from: 25, to: 55 };
        assert_eq!(runs("<S d='10' r='9'/>", bounds), (vec![(20, 10, 4)], 2));
        assert_eq!(runs("<S d='10'/><S d='5' r='9'/>", bounds), (vec![(25, 5, 6)], 4));
    }

    #[test]
    fn hostile_numbers_cost_nothing() {
        let huge = format!("<S d='1' r='{}'/><S d='{}' r='5'/><S t='{}' d='1'/>", i64::MAX, u64::MAX, u64::MAX);
        assert_eq!(runs(&huge, ALL).0, [(0, 1, i64::MAX as u64)]);
        assert_eq!(runs("<S t='50' d='10'/><S t='3' d='1'/><S d='0'/><S d='-4'/><S/>", ALL).0, [(50, 10, 1)]);
    }
}
