//! A socket that the parent bound and hands to its child as the standard input, as inetd(8) does with `wait`. Its address survives
//! every process, and connections wait in it while none accepts.
//!
//! Several processes may accept from one socket for a while, so an answer to a probe names the process that gave it.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd as _;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use kinora_api::paths;

use super::server::{Limits, Running, Transport, listen_on, listen_with};

/// Field of an answer to a probe: identifier of the process that answers.
pub const PROCESS: HeaderName = HeaderName::from_static("kinora-process");

/// Returns the socket that is the standard input.
///
/// # Errors
/// When the standard input is no socket of TCP.
pub fn listener() -> io::Result<TcpListener> {
    let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    match listener.local_addr() {
        Ok(_) => Ok(listener),
        Err(_) => Err(io::Error::other("the standard input is no socket to listen on")),
    }
}

/// Serves on a socket that the parent handed over, or on `address` without one.
///
/// # Errors
/// When the address cannot be bound, or the socket cannot be used.
pub async fn listen_at(
    address: SocketAddr,
    socket: Option<&TcpListener>,
    router: Router,
    limits: Limits,
    transport: Transport,
    finish: impl Future<Output = ()> + Send + 'static,
) -> io::Result<Running> {
    match socket {
        None => listen_with(address, router, limits, transport, finish).await,
        Some(socket) => listen_on(socket.try_clone()?, identify(router), limits, transport, finish).await,
    }
}

/// Lets answers to `/readyz` and `/healthz` name this process.
pub fn identify(router: Router) -> Router {
    let process = HeaderValue::from(std::process::id());
    router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let process = [paths::READY, paths::HEALTH].contains(&request.uri().path()).then(|| process.clone());
        async move {
            let mut response = next.run(request).await;
            response.headers_mut().extend(process.map(|process| (PROCESS, process)));
            response
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::{Limits, PROCESS, Transport, identify, listen_on};
    use axum::Router;
    use axum::routing::get;

    #[tokio::test]
    async fn answers_to_probes_name_the_process_and_others_do_not() {
        let router = Router::new().route("/readyz", get(async || "ok")).route("/film", get(async || "film"));
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let kept = socket.try_clone().expect("another handle");
        let running = listen_on(socket, identify(router), Limits::default(), Transport::Plain, async {})
            .await
            .expect("it listens");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let named = async |path: &str| {
            let answer = client.get(format!("{}{path}", running.url())).send().await.expect("an answer");
            answer.headers().get(PROCESS).map(|process| process.to_str().expect("text").to_owned())
        };
        assert_eq!(named("/readyz").await, Some(std::process::id().to_string()));
        assert_eq!((named("/film").await, named("/none").await), (None, None));
        let url = running.url();
        running.shutdown().await;
        // The socket outlives its server: a connection waits for the next one.
        let waiting = tokio::spawn(client.get(format!("{url}/film")).send());
        let router = Router::new().route("/film", get(async || "second"));
        let second = listen_on(kept, router, Limits::default(), Transport::Plain, async {}).await.expect("it listens");
        let answer = waiting.await.expect("no panic").expect("an answer");
        assert_eq!(answer.text().await.expect("text"), "second");
        second.shutdown().await;
    }
}
