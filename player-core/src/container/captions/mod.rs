//! Captions that travel inside other media: found in coded pictures (ANSI/SCTE 128-1 §8.1, ATSC A/53 Part 4 §6.2.3)
//! and in caption tracks of MP4 files, and put into the order of presentation. What they say is read in
//! [`crate::text::captions`].

mod nal;
mod sei;
mod track;
mod user_data;

use super::{CaptionPacket, Codec, DemuxOutput, Sample, TrackInit};
use crate::model::MediaKind;

/// Pictures may be presented this many pictures later than they are decoded (ITU-T H.264 §A.3.1 and H.265 §A.4.2:
/// `MaxDpbFrames` and `maxDpbSize` are 16).
const REORDER: usize = 16;
/// One picture has at most 31 triples in one structure; more than this of several structures is not kept.
const MOST_TRIPLES: usize = 128;

/// The caption data of one picture or of one sample of a caption track; empty when there is none.
///
/// Of an encrypted sample only messages that lie in the clear as a whole are read. Damaged messages end their sample:
/// the messages before them are given.
pub fn triples(sample: &Sample, codec: &Codec) -> Vec<u8> {
    let mut triples = Vec::new();
    let clear = nal::Clear::of(sample);
    match codec {
        Codec::H264 { avcc, .. } => {
            let length = avcc.get(4).map_or(4, |byte| usize::from(byte & 3) + 1);
            for unit in nal::units(&sample.payload.0, length, &clear).filter(|unit| nal::is_h264_sei(unit)) {
                sei::read(unit.get(1..).unwrap_or_default(), &mut triples);
            }
        }
        Codec::H265 { hvcc, .. } => {
            let length = hvcc.get(21).map_or(4, |byte| usize::from(byte & 3) + 1);
            for unit in nal::units(&sample.payload.0, length, &clear).filter(|unit| nal::is_h265_sei(unit)) {
                sei::read(unit.get(2..).unwrap_or_default(), &mut triples);
            }
        }
        _ => {}
    }
    triples.truncate(MOST_TRIPLES * 3);
    triples
}

/// Returns true for tracks of captions (QuickTime File Format, "Closed captioning media"): their samples are not
/// presented by themselves.
pub fn is_track(codec: &Codec) -> bool {
    matches!(codec, Codec::Other(kind) if kind == b"c608" || kind == b"c708")
}

/// Puts the captions of samples, which come in decoding order, into the order of presentation.
#[derive(Clone, Debug, Default)]
pub struct CaptionQueue {
    /// Pictures that an earlier one may still follow, ascending; most have no captions at all.
    waiting: Vec<CaptionPacket>,
    ready: Vec<CaptionPacket>,
}

impl CaptionQueue {
    /// Takes the next sample of a track of pictures or of captions.
    pub fn add(&mut self, sample: &Sample, codec: &Codec) {
        if is_track(codec) {
            for packet in track::read(sample) {
                self.insert(packet);
            }
        } else {
            self.insert(CaptionPacket { pts: sample.pts, triples: triples(sample, codec) });
        }
    }

    fn insert(&mut self, packet: CaptionPacket) {
        let at = self.waiting.partition_point(|known| known.pts <= packet.pts);
        match at.checked_sub(1).and_then(|before| self.waiting.get_mut(before)) {
            Some(same) if same.pts == packet.pts => same.triples.extend(packet.triples),
            _ => self.waiting.insert(at, packet),
        }
        if self.waiting.len() > REORDER {
            let first = self.waiting.remove(0);
            self.give(first);
        }
    }

    fn give(&mut self, packet: CaptionPacket) {
        if !packet.triples.is_empty() {
            self.ready.push(packet);
        }
    }

    /// Takes the packets that nothing can precede any more.
    pub fn take(&mut self) -> Vec<CaptionPacket> {
        std::mem::take(&mut self.ready)
    }

    /// Everything that is left: no sample follows.
    pub fn finish(&mut self) -> Vec<CaptionPacket> {
        for packet in std::mem::take(&mut self.waiting) {
            self.give(packet);
        }
        self.take()
    }
}

/// Finds captions in the pictures that a demuxer gives.
#[derive(Clone, Debug, Default)]
pub struct CaptionTap {
    queue: CaptionQueue,
    /// The pictures in force.
    tracks: Vec<TrackInit>,
}

impl CaptionTap {
    /// Adds to `outputs` the captions of the pictures in them; `last` means that none follow.
    pub fn look(&mut self, outputs: &mut Vec<DemuxOutput>, last: bool) {
        for output in outputs.iter() {
            match output {
                DemuxOutput::Init(init) => {
                    let pictures = init.tracks.iter().filter(|track| track.kind == MediaKind::Video);
                    self.tracks = pictures.cloned().collect();
                }
                DemuxOutput::Fragment(fragment) => {
                    let Some(track) = self.tracks.iter().find(|track| track.id == fragment.track) else { continue };
                    for sample in &fragment.samples {
                        self.queue.add(sample, &track.config.codec);
                    }
                }
                DemuxOutput::Protection(_)
                | DemuxOutput::Cues { .. }
                | DemuxOutput::Metadata(_)
                | DemuxOutput::Captions(_)
                | DemuxOutput::Damage(_)
                | DemuxOutput::Tail(_) => {}
            }
        }
        let packets = if last { self.queue.finish() } else { self.queue.take() };
        if !packets.is_empty() {
            outputs.push(DemuxOutput::Captions(packets));
        }
    }
}

#[cfg(test)]
mod tests;
