//! The handle and its commands.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use player_core::error::PlayerError;
use player_core::model::TrackId;
use player_core::render::gst::{AudioOutput, GstConfig, GstRenderer, VideoOutput};
use player_core::render::null::NullRenderer;
use player_core::render::{FrameSlot, Renderer};
use player_core::{Command, MediaTime, Player, QualityChoice, SeekMode, TrackChoice, WallClock};

use crate::boundary::{destroy, give, guarded, invalid, optional_text, shared};
use crate::config::{
    Config, kinora_audio_output, kinora_config, kinora_load_options, kinora_video_output, read_config, read_request,
};

/// A player. Made by kinora_player_create(), given back by kinora_player_destroy().
///
/// Commands may come at any pace. Each that is accepted is answered by exactly one event of the type
/// KINORA_EVENT_TYPE_REPLY with its id. Of seeks, rates and choices of track or quality that come faster than they can be
/// carried out (a few at once, then ten a second), the last is carried out. A command is refused with QueueFull (6004),
/// without a reply and without effect, when 2048 wait for the player, or when 4096 are unanswered or have a reply that
/// was not taken with kinora_player_wait_event().
pub struct kinora_player {
    pub(crate) player: Player,
    /// Newest picture, for a player whose host draws the video.
    pub(crate) frames: Option<FrameSlot>,
}

/// Called on a thread of the player after something changed, time apart. It may only wake a thread of yours.
pub type kinora_wakeup = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// Precision of a seek.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_seek_mode {
    /// The first picture is the one on screen at the target.
    Exact,
    /// The first picture is the key frame at or before the target: faster.
    Keyframe,
}

/// Makes the renderer of a configuration; pictures go into `frames` if the host draws the video.
pub(crate) fn renderer(config: &Config, frames: &FrameSlot) -> Result<Box<dyn Renderer>, PlayerError> {
    let video = match config.video {
        kinora_video_output::None => return Ok(Box::new(NullRenderer::new())),
        kinora_video_output::Window => VideoOutput::Window,
        kinora_video_output::Count => VideoOutput::Count,
        kinora_video_output::Frames => {
            let frames = frames.clone();
            VideoOutput::Frames(std::sync::Arc::new(move |frame| frames.put(frame)))
        }
    };
    let audio = match config.audio {
        kinora_audio_output::Device => AudioOutput::Device,
        kinora_audio_output::Silent => AudioOutput::Silent,
    };
    let drop_late = config.video != kinora_video_output::Count;
    Ok(Box::new(GstRenderer::new(GstConfig { video, audio, drop_late })?))
}

/// Makes a player. `config` may be NULL for the defaults. `out` receives the player, or NULL when this fails.
///
/// Thread-safety: any thread.
///
/// # Safety
/// `config` is NULL or was filled by kinora_config_init(); `out` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_create(config: *const kinora_config, out: *mut *mut kinora_player) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        unsafe { give(out, std::ptr::null_mut(), "out") }?;
        // SAFETY: the caller's promise.
        let config = unsafe { read_config(config) }?;
        let frames = FrameSlot::new();
        let player = Player::new(config.player.clone(), renderer(&config, &frames)?)?;
        let frames = (config.video == kinora_video_output::Frames).then_some(frames);
        let handle = Box::into_raw(Box::new(kinora_player { player, frames }));
        // SAFETY: `out` was written through above.
        unsafe { give(out, handle, "out") }
    })
}

/// Ends playback, waits for the player's threads, and sets `*player` to NULL. NULL does nothing.
///
/// Thread-safety: no other thread may use the player any more, and it must not be called from the wake-up function.
///
/// # Safety
/// `player` is NULL or points to NULL or to a player that was not destroyed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_destroy(player: *mut *mut kinora_player) {
    // SAFETY: the caller's promise.
    unsafe { destroy(player) }
}

/// Sends a command and writes its id.
///
/// # Safety
/// `player` is NULL or a live player; `id` is NULL or valid for writing.
unsafe fn send(player: *const kinora_player, id: *mut u64, command: Command) -> Result<(), PlayerError> {
    // SAFETY: the caller's promise; the handle is never borrowed mutably.
    let handle = unsafe { shared(player, "player") }?;
    let sent = handle.player.send(command)?;
    if !id.is_null() {
        // SAFETY: not NULL, and valid by the caller's promise.
        unsafe { give(id, sent.0, "command") }?;
    }
    Ok(())
}

/// Loads a manifest and ends the presentation that plays. `options` may be NULL; `command` may be NULL.
///
/// Thread-safety: any thread.
///
/// # Safety
/// `player` is a live player; `url` ends with NUL; `options` is NULL or was filled by its init function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_load(
    player: *const kinora_player,
    url: *const c_char,
    options: *const kinora_load_options,
    command: *mut u64,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        let request = unsafe { read_request(url, options) }?;
        // SAFETY: the caller's promise.
        unsafe { send(player, command, Command::Load(request)) }
    })
}

/// Plays as soon as there is enough media.
///
/// Thread-safety: any thread.
///
/// # Safety
/// `player` is a live player; `command` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_play(player: *const kinora_player, command: *mut u64) -> u32 {
    // SAFETY: the caller's promise.
    guarded(|| unsafe { send(player, command, Command::Play) })
}

/// Pauses playback; the picture stays.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_player_play().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_pause(player: *const kinora_player, command: *mut u64) -> u32 {
    // SAFETY: the caller's promise.
    guarded(|| unsafe { send(player, command, Command::Pause) })
}

/// Ends playback and forgets the presentation.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_player_play().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_stop(player: *const kinora_player, command: *mut u64) -> u32 {
    // SAFETY: the caller's promise.
    guarded(|| unsafe { send(player, command, Command::Stop) })
}

fn mode(mode: u32) -> Result<SeekMode, PlayerError> {
    match mode {
        0 => Ok(SeekMode::Exact),
        1 => Ok(SeekMode::Keyframe),
        other => Err(invalid(&format!("{other} is no seek mode"))),
    }
}

/// Goes to a time. `seek_mode` is a value of kinora_seek_mode.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_player_play().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_seek(
    player: *const kinora_player,
    to_ns: i64,
    seek_mode: u32,
    command: *mut u64,
) -> u32 {
    guarded(|| {
        let seek = Command::Seek { to: MediaTime::from_nanos(to_ns), mode: mode(seek_mode)? };
        // SAFETY: the caller's promise.
        unsafe { send(player, command, seek) }
    })
}

/// Seeks by this number of milliseconds from the position, backwards if negative. `seek_mode` is a value of
/// kinora_seek_mode.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_player_play().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_seek_by(
    player: *const kinora_player,
    millis: i64,
    seek_mode: u32,
    command: *mut u64,
) -> u32 {
    guarded(|| {
        let seek = Command::SeekBy { millis, mode: mode(seek_mode)? };
        // SAFETY: the caller's promise.
        unsafe { send(player, command, seek) }
    })
}

/// Seeks to a universal time of a live presentation that declares dates, in nanoseconds since 1970-01-01T00:00:00Z,
/// clamped to the seekable range. `seek_mode` is a value of kinora_seek_mode. The reply is InvalidArgument (6002) for a
/// presentation without dates.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_player_play().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_seek_to_date(
    player: *const kinora_player,
    unix_ns: i64,
    seek_mode: u32,
    command: *mut u64,
) -> u32 {
    guarded(|| {
        let seek = Command::SeekToDate { utc: WallClock::from_unix_nanos(unix_ns), mode: mode(seek_mode)? };
        // SAFETY: the caller's promise.
        unsafe { send(player, command, seek) }
    })
}

/// Goes to the live edge, with the wanted latency, and plays there. The reply is InvalidState (6001) if nothing is
/// loaded that is live, or its edge is not known yet.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_player_play().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_go_live(player: *const kinora_player, command: *mut u64) -> u32 {
    // SAFETY: the caller's promise.
    guarded(|| unsafe { send(player, command, Command::GoLive) })
}

/// Sets the latency of live playback, in milliseconds, overriding the configuration; 0 is what the manifest asks for.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_player_play().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_live_latency(
    player: *const kinora_player,
    latency_ms: u64,
    command: *mut u64,
) -> u32 {
    let latency = (latency_ms > 0).then(|| Duration::from_millis(latency_ms));
    // SAFETY: the caller's promise.
    guarded(|| unsafe { send(player, command, Command::SetLiveLatency(latency)) })
}

/// Playback speed, 0.25 to 4; pitch is kept.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_player_play().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_rate(player: *const kinora_player, rate: f64, command: *mut u64) -> u32 {
    // SAFETY: the caller's promise.
    guarded(|| unsafe { send(player, command, Command::SetRate(rate)) })
}

/// Loudness, 0 to 1.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_player_play().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_volume(player: *const kinora_player, volume: f64, command: *mut u64) -> u32 {
    // SAFETY: the caller's promise.
    guarded(|| unsafe { send(player, command, Command::SetVolume(volume)) })
}

/// Silence (non-zero) without changing the volume.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_player_play().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_muted(player: *const kinora_player, muted: u32, command: *mut u64) -> u32 {
    // SAFETY: the caller's promise.
    guarded(|| unsafe { send(player, command, Command::SetMuted(muted != 0)) })
}

/// Reads a choice of track: NULL is automatic, the empty string is none.
///
/// # Safety
/// `id` is NULL or ends with NUL.
unsafe fn choice(id: *const c_char) -> Result<TrackChoice, PlayerError> {
    // SAFETY: the caller's promise.
    Ok(match unsafe { optional_text(id, "id") }? {
        None => TrackChoice::Auto,
        Some("") => TrackChoice::Off,
        Some(id) => TrackChoice::Track(TrackId(id.to_owned())),
    })
}

/// Chooses the audio by its id; NULL for automatic, "" for none.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_player_play(); `id` is NULL or ends with NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_select_audio(
    player: *const kinora_player,
    id: *const c_char,
    command: *mut u64,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        let choice = unsafe { choice(id) }?;
        // SAFETY: the caller's promise.
        unsafe { send(player, command, Command::SelectAudio(choice)) }
    })
}

/// Chooses the subtitles by their id; NULL for automatic, "" for none.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_player_select_audio().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_select_text(
    player: *const kinora_player,
    id: *const c_char,
    command: *mut u64,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        let choice = unsafe { choice(id) }?;
        // SAFETY: the caller's promise.
        unsafe { send(player, command, Command::SelectText(choice)) }
    })
}

/// Chooses the video quality by its id; NULL lets the adaptive rule decide.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_player_select_audio().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_select_quality(
    player: *const kinora_player,
    id: *const c_char,
    command: *mut u64,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        let quality = match unsafe { optional_text(id, "id") }? {
            None => QualityChoice::Auto,
            Some(id) => QualityChoice::Representation(id.to_owned()),
        };
        // SAFETY: the caller's promise.
        unsafe { send(player, command, Command::SelectQuality(quality)) }
    })
}

/// Sets the data saver: the maximum average rate of video and audio together, in bits per second; 0 lifts the limit.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_player_play().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_max_bitrate(
    player: *const kinora_player,
    bits_per_second: u64,
    command: *mut u64,
) -> u32 {
    let limit = (bits_per_second > 0).then_some(bits_per_second);
    // SAFETY: the caller's promise.
    guarded(|| unsafe { send(player, command, Command::SetMaxBitrate(limit)) })
}

/// A display was connected or disconnected: the copy protection that you vouch for now, a value of
/// kinora_output_protection. Media that may no longer be shown is dropped from the buffer but for a few seconds.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_player_play().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_output_protection(
    player: *const kinora_player,
    output_protection: u32,
    command: *mut u64,
) -> u32 {
    guarded(|| {
        let output = crate::config::output_protection(output_protection)?;
        // SAFETY: the caller's promise.
        unsafe { send(player, command, Command::SetOutputProtection(output)) }
    })
}

struct User(*mut c_void);

// SAFETY: the pointer is only handed back to the caller's own function, which the caller promises to be callable on
// any thread.
unsafe impl Send for User {}
// SAFETY: as above.
unsafe impl Sync for User {}

/// Sets the function that is called when there are new events, a new frame, or a snapshot that shows something else than
/// follows from the one before; NULL for none. It is not called as time passes: a player that draws a clock or a seek bar
/// does so at its own pace, with the position of `kinora_player_snapshot` and its `clock_rate`.
///
/// Thread-safety: any thread. The function is called on threads of the player until the player is destroyed.
///
/// # Safety
/// `player` is a live player; `wakeup` may be called with `user` on any thread until the player is destroyed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_player_set_wakeup(
    player: *const kinora_player,
    wakeup: kinora_wakeup,
    user: *mut c_void,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        let handle = unsafe { shared(player, "player") }?;
        let user = std::sync::Arc::new(User(user));
        let wake = move || {
            if let Some(wakeup) = wakeup {
                // SAFETY: the caller's promise.
                unsafe { wakeup(user.0) }
            }
        };
        if let Some(frames) = &handle.frames {
            frames.set_wake(wake.clone());
        }
        handle.player.set_wakeup(wake);
        Ok(())
    })
}
