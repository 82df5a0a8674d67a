//! Requests for initialisation data and indexes.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::tests::{add, context, described, play_at, rep, segment, session_of, set};
use super::*;
use crate::drm::{ContentKey, SegmentCipherMode};
use crate::engine::ids::ItemId;
use crate::model::{IndexSource, MediaKind, Representation, SegmentEncryption, SegmentKeys};

const SEPARATE: [(StreamId, Option<(bool, bool)>); 2] =
    [(StreamId::Main, Some((true, false))), (StreamId::Audio, Some((false, true)))];

fn somewhere(name: &str) -> Resource {
    Resource::new(format!("http://h/{name}").parse().unwrap())
}

fn key() -> RepKey {
    RepKey::for_tests(0, 0, 0)
}

#[test]
fn initialisation_data_is_fetched_once_for_each_key() {
    let cipher = |byte: u8| SegmentCipher {
        mode: SegmentCipherMode::Aes128Cbc,
        key: ContentKey::new(&[byte; 16]).unwrap(),
        iv: [0; 16],
    };
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE);
    let mut want = |name: &str, cipher: Option<SegmentCipher>| {
        session.want_init(&mut cx, key(), &somewhere(name), cipher);
        cx.jobs.ids().len()
    };
    assert_eq!([want("a", None), want("a", None), want("b", None)], [1, 1, 2]);
    assert_eq!([want("a", Some(cipher(1))), want("a", Some(cipher(1))), want("a", Some(cipher(2)))], [3, 3, 4]);
}

#[test]
fn initialisation_data_is_fetched_ahead_once_and_for_clear_segments_only() {
    let encryption = SegmentEncryption { media: SegmentKeys::default(), init: SegmentKeys::default(), sequence: 7 };
    for (encryption, requests) in [(None, 1), (Some(encryption), 0)] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &SEPARATE);
        let next = SegmentRef { init: Some(somewhere("init")), encryption, ..segment(0, 0, 4000) };
        for _ in 0..2 {
            session.prefetch_init(&mut cx, StreamId::Audio, key(), &next);
            assert_eq!(cx.jobs.ids().len(), requests);
        }
        // It failed: nothing is asked for again before it is needed.
        for id in cx.jobs.ids() {
            cx.jobs.remove(id, cx.now);
        }
        session.prefetch_init(&mut cx, StreamId::Audio, key(), &next);
        assert_eq!(cx.jobs.ids(), []);
    }
}

#[test]
fn an_index_is_fetched_once_and_only_if_it_is_not_known() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE);
    let index = SegmentIndex::External(IndexSource::playlist(somewhere("list")));
    let reps = vec![Representation { index, ..rep("a", 1) }, rep("b", 2)];
    session.source.set_presentation(described(vec![set("v", MediaKind::Video, reps)]).into());
    for (rep, requests) in [(1, 0), (0, 1), (0, 1)] {
        session.want_index(&mut cx, RepKey::for_tests(0, 0, rep));
        assert_eq!(cx.jobs.ids().len(), requests, "{rep}");
    }
}

#[test]
fn audio_waits_for_video_only_while_the_place_of_its_discontinuity_is_open() {
    let mapping = TimestampMapping::Discontinuity(2);
    let mut session = session_of(ItemId::default(), &SEPARATE);
    let first = SegmentRef { mapping, ..segment(0, 0, 4000) };
    let index = SegmentIndex::Known(crate::model::SegmentList::Explicit(vec![first.clone()]));
    let reps = vec![Representation { index, ..rep("v", 1) }];
    session.source.set_presentation(described(vec![set("v", MediaKind::Video, reps)]).into());
    session.stream_mut(StreamId::Main).unwrap().decide_on(key(), Now::ZERO);
    assert!(session.waits_for_pictures(&first));
    session.timeline.offset(mapping, false, MediaTime::ZERO, MediaTime::ZERO);
    assert!(!session.waits_for_pictures(&first));
}

#[test]
fn a_representation_whose_next_segment_is_locked_is_tried_again_later() {
    let way = crate::model::SegmentKey {
        method: crate::model::EncryptionMethod::Other("UNKNOWN".into()),
        system: crate::drm::KeySystem::Other("unknown".into()),
        source: crate::model::KeySource::Opaque,
        iv: None,
        key_id: None,
    };
    let encryption = SegmentEncryption { media: [way].into(), init: SegmentKeys::default(), sequence: 0 };
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE);
    let reps = vec![rep("a", 1), rep("b", 2)];
    session.source.set_presentation(described(vec![set("v", MediaKind::Video, reps)]).into());
    let keys: Vec<RepKey> = session.presentation().all_reps().collect();
    let ladder = Arc::new(selection::ladder(session.presentation(), keys.clone(), abr::Hdcp::None));
    let picked = Selection { rep: keys[0], reason: abr::Reason::Only, ladder, rung: 0, wait: None };
    let next = SegmentRef { encryption: Some(encryption), ..segment(0, 0, 4000) };
    let outcome = session.plan_segment(&mut cx, StreamId::Main, picked, next);
    assert!(matches!(outcome, StreamOutcome::Advanced), "the other one takes over");
    assert!(session.stream(StreamId::Main).unwrap().is_idle() && cx.jobs.ids().is_empty());
    let end = cx.now + LOCK_EXCLUSION;
    let held = |at| session.selection.exclusions().holds(keys[0], at);
    assert_eq!((held(cx.now), held(end)), (true, false), "later segments may be clear");
    assert!(!session.selection.exclusions().is_final(keys[0]));
}

#[test]
fn room_comes_after_the_time_in_which_the_surplus_is_played() {
    let ahead = 200_000;
    for (rate, factor) in [(1.0, 1), (0.5, 2), (0.25, 4)] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[(StreamId::Main, Some((true, false)))]);
        add(&mut session.video, 0, 0, ahead, None);
        session.video.complete();
        play_at(&mut cx, &[MediaKind::Video], 1000);
        cx.playback.set_rate(rate, cx.now, &mut cx.effects);
        let surplus = cx.load_control().until_room(Duration::from_millis(ahead as u64 - 1000)).unwrap();
        assert!(surplus > Duration::from_secs(1), "{surplus:?}");
        assert_eq!(session.next_room(&cx), Some(cx.now + surplus * factor), "{rate}");
    }
}

#[test]
fn room_of_audio_is_awaited_too() {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE);
    add(&mut session.audio, 0, 0, 200_000, None);
    play_at(&mut cx, &[MediaKind::Audio], 1000);
    session.stream_mut(StreamId::Main).unwrap().await_index(key());
    let surplus = cx.load_control().until_room(Duration::from_secs(199)).unwrap();
    assert_eq!(session.next_room(&cx), Some(cx.now + surplus));
}

#[test]
fn segments_of_video_and_audio_keep_their_open_end_and_subtitles_have_none() {
    for (id, keeps) in [(StreamId::Main, true), (StreamId::Audio, true), (StreamId::Text, false)] {
        let mut cx = context();
        let mut session = session_of(ItemId::default(), &[(id, None)]);
        session.source.set_presentation(described(vec![set("s", id.kind(), vec![rep("s", 1)])]).into());
        let ladder = Arc::new(selection::ladder(session.presentation(), vec![key()], abr::Hdcp::None));
        let picked = Selection { rep: key(), reason: abr::Reason::Only, ladder, rung: 0, wait: None };
        let _ = session.plan_segment(&mut cx, id, picked, segment(0, 0, 4000));
        let job = session.stream(id).unwrap().download().unwrap().job();
        let Ingest::Media(setup) = &cx.jobs.get(job).unwrap().ingest else { panic!("media") };
        assert_eq!(setup.keeps_tail, keeps, "{id:?}");
    }
}

/// What a stream with media up to `ahead` milliseconds does if `chosen` is the next representation and has no index yet:
/// the representation, reason and rung of the segment that it fetches, or the representation whose index it awaits.
fn without_index(
    last: usize,
    chosen: usize,
    ahead: i64,
    is_known: bool,
) -> Result<(u32, abr::Reason, usize), Option<u32>> {
    let mut cx = context();
    let mut session = session_of(ItemId::default(), &SEPARATE[..1]);
    let list = (0..3).map(|number| segment(number, number as i64 * 4000, number as i64 * 4000 + 4000)).collect();
    let known = SegmentIndex::Known(crate::model::SegmentList::Explicit(list));
    let unknown = SegmentIndex::External(IndexSource::playlist(somewhere("list")));
    let mut reps = ["low", "middle", "high"].map(|id| Representation { index: known.clone(), ..rep(id, 1) }).to_vec();
    reps[chosen].index = unknown.clone();
    if !is_known {
        reps[last].index = unknown;
    }
    session.source.set_presentation(described(vec![set("Main", MediaKind::Video, reps)]).into());
    let keys: Vec<RepKey> = session.presentation().all_reps().collect();
    let ladder = selection::Ladder { rungs: [1, 2, 3].map(abr::Rung::new).to_vec(), keys: keys.clone() }.into();
    let place = NextSegment::At { period: PeriodKey::FIRST, time: MediaTime::from_millis(ahead) };
    let stream = session.stream_mut(StreamId::Main).unwrap();
    stream.rewind_to(place);
    stream.decide_on(keys[last], Now::ZERO);
    let picked = Selection { rep: keys[chosen], reason: abr::Reason::Throughput, ladder, rung: chosen, wait: None };
    let outcome = session.follow(&mut cx, StreamId::Main, place, picked, Some(keys[last]));
    assert!(matches!(outcome, StreamOutcome::Waiting), "{outcome:?}");
    assert!(cx.jobs.of_purpose(Purpose::Index(keys[chosen])).is_some(), "it is read in any case");
    match session.main().unwrap().activity() {
        Activity::Media(download) => {
            let plan = download.plan();
            Ok((plan.rep.number(), plan.reason, plan.rung))
        }
        Activity::Index(rep) => Err(Some(rep.number())),
        _ => Err(None),
    }
}

#[test]
fn while_a_better_quality_lacks_its_index_the_stream_goes_on_for_want_of_media() {
    assert_eq!(without_index(0, 2, 0, true), Ok((0, abr::Reason::Hold, 0)), "for a reason of its own");
    assert_eq!(without_index(1, 2, 5999, true), Ok((1, abr::Reason::Hold, 1)));
    assert_eq!(without_index(1, 2, 6000, true), Err(Some(2)), "there is time to wait");
    assert_eq!(without_index(1, 0, 0, true), Err(Some(0)), "waiting costs less than a large segment");
    assert_eq!(without_index(0, 2, 0, false), Err(Some(2)), "the index of the last one is gone too");
}
