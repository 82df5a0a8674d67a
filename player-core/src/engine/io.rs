//! Inputs and outputs of the engine. All of them can be written to a log and read back.

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

/// Names one request; its answers carry it. An answer to a request that was cancelled or has ended is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FetchId(pub u64);

/// Purpose of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchKind {
    /// The HLS playlist or DASH MPD that was loaded, or a part of it in another file; also a steering manifest.
    Manifest,
    /// A media playlist or a segment index.
    Index,
    /// Initialisation data: `EXT-X-MAP` of HLS, `Initialization` of DASH.
    Init,
    /// A segment of video or audio, or of both.
    Segment,
    /// A segment of subtitles, or a file with all of them.
    Text,
    /// A key, or a licence with keys.
    Key,
}

/// Way in which the host passes the bytes of an answer on.
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

/// An interrupted request that another one continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// Last request that the host keeps it for, see [`FetchReport::is_kept`].
    pub fetch: FetchId,
    /// Number of bytes received so far, by that request and those that it continued.
    pub received: u64,
}

/// One thing to fetch: with HTTP GET, or with POST when there is something to post.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FetchRequest {
    /// Name of the request, never used twice by an engine.
    pub id: FetchId,
    /// Purpose of the request.
    pub kind: FetchKind,
    /// Address; the host follows redirects.
    pub url: Url,
    /// Range of the resource; `None` for all of it. The host slices a `200` answer, within `max_bytes`.
    pub range: Option<ByteRange>,
    /// Way in which the bytes are passed on.
    pub ingest: Ingest,
    /// Undoes the encryption of the bytes first, see [`crate::drm::SegmentDecryptor`].
    #[serde(default)]
    pub cipher: Option<SegmentCipher>,
    /// Header fields of this request, in addition to those of the host. The host's HTTP refuses names that it writes
    /// itself, see [`crate::driver::REFUSED_HEADERS`].
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Body of a POST request, whose type `headers` name; `None` makes it a GET request.
    #[serde(default)]
    pub post: Option<Bytes>,
    /// Identifiers of the keys that a licence is asked for; empty for everything else, key files among them.
    #[serde(default)]
    pub key_ids: Vec<KeyId>,
    /// Interrupted request for the same part that this one continues, if the host still keeps it and the server still
    /// has the same file; the bytes begin anew otherwise. [`Input::FetchStarted`] reports which. `range` is that of the
    /// whole part. `None` begins anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
    /// Only the head of the answer is wanted: the host sends HEAD.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_head: bool,
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
    /// HTTP status, from 200 to 299.
    pub status: u16,
    /// The address after redirects.
    pub url: Url,
    /// `Content-Type` without parameters, lower case.
    pub content_type: Option<String>,
    /// Number of bytes of the body after slicing, if the server declares it.
    pub content_length: Option<u64>,
    /// The server answered `200` to a range request and the host slices.
    pub range_ignored: bool,
    /// Time of the `Date` field, if the answer was made for this request: not where a cache has kept it (`Age`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<WallClock>,
}

/// A byte range that was served in a way that the standard does not permit, or not in full, and is played all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RangeNotice {
    /// The server sent the whole file with status 200, and the host sliced it.
    Ignored,
    /// A partial answer without `Content-Range` was taken for the part that was asked for.
    Unlabelled,
    /// The file ends before the range does.
    PastEnd {
        /// Bytes of the range that exist.
        received: u64,
    },
}

/// Reason for which a request failed.
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
    /// No byte arrived within the time allowed.
    #[error("no data in time")]
    Timeout {
        /// The answer had begun.
        started: bool,
    },
    /// The status is not one of success.
    #[error("HTTP status {status}")]
    Status {
        /// HTTP status, outside of 200 to 299.
        status: u16,
        /// Delay of the `Retry-After` header, if there is one.
        retry_after: Option<Duration>,
    },
    /// The body ended early.
    #[error("body ended after {received} bytes{}", expected.map(|all| format!(" of {all}")).unwrap_or_default())]
    Truncated {
        /// Number of bytes received.
        received: u64,
        /// Number of bytes declared, if it is known.
        expected: Option<u64>,
    },
    /// TLS could not be set up: its certificate or protocol was refused.
    #[error("no secure connection: {0}")]
    Tls(String),
    /// The body exceeds `max_bytes` of the request.
    #[error("more than {limit} bytes")]
    TooLarge {
        /// Maximum number of bytes, that of the request.
        limit: u64,
    },
    /// Too many redirects, or a scheme that is not supported.
    #[error("unusable address: {0}")]
    BadAddress(String),
    /// A range was answered with something that does not contain it.
    #[error("range not satisfied: {0}")]
    RangeIgnored(String),
    /// The bytes received are not media.
    #[error(transparent)]
    Demux(#[from] DemuxError),
    /// The bytes received cannot be decrypted.
    #[error("{0}")]
    Decrypt(DrmError),
    /// The answer holds no key that fits.
    #[error("{0}")]
    Key(DrmError),
    /// The host's own network code gave no answer: it refused the request, broke its contract, or dropped the handle.
    #[error("the host's network code: {0}")]
    Host(String),
}

impl FetchError {
    /// Returns true if the way of the bytes failed and not their content: the bytes received so far are good, and the
    /// rest of them may still come.
    pub const fn is_of_transport(&self) -> bool {
        match self {
            Self::Unreachable(_)
            | Self::Refused(_)
            | Self::UnknownHost(_)
            | Self::NoRoute(_)
            | Self::Tls(_)
            | Self::Timeout { .. }
            | Self::Truncated { .. } => true,
            Self::Status { status, .. } => matches!(status, 500..=599 | 408 | 425 | 429),
            Self::MalformedHead(_)
            | Self::TooLarge { .. }
            | Self::BadAddress(_)
            | Self::RangeIgnored(_)
            | Self::Demux(_)
            | Self::Decrypt(_)
            | Self::Key(_)
            | Self::Host(_) => false,
        }
    }
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
    /// The request broke off, and the host keeps what it received: until another request continues it ([`Resume`]), or
    /// until [`Output::Cancel`] ends it. Only for media, after a failure of transport.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_kept: bool,
}

/// Result of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FetchOutcome {
    /// The body is complete.
    Complete {
        /// Number of bytes received.
        bytes: u64,
        /// The whole body for [`Ingest::Body`], else empty.
        body: Bytes,
    },
    /// The body is complete, and its keys were read as [`Ingest::Keys`] asks.
    Keys {
        /// Number of bytes received.
        bytes: u64,
        /// Keys in the answer, at least one.
        keys: Vec<LicensedKey>,
    },
    /// The request failed, or its body did.
    Failed {
        /// Number of bytes received.
        bytes: u64,
        /// Reason of the failure.
        error: FetchError,
    },
}

/// Everything that can happen to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// The host wants something.
    Command {
        /// Name of the command, which its reply carries.
        id: CommandId,
        /// Command to carry out.
        command: Command,
    },
    /// An answer has begun.
    FetchStarted {
        /// Name of the request.
        id: FetchId,
        /// Status, address and length of the answer.
        head: ResponseHead,
        /// The bytes go on where the request named by [`FetchRequest::resume`] broke off, and so do the samples: the
        /// demuxer is the same. All numbers of bytes are those of this request alone. False if they begin anew.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        resumed: bool,
    },
    /// A byte range was served oddly; the bytes are used. [`RangeNotice::Ignored`] of a first answer comes with its
    /// head.
    FetchNotice {
        /// Name of the request.
        id: FetchId,
        /// Way in which it was served.
        notice: RangeNotice,
    },
    /// More bytes were received. Sent at most every 50 ms for a request.
    FetchProgress {
        /// Name of the request.
        id: FetchId,
        /// Bytes received so far.
        bytes: u64,
    },
    /// The demuxer returned media.
    FetchMedia {
        /// Name of the request.
        id: FetchId,
        /// Counts from zero for each request.
        seq: u64,
        /// Output of the demuxer.
        output: DemuxOutput,
    },
    /// A request ended. Nothing follows for its id.
    FetchEnded {
        /// Name of the request.
        id: FetchId,
        /// Result of the request.
        outcome: FetchOutcome,
        /// Measurements by the host.
        #[serde(default)]
        report: FetchReport,
    },
    /// A report of the renderer.
    Render(RenderEvent),
    /// The host has read both of its clocks: before each load, and when its wall clock was set. Without this nothing is
    /// known of wall-clock time, and what has a time from which it is available counts as available.
    WallClock {
        /// Time of the monotonic clock.
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
    /// Forget this request, under way or interrupted and kept; nothing needs to be answered.
    Cancel(FetchId),
    /// Command for the renderer.
    Render(RenderCommand),
    /// Event for the application.
    Event(Event),
}
