//! ID3v2 tags as streams carry them (ID3 tag version 2.4.0 §3.1): how long a tag is, and the time stamp that packed
//! audio begins with (RFC 8216bis §3.1.4). What else a tag says is for the application.

use bytes::Bytes;

use crate::model::{MetadataBody, MetadataSource, TimedMetadata};
use crate::time::MediaTime;

/// Bytes of a tag at most; pictures in tags are the largest things that are seen.
pub(in crate::container) const TAG_BYTES: usize = 4 << 20;

const SCHEME: &str = "https://aomedia.org/emsg/ID3";
const OWNER: &[u8] = b"com.apple.streaming.transportStreamTimestamp\0";
const HEADER: usize = 10;
/// Frames of a tag that are looked at.
const FRAMES: usize = 256;

/// The size of the tag that `bytes` begin with; `None` when none begins here or its header is not complete.
pub(in crate::container) fn tag_size(bytes: &[u8]) -> Option<usize> {
    let header = bytes.first_chunk::<HEADER>().filter(|header| header.starts_with(b"ID3"))?;
    let footer = if header[5] & 0x10 != 0 { HEADER } else { 0 };
    Some(HEADER + synchsafe([header[6], header[7], header[8], header[9]]) + footer)
}

/// True when `bytes` begin like a tag, as far as they go.
pub(in crate::container) fn may_begin(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().zip(b"ID3").all(|(byte, letter)| byte == letter)
}

fn synchsafe(bytes: [u8; 4]) -> usize {
    bytes.iter().fold(0, |size, byte| size << 7 | usize::from(byte & 0x7f))
}

/// Identifiers and contents of the frames of a complete tag. Unsynchronised and extended tags are rare in streams;
/// what cannot be read ends the list.
fn frames(tag: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let version = tag.get(3).copied().unwrap_or(0);
    let mut rest = tag.get(HEADER..).unwrap_or_default();
    let extended = tag.get(5).is_some_and(|flags| flags & 0x40 != 0);
    if extended && let Some(&size) = rest.first_chunk::<4>() {
        let size = if version >= 4 { synchsafe(size) } else { u32::from_be_bytes(size) as usize + 4 };
        rest = rest.get(size..).unwrap_or_default();
    }
    std::iter::from_fn(move || {
        let (header, after) = rest.split_first_chunk::<10>()?;
        let size = [header[4], header[5], header[6], header[7]];
        let size = if version >= 4 { synchsafe(size) } else { u32::from_be_bytes(size) as usize };
        let (content, after) = after.split_at_checked(size).filter(|_| header[0] != 0)?;
        rest = after;
        Some((&header[..4], content))
    })
    .take(FRAMES)
}

/// The time of the first sample after a tag, a 33-bit counter at 90 kHz, when the tag tells it.
pub(in crate::container) fn timestamp(tag: &[u8]) -> Option<u64> {
    let of = |(kind, content): (&[u8], &[u8])| {
        let value = content.strip_prefix(OWNER).filter(|_| kind == b"PRIV")?;
        Some(u64::from_be_bytes(*value.first_chunk()?) & ((1 << 33) - 1))
    };
    frames(tag).find_map(of)
}

/// True when a tag says nothing but the time stamp of packed audio.
pub(in crate::container) fn is_only_timestamp(tag: &[u8]) -> bool {
    frames(tag).all(|(kind, content)| kind == b"PRIV" && content.starts_with(OWNER))
}

/// A tag as metadata.
pub(in crate::container) fn metadata(tag: Bytes, start: MediaTime) -> TimedMetadata {
    TimedMetadata {
        source: MetadataSource::Id3,
        scheme: SCHEME.to_owned(),
        value: String::new(),
        id: String::new(),
        start,
        duration: None,
        body: MetadataBody::Binary(tag),
    }
}

/// Cuts a payload that consists of tags; what follows the last one is dropped.
pub(in crate::container) fn split(mut payload: Bytes) -> Vec<Bytes> {
    let mut tags = Vec::new();
    while let Some(size) = tag_size(&payload).filter(|&size| size <= payload.len()) {
        tags.push(payload.split_to(size));
    }
    tags
}

#[cfg(test)]
pub(in crate::container) mod tests {
    use super::*;

    /// A tag of version 2.4 with these frames.
    pub(in crate::container) fn tag(frames: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (kind, content) in frames {
            body.extend_from_slice(*kind);
            body.extend([0, 0, (content.len() >> 7) as u8, content.len() as u8 & 0x7f, 0, 0]);
            body.extend_from_slice(content);
        }
        let mut tag = b"ID3\x04\0\0".to_vec();
        tag.extend([0, 0, (body.len() >> 7) as u8, body.len() as u8 & 0x7f]);
        tag.extend(body);
        tag
    }

    /// A tag that gives packed audio its time.
    pub(in crate::container) fn timestamp_tag(ticks: u64) -> Vec<u8> {
        tag(&[(b"PRIV", &[OWNER, &ticks.to_be_bytes()].concat())])
    }

    #[test]
    fn the_time_stamp_is_found() {
        let bytes = timestamp_tag(0x1_2345_6789);
        assert_eq!(tag_size(&bytes), Some(bytes.len()));
        assert_eq!(timestamp(&bytes), Some(0x1_2345_6789));
        assert!(is_only_timestamp(&bytes));
        let other = tag(&[(b"TIT2", b"\x03title"), (b"PRIV", b"someone\0x")]);
        assert_eq!((timestamp(&other), is_only_timestamp(&other)), (None, false));
    }

    #[test]
    fn damaged_tags_end_the_list() {
        let mut bytes = timestamp_tag(7);
        for length in 0..bytes.len() {
            assert_eq!(timestamp(&bytes[..length]), None);
        }
        bytes[14..18].fill(0x7f);
        assert_eq!(timestamp(&bytes), None);
        assert_eq!(split(Bytes::from_static(b"ID3\x04\0\0\x7f\x7f\x7f\x7f")), Vec::<Bytes>::new());
    }
}
