//! Each limit at its border: the last frame and the last instant that it allows.

use super::*;

const MS: fn(u64) -> Duration = Duration::from_millis;
const LIMIT: FramePolicy = FramePolicy { least_frames: 100, ..FramePolicy::DEFAULT };

fn report(at: u64, rung: u64, presented: u64, dropped: u64) -> FrameReport {
    FrameReport { at: MS(at), rung: Rung::new(rung), presented, dropped }
}

/// Returns the memory: rates, milliseconds until which they are forbidden, and failures.
fn failed(frames: &DroppedFrames) -> Vec<(u64, u128, u32)> {
    let one = |failed: &Failed| (failed.bitrate_bps, failed.until.as_millis(), failed.times);
    frames.failed.iter().flatten().map(one).collect()
}

/// After one report, a second after the rung was first shown.
fn after(presented: u64, dropped: u64) -> DroppedFrames {
    let mut frames = DroppedFrames::with(LIMIT);
    frames.observe(&report(5000, 8, 0, 0));
    frames.observe(&report(6000, 8, presented, dropped));
    frames
}

#[test]
fn a_share_of_enough_frames_fails() {
    assert_eq!(failed(&after(84, 16)), [(8, 66_000, 1)]);
    assert_eq!(failed(&after(85, 15)), [], "not more than the share");
    assert_eq!(failed(&after(83, 16)), [], "a frame too few");
    assert_eq!(failed(&after(0, 100)), [(8, 66_000, 1)]);
    assert_eq!(failed(&after(u64::MAX, 1 << 61)), [], "an eighth of a sum that is bounded");
    assert_eq!(failed(&after(u64::MAX, 1 << 62)), [(8, 66_000, 1)]);
}

#[test]
fn a_bound_ends_at_its_instant() {
    let frames = after(50, 50);
    let bound = |at: u64| frames.caps(MS(at)).max_bitrate_bps;
    assert_eq!([6000, 65_999, 66_000].map(bound), [Some(7), Some(7), None]);
    assert_eq!(frames.caps(MS(6000)).max_height, None);
    let mut zero = DroppedFrames::with(LIMIT);
    zero.observe(&report(0, 0, 0, 0));
    zero.observe(&report(1000, 0, 0, 100));
    assert_eq!(zero.caps(MS(1000)).max_bitrate_bps, Some(0));
}

#[test]
fn frames_count_once_the_decoder_has_settled() {
    let at = |since: u64| {
        let mut frames = DroppedFrames::with(LIMIT);
        frames.observe(&report(5000, 8, 0, 0));
        frames.observe(&report(5000 + since, 8, 0, 500));
        failed(&frames).len()
    };
    assert_eq!([999, 1000].map(at), [0, 1]);
    // A restart, which is never before the latest report.
    let mut frames = DroppedFrames::with(LIMIT);
    frames.observe(&report(5000, 8, 0, 0));
    frames.observe(&report(9000, 8, 60, 0));
    frames.restart(MS(1));
    frames.observe(&report(9999, 8, 0, 500));
    assert_eq!(failed(&frames), []);
    frames.observe(&report(10_000, 8, 0, 99));
    assert_eq!(failed(&frames), [], "what came before is not counted");
    frames.observe(&report(7, 8, 0, 1));
    assert_eq!(failed(&frames), [(8, 70_000, 1)], "an old report counts as if made with the last");
}

#[test]
fn what_is_forbidden_is_not_judged_and_what_is_below_it_is() {
    let judged = |rung: u64, at: u64| {
        let mut frames = after(50, 50);
        frames.observe(&report(at - 1000, rung, 0, 0));
        frames.observe(&report(at, rung, 0, 500));
        failed(&frames)
    };
    let first = [(8, 66_000, 1)];
    assert_eq!(judged(8, 65_999), first);
    assert_eq!(judged(9, 65_999), first);
    assert_eq!(judged(8, 66_000), [(8, 186_000, 2)], "its time is over, and the second takes twice as long");
    assert_eq!(judged(9, 66_000), [(8, 66_000, 1), (9, 126_000, 1)]);
    // The higher one waits a minute longer than the lower one.
    assert_eq!(judged(7, 60_000), [(7, 120_000, 1), (8, 180_000, 1)]);
}

#[test]
fn thirty_seconds_in_time_forgive_what_is_not_higher() {
    let later = |rung: u64, dropped: u64, until: u64| {
        let mut frames = after(50, 50);
        frames.observe(&report(65_000, 1, 0, 0));
        for at in (66..=96).map(|second| second * 1000).filter(|at| *at <= until) {
            frames.observe(&report(at, rung, 100 - dropped, dropped));
        }
        failed(&frames).len()
    };
    // A twentieth may be dropped; the time counts from the change of rung.
    assert_eq!([95_000, 96_000].map(|until| later(8, 5, until)), [1, 0]);
    assert_eq!(later(9, 5, 96_000), 0);
    assert_eq!(later(7, 5, 96_000), 1);
    assert_eq!(later(8, 6, 96_000), 1);
}

#[test]
fn ten_parts_of_the_window_are_counted() {
    let mut frames = DroppedFrames::with(FramePolicy { least_frames: u64::MAX, ..LIMIT });
    frames.observe(&report(0, 8, 0, 0));
    let mut sums = Vec::new();
    for second in 1..=21 {
        frames.observe(&report(second * 1000, 8, second, 1));
        sums.push(frames.window.sum(LIMIT.window));
    }
    assert_eq!((sums[0], sums[8]), ((1, 1), (45, 9)));
    assert_eq!((sums[9], sums[10]), ((55, 10), (65, 10)), "the eleventh second takes the place of the first");
    assert_eq!(sums[20], ((12..=21).sum(), 10));
    frames.observe(&report(21_999, 8, 1000, 3));
    assert_eq!(frames.window.sum(LIMIT.window), ((12..=21).sum::<u64>() + 1000, 13));
    frames.observe(&report(30_000, 8, 0, 0));
    assert_eq!(frames.window.sum(LIMIT.window), (1021, 4), "a time without reports is empty");
    frames.observe(&report(31_000, 8, 0, 0));
    assert_eq!(frames.window.sum(LIMIT.window), (0, 0));
}

#[test]
fn eight_failures_are_remembered_and_the_wait_is_bounded() {
    let mut frames = DroppedFrames::with(LIMIT);
    // From the highest to the lowest, so that none is forbidden when it fails.
    for (step, rung) in (1..=9).rev().enumerate() {
        let at = 10_000 + step as u64 * 2000;
        frames.observe(&report(at, rung, 0, 0));
        frames.observe(&report(at + 1000, rung, 0, 500));
    }
    let rates: Vec<u64> = failed(&frames).iter().map(|failed| failed.0).collect();
    assert_eq!(rates, [1, 2, 3, 4, 5, 6, 7, 8]);
    let mut again = DroppedFrames::with(LIMIT);
    let (mut at, mut waits) = (0, Vec::new());
    for _ in 0..40 {
        again.observe(&report(at, 8, 0, 0));
        again.restart(MS(at));
        again.observe(&report(at + 1000, 8, 0, 500));
        let until = again.failed[0].map_or(0, |failed| failed.until.as_millis() as u64);
        waits.push((until - at - 1000) / 1000);
        at = until;
    }
    assert_eq!(waits[..7], [60, 120, 240, 480, 960, 1800, 1800]);
    assert_eq!(waits[39], 1800);
}
