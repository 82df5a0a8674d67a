//! `EXT-X-KEY` and `EXT-X-SESSION-KEY` (RFC 8216bis §4.4.4.4, §4.4.6.5) as the model's keys.

use std::rc::Rc;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use url::Url;

use super::media::Key;
use crate::drm::{ContentKey, KeyId, KeySystem, SegmentCipherMode, read_pssh};
use crate::manifest::document::{Warnings, clip};
use crate::model::{EncryptionMethod, KeySource, Protection, Resource, SegmentKey, SegmentKeys};

/// The keys of a representation that are announced; more are not worth fetching early.
const MAX_ANNOUNCED: usize = 16;
/// Longer data addresses are not read.
const MAX_DATA: usize = 256 << 10;

/// The keys in force together.
pub(super) fn segment_keys(keys: &[Rc<Key>], base: &Url, warnings: &mut Warnings) -> SegmentKeys {
    keys.iter().map(|key| segment_key(key, base, warnings)).collect()
}

/// Returns the keys that tags announce for a representation, each once.
pub(super) fn announced<'k>(
    keys: impl Iterator<Item = &'k Key>,
    base: &Url,
    warnings: &mut Warnings,
) -> Vec<Arc<Protection>> {
    let mut out: Vec<Arc<Protection>> = Vec::new();
    for key in keys.filter(|key| !key.is_none()).take(1000) {
        let protection = Arc::new(protection(key, base, warnings));
        if out.len() < MAX_ANNOUNCED && !out.contains(&protection) {
            out.push(protection);
        }
    }
    out
}

fn protection(key: &Key, base: &Url, warnings: &mut Warnings) -> Protection {
    let typed = segment_key(key, base, warnings);
    let scheme_id = if key.key_format == "identity" { &key.method } else { &key.key_format };
    let pssh = key.uri.as_deref().and_then(data).map(|bytes| read_pssh(&bytes)).unwrap_or_default();
    let mut key_ids: Vec<KeyId> = typed.key_id.into_iter().collect();
    key_ids.extend(pssh.iter().flat_map(|pssh| &pssh.key_ids).filter(|id| typed.key_id != Some(**id)));
    Protection {
        scheme_id: scheme_id.clone(),
        system: Some(typed.system.clone()),
        scheme: match typed.method {
            EncryptionMethod::SampleCbc => Some(*b"cbcs"),
            EncryptionMethod::SampleCtr => Some(*b"cenc"),
            EncryptionMethod::Segment(_) | EncryptionMethod::Other(_) => None,
        },
        key_ids,
        pssh,
        licence_urls: Vec::new(),
        key: Some(typed),
    }
}

/// Vectors and addresses that cannot be read leave a warning and an unusable key.
fn segment_key(key: &Key, base: &Url, warnings: &mut Warnings) -> SegmentKey {
    let iv = match key.iv.as_deref() {
        None => None,
        Some(text) => {
            let iv = vector(text);
            if iv.is_none() {
                warnings.push(None, format!("the IV {} cannot be read", clip(text)));
            }
            iv
        }
    };
    let system = KeySystem::of_name(&key.key_format);
    let source = match key.uri.as_deref() {
        None => KeySource::Opaque,
        Some(_) if !system.is_open() => KeySource::Opaque,
        Some(uri) => match (data(uri), base.join(uri)) {
            (Some(bytes), _) => ContentKey::new(&bytes).map_or(KeySource::Opaque, KeySource::Inline),
            (None, Ok(url)) if matches!(url.scheme(), "http" | "https") => KeySource::Resource(Resource::new(url)),
            (None, _) => KeySource::Opaque,
        },
    };
    let unreadable = iv.is_none() && key.iv.is_some();
    SegmentKey {
        method: method(&key.method),
        system,
        source: if unreadable { KeySource::Opaque } else { source },
        iv,
        key_id: key.key_id.as_deref().and_then(KeyId::parse),
    }
}

fn method(written: &str) -> EncryptionMethod {
    match written {
        "AES-128" => EncryptionMethod::Segment(SegmentCipherMode::Aes128Cbc),
        "AES-256" => EncryptionMethod::Segment(SegmentCipherMode::Aes256Cbc),
        "AES-256-CTR" => EncryptionMethod::Segment(SegmentCipherMode::Aes256Ctr),
        "SAMPLE-AES" => EncryptionMethod::SampleCbc,
        "SAMPLE-AES-CTR" | "SAMPLE-AES-CENC" => EncryptionMethod::SampleCtr,
        other => EncryptionMethod::Other(other.chars().take(100).collect()),
    }
}

/// A 128-bit number in hexadecimal (§4.2); short ones are filled up in front.
fn vector(text: &str) -> Option<[u8; 16]> {
    let digits = text.trim().strip_prefix("0x").or_else(|| text.trim().strip_prefix("0X"))?;
    let plain = !digits.is_empty() && digits.len() <= 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then(|| u128::from_str_radix(digits, 16).ok().map(u128::to_be_bytes)).flatten()
}

/// The bytes of a `data:` address (RFC 2397).
fn data(uri: &str) -> Option<Vec<u8>> {
    let rest = uri.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("data:")).and(uri.get(5..))?;
    if rest.len() > MAX_DATA {
        return None;
    }
    let (kind, body) = rest.split_once(',')?;
    let body = unescape(body);
    if kind.to_ascii_lowercase().ends_with(";base64") {
        let body: Vec<u8> = body.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
        return BASE64_STANDARD.decode(body).ok();
    }
    Some(body)
}

/// Percent encoding undone (RFC 3986 §2.1); text without escapes stays.
fn unescape(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = (*byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        let value = escaped.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match value.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::attributes::Attributes;
    use super::*;

    fn read(line: &str) -> (SegmentKey, usize) {
        let key = Key::parse(&Attributes::parse(line)).unwrap();
        let base = "http://h/a/list.m3u8".parse().unwrap();
        let mut warnings = Warnings::default();
        let read = segment_key(&key, &base, &mut warnings);
        (read, warnings.into_list().len())
    }

    #[test]
    fn methods_addresses_and_vectors_are_typed() {
        let (key, _) = read("METHOD=AES-128,URI=\"k.bin\",IV=0x9");
        assert_eq!(key.method, EncryptionMethod::Segment(SegmentCipherMode::Aes128Cbc));
        assert_eq!(key.source, KeySource::Resource(Resource::new("http://h/a/k.bin".parse().unwrap())));
        assert_eq!(key.vector(5)[15], 9);
        let (key, _) = read("METHOD=SAMPLE-AES-CTR,URI=\"data:text/plain;base64,q7onHovPVSu9LoakNKml2Q==\"");
        assert_eq!(key.source, KeySource::Inline(ContentKey::parse("abba271e8bcf552bbd2e86a434a9a5d9").unwrap()));
        let (key, _) = read("METHOD=AES-256,URI=\"data:,%30123456789abcdef0123456789abcde%66\"");
        assert_eq!(key.source, KeySource::Inline(ContentKey::new(b"0123456789abcdef0123456789abcdef").unwrap()));
        let (key, _) = read(
            "METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\",\
             KEYID=0x404e998895de443f93e8c822935bff0a",
        );
        assert_eq!((&key.system, &key.source), (&KeySystem::FairPlay, &KeySource::Opaque));
        assert_eq!(key.key_id, KeyId::parse("404e998895de443f93e8c822935bff0a"));
    }

    #[test]
    fn escapes_have_two_hexadecimal_digits_and_anything_else_stands_for_itself() {
        let cases = [
            ("%41%7a%5A", "AzZ"),
            ("%4", "%4"),
            ("%", "%"),
            ("%%41", "%A"),
            ("%4g", "%4g"),
            ("%+1", "%+1"),
            ("%-1", "%-1"),
        ];
        for (text, expected) in cases {
            assert_eq!(unescape(text), expected.as_bytes(), "{text}");
        }
        assert_eq!(unescape("%é1%c3%a9"), "%é1é".as_bytes());
    }

    #[test]
    fn what_cannot_be_read_leaves_a_key_that_nobody_can_use() {
        for line in [
            "METHOD=AES-128",
            "METHOD=AES-128,URI=\"ftp://h/k\"",
            "METHOD=AES-128,URI=\"data:;base64,AAAA\"",
            "METHOD=AES-128,URI=\"k\",IV=12",
            "METHOD=AES-128,URI=\"k\",IV=0x0123456789abcdef0123456789abcdef0",
        ] {
            assert_eq!(read(line).0.source, KeySource::Opaque, "{line}");
        }
        assert_eq!(read("METHOD=AES-128,URI=\"k\",IV=12").1, 1);
        assert_eq!(read("METHOD=ROT13,URI=\"k\"").0.method, EncryptionMethod::Other("ROT13".into()));
    }
}
