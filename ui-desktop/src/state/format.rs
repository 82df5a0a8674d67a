//! Numbers as viewers read them.

/// A position or a length: `0:05`, `12:34`, `1:02:03`. Negative times count as zero.
pub fn clock(seconds: f64) -> String {
    let total = seconds.max(0.0) as u64;
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A title's length: `45 s`, `12 min`, `1 h 42 min`.
pub fn runtime(millis: u64) -> String {
    let seconds = millis.div_ceil(1000);
    let minutes = (seconds + 30) / 60;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3570 => format!("{minutes} min"),
        _ if minutes.is_multiple_of(60) => format!("{} h", minutes / 60),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

/// What remains of a title: `12 min left`.
pub fn time_left(position_ms: u64, duration_ms: u64) -> String {
    format!("{} left", runtime(duration_ms.saturating_sub(position_ms)))
}

/// Bits per second: `850 kb/s`, `4.5 Mb/s`.
pub fn bitrate(bits_per_second: u64) -> String {
    if bits_per_second < 1_000_000 {
        format!("{} kb/s", bits_per_second.div_ceil(1000))
    } else {
        format!("{:.1} Mb/s", bits_per_second as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_rates_read_naturally() {
        assert_eq!(clock(-3.0), "0:00");
        assert_eq!(clock(65.9), "1:05");
        assert_eq!(clock(3723.0), "1:02:03");
        assert_eq!(runtime(29_400), "30 s");
        assert_eq!(runtime(600_000), "10 min");
        assert_eq!(runtime(3_570_000), "1 h");
        assert_eq!(runtime(6_120_000), "1 h 42 min");
        assert_eq!(time_left(60_000, 660_000), "10 min left");
        assert_eq!(bitrate(850_000), "850 kb/s");
        assert_eq!(bitrate(4_520_000), "4.5 Mb/s");
    }
}
