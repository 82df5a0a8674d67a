//! The counters of a session: measurements of the engine, and the session report made from them.

mod live;
mod report;
mod stats;

pub use live::{ClockSource, LiveDelivery};
pub use report::{
    BitrateReport, BufferReport, BytesReport, ClockReport, ErrorReport, FailoverReport, FramesReport, LatencyReport,
    LiveReport, MemoryReport, Outcome, ProcessUsage, QuantileReport, SeekReport, SessionReport, StallReport,
    SwitchReport,
};
pub use stats::{
    Failover, FrameAccount, FrameDiscards, FrameLosses, LiveStats, MemoryStats, Seek, SessionStats, Stall, Switch,
};
