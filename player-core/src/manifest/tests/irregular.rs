//! One irregular playlist and one irregular MPD, read whole. Everything that a presentation keeps of them is compared:
//! numbers that start late, unequal lengths, hidden and announced sizes, several keys in force, gaps, variables, and
//! addresses that count from the second location.

use std::time::Duration;

use url::Url;

use super::{dump, resource};
use crate::manifest::{Parsed, ParsedIndex, parse, parse_index};
use crate::model::{
    IndexSource, KeySource, Resource, SegmentEncryption, SegmentIndex, SegmentKey, SegmentList, SegmentRef,
};
use crate::time::MediaTime;

/// Address of the manifest after redirects, which differs from that of the request.
fn second() -> Url {
    "https://second.example:8443/moved/film/main.file?token=a%26b&x=1".parse().expect("a constant address")
}

/// A media playlist in which no two segments are alike. It imports the variable `host`.
const PLAYLIST: &str = r#"#EXTM3U
#EXT-X-VERSION:11
#EXT-X-DEFINE:NAME="folder",VALUE="m,1"
#EXT-X-DEFINE:QUERYPARAM="token"
#EXT-X-DEFINE:IMPORT="host"
#EXT-X-TARGETDURATION:7
#EXT-X-MEDIA-SEQUENCE:4294967301
#EXT-X-DISCONTINUITY-SEQUENCE:9
#EXT-X-START:TIME-OFFSET=-7.5,PRECISE=YES
#EXT-X-BITRATE:1201
#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://asset",KEYFORMAT="com.apple.streamingkeydelivery",KEYFORMATVERSIONS="1"
#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k1",IV=0x0A0b
#EXT-X-MAP:URI="{$folder}/init.mp4",BYTERANGE="718@19"
#EXT-X-DISCONTINUITY
#EXTINF:5.005,First, of two
{$folder}/s?t={$token}
#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k2",KEYID=0x404e998895de443f93e8c822935bff0a
#EXT-X-PROGRAM-DATE-TIME:2024-02-29T23:59:58.250+01:00
#EXTINF:0.2,
#EXT-X-BYTERANGE:300@1000
http://{$host}/whole.mp4
#EXTINF:6.9999999999,
#EXT-X-BYTERANGE:77
http://{$host}/whole.mp4
#EXT-X-KEY:METHOD=NONE
#EXT-X-MAP:URI="clear.mp4",BYTERANGE="44"
#EXT-X-BITRATE:64
#EXT-X-GAP
#EXTINF:1,
gap.m4s
#EXTINF:3,
/root.m4s
#EXT-X-DISCONTINUITY
#EXT-X-KEY:METHOD=AES-128,URI="../k3"
#EXTINF:2.5
../last.m4s
#EXT-X-ENDLIST
"#;

fn source(period_start: MediaTime) -> IndexSource {
    let address = "http://first.example/asked.m3u8".parse().expect("a constant address");
    let variables = vec![("host".to_owned(), "cdn.example".to_owned())];
    IndexSource { period_start, variables, ..IndexSource::playlist(Resource::new(address)) }
}

fn key(key: &SegmentKey, sequence: u64) -> String {
    let from = match &key.source {
        KeySource::Resource(resource) => resource.urls.iter().map(Url::as_str).collect::<Vec<_>>().join(" "),
        KeySource::Inline(_) => "inline".to_owned(),
        KeySource::Opaque => "-".to_owned(),
    };
    let vector = u128::from_be_bytes(key.vector(sequence));
    let id = key.key_id.map_or(String::new(), |id| format!(" id={id}"));
    format!("{:?}/{} {from} iv={vector:x}{id}", key.method, key.system.name())
}

/// Formats all properties of a segment in one line.
fn whole(index: u64, segment: &SegmentRef) -> String {
    let mut out = format!(
        "{} {}+{} {:?} {}",
        index,
        segment.start.as_nanos(),
        segment.duration.as_nanos(),
        segment.mapping,
        resource(&segment.resource)
    );
    if segment.gap {
        out.push_str(" gap");
    }
    if let Some(size) = segment.size {
        out.push_str(&format!(" size={size}"));
    }
    if let Some(date) = segment.program_date_time {
        out.push_str(&format!(" date={}", date.as_unix_nanos()));
    }
    if let Some(init) = &segment.init {
        out.push_str(&format!("\n  init {}", resource(init)));
    }
    if let Some(SegmentEncryption { media, init, sequence }) = &segment.encryption {
        out.extend(media.iter().map(|media| format!("\n  key {}", key(media, *sequence))));
        out.extend(init.iter().map(|init| format!("\n  init key {}", key(init, *sequence))));
    }
    out
}

fn all(list: &SegmentList) -> Vec<String> {
    (0..list.len()).filter_map(|at| Some(whole(at, &list.get(at)?))).collect()
}

fn read_playlist(text: &str, start: MediaTime) -> ParsedIndex {
    parse_index(text.as_bytes(), &source(start), &second()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn an_irregular_playlist_keeps_every_number_key_and_size() {
    let index = read_playlist(PLAYLIST, MediaTime::from_millis(250));
    let expected = "\
0 250000000+5005000000 Discontinuity(0) https://second.example:8443/moved/film/m,1/s?t=a&b size=751375
  init https://second.example:8443/moved/film/m,1/init.mp4 @19+718
  key SampleCbc/FairPlay - iv=100000005
  key SampleCbc/AES https://second.example:8443/moved/film/k1 iv=a0b
  init key SampleCbc/FairPlay - iv=100000005
  init key SampleCbc/AES https://second.example:8443/moved/film/k1 iv=a0b
1 5255000000+200000000 Discontinuity(0) http://cdn.example/whole.mp4 @1000+300 size=300 date=1709247598250000000
  init https://second.example:8443/moved/film/m,1/init.mp4 @19+718
  key SampleCbc/FairPlay - iv=100000006
  key SampleCbc/AES https://second.example:8443/moved/film/k2 iv=100000006 id=404e998895de443f93e8c822935bff0a
  init key SampleCbc/FairPlay - iv=100000006
  init key SampleCbc/AES https://second.example:8443/moved/film/k1 iv=a0b
2 5455000000+6999999999 Discontinuity(0) http://cdn.example/whole.mp4 @1300+77 size=77
  init https://second.example:8443/moved/film/m,1/init.mp4 @19+718
  key SampleCbc/FairPlay - iv=100000007
  key SampleCbc/AES https://second.example:8443/moved/film/k2 iv=100000007 id=404e998895de443f93e8c822935bff0a
  init key SampleCbc/FairPlay - iv=100000007
  init key SampleCbc/AES https://second.example:8443/moved/film/k1 iv=a0b
3 12454999999+1000000000 Discontinuity(0) https://second.example:8443/moved/film/gap.m4s gap size=8000
  init https://second.example:8443/moved/film/clear.mp4 @0+44
4 13454999999+3000000000 Discontinuity(0) https://second.example:8443/root.m4s size=24000
  init https://second.example:8443/moved/film/clear.mp4 @0+44
5 16454999999+2500000000 Discontinuity(1) https://second.example:8443/moved/last.m4s size=20000
  init https://second.example:8443/moved/film/clear.mp4 @0+44
  key Segment(Aes128Cbc)/AES https://second.example:8443/moved/k3 iv=10000000a";
    assert_eq!(all(&index.segments).join("\n"), expected);
    assert_eq!(index.warnings, []);
    assert_eq!(index.start, Some(MediaTime::from_nanos(250_000_000 + 18_704_999_999 - 7_500_000_000)));
    let epoch = index.epoch.map(|epoch| epoch.as_unix_nanos());
    assert_eq!(epoch, Some(1_709_247_598_250_000_000 - 5_005_000_000), "the date stands at the second segment");
}

/// Replaces exactly one place of a fixture.
fn with(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replace(from, to)
}

#[test]
fn a_range_without_an_offset_follows_the_range_before_it_only() {
    let ranges = |text: &str| -> Vec<Option<(u64, Option<u64>)>> {
        let segments = read_playlist(text, MediaTime::ZERO).segments;
        let ranges = (0..segments.len()).filter_map(|at| segments.get(at)).map(|segment| segment.resource.range);
        ranges.map(|range| range.map(|range| (range.offset, range.length))).collect()
    };
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-BYTERANGE:10\n#EXTINF:1,\na\n#EXT-X-BYTERANGE:20@5\n#EXTINF:1,\na\n\
                #EXT-X-BYTERANGE:3\n#EXTINF:1,\na\n#EXTINF:1,\nb\n#EXT-X-BYTERANGE:4\n#EXTINF:1,\na\n#EXT-X-ENDLIST\n";
    let range = |offset, length| Some((offset, Some(length)));
    assert_eq!(ranges(text), [range(0, 10), range(5, 20), range(25, 3), None, range(0, 4)]);
}

#[test]
fn tags_wait_for_their_segment_and_a_bitrate_lasts_until_the_next() {
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-GAP\n#EXT-X-BITRATE:8\nstray\n#EXTINF:1,\na\n#EXTINF:1,\nb\n\
                #EXT-X-BITRATE:none\n#EXTINF:1,\nc\n#EXT-X-ENDLIST\n";
    let index = read_playlist(text, MediaTime::ZERO);
    let found: Vec<_> = (0..3).filter_map(|at| index.segments.get(at)).map(|s| (s.gap, s.size)).collect();
    assert_eq!(found, [(true, Some(1000)), (false, Some(1000)), (false, None)]);
    let warnings: Vec<_> = index.warnings.iter().map(|warning| (warning.line, warning.message.as_str())).collect();
    assert_eq!(warnings, [(Some(5), "an address without EXTINF")]);
}

#[test]
fn the_author_begins_in_the_segment_that_holds_the_offset_unless_it_is_precise() {
    let begin = |offset: &str| {
        let text = with(PLAYLIST, "TIME-OFFSET=-7.5,PRECISE=YES", offset);
        read_playlist(&text, MediaTime::ZERO).start.map(MediaTime::as_nanos)
    };
    assert_eq!(begin("TIME-OFFSET=5.004"), Some(0));
    assert_eq!(begin("TIME-OFFSET=5.005"), Some(5_005_000_000), "the border belongs to the later segment");
    assert_eq!(begin("TIME-OFFSET=5.204999999"), Some(5_005_000_000));
    assert_eq!(begin("TIME-OFFSET=-2.5"), Some(16_204_999_999));
    assert_eq!(begin("TIME-OFFSET=-99,PRECISE=YES"), Some(0));
    assert_eq!(begin("TIME-OFFSET=99,PRECISE=YES"), Some(18_704_999_999));
    assert_eq!(begin("TIME-OFFSET=3.25,PRECISE=YES"), Some(3_250_000_000));
}

#[test]
fn odd_lines_leave_warnings_with_their_numbers() {
    let text = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:x\n#EXT-X-KEY:URI=\"k\"\n#EXT-X-MAP:BYTERANGE=\"1\"\n#EXT-X-START:PRECISE=YES\n\
                #EXT-X-BYTERANGE:x\n#EXT-X-PROGRAM-DATE-TIME:soon\n#EXTINF:-1,\na\n#EXT-X-MEDIA-SEQUENCE:4\n\
                #EXT-X-DISCONTINUITY-SEQUENCE:4\n#EXT-X-DEFINE:VALUE=\"x\"\n#EXT-X-DEFINE:NAME=\"a b\"\n\
                #EXT-X-DEFINE:NAME=\"c\",VALUE=\"1\"\n#EXT-X-DEFINE:NAME=\"c\",VALUE=\"2\"\n#EXTINF:1,\n{$c}\n#EXT-X-ENDLIST\n";
    let index = read_playlist(text, MediaTime::ZERO);
    let warnings: Vec<_> =
        index.warnings.iter().map(|warning| format!("{} {}", warning.line.unwrap_or(0), warning.message)).collect();
    assert_eq!(
        warnings,
        [
            "2 x is no sequence number",
            "3 EXT-X-KEY without METHOD",
            "4 EXT-X-MAP without URI",
            "5 EXT-X-START without TIME-OFFSET",
            "6 EXT-X-BYTERANGE cannot be read",
            "7 soon is no date",
            "8 EXTINF -1 is no duration",
            "10 a sequence number after the first segment",
            "11 a sequence number after the first segment",
            "12 EXT-X-DEFINE without NAME, IMPORT or QUERYPARAM",
            "13 EXT-X-DEFINE with a name that is not one",
            "15 the variable c is defined twice",
            "0 EXT-X-TARGETDURATION is missing",
        ]
    );
    let last = index.segments.get(1).map(|segment| segment.resource.urls[0].to_string());
    assert_eq!(last.as_deref(), Some("https://second.example:8443/moved/film/2"), "the later definition counts");
}

#[test]
fn a_key_replaces_that_of_its_format_and_fifteen_formats_are_kept() {
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n".to_owned();
    for format in 0..20 {
        text.push_str(&format!("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"u\",KEYFORMAT=\"f{format}\"\n"));
    }
    text.push_str(
        "#EXTINF:1,\na\n#EXT-X-KEY:METHOD=AES-128,URI=\"v\",KEYFORMAT=\"f3\"\n#EXTINF:1,\nb\n#EXT-X-ENDLIST\n",
    );
    let index = read_playlist(&text, MediaTime::ZERO);
    let systems = |at: u64| -> Vec<String> {
        let encryption = index.segments.get(at).and_then(|segment| segment.encryption).expect("it is encrypted");
        encryption.media.iter().map(|key| key.system.name().to_owned()).collect()
    };
    assert_eq!((systems(0).len(), systems(0)[0].as_str(), systems(0)[15].as_str()), (16, "f0", "f19"));
    let second = systems(1);
    assert_eq!((second.iter().filter(|name| *name == "f3").count(), second[15].as_str()), (1, "f3"));
}

/// An MPD whose periods, numbers and indexes are all displaced.
const MPD: &str = r#"<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">
 <BaseURL serviceLocation="one" dvb:priority="2" dvb:weight="3">https://one.example/</BaseURL>
 <BaseURL serviceLocation="two">two/</BaseURL>
 <Period id="late" start="PT4.5S" duration="PT7S">
  <AdaptationSet id="1" mimeType="video/mp4" codecs="avc1.64001f" startWithSAP="1">
   <SegmentTemplate timescale="90000" presentationTimeOffset="9223372036854" startNumber="4294967290" media="v/$Bandwidth%07d$/$Number%09d$-$Time$.m4s" initialization="v/$RepresentationID$.mp4">
    <SegmentTimeline><S t="9223371946854" d="90000"/><S d="270000" r="1"/><S t="9223372621854" d="40000" r="-1"/></SegmentTimeline>
   </SegmentTemplate>
   <Representation id="a$b" bandwidth="700" width="640" height="360" frameRate="30000/1001" qualityRanking="2"/>
  </AdaptationSet>
  <AdaptationSet id="2" mimeType="audio/mp4" lang="eng" codecs="mp4a.40.2">
   <SegmentTemplate timescale="48000" duration="96000" presentationTimeOffset="96000" endNumber="9" startNumber="7" media="a/$Number$.m4s"/>
   <Representation id="a" bandwidth="64" audioSamplingRate="24000 48000"/>
  </AdaptationSet>
 </Period>
 <Period duration="PT2.5S">
  <AdaptationSet mimeType="video/mp4" codecs="avc1.64001f">
   <Representation id="a$b" bandwidth="700">
    <SegmentList timescale="1000" presentationTimeOffset="500"><Initialization sourceURL="i.mp4" range="10-19"/>
     <SegmentTimeline><S t="500" d="1500"/><S t="2100" d="900" r="1"/></SegmentTimeline>
     <SegmentURL media="x" mediaRange="5-"/><SegmentURL mediaRange="100-149"/><SegmentURL media="z"/><SegmentURL media="w"/></SegmentList>
   </Representation>
  </AdaptationSet>
 </Period>
</MPD>"#;

fn read_manifest(text: &str) -> Parsed {
    parse(text.as_bytes(), &second(), None).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn an_irregular_mpd_keeps_every_number_and_time() {
    let parsed = read_manifest(MPD);
    let mut out = Vec::new();
    for period in &parsed.presentation.periods {
        for set in &period.adaptation_sets {
            for representation in &set.representations {
                out.push(format!("{} {} {}", period.id, set.id.0, representation.id));
                let SegmentIndex::Known(list) = &representation.index else { panic!("{representation:?}") };
                out.extend(all(list));
            }
        }
    }
    let expected = "\
late video a$b
0 4500000000+3000000000 Offset(-102481907020600000) https://second.example:8443/moved/film/two/v/0000700/4294967291-9223372036854.m4s | https://one.example/v/0000700/4294967291-9223372036854.m4s
  init https://second.example:8443/moved/film/two/v/a$b.mp4 | https://one.example/v/a$b.mp4
1 7500000000+3000000000 Offset(-102481907020600000) https://second.example:8443/moved/film/two/v/0000700/4294967292-9223372306854.m4s | https://one.example/v/0000700/4294967292-9223372306854.m4s
  init https://second.example:8443/moved/film/two/v/a$b.mp4 | https://one.example/v/a$b.mp4
2 11000000000+444444444 Offset(-102481907020600000) https://second.example:8443/moved/film/two/v/0000700/4294967293-9223372621854.m4s | https://one.example/v/0000700/4294967293-9223372621854.m4s
  init https://second.example:8443/moved/film/two/v/a$b.mp4 | https://one.example/v/a$b.mp4
3 11444444444+55555556 Offset(-102481907020600000) https://second.example:8443/moved/film/two/v/0000700/4294967294-9223372661854.m4s | https://one.example/v/0000700/4294967294-9223372661854.m4s
  init https://second.example:8443/moved/film/two/v/a$b.mp4 | https://one.example/v/a$b.mp4
late audio-en a
0 4500000000+2000000000 Offset(2500000000) https://second.example:8443/moved/film/two/a/7.m4s | https://one.example/a/7.m4s
1 6500000000+2000000000 Offset(2500000000) https://second.example:8443/moved/film/two/a/8.m4s | https://one.example/a/8.m4s
2 8500000000+2000000000 Offset(2500000000) https://second.example:8443/moved/film/two/a/9.m4s | https://one.example/a/9.m4s
period-1 video a$b
0 11500000000+1500000000 Offset(11000000000) https://second.example:8443/moved/film/two/x | https://one.example/x @5+
  init https://second.example:8443/moved/film/two/i.mp4 | https://one.example/i.mp4 @10+10
1 13100000000+900000000 Offset(11000000000) https://second.example:8443/moved/film/two/ | https://one.example/ @100+50 size=50
  init https://second.example:8443/moved/film/two/i.mp4 | https://one.example/i.mp4 @10+10";
    assert_eq!(out.join("\n"), expected, "{}", dump(&parsed));
    assert_eq!(parsed.presentation.duration, Some(Duration::from_millis(14_000)));
    assert_eq!(parsed.presentation.start, Some(MediaTime::from_millis(4500)));
    assert_eq!(parsed.warnings, []);
    let pathways = &parsed.presentation.pathways;
    let names: Vec<_> = pathways.iter().map(|pathway| (pathway.id.as_str(), pathway.prefixes[0].as_str())).collect();
    assert_eq!(names, [("two", "https://second.example:8443/moved/film/two/"), ("one", "https://one.example/")]);
    let weights: Vec<_> = parsed.presentation.weights.iter().map(|weight| (weight.priority, weight.weight)).collect();
    assert_eq!(weights, [(1, 1), (2, 3)]);
    let video = &parsed.presentation.periods[0].adaptation_sets[0].representations[0];
    assert_eq!((video.width, video.height, video.traits.score), (Some(640), Some(360), Some(-2.0)));
    let rate = video.frame_rate.map(|rate| (rate.numerator, rate.denominator));
    assert_eq!(rate, Some((30_000, 1001)));
    let audio = &parsed.presentation.periods[0].adaptation_sets[1].representations[0];
    assert_eq!(audio.sample_rate, Some(48_000), "the highest of a range");
}

/// A multivariant playlist with every attribute, groups of unequal size and several session keys.
const MULTIVARIANT: &str = r#"#EXTM3U
#EXT-X-VERSION:11
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-DEFINE:NAME="dir",VALUE="v"
#EXT-X-DEFINE:QUERYPARAM="token"
#EXT-X-START:TIME-OFFSET=2.25,PRECISE=YES
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://a",KEYFORMAT="com.apple.streamingkeydelivery"
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES-CTR,URI="data:text/plain;base64,AAAANHBzc2gBAAAAEHfv7MCyTQKs4zweUuL7SwAAAAFATpmIld5EP5PoyCKTW/8KAAAAAA==",KEYFORMAT="urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b"
#EXT-X-SESSION-KEY:METHOD=NONE
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://a",KEYFORMAT="com.apple.streamingkeydelivery"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="st",NAME="One",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="a/st-en.m3u8?t={$token}"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="st",NAME="Two",LANGUAGE="en",CHARACTERISTICS="public.accessibility.describes-video,x.y",CHANNELS="1",SAMPLE-RATE=44100,URI="a/st-ad.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="su",NAME="One",LANGUAGE="en",CHANNELS="6/JOC",BIT-DEPTH=24,URI="a/su-en.m3u8",STABLE-RENDITION-ID="su1"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s1",NAME="Text",LANGUAGE="fr",ASSOC-LANGUAGE="fr-CA",AUTOSELECT=YES,URI="t/1.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s2",NAME="Text",LANGUAGE="fr",URI="t/2.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s2",NAME="Text",LANGUAGE="fr",FORCED=YES,URI="t/3.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=9000,AVERAGE-BANDWIDTH=8000,CODECS="avc1.640028,mp4a.40.2",RESOLUTION=1920x1080,FRAME-RATE=59.94,HDCP-LEVEL=TYPE-1,AUDIO="st",SUBTITLES="s1",SCORE=3.5,ALLOWED-CPC="x:AES",STABLE-VARIANT-ID="hi"
{$dir}/1.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=9500,AVERAGE-BANDWIDTH=8000,CODECS="avc1.640028,ec-3",RESOLUTION=1920x1080,FRAME-RATE=59.94,HDCP-LEVEL=TYPE-9,AUDIO="su",SUBTITLES="s2",SCORE=3.5
{$dir}/1.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1000,CODECS="avc1.4d401e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=25.000,AUDIO="st",SUBTITLES="s1",SCORE=1
//cdn.example/2.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1000,CODECS="avc1.4d401e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=25.000,AUDIO="st",SUBTITLES="s1",SCORE=1
/2.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=50,CODECS="avc1.4d401e",RESOLUTION=640x360,URI="{$dir}/i.m3u8"
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=5,URI="ignored.m3u8"
"#;

#[test]
fn an_irregular_multivariant_playlist_keeps_every_attribute() {
    let parsed = read_manifest(MULTIVARIANT);
    let period = &parsed.presentation.periods[0];
    let mut out = Vec::new();
    for set in period.adaptation_sets.iter().chain(&period.trick_sets) {
        out.push(format!(
            "{} {:?} {:?} {:?} {} {} {}",
            set.id.0, set.language, set.label, set.roles, set.default, set.autoselect, set.forced
        ));
        for rep in &set.representations {
            let SegmentIndex::External(index) = &rep.index else { panic!("{rep:?}") };
            let rate = rep.frame_rate.map(|rate| (rate.numerator, rate.denominator));
            out.push(format!(
                " {} {} {:?} {:?} {:?}x{:?} {rate:?} {:?}ch {:?}Hz {:?} keys={} {}",
                rep.id,
                rep.bandwidth,
                rep.average_bandwidth,
                rep.codecs,
                rep.width,
                rep.height,
                rep.channels,
                rep.sample_rate,
                rep.audio_group,
                rep.protection.len(),
                resource(&index.resource)
            ));
            let traits = &rep.traits;
            out.push(format!(
                "  {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
                traits.score,
                traits.hdcp_level,
                traits.allowed_cpc,
                traits.stable_id,
                traits.associated_language,
                traits.bit_depth,
                traits.same_media
            ));
        }
    }
    let expected = r#"video None None [] true true false
 v2 1000 None ["avc1.4d401e"] Some(640)xSome(360) Some((25, 1)) Nonech NoneHz Some("st") keys=2 https://cdn.example/2.m3u8 | https://second.example:8443/2.m3u8
  Some(1.0) None None None None None None
 v0 9000 Some(8000) ["avc1.640028"] Some(1920)xSome(1080) Some((60000, 1001)) Nonech NoneHz Some("st") keys=2 https://second.example:8443/moved/film/v/1.m3u8
  Some(3.5) Some("TYPE-1") Some("x:AES") Some("hi") None None None
video-avc-eac3 None None [] true true false
 v1 9500 Some(8000) ["avc1.640028"] Some(1920)xSome(1080) Some((60000, 1001)) Nonech NoneHz Some("su") keys=2 https://second.example:8443/moved/film/v/1.m3u8
  Some(3.5) Some("TYPE-9") None None None None None
audio-en-One Some("en") Some("One") [] true true false
 a0 0 None ["mp4a.40.2"] NonexNone None Some(2)ch NoneHz Some("st") keys=2 https://second.example:8443/moved/film/a/st-en.m3u8?t=a&b
  None None None None None None None
 a2 0 None ["ec-3"] NonexNone None Some(6)ch NoneHz Some("su") keys=2 https://second.example:8443/moved/film/a/su-en.m3u8
  None None None Some("su1") None Some(24) None
audio-en-Two Some("en") Some("Two") [Description, Other("x.y")] false false false
 a1 0 None ["mp4a.40.2"] NonexNone None Some(1)ch Some(44100)Hz Some("st") keys=2 https://second.example:8443/moved/film/a/st-ad.m3u8
  None None None None None None None
text-fr-Text Some("fr") Some("Text") [] false true false
 t3 0 None [] NonexNone None Nonech NoneHz None keys=0 https://second.example:8443/moved/film/t/1.m3u8 | https://second.example:8443/moved/film/t/2.m3u8
  None None None None Some("fr-CA") None None
text-fr-Text-2 Some("fr") Some("Text") [ForcedSubtitle] false false true
 t5 0 None [] NonexNone None Nonech NoneHz None keys=0 https://second.example:8443/moved/film/t/3.m3u8
  None None None None None None None
iframes None None [] true true false
 i0 50 None ["avc1.4d401e"] Some(640)xSome(360) None Nonech NoneHz None keys=2 https://second.example:8443/moved/film/v/i.m3u8
  None None None None None None None"#;
    assert_eq!(out.join("\n"), expected);
    assert_eq!(parsed.presentation.start, Some(MediaTime::from_millis(2250)));
    let warnings: Vec<_> = parsed.warnings.iter().map(|warning| (warning.line, warning.message.as_str())).collect();
    assert_eq!(warnings, [(Some(19), "there is no HDCP level TYPE-9: the variant counts as one of the highest")]);
}

#[test]
fn a_key_that_tag_and_box_both_name_is_announced_once() {
    let text = |key_id: &str| {
        format!(
            "#EXTM3U\n#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES-CTR,KEYFORMAT=\"urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b\"{key_id},\
             URI=\"data:text/plain;base64,AAAANHBzc2gBAAAAEHfv7MCyTQKs4zweUuL7SwAAAAFATpmIld5EP5PoyCKTW/8KAAAAAA==\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n"
        )
    };
    let announced = |key_id: &str| -> (Vec<String>, Option<[u8; 4]>, usize) {
        let parsed = read_manifest(&text(key_id));
        let protection = &parsed.presentation.periods[0].adaptation_sets[0].representations[0].protection[0];
        let ids = protection.key_ids.iter().map(ToString::to_string).collect();
        (ids, protection.scheme, protection.pssh.len())
    };
    let one = "404e998895de443f93e8c822935bff0a".to_owned();
    let other = "00000000000000000000000000000001".to_owned();
    assert_eq!(announced(""), (vec![one.clone()], Some(*b"cenc"), 1));
    assert_eq!(announced(",KEYID=0x404E998895DE443F93E8C822935BFF0A"), (vec![one.clone()], Some(*b"cenc"), 1));
    assert_eq!(announced(",KEYID=0x00000000000000000000000000000001"), (vec![other, one], Some(*b"cenc"), 1));
}

#[test]
fn segments_without_bytes_are_gaps() {
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI=\"m\",BYTERANGE=\"0@0\"\n#EXT-X-BYTERANGE:5@0\n#EXTINF:1,\na\n\
                #EXT-X-BYTERANGE:0\n#EXTINF:1,\na\n#EXT-X-BYTERANGE:3\n#EXTINF:1,\na\n\
                #EXT-X-GAP\n#EXT-X-BYTERANGE:0\n#EXTINF:1,\na\n#EXT-X-ENDLIST\n";
    let index = read_playlist(text, MediaTime::ZERO);
    let found: Vec<_> = (0..4).filter_map(|at| index.segments.get(at)).map(|s| (s.gap, s.init.is_some())).collect();
    assert_eq!(found, [(false, false), (true, false), (false, false), (true, false)]);
    let third = index.segments.get(2).and_then(|segment| segment.resource.range);
    assert_eq!(third.map(|range| (range.offset, range.length)), Some((5, Some(3))), "it goes on where that stands");
    let warnings: Vec<_> = index.warnings.iter().map(|warning| (warning.line, warning.message.as_str())).collect();
    assert_eq!(
        warnings,
        [(Some(3), "EXT-X-MAP has no bytes"), (None, "segment 1 has no bytes: it becomes a gap")],
        "an announced gap needs no warning"
    );

    let mpd = r#"<MPD mediaPresentationDuration="PT4S"><Period><AdaptationSet mimeType="video/mp4">
 <Representation id="v" bandwidth="7"><SegmentList duration="1"><SegmentURL mediaRange="0-9"/><SegmentURL mediaRange="10-9"/>
 <SegmentURL mediaRange="bytes"/><SegmentURL mediaRange="10-10"/></SegmentList></Representation></AdaptationSet></Period></MPD>"#;
    let parsed = read_manifest(mpd);
    let index = &parsed.presentation.periods[0].adaptation_sets[0].representations[0].index;
    let SegmentIndex::Known(list) = index else { panic!("{index:?}") };
    let gaps: Vec<_> = (0..4).filter_map(|at| list.get(at)).map(|segment| segment.gap).collect();
    assert_eq!(gaps, [false, true, true, false]);
    let warnings: Vec<_> = parsed.warnings.iter().map(|warning| (warning.line, warning.message.as_str())).collect();
    assert_eq!(
        warnings,
        [
            (Some(2), "10-9 is no range of bytes: the segment becomes a gap"),
            (Some(3), "bytes is no range of bytes: the segment becomes a gap")
        ]
    );
}
