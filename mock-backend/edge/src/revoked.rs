//! Playback sessions whose signed addresses are no longer good although their time is not over. The origin lists them; an edge
//! asks for what is new every few seconds, and before it gives a manifest.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::absent::Absent;
use super::fill::lock;
use super::origin::{Origin, OriginError};
use kinora_kit::clock::Clock;

/// Time between two questions. A revocation is to bite within 30 s: one question may fail.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// The same to an origin that has no such list: it may be given one while the edge runs, and 30 s hold then too.
const ASK_AGAIN_EVERY: Duration = Duration::from_secs(20);
/// Longest time that a manifest, or the start of the edge, waits for the answer.
const MANIFEST_WAITS: Duration = Duration::from_millis(700);
/// Largest list that is read at once, in bytes.
const MAX_LIST: usize = 8 << 20;
/// Sessions that are remembered; beyond it those go first whose addresses expire first.
const MAX_SESSIONS: usize = 200_000;
/// Longest name of a session, in bytes; longer ones cannot be in a token.
const MAX_SESSION: usize = 64;

/// The origin's answer to `GET revoked?after=N`.
#[derive(Debug, Deserialize)]
struct Page {
    /// The `after` of the next question.
    next: u64,
    revoked: Vec<Revocation>,
    /// True if the list goes on from there already.
    #[serde(default)]
    more: bool,
}

/// One session that was ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Revocation {
    /// The session as its token names it.
    pub session: String,
    /// When the last of its addresses expires anyway, in milliseconds since the Unix epoch.
    pub until: i64,
}

/// The revoked sessions that an edge knows. Pure but for its clock's readings, which are arguments.
#[derive(Debug, Default)]
pub struct Revoked {
    after: u64,
    until: HashMap<String, i64>,
}

impl Revoked {
    /// Returns true if a session was revoked. What is past its time need not be known: its addresses have expired by themselves.
    pub fn contains(&self, session: &str) -> bool {
        self.until.contains_key(session)
    }

    /// Adds what the origin lists, and forgets the sessions whose addresses have expired at `wall_ms`.
    ///
    /// Returns true if the question has to be asked again from the beginning: the origin counts from a lower number than before
    /// (it was restarted with another list).
    pub fn add(&mut self, next: u64, revoked: Vec<Revocation>, wall_ms: i64) -> bool {
        let begins_again = next < self.after;
        self.after = if begins_again { 0 } else { next };
        // A day of grace, so that a wall clock set forward and back again reopens nothing.
        self.until.retain(|_, until| until.saturating_add(DAY_MS) > wall_ms);
        for revocation in revoked {
            if revocation.session.len() <= MAX_SESSION {
                let until = self.until.entry(revocation.session).or_insert(i64::MIN);
                *until = (*until).max(revocation.until);
            }
        }
        self.shrink();
        begins_again
    }

    fn shrink(&mut self) {
        if self.until.len() <= MAX_SESSIONS {
            return;
        }
        let mut ends: Vec<i64> = self.until.values().copied().collect();
        let (_, &mut limit, _) = ends.select_nth_unstable(self.until.len() - MAX_SESSIONS);
        self.until.retain(|_, until| *until >= limit);
        tracing::warn!(kept = self.until.len(), "more sessions are revoked than an edge remembers");
    }
}

const DAY_MS: i64 = 24 * 3_600_000;

/// Reason for which the origin's list is not known.
#[derive(Debug, thiserror::Error)]
enum NotKnown {
    /// It is there and has no list.
    #[error("the origin has no list: {0}")]
    NoList(String),
    /// It gave no answer.
    #[error(transparent)]
    Origin(#[from] OriginError),
}

/// The revoked sessions of one origin, kept up to date.
#[derive(Debug)]
pub struct Revocations {
    origin: Origin,
    clock: Clock,
    list: Mutex<Revoked>,
    /// When the last question was sent; locked while it is open, so that all who wait share one.
    asked: tokio::sync::Mutex<Option<Instant>>,
    /// True if the last question was not answered.
    is_failing: AtomicBool,
    /// False once the origin has answered with something else than a list.
    has_list: AtomicBool,
}

impl Revocations {
    /// The sessions that `origin` lists; none is known yet.
    pub fn new(origin: Origin, clock: Clock) -> Self {
        Self {
            origin,
            clock,
            list: Mutex::default(),
            asked: tokio::sync::Mutex::default(),
            is_failing: AtomicBool::new(false),
            has_list: AtomicBool::new(true),
        }
    }

    /// Returns true if a session is known to be revoked.
    pub fn contains(&self, session: &str) -> bool {
        lock(&self.list).contains(session)
    }

    /// Learns what was revoked before this call, so that who has just stopped a playback finds it stopped. Does not wait for an
    /// origin that does not answer.
    pub async fn refresh(&self) {
        if self.is_failing.load(Ordering::Relaxed) {
            return;
        }
        if tokio::time::timeout(MANIFEST_WAITS, self.ask_since(Instant::now())).await.is_err() {
            self.is_failing.store(true, Ordering::Relaxed);
        }
    }

    /// Asks the origin every few seconds until `end` is cancelled.
    pub async fn follow(&self, end: CancellationToken) {
        loop {
            let pause = if self.has_list.load(Ordering::Relaxed) { ASK_EVERY } else { ASK_AGAIN_EVERY };
            let asked = async {
                tokio::time::sleep(pause).await;
                self.ask_since(Instant::now()).await;
            };
            tokio::select! {
                () = end.cancelled() => return,
                () = asked => {}
            }
        }
    }

    /// Asks, unless another call has sent its question since `moment`.
    async fn ask_since(&self, moment: Instant) {
        let mut asked = self.asked.lock().await;
        if asked.is_some_and(|asked| asked >= moment) {
            return;
        }
        let now = Instant::now();
        let answered = loop {
            match self.ask().await {
                Ok(true) => {}
                other => break other.map(drop),
            }
        };
        *asked = Some(now);
        self.has_list.store(!matches!(answered, Err(NotKnown::NoList(_))), Ordering::Relaxed);
        // Once for each time that it begins to fail, or the log is full of it.
        if let (Err(error), false) = (&answered, self.is_failing.swap(answered.is_err(), Ordering::Relaxed)) {
            tracing::warn!(%error, "the revoked sessions are not known");
        }
    }

    /// Asks one question; true if there is more to ask at once.
    async fn ask(&self) -> Result<bool, NotKnown> {
        let query = format!("after={}", lock(&self.list).after);
        let mut response = self.origin.get("revoked", Some(&query), HeaderMap::new(), false).await?;
        match response.status() {
            StatusCode::OK => {}
            status if Absent::is_lasting(status.as_u16()) => {
                return Err(NotKnown::NoList(format!("it answered {}", status.as_u16())));
            }
            status => return Err(NotKnown::Origin(OriginError::Status(status.as_u16()))),
        }
        let mut body = Vec::new();
        while let Some(bytes) = response.chunk().await.map_err(|error| super::origin::failure(&error))? {
            if body.len() + bytes.len() > MAX_LIST {
                return Err(NotKnown::NoList(format!("its answer has more than {MAX_LIST} bytes")));
            }
            body.extend_from_slice(&bytes);
        }
        let page: Page = serde_json::from_slice(&body).map_err(|error| NotKnown::NoList(error.to_string()))?;
        let mut list = lock(&self.list);
        let goes_on = page.more && page.next > list.after;
        Ok(list.add(page.next, page.revoked, self.clock.now_ms()) || goes_on)
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY_MS, MAX_SESSIONS, Revocation, Revoked};
    use proptest::prelude::*;

    fn revocation(session: &str, until: i64) -> Revocation {
        Revocation { session: session.to_owned(), until }
    }

    #[test]
    fn a_list_that_counts_from_the_beginning_again_is_read_again() {
        let mut revoked = Revoked::default();
        assert!(!revoked.add(7, vec![revocation("a", 10)], 0));
        assert!(revoked.add(2, Vec::new(), 0), "the origin was restarted");
        assert_eq!(revoked.after, 0);
        assert!(revoked.contains("a"), "what was known stays known");
        assert!(!revoked.add(2, vec![revocation("b", 10)], 0));
        assert!(revoked.contains("b") && !revoked.contains("c"));
    }

    #[test]
    fn the_list_is_bounded_and_keeps_what_lasts_longest() {
        let mut revoked = Revoked::default();
        let many = (0..MAX_SESSIONS + 5).map(|n| revocation(&n.to_string(), i64::try_from(n).expect("small")));
        revoked.add(1, many.collect(), -DAY_MS);
        assert_eq!(revoked.until.len(), MAX_SESSIONS);
        assert!(!revoked.contains("0") && revoked.contains(&(MAX_SESSIONS + 4).to_string()));
    }

    proptest! {
        /// A session is refused from its revocation until its addresses have expired, whatever else is listed and whatever a
        /// wall clock within a day of the truth says.
        #[test]
        fn nothing_is_forgotten_early(
            until in 0_i64..1_000_000,
            readings in proptest::collection::vec((0_i64..1_000_000, -DAY_MS..DAY_MS), 1..20),
        ) {
            let mut revoked = Revoked::default();
            revoked.add(1, vec![revocation("s", until)], 0);
            for (n, (now, error)) in readings.into_iter().enumerate() {
                revoked.add(2 + n as u64, vec![revocation(&format!("other-{n}"), now)], now + error);
                if now < until {
                    prop_assert!(revoked.contains("s"));
                } else {
                    return Ok(());
                }
            }
        }
    }
}
