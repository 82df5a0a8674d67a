//! Sample encryption: its description in samples, and that nothing else changes.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};

use super::*;
use crate::container::{CarriedState, Subsample};
use crate::drm::{ContentKey, decrypt_sample};

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

/// One chain over the blocks that begin at `at`, in place.
fn chain(bytes: &mut [u8], at: impl Iterator<Item = usize>, secret: [u8; 16]) {
    let cipher = Aes128::new(&secret.into());
    let mut before = KEY.iv;
    for at in at {
        let mut block = before;
        block.iter_mut().zip(&bytes[at..at + 16]).for_each(|(to, from)| *to ^= from);
        let mut block = block.into();
        cipher.encrypt_block(&mut block);
        before = block.into();
        bytes[at..at + 16].copy_from_slice(&before);
    }
}

/// Emulation prevention (ISO/IEC 14496-10 §7.4.1), over what was there already.
fn escape(nal: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for &byte in nal {
        if byte <= 3 && out.ends_with(&[0, 0]) {
            out.push(3);
        }
        out.push(byte);
    }
    out
}

#[test]
fn what_was_encrypted_sample_by_sample_is_clear_again() {
    const SECRET: [u8; 16] = [0x2b; 16];
    let mut state = 7u32;
    // Full of zeros, so that emulation prevention comes before and after encryption.
    let mut noise = |bytes: &mut [u8]| {
        for byte in bytes {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = if state >> 30 == 0 { (state >> 16) as u8 } else { 0 };
        }
    };
    let mut mux = Mux::new(&[(0xdb, VIDEO, &[]), (0xcf, SOUND, &[])]);
    let (mut pictures, mut frames) = (Vec::new(), Vec::new());
    // Around the smallest that is encrypted, around one and two encrypted blocks, and long ones.
    for (number, size) in [20, 40, 41, 42, 57, 58, 180, 200, 202, 218, 219, 900, 4000].into_iter().enumerate() {
        let mut picture = slice(number == 0, 0, number as u32, number as u32 * 2, size);
        let header = picture.len() - size;
        noise(&mut picture[header..]);
        *picture.last_mut().unwrap() = 0x80;
        let picture = escape(&picture);
        let mut secret = picture.clone();
        if secret.len() > 48 {
            let end = secret.len();
            // A block of every ten, while more than a block is left.
            chain(&mut secret, (32..end).step_by(160).take_while(|at| at + 16 < end), SECRET);
        }
        let mut nals: Vec<&[u8]> = vec![&[9, 0xf0]];
        if number == 0 {
            nals.extend([SPS, PPS]);
        }
        let escaped = if picture.len() > 48 { escape(&secret) } else { picture.clone() };
        nals.push(&escaped);
        let time = 3600 * number as u64;
        mux.packet(VIDEO, Some((time, time)), &byte_stream(&nals));
        let mut frame = adts(size, number as u8);
        noise(&mut frame[7..]);
        frames.push(frame[7..].to_vec());
        let end = frame.len();
        // All whole blocks after the header and sixteen bytes.
        chain(&mut frame, (23..end).step_by(16).take_while(|at| at + 16 <= end), SECRET);
        mux.packet(SOUND, Some((time, time)), &frame);
        pictures.push(picture);
    }
    let key = ContentKey::new(&SECRET).unwrap();
    let outputs = read(&mux.bytes, 1000, Some(&KEY)).unwrap();
    let clear = |sample: &Sample| match &sample.crypto {
        Some(crypto) => decrypt_sample(&sample.payload.0, crypto, &key).unwrap(),
        None => sample.payload.0.to_vec(),
    };
    let shown: Vec<Vec<u8>> = samples(&outputs, VIDEO).iter().map(clear).collect();
    assert_eq!(shown.len(), pictures.len());
    for (shown, picture) in shown.iter().zip(&pictures) {
        assert!(shown.ends_with(picture), "{} bytes", picture.len());
    }
    let heard: Vec<Vec<u8>> = samples(&outputs, SOUND).iter().map(clear).collect();
    assert_eq!(heard, frames);
}

#[test]
fn a_slice_of_48_bytes_is_clear_and_keeps_its_emulation_prevention() {
    for (size, is_protected) in [(47, false), (48, false), (49, true)] {
        let header = slice(true, 0, 0, 0, 0).len();
        let mut picture = slice(true, 0, 0, 0, size - header);
        assert_eq!(picture.len(), size);
        picture[20..24].copy_from_slice(&[0, 0, 3, 1]);
        let mut mux = Mux::new(&[(0xdb, VIDEO, &[])]);
        mux.packet(VIDEO, Some((0, 0)), &byte_stream(&[&[9, 0xf0], SPS, PPS, &picture]));
        let sample = samples(&read(&mux.bytes, usize::MAX, Some(&KEY)).unwrap(), VIDEO).remove(0);
        if is_protected {
            // The byte was inserted after encryption.
            picture.remove(22);
        }
        assert!(sample.payload.0.ends_with(&picture), "{size}");
        assert_eq!(sample.payload.0.len(), 2 + SPS.len() + PPS.len() + picture.len() + 4 * 4, "{size}");
    }
}

/// Each segment is decrypted with its own key, though its demuxer goes on with the state of the segment before.
#[test]
fn the_key_of_a_segment_is_its_own() {
    let mut mux = Mux::new(&[(0xdb, VIDEO, &[]), (0xcf, SOUND, &[])]);
    let mut cut = 0;
    for time in [0, 90_000] {
        cut = mux.bytes.len();
        let picture = slice(true, 0, 0, 0, 400);
        mux.packet(VIDEO, Some((time, time)), &byte_stream(&[&[9, 0xf0], SPS, PPS, &picture]));
        mux.packet(SOUND, Some((time, time)), &[adts(50, 1), adts(50, 2), adts(50, 3)].concat());
    }
    let (first, second) = mux.bytes.split_at(cut);
    let mut setup = DemuxSetup { keeps_tail: true, ..DemuxSetup::new(ContainerFormat::MpegTs, None) };
    for (bytes, key) in [(first, &KEY), (second, &SampleKey { key_id: [3; 16], iv: [4; 16] })] {
        setup.sample_key = Some(key.clone());
        let mut demuxer = open(&setup).unwrap();
        let mut outputs = demuxer.push(Bytes::copy_from_slice(bytes)).unwrap();
        outputs.extend(demuxer.finish().unwrap());
        let Some(DemuxOutput::Tail(tail)) = outputs.pop() else { unreachable!("it was asked for") };
        setup.carried = Some(CarriedState { state: tail.state, continues: true });
        outputs.extend(tail.outputs);
        for track in [VIDEO, SOUND] {
            let found = samples(&outputs, track);
            let crypto = found.iter().rev().find_map(|sample| sample.crypto.as_ref());
            let crypto = crypto.unwrap_or_else(|| panic!("{track:#x}: {found:?}"));
            assert_eq!((crypto.key_id, &crypto.iv[..]), (key.key_id, &key.iv[..]), "{track:#x}");
        }
    }
}

#[test]
fn a_stream_that_a_later_segment_adds_has_the_key_of_that_segment() {
    let mut mux = Mux::new(&[(0xdb, VIDEO, &[])]);
    let mut cut = 0;
    for time in [0, 90_000] {
        cut = mux.bytes.len();
        if time > 0 {
            mux.tables(&[(0xdb, VIDEO, &[]), (0xcf, SOUND, &[])], 1);
            mux.packet(SOUND, Some((time, time)), &[adts(50, 1), adts(50, 2), adts(50, 3)].concat());
        }
        let picture = slice(true, 0, 0, 0, 400);
        mux.packet(VIDEO, Some((time, time)), &byte_stream(&[&[9, 0xf0], SPS, PPS, &picture]));
    }
    let (first, second) = mux.bytes.split_at(cut);
    let mut setup = DemuxSetup { keeps_tail: true, ..DemuxSetup::new(ContainerFormat::MpegTs, None) };
    let mut found = Vec::new();
    for (bytes, key_id) in [(first, 7), (second, 3)] {
        setup.sample_key = Some(SampleKey { key_id: [key_id; 16], iv: [key_id + 1; 16] });
        let mut demuxer = open(&setup).unwrap();
        let mut outputs = demuxer.push(Bytes::copy_from_slice(bytes)).unwrap();
        outputs.extend(demuxer.finish().unwrap());
        let Some(DemuxOutput::Tail(tail)) = outputs.pop() else { unreachable!("it was asked for") };
        setup.carried = Some(CarriedState { state: tail.state, continues: true });
        outputs.extend(tail.outputs);
        for track in [VIDEO, SOUND] {
            let keys = samples(&outputs, track).into_iter().filter_map(|sample| sample.crypto);
            found.push(keys.map(|crypto| (crypto.key_id[0], crypto.iv[0])).collect::<Vec<_>>());
        }
    }
    assert_eq!(found, [vec![(7, 8)], vec![], vec![(3, 4)], vec![(3, 4); 3]]);
}
