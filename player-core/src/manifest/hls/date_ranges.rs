//! `EXT-X-DATERANGE` (RFC 8216bis §4.4.5.1): read, merged by id, and put on the presentation timeline by way of
//! `EXT-X-PROGRAM-DATE-TIME`. Interstitials and SCTE-35 are date ranges like any other: their attributes are passed on.

use std::collections::BTreeMap;
use std::time::Duration;

use super::attributes::Attributes;
use crate::manifest::dates::instant;
use crate::manifest::document::{Warnings, clip};
use crate::model::{MetadataBody, MetadataSource, TimedMetadata};
use crate::time::{MediaTime, WallClock};

/// More attributes of one range than this are not kept.
const MAX_ATTRIBUTES: usize = 256;

/// A date range with all that its tags say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DateRange {
    /// Of its first tag.
    pub(super) line: u32,
    pub(super) id: String,
    pub(super) class: Option<String>,
    /// Nanoseconds since the Unix epoch.
    pub(super) start: Option<i64>,
    /// Nanoseconds since the Unix epoch.
    pub(super) end: Option<i64>,
    pub(super) duration: Option<Duration>,
    pub(super) planned_duration: Option<Duration>,
    /// It ends where the next one of its class begins.
    pub(super) end_on_next: bool,
    /// Triggers of `CUE`: `PRE`, `POST`, `ONCE`.
    pub(super) cue: Vec<String>,
    /// Every attribute as written, in order: those above, `X-…` and `SCTE35-…` too.
    pub(super) attributes: Vec<(String, String)>,
}

impl DateRange {
    fn fill(&mut self, attributes: &Attributes<'_>) {
        let date = |name: &str| attributes.text(name).and_then(instant);
        self.class = self.class.take().or_else(|| attributes.filled("CLASS").map(str::to_owned));
        self.start = self.start.or_else(|| date("START-DATE"));
        self.end = self.end.or_else(|| date("END-DATE"));
        self.duration = self.duration.or_else(|| attributes.seconds("DURATION"));
        self.planned_duration = self.planned_duration.or_else(|| attributes.seconds("PLANNED-DURATION"));
        self.end_on_next |= attributes.yes("END-ON-NEXT");
        if self.cue.is_empty() {
            let words = attributes.filled("CUE").unwrap_or_default().split(',').map(str::trim);
            self.cue = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
        }
        for (name, value) in attributes.iter() {
            if self.attributes.len() < MAX_ATTRIBUTES && self.attributes.iter().all(|(known, _)| known != name) {
                self.attributes.push((name.to_owned(), value.text.to_owned()));
            }
        }
    }

    /// Returns its declared length; `None` for an open end.
    fn length(&self, next_of_class: Option<i64>) -> Option<Duration> {
        let until = |end: i64| Some(Duration::from_nanos(u64::try_from(end.checked_sub(self.start?)?).ok()?));
        self.duration.or_else(|| until(self.end?)).or_else(|| until(next_of_class.filter(|_| self.end_on_next)?))
    }
}

/// All date ranges of a playlist, in the order of their first tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DateRanges {
    list: Vec<DateRange>,
    places: BTreeMap<String, usize>,
}

impl DateRanges {
    /// Takes a tag. Tags of one id say parts of one range; where they differ the first counts (§4.4.5.1).
    pub(super) fn take(&mut self, line: u32, value: &str, warnings: &mut Warnings) {
        let attributes = Attributes::parse(value);
        let Some(id) = attributes.filled("ID") else {
            return warnings.push(line, "EXT-X-DATERANGE without ID");
        };
        for name in ["START-DATE", "END-DATE"] {
            if let Some(text) = attributes.filled(name).filter(|text| instant(text).is_none()) {
                warnings.push(line, format!("EXT-X-DATERANGE: {} is no date", clip(text)));
            }
        }
        let place = *self.places.entry(id.to_owned()).or_insert_with(|| {
            self.list.push(DateRange { line, id: id.to_owned(), ..DateRange::default() });
            self.list.len() - 1
        });
        if let Some(range) = self.list.get_mut(place) {
            range.fill(&attributes);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &DateRange> {
        self.list.iter()
    }

    /// The ranges as metadata on the presentation timeline, ordered by begin. Without any date in the playlist there
    /// is no place for them.
    pub(super) fn timed(&self, dates: &DateMap, warnings: &mut Warnings) -> Vec<TimedMetadata> {
        // The begins of each class in order: for END-ON-NEXT.
        let mut begins: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for range in &self.list {
            if let (Some(class), Some(start)) = (range.class.as_deref(), range.start) {
                begins.entry(class).or_default().push(start);
            }
        }
        begins.values_mut().for_each(|list| list.sort_unstable());
        let next = |range: &DateRange| {
            let list = begins.get(range.class.as_deref()?)?;
            list.get(list.partition_point(|begin| Some(*begin) <= range.start)).copied()
        };
        let mut out = Vec::with_capacity(self.list.len());
        for range in &self.list {
            let Some(date) = range.start else {
                warnings.push(range.line, "EXT-X-DATERANGE without START-DATE");
                continue;
            };
            let Some(start) = dates.place(date) else {
                warnings.push(range.line, "EXT-X-DATERANGE in a playlist without EXT-X-PROGRAM-DATE-TIME");
                continue;
            };
            out.push(TimedMetadata {
                source: MetadataSource::DateRange,
                scheme: range.class.clone().unwrap_or_default(),
                value: String::new(),
                id: range.id.clone(),
                start,
                duration: range.length(next(range)),
                body: MetadataBody::Attributes(range.attributes.clone()),
            });
        }
        out.sort_by_key(|metadata| metadata.start);
        out
    }
}

/// Mapping from dates to presentation times: one pair for each `EXT-X-PROGRAM-DATE-TIME`.
#[derive(Clone, Debug, Default)]
pub(super) struct DateMap {
    /// Pairs, ascending by date.
    anchors: Vec<(i64, MediaTime)>,
}

impl DateMap {
    /// Maps the dates of consecutive segments, each given with its duration, of which the first begins at `begin`.
    pub(super) fn new(segments: impl Iterator<Item = (Option<i64>, Duration)>, begin: MediaTime) -> Self {
        let mut anchors = Vec::new();
        let mut start = begin;
        for (date, duration) in segments {
            anchors.extend(date.map(|date| (date, start)));
            start = start + duration;
        }
        anchors.sort_by_key(|(date, _)| *date);
        Self { anchors }
    }

    /// Adds a date that was declared before, if there is one.
    pub(super) fn with(mut self, anchor: Option<(MediaTime, WallClock)>) -> Self {
        if let Some((time, date)) = anchor.map(|(time, date)| (time, date.as_unix_nanos())) {
            let at = self.anchors.partition_point(|(known, _)| *known < date);
            if self.anchors.get(at).is_none_or(|(known, _)| *known != date) {
                self.anchors.insert(at, (date, time));
            }
        }
        self
    }

    /// Returns the presentation time of a date: counted from the last date declared before it, else back from the first
    /// (§4.4.4.6).
    pub(super) fn place(&self, date: i64) -> Option<MediaTime> {
        let at = self.anchors.partition_point(|(known, _)| *known <= date).saturating_sub(1);
        let (known, time) = self.anchors.get(at)?;
        Some(time.shifted(date.saturating_sub(*known)))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn dates() -> DateMap {
        DateMap { anchors: vec![(100 * SECOND, MediaTime::ZERO), (500 * SECOND, MediaTime::from_millis(10_000))] }
    }

    fn timed(tags: &[&str]) -> (Vec<TimedMetadata>, usize) {
        let (mut ranges, mut warnings) = (DateRanges::default(), Warnings::default());
        for (line, tag) in tags.iter().enumerate() {
            ranges.take(u32::try_from(line).unwrap(), tag, &mut warnings);
        }
        let list = ranges.timed(&dates(), &mut warnings);
        (list, warnings.into_list().len())
    }

    #[test]
    fn dates_count_from_the_last_one_told() {
        let seconds = |date: i64| dates().place(date * SECOND).unwrap().as_nanos() / SECOND;
        assert_eq!([103, 499, 501, 98].map(seconds), [3, 399, 11, -2]);
        assert_eq!([100, 500].map(seconds), [0, 10], "a date that is told lies where its segment begins");
        assert_eq!(DateMap::default().place(5), None);
    }

    #[test]
    fn tags_of_one_id_are_one_range_and_every_attribute_is_kept() {
        let (list, warnings) = timed(&[
            "ID=\"ad\",CLASS=\"x\",START-DATE=\"1970-01-01T00:01:42Z\",PLANNED-DURATION=9,SCTE35-OUT=0xFC30",
            "ID=\"ad\",END-DATE=\"1970-01-01T00:01:45.5Z\",SCTE35-IN=0xFC31,X-A=\"b\",CLASS=\"y\"",
            "ID=\"lost\",CLASS=\"x\"",
            "START-DATE=\"1970-01-01T00:01:42Z\"",
            "ID=\"odd\",START-DATE=\"yesterday\"",
        ]);
        assert_eq!(warnings, 4, "no START-DATE, no ID, no date and so no START-DATE");
        let [ad] = list.as_slice() else { panic!("{list:?}") };
        assert_eq!((ad.scheme.as_str(), ad.start), ("x", MediaTime::from_millis(2000)));
        assert_eq!(ad.duration, Some(Duration::from_millis(3500)));
        let MetadataBody::Attributes(attributes) = &ad.body else { panic!("{:?}", ad.body) };
        let names: Vec<&str> = attributes.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["ID", "CLASS", "START-DATE", "PLANNED-DURATION", "SCTE35-OUT", "END-DATE", "SCTE35-IN", "X-A"]
        );
    }

    #[test]
    fn a_range_may_end_where_the_next_of_its_class_begins() {
        let (list, warnings) = timed(&[
            "ID=\"2\",CLASS=\"c\",START-DATE=\"1970-01-01T00:01:44Z\",END-ON-NEXT=YES",
            "ID=\"1\",CLASS=\"c\",START-DATE=\"1970-01-01T00:01:41Z\",END-ON-NEXT=YES",
            "ID=\"3\",CLASS=\"d\",START-DATE=\"1970-01-01T00:01:42Z\",DURATION=0.5",
        ]);
        let spans: Vec<_> = list.iter().map(|m| (m.id.as_str(), m.duration)).collect();
        let millis = |value| Some(Duration::from_millis(value));
        assert_eq!(spans, [("1", millis(3000)), ("3", millis(500)), ("2", None)]);
        assert_eq!(warnings, 0);
    }

    #[test]
    fn attributes_of_a_range_are_kept_up_to_their_limit() {
        let many: String = (0..300).map(|number| format!(",X-{number}=1")).collect();
        let (list, _) = timed(&[&format!("ID=\"a\",START-DATE=\"1970-01-01T00:01:42Z\"{many}")]);
        let MetadataBody::Attributes(attributes) = &list[0].body else { panic!("{:?}", list[0].body) };
        assert_eq!((attributes.len(), attributes[255].0.as_str()), (256, "X-253"));
    }
}
