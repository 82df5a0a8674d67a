//! Live playback for C: its state, its words and its commands.

use player_core::config::BehindLive;
use player_core::error::PlayerError;
use player_core::snapshot::{BufferingReason, LiveState, State};
use player_core::telemetry::{ClockSource, LiveDelivery};

use crate::boundary::invalid;
use crate::sized::{Out, sized};

/// Place at which playback goes on after its position has left the window of a live presentation.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_behind_live {
    /// At the live edge, with the wanted latency.
    LiveEdge,
    /// At the start of the window.
    WindowStart,
    /// Nowhere: playback fails with KINORA_ERROR_BEHIND_LIVE_WINDOW.
    Error,
}

/// Source of universal time.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_clock_source {
    /// None.
    None,
    /// A source that the manifest names (UTCTiming).
    UtcTiming,
    /// The Date field of answers.
    Date,
    /// The clock of this computer, which nothing confirms.
    Host,
}

/// Units in which live media is fetched.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_live_delivery {
    /// Whole segments.
    Segments,
    /// Partial segments of HLS.
    Parts,
    /// Segments that are read while they are written.
    Chunks,
}

/// Reason for which playback waits for media.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_buffering_reason {
    /// It does not wait.
    None,
    /// The first picture has not come.
    Starting,
    /// The network was slower than playback.
    NetworkTooSlow,
    /// A location failed, and its replacement is being fetched from.
    Failover,
    /// Another track was chosen, and its media is not here.
    TrackChange,
    /// Media is here, and its key is not.
    WaitingForKey,
    /// Playback has reached the end of what a live presentation has produced.
    LiveEdge,
}

/// State of live playback. All of it moves on with time: take another snapshot for each draw of it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kinora_live_info {
    /// Set it to the size of this structure as you compiled it, before the call.
    pub struct_size: usize,
    /// Start of the window, the range of times that can be played now, in nanoseconds.
    pub window_start_ns: i64,
    /// End of the window.
    pub window_end_ns: i64,
    /// Presentation time that is live now.
    pub edge_ns: i64,
    /// Time from the production of the picture on screen to now, by universal time where the manifest declares dates,
    /// else the distance to the edge. Negative where a clock is off.
    pub latency_ns: i64,
    /// Latency that is held: that of the host, the manifest or its kind, raised where media comes too late for it.
    pub target_ns: i64,
    /// Playback holds its latency: 1, or 0 after the viewer went back or paused for long, until they return to the edge.
    pub is_following: u32,
    /// A value of kinora_clock_source.
    pub clock: u32,
    /// Maximum error of that clock, in nanoseconds; -1 when not known.
    pub clock_error_ns: i64,
    /// Playback rate by which the latency is held now; 1 is normal.
    pub rate: f64,
    /// Universal time of presentation time zero, in nanoseconds since 1970-01-01T00:00:00Z, where `has_dates` is 1.
    pub epoch_unix_ns: i64,
    /// The manifest declares dates: 1 or 0.
    pub has_dates: u32,
    /// A value of kinora_live_delivery.
    pub delivery: u32,
}

sized!(kinora_live_info, {
    struct_size, window_start_ns, window_end_ns, edge_ns, latency_ns, target_ns, is_following, clock, clock_error_ns,
    rate, epoch_unix_ns, has_dates, delivery,
});

/// Writes the state of live playback into the structure of a caller.
pub fn fill(live: &LiveState, out: Out<kinora_live_info>) {
    let nanos = |span: std::time::Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
    let clock = match live.clock {
        None => kinora_clock_source::None,
        Some(ClockSource::UtcTiming) => kinora_clock_source::UtcTiming,
        Some(ClockSource::Date) => kinora_clock_source::Date,
        Some(ClockSource::Host) => kinora_clock_source::Host,
    };
    let delivery = match live.delivery {
        LiveDelivery::Segments => kinora_live_delivery::Segments,
        LiveDelivery::Parts => kinora_live_delivery::Parts,
        LiveDelivery::Chunks => kinora_live_delivery::Chunks,
    };
    out.fill(&kinora_live_info {
        struct_size: size_of::<kinora_live_info>(),
        window_start_ns: live.window.start.as_nanos(),
        window_end_ns: live.window.end.as_nanos(),
        edge_ns: live.edge.as_nanos(),
        latency_ns: live.latency_nanos,
        target_ns: nanos(live.target),
        is_following: u32::from(live.is_following),
        clock: clock as u32,
        clock_error_ns: live.clock_error.map_or(-1, nanos),
        rate: live.rate,
        epoch_unix_ns: live.epoch_unix_nanos.unwrap_or(0),
        has_dates: u32::from(live.epoch_unix_nanos.is_some()),
        delivery: delivery as u32,
    });
}

/// The reason of a state for C.
pub fn reason_of(state: State) -> kinora_buffering_reason {
    let State::Buffering(reason) = state else { return kinora_buffering_reason::None };
    match reason {
        BufferingReason::Starting => kinora_buffering_reason::Starting,
        BufferingReason::NetworkTooSlow => kinora_buffering_reason::NetworkTooSlow,
        BufferingReason::Failover => kinora_buffering_reason::Failover,
        BufferingReason::TrackChange => kinora_buffering_reason::TrackChange,
        BufferingReason::WaitingForKey => kinora_buffering_reason::WaitingForKey,
        BufferingReason::LiveEdge => kinora_buffering_reason::LiveEdge,
    }
}

/// Reads a value of `kinora_behind_live`.
///
/// # Errors
/// `InvalidArgument` for other values.
pub fn behind_live(value: u32) -> Result<BehindLive, PlayerError> {
    let policies = [
        (kinora_behind_live::LiveEdge, BehindLive::LiveEdge),
        (kinora_behind_live::WindowStart, BehindLive::WindowStart),
        (kinora_behind_live::Error, BehindLive::Error),
    ];
    let found = policies.into_iter().find(|(policy, _)| *policy as u32 == value);
    found.map(|(_, policy)| policy).ok_or_else(|| invalid(&format!("live_behind {value} is no such policy")))
}
