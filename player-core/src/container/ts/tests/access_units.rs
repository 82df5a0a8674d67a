//! Access units of a byte stream of pictures: their lengths, what a jump forgets, and what waits for parameter sets.

use super::super::clock::Stamp;
use super::super::psi::Sections;
use super::super::video::annexb::VideoReader;
use super::super::video::h264::H264;
use super::*;
use crate::container::elementary::{Piece, Unit};

const DELIMITER: &[u8] = &[9, 0xf0];

fn reader() -> VideoReader {
    VideoReader::new(Box::new(H264::default()), None)
}

/// Pushes a picture of these times in milliseconds; the first one of a stream brings its parameter sets.
fn push(reader: &mut VideoReader, (pts, dts): (i64, i64), sets: bool, picture: &[u8]) -> Vec<Piece> {
    reader.mark(Stamp { pts: pts * 90, dts: dts * 90 });
    let nals: &[&[u8]] = if sets { &[DELIMITER, SPS, PPS, picture] } else { &[DELIMITER, picture] };
    let mut pieces = Vec::new();
    reader.push(&byte_stream(nals), &mut pieces).unwrap();
    pieces
}

fn finish(reader: &mut VideoReader) -> Vec<Piece> {
    let mut pieces = Vec::new();
    reader.finish(&mut pieces).unwrap();
    pieces
}

fn units(pieces: Vec<Piece>) -> Vec<Unit> {
    let units = pieces.into_iter().filter_map(|piece| if let Piece::Unit(unit) = piece { Some(unit) } else { None });
    units.collect()
}

#[test]
fn pictures_last_as_long_as_their_steps_of_decoding_and_the_last_as_the_one_before() {
    // The parameter sets declare 40 ms.
    let times = [(60, 0), (120, 20), (80, 40), (100, 60)];
    let mut reader = reader();
    let mut pieces = Vec::new();
    for (number, times) in times.into_iter().enumerate() {
        let picture = slice(number == 0, 0, number as u32, number as u32 * 2, 100);
        pieces.extend(push(&mut reader, times, number == 0, &picture));
    }
    pieces.extend(finish(&mut reader));
    let lengths: Vec<_> = units(pieces).iter().map(|unit| unit.duration.as_millis()).collect();
    assert_eq!(lengths, [20; 4]);
}

#[test]
fn a_key_frame_that_a_jump_cut_off_makes_no_other_picture_one() {
    let mut reader = reader();
    push(&mut reader, (0, 0), true, &slice(true, 0, 0, 0, 100));
    // The second slice shows that the first, of a key frame, is whole.
    push(&mut reader, (40, 40), false, &slice(true, 0, 0, 0, 100));
    reader.push(&byte_stream(&[&slice(true, 1, 0, 0, 100)]), &mut Vec::new()).unwrap();
    reader.jump();
    assert_eq!(reader.held_bytes(), 0);
    push(&mut reader, (9000, 9000), false, &slice(false, 0, 1, 2, 100));
    let after = units(finish(&mut reader));
    let shape: Vec<_> = after.iter().map(|unit| (unit.pts.as_nanos() / 1_000_000, unit.key)).collect();
    assert_eq!(shape, [(9000, false)]);
}

#[test]
fn bytes_of_pictures_that_waited_for_parameter_sets_are_held_no_more_once_they_are_given() {
    let mut reader = reader();
    push(&mut reader, (0, 0), false, &slice(false, 0, 0, 0, 1000));
    let pieces = push(&mut reader, (40, 40), true, &slice(true, 0, 0, 0, 100));
    assert_eq!((units(pieces).len(), reader.waiting_units()), (0, 1));
    assert!(reader.held_bytes() > 1000);
    let pieces = finish(&mut reader);
    assert!(matches!(pieces[0], Piece::Config(_)));
    assert_eq!((units(pieces).len(), reader.waiting_units(), reader.held_bytes()), (2, 0, 0));
}

#[test]
fn pictures_that_wait_for_parameter_sets_have_a_bounded_size() {
    let mut reader = reader();
    let picture = slice(false, 0, 0, 0, 11 << 20);
    let waiting = [0, 40, 80, 120, 160].map(|at| {
        push(&mut reader, (at, at), false, &picture);
        (reader.waiting_units(), reader.is_full())
    });
    assert_eq!(waiting, [(0, false), (1, false), (2, false), (3, true), (3, true)], "three have 33 MiB");
    assert_eq!(reader.take_damage(), (0, 1), "the fourth is not given");
}

/// A section of a private table with this many bytes after its first three.
fn private(length: u16) -> Vec<u8> {
    let [high, low] = length.to_be_bytes();
    [&[0x80, high, low][..], &vec![7; usize::from(length)]].concat()
}

#[test]
fn the_end_of_a_section_may_stand_before_the_begin_of_another() {
    let mut sections = Sections::default();
    let [first, second] = [private(20), private(9)];
    assert_eq!(sections.push(&[&[0][..], &first[..15]].concat(), true), Vec::<Vec<u8>>::new());
    let rest = [&[8][..], &first[15..], &second].concat();
    assert_eq!(sections.push(&rest, true), [first, second]);
}

#[test]
fn a_section_longer_than_the_standard_allows_is_passed_over() {
    for (length, found) in [(4093, 1), (4094, 0)] {
        let mut sections = Sections::default();
        assert_eq!(sections.push(&[&[0][..], &private(length)].concat(), true).len(), found, "{length}");
        assert_eq!(sections.push(&[&[0][..], &private(9)].concat(), true), [private(9)], "the next one is read");
    }
}
