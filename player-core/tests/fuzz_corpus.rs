//! Every file of the fuzz corpora, through the function of its target: what a fuzzer once found stays found.

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::path::{Path, PathBuf};

use player_core::model::ContainerFormat;
use player_core::sim::record::compare;

/// The files of a corpus in the order of their names.
fn files(corpus: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(corpus);
    let entries = std::fs::read_dir(&folder).expect("the corpus is committed");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder can be listed").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths
}

fn replay(corpus: &str, target: fn(&[u8])) {
    for path in files(corpus) {
        target(&std::fs::read(&path).expect("a file of the corpus can be read"));
    }
}

/// FNV-1a over everything that a reader gave, bytes included.
struct Digest(u64);

impl Digest {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

/// One line for one file: the verdict, and of each track the samples, key frames, bytes, first and last time in
/// nanoseconds, and a digest of all times and bytes.
fn summary(data: &[u8], format: ContainerFormat) -> String {
    let (content, verdict) = targets::media(data, format);
    let mut out = if verdict.is_some() { "refused".to_owned() } else { "read".to_owned() };
    for (track, samples) in &content.samples {
        let mut digest = Digest(0xcbf2_9ce4_8422_2325);
        for sample in samples {
            digest.add(&sample.pts.as_nanos().to_be_bytes());
            digest.add(&sample.dts.as_nanos().to_be_bytes());
            digest.add(&sample.duration.as_nanos().to_be_bytes());
            digest.add(&[u8::from(sample.key), u8::from(sample.crypto.is_some())]);
            digest.add(&sample.payload.0);
        }
        let bytes: usize = samples.iter().map(|sample| sample.payload.0.len()).sum();
        let keys = samples.iter().filter(|sample| sample.key).count();
        let (first, last) = (samples.first().map(|s| s.pts.as_nanos()), samples.last().map(|s| s.pts.as_nanos()));
        out.push_str(&format!(
            " [{track}: {} samples, {keys} keys, {bytes} B, {} to {}, {:016x}]",
            samples.len(),
            first.unwrap_or(0),
            last.unwrap_or(0),
            digest.0
        ));
    }
    let others =
        [("cues", content.cues.len()), ("events", content.metadata.len()), ("captions", content.captions.len())];
    for (name, count) in others.into_iter().filter(|(_, count)| *count > 0) {
        out.push_str(&format!(" {count} {name}"));
    }
    out
}

/// Each file of media gives the times and bytes on record in `fuzz/samples.txt`. `KINORA_RECORD=1` writes the
/// record anew, to be read as a diff.
#[test]
fn media_of_the_corpora_gives_the_times_and_bytes_on_record() {
    let corpora =
        [("mp4", ContainerFormat::Unknown), ("packed", ContainerFormat::PackedAudio), ("ts", ContainerFormat::MpegTs)];
    let mut found = String::new();
    for (corpus, format) in corpora {
        for path in files(corpus) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let data = std::fs::read(&path).expect("a file of the corpus can be read");
            found.push_str(&format!("{corpus}/{name}: {}\n", summary(&data, format)));
        }
    }
    compare(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/samples.txt"), &found);
}

#[test]
fn mp4() {
    replay("mp4", targets::mp4);
}

#[test]
fn ts() {
    replay("ts", targets::ts);
}

#[test]
fn packed() {
    replay("packed", targets::packed);
}

#[test]
fn webvtt() {
    replay("webvtt", targets::webvtt);
}

#[test]
fn ttml() {
    replay("ttml", targets::ttml);
}

#[test]
fn m3u8() {
    replay("m3u8", targets::m3u8);
}

#[test]
fn states_of_a_playlist_are_read_onto_each_other() {
    replay("m3u8_live", targets::m3u8_live);
}

#[test]
fn captions() {
    replay("captions", targets::captions);
}

#[test]
fn patch() {
    replay("patch", targets::patch);
}

#[test]
fn mpd() {
    replay("mpd", targets::mpd);
}
