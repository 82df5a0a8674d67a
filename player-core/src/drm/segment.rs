//! Segments that are encrypted as a whole (RFC 8216bis §4.4.4.4 `AES-128`, its 256-bit relatives, and ISO/IEC
//! 23009-4): undone piece by piece as bytes arrive, before any reader sees them.

use aes::cipher::array::Array;
use aes::cipher::{BlockModeDecrypt as _, KeyIvInit as _, StreamCipher as _};
use aes::{Aes128, Aes256};
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::{ContentKey, DrmError};

const BLOCK: usize = 16;

/// Cipher of whole segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentCipherMode {
    /// AES-128 in cipher block chaining, padded (RFC 5652 §6.3).
    Aes128Cbc,
    /// AES-256 in cipher block chaining, padded.
    Aes256Cbc,
    /// AES-256 in counter mode; the lower eight bytes of the vector count.
    Aes256Ctr,
}

impl SegmentCipherMode {
    /// Bytes of its key.
    pub const fn key_length(self) -> usize {
        match self {
            Self::Aes128Cbc => 16,
            Self::Aes256Cbc | Self::Aes256Ctr => 32,
        }
    }
}

/// All that is needed to decrypt one segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentCipher {
    /// Cipher of the segment.
    pub mode: SegmentCipherMode,
    /// Key of the segment.
    pub key: ContentKey,
    /// Initialisation vector of the segment.
    pub iv: [u8; 16],
}

/// Decrypts one segment as its bytes arrive.
pub struct SegmentDecryptor {
    cipher: Cipher,
    /// Encrypted bytes that wait: the rest of a block, or the last block, which may be padding.
    held: BytesMut,
    taken: u64,
}

enum Cipher {
    Cbc128(Box<cbc::Decryptor<Aes128>>),
    Cbc256(Box<cbc::Decryptor<Aes256>>),
    Ctr256(Box<ctr::Ctr64BE<Aes256>>),
}

impl SegmentDecryptor {
    /// Ready for the first byte.
    ///
    /// # Errors
    /// [`DrmError::KeyLength`].
    pub fn new(segment: &SegmentCipher) -> Result<Self, DrmError> {
        let key = segment.key.bytes();
        let wrong = |_| DrmError::KeyLength { found: key.len(), expected: segment.mode.key_length() };
        let cipher = match segment.mode {
            SegmentCipherMode::Aes128Cbc => {
                Cipher::Cbc128(Box::new(cbc::Decryptor::new_from_slices(key, &segment.iv).map_err(wrong)?))
            }
            SegmentCipherMode::Aes256Cbc => {
                Cipher::Cbc256(Box::new(cbc::Decryptor::new_from_slices(key, &segment.iv).map_err(wrong)?))
            }
            SegmentCipherMode::Aes256Ctr => {
                Cipher::Ctr256(Box::new(ctr::Ctr64BE::new_from_slices(key, &segment.iv).map_err(wrong)?))
            }
        };
        Ok(Self { cipher, held: BytesMut::new(), taken: 0 })
    }

    /// Takes the next encrypted bytes and gives the clear ones; maybe none.
    pub fn push(&mut self, bytes: &[u8]) -> Bytes {
        self.taken += bytes.len() as u64;
        self.held.extend_from_slice(bytes);
        let ready = match self.cipher {
            // The last block waits until it is known to be the last: its padding is no media.
            Cipher::Cbc128(_) | Cipher::Cbc256(_) => self.held.len().saturating_sub(1) / BLOCK * BLOCK,
            Cipher::Ctr256(_) => self.held.len(),
        };
        let mut out = self.held.split_to(ready);
        self.run(&mut out);
        out.freeze()
    }

    /// Ends the segment and returns the rest of its bytes.
    ///
    /// # Errors
    /// [`DrmError::Length`] or [`DrmError::Padding`].
    pub fn finish(mut self) -> Result<Bytes, DrmError> {
        if matches!(self.cipher, Cipher::Ctr256(_)) {
            return Ok(Bytes::new());
        }
        if self.held.len() != BLOCK {
            return Err(DrmError::Length(self.taken));
        }
        let mut last = std::mem::take(&mut self.held);
        self.run(&mut last);
        let padding = last.last().map_or(0, |byte| usize::from(*byte));
        let content = BLOCK.checked_sub(padding).filter(|_| padding > 0).ok_or(DrmError::Padding)?;
        if last.iter().skip(content).any(|byte| usize::from(*byte) != padding) {
            return Err(DrmError::Padding);
        }
        last.truncate(content);
        Ok(last.freeze())
    }

    fn run(&mut self, bytes: &mut [u8]) {
        match &mut self.cipher {
            Cipher::Cbc128(cipher) => cipher.decrypt_blocks(Array::slice_as_chunks_mut(bytes).0),
            Cipher::Cbc256(cipher) => cipher.decrypt_blocks(Array::slice_as_chunks_mut(bytes).0),
            Cipher::Ctr256(cipher) => cipher.apply_keystream(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::key::hexadecimal;
    use super::*;

    /// The plaintext of NIST SP 800-38A, appendix F.
    const PLAIN: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
        30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
    const KEY_128: &str = "2b7e151628aed2a6abf7158809cf4f3c";
    const KEY_256: &str = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
    const IV: &str = "000102030405060708090a0b0c0d0e0f";
    const COUNTER: &str = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

    fn bytes(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().map(|c| char::from(c).to_digit(16).unwrap() as u8).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    fn cipher(mode: SegmentCipherMode, key: &str, iv: &str) -> SegmentCipher {
        let iv = hexadecimal(iv).unwrap().try_into().unwrap();
        SegmentCipher { mode, key: ContentKey::parse(key).unwrap(), iv }
    }

    fn decrypt(segment: &SegmentCipher, encrypted: &[u8], piece: usize) -> Result<Vec<u8>, DrmError> {
        let mut decryptor = SegmentDecryptor::new(segment)?;
        let mut out = Vec::new();
        for piece in encrypted.chunks(piece) {
            out.extend_from_slice(&decryptor.push(piece));
        }
        out.extend_from_slice(&decryptor.finish()?);
        Ok(out)
    }

    /// SP 800-38A §F.2.1 and §F.2.5, followed by a block of padding made with another implementation.
    const CBC_128: &str = "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2\
        73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a78cb82807230e1321d3fae00d18cc2012";
    const CBC_256: &str = "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d\
        39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b3f461796d6b0d6b2e0c2a72b4d80e644";
    /// Ciphertext of SP 800-38A §F.5.5.
    const CTR_256: &str = "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5\
        2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6";

    #[test]
    fn the_vectors_of_the_standard_come_out_however_the_bytes_are_cut() {
        for piece in [1, 7, 16, 31, 1000] {
            let segment = cipher(SegmentCipherMode::Aes128Cbc, KEY_128, IV);
            assert_eq!(decrypt(&segment, &bytes(CBC_128), piece).unwrap(), bytes(PLAIN), "{piece}");
            let segment = cipher(SegmentCipherMode::Aes256Cbc, KEY_256, IV);
            assert_eq!(decrypt(&segment, &bytes(CBC_256), piece).unwrap(), bytes(PLAIN), "{piece}");
            let segment = cipher(SegmentCipherMode::Aes256Ctr, KEY_256, COUNTER);
            assert_eq!(decrypt(&segment, &bytes(CTR_256), piece).unwrap(), bytes(PLAIN), "{piece}");
        }
    }

    #[test]
    fn what_cannot_be_decrypted_says_why() {
        let segment = cipher(SegmentCipherMode::Aes128Cbc, KEY_128, IV);
        let whole = bytes(CBC_128);
        assert_eq!(decrypt(&segment, &whole[..70], 9), Err(DrmError::Length(70)));
        assert_eq!(decrypt(&segment, &[], 9), Err(DrmError::Length(0)));
        assert_eq!(decrypt(&segment, &whole[..64], 9), Err(DrmError::Padding), "the last block is media");
        let wrong = cipher(SegmentCipherMode::Aes128Cbc, IV, IV);
        assert_eq!(decrypt(&wrong, &whole, 9), Err(DrmError::Padding));
        let short = cipher(SegmentCipherMode::Aes256Cbc, KEY_128, IV);
        assert_eq!(decrypt(&short, &whole, 9), Err(DrmError::KeyLength { found: 16, expected: 32 }));
    }

    /// One block, encrypted so that `plain` comes out with a vector of zeros.
    fn block(plain: [u8; 16]) -> Vec<u8> {
        use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
        let mut block = plain.into();
        Aes128::new_from_slice(&bytes(KEY_128)).unwrap().encrypt_block(&mut block);
        block.to_vec()
    }

    #[test]
    fn padding_is_one_to_sixteen_equal_bytes() {
        let segment = cipher(SegmentCipherMode::Aes128Cbc, KEY_128, "00000000000000000000000000000000");
        for padding in 0..=17_u8 {
            let mut plain = [0xee; 16];
            let content = 16_usize.saturating_sub(padding.into());
            plain[content..].fill(padding);
            if padding == 0 {
                plain[15] = 0;
            }
            let found = decrypt(&segment, &block(plain), 5);
            match padding {
                1..=16 => assert_eq!(found, Ok(vec![0xee; content]), "{padding}"),
                _ => assert_eq!(found, Err(DrmError::Padding), "{padding}"),
            }
            if padding > 1 && padding <= 16 {
                plain[content] ^= 1;
                assert_eq!(decrypt(&segment, &block(plain), 16), Err(DrmError::Padding), "the first of {padding}");
            }
        }
    }

    #[test]
    fn every_block_but_the_last_comes_out_when_the_next_byte_arrives() {
        let segment = cipher(SegmentCipherMode::Aes128Cbc, KEY_128, IV);
        let mut decryptor = SegmentDecryptor::new(&segment).unwrap();
        let encrypted = bytes(CBC_128);
        assert_eq!(decryptor.push(&encrypted[..16]).len(), 0);
        assert_eq!(decryptor.push(&encrypted[16..17]).len(), 16);
        assert_eq!(decryptor.push(&encrypted[17..49]).len(), 32);
        let mut counter = SegmentDecryptor::new(&cipher(SegmentCipherMode::Aes256Ctr, KEY_256, COUNTER)).unwrap();
        assert_eq!(counter.push(&[0; 3]).len(), 3, "a stream cipher holds nothing back");
        assert_eq!(counter.finish(), Ok(Bytes::new()));
    }

    #[test]
    fn each_cipher_names_the_length_of_its_key() {
        for (mode, key, length) in [
            (SegmentCipherMode::Aes128Cbc, KEY_256, 16),
            (SegmentCipherMode::Aes256Cbc, KEY_128, 32),
            (SegmentCipherMode::Aes256Ctr, KEY_128, 32),
        ] {
            assert_eq!(mode.key_length(), length);
            let expected = DrmError::KeyLength { found: 48 - length, expected: length };
            assert_eq!(SegmentDecryptor::new(&cipher(mode, key, IV)).err(), Some(expected));
        }
    }
}
