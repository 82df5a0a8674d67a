//! HLS playlists and the presentations they become.

use std::time::Duration;

use super::{base, dump, dump_index, error, parsed};
use crate::manifest::{ManifestError, describe, parse_index};
use crate::model::{IndexSource, PresentationKind, Resource, SegmentIndex};
use crate::time::MediaTime;

const CMAF: &str = r#"#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="lo",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="en-lo.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="lo",NAME="Deutsch",LANGUAGE="de",AUTOSELECT=YES,URI="de-lo.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="hi",NAME="English",LANGUAGE="en",DEFAULT=YES,CHANNELS="6",URI="en-hi.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="English",LANGUAGE="en",CHARACTERISTICS="public.accessibility.transcribes-spoken-dialog",URI="en.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="Forced",LANGUAGE="en",FORCED=YES,URI="forced.m3u8"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="CC",INSTREAM-ID="CC1"
#EXT-X-STREAM-INF:BANDWIDTH=3000000,CODECS="avc1.640028,mp4a.40.2",RESOLUTION=1920x1080,AUDIO="hi",SUBTITLES="subs"
1080.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=800000,AVERAGE-BANDWIDTH=700000,CODECS="avc1.4d401e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=23.976,AUDIO="lo",SUBTITLES="subs"
360.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=800000,AVERAGE-BANDWIDTH=700000,CODECS="avc1.4d401e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=23.976,AUDIO="lo",SUBTITLES="subs"
http://backup/360.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.2"
audio-only.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,URI="iframes.m3u8"
"#;

#[test]
fn a_cmaf_multivariant_playlist_becomes_sets_with_audio_groups() {
    let expected = r#"Hls None
period 0 0.000000s None
 set video video lang=- roles=[] default+auto
  v1 800000 ["avc1.4d401e"] Unknown content=v group=lo 640
   HlsMediaPlaylist http://h/dir/360.m3u8 | http://backup/360.m3u8
  v0 3000000 ["avc1.640028"] Unknown content=v group=hi 1920
   HlsMediaPlaylist http://h/dir/1080.m3u8
 set audio-en-English audio lang=en roles=[] default+auto
  a2 0 ["mp4a.40.2"] Unknown content=a group=hi 0
   HlsMediaPlaylist http://h/dir/en-hi.m3u8
  a0 0 ["mp4a.40.2"] Unknown content=a group=lo 0
   HlsMediaPlaylist http://h/dir/en-lo.m3u8
 set audio-de-Deutsch audio lang=de roles=[] auto
  a1 0 ["mp4a.40.2"] Unknown content=a group=lo 0
   HlsMediaPlaylist http://h/dir/de-lo.m3u8
 set text-en-English text lang=en roles=[Caption] 
  t3 0 [] WebVtt content=t group=- 0
   HlsMediaPlaylist http://h/dir/en.m3u8
 set text-en-Forced text lang=en roles=[ForcedSubtitle] forced
  t4 0 [] WebVtt content=t group=- 0
   HlsMediaPlaylist http://h/dir/forced.m3u8
"#;
    assert_eq!(dump(&parsed(CMAF)), expected);
}

#[test]
fn muxed_audio_only_and_untold_variants_keep_what_is_known() {
    let muxed = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Main\",DEFAULT=YES\n\
                 #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Other\",URI=\"other.m3u8\"\n\
                 #EXT-X-STREAM-INF:BANDWIDTH=5,CODECS=\"avc1.4d401e,mp4a.40.2\",AUDIO=\"a\"\nv.m3u8\n\
                 #EXT-X-STREAM-INF:BANDWIDTH=6,CODECS=\"xyz1,mp4a.40.2\",AUDIO=\"gone\"\nw.m3u8\n";
    let expected = r#"Hls None
period 0 0.000000s None
 set video video lang=- roles=[] default+auto
  v0 5 ["avc1.4d401e", "mp4a.40.2"] Unknown content=va group=a 0
   HlsMediaPlaylist http://h/dir/v.m3u8
  v1 6 ["xyz1", "mp4a.40.2"] Unknown content=? group=- 0
   HlsMediaPlaylist http://h/dir/w.m3u8
 set audio-und-Other audio lang=- roles=[] 
  a1 0 ["mp4a.40.2"] Unknown content=a group=a 0
   HlsMediaPlaylist http://h/dir/other.m3u8
warning 6: the audio group gone is not defined
"#;
    assert_eq!(dump(&parsed(muxed)), expected);
    let radio = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"mp4a.40.2\"\nb.m3u8\n\
                 #EXT-X-STREAM-INF:BANDWIDTH=4,CODECS=\"mp4a.40.5\"\na.m3u8\n";
    let radio = parsed(radio);
    let set = &radio.presentation.periods[0].adaptation_sets[0];
    assert_eq!((set.kind.as_str(), set.representations.len(), set.representations[0].bandwidth), ("audio", 2, 4));
}

const MEDIA: &str = r#"#EXTM3U
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-START:TIME-OFFSET=-6
#EXT-X-MAP:URI="a.mp4",BYTERANGE="800@0"
#EXT-X-PROGRAM-DATE-TIME:2024-01-01T00:00:10+0000
#EXTINF:4,one, two
#EXT-X-BYTERANGE:1000@800
a.mp4
#EXTINF:4,
#EXT-X-BYTERANGE:500
a.mp4
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="b.mp4"
#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k",KEYFORMAT="identity"
#EXT-X-GAP
#EXTINF:2.0000000005
b1.m4s
#EXT-X-KEY:METHOD=NONE
#EXTINF:bad,
http://[bad/x.m4s
#EXT-X-ENDLIST
"#;

#[test]
fn a_media_playlist_keeps_ranges_maps_discontinuities_keys_and_gaps() {
    let media = parsed(MEDIA);
    let expected = r#"Hls Some(10s)
period 0 0.000000s Some(10s)
 set main video lang=- roles=[] default+auto
  0 0 [] Unknown content=? group=- 0
   protected SAMPLE-AES []
   init http://h/dir/a.mp4 @0+800
   0 0.000000s+4s Discontinuity(0) http://h/dir/a.mp4 @800+1000
   1 4.000000s+4s Discontinuity(0) http://h/dir/a.mp4 @1800+500
   2 8.000000s+2s Discontinuity(1) http://h/dir/b1.m4s gap SampleCbc AES
   3 10.000000s+0ns Discontinuity(1) http://h/dir/main?token=x gap
warning 21: EXTINF bad is no duration
warning 0: the address of segment 10 cannot be used: it becomes a gap
"#;
    assert_eq!(dump(&media), expected);
    assert_eq!(media.presentation.start, Some(MediaTime::from_millis(4000)));
    let epoch = media.presentation.epoch.map(|epoch| epoch.as_unix_nanos());
    assert_eq!(epoch, Some(1_704_067_210_000_000_000));
    let SegmentIndex::Known(list) = &media.presentation.periods[0].adaptation_sets[0].representations[0].index else {
        panic!("the list is known");
    };
    let init = list.get(2).and_then(|segment| segment.init).map(|init| init.urls[0].to_string());
    assert_eq!(init.as_deref(), Some("http://h/dir/b.mp4"));
}

#[test]
fn the_same_playlist_as_an_index_begins_where_its_period_does_and_imports_variables() {
    let source = IndexSource {
        period_start: MediaTime::from_millis(500),
        variables: vec![("cdn".to_owned(), "http://edge".to_owned())],
        ..IndexSource::playlist(Resource::new(base()))
    };
    let text = "\u{FEFF}#EXTM3U\r\n#EXT-X-DEFINE:IMPORT=\"cdn\"\r\n#EXT-X-TARGETDURATION:2\r\n#EXTINF:2,\r\n\
                {$cdn}/0.vtt\r\n#EXTINF:1.5,\r\n1.vtt\r\n#EXT-X-ENDLIST";
    let index = parse_index(text.as_bytes(), &source, &base()).unwrap_or_else(|error| panic!("{error}"));
    let expected = "   0 0.500000s+2s Discontinuity(0) http://edge/0.vtt\n\
                    \x20  1 2.500000s+1.5s Discontinuity(0) http://h/dir/1.vtt\n\
                    warning 1: begins with a byte order mark\n";
    assert_eq!(dump_index(&index), expected);
    let multivariant = parse_index(CMAF.as_bytes(), &source, &base());
    assert!(matches!(multivariant, Err(ManifestError::Malformed { .. })), "{multivariant:?}");
}

#[test]
fn what_cannot_be_played_is_one_typed_error() {
    assert!(matches!(error("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-ENDLIST\n"), ManifestError::Empty { .. }));
    assert!(matches!(error("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n"), ManifestError::Empty { .. }));
    assert!(matches!(error("<!DOCTYPE html><html></html>"), ManifestError::NotAManifest { .. }));
    assert!(matches!(error(""), ManifestError::NotAManifest { .. }));
}

#[test]
fn a_playlist_that_stops_in_the_middle_is_live_and_not_shorter() {
    let cut = &MEDIA[..MEDIA.find("#EXT-X-DISCONTINUITY\n").unwrap_or(0)];
    let presentation = parsed(cut).presentation;
    assert_eq!((presentation.kind, presentation.duration), (PresentationKind::Live, None));
    let SegmentIndex::Known(list) = &presentation.periods[0].adaptation_sets[0].representations[0].index else {
        panic!("the segments are listed");
    };
    assert!(!list.is_empty());
    let growth = presentation.live.and_then(|live| live.playlist).expect("it says how it grows");
    assert_eq!(growth.target_duration, Duration::from_secs(4));
}

#[test]
fn tools_see_live_playlists_with_low_latency_tags() {
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:10\n#EXT-X-PART-INF:PART-TARGET=1\n\
                #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n\
                #EXT-X-BITRATE:900\n#EXTINF:4,\na.m4s\n#EXT-X-PART:DURATION=1,URI=\"p1\"\n\
                #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p2\"\n#EXT-X-RENDITION-REPORT:URI=\"r\"\n\
                #EXT-X-DATERANGE:ID=\"ad\",SCTE35-OUT=0xFC";
    let value = describe(text.as_bytes(), &base(), None).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(value["live"], true);
    assert_eq!(value["segments"][0]["sequence"], 13);
    assert_eq!(value["segments"][0]["bitrate_kbps"], 900);
    assert_eq!((&value["parts"], &value["low_latency"]["preload_hints"][0]["uri"]), (&1.into(), &"p2".into()));
    assert_eq!(value["date_ranges"][0]["attributes"]["SCTE35-OUT"], "0xFC");
    let reports = &value["low_latency"]["rendition_reports"];
    assert_eq!(*reports, serde_json::json!([{ "uri": "r", "last_msn": null, "last_part": null }]), "none is zero");
    assert_eq!(value["warnings"], serde_json::json!([]));
}
