//! Media made with ffmpeg once per test run: pictures carry a counter that can be read back and a flash every
//! second; sound carries a beep every second.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use crate::container::{Codec, CodecConfig, DemuxOutput, Payload, Sample};
use crate::model::ContainerFormat;
use crate::render::VideoFrame;
use crate::time::MediaTime;

/// Pictures per second of everything here.
pub(super) const FPS: i64 = 24;

/// Pictures between two key pictures.
pub(super) const GOP: usize = 24;

/// Bits of the burnt-in counter.
const BITS: u32 = 12;

/// One track of a file.
#[derive(Clone)]
pub(super) struct Track {
    pub(super) config: Arc<CodecConfig>,
    pub(super) samples: Vec<Sample>,
}

impl Track {
    /// The samples of the picture groups `[from, to)`, one a second.
    pub(super) fn groups(&self, from: usize, to: usize) -> Vec<Sample> {
        self.samples[from * GOP..(to * GOP).min(self.samples.len())].to_vec()
    }
}

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

macro_rules! once {
    ($($name:ident: $make:expr;)+) => {$(
        pub(super) fn $name() -> &'static Track {
            static TRACK: OnceLock<Track> = OnceLock::new();
            TRACK.get_or_init(|| $make)
        }
    )+};
}

// Four seconds each.
once! {
    small: video("small.mp4", 426, 240, &["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2"]);
    large: video("large.mp4", 1280, 720, &["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2"]);
    hevc: video("hevc.mp4", 426, 240, &["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:open-gop=0"]);
    vp9: video("vp9.mp4", 426, 240, &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "500k"]);
    aac: audio("aac.mp4", 48_000, 2, &["-c:a", "aac"]);
    aac_mono: audio("aac-mono.mp4", 44_100, 1, &["-c:a", "aac"]);
    aac_surround: audio("aac-surround.mp4", 44_100, 6, &["-c:a", "aac"]);
    opus: audio("opus.mp4", 48_000, 2, &["-c:a", "libopus"]);
    flac: audio("flac.mp4", 48_000, 2, &["-c:a", "flac", "-strict", "-2"]);
    ac3: audio("ac3.mp4", 48_000, 2, &["-c:a", "ac3"]);
    eac3: audio("eac3.mp4", 48_000, 2, &["-c:a", "eac3"]);
    mp3: audio("mp3.mp4", 48_000, 2, &["-c:a", "libmp3lame"]);
}

// A minute each.
once! {
    long_video: read(
        &make_video("long.mp4", (160, 96), 60, &["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2"]),
        "video_0",
    );
    long_sound: read(&make_audio("long-aac.mp4", (48_000, 2), 60, &["-c:a", "aac"]), "audio_0");
}

/// The same pictures and sound, as fragmented MP4 read by our own demuxer, in pieces as a network delivers them.
pub(super) fn fragmented() -> (Track, Track) {
    let fragments = ["-movflags", "frag_keyframe+delay_moov+default_base_moof"];
    let encoder = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2"];
    let video = make_video("fragmented.mp4", (426, 240), 4, &[encoder.as_slice(), &fragments].concat());
    let audio = make_audio("fragmented-aac.mp4", (48_000, 2), 4, &[["-c:a", "aac"].as_slice(), &fragments].concat());
    (demux(&video), demux(&audio))
}

fn demux(file: &Path) -> Track {
    let bytes = std::fs::read(file).unwrap();
    let mut demuxer = crate::container::demuxer(ContainerFormat::Unknown, None).unwrap();
    let mut outputs = Vec::new();
    for piece in bytes.chunks(5_000) {
        outputs.extend(demuxer.push(Bytes::copy_from_slice(piece)).unwrap());
    }
    outputs.extend(demuxer.finish().unwrap());
    let (mut config, mut samples) = (None, Vec::new());
    for output in outputs {
        match output {
            DemuxOutput::Init(init) => config = init.tracks.first().map(|track| track.config.clone()),
            DemuxOutput::Fragment(fragment) => samples.extend(fragment.samples),
            DemuxOutput::Cues { .. }
            | DemuxOutput::Metadata(_)
            | DemuxOutput::Captions(_)
            | DemuxOutput::Protection(_)
            | DemuxOutput::Damage(_)
            | DemuxOutput::Tail(_) => {}
        }
    }
    Track { config: config.unwrap(), samples }
}

/// The counter in a picture: twelve boxes at the bottom, white for one.
pub(super) fn counter(frame: &VideoFrame) -> i64 {
    let (width, height) = (frame.width as usize, frame.height as usize);
    let luma = frame.planes[0].bytes();
    let row = height * 93 / 100 * frame.planes[0].stride;
    (0..BITS).map(|bit| i64::from(luma[row + width * (5 + bit as usize * 8) / 100] > 128) << bit).sum()
}

/// Returns true if the flash is on: the whole upper left quarter is white.
pub(super) fn flashes(frame: &VideoFrame) -> bool {
    let (width, height) = (frame.width as usize, frame.height as usize);
    let luma = frame.planes[0].bytes();
    [(1, 1), (2, 3), (3, 2)].iter().all(|(x, y)| luma[height * y / 8 * frame.planes[0].stride + width * x / 8] > 200)
}

/// Presentation time of picture `n`.
pub(super) fn time_of(n: i64) -> MediaTime {
    MediaTime::from_ticks(n, FPS as u32)
}

fn video(name: &str, width: u32, height: u32, encoder: &[&str]) -> Track {
    read(&make_video(name, (width, height), 4, encoder), "video_0")
}

fn make_video(name: &str, (width, height): (u32, u32), seconds: u32, encoder: &[&str]) -> PathBuf {
    let boxes: String = (0..BITS)
        .map(|bit| {
            let place = format!("x=iw*{}/100:y=ih*88/100:w=iw*6/100:h=ih*10/100:t=fill", 2 + bit * 8);
            let on = format!("enable='mod(floor(n/{}),2)'", 1 << bit);
            format!(",drawbox={place}:color=black,drawbox={place}:color=white:{on}")
        })
        .collect();
    let flash = "drawbox=x=0:y=0:w=iw/2:h=ih/2:t=fill:color=gray,\
                 drawbox=x=0:y=0:w=iw/2:h=ih/2:t=fill:color=white:enable='lt(mod(n,24),3)'";
    let source = format!("testsrc2=s={width}x{height}:r={FPS}:d={seconds},{flash}{boxes},format=yuv420p");
    let gop = GOP.to_string();
    let mut arguments = vec!["-f", "lavfi", "-i", &source, "-an"];
    arguments.extend(encoder);
    arguments.extend(["-g", &gop, "-keyint_min", &gop, "-sc_threshold", "0"]);
    ffmpeg(name, &arguments)
}

fn audio(name: &str, rate: u32, channels: u32, encoder: &[&str]) -> Track {
    read(&make_audio(name, (rate, channels), 4, encoder), "audio_0")
}

fn make_audio(name: &str, (rate, channels): (u32, u32), seconds: u32, encoder: &[&str]) -> PathBuf {
    let source = format!("aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.125)':s={rate}:d={seconds}");
    let channels = channels.to_string();
    let mut arguments = vec!["-f", "lavfi", "-i", &source, "-ac", &channels];
    arguments.extend(encoder);
    ffmpeg(name, &arguments)
}

fn ffmpeg(name: &str, arguments: &[&str]) -> PathBuf {
    let file = FOLDER.path().join(name);
    let made = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments).arg(&file).status();
    assert!(made.expect("ffmpeg is installed").success(), "ffmpeg {arguments:?}");
    file
}

/// Reads a file with GStreamer's own demuxer, an implementation independent of ours.
fn read(file: &Path, pad: &str) -> Track {
    gst::init().unwrap();
    let graph = format!("filesrc location={} ! qtdemux name=d d.{pad} ! appsink name=s sync=false", file.display());
    let pipeline = gst::parse::launch(&graph).unwrap().downcast::<gst::Pipeline>().unwrap();
    let sink = pipeline.by_name("s").unwrap().downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let (mut samples, mut config) = (Vec::new(), None);
    while let Some(pulled) = sink.try_pull_sample(gst::ClockTime::from_seconds(30)) {
        config.get_or_insert_with(|| Arc::new(configuration(pulled.caps().unwrap())));
        samples.push(sample(&pulled));
    }
    assert!(sink.is_eos() && !samples.is_empty(), "{} was read to its end", file.display());
    pipeline.set_state(gst::State::Null).unwrap();
    Track { config: config.unwrap(), samples }
}

fn sample(pulled: &gst::Sample) -> Sample {
    let segment = pulled.segment().unwrap().downcast_ref::<gst::ClockTime>().unwrap();
    let shift = segment.time().unwrap().nseconds() as i64 - segment.start().unwrap().nseconds() as i64;
    let time = |clock: gst::ClockTime| MediaTime::from_nanos(clock.nseconds() as i64 + shift);
    let buffer = pulled.buffer().unwrap();
    let pts = time(buffer.pts().unwrap());
    Sample {
        pts,
        dts: buffer.dts().map_or(pts, time),
        duration: Duration::from_nanos(buffer.duration().unwrap().nseconds()),
        key: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
        payload: Payload(Bytes::copy_from_slice(&buffer.map_readable().unwrap())),
        crypto: None,
    }
}

fn configuration(caps: &gst::CapsRef) -> CodecConfig {
    let s = caps.structure(0).unwrap();
    let record = || Bytes::copy_from_slice(&s.get::<gst::Buffer>("codec_data").unwrap().map_readable().unwrap());
    let number = |name| s.get::<i32>(name).ok().map(|value| value as u32);
    let codec = match s.name().as_str() {
        "video/x-h264" => Codec::H264 { avcc: record(), in_band: false },
        "video/x-h265" => Codec::H265 { hvcc: record(), in_band: false },
        "video/x-vp9" => Codec::Vp9 { vpcc: Bytes::new() },
        "audio/mpeg" if number("mpegversion") == Some(4) => Codec::Aac { asc: record() },
        "audio/mpeg" => Codec::Mp3,
        "audio/x-ac3" => Codec::Ac3,
        "audio/x-eac3" => Codec::Eac3,
        "audio/x-opus" => Codec::Opus { dops: Bytes::from_static(&[0, 2, 1, 56, 0, 0, 187, 128, 0, 0, 0]) },
        "audio/x-flac" => Codec::Flac { dfla: flac_blocks(s) },
        other => panic!("no codec for {other}"),
    };
    CodecConfig {
        codec,
        codec_string: String::new(),
        width: number("width"),
        height: number("height"),
        pixel_aspect: None,
        rotation: 0,
        sample_rate: number("rate"),
        channels: number("channels"),
        protection_scheme: None,
    }
}

/// The metadata blocks after the marker, of which the first suffices; it is marked as the last.
fn flac_blocks(s: &gst::StructureRef) -> Bytes {
    let headers = s.get::<gst::Array>("streamheader").unwrap();
    let buffers = headers.iter().map(|header| header.get::<gst::Buffer>().unwrap());
    let bytes = buffers.flat_map(|buffer| buffer.map_readable().unwrap().to_vec()).collect::<Vec<_>>();
    let mut blocks = bytes.strip_prefix(b"fLaC").unwrap()[..4 + 34].to_vec();
    blocks[0] |= 0x80;
    Bytes::from(blocks)
}
