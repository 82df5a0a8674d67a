//! Reasons, advice, and sizes that become known while a segment arrives.

use super::*;
use crate::{Caps, Hdcp, Rung};

const MS: fn(u64) -> Duration = Duration::from_millis;
const LADDER: [Rung; 6] = [
    Rung::new(300_000),
    Rung::new(750_000),
    Rung::new(1_200_000),
    Rung::new(1_850_000),
    Rung::new(2_850_000),
    Rung::new(4_300_000),
];

fn transfer(kbps: u64) -> Transfer {
    Transfer {
        at: MS(1000),
        bytes: kbps * 125,
        ttfb: MS(40),
        duration: MS(1000),
        cached: false,
        concurrent: 1,
        others: 0,
    }
}

/// A planner that has seen `count` seconds of a link of `kbps`.
fn after(kbps: u64, count: u32) -> Planner {
    let mut planner = Planner::new();
    (0..count).for_each(|_| planner.on_transfer(&transfer(kbps)));
    planner
}

fn context(ladder: &[Rung], buffer: u64) -> Context<'_> {
    Context { now: MS(60_000), last: Some(0), buffer: MS(buffer), ..Context::new(ladder, MS(4000)) }
}

fn in_flight(rung: usize, size: u64, received: u64, elapsed: u64, buffer: u64) -> InFlight {
    InFlight {
        now: MS(60_000 + elapsed),
        rung,
        size: Some(size),
        received,
        elapsed: MS(elapsed),
        ttfb: (received > 0).then_some(MS(40)),
        buffer: MS(buffer),
        segment_duration: MS(4000),
        others: 0,
    }
}

#[test]
fn reasons_follow_from_the_link_the_caps_and_the_rung_before() {
    // Two megabit carry the fourth rung.
    let mut planner = after(2000, 1);
    let plain = Context { last: None, ..context(&LADDER, 20_000) };
    let mut reason = |context: &Context<'_>, rung: usize| {
        planner.choice = CandidateRungs::new(context);
        planner.reason(context, rung)
    };
    let steady = [2, 3, 4].map(|rung| reason(&plain, rung));
    assert_eq!(steady, [Reason::BufferLow, Reason::Throughput, Reason::BufferHigh]);
    let held = Context { last: Some(4), ..plain.clone() };
    assert_eq!([2, 4].map(|rung| reason(&held, rung)), [Reason::BufferLow, Reason::Hold]);
    let shared = Context { reserved_bps: 900_000, ..plain.clone() };
    assert_eq!([0, 1, 2].map(|rung| reason(&shared, rung)), steady);
    let capped = |bps| Context { caps: Caps { max_height: None, max_bitrate_bps: Some(bps) }, ..held.clone() };
    assert_eq!([1, 2].map(|rung| reason(&capped(1_200_000), rung)), [Reason::BufferLow, Reason::Capped]);
    assert_eq!(reason(&capped(1_850_000), 3), Reason::Throughput, "the link carries no more than the caps");
    let phases = [Phase::StartUp, Phase::AfterSeek, Phase::Rebuffering];
    let reasons = phases.map(|phase| reason(&Context { phase, ..capped(1_200_000) }, 2));
    assert_eq!(reasons, [Reason::StartUp, Reason::StartUp, Reason::Panic]);
}

#[test]
fn advice_is_for_the_question_that_follows_within_a_quarter_of_a_second() {
    let answer = |waited: u64, rung: usize, ladder: &[Rung]| {
        let mut planner = after(2000, 3);
        planner.advised = rung.checked_sub(1).map(|rung| (MS(60_000 - waited), rung));
        let decision = planner.select(&context(ladder, 12_000));
        assert_eq!(planner.advised, None);
        (decision.representation, decision.reason)
    };
    let own = answer(0, 0, &LADDER);
    assert_ne!(own.0, 1);
    assert_eq!([answer(0, 2, &LADDER), answer(250, 2, &LADDER)], [(1, Reason::Abandoned); 2]);
    assert_eq!(answer(251, 2, &LADDER), own);
    assert_eq!([5, 6].map(|rung| answer(0, rung, &LADDER[..4])), [answer(0, 0, &LADDER[..4]); 2], "no such rung");
    assert_eq!(answer(0, 4, &LADDER[..4]), (3, Reason::Abandoned));
    let mut locked = LADDER;
    locked[2] = locked[2].protected_by(Hdcp::Type1);
    assert_eq!(answer(0, 3, &locked), (1, Reason::Capped));
}

/// A planner that has chosen a rung, without sizes, and the answer to the first look at the transfer.
fn reconsidered(change: impl FnOnce(&mut Planner), seen: &Context<'_>, size: u64, buffer: u64) -> (usize, Verdict) {
    let mut planner = after(2400, 6);
    let rung = planner.select(&context(&LADDER, buffer)).representation;
    change(&mut planner);
    (rung, planner.on_progress(&in_flight(rung, size, 1, 80, buffer), seen))
}

#[test]
fn a_size_that_is_news_is_planned_with_once() {
    let plain = context(&LADDER, 9000);
    let (rung, verdict) = reconsidered(|_| (), &plain, 4_000_000, 9000);
    let Verdict::AbandonTo(lower) = verdict else { panic!("four times the usual size") };
    assert!(lower < rung);
    let (_, verdict) = reconsidered(|_| (), &plain, 200_000, 9000);
    assert!(matches!(verdict, Verdict::AbandonTo(higher) if higher > rung), "a fifth of it: {verdict:?}");
    // With the buffer as long no transfer of 13 s would be given up for its pace alone.
    let plain = context(&LADDER, 26_000);
    let continued = Verdict::Continue;
    assert_ne!(reconsidered(|_| (), &plain, 2_000_000, 26_000).1, continued);
    assert_eq!(reconsidered(|planner| planner.sized = true, &plain, 2_000_000, 26_000).1, continued);
    assert_eq!(reconsidered(Planner::on_seek, &plain, 2_000_000, 26_000).1, continued, "there is no plan");
    let sizes: Vec<u64> = (0..6).map(|rung| plain.nominal_bytes(rung)).collect();
    let known = Context { next_sizes: Some(&sizes), ..plain.clone() };
    assert_eq!(reconsidered(|_| (), &known, 2_000_000, 26_000).1, continued, "sizes are known");
    let (_, Verdict::AbandonTo(other)) = reconsidered(|_| (), &plain, 2_000_000, 26_000) else { panic!("as before") };
    let mut locked = LADDER;
    locked[other] = locked[other].protected_by(Hdcp::Type1);
    let locked = Context { rungs: &locked, ..plain.clone() };
    assert_eq!(reconsidered(|_| (), &locked, 2_000_000, 26_000).1, continued, "the output may not show it now");

    let mut planner = after(2400, 6);
    let _ = planner.select(&plain);
    assert_eq!(planner.reconsider(&in_flight(9, 150_000, 0, 0, 9000), &plain, 150_000), None, "no such rung");

    // What was noted is noted once, and of a rung that exists.
    let mut planner = after(2400, 6);
    let rung = planner.select(&plain).representation;
    let before = planner.sizes;
    for missing in [6, 7] {
        assert_eq!(planner.on_progress(&in_flight(missing, 9, 1, 80, 9000), &plain), continued);
        assert_eq!((planner.sizes, planner.sized), (before, false));
    }
    let usual = plain.nominal_bytes(rung);
    let _ = planner.on_progress(&in_flight(rung, usual * 5 / 4, 1, 80, 26_000), &plain);
    let mut noted = before;
    noted.observe(1.25, 1.0);
    assert_eq!((planner.sizes.ratio(3), planner.sized), (noted.ratio(3), true));
    let _ = planner.on_progress(&in_flight(rung, usual * 2, 2, 180, 26_000), &plain);
    assert_eq!(planner.sizes.ratio(3), noted.ratio(3));
    // Advice that is followed asks about the same segment.
    let asked = |waited: u64| {
        let mut planner = planner.clone();
        planner.advised = Some((MS(60_000 - waited), 1));
        let _ = planner.select(&plain);
        (planner.sized, planner.sizes.variance() == 0.0)
    };
    assert_eq!([asked(250), asked(251)], [(true, true), (false, false)]);
}

#[test]
fn only_what_may_be_given_up_is_watched() {
    let plain = context(&LADDER, 9000);
    let flight = |planner: &Planner| format!("{:?}", planner.flight);
    let mut planner = after(2400, 6);
    let _ = planner.select(&plain);
    planner.sized = true;
    let before = flight(&planner);
    // The lowest rung, one that does not exist, and one that was not to choose from.
    let _ = planner.on_progress(&in_flight(0, 150_000, 50_000, 900, 9000), &plain);
    let _ = planner.on_progress(&in_flight(6, 150_000, 50_000, 900, 9000), &plain);
    assert_eq!(flight(&planner), before);
    let capped = Context { caps: Caps { max_height: None, max_bitrate_bps: Some(1_000_000) }, ..plain.clone() };
    let mut other = after(2400, 6);
    let _ = other.select(&capped);
    other.sized = true;
    let _ = other.on_progress(&in_flight(2, 600_000, 50_000, 900, 9000), &plain);
    assert_eq!(flight(&other).replace("from: Some(0)", ""), before.replace("from: Some(0)", ""));
    let _ = planner.on_progress(&in_flight(2, 600_000, 50_000, 900, 9000), &plain);
    assert_ne!(flight(&planner), before);

    let mut planner = after(2400, 6);
    let _ = planner.select(&plain);
    let before = flight(&planner);
    planner.on_transfer(&Transfer { cached: true, ..transfer(9000) });
    assert_eq!(flight(&planner), before, "the cache says nothing about the link");
    planner.on_transfer(&transfer(9000));
    assert_ne!(flight(&planner), before);
}

#[test]
fn one_rung_and_no_rung_need_no_plan() {
    for count in [0, 1] {
        let mut planner = after(2400, 6);
        assert_eq!(planner.select(&context(&LADDER[..count], 9000)), Decision::new(0, Reason::Only));
        assert!(!planner.planned);
    }
    assert!(after(2400, 6).select(&context(&LADDER[..2], 9000)).reason != Reason::Only);
}

#[test]
fn time_before_the_first_byte_is_watched_past_the_usual_wait_at_any_rate_of_playback() {
    // What is believed of outages before any was seen is two in 300 s.
    let watched = |planner: &Planner| 2.0 / planner.flight.outages().per_second - 300.0;
    for rate in [1.0, 2.0] {
        let mut planner = Planner::new();
        let slow = Transfer { ttfb: MS(400), ..transfer(9000) };
        (0..6).for_each(|_| planner.on_transfer(&slow));
        let context = Context { rate, ..context(&LADDER, 9000) };
        let rung = planner.select(&context).representation;
        assert!(rung > 0, "the lowest rung is not judged");
        let before = watched(&planner);
        let _ = planner.on_progress(&in_flight(rung, context.nominal_bytes(rung), 0, 1000, 9000), &context);
        assert!((watched(&planner) - before - 0.6).abs() < 0.01, "{rate}: {before} then {}", watched(&planner));
    }
}

#[test]
fn a_rung_that_is_offered_no_more_counts_as_the_highest_that_is() {
    let caps = Caps { max_height: None, max_bitrate_bps: Some(1_300_000) };
    let capped = Context { caps, ..context(&LADDER, 9000) };
    let verdicts = |from: usize| -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for buffer in (1000..14_000).step_by(500) {
            for received in (20_000..600_000).step_by(40_000) {
                let mut planner = after(2400, 6);
                let _ = planner.select(&capped);
                planner.sized = true;
                planner.flight.begin(Some(from), 2_400_000.0, &capped);
                verdicts.push(planner.on_progress(&in_flight(2, 600_000, received, 2000, buffer), &capped));
            }
        }
        verdicts
    };
    let highest = verdicts(2);
    assert!(highest.contains(&Verdict::Continue) && highest.iter().any(|verdict| *verdict != Verdict::Continue));
    assert_eq!(verdicts(5), highest);
}

#[test]
fn a_first_picture_is_chosen_and_judged_by_its_part_of_the_segment() {
    let awaited = |millis| Some(crate::FirstPicture { media: MS(millis), ..crate::FirstPicture::default() });
    let waiting = |millis| Context { phase: Phase::AfterSeek, first_picture: awaited(millis), ..context(&LADDER, 0) };
    // On 8 Mbit/s 1.9 Mbit come within a quarter of a second and the 40 ms to the first byte: 20 % of 8 Mbit.
    let mut planner = after(8000, 6);
    let choose = |planner: &mut Planner, millis| {
        let decision = planner.select(&waiting(millis));
        (decision.representation, decision.reason)
    };
    assert_eq!([400, 4000].map(|millis| choose(&mut planner, millis)), [(3, Reason::StartUp), (0, Reason::StartUp)]);
    let blind = Planner::new().select(&waiting(400));
    assert_eq!((blind.representation, blind.reason), (0, Reason::StartUp), "nothing is known of the link");
    // Its size is a surprise that a plan would act on, and so is the pace of the whole segment.
    choose(&mut planner, 400);
    let flight = |received| in_flight(3, 4_000_000, received, 240, 0);
    assert_eq!(planner.on_progress(&flight(200_000), &waiting(400)), Verdict::AbandonTo(2), "5 Mbit are left at 8");
    choose(&mut planner, 400);
    let usual = InFlight { size: Some(925_000), ..flight(100_000) };
    assert_eq!(planner.on_progress(&usual, &waiting(400)), Verdict::Continue);
    // Once playback has begun the plan judges again.
    assert_ne!(planner.on_progress(&usual, &Context { first_picture: None, ..waiting(400) }), Verdict::Continue);
}

#[test]
fn a_transfer_that_shares_the_link_is_not_taken_for_one_on_a_slower_link() {
    // Least buffer with which a transfer goes on of which 300 kB arrived in two seconds; the link carries 500 kB in these.
    let least = |others: u64| {
        let goes_on = |buffer: u64| {
            let mut planner = after(2000, 30);
            let seen = context(&LADDER, buffer + 2000);
            planner.select(&seen);
            let transfer = InFlight { others, ..in_flight(3, 1_000_000, 300_000, 2040, buffer) };
            planner.on_progress(&transfer, &seen) == Verdict::Continue
        };
        (0..200).map(|step| step * 100).find(|buffer| goes_on(*buffer))
    };
    assert_eq!((least(0), least(200_000)), (Some(9800), Some(8300)), "milliseconds: the rest went to others");
}
