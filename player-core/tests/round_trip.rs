//! Manifests that `kinora-manifests` writes are read back by the player to the same values, whatever the names in them.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use kinora_manifests::dash::{
    AdaptationSet, ContentProtection, ContentType, Descriptor, Event, EventStream, FrameRate, MediaRange, Mpd, MpdType,
    Period, PeriodElement, Representation, SegmentAddressing, SegmentList, SegmentTemplate, SegmentTiming, UrlTemplate,
    fold_timeline,
};
use kinora_manifests::hls::{
    ClientValue, ClosedCaptions, ContentSteering, DateRange, EncryptionMethod, HintType, IncompleteSegment, Key,
    KeyAttributes, MediaPlaylist, Multivariant, MultivariantTag, Part, PlaylistType, PreloadHint, Rendition,
    RenditionKind, RenditionReport, Segment, SegmentRange, SegmentTag, ServerControl, Skip, Variant,
};
use kinora_manifests::{ByteRange, DateTime, Layout, ManifestError};
use player_core::manifest::{self, Parsed};
use player_core::model::{SegmentIndex, SegmentRef};
use player_core::time::MediaTime;
use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;

const LAYOUTS: [Layout; 2] = [Layout::Readable, Layout::Compact];

/// Names with everything that has a meaning in one of the formats.
const HOSTILE: &str = "[ -~éß漢\u{301}\u{1f3ac}\"'&<>{}$,=#;\n\r\t\u{0}\u{85}\u{2028}\u{fffe}]{0,12}";

fn base() -> Url {
    Url::parse("http://h/dir/main").unwrap()
}

fn described(text: &str) -> Value {
    let value = manifest::describe(text.as_bytes(), &base(), None).unwrap();
    assert_eq!(value["warnings"], json!([]), "{text}");
    value
}

fn parsed(text: &str) -> Parsed {
    let parsed = manifest::parse(text.as_bytes(), &base(), None).unwrap();
    assert_eq!(parsed.warnings, [], "{text}");
    parsed
}

/// Returns true if the format of HLS has no way to hold a name.
fn is_beyond_hls(name: &str) -> bool {
    let is_reference = name.match_indices("{$").any(|(at, _)| {
        let end = name[at..].find('}').map_or(at, |end| at + end);
        let inside = name.get(at + 2..end).unwrap_or_default();
        !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    });
    name.is_empty() || is_reference || name.chars().any(|character| character == '"' || character.is_control())
}

/// Returns true if XML 1.0 has no way to hold a text.
fn is_beyond_xml(text: &str) -> bool {
    text.chars().any(|c| c < ' ' && !"\t\n\r".contains(c) || matches!(c, '\u{fffe}' | '\u{ffff}'))
}

fn rendition(name: &str, language: Option<&str>, uri: &str) -> Rendition {
    Rendition {
        kind: RenditionKind::Audio { channels: Some("2".to_owned()), uri: Some(uri.to_owned()) },
        group_id: name.to_owned(),
        name: name.to_owned(),
        language: language.map(str::to_owned),
        is_default: Some(true),
        is_autoselect: Some(true),
    }
}

proptest! {
    #[test]
    fn names_in_playlists_are_read_back_or_refused(name in HOSTILE, bandwidth: u64, average: Option<u64>) {
        let variant = Variant {
            bandwidth,
            average_bandwidth: average,
            audio: Some(name.clone()),
            uri: "v.m3u8".to_owned(),
            ..Variant::default()
        };
        let playlist = Multivariant {
            tags: vec![
                MultivariantTag::Media(rendition(&name, Some("en"), "a.m3u8")),
                MultivariantTag::StreamInf(variant),
            ],
            ..Multivariant::default()
        };
        for layout in LAYOUTS {
            let written = playlist.to_text(layout);
            prop_assert_eq!(written.is_err(), is_beyond_hls(&name), "{:?} for {:?}", written, name);
            let Ok(text) = written else { continue };
            let found = described(&text);
            prop_assert_eq!(&found["renditions"][0]["name"], &json!(name));
            prop_assert_eq!(&found["renditions"][0]["group_id"], &json!(name));
            prop_assert_eq!(&found["variants"][0]["audio"], &json!(name));
            prop_assert_eq!(&found["variants"][0]["bandwidth"], &json!(bandwidth));
            prop_assert_eq!(&found["variants"][0]["average_bandwidth"], &json!(average));
            prop_assert_eq!(&found["variants"][0]["uri"], "v.m3u8");
        }
    }

    #[test]
    fn segments_of_playlists_are_read_back(
        sequence: u64,
        discontinuities: u32,
        drawn in proptest::collection::vec(segment(), 1..12),
    ) {
        let mut segments = drawn;
        for index in 0..segments.len() {
            let follows = index > 0 && segments[index - 1].byte_range.is_some();
            let segment = &mut segments[index];
            if let Some(SegmentRange::Next { length }) = segment.byte_range && !follows {
                segment.byte_range = Some(SegmentRange::At(ByteRange { offset: 7, length }));
            }
        }
        let sequence = sequence / 2;
        let playlist = MediaPlaylist {
            target_duration: MediaPlaylist::least_target_duration(segments.iter().map(|segment| segment.duration)),
            media_sequence: Some(sequence),
            discontinuity_sequence: Some(discontinuities.into()),
            playlist_type: Some(PlaylistType::Vod),
            start_time_offset: Some(-2.5),
            independent_segments: true,
            segments,
            is_ended: true,
            ..MediaPlaylist::default()
        };
        for layout in LAYOUTS {
            let found = described(&playlist.to_text(layout).unwrap());
            prop_assert_eq!(&found["version"], &json!(7));
            prop_assert_eq!(&found["target_duration_s"], &json!(playlist.target_duration as f64));
            prop_assert_eq!(&found["media_sequence"], &json!(sequence));
            prop_assert_eq!(&found["discontinuity_sequence"], &json!(discontinuities));
            prop_assert_eq!(&found["playlist_type"], "VOD");
            prop_assert_eq!(&found["start"], &json!({"time_offset_s": -2.5, "precise": false}));
            prop_assert_eq!(&found["independent_segments"], &json!(true));
            prop_assert_eq!(&found["ended"], &json!(true));
            prop_assert_eq!(&found["segments"], &json!(expected(sequence, &playlist.segments)));
        }
    }

    #[test]
    fn texts_in_an_mpd_are_read_back_or_refused(
        label in HOSTILE,
        lang in HOSTILE,
        id in "[!-~éß漢]{1,12}",
        folder in "[a-zA-Z0-9$%._~!()*+,;=@'&:-]{1,12}",
    ) {
        // A colon would end a scheme, a percent sign begins an escape.
        let folder = folder.replace([':', '%'], "-");
        let mut mpd = mpd(vec![set(&folder, fold_timeline([(0, 4), (4, 4), (10, 2)]))]);
        let PeriodElement::Inline(period) = &mut mpd.periods[0] else { unreachable!() };
        let set = &mut period.adaptation_sets[0];
        (set.labels, set.lang) = (vec![label.clone()], Some(lang.clone()));
        set.representations[0].id = id.clone();
        let event = |message: &str| Event { id: 3, presentation_time: 1500, duration: 250, message: message.to_owned() };
        period.event_streams = vec![EventStream {
            scheme_id_uri: "urn:x".to_owned(),
            value: Some(lang.clone()),
            timescale: 1000,
            events: vec![event(&label)],
        }];
        for layout in LAYOUTS {
            let written = mpd.to_text(layout);
            prop_assert_eq!(written.is_err(), is_beyond_xml(&label) || is_beyond_xml(&lang), "{:?}", written);
            let Ok(text) = written else { continue };
            let found = manifest::parse(text.as_bytes(), &base(), None).unwrap().presentation;
            let set = &found.periods[0].adaptation_sets[0];
            // The reader removes white space around texts and around the values of attributes.
            prop_assert_eq!(set.label.as_deref().unwrap_or_default(), label.trim());
            prop_assert_eq!(&set.representations[0].id, &id);
            let player_core::model::MetadataBody::Text(message) = &found.metadata[0].body else { unreachable!() };
            prop_assert_eq!(message, label.trim());
            prop_assert_eq!(&found.metadata[0].value, lang.trim());
            let list = known(&set.representations[0].index);
            let urls: Vec<Url> = list.iter().map(|segment| segment.resource.urls[0].clone()).collect();
            let expected = |number: u32| base().join(&format!("./{folder}/0000{number}.m4s")).unwrap();
            prop_assert_eq!(urls, [5, 6, 7].map(expected));
        }
    }

    #[test]
    fn timelines_are_read_back(
        offset in 0_u64..1 << 33,
        spans in proptest::collection::vec((0_u64..3, 1_u64..4), 1..40),
    ) {
        let (mut end, mut segments) = (offset, Vec::new());
        for (gap, duration) in spans {
            segments.push((end + gap, duration));
            end += gap + duration;
        }
        let mut set = set("a", fold_timeline(segments.iter().copied()));
        let Some(SegmentAddressing::Template(template)) = &mut set.segments else { unreachable!() };
        template.presentation_time_offset = Some(offset);
        for layout in LAYOUTS {
            let mpd = Mpd { mpd_type: lasting(Duration::from_secs(1000)), ..mpd(vec![set.clone()]) };
            let found = parsed(&mpd.to_text(layout).unwrap()).presentation;
            let list = known(&found.periods[0].adaptation_sets[0].representations[0].index);
            let times = list.iter().map(|segment| (segment.start, segment.duration));
            let expected = segments.iter().map(|(start, duration)| {
                (MediaTime::from_millis((start - offset).cast_signed() * 1000), Duration::from_secs(*duration))
            });
            prop_assert_eq!(times.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }
    }
}

fn segment() -> impl Strategy<Value = Segment> {
    let tag = (0..8_u8, any::<u32>()).prop_map(|(kind, number)| match kind {
        0 => SegmentTag::Discontinuity,
        1 => SegmentTag::Gap,
        2 => SegmentTag::Bitrate(number.into()),
        3 => SegmentTag::Key(Key::None),
        4 => SegmentTag::Map { uri: format!("{number}.mp4"), byte_range: None },
        5 => SegmentTag::ProgramDateTime(DateTime::from_unix_millis(i64::from(number) * 1009)),
        _ => SegmentTag::Key(Key::Encrypted(KeyAttributes {
            method: EncryptionMethod::Aes128,
            uri: format!("{number}.key"),
            key_format: None,
            key_format_versions: Vec::new(),
            key_id: None,
        })),
    });
    let range = prop_oneof![
        Just(None),
        (0..1_u64 << 60, 1..1_u64 << 60)
            .prop_map(|(offset, length)| Some(SegmentRange::At(ByteRange { offset, length }))),
        (1..1_u64 << 50).prop_map(|length| Some(SegmentRange::Next { length })),
    ];
    let duration = (0..100_000_u64, 0..1_000_000_000_u32).prop_map(|(seconds, nanos)| Duration::new(seconds, nanos));
    (proptest::collection::vec(tag, 0..4), duration, range).prop_map(|(tags, duration, byte_range)| {
        let mut kept: Vec<SegmentTag> = Vec::new();
        for tag in tags {
            if !kept.iter().any(|other| std::mem::discriminant(other) == std::mem::discriminant(&tag)) {
                kept.push(tag);
            }
        }
        Segment { tags: kept, byte_range, ..Segment::new("a/b.m4s?c=d", duration) }
    })
}

/// Returns the description of segments that follows from their tags.
fn expected(sequence: u64, segments: &[Segment]) -> Vec<Value> {
    let (mut bitrate, mut map, mut method, mut end) = (None, None, None, 0);
    let describe = |(segment, sequence): (&Segment, u64)| {
        let mut date = None;
        for tag in &segment.tags {
            match tag {
                SegmentTag::Bitrate(kilobits) => bitrate = Some(*kilobits),
                SegmentTag::Map { uri, .. } => map = Some(uri.clone()),
                SegmentTag::Key(Key::None) => method = None,
                SegmentTag::Key(Key::Encrypted(_)) => method = Some("AES-128"),
                SegmentTag::ProgramDateTime(time) => date = Some(time.to_string()),
                SegmentTag::Discontinuity | SegmentTag::Gap => {}
            }
        }
        let range = segment.byte_range.map(|range| match range {
            SegmentRange::At(range) => (range.offset, range.length),
            SegmentRange::Next { length } | SegmentRange::Orphan { length } => (end, length),
        });
        end = range.map_or(0, |(offset, length)| offset + length);
        json!({
            "uri": segment.uri,
            "duration_s": segment.duration.as_secs_f64(),
            "sequence": sequence,
            "discontinuity": segment.tags.contains(&SegmentTag::Discontinuity),
            "byte_range": range,
            "key_method": method,
            "map_uri": map,
            "gap": segment.tags.contains(&SegmentTag::Gap),
            "program_date_time": date,
            "bitrate_kbps": bitrate.filter(|_| range.is_none()),
            "title": "",
        })
    };
    segments.iter().zip(sequence..).map(describe).collect()
}

fn lasting(duration: Duration) -> MpdType {
    MpdType::Static { media_presentation_duration: duration }
}

fn mpd(adaptation_sets: Vec<AdaptationSet>) -> Mpd {
    let start = Some(Duration::ZERO);
    let period = Period { id: Some("p".to_owned()), start, adaptation_sets, ..Period::default() };
    Mpd {
        profiles: "urn:mpeg:dash:profile:isoff-live:2011".to_owned(),
        mpd_type: lasting(Duration::from_millis(12_500)),
        min_buffer_time: Duration::from_secs(2),
        declares_xlink: true,
        periods: vec![PeriodElement::Inline(period)],
        ..Mpd::default()
    }
}

fn set(folder: &str, timeline: Vec<kinora_manifests::dash::TimelineEntry>) -> AdaptationSet {
    let media = UrlTemplate::new("./").literal(folder).literal("/").number(5).literal(".m4s");
    let timing = SegmentTiming::Timeline(timeline);
    let template = SegmentTemplate { start_number: 5, ..SegmentTemplate::new(1, media, timing) };
    let representation = Representation {
        id: "r".to_owned(),
        codecs: Some("mp4a.40.2".to_owned()),
        bandwidth: 1,
        ..Representation::default()
    };
    AdaptationSet {
        segments: Some(SegmentAddressing::Template(template)),
        representations: vec![representation],
        ..AdaptationSet::new(ContentType::Audio, "audio/mp4")
    }
}

fn known(index: &SegmentIndex) -> Vec<SegmentRef> {
    let SegmentIndex::Known(list) = index else { panic!("{index:?}") };
    (0..list.len()).filter_map(|place| list.get(place)).collect()
}

#[test]
fn each_tag_of_a_playlist_that_grows_is_read_back() {
    let part = |uri: &str, independent| Part {
        uri: uri.to_owned(),
        duration: Duration::from_millis(334),
        is_independent: independent,
        ..Part::default()
    };
    let ranged = Part { byte_range: Some(SegmentRange::At(ByteRange { offset: 5, length: 7 })), ..part("9.mp4", true) };
    let next = Part { byte_range: Some(SegmentRange::Next { length: 3 }), is_gap: true, ..part("9.mp4", false) };
    let range = DateRange {
        id: "r".to_owned(),
        start_date: Some(DateTime::from_unix_millis(1_767_225_600_250).in_zone(90)),
        duration: Some(Duration::from_millis(1500)),
        client_attributes: vec![("X-A".to_owned(), ClientValue::Text("b,c".to_owned()))],
        ..DateRange::default()
    };
    let playlist = MediaPlaylist {
        target_duration: 2,
        media_sequence: Some(5),
        server_control: Some(ServerControl {
            can_skip_until: Some(Duration::from_secs(12)),
            can_skip_dateranges: true,
            hold_back: Some(Duration::from_secs(6)),
            part_hold_back: Some(Duration::from_millis(1002)),
            can_block_reload: true,
        }),
        part_target: Some(Duration::from_millis(334)),
        skip: Some(Skip {
            skipped_segments: 3,
            recently_removed_dateranges: Some(vec!["p".to_owned(), "q".to_owned()]),
        }),
        date_ranges: vec![range],
        segments: vec![Segment { parts: vec![part("8.0.mp4", true)], ..Segment::new("8.mp4", Duration::from_secs(2)) }],
        incomplete_segment: Some(IncompleteSegment {
            tags: vec![SegmentTag::Discontinuity],
            parts: vec![ranged, next],
        }),
        preload_hints: vec![
            PreloadHint { byterange_start: Some(15), ..PreloadHint::new(HintType::Part, "9.mp4") },
            PreloadHint { byterange_length: Some(9), ..PreloadHint::new(HintType::Map, "init.mp4") },
        ],
        rendition_reports: vec![RenditionReport { uri: "a.m3u8".to_owned(), last_msn: Some(9), last_part: Some(1) }],
        ..MediaPlaylist::default()
    };
    for layout in LAYOUTS {
        let text = playlist.to_text(layout).unwrap();
        let value = manifest::describe(text.as_bytes(), &base(), None).unwrap();
        assert_eq!(value["segments"][0]["sequence"], 8, "after the skipped ones");
        let described = |uri: &str, independent, gap, byte_range: Value, sequence, index| {
            json!({
                "uri": uri, "duration_s": 0.334, "independent": independent, "gap": gap, "byte_range": byte_range,
                "sequence": sequence, "index": index,
            })
        };
        let expected = json!({
            "part_target_s": 0.334,
            "server_control": {
                "can_skip_until_s": 12.0, "can_skip_date_ranges": true, "hold_back_s": 6.0,
                "part_hold_back_s": 1.002, "can_block_reload": true,
            },
            "parts": [
                described("8.0.mp4", true, false, Value::Null, 8, 0),
                described("9.mp4", true, false, json!([5, 7]), 9, 0),
                described("9.mp4", false, true, json!([12, 3]), 9, 1),
            ],
            "preload_hints": [
                {"type": "PART", "uri": "9.mp4", "byte_range": [15, null]},
                {"type": "MAP", "uri": "init.mp4", "byte_range": [0, 9]},
            ],
            "rendition_reports": [{"uri": "a.m3u8", "last_msn": 9, "last_part": 1}],
            "skip": {"segments": 3, "removed_date_ranges": ["p", "q"]},
        });
        assert_eq!(value["low_latency"], expected, "{text}");
        let found = &value["date_ranges"][0];
        assert_eq!((&found["id"], &found["start_date"]), (&json!("r"), &json!("2026-01-01T00:00:00.25Z")));
        assert_eq!((&found["duration_s"], &found["attributes"]["X-A"]), (&json!(1.5), &json!("b,c")));
    }
}

#[test]
fn each_attribute_of_a_multivariant_playlist_is_read_back() {
    let subtitles = Rendition {
        kind: RenditionKind::Subtitles { is_forced: Some(true), uri: "t.m3u8".to_owned() },
        is_default: Some(false),
        is_autoselect: Some(true),
        ..rendition("text", None, "")
    };
    let captions = Rendition {
        kind: RenditionKind::ClosedCaptions { instream_id: "SERVICE63".to_owned() },
        is_default: None,
        ..rendition("cc", Some("fr"), "")
    };
    let variant = Variant {
        bandwidth: 5,
        average_bandwidth: Some(4),
        codecs: vec!["avc1.64001f".to_owned(), "mp4a.40.2".to_owned()],
        resolution: Some((1280, 720)),
        frame_rate: Some(30_000.0 / 1001.0),
        audio: Some("audio".to_owned()),
        subtitles: Some("text".to_owned()),
        closed_captions: Some(ClosedCaptions::Group("cc".to_owned())),
        score: Some(2.125),
        hdcp_level: Some("TYPE-1".to_owned()),
        stable_variant_id: Some("s+/=.-_".to_owned()),
        pathway_id: Some("one".to_owned()),
        uri: "http://one/v.m3u8?a=b&c=%20".to_owned(),
    };
    let playlist = Multivariant {
        independent_segments: true,
        start_time_offset: Some(6.5),
        content_steering: Some(ContentSteering { server_uri: "s.json".to_owned(), pathway_id: Some("one".to_owned()) }),
        repeats_names: false,
        tags: [rendition("audio", Some("en"), "a.m3u8"), subtitles, captions]
            .map(MultivariantTag::Media)
            .into_iter()
            .chain([MultivariantTag::StreamInf(variant)])
            .collect(),
    };
    for layout in LAYOUTS {
        let found = described(&playlist.to_text(layout).unwrap());
        assert_eq!(found["independent_segments"], json!(true));
        assert_eq!(found["start"], json!({"time_offset_s": 6.5, "precise": false}));
        assert_eq!(found["steering"], json!({"server_uri": "s.json", "pathway_id": "one"}));
        let keys =
            ["type", "group_id", "language", "uri", "default", "autoselect", "forced", "channels", "instream_id"];
        let renditions = [
            json!(["AUDIO", "audio", "en", "a.m3u8", true, true, false, "2", null]),
            json!(["SUBTITLES", "text", null, "t.m3u8", false, true, true, null, null]),
            json!(["CLOSED-CAPTIONS", "cc", "fr", null, false, true, false, null, "SERVICE63"]),
        ];
        for (index, expected) in renditions.iter().enumerate() {
            let found = json!(keys.map(|key| found["renditions"][index][key].clone()));
            assert_eq!(found, *expected);
        }
        assert_eq!(found["variants"][0]["score"], json!(2.125));
        let keys =
            ["uri", "codecs", "width", "height", "frame_rate", "audio", "subtitles", "closed_captions", "hdcp_level"];
        let found = json!(keys.map(|key| found["variants"][0][key].clone()));
        let uri = "http://one/v.m3u8?a=b&c=%20";
        assert_eq!(found, json!([uri, "avc1.64001f,mp4a.40.2", 1280, 720, 29.97, "audio", "text", "cc", "TYPE-1"]));
    }
}

#[test]
fn each_attribute_of_a_set_is_read_back() {
    let kid = "34e5db32-8625-47cd-ba06-68fca0655a72";
    let representation = Representation {
        id: "v".to_owned(),
        codecs: Some("avc1.64001f".to_owned()),
        bandwidth: u32::MAX.into(),
        width: Some(1280),
        height: Some(720),
        sar: Some((1, 1)),
        frame_rate: Some(FrameRate { numerator: 30_000, denominator: 1001 }),
        ..Representation::default()
    };
    let video = AdaptationSet {
        id: Some(7),
        segment_alignment: true,
        start_with_sap: Some(1),
        par: Some((16, 9)),
        max_width: Some(1280),
        max_height: Some(720),
        content_protections: vec![ContentProtection {
            descriptor: Descriptor::new("urn:mpeg:dash:mp4protection:2011", "cenc"),
            default_kid: Some(kid.to_owned()),
            content: None,
        }],
        roles: vec![Descriptor::new("urn:mpeg:dash:role:2011", "main")],
        representations: vec![representation],
        ..AdaptationSet::new(ContentType::Video, "video/mp4")
    };
    let range = |offset, length| ByteRange { offset, length };
    let list = SegmentList {
        timescale: 10,
        presentation_time_offset: Some(50),
        initialization: Some(range(0, 100)),
        timing: SegmentTiming::Timeline(fold_timeline([(50, 20), (70, 20)])),
        media_ranges: vec![MediaRange::Bytes(range(100, 11)), MediaRange::Bytes(range(111, 1))],
    };
    let audio = Representation {
        id: "a".to_owned(),
        codecs: Some("mp4a.40.2".to_owned()),
        bandwidth: 9,
        audio_sampling_rate: Some(44_100),
        audio_channel_configurations: vec![Descriptor::new(
            "urn:mpeg:dash:23003:3:audio_channel_configuration:2011",
            "6",
        )],
        base_urls: vec!["a.mp4?b=c&d=e".into()],
        segments: Some(SegmentAddressing::List(list)),
        ..Representation::default()
    };
    let audio = AdaptationSet {
        id: Some(8),
        lang: Some("fr".to_owned()),
        representations: vec![audio],
        ..AdaptationSet::new(ContentType::Audio, "audio/mp4")
    };
    let mut video = video;
    let media = UrlTemplate::new("").representation_id().literal("/").number(1);
    let numbers = SegmentTemplate {
        initialization: Some(UrlTemplate::new("").representation_id().literal(".mp4")),
        start_number: 1 << 40,
        ..SegmentTemplate::new(10, media, SegmentTiming::Duration(50))
    };
    video.segments = Some(SegmentAddressing::Template(numbers));
    for layout in LAYOUTS {
        let text = mpd(vec![video.clone(), audio.clone()]).to_text(layout).unwrap();
        let described = described(&text);
        assert_eq!(described["duration_s"], json!(12.5));
        let (set, found) = (&described["periods"][0]["adaptation_sets"][0], parsed(&text).presentation);
        assert_eq!((&set["id"], &set["roles"]), (&json!("7"), &json!(["main"])));
        assert_eq!(set["content_protection"][0]["default_kid"], kid);
        let video = &found.periods[0].adaptation_sets[0].representations[0];
        assert_eq!((video.bandwidth, video.width, video.height), (u32::MAX.into(), Some(1280), Some(720)));
        assert_eq!(video.frame_rate.map(|rate| (rate.numerator, rate.denominator)), Some((30_000, 1001)));
        let segments = known(&video.index);
        assert_eq!(segments.len(), 3);
        assert_eq!(segments[2].resource.urls[0].as_str(), format!("http://h/dir/v/{}", (1_u64 << 40) + 2));
        assert_eq!(segments[2].init.as_ref().unwrap().urls[0].as_str(), "http://h/dir/v.mp4");
        let set = &found.periods[0].adaptation_sets[1];
        let audio = &set.representations[0];
        assert_eq!((set.language.as_deref(), audio.channels, audio.sample_rate), (Some("fr"), Some(6), Some(44_100)));
        let segments = known(&audio.index);
        assert_eq!(segments[0].resource.urls[0].as_str(), "http://h/dir/a.mp4?b=c&d=e");
        let ranges = segments.iter().map(|segment| segment.resource.range.map(|range| (range.offset, range.length)));
        assert_eq!(ranges.collect::<Vec<_>>(), [Some((100, Some(11))), Some((111, Some(1)))]);
        assert_eq!(segments[1].start, MediaTime::from_millis(2000));
    }
}

#[test]
fn a_remote_period_is_found() {
    let mut mpd = mpd(vec![set("a", fold_timeline([(0, 4)]))]);
    mpd.periods.push(PeriodElement::Remote { href: "p.xml?a=b&c=d".to_owned() });
    for declares_xlink in [true, false] {
        let text = Mpd { declares_xlink, ..mpd.clone() }.to_text(Layout::Compact).unwrap();
        let missing = manifest::missing(text.as_bytes(), &base(), &manifest::RemoteElements::default()).unwrap();
        assert_eq!(missing, [base().join("p.xml?a=b&c=d").unwrap()]);
        assert_eq!(text.contains("xmlns:xlink"), declares_xlink);
    }
    let error = Mpd { periods: Vec::new(), ..mpd }.to_text(Layout::Compact);
    assert_eq!(error, Err(ManifestError::Empty { place: "MPD" }));
}
