//! Live services behind the virtual link. A request arrives half a round trip after it was made, and bytes half a round
//! trip after they left.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use url::Url;

use super::super::film::Content;
use super::super::live::{LiveAnswer, LiveOrigin, LiveQuery, WORLD_BEGINS};
use super::{Network, Phase, Step, Transfer};
use crate::engine::io::{FetchError, FetchOutcome, FetchRequest};
use crate::time::{Now, WallClock, WallClockMapping};

/// Live services by the names of their hosts, and the time by which they are ahead of the host's monotonic clock.
#[derive(Clone, Debug, Default)]
pub(super) struct LiveHosts {
    origins: Vec<(String, Arc<LiveOrigin>)>,
    ahead: Duration,
}

/// Content on its way.
pub(super) struct Served {
    /// Time at which the answer begins, at the client.
    pub(super) begins: Now,
    /// The content, or the error in its place.
    pub(super) content: Result<Content, FetchError>,
    /// Waits of the body.
    pub(super) waits: Waits,
    /// The `Date` header.
    pub(super) date: Option<WallClock>,
}

/// Places at which a body waits, ascending, with the times at which it goes on at the client.
#[derive(Default)]
pub(super) struct Waits(Vec<(u64, Now)>);

impl Served {
    /// Returns the content of a file that is there as a whole, or 404.
    pub(super) fn file(content: Option<Content>, begins: Now) -> Self {
        let content = content.ok_or(FetchError::Status { status: 404, retry_after: None });
        Self { begins, content, waits: Waits::default(), date: None }
    }
}

impl Waits {
    /// Returns true if the length is not known when the answer begins.
    pub(super) const fn is_chunked(&self) -> bool {
        !self.0.is_empty()
    }

    /// Adds the waits to the steps of a transfer that begins after `earlier` bytes.
    pub(super) fn add_to(&self, steps: &mut Vec<(u64, Step)>, earlier: u64) {
        let holds = self.0.iter().filter(|(at, _)| *at >= earlier);
        let mut held: Vec<_> = holds.map(|(at, until)| (at - earlier, Step::Hold(*until))).collect();
        held.append(steps);
        // The sort keeps the order of events at the same byte, of which the wait is the last.
        held.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        *steps = held;
    }
}

impl LiveHosts {
    /// Returns true if a host has a live service.
    pub(super) fn has(&self, url: &Url) -> bool {
        self.find(url).is_some()
    }

    fn find(&self, url: &Url) -> Option<&LiveOrigin> {
        let host = url.host_str().unwrap_or_default();
        self.origins.iter().rev().find(|(name, _)| name == host).map(|(_, origin)| origin.as_ref())
    }

    /// Returns the answer to a request that would begin at `begins` if it were ready at once; `None` if the host has no
    /// live service.
    pub(super) fn serve(&self, request: &FetchRequest, url: &Url, begins: Now, latency: Duration) -> Option<Served> {
        let origin = self.find(url)?;
        let way = latency / 2;
        let arrival = Now::from_nanos(begins.as_nanos().saturating_sub(way.as_nanos() as u64)) + self.ahead;
        let answer = origin.answer(&LiveQuery::to_url(url, request.range), arrival);
        let at_client = |time: Now| Now::ZERO + (time + way).since(Now::ZERO + self.ahead);
        let LiveAnswer { status, ready, content, mut holds, date } = answer;
        let content = match (content, status) {
            (Some(Content::File { content_type, .. }), _) if request.is_head => {
                Ok(Content::File { content_type, bytes: Bytes::new() })
            }
            (Some(Content::Media { .. }), _) if request.is_head => {
                holds.clear();
                Ok(Content::File { content_type: "video/mp4", bytes: Bytes::new() })
            }
            (Some(content), _) => Ok(content),
            (None, Some(status)) => Err(FetchError::Status { status, retry_after: None }),
            (None, None) => Err(FetchError::Refused("in the virtual network".to_owned())),
        };
        let waits = Waits(holds.into_iter().map(|(at, until)| (at, at_client(until))).collect());
        Some(Served { begins: at_client(ready).max(begins), content, waits, date })
    }
}

impl Network {
    /// Lets a host hold a live service, in the place of one that it had.
    pub(in crate::sim) fn add_live(&mut self, host: &str, origin: Arc<LiveOrigin>) {
        self.live.origins.retain(|(name, _)| name != host);
        self.live.origins.push((host.to_owned(), origin));
    }

    /// Returns the time by the clock of live services.
    pub(in crate::sim) fn utc(&self, now: Now) -> WallClock {
        WallClockMapping::new(Now::ZERO, WallClock::from_unix_nanos(WORLD_BEGINS)).utc_at(now + self.live.ahead)
    }

    /// Returns the service time of a live service in nanoseconds.
    pub(in crate::sim) fn service_time(&self, origin: &LiveOrigin, now: Now) -> u64 {
        origin.service_time(now + self.live.ahead)
    }

    /// Lets time pass for live services alone, while the client is suspended: its connections break.
    pub(in crate::sim) fn suspend(&mut self, span: Duration, now: Now) {
        self.flow_to(now);
        self.live.ahead += span;
        for transfer in &mut self.transfers {
            let bytes = transfer.done.saturating_sub(transfer.skipped);
            let error = match transfer.phase {
                Phase::Ending { .. } => continue,
                Phase::Waiting { .. } => FetchError::Unreachable("the system was suspended".to_owned()),
                Phase::Paused { .. } | Phase::Flowing => FetchError::Truncated { received: bytes, expected: None },
            };
            transfer.phase = Phase::Ending { at: now, outcome: FetchOutcome::Failed { bytes, error } };
        }
    }
}

impl Transfer {
    /// Waits at a place of the body until a time, or for as long as the client does.
    pub(super) fn hold(&mut self, at: Now, until: Now, bytes: u64) {
        if until <= at {
            return;
        }
        self.phase = if until.since(at) < self.stall_timeout {
            Phase::Paused { until }
        } else {
            let error = FetchError::Timeout { started: true };
            Phase::Ending { at: at + self.stall_timeout, outcome: FetchOutcome::Failed { bytes, error } }
        };
    }
}
