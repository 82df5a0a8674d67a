//! Playlists that grow, and what cannot be written in them.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use super::*;
use crate::{ByteRange, DateTime, Layout, ManifestError};

const START: DateTime = DateTime::from_unix_millis(1_767_225_600_000);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn part(uri: &str) -> Part {
    Part { uri: uri.to_owned(), duration: millis(500), ..Part::default() }
}

fn control() -> ServerControl {
    ServerControl {
        can_skip_until: Some(millis(12_000)),
        can_skip_dateranges: true,
        hold_back: Some(millis(6000)),
        part_hold_back: Some(millis(1500)),
        can_block_reload: true,
    }
}

fn live() -> MediaPlaylist {
    MediaPlaylist {
        target_duration: 2,
        media_sequence: Some(7),
        server_control: Some(control()),
        part_target: Some(millis(500)),
        segments: vec![Segment::new("7.m4s", millis(2000))],
        ..MediaPlaylist::default()
    }
}

fn error(playlist: &MediaPlaylist) -> Option<ManifestError> {
    playlist.to_text(Layout::Compact).err()
}

/// Returns the place of the error of the playlist with one change.
fn place(change: impl FnOnce(&mut MediaPlaylist)) -> Option<&'static str> {
    let mut playlist = live();
    change(&mut playlist);
    match error(&playlist)? {
        ManifestError::Character { place, .. }
        | ManifestError::Empty { place }
        | ManifestError::VariableReference { place, .. }
        | ManifestError::OutOfRange { place, .. }
        | ManifestError::Duplicate { place, .. }
        | ManifestError::UnknownGroup { place, .. }
        | ManifestError::Contradiction { place, .. } => Some(place),
        ManifestError::SegmentTooLong { .. } => Some("EXTINF"),
    }
}

#[test]
fn a_playlist_of_low_latency_has_its_tags_in_order() {
    let ranged = |range| Part { byte_range: Some(range), ..part("8.m4s") };
    let first = SegmentRange::At(ByteRange { offset: 0, length: 10 });
    let mut playlist = live();
    playlist.segments = vec![Segment {
        tags: vec![SegmentTag::Discontinuity, SegmentTag::ProgramDateTime(START)],
        parts: vec![Part { is_independent: true, ..part("7.0.m4s") }, Part { is_gap: true, ..part("7.1.m4s") }],
        ..Segment::new("7.m4s", millis(2000))
    }];
    playlist.incomplete_segment = Some(IncompleteSegment {
        tags: vec![SegmentTag::ProgramDateTime(START.in_zone(60))],
        parts: vec![ranged(first), ranged(SegmentRange::Next { length: 5 })],
    });
    playlist.preload_hints = vec![
        PreloadHint { byterange_start: Some(15), ..PreloadHint::new(HintType::Part, "8.m4s") },
        PreloadHint { byterange_length: Some(9), ..PreloadHint::new(HintType::Map, "init.mp4") },
    ];
    playlist.rendition_reports =
        vec![RenditionReport { uri: "../b/x.m3u8".to_owned(), last_msn: Some(8), last_part: Some(1) }];
    let expected = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n\
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.000,HOLD-BACK=6.000,PART-HOLD-BACK=1.500,\
        CAN-SKIP-DATERANGES=YES\n#EXT-X-PART-INF:PART-TARGET=0.500\n#EXT-X-DISCONTINUITY\n\
        #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n\
        #EXT-X-PART:DURATION=0.500,URI=\"7.0.m4s\",INDEPENDENT=YES\n\
        #EXT-X-PART:DURATION=0.500,URI=\"7.1.m4s\",GAP=YES\n#EXTINF:2.000,\n7.m4s\n\
        #EXT-X-PROGRAM-DATE-TIME:2026-01-01T01:00:00+01:00\n\
        #EXT-X-PART:DURATION=0.500,URI=\"8.m4s\",BYTERANGE=\"10@0\"\n\
        #EXT-X-PART:DURATION=0.500,URI=\"8.m4s\",BYTERANGE=\"5\"\n\
        #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"8.m4s\",BYTERANGE-START=15\n\
        #EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"init.mp4\",BYTERANGE-LENGTH=9\n\
        #EXT-X-RENDITION-REPORT:URI=\"../b/x.m3u8\",LAST-MSN=8,LAST-PART=1\n";
    assert_eq!(playlist.to_text(Layout::Compact).unwrap(), expected);
}

#[test]
fn a_delta_update_has_the_version_that_it_needs() {
    let version = |removed: Option<&[&str]>| {
        let mut playlist = live();
        let removed = removed.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect());
        playlist.skip = Some(Skip { skipped_segments: 3, recently_removed_dateranges: removed });
        playlist.to_text(Layout::Compact).unwrap()
    };
    assert!(version(None).starts_with("#EXTM3U\n#EXT-X-VERSION:9\n"));
    assert!(version(None).contains("#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXTINF"));
    let removed = version(Some(&["a", "b c"]));
    assert!(removed.starts_with("#EXTM3U\n#EXT-X-VERSION:10\n"));
    assert!(removed.contains("#EXT-X-SKIP:SKIPPED-SEGMENTS=3,RECENTLY-REMOVED-DATERANGES=\"a\tb c\"\n"));
    assert!(version(Some(&[])).contains("RECENTLY-REMOVED-DATERANGES=\"\"\n"), "none has gone");
}

#[test]
fn what_the_server_announces_and_what_it_sends_belong_together() {
    assert_eq!(place(|_| {}), None);
    assert_eq!(place(|it| it.server_control = None), Some("EXT-X-PART-INF"));
    let skip = |removed| Some(Skip { skipped_segments: 1, recently_removed_dateranges: removed });
    assert_eq!(place(|it| it.skip = skip(None)), None);
    assert_eq!(place(|it| it.skip = Some(Skip::default())), Some("SKIPPED-SEGMENTS"));
    let without = |it: &mut MediaPlaylist, until, dateranges| {
        it.server_control = Some(ServerControl { can_skip_until: until, can_skip_dateranges: dateranges, ..control() });
    };
    assert_eq!(place(|it| without(it, None, true)), Some("CAN-SKIP-DATERANGES"));
    let none = |it: &mut MediaPlaylist| {
        without(it, None, false);
        it.skip = skip(None);
    };
    assert_eq!(place(none), Some("EXT-X-SKIP"));
    let whole = |it: &mut MediaPlaylist| {
        without(it, Some(millis(12_000)), false);
        it.skip = skip(Some(Vec::new()));
    };
    assert_eq!(place(whole), Some("RECENTLY-REMOVED-DATERANGES"));
    let tab = |it: &mut MediaPlaylist| it.skip = skip(Some(vec!["a\tb".to_owned()]));
    assert_eq!(place(tab), Some("RECENTLY-REMOVED-DATERANGES"));
    let unnumbered = |it: &mut MediaPlaylist| (it.media_sequence, it.skip) = (None, skip(None));
    assert_eq!(place(unnumbered), Some("EXT-X-SKIP"));
    assert_eq!(place(|it| it.server_control = Some(ServerControl::default())), Some("EXT-X-PART-INF"));
    let nothing = |it: &mut MediaPlaylist| (it.server_control, it.part_target) = (Some(ServerControl::default()), None);
    assert_eq!(place(nothing), Some("EXT-X-SERVER-CONTROL"));
}

#[test]
fn distances_are_multiples_of_the_target_durations() {
    let with = |change: fn(&mut ServerControl)| place(|it| it.server_control.iter_mut().for_each(change));
    assert_eq!(with(|control| control.part_hold_back = Some(millis(1000))), None);
    assert_eq!(with(|control| control.part_hold_back = Some(millis(999))), Some("PART-HOLD-BACK"));
    assert_eq!(with(|control| control.hold_back = Some(millis(5999))), Some("HOLD-BACK"));
    assert_eq!(with(|control| control.can_skip_until = Some(millis(11_999))), Some("CAN-SKIP-UNTIL"));
}

#[test]
fn parts_are_no_longer_than_their_target_and_ranges_follow_one_another() {
    let with =
        |parts: Vec<Part>| place(|it| it.incomplete_segment = Some(IncompleteSegment { tags: Vec::new(), parts }));
    assert_eq!(with(vec![part("a")]), None);
    assert_eq!(with(vec![Part { duration: millis(501), ..part("a") }]), Some("DURATION"));
    let next = |uri: &str| Part { byte_range: Some(SegmentRange::Next { length: 1 }), ..part(uri) };
    let at = Part { byte_range: Some(SegmentRange::At(ByteRange { offset: 0, length: 1 })), ..part("a") };
    assert_eq!(with(vec![at.clone(), next("a"), next("a")]), None);
    assert_eq!(with(vec![at, next("b")]), Some("BYTERANGE"));
    assert_eq!(with(vec![next("a")]), Some("BYTERANGE"));
    let without_target = |it: &mut MediaPlaylist| {
        it.part_target = None;
        it.segments[0].parts = vec![part("a")];
    };
    assert_eq!(place(without_target), Some("EXT-X-PART"));
    let twice = SegmentTag::ProgramDateTime(START);
    let tags = vec![twice.clone(), twice];
    let dated = |it: &mut MediaPlaylist| it.incomplete_segment = Some(IncompleteSegment { tags, parts: Vec::new() });
    assert_eq!(place(dated), Some("segment tags"));
}

#[test]
fn nothing_is_announced_after_the_end_and_one_hint_of_each_type_before() {
    let hint = |uri: &str| PreloadHint::new(HintType::Part, uri);
    assert_eq!(place(|it| it.preload_hints = vec![hint("a")]), None);
    assert_eq!(place(|it| it.preload_hints = vec![hint("a"), hint("b")]), Some("EXT-X-PRELOAD-HINT"));
    assert_eq!(place(|it| (it.preload_hints, it.is_ended) = (vec![hint("a")], true)), Some("EXT-X-ENDLIST"));
    let growing = |it: &mut MediaPlaylist| {
        (it.incomplete_segment, it.is_ended) = (Some(IncompleteSegment::default()), true);
    };
    assert_eq!(place(growing), Some("EXT-X-ENDLIST"));
    assert_eq!(place(|it| it.is_ended = true), None);
}

#[test]
fn date_ranges_have_values_of_all_kinds() {
    let range = DateRange {
        id: "a".to_owned(),
        class: Some("c".to_owned()),
        start_date: Some(START),
        cue: vec![Cue::Pre, Cue::Once],
        end_date: Some(START),
        duration: Some(Duration::ZERO),
        planned_duration: Some(millis(1250)),
        client_attributes: vec![
            ("X-A".to_owned(), ClientValue::Text("b,c".to_owned())),
            ("X-B-2".to_owned(), ClientValue::Number(2.5)),
            ("X-C".to_owned(), ClientValue::Bytes(vec![0xfc])),
        ],
        scte35_cmd: None,
        scte35_out: Some(vec![0xfc, 0x30]),
        scte35_in: None,
        end_on_next: false,
    };
    let text = MediaPlaylist { date_ranges: vec![range.clone()], ..live() }.to_text(Layout::Compact).unwrap();
    let expected = "#EXT-X-DATERANGE:ID=\"a\",CLASS=\"c\",START-DATE=\"2026-01-01T00:00:00Z\",CUE=\"PRE,ONCE\",\
        END-DATE=\"2026-01-01T00:00:00Z\",DURATION=0.000,PLANNED-DURATION=1.250,X-A=\"b,c\",X-B-2=2.500,X-C=0xfc,\
        SCTE35-OUT=0xfc30\n#EXTINF";
    assert!(text.contains(expected), "{text}");
    let with = |change: fn(&mut DateRange)| {
        let mut range = range.clone();
        change(&mut range);
        place(|it| it.date_ranges = vec![range])
    };
    assert_eq!(with(|it| it.end_date = Some(DateTime::from_unix_millis(0))), Some("END-DATE"));
    assert_eq!(with(|it| it.cue.push(Cue::Post)), Some("CUE"));
    assert_eq!(with(|it| it.end_on_next = true), Some("END-ON-NEXT"));
    let alone = |it: &mut DateRange| (it.end_on_next, it.duration, it.end_date) = (true, None, None);
    assert_eq!(with(alone), None);
    assert_eq!(with(|it| (it.end_on_next, it.class, it.duration) = (true, None, None)), Some("END-ON-NEXT"));
    for (name, value) in [("Y-A", "a"), ("X-a", "a"), ("X-A", "\""), ("X-A", "")] {
        let attribute = (name.to_owned(), ClientValue::Text(value.to_owned()));
        let range = DateRange { client_attributes: vec![attribute], ..range.clone() };
        assert_eq!(place(|it| it.date_ranges = vec![range]), Some("client attribute"), "{name} {value}");
    }
}
