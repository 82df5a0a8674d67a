//! The fleet in a world of virtual time: processes that listen, become ready, die, hang and drain as they are made to.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Map, json};

use super::Fleet;
use super::io::{Address, Announcement, Event, Input, Output, RequestId, Run};
use crate::moment::Moment;
use crate::replica::{Answer, KillReason, Phase, Report};
use crate::topology::Topology;

/// The way in which a process lives; times in milliseconds.
#[derive(Clone, Debug)]
struct Life {
    spawns: bool,
    /// From the start to the announcement; `None` for a process that is silent for ever.
    listens_after: Option<u64>,
    /// From the start to the first ready answer.
    ready_after: Option<u64>,
    /// From the start.
    dies_after: Option<u64>,
    hangs_after: Option<u64>,
    /// From SIGTERM to the end; `None` for a process that ignores it.
    drains_in: Option<u64>,
}

impl Default for Life {
    fn default() -> Self {
        Self {
            spawns: true,
            listens_after: Some(20),
            ready_after: Some(50),
            dies_after: None,
            hangs_after: None,
            drains_in: Some(30),
        }
    }
}

struct Alive {
    name: String,
    began: u64,
    life: Life,
}

/// Gives the life of a process by the name of its replica and the number of its start, from 1.
type Lives = Box<dyn FnMut(&str, u64) -> Life>;

struct World {
    fleet: Fleet,
    replicas: BTreeMap<String, usize>,
    now: u64,
    lives: Lives,
    /// Inputs to come, by time and number.
    to_come: BTreeMap<(u64, u64), Input>,
    serial: u64,
    alive: BTreeMap<Run, Alive>,
    starts: BTreeMap<String, u64>,
    ports: Vec<(String, u16)>,
    events: Vec<Event>,
    published: Vec<Address>,
    /// Fewest published replicas of each process since [`World::watch`].
    fewest: BTreeMap<String, usize>,
    announcement: Option<Announcement>,
    replies: BTreeMap<u64, Result<Vec<String>, String>>,
    has_finished: bool,
    /// True while a replica that leaves must leave all others of its process ready.
    is_strict: bool,
}

impl World {
    fn new(topology: &str, lives: impl FnMut(&str, u64) -> Life + 'static) -> Self {
        let topology = Topology::parse(Path::new("t"), topology).expect("a topology");
        Self {
            fleet: Fleet::new(&topology),
            replicas: topology.processes().iter().map(|process| (process.name.clone(), process.replicas)).collect(),
            now: 0,
            lives: Box::new(lives),
            to_come: BTreeMap::new(),
            serial: 0,
            alive: BTreeMap::new(),
            starts: BTreeMap::new(),
            ports: Vec::new(),
            events: Vec::new(),
            published: Vec::new(),
            fewest: BTreeMap::new(),
            announcement: None,
            replies: BTreeMap::new(),
            has_finished: false,
            is_strict: false,
        }
    }

    /// A world in which all is ready.
    fn ready(topology: &str, lives: impl FnMut(&str, u64) -> Life + 'static) -> Self {
        let mut world = Self::new(topology, lives);
        world.run_until(|world| world.announcement.is_some());
        world
    }

    fn moment(&self) -> Moment {
        Moment::new(Duration::from_millis(self.now))
    }

    fn later(&mut self, after: u64, input: Input) {
        self.serial += 1;
        self.to_come.insert((self.now + after, self.serial), input);
    }

    /// Lets what comes next happen; false if nothing ever will.
    fn step(&mut self) -> bool {
        let timeout = self.fleet.timeout().map(Moment::as_ms);
        let input = self.to_come.keys().next().copied();
        let Some(next) = timeout.into_iter().chain(input.map(|(at, _)| at)).min() else { return false };
        self.now = self.now.max(next);
        match input.filter(|(at, _)| *at <= self.now) {
            Some(key) => {
                let input = self.to_come.remove(&key).expect("it was found");
                self.give(input);
            }
            None => {
                self.fleet.advance(self.moment());
                self.drain();
            }
        }
        true
    }

    fn give(&mut self, input: Input) {
        if let Input::Exited { run, .. } = &input
            && self.alive.remove(run).is_none()
        {
            return;
        }
        self.fleet.handle(input, self.moment());
        self.drain();
    }

    fn run_until(&mut self, mut holds: impl FnMut(&Self) -> bool) {
        self.fleet.advance(self.moment());
        self.drain();
        let limit = self.now + 3_600_000;
        while !holds(self) {
            assert!(
                self.step() && self.now < limit,
                "it never holds: {:?} {:?}",
                self.fleet.status(self.moment()),
                self.events
            );
        }
    }

    fn run_for(&mut self, ms: u64) {
        let end = self.now + ms;
        self.run_until(|world| world.fleet.timeout().map(Moment::as_ms).is_none_or(|at| at > end));
        self.now = end;
    }

    fn drain(&mut self) {
        while let Some(output) = self.fleet.poll_output() {
            match output {
                Output::Spawn { run, name, port, .. } => self.spawn(run, name, port),
                Output::Probe { run, .. } => self.probe(run),
                Output::Terminate(run) => self.terminate(run),
                Output::Kill(run) => {
                    assert!(self.alive.contains_key(&run), "what has ended is killed");
                    self.later(1, Input::Exited { run, status: "killed".to_owned() });
                }
                Output::Event(event) => self.on_event(event),
                Output::Publish(addresses) => self.published = addresses,
                Output::Announce(announcement) => {
                    assert!(self.announcement.replace(announcement).is_none(), "it is announced twice");
                }
                Output::Reply { request, result } => {
                    assert!(self.replies.insert(request.0, result).is_none(), "it is answered twice");
                }
                Output::Finished => {
                    assert!(self.alive.is_empty() && !self.has_finished);
                    self.has_finished = true;
                }
            }
        }
        for (name, fewest) in &mut self.fewest {
            let count = self.published.iter().filter(|address| address.process == *name).count();
            *fewest = (*fewest).min(count);
        }
    }

    fn spawn(&mut self, run: Run, name: String, port: u16) {
        let start = self.starts.entry(name.clone()).or_default();
        *start += 1;
        let life = (self.lives)(&name, *start);
        self.ports.push((name.clone(), port));
        if !life.spawns {
            return self.give(Input::NotSpawned { run, reason: "no such file".to_owned() });
        }
        if let Some(after) = life.dies_after {
            self.later(after, Input::Exited { run, status: "died".to_owned() });
        }
        if let Some(after) = life.listens_after.filter(|after| life.dies_after.is_none_or(|dies| *after < dies)) {
            let port = if port == 0 { u16::try_from(1000 + run.0).expect("few runs") } else { port };
            let announced = Map::from_iter([("from".to_owned(), json!(name)), ("edges".to_owned(), json!([name]))]);
            let url = format!("http://127.0.0.1:{port}");
            self.later(after, Input::Listening { run, url, port, announced });
        }
        self.alive.insert(run, Alive { name, began: self.now, life });
        self.give(Input::Spawned { run, pid: u32::try_from(run.0).expect("few runs") });
    }

    fn probe(&mut self, run: Run) {
        let alive = self.alive.get(&run).expect("only what runs is probed");
        let age = self.now - alive.began;
        let answer = match &alive.life {
            life if life.hangs_after.is_some_and(|after| age >= after) => Answer::Silent,
            life if life.ready_after.is_some_and(|after| age >= after) => Answer::Ready,
            _ => Answer::NotReady,
        };
        let takes = if answer == Answer::Silent { 1_500 } else { 1 };
        self.later(takes, Input::Probed { run, answer });
    }

    fn terminate(&mut self, run: Run) {
        let alive = self.alive.get(&run).expect("only what runs is asked to end");
        let has_hung = alive.life.hangs_after.is_some_and(|after| self.now - alive.began >= after);
        if let Some(after) = alive.life.drains_in.filter(|_| !has_hung) {
            self.later(after, Input::Exited { run, status: "exit status: 0".to_owned() });
        }
    }

    fn on_event(&mut self, event: Event) {
        let is_down = matches!(event.report, Report::Leaving);
        if self.is_strict && is_down {
            let process = event.name.trim_end_matches(|last: char| last.is_ascii_digit()).trim_end_matches('-');
            if self.replicas[process] > 1 {
                for status in self.fleet.status(self.moment()) {
                    let is_other = status.process == process && status.name != event.name;
                    assert!(!is_other || status.phase == Phase::Ready, "{event:?} beside {status:?}");
                }
            }
        }
        self.events.push(event);
    }

    /// Counts the published replicas of all processes from now on.
    fn watch(&mut self) {
        self.fewest = self.replicas.clone();
        self.is_strict = true;
    }

    fn ask(&mut self, number: u64, input: impl FnOnce(RequestId) -> Input) -> Result<Vec<String>, String> {
        self.give(input(RequestId(number)));
        self.run_until(|world| world.replies.contains_key(&number));
        self.replies[&number].clone()
    }

    fn roll(&mut self, name: Option<&str>) -> Result<Vec<String>, String> {
        let number = self.replies.len() as u64 + 1;
        let name = name.map(ToOwned::to_owned);
        self.ask(number, |request| Input::Roll { request, name })
    }

    fn shut_down(&mut self) {
        self.give(Input::Shutdown);
        self.run_until(|world| world.has_finished);
    }

    /// The replicas of which something is reported, in order.
    fn order(&self, report: &Report) -> Vec<&str> {
        let meant = self.events.iter().filter(|event| event.report == *report);
        meant.map(|event| event.name.as_str()).collect()
    }
}

const SYSTEM: &str = r#"
    [[process]]
    name = "gateway"
    program = "p"
    role = "backend"
    port = 8080
    after = ["accounts", "catalogue"]
    [[process]]
    name = "catalogue"
    program = "p"
    replicas = 3
    after = ["accounts"]
    [[process]]
    name = "accounts"
    program = "p"
    [[process]]
    name = "edge"
    program = "p"
    role = "edge"
    arguments = ["{url:gateway}"]
"#;

fn alone(keys: &str) -> String {
    format!("[[process]]\nname = \"a\"\nprogram = \"p\"\n{keys}\n")
}

#[test]
fn it_starts_in_the_order_of_dependencies_and_ends_in_the_other() {
    let mut world = World::ready(SYSTEM, |_, _| Life::default());
    assert_eq!(world.order(&Report::Ready), ["accounts", "catalogue", "catalogue-2", "catalogue-3", "gateway", "edge"]);
    let announcement = world.announcement.clone().expect("announced");
    assert_eq!(announcement.addresses.len(), 6);
    assert_eq!(announcement.announced["from"], json!("accounts"));
    assert_eq!(announcement.announced["edges"].as_array().map(Vec::len), Some(6));
    assert_eq!(world.fleet.urls("catalogue").len(), 3);
    world.shut_down();
    assert_eq!(world.order(&Report::Stopped).first(), Some(&"edge"));
    assert_eq!(world.order(&Report::Stopped).last(), Some(&"accounts"));
    assert_eq!((world.published.len(), world.fleet.timeout()), (0, None));
}

#[test]
fn a_killed_process_returns_at_its_address() {
    let mut world = World::ready(SYSTEM, |_, _| Life::default());
    let before = world.published.clone();
    let run = *world.alive.iter().find(|(_, alive)| alive.name == "catalogue-2").expect("it runs").0;
    let killed = world.now;
    world.give(Input::Exited { run, status: "signal: 9".to_owned() });
    assert_eq!(world.published.len(), before.len() - 1);
    world.run_until(|world| world.published.len() == before.len());
    let urls = |addresses: &[Address]| addresses.iter().map(|address| address.url.clone()).collect::<Vec<_>>();
    assert_eq!(urls(&world.published), urls(&before));
    assert!(world.now - killed <= 100, "it starts without a pause");
}

#[test]
fn a_crash_loop_is_reported_and_stops_no_other() {
    let mut world = World::new(SYSTEM, |name, _| match name {
        "catalogue-2" => Life { dies_after: Some(10), ..Life::default() },
        _ => Life::default(),
    });
    world.run_until(|world| world.announcement.is_some());
    let report = Report::CrashLoop { failures: 5 };
    assert_eq!(world.order(&report), ["catalogue-2"]);
    assert_eq!(world.published.len(), 5);
    world.run_for(600_000);
    let starts = world.starts["catalogue-2"];
    assert!((100..=130).contains(&starts), "{starts} starts in ten minutes and more");
    assert_eq!((world.starts["catalogue"], world.starts["edge"], world.published.len()), (1, 1, 5));
    world.shut_down();
}

#[test]
fn a_dependency_in_a_crash_loop_holds_its_dependants_and_not_the_announcement() {
    let text = format!(
        "{}{}",
        alone(""),
        "[[process]]\nname = \"b\"\nprogram = \"p\"\n[[process]]\nname = \"c\"\nprogram = \"p\"\nafter = [\"b\"]\n"
    );
    let mut world = World::new(&text, |name, start| Life { spawns: name != "b" || start > 20, ..Life::default() });
    world.run_until(|world| world.announcement.is_some());
    assert_eq!(world.published.len(), 1);
    // It recovers, and its dependant follows.
    world.run_until(|world| world.published.len() == 3);
}

#[test]
fn a_hanging_process_is_replaced() {
    let mut world = World::ready(&alone(""), |_, start| match start {
        1 => Life { hangs_after: Some(10_000), ..Life::default() },
        _ => Life::default(),
    });
    world.run_until(|world| world.published.is_empty());
    world.run_until(|world| world.published.len() == 1);
    assert_eq!(world.order(&Report::Killed { reason: KillReason::Hung }), ["a"]);
}

#[test]
fn replicas_are_rolled_one_by_one_at_their_addresses() {
    let mut world = World::ready(SYSTEM, |_, _| Life::default());
    let before = world.published.iter().map(|address| address.url.clone()).collect::<Vec<_>>();
    world.watch();
    let done = world.roll(Some("catalogue")).expect("it is rolled");
    assert_eq!(done.len(), 3);
    assert!(done[2].starts_with("catalogue-3 was restarted at its address, while the others served"));
    assert_eq!((world.fewest["catalogue"], world.fewest["accounts"]), (2, 1));
    assert_eq!(world.published.iter().map(|address| address.url.clone()).collect::<Vec<_>>(), before);
    assert_eq!(world.order(&Report::Leaving), ["catalogue", "catalogue-2", "catalogue-3"]);
}

#[test]
fn a_single_replica_is_replaced_without_a_gap_where_it_may_move() {
    let mut world = World::ready(SYSTEM, |_, _| Life::default());
    let url = world.fleet.urls("accounts");
    world.watch();
    let done = world.roll(None).expect("all is rolled");
    assert_eq!(done.len(), 6);
    assert!(done[0].starts_with("accounts was replaced at another address"), "{done:?}");
    assert!(done[4].starts_with("gateway was restarted at its address, with a gap"), "{done:?}");
    assert!(done[5].starts_with("edge was restarted at its address, with a gap"), "{done:?}");
    let fewest = |name: &str| world.fewest[name];
    assert_eq!(["accounts", "catalogue", "edge", "gateway"].map(fewest), [1, 2, 0, 0]);
    assert_ne!(world.fleet.urls("accounts"), url);
    assert_eq!(world.alive.len(), 6);
}

#[test]
fn a_backend_with_a_handed_socket_is_replaced_at_its_address() {
    let mut world =
        World::ready(&alone("role = \"backend\"\nport = 8080\nsocket = \"handed\""), |_, _| Life::default());
    let urls = world.fleet.urls("a");
    world.watch();
    assert_eq!(world.roll(None), Ok(vec!["a was replaced at its address, without a gap".to_owned()]));
    assert_eq!((world.fewest["a"], world.fleet.urls("a"), world.alive.len()), (1, urls, 1));
    assert_eq!(world.starts["a"], 2);
}

#[test]
fn a_replacement_that_is_not_ready_ends_the_roll() {
    let bad = Life { ready_after: None, ..Life::default() };
    let mut world = World::ready(SYSTEM, move |_, start| if start == 1 { Life::default() } else { bad.clone() });
    world.watch();
    let failure = world.roll(Some("accounts")).expect_err("the successor is never ready");
    assert!(failure.contains("the successor of accounts did not become ready"), "{failure}");
    world.run_until(|world| world.alive.len() == 6);
    assert_eq!(world.fewest["accounts"], 1);
    let failure = world.roll(Some("catalogue")).expect_err("the first replica is never ready");
    assert!(failure.starts_with("catalogue was restarted and did not become ready"), "{failure}");
    assert_eq!((world.fewest["catalogue"], world.starts["catalogue-2"]), (2, 1));
    let failure = world.roll(Some("catalogue")).expect_err("a replica is missing");
    assert!(failure.starts_with("catalogue was not replaced, because of catalogue: not ready"), "{failure}");
    assert_eq!(world.fewest["catalogue"], 2);
    world.shut_down();
}

#[test]
fn a_restart_is_immediate_also_in_a_crash_loop() {
    let mut world = World::new(&alone("restart = { cap_ms = 3600000, first_ms = 3600000 }"), |_, start| Life {
        spawns: start > 2,
        ..Life::default()
    });
    world.run_until(|world| world.starts["a"] == 2);
    let begun = world.now;
    let done = world.ask(1, |request| Input::Restart { request, name: "a".to_owned() });
    assert_eq!(done, Ok(vec!["a was restarted".to_owned()]));
    assert!(world.now - begun < 1_000);
}

#[test]
fn requests_are_refused_with_a_sentence() {
    let mut world = World::ready(SYSTEM, |_, _| Life::default());
    let refused = world.roll(Some("film")).expect_err("it is unknown");
    assert_eq!(refused, "`film` is no process of this topology; those are accounts, catalogue, gateway, edge");
    world.give(Input::Roll { request: RequestId(8), name: None });
    let refused = world.ask(9, |request| Input::Restart { request, name: "catalogue-2".to_owned() });
    assert!(refused.expect_err("one at a time").contains("another restart or roll"));
    world.shut_down();
    assert_eq!(world.replies[&8], Err("the supervisor ends".to_owned()));
    assert_eq!(world.roll(None), Err("the supervisor ends".to_owned()));
}

#[test]
fn replicas_are_added_and_leave() {
    let mut world = World::ready(SYSTEM, |_, _| Life::default());
    let mut scale = |name: &str, replicas, request| {
        let name = name.to_owned();
        let result = world.ask(request, |request| Input::Scale { request, name, replicas });
        let names: Vec<String> = world.published.iter().map(|address| address.name.clone()).collect();
        (result, names, world.alive.len())
    };
    let (done, names, _) = scale("catalogue", 5, 1);
    assert_eq!(done, Ok(vec!["catalogue has 5 replicas".to_owned()]));
    assert_eq!(names[1..6], ["catalogue", "catalogue-2", "catalogue-3", "catalogue-4", "catalogue-5"]);
    let (done, names, alive) = scale("catalogue", 1, 2);
    assert_eq!(
        (done.is_ok(), names, alive),
        (true, ["accounts", "catalogue", "gateway", "edge"].map(String::from).to_vec(), 4)
    );
    for (name, replicas) in [("catalogue", 0), ("catalogue", 17), ("gateway", 2), ("film", 1)] {
        assert!(scale(name, replicas, 3 + replicas as u64 * 10 + name.len() as u64).0.is_err());
    }
    // The only one may be replaced by a second one now.
    assert!(world.roll(Some("catalogue")).expect("rolled")[0].contains("at another address"));
    assert_eq!(
        world.order(&Report::Leaving),
        ["catalogue-2", "catalogue-3", "catalogue-4", "catalogue-5", "catalogue"]
    );
    world.shut_down();
}

#[test]
fn a_process_that_was_stopped_stays_so_until_it_is_started() {
    let mut world = World::ready(SYSTEM, |_, _| Life::default());
    let name = || "catalogue".to_owned();
    let before: Vec<String> = world.published.iter().map(|address| address.name.clone()).collect();
    assert_eq!(
        world.ask(1, |request| Input::Stop { request, name: name() }),
        Ok(vec!["catalogue was stopped".to_owned()])
    );
    world.run_for(60_000);
    let names: Vec<&str> = world.published.iter().map(|address| address.name.as_str()).collect();
    assert_eq!(names, ["accounts", "gateway", "edge"], "and nothing else ends");
    let refused = Err("catalogue is stopped; start it first".to_owned());
    assert_eq!(world.ask(2, |request| Input::Restart { request, name: name() }), refused);
    assert_eq!(world.ask(3, |request| Input::Roll { request, name: Some(name()) }), refused);
    assert!(world.ask(4, |request| Input::Stop { request, name: "film".to_owned() }).is_err());
    assert!(world.ask(5, |request| Input::Stop { request, name: name() }).is_ok(), "twice is the same");
    assert!(world.ask(6, |request| Input::Start { request, name: name() }).is_ok());
    let after: Vec<String> = world.published.iter().map(|address| address.name.clone()).collect();
    assert_eq!(after, before);
    assert!(world.ask(7, |request| Input::Start { request, name: name() }).is_ok(), "it runs already");
    assert!(world.ask(8, |request| Input::Stop { request, name: name() }).is_ok());
    let scaled = world.ask(9, |request| Input::Scale { request, name: name(), replicas: 1 });
    assert_eq!(scaled, Ok(vec!["catalogue has 1 replicas".to_owned()]), "a number starts it, too");
    world.shut_down();
}

#[test]
fn a_second_request_to_end_kills() {
    let mut world = World::ready(SYSTEM, |_, _| Life { drains_in: None, ..Life::default() });
    world.give(Input::Shutdown);
    let begun = world.now;
    world.give(Input::Shutdown);
    world.run_until(|world| world.has_finished);
    assert!(world.now - begun < 10);
    assert_eq!(world.order(&Report::Killed { reason: KillReason::Asked }).len(), 6);
}

#[test]
fn a_process_that_ignores_its_end_is_killed_after_its_time() {
    let mut world = World::ready(&alone("drain_ms = 700"), |_, _| Life { drains_in: None, ..Life::default() });
    let begun = world.now;
    world.shut_down();
    assert_eq!(world.now - begun, 701);
}

/// Lives of all kinds.
fn life() -> impl Strategy<Value = Life> {
    let late = |most: u64| prop_oneof![3 => (1..most).prop_map(Some), 1 => Just(None)];
    let rare = |most: u64| prop_oneof![1 => (1..most).prop_map(Some), 2 => Just(None)];
    (prop::bool::weighted(0.9), late(400), late(2_000), rare(90_000), rare(90_000), late(40_000)).prop_map(
        |(spawns, listens_after, ready_after, dies_after, hangs_after, drains_in)| Life {
            spawns,
            listens_after,
            ready_after,
            dies_after,
            hangs_after,
            drains_in,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    /// Whatever processes do: a roll takes a replica away only beside others that are all ready, starts are bounded, each request is
    /// answered once, and the end comes.
    #[test]
    fn any_lives_end_in_order(
        lives in prop::collection::vec(life(), 1..40),
        requests in prop::collection::vec((0_u64..60_000, 0_usize..9), 0..8),
    ) {
        let mut number = 0;
        let mut world = World::new(SYSTEM, move |_, _| {
            number += 1;
            lives[number % lives.len()].clone()
        });
        world.watch();
        world.run_until(|_| true);
        let names = ["accounts", "catalogue", "gateway", "edge", "catalogue-2", "nothing"];
        for (at, (pause, which)) in requests.iter().enumerate() {
            world.run_for(*pause);
            let request = RequestId(at as u64);
            // Fewer replicas are what the operator wants, whatever the others do.
            world.is_strict = *which < 7;
            world.give(match (which % 2, names.get(*which)) {
                (_, None) if *which > 6 => {
                    let name = "catalogue".to_owned();
                    Input::Scale { request, name, replicas: 1 + at % 4 }
                }
                (0, Some(name)) => Input::Restart { request, name: (*name).to_owned() },
                (_, name) => Input::Roll { request, name: name.map(|name| (*name).to_owned()) },
            });
            world.is_strict = true;
        }
        world.run_for(120_000);
        let ran = world.now;
        world.shut_down();
        prop_assert_eq!(world.replies.len(), requests.len());
        prop_assert!(world.alive.is_empty());
        // Each replica starts at most once in 5 s, six times more after each quiet minute, and once for each request.
        let bound = 8 + ran / 5_000 + 6 * (ran / 60_000) + 2 * requests.len() as u64 * 7;
        for (name, starts) in &world.starts {
            prop_assert!(*starts <= bound, "{name} started {starts} times in {ran} ms, at most {bound}");
        }
    }

    /// Processes that only start and drain slowly lose no more than one replica to a roll, and none where a successor is possible.
    #[test]
    fn a_roll_of_sound_processes_keeps_all_but_one(
        times in prop::collection::vec((1_u64..2_000, 1_u64..5_000, 1_u64..20_000), 1..20),
    ) {
        let mut number = 0;
        let mut world = World::ready(SYSTEM, move |_, _| {
            number += 1;
            let (listens, ready, drains) = times[number % times.len()];
            Life { listens_after: Some(listens), ready_after: Some(ready), drains_in: Some(drains), ..Life::default() }
        });
        world.watch();
        let done = world.roll(None);
        prop_assert!(done.is_ok(), "{done:?}");
        let fewest = ["accounts", "catalogue"].map(|name| world.fewest[name]);
        prop_assert_eq!(fewest, [1, 2]);
        prop_assert!(world.starts.values().all(|starts| *starts == 2), "{:?}", world.starts);
    }
}
