//! Borders of the model: spans, ends, sizes and addresses that other tests only pass by.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::time::MediaTime;

const fn ms(value: i64) -> MediaTime {
    MediaTime::from_nanos(value * 1_000_000)
}

fn url(text: &str) -> url::Url {
    text.parse().unwrap()
}

fn listed(uri: &str, start: i64, length: u64) -> ListedSegment<'_> {
    ListedSegment {
        start: ms(start),
        duration: Duration::from_millis(length),
        uri,
        range: None,
        init: None,
        mapping: TimestampMapping::Offset(0),
        gap: false,
        encryption: None,
        program_date_time: None,
        bitrate_bps: None,
    }
}

/// Segments of 2 s from 10 s on, with a hole between 14 s and 15 s.
fn listing() -> SegmentListing {
    let mut list = SegmentListing::new(vec![url("http://a/x/")]);
    for (uri, start) in [("0", 10_000), ("1", 12_000), ("2", 15_000)] {
        assert!(list.push(&listed(uri, start, 2000)));
    }
    list
}

fn template(count: u64, timeline: &[TimelineRun]) -> SegmentTemplate {
    SegmentTemplate {
        bases: vec![url("http://a/x/"), url("http://b/")],
        media: "$Number$-$Time$.m4s".to_owned(),
        init: Some(Resource::new(url("http://a/x/init"))),
        timescale: 1000,
        start_number: 7,
        timeline: Arc::new(timeline.iter().copied().collect()),
        duration: 2000,
        count,
        offset_nanos: 500_000_000,
        period_end: None,
        period_start: ms(10_000),
        crypto: Arc::default(),
    }
}

#[test]
fn lists_of_each_form_agree_on_their_ends_and_on_what_holds_a_time() {
    let explicit: Vec<SegmentRef> = (0..3).map(|at| listing().get(at).unwrap()).collect();
    for list in [SegmentList::Explicit(explicit), SegmentList::Listed(Box::new(listing()))] {
        assert_eq!((list.len(), list.is_empty()), (3, false));
        assert_eq!((list.start(), list.end()), (Some(ms(10_000)), Some(ms(17_000))));
        let at = |time: i64| list.at(ms(time));
        assert_eq!([at(0), at(10_000), at(11_999), at(12_000)], [Some(0), Some(0), Some(0), Some(1)]);
        assert_eq!([at(13_999), at(14_000), at(14_999), at(15_000)], [Some(1), Some(2), Some(2), Some(2)]);
        assert_eq!([at(16_999), at(17_000)], [Some(2), None]);
        assert_eq!(list.span(2), Some((ms(15_000), Duration::from_secs(2))));
        assert_eq!((list.span(3), list.get(3), list.size(0), list.size(3)), (None, None, None, None));
        let segment = list.get(1).unwrap();
        assert_eq!((segment.id, segment.end()), (SegmentId::Time(ms(12_000)), ms(14_000)));
        assert_eq!(segment.previous, Some(SegmentId::Time(ms(10_000))));
    }
    for empty in [SegmentList::Explicit(Vec::new()), SegmentList::Template(Box::new(template(0, &[])))] {
        assert!(empty.is_empty());
        assert_eq!((empty.start(), empty.end(), empty.at(ms(0))), (None, None, None));
    }
}

#[test]
fn a_template_without_a_timeline_begins_with_the_period_and_one_with_a_timeline_with_its_media() {
    let even = SegmentList::Template(Box::new(template(3, &[])));
    assert_eq!((even.len(), even.start(), even.end()), (3, Some(ms(10_000)), Some(ms(16_000))));
    let second = even.get(1).unwrap();
    let urls: Vec<&str> = second.resource.urls.iter().map(url::Url::as_str).collect();
    assert_eq!(urls, ["http://a/x/8-2000.m4s", "http://b/8-2000.m4s"]);
    assert_eq!(
        (second.id, second.gap, second.size, second.encryption),
        (SegmentId::Time(ms(12_000)), false, None, None)
    );
    assert_eq!(second.init, Some(Resource::new(url("http://a/x/init"))));
    assert_eq!(second.mapping, TimestampMapping::Offset(500_000_000));
    assert_eq!(even.size(0), None, "a template announces no size");

    let runs = [
        TimelineRun { time: 4000, duration: 1000, count: 2, first: 0 },
        TimelineRun { time: 9000, duration: 3000, count: 1, first: 2 },
    ];
    let timed = SegmentList::Template(Box::new(template(3, &runs)));
    let spans: Vec<_> = (0..4).map(|at| timed.span(at)).collect();
    let second = Duration::from_secs(1);
    assert_eq!(spans, [Some((ms(4500), second)), Some((ms(5500), second)), Some((ms(9500), second * 3)), None]);
    assert_eq!(timed.get(2).unwrap().resource.urls[0].as_str(), "http://a/x/9-9000.m4s");
}

#[test]
fn a_period_that_ends_before_a_segment_begins_leaves_it_no_length() {
    let mut short = template(3, &[]);
    short.period_end = Some(ms(12_500));
    let short = SegmentList::Template(Box::new(short));
    assert_eq!(short.span(1), Some((ms(12_000), Duration::from_millis(500))));
    assert_eq!(short.span(2), Some((ms(14_000), Duration::ZERO)));
}

#[test]
fn numbers_and_times_beyond_what_can_be_counted_are_no_segments() {
    let mut last = template(2, &[]);
    last.start_number = u64::MAX;
    let list = SegmentList::Template(Box::new(last));
    assert!(list.get(0).is_some_and(|segment| segment.resource.urls[0].as_str().contains(&u64::MAX.to_string())));
    assert_eq!(list.get(1), None);
    let runs = [TimelineRun { time: u64::MAX, duration: 1, count: 2, first: 0 }];
    let late = SegmentList::Template(Box::new(template(2, &runs)));
    assert_eq!((late.span(0), late.span(1)), (None, None));
}

fn keys(id: u8) -> SegmentKeys {
    let key = SegmentKey {
        method: EncryptionMethod::SampleCtr,
        system: crate::drm::KeySystem::Identity,
        source: KeySource::Opaque,
        iv: Some([id; 16]),
        key_id: None,
    };
    vec![key].into()
}

#[test]
fn each_crypto_period_holds_its_segments_and_the_first_one_the_initialisation_data() {
    let mut template = template(6, &[]);
    let period = |first, count, id| CryptoPeriod { first, count, keys: keys(id) };
    template.crypto = vec![period(1, Some(2), 1), period(3, None, 2)].into();
    let list = SegmentList::Template(Box::new(template));
    let of = |at: u64| list.get(at).unwrap().encryption;
    assert_eq!(of(0), None, "in front of the first period");
    for (at, id) in [(1, 1), (2, 1), (3, 2), (5, 2)] {
        let found = of(at).unwrap();
        assert_eq!((found.media, found.init, found.sequence), (keys(id), keys(1), 7 + at), "{at}");
    }
}

#[test]
fn a_vector_is_the_one_given_or_the_number_of_the_segment() {
    assert_eq!(keys(9)[0].vector(5), [9; 16]);
    let bare = SegmentKey { iv: None, ..keys(9)[0].clone() };
    let number = 0x0102_0304_0506_0708;
    assert_eq!(bare.vector(number), [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn ranges_end_where_their_bytes_do() {
    assert_eq!(ByteRange { offset: 7, length: Some(5) }.end(), 12);
    assert_eq!(ByteRange { offset: 7, length: None }.end(), 7);
    assert_eq!(ByteRange { offset: u64::MAX, length: Some(5) }.end(), u64::MAX);
}

#[test]
fn an_index_is_looked_for_at_the_beginning_unless_its_place_is_known() {
    let source = |format, range| IndexSource {
        resource: Resource { urls: vec![url("http://a/x")], range },
        format,
        init: None,
        mapping: TimestampMapping::Offset(0),
        period_start: MediaTime::ZERO,
        period_duration: None,
        media: Vec::new(),
        variables: Vec::new(),
    };
    let here = Some(ByteRange { offset: 900, length: Some(44) });
    assert_eq!(source(IndexFormat::Sidx, here).first_request().range, here);
    let beginning = Some(ByteRange { offset: 0, length: Some(16_384) });
    assert_eq!(source(IndexFormat::Sidx, None).first_request().range, beginning);
    assert_eq!(source(IndexFormat::HlsMediaPlaylist, None).first_request().range, None);
}

#[test]
fn sizes_of_listed_segments_are_those_of_ranges_or_follow_from_the_rate() {
    let mut list = SegmentListing::new(vec![url("http://a/x/")]);
    let open = Some(ByteRange { offset: 5, length: None });
    let whole = Some(ByteRange { offset: 5, length: Some(9) });
    for (range, rate) in [(None, None), (None, Some(999)), (None, Some(64_500)), (open, Some(8000)), (whole, None)] {
        assert!(list.push(&ListedSegment { range, bitrate_bps: rate, ..listed("s", 0, 1500) }));
    }
    // Rates count in whole kilobits per second: RFC 8216bis §4.4.4.8.
    let sizes: Vec<_> = (0..6).map(|at| list.size(at)).collect();
    assert_eq!(sizes, [None, None, Some(12_000), Some(1500), Some(9), None]);
    assert_eq!(list.get(3).unwrap().size, Some(1500));
}

#[test]
fn equal_addresses_of_several_bases_are_one_and_an_empty_one_is_the_base_itself() {
    let mut list = SegmentListing::new(vec![url("http://a/x/f.mp4?k=1"), url("http://a/x/other")]);
    assert!(list.push(&listed("s", 0, 1000)) && list.push(&listed("", 1000, 1000)));
    let urls = |at: u64| list.get(at).unwrap().resource.urls.iter().map(url::Url::to_string).collect::<Vec<_>>();
    assert_eq!(urls(0), ["http://a/x/s"]);
    assert_eq!(urls(1), ["http://a/x/f.mp4?k=1", "http://a/x/other"]);
    let mut data = SegmentListing::new(vec![url("data:text/plain,x")]);
    assert!(!data.push(&listed("s", 0, 1000)), "nothing is relative to a data address");
    assert!(data.push(&listed("http://b/s", 0, 1000)));
}

fn metadata(start: i64, duration: Option<u64>, body: MetadataBody) -> TimedMetadata {
    TimedMetadata {
        source: MetadataSource::EventStream,
        scheme: "urn:x".to_owned(),
        value: "v1".to_owned(),
        id: "7".to_owned(),
        start: ms(start),
        duration: duration.map(Duration::from_millis),
        body,
    }
}

#[test]
fn metadata_holds_from_its_begin_to_before_its_end_and_an_instant_only_then() {
    let text = || MetadataBody::Text("abc".to_owned());
    let span = metadata(1000, Some(500), text());
    assert_eq!(span.end(), Some(ms(1500)));
    let holds = [999, 1000, 1499, 1500].map(|time| span.holds_at(ms(time)));
    assert_eq!(holds, [false, true, true, false]);
    for instant in [metadata(1000, None, text()), metadata(1000, Some(0), text())] {
        assert_eq!(instant.end(), None);
        assert_eq!([999, 1000, 1001].map(|time| instant.holds_at(ms(time))), [false, true, false]);
    }
    let named = 5 + 2 + 1;
    assert_eq!(span.size(), named + 3);
    let pairs = vec![("a".to_owned(), "bc".to_owned()), ("def".to_owned(), "g".to_owned())];
    assert_eq!(metadata(0, None, MetadataBody::Attributes(pairs)).size(), named + 7);
    assert_eq!(metadata(0, None, MetadataBody::Binary(Bytes::from_static(&[1; 11]))).size(), named + 11);
}

#[test]
fn kinds_are_told_apart() {
    for (kind, name) in [(MediaKind::Video, "video"), (MediaKind::Audio, "audio"), (MediaKind::Text, "text")] {
        assert_eq!(kind.as_str(), name);
        let only = ContentKinds::only(kind);
        for other in [MediaKind::Video, MediaKind::Audio, MediaKind::Text] {
            assert_eq!(only.has(other), other == kind, "{kind:?} {other:?}");
        }
    }
    assert!(!ContentKinds::default().has(MediaKind::Video));
}

/// A track of 4 s pictures with 2 × 2 tiles from `start` on.
fn thumbnails(width: Option<u32>, start: i64, length: u64) -> ThumbnailTrack {
    let mut list = SegmentListing::new(vec![url("http://a/")]);
    list.push(&listed("0.jpg", start, 4000));
    list.push(&listed("1.jpg", start + 4000, length));
    let representation = Representation {
        width,
        height: width.map(|width| width / 2),
        format: ContainerFormat::Image,
        index: SegmentIndex::Known(SegmentList::Listed(Box::new(list))),
        ..Representation::for_tests("t", 0)
    };
    ThumbnailTrack { columns: 2, rows: 2, representation }
}

#[test]
fn tiles_follow_each_other_from_left_to_right_and_then_down() {
    let track = thumbnails(Some(320), 10_000, 2000);
    let tile = |time: i64| {
        let found = track.picture_at(ms(time)).unwrap();
        assert_eq!((found.width, found.height, found.duration), (160, 80, Duration::from_secs(1)));
        (found.resource.urls[0].path().to_owned(), found.x, found.y, found.start)
    };
    assert_eq!(tile(10_000), ("/0.jpg".to_owned(), 0, 0, ms(10_000)));
    assert_eq!(tile(11_999), ("/0.jpg".to_owned(), 160, 0, ms(11_000)));
    assert_eq!(tile(12_000), ("/0.jpg".to_owned(), 0, 80, ms(12_000)));
    assert_eq!(tile(13_999), ("/0.jpg".to_owned(), 160, 80, ms(13_000)));
    // The last picture is cut at the end of the period; its tiles are as long as the others.
    assert_eq!(tile(15_000), ("/1.jpg".to_owned(), 160, 0, ms(15_000)));
    assert_eq!(track.picture_at(ms(16_000)), None);
    let unknown = thumbnails(None, 0, 4000).picture_at(ms(1000)).unwrap();
    assert_eq!((unknown.x, unknown.y, unknown.width, unknown.height), (0, 0, 0, 0));
}

#[test]
fn the_narrowest_track_that_is_wide_enough_stands_for_a_time_of_its_period() {
    let spans = [
        ThumbnailSpan {
            start: ms(10_000),
            end: Some(ms(14_000)),
            tracks: [200, 320, 640].map(|width| thumbnails(Some(width), 10_000, 4000)).to_vec(),
        },
        ThumbnailSpan { start: ms(14_000), end: None, tracks: vec![thumbnails(Some(100), 14_000, 4000)] },
    ];
    let width = |time: i64, wanted| ThumbnailSpan::picture_at(&spans, ms(time), wanted).map(|found| found.width);
    let first = [0, 100, 101, 160, 161, 320, 321].map(|wanted| width(13_999, wanted));
    assert_eq!(first, [100, 100, 160, 160, 320, 320, 320].map(Some));
    assert_eq!([width(9_999, 0), width(14_000, 999), width(22_000, 0)], [None, Some(50), None]);
}

#[test]
fn thumbnails_of_a_period_end_with_it_or_where_the_next_begins() {
    let period = |start: i64, length: Option<u64>, tracks: Vec<ThumbnailTrack>| {
        let mut period = Period::new("p".to_owned(), ms(start), length.map(Duration::from_millis), Vec::new());
        period.thumbnails = tracks;
        period
    };
    let track = || vec![thumbnails(Some(100), 0, 4000)];
    let presentation = Presentation::for_tests(vec![
        period(0, Some(5000), track()),
        period(6000, None, track()),
        period(9000, None, Vec::new()),
        period(12_000, None, track()),
    ]);
    let spans: Vec<_> = ThumbnailSpan::all(&presentation).iter().map(|span| (span.start, span.end)).collect();
    assert_eq!(spans, [(ms(0), Some(ms(5000))), (ms(6000), Some(ms(9000))), (ms(12_000), None)]);
}
