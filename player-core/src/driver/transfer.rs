//! One request from its start to its end: the host's decorators, store, fetcher and key system in their order, the limits
//! that hold for all of them, and the way of the bytes into the engine.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::Inbox;
use super::completion::ask;
use super::decorator::{FetchDecorator, RequestParts};
use super::fetcher::Fetcher;
use super::identity::{FileIdentity, Rest};
use super::kept::KeptTransfers;
use super::key_system::KeySystem;
use super::reply::{self, FetchAnswer, Piece};
use super::sink::Sink;
use super::store::{MediaKey, MediaStore, StoredMedia};
use crate::container::{DemuxError, DemuxOutput};
use crate::drm::DrmError;
use crate::engine::io::{FetchError, FetchId, FetchOutcome, FetchReport, FetchRequest, Ingest, Input, ResponseHead};

/// Progress is reported at most this often.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(50);

/// The parts of the host that a request passes.
pub struct Pipeline {
    pub fetcher: Arc<dyn Fetcher>,
    pub decorators: Vec<Arc<dyn FetchDecorator>>,
    pub store: Option<Arc<dyn MediaStore>>,
    pub keys: Arc<dyn KeySystem>,
}

/// Channel of one request's answers to the player.
pub struct Answers {
    pub id: FetchId,
    pub inbox: Arc<Inbox>,
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

/// Carries out a request, which continues an `earlier` one if it can; its answer comes as inputs, the last of which is
/// `FetchEnded`. What broke off goes to `kept`.
pub async fn carry_out(
    pipeline: Arc<Pipeline>,
    kept: Arc<KeptTransfers<Box<Interrupted>>>,
    request: FetchRequest,
    earlier: Option<Box<Interrupted>>,
    answers: Answers,
) {
    let id = request.id;
    let mut transfer = Transfer {
        pipeline: &pipeline,
        request: &request,
        answers: &answers,
        start: Instant::now(),
        earlier,
        received: 0,
        report: FetchReport::default(),
        progress_at: None,
        is_stored: false,
    };
    let work = AssertUnwindSafe(transfer.run()).catch_unwind().await;
    let result = work.unwrap_or_else(|_panic| {
        // Reported by the panic hook already; the player must not wait for an answer that never comes.
        Err(DemuxError::Malformed { what: "a defect of the reader".to_owned(), offset: 0 }.into())
    });
    let interrupted = transfer.earlier.take().filter(|_| result.as_ref().is_err_and(FetchError::is_of_transport));
    let is_kept = interrupted.is_some_and(|interrupted| kept.keep(id, interrupted.received, interrupted));
    if !is_kept {
        kept.close(id);
    }
    let (bytes, report) = (transfer.received, FetchReport { is_kept, ..transfer.report });
    let outcome = result.unwrap_or_else(|error| FetchOutcome::Failed { bytes, error });
    answers.send(Input::FetchEnded { id, outcome, report }).await;
}

/// Returns an address without its user information, which no answer and no record shows.
fn without_user(url: &Url) -> Url {
    let mut url = url.clone();
    // Both fail only for addresses that cannot have user information, and those have none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// One request being carried out.
struct Transfer<'a> {
    pipeline: &'a Pipeline,
    request: &'a FetchRequest,
    answers: &'a Answers,
    start: Instant,
    /// The interrupted transfer that it asks to continue; after a failure in the middle, the one that it is itself.
    earlier: Option<Box<Interrupted>>,
    /// Bytes received so far, without those of an earlier transfer.
    received: u64,
    report: FetchReport,
    progress_at: Option<Instant>,
    /// The answer is from the store, which keeps media as decorators left it.
    is_stored: bool,
}

/// An answer whose head has arrived.
struct Reading {
    head: ResponseHead,
    sink: Sink,
    /// Decorators that want the whole body, in the order of requests.
    decorators: Vec<Arc<dyn FetchDecorator>>,
    /// The whole body so far, if a decorator or the store wants it.
    body: Option<BytesMut>,
    key: Option<MediaKey>,
    /// Number of bytes received by earlier requests.
    before: u64,
    identity: FileIdentity,
    /// Some of the bytes must not be kept in the store.
    keeps_out_of_store: bool,
}

/// A transfer of media that broke off, with all that is needed to go on after its last byte.
pub struct Interrupted {
    reading: Reading,
    /// Address of the last request that received bytes of it.
    url: Url,
    /// Number of bytes received by all of its requests.
    received: u64,
}

impl Interrupted {
    /// Returns what to ask for at `url`; `None` if the file could not be recognised there.
    fn rest_at(&self, url: &Url) -> Option<Rest> {
        let identity = self.reading.identity.clone();
        let identity = if url.origin() == self.url.origin() { identity } else { identity.elsewhere() };
        identity.is_known().then_some(Rest { received: self.received, identity })
    }
}

impl Transfer<'_> {
    async fn run(&mut self) -> Result<FetchOutcome, FetchError> {
        let head_due = self.start + self.request.first_byte_timeout;
        let key = self.pipeline.store.as_ref().and_then(|_| MediaKey::of(self.request));
        let rest = self.earlier.as_ref().and_then(|earlier| earlier.rest_at(&self.request.url));
        let late = |_| FetchError::Timeout { started: false };
        let mut asked = self.request.url.clone();
        let stored = if rest.is_none() { self.stored(key.as_ref()).await } else { None };
        let answer = match stored {
            Some(answer) => {
                self.is_stored = true;
                answer
            }
            None => {
                let parts = timeout_at(head_due, self.decorated_request()).await.map_err(late)??;
                asked.clone_from(&parts.url);
                let RequestParts { url, headers, post } = parts;
                let request = FetchRequest { url, headers, post, cipher: None, ..self.request.clone() };
                let before = rest.as_ref().map_or(0, |rest| rest.received);
                let (reply, answer) = reply::channel(self.request.max_bytes.saturating_sub(before), rest);
                self.pipeline.fetcher.start(request, reply);
                answer
            }
        };
        let mut reading = None;
        let read = self.read(&answer, head_due, &asked, key, &mut reading).await;
        self.report = answer.report(self.start);
        if let Some(reading) = &mut reading {
            reading.keeps_out_of_store |= !answer.may_be_stored();
        }
        match (read, reading) {
            (Ok(()), Some(reading)) => self.finish(reading).await,
            (Ok(()), None) => Err(FetchError::Truncated { received: 0, expected: None }),
            (Err(error), reading) => {
                if let Some(reading) = reading {
                    self.earlier = self.interrupted(reading);
                }
                Err(error)
            }
        }
    }

    /// Returns what may go on later: media whose length is declared, so that its end is no break.
    fn interrupted(&self, reading: Reading) -> Option<Box<Interrupted>> {
        let received = reading.before + self.received;
        let is_media = matches!(self.request.ingest, Ingest::Media(_));
        let can_go_on =
            is_media && received > 0 && reading.identity.is_known() && reading.head.content_length.is_some();
        let url = self.request.url.clone();
        can_go_on.then(|| Box::new(Interrupted { reading, url, received }))
    }

    /// Returns the answer of the store, if it has the media.
    async fn stored(&mut self, key: Option<&MediaKey>) -> Option<FetchAnswer> {
        let (store, key) = (self.pipeline.store.as_ref()?, key?);
        let limit = self.request.first_byte_timeout / 2;
        let media = match timeout(limit, ask(|completion| store.read(key, completion))).await {
            Ok(Ok(found)) => found?,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the media store failed; the media is fetched");
                return None;
            }
            Err(_) => {
                tracing::warn!("the media store gave no answer in time; the media is fetched");
                return None;
            }
        };
        let (reply, answer) = reply::channel(self.request.max_bytes, None);
        reply.mark_from_cache();
        reply.begin(ResponseHead {
            status: if key.range.is_some() { 206 } else { 200 },
            url: media.url,
            content_type: media.content_type,
            content_length: Some(media.body.len() as u64),
            range_ignored: false,
            date: None,
        });
        reply.write(media.body);
        reply.end(Ok(()));
        Some(answer)
    }

    async fn decorated_request(&mut self) -> Result<RequestParts, FetchError> {
        let Self { request, pipeline, .. } = *self;
        let FetchRequest { url, headers, post, .. } = request.clone();
        let mut parts = RequestParts { url, headers, post };
        if matches!(request.ingest, Ingest::Keys(_)) {
            parts = ask(|completion| pipeline.keys.on_request(request, parts, completion)).await?;
        }
        for decorator in &pipeline.decorators {
            parts = ask(|completion| decorator.on_request(request, parts, completion)).await?;
        }
        Ok(parts)
    }

    /// Reads an answer to its end.
    async fn read(
        &mut self,
        answer: &FetchAnswer,
        head_due: Instant,
        asked: &Url,
        key: Option<MediaKey>,
        reading: &mut Option<Reading>,
    ) -> Result<(), FetchError> {
        let request = self.request;
        let id = request.id;
        let mut due = head_due;
        let mut key = key;
        loop {
            let piece = timeout_at(due, answer.next()).await;
            let piece = piece.map_err(|_| FetchError::Timeout { started: reading.is_some() })?;
            let is_continued = piece == Piece::Continues;
            match (piece, &mut *reading) {
                (Piece::Head { head, is_rest, identity }, _) => {
                    *reading = Some(match self.earlier.take().filter(|_| is_rest) {
                        Some(earlier) => self.go_on(head, asked, *earlier).await,
                        None => Reading { identity, ..self.begin(head, asked, key.take()).await? },
                    });
                }
                (Piece::Notice(notice), _) => {
                    self.answers.send(Input::FetchNotice { id, notice }).await;
                }
                (Piece::Bytes(chunk), Some(reading)) => self.take(reading, chunk).await?,
                (Piece::End(result), Some(_)) => {
                    return result;
                }
                (Piece::End(result), None) => {
                    result?;
                    return Err(FetchError::Truncated { received: 0, expected: None });
                }
                (Piece::Bytes(_) | Piece::Continues, _) => {}
            }
            // The time that the player took is not the network's.
            due = Instant::now() + if is_continued { request.first_byte_timeout } else { request.stall_timeout };
        }
    }

    /// Goes on where an earlier transfer broke off.
    async fn go_on(&mut self, mut head: ResponseHead, asked: &Url, earlier: Interrupted) -> Reading {
        self.hide_address(&mut head, asked);
        self.answers.send(Input::FetchStarted { id: self.request.id, head, resumed: true }).await;
        let mut reading = earlier.reading;
        reading.before = earlier.received;
        reading.sink.seq = 0;
        reading
    }

    /// Hides the address that decorators chose, which is their own affair, unless a redirect led elsewhere.
    fn hide_address(&self, head: &mut ResponseHead, asked: &Url) {
        if without_user(&head.url) == without_user(asked) {
            head.url = without_user(&self.request.url);
        }
    }

    async fn begin(
        &mut self,
        mut head: ResponseHead,
        asked: &Url,
        key: Option<MediaKey>,
    ) -> Result<Reading, FetchError> {
        let Self { request, pipeline, .. } = *self;
        self.hide_address(&mut head, asked);
        let wants =
            |decorator: &&Arc<dyn FetchDecorator>| !self.is_stored && decorator.decorates_response(request, &head);
        let decorators: Vec<_> = pipeline.decorators.iter().filter(wants).cloned().collect();
        let key = key.filter(|key| pipeline.store.as_ref().is_some_and(|store| store.keeps(key)));
        let body = (!decorators.is_empty() || key.is_some()).then(BytesMut::new);
        self.answers.send(Input::FetchStarted { id: request.id, head: head.clone(), resumed: false }).await;
        let sink = Sink::new(request)?;
        let (identity, keeps_out_of_store) = (FileIdentity::default(), false);
        Ok(Reading { head, sink, decorators, body, key, before: 0, identity, keeps_out_of_store })
    }

    async fn take(&mut self, reading: &mut Reading, chunk: Bytes) -> Result<(), FetchError> {
        self.received += chunk.len() as u64;
        if let Some(body) = &mut reading.body {
            body.extend_from_slice(&chunk);
        }
        if reading.decorators.is_empty() {
            let outputs = reading.sink.push(chunk)?;
            self.answers.media(&mut reading.sink.seq, outputs).await;
        }
        if self.progress_at.is_none_or(|last| last.elapsed() >= PROGRESS_INTERVAL) {
            self.progress_at = Some(Instant::now());
            self.answers.send(Input::FetchProgress { id: self.request.id, bytes: self.received }).await;
        }
        Ok(())
    }

    /// Decorates and reads the rest of an answer that has ended well.
    async fn finish(&mut self, reading: Reading) -> Result<FetchOutcome, FetchError> {
        let Self { request, pipeline, .. } = *self;
        let Reading { head, mut sink, decorators, body, key, keeps_out_of_store, .. } = reading;
        let stalled = |_| FetchError::Timeout { started: true };
        let mut body = body.map(BytesMut::freeze);
        for decorator in decorators.iter().rev() {
            let whole = body.take().unwrap_or_default();
            let work = ask(|completion| decorator.on_response(request, &head, whole, completion));
            let changed = timeout(request.stall_timeout, work).await.map_err(stalled)??;
            if changed.len() as u64 > request.max_bytes {
                return Err(FetchError::TooLarge { limit: request.max_bytes });
            }
            body = Some(changed);
        }
        if let Some(body) = body.clone().filter(|_| !decorators.is_empty()) {
            let outputs = sink.push(body)?;
            self.answers.media(&mut sink.seq, outputs).await;
        }
        let mut seq = sink.seq;
        let (outputs, rest) = sink.finish()?;
        self.answers.media(&mut seq, outputs).await;
        if let (Some(key), Some(body), Some(store)) = (key, body, pipeline.store.as_ref())
            && !keeps_out_of_store
        {
            store.write(key, StoredMedia { url: head.url, content_type: head.content_type, body });
        }
        let bytes = self.received;
        let Ingest::Keys(file) = request.ingest else { return Ok(FetchOutcome::Complete { bytes, body: rest }) };
        let work = ask(|completion| pipeline.keys.read_keys(request, file, rest, completion));
        let keys = timeout(request.stall_timeout, work).await.map_err(stalled)??;
        if keys.is_empty() {
            return Err(FetchError::Key(DrmError::LicenceEmpty));
        }
        Ok(FetchOutcome::Keys { bytes, keys })
    }
}
