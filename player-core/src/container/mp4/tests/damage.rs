//! Damaged, lying and foreign data: a typed error with its place, never a panic, never a hang.

use bytes::Bytes;
use proptest::prelude::*;

use super::super::testmux::{self, TestCodec, TestTrack, boxed, full};
use super::super::{describe, sidx};
use super::{AUDIO, VIDEO, read, samples};
use crate::container::{DemuxError, DemuxOutput, demuxer, describe_samples, read_init};
use crate::model::ContainerFormat;

fn file() -> Bytes {
    let mut file = testmux::init(&[VIDEO, AUDIO]).to_vec();
    file.extend(testmux::segment(1, 1, 0, &[(512, 900, true, 1024), (512, 300, false, -512), (512, 0, false, 0)]));
    file.extend(testmux::segment(2, 2, 0, &[(1024, 200, true, 0); 9]));
    file.into()
}

#[test]
fn a_file_that_ends_early_says_so_and_keeps_what_was_complete() {
    let file = file();
    let init_length = testmux::init(&[VIDEO, AUDIO]).len();
    let boundaries = [20, init_length, file.len() - 9 * 200 - 8, file.len()];
    for length in 1..file.len() {
        let mut demuxer = demuxer(ContainerFormat::Fmp4, None).unwrap();
        let outputs = demuxer.push(file.slice(..length)).unwrap();
        match demuxer.finish() {
            Err(DemuxError::Truncated { .. }) => {}
            Ok(rest) => {
                assert!(rest.is_empty());
                // Only between two boxes, when all announced samples have arrived.
                let media_ends = length == init_length || samples(&outputs, 1).len() == 3;
                assert!(boundaries.contains(&length) || media_ends, "cut at {length}");
            }
            Err(other) => panic!("cut at {length}: {other}"),
        }
        if length >= file.len() - 200 {
            assert_eq!(samples(&outputs, 2).len(), 8, "cut at {length}");
        }
    }
}

#[test]
fn lies_about_sizes_and_places_are_found() {
    let init = read_init(testmux::init(&[VIDEO])).unwrap();
    let segment = testmux::segment(1, 1, 0, &[(512, 900, true, 0)]);
    let at = |name: &[u8; 4]| segment.windows(4).position(|window| window == name).unwrap();
    let broken = |place: usize, word: u32| {
        let mut bytes = segment.to_vec();
        bytes[place..place + 4].copy_from_slice(&word.to_be_bytes());
        read(Some(&init), &bytes.into(), 4096).unwrap_err()
    };
    let malformed = |error: DemuxError| matches!(error, DemuxError::Malformed { .. });
    assert!(malformed(broken(at(b"trun") - 4, 3)), "a box smaller than its header");
    assert!(malformed(broken(at(b"trun") - 4, 3000)), "a box larger than what holds it");
    assert!(malformed(broken(at(b"trun") + 8, 60_000)), "more samples than records");
    assert!(matches!(broken(at(b"trun") + 8, u32::MAX), DemuxError::Limit { .. }), "samples without end");
    assert!(malformed(broken(at(b"trun") + 12, 3)), "data inside the fragment");
    assert!(malformed(broken(at(b"trun") + 12, 0x8000_0000)), "data before the file");
    assert!(malformed(broken(at(b"trun") + 20, 901)), "a sample larger than its data");
    assert!(malformed(broken(at(b"mdat") - 4, 100)), "media data smaller than its samples");
    assert!(malformed(broken(0, 0)), "a fragment without size");
    let free = full(b"trun", 0, 0, &60_000u32.to_be_bytes());
    let traf = [full(b"tfhd", 0, 0x2_0000, &1u32.to_be_bytes()), free].concat();
    let moof = boxed(b"moof", &boxed(b"traf", &traf));
    assert!(matches!(read(Some(&init), &moof.into(), 99), Err(DemuxError::Limit { .. })), "samples out of nothing");
}

#[test]
fn errors_carry_the_place_in_the_file() {
    let mut file = testmux::init(&[VIDEO]).to_vec();
    let length = file.len() as u64;
    file.extend(boxed(b"moof", &boxed(b"traf", b"")));
    let error = read(None, &file.into(), 7).unwrap_err();
    let expected = DemuxError::Malformed { what: "box 'traf' without box 'tfhd'".to_owned(), offset: length + 16 };
    assert_eq!(error, expected);
}

#[test]
fn foreign_data_is_named() {
    for (bytes, expected) in [
        (&b"<!DOCTYPE html><html><head><title>404</title></head><body>Not Found</body></html>"[..], "an HTML page"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\n", "an HLS playlist"),
        (b"{\"error\": 1, \"message\": \"nothing here\"}", "a JSON document"),
        (b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "an XML document"),
        (&[0; 100], "unknown data"),
        (b"WEBVTT\n\n", "WebVTT text"),
    ] {
        let error = read(None, &Bytes::copy_from_slice(bytes), 5).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(read_init(Bytes::copy_from_slice(bytes)).unwrap_err().to_string().contains(expected));
    }
    let unsupported = |bytes: &[u8]| {
        let mut demuxer = demuxer(ContainerFormat::Unknown, None).unwrap();
        demuxer.push(Bytes::copy_from_slice(bytes)).and_then(|_| demuxer.finish()).unwrap_err()
    };
    assert_eq!(unsupported(b"\x1a\x45\xdf\xa3"), DemuxError::Unsupported { feature: "WebM".to_owned() });
    let empty = DemuxError::Truncated { what: "an empty file".to_owned(), offset: 0 };
    assert_eq!((unsupported(b""), read(None, &Bytes::new(), 1).unwrap_err()), (empty.clone(), empty));
}

#[test]
fn text_formats_in_mp4_that_are_not_built_are_named() {
    let init = testmux::init(&[TestTrack::new(1, 1000, TestCodec::WebVtt)]);
    let mut bytes = init.to_vec();
    let at = bytes.windows(4).position(|window| window == b"wvtt").unwrap();
    bytes[at..at + 4].copy_from_slice(b"tx3g");
    bytes.extend(testmux::segment(1, 1, 0, &[(1000, 5, true, 0)]));
    let error = read(None, &bytes.into(), 4096).unwrap_err();
    assert_eq!(error, DemuxError::Unsupported { feature: "text in MP4 coded as 'tx3g'".to_owned() });
}

#[test]
fn media_needs_initialisation_data() {
    let segment = testmux::segment(1, 1, 0, &[(512, 9, true, 0)]);
    assert_eq!(read(None, &segment, 8), Err(DemuxError::NoInit));
    for format in [ContainerFormat::WebM, ContainerFormat::Image] {
        assert!(matches!(demuxer(format, None), Err(DemuxError::Unsupported { .. })));
    }
}

/// Outputs before the error, and the error.
fn outcome(bytes: &Bytes, size: usize) -> (Vec<DemuxOutput>, Option<DemuxError>) {
    let mut demuxer = demuxer(ContainerFormat::Unknown, None).unwrap();
    let mut outputs = Vec::new();
    for start in (0..bytes.len()).step_by(size) {
        match demuxer.push(bytes.slice(start..bytes.len().min(start + size))) {
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 8 / 5))]

    #[test]
    fn any_bytes_end_in_a_verdict(bytes in prop::collection::vec(any::<u8>(), 0..600), size in 1usize..700) {
        let bytes = Bytes::from(bytes);
        let (_, error) = outcome(&bytes, size);
        prop_assert!(error.is_some() || !bytes.is_empty());
        let _ = read_init(bytes.clone());
        let _ = sidx::read(&bytes, 7);
        let _ = describe_samples(&bytes);
    }

    #[test]
    fn mutations_end_in_the_same_verdict_however_they_arrive(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        size in 1usize..500,
    ) {
        let mut bytes = file().to_vec();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        bytes.truncate(bytes.len() - cut.index(64));
        let bytes = Bytes::from(bytes);
        let (whole, pieces) = (outcome(&bytes, bytes.len()), outcome(&bytes, size));
        prop_assert_eq!(&whole.1, &pieces.1);
        if whole.1.is_none() {
            for track in [1, 2] {
                prop_assert_eq!(samples(&whole.0, track), samples(&pieces.0, track));
            }
        }
        let _ = describe(&bytes);
    }
}
