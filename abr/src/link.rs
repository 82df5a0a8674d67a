//! A recorded link: the trace file, and when bytes sent over it arrive. Exact integer arithmetic, no buffer, no player.
//!
//! The trace is CSV of three columns, `duration_ms,bandwidth_kbps,latency_ms`, one row per period; a first line that
//! names them ([`HEADER`]) is optional. It is the only reader and the only model of links: the simulator, the engine's
//! virtual world and the shaper of the edge agree on a file, and on the time at which its bytes arrive.
//! The link is a fluid: while a row is in force it carries exactly its bandwidth, and a request waits for the row's
//! latency before its first bit may flow. **A trace repeats from its beginning when it ends**, as published ABR
//! simulators do, so any session length is served.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Optional first line of a trace file: the names of its columns.
pub const HEADER: &str = "duration_ms,bandwidth_kbps,latency_ms";
/// Most rows of a trace.
pub const MAX_ROWS: usize = 1_000_000;
/// Longest line of a trace file in bytes.
pub const MAX_LINE: usize = 256;
/// Longest trace: 400 days. It keeps all sums far from overflow.
pub const MAX_TOTAL: Duration = Duration::from_secs(400 * 86_400);
/// Highest bandwidth of a row: 1 Tbit/s.
pub const MAX_BPS: u64 = 1_000_000_000_000;
/// Longest latency of a row: ten minutes.
pub const MAX_LATENCY: Duration = Duration::from_secs(600);

const NANOS: u128 = 1_000_000_000;
/// Nanobits (bits per second times nanoseconds) in a byte.
const BYTE: u128 = 8 * NANOS;

/// One period of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Duration of the period.
    pub duration: Duration,
    /// Bandwidth during the period in bits per second; 0 is an outage.
    pub bandwidth_bps: u64,
    /// Latency of a request made during the period: time until its first bit may flow.
    pub latency: Duration,
}

/// Reasons to refuse a trace. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The first line begins with a letter, so it names columns, and they are not those of [`HEADER`].
    #[error("line {line}: expected the header `{HEADER}`")]
    Header {
        /// Line of the file.
        line: usize,
    },
    /// A row does not have three columns.
    #[error("line {line}: expected 3 columns, found {found}")]
    Columns {
        /// Line of the file.
        line: usize,
        /// Columns found.
        found: usize,
    },
    /// A column is not a plain decimal number.
    #[error("line {line}: {column} is not a decimal number")]
    Number {
        /// Line of the file.
        line: usize,
        /// Name of the column.
        column: &'static str,
    },
    /// A column is outside its limits.
    #[error("line {line}: {column} is out of range")]
    Range {
        /// Line of the file, or number of the row when the trace was not a file.
        line: usize,
        /// Name of the column.
        column: &'static str,
    },
    /// A line is longer than [`MAX_LINE`].
    #[error("line {line}: longer than {MAX_LINE} bytes")]
    LineTooLong {
        /// Line of the file.
        line: usize,
    },
    /// There are more than [`MAX_ROWS`] rows, or they last longer than [`MAX_TOTAL`].
    #[error("line {line}: the trace is too long")]
    TooLong {
        /// Line of the file at which the limit was passed.
        line: usize,
    },
    /// There is no row.
    #[error("the trace has no rows")]
    Empty,
    /// Every row has a bandwidth of zero, so nothing would ever arrive.
    #[error("the trace never carries anything")]
    Dead,
}

/// A checked trace: at least one row, no empty period, at least one row that carries something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    rows: Vec<Row>,
}

impl Trace {
    /// Reads a trace file. Blank lines, lines that begin with `#` and the header are skipped.
    ///
    /// # Errors
    ///
    /// [`TraceError`] with the line at fault.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let mut rows = Vec::new();
        let mut is_first = true;
        let mut total = Duration::ZERO;
        for (index, raw) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = index + 1;
            if raw.len() > MAX_LINE {
                return Err(TraceError::LineTooLong { line });
            }
            let content = raw.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            if std::mem::take(&mut is_first) && content.starts_with(|first: char| first.is_alphabetic()) {
                if content != HEADER {
                    return Err(TraceError::Header { line });
                }
                continue;
            }
            let row = parse_row(content, line)?;
            total += row.duration;
            if rows.len() == MAX_ROWS || total > MAX_TOTAL {
                return Err(TraceError::TooLong { line });
            }
            rows.push(row);
        }
        Self::checked(rows)
    }

    /// Creates a trace from rows.
    ///
    /// # Errors
    ///
    /// [`TraceError`] whose `line` is the number of the row, from 1.
    pub fn from_rows(rows: Vec<Row>) -> Result<Self, TraceError> {
        let mut total = Duration::ZERO;
        for (index, row) in rows.iter().enumerate() {
            let line = index + 1;
            check_row(row, line)?;
            total = total.saturating_add(row.duration);
            if line > MAX_ROWS || total > MAX_TOTAL {
                return Err(TraceError::TooLong { line });
            }
        }
        Self::checked(rows)
    }

    /// A link that never changes. A bandwidth of 0 is read as 1 kbit/s and one above [`MAX_BPS`] as that, a latency
    /// above [`MAX_LATENCY`] as that, so that the result is always a usable trace.
    #[must_use]
    pub fn constant(kbps: u64, latency: Duration) -> Self {
        let bandwidth_bps = kbps.saturating_mul(1000).clamp(1000, MAX_BPS);
        Self { rows: vec![Row { duration: Duration::from_secs(1), bandwidth_bps, latency: latency.min(MAX_LATENCY) }] }
    }

    /// Returns the periods in order.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Returns the duration of one round, after which the trace repeats.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.rows.iter().map(|row| row.duration).sum()
    }

    fn checked(rows: Vec<Row>) -> Result<Self, TraceError> {
        if rows.is_empty() {
            return Err(TraceError::Empty);
        }
        if rows.iter().all(|row| row.bandwidth_bps == 0) {
            return Err(TraceError::Dead);
        }
        Ok(Self { rows })
    }
}

fn parse_row(content: &str, line: usize) -> Result<Row, TraceError> {
    let found = content.split(',').count();
    let mut columns = content.split(',').map(str::trim);
    let (Some(duration), Some(bandwidth), Some(latency), 3) = (columns.next(), columns.next(), columns.next(), found)
    else {
        return Err(TraceError::Columns { line, found });
    };
    let millis = |text, column| {
        let nanos = decimal(text, 6).ok_or(TraceError::Number { line, column })?;
        u64::try_from(nanos).map(Duration::from_nanos).map_err(|_| TraceError::Range { line, column })
    };
    let bits = decimal(bandwidth, 3).ok_or(TraceError::Number { line, column: "bandwidth_kbps" })?;
    let row = Row {
        duration: millis(duration, "duration_ms")?,
        bandwidth_bps: u64::try_from(bits).map_err(|_| TraceError::Range { line, column: "bandwidth_kbps" })?,
        latency: millis(latency, "latency_ms")?,
    };
    check_row(&row, line)?;
    Ok(row)
}

fn check_row(row: &Row, line: usize) -> Result<(), TraceError> {
    let out = |column| Err(TraceError::Range { line, column });
    if row.duration.is_zero() || row.duration > MAX_TOTAL {
        return out("duration_ms");
    }
    if row.bandwidth_bps > MAX_BPS {
        return out("bandwidth_kbps");
    }
    if row.latency > MAX_LATENCY {
        return out("latency_ms");
    }
    Ok(())
}

/// `digits[.digits]` times ten to the power of `places`, later digits cut off. No sign, no exponent.
fn decimal(text: &str, places: usize) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    // 20 digits and 6 places fit a u128 with room to spare.
    if !digits(whole) || !digits(fraction) || whole.len() > 20 {
        return None;
    }
    let mut value: u128 = whole.parse().ok()?;
    let mut fraction = fraction.bytes();
    for _ in 0..places {
        let digit = fraction.next().map_or(0, |byte| u128::from(byte - b'0'));
        value = value * 10 + digit;
    }
    Some(value)
}

/// Arrival times of the parts of a transmission, on the link's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transmission {
    /// Time at which its first bit may flow: the start plus the latency.
    pub first_byte: Duration,
    /// Time at which its last byte has arrived, if it has the link to itself.
    pub last_byte: Duration,
}

/// A trace with its cumulative time and capacity, which are looked up by bisection.
#[derive(Debug, Clone)]
pub struct Link {
    rows: Vec<Row>,
    /// Start of each row in nanoseconds, and the end of the last.
    times: Vec<u64>,
    /// Nanobits carried before each row, and in one whole round.
    carried: Vec<u128>,
}

impl Link {
    /// Creates the link of a trace; the sums take one pass over its rows.
    #[must_use]
    pub fn new(trace: Trace) -> Self {
        let mut times = Vec::with_capacity(trace.rows.len() + 1);
        let mut carried = Vec::with_capacity(trace.rows.len() + 1);
        let (mut time, mut sum) = (0_u64, 0_u128);
        for row in &trace.rows {
            times.push(time);
            carried.push(sum);
            // A checked trace lasts at most 400 days (3.5e16 ns) at 1e12 bit/s: neither sum can overflow.
            let nanos = row.duration.as_nanos() as u64;
            time += nanos;
            sum += u128::from(row.bandwidth_bps) * u128::from(nanos);
        }
        times.push(time);
        carried.push(sum);
        Self { rows: trace.rows, times, carried }
    }

    /// Returns the arrival times of `bytes` sent in answer to a request made at `start`.
    #[must_use]
    pub fn transmit(&self, start: Duration, bytes: u64) -> Transmission {
        let first_byte = start.saturating_add(self.latency_at(start));
        Transmission { first_byte, last_byte: self.arrival(first_byte, bytes) }
    }

    /// Returns the first instant, to the nanosecond, at which `bytes` have arrived when their first bit flows at `from`.
    ///
    /// Saturates at `Duration::MAX`.
    #[must_use]
    pub fn arrival(&self, from: Duration, bytes: u64) -> Duration {
        if bytes == 0 {
            return from;
        }
        let round = self.round();
        let Some(target) = self.carried_until(from).checked_add(u128::from(bytes) * BYTE) else {
            return Duration::MAX;
        };
        // The whole rounds that fit before the target is reached; the rest, in (0, round], falls into the last one.
        let rounds = (target - 1) / round;
        let rest = target - rounds * round;
        let row = self.carried.partition_point(|&sum| sum < rest) - 1;
        let within = (rest - self.carried[row]).div_ceil(u128::from(self.rows[row].bandwidth_bps));
        let nanos = rounds
            .checked_mul(u128::from(self.period()))
            .and_then(|nanos| nanos.checked_add(u128::from(self.times[row]) + within));
        nanos.map_or(Duration::MAX, from_nanos)
    }

    /// Returns the whole bytes that the link carries from `from` until `to`; 0 if `to` is not later.
    ///
    /// Ask with the instant of the first byte as `from` each time: the sum over pieces may lose a byte per piece to
    /// rounding. `bytes_between(first_byte, last_byte)` of a [`Transmission`] is at least what was sent, and one
    /// nanosecond earlier it is less.
    #[must_use]
    pub fn bytes_between(&self, from: Duration, to: Duration) -> u64 {
        if to <= from {
            return 0;
        }
        let nanobits = self.carried_until(to).saturating_sub(self.carried_until(from));
        u64::try_from(nanobits / BYTE).unwrap_or(u64::MAX)
    }

    /// Returns the first instant from `time` on at which the link carries something: `time` itself unless its row is an
    /// outage, else the end of the outage. Saturates at `Duration::MAX`.
    #[must_use]
    pub fn carrying_from(&self, time: Duration) -> Duration {
        let (index, row, offset) = self.row_at(time);
        if row.bandwidth_bps > 0 {
            return time;
        }
        let carries = |row: &Row| row.bandwidth_bps > 0;
        let later = (index..self.rows.len()).find(|&row| carries(&self.rows[row]));
        // A checked trace carries something, so that the next round does if the rest of this one does not.
        let next = later.map_or_else(
            || self.period() + self.rows.iter().position(carries).map_or(0, |row| self.times[row]),
            |row| self.times[row],
        );
        time.saturating_add(Duration::from_nanos(next - self.times[index] - offset))
    }

    /// Returns the bandwidth at `time` in bits per second.
    #[must_use]
    pub fn bandwidth_at(&self, time: Duration) -> u64 {
        self.row_at(time).1.bandwidth_bps
    }

    /// Returns the latency of a request made at `time`.
    #[must_use]
    pub fn latency_at(&self, time: Duration) -> Duration {
        self.row_at(time).1.latency
    }

    /// Nanoseconds of one round.
    fn period(&self) -> u64 {
        self.times[self.rows.len()]
    }

    /// Nanobits of one round; positive, because a checked trace carries something.
    fn round(&self) -> u128 {
        self.carried[self.rows.len()]
    }

    /// Index of the row in force at `time`, the row, and nanoseconds since it began.
    fn row_at(&self, time: Duration) -> (usize, &Row, u64) {
        let offset = (time.as_nanos() % u128::from(self.period())) as u64;
        let index = self.times.partition_point(|&start| start <= offset) - 1;
        (index, &self.rows[index], offset - self.times[index])
    }

    /// Nanobits carried from the origin until `time`.
    fn carried_until(&self, time: Duration) -> u128 {
        let rounds = time.as_nanos() / u128::from(self.period());
        let (index, row, offset) = self.row_at(time);
        let within = self.carried[index] + u128::from(row.bandwidth_bps) * u128::from(offset);
        rounds.saturating_mul(self.round()).saturating_add(within)
    }
}

fn from_nanos(nanos: u128) -> Duration {
    let seconds = u64::try_from(nanos / NANOS);
    seconds.map_or(Duration::MAX, |seconds| Duration::new(seconds, (nanos % NANOS) as u32))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn link(rows: &str) -> Link {
        Link::new(Trace::parse(&format!("{HEADER}\n{rows}")).unwrap())
    }

    #[test]
    fn reads_decimals_exactly() {
        let trace = Trace::parse(
            "\u{feff}# made by hand\r\nduration_ms,bandwidth_kbps,latency_ms\r\n\r\n1870.000,1550.996,80.5\r\n",
        )
        .unwrap();
        let row = Row { duration: MS(1870), bandwidth_bps: 1_550_996, latency: Duration::from_micros(80_500) };
        assert_eq!(trace.rows(), [row]);
        assert_eq!(trace.duration(), MS(1870));
    }

    #[test]
    fn errors_name_their_line() {
        for (text, message) in [
            ("", "the trace has no rows"),
            ("duration_ms,bandwidth_kbps\n1,2", "line 1: expected the header `duration_ms,bandwidth_kbps,latency_ms`"),
            ("#\nms,kbps,ms\n1,2,3", "line 2: expected the header `duration_ms,bandwidth_kbps,latency_ms`"),
            ("1,2", "line 1: expected 3 columns, found 2"),
            ("1,2,3\nduration_ms,bandwidth_kbps,latency_ms", "line 2: bandwidth_kbps is not a decimal number"),
            ("#\nduration_ms,bandwidth_kbps,latency_ms\n1,2", "line 3: expected 3 columns, found 2"),
            ("duration_ms,bandwidth_kbps,latency_ms\n1,2,3,4", "line 2: expected 3 columns, found 4"),
            ("duration_ms,bandwidth_kbps,latency_ms\n1,-2,3", "line 2: bandwidth_kbps is not a decimal number"),
            ("duration_ms,bandwidth_kbps,latency_ms\n1e3,2,3", "line 2: duration_ms is not a decimal number"),
            ("duration_ms,bandwidth_kbps,latency_ms\n1,2,NaN", "line 2: latency_ms is not a decimal number"),
            ("duration_ms,bandwidth_kbps,latency_ms\n0,2,3", "line 2: duration_ms is out of range"),
            ("duration_ms,bandwidth_kbps,latency_ms\n1,2,3600001", "line 2: latency_ms is out of range"),
            ("duration_ms,bandwidth_kbps,latency_ms\n1,99999999999,3", "line 2: bandwidth_kbps is out of range"),
            ("duration_ms,bandwidth_kbps,latency_ms\n1,0,3", "the trace never carries anything"),
            ("duration_ms,bandwidth_kbps,latency_ms\n34560000000,1,3\n1,1,3", "line 3: the trace is too long"),
        ] {
            assert_eq!(Trace::parse(text).unwrap_err().to_string(), message, "{text:?}");
        }
        let long = format!("{HEADER}\n{}", "1".repeat(MAX_LINE + 1));
        assert_eq!(Trace::parse(&long), Err(TraceError::LineTooLong { line: 2 }));
    }

    #[test]
    fn the_header_is_optional() {
        let rows = "1000,2500,40\n500,0,0\n";
        let named = Trace::parse(&format!("{HEADER}\n{rows}")).unwrap();
        assert_eq!(Trace::parse(rows), Ok(named.clone()));
        assert_eq!(Trace::parse(&format!("\u{feff}\n# a comment\n{rows}")), Ok(named));
    }

    #[test]
    fn outages_end_where_the_next_row_carries_something() {
        let link = link("100,0,0\n200,8000,0\n300,0,0\n400,0,0");
        let ends = |at| link.carrying_from(MS(at));
        assert_eq!([0, 99, 100, 299].map(ends), [100, 100, 100, 299].map(MS));
        assert_eq!([300, 600, 999, 1000].map(ends), [1100, 1100, 1100, 1100].map(MS));
        assert_eq!(link.carrying_from(Duration::MAX), Duration::MAX);
        assert_eq!(Link::new(Trace::constant(1, MS(0))).carrying_from(MS(7)), MS(7));
    }

    #[test]
    fn a_constant_link_is_arithmetic() {
        let link = Link::new(Trace::constant(8000, MS(20)));
        let sent = link.transmit(MS(100), 1_000_000);
        assert_eq!(sent, Transmission { first_byte: MS(120), last_byte: MS(1120) });
        assert_eq!(link.bytes_between(MS(120), MS(620)), 500_000);
        assert_eq!(link.bytes_between(MS(620), MS(120)), 0);
        assert_eq!(link.transmit(MS(5), 0).last_byte, MS(25));
    }

    #[test]
    fn a_trace_repeats_and_gaps_are_waited_through() {
        let link = link("1000,8000,10\n500,0,30");
        assert_eq!(link.arrival(MS(0), 1_000_000), MS(1000), "the moment it is complete, not the end of the gap");
        assert_eq!(link.arrival(MS(0), 1_001_000), MS(1501));
        assert_eq!(link.arrival(MS(1200), 1000), MS(1501));
        assert_eq!(link.arrival(MS(0), 3_500_000), MS(4500 + 500));
        assert_eq!((link.latency_at(MS(1100)), link.latency_at(MS(1500))), (MS(30), MS(10)));
        assert_eq!(link.bandwidth_at(MS(2600)), 0);
    }

    #[test]
    fn extremes_saturate() {
        let link = link("1,0.001,0");
        assert_eq!(link.arrival(Duration::MAX, u64::MAX), Duration::MAX);
        assert!(link.arrival(Duration::ZERO, u64::MAX) > Duration::from_secs(u64::MAX / 1000));
        let _ = Trace::constant(u64::MAX, Duration::MAX);
        assert_eq!(Trace::constant(0, Duration::ZERO).rows()[0].bandwidth_bps, 1000);
    }

    proptest! {
        #[test]
        fn the_last_byte_is_the_first_instant_at_which_all_have_arrived(
            rows in prop::collection::vec((1_u64..5_000_000_000, 0_u64..50_000_000), 1..12),
            start in 0_u64..60_000_000_000,
            bytes in 1_u64..40_000_000,
        ) {
            let row = |&(nanos, bandwidth_bps): &(u64, u64)| Row {
                duration: Duration::from_nanos(nanos), bandwidth_bps, latency: MS(nanos % 90),
            };
            let Ok(trace) = Trace::from_rows(rows.iter().map(row).collect()) else { return Ok(()) };
            let link = Link::new(trace);
            let sent = link.transmit(Duration::from_nanos(start), bytes);
            prop_assert!(sent.first_byte <= sent.last_byte);
            prop_assert!(link.bytes_between(sent.first_byte, sent.last_byte) >= bytes);
            let before = sent.last_byte - Duration::from_nanos(1);
            prop_assert!(link.bytes_between(sent.first_byte, before) < bytes);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,400}", row in "[0-9.,]{0,40}") {
            let _ = Trace::parse(&text);
            if let Ok(trace) = Trace::parse(&format!("{HEADER}\n{row}\n")) {
                let _ = Link::new(trace).transmit(Duration::from_secs(3), 1_000_000);
            }
        }
    }

    #[test]
    fn decimals_are_read_to_their_places_and_no_further() {
        for (text, places, value) in [
            ("0", 0, Some(0)),
            ("12.5", 3, Some(12_500)),
            ("12.0019", 3, Some(12_001)),
            ("007", 1, Some(70)),
            ("99999999999999999999", 6, Some(99_999_999_999_999_999_999_000_000)),
            ("100000000000000000000", 6, None),
            (".5", 3, None),
            ("5.", 3, None),
            ("1.2.3", 3, None),
            ("1.x", 3, None),
            ("+1", 3, None),
        ] {
            assert_eq!(decimal(text, places), value, "{text}");
        }
    }

    #[test]
    fn rows_are_within_their_limits() {
        let row = |duration, bandwidth_bps, latency| {
            Trace::from_rows(vec![Row { duration, bandwidth_bps, latency }]).map(|trace| trace.duration())
        };
        let nano = Duration::from_nanos(1);
        let out = |column| Err(TraceError::Range { line: 1, column });
        assert_eq!(row(MAX_TOTAL, MAX_BPS, MAX_LATENCY), Ok(MAX_TOTAL));
        assert_eq!(row(nano, 1, Duration::ZERO), Ok(nano));
        assert_eq!(row(MAX_TOTAL + nano, 1, Duration::ZERO), out("duration_ms"));
        assert_eq!(row(Duration::ZERO, 1, Duration::ZERO), out("duration_ms"));
        assert_eq!(row(nano, MAX_BPS + 1, Duration::ZERO), out("bandwidth_kbps"));
        assert_eq!(row(nano, 1, MAX_LATENCY + nano), out("latency_ms"));
        assert_eq!(row(nano, 0, Duration::ZERO), Err(TraceError::Dead));
        assert_eq!(Trace::from_rows(Vec::new()), Err(TraceError::Empty));
        let half = Row { duration: MAX_TOTAL / 2, bandwidth_bps: 1, latency: Duration::ZERO };
        assert!(Trace::from_rows(vec![half; 2]).is_ok());
        let beyond = vec![half, half, Row { duration: nano, ..half }];
        assert_eq!(Trace::from_rows(beyond), Err(TraceError::TooLong { line: 3 }));
        let short = Row { duration: nano, ..half };
        assert!(Trace::from_rows(vec![short; MAX_ROWS]).is_ok());
        let many = Trace::from_rows(vec![short; MAX_ROWS + 1]);
        assert_eq!(many, Err(TraceError::TooLong { line: MAX_ROWS + 1 }));
    }

    #[test]
    fn files_are_within_their_limits() {
        let text = |rows: &str| Trace::parse(&format!("{HEADER}\n{rows}"));
        // 400 days in milliseconds, in one row and in two.
        assert!(text("34560000000,1,0").is_ok() && text("34559999999,1,0\n1,1,0").is_ok());
        assert_eq!(text("34559999999,1,0\n1.000001,1,0"), Err(TraceError::TooLong { line: 3 }));
        assert!(text("1,1000000000,600000").is_ok());
        let padded = |length: usize| text(&format!("1,1,{:0<1$}", "0.", length - 4));
        assert!(padded(MAX_LINE).is_ok());
        assert_eq!(padded(MAX_LINE + 1), Err(TraceError::LineTooLong { line: 2 }));
        let many = text(&"1,1,1\n".repeat(MAX_ROWS + 1));
        assert_eq!(many, Err(TraceError::TooLong { line: MAX_ROWS + 2 }));
        assert_eq!(text("18446744073709.551615,1,0"), Err(TraceError::Range { line: 2, column: "duration_ms" }));
        assert_eq!(text("18446744073709.551616,1,0"), Err(TraceError::Range { line: 2, column: "duration_ms" }));
    }

    #[test]
    fn bytes_come_as_the_rows_allow() {
        // A second of 8 Mbit/s, half a second of nothing, two of 800 kbit/s: 1.2 MB in 3.5 s.
        let link = link("1000,8000,10\n500,0,30\n2000,800,50");
        let bytes = |from, to| link.bytes_between(MS(from), MS(to));
        assert_eq!(
            [bytes(0, 1000), bytes(0, 1500), bytes(0, 3500), bytes(0, 35_000)],
            [1_000_000, 1_000_000, 1_200_000, 12_000_000]
        );
        assert_eq!([bytes(900, 1600), bytes(3400, 3600), bytes(1000, 1500), bytes(700, 700)], [110_000, 110_000, 0, 0]);
        assert_eq!(link.bytes_between(Duration::ZERO, Duration::from_nanos(999)), 0);
        assert_eq!(link.bytes_between(Duration::ZERO, Duration::from_nanos(1000)), 1);
        assert_eq!(
            [0, 999, 1000, 1499, 1500, 3499, 3500].map(|at| link.bandwidth_at(MS(at)) / 1000),
            [8000, 8000, 0, 0, 800, 800, 8000]
        );
        assert_eq!([999, 1000, 1500, 7000].map(|at| link.latency_at(MS(at))), [MS(10), MS(30), MS(50), MS(10)]);
        assert_eq!(link.arrival(MS(0), 1_200_000), MS(3500));
        assert_eq!(link.arrival(MS(0), 1_300_000), MS(3600));
        assert_eq!(link.arrival(MS(900), 110_000), MS(1600));
        assert_eq!(link.arrival(MS(7000), 2_400_000), MS(14_000));
        assert_eq!(link.arrival(MS(1200), 0), MS(1200));
        assert_eq!(link.arrival(MS(0), 1), Duration::from_nanos(1000));
        assert_eq!(Link::new(Trace::constant(u64::MAX, MAX_LATENCY * 2)).latency_at(MS(0)), MAX_LATENCY);
        let slow = Link::new(Trace::constant(0, Duration::ZERO));
        assert_eq!(slow.bytes_between(Duration::ZERO, Duration::MAX), u64::MAX);
        assert_eq!(from_nanos(1_500_000_000), MS(1500));
    }
}
