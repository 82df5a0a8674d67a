//! State of a demuxer that outlives a segment: program tables, parameter sets, and access units whose bytes may go on
//! in the segment after it.
//!
//! The engine gets it with the last output of a segment and hands it to the request for the segment after it, so a
//! request that is repeated begins with the same state, and no state is shared between requests that run side by side.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::audio::PackedDemuxer;
use super::sniff::Signature;
use super::ts::{self, TsDemuxer};
use super::{DemuxOutput, DemuxSetup};
use crate::model::ContainerFormat;

/// State of a demuxer at the end of a segment. Serialises as the number of the bytes that it holds back; one that was
/// read back carries nothing, because whoever replays a recording reads no media.
#[derive(Clone, Debug)]
pub struct DemuxerState {
    reader: Option<Arc<ReaderState>>,
    held_bytes: u64,
}

#[derive(Clone, Debug)]
enum ReaderState {
    Ts(Box<TsDemuxer>),
    Packed(Box<PackedDemuxer>),
}

/// End of a segment after which another one may follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentTail {
    /// Outputs that complete the segment if no segment follows it. A segment that does follow gives the same access
    /// units, complete, as its first ones.
    pub outputs: Vec<DemuxOutput>,
    /// State with which the demuxer of the segment after it begins.
    pub state: DemuxerState,
    /// Access units of video in the state that wait for their first parameter sets: no output has them yet, and a
    /// later segment gives them. Without one they are lost.
    #[serde(default)]
    pub waiting: u64,
}

/// State that a segment begins with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CarriedState {
    /// State at the end of an earlier segment of the same rendition and the same discontinuity.
    pub state: DemuxerState,
    /// True if the segment is the one after it. Otherwise tables and parameter sets are kept, and times and the bytes
    /// of unfinished access units are not.
    pub continues: bool,
}

impl DemuxerState {
    pub(super) fn of_ts(demuxer: TsDemuxer, held_bytes: usize) -> Self {
        Self { reader: Some(Arc::new(ReaderState::Ts(Box::new(demuxer)))), held_bytes: held_bytes as u64 }
    }

    pub(super) fn of_packed(demuxer: PackedDemuxer, held_bytes: usize) -> Self {
        Self { reader: Some(Arc::new(ReaderState::Packed(Box::new(demuxer)))), held_bytes: held_bytes as u64 }
    }

    /// Container of the media that it was made from; `None` for one that was read from a recording.
    pub fn format(&self) -> Option<ContainerFormat> {
        self.reader.as_deref().map(|reader| match reader {
            ReaderState::Ts(_) => ContainerFormat::MpegTs,
            ReaderState::Packed(_) => ContainerFormat::PackedAudio,
        })
    }
}

impl DemuxerState {
    /// Returns the container of a segment that begins with `bytes`, or consists of them, if the part that the segment
    /// before left open determines it better than the bytes themselves: a cut may lie anywhere, also where the bytes
    /// look like another format.
    pub(super) fn format_of_rest(&self, bytes: &[u8], signature: Signature) -> Option<ContainerFormat> {
        match self.reader.as_deref()? {
            ReaderState::Ts(demuxer) => {
                let is_text = matches!(signature, Signature::Html | Signature::Xml | Signature::Json | Signature::Text);
                let goes_on = demuxer.is_continued_by(bytes)? && !is_text;
                goes_on.then_some(ContainerFormat::MpegTs)
            }
            // One byte alone makes no packet.
            ReaderState::Packed(_) => {
                (signature == Signature::MpegTs && bytes.len() <= ts::PACKET).then_some(ContainerFormat::PackedAudio)
            }
        }
    }
}

impl PartialEq for DemuxerState {
    /// Compares the descriptions, which is all that a recording holds.
    fn eq(&self, other: &Self) -> bool {
        self.held_bytes == other.held_bytes
    }
}

impl Serialize for DemuxerState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.held_bytes)
    }
}

impl<'de> Deserialize<'de> for DemuxerState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { reader: None, held_bytes: u64::deserialize(deserializer)? })
    }
}

impl DemuxSetup {
    /// Returns the transport stream reader that the segment begins with, if an earlier segment left one.
    pub(super) fn carried_ts(&self) -> Option<TsDemuxer> {
        match self.carried.as_ref()?.state.reader.as_deref()? {
            ReaderState::Ts(demuxer) => Some(demuxer.as_ref().clone()),
            ReaderState::Packed(_) => None,
        }
    }

    /// Returns the packed audio reader that the segment begins with, if an earlier segment left one.
    pub(super) fn carried_packed(&self) -> Option<PackedDemuxer> {
        match self.carried.as_ref()?.state.reader.as_deref()? {
            ReaderState::Packed(demuxer) => Some(demuxer.as_ref().clone()),
            ReaderState::Ts(_) => None,
        }
    }

    /// True if the segment is the one after that of the carried state.
    pub(super) fn continues(&self) -> bool {
        self.carried.as_ref().is_some_and(|carried| carried.continues)
    }
}
