//! Kind of a stream of a program: its `stream_type` (ISO/IEC 13818-1 table 2-34, ATSC A/53 part 3, the registry of HLS
//! sample encryption) and its descriptors (§2.6; ETSI EN 300 468 §6.2; the Opus mapping for MPEG-2 TS).

use bytes::Bytes;

use super::video::mpeg::Generation;
use crate::container::audio::header::Format;

/// A kind of elementary stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StreamKind {
    /// ITU-T H.264; `true` with sample encryption.
    H264(bool),
    H265,
    /// Sound in frames that find themselves; `true` with sample encryption.
    Audio(Format, bool),
    /// Opus, with the body of its `dOps` box.
    Opus(Bytes),
    /// ID3 tags (RFC 8216bis §3.1.3).
    Id3,
    /// MPEG-2 or MPEG-4 pictures, which no decoder here takes.
    OldVideo(Generation),
    /// Pictures that no decoder here takes, one access unit in a packet.
    OtherVideo(&'static str),
    /// Sound that no decoder here takes, one access unit in a packet.
    OtherAudio(&'static str),
    /// Anything else: its name for messages.
    Other(String),
}

impl StreamKind {
    /// From the type and the descriptors of program and stream.
    pub fn of(kind: u8, program: &[u8], stream: &[u8]) -> Self {
        let registration = registration(stream);
        let blu_ray = self::registration(program) == Some(*b"HDMV");
        let encrypted = |kind: u8| matches!(kind, 0xc1 | 0xc2 | 0xcf | 0xdb);
        match kind {
            0x01 | 0x02 => Self::OldVideo(Generation::Two),
            0x03 | 0x04 => Self::Audio(Format::Mpeg, false),
            0x0f | 0xcf => Self::Audio(Format::Adts, encrypted(kind)),
            0x10 => Self::OldVideo(Generation::Four),
            0x11 => Self::Audio(Format::Loas, false),
            0x15 | 0x06 if is_id3(stream) => Self::Id3,
            0x1b | 0xdb => Self::H264(encrypted(kind)),
            0x24 => Self::H265,
            0x33 => Self::OtherVideo("H.266 video"),
            0xd1 => Self::OtherVideo("Dirac video"),
            0xea => Self::OtherVideo("VC-1 video"),
            // On Blu-ray, lossless sound with a core of AC-3 is 0x83.
            0x80 if blu_ray => Self::OtherAudio("LPCM sound"),
            0x81 | 0xc1 => Self::Audio(Format::Ac3, encrypted(kind)),
            0x84 | 0x87 | 0xc2 => Self::Audio(Format::Ac3, encrypted(kind)),
            0x82 if !blu_ray && registration == Some(*b"CUEI") => Self::Other("subtitles".to_owned()),
            0x82 | 0x8a => Self::Audio(Format::Dts, false),
            0x85 | 0x88 => Self::OtherAudio("DTS-HD sound"),
            0x86 if blu_ray => Self::OtherAudio("DTS-HD sound"),
            0x06 | 0x80..=0xff => Self::private(registration, stream)
                .unwrap_or_else(|| Self::Other(format!("a stream of type {kind:#04x}"))),
            _ => Self::Other(format!("a stream of type {kind:#04x}")),
        }
    }

    /// Private data that its descriptors name.
    fn private(registration: Option<[u8; 4]>, stream: &[u8]) -> Option<Self> {
        match registration.as_ref() {
            Some(b"HEVC") => return Some(Self::H265),
            Some(b"AC-3" | b"EAC3") => return Some(Self::Audio(Format::Ac3, false)),
            Some(b"Opus") => return opus(stream).map(Self::Opus),
            Some(b"DTS1" | b"DTS2" | b"DTS3") => return Some(Self::Audio(Format::Dts, false)),
            Some(b"AC-4") => return Some(Self::OtherAudio("AC-4 sound")),
            _ => {}
        }
        descriptors(stream).find_map(|(tag, body)| {
            Some(match (tag, body.first()) {
                (0x6a | 0x7a | 0x81 | 0xcc, _) => Self::Audio(Format::Ac3, false),
                (0x7b, _) => Self::Audio(Format::Dts, false),
                (0x7c, _) => Self::Audio(Format::Adts, false),
                (0x7f, Some(0x15)) => Self::OtherAudio("AC-4 sound"),
                (0x7f, Some(0x0e)) => Self::OtherAudio("DTS-HD sound"),
                (0x56 | 0x59, _) => Self::Other("subtitles".to_owned()),
                _ => return None,
            })
        })
    }

    /// Returns the name in messages of a kind that is not read; `None` for those that are.
    pub fn unsupported(&self) -> Option<&str> {
        match self {
            Self::OldVideo(Generation::Two) => Some("MPEG-2 video"),
            Self::OldVideo(Generation::Four) => Some("MPEG-4 video"),
            Self::OtherVideo(name) | Self::OtherAudio(name) => Some(name),
            Self::Audio(Format::Dts, _) => Some("DTS sound"),
            Self::Other(name) => Some(name),
            Self::H264(_) | Self::H265 | Self::Audio(..) | Self::Opus(_) | Self::Id3 => None,
        }
    }

    /// True with sample encryption.
    pub fn is_encrypted(&self) -> bool {
        matches!(self, Self::H264(true) | Self::Audio(_, true))
    }
}

/// Tags and bodies of descriptors (§2.6.1).
fn descriptors(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let [tag, length, rest @ ..] = bytes else { return None };
        let (body, rest) = rest.split_at_checked(usize::from(*length))?;
        bytes = rest;
        Some((*tag, body))
    })
}

fn registration(bytes: &[u8]) -> Option<[u8; 4]> {
    descriptors(bytes).find(|(tag, _)| *tag == 5).and_then(|(_, body)| body.first_chunk().copied())
}

/// The metadata descriptor of ID3 (§2.6.60: format and application format registered as `ID3 `), or a registration.
fn is_id3(stream: &[u8]) -> bool {
    registration(stream) == Some(*b"ID3 ")
        || descriptors(stream).any(|(tag, body)| tag == 0x26 && body.windows(4).any(|name| name == b"ID3 "))
}

/// The language of a stream (§2.6.18).
pub(super) fn language(stream: &[u8]) -> Option<String> {
    let (_, body) = descriptors(stream).find(|(tag, _)| *tag == 0x0a)?;
    let code = body.get(..3)?;
    let known = code.iter().all(u8::is_ascii_lowercase) && code != b"und";
    known.then(|| code.iter().map(|&letter| char::from(letter)).collect())
}

/// The body of `dOps` (Encapsulation of Opus in ISO Base Media File Format §4.3.2) from the channel configuration in
/// the extension descriptor of the Opus mapping. Channel orders are those of Vorbis (RFC 7845 §5.1.1.2).
fn opus(stream: &[u8]) -> Option<Bytes> {
    const MAPPINGS: [(u8, u8, &[u8]); 8] = [
        (1, 0, &[0]),
        (1, 1, &[0, 1]),
        (2, 1, &[0, 2, 1]),
        (2, 2, &[0, 1, 2, 3]),
        (3, 2, &[0, 4, 1, 2, 3]),
        (4, 2, &[0, 4, 1, 2, 3, 5]),
        (4, 3, &[0, 4, 1, 2, 3, 5, 6]),
        (5, 3, &[0, 6, 1, 2, 3, 4, 5, 7]),
    ];
    let told = descriptors(stream).find_map(|(tag, body)| match body {
        [0x80, configuration, ..] if tag == 0x7f => Some(*configuration),
        _ => None,
    });
    let channels = told.unwrap_or(2);
    let mut dops = vec![0, channels, 0, 0];
    dops.extend(48_000u32.to_be_bytes());
    dops.extend([0, 0]);
    match channels {
        1 | 2 => dops.push(0),
        3..=8 => {
            let (streams, coupled, mapping) = MAPPINGS[usize::from(channels) - 1];
            dops.extend([1, streams, coupled]);
            dops.extend_from_slice(mapping);
        }
        // Dual mono and configurations in the long form.
        _ => return None,
    }
    Some(dops.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_three_lower_case_letters_and_known() {
        for (stream, expected) in [
            (&b"\x0a\x04eng\0"[..], Some("eng")),
            (b"\x05\x04abcd\x0a\x04fra\0", Some("fra")),
            (b"\x0a\x03deu", Some("deu")),
            (b"\x0a\x04und\0", None),
            (b"\x0a\x04ENG\0", None),
            (b"\x0a\x04e1g\0", None),
            (b"\x0a\x02en", None),
            (b"\x0a\x04en", None),
            (b"", None),
        ] {
            assert_eq!(language(stream).as_deref(), expected, "{stream:?}");
        }
    }

    #[test]
    fn id3_is_registered_or_named_by_its_metadata_descriptor() {
        for (stream, expected) in [
            (&b"\x05\x04ID3 "[..], true),
            (b"\x26\x0d\xff\xffID3 \xffID3 \0\x0f", true),
            (b"\x05\x04KLVA", false),
            (b"\x26\x06\xff\xffKLVA", false),
            (b"\x27\x06\xff\xffID3 ", false),
        ] {
            assert_eq!(is_id3(stream), expected, "{stream:?}");
            let other = StreamKind::Other("a stream of type 0x15".to_owned());
            assert_eq!(StreamKind::of(0x15, &[], stream), if expected { StreamKind::Id3 } else { other });
        }
    }

    #[test]
    fn opus_is_described_by_its_channel_configuration() {
        let body = |configuration: &[u8]| {
            let extension = [&[0x7f, configuration.len() as u8 + 1, 0x80][..], configuration].concat();
            opus(&[b"\x05\x04Opus".as_slice(), &extension].concat()).map(|dops| dops.to_vec())
        };
        let head = |channels: u8| vec![0, channels, 0, 0, 0, 0, 0xbb, 0x80, 0, 0];
        assert_eq!(
            opus(b"\x05\x04Opus").map(|dops| dops.to_vec()),
            Some([head(2), vec![0]].concat()),
            "two by default"
        );
        assert_eq!(opus(b"\x7f\x02\x81\x06").map(|dops| dops[1]), Some(2), "another extension");
        for (configuration, tail) in [
            (1, &[0][..]),
            (2, &[0]),
            (3, &[1, 2, 1, 0, 2, 1]),
            (4, &[1, 2, 2, 0, 1, 2, 3]),
            (5, &[1, 3, 2, 0, 4, 1, 2, 3]),
            (6, &[1, 4, 2, 0, 4, 1, 2, 3, 5]),
            (7, &[1, 4, 3, 0, 4, 1, 2, 3, 5, 6]),
            (8, &[1, 5, 3, 0, 6, 1, 2, 3, 4, 5, 7]),
        ] {
            assert_eq!(body(&[configuration]), Some([head(configuration), tail.to_vec()].concat()), "{configuration}");
        }
        for configuration in [0, 9, 0x81, 0xff] {
            assert_eq!(body(&[configuration]), None, "{configuration}");
        }
    }

    #[test]
    fn types_and_descriptors_name_the_stream() {
        const BLU_RAY: &[u8] = b"\x05\x04HDMV";
        let audio = |format| StreamKind::Audio(format, false);
        let other = |name: &str| StreamKind::Other(name.to_owned());
        for (kind, program, stream, expected) in [
            (0x01, &b""[..], &b""[..], StreamKind::OldVideo(Generation::Two)),
            (0x02, b"", b"", StreamKind::OldVideo(Generation::Two)),
            (0x10, b"", b"", StreamKind::OldVideo(Generation::Four)),
            (0x03, b"", b"", audio(Format::Mpeg)),
            (0x04, b"", b"", audio(Format::Mpeg)),
            (0x0f, b"", b"", audio(Format::Adts)),
            (0xcf, b"", b"", StreamKind::Audio(Format::Adts, true)),
            (0x11, b"", b"", audio(Format::Loas)),
            (0x1b, b"", b"", StreamKind::H264(false)),
            (0xdb, b"", b"", StreamKind::H264(true)),
            (0x24, b"", b"", StreamKind::H265),
            (0x33, b"", b"", StreamKind::OtherVideo("H.266 video")),
            (0xd1, b"", b"", StreamKind::OtherVideo("Dirac video")),
            (0xea, b"", b"", StreamKind::OtherVideo("VC-1 video")),
            (0x80, BLU_RAY, b"", StreamKind::OtherAudio("LPCM sound")),
            (0x80, b"", b"", other("a stream of type 0x80")),
            (0x81, b"", b"", audio(Format::Ac3)),
            (0xc1, b"", b"", StreamKind::Audio(Format::Ac3, true)),
            (0x84, b"", b"", audio(Format::Ac3)),
            (0x87, b"", b"", audio(Format::Ac3)),
            (0xc2, b"", b"", StreamKind::Audio(Format::Ac3, true)),
            (0x82, b"", b"\x05\x04CUEI", other("subtitles")),
            (0x82, BLU_RAY, b"\x05\x04CUEI", audio(Format::Dts)),
            (0x82, b"", b"", audio(Format::Dts)),
            (0x8a, b"", b"", audio(Format::Dts)),
            (0x85, b"", b"", StreamKind::OtherAudio("DTS-HD sound")),
            (0x88, b"", b"", StreamKind::OtherAudio("DTS-HD sound")),
            (0x86, BLU_RAY, b"", StreamKind::OtherAudio("DTS-HD sound")),
            (0x86, b"", b"", other("a stream of type 0x86")),
            (0x06, b"", b"", other("a stream of type 0x06")),
            (0x06, b"", b"\x05\x04HEVC", StreamKind::H265),
            (0x06, b"", b"\x05\x04AC-3", audio(Format::Ac3)),
            (0x06, b"", b"\x05\x04EAC3", audio(Format::Ac3)),
            (0x06, b"", b"\x05\x04DTS2", audio(Format::Dts)),
            (0x06, b"", b"\x05\x04AC-4", StreamKind::OtherAudio("AC-4 sound")),
            (0x06, b"", b"\x05\x04Opus\x7f\x02\x80\x00", other("a stream of type 0x06")),
            (0x06, b"", b"\x6a\x00", audio(Format::Ac3)),
            (0x06, b"", b"\x7a\x00", audio(Format::Ac3)),
            (0x06, b"", b"\x81\x00", audio(Format::Ac3)),
            (0x06, b"", b"\xcc\x00", audio(Format::Ac3)),
            (0x06, b"", b"\x7b\x00", audio(Format::Dts)),
            (0x06, b"", b"\x7c\x00", audio(Format::Adts)),
            (0x06, b"", b"\x7f\x01\x15", StreamKind::OtherAudio("AC-4 sound")),
            (0x06, b"", b"\x7f\x01\x0e", StreamKind::OtherAudio("DTS-HD sound")),
            (0x06, b"", b"\x7f\x01\x06", other("a stream of type 0x06")),
            (0x06, b"", b"\x52\x01\x01\x56\x00", other("subtitles")),
            (0x06, b"", b"\x59\x00", other("subtitles")),
            (0x05, b"", b"\x6a\x00", other("a stream of type 0x05")),
            (0x90, b"", b"\x6a\x00", audio(Format::Ac3)),
        ] {
            assert_eq!(StreamKind::of(kind, program, stream), expected, "{kind:#04x} {program:?} {stream:?}");
        }
    }

    #[test]
    fn only_formats_that_no_decoder_takes_are_unsupported() {
        for (kind, expected) in [
            (StreamKind::OldVideo(Generation::Two), Some("MPEG-2 video")),
            (StreamKind::OldVideo(Generation::Four), Some("MPEG-4 video")),
            (StreamKind::OtherVideo("H.266 video"), Some("H.266 video")),
            (StreamKind::OtherAudio("AC-4 sound"), Some("AC-4 sound")),
            (StreamKind::Audio(Format::Dts, false), Some("DTS sound")),
            (StreamKind::Other("subtitles".to_owned()), Some("subtitles")),
            (StreamKind::H264(true), None),
            (StreamKind::H265, None),
            (StreamKind::Audio(Format::Ac3, true), None),
            (StreamKind::Opus(Bytes::new()), None),
            (StreamKind::Id3, None),
        ] {
            assert_eq!(kind.unsupported(), expected);
            let encrypted = matches!(&kind, StreamKind::H264(true) | StreamKind::Audio(Format::Ac3, true));
            assert_eq!(kind.is_encrypted(), encrypted, "{kind:?}");
        }
    }
}
