//! Parameter sets and slice headers, written bit by bit: every optional part stands in front of something that would be
//! read wrongly if the part were not passed over exactly.

use crate::container::ts::video::h264::H264;
use crate::container::ts::video::h265::H265;
use crate::container::ts::video::{NalRole, Syntax};
use crate::container::{Codec, CodecConfig};

/// Bits of a NAL unit.
#[derive(Clone, Default)]
struct Writer(Vec<bool>);

impl Writer {
    fn u(mut self, width: u32, value: u32) -> Self {
        self.0.extend((0..width).rev().map(|bit| value >> bit & 1 == 1));
        self
    }

    fn ue(mut self, values: &[u32]) -> Self {
        for value in values {
            let code = u64::from(*value) + 1;
            let length = 64 - code.leading_zeros();
            self.0.extend((1..length).map(|_| false));
            self.0.extend((0..length).rev().map(|bit| code >> bit & 1 == 1));
        }
        self
    }

    fn se(self, values: &[i32]) -> Self {
        let mapped: Vec<u32> = values
            .iter()
            .map(|value| if *value > 0 { value.unsigned_abs() * 2 - 1 } else { value.unsigned_abs() * 2 })
            .collect();
        self.ue(&mapped)
    }

    /// The NAL unit: a header, the bits with their trailing one, and emulation prevention.
    fn nal(self, header: &[u8]) -> Vec<u8> {
        let mut bits = self.0;
        bits.push(true);
        bits.resize(bits.len().next_multiple_of(8), false);
        let mut out = header.to_vec();
        let mut zeros = 0;
        for byte in bits.chunks(8).map(|eight| eight.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit))) {
            if zeros >= 2 && byte <= 3 {
                out.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            out.push(byte);
        }
        out
    }
}

fn bits() -> Writer {
    Writer::default()
}

/// Usability information of H.264 and its lead: an aspect, a signal and a clock.
fn usability(bits: Writer, aspect: &[(u32, u32)], clock: Option<(u32, u32)>) -> Writer {
    let mut bits = bits.u(1, 1).u(1, u32::from(!aspect.is_empty()));
    for (width, value) in aspect {
        bits = bits.u(*width, *value);
    }
    // Overscan; signal with colours; places of chroma.
    let bits = bits.u(2, 3).u(1, 1).u(4, 9).u(1, 1).u(24, 0x01_02_03).u(1, 1).ue(&[3, 2]);
    match clock {
        Some((units, scale)) => bits.u(1, 1).u(32, units).u(32, scale),
        None => bits.u(1, 0),
    }
}

/// From the macroblocks on: sides, fields, cropping.
fn sides(bits: Writer, (across, down): (u32, u32), frames: bool, crop: Option<[u32; 4]>) -> Writer {
    let bits = bits.ue(&[across - 1, down - 1]).u(1, u32::from(frames));
    let bits = if frames { bits } else { bits.u(1, 1) }.u(1, 1);
    match crop {
        Some(crop) => bits.u(1, 1).ue(&crop),
        None => bits.u(1, 0),
    }
}

fn config_of(sets: &[Vec<u8>]) -> (CodecConfig, Option<u32>) {
    let mut syntax = H264::default();
    for set in sets {
        syntax.read(set, false);
    }
    let config = syntax.new_config().expect("the sets are complete");
    assert_eq!(syntax.new_config(), None, "nothing changed");
    (config, syntax.picture_ticks())
}

fn h264_picture(id: u32, sequence: u32, bottom: bool) -> Vec<u8> {
    bits().ue(&[id, sequence]).u(1, 1).u(1, u32::from(bottom)).ue(&[0, 0, 0]).nal(&[0x68])
}

#[test]
fn a_sequence_of_the_main_profile_tells_size_shape_and_clock() {
    let head = || bits().u(8, 77).u(16, 0x40_1f).ue(&[3]);
    // Pictures ordered by the first method.
    let set = sides(head().ue(&[12, 0, 12, 4]).u(1, 0), (120, 68), true, Some([0, 0, 0, 4]));
    let set = usability(set, &[(8, 14)], Some((1001, 60_000))).nal(&[0x67]);
    let (config, ticks) = config_of(&[set.clone(), h264_picture(0, 3, false)]);
    assert_eq!((config.width, config.height), (Some(1920), Some(1080)));
    assert_eq!(config.pixel_aspect.map(|aspect| (aspect.horizontal, aspect.vertical)), Some((4, 3)));
    assert_eq!((config.codec_string.as_str(), ticks), ("avc3.4D401F", Some(3003)), "two ticks a frame");
    let Codec::H264 { avcc, in_band: true } = &config.codec else { panic!("{config:?}") };
    let picture = h264_picture(0, 3, false);
    let lengths = |set: &[u8]| (set.len() as u16).to_be_bytes().to_vec();
    let expected =
        [&[1, 77, 0x40, 0x1f, 0xff, 0xe1][..], &lengths(&set), &set, &[1], &lengths(&picture), &picture].concat();
    assert_eq!(avcc[..], expected, "no trailer in this profile");
    // By the second method, with offsets that may be negative; fields; an aspect in words.
    let set = head().ue(&[0, 1]).u(1, 1).se(&[-3, 4]).ue(&[2]).se(&[-1, 70]).ue(&[4]).u(1, 0);
    let set = usability(sides(set, (45, 18), false, None), &[(8, 255), (16, 16), (16, 15)], None).nal(&[0x67]);
    let (config, ticks) = config_of(&[set, h264_picture(0, 3, false)]);
    assert_eq!((config.width, config.height, ticks), (Some(720), Some(576), None));
    assert_eq!(config.pixel_aspect.map(|aspect| (aspect.horizontal, aspect.vertical)), Some((16, 15)));
    // By the third method; no usability information.
    let set = sides(head().ue(&[0, 2, 1]).u(1, 0), (2, 3), true, None).u(1, 0).nal(&[0x67]);
    assert_eq!(config_of(&[set, h264_picture(0, 3, false)]).0.height, Some(48));
}

#[test]
fn a_sequence_of_the_high_profiles_tells_chroma_and_depths() {
    let trailer = |config: &CodecConfig| match &config.codec {
        Codec::H264 { avcc, .. } => avcc[avcc.len() - 4..].to_vec(),
        _ => Vec::new(),
    };
    let read = |profile: u32, chroma: Writer, frames: bool, crop: [u32; 4]| {
        let head = Writer([bits().u(8, profile).u(16, 0x00_28).ue(&[0]).0, chroma.0].concat());
        let set = sides(head.ue(&[0, 0, 0, 1]).u(1, 0), (10, 10), frames, Some(crop)).u(1, 0).nal(&[0x67]);
        let (config, _) = config_of(&[set, h264_picture(0, 0, false)]);
        (config.width, config.height, trailer(&config))
    };
    let plain = |chroma: u32| {
        let planes = if chroma == 3 { bits().ue(&[3]).u(1, 1) } else { bits().ue(&[chroma]) };
        planes.ue(&[2, 1]).u(1, 0).u(1, 0)
    };
    // Cropping counts in units of the chroma samples, and of fields where there are such.
    assert_eq!(read(100, plain(1), true, [1, 2, 3, 4]), (Some(154), Some(146), vec![0xfd, 0xfa, 0xf9, 0]));
    assert_eq!(read(122, plain(2), true, [1, 2, 3, 4]), (Some(154), Some(153), vec![0xfe, 0xfa, 0xf9, 0]));
    assert_eq!(read(244, plain(3), true, [1, 2, 3, 4]), (Some(157), Some(153), vec![0xff, 0xfa, 0xf9, 0]));
    assert_eq!(read(110, plain(0), true, [1, 2, 3, 4]), (Some(157), Some(153), vec![0xfc, 0xfa, 0xf9, 0]));
    assert_eq!(read(100, plain(1), false, [1, 2, 3, 4]), (Some(154), Some(292), vec![0xfd, 0xfa, 0xf9, 0]));
    assert_eq!(read(100, plain(1), true, [40, 40, 0, 0]).0, Some(160), "a cropping that leaves nothing");
    // Scaling lists: some present, one that ends early, and a flat one; eight of them, or twelve with full chroma.
    let lists = |head: Writer, count: u32| {
        let mut bits = head.ue(&[0, 0]).u(1, 1).u(1, 1);
        for list in 0..count {
            bits = match list {
                0 => bits.u(1, 1).se(&[1; 16]),
                1 => bits.u(1, 1).se(&[4, -12]),
                6 => bits.u(1, 1).se(&[-2; 3]).se(&[0; 61]),
                7 => bits.u(1, 1).se(&[-8]),
                _ => bits.u(1, 0),
            };
        }
        bits
    };
    assert_eq!(read(100, lists(bits().ue(&[1]), 8), true, [0, 0, 0, 1]).1, Some(158));
    assert_eq!(read(244, lists(bits().ue(&[3]).u(1, 0), 12), true, [0, 0, 0, 1]).1, Some(159));
}

#[test]
fn values_of_a_sequence_beyond_the_standard_make_it_unreadable() {
    let is_read = |set: Writer| {
        let mut syntax = H264::default();
        for nal in [set.nal(&[0x67]), h264_picture(0, 0, false)] {
            syntax.read(&nal, false);
        }
        syntax.new_config().is_some()
    };
    // Identifier, chroma format, depths, length of frame numbers, method and length of orders (§7.4.2.1.1).
    let set = |id: u32, chroma: u32, depths: [u32; 2], frames: u32, orders: [u32; 2]| {
        let head = bits().u(8, 100).u(16, 0x00_28).ue(&[id, chroma]);
        let head = if chroma == 3 { head.u(1, 0) } else { head };
        let head = head.ue(&depths).u(1, 0).u(1, 0).ue(&[frames]).ue(&orders);
        sides(head.ue(&[1]).u(1, 0), (10, 10), true, None).u(1, 0)
    };
    assert!(is_read(set(0, 1, [0, 0], 0, [0, 0])));
    for chroma in [0, 2, 3] {
        assert!(is_read(set(0, chroma, [0, 0], 0, [0, 0])), "{chroma}");
    }
    assert!(is_read(set(0, 1, [7, 7], 12, [0, 12])), "the largest values");
    for (name, strange) in [
        ("identifier", set(32, 1, [0, 0], 0, [0, 0])),
        ("chroma format", set(0, 4, [0, 0], 0, [0, 0])),
        ("depth of luma", set(0, 1, [8, 0], 0, [0, 0])),
        ("depth of chroma", set(0, 1, [0, 8], 0, [0, 0])),
        ("frame numbers", set(0, 1, [0, 0], 13, [0, 0])),
        ("orders", set(0, 1, [0, 0], 0, [0, 13])),
    ] {
        assert!(!is_read(strange), "{name}");
    }
}

/// A slice of H.264 by its fields, for the sets of [`slices`].
#[derive(Clone, Copy)]
struct Slice {
    header: u8,
    first: u32,
    set: u32,
    frame: u32,
    field: Option<u32>,
    idr: u32,
    order: u32,
    bottom: i32,
}

const SLICE: Slice = Slice { header: 0x61, first: 5, set: 1, frame: 9, field: None, idr: 0, order: 17, bottom: 0 };

impl Slice {
    fn nal(self, by_deltas: bool) -> Vec<u8> {
        let bits = bits().ue(&[self.first, 7, self.set]).u(5, self.frame);
        let bits = match self.field {
            Some(bottom) => bits.u(1, 1).u(1, bottom),
            None => bits.u(1, 0),
        };
        let bits = if self.header & 31 == 5 { bits.ue(&[self.idr]) } else { bits };
        let bits = if by_deltas { bits.se(&[self.order as i32]) } else { bits.u(6, self.order) };
        let bits = if self.field.is_none() { bits.se(&[self.bottom]) } else { bits };
        bits.u(16, 0xabcd).nal(&[self.header])
    }
}

#[test]
fn each_field_of_a_slice_header_tells_pictures_apart() {
    let field = |bottom| Slice { field: Some(bottom), ..SLICE };
    let idr = Slice { header: 0x65, ..SLICE };
    for by_deltas in [false, true] {
        let order = if by_deltas { bits().ue(&[1, 1]).u(1, 0).se(&[0, 0]).ue(&[0]) } else { bits().ue(&[1, 0, 2]) };
        let head = Writer([bits().u(8, 77).u(16, 0).ue(&[0]).0, order.0].concat());
        let sequence = sides(head.ue(&[1]).u(1, 0), (10, 10), false, None).u(1, 0).nal(&[0x67]);
        let role = |before: Slice, after: Slice| -> NalRole {
            let mut syntax = H264::default();
            for set in [sequence.clone(), h264_picture(1, 0, true), h264_picture(2, 0, true)] {
                syntax.read(&set, false);
            }
            assert!(!syntax.read(&before.nal(by_deltas), false).starts_unit);
            syntax.read(&after.nal(by_deltas), true)
        };
        let apart = [
            (SLICE, Slice { set: 2, ..SLICE }),
            (SLICE, Slice { frame: 10, ..SLICE }),
            (SLICE, field(0)),
            (field(0), field(1)),
            (SLICE, Slice { header: 0x01, ..SLICE }),
            (SLICE, idr),
            (idr, Slice { idr: 1, ..idr }),
            (SLICE, Slice { order: 18, ..SLICE }),
            (SLICE, Slice { bottom: -1, ..SLICE }),
        ];
        for (number, (before, after)) in apart.into_iter().enumerate() {
            assert!(role(before, after).starts_unit, "{number}, by deltas: {by_deltas}");
        }
        let together = [
            (SLICE, SLICE),
            (SLICE, Slice { first: 6, ..SLICE }),
            (SLICE, Slice { header: 0x41, ..SLICE }),
            (idr, idr),
            (field(1), field(1)),
        ];
        for (number, (before, after)) in together.into_iter().enumerate() {
            let role = role(before, after);
            assert!(!role.starts_unit && role.picture, "{number}, by deltas: {by_deltas}");
            assert_eq!(role.key, after.header == 0x65);
        }
    }
    // Without their sets slices are distinguished by their first macroblock.
    let mut syntax = H264::default();
    syntax.read(&SLICE.nal(false), false);
    assert!(!syntax.read(&SLICE.nal(false), true).starts_unit);
    assert!(syntax.read(&Slice { first: 0, ..SLICE }.nal(false), true).starts_unit);
}

#[test]
fn recovery_points_are_found_behind_long_messages() {
    let key = |payload: &[u8]| H264::default().read(&[&[6][..], payload].concat(), false).key;
    assert!(key(&[6, 1, 0x80, 0x80]));
    assert!(!key(&[5, 1, 0x80, 0x80]));
    assert!(key(&[5, 2, 6, 1, 6, 1, 0x80, 0x80]), "a message before it");
    assert!(!key(&[5, 4, 6, 1, 6, 1, 0x80, 0x80]), "the bytes of a message are none");
    assert!(key(&[&[255, 1, 255, 2][..], &[9; 257], &[6, 1, 0x80, 0x80]].concat()), "numbers of two bytes");
    assert!(!key(&[&[255, 1, 255, 2][..], &[6; 257], &[0x80]].concat()));
    assert!(!key(&[255, 255]));
}

#[test]
fn units_that_stand_before_a_picture_begin_an_access_unit() {
    let role = |header: u8, within: bool| H264::default().read(&[header, 0xff, 0xff], within);
    for header in [6, 7, 8, 9, 15] {
        assert!(role(header, true).starts_unit && !role(header, false).starts_unit, "{header}");
        assert!(!role(header, true).picture, "{header}");
    }
    for header in [10, 11, 12, 13, 14, 19, 20] {
        assert_eq!(role(header, true), NalRole::default(), "{header}");
    }
    assert!(role(3, true).picture && !role(3, true).starts_unit && role(4, true).picture);
}

/// A sequence of H.265 up to its depths.
fn h265_head(
    sub_layers: &[(bool, bool)],
    chroma: Writer,
    (width, height): (u32, u32),
    crop: Option<[u32; 4]>,
) -> Writer {
    let count = sub_layers.len() as u32;
    let mut bits = bits().u(4, 0).u(3, count).u(1, 1);
    // Main profile, level 4.1, with compatibility flags and constraints that are no zeros.
    bits = bits.u(8, 0x01).u(32, 0x6000_0000).u(32, 0x9000_0000).u(16, 0).u(8, 123);
    if count > 0 {
        for (profile, level) in sub_layers {
            bits = bits.u(1, u32::from(*profile)).u(1, u32::from(*level));
        }
        bits = bits.u(2 * (8 - count), 0);
        for (profile, level) in sub_layers {
            bits = if *profile { bits.u(32, u32::MAX).u(32, u32::MAX).u(24, 0xff_ffff) } else { bits };
            bits = if *level { bits.u(8, 0xff) } else { bits };
        }
    }
    let bits = Writer([bits.ue(&[2]).0, chroma.0].concat()).ue(&[width, height]);
    match crop {
        Some(crop) => bits.u(1, 1).ue(&crop),
        None => bits.u(1, 0),
    }
}

/// Fields after the depths, with or without each optional part, up to the clock.
fn h265_tail(bits: Writer, sub_layers: u32, full: bool) -> Writer {
    let mut bits = bits.ue(&[4]).u(1, u32::from(full));
    for _ in if full { 0 } else { sub_layers }..=sub_layers {
        bits = bits.ue(&[4, 2, 0]);
    }
    bits = bits.ue(&[0, 3, 0, 3, 1, 2]);
    if full {
        bits = bits.u(1, 1).u(1, 1);
        for size in 0..4_u32 {
            for matrix in (0..6).step_by(if size == 3 { 3 } else { 1 }) {
                if matrix == 0 {
                    bits = bits.u(1, 1);
                    bits = if size > 1 { bits.se(&[-4]) } else { bits };
                    bits = bits.se(&vec![1; 64.min(1 << (4 + (size << 1)))]);
                } else {
                    bits = bits.u(1, 0).ue(&[1]);
                }
            }
        }
    } else {
        bits = bits.u(1, 0);
    }
    bits = bits.u(2, 3);
    bits = if full { bits.u(1, 1).u(8, 0x77).ue(&[0, 2]).u(1, 1) } else { bits.u(1, 0) };
    if full {
        // Three sets: one written out, one by difference that keeps three of four, one by difference from that.
        bits = bits.ue(&[3, 2, 1]).ue(&[0]).u(1, 1).ue(&[1]).u(1, 0).ue(&[3]).u(1, 1);
        bits = bits.u(1, 1).u(1, 1).ue(&[2]).u(1, 1).u(2, 1).u(2, 0).u(1, 1);
        bits = bits.u(1, 1).u(1, 0).ue(&[1]).u(4, 0b1111);
        // Two long-term pictures of eight bits and a flag each.
        bits = bits.u(1, 1).ue(&[2]).u(9, 0x155).u(9, 0xaa);
    } else {
        bits = bits.ue(&[0]).u(1, 0);
    }
    let bits = bits.u(2, 1).u(1, 1).u(1, 1).u(8, 2);
    let bits = bits.u(2, 2).u(1, 1).u(4, 9).u(1, 1).u(24, 0x01_02_03).u(1, 1).ue(&[3, 2]).u(3, 0);
    let bits = if full { bits.u(1, 1).ue(&[1, 2, 3, 4]) } else { bits.u(1, 0) };
    bits.u(1, 1).u(32, 1001).u(32, 30_000)
}

fn h265_config(sequence: Vec<u8>) -> Option<(CodecConfig, Option<u32>)> {
    let mut syntax = H265::default();
    syntax.read(&bits().u(4, 0).u(4, 0xf).nal(&[0x40, 1]), false);
    syntax.read(&sequence, false);
    assert_eq!(syntax.new_config(), None, "without a picture parameter set");
    syntax.read(&bits().ue(&[5, 2]).nal(&[0x44, 1]), false);
    let config = syntax.new_config()?;
    assert_eq!(syntax.new_config(), None, "nothing changed");
    Some((config, syntax.picture_ticks()))
}

#[test]
fn a_sequence_of_h265_is_read_through_every_optional_part() {
    for full in [false, true] {
        for layers in [&[][..], &[(true, false)], &[(false, true), (true, true)]] {
            let head = h265_head(layers, bits().ue(&[1]), (1920, 1088), Some([2, 3, 1, 3]));
            let tail = h265_tail(head.ue(&[2, 1]), layers.len() as u32, full);
            let (config, ticks) = h265_config(tail.nal(&[0x42, 1])).expect("it is complete");
            let what = format!("{} layers, full: {full}", layers.len());
            assert_eq!((config.width, config.height), (Some(1910), Some(1080)), "{what}");
            assert_eq!(ticks, Some(3003), "{what}");
            let aspect = config.pixel_aspect.map(|aspect| (aspect.horizontal, aspect.vertical));
            assert_eq!(aspect, Some((12, 11)), "{what}");
            let Codec::H265 { hvcc, in_band: true } = &config.codec else { panic!("{config:?}") };
            assert_eq!(hvcc[..13], [1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 123], "{what}");
            assert_eq!(
                hvcc[13..23],
                [0xf0, 0, 0xfc, 0xfd, 0xfa, 0xf9, 0, 0, (layers.len() as u8 + 1) << 3 | 7, 3],
                "{what}"
            );
            assert_eq!(hvcc[23..26], [32, 0, 1], "{what}");
            assert_eq!(config.codec_string, "hev1.1.6.L123.90", "{what}");
        }
    }
}

#[test]
fn a_parameter_set_of_h265_changes_the_configuration_only_if_it_differs() {
    let video = |layers: u32| bits().u(4, 0).u(4, layers).nal(&[0x40, 1]);
    let sequence = |width: u32| {
        let head = h265_head(&[], bits().ue(&[1]), (width, 1088), None).ue(&[2, 1]);
        h265_tail(head, 0, false).nal(&[0x42, 1])
    };
    let picture = |second: u32| bits().ue(&[5, 2, second]).nal(&[0x44, 1]);
    let mut syntax = H265::default();
    for unit in [video(15), sequence(1920), picture(0)] {
        syntax.read(&unit, false);
    }
    assert!(syntax.new_config().is_some());
    for unit in [video(15), sequence(1920), picture(0)] {
        syntax.read(&unit, false);
        assert_eq!(syntax.new_config(), None, "the same set once more: {unit:?}");
    }
    for unit in [video(7), sequence(1280), picture(1)] {
        syntax.read(&unit, false);
        assert!(syntax.new_config().is_some(), "another set: {unit:?}");
    }
}

#[test]
fn chroma_decides_what_a_cropped_sample_of_h265_is() {
    let size = |chroma: Writer| {
        let head = h265_head(&[], chroma, (100, 100), Some([1, 2, 3, 4])).ue(&[0, 0]);
        h265_config(head.nal(&[0x42, 1])).map(|(config, ticks)| (config.width, config.height, ticks))
    };
    assert_eq!(size(bits().ue(&[0])), Some((Some(97), Some(93), None)));
    assert_eq!(size(bits().ue(&[1])), Some((Some(94), Some(86), None)));
    assert_eq!(size(bits().ue(&[2])), Some((Some(94), Some(93), None)));
    assert_eq!(size(bits().ue(&[3]).u(1, 0)), Some((Some(97), Some(93), None)));
    assert_eq!(size(bits().ue(&[3]).u(1, 1)), Some((Some(97), Some(93), None)));
    assert_eq!(size(bits().ue(&[4])), None);
}

#[test]
fn kinds_of_h265_units_have_their_roles() {
    let role = |kind: u8, layer: u8, within: bool, payload: u8| {
        H265::default().read(&[kind << 1 | layer >> 5, (layer & 31) << 3 | 1, payload, 0], within)
    };
    for kind in 0..64 {
        let slice = role(kind, 0, true, 0x80);
        let starts = matches!(kind, 0..=31 | 32..=35 | 39 | 41..=44 | 48..=55);
        let expected = NalRole { starts_unit: starts, picture: kind < 32, key: (16..24).contains(&kind) };
        assert_eq!(slice, expected, "{kind}");
        assert!(!role(kind, 0, false, 0x80).starts_unit, "{kind}");
        assert_eq!(role(kind, 1, true, 0x80), NalRole::default(), "{kind} of another layer");
        assert_eq!(role(kind, 32, true, 0x80), NalRole::default(), "{kind} of a layer with six bits");
        if kind < 32 {
            assert!(!role(kind, 0, true, 0x7f).starts_unit, "not the first slice");
        }
    }
}
