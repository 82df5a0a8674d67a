//! Values at the borders between two readings: one just inside, one just outside.

use super::{base, error, parsed};
use crate::manifest::{ManifestError, describe, parse_steering};
use crate::model::{ContainerFormat, MediaKind, Period, Representation, SegmentIndex};

const TEMPLATE: &str = "<SegmentTemplate duration='4' media='$Number$'/>";

fn period(inner: &str) -> Period {
    let text = format!("<MPD mediaPresentationDuration='PT5S'><Period>{inner}</Period></MPD>");
    parsed(&text).presentation.periods.remove(0)
}

fn first(inner: &str) -> Representation {
    period(inner).adaptation_sets.remove(0).representations.remove(0)
}

fn count(representation: &Representation) -> Option<u64> {
    match &representation.index {
        SegmentIndex::Known(list) => Some(list.len()),
        SegmentIndex::External(_) => None,
    }
}

#[test]
fn mime_types_name_the_container() {
    let format = |mime: &str, base: &str| {
        let inner = format!("<Representation id='a' bandwidth='1'><BaseURL>{base}</BaseURL></Representation>");
        first(&format!("<AdaptationSet contentType='video' mimeType='{mime}'>{TEMPLATE}{inner}</AdaptationSet>")).format
    };
    for mime in ["video/mp4", "audio/mp4", "application/mp4", "video/iso.segment", "audio/iso.segment"] {
        assert_eq!(format(mime, "x/"), ContainerFormat::Fmp4, "{mime}");
    }
    for mime in ["video/webm", "audio/webm"] {
        assert_eq!(format(mime, "x/"), ContainerFormat::WebM, "{mime}");
    }
    for mime in ["video/mp2t", "audio/mp2t"] {
        assert_eq!(format(mime, "x/"), ContainerFormat::MpegTs, "{mime}");
    }
    assert_eq!(format("text/vtt", "x/"), ContainerFormat::WebVtt);
    for mime in ["application/ttml+xml", "text/ttml"] {
        assert_eq!(format(mime, "x/"), ContainerFormat::Ttml, "{mime}");
    }
    assert_eq!(format("application/x-unknown", "x.ts"), ContainerFormat::Unknown, "the type counts before the name");
    assert_eq!((format("", "x.ts"), format("", "x.mp4")), (ContainerFormat::MpegTs, ContainerFormat::Fmp4));
    let image = "<AdaptationSet contentType='video' mimeType='image/png'><EssentialProperty \
                 schemeIdUri='http://dashif.org/guidelines/thumbnail_tile' value='2x2'/>";
    let period = period(&format!(
        "<AdaptationSet mimeType='video/mp4'>{TEMPLATE}<Representation id='v' bandwidth='1'/></AdaptationSet>\
         {image}{TEMPLATE}<Representation id='i' bandwidth='1'/></AdaptationSet>"
    ));
    assert_eq!(period.thumbnails[0].representation.format, ContainerFormat::Image);
}

#[test]
fn extensions_name_the_container() {
    use crate::manifest::codecs::format_of;
    for (names, format) in [
        ("mp4 m4s m4v m4a m4f cmfv cmfa cmft cmfm ismv isma fmp4", ContainerFormat::Fmp4),
        ("ts m2ts mts tsv tsa TS", ContainerFormat::MpegTs),
        ("aac mp3 ac3 ec3 eac3", ContainerFormat::PackedAudio),
        ("webm mkv", ContainerFormat::WebM),
        ("vtt webvtt", ContainerFormat::WebVtt),
        ("ttml dfxp imsc", ContainerFormat::Ttml),
        ("jpg jpeg png", ContainerFormat::Image),
        ("m3u8 txt", ContainerFormat::Unknown),
    ] {
        for name in names.split(' ') {
            assert_eq!(format_of(&format!("d.x/s.{name}#f.zip")), format, "{name}");
        }
    }
}

#[test]
fn a_remainder_shorter_than_a_frame_is_no_segment_at_any_rate() {
    let segments = |properties: &str| {
        count(&first(&format!(
            "<AdaptationSet mimeType='video/mp4' {properties}>{TEMPLATE}<Representation id='a' bandwidth='1'/></AdaptationSet>"
        )))
    };
    // One second remains: shorter than a frame of half a frame per second, were such a rate believed.
    assert_eq!(segments("frameRate='1/2'"), Some(2));
    assert_eq!(segments("frameRate='1'"), Some(2));
    let remainder = |properties: &str, duration: &str| {
        let text = format!(
            "<MPD mediaPresentationDuration='PT{duration}S'><Period><AdaptationSet mimeType='video/mp4' {properties}>\
             {TEMPLATE}<Representation id='a' bandwidth='1'/></AdaptationSet></Period></MPD>"
        );
        count(&parsed(&text).presentation.periods[0].adaptation_sets[0].representations[0])
    };
    // Nine tenths of a frame of a second.
    assert_eq!((remainder("frameRate='1'", "4.89"), remainder("frameRate='1'", "4.91")), (Some(1), Some(2)));
    assert_eq!((remainder("", "4.024"), remainder("", "4.026")), (Some(1), Some(2)));
}

#[test]
fn durations_may_have_a_fraction_and_must_exceed_nought() {
    let set = |duration: &str| {
        format!(
            "<AdaptationSet mimeType='video/mp4'><SegmentTemplate duration='{duration}' media='$Number$'/>\
             <Representation id='a' bandwidth='1'/></AdaptationSet>"
        )
    };
    let spans = |duration: &str| match first(&set(duration)).index {
        SegmentIndex::Known(list) => (0..list.len())
            .filter_map(|at| list.span(at))
            .map(|(start, length)| (start.as_nanos(), length.as_millis()))
            .collect::<Vec<_>>(),
        SegmentIndex::External(_) => Vec::new(),
    };
    assert_eq!(spans("2.5"), [(0, 2500), (2_500_000_000, 2500)]);
    assert_eq!(spans("4"), [(0, 4000), (4_000_000_000, 1000)]);
    for bad in ["0", "-2.5", "0.0", "1e13", "x"] {
        let text = format!("<MPD mediaPresentationDuration='PT5S'><Period>{}</Period></MPD>", set(bad));
        let found = parsed(&text);
        let list = &found.presentation.periods[0].adaptation_sets[0].representations[0];
        assert_eq!(count(list), Some(1), "{bad}: one segment as long as the period");
    }
}

#[test]
fn an_index_is_looked_for_where_it_is_announced_or_can_be() {
    let index = |mime: &str, base: &str| {
        let inner = format!(
            "<AdaptationSet contentType='video' mimeType='{mime}'><Representation id='a' bandwidth='1'>\
                             <BaseURL>v.bin</BaseURL>{base}</Representation></AdaptationSet>"
        );
        match first(&inner).index {
            SegmentIndex::External(source) => {
                let range = source.resource.range.map(|range| (range.offset, range.length));
                Some((source.resource.urls[0].path().to_owned(), range, source.media.len()))
            }
            SegmentIndex::Known(_) => None,
        }
    };
    let at = |path: &str, range, media| Some((path.to_owned(), range, media));
    let range = Some((7, Some(3)));
    assert_eq!(index("video/webm", "<SegmentBase indexRange='7-9'/>"), at("/dir/v.bin", range, 0));
    assert_eq!(
        index("video/webm", "<SegmentBase><RepresentationIndex sourceURL='i'/></SegmentBase>"),
        at("/dir/i", None, 1)
    );
    assert_eq!(
        index(
            "video/webm",
            "<SegmentBase indexRange='1-2'><RepresentationIndex sourceURL='i' range='7-9'/></SegmentBase>"
        ),
        at("/dir/i", range, 1),
        "the nearer range counts"
    );
    assert_eq!(
        index("video/webm", "<SegmentBase indexRange='7-9'><RepresentationIndex/></SegmentBase>"),
        at("/dir/v.bin", range, 0)
    );
    assert_eq!(index("video/webm", "<SegmentBase/>"), None);
    assert_eq!(index("video/mp4", "<SegmentBase/>"), at("/dir/v.bin", None, 0), "such a file may hold one");
    assert_eq!(index("video/mp4", ""), at("/dir/v.bin", None, 0));
    assert_eq!(index("video/mp4", "<SegmentBase indexRange='9-7'/>"), at("/dir/v.bin", None, 0), "no range");
}

#[test]
fn sets_of_several_components_do_not_say_what_they_carry() {
    let content = |components: &str| {
        let set = format!(
            "<AdaptationSet mimeType='video/mp4'>{components}{TEMPLATE}<Representation id='a' bandwidth='1'/></AdaptationSet>"
        );
        first(&set).content.map(|content| (content.video, content.audio))
    };
    let (video, audio) = ("<ContentComponent contentType='video'/>", "<ContentComponent contentType='audio'/>");
    assert_eq!(content(""), Some((true, false)));
    assert_eq!(content(video), Some((true, false)));
    assert_eq!(content(&format!("{video}{audio}")), None);
    assert_eq!(content(&format!("{video}{audio}{audio}")), None);
}

#[test]
fn captions_are_those_of_normal_video() {
    let captions = |kind: &str, property: &str| {
        let period = period(&format!(
            "<AdaptationSet mimeType='video/mp4'>{TEMPLATE}<Representation id='v' bandwidth='1'/></AdaptationSet>\
             <AdaptationSet contentType='{kind}' mimeType='{kind}/mp4'>{property}\
             <Accessibility schemeIdUri='urn:scte:dash:cc:cea-608:2015' value='CC1=eng'/>{TEMPLATE}\
             <Representation id='a' bandwidth='1'/></AdaptationSet>"
        ));
        period.captions.len()
    };
    let trick = "<EssentialProperty schemeIdUri='http://dashif.org/guidelines/trickmode' value='1'/>";
    assert_eq!((captions("video", ""), captions("audio", ""), captions("video", trick)), (1, 0, 0));
}

#[test]
fn weights_are_listed_when_any_differs_from_the_rule() {
    let weights = |bases: &str| {
        let text = format!(
            "<MPD mediaPresentationDuration='PT4S'>{bases}<Period><AdaptationSet mimeType='video/mp4'>{TEMPLATE}\
             <Representation id='a' bandwidth='1'/></AdaptationSet></Period></MPD>"
        );
        let weights = parsed(&text).presentation.weights;
        weights.iter().map(|weight| (weight.priority, weight.weight)).collect::<Vec<_>>()
    };
    let named = "<BaseURL serviceLocation='a'>a/</BaseURL>";
    assert_eq!(weights(&format!("{named}<BaseURL serviceLocation='b'>b/</BaseURL>")), []);
    assert_eq!(weights(&format!("{named}<BaseURL dvb:weight='2'>b/</BaseURL>")), [(1, 1), (1, 2)]);
    assert_eq!(weights(&format!("{named}<BaseURL dvb:priority='2'>b/</BaseURL>")), [(1, 1), (2, 1)]);
    assert_eq!(weights(&format!("{named}<BaseURL dvb:weight='0'>b/</BaseURL>")), [], "no weight of nought");
}

#[test]
fn predefined_entities_are_the_only_ones() {
    let text = "<MPD mediaPresentationDuration='PT4S'><Period><AdaptationSet mimeType='video/mp4'>\
                <Label>&lt;&gt;&amp;&apos;&quot;&#65;&none;</Label><SegmentTemplate duration='4' media='$Number$'/>\
                <Representation id='a' bandwidth='1'/></AdaptationSet></Period></MPD>";
    let label = parsed(text).presentation.periods[0].adaptation_sets[0].label.clone();
    assert_eq!(label.as_deref(), Some("<>&'\"A"));
}

#[test]
fn other_documents_are_named_by_their_root() {
    let found = |text: &str| error(text).to_string();
    let named = |what: &str| format!("expected an HLS playlist or a DASH manifest, found {what}");
    assert_eq!(found("<rss/>"), named("XML with the root element rss"));
    assert_eq!(found("<HTML >"), named("an HTML page"));
    assert_eq!(found("<!doctype HTML><x/>"), named("an HTML page"));
    assert_eq!(found("<!DOCTYPE svg [<!ENTITY a '>'>]><svg/>"), named("XML with the root element svg"));
    assert_eq!(found("<!DOCTYPE svg><svg/>"), named("XML with the root element svg"));
    assert_eq!(found("<!DOCTYPE svg [<>]><svg/>"), named("XML with the root element svg"));
    assert_eq!(found("[1]"), named("a JSON document"));
    assert_eq!(found("plain"), named("text of another kind"));
    assert_eq!(found("plain\0"), named("binary data"));
    // One sync byte proves nothing but in a file of a single packet.
    let packets = |length: usize, second: &str| {
        let packet = format!("G{}", "\0".repeat(187));
        found(&(packet + second + &"\0".repeat(188))[..length])
    };
    let stream = "an MPEG transport stream";
    assert_eq!([packets(188, ""), packets(189, "G"), packets(376, "G")], [stream; 3].map(named));
    assert_eq!([packets(187, ""), packets(189, ""), packets(376, "")], ["binary data"; 3].map(named));
    assert!(matches!(error("<Patch/>"), ManifestError::Unsupported { .. }));
}

#[test]
fn lines_made_of_variables_have_a_limit() {
    let playlist = |length: usize| {
        format!(
            "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"{}\"\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{{$a}}/x\n#EXT-X-ENDLIST\n",
            "y".repeat(length)
        )
    };
    assert_eq!(parsed(&playlist(64 << 10)).warnings, []);
    let long = error(&playlist((64 << 10) + 1));
    let expected = "line 5 with its variables replaced exceeds 65536";
    assert_eq!(long.to_string(), expected);
}

#[test]
fn steering_manifests_are_read_up_to_their_limit() {
    let padded = |length: usize| {
        let body = r#"{"VERSION":1,"PATHWAY-PRIORITY":["a"]}"#;
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    assert!(parse_steering(padded(1 << 20).as_bytes()).is_ok());
    assert!(matches!(parse_steering(padded((1 << 20) + 1).as_bytes()), Err(ManifestError::TooLarge { .. })));
}

#[test]
fn tools_see_every_attribute_of_a_variant() {
    let text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9,AVERAGE-BANDWIDTH=8,CODECS=\"avc1.640028\",RESOLUTION=16x9,FRAME-RATE=25,\
                AUDIO=\"a\",VIDEO=\"v\",SUBTITLES=\"s\",CLOSED-CAPTIONS=NONE,NAME=\"n\",SCORE=2,VIDEO-RANGE=PQ,HDCP-LEVEL=NONE,\
                SUPPLEMENTAL-CODECS=\"x/y\",ALLOWED-CPC=\"k\",REQ-VIDEO-LAYOUT=\"CH-MONO\",STABLE-VARIANT-ID=\"i\",PATHWAY-ID=\"p\"\nu\n\
                #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i\"\n";
    let value = describe(text.as_bytes(), &base(), None).unwrap_or_else(|error| panic!("{error}"));
    let expected = serde_json::json!({
        "uri": "u", "bandwidth": 9, "average_bandwidth": 8, "codecs": "avc1.640028", "width": 16, "height": 9,
        "frame_rate": 25.0, "audio": "a", "video": "v", "subtitles": "s", "closed_captions": "NONE", "name": "n",
        "score": 2.0, "video_range": "PQ", "supplemental_codecs": "x/y", "hdcp_level": "NONE", "allowed_cpc": "k",
        "req_video_layout": "CH-MONO", "stable_variant_id": "i", "pathway_id": "p",
    });
    assert_eq!(value["variants"], serde_json::json!([expected]));
    assert_eq!(
        (&value["iframe_variants"][0]["uri"], &value["iframe_variants"][0]["bandwidth"]),
        (&"i".into(), &1.into())
    );
}

#[test]
fn events_without_a_timescale_count_seconds() {
    let start = |timescale: &str| {
        let text = format!(
            "<MPD mediaPresentationDuration='PT5S'><Period><EventStream schemeIdUri='urn:a' {timescale}>\
             <Event presentationTime='3'/></EventStream><AdaptationSet mimeType='video/mp4'>{TEMPLATE}\
             <Representation id='a' bandwidth='1'/></AdaptationSet></Period></MPD>"
        );
        parsed(&text).presentation.metadata[0].start.as_nanos()
    };
    assert_eq!(
        (start(""), start("timescale='0'"), start("timescale='2'")),
        (3_000_000_000, 3_000_000_000, 1_500_000_000)
    );
}

#[test]
fn tools_see_the_line_of_a_date_range() {
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-DATERANGE:ID=\"a\",CLASS=\"c\"\n#EXT-X-DATERANGE:ID=\"a\",DURATION=2\n";
    let value = describe(text.as_bytes(), &base(), None).unwrap_or_else(|error| panic!("{error}"));
    let range = &value["date_ranges"][0];
    assert_eq!((&range["line"], &range["class"], &range["duration_s"]), (&3.into(), &"c".into(), &2.0.into()));
}

#[test]
fn tracks_of_one_name_are_numbered_from_the_second_on() {
    let set = |language: &str, id: &str| {
        format!(
            "<AdaptationSet contentType='audio' mimeType='audio/mp4' lang='{language}'>{TEMPLATE}\
             <Representation id='{id}' bandwidth='1'/></AdaptationSet>"
        )
    };
    let all: String = [("en", "a"), ("de", "b"), ("en", "c"), ("en", "d")].map(|(lang, id)| set(lang, id)).concat();
    let ids: Vec<String> = period(&all).adaptation_sets.into_iter().map(|set| set.id.0).collect();
    assert_eq!(ids, ["audio-en", "audio-de", "audio-en-2", "audio-en-3"]);
}

#[test]
fn addresses_that_share_no_folder_still_make_pathways() {
    // Folders of two drives have none above them in common, and the root of a drive none above it.
    let variant =
        |pathway: &str, url: &str| format!("#EXT-X-STREAM-INF:BANDWIDTH=1000,PATHWAY-ID=\"{pathway}\"\n{url}\n");
    let text = [
        "#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"s.json\"\n".to_owned(),
        variant("a", "file:///C:/x/a.m3u8"),
        variant("a", "file:///D:/y/a.m3u8"),
        variant("b", "http://h/one/two/b.m3u8"),
        variant("b", "http://h/one/three/b.m3u8"),
    ];
    let pathways = parsed(&text.concat()).presentation.pathways;
    let found: Vec<(&str, Vec<&str>)> = pathways
        .iter()
        .map(|pathway| (pathway.id.as_str(), pathway.prefixes.iter().map(url::Url::as_str).collect()))
        .collect();
    assert_eq!(found, [("a", vec!["file:///C:/"]), ("b", vec!["http://h/one/"])]);
}

fn warnings(text: &str) -> Vec<String> {
    parsed(text).warnings.into_iter().map(|warning| warning.message).collect()
}

#[test]
fn periods_that_begin_within_another_are_left_out() {
    let set = |id: &str| {
        let representation = format!("<Representation id='{id}' bandwidth='1'/>");
        format!("<AdaptationSet contentType='video' mimeType='video/mp4'>{TEMPLATE}{representation}</AdaptationSet>")
    };
    for (start, wanted) in [(0, vec![0]), (5, vec![0]), (9, vec![0]), (10, vec![0, 10]), (12, vec![0, 12])] {
        // The remote period is not here, and its place does not count.
        let text = format!(
            "<MPD xmlns:xlink='http://www.w3.org/1999/xlink' mediaPresentationDuration='PT20S'>\
             <Period start='PT0S'>{}</Period><Period start='PT10S' xlink:href='http://h/none.xml'/>\
             <Period start='PT{start}S' duration='PT4S'>{}</Period></MPD>",
            set("a"),
            set("b")
        );
        let starts: Vec<i64> =
            parsed(&text).presentation.periods.iter().map(|period| period.start.as_nanos() / 1_000_000_000).collect();
        assert_eq!(starts, wanted, "{start}");
        let refused = warnings(&text).iter().any(|warning| warning.contains("begins before the one in front"));
        assert_eq!(refused, wanted.len() == 1, "{start}");
    }
}

#[test]
fn representations_of_one_name_and_roles_of_tracks_get_names_of_their_own() {
    let representations = ["a", "b", "a", "a"].map(|id| format!("<Representation id='{id}' bandwidth='1'/>")).concat();
    let set = format!("<AdaptationSet contentType='video' mimeType='video/mp4'>{TEMPLATE}{representations}");
    let all = period(&format!("{set}</AdaptationSet>")).adaptation_sets.remove(0).representations;
    let mut ids: Vec<String> = all.into_iter().map(|representation| representation.id).collect();
    ids.sort();
    assert_eq!(ids, ["a", "a-2", "a-3", "b"]);
    let role = |value: &str| {
        period(&format!(
            "<AdaptationSet contentType='audio' mimeType='audio/mp4' lang='en'>\
             <Role schemeIdUri='urn:mpeg:dash:role:2011' value='{value}'/>{TEMPLATE}\
             <Representation id='a' bandwidth='1'/></AdaptationSet>"
        ))
        .adaptation_sets
        .remove(0)
        .id
        .0
    };
    assert_eq!(role("main"), "audio-en");
    for word in ["alternate", "description", "dub", "commentary", "caption"] {
        assert_eq!(role(word), format!("audio-en-{word}"));
    }
    assert_eq!(role("forced-subtitle"), "audio-en-forced");
    assert_eq!(role("sign"), "audio-en-sign");
}

#[test]
fn sets_are_merged_that_one_names_and_a_decoder_can_go_between() {
    let ladder = |first: &str, second: &str, switch: &str| {
        let property = format!(
            "<SupplementalProperty schemeIdUri='urn:mpeg:dash:adaptation-set-switching:2016' value='{switch}'/>"
        );
        let locked = |set: &str| {
            let descriptor = "<ContentProtection schemeIdUri='urn:mpeg:dash:mp4protection:2011' value='cenc'/>";
            if set.contains("encv") { descriptor } else { "" }
        };
        let one = format!("<AdaptationSet id='1' contentType='video' {first}>{}{property}{TEMPLATE}", locked(first));
        let two = format!("<AdaptationSet id='2' contentType='video' {second}>{}{TEMPLATE}", locked(second));
        let both = format!(
            "{one}<Representation id='a' bandwidth='1'/></AdaptationSet>{two}<Representation id='b' bandwidth='2'/>\
             </AdaptationSet>"
        );
        period(&both).adaptation_sets.len()
    };
    let avc = "mimeType='video/mp4' codecs='avc1.4d401f' lang='en'";
    assert_eq!(ladder(avc, "mimeType='video/mp4' codecs='avc1.640028' lang='en'", "2"), 1, "another level");
    assert_eq!(ladder(avc, avc, "7, 2"), 1);
    let locked = format!("{avc} group='encv'");
    assert_eq!(ladder(&locked, &locked, "2"), 1, "both encrypted");
    assert_eq!((ladder(avc, &locked, "2"), ladder(&locked, avc, "2")), (2, 2), "one encrypted");
    assert_eq!(ladder(avc, avc, "7"), 2, "another is named");
    assert_eq!(ladder(avc, avc, "1"), 2, "only itself is named");
    for (other, name) in [
        ("mimeType='video/mp4' codecs='avc1.640028' lang='de'", "another language"),
        ("mimeType='video/mp2t' codecs='avc1.640028' lang='en'", "another container"),
        ("mimeType='video/mp4' codecs='hvc1.1.6.L93.90' lang='en'", "another codec"),
    ] {
        assert_eq!(ladder(avc, other, "2"), 2, "{name}");
    }
}

#[test]
fn limits_hold_for_as_many_as_they_say_and_no_more() {
    let attributes = |count: usize| {
        let all: String = (0..count).map(|number| format!(" a{number}='1'")).collect();
        let set = format!("<AdaptationSet contentType='video' mimeType='video/mp4'>{TEMPLATE}");
        let representation = "<Representation id='a' bandwidth='1'/></AdaptationSet>";
        let period = format!("<Period>{set}{representation}</Period>");
        format!("<MPD mediaPresentationDuration='PT5S'{all}>{period}</MPD>")
    };
    // The duration is an attribute, too.
    assert_eq!(parsed(&attributes(999)).presentation.periods.len(), 1);
    assert_eq!(error(&attributes(1000)).to_string(), "the number of XML attributes exceeds 1000");
    let variants = |count: usize| {
        let mut text = "#EXTM3U\n".to_owned();
        for number in 0..count {
            text.push_str(&format!("#EXT-X-STREAM-INF:BANDWIDTH={}\n{number}.m3u8\n", number + 1));
        }
        text
    };
    assert_eq!(parsed(&variants(20_000)).presentation.periods.len(), 1);
    assert_eq!(error(&variants(20_001)).to_string(), "the number of variants and renditions exceeds 20000");
}

#[test]
fn tools_see_the_version_of_a_playlist() {
    for version in [3, 7] {
        let media =
            format!("#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n");
        let described = describe(media.as_bytes(), &base(), None).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(described["version"], version);
    }
}

#[test]
fn durations_add_their_fields_in_their_order() {
    let seconds = |text: &str| {
        let inner = format!(
            "<AdaptationSet mimeType='video/mp4'>{TEMPLATE}<Representation id='a' bandwidth='1'/></AdaptationSet>"
        );
        let text = format!("<MPD mediaPresentationDuration='{text}'><Period>{inner}</Period></MPD>");
        crate::manifest::parse(text.as_bytes(), &base(), None).ok().and_then(|parsed| parsed.presentation.duration)
    };
    for (text, expected) in [
        ("PT1H2M3.5S", Some(3723.5)),
        ("P1DT1S", Some(86_401.0)),
        ("P1Y2M1W1D", Some(((365 + 60 + 7 + 1) * 86_400) as f64)),
        ("PT0,5S", Some(0.5)),
        ("P", None),
        ("PT", None),
        ("PT1D", None),
        ("P1S", None),
        ("PT1X", None),
        ("PT1", None),
    ] {
        assert_eq!(seconds(text).map(|length| length.as_secs_f64()), expected, "{text}");
    }
}

#[test]
fn tools_see_a_length_that_the_last_period_alone_gives() {
    let length = |attributes: &str, last: &str| {
        let period = |attributes: &str| {
            format!(
                "<Period {attributes}><AdaptationSet mimeType='video/mp4'>{TEMPLATE}<Representation id='a' bandwidth='1'/>\
                 </AdaptationSet></Period>"
            )
        };
        let text = format!("<MPD {attributes}>{}{}</MPD>", period("start='PT0S' duration='PT20S'"), period(last));
        let value = describe(text.as_bytes(), &base(), None).unwrap_or_else(|error| panic!("{error}"));
        value["duration_s"].as_f64()
    };
    assert_eq!(length("", "start='PT20S' duration='PT7S'"), Some(27.0));
    assert_eq!(length("mediaPresentationDuration='PT25S'", "start='PT20S' duration='PT7S'"), Some(25.0));
    assert_eq!(length("", "start='PT20S'"), None);
}

#[test]
fn a_content_type_names_what_a_set_holds() {
    for (kind, mime, expected) in [
        ("video", "application/mp4", Some(MediaKind::Video)),
        ("audio", "application/mp4", Some(MediaKind::Audio)),
        ("text", "application/mp4", Some(MediaKind::Text)),
        ("application", "audio/mp4", Some(MediaKind::Audio)),
        ("application", "video/mp4", Some(MediaKind::Video)),
        ("application", "text/vtt", Some(MediaKind::Text)),
        ("application", "application/ttml+xml", Some(MediaKind::Text)),
        ("image", "image/jpeg", None),
    ] {
        let video = "<AdaptationSet contentType='video' mimeType='video/mp4'><Representation id='v' bandwidth='1'>\
                     <BaseURL>v</BaseURL></Representation></AdaptationSet>";
        let found = period(&format!(
            "{video}<AdaptationSet contentType='{kind}' mimeType='{mime}'>{TEMPLATE}<Representation id='a' bandwidth='1'/>\
             </AdaptationSet>"
        ));
        assert_eq!(found.adaptation_sets.get(1).map(|set| set.kind), expected, "{kind} {mime}");
    }
}

#[test]
fn representations_are_limited_in_all_sets_together() {
    let set = |count: usize| {
        format!("<AdaptationSet mimeType='video/mp4'>{TEMPLATE}{}</AdaptationSet>", "<Representation/>".repeat(count))
    };
    let is_too_large = |sets: &[usize]| {
        let sets: String = sets.iter().map(|count| set(*count)).collect();
        let text = format!("<MPD mediaPresentationDuration='PT5S'><Period>{sets}</Period></MPD>");
        matches!(crate::manifest::parse(text.as_bytes(), &base(), None), Err(ManifestError::TooLarge { .. }))
    };
    assert!(is_too_large(&[19_000, 1002]) && is_too_large(&[20_001]));
    assert!(!is_too_large(&[300, 300]));
}

#[test]
fn the_text_of_a_pssh_box_has_a_limit() {
    let text = "AAAANHBzc2gBAAAAEHfv7MCyTQKs4zweUuL7SwAAAAFATpmIld5EP5PoyCKTW/8KAAAAAA==";
    let limit = 256 << 10;
    for (length, found) in [(text.len(), 1), (limit, 1), (limit + 1, 0), (limit + 100, 0)] {
        let padded = format!("{}{}{}", &text[..9], "\n".repeat(length - text.len()), &text[9..]);
        let set = first(&format!(
            "<AdaptationSet contentType='video' mimeType='video/mp4'>\
             <ContentProtection schemeIdUri='urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b'><pssh>{padded}</pssh>\
             </ContentProtection>{TEMPLATE}<Representation id='a' bandwidth='1'/></AdaptationSet>"
        ));
        let boxes: usize = set.protection.iter().map(|protection| protection.pssh.len()).sum();
        assert_eq!(boxes, found, "{length}");
    }
}

#[test]
fn as_many_addresses_are_kept_as_the_limit_says() {
    for (count, kept) in [(7, 7), (8, 8), (9, 8), (12, 8)] {
        let bases: String = (0..count).map(|number| format!("<BaseURL>http://h{number}/</BaseURL>")).collect();
        let set = first(&format!(
            "{bases}<AdaptationSet contentType='video' mimeType='video/mp4'>{TEMPLATE}<Representation id='a' bandwidth='1'/>\
             </AdaptationSet>"
        ));
        let SegmentIndex::Known(list) = &set.index else { panic!("a template is known") };
        let urls = list.get(0).map(|segment| segment.resource.urls).unwrap_or_default();
        let hosts: Vec<_> = urls.iter().filter_map(|url| url.host_str().map(str::to_owned)).collect();
        assert_eq!(hosts, (0..kept).map(|number| format!("h{number}")).collect::<Vec<_>>(), "{count}");
    }
}

#[test]
fn a_playlist_of_subtitles_is_text_and_any_other_is_video() {
    for (file, kind) in [("a.vtt", MediaKind::Text), ("a.webvtt", MediaKind::Text), ("a.ts", MediaKind::Video)] {
        let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{file}\n#EXT-X-ENDLIST\n");
        let set = parsed(&text).presentation.periods.remove(0).adaptation_sets.remove(0);
        assert_eq!(set.kind, kind, "{file}");
        let text =
            set.representations[0].content.is_some_and(|content| content.text && !content.video && !content.audio);
        assert_eq!(text, kind == MediaKind::Text, "{file}");
    }
}
