//! Output of the streams of a program, in order: initialisation data first, once every stream has given its
//! configuration, and again whenever one changes.

use std::sync::Arc;

use bytes::Bytes;

use super::clock::RATE;
use super::psi::StreamEntry;
use crate::container::audio::id3;
use crate::container::elementary::{Piece, Unit};
use crate::container::{CodecConfig, DemuxOutput, Fragment, InitSegment, MediaClock, Sample, TrackInit};
use crate::model::MediaKind;
use crate::time::MediaTime;

/// Maximum number of bytes that are held back while a stream has not given its configuration.
const HELD_BYTES: usize = 8 << 20;
/// Nanoseconds of one stream that are held back for the others: sound may begin seconds before the first picture, and
/// what is announced without it is presented without it.
const HELD_TIME: i64 = 5_000_000_000;

/// A track of the program.
#[derive(Clone, Debug)]
struct Track {
    entry: StreamEntry,
    kind: MediaKind,
    config: Option<Arc<CodecConfig>>,
    /// A unit has come.
    begun: bool,
}

/// Parts of a report.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Identifiers, kinds and codecs.
    pub tracks: Vec<(u16, MediaKind, String)>,
    /// Units with the identifiers of their tracks.
    pub units: Vec<(u16, Unit)>,
}

/// Orders the output of all streams.
#[derive(Clone, Debug, Default)]
pub(super) struct Assembly {
    tracks: Vec<Track>,
    held: Vec<(u16, Unit)>,
    held_bytes: usize,
    announced: bool,
    samples: Vec<(u16, Vec<Sample>)>,
    outputs: Vec<DemuxOutput>,
    /// Units are gathered for a report instead of being given.
    report: Option<Vec<(u16, Unit)>>,
    /// A unit has come.
    begun: bool,
}

impl Assembly {
    /// Sets the tracks from now on; those that stay keep their configuration.
    pub fn set_tracks(&mut self, tracks: impl Iterator<Item = (StreamEntry, MediaKind)>) {
        let mut before = std::mem::take(&mut self.tracks);
        for (entry, kind) in tracks {
            let known = before.iter().position(|track| track.entry == entry);
            let track = known.map(|index| before.swap_remove(index));
            self.tracks.push(track.unwrap_or(Track { entry, kind, config: None, begun: false }));
        }
    }

    /// Gathers units for a report.
    pub fn report_only(&mut self) {
        self.report = Some(Vec::new());
    }

    /// Returns the tracks that have given their configuration, and all units.
    pub fn report(&mut self) -> Report {
        let told = |track: &Track| Some((track.entry.pid, track.kind, track.config.as_ref()?.codec_string.clone()));
        Report { tracks: self.tracks.iter().filter_map(told).collect(), units: self.report.take().unwrap_or_default() }
    }

    /// A segment begins: what is known of the tracks is announced again. Units that wait for that go on waiting if
    /// the segment goes on where the one before ended.
    pub fn begin_segment(&mut self, continues: bool) {
        if !continues {
            self.held.clear();
            self.held_bytes = 0;
        }
        self.announced = false;
        self.begun = !self.held.is_empty();
        for track in &mut self.tracks {
            track.begun = self.held.iter().any(|(pid, _)| *pid == track.entry.pid);
        }
    }

    /// True if a unit of a track has come in the segment.
    pub fn has_begun(&self, pid: u16) -> bool {
        self.tracks.iter().any(|track| track.entry.pid == pid && track.begun)
    }

    /// True when no unit has come.
    pub fn is_empty(&self) -> bool {
        !self.begun
    }

    /// Takes the output of a stream.
    pub fn take(&mut self, pid: u16, pieces: Vec<Piece>) {
        for piece in pieces {
            match piece {
                Piece::Config(config) => self.configure(pid, *config),
                Piece::Unit(unit) => self.add(pid, unit),
                Piece::Tag(Some(time), tag) => {
                    self.outputs.push(DemuxOutput::Metadata(vec![id3::metadata(tag, time)]));
                }
                Piece::Tag(None, _) => {}
            }
        }
    }

    fn configure(&mut self, pid: u16, config: CodecConfig) {
        let Some(index) = self.tracks.iter().position(|track| track.entry.pid == pid) else { return };
        let changed = self.tracks[index].config.as_ref().is_some_and(|known| **known != config);
        if changed {
            // The held units have the configuration before this one.
            self.announce();
        }
        self.tracks[index].config = Some(Arc::new(config));
        if self.announced {
            self.put_init(None);
        }
    }

    fn add(&mut self, pid: u16, unit: Unit) {
        let Some(track) = self.tracks.iter_mut().find(|track| track.entry.pid == pid) else { return };
        track.begun = true;
        self.begun = true;
        if let Some(report) = &mut self.report {
            report.push((pid, unit));
        } else if self.announced {
            self.put(pid, unit);
        } else {
            let waited = |(held, first): &(u16, Unit)| *held == pid && unit.dts.nanos_from(first.dts) >= HELD_TIME;
            let long = self.held.iter().find(|(held, _)| *held == pid).is_some_and(waited);
            self.held_bytes += unit.payload.len();
            self.held.push((pid, unit));
            if long || self.held_bytes > HELD_BYTES || self.tracks.iter().all(|track| track.begun) {
                self.announce();
            }
        }
    }

    /// Gives initialisation data with what is known, and what was held back for it.
    pub fn announce(&mut self) {
        if self.announced || self.held.is_empty() {
            return;
        }
        self.announced = true;
        let held = std::mem::take(&mut self.held);
        self.put_init(held.iter().map(|(_, unit)| unit.pts).min());
        for (pid, unit) in held {
            self.put(pid, unit);
        }
    }

    fn put_init(&mut self, first: Option<MediaTime>) {
        self.flush();
        let told = |track: &Track| {
            Some(TrackInit {
                id: u32::from(track.entry.pid),
                kind: track.kind,
                timescale: RATE,
                language: track.entry.language.clone(),
                config: Arc::clone(track.config.as_ref()?),
            })
        };
        let tracks = self.tracks.iter().filter_map(told).collect();
        let init = InitSegment { tracks, clock: MediaClock::Mpeg, first, source: Bytes::new() };
        self.outputs.push(DemuxOutput::Init(Arc::new(init)));
    }

    fn put(&mut self, pid: u16, unit: Unit) {
        let sample = unit.into_sample();
        match self.samples.iter_mut().find(|(track, _)| *track == pid) {
            Some((_, samples)) => samples.push(sample),
            None => self.samples.push((pid, vec![sample])),
        }
    }

    fn flush(&mut self) {
        for (pid, samples) in self.samples.drain(..) {
            self.outputs.push(DemuxOutput::Fragment(Fragment { track: u32::from(pid), samples }));
        }
    }

    /// Takes the output that is complete.
    pub fn outputs(&mut self) -> Vec<DemuxOutput> {
        self.flush();
        std::mem::take(&mut self.outputs)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::stream_type::StreamKind;
    use super::*;
    use crate::container::audio::header::Format;

    fn unit(bytes: usize) -> Vec<Piece> {
        let payload = Bytes::from(vec![0; bytes]);
        let (pts, dts, duration) = (MediaTime::ZERO, MediaTime::ZERO, Duration::ZERO);
        vec![Piece::Unit(Unit { pts, dts, duration, key: true, stored: bytes, payload, crypto: None })]
    }

    #[test]
    fn units_of_eight_mebibytes_wait_and_no_byte_more_of_one_segment_or_of_several_that_go_on() {
        let mut assembly = Assembly::default();
        let entry = |pid: u16, kind: StreamKind| StreamEntry { pid, kind, language: None };
        let video = (entry(1, StreamKind::H265), MediaKind::Video);
        let sound = (entry(2, StreamKind::Audio(Format::Adts, false)), MediaKind::Audio);
        assembly.set_tracks([video, sound].into_iter());
        assembly.take(1, unit(HELD_BYTES));
        assert_eq!(assembly.outputs(), []);
        assembly.begin_segment(false);
        assembly.take(1, unit(HELD_BYTES));
        assert_eq!(assembly.outputs(), [], "what was left behind by a jump does not count");
        assembly.begin_segment(true);
        assembly.take(1, unit(0));
        assert_eq!(assembly.outputs(), []);
        assembly.take(1, unit(1));
        assert_eq!(assembly.outputs().len(), 2, "tracks and their units");
    }
}
