//! The service of accounts: who the viewer is, and until when.
//!
//! * [`domain`] — rules, pure; [`store`] — its tables; [`client`] — what other services ask of it; [`http`] — its routes;
//! * [`password`], [`tokens`], [`sign_in_limit`] — sign-in; [`delivery`] — changes of sign-ins on their way to other services;
//! * `risk` — assessment of sign-ins, and the mailed code for strangers;
//! * [`owning`], [`by_code`] — what the owner of an account does; [`mail`] — the way for codes;
//! * [`demo`] — the viewer that everyone may know.

#![warn(missing_docs)]

pub mod by_code;
pub mod client;
pub mod delivery;
pub mod demo;
pub mod domain;
pub mod http;
pub mod mail;
pub mod owning;
pub mod password;
mod risk;
pub mod sign_in_limit;
pub mod store;
pub mod tokens;

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kinora_api::internal::Playback;
use kinora_api::{Account, DeviceInfo, ErrorCode, Secret, SignInRequest, SignInResponse, TokenPair};
use kinora_kit::clock::Clock;
use kinora_kit::http::attested::GatewayKey;
use kinora_kit::http::body::BodyLimits;
use kinora_kit::http::problem::Problem;
use kinora_kit::keyfile;
use kinora_kit::metrics::Metrics;
use kinora_risk::event::Kind;
use kinora_risk::networks::NetworksError;
use kinora_store::{Location, Store, StoreError};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;
use uuid::Uuid;

use domain::attempts::Settled;
use domain::{NewAccount, check_password, normal_email};
use risk::{Visitor, Watch};
use store::sign_ins::{self, Rotated, StoredToken};

/// Counter of sign-ins that succeeded.
const SIGN_INS: &str = "kinora_sign_ins_total";

/// Settings of the service.
pub struct Config {
    /// For everything that expires.
    pub clock: Clock,
    /// Signs and checks access tokens.
    pub tokens: tokens::Tokens,
    /// How long a refresh token works.
    pub refresh_ms: i64,
    /// Way for mail.
    pub mailer: Arc<dyn mail::Mailer>,
    /// Files with copies of old data, which are deleted when an account is erased.
    pub copies: Vec<PathBuf>,
    /// Counters.
    pub metrics: Metrics,
    /// File with the places of networks, `prefix,country,latitude,longitude`; without it, or without the file, no place is known.
    pub places: Option<PathBuf>,
}

/// Other services and settings that it needs.
pub struct Deps {
    /// Takes note of sign-ins that end or are replaced.
    pub playback: Arc<dyn Playback>,
    /// Bounds of a request's body.
    pub body: BodyLimits,
    /// Key with which a gateway attests the client's address.
    pub gateway: GatewayKey,
}

/// Reason why the service did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Its store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store is there and its rows cannot be read.
    #[error("the database cannot be read: {0}")]
    Unreadable(String),
    /// The system gives no thread for hashing passwords.
    #[error("passwords cannot be hashed: {0}")]
    Thread(#[source] io::Error),
    /// The file with the places of networks.
    #[error(transparent)]
    Places(#[from] NetworksError),
}

/// The accounts and their sign-ins.
pub struct Accounts {
    store: Store,
    clock: Clock,
    passwords: password::Passwords,
    tokens: tokens::Tokens,
    limit: sign_in_limit::SignInLimit,
    refresh_ms: i64,
    mailer: Arc<dyn mail::Mailer>,
    copies: Vec<PathBuf>,
    metrics: Metrics,
    watch: Watch,
}

/// Returns the router of the service and starts what it does by itself, which ends with the router.
pub fn service(accounts: Arc<Accounts>, deps: Deps) -> Router {
    http::router(accounts, deps)
}

impl Accounts {
    /// Opens the store of the accounts. The writer ends when the last user of the store is gone.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn open(config: Config, location: &Location) -> Result<(Self, JoinHandle<()>), OpenError> {
        let (store, writer) = kinora_store::open(location, &store::SCHEMA).await?;
        let unreadable = |problem: Problem| OpenError::Unreadable(problem.error().to_string());
        let Config { clock, tokens, refresh_ms, mailer, copies, metrics, places } = config;
        let watch = Watch::open(places.as_deref())?;
        let limit = sign_in_limit::SignInLimit::open(store.clone(), clock.clone()).await.map_err(unreadable)?;
        let passwords = password::Passwords::start().map_err(OpenError::Thread)?;
        let accounts = Self { store, clock, passwords, tokens, limit, refresh_ms, mailer, copies, metrics, watch };
        Ok((accounts, writer))
    }

    /// The store, to be asked whether it can write.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Makes an account, or leaves the one of that address as it is but for its password, which is set to the given one.
    ///
    /// # Errors
    /// 7013 when address or password cannot be one.
    pub async fn ensure(&self, new: &NewAccount) -> Result<(), Problem> {
        let email = normal_email(&new.email)?;
        check_password(&new.password)?;
        let hash = self.passwords.hash(&new.password).await?;
        store::ensure(&self.store, &NewAccount { email, ..new.clone() }, hash, self.clock.now_ms()).await
    }

    /// Sets how many playbacks the account of an address may run at the same time. Those that run go on.
    ///
    /// # Errors
    /// 7013 when there is no such account.
    pub async fn set_max_streams(&self, email: &str, max_streams: u32) -> Result<(), Problem> {
        store::set_max_streams(&self.store, normal_email(email)?, max_streams).await
    }

    /// Signs in, unless too many guesses were wrong.
    ///
    /// # Errors
    /// 7001 when address or password is wrong, 7004 when the guess has to wait, 7032 and 7022 when it is at risk and needs a mailed
    /// code.
    pub async fn sign_in(&self, peer: Option<IpAddr>, request: &SignInRequest) -> Result<SignInResponse, Problem> {
        let result = self.attempt(peer, request).await;
        self.metrics.count(if result.is_ok() { SIGN_INS } else { "kinora_sign_ins_refused_total" });
        result
    }

    async fn attempt(&self, peer: Option<IpAddr>, request: &SignInRequest) -> Result<SignInResponse, Problem> {
        let email = normal_email(&request.email).unwrap_or_default();
        let device = request.device.id.as_str();
        let known = sign_ins::is_known_device(&self.store, &email, device).await?.then_some(device);
        let now_ms = self.clock.now_ms();
        let visitor = Visitor { email: &email, device: Some(device), is_known_device: known.is_some(), peer };
        let event = self.watch.event(Kind::SignIn, &visitor, now_ms);
        self.check_flood(&event)?;
        let reservation = self.limit.reserve(&email, known, peer).await?;
        let account = match self.authenticate(&request.email, &request.password).await {
            Ok(account) => account,
            Err(problem) => {
                let is_wrong = problem.error().kind() == Some(ErrorCode::InvalidCredentials);
                let outcome = if is_wrong { Settled::Wrong } else { Settled::NotCompared };
                self.limit.settle(reservation, outcome).await?;
                if is_wrong {
                    self.log_risk(&email, &self.watch.learn(&event, false), now_ms);
                    self.log_refusal(email, device, peer);
                }
                return Err(problem);
            }
        };
        if self.needs_step_up(&event) {
            self.limit.settle(reservation, Settled::Right).await?;
            self.step_up(&visitor, request.code.as_ref()).await?;
            self.log_risk(&email, &self.watch.learn(&event, true), now_ms);
            return Ok(SignInResponse {
                tokens: self.begin(account.id.as_str(), &request.device, peer, now_ms).await?,
                account,
            });
        }
        // Both writes share a transaction.
        let (settled, tokens) = tokio::join!(
            self.limit.settle(reservation, Settled::Right),
            self.begin(account.id.as_str(), &request.device, peer, self.clock.now_ms()),
        );
        settled?;
        let tokens = tokens?;
        self.log_risk(&email, &self.watch.learn(&event, true), now_ms);
        Ok(SignInResponse { tokens, account })
    }

    /// Logs a refused sign-in, if the address has an account. The answer does not wait for it: nobody learns by its time which
    /// addresses have one.
    fn log_refusal(&self, email: String, device: &str, peer: Option<IpAddr>) {
        let (store, device, now_ms) = (self.store.clone(), device.to_owned(), self.clock.now_ms());
        tokio::spawn(async move {
            if let Err(problem) = sign_ins::log_refusal(&store, (email, device, peer), now_ms).await {
                tracing::warn!(error = %problem.error(), "a refused sign-in was not logged");
            }
        });
    }

    /// The account that address and password open.
    async fn authenticate(&self, email: &str, password: &Secret) -> Result<Account, Problem> {
        let row = match normal_email(email) {
            Ok(email) => store::credentials(&self.store, &email).await?,
            Err(_) => None,
        };
        let (id, hash) = row.unzip();
        match (self.passwords.verify(password, hash).await?, id) {
            (true, Some(id)) => store::account(&self.store, &id).await,
            _ => Err(Problem::new(ErrorCode::InvalidCredentials, "address or password is wrong")),
        }
    }

    /// Signs a device in to an account whose owner has shown that it is theirs.
    async fn sign_in_as(
        &self,
        account: &str,
        device: &DeviceInfo,
        peer: Option<IpAddr>,
    ) -> Result<SignInResponse, Problem> {
        let tokens = self.begin(account, device, peer, self.clock.now_ms()).await?;
        self.metrics.count(SIGN_INS);
        Ok(SignInResponse { tokens, account: store::account(&self.store, account).await? })
    }

    async fn begin(
        &self,
        account: &str,
        device: &DeviceInfo,
        peer: Option<IpAddr>,
        now_ms: i64,
    ) -> Result<TokenPair, Problem> {
        let family = Uuid::now_v7().to_string();
        let (secret, token) = self.new_token(now_ms)?;
        let expires_at = token.expires_at;
        sign_ins::begin(&self.store, (&family, account), (device, peer), token, now_ms).await?;
        self.pair((account, &family), secret, expires_at, now_ms).await
    }

    /// Trades a refresh token for a new pair.
    ///
    /// # Errors
    /// 7003 when the token is unknown, used, revoked or past its time.
    pub async fn rotate(&self, peer: Option<IpAddr>, token: &Secret) -> Result<TokenPair, Problem> {
        let now_ms = self.clock.now_ms();
        let (secret, new) = self.new_token(now_ms)?;
        let expires_at = new.expires_at;
        let Rotated { account, family, email, device } =
            sign_ins::rotate(&self.store, digest(token), new, now_ms).await?;
        let visitor = Visitor { email: &email, device: Some(&device), is_known_device: true, peer };
        let mut event = self.watch.event(Kind::Refresh, &visitor, now_ms);
        event.token = kinora_risk::key::Key::of(&family);
        self.log_risk(&email, &self.watch.learn(&event, true), now_ms);
        self.pair((&account, &family), secret, expires_at, now_ms).await
    }

    /// Revokes the chain of a refresh token. That there is none is no error.
    ///
    /// # Errors
    /// Of the database.
    pub async fn sign_out(&self, token: &Secret) -> Result<(), Problem> {
        sign_ins::end(&self.store, digest(token), self.clock.now_ms()).await
    }

    fn new_token(&self, now_ms: i64) -> Result<(Secret, StoredToken), Problem> {
        let random = keyfile::random::<32>().map_err(|error| Problem::internal(&error))?;
        let secret = Secret::new(URL_SAFE_NO_PAD.encode(random));
        let digest = digest(&secret);
        Ok((secret, StoredToken { digest, expires_at: now_ms + self.refresh_ms }))
    }

    async fn pair(
        &self,
        (account, family): (&str, &str),
        refresh_token: Secret,
        refresh_expires_at: i64,
        now_ms: i64,
    ) -> Result<TokenPair, Problem> {
        let (access_token, access_expires_at) =
            self.tokens.issue(account, family, store::has_pin(&self.store, account).await?, now_ms)?;
        Ok(TokenPair {
            access_token,
            access_expires_at,
            access_expires_in_ms: u64::try_from(access_expires_at - now_ms).unwrap_or(0),
            refresh_token,
            refresh_expires_at,
        })
    }
}

fn digest(token: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose().as_bytes()))
}
