//! What goes wrong in a virtual world, and when. Plain data and one pure question; nothing random.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::io::{FetchKind, FetchRequest};
use crate::time::Now;

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// The host refuses the connection.
    Refuse,
    /// The name of the host cannot be resolved.
    Unresolved,
    /// The network has no route to the host.
    NoRoute,
    /// The host's certificate is refused.
    Untrusted,
    /// The connection is reset before the answer.
    Reset,
    /// The head of the answer cannot be read.
    Garbled,
    /// The host takes the request and never answers.
    Silence,
    /// An HTTP status that says no.
    Status(u16),
    /// An HTTP status that says no, and when to ask again (`Retry-After`).
    Busy(u16, Duration),
    /// The answer begins so much later.
    Delay(Duration),
    /// The body stands still after so many thousandths of it.
    Stall(u32),
    /// The connection ends after so many thousandths of the body.
    Truncate(u32),
    /// The media is damaged after so many thousandths of it.
    Corrupt(u32),
    /// A page of HTML comes instead.
    Html,
    /// The body is empty.
    Empty,
    /// Another host has it: a redirect to the same path there.
    Redirect(String),
    /// The answer to a request for a part is the whole file, which the host of the engine cuts.
    WholeFile,
    /// The answer to a request for a part brings that part of it; the host of the engine asks for the rest, in as many
    /// requests.
    Parts(u32),
}

/// A fault: which requests, when, how often, and what happens to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Requests whose address contains this; an empty text matches all. A segment also answers to its place from the
    /// beginning of the film, as in `/7.m4s`, whatever its number is, and if it is a part of a file.
    pub address: String,
    /// Requests of this kind; `None` matches all.
    pub kind: Option<FetchKind>,
    /// From this time on.
    pub from: Now,
    /// Until this time; `None` is for ever.
    pub until: Option<Now>,
    /// At most so many requests; `None` is all.
    pub times: Option<u32>,
    /// What happens.
    pub effect: Effect,
}

impl Fault {
    /// A fault of every request whose address contains a text.
    pub fn new(address: &str, effect: Effect) -> Self {
        Self { address: address.to_owned(), kind: None, from: Now::ZERO, until: None, times: None, effect }
    }

    /// Only requests of a kind.
    #[must_use]
    pub const fn of(mut self, kind: FetchKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Only from some time on.
    #[must_use]
    pub fn from(mut self, after: Duration) -> Self {
        self.from = Now::ZERO + after;
        self
    }

    /// Only until some time.
    #[must_use]
    pub fn until(mut self, after: Duration) -> Self {
        self.until = Some(Now::ZERO + after);
        self
    }

    /// Only so many times.
    #[must_use]
    pub const fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    fn matches(&self, request: &FetchRequest, by_place: Option<&str>, now: Now) -> bool {
        let contains = |address: &str| address.contains(&self.address);
        (contains(request.url.as_str()) || by_place.is_some_and(contains))
            && self.kind.is_none_or(|kind| kind == request.kind)
            && now >= self.from
            && self.until.is_none_or(|until| now < until)
    }
}

/// The faults of a world, first match wins; each that is bounded wears out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FaultPlan {
    faults: Vec<Fault>,
    fired: u64,
}

impl FaultPlan {
    /// A plan from its faults.
    pub const fn new(faults: Vec<Fault>) -> Self {
        Self { faults, fired: 0 }
    }

    /// Returns the effect on a request made now. `by_place` is its address with the place of a segment instead of its
    /// number.
    pub fn strike(&mut self, request: &FetchRequest, by_place: Option<&str>, now: Now) -> Option<Effect> {
        let faults = self.faults.iter_mut();
        let fault = faults.into_iter().find(|fault| fault.matches(request, by_place, now) && fault.times != Some(0))?;
        if let Some(times) = fault.times.as_mut() {
            *times -= 1;
        }
        self.fired += 1;
        Some(fault.effect.clone())
    }

    /// How many requests were struck.
    pub const fn fired(&self) -> u64 {
        self.fired
    }
}
