//! Audit of requests: names, repetitions, delays that servers ask for, and the bytes received.

use std::collections::BTreeMap;
use std::time::Duration;

use super::require;
use crate::engine::io::{FetchError, FetchId, FetchKind, FetchOutcome, FetchRequest, Input};
use crate::model::ByteRange;
use crate::snapshot::Snapshot;
use crate::time::Now;

/// Longest delay named by a server that a request certainly waits for.
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// Part of a resource.
pub(super) type Resource = (String, Option<(u64, Option<u64>)>);

pub(super) fn resource(request: &FetchRequest) -> Resource {
    let range = |range: ByteRange| (range.offset, range.length);
    (request.url.to_string(), request.range.map(range))
}

/// A request that has not ended.
#[derive(Clone, Debug)]
struct Running {
    kind: FetchKind,
    resource: Resource,
    sent: Now,
    bytes: u64,
}

/// Requests of a session.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests {
    last: Option<FetchId>,
    running: BTreeMap<FetchId, Running>,
    /// Media segments that were fetched in full since something happened that may lose them.
    complete: BTreeMap<Resource, FetchId>,
    /// Resources that failed, with the time before which they may not be asked for again.
    delayed: BTreeMap<Resource, Now>,
    sent: u64,
    bytes_media: u64,
    bytes_manifest: u64,
    /// Bytes and times of the segments that ended well in the present step.
    ended: Vec<(u64, Duration)>,
}

impl Requests {
    /// A presentation is loaded: its counters begin at zero.
    pub(super) fn begin(&mut self) {
        (self.sent, self.bytes_media, self.bytes_manifest) = (0, 0, 0);
        self.delayed.clear();
        self.disturb();
    }

    /// Something happened for which segments may be fetched once more.
    pub(super) fn disturb(&mut self) {
        self.complete.clear();
    }

    pub(super) fn begin_step(&mut self) {
        self.ended.clear();
    }

    pub(super) fn on_fetch(&mut self, request: &FetchRequest, now: Now) {
        require(now, self.last < Some(request.id), || format!("{:?} follows {:?}", request.id, self.last));
        self.last = Some(request.id);
        self.sent += 1;
        let resource = resource(request);
        let is_media = matches!(request.kind, FetchKind::Init | FetchKind::Segment | FetchKind::Text);
        let twice = self.running.iter().find(|(_, running)| is_media && running.resource == resource);
        require(now, twice.is_none(), || format!("{resource:?} is requested while {twice:?} is running"));
        let known = self.complete.get(&resource);
        require(now, known.is_none(), || format!("{resource:?} is requested again, though {known:?} brought it"));
        let empty = request.range.is_some_and(ByteRange::is_empty);
        require(now, !empty, || format!("{resource:?} is requested, which is empty"));
        let delayed = self.delayed.remove(&resource);
        require(now, delayed.is_none_or(|until| until <= now), || format!("{resource:?} must wait until {delayed:?}"));
        let running = Running { kind: request.kind, resource, sent: now, bytes: 0 };
        self.running.insert(request.id, running);
    }

    pub(super) fn on_cancel(&mut self, id: FetchId, now: Now) {
        require(now, self.running.remove(&id).is_some(), || format!("{id:?} is cancelled and not running"));
    }

    pub(super) fn on_input(&mut self, input: &Input, now: Now) {
        match input {
            Input::FetchProgress { id, bytes } => self.receive(*id, *bytes),
            Input::FetchEnded { id, outcome, .. } => self.end(*id, outcome, now),
            _ => {}
        }
    }

    fn receive(&mut self, id: FetchId, bytes: u64) {
        let Some(running) = self.running.get_mut(&id) else { return };
        let new = bytes.saturating_sub(running.bytes);
        running.bytes += new;
        match running.kind {
            FetchKind::Manifest | FetchKind::Index | FetchKind::Key => self.bytes_manifest += new,
            FetchKind::Init | FetchKind::Segment | FetchKind::Text => self.bytes_media += new,
        }
    }

    fn end(&mut self, id: FetchId, outcome: &FetchOutcome, now: Now) {
        let (FetchOutcome::Complete { bytes, .. }
        | FetchOutcome::Keys { bytes, .. }
        | FetchOutcome::Failed { bytes, .. }) = outcome;
        self.receive(id, *bytes);
        let Some(running) = self.running.remove(&id) else { return };
        if let FetchOutcome::Failed { error, .. } = outcome {
            self.disturb();
            if let FetchError::Status { retry_after: Some(delay), .. } = error {
                self.delayed.insert(running.resource, now + (*delay).min(LONGEST_DELAY));
            }
        } else if matches!(running.kind, FetchKind::Segment | FetchKind::Text) {
            self.ended.push((*bytes, now.since(running.sent)));
            self.complete.insert(running.resource, id);
        }
    }

    /// A segment is announced as fetched.
    pub(super) fn on_loaded(&self, bytes: u64, elapsed: Duration, now: Now) {
        let known = self.ended.iter().any(|(size, span)| *size == bytes && elapsed >= *span);
        require(now, known, || format!("a segment of {bytes} bytes in {elapsed:?} is none of {:?}", self.ended));
    }

    pub(super) fn check(&self, snapshot: &Snapshot, is_over: bool, now: Now) {
        let stats = &snapshot.stats;
        require(now, !is_over || self.running.is_empty(), || format!("{:?} outlive the session", self.running));
        require(now, stats.requests == self.sent, || format!("{} requests, not {}", stats.requests, self.sent));
        let first = stats.retries < stats.requests || stats.requests == 0;
        require(now, first, || format!("{} retries of {}", stats.retries, stats.requests));
        let bytes = (stats.bytes_media, stats.bytes_manifest);
        let expected = (self.bytes_media, self.bytes_manifest);
        require(now, bytes == expected, || format!("bytes of media and manifests {bytes:?}, not {expected:?}"));
        require(now, stats.bytes_wasted <= stats.bytes_media, || format!("{} bytes wasted", stats.bytes_wasted));
    }
}
