//! Text files as segments: read as a whole when their last byte has come.

use bytes::{Bytes, BytesMut};

use super::sniff;
use super::{DemuxError, DemuxOutput, Demuxer};
use crate::text::ttml::TtmlError;
use crate::text::webvtt::WebVttError;
use crate::text::{self, TextError};

/// Bytes of a text file at most; a film's subtitles need some two hundred thousand.
const FILE_BYTES: usize = 8 << 20;

/// Reads a WebVTT, TTML or SubRip file.
#[derive(Debug)]
pub(super) struct TextDemuxer {
    bytes: BytesMut,
    /// What the manifest says it is.
    expected: &'static str,
}

impl TextDemuxer {
    /// `expected` is for errors: files are told by their content.
    pub fn new(expected: &'static str) -> Self {
        Self { bytes: BytesMut::new(), expected }
    }
}

impl Demuxer for TextDemuxer {
    fn push(&mut self, bytes: Bytes) -> Result<Vec<DemuxOutput>, DemuxError> {
        if self.bytes.len() + bytes.len() > FILE_BYTES {
            let what = "the size of a text file".to_owned();
            return Err(DemuxError::Limit { what, limit: FILE_BYTES as u64, offset: self.bytes.len() as u64 });
        }
        self.bytes.extend_from_slice(&bytes);
        Ok(Vec::new())
    }

    fn finish(&mut self) -> Result<Vec<DemuxOutput>, DemuxError> {
        let bytes = self.bytes.split();
        if bytes.is_empty() {
            return Err(DemuxError::Truncated { what: "an empty file".to_owned(), offset: 0 });
        }
        match text::read(&bytes) {
            Ok(file) => Ok(vec![DemuxOutput::Cues { cues: file.cues, timestamp_map: file.timestamp_map }]),
            Err(TextError::Unrecognised | TextError::WebVtt(WebVttError::NoSignature)) => {
                Err(sniff::recognise(&bytes).refuse(self.expected))
            }
            Err(TextError::WebVtt(WebVttError::TooManyCues(limit))) => {
                Err(DemuxError::Limit { what: "the number of cues".to_owned(), limit: limit as u64, offset: 0 })
            }
            Err(TextError::Ttml(error)) => Err(ttml_error(error, 0)),
        }
    }
}

/// The same complaint about media, for a document that lies at `offset`.
pub(super) fn ttml_error(error: TtmlError, offset: u64) -> DemuxError {
    match error {
        TtmlError::NotTtml(_) => DemuxError::Malformed { what: error.to_string(), offset },
        TtmlError::Malformed { message, offset: inside } => {
            DemuxError::Malformed { what: format!("broken XML: {message}"), offset: offset.saturating_add(inside) }
        }
        TtmlError::TooLarge { what, limit } => {
            DemuxError::Limit { what: format!("the number of {what}"), limit: limit as u64, offset }
        }
        TtmlError::OnlyImages => {
            DemuxError::Unsupported { feature: "subtitles as pictures (IMSC image profile)".to_owned() }
        }
    }
}
