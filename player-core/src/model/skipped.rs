//! Words for what an update of a list leaves out and takes over from the state before.

use serde::{Deserialize, Serialize};

use crate::time::MediaTime;

/// Index of initialisation data or keys, or a rate: that of the last segment that was left out.
pub const INHERITED: u32 = u32::MAX;
/// Added to the offset of a byte range that begins where that of the last segment that was left out ends.
pub const INHERITED_OFFSET: u64 = 1 << 62;

/// Segments that an update leaves out, because the state before has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Listed segments in front of them.
    pub head: u64,
    /// Number of segments that are left out.
    pub segments: u64,
    /// Start that the update gives to the segment after them.
    pub start: MediaTime,
    /// Discontinuity number that the update takes them to have.
    pub discontinuity: u64,
    /// Their parts are left out too, and still listed.
    pub keeps_parts: bool,
}
