//! A recorded link: the trace file, and when bytes sent over it arrive. Exact integer arithmetic, no buffer, no player.
//!
//! The trace is `duration_ms,bandwidth_kbps,latency_ms`, one row per period.
//! The link is a fluid: while a row is in force it carries exactly its bandwidth, and a request waits for the row's
//! latency before its first bit may flow. **A trace repeats from its beginning when it ends**, as published ABR
//! simulators do, so any session length is served.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The first line of every trace file.
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
    /// How long the period lasts.
    pub duration: Duration,
    /// What the link carries meanwhile, in bits per second.
    pub bandwidth_bps: u64,
    /// What a request made meanwhile waits for its first bit.
    pub latency: Duration,
}

/// Why a trace was refused. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The first line is not [`HEADER`].
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
    /// Reads a trace file. Blank lines and lines that begin with `#` are skipped.
    ///
    /// # Errors
    ///
    /// [`TraceError`] with the line at fault.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let mut rows = Vec::new();
        let mut header = false;
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
            if !header {
                if content != HEADER {
                    return Err(TraceError::Header { line });
                }
                header = true;
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

    /// A trace from rows made by hand.
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

    /// The periods, in order.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How long it lasts before it repeats.
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

/// When the parts of a transmission arrive, on the link's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transmission {
    /// When its first bit may flow: the start plus the latency.
    pub first_byte: Duration,
    /// When its last byte has arrived, if it has the link to itself.
    pub last_byte: Duration,
}

/// A trace made ready to be asked: cumulative time and capacity, looked up by bisection.
#[derive(Debug, Clone)]
pub struct Link {
    rows: Vec<Row>,
    /// Start of each row in nanoseconds, and the end of the last.
    times: Vec<u64>,
    /// Nanobits carried before each row, and in one whole round.
    carried: Vec<u128>,
}

impl Link {
    /// Sums the trace up once.
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

    /// Sends `bytes` in answer to a request made at `start`.
    #[must_use]
    pub fn transmit(&self, start: Duration, bytes: u64) -> Transmission {
        let first_byte = start.saturating_add(self.latency_at(start));
        Transmission { first_byte, last_byte: self.arrival(first_byte, bytes) }
    }

    /// The first instant, to the nanosecond, at which `bytes` have arrived when their first bit flows at `from`.
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

    /// Whole bytes that the link carries from `from` until `to`; 0 if `to` is not later.
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

    /// Bandwidth in bits per second at `time`.
    #[must_use]
    pub fn bandwidth_at(&self, time: Duration) -> u64 {
        self.row_at(time).1.bandwidth_bps
    }

    /// What a request made at `time` waits for its first bit.
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
