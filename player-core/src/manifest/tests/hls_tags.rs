//! Tags of HLS beyond those that every playlist has, and what the presentation keeps of them.

use serde_json::json;

use super::{base, error, parsed};
use crate::manifest::{ManifestError, describe, parse_index};
use crate::model::{CaptionService, IndexSource, Period, Resource, SegmentIndex, TimestampMapping, VideoRange};
use crate::time::MediaTime;

fn period(text: &str) -> Period {
    parsed(text).presentation.periods.remove(0)
}

fn ladder(period: &Period, set: usize) -> (String, Vec<&str>) {
    let set = &period.adaptation_sets[set];
    (set.id.0.clone(), set.representations.iter().map(|rep| rep.id.as_str()).collect())
}

fn urls(index: &SegmentIndex) -> Vec<&str> {
    match index {
        SegmentIndex::External(source) => source.resource.urls.iter().map(|url| url.as_str()).collect(),
        SegmentIndex::Known(_) => panic!("a variant's index is fetched"),
    }
}

#[test]
fn closed_captions_may_be_denied() {
    let variants = |attribute: &str| {
        format!(
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9{attribute}\na.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=8{attribute}\nb.m3u8\n"
        )
    };
    assert!(period(&variants(",CLOSED-CAPTIONS=NONE")).no_captions);
    assert!(!period(&variants("")).no_captions);
    let quoted = variants(",CLOSED-CAPTIONS=\"NONE\"").replace(
        "#EXTM3U\n",
        "#EXTM3U\n#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"NONE\",NAME=\"English\",INSTREAM-ID=\"CC1\"\n",
    );
    let period = period(&quoted);
    assert!(!period.no_captions, "a quoted NONE is the name of a group");
    assert_eq!(period.captions.iter().map(|track| track.service).collect::<Vec<_>>(), [CaptionService::Cea608(1)]);
}

#[test]
fn what_cannot_be_mixed_is_several_sets_in_the_order_to_be_tried() {
    let text = r#"#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=16x9,CODECS="hvc1.2.4.L123.B0,ec-3",VIDEO-RANGE=PQ
pq.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=8,RESOLUTION=16x9,CODECS="hvc1.2.4.L123.B0,mp4a.40.2",NAME="HD"
hevc.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=7,RESOLUTION=16x9,CODECS="avc1.64001f,ec-3"
surround.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=6,RESOLUTION=16x9,CODECS="avc1.64001f,mp4a.40.2"
avc-hi.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=5,RESOLUTION=16x9,CODECS="avc3.4d401e,mp4a.40.5",SUPPLEMENTAL-CODECS="x.1/y"
avc-lo.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=4
untold.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=3,CODECS="hvc1.2.4.L123.B0",REQ-VIDEO-LAYOUT="CH-STEREO/PROJ-RECT"
stereo.m3u8
"#;
    let period = period(text);
    assert_eq!(ladder(&period, 0), ("video".to_owned(), vec!["v5", "v4", "v3"]), "untold codecs join the first");
    assert_eq!(ladder(&period, 1), ("video-avc-eac3".to_owned(), vec!["v2"]));
    assert_eq!(ladder(&period, 2), ("video-hevc-aac".to_owned(), vec!["v1"]));
    assert_eq!(ladder(&period, 3), ("video-hevc-pq-eac3".to_owned(), vec!["v0"]));
    assert_eq!(period.adaptation_sets.len(), 4, "a headset's variant is nowhere");
    let traits = |set: usize, rep: usize| &period.adaptation_sets[set].representations[rep].traits;
    assert_eq!(traits(3, 0).video_range, VideoRange::Pq);
    assert_eq!((traits(2, 0).name.as_deref(), &traits(0, 1).supplemental_codecs[0][..]), (Some("HD"), "x.1/y"));
}

#[test]
fn variants_that_tell_less_join_those_that_tell_more() {
    let text = r#"#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=3,RESOLUTION=16x9,CODECS="avc1.64001f"
pictures.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2,RESOLUTION=16x9,CODECS="avc1.64001f,mp4a.40.2"
both.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=16x9,CODECS="hvc1.2.4.L123"
other.m3u8
"#;
    let period = period(text);
    assert_eq!(ladder(&period, 0).1, ["v1", "v0"]);
    assert_eq!(ladder(&period, 1), ("video-hevc".to_owned(), vec!["v2"]));
}

#[test]
fn the_authors_score_comes_before_our_taste_when_every_variant_has_one() {
    let playlist = |first: &str, second: &str| {
        format!(
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f\"{first}\na.m3u8\n\
             #EXT-X-STREAM-INF:BANDWIDTH=2,CODECS=\"av01.0.04M.08\"{second}\nb.m3u8\n"
        )
    };
    assert_eq!(ladder(&period(&playlist(",SCORE=2.0", ",SCORE=2.5")), 0).1, ["v1"]);
    for (first, second) in [(",SCORE=2.0", ""), ("", ",SCORE=2.5")] {
        let period = period(&playlist(first, second));
        assert_eq!(ladder(&period, 0).1, ["v0"], "one without a score makes all of them void");
    }
}

#[test]
fn a_playlist_for_headsets_only_is_a_typed_error() {
    let text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,REQ-VIDEO-LAYOUT=\"CH-STEREO\"\na.m3u8\n";
    assert!(matches!(error(text), ManifestError::Unsupported { .. }));
    let mono = text.replace("CH-STEREO", "CH-MONO");
    assert_eq!(ladder(&period(&mono), 0).1, ["v0"]);
}

#[test]
fn captions_iframes_session_data_and_steering_are_kept() {
    let text = r#"#EXTM3U
#EXT-X-START:TIME-OFFSET=-12.5
#EXT-X-CONTENT-STEERING:SERVER-URI="/steer?a=1",PATHWAY-ID="two"
#EXT-X-SESSION-DATA:DATA-ID="com.example.title",VALUE="A film",LANGUAGE="en"
#EXT-X-SESSION-DATA:DATA-ID="com.example.chapters",URI="chapters.json",FORMAT=JSON
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="English",LANGUAGE="en",DEFAULT=YES,INSTREAM-ID="CC1"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc2",NAME="English again",LANGUAGE="en",INSTREAM-ID="CC1"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="Spanish",LANGUAGE="es",AUTOSELECT=YES,INSTREAM-ID="SERVICE63"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="No",INSTREAM-ID="CC5"
#EXT-X-STREAM-INF:BANDWIDTH=5,RESOLUTION=16x9,CLOSED-CAPTIONS="cc"
v.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=2,RESOLUTION=16x9,CODECS="avc1.64001f",URI="i2.m3u8"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,RESOLUTION=8x4,URI="i1.m3u8"
"#;
    let parsed = parsed(text);
    let presentation = &parsed.presentation;
    let period = &presentation.periods[0];
    assert_eq!(presentation.start, Some(MediaTime::from_millis(-12_500)));
    let steering = presentation.steering.as_ref().map(|s| (s.server.urls[0].as_str(), s.pathway.as_deref()));
    assert_eq!(steering, Some(("http://h/steer?a=1", Some("two"))));
    let data: Vec<_> = presentation.session_data.iter().map(|d| (d.value.as_deref(), d.format.as_deref())).collect();
    assert_eq!(data, [(Some("A film"), None), (None, Some("JSON"))]);
    let captions: Vec<_> = period.captions.iter().map(|c| (c.service, c.default, c.autoselect)).collect();
    assert_eq!(captions, [(CaptionService::Cea608(1), true, true), (CaptionService::Cea708(63), false, true)]);
    let iframes: Vec<_> = period.trick_sets[0].representations.iter().map(|r| (r.bandwidth, urls(&r.index))).collect();
    assert_eq!(iframes, [(1, vec!["http://h/dir/i1.m3u8"]), (2, vec!["http://h/dir/i2.m3u8"])]);
    assert_eq!(parsed.warnings.len(), 1, "CC5: {:?}", parsed.warnings);
    let none = text.replace("CLOSED-CAPTIONS=\"cc\"", "CLOSED-CAPTIONS=NONE");
    assert_eq!(self::period(&none).captions, []);
}

#[test]
fn session_data_stays_without_its_address_if_that_cannot_be_used() {
    let text = "#EXTM3U\n#EXT-X-SESSION-DATA:DATA-ID=\"a\",URI=\"http://[\",FORMAT=RAW\n\
                #EXT-X-SESSION-DATA:DATA-ID=\"b\",URI=\"b.json\",LANGUAGE=\"de\"\n#EXT-X-STREAM-INF:BANDWIDTH=5\nv.m3u8\n";
    let parsed = parsed(text);
    let fact = |data: &crate::model::SessionData| {
        let url = data.resource.as_ref().map(|resource| resource.urls[0].to_string());
        (data.data_id.clone(), url, data.format.clone(), data.language.clone())
    };
    let found: Vec<_> = parsed.presentation.session_data.iter().map(fact).collect();
    let of = |text: &str| Some(text.to_owned());
    assert_eq!(
        found,
        [("a".to_owned(), None, of("RAW"), None), ("b".to_owned(), of("http://h/dir/b.json"), None, of("de"))]
    );
    assert_eq!(parsed.warnings.len(), 1, "{:?}", parsed.warnings);
}

#[test]
fn tools_see_the_three_flags_of_a_rendition_apart() {
    for (flags, expected) in [
        ("", [false, false, false]),
        (",DEFAULT=YES,AUTOSELECT=YES", [true, true, false]),
        (",AUTOSELECT=YES", [false, true, false]),
        (",FORCED=YES", [false, false, true]),
    ] {
        let text = format!(
            "#EXTM3U\n#EXT-X-VERSION: 7 \n#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"S\",URI=\"s.m3u8\"{flags}\n\
             #EXT-X-STREAM-INF:BANDWIDTH=5,SUBTITLES=\"s\"\nv.m3u8\n"
        );
        let value = describe(text.as_bytes(), &base(), None).unwrap_or_else(|error| panic!("{error}"));
        let rendition = &value["renditions"][0];
        let found = ["default", "autoselect", "forced"].map(|name| rendition[name].as_bool().unwrap_or_default());
        assert_eq!((found, value["version"].as_u64()), (expected, Some(7)), "{flags}");
    }
}

#[test]
fn sound_inside_the_pictures_files_can_be_chosen_like_any_other() {
    let text = r#"#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Main",LANGUAGE="en",DEFAULT=YES,ASSOC-LANGUAGE="en-GB"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Other",LANGUAGE="de",URI="de.m3u8",BIT-DEPTH=24,SAMPLE-RATE=48000,STABLE-RENDITION-ID="r"
#EXT-X-STREAM-INF:BANDWIDTH=5,CODECS="avc1.64001f,mp4a.40.2",AUDIO="a"
v.m3u8
"#;
    let period = period(text);
    let muxed = period.muxed_audio.as_ref().map(|m| (m.language.as_deref(), m.label.as_deref(), m.default));
    assert_eq!(muxed, Some((Some("en"), Some("Main"), true)));
    let other = &period.adaptation_sets[1].representations[0];
    assert_eq!((other.sample_rate, other.traits.bit_depth), (Some(48_000), Some(24)));
    assert_eq!(other.traits.stable_id.as_deref(), Some("r"));
    let separate = text.replace("DEFAULT=YES", "DEFAULT=YES,URI=\"en.m3u8\"");
    assert_eq!(self::period(&separate).muxed_audio, None);
}

const PATHWAYS: &str = r#"#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aud-a",NAME="E",URI="http://a/x/audio/e.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aud-b",NAME="E",URI="http://b/y/audio/e.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=9,CODECS="avc1.64001f,mp4a.40.2",AUDIO="aud-a",PATHWAY-ID="A",STABLE-VARIANT-ID="hi"
http://a/x/hi/v.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=5,CODECS="avc1.64001f,mp4a.40.2",AUDIO="aud-a",PATHWAY-ID="A",STABLE-VARIANT-ID="lo"
http://a/x/lo/v.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=9,CODECS="avc1.64001f,mp4a.40.2",AUDIO="aud-b",PATHWAY-ID="B",STABLE-VARIANT-ID="hi"
http://b/y/hi/v.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=5,CODECS="avc1.64001f,mp4a.40.2",AUDIO="aud-b",PATHWAY-ID="B",STABLE-VARIANT-ID="lo"
http://b/y/lo/v.m3u8
"#;

fn pathways(text: &str) -> Vec<(String, Vec<String>)> {
    let list = parsed(text).presentation.pathways;
    list.into_iter().map(|p| (p.id, p.prefixes.iter().map(ToString::to_string).collect())).collect()
}

fn pathway(id: &str, prefix: &str) -> (String, Vec<String>) {
    (id.to_owned(), vec![prefix.to_owned()])
}

#[test]
fn pathways_with_groups_of_their_own_are_one_stream_with_two_addresses() {
    let period = period(PATHWAYS);
    assert_eq!(ladder(&period, 0).1, ["v1", "v0"]);
    let [video, audio] = period.adaptation_sets.as_slice() else { panic!("{period:?}") };
    assert_eq!(urls(&video.representations[0].index), ["http://a/x/lo/v.m3u8", "http://b/y/lo/v.m3u8"]);
    assert_eq!(urls(&audio.representations[0].index), ["http://a/x/audio/e.m3u8", "http://b/y/audio/e.m3u8"]);
    assert_eq!(audio.representations[0].audio_group, video.representations[0].audio_group);
    assert_eq!(pathways(PATHWAYS), [pathway("A", "http://a/x/"), pathway("B", "http://b/y/")]);
}

#[test]
fn variants_with_one_address_and_several_groups_are_the_same_media() {
    let text =
        PATHWAYS.replace("http://a/x/hi/v.m3u8", "http://a/x/lo/v.m3u8").replace("http://b/y/hi", "http://b/y/lo");
    let media = |text: &str| {
        let reps = &period(text).adaptation_sets[0].representations;
        reps.iter().map(|rep| rep.traits.same_media).collect::<Vec<_>>()
    };
    assert_eq!(media(PATHWAYS), [None, None]);
    assert_eq!(media(&text), [Some(0), Some(0)]);
}

#[test]
fn redundant_variants_without_names_get_some_and_shared_folders_are_told_apart_by_address() {
    let text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8?cdn=1\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8?cdn=2\n";
    let expected = [pathway(".", "http://h/dir/v.m3u8?cdn=1"), pathway(".1", "http://h/dir/v.m3u8?cdn=2")];
    assert_eq!(pathways(text), expected);
    assert_eq!(pathways("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n"), []);
}

#[test]
fn an_index_tells_metadata_its_clock_and_where_to_begin() {
    let source = IndexSource::playlist(Resource::new(base()));
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-START:TIME-OFFSET=9\n#EXT-X-DISCONTINUITY-SEQUENCE:9\n\
                #EXT-X-BITRATE:800\n#EXTINF:4,\n0.ts\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:01:00Z\n#EXTINF:4,\n1.ts\n\
                #EXT-X-DATERANGE:ID=\"a\",CLASS=\"c\",START-DATE=\"1970-01-01T00:01:02.5Z\",DURATION=3\n\
                #EXT-X-DISCONTINUITY\n#EXTINF:4,\n2.ts\n#EXT-X-ENDLIST\n";
    let read = |text: &str| parse_index(text.as_bytes(), &source, &base()).unwrap_or_else(|error| panic!("{error}"));
    let index = read(text);
    assert_eq!(index.start, Some(MediaTime::from_millis(8000)), "not PRECISE: from the beginning of its segment");
    let precise = text.replace("OFFSET=9", "OFFSET=9,PRECISE=YES");
    assert_eq!(read(&precise).start, Some(MediaTime::from_millis(9000)));
    assert_eq!(index.epoch.map(|epoch| epoch.as_unix_nanos()), Some(56_000_000_000));
    assert_eq!((index.metadata[0].start, &index.metadata[0].scheme[..]), (MediaTime::from_millis(6500), "c"));
    let mapping = |at| index.segments.get(at).map(|segment| segment.mapping);
    assert_eq!(mapping(0), Some(TimestampMapping::Discontinuity(0)), "counted from the first segment");
    assert_eq!(mapping(2), Some(TimestampMapping::Discontinuity(1)));
    assert_eq!(index.segments.size(1), Some(400_000), "800 kbit/s for four seconds");
}

#[test]
fn tools_see_every_live_tag_with_its_attributes() {
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:10\n\
                #EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=24,CAN-SKIP-DATERANGES=YES,HOLD-BACK=12,PART-HOLD-BACK=3.5\n\
                #EXT-X-SKIP:SKIPPED-SEGMENTS=3,RECENTLY-REMOVED-DATERANGES=\"a\tb\"\n#EXTINF:4,\na.m4s\n\
                #EXT-X-PART:DURATION=1,URI=\"p\",BYTERANGE=\"5@7\",INDEPENDENT=YES\n\
                #EXT-X-PART:DURATION=0.5,URI=\"p\",BYTERANGE=\"9\",GAP=YES\n\
                #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p\",BYTERANGE-START=21\n#EXT-X-PRELOAD-HINT:TYPE=X,URI=\"p\"\n\
                #EXT-X-RENDITION-REPORT:URI=\"r\",LAST-MSN=14,LAST-PART=1\n";
    let value = describe(text.as_bytes(), &base(), None).unwrap_or_else(|error| panic!("{error}"));
    let live = &value["low_latency"];
    let control = json!({"can_skip_until_s": 24.0, "can_skip_date_ranges": true, "hold_back_s": 12.0,
                         "part_hold_back_s": 3.5, "can_block_reload": false});
    assert_eq!(live["server_control"], control);
    assert_eq!(live["skip"], json!({"segments": 3, "removed_date_ranges": ["a", "b"]}));
    assert_eq!(live["parts"][1]["byte_range"], json!([12, 9]));
    assert_eq!((&live["parts"][1]["sequence"], &live["parts"][1]["index"]), (&14.into(), &1.into()));
    assert_eq!(live["preload_hints"], json!([{"type": "PART", "uri": "p", "byte_range": [21, null]}]));
    assert_eq!(live["rendition_reports"][0], json!({"uri": "r", "last_msn": 14, "last_part": 1}));
    assert_eq!(value["warnings"][0]["line"], 11);
}
