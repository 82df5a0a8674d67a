//! How media is protected, as a manifest tells: segments that are encrypted as a whole or sample by sample with a
//! key that has an address, and the content protection of a representation. Plain data; no key is fetched here.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use url::Url;

use super::Resource;
use crate::drm::{ContentKey, KeyId, KeySystem, Pssh, SegmentCipherMode};

/// What is encrypted, and with which cipher (RFC 8216bis §4.4.4.4, `METHOD`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EncryptionMethod {
    /// The segment as a whole.
    Segment(SegmentCipherMode),
    /// Its samples, chained (`cbcs` in fragmented MP4).
    SampleCbc,
    /// Its samples, by a counter (`cenc`).
    SampleCtr,
    /// Something else, as written.
    Other(String),
}

/// Where a key is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeySource {
    /// At an address.
    Resource(Resource),
    /// In the manifest itself.
    Inline(ContentKey),
    /// Nowhere that could be fetched: an identifier of its system, or nothing at all.
    Opaque,
}

/// One way to get the key of some segments (`EXT-X-KEY`, or a `CryptoPeriod` of ISO/IEC 23009-4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentKey {
    /// What it decrypts, and how.
    pub method: EncryptionMethod,
    /// Who can supply it.
    pub system: KeySystem,
    /// Where it is.
    pub source: KeySource,
    /// The initialisation vector; `None` is the number of the segment.
    pub iv: Option<[u8; 16]>,
    /// Its name, when told.
    pub key_id: Option<KeyId>,
}

/// The keys in force together: each is enough by itself.
pub type SegmentKeys = Arc<[SegmentKey]>;

/// How one segment is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEncryption {
    /// Ways to decrypt its media; empty for clear media.
    pub media: SegmentKeys,
    /// Ways to decrypt its initialisation data; empty for clear data.
    pub init: SegmentKeys,
    /// Its media sequence number, from which its vector is made when none is told.
    pub sequence: u64,
}

impl SegmentKey {
    /// The vector of a segment: told, or its number as a 128-bit integer (RFC 8216bis §5.2).
    pub fn vector(&self, sequence: u64) -> [u8; 16] {
        self.iv.unwrap_or_else(|| u128::from(sequence).to_be_bytes())
    }
}

/// How the content of a representation is protected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// The scheme or method as written: a scheme URN, `AES-128`, `SAMPLE-AES`…
    pub scheme_id: String,
    /// Who can supply the keys; `None` where only the encryption itself is announced
    /// (`urn:mpeg:dash:mp4protection:2011`).
    pub system: Option<KeySystem>,
    /// `cenc`, `cens`, `cbc1` or `cbcs`, when told.
    pub scheme: Option<[u8; 4]>,
    /// The keys that it is about, when told.
    pub key_ids: Vec<KeyId>,
    /// Boxes for its key system.
    pub pssh: Vec<Pssh>,
    /// Where its licences are to be had.
    pub licence_urls: Vec<Url>,
    /// The key itself, where a manifest announces it ahead of the segments that need it. Such an entry says what is
    /// worth fetching early, not that all of the representation is protected.
    pub key: Option<SegmentKey>,
}
