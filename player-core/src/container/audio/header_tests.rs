//! Headers against the tables of their standards, field by field.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn read(format: Format, bytes: &[u8]) -> Option<Head> {
    for length in 0..bytes.len() {
        let early = format.look(&bytes[..length]);
        assert!(early == Look::More || early == format.look(bytes), "{length}: {early:?}");
    }
    match format.look(bytes) {
        Look::Yes(head) => Some(head),
        Look::More | Look::No => None,
    }
}

#[test]
fn headers_tell_sizes_and_rates() {
    let head = read(Format::Adts, &[0xff, 0xf1, 0x4c, 0x80, 0x2e, 0x7f, 0xfc, 0x21]).unwrap();
    assert_eq!((head.size, head.strip, head.samples, head.rate, head.channels), (371, 7, 1024, 48_000, Some(2)));
    let config = head.config().unwrap();
    assert_eq!(config.codec, Codec::Aac { asc: Bytes::from_static(&[0x11, 0x90]) });
    // 128 kbit/s at 44.1 kHz, without and with padding; 64 kbit/s MPEG-2 at 22.05 kHz; layer II at 48 kHz.
    assert_eq!(read(Format::Mpeg, &[0xff, 0xfb, 0x90, 0x64]).unwrap().size, 417);
    assert_eq!(read(Format::Mpeg, &[0xff, 0xfb, 0x92, 0x64]).unwrap().size, 418);
    let low = read(Format::Mpeg, &[0xff, 0xf3, 0x80, 0xc4]).unwrap();
    assert_eq!((low.size, low.samples, low.rate, low.channels), (208, 576, 22_050, Some(1)));
    let second = read(Format::Mpeg, &[0xff, 0xfd, 0x84, 0x04]).unwrap();
    assert_eq!((second.size, second.samples, second.coding), (384, 1152, Coding::Mpeg(2)));
    // 192 kbit/s stereo at 48 kHz.
    let plain = read(Format::Ac3, &[0x0b, 0x77, 0, 0, 0x14, 0x40, 0x43, 0]).unwrap();
    assert_eq!((plain.size, plain.rate, plain.channels), (768, 48_000, Some(2)));
    // 640 kbit/s 5.1 at 48 kHz.
    let surround = read(Format::Ac3, &[0x0b, 0x77, 0, 0, 0x24, 0x40, 0xe1, 0]).unwrap();
    assert_eq!((surround.size, surround.channels), (2560, Some(6)));
    let enhanced = read(Format::Ac3, &[0x0b, 0x77, 0x01, 0xff, 0x3f, 0x80, 0, 0]).unwrap();
    assert_eq!((enhanced.size, enhanced.samples, enhanced.channels, enhanced.dependent), (1024, 1536, Some(6), false));
}

#[test]
fn what_is_reserved_is_no_header() {
    assert_eq!(read(Format::Adts, &[0xff, 0xf1, 0x7c, 0x80, 0x2e, 0x7f, 0xfc]), None, "frequency 15");
    assert_eq!(read(Format::Adts, &[0xff, 0xf1, 0x4c, 0x80, 0x00, 0xff, 0xfc]), None, "shorter than its header");
    assert_eq!(read(Format::Mpeg, &[0xff, 0xfb, 0x00, 0x64]), None, "free format");
    assert_eq!(read(Format::Mpeg, &[0xff, 0xfb, 0xf0, 0x64]), None, "bit rate 15");
    assert_eq!(read(Format::Mpeg, &[0xff, 0xf1, 0x90, 0x64]), None, "layer 0");
    assert_eq!(read(Format::Ac3, &[0x0b, 0x77, 0, 0, 0xd4, 0x40, 0x43, 0]), None, "frequency 3");
}

/// Bytes of fields, each a value and its width in bits; filled up with zeros to `length` bytes.
fn packed(fields: &[(u32, u32)], length: usize) -> Vec<u8> {
    let mut out = vec![0_u8; length];
    let mut at = 0;
    for (value, width) in fields {
        for bit in (0..*width).rev() {
            out[at / 8] |= ((value >> bit & 1) as u8) << (7 - at % 8);
            at += 1;
        }
    }
    out
}

#[test]
fn every_field_of_adts_is_read_where_it_stands() {
    let frame = |unprotected: u32, profile: u32, index: u32, channels: u32, size: u32, blocks: u32| {
        let fields = [(0xfff, 12), (1, 1), (0, 2), (unprotected, 1), (profile, 2), (index, 4), (1, 1), (channels, 3)];
        packed(&[&fields[..], &[(0, 4), (size, 13), (0x7ff, 11), (blocks, 2)]].concat(), 9)
    };
    for (index, rate) in AAC_RATES.into_iter().enumerate() {
        let head = read(Format::Adts, &frame(1, 1, index as u32, 1, 8191, 0)).unwrap();
        assert_eq!((head.rate, head.size, head.samples, head.channels), (rate, 8191, 1024, Some(1)));
        assert_eq!(head.coding, Coding::Aac(2, index as u8, 1));
    }
    let protected = read(Format::Adts, &frame(0, 0, 3, 7, 10, 3)).unwrap();
    assert_eq!((protected.strip, protected.samples, protected.channels), (9, 4096, Some(8)));
    assert_eq!(protected.coding, Coding::Aac(1, 3, 7));
    assert_eq!(read(Format::Adts, &frame(1, 3, 4, 0, 8, 0)).unwrap().channels, None, "the frame describes them");
    for (unprotected, size) in [(0, 9), (1, 7)] {
        assert_eq!(read(Format::Adts, &frame(unprotected, 1, 3, 2, size, 0)), None, "nothing behind the header");
        assert!(read(Format::Adts, &frame(unprotected, 1, 3, 2, size + 1, 0)).is_some());
    }
    let config = read(Format::Adts, &frame(1, 3, 11, 6, 8, 0)).unwrap().config().unwrap();
    assert_eq!(config.codec, Codec::Aac { asc: Bytes::from_static(&[4 << 3 | 5, 0x80 | 6 << 3]) });
    assert_eq!((config.codec_string.as_str(), config.sample_rate, config.channels), ("mp4a.40.4", Some(8000), Some(6)));
}

#[test]
fn frames_of_mpeg_audio_have_the_sizes_of_the_standard() {
    // Bit rates in kbit/s by version and layer (ISO/IEC 11172-3 §2.4.2.3, ISO/IEC 13818-3 §2.4.2.3).
    let full = [
        [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
        [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    ];
    let low_first = [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256];
    let low = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    for version in 0..4_u32 {
        for layer in 0..4_u32 {
            for code in 0..16_u32 {
                for (frequency, padding, mode) in [(0, 0, 0), (1, 1, 3), (2, 0, 1), (3, 0, 2)] {
                    let fields = [(0x7ff, 11), (version, 2), ((4 - layer) & 3, 2), (1, 1), (code, 4), (frequency, 2)];
                    let bytes = packed(&[&fields[..], &[(padding, 1), (0, 1), (mode, 2)]].concat(), 4);
                    let found = read(Format::Mpeg, &bytes);
                    if version == 1 || layer == 0 || code == 0 || code == 15 || frequency == 3 {
                        assert_eq!(found, None, "{version} {layer} {code} {frequency}");
                        continue;
                    }
                    let rate = [44_100, 48_000, 32_000][frequency as usize] / [4, 0, 2, 1][version as usize];
                    let row = match (version == 3, layer) {
                        (true, _) => full[layer as usize - 1],
                        (false, 1) => low_first,
                        (false, _) => low,
                    };
                    let bitrate = row[code as usize - 1] * 1000;
                    let samples = [384, 1152, if version == 3 { 1152 } else { 576 }][layer as usize - 1];
                    // A slot has four bytes in layer I, one in the others.
                    let slot = if layer == 1 { 4 } else { 1 };
                    let size = (samples / 8 * bitrate / slot / rate + padding) * slot;
                    let head = found.unwrap();
                    assert_eq!((head.rate, head.samples, head.size), (rate, samples, size as usize));
                    assert_eq!(head.channels, Some(if mode == 3 { 1 } else { 2 }));
                    assert_eq!(head.coding, Coding::Mpeg(layer as u8));
                }
            }
        }
    }
    let name = |layer: u8| {
        let head = Head {
            size: 1,
            strip: 0,
            samples: 1,
            rate: 1,
            channels: None,
            coding: Coding::Mpeg(layer),
            dependent: false,
        };
        head.config().map(|config| (config.codec, config.codec_string))
    };
    assert_eq!(name(1), Some((Codec::MpegAudio { layer: 1 }, "mp4a.40.32".to_owned())));
    assert_eq!(name(2), Some((Codec::MpegAudio { layer: 2 }, "mp4a.40.33".to_owned())));
    assert_eq!(name(3), Some((Codec::Mp3, "mp4a.40.34".to_owned())));
}

#[test]
fn frames_of_ac3_have_the_sizes_of_the_standard() {
    // ETSI TS 102 366 table 4.13, words at 44.1 kHz.
    let words = [
        69, 70, 87, 88, 104, 105, 121, 122, 139, 140, 174, 175, 208, 209, 243, 244, 278, 279, 348, 349, 417, 418, 487,
        488, 557, 558, 696, 697, 835, 836, 975, 976, 1114, 1115, 1253, 1254, 1393, 1394,
    ];
    let rates = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];
    let frame = |frequency: u32, code: u32, id: u32, tail: &[(u32, u32)]| {
        packed(&[&[(0x0b77, 16), (0, 16), (frequency, 2), (code, 6), (id, 5), (0, 3)], tail].concat(), 9)
    };
    for code in 0..40_u32 {
        for frequency in 0..4_u32 {
            let head = read(Format::Ac3, &frame(frequency, code, 8, &[(7, 3)]));
            let Some(rate) = rates.get(code as usize / 2).filter(|_| frequency < 3) else {
                assert_eq!(head, None, "{code} {frequency}");
                continue;
            };
            let expected = [rate * 2, words[code as usize], rate * 3][frequency as usize] * 2;
            assert_eq!(
                head.map(|head| (head.size, head.samples)),
                Some((expected as usize, 1536)),
                "{code} {frequency}"
            );
        }
    }
    // The levels of mixing stand between the mode and the flag of low frequencies (§4.4.2).
    let main = [2, 1, 2, 3, 3, 4, 4, 5];
    let skipped = [0, 0, 2, 2, 2, 4, 2, 4];
    for mode in 0..8_u32 {
        for low in 0..2_u32 {
            let (skipped, main) = (skipped[mode as usize], main[mode as usize]);
            let other = (1 << skipped) - 1;
            let filled = frame(0, 20, 6, &[(mode, 3), (other * (1 - low), skipped), (low, 1), (1 - low, 1)]);
            assert_eq!(read(Format::Ac3, &filled).unwrap().channels, Some(main + low), "{mode} {low}");
        }
    }
    for (id, rate) in [(6, 48_000), (8, 48_000), (9, 24_000), (10, 12_000)] {
        assert_eq!(read(Format::Ac3, &frame(0, 20, id, &[(2, 3)])).unwrap().rate, rate);
    }
    assert_eq!(read(Format::Ac3, &frame(0, 20, 17, &[(2, 3)])), None);
}

#[test]
fn frames_of_enhanced_ac3_tell_rates_blocks_and_whom_they_belong_to() {
    let frame = |kind: u32, substream: u32, words: u32, rate: &[(u32, u32)], mode: u32, low: u32, id: u32| {
        let head = [(0x0b77, 16), (kind, 2), (substream, 3), (words, 11)];
        packed(&[&head[..], rate, &[(mode, 3), (low, 1), (id, 5)]].concat(), 9)
    };
    let whole = |rate: u32, blocks: u32| [(rate, 2), (blocks, 2)];
    for (code, rate) in [(0, 48_000), (1, 44_100), (2, 32_000)] {
        for (blocks, samples) in [(0, 256), (1, 512), (2, 768), (3, 1536)] {
            let head = read(Format::Ac3, &frame(0, 0, 99, &whole(code, blocks), 7, 1, 16)).unwrap();
            assert_eq!((head.rate, head.samples, head.size, head.channels), (rate, samples, 200, Some(6)));
            assert_eq!((head.coding, head.dependent), (Coding::Eac3, false));
        }
        let head = read(Format::Ac3, &frame(0, 0, 99, &[(3, 2), (code, 2)], 1, 0, 11)).unwrap();
        assert_eq!((head.rate, head.samples, head.channels), (rate / 2, 1536, Some(1)), "half of the rate");
    }
    assert_eq!(read(Format::Ac3, &frame(0, 0, 99, &[(3, 2), (3, 2)], 1, 0, 16)), None);
    let dependent =
        |kind, substream| read(Format::Ac3, &frame(kind, substream, 99, &whole(0, 3), 2, 0, 16)).map(|h| h.dependent);
    assert_eq!(
        [dependent(0, 0), dependent(0, 1), dependent(1, 0), dependent(2, 0), dependent(3, 0)],
        [Some(false), Some(true), Some(true), Some(false), None]
    );
    assert_eq!(read(Format::Ac3, &frame(0, 0, 3, &whole(0, 3), 2, 0, 16)), None, "eight bytes");
    assert_eq!(read(Format::Ac3, &frame(0, 0, 4, &whole(0, 3), 2, 0, 16)).unwrap().size, 10);
}

#[test]
fn frames_of_dts_and_latm_tell_their_sizes() {
    let core = |blocks: u32, size: u32, rate: u32| {
        let head = [(0x7ffe_8001, 32), (1, 1), (31, 5), (0, 1), (blocks, 7), (size, 14), (63, 6), (rate, 4)];
        read(Format::Dts, &packed(&head, 12))
    };
    let head = core(15, 2012, 13).unwrap();
    assert_eq!((head.size, head.samples, head.rate, head.coding), (2013, 512, 48_000, Coding::Dts));
    assert_eq!((core(15, 94, 13), core(15, 95, 13).map(|head| head.size)), (None, Some(96)));
    assert_eq!(
        (core(127, 16383, 8).map(|h| (h.size, h.samples, h.rate)), core(5, 500, 0)),
        (Some((16_384, 4096, 44_100)), None)
    );
    let extension = |long: bool, size: u32, clock: &[(u32, u32)]| {
        let widths = if long { (12, 20) } else { (8, 16) };
        let head = [(0x6458_2025, 32), (0, 8), (0, 2), (u32::from(long), 1), (0, widths.0), (size, widths.1)];
        read(Format::Dts, &packed(&[&head[..], clock].concat(), 16))
    };
    let fields = |head: Option<Head>| head.map(|head| (head.size, head.rate, head.samples));
    assert_eq!(fields(extension(false, 65_535, &[(1, 1), (1, 2), (2, 3)])), Some((65_536, 44_100, 1536)));
    assert_eq!(fields(extension(true, 70_000, &[(0, 1), (3, 2)])), Some((70_001, 48_000, 512)));
    assert_eq!(fields(extension(true, 14, &[(0, 1)])), None);
    assert_eq!(fields(extension(false, 15, &[(0, 1)])), Some((16, 48_000, 512)));
    assert_eq!(extension(false, 99, &[(1, 1), (3, 2)]), None, "a clock that is reserved");
    let latm =
        |size: u32| read(Format::Loas, &packed(&[(0x2b7, 11), (size, 13)], 4)).map(|head| (head.size, head.strip));
    assert_eq!((latm(1), latm(2), latm(8191)), (None, Some((5, 3)), Some((8194, 3))));
}
