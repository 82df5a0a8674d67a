//! Listening: connections within limits, a drain that ends, and a way to cut connections for fault injection.
//!
//! Built on hyper's HTTP/1 server rather than `axum::serve`, which neither bounds header sizes and times nor the drain. Who is
//! connected when more want to than can is decided by [`Crowd`]; a peer that takes its answer too slowly is ended by
//! [`PacedStream`].

use std::collections::HashMap;
use std::future::Future;
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, header};
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
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::crowd::{Admission, Bounds, Crowd, Peer};
use super::descriptors;
use super::problem::Problem;
use super::stream::{PacedStream, WritePace};

/// Connections that the kernel completes and keeps until they are accepted.
const BACKLOG: u32 = 4096;
/// Connections that may ask for the state of the service alone, when all others are taken.
const LOBBY: usize = 64;
/// Time for a request in the lobby to arrive.
const LOBBY_TIMEOUT: Duration = Duration::from_secs(2);
/// Time for connections that were accepted from a shared socket to send a request after the shutdown.
pub const LINGER: Duration = Duration::from_secs(2);
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

/// What a peer may ask of a server.
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
    fn bounds(&self, descriptors: u64) -> Bounds {
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

/// A server that runs in the background. Dropping it cuts every connection; [`Running::shutdown`] lets them finish.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    scheme: &'static str,
    drain: CancellationToken,
    kill: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Running {
    /// The base address, `http://127.0.0.1:PORT` or `https://…`, without a slash at its end.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The address that the server is bound to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, lets running responses finish within [`Limits::drain`], then cuts the rest and tidies up.
    pub async fn shutdown(mut self) {
        self.drain.cancel();
        self.join().await;
    }

    /// Cuts every connection with RST, as a killed process would, and tidies up.
    pub async fn kill(mut self) {
        self.kill.cancel();
        self.join().await;
    }

    async fn join(&mut self) {
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the server's task ended abnormally");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill.cancel();
    }
}

/// Binds `address` (port 0 takes a free one) and serves `router` on the current runtime. `finish` runs once, after the last
/// connection is gone.
///
/// # Errors
/// When the address cannot be bound.
pub async fn listen(
    address: SocketAddr,
    router: Router,
    limits: Limits,
    finish: impl Future<Output = ()> + Send + 'static,
) -> io::Result<Running> {
    serve_on(bind(address)?, Duration::ZERO, router, limits, None, finish)
}

/// As [`listen`], over TLS: HTTP/2 or HTTP/1.1, as ALPN agrees. The set-up is that of [`super::tls::Identity`].
///
/// # Errors
/// When the address cannot be bound.
pub async fn listen_with_tls(
    address: SocketAddr,
    router: Router,
    limits: Limits,
    config: Arc<ServerConfig>,
    finish: impl Future<Output = ()> + Send + 'static,
) -> io::Result<Running> {
    serve_on(bind(address)?, Duration::ZERO, router, limits, Some(TlsAcceptor::from(config)), finish)
}

/// Serves on a socket that another process bound and may have handed to a successor as well. After a shutdown nothing is accepted
/// any more, and connections get [`LINGER`] to send their request before they are drained: the successor cannot answer what was
/// accepted here.
///
/// # Errors
/// When the socket cannot be used.
pub async fn listen_on(
    listener: std::net::TcpListener,
    router: Router,
    limits: Limits,
    finish: impl Future<Output = ()> + Send + 'static,
) -> io::Result<Running> {
    listener.set_nonblocking(true)?;
    serve_on(TcpListener::from_std(listener)?, LINGER, router, limits, None, finish)
}

fn serve_on(
    listener: TcpListener,
    linger: Duration,
    router: Router,
    limits: Limits,
    tls: Option<TlsAcceptor>,
    finish: impl Future<Output = ()> + Send + 'static,
) -> io::Result<Running> {
    let address = listener.local_addr()?;
    let (drain, kill) = (CancellationToken::new(), CancellationToken::new());
    let crowd = Crowd::new(limits.bounds(descriptors::raise_limit()));
    let room = Room { table: Mutex::new(Table { crowd, ends: HashMap::new() }), origin: Instant::now() };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let terms = Terms { router, limits, tls, drain: CancellationToken::new(), kill: kill.clone() };
    let acceptor = Acceptor { listener, linger, room: Arc::new(room), drain: drain.clone(), terms: Arc::new(terms) };
    let task = tokio::spawn(async move {
        acceptor.run().await;
        finish.await;
    });
    Ok(Running { address, scheme, drain, kill, task: Some(task) })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The connections of a server, and how to end each.
struct Room {
    table: Mutex<Table>,
    /// Zero of the table's time.
    origin: Instant,
}

struct Table {
    crowd: Crowd,
    ends: HashMap<u64, CancellationToken>,
}

/// A connection's entry in the table; leaves with it.
struct Entry {
    room: Arc<Room>,
    id: u64,
    is_lobby: bool,
    /// Cancelled when the connection has to make room.
    end: CancellationToken,
}

impl Room {
    fn enter(self: &Arc<Self>, id: u64, peer: Peer) -> Entry {
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
struct Terms {
    router: Router,
    limits: Limits,
    tls: Option<TlsAcceptor>,
    /// Ends connections once their running answers are sent.
    drain: CancellationToken,
    kill: CancellationToken,
}

struct Acceptor {
    listener: TcpListener,
    linger: Duration,
    room: Arc<Room>,
    /// Ends accepting.
    drain: CancellationToken,
    terms: Arc<Terms>,
}

impl Acceptor {
    async fn run(self) {
        let (tracker, terms) = (TaskTracker::new(), self.terms);
        for id in 0.. {
            let accepted = tokio::select! {
                () = self.drain.cancelled() => break,
                () = terms.kill.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let entry = self.room.enter(id, peer.ip().into());
                    tracker.spawn(serve(stream, peer, entry, Arc::clone(&terms)));
                }
                Err(error) => {
                    // Out of descriptors, or the peer left before it was accepted: both pass.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        drop(self.listener);
        tracker.close();
        if !self.linger.is_zero() {
            tokio::select! {
                () = tracker.wait() => return,
                () = terms.kill.cancelled() => {}
                () = tokio::time::sleep(self.linger) => {}
            }
        }
        terms.drain.cancel();
        tokio::select! {
            () = tracker.wait() => return,
            () = terms.kill.cancelled() => {}
            () = tokio::time::sleep(terms.limits.drain) => terms.kill.cancel(),
        }
        tracker.wait().await;
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, entry: Entry, terms: Arc<Terms>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the peer has left already");
        return;
    }
    let reset = Arc::new(AtomicBool::new(false));
    let garble = Arc::new(AtomicBool::new(false));
    let stream = PacedStream::new(stream, Arc::clone(&reset), Arc::clone(&garble), terms.limits.write_pace);
    let connection = Connection { peer, reset: Arc::clone(&reset), garble, end: entry.end.clone() };
    let served = async {
        match &terms.tls {
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
    service_fn(move |mut request: Request<Incoming>| {
        let busy = Busy::begin(&room, id);
        request.extensions_mut().insert(connection.clone());
        let service = service.clone();
        async move {
            if is_lobby && !LOBBY_PATHS.contains(&request.uri().path()) {
                return Ok(crowded());
            }
            let response = hyper::service::Service::call(&service, request).await?;
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
    drive(serving, http2::Connection::graceful_shutdown, &terms.drain).await;
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

/// Sends the program's own log to the standard error, filtered by `RUST_LOG` (default: warnings, and our own information).
///
/// Called once, by a binary; a second call changes nothing.
pub fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,kinora=info"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .finish();
    // Another subscriber is in place already: that one wins.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

#[cfg(test)]
mod tests {
    use super::{Limits, serve_on};
    use axum::Router;
    use axum::routing::get;
    use std::net::SocketAddr;
    use std::time::{Duration, Instant};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    const FAR: Duration = Duration::from_secs(3_600);

    /// Sends a request and reads the whole of its small answer.
    async fn ask(stream: &mut TcpStream) -> String {
        stream.write_all(b"GET /film HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.expect("an answer");
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    /// Waits until nothing listens at an address any more.
    async fn closed(address: SocketAddr) {
        let begun = Instant::now();
        while TcpStream::connect(address).await.is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it goes on listening");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_connection_that_was_accepted_from_a_shared_socket_is_answered_after_the_shutdown() {
        for (linger, is_answered) in [(FAR, true), (Duration::ZERO, false)] {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let router = Router::new().route("/film", get(async || "film"));
            let running = serve_on(listener, linger, router, Limits::default(), None, async {}).expect("it listens");
            let address = running.address();
            let mut stream = TcpStream::connect(address).await.expect("connected");
            assert!(ask(&mut stream).await.ends_with("film"));
            let ended = tokio::spawn(running.shutdown());
            closed(address).await;
            if is_answered {
                assert!(ask(&mut stream).await.ends_with("film"));
            } else {
                let rest = stream.read(&mut [0; 16]).await;
                assert!(matches!(rest, Ok(0) | Err(_)), "an idle connection is closed");
            }
            drop(stream);
            ended.await.expect("it ends with its last connection");
        }
    }
}
