//! Fragments as no tidy packager writes them: several tracks in one fragment, in either order, with audio before its
//! video, B pictures, times beyond 32 bits, empty edits, and fields that come from defaults.

use std::time::Duration;

use bytes::Bytes;

use super::super::testmux::{self, SampleSpec, TestTrack, boxed, full};
use super::{AUDIO, VIDEO, read, samples};
use crate::container::{DemuxError, DemuxOutput, InitSegment, read_init};
use crate::time::MediaTime;

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// Origin of the data offsets of a fragment.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Base {
    /// Offsets count from the fragment: `default-base-is-moof`.
    Fragment,
    /// `base-data-offset`: the fragment is said to lie at this byte of its file.
    Explicit(u64),
    /// Neither: the data of the track fragment before ends where this one's begins.
    Implicit,
}

/// Samples of one track in a fragment.
#[derive(Clone, Debug)]
struct Part {
    track: u32,
    decode_time: u64,
    samples: Vec<SampleSpec>,
}

/// A fragment of several tracks.
struct Muxed<'a> {
    parts: &'a [Part],
    /// Parts in the order of their media data; track fragments stand in the order of `parts`.
    stored: &'a [usize],
    base: Base,
}

impl Muxed<'_> {
    fn payload(part: &Part) -> Vec<u8> {
        let each = part.samples.iter().enumerate();
        each.flat_map(|(index, sample)| testmux::payload(part.track, 1, index, sample.1)).collect()
    }

    fn moof(&self, length: u32) -> Vec<u8> {
        let mut moof = full(b"mfhd", 0, 0, &words(&[1]));
        for (number, part) in self.parts.iter().enumerate() {
            let before = self.stored.iter().take_while(|stored| **stored != number);
            let place = 8 + length + before.map(|other| Self::payload(&self.parts[*other]).len() as u32).sum::<u32>();
            let mut traf = match self.base {
                Base::Fragment => full(b"tfhd", 0, 0x2_0000, &words(&[part.track])),
                Base::Explicit(base) => {
                    full(b"tfhd", 0, 1, &[words(&[part.track]), base.to_be_bytes().to_vec()].concat())
                }
                Base::Implicit => full(b"tfhd", 0, 0, &words(&[part.track])),
            };
            traf.extend(full(b"tfdt", 1, 0, &part.decode_time.to_be_bytes()));
            let mut run = words(&[part.samples.len() as u32]);
            let has_offset = self.base != Base::Implicit;
            if has_offset {
                run.extend(words(&[place]));
            }
            for (duration, size, key, offset) in &part.samples {
                let flags = if *key { 0x0200_0000 } else { 0x0101_0000 };
                run.extend(words(&[*duration, *size, flags, offset.cast_unsigned()]));
            }
            traf.extend(full(b"trun", 1, 0xf00 | u32::from(has_offset), &run));
            moof.extend(boxed(b"traf", &traf));
        }
        boxed(b"moof", &moof)
    }

    fn build(&self) -> Bytes {
        let length = self.moof(0).len() as u32;
        let mut out = self.moof(length);
        let media: Vec<u8> = self.stored.iter().flat_map(|part| Self::payload(&self.parts[*part])).collect();
        out.extend(boxed(b"mdat", &media));
        out.into()
    }
}

/// Beyond 32 bits of ticks in every timescale here.
const LATE: u64 = (1 << 35) + 7;

fn parts() -> Vec<Part> {
    // I B B P: decoded in another order than presented, of unequal lengths.
    let video = vec![(512, 40, true, 512), (500, 7, false, 1536), (524, 3, false, -12), (512, 90, false, 0)];
    let audio = vec![(1024, 11, true, 0), (960, 0, true, 0), (1024, 13, true, 0)];
    vec![Part { track: 1, decode_time: LATE, samples: video }, Part { track: 2, decode_time: LATE * 3, samples: audio }]
}

/// Asserts that the samples of a part are the same after reading.
fn assert_part(outputs: &[DemuxOutput], part: &Part, timescale: u32, what: &str) {
    let found = samples(outputs, part.track);
    assert_eq!(found.len(), part.samples.len(), "{what}");
    let mut clock = part.decode_time.cast_signed();
    for (index, (sample, (duration, size, key, offset))) in found.iter().zip(&part.samples).enumerate() {
        assert_eq!(sample.dts, MediaTime::from_ticks(clock, timescale), "{what}, sample {index}");
        assert_eq!(sample.pts, MediaTime::from_ticks(clock + i64::from(*offset), timescale), "{what}, sample {index}");
        let expected = crate::time::duration_from_ticks(u64::from(*duration), timescale);
        assert_eq!(sample.duration, expected, "{what}, sample {index}");
        assert_eq!(sample.key, *key, "{what}, sample {index}");
        assert_eq!(sample.payload.0, testmux::payload(part.track, 1, index, *size), "{what}, sample {index}");
        clock += i64::from(*duration);
    }
}

#[test]
fn two_tracks_come_out_alike_in_whatever_order_they_are_declared_and_stored() {
    let init = read_init(testmux::init(&[VIDEO, AUDIO])).unwrap();
    let (forward, mut backward) = (parts(), parts());
    backward.reverse();
    for parts in [forward, backward] {
        for stored in [[0, 1], [1, 0]] {
            for base in [Base::Fragment, Base::Explicit(0), Base::Explicit(3_000_000_000), Base::Implicit] {
                if base == Base::Implicit && stored == [1, 0] {
                    continue;
                }
                let media = Muxed { parts: &parts, stored: &stored, base }.build();
                for size in [1, 13, media.len()] {
                    let what = format!("{} first, stored {stored:?}, {base:?}, pieces of {size}", parts[0].track);
                    let outputs = read(Some(&init), &media, size).unwrap_or_else(|error| panic!("{what}: {error}"));
                    for part in &parts {
                        assert_part(&outputs, part, if part.track == 1 { 12_800 } else { 48_000 }, &what);
                    }
                }
            }
        }
    }
}

#[test]
fn audio_that_is_stored_first_comes_out_before_its_video_has_arrived() {
    let init = read_init(testmux::init(&[VIDEO, AUDIO])).unwrap();
    let parts = parts();
    let media = Muxed { parts: &parts, stored: &[1, 0], base: Base::Fragment }.build();
    let video: usize = parts[0].samples.iter().map(|sample| sample.1 as usize).sum();
    let mut demuxer = crate::container::demuxer(crate::model::ContainerFormat::Fmp4, Some(&init)).unwrap();
    let outputs = demuxer.push(media.slice(..media.len() - video)).unwrap();
    assert_eq!((samples(&outputs, 1).len(), samples(&outputs, 2).len()), (0, 3));
    let outputs = demuxer.push(media.slice(media.len() - video..)).unwrap();
    assert_eq!((samples(&outputs, 1).len(), samples(&outputs, 2).len()), (4, 0));
    demuxer.finish().unwrap();
}

/// Puts an edit list into the only track of an initialisation segment, after its header.
fn with_edits(track: TestTrack, version: u8, edits: &[(u64, i64)]) -> InitSegment {
    let mut list = words(&[edits.len() as u32]);
    for (duration, media_time) in edits {
        if version > 0 {
            list.extend(duration.to_be_bytes());
            list.extend(media_time.to_be_bytes());
        } else {
            list.extend(words(&[*duration as u32, *media_time as u32]));
        }
        list.extend(words(&[0x1_0000]));
    }
    let edts = boxed(b"edts", &full(b"elst", version, 0, &list));
    let mut bytes = testmux::init(&[track]).to_vec();
    let find = |bytes: &[u8], kind: &[u8; 4]| bytes.windows(4).position(|four| four == kind).unwrap() - 4;
    let size = |bytes: &[u8], at: usize| u32::from_be_bytes(*bytes[at..].first_chunk().unwrap());
    let header = find(&bytes, b"tkhd");
    let end = header + size(&bytes, header) as usize;
    bytes.splice(end..end, edts.iter().copied());
    for kind in [b"moov", b"trak"] {
        let at = find(&bytes, kind);
        let grown = size(&bytes, at) + edts.len() as u32;
        bytes[at..at + 4].copy_from_slice(&grown.to_be_bytes());
    }
    read_init(bytes.into()).unwrap()
}

#[test]
fn empty_edits_delay_a_track_and_the_first_other_edit_cuts_it() {
    let first = |version: u8, edits: &[(u64, i64)]| {
        let init = with_edits(AUDIO, version, edits);
        let media = testmux::segment(2, 1, 4800, &[(960, 8, true, 0), (960, 8, true, 480)]);
        let found = samples(&read(Some(&init), &media, 19).unwrap(), 2);
        assert_eq!(found[1].pts.as_nanos() - found[0].pts.as_nanos(), 30_000_000);
        assert_eq!(found[1].dts.as_nanos() - found[0].dts.as_nanos(), 20_000_000, "both clocks move together");
        found[0].pts.as_nanos()
    };
    for version in [0, 1] {
        assert_eq!(first(version, &[]), 100_000_000);
        assert_eq!(first(version, &[(9000, 960)]), 80_000_000);
        assert_eq!(first(version, &[(250, -1), (9000, 960)]), 330_000_000);
        assert_eq!(first(version, &[(250, -1), (1000, -1), (9000, 0)]), 1_350_000_000);
        assert_eq!(first(version, &[(250, -1), (9000, 960), (500, -1), (9000, 0)]), 330_000_000, "the rest is ignored");
        assert_eq!(first(version, &[(40, -1)]), 140_000_000, "a track of an empty edit only is delayed");
    }
    let wide = 1_i64 << 33;
    let init = with_edits(AUDIO, 1, &[(u64::from(u32::MAX) + 2, -1), (9000, wide)]);
    let media = testmux::segment(2, 1, wide.cast_unsigned(), &[(960, 8, true, 0)]);
    let found = samples(&read(Some(&init), &media, 1000).unwrap(), 2);
    assert_eq!(found[0].pts.as_nanos(), (i64::from(u32::MAX) + 2) * 1_000_000);
}

#[test]
fn the_timescale_of_a_movie_header_of_either_version_measures_empty_edits() {
    let plain = testmux::init(&[TestTrack { empty_edit: 250, ..AUDIO }]);
    let start = plain.windows(4).position(|four| four == b"mvhd").unwrap() - 4;
    // Version 1: creation, modification and duration have 64 bits.
    let header = full(b"mvhd", 1, 0, &[words(&[0, 7, 0, 8, 500, 0, 9]), vec![0; 80]].concat());
    let mut wide = plain.to_vec();
    wide.splice(start..start + 108, header.iter().copied());
    let moov = start - 8;
    let size = u32::from_be_bytes(*wide[moov..].first_chunk().unwrap()) + header.len() as u32 - 108;
    wide[moov..moov + 4].copy_from_slice(&size.to_be_bytes());
    for (bytes, nanos) in [(plain, 250_000_000), (wide.into(), 500_000_000)] {
        let init = read_init(bytes).unwrap();
        let media = testmux::segment(2, 1, 0, &[(960, 8, true, 0)]);
        assert_eq!(samples(&read(Some(&init), &media, 1000).unwrap(), 2)[0].pts.as_nanos(), nanos);
    }
}

/// A fragment of track 1 made of bare boxes: `traf` follows `tfhd`, `media` is its data.
fn bare(header: &[u8], traf: impl Fn(u32) -> Vec<u8>, between: &[u8], media: &[u8]) -> Bytes {
    let build = |offset: u32| {
        let moof = [full(b"mfhd", 0, 0, &words(&[1])), boxed(b"traf", &[header, &traf(offset)].concat())].concat();
        boxed(b"moof", &moof)
    };
    let length = build(0).len();
    let mut out = build((length + between.len() + 8) as u32);
    out.extend(between);
    out.extend(boxed(b"mdat", media));
    out.into()
}

fn facts(outputs: &[DemuxOutput]) -> Vec<(i64, i64, u64, bool, Vec<u8>)> {
    let ticks = |time: MediaTime| time.as_nanos() * 128 / 10_000_000;
    samples(outputs, 1)
        .iter()
        .map(|s| (ticks(s.dts), ticks(s.pts), s.duration.as_micros() as u64, s.key, s.payload.0.to_vec()))
        .collect()
}

#[test]
fn what_a_run_does_not_say_comes_from_its_header_and_from_the_movie() {
    let mut init = testmux::init(&[VIDEO]).to_vec();
    let trex = init.windows(4).position(|four| four == b"trex").unwrap();
    // Defaults of the movie: 1280 ticks, 2 bytes, not a key frame.
    init[trex + 16..trex + 28].copy_from_slice(&words(&[1280, 2, 0x0101_0000]));
    let init = read_init(init.into()).unwrap();
    let plain = |offset: u32| full(b"trun", 0, 0x1, &words(&[2, offset]));
    let header = full(b"tfhd", 0, 0x2_0000, &words(&[1]));
    let media = bare(&header, plain, &[], b"abcd");
    let found = facts(&read(Some(&init), &media, 7).unwrap());
    assert_eq!(found, [(0, 0, 100_000, false, b"ab".to_vec()), (1280, 1280, 100_000, false, b"cd".to_vec())]);

    // Defaults of the header: 128 ticks, one byte, a key frame.
    let header = full(b"tfhd", 0, 0x2_0038, &words(&[1, 128, 1, 0x0200_0000]));
    let media = bare(&header, plain, &boxed(b"free", b"padding"), b"ab");
    let found = facts(&read(Some(&init), &media, 7).unwrap());
    assert_eq!(found, [(0, 0, 10_000, true, b"a".to_vec()), (128, 128, 10_000, true, b"b".to_vec())]);

    // The first sample has its own flags; a second run goes on after the first; a composition offset of version 0.
    let runs = |offset: u32| {
        let first = full(b"trun", 0, 0x5, &words(&[2, offset, 0x0200_0000]));
        let tfdt = full(b"tfdt", 0, 0, &words(&[0x9000_0000]));
        [tfdt, first, full(b"trun", 0, 0xa00, &words(&[2, 3, 256, 1, 0]))].concat()
    };
    let header = full(b"tfhd", 0, 0x2_0000, &words(&[1]));
    let media = bare(&header, runs, &[], b"aabbcccd");
    let found = facts(&read(Some(&init), &media, 7).unwrap());
    let start = 0x9000_0000_i64;
    assert_eq!(
        found,
        [
            (start, start, 100_000, true, b"aa".to_vec()),
            (start + 1280, start + 1280, 100_000, false, b"bb".to_vec()),
            (start + 2560, start + 2816, 100_000, false, b"ccc".to_vec()),
            (start + 3840, start + 3840, 100_000, false, b"d".to_vec()),
        ]
    );
}

#[test]
fn fragments_without_a_time_follow_each_other_and_a_last_sample_without_length_takes_that_of_the_one_before() {
    let init = read_init(testmux::init(&[VIDEO])).unwrap();
    let header = full(b"tfhd", 0, 0x2_0000, &words(&[1]));
    let run = |offset: u32| full(b"trun", 0, 0x301, &words(&[2, offset, 1280, 1, 0, 1]));
    let timed = |offset: u32| [full(b"tfdt", 0, 0, &words(&[500])), run(offset)].concat();
    let media = [bare(&header, timed, &[], b"ab"), bare(&header, run, &[], b"cd")].concat();
    let found = facts(&read(Some(&init), &media.into(), 7).unwrap());
    let times: Vec<_> = found.iter().map(|fact| (fact.0, fact.2)).collect();
    assert_eq!(times, [(500, 100_000), (1780, 100_000), (1780, 100_000), (3060, 100_000)]);
    let movie = testmux::init(&[VIDEO]);
    let twice = [&movie[..], &bare(&header, timed, &[], b"ab"), &movie, &bare(&header, run, &[], b"cd")].concat();
    let found = facts(&read(None, &twice.into(), 7).unwrap());
    let times: Vec<_> = found.iter().map(|fact| fact.0).collect();
    assert_eq!(times, [500, 1780, 0, 1280], "another movie begins at zero");
}

#[test]
fn a_sound_entry_of_the_standards_first_version_has_no_fields_of_quicktime() {
    let plain = testmux::init(&[AUDIO]);
    let find = |kind: &[u8; 4]| plain.windows(4).position(|four| four == kind).unwrap();
    let (table, entry) = (find(b"stsd"), find(b"mp4a"));
    let config = |bytes: &[u8]| read_init(bytes.to_vec().into()).map(|init| init.tracks[0].config.as_ref().clone());
    let expected = config(&plain).unwrap();
    // ISO/IEC 14496-12 §12.2.3: version 1 of both.
    let mut versioned = plain.to_vec();
    versioned[table + 4] = 1;
    versioned[entry + 4 + 8 + 1] = 1;
    assert_eq!(config(&versioned).unwrap(), expected);
}

#[test]
fn samples_must_lie_inside_the_media_data() {
    let init = read_init(testmux::init(&[VIDEO])).unwrap();
    let header = full(b"tfhd", 0, 0x2_0000, &words(&[1]));
    let run = |shift: i32, size: u32| {
        let traf = move |offset: u32| full(b"trun", 0, 0x301, &words(&[1, offset.wrapping_add_signed(shift), 1, size]));
        read(Some(&init), &bare(&header, traf, &[], b"abcd"), 9).map(|outputs| samples(&outputs, 1).len())
    };
    assert_eq!(run(0, 4), Ok(1));
    assert_eq!(run(2, 2), Ok(1));
    assert_eq!(run(4, 0), Ok(1), "an empty sample at the very end");
    assert!(matches!(run(0, 5), Err(DemuxError::Malformed { .. })), "beyond the end");
    assert!(matches!(run(-1, 2), Err(DemuxError::Malformed { .. })), "before the beginning");
    assert!(matches!(run(5, 1), Err(DemuxError::Truncated { .. } | DemuxError::Malformed { .. })), "behind all data");
    let overlap = |offset: u32| {
        let second = full(b"trun", 0, 0x301, &words(&[1, offset + 1, 1, 2]));
        [full(b"trun", 0, 0x301, &words(&[1, offset, 1, 2])), second].concat()
    };
    let outputs = read(Some(&init), &bare(&header, overlap, &[], b"abcd"), 9);
    assert!(matches!(outputs, Err(DemuxError::Malformed { .. })), "{outputs:?}");
    let lasts = read(Some(&init), &testmux::segment(1, 1, 0, &[(512, 4, true, 0)]), 9).unwrap();
    assert_eq!(samples(&lasts, 1)[0].duration, Duration::from_millis(40));
}

#[test]
fn the_matrix_of_a_track_turns_its_pictures_by_quarters() {
    let one = 0x1_0000_u32;
    let minus = one.wrapping_neg();
    for (matrix, rotation) in [
        ([one, 0, 0, one], 0),
        ([0, one, minus, 0], 90),
        ([minus, 0, 0, minus], 180),
        ([0, minus, one, 0], 270),
        ([minus, 0, 0, one], 0),
    ] {
        let mut bytes = testmux::init(&[VIDEO]).to_vec();
        // Version and flags, five words, and sixteen bytes lie between the header of the box and the matrix.
        let at = bytes.windows(4).position(|four| four == b"tkhd").unwrap() + 4 + 4 + 20 + 16;
        for (place, value) in [0, 1, 3, 4].into_iter().zip(matrix) {
            bytes[at + place * 4..at + place * 4 + 4].copy_from_slice(&value.to_be_bytes());
        }
        let init = read_init(bytes.into()).unwrap();
        assert_eq!(init.tracks[0].config.rotation, rotation, "{matrix:x?}");
    }
}

#[test]
fn a_pixel_is_as_wide_and_high_as_its_box_says() {
    for (spacing, aspect) in [((4, 3), Some((4, 3))), ((1, 2), Some((1, 2))), ((0, 1), None), ((1, 0), None)] {
        let pasp = boxed(b"pasp", &words(&[spacing.0, spacing.1]));
        let mut bytes = testmux::init(&[VIDEO]).to_vec();
        let find = |bytes: &[u8], kind: &[u8; 4]| bytes.windows(4).position(|four| four == kind).unwrap() - 4;
        let size = |bytes: &[u8], at: usize| u32::from_be_bytes(*bytes[at..].first_chunk().unwrap());
        let entry = find(&bytes, b"avc1");
        let end = entry + size(&bytes, entry) as usize;
        bytes.splice(end..end, pasp.iter().copied());
        for kind in [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"] {
            let at = find(&bytes, kind);
            let grown = size(&bytes, at) + pasp.len() as u32;
            bytes[at..at + 4].copy_from_slice(&grown.to_be_bytes());
        }
        let init = read_init(bytes.into()).unwrap();
        let found = init.tracks[0].config.pixel_aspect.map(|aspect| (aspect.horizontal, aspect.vertical));
        assert_eq!(found, aspect, "{spacing:?}");
    }
}
