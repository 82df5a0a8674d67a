//! Tables one by one: checksums, program maps that replace each other or do not, kinds of streams, adaptation fields.

use super::super::psi;
use super::super::stream_type::StreamKind;
use super::super::testmux::{Entry, MAP, map, section};
use super::super::video::mpeg::{Generation, Mpeg};
use super::super::video::{NalRole, Syntax as _};
use super::*;
use crate::container::audio::header::Format;

const OTHER: u16 = 0x103;

#[test]
fn the_checksum_is_that_of_the_standard() {
    // The check value of CRC-32/MPEG-2 (annex A) for the nine digits.
    assert_eq!(psi::checksum32(b"123456789"), 0x0376_e6e7);
    assert_eq!(psi::checksum32(&[]), u32::MAX);
    let whole = section(2, 1, 0, &[1, 2, 3]);
    assert_eq!(psi::checksum32(&whole), 0, "with its checksum a section gives zero");
}

/// A map whose checksum is wrong.
fn damaged(program: u16, entries: &[Entry<'_>], version: u8) -> Vec<u8> {
    let mut map = map(program, entries, version);
    *map.last_mut().unwrap() ^= 1;
    map
}

/// A map that does not apply yet (`current_next_indicator` is zero).
fn of_the_future(program: u16, entries: &[Entry<'_>], version: u8) -> Vec<u8> {
    let mut map = map(program, entries, version);
    map[5] &= !1;
    let body = map.len() - 4;
    let checksum = psi::checksum32(&map[..body]).to_be_bytes();
    map[body..].copy_from_slice(&checksum);
    map
}

/// The tracks of pictures that are given when these maps come one after the other, and then a picture on each stream.
fn chosen(maps: &[Vec<u8>]) -> Vec<u32> {
    let mut mux = Mux::default();
    let [high, low] = MAP.to_be_bytes();
    mux.section(0, &section(0, 1, 0, &[0, 1, 0xe0 | high, low, 0, 2, 0xe0 | high, low]));
    for map in maps {
        mux.section(MAP, map);
    }
    for pid in [VIDEO, OTHER] {
        let picture = slice(true, 0, 0, 0, 300);
        mux.packet(pid, Some((3600, 3600)), &byte_stream(&[&[9, 0xf0], SPS, PPS, &picture]));
    }
    let outputs = read(&mux.bytes, usize::MAX, None).unwrap();
    [VIDEO, OTHER].into_iter().filter(|pid| !samples(&outputs, *pid).is_empty()).map(u32::from).collect()
}

#[test]
fn a_map_replaces_another_unless_only_the_first_is_intact_or_of_a_program_that_is_read() {
    let [first, second]: [&[Entry<'_>]; 2] = [&[(0x1b, VIDEO, &[])], &[(0x1b, OTHER, &[])]];
    let unreadable: &[Entry<'_>] = &[(0x90, 0x110, &[])];
    let (video, other) = (vec![u32::from(VIDEO)], vec![u32::from(OTHER)]);
    let cases = [
        ("another version", vec![map(1, first, 0), map(1, second, 1)], &other),
        ("a damaged one after an intact one", vec![map(1, first, 0), damaged(1, second, 1)], &video),
        ("an intact one after a damaged one", vec![damaged(1, first, 0), map(1, second, 1)], &other),
        ("one that does not apply yet", vec![map(1, first, 0), of_the_future(1, second, 1)], &video),
        ("both are damaged", vec![damaged(1, first, 0), damaged(1, second, 1)], &other),
        ("another program", vec![map(1, first, 0), map(2, second, 0)], &video),
        ("a first program without anything to read", vec![map(1, unreadable, 0), map(2, second, 0)], &other),
        ("and a damaged second one", vec![map(1, unreadable, 0), damaged(2, second, 0)], &other),
    ];
    for (name, maps, wanted) in cases {
        assert_eq!(&chosen(&maps), wanted, "{name}");
    }
}

#[test]
fn the_program_that_is_read_is_left_once_it_is_listed_no_more() {
    let [high, low] = MAP.to_be_bytes();
    let entry = |program: u8| [0, program, 0xe0 | high, low];
    let [first, second]: [&[Entry<'_>]; 2] = [&[(0x1b, VIDEO, &[])], &[(0x1b, OTHER, &[])]];
    for (listed, wanted) in [(&[1, 2][..], VIDEO), (&[2, 1], VIDEO), (&[2], OTHER)] {
        let mut mux = Mux::default();
        mux.section(0, &section(0, 1, 0, &[entry(1), entry(2)].concat()));
        mux.section(MAP, &map(1, first, 0));
        mux.section(0, &section(0, 1, 1, &listed.iter().flat_map(|program| entry(*program)).collect::<Vec<_>>()));
        mux.section(MAP, &map(2, second, 0));
        for pid in [VIDEO, OTHER] {
            let picture = slice(true, 0, 0, 0, 300);
            mux.packet(pid, Some((3600, 3600)), &byte_stream(&[&[9, 0xf0], SPS, PPS, &picture]));
        }
        let outputs = read(&mux.bytes, usize::MAX, None).unwrap();
        let found: Vec<u16> = [VIDEO, OTHER].into_iter().filter(|pid| !samples(&outputs, *pid).is_empty()).collect();
        assert_eq!(found, [wanted], "{listed:?}");
    }
}

#[test]
fn a_map_may_precede_the_association_that_names_it() {
    let mut mux = Mux::default();
    mux.section(MAP, &map(1, &[(0x1b, VIDEO, &[])], 0));
    let picture = |number: u32| slice(number == 0, 0, number, number * 2, 300);
    let nals = byte_stream(&[&[9, 0xf0], SPS, PPS, &picture(0)]);
    mux.packet(VIDEO, Some((3600, 3600)), &nals);
    let [high, low] = MAP.to_be_bytes();
    mux.section(0, &section(0, 1, 0, &[0, 1, 0xe0 | high, low]));
    mux.packet(VIDEO, Some((7200, 7200)), &byte_stream(&[&[9, 0xf0], &picture(1)]));
    let outputs = read(&mux.bytes, 188, None).unwrap();
    let times: Vec<_> = samples(&outputs, VIDEO).iter().map(|sample| sample.pts.as_nanos() / 1_000_000).collect();
    assert_eq!(times, [40, 80], "what came before the association is read too");
}

#[test]
fn a_stream_that_a_new_map_lists_no_more_gives_its_last_unit() {
    let mut mux = Mux::new(ENTRIES);
    mux.packet(SOUND, Some((0, 0)), &[adts(50, 1), adts(50, 2)].concat());
    for number in 0..2u32 {
        let picture = slice(number == 0, 0, number, number * 2, 300 + number as usize);
        let time = 3600 * u64::from(number);
        mux.packet(VIDEO, Some((time, time)), &byte_stream(&[&[9, 0xf0], SPS, PPS, &picture]));
    }
    mux.tables(&ENTRIES[1..], 1);
    mux.packet(SOUND, Some((9000, 9000)), &[adts(50, 3), adts(50, 4)].concat());
    let outputs = read(&mux.bytes, 188, None).unwrap();
    let pictures = samples(&outputs, VIDEO);
    let times: Vec<_> = pictures.iter().map(|sample| sample.pts.as_nanos() / 1_000_000).collect();
    assert_eq!(times, [0, 40]);
    assert_eq!(pictures[1].payload.0.len(), pictures[0].payload.0.len() + 1);
    assert_eq!(samples(&outputs, SOUND).len(), 4, "the stream that stays goes on");
}

/// Makes a registration descriptor.
fn registered(name: &[u8; 4]) -> Vec<u8> {
    [&[5, 4][..], name].concat()
}

#[test]
fn types_and_descriptors_name_the_kind_of_a_stream() {
    let blu_ray = registered(b"HDMV");
    let of = |kind: u8, program: &[u8], stream: &[u8]| StreamKind::of(kind, program, stream);
    let plain = [
        (0x01, StreamKind::OldVideo(Generation::Two)),
        (0x02, StreamKind::OldVideo(Generation::Two)),
        (0x03, StreamKind::Audio(Format::Mpeg, false)),
        (0x04, StreamKind::Audio(Format::Mpeg, false)),
        (0x0f, StreamKind::Audio(Format::Adts, false)),
        (0xcf, StreamKind::Audio(Format::Adts, true)),
        (0x10, StreamKind::OldVideo(Generation::Four)),
        (0x11, StreamKind::Audio(Format::Loas, false)),
        (0x1b, StreamKind::H264(false)),
        (0xdb, StreamKind::H264(true)),
        (0x24, StreamKind::H265),
        (0x33, StreamKind::OtherVideo("H.266 video")),
        (0xd1, StreamKind::OtherVideo("Dirac video")),
        (0xea, StreamKind::OtherVideo("VC-1 video")),
        (0x81, StreamKind::Audio(Format::Ac3, false)),
        (0xc1, StreamKind::Audio(Format::Ac3, true)),
        (0x84, StreamKind::Audio(Format::Ac3, false)),
        (0x87, StreamKind::Audio(Format::Ac3, false)),
        (0xc2, StreamKind::Audio(Format::Ac3, true)),
        (0x82, StreamKind::Audio(Format::Dts, false)),
        (0x8a, StreamKind::Audio(Format::Dts, false)),
        (0x85, StreamKind::OtherAudio("DTS-HD sound")),
        (0x88, StreamKind::OtherAudio("DTS-HD sound")),
        (0x05, StreamKind::Other("a stream of type 0x05".to_owned())),
        (0x06, StreamKind::Other("a stream of type 0x06".to_owned())),
        (0x15, StreamKind::Other("a stream of type 0x15".to_owned())),
        (0x80, StreamKind::Other("a stream of type 0x80".to_owned())),
        (0x86, StreamKind::Other("a stream of type 0x86".to_owned())),
        (0xff, StreamKind::Other("a stream of type 0xff".to_owned())),
    ];
    for (kind, wanted) in plain {
        assert_eq!(of(kind, &[], &[]), wanted, "{kind:#x}");
    }
    assert_eq!(of(0x80, &blu_ray, &[]), StreamKind::OtherAudio("LPCM sound"));
    assert_eq!(of(0x86, &blu_ray, &[]), StreamKind::OtherAudio("DTS-HD sound"));
    let cue = registered(b"CUEI");
    assert_eq!(of(0x82, &[], &cue), StreamKind::Other("subtitles".to_owned()));
    assert_eq!(of(0x82, &blu_ray, &cue), StreamKind::Audio(Format::Dts, false));
    let tag: &[u8] = &[0x26, 6, 0xff, 0xff, b'I', b'D', b'3', b' '];
    for (kind, info) in [(0x15, tag.to_vec()), (0x06, tag.to_vec()), (0x15, registered(b"ID3 "))] {
        assert_eq!(of(kind, &[], &info), StreamKind::Id3, "{kind:#x}");
    }
    assert_eq!(of(0x24, &[], tag), StreamKind::H265, "only private data and metadata are tags");
}

#[test]
fn private_data_is_what_its_descriptors_say() {
    let private = |stream: &[u8]| StreamKind::of(0x06, &[], stream);
    let ac3 = StreamKind::Audio(Format::Ac3, false);
    let dts = StreamKind::Audio(Format::Dts, false);
    let named = [
        (b"HEVC", StreamKind::H265),
        (b"AC-3", ac3.clone()),
        (b"EAC3", ac3.clone()),
        (b"DTS1", dts.clone()),
        (b"DTS2", dts.clone()),
        (b"DTS3", dts.clone()),
        (b"AC-4", StreamKind::OtherAudio("AC-4 sound")),
    ];
    for (name, wanted) in named {
        assert_eq!(private(&registered(name)), wanted);
    }
    let described: [(&[u8], StreamKind); 10] = [
        (&[0x6a, 0], ac3.clone()),
        (&[0x7a, 0], ac3.clone()),
        (&[0x81, 0], ac3.clone()),
        (&[0xcc, 0], ac3.clone()),
        (&[0x7b, 0], dts),
        (&[0x7c, 0], StreamKind::Audio(Format::Adts, false)),
        (&[0x7f, 1, 0x15], StreamKind::OtherAudio("AC-4 sound")),
        (&[0x7f, 1, 0x0e], StreamKind::OtherAudio("DTS-HD sound")),
        (&[0x56, 0], StreamKind::Other("subtitles".to_owned())),
        (&[0x0a, 4, b'd', b'e', b'u', 0, 0x6a, 0], ac3),
    ];
    for (info, wanted) in described {
        assert_eq!(private(info), wanted, "{info:x?}");
    }
    let opus = [registered(b"Opus"), vec![0x7f, 2, 0x80, 6]].concat();
    let StreamKind::Opus(record) = private(&opus) else { panic!("{:?}", private(&opus)) };
    let mapping = [1, 4, 2, 0, 4, 1, 2, 3, 5];
    assert_eq!(&record[..], [&[0, 6, 0, 0, 0, 0, 0xbb, 0x80, 0, 0][..], &mapping].concat());
}

#[test]
fn fields_of_mpeg_2_belong_to_one_frame() {
    let mut mpeg = Mpeg::new(Generation::Two);
    // A picture header with its coding type, and a picture coding extension with its structure.
    let picture = |kind: u8| vec![0x00, 0, kind << 3, 0, 0];
    let extension = |structure: u8| vec![0xb5, 0x80, 0, structure, 0];
    let unit = NalRole { picture: true, starts_unit: true, key: true };
    let same = |role: &NalRole| (role.picture, role.starts_unit, role.key);
    assert_eq!(same(&mpeg.read(&picture(1), true)), same(&unit), "an intra-coded picture");
    mpeg.read(&extension(1), true);
    assert_eq!(same(&mpeg.read(&picture(2), true)), (true, false, false), "the second field");
    mpeg.read(&extension(2), true);
    assert_eq!(same(&mpeg.read(&picture(2), true)), (true, true, false), "the next frame");
    mpeg.read(&extension(3), true);
    assert_eq!(same(&mpeg.read(&picture(1), true)), same(&unit), "after a whole frame");
    // Another extension, and one that no picture header precedes, have no structure.
    mpeg.read(&[0xb5, 0x10, 0, 1, 0], true);
    assert_eq!(same(&mpeg.read(&picture(1), true)), same(&unit));
    mpeg.read(&extension(3), true);
    mpeg.read(&extension(1), true);
    assert_eq!(same(&mpeg.read(&picture(1), true)), same(&unit), "only the first extension of a picture counts");
    assert_eq!(same(&mpeg.read(&picture(1), false)), (true, false, true), "at the beginning of a packet");
    assert!(mpeg.read(&[0xb3], true).starts_unit && !mpeg.read(&[0xb8], false).starts_unit);
    assert_eq!(same(&mpeg.read(&[0x01, 0x10], true)), (false, false, false), "a slice");
}
