//! The requests of one player that are under way.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use tokio::runtime::Runtime;
use tokio::task::AbortHandle;
use url::Url;

use super::Inbox;
use super::kept::KeptTransfers;
use super::transfer::{Answers, Interrupted, Pipeline, carry_out};
use crate::engine::io::{FetchId, FetchRequest};
use crate::error::{ErrorCode, PlayerError};

/// Returns the I/O runtime of the process.
///
/// # Errors
/// `Internal` if it cannot be started.
pub fn runtime() -> Result<&'static Runtime, PlayerError> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    RUNTIME
        .get_or_init(|| {
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .thread_name("kinora-io")
                .enable_all()
                .build()
                .map_err(|error| error.to_string())
        })
        .as_ref()
        .map_err(|error| PlayerError::fatal(ErrorCode::Internal, format!("no I/O runtime: {error}")))
}

/// Starts and cancels the requests of one player.
pub struct Requests {
    pipeline: Arc<Pipeline>,
    runtime: &'static Runtime,
    inbox: Arc<Inbox>,
    running: BTreeMap<FetchId, AbortHandle>,
    kept: Arc<KeptTransfers<Box<Interrupted>>>,
}

impl Requests {
    /// Creates a table of requests that pass `pipeline` and are answered into `inbox`.
    ///
    /// # Errors
    /// `Internal` without an I/O runtime.
    pub fn new(pipeline: Pipeline, inbox: Arc<Inbox>) -> Result<Self, PlayerError> {
        Ok(Self {
            pipeline: Arc::new(pipeline),
            runtime: runtime()?,
            inbox,
            running: BTreeMap::new(),
            kept: Arc::default(),
        })
    }

    /// Returns the I/O runtime of the process.
    pub const fn runtime(&self) -> &'static Runtime {
        self.runtime
    }

    /// Carries out a request; its answer comes as inputs, the last of which is `FetchEnded`.
    pub fn start(&mut self, request: FetchRequest) {
        self.running.retain(|_, task| !task.is_finished());
        let id = request.id;
        let answers = Answers { id, inbox: Arc::clone(&self.inbox) };
        let earlier = self.kept.open(id, request.resume);
        let work = carry_out(Arc::clone(&self.pipeline), Arc::clone(&self.kept), request, earlier, answers);
        self.running.insert(id, self.runtime.spawn(work).abort_handle());
    }

    /// Removes the user information from an address, so that nothing but the fetcher sees it.
    pub fn take_credentials(&self, url: &mut Url) {
        self.pipeline.fetcher.take_credentials(url);
    }

    /// Ends a request; it sends nothing more. One that was interrupted is kept no longer.
    pub fn cancel(&mut self, id: FetchId) {
        if let Some(task) = self.running.remove(&id) {
            task.abort();
        }
        self.kept.close(id);
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        for task in self.running.values() {
            task.abort();
        }
    }
}
