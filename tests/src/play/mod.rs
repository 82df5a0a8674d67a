//! `kinora-qa play`: one session, its events and its report.

mod hashing;
mod output;
mod session;
mod usage;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use player_core::driver::{HostParts, MediaStore, MemoryStore, NetworkConfig};
use player_core::drm::DrmConfig;
use player_core::error::{ErrorCode, PlayerError};
use player_core::render::Renderer;
use player_core::render::gst::{AudioOutput, GstConfig, GstRenderer, VideoOutput};
use player_core::render::null::NullRenderer;
use player_core::telemetry::{Outcome, SessionReport, SessionStats};
use player_core::{LoadRequest, Player, PlayerConfig};

use crate::cli::{PlayOptions, RenderTo};
use crate::service;
use hashing::PictureLog;
use output::Outputs;
pub use session::Ended;

/// Exit status when playback failed.
const FAILED: u8 = 3;
/// Exit status for a usage error.
const USAGE: u8 = 2;

/// Plays as told; the report is always written.
pub fn run(options: &PlayOptions) -> ExitCode {
    let mut outputs = match Outputs::open(options) {
        Ok(outputs) => outputs,
        Err(error) => {
            eprintln!("kinora-qa: {error:#}");
            return ExitCode::from(USAGE);
        }
    };
    let cache = options.media_cache.map(MemoryStore::new);
    let ended = play(options, cache.as_ref(), &mut outputs).unwrap_or_else(|error| Ended {
        outcome: Outcome::Failed,
        error: Some(error),
        stats: SessionStats::default(),
    });
    let counts = options.render != RenderTo::Null;
    let report =
        SessionReport::new(ended.outcome, ended.error.as_ref(), &ended.stats, counts, usage::of_this_process());
    if let Err(error) = outputs.report(&report, cache.as_deref()) {
        eprintln!("kinora-qa: the report cannot be written: {error:#}");
        return ExitCode::from(USAGE);
    }
    match report.error {
        None => ExitCode::SUCCESS,
        Some(error) => {
            eprintln!("{}", serde_json::to_string(&error).unwrap_or(error.message));
            ExitCode::from(FAILED)
        }
    }
}

fn play(options: &PlayOptions, cache: Option<&Arc<MemoryStore>>, outputs: &mut Outputs) -> Result<Ended, PlayerError> {
    let request = request(options)?;
    let pictures = options.hash.as_deref().map(PictureLog::create).transpose().map_err(|error| usage_error(&error))?;
    let player = player(options, cache, pictures.as_ref())?;
    let ended = session::run(&player, request, options, outputs);
    drop(player);
    if let Some(pictures) = pictures {
        pictures.finish().map_err(|error| usage_error(&error))?;
    }
    ended
}

fn usage_error(error: &anyhow::Error) -> PlayerError {
    PlayerError::fatal(ErrorCode::InvalidArgument, format!("{error:#}"))
}

fn request(options: &PlayOptions) -> Result<LoadRequest, PlayerError> {
    let locations = match &options.backend {
        Some(backend) => service::grant(backend, options)?,
        None => options.urls.clone(),
    };
    let mut drm = DrmConfig { licence_servers: options.licence_server.clone(), ..DrmConfig::default() };
    for key in &options.clearkey {
        // The command line was checked: each is added.
        drm.add(key);
    }
    Ok(LoadRequest {
        locations,
        start: None,
        play_when_ready: true,
        audio_languages: options.prefer_audio.iter().cloned().collect(),
        text_languages: options.prefer_text.iter().cloned().collect(),
        drm,
    })
}

fn player(
    options: &PlayOptions,
    cache: Option<&Arc<MemoryStore>>,
    pictures: Option<&PictureLog>,
) -> Result<Player, PlayerError> {
    let mut config = PlayerConfig::default();
    if let Some(rule) = &options.abr {
        config.abr_rule.clone_from(rule);
    }
    if let Some(goal) = options.max_buffer {
        config.buffer_goal = goal;
    }
    config.live.latency = options.latency;
    config.max_bitrate_bps = options.max_bitrate;
    config.output_protection = options.output_protection;
    let network = network(options).map_err(|error| usage_error(&error))?;
    let renderer = renderer(options, pictures)?;
    let media_store = cache.map(|cache| Arc::clone(cache) as Arc<dyn MediaStore>);
    let parts = HostParts { network, media_store, ..HostParts::default() };
    let recording: Option<Box<dyn Write + Send>> = match &options.record {
        None => None,
        Some(path) => {
            let file = File::create(path).with_context(|| format!("cannot create {}", path.display()));
            Some(Box::new(BufWriter::new(file.map_err(|error| usage_error(&error))?)))
        }
    };
    Player::with_host(config, parts, renderer, recording)
}

fn network(options: &PlayOptions) -> anyhow::Result<NetworkConfig> {
    let read =
        |path: &std::path::PathBuf| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    Ok(NetworkConfig {
        headers: options.header.clone(),
        authorities_pem: options.ca.as_ref().map(read).transpose()?,
        cookies: !options.no_cookies,
    })
}

fn renderer(options: &PlayOptions, pictures: Option<&PictureLog>) -> Result<Box<dyn Renderer>, PlayerError> {
    let config = match options.render {
        RenderTo::Null => return Ok(Box::new(NullRenderer::new())),
        RenderTo::Decode => GstConfig {
            video: pictures.map_or(VideoOutput::Count, |log| VideoOutput::Frames(log.callback())),
            audio: AudioOutput::Silent,
            drop_late: false,
        },
        RenderTo::Window => GstConfig { video: VideoOutput::Window, audio: AudioOutput::Device, drop_late: true },
    };
    Ok(Box::new(GstRenderer::new(config)?))
}
