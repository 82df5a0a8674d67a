//! Announcements of the player. An application that does not take them loses progress events first, then states that a
//! later one replaces, then the oldest; [`Event::EventsLost`] counts them. Replies are never lost.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::command::CommandId;
use crate::error::PlayerError;
use crate::model::{MediaKind, PresentationKind, Protocol, TimedMetadata};
use crate::snapshot::State;
use crate::time::MediaTime;

/// Something that happened, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A command was accepted or refused. Exactly one for each command.
    Reply {
        /// Identifier of the command.
        id: CommandId,
        /// Error for which it was refused; `None` if it was accepted.
        error: Option<PlayerError>,
    },
    /// The state of the player changed.
    StateChanged {
        /// State from now on.
        state: State,
    },
    /// The presentation is known.
    Loaded {
        /// Protocol of the manifest.
        protocol: Protocol,
        /// On demand or live.
        kind: PresentationKind,
        /// Its length, when known.
        duration: Option<Duration>,
    },
    /// Tracks or qualities to choose from, or the choice, changed; the snapshot has them.
    TracksChanged,
    /// The length or the seekable range became known or changed; the snapshot has it.
    TimelineChanged,
    /// The first video frame of a load or a seek is on screen.
    FirstFrame {
        /// Presentation time of the picture.
        pts: MediaTime,
        /// Since the load or the seek.
        latency: Duration,
    },
    /// The first audio of a load or a seek is presented without video: there is none, it begins later, or it cannot be
    /// decoded. [`Event::FirstFrame`] follows if video comes.
    FirstAudio {
        /// Presentation time of the audio.
        pts: MediaTime,
        /// Since the load or the seek.
        latency: Duration,
    },
    /// Another quality is on screen.
    QualityChanged {
        /// Time on the presentation timeline.
        at: MediaTime,
        /// The representation before, when there was one.
        from: Option<String>,
        /// Representation from then on.
        to: String,
        /// Reason of the adaptive rule.
        reason: String,
    },
    /// A seek has begun. Once for each seek that is carried out: of seeks that come faster than that, only the last is.
    SeekStarted {
        /// The target after clamping.
        to: MediaTime,
    },
    /// The first correct picture after a seek is on screen.
    SeekCompleted {
        /// The target after clamping.
        to: MediaTime,
        /// Time since the command.
        latency: Duration,
        /// Distance of the first picture from the target in nanoseconds; negative when it lies before.
        error_nanos: i64,
    },
    /// Playback has stopped for want of media.
    StallStarted {
        /// Position of playback.
        at: MediaTime,
        /// Description of the missing media.
        reason: String,
    },
    /// Playback goes on after a stall.
    StallEnded {
        /// Position of playback.
        at: MediaTime,
        /// Duration of the stall.
        duration: Duration,
    },
    /// A location was excluded and another took over.
    Failover {
        /// Position of playback.
        at: MediaTime,
        /// The excluded location: scheme, host and port.
        from: String,
        /// The location used from now on.
        to: String,
        /// Reason of the failover.
        reason: String,
    },
    /// Live playback went elsewhere by itself: it had fallen out of the window, or its latency was far off.
    LiveRecovered {
        /// Position before.
        from: MediaTime,
        /// Position at which playback goes on.
        to: MediaTime,
        /// `behind_window` or `latency`.
        reason: String,
    },
    /// A gap in the media was jumped over.
    GapSkipped {
        /// Start of the gap.
        from: MediaTime,
        /// Position at which playback goes on.
        to: MediaTime,
    },
    /// A segment has been fetched and read.
    SegmentLoaded {
        /// Kind of the track.
        kind: MediaKind,
        /// Identifier of the representation.
        representation: String,
        /// Start of the segment.
        start: MediaTime,
        /// Number of bytes of the segment, over all requests that gave any of it.
        bytes: u64,
        /// From the first of these requests to the last byte.
        elapsed: Duration,
    },
    /// The cues of the chosen text track changed; the snapshot has them.
    CuesChanged,
    /// Timed metadata was added or completed; the snapshot has it.
    MetadataChanged,
    /// The playhead has entered a piece of timed metadata: once for each pass, in playback or by a seek into it.
    MetadataStarted {
        /// Metadata whose start was reached.
        metadata: Arc<TimedMetadata>,
    },
    /// The playhead has left it, by playback, by a seek, or because everything has been presented. Never for metadata
    /// without a known length.
    MetadataEnded {
        /// Metadata whose end was reached.
        metadata: Arc<TimedMetadata>,
    },
    /// Something was recovered; playback goes on.
    Warning {
        /// Error that was recovered.
        error: PlayerError,
    },
    /// The end of the presentation has been presented.
    Ended,
    /// Playback ended by command.
    Stopped,
    /// Playback ended by an error.
    Failed {
        /// Error that ended playback.
        error: PlayerError,
    },
    /// The application did not take events in time and some were dropped; the snapshot has the present state.
    EventsLost {
        /// Number of events dropped since the last of these. No reply is among them.
        count: u64,
    },
}

impl Event {
    /// True for events that a slow host may miss without harm.
    pub const fn is_progress(&self) -> bool {
        matches!(self, Self::SegmentLoaded { .. } | Self::CuesChanged | Self::MetadataChanged)
    }
}
