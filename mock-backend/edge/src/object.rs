//! Objects that the cache holds: plain data.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::freshness::Lifetime;
use kinora_kit::http::conditional::Validators;

/// Header fields and length of an object, known before its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Media type as the origin gave it.
    pub content_type: String,
    /// Coding of the bytes, where the origin encoded them although asked not to.
    pub content_encoding: Option<String>,
    /// `Cache-Control` as the origin gave it.
    pub cache_control: Option<String>,
    /// `Vary` as the origin gave it.
    pub vary: Option<String>,
    /// Entity tag.
    pub etag: Option<String>,
    /// Seconds since the Unix epoch.
    pub last_modified: Option<i64>,
    /// Bytes of the body, where the origin said so.
    pub length: Option<u64>,
    /// True if the origin answers ranges of it.
    pub takes_ranges: bool,
    /// True if it may be stored and given to more than one client.
    pub is_shareable: bool,
    /// How long it may be used.
    pub lifetime: Lifetime,
}

impl Head {
    /// The validators of the object.
    pub fn validators(&self) -> Validators {
        Validators { etag: self.etag.clone(), last_modified: self.last_modified }
    }

    /// The entity tag if it is a strong one, which only equal bytes share.
    pub fn strong_etag(&self) -> Option<&str> {
        self.etag.as_deref().filter(|etag| etag.starts_with('"'))
    }
}

/// The bytes of an object in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// All of them.
    Whole(Bytes),
    /// They lie in slices, which are entries of their own. Slices of two downloads never mix: the generation is in their names.
    Sliced {
        /// Names the download, or the state of the object where its tag is strong.
        generation: u64,
    },
}

/// An object in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// What is known of it.
    pub head: Head,
    /// Its bytes.
    pub body: Body,
}

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// From the cache.
    Hit,
    /// From the origin, and kept.
    Miss,
    /// From the download that another request had caused.
    Collapsed,
    /// From the cache after the origin had confirmed it.
    Revalidated,
    /// From the cache although too old, because the origin failed or took long.
    Stale,
    /// From the origin, past the cache.
    Bypass,
    /// Without looking: errors, preflights.
    None,
}

/// What to ask for: the path without its token, and the query where one is passed on. Both are canonical: two spellings of one
/// name are one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Percent-encoded, without a leading slash.
    pub path: String,
    /// Without its question mark.
    pub query: Option<String>,
}

impl Key {
    /// Returns true if it names a playlist that the origin holds back until it is there (RFC 8216bis §6.2.5.2).
    pub fn is_held(&self) -> bool {
        self.query.as_ref().is_some_and(|query| query.starts_with("_HLS_msn="))
    }

    /// The key as one text without line feeds.
    pub fn text(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}
