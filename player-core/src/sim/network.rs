//! A virtual network: one link shared by all transfers, and the hosts behind it. It answers requests as a host of the
//! engine would, at times that follow from the link alone.
//!
//! Transfers share the link equally at every instant, as flows of one kind do on a fluid link.

mod effects;
mod live;

use std::time::Duration;

use abr::link::Link;
use bytes::Bytes;
use kinora_faults::{Request, Verdict};
use url::Url;

use super::fault::{Effect, Fault, FaultPlan, FiredFault};
use super::film::{Content, Film};
use super::packaging::FilmFiles;
use super::resume::{Answer, Identity, Interrupted, Kept, Serving};
use crate::container::{DemuxError, DemuxOutput};
use crate::drm::{self, KeyFile};
use crate::engine::io::{FetchError, FetchId, FetchOutcome, FetchReport, FetchRequest, Ingest, Input, ResponseHead};
use crate::time::Now;
use effects::{changed, first_changed, given_up, refusal, sends_whole, unreachable};
use live::{LiveHosts, Served};

/// Number of progress reports of a transfer.
const REPORTS: u64 = 8;
/// Time after which a host that gives no answer is known to be unreachable; delays of a fault plan add to it.
const REFUSAL: Duration = Duration::from_millis(5);

/// Event of a transfer after a certain number of bytes.
#[derive(Clone, Debug)]
enum Step {
    Progress,
    Media(Vec<DemuxOutput>),
    End(FetchOutcome),
    /// Nothing more ever comes; the host notices after its time limit.
    Stall,
    /// The host asks for the rest, which begins to come after this.
    Pause(Duration),
    /// The rest is not there yet: it begins to come then.
    Hold(Now),
}

#[derive(Clone, Debug)]
enum Phase {
    /// The end is known: it comes then.
    Ending { at: Now, outcome: FetchOutcome },
    /// The answer begins then.
    Waiting { at: Now, head: ResponseHead, resumed: bool },
    /// The answer to another request begins then.
    Paused { until: Now },
    /// The body is under way.
    Flowing,
}

#[derive(Clone, Debug)]
struct Transfer {
    id: FetchId,
    phase: Phase,
    stall_timeout: Duration,
    /// Time at which the request was made.
    started: Now,
    report: FetchReport,
    /// Bytes that have come.
    done: u64,
    /// Bytes of them that the host throws away, at the beginning.
    skipped: u64,
    /// Interrupted transfer that it continues, or asks to continue.
    earlier: Option<Interrupted>,
    /// Identity of the media that flow; `None` for everything else, which is not kept.
    identity: Option<Identity>,
    /// Events to come, each with the number of bytes after which it happens; last first.
    steps: Vec<(u64, Step)>,
    seq: u64,
}

impl Transfer {
    fn new(request: &FetchRequest, earlier: Option<Interrupted>, now: Now) -> Self {
        Self {
            id: request.id,
            phase: Phase::Flowing,
            stall_timeout: request.stall_timeout,
            started: now,
            report: FetchReport::default(),
            done: 0,
            skipped: 0,
            earlier,
            identity: None,
            steps: Vec::new(),
            seq: 0,
        }
    }

    /// Returns what the host keeps of it after a failure.
    fn interrupted(&self, outcome: &FetchOutcome) -> Option<Interrupted> {
        let FetchOutcome::Failed { bytes, error } = outcome else { return None };
        let earlier = self.earlier.map_or(0, |earlier| earlier.received);
        let identity = self.identity.or_else(|| self.earlier.map(|earlier| earlier.identity))?;
        let received = earlier + bytes;
        (error.is_of_transport() && received > 0).then_some(Interrupted { received, identity })
    }

    /// Puts a number of bytes in front that the host did not ask for and throws away.
    fn skip(&mut self, bytes: u64) {
        self.skipped = bytes;
        self.steps.iter_mut().for_each(|(at, _)| *at += bytes);
    }

    /// Sends the bytes in a number of parts, with a pause before each further one.
    fn pause_between(&mut self, parts: u32, size: u64, pause: Duration) {
        let parts = u64::from(parts);
        let pauses = (1..parts).map(|part| (size * part / parts, Step::Pause(pause)));
        self.steps.extend(pauses);
        // The sort keeps the order of events at the same byte, of which the end is the first.
        self.steps.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    }
}

/// Hosts and the link to them.
#[derive(Clone, Debug)]
pub struct Network {
    link: Link,
    films: Vec<(String, FilmFiles)>,
    live: LiveHosts,
    /// Hosts that serve otherwise than usual.
    serving: Vec<(String, Serving)>,
    kept: Kept,
    faults: FaultPlan,
    fired: Vec<FiredFault>,
    transfers: Vec<Transfer>,
    flowed_until: Now,
    requests: u64,
}

impl Network {
    /// A network with a link and a film on each of some hosts.
    pub fn new(link: Link, films: Vec<(String, Film)>, faults: FaultPlan) -> Self {
        let films = films.into_iter().map(|(host, film)| (host, FilmFiles::new(film))).collect();
        Self {
            link,
            films,
            live: LiveHosts::default(),
            serving: Vec::new(),
            kept: Kept::default(),
            faults,
            fired: Vec::new(),
            transfers: Vec::new(),
            flowed_until: Now::ZERO,
            requests: 0,
        }
    }

    /// Returns each time that a fault fired, in the order of the requests: of all plans so far.
    pub fn faults_fired(&self) -> &[FiredFault] {
        &self.fired
    }

    /// Returns the faults, with how often each fired.
    pub const fn fault_plan(&self) -> &FaultPlan {
        &self.faults
    }

    /// Replaces the faults and their counts.
    pub fn set_fault_plan(&mut self, plan: FaultPlan) {
        self.faults = plan;
    }

    /// Adds a fault after those of the plan, whose counts stay.
    pub fn add_fault(&mut self, fault: Fault) {
        self.faults.add(fault);
    }

    /// Requests made so far.
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// Puts another film in the place of that of a host.
    pub fn replace_film(&mut self, host: &str, film: &Film) {
        for (_, held) in self.films.iter_mut().filter(|(name, _)| name == host) {
            *held = FilmFiles::new(film.clone());
        }
    }

    /// Lets a host serve its files otherwise from now on.
    pub fn serve(&mut self, host: &str, serving: Serving) {
        self.serving.push((host.to_owned(), serving));
    }

    fn serving(&self, host: &str) -> Serving {
        let found = self.serving.iter().rev().find(|(name, _)| name == host);
        found.map(|(_, serving)| *serving).unwrap_or_default()
    }

    /// Takes a request; its answer follows as virtual time passes.
    pub fn start(&mut self, request: &FetchRequest, now: Now) {
        self.flow_to(now);
        self.requests += 1;
        let transfer = self.answer(request, now);
        self.transfers.push(transfer);
    }

    /// Forgets a request, so that nothing more is answered to it.
    pub fn cancel(&mut self, id: FetchId, now: Now) {
        self.flow_to(now);
        self.transfers.retain(|transfer| transfer.id != id);
        self.kept.forget(id);
    }

    /// Returns the progress by now of all transfers whose body is under way.
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

    /// Returns the time of the next event.
    pub fn next(&self) -> Option<Now> {
        let flowing = self.flowing();
        self.transfers.iter().filter_map(|transfer| self.next_of(transfer, flowing)).min()
    }

    /// Returns the next input that is due by now; call it until `None`.
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
            Phase::Ending { outcome, .. } => Some(self.end(index, outcome)),
            Phase::Waiting { head, resumed, .. } => {
                transfer.report.first_byte = Some(at.since(transfer.started));
                Some(Input::FetchStarted { id, head, resumed })
            }
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
                        let is_whole = !matches!(outcome, FetchOutcome::Failed { .. });
                        transfer.report.last_byte = is_whole.then(|| at.since(transfer.started));
                        Some(self.end(index, outcome))
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
                    Step::Hold(until) => {
                        transfer.hold(at, until, bytes);
                        Some(Input::FetchProgress { id, bytes })
                    }
                }
            }
        }
    }

    /// Ends a transfer, and keeps what another request may continue.
    fn end(&mut self, index: usize, outcome: FetchOutcome) -> Input {
        let transfer = self.transfers.remove(index);
        let interrupted = transfer.interrupted(&outcome);
        if let Some(interrupted) = interrupted {
            self.kept.keep(transfer.id, interrupted);
        }
        let report = FetchReport { is_kept: interrupted.is_some(), ..transfer.report };
        Input::FetchEnded { id: transfer.id, outcome, report }
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

    fn files(&mut self, film: Option<usize>) -> Option<&mut FilmFiles> {
        self.films.get_mut(film?).map(|(_, files)| files)
    }

    /// Leaves the rest of a content if the request continues an interrupted transfer and the server lets it. Returns what
    /// the server answers to the request for a rest.
    fn find_rest(
        &self,
        request: &FetchRequest,
        url: &Url,
        transfer: &mut Transfer,
        content: &mut Content,
        effect: Option<&Effect>,
    ) -> Option<Answer> {
        let asked = transfer.earlier.take();
        let Content::Media { size, pieces } = content else { return None };
        let serving = self.serving(url.host_str().unwrap_or_default());
        let identity = serving.identify(*size);
        transfer.identity = matches!(request.ingest, Ingest::Media(_)).then_some(identity);
        let asked = asked?;
        let answer = if sends_whole(effect) { Answer::Whole } else { asked.answer(serving, identity) };
        if answer == Answer::Rest {
            transfer.earlier = Some(asked);
            *size -= asked.received;
            pieces.retain_mut(|(at, _)| {
                let is_new = *at > asked.received;
                *at = at.saturating_sub(asked.received);
                is_new
            });
        }
        Some(answer)
    }

    fn answer(&mut self, request: &FetchRequest, now: Now) -> Transfer {
        let host = request.url.host_str().unwrap_or_default();
        let mut film = self.films.iter().position(|(name, _)| name == host);
        let by_place = self.files(film).and_then(|files| files.path_of_part(request.url.path(), request.range));
        let Verdict { mut delay, effect, faults } = self.faults.verdict(&Request {
            path: request.url.path().trim_start_matches('/'),
            alias: by_place.as_deref(),
            address: request.url.as_str(),
            edge: "",
            kind: Some(request.kind.into()),
            at: now.as_duration(),
        });
        self.fired.extend(faults.into_iter().map(|fault| FiredFault::new(fault, request, now)));
        let ending = |at: Now, error| Phase::Ending { at, outcome: FetchOutcome::Failed { bytes: 0, error } };
        let latency = self.link.latency_at(now.as_duration());
        let mut transfer = Transfer::new(request, request.resume.map(|resume| self.kept.take(resume)), now);
        let mut url = request.url.clone();
        if let Some(Effect::Redirect(host)) = &effect {
            film = self.films.iter().position(|(name, _)| name == host);
            // The name is a test's own; an address with another host is an address.
            let _ = url.set_host(Some(host));
            delay = delay.saturating_add(latency);
        }
        let unreachable = unreachable(effect.as_ref(), film.is_some() || self.live.has(&url));
        let wait = delay.saturating_add(if unreachable.is_some() { REFUSAL } else { latency });
        if effect == Some(Effect::Silence) || wait > request.first_byte_timeout {
            let error = FetchError::Timeout { started: false };
            transfer.phase = ending(now + request.first_byte_timeout, error);
            return transfer;
        }
        let mut begins = now + wait;
        if let Some(error) = unreachable {
            transfer.phase = ending(begins, error);
            return transfer;
        }
        if let Some(error) = refusal(effect.as_ref()) {
            transfer.phase = ending(begins, error);
            return transfer;
        }
        let Served { begins: ready, content, waits, date } = match self.live.serve(request, &url, begins, latency) {
            Some(served) => served,
            None => Served::file(self.files(film).and_then(|it| it.part(request.url.path(), request.range)), begins),
        };
        begins = ready;
        let mut content = match content {
            Ok(_) if begins.since(now) > request.first_byte_timeout => {
                let error = FetchError::Timeout { started: false };
                transfer.phase = ending(now + request.first_byte_timeout, error);
                return transfer;
            }
            Ok(content) => content,
            Err(error) => {
                transfer.phase = ending(begins, error);
                return transfer;
            }
        };
        if !matches!(&request.ingest, Ingest::Media(setup) if setup.captions) {
            drop_captions(&mut content);
        }
        let effect = effect.map(|effect| given_up(effect, request.stall_timeout));
        let offset = request.range.map_or(0, |range| range.offset);
        let rest = self.find_rest(request, &url, &mut transfer, &mut content, effect.as_ref());
        if rest == Some(Answer::Foreign) {
            begins = begins + latency;
        }
        let resumed = rest == Some(Answer::Rest);
        let earlier = transfer.earlier.map_or(0, |earlier| earlier.received);
        let (size, content_type) = fill(&mut transfer.steps, content, (offset + earlier, earlier), effect.as_ref());
        waits.add_to(&mut transfer.steps, earlier);
        let whole = request.range.filter(|_| effect == Some(Effect::WholeFile));
        if let Some(range) = whole {
            transfer.skip(range.offset);
        }
        if let (Some(Effect::Parts(parts)), Some(_)) = (&effect, request.range) {
            transfer.pause_between(*parts, size, latency);
        }
        let head = ResponseHead {
            status: if request.range.is_none() && !resumed || whole.is_some() { 200 } else { 206 },
            url,
            content_type: Some(content_type.to_owned()),
            content_length: (!waits.is_chunked()).then_some(size),
            date,
            range_ignored: whole.is_some(),
        };
        transfer.phase = Phase::Waiting { at: begins, head, resumed };
        if let Ingest::Keys(file) = request.ingest {
            read_keys(&mut transfer.steps, file);
        }
        transfer
    }
}

/// Leaves captions out, for a request that wants none.
fn drop_captions(content: &mut Content) {
    if let Content::Media { pieces, .. } = content {
        for (_, outputs) in pieces {
            outputs.retain(|output| !matches!(output, DemuxOutput::Captions(_)));
        }
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

/// Puts the steps of a content, with a fault applied, whose first byte has this offset in its file and comes after `earlier`
/// bytes of interrupted requests. Returns the size that the answer announces, and the type.
fn fill(
    steps: &mut Vec<(u64, Step)>,
    content: Content,
    (offset, earlier): (u64, u64),
    effect: Option<&Effect>,
) -> (u64, &'static str) {
    let is_media = matches!(content, Content::Media { .. });
    let (whole, content_type, pieces, mut body) = match (content, effect) {
        (_, Some(Effect::Html)) => {
            let page = Bytes::from_static(b"<!DOCTYPE html><html><body>Sign in to this network</body></html>");
            (page.len() as u64, "text/html", Vec::new(), page)
        }
        (_, Some(Effect::Empty)) => (0, "video/mp4", Vec::new(), Bytes::new()),
        (Content::File { content_type, bytes }, _) => (bytes.len() as u64, content_type, Vec::new(), bytes),
        (Content::Media { size, pieces }, _) => (size, "video/mp4", pieces, Bytes::new()),
    };
    let size = match effect {
        Some(Effect::Shorten { after_bytes }) => whole.min(*after_bytes),
        _ => whole,
    };
    let failed = |bytes, error| (bytes, Step::End(FetchOutcome::Failed { bytes, error }));
    let broken_off = |received| {
        let (received_in_all, expected) = (earlier + received, Some(earlier + size));
        failed(received, FetchError::Truncated { received: received_in_all, expected })
    };
    let malformed = |what: &'static str, offset| {
        failed(offset, FetchError::Demux(DemuxError::Malformed { what: what.into(), offset }))
    };
    let (cut, end) = match effect {
        Some(Effect::Stall(at)) => (Effect::share(size, *at), Step::Stall),
        Some(Effect::StallAt { after_bytes, pause: None }) if *after_bytes < size => (*after_bytes, Step::Stall),
        Some(Effect::Truncate(at)) => broken_off(Effect::share(size, *at)),
        Some(Effect::ResetAt { after_bytes }) if *after_bytes < size => broken_off(*after_bytes),
        Some(Effect::Corrupt(at)) => malformed("a box of impossible size", Effect::share(size, *at)),
        Some(Effect::CorruptAt { from, every }) if is_media => match first_changed(*from, *every, offset, size) {
            // Virtual media have no bytes: what comes after the first changed one counts as damaged.
            Some(at) => malformed("a box of impossible size", at),
            None => (size, Step::End(FetchOutcome::Complete { bytes: size, body })),
        },
        Some(Effect::Shorten { .. }) if is_media && size < whole => malformed("the media end within a box", size),
        _ => {
            match effect {
                Some(Effect::Shorten { .. }) => body.truncate(usize::try_from(size).unwrap_or(usize::MAX)),
                Some(Effect::CorruptAt { from, every }) => body = changed(body, *from, *every, offset),
                _ => {}
            }
            (size, Step::End(FetchOutcome::Complete { bytes: size, body }))
        }
    };
    let mut timed: Vec<(u64, Step)> = (1..REPORTS).map(|part| (size * part / REPORTS, Step::Progress)).collect();
    timed.extend(pieces.into_iter().map(|(at, outputs)| (at, Step::Media(outputs))));
    timed.retain(|(at, _)| *at <= cut);
    if let Some(Effect::StallAt { after_bytes, pause: Some(pause) }) = effect
        && *after_bytes < size
    {
        timed.push((*after_bytes, Step::Pause(*pause)));
    }
    timed.sort_by_key(|(at, _)| *at);
    timed.push((cut, end));
    timed.reverse();
    *steps = timed;
    (size, content_type)
}
