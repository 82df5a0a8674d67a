//! Every file of the fuzz corpora, through the function of its target: what a fuzzer once found stays found.

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::path::Path;

fn replay(corpus: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(corpus);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect("the corpus is committed") {
        let path = entry.expect("a folder can be listed").path();
        target(&std::fs::read(&path).expect("a file of the corpus can be read"));
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
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
fn captions() {
    replay("captions", targets::captions);
}

#[test]
fn mpd() {
    replay("mpd", targets::mpd);
}
