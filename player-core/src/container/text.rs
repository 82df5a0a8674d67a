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
    /// Format that the manifest declares.
    expected: &'static str,
}

impl TextDemuxer {
    /// Returns a reader. `expected` is for errors: files are recognised by their content.
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::container::{DemuxSetup, open};
    use crate::model::ContainerFormat;

    fn read(format: ContainerFormat, file: &[u8]) -> Result<Vec<String>, DemuxError> {
        let mut demuxer = open(&DemuxSetup::new(format, None)).unwrap();
        let mut outputs = Vec::new();
        for piece in file.chunks(7) {
            outputs.extend(demuxer.push(Bytes::copy_from_slice(piece))?);
        }
        outputs.extend(demuxer.finish()?);
        let mut texts = Vec::new();
        for output in outputs {
            let DemuxOutput::Cues { cues, timestamp_map: None } = output else { panic!("{output:?}") };
            texts.extend(cues.iter().map(text::Cue::plain_text));
        }
        Ok(texts)
    }

    #[test]
    fn text_files_are_read_whatever_their_type_says() {
        let ttml = "<?xml version='1.0' encoding='UTF-8'?>\n<!-- a licence of many words, longer than what is sniffed -->\n\
            <tt xmlns='http://www.w3.org/ns/ttml'><body><div><p begin='1s' end='2s'>é</p></div></body></tt>";
        let srt = "1\n00:00:01,000 --> 00:00:02,000\né\n";
        let vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\né\n";
        let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(ttml.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        for format in [ContainerFormat::WebVtt, ContainerFormat::Ttml, ContainerFormat::Unknown] {
            for file in [ttml.as_bytes(), srt.as_bytes(), vtt.as_bytes(), &wide] {
                assert_eq!(read(format, file).unwrap(), ["é"], "{format:?}");
            }
        }
    }

    #[test]
    fn what_is_no_text_file_is_named() {
        let what = |format, file: &[u8]| read(format, file).unwrap_err().to_string();
        let page = b"<!DOCTYPE html><html><body>Not Found</body></html>";
        assert!(what(ContainerFormat::Ttml, page).starts_with("expected TTML, found an HTML page"));
        assert!(
            what(ContainerFormat::WebVtt, b"hello, this is not a cue")
                .starts_with("expected WebVTT text, found plain text")
        );
        assert!(
            what(ContainerFormat::Unknown, b"<?xml version='1.0'?><Error/>")
                .starts_with("expected media, found an XML")
        );
        assert!(what(ContainerFormat::Ttml, b"<tt><body>").starts_with("broken XML"));
        assert!(what(ContainerFormat::Ttml, b"").contains("an empty file"));
        let image = b"<tt><body><div smpte:backgroundImage='#a'/></body></tt>";
        assert!(matches!(read(ContainerFormat::Ttml, image), Err(DemuxError::Unsupported { .. })));
        let large = vec![b' '; FILE_BYTES + 1];
        assert!(matches!(read(ContainerFormat::WebVtt, &large), Err(DemuxError::Limit { .. })));
    }
}
