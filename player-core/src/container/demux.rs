//! The face of every demuxer: push bytes, get samples.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{CodecConfig, Fragment};
use crate::model::MediaKind;
use crate::text::Cue;
use crate::text::webvtt::TimestampMap;

/// One track of an initialisation segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackInit {
    /// Its number; fragments carry it.
    pub id: u32,
    /// What it is.
    pub kind: MediaKind,
    /// Ticks per second.
    pub timescale: u32,
    /// ISO 639-2 or BCP 47, when told.
    pub language: Option<String>,
    /// What the decoder must know.
    pub config: Arc<CodecConfig>,
}

/// What must be known before media can be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InitSegment {
    /// In order of appearance; at least one.
    pub tracks: Vec<TrackInit>,
    /// The file's own bytes, so that a demuxer for the next segment can be made from it.
    #[serde(skip)]
    pub source: Bytes,
}

/// What came out of some bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DemuxOutput {
    /// Initialisation data (again, when a segment carries its own).
    Init(Arc<InitSegment>),
    /// Samples.
    Fragment(Fragment),
    /// Subtitles.
    Cues {
        /// In the file's own time.
        cues: Vec<Cue>,
        /// How that relates to media time; `None` means that it is presentation time. Cues of a track in an MP4
        /// file are in media time already and carry an identity: `mpegts` and `local` are the same instant.
        timestamp_map: Option<TimestampMap>,
    },
}

/// Why media could not be read. `offset` is in bytes from the beginning of what was pushed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum DemuxError {
    /// The data breaks its format.
    #[error("{what} at byte {offset}")]
    Malformed {
        /// What is wrong.
        what: String,
        /// Where.
        offset: u64,
    },
    /// A limit that protects the player was exceeded.
    #[error("{what} exceeds {limit} at byte {offset}")]
    Limit {
        /// What is too large.
        what: String,
        /// The limit.
        limit: u64,
        /// Where.
        offset: u64,
    },
    /// A format or codec that is not built; `feature` names it.
    #[error("{feature} is not supported")]
    Unsupported {
        /// What is not supported.
        feature: String,
    },
    /// The data ended in the middle of something.
    #[error("data ends in the middle of {what} at byte {offset}")]
    Truncated {
        /// In the middle of what.
        what: String,
        /// Where it began.
        offset: u64,
    },
    /// Fragments came before any initialisation data.
    #[error("media without initialisation data")]
    NoInit,
}

/// Reads one segment. Feed it bytes in order, then call [`Demuxer::finish`].
pub trait Demuxer: Send {
    /// Takes the next bytes and gives what became complete.
    ///
    /// # Errors
    /// When the data is damaged beyond repair; the demuxer must not be used afterwards.
    fn push(&mut self, bytes: Bytes) -> Result<Vec<DemuxOutput>, DemuxError>;

    /// Says that no byte follows and gives what was held back.
    ///
    /// # Errors
    /// When the data ends in the middle of something.
    fn finish(&mut self) -> Result<Vec<DemuxOutput>, DemuxError>;
}
