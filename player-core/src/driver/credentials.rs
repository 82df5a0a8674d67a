//! User information of addresses (`http://NAME:PASSWORD@host/`), kept by origin and sent as Basic authentication
//! (RFC 7617) to that origin only.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use url::Url;

/// Most origins whose user information is kept; later ones are refused.
const MAX_ORIGINS: usize = 256;

/// The credentials of one player.
#[derive(Debug, Default)]
pub struct Credentials(BTreeMap<String, HeaderValue>);

impl Credentials {
    /// Removes the user information from an address and keeps it for the address's origin. What is kept already gives
    /// way only when `replace` is set.
    pub fn learn(&mut self, url: &mut Url, replace: bool) {
        if url.username().is_empty() && url.password().is_none() {
            return;
        }
        let mut plain = percent_decoded(url.username());
        plain.push(b':');
        plain.extend(percent_decoded(url.password().unwrap_or_default()));
        let origin = url.origin().ascii_serialization();
        let full = self.0.len() >= MAX_ORIGINS && !self.0.contains_key(&origin);
        if let Ok(mut value) = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(plain)))
            && !full
            && (replace || !self.0.contains_key(&origin))
        {
            value.set_sensitive(true);
            self.0.insert(origin, value);
        }
        // Both fail only for addresses that cannot have user information, and those have none.
        let _ = url.set_username("");
        let _ = url.set_password(None);
    }

    /// Returns the value of the `Authorization` field for an address.
    pub fn authorization(&self, url: &Url) -> Option<HeaderValue> {
        self.0.get(&url.origin().ascii_serialization()).cloned()
    }
}

/// Undoes percent-encoding (RFC 3986 §2.1); a `%` without two hexadecimal digits stands for itself.
fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.first_chunk::<2>().filter(|digits| byte == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let value = digits.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        decoded.push(value.unwrap_or(byte));
        rest = if value.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    decoded
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn learned(address: &str) -> (Credentials, Url) {
        let mut credentials = Credentials::default();
        let mut url: Url = address.parse().unwrap();
        credentials.learn(&mut url, false);
        (credentials, url)
    }

    #[test]
    fn user_information_serves_its_origin_and_no_other() {
        let (credentials, url) = learned("http://ann:secret@host:81/a/b.m3u8?x=1");
        assert_eq!(url.as_str(), "http://host:81/a/b.m3u8?x=1");
        let value = |address: &str| credentials.authorization(&address.parse().unwrap());
        assert_eq!(value("http://host:81/other").unwrap(), "Basic YW5uOnNlY3JldA==");
        for other in ["http://host/a", "https://host:81/a", "http://host2:81/a", "http://a.host:81/a"] {
            assert_eq!(value(other), None, "{other}");
        }
        assert!(!format!("{credentials:?}").contains("YW5"), "{credentials:?}");
    }

    #[test]
    fn encoded_characters_are_decoded_and_missing_parts_are_empty() {
        for (address, plain) in
            [("http://a%40b:p%3a%C3%A9%@h/", "a@b:p:é%"), ("http://ann@h/", "ann:"), ("http://:pw@h/", ":pw")]
        {
            let (credentials, url) = learned(address);
            let expected = format!("Basic {}", STANDARD.encode(plain));
            assert_eq!(credentials.authorization(&url).unwrap(), expected.as_str(), "{address}");
        }
        assert!(learned("http://h/").0.0.is_empty());
    }

    #[test]
    fn later_user_information_replaces_the_first_only_when_asked_to() {
        let (mut credentials, url) = learned("http://ann:1@h/");
        credentials.learn(&mut "http://bob:2@h/".parse().unwrap(), false);
        assert_eq!(credentials.authorization(&url).unwrap(), "Basic YW5uOjE=");
        credentials.learn(&mut "http://bob:2@h/".parse().unwrap(), true);
        assert_eq!(credentials.authorization(&url).unwrap(), "Basic Ym9iOjI=");
        for host in 0..2 * MAX_ORIGINS {
            credentials.learn(&mut format!("http://x:y@h{host}/").parse().unwrap(), true);
        }
        assert_eq!(credentials.0.len(), MAX_ORIGINS);
    }
}
