//! Playlists whose tags contradict or complete each other: the one that counts.

use super::{base, parsed};
use crate::drm::SegmentCipherMode;
use crate::manifest::describe;
use crate::model::{
    AdaptationSet, ContainerFormat, EncryptionMethod, KeySource, MediaKind, MetadataBody, Period, SegmentId,
    SegmentIndex, SegmentRef,
};
use crate::time::MediaTime;

fn media(lines: &str) -> String {
    format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n{lines}\n#EXT-X-ENDLIST\n")
}

/// The segments of a media playlist.
fn segments(lines: &str) -> Vec<SegmentRef> {
    let period = period(&media(lines));
    match &period.adaptation_sets[0].representations[0].index {
        SegmentIndex::Known(list) => (0..list.len()).filter_map(|at| list.get(at)).collect(),
        SegmentIndex::External(_) => Vec::new(),
    }
}

fn period(text: &str) -> Period {
    parsed(text).presentation.periods.remove(0)
}

/// The sets of a multivariant playlist.
fn sets(lines: &str) -> Vec<AdaptationSet> {
    period(&format!("#EXTM3U\n{lines}\n")).adaptation_sets
}

#[test]
fn the_first_of_two_start_dates_of_a_date_range_counts() {
    let text = media(
        "#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:00Z\n\
         #EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2024-01-01T00:00:01Z\",END-DATE=\"2024-01-01T00:00:03Z\"\n\
         #EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2024-01-01T00:00:02Z\",DURATION=9,X-MORE=1\n#EXTINF:4,\na.ts",
    );
    let ranges = parsed(&text).presentation.metadata;
    let found: Vec<_> =
        ranges.iter().map(|range| (range.start, range.duration.map(|length| length.as_secs()))).collect();
    assert_eq!(found, [(MediaTime::from_millis(1000), Some(9))], "a duration precedes an end");
    let MetadataBody::Attributes(attributes) = &ranges[0].body else { panic!("{ranges:?}") };
    let names: Vec<_> = attributes.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["ID", "START-DATE", "END-DATE", "DURATION", "X-MORE"]);
}

#[test]
fn methods_name_their_cipher_and_the_address_of_a_foreign_system_is_no_key() {
    let cbc = |mode| EncryptionMethod::Segment(mode);
    let table = [
        ("AES-128", cbc(SegmentCipherMode::Aes128Cbc)),
        ("AES-256", cbc(SegmentCipherMode::Aes256Cbc)),
        ("AES-256-CTR", cbc(SegmentCipherMode::Aes256Ctr)),
        ("SAMPLE-AES", EncryptionMethod::SampleCbc),
        ("SAMPLE-AES-CTR", EncryptionMethod::SampleCtr),
        ("SAMPLE-AES-CENC", EncryptionMethod::SampleCtr),
        ("ROT13", EncryptionMethod::Other("ROT13".to_owned())),
    ];
    for (written, method) in table {
        for (format, is_open) in [("identity", true), ("com.apple.streamingkeydelivery", false)] {
            let lines =
                format!("#EXT-X-KEY:METHOD={written},URI=\"http://k/1\",KEYFORMAT=\"{format}\"\n#EXTINF:4,\na.ts");
            let encryption = segments(&lines).remove(0).encryption.expect("a key");
            let key = encryption.media.iter().next().expect("one key").clone();
            assert_eq!((&key.method, key.source != KeySource::Opaque), (&method, is_open), "{written} {format}");
        }
    }
}

#[test]
fn an_empty_map_ends_the_one_before_and_a_late_number_counts() {
    let list = segments(
        "#EXT-X-MAP:URI=\"i.mp4\"\n#EXTINF:4,\na.m4s\n#EXT-X-MAP:URI=\"j.mp4\",BYTERANGE=\"0@0\"\n#EXTINF:4,\nb.m4s\n\
         #EXT-X-MEDIA-SEQUENCE:7",
    );
    assert_eq!(list.iter().map(|segment| segment.init.is_some()).collect::<Vec<_>>(), [true, false]);
    assert_eq!(list.iter().map(|segment| segment.id).collect::<Vec<_>>(), [7, 8].map(SegmentId::Sequence));
}

#[test]
fn tools_see_that_parts_and_bitrates_belong_to_one_file() {
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-BITRATE:500\n\
        #EXTINF:4,\na.ts\n#EXTINF:4,\n#EXT-X-BYTERANGE:9@0\nb.ts\n\
        #EXT-X-PART:DURATION=1,URI=\"c.ts\",BYTERANGE=\"10@5\"\n#EXT-X-PART:DURATION=1,URI=\"c.ts\",BYTERANGE=\"10\"\n\
        #EXT-X-PART:DURATION=1,URI=\"d.ts\",BYTERANGE=\"10\"\n#EXTINF:4,\nc.ts\n\
        #EXT-X-PART:DURATION=1,URI=\"e.ts\"\n";
    let value = describe(text.as_bytes(), &base(), None).expect("a playlist");
    let rates: Vec<_> = (0..3).map(|at| value["segments"][at]["bitrate_kbps"].as_u64()).collect();
    assert_eq!(rates, [Some(500), None, Some(500)], "none for a part of a file");
    let part = |at: usize, name: &str| value["low_latency"]["parts"][at][name].clone();
    let offsets: Vec<_> = (0..3).map(|at| part(at, "byte_range")[0].as_u64()).collect();
    assert_eq!(offsets, [Some(5), Some(15), Some(0)]);
    let places: Vec<_> = (0..4).map(|at| (part(at, "sequence").as_u64(), part(at, "index").as_u64())).collect();
    assert_eq!(places, [(2, 0), (2, 1), (2, 2), (3, 0)].map(|(sequence, index)| (Some(sequence), Some(index))));
}

#[test]
fn the_format_is_that_of_the_first_segment_that_exists() {
    let period = period(&media("#EXT-X-GAP\n#EXTINF:4,\na.ts\n#EXTINF:4,\nb.vtt"));
    let set = &period.adaptation_sets[0];
    assert_eq!((set.kind, set.representations[0].format), (MediaKind::Text, ContainerFormat::WebVtt));
}

#[test]
fn a_playlist_on_demand_may_lack_its_end() {
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:4,\na.ts\n";
    let parsed = parsed(text);
    assert_eq!((parsed.presentation.duration.map(|length| length.as_secs()), parsed.warnings.len()), (Some(4), 1));
}

#[test]
fn variants_without_names_that_differ_in_their_groups_are_two() {
    let media = |group: &str| format!("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\",NAME=\"n\",URI=\"{group}.m3u8\"\n");
    let stream = |group: &str, more: &str| {
        format!(
            "#EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"avc1.64001f,mp4a.40.2\",AUDIO=\"{group}\"{more}\n{group}v.m3u8\n"
        )
    };
    let found = sets(&[media("a"), media("b"), stream("a", ",SCORE=-1"), stream("b", ",SCORE=2")].concat());
    let groups: Vec<_> =
        found[0].representations.iter().map(|rep| (rep.audio_group.as_deref(), rep.traits.score)).collect();
    assert_eq!(groups, [(Some("a"), None), (Some("b"), Some(2.0))], "a negative score is none");
}

#[test]
fn the_order_of_codecs_makes_no_other_family() {
    let found = sets(
        "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f,mp4a.40.2,ec-3\"\na.m3u8\n\
         #EXT-X-STREAM-INF:BANDWIDTH=2,CODECS=\"ec-3,mp4a.40.2,avc1.64001f\"\nb.m3u8",
    );
    assert_eq!(found.iter().map(|set| set.representations.len()).collect::<Vec<_>>(), [2]);
}

#[test]
fn renditions_belong_to_the_only_pathway_that_uses_them() {
    let pathways = |groups: [&str; 2]| {
        let stream = |id: &str, group: &str| {
            format!("#EXT-X-STREAM-INF:BANDWIDTH=9,PATHWAY-ID=\"{id}\",AUDIO=\"{group}\"\nhttp://{id}/v.m3u8\n")
        };
        let media = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"n\",URI=\"http://r/a.m3u8\"\n\
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"h\",NAME=\"n\",URI=\"http://s/a.m3u8\"\n";
        let text = format!("#EXTM3U\n{media}{}{}", stream("a", groups[0]), stream("b", groups[1]));
        let list = parsed(&text).presentation.pathways;
        list.iter()
            .map(|pathway| {
                pathway.prefixes.iter().map(|url| url.host_str().unwrap_or("").to_owned()).collect::<Vec<_>>().join(" ")
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(pathways(["g", "h"]), ["a r", "b s"]);
    assert_eq!(pathways(["g", "g"]), ["a", "b"], "what both use belongs to neither");
}

#[test]
fn one_pathway_is_listed_if_a_server_may_make_more_of_it() {
    let stream = "#EXT-X-STREAM-INF:BANDWIDTH=9\nhttp://a/v.m3u8\n";
    let count = |steering: &str| parsed(&format!("#EXTM3U\n{steering}{stream}")).presentation.pathways.len();
    assert_eq!((count("#EXT-X-CONTENT-STEERING:SERVER-URI=\"http://s/\"\n"), count("")), (1, 0));
}

#[test]
fn audio_in_the_files_of_the_video_is_a_track_beside_others_only() {
    let rendition = |group: &str, name: &str, more: &str| {
        format!("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\",NAME=\"{name}\"{more}\n")
    };
    let stream = "#EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"avc1.64001f,mp4a.40.2\",AUDIO=\"g\"\nv.m3u8\n";
    let muxed = |renditions: &[String]| {
        let period = period(&format!("#EXTM3U\n{}{stream}", renditions.concat()));
        period.muxed_audio.map(|muxed| (muxed.label.unwrap_or_default(), muxed.default))
    };
    let (one, two) = (rendition("g", "one", ""), rendition("g", "two", ",DEFAULT=YES"));
    let apart = rendition("g", "three", ",URI=\"a.m3u8\"");
    let found = |name: &str, default| Some((name.to_owned(), default));
    assert_eq!(muxed(&[one.clone(), two.clone(), apart.clone()]), found("two", true));
    assert_eq!(muxed(&[one.clone(), apart]), found("one", false));
    assert_eq!(muxed(&[one.clone(), two]), None, "there is nothing else to choose");
    assert_eq!(muxed(&[one, rendition("h", "one", ",URI=\"a.m3u8\"")]), None, "another group has it apart");
}

#[test]
fn what_one_group_says_of_a_track_holds_for_all() {
    let rendition = |group: &str, more: &str| {
        format!("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\",NAME=\"n\",URI=\"{group}.m3u8\"{more}\n")
    };
    let stream = |group: &str| format!("#EXT-X-STREAM-INF:BANDWIDTH=9,AUDIO=\"{group}\"\n{group}v.m3u8\n");
    let found = sets(&[rendition("a", ""), rendition("b", ",DEFAULT=YES"), stream("a"), stream("b")].concat());
    let audio = found.iter().find(|set| set.kind == MediaKind::Audio).expect("audio");
    assert_eq!((audio.representations.len(), audio.default, audio.autoselect), (2, true, true));
}

#[test]
fn subtitles_are_webvtt_unless_a_variant_names_the_codec_of_imsc() {
    let format = |codecs: &str| {
        let found = sets(&format!(
            "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"n\",URI=\"s.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"{codecs}\",SUBTITLES=\"s\"\nv.m3u8"
        ));
        found.iter().find(|set| set.kind == MediaKind::Text).map(|set| set.representations[0].format)
    };
    assert_eq!(format("avc1.64001f,stpp.ttml.im1t"), Some(ContainerFormat::Unknown));
    assert_eq!(format("avc1.64001f"), Some(ContainerFormat::WebVtt));
}

#[test]
fn a_standard_range_comes_before_a_high_one_whatever_the_score() {
    let found = sets(
        "#EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"hvc1.2.4.L93.B0\",VIDEO-RANGE=PQ,SCORE=9\na.m3u8\n\
         #EXT-X-STREAM-INF:BANDWIDTH=8,CODECS=\"hvc1.1.6.L93.B0\",SCORE=1\nb.m3u8",
    );
    assert_eq!(found.iter().map(|set| set.representations[0].bandwidth).collect::<Vec<_>>(), [8, 9]);
}

#[test]
fn what_variants_carry_is_unknown_where_their_codecs_do_not_fit_or_are_not_named() {
    let media = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"n\",URI=\"a.m3u8\"\n";
    let content = |more: &str| {
        let found = sets(&format!("{media}#EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=4x3{more}\nv.m3u8"));
        let video = found.iter().find(|set| set.kind == MediaKind::Video).expect("video");
        video.representations[0].content.map(|kinds| (kinds.video, kinds.audio))
    };
    assert_eq!(content(",CODECS=\"mp4a.40.2\""), None, "there is a picture");
    assert_eq!(content(""), None);
    assert_eq!(content(",AUDIO=\"g\""), Some((true, false)), "the sound is elsewhere");
    assert_eq!(content(",CODECS=\"avc1.64001f,mp4a.40.2\",AUDIO=\"g\""), Some((true, false)));
    assert_eq!(content(",CODECS=\"avc1.64001f,mp4a.40.2\""), Some((true, true)));
}

#[test]
fn audio_of_a_group_is_not_in_the_files_of_video_and_is_in_those_of_audio() {
    // The variant of a group without an address is the group's audio, which its own files carry.
    let media = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"A\",URI=\"a.m3u8\"\n\
                 #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"b\",NAME=\"B\"";
    // Codecs and resolution, and whether its files have video and audio.
    for (attributes, expected) in [
        ("CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=16x9", Some((true, false))),
        ("CODECS=\"avc1.64001f\",RESOLUTION=16x9", Some((true, false))),
        ("CODECS=\"mp4a.40.2\"", Some((false, true))),
    ] {
        let list = format!("{media}\n#EXT-X-STREAM-INF:BANDWIDTH=5,AUDIO=\"a\",{attributes}\nv.m3u8");
        let found = sets(&list).remove(0).representations.remove(0);
        let SegmentIndex::External(source) = &found.index else { panic!("{:?}", found.index) };
        assert_eq!(source.resource.urls[0].as_str(), "http://h/dir/v.m3u8");
        let found = found.content;
        assert_eq!(found.map(|kinds| (kinds.video, kinds.audio)), expected, "{attributes}");
    }
}

#[test]
fn white_space_before_a_playlist_is_no_fault() {
    assert!(parsed(&format!("\n \n{}", media("#EXTINF:4,\na.ts"))).warnings.is_empty());
}
