//! Hostile input: limits hold, nothing panics, and every segment that is counted can be requested.

use proptest::prelude::*;

use super::{base, parsed};
use crate::manifest::{ManifestError, describe, parse, parse_index};
use crate::model::{ByteRange, IndexFormat, IndexSource, Resource, SegmentIndex, SegmentList, TimestampMapping};
use crate::time::{MediaTime, WallClock};

const SAMPLES: &[&str] = &[
    "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:9\n\
     #EXT-X-MAP:URI=\"{$a}.mp4\",BYTERANGE=\"10@2\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1\n\
     #EXT-X-PROGRAM-DATE-TIME:2020-02-02T00:00:00.5+01:00\n#EXTINF:4.5,t\n#EXT-X-BYTERANGE:8@1\ns.mp4\n\
     #EXT-X-DISCONTINUITY\n#EXT-X-GAP\n#EXTINF:2,\n#EXT-X-BYTERANGE:9\ns.mp4\n#EXT-X-START:TIME-OFFSET=-3\n#EXT-X-ENDLIST\n",
    "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"n\",LANGUAGE=\"en\",URI=\"a.m3u8\"\n\
     #EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"s\"\n\
     #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=64x36,FRAME-RATE=29.97,AUDIO=\"g\"\nv.m3u8\n\
     #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i.m3u8\"\n",
    "<MPD mediaPresentationDuration='PT1M30S'><BaseURL>http://c/</BaseURL><Period start='PT0S'>\
     <AdaptationSet mimeType='video/mp4' lang='en'><Role value='main'/><SegmentTemplate timescale='90000' duration='180000' \
     startNumber='3' media='$RepresentationID$/$Number%05d$' initialization='$Bandwidth$' presentationTimeOffset='9'/>\
     <Representation id='a' bandwidth='1'/></AdaptationSet><AdaptationSet contentType='audio' mimeType='audio/mp4'>\
     <SegmentTemplate timescale='48000' media='$Time$'><SegmentTimeline><S t='5' d='96000' r='3'/><S d='7' r='-1'/>\
     </SegmentTimeline></SegmentTemplate><Representation id='b' bandwidth='1'/></AdaptationSet></Period></MPD>",
    "<MPD type='dynamic' availabilityStartTime='2020-01-01T00:00:00Z' timeShiftBufferDepth='PT1M'><Period id='x'>\
     <AdaptationSet mimeType='video/mp4'><SegmentList duration='4'><SegmentURL media='a' mediaRange='1-2'/></SegmentList>\
     <Representation id='a' bandwidth='1'/></AdaptationSet></Period></MPD>",
];

fn source(format: IndexFormat) -> IndexSource {
    IndexSource {
        resource: Resource { urls: vec![base()], range: Some(ByteRange { offset: u64::MAX - 4, length: None }) },
        format,
        init: None,
        mapping: TimestampMapping::Offset(i64::MIN),
        period_start: MediaTime::MAX,
        period_duration: None,
        media: Vec::new(),
        variables: Vec::new(),
    }
}

/// The ends and the middle of a list can be asked for, and are in order.
fn probe(list: &SegmentList) {
    let Some(last) = list.len().checked_sub(1) else { return };
    for index in [0, 1, last / 2, last] {
        if index <= last {
            let segment = list.get(index).unwrap_or_else(|| panic!("segment {index} of {last}"));
            assert!(!segment.resource.urls.is_empty());
            assert_eq!(list.span(index), Some((segment.start, segment.duration)));
        }
    }
    assert!(list.start() <= list.end());
    assert_eq!(list.get(last.saturating_add(1)), None);
    let _found = list.at(MediaTime::from_millis(1500));
}

fn swallow(bytes: &[u8]) {
    if let Ok(parsed) = parse(bytes, &base(), None) {
        assert!(!parsed.presentation.periods.is_empty());
        for period in &parsed.presentation.periods {
            for representation in period.adaptation_sets.iter().flat_map(|set| &set.representations) {
                match &representation.index {
                    SegmentIndex::Known(list) => probe(list),
                    SegmentIndex::External(source) => assert!(!source.resource.urls.is_empty()),
                }
            }
        }
    }
    for format in [IndexFormat::HlsMediaPlaylist, IndexFormat::Sidx] {
        if let Ok(index) = parse_index(bytes, &source(format), &base()) {
            probe(&index.segments);
        }
    }
    let _any_verdict = describe(bytes, &base(), Some(WallClock::from_unix_nanos(1_700_000_000_000_000_000)));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        swallow(&bytes);
        for prefix in ["#EXTM3U\n", "<MPD>", "\0\0\0\0sidx"] {
            swallow(&[prefix.as_bytes(), &bytes].concat());
        }
    }

    /// Pieces of real manifests with numbers, quotes and bytes exchanged, cut and doubled.
    #[test]
    fn mutated_manifests_never_panic(
        sample in 0..SAMPLES.len(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..6_u8, any::<u8>(), any::<prop::sample::Index>()), 1..12),
    ) {
        let mut bytes = SAMPLES[sample].as_bytes().to_vec();
        for (at, kind, byte, other) in edits {
            if bytes.is_empty() {
                break;
            }
            let (at, other) = (at.index(bytes.len()), other.index(bytes.len()));
            let piece = |from: usize| bytes[from..(from + 40).min(bytes.len())].to_vec();
            match kind {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => { let piece = piece(other); bytes.splice(at..at, piece); }
                3 => { bytes.splice(at..at, b"18446744073709551615".iter().copied()); }
                4 => { bytes.splice(at..at, b"-1".iter().copied()); }
                _ => bytes.truncate(at.max(10)),
            }
        }
        swallow(&bytes);
    }
}

#[test]
fn every_prefix_of_a_manifest_gets_a_verdict() {
    for sample in SAMPLES {
        for end in 0..sample.len() {
            swallow(&sample.as_bytes()[..end]);
        }
    }
}

#[test]
fn ten_thousand_odd_lines_cost_a_hundred_warnings() {
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n".to_owned();
    for n in 0..10_000 {
        text.push_str(["#EXTINF:x,\n", "http://[/\n", "#EXT-X-KEY:METHOD\n", "#EXT-X-BYTERANGE:@\n", "\u{0}\n"][n % 5]);
    }
    let parsed = parsed(&text);
    assert_eq!(parsed.warnings.len(), 101);
    assert!(parsed.warnings[100].message.starts_with("and "), "{:?}", parsed.warnings[100]);
}

#[test]
fn astronomic_numbers_cost_nothing() {
    for template in [
        "duration='1' timescale='4294967295'",
        "duration='18446744073709551615' timescale='1'",
        "duration='0.0001' timescale='4294967295'",
        "duration='1' startNumber='18446744073709551615'",
        "duration='1' presentationTimeOffset='18446744073709551615'",
    ] {
        let mpd = format!(
            "<MPD mediaPresentationDuration='P99999999999Y'><Period><AdaptationSet mimeType='video/mp4'>\
             <SegmentTemplate {template} media='$Number$-$Time$'/><Representation id='a' bandwidth='1'/>\
             </AdaptationSet></Period></MPD>"
        );
        swallow(mpd.as_bytes());
    }
    let timeline =
        "<S d='1' r='9223372036854775806'/><S d='1' r='-1'/><S t='18446744073709551615' d='1'/>".repeat(1000);
    let mpd = format!(
        "<MPD><Period duration='PT1H'><AdaptationSet mimeType='video/mp4'><SegmentTemplate timescale='1' media='$Time$'>\
         <SegmentTimeline>{timeline}</SegmentTimeline></SegmentTemplate><Representation id='a' bandwidth='1'/>\
         </AdaptationSet></Period></MPD>"
    );
    let parsed = parsed(&mpd);
    let index = &parsed.presentation.periods[0].adaptation_sets[0].representations[0].index;
    assert!(matches!(index, SegmentIndex::Known(list) if list.len() == 3600), "cut at the end of the period");
    swallow(mpd.as_bytes());
}

#[test]
fn long_addresses_do_not_multiply() {
    let mpd = format!(
        "<MPD mediaPresentationDuration='PT9S'><BaseURL>http://h/{}/</BaseURL><Period><AdaptationSet mimeType='video/mp4'>\
         <SegmentTemplate duration='1' media='$Number$'/>{}</AdaptationSet></Period></MPD>",
        "x".repeat(8000),
        "<Representation bandwidth='1'/>".repeat(15_000)
    );
    let error = parse(mpd.as_bytes(), &base(), None).map(|_| ());
    assert!(matches!(error, Err(ManifestError::TooLarge { .. })), "{error:?}");
}
