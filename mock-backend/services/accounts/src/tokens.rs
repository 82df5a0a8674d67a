//! Access tokens: JSON Web Tokens signed with Ed25519 (RFC 8037), short-lived. That their sign-in
//! still stands is checked by `store::viewer`, against the database.
//!
//! The keys are in the data directory with mode 0600: one signs, and the one before it is still believed, so that a change of
//! keys signs nobody out. A key's id is the thumbprint of its public part (RFC 7638) and stands in every token's header. The
//! public parts are beside them as a JSON Web Key Set (RFC 7517), and at `GET /v1/keys`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, JwkSet, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use kinora_api::{ErrorCode, Secret};
use serde::{Deserialize, Serialize};

use kinora_kit::http::problem::Problem;
use kinora_kit::keyfile;

const ISSUER: &str = "kinora-backend";
const AUDIENCE: &str = "kinora-api";

/// What PKCS #8 (RFC 5958, RFC 8410 §7) puts before the 32 bytes of an Ed25519 key.
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key file cannot be read or made.
    #[error("the signing key cannot be read: {0}")]
    File(#[from] io::Error),
    /// The key file holds something else.
    #[error("the signing key's file does not hold an Ed25519 key: {0}")]
    Content(#[from] jsonwebtoken::errors::Error),
    /// The key before the present one may have signed tokens that still work.
    #[error("the keys were changed less than {lifetime_s} s ago: another change would end tokens that are still valid")]
    TooSoon {
        /// Seconds that a token lives.
        lifetime_s: u64,
    },
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// Account.
    sub: String,
    /// The sign-in that it belongs to.
    sid: String,
    /// Seconds since the Unix epoch.
    iat: i64,
    exp: i64,
    /// The sign-in, if the account has a PIN: what may be seen then differs between sign-ins, and who keeps answers goes by this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    view: Option<String>,
}

/// Who a valid token belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The account.
    pub account: String,
    /// The sign-in.
    pub family: String,
}

/// Makes and checks access tokens.
pub struct Tokens {
    path: PathBuf,
    ring: RwLock<Arc<Ring>>,
    lifetime_ms: i64,
}

/// The keys of a moment.
struct Ring {
    encoding: EncodingKey,
    /// The one that signs, then the one before it.
    keys: Vec<(String, DecodingKey)>,
    public: JwkSet,
    /// The file of the key that signs, as it was before it was read.
    file: Option<Stamp>,
}

/// State of a file. A change within a tick of the clock of the file system has the same time, and another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    written: SystemTime,
    number: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let file = fs::metadata(path).ok()?;
        #[cfg(unix)]
        let number = std::os::unix::fs::MetadataExt::ino(&file);
        #[cfg(not(unix))]
        let number = 0;
        Some(Self { written: file.modified().ok()?, number })
    }
}

impl Ring {
    /// Reads the keys, makes the first, and writes the public set if it is another.
    fn read(path: &Path) -> Result<Self, KeyError> {
        let mut file = Stamp::of(path);
        let text = keyfile::load_or_create(path, new_key)?;
        if file.is_none() {
            file = Stamp::of(path);
        }
        let encoding = EncodingKey::from_ed_pem(text.as_bytes())?;
        let mut ring = Self { encoding, keys: Vec::new(), public: JwkSet { keys: Vec::new() }, file };
        ring.believe(&text)?;
        match fs::read_to_string(previous(path)) {
            Ok(text) => ring.believe(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        let public = serde_json::to_string(&ring.public).map_err(io::Error::other)?;
        let file = public_file(path);
        if fs::read_to_string(&file).ok().as_ref() != Some(&public) {
            keyfile::replace(&file, &public)?;
        }
        Ok(ring)
    }

    fn believe(&mut self, pem: &str) -> Result<(), KeyError> {
        let mut public = Jwk::from_encoding_key(&EncodingKey::from_ed_pem(pem.as_bytes())?, Algorithm::EdDSA)?;
        let id = public.thumbprint(ThumbprintHash::SHA256)?;
        if self.keys.iter().all(|(known, _)| *known != id) {
            self.keys.push((id.clone(), DecodingKey::from_jwk(&public)?));
            public.common.key_id = Some(id);
            self.public.keys.push(public);
        }
        Ok(())
    }
}

fn new_key() -> io::Result<String> {
    let mut key = PKCS8_PREFIX.to_vec();
    key.extend_from_slice(&keyfile::random::<32>()?);
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(key)))
}

fn previous(path: &Path) -> PathBuf {
    path.with_extension("previous.pem")
}

/// Returns the file with the public parts of the keys whose private file is `path`.
pub fn public_file(path: &Path) -> PathBuf {
    path.with_extension("jwks")
}

/// Makes a new key at `path`, and keeps the one that was there to check tokens with. Processes that run take it at the next
/// token that they issue or do not know.
///
/// # Errors
/// [`KeyError::TooSoon`] when the last change is younger than `lifetime`, the time that a token lives; errors of the files.
pub fn rotate(path: &Path, lifetime: Duration) -> Result<(), KeyError> {
    let text = keyfile::load_or_create(path, new_key)?;
    let is_recent = Stamp::of(path).and_then(|file| file.written.elapsed().ok()).is_some_and(|age| age < lifetime);
    if is_recent && previous(path).exists() {
        return Err(KeyError::TooSoon { lifetime_s: lifetime.as_secs() });
    }
    // A process that ends between the two has one key in both places.
    keyfile::replace(&previous(path), &text)?;
    keyfile::replace(path, &new_key()?)?;
    Ring::read(path).map(drop)
}

impl Tokens {
    /// With the key of `path`, which is made when there is none. Tokens live for `lifetime_ms`.
    ///
    /// # Errors
    /// When there is no key to be had.
    pub fn open(path: &Path, lifetime_ms: i64) -> Result<Self, KeyError> {
        let ring = RwLock::new(Arc::new(Ring::read(path)?));
        Ok(Self { path: path.to_owned(), ring, lifetime_ms })
    }

    /// The keys as they are on disk.
    fn ring(&self) -> Arc<Ring> {
        let ring = Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner));
        if Stamp::of(&self.path) == ring.file {
            return ring;
        }
        match Ring::read(&self.path) {
            Ok(read) => {
                let read = Arc::new(read);
                *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&read);
                read
            }
            Err(error) => {
                tracing::error!(%error, "the keys of access tokens stay as they were");
                ring
            }
        }
    }

    /// The public parts of the keys that tokens are believed by (RFC 7517, RFC 8037).
    pub fn public(&self) -> JwkSet {
        self.ring().public.clone()
    }

    /// How long a token lives.
    pub fn lifetime_ms(&self) -> i64 {
        self.lifetime_ms
    }

    /// A token for an account's sign-in that says whether the account has a PIN, and when it expires in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn issue(&self, account: &str, family: &str, has_pin: bool, now_ms: i64) -> Result<(Secret, i64), Problem> {
        let exp = (now_ms + self.lifetime_ms) / 1000;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: account.to_owned(),
            sid: family.to_owned(),
            iat: now_ms / 1000,
            exp,
            view: has_pin.then(|| family.to_owned()),
        };
        let ring = self.ring();
        let kid = ring.keys.first().map(|(id, _)| id.clone());
        let header = Header { kid, ..Header::new(Algorithm::EdDSA) };
        let token = encode(&header, &claims, &ring.encoding).map_err(|error| Problem::internal(&error))?;
        Ok((Secret::new(token), exp * 1000))
    }

    /// Who a token belongs to.
    ///
    /// # Errors
    /// 7002 when it is not one of ours, or past its time; the two are one error because the remedy is: refresh.
    pub fn check(&self, token: &str, now_ms: i64) -> Result<Bearer, Problem> {
        let expired = |why| Problem::new(ErrorCode::SignInExpired, why);
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Checked below, against the clock of the service.
        validation.validate_exp = false;
        let invalid = |_| expired("the access token is not valid");
        let id = decode_header(token).map_err(invalid)?.kid;
        let ring = self.ring();
        let key = ring.keys.iter().find(|(known, _)| Some(known) == id.as_ref());
        let (_, key) = key.ok_or_else(|| expired("the access token was signed with a key that is no longer used"))?;
        let token = decode::<Claims>(token, key, &validation).map_err(invalid)?;
        if now_ms >= token.claims.exp.saturating_mul(1000) {
            return Err(expired("the access token is past its time"));
        }
        Ok(Bearer { account: token.claims.sub, family: token.claims.sid })
    }
}

#[cfg(test)]
mod tests {
    use super::{Bearer, KeyError, Tokens, public_file, rotate};
    use kinora_api::ErrorCode;
    use std::time::Duration;

    #[test]
    fn a_change_of_keys_signs_nobody_out_and_the_next_one_ends_the_first() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("access.pem");
        // Two processes of the service.
        let (one, two) = (Tokens::open(&path, 60_000).expect("a key"), Tokens::open(&path, 60_000).expect("a key"));
        let issue = |tokens: &Tokens| tokens.issue("acc", "fam", false, 0).expect("issued").0;
        let first = issue(&one);
        rotate(&path, Duration::ZERO).expect("changed");
        let second = issue(&two);
        for tokens in [&one, &two] {
            for token in [&first, &second] {
                tokens.check(token.expose(), 1).expect("valid");
            }
            assert_eq!(tokens.public().keys.len(), 2);
        }
        let written = std::fs::read_to_string(public_file(&path)).expect("the public set");
        assert_eq!(written, serde_json::to_string(&one.public()).expect("plain data"));
        assert!(!written.contains("\"d\""), "a private key: {written}");
        rotate(&path, Duration::ZERO).expect("changed");
        let third = issue(&one);
        for tokens in [&one, &two] {
            assert!(tokens.check(first.expose(), 1).is_err(), "its key was retired");
            assert!(tokens.check(second.expose(), 1).is_ok() && tokens.check(third.expose(), 1).is_ok());
        }
        let refused = rotate(&path, Duration::from_secs(3600)).expect_err("too soon");
        assert!(matches!(refused, KeyError::TooSoon { lifetime_s: 3600 }), "{refused}");
        assert!(two.check(second.expose(), 1).is_ok(), "nothing was changed");
    }

    #[test]
    fn a_token_is_valid_for_its_time_and_its_key() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let tokens = Tokens::open(&dir.path().join("a.pem"), 60_000).expect("a key");
        let again = Tokens::open(&dir.path().join("a.pem"), 60_000).expect("the same key");
        let other = Tokens::open(&dir.path().join("b.pem"), 60_000).expect("another key");
        let (token, expires_at) = tokens.issue("acc", "fam", false, 1_000_000).expect("issued");
        assert_eq!(expires_at, 1_060_000);
        let bearer = Bearer { account: "acc".to_owned(), family: "fam".to_owned() };
        assert_eq!(again.check(token.expose(), 1_059_999).expect("valid"), bearer);
        for (tokens, text, now) in [
            (&tokens, token.expose().to_owned(), 1_060_000),
            (&other, token.expose().to_owned(), 1_000_000),
            (&tokens, format!("{}x", token.expose()), 1_000_000),
            (&tokens, String::new(), 1_000_000),
            // alg: none, with the claims of a real token.
            (
                &tokens,
                format!("eyJhbGciOiJub25lIn0.{}.", token.expose().split('.').nth(1).expect("three parts")),
                1_000_000,
            ),
        ] {
            let problem = tokens.check(&text, now).expect_err("refused");
            assert_eq!(problem.error().kind(), Some(ErrorCode::SignInExpired));
        }
    }
}
