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
