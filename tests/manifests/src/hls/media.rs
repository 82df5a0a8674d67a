//! Media playlists (RFC 8216bis §4.4.3–§4.4.4).

use std::time::Duration;

use super::attributes::TagWriter;
use super::{check_uri_line, opening, push_start};
use crate::{ByteRange, Layout, ManifestError};

/// A media playlist. Without a type and an end, it is one that slides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaPlaylist {
    /// `EXT-X-TARGETDURATION` in seconds: no segment is longer, rounded to whole seconds.
    pub target_duration: u64,
    /// `EXT-X-MEDIA-SEQUENCE`: number of the first segment.
    pub media_sequence: Option<u64>,
    /// `EXT-X-DISCONTINUITY-SEQUENCE`: number of discontinuities in front of the first segment.
    pub discontinuity_sequence: Option<u64>,
    /// `EXT-X-PLAYLIST-TYPE`.
    pub playlist_type: Option<PlaylistType>,
    /// `TIME-OFFSET` of `EXT-X-START` in seconds; negative values count from the end.
    pub start_time_offset: Option<f64>,
    /// `EXT-X-INDEPENDENT-SEGMENTS`: each segment can be decoded without others.
    pub independent_segments: bool,
    /// Segments in order.
    pub segments: Vec<Segment>,
    /// `EXT-X-ENDLIST`: no segment will be added.
    pub is_ended: bool,
}

/// Changes that a playlist may still see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaylistType {
    /// Segments may be added at the end.
    Event,
    /// Nothing may change, so the playlist has its end.
    Vod,
}

/// A media segment and the tags that apply to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Tags in front of `EXTINF`. Their order has a meaning: a key that stands in front of a map encrypts it.
    pub tags: Vec<SegmentTag>,
    /// Duration in `EXTINF`, exact to the nanosecond.
    pub duration: Duration,
    /// `EXT-X-BYTERANGE`, if the segment is part of its file.
    pub byte_range: Option<SegmentRange>,
    /// Address of the file.
    pub uri: String,
}

impl Segment {
    /// Creates a segment that is a file, without tags.
    pub fn new(uri: impl Into<String>, duration: Duration) -> Self {
        Self { tags: Vec::new(), duration, byte_range: None, uri: uri.into() }
    }
}

/// A tag in front of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SegmentTag {
    /// `EXT-X-DISCONTINUITY`: timestamps, format or tracks change.
    Discontinuity,
    /// `EXT-X-GAP`: the media of the segment is absent.
    Gap,
    /// `EXT-X-BITRATE` in kilobits per second, from here on for segments without byte ranges.
    Bitrate(u64),
    /// `EXT-X-KEY`: encryption from here on.
    Key(Key),
    /// `EXT-X-MAP`: initialisation data from here on.
    Map {
        /// `URI`.
        uri: String,
        /// `BYTERANGE`, if it is part of the file.
        byte_range: Option<ByteRange>,
    },
}

/// Bytes of a segment in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentRange {
    /// A range with its offset.
    At(ByteRange),
    /// As many bytes, from the end of the segment before it in the same file on.
    Next {
        /// Number of bytes.
        length: u64,
    },
    /// As [`Self::Next`], with nothing in the playlist that it could follow, which §4.4.4.2 forbids. A reader must survive
    /// it: the virtual film begins so once its first segments are removed.
    Orphan {
        /// Number of bytes.
        length: u64,
    },
}

/// Encryption of segments (§4.4.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// `METHOD=NONE`, which has no other attribute.
    None,
    /// Any other method.
    Encrypted(KeyAttributes),
}

/// Attributes of `EXT-X-KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAttributes {
    /// `METHOD`.
    pub method: EncryptionMethod,
    /// `URI` of the key.
    pub uri: String,
    /// `KEYFORMAT`; `None` is `identity`.
    pub key_format: Option<String>,
    /// `KEYFORMATVERSIONS`; the attribute is absent if there are none.
    pub key_format_versions: Vec<u32>,
    /// `KEYID`, which key formats other than `identity` use.
    pub key_id: Option<[u8; 16]>,
}

/// Method of encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptionMethod {
    /// Files as a whole, AES-128 in CBC mode.
    Aes128,
    /// Samples, by the scheme of the key format.
    SampleAes,
    /// Samples by the scheme `cenc`: AES-128 in CTR mode.
    SampleAesCtr,
}

impl MediaPlaylist {
    /// Returns the least target duration of some segments in seconds (§4.4.3.1): the longest, rounded to whole seconds,
    /// and at least one.
    pub fn least_target_duration(durations: impl IntoIterator<Item = Duration>) -> u64 {
        durations.into_iter().map(rounded).max().unwrap_or(1).max(1)
    }

    /// Returns the text of the playlist.
    ///
    /// # Errors
    /// For a value that its place cannot hold, a segment longer than the target duration, a range without an offset that
    /// follows no range of its file, and a playlist of the type VOD without an end.
    pub fn to_text(&self, layout: Layout) -> Result<String, ManifestError> {
        let mut text = opening();
        text.push_str(&format!("#EXT-X-TARGETDURATION:{}\n", self.target_duration));
        if let Some(sequence) = self.media_sequence {
            text.push_str(&format!("#EXT-X-MEDIA-SEQUENCE:{sequence}\n"));
        }
        if let Some(sequence) = self.discontinuity_sequence {
            text.push_str(&format!("#EXT-X-DISCONTINUITY-SEQUENCE:{sequence}\n"));
        }
        match self.playlist_type {
            Some(PlaylistType::Event) => text.push_str("#EXT-X-PLAYLIST-TYPE:EVENT\n"),
            Some(PlaylistType::Vod) if self.is_ended => text.push_str("#EXT-X-PLAYLIST-TYPE:VOD\n"),
            Some(PlaylistType::Vod) => {
                let reason = "VOD without an end";
                return Err(ManifestError::Contradiction { place: "EXT-X-PLAYLIST-TYPE", reason });
            }
            None => {}
        }
        push_start(&mut text, self.start_time_offset)?;
        if self.independent_segments {
            text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        }
        let mut before = None;
        for segment in &self.segments {
            if rounded(segment.duration) > self.target_duration {
                let (duration, target_duration) = (segment.duration, self.target_duration);
                return Err(ManifestError::SegmentTooLong { duration, target_duration });
            }
            segment.push_to(&mut text, before, layout)?;
            before = Some(segment);
        }
        if self.is_ended {
            text.push_str("#EXT-X-ENDLIST\n");
        }
        Ok(text)
    }
}

/// Returns a duration in seconds, rounded half up.
const fn rounded(duration: Duration) -> u64 {
    duration.as_secs().saturating_add((duration.subsec_nanos() >= 500_000_000) as u64)
}

impl Segment {
    fn push_to(&self, text: &mut String, before: Option<&Self>, layout: Layout) -> Result<(), ManifestError> {
        for (place, tag) in self.tags.iter().enumerate() {
            let is_single = matches!(tag, SegmentTag::Discontinuity | SegmentTag::Gap | SegmentTag::Bitrate(_));
            let is_same = |other: &SegmentTag| std::mem::discriminant(other) == std::mem::discriminant(tag);
            if is_single && self.tags.iter().take(place).any(is_same) {
                return Err(ManifestError::Contradiction { place: "segment tags", reason: "one of them stands twice" });
            }
            text.push_str(&tag.to_line()?);
        }
        text.push_str(&format!("#EXTINF:{},\n", layout.extinf(self.duration)));
        match self.byte_range {
            Some(SegmentRange::At(range)) => {
                text.push_str(&format!("#EXT-X-BYTERANGE:{}\n", range.hls("EXT-X-BYTERANGE")?));
            }
            Some(SegmentRange::Next { length }) => {
                if !before.is_some_and(|before| before.byte_range.is_some() && before.uri == self.uri) {
                    let reason = "no offset, and no range of the same file before it";
                    return Err(ManifestError::Contradiction { place: "EXT-X-BYTERANGE", reason });
                }
                text.push_str(&format!("#EXT-X-BYTERANGE:{length}\n"));
            }
            Some(SegmentRange::Orphan { length }) => text.push_str(&format!("#EXT-X-BYTERANGE:{length}\n")),
            None => {}
        }
        check_uri_line(&self.uri)?;
        text.push_str(&self.uri);
        text.push('\n');
        Ok(())
    }
}

impl SegmentTag {
    fn to_line(&self) -> Result<String, ManifestError> {
        Ok(match self {
            Self::Discontinuity => "#EXT-X-DISCONTINUITY\n".to_owned(),
            Self::Gap => "#EXT-X-GAP\n".to_owned(),
            Self::Bitrate(kilobits) => format!("#EXT-X-BITRATE:{kilobits}\n"),
            Self::Key(Key::None) => "#EXT-X-KEY:METHOD=NONE\n".to_owned(),
            Self::Key(Key::Encrypted(key)) => key.to_line()?,
            Self::Map { uri, byte_range } => {
                let mut tag = TagWriter::new("EXT-X-MAP");
                tag.uri("URI", uri)?;
                if let Some(range) = byte_range {
                    tag.quoted("BYTERANGE", &range.hls("BYTERANGE")?)?;
                }
                tag.finish()
            }
        })
    }
}

impl KeyAttributes {
    fn to_line(&self) -> Result<String, ManifestError> {
        let mut tag = TagWriter::new("EXT-X-KEY");
        let method = match self.method {
            EncryptionMethod::Aes128 => "AES-128",
            EncryptionMethod::SampleAes => "SAMPLE-AES",
            EncryptionMethod::SampleAesCtr => "SAMPLE-AES-CTR",
        };
        tag.enumerated("METHOD", method)?;
        tag.uri("URI", &self.uri)?;
        if let Some(format) = &self.key_format {
            tag.quoted("KEYFORMAT", format)?;
        }
        if !self.key_format_versions.is_empty() {
            let versions: Vec<String> = self.key_format_versions.iter().map(u32::to_string).collect();
            tag.quoted("KEYFORMATVERSIONS", &versions.join("/"))?;
        }
        if let Some(id) = &self.key_id {
            tag.hexadecimal("KEYID", id);
        }
        Ok(tag.finish())
    }
}
