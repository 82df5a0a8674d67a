//! Text files as segments: read as a whole when their last byte has come.

use bytes::{Bytes, BytesMut};

use super::sniff;
use super::{DemuxError, DemuxOutput, Demuxer};
use crate::text::webvtt::{self, WebVttError};

/// Bytes of a text file at most; a film's subtitles need some two hundred thousand.
const FILE_BYTES: usize = 8 << 20;

/// Reads a WebVTT file.
#[derive(Debug, Default)]
pub(super) struct WebVttDemuxer {
    bytes: BytesMut,
}

impl Demuxer for WebVttDemuxer {
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
        match webvtt::parse(&bytes) {
            Ok(document) => Ok(vec![DemuxOutput::Cues { cues: document.cues, timestamp_map: document.timestamp_map }]),
            Err(WebVttError::NoSignature) if bytes.is_empty() => {
                Err(DemuxError::Truncated { what: "an empty file".to_owned(), offset: 0 })
            }
            Err(WebVttError::NoSignature) => Err(sniff::recognise(&bytes).refuse("WebVTT text")),
            Err(WebVttError::TooManyCues(limit)) => {
                Err(DemuxError::Limit { what: "the number of cues".to_owned(), limit: limit as u64, offset: 0 })
            }
        }
    }
}
