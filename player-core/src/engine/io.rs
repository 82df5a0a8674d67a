//! What goes into the engine and what comes out. All of it can be written to a log and read back.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::command::{Command, CommandId};
use crate::container::{DemuxError, DemuxOutput, DemuxSetup};
use crate::drm::{DrmError, KeyFile, KeyId, LicensedKey, SegmentCipher};
use crate::event::Event;
use crate::model::ByteRange;
use crate::render::{RenderCommand, RenderEvent};
use crate::time::{Now, WallClock};

/// Names one request; answers carry it. An answer that nobody waits for is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FetchId(pub u64);

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchKind {
    /// A manifest.
    Manifest,
    /// A media playlist or a segment index.
    Index,
    /// Initialisation data.
    Init,
    /// A media segment.
    Segment,
    /// Subtitles.
    Text,
    /// A key, or a licence with keys.
    Key,
}

/// What the host does with the bytes of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ingest {
    /// Hands the whole body over at the end.
    Body,
    /// Pushes them through a demuxer as they arrive (see [`crate::container::demuxer`]), and hands over what
    /// comes out, piece by piece.
    Media(DemuxSetup),
    /// Reads the whole body as keys (see [`crate::drm::read_keys`]) and hands them over at the end.
    Keys(KeyFile),
}

/// One thing to fetch: with HTTP GET, or with POST when there is something to post.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FetchRequest {
    /// Its name.
    pub id: FetchId,
    /// What it is for.
    pub kind: FetchKind,
    /// Where.
    pub url: Url,
    /// Which part. A `200` answer is sliced by the host, within `max_bytes`.
    pub range: Option<ByteRange>,
    /// What to do with the bytes.
    pub ingest: Ingest,
    /// Undoes the encryption of the bytes first, see [`crate::drm::SegmentDecryptor`].
    #[serde(default)]
    pub cipher: Option<SegmentCipher>,
    /// Header fields of this request, in addition to those of the host. The host's HTTP refuses names that it writes
    /// itself, see [`crate::driver::REFUSED_HEADERS`].
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Body to post; `headers` name its type.
    #[serde(default)]
    pub post: Option<Bytes>,
    /// Identifiers of the keys that a licence is asked for; empty for everything else, key files among them.
    #[serde(default)]
    pub key_ids: Vec<KeyId>,
    /// More bytes than this are an error.
    pub max_bytes: u64,
    /// Time allowed until the answer begins.
    pub first_byte_timeout: Duration,
    /// Time allowed without any further byte.
    pub stall_timeout: Duration,
}

/// The beginning of an answer with a status of success.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResponseHead {
    /// HTTP status.
    pub status: u16,
    /// The address after redirects.
    pub url: Url,
    /// `Content-Type` without parameters, lower case.
    pub content_type: Option<String>,
    /// Bytes to come, when told (after slicing).
    pub content_length: Option<u64>,
    /// The server answered `200` to a range request and the host slices.
    pub range_ignored: bool,
}

/// A byte range that was served in a way that the standard does not permit, or not in full, and is played all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RangeNotice {
    /// The whole file came with status 200 and was sliced.
    Ignored,
    /// A partial answer without `Content-Range` was taken for the part that was asked for.
    Unlabelled,
    /// The file ends before the range does.
    PastEnd {
        /// Bytes of the range that exist.
        received: u64,
    },
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum FetchError {
    /// The connection was reset or ended before the answer began.
    #[error("cannot connect: {0}")]
    Unreachable(String),
    /// The host refuses connections on this port.
    #[error("connection refused: {0}")]
    Refused(String),
    /// The name of the host cannot be resolved.
    #[error("no such host: {0}")]
    UnknownHost(String),
    /// The network has no route to the host.
    #[error("no route to the host: {0}")]
    NoRoute(String),
    /// The head of the answer cannot be read as HTTP.
    #[error("the answer is not HTTP: {0}")]
    MalformedHead(String),
    /// Nothing came within the time allowed; `started` tells whether the answer had begun.
    #[error("no data in time")]
    Timeout {
        /// The answer had begun.
        started: bool,
    },
    /// A status that says no.
    #[error("HTTP status {status}")]
    Status {
        /// The status.
        status: u16,
        /// `Retry-After`, when told.
        retry_after: Option<Duration>,
    },
    /// The body ended early.
    #[error("body ended after {received} bytes{}", expected.map(|all| format!(" of {all}")).unwrap_or_default())]
    Truncated {
        /// Bytes received.
        received: u64,
        /// Bytes announced.
        expected: Option<u64>,
    },
    /// No secure connection.
    #[error("no secure connection: {0}")]
    Tls(String),
    /// More than `max_bytes`.
    #[error("more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// Too many redirects, or a scheme that is not supported.
    #[error("unusable address: {0}")]
    BadAddress(String),
    /// A range was answered with something that does not contain it.
    #[error("range not satisfied: {0}")]
    RangeIgnored(String),
    /// The bytes came, but are not media.
    #[error(transparent)]
    Demux(#[from] DemuxError),
    /// The bytes came and cannot be decrypted.
    #[error("{0}")]
    Decrypt(DrmError),
    /// The answer came and holds no key that fits.
    #[error("{0}")]
    Key(DrmError),
    /// The host's own network code gave no answer: it refused the request, broke its contract, or dropped the handle.
    #[error("the host's network code: {0}")]
    Host(String),
}

/// Span of time in which a connection was opened, counted from the start of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectTimes {
    /// Time at which the host began to connect.
    pub start: Duration,
    /// Time at which the connection could be used, TLS included.
    pub end: Duration,
}

/// Measurements of one request by its host. All times count from the start of the request, the work of decorators included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchReport {
    /// Time spent on connecting; `None` if an open connection was used, or if the host does not know.
    pub connect: Option<ConnectTimes>,
    /// Time of the head of the answer; `None` if there was none.
    pub first_byte: Option<Duration>,
    /// Time of the end of the answer; `None` if it did not end well.
    pub last_byte: Option<Duration>,
    /// The bytes were kept by the host and did not come over the network now.
    pub from_cache: bool,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FetchOutcome {
    /// All of it came.
    Complete {
        /// Bytes received.
        bytes: u64,
        /// The whole body for [`Ingest::Body`], else empty.
        body: Bytes,
    },
    /// All of it came, and these are its keys: what [`Ingest::Keys`] wants.
    Keys {
        /// Bytes received.
        bytes: u64,
        /// At least one.
        keys: Vec<LicensedKey>,
    },
    /// It did not.
    Failed {
        /// Bytes received.
        bytes: u64,
        /// Why.
        error: FetchError,
    },
}

/// Everything that can happen to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// The host wants something.
    Command {
        /// Its name.
        id: CommandId,
        /// What.
        command: Command,
    },
    /// An answer has begun.
    FetchStarted {
        /// The request.
        id: FetchId,
        /// What is known about it.
        head: ResponseHead,
    },
    /// A byte range was served oddly; the bytes are used. [`RangeNotice::Ignored`] of a first answer comes with its
    /// head.
    FetchNotice {
        /// The request.
        id: FetchId,
        /// Way in which it was served.
        notice: RangeNotice,
    },
    /// More bytes came. At most every 50 ms for a request.
    FetchProgress {
        /// The request.
        id: FetchId,
        /// Bytes received so far.
        bytes: u64,
    },
    /// Media came out of the demuxer.
    FetchMedia {
        /// The request.
        id: FetchId,
        /// Counts from zero for each request.
        seq: u64,
        /// What.
        output: DemuxOutput,
    },
    /// A request ended. Nothing follows for its id.
    FetchEnded {
        /// The request.
        id: FetchId,
        /// How.
        outcome: FetchOutcome,
        /// Measurements by the host.
        #[serde(default)]
        report: FetchReport,
    },
    /// The renderer says something.
    Render(RenderEvent),
    /// The host has read both of its clocks: before each load, and when its wall clock was set. Without this nothing is
    /// known of wall-clock time, and what has a time from which it is available counts as available.
    WallClock {
        /// The monotonic clock.
        now: Now,
        /// The wall clock at the same instant.
        utc: WallClock,
    },
    /// The manifest may have changed: it is fetched again, and what it lists takes the place of what is known. Playback
    /// goes on meanwhile, and if it fails. Ignored while nothing is loaded or a manifest is on its way.
    Refresh,
}

/// Everything that the engine wants from its host, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Output {
    /// Fetch this. Requests run side by side; the engine limits their number.
    Fetch(Box<FetchRequest>),
    /// Forget this request; nothing needs to be answered.
    Cancel(FetchId),
    /// For the renderer.
    Render(RenderCommand),
    /// For the application.
    Event(Event),
}
