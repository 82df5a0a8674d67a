//! From an address to what there is at a time.

use std::io;

use super::channel::{Inner, LiveChannel, MILLI};
use super::media;
use super::timeline::TrackId;

/// Milliseconds by which media may be asked for too early: the request is held until it begins. A client's clock may be ahead so
/// much.
const EARLY_MS: u64 = 500;

/// A request for something of a channel.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Names below the version, such as `video`, `720p`, `playlist.m3u8`.
    pub file: &'a [String],
    /// Query of the request.
    pub query: Option<&'a str>,
    /// Time, milliseconds since the Unix epoch.
    pub now_ms: i64,
}

/// What there is at an address at a time.
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
    /// No such file, or not yet.
    Absent,
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
    track: TrackId,
    number: u64,
    part: usize,
}

impl LiveChannel {
    /// Returns what is at an address.
    pub fn answer(&self, asked: &Asked<'_>) -> Answer {
        let inner = self.inner();
        match asked.file {
            [file] => inner.file(file, asked),
            [kind, name, file] => match inner.track(kind, name) {
                Some(track) => inner.track_file(track, file, asked),
                None => Answer::Absent,
            },
            _ => Answer::Absent,
        }
    }

    /// Returns the bytes of a piece, whatever the time is.
    ///
    /// # Errors
    /// When stored media cannot be read.
    pub fn bytes(&self, piece: &Piece) -> io::Result<Vec<u8>> {
        let inner = self.inner();
        let clock = inner.is_low_latency().then(|| inner.origin_ns());
        media::part(&inner.timeline, piece.track, piece.number, piece.part, clock)
    }
}

impl Inner {
    fn file(&self, file: &str, asked: &Asked<'_>) -> Answer {
        match file {
            "time" => Answer::Time(super::manifests::date(asked.now_ms)),
            _ => self.manifest(file, asked),
        }
    }

    /// Returns the track of a directory.
    fn track(&self, kind: &str, name: &str) -> Option<TrackId> {
        let place = |names: &[String]| names.iter().position(|known| known == name);
        match kind {
            "video" => place(&self.rungs).map(TrackId::Video),
            "audio" => place(&self.languages).map(TrackId::Audio),
            _ => None,
        }
    }

    fn track_file(&self, track: TrackId, file: &str, asked: &Asked<'_>) -> Answer {
        if file == "playlist.m3u8" {
            return self.playlist(track, asked);
        }
        if let Some(programme) = file.strip_prefix("init-").and_then(|rest| number(rest.strip_suffix(".mp4")?)) {
            let known = usize::try_from(programme).ok().filter(|index| *index < self.timeline.programmes.len());
            return known.map_or(Answer::Absent, |index| Answer::Init(self.timeline.track(index, track).init.clone()));
        }
        let Some(rest) = file.strip_prefix("seg-").and_then(|rest| rest.strip_suffix(".m4s")) else {
            return Answer::Absent;
        };
        match rest.split_once('.') {
            None => number(rest).map_or(Answer::Absent, |number| self.segment(track, number, asked.now_ms)),
            Some((segment, part)) => match (number(segment), number(part)) {
                (Some(number), Some(part)) => self.part(track, number, part, asked.now_ms),
                _ => Answer::Absent,
            },
        }
    }

    /// Returns true if a time of the timeline comes within a while, or has come.
    fn comes_soon(&self, time_ns: u64, now_ns: u64) -> bool {
        time_ns <= now_ns.saturating_add(EARLY_MS * MILLI)
    }

    /// Returns true if a segment that ended at a time has left the window for longer than a playlist could name it.
    fn is_gone(&self, end_ns: u64, now_ns: u64) -> bool {
        end_ns.saturating_add((self.record.window_ms * 2 + 10_000) * MILLI) < now_ns
    }

    fn segment(&self, track: TrackId, number: u64, now_ms: i64) -> Answer {
        if number > MAX_NUMBER {
            return Answer::Absent;
        }
        let (span, now_ns) = (self.timeline.span(track, number), self.since_epoch(now_ms));
        if self.is_gone(span.end_ns, now_ns) {
            return Answer::Gone;
        }
        // Without chunks a segment is there as a whole or not at all.
        let begins = if self.is_low_latency() { span.start_ns } else { span.end_ns };
        if !self.comes_soon(begins, now_ns) || now_ms < self.record.epoch.as_millisecond() {
            return Answer::Absent;
        }
        let cut = self.timeline.cut(track, number);
        let piece = |(part, (_, span)): (usize, &(Vec<_>, super::timeline::Span))| Piece {
            ready_at: self.unix_ms(span.end_ns),
            track,
            number,
            part,
        };
        Answer::Media(cut.iter().enumerate().map(piece).collect())
    }

    fn part(&self, track: TrackId, number: u64, part: u64, now_ms: i64) -> Answer {
        if !self.is_low_latency() || number > MAX_NUMBER {
            return Answer::Absent;
        }
        let cut = self.timeline.cut(track, number);
        let part = usize::try_from(part).unwrap_or(usize::MAX);
        let (Some((_, span)), now_ns) = (cut.get(part), self.since_epoch(now_ms)) else { return Answer::Absent };
        if self.is_gone(span.end_ns, now_ns) {
            return Answer::Gone;
        }
        if !self.comes_soon(span.start_ns, now_ns) || now_ms < self.record.epoch.as_millisecond() {
            return Answer::Absent;
        }
        Answer::Media(vec![Piece { ready_at: self.unix_ms(span.end_ns), track, number, part }])
    }
}

/// Largest number of a segment. With segments of four seconds that is 270 years, which nanoseconds can still count.
const MAX_NUMBER: u64 = 1 << 31;

/// Returns a number that is written in its one spelling.
pub(super) fn number(digits: &str) -> Option<u64> {
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number: &u64| is_plain && number.to_string() == digits)
}
