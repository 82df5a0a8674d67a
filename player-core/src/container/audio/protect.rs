//! Encrypted parts of access units under sample encryption of HLS ("MPEG-2 Stream Encryption Format for HTTP Live
//! Streaming"), in the terms of the `cbcs` scheme (ISO/IEC 23001-7 §10.4): the vector begins anew with every run.
//! Nothing is decrypted here.

use std::sync::Arc;

use crate::container::{SampleCrypto, SampleKey, Subsample};

/// Bytes of a cipher block.
const BLOCK: usize = 16;
/// Clear bytes at the beginning of a frame of sound.
const AUDIO_LEADER: usize = 16;
/// Clear bytes at the beginning of a NAL unit.
const VIDEO_LEADER: usize = 32;
/// NAL units up to this size are not encrypted.
pub(in crate::container) const CLEAR_NAL: usize = 48;
/// One encrypted block in ten.
const VIDEO_STRIDE: usize = 10 * BLOCK;

/// The runs of one sample, gathered in order.
#[derive(Clone, Debug, Default)]
pub(in crate::container) struct Runs {
    subsamples: Vec<Subsample>,
    /// Clear bytes that do not belong to a run yet.
    clear: u32,
}

impl Runs {
    /// Adds a run of clear bytes.
    pub fn clear(&mut self, bytes: usize) {
        // Samples are far smaller than four gigabytes.
        self.clear += bytes as u32;
    }

    fn encrypted(&mut self, bytes: usize) {
        if bytes > 0 {
            self.subsamples.push(Subsample { clear: std::mem::take(&mut self.clear), encrypted: bytes as u32 });
        }
    }

    /// Adds a frame of sound, without a header that was stripped: all whole blocks after the leader.
    pub fn frame(&mut self, size: usize) {
        let encrypted = size.saturating_sub(AUDIO_LEADER) / BLOCK * BLOCK;
        self.clear(size.min(AUDIO_LEADER));
        self.encrypted(encrypted);
        self.clear(size.saturating_sub(AUDIO_LEADER + encrypted));
    }

    /// Adds a NAL unit with a coded slice that is longer than [`CLEAR_NAL`]: every tenth block after the leader. A
    /// block at the very end stays clear.
    pub fn slice(&mut self, size: usize) {
        let behind = size.saturating_sub(VIDEO_LEADER);
        let rest = behind % VIDEO_STRIDE;
        let encrypted = behind - rest + if rest > BLOCK { BLOCK } else { 0 };
        self.clear(size - behind);
        self.encrypted(encrypted);
        self.clear(behind - encrypted);
    }

    /// Returns the encryption of the sample; `None` if none of it is encrypted.
    pub fn finish(mut self, key: &SampleKey, pattern: (u8, u8)) -> Option<Arc<SampleCrypto>> {
        if self.subsamples.is_empty() {
            return None;
        }
        if self.clear > 0 {
            self.subsamples.push(Subsample { clear: self.clear, encrypted: 0 });
        }
        let (scheme, subsamples) = (*b"cbcs", self.subsamples);
        Some(Arc::new(SampleCrypto { scheme, key_id: key.key_id, iv: key.iv.to_vec(), subsamples, pattern }))
    }
}

/// The pattern of pictures: one encrypted block, nine clear ones.
pub(in crate::container) const VIDEO_PATTERN: (u8, u8) = (1, 9);
/// Audio has no pattern.
pub(in crate::container) const AUDIO_PATTERN: (u8, u8) = (0, 0);

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(add: impl Fn(&mut Runs)) -> Vec<(u32, u32)> {
        let mut runs = Runs::default();
        add(&mut runs);
        let key = SampleKey { key_id: [1; 16], iv: [2; 16] };
        let crypto = runs.finish(&key, AUDIO_PATTERN);
        crypto.iter().flat_map(|crypto| &crypto.subsamples).map(|part| (part.clear, part.encrypted)).collect()
    }

    #[test]
    fn frames_are_encrypted_behind_their_leader() {
        assert_eq!(runs(|runs| runs.frame(31)).len(), 0);
        assert_eq!(runs(|runs| runs.frame(32)), [(16, 16)]);
        assert_eq!(runs(|runs| runs.frame(70)), [(16, 48), (6, 0)]);
        assert_eq!(
            runs(|runs| [40, 50].map(|size| runs.frame(size)).into_iter().collect()),
            [(16, 16), (24, 32), (2, 0)]
        );
    }

    #[test]
    fn slices_are_encrypted_in_one_block_of_ten() {
        assert_eq!(runs(|runs| runs.slice(49)), [(32, 16), (1, 0)]);
        // Exactly one block is left: it is not encrypted.
        assert_eq!(runs(|runs| runs.slice(32 + 160 + 16)), [(32, 160), (16, 0)]);
        assert_eq!(runs(|runs| runs.slice(32 + 160 + 17)), [(32, 176), (1, 0)]);
        assert_eq!(runs(|runs| runs.slice(32 + 160 + 150)), [(32, 176), (134, 0)]);
    }
}
