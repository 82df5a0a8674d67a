//! Offers of an MPD apart from plain sets: captions, thumbnails, trick play, events, switchable and remote parts.

use bytes::Bytes;

use super::{base, parsed};
use crate::manifest::{RemoteElements, missing, parse_with};
use crate::model::{
    CaptionService, ContainerFormat, MediaKind, MetadataBody, MetadataSource, SegmentIndex, ThumbnailSpan, VideoRange,
};
use crate::time::MediaTime;

const TEMPLATE: &str = "<SegmentTemplate duration='10' media='$RepresentationID$-$Number$.m4s'/>";

fn mpd(sets: &str) -> String {
    format!("<MPD mediaPresentationDuration='PT100S'><Period id='p'>{sets}</Period></MPD>")
}

#[test]
fn captions_in_the_video_are_tracks_of_the_period() {
    let parsed = parsed(&mpd(&format!(
        "<AdaptationSet mimeType='video/mp4'>\
         <Accessibility schemeIdUri='urn:scte:dash:cc:cea-608:2015' value='CC1=eng;CC3=spa'/>\
         <Accessibility schemeIdUri='urn:scte:dash:cc:cea-708:2015' value='1=lang:eng;2=lang:deu'/>\
         {TEMPLATE}<Representation id='v' bandwidth='1'/></AdaptationSet>"
    )));
    let captions = &parsed.presentation.periods[0].captions;
    let found: Vec<_> = captions.iter().map(|track| (track.service, track.language.as_deref())).collect();
    assert_eq!(
        found,
        [
            (CaptionService::Cea608(1), Some("en")),
            (CaptionService::Cea608(3), Some("es")),
            (CaptionService::Cea708(1), Some("en")),
            (CaptionService::Cea708(2), Some("de")),
        ]
    );
}

#[test]
fn tiles_are_found_by_time() {
    let parsed = parsed(&mpd(&format!(
        "<AdaptationSet mimeType='video/mp4'>{TEMPLATE}<Representation id='v' bandwidth='1'/></AdaptationSet>\
         <AdaptationSet contentType='image' mimeType='image/jpeg'>\
         <SegmentTemplate duration='30' media='$RepresentationID$/$Number$.jpg'/>\
         <Representation id='small' bandwidth='1' width='1000' height='600'>\
         <EssentialProperty schemeIdUri='http://dashif.org/guidelines/thumbnail_tile' value='5x3'/></Representation>\
         <Representation id='large' bandwidth='1' width='2000' height='1200'>\
         <EssentialProperty schemeIdUri='http://dashif.org/thumbnail_tile' value='5x3'/></Representation>\
         </AdaptationSet>"
    )));
    assert_eq!(parsed.presentation.periods[0].adaptation_sets.len(), 1);
    let spans = ThumbnailSpan::all(&parsed.presentation);
    let at = |seconds: i64, width| ThumbnailSpan::picture_at(&spans, MediaTime::from_millis(seconds * 1000), width);
    let first = at(0, 0).expect("a picture");
    assert_eq!(first.resource.urls[0].as_str(), "http://h/dir/small/1.jpg");
    assert_eq!((first.x, first.y, first.width, first.height), (0, 0, 200, 200));
    let later = at(45, 300).expect("a picture");
    assert_eq!(later.resource.urls[0].as_str(), "http://h/dir/large/2.jpg");
    assert_eq!((later.x, later.y, later.start), (800, 400, MediaTime::from_millis(44_000)));
    assert_eq!(later.duration.as_secs(), 2);
    let last = at(99, 0).expect("a picture of the segment that the period cuts");
    assert_eq!((last.x, last.y, last.start), (800, 0, MediaTime::from_millis(98_000)));
    assert_eq!(at(100, 0), None);
}

#[test]
fn trick_play_sets_stand_apart_and_switchable_sets_become_one_ladder() {
    let set = |id: u32, codec: &str, extra: &str| {
        format!(
            "<AdaptationSet id='{id}' mimeType='video/mp4' codecs='{codec}'>{extra}{TEMPLATE}\
             <Representation id='r{id}' bandwidth='{id}000'/></AdaptationSet>"
        )
    };
    let switching = "<SupplementalProperty schemeIdUri='urn:mpeg:dash:adaptation-set-switching:2016' value='1,3'/>";
    let trick = "<EssentialProperty schemeIdUri='http://dashif.org/guidelines/trickmode' value='1'/>";
    let parsed = parsed(&mpd(&[
        set(2, "avc1.4d401f", switching),
        set(1, "avc1.64001f", ""),
        set(3, "hvc1.1.6.L93.B0", ""),
        set(4, "avc1.4d401f", trick),
    ]
    .concat()));
    let period = &parsed.presentation.periods[0];
    let ids = |at: usize| -> Vec<&str> {
        period.adaptation_sets[at].representations.iter().map(|found| found.id.as_str()).collect()
    };
    assert_eq!((ids(0), ids(1)), (vec!["r1", "r2"], vec!["r3"]));
    assert_eq!(period.trick_sets.len(), 1);
    assert_eq!(period.trick_sets[0].representations[0].id, "r4");
    assert_eq!(parsed.warnings.len(), 1, "{:?}", parsed.warnings);
}

#[test]
fn what_cannot_be_read_gives_way_to_what_can_kind_by_kind() {
    let parsed = parsed(&mpd(&format!(
        "<AdaptationSet mimeType='video/webm' codecs='vp9'>{TEMPLATE}<Representation id='w' bandwidth='1'/></AdaptationSet>\
         <AdaptationSet mimeType='video/mp4'>{TEMPLATE}<Representation id='a' bandwidth='1' codecs='avc1.4d401f'/>\
         <Representation id='d' bandwidth='2' codecs='dvh1.05.06'/></AdaptationSet>\
         <AdaptationSet mimeType='audio/webm' codecs='opus'>{TEMPLATE}<Representation id='o' bandwidth='1'/></AdaptationSet>"
    )));
    let sets = &parsed.presentation.periods[0].adaptation_sets;
    let found: Vec<_> = sets.iter().map(|set| (set.kind, set.representations[0].format)).collect();
    assert_eq!(found, [(MediaKind::Video, ContainerFormat::Fmp4), (MediaKind::Audio, ContainerFormat::WebM)]);
    assert_eq!(sets[0].representations.len(), 1);
    let messages: Vec<_> = parsed.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "AdaptationSet skipped: WebM is not supported",
            "Representation skipped: the codec dvh1.05.06 is not supported"
        ]
    );
}

#[test]
fn events_are_on_the_presentation_timeline() {
    let text = "<MPD><Period duration='PT10S'><AdaptationSet mimeType='video/mp4'><SegmentTemplate duration='1' media='$Number$'/>\
        <Representation id='v' bandwidth='1'/></AdaptationSet></Period>\
        <Period duration='PT10S'><EventStream schemeIdUri='urn:s' value='v' timescale='10' presentationTimeOffset='50'>\
        <Event id='b' presentationTime='90' duration='1000'><x:S a='1'><x:B>&amp;</x:B></x:S></Event>\
        <Event id='a' presentationTime='60' contentEncoding='base64' messageData='AQI='/>\
        <Event id='late' presentationTime='150'/></EventStream>\
        <AdaptationSet mimeType='video/mp4'><SegmentTemplate duration='1' media='$Number$'/>\
        <Representation id='v' bandwidth='1'/></AdaptationSet></Period></MPD>";
    let metadata = parsed(text).presentation.metadata;
    let found: Vec<_> = metadata.iter().map(|m| (m.id.as_str(), m.start, m.duration.map(|d| d.as_secs()))).collect();
    assert_eq!(
        found,
        [("a", MediaTime::from_millis(11_000), None), ("b", MediaTime::from_millis(14_000), Some(6))],
        "in order of time, cut at the period's end, and none behind it"
    );
    assert_eq!(metadata[0].body, MetadataBody::Binary(Bytes::from_static(&[1, 2])));
    assert_eq!(metadata[1].body, MetadataBody::Text("<x:S a='1'><x:B>&amp;</x:B></x:S>".into()));
    assert_eq!((metadata[1].source, metadata[1].scheme.as_str()), (MetadataSource::EventStream, "urn:s"));
}

#[test]
fn remote_periods_are_named_and_then_take_their_place() {
    let text = format!(
        "<MPD><BaseURL>media/</BaseURL><Period duration='PT5S'><AdaptationSet mimeType='video/mp4'>{TEMPLATE}\
         <Representation id='a' bandwidth='1'/></AdaptationSet></Period>\
         <Period xlink:href='ad.xml' xlink:actuate='onLoad'/></MPD>"
    );
    let none = RemoteElements::default();
    let wanted = missing(text.as_bytes(), &base(), &none).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(wanted.iter().map(url::Url::as_str).collect::<Vec<_>>(), ["http://h/dir/ad.xml"]);
    let without = parse_with(text.as_bytes(), &base(), None, &none).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((without.presentation.periods.len(), without.warnings.len()), (1, 1));
    let remote = format!(
        "<Period id='ad' duration='PT7S'><AdaptationSet mimeType='video/mp4'>{TEMPLATE}\
         <Representation id='x' bandwidth='1'/></AdaptationSet></Period>"
    );
    let mut remotes = RemoteElements::default();
    remotes.insert(wanted[0].clone(), Some(remote.into()));
    assert_eq!(missing(text.as_bytes(), &base(), &remotes), Ok(Vec::new()));
    let whole = parse_with(text.as_bytes(), &base(), None, &remotes).unwrap_or_else(|error| panic!("{error}"));
    let periods = &whole.presentation.periods;
    assert_eq!((periods.len(), periods[1].id.as_str(), periods[1].start), (2, "ad", MediaTime::from_millis(5000)));
    assert!(whole.warnings.is_empty(), "{:?}", whole.warnings);
}

#[test]
fn few_words_say_how_bright_and_how_good_a_representation_is() {
    let parsed = parsed(&mpd(&format!(
        "<AdaptationSet mimeType='video/mp4' selectionPriority='1'>{TEMPLATE}<Representation id='s' bandwidth='1'/></AdaptationSet>\
         <AdaptationSet mimeType='video/mp4' selectionPriority='5'>\
         <SupplementalProperty schemeIdUri='urn:mpeg:mpegB:cicp:TransferCharacteristics' value='16'/>{TEMPLATE}\
         <Representation id='h' bandwidth='1' qualityRanking='2'/></AdaptationSet>"
    )));
    let sets = &parsed.presentation.periods[0].adaptation_sets;
    assert_eq!((sets[0].default, sets[1].default), (false, true), "the higher priority is the default");
    let traits = &sets[1].representations[0].traits;
    assert_eq!((traits.video_range, traits.score), (VideoRange::Pq, Some(-2.0)));
}

#[test]
fn a_main_role_makes_a_default_whatever_the_priority() {
    let audio = |inside: &str, attributes: &str| {
        format!(
            "<AdaptationSet mimeType='audio/mp4' {attributes}>{inside}{TEMPLATE}\
             <Representation id='a' bandwidth='1'/></AdaptationSet>"
        )
    };
    let main = "<Role schemeIdUri='urn:mpeg:dash:role:2011' value='main'/>";
    let parsed = parsed(&mpd(&format!("{}{}{}", audio("", "selectionPriority='9'"), audio(main, ""), audio("", ""))));
    let sets = &parsed.presentation.periods[0].adaptation_sets;
    assert_eq!(sets.iter().map(|set| set.default).collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn tracks_are_selected_by_themselves_unless_they_are_subtitles_that_may_be_missed() {
    let set = |mime: &str, role: &str| {
        format!(
            "<AdaptationSet mimeType='{mime}'><Role schemeIdUri='urn:mpeg:dash:role:2011' value='{role}'/>{TEMPLATE}\
             <Representation id='{role}' bandwidth='1'/></AdaptationSet>"
        )
    };
    for (mime, role, expected) in [
        ("text/vtt", "subtitle", (false, false, false)),
        ("text/vtt", "main", (false, false, false)),
        ("text/vtt", "forced-subtitle", (false, true, true)),
        ("audio/mp4", "dub", (true, true, false)),
        ("audio/mp4", "main", (true, true, false)),
    ] {
        let parsed = parsed(&mpd(&set(mime, role)));
        let set = &parsed.presentation.periods[0].adaptation_sets[0];
        assert_eq!((set.default, set.autoselect, set.forced), expected, "{mime} {role}");
    }
}

#[test]
fn an_index_is_looked_for_where_the_manifest_does_not_say_where_it_is() {
    let text = mpd("<AdaptationSet mimeType='video/mp4'><Representation id='v' bandwidth='1'><BaseURL>v.mp4</BaseURL>\
         <SegmentBase presentationTimeOffset='-3'/></Representation></AdaptationSet>");
    match &parsed(&text).presentation.periods[0].adaptation_sets[0].representations[0].index {
        SegmentIndex::External(source) => {
            assert_eq!((source.resource.range, source.first_request().range.is_some()), (None, true));
            assert_eq!(source.mapping, crate::model::TimestampMapping::Offset(3_000_000_000));
        }
        SegmentIndex::Known(list) => panic!("{list:?}"),
    }
}
