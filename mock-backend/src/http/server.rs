//! Listening: connections within limits, a drain that ends, and a way to cut connections for fault injection.
//!
//! Built on hyper's HTTP/1 server rather than `axum::serve`, which neither bounds header sizes and times nor the drain.

use std::future::Future;
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a peer may ask of a server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at the same time; further ones wait in the kernel's queue.
    pub max_connections: usize,
    /// Bytes of a request's line and headers; beyond that the peer gets 431.
    pub max_header_bytes: usize,
    /// Time for a request's headers to arrive, idle time between requests included.
    pub header_timeout: Duration,
    /// Time that running responses get after a shutdown was asked for.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 4096,
            max_header_bytes: 16 * 1024,
            header_timeout: Duration::from_secs(60),
            drain: Duration::from_secs(5),
        }
    }
}

/// The connection on which a request came; in the request's extensions.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The peer's address.
    pub peer: SocketAddr,
    reset: Arc<AtomicBool>,
}

impl Connection {
    /// Makes the connection end with RST instead of FIN once it is dropped, as a crashed or overloaded host would.
    pub fn reset_on_close(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }
}

/// A server that runs in the background. Dropping it cuts every connection; [`Running::shutdown`] lets them finish.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    drain: CancellationToken,
    kill: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Running {
    /// The base address, `http://127.0.0.1:PORT`, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
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
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let (drain, kill) = (CancellationToken::new(), CancellationToken::new());
    let acceptor = Acceptor { listener, router, limits, drain: drain.clone(), kill: kill.clone() };
    let task = tokio::spawn(async move {
        acceptor.run().await;
        finish.await;
    });
    Ok(Running { address, drain, kill, task: Some(task) })
}

struct Acceptor {
    listener: TcpListener,
    router: Router,
    limits: Limits,
    drain: CancellationToken,
    kill: CancellationToken,
}

impl Acceptor {
    async fn run(self) {
        let tracker = TaskTracker::new();
        let places = Arc::new(Semaphore::new(self.limits.max_connections));
        loop {
            let accepted = tokio::select! {
                () = self.drain.cancelled() => break,
                () = self.kill.cancelled() => break,
                accepted = self.accept(&places) => accepted,
            };
            match accepted {
                Ok((stream, peer, place)) => {
                    let serving = serve(
                        stream,
                        peer,
                        self.router.clone(),
                        self.limits.clone(),
                        self.drain.clone(),
                        self.kill.clone(),
                    );
                    tracker.spawn(async move {
                        serving.await;
                        drop(place);
                    });
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
        tokio::select! {
            () = tracker.wait() => return,
            () = self.kill.cancelled() => {}
            () = tokio::time::sleep(self.limits.drain) => self.kill.cancel(),
        }
        tracker.wait().await;
    }

    async fn accept(
        &self,
        places: &Arc<Semaphore>,
    ) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
        let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
        let (stream, peer) = self.listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream, peer, place))
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    drain: CancellationToken,
    kill: CancellationToken,
) {
    let reset = Arc::new(AtomicBool::new(false));
    let connection = Connection { peer, reset: Arc::clone(&reset) };
    let service = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(connection.clone());
        service.call(request)
    });
    let io = TokioIo::new(ResettableStream { stream, reset: Arc::clone(&reset) });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_header_size(limits.max_header_bytes)
        .max_headers(64)
        .max_buf_size(limits.max_header_bytes.max(64 * 1024))
        .serve_connection(io, service);
    tokio::pin!(serving);
    // How a connection ended is the peer's affair: the request log has what was sent.
    tokio::select! {
        _ = serving.as_mut() => return,
        () = kill.cancelled() => {
            reset.store(true, Ordering::Relaxed);
            return;
        }
        () = drain.cancelled() => serving.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ = serving => {}
        () = kill.cancelled() => reset.store(true, Ordering::Relaxed),
    }
}

/// A TCP stream that can be told to end with RST.
struct ResettableStream {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for ResettableStream {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed)
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::debug!(%error, "the connection closes without RST");
        }
    }
}

impl AsyncRead for ResettableStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for ResettableStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.load(Ordering::Relaxed) {
            // A FIN would go out before the RST and make the end look orderly.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Sends the program's own log to the standard error, filtered by `RUST_LOG` (default: warnings, and our own information).
///
/// Called once, by a binary; a second call changes nothing.
pub fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,mock_backend=info"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .finish();
    // Another subscriber is in place already: that one wins.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
