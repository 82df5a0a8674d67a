//! A channel: its record, the media of its titles, and what follows from both.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::super::TitleRecord;
use super::LiveError;
use super::record::ChannelRecord;
use super::stock::Programme;
use super::timeline::{Timeline, TrackId};

/// Nanoseconds of a millisecond.
pub(super) const MILLI: u64 = 1_000_000;

/// Properties of a track that are the same at all times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    /// Longest segment, nanoseconds.
    pub(super) segment_ns: u64,
    /// Longest part, nanoseconds.
    pub(super) part_ns: u64,
}

/// A channel that can be played. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct LiveChannel(Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) record: ChannelRecord,
    pub(super) version: i64,
    pub(super) timeline: Timeline,
    /// Names of the rungs, lowest rate first.
    pub(super) rungs: Vec<String>,
    /// Names of the languages, default first.
    pub(super) languages: Vec<String>,
    pub(super) lengths: BTreeMap<TrackId, Lengths>,
}

/// A programme on the air, or to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programmed {
    /// Id of the title.
    pub title: String,
    /// Name of the title.
    pub name: String,
    /// Beginning, milliseconds since the Unix epoch.
    pub starts_at: i64,
    /// End, which is the beginning of the next.
    pub ends_at: i64,
}

impl LiveChannel {
    /// Reads the media of a channel's titles. Tracks that not all titles have are left out.
    ///
    /// # Errors
    /// When a title is not there or cannot be played, or no rung is common to all.
    pub fn open(data: &Path, record: ChannelRecord) -> Result<Self, LiveError> {
        let read = record.programmes.iter().map(|id| Programme::read(data, id));
        Self::of(record.clone(), read.collect::<Result<_, _>>()?)
    }

    pub(super) fn of(record: ChannelRecord, mut programmes: Vec<Programme>) -> Result<Self, LiveError> {
        let first = programmes.first().ok_or(LiveError::Empty)?;
        let names = |all: Vec<&String>, has: &dyn Fn(&Programme, &str) -> bool| -> Vec<String> {
            let common = all.into_iter().filter(|name| programmes.iter().all(|programme| has(programme, name)));
            common.cloned().collect()
        };
        let rungs = names(first.record.rungs.iter().map(|rung| &rung.name).collect(), &|programme, name| {
            programme.record.rungs.iter().any(|rung| rung.name == name)
        });
        let languages = names(first.record.audio.iter().map(|audio| &audio.name).collect(), &|programme, name| {
            programme.record.audio.iter().any(|audio| audio.name == name)
        });
        for programme in &mut programmes {
            programme.keep(&rungs, &languages);
        }
        if rungs.is_empty() {
            let title = record.programmes.first().cloned().unwrap_or_default();
            return Err(LiveError::Unfit { title, reason: "no rung is common to all titles".to_owned() });
        }
        // A title that was packaged anew is other media under the same numbers.
        let versions = programmes.iter().map(|programme| programme.record.version());
        let version = versions.chain([record.epoch.as_millisecond()]).max().unwrap_or_default();
        let part_ns = record.part_ms.map(|ms| u64::from(ms.max(40)) * MILLI);
        let timeline = Timeline::new(programmes, !record.discontinuities, part_ns);
        let video = (0..rungs.len()).map(TrackId::Video);
        let tracks = video.chain((0..languages.len()).map(TrackId::Audio));
        let lengths =
            tracks.map(|id| (id, Lengths { segment_ns: timeline.longest(id), part_ns: timeline.longest_part(id) }));
        let lengths = lengths.collect();
        Ok(Self(Arc::new(Inner { record, version, timeline, rungs, languages, lengths })))
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    /// Returns the record.
    pub fn record(&self) -> &ChannelRecord {
        &self.0.record
    }

    /// Returns the number of its version: another one when a title of it was packaged anew.
    pub fn version(&self) -> i64 {
        self.0.version
    }

    /// Returns the time for which media can be sought back to, milliseconds.
    pub fn window_ms(&self) -> u64 {
        self.0.window_ns() / MILLI
    }

    /// Returns the titles that it plays, in order.
    pub fn titles(&self) -> impl Iterator<Item = &TitleRecord> {
        self.0.timeline.programmes.iter().map(|programme| &programme.record)
    }

    /// Returns the programme on the air at a time, and the one after it; from the first one before the epoch.
    pub fn on_air(&self, now_ms: i64) -> [Programmed; 2] {
        let now_ns = self.0.since_epoch(now_ms);
        let occurrence = self.0.timeline.occurrence_at(now_ns);
        [occurrence, occurrence + 1].map(|occurrence| self.0.programmed(occurrence))
    }
}

impl Inner {
    /// Returns the time on the timeline, nanoseconds; 0 before the epoch.
    pub(super) fn since_epoch(&self, now_ms: i64) -> u64 {
        let ms = now_ms.saturating_sub(self.record.epoch.as_millisecond());
        u64::try_from(ms).unwrap_or(0).saturating_mul(MILLI)
    }

    /// Returns the first millisecond since the Unix epoch at which a time of the timeline has come.
    pub(super) fn unix_ms(&self, time_ns: u64) -> i64 {
        let ms = i64::try_from(time_ns.div_ceil(MILLI)).unwrap_or(i64::MAX);
        self.record.epoch.as_millisecond().saturating_add(ms)
    }

    /// Returns the Unix time of the timeline's origin, nanoseconds.
    pub(super) fn origin_ns(&self) -> u64 {
        u64::try_from(self.record.epoch.as_millisecond()).unwrap_or(0).saturating_mul(MILLI)
    }

    pub(super) fn programmed(&self, occurrence: u64) -> Programmed {
        let record = &self.timeline.programme(occurrence).record;
        let at = |occurrence| self.unix_ms(self.timeline.start_of(occurrence));
        Programmed {
            title: record.id.clone(),
            name: record.title.clone(),
            starts_at: at(occurrence),
            ends_at: at(occurrence + 1),
        }
    }

    /// Returns all tracks, the rungs first.
    pub(super) fn tracks(&self) -> impl Iterator<Item = TrackId> {
        self.lengths.keys().copied()
    }

    /// Returns the directory of a track, such as `video/720p`.
    pub(super) fn folder(&self, id: TrackId) -> &str {
        &self.timeline.track(0, id).folder
    }

    /// Returns true if parts are delivered before their segment is complete.
    pub(super) fn is_low_latency(&self) -> bool {
        self.record.part_ms.is_some()
    }

    /// Returns the longest segment of all tracks, nanoseconds.
    pub(super) fn longest_segment(&self) -> u64 {
        self.lengths.values().map(|lengths| lengths.segment_ns).max().unwrap_or(0)
    }

    /// Returns the longest part of all tracks, nanoseconds.
    pub(super) fn longest_part(&self) -> u64 {
        self.lengths.values().map(|lengths| lengths.part_ns).max().unwrap_or(0)
    }
}
