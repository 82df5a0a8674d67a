//! Damaged streams, and streams in pieces: no panic, and the same outcome however they arrive.

use super::*;
use crate::container::describe_samples;

/// Initialisation data, pictures and sound.
type Flat = (Vec<InitSegment>, Vec<Sample>, Vec<Sample>);

/// Everything but the grouping of samples, which follows the pieces.
fn flat(read: &Read) -> Result<Flat, DemuxError> {
    let outputs = read.clone()?;
    Ok((inits(&outputs), samples(&outputs, VIDEO), samples(&outputs, SOUND)))
}

#[test]
fn the_size_of_pieces_changes_nothing() {
    let bytes = film(90_000).bytes;
    let whole = flat(&read(&bytes, bytes.len(), None));
    assert!(whole.as_ref().is_ok_and(|(_, pictures, _)| pictures.len() == 10));
    for piece in (1..400).chain([1000, 4096]) {
        assert_eq!(flat(&read(&bytes, piece, None)), whole, "{piece}");
    }
}

#[test]
fn every_cut_is_borne() {
    let bytes = film(90_000).bytes;
    let mut most = 0;
    for length in (0..bytes.len()).step_by(7) {
        let pictures = flat(&read(&bytes[..length], bytes.len(), None)).map_or(0, |(_, pictures, _)| pictures.len());
        assert!(pictures >= most, "{length}: {pictures} pictures, {most} before");
        most = pictures;
        let _ = describe_samples(&bytes[..length]);
    }
    assert_eq!(most, 10);
}

#[test]
fn wrong_bytes_are_borne() {
    let bytes = film(90_000).bytes;
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for round in 0..300 {
        let mut damaged = bytes.clone();
        for _ in 0..1 + round % 20 {
            let (place, value) = (random(damaged.len()), random(256));
            damaged[place] = value as u8;
        }
        if round % 5 == 0 {
            let start = random(damaged.len() - 400);
            damaged.drain(start..start + 1 + random(300));
        }
        let whole = flat(&read(&damaged, damaged.len(), None));
        assert_eq!(flat(&read(&damaged, 1 + random(500), None)), whole, "round {round}");
        let _ = describe_samples(&damaged);
    }
}
