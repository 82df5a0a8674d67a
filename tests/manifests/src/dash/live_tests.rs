//! MPDs that grow, patches between them, and what cannot be written in them.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use super::*;
use crate::{DateTime, Layout, ManifestError};

const START: i64 = 1_767_225_600_000;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn date(seconds: i64) -> DateTime {
    DateTime::from_unix_millis(START + seconds * 1000)
}

fn timeline(segments: &[(u64, u64)]) -> SegmentTiming {
    SegmentTiming::Timeline(fold_timeline(segments.iter().copied()))
}

fn set(timing: SegmentTiming) -> AdaptationSet {
    let media = match timing {
        SegmentTiming::Timeline(_) => UrlTemplate::new("").representation_id().literal("-").time(),
        SegmentTiming::Duration(_) => UrlTemplate::new("").representation_id().literal("-").number(1),
    };
    AdaptationSet {
        id: Some(1),
        segments: Some(SegmentAddressing::Template(SegmentTemplate::new(10, media, timing))),
        representations: vec![Representation { id: "r".to_owned(), bandwidth: 1, ..Representation::default() }],
        ..AdaptationSet::new(ContentType::Video, "video/mp4")
    }
}

fn period(id: &str, timing: SegmentTiming) -> PeriodElement {
    PeriodElement::Inline(Period {
        id: Some(id.to_owned()),
        start: Some(Duration::ZERO),
        adaptation_sets: vec![set(timing)],
        ..Period::default()
    })
}

fn live(published: i64, periods: Vec<PeriodElement>) -> Mpd {
    Mpd {
        id: Some("m".to_owned()),
        profiles: "urn:a".to_owned(),
        mpd_type: MpdType::Dynamic(DynamicAttributes {
            minimum_update_period: Some(millis(2000)),
            time_shift_buffer_depth: Some(millis(30_000)),
            suggested_presentation_delay: Some(millis(6000)),
            media_presentation_duration: None,
        }),
        min_buffer_time: millis(2000),
        availability_start_time: Some("1970-01-01T00:00:00Z".to_owned()),
        publish_time: Some(date(published)),
        periods,
        ..Mpd::default()
    }
}

fn patch(old: &Mpd, new: &Mpd) -> String {
    let text = Patch::between(old, new, Layout::Compact).unwrap().to_text(Layout::Compact).unwrap();
    let (head, operations) = text.split_once(">\n<").unwrap().1.split_once(">\n").unwrap();
    assert!(head.starts_with("Patch xmlns=\"urn:mpeg:dash:schema:mpd-patch:2020\" mpdId=\"m\" originalPublishTime="));
    operations.trim_end_matches("</Patch>\n").to_owned()
}

#[test]
fn a_dynamic_mpd_has_its_children_in_the_order_of_the_schema() {
    let mut mpd = live(0, Vec::new());
    mpd.base_urls = vec![BaseUrl {
        service_location: Some("a".to_owned()),
        availability_time_offset: Some(AvailabilityTimeOffset::Infinite),
        availability_time_complete: Some(true),
        time_shift_buffer_depth: Some(millis(60_000)),
        ..BaseUrl::from("http://a/")
    }];
    mpd.locations = vec!["m.mpd?a=1&b=2".to_owned()];
    mpd.patch_locations = vec![PatchLocation { url: "p.mpp".to_owned(), ttl: Some(millis(60_500)) }];
    let latency =
        Latency { reference_id: Some(0), target: Some(millis(3000)), min: Some(millis(2000)), max: Some(millis(6000)) };
    let playback_rate = PlaybackRate { min: Some(0.96), max: Some(1.04) };
    let description = ServiceDescription { id: Some(0), latency: Some(latency), playback_rate: Some(playback_rate) };
    mpd.service_descriptions = vec![description.clone()];
    mpd.content_steering = Some(ContentSteering {
        url: "http://s/".to_owned(),
        default_service_locations: vec!["a".to_owned(), "b".to_owned()],
        query_before_start: true,
    });
    mpd.utc_timings = vec![
        UtcTiming::new(UtcScheme::Direct, "2026-01-01T00:00:00Z"),
        UtcTiming { scheme: UtcScheme::HttpHead, value: None },
    ];
    let clock = Some(UtcTiming::new(UtcScheme::HttpIso, "/time"));
    let mut template = SegmentTemplate::new(10, UrlTemplate::new("").number(1), SegmentTiming::Duration(20));
    template.availability_time_offset = Some(AvailabilityTimeOffset::Span(millis(1500)));
    template.availability_time_complete = Some(false);
    let early = Period {
        id: Some("p".to_owned()),
        base_urls: vec!["b/".into()],
        service_descriptions: vec![ServiceDescription { id: Some(1), ..ServiceDescription::default() }],
        adaptation_sets: vec![AdaptationSet {
            supplemental_properties: vec![Descriptor::new("urn:mpeg:dash:period-continuity:2015", "p0")],
            inband_event_streams: vec![Descriptor::new("urn:mpeg:dash:event:2012", "1")],
            producer_reference_times: vec![ProducerReferenceTime {
                id: 0,
                inband: true,
                reference_type: ReferenceType::Encoder,
                wall_clock_time: date(0),
                presentation_time: 5,
                utc_timing: clock,
            }],
            resyncs: vec![Resync { sap_type: Some(0), d_t: Some(5), d_i_max: Some(0.5), d_i_min: None, marker: true }],
            segments: Some(SegmentAddressing::Template(template)),
            ..set(SegmentTiming::Duration(1))
        }],
        ..Period::default()
    };
    mpd.periods = vec![PeriodElement::Inline(early)];
    let expected = "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" id=\"m\" profiles=\"urn:a\" \
        type=\"dynamic\" minimumUpdatePeriod=\"PT2S\" timeShiftBufferDepth=\"PT30S\" \
        suggestedPresentationDelay=\"PT6S\" minBufferTime=\"PT2S\" availabilityStartTime=\"1970-01-01T00:00:00Z\" \
        publishTime=\"2026-01-01T00:00:00Z\">\n\
        <BaseURL serviceLocation=\"a\" availabilityTimeOffset=\"INF\" availabilityTimeComplete=\"true\" \
        timeShiftBufferDepth=\"PT60S\">http://a/</BaseURL>\n<Location>m.mpd?a=1&amp;b=2</Location>\n\
        <PatchLocation ttl=\"60.5\">p.mpp</PatchLocation>\n\
        <ServiceDescription id=\"0\"><Latency referenceId=\"0\" target=\"3000\" min=\"2000\" max=\"6000\"/>\
        <PlaybackRate min=\"0.96\" max=\"1.04\"/></ServiceDescription>\n\
        <ContentSteering defaultServiceLocation=\"a b\" queryBeforeStart=\"true\">http://s/</ContentSteering>\n\
        <Period id=\"p\">\n<BaseURL>b/</BaseURL>\n<ServiceDescription id=\"1\"/>\n\
        <AdaptationSet id=\"1\" contentType=\"video\" mimeType=\"video/mp4\">\n\
        <SupplementalProperty schemeIdUri=\"urn:mpeg:dash:period-continuity:2015\" value=\"p0\"/>\n\
        <InbandEventStream schemeIdUri=\"urn:mpeg:dash:event:2012\" value=\"1\"/>\n\
        <ProducerReferenceTime id=\"0\" inband=\"true\" type=\"encoder\" wallClockTime=\"2026-01-01T00:00:00Z\" \
        presentationTime=\"5\"><UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-iso:2014\" value=\"/time\"/>\
        </ProducerReferenceTime>\n<Resync type=\"0\" dT=\"5\" dImax=\"0.5\" marker=\"true\"/>\n\
        <SegmentTemplate timescale=\"10\" media=\"$Number$\" startNumber=\"1\" availabilityTimeOffset=\"1.5\" \
        availabilityTimeComplete=\"false\" duration=\"20\"/>\n<Representation id=\"r\" bandwidth=\"1\"/>\n\
        </AdaptationSet>\n</Period>\n\
        <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:direct:2014\" value=\"2026-01-01T00:00:00Z\"/>\n\
        <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-head:2014\"/>\n</MPD>\n";
    assert_eq!(mpd.to_text(Layout::Compact).unwrap(), expected);
}

#[test]
fn what_a_dynamic_mpd_needs_is_there() {
    let place = |change: &dyn Fn(&mut Mpd)| {
        let mut mpd = live(0, vec![period("p", SegmentTiming::Duration(1))]);
        change(&mut mpd);
        match mpd.to_text(Layout::Compact) {
            Ok(_) => None,
            Err(ManifestError::Contradiction { place, .. } | ManifestError::OutOfRange { place, .. }) => Some(place),
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_eq!(place(&|_| {}), None);
    assert_eq!(place(&|mpd| mpd.availability_start_time = None), Some("availabilityStartTime"));
    let patched = |mpd: &mut Mpd| mpd.patch_locations = vec![PatchLocation { url: "p".to_owned(), ttl: None }];
    assert_eq!(place(&patched), None);
    assert_eq!(place(&|mpd| (patched(mpd), mpd.id = None).1), Some("PatchLocation"));
    assert_eq!(place(&|mpd| (patched(mpd), mpd.publish_time = None).1), Some("PatchLocation"));
    let described =
        |description: ServiceDescription| place(&|mpd| mpd.service_descriptions = vec![description.clone()]);
    let latency = |target, min, max| {
        let of = |value: u64| (value > 0).then(|| millis(value));
        let latency = Latency { reference_id: None, target: of(target), min: of(min), max: of(max) };
        described(ServiceDescription { latency: Some(latency), ..ServiceDescription::default() })
    };
    assert_eq!([latency(3, 3, 3), latency(0, 1, 2), latency(0, 0, 0)], [None; 3]);
    assert_eq!([latency(3, 4, 0), latency(3, 0, 2), latency(0, 3, 2)], [Some("min"), Some("max"), Some("min")]);
    let rate = |min, max| {
        let playback_rate = Some(PlaybackRate { min, max });
        described(ServiceDescription { playback_rate, ..ServiceDescription::default() })
    };
    assert_eq!([rate(Some(1.0), Some(1.0)), rate(None, None)], [None; 2]);
    assert_eq!([rate(Some(0.0), None), rate(None, Some(0.9))], [Some("min"), Some("max")]);
    assert_eq!([rate(Some(1.1), None), rate(None, Some(f64::NAN))], [Some("min"), Some("max")]);
    let resync = |resync: Resync| {
        place(&|mpd| {
            for period in &mut mpd.periods {
                let PeriodElement::Inline(period) = period else { unreachable!("a period") };
                period.adaptation_sets[0].resyncs = vec![resync];
            }
        })
    };
    assert_eq!(resync(Resync { sap_type: Some(4), ..Resync::default() }), Some("Resync@type"));
    assert_eq!(resync(Resync { d_i_min: Some(-1.0), ..Resync::default() }), Some("dImin"));
    let timed = |mpd: &mut Mpd| {
        let media = UrlTemplate::new("").time();
        let template = SegmentTemplate::new(1, media, SegmentTiming::Duration(1));
        let segments = Some(SegmentAddressing::Template(template));
        let adaptation_sets = vec![AdaptationSet { segments, ..set(SegmentTiming::Duration(1)) }];
        mpd.periods = vec![PeriodElement::Inline(Period { adaptation_sets, ..Period::default() })];
    };
    assert_eq!(place(&timed), Some("media"));
}

#[test]
fn a_patch_names_what_came_and_what_went() {
    let old = live(0, vec![period("p", timeline(&[(0, 20), (20, 20), (40, 20), (60, 19)]))]);
    let new = live(2, vec![period("p", timeline(&[(20, 20), (40, 20), (60, 19), (79, 21), (100, 20)]))]);
    let path = "/MPD/Period[@id='p']/AdaptationSet[@id='1']/SegmentTemplate/SegmentTimeline";
    let expected = format!(
        "<replace sel=\"/MPD/@publishTime\">2026-01-01T00:00:02Z</replace>\n\
         <replace sel=\"{path}/S[1]\"><S t=\"20\" d=\"20\" r=\"1\"/></replace>\n\
         <add sel=\"{path}\"><S d=\"21\"/><S d=\"20\"/></add>\n"
    );
    assert_eq!(patch(&old, &new), expected);
    let longer = live(4, vec![period("p", timeline(&[(40, 20), (60, 19), (79, 21), (100, 20), (120, 20)]))]);
    let expected = format!(
        "<replace sel=\"/MPD/@publishTime\">2026-01-01T00:00:04Z</replace>\n\
         <replace sel=\"{path}/S[1]\"><S t=\"40\" d=\"20\"/></replace>\n\
         <replace sel=\"{path}/S[4]\"><S d=\"20\" r=\"1\"/></replace>\n"
    );
    assert_eq!(patch(&new, &longer), expected);
    let shorter = live(6, vec![period("p", timeline(&[(60, 19), (79, 21), (100, 20), (120, 20), (140, 20)]))]);
    let expected = format!(
        "<replace sel=\"/MPD/@publishTime\">2026-01-01T00:00:06Z</replace>\n\
         <remove sel=\"{path}/S[1]\"/>\n<replace sel=\"{path}/S[1]\"><S t=\"60\" d=\"19\"/></replace>\n\
         <replace sel=\"{path}/S[3]/@r\">2</replace>\n"
    );
    assert_eq!(patch(&longer, &shorter), expected);
    let other = live(8, vec![period("p", timeline(&[(60, 19), (79, 22)]))]);
    let replaced = patch(&shorter, &other);
    assert!(replaced.contains(&format!("<replace sel=\"{path}\"><SegmentTimeline><S t=\"60\"")), "{replaced}");
}

#[test]
fn a_patch_moves_periods_and_attributes() {
    let numbers = || SegmentTiming::Duration(1);
    let mut old = live(0, vec![period("a", numbers()), period("b", numbers())]);
    old.utc_timings = vec![UtcTiming::new(UtcScheme::Direct, "x")];
    let mut new = live(2, vec![period("b", numbers()), period("c", numbers())]);
    new.utc_timings = vec![UtcTiming::new(UtcScheme::Direct, "y"), UtcTiming::new(UtcScheme::HttpIso, "z")];
    new.mpd_type = MpdType::Static { media_presentation_duration: millis(9000) };
    let text = patch(&old, &new);
    let expected = "<add sel=\"/MPD\" type=\"@mediaPresentationDuration\">PT9S</add>\n";
    assert!(text.contains(expected), "{text}");
    for attribute in ["minimumUpdatePeriod", "timeShiftBufferDepth", "suggestedPresentationDelay"] {
        assert!(text.contains(&format!("<remove sel=\"/MPD/@{attribute}\"/>\n")), "{text}");
    }
    assert!(text.contains("<replace sel=\"/MPD/@type\">static</replace>\n"), "{text}");
    assert!(text.contains("<remove sel=\"/MPD/Period[@id='a']\"/>\n"), "{text}");
    assert!(text.contains("<add sel=\"/MPD/Period[@id='b']\" pos=\"after\"><Period id=\"c\""), "{text}");
    assert!(text.contains("<replace sel=\"/MPD/UTCTiming\"><UTCTiming"), "{text}");
    assert!(text.contains("<add sel=\"/MPD/UTCTiming[1]\" pos=\"after\"><UTCTiming"), "{text}");
    let back = patch(&new, &old);
    assert!(back.contains("<add sel=\"/MPD\" pos=\"prepend\"><Period id=\"a\""), "{back}");
    assert!(back.contains("<remove sel=\"/MPD/UTCTiming[2]\"/>"), "{back}");
    assert_eq!(patch(&old, &old), "", "nothing differs");
}

#[test]
fn a_patch_needs_ids_and_times_and_values_that_a_path_can_hold() {
    let mpd = |id: Option<&str>, published: Option<i64>| Mpd {
        id: id.map(str::to_owned),
        publish_time: published.map(date),
        ..live(0, vec![period("p", SegmentTiming::Duration(1))])
    };
    let error = |old: &Mpd, new: &Mpd| Patch::between(old, new, Layout::Compact).err();
    assert_eq!(error(&mpd(Some("m"), Some(0)), &mpd(Some("m"), Some(1))), None);
    for (id, published) in [(Some("n"), Some(1)), (None, Some(1)), (Some("m"), None)] {
        let found = error(&mpd(Some("m"), Some(0)), &mpd(id, published));
        assert!(matches!(found, Some(ManifestError::Contradiction { place: "Patch", .. })), "{id:?} {published:?}");
    }
    let quoted = |value: &str| {
        let operations = vec![PatchOperation::Remove { selector: Selector::mpd().child_with("Period", "id", value) }];
        let patch = Patch { mpd_id: "m".to_owned(), original_publish_time: date(0), publish_time: date(1), operations };
        patch.to_text(Layout::Compact)
    };
    assert!(quoted("it's").unwrap().contains("sel=\"/MPD/Period[@id=&quot;it's&quot;]\""));
    assert!(quoted("a\"b").unwrap().contains("sel=\"/MPD/Period[@id='a&quot;b']\""));
    assert_eq!(quoted("'\""), Err(ManifestError::Character { place: "sel", character: '"' }));
    let operations =
        vec![PatchOperation::Add { selector: Selector::mpd(), position: Position::Before, elements: Vec::new() }];
    let nothing = Patch { mpd_id: "m".to_owned(), original_publish_time: date(0), publish_time: date(1), operations };
    assert_eq!(nothing.to_text(Layout::Compact), Err(ManifestError::Empty { place: "add" }));
}
