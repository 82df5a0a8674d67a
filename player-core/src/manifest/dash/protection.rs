//! `ContentProtection` descriptors (ISO/IEC 23009-1 §5.8.4.1) and segment encryption (ISO/IEC 23009-4) as the model's
//! protection.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use url::Url;

use crate::drm::{KeyId, KeySystem, Pssh, SegmentCipherMode, read_pssh};
use crate::manifest::document::{Warnings, clip};
use crate::manifest::xml::Element;
use crate::model::{
    CryptoPeriod, EncryptionMethod, KeySource, Protection, Resource, SegmentIndex, SegmentKey, SegmentList,
};

/// Descriptors beyond this are not read.
const MAX_DESCRIPTORS: usize = 32;
/// Key ids of one descriptor beyond this are not read.
const MAX_KEYS: usize = 64;
/// Longer boxes are not read.
const MAX_PSSH: usize = 256 << 10;
/// Crypto periods beyond this are hostile.
const MAX_PERIODS: usize = 100_000;

const SEGMENT_ENCRYPTION: &str = "urn:mpeg:dash:sea:2012";
const SAMPLE_ENCRYPTION: &str = "urn:mpeg:dash:mp4protection:2011";

/// The descriptors of an element, each once.
pub(super) fn descriptors(element: &Element, bases: &[Url]) -> Vec<Arc<Protection>> {
    let mut out: Vec<Arc<Protection>> = Vec::new();
    let found = element.all("ContentProtection").filter(|child| scheme_id(child) != SEGMENT_ENCRYPTION);
    for child in found.take(MAX_DESCRIPTORS) {
        let protection = Arc::new(descriptor(child, bases));
        if !out.contains(&protection) {
            out.push(protection);
        }
    }
    out
}

fn scheme_id(element: &Element) -> String {
    element.attr("schemeIdUri").unwrap_or_default().to_ascii_lowercase()
}

fn descriptor(element: &Element, bases: &[Url]) -> Protection {
    let scheme_id = scheme_id(element);
    let plain = scheme_id == SAMPLE_ENCRYPTION;
    let pssh = element.all("pssh").flat_map(|child| boxes(&child.text)).collect();
    let ids = element.any_attr("default_KID").unwrap_or_default();
    let scheme = element.attr("value").and_then(|value| value.to_ascii_lowercase().as_bytes().try_into().ok());
    Protection {
        system: (!plain).then(|| KeySystem::of_name(&scheme_id)),
        scheme: scheme.filter(|scheme| matches!(scheme, b"cenc" | b"cens" | b"cbc1" | b"cbcs")),
        key_ids: ids.split_whitespace().filter_map(KeyId::parse).take(MAX_KEYS).collect(),
        pssh,
        licence_urls: licence_urls(element, bases),
        key: None,
        scheme_id,
    }
}

fn boxes(text: &str) -> Vec<Pssh> {
    if text.len() > MAX_PSSH {
        return Vec::new();
    }
    let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64_STANDARD.decode(text).map(|bytes| read_pssh(&bytes)).unwrap_or_default()
}

/// `dashif:Laurl` and `clearkey:Laurl` (DASH-IF IOP §7.6.2.4) hold the address, `ms:laurl` names it.
fn licence_urls(element: &Element, bases: &[Url]) -> Vec<Url> {
    let named = |child: &Element| child.name.eq_ignore_ascii_case("laurl");
    let mut out = Vec::new();
    for child in element.children.iter().filter(|child| named(child)).take(8) {
        let written = child.attr("licenseUrl").unwrap_or_else(|| child.text.trim());
        let url = match bases.first() {
            Some(base) => base.join(written).ok(),
            None => Url::parse(written).ok(),
        };
        out.extend(url.filter(|url| !written.is_empty() && matches!(url.scheme(), "http" | "https")));
    }
    out
}

/// Segments encrypted as a whole.
pub(super) struct SegmentEncryption {
    /// Protection to list at the representation.
    pub(super) descriptor: Arc<Protection>,
    /// In the order of the segments; at least one.
    pub(super) periods: Vec<CryptoPeriod>,
}

/// Segments encrypted as a whole: the descriptor of an element, with its keys in the order of the segments.
pub(super) fn segment_encryption(
    element: &Element,
    bases: &[Url],
    warnings: &mut Warnings,
) -> Option<SegmentEncryption> {
    let element = element.all("ContentProtection").find(|child| scheme_id(child) == SEGMENT_ENCRYPTION)?;
    let method = method(element);
    let mut next = 0_u64;
    let mut periods: Vec<CryptoPeriod> = Vec::new();
    for child in element.all("CryptoPeriod") {
        if periods.len() >= MAX_PERIODS {
            warnings.push(child.line, format!("more than {MAX_PERIODS} crypto periods: the rest is left out"));
            break;
        }
        let first = next.saturating_add(child.number("offset").unwrap_or(0));
        let count = child.number::<u64>("numSegments").filter(|count| *count > 0);
        next = first.saturating_add(count.unwrap_or(0));
        let key = segment_key(child, method.clone(), bases, warnings);
        periods.push(CryptoPeriod { first, count, keys: vec![key].into() });
    }
    if periods.is_empty() {
        warnings.push(element.line, "segment encryption without CryptoPeriod");
        let key = SegmentKey { method, system: KeySystem::Identity, source: KeySource::Opaque, iv: None, key_id: None };
        periods.push(CryptoPeriod { first: 0, count: None, keys: vec![key].into() });
    }
    let descriptor = Arc::new(Protection {
        scheme_id: SEGMENT_ENCRYPTION.to_owned(),
        system: Some(KeySystem::Identity),
        scheme: None,
        key_ids: Vec::new(),
        pssh: Vec::new(),
        licence_urls: Vec::new(),
        key: periods.first().and_then(|period| period.keys.first()).cloned(),
    });
    Some(SegmentEncryption { descriptor, periods })
}

/// Only plain chaining over HTTP keys is known; any other key system would have to provide the key.
fn method(element: &Element) -> EncryptionMethod {
    let cipher = element.first("SegmentEncryption").and_then(|child| child.attr("schemeIdUri")).unwrap_or_default();
    let keys = element.first("KeySystem").and_then(|child| child.attr("keySystemUri"));
    match (cipher, keys) {
        ("urn:mpeg:dash:sea:aes128-cbc:2013" | "", None | Some("urn:mpeg:dash:sea:keysys:http:2013")) => {
            EncryptionMethod::Segment(SegmentCipherMode::Aes128Cbc)
        }
        ("urn:mpeg:dash:sea:aes128-cbc:2013" | "", Some(other)) => EncryptionMethod::Other(clip(other)),
        (other, _) => EncryptionMethod::Other(clip(other)),
    }
}

fn segment_key(child: &Element, method: EncryptionMethod, bases: &[Url], warnings: &mut Warnings) -> SegmentKey {
    let written = child.attr("keyUriTemplate").unwrap_or_default();
    let mut urls: Vec<Url> = Vec::new();
    for url in bases.iter().filter_map(|base| base.join(written).ok()) {
        if matches!(url.scheme(), "http" | "https") && !urls.contains(&url) {
            urls.push(url);
        }
    }
    let iv = child.attr("IV").and_then(|text| Some(KeyId::parse(text)?.0));
    let damaged = child.attr("IV").is_some() && iv.is_none();
    if written.is_empty() || written.contains('$') || urls.is_empty() || damaged {
        warnings.push(child.line, "the key of this CryptoPeriod cannot be used");
        urls.clear();
    }
    let source = if urls.is_empty() { KeySource::Opaque } else { KeySource::Resource(Resource { urls, range: None }) };
    SegmentKey { method, system: KeySystem::Identity, source, iv, key_id: None }
}

/// Adds the encryption of each segment to an index. Returns false if that is impossible: an index that lies in the
/// encrypted file itself.
pub(super) fn apply(index: &mut SegmentIndex, periods: &[CryptoPeriod]) -> bool {
    match index {
        SegmentIndex::Known(SegmentList::Template(template)) => {
            template.crypto = periods.to_vec().into();
            true
        }
        SegmentIndex::Known(SegmentList::Explicit(_) | SegmentList::Listed(_)) | SegmentIndex::External(_) => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::manifest::xml;

    const DESCRIPTORS: &str = r#"<AdaptationSet xmlns:cenc="urn:mpeg:cenc:2013">
        <ContentProtection schemeIdUri="urn:mpeg:dash:mp4protection:2011" value="cbcs"
            cenc:default_KID="404e9988-95de-443f-93e8-c822935bff0a bad"/>
        <ContentProtection schemeIdUri="urn:uuid:1077EFEC-C0B2-4D02-ACE3-3C1E52E2FB4B">
            <cenc:pssh>AAAANHBzc2gBAAAAEHfv7MCyTQKs4zweUuL7SwAAAAFATpmIld5EP5PoyCKTW/8KAAAAAA==</cenc:pssh>
        </ContentProtection>
        <ContentProtection schemeIdUri="urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e" value="ClearKey1.0">
            <dashif:Laurl>licence/clear?x=1</dashif:Laurl><ms:laurl licenseUrl="https://i/l"/><Laurl/>
        </ContentProtection>
        <ContentProtection schemeIdUri="urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"><cenc:pssh>!!</cenc:pssh></ContentProtection>
    </AdaptationSet>"#;

    #[test]
    fn descriptors_tell_scheme_keys_systems_and_servers() {
        let element = xml::parse(DESCRIPTORS).unwrap();
        let found = descriptors(&element, &["http://h/a/".parse().unwrap()]);
        let id = KeyId::parse("404e998895de443f93e8c822935bff0a").unwrap();
        assert_eq!((found[0].system.clone(), found[0].scheme), (None, Some(*b"cbcs")));
        assert_eq!(found[0].key_ids, [id]);
        assert_eq!(found[1].pssh, [Pssh { system: KeySystem::Common, key_ids: vec![id] }]);
        let servers: Vec<&str> = found[2].licence_urls.iter().map(Url::as_str).collect();
        assert_eq!(servers, ["http://h/a/licence/clear?x=1", "https://i/l"]);
        assert_eq!((found[3].system.clone(), found[3].pssh.len()), (Some(KeySystem::Widevine), 0));
    }

    fn crypto(inner: &str) -> (Vec<CryptoPeriod>, usize) {
        let element = xml::parse(&format!(
            "<A><ContentProtection schemeIdUri=\"urn:mpeg:dash:sea:2012\">{inner}</ContentProtection></A>"
        ));
        let mut warnings = Warnings::default();
        let bases = ["http://h/".parse().unwrap()];
        let periods = segment_encryption(&element.unwrap(), &bases, &mut warnings).unwrap().periods;
        (periods, warnings.into_list().len())
    }

    #[test]
    fn crypto_periods_follow_each_other() {
        let (periods, warnings) = crypto(
            "<CryptoPeriod numSegments=\"3\" keyUriTemplate=\"a\" IV=\"0x3782A2D74219AE78CFADF642ABC5E68D\"/>\
             <CryptoPeriod offset=\"2\" keyUriTemplate=\"b\"/>",
        );
        assert_eq!(warnings, 0);
        assert_eq!((periods[0].first, periods[0].count), (0, Some(3)));
        assert_eq!((periods[1].first, periods[1].count), (5, None));
        assert_eq!(periods[0].keys[0].iv.unwrap()[15], 0x8d);
        assert_eq!(periods[1].keys[0].source, KeySource::Resource(Resource::new("http://h/b".parse().unwrap())));
    }

    #[test]
    fn a_crypto_period_of_no_segments_is_one_without_a_count() {
        let (periods, _) = crypto(
            "<CryptoPeriod numSegments=\"0\" keyUriTemplate=\"a\"/><CryptoPeriod numSegments=\"1\" keyUriTemplate=\"b\"/>",
        );
        assert_eq!((periods[0].first, periods[0].count), (0, None));
        assert_eq!((periods[1].first, periods[1].count), (0, Some(1)));
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        for inner in ["", "<CryptoPeriod/>", "<CryptoPeriod keyUriTemplate=\"$x$\"/>", "<CryptoPeriod IV=\"0x1\"/>"] {
            let (periods, warnings) = crypto(inner);
            assert_eq!((periods[0].keys[0].source.clone(), warnings), (KeySource::Opaque, 1), "{inner}");
        }
        let (periods, _) = crypto("<KeySystem keySystemUri=\"x:y\"/><CryptoPeriod keyUriTemplate=\"a\"/>");
        assert_eq!(periods[0].keys[0].method, EncryptionMethod::Other("x:y".into()));
    }
}
