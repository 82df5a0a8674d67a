//! Tokens: kept in the store of secrets, sent with requests, refreshed before and when they expire.
//!
//! A refresh token works once, and a second use revokes the device (RFC 9700 §4.14.2). So one lock covers reading,
//! refreshing and storing, and a new pair is stored before it is used.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kinora_api::{
    Account, AccountId, DeviceInfo, ErrorCode, RefreshRequest, Secret, SignInRequest, SignInResponse, SignOutRequest,
    TokenPair, paths,
};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::client::Aged;
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
    /// The account that the tokens belong to; absent in what older versions stored, until the service has named it.
    account: Option<AccountId>,
}

impl Held {
    fn new(pair: TokenPair, account: Option<AccountId>) -> Self {
        let good_until = Instant::now() + Duration::from_millis(pair.access_expires_in_ms.min(86_400_000));
        Self { pair, good_until, account }
    }
}

/// Tokens in the store of secrets. The account stands beside them so that it is known while the service is away.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    pair: TokenPair,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
}

impl Session {
    /// A session with nobody signed in.
    pub fn new(client: Client, store: Arc<dyn SecretStore>, device: DeviceInfo) -> Self {
        let name = format!("tokens of {}", client.base().origin().ascii_serialization());
        Self { client, store, name, device, tokens: Mutex::new(None) }
    }

    /// Goes on with the stored tokens. `Ok(None)` when there are none or they are no longer good.
    pub async fn restore(&self) -> Result<Option<Account>, Failure> {
        {
            let mut tokens = self.tokens.lock().await;
            // Tokens in hand are newer than stored ones: a try while the service was away has loaded them already.
            if tokens.is_none() {
                let Some(Stored { pair, account }) = self.stored().await else { return Ok(None) };
                // What is left of the access token is not known after a restart: it is tried and refreshed when refused.
                *tokens = Some(Held::new(pair, account));
            }
        }
        let answer: Result<Account, Failure> = self.call(Method::GET, paths::ACCOUNT, NOTHING).await;
        match answer {
            Ok(account) => {
                self.name_account(&account.id).await;
                Ok(Some(account))
            }
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
            code: credentials.code.clone(),
        };
        let answer = self.client.exchange(Method::POST, paths::SIGN_IN, None, Some(&body)).await?;
        Ok(self.begin(answer).await)
    }

    /// This device, as the account's list of devices shows it.
    pub const fn device(&self) -> &DeviceInfo {
        &self.device
    }

    /// Takes the tokens of a sign-in, however it was done, and returns its account.
    pub async fn begin(&self, answer: SignInResponse) -> Account {
        let mut tokens = self.tokens.lock().await;
        let held = Held::new(answer.tokens, Some(answer.account.id.clone()));
        self.keep(&held).await;
        *tokens = Some(held);
        answer.account
    }

    /// Forgets the tokens of an account that is no more, without a word to the service. Returns the account.
    pub async fn end(&self) -> Option<AccountId> {
        let held = self.tokens.lock().await.take();
        self.forget().await;
        held?.account
    }

    /// Returns the account of the session, also while the service is away; `None` without a session.
    pub async fn account(&self) -> Option<AccountId> {
        match self.tokens.lock().await.as_ref() {
            Some(held) => held.account.clone(),
            None => self.stored().await?.account,
        }
    }

    /// Returns true while somebody is signed in, whether or not the service can be reached.
    pub async fn is_open(&self) -> bool {
        self.tokens.lock().await.is_some()
    }

    /// Stores the account's id beside tokens of an older version, which lack it.
    async fn name_account(&self, account: &AccountId) {
        let mut tokens = self.tokens.lock().await;
        if let Some(held) = tokens.as_mut().filter(|held| held.account.as_ref() != Some(account)) {
            held.account = Some(account.clone());
            self.keep(held).await;
        }
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
        self.call_aged(method, path, body).await.map(|aged| aged.answer)
    }

    /// Calls the service as [`Self::call`] does, and returns the age of an answer that a gateway had kept.
    pub async fn call_aged<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Aged<A>, Failure> {
        let token = self.token(None).await?;
        match self.client.exchange_aged(method.clone(), path, Some(&token), body).await {
            Err(failure) if failure.wire() == Some(ErrorCode::SignInExpired) => {
                let token = self.token(Some(&token)).await?;
                self.client.exchange_aged(method, path, Some(&token), body).await
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
                let held = Held::new(pair, held.account.clone());
                self.keep(&held).await;
                let token = held.pair.access_token.clone();
                *tokens = Some(held);
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

    async fn stored(&self) -> Option<Stored> {
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

    async fn keep(&self, held: &Held) {
        let stored = Stored { pair: held.pair.clone(), account: held.account.clone() };
        let Ok(text) = serde_json::to_string(&stored) else { return };
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
