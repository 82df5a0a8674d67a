//! Media of the fuzz corpora, compared with a record: whole, cut into two segments, and damaged.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::{CarriedState, DemuxError, DemuxOutput, DemuxSetup, SampleKey, open};
use crate::model::ContainerFormat;
use crate::sim::record::{Digest, bytes_record, compare};

const CORPORA: [(&str, ContainerFormat); 4] = [
    ("mp4", ContainerFormat::Fmp4),
    ("mp4", ContainerFormat::Unknown),
    ("packed", ContainerFormat::PackedAudio),
    ("ts", ContainerFormat::MpegTs),
];
/// Number of bytes of a file that may hold its headers.
const HEAD: usize = 1600;
/// Number of places at which a file is cut, and at which it is damaged.
const PLACES: usize = 24;

fn digest(outputs: &[DemuxOutput]) -> u64 {
    let mut digest = Digest::default();
    digest.add(&outputs);
    digest.value()
}

fn outcome(read: &(Vec<DemuxOutput>, Option<DemuxError>)) -> String {
    let (outputs, error) = read;
    let error = error.as_ref().map_or(String::new(), |error| format!(" {error}"));
    format!("{} outputs {:016x}{error}", outputs.len(), digest(outputs))
}

/// Reads one segment in pieces; outputs before an error are kept.
fn read(setup: &DemuxSetup, bytes: &[u8]) -> (Vec<DemuxOutput>, Option<DemuxError>) {
    let mut outputs = Vec::new();
    let mut demuxer = match open(setup) {
        Ok(demuxer) => demuxer,
        Err(error) => return (outputs, Some(error)),
    };
    for piece in bytes.chunks(1000) {
        match demuxer.push(Bytes::copy_from_slice(piece)) {
            Ok(more) => outputs.extend(more),
            Err(error) => return (outputs, Some(error)),
        }
    }
    match demuxer.finish() {
        Ok(more) => outputs.extend(more),
        Err(error) => return (outputs, Some(error)),
    }
    (outputs, None)
}

/// Reads two segments, the second with the state of the first, and returns what both gave.
fn read_two(setup: &DemuxSetup, first: &[u8], second: &[u8], continues: bool) -> String {
    let setup = DemuxSetup { keeps_tail: true, ..setup.clone() };
    let mut one = read(&setup, first);
    let Some(DemuxOutput::Tail(tail)) = one.0.pop() else { return format!("no tail: {}", outcome(&one)) };
    let (waiting, held) = (tail.waiting, digest(&tail.outputs));
    let carried = Some(CarriedState { state: tail.state, continues });
    let two = read(&DemuxSetup { carried, ..setup }, second);
    format!("{}, {waiting} waiting, tail {held:016x}, {}", outcome(&one), outcome(&two))
}

fn record(setup: &DemuxSetup, bytes: &[u8], out: &mut String) {
    let mut line = |name: String, found: String| writeln!(out, "  {name}: {found}").expect("a String takes all text");
    line("whole".to_owned(), outcome(&read(setup, bytes)));
    let place = |index: usize| index * bytes.len() / PLACES;
    for index in 1..PLACES {
        let (first, second) = bytes.split_at(place(index));
        line(format!("cut at {}", first.len()), read_two(setup, first, second, true));
        line(format!("begun at {}", first.len()), outcome(&read(setup, second)));
    }
    // Packets and boxes that are whole.
    for cut in (188..bytes.len()).step_by(188 * 3) {
        line(format!("cut at packet {}", cut / 188), read_two(setup, &bytes[..cut], &bytes[cut..], true));
    }
    line("twice".to_owned(), read_two(setup, bytes, bytes, true));
    line("twice, apart".to_owned(), read_two(setup, bytes, bytes, false));
    for index in 0..PLACES * 2 {
        let at = index * bytes.len() / (PLACES * 2);
        for value in [0x00, 0xff, bytes[at] ^ 0x10] {
            let mut damaged = bytes.to_vec();
            damaged[at] = value;
            line(format!("{value:#04x} at {at}"), outcome(&read(setup, &damaged)));
        }
    }
}

fn files(corpus: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(corpus);
    let entries = std::fs::read_dir(&folder).expect("the corpus is committed");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder can be listed").path()).collect();
    paths.sort();
    paths
}

/// `KINORA_RECORD=1` writes the record anew, to be read as a diff.
#[test]
fn media_that_is_cut_or_damaged_gives_what_is_on_record() {
    let mut found = String::new();
    for (corpus, format) in CORPORA {
        for path in files(corpus) {
            let bytes = std::fs::read(&path).expect("a file of the corpus can be read");
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let key = SampleKey { key_id: [7; 16], iv: [9; 16] };
            for key in [None, Some(key)].into_iter().take(if name.contains("aes") { 2 } else { 1 }) {
                let setup = DemuxSetup { sample_key: key, captions: true, ..DemuxSetup::new(format, None) };
                let with = if setup.sample_key.is_some() { ", with a key" } else { "" };
                writeln!(found, "{corpus}/{name} as {format:?}{with}").expect("a String takes all text");
                // The first byte is for the fuzz target.
                record(&setup, bytes.get(1..).unwrap_or_default(), &mut found);
            }
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/damaged.txt");
    compare(&path, &found);
}

/// The first bytes of each file hold its headers and tables: one of them is changed at a time. The record in
/// `fuzz/changed-media.txt` holds digests.
#[test]
fn headers_that_are_changed_in_one_byte_give_what_is_on_record() {
    let mut found = String::new();
    for (corpus, format) in CORPORA {
        for path in files(corpus) {
            let bytes = std::fs::read(&path).expect("a file of the corpus can be read");
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let bytes = bytes.get(1..).unwrap_or_default();
            let (head, rest) = bytes.split_at(bytes.len().min(HEAD));
            let setup = DemuxSetup { captions: true, ..DemuxSetup::new(format, None) };
            let all = |head: &[u8]| {
                let (outputs, error) = read(&setup, &[head, rest].concat());
                (digest(&outputs), error)
            };
            found.push_str(&bytes_record(&format!("{corpus}/{name} as {format:?}"), head, HEAD / 2, all));
        }
    }
    compare(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/changed-media.txt"), &found);
}
