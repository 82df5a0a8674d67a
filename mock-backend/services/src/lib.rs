//! The backend: its services behind one router. Who the viewer is, what there is to see, permission to play it, where they left
//! off; and the origin behind the edges.
//!
//! * [`kinora_accounts`], [`kinora_catalogue`], [`kinora_playback`], [`kinora_recommendations`] — the services;
//! * [`members`] — services that run here or elsewhere; [`routes`], [`counters`] — what belongs to all of them; [`apart`] — data from before the services came apart;
//! * [`events`] — from the stores into the event log; [`description`] — OpenAPI, from the annotations of handlers;
//! * [`demo`] — the demo viewer.

#![warn(missing_docs)]

pub mod apart;
pub mod counters;
pub mod description;
pub mod events;
pub mod members;
pub mod routes;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kinora_accounts::Accounts;
use kinora_accounts::mail::Mailbox;
use kinora_accounts::tokens::Tokens;
use kinora_api::{ApiError, ErrorCode};
use kinora_catalogue::Catalogue;
use kinora_catalogue::pictures::PictureKeys;
use kinora_eventlog::LogError;
use kinora_eventlog::embedded::Settings;
use kinora_eventlog::on_demand::OnDemand;
use kinora_kit::clock::Clock;
use kinora_kit::http::attested::GatewayKey;
use kinora_kit::http::body::BodyLimits;
use kinora_kit::http::handed;
use kinora_kit::http::internal::InternalKey;
use kinora_kit::http::problem::Problem;
use kinora_kit::http::server::{self, Limits, Transport};
use kinora_kit::keyfile;
use kinora_kit::metrics::Metrics;
use kinora_kit::signature::EdgeSecret;
use kinora_media::IngestError;
use kinora_playback::{Playback, Terms};
use kinora_recommendations::Recommendations;
use kinora_store::copy::{CopyError, TableReport};
use kinora_store::{Location, Reads, Store, StoreError};
use tokio::task::JoinHandle;
use url::Url;

use events::MoveError;
use members::{Member, Peers};

pub use kinora_accounts::demo;
pub use kinora_accounts::domain::code::Code;
pub use kinora_accounts::domain::{NewAccount, normal_email};
pub use kinora_accounts::http::link::parse as read_link_form;

/// How a backend is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// Socket that the parent bound, to listen on in place of `address`.
    pub socket: Option<Arc<TcpListener>>,
    /// The data directory: media, keys and, unless `database` says otherwise, the database.
    pub data: PathBuf,
    /// URL of the database; `None`: `kinora.db` in the data directory.
    pub database: Option<String>,
    /// Base URLs of the edges.
    pub edges: Vec<Url>,
    /// Makes sure that the demo viewer exists.
    pub demo_viewer: bool,
    /// How long an access token works.
    pub access_ms: i64,
    /// How long a refresh token works.
    pub refresh_ms: i64,
    /// How long signed addresses work, and how often players report.
    pub terms: Terms,
    /// URL of the log of events on NATS JetStream, such as `nats://HOST:4222`; `None`: the log is in the data directory, and the
    /// process of playback has it.
    pub events: Option<String>,
    /// Region in which titles are offered (ISO 3166-1 alpha-2); `None`: only rules without regions hold.
    pub region: Option<String>,
    /// For everything that expires.
    pub clock: Clock,
    /// What peers may ask of it.
    pub limits: Limits,
    /// Services that run in this process; default: all.
    pub members: BTreeSet<Member>,
    /// Base URLs of services that are asked over HTTP, whether they run here or not. One that runs elsewhere may be named later,
    /// by [`Running::set_peer`].
    pub peers: BTreeMap<Member, Url>,
    /// Bounds of a request's body; default: 64 KiB within ten seconds, longer at 1,000 bytes a second.
    pub body: BodyLimits,
}

impl Config {
    /// A backend on a free port of the loopback interface, with the lifetimes of a service: access 10 minutes, refresh 60 days,
    /// signed addresses 4 hours, heartbeats every 10 seconds.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            socket: None,
            data: data.into(),
            database: None,
            edges: Vec::new(),
            events: None,
            region: None,
            demo_viewer: false,
            access_ms: 10 * 60_000,
            refresh_ms: 60 * 86_400_000,
            terms: Terms { grant_ms: 4 * 3_600_000, heartbeat_ms: 10_000 },
            clock: Clock::system(),
            members: Member::ALL.into(),
            peers: BTreeMap::new(),
            limits: Limits::default(),
            body: BodyLimits::up_to(64 * 1024),
        }
    }
}

/// Where a data directory keeps the secret that backend and edges share.
pub fn edge_secret_file(data: &Path) -> PathBuf {
    data.join("edge.secret")
}

/// Why a backend did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The data directory cannot be used.
    #[error("the data directory {} cannot be used: {source}", path.display())]
    Data {
        /// The directory or the file in it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] StoreError),
    /// The accounts.
    #[error(transparent)]
    Accounts(#[from] kinora_accounts::OpenError),
    /// The playbacks.
    #[error(transparent)]
    Playback(#[from] kinora_playback::OpenError),
    /// The signing key.
    #[error(transparent)]
    Key(#[from] kinora_accounts::tokens::KeyError),
    /// The catalogue.
    #[error("the catalogue cannot be read: {0}")]
    Catalogue(#[from] IngestError),
    /// Some of the services were to start on data of a version that had all tables in one place.
    #[error("the data is of a version before the services came apart: start the backend once with all of them")]
    Together,
    /// The log of events.
    #[error("the log of events at {url}: {source}")]
    Events {
        /// Its URL.
        url: String,
        /// Cause.
        source: LogError,
    },
    /// The client of another service.
    #[error("other services cannot be asked: {0}")]
    Client(#[source] reqwest::Error),
    /// An account that is to be made.
    #[error("the account cannot be made: {0}")]
    Account(String),
    /// The demo viewer.
    #[error("the demo viewer could not be set up: {0}")]
    DemoViewer(String),
    /// The address cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// The services behind the routes.
pub struct Backend {
    accounts: Option<Arc<Accounts>>,
    catalogue: Option<Arc<Catalogue>>,
    clock: Clock,
    metrics: Metrics,
    /// Bearer token of whoever reads the counters.
    metrics_token: String,
    playback: Option<Arc<Playback>>,
    recommendations: Option<Arc<Recommendations>>,
    peers: Peers,
}

/// A backend that runs. Dropping it cuts every connection.
pub struct Running {
    server: server::Running,
    backend: Arc<Backend>,
}

impl Running {
    /// The base address, `http://127.0.0.1:PORT`, without a slash at its end.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The address under which edges reach the media tree.
    pub fn origin_url(&self) -> String {
        format!("{}/origin", self.server.url())
    }

    /// Names the edges in grants from now on: for edges that start after their origin.
    pub fn set_edges(&self, edges: Vec<Url>) {
        if let Some(playback) = &self.backend.playback {
            playback.set_edges(&edges);
        }
        if let Some(catalogue) = &self.backend.catalogue {
            catalogue.set_edges(&edges);
        }
    }

    /// Tells where a service of another process is from now on. Nothing changes for one that runs here and is asked in process.
    pub fn set_peer(&self, member: Member, url: &Url) {
        self.backend.peers.set(member, url);
    }

    /// Sets how many playbacks the account of an address may run at the same time.
    ///
    /// # Errors
    /// 7013 when there is no such account; of the database.
    pub async fn set_max_streams(&self, email: &str, max_streams: u32) -> Result<(), Problem> {
        let accounts = self.backend.accounts.as_ref();
        let absent = || Problem::new(ErrorCode::ServiceUnavailable, "the accounts do not run here");
        accounts.ok_or_else(absent)?.set_max_streams(email, max_streams).await
    }

    /// Lets running responses finish, writes everything down, stops.
    pub async fn shutdown(self) {
        let Self { server, backend } = self;
        drop(backend);
        server.shutdown().await;
    }

    /// Cuts every connection, as a killed process would.
    pub async fn kill(self) {
        let Self { server, backend } = self;
        drop(backend);
        server.kill().await;
    }
}

/// Everything secret that a data directory holds, each in a file of mode 0600.
struct Keys {
    secret: EdgeSecret,
    metrics_token: String,
    internal: InternalKey,
    gateway: GatewayKey,
    tokens: Tokens,
}

/// Refuses the text of a key that could be guessed.
fn long_enough(key: String) -> io::Result<String> {
    if key.trim().len() < 16 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file holds no key of 16 characters or more"));
    }
    Ok(key)
}

impl Keys {
    /// Reads the keys of a data directory and makes those that are missing. Access tokens last `access_ms`.
    fn open(data: &Path, access_ms: i64) -> Result<Self, BackendError> {
        let unusable = |path: PathBuf| move |source| BackendError::Data { path, source };
        let secret_file = edge_secret_file(data);
        let secret = EdgeSecret::load_or_create(&secret_file).map_err(unusable(secret_file))?;
        let metrics_file = data.join("keys").join("metrics.token");
        let random = || Ok(URL_SAFE_NO_PAD.encode(keyfile::random::<32>()?));
        let metrics_token = keyfile::load_or_create(&metrics_file, random).and_then(long_enough);
        let metrics_token = metrics_token.map_err(unusable(metrics_file))?;
        let internal_file = data.join("keys").join("internal.token");
        let internal = keyfile::load_or_create(&internal_file, random).and_then(long_enough);
        let internal = internal.map_err(unusable(internal_file))?;
        let internal = InternalKey::new(&internal);
        let gateway_file = data.join("keys").join("gateway.key");
        let gateway = GatewayKey::load_or_create(&gateway_file).map_err(unusable(gateway_file))?;
        let tokens = Tokens::open(&access_key_file(data), access_ms)?;
        Ok(Self { secret, metrics_token, internal, gateway, tokens })
    }
}

/// File of a data directory with the key that signs access tokens.
fn access_key_file(data: &Path) -> PathBuf {
    data.join("keys").join("access.pem")
}

/// File of a data directory with the public keys by which a gateway verifies access tokens.
pub fn access_public_file(data: &Path) -> PathBuf {
    kinora_accounts::tokens::public_file(&access_key_file(data))
}

/// Changes the key that signs access tokens; the one before it is still believed. Returns the ids of both, the new one first.
///
/// # Errors
/// When the last change is younger than `lifetime`, the time that a token lives, or the files cannot be read or written.
pub fn rotate_keys(data: &Path, lifetime: Duration) -> Result<Vec<String>, BackendError> {
    let path = access_key_file(data);
    kinora_accounts::tokens::rotate(&path, lifetime)?;
    let public = Tokens::open(&path, 0)?.public();
    Ok(public.keys.into_iter().filter_map(|key| key.common.key_id).collect())
}

/// Makes the keys that a data directory lacks, as [`serve`] does, so that it is complete before it is first served.
///
/// # Errors
/// When a key cannot be read or made.
pub fn prepare_keys(data: &Path) -> Result<(), BackendError> {
    Keys::open(data, Config::new(data).access_ms).map(drop)
}

/// Makes the keys and tables that a data directory lacks, and takes apart what an older version left, so that services can
/// start apart.
///
/// # Errors
/// When a key or a store cannot be opened or made.
pub async fn prepare(config: &Config) -> Result<(), BackendError> {
    let Keys { secret, tokens, .. } = Keys::open(&config.data, config.access_ms)?;
    let Services { accounts, playback, writers, reads, .. } =
        Services::open(config, &secret, tokens, &Metrics::new()).await?;
    drop((accounts, playback));
    close(writers, reads).await;
    Ok(())
}

/// The services of a process, opened and not yet behind a router.
#[derive(Default)]
struct Services {
    accounts: Option<Arc<Accounts>>,
    catalogue: Option<Arc<Catalogue>>,
    playback: Option<Arc<Playback>>,
    recommendations: Option<Arc<Recommendations>>,
    writers: Vec<JoinHandle<()>>,
    reads: Vec<Reads>,
}

impl Services {
    /// Opens the services of `members`. What an older version left is migrated, what a newer one left is refused.
    async fn open(
        config: &Config,
        secret: &EdgeSecret,
        tokens: Tokens,
        metrics: &Metrics,
    ) -> Result<Self, BackendError> {
        let location = Location::parse(config.database.as_deref(), &config.data)?;
        if config.members.len() == Member::ALL.len() {
            apart::migrate(&location).await?;
        } else if apart::is_together(&location).await? {
            return Err(BackendError::Together);
        }
        let mut services = Self::default();
        if config.members.contains(&Member::Catalogue) {
            let catalogue =
                Catalogue::open(&config.data, PictureKeys::new(secret), config.region.clone(), config.clock.clone())?;
            catalogue.set_edges(&config.edges);
            services.catalogue = Some(Arc::new(catalogue));
        }
        if config.members.contains(&Member::Accounts) {
            let (clock, metrics) = (config.clock.clone(), metrics.clone());
            let mailer = Arc::new(Mailbox::new(config.data.join("mailbox")));
            let copies =
                location.path(&kinora_accounts::store::SCHEMA).iter().map(|path| apart::copy_of(path)).collect();
            let set_up = kinora_accounts::Config {
                clock,
                tokens,
                refresh_ms: config.refresh_ms,
                mailer,
                copies,
                metrics,
                places: Some(config.data.join("places.csv")),
            };
            let (accounts, writer) = Accounts::open(set_up, &location).await?;
            services.keep(accounts.store(), writer);
            services.accounts = Some(Arc::new(accounts));
        }
        if config.members.contains(&Member::Playback) {
            let set_up = kinora_playback::Config {
                clock: config.clock.clone(),
                secret: secret.clone(),
                terms: config.terms.clone(),
                edges: config.edges.clone(),
                metrics: metrics.clone(),
            };
            let (playback, writer) = Playback::open(set_up, &location).await?;
            services.keep(playback.store(), writer);
            services.playback = Some(Arc::new(playback));
        }
        if config.members.contains(&Member::Recommendations) {
            let (recommendations, writer) = Recommendations::open(config.clock.clone(), &location).await?;
            services.keep(recommendations.store(), writer);
            services.recommendations = Some(recommendations);
        }
        Ok(services)
    }

    /// Remembers what is to be closed at the end.
    fn keep(&mut self, store: &Store, writer: JoinHandle<()>) {
        self.reads.push(store.reads().clone());
        self.writers.push(writer);
    }
}

/// Makes an account in the store of a backend, or sets the password of the one that has its address. The backend may run
/// meanwhile.
///
/// # Errors
/// When the store cannot be opened; 7013 when address or password cannot be one.
pub async fn add_account(config: &Config, account: &NewAccount) -> Result<(), BackendError> {
    let Keys { secret, tokens, .. } = Keys::open(&config.data, config.access_ms)?;
    let Services { accounts, playback, writers, reads, .. } =
        Services::open(config, &secret, tokens, &Metrics::new()).await?;
    let added = match &accounts {
        Some(accounts) => accounts.ensure(account).await,
        None => Ok(()),
    };
    drop((accounts, playback));
    close(writers, reads).await;
    added.map_err(|problem| BackendError::Account(problem.error().message.clone()))
}

/// Erases the account of an address with all that is known of it, also in the event log unless a process that runs has it open: then
/// that one does so. Returns false if there is no such account.
///
/// # Errors
/// When a store or the mailbox cannot be used; another try goes on.
pub async fn erase_account(config: &Config, email: &str) -> Result<bool, BackendError> {
    let Keys { secret, tokens, .. } = Keys::open(&config.data, config.access_ms)?;
    let Services { accounts, playback, writers, reads, .. } =
        Services::open(config, &secret, tokens, &Metrics::new()).await?;
    let erased = match (&accounts, &playback) {
        (Some(accounts), Some(playback)) => erase_everywhere(config, accounts, playback, email).await,
        _ => Ok(false),
    };
    drop((accounts, playback));
    close(writers, reads).await;
    erased.map_err(|error| BackendError::Account(error.message))
}

async fn erase_everywhere(
    config: &Config,
    accounts: &Accounts,
    playback: &Playback,
    email: &str,
) -> Result<bool, ApiError> {
    let is_erased = accounts.erase(email).await?;
    kinora_accounts::delivery::deliver(&Default::default(), accounts.store(), playback).await?;
    let log = OnDemand::new(events::folder(&config.data), Settings::default(), config.clock.clone());
    for store in [accounts.store(), playback.store()] {
        match events::move_all(store, &log, &Metrics::new()).await {
            Err(MoveError::Log(LogError::InUse(_))) | Ok(()) => {}
            Err(error) => return Err(Problem::internal(&error).error().clone()),
        }
        let scrubbed = store.scrub().await;
        scrubbed.map_err(|error| Problem::internal(&error).error().clone())?;
    }
    Ok(is_erased)
}

/// Copies the stores of a backend from files of SQLite into PostgreSQL, which has to be empty. The source is a data directory or
/// a URL, the target a URL. The copy is kept only if both sides agree.
///
/// # Errors
/// When nothing could be copied.
pub async fn copy_stores(from: &str, to: &str) -> Result<Vec<TableReport>, CopyError> {
    let from = match Path::new(from).is_dir() {
        true => Location::parse(None, Path::new(from))?,
        false => Location::parse(Some(from), Path::new("."))?,
    };
    let to = Location::parse(Some(to), Path::new("."))?;
    let mut schemas = vec![kinora_accounts::store::SCHEMA, kinora_playback::store::SCHEMA];
    // Data of an older version has none.
    if from.path(&kinora_recommendations::store::SCHEMA).is_none_or(|path| path.exists()) {
        schemas.push(kinora_recommendations::store::SCHEMA);
    }
    let first = from.path(&schemas[0]);
    if let Some(missing) = first.filter(|path| !path.exists()) {
        let source = io::Error::from(io::ErrorKind::NotFound);
        return Err(StoreError::File { path: missing, source }.into());
    }
    apart::migrate(&from).await?;
    kinora_store::copy::copy(&from, &to, &schemas).await
}

/// Starts a backend on the current runtime.
///
/// # Errors
/// When it cannot start; nothing is left running then.
pub async fn serve(config: Config) -> Result<Running, BackendError> {
    let data = &config.data;
    std::fs::create_dir_all(data).map_err(|source| BackendError::Data { path: data.clone(), source })?;
    let Keys { secret, metrics_token, internal, gateway, tokens } = Keys::open(data, config.access_ms)?;
    let metrics = Metrics::new();
    let services = Services::open(&config, &secret, tokens, &metrics).await?;
    let Services { accounts, catalogue, playback, recommendations, writers, reads } = services;
    if let (true, Some(accounts)) = (config.demo_viewer, &accounts) {
        demo::ensure_viewer(accounts).await.map_err(|problem| BackendError::DemoViewer(problem.error().to_string()))?;
    }
    let backend = Arc::new(Backend {
        accounts,
        catalogue,
        clock: config.clock,
        metrics,
        metrics_token,
        playback,
        recommendations,
        peers: Peers::new(&config.members, &config.peers, internal),
    });
    let logs = match &config.events {
        Some(url) => events::Logs::on_jetstream(url).await?,
        None => events::Logs::new(data, backend.playback.is_some(), &backend.peers, &backend.clock)
            .map_err(BackendError::Client)?,
    };
    let router =
        routes::router(&backend, (secret, gateway), config.body, logs.own, &logs.used).map_err(BackendError::Client)?;
    let stores = backend.stores().map(|(_, store)| store.clone()).collect();
    let (end_moving, moving) = events::keep_moving(stores, logs.used, backend.metrics.clone());
    let finish = async move {
        let _ = end_moving.send(());
        if moving.await.is_err() {
            tracing::error!("what moves events into the log ended abnormally");
        }
        // The writers end when the last service that could write is gone.
        close(writers, reads).await;
    };
    let server =
        handed::listen_at(config.address, config.socket.as_deref(), router, config.limits, Transport::Plain, finish)
            .await
            .map_err(|source| BackendError::Listen { address: config.address, source })?;
    Ok(Running { server, backend })
}

/// Waits for the writers, which end when nobody can write any more, and closes the readers.
async fn close(writers: Vec<JoinHandle<()>>, reads: Vec<Reads>) {
    for writer in writers {
        if writer.await.is_err() {
            tracing::error!("a writer of the database ended abnormally");
        }
    }
    for reads in reads {
        reads.close().await;
    }
}
