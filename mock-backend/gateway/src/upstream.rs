//! One service behind the gateway: its bulkhead, its replicas, and the attempts that a request gets.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use bytes::Bytes;
use kinora_kit::clock::Clock;
use kinora_kit::http::problem::ERROR_HEADER;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};
use tower::Service as _;
use tower::load::{CompleteOnResponse, Load as _, PeakEwma};
use tower::retry::budget::{Budget as _, TpsBudget};

use crate::breaker::{Breaker, Outcome, Pass, Readiness};
use crate::topology::Service;
use crate::transport::{Fault, Transport};

/// Maximum number of times that a request is sent to a replica that can be reached.
const MAX_TIMES_SENT: u32 = 3;
/// Pause before a replica is asked again that was asked before; doubled each time.
const PAUSE: Duration = Duration::from_millis(50);
/// Maximum pause.
const MAX_PAUSE: Duration = Duration::from_millis(400);
/// Latency that a replica is thought to have before it has answered.
const DEFAULT_LATENCY: Duration = Duration::from_millis(30);
/// Time in which a peak of the latency is forgotten, in nanoseconds.
const DECAY_NS: f64 = 10e9;

/// Bounds of repeats: `percent` of the requests, and `per_second` on top.
#[derive(Clone, Copy, Debug)]
pub struct RepeatBudget {
    /// Share of the requests of the last `window` that may be repeated, in percent.
    pub percent: u8,
    /// Repeats a second that are always allowed.
    pub per_second: u32,
    /// Time that counts; 1 to 60 s.
    pub window: Duration,
}

/// Load that a service bears.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Maximum number of requests under way.
    pub places: usize,
    /// Bounds of repeats.
    pub repeats: RepeatBudget,
    /// Time for which a request waits while no replica can be reached.
    pub grace: Duration,
}

/// A request as it is sent, perhaps several times. Its body is at hand: a repeat does not need the client again.
#[derive(Debug)]
pub struct Outgoing {
    /// Method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// Headers, complete.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Outgoing {
    /// Returns true if it may be carried out twice: it asks only (RFC 9110 §9.2.1).
    fn may_repeat(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }

    fn request(&self) -> Request<Body> {
        let body = if self.body.is_empty() { Body::empty() } else { Body::from(self.body.clone()) };
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// An answer of a service.
#[derive(Debug)]
pub struct Answer {
    /// The answer; its body may still be on its way.
    pub response: Response<Body>,
    /// Place in the bulkhead; held until the body has come.
    pub place: OwnedSemaphorePermit,
}

/// Reason why a service gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The bulkhead is full.
    Crowded,
    /// No replica takes requests; one may after this time.
    Closed {
        /// Milliseconds.
        wait_ms: i64,
    },
    /// The last attempt failed.
    Failed(Fault),
}

struct Replica {
    name: String,
    transport: Mutex<PeakEwma<Transport>>,
    breaker: Mutex<Breaker>,
    /// True: it could not be reached the last time.
    is_away: AtomicBool,
}

impl Replica {
    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        lock(&self.breaker)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One request to one replica; counts as abandoned unless something came of it.
struct Trial<'r> {
    replica: &'r Replica,
    pass: Pass,
    clock: &'r Clock,
    outcome: Outcome,
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        let now = self.clock.monotonic_ms();
        let mut breaker = self.replica.breaker();
        let was_closed = breaker.readiness(now) == Readiness::Closed;
        breaker.settle(self.pass, self.outcome, now);
        match (was_closed, breaker.readiness(now) == Readiness::Closed) {
            (true, false) => {
                tracing::warn!(replica = self.replica.name, "a replica fails: it gets no requests for now")
            }
            (false, true) => tracing::info!(replica = self.replica.name, "a replica answers again"),
            _ => {}
        }
    }
}

/// A service and its replicas.
pub struct UpstreamService {
    service: Service,
    replicas: Vec<Replica>,
    bulkhead: Arc<Semaphore>,
    budget: TpsBudget,
    grace: Duration,
    clock: Clock,
    /// State of the draws.
    draws: AtomicU64,
    repeats: AtomicU64,
}

impl UpstreamService {
    /// A service with replicas by name.
    pub fn new(service: Service, replicas: Vec<(String, Transport)>, terms: Terms, clock: Clock) -> Self {
        let replica = |(name, transport)| Replica {
            name,
            transport: Mutex::new(PeakEwma::new(transport, DEFAULT_LATENCY, DECAY_NS, CompleteOnResponse::default())),
            breaker: Mutex::default(),
            is_away: AtomicBool::new(false),
        };
        let Terms { places, repeats, grace } = terms;
        let window = repeats.window.clamp(Duration::from_secs(1), Duration::from_secs(60));
        Self {
            service,
            replicas: replicas.into_iter().map(replica).collect(),
            bulkhead: Arc::new(Semaphore::new(places)),
            budget: TpsBudget::new(window, repeats.per_second, f32::from(repeats.percent) / 100.0),
            grace,
            clock,
            draws: AtomicU64::new(0),
            repeats: AtomicU64::new(0),
        }
    }

    /// The service.
    pub fn service(&self) -> Service {
        self.service
    }

    /// Number of requests that may still be begun.
    pub fn free_places(&self) -> usize {
        self.bulkhead.available_permits()
    }

    /// Number of times that a request was sent again.
    pub fn repeats(&self) -> u64 {
        self.repeats.load(Ordering::Relaxed)
    }

    /// Names of the replicas, each with whether it takes requests.
    pub fn replicas(&self) -> impl Iterator<Item = (&str, bool)> {
        let now = self.clock.monotonic_ms();
        self.replicas.iter().map(move |replica| {
            let takes = !matches!(replica.breaker().readiness(now), Readiness::Open { .. });
            (replica.name.as_str(), takes)
        })
    }

    /// Sends a request until it is answered, within its deadline.
    ///
    /// # Errors
    /// [`Refusal`]: nothing was sent, or the last attempt failed.
    pub async fn send(&self, outgoing: &Outgoing, deadline: Duration) -> Result<Answer, Refusal> {
        let place = Arc::clone(&self.bulkhead).try_acquire_owned().map_err(|_| Refusal::Crowded)?;
        let (begun, end) = (Instant::now(), Instant::now() + deadline);
        let grace = begun + self.grace.min(deadline);
        self.budget.deposit();
        let mut tried = vec![false; self.replicas.len()];
        let (mut last, mut times_sent, mut pause) = (None, 0, PAUSE);
        while let Some((index, trial)) = self.admit_soon(&mut tried, outgoing.may_repeat(), grace).await {
            tried[index] = true;
            // Half of the time is left for another replica that could be asked.
            let has_other = outgoing.may_repeat() && self.replicas.len() > 1 && last.is_none();
            let until = if has_other { begun + deadline / 2 } else { end };
            let fault = match self.attempt(trial, outgoing, until).await {
                Ok(response) => return Ok(Answer { response, place }),
                Err(fault) => fault,
            };
            tracing::debug!(service = self.service.name(), replica = self.replicas[index].name, %fault);
            last = Some(fault);
            // A request that nobody has read loads nobody.
            if fault != Fault::Unreached {
                times_sent += 1;
                if !outgoing.may_repeat() || times_sent == MAX_TIMES_SENT || !self.budget.withdraw() {
                    break;
                }
            }
            if tried.iter().all(|tried| *tried) {
                let until = if fault == Fault::Unreached { grace } else { end };
                // Who does not answer in time does not do so a moment later.
                if fault == Fault::Silent || Instant::now() + pause >= until {
                    break;
                }
                sleep(pause).await;
                pause = (pause * 2).min(MAX_PAUSE);
                tried.fill(false);
            }
            self.repeats.fetch_add(1, Ordering::Relaxed);
        }
        Err(last.map_or_else(|| Refusal::Closed { wait_ms: self.wait_ms() }, Refusal::Failed))
    }

    /// Chooses a replica. While all of them are away, as between the end of a process and the start of the next, this waits until
    /// one takes the request, or the time is `until`.
    async fn admit_soon(&self, tried: &mut [bool], may_repeat: bool, until: Instant) -> Option<(usize, Trial<'_>)> {
        loop {
            let admitted = self.admit(tried, may_repeat);
            let all_away = self.replicas.iter().all(|replica| replica.is_away.load(Ordering::Relaxed));
            if admitted.is_some() || !all_away || Instant::now() >= until {
                return admitted;
            }
            sleep(PAUSE).await;
            tried.fill(false);
        }
    }

    /// Chooses a replica that was not tried and takes the request.
    fn admit(&self, tried: &[bool], may_repeat: bool) -> Option<(usize, Trial<'_>)> {
        let now = self.clock.monotonic_ms();
        let candidates = self.in_order(tried);
        // A request that must not be repeated probes only if nobody else is there.
        let is_welcome = |index: &usize| match self.replicas[*index].breaker().readiness(now) {
            Readiness::Closed => true,
            Readiness::Probe => may_repeat,
            Readiness::Open { .. } => false,
        };
        let (welcome, rest): (Vec<usize>, Vec<usize>) = candidates.into_iter().partition(is_welcome);
        welcome.into_iter().chain(rest).find_map(|index| {
            let replica = &self.replicas[index];
            let pass = replica.breaker().admit(now)?;
            Some((index, Trial { replica, pass, clock: &self.clock, outcome: Outcome::Abandoned }))
        })
    }

    /// Replicas that were not tried: the cheaper of two that are drawn at random, the other one, then the rest.
    fn in_order(&self, tried: &[bool]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.replicas.len()).filter(|index| !tried[*index]).collect();
        if order.len() > 1 {
            let draw = self.draw();
            let first = draw as usize % order.len();
            order.swap(0, first);
            let second = 1 + (draw >> 32) as usize % (order.len() - 1);
            order.swap(1, second);
            let cost = |index: usize| lock(&self.replicas[index].transport).load();
            if cost(order[1]) < cost(order[0]) {
                order.swap(0, 1);
            }
        }
        order
    }

    /// Numbers that look random (SplitMix64, Steele et al. 2014): nobody gains by foreseeing them.
    fn draw(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.draws.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    async fn attempt(
        &self,
        mut trial: Trial<'_>,
        outgoing: &Outgoing,
        until: Instant,
    ) -> Result<Response<Body>, Fault> {
        // Transports are always ready: they open connections as needed, within the bulkhead.
        let sent = lock(&trial.replica.transport).call(outgoing.request());
        let result = match timeout_at(until, sent).await {
            Ok(Ok(response)) if is_gateway_failure(&response) => Err(Fault::Broken),
            Ok(Ok(response)) => Ok(response),
            Ok(Err(fault)) => Err(fault),
            Err(_) => Err(Fault::Silent),
        };
        trial.replica.is_away.store(result.as_ref().is_err_and(|fault| *fault == Fault::Unreached), Ordering::Relaxed);
        trial.outcome = if result.is_ok() { Outcome::Answered } else { Outcome::Failed };
        result
    }

    /// Time until a replica may take requests again.
    fn wait_ms(&self) -> i64 {
        let now = self.clock.monotonic_ms();
        let wait = |replica: &Replica| match replica.breaker().readiness(now) {
            Readiness::Open { wait_ms } => wait_ms,
            Readiness::Closed | Readiness::Probe => 0,
        };
        self.replicas.iter().map(wait).min().unwrap_or(0)
    }
}

/// Returns true for an answer that something between here and the service gave in its place, or that belongs to another protocol.
/// A service that refuses by itself says so in our error header: that is an answer.
fn is_gateway_failure(response: &Response<Body>) -> bool {
    let status = response.status();
    let is_unavailable =
        matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT);
    status.is_informational() || is_unavailable && !response.headers().contains_key(ERROR_HEADER)
}
