//! Memory of a presentation: an estimate that costs little to make, for the account of a byte budget.

use std::sync::Arc;

use url::Url;

use super::{
    AdaptationSet, Period, Presentation, Representation, SegmentIndex, SegmentList, SegmentRef, SegmentTemplate,
    TimelineRun,
};

/// Bytes that a presentation takes.
///
/// Counted are the structures themselves and the addresses in them. Names, labels, codecs and descriptors are not: a
/// manifest has few of them next to its segments. A timeline that representations of a set share is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Periods, adaptation sets and representations.
    pub manifest: u64,
    /// Lists of segments.
    pub indexes: u64,
}

impl Footprint {
    /// Estimates the memory of a presentation. The time that this takes grows with the number of representations and
    /// not with that of segments.
    pub fn of(presentation: &Presentation) -> Self {
        let mut total = Self { manifest: size::<Presentation>(1), indexes: 0 };
        for period in &presentation.periods {
            total.manifest += size::<Period>(1);
            for set in period.adaptation_sets.iter().chain(&period.trick_sets) {
                total.add(set);
            }
        }
        total
    }

    fn add(&mut self, set: &AdaptationSet) {
        self.manifest += size::<AdaptationSet>(1) + size::<Representation>(set.representations.len());
        let mut shared = None;
        for rep in &set.representations {
            match &rep.index {
                SegmentIndex::External(source) => self.manifest += addresses(&source.resource.urls),
                SegmentIndex::Known(list) => {
                    self.indexes += list.bytes();
                    if let SegmentList::Template(template) = list {
                        if shared.is_some_and(|timeline| Arc::ptr_eq(timeline, &template.timeline)) {
                            self.indexes -= template.timeline_bytes();
                        }
                        shared = Some(&template.timeline);
                    }
                }
            }
        }
    }
}

impl SegmentIndex {
    /// Estimates the memory of the list; 0 for one that is not fetched yet.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::External(_) => 0,
            Self::Known(list) => list.bytes(),
        }
    }
}

impl SegmentList {
    /// Estimates the memory of the list, where all addresses of segments that are written out count as long as that of
    /// the first.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Explicit(segments) => {
                let first = segments.first().map_or(0, |segment| addresses(&segment.resource.urls));
                size::<SegmentRef>(segments.len()) + first * segments.len() as u64
            }
            Self::Listed(listing) => listing.bytes(),
            Self::Template(template) => template.bytes(),
        }
    }
}

impl SegmentTemplate {
    fn bytes(&self) -> u64 {
        size::<Self>(1) + self.media.len() as u64 + addresses(&self.bases) + self.timeline_bytes()
    }

    fn timeline_bytes(&self) -> u64 {
        size::<TimelineRun>(self.timeline.len())
    }
}

/// Size of `count` values.
const fn size<T>(count: usize) -> u64 {
    size_of::<T>() as u64 * count as u64
}

fn addresses(urls: &[Url]) -> u64 {
    urls.iter().map(|url| size::<Url>(1) + url.as_str().len() as u64).sum()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::time::Duration;

    use super::super::{IndexSource, ListedSegment, MediaKind, Resource, SegmentListing, TimestampMapping};
    use super::*;
    use crate::model::TimelineRuns;
    use crate::time::MediaTime;

    fn listing(count: i64) -> SegmentListing {
        let mut list = SegmentListing::new(vec!["http://a/".parse().unwrap()]);
        for number in 0..count {
            assert!(list.push(&ListedSegment {
                start: MediaTime::from_millis(number * 2000),
                duration: Duration::from_secs(2),
                uri: "segment.m4s",
                range: None,
                init: None,
                mapping: TimestampMapping::Discontinuity(0),
                gap: false,
                encryption: None,
                program_date_time: None,
                bitrate_bps: None,
            }));
        }
        list
    }

    fn template(timeline: &Arc<TimelineRuns>) -> SegmentTemplate {
        SegmentTemplate {
            bases: vec!["http://a/".parse().unwrap()],
            media: "$Time$.m4s".to_owned(),
            init: None,
            timescale: 1000,
            start_number: 1,
            timeline: Arc::clone(timeline),
            duration: 0,
            count: 100,
            offset_nanos: 0,
            period_end: None,
            period_start: MediaTime::ZERO,
            crypto: Vec::new().into(),
        }
    }

    #[test]
    fn a_segment_that_is_written_out_costs_its_address() {
        let bytes = |count| SegmentList::Listed(Box::new(listing(count))).bytes();
        let day = bytes(43_200);
        assert!((4_000_000..8_000_000).contains(&day), "a day of two-second segments: {day}");
        let explicit = |count| SegmentList::Explicit((0..count).filter_map(|at| listing(9).get(at)).collect()).bytes();
        let address = size_of::<Url>() + "http://a/segment.m4s".len();
        assert_eq!((explicit(0), explicit(2)), (0, 2 * (size_of::<SegmentRef>() + address) as u64));
    }

    #[test]
    fn key_frame_sets_count_and_an_index_that_was_not_fetched_costs_its_addresses() {
        let url: Url = "http://a/list.m3u8".parse().unwrap();
        let length = url.as_str().len() as u64;
        let source = IndexSource::playlist(Resource { urls: vec![url; 3], range: None });
        let rep = Representation { index: SegmentIndex::External(source), ..Representation::for_tests("a", 1) };
        let set = AdaptationSet::for_tests("s", MediaKind::Video, vec![rep]);
        let of = |sets: &[AdaptationSet], trick: &[AdaptationSet]| {
            let mut period = Period::new("p".into(), MediaTime::ZERO, None, sets.to_vec());
            period.trick_sets = trick.to_vec();
            Footprint::of(&Presentation::for_tests(vec![period]))
        };
        let none = of(&[], &[]);
        let one = of(std::slice::from_ref(&set), &[]);
        let structures = (size_of::<AdaptationSet>() + size_of::<Representation>()) as u64;
        assert_eq!(one.manifest - none.manifest, structures + 3 * (size_of::<Url>() as u64 + length));
        assert_eq!((one.indexes, of(&[], &[set])), (0, one), "of whichever kind the set is");
    }

    #[test]
    fn segments_by_rule_cost_their_timeline_and_a_set_shares_it() {
        let run = TimelineRun { time: 0, duration: 2000, count: 1, first: 0 };
        let timeline = Arc::new(TimelineRuns::from(vec![run; 1000]));
        let one = template(&timeline).bytes();
        let none = template(&TimelineRuns::none()).bytes();
        assert_eq!(one - none, 1000 * size_of::<TimelineRun>() as u64);
        let set = |indexes: Vec<SegmentIndex>| {
            let rep = |index| Representation { index, ..Representation::for_tests("a", 1) };
            let mut total = Footprint::default();
            total.add(&AdaptationSet::for_tests("s", MediaKind::Video, indexes.into_iter().map(rep).collect()));
            total
        };
        let known = |timeline| SegmentIndex::Known(SegmentList::Template(Box::new(template(timeline))));
        assert_eq!(set(vec![known(&timeline), known(&timeline)]).indexes, one + none, "the same timeline");
        let equal = Arc::new(timeline.as_ref().clone());
        assert_eq!(set(vec![known(&timeline), known(&equal)]).indexes, one * 2, "another of equal content");
        let twice = set(vec![known(&timeline), known(&timeline)]).manifest;
        assert_eq!(twice - set(vec![known(&timeline)]).manifest, size_of::<Representation>() as u64);
    }
}
