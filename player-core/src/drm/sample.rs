//! Samples that are encrypted one by one: the four schemes of ISO/IEC 23001-7 §10.

use aes::Aes128;
use aes::cipher::array::Array;
use aes::cipher::{BlockModeDecrypt as _, KeyIvInit as _, StreamCipher as _};
use serde::{Deserialize, Serialize};

use super::{ContentKey, DrmError};

const BLOCK: usize = 16;

/// A run of clear bytes followed by a run of encrypted ones (ISO/IEC 23001-7 §9.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subsample {
    /// Bytes in the clear.
    pub clear: u32,
    /// Encrypted bytes after them.
    pub encrypted: u32,
}

/// Encryption of a sample. It is decrypted when it is appended to the renderer, never earlier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleCrypto {
    /// `cenc`, `cens`, `cbc1` or `cbcs`.
    pub scheme: [u8; 4],
    /// Identifier of the key.
    pub key_id: [u8; 16],
    /// The initialisation vector, eight or sixteen bytes.
    pub iv: Vec<u8>,
    /// Clear and encrypted parts in turn; empty means that the whole sample is encrypted.
    pub subsamples: Vec<Subsample>,
    /// Encrypted and clear blocks of a pattern; (0, 0) without one.
    pub pattern: (u8, u8),
}

/// The clear bytes of a sample.
///
/// # Errors
/// When the key has not sixteen bytes, the vector is impossible, the scheme is unknown, or more is said to be
/// encrypted than there is. None of this depends on the bytes themselves, so a session whose media was not recorded
/// replays alike.
pub fn decrypt(bytes: &[u8], crypto: &SampleCrypto, key: &ContentKey) -> Result<Vec<u8>, DrmError> {
    let key: [u8; 16] =
        key.bytes().try_into().map_err(|_| DrmError::KeyLength { found: key.bytes().len(), expected: BLOCK })?;
    let mut cipher = Scheme::of(crypto, key)?;
    let whole = [Subsample { clear: 0, encrypted: u32::try_from(bytes.len()).map_err(|_| DrmError::SampleMismatch)? }];
    let parts = if crypto.subsamples.is_empty() { &whole[..] } else { &crypto.subsamples };
    let mut out = bytes.to_vec();
    let mut rest = out.as_mut_slice();
    for part in parts {
        rest = rest.get_mut(part.clear as usize..).ok_or(DrmError::SampleMismatch)?;
        let (encrypted, after) = rest.split_at_mut_checked(part.encrypted as usize).ok_or(DrmError::SampleMismatch)?;
        cipher.part(encrypted, crypto.pattern);
        rest = after;
    }
    Ok(out)
}

/// A scheme at work on one sample.
enum Scheme {
    /// `cenc` and `cens`: one key stream through the whole sample.
    Counter(Box<ctr::Ctr64BE<Aes128>>),
    /// `cbc1`: one chain through the whole sample.
    Chain(Box<cbc::Decryptor<Aes128>>),
    /// `cbcs`: the chain begins anew with each part.
    ChainPerPart { key: [u8; 16], iv: [u8; 16] },
}

impl Scheme {
    fn of(crypto: &SampleCrypto, key: [u8; 16]) -> Result<Self, DrmError> {
        let iv = vector(&crypto.iv)?;
        Ok(match &crypto.scheme {
            b"cenc" | b"cens" => Self::Counter(Box::new(ctr::Ctr64BE::new(&key.into(), &iv.into()))),
            b"cbc1" => Self::Chain(Box::new(cbc::Decryptor::new(&key.into(), &iv.into()))),
            b"cbcs" => Self::ChainPerPart { key, iv },
            other => return Err(DrmError::Scheme(String::from_utf8_lossy(other).into_owned())),
        })
    }

    /// Decrypts the protected bytes of one part. With a pattern, and in chaining modes, an incomplete block at the
    /// end is clear (§9.5.2.4, §9.6).
    fn part(&mut self, bytes: &mut [u8], pattern: (u8, u8)) {
        match self {
            Self::Counter(cipher) if pattern.0 == 0 => cipher.apply_keystream(bytes),
            Self::Counter(cipher) => runs(bytes, pattern, |run| cipher.apply_keystream(run)),
            Self::Chain(cipher) => runs(bytes, pattern, |run| cipher.decrypt_blocks(Array::slice_as_chunks_mut(run).0)),
            Self::ChainPerPart { key, iv } => {
                let mut cipher = cbc::Decryptor::<Aes128>::new(&(*key).into(), &(*iv).into());
                runs(bytes, pattern, |run| cipher.decrypt_blocks(Array::slice_as_chunks_mut(run).0));
            }
        }
    }
}

/// Eight bytes are the upper half (§9.2).
fn vector(iv: &[u8]) -> Result<[u8; 16], DrmError> {
    let mut out = [0; 16];
    match iv.len() {
        8 | 16 => {
            for (to, from) in out.iter_mut().zip(iv) {
                *to = *from;
            }
            Ok(out)
        }
        _ => Err(DrmError::SampleMismatch),
    }
}

/// Calls `decrypt` for each run of whole encrypted blocks. A pattern alternates `encrypted` blocks with `clear` ones to
/// the end; without one all whole blocks are one run.
fn runs(bytes: &mut [u8], (encrypted, clear): (u8, u8), mut decrypt: impl FnMut(&mut [u8])) {
    let whole = bytes.len() / BLOCK * BLOCK;
    let Some(mut rest) = bytes.get_mut(..whole) else { return };
    if encrypted == 0 || clear == 0 {
        return decrypt(rest);
    }
    while !rest.is_empty() {
        let (run, after) = rest.split_at_mut((usize::from(encrypted) * BLOCK).min(rest.len()));
        decrypt(run);
        rest = after.get_mut(usize::from(clear) * BLOCK..).unwrap_or_default();
    }
}

#[cfg(test)]
#[path = "sample_tests.rs"]
mod tests;
