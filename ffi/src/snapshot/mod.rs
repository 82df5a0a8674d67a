//! Snapshots for C: one object, read field by field.

pub(crate) mod details;

use std::ffi::{CString, c_char};
use std::sync::{Arc, OnceLock};

use player_core::model::{MediaKind, PresentationKind, TimedMetadata};
use player_core::text::Cue;
use player_core::{MediaTime, Now, Snapshot, State};

use crate::boundary::{destroy, give, guarded, invalid, shared};
use crate::cue::CueView;
use crate::live::reason_of;
use crate::metadata::MetadataTexts;
use crate::player::kinora_player;
use crate::retry::RetryView;
use crate::sized::{Out, sized};
use crate::strings::c_string;

/// State of a player.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_state {
    /// No presentation is loaded.
    Idle = 0,
    /// The manifest or the first media are on their way.
    Loading = 1,
    /// There is enough media.
    Ready = 2,
    /// Playback waits for media.
    Buffering = 3,
    /// On the way to another time.
    Seeking = 4,
    /// Everything has been presented.
    Ended = 5,
    /// Playback ended by an error.
    Failed = 6,
}

/// The state for C.
pub fn state_of(state: State) -> kinora_state {
    match state {
        State::Idle => kinora_state::Idle,
        State::Loading => kinora_state::Loading,
        State::Ready => kinora_state::Ready,
        State::Buffering(_) => kinora_state::Buffering,
        State::Seeking => kinora_state::Seeking,
        State::Ended => kinora_state::Ended,
        State::Failed => kinora_state::Failed,
    }
}

/// Kind of a track.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_track_kind {
    /// An audio track.
    Audio = 0,
    /// A track of subtitles or captions.
    Text = 1,
}

/// The plain values of a snapshot.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kinora_snapshot_info {
    /// Set it to the size of this structure as you compiled it, before the call.
    pub struct_size: usize,
    /// State of the player.
    pub state: kinora_state,
    /// Plays as soon as it can: 1 or 0.
    pub play_when_ready: u32,
    /// Position of playback, in nanoseconds.
    pub position_ns: i64,
    /// The presentation's length; -1 when not known.
    pub duration_ns: i64,
    /// Start of the seekable range, in nanoseconds; both ends are -1 when seeking is impossible.
    pub seekable_start_ns: i64,
    /// First time that cannot be sought to.
    pub seekable_end_ns: i64,
    /// End of the media ahead of the playhead; the position itself when there is none.
    pub buffered_until_ns: i64,
    /// Playback rate that was chosen; 1 is normal.
    pub rate: f64,
    /// Loudness, 0 to 1.
    pub volume: f64,
    /// Silence: 1 or 0.
    pub muted: u32,
    /// Code of the error that ended playback; 0 when it did not fail.
    pub error: u32,
    /// Number of tracks for kinora_snapshot_track().
    pub track_count: usize,
    /// Number of qualities for kinora_snapshot_quality().
    pub quality_count: usize,
    /// Number of video frames presented.
    pub frames_presented: u64,
    /// Number of video frames that were too late and dropped.
    pub frames_dropped: u64,
    /// Number of stalls so far.
    pub stall_count: usize,
    /// Reason for the wait, a value of kinora_buffering_reason: not none only while `state` is
    /// KINORA_STATE_BUFFERING.
    pub buffering_reason: u32,
    /// The presentation is live: 1 or 0. kinora_snapshot_live() has its state.
    pub is_live: u32,
}

sized!(kinora_snapshot_info, { struct_size, state, play_when_ready, position_ns, duration_ns, seekable_start_ns, seekable_end_ns, buffered_until_ns,
    rate, volume, muted, error, track_count, quality_count, frames_presented, frames_dropped, stall_count,
    buffering_reason, is_live, });

/// A track to choose. Strings live as long as the snapshot.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kinora_track {
    /// Set it to the size of this structure as you compiled it, before the call.
    pub struct_size: usize,
    /// Kind of the track.
    pub kind: kinora_track_kind,
    /// Its name for commands.
    pub id: *const c_char,
    /// Language tag by BCP 47; NULL when not declared.
    pub language: *const c_char,
    /// Name for menus; NULL when not declared.
    pub label: *const c_char,
    /// Presented now: 1 or 0.
    pub selected: u32,
}

sized!(kinora_track, { struct_size, kind, id, language, label, selected });

/// A video quality to choose. Strings live as long as the snapshot.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kinora_quality {
    /// Set it to the size of this structure as you compiled it, before the call.
    pub struct_size: usize,
    /// Its name for commands.
    pub id: *const c_char,
    /// Declared bitrate, in bits per second.
    pub bitrate: u64,
    /// Width in pixels; 0 when not declared.
    pub width: u32,
    /// Height in pixels; 0 when not declared.
    pub height: u32,
    /// On screen now: 1 or 0.
    pub shown: u32,
}

sized!(kinora_quality, { struct_size, id, bitrate, width, height, shown });

/// A cue on screen. Strings live as long as the snapshot.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kinora_cue {
    /// Set it to the size of this structure as you compiled it, before the call.
    pub struct_size: usize,
    /// First time on screen.
    pub start_ns: i64,
    /// First time off screen.
    pub end_ns: i64,
    /// Text without style, lines separated by '\n'.
    pub text: *const c_char,
    /// Everything about the cue as JSON, for logs; kinora_snapshot_cue_layout() gives it as structures.
    pub json: *const c_char,
}

sized!(kinora_cue, { struct_size, start_ns, end_ns, text, json });

/// Everything needed to draw a player, as it was at one moment. Never changes.
pub struct kinora_snapshot {
    snapshot: Arc<Snapshot>,
    position: MediaTime,
    tracks: Vec<TrackTexts>,
    qualities: Vec<CString>,
    /// Made when they are asked for: there are thousands, and few are on screen.
    cues: Vec<OnceLock<CueView>>,
    metadata: OnceLock<Vec<MetadataTexts>>,
    stats: CString,
    retry: Option<RetryView>,
}

struct TrackTexts {
    kind: kinora_track_kind,
    id: CString,
    language: Option<CString>,
    label: Option<CString>,
    selected: bool,
}

impl kinora_snapshot {
    /// Makes the view of a snapshot at `now`, where playback is at `position`.
    pub(crate) fn new(snapshot: Arc<Snapshot>, position: MediaTime, now: Now) -> Self {
        let optional = |text: &Option<String>| text.as_deref().map(c_string);
        let tracks = snapshot.tracks.iter().filter_map(|track| {
            let kind = match track.kind {
                MediaKind::Audio => kinora_track_kind::Audio,
                MediaKind::Text => kinora_track_kind::Text,
                MediaKind::Video => return None,
            };
            Some(TrackTexts {
                kind,
                id: c_string(&track.id.0),
                language: optional(&track.language),
                label: optional(&track.label),
                selected: track.selected,
            })
        });
        Self {
            tracks: tracks.collect(),
            qualities: snapshot.qualities.iter().map(|quality| c_string(&quality.id)).collect(),
            cues: snapshot.cues.iter().map(|_| OnceLock::new()).collect(),
            metadata: OnceLock::new(),
            stats: c_string(&serde_json::to_string(&*snapshot.stats).unwrap_or_default()),
            retry: snapshot.pending_retry.as_ref().map(|retry| RetryView::new(retry, now)),
            position,
            snapshot,
        }
    }

    /// The request that playback waits for.
    pub(crate) const fn retry(&self) -> Option<&RetryView> {
        self.retry.as_ref()
    }

    /// The `index`th cue on screen at a time.
    pub(crate) fn cue_at(&self, time_ns: i64, index: usize) -> Option<(&Cue, &CueView)> {
        let time = MediaTime::from_nanos(time_ns);
        let active = self.snapshot.cues.iter().zip(&self.cues);
        let mut active = active.filter(|(cue, _)| cue.start <= time && time < cue.end);
        active.nth(index).map(|(cue, view)| (cue, view.get_or_init(|| CueView::new(cue))))
    }

    /// Returns the snapshot behind the view.
    pub fn inner(&self) -> &Snapshot {
        &self.snapshot
    }

    /// A piece of metadata and its texts, which are made when first asked for.
    pub fn metadata(&self, index: usize) -> Option<(&Arc<TimedMetadata>, &MetadataTexts)> {
        let texts = self.metadata.get_or_init(|| self.snapshot.metadata.iter().map(|m| MetadataTexts::of(m)).collect());
        self.snapshot.metadata.get(index).zip(texts.get(index))
    }

    fn info(&self) -> kinora_snapshot_info {
        let snapshot = &self.snapshot;
        let buffered = snapshot.buffered.around(self.position);
        let span = |span: std::time::Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        kinora_snapshot_info {
            struct_size: size_of::<kinora_snapshot_info>(),
            state: state_of(snapshot.state),
            play_when_ready: u32::from(snapshot.play_when_ready),
            position_ns: self.position.as_nanos(),
            duration_ns: snapshot.duration.map_or(-1, span),
            seekable_start_ns: snapshot.seekable.map_or(-1, |range| range.start.as_nanos()),
            seekable_end_ns: snapshot.seekable.map_or(-1, |range| range.end.as_nanos()),
            buffered_until_ns: buffered.map_or(self.position, |range| range.end).as_nanos(),
            rate: snapshot.rate,
            volume: snapshot.volume,
            muted: u32::from(snapshot.muted),
            error: snapshot.error.as_ref().map_or(0, |error| u32::from(error.code.number())),
            track_count: self.tracks.len(),
            quality_count: self.qualities.len(),
            frames_presented: snapshot.stats.frames.presented,
            frames_dropped: snapshot.stats.frames.dropped,
            stall_count: snapshot.stats.stalls.len(),
            buffering_reason: reason_of(snapshot.state) as u32,
            is_live: u32::from(snapshot.kind == Some(PresentationKind::Live)),
        }
    }
}

/// Returns the position of playback right now, in nanoseconds: cheap, for every frame of a progress bar.
///
/// Thread-safety: any thread.
///
/// # Safety
/// `player` is a live player; `position_ns` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_position(player: *const kinora_player, position_ns: *mut i64) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        let handle = unsafe { shared(player, "player") }?;
        // SAFETY: the caller's promise.
        unsafe { give(position_ns, handle.player.position().as_nanos(), "position_ns") }
    })
}

/// Takes a snapshot. Give it back with kinora_snapshot_destroy().
///
/// Thread-safety: any thread.
///
/// # Safety
/// `player` is a live player; `out` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_snapshot(player: *const kinora_player, out: *mut *mut kinora_snapshot) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        unsafe { give(out, std::ptr::null_mut(), "out") }?;
        // SAFETY: the caller's promise.
        let handle = unsafe { shared(player, "player") }?;
        let snapshot = handle.player.snapshot();
        let now = handle.player.now();
        let position = snapshot.position_at(now);
        let object = Box::into_raw(Box::new(kinora_snapshot::new(snapshot, position, now)));
        // SAFETY: `out` was written through above.
        unsafe { give(out, object, "out") }
    })
}

/// Reads the plain values.
///
/// Thread-safety: any thread.
///
/// # Safety
/// `snapshot` is a live snapshot; `out` is valid for `out->struct_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_snapshot_state(
    snapshot: *const kinora_snapshot,
    out: *mut kinora_snapshot_info,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        let (snapshot, out) = unsafe { (shared(snapshot, "snapshot")?, Out::new(out, "out")?) };
        out.fill(&snapshot.info());
        Ok(())
    })
}

/// Reads track number `index`.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_snapshot_state().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_snapshot_track(
    snapshot: *const kinora_snapshot,
    index: usize,
    out: *mut kinora_track,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        let (snapshot, out) = unsafe { (shared(snapshot, "snapshot")?, Out::new(out, "out")?) };
        let found = snapshot.tracks.get(index).ok_or_else(|| invalid(&format!("there is no track {index}")))?;
        let optional = |text: &Option<CString>| text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
        let track = kinora_track {
            struct_size: size_of::<kinora_track>(),
            kind: found.kind,
            id: found.id.as_ptr(),
            language: optional(&found.language),
            label: optional(&found.label),
            selected: u32::from(found.selected),
        };
        out.fill(&track);
        Ok(())
    })
}

/// Reads quality number `index`, ascending by bitrate.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_snapshot_state().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_snapshot_quality(
    snapshot: *const kinora_snapshot,
    index: usize,
    out: *mut kinora_quality,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        let (snapshot, out) = unsafe { (shared(snapshot, "snapshot")?, Out::new(out, "out")?) };
        let found = snapshot.snapshot.qualities.get(index).zip(snapshot.qualities.get(index));
        let (quality, id) = found.ok_or_else(|| invalid(&format!("there is no quality {index}")))?;
        let quality = kinora_quality {
            struct_size: size_of::<kinora_quality>(),
            id: id.as_ptr(),
            bitrate: quality.bitrate,
            width: quality.width.unwrap_or(0),
            height: quality.height.unwrap_or(0),
            shown: u32::from(quality.shown),
        };
        out.fill(&quality);
        Ok(())
    })
}

/// Reads the `index`th cue that is on screen at `time_ns`. `*found` is 1, or 0 when there are no more; `*out` is then as
/// it was.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_snapshot_state(); `found` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_snapshot_cue_at(
    snapshot: *const kinora_snapshot,
    time_ns: i64,
    index: usize,
    out: *mut kinora_cue,
    found: *mut u32,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        let (snapshot, out) = unsafe { (shared(snapshot, "snapshot")?, Out::new(out, "out")?) };
        let cue = snapshot.cue_at(time_ns, index);
        // SAFETY: the caller's promise.
        unsafe { give(found, u32::from(cue.is_some()), "found") }?;
        if let Some((cue, view)) = cue {
            out.fill(&kinora_cue {
                struct_size: size_of::<kinora_cue>(),
                start_ns: cue.start.as_nanos(),
                end_ns: cue.end.as_nanos(),
                text: view.text.as_ptr(),
                json: view.json.as_ptr(),
            });
        }
        Ok(())
    })
}

/// The session's counters as JSON; lives as long as the snapshot. NULL when `snapshot` is NULL.
///
/// Thread-safety: any thread.
///
/// # Safety
/// `snapshot` is NULL or a live snapshot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_snapshot_stats_json(snapshot: *const kinora_snapshot) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { snapshot.as_ref() }.map_or(std::ptr::null(), |snapshot| snapshot.stats.as_ptr())
}

/// Gives a snapshot back and sets `*snapshot` to NULL. NULL does nothing.
///
/// Thread-safety: any thread, when no other uses the snapshot any more.
///
/// # Safety
/// `snapshot` is NULL or points to NULL or to a snapshot that was not given back yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_snapshot_destroy(snapshot: *mut *mut kinora_snapshot) {
    // SAFETY: the caller's promise.
    unsafe { destroy(snapshot) }
}
