//! From an address to what there is at a time.

use std::io;

use super::asked::{Answer, Asked, Piece, number};
use super::channel::{Inner, LiveChannel, MILLI};
use super::media;
use super::timeline::TrackId;

/// Time by which media may be asked for too early, nanoseconds: the request is held until it is there. A client's clock may be ahead
/// so much.
const EARLY_NS: u64 = 500 * MILLI;
/// The same for a segment of chunks, whose successor players ask for while they read it; a segment at most.
const AHEAD_NS: u64 = 3_000 * MILLI;
/// Time for which a manifest is waited for at most, milliseconds.
const HELD_MS: i64 = 20_000;

impl LiveChannel {
    /// Returns what is at an address.
    pub fn answer(&self, asked: &Asked<'_>) -> Answer {
        let inner = self.inner();
        let answer = match asked.file {
            [file] => inner.file(file, asked),
            [kind, name, file] => match inner.track(kind, name) {
                Some(track) => inner.track_file(track, file, asked),
                None => Answer::Absent,
            },
            _ => Answer::Absent,
        };
        match answer {
            // A channel that has not begun holds nobody.
            Answer::Later(at) if at.saturating_sub(asked.now_ms) > HELD_MS => Answer::Early,
            answer => answer,
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

    /// Returns true if a segment that ended at a time has left the window for longer than a playlist could name it.
    fn is_gone(&self, end_ns: u64, now_ns: u64) -> bool {
        end_ns.saturating_add(self.window_ns() * 2 + 10_000 * MILLI) < now_ns
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
        let (begins, early) = match self.is_low_latency() {
            true => (span.start_ns, self.longest_segment().clamp(EARLY_NS, AHEAD_NS)),
            false => (span.end_ns, EARLY_NS),
        };
        if begins > now_ns.saturating_add(early) || now_ms < self.record.epoch.as_millisecond() {
            return Answer::Early;
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
        if span.start_ns > now_ns.saturating_add(EARLY_NS) || now_ms < self.record.epoch.as_millisecond() {
            return Answer::Early;
        }
        Answer::Media(vec![Piece { ready_at: self.unix_ms(span.end_ns), track, number, part }])
    }
}

/// Largest number of a segment. With segments of four seconds that is 270 years, which nanoseconds can still count.
const MAX_NUMBER: u64 = 1 << 31;
