//! The counters of a session: what the engine measures, and the session report made from them.
//! A value that was not measured is absent, never zero.

mod report;
mod stats;

pub use report::{
    BitrateReport, BufferReport, BytesReport, ErrorReport, FailoverReport, FramesReport, LiveReport, Outcome,
    ProcessUsage, QuantileReport, SeekReport, SessionReport, StallReport, SwitchReport,
};
pub use stats::{Failover, FrameAccount, FrameDiscards, FrameLosses, Seek, SessionStats, Stall, Switch};
