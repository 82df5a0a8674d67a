//! Wall-clock times of a service: dates, `UTCTiming` and the `Date` header.

use kinora_manifests::DateTime;
use kinora_manifests::dash::{UtcScheme, UtcTiming};

use super::film::{ClockSource, UtcBody};
use super::media::NTP_EPOCH;
use super::service::Service;
use super::timeline::nanos;
use super::troubles::DateHeader;
use crate::time::WallClock;

/// Nanoseconds since 1970 at which a world begins: 2026-01-01T00:00:00Z.
pub(in crate::sim) const WORLD_BEGINS: i64 = 1_767_225_600_000_000_000;

impl Service {
    /// Returns the nanoseconds since 1970 at a service time.
    pub(super) fn utc(&self, time: u64) -> i64 {
        let begin = WORLD_BEGINS.saturating_sub_unsigned(nanos(self.film.age));
        begin.saturating_add_unsigned(time)
    }

    /// Returns the date of a service time.
    pub(super) fn date(&self, time: u64) -> DateTime {
        DateTime::from_unix_nanos(self.utc(time))
    }

    /// Returns the value of the `Date` header of an answer at a service time.
    pub(super) fn date_header(&self, time: u64) -> Option<WallClock> {
        let off = match self.film.troubles.date {
            DateHeader::Absent => return None,
            DateHeader::Right => 0,
            DateHeader::Off(nanos) => nanos,
        };
        let utc = self.utc(time).saturating_add(off);
        Some(WallClock::from_unix_nanos(utc.div_euclid(1_000_000_000) * 1_000_000_000))
    }

    /// Returns the `UTCTiming` elements of an MPD that is written at a service time.
    pub(super) fn utc_timings(&self, time: u64) -> Vec<UtcTiming> {
        let timing = |(place, source): (usize, &ClockSource)| {
            let off = match source.value {
                UtcBody::Empty => return UtcTiming::new(source.scheme, ""),
                UtcBody::Missing => return UtcTiming { scheme: source.scheme, value: None },
                UtcBody::Right | UtcBody::Gone => 0,
                UtcBody::Off(nanos) => nanos,
            };
            let value = match source.scheme {
                UtcScheme::Direct => DateTime::from_unix_nanos(self.utc(time).saturating_add(off)).to_string(),
                UtcScheme::Ntp | UtcScheme::Sntp => "time.example".to_owned(),
                _ => format!("/live/time/{place}"),
            };
            UtcTiming::new(source.scheme, value)
        };
        self.film.dash.clocks.iter().enumerate().map(timing).collect()
    }

    /// Returns the body of the address of a `UTCTiming` element; `None` if there is none.
    pub(super) fn time_body(&self, place: &str, time: u64) -> Option<Vec<u8>> {
        let source = self.film.dash.clocks.get(place.parse::<usize>().ok()?)?;
        let off = match source.value {
            UtcBody::Off(nanos) => nanos,
            UtcBody::Right => 0,
            UtcBody::Empty | UtcBody::Missing | UtcBody::Gone => return None,
        };
        let utc = self.utc(time).saturating_add(off);
        Some(match source.scheme {
            UtcScheme::HttpNtp => {
                let (seconds, rest) = (utc.div_euclid(1_000_000_000), utc.rem_euclid(1_000_000_000));
                let fraction = ((i128::from(rest) << 32) / 1_000_000_000) as u64;
                let seconds = seconds.saturating_add_unsigned(NTP_EPOCH).max(0).unsigned_abs();
                (seconds << 32 | fraction).to_be_bytes().to_vec()
            }
            _ => DateTime::from_unix_nanos(utc).to_string().into_bytes(),
        })
    }
}
