//! Measures the rate of a live transfer. A segment that is sent chunk by chunk while it is encoded arrives at the
//! encoder's rate, whatever the network carries; within a chunk the network's rate shows (as in Bentaleb et al., ACTE,
//! NOSSDAV 2019, and in the moof-based measurement of common low-latency players).

use std::time::Duration;

use crate::Transfer;

/// Minimum bytes of a timed chunk: fewer measure nothing.
const LEAST_BYTES: u64 = 4 << 10;
/// Minimum duration of a timed chunk: shorter bursts left a buffer on the way.
const LEAST_TIME: Duration = Duration::from_millis(2);

/// Measures one transfer by its chunks. The time between the end of a chunk and the first byte of the next one is the
/// encoder's and does not count; the first bytes of each chunk begin its clock and are not timed themselves.
///
/// ```
/// # use std::time::Duration;
/// use abr::ChunkMeter;
///
/// let at = Duration::from_millis;
/// let mut meter = ChunkMeter::new();
/// // Two chunks of 20 kB, half a second apart, each arriving within 16 ms.
/// for chunk in [0, 500] {
///     for part in 0..5 {
///         meter.arrived(at(chunk + 4 * part), 4_000);
///     }
///     meter.chunk_ended();
/// }
/// let measured = meter.transfer(at(30)).unwrap();
/// assert_eq!((measured.bytes, measured.duration), (32_000, at(32)));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChunkMeter {
    /// Times of the first and of the latest bytes of the chunk under way.
    open: Option<(Duration, Duration)>,
    /// Bytes of it after the first ones.
    open_bytes: u64,
    bytes: u64,
    time: Duration,
    latest: Duration,
}

impl ChunkMeter {
    /// A meter for one transfer.
    #[must_use]
    pub const fn new() -> Self {
        let none = Duration::ZERO;
        Self { open: None, open_bytes: 0, bytes: 0, time: none, latest: none }
    }

    /// Bytes of the chunk under way arrived at `at`, on the clock of [`Context::now`](crate::Context::now). Times that
    /// go back are taken for the latest.
    pub fn arrived(&mut self, at: Duration, bytes: u64) {
        self.latest = self.latest.max(at);
        match &mut self.open {
            None => self.open = Some((self.latest, self.latest)),
            Some((_, last)) => {
                *last = self.latest;
                self.open_bytes = self.open_bytes.saturating_add(bytes);
            }
        }
    }

    /// The chunk under way is complete: bytes from now on belong to the next one.
    pub fn chunk_ended(&mut self) {
        if let Some((first, last)) = self.open.take() {
            let time = last - first;
            // All at once: it waited in a buffer and does not measure the link.
            if time >= LEAST_TIME {
                self.bytes = self.bytes.saturating_add(self.open_bytes);
                self.time += time;
            }
        }
        self.open_bytes = 0;
    }

    /// Returns the transfer to report to a rule, with the network's rate and a time to first byte of `ttfb`; `None`
    /// when too little was timed. The chunk under way does not count.
    #[must_use]
    pub fn transfer(&self, ttfb: Duration) -> Option<Transfer> {
        (self.bytes >= LEAST_BYTES && self.time >= LEAST_TIME).then_some(Transfer {
            at: self.latest,
            bytes: self.bytes,
            ttfb,
            duration: self.time,
            cached: false,
            concurrent: 1,
            others: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::Rule as _;
    use crate::rule::Throughput;

    /// A segment of four seconds at `encoder` bits per second, in chunks of `chunk`, over a link of `link` bits per
    /// second: bytes, whole duration, and the transfer that the meter reports.
    fn live(encoder: u64, link: u64, chunk: Duration) -> (u64, Duration, Option<Transfer>) {
        const READ: u64 = 1448;
        let mut meter = ChunkMeter::new();
        let count = 4_000 / chunk.as_millis() as u64;
        let size = encoder / 8 * chunk.as_millis() as u64 / 1000;
        let mut free = Duration::ZERO;
        for number in 1..=count {
            // A chunk can be sent once it is encoded and the link has sent those before it.
            free = free.max(chunk * number as u32);
            let mut left = size;
            while left > 0 {
                let bytes = left.min(READ);
                free += Duration::from_nanos(bytes * 8 * 1_000_000_000 / link);
                meter.arrived(free, bytes);
                left -= bytes;
            }
            meter.chunk_ended();
        }
        (size * count, free - chunk, meter.transfer(Duration::from_millis(40)))
    }

    fn rate(bytes: u64, time: Duration) -> f64 {
        bytes as f64 * 8.0 / time.as_secs_f64()
    }

    #[test]
    fn the_link_is_measured_and_not_the_encoder() {
        for chunk in [100, 200, 500, 1000].map(Duration::from_millis) {
            let (bytes, whole, measured) = live(2_000_000, 20_000_000, chunk);
            assert!(rate(bytes, whole) < 3_000_000.0, "as one transfer it looks like the encoder");
            let measured = measured.unwrap();
            let found = rate(measured.bytes, measured.duration);
            assert!((found / 20_000_000.0 - 1.0).abs() < 0.02, "{found} with chunks of {chunk:?}");
        }
    }

    #[test]
    fn a_link_slower_than_the_encoder_is_measured_as_it_is() {
        let (_, _, measured) = live(2_000_000, 1_000_000, Duration::from_millis(500));
        let measured = measured.unwrap();
        let found = rate(measured.bytes, measured.duration);
        assert!((found / 1_000_000.0 - 1.0).abs() < 0.02, "{found}");
    }

    #[test]
    fn times_that_go_back_are_taken_for_the_latest() {
        let ms = Duration::from_millis;
        let mut meter = ChunkMeter::new();
        for (at, bytes) in [(30, 1000), (50, 5000), (10, 5000)] {
            meter.arrived(ms(at), bytes);
        }
        meter.chunk_ended();
        for (at, bytes) in [(20, 1000), (60, 5000)] {
            meter.arrived(ms(at), bytes);
        }
        meter.chunk_ended();
        let measured = meter.transfer(ms(1)).unwrap();
        assert_eq!((measured.at, measured.bytes, measured.duration), (ms(60), 15_000, ms(20 + 10)));
    }

    #[test]
    fn chunks_that_come_at_once_tell_nothing() {
        let mut meter = ChunkMeter::new();
        for number in 0..10 {
            let at = Duration::from_millis(number * 100);
            meter.arrived(at, 10_000);
            meter.arrived(at + Duration::from_micros(10), 10_000);
            meter.chunk_ended();
        }
        assert_eq!(meter.transfer(Duration::ZERO), None);
        assert_eq!(ChunkMeter::new().transfer(Duration::ZERO), None);
    }

    #[test]
    fn times_that_go_back_and_chunks_without_bytes_do_no_harm() {
        let at = Duration::from_millis;
        let mut meter = ChunkMeter::new();
        meter.chunk_ended();
        meter.arrived(at(50), 1000);
        meter.arrived(at(10), u64::MAX);
        meter.arrived(at(60), u64::MAX);
        meter.chunk_ended();
        meter.chunk_ended();
        let measured = meter.transfer(at(1)).unwrap();
        assert_eq!((measured.bytes, measured.duration, measured.at), (u64::MAX, at(10), at(60)));
    }

    #[test]
    fn a_rule_that_is_told_so_does_not_sink_to_the_encoder_s_rate() {
        let (bytes, whole, measured) = live(1_000_000, 16_000_000, Duration::from_millis(200));
        let ladder = [1_000_000, 3_000_000, 8_000_000].map(crate::Rung::new);
        let context =
            crate::Context { buffer: Duration::from_secs(4), ..crate::Context::new(&ladder, Duration::from_secs(4)) };
        let choice = |transfer: Transfer| {
            let mut rule = Throughput::new();
            (0..5).for_each(|_| rule.on_transfer(&transfer));
            rule.select(&context).representation
        };
        let measured = measured.unwrap();
        assert_eq!(choice(Transfer { bytes, duration: whole, ..measured }), 0);
        assert_eq!(choice(measured), 2);
    }

    #[test]
    fn four_kilobytes_in_two_milliseconds_are_enough() {
        let measured = |bytes: u64, micros: u64| {
            let mut meter = ChunkMeter::new();
            meter.arrived(Duration::ZERO, 9);
            meter.arrived(Duration::from_micros(micros), bytes);
            meter.chunk_ended();
            meter.transfer(Duration::ZERO).map(|transfer| transfer.bytes)
        };
        assert_eq!([measured(4095, 2000), measured(4096, 2000), measured(4096, 1999)], [None, Some(4096), None]);
        // Two chunks of which one arrived at once: only the other was timed.
        let mut meter = ChunkMeter::new();
        for (start, micros) in [(0, 1999), (9000, 3000)] {
            meter.arrived(Duration::from_micros(start), 100);
            meter.arrived(Duration::from_micros(start + micros), 5000);
            meter.chunk_ended();
        }
        let transfer = meter.transfer(Duration::ZERO).unwrap();
        assert_eq!((transfer.bytes, transfer.duration.as_micros()), (5000, 3000));
    }
}
