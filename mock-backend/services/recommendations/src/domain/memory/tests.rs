//! Memory of viewers: replay, forgetting, parts of titles, lessons.

#![expect(clippy::cast_possible_wrap, reason = "small numbers")]

use kinora_api::events::{LoggedEvent, Rating, ViewerEvent};
use kinora_api::{ProfileId, TitleId, UnixMillis};
use proptest::prelude::*;

use kinora_api::TitleKind;
use kinora_api::internal::TitleFacts;

use super::{Changed, Memory, Parts};

/// Two episodes, a trailer, and an episode of a series of which nothing is ever recorded.
fn parts() -> Parts {
    let all = [
        ("t1", "t0", TitleKind::Episode),
        ("t2", "t0", TitleKind::Episode),
        ("t4", "t3", TitleKind::Trailer),
        ("t8", "s", TitleKind::Episode),
    ];
    let facts = all.map(|(id, of, kind)| TitleFacts {
        id: TitleId::new(id),
        kind,
        part_of: Some(TitleId::new(of)),
        ..TitleFacts::default()
    });
    Parts::of(&facts)
}

/// Checks that two memories have come to the same conclusions.
fn assert_alike(one: &Memory, other: &Memory) -> Result<(), TestCaseError> {
    let strength = |memory: &Memory, of: &TitleId, title: &TitleId| match (memory.place(of), memory.place(title)) {
        (Some(of), Some(title)) => memory.model().strength(of, title),
        _ => 0.0,
    };
    for (of, audience) in one.audiences() {
        prop_assert_eq!(&other.audience(of).cloned().unwrap_or_default(), audience, "{}", of);
        for (title, _) in one.audiences() {
            prop_assert!((strength(one, of, title) - strength(other, of, title)).abs() <= 1e-9);
        }
    }
    Ok(())
}

#[test]
fn an_episode_counts_for_its_series_whenever_that_is_known() {
    let (profile, id) = (ProfileId::new("p1"), |number: u32| TitleId::new(format!("t{number}")));
    let mut memory = Memory::default();
    memory.take(&some(1, 1, 3, 5));
    memory.take(&some(2, 5, 3, 5));
    let digest = memory.digest();
    memory.set_parts(parts());
    memory.take(&some(1, 2, 3, 9));
    let series = memory.interest(&profile, &id(0)).expect("the series was watched");
    assert_eq!((series.finishes, series.watched_at), (2, 9));
    assert_eq!(memory.audience(&id(0)).map(|of| of.viewers), Some(1), "one viewer of two episodes");
    assert!(memory.audience(&id(1)).is_some_and(super::Audience::is_empty));
    assert_eq!((memory.place(&id(1)), memory.interest(&profile, &id(1))), (None, None));
    assert_eq!(memory.recorded(&profile, &id(1)).map(|of| of.finishes), Some(1));
    assert_ne!(memory.digest(), digest);
    memory.set_parts(Parts::default());
    assert!(memory.interest(&profile, &id(0)).is_none() && memory.place(&id(1)).is_some());
}

fn event(profile: u32, at: UnixMillis, event: ViewerEvent) -> LoggedEvent {
    LoggedEvent { account: None, profile: Some(ProfileId::new(format!("p{profile}"))), at, event }
}

fn some(profile: u32, title: u32, kind: u32, at: UnixMillis) -> LoggedEvent {
    let (title, playback) = (TitleId::new(format!("t{title}")), String::from("s"));
    let done = match kind % 7 {
        0 => ViewerEvent::Play { title, playback, position_ms: 0, duration_ms: 1_000 },
        1 | 2 => ViewerEvent::Watch { title, playback, from_ms: u64::from(kind) % 500, to_ms: 900, duration_ms: 1_000 },
        3 => ViewerEvent::Finish { title, playback: None },
        4 => ViewerEvent::Abandon { title, playback, position_ms: 5, duration_ms: 1_000 },
        5 => ViewerEvent::Rating { title, rating: (kind > 6).then_some(Rating::Up) },
        _ => ViewerEvent::Rewind { title, playback, from_ms: 500, to_ms: 100 },
    };
    event(profile, at, done)
}

fn all() -> impl Strategy<Value = Vec<LoggedEvent>> {
    let one = (0_u32..6, 0_u32..9, 0_u32..50);
    prop::collection::vec(one, 1..120).prop_map(|all| {
        all.into_iter().enumerate().map(|(at, (profile, title, kind))| some(profile, title, kind, at as i64)).collect()
    })
}

#[test]
fn an_event_without_a_profile_and_one_that_teaches_nothing_change_nothing() {
    let mut memory = Memory::default();
    let mut nobody = some(1, 1, 3, 0);
    nobody.profile = None;
    assert_eq!(memory.take(&nobody), Changed::Nothing);
    assert_eq!(memory.take(&event(1, 0, ViewerEvent::Other)), Changed::Nothing);
    assert_eq!(memory.digest(), Memory::default().digest());
    assert_eq!(memory.lesson().map(|_| ()), None);
}

#[test]
fn weights_are_those_of_now_before_the_model_has_learned_them() {
    let mut memory = Memory::default();
    memory.take(&some(1, 4, 3, 0));
    let profile = ProfileId::new("p1");
    assert_eq!(memory.weights(&profile).len(), 1);
    assert_eq!(memory.behind(), 1);
    memory.learn_all();
    assert_eq!(memory.behind(), 0);
    assert_eq!(memory.model().titles(), 1);
}

#[test]
fn a_lesson_of_before_the_training_is_dropped() {
    let mut memory = Memory::default();
    memory.take(&some(1, 4, 3, 0));
    memory.take(&some(1, 5, 3, 0));
    let lesson = memory.lesson().expect("a lesson");
    memory.take(&some(2, 6, 3, 0));
    memory.take(&some(3, 6, 3, 0));
    memory.train();
    let strength = |memory: &Memory| memory.model().strength(1, 2);
    let trained = strength(&memory);
    memory.take_learned(lesson.learn());
    assert_eq!(memory.model().titles(), 3);
    assert!((strength(&memory) - trained).abs() < f64::EPSILON);
}

#[test]
fn a_lesson_of_another_memory_is_dropped() {
    let mut memory = Memory::restore(Parts::default(), []);
    memory.take(&some(1, 4, 3, 0));
    let lesson = memory.lesson().expect("a lesson");
    let mut other = Memory::default();
    other.take(&some(2, 6, 3, 0));
    other.take(&some(2, 7, 3, 0));
    other.train();
    memory.replace_with(other);
    let trained = memory.model().strength(0, 1);
    memory.take_learned(lesson.learn());
    assert!(trained > 0.0 && (memory.model().strength(0, 1) - trained).abs() < f64::EPSILON);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn a_replay_from_the_beginning_gives_the_same_state(events in all()) {
        let (mut live, mut again) = (Memory::default(), Memory::default());
        for event in &events {
            live.take(event);
            live.learn_all();
        }
        events.iter().for_each(|event| drop(again.take(event)));
        prop_assert_eq!(live.digest(), again.digest());
        let restored = Memory::restore(Parts::default(), (0..6).flat_map(|profile| {
            let profile = ProfileId::new(format!("p{profile}"));
            live.interests(&profile).map(|(title, interest)| (profile.clone(), title.clone(), interest.clone())).collect::<Vec<_>>()
        }));
        prop_assert_eq!(restored.digest(), live.digest());
        let strength = |memory: &Memory, of: &TitleId, title: &TitleId| match (memory.place(of), memory.place(title)) {
            (Some(of), Some(title)) => memory.model().strength(of, title),
            _ => 0.0,
        };
        for (of, audience) in live.audiences() {
            prop_assert_eq!(restored.audience(of).cloned().unwrap_or_default(), audience.clone());
            for (title, _) in live.audiences() {
                prop_assert!((strength(&live, of, title) - strength(&restored, of, title)).abs() <= 1e-9);
            }
        }
    }

    #[test]
    fn parts_may_be_known_before_the_events_or_later(events in all(), at in 0_usize..120, gone in 0_u32..12) {
        let (mut first, mut later, mut none) = (Memory::default(), Memory::default(), Memory::default());
        first.set_parts(parts());
        for (number, event) in events.iter().enumerate() {
            if number == at {
                later.set_parts(parts());
            }
            for memory in [&mut first, &mut later] {
                memory.take(event);
                memory.learn_all();
            }
            none.take(event);
        }
        later.set_parts(parts());
        prop_assert_eq!(first.digest(), later.digest());
        prop_assert_eq!(first.digest(), none.digest(), "what is recorded does not depend on it");
        assert_alike(&first, &later)?;
        assert_alike(&later, &first)?;

        // A profile that is forgotten leaves nothing in the sums.
        let is_of = |event: &&LoggedEvent| event.profile != Some(ProfileId::new(format!("p{gone}")));
        let mut without = Memory::default();
        without.set_parts(parts());
        events.iter().filter(is_of).for_each(|event| drop(without.take(event)));
        without.train();
        first.take(&event(gone, 999, ViewerEvent::Forget));
        first.learn_all();
        assert_alike(&first, &without)?;
        prop_assert_eq!(first.digest(), without.digest());
    }

    #[test]
    fn a_forgotten_profile_leaves_what_would_be_there_without_it(events in all(), forgotten in 0_u32..6) {
        let gone = ProfileId::new(format!("p{forgotten}"));
        let (mut with, mut without) = (Memory::default(), Memory::default());
        for event in &events {
            with.take(event);
            with.learn_all();
            if event.profile.as_ref() != Some(&gone) {
                without.take(event);
            }
        }
        with.take(&event(forgotten, 999, ViewerEvent::Forget));
        with.learn_all();
        without.train();
        prop_assert_eq!(with.digest(), without.digest());
        for (of, audience) in with.audiences() {
            prop_assert_eq!(without.audience(of).cloned().unwrap_or_default(), audience.clone());
            for (title, _) in with.audiences() {
                let (Some(a), Some(b)) = (with.place(of), with.place(title)) else { continue };
                let expected = match (without.place(of), without.place(title)) {
                    (Some(of), Some(title)) => without.model().strength(of, title),
                    _ => 0.0,
                };
                prop_assert!((with.model().strength(a, b) - expected).abs() <= 1e-9);
            }
        }
    }
}

/// More titles than the model has places for, each with one viewer, and `extra` further viewers of the last one.
fn crowded(extra: u32) -> Memory {
    let mut memory = Memory::default();
    let titles = u32::try_from(super::MAX_TITLES).expect("a small number") + 3;
    for number in 0..titles {
        memory.take(&some(1000 + number % 7, number, 3, 1));
    }
    for viewer in 0..extra {
        memory.take(&some(viewer, titles - 1, 3, 2));
    }
    memory
}

#[test]
fn a_title_that_came_to_be_watched_gets_a_place_without_losing_what_happens_meanwhile() {
    let last = TitleId::new(format!("t{}", super::MAX_TITLES + 2));
    assert!(!crowded(0).is_outgrown(), "no title without a place has more viewers than one with a place");
    let mut memory = crowded(5);
    assert!(memory.is_outgrown());
    assert_eq!(memory.place(&last), None);
    let training = memory.training();
    // Meanwhile one profile watches on, one is forgotten, and one is new.
    memory.take(&some(2, 0, 3, 9));
    assert!(memory.forget(&ProfileId::new("p3")));
    memory.take(&some(77, 1, 3, 9));
    assert!(memory.take_trained(training.train()));
    assert_eq!(memory.place(&last), Some(0), "it has most viewers");
    assert!(!memory.is_outgrown());
    memory.learn_all();
    assert_eq!(memory.behind(), 0);
    let mut anew = crowded(5);
    anew.take(&some(2, 0, 3, 9));
    assert!(anew.forget(&ProfileId::new("p3")));
    anew.take(&some(77, 1, 3, 9));
    anew.train();
    assert_eq!(anew.digest(), memory.digest());
    let (here, there) = (memory.place(&last).expect("a place"), anew.place(&last).expect("a place"));
    for other in ["t0", "t1", "t5"] {
        let other = TitleId::new(other);
        let (Some(one), Some(two)) = (memory.place(&other), anew.place(&other)) else { panic!("{other} has no place") };
        assert!((memory.model().strength(here, one) - anew.model().strength(there, two)).abs() <= 1e-9);
    }
}

#[test]
fn a_training_is_of_no_use_when_the_model_was_trained_otherwise_meanwhile() {
    let mut memory = Memory::default();
    memory.take(&some(1, 1, 3, 5));
    memory.take(&some(1, 2, 3, 5));
    let training = memory.training();
    memory.train();
    let places = memory.place(&TitleId::new("t1"));
    assert!(!memory.take_trained(training.train()));
    assert_eq!(memory.place(&TitleId::new("t1")), places);
    let lesson = {
        memory.take(&some(2, 1, 3, 6));
        memory.lesson().expect("something to learn")
    };
    memory.train();
    memory.take_learned(lesson.learn());
    memory.learn_all();
    let mut anew = Memory::default();
    for event in [some(1, 1, 3, 5), some(1, 2, 3, 5), some(2, 1, 3, 6)] {
        anew.take(&event);
    }
    anew.train();
    assert!(memory.model().distance(anew.model()) <= 1e-9);
}
