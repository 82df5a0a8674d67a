//! Segments of a representation. Long windows stay cheap: each segment is computed on demand.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::runs::TimelineRuns;
use super::{
    ByteRange, IndexSource, Resource, SegmentEncryption, SegmentId, SegmentKeys, SegmentListing, SegmentRef,
    TimestampMapping,
};
use crate::time::{MediaTime, duration_from_ticks};

/// Times of the same segment in two manifests may differ by this much.
pub(super) const SAME_TIME: Duration = Duration::from_millis(1);

/// The segments of one representation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SegmentIndex {
    /// Must be fetched first.
    External(IndexSource),
    /// The list is known, from the manifest or from an index that was read.
    Known(SegmentList),
}

/// Segments that share a key (ISO/IEC 23009-4 §6.4, `CryptoPeriod`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CryptoPeriod {
    /// Index of the first segment.
    pub first: u64,
    /// Number of segments; `None` means all that follow.
    pub count: Option<u64>,
    /// Their keys, and those of the initialisation data.
    pub keys: SegmentKeys,
}

/// Segments by rule (ISO/IEC 23009-1 §5.3.9.4). Immutable parts are shared by every segment made from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentTemplate {
    /// Base addresses, best first; the template is resolved against each.
    pub bases: Vec<Url>,
    /// The media template with `$RepresentationID$` and `$Bandwidth$` already replaced; `$Number$`, `$Time$`
    /// (with widths) and `$$` remain.
    pub media: String,
    /// Address of the initialisation data, if there is any.
    pub init: Option<Resource>,
    /// Ticks per second; never zero.
    pub timescale: u32,
    /// Number of the first segment.
    pub start_number: u64,
    /// The timeline; empty means that every segment has `duration` ticks.
    pub timeline: Arc<TimelineRuns>,
    /// Ticks a segment without a timeline.
    pub duration: u64,
    /// Number of segments in the period.
    pub count: u64,
    /// Nanoseconds to add to media time: Period start − presentationTimeOffset.
    pub offset_nanos: i64,
    /// End of the period if it is known: the last segment is cut there.
    pub period_end: Option<MediaTime>,
    /// Start of the first segment without a timeline, on the presentation timeline.
    pub period_start: MediaTime,
    /// Keys of segments that are encrypted as a whole; empty for clear segments.
    pub crypto: Arc<[CryptoPeriod]>,
}

/// Segments in order, each computed when asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SegmentList {
    /// Every segment is written out.
    Explicit(Vec<SegmentRef>),
    /// Every segment is written out, and there may be very many.
    Listed(Box<SegmentListing>),
    /// Segments follow from a rule.
    Template(Box<SegmentTemplate>),
}

impl SegmentIndex {
    /// Ends the growth of a list: another one takes its place.
    pub fn close(&mut self) {
        if let Self::Known(SegmentList::Listed(listing)) = self {
            listing.close();
        }
    }
}

impl SegmentList {
    /// Returns the number of segments.
    pub fn len(&self) -> u64 {
        match self {
            Self::Explicit(segments) => segments.len() as u64,
            Self::Listed(listing) => listing.len() as u64,
            Self::Template(template) => template.count,
        }
    }

    /// True without any segment.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The segment at `index`, counted from zero.
    pub fn get(&self, index: u64) -> Option<SegmentRef> {
        match self {
            Self::Explicit(segments) => segments.get(usize::try_from(index).ok()?).cloned(),
            Self::Listed(listing) => listing.get(index),
            Self::Template(template) => template.segment(index),
        }
    }

    /// Begin and length of the segment at `index` without making its addresses.
    pub fn span(&self, index: u64) -> Option<(MediaTime, Duration)> {
        match self {
            Self::Explicit(segments) => segments.get(usize::try_from(index).ok()?).map(|s| (s.start, s.duration)),
            Self::Listed(listing) => listing.span(index),
            Self::Template(template) => template.span(index),
        }
    }

    /// Returns the size of the segment at `index` in bytes, if it is declared, without making its addresses.
    pub fn size(&self, index: u64) -> Option<u64> {
        match self {
            Self::Explicit(segments) => segments.get(usize::try_from(index).ok()?)?.size,
            Self::Listed(listing) => listing.size(index),
            Self::Template(_) => None,
        }
    }

    /// Name of the segment at `index`.
    pub fn id(&self, index: u64) -> Option<SegmentId> {
        match self {
            Self::Explicit(segments) => segments.get(usize::try_from(index).ok()?).map(|segment| segment.id),
            Self::Listed(listing) => listing.id(index),
            Self::Template(template) => template.span(index).map(|(start, _)| SegmentId::Time(start)),
        }
    }

    /// Index of the whole segment with a name; `None` if the list does not hold it, or no longer. Two times name the same
    /// segment if they differ by a millisecond at most: writers round.
    pub fn position(&self, id: SegmentId) -> Option<u64> {
        match id {
            SegmentId::Sequence(number) => {
                let Some(SegmentId::Sequence(first)) = self.id(0) else { return None };
                Some(number.wrapping_sub(first)).filter(|position| *position < self.len())
            }
            SegmentId::Part { .. } => None,
            SegmentId::Time(time) => {
                let Some(SegmentId::Time(_)) = self.id(0) else { return None };
                let after = self.partition(|start, _| start <= time + SAME_TIME);
                let position = after.checked_sub(1)?;
                self.span(position).filter(|(start, _)| *start + SAME_TIME >= time).map(|_| position)
            }
        }
    }

    /// Number of segments at the beginning for which `holds`, given begin and length, in a list where it holds for none
    /// after the first for which it does not.
    pub(super) fn partition(&self, holds: impl Fn(MediaTime, Duration) -> bool) -> u64 {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.span(middle) {
                Some((start, duration)) if holds(start, duration) => low = middle + 1,
                Some(_) | None => high = middle,
            }
        }
        low
    }

    /// The segment that holds `time`; before the first segment it is the first one, and in a hole the one after
    /// it. `None` at or after the end.
    pub fn at(&self, time: MediaTime) -> Option<u64> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let (start, duration) = self.span(middle)?;
            if start + duration <= time { low = middle + 1 } else { high = middle }
        }
        (low < self.len()).then_some(low)
    }

    /// Moves the segments of a rule without a timeline: the writer's numbers count from elsewhere than the media's times.
    /// Returns true if there was such a rule.
    pub fn move_rule(&mut self, nanos: i64) -> bool {
        match self {
            Self::Template(template) if template.timeline.is_empty() => {
                template.period_start = template.period_start.shifted(nanos);
                true
            }
            Self::Template(_) | Self::Explicit(_) | Self::Listed(_) => false,
        }
    }

    /// Begin of the first segment.
    pub fn start(&self) -> Option<MediaTime> {
        self.span(0).map(|(start, _)| start)
    }

    /// End of the last segment.
    pub fn end(&self) -> Option<MediaTime> {
        let (start, duration) = self.span(self.len().checked_sub(1)?)?;
        Some(start + duration)
    }
}

impl SegmentTemplate {
    fn ticks(&self, index: u64) -> Option<(u64, u64)> {
        if index >= self.count {
            return None;
        }
        if self.timeline.is_empty() {
            return Some((index.checked_mul(self.duration)?, self.duration));
        }
        self.timeline.at(index)
    }

    fn span(&self, index: u64) -> Option<(MediaTime, Duration)> {
        let (time, duration) = self.ticks(index)?;
        let media = MediaTime::from_ticks(i64::try_from(time).ok()?, self.timescale);
        let shift = if self.timeline.is_empty() { self.period_start.as_nanos() } else { self.offset_nanos };
        let start = media.shifted(shift);
        let end = start + duration_from_ticks(duration, self.timescale);
        let end = self.period_end.map_or(end, |limit| end.min(limit.max(start)));
        Some((start, end.since(start)))
    }

    fn encryption(&self, index: u64, number: u64) -> Option<SegmentEncryption> {
        let holds = |period: &&CryptoPeriod| {
            index.checked_sub(period.first).is_some_and(|after| period.count.is_none_or(|count| after < count))
        };
        let media = self.crypto.iter().find(holds)?.keys.clone();
        // Initialisation data is encrypted like the segments of the first period.
        let init = self.crypto.first().map(|period| period.keys.clone()).unwrap_or_default();
        Some(SegmentEncryption { media, init, sequence: number })
    }

    fn segment(&self, index: u64) -> Option<SegmentRef> {
        let (start, duration) = self.span(index)?;
        let (time, _) = self.ticks(index)?;
        let number = self.start_number.checked_add(index)?;
        let path = fill(&self.media, number, time);
        let urls: Vec<Url> = self.bases.iter().filter_map(|base| base.join(&path).ok()).collect();
        if urls.is_empty() {
            return None;
        }
        Some(SegmentRef {
            id: SegmentId::Time(start),
            previous: index
                .checked_sub(1)
                .and_then(|before| self.span(before))
                .map(|(start, _)| SegmentId::Time(start)),
            start,
            duration,
            resource: Resource { urls, range: None::<ByteRange> },
            init: self.init.clone(),
            mapping: TimestampMapping::Offset(self.offset_nanos),
            gap: false,
            size: None,
            encryption: self.encryption(index, number),
            program_date_time: None,
            part: None,
        })
    }
}

/// Replaces `$Number$` and `$Time$` (with an optional `%0Nd` width) and `$$` (ISO/IEC 23009-1 §5.3.9.4.4).
/// Unknown identifiers stay as they are; a width is capped at 32 digits.
fn fill(template: &str, number: u64, time: u64) -> String {
    let mut out = String::with_capacity(template.len() + 16);
    let mut parts = template.split('$');
    out.push_str(parts.next().unwrap_or_default());
    while let Some(name) = parts.next() {
        let (identifier, width) = match name.split_once('%') {
            Some((identifier, format)) => (identifier, width_of(format)),
            None => (name, Some(1)),
        };
        let value = match identifier {
            "Number" => Some(number),
            "Time" => Some(time),
            // Every segment is the first of its sequence: sequences are not built.
            "SubNumber" => Some(1),
            _ => None,
        };
        match (name, value, width) {
            ("", ..) => out.push('$'),
            (_, Some(value), Some(width)) => out.push_str(&format!("{value:0width$}")),
            _ => {
                out.push('$');
                out.push_str(name);
                out.push('$');
            }
        }
        out.push_str(parts.next().unwrap_or_default());
    }
    out
}

fn width_of(format: &str) -> Option<usize> {
    let digits = format.strip_suffix(['d', 'u'])?.trim_start_matches('0');
    if digits.is_empty() { Some(1) } else { digits.parse::<usize>().ok().map(|width| width.min(32)) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::model::TimelineRun;

    fn template(timeline: Vec<TimelineRun>, count: u64) -> SegmentList {
        SegmentList::Template(Box::new(SegmentTemplate {
            bases: vec!["http://h/a/".parse().unwrap()],
            media: "s-$Number%05d$-$Time$.m4s".into(),
            init: None,
            timescale: 1000,
            start_number: 1,
            timeline: Arc::new(timeline.into()),
            duration: 2000,
            count,
            offset_nanos: 0,
            period_end: Some(MediaTime::from_millis(5000)),
            period_start: MediaTime::ZERO,
            crypto: Arc::default(),
        }))
    }

    #[test]
    fn numbered_segments_follow_the_rule_and_the_last_is_cut_at_the_period_end() {
        let list = template(Vec::new(), 3);
        let last = list.get(2).unwrap();
        assert_eq!(last.resource.urls[0].as_str(), "http://h/a/s-00003-4000.m4s");
        assert_eq!((last.start, last.duration), (MediaTime::from_millis(4000), Duration::from_secs(1)));
        assert_eq!(list.get(3), None);
        assert_eq!(list.at(MediaTime::from_millis(4999)), Some(2));
        assert_eq!(list.at(MediaTime::from_millis(5000)), None);
        assert_eq!(list.at(MediaTime::from_millis(-5)), Some(0));
    }

    #[test]
    fn a_timeline_with_a_hole_finds_the_segment_after_the_hole() {
        let runs = vec![
            TimelineRun { time: 0, duration: 1000, count: 2, first: 0 },
            TimelineRun { time: 3000, duration: 500, count: 4, first: 2 },
        ];
        let list = template(runs, 6);
        assert_eq!(list.at(MediaTime::from_millis(2500)), Some(2));
        assert_eq!(list.get(3).unwrap().resource.urls[0].as_str(), "http://h/a/s-00004-3500.m4s");
        assert_eq!(list.end(), Some(MediaTime::from_millis(5000)));
    }

    #[test]
    fn templates_keep_dollars_and_unknown_identifiers() {
        assert_eq!(fill("a$$b-$Number$-$Foo$-$Time%03d$", 7, 5), "a$b-7-$Foo$-005");
        assert_eq!(fill("open-$Number", 7, 5), "open-7");
    }
}
