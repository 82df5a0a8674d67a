//! Whose quota a request counts against. Nothing is refused here: services verify tokens, and know which were revoked.

use std::fmt;

use axum::http::{HeaderMap, header};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

const ISSUER: &str = "kinora-backend";
const AUDIENCE: &str = "kinora-api";
/// Maximum number of bytes of a token that is looked at.
const MAX_TOKEN: usize = 4_096;
/// Maximum number of keys of a set.
const MAX_KEYS: usize = 16;

/// Who asks, beyond the address.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Caller {
    /// An account whose token was verified.
    Account(Box<str>),
    /// A token that was not verified, by its SHA-256.
    Token([u8; 32]),
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => write!(f, "Account({account})"),
            Self::Token(_) => f.write_str("Token(***)"),
        }
    }
}

/// The file does not hold keys that tokens are signed with.
#[derive(Debug, thiserror::Error)]
#[error("not a set of at most {MAX_KEYS} Ed25519 keys with ids (RFC 7517 §5, RFC 8037)")]
pub struct NotKeys;

#[derive(Deserialize)]
struct Claims {
    sub: Box<str>,
    /// Seconds since the Unix epoch.
    #[serde(default)]
    exp: i64,
}

/// Public keys of the service that signs access tokens.
#[derive(Default)]
pub struct TokenKeys(Vec<(String, DecodingKey)>);

impl TokenKeys {
    /// Reads a JSON Web Key Set (RFC 7517 §5). Each key has an id.
    ///
    /// # Errors
    /// When it is not one, or a key is not an Ed25519 key.
    pub fn parse(text: &[u8]) -> Result<Self, NotKeys> {
        let set: JwkSet = serde_json::from_slice(text).map_err(|_| NotKeys)?;
        if set.keys.is_empty() || set.keys.len() > MAX_KEYS {
            return Err(NotKeys);
        }
        let read = |key: &Jwk| {
            let id = key.common.key_id.clone().ok_or(NotKeys)?;
            if !matches!(key.algorithm, AlgorithmParameters::OctetKeyPair(_)) {
                return Err(NotKeys);
            }
            DecodingKey::from_jwk(key).map(|key| (id, key)).map_err(|_| NotKeys)
        };
        set.keys.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Returns the caller of a request. Without keys each token is a caller by itself; with keys a token that none of them signed
    /// is nobody's. Time does not matter: whose token it is does not change when it expires.
    pub fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        let token = bearer(headers)?;
        if self.0.is_empty() {
            return Some(Caller::Token(Sha256::digest(token).into()));
        }
        self.verify(token).map(|claims| Caller::Account(claims.sub))
    }

    /// Returns the account whose token a request bears, if one of the keys signed it and it has not expired.
    pub fn account(&self, headers: &HeaderMap, now_ms: i64) -> Option<Box<str>> {
        let claims = self.verify(bearer(headers)?)?;
        (now_ms < claims.exp.saturating_mul(1000)).then_some(claims.sub)
    }

    fn verify(&self, token: &str) -> Option<Claims> {
        let id = decode_header(token).ok()?.kid?;
        let (_, key) = self.0.iter().find(|(known, _)| *known == id)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub"]);
        // Checked against the gateway's clock where it matters.
        validation.validate_exp = false;
        decode::<Claims>(token, key, &validation).ok().map(|token| token.claims)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && token.len() <= MAX_TOKEN).then_some(token)
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKeys({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, TokenKeys};
    use aws_lc_rs::signature::Ed25519KeyPair;
    use axum::http::{HeaderMap, HeaderValue, header};
    use jsonwebtoken::jwk::{Jwk, JwkSet};
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};

    fn key() -> EncodingKey {
        let document = Ed25519KeyPair::generate_pkcs8v1(&aws_lc_rs::rand::SystemRandom::new()).expect("a key");
        EncodingKey::from_ed_der(document.as_ref())
    }

    fn set(keys: &[(&str, &EncodingKey)]) -> Vec<u8> {
        let public = |(id, key): &(&str, &EncodingKey)| {
            let mut public = Jwk::from_encoding_key(key, Algorithm::EdDSA).expect("a public key");
            public.common.key_id = Some((*id).to_owned());
            public
        };
        serde_json::to_vec(&JwkSet { keys: keys.iter().map(public).collect() }).expect("plain data")
    }

    fn token(key: &EncodingKey, id: &str, audience: &str) -> String {
        let claims = serde_json::json!({ "iss": "kinora-backend", "aud": audience, "sub": "account-1", "exp": 1 });
        let header = Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, &claims, key).expect("signed")
    }

    fn bearing(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(value).expect("a value"))])
    }

    #[test]
    fn a_signed_token_counts_for_its_account_and_another_for_nobody() {
        let (ours, next, foreign) = (key(), key(), key());
        let keys = TokenKeys::parse(&set(&[("a", &ours), ("b", &next)])).expect("keys");
        let caller = |text: &str| keys.caller(&bearing(text));
        let account = Some(Caller::Account("account-1".into()));
        assert_eq!(caller(&format!("Bearer {}", token(&ours, "a", "kinora-api"))), account);
        assert_eq!(caller(&format!("bearer {}", token(&next, "b", "kinora-api"))), account, "either key");
        for wrong in [
            token(&foreign, "a", "kinora-api"),
            token(&ours, "b", "kinora-api"),
            token(&ours, "c", "kinora-api"),
            token(&ours, "a", "another"),
            "x.y.z".to_owned(),
            String::new(),
            "x".repeat(5_000),
        ] {
            assert_eq!(caller(&format!("Bearer {wrong}")), None, "{wrong}");
        }
        let bearing = bearing(&format!("Bearer {}", token(&ours, "a", "kinora-api")));
        assert_eq!(keys.account(&bearing, 999).as_deref(), Some("account-1"));
        assert_eq!(keys.account(&bearing, 1_000), None, "expired");
        assert_eq!(caller("Basic eA=="), None);
        assert_eq!(keys.caller(&HeaderMap::new()), None);
    }

    #[test]
    fn without_keys_each_token_is_a_caller_and_none_is_shown() {
        let keys = TokenKeys::default();
        let (one, two) = (keys.caller(&bearing("Bearer one")), keys.caller(&bearing("Bearer two")));
        assert!(one.is_some() && one != two && one == keys.caller(&bearing("bearer  one")));
        assert_eq!(format!("{one:?}"), "Some(Token(***))");
    }

    #[test]
    fn what_is_no_set_of_keys_is_refused() {
        let ours = key();
        let many: Vec<(&str, &EncodingKey)> = vec![("a", &ours); 17];
        let nameless = String::from_utf8(set(&[("a", &ours)])).expect("text").replace("\"kid\":\"a\"", "\"x\":0");
        for text in [&b"{}"[..], b"", b"{\"keys\":[]}", &set(&many), nameless.as_bytes()] {
            assert!(TokenKeys::parse(text).is_err(), "{}", String::from_utf8_lossy(text));
        }
        let secret = br#"{"keys":[{"kty":"oct","kid":"a","k":"AAAA","alg":"HS256"}]}"#;
        assert!(TokenKeys::parse(secret).is_err(), "a secret that everybody can read");
    }
}
