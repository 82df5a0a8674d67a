//! One connection of a server: its seat among the others, TLS or plain HTTP, its requests, and its end.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Version, header};
use axum::response::{IntoResponse as _, Response};
use hyper::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use kinora_api::{ErrorCode, paths};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::crowd::{Admission, Bounds, Crowd, Peer};
use super::descriptors;
use super::problem::Problem;
use super::stream::{PacedStream, WritePace};

/// Connections that may ask for the state of the service alone, when all others are taken.
const LOBBY: usize = 64;
/// Time for a request in the lobby to arrive.
const LOBBY_TIMEOUT: Duration = Duration::from_secs(2);
/// Paths that are answered in the lobby.
const LOBBY_PATHS: [&str; 3] = [paths::HEALTH, paths::READY, "/livez"];
/// Time for a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum number of requests at the same time on one connection of HTTP/2.
const MAX_STREAMS: u32 = 64;
/// Bytes of answers that one stream of HTTP/2 holds for a peer that does not take them.
const STREAM_BUFFER: usize = 64 * 1024;
/// Time after which a silent connection of HTTP/2 is asked whether its peer lives, and time for the answer.
const PING_AFTER: Duration = Duration::from_secs(20);
/// First byte of a TLS connection: content type `handshake` of a record (RFC 8446 §5.1). No method of HTTP begins with it.
const TLS_HANDSHAKE: u8 = 0x16;

/// Limits of what a peer may ask of a server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Maximum number of connections at the same time; fewer where the system's limit of open files asks for it. Beyond it an
    /// idle connection makes room; with none idle, only the state of the service is answered.
    pub max_connections: usize,
    /// Maximum number of connections of one peer (an IPv4 address, an IPv6 /64); never more than half of all.
    pub max_connections_per_peer: usize,
    /// Bytes of a request's line and headers; beyond that the peer gets 431.
    pub max_header_bytes: usize,
    /// Time for a request's headers to arrive, idle time between requests included.
    pub header_timeout: Duration,
    /// Pace at which an answer has to be taken; slower peers are ended.
    pub write_pace: WritePace,
    /// Time that running responses get after a shutdown was asked for.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 16_384,
            max_connections_per_peer: 8_192,
            max_header_bytes: 16 * 1024,
            header_timeout: Duration::from_secs(60),
            write_pace: WritePace { window: Duration::from_secs(30), least: 16 * 1024 },
            drain: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// The bounds of the crowd under a limit of open files.
    pub(super) fn bounds(&self, descriptors: u64) -> Bounds {
        let seats = self.max_connections.min(descriptors::connections_within(descriptors)).max(2);
        Bounds { seats, per_peer: self.max_connections_per_peer.clamp(1, seats / 2), lobby: LOBBY }
    }
}

/// The connection on which a request came; in the request's extensions.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The peer's address.
    pub peer: SocketAddr,
    reset: Arc<AtomicBool>,
    garble: Arc<AtomicBool>,
    end: CancellationToken,
}

/// Beginning of the connections of a server.
#[derive(Clone)]
pub enum Transport {
    /// With HTTP/1.1.
    Plain,
    /// With TLS, then HTTP/2 or HTTP/1.1 as ALPN agrees. The set-up is that of [`super::tls::Identity`].
    Tls(Arc<ServerConfig>),
    /// With either, as the first byte of each says.
    Either(Arc<ServerConfig>),
}

impl Connection {
    /// Ends the connection now, with RST: for a peer that holds on to answers. A stream of HTTP/2 that its peer does not read blocks
    /// nothing that [`Limits::write_pace`] could see.
    pub fn close(&self) {
        self.reset_on_close();
        self.end.cancel();
    }

    /// Makes the connection end with RST instead of FIN once it is dropped, as a crashed or overloaded host would.
    pub fn reset_on_close(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }

    /// Makes the next bytes that the connection sends something that is not HTTP, as a broken middlebox would.
    pub fn garble_next(&self) {
        self.garble.store(true, Ordering::Relaxed);
    }
}

/// The connections of a server, and how to end each.
pub(super) struct Room {
    table: Mutex<Table>,
    /// Zero of the table's time.
    origin: Instant,
}

struct Table {
    crowd: Crowd,
    ends: HashMap<u64, CancellationToken>,
}

/// A connection's entry in the table; leaves with it.
pub(super) struct Entry {
    room: Arc<Room>,
    id: u64,
    is_lobby: bool,
    /// Cancelled when the connection has to make room.
    end: CancellationToken,
}

impl Room {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { table: Mutex::new(Table { crowd: Crowd::new(bounds), ends: HashMap::new() }), origin: Instant::now() }
    }

    pub(super) fn enter(self: &Arc<Self>, id: u64, peer: Peer) -> Entry {
        let end = CancellationToken::new();
        let mut table = self.table();
        let (is_lobby, instead_of) = match table.crowd.admit(id, peer, self.now_ms()) {
            Admission::Seat { instead_of } => (false, instead_of),
            Admission::Lobby { instead_of } => (true, instead_of),
        };
        if let Some(victim) = instead_of.and_then(|id| table.ends.remove(&id)) {
            victim.cancel();
        }
        table.ends.insert(id, end.clone());
        Entry { room: Arc::clone(self), id, is_lobby, end }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.origin.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut table = self.room.table();
        table.crowd.leave(self.id);
        table.ends.remove(&self.id);
    }
}

/// A request that is being answered; its connection counts as idle again when this is dropped.
struct Busy {
    room: Arc<Room>,
    id: u64,
}

impl Busy {
    fn begin(room: &Arc<Room>, id: u64) -> Self {
        room.table().crowd.begin_request(id);
        Self { room: Arc::clone(room), id }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let now = self.room.now_ms();
        self.room.table().crowd.end_request(self.id, now);
    }
}

/// A response's body that keeps its connection busy.
struct BusyBody {
    body: Body,
    _busy: Busy,
}

impl hyper::body::Body for BusyBody {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        hyper::body::Body::size_hint(&self.body)
    }
}

/// Everything that all connections of a server share.
pub(super) struct Terms {
    pub(super) router: Router,
    pub(super) limits: Limits,
    pub(super) transport: Transport,
    /// Makes each answer the last of its connection.
    pub(super) closing: CancellationToken,
    /// Ends connections once their running answers are sent.
    pub(super) drain: CancellationToken,
    pub(super) kill: CancellationToken,
}

pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, entry: Entry, terms: Arc<Terms>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the peer has left already");
        return;
    }
    let acceptor = match begun(&stream, &entry, &terms).await {
        Ok(acceptor) => acceptor,
        Err(error) => {
            tracing::debug!(%error, "the peer asked for nothing");
            return;
        }
    };
    let reset = Arc::new(AtomicBool::new(false));
    let garble = Arc::new(AtomicBool::new(false));
    let stream = PacedStream::new(stream, Arc::clone(&reset), Arc::clone(&garble), terms.limits.write_pace);
    let connection = Connection { peer, reset: Arc::clone(&reset), garble, end: entry.end.clone() };
    let served = async {
        match acceptor {
            None => serve_http1(stream, connection, &entry, &terms).await,
            Some(acceptor) => {
                let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream));
                // A peer that cannot agree with us learns so by the alert.
                let Ok(Ok(stream)) = handshake.await else { return };
                if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                    serve_http2(stream, connection, &entry, &terms).await;
                } else {
                    serve_http1(stream, connection, &entry, &terms).await;
                }
            }
        }
    };
    tokio::select! {
        () = served => {}
        () = entry.end.cancelled() => {}
        () = terms.kill.cancelled() => reset.store(true, Ordering::Relaxed),
    }
}

/// Returns what a connection begins with: a TLS handshake, or `None` for plain HTTP. The bytes stay to be read.
///
/// # Errors
/// When it ends before it says, or has to.
async fn begun(stream: &TcpStream, entry: &Entry, terms: &Terms) -> io::Result<Option<TlsAcceptor>> {
    let config = match &terms.transport {
        Transport::Plain => return Ok(None),
        Transport::Tls(config) => return Ok(Some(TlsAcceptor::from(Arc::clone(config)))),
        Transport::Either(config) => config,
    };
    let mut first = [0];
    let timeout = if entry.is_lobby { LOBBY_TIMEOUT } else { terms.limits.header_timeout };
    let length = tokio::select! {
        length = stream.peek(&mut first) => length?,
        () = entry.end.cancelled() => 0,
        () = terms.drain.cancelled() => 0,
        () = terms.kill.cancelled() => 0,
        () = tokio::time::sleep(timeout) => return Err(io::ErrorKind::TimedOut.into()),
    };
    if length == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((first[0] == TLS_HANDSHAKE).then(|| TlsAcceptor::from(Arc::clone(config))))
}

type Answered = Result<Response, std::convert::Infallible>;

/// Answers the requests of one connection, which counts as busy meanwhile.
fn answering(
    connection: Connection,
    entry: &Entry,
    terms: &Terms,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = Response,
    Error = std::convert::Infallible,
    Future = impl Future<Output = Answered> + Send + use<>,
> + use<> {
    let (room, id, is_lobby) = (Arc::clone(&entry.room), entry.id, entry.is_lobby);
    let service = TowerToHyperService::new(terms.router.clone());
    let closing = terms.closing.clone();
    service_fn(move |mut request: Request<Incoming>| {
        let busy = Busy::begin(&room, id);
        request.extensions_mut().insert(connection.clone());
        let (service, closing) = (service.clone(), closing.clone());
        let has_close = request.version() <= Version::HTTP_11;
        async move {
            if is_lobby && !LOBBY_PATHS.contains(&request.uri().path()) {
                return Ok(crowded());
            }
            let mut response = hyper::service::Service::call(&service, request).await?;
            if has_close && closing.is_cancelled() {
                // RFC 9112 §9.6: the peer sends no further request, which nobody would read.
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response.map(|body| Body::new(BusyBody { body, _busy: busy })))
        }
    })
}

async fn serve_http1<S>(stream: S, connection: Connection, entry: &Entry, terms: &Terms)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (limits, is_lobby) = (&terms.limits, entry.is_lobby);
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(!is_lobby)
        .header_read_timeout(if is_lobby { LOBBY_TIMEOUT.min(limits.header_timeout) } else { limits.header_timeout })
        .max_header_size(limits.max_header_bytes)
        .max_headers(64)
        .max_buf_size(limits.max_header_bytes.max(64 * 1024))
        .serve_connection(TokioIo::new(stream), answering(connection, entry, terms));
    drive(serving, http1::Connection::graceful_shutdown, &terms.drain).await;
}

async fn serve_http2<S>(stream: S, connection: Connection, entry: &Entry, terms: &Terms)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let serving = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(terms.limits.max_header_bytes).unwrap_or(u32::MAX))
        .max_send_buf_size(STREAM_BUFFER)
        .keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(PING_AFTER)
        .serve_connection(TokioIo::new(stream), answering(connection, entry, terms));
    // GOAWAY (RFC 9113 §6.8) says which requests were read, so that it may come at once.
    drive(serving, http2::Connection::graceful_shutdown, &terms.closing).await;
}

/// Runs a connection to its end, or until its running answers are sent once a drain has begun.
async fn drive<C: Future>(serving: C, graceful_shutdown: impl FnOnce(Pin<&mut C>), drain: &CancellationToken) {
    tokio::pin!(serving);
    // How a connection ended is the peer's affair: the request log has what was sent.
    tokio::select! {
        _ = serving.as_mut() => return,
        () = drain.cancelled() => graceful_shutdown(serving.as_mut()),
    }
    drop(serving.await);
}

/// The answer to everything but probes when every connection is taken.
fn crowded() -> Response {
    let problem = Problem::new(ErrorCode::ServiceUnavailable, "too many connections").with_retry_after_ms(1_000);
    let mut response = problem.into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
