//! Media playlists that grow, of several representations: how they are asked for, and where they are placed.
#![expect(clippy::unwrap_used, reason = "tests")]
use bytes::Bytes;

use super::tests::{playlist, presentation, resource, source};
use super::*;
use crate::engine::ids::RepKey;
use crate::manifest::IndexReading;
use crate::model::{Agreement, IndexSource, Representation, SegmentId, SegmentList, TimestampMapping};

const ONE: RepKey = RepKey::for_tests(0, 0, 0);
const OTHER: RepKey = RepKey::for_tests(0, 0, 1);

fn at(millis: u64) -> Now {
    Now::ZERO + Duration::from_millis(millis)
}

fn of(rep: RepKey) -> IndexSource {
    let path = if rep == ONE { "one" } else { "other" };
    IndexSource { resource: resource(path), mapping: TimestampMapping::Discontinuity(0), ..playlist() }
}

fn two() -> Source {
    let mut known = presentation("p", SegmentIndex::External(of(ONE)));
    let other = Representation { index: SegmentIndex::External(of(OTHER)), ..Representation::for_tests("w", 2000) };
    known.periods[0].adaptation_sets[0].representations.push(other);
    source(known, None)
}

/// A playlist of two-second segments; each tenth begins with a discontinuity, which the server never counts.
fn text(prefix: &str, numbers: std::ops::RangeInclusive<u64>, tags: &str) -> String {
    let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{}\n{tags}", numbers.start());
    for number in numbers {
        if number % 10 == 0 {
            text += "#EXT-X-DISCONTINUITY\n";
        }
        text += &format!("#EXTINF:2,\n{prefix}{number}\n");
    }
    text
}

/// Reads a playlist that was asked for and received at a time. Returns how it agrees with what was known.
fn read(source: &mut Source, rep: RepKey, text: &str, millis: u64) -> Agreement {
    let url: Url = of(rep).resource.urls[0].clone();
    let body = Bytes::copy_from_slice(text.as_bytes());
    let IndexReading::Known(parsed) = source.read_index(rep, &of(rep), None, &body, &url).unwrap() else {
        panic!("a playlist is read at once")
    };
    let merged = source.merge_index(rep, parsed.segments, parsed.epoch);
    let from = source.locations().candidates(&of(rep).resource).remove(0);
    source.note_index(rep, of(rep), from, &url);
    if !merged.changes.agreement.is_refused() {
        source.note_playlist(rep, parsed.growth.map(|growth| *growth), at(millis), at(millis));
    }
    merged.changes.agreement
}

/// Start in milliseconds and discontinuity of a segment.
fn place(source: &Source, rep: RepKey, address: &str) -> (i64, u64) {
    let list = source.presentation().known_list(rep).unwrap();
    let found = (0..list.len()).filter_map(|at| list.get(at)).find(|found| found.resource.urls[0].path() == address);
    let found = found.unwrap();
    let TimestampMapping::Discontinuity(number) = found.mapping else { panic!("counted") };
    (found.start.as_nanos() / 1_000_000, number)
}

#[test]
fn known_segments_are_asked_to_be_left_out_while_they_are_young() {
    let mut source = two();
    let tags = "#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=12\n";
    read(&mut source, ONE, &text("a", 1..=20, tags), 0);
    assert_eq!(source.skip_directive(ONE, at(5900)), Some("YES"));
    assert_eq!(source.skip_directive(ONE, at(6000)), None, "half of 12 s");
    assert_eq!(source.skip_directive(OTHER, at(0)), None, "nothing of it is known");
    read(&mut source, ONE, &text("a", 2..=21, &tags.replace("=12", "=12,CAN-SKIP-DATERANGES=YES")), 2000);
    assert_eq!(source.skip_directive(ONE, at(4000)), Some("v2"));
    let misfit =
        text("a", 30..=35, tags).replace("MEDIA-SEQUENCE:30\n", "MEDIA-SEQUENCE:16\n#EXT-X-SKIP:SKIPPED-SEGMENTS=14\n");
    assert_eq!(read(&mut source, ONE, &misfit, 4000), Agreement::Misfit);
    source.note_playlist_refused(ONE, true, at(4000));
    assert_eq!((source.skip_directive(ONE, at(4000)), source.playlist_due(ONE)), (None, Some(at(4000))));
    read(&mut source, ONE, &text("a", 16..=35, tags), 4100);
    assert_eq!(source.skip_directive(ONE, at(4200)), Some("YES"), "the whole list came");
}

#[test]
fn a_playlist_that_is_asked_for_first_is_asked_for_as_another_one_reports_it() {
    let mut source = two();
    let report = "#EXT-X-RENDITION-REPORT:URI=\"other?token=2\",LAST-MSN=20,LAST-PART=3\n";
    let request = |source: &Source| source.first_playlist_request(OTHER, &of(OTHER)).urls[0].to_string();
    assert_eq!(request(&source), "http://h/other");
    read(&mut source, ONE, &text("a", 1..=20, report), 0);
    assert_eq!(source.report_for(OTHER).and_then(|report| report.last_part), Some(3));
    assert_eq!(source.report_for(ONE), None);
    assert_eq!(request(&source), "http://h/other?_HLS_msn=20&_HLS_part=3");
}

#[test]
fn variants_keep_their_relation_for_a_day() {
    let mut source = two();
    read(&mut source, ONE, &text("a", 1..=9, ""), 0);
    read(&mut source, OTHER, &text("b", 1..=9, ""), 0);
    for newest in 10..2000 {
        assert_eq!(read(&mut source, ONE, &text("a", newest - 8..=newest, ""), newest * 2000), Agreement::Names);
    }
    // The other one was not read for an hour; its numbers, and those of the discontinuities, are those of the first.
    assert_eq!(read(&mut source, OTHER, &text("b", 1990..=1999, ""), 4_000_000), Agreement::Nothing);
    assert_eq!(place(&source, OTHER, "/b1999"), place(&source, ONE, "/a1999"));
    assert_eq!(place(&source, ONE, "/a1999"), (1998 * 2000, 199));
    assert_eq!(place(&source, OTHER, "/b1991"), (1990 * 2000, 199));
    // What comes next agrees by name.
    assert_eq!(read(&mut source, OTHER, &text("b", 1991..=2000, ""), 4_002_000), Agreement::Names);
    assert_eq!(place(&source, OTHER, "/b2000"), (1999 * 2000, 200));
}

#[test]
fn lists_of_a_set_are_moved_to_where_their_media_is() {
    let mut source = two();
    read(&mut source, ONE, &text("a", 1..=5, ""), 0);
    read(&mut source, OTHER, &text("b", 1..=5, ""), 0);
    let edge = source.live_edge(ONE, at(0)).unwrap();
    source.realign(ONE, 40_000_000);
    assert_eq!(source.live_edge(ONE, at(0)), Some(edge + Duration::from_millis(40)));
    assert_eq!((place(&source, ONE, "/a5"), place(&source, OTHER, "/b5")), ((8040, 0), (8040, 0)));
    assert_eq!(read(&mut source, ONE, &text("a", 2..=6, ""), 2000), Agreement::Names);
    let list: &SegmentList = source.presentation().known_list(ONE).unwrap();
    assert_eq!((place(&source, ONE, "/a6").0, list.id(4)), (10_040, Some(SegmentId::Sequence(6))));
}

#[test]
fn a_fault_is_warned_of_once() {
    let mut source = two();
    let url: Url = of(ONE).resource.urls[0].clone();
    let mut warnings = Vec::new();
    read(&mut source, ONE, &text("a", 1..=5, ""), 0);
    for newest in 6..9 {
        let body = Bytes::from(text("a", newest - 4..=newest, "#EXT-X-KEY:URI=\"k\"\n"));
        let IndexReading::Known(parsed) = source.read_index(ONE, &of(ONE), None, &body, &url).unwrap() else {
            panic!("a playlist is read at once")
        };
        warnings.push(parsed.warnings.len());
        source.merge_index(ONE, parsed.segments, None);
    }
    assert_eq!(warnings, [1, 0, 0]);
}

#[test]
fn a_server_that_refuses_directives_is_asked_plainly_for_a_while() {
    let mut source = two();
    let tags = "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=2\n#EXT-X-PART-INF:PART-TARGET=0.5\n";
    read(&mut source, ONE, &text("a", 1..=5, tags), 0);
    assert_eq!((source.may_block(ONE), source.playlist_due(ONE)), (true, Some(at(0))));
    source.note_directives_refused(ONE, at(100));
    assert_eq!((source.may_block(ONE), source.playlist_due(ONE)), (false, Some(at(500))), "a part later");
    read(&mut source, ONE, &text("a", 2..=6, tags), 9000);
    assert_eq!((source.may_block(ONE), source.playlist_due(ONE)), (false, Some(at(9500))));
    read(&mut source, ONE, &text("a", 3..=7, tags), 11_000);
    assert_eq!((source.may_block(ONE), source.playlist_due(ONE)), (true, Some(at(11_000))));
}
