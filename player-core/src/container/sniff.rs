//! Recognises the format of data by its first bytes.

use super::audio::header::Format;
use super::picture::{self, PictureExtent};
use super::{DemuxError, ts};

/// More bytes than this never change the answer.
pub(super) const ENOUGH: usize = 1024;
/// Bytes that tell everything but packets and frames whose first one is not at the beginning.
pub(super) const HEAD: usize = 64;

/// Format that the first bytes indicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    Mp4,
    WebVtt,
    SubRip,
    MpegTs,
    PackedAudio,
    WebM,
    Ttml,
    Image,
    Html,
    Xml,
    Json,
    HlsPlaylist,
    Compressed,
    Text,
    /// Nothing that is known.
    Nothing,
}

/// Box types that can stand first in a file or segment.
const FIRST_BOXES: [&[u8; 4]; 18] = [
    b"ftyp", b"styp", b"moov", b"moof", b"sidx", b"ssix", b"emsg", b"prft", b"mdat", b"free", b"skip", b"wide",
    b"pdin", b"uuid", b"meta", b"mfra", b"pnot", b"udta",
];

/// Looks at the first bytes, [`ENOUGH`] or as many as there are.
pub(super) fn recognise(bytes: &[u8]) -> Signature {
    if bytes.get(4..8).is_some_and(|kind| FIRST_BOXES.iter().any(|known| kind == *known)) {
        return Signature::Mp4;
    }
    if let Some(text) = wide_text(bytes) {
        return recognise(text.as_bytes());
    }
    match bytes {
        [b'I', b'D', b'3', ..] => return Signature::PackedAudio,
        [0x1a, 0x45, 0xdf, 0xa3, ..] => return Signature::WebM,
        [0xff, 0xd8, ..]
        | [0x89, b'P', b'N', b'G', ..]
        | [b'R', b'I', b'F', b'F', ..]
        | [b'G', b'I', b'F', b'8', ..] => {
            return Signature::Image;
        }
        [b'B', b'M', ..] | [0, 0, 1, 0, ..] if picture::extent(bytes) != PictureExtent::Unknown => {
            return Signature::Image;
        }
        [0x1f, 0x8b, ..] | [b'P', b'K', 3, 4, ..] => return Signature::Compressed,
        _ => {}
    }
    if ts::looks_like(bytes) {
        return Signature::MpegTs;
    }
    if Format::PACKED.iter().any(|format| format.begins(bytes)) {
        return Signature::PackedAudio;
    }
    let head = bytes.get(..bytes.len().min(HEAD)).unwrap_or_default();
    let text = String::from_utf8_lossy(head.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(head)).into_owned();
    if text.starts_with("WEBVTT") {
        return Signature::WebVtt;
    }
    let lower = text.trim_start().to_ascii_lowercase();
    let begins = |prefix: &str| lower.starts_with(prefix);
    if begins("#extm3u") {
        Signature::HlsPlaylist
    } else if begins("<!doctype") || begins("<html") || begins("<head") || begins("<body") {
        Signature::Html
    } else if begins("<tt") || begins("<?xml") && lower.contains("<tt") {
        Signature::Ttml
    } else if text.trim_start().starts_with(|c: char| c.is_ascii_digit()) && text.contains("-->") {
        Signature::SubRip
    } else if begins("<") {
        Signature::Xml
    } else if begins("{") || begins("[{") {
        Signature::Json
    } else if lower.len() >= 8 && lower.bytes().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e)) {
        Signature::Text
    } else {
        Signature::Nothing
    }
}

/// The beginning of text in UTF-16: with a byte order mark, or XML, which needs none.
fn wide_text(bytes: &[u8]) -> Option<String> {
    let (units, unit): (_, fn([u8; 2]) -> u16) = match bytes {
        // A mark before a digit, a letter or `<`: without the zero it may be a frame of sound.
        [0xff, 0xfe, rest @ ..] if matches!(rest, [1..=255, 0, ..]) => (rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] if matches!(rest, [0, 1..=255, ..]) => (rest, u16::from_be_bytes),
        [b'<', 0, _, 0, ..] => (bytes, u16::from_le_bytes),
        [0, b'<', 0, _, ..] => (bytes, u16::from_be_bytes),
        _ => return None,
    };
    let units = units.as_chunks::<2>().0.iter().take(ENOUGH).map(|&pair| unit(pair));
    // A mark that stays would be read as UTF-16 once more.
    Some(char::decode_utf16(units).map(|unit| unit.unwrap_or('?')).filter(|&c| c != '\0').collect())
}

impl Signature {
    /// The error for data that was expected to be something else: a known format that is not built, or garbage.
    pub fn refuse(self, expected: &str) -> DemuxError {
        let found = match self {
            Self::WebM => return unsupported("WebM"),
            Self::Mp4 => "an MP4 file",
            Self::MpegTs => "an MPEG-2 transport stream",
            Self::PackedAudio => "packed audio",
            Self::WebVtt => "WebVTT text",
            Self::SubRip => "SubRip text",
            Self::Ttml => "TTML",
            Self::Image => "a picture",
            Self::Html => "an HTML page",
            Self::Xml => "an XML document",
            Self::Json => "a JSON document",
            Self::HlsPlaylist => "an HLS playlist",
            Self::Compressed => "compressed data",
            Self::Text => "plain text",
            Self::Nothing => "unknown data",
        };
        DemuxError::Malformed { what: format!("expected {expected}, found {found}"), offset: 0 }
    }
}

/// The error for a format that is not built.
pub(super) fn unsupported(feature: &str) -> DemuxError {
    DemuxError::Unsupported { feature: feature.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_recognised_by_its_first_bytes() {
        let wide = |text: &str, mark: &[u8], unit: fn(u16) -> [u8; 2]| {
            mark.iter().copied().chain(text.encode_utf16().flat_map(unit)).collect::<Vec<u8>>()
        };
        let bmp = [b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0".as_slice(), &[0; 44]].concat();
        let packets = [[0x47; 188]; 3].concat();
        for (bytes, expected) in [
            (&b"\0\0\0\x18ftypcmfc"[..], Signature::Mp4),
            (b"\0\0\0\x18styp", Signature::Mp4),
            (b"ID3\x04", Signature::PackedAudio),
            (b"\xff\xf1\x50\x80\x02\x1f\xfc", Signature::PackedAudio),
            (b"\x1a\x45\xdf\xa3", Signature::WebM),
            (b"\xff\xd8\xff", Signature::Image),
            (b"\x89PNG", Signature::Image),
            (b"RIFF", Signature::Image),
            (b"GIF8", Signature::Image),
            (&bmp, Signature::Image),
            (b"BM stands for much else", Signature::Text),
            (b"\0\0\x01\0\x01\0\x01\x01\0\0\x01\0\x18\0\x05\0\0\0\x16\0\0\0abcde", Signature::Image),
            (b"\x1f\x8b\x08", Signature::Compressed),
            (b"PK\x03\x04", Signature::Compressed),
            (b"PK are two letters", Signature::Text),
            (&packets, Signature::MpegTs),
            (b"WEBVTT\n", Signature::WebVtt),
            (b"\xef\xbb\xbfWEBVTT\n", Signature::WebVtt),
            (b" WEBVTT behind a space", Signature::Text),
            (b"\r\n#ExtM3U", Signature::HlsPlaylist),
            (b"<!DOCTYPE html>", Signature::Html),
            (b"<html>", Signature::Html),
            (b"<HEAD>", Signature::Html),
            (b"<body>", Signature::Html),
            (b"<tt xml:lang='de'>", Signature::Ttml),
            (b"<?xml version='1.0'?><tt>", Signature::Ttml),
            (b"<?xml version='1.0'?><MPD>", Signature::Xml),
            (b"<MPD>", Signature::Xml),
            (b"1\n00:00:01,000 --> 00:00:02,000", Signature::SubRip),
            (b"x\n00:00:01,000 --> 00:00:02,000", Signature::Text),
            (b"12345678", Signature::Text),
            (b"{\"a\":1}", Signature::Json),
            (b"[{}]", Signature::Json),
            (b"[1, 2, 3]", Signature::Text),
            (b"a\ttext\r\n", Signature::Text),
            (b"sevenab", Signature::Nothing),
            (b"a text \x7f", Signature::Nothing),
            (b"a text \x1f", Signature::Nothing),
            (b"", Signature::Nothing),
            (&wide("WEBVTT", &[0xff, 0xfe], u16::to_le_bytes), Signature::WebVtt),
            (&wide("WEBVTT", &[0xfe, 0xff], u16::to_be_bytes), Signature::WebVtt),
            (&wide("<tt>", &[], u16::to_le_bytes), Signature::Ttml),
            (&wide("<tt>", &[], u16::to_be_bytes), Signature::Ttml),
            (b"\xff\xfe\0\0abcdefgh", Signature::Nothing),
            (b"\xfe\xff\x01\x01abcdefgh", Signature::Nothing),
        ] {
            assert_eq!(recognise(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}
