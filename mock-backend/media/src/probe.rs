//! What is in an input file, as ffprobe sees it, reduced to what the packager decides on.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::{Cancel, IngestError, ffmpeg, language};

/// A frame rate as an exact fraction of frames per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Frames…
    pub num: u32,
    /// …in this many seconds; not 0.
    pub den: u32,
}

impl Rate {
    /// `num` frames in `den` seconds.
    pub const fn new(num: u32, den: u32) -> Self {
        Self { num, den }
    }

    /// Frames per second.
    pub fn fps(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// Parses ffprobe's `30000/1001`; `None` for `0/0` and anything else that is not a rate.
    fn parse(text: &str) -> Option<Self> {
        let (num, den) = text.split_once('/')?;
        let rate = Self::new(num.parse().ok()?, den.parse().ok()?);
        (rate.num > 0 && rate.den > 0).then_some(rate)
    }

    /// The nearest rate that players and displays expect, at most 60 a second.
    fn snapped(self) -> Self {
        const USUAL: [Rate; 8] = [
            Rate::new(24_000, 1001),
            Rate::new(24, 1),
            Rate::new(25, 1),
            Rate::new(30_000, 1001),
            Rate::new(30, 1),
            Rate::new(50, 1),
            Rate::new(60_000, 1001),
            Rate::new(60, 1),
        ];
        let mut fps = self.fps();
        while fps > 60.3 {
            fps /= 2.0;
        }
        let distance = |rate: &Rate| (rate.fps() - fps).abs();
        let nearest = USUAL.iter().copied().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        match nearest {
            Some(rate) if distance(&rate) / fps < 0.0005 => rate,
            _ if self.fps() > 60.3 => Rate::new((fps * 1000.0).round() as u32, 1000),
            _ if self.num < 1_000_000 && self.den < 100_000 => self,
            _ => Rate::new(((fps * 1000.0).round() as u32).max(1), 1000),
        }
    }
}

/// The picture, in the shape in which it is to be seen: rotated and with square pixels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct VideoStream {
    pub(super) index: usize,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) rate: Rate,
    pub(super) interlaced: bool,
    /// How the colours are to be read when that is not what ffmpeg assumes.
    pub(super) colour: Colour,
    /// Duration of this stream as the header declares it, milliseconds.
    pub(super) declared_ms: Option<u64>,
}

/// The colours of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    /// As tagged in the file, or untagged and small: ffmpeg reads it right.
    Tagged,
    /// Untagged and larger than standard definition: BT.709 by convention, which ffmpeg does not assume.
    Assume709,
    /// PQ or HLG: has to be tone-mapped.
    Hdr,
}

/// A sound or text stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OtherStream {
    pub(super) index: usize,
    pub(super) language: String,
}

/// An input file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Probe {
    pub(super) duration_ms: Option<u64>,
    pub(super) video: VideoStream,
    pub(super) audio: Vec<OtherStream>,
    pub(super) text: Vec<OtherStream>,
}

/// Subtitle formats that are text; the others are pictures and cannot become WebVTT.
const TEXT_CODECS: [&str; 7] = ["subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text"];

/// Examines a file. Only a regular one is opened: opening a pipe would wait for a writer, and a device gives bytes without end.
pub(super) fn file(path: &Path, cancel: &Cancel) -> Result<Probe, IngestError> {
    let not_media = |detail: String| IngestError::NotMedia { path: path.to_owned(), detail };
    let is_file = is_regular(path).map_err(|source| IngestError::Input { path: path.to_owned(), source })?;
    if !is_file {
        return Err(not_media("it is not a file".to_owned()));
    }
    let mut args: Vec<OsString> =
        ["-v", "error", "-of", "json", "-show_format", "-show_streams"].iter().map(OsString::from).collect();
    args.extend(ffmpeg::untrusted_input());
    args.extend(["-i".into(), file_url(path)]);
    let json = ffmpeg::probe(&args, cancel)?.map_err(|failure| {
        let shown = path.to_string_lossy();
        let detail = failure.0.replace(&format!("file:{shown}: "), "");
        not_media(detail)
    })?;
    answer(&json, path)
}

/// Reads what ffprobe printed about the file `path`.
pub(super) fn answer(json: &[u8], path: &Path) -> Result<Probe, IngestError> {
    let not_media = |detail: String| IngestError::NotMedia { path: path.to_owned(), detail };
    let raw: Raw = serde_json::from_slice(json).map_err(|e| not_media(format!("ffprobe's answer: {e}")))?;
    raw.into_probe()?.ok_or_else(|| IngestError::NoVideo { path: path.to_owned() })
}

/// Opens without waiting, and asks what was opened rather than what the name stood for before.
fn is_regular(path: &Path) -> std::io::Result<bool> {
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).map_err(std::io::Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
    Ok(file.metadata()?.is_file())
}

/// `file:PATH`, so that a name with a colon or a leading dash is neither a protocol nor an option.
pub(super) fn file_url(path: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push(path);
    url
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    streams: Vec<RawStream>,
    format: Option<RawFormat>,
}

#[derive(Deserialize)]
struct RawFormat {
    duration: Option<String>,
}

#[derive(Deserialize)]
struct RawStream {
    index: usize,
    codec_type: Option<String>,
    codec_name: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    sample_aspect_ratio: Option<String>,
    avg_frame_rate: Option<String>,
    r_frame_rate: Option<String>,
    field_order: Option<String>,
    color_transfer: Option<String>,
    color_space: Option<String>,
    duration: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    disposition: BTreeMap<String, u8>,
    #[serde(default)]
    side_data_list: Vec<BTreeMap<String, serde_json::Value>>,
}

impl Raw {
    /// `None` when there is no picture. Cover art (an attached picture) is not a video stream.
    fn into_probe(self) -> Result<Option<Probe>, IngestError> {
        let of_kind = |kind: &'static str| {
            let wanted = move |s: &&RawStream| s.codec_type.as_deref() == Some(kind);
            self.streams.iter().filter(wanted)
        };
        let picture = of_kind("video").find(|s| s.disposition.get("attached_pic") != Some(&1));
        let Some(picture) = picture else { return Ok(None) };
        let other = |s: &RawStream| OtherStream {
            index: s.index,
            language: language::tag(s.tags.get("language").map(String::as_str)),
        };
        let is_text = |s: &&RawStream| s.codec_name.as_deref().is_some_and(|c| TEXT_CODECS.contains(&c));
        let seconds = self.format.as_ref().and_then(|f| f.duration.as_deref()?.parse::<f64>().ok());
        Ok(Some(Probe {
            duration_ms: seconds.filter(|s| s.is_finite() && *s > 0.0).map(|s| (s * 1000.0) as u64),
            video: picture.video()?,
            audio: of_kind("audio").filter(|s| s.codec_name.is_some()).map(other).collect(),
            text: of_kind("subtitle").filter(is_text).map(other).collect(),
        }))
    }
}

impl RawStream {
    fn video(&self) -> Result<VideoStream, IngestError> {
        let unsupported = |feature: String| Err(IngestError::Unsupported { feature });
        let codec = self.codec_name.as_deref().unwrap_or("unknown");
        let (Some(width), Some(height)) = (self.width, self.height) else {
            return unsupported(format!("video codec {codec} (no picture size)"));
        };
        if !(16..=16_384).contains(&width) || !(16..=16_384).contains(&height) {
            return unsupported(format!("a picture of {width}x{height}"));
        }
        let rates = [&self.avg_frame_rate, &self.r_frame_rate];
        let mut rates = rates.into_iter().flatten().filter_map(|text| Rate::parse(text));
        let rate = rates.find(|r| (0.2..=1000.0).contains(&r.fps())).unwrap_or(Rate::new(25, 1));
        let width = self.square_pixel_width(width);
        let (width, height) = if self.is_sideways() { (height, width) } else { (width, height) };
        Ok(VideoStream {
            index: self.index,
            width,
            height,
            rate: rate.snapped(),
            interlaced: matches!(self.field_order.as_deref(), Some("tt" | "bb" | "tb" | "bt")),
            colour: self.colour(height),
            declared_ms: self.declared_ms(),
        })
    }

    fn colour(&self, height: u32) -> Colour {
        if matches!(self.color_transfer.as_deref(), Some("smpte2084" | "arib-std-b67")) {
            return Colour::Hdr;
        }
        match self.color_space.as_deref() {
            None | Some("unknown") if height > 576 => Colour::Assume709,
            _ => Colour::Tagged,
        }
    }

    /// Matroska keeps the duration of a stream in a tag, as `00:01:02.345000000`.
    fn declared_ms(&self) -> Option<u64> {
        let seconds = match (&self.duration, self.tags.get("DURATION")) {
            (Some(seconds), _) => seconds.parse::<f64>().ok()?,
            (None, Some(clock)) => {
                let mut parts = clock.split(':').map(|part| part.parse::<f64>());
                parts.try_fold(0.0, |sum, part| Some(sum * 60.0 + part.ok()?))?
            }
            (None, None) => return None,
        };
        (seconds.is_finite() && seconds > 0.0).then_some((seconds * 1000.0) as u64)
    }

    /// The width after stretching non-square pixels; a shape beyond 4:1 is taken for a mistake in the file.
    fn square_pixel_width(&self, width: u32) -> u32 {
        let shape = self.sample_aspect_ratio.as_deref().and_then(|text| {
            let (x, y) = text.split_once(':')?;
            Some((x.parse::<f64>().ok()?, y.parse::<f64>().ok()?))
        });
        match shape {
            Some((x, y)) if x > 0.0 && y > 0.0 && (0.25..=4.0).contains(&(x / y)) => {
                (f64::from(width) * x / y).round() as u32
            }
            _ => width,
        }
    }

    /// A telephone held upright stores a lying picture and a rotation, which ffmpeg applies by itself while decoding.
    fn is_sideways(&self) -> bool {
        let rotation = self.side_data_list.iter().find_map(|d| d.get("rotation")?.as_f64());
        rotation.is_some_and(|degrees| (degrees.abs() - 90.0).abs() < 1.0 || (degrees.abs() - 270.0).abs() < 1.0)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn parse(json: &str) -> Option<Probe> {
        serde_json::from_str::<Raw>(json).unwrap().into_probe().unwrap()
    }

    #[test]
    fn a_phone_video_stands_upright() {
        let probe = parse(
            r#"{"streams":[
                {"index":0,"codec_type":"video","codec_name":"hevc","width":1920,"height":1080,"avg_frame_rate":"30000/1001",
                 "side_data_list":[{"side_data_type":"Display Matrix","rotation":-90}]},
                {"index":1,"codec_type":"audio","codec_name":"aac","tags":{"language":"fre"}},
                {"index":2,"codec_type":"subtitle","codec_name":"hdmv_pgs_subtitle"},
                {"index":3,"codec_type":"subtitle","codec_name":"subrip","tags":{"language":"eng"}}],
               "format":{"duration":"12.345"}}"#,
        )
        .unwrap();
        assert_eq!((probe.video.width, probe.video.height), (1080, 1920));
        assert_eq!(probe.video.rate, Rate::new(30_000, 1001));
        assert_eq!(probe.duration_ms, Some(12_345));
        assert_eq!(probe.audio, [OtherStream { index: 1, language: "fr".into() }]);
        assert_eq!(probe.text, [OtherStream { index: 3, language: "en".into() }]);
    }

    #[test]
    fn cover_art_is_not_a_film() {
        let json = r#"{"streams":[{"index":0,"codec_type":"video","codec_name":"mjpeg","width":500,"height":500,
            "disposition":{"attached_pic":1}},{"index":1,"codec_type":"audio","codec_name":"mp3"}]}"#;
        assert_eq!(parse(json), None);
    }

    #[test]
    fn odd_rates_are_snapped() {
        let check = |num, den, expect| assert_eq!(Rate::new(num, den).snapped(), expect, "{num}/{den}");
        check(2997, 100, Rate::new(30_000, 1001));
        check(24, 1, Rate::new(24, 1));
        check(120, 1, Rate::new(60, 1));
        check(15, 1, Rate::new(15, 1));
        check(19_001_317, 1_000_003, Rate::new(19_001, 1000));
    }
}
