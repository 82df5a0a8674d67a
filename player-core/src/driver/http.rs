//! HTTP with reqwest: carries out requests on the I/O runtime and reports the answers in pieces.
//!
//! The demuxer of a media request runs here, as a pure function over the bytes that arrive; its output is sent to the
//! player's inbox, which makes this side wait when the player is behind.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::FusedStream;
use futures_util::{FutureExt as _, StreamExt as _};
use reqwest::header::{self, HeaderName};
use tokio::runtime::Runtime;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};
use url::Url;

use super::Inbox;
use super::exchange::{self, Exchange};
use super::ranges::{AnswerHead, NextStep, RangePlan};
use super::sink::{Finished, Sink};
use crate::container::{DemuxError, DemuxOutput};
use crate::engine::io::{FetchError, FetchId, FetchKind, FetchOutcome, FetchRequest, Input, RangeNotice, ResponseHead};
use crate::error::{ErrorCode, PlayerError};

/// Bytes are handed to the demuxer in pieces of at most this size.
const PIECE: usize = 256 << 10;
/// Progress is reported at most this often.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(50);

/// Fields that every request of a player carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkConfig {
    /// Header names and values, added to every request. `Authorization`, `Cookie` and `Proxy-Authorization` of these
    /// go to no origin that only a redirect led to, neither with the redirect nor with later requests.
    pub headers: Vec<(String, String)>,
    /// More certification authorities to trust, PEM.
    pub authorities_pem: Option<Vec<u8>>,
    /// Keeps the cookies that servers set and sends them back (RFC 6265). The jar belongs to one player and lives in
    /// memory only. Default true.
    pub cookies: bool,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { headers: Vec::new(), authorities_pem: None, cookies: true }
    }
}

/// Carries out the requests of one player.
pub struct HttpFetcher {
    exchange: Arc<Exchange>,
    runtime: &'static Runtime,
    inbox: Arc<Inbox>,
    running: BTreeMap<FetchId, AbortHandle>,
}

fn runtime() -> Result<&'static Runtime, PlayerError> {
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

impl HttpFetcher {
    /// A fetcher that answers into `inbox`.
    ///
    /// # Errors
    /// `InvalidArgument` for headers or certificates that cannot be read, `Internal` without an I/O runtime.
    pub fn new(network: &NetworkConfig, inbox: Arc<Inbox>) -> Result<Self, PlayerError> {
        let exchange = Arc::new(Exchange::new(network)?);
        Ok(Self { exchange, runtime: runtime()?, inbox, running: BTreeMap::new() })
    }

    /// The I/O runtime of the process.
    pub const fn runtime(&self) -> &'static Runtime {
        self.runtime
    }

    /// Carries out a request; its answer comes as inputs, the last of which is `FetchEnded`.
    pub fn start(&mut self, request: FetchRequest) {
        self.running.retain(|_, task| !task.is_finished());
        let id = request.id;
        let answers = Answers { id, inbox: Arc::clone(&self.inbox) };
        let work = carry_out(Arc::clone(&self.exchange), request, answers);
        self.running.insert(id, self.runtime.spawn(work).abort_handle());
    }

    /// Removes the user information from an address, so that nothing else sees it, and sends it with every request to
    /// the address's origin.
    pub fn take_credentials(&self, url: &mut Url) {
        self.exchange.take_credentials(url);
    }

    /// Ends a request; it sends nothing more.
    pub fn cancel(&mut self, id: FetchId) {
        if let Some(task) = self.running.remove(&id) {
            task.abort();
        }
    }
}

impl Drop for HttpFetcher {
    fn drop(&mut self) {
        for task in self.running.values() {
            task.abort();
        }
    }
}

/// Channel of one request's answers to the player.
struct Answers {
    id: FetchId,
    inbox: Arc<Inbox>,
}

impl Answers {
    /// Sends one piece, waiting for a place. False when the player is gone.
    async fn send(&self, input: Input) -> bool {
        match self.inbox.places().acquire_owned().await {
            Ok(permit) => {
                self.inbox.answer(input, Some(permit));
                true
            }
            Err(_closed) => false,
        }
    }

    async fn media(&self, seq: &mut u64, outputs: Vec<DemuxOutput>) {
        for output in outputs {
            let input = Input::FetchMedia { id: self.id, seq: *seq, output };
            *seq += 1;
            if !self.send(input).await {
                return;
            }
        }
    }
}

async fn carry_out(exchange: Arc<Exchange>, request: FetchRequest, answers: Answers) {
    let mut received = 0;
    let work = AssertUnwindSafe(transfer(&exchange, &request, &answers, &mut received)).catch_unwind().await;
    let result = work.unwrap_or_else(|_panic| {
        // Said by the panic hook already; the player must not wait for an answer that never comes.
        Err(DemuxError::Malformed { what: "a defect of the reader".to_owned(), offset: 0 }.into())
    });
    let outcome = match result {
        Ok(Finished::Body(body)) => FetchOutcome::Complete { bytes: received, body },
        Ok(Finished::Keys(keys)) => FetchOutcome::Keys { bytes: received, keys },
        Err(error) => FetchOutcome::Failed { bytes: received, error },
    };
    answers.send(Input::FetchEnded { id: request.id, outcome }).await;
}

/// One request being carried out.
struct Transfer<'a> {
    request: &'a FetchRequest,
    answers: &'a Answers,
    plan: RangePlan,
    received: &'a mut u64,
    reported: Option<Instant>,
}

async fn transfer(
    exchange: &Exchange,
    request: &FetchRequest,
    answers: &Answers,
    received: &mut u64,
) -> Result<Finished, FetchError> {
    if !matches!(request.url.scheme(), "http" | "https") {
        return Err(FetchError::BadAddress(format!("the scheme {:?}", request.url.scheme())));
    }
    // Where an index ends is known once its beginning has been read.
    let plan = RangePlan::new(request.range, request.kind == FetchKind::Index, request.max_bytes);
    let mut transfer = Transfer { request, answers, plan, received, reported: None };
    let mut sink = None;
    loop {
        let range = transfer.plan.range_header();
        let response = timeout(request.first_byte_timeout, exchange.send(request, range.as_deref()))
            .await
            .map_err(|_| FetchError::Timeout { started: sink.is_some() })??;
        let next = if response.status().is_success() {
            let notice = transfer.plan.begin_answer(&answer_head(&response))?;
            transfer.announce(&response, notice, sink.is_none()).await;
            let sink = match &mut sink {
                Some(sink) => sink,
                none => none.insert(Sink::new(request)?),
            };
            transfer.read(response, sink).await?;
            transfer.plan.end_answer()?
        } else {
            let next = match response.status().as_u16() {
                416 => transfer.plan.unsatisfied(field(&response, header::CONTENT_RANGE)),
                _ => None,
            };
            next.ok_or_else(|| status_error(&response))?
        };
        if let NextStep::Complete(notice) = next {
            if let Some(notice) = notice {
                answers.send(Input::FetchNotice { id: request.id, notice }).await;
            }
            break;
        }
    }
    let Some(sink) = sink else { return Err(FetchError::Truncated { received: 0, expected: None }) };
    let mut seq = sink.seq;
    let (outputs, finished) = sink.finish()?;
    answers.media(&mut seq, outputs).await;
    Ok(finished)
}

impl Transfer<'_> {
    async fn announce(&self, response: &reqwest::Response, notice: Option<RangeNotice>, first: bool) {
        let id = self.request.id;
        if first {
            let head = ResponseHead {
                status: response.status().as_u16(),
                url: response.url().clone(),
                content_type: content_type(response),
                content_length: self.plan.expected(),
                range_ignored: notice == Some(RangeNotice::Ignored),
            };
            self.answers.send(Input::FetchStarted { id, head }).await;
        }
        if let Some(notice) = notice.filter(|notice| *notice != RangeNotice::Ignored || !first) {
            self.answers.send(Input::FetchNotice { id, notice }).await;
        }
    }

    /// Reads one answer as far as it is wanted.
    async fn read(&mut self, response: reqwest::Response, sink: &mut Sink) -> Result<(), FetchError> {
        let request = self.request;
        let in_part = self.plan.range_header().is_some();
        let stream = response.bytes_stream().fuse();
        let mut pieces = Pieces { stream, stall: request.stall_timeout, in_part, error: None };
        while !self.plan.is_answer_done() {
            let next = pieces.next().await;
            let Some(chunk) = next.map_err(|error| at(error, *self.received, self.plan.expected()))? else { break };
            let chunk = self.plan.cut(chunk);
            *self.received += chunk.len() as u64;
            if *self.received > request.max_bytes {
                return Err(FetchError::TooLarge { limit: request.max_bytes });
            }
            let outputs = sink.push(chunk)?;
            self.answers.media(&mut sink.seq, outputs).await;
            if self.reported.is_none_or(|last| last.elapsed() >= PROGRESS_INTERVAL) {
                self.reported = Some(Instant::now());
                self.answers.send(Input::FetchProgress { id: request.id, bytes: *self.received }).await;
            }
        }
        Ok(())
    }
}

fn field(response: &reqwest::Response, name: HeaderName) -> Option<&str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

fn content_type(response: &reqwest::Response) -> Option<String> {
    field(response, header::CONTENT_TYPE)
        .map(|value| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn answer_head(response: &reqwest::Response) -> AnswerHead {
    AnswerHead {
        status: response.status().as_u16(),
        content_range: field(response, header::CONTENT_RANGE).map(str::to_owned),
        content_length: response.content_length(),
        content_type: content_type(response),
    }
}

fn status_error(response: &reqwest::Response) -> FetchError {
    let retry_after = field(response, header::RETRY_AFTER).and_then(|value| value.trim().parse().ok());
    FetchError::Status { status: response.status().as_u16(), retry_after: retry_after.map(Duration::from_secs) }
}

/// A body in pieces: what is there already is joined, so that the player is woken once for many small reads.
struct Pieces<S> {
    stream: S,
    stall: Duration,
    /// The body is a part of a file.
    in_part: bool,
    /// Found after good bytes, which come first.
    error: Option<FetchError>,
}

impl<S: FusedStream<Item = reqwest::Result<Bytes>> + Unpin> Pieces<S> {
    async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let first = timeout(self.stall, self.stream.next()).await;
        let first = match first.map_err(|_| FetchError::Timeout { started: true })? {
            None => return Ok(None),
            Some(chunk) => chunk.map_err(|error| exchange::body_error(&error, self.in_part))?,
        };
        let mut more = Vec::new();
        let mut length = first.len();
        while length < PIECE {
            match self.stream.next().now_or_never() {
                Some(Some(Ok(chunk))) => {
                    length += chunk.len();
                    more.push(chunk);
                }
                Some(Some(Err(error))) => {
                    self.error = Some(exchange::body_error(&error, self.in_part));
                    break;
                }
                Some(None) | None => break,
            }
        }
        if more.is_empty() {
            return Ok(Some(first));
        }
        let mut joined = BytesMut::with_capacity(length);
        joined.extend_from_slice(&first);
        for chunk in more {
            joined.extend_from_slice(&chunk);
        }
        Ok(Some(joined.freeze()))
    }
}

/// Adds the bytes received to the error of a broken body.
fn at(error: FetchError, received: u64, expected: Option<u64>) -> FetchError {
    match error {
        FetchError::Truncated { .. } => FetchError::Truncated { received, expected },
        other => other,
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
