//! Audio with video: never at its cost where it is short, seldom changed, only in pairs that exist.

use std::time::Duration;

use abr::joint::{Choice, Chooser, DOWN_AFTER, Situation, UP_AFTER, UP_AGAIN_AFTER, UP_FIRST_AFTER};
use abr::{Caps, Hdcp, Phase, Reason, Rung};
use proptest::prelude::*;

const PICTURES: [Rung; 5] =
    [Rung::new(400_000), Rung::new(800_000), Rung::new(1_500_000), Rung::new(3_000_000), Rung::new(6_000_000)];
const SOUND: [Rung; 3] = [Rung::new(64_000), Rung::new(128_000), Rung::new(256_000)];
const SECOND: Duration = Duration::from_secs(1);

fn playing(estimate_bps: u64, sound_now: usize, pictures_now: usize) -> Situation<'static> {
    Situation {
        sound_now: Some(sound_now),
        pictures_now: Some(pictures_now),
        estimate_bps: Some(estimate_bps),
        buffer: 20 * SECOND,
        phase: Phase::Steady,
        ..Situation::new(&PICTURES, &SOUND)
    }
}

/// Asks once a second for this number of seconds, each answer in force at the next; the answers.
fn run(chooser: &mut Chooser, begin: Duration, seconds: u32, situation: Situation<'static>) -> Vec<Choice> {
    let mut sound_now = situation.sound_now;
    let mut ask = |second| {
        let choice = chooser.choose(&Situation { now: begin + SECOND * second, sound_now, ..situation });
        sound_now = Some(choice.sound);
        choice
    };
    (0..seconds).map(&mut ask).collect()
}

#[test]
fn the_first_choice_follows_the_estimate_or_the_lowest_pictures() {
    let first = |estimate_bps, total_bps| {
        let situation = Situation { estimate_bps, total_bps, ..Situation::new(&PICTURES, &SOUND) };
        Chooser::new().choose(&situation).sound
    };
    assert_eq!(first(None, None), 0, "a fifth of the lowest pictures");
    let higher = Situation::new(&PICTURES[1..], &SOUND);
    assert_eq!(Chooser::new().choose(&higher).sound, 1);
    assert_eq!(Chooser::new().choose(&Situation { total_bps: Some(900_000), ..higher }).sound, 0);
    assert_eq!([500_000, 900_000, 1_300_000, 9_000_000].map(|bps| first(Some(bps), None)), [0, 0, 1, 2]);
    assert_eq!(first(Some(9_000_000), Some(1_100_000)), 1, "an eighth of what the saver allows");
}

#[test]
fn sound_goes_up_once_the_estimate_has_carried_it_for_a_while() {
    let mut chooser = Chooser::new();
    let choices = run(&mut chooser, Duration::ZERO, 20, playing(9_000_000, 0, 4));
    let at = choices.iter().position(|choice| choice.sound > 0).expect("it goes up");
    assert_eq!(at as u64, UP_AFTER.as_secs());
    assert_eq!((choices[at].sound, choices[at].reason), (2, Reason::Throughput), "in one step");
    assert!(choices[at + 1..].iter().all(|choice| choice.sound == 2 && choice.reason == Reason::Hold));
    assert_eq!(choices[at].pictures, Some(4));
}

#[test]
fn a_blind_first_choice_stands_for_a_moment_only() {
    let mut chooser = Chooser::new();
    assert_eq!(chooser.choose(&Situation::new(&PICTURES, &SOUND)).sound, 0);
    let choices = run(&mut chooser, SECOND, 20, playing(2_000_000, 0, 0));
    assert_eq!(choices.iter().position(|choice| choice.sound == 1), Some(UP_FIRST_AFTER.as_secs() as usize));
    let choices = run(&mut chooser, 30 * SECOND, 20, playing(9_000_000, 1, 4));
    assert_eq!(choices.iter().position(|choice| choice.sound == 2), Some(UP_AFTER.as_secs() as usize));
}

#[test]
fn a_break_begins_the_wait_again() {
    let mut chooser = Chooser::new();
    for second in 0..120u32 {
        let estimate = if second % 8 == 7 { 480_000 } else { 9_000_000 };
        let situation = Situation { now: SECOND * second, ..playing(estimate, 0, 2) };
        assert_eq!(chooser.choose(&situation).sound, 0, "at {second}");
    }
}

#[test]
fn an_estimate_that_swings_round_a_limit_changes_nothing() {
    // An eighth of 2.05 Mbit/s is 256 kbit/s.
    let mut chooser = Chooser::new();
    let mut sound = 2;
    for second in 0..200u32 {
        let estimate = if second % 2 == 0 { 1_900_000 } else { 2_200_000 };
        sound = chooser.choose(&Situation { now: SECOND * second, ..playing(estimate, sound, 2) }).sound;
        assert_eq!(sound, 2);
    }
}

#[test]
fn pictures_at_the_bottom_and_stalls_bring_sound_down_at_once() {
    let lowest = |situation: Situation<'_>| {
        let choice = Chooser::new().choose(&situation);
        (choice.sound, choice.reason)
    };
    assert_eq!(lowest(playing(550_000, 2, 0)), (0, Reason::BufferLow));
    assert_eq!(lowest(Situation { buffer: 2 * SECOND, ..playing(550_000, 2, 3) }), (0, Reason::BufferLow));
    assert_eq!(lowest(Situation { phase: Phase::Rebuffering, ..playing(9_000_000, 1, 4) }), (0, Reason::BufferLow));
    assert_eq!(lowest(playing(9_000_000, 2, 0)), (2, Reason::Hold), "the start of a fast session is no emergency");
}

#[test]
fn a_rung_that_became_dear_is_given_up_after_a_while_and_tried_again_later() {
    let mut chooser = Chooser::new();
    let slow = run(&mut chooser, Duration::ZERO, 10, playing(1_100_000, 2, 2));
    let at = slow.iter().position(|choice| choice.sound < 2).expect("it comes down");
    assert_eq!((at as u64, slow[at].sound), (DOWN_AFTER.as_secs(), 1));
    let fast = run(&mut chooser, 10 * SECOND, 40, playing(9_000_000, 1, 4));
    let at = fast.iter().position(|choice| choice.sound == 2).expect("it goes up again");
    assert_eq!(at as u64, UP_AGAIN_AFTER.as_secs());
}

#[test]
fn sound_costs_the_pictures_no_rung_unless_they_are_well_up() {
    let settled = |estimate| run(&mut Chooser::new(), Duration::ZERO, 20, playing(estimate, 0, 0))[19];
    // 1.6 Mbit/s carry 1.5 Mbit/s of video with 64 kbit/s only.
    let choice = settled(1_600_000);
    assert_eq!((choice.sound, choice.pictures), (0, Some(2)));
    assert_eq!(settled(1_650_000).sound, 1);
    // 6.1 Mbit/s carry the top with the least audio, and the rung below it with the best: that is high enough.
    let choice = settled(6_100_000);
    assert_eq!((choice.sound, choice.pictures), (2, Some(3)));
}

#[test]
fn a_data_saver_bounds_both_together() {
    let saver = |total, sound_now| {
        let situation = Situation { total_bps: Some(total), ..playing(20_000_000, sound_now, 2) };
        let choices = run(&mut Chooser::new(), Duration::ZERO, 20, situation);
        (choices[0], choices[19])
    };
    for total in [467_000, 700_000, 1_300_000, 2_500_000, 7_000_000] {
        let (first, last) = saver(total, 2);
        for choice in [first, last] {
            let pictures = choice.pictures.map_or(0, |rung| PICTURES[rung].bitrate_bps);
            assert!(pictures + SOUND[choice.sound].bitrate_bps <= total, "{total}: {choice:?}");
        }
    }
    assert_eq!(saver(700_000, 2).0.reason, Reason::Capped);
    assert_eq!(saver(700_000, 2).0.sound, 0);
    assert_eq!(saver(2_500_000, 0).1.sound, 2);
}

#[test]
fn copy_protection_and_bounds_of_the_pictures_are_not_for_sound() {
    let locked = PICTURES.map(|rung| rung.protected_by(Hdcp::Type1));
    let situation = Situation { estimate_bps: Some(9_000_000), ..Situation::new(&locked, &SOUND) };
    assert_eq!(Chooser::new().choose(&situation).sound, 2);
    let caps = Caps { max_bitrate_bps: Some(800_000), ..Caps::default() };
    let situation = Situation { caps, estimate_bps: Some(9_000_000), ..Situation::new(&PICTURES, &SOUND) };
    let choice = Chooser::new().choose(&situation);
    assert_eq!((choice.sound, choice.pictures), (2, Some(1)), "what pictures may not use, sound may");
}

#[test]
fn only_pairs_that_exist_are_played() {
    // The lowest two rungs name the least sound, the top the best, those between two of the three.
    let pairs = [0b001, 0b001, 0b011, 0b110, 0b100];
    let situation = Situation { pairs: Some(&pairs), ..playing(9_000_000, 0, 4) };
    let partners = |wanted| [0, 1, 2, 3, 4].map(|rung| situation.partner(rung, wanted));
    assert_eq!(partners(0), [0, 0, 0, 1, 2]);
    assert_eq!(partners(1), [0, 0, 1, 1, 2]);
    assert_eq!(partners(2), [0, 0, 1, 2, 2]);
    // 6.1 Mbit/s do not carry the top with the sound that it brings, whatever is wanted.
    let choice = Chooser::new().choose(&Situation { estimate_bps: Some(6_100_000), ..situation });
    assert_eq!(choice.pictures, Some(3));
    for odd in [&[0b1][..], &[0; 5], &[1 << 40; 5]] {
        let situation = Situation { pairs: Some(odd), ..situation };
        assert_eq!(situation.partner(4, 1), 1, "what says nothing forbids nothing");
    }
}

#[test]
fn playing_faster_takes_more_of_the_link() {
    let first = |rate| {
        let situation = Situation { rate, estimate_bps: Some(2_200_000), ..Situation::new(&PICTURES, &SOUND) };
        Chooser::new().choose(&situation).sound
    };
    assert_eq!([first(1.0), first(2.0), first(4.0)], [2, 1, 0]);
}

/// Time, estimate, sound and pictures now, playback rate, seconds of buffer, data saver.
type Ask = (u64, Option<u64>, Option<usize>, Option<usize>, f32, u32, Option<u64>);

#[derive(Debug, Clone)]
struct Odd {
    pictures: Vec<u64>,
    sound: Vec<u64>,
    pairs: Option<Vec<u64>>,
    asks: Vec<Ask>,
}

fn odd() -> impl Strategy<Value = Odd> {
    let rate = || prop_oneof![0u64..10_000_000, Just(0), Just(u64::MAX)];
    let ask = (
        rate(),
        prop::option::of(rate()),
        prop::option::of(0usize..90),
        prop::option::of(0usize..12),
        prop_oneof![Just(1.0f32), Just(0.0), Just(-1.0), Just(f32::NAN), Just(f32::INFINITY), 0.25f32..4.0],
        0u32..100,
        prop::option::of(rate()),
    );
    (
        prop::collection::vec(rate(), 0..10),
        prop::collection::vec(rate(), 0..80),
        prop::option::of(prop::collection::vec(any::<u64>(), 0..10)),
        prop::collection::vec(ask, 1..20),
    )
        .prop_map(|(mut pictures, mut sound, pairs, asks)| {
            pictures.sort_unstable();
            sound.sort_unstable();
            Odd { pictures, sound, pairs, asks }
        })
}

proptest! {
    #[test]
    fn whatever_is_asked_is_answered_in_range_and_alike(odd in odd()) {
        let rungs = |rates: &[u64]| rates.iter().map(|rate| Rung::new(*rate)).collect::<Vec<_>>();
        let (pictures, sound) = (rungs(&odd.pictures), rungs(&odd.sound));
        let (mut one, mut other) = (Chooser::new(), Chooser::new());
        for (now, estimate_bps, sound_now, pictures_now, rate, buffer, total_bps) in odd.asks {
            let situation = Situation {
                now: Duration::from_millis(now),
                pairs: odd.pairs.as_deref(),
                pictures_now,
                sound_now,
                estimate_bps,
                buffer: SECOND * buffer,
                phase: Phase::Steady,
                rate,
                total_bps,
                ..Situation::new(&pictures, &sound)
            };
            let choice = one.choose(&situation);
            prop_assert_eq!(choice, other.choose(&situation));
            prop_assert!(choice.sound < sound.len().max(1));
            prop_assert!(choice.pictures.is_none_or(|rung| rung < pictures.len()));
            prop_assert!(situation.partner(pictures.len() / 2, choice.sound) < sound.len().max(1));
        }
    }
}
