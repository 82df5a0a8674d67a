//! Data of a kind that nobody told: its first bytes choose the demuxer.

use bytes::{Bytes, BytesMut};

use super::mp4::Mp4Demuxer;
use super::sniff::{self, Signature};
use super::text::WebVttDemuxer;
use super::{DemuxError, DemuxOutput, Demuxer, InitSegment};

/// Waits for enough bytes, then reads as what they are.
pub(super) struct SniffingDemuxer {
    beginning: BytesMut,
    mp4: Option<Mp4Demuxer>,
    chosen: Option<Box<dyn Demuxer>>,
}

impl SniffingDemuxer {
    /// `init` and `captions` are used when the data turns out to be MP4.
    pub fn new(init: Option<&InitSegment>, captions: bool) -> Result<Self, DemuxError> {
        let mp4 = Mp4Demuxer::new(init)?.with_captions(captions);
        Ok(Self { beginning: BytesMut::new(), mp4: Some(mp4), chosen: None })
    }

    fn choose(&mut self, bytes: Bytes) -> Result<Vec<DemuxOutput>, DemuxError> {
        let mut chosen: Box<dyn Demuxer> = match (sniff::recognise(&bytes), self.mp4.take()) {
            (Signature::Mp4, Some(mp4)) => Box::new(mp4),
            (Signature::WebVtt, _) => Box::new(WebVttDemuxer::default()),
            (other, _) => return Err(other.refuse("media")),
        };
        let outputs = chosen.push(bytes);
        self.chosen = Some(chosen);
        outputs
    }
}

impl Demuxer for SniffingDemuxer {
    fn push(&mut self, bytes: Bytes) -> Result<Vec<DemuxOutput>, DemuxError> {
        if let Some(chosen) = &mut self.chosen {
            return chosen.push(bytes);
        }
        if self.beginning.is_empty() && bytes.len() >= sniff::ENOUGH {
            return self.choose(bytes);
        }
        self.beginning.extend_from_slice(&bytes);
        if self.beginning.len() < sniff::ENOUGH {
            return Ok(Vec::new());
        }
        let beginning = self.beginning.split().freeze();
        self.choose(beginning)
    }

    fn finish(&mut self) -> Result<Vec<DemuxOutput>, DemuxError> {
        let mut outputs = Vec::new();
        if self.chosen.is_none() {
            if self.beginning.is_empty() {
                return Err(DemuxError::Truncated { what: "an empty file".to_owned(), offset: 0 });
            }
            let beginning = self.beginning.split().freeze();
            outputs = self.choose(beginning)?;
        }
        if let Some(chosen) = &mut self.chosen {
            outputs.extend(chosen.finish()?);
        }
        Ok(outputs)
    }
}
