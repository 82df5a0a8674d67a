//! A circuit breaker for one replica: while it fails, requests go elsewhere or are refused at once. Pure: times are arguments.
//!
//! Closed, every request passes; a number of failures in a row opens it. Open, none passes until a pause is over. Then one request
//! at a time probes: an answer closes the breaker, a failure opens it again for twice as long.

/// Failures in a row that open the breaker.
pub const MAX_FAILURES: u32 = 5;
/// First pause of an open breaker.
pub const FIRST_PAUSE_MS: i64 = 1_000;
/// Maximum pause of an open breaker.
pub const MAX_PAUSE_MS: i64 = 30_000;

/// Permission to ask the replica; returned to the breaker with what came of it. One that is older than the breaker's present
/// state changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    generation: u64,
}

/// Result of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The replica answered.
    Answered,
    /// It cannot be reached, broke off, or did not answer in time.
    Failed,
    /// The request was given up before it came to anything, because its client left.
    Abandoned,
}

/// State in which a replica takes requests, or takes none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It takes every request.
    Closed,
    /// It takes one request, which probes it.
    Probe,
    /// It takes none before this time.
    Open {
        /// Milliseconds until then, at least 1.
        wait_ms: i64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until_ms: i64, pause_ms: i64 },
    Probing { pause_ms: i64 },
}

/// The breaker of one replica. Times are milliseconds of a monotonic clock.
#[derive(Debug)]
pub struct Breaker {
    state: State,
    /// Number of changes of state.
    generation: u64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed { failures: 0 }, generation: 0 }
    }
}

impl Breaker {
    /// Returns what the replica takes now.
    pub fn readiness(&self, now_ms: i64) -> Readiness {
        match self.state {
            State::Closed { .. } => Readiness::Closed,
            State::Open { until_ms, .. } if now_ms >= until_ms => Readiness::Probe,
            State::Open { until_ms, .. } => Readiness::Open { wait_ms: until_ms - now_ms },
            // The probe decides; how soon is not known.
            State::Probing { pause_ms } => Readiness::Open { wait_ms: pause_ms },
        }
    }

    /// Lets a request through if the replica takes it.
    pub fn admit(&mut self, now_ms: i64) -> Option<Pass> {
        match (self.readiness(now_ms), self.state) {
            (Readiness::Closed, _) => {}
            (Readiness::Probe, State::Open { pause_ms, .. }) => self.change(State::Probing { pause_ms }),
            _ => return None,
        }
        Some(Pass { generation: self.generation })
    }

    /// Records what came of a request that was let through.
    pub fn settle(&mut self, pass: Pass, outcome: Outcome, now_ms: i64) {
        if pass.generation != self.generation {
            return;
        }
        match (self.state, outcome) {
            (State::Closed { .. }, Outcome::Answered) => self.state = State::Closed { failures: 0 },
            (State::Closed { failures }, Outcome::Failed) if failures + 1 >= MAX_FAILURES => {
                self.open(FIRST_PAUSE_MS, now_ms);
            }
            (State::Closed { failures }, Outcome::Failed) => self.state = State::Closed { failures: failures + 1 },
            (State::Probing { .. }, Outcome::Answered) => self.change(State::Closed { failures: 0 }),
            (State::Probing { pause_ms }, Outcome::Failed) => self.open((pause_ms * 2).min(MAX_PAUSE_MS), now_ms),
            // The next request probes.
            (State::Probing { pause_ms }, Outcome::Abandoned) => {
                self.change(State::Open { until_ms: now_ms, pause_ms })
            }
            (State::Closed { .. }, Outcome::Abandoned) | (State::Open { .. }, _) => {}
        }
    }

    fn open(&mut self, pause_ms: i64, now_ms: i64) {
        self.change(State::Open { until_ms: now_ms.saturating_add(pause_ms), pause_ms });
    }

    fn change(&mut self, state: State) {
        self.state = state;
        self.generation += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{Breaker, FIRST_PAUSE_MS, MAX_FAILURES, MAX_PAUSE_MS, Outcome, Pass, Readiness};

    fn fail(breaker: &mut Breaker, now_ms: i64) {
        let pass = breaker.admit(now_ms).expect("admitted");
        breaker.settle(pass, Outcome::Failed, now_ms);
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..MAX_FAILURES {
            fail(&mut breaker, 0);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_and_an_answer_starts_the_count_anew() {
        let mut breaker = Breaker::default();
        for _ in 0..MAX_FAILURES - 1 {
            fail(&mut breaker, 0);
        }
        let pass = breaker.admit(0).expect("closed");
        breaker.settle(pass, Outcome::Answered, 0);
        for _ in 0..MAX_FAILURES - 1 {
            fail(&mut breaker, 0);
        }
        assert_eq!(breaker.readiness(0), Readiness::Closed);
        fail(&mut breaker, 7);
        assert_eq!(breaker.readiness(7), Readiness::Open { wait_ms: FIRST_PAUSE_MS });
        assert_eq!(breaker.admit(6 + FIRST_PAUSE_MS), None);
    }

    #[test]
    fn one_probe_at_a_time_and_pauses_double() {
        let mut breaker = opened();
        let (mut now, mut pause) = (FIRST_PAUSE_MS, FIRST_PAUSE_MS);
        for _ in 0..8 {
            let probe = breaker.admit(now).expect("a probe");
            assert_eq!(breaker.admit(now), None, "a second probe");
            breaker.settle(probe, Outcome::Failed, now);
            pause = (pause * 2).min(MAX_PAUSE_MS);
            assert_eq!(breaker.readiness(now), Readiness::Open { wait_ms: pause });
            now += pause;
        }
        assert_eq!(pause, MAX_PAUSE_MS);
        let probe = breaker.admit(now).expect("a probe");
        breaker.settle(probe, Outcome::Answered, now);
        assert_eq!(breaker.readiness(now), Readiness::Closed);
        // The pause begins anew.
        for _ in 0..MAX_FAILURES {
            fail(&mut breaker, now);
        }
        assert_eq!(breaker.readiness(now), Readiness::Open { wait_ms: FIRST_PAUSE_MS });
    }

    #[test]
    fn a_late_outcome_of_an_earlier_state_changes_nothing() {
        let mut breaker = Breaker::default();
        let late = breaker.admit(0).expect("closed");
        for _ in 0..MAX_FAILURES {
            fail(&mut breaker, 0);
        }
        for outcome in [Outcome::Answered, Outcome::Failed, Outcome::Abandoned] {
            breaker.settle(late, outcome, 1);
            assert_eq!(breaker.readiness(0), Readiness::Open { wait_ms: FIRST_PAUSE_MS });
        }
        let probe = breaker.admit(FIRST_PAUSE_MS).expect("a probe");
        breaker.settle(probe, Outcome::Abandoned, FIRST_PAUSE_MS);
        breaker.settle(probe, Outcome::Failed, FIRST_PAUSE_MS);
        assert_eq!(breaker.readiness(FIRST_PAUSE_MS), Readiness::Probe);
    }

    /// Every order of eight events: requests that pass, their outcomes in the order of asking, and time.
    #[test]
    fn in_every_order_at_most_one_probe_is_out_and_no_state_lasts_for_good() {
        const EVENTS: usize = 6;
        const LENGTH: u32 = 8;
        for code in 0..EVENTS.pow(LENGTH) {
            // Half of them begin with an open breaker, the others one failure before.
            let mut breaker = if code % 2 == 0 { opened() } else { Breaker::default() };
            if code % 2 == 1 {
                for _ in 0..MAX_FAILURES - 1 {
                    fail(&mut breaker, 0);
                }
            }
            let (mut now, mut rest, mut out): (i64, usize, Vec<(Pass, bool)>) = (0, code, Vec::new());
            for _ in 0..LENGTH {
                let event = rest % EVENTS;
                rest /= EVENTS;
                match event {
                    0 => {
                        let is_probe = breaker.readiness(now) == Readiness::Probe;
                        let (readiness, pass) = (breaker.readiness(now), breaker.admit(now));
                        assert_eq!(pass.is_some(), !matches!(readiness, Readiness::Open { .. }));
                        if is_probe {
                            // Probes of earlier states have been settled before.
                            assert!(out.iter().all(|(_, is_probe)| !is_probe), "{code}: two probes");
                        }
                        out.extend(pass.map(|pass| (pass, is_probe)));
                    }
                    1 => now += FIRST_PAUSE_MS,
                    2 => now += MAX_PAUSE_MS,
                    outcome if !out.is_empty() => {
                        let (pass, is_probe) = out.remove(0);
                        let outcome = [Outcome::Answered, Outcome::Failed, Outcome::Abandoned][outcome - 3];
                        breaker.settle(pass, outcome, now);
                        let expected = match outcome {
                            Outcome::Answered => Readiness::Closed,
                            Outcome::Failed => breaker.readiness(now),
                            Outcome::Abandoned => Readiness::Probe,
                        };
                        assert!(!is_probe || breaker.readiness(now) == expected, "{code}: {outcome:?}");
                    }
                    _ => {}
                }
            }
            for (pass, _) in out {
                breaker.settle(pass, Outcome::Abandoned, now);
            }
            assert!(breaker.admit(now + MAX_PAUSE_MS).is_some(), "{code}: nobody passes any more");
        }
    }
}
