//! Who may see pictures of a title: everyone, when the title suits everyone; else whoever was given the picture's address.
//!
//! The address of such a picture begins with a key made from the title and its version. It stands in the path, so that the sheets
//! that a thumbnail index names inherit it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use kinora_kit::signature::EdgeSecret;

/// Makes and checks the keys of pictures.
#[derive(Clone)]
pub struct PictureKeys(Hmac<Sha256>);

impl PictureKeys {
    /// Keys that only this service can make.
    pub fn new(secret: &EdgeSecret) -> Self {
        let mac = Hmac::new_from_slice(secret.origin_key().as_bytes());
        Self(mac.expect("HMAC takes a key of any length (RFC 2104 §2)"))
    }

    /// The key of a title's pictures, with the mark that tells it from a title.
    pub fn key(&self, title: &str, version: i64) -> String {
        format!("~{}", URL_SAFE_NO_PAD.encode(self.mac(title, version).finalize().into_bytes()))
    }

    /// Returns true if `shown` is the key of the title; takes the same time wherever they differ.
    pub fn is_key(&self, shown: &str, title: &str, version: i64) -> bool {
        let shown = shown.strip_prefix('~').and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        shown.is_some_and(|shown| self.mac(title, version).verify_slice(&shown).is_ok())
    }

    fn mac(&self, title: &str, version: i64) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(format!("kinora pictures 1\n{title}\n{version}").as_bytes());
        mac
    }
}

impl std::fmt::Debug for PictureKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PictureKeys(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::PictureKeys;
    use kinora_kit::signature::EdgeSecret;

    #[test]
    fn a_key_opens_the_pictures_of_one_version_of_one_title() {
        let keys = |text| PictureKeys::new(&EdgeSecret::new(text).expect("long enough"));
        let ours = keys("0123456789abcdef");
        let key = ours.key("tears", 7);
        assert!(ours.is_key(&key, "tears", 7));
        assert!(!ours.is_key(&key, "tears", 8) && !ours.is_key(&key, "sintel", 7));
        assert!(!keys("another secret of ours").is_key(&key, "tears", 7));
        for forged in ["", "~", &key[1..], &key[..key.len() - 1]] {
            assert!(!ours.is_key(forged, "tears", 7), "{forged}");
        }
    }
}
