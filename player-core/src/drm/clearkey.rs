//! ClearKey (W3C Encrypted Media Extensions §9.1): the request and the answer of its licence servers; and key files,
//! which are nothing but the key.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};

use super::{ContentKey, DrmError, KeyId};

/// More keys than this are more than any sane licence has.
const MAX_KEYS: usize = 1024;

/// Servers pad although they must not.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Form of the body of a licence server's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyFile {
    /// The body is this number of bytes, which are the key.
    Raw {
        /// Bytes of the key.
        length: u32,
    },
    /// A set of JSON web keys (RFC 7517 §5), a ClearKey licence.
    Licence,
}

/// A key of a licence; key files name no id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicensedKey {
    /// Identifier of the key, if the answer has one.
    pub id: Option<KeyId>,
    /// Key that decrypts its media.
    pub key: ContentKey,
}

/// The body of a licence request for some keys.
pub fn licence_request(ids: &[KeyId]) -> String {
    let kids: Vec<String> = ids.iter().map(|id| BASE64URL.encode(id.0)).collect();
    serde_json::json!({ "kids": kids, "type": "temporary" }).to_string()
}

/// Reads the keys of an answer.
///
/// If the answer has another form.
pub fn read_keys(file: KeyFile, body: &[u8]) -> Result<Vec<LicensedKey>, DrmError> {
    match file {
        KeyFile::Raw { length } => {
            let wrong = || DrmError::KeyLength { found: body.len(), expected: length as usize };
            let key = ContentKey::new(body).filter(|_| body.len() == length as usize).ok_or_else(wrong)?;
            Ok(vec![LicensedKey { id: None, key }])
        }
        KeyFile::Licence => licence(body),
    }
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<WebKey>,
}

#[derive(Deserialize)]
struct WebKey {
    kty: Option<String>,
    k: Option<String>,
    kid: Option<String>,
}

/// Keys of another type than `oct`, and those that are no AES-128 key, are passed over (§9.1.4).
fn licence(body: &[u8]) -> Result<Vec<LicensedKey>, DrmError> {
    let set: KeySet = serde_json::from_slice(body).map_err(|error| DrmError::KeyMalformed(error.to_string()))?;
    let decode = |text: Option<&String>| BASE64URL.decode(text?.trim()).ok();
    let keys: Vec<LicensedKey> = set
        .keys
        .iter()
        .take(MAX_KEYS)
        .filter(|key| key.kty.as_deref().is_none_or(|kind| kind == "oct"))
        .filter_map(|key| {
            let id = KeyId(decode(key.kid.as_ref())?.try_into().ok()?);
            let key = ContentKey::new(&decode(key.k.as_ref())?).filter(|key| key.bytes().len() == 16)?;
            Some(LicensedKey { id: Some(id), key })
        })
        .collect();
    if keys.is_empty() { Err(DrmError::LicenceEmpty) } else { Ok(keys) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_licence_is_asked_for_and_read() {
        let id = KeyId::parse("404e998895de443f93e8c822935bff0a").unwrap();
        assert_eq!(licence_request(&[id]), r#"{"kids":["QE6ZiJXeRD-T6Mgik1v_Cg"],"type":"temporary"}"#);
        let body = br#"{"keys":[{"kty":"RSA","kid":"x"},{"kty":"oct","kid":"QE6ZiJXeRD-T6Mgik1v_Cg==",
            "k":"AAECAwQFBgcICQoLDA0ODw"},{"kty":"oct","kid":"AAAA","k":"AAAA"}],"type":"temporary"}"#;
        let keys = read_keys(KeyFile::Licence, body).unwrap();
        assert_eq!(keys.len(), 1);
        assert_eq!((keys[0].id, keys[0].key.bytes()[15]), (Some(id), 15));
        assert_eq!(read_keys(KeyFile::Licence, br#"{"keys":[]}"#), Err(DrmError::LicenceEmpty));
        assert!(matches!(read_keys(KeyFile::Licence, b"<html>"), Err(DrmError::KeyMalformed(_))));
    }

    #[test]
    fn a_key_file_has_the_length_of_a_key() {
        let raw = KeyFile::Raw { length: 16 };
        assert_eq!(read_keys(raw, &[7; 16]).unwrap()[0].key.bytes(), [7; 16]);
        for wrong in [0, 15, 17, 32, 5000] {
            let expected = DrmError::KeyLength { found: wrong, expected: 16 };
            assert_eq!(read_keys(raw, &vec![0; wrong]), Err(expected));
        }
    }

    /// A licence of web keys, each written as `kty`, id and key in base64url.
    fn licence_of(keys: &[(Option<&str>, &[u8], &[u8])]) -> String {
        let keys: Vec<_> = keys
            .iter()
            .map(|(kind, id, key)| {
                serde_json::json!({ "kty": kind, "kid": BASE64URL.encode(id), "k": BASE64URL.encode(key) })
            })
            .collect();
        serde_json::json!({ "keys": keys }).to_string()
    }

    #[test]
    fn a_licence_may_lack_the_key_that_was_asked_for_and_carry_others() {
        let asked = KeyId([1; 16]);
        let body = licence_of(&[
            (Some("oct"), &[2; 16], &[7; 16]),
            (None, &[3; 16], &[8; 16]),
            (Some("oct"), &[1; 16], &[9; 32]),
            (Some("EC"), &[1; 16], &[9; 16]),
            (Some("oct"), &[1; 15], &[9; 16]),
        ]);
        let keys = read_keys(KeyFile::Licence, body.as_bytes()).unwrap();
        let ids: Vec<_> = keys.iter().map(|key| (key.id, key.key.bytes()[0])).collect();
        assert_eq!(ids, [(Some(KeyId([2; 16])), 7), (Some(KeyId([3; 16])), 8)]);
        assert!(keys.iter().all(|key| key.id != Some(asked)));
        let none = licence_of(&[(Some("oct"), &[1; 16], &[9; 17])]);
        assert_eq!(read_keys(KeyFile::Licence, none.as_bytes()), Err(DrmError::LicenceEmpty));
    }

    #[test]
    fn a_licence_is_read_up_to_its_limit() {
        let ids: Vec<[u8; 16]> = (0..=MAX_KEYS as u128).map(u128::to_be_bytes).collect();
        let many: Vec<_> = ids.iter().map(|id| (Some("oct"), &id[..], &[5; 16][..])).collect();
        let keys = read_keys(KeyFile::Licence, licence_of(&many).as_bytes()).unwrap();
        assert_eq!((keys.len(), keys[1023].id), (1024, Some(KeyId(1023_u128.to_be_bytes()))));
    }

    #[test]
    fn several_keys_are_asked_for_in_order() {
        let request: serde_json::Value =
            serde_json::from_str(&licence_request(&[KeyId([0; 16]), KeyId([255; 16])])).unwrap();
        assert_eq!(request["kids"], serde_json::json!(["AAAAAAAAAAAAAAAAAAAAAA", "_____________________w"]));
        let long = KeyFile::Raw { length: 32 };
        assert_eq!(
            read_keys(long, &[7; 32]).unwrap()[0],
            LicensedKey { id: None, key: ContentKey::new(&[7; 32]).unwrap() }
        );
        assert_eq!(read_keys(long, &[7; 16]), Err(DrmError::KeyLength { found: 16, expected: 32 }));
    }
}
