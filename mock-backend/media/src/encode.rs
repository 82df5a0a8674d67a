//! The one ffmpeg command that turns a recipe into everything the packager cuts up: all rungs, all languages, poster and previews.
//!
//! The source is decoded (or generated) once and split. Group-of-pictures length is fixed, closed and equal in all rungs, and the frame
//! rate is constant, so every rung has its key frames at the same times.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use super::package::{Encoded, EncodedAudio, EncodedText, EncodedVideo, GRID, Grid};
use super::recipe::{Recipe, Text, seconds};
use super::{Cancel, Effort, IngestError, Ladder, Metadata, Rung, ffmpeg};

/// Poster size; 16:9.
pub const POSTER: (u32, u32) = (960, 540);
/// Where in the film the poster is looked for, as a fraction of its duration.
const POSTER_AT: f64 = 0.35;
/// Height of a preview picture, pixels.
pub(super) const PREVIEW_HEIGHT: u32 = 90;
/// Most preview pictures in a title; a long film has them further apart.
pub(super) const MAX_PREVIEWS: u64 = 200;
/// Largest subtitles that are read, bytes: a film has a few hundred kilobytes.
const MAX_TEXT: u64 = 16 << 20;
/// Shortest time between preview pictures, milliseconds.
pub(super) const PREVIEW_EVERY_MS: u64 = 2000;
/// JPEG has full-range BT.601 (JFIF); the film has video-range BT.709.
const TO_JPEG: &str = "in_color_matrix=bt709:in_range=tv:out_color_matrix=bt601:out_range=pc,format=yuvj420p";

/// The colours of all video.
pub(super) const COLOURS: [&str; 8] =
    ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"];

/// A job for the encoder.
pub(super) struct Job<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) metadata: &'a Metadata,
    pub(super) ladder: &'a Ladder,
    pub(super) segment_ms: u32,
    pub(super) effort: Effort,
    /// Directory for intermediate files; ffmpeg runs in it.
    pub(super) work: &'a Path,
    /// Directory of the title; poster and previews are written there.
    pub(super) title: &'a Path,
}

/// A rung with its width.
struct Sized {
    rung: Rung,
    width: u32,
    file: String,
}

impl Job<'_> {
    /// Runs ffmpeg; `progress` hears the fraction done.
    pub(super) fn run(&self, cancel: &Cancel, mut progress: impl FnMut(f64)) -> Result<Encoded, IngestError> {
        let rungs = self.rungs();
        let previews = self.previews(&rungs);
        let thumbs = self.title.join("thumbs");
        fs::create_dir_all(&thumbs).map_err(IngestError::io(&thumbs))?;
        for (name, text) in [("title.txt", &self.metadata.title), ("subtitle.txt", &self.metadata.tagline())] {
            let path = self.work.join(name);
            fs::write(&path, text).map_err(IngestError::io(&path))?;
        }
        let mut args = self.recipe.inputs.clone();
        args.push("-filter_complex".into());
        args.push(self.graph(&rungs, previews).into());
        for (i, sized) in rungs.iter().enumerate() {
            args.extend(self.video_output(i, sized));
        }
        for i in 0..self.recipe.audio.len() {
            args.extend(self.audio_output(i));
        }
        args.extend(self.text_outputs());
        args.extend(self.picture_outputs());
        let total_us = self.recipe.duration_ms.map(|ms| ms as f64 * 1000.0);
        let mut reached = 0.0f64;
        ffmpeg::run(&args, self.work, cancel, |us| {
            if let Some(total) = total_us {
                reached = reached.max((us as f64 / total).min(1.0));
                progress(reached);
            }
        })?;
        self.collect(rungs, previews)
    }

    /// Frames in a segment; at least one.
    fn segment_frames(&self) -> u32 {
        let frames = f64::from(self.segment_ms) * self.recipe.rate.fps() / 1000.0;
        (frames.round() as u32).max(1)
    }

    fn rungs(&self) -> Vec<Sized> {
        let (w, h) = (f64::from(self.recipe.picture.width), f64::from(self.recipe.picture.height));
        let sized = |(i, rung): (usize, Rung)| {
            let width = (f64::from(rung.height) * w / h / 2.0).round() as u32 * 2;
            Sized { rung, width: width.max(2), file: format!("video-{i}.mp4") }
        };
        let capped = self.ladder.capped(self.recipe.picture.height);
        capped.into_iter().enumerate().map(sized).collect()
    }

    /// Which frames become previews: one in so many.
    fn previews(&self, rungs: &[Sized]) -> Grid {
        let every_ms = self.recipe.duration_ms.map_or(0, |ms| ms.div_ceil(MAX_PREVIEWS)).max(PREVIEW_EVERY_MS);
        let whole_seconds = every_ms.div_ceil(1000) as f64;
        let frames = (whole_seconds * self.recipe.rate.fps()).round().max(1.0);
        let shape = rungs.first().map_or(16.0 / 9.0, |s| f64::from(s.width) / f64::from(s.rung.height));
        Grid {
            width: ((f64::from(PREVIEW_HEIGHT) * shape / 2.0).round() as u32 * 2).max(2),
            height: PREVIEW_HEIGHT,
            interval_ms: frames / self.recipe.rate.fps() * 1000.0,
        }
    }

    /// The filter graph: clean picture → poster; with overlay → rungs and previews; sound.
    fn graph(&self, rungs: &[Sized], previews: Grid) -> String {
        let mut chains =
            vec![self.clean_chain(rungs), format!("[clean]split=2[forposter][forfilm];{}", self.poster_chain())];
        let overlay = if self.recipe.overlay.is_empty() { "null" } else { &self.recipe.overlay };
        chains.push(format!("[forfilm]{overlay}[film]"));
        chains.extend(self.scale_chains(rungs));
        let every = (previews.interval_ms * self.recipe.rate.fps() / 1000.0).round();
        chains.push(format!(
            "[forpreviews]select='not(mod(n,{every}))',scale={}:{}:{TO_JPEG},tile={GRID}x{GRID},setpts=N/(FRAME_RATE*TB)[previews]",
            previews.width, previews.height
        ));
        for (i, sound) in self.recipe.audio.iter().enumerate() {
            chains.push(format!(
                "[{}]{},aformat=sample_fmts=fltp:sample_rates=48000:channel_layouts=stereo[a{i}]",
                sound.pad, sound.filters
            ));
        }
        chains.join(";")
    }

    /// The source at the size of the top rung, 8-bit 4:2:0, BT.709, square pixels.
    fn clean_chain(&self, rungs: &[Sized]) -> String {
        let picture = &self.recipe.picture;
        let (width, height) = rungs.last().map_or((picture.width, picture.height), |s| (s.width, s.rung.height));
        let mut filters = picture.filters.clone();
        if picture.scale_options.is_some() || (width, height) != (picture.width, picture.height) {
            let options = picture.scale_options.unwrap_or(":in_color_matrix=bt709");
            let size = format!("{width}:{height}:flags={}", self.scaler());
            filters.push(format!("scale={size}{options}:out_color_matrix=bt709:out_range=tv"));
        }
        filters.push("format=yuv420p,setsar=1".to_owned());
        format!("[{}]{}[clean]", picture.pad, filters.join(","))
    }

    fn scaler(&self) -> &'static str {
        match self.effort {
            Effort::Balanced => "bicubic",
            Effort::Fast => "bilinear",
        }
    }

    /// From `[film]` to `[v0]`… and `[forpreviews]`.
    fn scale_chains(&self, rungs: &[Sized]) -> Vec<String> {
        let top = rungs.len() - 1;
        let scale = |i: usize| format!("scale={}:{}:flags={}", rungs[i].width, rungs[i].rung.height, self.scaler());
        let last = "split=2[v0][forpreviews]";
        if top == 0 {
            return vec![format!("[film]{last}")];
        }
        match self.effort {
            Effort::Balanced => {
                let pads: String = (0..=top).map(|i| format!("[s{i}]")).collect();
                let mut chains = vec![format!("[film]split={}{pads}", top + 1), format!("[s{top}]null[v{top}]")];
                chains.extend((1..top).map(|i| format!("[s{i}]{}[v{i}]", scale(i))));
                chains.push(format!("[s0]{},{last}", scale(0)));
                chains
            }
            Effort::Fast => {
                let mut chains = vec![format!("[film]split=2[v{top}][s{top}]")];
                chains.extend((1..top).rev().map(|i| format!("[s{}]{},split=2[v{i}][s{i}]", i + 1, scale(i))));
                chains.push(format!("[s1]{},{last}", scale(0)));
                chains
            }
        }
    }

    /// The most typical picture of one second, darkened towards its foot, with the title on it.
    fn poster_chain(&self) -> String {
        let at = self.recipe.duration_ms.map_or(0, |ms| (ms as f64 * POSTER_AT) as u64);
        let (w, h) = POSTER;
        let letters = self.metadata.title.chars().count().clamp(1, 60) as u32;
        let size = (w * 14 / 10 / letters).clamp(30, 78);
        let shade = "geq=lum='16+(lum(X,Y)-16)*(1-0.8*pow(Y/H,1.6))':cb='128+(cb(X,Y)-128)*(1-0.4*Y/H)':cr='128+(cr(X,Y)-128)*(1-0.4*Y/H)'";
        // drawtext looks a font up by its family alone, so weight comes from a border in the colour of the letters.
        let text = |file: &str, size: u32, border: u32, colour: &str, y: String| {
            format!(
                "drawtext=font='DejaVu Sans':textfile={file}:expansion=none:fontsize={size}:fontcolor={colour}:borderw={border}:bordercolor={colour}:x={}:y={y}:shadowcolor=black@0.6:shadowx=2:shadowy=2",
                w / 20
            )
        };
        let title = text("title.txt", size, 2, "white", format!("{}-th", h * 85 / 100));
        let tagline = text("subtitle.txt", 24, 0, "white@0.75", (h * 89 / 100).to_string());
        format!(
            "[forposter]trim=start={}:end={},scale={w}:{h}:force_original_aspect_ratio=increase,crop={w}:{h},thumbnail=n=60,{shade},{title},{tagline},scale={w}:{h}:{TO_JPEG},setpts=0[poster]",
            seconds(at),
            seconds(at + 1000)
        )
    }

    fn video_output(&self, index: usize, sized: &Sized) -> Vec<OsString> {
        let gop = self.segment_frames().to_string();
        let mut timescale = self.recipe.rate.num;
        while timescale < 10_000 {
            timescale *= 10;
        }
        let (preset, threads, tools) = match self.effort {
            Effort::Balanced => ("veryfast", "0", "open-gop=0"),
            Effort::Fast => ("ultrafast", "1", "open-gop=0:8x8dct=1:bframes=2"),
        };
        let rung = &sized.rung;
        let mut args =
            strings(&["-map", &format!("[v{index}]"), "-c:v", "libx264", "-preset", preset, "-profile:v", "high"]);
        args.extend(strings(&["-pix_fmt", "yuv420p", "-threads", threads, "-x264-params", tools]));
        args.extend(strings(&["-g", &gop, "-keyint_min", &gop, "-sc_threshold", "0"]));
        args.extend(strings(&["-b:v", &rung.video_bps.to_string(), "-maxrate", &rung.max_bps.to_string()]));
        args.extend(strings(&["-bufsize", &(rung.max_bps / 2 * 3).to_string()]));
        args.extend(strings(&COLOURS));
        args.extend(strings(&["-video_track_timescale", &timescale.to_string()]));
        args.extend(mp4(&sized.file, "+frag_keyframe+default_base_moof+negative_cts_offsets+delay_moov"));
        args
    }

    fn audio_output(&self, index: usize) -> Vec<OsString> {
        let coder = match self.effort {
            Effort::Balanced => "twoloop",
            Effort::Fast => "fast",
        };
        let mut args = strings(&["-map", &format!("[a{index}]"), "-c:a", "aac", "-aac_coder", coder]);
        args.extend(strings(&["-b:a", &self.ladder.audio_bps.to_string(), "-frag_duration", "2000000"]));
        args.extend(mp4(&audio_file(index), "+default_base_moof+delay_moov"));
        args
    }

    fn text_outputs(&self) -> Vec<OsString> {
        let mut args = Vec::new();
        for (i, text) in self.recipe.text.iter().enumerate() {
            if let Text::Stream { index, .. } = text {
                args.extend(strings(&["-map", &format!("0:{index}"), "-c:s", "webvtt", "-f", "webvtt", &text_file(i)]));
            }
        }
        args
    }

    fn picture_outputs(&self) -> Vec<OsString> {
        let image =
            |pad: &str, quality: &str| strings(&["-map", pad, "-c:v", "mjpeg", "-q:v", quality, "-f", "image2"]);
        let mut args = image("[poster]", "3");
        args.extend(strings(&["-frames:v", "1", "-update", "1"]));
        args.push(self.title.join("poster.jpg").into());
        args.extend(image("[previews]", "6"));
        args.push(self.title.join("thumbs").join("sprite-%03d.jpg").into());
        args
    }

    fn collect(&self, rungs: Vec<Sized>, thumbnails: Grid) -> Result<Encoded, IngestError> {
        let video = |s: Sized| EncodedVideo {
            name: s.rung.name,
            width: s.width,
            height: s.rung.height,
            file: self.work.join(s.file),
        };
        let audio = |(i, sound): (usize, &super::recipe::Sound)| EncodedAudio {
            language: sound.language.clone(),
            file: self.work.join(audio_file(i)),
        };
        let texts = self.recipe.text.iter().enumerate();
        Ok(Encoded {
            rate: self.recipe.rate,
            segment_frames: self.segment_frames(),
            video: rungs.into_iter().map(video).collect(),
            audio: self.recipe.audio.iter().enumerate().map(audio).collect(),
            text: texts.map(|(i, text)| self.read_text(i, text)).collect::<Result<_, _>>()?,
            thumbnails,
            scenes: None,
        })
    }

    fn read_text(&self, index: usize, text: &Text) -> Result<EncodedText, IngestError> {
        match text {
            Text::Ready { vtt, language } => Ok(EncodedText { language: language.clone(), vtt: vtt.clone() }),
            Text::Stream { language, .. } => {
                let path = self.work.join(text_file(index));
                if fs::metadata(&path).map_err(IngestError::io(&path))?.len() > MAX_TEXT {
                    return Err(IngestError::output(format!("subtitles of more than {MAX_TEXT} bytes")));
                }
                let bytes = fs::read(&path).map_err(IngestError::io(&path))?;
                let vtt = String::from_utf8_lossy(&bytes).into_owned();
                Ok(EncodedText { language: language.clone(), vtt })
            }
        }
    }
}

fn audio_file(index: usize) -> String {
    format!("audio-{index}.mp4")
}

fn text_file(index: usize) -> String {
    format!("text-{index}.vtt")
}

/// A fragmented MP4 file with nothing in it that depends on the version of ffmpeg or on the source's tags.
pub(super) fn mp4(file: &str, flags: &str) -> Vec<OsString> {
    strings(&[
        "-map_metadata",
        "-1",
        "-map_chapters",
        "-1",
        "-fflags",
        "+bitexact",
        "-f",
        "mp4",
        "-movflags",
        flags,
        file,
    ])
}

pub(super) fn strings(args: &[&str]) -> Vec<OsString> {
    args.iter().map(OsString::from).collect()
}
