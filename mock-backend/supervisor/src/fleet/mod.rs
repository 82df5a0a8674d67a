//! All processes of a topology: the order of their start and end, restarts and rolls that operators ask for, and the addresses that
//! are published. Pure: it is given the time and what happened, and answers what to do.
//!
//! [`Fleet::handle`] takes an input, [`Fleet::advance`] lets time pass until [`Fleet::timeout`]; after each of them
//! [`Fleet::poll_output`] is drained before the next. A process that does not become ready delays those that depend on it and no
//! others.

mod effects;
mod group;
pub mod io;
mod roll;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use self::effects::Effects;
use self::group::Group;
use self::io::{Address, Announcement, Input, Output, RequestId, Run, Status};
use self::roll::{Progress, Roll, granted};
use crate::moment::Moment;
use crate::replica::End;
use crate::topology::{MAX_REPLICAS, Process, Role, Topology};

/// All processes of a topology.
#[derive(Debug)]
pub struct Fleet {
    groups: Vec<Group>,
    effects: Effects,
    /// The request of an operator that is carried out; one at a time.
    operation: Option<(RequestId, Operation)>,
    is_ending: bool,
    has_finished: bool,
    has_announced: bool,
    published: Vec<Address>,
}

#[derive(Debug)]
enum Operation {
    Restart { targets: Vec<(usize, usize)>, deadline: Moment },
    Roll(Roll),
    Scale { group: usize, deadline: Moment },
}

impl Fleet {
    /// A fleet of which nothing runs until the first [`Fleet::advance`].
    pub fn new(topology: &Topology) -> Self {
        Self {
            groups: topology
                .processes()
                .iter()
                .enumerate()
                .map(|(index, process)| Group::new(index, process))
                .collect(),
            effects: Effects::default(),
            operation: None,
            is_ending: false,
            has_finished: false,
            has_announced: false,
            published: Vec::new(),
        }
    }

    /// Takes note of something that happened.
    pub fn handle(&mut self, input: Input, now: Moment) {
        self.effects.now = now;
        let effects = &mut self.effects;
        match input {
            Input::Spawned { run, pid } => {
                if let Some(group) = group_of(&mut self.groups, run) {
                    group.on_spawned(run, pid, effects);
                }
            }
            Input::NotSpawned { run, reason } => {
                if let Some(group) = group_of(&mut self.groups, run) {
                    group.on_not_spawned(run, reason, effects);
                }
            }
            Input::Listening { run, url, port, announced } => {
                if let Some(group) = group_of(&mut self.groups, run) {
                    group.on_listening(run, (url, port), announced, effects);
                }
            }
            Input::Probed { run, answer } => {
                if let Some(group) = group_of(&mut self.groups, run) {
                    group.on(run, effects, |replica, now, actions| replica.on_probed(answer, now, actions));
                }
            }
            Input::Exited { run, status } => {
                if let Some(group) = group_of(&mut self.groups, run) {
                    group.on_exited(run, status, effects);
                }
            }
            Input::Restart { request, name } => self.restart(request, &name),
            Input::Roll { request, name } => self.roll(request, name.as_deref()),
            Input::Scale { request, name, replicas } => self.scale(request, &name, replicas),
            Input::Stop { request, name } => self.set_stopped(request, &name, true),
            Input::Start { request, name } => self.set_stopped(request, &name, false),
            Input::Shutdown => self.shut_down(),
        }
        self.drive();
    }

    /// Lets time pass.
    pub fn advance(&mut self, now: Moment) {
        self.effects.now = now;
        self.drive();
    }

    /// Returns the next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.effects.poll()
    }

    /// The moment until which nothing happens by itself; `None` if nothing ever will.
    pub fn timeout(&self) -> Option<Moment> {
        let operation = self.operation.as_ref().and_then(|(_, operation)| match operation {
            Operation::Restart { deadline, .. } | Operation::Scale { deadline, .. } => Some(*deadline),
            Operation::Roll(roll) => roll.timeout(),
        });
        self.groups.iter().filter_map(Group::timeout).chain(operation).min()
    }

    /// The state of each replica, in the order of the topology.
    pub fn status(&self, now: Moment) -> Vec<Status> {
        self.groups.iter().flat_map(|group| group.status(now)).collect()
    }

    /// Returns true if a replica of a name runs or will.
    pub fn has(&self, name: &str) -> bool {
        self.groups.iter().flat_map(Group::members).any(|member| member.name() == name && !member.is_stopped())
    }

    /// Addresses of the replicas of a process, also of those that are not ready now.
    pub fn urls(&self, process: &str) -> Vec<String> {
        self.groups.iter().find(|group| group.process().name == process).map(Group::urls).unwrap_or_default()
    }

    fn drive(&mut self) {
        for group in &mut self.groups {
            group.advance(&mut self.effects);
        }
        if self.is_ending {
            self.end_in_order();
        } else {
            self.start_in_order();
            self.drive_operation();
        }
        self.publish();
        self.announce();
    }

    /// Starts each group whose dependencies carry it.
    fn start_in_order(&mut self) {
        for at in 0..self.groups.len() {
            if self.groups[at].process().after.iter().all(|other| self.groups[*other].carries()) {
                self.groups[at].start(&mut self.effects);
            }
        }
    }

    /// Ends each group on which no other depends any more.
    fn end_in_order(&mut self) {
        for at in (0..self.groups.len()).rev() {
            let is_needed = |other: &Group| other.process().after.contains(&at) && !other.is_stopped();
            if !self.groups.iter().any(is_needed) {
                self.groups[at].end_all(End::Stop, &mut self.effects);
            }
        }
        if !self.has_finished && self.groups.iter().all(Group::is_stopped) {
            self.has_finished = true;
            self.effects.emit(Output::Finished);
        }
    }

    fn shut_down(&mut self) {
        if self.is_ending {
            for group in &mut self.groups {
                group.kill_all(&mut self.effects);
            }
        }
        self.is_ending = true;
        if let Some((request, _)) = self.operation.take() {
            self.reply(request, Err("the supervisor ends".to_owned()));
        }
    }

    fn restart(&mut self, request: RequestId, name: &str) {
        let is_meant = |group: &Group, number: usize| {
            let process = group.process();
            process.name == name || format!("{}-{}", process.name, number + 1) == name
        };
        let numbers = |(at, group): (usize, &Group)| {
            (0..group.process().replicas).map(move |number| (at, number)).collect::<Vec<_>>()
        };
        let all = self.groups.iter().enumerate().flat_map(numbers);
        let targets: Vec<_> = all.filter(|(at, number)| is_meant(&self.groups[*at], *number)).collect();
        let is_stopped = |group: &Group| group.process().name == name && group.stopped().is_some();
        if self.groups.iter().any(is_stopped) {
            return self.reply(request, Err(is_stopped_sentence(name)));
        }
        let Some((first, _)) = targets.first() else { return self.refuse_unknown(request, name) };
        if self.is_busy(request) {
            return;
        }
        let deadline = self.effects.now.after(granted(&self.groups[*first].process().policy));
        for (group, number) in &targets {
            if let Some(at) = self.groups[*group].regular().get(*number) {
                self.groups[*group].end(*at, End::Replace, &mut self.effects);
            }
        }
        self.operation = Some((request, Operation::Restart { targets, deadline }));
    }

    fn roll(&mut self, request: RequestId, name: Option<&str>) {
        let is_chosen = |group: &Group| name.is_none_or(|name| group.process().name == name);
        let chosen: Vec<usize> = (0..self.groups.len()).filter(|at| is_chosen(&self.groups[*at])).collect();
        if let (true, Some(name)) = (chosen.is_empty(), name) {
            return self.refuse_unknown(request, name);
        }
        let chosen: Vec<usize> = chosen.into_iter().filter(|at| self.groups[*at].stopped().is_none()).collect();
        if let (true, Some(name)) = (chosen.is_empty(), name) {
            return self.reply(request, Err(is_stopped_sentence(name)));
        }
        if !self.is_busy(request) {
            self.operation = Some((request, Operation::Roll(Roll::new(&self.groups, chosen.into_iter()))));
        }
    }

    fn scale(&mut self, request: RequestId, name: &str, replicas: usize) {
        let Some(at) = self.groups.iter().position(|group| group.process().name == name) else {
            return self.refuse_unknown(request, name);
        };
        let group = &mut self.groups[at];
        let has_port = group.process().port.is_some();
        if !(1..=MAX_REPLICAS).contains(&replicas) || has_port && replicas > 1 {
            let sentence = format!("{name} may have 1 to {MAX_REPLICAS} replicas, one if its `port` is set");
            return self.reply(request, Err(sentence));
        }
        if self.is_busy(request) {
            return;
        }
        let group = &mut self.groups[at];
        group.scale(replicas, &mut self.effects);
        let deadline = self.effects.now.after(granted(&group.process().policy));
        self.operation = Some((request, Operation::Scale { group: at, deadline }));
    }

    fn set_stopped(&mut self, request: RequestId, name: &str, is_stopped: bool) {
        let Some(at) = self.groups.iter().position(|group| group.process().name == name) else {
            return self.refuse_unknown(request, name);
        };
        if self.is_busy(request) {
            return;
        }
        let group = &mut self.groups[at];
        match (is_stopped, group.stopped()) {
            (true, _) => group.stop(&mut self.effects),
            (false, Some(replicas)) => group.scale(replicas, &mut self.effects),
            (false, None) => {}
        }
        let deadline = self.effects.now.after(granted(&group.process().policy));
        self.operation = Some((request, Operation::Scale { group: at, deadline }));
    }

    fn refuse_unknown(&mut self, request: RequestId, name: &str) {
        let names: Vec<&str> = self.groups.iter().map(|group| group.process().name.as_str()).collect();
        let sentence = format!("`{name}` is no process of this topology; those are {}", names.join(", "));
        self.reply(request, Err(sentence));
    }

    /// Refuses a request while another one is carried out, or all ends.
    fn is_busy(&mut self, request: RequestId) -> bool {
        let reason = if self.is_ending {
            "the supervisor ends"
        } else if self.operation.is_some() {
            "another restart or roll is under way; try again after it"
        } else {
            return false;
        };
        self.reply(request, Err(reason.to_owned()));
        true
    }

    fn drive_operation(&mut self) {
        let Some((request, mut operation)) = self.operation.take() else { return };
        let progress = match &mut operation {
            Operation::Roll(roll) => roll.drive(&mut self.groups, &mut self.effects),
            Operation::Scale { group, deadline } => scale_progress(&self.groups[*group], self.effects.now >= *deadline),
            Operation::Restart { targets, deadline } => {
                restart_progress(&self.groups, targets, self.effects.now >= *deadline)
            }
        };
        match progress {
            Progress::UnderWay => self.operation = Some((request, operation)),
            Progress::Done(sentences) => self.reply(request, Ok(sentences)),
            Progress::Failed(sentence) => self.reply(request, Err(sentence)),
        }
    }

    fn reply(&mut self, request: RequestId, result: Result<Vec<String>, String>) {
        self.effects.emit(Output::Reply { request, result });
    }

    fn publish(&mut self) {
        let ready: Vec<Address> = self.groups.iter().flat_map(Group::ready).collect();
        if ready != self.published {
            self.published.clone_from(&ready);
            self.effects.emit(Output::Publish(ready));
        }
    }

    /// Announces, once, that all runs that can. Without a process of the role, the first one counts as the backend.
    fn announce(&mut self) {
        if self.has_announced || self.is_ending {
            return;
        }
        let is_backend = |group: &&Group| group.process().role == Role::Backend;
        let backend = self.groups.iter().find(is_backend).or(self.groups.first());
        let has_backend = backend.is_some_and(|group| group.ready().next().is_some());
        if has_backend && self.is_decided() {
            self.has_announced = true;
            let announced = self.announced();
            let addresses = self.published.clone();
            self.effects.emit(Output::Announce(Announcement { addresses, announced }));
        }
    }

    /// Returns true once each replica is ready, fails again and again, or waits for a process that does.
    fn is_decided(&self) -> bool {
        let is_held_up = |group: &Group| group.process().after.iter().any(|other| !self.groups[*other].carries());
        self.groups.iter().all(|group| {
            let mut members = group.members().iter();
            members.all(|member| member.is_decided() || member.is_held() && is_held_up(group))
        })
    }

    /// Joins the JSON lines of all processes.
    fn announced(&self) -> Map<String, Value> {
        let mut all = Map::new();
        for (key, value) in self.groups.iter().flat_map(Group::members).flat_map(|member| member.announced()) {
            match (all.get_mut(key), value) {
                (None, value) => drop(all.insert(key.clone(), value.clone())),
                (Some(Value::Array(list)), Value::Array(more)) if key == "edges" => list.extend(more.iter().cloned()),
                (Some(_), _) => {}
            }
        }
        all
    }
}

fn group_of(groups: &mut [Group], run: Run) -> Option<&mut Group> {
    groups.iter_mut().find(|group| group.has(run))
}

fn is_stopped_sentence(name: &str) -> String {
    format!("{name} is stopped; start it first")
}

fn scale_progress(group: &Group, is_late: bool) -> Progress {
    let Process { name, replicas, is_named_by_others, .. } = group.process();
    if group.is_settled() && group.stopped().is_some() {
        Progress::Done(vec![format!("{name} was stopped")])
    } else if group.is_settled() {
        let note = if *is_named_by_others {
            "; processes that were given its addresses learn of it at their next start"
        } else {
            ""
        };
        Progress::Done(vec![format!("{name} has {replicas} replicas{note}")])
    } else if is_late {
        Progress::Failed(format!(
            "{name} should have {replicas} replicas, and not all are as they should be; the tries go on"
        ))
    } else {
        Progress::UnderWay
    }
}

fn restart_progress(groups: &[Group], targets: &[(usize, usize)], is_late: bool) -> Progress {
    let members = targets.iter().filter_map(|(group, number)| {
        let group = &groups[*group];
        group.regular().get(*number).map(|at| &group.members()[*at])
    });
    let (back, missing): (Vec<_>, Vec<_>) = members.partition(|member| member.is_ready());
    let names = |members: &[&group::Member]| members.iter().map(|member| member.name()).collect::<Vec<_>>().join(", ");
    if missing.is_empty() {
        Progress::Done(back.iter().map(|member| format!("{} was restarted", member.name())).collect())
    } else if is_late {
        Progress::Failed(format!("not ready in time: {}; the tries go on", names(&missing)))
    } else {
        Progress::UnderWay
    }
}
