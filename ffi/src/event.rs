//! Events of a player, as C structures.

use std::ffi::{CString, c_char};
use std::time::Duration;

use player_core::model::TimedMetadata;
use player_core::{Event, PlayerError};

use crate::boundary::{destroy, give, guarded, shared};
use crate::player::kinora_player;
use crate::snapshot::{kinora_state, state_of};
use crate::strings::c_string;

/// Kind of an event.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_event_type {
    /// A command was accepted (error 0) or refused; `command` is its id.
    Reply = 1,
    /// `state` is the new state.
    StateChanged = 2,
    /// The presentation is known; `duration_ns` is its length, or -1.
    Loaded = 3,
    /// Tracks or qualities, or the choice, changed.
    TracksChanged = 4,
    /// The length or the seekable range changed. The window of a live presentation moves on without events.
    TimelineChanged = 5,
    /// The first video frame of a load or a seek is on screen; `time_ns` is its time, `duration_ns` how long it took.
    FirstFrame = 6,
    /// Another quality is on screen from `time_ns` on; `text` is its id.
    QualityChanged = 7,
    /// A seek to `time_ns` has begun. Of seeks that are sent faster than they can be carried out, only the last is.
    SeekStarted = 8,
    /// The first picture after a seek to `time_ns` is on screen, `duration_ns` after the command.
    SeekCompleted = 9,
    /// Playback waits for media at `time_ns`; `text` names the missing media.
    StallStarted = 10,
    /// Playback goes on after a stall of `duration_ns`.
    StallEnded = 11,
    /// Another location took over; `text` names it.
    Failover = 12,
    /// A gap was jumped over to `time_ns`.
    GapSkipped = 13,
    /// A segment was fetched; `text` is its representation, `time_ns` its start.
    SegmentLoaded = 14,
    /// The cues on screen changed.
    CuesChanged = 15,
    /// An error was recovered; `error` and `text` describe it.
    Warning = 16,
    /// The end has been presented.
    Ended = 17,
    /// Playback ended by command.
    Stopped = 18,
    /// Playback ended by an error; `error` and `text` say which.
    Failed = 19,
    /// Timed metadata was added or completed; kinora_snapshot_metadata() has it.
    MetadataChanged = 20,
    /// The playhead has entered a piece of timed metadata: `text` is its scheme, `time_ns` its start, `duration_ns` its
    /// length or -1, and `json` has the rest (`metadata.body`: bytes are in hexadecimal).
    MetadataStarted = 21,
    /// The playhead has left it. Never for metadata without a known length.
    MetadataEnded = 22,
    /// The first audio of a load or a seek is presented without video: there is none, it begins later, or it cannot be
    /// decoded. `time_ns` is its time, `duration_ns` how long it took. FIRST_FRAME follows if video comes.
    FirstAudio = 23,
    /// `count` events were dropped since the last of these, because they were not taken: see kinora_player_wait_event().
    EventsLost = 24,
    /// Playback of a live presentation jumped to `time_ns`; `text` is "behind_window" after its window had slid past the
    /// playhead, else another reason to return to the wanted latency.
    LiveRecovered = 25,
    /// Something that this version of the interface has no number for; `json` has it.
    Other = 99,
}

/// One event. Give it back with kinora_event_destroy().
#[repr(C)]
pub struct kinora_event {
    /// Kind of the event.
    pub kind: kinora_event_type,
    /// The command, for replies; else 0.
    pub command: u64,
    /// An error code; 0 when there is none.
    pub error: u32,
    /// The new state, for state changes.
    pub state: kinora_state,
    /// A presentation time, where the type has one; else -1.
    pub time_ns: i64,
    /// A length of time, where the type has one; else -1.
    pub duration_ns: i64,
    /// A text, where the type has one; else NULL. Lives as long as the event.
    pub text: *const c_char,
    /// Everything about the event as JSON. Lives as long as the event.
    pub json: *const c_char,
    /// A number of things, where the type has one; else 0.
    pub count: u64,
}

/// An event together with the memory that its pointers point to; `event` comes first, so that a pointer to it is a
/// pointer to this.
#[repr(C)]
struct Owned {
    event: kinora_event,
    text: Option<CString>,
    json: CString,
}

fn span(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

struct Parts {
    kind: kinora_event_type,
    time: Option<i64>,
    duration: Option<Duration>,
    text: Option<String>,
}

impl Parts {
    fn of(kind: kinora_event_type) -> Self {
        Self { kind, time: None, duration: None, text: None }
    }

    fn at(self, time: player_core::MediaTime) -> Self {
        Self { time: Some(time.as_nanos()), ..self }
    }

    fn lasting(self, duration: Duration) -> Self {
        Self { duration: Some(duration), ..self }
    }

    fn saying(self, text: &str) -> Self {
        Self { text: Some(text.to_owned()), ..self }
    }

    fn about(self, metadata: &TimedMetadata) -> Self {
        Self { duration: metadata.duration, ..self }.at(metadata.start).saying(&metadata.scheme)
    }
}

fn parts(event: &Event) -> Parts {
    use kinora_event_type as Kind;
    match event {
        Event::Reply { .. } => Parts::of(Kind::Reply),
        Event::StateChanged { .. } => Parts::of(Kind::StateChanged),
        Event::Loaded { duration, .. } => Parts { duration: *duration, ..Parts::of(Kind::Loaded) },
        Event::TracksChanged => Parts::of(Kind::TracksChanged),
        Event::TimelineChanged => Parts::of(Kind::TimelineChanged),
        Event::FirstFrame { pts, latency } => Parts::of(Kind::FirstFrame).at(*pts).lasting(*latency),
        Event::FirstAudio { pts, latency } => Parts::of(Kind::FirstAudio).at(*pts).lasting(*latency),
        Event::QualityChanged { at, to, .. } => Parts::of(Kind::QualityChanged).at(*at).saying(to),
        Event::SeekStarted { to } => Parts::of(Kind::SeekStarted).at(*to),
        Event::SeekCompleted { to, latency, .. } => Parts::of(Kind::SeekCompleted).at(*to).lasting(*latency),
        Event::StallStarted { at, reason } => Parts::of(Kind::StallStarted).at(*at).saying(reason),
        Event::StallEnded { at, duration } => Parts::of(Kind::StallEnded).at(*at).lasting(*duration),
        Event::Failover { at, to, .. } => Parts::of(Kind::Failover).at(*at).saying(to),
        Event::GapSkipped { to, .. } => Parts::of(Kind::GapSkipped).at(*to),
        Event::SegmentLoaded { representation, start, elapsed, .. } => {
            Parts::of(Kind::SegmentLoaded).at(*start).lasting(*elapsed).saying(representation)
        }
        Event::LiveRecovered { to, reason, .. } => Parts::of(Kind::LiveRecovered).at(*to).saying(reason),
        Event::CuesChanged => Parts::of(Kind::CuesChanged),
        Event::MetadataChanged => Parts::of(Kind::MetadataChanged),
        Event::MetadataStarted { metadata } => Parts::of(Kind::MetadataStarted).about(metadata),
        Event::MetadataEnded { metadata } => Parts::of(Kind::MetadataEnded).about(metadata),
        Event::Warning { .. } => Parts::of(Kind::Warning),
        Event::Ended => Parts::of(Kind::Ended),
        Event::Stopped => Parts::of(Kind::Stopped),
        Event::Failed { .. } => Parts::of(Kind::Failed),
        Event::EventsLost { .. } => Parts::of(Kind::EventsLost),
        _ => Parts::of(Kind::Other),
    }
}

fn error_of(event: &Event) -> Option<&PlayerError> {
    match event {
        Event::Reply { error, .. } => error.as_ref(),
        Event::Warning { error } | Event::Failed { error } => Some(error),
        _ => None,
    }
}

fn owned(event: &Event) -> *mut kinora_event {
    let parts = parts(event);
    let error = error_of(event);
    let text = parts.text.or_else(|| error.map(|error| error.message.clone())).map(|text| c_string(&text));
    let json = c_string(&serde_json::to_string(event).unwrap_or_default());
    let command = if let Event::Reply { id, .. } = event { id.0 } else { 0 };
    let state = if let Event::StateChanged { state } = event { state_of(*state) } else { kinora_state::Idle };
    // A CString's bytes stay where they are when it moves into the box.
    let event = kinora_event {
        kind: parts.kind,
        command,
        error: error.map_or(0, |error| u32::from(error.code.number())),
        state,
        time_ns: parts.time.unwrap_or(-1),
        duration_ns: parts.duration.map_or(-1, span),
        text: text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr()),
        json: json.as_ptr(),
        count: if let Event::EventsLost { count } = event { *count } else { 0 },
    };
    Box::into_raw(Box::new(Owned { event, text, json })).cast()
}

/// A `timeout_ms` without end for kinora_player_wait_event().
pub const KINORA_WAIT_FOREVER: u32 = 0xffff_ffff;

/// Span that no host outlives, for a clock that counts nanoseconds in 64 bits: a century.
const FOREVER: Duration = Duration::from_secs(100 * 366 * 86_400);

/// Waits for the next event, at most `timeout_ms`; 0 only looks, KINORA_WAIT_FOREVER waits without end. `*out` is the
/// event, or NULL when the time was up or the player has ended. Every command of another thread ends a wait, because its
/// reply is an event.
///
/// Take events in time. At most 4096 replies are due or wait here; past that, commands are refused with QueueFull (6004),
/// so that no reply is ever lost. At most 4096 other events wait; past that, those that only report progress are dropped
/// first, then states that a later event replaces, then the oldest, and KINORA_EVENT_TYPE_EVENTS_LOST comes with their
/// number. The snapshot always has the present state.
///
/// Thread-safety: any thread; each event goes to one of those that wait.
///
/// # Safety
/// `player` is a live player; `out` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_wait_event(
    player: *const kinora_player,
    timeout_ms: u32,
    out: *mut *mut kinora_event,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        unsafe { give(out, std::ptr::null_mut(), "out") }?;
        // SAFETY: the caller's promise.
        let handle = unsafe { shared(player, "player") }?;
        let event = match timeout_ms {
            0 => handle.player.try_event(),
            KINORA_WAIT_FOREVER => handle.player.wait_event(FOREVER),
            _ => handle.player.wait_event(Duration::from_millis(u64::from(timeout_ms))),
        };
        match event {
            // SAFETY: `out` was written through above.
            Some(event) => unsafe { give(out, owned(&event), "out") },
            None => Ok(()),
        }
    })
}

/// Gives an event back and sets `*event` to NULL. NULL does nothing.
///
/// Thread-safety: any thread, when no other uses the event any more.
///
/// # Safety
/// `event` is NULL or points to NULL or to an event that was not given back yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_event_destroy(event: *mut *mut kinora_event) {
    // SAFETY: every event that is handed out is the first field of an `Owned` made by `Box::into_raw`.
    unsafe { destroy(event.cast::<*mut Owned>()) }
}

#[cfg(test)]
mod tests {
    use player_core::player::{MAX_COMMANDS, MAX_EVENTS, MAX_REPLIES};

    #[test]
    fn the_header_gives_the_limits_of_the_queues() {
        let header: String =
            include_str!("../include/kinora.h").split_whitespace().filter(|word| *word != "//").collect();
        for limit in [
            format!("At most {MAX_REPLIES} replies are due or wait here"),
            format!("At most {MAX_EVENTS} other events wait"),
            format!("when {MAX_COMMANDS} wait for the player, or when {MAX_REPLIES} are unanswered"),
        ] {
            assert!(header.contains(&limit.replace(' ', "")), "{limit}");
        }
    }
}
