//! The signals that ask a server to finish.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Signals that have been subscribed to, so that none is lost between start and wait.
#[derive(Debug)]
pub struct Termination {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Termination {
    /// Begins to listen for SIGTERM and SIGINT; from now on they no longer end the process by themselves.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn subscribe() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Completes at the first of the two signals.
    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Completes when the standard input ends: a child whose input is a pipe from its parent learns so that the parent is gone,
/// however it went.
///
/// A thread of its own reads, because a blocking read on the runtime's threads would hold its end up.
pub async fn end_of_stdin() {
    let (ended, end) = tokio::sync::oneshot::channel();
    let watcher = std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let copied = io::copy(&mut io::stdin().lock(), &mut io::sink());
        // An input that cannot be read counts as ended; the receiver may be gone because a signal came first.
        let _ = (copied, ended.send(()));
    });
    match watcher {
        Ok(_) => {
            // The sender is dropped only after the end.
            let _ = end.await;
        }
        Err(error) => {
            tracing::warn!(%error, "the standard input cannot be watched");
            std::future::pending::<()>().await;
        }
    }
}
