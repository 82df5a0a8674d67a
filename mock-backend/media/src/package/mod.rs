//! From the encoder's files to a title's directory: segments, playlists, manifests and the preview index.
//!
//! ffmpeg has done its work when this begins; no child process is started here.

pub(super) mod boxes;
mod codec;
mod dash;
#[cfg(test)]
mod golden;
mod hls;
mod presentation;
pub(super) mod segment;
mod text;
mod thumbnails;
pub(super) mod track;

use std::fs;
use std::path::{Path, PathBuf};

use super::looped::{Loop, LoopScene, part_name};
use super::{Cancel, IngestError, Rate, language};
pub(super) use presentation::Presentation;
use presentation::{AudioRendition, Media, TextRendition, VideoRendition};
pub(super) use thumbnails::{GRID, Grid};
use track::Track;

/// What the encoder left behind.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) rate: Rate,
    /// Frames in a segment.
    pub(super) segment_frames: u32,
    /// Lowest rung first.
    pub(super) video: Vec<EncodedVideo>,
    /// Default first.
    pub(super) audio: Vec<EncodedAudio>,
    /// Whole WebVTT files.
    pub(super) text: Vec<EncodedText>,
    pub(super) thumbnails: Grid,
    /// Scenes, where the video is that of one pass and is shown as often as they say.
    pub(super) scenes: Option<Vec<LoopScene>>,
}

/// A rung: a fragmented MP4 file with one track.
#[derive(Debug)]
pub(super) struct EncodedVideo {
    pub(super) name: String,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) file: PathBuf,
}

/// A language: a fragmented MP4 file with one track.
#[derive(Debug)]
pub(super) struct EncodedAudio {
    pub(super) language: String,
    pub(super) file: PathBuf,
}

/// A language of subtitles.
#[derive(Debug)]
pub(super) struct EncodedText {
    pub(super) language: String,
    pub(super) vtt: String,
}

/// What was packaged.
#[derive(Debug)]
pub(super) struct Packaged {
    pub(super) presentation: Presentation,
    pub(super) frames: u64,
    pub(super) looped: Option<Loop>,
}

/// Writes everything but `title.json` into `dir`; `progress` hears the fraction done.
pub(super) fn package(
    encoded: &Encoded,
    dir: &Path,
    cancel: &Cancel,
    mut progress: impl FnMut(f64),
) -> Result<Packaged, IngestError> {
    let steps = (encoded.video.len() + encoded.audio.len() + 1) as f64;
    let mut done = 0.0;
    let mut step = || {
        done += 1.0;
        progress(done / steps);
        if cancel.is_cancelled() { Err(IngestError::Cancelled) } else { Ok(()) }
    };
    let mut video = Vec::with_capacity(encoded.video.len());
    let mut frames = 0;
    for rung in &encoded.video {
        let (rendition, count) = video_rendition(rung, encoded, &dir.join("video").join(&rung.name))?;
        frames = count;
        video.push(rendition);
        step()?;
    }
    let reference = aligned(&video)?.clone();
    let mut audio: Vec<AudioRendition> = Vec::with_capacity(encoded.audio.len());
    let names = language::directories(&encoded.audio.iter().map(|a| a.language.clone()).collect::<Vec<_>>());
    for (source, name) in encoded.audio.iter().zip(names) {
        let path = dir.join("audio").join(&name);
        let media = audio_media(&source.file, &reference, &path)?;
        let (language, label) = (source.language.clone(), language::name(&source.language));
        audio.push(AudioRendition { name, language, label, media });
        step()?;
    }
    let text = text_renditions(&encoded.text, reference.duration_ms(), dir)?;
    thumbnails::write(&dir.join("thumbs"), encoded.thumbnails, reference.duration_ms())?;
    let nominal_ticks = nominal_ticks(encoded, reference.timescale);
    let scenes = encoded.scenes.clone();
    let looped = scenes.map(|scenes| Loop { segment_ticks: nominal_ticks, scenes });
    let presentation = Presentation { rate: encoded.rate, nominal_ticks, video, audio, text };
    write_manifests(&presentation, dir)?;
    step()?;
    Ok(Packaged { presentation, frames, looped })
}

/// A whole number of frames in ticks; the encoder's timescale is a multiple of the frame rate.
fn nominal_ticks(encoded: &Encoded, timescale: u32) -> u64 {
    u64::from(encoded.segment_frames) * u64::from(encoded.rate.den) * u64::from(timescale) / u64::from(encoded.rate.num)
}

fn video_rendition(rung: &EncodedVideo, encoded: &Encoded, dir: &Path) -> Result<(VideoRendition, u64), IngestError> {
    let track = Track::read(&rung.file)?;
    let cuts = segment::cuts_at_sync(&track, nominal_ticks(encoded, track.timescale))?;
    let mut frames = track.samples.len() as u64;
    let segments = match &encoded.scenes {
        None => segment::write(&track, &rung.file, &cuts, dir)?,
        Some(scenes) => {
            let parts = segment::write_named(part_name, &track, &rung.file, &cuts, dir)?;
            let looped = Loop { segment_ticks: nominal_ticks(encoded, track.timescale), scenes: scenes.clone() };
            frames = looped.shown() * u64::from(encoded.segment_frames);
            shown(&looped, &parts)?
        }
    };
    let media = Media { codec: track.codec, timescale: track.timescale, segments };
    let (name, width, height) = (rung.name.clone(), rung.width, rung.height);
    Ok((VideoRendition { name, width, height, media }, frames))
}

/// The segments of the whole length, from those that were stored.
fn shown(looped: &Loop, parts: &[segment::Segment]) -> Result<Vec<segment::Segment>, IngestError> {
    let ticks = looped.segment_ticks;
    if parts.len() as u64 != looped.stored() || parts.iter().any(|part| part.duration != ticks) {
        return Err(IngestError::output("the segments of a loop are not those of its scenes"));
    }
    let segment = |index: u64| {
        let part = looped.part(index).and_then(|part| parts.get(part as usize));
        let part = part.ok_or_else(|| IngestError::output("a loop without segments"))?;
        Ok(segment::Segment { start: index * ticks, duration: ticks, bytes: part.bytes })
    };
    (0..looped.shown()).map(segment).collect()
}

/// The timing that all rungs share; an error if they do not share it, because a switch would then lose or repeat pictures.
fn aligned(video: &[VideoRendition]) -> Result<&Media, IngestError> {
    let first = video.first().ok_or_else(|| IngestError::output("no rung"))?;
    let times = |v: &VideoRendition| -> Vec<_> { v.media.segments.iter().map(|s| (s.start, s.duration)).collect() };
    let reference = times(first);
    match video.iter().find(|v| v.media.timescale != first.media.timescale || times(v) != reference) {
        Some(other) => Err(IngestError::output(format!("{} and {} are not aligned", first.name, other.name))),
        None => Ok(&first.media),
    }
}

/// Cuts the sound where the picture is cut; sound that goes on after the picture is cut at the same pace.
fn audio_media(file: &Path, picture: &Media, dir: &Path) -> Result<Media, IngestError> {
    let track = Track::read(file)?;
    let end = picture.ticks();
    let pace = picture.segments.first().map_or(end, |s| s.duration).max(1);
    let inside = picture.segments.iter().skip(1).map(|s| s.start);
    let after = (1u64..).map(|n| end.saturating_add(pace.saturating_mul(n)));
    let cuts = segment::cuts_near(&track, inside.chain(after).map(|ticks| (ticks, picture.timescale)));
    let segments = segment::write(&track, file, &cuts, dir)?;
    Ok(Media { codec: track.codec, timescale: track.timescale, segments })
}

fn text_renditions(sources: &[EncodedText], duration_ms: u64, dir: &Path) -> Result<Vec<TextRendition>, IngestError> {
    let names = language::directories(&sources.iter().map(|t| t.language.clone()).collect::<Vec<_>>());
    let rendition = |(source, name): (&EncodedText, String)| {
        let segments_ms = text::write(&source.vtt, duration_ms, &dir.join("text").join(&name))?;
        let (language, label) = (source.language.clone(), language::name(&source.language));
        Ok(TextRendition { name, language, label, segments_ms, bytes: source.vtt.len() as u64 })
    };
    sources.iter().zip(names).map(rendition).collect()
}

/// Returns the contents of the segments of a text, as [`text::write`] writes them.
pub(super) fn text_segments(vtt: &str, duration_ms: u64) -> Result<Vec<String>, IngestError> {
    text::segments(&text::with_line_feeds(vtt), text::segment_count(duration_ms)?)
}

fn write_manifests(presentation: &Presentation, dir: &Path) -> Result<(), IngestError> {
    let files = super::Files::default();
    let mut all = vec![
        (dir.join(files.hls), hls::multivariant(presentation)?),
        (dir.join(files.dash), dash::mpd(presentation, dash::Addressing::Timeline)?),
        (dir.join(files.dash_number), dash::mpd(presentation, dash::Addressing::Number)?),
    ];
    let playlist = |kind: &str, name: &str| dir.join(kind).join(name).join("playlist.m3u8");
    for video in &presentation.video {
        all.push((playlist("video", &video.name), hls::media(&video.media)?));
    }
    for audio in &presentation.audio {
        all.push((playlist("audio", &audio.name), hls::media(&audio.media)?));
    }
    for text in &presentation.text {
        all.push((playlist("text", &text.name), hls::text(text)?));
    }
    for (path, text) in all {
        fs::write(&path, text).map_err(IngestError::io(&path))?;
    }
    Ok(())
}
