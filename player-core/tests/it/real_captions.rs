//! Captions of real files against what FFmpeg's decoder reads from them
//! (`ffmpeg -f lavfi -i "movie=FILE[out+subcc]" -map 0:1 -f ass -`).

use std::path::{Path, PathBuf};

use player_core::MediaTime;
use player_core::container::{DemuxOutput, DemuxSetup, open};
use player_core::model::{CaptionService, ContainerFormat, MediaKind};
use player_core::text::captions::{CaptionDecoder, CaptionScout};
use player_core::text::{Cue, LinePosition};

/// Material from outside the repository; reports its absence, and the test is skipped.
fn material(test: &str, file: &str) -> Option<PathBuf> {
    let kit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/public/files");
    let path = kit.join(file);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped {test}: the conformance kit is not beside the repository");
    None
}

/// The cues of a service, in time since the first picture as FFmpeg counts it, and the services that were heard.
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
    let (mut first, mut last) = (MediaTime::MAX, MediaTime::from_nanos(i64::MIN));
    let mut pictures = 0;
    for output in outputs {
        let packets = match output {
            DemuxOutput::Init(init) => {
                pictures = init.tracks.iter().find(|track| track.kind == MediaKind::Video).map_or(0, |track| track.id);
                continue;
            }
            DemuxOutput::Fragment(fragment) if fragment.track == pictures => {
                first = fragment.samples.iter().map(|sample| sample.pts).fold(first, MediaTime::min);
                continue;
            }
            DemuxOutput::Captions(packets) => packets,
            DemuxOutput::Fragment(_)
            | DemuxOutput::Protection(_)
            | DemuxOutput::Cues { .. }
            | DemuxOutput::Metadata(_)
            | DemuxOutput::Damage(_)
            | DemuxOutput::Tail(_) => continue,
        };
        for packet in packets {
            assert!(packet.pts > last, "captions come in the order of presentation");
            last = packet.pts;
            scout.push(&packet.triples);
            decoder.push(packet.pts, &packet.triples, &mut cues);
        }
    }
    cues.extend_from_slice(decoder.shown());
    for cue in &mut cues {
        cue.start = cue.start.shifted(-first.as_nanos());
        cue.end = if cue.end == MediaTime::MAX { cue.end } else { cue.end.shifted(-first.as_nanos()) };
    }
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
    for file in ["mp4/fragmented_captions.mp4", "dash/captions_h265/fragmented_captions_h265.mp4"] {
        let Some(path) = material("real_captions", &format!("{MEDIA3}/{file}")) else { return };
        let (cues, found) = read(&path, CaptionService::Cea608(1));
        check(&cues, &[(1869, 2509, "♪MUSIC♪")]);
        assert!(found.contains(&CaptionService::Cea608(1)), "{found:?}");
        // Row 15.
        assert_eq!(cues[0].layout.line, LinePosition::Percent(90.0));
    }
}

#[test]
fn the_same_two_captions_in_mp4_and_in_a_transport_stream() {
    for file in ["dash/cea608/sd-dash0000000000.m4s", "hls/cea608/sd-hls0000000000.ts"] {
        let Some(path) = material("real_captions", &format!("{MEDIA3}/{file}")) else { return };
        let (cues, found) = read(&path, CaptionService::Cea608(1));
        check(&cues, &[(0, 880, "First subtitle"), (1170, 1460, "Second subtitle")]);
        assert_eq!(found, [CaptionService::Cea608(1)]);
        assert_eq!((cues[0].layout.line, cues[0].layout.position), (LinePosition::Percent(10.0), Some(10.0)));
    }
}

#[test]
fn a_transport_stream_with_reordered_pictures() {
    let file = "shaka-project+shaka-player/test/test/assets/hls-ts-h264/fileSequence1.ts";
    let Some(path) = material("real_captions", file) else { return };
    let (cues, _) = read(&path, CaptionService::Cea608(1));
    let expected: Vec<(i64, i64, &str)> = (0..6)
        .map(|index| (600 + index * 1000, 1500 + index * 1000, if index % 2 == 0 { "Bop!" } else { "Bip!" }))
        .collect();
    check(&cues, &expected);
}
