//! Declarations that contradict or complete each other: the one that counts, and exact borders of those that are cut.

use super::{base, parsed};
use crate::manifest::{RemoteElements, describe, missing};
use crate::model::{MetadataBody, Representation, SegmentIndex, SegmentRef};
use crate::time::WallClock;

/// The first representation of an MPD of one period, which lasts for 100 seconds.
fn first(set: &str) -> Representation {
    let text = format!(
        "<MPD mediaPresentationDuration='PT100S'><Period id='p'><AdaptationSet mimeType='video/mp4'>{set}\
         </AdaptationSet></Period></MPD>"
    );
    let mut parsed = parsed(&text);
    parsed.presentation.periods.remove(0).adaptation_sets.remove(0).representations.remove(0)
}

fn segments(representation: &Representation) -> Vec<SegmentRef> {
    match &representation.index {
        SegmentIndex::Known(list) => (0..list.len()).filter_map(|at| list.get(at)).collect(),
        SegmentIndex::External(_) => Vec::new(),
    }
}

#[test]
fn the_last_number_of_the_template_precedes_that_of_the_property() {
    let property = "<SupplementalProperty schemeIdUri='http://dashif.org/guidelines/last-segment-number' value='5'/>";
    let count = |end: &str| {
        let template = format!("<SegmentTemplate duration='10' {end} media='$Number$.m4s'/>");
        segments(&first(&format!("{property}{template}<Representation id='v' bandwidth='1'/>"))).len()
    };
    assert_eq!((count("endNumber='3'"), count("")), (3, 5));
}

#[test]
fn an_index_for_each_segment_is_not_one_for_all() {
    let template = "<SegmentTemplate index='$Number$.sidx' initialization='i.mp4'/>";
    let found = first(&format!("<BaseURL>media.mp4</BaseURL>{template}<Representation id='v' bandwidth='1'/>"));
    let SegmentIndex::External(source) = found.index else { panic!("{:?}", found.index) };
    assert_eq!(source.resource.urls[0].as_str(), "http://h/dir/media.mp4", "it is looked for in the file");
}

#[test]
fn a_live_period_offers_no_segment_past_its_end_nor_one_that_is_not_complete() {
    let count = |seconds: i64, segments: &str| {
        let text = format!(
            "<MPD type='dynamic' availabilityStartTime='1970-01-01T00:00:00Z'><Period id='p' start='PT100S' \
             duration='PT25S'><AdaptationSet mimeType='video/mp4'>{segments}<Representation id='v' bandwidth='1'/>\
             </AdaptationSet></Period></MPD>"
        );
        let now = Some(WallClock::from_unix_nanos((100 + seconds) * 1_000_000_000));
        let value = describe(text.as_bytes(), &base(), now).expect("a manifest");
        value["periods"][0]["adaptation_sets"][0]["representations"][0]["segment_count"].as_u64()
    };
    let repeated = "<SegmentTemplate media='$Time$.m4s'><SegmentTimeline><S t='0' d='10' r='-1'/></SegmentTimeline></SegmentTemplate>";
    assert_eq!([1000, 25, 12].map(|now| count(now, repeated)), [Some(3), Some(3), Some(2)]);
    let numbered = "<SegmentTemplate duration='10' media='$Number$.m4s'/>";
    assert_eq!([1000, 19, 20].map(|now| count(now, numbered)), [Some(3), Some(1), Some(2)]);
}

#[test]
fn a_live_period_offers_the_segment_that_its_buffer_begins_in() {
    let first = |depth: u32, segments: &str| {
        let text = format!(
            "<MPD type='dynamic' availabilityStartTime='1970-01-01T00:00:00Z' timeShiftBufferDepth='PT{depth}S'>\
             <Period id='p' start='PT0S'><AdaptationSet mimeType='video/mp4'>{segments}\
             <Representation id='v' bandwidth='1'/></AdaptationSet></Period></MPD>"
        );
        let now = Some(WallClock::from_unix_nanos(100_000_000_000));
        let value = describe(text.as_bytes(), &base(), now).expect("a manifest");
        let found = &value["periods"][0]["adaptation_sets"][0]["representations"][0];
        (found["segment_count"].as_u64(), found["first_segment_url"].as_str().map(str::to_owned))
    };
    let numbered = "<SegmentTemplate duration='10' media='$Number$.m4s'/>";
    for (depth, count, number) in [(20, 2, 9), (21, 3, 8), (29, 3, 8), (30, 3, 8), (31, 4, 7)] {
        let url = format!("http://h/dir/{number}.m4s");
        assert_eq!(first(depth, numbered), (Some(count), Some(url)), "{depth}");
    }
}

#[test]
fn a_period_ends_where_the_next_one_begins() {
    for (length, expected) in [("PT10S", 10), ("PT20S", 20), ("PT21S", 20), ("PT1H", 20)] {
        let set = "<AdaptationSet mimeType='video/mp4'><SegmentTemplate duration='5' media='$Number$.m4s'/>\
                   <Representation id='v' bandwidth='1'/></AdaptationSet>";
        let text = format!(
            "<MPD mediaPresentationDuration='PT40S'><Period id='p' start='PT0S' duration='{length}'>{set}</Period>\
             <Period id='q' start='PT20S'>{set}</Period></MPD>"
        );
        let periods = parsed(&text).presentation.periods;
        let found: Vec<_> = periods.iter().map(|period| period.duration.map(|length| length.as_secs())).collect();
        assert_eq!(found, [Some(expected), Some(20)], "{length}");
    }
}

#[test]
fn an_event_is_its_message_data_before_its_content() {
    let text = "<MPD mediaPresentationDuration='PT100S'><Period id='p'><EventStream schemeIdUri='urn:x'>\
        <Event messageData='attribute'>content</Event><Event> content </Event></EventStream>\
        <AdaptationSet mimeType='video/mp4'><SegmentTemplate duration='10' media='$Number$.m4s'/>\
        <Representation id='v' bandwidth='1'/></AdaptationSet></Period></MPD>";
    let events = parsed(text).presentation.metadata;
    let bodies: Vec<_> = events.iter().map(|event| event.body.clone()).collect();
    assert_eq!(bodies, ["attribute", "content"].map(|text| MetadataBody::Text(text.to_owned())));
}

#[test]
fn the_first_of_several_default_service_locations_is_used() {
    let text = "<MPD mediaPresentationDuration='PT100S'>\
        <ContentSteering defaultServiceLocation='b a'>http://steer/</ContentSteering>\
        <BaseURL serviceLocation='a'>http://a/</BaseURL><BaseURL serviceLocation='b'>http://b/</BaseURL>\
        <Period id='p'><AdaptationSet mimeType='video/mp4'><SegmentTemplate duration='10' media='$Number$.m4s'/>\
        <Representation id='v' bandwidth='1'/></AdaptationSet></Period></MPD>";
    let presentation = parsed(text).presentation;
    assert_eq!(presentation.steering.and_then(|steering| steering.pathway).as_deref(), Some("b"));
    assert_eq!(presentation.pathways.iter().map(|pathway| pathway.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

/// ISO/IEC 23009-1 §5.6.5: a request that fails at one address of a service location is sent to none of that name.
#[test]
fn all_addresses_of_a_service_location_belong_to_one_pathway() {
    let text = "<MPD mediaPresentationDuration='PT100S'>\
        <BaseURL serviceLocation='a'>http://a/</BaseURL><BaseURL serviceLocation='b'>http://b/</BaseURL>\
        <BaseURL serviceLocation='a'>http://a2/x/</BaseURL>\
        <Period id='p'><AdaptationSet mimeType='video/mp4'><SegmentTemplate duration='10' media='$Number$.m4s'/>\
        <Representation id='v' bandwidth='1'/></AdaptationSet></Period></MPD>";
    let pathways = parsed(text).presentation.pathways;
    let of = |index: usize| {
        let prefixes = pathways[index].prefixes.iter().map(|prefix| prefix.as_str()).collect::<Vec<_>>();
        (pathways[index].id.as_str(), prefixes)
    };
    assert_eq!((pathways.len(), of(0), of(1)), (2, ("a", vec!["http://a/", "http://a2/x/"]), ("b", vec!["http://b/"])));
}

#[test]
fn what_a_representation_declares_precedes_what_its_set_does() {
    let scheme = "urn:mpeg:mpegB:cicp:ChannelConfiguration";
    let channels = |count| format!("<AudioChannelConfiguration schemeIdUri='{scheme}' value='{count}'/>");
    let label = "<Label> </Label>";
    let text = format!(
        "<MPD mediaPresentationDuration='PT100S'><Period id='p'>\
         <AdaptationSet mimeType='audio/mp4' codecs='mp4a.40.2' audioSamplingRate='24000 48000'>{label}{}\
         <SegmentTemplate duration='10' media='$RepresentationID$-$Number$.m4s'/>\
         <Representation id='a' bandwidth='1' codecs='ec-3'>{}</Representation><Representation id='b' bandwidth='2'/>\
         </AdaptationSet></Period></MPD>",
        channels(2),
        channels(6)
    );
    let set = parsed(&text).presentation.periods.remove(0).adaptation_sets.remove(0);
    let found: Vec<_> =
        set.representations.iter().map(|rep| (rep.channels, rep.codecs.join(","), rep.sample_rate)).collect();
    let expected = [(Some(6), "ec-3".to_owned(), Some(48_000)), (Some(2), "mp4a.40.2".to_owned(), Some(48_000))];
    assert_eq!(found, expected);
    assert_eq!((set.label, set.id.0.as_str()), (None, "audio"), "an empty label is none");
}

#[test]
fn audio_alone_costs_what_the_least_variant_of_its_group_does() {
    let text = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Main\",URI=\"a.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=90,CODECS=\"mp4a.40.2\",AUDIO=\"a\"\nx.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=40,CODECS=\"mp4a.40.5\",AUDIO=\"a\"\ny.m3u8\n";
    let sets = parsed(text).presentation.periods.remove(0).adaptation_sets;
    let found: Vec<_> =
        sets.iter().flat_map(|set| &set.representations).map(|rep| (rep.bandwidth, rep.codecs.join(","))).collect();
    assert_eq!(found, [(40, "mp4a.40.2".to_owned())], "its codec is that of the first");
}

#[test]
fn as_many_remote_parts_are_fetched_as_the_limit_says() {
    let parts: String = (0..70).map(|at| format!("<Period xlink:href='http://h/{at}'/>")).collect();
    let text = format!("<MPD>{parts}</MPD>");
    let mut remotes = RemoteElements::default();
    let wanted = |remotes: &RemoteElements| missing(text.as_bytes(), &base(), remotes).expect("a manifest").len();
    assert_eq!(wanted(&remotes), 64);
    remotes.insert("http://h/0".parse().expect("an address"), None);
    assert_eq!((wanted(&remotes), remotes.room()), (63, 63));
}
