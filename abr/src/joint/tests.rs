//! Each limit at its border: the last bit per second and the last instant that it allows.

use super::*;

const PICTURES: [Rung; 5] =
    [Rung::new(400_000), Rung::new(800_000), Rung::new(1_500_000), Rung::new(3_000_000), Rung::new(6_000_000)];
const SOUND: [Rung; 3] = [Rung::new(64_000), Rung::new(128_000), Rung::new(256_000)];
const SECOND: Duration = Duration::from_secs(1);

fn situation() -> Situation<'static> {
    Situation::new(&PICTURES, &SOUND)
}

#[test]
fn means_are_the_link_at_this_rate_and_the_saver() {
    let means = |estimate_bps, rate, total_bps| Situation { estimate_bps, rate, total_bps, ..situation() }.means();
    assert_eq!(means(None, 1.0, None), None);
    assert_eq!(means(Some(900), 1.0, None), Some(900));
    assert_eq!(means(Some(900), 2.0, None), Some(450));
    assert_eq!(means(Some(900), 0.5, None), Some(1800));
    for odd in [0.0, -2.0, f32::NAN] {
        assert_eq!(means(Some(900), odd, None), Some(900), "{odd}");
    }
    assert_eq!(means(Some(900), 2.0, Some(500)), Some(450));
    assert_eq!(means(Some(900), 1.0, Some(500)), Some(500));
    assert_eq!(means(None, 2.0, Some(500)), Some(500));
}

#[test]
fn sets_of_bits_have_room_for_64_rungs() {
    let sound = [Rung::new(1); 66];
    let paired = |rungs: usize, mask: u64, at: usize| {
        let masks = [mask; 5];
        Situation { pairs: Some(&masks), sound: &sound[..rungs], ..situation() }.pairs_with(0, at)
    };
    assert_eq!([0, 5, 63].map(|at| paired(64, 1 << 63, at)), [false, false, true]);
    assert_eq!([0, 5, 62].map(|at| paired(63, 1 << 62 | 1 << 63, at)), [false, false, true]);
    assert_eq!([0, 62].map(|at| paired(63, 1 << 63, at)), [true, true], "of a rung that does not exist");
    assert_eq!([1, 63, 64, 65].map(|at| paired(66, 0b10, at)), [true, false, false, false]);
    assert_eq!([0, 64].map(|at| paired(66, 0, at)), [true, true]);
}

#[test]
fn a_pair_is_carried_to_the_last_bit() {
    let carried = |sound, means| situation().carried(sound, means);
    assert_eq!([463_999, 464_000, 863_999, 864_000].map(|means| carried(0, means)), [None, Some(0), Some(0), Some(1)]);
    assert_eq!([1_755_999, 1_756_000, u64::MAX].map(|means| carried(2, means)), [Some(1), Some(2), Some(4)]);
    // With the top only the best sound may be played, and it counts whatever is wanted.
    let pairs = [0b111, 0b111, 0b111, 0b111, 0b100];
    let paired = Situation { pairs: Some(&pairs), ..situation() };
    assert_eq!([6_255_999, 6_256_000].map(|means| paired.carried(0, means)), [Some(3), Some(4)]);
}

#[test]
fn up_is_counted_in_permitted_rungs() {
    let up = |situation: &Situation<'_>, part| [0, 1, 2, 3, 4].map(|rung| situation.is_up(Some(rung), part));
    assert_eq!(up(&situation(), (1, 2)), [false, false, true, true, true]);
    assert_eq!(up(&situation(), (2, 3)), [false, false, false, true, true]);
    let capped = Situation { caps: Caps { max_height: None, max_bitrate_bps: Some(1_500_000) }, ..situation() };
    assert_eq!(up(&capped, (1, 2)), [false, true, true, true, true]);
    assert_eq!(up(&capped, (2, 3)), [false, false, true, true, true]);
    assert!(!situation().is_up(None, (1, 2)) && !situation().is_up(None, (0, 1)));
}

#[test]
fn sound_is_affordable_at_an_eighth_to_the_last_bit() {
    let affordable = |means| situation().affordable(means);
    assert_eq!([2_047_999, 2_048_000].map(affordable), [1, 2]);
    assert_eq!([1_023_999, 1_024_000].map(affordable), [0, 1]);
    // An eighth is there, and a rung of the pictures below the upper third would be lost.
    assert_eq!([1_627_999, 1_628_000].map(affordable), [0, 1]);
    // 3.2 Mbit/s carry the fourth rung with any but the best audio, 3.3 with all.
    assert_eq!([3_063_999, 3_064_000, 3_128_000, 3_255_999, 3_256_000].map(affordable), [2, 0, 1, 1, 2]);
    // The top would be lost, and what is left is in the upper third.
    assert_eq!(affordable(6_064_000), 2);
}

#[test]
fn a_start_without_knowledge_gives_sound_a_fifth_of_the_lowest_pictures() {
    let blind = |lowest, total_bps| {
        let pictures = [Rung::new(lowest), Rung::new(9_000_000)];
        Situation { total_bps, ..Situation::new(&pictures, &SOUND) }.blind()
    };
    assert_eq!([320_000, 639_999, 640_000, 1_279_999, 1_280_000].map(|lowest| blind(lowest, None)), [0, 0, 1, 1, 2]);
    assert_eq!(blind(640_000, Some(700_000)), 0, "the saver leaves less");
    assert_eq!(blind(640_000, Some(9_000_000)), 1);
    assert_eq!(Situation::new(&[], &SOUND).blind(), 0);
}

#[test]
fn sound_is_urgent_to_the_last_bit_where_nothing_else_can_fall() {
    let long = Situation { buffer: 20 * SECOND, phase: Phase::Steady, pictures_now: Some(0), ..situation() };
    // 400 and 128 kbit/s with a quarter to spare are 660.
    assert!(long.is_urgent(1, 659_999) && !long.is_urgent(1, 660_000));
    let small = [Rung::new(100_000)];
    let small = Situation { pictures: &small, ..long };
    assert!(small.is_urgent(2, 1_279_999) && !small.is_urgent(2, 1_280_000), "a fifth");
    let higher = Situation { pictures_now: Some(1), ..long };
    assert!(!higher.is_urgent(1, 1));
    assert!(Situation { pictures_now: None, ..long }.is_urgent(1, 1));
    assert!(Situation { buffer: SHORT_BUFFER - Duration::from_nanos(1), ..higher }.is_urgent(1, 1));
    assert!(!Situation { buffer: SHORT_BUFFER, ..higher }.is_urgent(1, 1));
    assert!(Situation { phase: Phase::Rebuffering, ..higher }.is_urgent(1, u64::MAX));
    // The lowest pictures that may be shown are the second rung.
    let mut locked = PICTURES;
    locked[0] = locked[0].protected_by(crate::Hdcp::Type1);
    let locked = Situation { pictures: &locked, ..higher };
    assert!(locked.is_urgent(1, 1_159_999) && !locked.is_urgent(1, 1_160_000));
    assert!(!Situation { pictures_now: Some(2), ..locked }.is_urgent(1, 1));
    assert_eq!(locked.lowest(), Some((1, 800_000)));
    let none = Situation { caps: Caps { max_height: None, max_bitrate_bps: Some(1) }, ..situation() };
    assert_eq!((none.lowest(), Situation::new(&[], &SOUND).lowest()), (Some((0, 400_000)), None));
}

#[test]
fn a_saver_is_exceeded_to_the_last_bit() {
    let over = |total, sound| Situation { total_bps: Some(total), ..situation() }.is_over_total(sound);
    assert!(over(463_999, 0) && !over(464_000, 0), "the lowest of both");
    assert!(over(1_279_999, 2) && !over(1_280_000, 2), "a fifth");
    assert!(!situation().is_over_total(2));
}

/// Choices at seconds, each with an estimate and the rung of sound then.
fn choices(chooser: &mut Chooser, asks: impl IntoIterator<Item = (u32, u64, usize)>) -> Vec<(usize, Reason)> {
    let steady = Situation { buffer: 20 * SECOND, phase: Phase::Steady, pictures_now: Some(4), ..situation() };
    let ask = |(now, estimate, sound): (u32, u64, usize)| {
        let choice = chooser.choose(&Situation {
            now: SECOND * now,
            estimate_bps: Some(estimate),
            sound_now: Some(sound),
            ..steady
        });
        (choice.sound, choice.reason)
    };
    asks.into_iter().map(ask).collect()
}

#[test]
fn the_lowest_sound_is_held_whatever_happens() {
    let held = (0, Reason::Hold);
    let all = choices(&mut Chooser::new(), (0..30).map(|second| (second, 200_000, 0)));
    assert!(all.iter().all(|choice| *choice == held), "{all:?}");
    let lowest = Situation { sound_now: Some(0), estimate_bps: Some(200_000), total_bps: Some(1), ..situation() };
    for phase in [Phase::Rebuffering, Phase::Steady] {
        let choice = Chooser::new().choose(&Situation { phase, ..lowest });
        assert_eq!((choice.sound, choice.reason), held);
    }
}

#[test]
fn a_wait_begins_again_after_a_break_and_ends() {
    let asks = (0..6).map(|second| (second, 9_000_000, 0)).chain([(6, 480_000, 0)]);
    let asks = asks.chain((7..18).map(|second| (second, 9_000_000, 0)));
    let all = choices(&mut Chooser::new(), asks);
    assert!(all[..17].iter().all(|choice| choice.0 == 0), "{all:?}");
    assert_eq!(all[17], (2, Reason::Throughput));
    // Only what was affordable all the time is gone up to.
    let asks = (0..11).map(|second| (second, if second == 5 { 1_650_000 } else { 9_000_000 }, 0));
    assert_eq!(choices(&mut Chooser::new(), asks)[10], (1, Reason::Throughput));
    // Another chose that meanwhile: it is held until something better was affordable for long enough.
    let asks = (0..10).map(|second| (second, if second == 5 { 1_650_000 } else { 9_000_000 }, 0));
    let all = choices(&mut Chooser::new(), asks.chain([(10, 9_000_000, 1)]));
    assert_eq!(all[10], (1, Reason::Hold));
}

#[test]
fn a_short_buffer_postpones_a_rise() {
    for (buffer, sound) in [(SHORT_BUFFER - Duration::from_nanos(1), 0), (SHORT_BUFFER, 2)] {
        let mut chooser = Chooser::new();
        let _ = choices(&mut chooser, [(0, 9_000_000, 0)]);
        let situation = Situation {
            now: UP_AFTER,
            buffer,
            phase: Phase::Steady,
            estimate_bps: Some(9_000_000),
            sound_now: Some(0),
            pictures_now: Some(4),
            ..situation()
        };
        assert_eq!(chooser.choose(&situation).sound, sound);
    }
}

#[test]
fn what_is_dear_and_what_breaks_that() {
    // 1.1 Mbit/s: 256 kbit/s are more than a fifth of it, for six seconds without a break.
    let dear = |second| (second, 1_100_000, 2);
    let all = choices(&mut Chooser::new(), (0..7).map(dear));
    assert_eq!((all[5], all[6]), ((2, Reason::Hold), (1, Reason::Throughput)));
    let asks = (0..5).map(dear).chain([(5, 2_000_000, 2)]).chain((6..13).map(dear));
    let all = choices(&mut Chooser::new(), asks);
    assert!(all[..12].iter().all(|choice| choice.0 == 2), "{all:?}");
    assert_eq!(all[12], (1, Reason::Throughput));
    // 1.8 Mbit/s do not carry the third rung with it, but the second is in the lower half: that is dear as well.
    let all = choices(&mut Chooser::new(), (0..7).map(|second| (second, 1_700_000, 2)));
    assert_eq!(all[6], (1, Reason::Throughput));
    // A rung that is dear now was better before: the wait for the next one begins anew.
    let mut chooser = Chooser::new();
    let _ = choices(&mut chooser, (0..9).map(|second| (second, 9_000_000, 1)));
    let asks = [(9, 500_000, 1), (10, 9_000_000, 1), (19, 9_000_000, 1), (20, 9_000_000, 1)];
    let all = choices(&mut chooser, asks);
    assert_eq!(all.iter().map(|choice| choice.0).collect::<Vec<_>>(), [1, 1, 1, 2]);
}

#[test]
fn a_saver_takes_one_rung_at_least() {
    // Neither pictures nor any sound fit together, so an eighth would do for the best sound: it falls rung by rung.
    let sound = [Rung::new(8000), Rung::new(16_000), Rung::new(30_000)];
    let chosen = |now: usize| {
        let choice = Chooser::new().choose(&Situation {
            sound: &sound,
            sound_now: Some(now),
            total_bps: Some(300_000),
            buffer: 20 * SECOND,
            phase: Phase::Steady,
            pictures_now: Some(3),
            ..situation()
        });
        (choice.sound, choice.reason)
    };
    assert_eq!([2, 1, 0].map(chosen), [(1, Reason::Capped), (0, Reason::Capped), (0, Reason::Hold)]);
}

#[test]
fn one_rung_is_the_only_one_and_too_high_a_rung_is_the_highest() {
    let one = [Rung::new(64_000)];
    for sound in [&one[..], &[]] {
        let choice = Chooser::new().choose(&Situation { estimate_bps: Some(9_000_000), sound, ..situation() });
        assert_eq!((choice.sound, choice.reason, choice.pictures), (0, Reason::Only, Some(4)));
    }
    let beyond = Situation { sound_now: Some(9), estimate_bps: Some(9_000_000), ..situation() };
    assert_eq!(Chooser::new().choose(&beyond).sound, 2);
    let unknown = Situation { sound_now: Some(1), ..situation() };
    assert_eq!(Chooser::new().choose(&unknown), Choice { sound: 1, reason: Reason::Hold, pictures: None });
}

#[test]
fn two_rungs_of_audio_are_a_choice_and_one_is_not() {
    let rich =
        |sound: &'static [Rung]| Situation { estimate_bps: Some(50_000_000), ..Situation::new(&PICTURES, sound) };
    let first = |count: usize| Chooser::new().choose(&rich(&SOUND[..count]));
    let chosen = [1, 2, 3].map(|count| (first(count).sound, first(count).reason));
    assert_eq!(chosen, [(0, Reason::Only), (1, Reason::StartUp), (2, Reason::StartUp)]);
}

#[test]
fn a_first_picture_does_not_wait_for_rich_audio() {
    // Two megabit afford 256 kbit/s; over four seconds they are 192 kbit/s more than the lowest, 384 ms of the link.
    let seek = |awaited, sound_now, now| Situation {
        awaited: Duration::from_millis(awaited),
        sound_now,
        now: Duration::from_secs(now),
        estimate_bps: Some(2_100_000),
        buffer: Duration::from_secs(20),
        phase: Phase::AfterSeek,
        ..Situation::new(&PICTURES[..1], &SOUND)
    };
    let mut chooser = Chooser::new();
    assert_eq!(chooser.choose(&seek(0, None, 1)).sound, 2);
    assert_eq!(chooser.choose(&seek(0, Some(2), 2)).sound, 2);
    let soon = chooser.choose(&seek(4000, Some(2), 3));
    assert_eq!((soon.sound, soon.reason), (0, Reason::StartUp));
    assert_eq!(chooser.choose(&seek(400, Some(0), 3)).sound, 0, "playback still waits");
    let back = chooser.choose(&seek(0, Some(0), 4));
    assert_eq!((back.sound, back.reason), (2, Reason::Hold), "at once, as nothing is known against it");
    assert_eq!(chooser.choose(&seek(0, Some(2), 5)).sound, 2);
    let mut chooser = Chooser::new();
    let border = |awaited| Chooser::new().choose(&seek(awaited, Some(2), 1)).sound;
    assert_eq!([1093, 1094, 3281, 3282].map(border), [2, 1, 1, 0], "210 kbit of 192 and of 64 a second");
    assert_eq!(chooser.choose(&seek(4000, None, 1)).sound, 0);
    assert_eq!(chooser.choose(&seek(0, Some(0), 1)).sound, 2, "the first choice, put off");
    let mut chooser = Chooser::new();
    chooser.choose(&seek(4000, Some(2), 1));
    let poor = Situation { estimate_bps: Some(700_000), ..seek(0, Some(0), 2) };
    assert_eq!(chooser.choose(&poor).sound, 0, "no longer affordable");
}

#[test]
fn audio_returns_once_to_the_first_rung_that_was_put_off() {
    let seek = |awaited, sound_now| Situation {
        awaited: Duration::from_millis(awaited),
        sound_now: Some(sound_now),
        estimate_bps: Some(2_100_000),
        buffer: Duration::from_secs(20),
        phase: Phase::AfterSeek,
        ..Situation::new(&PICTURES[..1], &SOUND)
    };
    let mut chooser = Chooser::new();
    assert_eq!(chooser.choose(&seek(2000, 2)).sound, 1, "128 kbit more would be too late");
    assert_eq!(chooser.choose(&seek(4000, 1)).sound, 0);
    assert_eq!(chooser.choose(&seek(0, 0)).sound, 2, "the one before both");
    assert_eq!(chooser.choose(&seek(0, 1)).sound, 1, "another choice since then is kept");
}

#[test]
fn audio_that_had_to_fall_does_not_return_to_what_was_put_off() {
    let seek = |awaited, sound_now| Situation {
        awaited: Duration::from_millis(awaited),
        sound_now: Some(sound_now),
        estimate_bps: Some(2_100_000),
        buffer: Duration::from_secs(20),
        phase: Phase::AfterSeek,
        ..Situation::new(&PICTURES[..1], &SOUND)
    };
    let mut chooser = Chooser::new();
    assert_eq!(chooser.choose(&seek(2000, 2)).sound, 1);
    let stalled = chooser.choose(&Situation { phase: Phase::Rebuffering, ..seek(2000, 1) });
    assert_eq!((stalled.sound, stalled.reason), (0, Reason::BufferLow));
    assert_eq!(chooser.choose(&seek(0, 0)).sound, 0);
}
