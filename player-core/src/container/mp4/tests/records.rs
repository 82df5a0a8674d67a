//! Sample tables and boxes, field by field, and the record of boxes that are changed in one byte.

use bytes::Bytes;

use super::super::testmux::{self, boxed, full};
use super::{AUDIO, VIDEO, samples};
use crate::container::{DemuxError, DemuxOutput, demuxer};
use crate::model::ContainerFormat;
use crate::sim::record::{bytes_record, compare};
use crate::time::MediaTime;

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// Replaces the empty sample tables of the only track and puts media data after the movie. `tables` gets the place of
/// the first byte of the data.
fn progressive(track: testmux::TestTrack, tables: impl Fn(u32) -> Vec<u8>, media: &[u8]) -> Bytes {
    let build = |place: u32| {
        let mut bytes = testmux::init(&[track]).to_vec();
        let find = |bytes: &[u8], kind: &[u8; 4]| bytes.windows(4).position(|four| four == kind).unwrap() - 4;
        let (from, tables) = (find(&bytes, b"stts"), tables(place));
        // Three empty tables of sixteen bytes and one of twenty.
        bytes.splice(from..from + 68, tables.iter().copied());
        for kind in [b"moov", b"trak", b"mdia", b"minf", b"stbl"] {
            let at = find(&bytes, kind);
            let size = u32::from_be_bytes(*bytes[at..].first_chunk().unwrap()) + tables.len() as u32 - 68;
            bytes[at..at + 4].copy_from_slice(&size.to_be_bytes());
        }
        bytes
    };
    let place = build(0).len() as u32 + 8;
    let mut out = build(place);
    out.extend(boxed(b"mdat", media));
    out.into()
}

fn table(kind: &[u8; 4], numbers: &[u32]) -> Vec<u8> {
    full(kind, 0, 0, &words(numbers))
}

type Facts = Vec<(i64, i64, u64, bool, String)>;

/// Decoding and presentation time in ticks, length in ticks, key, and bytes of each sample.
fn facts(file: &Bytes, track: testmux::TestTrack, piece: usize) -> Result<Facts, DemuxError> {
    let mut demuxer = demuxer(ContainerFormat::Fmp4, None)?;
    let mut outputs: Vec<DemuxOutput> = Vec::new();
    for start in (0..file.len()).step_by(piece) {
        outputs.extend(demuxer.push(file.slice(start..file.len().min(start + piece)))?);
    }
    outputs.extend(demuxer.finish()?);
    let scale = i64::from(track.timescale);
    let ticks = |time: MediaTime| (time.as_nanos() * scale + 500_000_000).div_euclid(1_000_000_000);
    let fact = |s: &crate::container::Sample| {
        let length = (s.duration.as_nanos() * u128::from(track.timescale) + 500_000_000) / 1_000_000_000;
        (ticks(s.dts), ticks(s.pts), length as u64, s.key, String::from_utf8_lossy(&s.payload.0).into_owned())
    };
    Ok(samples(&outputs, track.id).iter().map(fact).collect())
}

#[test]
fn sample_tables_are_read_by_runs_and_chunks() {
    let tables = |place: u32| {
        [
            table(b"stts", &[3, 2, 100, 2, 50, 1, 0]),
            table(b"ctts", &[2, 3, 10, 1, 0xffff_ffec]),
            table(b"stss", &[2, 1, 4]),
            // Two chunks of two samples, then chunks of one.
            table(b"stsc", &[2, 1, 2, 1, 3, 1, 1]),
            table(b"stsz", &[0, 5, 1, 2, 3, 1, 2]),
            table(b"stco", &[3, place + 7, place, place + 5]),
        ]
        .concat()
    };
    let file = progressive(VIDEO, tables, b"CCCD_EEABB");
    let expected = |list: &[(i64, i64, u64, bool, &str)]| -> Facts {
        list.iter().map(|(a, b, c, key, text)| (*a, *b, *c, *key, (*text).to_owned())).collect()
    };
    let stored = facts(&file, VIDEO, 3);
    assert!(
        matches!(&stored, Err(DemuxError::Unsupported { feature }) if feature.contains("decoding order")),
        "{stored:?}"
    );
    let file = progressive(
        VIDEO,
        |place| {
            let forward = table(b"stco", &[3, place, place + 3, place + 8]);
            let tables = tables(place);
            [&tables[..tables.len() - forward.len()], &forward].concat()
        },
        b"ABBCCCD_EE",
    );
    for piece in [1, 7, file.len()] {
        assert_eq!(
            facts(&file, VIDEO, piece).unwrap(),
            expected(&[
                (0, 10, 100, true, "A"),
                (100, 110, 100, false, "BB"),
                (200, 210, 50, false, "CCC"),
                (250, 230, 50, true, "D"),
                (300, 300, 50, false, "EE"),
            ])
        );
    }
}

#[test]
fn a_sample_may_last_no_time_unless_it_is_the_last() {
    let lengths = |times: &[u32]| {
        let tables = |place: u32| {
            let rest = [table(b"stsc", &[1, 1, 4, 1]), table(b"stsz", &[1, 4]), table(b"stco", &[1, place])];
            [table(b"stts", times), rest.concat()].concat()
        };
        let facts = facts(&progressive(VIDEO, tables, b"abcd"), VIDEO, 100).unwrap();
        facts.iter().map(|fact| (fact.0, fact.2)).collect::<Vec<_>>()
    };
    assert_eq!(lengths(&[4, 1, 100, 1, 0, 1, 50, 1, 0]), [(0, 100), (100, 0), (100, 50), (150, 50)]);
    assert_eq!(lengths(&[2, 1, 100, 3, 0]), [(0, 100), (100, 0), (100, 0), (100, 0)]);
    assert_eq!(lengths(&[1, 2, 100]), [(0, 100), (100, 100), (200, 0), (200, 0)], "times for the first two only");
}

#[test]
fn sizes_may_be_constant_or_have_few_bits_and_offsets_many() {
    let read = |track: testmux::TestTrack, tables: &dyn Fn(u32) -> Vec<u8>, media: &[u8]| {
        facts(&progressive(track, tables, media), track, 5)
            .map(|facts| facts.into_iter().map(|f| (f.0, f.3, f.4)).collect::<Vec<_>>())
    };
    let times = || [table(b"stts", &[1, 3, 1024]), table(b"stsc", &[1, 1, 3, 1])].concat();
    let expected = |sizes: [usize; 3]| -> Vec<(i64, bool, String)> {
        let texts = ["a", "b", "c"].iter().zip(sizes).map(|(text, size)| text.repeat(size));
        texts.enumerate().map(|(index, text)| (index as i64 * 1024, true, text)).collect()
    };
    let constant = |place: u32| [times(), table(b"stsz", &[2, 3]), table(b"stco", &[1, place])].concat();
    assert_eq!(read(AUDIO, &constant, b"aabbcc"), Ok(expected([2, 2, 2])));
    let wide = |place: u32| [times(), table(b"stsz", &[2, 3]), table(b"co64", &[1, 0, place])].concat();
    assert_eq!(read(AUDIO, &wide, b"aabbcc"), Ok(expected([2, 2, 2])));
    for (bits, sizes) in [(4, &[0x12, 0x30][..]), (8, &[1, 2, 3]), (16, &[0, 1, 0, 2, 0, 3])] {
        let compact = |place: u32| {
            let sizes = full(b"stz2", 0, 0, &[&words(&[bits, 3])[..], sizes].concat());
            [times(), sizes, table(b"stco", &[1, place])].concat()
        };
        assert_eq!(read(AUDIO, &compact, b"abbccc"), Ok(expected([1, 2, 3])), "{bits} bits");
    }
    let odd = |place: u32| [times(), table(b"stz2", &[12, 0]), table(b"stco", &[1, place])].concat();
    assert!(matches!(read(AUDIO, &odd, b""), Err(DemuxError::Malformed { .. })));
    let short = |place: u32| [times(), table(b"stsz", &[0, 3, 1, 2]), table(b"stco", &[1, place])].concat();
    assert!(matches!(read(AUDIO, &short, b"abbccc"), Err(DemuxError::Malformed { .. })), "a size too few");
    let few = |place: u32| {
        [
            table(b"stts", &[1, 3, 1024]),
            table(b"stsc", &[1, 1, 1, 1]),
            table(b"stsz", &[1, 3]),
            table(b"stco", &[2, place, place + 1]),
        ]
        .concat()
    };
    assert!(matches!(read(AUDIO, &few, b"abc"), Err(DemuxError::Malformed { .. })), "fewer chunks than samples");
}

#[test]
fn audio_may_name_the_frames_that_stand_alone_and_an_empty_list_is_a_mistake() {
    let keys = |syncs: &[u32]| {
        let tables = |place: u32| {
            let times = table(b"stts", &[1, 3, 1024]);
            [
                times,
                table(b"stss", syncs),
                table(b"stsc", &[1, 1, 3, 1]),
                table(b"stsz", &[1, 3]),
                table(b"stco", &[1, place]),
            ]
            .concat()
        };
        facts(&progressive(AUDIO, tables, b"abc"), AUDIO, 100)
            .map(|facts| facts.iter().map(|fact| fact.3).collect::<Vec<_>>())
    };
    assert_eq!(keys(&[0]), Ok(vec![true, true, true]));
    assert_eq!(keys(&[1, 2]), Ok(vec![false, true, false]));
    assert_eq!(keys(&[2, 1, 3]), Ok(vec![true, false, true]));
}

#[test]
fn boxes_have_sizes_of_three_kinds() {
    use super::super::boxes::{BoxHeader, Children};
    let read =
        |bytes: &[u8]| BoxHeader::read(bytes, 5).map(|header| header.map(|header| (header.header, header.content)));
    let large = |size: u64| [b"\0\0\0\x01mdat".to_vec(), size.to_be_bytes().to_vec()].concat();
    assert_eq!(read(b"\0\0\0\x08free"), Ok(Some((8, Some(0)))));
    assert_eq!(read(b"\0\0\0\0mdat"), Ok(Some((8, None))));
    assert_eq!(read(&large(16)), Ok(Some((16, Some(0)))));
    assert_eq!(read(&large(1 << 40)), Ok(Some((16, Some((1 << 40) - 16)))));
    assert_eq!((read(b"\0\0\0\x08fre"), read(&large(16)[..15])), (Ok(None), Ok(None)));
    assert!(matches!(read(b"\0\0\0\x07free"), Err(DemuxError::Malformed { offset: 5, .. })));
    assert!(matches!(read(&large(15)), Err(DemuxError::Malformed { .. })));
    assert!(matches!(read(&large(u64::MAX)), Err(DemuxError::Limit { .. })));
    assert_eq!(read(&large(i64::MAX as u64 + 16)), Ok(Some((16, Some(i64::MAX as u64)))), "the largest content");
    // The last box may run to the end; fewer than eight bytes after it are ignored.
    let bytes = [boxed(b"free", b"ab"), boxed(b"skip", b""), b"\0\0\0\0mdatxyz".to_vec()].concat();
    let found: Vec<_> = Children::new(&bytes, 100)
        .map(|child| child.map(|child| (child.kind, child.offset, child.bytes.len())))
        .collect();
    assert_eq!(found, [Ok((*b"free", 108, 2)), Ok((*b"skip", 118, 0)), Ok((*b"mdat", 126, 3))]);
    let cut = [boxed(b"free", b"ab"), vec![0; 7]].concat();
    assert_eq!(Children::new(&cut, 0).count(), 1);
    let long = [boxed(b"free", b""), b"\0\0\0\x0bfreeab".to_vec(), boxed(b"free", b"")].concat();
    let verdicts: Vec<_> = Children::new(&long[..18], 0).map(|child| child.is_ok()).collect();
    assert_eq!(verdicts, [true, false], "nothing follows what is larger than its parent");
}

#[test]
fn bytes_leave_a_queue_as_they_came_whatever_their_pieces() {
    use super::super::queue::ByteQueue;
    let data: Vec<u8> = (0..9000_u32).map(|value| (value * 31 % 251) as u8).collect();
    let pieces = [1, 1023, 1024, 3000, 2, 1500, 0, 1025, 500];
    let mut queue = ByteQueue::default();
    let mut at = 0;
    for size in pieces {
        queue.push(Bytes::copy_from_slice(&data[at..at + size]));
        at += size;
        let mut head = [0; 1100];
        assert_eq!(queue.peek(&mut head), &data[..at.min(1100)], "after {at}");
    }
    assert_eq!((queue.len(), queue.position()), (at, 0));
    let mut read = 0;
    for count in [0, 1, 1, 1022, 5, 1019, 2000, 1000, 1, 700, 303] {
        if read % 2 == 0 {
            assert_eq!(queue.take(count).unwrap(), data[read..read + count], "{count} at {read}");
        } else {
            assert_eq!(queue.skip(count as u64), count as u64);
        }
        read += count;
        assert_eq!((queue.len(), queue.position()), (at - read, read as u64));
    }
    assert_eq!(queue.take(at - read + 1), None);
    assert_eq!(queue.take(at - read).unwrap(), data[read..at]);
    assert_eq!((queue.skip(10), queue.len()), (0, 0));
    queue.push(Bytes::from_static(b"ab"));
    assert_eq!((queue.skip(10), queue.position()), (2, at as u64 + 2));
}

/// The encryption of the samples of a fragment that carries these boxes.
fn encrypted(protection: testmux::TestProtection, boxes: &[u8], sizes: &[u32]) -> Result<Vec<String>, DemuxError> {
    let track = testmux::TestTrack { protection: Some(protection), ..VIDEO };
    let init = crate::container::read_init(testmux::init(&[track])).unwrap();
    let samples: Vec<_> = sizes.iter().map(|size| (512, *size, true, 0)).collect();
    let fragment = testmux::TestFragment { track: 1, sequence: 1, base_decode_time: 0, boxes };
    let media = fragment.build(&samples, &vec![7; sizes.iter().sum::<u32>() as usize]);
    let outputs = super::read(Some(&init), &media, 50)?;
    let crypto = |sample: &crate::container::Sample| match &sample.crypto {
        None => "clear".to_owned(),
        Some(crypto) => {
            let parts: Vec<_> =
                crypto.subsamples.iter().map(|part| format!("{}+{}", part.clear, part.encrypted)).collect();
            format!("{} {:?} {}", crypto.key_id[0], crypto.iv, parts.join(" "))
        }
    };
    Ok(super::samples(&outputs, 1).iter().map(crypto).collect())
}

#[test]
fn vectors_stand_in_either_place_with_or_without_parts() {
    let plain = testmux::TestProtection { scheme: *b"cenc", key_id: [3; 16], iv_size: 8, pattern: (0, 0) };
    let record = |iv: u8, parts: &[(u16, u32)]| -> Vec<u8> {
        let mut out = vec![iv; 8];
        if !parts.is_empty() {
            out.extend((parts.len() as u16).to_be_bytes());
            parts.iter().for_each(|(clear, rest)| out.extend([&clear.to_be_bytes()[..], &rest.to_be_bytes()].concat()));
        }
        out
    };
    let records = [record(1, &[(4, 6)]), record(2, &[(1, 2), (3, 4)])].concat();
    let expected = ["3 [1, 1, 1, 1, 1, 1, 1, 1] 4+6".to_owned(), "3 [2, 2, 2, 2, 2, 2, 2, 2] 1+2 3+4".to_owned()];
    let senc = full(b"senc", 0, 2, &[words(&[2]), records.clone()].concat());
    assert_eq!(encrypted(plain, &senc, &[10, 10]), Ok(expected.to_vec()));
    let whole = full(b"senc", 0, 0, &[words(&[2]), record(1, &[]), record(2, &[])].concat());
    let bare = ["3 [1, 1, 1, 1, 1, 1, 1, 1] ".to_owned(), "3 [2, 2, 2, 2, 2, 2, 2, 2] ".to_owned()];
    assert_eq!(encrypted(plain, &whole, &[10, 10]), Ok(bare.to_vec()));
    let piff = [
        &[0xa2, 0x39, 0x4f, 0x52, 0x5a, 0x9b, 0x4f, 0x14, 0xa2, 0x44, 0x6c, 0x42, 0x7c, 0x64, 0x8d, 0xf4][..],
        &senc[8..],
    ];
    assert_eq!(encrypted(plain, &boxed(b"uuid", &piff.concat()), &[10, 10]), Ok(expected.to_vec()), "PIFF");
    // Sizes and a place: the records stand in a box at the end of the track fragment.
    let sized = |typed: bool, version: u8, sizes: &[u8]| {
        let kind = if typed { [b"cenc".to_vec(), words(&[0])].concat() } else { Vec::new() };
        let saiz = full(b"saiz", 0, u32::from(typed), &[kind.clone(), vec![0], words(&[2]), sizes.to_vec()].concat());
        let place = |offset: u64| {
            let offset = if version > 0 { offset.to_be_bytes().to_vec() } else { words(&[offset as u32]) };
            full(b"saio", version, u32::from(typed), &[kind.clone(), words(&[1]), offset].concat())
        };
        // In front stand the headers, tfhd, tfdt and a run of two samples.
        let before = 8 + 16 + 8 + 16 + 20 + (20 + 32);
        let records_at = before + saiz.len() + place(0).len() + 8;
        [saiz, place(records_at as u64), boxed(b"free", &records)].concat()
    };
    for (typed, version) in [(false, 0), (true, 0), (true, 1)] {
        assert_eq!(
            encrypted(plain, &sized(typed, version, &[16, 22]), &[10, 10]),
            Ok(expected.to_vec()),
            "{typed} {version}"
        );
    }
    assert!(matches!(
        encrypted(plain, &sized(false, 0, &[16, 22])[..22], &[10, 10]),
        Err(DemuxError::Malformed { .. })
    ));
    let other = full(b"saiz", 0, 1, &[b"xxxx".to_vec(), words(&[0]), vec![9], words(&[2])].concat());
    assert_eq!(encrypted(plain, &[other, senc].concat(), &[10, 10]), Ok(expected.to_vec()), "sizes of something else");
}

#[test]
fn an_error_in_encryption_boxes_has_its_place_in_the_file() {
    let protection = testmux::TestProtection { scheme: *b"cenc", key_id: [3; 16], iv_size: 8, pattern: (0, 0) };
    // One record of 16 bytes where two are announced.
    let record = [[1; 8], [0, 1, 0, 4, 0, 0, 0, 6]].concat();
    let senc = [words(&[2, 2]), record.clone()].concat();
    let place = |boxes: &[u8]| match encrypted(protection, boxes, &[10, 10]) {
        Err(DemuxError::Malformed { offset, .. }) => offset,
        other => panic!("{other:?}"),
    };
    // In front stand the headers, tfhd, tfdt and a run of two samples.
    let before = 8 + 16 + 8 + 16 + 20 + (20 + 32);
    assert_eq!(place(&boxed(b"senc", &senc)), before + 8 + 24);
    let piff = [0xa2, 0x39, 0x4f, 0x52, 0x5a, 0x9b, 0x4f, 0x14, 0xa2, 0x44, 0x6c, 0x42, 0x7c, 0x64, 0x8d, 0xf4];
    assert_eq!(place(&boxed(b"uuid", &[&piff[..], &senc].concat())), before + 8 + 16 + 24);
    let sizes = full(b"saiz", 0, 0, &[vec![16], words(&[2])].concat());
    let records = before + sizes.len() as u64 + 20 + 8;
    let apart = [sizes, full(b"saio", 0, 0, &words(&[1, records as u32])), boxed(b"free", &record)].concat();
    assert_eq!(place(&apart), records + 16);
}

#[test]
fn the_movie_box_tells_how_long_the_file_is_unless_it_says_nothing() {
    let movie = |version: u8, scale: u32, duration: u64, fragments: Option<(u8, u64)>| {
        let wide = |version: u8, value: u64| match version {
            0 => words(&[value as u32]),
            _ => value.to_be_bytes().to_vec(),
        };
        let dates = vec![0; if version == 0 { 8 } else { 16 }];
        let mut moov =
            full(b"mvhd", version, 0, &[dates, words(&[scale]), wide(version, duration), vec![0; 80]].concat());
        if let Some((version, duration)) = fragments {
            moov.extend(boxed(b"mvex", &full(b"mehd", version, 0, &wide(version, duration))));
        }
        let file = [boxed(b"ftyp", b"cmfc\0\0\0\0"), boxed(b"moov", &moov)].concat();
        super::super::movie_duration(&file).map(|duration| duration.as_millis())
    };
    assert_eq!(movie(0, 600, 1200, None), Some(2000));
    assert_eq!(movie(1, 1000, 1 << 33, None), Some(1 << 33));
    assert_eq!(movie(0, 1000, 5, Some((0, 7000))), Some(7000), "of the fragments, when they tell");
    assert_eq!(movie(0, 1000, 5, Some((1, 1 << 33))), Some(1 << 33));
    assert_eq!(movie(0, 1000, 5, Some((0, 0))), Some(5));
    for (version, unknown) in [(0, 0), (1, 0), (0, u64::from(u32::MAX)), (1, u64::MAX)] {
        assert_eq!(movie(version, 1000, unknown, None), None, "{unknown}");
    }
    assert_eq!(movie(0, 1000, u64::from(u32::MAX) - 1, None), Some(4_294_967_294));
    assert_eq!(movie(0, 0, 5, None), None, "without a timescale");
    assert_eq!(super::super::movie_duration(&boxed(b"ftyp", b"cmfc")), None);
}

#[test]
fn less_than_the_head_of_a_box_is_cut_off_and_more_is_something_else() {
    let error = |length: usize| super::super::read_init(Bytes::from(vec![1; length])).err();
    for length in 0..8 {
        assert!(matches!(error(length), Some(DemuxError::Truncated { offset: 0, .. })), "{length}");
    }
    for length in [8, 9, 400] {
        assert!(matches!(error(length), Some(DemuxError::Malformed { .. })), "{length}: {:?}", error(length));
    }
}

#[test]
fn a_limit_is_the_largest_value() {
    assert!(super::super::limits::check("it", 5, 5, 0).is_ok());
    let error = super::super::limits::check("it", 6, 5, 9);
    assert_eq!(error, Err(DemuxError::Limit { what: "it".to_owned(), limit: 5, offset: 9 }));
}

#[test]
fn data_of_no_known_kind_is_read_as_the_manifest_says_and_else_named() {
    let outcome = |format: ContainerFormat| {
        let setup = crate::container::DemuxSetup::new(format, None);
        let mut demuxer = crate::container::open(&setup).unwrap();
        demuxer.push(Bytes::from(vec![1; 2000])).and_then(|_| demuxer.finish()).unwrap_err().to_string()
    };
    let unknown = outcome(ContainerFormat::Unknown);
    assert!(unknown.starts_with("expected media"), "{unknown}");
    for format in [ContainerFormat::MpegTs, ContainerFormat::PackedAudio] {
        let known = outcome(format);
        assert!(!known.starts_with("expected media, found data of an unknown kind"), "{format:?}: {known}");
    }
}

/// Files with most of the boxes that are read, one byte of them changed at a time. The record in `fuzz/changed-boxes.txt`
/// holds digests.
#[test]
fn boxes_that_are_changed_in_one_byte_give_what_is_on_record() {
    let cenc = testmux::TestProtection { scheme: *b"cenc", key_id: [3; 16], iv_size: 8, pattern: (0, 0) };
    let cbcs = testmux::TestProtection { scheme: *b"cbcs", key_id: [3; 16], iv_size: 0, pattern: (1, 9) };
    let vectors = |iv: u8| [vec![iv; 8], vec![0, 2, 0, 1, 0, 0, 0, 2, 0, 3, 0, 0, 0, 4]].concat();
    let senc = full(b"senc", 0, 2, &[words(&[2]), vectors(1), vectors(2)].concat());
    let piff = [
        &[0xa2, 0x39, 0x4f, 0x52, 0x5a, 0x9b, 0x4f, 0x14, 0xa2, 0x44, 0x6c, 0x42, 0x7c, 0x64, 0x8d, 0xf4][..],
        &senc[8..],
    ];
    let sizes = full(b"saiz", 0, 1, &[b"cenc".to_vec(), words(&[0]), vec![22], words(&[2])].concat());
    // In front stand the headers, tfhd, tfdt and a run of two samples; after come saiz, saio and the head of a box.
    let place = |record: usize| full(b"saio", 0, 1, &[b"cenc".to_vec(), words(&[0, 1, record as u32])].concat());
    let before = 8 + 16 + 8 + 16 + 20 + (20 + 32) + sizes.len() + place(0).len() + 8;
    let apart = [sizes, place(before), boxed(b"free", &[vectors(1), vectors(2)].concat())].concat();
    let group = |entry: Vec<u8>| [(entry.len() as u32).to_be_bytes().to_vec(), entry].concat();
    let clear = group([vec![0; 4], vec![0; 16]].concat());
    let other = group([vec![0, 0x19, 1, 0], vec![4; 16], vec![8], vec![2; 8]].concat());
    let groups = full(b"sgpd", 1, 0, &[b"seig".to_vec(), words(&[0, 2]), clear, other].concat());
    let runs = full(b"sbgp", 0, 0, &[b"seig".to_vec(), words(&[2, 1, 0x1_0001, 1, 0x1_0002])].concat());
    let mut found = String::new();
    for (name, protection, boxes) in [
        ("senc", cenc, senc.clone()),
        ("piff", cenc, boxed(b"uuid", &piff.concat())),
        ("saio", cenc, apart),
        ("groups", cbcs, [groups, runs].concat()),
    ] {
        let track = testmux::TestTrack { protection: Some(protection), media_time: 512, empty_edit: 40, ..VIDEO };
        let head = testmux::init(&[track]);
        let init = crate::container::read_init(head.clone()).unwrap();
        let fragment = testmux::TestFragment { track: 1, sequence: 1, base_decode_time: 512, boxes: &boxes };
        let media = fragment.build(&[(512, 10, true, 0), (512, 10, false, 512)], &[7; 20]);
        found.push_str(&bytes_record(&format!("{name}, init"), &head, 700, |bytes| {
            crate::container::read_init(Bytes::copy_from_slice(bytes))
        }));
        found.push_str(&bytes_record(&format!("{name}, media"), &media, 700, |bytes| {
            super::read(Some(&init), &Bytes::copy_from_slice(bytes), 50)
        }));
    }
    let tables = |place: u32| {
        [
            table(b"stts", &[3, 2, 100, 2, 50, 1, 0]),
            table(b"ctts", &[2, 3, 10, 1, 0xffff_ffec]),
            table(b"stss", &[2, 1, 4]),
            table(b"stsc", &[2, 1, 2, 1, 3, 1, 1]),
            table(b"stsz", &[0, 5, 1, 2, 3, 1, 2]),
            table(b"stco", &[3, place, place + 3, place + 8]),
        ]
        .concat()
    };
    let file = progressive(VIDEO, tables, b"ABBCCCD_EE");
    found.push_str(&bytes_record("tables", &file, 900, |bytes| facts(&Bytes::copy_from_slice(bytes), VIDEO, 64)));
    found.push_str(&bytes_record("report", &file, 900, crate::container::describe_samples));
    compare(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/changed-boxes.txt"), &found);
}
