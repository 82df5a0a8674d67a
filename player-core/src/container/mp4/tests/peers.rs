//! Files that another muxer wrote, compared with what ffprobe reads from them.

use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use serde_json::Value;

use super::{read, samples, skip};
use crate::container::{DemuxError, DemuxOutput, InitSegment, Sample, describe_samples, read_init};

const SOURCE: [&str; 12] = [
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=192x108:rate=25",
    "-f",
    "lavfi",
    "-i",
    "sine=frequency=440:sample_rate=44100",
    "-t",
    "3",
    "-shortest",
    "-y",
];
const CODECS: [&str; 12] = [
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-bf",
    "2",
    "-g",
    "20",
    "-c:a",
    "aac",
    "-metadata:s:a:0",
    "language=eng",
];

/// Runs ffmpeg in `folder`; false, and a word to the log, when it is not there.
fn ffmpeg(test: &str, folder: &Path, arguments: &[&str]) -> bool {
    let mut command = Command::new("ffmpeg");
    command.current_dir(folder).args(["-v", "error", "-nostdin"]).args(SOURCE).args(CODECS).args(arguments);
    match command.output() {
        Ok(output) => {
            assert!(output.status.success(), "ffmpeg: {}", String::from_utf8_lossy(&output.stderr));
            true
        }
        Err(error) => {
            skip(test, &format!("ffmpeg cannot be run: {error}"));
            false
        }
    }
}

/// One packet: presentation and decoding time in microseconds, size, key.
type Packet = (i64, i64, usize, bool);

fn probe(file: &Path, stream: &str) -> Vec<Packet> {
    let entries = "packet=pts_time,dts_time,size,flags";
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", stream, "-show_entries", entries, "-of", "json"])
        .arg(file)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let micros = |value: &Value| (value.as_str().unwrap().parse::<f64>().unwrap() * 1e6).round() as i64;
    let packets = report["packets"].as_array().unwrap().iter();
    packets
        .map(|packet| {
            let size = packet["size"].as_str().unwrap().parse().unwrap();
            let key = packet["flags"].as_str().unwrap().starts_with('K');
            (micros(&packet["pts_time"]), micros(&packet["dts_time"]), size, key)
        })
        .collect()
}

fn packets(samples: &[Sample]) -> Vec<Packet> {
    let micros = |nanos: i64| (nanos as f64 / 1e3).round() as i64;
    let packet = |s: &Sample| (micros(s.pts.as_nanos()), micros(s.dts.as_nanos()), s.payload.0.len(), s.key);
    samples.iter().map(packet).collect()
}

/// Compares tracks: their number, their name for ffprobe, and by how much ffprobe shifts their presentation.
fn check(outputs: &[DemuxOutput], file: &Path, tracks: &[(u32, &str, i64)]) {
    for &(track, stream, shift) in tracks {
        let (found, expected) = (packets(&samples(outputs, track)), probe(file, stream));
        assert!(expected.len() >= 70, "{stream}: {} packets", expected.len());
        assert_eq!(found.len(), expected.len(), "{stream} of {}", file.display());
        for (found, expected) in found.iter().zip(&expected) {
            let close = (found.0 + shift - expected.0).abs() <= 1 && (found.1 - expected.1).abs() <= 1;
            assert!(
                close && found.2 == expected.2 && found.3 == expected.3,
                "{stream}: {found:?}, ffprobe {expected:?}"
            );
        }
    }
}

#[test]
fn fragments_of_ffmpeg_read_as_ffprobe_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    for flags in [
        "+frag_keyframe+empty_moov+default_base_moof",
        "+frag_keyframe+empty_moov+delay_moov",
        "+frag_keyframe",
        "+frag_every_frame+empty_moov+default_base_moof+negative_cts_offsets",
        "+faststart",
    ] {
        let file = folder.path().join("out.mp4");
        if !ffmpeg("fragments_of_ffmpeg_read_as_ffprobe_reads_them", folder.path(), &["-movflags", flags, "out.mp4"]) {
            return;
        }
        let bytes = Bytes::from(std::fs::read(&file).unwrap());
        // ffprobe has no negative offsets: it moves the presentation until there is none.
        let shift = if flags.contains("negative") { 40_000 } else { 0 };
        for size in [1, 1009, bytes.len()] {
            check(&read(None, &bytes, size).unwrap(), &file, &[(1, "v", shift), (2, "a", 0)]);
        }
        let DemuxOutput::Init(init) = read(None, &bytes, bytes.len()).unwrap().remove(0) else {
            panic!("no initialisation data first");
        };
        assert!(init.tracks[0].config.codec_string.starts_with("avc1."));
        assert_eq!((init.tracks[0].config.width, init.tracks[0].config.height), (Some(192), Some(108)));
        assert_eq!(init.tracks[1].language.as_deref(), Some("eng"));
        for length in (0..bytes.len()).step_by(97) {
            let cut = read(None, &bytes.slice(..length), 4096);
            let typed = matches!(cut, Ok(_) | Err(DemuxError::Truncated { .. }));
            assert!(typed, "{flags}, cut at {length}: {cut:?}");
        }
    }
}

#[test]
fn segments_of_a_dash_packager_read_as_ffprobe_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["-f", "dash", "-seg_duration", "1", "-use_template", "1", "-use_timeline", "1", "out.mpd"];
    if !ffmpeg("segments_of_a_dash_packager_read_as_ffprobe_reads_them", folder.path(), &arguments) {
        return;
    }
    for (stream, kind) in [("0", "v"), ("1", "a")] {
        let init = std::fs::read(folder.path().join(format!("init-stream{stream}.m4s"))).unwrap();
        let segment: InitSegment = read_init(Bytes::from(init.clone())).unwrap();
        let track = segment.tracks[0].id;
        let (mut outputs, mut joined) = (Vec::new(), init);
        for number in 1.. {
            let Ok(chunk) = std::fs::read(folder.path().join(format!("chunk-stream{stream}-{number:05}.m4s"))) else {
                break;
            };
            joined.extend(&chunk);
            outputs.extend(read(Some(&segment), &chunk.into(), 517).unwrap());
        }
        let file = folder.path().join("joined.mp4");
        std::fs::write(&file, joined).unwrap();
        check(&outputs, &file, &[(track, kind, 0)]);
    }
}

#[test]
fn an_encrypted_file_without_fragments_is_refused_not_handed_out_as_clear() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "-movflags",
        "+faststart",
        "-encryption_scheme",
        "cenc-aes-ctr",
        "-encryption_key",
        "00112233445566778899aabbccddeeff",
        "-encryption_kid",
        "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
        "out.mp4",
    ];
    let test = "an_encrypted_file_without_fragments_is_refused_not_handed_out_as_clear";
    if ffmpeg(test, folder.path(), &arguments) {
        let bytes = Bytes::from(std::fs::read(folder.path().join("out.mp4")).unwrap());
        assert!(matches!(read(None, &bytes, 4096), Err(DemuxError::Unsupported { .. })));
    }
}

#[test]
fn an_index_behind_the_media_is_reported_but_not_streamed() {
    let folder = tempfile::tempdir().unwrap();
    if !ffmpeg("an_index_behind_the_media_is_reported_but_not_streamed", folder.path(), &["out.mp4"]) {
        return;
    }
    let bytes = Bytes::from(std::fs::read(folder.path().join("out.mp4")).unwrap());
    assert!(matches!(read(None, &bytes, 4096), Err(DemuxError::Unsupported { .. })));
    let report = describe_samples(&bytes).unwrap();
    let found = report["tracks"][0]["samples"].as_array().unwrap();
    let expected = probe(&folder.path().join("out.mp4"), "v");
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found[0].as_i64().unwrap() - expected.0).abs() <= 1, "{found} {expected:?}");
    }
}
