//! A request's way through the edge: path → signature → chaos plan → cache → reply → faults → pace → log.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use abr::link::Trace;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::Stream;
use kinora_api::ErrorCode;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::body;
use super::cache::{Cache, Patience};
use super::directives::directives;
use super::faults::{self, Faults};
use super::links::{Link, Links};
use super::log::{Destination, Log, OpenRecord, Rotation};
use super::lookup::{Found, Lookup};
use super::object::{Key, Outcome};
use super::origin::{Origin, OriginError};
use super::revoked::Revocations;
use super::slices::content_range;
use super::status::cache_status;
use kinora_chaos::apply::{Pieces, apply, shortened_length};
use kinora_chaos::server::UnfitPlan;
use kinora_faults::{Effect, FaultPlan, Verdict};
use kinora_kit::address::{is_manifest, version_name, version_of};
use kinora_kit::clock::Clock;
use kinora_kit::http::handed;
use kinora_kit::http::host;
use kinora_kit::http::path::{SafePath, canonical_query};
use kinora_kit::http::problem::{ERROR_HEADER, Problem};
use kinora_kit::http::reply::{Reply, Representation};
use kinora_kit::http::server::{Connection, Limits, Running, Transport};
use kinora_kit::signature::{EdgeSecret, Refusal, verify};

/// How the cache answered (RFC 9211).
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// The longest request target that is read.
const MAX_TARGET: usize = 2048;

/// Who may fetch.
#[derive(Clone, Debug)]
pub enum Access {
    /// Whoever has a path signed with this secret: `/t/TOKEN/<title>/…`.
    Signed(EdgeSecret),
    /// Everyone, under plain paths, query included: an edge in front of a server that is public anyway.
    Open,
}

/// How an edge is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// Socket that the parent bound, to listen on in place of `address`.
    pub socket: Option<Arc<TcpListener>>,
    /// The server behind it; paths are put behind this URL.
    pub origin: Url,
    /// The server that lists revoked sessions, where that is another one.
    pub revocations: Option<Url>,
    /// Who may fetch.
    pub access: Access,
    /// The name that the log and the chaos plan know it by.
    pub name: String,
    /// The bandwidth of each session; `None`: as fast as it goes.
    pub trace: Option<Trace>,
    /// Faults to inject.
    pub chaos: Option<FaultPlan>,
    /// A directory for the cache; `None`: memory only.
    pub cache_dir: Option<PathBuf>,
    /// The size of the cache.
    pub cache_mb: usize,
    /// How long the origin may take.
    pub patience: Patience,
    /// Where the request log goes.
    pub log: Destination,
    /// When the log's file is put aside for a new one.
    pub rotation: Rotation,
    /// For expiry and freshness.
    pub clock: Clock,
    /// What peers may ask of it.
    pub limits: Limits,
}

impl Config {
    /// An edge on a free port of the loopback interface: no shaping, no faults, 256 MB of memory, no log.
    pub fn new(origin: Url, access: Access) -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            socket: None,
            origin,
            revocations: None,
            access,
            name: "edge".to_owned(),
            trace: None,
            chaos: None,
            cache_dir: None,
            cache_mb: 256,
            patience: Patience::default(),
            log: Destination::Off,
            rotation: Rotation::default(),
            clock: Clock::system(),
            limits: Limits::default(),
        }
    }
}

/// Why an edge did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EdgeError {
    /// The origin has to be an `http` or `https` URL.
    #[error("the origin has to be an http or https URL")]
    Origin,
    /// The client towards the origin could not be set up.
    #[error("the client towards the origin could not be set up: {0}")]
    Client(#[from] reqwest::Error),
    /// The cache directory or the log file cannot be used.
    #[error("{what} cannot be used: {source}")]
    Storage {
        /// Which of the two.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The fault plan has an effect that no server can have.
    #[error("the fault plan does not fit: {0}")]
    Faults(#[from] UnfitPlan),
    /// The address cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// Starts an edge on the current runtime.
///
/// # Errors
/// When it cannot start; nothing is left running then.
pub async fn serve(config: Config) -> Result<Running, EdgeError> {
    let lists = config.revocations.as_ref().unwrap_or(&config.origin);
    if [&config.origin, lists].iter().any(|url| !matches!(url.scheme(), "http" | "https")) {
        return Err(EdgeError::Origin);
    }
    let secret = match &config.access {
        Access::Signed(secret) => Some(secret),
        Access::Open => None,
    };
    let origin = Origin::new(&config.origin, secret)?;
    let lists = Origin::new(lists, secret)?;
    let cache = Cache::open(origin, config.clock.clone(), config.patience, config.cache_dir, config.cache_mb)
        .await
        .map_err(|source| EdgeError::Storage { what: "the cache directory", source })?;
    let log = Log::open(&config.log, config.rotation)
        .map_err(|source| EdgeError::Storage { what: "the request log", source })?;
    let revoked = secret.is_some().then(|| Arc::new(Revocations::new(lists, config.clock.clone())));
    if let Some(revoked) = &revoked {
        // Before the first request: who was stopped while no edge ran stays stopped.
        revoked.refresh().await;
    }
    let end = CancellationToken::new();
    let faults = config.chaos.map(|plan| Faults::new(plan, config.clock.clone())).transpose()?;
    let edge = Arc::new(Edge {
        name: config.name.into(),
        access: config.access,
        clock: config.clock.clone(),
        revoked: revoked.clone(),
        cache: cache.clone(),
        links: config.trace.map(Links::new),
        faults,
        log: log.clone(),
    });
    let router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .fallback(handle)
        .layer(middleware::from_fn(host::check))
        .with_state(edge);
    let ending = end.clone();
    let finish = async move {
        ending.cancel();
        cache.close().await;
        log.flush().await;
    };
    let running =
        handed::listen_at(config.address, config.socket.as_deref(), router, config.limits, Transport::Plain, finish)
            .await
            .map_err(|source| EdgeError::Listen { address: config.address, source })?;
    if let Some(revoked) = revoked {
        tokio::spawn(async move { revoked.follow(end).await });
    }
    Ok(running)
}

struct Edge {
    name: Arc<str>,
    access: Access,
    clock: Clock,
    /// Of signed addresses only.
    revoked: Option<Arc<Revocations>>,
    cache: Cache,
    links: Option<Links>,
    faults: Option<Faults>,
    log: Log,
}

/// A request that has been let in.
struct Admitted {
    key: Key,
    session: String,
    /// The path for the log and the chaos plan: without the version, which nobody who writes a rule knows.
    shown: String,
}

async fn handle(State(edge): State<Arc<Edge>>, request: Request) -> Response {
    // The body is not read, and being unshareable would keep the parts from crossing an await.
    let (request, _) = request.into_parts();
    let now = edge.clock.now_ms();
    let mut record = OpenRecord::begin(edge.log.clone(), Arc::clone(&edge.name), now, request.method.to_string());
    let connection = request.extensions.get::<Connection>().cloned();
    let mut response = match edge.answer(&request, connection, &mut record).await {
        Ok(Answer { mut response, body: pieces }) => {
            let length = length_of(&response);
            record.answered(response.status().as_u16(), length);
            *response.body_mut() = match pieces {
                Some(pieces) => Body::from_stream(Logged { pieces, record }),
                None => {
                    record.ended();
                    Body::empty()
                }
            };
            response
        }
        Err(refused) => {
            let response = *refused;
            let error = response.headers().get(ERROR_HEADER).and_then(|value| value.to_str().ok());
            record.set().error = error.map(str::to_owned);
            record.answered(response.status().as_u16(), None);
            record.ended();
            response
        }
    };
    allow_other_sites(response.headers_mut());
    response
}

/// A response, and its body apart where it has one.
struct Answer {
    response: Response,
    body: Option<Pieces>,
}

impl Edge {
    async fn answer(
        &self,
        request: &Parts,
        connection: Option<Connection>,
        record: &mut OpenRecord,
    ) -> Result<Answer, Box<Response>> {
        let range = request.headers.get(header::RANGE).and_then(|value| value.to_str().ok());
        record.set().range = range.map(|text| text.chars().take(256).collect());
        match request.method {
            Method::GET | Method::HEAD => {}
            Method::OPTIONS => return Ok(preflight()),
            _ => {
                return Err(refuse(Problem::new(ErrorCode::MethodNotAllowed, "an edge answers GET, HEAD and OPTIONS")));
            }
        }
        let admitted = self.admit(request, connection.as_ref(), record).map_err(refuse)?;
        record.set().path.clone_from(&admitted.shown);
        record.set().session.clone_from(&admitted.session);
        self.check_revoked(&admitted).await.map_err(refuse)?;

        let faults = self.faults.as_ref();
        let Verdict { delay, effect, faults } =
            faults.map_or_else(Verdict::default, |faults| faults.verdict(request, &admitted.shown, &self.name));
        record.set().chaos = faults;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if let Some(effect) = &effect {
            if let Some(problem) = faults::refusal(effect) {
                return Err(refuse(problem));
            }
            if let Some((response, body)) = faults::substitute(effect, request).await {
                return Ok(Answer { response, body });
            }
        }
        let request = &*faults::altered(effect.as_ref(), request);
        let link = self.links.as_ref().map(|links| links.of(&admitted.session));
        if let Some(link) = &link {
            link.latency().await;
        }
        let wants_range = request.headers.contains_key(header::RANGE);
        let mut answer = match self.cache.find(&admitted.key, wants_range).await {
            Ok(Lookup::Found(found)) => {
                record.set().cache = found.outcome;
                self.cached(request, found)?
            }
            Ok(Lookup::Bypass) => {
                record.set().cache = Outcome::Bypass;
                self.past_cache(request, &admitted.key).await?
            }
            Err(error) => return Err(self.unavailable(&admitted.key, &error)),
        };
        answer.spoil(effect.as_ref(), connection);
        answer.pace(link);
        Ok(answer)
    }

    /// Reads the target and checks that the request may have what it names.
    fn admit(
        &self,
        request: &Parts,
        connection: Option<&Connection>,
        record: &mut OpenRecord,
    ) -> Result<Admitted, Problem> {
        let target = &request.uri;
        let length = target.path().len() + target.query().map_or(0, str::len);
        if length > MAX_TARGET {
            return Err(Problem::new(ErrorCode::InvalidRequest, "the address is too long")
                .with_status(StatusCode::URI_TOO_LONG));
        }
        let path = target.path().strip_prefix('/').unwrap_or_default();
        let not_plain = || Problem::new(ErrorCode::NotFound, "there is nothing at this path");
        let secret = match &self.access {
            Access::Open => {
                let path = SafePath::parse(path).ok_or_else(not_plain)?;
                let session = connection.map_or_else(String::new, |connection| connection.peer.ip().to_string());
                let query = target.query().and_then(canonical_query);
                let path = path.as_str().to_owned();
                return Ok(Admitted { shown: path.clone(), key: Key { path, query }, session });
            }
            Access::Signed(secret) => secret,
        };
        let unsigned = || Problem::new(ErrorCode::GrantInvalid, "the address is not signed: ask the service for one");
        let (token, rest) = path.strip_prefix("t/").and_then(|path| path.split_once('/')).ok_or_else(unsigned)?;
        let path = SafePath::parse(rest).ok_or_else(not_plain)?;
        let title = path.names().first().map_or("", String::as_str);
        let (shown, version) = without_version(&path);
        record.set().path.clone_from(&shown);
        record.set().version = version;
        match verify(secret, title, token, self.clock.now_ms()) {
            Ok(session) => {
                let query = target.query().filter(|_| path.file_name().ends_with(".m3u8")).and_then(directives);
                let key = Key { path: path.as_str().to_owned(), query };
                Ok(Admitted { key, session: session.to_owned(), shown })
            }
            Err(refusal @ Refusal::Forged) => Err(Problem::new(ErrorCode::GrantInvalid, refusal.to_string())),
            Err(refusal @ Refusal::Expired) => Err(Problem::new(ErrorCode::GrantExpired, refusal.to_string())),
        }
    }

    /// Refuses a session that was ended. Manifests are few and begin everything: before one is given, the origin is asked.
    async fn check_revoked(&self, admitted: &Admitted) -> Result<(), Problem> {
        let Some(revoked) = &self.revoked else {
            return Ok(());
        };
        if is_manifest(&admitted.key.path) && !revoked.contains(&admitted.session) {
            revoked.refresh().await;
        }
        if revoked.contains(&admitted.session) {
            let message = "the playback was ended: ask the service for another one";
            return Err(Problem::new(ErrorCode::GrantInvalid, message));
        }
        Ok(())
    }

    fn cached(&self, request: &Parts, found: Found) -> Result<Answer, Box<Response>> {
        let (head, now) = (&found.head, self.cache.now());
        let age_ms = head.lifetime.age_ms(now);
        let what = Representation {
            length: head.length,
            content_type: head.content_type.clone(),
            validators: head.validators(),
            cache_control: head
                .cache_control
                .clone()
                .unwrap_or_else(|| format!("public, max-age={}", head.lifetime.fresh_ms / 1000)),
        };
        let outcome = if head.is_shareable { found.outcome } else { Outcome::Bypass };
        let ttl_ms = age_ms.map(|age| head.lifetime.fresh_ms - age);
        let status = cache_status(&self.name, outcome, found.had_older, ttl_ms);
        let reply = match Reply::to(&request.method, &request.headers, &what) {
            Ok(reply) => reply,
            Err(unsent) => {
                let mut response = unsent.into_response();
                put(response.headers_mut(), CACHE_STATUS, &status);
                return Err(Box::new(response));
            }
        };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        let headers = response.headers_mut();
        put(headers, CACHE_STATUS, &status);
        let is_new = matches!(outcome, Outcome::Miss | Outcome::Collapsed | Outcome::Bypass);
        // RFC 9111 §5.1: an Age says that the answer was not made for this request.
        if let Some(age_ms) = age_ms.filter(|_| !is_new || head.lifetime.age_then_ms > 0) {
            headers.insert(header::AGE, HeaderValue::from(age_ms / 1000));
        }
        if let Some(vary) = &head.vary {
            put(headers, header::VARY, vary);
        }
        if let Some(coding) = head.content_encoding.as_ref().filter(|_| reply.status != StatusCode::NOT_MODIFIED) {
            put(headers, header::CONTENT_ENCODING, coding);
        }
        let body =
            (!reply.parts.is_empty()).then(|| body::pieces(body::Reader::open(&self.cache, found.source), reply.parts));
        Ok(Answer { response, body })
    }

    /// Passes a request on to the origin, and its answer back.
    async fn past_cache(&self, request: &Parts, key: &Key) -> Result<Answer, Box<Response>> {
        const PASSED_ON: [HeaderName; 4] =
            [header::RANGE, header::IF_RANGE, header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE];
        const PASSED_BACK: [HeaderName; 12] = [
            header::AGE,
            header::CONTENT_ENCODING,
            header::DATE,
            header::EXPIRES,
            header::VARY,
            header::CONTENT_TYPE,
            header::CONTENT_LENGTH,
            header::CONTENT_RANGE,
            header::ACCEPT_RANGES,
            header::ETAG,
            header::LAST_MODIFIED,
            header::CACHE_CONTROL,
        ];
        let answer = self.cache.bypass(key, only(&request.headers, &PASSED_ON)).await;
        let origin = answer.map_err(|error| self.unavailable(key, &error))?;
        let status = origin.status();
        if !matches!(status.as_u16(), 200 | 206 | 304 | 416) {
            return Err(self.unavailable(key, &OriginError::Status(status.as_u16())));
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        *response.headers_mut() = only(origin.headers(), &PASSED_BACK);
        put(response.headers_mut(), CACHE_STATUS, &cache_status(&self.name, Outcome::Bypass, false, None));
        let bodiless = request.method == Method::HEAD || status == StatusCode::NOT_MODIFIED;
        let first = match status {
            StatusCode::OK => Some(0),
            _ => first_of(origin.headers()),
        };
        Ok(Answer { response, body: (!bodiless).then(|| body::passed_on(origin, first)) })
    }

    fn unavailable(&self, key: &Key, error: &OriginError) -> Box<Response> {
        if error.allows_stale() {
            tracing::warn!(path = key.path, %error, "the origin gave no answer to pass on");
        }
        let mut response = error.problem().into_response();
        put(response.headers_mut(), CACHE_STATUS, &cache_status(&self.name, Outcome::None, false, None));
        Box::new(response)
    }
}

impl Answer {
    /// Applies an effect. One on bodies changes no answer that has none.
    fn spoil(&mut self, effect: Option<&Effect>, connection: Option<Connection>) {
        let Some(effect) = effect else {
            return;
        };
        let Some(body) = self.body.take() else {
            return;
        };
        if !faults::change_head(effect, &mut self.response, connection.as_ref()) {
            return;
        }
        let length = length_of(&self.response);
        if let Some(length) = length {
            let declared = shortened_length(effect, length);
            self.response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(declared));
        }
        let range = self.response.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
        let offset = range.and_then(content_range).map_or(0, |(first, ..)| first);
        self.body = Some(apply(effect, body, offset, length.unwrap_or(0), connection));
    }

    fn pace(&mut self, link: Option<Arc<Link>>) {
        if let Some(link) = link {
            self.body = self.body.take().map(|body| link.pace(body));
        }
    }
}

/// A body that keeps the books.
struct Logged {
    pieces: Pieces,
    record: OpenRecord,
}

impl Stream for Logged {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = std::task::ready!(self.pieces.as_mut().poll_next(cx));
        Poll::Ready(match piece {
            Some(Ok(piece)) => {
                self.record.sent(piece.bytes.len() as u64);
                Some(Ok(piece.bytes))
            }
            Some(Err(error)) => {
                self.record.set().error = Some(error.to_string());
                Some(Err(error))
            }
            None => {
                self.record.ended();
                None
            }
        })
    }
}

fn refuse(problem: Problem) -> Box<Response> {
    Box::new(problem.into_response())
}

/// A path `<title>/v<n>/<file>` as `<title>/<file>`, and the version apart.
fn without_version(path: &SafePath) -> (String, Option<i64>) {
    let version = path.names().get(1).and_then(|name| version_of(name));
    let shown = match (version, path.as_str().split_once('/')) {
        (Some(version), Some((title, rest))) => {
            let prefix = format!("{}/", version_name(version));
            format!("{title}/{}", rest.strip_prefix(&prefix).unwrap_or(rest))
        }
        _ => path.as_str().to_owned(),
    };
    (shown, version)
}

fn length_of(response: &Response) -> Option<u64> {
    response.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The first offset of a `Content-Range`.
fn first_of(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}

/// Sets a header; a value that cannot stand in one (it came from another server) is left out.
fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn only(headers: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    names.iter().filter_map(|name| Some((name.clone(), headers.get(name)?.clone()))).collect()
}

fn preflight() -> Answer {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "range, if-range, if-none-match, if-modified-since, cmcd-object, cmcd-request, cmcd-session, cmcd-status",
        ),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    Answer { response, body: None }
}

/// Players in browsers may read what the edge says; the token, not the site, is what lets them in.
fn allow_other_sites(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(
            "content-length, content-range, accept-ranges, etag, last-modified, date, age, cache-status, kinora-error",
        ),
    );
    headers.insert(HeaderName::from_static("timing-allow-origin"), HeaderValue::from_static("*"));
}
