//! Packed audio, made by hand.
#![expect(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;

use super::id3::tests::{tag, timestamp_tag};
use crate::container::{
    CarriedState, Codec, DemuxError, DemuxOutput, DemuxSetup, InitSegment, MediaClock, Sample, SampleKey,
    describe_samples, open,
};
use crate::model::ContainerFormat;
use crate::time::MediaTime;

fn adts(size: usize, fill: u8) -> Vec<u8> {
    crate::container::ts::testmux::adts(size, fill)
}

type Read = (Vec<InitSegment>, Vec<Sample>, usize);

fn read(bytes: &[u8], piece: usize, key: Option<SampleKey>) -> Result<Read, DemuxError> {
    let mut setup = DemuxSetup::new(ContainerFormat::PackedAudio, None);
    setup.sample_key = key;
    let mut demuxer = open(&setup)?;
    let mut outputs = Vec::new();
    for piece in bytes.chunks(piece) {
        outputs.extend(demuxer.push(Bytes::copy_from_slice(piece))?);
    }
    outputs.extend(demuxer.finish()?);
    let mut read = (Vec::new(), Vec::new(), 0);
    for output in outputs {
        match output {
            DemuxOutput::Init(init) => read.0.push(init.as_ref().clone()),
            DemuxOutput::Fragment(fragment) => read.1.extend(fragment.samples),
            DemuxOutput::Metadata(events) => read.2 += events.len(),
            DemuxOutput::Protection(_)
            | DemuxOutput::Cues { .. }
            | DemuxOutput::Captions(_)
            | DemuxOutput::Damage(_)
            | DemuxOutput::Tail(_) => {
                unreachable!("sound only")
            }
        }
    }
    Ok(read)
}

fn mp3(fill: u8) -> Vec<u8> {
    let mut frame = vec![fill; 417];
    frame[..4].copy_from_slice(&[0xff, 0xfb, 0x90, 0x64]);
    frame
}

#[test]
fn pieces_of_any_size_give_the_frames_of_the_whole() {
    let tagged = [timestamp_tag(900_000), adts(40, 1), tag(&[(b"TIT2", b"\x03x")]), adts(50, 2), adts(60, 3)].concat();
    for bytes in [tagged, [mp3(1), mp3(2), mp3(3)].concat(), [adts(40, 1), adts(50, 2), adts(60, 3)].concat()] {
        let whole = read(&bytes, usize::MAX, None).unwrap();
        assert_eq!(whole.1.len(), 3);
        for piece in (1..20).chain([41, 97, 416, 418]) {
            assert_eq!(read(&bytes, piece, None).as_ref(), Ok(&whole), "{piece}");
        }
    }
}

#[test]
fn the_tag_gives_the_time_and_others_become_metadata() {
    let bytes = [timestamp_tag(900_000), adts(40, 1), adts(50, 2), tag(&[(b"TIT2", b"\x03x")]), adts(60, 3)].concat();
    let whole = read(&bytes, usize::MAX, None).unwrap();
    assert_eq!((whole.0.len(), whole.0[0].clock, whole.2), (1, MediaClock::Mpeg, 1));
    let ten = MediaTime::from_millis(10_000);
    let times: Vec<_> = whole.1.iter().map(|frame| frame.pts.nanos_from(ten)).collect();
    assert_eq!(times, [0, 21_333_333, 42_666_667]);
    assert_eq!(whole.1.iter().map(|frame| frame.payload.0.len()).collect::<Vec<_>>(), [40, 50, 60]);
    for piece in 1..bytes.len() {
        assert_eq!(read(&bytes, piece, None).unwrap(), whole, "{piece}");
    }
    let report = describe_samples(&bytes).unwrap();
    assert_eq!(report["tracks"][0]["samples"].as_array().map(Vec::len), Some(3));
}

#[test]
fn without_a_time_stamp_time_begins_at_zero() {
    let bytes = [mp3(1), mp3(2), mp3(3), mp3(4)[..300].to_vec()].concat();
    let (inits, frames, _) = read(&bytes, 100, None).unwrap();
    assert_eq!((inits[0].clock, inits[0].tracks[0].config.codec.clone()), (MediaClock::Absent, Codec::Mp3));
    assert_eq!(frames.iter().map(|frame| frame.pts.as_nanos()).collect::<Vec<_>>(), [0, 26_122_449, 52_244_898]);
}

#[test]
fn frames_of_another_rate_go_on_where_those_before_them_end() {
    let slower = || {
        let mut frame = adts(50, 3);
        // 44.1 kHz in place of 48 kHz.
        frame[2] = 0x50;
        frame
    };
    let bytes = [adts(40, 1), adts(40, 2), slower(), slower(), adts(40, 4)].concat();
    let (inits, frames, _) = read(&bytes, usize::MAX, None).unwrap();
    assert_eq!(inits.len(), 3, "each rate has its configuration");
    let times: Vec<_> = frames.iter().map(|frame| frame.pts.as_nanos() / 1000).collect();
    assert_eq!(times, [0, 21_333, 42_666, 65_886, 89_106]);
}

#[test]
fn what_looks_like_a_header_inside_a_frame_is_passed_over() {
    let mut first = adts(100, 1);
    first[30..34].copy_from_slice(&[0xff, 0xfb, 0x90, 0x64]);
    let bytes = [b"garbage\xff\xfb\x90\x64".to_vec(), first, adts(50, 2), adts(50, 3)].concat();
    assert_eq!(read(&bytes, usize::MAX, None).unwrap().1.len(), 3);
}

#[test]
fn enhanced_frames_take_their_dependent_ones_along() {
    let frame = |kind: u8, fill: u8| {
        let mut frame = vec![fill; 64];
        frame[..6].copy_from_slice(&[0x0b, 0x77, kind << 6, 31, 0x3f, 0x80]);
        frame
    };
    let bytes = [frame(0, 1), frame(1, 2), frame(0, 3), frame(1, 4)].concat();
    let (inits, frames, _) = read(&bytes, 33, None).unwrap();
    assert_eq!(inits[0].tracks[0].config.codec, Codec::Eac3);
    assert_eq!(frames.iter().map(|frame| frame.payload.0.len()).collect::<Vec<_>>(), [128, 128]);
    let key = SampleKey { key_id: [1; 16], iv: [2; 16] };
    let (_, frames, _) = read(&bytes, 33, Some(key)).unwrap();
    let parts = &frames[0].crypto.as_ref().unwrap().subsamples;
    assert_eq!(parts.iter().map(|part| (part.clear, part.encrypted)).collect::<Vec<_>>(), [(16, 48), (16, 48)]);
}

#[test]
fn plain_frames_are_found_among_enhanced_ones_that_depend_on_them() {
    // 64 kbit/s at 48 kHz in stereo: 256 bytes.
    let mut core = vec![1; 256];
    core[..8].copy_from_slice(&[0x0b, 0x77, 0, 0, 8, 0x40, 0x40, 0]);
    let mut dependent = vec![2; 64];
    dependent[..6].copy_from_slice(&[0x0b, 0x77, 1 << 6, 31, 0x3f, 0x80]);
    let sizes = |frames: &[&[u8]]| {
        let (inits, frames, _) = read(&frames.concat(), 100, None).unwrap();
        let codec = inits[0].tracks[0].config.codec.clone();
        (codec, frames.iter().map(|frame| frame.payload.0.len()).collect::<Vec<_>>())
    };
    assert_eq!(sizes(&[&core, &core]), (Codec::Ac3, vec![256, 256]));
    // A decoder of AC-3 has no use for the enhancement.
    assert_eq!(sizes(&[&core, &dependent, &core, &dependent]), (Codec::Ac3, vec![256, 256]));
}

#[test]
fn an_extension_of_dts_belongs_to_the_core_before_it() {
    use super::splitter::FrameSplitter;
    use crate::container::elementary::Piece;
    use crate::container::ts::clock::Stamp;
    // 96 bytes of 512 samples at 48 kHz, and an extension substream of 16 bytes.
    let core = [&[0x7f, 0xfe, 0x80, 0x01, 0xfc, 0x3c, 0x05, 0xff, 0xf4][..], &[0; 87]].concat();
    let extension = [&[0x64, 0x58, 0x20, 0x25, 0, 0, 0, 0x01, 0xe0][..], &[0; 7]].concat();
    let sizes = |bytes: &[u8]| {
        let mut splitter = FrameSplitter::new(super::header::Format::Dts, None);
        splitter.mark(Stamp { pts: 90_000, dts: 90_000 });
        let mut pieces = Vec::new();
        splitter.push(bytes, &mut pieces).unwrap();
        splitter.finish(&mut pieces).unwrap();
        let units = pieces.into_iter().filter_map(|piece| match piece {
            Piece::Unit(unit) => Some((unit.pts.as_nanos() / 1_000_000, unit.payload.len())),
            Piece::Config(_) | Piece::Tag(..) => None,
        });
        units.collect::<Vec<_>>()
    };
    let twice = [&core[..], &extension, &core, &extension].concat();
    assert_eq!(sizes(&twice), [(1000, 112), (1010, 112)]);
    assert_eq!(sizes(&[&core[..], &core].concat()), [(1000, 96), (1010, 96)]);
    assert_eq!(sizes(&[&extension[..], &extension].concat()), [(1000, 16), (1010, 16)], "alone it is a unit");
}

#[test]
fn a_tag_has_the_time_of_the_first_independent_frame_after_it() {
    let frame = |kind: u8, fill: u8| {
        let mut frame = vec![fill; 64];
        frame[..6].copy_from_slice(&[0x0b, 0x77, kind << 6, 31, 0x3f, 0x80]);
        frame
    };
    let frames: Vec<u8> = (0..5).flat_map(|number| [frame(0, number), frame(1, 16 + number)].concat()).collect();
    for cut in 130..512 {
        let first = [timestamp_tag(90_000), frames[..cut].to_vec()].concat();
        let second = in_two(&first, &[timestamp_tag(900_000), frames[cut..].to_vec()].concat());
        let times: Vec<_> = second.iter().map(|frame| (frame.pts.as_nanos() + 500) / 1_000_000).collect();
        // A frame lasts 32 ms. The tag's time is that of the first access unit that begins after it; one that is cut
        // inside its independent frame has a time counted back from there.
        let begun = cut.div_ceil(128);
        let expected = (0..5).map(|number| match number.cmp(&begun) {
            std::cmp::Ordering::Less if number + 1 == begun && (1..64).contains(&(cut % 128)) => 9968,
            std::cmp::Ordering::Less => 1000 + 32 * number as i64,
            _ => 10_000 + 32 * (number - begun) as i64,
        });
        assert_eq!(times, expected.collect::<Vec<_>>(), "cut at {cut}");
        assert!(second.iter().all(|frame| frame.payload.0.len() == 128), "cut at {cut}");
    }
}

#[test]
fn a_cut_frame_continues_after_tags_of_any_size() {
    let frames: Vec<u8> = (0..6).flat_map(|number| adts(60 + usize::from(number), number)).collect();
    let whole = read(&[timestamp_tag(90_000), frames.clone()].concat(), usize::MAX, None).unwrap().1;
    let first = [timestamp_tag(90_000), frames[..100].to_vec()].concat();
    for size in [1, 20, 100, 3000] {
        let text = [&b"\x03"[..], &vec![b'x'; size]].concat();
        let second =
            in_two(&first, &[timestamp_tag(93_840), tag(&[(b"TIT2", &text)]), frames[100..].to_vec()].concat());
        let payloads = |frames: &[Sample]| frames.iter().map(|frame| frame.payload.clone()).collect::<Vec<_>>();
        assert_eq!(payloads(&second), payloads(&whole), "{size}");
    }
}

#[test]
fn damage_is_borne_and_other_data_named() {
    let bytes = [timestamp_tag(7), adts(40, 1), adts(50, 2), adts(60, 3)].concat();
    for place in 0..bytes.len() {
        for value in [0, 0xff, 0x49] {
            let mut damaged = bytes.clone();
            damaged[place] = value;
            let whole = read(&damaged, usize::MAX, None);
            assert_eq!(read(&damaged, 13, None), whole, "{place}");
        }
        let _ = read(&bytes[..place], usize::MAX, None);
    }
    let named = |bytes: &[u8]| read(bytes, usize::MAX, None).unwrap_err().to_string();
    assert_eq!(named(b"<html></html>"), "expected media, found an HTML page at byte 0");
    assert_eq!(named(&[0x11; 2000]), "expected packed audio, found unknown data at byte 0");
    assert!(matches!(read(b"ID3\x04\0\0\x7f\x7f\x7f\x7f", 3, None), Err(DemuxError::Limit { .. })));
}

/// Frames of packed audio in two segments, the second of which goes on with the state of the first.
fn in_two(first: &[u8], second: &[u8]) -> Vec<Sample> {
    let mut setup = DemuxSetup { keeps_tail: true, ..DemuxSetup::new(ContainerFormat::PackedAudio, None) };
    let mut frames = Vec::new();
    for (bytes, last) in [(first, false), (second, true)] {
        let mut demuxer = open(&setup).unwrap();
        let mut outputs = Vec::new();
        for piece in bytes.chunks(29) {
            outputs.extend(demuxer.push(Bytes::copy_from_slice(piece)).unwrap());
        }
        outputs.extend(demuxer.finish().unwrap());
        let Some(DemuxOutput::Tail(tail)) = outputs.pop() else { unreachable!("it was asked for") };
        outputs.extend(tail.outputs.into_iter().filter(|_| last));
        setup.carried = Some(CarriedState { state: tail.state, continues: true });
        let first = outputs.first();
        assert!(matches!(first, None | Some(DemuxOutput::Init(_) | DemuxOutput::Metadata(_))), "{first:?}");
        frames.extend(outputs.into_iter().flat_map(|output| match output {
            DemuxOutput::Fragment(fragment) => fragment.samples,
            _ => Vec::new(),
        }));
    }
    frames
}

#[test]
fn a_frame_may_be_split_over_two_segments() {
    let frames: Vec<u8> = (0..6).flat_map(|number| adts(60 + usize::from(number), number)).collect();
    let whole = read(&[timestamp_tag(90_000), frames.clone()].concat(), usize::MAX, None).unwrap().1;
    assert_eq!(whole.len(), 6);
    let shape = |frames: &[Sample]| frames.iter().map(|frame| frame.payload.clone()).collect::<Vec<_>>();
    for cut in 70..frames.len() {
        let first = [timestamp_tag(90_000), frames[..cut].to_vec()].concat();
        let second = in_two(&first, &frames[cut..]);
        assert_eq!(shape(&second), shape(&whole), "cut at {cut}, no tag before the rest");
        // Where a segment begins, time is counted on from whole nanoseconds.
        assert!(second.iter().zip(&whole).all(|(a, b)| a.pts.nanos_from(b.pts).abs() < 2), "cut at {cut}");
        // A tag has the time of the first frame that begins in the segment.
        let begun = whole.iter().scan(0, |end, frame| {
            let start = *end;
            *end += frame.payload.0.len() + 7;
            Some((start, frame.pts))
        });
        let Some((_, pts)) = begun.into_iter().find(|(start, _)| *start >= cut) else { continue };
        let stamp = u64::try_from(pts.as_nanos()).unwrap() * 9 / 100_000;
        let tagged = in_two(&first, &[timestamp_tag(stamp), frames[cut..].to_vec()].concat());
        assert_eq!(shape(&tagged), shape(&whole), "cut at {cut}, behind a tag");
        assert!(tagged.iter().zip(&whole).all(|(a, b)| a.pts.nanos_from(b.pts).abs() < 20_000), "cut at {cut}");
    }
}

#[test]
fn the_key_of_each_segment_encrypts_its_frames() {
    let key = |id: u8| SampleKey { key_id: [id; 16], iv: [id + 100; 16] };
    let frames: Vec<u8> = (0..4).flat_map(|number| adts(60, number)).collect();
    let mut setup = DemuxSetup { keeps_tail: true, ..DemuxSetup::new(ContainerFormat::PackedAudio, None) };
    let mut found = Vec::new();
    for id in [Some(1), Some(2), None] {
        setup.sample_key = id.map(key);
        let mut demuxer = open(&setup).unwrap();
        let mut outputs = demuxer.push(Bytes::from([timestamp_tag(90_000), frames.clone()].concat())).unwrap();
        outputs.extend(demuxer.finish().unwrap());
        let Some(DemuxOutput::Tail(tail)) = outputs.pop() else { unreachable!("it was asked for") };
        outputs.extend(tail.outputs);
        setup.carried = Some(CarriedState { state: tail.state, continues: false });
        for output in outputs {
            if let DemuxOutput::Fragment(fragment) = output {
                let crypto = fragment.samples.into_iter().map(|sample| sample.crypto);
                found.extend(crypto.map(|crypto| crypto.map(|crypto| (crypto.key_id[0], crypto.iv[0]))));
            }
        }
    }
    assert_eq!(found, [[Some((1, 101)); 4], [Some((2, 102)); 4], [None; 4]].concat());
}

#[test]
fn a_state_holds_the_bytes_of_a_frame_that_is_cut() {
    let frames: Vec<u8> = (0..4).flat_map(|number| adts(60, number)).collect();
    let setup = DemuxSetup { keeps_tail: true, ..DemuxSetup::new(ContainerFormat::PackedAudio, None) };
    let held = |more: usize| {
        let mut demuxer = open(&setup).unwrap();
        let mut outputs = demuxer.push(Bytes::copy_from_slice(&frames[..67 * 2 + more])).unwrap();
        outputs.extend(demuxer.finish().unwrap());
        let Some(DemuxOutput::Tail(tail)) = outputs.pop() else { unreachable!("it was asked for") };
        serde_json::to_value(&tail.state).unwrap().as_u64().unwrap()
    };
    let base = held(20);
    assert_eq!([held(21), held(40), held(66)], [base + 1, base + 20, base + 46]);
}
