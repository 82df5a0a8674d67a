//! Key ids and keys. A key is never shown: not by `Debug`, not in a recording.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

/// Names a key (ISO/IEC 23001-7 §4, `KID`); written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 16]);

impl KeyId {
    /// Reads hexadecimal digits; dashes, braces, and a leading `0x` are allowed.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(hexadecimal(text)?.try_into().ok()?))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a key id has 32 hexadecimal digits"))
    }
}

/// Sixteen or thirty-two bytes that decrypt. Serialises as its length; reading that back gives as many zeros, so that a
/// recorded session replays and holds no secret.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentKey(Vec<u8>);

impl ContentKey {
    /// A key of AES-128 or AES-256; `None` for any other length.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        matches!(bytes.len(), 16 | 32).then(|| Self(bytes.to_vec()))
    }

    /// Reads a key in hexadecimal digits; `None` unless they are 16 or 32 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::new(&hexadecimal(text)?)
    }

    /// Returns the bytes of the key.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key of {} bytes", self.0.len())
    }
}

impl Serialize for ContentKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0.len() as u64)
    }
}

impl<'de> Deserialize<'de> for ContentKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let length = u64::deserialize(deserializer)?;
        Ok(Self(vec![0; if length == 32 { 32 } else { 16 }]))
    }
}

/// Keys and licence servers that a host knows before anything is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrmConfig {
    /// ClearKey keys by identifier.
    pub keys: BTreeMap<KeyId, ContentKey>,
    /// ClearKey licence servers, asked before those that the manifest names.
    pub licence_servers: Vec<Url>,
}

impl DrmConfig {
    /// Adds a key written as `KID:KEY`, both hexadecimal. False, and nothing happens, when it is not written so, or
    /// the key is not one of AES-128.
    pub fn add(&mut self, text: &str) -> bool {
        let parsed = text.split_once(':').and_then(|(id, key)| Some((KeyId::parse(id)?, ContentKey::parse(key)?)));
        match parsed {
            Some((id, key)) if key.bytes().len() == 16 => {
                self.keys.insert(id, key);
                true
            }
            _ => false,
        }
    }
}

/// Hexadecimal digits as bytes. At most 64 digits: nothing here is longer than a key.
pub(crate) fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !matches!(byte, b'-' | b'{' | b'}'))
        .map(|byte| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let whole = !digits.is_empty() && digits.len() <= 64 && digits.len().is_multiple_of(2);
    whole.then(|| digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn key_ids_are_read_as_people_write_them() {
        let plain = KeyId::parse("404e998895de443f93e8c822935bff0a").unwrap();
        assert_eq!(KeyId::parse("{404E9988-95DE-443F-93E8-C822935BFF0A}"), Some(plain));
        assert_eq!(KeyId::parse("0x404e998895de443f93e8c822935bff0a"), Some(plain));
        assert_eq!(plain.to_string(), "404e998895de443f93e8c822935bff0a");
        for bad in ["", "0x", "404e", "404e998895de443f93e8c822935bff0", "404e998895de443f93e8c822935bffzz"] {
            assert_eq!(KeyId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_key_is_never_shown() {
        let mut config = DrmConfig::default();
        assert!(config.add("404e998895de443f93e8c822935bff0a:000102030405060708090a0b0c0d0e0f"));
        assert!(!config.add("404e998895de443f93e8c822935bff0a"));
        assert!(!config.add("404e998895de443f93e8c822935bff0a:0001"));
        let written = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!written.contains("0102") && written.contains("404e9988"), "{written}");
        let read: DrmConfig = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
        assert_eq!(read.keys.values().next().unwrap().bytes(), [0; 16]);
    }

    #[test]
    fn hexadecimal_has_whole_bytes_up_to_a_long_key() {
        assert_eq!(hexadecimal(" 0X0aF0 "), Some(vec![0x0a, 0xf0]));
        assert_eq!(hexadecimal(&"ab".repeat(32)).map(|bytes| bytes.len()), Some(32));
        for bad in ["ab".repeat(33), "abc".to_owned(), "0x".to_owned(), "--".to_owned(), "a+".to_owned()] {
            assert_eq!(hexadecimal(&bad), None, "{bad}");
        }
        assert_eq!(
            format!("{:?} {}", KeyId([0xa5; 16]), KeyId([5; 16])),
            format!("{} {}", "a5".repeat(16), "05".repeat(16))
        );
    }

    #[test]
    fn a_key_has_one_of_two_lengths_and_keeps_it_in_a_recording() {
        for length in 0..70 {
            assert_eq!(ContentKey::new(&vec![1; length]).is_some(), length == 16 || length == 32, "{length}");
        }
        for length in [16, 32] {
            let key = ContentKey::parse(&"5a".repeat(length)).unwrap();
            assert_eq!((key.bytes(), format!("{key:?}")), (&vec![0x5a; length][..], format!("key of {length} bytes")));
            let read: ContentKey = serde_json::from_str(&serde_json::to_string(&key).unwrap()).unwrap();
            assert_eq!(read.bytes(), vec![0; length]);
        }
        let id: KeyId = serde_json::from_str(&serde_json::to_string(&KeyId([0x1f; 16])).unwrap()).unwrap();
        assert_eq!(id, KeyId([0x1f; 16]));
        assert!(serde_json::from_str::<KeyId>("\"1f\"").is_err());
    }

    #[test]
    fn a_configured_key_is_one_of_sixteen_bytes() {
        let mut config = DrmConfig::default();
        assert!(!config.add(&format!("{}:{}", "11".repeat(16), "22".repeat(32))));
        assert!(config.keys.is_empty());
        assert!(config.add(&format!("{}:{}", "11".repeat(16), "22".repeat(16))));
        assert_eq!(config.keys.get(&KeyId([0x11; 16])).map(ContentKey::bytes), Some(&[0x22; 16][..]));
    }
}
