//! The face of every demuxer: push bytes, get samples.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{CarriedState, CodecConfig, Fragment, SegmentTail};
use crate::drm::{KeyId, Pssh};
use crate::model::{ContainerFormat, MediaKind, TimedMetadata};
use crate::text::Cue;
use crate::text::webvtt::TimestampMap;
use crate::time::MediaTime;

/// One track of an initialisation segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackInit {
    /// Its number; fragments carry it.
    pub id: u32,
    /// Kind of the track.
    pub kind: MediaKind,
    /// Ticks per second of its times.
    pub timescale: u32,
    /// ISO 639-2 or BCP 47 tag, if declared.
    pub language: Option<String>,
    /// Configuration of the decoder.
    pub config: Arc<CodecConfig>,
}

/// Meaning of the times in media.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediaClock {
    /// Times grow from segment to segment.
    #[default]
    Endless,
    /// A 33-bit counter at 90 kHz begins anew every 26.5 hours (ISO/IEC 13818-1 §2.4.3.7): unrolled inside a segment,
    /// while on which turn the segment is is not known.
    Mpeg,
    /// The media has no times: it begins at zero in every segment.
    Absent,
}

impl MediaClock {
    /// Nanoseconds after which an [`Self::Mpeg`] clock begins anew; a third of a nanosecond less than it is.
    pub const TURN: i64 = (1 << 33) * 100_000 / 9;
}

/// Initialisation data that is needed to read media.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InitSegment {
    /// In order of appearance. Empty when the initialisation data only helps to read what comes (the program tables
    /// of a transport stream); else at least one.
    pub tracks: Vec<TrackInit>,
    /// Meaning of the times of its samples.
    #[serde(default)]
    pub clock: MediaClock,
    /// Presentation time of the earliest sample of all tracks, in media time, if it is known beforehand.
    #[serde(default)]
    pub first: Option<MediaTime>,
    /// The file's own bytes, so that a demuxer for the next segment can be made from it.
    #[serde(skip)]
    pub source: Bytes,
}

/// The key that sample encryption of transport streams and packed audio uses: the media names none itself
/// (HLS `SAMPLE-AES`, RFC 8216bis §4.4.4.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SampleKey {
    /// Value of the samples' [`super::SampleCrypto::key_id`].
    pub key_id: [u8; 16],
    /// The initialisation vector of each sample.
    pub iv: [u8; 16],
}

/// Parameters for reading one segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DemuxSetup {
    /// Format that the manifest declares.
    pub format: ContainerFormat,
    /// Initialisation data, when it was read before.
    pub init: Option<Arc<InitSegment>>,
    /// The key of sample encryption, when the manifest announces it.
    pub sample_key: Option<SampleKey>,
    /// True if captions inside the video are wanted.
    pub captions: bool,
    /// State that an earlier segment of the rendition left, if any.
    #[serde(default)]
    pub carried: Option<CarriedState>,
    /// True to end with [`DemuxOutput::Tail`] where the format can: another segment may follow. False, the default,
    /// ends every access unit at the end of the data.
    #[serde(default)]
    pub keeps_tail: bool,
}

impl DemuxSetup {
    /// Clear media without captions.
    pub const fn new(format: ContainerFormat, init: Option<Arc<InitSegment>>) -> Self {
        Self { format, init, sample_key: None, captions: false, carried: None, keeps_tail: false }
    }
}

/// Caption data of one picture: the triples of `cc_data()` (ANSI/CTA-708 §4.4, three bytes each).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptionPacket {
    /// Presentation time of its picture.
    pub pts: MediaTime,
    /// `cc_type` with its marker bits, then two bytes; a multiple of three bytes.
    pub triples: Vec<u8>,
}

/// Keys of a file's samples, as the file declares them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectionInfo {
    /// The keys that its tracks name (`tenc`, `seig`).
    pub key_ids: Vec<KeyId>,
    /// Boxes for key systems.
    pub pssh: Vec<Pssh>,
}

/// Damage of one track of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackDamage {
    /// Kind of the track.
    pub kind: MediaKind,
    /// Places where packets are missing or damaged.
    pub gaps: u64,
    /// Access units of video that such a place cut into; they are given like whole ones.
    pub incomplete: u64,
    /// Access units of video that are not given, because no parameter sets arrived in time.
    pub undecodable: u64,
}

impl TrackDamage {
    /// A track without damage.
    pub const fn none(kind: MediaKind) -> Self {
        Self { kind, gaps: 0, incomplete: 0, undecodable: 0 }
    }
}

/// Output of a demuxer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DemuxOutput {
    /// Initialisation data (again, when a segment carries its own).
    Init(Arc<InitSegment>),
    /// The keys that samples need; before them.
    Protection(ProtectionInfo),
    /// Samples of one or more tracks.
    Fragment(Fragment),
    /// Cues of a subtitle file or track.
    Cues {
        /// In the file's own time.
        cues: Vec<Cue>,
        /// Relation of that to media time; `None` means that it is presentation time. Cues of a track in an MP4 file
        /// are in media time already and carry an identity: `mpegts` and `local` are the same instant.
        timestamp_map: Option<TimestampMap>,
    },
    /// Metadata in media time, in order of arrival.
    Metadata(Vec<TimedMetadata>),
    /// Captions inside the video, in media time, ordered by it within the pictures read so far.
    Captions(Vec<CaptionPacket>),
    /// Damage of one track in the data read so far, once at its end; absent for a track without any.
    Damage(TrackDamage),
    /// End of the segment, after everything else; only with [`DemuxSetup::keeps_tail`].
    Tail(SegmentTail),
}

/// Reasons why media could not be read. `offset` is in bytes from the beginning of the pushed data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum DemuxError {
    /// The data breaks its format.
    #[error("{what} at byte {offset}")]
    Malformed {
        /// Fault of the data.
        what: String,
        /// Offset in bytes.
        offset: u64,
    },
    /// A limit that protects the player was exceeded.
    #[error("{what} exceeds {limit} at byte {offset}")]
    Limit {
        /// Thing that is too large.
        what: String,
        /// Limit that was exceeded.
        limit: u64,
        /// Offset in bytes.
        offset: u64,
    },
    /// A format or codec that is not built; `feature` names it.
    #[error("{feature} is not supported")]
    Unsupported {
        /// Feature that is not supported.
        feature: String,
    },
    /// The data ended in the middle of something.
    #[error("data ends in the middle of {what} at byte {offset}")]
    Truncated {
        /// In the middle of what.
        what: String,
        /// Offset at which it began.
        offset: u64,
    },
    /// Fragments arrived before any initialisation data.
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

    /// Ends the segment and gives the data that was held back.
    ///
    /// # Errors
    /// When the data ends in the middle of something.
    fn finish(&mut self) -> Result<Vec<DemuxOutput>, DemuxError>;
}
