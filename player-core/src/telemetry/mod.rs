//! The counters of a session: measurements of the engine, and the session report made from them.

mod report;
mod stats;

pub use report::{
    BitrateReport, BufferReport, BytesReport, ErrorReport, FailoverReport, FramesReport, LiveReport, MemoryReport,
    Outcome, ProcessUsage, QuantileReport, SeekReport, SessionReport, StallReport, SwitchReport,
};
pub use stats::{Failover, FrameAccount, FrameDiscards, FrameLosses, MemoryStats, Seek, SessionStats, Stall, Switch};
