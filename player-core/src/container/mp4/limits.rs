//! Limits of a file. Each is far above the needs of real media and low enough that hostile data costs little; exceeding
//! one is [`crate::container::DemuxError::Limit`].

/// Bytes of a movie box. Three hours of unfragmented film need about ten million.
pub(super) const MOVIE_BYTES: u64 = 32 << 20;
/// Bytes of a movie fragment box.
pub(super) const FRAGMENT_BYTES: u64 = 4 << 20;
/// Tracks of a movie, and track fragments of a movie fragment.
pub(super) const TRACKS: usize = 64;
/// Sample entries of a track.
pub(super) const SAMPLE_ENTRIES: usize = 64;
/// Samples of a movie fragment.
pub(super) const FRAGMENT_SAMPLES: usize = 1 << 16;
/// Samples that one run may describe without a record for each and without a size.
pub(super) const FREE_SAMPLES: usize = 64;
/// Samples of an unfragmented movie.
pub(super) const MOVIE_SAMPLES: usize = 3 << 19;
/// Parts of an encrypted sample.
pub(super) const SUBSAMPLES: usize = 1 << 12;
/// Bytes of an event message; longer ones are passed over, for they are not the media.
pub(super) const EVENT_BYTES: u64 = 1 << 20;
/// Event messages that may wait for the media of their segment; more are passed over.
pub(super) const WAITING_EVENTS: usize = 1 << 10;
/// Bytes of a WebVTT sample.
pub(super) const TEXT_SAMPLE_BYTES: usize = 1 << 20;
/// Bytes of a TTML sample: it may be all subtitles of a film, with pictures and text.
pub(super) const TTML_SAMPLE_BYTES: usize = 8 << 20;

use crate::container::DemuxError;

/// Fails when `value` is above `limit`.
pub(super) fn check(what: &str, value: u64, limit: u64, offset: u64) -> Result<(), DemuxError> {
    if value > limit { Err(DemuxError::Limit { what: what.to_owned(), limit, offset }) } else { Ok(()) }
}
