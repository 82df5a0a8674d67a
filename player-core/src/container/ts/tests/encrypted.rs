//! Sample encryption: what is told about samples, and that nothing else changes.

use super::*;
use crate::container::Subsample;

const KEY: SampleKey = SampleKey { key_id: [7; 16], iv: [9; 16] };

fn parts(sample: &Sample) -> Vec<(u32, u32)> {
    let part = |part: &Subsample| (part.clear, part.encrypted);
    sample.crypto.iter().flat_map(|crypto| &crypto.subsamples).map(part).collect()
}

fn protected() -> Vec<u8> {
    let mut mux = Mux::new(&[(0xdb, VIDEO, &[]), (0xcf, SOUND, &[])]);
    let mut picture = slice(true, 0, 0, 0, 400);
    // An emulation prevention byte of the encrypted form.
    picture[100..104].copy_from_slice(&[0, 0, 3, 1]);
    mux.packet(VIDEO, Some((0, 0)), &byte_stream(&[&[9, 0xf0], SPS, PPS, &picture]));
    mux.packet(SOUND, Some((0, 0)), &[adts(20, 1), adts(50, 2)].concat());
    mux.bytes
}

#[test]
fn encrypted_parts_are_told() {
    let outputs = read(&protected(), usize::MAX, Some(&KEY)).unwrap();
    for track in &inits(&outputs)[0].tracks {
        assert_eq!(track.config.protection_scheme, Some(*b"cbcs"));
    }
    let picture = samples(&outputs, VIDEO).remove(0);
    let crypto = picture.crypto.as_ref().unwrap();
    assert_eq!(
        (&crypto.scheme, crypto.pattern, crypto.key_id, &crypto.iv[..]),
        (b"cbcs", (1, 9), [7; 16], &[9; 16][..])
    );
    let before = (4 + 2 + 4 + SPS.len() + 4 + PPS.len() + 4) as u32;
    let slice = slice(true, 0, 0, 0, 400).len() as u32 - 1;
    let encrypted = (slice - 32) / 160 * 160 + 16;
    assert_eq!(parts(&picture), [(before + 32, encrypted), (slice - 32 - encrypted, 0)]);
    assert_eq!(picture.payload.0.len() as u32, before + slice);
    assert_eq!(picture.payload.0[before as usize + 100..][..3], [0, 0, 1]);
    let sound = samples(&outputs, SOUND);
    assert_eq!((sound[0].crypto.clone(), parts(&sound[1])), (None, vec![(16, 32), (2, 0)]));
    assert_eq!(sound[1].crypto.as_ref().unwrap().pattern, (0, 0));
}

#[test]
fn without_a_key_it_is_named() {
    let error = read(&protected(), usize::MAX, None).unwrap_err();
    assert_eq!(error.to_string(), "sample encryption of a transport stream without a key is not supported");
}
