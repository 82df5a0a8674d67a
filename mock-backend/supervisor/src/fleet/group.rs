//! The replicas of one process.

use serde_json::{Map, Value};

use super::effects::Effects;
use super::io::{Address, Event, Output, Run, Status};
use crate::moment::Moment;
use crate::replica::{Action, End, Phase, Replica};
use crate::topology::Process;

/// The part of a replica in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// One of the replicas that the topology asks for.
    Regular,
    /// Starts in order to replace the only one.
    Successor,
    /// Was replaced, or failed to replace, and ends.
    Former,
}

/// A replica and what is known of its current process.
#[derive(Debug)]
pub(super) struct Member {
    name: String,
    place: Place,
    replica: Replica,
    run: Option<Run>,
    pid: Option<u32>,
    url: Option<String>,
    announced: Map<String, Value>,
}

/// The replicas of a process.
#[derive(Debug)]
pub(super) struct Group {
    index: usize,
    process: Process,
    members: Vec<Member>,
    /// Number of replicas that it had when an operator stopped it.
    stopped: Option<usize>,
}

impl Member {
    fn new(process: &Process, number: usize, place: Place) -> Self {
        Self {
            name: process.replica_name(number),
            place,
            replica: Replica::new(process.policy.clone(), process.port, process.may_move()),
            run: None,
            pid: None,
            url: None,
            announced: Map::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    pub(super) fn announced(&self) -> &Map<String, Value> {
        &self.announced
    }

    pub(super) fn is_ready(&self) -> bool {
        self.replica.phase() == Phase::Ready
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.replica.phase() == Phase::Stopped
    }

    pub(super) fn is_held(&self) -> bool {
        self.replica.phase() == Phase::Held
    }

    /// Returns true once nothing more is to be waited for: it is ready, or it fails again and again.
    pub(super) fn is_decided(&self) -> bool {
        self.is_ready() || self.replica.is_looping()
    }
}

impl Group {
    /// The group of a process, all of it waiting for [`Group::start`].
    pub(super) fn new(index: usize, process: &Process) -> Self {
        let members = (1..=process.replicas).map(|number| Member::new(process, number, Place::Regular)).collect();
        Self { index, process: process.clone(), members, stopped: None }
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    /// Places of the replicas that the topology asks for.
    pub(super) fn regular(&self) -> Vec<usize> {
        (0..self.members.len()).filter(|at| self.members[*at].place == Place::Regular).collect()
    }

    /// Returns true if processes that depend on it may start: all is decided, and at least one replica is ready.
    pub(super) fn carries(&self) -> bool {
        self.members.iter().any(Member::is_ready) && self.members.iter().all(Member::is_decided)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.members.iter().all(Member::is_stopped)
    }

    pub(super) fn has(&self, run: Run) -> bool {
        self.members.iter().any(|member| member.run == Some(run))
    }

    /// Addresses of its replicas, also of those that are not ready now.
    pub(super) fn urls(&self) -> Vec<String> {
        let regular = self.members.iter().filter(|member| member.place == Place::Regular);
        regular.filter_map(|member| member.url.clone()).collect()
    }

    /// Replicas that are ready and should be used.
    pub(super) fn ready(&self) -> impl Iterator<Item = Address> {
        let used = self.members.iter().filter(|member| member.is_ready() && member.place == Place::Regular);
        used.filter_map(|member| {
            Some(Address {
                process: self.process.name.clone(),
                name: member.name.clone(),
                role: self.process.role,
                url: member.url.clone()?,
                pid: member.pid?,
                services: self.process.services.clone(),
            })
        })
    }

    pub(super) fn status(&self, now: Moment) -> impl Iterator<Item = Status> {
        self.members.iter().map(move |member| Status {
            name: member.name.clone(),
            process: self.process.name.clone(),
            role: self.process.role,
            services: self.process.services.clone(),
            phase: member.replica.phase(),
            phase_ms: now.as_ms().saturating_sub(member.replica.since().as_ms()),
            pid: member.pid,
            url: member.url.clone(),
            restarts: member.replica.restarts(),
            failures: member.replica.failures(),
            is_looping: member.replica.is_looping(),
        })
    }

    pub(super) fn timeout(&self) -> Option<Moment> {
        self.members.iter().filter_map(|member| member.replica.timeout()).min()
    }

    pub(super) fn start(&mut self, effects: &mut Effects) {
        for at in 0..self.members.len() {
            self.change(at, effects, Replica::start);
        }
    }

    pub(super) fn advance(&mut self, effects: &mut Effects) {
        for at in 0..self.members.len() {
            self.change(at, effects, Replica::advance);
        }
        self.members.retain(|member| member.place == Place::Regular || !member.is_stopped());
    }

    pub(super) fn end(&mut self, at: usize, end: End, effects: &mut Effects) {
        self.change(at, effects, |replica, now, actions| replica.end(end, now, actions));
    }

    pub(super) fn end_all(&mut self, end: End, effects: &mut Effects) {
        for at in 0..self.members.len() {
            self.end(at, end, effects);
        }
    }

    pub(super) fn kill_all(&mut self, effects: &mut Effects) {
        for at in 0..self.members.len() {
            self.change(at, effects, Replica::kill);
        }
    }

    /// Sets the number of replicas: more wait for [`Group::start`], and of those that are too many the last ones leave.
    pub(super) fn scale(&mut self, replicas: usize, effects: &mut Effects) {
        let regular = self.regular();
        for number in regular.len() + 1..=replicas {
            self.members.push(Member::new(&self.process, number, Place::Regular));
        }
        for at in regular.into_iter().skip(replicas) {
            self.members[at].place = Place::Former;
            self.end(at, End::Leave, effects);
        }
        self.process.replicas = replicas;
        self.stopped = None;
    }

    /// Has all replicas leave, until it is started again.
    pub(super) fn stop(&mut self, effects: &mut Effects) {
        let replicas = self.stopped.unwrap_or(self.process.replicas);
        self.scale(0, effects);
        self.stopped = Some(replicas);
    }

    /// Returns the number of replicas that it had when an operator stopped it; `None` if it was not stopped.
    pub(super) fn stopped(&self) -> Option<usize> {
        self.stopped
    }

    /// Returns true once all replicas that should be there are ready, and all others have ended.
    pub(super) fn is_settled(&self) -> bool {
        self.members.iter().all(|member| member.is_ready() && member.place == Place::Regular)
    }

    /// Starts a process that is to replace the only one.
    pub(super) fn add_successor(&mut self, effects: &mut Effects) {
        self.members.push(Member::new(&self.process, 1, Place::Successor));
        self.change(self.members.len() - 1, effects, Replica::start);
    }

    /// Returns the place of the successor.
    pub(super) fn successor(&self) -> Option<usize> {
        self.members.iter().position(|member| member.place == Place::Successor)
    }

    /// Puts the successor in the place of the one that it replaces, which leaves.
    pub(super) fn succeed(&mut self, effects: &mut Effects) {
        for at in 0..self.members.len() {
            match self.members[at].place {
                Place::Regular => {
                    self.members[at].place = Place::Former;
                    self.end(at, End::Leave, effects);
                }
                Place::Successor => self.members[at].place = Place::Regular,
                Place::Former => {}
            }
        }
    }

    /// Gives the successor up.
    pub(super) fn drop_successor(&mut self, effects: &mut Effects) {
        if let Some(at) = self.successor() {
            self.members[at].place = Place::Former;
            self.end(at, End::Stop, effects);
        }
    }

    /// Takes note of an announcement.
    pub(super) fn on_listening(
        &mut self,
        run: Run,
        (url, port): (String, u16),
        announced: Map<String, Value>,
        effects: &mut Effects,
    ) {
        if let Some(at) = self.place_of(run) {
            self.members[at].url = Some(url.clone());
            self.members[at].announced = announced;
            self.change(at, effects, |replica, now, actions| replica.on_listening(url, port, now, actions));
        }
    }

    pub(super) fn on_spawned(&mut self, run: Run, pid: u32, effects: &mut Effects) {
        if let Some(at) = self.place_of(run) {
            self.members[at].pid = Some(pid);
            self.change(at, effects, |replica, now, actions| replica.on_spawned(pid, now, actions));
        }
    }

    pub(super) fn on_exited(&mut self, run: Run, status: String, effects: &mut Effects) {
        if let Some(at) = self.place_of(run) {
            (self.members[at].pid, self.members[at].run) = (None, None);
            self.change(at, effects, |replica, now, actions| replica.on_exited(status, now, actions));
        }
    }

    pub(super) fn on_not_spawned(&mut self, run: Run, reason: String, effects: &mut Effects) {
        if let Some(at) = self.place_of(run) {
            self.members[at].run = None;
            self.change(at, effects, |replica, now, actions| replica.on_not_spawned(reason, now, actions));
        }
    }

    /// Passes something that happened to a process on to its replica.
    pub(super) fn on(
        &mut self,
        run: Run,
        effects: &mut Effects,
        change: impl FnOnce(&mut Replica, Moment, &mut Vec<Action>),
    ) {
        if let Some(at) = self.place_of(run) {
            self.change(at, effects, change);
        }
    }

    fn place_of(&self, run: Run) -> Option<usize> {
        self.members.iter().position(|member| member.run == Some(run))
    }

    /// Changes a replica and carries out what it asks for.
    fn change(
        &mut self,
        at: usize,
        effects: &mut Effects,
        change: impl FnOnce(&mut Replica, Moment, &mut Vec<Action>),
    ) {
        let Some(member) = self.members.get_mut(at) else { return };
        let mut actions = Vec::new();
        change(&mut member.replica, effects.now, &mut actions);
        for action in actions {
            let output = match (action, member.run) {
                (Action::Spawn, _) => {
                    let run = effects.next_run();
                    member.run = Some(run);
                    let port = member.replica.port();
                    Output::Spawn { run, process: self.index, name: member.name.clone(), port }
                }
                (Action::Probe, Some(run)) => {
                    Output::Probe { run, process: self.index, url: member.url.clone().unwrap_or_default() }
                }
                (Action::Terminate, Some(run)) => Output::Terminate(run),
                (Action::Kill, Some(run)) => Output::Kill(run),
                (Action::Probe | Action::Terminate | Action::Kill, None) => continue,
                (Action::Report(report), _) => {
                    Output::Event(Event { at_ms: effects.now.as_ms(), name: member.name.clone(), report })
                }
            };
            effects.emit(output);
        }
    }
}
