//! Captions of real files against what FFmpeg's decoder reads from them
//! (`ffmpeg -f lavfi -i "movie=FILE[out+subcc]" -map 0:1 -f ass -`).

use std::path::{Path, PathBuf};

use player_core::MediaTime;
use player_core::container::{DemuxOutput, DemuxSetup, open};
use player_core::model::{CaptionService, ContainerFormat};
use player_core::text::captions::{CaptionDecoder, CaptionScout};
use player_core::text::{Cue, LinePosition};

/// Material from outside the repository; says why and is skipped when it is absent.
fn material(test: &str, file: &str) -> Option<PathBuf> {
    let kit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/public/files");
    let path = kit.join(file);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped {test}: the conformance kit is not beside the repository");
    None
}

/// The cues of a service, and the services that were heard.
fn read(path: &Path, service: CaptionService) -> (Vec<Cue>, Vec<CaptionService>) {
    let setup = DemuxSetup { captions: true, ..DemuxSetup::new(ContainerFormat::Unknown, None) };
    let mut demuxer = open(&setup).expect("a format that is built");
    let bytes = std::fs::read(path).expect("a file that can be read");
    let mut outputs = Vec::new();
    for piece in bytes.chunks(16_384) {
        outputs.extend(demuxer.push(piece.to_vec().into()).expect("good media"));
    }
    outputs.extend(demuxer.finish().expect("good media"));
    let (mut decoder, mut scout, mut cues) = (CaptionDecoder::new(service), CaptionScout::default(), Vec::new());
    let mut last = MediaTime::from_nanos(i64::MIN);
    for output in outputs {
        let DemuxOutput::Captions(packets) = output else { continue };
        for packet in packets {
            assert!(packet.pts > last, "captions come in the order of presentation");
            last = packet.pts;
            scout.push(&packet.triples);
            decoder.push(packet.pts, &packet.triples, &mut cues);
        }
    }
    cues.extend_from_slice(decoder.shown());
    (cues, scout.found().collect())
}

/// Begin, end (the open one is left out) and text.
#[track_caller]
fn check(cues: &[Cue], expected: &[(i64, i64, &str)]) {
    let near = |time: MediaTime, millis: i64| (time.as_nanos() / 1_000_000).abs_diff(millis) <= 45;
    assert_eq!(cues.len(), expected.len(), "{cues:?}");
    for (cue, (start, end, text)) in cues.iter().zip(expected) {
        assert_eq!(cue.plain_text(), *text);
        assert!(near(cue.start, *start) && (cue.end == MediaTime::MAX || near(cue.end, *end)), "{cue:?}");
    }
}

const MEDIA3: &str = "androidx+media/libraries/test_data/src/test/assets/media";

#[test]
fn h264_and_h265_in_fragmented_files() {
    // FFmpeg counts from the first picture, which the second file presents 67 ms after the media's zero.
    let files = [("mp4/fragmented_captions.mp4", 0), ("dash/captions_h265/fragmented_captions_h265.mp4", 67)];
    for (file, first) in files {
        let Some(path) = material("real_captions", &format!("{MEDIA3}/{file}")) else { return };
        let (cues, found) = read(&path, CaptionService::Cea608(1));
        check(&cues, &[(1869 + first, 2509 + first, "♪MUSIC♪")]);
        assert!(found.contains(&CaptionService::Cea608(1)), "{found:?}");
        // Row 15.
        assert_eq!(cues[0].layout.line, LinePosition::Percent(90.0));
    }
}

#[test]
fn a_dash_segment_with_two_captions_at_the_top() {
    let path = format!("{MEDIA3}/dash/cea608/sd-dash0000000000.m4s");
    let Some(path) = material("real_captions", &path) else { return };
    let (cues, found) = read(&path, CaptionService::Cea608(1));
    check(&cues, &[(0, 880, "First subtitle"), (1170, 1460, "Second subtitle")]);
    assert_eq!(found, [CaptionService::Cea608(1)]);
    assert_eq!((cues[0].layout.line, cues[0].layout.position), (LinePosition::Percent(10.0), Some(10.0)));
}
