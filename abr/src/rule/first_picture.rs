//! The choice for a segment whose first part a viewer waits for: the picture soon, and as good as soon allows.
//!
//! A rule that plans for a whole session counts on whole segments: it would wait for the end of a segment of which
//! playback needs the first tenth, and it would take a good rung for a target at the end of a segment, where all of it
//! must arrive before the picture. Here only the part up to the target is counted, with the audio that goes with it and
//! the requests that must be answered before. Quality follows with the next segment, which the rule chooses as ever.

use super::candidate;
use crate::{Context, FirstPicture, InFlight};

/// Share of a segment's bytes that its first picture takes: key pictures are about ten times as large as the mean of
/// the others, and a segment of four seconds has one or two.
const KEY_PICTURE: f64 = 0.1;
/// Seconds from the command after which a picture still seems to come at once.
const AT_ONCE: f64 = 0.25;
/// Seconds by which a better rung may be later than the soonest, when even that is not at once.
const WORTH: f64 = 0.05;
/// Factor by which the picture of a lower rung must come sooner to be worth beginning again.
const SOONER: f64 = 2.0;

/// Returns the best rung whose first picture comes at once, or hardly later than the soonest; `None` if no viewer waits.
///
/// `rate` is that of the link in bits per second, `ttfb` the usual time to first byte in seconds. Rungs that the link
/// does not sustain are left out, however soon their first picture comes, but for the lowest.
pub(super) fn choose(context: &Context<'_>, rate: f64, ttfb: f64) -> Option<usize> {
    let wait = Wait { context, awaited: context.first_picture?, rate: rate.max(1.0), ttfb };
    let share = (rate - context.reserved_bps as f64).max(1.0) / context.playback_rate();
    let highest = context.clamp(candidate::sustainable(context, share));
    wait.best(highest)
}

/// Returns the lower rung to take in place of the transfer under way: its first picture comes [`SOONER`] times as soon
/// as that of the transfer, which is late. The link goes on at the pace at which the transfer was seen.
pub(super) fn judge(context: &Context<'_>, in_flight: &InFlight, ttfb: f64) -> Option<usize> {
    let awaited = context.first_picture?;
    let seen = in_flight.elapsed.saturating_sub(in_flight.ttfb?).as_secs_f64();
    let received = in_flight.received as f64 * 8.0;
    if received <= 0.0 || seen <= 0.0 {
        return None;
    }
    // The pace of the transfer is what the audio leaves.
    let alone = Context { reserved_bps: 0, ..context.clone() };
    let wait = Wait { context: &alone, awaited, rate: received / seen, ttfb };
    let left = (wait.bits(in_flight.rung, in_flight.size) - received) / wait.rate;
    let lower = wait.best(in_flight.rung.checked_sub(1)?)?;
    (left > AT_ONCE && left > SOONER * wait.seconds(lower)).then_some(lower)
}

/// A wait for the first picture on a link of some rate.
struct Wait<'a> {
    context: &'a Context<'a>,
    awaited: FirstPicture<'a>,
    /// Bits per second.
    rate: f64,
    /// Seconds.
    ttfb: f64,
}

impl Wait<'_> {
    /// Returns the best rung up to `highest` whose picture comes at once, or hardly later than the soonest.
    fn best(&self, highest: usize) -> Option<usize> {
        let all = self.context.rungs.len();
        let permitted = || (0..all).take(highest + 1).filter(|rung| self.context.clamp(*rung) == *rung);
        let soonest = permitted().map(|rung| self.seconds(rung)).min_by(f64::total_cmp)?;
        let limit = (AT_ONCE - self.awaited.waited.as_secs_f64()).max(soonest + WORTH);
        permitted().rev().find(|rung| self.seconds(*rung) <= limit)
    }

    /// Returns the seconds until the awaited part of the next segment is here at a rung.
    fn seconds(&self, rung: usize) -> f64 {
        let bits = self.bits(rung, None);
        // Connections share a link alike: as long as a segment of audio arrives, it takes half.
        let audio = self.context.reserved_bps as f64 * self.context.segment_duration.as_secs_f64();
        let requests = self.awaited.requests.get(rung).map_or(1.0, |before| 1.0 + f64::from(*before));
        requests * self.ttfb + (bits + bits.min(audio)) / self.rate
    }

    /// Returns the bits of the awaited part at a rung, of a segment of `size` bytes if that is known.
    fn bits(&self, rung: usize, size: Option<u64>) -> f64 {
        let whole = self.context.segment_duration.as_secs_f64();
        let part = if whole > 0.0 { (self.awaited.media.as_secs_f64() / whole).min(1.0) } else { 1.0 };
        let bytes = size.unwrap_or_else(|| self.context.next_bytes(rung));
        bytes as f64 * 8.0 * (KEY_PICTURE + (1.0 - KEY_PICTURE) * part)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Caps, Rung};

    const LADDER: [Rung; 4] = [Rung::new(250_000), Rung::new(550_000), Rung::new(1_200_000), Rung::new(2_600_000)];

    fn waiting(millis: u64) -> Context<'static> {
        let awaited = FirstPicture { media: Duration::from_millis(millis), ..FirstPicture::default() };
        Context { first_picture: Some(awaited), ..Context::new(&LADDER, Duration::from_secs(4)) }
    }

    #[test]
    fn nobody_waits() {
        assert_eq!(choose(&Context::new(&LADDER, Duration::from_secs(4)), 5e6, 0.02), None);
        assert_eq!(choose(&Context { rungs: &[], ..waiting(400) }, 5e6, 0.02), None);
    }

    #[test]
    fn the_further_into_a_segment_the_lower_the_rung() {
        let at = [0, 400, 1000, 1500, 2400, 4000].map(|millis| choose(&waiting(millis), 5e6, 0.02));
        assert_eq!(at, [3, 2, 1, 1, 0, 0].map(Some));
        let fast = [0, 1000, 2400, 4000].map(|millis| choose(&waiting(millis), 50e6, 0.02));
        assert_eq!(fast, [3, 3, 3, 3].map(Some));
        assert_eq!(choose(&waiting(400), 100_000.0, 0.02), Some(0), "a slow link has no better one");
    }

    #[test]
    fn the_limit_counts_bits_audio_and_round_trips() {
        // A tenth and nine tenths of a quarter of 4.8 Mbit are 1.56 Mbit.
        let context = waiting(1000);
        assert_eq!([6.24e6, 6.23e6].map(|rate| choose(&context, rate, 0.0)), [2, 1].map(Some));
        assert_eq!([7.8e6, 7.79e6].map(|rate| choose(&context, rate, 0.05)), [2, 1].map(Some), "a fifth is left");
        let shared = |reserved_bps| Context { reserved_bps, ..context.clone() };
        let ours = |bps, rate| choose(&shared(bps), rate, 0.0);
        assert_eq!([7.84e6, 7.83e6].map(|rate| ours(100_000, rate)), [2, 1].map(Some), "a segment of audio");
        assert_eq!([12.48e6, 12.47e6].map(|rate| ours(900_000, rate)), [2, 1].map(Some), "half of the link");
        let index = FirstPicture { requests: &[0, 0, 1], ..context.first_picture.unwrap_or_default() };
        let unread = Context { first_picture: Some(index), ..context.clone() };
        assert_eq!([10.4e6, 10.3e6].map(|rate| choose(&unread, rate, 0.05)), [2, 1].map(Some), "two answers first");
        let sizes = [1, 2, 195_000, 195_001];
        let known = Context { next_sizes: Some(&sizes), ..context };
        assert_eq!([2.028e6, 2.027e6].map(|rate| choose(&known, rate, 0.0)), [2, 1].map(Some), "what is known counts");
    }

    #[test]
    fn a_wait_that_is_long_anyway_may_grow_by_a_twentieth_of_a_second() {
        // The lowest rung takes a second, the one above 2.2 times as long.
        let context = waiting(4000);
        assert_eq!(choose(&context, 1e6, 0.0), Some(0));
        let close = [Rung::new(250_000), Rung::new(262_500), Rung::new(262_600)];
        let context = Context { rungs: &close, ..context };
        assert_eq!(choose(&context, 1e6, 0.0), Some(1));
    }

    #[test]
    fn who_has_waited_waits_for_the_soonest() {
        let after = |waited, rate| {
            let awaited = FirstPicture {
                waited: Duration::from_millis(waited),
                ..waiting(400).first_picture.unwrap_or_default()
            };
            choose(&Context { first_picture: Some(awaited), ..waiting(400) }, rate, 0.0)
        };
        // The third rung takes 912 kbit, the second 418, the lowest 190.
        assert_eq!([0, 67, 68, 166, 167, 900].map(|waited| after(waited, 5e6)), [2, 2, 1, 1, 1, 1].map(Some));
        assert_eq!([0, 110, 111, 900].map(|waited| after(waited, 3e6)), [1, 1, 0, 0].map(Some));
    }

    #[test]
    fn the_soonest_need_not_be_the_lowest() {
        let context = waiting(4000);
        let requests = FirstPicture { requests: &[2, 0, 0, 0], ..context.first_picture.unwrap_or_default() };
        let context = Context { first_picture: Some(requests), ..context };
        assert_eq!(choose(&context, 4e6, 0.3), Some(1), "its index and initialisation data are here");
        assert_eq!(choose(&context, 4e6, 0.1), Some(0));
    }

    #[test]
    fn caps_and_the_pace_of_the_link_bound_the_choice() {
        let short = Context { segment_duration: Duration::from_millis(200), ..waiting(400) };
        assert_eq!(choose(&short, 2.599e6, 0.0), Some(2), "the top would arrive in time and never last");
        assert_eq!(choose(&short, 2.6e6, 0.0), Some(3));
        assert_eq!(choose(&Context { rate: 2.0, ..short.clone() }, 2.6e6, 0.0), Some(2));
        assert_eq!(choose(&Context { reserved_bps: 100_000, ..short }, 2.6e6, 0.0), Some(2));
        let caps = Caps { max_height: None, max_bitrate_bps: Some(600_000) };
        assert_eq!(choose(&Context { caps, ..waiting(400) }, 50e6, 0.0), Some(1));
    }

    #[test]
    fn senseless_numbers_choose_some_rung() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(choose(&waiting(400), rate, 0.02).is_some_and(|rung| rung < 4), "{rate}");
        }
        let nothing = Context { segment_duration: Duration::ZERO, ..waiting(400) };
        assert_eq!(choose(&nothing, 5e6, 0.02), Some(3), "segments without length have no bytes");
    }

    /// A rung in flight on a link that was taken for a fast one, after `elapsed` milliseconds.
    fn late(context: &Context<'_>, rung: usize, received: u64, elapsed: u64) -> Option<usize> {
        let in_flight = InFlight {
            now: Duration::from_secs(60),
            rung,
            size: None,
            received,
            elapsed: Duration::from_millis(elapsed),
            ttfb: Some(Duration::from_millis(50)),
            buffer: Duration::ZERO,
            segment_duration: Duration::from_secs(4),
            others: 0,
        };
        judge(context, &in_flight, 0.05)
    }

    #[test]
    fn a_picture_that_is_late_is_taken_from_a_lower_rung() {
        // A tenth and nine tenths of a tenth of 10.4 Mbit are 1.976 Mbit, 247 kB; of the lowest rung 190 kbit.
        let context = waiting(400);
        assert_eq!(late(&context, 3, 12_500, 150), Some(0), "a megabit a second");
        assert_eq!(late(&context, 3, 37_500, 150), Some(1), "three: 559 ms are left, 189 the second rung takes");
        assert_eq!(late(&context, 3, 62_500, 150), None, "five: 295 ms are left, 232 the third rung takes");
        assert_eq!(late(&context, 3, 91_875, 150), None, "seven: 177 ms are left");
        assert_eq!((late(&context, 3, 0, 150), late(&context, 3, 12_500, 50)), (None, None), "no pace is known");
        assert_eq!(late(&Context { first_picture: None, ..context.clone() }, 3, 12_500, 150), None);
        let nearly = |received: u64| late(&context, 3, received, 2050);
        assert_eq!([125_000, 200_000, 246_000, 300_000].map(nearly), [Some(0), None, None, None]);
    }

    #[test]
    fn the_pace_that_was_measured_is_what_the_audio_leaves() {
        let context = Context { reserved_bps: 1_000_000, ..waiting(400) };
        assert_eq!(late(&context, 3, 37_500, 150), Some(1), "as without audio");
    }

    #[test]
    fn a_transfer_that_ends_within_a_quarter_of_a_second_is_never_begun_again() {
        // Of 1.976 Mbit 1.73 are here: 246 ms are left at a megabit a second, and the lowest rung takes 60.
        let tiny = [Rung::new(10_000), Rung::new(2_600_000)];
        let context = Context { rungs: &tiny, ..waiting(400) };
        assert_eq!([1_725_000, 1_727_000].map(|bits| late(&context, 1, bits / 8, 50 + bits / 1000)), [Some(0), None]);
    }

    #[test]
    fn a_rung_that_is_not_permitted_is_never_taken_for_the_first_picture() {
        let caps = Caps { max_height: None, max_bitrate_bps: Some(300_000) };
        assert_eq!(late(&Context { caps, ..waiting(400) }, 3, 37_500, 150), Some(0));
    }

    #[test]
    fn the_lowest_rung_in_flight_has_none_below() {
        assert_eq!(late(&waiting(4000), 0, 12_500, 150), None);
    }
}
