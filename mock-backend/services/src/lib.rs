//! The backend: who the viewer is, what there is to see, leave to play it, where they left off; and the origin behind the edges.
//!
//! * [`database`] — SQLite, migrated on start; [`writer`] is the one task that writes, in groups; [`pruning`] deletes;
//! * [`accounts`], [`password`], [`attempts`], [`tokens`], [`sign_in`], [`sign_in_limit`], [`revocation`] — who it is, and until when;
//! * [`catalogue`], [`shelves`], [`home`], [`search`], [`pictures`] — what there is;
//! * [`playback`], [`positions`], [`retention`] — playing it;
//! * [`routes`], [`extract`], [`counters`] — the HTTP face.

#![warn(missing_docs)]

pub mod accounts;
pub mod attempts;
pub mod catalogue;
pub mod counters;
pub mod database;
pub mod demo;
pub mod edges;
pub mod entry;
pub mod extract;
pub mod home;
pub mod password;
pub mod pictures;
pub mod playback;
pub mod positions;
pub mod pruning;
pub mod retention;
pub mod revocation;
pub mod routes;
pub mod search;
pub mod shelves;
pub mod sign_in;
pub mod sign_in_limit;
pub mod tokens;
pub mod writer;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kinora_api::{Profile, ProfileId, ResumePosition};
use tokio::sync::Semaphore;
use url::Url;

use extract::Viewer;
use kinora_kit::clock::{Clock, LogicalClock};
use kinora_kit::http::body::BodyLimits;
use kinora_kit::http::probe::Probe;
use kinora_kit::http::problem::Problem;
use kinora_kit::http::server::{self, Limits, listen};
use kinora_kit::keyfile;
use kinora_kit::signature::EdgeSecret;
use kinora_media::IngestError;

/// How a backend is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
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
    pub terms: playback::Terms,
    /// For everything that expires.
    pub clock: Clock,
    /// What peers may ask of it.
    pub limits: Limits,
    /// Bounds of a request's body; default: 64 KiB within ten seconds, longer at 1,000 bytes a second.
    pub body: BodyLimits,
}

impl Config {
    /// A backend on a free port of the loopback interface, with the lifetimes of a service: access 10 minutes, refresh 60 days,
    /// signed addresses 4 hours, heartbeats every 10 seconds.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: data.into(),
            database: None,
            edges: Vec::new(),
            demo_viewer: false,
            access_ms: 10 * 60_000,
            refresh_ms: 60 * 86_400_000,
            terms: playback::Terms { grant_ms: 4 * 3_600_000, heartbeat_ms: 10_000 },
            clock: Clock::system(),
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
    Database(#[from] database::DatabaseError),
    /// The database is there and its rows cannot be read.
    #[error("the database cannot be read: {0}")]
    Unreadable(String),
    /// The system gives no thread for hashing passwords.
    #[error("passwords cannot be hashed: {0}")]
    Thread(#[source] io::Error),
    /// The signing key.
    #[error(transparent)]
    Key(#[from] tokens::KeyError),
    /// The catalogue.
    #[error("the catalogue cannot be read: {0}")]
    Catalogue(#[from] IngestError),
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
    accounts: accounts::Accounts,
    body: BodyLimits,
    catalogue: Arc<catalogue::Catalogue>,
    clock: Clock,
    counters: counters::Counters,
    /// Bearer token of whoever reads the counters.
    metrics_token: String,
    /// Order of the positions that are written.
    order: LogicalClock,
    playback: playback::Playback,
    /// Turns of searches.
    searches: Arc<Semaphore>,
    store: database::Store,
    sign_in_limit: sign_in_limit::SignInLimit,
    sign_ins: sign_in::SignIns,
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
        self.backend.playback.set_edges(edges);
    }

    /// Sets how many playbacks the account of an address may run at the same time.
    ///
    /// # Errors
    /// 7013 when there is no such account; of the database.
    pub async fn set_max_streams(&self, email: &str, max_streams: u32) -> Result<(), Problem> {
        self.backend.accounts.set_max_streams(email, max_streams).await
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
    tokens: tokens::Tokens,
}

impl Keys {
    /// Reads the keys of a data directory and makes those that are missing. Access tokens last `access_ms`.
    fn open(data: &Path, access_ms: i64) -> Result<Self, BackendError> {
        let unusable = |path: PathBuf| move |source| BackendError::Data { path, source };
        let secret_file = edge_secret_file(data);
        let secret = EdgeSecret::load_or_create(&secret_file).map_err(unusable(secret_file))?;
        let metrics_file = data.join("keys").join("metrics.token");
        let random = || Ok(URL_SAFE_NO_PAD.encode(keyfile::random::<32>()?));
        let metrics_token = keyfile::load_or_create(&metrics_file, random).map_err(unusable(metrics_file))?;
        let tokens = tokens::Tokens::open(&data.join("keys").join("access.pem"), access_ms)?;
        Ok(Self { secret, metrics_token, tokens })
    }
}

/// Makes the keys that a data directory lacks, as [`serve`] does, so that it is complete before it is first served.
///
/// # Errors
/// When a key cannot be read or made.
pub fn prepare_keys(data: &Path) -> Result<(), BackendError> {
    Keys::open(data, Config::new(data).access_ms).map(drop)
}

/// Starts a backend on the current runtime.
///
/// # Errors
/// When it cannot start; nothing is left running then.
pub async fn serve(config: Config) -> Result<Running, BackendError> {
    let data = config.data;
    let unusable = |path: PathBuf| move |source| BackendError::Data { path, source };
    std::fs::create_dir_all(&data).map_err(unusable(data.clone()))?;
    let Keys { secret, metrics_token, tokens } = Keys::open(&data, config.access_ms)?;
    let catalogue = Arc::new(catalogue::Catalogue::open(&data, pictures::PictureKeys::new(&secret))?);
    let (store, writer) = database::open(config.database.as_deref(), &data).await?;
    let latest = positions::latest_order(store.reads()).await.map_err(|problem| unreadable(&problem))?;
    let sign_in_limit = sign_in_limit::SignInLimit::open(store.clone(), config.clock.clone())
        .await
        .map_err(|problem| unreadable(&problem))?;
    let passwords = password::Passwords::start().map_err(BackendError::Thread)?;
    let accounts = accounts::Accounts::new(store.clone(), passwords);
    if config.demo_viewer {
        demo::ensure_viewer(&accounts, config.clock.now_ms())
            .await
            .map_err(|problem| BackendError::DemoViewer(problem.error().to_string()))?;
    }
    let edges = Arc::new(edges::Edges::new(&config.edges));
    match Probe::new() {
        Ok(probe) => drop(tokio::spawn(edges::watch(Arc::clone(&edges), probe))),
        Err(error) => tracing::error!(%error, "the edges cannot be watched"),
    }
    let backend = Arc::new(Backend {
        accounts,
        body: config.body,
        catalogue,
        metrics_token,
        order: LogicalClock::resume(config.clock.clone(), latest),
        clock: config.clock,
        counters: counters::Counters::default(),
        playback: playback::Playback::new(store.clone(), secret, config.terms, edges),
        searches: Arc::new(Semaphore::new(1)),
        sign_in_limit,
        sign_ins: sign_in::SignIns::new(store.clone(), tokens, config.refresh_ms),
        store: store.clone(),
    });
    tokio::spawn(pruning::run(Arc::downgrade(&backend)));
    tokio::spawn(retention::run(Arc::downgrade(&backend), backend.catalogue.changes()));
    tokio::spawn(catalogue::Catalogue::watch(Arc::downgrade(&backend.catalogue)));
    let reads = store.reads().clone();
    drop(store);
    let finish = async move {
        // The writer ends when the last service that could write is gone.
        if writer.await.is_err() {
            tracing::error!("the writer of the database ended abnormally");
        }
        reads.close().await;
    };
    let server = listen(config.address, routes::router(Arc::clone(&backend)), config.limits, finish)
        .await
        .map_err(|source| BackendError::Listen { address: config.address, source })?;
    Ok(Running { server, backend })
}

fn unreadable(problem: &Problem) -> BackendError {
    BackendError::Unreadable(problem.error().to_string())
}

impl Backend {
    async fn profile(&self, viewer: &Viewer, wanted: Option<&ProfileId>) -> Result<Profile, Problem> {
        self.accounts.profile(&viewer.0.account, wanted).await
    }

    /// The bearer's account, with how many playbacks it may run at the same time.
    async fn places<'b>(&self, bearer: &'b tokens::Bearer) -> Result<(&'b str, u32), Problem> {
        Ok((&bearer.account, self.accounts.max_streams(&bearer.account).await?))
    }

    /// A profile's position in a title; 0 when it never began.
    async fn position(&self, profile: &Profile, title: &str, duration_ms: u64) -> Result<ResumePosition, Problem> {
        let position = positions::get(self.store.reads(), profile.id.as_str(), title).await?;
        Ok(position.unwrap_or_else(|| ResumePosition {
            title_id: title.into(),
            position_ms: 0,
            duration_ms,
            finished: false,
            updated_at: 0,
        }))
    }
}
