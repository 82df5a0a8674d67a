//! Subtitles and captions with one thing changed, many times over, compared with a record.

use std::path::{Path, PathBuf};

use super::captions::{CaptionDecoder, CaptionScout};
use super::{Cue, describe, read};
use crate::model::CaptionService;
use crate::sim::record::{bytes_record, compare, variants_record};
use crate::time::MediaTime;

const SUBRIP: &str = "1\n00:00:01,000 --> 00:00:02,500\nHello <i>there</i>, <b>you</b>\n\n2\n00:00:03,000 --> 00:00:04,000 X1:10\n\
                      <font color=\"#ff0000\">red</font>\n{\\an8}on top\n\n3\n01:00:05.5 --> 01:00:06\n<u>last</u>\n";

fn corpus(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries = std::fs::read_dir(folder).expect("the corpus is committed");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder can be listed").path()).collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The record in `fuzz/changed-text.txt` holds digests, by the kind of change.
#[test]
fn subtitles_that_are_changed_in_one_place_give_what_is_on_record() {
    let all = |text: &str| read(text.as_bytes()).map(|file| (file, describe(text.as_bytes())));
    let mut found = variants_record("subrip", SUBRIP, 100, all);
    for path in ["ttml", "webvtt"].into_iter().flat_map(corpus) {
        let text = std::fs::read_to_string(&path).expect("a file of the corpus can be read");
        found.push_str(&variants_record(&name_of(&path), &text, 100, all));
    }
    compare(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/changed-text.txt"), &found);
}

/// Returns the cues of every service and what each shows after each picture.
fn decode(triples: &[u8]) -> (Vec<Cue>, Vec<Vec<String>>, CaptionScout) {
    let services = (1..=4).map(CaptionService::Cea608).chain([1, 2, 63].map(CaptionService::Cea708));
    let mut decoders: Vec<CaptionDecoder> = services.map(CaptionDecoder::new).collect();
    let (mut scout, mut cues, mut shown) = (CaptionScout::default(), Vec::new(), Vec::new());
    for (picture, triples) in triples.chunks(18).enumerate() {
        scout.push(triples);
        for decoder in &mut decoders {
            decoder.push(MediaTime::from_millis(picture as i64 * 40), triples, &mut cues);
            shown.push(decoder.shown().iter().map(Cue::plain_text).collect());
        }
    }
    (cues, shown, scout)
}

/// The record in `fuzz/changed-captions.txt` holds digests of every place of a file with another value.
#[test]
fn captions_that_are_changed_in_one_place_give_what_is_on_record() {
    let mut found = String::new();
    for path in corpus("captions").into_iter().filter(|path| name_of(path).starts_with("triples")) {
        let data = std::fs::read(&path).expect("a file of the corpus can be read");
        // The first byte is for the fuzz target.
        let data = data.get(1..).unwrap_or_default();
        found.push_str(&bytes_record(&name_of(&path), data, 400, decode));
    }
    compare(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/changed-captions.txt"), &found);
}
