//! One fetching stream: which track it follows, how far it got, and what it is doing. Plain state; the scheduler and
//! the answers to requests move it.

use std::sync::Arc;

use super::carry::KeptState;
use super::ids::{PeriodKey, SegmentKey};
use super::request::JobId;
use crate::container::{Fragment, InitSegment, SegmentTail};
use crate::drm::KeyId;
use crate::error::PlayerError;
use crate::model::{ContentKinds, Resource, SegmentId, SegmentRef, TimedMetadata, TrackId};
use crate::render::Window;
use crate::time::{MediaTime, Now};

pub use super::ids::RepKey;

/// Which stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamId {
    /// Pictures, with or without sound in the same files.
    Main,
    /// Sound in files of its own.
    Audio,
    /// Subtitles.
    Text,
}

/// Where the next segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The segment that holds this time.
    At {
        /// In this period.
        period: PeriodKey,
        /// The time.
        time: MediaTime,
    },
    /// The one after this.
    After {
        /// The representation of the last segment.
        rep: RepKey,
        /// Its name in that.
        segment: SegmentId,
        /// Its announced end.
        end: MediaTime,
    },
    /// There is none.
    End,
}

/// A segment that was decided on.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// From which representation.
    pub rep: RepKey,
    /// The segment.
    pub segment: SegmentRef,
    /// Why that representation.
    pub reason: abr::Reason,
    /// Its place in the ladder that the rule saw, and that ladder.
    pub ladder: Arc<Ladder>,
    /// Which rung.
    pub rung: usize,
    /// It belongs to the first discontinuity of the presentation.
    pub opening: bool,
    /// What may be presented of it.
    pub window: Window,
}

impl Chosen {
    /// Returns the key of the segment.
    pub const fn key(&self) -> SegmentKey {
        SegmentKey::of(self.rep, &self.segment)
    }
}

/// The representations that a rule chose from, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    /// What the rule sees.
    pub rungs: Vec<abr::Rung>,
    /// The same rungs as representations.
    pub keys: Vec<RepKey>,
}

/// A segment on its way.
#[derive(Clone, Debug)]
pub struct Fetching {
    /// The request.
    pub job: JobId,
    /// What is fetched.
    pub chosen: Chosen,
    /// Initialisation data in force: fetched before, or read from the segment itself.
    pub init: Option<Arc<InitSegment>>,
    /// Presentation time of its first sample, as announced: its start, or that of an earlier segment whose samples
    /// come with it.
    pub begins_at: MediaTime,
    /// What is added to its times, once its first samples have come.
    pub shift: Option<i64>,
    /// Sound that came before the first picture of its discontinuity: pictures tell where both belong.
    pub early: Vec<Fragment>,
    /// Samples or cues that came.
    pub seen: usize,
    /// Metadata that came before it was known what must be added to its times.
    pub metadata: Vec<TimedMetadata>,
    /// Something about its times was wrong and has been reported.
    pub warned: bool,
    /// Its end, once it has come.
    pub tail: Option<Box<SegmentTail>>,
}

/// What the stream is doing.
#[derive(Clone, Debug)]
pub enum Activity {
    /// Nothing is on its way.
    Idle,
    /// The index of a representation is on its way.
    Index(RepKey),
    /// A key is on its way without which nothing can be fetched; the segment follows.
    Key {
        /// The segment.
        chosen: Box<Chosen>,
        /// The key.
        key: KeyId,
    },
    /// Initialisation data is on its way; the segment follows.
    Init {
        /// The segment.
        chosen: Box<Chosen>,
        /// What it needs.
        resource: Resource,
    },
    /// A segment is on its way.
    Media(Box<Fetching>),
}

/// Trouble with the segment that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Trouble {
    /// When its first request was made.
    pub since: Now,
    /// Requests for it so far, of whichever representation.
    pub requests: u32,
}

/// A stream.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Which one.
    pub id: StreamId,
    /// The track it follows through all periods.
    pub track: TrackId,
    /// Where the next segment is.
    pub place: Place,
    /// What it is doing.
    pub activity: Activity,
    /// What its files carry, once initialisation data was read.
    pub carries: Option<ContentKinds>,
    /// Representation of the last segment that was decided on.
    pub last: Option<RepKey>,
    /// The total time that the wanted segment may cost began here.
    pub trouble: Option<Trouble>,
    /// Segments given up in a row.
    pub skipped: u32,
    /// The adaptive rule asked to wait.
    pub hold_until: Option<Now>,
    /// Segments before the one at the seek target that were asked for because decoding cannot begin there.
    pub stepped_back: u8,
    /// What its last segment left for the one after it.
    pub kept: Option<KeptState>,
    /// The last segment that was damaged.
    pub damaged: Option<SegmentId>,
    /// What follows cannot be decrypted, and why.
    pub ends_with: Option<Box<PlayerError>>,
}

impl Stream {
    /// A stream that begins at a time.
    pub const fn new(id: StreamId, track: TrackId, place: Place) -> Self {
        Self {
            id,
            track,
            place,
            activity: Activity::Idle,
            carries: None,
            last: None,
            trouble: None,
            skipped: 0,
            hold_until: None,
            stepped_back: 0,
            kept: None,
            damaged: None,
            ends_with: None,
        }
    }

    /// Up to where everything is fetched or on its way.
    pub fn fetched_until(&self) -> MediaTime {
        match (&self.activity, self.place) {
            (Activity::Media(fetching), _) => fetching.chosen.segment.end(),
            (_, Place::At { time, .. }) => time,
            (_, Place::After { end, .. }) => end,
            (_, Place::End) => MediaTime::MAX,
        }
    }

    /// True when the last segment of the last period has been fetched.
    pub fn is_finished(&self) -> bool {
        self.place == Place::End && matches!(self.activity, Activity::Idle)
    }

    /// The segment that was decided on and is not here: it is on its way, or what it needs is.
    pub fn coming(&self) -> Option<&Chosen> {
        match &self.activity {
            Activity::Media(fetching) => Some(&fetching.chosen),
            Activity::Key { chosen, .. } | Activity::Init { chosen, .. } => Some(chosen),
            Activity::Idle | Activity::Index(_) => None,
        }
    }

    /// The segment on its way.
    pub fn fetching(&self) -> Option<&Fetching> {
        match &self.activity {
            Activity::Media(fetching) => Some(fetching),
            Activity::Idle | Activity::Index(_) | Activity::Key { .. } | Activity::Init { .. } => None,
        }
    }
}
