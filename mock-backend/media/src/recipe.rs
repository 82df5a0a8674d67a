//! One way to describe any source to ffmpeg: inputs, a filter chain that gives the clean picture, and the sound and text to go with it.

use std::ffi::OsString;
use std::path::Path;

use super::probe::{self, Colour, Probe, VideoStream};
use super::{Cancel, IngestError, Rate, Synthetic, ffmpeg};

/// What the encoder is to work from.
#[derive(Debug)]
pub(super) struct Recipe {
    /// Input options and `-i`, all inputs in order.
    pub(super) inputs: Vec<OsString>,
    /// From an input pad to the clean picture at its full size, without the labels at its ends.
    pub(super) picture: Picture,
    /// Filters on the film that are not on the poster; may be empty.
    pub(super) overlay: String,
    pub(super) audio: Vec<Sound>,
    pub(super) text: Vec<Text>,
    pub(super) rate: Rate,
    /// Duration that progress is measured against, if known.
    pub(super) duration_ms: Option<u64>,
    /// What the picture must last for the input to count as whole, if known.
    pub(super) declared_ms: Option<u64>,
}

/// The picture at the size of the source.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) pad: String,
    /// Filters up to, but without, the scaling to the top rung.
    pub(super) filters: Vec<String>,
    /// Options of the scaler that say how to read the source's colours; `None` if the picture is as it has to be: 8-bit 4:2:0, BT.709.
    pub(super) scale_options: Option<&'static str>,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// One audio rendition: an input pad and the filters that make it start at 0 and last as long as the picture.
#[derive(Debug)]
pub(super) struct Sound {
    pub(super) pad: String,
    pub(super) filters: String,
    pub(super) language: String,
}

/// One subtitle rendition.
#[derive(Debug)]
pub(super) enum Text {
    /// A stream of input 0, to be converted.
    Stream { index: usize, language: String },
    /// A whole WebVTT file.
    Ready { vtt: String, language: String },
}

/// PQ or HLG to SDR: to linear light, BT.709 primaries, Hable's curve, and back.
const TONE_MAP: &str = "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv420p";

impl Recipe {
    /// Examines a file.
    pub(super) fn from_file(path: &Path, cancel: &Cancel) -> Result<Self, IngestError> {
        let probe = probe::file(path, cancel)?;
        // ffmpeg runs in another directory.
        let path = std::path::absolute(path).map_err(IngestError::io(path))?;
        let inputs = ffmpeg::untrusted_input().into_iter().chain(["-i".into(), probe::file_url(&path)]).collect();
        let pad_to_end = probe.duration_ms.map(|ms| format!(",apad=whole_dur={}", seconds(ms)));
        let filters = format!("aresample=48000:async=1:first_pts=0{}", pad_to_end.unwrap_or_default());
        let sound = |s: &probe::OtherStream| Sound {
            pad: format!("0:{}", s.index),
            filters: filters.clone(),
            language: s.language.clone(),
        };
        let text = |t: &probe::OtherStream| Text::Stream { index: t.index, language: t.language.clone() };
        Ok(Self {
            inputs,
            picture: Picture::from_stream(&probe.video, freeze_ms(&probe)),
            overlay: String::new(),
            audio: probe.audio.iter().map(sound).collect(),
            text: probe.text.iter().map(text).collect(),
            rate: probe.video.rate,
            duration_ms: probe.duration_ms,
            declared_ms: declared(&probe),
        })
    }

    /// Takes generators as they are.
    pub(super) fn from_synthetic(source: &Synthetic) -> Self {
        let graphs = std::iter::once(&source.video).chain(source.audio.iter().map(|a| &a.1));
        let inputs = graphs.flat_map(|graph| ["-f".into(), "lavfi".into(), "-i".into(), graph.into()]).collect();
        let frames = (source.duration_ms as f64 * source.rate.fps() / 1000.0).round() as u64;
        let cut = format!("atrim=end={},asetpts=PTS-STARTPTS,aresample=48000", seconds(source.duration_ms));
        let sound = |(i, audio): (usize, &(String, String))| Sound {
            pad: format!("{}:a", i + 1),
            filters: cut.clone(),
            language: audio.0.clone(),
        };
        let text = |t: &(String, String)| Text::Ready { language: t.0.clone(), vtt: t.1.clone() };
        Self {
            inputs,
            picture: Picture {
                pad: "0:v".to_owned(),
                filters: vec![format!("trim=end_frame={frames}"), "setpts=PTS-STARTPTS".to_owned()],
                scale_options: None,
                width: source.width,
                height: source.height,
            },
            overlay: source.overlay.clone(),
            audio: source.audio.iter().enumerate().map(sound).collect(),
            text: source.text.iter().map(text).collect(),
            rate: source.rate,
            duration_ms: Some(source.duration_ms),
            declared_ms: Some(source.duration_ms),
        }
    }
}

impl Picture {
    fn from_stream(video: &VideoStream, freeze_ms: u64) -> Self {
        let mut filters = Vec::new();
        if video.interlaced {
            filters.push("bwdif=mode=send_frame:deint=interlaced".to_owned());
        }
        filters.push(format!("fps=fps={}/{}:start_time=0", video.rate.num, video.rate.den));
        if freeze_ms > 0 {
            filters.push(format!("tpad=stop_mode=clone:stop_duration={}", seconds(freeze_ms)));
        }
        if video.colour == Colour::Hdr {
            filters.push(TONE_MAP.to_owned());
        }
        Self {
            pad: format!("0:{}", video.index),
            filters,
            scale_options: Some(if video.colour == Colour::Assume709 { ":in_color_matrix=bt709" } else { "" }),
            width: video.width,
            height: video.height,
        }
    }
}

/// The stream's own duration; the file's only if there is no sound that could outlast the picture.
fn declared(probe: &Probe) -> Option<u64> {
    let whole = probe.duration_ms.filter(|_| probe.audio.is_empty());
    probe.video.declared_ms.or(whole)
}

/// How long the last picture stands because the sound goes on: every track of a title ends at the same time.
fn freeze_ms(probe: &Probe) -> u64 {
    match (probe.duration_ms, probe.video.declared_ms) {
        (Some(whole), Some(picture)) if !probe.audio.is_empty() => whole.saturating_sub(picture),
        _ => 0,
    }
}

/// Milliseconds as ffmpeg's decimal seconds.
pub(super) fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}
