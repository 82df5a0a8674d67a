//! Orders of steering servers that cannot be read, and indexes: from which location they are read, and what they tell.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use bytes::Bytes;

use super::super::tests::{chosen, context, described, events, rep, segment, session_of, set};
use super::*;
use crate::engine::download::{SegmentDownload, SegmentPlan};
use crate::engine::ids::{ItemId, StreamId};
use crate::engine::io::{FetchOutcome, Output};
use crate::engine::source::Candidate;
use crate::event::Event;
use crate::model::{
    ContentSteering, IndexFormat, IndexSource, MediaKind, Presentation, Representation, SegmentIndex, SegmentList,
    SegmentRef, TimestampMapping,
};
use crate::time::{MediaTime, WallClock};

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

/// A playlist at two locations.
fn playlist() -> IndexSource {
    IndexSource {
        resource: Resource { urls: vec![url("http://a/list"), url("http://b/list")], range: None },
        format: IndexFormat::HlsMediaPlaylist,
        init: None,
        mapping: TimestampMapping::Offset(0),
        period_start: MediaTime::ZERO,
        period_duration: None,
        media: Vec::new(),
        variables: Vec::new(),
    }
}

/// A session of one video representation whose playlist is not read yet.
fn unread() -> (Session, RepKey) {
    let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, false)))]);
    let video = Representation { index: SegmentIndex::External(playlist()), ..rep("v", 1) };
    session.source.set_presentation(described(vec![set("v", MediaKind::Video, vec![video])]).into());
    let rep = session.presentation().all_reps().next().unwrap();
    (session, rep)
}

/// Sends a request to the first location of a resource.
fn send(cx: &mut Context, session: &Session, purpose: Purpose, resource: &Resource) -> (JobId, Candidate) {
    let from = session.source.locations().candidates(resource).remove(0);
    let job = cx.jobs.add(cx.now, purpose, FetchKind::Index, resource.clone(), Ingest::Body);
    cx.jobs.send(job, from.clone(), &cx.config, cx.now);
    (job, from)
}

#[test]
fn orders_that_cannot_be_read_cost_a_warning_and_are_asked_for_again() {
    for (body, seconds, warned) in
        [("<html>", 300, 1), (r#"{"VERSION":1,"TTL":20,"PATHWAY-PRIORITY":["a"]}"#, 20, 0), ("{}", 300, 1)]
    {
        let mut cx = context();
        let (mut session, _) = unread();
        let steering = ContentSteering { server: Resource::new(url("http://s/orders")), pathway: None };
        session.source.set_presentation(Presentation { steering: Some(steering), ..described(Vec::new()) }.into());
        session.source.begin_steering(cx.now);
        cx.playback.set_state(State::Ready, cx.now, &mut cx.effects);
        session.steer(&mut cx);
        assert_eq!(session.next_steering(&cx), None, "one question at a time");
        let job = cx.jobs.of_purpose(Purpose::Steering).unwrap();
        cx.now = cx.now + Duration::from_secs(2);
        session.on_steering(&mut cx, job, body.as_bytes(), &url("http://s/orders"));
        let warnings = events(&mut cx);
        let found = warnings.iter().filter(|event| matches!(event, Event::Warning { .. })).count();
        assert_eq!(
            (session.next_steering(&cx), found),
            (Some(cx.now + Duration::from_secs(seconds)), warned),
            "{body}"
        );
    }
}

#[test]
fn a_request_that_left_before_its_location_was_excluded_takes_the_playlist_along() {
    let mut cx = context();
    let (mut session, rep) = unread();
    let place = session.source.locations().candidates(&playlist().resource).remove(0);
    let media = Resource::new(url("http://a/x"));
    let only_there = SegmentRef { resource: media.clone(), ..segment(0, 0, 4000) };
    session.source.note_index(rep, playlist(), place.clone(), &url("http://a/list"));
    session.source.merge_index(rep, SegmentList::Explicit(vec![only_there.clone()]), None);
    let (job, _) = send(&mut cx, &session, Purpose::Media(StreamId::Main), &media);
    let plan = SegmentPlan { rep, segment: only_there, ..chosen(0, 0, 4000) };
    let begin = plan.segment.start;
    session.stream_mut(StreamId::Main).unwrap().start_download(SegmentDownload::new(job, plan, None, begin));
    assert!(session.source.locations_mut().exclude(&place.place, Duration::from_secs(60), cx.now));
    let error = FetchError::Status { status: 503, retry_after: None };
    session.on_fetch_ended(&mut cx, job, FetchOutcome::Failed { bytes: 0, error }, false);
    assert!(session.presentation().known_list(rep).is_none(), "the playlist is read again from elsewhere");
    assert_eq!(session.source.indexes_of(&place.place), []);
    assert_eq!((events(&mut cx), cx.jobs.ids().len()), (Vec::new(), 0), "the exclusion was reported before");
}

#[test]
fn a_location_that_fails_is_left_by_the_playlists_that_lead_there() {
    let mut cx = context();
    let (mut session, rep) = unread();
    let place = session.source.locations().candidates(&playlist().resource).remove(0);
    let media = Resource::new(url("http://a/x"));
    let only_there = SegmentRef { resource: media.clone(), ..segment(0, 0, 4000) };
    session.source.note_index(rep, playlist(), place.clone(), &url("http://a/list"));
    session.source.merge_index(rep, SegmentList::Explicit(vec![only_there.clone()]), None);
    let (job, _) = send(&mut cx, &session, Purpose::Media(StreamId::Main), &media);
    let plan = SegmentPlan { rep, segment: only_there, ..chosen(0, 0, 4000) };
    let begin = plan.segment.start;
    session.stream_mut(StreamId::Main).unwrap().start_download(SegmentDownload::new(job, plan, None, begin));
    let error = FetchError::Status { status: 404, retry_after: None };
    session.on_fetch_ended(&mut cx, job, FetchOutcome::Failed { bytes: 0, error }, false);
    assert!(session.source.locations().is_excluded(&place.place, cx.now));
    assert!(session.presentation().known_list(rep).is_none(), "the playlist is read again from elsewhere");
}

#[test]
fn media_whose_answer_has_begun_goes_on_when_its_location_is_left() {
    for begun in [false, true] {
        let mut cx = context();
        let (mut session, rep) = unread();
        let place = session.source.locations().candidates(&playlist().resource).remove(0);
        let media = Resource::new(url("http://a/x"));
        let only_there = SegmentRef { resource: media.clone(), ..segment(0, 0, 4000) };
        session.source.note_index(rep, playlist(), place.clone(), &url("http://a/list"));
        session.source.merge_index(rep, SegmentList::Explicit(vec![only_there.clone()]), None);
        let (job, _) = send(&mut cx, &session, Purpose::Media(StreamId::Main), &media);
        if begun {
            cx.jobs.began(job, url("http://a/x"), None, cx.now);
        }
        let plan = SegmentPlan { rep, segment: only_there, ..chosen(0, 0, 4000) };
        let begin = plan.segment.start;
        session.stream_mut(StreamId::Main).unwrap().start_download(SegmentDownload::new(job, plan, None, begin));
        session.leave(&mut cx, &place.place);
        assert_eq!(cx.jobs.get(job).is_some(), begun);
    }
}

#[test]
fn the_program_date_time_of_a_playlist_is_learned_with_its_segments() {
    let mut cx = context();
    let (mut session, rep) = unread();
    let (job, from) = send(&mut cx, &session, Purpose::Index(rep), &playlist().resource);
    let list = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n0.ts\n\
                #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:01:00Z\n#EXTINF:4,\n1.ts\n#EXT-X-ENDLIST\n";
    let outcome = FetchOutcome::Complete { bytes: list.len() as u64, body: Bytes::from(list) };
    session.on_fetch_ended(&mut cx, job, outcome, false);
    assert_eq!(session.presentation().known_list(rep).map(SegmentList::len), Some(2));
    assert_eq!(session.presentation().epoch, Some(WallClock::from_unix_nanos(56_000_000_000)));
    assert_eq!(session.source.indexes_of(&from.place), [rep]);
}

#[test]
fn a_playlist_stays_with_the_location_that_is_left_if_the_other_one_is_excluded() {
    for (is_excluded, stays) in [(false, false), (true, true)] {
        let mut cx = context();
        let (mut session, rep) = unread();
        let [from, other] = &session.source.locations().candidates(&playlist().resource)[..] else { panic!() };
        let (from, other) = (from.clone(), other.clone());
        let segment = SegmentRef { resource: Resource::new(url("http://a/x")), ..segment(0, 0, 4000) };
        session.source.note_index(rep, playlist(), from.clone(), &url("http://a/list"));
        session.source.merge_index(rep, SegmentList::Explicit(vec![segment]), None);
        if is_excluded {
            session.source.locations_mut().exclude(&other.place, Duration::from_secs(60), cx.now);
        }
        session.leave(&mut cx, &from.place);
        assert_eq!(session.presentation().known_list(rep).is_some(), stays, "{is_excluded}");
    }
}

#[test]
fn samples_of_interrupted_requests_go_with_the_request_that_is_made_elsewhere() {
    let mut cx = context();
    let (mut session, rep) = unread();
    let place = session.source.locations().candidates(&playlist().resource).remove(0);
    let media = Resource::new(url("http://a/x"));
    let only_there = SegmentRef { resource: media.clone(), ..segment(0, 0, 4000) };
    session.source.note_index(rep, playlist(), place.clone(), &url("http://a/list"));
    session.source.merge_index(rep, SegmentList::Explicit(vec![only_there.clone()]), None);
    let (job, _) = send(&mut cx, &session, Purpose::Media(StreamId::Main), &media);
    let plan = SegmentPlan { rep, segment: only_there, ..chosen(0, 0, 4000) };
    let mut download = SegmentDownload::new(job, plan, None, MediaTime::ZERO);
    download.keep_earlier(50, cx.now);
    session.stream_mut(StreamId::Main).unwrap().start_download(download);
    session.leave(&mut cx, &place.place);
    assert!(session.main().unwrap().is_idle() && cx.jobs.ids().is_empty());
    assert_eq!(cx.ledger.stats(cx.now, Duration::ZERO, None).bytes_wasted, 50);
}

#[test]
fn initialisation_data_that_no_other_location_has_is_forgotten_with_its_location() {
    let mut cx = context();
    let (mut session, rep) = unread();
    let place = session.source.locations().candidates(&playlist().resource).remove(0);
    let init = Resource::new(url("http://a/init"));
    let media = Resource::new(url("http://a/x"));
    let only_there = SegmentRef { init: Some(init.clone()), resource: media, ..segment(0, 0, 4000) };
    session.source.note_index(rep, playlist(), place.clone(), &url("http://a/list"));
    session.source.merge_index(rep, SegmentList::Explicit(vec![only_there.clone()]), None);
    let (job, _) = send(&mut cx, &session, Purpose::Init(rep), &init);
    let plan = SegmentPlan { rep, segment: only_there, ..chosen(0, 0, 4000) };
    session.stream_mut(StreamId::Main).unwrap().await_init(plan, init);
    let error = FetchError::Status { status: 404, retry_after: None };
    session.on_fetch_ended(&mut cx, job, FetchOutcome::Failed { bytes: 0, error }, false);
    assert!(session.source.locations().is_excluded(&place.place, cx.now));
    assert!(session.presentation().known_list(rep).is_none(), "the playlist is read again from elsewhere");
    assert!(session.main().unwrap().is_idle(), "the stream decides again");
    assert_eq!(cx.jobs.ids(), [], "nothing is asked for where it is missing");
}

#[test]
fn an_index_is_asked_for_again_only_if_another_pathway_is_preferred_to_its_own() {
    for (from, is_repeated) in [(0, false), (1, true)] {
        let mut cx = context();
        let (mut session, rep) = unread();
        let list = playlist().resource;
        let candidate = session.source.locations().candidates(&list).remove(from);
        let job = cx.jobs.add(cx.now, Purpose::Index(rep), FetchKind::Index, list, Ingest::Body);
        let fetch = cx.jobs.send(job, candidate, &cx.config, cx.now).unwrap().id;
        session.follow_orders(&mut cx);
        let outputs: Vec<_> = std::iter::from_fn(|| cx.effects.take_next()).collect();
        assert_eq!(outputs.contains(&Output::Cancel(fetch)), is_repeated, "{from}");
        assert_eq!(cx.jobs.get(job).unwrap().attempt().is_none(), is_repeated, "{from}");
    }
}
