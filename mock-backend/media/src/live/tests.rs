//! Channels over small titles that are written here. Nothing is encoded.

#![expect(clippy::unwrap_used, reason = "tests")]

mod manifests;
mod media;

use std::fs;
use std::path::Path;

use super::super::package::boxes;
use super::super::package::segment;
use super::super::package::track::{Sample, Stored, Track};
use super::super::{AudioRecord, Files, Loop, LoopScene, Rate, RungRecord, TitleRecord};
use super::asked::{Answer, Asked};
use super::channel::LiveChannel;
use super::record::ChannelRecord;
use super::timeline::TrackId;

const EPOCH: i64 = 1_767_225_600_000;
const VIDEO: TrackId = TrackId::Video(0);
const AUDIO: TrackId = TrackId::Audio(0);

fn numbers(out: &mut Vec<u8>, values: &[u32]) {
    values.iter().for_each(|value| out.extend_from_slice(&value.to_be_bytes()));
}

/// `init.mp4` of a track, as far as it is read.
fn init(timescale: u32, priming: u32) -> Vec<u8> {
    let mut out = Vec::new();
    boxes::write(&mut out, b"moov", |out| {
        boxes::write(out, b"trak", |out| {
            boxes::write(out, b"edts", |out| {
                boxes::write_full(out, b"elst", 0, 0, |out| numbers(out, &[1, 0, priming, 0x1_0000]));
            });
            boxes::write(out, b"mdia", |out| {
                boxes::write_full(out, b"mdhd", 0, 0, |out| numbers(out, &[0, 0, timescale, 0, 0]));
            });
        });
        boxes::write(out, b"mvex", |out| {
            boxes::write_full(out, b"trex", 0, 0, |out| numbers(out, &[1, 1, 0, 0, 0]));
        });
    });
    out
}

/// Writes a track of `count` samples of equal duration, of which every `sync`th is a key frame. The bytes of a sample tell which one
/// it is.
fn write_track(
    dir: &Path,
    name: fn(usize) -> String,
    (timescale, priming): (u32, u32),
    (count, duration, sync): (usize, u32, usize),
    cuts: &[usize],
) {
    fs::create_dir_all(dir).unwrap();
    let mut payload = Vec::new();
    let sample = |index: usize| {
        let bytes: Vec<u8> = (0..10 + index % 3).map(|at| (index * 7 + at) as u8).collect();
        let offset = payload.len() as u64;
        payload.extend_from_slice(&bytes);
        let flags = if index.is_multiple_of(sync) { 0x0200_0000 } else { 0x0101_0000 };
        Sample { offset, size: bytes.len() as u32, duration, composition: 0, flags }
    };
    let samples = (0..count).map(sample).collect();
    let track =
        Track { init: init(timescale, priming), timescale, start: u64::from(priming), codec: "x".into(), samples };
    let source = dir.join("payload");
    fs::write(&source, payload).unwrap();
    segment::write_named(name, &track, &source, cuts, dir).unwrap();
}

/// Writes a title: 24 pictures a second in segments of two seconds, the last one of `rest` pictures, and audio of 48 kHz that is as
/// long but for what does not fill a frame.
fn write_title(data: &Path, id: &str, segments: usize, rest: usize, looped: Option<Loop>) {
    let dir = data.join("media").join(id);
    let pictures = segments * 48 + rest;
    let cuts: Vec<usize> = (0..pictures).step_by(48).collect();
    let name = if looped.is_some() { super::super::looped::part_name } else { segment::file_name };
    for rung in ["240p", "720p"] {
        write_track(&dir.join("video").join(rung), name, (24_000, 0), (pictures, 1000, 48), &cuts);
    }
    let shown = looped.as_ref().map_or(pictures as u64, |looped| looped.shown() * 48);
    let frames = shown as usize * 2000 / 1024 + 1;
    let cuts: Vec<usize> = (0..frames).step_by(94).collect();
    write_track(&dir.join("audio/en"), segment::file_name, (48_000, 1024), (frames, 1024, 1), &cuts);
    let rung = |name: &str, height, bps| RungRecord {
        name: name.to_owned(),
        width: height * 16 / 9,
        height,
        codec: "avc1.64001f".to_owned(),
        average_bps: bps,
        peak_bps: bps * 2,
    };
    let audio = AudioRecord {
        name: "en".to_owned(),
        language: "en".to_owned(),
        label: "English".to_owned(),
        codec: "mp4a.40.2".to_owned(),
        peak_bps: 64_000,
    };
    let record = TitleRecord {
        id: id.to_owned(),
        title: format!("The \"{id}\""),
        description: String::new(),
        year: None,
        genres: Vec::new(),
        duration_ms: shown * 1000 / 24,
        frames: shown,
        frame_rate: Rate::new(24, 1),
        rungs: vec![rung("240p", 240, 1000), rung("720p", 720, 5000)],
        audio: vec![audio],
        text: Vec::new(),
        files: Files::default(),
        media_bytes: 1,
        about: super::super::About::default(),
        looped,
        created: jiff::Timestamp::from_millisecond(EPOCH).unwrap(),
        demo_revision: 0,
    };
    super::super::record::write(&dir, &record).unwrap();
}

fn record(programmes: &[&str], part_ms: Option<u32>, discontinuities: bool) -> ChannelRecord {
    ChannelRecord {
        id: "channel".to_owned(),
        name: "Channel".to_owned(),
        description: String::new(),
        programmes: programmes.iter().map(|&id| id.to_owned()).collect(),
        epoch: jiff::Timestamp::from_millisecond(EPOCH).unwrap(),
        part_ms,
        window_ms: 30_000,
        latency_ms: None,
        discontinuities,
    }
}

/// The channels of the tests: one of low latency that runs through, an ordinary one that does, whose segments differ, and two of two
/// programmes with discontinuities, ordinary and in low latency.
struct Channels {
    data: tempfile::TempDir,
    low: LiveChannel,
    through: LiveChannel,
    plain: LiveChannel,
    two: LiveChannel,
}

fn channels() -> Channels {
    let data = tempfile::tempdir().unwrap();
    let scene = |segments, times| LoopScene { segments, times };
    let looped = Loop { segment_ticks: 48_000, scenes: vec![scene(2, 3), scene(1, 1)] };
    write_title(data.path(), "drawn", 3, 0, Some(looped));
    write_title(data.path(), "plain", 4, 24, None);
    write_title(data.path(), "even", 4, 48, None);
    let open = |record| LiveChannel::open(data.path(), record).unwrap();
    let low = open(record(&["drawn"], Some(333), false));
    let through = open(record(&["plain"], None, false));
    let plain = open(record(&["plain", "drawn"], None, true));
    let two = open(record(&["even", "drawn"], Some(500), true));
    Channels { data, low, through, plain, two }
}

fn ask(channel: &LiveChannel, path: &str, after_ms: u64) -> Answer {
    ask_among(channel, path, after_ms, &[])
}

/// The same where a channel is on some edges.
fn ask_among(channel: &LiveChannel, path: &str, after_ms: u64, edges: &[String]) -> Answer {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let file: Vec<String> = path.split('/').map(str::to_owned).collect();
    channel.answer(&Asked { file: &file, query, now_ms: EPOCH + after_ms as i64, edges, is_filtered: false })
}

fn text(channel: &LiveChannel, path: &str, after_ms: u64) -> String {
    match ask(channel, path, after_ms) {
        Answer::Manifest { text, .. } => text,
        other => panic!("{path} at {after_ms}: {other:?}"),
    }
}

/// Decode time and samples of each fragment of some bytes.
fn fragments(bytes: &[u8], timescale: u32) -> Vec<(u64, Vec<Sample>)> {
    let stored = Stored::read(&init(timescale, 0)).unwrap();
    let starts = bytes.windows(4).enumerate().filter(|(_, kind)| kind == b"moof").map(|(at, _)| at - 4);
    starts.map(|at| stored.segment(std::io::Cursor::new(&bytes[at..]), Path::new("x")).unwrap()).collect()
}

fn bytes(channel: &LiveChannel, path: &str, after_ms: u64) -> Vec<u8> {
    let Answer::Media(pieces) = ask(channel, path, after_ms) else { panic!("{path} is not there") };
    pieces.iter().flat_map(|piece| channel.bytes(piece).unwrap()).collect()
}
