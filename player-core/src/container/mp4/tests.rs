//! The reader against the test muxer, and damage of every kind.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use bytes::Bytes;

use super::testmux::{self, TestCodec, TestTrack};
use crate::container::{Codec, DemuxOutput, Sample, demuxer, read_init};
use crate::model::{ContainerFormat, MediaKind};

const VIDEO: TestTrack = TestTrack::new(1, 12_800, TestCodec::H264 { width: 640, height: 360 });

fn all_samples(outputs: &[DemuxOutput]) -> Vec<Sample> {
    let fragments = outputs.iter().filter_map(|output| match output {
        DemuxOutput::Fragment(fragment) => Some(fragment.samples.clone()),
        _ => None,
    });
    fragments.flatten().collect()
}

#[test]
fn initialisation_data_says_what_the_decoder_needs() {
    let audio = TestTrack {
        language: *b"deu",
        ..TestTrack::new(2, 48_000, TestCodec::Aac { sample_rate: 48_000, channels: 2 })
    };
    let init = read_init(testmux::init(&[VIDEO, audio])).unwrap();
    let [video, audio] = &init.tracks[..] else { panic!("two tracks: {init:?}") };
    assert_eq!((video.id, video.kind, video.timescale), (1, MediaKind::Video, 12_800));
    assert_eq!(video.config.codec_string, "avc1.4D401F");
    assert_eq!((video.config.width, video.config.height), (Some(640), Some(360)));
    assert_eq!((audio.config.codec_string.as_str(), audio.language.as_deref()), ("mp4a.40.2", Some("deu")));
    assert_eq!(audio.config.codec, Codec::Aac { asc: Bytes::from_static(&[0x11, 0x90]) });
    assert_eq!((audio.config.sample_rate, audio.config.channels), (Some(48_000), Some(2)));
}

#[test]
fn pieces_of_any_size_give_the_same_samples() {
    let init = read_init(testmux::init(&[VIDEO])).unwrap();
    let spec = [(512, 4000, true, 1024), (512, 0, false, 2048), (512, 700, false, -512), (512, 1, false, 0)];
    let segment = testmux::segment(1, 9, 12_800 * 4, &spec);
    let mut expected = None;
    for size in [1, 2, 3, 7, 97, 1021, 4099, segment.len()] {
        let mut demuxer = demuxer(ContainerFormat::Fmp4, Some(&init)).unwrap();
        let mut outputs = Vec::new();
        for start in (0..segment.len()).step_by(size) {
            outputs.extend(demuxer.push(segment.slice(start..segment.len().min(start + size))).unwrap());
        }
        outputs.extend(demuxer.finish().unwrap());
        let samples = all_samples(&outputs);
        assert_eq!(samples.len(), spec.len());
        assert_eq!(samples[0].pts.as_nanos(), 4_080_000_000);
        assert_eq!(samples[2].pts.as_nanos(), 4_040_000_000);
        assert_eq!(samples[1].duration, Duration::from_millis(40));
        assert!(samples[0].key && !samples[1].key);
        for (index, sample) in samples.iter().enumerate() {
            assert_eq!(sample.payload.0, testmux::payload(1, 9, index, spec[index].1));
        }
        assert_eq!(expected.get_or_insert_with(|| samples.clone()), &samples, "pieces of {size} bytes");
    }
}
