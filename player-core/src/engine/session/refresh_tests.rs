//! A manifest that is read again: where streams go on, and what is asked for.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use super::super::tests::{context, described, events, ms, rep, session_of, set};
use super::*;
use crate::command::LoadRequest;
use crate::engine::ids::{ItemId, KeyedPresentation, MOST_GONE};
use crate::engine::jitter::Jitter;
use crate::engine::opening::Opening;
use crate::engine::selection::TrackSelection;
use crate::engine::source::ServiceLocation;
use crate::model::{CaptionService, CaptionTrack, ContentSteering, MediaKind, Period, TrackId};

fn url() -> Url {
    "http://a/film/manifest.mpd".parse().unwrap()
}

/// Periods of these names, ten seconds each, with one representation of video.
fn periods(names: &[&str]) -> Presentation {
    let period = |(number, name): (i64, &&str)| {
        let sets = vec![set("v", MediaKind::Video, vec![rep("v", 1)])];
        Period::new((*name).to_owned(), ms(number * 10_000), None, sets)
    };
    let periods = (0..).zip(names).map(period).collect();
    Presentation { periods, ..described(Vec::new()) }
}

/// A session with a main stream of a presentation that its source knows by name.
fn session(presentation: Presentation) -> Session {
    let locations = vec![url(), "http://b/film/manifest.mpd".parse().unwrap()];
    let request = LoadRequest { locations, ..LoadRequest::new(url()) };
    let opening = Opening::new(ItemId::default(), &request, abr::Hdcp::None);
    let mut session = Session::new(&opening, presentation, &mut Jitter::new(0));
    let other = session_of(ItemId::default(), &[(StreamId::Main, Some((true, false)))]);
    session.streams = other.streams;
    session
}

fn period(known: &KeyedPresentation, position: usize) -> PeriodKey {
    known.period_key(position).unwrap()
}

#[test]
fn a_stream_whose_period_is_gone_goes_on_by_time() {
    for (names, moves) in [(["p", "q"], false), (["p", "r"], true)] {
        let mut cx = context();
        let mut session = session(periods(&["p", "q"]));
        let last = session.presentation().all_reps().last().unwrap();
        let places = [
            NextSegment::At { period: last.period, time: ms(14_000) },
            NextSegment::After { rep: last, segment: crate::model::SegmentId::Sequence(3), end: ms(14_000) },
        ];
        for place in places {
            session.stream_mut(StreamId::Main).unwrap().rewind_to(place);
            renew_presentation(&mut session, &mut cx, periods(&names), &url());
            let at = NextSegment::At { period: period(session.presentation(), 1), time: ms(14_000) };
            let expected = if moves { at } else { place };
            assert_eq!(session.stream(StreamId::Main).unwrap().place(), expected, "{names:?}");
            renew_presentation(&mut session, &mut cx, periods(&["p", "q"]), &url());
        }
    }
}

#[test]
fn every_stream_goes_on_by_time_if_its_period_is_gone() {
    let mut cx = context();
    let mut session = session(periods(&["p", "q"]));
    session.streams = session_of(ItemId::default(), &StreamId::ALL.map(|id| (id, None))).streams;
    let gone = period(session.presentation(), 1);
    for stream in &mut session.streams {
        stream.rewind_to(NextSegment::At { period: gone, time: ms(14_000) });
    }
    renew_presentation(&mut session, &mut cx, periods(&["p", "r"]), &url());
    let at = NextSegment::At { period: period(session.presentation(), 1), time: ms(14_000) };
    assert_ne!(period(session.presentation(), 1), gone);
    assert_eq!(StreamId::ALL.map(|id| session.stream(id).unwrap().place()), [at; 3]);
}

#[test]
fn steering_and_captions_that_are_new_are_followed() {
    let mut cx = context();
    let mut session = session(periods(&["p"]));
    let preferences = crate::engine::selection::TrackPreferences {
        text_languages: vec!["en".into()],
        ..session.preferences().clone()
    };
    session.selection = TrackSelection::new(preferences, abr::Hdcp::None);
    assert_eq!(session.source.steering_due(), None);
    let mut newer = periods(&["p"]);
    newer.steering = Some(ContentSteering { server: Resource::new(url()), pathway: None });
    newer.periods[0].captions = vec![CaptionTrack {
        id: TrackId("cc".into()),
        service: CaptionService::Cea608(1),
        language: Some("en".into()),
        label: None,
        default: false,
        autoselect: false,
    }];
    newer.duration = Some(Duration::from_secs(70));
    cx.now = cx.now + Duration::from_secs(5);
    renew_presentation(&mut session, &mut cx, newer, &url());
    assert_eq!(session.source.steering_due(), Some(cx.now));
    assert_eq!(session.captions.chosen(), Some(&TrackId("cc".into())));
    let found = events(&mut cx);
    let count = |event: &Event| found.iter().filter(|found| *found == event).count();
    assert_eq!((count(&Event::TimelineChanged), count(&Event::TracksChanged)), (1, 1), "{found:?}");
}

#[test]
fn a_manifest_that_is_read_again_may_come_from_another_location() {
    let mut cx = context();
    let mut session = session(periods(&["p"]));
    let resource = Resource { urls: vec![url()], range: None };
    let job = cx.jobs.add(cx.now, Purpose::Manifest, FetchKind::Manifest, resource, Ingest::Body);
    let candidate = session.source.locations().manifest_candidates().remove(1);
    cx.jobs.send(job, candidate.clone(), &cx.config, cx.now);
    assert_eq!(session.source.locations().current(), &ServiceLocation::Location(0));
    on_manifest(&mut session, &mut cx, job, &Bytes::from_static(b"nothing"), &candidate.url);
    assert_eq!(session.source.locations().current(), &ServiceLocation::Location(1));
    assert!(cx.jobs.ids().is_empty());
}

#[test]
fn what_only_renews_what_is_known_is_a_refresh() {
    let known = session(periods(&["p"]));
    let rep = known.presentation().all_reps().next().unwrap();
    let refreshes = |session: &Session| {
        let purposes = [
            Purpose::Manifest,
            Purpose::Remote,
            Purpose::Index(rep),
            Purpose::Init(rep),
            Purpose::Media(StreamId::Main),
            Purpose::Steering,
            Purpose::Key,
        ];
        purposes.map(|purpose| is_refresh(session, purpose))
    };
    assert_eq!(refreshes(&known), [true, true, true, false, false, false, false]);
    let mut external = described(vec![set("v", MediaKind::Video, vec![rep_of_index()])]);
    external.periods[0].id = "p".into();
    let unread = session(external);
    assert!(!is_refresh(&unread, Purpose::Index(unread.presentation().all_reps().next().unwrap())));
}

fn rep_of_index() -> crate::model::Representation {
    let index = SegmentIndex::External(crate::model::IndexSource::playlist(Resource::new(url())));
    crate::model::Representation { index, ..rep("v", 1) }
}

#[test]
fn exclusions_of_a_period_are_kept_as_long_as_it_would_be_recognised() {
    // As many periods that are gone are known as `engine::ids` keeps.
    for (gone, is_kept) in [(MOST_GONE, true), (MOST_GONE + 1, false)] {
        let mut cx = context();
        let names: Vec<String> = (0..gone).map(|number| format!("p{number}")).collect();
        let mut session = session(periods(&names.iter().map(String::as_str).collect::<Vec<_>>()));
        let first = session.presentation().all_reps().next().unwrap();
        session.selection.exclude(first, Duration::MAX, cx.now);
        renew_presentation(&mut session, &mut cx, periods(&["other"]), &url());
        assert_eq!(session.selection.exclusions().is_final(first), is_kept, "{gone}");
    }
}

#[test]
fn the_playlist_of_the_segment_that_is_under_way_is_read_again() {
    let presentation = || {
        let reps = ["v", "w"].map(|id| crate::model::Representation { id: id.into(), ..rep_of_index() });
        described(vec![set("v", MediaKind::Video, reps.to_vec())])
    };
    let mut cx = context();
    let mut session = session(presentation());
    let reps: Vec<_> = session.presentation().all_reps().collect();
    for rep in &reps {
        let source = crate::model::IndexSource::playlist(Resource::new(url()));
        let from = session.source.locations().candidates(&source.resource).remove(0);
        session.source.note_index(*rep, source, from, &url());
        let segment = super::super::tests::segment(0, 0, 4000);
        session.source.merge_index(*rep, crate::model::SegmentList::Explicit(vec![segment]), None);
    }
    let stream = session.stream_mut(StreamId::Main).unwrap();
    stream.decide_on(reps[0], cx.now);
    let plan = crate::engine::download::SegmentPlan { rep: reps[1], ..super::super::tests::chosen(0, 0, 4000) };
    stream.await_init(plan, Resource::new(url()));
    renew_presentation(&mut session, &mut cx, presentation(), &url());
    let asked = reps.iter().filter(|rep| cx.jobs.of_purpose(Purpose::Index(**rep)).is_some()).count();
    assert_eq!(asked, 2);
}

#[test]
fn an_index_that_a_newer_manifest_contains_is_no_longer_fetched() {
    let mut cx = context();
    let mut session = session(described(vec![set("v", MediaKind::Video, vec![rep_of_index()])]));
    let unread = session.presentation().all_reps().next().unwrap();
    let resource = Resource::new(url());
    let job = cx.jobs.add(cx.now, Purpose::Index(unread), FetchKind::Index, resource.clone(), Ingest::Body);
    let candidate = session.source.locations().candidates(&resource).remove(0);
    cx.jobs.send(job, candidate, &cx.config, cx.now);
    let fetch = cx.jobs.get(job).unwrap().attempt().unwrap().fetch;
    session.stream_mut(StreamId::Main).unwrap().await_index(unread);
    let known = described(vec![set("v", MediaKind::Video, vec![rep("v", 1)])]);
    renew_presentation(&mut session, &mut cx, known, &url());
    let outputs: Vec<_> = std::iter::from_fn(|| cx.effects.take_next()).collect();
    assert!(outputs.contains(&crate::engine::io::Output::Cancel(fetch)), "{outputs:?}");
    assert!(cx.jobs.ids().is_empty() && session.stream(StreamId::Main).unwrap().is_idle());
}

#[test]
fn a_newer_manifest_is_placed_in_time() {
    use crate::time::{Now, WallClock};
    let mut cx = context();
    let utc = |seconds: i64| WallClock::from_unix_nanos(1_700_000_000_000_000_000 + seconds * 1_000_000_000);
    cx.utc.note_host(Now::ZERO, utc(0));
    let mut session = session(periods(&["p"]));
    let newer = Presentation { available_from: Some(utc(10)), ..periods(&["p"]) };
    renew_presentation(&mut session, &mut cx, newer, &url());
    assert_eq!(session.presentation().available_at(), Some(Now::ZERO + Duration::from_secs(10)));
}
