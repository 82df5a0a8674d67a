//! Requests on their way, by what they are for. A job is what is wanted; each attempt at it is one request.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use url::Url;

use super::error_map;
use crate::config::PlayerConfig;
use crate::drm::{KeyId, SegmentCipher};
use crate::engine::effects::Effects;
use crate::engine::ids::{RepKey, StreamId};
use crate::engine::io::{FetchId, FetchKind, FetchReport, FetchRequest, Ingest, Resume};
use crate::engine::source::{Candidate, Locations};
use crate::error::PlayerError;
use crate::model::Resource;
use crate::snapshot::PendingRetry;
use crate::time::Now;

/// Margin past the host's own time limits, because the error that the host reports has more detail.
const GRACE: Duration = Duration::from_secs(2);
/// More of the time to the first byte is not the link's, where the server waits for its encoder.
const MOST_TTFB: Duration = Duration::from_millis(50);
/// A pause of this length divides two bursts of an answer that comes at the pace of an encoder.
const BURST_PAUSE: Duration = Duration::from_millis(80);
/// Maximum length of one attempt, in retry deadlines: an answer that drips for longer is given up.
const LONGEST_ATTEMPT: u32 = 4;

/// Names a job; never used twice by an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) struct JobId(u64);

#[cfg(test)]
impl JobId {
    /// A name for tests of what remembers jobs.
    pub(in crate::engine) const fn for_tests(number: u64) -> Self {
        Self(number)
    }
}

/// Purpose of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Purpose {
    /// The manifest that was loaded, for the first time or again.
    Manifest,
    /// A part of the manifest that lies in a separate file.
    Remote,
    /// The index of a representation.
    Index(RepKey),
    /// Initialisation data of a representation.
    Init(RepKey),
    /// The segment that a stream waits for.
    Media(StreamId),
    /// Orders of the steering server.
    Steering,
    /// Universal time, from the source at this place of the manifest's list.
    Time(usize),
    /// Keys; those that wait for it know.
    Key,
}

/// One request of a job.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Attempt {
    /// Name of the request.
    pub fetch: FetchId,
    /// Address that it went to first, and the place of that.
    pub candidate: Candidate,
    /// The address after redirects.
    pub url: Url,
    /// Time at which the request was made.
    pub sent: Now,
    /// Time at which the answer began; `None` before.
    pub began: Option<Now>,
    /// Time of the last byte received.
    pub last_activity: Now,
    /// Number of bytes received so far.
    pub bytes: u64,
    /// Number of bytes that the answer declares.
    pub announced: Option<u64>,
    /// The host had kept the bytes.
    from_cache: bool,
    /// Bursts of an answer that comes at the pace of an encoder.
    meter: abr::ChunkMeter,
    shared_at_begin: u128,
    /// Bytes of all requests when the answer began.
    all_at_begin: u64,
}

/// State of a job.
#[derive(Clone, Debug)]
pub(in crate::engine) enum JobState {
    /// To be sent at this time.
    Waiting(Now),
    /// The request is under way.
    Running(Box<Attempt>),
}

/// The latest failure of a job that is retried after a delay.
#[derive(Clone, Debug)]
pub(in crate::engine) struct RetryState {
    /// Scheme, host and port of the server that failed.
    pub host: String,
    /// Error of the latest attempt.
    pub error: PlayerError,
    /// Delay until the next attempt.
    pub delay: Duration,
    /// Time of the next attempt.
    pub next_attempt_at: Now,
    /// Time at which the job fails for good.
    pub gives_up_at: Now,
}

/// A resource that is wanted, with all attempts to get it. Only the verbs of [`Jobs`] change one.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Job {
    /// Purpose, which decides who takes the answer.
    pub purpose: Purpose,
    /// In the terms of the host.
    pub kind: FetchKind,
    /// Addresses and range; for the manifest the locations themselves.
    pub resource: Resource,
    /// Way in which the host passes the bytes on.
    pub ingest: Ingest,
    /// Cipher by which the host decrypts the bytes.
    pub cipher: Option<SegmentCipher>,
    /// Header fields of its requests.
    pub headers: Vec<(String, String)>,
    /// Body of a POST request.
    pub post: Option<Bytes>,
    /// Keys that a licence is asked for.
    pub key_ids: Vec<KeyId>,
    /// Time at which the job was made.
    pub created_at: Now,
    /// Number of failed attempts.
    pub failures: u32,
    /// The same was requested before: the next attempt counts as a retry.
    pub is_retry: bool,
    /// Candidates that need not be asked again.
    pub tried: Vec<usize>,
    /// Latest delay between two attempts; zero before the first.
    pub last_delay: Duration,
    /// Some attempt failed in another way than by an unreachable host.
    pub is_reachable: bool,
    /// Time for which the server may hold the answer, beyond what is usual.
    patience: Duration,
    /// The server sends media as it is produced: its pace is the encoder's, and only bursts show that of the link.
    is_paced: bool,
    /// Only the head of the answer is wanted.
    is_head: bool,
    /// Set from a failure that is retried until an answer begins.
    retry: Option<RetryState>,
    /// Interrupted request that the host keeps and that the next attempt continues.
    resume: Option<Resume>,
    state: JobState,
}

impl Job {
    /// Returns the requests that the host has to forget with the job: the one on its way, and the one that it keeps.
    pub(in crate::engine) fn fetches(&self) -> impl Iterator<Item = FetchId> {
        let running = self.attempt().map(|attempt| attempt.fetch);
        running.into_iter().chain(self.resume.map(|resume| resume.fetch))
    }

    /// Returns true if only the head of the answer is wanted.
    pub(in crate::engine) const fn asks_head(&self) -> bool {
        self.is_head
    }

    /// The attempt on its way.
    pub(in crate::engine) fn attempt(&self) -> Option<&Attempt> {
        match &self.state {
            JobState::Running(attempt) => Some(attempt),
            JobState::Waiting(_) => None,
        }
    }
}

/// A finished transfer, as the adaptive rule wants to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Measured {
    /// From the request to the first byte.
    pub ttfb: Duration,
    /// From the first byte to the last.
    pub duration: Duration,
    /// Transfers that shared the link, on average.
    pub concurrent: u32,
    /// Bytes received by other requests meanwhile.
    pub others: u64,
    /// The host had kept the bytes: the link was not used.
    pub from_cache: bool,
    /// The answer came at the pace of an encoder, and its bursts show this much of the link, if anything.
    pub bursts: Option<Option<abr::Transfer>>,
}

/// Jobs of an engine, by their names.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Jobs {
    jobs: BTreeMap<JobId, Job>,
    next_job: u64,
    next_fetch: u64,
    /// Integral over time of the number of bodies on their way, in nanoseconds, and the time up to which it is summed.
    shared: u128,
    shared_at: Now,
    /// Bytes received of all requests so far.
    bytes: u64,
}

impl Jobs {
    /// Returns the bytes received by other requests since the answer to this one began; 0 before.
    pub(in crate::engine) fn others_of(&self, attempt: &Attempt) -> u64 {
        match attempt.began {
            Some(_) => self.bytes.saturating_sub(attempt.all_at_begin).saturating_sub(attempt.bytes),
            None => 0,
        }
    }

    /// A new job, due at once.
    pub(in crate::engine) fn add(
        &mut self,
        now: Now,
        purpose: Purpose,
        kind: FetchKind,
        resource: Resource,
        ingest: Ingest,
    ) -> JobId {
        let id = JobId(self.next_job);
        self.next_job += 1;
        let state = JobState::Waiting(now);
        let job = Job {
            purpose,
            kind,
            resource,
            ingest,
            cipher: None,
            headers: Vec::new(),
            post: None,
            key_ids: Vec::new(),
            created_at: now,
            failures: 0,
            is_retry: false,
            tried: Vec::new(),
            last_delay: Duration::ZERO,
            is_reachable: false,
            patience: Duration::ZERO,
            is_paced: false,
            is_head: false,
            retry: None,
            resume: None,
            state,
        };
        self.jobs.insert(id, job);
        id
    }

    /// A job by name.
    pub(in crate::engine) fn get(&self, id: JobId) -> Option<&Job> {
        self.jobs.get(&id)
    }

    /// Sets the cipher by which the host decrypts the bytes of a job.
    pub(in crate::engine) fn set_cipher(&mut self, id: JobId, cipher: Option<SegmentCipher>) {
        self.change(id, |job| job.cipher = cipher);
    }

    /// Makes a job a POST request for a licence with these keys.
    pub(in crate::engine) fn set_licence_request(&mut self, id: JobId, body: Bytes, key_ids: &[KeyId]) {
        self.change(id, |job| {
            job.headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
            job.post = Some(body);
            job.key_ids = key_ids.to_vec();
        });
    }

    /// Lets the server hold the answer of a job for longer than is usual.
    pub(in crate::engine) fn set_patience(&mut self, id: JobId, patience: Duration) {
        self.change(id, |job| job.patience = patience);
    }

    /// Notes that the answer comes at the pace of an encoder.
    pub(in crate::engine) fn set_paced(&mut self, id: JobId) {
        self.change(id, |job| job.is_paced = true);
    }

    /// Asks for the head of the answer only.
    pub(in crate::engine) fn ask_head(&mut self, id: JobId) {
        self.change(id, |job| job.is_head = true);
    }

    /// Notes that a job asks for something that was requested before, so that its first attempt counts as a retry.
    pub(in crate::engine) fn repeat(&mut self, id: JobId) {
        self.change(id, |job| job.is_retry = true);
    }

    /// Counts a failed attempt: its candidate need not be asked again.
    pub(in crate::engine) fn count_failure(&mut self, id: JobId, candidate: usize) {
        self.change(id, |job| {
            job.failures += 1;
            if !job.tried.contains(&candidate) {
                job.tried.push(candidate);
            }
        });
    }

    /// Notes that an attempt failed in another way than by an unreachable host.
    pub(in crate::engine) fn note_reachable(&mut self, id: JobId) {
        self.change(id, |job| job.is_reachable = true);
    }

    /// Notes that the attempt failed after it had continued a segment by a good part: failures are counted anew.
    pub(in crate::engine) fn note_advance(&mut self, id: JobId) {
        self.change(id, |job| (job.failures, job.last_delay) = (0, Duration::ZERO));
    }

    /// Lets the next attempt continue the present one, which broke off after `received` bytes of the resource.
    pub(in crate::engine) fn continue_later(&mut self, id: JobId, received: u64) {
        self.change(id, |job| {
            job.resume = job.attempt().map(|attempt| Resume { fetch: attempt.fetch, received });
        });
    }

    /// Lets the next attempt begin anew. Returns the request that the host keeps, if any.
    pub(in crate::engine) fn stop_continuing(&mut self, id: JobId) -> Option<FetchId> {
        Some(self.jobs.get_mut(&id)?.resume.take()?.fetch)
    }

    /// Forgets the candidates that were tried, because none is left.
    pub(in crate::engine) fn forget_tried(&mut self, id: JobId) {
        self.change(id, |job| job.tried.clear());
    }

    fn change(&mut self, id: JobId, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.jobs.get_mut(&id) {
            change(job);
        }
    }

    /// The job that a request belongs to.
    pub(in crate::engine) fn of_fetch(&self, fetch: FetchId) -> Option<JobId> {
        self.find(|job| job.attempt().is_some_and(|attempt| attempt.fetch == fetch))
    }

    /// The job with a purpose.
    pub(in crate::engine) fn of_purpose(&self, purpose: Purpose) -> Option<JobId> {
        self.find(|job| job.purpose == purpose)
    }

    /// The first job for which something holds.
    pub(in crate::engine) fn find(&self, mut holds: impl FnMut(&Job) -> bool) -> Option<JobId> {
        self.jobs.iter().find(|(_, job)| holds(job)).map(|(id, _)| *id)
    }

    /// Returns the names of all jobs, oldest first.
    pub(in crate::engine) fn ids(&self) -> Vec<JobId> {
        self.jobs.keys().copied().collect()
    }

    /// Returns the bytes received of requests under way for anything but media.
    pub(in crate::engine) fn bytes_besides_media(&self) -> u64 {
        let others = self.jobs.values().filter(|job| !matches!(job.purpose, Purpose::Media(_)));
        others.filter_map(Job::attempt).map(|attempt| attempt.bytes).sum()
    }

    /// Names of the jobs whose next attempt is due.
    pub(in crate::engine) fn due(&self, now: Now) -> Vec<JobId> {
        let due = |job: &Job| matches!(job.state, JobState::Waiting(until) if until <= now);
        self.jobs.iter().filter(|(_, job)| due(job)).map(|(id, _)| *id).collect()
    }

    /// Returns the time at which the next attempt is due.
    pub(in crate::engine) fn next_due(&self) -> Option<Now> {
        let due = |job: &Job| match job.state {
            JobState::Waiting(until) => Some(until),
            JobState::Running(_) => None,
        };
        self.jobs.values().filter_map(due).min()
    }

    /// Describes the retry that playback depends on most: anything else before subtitles, and the oldest job first.
    pub(in crate::engine) fn pending_retry(&self) -> Option<PendingRetry> {
        let retried = self.jobs.iter().filter_map(|(id, job)| Some((id, job, job.retry.as_ref()?)));
        let (_, job, retry) = retried.min_by_key(|(id, job, _)| (job.kind == FetchKind::Text, **id))?;
        Some(PendingRetry {
            stage: error_map::stage(job.kind),
            host: retry.host.clone(),
            error: retry.error.clone(),
            attempt: job.failures,
            next_attempt_at: retry.next_attempt_at,
            gives_up_at: retry.gives_up_at,
        })
    }

    /// The attempt has failed; the job waits for its next one, which the snapshot shows.
    pub(in crate::engine) fn schedule_retry(&mut self, id: JobId, retry: RetryState, now: Now) {
        self.wait(id, retry.next_attempt_at, now);
        if let Some(job) = self.jobs.get_mut(&id) {
            job.last_delay = retry.delay;
            job.retry = Some(retry);
        }
    }

    /// Starts an attempt and returns its request; `None` if there is no such job.
    pub(in crate::engine) fn send(
        &mut self,
        id: JobId,
        candidate: Candidate,
        config: &PlayerConfig,
        now: Now,
    ) -> Option<Box<FetchRequest>> {
        let fetch = FetchId(self.next_fetch);
        let job = self.jobs.get_mut(&id)?;
        self.next_fetch += 1;
        let url = candidate.url.clone();
        let request = Box::new(FetchRequest {
            id: fetch,
            kind: job.kind,
            url: url.clone(),
            range: job.resource.range,
            ingest: job.ingest.clone(),
            cipher: job.cipher.clone(),
            headers: job.headers.clone(),
            post: job.post.clone(),
            key_ids: job.key_ids.clone(),
            resume: job.resume.take(),
            max_bytes: max_bytes(job.kind),
            first_byte_timeout: config.first_byte_timeout.saturating_add(job.patience),
            is_head: job.is_head,
            stall_timeout: config.stall_timeout,
        });
        job.is_retry = true;
        job.state = JobState::Running(Box::new(Attempt {
            fetch,
            candidate,
            url,
            sent: now,
            began: None,
            last_activity: now,
            bytes: 0,
            announced: None,
            from_cache: false,
            meter: abr::ChunkMeter::new(),
            shared_at_begin: 0,
            all_at_begin: 0,
        }));
        Some(request)
    }

    /// The answer to a request has begun.
    pub(in crate::engine) fn began(&mut self, id: JobId, url: Url, announced: Option<u64>, now: Now) {
        self.share(now);
        let (shared, all) = (self.shared, self.bytes);
        if let Some(Job { state: JobState::Running(attempt), retry, .. }) = self.jobs.get_mut(&id) {
            *retry = None;
            attempt.url = url;
            attempt.announced = announced;
            attempt.began = Some(now);
            attempt.last_activity = now;
            attempt.shared_at_begin = shared;
            attempt.all_at_begin = all;
        }
    }

    /// Notes the number of bytes received, and returns how many of them are new.
    pub(in crate::engine) fn received(&mut self, id: JobId, bytes: u64, now: Now) -> u64 {
        match self.jobs.get_mut(&id) {
            Some(Job { state: JobState::Running(attempt), is_paced, .. }) => {
                let new = bytes.saturating_sub(attempt.bytes);
                if *is_paced && new > 0 {
                    if now.since(attempt.last_activity) >= BURST_PAUSE {
                        attempt.meter.chunk_ended();
                    }
                    attempt.meter.arrived(now.as_duration(), new);
                }
                attempt.last_activity = now;
                attempt.bytes = attempt.bytes.max(bytes);
                self.bytes = self.bytes.saturating_add(new);
                new
            }
            _ => 0,
        }
    }

    /// Takes the host's measurements of a request. Returns the time at which its connection was ready, if it opened one.
    pub(in crate::engine) fn take_report(&mut self, id: JobId, report: &FetchReport) -> Option<Now> {
        let Some(Job { state: JobState::Running(attempt), .. }) = self.jobs.get_mut(&id) else { return None };
        attempt.from_cache = report.from_cache;
        report.connect.map(|connect| attempt.sent + connect.end)
    }

    /// Returns what a transfer that ends now has shown of the link; `None` if its answer never began.
    pub(in crate::engine) fn measure(&mut self, id: JobId, now: Now) -> Option<Measured> {
        self.share(now);
        let job = self.jobs.get(&id)?;
        let attempt = job.attempt()?;
        let began = attempt.began?;
        let bursts = job.is_paced.then(|| {
            let mut meter = attempt.meter;
            meter.chunk_ended();
            meter.transfer(began.since(attempt.sent).min(MOST_TTFB))
        });
        let duration = now.since(began);
        let shared = self.shared.saturating_sub(attempt.shared_at_begin);
        let concurrent = (shared + duration.as_nanos() / 2) / duration.as_nanos().max(1);
        let concurrent = u32::try_from(concurrent).unwrap_or(u32::MAX).max(1);
        Some(Measured {
            ttfb: began.since(attempt.sent),
            duration,
            concurrent,
            others: self.others_of(attempt),
            from_cache: attempt.from_cache,
            bursts,
        })
    }

    /// The attempt is over; the job waits for its next one.
    pub(in crate::engine) fn wait(&mut self, id: JobId, until: Now, now: Now) {
        self.share(now);
        if let Some(job) = self.jobs.get_mut(&id) {
            job.state = JobState::Waiting(until);
            job.retry = None;
        }
    }

    /// Forgets a job; its request on the way, if any, is given back.
    pub(in crate::engine) fn remove(&mut self, id: JobId, now: Now) -> Option<Job> {
        self.share(now);
        self.jobs.remove(&id)
    }

    /// Forgets a job and cancels its request, or the one that the host keeps.
    pub(in crate::engine) fn cancel(&mut self, id: JobId, now: Now, effects: &mut Effects) {
        if let Some(job) = self.remove(id, now) {
            job.fetches().for_each(|fetch| effects.cancel(fetch));
        }
    }

    /// Forgets all jobs and cancels their requests.
    pub(in crate::engine) fn cancel_all(&mut self, now: Now, effects: &mut Effects) {
        for id in self.ids() {
            self.cancel(id, now, effects);
        }
    }

    /// Cancels the request of a job; the next attempt is due at once.
    pub(in crate::engine) fn send_again(&mut self, id: JobId, now: Now, effects: &mut Effects) {
        if let Some(attempt) = self.get(id).and_then(Job::attempt) {
            effects.cancel(attempt.fetch);
            self.wait(id, now, now);
        }
    }

    /// Records that the location of a request works; `with_media` if media has been loaded from it.
    pub(in crate::engine) fn credit_location(&self, id: JobId, locations: &mut Locations, now: Now, with_media: bool) {
        let Some(attempt) = self.get(id).and_then(Job::attempt) else { return };
        let place = &attempt.candidate.place;
        locations.served(place, now);
        if with_media {
            locations.record_media(place);
        }
    }

    /// The requests that have been silent for longer than they may be, and whether their answer had begun.
    pub(in crate::engine) fn silent(&self, config: &PlayerConfig, now: Now) -> Vec<(JobId, bool)> {
        let overdue = |(id, job): (&JobId, &Job)| {
            let attempt = job.attempt()?;
            (deadline(attempt, job.patience, config) <= now).then_some((*id, attempt.began.is_some()))
        };
        self.jobs.iter().filter_map(overdue).collect()
    }

    /// Returns the time at which the next request will have been silent for too long.
    pub(in crate::engine) fn next_silence(&self, config: &PlayerConfig) -> Option<Now> {
        let deadlines = self.jobs.values().filter_map(|job| Some(deadline(job.attempt()?, job.patience, config)));
        deadlines.min()
    }

    fn share(&mut self, now: Now) {
        let bodies = self.jobs.values().filter_map(Job::attempt).filter(|attempt| attempt.began.is_some()).count();
        self.shared += now.since(self.shared_at).as_nanos() * bodies as u128;
        self.shared_at = now;
    }
}

fn deadline(attempt: &Attempt, patience: Duration, config: &PlayerConfig) -> Now {
    let silence = match attempt.began {
        None => attempt.sent + config.first_byte_timeout + patience + GRACE,
        Some(_) => attempt.last_activity + config.stall_timeout + GRACE,
    };
    silence.min(attempt.sent + config.retry_deadline * LONGEST_ATTEMPT + patience)
}

/// More than any sane file of its kind.
const fn max_bytes(kind: FetchKind) -> u64 {
    match kind {
        FetchKind::Manifest => 16 << 20,
        FetchKind::Index => 32 << 20,
        FetchKind::Init => 4 << 20,
        FetchKind::Segment => 256 << 20,
        FetchKind::Text => 8 << 20,
        FetchKind::Key => 64 << 10,
    }
}

#[cfg(test)]
#[path = "jobs_tests.rs"]
mod tests;
