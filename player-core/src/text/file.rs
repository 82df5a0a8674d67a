//! A text file of any format, recognised by its content.

use super::ttml::{self, TtmlError};
use super::webvtt::{self, TimestampMap, WebVttError};
use super::{Cue, srt};

/// The formats of text files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFormat {
    /// WebVTT, by the W3C.
    WebVtt,
    /// TTML and its profiles.
    Ttml,
    /// SubRip, which has no standard.
    SubRip,
}

impl TextFormat {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebVtt => "webvtt",
            Self::Ttml => "ttml",
            Self::SubRip => "srt",
        }
    }
}

/// Content of a text file.
#[derive(Clone, Debug, PartialEq)]
pub struct TextFile {
    /// Format of the file.
    pub format: TextFormat,
    /// In file order, in the file's own time.
    pub cues: Vec<Cue>,
    /// Relation of that time to the media's, if declared.
    pub timestamp_map: Option<TimestampMap>,
    /// Faults of the content that is not shown, for people.
    pub warnings: Vec<String>,
}

/// Reasons why a text file could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// More WebVTT than any film has.
    #[error(transparent)]
    WebVtt(#[from] WebVttError),
    /// Damaged TTML, more of it than any film has, or pictures.
    #[error(transparent)]
    Ttml(#[from] TtmlError),
    /// Neither WebVTT nor TTML nor SubRip.
    #[error("neither WebVTT nor TTML nor SubRip text")]
    Unrecognised,
}

/// Reads a text file, whatever its name: servers mix the formats up.
///
/// # Errors
/// When the file is of none of the formats, damaged, or exceeds a limit.
pub fn read(bytes: &[u8]) -> Result<TextFile, TextError> {
    if ttml::is_ttml(bytes) {
        let document = ttml::parse(bytes)?;
        let warnings = match document.images {
            0 => Vec::new(),
            count => vec![format!("{count} pictures of the document are not shown")],
        };
        return Ok(TextFile { format: TextFormat::Ttml, cues: document.cues, timestamp_map: None, warnings });
    }
    let plain = |format, cues, timestamp_map| TextFile { format, cues, timestamp_map, warnings: Vec::new() };
    match webvtt::parse(bytes) {
        Ok(document) => Ok(plain(TextFormat::WebVtt, document.cues, document.timestamp_map)),
        // Damaged WebVTT is not SubRip, though its cues look alike.
        Err(error @ WebVttError::NoSignature) if says_webvtt(bytes) => Err(error.into()),
        Err(WebVttError::NoSignature) => {
            srt::parse(bytes).map(|cues| plain(TextFormat::SubRip, cues, None)).ok_or(TextError::Unrecognised)
        }
        Err(error) => Err(error.into()),
    }
}

/// True when the signature stands in the first line that is not empty, though not where it must.
fn says_webvtt(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(256)).unwrap_or_default();
    let line = head.split(|byte| matches!(byte, b'\n' | b'\r')).find(|line| !line.trim_ascii().is_empty());
    line.is_some_and(|line| line.windows(6).any(|window| window == b"WEBVTT"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn files_are_told_by_their_content() {
        let srt = "1\n00:00:01,000 --> 00:00:02,000\nx\n";
        let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(srt.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        for (file, format) in [
            (&b"WEBVTT\n\n00:01.000 --> 00:02.000\nx\n"[..], TextFormat::WebVtt),
            (
                b"<?xml version='1.0'?>\n<tt xmlns='http://www.w3.org/ns/ttml'><body><div><p>x</p></div></body></tt>",
                TextFormat::Ttml,
            ),
            (srt.as_bytes(), TextFormat::SubRip),
            (&wide, TextFormat::SubRip),
        ] {
            let read = read(file).unwrap();
            assert_eq!((read.format, read.cues.len()), (format, 1));
        }
        assert_eq!(read(b"\n WEBVTT\n\n00:01.000 --> 00:02.000\nx\n"), Err(WebVttError::NoSignature.into()));
        assert_eq!(read(b"hello"), Err(TextError::Unrecognised));
    }

    #[test]
    fn pictures_beside_text_are_a_warning() {
        let file = b"<tt><body><div smpte:backgroundImage='#a'/><div><p>x</p></div></body></tt>";
        assert_eq!(read(file).unwrap().warnings.len(), 1);
    }
}
