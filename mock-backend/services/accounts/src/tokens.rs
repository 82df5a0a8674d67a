//! Access tokens: JSON Web Tokens signed with Ed25519 (RFC 8037), short-lived. That their sign-in
//! still stands is checked by `store::viewer`, against the database.
//!
//! The key is made on the first start and kept in the data directory with mode 0600. Its id is the thumbprint of its public part
//! (RFC 7638) and stands in every token's header, so that a later key can take over while tokens of the earlier are still valid.

use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
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
    encoding: EncodingKey,
    decoding: DecodingKey,
    key_id: String,
    lifetime_ms: i64,
}

impl Tokens {
    /// With the key of `path`, which is made when there is none. Tokens live for `lifetime_ms`.
    ///
    /// # Errors
    /// When there is no key to be had.
    pub fn open(path: &Path, lifetime_ms: i64) -> Result<Self, KeyError> {
        let text = keyfile::load_or_create(path, || {
            let mut key = PKCS8_PREFIX.to_vec();
            key.extend_from_slice(&keyfile::random::<32>()?);
            Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(key)))
        })?;
        let encoding = EncodingKey::from_ed_pem(text.as_bytes())?;
        let public = Jwk::from_encoding_key(&encoding, Algorithm::EdDSA)?;
        let key_id = public.thumbprint(ThumbprintHash::SHA256)?;
        Ok(Self { decoding: DecodingKey::from_jwk(&public)?, encoding, key_id, lifetime_ms })
    }

    /// How long a token lives.
    pub fn lifetime_ms(&self) -> i64 {
        self.lifetime_ms
    }

    /// A token for an account's sign-in, and when it expires in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn issue(&self, account: &str, family: &str, now_ms: i64) -> Result<(Secret, i64), Problem> {
        let exp = (now_ms + self.lifetime_ms) / 1000;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: account.to_owned(),
            sid: family.to_owned(),
            iat: now_ms / 1000,
            exp,
        };
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::EdDSA) };
        let token = encode(&header, &claims, &self.encoding).map_err(|error| Problem::internal(&error))?;
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
        let token = decode::<Claims>(token, &self.decoding, &validation)
            .map_err(|_| expired("the access token is not valid"))?;
        if token.header.kid.as_deref() != Some(self.key_id.as_str()) {
            return Err(expired("the access token was signed with a key that is no longer used"));
        }
        if now_ms >= token.claims.exp.saturating_mul(1000) {
            return Err(expired("the access token is past its time"));
        }
        Ok(Bearer { account: token.claims.sub, family: token.claims.sid })
    }
}

#[cfg(test)]
mod tests {
    use super::{Bearer, Tokens};
    use kinora_api::ErrorCode;

    #[test]
    fn a_token_is_valid_for_its_time_and_its_key() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let tokens = Tokens::open(&dir.path().join("a.pem"), 60_000).expect("a key");
        let again = Tokens::open(&dir.path().join("a.pem"), 60_000).expect("the same key");
        let other = Tokens::open(&dir.path().join("b.pem"), 60_000).expect("another key");
        let (token, expires_at) = tokens.issue("acc", "fam", 1_000_000).expect("issued");
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
