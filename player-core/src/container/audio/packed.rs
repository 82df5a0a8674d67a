//! Packed audio (RFC 8216bis §3.1.4): frames of sound with ID3 tags before and between them.

use std::sync::Arc;

use bytes::{Buf as _, Bytes, BytesMut};
use serde_json::{Value, json};

use super::id3;
use super::splitter::FrameSplitter;
use crate::container::elementary::{Piece, Unit};
use crate::container::sniff::{self, Signature};
use crate::container::ts::clock::RATE;
use crate::container::{
    CodecConfig, DemuxError, DemuxOutput, DemuxSetup, Demuxer, DemuxerState, Fragment, InitSegment, MediaClock, Sample,
    SegmentTail, TrackInit,
};
use crate::model::MediaKind;
use crate::time::MediaTime;

/// The number of the only track.
const TRACK: u32 = 1;
/// Bytes that tell whether a frame begins with them.
const HEADER: usize = 16;

/// Reads one segment of packed audio.
#[derive(Clone, Debug)]
pub(in crate::container) struct PackedDemuxer {
    splitter: FrameSplitter,
    clock: MediaClock,
    /// The first bytes, to name what was sent instead.
    beginning: Vec<u8>,
    frames: bool,
    /// Another segment may follow.
    keeps_tail: bool,
    /// Beginning of a frame that the segment before ended in.
    cut: Bytes,
    /// First bytes after the tags of a segment that goes on, until it is known if they end that frame.
    head: BytesMut,
    /// A tag has come in front of the rest of the frame.
    tagged: bool,
}

impl PackedDemuxer {
    /// A reader for one segment.
    pub fn new(setup: &DemuxSetup) -> Self {
        if let Some(mut carried) = setup.carried_packed() {
            carried.begin_segment(setup);
            return carried;
        }
        Self {
            splitter: FrameSplitter::packed(setup.sample_key.clone()),
            clock: MediaClock::Absent,
            beginning: Vec::new(),
            frames: false,
            keeps_tail: setup.keeps_tail,
            cut: Bytes::new(),
            head: BytesMut::new(),
            tagged: false,
        }
    }

    /// Goes on with another segment of the rendition.
    fn begin_segment(&mut self, setup: &DemuxSetup) {
        self.cut = self.splitter.begin_segment(setup.continues());
        self.splitter.set_key(setup.sample_key.clone());
        (self.frames, self.tagged, self.keeps_tail) = (false, false, setup.keeps_tail);
        self.beginning.clear();
        self.head.clear();
        if !setup.continues() {
            (self.cut, self.clock) = (Bytes::new(), MediaClock::Absent);
        }
    }

    /// Ends the segment where another one may follow.
    fn end_segment(&mut self) -> Result<Vec<DemuxOutput>, DemuxError> {
        let mut outputs = self.settle_cut(Bytes::new(), true)?;
        let state = self.clone();
        let mut pieces = Vec::new();
        self.splitter.finish(&mut pieces)?;
        let tail = self.outputs(pieces);
        if !self.frames {
            return Err(no_frame(&self.beginning));
        }
        let held = state.splitter.held_bytes();
        outputs.push(DemuxOutput::Tail(SegmentTail {
            outputs: tail,
            state: DemuxerState::of_packed(state, held),
            waiting: 0,
        }));
        Ok(outputs)
    }

    /// Joins a frame that the end of the segment before cut: its rest stands after the tags that this one begins
    /// with, unless a frame begins there.
    fn settle_cut(&mut self, bytes: Bytes, last: bool) -> Result<Vec<DemuxOutput>, DemuxError> {
        let mut pieces = Vec::new();
        if self.cut.is_empty() && self.head.is_empty() {
            self.splitter.push(&bytes, &mut pieces)?;
            return Ok(self.outputs(pieces));
        }
        self.head.extend_from_slice(&bytes);
        while !self.cut.is_empty() {
            let (tag, size) = (id3::may_begin(&self.head), id3::tag_size(&self.head));
            match size.filter(|size| *size <= self.head.len()) {
                Some(size) => {
                    let tag = self.head.split_to(size);
                    self.splitter.push(&tag, &mut pieces)?;
                    self.tagged = true;
                }
                None if !last && tag && size.is_none_or(|size| size <= id3::TAG_BYTES) => break,
                None if !last && self.head.len() < HEADER => break,
                None => {
                    let cut = std::mem::take(&mut self.cut);
                    let following = &self.head[..self.head.len().min(HEADER)];
                    if !self.splitter.begins_frame(&self.head) {
                        self.splitter.take_cut(&cut, following, self.tagged, &mut pieces)?;
                    }
                }
            }
        }
        if self.cut.is_empty() {
            let head = self.head.split();
            self.splitter.push(head.chunk(), &mut pieces)?;
        }
        Ok(self.outputs(pieces))
    }

    fn outputs(&mut self, pieces: Vec<Piece>) -> Vec<DemuxOutput> {
        let mut outputs = Vec::new();
        let mut samples: Vec<Sample> = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Config(config) => {
                    flush(&mut outputs, &mut samples);
                    self.frames = true;
                    outputs.push(DemuxOutput::Init(Arc::new(self.init(*config))));
                }
                Piece::Unit(unit) => samples.push(unit.into_sample()),
                Piece::Tag(time, tag) => {
                    if id3::timestamp(&tag).is_some() {
                        self.clock = MediaClock::Mpeg;
                    }
                    if !id3::is_only_timestamp(&tag) {
                        let event = id3::metadata(tag, time.unwrap_or(MediaTime::ZERO));
                        outputs.push(DemuxOutput::Metadata(vec![event]));
                    }
                }
            }
        }
        flush(&mut outputs, &mut samples);
        outputs
    }

    fn init(&self, config: CodecConfig) -> InitSegment {
        let timescale = config.sample_rate.unwrap_or(RATE);
        let config = Arc::new(config);
        let track = TrackInit { id: TRACK, kind: MediaKind::Audio, timescale, language: None, config };
        InitSegment { tracks: vec![track], clock: self.clock, first: None, source: Bytes::new() }
    }
}

fn flush(outputs: &mut Vec<DemuxOutput>, samples: &mut Vec<Sample>) {
    if !samples.is_empty() {
        outputs.push(DemuxOutput::Fragment(Fragment { track: TRACK, samples: std::mem::take(samples) }));
    }
}

impl Demuxer for PackedDemuxer {
    fn push(&mut self, bytes: Bytes) -> Result<Vec<DemuxOutput>, DemuxError> {
        let missing = sniff::ENOUGH.saturating_sub(self.beginning.len());
        self.beginning.extend_from_slice(&bytes[..bytes.len().min(missing)]);
        self.settle_cut(bytes, false)
    }

    fn finish(&mut self) -> Result<Vec<DemuxOutput>, DemuxError> {
        if self.keeps_tail {
            return self.end_segment();
        }
        let mut outputs = self.settle_cut(Bytes::new(), true)?;
        let mut pieces = Vec::new();
        self.splitter.finish(&mut pieces)?;
        outputs.extend(self.outputs(pieces));
        if self.frames {
            return Ok(outputs);
        }
        Err(no_frame(&self.beginning))
    }
}

/// The error for data without a frame of sound, from its first bytes.
fn no_frame(beginning: &[u8]) -> DemuxError {
    match sniff::recognise(beginning) {
        _ if beginning.is_empty() => DemuxError::Truncated { what: "an empty file".to_owned(), offset: 0 },
        Signature::PackedAudio => DemuxError::Truncated { what: "a frame of packed audio".to_owned(), offset: 0 },
        other => other.refuse("packed audio"),
    }
}

/// Describes the frames of `file` (see [`crate::container::describe_samples`]).
pub(in crate::container) fn describe(file: &[u8]) -> Result<Value, DemuxError> {
    let mut splitter = FrameSplitter::packed(None);
    let mut pieces = Vec::new();
    splitter.push(file, &mut pieces)?;
    splitter.finish(&mut pieces)?;
    let mut config: Option<Box<CodecConfig>> = None;
    let mut samples = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Config(found) => drop(config.get_or_insert(found)),
            Piece::Unit(unit) => samples.push(row(&unit)),
            Piece::Tag(..) => {}
        }
    }
    let config = config.ok_or_else(|| no_frame(file.get(..sniff::ENOUGH).unwrap_or(file)))?;
    let track = json!({
        "id": TRACK,
        "kind": "audio",
        "codec": config.codec_string,
        "timescale": config.sample_rate,
        "samples": samples,
    });
    Ok(json!({ "protocol": "packed-audio", "tracks": [track] }))
}

/// A unit in a report.
pub(in crate::container) fn row(unit: &Unit) -> Value {
    json!([unit.pts.as_nanos().div_euclid(1000), unit.key, unit.stored])
}
