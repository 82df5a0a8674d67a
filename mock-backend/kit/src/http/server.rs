//! Listening: connections within limits, a drain that ends, and a way to cut connections for fault injection.
//!
//! Built on hyper's server rather than `axum::serve`, which neither bounds header sizes and times nor the drain. Who is
//! connected when more want to than can is decided by [`Crowd`]; a peer that takes its answer too slowly is ended by
//! [`PacedStream`].

use std::future::Future;
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use super::connection::{Connection, Limits, Transport};
use super::connection::{Room, Terms, serve};
use super::descriptors;

/// Connections that the kernel completes and keeps until they are accepted.
const BACKLOG: u32 = 4096;
/// Time for connections that were accepted from a shared socket to send a request after the shutdown.
pub const LINGER: Duration = Duration::from_secs(2);

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

/// Binds `address` (port 0 takes a free one) and serves `router` over plain HTTP on the current runtime. `finish` runs once, after the last
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
    listen_with(address, router, limits, Transport::Plain, finish).await
}

/// As [`listen`], over TLS or either.
///
/// # Errors
/// When the address cannot be bound.
pub async fn listen_with(
    address: SocketAddr,
    router: Router,
    limits: Limits,
    transport: Transport,
    finish: impl Future<Output = ()> + Send + 'static,
) -> io::Result<Running> {
    serve_on(bind(address)?, Duration::ZERO, router, limits, transport, finish)
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
    transport: Transport,
    finish: impl Future<Output = ()> + Send + 'static,
) -> io::Result<Running> {
    listener.set_nonblocking(true)?;
    serve_on(TcpListener::from_std(listener)?, LINGER, router, limits, transport, finish)
}

fn serve_on(
    listener: TcpListener,
    linger: Duration,
    router: Router,
    limits: Limits,
    transport: Transport,
    finish: impl Future<Output = ()> + Send + 'static,
) -> io::Result<Running> {
    let address = listener.local_addr()?;
    let (drain, kill) = (CancellationToken::new(), CancellationToken::new());
    let room = Room::new(limits.bounds(descriptors::raise_limit()));
    let scheme = if matches!(transport, Transport::Tls(_)) { "https" } else { "http" };
    let terms = Terms { router, limits, transport, drain: CancellationToken::new(), kill: kill.clone() };
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
    use super::{Limits, Transport, serve_on};
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
            let running =
                serve_on(listener, linger, router, Limits::default(), Transport::Plain, async {}).expect("it listens");
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
