//! Demands on a stream: the presentation that its downloads serve. Trick play is another demand and not another engine.

use crate::engine::ids::StreamId;

/// Rates that a host may ask for. Above the greatest one decoders keep up with key frames only.
pub(in crate::engine) const RATES: std::ops::RangeInclusive<f64> = 0.25..=4.0;

/// Direction of presentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Direction {
    /// Towards the end.
    Forward,
    /// Towards the start.
    Backward,
}

/// Demand on a stream. The session sets it at the start of its steps, and the schedule and the load control read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Demand {
    /// Direction in which segments follow each other.
    pub direction: Direction,
    /// Speed in thousandths of normal speed, in either direction.
    pub rate: u64,
    /// True if pictures that depend on others are not presented.
    pub key_frames_only: bool,
    /// Turn among streams that are fetched equally far; the lowest is served first.
    pub priority: u8,
}

/// Reasons for which the schedule cannot serve a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::engine) enum DemandRefusal {
    /// Segments are fetched in the order of their times only.
    #[error("a rate lies between 0.25 and 4.0: streams are fetched forward only")]
    Backward,
    /// Streams of key frames are not fetched.
    #[error("a rate lies between 0.25 and 4.0: faster than that only key frames could be presented")]
    KeyFramesOnly,
}

impl Demand {
    /// Returns the demand that playback at a rate makes on a stream; negative rates play backward. Video comes first,
    /// because it needs the bandwidth most, and audio before text, because playback waits for it.
    pub(in crate::engine) fn of(id: StreamId, rate: f64) -> Self {
        Self {
            direction: if rate < 0.0 { Direction::Backward } else { Direction::Forward },
            rate: (rate.abs() * 1000.0).round() as u64,
            key_frames_only: rate.abs() > *RATES.end(),
            priority: match id {
                StreamId::Main => 0,
                StreamId::Audio => 1,
                StreamId::Text => 2,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_gives_direction_speed_and_the_pictures_that_are_presented() {
        for (rate, direction, permille, key_frames_only) in [
            (1.0, Direction::Forward, 1000, false),
            (0.25, Direction::Forward, 250, false),
            (4.0, Direction::Forward, 4000, false),
            (4.0001, Direction::Forward, 4000, true),
            (1.0 / 3.0, Direction::Forward, 333, false),
            (-0.5, Direction::Backward, 500, false),
            (-32.0, Direction::Backward, 32_000, true),
        ] {
            let demand = Demand::of(StreamId::Audio, rate);
            assert_eq!(demand, Demand { direction, rate: permille, key_frames_only, priority: 1 }, "{rate}");
        }
        let priority = |id| Demand::of(id, 1.0).priority;
        assert!(priority(StreamId::Main) < priority(StreamId::Audio));
        assert!(priority(StreamId::Audio) < priority(StreamId::Text));
    }
}
