//! Signed path prefixes: `/t/TOKEN/<title>/…`.
//!
//! The token is `EXPIRY.SESSION.MAC`: milliseconds since the Unix epoch, the playback session's id, and HMAC-SHA256 (RFC 2104)
//! over title, expiry and session in base64url. It stands in the path and not in the query, so that the relative references of a
//! manifest inherit it without being rewritten. The edge needs nothing but the shared secret to check it.

use std::fmt;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::keyfile;

/// Header field in which an edge shows the origin its key ([`EdgeSecret::origin_key`]).
pub const ORIGIN_KEY_HEADER: &str = "kinora-origin-key";

/// The longest token that is looked at.
const MAX_TOKEN: usize = 160;
/// The longest session id.
const MAX_SESSION: usize = 64;
/// The shortest secret that is accepted, in characters.
const MIN_SECRET: usize = 16;

/// What backend and edges share.
#[derive(Clone)]
pub struct EdgeSecret(String);

impl EdgeSecret {
    /// Takes a secret as text; blanks around it do not count. `None` when it is too short to be one.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (text.len() >= MIN_SECRET).then(|| Self(text.to_owned()))
    }

    /// The secret of a file, which is made with a random one when there is none.
    ///
    /// # Errors
    /// Of the file system, or when the file holds too short a text.
    pub fn load_or_create(path: &Path) -> io::Result<Self> {
        let text = keyfile::load_or_create(path, || Ok(URL_SAFE_NO_PAD.encode(keyfile::random::<32>()?)))?;
        Self::new(&text).ok_or_else(too_short)
    }

    /// The secret of a file that has to exist.
    ///
    /// # Errors
    /// Of the file system, or when the file holds too short a text.
    pub fn load(path: &Path) -> io::Result<Self> {
        Self::new(&std::fs::read_to_string(path)?).ok_or_else(too_short)
    }

    /// What an edge shows the origin to be let in: derived, so that the secret itself is never sent.
    pub fn origin_key(&self) -> String {
        let mut mac = self.mac();
        mac.update(b"kinora origin 1");
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    /// Whether `shown` is the [`EdgeSecret::origin_key`]; takes the same time wherever they differ.
    pub fn is_origin_key(&self, shown: &str) -> bool {
        let Ok(shown) = URL_SAFE_NO_PAD.decode(shown) else {
            return false;
        };
        let mut mac = self.mac();
        mac.update(b"kinora origin 1");
        mac.verify_slice(&shown).is_ok()
    }

    fn mac(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(self.0.as_bytes()).expect("HMAC takes a key of any length (RFC 2104 §2)")
    }

    fn token_mac(&self, title: &str, session: &str, expires_at: i64) -> Hmac<Sha256> {
        let mut mac = self.mac();
        // No field holds a line feed: titles and sessions are plain names, the expiry is a number.
        mac.update(format!("kinora token 1\n{title}\n{session}\n{expires_at}").as_bytes());
        mac
    }
}

fn too_short() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the edge secret has fewer than {MIN_SECRET} characters"))
}

impl fmt::Debug for EdgeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EdgeSecret(***)")
    }
}

/// Signs leave to fetch everything of `title` until `expires_at`, in the name of `session`.
///
/// `session` has to be a plain word (letters, digits, `-`, `_`, at most 64) for the edge to take the token.
pub fn sign(secret: &EdgeSecret, title: &str, session: &str, expires_at: i64) -> String {
    let mac = secret.token_mac(title, session, expires_at).finalize().into_bytes();
    format!("{expires_at}.{session}.{}", URL_SAFE_NO_PAD.encode(mac))
}

/// The path of `file` of `title` under `token`, with its leading slash.
pub fn signed_path(token: &str, title: &str, file: &str) -> String {
    format!("/t/{token}/{title}/{file}")
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a token, or not one for this title, or not signed with our secret.
    #[error("the address was not signed by this service")]
    Forged,
    /// Signed by us, and past its time.
    #[error("the address is past its time")]
    Expired,
}

/// Checks a token for a title and answers its session. The signature is checked before the time, so that only who was given a
/// token learns that it has expired; the comparison takes the same time wherever the signatures differ.
///
/// # Errors
/// When the token is not taken.
pub fn verify<'t>(secret: &EdgeSecret, title: &str, token: &'t str, now_ms: i64) -> Result<&'t str, Refusal> {
    let (session, expires_at, mac) = split(token).ok_or(Refusal::Forged)?;
    secret.token_mac(title, session, expires_at).verify_slice(&mac).map_err(|_| Refusal::Forged)?;
    if now_ms >= expires_at {
        return Err(Refusal::Expired);
    }
    Ok(session)
}

fn split(token: &str) -> Option<(&str, i64, Vec<u8>)> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let mut fields = token.split('.');
    let (expiry, session, mac) = (fields.next()?, fields.next()?, fields.next()?);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let well_formed = fields.next().is_none()
        && expiry.bytes().all(|byte| byte.is_ascii_digit())
        && !session.is_empty()
        && session.len() <= MAX_SESSION
        && session.chars().all(plain);
    if !well_formed {
        return None;
    }
    Some((session, expiry.parse().ok()?, URL_SAFE_NO_PAD.decode(mac).ok()?))
}

#[cfg(test)]
mod tests {
    use super::{EdgeSecret, Refusal, sign, verify};
    use proptest::prelude::*;

    fn secret(text: &str) -> EdgeSecret {
        EdgeSecret::new(text).expect("long enough")
    }

    #[test]
    fn a_token_opens_its_title_until_its_time() {
        let secret = secret("0123456789abcdef");
        let token = sign(&secret, "tears", "s-1", 1_000);
        assert_eq!(verify(&secret, "tears", &token, 999), Ok("s-1"));
        assert_eq!(verify(&secret, "tears", &token, 1_000), Err(Refusal::Expired));
        assert_eq!(verify(&secret, "sintel", &token, 999), Err(Refusal::Forged));
        assert_eq!(
            verify(&EdgeSecret::new("0123456789abcdeg").expect("long"), "tears", &token, 0),
            Err(Refusal::Forged)
        );
    }

    #[test]
    fn no_field_can_be_changed() {
        let secret = secret("0123456789abcdef");
        let token = sign(&secret, "tears", "s1", 1_000);
        for forged in [
            token.replace("1000.", "2000."),
            token.replace("s1", "s2"),
            token.replace("1000.", "+1000."),
            token.replace("1000.", "01000."),
            format!("{token}A"),
            format!("{token}.x"),
            token[..token.len() - 1].to_owned(),
            token.replace("s1", ""),
            String::new(),
            "..".to_owned(),
        ] {
            // A leading zero is the same number and the same signature: it opens nothing that the token itself does not.
            let expected = if forged.starts_with("01000") { Ok("s1") } else { Err(Refusal::Forged) };
            assert_eq!(verify(&secret, "tears", &forged, 0), expected, "{forged}");
        }
    }

    #[test]
    fn an_expired_forgery_is_a_forgery() {
        let token = sign(&secret("another secret of ours"), "tears", "s1", 10);
        assert_eq!(verify(&secret("0123456789abcdef"), "tears", &token, 99), Err(Refusal::Forged));
    }

    #[test]
    fn the_origin_key_is_not_the_secret() {
        let ours = secret("0123456789abcdef");
        assert!(ours.is_origin_key(&ours.origin_key()));
        assert!(!ours.is_origin_key("0123456789abcdef"));
        assert!(!ours.is_origin_key(&secret("another secret of ours").origin_key()));
        assert_eq!(format!("{ours:?}"), "EdgeSecret(***)");
        assert!(EdgeSecret::new(" short ").is_none());
    }

    proptest! {
        #[test]
        fn no_text_opens_anything(token in ".{0,80}|[0-9]{1,15}\\.[a-z0-9-]{1,20}\\.[A-Za-z0-9_-]{0,50}") {
            prop_assert_eq!(verify(&secret("0123456789abcdef"), "tears", &token, 0), Err(Refusal::Forged));
        }
    }
}
