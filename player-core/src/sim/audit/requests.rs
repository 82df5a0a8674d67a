//! Audit of requests: names, repetitions, delays that servers ask for, and the bytes received.

use std::collections::BTreeMap;
use std::time::Duration;

use super::require;
use crate::engine::io::{FetchError, FetchId, FetchKind, FetchOutcome, FetchReport, FetchRequest, Input, Resume};
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

/// Returns the last part of the path of a resource, which is the same at every location.
fn name(resource: &Resource) -> &str {
    let path = resource.0.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

/// A request that has not ended.
#[derive(Clone, Debug)]
struct Running {
    kind: FetchKind,
    resource: Resource,
    sent: Now,
    bytes: u64,
    /// Request that it asks to continue.
    resume: Option<Resume>,
    /// Number of bytes before its own, known once its answer has begun.
    earlier: Option<u64>,
}

/// An interrupted request that the host keeps.
#[derive(Clone, Debug)]
struct KeptRequest {
    resource: Resource,
    received: u64,
}

/// Requests of a session.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests {
    last: Option<FetchId>,
    running: BTreeMap<FetchId, Running>,
    kept: BTreeMap<FetchId, KeptRequest>,
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
        if let Some(resume) = request.resume {
            let kept = self.kept.remove(&resume.fetch);
            let fits = kept.as_ref().is_some_and(|kept| {
                kept.received == resume.received
                    && name(&kept.resource) == name(&resource)
                    && kept.resource.1 == resource.1
            });
            require(now, fits, || format!("{resource:?} continues {resume:?}, which is {kept:?}"));
        }
        let running =
            Running { kind: request.kind, resource, sent: now, bytes: 0, resume: request.resume, earlier: None };
        self.running.insert(request.id, running);
    }

    pub(super) fn on_cancel(&mut self, id: FetchId, now: Now) {
        let is_known = self.running.remove(&id).is_some() || self.kept.remove(&id).is_some();
        require(now, is_known, || format!("{id:?} is cancelled and not running"));
    }

    pub(super) fn on_input(&mut self, input: &Input, now: Now) {
        match input {
            Input::FetchProgress { id, bytes } => self.receive(*id, *bytes),
            Input::FetchStarted { id, resumed, .. } => self.start(*id, *resumed, now),
            Input::FetchEnded { id, outcome, report } => self.end(*id, outcome, report, now),
            _ => {}
        }
    }

    fn start(&mut self, id: FetchId, is_resumed: bool, now: Now) {
        let Some(running) = self.running.get_mut(&id) else { return };
        let asked = running.resume.map(|resume| resume.received);
        require(now, !is_resumed || asked.is_some(), || format!("{id:?} continues nothing"));
        running.earlier = Some(asked.filter(|_| is_resumed).unwrap_or(0));
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

    fn end(&mut self, id: FetchId, outcome: &FetchOutcome, report: &FetchReport, now: Now) {
        let (FetchOutcome::Complete { bytes, .. }
        | FetchOutcome::Keys { bytes, .. }
        | FetchOutcome::Failed { bytes, .. }) = outcome;
        self.receive(id, *bytes);
        let Some(running) = self.running.remove(&id) else { return };
        let earlier = running.earlier.or(running.resume.map(|resume| resume.received)).unwrap_or(0);
        if let FetchOutcome::Failed { error, .. } = outcome {
            self.disturb();
            if report.is_kept {
                let kept = KeptRequest { resource: running.resource.clone(), received: earlier + bytes };
                require(now, kept.received > 0, || format!("{id:?} is kept without a byte"));
                self.kept.insert(id, kept);
            }
            if let FetchError::Status { retry_after: Some(delay), .. } = error {
                self.delayed.insert(running.resource, now + (*delay).min(LONGEST_DELAY));
            }
        } else if matches!(running.kind, FetchKind::Segment | FetchKind::Text) {
            self.ended.push((earlier + bytes, now.since(running.sent)));
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
        let is_empty = self.running.is_empty() && self.kept.is_empty();
        require(now, !is_over || is_empty, || format!("{:?} {:?} outlive the session", self.running, self.kept));
        require(now, stats.requests == self.sent, || format!("{} requests, not {}", stats.requests, self.sent));
        let first = stats.retries < stats.requests || stats.requests == 0;
        require(now, first, || format!("{} retries of {}", stats.retries, stats.requests));
        let bytes = (stats.bytes_media, stats.bytes_manifest);
        let expected = (self.bytes_media, self.bytes_manifest);
        require(now, bytes == expected, || format!("bytes of media and manifests {bytes:?}, not {expected:?}"));
        require(now, stats.bytes_wasted <= stats.bytes_media, || format!("{} bytes wasted", stats.bytes_wasted));
    }
}
