//! ID3v2 tags as streams carry them (ID3 tag version 2.4.0 §3.1): how long a tag is, and the time stamp that packed
//! audio begins with (RFC 8216bis §3.1.4). All other content of a tag is for the application.

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
    bytes.iter().fold(0, |size, byte| (size << 7) + usize::from(byte & 0x7f))
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

/// Returns the time of the first sample after a tag, a 33-bit counter at 90 kHz, if the tag has it.
pub(in crate::container) fn timestamp(tag: &[u8]) -> Option<u64> {
    let of = |(kind, content): (&[u8], &[u8])| {
        let value = content.strip_prefix(OWNER).filter(|_| kind == b"PRIV")?;
        Some(u64::from_be_bytes(*value.first_chunk()?) & ((1 << 33) - 1))
    };
    frames(tag).find_map(of)
}

/// Returns true if a tag holds nothing but the time stamp of packed audio.
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

    #[test]
    fn sizes_count_seven_bits_a_byte_and_a_footer() {
        let head = |flags: u8, size: [u8; 4]| tag_size(&[&b"ID3\x04\0"[..], &[flags], &size].concat());
        assert_eq!(head(0, [0, 0, 1, 2]), Some(10 + 130));
        assert_eq!(head(0, [1, 0, 0, 0]), Some(10 + (1 << 21)));
        assert_eq!(head(0, [0x80, 0x80, 0x80, 0x81]), Some(11), "upper bits do not count");
        assert_eq!(head(0x10, [0, 0, 0, 5]), Some(25));
        assert_eq!((tag_size(b"ID3\x04\0\0\0\0\0"), tag_size(b"TAG\x04\0\0\0\0\0\0")), (None, None));
        assert!(may_begin(b"I") && may_begin(b"ID3") && may_begin(b"ID3x"));
        assert!(!may_begin(b"") && !may_begin(b"ID2") && !may_begin(b"x"));
    }

    #[test]
    fn frames_of_both_versions_and_extended_headers_are_read() {
        let private = [OWNER, &(5_u64 | 1 << 40).to_be_bytes()].concat();
        let frame = |size: [u8; 4]| [&b"PRIV"[..], &size, &[0, 0], &private].concat();
        let whole = |version: u8, flags: u8, body: &[u8]| {
            [&b"ID3"[..], &[version, 0, flags, 0, 0, (body.len() >> 7) as u8, body.len() as u8 & 0x7f], body].concat()
        };
        let size = private.len() as u8;
        assert_eq!(timestamp(&whole(4, 0, &frame([0, 0, 0, size]))), Some(5), "thirty-three bits count");
        // A frame before it of 200 bytes: two bytes of seven bits, or one of eight.
        let before = |size: [u8; 4]| [&b"TXXX"[..], &size, &[0, 0], &[1; 200]].concat();
        assert_eq!(timestamp(&whole(4, 0, &[before([0, 0, 1, 72]), frame([0, 0, 0, size])].concat())), Some(5));
        assert_eq!(timestamp(&whole(3, 0, &[before([0, 0, 0, 200]), frame([0, 0, 0, size])].concat())), Some(5));
        assert_eq!(timestamp(&whole(3, 0, &[before([0, 0, 1, 72]), frame([0, 0, 0, size])].concat())), None);
        // An extended header counts itself in version 4 only.
        assert_eq!(timestamp(&whole(4, 0x40, &[&[0, 0, 0, 6, 1, 0][..], &frame([0, 0, 0, size])].concat())), Some(5));
        assert_eq!(timestamp(&whole(3, 0x40, &[&[0, 0, 0, 2, 1, 0][..], &frame([0, 0, 0, size])].concat())), Some(5));
        let mixed = tag(&[(b"TIT2", b"x"), (b"PRIV", &private)]);
        assert_eq!((timestamp(&mixed), is_only_timestamp(&mixed)), (Some(5), false));
        let named = tag(&[(b"TXXX", &private)]);
        assert_eq!((timestamp(&named), is_only_timestamp(&named)), (None, false), "another kind of frame");
    }

    #[test]
    fn a_payload_is_cut_into_its_tags() {
        let (first, second) = (timestamp_tag(1), tag(&[(b"TIT2", b"x")]));
        let payload = [first.clone(), second.clone(), b"rest".to_vec()].concat();
        assert_eq!(split(payload.into()), [Bytes::from(first.clone()), Bytes::from(second)]);
        assert_eq!(split(Bytes::from(first[..first.len() - 1].to_vec())), Vec::<Bytes>::new());
    }
}
