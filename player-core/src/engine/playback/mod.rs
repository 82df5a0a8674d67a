//! Playback: its state, clock and epoch, what the renderer was given, and commands that wait for their turn. Only this
//! folder changes them.

mod clock;
mod feed;
mod latency;
mod pending;
mod seek;
mod state;

pub(super) use latency::{LatencyControl, LatencySample, LatencyVerdict};
pub(super) use pending::PendingCommands;
pub(super) use seek::error_nanos;
pub(super) use state::{FIRST_PICTURE, Playback, Seeking, Settings};
