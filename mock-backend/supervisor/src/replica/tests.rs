//! A replica alone: its life step by step, and all short sequences of inputs.

use std::path::Path;
use std::time::Duration;

use super::{Action, Answer, End, KillReason, Phase, Replica, Report};
use crate::moment::Moment;
use crate::topology::{Policy, Topology};

fn policy() -> Policy {
    let text = "[[process]]\nname = \"a\"\nprogram = \"p\"\nstart_ms = 1000\nleave_ms = 10\ndrain_ms = 100\n\
        probe = { every_ms = 20, every_at_start_ms = 5, ready_after = 2, unready_after = 2, hung_after = 4 }\n\
        restart = { first_ms = 50, cap_ms = 150, quiet_ms = 10000, loop_after = 3 }\n";
    Topology::parse(Path::new("t"), text).expect("a topology").processes()[0].policy.clone()
}

/// A replica with a clock.
#[derive(Clone)]
struct Bench {
    replica: Replica,
    now: Moment,
}

impl Bench {
    fn new(may_move: bool) -> Self {
        Self { replica: Replica::new(policy(), None, may_move), now: Moment::default() }
    }

    /// Starts a process that listens.
    fn listening() -> Self {
        let mut bench = Self::new(true);
        bench.act(Replica::start);
        bench.act(|replica, now, actions| replica.on_spawned(7, now, actions));
        bench.act(|replica, now, actions| replica.on_listening("u".to_owned(), 80, now, actions));
        bench
    }

    fn ready() -> Self {
        let mut bench = Self::listening();
        bench.probes(&[Answer::Ready; 2]);
        assert_eq!(bench.replica.phase(), Phase::Ready);
        bench
    }

    fn act(&mut self, verb: impl FnOnce(&mut Replica, Moment, &mut Vec<Action>)) -> Vec<Action> {
        let mut actions = Vec::new();
        verb(&mut self.replica, self.now, &mut actions);
        actions
    }

    fn pass(&mut self, ms: u64) -> Vec<Action> {
        self.now = self.now.after(Duration::from_millis(ms));
        self.act(Replica::advance)
    }

    /// Answers one probe after the other, each when it is asked for.
    fn probes(&mut self, answers: &[Answer]) -> Vec<Action> {
        let mut last = Vec::new();
        for answer in answers {
            if let Some(at) = self.replica.probe_at {
                self.now = at;
                assert_eq!(self.act(Replica::advance), [Action::Probe]);
            }
            last = self.act(|replica, now, actions| replica.on_probed(*answer, now, actions));
        }
        last
    }

    fn exit(&mut self) -> Vec<Action> {
        self.act(|replica, now, actions| replica.on_exited("exit".to_owned(), now, actions))
    }

    fn end(&mut self, end: End) -> Vec<Action> {
        self.act(|replica, now, actions| replica.end(end, now, actions))
    }
}

fn killed(reason: KillReason) -> [Action; 2] {
    [Action::Report(Report::Killed { reason }), Action::Kill]
}

fn drained() -> [Action; 2] {
    [Action::Report(Report::Draining), Action::Terminate]
}

#[test]
fn it_becomes_ready_by_answers_in_a_row() {
    let mut bench = Bench::listening();
    bench.probes(&[Answer::Ready, Answer::NotReady, Answer::Ready]);
    assert_eq!(bench.replica.phase(), Phase::Probing);
    assert_eq!(bench.probes(&[Answer::Ready]), [Action::Report(Report::Ready)]);
    bench.probes(&[Answer::Silent, Answer::Ready, Answer::NotReady]);
    assert_eq!(bench.replica.phase(), Phase::Ready);
    assert_eq!(bench.probes(&[Answer::NotReady]), [Action::Report(Report::Unready)]);
    bench.probes(&[Answer::Ready; 2]);
    assert_eq!(bench.replica.phase(), Phase::Ready);
}

#[test]
fn silence_kills_and_an_answer_never_does() {
    let mut bench = Bench::ready();
    bench.probes(&[Answer::NotReady; 500]);
    assert_eq!(bench.replica.phase(), Phase::Unready);
    bench.probes(&[Answer::Silent; 3]);
    bench.probes(&[Answer::NotReady]);
    bench.probes(&[Answer::Silent; 3]);
    assert_eq!(bench.replica.phase(), Phase::Unready);
    assert_eq!(bench.probes(&[Answer::Silent]), killed(KillReason::Hung));
    assert_eq!(bench.replica.timeout(), None);
    let ended = bench.exit();
    assert!(ended.contains(&Action::Report(Report::Waiting { pause_ms: 0, failures: 1 })));
    assert_eq!(ended.last(), Some(&Action::Spawn));
}

#[test]
fn the_time_to_start_is_over_for_those_that_are_silent() {
    let mut bench = Bench::new(true);
    bench.act(Replica::start);
    bench.act(|replica, now, actions| replica.on_spawned(7, now, actions));
    assert_eq!(bench.pass(999), []);
    assert_eq!(bench.pass(1), killed(KillReason::NoAddress));

    let mut bench = Bench::listening();
    assert_eq!(bench.pass(1000), killed(KillReason::NoAnswer));

    let mut bench = Bench::listening();
    bench.probes(&[Answer::NotReady]);
    assert_eq!(bench.pass(1000), [Action::Probe]);
    bench.probes(&[Answer::Silent; 3]);
    assert_eq!(bench.replica.phase(), Phase::Probing);
    assert_eq!(bench.probes(&[Answer::Silent]), killed(KillReason::Hung));
}

#[test]
fn it_leaves_then_drains_then_is_killed() {
    let mut bench = Bench::ready();
    assert_eq!(bench.end(End::Leave), [Action::Report(Report::Leaving)]);
    assert_eq!(bench.pass(9), []);
    assert_eq!(bench.pass(1), drained());
    assert_eq!(bench.pass(99), []);
    assert_eq!(bench.pass(1), killed(KillReason::DrainTimeout));
    assert_eq!(bench.exit().last(), Some(&Action::Report(Report::Stopped)));
    assert_eq!((bench.end(End::Replace), bench.replica.timeout()), (vec![], None));
}

#[test]
fn what_is_replaced_starts_at_once_at_its_address() {
    let mut bench = Bench::ready();
    assert_eq!(bench.end(End::Replace), drained());
    assert_eq!(bench.exit(), [Action::Report(Report::Ended { status: "exit".to_owned() }), Action::Spawn]);
    assert_eq!((bench.replica.port(), bench.replica.failures(), bench.replica.restarts()), (80, 0, 1));
}

#[test]
fn failures_pause_longer_and_are_reported_once_as_a_loop() {
    let mut bench = Bench::listening();
    let mut pauses = Vec::new();
    let mut loops = 0;
    for _ in 0..6 {
        for action in bench.exit() {
            match action {
                Action::Report(Report::Waiting { pause_ms, .. }) => pauses.push(pause_ms),
                Action::Report(Report::CrashLoop { failures }) => loops += failures,
                _ => {}
            }
        }
        if bench.replica.phase() == Phase::Waiting {
            let pause = *pauses.last().expect("a pause");
            assert_eq!(bench.pass(pause - 1), []);
            assert_eq!(bench.pass(1), [Action::Spawn]);
        }
        bench.act(|replica, now, actions| replica.on_spawned(8, now, actions));
    }
    assert_eq!((pauses, loops), (vec![0, 50, 100, 150, 150, 150], 3));
    assert!(bench.replica.is_looping());
    bench.act(|replica, now, actions| replica.on_listening("u".to_owned(), 80, now, actions));
    bench.probes(&[Answer::Ready; 2]);
    assert!(!bench.replica.is_looping(), "it is ready, for now");
    assert!(bench.exit().contains(&Action::Report(Report::Waiting { pause_ms: 150, failures: 7 })));
}

#[test]
fn a_hang_after_a_quiet_time_is_a_first_failure() {
    let mut bench = Bench::listening();
    for _ in 0..3 {
        bench.exit();
        bench.pass(150);
        bench.act(|replica, now, actions| replica.on_spawned(8, now, actions));
    }
    bench.act(|replica, now, actions| replica.on_listening("u".to_owned(), 80, now, actions));
    bench.probes(&[Answer::Ready; 2]);
    bench.pass(10_000);
    bench.probes(&[Answer::Silent; 4]);
    assert!(bench.exit().contains(&Action::Report(Report::Waiting { pause_ms: 0, failures: 1 })));
}

#[test]
fn a_port_that_cannot_be_had_again_is_given_up_by_those_that_may_move() {
    for (may_move, port) in [(true, 0), (false, 80)] {
        let mut bench = Bench::listening();
        bench.replica.may_move = may_move;
        let mut ports = Vec::new();
        for _ in 0..4 {
            bench.exit();
            bench.pass(150);
            ports.push(bench.replica.port());
            bench.act(|replica, now, actions| replica.on_spawned(8, now, actions));
        }
        assert_eq!(ports, [80, 80, port, port], "may move: {may_move}");
    }
}

/// The inputs that a sequence is made of.
fn inputs() -> Vec<fn(&mut Bench) -> Vec<Action>> {
    vec![
        |bench| bench.act(|replica, now, actions| replica.start(now, actions)),
        |bench| bench.act(|replica, now, actions| replica.on_spawned(1, now, actions)),
        |bench| bench.act(|replica, now, actions| replica.on_not_spawned("no".to_owned(), now, actions)),
        |bench| bench.act(|replica, now, actions| replica.on_listening("u".to_owned(), 80, now, actions)),
        |bench| bench.act(|replica, now, actions| replica.on_probed(Answer::Ready, now, actions)),
        |bench| bench.act(|replica, now, actions| replica.on_probed(Answer::Silent, now, actions)),
        Bench::exit,
        |bench| bench.end(End::Leave),
        |bench| bench.end(End::LeaveAndReplace),
        |bench| bench.end(End::Replace),
        |bench| bench.act(|replica, now, actions| replica.kill(now, actions)),
        |bench| bench.pass(11),
        |bench| bench.pass(1001),
    ]
}

/// Processes as the system knows them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exists {
    No,
    Asked,
    Yes,
}

/// Follows every sequence of inputs of a length, and checks what each one brings about.
fn explore(bench: &Bench, exists: Exists, must_stop: bool, depth: usize, count: &mut u64) {
    if depth == 0 {
        *count += 1;
        return;
    }
    for (index, input) in inputs().into_iter().enumerate() {
        // The system answers only what it was asked, and only a process that exists ends.
        let is_possible = match index {
            1 | 2 => exists == Exists::Asked,
            3..=6 => exists == Exists::Yes,
            _ => exists != Exists::Asked,
        };
        if !is_possible {
            continue;
        }
        let mut next = bench.clone();
        let actions = input(&mut next);
        let mut now_exists = match index {
            1 => Exists::Yes,
            2 | 6 => Exists::No,
            _ => exists,
        };
        let must_stop = must_stop || index == 7 || index == 10;
        for action in &actions {
            match action {
                Action::Spawn => {
                    assert!(now_exists == Exists::No, "two processes at once");
                    assert!(!must_stop, "a process starts after the wish to stop");
                    now_exists = Exists::Asked;
                }
                Action::Probe | Action::Terminate | Action::Kill => assert!(now_exists == Exists::Yes, "{action:?}"),
                Action::Report(_) => {}
            }
        }
        let phase = next.replica.phase();
        assert_eq!(next.replica.is_running(), now_exists == Exists::Yes, "{phase:?}");
        let rests = matches!(phase, Phase::Held | Phase::Stopped | Phase::Killing);
        let waits_for_answer =
            now_exists == Exists::Asked || matches!(phase, Phase::Ready | Phase::Unready | Phase::Probing);
        assert!(rests || waits_for_answer || next.replica.timeout().is_some(), "{phase:?} lasts for ever");
        assert!(!(must_stop && now_exists == Exists::No) || phase == Phase::Stopped, "{phase:?}");
        explore(&next, now_exists, must_stop, depth - 1, count);
    }
}

#[test]
fn no_sequence_of_inputs_leaves_two_processes_or_none_that_should_be() {
    let mut count = 0;
    explore(&Bench::new(true), Exists::No, false, 7, &mut count);
    assert!(count > 50_000, "{count} sequences");
}
