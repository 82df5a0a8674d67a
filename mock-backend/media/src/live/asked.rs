//! Requests for something of a channel, and their answers: plain data.

use super::timeline::TrackId;

/// A request for something of a channel.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Names below the version, such as `video`, `720p`, `playlist.m3u8`.
    pub file: &'a [String],
    /// Query of the request.
    pub query: Option<&'a str>,
    /// Time, milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Authorities (`host:port`) of the edges that have the channel. Two or more can take over from one another by content steering.
    pub edges: &'a [String],
    /// True if something is left out of the manifest afterwards: it cannot be patched then.
    pub is_filtered: bool,
}

/// Content of an address at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A manifest.
    Manifest {
        /// Its text.
        text: String,
        /// Seconds for which others may keep it; 0: they ask each time.
        max_age: u32,
    },
    /// Nothing yet: the answer is there at this time, milliseconds since the Unix epoch.
    Later(i64),
    /// Media, each piece at its time.
    Media(Vec<Piece>),
    /// Initialisation of a track.
    Init(Vec<u8>),
    /// The time of the clock (ISO 8601), for clients that synchronise theirs.
    Time(String),
    /// No such file.
    Absent,
    /// Media that is not complete yet.
    Early,
    /// It was there, and has left the window.
    Gone,
    /// A request that may not be made; the reason in words.
    Refused(&'static str),
    /// The manifest cannot be written; the reason.
    Failed(String),
}

/// A piece of a media file: what becomes available at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Time at which its last sample has passed, milliseconds since the Unix epoch.
    pub ready_at: i64,
    pub(super) track: TrackId,
    pub(super) number: u64,
    pub(super) part: usize,
}

/// Returns a number that is written in its one spelling.
pub(super) fn number(digits: &str) -> Option<u64> {
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number: &u64| is_plain && number.to_string() == digits)
}
