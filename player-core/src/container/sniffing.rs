//! Data of a kind that nobody told, or that a name does not tell for certain: its first bytes choose the demuxer.

use bytes::{Bytes, BytesMut};

use super::sniff::{self, Signature};
use super::text::TextDemuxer;
use super::{DemuxError, DemuxOutput, DemuxSetup, Demuxer};
use crate::model::ContainerFormat;

/// Waits for enough bytes, then reads as what they are.
pub(super) struct SniffingDemuxer {
    beginning: BytesMut,
    setup: DemuxSetup,
    chosen: Option<Box<dyn Demuxer>>,
}

impl SniffingDemuxer {
    /// A reader for data that `setup` fits, whatever it is.
    pub fn new(setup: DemuxSetup) -> Self {
        Self { beginning: BytesMut::new(), setup, chosen: None }
    }

    fn carried_format(&self) -> Option<ContainerFormat> {
        self.setup.carried.as_ref().filter(|carried| carried.continues)?.state.format()
    }

    fn choose(&mut self, bytes: Bytes) -> Result<Vec<DemuxOutput>, DemuxError> {
        let told = self.setup.format != ContainerFormat::Unknown;
        let as_format = |format| super::reader(&DemuxSetup { format, ..self.setup.clone() });
        let mut chosen: Box<dyn Demuxer> = match sniff::recognise(&bytes) {
            Signature::Mp4 => as_format(ContainerFormat::Fmp4)?,
            // XML is TTML, or nothing that can be read: its end tells.
            Signature::WebVtt | Signature::SubRip | Signature::Ttml | Signature::Xml => {
                Box::new(TextDemuxer::new("media"))
            }
            Signature::MpegTs => as_format(ContainerFormat::MpegTs)?,
            Signature::PackedAudio => as_format(ContainerFormat::PackedAudio)?,
            // A segment that begins inside a frame goes on with what the one before it was.
            Signature::Nothing if self.carried_format().is_some() => {
                as_format(self.carried_format().unwrap_or(self.setup.format))?
            }
            // Only what the manifest says can be gone by.
            Signature::Nothing if told => as_format(self.setup.format)?,
            other => return Err(other.refuse("media")),
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
