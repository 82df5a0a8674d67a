//! Observations of the network: finished transfers, running ones, and the memory of an earlier session.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A finished transfer, or the part of one that arrived before it was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Time at which its last byte arrived.
    pub at: Duration,
    /// Bytes of body received.
    pub bytes: u64,
    /// From the request to the first byte of the body.
    pub ttfb: Duration,
    /// From the first byte of the body to the last.
    pub duration: Duration,
    /// True if it was served by a local cache; such a transfer does not measure the network and is ignored.
    pub cached: bool,
    /// Transfers of this session that shared the link meanwhile, this one included; 0 is read as 1.
    pub concurrent: u32,
    /// Bytes received by other transfers of this session since its first byte.
    pub others: u64,
}

/// A transfer that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// Current time, since the origin that all calls on one rule share.
    pub now: Duration,
    /// The rung being fetched.
    pub rung: usize,
    /// Bytes of the whole segment, when known.
    pub size: Option<u64>,
    /// Bytes received so far.
    pub received: u64,
    /// Time since the request.
    pub elapsed: Duration,
    /// From the request to the first byte of the body; `None` while nothing has arrived.
    pub ttfb: Option<Duration>,
    /// Complete segments ahead of the playhead.
    pub buffer: Duration,
    /// Duration of the segment being fetched.
    pub segment_duration: Duration,
    /// Bytes received by other transfers of this session since its first byte: the link carried them too.
    pub others: u64,
}

/// Memory of a network from earlier sessions. The host stores it, per network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// A cautious estimate of its bandwidth, in bits per second.
    pub bandwidth_bps: u64,
    /// Its usual time to first byte.
    pub ttfb: Duration,
}
