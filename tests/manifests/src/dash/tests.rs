//! MPDs as texts, and what cannot be written.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use super::*;
use crate::{ByteRange, Layout, ManifestError};

fn representation(id: &str) -> Representation {
    Representation { id: id.to_owned(), bandwidth: 1, ..Representation::default() }
}

fn set(representations: Vec<Representation>) -> AdaptationSet {
    AdaptationSet { representations, ..AdaptationSet::new(ContentType::Video, "video/mp4") }
}

fn mpd(periods: Vec<Period>) -> Mpd {
    Mpd {
        profiles: "urn:a,urn:b".to_owned(),
        mpd_type: MpdType::Static { media_presentation_duration: Duration::from_secs(60) },
        min_buffer_time: Duration::from_millis(1500),
        declares_xlink: true,
        periods: periods.into_iter().map(PeriodElement::Inline).collect(),
        ..Mpd::default()
    }
}

fn period(adaptation_sets: Vec<AdaptationSet>) -> Period {
    Period { adaptation_sets, ..Period::default() }
}

fn error(set: AdaptationSet) -> Option<ManifestError> {
    mpd(vec![period(vec![set])]).to_text(Layout::Readable).err()
}

fn addressed(segments: SegmentAddressing) -> Option<ManifestError> {
    error(set(vec![Representation { segments: Some(segments), ..representation("r") }]))
}

fn template() -> SegmentTemplate {
    SegmentTemplate::new(1, UrlTemplate::new("a").number(1), SegmentTiming::Duration(1))
}

fn list(timing: SegmentTiming, media_ranges: Vec<MediaRange>) -> SegmentList {
    SegmentList { timescale: 1, presentation_time_offset: None, initialization: None, timing, media_ranges }
}

#[test]
fn a_remote_period_needs_the_namespace_of_xlink() {
    let mut remote = mpd(vec![period(vec![set(vec![representation("r")])])]);
    remote.periods.push(PeriodElement::Remote { href: "p.xml?a=1&b=2".to_owned() });
    let expected = "<?xml version=\"1.0\"?>\n\
        <MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" \
        profiles=\"urn:a,urn:b\" type=\"static\" mediaPresentationDuration=\"PT60S\" minBufferTime=\"PT1.5S\">\n\
        <Period>\n<AdaptationSet contentType=\"video\" mimeType=\"video/mp4\">\n\
        <Representation id=\"r\" bandwidth=\"1\"/>\n</AdaptationSet>\n</Period>\n\
        <Period xlink:href=\"p.xml?a=1&amp;b=2\" xlink:actuate=\"onLoad\"/>\n</MPD>\n";
    assert_eq!(remote.to_text(Layout::Compact).unwrap(), expected);
    let local = mpd(vec![period(vec![set(vec![representation("r")])])]);
    assert!(!local.to_text(Layout::Compact).unwrap().contains("xlink"));
}

#[test]
fn children_stand_in_the_order_of_the_schema() {
    let role = Descriptor::new("urn:role", "main");
    let protection = ContentProtection {
        descriptor: Descriptor { scheme_id_uri: "urn:x".to_owned(), value: None },
        default_kid: None,
        content: Some(vec![Element::new("Laurl").text("http://h/?a&b")]),
    };
    let inner = Representation {
        base_urls: vec!["a.mp4".into()],
        audio_channel_configurations: vec![role.clone()],
        segments: Some(SegmentAddressing::Base(SegmentBase {
            timescale: 9,
            presentation_time_offset: Some(0),
            index_range: Some(ByteRange { offset: 5, length: 2 }),
            initialization: Some(ByteRange { offset: 0, length: 5 }),
        })),
        ..representation("r")
    };
    let set = AdaptationSet {
        content_protections: vec![protection],
        labels: vec!["<L>".to_owned()],
        accessibilities: vec![role.clone()],
        roles: vec![role],
        segments: Some(SegmentAddressing::Template(template())),
        ..set(vec![inner])
    };
    let text = period(vec![set]).to_text(Layout::Compact).unwrap();
    let expected = "<Period>\n<AdaptationSet contentType=\"video\" mimeType=\"video/mp4\">\n\
        <ContentProtection schemeIdUri=\"urn:x\"><Laurl>http://h/?a&amp;b</Laurl></ContentProtection>\n\
        <Label>&lt;L&gt;</Label>\n<Accessibility schemeIdUri=\"urn:role\" value=\"main\"/>\n\
        <Role schemeIdUri=\"urn:role\" value=\"main\"/>\n\
        <SegmentTemplate timescale=\"1\" media=\"a$Number$\" startNumber=\"1\" duration=\"1\"/>\n\
        <Representation id=\"r\" bandwidth=\"1\"><AudioChannelConfiguration schemeIdUri=\"urn:role\" value=\"main\"/>\
        <BaseURL>a.mp4</BaseURL><SegmentBase timescale=\"9\" presentationTimeOffset=\"0\" indexRange=\"5-6\">\
        <Initialization range=\"0-4\"/></SegmentBase></Representation>\n</AdaptationSet>\n</Period>\n";
    assert_eq!(text, expected);
}

#[test]
fn a_folded_timeline_has_starts_at_its_beginning_and_after_gaps() {
    let entry = |t, d, r| TimelineEntry { t, d, r };
    assert_eq!(fold_timeline([]), []);
    assert_eq!(
        fold_timeline([(5, 2), (7, 2), (9, 3), (12, 3), (20, 3), (23, 3), (25, 1)]),
        [entry(Some(5), 2, 1), entry(None, 3, 1), entry(Some(20), 3, 1), entry(Some(25), 1, 0)]
    );
    let last = u64::MAX - 1;
    assert_eq!(fold_timeline([(last, 2), (0, 2)]), [entry(Some(last), 2, 0), entry(Some(0), 2, 0)]);
}

#[test]
fn ids_are_unique_where_they_must_be() {
    let duplicate = |place, name: &str| Some(ManifestError::Duplicate { place, name: name.to_owned() });
    let of = |ids: &[&str]| ids.iter().map(|id| representation(id)).collect::<Vec<_>>();
    assert_eq!(error(set(of(&["a", "b"]))), None);
    assert_eq!(error(set(of(&["a", "a"]))), duplicate("Representation@id", "a"));
    let sets = |ids: [u32; 2]| {
        let sets = ids.map(|id| AdaptationSet { id: Some(id), ..set(of(&[&format!("r{id}")])) });
        mpd(vec![period(sets.to_vec())]).to_text(Layout::Compact).err()
    };
    assert_eq!(sets([1, 2]), None);
    let twice = mpd(vec![period(vec![set(of(&["a"])), set(of(&["a"]))])]).to_text(Layout::Compact).err();
    assert_eq!(twice, duplicate("Representation@id", "a"));
    let same = [1, 1].map(|id| AdaptationSet { id: Some(id), ..set(of(&["a"])) });
    assert_eq!(mpd(vec![period(same.to_vec())]).to_text(Layout::Compact).err(), duplicate("AdaptationSet@id", "1"));
    let named = |id: &str| Period { id: Some(id.to_owned()), ..period(vec![set(of(&["a"]))]) };
    assert_eq!(mpd(vec![named("p"), named("q")]).to_text(Layout::Compact).err(), None, "ids go by period");
    assert_eq!(mpd(vec![named("p"), named("p")]).to_text(Layout::Compact).err(), duplicate("Period@id", "p"));
}

#[test]
fn nothing_that_must_be_there_is_empty() {
    assert_eq!(mpd(Vec::new()).to_text(Layout::Compact), Err(ManifestError::Empty { place: "MPD" }));
    assert_eq!(error(set(Vec::new())), Some(ManifestError::Empty { place: "AdaptationSet" }));
    assert_eq!(error(set(vec![representation("")])), Some(ManifestError::Empty { place: "Representation@id" }));
    let typeless = AdaptationSet { mime_type: String::new(), ..set(vec![representation("a")]) };
    assert_eq!(error(typeless), Some(ManifestError::Empty { place: "mimeType" }));
    let white = ManifestError::Character { place: "Representation@id", character: '\u{a0}' };
    assert_eq!(error(set(vec![representation("a\u{a0}b")])), Some(white));
}

#[test]
fn numbers_lie_in_their_ranges() {
    let out = |place, value: &str| Some(ManifestError::OutOfRange { place, value: value.to_owned() });
    let of = |change: &dyn Fn(&mut AdaptationSet)| {
        let mut set = set(vec![representation("r")]);
        change(&mut set);
        error(set)
    };
    assert_eq!(of(&|set| set.representations[0].bandwidth = u32::MAX.into()), None);
    assert_eq!(of(&|set| set.representations[0].bandwidth = 1 << 32), out("bandwidth", "4294967296"));
    assert_eq!(of(&|set| set.representations[0].sar = Some((0, 1))), out("sar", "0:1"));
    assert_eq!(of(&|set| set.par = Some((1, 0))), out("par", "1:0"));
    assert_eq!(of(&|set| set.start_with_sap = Some(6)), None);
    assert_eq!(of(&|set| set.start_with_sap = Some(7)), out("startWithSAP", "7"));
    let rate = |numerator, denominator| of(&|set| set.frame_rate = Some(FrameRate { numerator, denominator }));
    assert_eq!([rate(1, 1), rate(0, 1), rate(1, 0)], [None, out("frameRate", "0"), out("frameRate", "1/0")]);
    let timed = |timescale, timing: SegmentTiming| {
        addressed(SegmentAddressing::Template(SegmentTemplate { timescale, timing, ..template() }))
    };
    assert_eq!(timed(0, SegmentTiming::Duration(1)), out("timescale", "0"));
    assert_eq!(timed(1, SegmentTiming::Duration(0)), out("duration", "0"));
    assert_eq!(timed(1, SegmentTiming::Timeline(fold_timeline([(0, 0)]))), out("d", "0"));
}

#[test]
fn templates_of_media_have_a_number_and_those_of_initialisation_have_none() {
    let of = |template: SegmentTemplate| addressed(SegmentAddressing::Template(template));
    let numbered = || UrlTemplate::new("i").number(3);
    assert_eq!(of(SegmentTemplate { initialization: Some(UrlTemplate::new("i")), ..template() }), None);
    let place = |error: Option<ManifestError>| match error {
        Some(ManifestError::Contradiction { place, .. }) => place,
        other => panic!("{other:?}"),
    };
    assert_eq!(place(of(SegmentTemplate { initialization: Some(numbered()), ..template() })), "initialization");
    assert_eq!(place(of(SegmentTemplate { media: UrlTemplate::new("$Number$"), ..template() })), "media");
    let blank = of(SegmentTemplate { media: UrlTemplate::new("a b").number(1), ..template() });
    assert_eq!(blank, Some(ManifestError::Character { place: "media", character: ' ' }));
}

#[test]
fn a_list_has_a_range_for_each_segment_of_its_timeline() {
    let range = |offset| MediaRange::Bytes(ByteRange { offset, length: 1 });
    let timeline = || SegmentTiming::Timeline(fold_timeline([(0, 2), (2, 2), (4, 1)]));
    let of = |timing, ranges: Vec<MediaRange>| addressed(SegmentAddressing::List(list(timing, ranges)));
    assert_eq!(of(timeline(), vec![range(0), range(1), MediaRange::Backward { offset: 2 }]), None);
    assert_eq!(of(SegmentTiming::Duration(2), vec![range(0)]), None);
    let short = of(timeline(), vec![range(0), range(1)]);
    assert!(matches!(short, Some(ManifestError::Contradiction { place: "SegmentList", .. })), "{short:?}");
    let endless = TimelineEntry { t: None, d: 1, r: u64::MAX };
    let endless = of(SegmentTiming::Timeline(vec![endless, endless]), vec![range(0)]);
    assert!(matches!(endless, Some(ManifestError::Contradiction { .. })), "{endless:?}");
    let empty = MediaRange::Bytes(ByteRange { offset: 2, length: 0 });
    let empty = of(SegmentTiming::Duration(2), vec![empty]);
    assert_eq!(empty, Some(ManifestError::OutOfRange { place: "mediaRange", value: "0@2".to_owned() }));
    let first = of(SegmentTiming::Duration(2), vec![MediaRange::Backward { offset: 0 }]);
    assert_eq!(first, Some(ManifestError::OutOfRange { place: "mediaRange", value: "0".to_owned() }));
}
