//! Values that a file has in two places, or for two scopes: the one that counts, and the samples that it counts for.

use bytes::Bytes;

use super::super::testmux::{self, TestFragment, TestProtection, TestTrack, boxed, full};
use super::{AUDIO, VIDEO, read, samples};
use crate::container::{protection_of, read_init};
use crate::drm::KeyId;

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// Adds a box at the end of the last of these boxes, each of which lies in the one before.
fn within(file: &[u8], parents: &[&[u8; 4]], child: &[u8]) -> Bytes {
    let mut bytes = file.to_vec();
    let (mut from, mut end) = (0, 0);
    for kind in parents {
        let at = from + bytes[from..].windows(4).position(|four| four == *kind).unwrap() - 4;
        let size = u32::from_be_bytes(*bytes[at..].first_chunk().unwrap());
        bytes[at..at + 4].copy_from_slice(&(size + child.len() as u32).to_be_bytes());
        (from, end) = (at + 8, at + size as usize);
    }
    bytes.splice(end..end, child.iter().copied());
    bytes.into()
}

/// A fragment of track 1 with these boxes after its header; they get the place of the data.
fn fragment(header: &[u8], rest: impl Fn(u32) -> Vec<u8>, media: &[u8]) -> Bytes {
    let build = |place: u32| {
        let traf = boxed(b"traf", &[header, &rest(place)].concat());
        boxed(b"moof", &[full(b"mfhd", 0, 0, &words(&[1])), traf].concat())
    };
    let mut out = build(build(0).len() as u32 + 8);
    out.extend(boxed(b"mdat", media));
    out.into()
}

const KEY: u32 = 0x0200_0000;
const OTHER: u32 = 0x0101_0000;

#[test]
fn flags_of_a_sample_precede_those_of_the_first_one_of_its_run() {
    let init = read_init(testmux::init(&[VIDEO])).unwrap();
    let header = full(b"tfhd", 0, 0x2_0000, &words(&[1]));
    let keys = |flags: u32, fields: &[u32]| {
        let run = |place: u32| full(b"trun", 0, flags, &[words(&[2, place]), words(fields)].concat());
        let outputs = read(Some(&init), &fragment(&header, run, b"ab"), 9).unwrap();
        samples(&outputs, 1).iter().map(|sample| sample.key).collect::<Vec<_>>()
    };
    // Offset, sizes, and flags of the first sample, of each, or both.
    assert_eq!(keys(0x601, &[1, OTHER, 1, KEY]), [false, true]);
    assert_eq!(keys(0x605, &[KEY, 1, OTHER, 1, OTHER]), [false, false]);
    assert_eq!(keys(0x605, &[OTHER, 1, KEY, 1, KEY]), [true, true]);
    assert_eq!(keys(0x205, &[OTHER, 1, 1]), [false, true]);
}

#[test]
fn each_default_of_a_fragment_replaces_one_of_the_movie() {
    let mut init = testmux::init(&[VIDEO]).to_vec();
    let trex = init.windows(4).position(|four| four == b"trex").unwrap();
    init[trex + 16..trex + 28].copy_from_slice(&words(&[1280, 2, OTHER]));
    let init = read_init(init.into()).unwrap();
    let found = |flag: u32, value: &[u32]| {
        let header = full(b"tfhd", 0, 0x2_0000 | flag, &[words(&[1]), words(value)].concat());
        let run = |place: u32| full(b"trun", 0, 0x1, &words(&[2, place]));
        let outputs = read(Some(&init), &fragment(&header, run, b"abcdef"), 9).unwrap();
        let second = samples(&outputs, 1).remove(1);
        (second.duration.as_millis(), String::from_utf8(second.payload.0.to_vec()).unwrap(), second.key)
    };
    assert_eq!(found(0, &[]), (100, "cd".to_owned(), false));
    assert_eq!(found(0x8, &[640]), (50, "cd".to_owned(), false));
    assert_eq!(found(0x10, &[3]), (100, "def".to_owned(), false));
    assert_eq!(found(0x20, &[KEY]), (100, "cd".to_owned(), true));
    assert_eq!(found(0x30, &[1, KEY]), (100, "b".to_owned(), true));
}

#[test]
fn a_range_of_a_file_lies_where_the_first_of_its_bases_says() {
    let init = read_init(testmux::init(&[VIDEO, AUDIO])).unwrap();
    let part = |track: u32, base: u64, place: u32, size: u32| {
        let header = full(b"tfhd", 0, 1, &[words(&[track]), base.to_be_bytes().to_vec()].concat());
        let run = full(b"trun", 0, 0x301, &words(&[1, place, 512, size]));
        boxed(b"traf", &[header, run].concat())
    };
    // The second track counts from a hundred bytes further on.
    for start in [0, 5000] {
        let build = |place: u32| {
            let parts = [part(1, start, place, 3), part(2, start + 100, (place + 3).wrapping_sub(100), 4)].concat();
            boxed(b"moof", &[full(b"mfhd", 0, 0, &words(&[1])), parts].concat())
        };
        let place = build(100).len() as u32 + 8;
        let media = [build(place), boxed(b"mdat", b"abcdefg")].concat();
        let outputs = read(Some(&init), &media.into(), 9).unwrap();
        let found = [1, 2].map(|track| samples(&outputs, track)[0].payload.0.clone());
        assert_eq!(found, [&b"abc"[..], b"defg"], "at byte {start}");
    }
}

#[test]
fn a_tag_of_a_language_precedes_its_three_letters() {
    let german = testmux::init(&[TestTrack { language: *b"deu", ..AUDIO }]);
    let tagged = |tag: &[u8]| within(&german, &[b"moov", b"trak", b"mdia"], &full(b"elng", 0, 0, tag));
    let language = |file: Bytes| read_init(file).unwrap().tracks[0].language.clone();
    assert_eq!(language(german.clone()).as_deref(), Some("deu"));
    assert_eq!(language(tagged(b"de-CH\0")).as_deref(), Some("de-CH"));
    assert_eq!(language(tagged(b"gsw")).as_deref(), Some("gsw"), "without an end");
    assert_eq!(language(tagged(b"\0")).as_deref(), Some("deu"), "an empty one");
    assert_eq!(language(tagged(&[b'x'; 64])), Some("x".repeat(64)));
    assert_eq!(language(tagged(&[b'x'; 65])).as_deref(), Some("deu"), "too long");
    assert_eq!(language(tagged(b"und\0")), None);
}

/// Groups of version 0, whose entries stand one behind the other.
fn groups(entries: &[Vec<u8>]) -> Vec<u8> {
    full(b"sgpd", 0, 0, &[b"seig".to_vec(), words(&[entries.len() as u32]), entries.concat()].concat())
}

/// A group that this key encrypts, with a vector of eight bytes for all samples.
fn encrypted_with(key: u8) -> Vec<u8> {
    [vec![0, 0x19, 1, 0], vec![key; 16], vec![8], vec![key + 1; 8]].concat()
}

#[test]
fn groups_are_those_of_the_track_or_above_a_number_those_of_the_fragment() {
    let protection = TestProtection { scheme: *b"cbcs", key_id: [3; 16], iv_size: 0, pattern: (1, 9) };
    let track = TestTrack { protection: Some(protection), ..VIDEO };
    let clear = vec![0; 20];
    let of_track = groups(&[clear, encrypted_with(5)]);
    let init = within(&testmux::init(&[track]), &[b"moov", b"trak", b"mdia", b"minf", b"stbl"], &of_track);
    let told = protection_of(&init).unwrap().key_ids;
    assert_eq!(told, [KeyId([3; 16]), KeyId([5; 16])], "a clear group has no key");
    let init = read_init(init).unwrap();
    let found = |numbers: &[u32]| {
        let runs: Vec<u8> = numbers.iter().flat_map(|number| words(&[1, *number])).collect();
        let runs = [b"seig".to_vec(), words(&[numbers.len() as u32]), runs].concat();
        let boxes = [groups(&[encrypted_with(6), encrypted_with(7)]), full(b"sbgp", 0, 0, &runs)].concat();
        let fragment = TestFragment { track: 1, sequence: 1, base_decode_time: 0, boxes: &boxes };
        let media = fragment.build(&[(512, 1, true, 0); 6], &[9; 6]);
        let outputs = read(Some(&init), &media, 4096)?;
        let key = |crypto: &crate::container::SampleCrypto| (crypto.key_id[0], crypto.iv.len(), crypto.iv[0]);
        Ok(samples(&outputs, 1).iter().map(|sample| sample.crypto.as_deref().map(key)).collect::<Vec<_>>())
    };
    let expected = [None, Some((5, 8, 6)), Some((6, 8, 7)), Some((7, 8, 8)), Some((3, 16, 7)), Some((3, 16, 7))];
    assert_eq!(found(&[1, 2, 0x1_0001, 0x1_0002, 0]), Ok(expected.to_vec()));
    for missing in [3, 0x1_0003] {
        let error: crate::container::DemuxError = found(&[missing]).unwrap_err();
        assert!(error.to_string().starts_with(&format!("key group {missing} that nothing describes")), "{error}");
    }
}
