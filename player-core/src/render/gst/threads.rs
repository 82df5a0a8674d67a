//! Chooses the threads of a video decoder: one where one is enough, the decoder's own choice elsewhere.
//!
//! Each further thread that decodes whole pictures side by side (libavcodec's frame threading) holds one more picture
//! back, has its own tables, and hands over through locks: for 720p that is about 7 % of the processor time and 10 MB.

use std::time::Duration;

use crate::container::{Codec, CodecConfig};

/// Pictures of which each lasts at least this long need no decoding side by side.
const SPARSE: Duration = Duration::from_millis(250);

/// Pixels a second that one thread decodes with ease: H.264 with 1280 × 720 pixels and a little more than 30 pictures a
/// second. One core of a desktop decodes more than ten times as much, which is the reserve for decoding up to a seek's
/// target.
const EASY_PIXELS: u64 = 1_280 * 720 * 31;

/// Picture duration that is assumed where samples have none.
const USUAL: Duration = Duration::from_nanos(1_000_000_000 / 30);

/// Consecutive seconds of being behind after which a decoder with one thread is replaced.
const PATIENCE: u32 = 2;

/// Fewest pictures of a second from which anything is concluded.
const FEWEST: u64 = 8;

/// Least media between the key picture and the start of an epoch for which several threads decode up to it: they take
/// 52 ms for what one takes 71 ms (median of seeks into 720p with key pictures every two seconds, two cores).
const LONG_WAY: Duration = Duration::from_millis(300);

/// Threads of a video decoder, and how long it is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Threads {
    /// Their maximum; `None` leaves the number to the decoder.
    pub(super) most: Option<u32>,
    /// The decoder is fast up to the start of the epoch and lean for no time: another one takes its place from the next key
    /// picture after the start.
    pub(super) catches_up: bool,
}

/// Returns the threads for a video decoder. `duration` is that of one picture, `rate` the playback rate, `ahead` the media
/// between the first picture and the start of the epoch. `was_slow` means that one thread has been too slow on this machine.
pub(super) fn decoder_threads(
    config: &CodecConfig,
    duration: Duration,
    rate: f64,
    was_slow: bool,
    ahead: Duration,
) -> Threads {
    let most = lasting_threads(config, duration, rate, was_slow);
    let catches_up = most.is_some() && duration < SPARSE && ahead >= LONG_WAY;
    Threads { most: most.filter(|_| !catches_up), catches_up }
}

fn lasting_threads(config: &CodecConfig, duration: Duration, rate: f64, was_slow: bool) -> Option<u32> {
    if duration >= SPARSE {
        return Some(1);
    }
    if was_slow {
        return None;
    }
    let duration = if duration.is_zero() { USUAL } else { duration };
    let pixels = f64::from(config.width?) * f64::from(config.height?);
    let load = pixels / duration.as_secs_f64() * rate.max(1.0) * f64::from(weight(&config.codec));
    (load <= EASY_PIXELS as f64).then_some(1)
}

/// Returns the cost of a pixel in this codec, where H.264 is 1.
fn weight(codec: &Codec) -> u8 {
    if matches!(codec, Codec::H264 { .. }) { 1 } else { 2 }
}

/// Finds a decoder that does not keep up.
#[derive(Default)]
pub(super) struct Pace {
    seen: Pictures,
    behind: u32,
}

/// Video pictures since the renderer was made.
#[derive(Clone, Copy, Default)]
pub(super) struct Pictures {
    pub(super) presented: u64,
    pub(super) dropped: u64,
    /// Those of the presented ones that were too late.
    pub(super) late: u64,
}

impl Pace {
    /// Takes the counts, once a second of playing, and returns true if at least half of the pictures were late or dropped
    /// in this second and the one before.
    pub(super) fn is_behind(&mut self, now: Pictures) -> bool {
        let before = std::mem::replace(&mut self.seen, now);
        let dropped = now.dropped.saturating_sub(before.dropped);
        let all = now.presented.saturating_sub(before.presented) + dropped;
        let bad = now.late.saturating_sub(before.late) + dropped;
        let behind = all >= FEWEST && bad * 2 >= all;
        self.behind = if behind { self.behind + 1 } else { 0 };
        self.behind >= PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::super::caps::tests::config;
    use super::*;
    use bytes::Bytes;

    fn video(codec: Codec, width: u32, height: u32) -> CodecConfig {
        CodecConfig { width: Some(width), height: Some(height), ..config(codec) }
    }

    fn h264(width: u32, height: u32) -> CodecConfig {
        video(Codec::H264 { avcc: Bytes::from_static(&[1]), in_band: false }, width, height)
    }

    #[test]
    fn one_thread_decodes_what_is_easy_and_the_decoder_chooses_for_the_rest() {
        let (film, sport) = (Duration::from_millis(40), Duration::from_micros(16_667));
        assert_eq!(lasting_threads(&h264(1_280, 720), film, 1.0, false), Some(1));
        assert_eq!(lasting_threads(&h264(1_280, 720), Duration::ZERO, 1.0, false), Some(1));
        assert_eq!(lasting_threads(&h264(1_280, 720), film, 0.5, false), Some(1));
        assert_eq!(lasting_threads(&h264(1_280, 720), film, 2.0, false), None);
        assert_eq!(lasting_threads(&h264(1_280, 720), sport, 1.0, false), None);
        assert_eq!(lasting_threads(&h264(1_920, 1_080), film, 1.0, false), None);
        assert_eq!(lasting_threads(&video(Codec::Av1 { av1c: Bytes::new() }, 1_280, 720), film, 1.0, false), None);
        let unknown = CodecConfig { width: None, ..h264(1_280, 720) };
        assert_eq!(lasting_threads(&unknown, film, 1.0, false), None);
    }

    #[test]
    fn a_thread_that_was_too_slow_is_not_tried_again_except_for_sparse_pictures() {
        let film = Duration::from_millis(40);
        assert_eq!(lasting_threads(&h264(320, 180), film, 1.0, true), None);
        assert_eq!(lasting_threads(&h264(320, 180), Duration::from_secs(1), 1.0, true), Some(1));
    }

    #[test]
    fn several_threads_catch_up_with_a_start_far_from_its_key_picture() {
        let (film, slide) = (Duration::from_millis(40), Duration::from_secs(1));
        let threads = |width, duration, ahead| {
            decoder_threads(&h264(width, 720), duration, 1.0, false, Duration::from_millis(ahead))
        };
        assert_eq!(threads(1_280, film, 299), Threads { most: Some(1), catches_up: false });
        assert_eq!(threads(1_280, film, 300), Threads { most: None, catches_up: true });
        assert_eq!(threads(1_920, film, 300), Threads { most: None, catches_up: false }, "it has several in any case");
        assert_eq!(
            threads(1_280, slide, 3_000),
            Threads { most: Some(1), catches_up: false },
            "there are few pictures"
        );
    }

    #[test]
    fn two_bad_seconds_in_a_row_mean_that_the_decoder_is_behind() {
        let mut pace = Pace::default();
        let mut now = Pictures::default();
        let mut second = |presented, dropped, late| {
            now.presented += presented;
            now.dropped += dropped;
            now.late += late;
            pace.is_behind(now)
        };
        assert!(!second(25, 0, 25), "one second can be the machine's");
        assert!(!second(25, 0, 12));
        assert!(!second(13, 12, 2));
        assert!(second(5, 20, 0));
        assert!(!second(25, 0, 0));
        assert!(!second(1, 2, 0) && !second(1, 2, 0), "too few to tell");
    }
}
