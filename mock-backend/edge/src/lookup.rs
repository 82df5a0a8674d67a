//! Results of a lookup in the cache: plain data.

use std::sync::Arc;

use bytes::Bytes;

use super::fill::{Fill, Follower};
use super::object::{Head, Key, Outcome};

/// Source of the bytes of a response.
#[derive(Debug)]
pub enum Source {
    /// They are all here.
    Whole(Bytes),
    /// They are on their way.
    Growing(Arc<Fill>),
    /// They lie in slices, or are on their way into them.
    Sliced(Sliced),
}

/// An object whose bytes lie in slices.
#[derive(Debug)]
pub struct Sliced {
    /// Its name.
    pub key: Key,
    /// Header fields and length of the object.
    pub head: Arc<Head>,
    /// Names the download whose slices these are, as [`super::object::Body::Sliced`] does.
    pub generation: u64,
    /// A download of the whole that is under way.
    pub stream: Option<Follower>,
}

/// An object found.
#[derive(Debug)]
pub struct Found {
    /// Header fields and length of the object.
    pub head: Arc<Head>,
    /// Its bytes.
    pub source: Source,
    /// Answer of the cache, for `Cache-Status` (RFC 9211).
    pub outcome: Outcome,
    /// True if an older copy was in the cache already.
    pub had_older: bool,
}

/// Result of a lookup.
#[derive(Debug)]
pub enum Lookup {
    /// Here it is.
    Found(Found),
    /// It is not for the cache: ask the origin for what this one client wants.
    Bypass,
}
