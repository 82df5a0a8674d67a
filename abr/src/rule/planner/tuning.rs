//! Constants of the planner. `docs/abr-laboratory.md` describes how they were chosen.

use crate::estimator::{ForecastTuning, PaceTuning};

/// Constants of a [`Planner`](super::Planner): one set serves every network, ladder, objective and kind of session.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tuning {
    /// Constants of the forecast.
    pub forecast: ForecastTuning,
    /// Constants of the pace inside transfers.
    pub pace: PaceTuning,
    /// Segments planned one by one, at most [`STAGES`](super::value::STAGES).
    pub stages: usize,
    /// Segments after those that the buffer left over is valued for.
    pub tail: f32,
    /// Weight of the link's home level (1) against the state that the plan ended in (0) for those segments.
    pub tail_home: f32,
    /// Deviation of the logarithm of the mean rate that they meet, in deviations of the forecast.
    pub tail_spread: f32,
    /// Distance of neighbouring states of the link, in deviations of the forecast.
    pub spacing: f32,

    /// States below the likely one.
    pub below: f32,
    /// Share of a state's distance from home that remains one segment later.
    pub persistence: f32,
    /// Least distance of a rise that the plan reckons with, as a natural logarithm.
    pub rise: f32,
    /// Share of a segment's duration in which an outage can begin that delays it.
    pub outage_share: f32,
    /// Price of any change of rung, in addition to the change of quality, in seconds of stall.
    pub change: f32,
    /// Stall penalty: the fixed price of a stall event, in seconds of stall, in addition to its length.
    pub stall_penalty: f32,
    /// Seconds for which a second of latency stays in a live session: catching up is slow.
    pub latency_stays: f32,
    /// Buffer cap: the highest buffer level that the plan distinguishes, in segments.
    pub buffer_cap: f32,
    /// Abandon delay: seconds after which the plan expects to give up a transfer that goes badly.
    pub abandon_delay: f32,
    /// Gain that giving a transfer up must promise, in seconds of stall.
    pub abandon_gain: f32,
    /// Gain that beginning again must promise when the first answer reveals a size that was not announced, in seconds
    /// of stall.
    pub resize_gain: f32,
    /// Seconds of buffer that a transfer must leave: the interval at which it is examined, and some more.
    pub reserve: f32,
    /// Deviation of the logarithm of the rate for the rest of a transfer.
    pub flight_sigma: f32,
}

impl Tuning {
    /// Constants of the product.
    pub const DEFAULT: Self = Self {
        forecast: ForecastTuning::DEFAULT,
        pace: PaceTuning::DEFAULT,
        stages: 10,
        tail: 10.0,
        tail_home: 0.3,
        tail_spread: 3.0,
        spacing: 0.75,
        below: 5.0,
        persistence: 0.8,
        rise: 0.7,
        outage_share: 1.0,
        change: 0.02,
        stall_penalty: 0.5,
        latency_stays: 20.0,
        buffer_cap: 40.0,
        abandon_delay: 0.8,
        abandon_gain: 0.2,
        resize_gain: 0.04,
        reserve: 0.12,
        flight_sigma: 0.15,
    };
}

impl Default for Tuning {
    fn default() -> Self {
        Self::DEFAULT
    }
}
