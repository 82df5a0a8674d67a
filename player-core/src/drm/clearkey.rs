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

/// What the body of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyFile {
    /// So many bytes, which are the key.
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
    /// Which key it is, when told.
    pub id: Option<KeyId>,
    /// The key.
    pub key: ContentKey,
}

/// The body of a licence request for some keys.
pub fn licence_request(ids: &[KeyId]) -> String {
    let kids: Vec<String> = ids.iter().map(|id| BASE64URL.encode(id.0)).collect();
    serde_json::json!({ "kids": kids, "type": "temporary" }).to_string()
}

/// Reads the keys of an answer.
///
/// # Errors
/// When it is not what it should be.
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
}
