//! Questions about a source: its length, its start, what is kept of it and what is forgotten.
#![expect(clippy::unwrap_used, reason = "tests")]
use bytes::Bytes;

use super::*;
use crate::container::MediaClock;
use crate::engine::ids::RepKey;
use crate::model::{
    AdaptationSet, Agreement, Changes, IndexFormat, IndexSource, Period, Representation, SegmentId, SegmentList,
    SegmentRef, TimestampMapping,
};

const ONLY: RepKey = RepKey::for_tests(0, 0, 0);

pub(super) fn ms(value: i64) -> MediaTime {
    MediaTime::from_millis(value)
}

pub(super) fn resource(path: &str) -> Resource {
    Resource::new(format!("http://h/{path}").parse().unwrap())
}

pub(super) fn segment(number: u64, start: i64, end: i64) -> SegmentRef {
    SegmentRef {
        id: SegmentId::Sequence(number),
        previous: number.checked_sub(1).map(SegmentId::Sequence),
        start: ms(start),
        duration: ms(end).since(ms(start)),
        resource: resource("x"),
        init: None,
        mapping: TimestampMapping::Offset(0),
        gap: false,
        size: None,
        encryption: None,
        program_date_time: None,
        part: None,
    }
}

pub(super) fn playlist() -> IndexSource {
    IndexSource {
        resource: resource("list"),
        format: IndexFormat::HlsMediaPlaylist,
        init: None,
        mapping: TimestampMapping::Offset(0),
        period_start: MediaTime::ZERO,
        period_duration: None,
        media: Vec::new(),
        variables: Vec::new(),
    }
}

/// A presentation of one period with one video representation, whose length is not declared.
pub(super) fn presentation(period: &str, index: SegmentIndex) -> Presentation {
    let rep = Representation { index, ..Representation::for_tests("v", 1000) };
    let sets = vec![AdaptationSet::for_tests("main", MediaKind::Video, vec![rep])];
    Presentation::for_tests(vec![Period::new(period.to_owned(), MediaTime::ZERO, None, sets)])
}

pub(super) fn source(presentation: Presentation, start: Option<MediaTime>) -> Source {
    let locations = Locations::new(&["http://h/manifest".parse().unwrap()]);
    Source::new(presentation, locations, start, &mut Jitter::new(0))
}

pub(super) fn external() -> Source {
    source(presentation("p", SegmentIndex::External(playlist())), None)
}

pub(super) fn list() -> SegmentList {
    SegmentList::Explicit(vec![segment(0, 0, 4000), segment(1, 4000, 7000)])
}

#[test]
fn a_seek_target_lies_inside_the_presentation_and_leaves_something_to_show() {
    let mut source = external();
    assert_eq!((source.clamp(ms(-1)), source.clamp(ms(90_000))), (ms(0), ms(90_000)));
    assert_eq!(source.seekable(), None);
    source.set_duration(Some(Duration::from_secs(60)));
    assert_eq!((source.clamp(ms(59_899)), source.clamp(ms(90_000))), (ms(59_899), ms(59_900)));
    assert_eq!(source.seekable().map(|range| (range.start, range.end)), Some((ms(0), ms(60_000))));
    source.set_duration(Some(Duration::from_millis(50)));
    assert_eq!(source.clamp(ms(40)), ms(0));
}

#[test]
fn an_index_may_make_the_length_known() {
    let mut source = external();
    assert_eq!(source.duration(), None);
    assert!(source.merge_index(ONLY, list(), None).is_duration_changed);
    assert_eq!(source.duration(), Some(Duration::from_secs(7)));
    let again = source.merge_index(ONLY, list(), None);
    assert!(!again.is_duration_changed && !again.changes.disagree(), "the same again");
}

#[test]
fn initialisation_data_is_known_by_its_place_and_its_keys_and_the_oldest_goes() {
    let mut source = external();
    let init = || InitSegment { tracks: Vec::new(), clock: MediaClock::default(), first: None, source: Bytes::new() };
    source.keep_init(resource("a"), SegmentKeys::default(), init());
    let known = |source: &Source, path: &str| source.init(&resource(path), &SegmentKeys::default()).is_some();
    assert!(known(&source, "a") && !known(&source, "b"));
    let key = crate::model::SegmentKey {
        method: crate::model::EncryptionMethod::SampleCbc,
        system: crate::drm::KeySystem::Identity,
        source: crate::model::KeySource::Opaque,
        iv: None,
        key_id: None,
    };
    let others: SegmentKeys = [key].into_iter().collect();
    assert!(source.init(&resource("a"), &others).is_none(), "it was decrypted with other keys");
    (1..MOST_INITS).for_each(|number| source.keep_init(resource(&format!("{number}")), SegmentKeys::default(), init()));
    assert!(known(&source, "a"), "as many as are kept");
    source.keep_init(resource("b"), SegmentKeys::default(), init());
    assert!(!known(&source, "a") && known(&source, "1") && known(&source, "b"));
}

#[test]
fn a_declared_start_counts_from_the_end_once_that_is_known_and_yields_to_the_viewers() {
    let declared = |start: i64, viewer: Option<i64>| {
        let known = Presentation { start: Some(ms(start)), ..presentation("p", SegmentIndex::External(playlist())) };
        source(known, viewer.map(ms))
    };
    let mut late = declared(-3000, None);
    assert_eq!(late.declared_start(), Some(ms(-3000)));
    assert_eq!(late.resolve_start(None, true), None, "the length is not known");
    late.merge_index(ONLY, list(), None);
    assert_eq!(late.resolve_start(Some(ms(1000)), true), Some(ms(4000)), "the manifest precedes the index");
    assert_eq!((late.start(), late.resolve_start(Some(ms(1000)), true)), (Some(ms(4000)), None), "once");
    let mut known = declared(-3000, None);
    known.merge_index(ONLY, list(), None);
    assert_eq!(known.declared_start(), Some(ms(4000)));
    let mut early = declared(2000, None);
    assert_eq!(early.declared_start(), Some(ms(2000)));
    early.merge_index(ONLY, list(), None);
    assert_eq!(early.resolve_start(None, true), None, "it was known at once");
    let mut far = declared(-90_000, None);
    far.declared_start();
    far.merge_index(ONLY, list(), None);
    assert_eq!(far.resolve_start(None, true), Some(ms(0)), "before the beginning");
    let mut played = declared(-3000, None);
    played.declared_start();
    played.merge_index(ONLY, list(), None);
    assert_eq!((played.resolve_start(None, false), played.resolve_start(None, true)), (None, None), "it is forgotten");
    let mut chosen = declared(-3000, Some(2000));
    chosen.declared_start();
    chosen.merge_index(ONLY, list(), None);
    assert_eq!((chosen.resolve_start(None, true), chosen.start()), (None, Some(ms(2000))));
}

#[test]
fn a_failed_piece_of_an_index_is_forgotten_and_the_pieces_before_it_stay() {
    let mut source = external();
    let index = playlist();
    let url = "http://h/list".parse().unwrap();
    let mut read =
        |text: &'static str| source.read_index(ONLY, &index, None, &Bytes::from_static(text.as_bytes()), &url);
    assert!(read("no playlist").is_err());
    assert!(read("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-ENDLIST\n").is_err(), "it has no segments");
    assert!(read("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nx\n#EXT-X-ENDLIST\n").is_ok());
    assert_eq!(source.indexes.pieces_of(ONLY), 0, "it is whole");
}

#[test]
fn a_damaged_piece_of_an_index_makes_room_for_the_one_that_is_fetched_again() {
    let mut source = external();
    let index = IndexSource { format: IndexFormat::Sidx, ..playlist() };
    let url = "http://h/media.mp4".parse().unwrap();
    let mut read = |bytes: &[u8]| {
        let range = crate::model::ByteRange { offset: 0, length: Some(bytes.len() as u64) };
        let reading = source.read_index(ONLY, &index, Some(range), &Bytes::copy_from_slice(bytes), &url);
        (reading, source.indexes.pieces_of(ONLY))
    };
    // One segment of four seconds.
    let mut sidx = vec![0, 0, 0, 44, b's', b'i', b'd', b'x', 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    sidx.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 4, 0x90, 0, 0, 0]);
    assert!(matches!(read(&sidx[..8]), (Ok(crate::manifest::IndexReading::More(_)), 1)));
    // A box that is shorter than its header, in a piece that reaches further than the right one.
    let damaged = [&[0, 0, 0, 4][..], &[0; 100]].concat();
    assert!(matches!(read(&damaged), (Err(_), 1)), "the piece before it stays");
    let (reading, kept) = read(&sidx);
    let Ok(crate::manifest::IndexReading::Known(known)) = reading else { panic!("{reading:?}") };
    assert_eq!((known.segments.len(), kept), (1, 0));
}

#[test]
fn nothing_is_kept_of_periods_that_are_known_no_longer() {
    let named = |number: u32| presentation(&format!("p{number}"), SegmentIndex::Known(list()));
    let mut source = source(named(0), None);
    let from = source.locations().manifest_candidates().remove(0);
    source.note_index(ONLY, playlist(), from, &"http://h/list".parse().unwrap());
    let sidx = IndexSource { format: IndexFormat::Sidx, ..playlist() };
    let piece = Bytes::from_static(&[0, 0, 4, 0, b's', b'i', b'd', b'x']);
    let range = crate::model::ByteRange { offset: 0, length: Some(8) };
    let reading = source.read_index(ONLY, &sidx, Some(range), &piece, &"http://h/list".parse().unwrap());
    assert!(matches!(reading, Ok(crate::manifest::IndexReading::More(_))));
    let place = ServiceLocation::Location(0);
    let kept =
        |source: &Source| (source.indexes_of(&place).len(), source.indexes.pieces_of(ONLY), source.knows(ONLY.period));
    source.replace(named(1));
    assert_eq!(kept(&source), (1, 1, true), "the period may come back");
    (2..=70).for_each(|number| drop(source.replace(named(number))));
    assert_eq!(kept(&source), (0, 0, false));
}

#[test]
fn contradictions_of_all_lists_are_counted() {
    let list = |changed, agreement| Changes { changed, agreement, ..Changes::default() };
    let mut all = Contradictions::default();
    all.add(list(0, Agreement::Names));
    assert_eq!(all.message(), None);
    for changes in [
        list(3, Agreement::Names),
        list(4, Agreement::Names),
        list(0, Agreement::Addresses),
        list(0, Agreement::Addresses),
        list(0, Agreement::Addresses),
        list(0, Agreement::Nothing),
        list(0, Agreement::Nothing),
    ] {
        all.add(changes);
    }
    let expected = "7 lists of segments contradict what they said before: 7 segments differ, 3 lists are numbered \
                    anew, 2 have nothing in common with it";
    assert_eq!(all.message().as_deref(), Some(expected));
}

#[test]
fn an_undeclared_length_is_that_of_the_last_period_without_its_subtitles() {
    let lists = |first: SegmentIndex, last: SegmentIndex, text: SegmentIndex| {
        let set = |name: &str, kind, index| {
            let rep = Representation { index, ..Representation::for_tests(name, 1000) };
            AdaptationSet::for_tests(name, kind, vec![rep])
        };
        let period = |name: &str, start, sets| Period::new(name.to_owned(), ms(start), None, sets);
        Presentation::for_tests(vec![
            period("a", 0, vec![set("v", MediaKind::Video, first)]),
            period("b", 4000, vec![set("v", MediaKind::Video, last), set("t", MediaKind::Text, text)]),
        ])
    };
    let until = |end| SegmentIndex::Known(SegmentList::Explicit(vec![segment(0, 0, end)]));
    let length = |presentation: &Presentation| duration(presentation).map(|length| length.as_millis());
    let unread = || SegmentIndex::External(playlist());
    assert_eq!(length(&lists(until(4000), until(7000), until(9000))), Some(7000));
    assert_eq!(length(&lists(until(9000), until(7000), until(7000))), Some(7000), "the first one is cut");
    assert_eq!(length(&lists(until(4000), unread(), until(9000))), None, "subtitles make nothing longer");
    assert_eq!(length(&lists(unread(), until(7000), unread())), Some(7000));
}
