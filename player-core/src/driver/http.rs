//! HTTP with reqwest: carries out requests on the I/O runtime and reports what comes, in pieces.
//!
//! The demuxer of a media request runs here, as a pure function over the bytes that arrive; what it says is sent
//! to the player's inbox, which makes this side wait when the player is behind.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::FusedStream;
use futures_util::{FutureExt as _, StreamExt as _};
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use tokio::runtime::Runtime;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::Inbox;
use super::body::Window;
use crate::container::{self, DemuxError, DemuxOutput, Demuxer};
use crate::drm::{self, DrmError, KeyFile, LicensedKey, SegmentDecryptor};
use crate::engine::io::{FetchError, FetchId, FetchKind, FetchOutcome, FetchRequest, Ingest, Input, ResponseHead};
use crate::error::{ErrorCode, PlayerError};

/// Bytes are handed to the demuxer in pieces of at most this size.
const PIECE: usize = 256 << 10;
/// Progress is reported at most this often.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(50);
/// Redirects followed for one request.
const MAX_REDIRECTS: usize = 10;

/// What every request of a player carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkConfig {
    /// Header names and values, added to every request.
    pub headers: Vec<(String, String)>,
    /// More certification authorities to trust, PEM.
    pub authorities_pem: Option<Vec<u8>>,
}

/// Carries out the requests of one player.
pub struct HttpFetcher {
    client: reqwest::Client,
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

fn client(network: &NetworkConfig) -> Result<reqwest::Client, PlayerError> {
    let invalid = |message: String| PlayerError::fatal(ErrorCode::InvalidArgument, message);
    let mut headers = HeaderMap::new();
    for (name, value) in &network.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid(format!("header name {name:?}")))?;
        let value = HeaderValue::from_str(value).map_err(|_| invalid(format!("value of header {name}")))?;
        headers.append(name, value);
    }
    let mut builder = reqwest::Client::builder()
        .default_headers(headers)
        .user_agent(concat!("Kinora/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::limited(MAX_REDIRECTS))
        .tcp_nodelay(true);
    if let Some(pem) = &network.authorities_pem {
        let certificates =
            reqwest::Certificate::from_pem_bundle(pem).map_err(|error| invalid(format!("certificates: {error}")))?;
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| PlayerError::fatal(ErrorCode::Internal, format!("no HTTP client: {error}")))
}

impl HttpFetcher {
    /// A fetcher that answers into `inbox`.
    ///
    /// # Errors
    /// `InvalidArgument` for headers or certificates that cannot be read, `Internal` without an I/O runtime.
    pub fn new(network: &NetworkConfig, inbox: Arc<Inbox>) -> Result<Self, PlayerError> {
        Ok(Self { client: client(network)?, runtime: runtime()?, inbox, running: BTreeMap::new() })
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
        let work = carry_out(self.client.clone(), request, answers);
        self.running.insert(id, self.runtime.spawn(work).abort_handle());
    }

    /// Forgets a request.
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

/// Where one request's answers go.
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

async fn carry_out(client: reqwest::Client, request: FetchRequest, answers: Answers) {
    let mut received = 0;
    let work = AssertUnwindSafe(transfer(&client, &request, &answers, &mut received)).catch_unwind().await;
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

async fn transfer(
    client: &reqwest::Client,
    request: &FetchRequest,
    answers: &Answers,
    received: &mut u64,
) -> Result<Finished, FetchError> {
    let response = timeout(request.first_byte_timeout, send(client, request))
        .await
        .map_err(|_| FetchError::Timeout { started: false })??;
    let (head, window) = head(request, &response)?;
    answers.send(Input::FetchStarted { id: request.id, head }).await;
    let mut sink = Sink::new(request)?;
    let mut window = window;
    let stream = response.bytes_stream().fuse();
    let mut pieces = Pieces { stream, stall: request.stall_timeout, error: None };
    let mut reported: Option<Instant> = None;
    while !window.is_done() {
        let next = pieces.next().await;
        let Some(chunk) = next.map_err(|error| at(error, *received, window.expected))? else { break };
        let chunk = window.cut(chunk);
        *received += chunk.len() as u64;
        if *received > request.max_bytes {
            return Err(FetchError::TooLarge { limit: request.max_bytes });
        }
        let outputs = sink.push(chunk)?;
        answers.media(&mut sink.seq, outputs).await;
        if reported.is_none_or(|last| last.elapsed() >= PROGRESS_INTERVAL) {
            reported = Some(Instant::now());
            answers.send(Input::FetchProgress { id: request.id, bytes: *received }).await;
        }
    }
    if window.expected.is_some_and(|expected| *received < expected) {
        return Err(FetchError::Truncated { received: *received, expected: window.expected });
    }
    let mut seq = sink.seq;
    let (outputs, finished) = sink.finish()?;
    answers.media(&mut seq, outputs).await;
    Ok(finished)
}

async fn send(client: &reqwest::Client, request: &FetchRequest) -> Result<reqwest::Response, FetchError> {
    if !matches!(request.url.scheme(), "http" | "https") {
        return Err(FetchError::BadAddress(format!("the scheme {:?}", request.url.scheme())));
    }
    let mut builder = match &request.post {
        Some(body) => client
            .post(request.url.clone())
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body.clone()),
        None => client.get(request.url.clone()),
    };
    if let Some(range) = request.range {
        let last =
            range.length.map(|length| range.offset.saturating_add(length.max(1) - 1).to_string()).unwrap_or_default();
        builder = builder.header(header::RANGE, format!("bytes={}-{last}", range.offset));
    }
    if matches!(request.ingest, Ingest::Media(_)) {
        builder = builder.header(header::ACCEPT_ENCODING, "identity");
    }
    builder.send().await.map_err(connect_error)
}

fn head(request: &FetchRequest, response: &reqwest::Response) -> Result<(ResponseHead, Window), FetchError> {
    let status = response.status().as_u16();
    let text = |name: HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
    if !response.status().is_success() {
        let retry_after = text(header::RETRY_AFTER).and_then(|value| value.trim().parse().ok());
        return Err(FetchError::Status { status, retry_after: retry_after.map(Duration::from_secs) });
    }
    let window =
        Window::of(request.range, status, text(header::CONTENT_RANGE), response.content_length(), request.max_bytes)?;
    // Where an index ends is known once its beginning has been read.
    let window = if request.kind == FetchKind::Index { window.open_ended() } else { window };
    let content_type =
        text(header::CONTENT_TYPE).map(|value| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let head = ResponseHead {
        status,
        url: response.url().clone(),
        content_type,
        content_length: window.expected,
        range_ignored: window.range_ignored,
    };
    Ok((head, window))
}

/// A body in pieces: what is there already is joined, so that the player is woken once for many small reads.
struct Pieces<S> {
    stream: S,
    stall: Duration,
    /// Found behind good bytes, which come first.
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
            Some(chunk) => chunk.map_err(|error| body_error(&error))?,
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
                    self.error = Some(body_error(&error));
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

/// What a request does with its bytes.
enum Ingesting {
    Body(BytesMut),
    Keys(KeyFile, BytesMut),
    Media(Box<dyn Demuxer>),
}

/// What is handed over at the end.
enum Finished {
    Body(Bytes),
    Keys(Vec<LicensedKey>),
}

/// The way of the bytes of a request: decrypted, then read.
struct Sink {
    /// What comes is encrypted as a whole.
    decrypts: bool,
    decryptor: Option<SegmentDecryptor>,
    ingest: Ingesting,
    seq: u64,
    /// Something that can be read came out of decryption, so the key fits.
    fits: bool,
}

impl Sink {
    fn new(request: &FetchRequest) -> Result<Self, FetchError> {
        let ingest = match &request.ingest {
            Ingest::Body => Ingesting::Body(BytesMut::new()),
            Ingest::Keys(file) => Ingesting::Keys(*file, BytesMut::new()),
            Ingest::Media(setup) => Ingesting::Media(container::open(setup)?),
        };
        let decryptor = request.cipher.as_ref().map(SegmentDecryptor::new).transpose().map_err(FetchError::Decrypt)?;
        Ok(Self { decrypts: decryptor.is_some(), decryptor, ingest, seq: 0, fits: false })
    }

    fn push(&mut self, chunk: Bytes) -> Result<Vec<DemuxOutput>, FetchError> {
        let chunk = match &mut self.decryptor {
            Some(decryptor) => decryptor.push(&chunk),
            None => chunk,
        };
        self.read(chunk)
    }

    fn read(&mut self, chunk: Bytes) -> Result<Vec<DemuxOutput>, FetchError> {
        if chunk.is_empty() {
            return Ok(Vec::new());
        }
        match &mut self.ingest {
            Ingesting::Body(body) | Ingesting::Keys(_, body) => {
                body.extend_from_slice(&chunk);
                Ok(Vec::new())
            }
            Ingesting::Media(demuxer) => match demuxer.push(chunk) {
                Ok(outputs) => {
                    self.fits |= !outputs.is_empty();
                    Ok(outputs)
                }
                Err(error) => Err(self.unreadable(error)),
            },
        }
    }

    /// Damage right at the beginning of what was decrypted means that the key is wrong.
    fn unreadable(&self, error: DemuxError) -> FetchError {
        unreadable(self.decrypts && !self.fits, error)
    }

    fn finish(mut self) -> Result<(Vec<DemuxOutput>, Finished), FetchError> {
        let rest = self.decryptor.take().map(SegmentDecryptor::finish).transpose().map_err(FetchError::Decrypt)?;
        let mut outputs = self.read(rest.unwrap_or_default())?;
        let finished = match self.ingest {
            Ingesting::Body(body) => Finished::Body(body.freeze()),
            Ingesting::Keys(file, body) => Finished::Keys(drm::read_keys(file, &body).map_err(FetchError::Key)?),
            Ingesting::Media(mut demuxer) => {
                let wrong = self.decrypts && !self.fits && outputs.is_empty();
                outputs.extend(demuxer.finish().map_err(|error| unreadable(wrong, error))?);
                Finished::Body(Bytes::new())
            }
        };
        Ok((outputs, finished))
    }
}

fn unreadable(wrong_key: bool, error: DemuxError) -> FetchError {
    if wrong_key { FetchError::Decrypt(DrmError::Garbage(error.to_string())) } else { error.into() }
}

fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut source = error.source();
    while let Some(cause) = source {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn connect_error(error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    let causes = chain(&error);
    if error.is_builder() || error.is_redirect() {
        FetchError::BadAddress(if causes.is_empty() { error.to_string() } else { causes })
    } else if error.is_timeout() {
        FetchError::Timeout { started: false }
    } else if causes.contains("certificate") || causes.contains("tls") || causes.contains("TLS") {
        FetchError::Tls(causes)
    } else {
        FetchError::Unreachable(if causes.is_empty() { error.to_string() } else { causes })
    }
}

fn body_error(error: &reqwest::Error) -> FetchError {
    if error.is_timeout() {
        FetchError::Timeout { started: true }
    } else {
        FetchError::Truncated { received: 0, expected: None }
    }
}

/// Fills in how far a broken body came.
fn at(error: FetchError, received: u64, expected: Option<u64>) -> FetchError {
    match error {
        FetchError::Truncated { .. } => FetchError::Truncated { received, expected },
        other => other,
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
