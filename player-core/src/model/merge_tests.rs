//! Lists that are read again, by hand and at random.
#![expect(clippy::unwrap_used, reason = "tests")]
use proptest::prelude::*;
use std::sync::Arc;

use super::*;
use crate::model::{IndexSource, ListedSegment, Resource, SegmentListing, SegmentRef, SegmentTemplate, TimelineRun};

fn ms(value: i64) -> MediaTime {
    MediaTime::from_millis(value)
}

/// Segments of an HLS playlist: length in seconds, and a discontinuity in front of it.
#[derive(Clone, Debug)]
struct Part {
    name: String,
    seconds: i64,
    discontinuity: bool,
}

fn parts(count: u64) -> Vec<Part> {
    let part = |at: u64| Part { name: format!("{at}.ts"), seconds: 2 + (at % 3) as i64, discontinuity: at % 4 == 3 };
    (0..count).map(part).collect()
}

/// A playlist as its reader gives it: it begins at zero, and its first discontinuity is number zero.
fn playlist(sequence: u64, parts: &[Part]) -> SegmentIndex {
    let mut list = SegmentListing::new(vec!["http://h/v/".parse().unwrap()]).numbered_from(sequence);
    let (mut start, mut discontinuity) = (0, 0);
    for (at, part) in parts.iter().enumerate() {
        discontinuity += u64::from(at > 0 && part.discontinuity);
        assert!(list.push(&ListedSegment {
            start: ms(start * 1000),
            duration: Duration::from_secs(part.seconds as u64),
            uri: &part.name,
            range: None,
            init: None,
            mapping: TimestampMapping::Discontinuity(discontinuity),
            gap: false,
            encryption: None,
            program_date_time: None,
            bitrate_bps: None,
        }));
        start += part.seconds;
    }
    SegmentIndex::Known(SegmentList::Listed(Box::new(list)))
}

fn known(index: &SegmentIndex) -> &SegmentList {
    match index {
        SegmentIndex::Known(list) => list,
        SegmentIndex::External(_) => panic!("a list is known"),
    }
}

/// Name, start, discontinuity and file of each segment.
fn all(index: &SegmentIndex) -> Vec<(SegmentId, MediaTime, TimestampMapping, String)> {
    let list = known(index);
    let segments = (0..list.len()).map(|at| list.get(at).unwrap());
    segments.map(|found| (found.id, found.start, found.mapping, found.resource.urls[0].path().to_owned())).collect()
}

#[test]
fn what_was_removed_in_front_moves_nothing_that_stays() {
    let parts = parts(10);
    let mut index = playlist(100, &parts);
    let before = all(&index);
    let changes = index.merge(playlist(104, &parts[4..]));
    let expected = Changes { agreement: Agreement::Names, removed_in_front: 4, ..Changes::default() };
    assert_eq!((changes, changes.disagree()), (expected, false));
    assert_eq!(all(&index), before[4..]);
    assert_eq!(known(&index).position(SegmentId::Sequence(103)), None);
    assert_eq!(known(&index).position(SegmentId::Sequence(104)), Some(0));
    let first = known(&index).get(0).unwrap();
    assert_eq!((first.previous, first.end()), (Some(SegmentId::Sequence(103)), before[5].1));
}

#[test]
fn what_comes_back_in_front_gets_its_old_names() {
    let parts = parts(10);
    let mut index = playlist(100, &parts);
    let before = all(&index);
    index.merge(playlist(106, &parts[6..]));
    let changes = index.merge(playlist(102, &parts[2..]));
    assert_eq!((changes.agreement, changes.added, changes.removed_in_front), (Agreement::Names, 4, 0));
    assert_eq!(all(&index), before[2..]);
}

#[test]
fn a_server_that_counts_anew_is_understood_by_addresses() {
    let parts = parts(10);
    let mut index = playlist(100, &parts);
    let before = all(&index);
    for sequence in [0, 101, 7_000_000] {
        let changes = index.merge(playlist(sequence, &parts[3..]));
        assert_eq!(
            (changes.agreement, changes.changed, changes.disagree()),
            (Agreement::Addresses, 0, true),
            "{sequence}"
        );
        assert_eq!(all(&index), before[3..], "{sequence}");
    }
}

#[test]
fn the_same_segments_with_other_tokens_are_the_same() {
    let plain = parts(6);
    let tokens: Vec<Part> =
        plain.iter().map(|part| Part { name: format!("{}?t=2", part.name), ..part.clone() }).collect();
    let mut index = playlist(5, &plain);
    let before = all(&index);
    let changes = index.merge(playlist(5, &tokens));
    assert_eq!(changes, Changes { agreement: Agreement::Names, ..Changes::default() });
    assert_eq!(all(&index), before);
    assert_eq!(known(&index).get(0).unwrap().resource.urls[0].query(), Some("t=2"), "the newer address counts");
}

#[test]
fn lists_without_anything_in_common_follow_each_other() {
    let first = parts(4);
    let other: Vec<Part> = first.iter().map(|part| Part { name: format!("x{}", part.name), ..part.clone() }).collect();
    let mut index = playlist(10, &first);
    let end = known(&index).end().unwrap();
    let changes = index.merge(playlist(15, &other));
    assert_eq!((changes.agreement, changes.added, changes.removed_in_front), (Agreement::Nothing, 4, 4));
    let last = Duration::from_secs(first[3].seconds as u64);
    assert_eq!(known(&index).start(), Some(end + last), "one is missing between");
    assert_eq!(known(&index).id(0), Some(SegmentId::Sequence(15)));
    let end = known(&index).end().unwrap();
    index.merge(playlist(0, &first));
    assert_eq!(known(&index).start(), Some(end), "it counts from the beginning again");
    let next = known(&index).get(0).unwrap();
    assert_eq!((next.id, next.previous), (SegmentId::Sequence(20), Some(SegmentId::Sequence(19))));
    assert_eq!(known(&index).position(SegmentId::Sequence(18)), None, "nothing that was used has the name");
}

#[test]
fn differences_are_counted() {
    let parts = parts(8);
    let mut other = parts[2..].to_vec();
    other[1].seconds += 1;
    other[4].name = "y.ts".to_owned();
    other.push(Part { name: "8.ts".to_owned(), seconds: 2, discontinuity: false });
    let mut index = playlist(0, &parts);
    let changes = index.merge(playlist(2, &other));
    let counted = (changes.added, changes.removed_in_front, changes.removed_at_end, changes.changed);
    assert_eq!((counted, changes.disagree()), ((1, 2, 0, 2), true));
    let changes = index.merge(playlist(2, &other[..4]));
    assert_eq!((changes.removed_at_end, changes.changed), (3, 0));
}

#[test]
fn an_index_that_must_be_fetched_first_takes_nothing_away() {
    let source = IndexSource::playlist(Resource::new("http://h/i".parse().unwrap()));
    let mut index = SegmentIndex::External(source.clone());
    assert_eq!(index.merge(playlist(3, &parts(5))), Changes { added: 5, ..Changes::default() });
    let before = index.clone();
    assert!(!index.merge(SegmentIndex::External(source)).disagree());
    assert_eq!(index, before);
    assert_eq!(index.merge(playlist(0, &[])).removed_in_front, 5);
}

fn template(start_number: u64, times: &[(u64, u64, u64)]) -> SegmentIndex {
    let mut first = 0;
    let run = |(time, duration, count): &(u64, u64, u64)| {
        let run = TimelineRun { time: *time, duration: *duration, count: *count, first };
        first += count;
        run
    };
    let timeline: Vec<TimelineRun> = times.iter().map(run).collect();
    SegmentIndex::Known(SegmentList::Template(Box::new(SegmentTemplate {
        bases: vec!["http://h/".parse().unwrap()],
        media: "$Number$.m4s".to_owned(),
        init: None,
        timescale: 1000,
        start_number,
        count: timeline.iter().map(|run| run.count).sum(),
        timeline: Arc::new(timeline.into()),
        duration: 0,
        offset_nanos: 5_000_000_000,
        period_end: None,
        period_start: ms(5000),
        crypto: Arc::default(),
    })))
}

#[test]
fn a_timeline_names_its_segments_by_time_whatever_their_numbers() {
    let mut index = template(1, &[(0, 2000, 5)]);
    let changes = index.merge(template(900, &[(4000, 2000, 5)]));
    let expected = Changes { agreement: Agreement::Names, removed_in_front: 2, added: 2, ..Changes::default() };
    assert_eq!(changes, expected);
    let first = known(&index).get(0).unwrap();
    assert_eq!((first.id, first.previous), (SegmentId::Time(ms(9000)), None));
    assert_eq!(first.resource.urls[0].path(), "/900.m4s");
    assert_eq!(known(&index).position(SegmentId::Time(ms(9001))), Some(0), "rounded");
    assert_eq!(known(&index).position(SegmentId::Time(ms(9002))), None);
    assert_eq!(known(&index).position(SegmentId::Sequence(0)), None);
}

#[test]
fn a_period_that_ends_and_a_window_that_slid_past_everything_contradict_nothing() {
    let ended = |mut index: SegmentIndex, end: i64| {
        if let SegmentIndex::Known(SegmentList::Template(template)) = &mut index {
            template.period_end = Some(ms(end));
        }
        index
    };
    let times = [(0, 2000, 5)];
    let mut index = template(1, &times);
    let changes = index.merge(ended(template(1, &times), 14_500));
    assert_eq!((changes.changed, changes.disagree()), (0, false), "the last one is cut");
    let changes = template(1, &times).merge(ended(template(1, &times), 12_500));
    assert_eq!(changes.changed, 1, "one before it has another length");
    let changes = template(1, &times).merge(template(1, &[(0, 2000, 4), (8000, 1000, 1)]));
    assert!(changes.disagree(), "it is shorter for no reason");
    let changes = template(1, &times).merge(template(900, &[(90_000, 2000, 5)]));
    let expected = Changes { agreement: Agreement::Names, added: 5, removed_in_front: 5, ..Changes::default() };
    assert_eq!(changes, expected);
    assert!(template(900, &[(90_000, 2000, 5)]).merge(template(1, &times)).disagree(), "time runs back");
}

#[test]
fn a_hole_that_is_filled_renames_nothing_after_it() {
    let mut index = template(1, &[(0, 2000, 1), (4000, 2000, 2)]);
    let last = known(&index).id(2).unwrap();
    let changes = index.merge(template(1, &[(0, 2000, 4)]));
    assert_eq!((changes.changed, changes.added), (1, 0));
    assert_eq!(known(&index).position(last), Some(3));
}

#[test]
fn rules_that_make_billions_of_segments_are_compared_at_once() {
    let rule = |count| {
        let SegmentIndex::Known(SegmentList::Template(mut rule)) = template(1, &[]) else { unreachable!("a template") };
        (rule.count, rule.duration) = (count, 2000);
        SegmentIndex::Known(SegmentList::Template(rule))
    };
    let mut index = rule(3_000_000_000);
    let changes = index.merge(rule(3_000_000_007));
    assert_eq!((changes.added, changes.changed, changes.not_compared), (7, 0, 0));
    let mut index = template(1, &[(0, 2000, 3_000_000_000)]);
    let changes = index.merge(template(1, &[(0, 2000, 3_000_000_000)]));
    assert_eq!((changes.changed, changes.not_compared), (0, 3_000_000_000 - MOST_COMPARED));
}

proptest! {
    /// Whatever window of a presentation the lists show, one after the other, each segment keeps name, start and
    /// discontinuity; numbers that begin anew change nothing.
    #[test]
    fn windows_of_the_same_playlist_agree(
        windows in proptest::collection::vec((0_usize..30, 1_usize..20, any::<bool>()), 1..8),
        sequence in prop_oneof![Just(0_u64), 0..1000_u64, Just(u64::MAX - 60)],
        renumbered in 0..5000_u64,
    ) {
        let parts = parts(50);
        let mut index = playlist(sequence, &parts);
        let before = all(&index);
        let mut shown = (0, parts.len());
        for (from, length, anew) in windows {
            let to = from + length;
            if to <= shown.0 || shown.1 <= from {
                continue;
            }
            let first = if anew { renumbered } else { sequence + from as u64 };
            let changes = index.merge(playlist(first, &parts[from..to]));
            prop_assert_eq!(changes.changed, 0);
            prop_assert_eq!(changes.removed_in_front, from.saturating_sub(shown.0) as u64);
            prop_assert_eq!(changes.added, (shown.0.saturating_sub(from) + to.saturating_sub(shown.1)) as u64);
            prop_assert_eq!(all(&index), &before[from..to]);
            shown = (from, to);
        }
    }

    /// Lists of any kind and content are merged without a panic, and the result lists what the update lists.
    #[test]
    fn any_lists_can_be_merged(
        kinds in proptest::collection::vec((0_u8..3, any::<u64>(), proptest::collection::vec((0_u64..20, 1_i64..5), 0..12)), 2..5),
    ) {
        let make = |(kind, number, segments): &(u8, u64, Vec<(u64, i64)>)| match kind {
            0 | 1 => {
                let part = |(name, seconds): &(u64, i64)| Part {
                    name: format!("{name}.ts"), seconds: *seconds, discontinuity: name % 5 == 0,
                };
                playlist(if *kind == 0 { number % 40 } else { *number }, &segments.iter().map(part).collect::<Vec<_>>())
            }
            _ => {
                let mut time = number % 50_000;
                let mut runs = Vec::new();
                for (count, seconds) in segments {
                    runs.push((time, *seconds as u64 * 1000, count + 1));
                    time += (count + 2) * *seconds as u64 * 1000;
                }
                template(*number >> 1, &runs)
            }
        };
        let mut index = make(&kinds[0]);
        for kind in &kinds[1..] {
            let update = make(kind);
            let (length, before) = (known(&update).len(), known(&index).len());
            let changes = index.merge(update);
            prop_assert_eq!(known(&index).len(), length);
            prop_assert!(changes.added <= length && changes.removed_in_front + changes.removed_at_end <= before);
            let list = known(&index);
            for at in 0..length.min(30) {
                prop_assert_eq!(list.position(list.id(at).unwrap()), Some(at));
            }
        }
    }
}

#[test]
fn lists_that_touch_or_differ_by_rounding_have_no_segment_in_common() {
    let list = |begin: i64| {
        SegmentList::Explicit(vec![SegmentRef {
            id: SegmentId::Sequence(0),
            previous: None,
            start: ms(begin),
            duration: Duration::from_secs(4),
            resource: Resource::new("http://h/x".parse().unwrap()),
            init: None,
            mapping: TimestampMapping::Offset(0),
            gap: false,
            size: None,
            encryption: None,
            program_date_time: None,
            part: None,
        }])
    };
    for (begin, overlaps) in [(0, true), (3998, true), (3999, false), (4000, false), (9000, false)] {
        let (agreement, overlap) = list(0).overlap_in_time(&list(begin));
        assert_eq!((agreement == Agreement::Names, overlap.is_some()), (overlaps, overlaps), "{begin}");
        let (_, overlap) = list(begin).overlap_in_time(&list(0));
        assert_eq!(overlap.is_some(), overlaps, "{begin}");
    }
}
