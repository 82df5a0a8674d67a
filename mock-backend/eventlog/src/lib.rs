//! A log of events: what happened, durable, in order for each key, read by groups of consumers at their own pace
//! (`docs/adr/0029-event-log.md`).
//!
//! * [`segment`] — records in a file, and what is left of them after a crash;
//! * [`embedded`] — the log of one process, in a folder; [`on_demand`] — the same, opened when it is needed;
//! * [`remote`] — a log that another process has open; [`files`] — the same, read from its files.

#![warn(missing_docs)]

pub mod embedded;
pub mod files;
mod folder;
pub mod on_demand;
pub mod remote;
pub mod segment;

use std::io;
use std::path::PathBuf;

use futures_util::future::BoxFuture;

pub use segment::check as check_event;

/// An event that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Events of one key are in order; 1 to 256 bytes.
    pub key: String,
    /// Identifier: an event whose identifier was seen a short time before is taken once; 1 to 256 bytes.
    pub id: String,
    /// Time, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Content, up to 64 KiB.
    pub body: Vec<u8>,
}

/// Place of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Partition, from 0.
    pub partition: u32,
    /// Number within the partition, from 0, without gaps.
    pub offset: u64,
}

/// An event that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Number within the partition.
    pub offset: u64,
    /// The event.
    pub event: Event,
}

/// Reason why the log did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// A file cannot be used.
    #[error("{} cannot be used: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// Another process has the log open.
    #[error("another process has {} open", .0.display())]
    InUse(PathBuf),
    /// A file that was complete is damaged.
    #[error("{} is damaged after {valid} bytes", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Bytes before the damage.
        valid: u64,
    },
    /// An event, a name of a group or a partition is not within its bounds.
    #[error("{0}")]
    Refused(&'static str),
    /// Another process has the log, and does not answer.
    #[error("the log of another process does not answer: {0}")]
    Away(String),
    /// An earlier write failed: what is on the disk is not known until the log is opened again.
    #[error("an earlier write to the log failed; it has to be opened again")]
    Failed,
}

/// Answer of a log.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, LogError>>;

/// A log of events. Every event that was acknowledged is read at least once by each group.
pub trait EventLog: Send + Sync {
    /// Number of partitions.
    fn partitions(&self) -> u32;

    /// Writes events, and returns their places, in the same order, once all of them are durable. An event that is there already has
    /// the place that it got then.
    fn append(&self, events: Vec<Event>) -> Answer<'_, Vec<Place>>;

    /// Returns at most `max` events of a partition, the oldest first: from `from` on, or those that the group has not acknowledged.
    /// Events that were deleted are passed over.
    fn read<'a>(&'a self, group: &'a str, partition: u32, from: Option<u64>, max: usize) -> Answer<'a, Vec<Record>>;

    /// Erases the key and the content of all events of a key before a place, durably: they are passed over from then on, and their
    /// numbers stay. Erasing twice is the same as erasing once.
    fn erase<'a>(&'a self, key: &'a str, before: Place) -> Answer<'a, ()>;

    /// Records, durably, that a group is done with every event up to and including a place. It never goes back.
    fn ack<'a>(&'a self, group: &'a str, place: Place) -> Answer<'a, ()>;
}

/// Checks the name of a group.
///
/// # Errors
/// [`LogError::Refused`] unless it has 1 to 64 lower-case letters, digits and hyphens.
pub fn check_group(group: &str) -> Result<(), LogError> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=64).contains(&group.len()) || !group.bytes().all(is_plain) {
        return Err(LogError::Refused("a group has 1 to 64 lower-case letters, digits and hyphens"));
    }
    Ok(())
}
