//! The systems that can hold keys, by the names under which manifests and files know them (DASH-IF registry of
//! content protection; RFC 8216bis §4.4.4.4, KEYFORMAT).

use serde::{Deserialize, Serialize};

use super::KeyId;

/// Who can supply a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySystem {
    /// No key system: the key lies at an address, or the host knows it.
    Identity,
    /// ClearKey of W3C Encrypted Media Extensions.
    ClearKey,
    /// The W3C common box: it lists key ids and names no system.
    Common,
    /// Widevine, a key system of Google.
    Widevine,
    /// PlayReady, a key system of Microsoft.
    PlayReady,
    /// FairPlay Streaming, a key system of Apple.
    FairPlay,
    /// Another one, as written.
    Other(String),
}

/// Systems by UUID that are named and not supported.
const NAMED: &[(&str, &str)] = &[
    ("5e629af538da4063897797ffbd9902d4", "Marlin"),
    ("69f908af481646ea910ccd5dcccb0a3a", "Marlin"),
    ("adb41c242dbf4a6d958b4457c0d27b95", "Nagra"),
    ("9a27dd82fde247258cbc4234aa06ec09", "Verimatrix VCAS"),
    ("80a6be7e14484c379e70d5aebe04c8d2", "Irdeto"),
    ("f239e769efa348509c16a903c6932efb", "Adobe Primetime"),
    ("3d5e6d359b9a41e8b843dd3c6e72c42c", "WisePlay"),
    ("3ea8778f77424bf9b18be834b2acbd47", "ClearKey AES-128"),
    ("be58615b19c4468488b3c8c57e99e957", "ClearKey SAMPLE-AES"),
    ("6dd8b3c345f44a68bf3a64168d01a4a6", "ABV DRM"),
    ("644fe7b5260f4fad949a0762ffb054b4", "CMLA"),
    ("45d481cb8fe049c0ada9ab2d2455b2f2", "CoreCrypt"),
    ("1f83e1e86ee94f0dba2f5ec4e3ed1a66", "SecureMedia"),
    ("a68129d3575b4f1a9cba3223846cf7c3", "Synamedia VGC"),
    ("279fe473512c48feade8d176fee6b40f", "Arris Titanium"),
    ("d5fbd6b82ed93e4ef939d7b2e8f3d7b1", "ChinaDRM"),
];

impl KeySystem {
    /// By the UUID of a `pssh` box or a `ContentProtection` descriptor.
    pub fn of_uuid(uuid: [u8; 16]) -> Self {
        let text = KeyId(uuid).to_string();
        match text.as_str() {
            "1077efecc0b24d02ace33c1e52e2fb4b" => Self::Common,
            "e2719d58a985b3c9781ab030af78d30e" => Self::ClearKey,
            "edef8ba979d64acea3c827dcd51d21ed" => Self::Widevine,
            "9a04f07998404286ab92e65be0885f95" => Self::PlayReady,
            "94ce86fb07ff4f43adb893d2fa968ca2" | "29701fe43cc74a348c5bae90c7439a47" => Self::FairPlay,
            other => match NAMED.iter().find(|(known, _)| *known == other) {
                Some((_, name)) => Self::Other((*name).to_owned()),
                None => Self::Other(format!("urn:uuid:{}", dashed(other))),
            },
        }
    }

    /// By a scheme or key format as written in a manifest.
    pub fn of_name(name: &str) -> Self {
        let lower = name.trim().to_ascii_lowercase();
        if let Some(uuid) = lower.strip_prefix("urn:uuid:").and_then(KeyId::parse) {
            return Self::of_uuid(uuid.0);
        }
        match lower.as_str() {
            "" | "identity" => Self::Identity,
            "org.w3.clearkey" => Self::ClearKey,
            "com.widevine" | "com.widevine.alpha" => Self::Widevine,
            "com.microsoft.playready" => Self::PlayReady,
            "com.apple.streamingkeydelivery" => Self::FairPlay,
            _ => Self::Other(name.trim().chars().take(100).collect()),
        }
    }

    /// Returns the name for messages to people.
    pub fn name(&self) -> &str {
        match self {
            Self::Identity => "AES",
            Self::ClearKey => "ClearKey",
            Self::Common => "common encryption",
            Self::Widevine => "Widevine",
            Self::PlayReady => "PlayReady",
            Self::FairPlay => "FairPlay",
            Self::Other(name) => name,
        }
    }

    /// A system whose keys this player can get by itself, given an address or a licence server.
    pub const fn is_open(&self) -> bool {
        match self {
            Self::Identity | Self::ClearKey | Self::Common => true,
            Self::Widevine | Self::PlayReady | Self::FairPlay | Self::Other(_) => false,
        }
    }
}

/// Thirty-two digits as a UUID is written.
fn dashed(digits: &str) -> String {
    let cut = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [cut(0, 8), cut(8, 12), cut(12, 16), cut(16, 20), cut(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_known_by_all_their_names() {
        let cases = [
            ("identity", "AES", true),
            ("urn:uuid:EDEF8BA9-79D6-4ACE-A3C8-27DCD51D21ED", "Widevine", false),
            ("URN:UUID:E2719D58-A985-B3C9-781A-B030AF78D30E", "ClearKey", true),
            ("com.microsoft.playready", "PlayReady", false),
            ("com.apple.streamingkeydelivery", "FairPlay", false),
            ("urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e", "ClearKey", true),
            ("urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b", "common encryption", true),
            ("urn:uuid:adb41c24-2dbf-4a6d-958b-4457c0d27b95", "Nagra", false),
            ("urn:uuid:00000000-0000-0000-0000-000000000001", "urn:uuid:00000000-0000-0000-0000-000000000001", false),
            ("Somebody", "Somebody", false),
        ];
        for (written, name, open) in cases {
            let system = KeySystem::of_name(written);
            assert_eq!((system.name(), system.is_open()), (name, open), "{written}");
        }
    }

    #[test]
    fn every_named_uuid_is_one() {
        assert!(NAMED.iter().all(|(uuid, _)| KeyId::parse(uuid).is_some()));
    }

    #[test]
    fn every_name_and_number_has_its_system() {
        let named = |name: &str| KeySystem::of_name(name);
        assert_eq!([named(""), named(" Identity ")], [KeySystem::Identity, KeySystem::Identity]);
        assert_eq!(named("org.w3.ClearKey"), KeySystem::ClearKey);
        assert_eq!([named("com.widevine"), named("com.widevine.alpha")], [KeySystem::Widevine, KeySystem::Widevine]);
        for uuid in ["94ce86fb-07ff-4f43-adb8-93d2fa968ca2", "29701fe4-3cc7-4a34-8c5b-ae90c7439a47"] {
            assert_eq!(named(&format!("urn:uuid:{uuid}")), KeySystem::FairPlay);
        }
        assert_eq!(named("urn:uuid:9a04f079-9840-4286-ab92-e65be0885f95"), KeySystem::PlayReady);
        for (uuid, name) in NAMED {
            assert_eq!(named(&format!("urn:uuid:{uuid}")), KeySystem::Other((*name).to_owned()));
        }
        assert_eq!(named(&"x".repeat(200)), KeySystem::Other("x".repeat(100)));
        assert!(KeySystem::Common.is_open() && KeySystem::Identity.is_open() && KeySystem::ClearKey.is_open());
        assert_eq!(dashed("0123456789abcdef0123456789abcdef"), "01234567-89ab-cdef-0123-456789abcdef");
    }
}
