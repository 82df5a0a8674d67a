//! Codec records, field by field: configurations of audio, and the codec strings that they give.

use bytes::Bytes;

use super::super::audio_config::{self, Shape};
use super::super::testmux::full;
use crate::container::{Codec, DemuxError};
use crate::model::MediaKind;

/// Bytes of fields, each a value and its width in bits, filled up with zeros.
fn packed(fields: &[(u32, u32)]) -> Bytes {
    let bits: u32 = fields.iter().map(|(_, width)| width).sum();
    let mut out = vec![0_u8; bits.div_ceil(8) as usize];
    let mut at = 0;
    for (value, width) in fields {
        for bit in (0..*width).rev() {
            out[at / 8] |= ((value >> bit & 1) as u8) << (7 - at % 8);
            at += 1;
        }
    }
    out.into()
}

/// String, rate and channels of a configuration of AAC.
fn aac(fields: &[(u32, u32)]) -> Option<(String, Option<u32>, Option<u32>)> {
    let (_, string, shape) = audio_config::aac(packed(fields), 0x40)?;
    Some((string, shape.sample_rate, shape.channels))
}

fn described(string: &str, rate: u32, channels: u32) -> Option<(String, Option<u32>, Option<u32>)> {
    Some((string.to_owned(), Some(rate), Some(channels)))
}

#[test]
fn configurations_of_aac_tell_rate_and_channels() {
    for (configuration, channels) in [(1, 1), (2, 2), (5, 5), (6, 6), (7, 8), (11, 7), (12, 8), (14, 8)] {
        assert_eq!(aac(&[(2, 5), (3, 4), (configuration, 4), (0, 3)]), described("mp4a.40.2", 48_000, channels));
    }
    for reserved in [0, 8, 9, 10, 13, 15] {
        let found = aac(&[(2, 5), (3, 4), (reserved, 4), (0, 3)]).map(|(_, _, channels)| channels);
        assert_eq!(found, Some(None), "{reserved}");
    }
    assert_eq!(aac(&[(2, 5), (15, 4), (12_345, 24), (2, 4), (0, 3)]), described("mp4a.40.2", 12_345, 2));
    assert_eq!(aac(&[(2, 5), (15, 4), (0, 24), (2, 4)]).map(|found| found.1), Some(None));
    assert_eq!(aac(&[(2, 5), (13, 4), (2, 4)]).map(|found| found.1), Some(None), "a reserved index");
    assert_eq!(aac(&[(2, 5), (3, 3)]), None, "it ends early");
    // Explicit replication: the rate of the extension counts; parametric stereo makes one channel two.
    assert_eq!(aac(&[(5, 5), (6, 4), (2, 4), (3, 4), (2, 5)]), described("mp4a.40.5", 48_000, 2));
    assert_eq!(aac(&[(29, 5), (6, 4), (1, 4), (3, 4), (2, 5)]), described("mp4a.40.29", 48_000, 2));
    assert_eq!(aac(&[(29, 5), (6, 4), (6, 4), (3, 4), (2, 5)]), described("mp4a.40.29", 48_000, 6));
    // An object type beyond thirty-one.
    assert_eq!(aac(&[(31, 5), (10, 6), (3, 4), (2, 4)]), described("mp4a.40.42", 48_000, 2));
}

#[test]
fn replication_signalled_after_a_configuration_doubles_its_rate() {
    let implicit = |core: &[(u32, u32)], tail: &[(u32, u32)]| {
        let head = [(2, 5), (6, 4), (1, 4), (0, 1)];
        aac(&[&head[..], core, &[(0, 1)], tail].concat())
    };
    let extension = [(0x2b7, 11), (5, 5), (1, 1), (3, 4)];
    let plain = described("mp4a.40.2", 24_000, 1);
    assert_eq!(implicit(&[(0, 1)], &extension), described("mp4a.40.2", 48_000, 1));
    assert_eq!(
        implicit(&[(1, 1), (9, 14)], &extension),
        described("mp4a.40.2", 48_000, 1),
        "behind the delay of a core coder"
    );
    let stereo = [&extension[..], &[(0x548, 11), (1, 1)]].concat();
    assert_eq!(implicit(&[(0, 1)], &stereo), described("mp4a.40.2", 48_000, 2));
    let absent = [&extension[..], &[(0x548, 11), (0, 1)]].concat();
    assert_eq!(implicit(&[(0, 1)], &absent), described("mp4a.40.2", 48_000, 1));
    assert_eq!(implicit(&[(0, 1)], &[(0x2b7, 11), (5, 5), (0, 1)]), plain, "not present");
    assert_eq!(implicit(&[(0, 1)], &[(0x2b6, 11), (5, 5), (1, 1), (3, 4)]), plain, "another word");
    assert_eq!(implicit(&[(0, 1)], &[(0x2b7, 11), (22, 5), (1, 1), (3, 4)]), plain, "another extension");
}

#[test]
fn object_types_choose_the_codec() {
    let codec = |kind: u32| {
        let escape: Vec<(u32, u32)> = if kind > 31 { vec![(31, 5), (kind - 32, 6)] } else { vec![(kind, 5)] };
        audio_config::aac(packed(&[&escape[..], &[(3, 4), (2, 4), (3, 4), (2, 5)]].concat()), 0x67)
            .map(|found| (found.0, found.1))
    };
    for kind in [1, 2, 3, 4, 5, 6, 17, 19, 20, 22, 23, 39, 42] {
        let found = codec(kind);
        assert!(matches!(&found, Some((Codec::Aac { .. }, string)) if string == "mp4a.67"), "{kind}: {found:?}");
    }
    assert_eq!(codec(34).map(|found| found.0), Some(Codec::Mp3));
    for kind in [7, 16, 18, 21, 33, 36, 41] {
        assert_eq!(codec(kind).map(|found| found.0), Some(Codec::Other(*b"mp4a")), "{kind}");
    }
}

/// The codec of an audio entry whose `esds` has this content.
fn elementary(content: &[u8]) -> Result<(Codec, String), DemuxError> {
    let file = full(b"esds", 0, 0, content);
    let body = super::super::boxes::BoxBody { kind: *b"esds", bytes: &file[8..], offset: 8 };
    audio_config::esds(&body).map(|(codec, string, _)| (codec, string))
}

#[test]
fn elementary_stream_descriptors_may_carry_optional_fields_and_long_lengths() {
    let decoder = |object: u8, tail: &[u8]| [&[4, (13 + tail.len()) as u8, object][..], &[0; 12], tail].concat();
    let asc = [5, 2, 0x11, 0x90];
    let stream = |flags: u8, fields: &[u8], rest: &[u8]| {
        [&[3, (3 + fields.len() + rest.len()) as u8, 0, 1, flags][..], fields, rest].concat()
    };
    let expected = Ok((Codec::Aac { asc: Bytes::from_static(&[0x11, 0x90]) }, "mp4a.40.2".to_owned()));
    let aac = decoder(0x40, &asc);
    assert_eq!(elementary(&stream(0, &[], &aac)), expected);
    assert_eq!(elementary(&stream(0x80, &[9, 9], &aac)), expected, "depends on another stream");
    assert_eq!(elementary(&stream(0x40, &[3, b'u', b'r', b'l'], &aac)), expected, "an address");
    assert_eq!(elementary(&stream(0x20, &[9, 9], &aac)), expected, "a clock of another stream");
    assert_eq!(elementary(&stream(0xe0, &[9, 9, 1, b'u', 9, 9], &aac)), expected);
    assert_eq!(elementary(&stream(0, &[], &[&[6, 1, 2][..], &aac].concat())), expected, "another descriptor before it");
    let long = [&[3, 0x80, 0x80, 0x80, (3 + aac.len()) as u8, 0, 1, 0][..], &aac].concat();
    assert_eq!(elementary(&long), expected);
    let too_long = [&[3, 0x81, 0x7f, 0, 1, 0][..], &aac].concat();
    assert_eq!(elementary(&too_long), expected, "a length that counts too much");
    for (object, codec, string) in [
        (0x69, Codec::Mp3, "mp4a.69"),
        (0x6b, Codec::Mp3, "mp4a.6B"),
        (0xa5, Codec::Ac3, "ac-3"),
        (0xa6, Codec::Eac3, "ec-3"),
        (0xa9, Codec::Other(*b"mp4a"), "mp4a.A9"),
    ] {
        assert_eq!(elementary(&stream(0, &[], &decoder(object, &[]))), Ok((codec, string.to_owned())));
    }
    for damaged in [
        stream(0, &[], &[]),
        stream(0, &[], &decoder(0x40, &[])),
        vec![9, 0],
        stream(0, &[], &decoder(0x40, &[5, 1, 0])),
    ] {
        assert!(matches!(elementary(&damaged), Err(DemuxError::Malformed { .. })), "{damaged:?}");
    }
}

#[test]
fn records_of_other_codecs_tell_their_shape() {
    let body = |bytes: &'static [u8]| super::super::boxes::BoxBody { kind: *b"xxxx", bytes, offset: 0 };
    let shape = |rate: u32, channels: u32| Shape { sample_rate: Some(rate), channels: Some(channels) };
    assert_eq!(audio_config::dac3(&body(&[0x10, 0x3d, 0xe0])), shape(48_000, 6));
    assert_eq!(audio_config::dac3(&body(&[0x50, 0x0a, 0x00])), shape(44_100, 1));
    assert_eq!(audio_config::dac3(&body(&[0x50])), Shape::default());
    assert_eq!(audio_config::dec3(&body(&[0, 0, 0x20, 0x0f, 0])), shape(48_000, 6));
    assert_eq!(audio_config::dec3(&body(&[0, 0, 0xa0, 0x04, 0])), shape(32_000, 2));
    assert_eq!(audio_config::opus(&body(&[0, 6, 0, 0])).2, shape(48_000, 6));
    assert_eq!(audio_config::opus(&body(&[0, 0])).2.channels, None);
    let flac = |rate: u32, channels: u32| {
        let info = packed(&[
            (0x8000_0022, 32),
            (4096, 16),
            (4096, 16),
            (0, 24),
            (0, 24),
            (rate, 20),
            (channels - 1, 3),
            (0, 9),
        ]);
        let bytes = [&[0; 4][..], &info].concat();
        let body = super::super::boxes::BoxBody { kind: *b"dfLa", bytes: &bytes, offset: 0 };
        audio_config::flac(&body).map(|found| found.2)
    };
    assert_eq!(flac(96_000, 8), Ok(shape(96_000, 8)));
    assert_eq!(flac(0, 1), Ok(Shape { sample_rate: None, channels: Some(1) }));
    let cut = super::super::boxes::BoxBody { kind: *b"dfLa", bytes: &[0; 12], offset: 0 };
    assert!(matches!(audio_config::flac(&cut), Err(DemuxError::Malformed { .. })));
}

#[test]
fn codec_strings_follow_their_records() {
    use super::super::codec_string::video;
    let bytes = |bytes: &'static [u8]| Bytes::from_static(bytes);
    let av1 = |first: u8, second: u8| {
        video(&Codec::Av1 { av1c: Bytes::copy_from_slice(&[0x81, first, second, 0]) }, *b"av01")
    };
    assert_eq!(av1(0x08, 0x00).as_deref(), Some("av01.0.08M.08"));
    assert_eq!(av1(0x2d, 0xc0).as_deref(), Some("av01.1.13H.10"));
    assert_eq!(av1(0x5f, 0x60).as_deref(), Some("av01.2.31M.12"));
    assert_eq!(av1(0x08, 0x20).as_deref(), Some("av01.0.08M.08"), "twelve bits need the other flag too");
    assert_eq!(video(&Codec::Av1 { av1c: bytes(&[0x81, 8]) }, *b"av01"), None);
    assert_eq!(video(&Codec::Vp9 { vpcc: bytes(&[2, 41, 0xa2]) }, *b"vp09").as_deref(), Some("vp09.02.41.10"));
    assert_eq!(video(&Codec::Vp9 { vpcc: bytes(&[2, 41]) }, *b"vp09"), None);
    assert_eq!(
        video(&Codec::H264 { avcc: bytes(&[1, 0x64, 0, 0x0a]), in_band: true }, *b"avc3").as_deref(),
        Some("avc3.64000A")
    );
    assert_eq!(video(&Codec::Other(*b"vvc1"), *b"vvc1").as_deref(), Some("vvc1"));
    let hevc = |profile: u8, constraints: [u8; 6]| {
        let record = [&[1, profile, 0x60, 0, 0, 0][..], &constraints, &[93]].concat();
        video(&Codec::H265 { hvcc: record.into(), in_band: false }, *b"hvc1")
    };
    assert_eq!(hevc(0x01, [0x90, 0, 0, 0, 0, 0]).as_deref(), Some("hvc1.1.6.L93.90"));
    assert_eq!(hevc(0x62, [0; 6]).as_deref(), Some("hvc1.A2.6.H93"));
    assert_eq!(hevc(0x84, [0, 1, 0, 0, 0, 0xb0]).as_deref(), Some("hvc1.B4.6.L93.0.1.0.0.0.B0"));
    assert_eq!(hevc(0xdf, [0; 6]).as_deref(), Some("hvc1.C31.6.L93"));
}

#[test]
fn parameter_sets_may_stand_in_the_samples_where_the_entry_says_so() {
    use super::super::boxes::BoxBody;
    use super::super::{entry, testmux::boxed};
    let record = [&[1, 1, 0x60, 0, 0, 0][..], &[0x90, 0, 0, 0, 0, 0], &[93]].concat();
    for (kind, in_band) in [(b"hvc1", false), (b"hev1", true)] {
        let fields = [&[0; 24][..], &[0, 16, 0, 9], &[0; 50], &boxed(b"hvcC", &record)].concat();
        let content = [&[0, 0, 0, 0, 0, 0, 0, 1][..], &boxed(kind, &fields)].concat();
        let stsd = BoxBody { kind: *b"stsd", bytes: &content, offset: 0 };
        let config = entry::read_all(&stsd, MediaKind::Video, 0).expect("one entry").remove(0).config;
        assert_eq!((config.width, config.height), (Some(16), Some(9)));
        assert_eq!(config.codec, Codec::H265 { hvcc: record.clone().into(), in_band });
    }
}

#[test]
fn the_record_of_a_codec_precedes_the_fields_of_its_entry() {
    use super::super::boxes::BoxBody;
    use super::super::{entry, testmux::boxed};
    // 48 kHz, three channels in front, two behind, and one for low frequencies.
    let record = boxed(b"dac3", &packed(&[(0, 2), (8, 5), (0, 3), (7, 3), (1, 1), (0, 10)]));
    let described = |kind: &[u8; 4], version: u8, boxes: &[u8]| {
        let rate = (44_100_u32 << 16).to_be_bytes();
        let longer = vec![0; if version == 1 { 16 } else { 0 }];
        let fields = [&[0; 8][..], &[0, version], &[0; 6], &[0, 2], &[0; 6], &rate, &longer, boxes].concat();
        let content = [&[0, 0, 0, 0, 0, 0, 0, 1][..], &boxed(kind, &fields)].concat();
        let stsd = BoxBody { kind: *b"stsd", bytes: &content, offset: 0 };
        let config = entry::read_all(&stsd, MediaKind::Audio, 0).expect("one entry").remove(0).config;
        (config.sample_rate, config.channels)
    };
    for version in [0, 1] {
        assert_eq!(described(b"ac-3", version, &record), (Some(48_000), Some(6)), "version {version}");
        assert_eq!(described(b"ac-3", version, &[]), (Some(44_100), Some(2)), "version {version} without a record");
    }
}
