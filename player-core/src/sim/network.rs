//! A virtual network: one link shared by all transfers, and the hosts behind it. It answers requests as a host of the
//! engine would, at times that follow from the link alone.
//!
//! Transfers share the link equally at every instant, as flows of one kind do on a fluid link.

use std::time::Duration;

use abr::link::Link;
use bytes::Bytes;

use super::fault::{Effect, FaultPlan};
use super::film::{Content, Film};
use super::media::share;
use crate::container::{DemuxError, DemuxOutput};
use crate::drm::{self, KeyFile};
use crate::engine::io::{FetchError, FetchId, FetchOutcome, FetchRequest, Ingest, Input, ResponseHead};
use crate::time::Now;

/// Progress is told so many times a transfer.
const REPORTS: u64 = 8;
/// A refused connection is refused after this.
const REFUSAL: Duration = Duration::from_millis(5);

/// Something that comes once so many bytes have.
#[derive(Clone, Debug)]
enum Step {
    Progress,
    Media(Vec<DemuxOutput>),
    End(FetchOutcome),
    /// Nothing more ever comes; the host notices after its time limit.
    Stall,
    /// The host asks for the rest, which begins to come after this.
    Pause(Duration),
}

#[derive(Clone, Debug)]
enum Phase {
    /// The end is known: it comes then.
    Ending { at: Now, outcome: FetchOutcome },
    /// The answer begins then.
    Waiting { at: Now, head: ResponseHead },
    /// The answer to another request begins then.
    Paused { until: Now },
    /// Bytes flow.
    Flowing,
}

#[derive(Clone, Debug)]
struct Transfer {
    id: FetchId,
    phase: Phase,
    stall_timeout: Duration,
    /// Bytes that have come.
    done: u64,
    /// Bytes of them that the host throws away, at the beginning.
    skipped: u64,
    /// What comes when, by bytes, last first.
    steps: Vec<(u64, Step)>,
    seq: u64,
}

impl Transfer {
    /// Lets so many bytes come first that are not wanted.
    fn skip(&mut self, bytes: u64) {
        self.skipped = bytes;
        self.steps.iter_mut().for_each(|(at, _)| *at += bytes);
    }

    /// Lets the bytes come in so many parts, with a pause before each further one.
    fn pause_between(&mut self, parts: u32, size: u64, pause: Duration) {
        let parts = u64::from(parts);
        let pauses = (1..parts).map(|part| (size * part / parts, Step::Pause(pause)));
        self.steps.extend(pauses);
        // The sort keeps the order of what comes at the same byte, and the end came first.
        self.steps.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    }
}

/// The network.
#[derive(Clone, Debug)]
pub struct Network {
    link: Link,
    films: Vec<(String, Film)>,
    faults: FaultPlan,
    transfers: Vec<Transfer>,
    flowed_until: Now,
    requests: u64,
}

impl Network {
    /// A network with a link and a film on each of some hosts.
    pub fn new(link: Link, films: Vec<(String, Film)>, faults: FaultPlan) -> Self {
        Self { link, films, faults, transfers: Vec::new(), flowed_until: Now::ZERO, requests: 0 }
    }

    /// Requests struck by a fault so far.
    pub const fn faults_fired(&self) -> u64 {
        self.faults.fired()
    }

    /// Requests made so far.
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// Takes a request.
    pub fn start(&mut self, request: &FetchRequest, now: Now) {
        self.flow_to(now);
        self.requests += 1;
        let transfer = self.answer(request, now);
        self.transfers.push(transfer);
    }

    /// Forgets a request.
    pub fn cancel(&mut self, id: FetchId, now: Now) {
        self.flow_to(now);
        self.transfers.retain(|transfer| transfer.id != id);
    }

    /// How far the transfers whose bytes flow have come by now.
    pub fn progress(&self, now: Now) -> Vec<Input> {
        let (from, flowing) = (self.flowed_until.min(now), self.flowing().max(1));
        let carried = self.link.bytes_between(from.as_duration(), now.as_duration()) / flowing;
        let told = self.transfers.iter().filter(|transfer| matches!(transfer.phase, Phase::Flowing));
        told.filter_map(|transfer| {
            let (next, _) = transfer.steps.last()?;
            let bytes = (transfer.done + carried).min(*next).max(transfer.done);
            Some(Input::FetchProgress { id: transfer.id, bytes: bytes.saturating_sub(transfer.skipped) })
        })
        .collect()
    }

    /// When something comes next.
    pub fn next(&self) -> Option<Now> {
        let flowing = self.flowing();
        self.transfers.iter().filter_map(|transfer| self.next_of(transfer, flowing)).min()
    }

    /// What has come by now, if anything; call until `None`.
    pub fn poll(&mut self, now: Now) -> Option<Input> {
        let flowing = self.flowing();
        let due = |transfer: &Transfer| self.next_of(transfer, flowing).filter(|at| *at <= now);
        let (at, index) =
            self.transfers.iter().enumerate().filter_map(|(index, t)| due(t).map(|at| (at, index))).min()?;
        self.flow_to(at.max(self.flowed_until));
        let transfer = self.transfers.get_mut(index)?;
        let id = transfer.id;
        let phase = std::mem::replace(&mut transfer.phase, Phase::Flowing);
        match phase {
            Phase::Ending { outcome, .. } => {
                self.transfers.remove(index);
                Some(Input::FetchEnded { id, outcome })
            }
            Phase::Waiting { head, .. } => Some(Input::FetchStarted { id, head }),
            Phase::Paused { .. } => Some(Input::FetchProgress { id, bytes: transfer.done - transfer.skipped }),
            Phase::Flowing => {
                let (bytes, step) = transfer.steps.pop()?;
                transfer.done = transfer.done.max(bytes);
                let bytes = bytes - transfer.skipped;
                match step {
                    Step::Progress => Some(Input::FetchProgress { id, bytes }),
                    Step::Media(mut outputs) => {
                        if outputs.is_empty() {
                            return Some(Input::FetchProgress { id, bytes });
                        }
                        let output = outputs.remove(0);
                        if !outputs.is_empty() {
                            transfer.steps.push((transfer.done, Step::Media(outputs)));
                        }
                        let seq = transfer.seq;
                        transfer.seq += 1;
                        Some(Input::FetchMedia { id, seq, output })
                    }
                    Step::End(outcome) => {
                        self.transfers.remove(index);
                        Some(Input::FetchEnded { id, outcome })
                    }
                    Step::Stall => {
                        let error = FetchError::Timeout { started: true };
                        let outcome = FetchOutcome::Failed { bytes, error };
                        transfer.phase = Phase::Ending { at: at + transfer.stall_timeout, outcome };
                        Some(Input::FetchProgress { id, bytes })
                    }
                    Step::Pause(latency) => {
                        transfer.phase = Phase::Paused { until: at + latency };
                        Some(Input::FetchProgress { id, bytes })
                    }
                }
            }
        }
    }

    /// Transfers whose bytes flow: they share the link.
    fn flowing(&self) -> u64 {
        let flows = |transfer: &&Transfer| {
            matches!(transfer.phase, Phase::Flowing) && transfer.steps.last().is_some_and(|(at, _)| *at > transfer.done)
        };
        self.transfers.iter().filter(flows).count() as u64
    }

    fn next_of(&self, transfer: &Transfer, flowing: u64) -> Option<Now> {
        match &transfer.phase {
            Phase::Ending { at, .. } | Phase::Waiting { at, .. } | Phase::Paused { until: at } => Some(*at),
            Phase::Flowing => {
                let (bytes, _) = transfer.steps.last()?;
                let missing = bytes.saturating_sub(transfer.done);
                if missing == 0 {
                    return Some(self.flowed_until);
                }
                let arrival = self.link.arrival(self.flowed_until.as_duration(), missing * flowing.max(1));
                Some(Now::ZERO + arrival)
            }
        }
    }

    /// Lets bytes flow until `now`.
    fn flow_to(&mut self, now: Now) {
        if now <= self.flowed_until {
            return;
        }
        let flowing = self.flowing().max(1);
        let carried = self.link.bytes_between(self.flowed_until.as_duration(), now.as_duration()) / flowing;
        for transfer in &mut self.transfers {
            if matches!(transfer.phase, Phase::Flowing)
                && let Some((bytes, _)) = transfer.steps.last()
            {
                transfer.done = (transfer.done + carried).min(*bytes).max(transfer.done);
            }
        }
        self.flowed_until = now;
    }

    fn answer(&mut self, request: &FetchRequest, now: Now) -> Transfer {
        let host = request.url.host_str().unwrap_or_default();
        let film_of = |host: &str| self.films.iter().find(|(name, _)| name == host).map(|(_, film)| film);
        let mut film = film_of(host);
        let by_place = film.and_then(|film| film.path_of_part(request.url.path(), request.range));
        let effect = self.faults.strike(request, by_place.as_deref(), now);
        let ending = |at: Now, error| Phase::Ending { at, outcome: FetchOutcome::Failed { bytes: 0, error } };
        let latency = self.link.latency_at(now.as_duration());
        let mut transfer = Transfer {
            id: request.id,
            phase: Phase::Flowing,
            stall_timeout: request.stall_timeout,
            done: 0,
            skipped: 0,
            steps: Vec::new(),
            seq: 0,
        };
        let mut url = request.url.clone();
        let (delay, effect) = match effect {
            Some(Effect::Delay(delay)) => (delay, None),
            Some(Effect::Redirect(host)) => {
                film = film_of(&host);
                // The name is a test's own; an address with another host is an address.
                let _ = url.set_host(Some(&host));
                (latency, None)
            }
            other => (Duration::ZERO, other),
        };
        if let Some(error) = unreachable(effect.as_ref(), film.is_some()) {
            transfer.phase = ending(now + REFUSAL, error);
            return transfer;
        }
        match (film, &effect) {
            (_, Some(Effect::Silence)) => {
                let error = FetchError::Timeout { started: false };
                transfer.phase = ending(now + request.first_byte_timeout, error);
                return transfer;
            }
            (_, Some(Effect::Status(status))) => {
                let error = FetchError::Status { status: *status, retry_after: None };
                transfer.phase = ending(now + latency, error);
                return transfer;
            }
            (_, Some(Effect::Busy(status, wait))) => {
                let error = FetchError::Status { status: *status, retry_after: Some(*wait) };
                transfer.phase = ending(now + latency, error);
                return transfer;
            }
            _ => {}
        }
        if latency + delay > request.first_byte_timeout {
            let error = FetchError::Timeout { started: false };
            transfer.phase = ending(now + request.first_byte_timeout, error);
            return transfer;
        }
        let Some(mut content) = film.and_then(|film| film.part(request.url.path(), request.range)) else {
            let error = FetchError::Status { status: 404, retry_after: None };
            transfer.phase = ending(now + latency, error);
            return transfer;
        };
        if let Content::Media { pieces, .. } = &mut content
            && !matches!(&request.ingest, Ingest::Media(setup) if setup.captions)
        {
            for (_, outputs) in pieces {
                outputs.retain(|output| !matches!(output, DemuxOutput::Captions(_)));
            }
        }
        let (size, content_type) = fill(&mut transfer.steps, content, effect.as_ref());
        let whole = request.range.filter(|_| effect == Some(Effect::WholeFile));
        if let Some(range) = whole {
            transfer.skip(range.offset);
        }
        if let (Some(Effect::Parts(parts)), Some(_)) = (&effect, request.range) {
            transfer.pause_between(*parts, size, latency);
        }
        let head = ResponseHead {
            status: if request.range.is_none() || whole.is_some() { 200 } else { 206 },
            url,
            content_type: Some(content_type.to_owned()),
            content_length: Some(size),
            range_ignored: whole.is_some(),
        };
        transfer.phase = Phase::Waiting { at: now + latency + delay, head };
        if let Ingest::Keys(file) = request.ingest {
            read_keys(&mut transfer.steps, file);
        }
        transfer
    }
}

/// The error of a host that gives no answer that could be read, at once.
fn unreachable(effect: Option<&Effect>, is_known: bool) -> Option<FetchError> {
    let text = || "in the virtual network".to_owned();
    match effect {
        Some(Effect::Refuse) => Some(FetchError::Refused(text())),
        Some(Effect::Unresolved) => Some(FetchError::UnknownHost(text())),
        Some(Effect::NoRoute) => Some(FetchError::NoRoute(text())),
        Some(Effect::Untrusted) => Some(FetchError::Tls(text())),
        Some(Effect::Reset) => Some(FetchError::Unreachable(text())),
        Some(Effect::Garbled) => Some(FetchError::MalformedHead(text())),
        _ => (!is_known).then(|| FetchError::Refused(text())),
    }
}

/// A host reads the keys of an answer.
fn read_keys(steps: &mut [(u64, Step)], file: KeyFile) {
    for (_, step) in steps {
        if let Step::End(FetchOutcome::Complete { bytes, body }) = step {
            let bytes = *bytes;
            *step = Step::End(match drm::read_keys(file, body) {
                Ok(keys) => FetchOutcome::Keys { bytes, keys },
                Err(error) => FetchOutcome::Failed { bytes, error: FetchError::Key(error) },
            });
        }
    }
}

/// What comes of a content, with a fault applied. Gives the announced size and the type.
fn fill(steps: &mut Vec<(u64, Step)>, content: Content, effect: Option<&Effect>) -> (u64, &'static str) {
    let (size, content_type, pieces, body) = match (content, effect) {
        (_, Some(Effect::Html)) => {
            let page = Bytes::from_static(b"<!DOCTYPE html><html><body>Sign in to this network</body></html>");
            (page.len() as u64, "text/html", Vec::new(), page)
        }
        (_, Some(Effect::Empty)) => (0, "video/mp4", Vec::new(), Bytes::new()),
        (Content::File { content_type, bytes }, _) => (bytes.len() as u64, content_type, Vec::new(), bytes),
        (Content::Media { size, pieces }, _) => (size, "video/mp4", pieces, Bytes::new()),
    };
    let (cut, end) = match effect {
        Some(Effect::Stall(at)) => (share(size, *at), Step::Stall),
        Some(Effect::Truncate(at)) => {
            let received = share(size, *at);
            let error = FetchError::Truncated { received, expected: Some(size) };
            (received, Step::End(FetchOutcome::Failed { bytes: received, error }))
        }
        Some(Effect::Corrupt(at)) => {
            let offset = share(size, *at);
            let error = FetchError::Demux(DemuxError::Malformed { what: "a box of impossible size".into(), offset });
            (offset, Step::End(FetchOutcome::Failed { bytes: offset, error }))
        }
        _ => (size, Step::End(FetchOutcome::Complete { bytes: size, body })),
    };
    let mut timed: Vec<(u64, Step)> = (1..REPORTS).map(|part| (size * part / REPORTS, Step::Progress)).collect();
    timed.extend(pieces.into_iter().map(|(at, outputs)| (at, Step::Media(outputs))));
    timed.retain(|(at, _)| *at <= cut);
    timed.sort_by_key(|(at, _)| *at);
    timed.push((cut, end));
    timed.reverse();
    *steps = timed;
    (size, content_type)
}
