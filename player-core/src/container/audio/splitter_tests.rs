//! What a splitter forgets at a jump and after damage, and the times that it counts.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::container::ts::testmux::adts;

/// Time in milliseconds and size of each frame.
fn frames(pieces: &[Piece]) -> Vec<(i64, usize)> {
    let units = pieces.iter().filter_map(|piece| match piece {
        Piece::Unit(unit) => Some((unit.pts.as_nanos() / 1_000_000, unit.payload.len())),
        Piece::Config(_) | Piece::Tag(..) => None,
    });
    units.collect()
}

fn push(splitter: &mut FrameSplitter, at: Option<i64>, bytes: &[u8]) -> Vec<(i64, usize)> {
    if let Some(at) = at {
        splitter.mark(Stamp { pts: at * 90, dts: at * 90 });
    }
    let mut pieces = Vec::new();
    splitter.push(bytes, &mut pieces).unwrap();
    frames(&pieces)
}

fn finish(splitter: &mut FrameSplitter) -> Vec<(i64, usize)> {
    let mut pieces = Vec::new();
    splitter.finish(&mut pieces).unwrap();
    frames(&pieces)
}

#[test]
fn after_a_jump_the_frames_of_a_transport_stream_wait_for_a_time() {
    let mut splitter = FrameSplitter::new(Format::Adts, None);
    let two = [adts(40, 1), adts(50, 2)].concat();
    assert_eq!(push(&mut splitter, Some(1000), &two), [(1000, 40), (1021, 50)]);
    splitter.jump();
    assert_eq!(push(&mut splitter, None, &two), [], "no time is known");
    assert_eq!(push(&mut splitter, Some(7000), &two), [(7000, 40), (7021, 50)]);
}

#[test]
fn a_frame_that_waits_for_dependent_ones_is_forgotten_at_a_jump() {
    let frame = |fill: u8| {
        let mut frame = vec![fill; 64];
        frame[..6].copy_from_slice(&[0x0b, 0x77, 0, 31, 0x3f, 0x80]);
        frame
    };
    let mut splitter = FrameSplitter::new(Format::Ac3, None);
    assert_eq!(push(&mut splitter, Some(1000), &[frame(1), frame(2)].concat()), [(1000, 64)]);
    assert_eq!(splitter.held_bytes(), 64);
    splitter.jump();
    assert_eq!(splitter.held_bytes(), 0);
    assert_eq!(push(&mut splitter, Some(7000), &[frame(3), frame(4)].concat()), [(7000, 64)]);
    assert_eq!(finish(&mut splitter), [(7032, 64)]);
}

#[test]
fn times_of_packed_audio_go_on_in_the_next_segment_only_after_a_tag() {
    for (tag, expected) in [(None, 0), (Some(90_000), 1042)] {
        let mut splitter = FrameSplitter::packed(None);
        let tag = tag.map(id3::tests::timestamp_tag).unwrap_or_default();
        let two = [adts(40, 1), adts(50, 2)].concat();
        push(&mut splitter, None, &[&tag[..], &two].concat());
        finish(&mut splitter);
        splitter.begin_segment(true);
        assert_eq!(push(&mut splitter, None, &two)[0].0, expected, "{expected}");
    }
}

#[test]
fn after_damage_a_header_counts_once_another_one_follows_its_frame() {
    // A header of ADTS for 27 bytes, after which no other one stands.
    let wrong = &adts(20, 0x55)[..];
    let bytes = [&adts(40, 1)[..], &adts(50, 2), &[0; 3], wrong, &[0; 40], &adts(60, 3), &adts(70, 4)].concat();
    let mut splitter = FrameSplitter::new(Format::Adts, None);
    let mut found = push(&mut splitter, Some(1000), &bytes);
    found.extend(finish(&mut splitter));
    assert_eq!(found.iter().map(|(_, size)| *size).collect::<Vec<_>>(), [40, 50, 60, 70]);
}

#[test]
fn frames_of_a_multiplex_without_times_of_their_own_follow_one_another() {
    // AAC-LC at 48 kHz in stereo (ISO/IEC 14496-3 §1.7.3), and a frame of one byte.
    let specific = "00010 0011 0010 0 0 0";
    let bits = format!("0 0 1 000000 0000 000 {specific} 000 11111111 0 0 00000001 10101010").replace(' ', "");
    let element: Vec<u8> = bits
        .as_bytes()
        .chunks(8)
        .map(|bits| bits.iter().enumerate().fold(0, |byte, (at, bit)| byte | (bit - b'0') << (7 - at)))
        .collect();
    let framed = [&[0x56, 0xe0, element.len() as u8][..], &element].concat();
    let mut splitter = FrameSplitter::new(Format::Loas, None);
    let mut found = push(&mut splitter, Some(1000), &framed.repeat(3));
    found.extend(finish(&mut splitter));
    assert_eq!(found, [(1000, 1), (1021, 1), (1042, 1)]);
}
