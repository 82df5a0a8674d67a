//! Protection system specific header boxes, `pssh` (ISO/IEC 23001-7 §8.1): which system, and which keys.

use serde::{Deserialize, Serialize};

use super::{KeyId, KeySystem};

/// More boxes, or more key ids in one, are more than any sane file has.
const MAX_BOXES: usize = 64;
const MAX_KEYS: usize = 256;
/// More bytes than this are not read.
const MAX_BYTES: usize = 1 << 20;

/// Content of a `pssh` box. Its data is a matter between the system and its server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pssh {
    /// Key system that the box is for.
    pub system: KeySystem,
    /// The keys that it is about, when it lists them (version 1).
    pub key_ids: Vec<KeyId>,
}

/// Reads boxes that follow each other, as in a `cenc:pssh` element. Reading ends at the first that is damaged.
pub fn read_all(bytes: &[u8]) -> Vec<Pssh> {
    let mut out = Vec::new();
    let mut rest = bytes.get(..bytes.len().min(MAX_BYTES)).unwrap_or_default();
    for _ in 0..MAX_BOXES {
        let Some((found, after)) = next(rest) else { break };
        out.extend(found);
        rest = after;
    }
    out
}

/// One box and the bytes after it; `None` for a box of another kind.
fn next(bytes: &[u8]) -> Option<(Option<Pssh>, &[u8])> {
    let (size, content) = bytes.split_first_chunk::<4>()?;
    let size = u32::from_be_bytes(*size) as usize;
    let body = content.get(..size.checked_sub(4)?)?;
    let after = content.get(size - 4..)?;
    let (kind, body) = body.split_first_chunk::<4>()?;
    Some((if kind == b"pssh" { Some(read_body(body)?) } else { None }, after))
}

impl Pssh {
    /// Reads the content of a box, its version and flags included; `None` when it is damaged.
    pub fn of_body(body: &[u8]) -> Option<Self> {
        read_body(body)
    }
}

fn read_body(body: &[u8]) -> Option<Pssh> {
    let (version, body) = body.split_first_chunk::<4>()?;
    let (system, body) = body.split_first_chunk::<16>()?;
    let mut key_ids = Vec::new();
    if version.first().is_some_and(|version| *version > 0) {
        let (count, ids) = body.split_first_chunk::<4>()?;
        let count = (u32::from_be_bytes(*count) as usize).min(MAX_KEYS);
        let ids = ids.get(..count * 16)?;
        key_ids = ids.chunks_exact(16).filter_map(|id| Some(KeyId(id.try_into().ok()?))).collect();
    }
    Some(Pssh { system: KeySystem::of_uuid(*system), key_ids })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(count: u32, ids: &[[u8; 16]]) -> Vec<u8> {
        let mut body = b"pssh\x01\0\0\0\x10\x77\xef\xec\xc0\xb2\x4d\x02\xac\xe3\x3c\x1e\x52\xe2\xfb\x4b".to_vec();
        body.extend(count.to_be_bytes());
        ids.iter().for_each(|id| body.extend(id));
        body.extend([0; 4]);
        let mut out = (body.len() as u32 + 4).to_be_bytes().to_vec();
        out.extend(body);
        out
    }

    #[test]
    fn boxes_tell_system_and_keys_and_damage_ends_the_list() {
        let mut bytes = common(2, &[[1; 16], [2; 16]]);
        bytes.extend(b"\0\0\0\x08free");
        bytes.extend(common(1, &[[3; 16]]));
        let found = read_all(&bytes);
        assert_eq!(found.len(), 2);
        assert_eq!((&found[0].system, found[0].key_ids.len()), (&KeySystem::Common, 2));
        assert_eq!(found[1].key_ids, [KeyId([3; 16])]);
        for cut in 0..bytes.len() {
            assert!(read_all(&bytes[..cut]).len() <= 2);
        }
        assert_eq!(read_all(&common(u32::MAX, &[[1; 16]])), []);
        assert_eq!(read_all(b"\0\0\0\0pssh"), []);
    }

    #[test]
    fn reading_ends_at_the_first_box_that_is_damaged() {
        let bytes = [common(2, &[[1; 16], [2; 16]]), common(1, &[[3; 16]])].concat();
        let first = common(2, &[[1; 16], [2; 16]]).len();
        for cut in 0..=bytes.len() {
            let expected = if cut == bytes.len() { 2 } else { usize::from(cut >= first) };
            assert_eq!(read_all(&bytes[..cut]).len(), expected, "cut at {cut}");
        }
        let mut short = common(1, &[[3; 16]]);
        short[3] = 7;
        assert_eq!(read_all(&short), [], "a box shorter than its header");
        let lost = [short, common(1, &[[3; 16]])].concat();
        assert_eq!(read_all(&lost), []);
    }

    #[test]
    fn a_box_of_version_zero_names_no_key_and_a_body_is_read_alone() {
        let mut body = vec![0; 4];
        body.extend(*b"\xed\xef\x8b\xa9\x79\xd6\x4a\xce\xa3\xc8\x27\xdc\xd5\x1d\x21\xed");
        body.extend([0, 0, 0, 1]);
        body.extend([9; 16]);
        assert_eq!(Pssh::of_body(&body), Some(Pssh { system: KeySystem::Widevine, key_ids: Vec::new() }));
        body[0] = 1;
        assert_eq!(Pssh::of_body(&body), Some(Pssh { system: KeySystem::Widevine, key_ids: vec![KeyId([9; 16])] }));
        assert_eq!(Pssh::of_body(&body[..39]), None, "the list of keys is cut");
        assert_eq!(Pssh::of_body(&body[..19]), None);
    }

    #[test]
    fn boxes_and_keys_beyond_the_limits_are_left_out() {
        let one = common(1, &[[3; 16]]);
        assert_eq!(read_all(&one.repeat(MAX_BOXES + 1)).len(), 64);
        let ids: Vec<[u8; 16]> = (0..=MAX_KEYS as u128).map(u128::to_be_bytes).collect();
        let found = read_all(&common(u32::try_from(ids.len()).unwrap_or(0), &ids));
        assert_eq!(found[0].key_ids.len(), 256);
        let mut bytes = ((MAX_BYTES - one.len()) as u32).to_be_bytes().to_vec();
        bytes.extend(b"free");
        bytes.resize(MAX_BYTES - one.len(), 0);
        bytes.extend(&one);
        assert_eq!(read_all(&bytes).len(), 1, "the last bytes that are read");
        bytes.splice(8..8, [0]);
        bytes[..4].copy_from_slice(&((MAX_BYTES - one.len() + 1) as u32).to_be_bytes());
        assert_eq!(read_all(&bytes).len(), 0, "one byte beyond");
    }
}
