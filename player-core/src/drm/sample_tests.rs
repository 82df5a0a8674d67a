//! Each scheme against a plain transcription of its clause, block by block, and against the vectors of NIST.
#![expect(clippy::unwrap_used, reason = "tests")]

use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};

use super::*;

const KEY: [u8; 16] = *b"\x2b\x7e\x15\x16\x28\xae\xd2\xa6\xab\xf7\x15\x88\x09\xcf\x4f\x3c";

fn key() -> ContentKey {
    ContentKey::new(&KEY).unwrap()
}

fn crypto(scheme: &[u8; 4], iv: &[u8], subsamples: &[(u32, u32)], pattern: (u8, u8)) -> SampleCrypto {
    SampleCrypto {
        scheme: *scheme,
        key_id: [9; 16],
        iv: iv.to_vec(),
        subsamples: subsamples.iter().map(|&(clear, encrypted)| Subsample { clear, encrypted }).collect(),
        pattern,
    }
}

fn block(input: [u8; 16]) -> [u8; 16] {
    let mut block = input.into();
    Aes128::new(&KEY.into()).encrypt_block(&mut block);
    block.into()
}

/// The positions of the bytes that are encrypted, one run of positions a part.
fn protected(length: usize, crypto: &SampleCrypto) -> Vec<Vec<usize>> {
    let parts: Vec<(usize, usize)> = if crypto.subsamples.is_empty() {
        vec![(0, length)]
    } else {
        crypto.subsamples.iter().map(|part| (part.clear as usize, part.encrypted as usize)).collect()
    };
    let (encrypted, clear) = (usize::from(crypto.pattern.0), usize::from(crypto.pattern.1));
    let blocks_only = crypto.scheme != *b"cenc";
    let mut at = 0;
    let mut out = Vec::new();
    for (skip, count) in parts {
        at += skip;
        let chosen = |index: &usize| {
            let number = index / 16;
            let whole = (number + 1) * 16 <= count;
            (whole || !blocks_only) && (encrypted == 0 || clear == 0 || number % (encrypted + clear) < encrypted)
        };
        out.push((0..count).filter(chosen).map(|index| at + index).collect());
        at += count;
    }
    out
}

fn encrypt(plain: &[u8], crypto: &SampleCrypto) -> Vec<u8> {
    let mut out = plain.to_vec();
    let mut iv = [0; 16];
    iv[..crypto.iv.len()].copy_from_slice(&crypto.iv);
    let parts = protected(plain.len(), crypto);
    if matches!(&crypto.scheme, b"cenc" | b"cens") {
        for (index, at) in parts.concat().into_iter().enumerate() {
            let mut counter = iv;
            let low = u64::from_be_bytes(counter[8..].try_into().unwrap());
            counter[8..].copy_from_slice(&low.wrapping_add((index / 16) as u64).to_be_bytes());
            out[at] ^= block(counter)[index % 16];
        }
        return out;
    }
    let chains = if &crypto.scheme == b"cbc1" { vec![parts.concat()] } else { parts };
    for chain in chains {
        let mut before = iv;
        for positions in chain.chunks(16) {
            let mut input = [0; 16];
            positions.iter().zip(&mut input).for_each(|(at, byte)| *byte = plain[*at]);
            input.iter_mut().zip(before).for_each(|(byte, mask)| *byte ^= mask);
            before = block(input);
            positions.iter().zip(before).for_each(|(at, byte)| out[*at] = byte);
        }
    }
    out
}

#[test]
fn every_scheme_gives_back_what_was_encrypted() {
    let plain: Vec<u8> = (0..1000_u32).map(|value| (value * 7 % 251) as u8).collect();
    let iv = [0xff; 16];
    let parts: [&[(u32, u32)]; 4] =
        [&[], &[(5, 160), (0, 17), (100, 718)], &[(1000, 0)], &[(32, 16), (31, 15), (1, 905)]];
    let patterns: [(&[u8; 4], (u8, u8)); 9] = [
        (b"cenc", (0, 0)),
        (b"cens", (1, 9)),
        (b"cens", (2, 3)),
        (b"cbc1", (0, 0)),
        (b"cbcs", (1, 9)),
        (b"cbcs", (5, 5)),
        (b"cbcs", (10, 0)),
        (b"cbcs", (0, 9)),
        (b"cbcs", (0, 0)),
    ];
    for (scheme, pattern) in patterns {
        for subsamples in parts {
            for iv in [&iv[..8], &iv[..]] {
                let crypto = crypto(scheme, iv, subsamples, pattern);
                let encrypted = encrypt(&plain, &crypto);
                assert_eq!(decrypt(&encrypted, &crypto, &key()).unwrap(), plain, "{crypto:?}");
                let all_clear = subsamples == [(1000, 0)];
                assert_eq!(encrypted == plain, all_clear, "something was encrypted: {crypto:?}");
            }
        }
    }
}

#[test]
fn a_counter_of_eight_bytes_never_touches_the_vector() {
    let plain = [0; 64];
    let iv = *b"\x01\x02\x03\x04\x05\x06\x07\x08\xff\xff\xff\xff\xff\xff\xff\xff";
    let crypto = crypto(b"cenc", &iv, &[], (0, 0));
    let clear = decrypt(&plain, &crypto, &key()).unwrap();
    assert_eq!(clear[16..32], block(*b"\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\0\0\0\0\0"));
}

#[test]
fn the_vectors_of_the_standard() {
    // SP 800-38A §F.5.1 and §F.2.1, first blocks.
    let plain = *b"\x6b\xc1\xbe\xe2\x2e\x40\x9f\x96\xe9\x3d\x7e\x11\x73\x93\x17\x2a";
    let counter = *b"\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff";
    let encrypted = *b"\x87\x4d\x61\x91\xb6\x20\xe3\x26\x1b\xef\x68\x64\x99\x0d\xb6\xce";
    assert_eq!(decrypt(&encrypted, &crypto(b"cenc", &counter, &[], (0, 0)), &key()).unwrap(), plain);
    let iv = *b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f";
    let encrypted = *b"\x76\x49\xab\xac\x81\x19\xb2\x46\xce\xe9\x8e\x9b\x12\xe9\x19\x7d";
    assert_eq!(decrypt(&encrypted, &crypto(b"cbcs", &iv, &[], (1, 9)), &key()).unwrap(), plain);
    assert_eq!(decrypt(&encrypted, &crypto(b"cbc1", &iv, &[], (0, 0)), &key()).unwrap(), plain);
}

#[test]
fn what_does_not_fit_is_refused() {
    let bytes = [0; 40];
    let tried = |crypto: &SampleCrypto| decrypt(&bytes, crypto, &key());
    assert_eq!(tried(&crypto(b"cenc", &[0; 8], &[(30, 11)], (0, 0))), Err(DrmError::SampleMismatch));
    assert_eq!(tried(&crypto(b"cenc", &[0; 8], &[(u32::MAX, u32::MAX)], (0, 0))), Err(DrmError::SampleMismatch));
    assert_eq!(tried(&crypto(b"cenc", &[0; 8], &[(40, 0), (0, 1)], (0, 0))), Err(DrmError::SampleMismatch));
    assert_eq!(tried(&crypto(b"cenc", &[], &[], (0, 0))), Err(DrmError::SampleMismatch));
    assert_eq!(tried(&crypto(b"cenc", &[0; 7], &[], (0, 0))), Err(DrmError::SampleMismatch));
    assert!(matches!(tried(&crypto(b"xxxx", &[0; 8], &[], (0, 0))), Err(DrmError::Scheme(_))));
    let long = ContentKey::new(&[0; 32]).unwrap();
    let expected = DrmError::KeyLength { found: 32, expected: 16 };
    assert_eq!(decrypt(&bytes, &crypto(b"cenc", &[0; 8], &[], (0, 0)), &long), Err(expected));
}
