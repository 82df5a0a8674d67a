//! One replica: a state machine that is given the time and what happened, and answers what to do.
//!
//! A replica outlives its processes: it starts one after another, at one address. Verbs (`start`, `end`, `kill`) are wishes of the
//! owner, `on_*` is what happened to the current process, [`Replica::advance`] lets time pass until [`Replica::timeout`]. All push
//! [`Action`]s, which are carried out in their order before the next call.

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::Serialize;

use crate::backoff::Backoff;
use crate::moment::Moment;
use crate::topology::Policy;

/// Runs in a row that end before they listen, after which the port is given up.
const PORT_TRIES: u32 = 3;

/// Something to do for a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start a process; [`Replica::on_spawned`] or [`Replica::on_not_spawned`] follows.
    Spawn,
    /// Ask the process for its state; [`Replica::on_probed`] follows unless the process ends.
    Probe,
    /// Ask the process to end.
    Terminate,
    /// Kill the process and its group.
    Kill,
    /// Make known what happened.
    Report(Report),
}

/// Something that happened to a replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Report {
    /// A process was started.
    Started {
        /// Its identifier.
        pid: u32,
    },
    /// No process could be started.
    NotStarted {
        /// Reason given by the system.
        reason: String,
    },
    /// It announced its address.
    Listening {
        /// The address.
        url: String,
    },
    /// It is ready.
    Ready,
    /// It is no longer ready.
    Unready,
    /// It serves until those who know its address have learned of its end.
    Leaving,
    /// It was asked to end.
    Draining,
    /// It was killed.
    Killed {
        /// Reason for it.
        reason: KillReason,
    },
    /// The process has ended.
    Ended {
        /// Exit status or signal.
        status: String,
    },
    /// The next start waits.
    Waiting {
        /// Pause in milliseconds.
        pause_ms: u64,
        /// Failures in a row.
        failures: u32,
    },
    /// It fails again and again; the tries go on.
    CrashLoop {
        /// Failures in a row.
        failures: u32,
    },
    /// It has ended and is not started again.
    Stopped,
}

/// Reason for which a process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KillReason {
    /// It did not announce an address in time.
    NoAddress,
    /// It did not answer a probe within its time to start.
    NoAnswer,
    /// It no longer answers.
    Hung,
    /// It did not end in time.
    DrainTimeout,
    /// The supervisor was asked a second time to end.
    Asked,
}

impl KillReason {
    /// The reason in words.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NoAddress => "it did not announce its address in time",
            Self::NoAnswer => "it did not answer its probe in time",
            Self::Hung => "it no longer answers",
            Self::DrainTimeout => "it did not end in time",
            Self::Asked => "the supervisor was asked twice to end",
        }
    }
}

/// The answer to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 2xx.
    Ready,
    /// Another answer.
    NotReady,
    /// No answer in time, or no connection.
    Silent,
}

/// The end that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// For good, after the time to leave.
    Leave,
    /// For good, at once.
    Stop,
    /// Another process follows, after the time to leave.
    LeaveAndReplace,
    /// Another process follows, at once.
    Replace,
}

/// The state of a replica, as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Waits for the processes that it depends on.
    Held,
    /// A process runs and has not announced its address.
    Starting,
    /// It is asked until it is ready.
    Probing,
    /// It is ready.
    Ready,
    /// It was ready, and is not.
    Unready,
    /// It serves until its address is forgotten.
    Leaving,
    /// It was asked to end.
    Draining,
    /// It was killed and has not ended yet.
    Killing,
    /// No process runs or will.
    Stopped,
    /// No process runs until the pause is over.
    Waiting,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Held,
    /// `is_spawned` is false until the system has answered.
    Starting {
        deadline: Moment,
        is_spawned: bool,
    },
    /// Without a deadline: it has passed, and the process answers.
    Probing {
        deadline: Option<Moment>,
    },
    Ready,
    Unready,
    Leaving {
        until: Moment,
    },
    Draining {
        deadline: Moment,
    },
    Killing,
    Stopped,
    Waiting {
        until: Moment,
    },
}

/// The owner's wish for the time after the current process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// It should not end: its end is a failure.
    Run,
    Stop,
    Replace,
}

/// Answers in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Streak {
    ready: u32,
    other: u32,
    silent: u32,
    /// True once any probe of this process was answered.
    has_answered: bool,
}

/// A replica.
#[derive(Clone, Debug)]
pub struct Replica {
    policy: Policy,
    fixed_port: Option<u16>,
    may_move: bool,
    state: State,
    /// The moment in which the state began.
    since: Moment,
    wish: Wish,
    backoff: Backoff,
    /// Processes that were started.
    starts: u64,
    /// Port of the latest process that listened.
    kept_port: Option<u16>,
    /// Runs in a row that ended before they listened.
    unheard: u32,
    /// Longest time for which the current process was ready without interruption, as far as it is over.
    ready_for: Duration,
    streak: Streak,
    /// The moment of the next probe; `None` while one is under way or none is due.
    probe_at: Option<Moment>,
}

impl Replica {
    /// A replica that waits for [`Replica::start`]. Without a fixed port it keeps the one that it got; one that may move gives it up
    /// after three runs in a row that did not listen.
    pub fn new(policy: Policy, fixed_port: Option<u16>, may_move: bool) -> Self {
        let backoff = Backoff::new(policy.restart);
        Self {
            policy,
            fixed_port,
            may_move,
            state: State::Held,
            since: Moment::default(),
            wish: Wish::Run,
            backoff,
            starts: 0,
            kept_port: None,
            unheard: 0,
            ready_for: Duration::ZERO,
            streak: Streak::default(),
            probe_at: None,
        }
    }

    /// Its state.
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Held => Phase::Held,
            State::Starting { .. } => Phase::Starting,
            State::Probing { .. } => Phase::Probing,
            State::Ready => Phase::Ready,
            State::Unready => Phase::Unready,
            State::Leaving { .. } => Phase::Leaving,
            State::Draining { .. } => Phase::Draining,
            State::Killing => Phase::Killing,
            State::Stopped => Phase::Stopped,
            State::Waiting { .. } => Phase::Waiting,
        }
    }

    /// The moment in which its state began.
    pub fn since(&self) -> Moment {
        self.since
    }

    /// Number of processes started after the first one.
    pub fn restarts(&self) -> u64 {
        self.starts.saturating_sub(1)
    }

    /// Number of failures in a row.
    pub fn failures(&self) -> u32 {
        self.backoff.failures()
    }

    /// Returns true if it fails again and again, and is not ready now.
    pub fn is_looping(&self) -> bool {
        self.backoff.is_loop() && self.state != State::Ready
    }

    /// Port for its next process, 0 for a free one.
    pub fn port(&self) -> u16 {
        let kept = self.kept_port.filter(|_| !self.may_move || self.unheard < PORT_TRIES);
        self.fixed_port.or(kept).unwrap_or(0)
    }

    /// Starts the first process.
    pub fn start(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if matches!(self.state, State::Held) {
            self.spawn(now, actions);
        }
    }

    /// Ends the current process, or the wait for the next one. A replica that was to stop does not return, and one that has not been
    /// started is not replaced.
    pub fn end(&mut self, end: End, now: Moment, actions: &mut Vec<Action>) {
        let (wish, leaves) = match end {
            End::Leave => (Wish::Stop, true),
            End::Stop => (Wish::Stop, false),
            End::LeaveAndReplace => (Wish::Replace, true),
            End::Replace => (Wish::Replace, false),
        };
        if wish == Wish::Replace && (self.wish == Wish::Stop || self.state == State::Held) {
            return;
        }
        self.wish = wish;
        match self.state {
            State::Held | State::Waiting { .. } => self.settle(now, actions),
            State::Stopped | State::Starting { is_spawned: false, .. } | State::Draining { .. } | State::Killing => {}
            State::Ready if leaves => {
                self.enter(State::Leaving { until: now.after(self.policy.leave) }, now);
                actions.push(Action::Report(Report::Leaving));
                self.advance(now, actions);
            }
            State::Leaving { .. } if leaves => {}
            State::Ready
            | State::Leaving { .. }
            | State::Unready
            | State::Probing { .. }
            | State::Starting { is_spawned: true, .. } => self.drain(now, actions),
        }
    }

    /// Kills the current process and stops.
    pub fn kill(&mut self, now: Moment, actions: &mut Vec<Action>) {
        self.wish = Wish::Stop;
        match self.state {
            State::Held | State::Waiting { .. } => self.settle(now, actions),
            State::Stopped | State::Killing | State::Starting { is_spawned: false, .. } => {}
            _ => self.kill_because(KillReason::Asked, now, actions),
        }
    }

    /// The process runs.
    pub fn on_spawned(&mut self, pid: u32, now: Moment, actions: &mut Vec<Action>) {
        let State::Starting { deadline, is_spawned: false } = self.state else { return };
        self.state = State::Starting { deadline, is_spawned: true };
        actions.push(Action::Report(Report::Started { pid }));
        if self.wish != Wish::Run {
            self.drain(now, actions);
        }
    }

    /// The system could not start a process.
    pub fn on_not_spawned(&mut self, reason: String, now: Moment, actions: &mut Vec<Action>) {
        if !matches!(self.state, State::Starting { is_spawned: false, .. }) {
            return;
        }
        actions.push(Action::Report(Report::NotStarted { reason }));
        self.settle(now, actions);
    }

    /// The process announced its address.
    pub fn on_listening(&mut self, url: String, port: u16, now: Moment, actions: &mut Vec<Action>) {
        let State::Starting { deadline, is_spawned: true } = self.state else { return };
        (self.kept_port, self.unheard, self.streak) = (Some(port), 0, Streak::default());
        self.enter(State::Probing { deadline: Some(deadline) }, now);
        actions.push(Action::Report(Report::Listening { url }));
        self.probe(actions);
    }

    /// A probe was answered, or not.
    pub fn on_probed(&mut self, answer: Answer, now: Moment, actions: &mut Vec<Action>) {
        if !matches!(self.state, State::Probing { .. } | State::Ready | State::Unready) {
            return;
        }
        self.streak.count(answer);
        let probe = &self.policy.probe;
        let (unready_after, hung_after) = (probe.unready_after, probe.hung_after);
        match self.state {
            State::Probing { .. } | State::Unready if self.streak.ready >= probe.ready_after => {
                self.enter(State::Ready, now);
                actions.push(Action::Report(Report::Ready));
            }
            State::Ready if self.streak.other >= unready_after => {
                self.enter(State::Unready, now);
                actions.push(Action::Report(Report::Unready));
            }
            _ => {}
        }
        // The first deadline decides about a process that has not been ready; afterwards silence alone does.
        let is_judged = !matches!(self.state, State::Probing { deadline: Some(_) });
        if is_judged && self.streak.silent >= hung_after {
            return self.kill_because(KillReason::Hung, now, actions);
        }
        let probe = &self.policy.probe;
        let pause = if matches!(self.state, State::Probing { .. }) { probe.every_at_start } else { probe.every };
        self.probe_at = Some(now.after(pause));
    }

    /// The process has ended.
    pub fn on_exited(&mut self, status: String, now: Moment, actions: &mut Vec<Action>) {
        if !self.is_running() {
            return;
        }
        actions.push(Action::Report(Report::Ended { status }));
        self.settle(now, actions);
    }

    /// Lets time pass.
    pub fn advance(&mut self, now: Moment, actions: &mut Vec<Action>) {
        match self.state {
            State::Starting { deadline, is_spawned: true } if now >= deadline => {
                return self.kill_because(KillReason::NoAddress, now, actions);
            }
            State::Probing { deadline: Some(deadline) } if now >= deadline => {
                if self.streak.silent > 0 || !self.streak.has_answered {
                    return self.kill_because(KillReason::NoAnswer, now, actions);
                }
                self.state = State::Probing { deadline: None };
            }
            State::Leaving { until } if now >= until => return self.drain(now, actions),
            State::Draining { deadline } if now >= deadline => {
                return self.kill_because(KillReason::DrainTimeout, now, actions);
            }
            State::Waiting { until } if now >= until => return self.spawn(now, actions),
            _ => {}
        }
        if self.probe_at.is_some_and(|at| now >= at) {
            self.probe(actions);
        }
    }

    /// The moment until which nothing happens by itself; `None` if nothing ever will.
    pub fn timeout(&self) -> Option<Moment> {
        let due = match self.state {
            State::Starting { deadline, is_spawned: true } | State::Draining { deadline } => Some(deadline),
            State::Probing { deadline } => deadline,
            State::Leaving { until } | State::Waiting { until } => Some(until),
            State::Starting { is_spawned: false, .. }
            | State::Held
            | State::Ready
            | State::Unready
            | State::Killing
            | State::Stopped => None,
        };
        [due, self.probe_at].into_iter().flatten().min()
    }

    /// Returns true while a process exists.
    pub fn is_running(&self) -> bool {
        match self.state {
            State::Starting { is_spawned, .. } => is_spawned,
            State::Probing { .. }
            | State::Ready
            | State::Unready
            | State::Leaving { .. }
            | State::Draining { .. }
            | State::Killing => true,
            State::Held | State::Stopped | State::Waiting { .. } => false,
        }
    }

    fn enter(&mut self, state: State, now: Moment) {
        if self.state == State::Ready {
            self.ready_for = self.ready_for.max(now.since(self.since));
        }
        (self.state, self.since) = (state, now);
    }

    fn spawn(&mut self, now: Moment, actions: &mut Vec<Action>) {
        self.enter(State::Starting { deadline: now.after(self.policy.start), is_spawned: false }, now);
        (self.wish, self.probe_at, self.ready_for) = (Wish::Run, None, Duration::ZERO);
        self.starts += 1;
        self.unheard = self.unheard.saturating_add(1);
        actions.push(Action::Spawn);
    }

    fn probe(&mut self, actions: &mut Vec<Action>) {
        self.probe_at = None;
        actions.push(Action::Probe);
    }

    fn drain(&mut self, now: Moment, actions: &mut Vec<Action>) {
        self.probe_at = None;
        self.enter(State::Draining { deadline: now.after(self.policy.drain) }, now);
        actions.extend([Action::Report(Report::Draining), Action::Terminate]);
    }

    fn kill_because(&mut self, reason: KillReason, now: Moment, actions: &mut Vec<Action>) {
        self.probe_at = None;
        self.enter(State::Killing, now);
        actions.extend([Action::Report(Report::Killed { reason }), Action::Kill]);
    }

    /// Decides how to go on without a process.
    fn settle(&mut self, now: Moment, actions: &mut Vec<Action>) {
        self.probe_at = None;
        match self.wish {
            Wish::Stop => {
                self.enter(State::Stopped, now);
                actions.push(Action::Report(Report::Stopped));
            }
            Wish::Replace => {
                self.backoff.forget();
                self.spawn(now, actions);
            }
            Wish::Run => {
                // Ends the time of being ready, if it was.
                self.enter(State::Waiting { until: now }, now);
                let was_looping = self.backoff.is_loop();
                let pause = self.backoff.failed(self.ready_for);
                let failures = self.backoff.failures();
                let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                self.state = State::Waiting { until: now.after(pause) };
                actions.push(Action::Report(Report::Waiting { pause_ms, failures }));
                if self.backoff.is_loop() && !was_looping {
                    actions.push(Action::Report(Report::CrashLoop { failures }));
                }
                self.advance(now, actions);
            }
        }
    }
}

impl Streak {
    fn count(&mut self, answer: Answer) {
        let next = |count: u32, goes_on: bool| if goes_on { count.saturating_add(1) } else { 0 };
        self.ready = next(self.ready, answer == Answer::Ready);
        self.other = next(self.other, answer != Answer::Ready);
        self.silent = next(self.silent, answer == Answer::Silent);
        self.has_answered |= answer != Answer::Silent;
    }
}
