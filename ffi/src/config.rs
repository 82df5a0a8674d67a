//! Structures that a program fills in before a call.

use std::ffi::c_char;
use std::time::Duration;

use player_core::config::LiveConfig;
use player_core::error::PlayerError;
use player_core::{Hdcp, LoadRequest, MediaTime, PlayerConfig};

use crate::boundary::{guarded, invalid, optional_text, text};
use crate::live::{behind_live, kinora_behind_live};
use crate::sized::{AnyBits, init, read, sized};

/// Destination of decoded video.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_video_output {
    /// Decoded pictures are taken with kinora_player_acquire_frame().
    Frames,
    /// A window of the library's own.
    Window,
    /// Decoded, paced and counted; nothing is kept.
    Count,
    /// Nothing is decoded; time runs as on a device.
    None,
}

/// Destination of decoded audio.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_audio_output {
    /// The default device; silence with a warning event when there is none.
    Device,
    /// No audible output; audio still paces playback.
    Silent,
}

/// Copy protection of an output, weakest first.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_output_protection {
    /// None, or nothing is known about it.
    None,
    /// HDCP of any version.
    HdcpType0,
    /// HDCP 2.2 or later on every hop.
    HdcpType1,
}

/// Configuration of a player. Call kinora_config_init() first.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kinora_config {
    /// Set by kinora_config_init() to the size that it was given.
    pub struct_size: usize,
    /// A value of kinora_video_output.
    pub video: u32,
    /// A value of kinora_audio_output.
    pub audio: u32,
    /// Media to buffer ahead of the playhead, in milliseconds.
    pub buffer_goal_ms: u64,
    /// Budget in bytes for media buffered and under way, and for metadata, segment lists and the manifest; not for decoded
    /// frames. Default 25000000. It may be exceeded by one segment.
    pub buffer_bytes: u64,
    /// Highest video to pick, in lines; 0 for no limit.
    pub max_height: u32,
    /// Bandwidth remembered for this network, in bits per second; 0 when not known.
    pub bandwidth_hint_bps: u64,
    /// Data saver: the maximum average rate of video and audio together, in bits per second; 0 for no limit.
    pub max_bitrate_bps: u64,
    /// A value of kinora_output_protection: the protection that you vouch for. Variants whose HDCP-LEVEL asks for more
    /// are not loaded.
    pub output_protection: u32,
    /// Latency of live playback to hold, in milliseconds; 0 is what the manifest asks for, or what its kind allows.
    pub live_latency_ms: u64,
    /// Least playback rate by which the latency is held, 0.25 to 1. Default 0.95; a manifest may allow less
    /// of a change.
    pub live_min_rate: f64,
    /// Greatest playback rate by which the latency is held, 1 to 4. Default 1.05; a manifest may allow
    /// less of a change.
    pub live_max_rate: f64,
    /// A value of kinora_behind_live. Default KINORA_BEHIND_LIVE_LIVE_EDGE.
    pub live_behind: u32,
    /// Partial segments of HLS are used where they are offered: 1 (default) or 0.
    pub live_low_latency: u32,
}

/// Presentation to load, and how. Call kinora_load_options_init() first.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kinora_load_options {
    /// Set by kinora_load_options_init() to the size that it was given.
    pub struct_size: usize,
    /// More addresses of the same manifest, best first; they take over when the main one fails. May be NULL.
    pub fallback_urls: *const *const c_char,
    /// Number of `fallbacks`.
    pub fallback_count: usize,
    /// Position to start at, in nanoseconds; -1 for the presentation's own start.
    pub start_ns: i64,
    /// Play as soon as possible (1) or wait for kinora_player_play() (0).
    pub play_when_ready: u32,
    /// Preferred audio language (BCP 47). May be NULL.
    pub audio_language: *const c_char,
    /// Preferred subtitle language (BCP 47). NULL shows no subtitles but forced ones.
    pub text_language: *const c_char,
    /// ClearKey keys, each written as KID:KEY with 32 hexadecimal digits on either side. May be NULL.
    pub keys: *const *const c_char,
    /// Number of `keys`.
    pub key_count: usize,
    /// Addresses of ClearKey licence servers, asked before those that the manifest names. May be NULL.
    pub licence_servers: *const *const c_char,
    /// Number of `licence_servers`.
    pub licence_server_count: usize,
}

sized!(kinora_config, 48, {
    struct_size, video, audio, buffer_goal_ms, buffer_bytes, max_height, bandwidth_hint_bps, max_bitrate_bps,
    output_protection, live_latency_ms, live_min_rate, live_max_rate, live_behind, live_low_latency,
});
// SAFETY: integers and floating-point numbers only.
unsafe impl AnyBits for kinora_config {}

sized!(kinora_load_options, 56, {
    struct_size, fallback_urls, fallback_count, start_ns, play_when_ready, audio_language, text_language, keys,
    key_count, licence_servers, licence_server_count,
});
// SAFETY: integers and raw pointers only.
unsafe impl AnyBits for kinora_load_options {}

fn default_config() -> kinora_config {
    let defaults = PlayerConfig::default();
    kinora_config {
        struct_size: size_of::<kinora_config>(),
        video: kinora_video_output::Frames as u32,
        audio: kinora_audio_output::Device as u32,
        buffer_goal_ms: u64::try_from(defaults.buffer_goal.as_millis()).unwrap_or(u64::MAX),
        buffer_bytes: defaults.buffer_bytes,
        max_height: 0,
        bandwidth_hint_bps: 0,
        max_bitrate_bps: 0,
        output_protection: kinora_output_protection::None as u32,
        live_latency_ms: 0,
        live_min_rate: defaults.live.min_rate,
        live_max_rate: defaults.live.max_rate,
        live_behind: kinora_behind_live::LiveEdge as u32,
        live_low_latency: u32::from(defaults.live.low_latency),
    }
}

fn default_load_options() -> kinora_load_options {
    kinora_load_options {
        struct_size: size_of::<kinora_load_options>(),
        fallback_urls: std::ptr::null(),
        fallback_count: 0,
        start_ns: -1,
        play_when_ready: 1,
        audio_language: std::ptr::null(),
        text_language: std::ptr::null(),
        keys: std::ptr::null(),
        key_count: 0,
        licence_servers: std::ptr::null(),
        licence_server_count: 0,
    }
}

/// Fills in the defaults. `size` is `sizeof(kinora_config)` as you compiled it, at least 48; nothing is written past it.
/// KINORA_ERROR_INVALID_ARGUMENT, with nothing written, for NULL and for a smaller size.
///
/// Thread-safety: any thread.
///
/// # Safety
/// `config` is NULL or valid for writing `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_config_init(config: *mut kinora_config, size: usize) -> u32 {
    // SAFETY: the caller's promise.
    guarded(|| unsafe { init(config, size, &default_config(), "config") })
}

/// Fills in the defaults: from the start, playing as soon as possible. `size` is `sizeof(kinora_load_options)` as you
/// compiled it, at least 56; nothing is written past it. KINORA_ERROR_INVALID_ARGUMENT, with nothing written, for NULL
/// and for a smaller size.
///
/// Thread-safety: any thread.
///
/// # Safety
/// `options` is NULL or valid for writing `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_load_options_init(options: *mut kinora_load_options, size: usize) -> u32 {
    // SAFETY: the caller's promise.
    guarded(|| unsafe { init(options, size, &default_load_options(), "options") })
}

/// A configuration that was read and checked.
pub struct Config {
    /// Configuration of the engine.
    pub player: PlayerConfig,
    /// Destination of decoded video.
    pub video: kinora_video_output,
    /// Destination of decoded audio.
    pub audio: kinora_audio_output,
}

/// Reads a configuration; NULL gives the defaults.
///
/// # Safety
/// `config` is NULL or points to a `kinora_config` of as many bytes as its `struct_size`.
pub unsafe fn read_config(config: *const kinora_config) -> Result<Config, PlayerError> {
    let mut player = PlayerConfig::default();
    if config.is_null() {
        return Ok(Config { player, video: kinora_video_output::Frames, audio: kinora_audio_output::Device });
    }
    // SAFETY: the caller's promise.
    let config = unsafe { read(config, default_config(), "config") }?;
    player.buffer_goal = Duration::from_millis(config.buffer_goal_ms);
    player.buffer_bytes = config.buffer_bytes;
    player.max_height = (config.max_height > 0).then_some(config.max_height);
    player.bandwidth_hint_bps = (config.bandwidth_hint_bps > 0).then_some(config.bandwidth_hint_bps);
    player.max_bitrate_bps = (config.max_bitrate_bps > 0).then_some(config.max_bitrate_bps);
    player.output_protection = output_protection(config.output_protection)?;
    player.live = live(&config)?;
    let video = match config.video {
        0 => kinora_video_output::Frames,
        1 => kinora_video_output::Window,
        2 => kinora_video_output::Count,
        3 => kinora_video_output::None,
        other => return Err(invalid(&format!("config.video {other} is no video output"))),
    };
    let audio = match config.audio {
        0 => kinora_audio_output::Device,
        1 => kinora_audio_output::Silent,
        other => return Err(invalid(&format!("config.audio {other} is no audio output"))),
    };
    Ok(Config { player, video, audio })
}

/// Reads the part of a configuration that is about live playback.
fn live(config: &kinora_config) -> Result<LiveConfig, PlayerError> {
    let (min_rate, max_rate) = (config.live_min_rate, config.live_max_rate);
    // NaN is in no range.
    if !(0.25..=1.0).contains(&min_rate) {
        return Err(invalid(&format!("config.live_min_rate is {min_rate}, and must be 0.25 to 1")));
    }
    if !(1.0..=4.0).contains(&max_rate) {
        return Err(invalid(&format!("config.live_max_rate is {max_rate}, and must be 1 to 4")));
    }
    Ok(LiveConfig {
        latency: (config.live_latency_ms > 0).then(|| Duration::from_millis(config.live_latency_ms)),
        min_rate,
        max_rate,
        behind: behind_live(config.live_behind)?,
        low_latency: config.live_low_latency != 0,
    })
}

/// Reads a value of `kinora_output_protection`.
pub fn output_protection(value: u32) -> Result<Hdcp, PlayerError> {
    let levels = [
        (kinora_output_protection::None, Hdcp::None),
        (kinora_output_protection::HdcpType0, Hdcp::Type0),
        (kinora_output_protection::HdcpType1, Hdcp::Type1),
    ];
    let found = levels.into_iter().find(|(level, _)| *level as u32 == value);
    found.map(|(_, level)| level).ok_or_else(|| invalid(&format!("output_protection {value} is no output protection")))
}

/// Reads the options of a load.
///
/// # Safety
/// `url` and the strings of `options` are NULL or end with NUL; `options` is NULL or has as many bytes as its
/// `struct_size`.
pub unsafe fn read_request(
    url: *const c_char,
    options: *const kinora_load_options,
) -> Result<LoadRequest, PlayerError> {
    // SAFETY: the caller's promise.
    let mut request = LoadRequest::new(address(unsafe { text(url, "url") }?)?);
    if options.is_null() {
        return Ok(request);
    }
    // SAFETY: the caller's promise.
    let options = unsafe { read(options, default_load_options(), "options") }?;
    // SAFETY: the caller's promise.
    for url in unsafe { texts(options.fallback_urls, options.fallback_count, "options.fallback_urls") }? {
        request.locations.push(address(url)?);
    }
    // SAFETY: the caller's promise.
    for key in unsafe { texts(options.keys, options.key_count, "options.keys") }? {
        if !request.drm.add(key) {
            return Err(invalid("a key of options.keys is not written as KID:KEY"));
        }
    }
    // SAFETY: the caller's promise.
    for url in unsafe { texts(options.licence_servers, options.licence_server_count, "options.licence_servers") }? {
        request.drm.licence_servers.push(address(url)?);
    }
    request.start = (options.start_ns >= 0).then(|| MediaTime::from_nanos(options.start_ns));
    request.play_when_ready = options.play_when_ready != 0;
    // SAFETY: the caller's promise.
    let audio = unsafe { optional_text(options.audio_language, "options.audio_language") }?;
    // SAFETY: the caller's promise.
    let subtitles = unsafe { optional_text(options.text_language, "options.text_language") }?;
    request.audio_languages = audio.map(str::to_owned).into_iter().collect();
    request.text_languages = subtitles.map(str::to_owned).into_iter().collect();
    Ok(request)
}

/// Reads an array of strings.
///
/// # Safety
/// `array` is NULL, or `count` pointers lie there, each of which is NULL or ends with NUL and outlives the result.
unsafe fn texts<'a>(array: *const *const c_char, count: usize, name: &str) -> Result<Vec<&'a str>, PlayerError> {
    if array.is_null() && count > 0 {
        return Err(invalid(&format!("{name} is NULL")));
    }
    (0..count)
        .map(|index| {
            // SAFETY: `count` pointers lie there, by the caller's promise.
            let item = unsafe { *array.add(index) };
            // SAFETY: the caller's promise.
            unsafe { text(item, name) }
        })
        .collect()
}

fn address(text: &str) -> Result<url::Url, PlayerError> {
    use player_core::error::ErrorCode;
    text.parse().map_err(|error| PlayerError::fatal(ErrorCode::BadAddress, format!("the address: {error}")))
}
