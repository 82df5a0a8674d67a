//! HTTP with reqwest: the fetcher of a player whose host gives none.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream::FusedStream;
use futures_util::{FutureExt as _, StreamExt as _};
use reqwest::header::{self, HeaderName};
use tokio::runtime::Runtime;
use url::Url;

use super::connect::ConnectTimer;
use super::exchange::{self, Exchange, Wanted};
use super::fetcher::Fetcher;
use super::identity::{FileIdentity, Rest, Validator};
use super::network_config::NetworkConfig;
use super::ranges::{AnswerHead, NextStep, RangePlan, RestAnswer, file_length};
use super::reply::{FetchReply, MAX_WAITING_BYTES};
use super::requests::runtime;
use crate::engine::io::{FetchError, FetchKind, FetchRequest, RangeNotice, ResponseHead};
use crate::error::PlayerError;
use crate::time::WallClock;

/// Bytes are handed on in pieces of at most this size.
const PIECE: usize = MAX_WAITING_BYTES;

/// Fetches with HTTP: redirects, cookies, user information, and servers that break byte ranges.
#[derive(Debug)]
pub struct HttpFetcher {
    exchange: Arc<Exchange>,
    runtime: &'static Runtime,
}

impl HttpFetcher {
    /// Creates a fetcher with an empty jar of cookies. It belongs to one player, whose cookies and credentials it keeps.
    ///
    /// # Errors
    /// `InvalidArgument` for headers or certificates that cannot be read, `Internal` without an I/O runtime.
    pub fn new(network: &NetworkConfig) -> Result<Self, PlayerError> {
        Ok(Self { exchange: Arc::new(Exchange::new(network)?), runtime: runtime()? })
    }
}

impl Fetcher for HttpFetcher {
    fn start(&self, request: FetchRequest, reply: FetchReply) {
        let exchange = Arc::clone(&self.exchange);
        let cancellation = reply.cancellation();
        let work = async move {
            let result = Transfer::new(&request, &reply).run(&exchange).await;
            reply.finish(result);
        };
        let task = self.runtime.spawn(work).abort_handle();
        cancellation.on_cancel(move || task.abort());
    }

    /// Keeps the user information for the address's origin, and sends it with every request to that.
    fn take_credentials(&self, url: &mut Url) {
        self.exchange.take_credentials(url);
    }
}

/// One request being carried out.
struct Transfer<'a> {
    request: &'a FetchRequest,
    reply: &'a FetchReply,
    plan: RangePlan,
    /// Rest that is asked for, until an answer to that has come.
    rest: Option<&'a Rest>,
}

impl<'a> Transfer<'a> {
    fn new(request: &'a FetchRequest, reply: &'a FetchReply) -> Self {
        let rest = reply.rest();
        let plan = plan_for(request).after(rest.map_or(0, |rest| rest.received));
        Self { request, reply, plan, rest }
    }

    async fn run(mut self, exchange: &Exchange) -> Result<(), FetchError> {
        let request = self.request;
        if !matches!(request.url.scheme(), "http" | "https") {
            return Err(FetchError::BadAddress(format!("the scheme {:?}", request.url.scheme())));
        }
        exchange::check_headers(&request.headers)?;
        let (mut is_first, mut is_rest) = (true, false);
        loop {
            let range = self.plan.range_header();
            let of = self.rest.and_then(|rest| rest.identity.validator.as_ref()).map(Validator::as_str);
            let wanted = Wanted { range: range.as_deref(), of };
            let timer = Arc::new(ConnectTimer::default());
            let sent = timer.scope(exchange.send(request, wanted)).await;
            if let Some((start, end)) = timer.times() {
                self.reply.set_connect(Some(start), Some(end));
            }
            let response = sent?;
            if request.is_head {
                return self.end_head(&response);
            }
            if let Some(rest) = self.rest
                && let Some(answer) = self.judge(&response, rest)
            {
                self.rest = None;
                is_rest = answer == RestAnswer::Continues;
                if is_rest {
                    self.plan.know_size(rest.identity.length);
                } else {
                    self.plan = plan_for(request);
                }
                if answer == RestAnswer::Unusable {
                    continue;
                }
            }
            let next = if response.status().is_success() {
                let notice = self.plan.begin_answer(&answer_head(&response))?;
                self.announce(&response, notice, is_first, is_rest);
                is_first = false;
                self.read(response).await?;
                self.plan.end_answer()?
            } else {
                let next = match response.status().as_u16() {
                    416 => self.plan.unsatisfied(field(&response, header::CONTENT_RANGE)),
                    _ => None,
                };
                next.ok_or_else(|| status_error(&response))?
            };
            if let NextStep::Complete(notice) = next {
                if let Some(notice) = notice.filter(|_| !is_first) {
                    self.reply.notice(notice);
                }
                break;
            }
            self.reply.continues();
        }
        if is_first { Err(FetchError::Truncated { received: 0, expected: None }) } else { Ok(()) }
    }

    /// Hands over an answer that is nothing but a head.
    fn end_head(&self, response: &reqwest::Response) -> Result<(), FetchError> {
        if !response.status().is_success() {
            return Err(status_error(response));
        }
        self.reply.begin(ResponseHead {
            status: response.status().as_u16(),
            url: response.url().clone(),
            content_type: content_type(response),
            content_length: Some(0),
            range_ignored: false,
            date: date(response),
        });
        Ok(())
    }

    /// Judges the answer to the request for a rest; `None` for one that is a failure of the server as a whole.
    ///
    /// Some servers refuse or fail a `Range` that they do not understand, so that they give whole files only. One that
    /// asks for patience (408, 425, 429) gets it.
    fn judge(&self, response: &reqwest::Response, rest: &Rest) -> Option<RestAnswer> {
        let is_conditional = rest.identity.validator.is_some();
        match response.status().as_u16() {
            200..=299 => {
                let head = answer_head(response);
                Some(self.plan.judge_rest(&head, &rest.identity, &identity(response, &head), is_conditional))
            }
            408 | 425 | 429 => None,
            _ => Some(RestAnswer::Unusable),
        }
    }

    fn announce(&self, response: &reqwest::Response, notice: Option<RangeNotice>, is_first: bool, is_rest: bool) {
        if forbids_store(response) {
            self.reply.keep_out_of_store();
        }
        if is_first {
            let found = identity(response, &answer_head(response));
            self.reply.identify(FileIdentity { length: found.length.or(self.plan.size()), ..found });
            let head = ResponseHead {
                status: response.status().as_u16(),
                url: response.url().clone(),
                content_type: content_type(response),
                content_length: self.plan.expected_rest(),
                range_ignored: notice == Some(RangeNotice::Ignored),
                date: date(response),
            };
            if is_rest {
                self.reply.begin_rest(head);
            } else {
                self.reply.begin(head);
            }
        }
        if let Some(notice) = notice.filter(|notice| *notice != RangeNotice::Ignored || !is_first) {
            self.reply.notice(notice);
        }
    }

    /// Reads one answer as far as it is wanted.
    async fn read(&mut self, response: reqwest::Response) -> Result<(), FetchError> {
        let in_part = self.plan.range_header().is_some();
        let stream = response.bytes_stream().fuse();
        let mut pieces = Pieces { stream, in_part, error: None };
        while !self.plan.is_answer_done() {
            let next = pieces.next().await;
            let Some(chunk) = next.map_err(|error| at(error, self.plan.received(), self.plan.expected()))? else {
                break;
            };
            let chunk = self.plan.cut(chunk);
            self.reply.send(chunk).await;
        }
        Ok(())
    }
}

/// Returns the plan for the whole part that a request asks for.
fn plan_for(request: &FetchRequest) -> RangePlan {
    // Where an index ends is known once its beginning has been read.
    RangePlan::new(request.range, request.kind == FetchKind::Index, request.max_bytes)
}

/// Returns the means by which the file of an answer is recognised.
fn identity(response: &reqwest::Response, head: &AnswerHead) -> FileIdentity {
    let [etag, changed, date] = [header::ETAG, header::LAST_MODIFIED, header::DATE].map(|name| field(response, name));
    FileIdentity::of(etag, changed, date, file_length(head))
}

/// Returns true if the server does not want its answer to be kept (RFC 9111 §5.2.2.5).
fn forbids_store(response: &reqwest::Response) -> bool {
    let values = response.headers().get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|directive| directive.trim().eq_ignore_ascii_case("no-store"))
}

fn field(response: &reqwest::Response, name: HeaderName) -> Option<&str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

/// Returns the time at which the origin made an answer (RFC 9110 §6.6.1); `None` for one that a cache has kept (RFC 9111
/// §5.1): it was made for another request.
fn date(response: &reqwest::Response) -> Option<WallClock> {
    let written = field(response, header::DATE).filter(|_| !response.headers().contains_key(header::AGE))?;
    let parsed = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(written).ok()?;
    Some(WallClock::from_unix_nanos(i64::try_from(parsed.as_nanosecond()).ok()?))
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
    FetchError::Status {
        status: response.status().as_u16(),
        retry_after: retry_after.map(std::time::Duration::from_secs),
    }
}

/// A body in pieces: what is there already is joined, so that the player is woken once for many small reads.
struct Pieces<S> {
    stream: S,
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
        let first = match self.stream.next().await {
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
        // Copied even if it is one chunk: a chunk is a part of the connection's read buffer, which would stay allocated as
        // a whole, unused rest included, for as long as the media is buffered.
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
