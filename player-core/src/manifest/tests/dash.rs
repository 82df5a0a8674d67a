//! MPDs and the presentations they become.

use super::{dump, error, parsed};
use crate::manifest::{ManifestError, describe};
use crate::model::SegmentIndex;
use crate::time::WallClock;

#[test]
fn numbers_and_timelines_with_inheritance_and_several_bases() {
    let mpd = r#"<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT10S">
 <BaseURL>http://a/x/</BaseURL><BaseURL>http://b/</BaseURL>
 <Period id="p">
  <SegmentTemplate timescale="1000" startNumber="5"/>
  <AdaptationSet mimeType="video/mp4" codecs="avc1.64001f" frameRate="25" width="1280">
   <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
   <SegmentTemplate duration="4000" media="$RepresentationID$/$Number%04d$.m4s" initialization="$RepresentationID$/i.mp4"/>
   <Representation id="hi" bandwidth="2000"><BaseURL>hd/</BaseURL></Representation>
   <Representation id="lo" bandwidth="1000" width="640"/>
  </AdaptationSet>
  <AdaptationSet contentType="audio" lang="de" mimeType="audio/mp4" codecs="mp4a.40.2" audioSamplingRate="48000">
   <ContentProtection schemeIdUri="urn:mpeg:dash:mp4protection:2011" value="cenc" cenc:default_KID="404E9988-95de-443f-93e8-c822935bff0a"/>
   <SegmentTemplate timescale="48000" media="a/$Time$.m4s" presentationTimeOffset="96000">
    <SegmentTimeline><S t="96000" d="96000" r="-1"/></SegmentTimeline>
   </SegmentTemplate>
   <Representation id="de" bandwidth="96"><AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/></Representation>
  </AdaptationSet>
  <AdaptationSet mimeType="text/vtt" lang="de"><Representation id="sub" bandwidth="1"><BaseURL>sub.vtt</BaseURL></Representation></AdaptationSet>
 </Period>
</MPD>"#;
    let expected = r#"Dash Some(10s)
period p 0.000000s Some(10s)
 set video video lang=- roles=[Main] default+auto
  lo 1000 ["avc1.64001f"] Fmp4 content=v group=- 640
   init http://a/x/lo/i.mp4 | http://b/lo/i.mp4
   0 0.000000s+4s Offset(0) http://a/x/lo/0005.m4s | http://b/lo/0005.m4s
   1 4.000000s+4s Offset(0) http://a/x/lo/0006.m4s | http://b/lo/0006.m4s
   2 8.000000s+2s Offset(0) http://a/x/lo/0007.m4s | http://b/lo/0007.m4s
  hi 2000 ["avc1.64001f"] Fmp4 content=v group=- 1280
   init http://a/x/hd/hi/i.mp4 | http://b/hd/hi/i.mp4
   0 0.000000s+4s Offset(0) http://a/x/hd/hi/0005.m4s | http://b/hd/hi/0005.m4s
   1 4.000000s+4s Offset(0) http://a/x/hd/hi/0006.m4s | http://b/hd/hi/0006.m4s
   2 8.000000s+2s Offset(0) http://a/x/hd/hi/0007.m4s | http://b/hd/hi/0007.m4s
 set audio-de audio lang=de roles=[] default+auto
  de 96 ["mp4a.40.2"] Fmp4 content=a group=- 0
   protected urn:mpeg:dash:mp4protection:2011 [404e998895de443f93e8c822935bff0a]
   0 0.000000s+2s Offset(-2000000000) http://a/x/a/96000.m4s | http://b/a/96000.m4s
   1 2.000000s+2s Offset(-2000000000) http://a/x/a/192000.m4s | http://b/a/192000.m4s
   2 4.000000s+2s Offset(-2000000000) http://a/x/a/288000.m4s | http://b/a/288000.m4s
   3 6.000000s+2s Offset(-2000000000) http://a/x/a/384000.m4s | http://b/a/384000.m4s
   4 8.000000s+2s Offset(-2000000000) http://a/x/a/480000.m4s | http://b/a/480000.m4s
 set text-de text lang=de roles=[] 
  sub 1 [] WebVtt content=t group=- 0
   0 0.000000s+10s Offset(0) http://a/x/sub.vtt | http://b/sub.vtt
"#;
    let parsed = parsed(mpd);
    assert_eq!(dump(&parsed), expected);
    let audio = &parsed.presentation.periods[0].adaptation_sets[1].representations[0];
    assert_eq!((audio.channels, audio.sample_rate), (Some(2), Some(48_000)));
}

#[test]
fn periods_follow_each_other_and_lists_and_indexes_are_found() {
    let mpd = r#"<MPD mediaPresentationDuration="PT30S">
 <Period duration="PT10S"><AdaptationSet contentType="video" mimeType="video/mp4">
  <Representation id="v" bandwidth="5"><SegmentList timescale="10" duration="40"><Initialization sourceURL="i.mp4" range="0-99"/>
   <SegmentURL media="1.m4s"/><SegmentURL mediaRange="100-199"/><SegmentURL media="3.m4s"/><SegmentURL media="4.m4s"/></SegmentList></Representation>
 </AdaptationSet></Period>
 <Period id="b"><AdaptationSet contentType="video" mimeType="video/mp4">
  <Representation id="v" bandwidth="5"><BaseURL>v.mp4</BaseURL><SegmentBase indexRange="800-899" timescale="90000" presentationTimeOffset="90000"><Initialization range="0-799"/></SegmentBase></Representation>
 </AdaptationSet></Period>
 <Period id="b" start="PT20S"><AdaptationSet contentType="video" mimeType="video/mp4">
  <SegmentTemplate media="$Number$.m4s" timescale="1" endNumber="3" presentationTimeOffset="7"><SegmentTimeline><S t="3" d="2" r="9"/></SegmentTimeline></SegmentTemplate>
  <Representation id="v" bandwidth="5"/>
 </AdaptationSet></Period>
</MPD>"#;
    let expected = r#"Dash Some(30s)
period period-0 0.000000s Some(10s)
 set video video lang=- roles=[] default+auto
  v 5 [] Fmp4 content=v group=- 0
   init http://h/dir/i.mp4 @0+100
   0 0.000000s+4s Offset(0) http://h/dir/1.m4s
   1 4.000000s+4s Offset(0) http://h/dir/main?token=x @100+100
   2 8.000000s+2s Offset(0) http://h/dir/3.m4s
period b 10.000000s Some(10s)
 set video video lang=- roles=[] default+auto
  v 5 [] Fmp4 content=v group=- 0
   Sidx http://h/dir/v.mp4 @800+100
period period-2 20.000000s Some(10s)
 set video video lang=- roles=[] default+auto
  v 5 [] Fmp4 content=v group=- 0
   0 20.000000s+2s Offset(13000000000) http://h/dir/3.m4s
"#;
    assert_eq!(dump(&parsed(mpd)), expected);
}

#[test]
fn a_list_without_durations_has_one_segment() {
    let of = |urls: &str| {
        let mpd = format!(
            "<MPD mediaPresentationDuration='PT30S'><Period><AdaptationSet mimeType='video/mp4'>\
             <Representation id='v' bandwidth='5'><SegmentList>{urls}</SegmentList></Representation>\
             </AdaptationSet></Period></MPD>"
        );
        let parsed = parsed(&mpd);
        let warnings: Vec<String> = parsed.warnings.iter().map(|warning| warning.message.clone()).collect();
        (dump(&parsed).lines().skip(4).map(str::to_owned).collect::<Vec<_>>(), warnings)
    };
    let one = "   0 0.000000s+30s Offset(0) http://h/dir/1.m4s".to_owned();
    assert_eq!(of("<SegmentURL media='1.m4s'/>"), (vec![one.clone()], vec![]));
    let (segments, warnings) = of("<SegmentURL media='1.m4s'/><SegmentURL media='2.m4s'/>");
    assert_eq!((&segments[..1], warnings.len()), (&[one][..], 1), "{warnings:?}");
}

#[test]
fn a_last_segment_shorter_than_a_frame_does_not_exist_for_playback() {
    let mpd = |properties: &str, duration: &str| {
        format!(
            "<MPD mediaPresentationDuration='{duration}'><Period><AdaptationSet mimeType='video/mp4' frameRate='24'>\
             {properties}<SegmentTemplate duration='4' media='$Number$'/><Representation id='a' bandwidth='1'/>\
             </AdaptationSet></Period></MPD>"
        )
    };
    let count = |properties: &str, duration: &str| {
        let parsed = parsed(&mpd(properties, duration));
        match &parsed.presentation.periods[0].adaptation_sets[0].representations[0].index {
            SegmentIndex::Known(list) => list.len(),
            SegmentIndex::External(_) => panic!("numbers need no index"),
        }
    };
    assert_eq!(count("", "PT120.021S"), 30);
    assert_eq!(count("", "PT120.042S"), 31);
    assert_eq!(count("", "PT0.01S"), 1);
    let told = "<SupplementalProperty schemeIdUri='http://dashif.org/guidelines/last-segment-number' value='29'/>";
    assert_eq!(count(told, "PT120S"), 29);
    let described = describe(mpd("", "PT120.021S").as_bytes(), &super::base(), None).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(described["periods"][0]["adaptation_sets"][0]["representations"][0]["segment_count"], 31);
}

#[test]
fn what_cannot_be_used_is_skipped_with_a_reason_and_thumbnails_without() {
    let mpd = r#"<MPD mediaPresentationDuration="PT4S"><Period>
 <Period xlink:href="urn:mpeg:dash:resolve-to-zero:2013"/>
 <AdaptationSet contentType="video" mimeType="video/mp4"><SegmentTemplate duration="2" media="$Number$"/><Representation id="a" bandwidth="1"/></AdaptationSet>
 <AdaptationSet contentType="video" mimeType="video/mp4"><EssentialProperty schemeIdUri="http://dashif.org/guidelines/trickmode" value="1"/><SegmentTemplate duration="2" media="$Number$"/><Representation id="t" bandwidth="1"/></AdaptationSet>
 <AdaptationSet mimeType="image/jpeg"><SegmentTemplate duration="2" media="$Number$"/><Representation id="i" bandwidth="1"/></AdaptationSet>
 <AdaptationSet contentType="video" mimeType="video/mp4">
<EssentialProperty schemeIdUri="urn:example:new"/><SegmentTemplate duration="2" media="$Number$"/><Representation id="n" bandwidth="1"/></AdaptationSet>
 <AdaptationSet contentType="audio" mimeType="audio/mp4"><Representation id="x" bandwidth="1">
<SegmentTemplate media="$Number$"><SegmentTimeline/></SegmentTemplate></Representation></AdaptationSet>
</Period></MPD>"#;
    let parsed = parsed(mpd);
    assert_eq!(parsed.presentation.periods[0].adaptation_sets.len(), 1);
    let warnings: Vec<_> = parsed.warnings.iter().map(|w| (w.line.unwrap_or(0), w.message.as_str())).collect();
    assert_eq!(
        warnings,
        [
            (7, "AdaptationSet skipped: it demands the property urn:example:new, which is not supported"),
            (8, "Representation skipped: it has no segments"),
        ]
    );
}

#[test]
fn live_remote_empty_and_broken_manifests_are_typed_errors() {
    let live = error("<MPD type='dynamic' availabilityStartTime='2020-01-01T00:00:00Z'><Period/></MPD>");
    assert!(matches!(live, ManifestError::Empty { .. }), "{live:?}");
    let remote = error("<MPD><Period xlink:href='http://h/p.xml' xlink:actuate='onLoad'/></MPD>");
    assert!(matches!(remote, ManifestError::Empty { .. }), "{remote:?}");
    assert!(matches!(error("<MPD/>"), ManifestError::Empty { .. }));
    let cut = error("<MPD>\n<Period>\n<AdaptationSet");
    assert!(matches!(cut, ManifestError::Malformed { line: Some(3), .. }), "{cut:?}");
    assert!(matches!(error("<Patch/>"), ManifestError::Unsupported { .. }));
}

#[test]
fn a_live_manifest_can_be_described_at_a_moment() {
    let mpd = r#"<MPD type="dynamic" availabilityStartTime="1970-01-01T00:00:00" timeShiftBufferDepth="PT1M"><Period id="1" start="PT0S">
 <AdaptationSet mimeType="video/mp4"><SegmentTemplate duration="2" media="$Number$"/><Representation id="a" bandwidth="1"/></AdaptationSet>
</Period></MPD>"#;
    let now = WallClock::from_unix_nanos(1_700_000_000_000_000_000);
    let value = describe(mpd.as_bytes(), &super::base(), Some(now)).unwrap_or_else(|error| panic!("{error}"));
    let representation = &value["periods"][0]["adaptation_sets"][0]["representations"][0];
    assert_eq!((&value["live"], &representation["segment_count"]), (&true.into(), &30.into()));
}

#[test]
fn every_level_has_its_base_relative_to_that_of_the_level_above() {
    let mpd = |of_period: &str, of_set: &str, of_representation: &str| {
        format!(
            r#"<MPD type="static" mediaPresentationDuration="PT4S"><BaseURL>http://h/m/</BaseURL>
 <Period>{of_period}<AdaptationSet mimeType="video/mp4">{of_set}<SegmentTemplate media="$Number$" duration="4"/>
  <Representation id="v" bandwidth="1">{of_representation}</Representation></AdaptationSet></Period></MPD>"#
        )
    };
    let base = |url: &str| format!("<BaseURL>{url}</BaseURL>");
    let (p, s, r) = (base("p/"), base("s/"), base("r/"));
    for (mpd, address) in [
        (mpd(&p, &s, &r), "http://h/m/p/s/r/1"),
        (mpd("", &s, &r), "http://h/m/s/r/1"),
        (mpd(&p, "", &r), "http://h/m/p/r/1"),
        (mpd(&p, &s, ""), "http://h/m/p/s/1"),
        (mpd(&p, &base("http://g/s/"), &r), "http://g/s/r/1"),
        (mpd(&p, &base("../t/"), &base("/r/")), "http://h/r/1"),
    ] {
        let parsed = parsed(&mpd);
        let representation = &parsed.presentation.periods[0].adaptation_sets[0].representations[0];
        let SegmentIndex::Known(list) = &representation.index else { panic!("a template is known: {mpd}") };
        let first = list.get(0).map(|segment| segment.resource.urls[0].to_string());
        assert_eq!(first.as_deref(), Some(address), "{mpd}");
    }
}
