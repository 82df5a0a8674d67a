//! Tokens: kept in the store of secrets, sent with requests, refreshed before and when they expire.
//!
//! A refresh token works once, and a second use revokes the device (RFC 9700 §4.14.2). So one lock covers reading,
//! refreshing and storing, and a new pair is stored before it is used.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kinora_api::{
    Account, DeviceInfo, ErrorCode, RefreshRequest, Secret, SignInRequest, SignInResponse, SignOutRequest, TokenPair,
    paths,
};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::{Client, Failure};
use crate::secrets::SecretStore;
use crate::state::Credentials;

/// A token this close to its end is refreshed first.
const MARGIN: Duration = Duration::from_secs(20);

/// No body.
pub const NOTHING: Option<&()> = None;

/// Signs requests in.
pub struct Session {
    client: Client,
    store: Arc<dyn SecretStore>,
    /// The name of this service's tokens in the store.
    name: String,
    device: DeviceInfo,
    tokens: Mutex<Option<Held>>,
}

struct Held {
    pair: TokenPair,
    good_until: Instant,
}

impl Held {
    fn new(pair: TokenPair) -> Self {
        let good_until = Instant::now() + Duration::from_millis(pair.access_expires_in_ms.min(86_400_000));
        Self { pair, good_until }
    }
}

impl Session {
    /// A session with nobody signed in.
    pub fn new(client: Client, store: Arc<dyn SecretStore>, device: DeviceInfo) -> Self {
        let name = format!("tokens of {}", client.base().origin().ascii_serialization());
        Self { client, store, name, device, tokens: Mutex::new(None) }
    }

    /// Goes on with the stored tokens. `Ok(None)` when there are none or they are no longer good.
    pub async fn restore(&self) -> Result<Option<Account>, Failure> {
        let Some(pair) = self.stored().await else { return Ok(None) };
        // What is left of the access token is not known after a restart: it is tried and refreshed when refused.
        *self.tokens.lock().await = Some(Held::new(pair));
        match self.call(Method::GET, paths::ACCOUNT, NOTHING).await {
            Ok(account) => Ok(Some(account)),
            Err(failure) if is_lost(&failure) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Signs in.
    pub async fn sign_in(&self, credentials: &Credentials) -> Result<Account, Failure> {
        let body = SignInRequest {
            email: credentials.email.clone(),
            password: credentials.password.clone(),
            device: self.device.clone(),
        };
        let answer: SignInResponse = self.client.exchange(Method::POST, paths::SIGN_IN, None, Some(&body)).await?;
        let mut tokens = self.tokens.lock().await;
        self.keep(&answer.tokens).await;
        *tokens = Some(Held::new(answer.tokens));
        Ok(answer.account)
    }

    /// Revokes the tokens, as far as the service can be reached, and forgets them in any case.
    pub async fn sign_out(&self) {
        let held = self.tokens.lock().await.take();
        self.forget().await;
        if let Some(held) = held {
            let body = SignOutRequest { refresh_token: held.pair.refresh_token };
            if let Err(failure) = self.client.tell(Method::POST, paths::SIGN_OUT, None, Some(&body)).await {
                tracing::warn!(error = %failure.error, "the tokens could not be revoked and will expire by themselves");
            }
        }
    }

    /// A signed-in request with an answer.
    pub async fn call<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<A, Failure> {
        let token = self.token(None).await?;
        match self.client.exchange(method.clone(), path, Some(&token), body).await {
            Err(failure) if failure.wire() == Some(ErrorCode::SignInExpired) => {
                let token = self.token(Some(&token)).await?;
                self.client.exchange(method, path, Some(&token), body).await
            }
            other => other,
        }
    }

    /// A signed-in request whose answer has no body.
    pub async fn tell(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Result<(), Failure> {
        let token = self.token(None).await?;
        match self.client.tell(method.clone(), path, Some(&token), body).await {
            Err(failure) if failure.wire() == Some(ErrorCode::SignInExpired) => {
                let token = self.token(Some(&token)).await?;
                self.client.tell(method, path, Some(&token), body).await
            }
            other => other,
        }
    }

    /// An access token that should work. `refused` is one that just did not.
    async fn token(&self, refused: Option<&Secret>) -> Result<Secret, Failure> {
        let mut tokens = self.tokens.lock().await;
        let Some(held) = tokens.as_ref() else { return Err(Failure::signed_out()) };
        let stale = Instant::now() + MARGIN >= held.good_until || refused == Some(&held.pair.access_token);
        if !stale {
            return Ok(held.pair.access_token.clone());
        }
        let body = RefreshRequest { refresh_token: held.pair.refresh_token.clone() };
        let answer: Result<TokenPair, Failure> =
            self.client.exchange(Method::POST, paths::REFRESH, None, Some(&body)).await;
        match answer {
            Ok(pair) => {
                self.keep(&pair).await;
                let token = pair.access_token.clone();
                *tokens = Some(Held::new(pair));
                Ok(token)
            }
            Err(failure) => {
                if is_lost(&failure) {
                    *tokens = None;
                    self.forget().await;
                }
                Err(failure)
            }
        }
    }

    async fn stored(&self) -> Option<TokenPair> {
        let (store, name) = (Arc::clone(&self.store), self.name.clone());
        let secret = tokio::task::spawn_blocking(move || store.get(&name)).await.ok()?;
        match secret {
            Ok(secret) => serde_json::from_str(secret?.expose()).ok(),
            Err(error) => {
                tracing::warn!(%error, "the stored sign-in could not be read");
                None
            }
        }
    }

    async fn keep(&self, pair: &TokenPair) {
        let Ok(text) = serde_json::to_string(pair) else { return };
        let (store, name) = (Arc::clone(&self.store), self.name.clone());
        let kept = tokio::task::spawn_blocking(move || store.set(&name, &Secret::new(text))).await;
        if let Ok(Err(error)) = kept {
            tracing::warn!(%error, "the sign-in could not be stored and ends with the app");
        }
    }

    async fn forget(&self) {
        let (store, name) = (Arc::clone(&self.store), self.name.clone());
        let forgotten = tokio::task::spawn_blocking(move || store.delete(&name)).await;
        if let Ok(Err(error)) = forgotten {
            tracing::warn!(%error, "the stored sign-in could not be deleted");
        }
    }
}

/// True when no token will do any more and only signing in helps.
pub fn is_lost(failure: &Failure) -> bool {
    matches!(failure.wire(), Some(ErrorCode::SignInRevoked | ErrorCode::SignInExpired))
        || (failure.service.is_none() && failure.error.code == player_core::ErrorCode::SignInExpired)
}
