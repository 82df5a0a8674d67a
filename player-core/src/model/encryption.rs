//! Protection of media as a manifest declares it: segments that are encrypted as a whole or sample by sample with a key
//! that has an address, and the content protection of a representation. Plain data; no key is fetched here.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use url::Url;

use super::Resource;
use crate::drm::{ContentKey, KeyId, KeySystem, Pssh, SegmentCipherMode};

/// Unit of encryption, with its cipher (RFC 8216bis §4.4.4.4, `METHOD`).
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

/// Source of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeySource {
    /// A file at an address, which holds the key.
    Resource(Resource),
    /// In the manifest itself.
    Inline(ContentKey),
    /// Nowhere that could be fetched: an identifier of its system, or nothing at all.
    Opaque,
}

/// One way to get the key of some segments (`EXT-X-KEY`, or a `CryptoPeriod` of ISO/IEC 23009-4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentKey {
    /// Unit of encryption and cipher that the key is for.
    pub method: EncryptionMethod,
    /// Who can supply it.
    pub system: KeySystem,
    /// Source of the key.
    pub source: KeySource,
    /// The initialisation vector; `None` is the number of the segment.
    pub iv: Option<[u8; 16]>,
    /// Name of the key, if the manifest declares it.
    pub key_id: Option<KeyId>,
}

/// The keys in force together: each is enough by itself.
pub type SegmentKeys = Arc<[SegmentKey]>;

/// Encryption of one segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEncryption {
    /// Ways to decrypt its media; empty for clear media.
    pub media: SegmentKeys,
    /// Ways to decrypt its initialisation data; empty for clear data.
    pub init: SegmentKeys,
    /// Media sequence number of the segment, which becomes the vector if none is declared.
    pub sequence: u64,
}

impl SegmentKey {
    /// Returns the vector of a segment: the declared one, or its number as a 128-bit integer (RFC 8216bis §5.2).
    pub fn vector(&self, sequence: u64) -> [u8; 16] {
        self.iv.unwrap_or_else(|| u128::from(sequence).to_be_bytes())
    }
}

/// Protection of the content of a representation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// The scheme or method as written: a scheme URN, `AES-128`, `SAMPLE-AES`…
    pub scheme_id: String,
    /// Who can supply the keys; `None` where only the encryption itself is announced
    /// (`urn:mpeg:dash:mp4protection:2011`).
    pub system: Option<KeySystem>,
    /// `cenc`, `cens`, `cbc1` or `cbcs`, if declared.
    pub scheme: Option<[u8; 4]>,
    /// Names of the keys in use; empty if the manifest declares none.
    pub key_ids: Vec<KeyId>,
    /// Boxes for its key system.
    pub pssh: Vec<Pssh>,
    /// Addresses of licence servers.
    pub licence_urls: Vec<Url>,
    /// The key itself, where a manifest announces it ahead of the segments that need it. Such an entry is a hint to
    /// fetch early, and does not mean that all of the representation is protected.
    pub key: Option<SegmentKey>,
}
