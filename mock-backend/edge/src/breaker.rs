//! A circuit breaker for one origin: while it fails, requests do not queue up behind it. Pure.
//!
//! Closed, every request passes. Open, one request at a time is let through as a probe and the others are refused at once; the
//! first answer closes it. So an origin that comes back is noticed by the next request, without a pause to sit out.

/// Failures in a row that open the breaker.
const MAX_FAILURES: u32 = 5;

/// How a request to the origin failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No answer in time.
    Silence,
    /// A refused or broken connection, or a status of 500 and above.
    Broken,
}

/// A permission to ask the origin; to be returned to [`Breaker::succeed`], [`Breaker::fail`] or [`Breaker::abandon`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    asked_ms: i64,
    is_probe: bool,
}

impl Pass {
    /// Returns true if the breaker is open and this request finds out whether it may close.
    pub fn is_probe(self) -> bool {
        self.is_probe
    }
}

/// The breaker of one origin. Times are milliseconds of a monotonic clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    is_open: bool,
    is_probing: bool,
    failures: u32,
    answered_ms: Option<i64>,
}

impl Breaker {
    /// Lets a request through, or refuses it with `None` while another one probes.
    pub fn admit(&mut self, now_ms: i64) -> Option<Pass> {
        if self.is_open && self.is_probing {
            return None;
        }
        self.is_probing = self.is_open;
        Some(Pass { asked_ms: now_ms, is_probe: self.is_open })
    }

    /// Records an answer: the origin works.
    pub fn succeed(&mut self, now_ms: i64) {
        *self = Self { answered_ms: Some(now_ms), ..Self::default() };
    }

    /// Records a failure. Silence opens the breaker at once if nobody else has been answered since the request was sent; other
    /// failures do when [`MAX_FAILURES`] of them follow each other.
    pub fn fail(&mut self, pass: Pass, failure: Failure) {
        self.abandon(pass);
        self.failures = self.failures.saturating_add(1);
        let is_silent =
            failure == Failure::Silence && self.answered_ms.is_none_or(|answered| answered <= pass.asked_ms);
        self.is_open |= is_silent || self.failures >= MAX_FAILURES;
    }

    /// Records that a request was given up before it came to anything.
    pub fn abandon(&mut self, pass: Pass) {
        if pass.is_probe {
            self.is_probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Breaker, Failure, MAX_FAILURES};
    use proptest::prelude::*;

    #[test]
    fn silence_opens_and_one_answer_closes() {
        let mut breaker = Breaker::default();
        breaker.succeed(0);
        let waiting = breaker.admit(100).expect("closed");
        breaker.fail(waiting, Failure::Silence);
        let probe = breaker.admit(5_100).expect("one may try");
        assert!(probe.is_probe());
        assert_eq!(breaker.admit(5_100), None, "the others do not wait");
        breaker.fail(probe, Failure::Silence);
        let probe = breaker.admit(7_100).expect("another one may try");
        assert_eq!(breaker.admit(7_100), None);
        breaker.succeed(7_200);
        assert!(!probe.is_probe() || breaker.admit(7_200).is_some_and(|pass| !pass.is_probe()));
    }

    #[test]
    fn one_slow_file_does_not_close_off_an_origin_that_answers() {
        let mut breaker = Breaker::default();
        let slow = breaker.admit(0).expect("closed");
        breaker.succeed(4_000);
        breaker.fail(slow, Failure::Silence);
        assert!(breaker.admit(5_000).is_some_and(|pass| !pass.is_probe()));
    }

    #[test]
    fn a_probe_that_is_given_up_makes_way_for_the_next() {
        let mut breaker = Breaker::default();
        let pass = breaker.admit(0).expect("closed");
        breaker.fail(pass, Failure::Silence);
        let probe = breaker.admit(1).expect("a probe");
        breaker.abandon(probe);
        assert!(breaker.admit(2).is_some());
    }

    proptest! {
        /// For every order of events: an open breaker has at most one request out that it admitted while open, and it never
        /// stays closed to everyone.
        #[test]
        fn at_most_one_probe_and_never_none_for_good(events in proptest::collection::vec(0_u8..4, 1..60)) {
            let mut breaker = Breaker::default();
            let mut out = Vec::new();
            for (now, event) in events.into_iter().enumerate() {
                let now = i64::try_from(now).expect("small");
                match event {
                    0 => out.extend(breaker.admit(now)),
                    1 => if let Some(pass) = out.pop() { breaker.fail(pass, Failure::Broken) },
                    2 => if let Some(pass) = out.pop() { breaker.fail(pass, Failure::Silence) },
                    _ => if out.pop().is_some() { breaker.succeed(now); out.retain(|pass| !pass.is_probe()) },
                }
                prop_assert!(out.iter().filter(|pass| pass.is_probe()).count() <= 1);
            }
            for pass in out {
                breaker.abandon(pass);
            }
            prop_assert!(breaker.admit(1_000).is_some());
        }
    }

    #[test]
    fn failures_in_a_row_open() {
        let mut breaker = Breaker::default();
        for n in 0..MAX_FAILURES {
            let pass = breaker.admit(i64::from(n)).expect("closed");
            assert!(!pass.is_probe());
            breaker.fail(pass, Failure::Broken);
        }
        assert!(breaker.admit(9).is_some_and(super::Pass::is_probe));
    }
}
