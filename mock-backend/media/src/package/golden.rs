//! The manifests of one small presentation, written out: a change of any byte shows here as a diff.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::Rate;
use super::super::looped::{Loop, LoopScene};
use super::presentation::{AudioRendition, Media, Presentation, TextRendition, VideoRendition};
use super::segment::Segment;
use super::{dash, hls};

fn media(codec: &str, timescale: u32, segments: &[(u64, u64)]) -> Media {
    let mut start = 0;
    let segment = |&(duration, bytes): &(u64, u64)| {
        start += duration;
        Segment { start: start - duration, duration, bytes }
    };
    Media { codec: codec.to_owned(), timescale, segments: segments.iter().map(segment).collect() }
}

fn presentation() -> Presentation {
    let picture = |codec, bytes| media(codec, 30_000, &[(60_060, bytes), (60_060, bytes), (30_030, bytes / 2)]);
    let rung = |name: &str, width, height, media| VideoRendition { name: name.to_owned(), width, height, media };
    Presentation {
        rate: Rate::new(30_000, 1001),
        nominal_ticks: 60_060,
        video: vec![
            rung("240p", 426, 240, picture("avc1.640015", 75_075)),
            rung("720p", 1280, 720, picture("avc1.64001f", 750_750)),
        ],
        audio: vec![AudioRendition {
            name: "en".to_owned(),
            language: "en".to_owned(),
            label: "English".to_owned(),
            media: media("mp4a.40.2", 48_000, &[(96_256, 24_064), (96_256, 24_064), (47_728, 11_932)]),
        }],
        text: vec![TextRendition {
            name: "fr".to_owned(),
            language: "fr".to_owned(),
            label: "Français".to_owned(),
            segments_ms: vec![5005],
            bytes: 1001,
        }],
    }
}

#[test]
fn multivariant_playlist() {
    let expected = r#"#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS

#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio/en/playlist.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="text",NAME="Français",LANGUAGE="fr",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI="text/fr/playlist.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=396000,AVERAGE-BANDWIDTH=396000,CODECS="avc1.640015,mp4a.40.2",RESOLUTION=426x240,FRAME-RATE=29.970,AUDIO="audio",SUBTITLES="text",CLOSED-CAPTIONS=NONE
video/240p/playlist.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=3096000,AVERAGE-BANDWIDTH=3096000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="audio",SUBTITLES="text",CLOSED-CAPTIONS=NONE
video/720p/playlist.m3u8
"#;
    assert_eq!(hls::multivariant(&presentation()).unwrap(), expected);
}

#[test]
fn media_playlists() {
    let presentation = presentation();
    let video = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
                 #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:2.002000,\nseg-00001.m4s\n\
                 #EXTINF:2.002000,\nseg-00002.m4s\n#EXTINF:1.001000,\nseg-00003.m4s\n#EXT-X-ENDLIST\n";
    assert_eq!(hls::media(&presentation.video[0].media).unwrap(), video);
    let text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
                #EXTINF:5.005000,\nseg-00001.vtt\n#EXT-X-ENDLIST\n";
    assert_eq!(hls::text(&presentation.text[0]).unwrap(), text);
}

#[test]
fn mpd_with_timelines() {
    let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" mediaPresentationDuration="PT5.005S" minBufferTime="PT2.002S" maxSegmentDuration="PT2.002S">
  <Period id="0" start="PT0S">
    <AdaptationSet id="1" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1" par="16:9" maxWidth="1280" maxHeight="720" frameRate="30000/1001">
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
      <SegmentTemplate timescale="30000" initialization="video/$RepresentationID$/init.mp4" media="video/$RepresentationID$/seg-$Number%05d$.m4s" startNumber="1">
        <SegmentTimeline>
          <S t="0" d="60060" r="1"/>
          <S d="30030"/>
        </SegmentTimeline>
      </SegmentTemplate>
      <Representation id="240p" codecs="avc1.640015" bandwidth="300000" width="426" height="240" sar="1:1"/>
      <Representation id="720p" codecs="avc1.64001f" bandwidth="3000000" width="1280" height="720" sar="1:1"/>
    </AdaptationSet>
    <AdaptationSet id="10" contentType="audio" mimeType="audio/mp4" lang="en" segmentAlignment="true" startWithSAP="1">
      <Label>English</Label>
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
      <SegmentTemplate timescale="48000" initialization="audio/en/init.mp4" media="audio/en/seg-$Number%05d$.m4s" startNumber="1">
        <SegmentTimeline>
          <S t="0" d="96256" r="1"/>
          <S d="47728"/>
        </SegmentTimeline>
      </SegmentTemplate>
      <Representation id="audio-en" codecs="mp4a.40.2" bandwidth="96000" audioSamplingRate="48000">
        <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>
      </Representation>
    </AdaptationSet>
    <AdaptationSet id="20" contentType="text" mimeType="text/vtt" lang="fr">
      <Label>Français</Label>
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="subtitle"/>
      <Representation id="text-fr" bandwidth="1600">
        <BaseURL>text/fr/full.vtt</BaseURL>
      </Representation>
    </AdaptationSet>
  </Period>
</MPD>
"#;
    assert_eq!(dash::mpd(&presentation(), dash::Addressing::Timeline).unwrap(), expected);
}

#[test]
fn mpd_with_numbers_differs_only_in_addressing() {
    let mpd = dash::mpd(&presentation(), dash::Addressing::Number).unwrap();
    let templates: Vec<_> =
        mpd.lines().filter(|l| l.contains("<SegmentTemplate")).map(|l| l.split(" startNumber").nth(1)).collect();
    assert_eq!(templates, [Some("=\"1\" duration=\"60060\"/>"), Some("=\"1\" duration=\"96096\"/>")]);
    assert!(!mpd.contains("SegmentTimeline"));
}

#[test]
fn a_label_that_a_playlist_cannot_hold_is_an_error_and_an_mpd_escapes_it() {
    let mut presentation = presentation();
    presentation.audio[0].label = "\"En\"\n<1>".to_owned();
    let error = hls::multivariant(&presentation).unwrap_err();
    assert_eq!(error.to_string(), "NAME cannot hold '\"'");
    let mpd = dash::mpd(&presentation, dash::Addressing::Timeline).unwrap();
    assert!(mpd.contains("<Label>&quot;En&quot;&#10;&lt;1&gt;</Label>"), "{mpd}");
}

#[test]
fn languages_of_equal_name_have_different_labels() {
    let mut presentation = presentation();
    let again = AudioRendition { name: "en-2".to_owned(), ..presentation.audio[0].clone() };
    presentation.audio.push(again);
    let text = hls::multivariant(&presentation).unwrap();
    assert!(text.contains("NAME=\"English 2\",LANGUAGE=\"en\",DEFAULT=NO"), "{text}");
}

#[test]
fn a_loop_is_described_in_its_whole_length() {
    let scene = |segments, times| LoopScene { segments, times };
    let looped = Loop { segment_ticks: 48_000, scenes: vec![scene(1, 1), scene(2, 3)] };
    let parts = media("avc1.64001f", 24_000, &[(48_000, 1_000), (48_000, 2_000), (48_000, 3_000)]);
    let segments = super::shown(&looped, &parts.segments).unwrap();
    let media = Media { segments, ..parts };
    let mut presentation = presentation();
    presentation.rate = Rate::new(24, 1);
    (presentation.audio, presentation.text) = (Vec::new(), Vec::new());
    presentation.video.truncate(1);
    presentation.video[0].media = media.clone();
    let mpd = dash::mpd(&presentation, dash::Addressing::Timeline).unwrap();
    assert!(mpd.contains("<S t=\"0\" d=\"48000\" r=\"6\"/>"), "{mpd}");
    assert!(mpd.contains("mediaPresentationDuration=\"PT14.000S\""), "{mpd}");
    let segments: String = (1..=7).map(|number| format!("#EXTINF:2.000000,\nseg-{number:05}.m4s\n")).collect();
    let playlist = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n{segments}#EXT-X-ENDLIST\n"
    );
    assert_eq!(hls::media(&media).unwrap(), playlist);
    // 1 + 3 × (2 + 3) thousand bytes in 14 s.
    assert_eq!(media.average_bps(), 9143);
    let other = Loop { scenes: vec![scene(2, 1)], ..looped };
    assert!(super::shown(&other, &parts_of_three()).is_err(), "a part too many");
}

fn parts_of_three() -> Vec<Segment> {
    media("avc1.64001f", 24_000, &[(48_000, 1), (48_000, 2), (48_000, 3)]).segments
}
