//! Content protection: keys, who can supply them, and the ciphers. Pure: bytes and keys in, clear bytes or a typed
//! error out. When a key is fetched, and what waits for it, is decided by `engine::licence`.
//!
//! | file | holds |
//! |---|---|
//! | `key` | key ids and keys, which no log ever shows |
//! | `system` | the systems that a manifest or a file can name |
//! | `segment` | segments that are encrypted as a whole |
//! | `sample` | samples that are encrypted one by one (ISO/IEC 23001-7) |
//! | `clearkey` | the licence exchange of ClearKey, and key files |
//! | `pssh` | system-specific boxes |

mod clearkey;
mod key;
mod pssh;
mod sample;
mod segment;
mod system;

pub use clearkey::{KeyFile, LicensedKey, licence_request, read_keys};
pub use key::{ContentKey, DrmConfig, KeyId};
pub use pssh::{Pssh, read_all as read_pssh};
pub use sample::{SampleCrypto, Subsample, decrypt as decrypt_sample};
pub use segment::{SegmentCipher, SegmentCipherMode, SegmentDecryptor};
pub use system::KeySystem;

use serde::{Deserialize, Serialize};

/// Reasons why something could not be decrypted, or a key not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum DrmError {
    /// A key is of another length than its cipher needs.
    #[error("a key of {found} bytes where {expected} are needed")]
    KeyLength {
        /// Number of bytes found.
        found: usize,
        /// Number of bytes needed.
        expected: usize,
    },
    /// An answer that should carry keys cannot be read.
    #[error("the key cannot be read: {0}")]
    KeyMalformed(String),
    /// The licence names no key that was asked for.
    #[error("the licence carries no key")]
    LicenceEmpty,
    /// Encrypted data whose length its cipher cannot have produced.
    #[error("{0} encrypted bytes, which are no whole number of blocks")]
    Length(u64),
    /// The padding at the end is not that of the cipher: the key is wrong, or the data is damaged.
    #[error("the padding is wrong: the key does not fit, or the data is damaged")]
    Padding,
    /// The decrypted bytes are not media: the key is wrong, or the data is damaged.
    #[error("what was decrypted is no media: the key does not fit, or the data is damaged ({0})")]
    Garbage(String),
    /// A sample declares more encrypted bytes than it has, or an impossible vector.
    #[error("a sample's encryption information does not fit the sample")]
    SampleMismatch,
    /// A scheme that is not one of ISO/IEC 23001-7.
    #[error("the protection scheme {0:?} is not supported")]
    Scheme(String),
}
