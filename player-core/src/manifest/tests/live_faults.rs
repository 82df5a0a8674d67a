//! Faults of servers in playlists that grow: wrong numbers, limits below the legal ones, and restarts.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use url::Url;

use crate::manifest::{ParsedIndex, parse_index};
use crate::model::{
    Agreement, Changes, IndexSource, PlaylistGrowth, Resource, SegmentId, SegmentIndex, SegmentList, TimestampMapping,
};

fn url() -> Url {
    "http://h/live/list.m3u8".parse().unwrap()
}

fn read_from(text: &str, url: &Url) -> ParsedIndex {
    parse_index(text.as_bytes(), &IndexSource::playlist(Resource::new(url.clone())), url).unwrap()
}

fn growth(text: &str) -> (PlaylistGrowth, Vec<String>) {
    let parsed = read_from(&format!("#EXTM3U\n{text}"), &url());
    (*parsed.growth.unwrap(), parsed.warnings.into_iter().map(|warning| warning.message).collect())
}

/// A playlist of two-second segments, of which `second` gives the time of day of the first, if there is one.
fn text(sequence: Option<u64>, names: std::ops::RangeInclusive<u64>, second: Option<u64>) -> String {
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n".to_owned();
    text += &sequence.map(|sequence| format!("#EXT-X-MEDIA-SEQUENCE:{sequence}\n")).unwrap_or_default();
    text += &second
        .map(|at| format!("#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:{:02}:{:02}Z\n", at / 60, at % 60))
        .unwrap_or_default();
    for name in names {
        if name % 10 == 0 {
            text += "#EXT-X-DISCONTINUITY\n";
        }
        text += &format!("#EXTINF:2,\ns{name}\n");
    }
    text
}

fn merge(index: &mut SegmentIndex, text: &str) -> Changes {
    index.merge(SegmentIndex::Known(read_from(text, &url()).segments))
}

fn first(text: &str) -> SegmentIndex {
    SegmentIndex::Known(read_from(text, &url()).segments)
}

/// Name, start in seconds, discontinuity and address of the last segment.
fn last(index: &SegmentIndex) -> (u64, i64, u64, String) {
    let SegmentIndex::Known(list) = index else { panic!("it was read") };
    let last = list.get(list.len() - 1).unwrap();
    let SegmentId::Sequence(name) = last.id else { panic!("numbered") };
    let TimestampMapping::Discontinuity(number) = last.mapping else { panic!("counted") };
    (name, last.start.as_nanos() / 1_000_000_000, number, last.resource.urls[0].path().to_owned())
}

#[test]
fn numbers_that_stand_still_or_are_missing_are_repaired_by_addresses() {
    for sequence in [Some(5), None] {
        let mut index = first(&text(sequence, 1..=6, None));
        for newest in 7..40 {
            let changes = merge(&mut index, &text(sequence, newest - 5..=newest, None));
            assert_eq!((changes.agreement, changes.added), (Agreement::Addresses, 1));
        }
        // Segment 1 is named by the first number; discontinuities slid out, and were never counted by the server.
        assert_eq!(last(&index), (sequence.unwrap_or(0) + 38, 76, 3, "/live/s39".to_owned()));
    }
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "a playlist without segments")]
fn older_states_and_empty_ones_are_passed_over() {
    let mut index = first(&text(Some(5), 5..=10, None));
    let before = last(&index);
    for older in [text(Some(4), 4..=9, None), text(None, 1..=0, None)] {
        assert_eq!(merge(&mut index, &older).agreement, Agreement::Older);
        assert_eq!(last(&index), before);
    }
    assert_eq!(merge(&mut index, &text(Some(6), 6..=11, None)).added, 1);
    // A window that slid past: dates tell an old state from a server that counts anew.
    let mut index = first(&text(Some(50), 50..=55, Some(100)));
    assert_eq!(merge(&mut index, &text(Some(20), 20..=25, Some(40))).agreement, Agreement::Older);
    assert_eq!(merge(&mut index, &text(Some(0), 900..=905, Some(130))).agreement, Agreement::Nothing);
}

#[test]
fn a_restart_goes_on_behind_a_new_discontinuity_at_its_date() {
    let mut index = first(&text(Some(100), 1..=6, Some(60)));
    merge(&mut index, &text(Some(101), 2..=7, Some(62)));
    // It ended at 74 s of the day, that is at 14 s; the new one begins at 90 s.
    let changes = merge(&mut index, &text(Some(0), 21..=22, Some(90)));
    assert_eq!((changes.agreement, last(&index)), (Agreement::Nothing, (109, 32, 1, "/live/s22".to_owned())));
    for newest in 23..=60 {
        let changes = merge(&mut index, &text(Some(newest - 22), newest - 1..=newest, Some(90 + (newest - 22) * 2)));
        assert_eq!((changes.agreement, changes.added), (Agreement::Names, 1), "its numbers are known now");
    }
    assert_eq!(last(&index), (147, 108, 5, "/live/s60".to_owned()));
    // Numbers that jump: what lies between is taken to be as long as its numbers say, without dates.
    let mut index = first(&text(Some(10), 1..=4, None));
    merge(&mut index, &text(Some(20), 31..=32, None));
    assert_eq!(last(&index), (21, 22, 1, "/live/s32".to_owned()));
}

#[test]
fn distances_below_the_legal_ones_are_raised() {
    let tags = "#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=0.5\n\
                #EXT-X-SERVER-CONTROL:HOLD-BACK=5,PART-HOLD-BACK=0.6\n#EXTINF:4,\na\n";
    let (found, warnings) = growth(tags);
    assert_eq!((found.hold_back, found.part_hold_back), (Some(Duration::from_secs(12)), Some(Duration::from_secs(1))));
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    let (found, warnings) = growth(&tags.replace("=5,", "=12,").replace("=0.6", "=1.25"));
    assert_eq!((found.part_hold_back, warnings.len()), (Some(Duration::from_millis(1250)), 0));
    let (found, _) = growth("#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=0.5\n#EXTINF:4,\na\n");
    assert_eq!((found.part_target, found.part_hold_back), (Some(Duration::from_millis(500)), None));
}

#[test]
fn absurd_target_durations_are_replaced_by_what_is_listed() {
    let target = |tag: &str, segment: &str| {
        let (found, warnings) = growth(&format!("{tag}\n#EXTINF:{segment},\na\n"));
        (found.target_duration.as_millis(), warnings.len())
    };
    assert_eq!(target("#EXT-X-TARGETDURATION:6", "6.4"), (6000, 0), "rounding");
    assert_eq!(target("#EXT-X-TARGETDURATION:100000", "6"), (6000, 1));
    assert_eq!(target("#EXT-X-TARGETDURATION:90", "80"), (90_000, 0));
    assert_eq!(target("#EXT-X-TARGETDURATION:2", "5"), (5000, 1));
    assert_eq!(target("#EXT-X-TARGETDURATION:2", "100000"), (6000, 1), "one absurd segment");
    assert_eq!(target("#EXT-X-TARGETDURATION:0", "4"), (4000, 0));
    assert_eq!(target("#EXT-X-VERSION:6", "4"), (4000, 1), "it is missing");
}

#[test]
fn directives_of_reloads_change_neither_variables_nor_addresses() {
    let text = "#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"t\"\n#EXT-X-DEFINE:QUERYPARAM=\"_HLS_msn\"\n\
                #EXT-X-TARGETDURATION:2\n#EXT-X-BYTERANGE:9@0\n#EXTINF:2,\n?{$t}\n#EXTINF:2,\nb?{$_HLS_msn}\n";
    let [plain, asked] =
        ["http://h/l?t=1", "http://h/l?t=1&_HLS_msn=4&_HLS_skip=v2"].map(|url| read_from(text, &url.parse().unwrap()));
    assert_eq!(plain.segments, asked.segments);
    let SegmentList::Listed(list) = &asked.segments else { panic!("a playlist lists its segments") };
    assert_eq!(list.get(0).unwrap().resource.urls[0].as_str(), "http://h/l?1");
}
