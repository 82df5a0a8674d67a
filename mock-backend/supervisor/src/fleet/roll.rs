//! Replacing replicas one by one.

use std::collections::VecDeque;
use std::time::Duration;

use super::effects::Effects;
use super::group::{Group, Place};
use crate::moment::Moment;
use crate::replica::End;
use crate::topology::{Policy, Socket};

/// Time that a step gets in addition to what its process is granted.
const SLACK: Duration = Duration::from_secs(5);

/// A roll under way.
#[derive(Debug)]
pub(super) struct Roll {
    /// Group and number of the replicas to come, the number counted among the regular ones.
    queue: VecDeque<(usize, usize)>,
    step: Option<Step>,
    done: Vec<String>,
}

/// The replica that is replaced now.
#[derive(Debug)]
struct Step {
    group: usize,
    number: usize,
    stage: Stage,
    deadline: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Waits until all replicas of the process are ready.
    Others,
    /// The replica ends and starts again at its address.
    InPlace,
    /// A successor starts while the replica serves.
    Successor,
    /// The successor serves, and the replica ends.
    Retirement,
}

/// The state of a roll.
pub(super) enum Progress {
    UnderWay,
    Done(Vec<String>),
    Failed(String),
}

impl Roll {
    /// A roll of all replicas of some groups, in their order.
    pub(super) fn new(groups: &[Group], chosen: impl Iterator<Item = usize>) -> Self {
        let queue = chosen.flat_map(|group| (0..groups[group].process().replicas).map(move |number| (group, number)));
        Self { queue: queue.collect(), step: None, done: Vec::new() }
    }

    /// Goes on as far as the state of the groups allows.
    pub(super) fn drive(&mut self, groups: &mut [Group], effects: &mut Effects) -> Progress {
        loop {
            let Some(mut step) = self.step.take().or_else(|| self.next(groups, effects)) else {
                return Progress::Done(std::mem::take(&mut self.done));
            };
            let group = &mut groups[step.group];
            match step.drive(group, effects) {
                Some(sentence) => self.done.push(sentence),
                None if effects.now >= step.deadline => return Progress::Failed(step.give_up(group, effects)),
                None => {
                    self.step = Some(step);
                    return Progress::UnderWay;
                }
            }
        }
    }

    /// The moment in which the current step is given up.
    pub(super) fn timeout(&self) -> Option<Moment> {
        self.step.as_ref().map(|step| step.deadline)
    }

    fn next(&mut self, groups: &[Group], effects: &Effects) -> Option<Step> {
        let (group, number) = self.queue.pop_front()?;
        let deadline = effects.now.after(granted(&groups[group].process().policy));
        Some(Step { group, number, stage: Stage::Others, deadline })
    }
}

impl Step {
    /// Goes on; returns a sentence once the replica is replaced.
    fn drive(&mut self, group: &mut Group, effects: &mut Effects) -> Option<String> {
        let at = *group.regular().get(self.number)?;
        match self.stage {
            Stage::Others => {
                if group.is_settled() {
                    self.begin(at, group, effects);
                }
                None
            }
            Stage::InPlace => {
                let member = &group.members()[at];
                let how = if group.process().replicas == 1 { "with a gap" } else { "while the others served" };
                member.is_ready().then(|| format!("{} was restarted at its address, {how}", member.name()))
            }
            Stage::Successor => {
                if group.successor().is_some_and(|successor| group.members()[successor].is_ready()) {
                    group.succeed(effects);
                    self.stage = Stage::Retirement;
                }
                None
            }
            Stage::Retirement => {
                let place = if group.process().socket == Socket::Handed { "its" } else { "another" };
                let name = group.members()[at].name();
                let has_retired =
                    group.members().iter().all(|member| member.place() != Place::Former || member.is_stopped());
                has_retired.then(|| format!("{name} was replaced at {place} address, without a gap"))
            }
        }
    }

    fn begin(&mut self, at: usize, group: &mut Group, effects: &mut Effects) {
        self.deadline = effects.now.after(granted(&group.process().policy));
        if group.process().may_overlap() {
            self.stage = Stage::Successor;
            group.add_successor(effects);
        } else {
            self.stage = Stage::InPlace;
            // Without others that serve, leaving slowly only lengthens the gap.
            let end = if group.process().replicas == 1 { End::Replace } else { End::LeaveAndReplace };
            group.end(at, end, effects);
        }
    }

    /// Leaves the group as it is, without a successor; returns the reason.
    fn give_up(self, group: &mut Group, effects: &mut Effects) -> String {
        group.drop_successor(effects);
        let name =
            group.regular().get(self.number).map_or_else(String::new, |at| group.members()[*at].name().to_owned());
        match self.stage {
            Stage::Others => {
                let missing: Vec<&str> =
                    group.members().iter().filter(|member| !member.is_ready()).map(|member| member.name()).collect();
                format!(
                    "{name} was not replaced, because of {}: not ready; the rest stays as it is",
                    missing.join(", ")
                )
            }
            Stage::InPlace => format!("{name} was restarted and did not become ready; the rest stays as it is"),
            Stage::Successor => format!("the successor of {name} did not become ready and was ended; {name} stays"),
            Stage::Retirement => format!("{name} was replaced, and its former process has not ended"),
        }
    }
}

/// Time in which a replica of a policy can leave, end and become ready.
pub(super) fn granted(policy: &Policy) -> Duration {
    policy.leave + policy.drain + policy.start + SLACK
}
