//! Decides when to give up a transfer for a smaller one. The advice is about one transfer; rules choose the next rung.
//!
//! Spiteri, Urgaonkar, Sitaraman: "BOLA: Near-Optimal Bitrate Adaptation for Online Videos", INFOCOM 2016, §VI, and
//! Spiteri, Sitaraman, Sparacio: "From Theory to Practice: Improving Bitrate Adaptation in the DASH Reference Player",
//! MMSys 2018, show that reacting inside a segment decides sessions whose bandwidth falls.

use crate::{Context, InFlight, Verdict, estimator::Bandwidth};

/// Time after the first byte before which the present rate is not believed, in seconds.
const LOOK_AFTER: f64 = 0.2;
/// Bytes before which the present rate is not believed, unless [`SILENCE`] has passed.
const LOOK_BYTES: u64 = 16 * 1024;
/// Time without a believable amount of data after which the link counts as stalled, in seconds.
const SILENCE: f64 = 1.0;
/// The replacement must arrive in this share of the time that the rest of the present transfer needs.
const WORTHWHILE: f64 = 0.4;
/// Seconds of stall that one whole ladder of lost quality is worth.
const LADDER_SECONDS: f64 = 1.5;

/// Decides if the transfer should be given up, and for which rung.
///
/// It is given up only if, at the rate seen inside this transfer, it ends after the buffer has run dry, a lower rung
/// fetched from its beginning arrives clearly sooner than the rest of this one, and the stall that is avoided outweighs
/// the picture that is lost. A transfer that is nearly complete thus always finishes, and bytes are not wasted for a
/// short stall.
#[must_use]
pub fn judge(in_flight: &InFlight, context: &Context<'_>, bandwidth: &Bandwidth) -> Verdict {
    if in_flight.rung == 0 || in_flight.rung >= context.rungs.len() {
        return Verdict::Continue;
    }
    let size = in_flight.size.unwrap_or_else(|| context.next_bytes(in_flight.rung));
    let Some(rate) = present_rate(in_flight, bandwidth) else {
        return Verdict::Continue;
    };
    let speed = context.playback_rate();
    let buffer = in_flight.buffer.as_secs_f64() / speed;
    let rest = seconds(size.saturating_sub(in_flight.received), rate);
    if rest <= buffer {
        return Verdict::Continue;
    }
    let ttfb = in_flight.ttfb.unwrap_or_else(|| bandwidth.ttfb()).as_secs_f64();
    let top = context.rungs.last().map_or(1.0, |rung| rung.bitrate_bps.max(1) as f64);
    let present = context.rungs[in_flight.rung].bitrate_bps as f64;
    let mut best: Option<(f64, usize)> = None;
    for rung in (0..in_flight.rung).rev() {
        if context.clamp(rung) != rung {
            continue;
        }
        let bytes = replacement_bytes(in_flight, context, rung, size);
        let replacement = ttfb + seconds(bytes, rate);
        if replacement > rest * WORTHWHILE {
            continue;
        }
        let saved = (rest - buffer) - (replacement - buffer).max(0.0);
        let lost = LADDER_SECONDS * (present - context.rungs[rung].bitrate_bps as f64) / top;
        let gain = saved - lost;
        if gain > 0.0 && best.is_none_or(|(most, _)| gain > most) {
            best = Some((gain, rung));
        }
    }
    best.map_or(Verdict::Continue, |(_, rung)| Verdict::AbandonTo(rung))
}

/// Returns the bytes of the segment at another rung: from the context, or in proportion to the size that is known.
fn replacement_bytes(in_flight: &InFlight, context: &Context<'_>, rung: usize, size: u64) -> u64 {
    if context.has_sizes() {
        return context.next_bytes(rung);
    }
    let present = context.rungs[in_flight.rung].bitrate_bps.max(1) as f64;
    (size as f64 * (context.rungs[rung].bitrate_bps as f64 / present)) as u64
}

/// Bits per second inside this transfer; `None` while it is too early to tell.
fn present_rate(in_flight: &InFlight, bandwidth: &Bandwidth) -> Option<f64> {
    let elapsed = in_flight.elapsed.as_secs_f64();
    let wait = in_flight.ttfb.unwrap_or(in_flight.elapsed).as_secs_f64();
    let body = (elapsed - wait).max(0.0);
    if body >= LOOK_AFTER && in_flight.received >= LOOK_BYTES {
        return Some(in_flight.received as f64 * 8.0 / body);
    }
    let usual = bandwidth.ttfb().as_secs_f64();
    // Silence: the few bytes received, over all the time elapsed, bound the rate from above.
    (elapsed > SILENCE + usual).then(|| ((in_flight.received.max(1)) as f64 * 8.0) / (elapsed - usual).max(LOOK_AFTER))
}

fn seconds(bytes: u64, rate: f64) -> f64 {
    bytes as f64 * 8.0 / rate.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rung;
    use std::time::Duration;

    const LADDER: [Rung; 3] = [Rung::new(500_000), Rung::new(2_000_000), Rung::new(8_000_000)];

    /// The top segment (4 MB) after `elapsed` ms and `received` bytes, with `buffer` ms ahead.
    fn at(elapsed: u64, received: u64, buffer: u64) -> Verdict {
        let context = Context::new(&LADDER, Duration::from_secs(4));
        let in_flight = InFlight {
            now: Duration::from_secs(60),
            rung: 2,
            size: Some(4_000_000),
            received,
            elapsed: Duration::from_millis(elapsed),
            ttfb: (received > 0).then_some(Duration::from_millis(50)),
            buffer: Duration::from_millis(buffer),
            segment_duration: Duration::from_secs(4),
            others: 0,
        };
        judge(&in_flight, &context, &Bandwidth::new())
    }

    #[test]
    fn a_transfer_that_makes_it_is_left_alone() {
        assert_eq!(at(1050, 1_000_000, 3_100), Verdict::Continue);
    }

    #[test]
    fn a_collapse_falls_to_the_rung_that_still_arrives_in_time() {
        // 1 Mbit/s: the rest needs 31 s, rung 1 needs 8 s, rung 0 two seconds.
        assert_eq!(at(1050, 125_000, 9_000), Verdict::AbandonTo(1));
        assert_eq!(at(1050, 125_000, 3_000), Verdict::AbandonTo(0));
    }

    #[test]
    fn a_nearly_complete_transfer_finishes() {
        assert_eq!(at(30_050, 3_750_000, 0), Verdict::Continue);
    }

    #[test]
    fn a_short_stall_is_not_worth_a_poor_picture() {
        // 4 Mbit/s: the rest (3.9 MB) needs 7.8 s; a stall of 0.3 s does not pay for six megabits less.
        assert_eq!(at(250, 100_000, 7_500), Verdict::Continue);
    }

    #[test]
    fn nothing_is_believed_too_early_and_silence_is_believed_in_the_end() {
        assert_eq!(at(100, 6_000, 1_000), Verdict::Continue);
        assert_eq!(at(400, 0, 1_000), Verdict::Continue);
        assert_eq!(at(1_500, 0, 1_000), Verdict::AbandonTo(0));
    }

    #[test]
    fn the_lowest_rung_and_foreign_indices_are_never_given_up() {
        let context = Context::new(&LADDER, Duration::from_secs(4));
        for rung in [0, 3, usize::MAX] {
            let in_flight = InFlight {
                now: Duration::ZERO,
                rung,
                size: None,
                received: 0,
                elapsed: Duration::from_secs(30),
                ttfb: None,
                buffer: Duration::ZERO,
                segment_duration: Duration::ZERO,
                others: 0,
            };
            assert_eq!(judge(&in_flight, &context, &Bandwidth::new()), Verdict::Continue);
        }
    }

    /// A transfer of 1,375,000 bytes whose first 125,000 arrived in its first second: the rest needs ten. Without sizes
    /// the replacement is half of it, or a quarter.
    fn halved(ladder: &[Rung], sizes: Option<&[u64]>, buffer: u64, rate: f32) -> Verdict {
        let context = Context { next_sizes: sizes, rate, ..Context::new(ladder, Duration::from_secs(4)) };
        let in_flight = InFlight {
            now: Duration::from_secs(60),
            rung: ladder.len() - 1,
            size: Some(1_375_000),
            received: 125_000,
            elapsed: Duration::from_secs(1),
            ttfb: Some(Duration::ZERO),
            buffer: Duration::from_millis(buffer),
            segment_duration: Duration::from_secs(4),
            others: 0,
        };
        judge(&in_flight, &context, &Bandwidth::new())
    }

    #[test]
    fn a_replacement_must_be_clearly_sooner() {
        let ladder = [Rung::new(1_000_000), Rung::new(4_000_000)];
        let replaced = |bytes: u64| halved(&ladder, Some(&[bytes, 0]), 0, 1.0);
        // 0.4 of ten seconds.
        assert_eq!([500_000, 500_001].map(replaced), [Verdict::AbandonTo(0), Verdict::Continue]);
        // A quarter of the whole size is 344 kB, half of it 688 kB.
        assert_eq!(halved(&ladder, None, 0, 1.0), Verdict::AbandonTo(0));
        assert_eq!(halved(&[Rung::new(2_000_000), Rung::new(4_000_000)], None, 0, 1.0), Verdict::Continue);
    }

    #[test]
    fn the_stall_that_is_avoided_must_outweigh_the_picture() {
        // Half of the top rate is lost: three quarters of a second.
        let ladder = [Rung::new(1_000_000), Rung::new(2_000_000)];
        let with = |buffer: u64| halved(&ladder, Some(&[100_000, 0]), buffer, 1.0);
        assert_eq!([9250, 9249].map(with), [Verdict::Continue, Verdict::AbandonTo(0)]);
        // At twice the speed the buffer lasts half as long.
        assert_eq!(halved(&ladder, Some(&[100_000, 0]), 18_498, 2.0), Verdict::AbandonTo(0));
        assert_eq!(halved(&ladder, Some(&[100_000, 0]), 18_500, 2.0), Verdict::Continue);
        // What the replacement itself stalls is no gain: 3.5 s of ten are saved less 3.25 s, and 1.5 s of 4 Mbit/s lost.
        let steep = [Rung::new(1), Rung::new(2_000_000)];
        let with = |buffer: u64| halved(&steep, Some(&[450_000, 0]), buffer, 1.0);
        assert_eq!([0, 8499, 8501].map(with), [Verdict::AbandonTo(0), Verdict::AbandonTo(0), Verdict::Continue]);
        // Of two that gain the same the higher one.
        let twins = [Rung::new(1_000_000), Rung::new(1_000_000), Rung::new(2_000_000)];
        assert_eq!(halved(&twins, Some(&[100_000, 100_000, 0]), 0, 1.0), Verdict::AbandonTo(1));
        let capped = [twins[0], twins[1].protected_by(crate::Hdcp::Type1), twins[2]];
        assert_eq!(halved(&capped, Some(&[100_000, 100_000, 0]), 0, 1.0), Verdict::AbandonTo(0));
    }

    /// The transfer of [`halved`] on the middle rung of three, after a wait of `ttfb` milliseconds.
    fn middle(bytes: u64, buffer: u64, ttfb: u64) -> Verdict {
        let ladder = [Rung::new(1_000_000), Rung::new(2_000_000), Rung::new(20_000_000)];
        let sizes = [bytes, 0, 0];
        let context = Context { next_sizes: Some(&sizes), ..Context::new(&ladder, Duration::from_secs(4)) };
        let in_flight = InFlight {
            now: Duration::from_secs(60),
            rung: 1,
            size: Some(1_375_000),
            received: 125_000,
            elapsed: Duration::from_millis(1000 + ttfb),
            ttfb: Some(Duration::from_millis(ttfb)),
            buffer: Duration::from_millis(buffer),
            segment_duration: Duration::from_secs(4),
            others: 0,
        };
        judge(&in_flight, &context, &Bandwidth::new())
    }

    #[test]
    fn the_picture_that_is_lost_is_a_share_of_the_whole_ladder() {
        // A twentieth of the top rate is lost: 75 ms.
        let with = |buffer| middle(100_000, buffer, 0);
        assert_eq!([9924, 9926].map(with), [Verdict::AbandonTo(0), Verdict::Continue]);
    }

    #[test]
    fn a_replacement_waits_for_its_first_byte_as_long_as_this_transfer_did() {
        // Two seconds, and two for 250 kB at a megabit a second: 0.4 of ten.
        let with = |bytes| middle(bytes, 0, 2000);
        assert_eq!([250_000, 250_001].map(with), [Verdict::AbandonTo(0), Verdict::Continue]);
    }

    #[test]
    fn silence_counts_from_the_usual_time_of_the_first_byte() {
        let mut bandwidth = Bandwidth::new();
        bandwidth.observe(&crate::Transfer {
            at: Duration::ZERO,
            bytes: 100_000,
            ttfb: Duration::from_millis(500),
            duration: Duration::from_secs(1),
            cached: false,
            concurrent: 1,
            others: 0,
        });
        let rate = |elapsed| {
            let in_flight = InFlight {
                now: Duration::ZERO,
                rung: 2,
                size: None,
                received: 0,
                elapsed: Duration::from_millis(elapsed),
                ttfb: None,
                buffer: Duration::ZERO,
                segment_duration: Duration::ZERO,
                others: 0,
            };
            present_rate(&in_flight, &bandwidth)
        };
        assert_eq!([1500, 2500].map(rate), [None, Some(4.0)]);
    }

    #[test]
    fn a_rate_is_believed_from_its_border_on() {
        let judged = |elapsed: u64, received: u64, ttfb: Option<u64>| {
            let context = Context::new(&LADDER, Duration::from_secs(4));
            let in_flight = InFlight {
                now: Duration::ZERO,
                rung: 2,
                size: None,
                received,
                elapsed: Duration::from_millis(elapsed),
                ttfb: ttfb.map(Duration::from_millis),
                buffer: Duration::ZERO,
                segment_duration: Duration::ZERO,
                others: 0,
            };
            present_rate(&in_flight, &Bandwidth::new()).zip(Some(judge(&in_flight, &context, &Bandwidth::new())))
        };
        assert_eq!(judged(200, 16_384, Some(0)), Some((655_360.0, Verdict::AbandonTo(0))));
        assert_eq!(
            [judged(199, 16_384, Some(0)), judged(200, 16_383, Some(0)), judged(1000, 16_383, Some(0))],
            [None; 3]
        );
        assert_eq!(judged(1600, 16_000, Some(1500)), Some((80_000.0, Verdict::AbandonTo(0))));
        assert_eq!(judged(1250, 0, None), Some((6.4, Verdict::AbandonTo(0))));
        assert_eq!(judged(1200, 0, Some(900)).map(|(rate, _)| rate.round()), Some(7.0));
    }
}
