//! The processes that exist. Only they are sent signals, and each is reaped here and nowhere else, so that no signal reaches a
//! stranger that got the number of a process that has ended.

use std::collections::BTreeMap;
use std::io;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use tokio::process::Child;

use crate::fleet::io::Run;

/// Processes by run.
#[derive(Debug, Default)]
pub(super) struct Children(BTreeMap<Run, (Pid, Child)>);

impl Children {
    /// Adds a process; returns its identifier, or nothing for one that was reaped already.
    pub(super) fn add(&mut self, run: Run, child: Child) -> Option<u32> {
        let id = child.id()?;
        let pid = Pid::from_raw(i32::try_from(id).ok()?)?;
        self.0.insert(run, (pid, child));
        Some(id)
    }

    /// The identifier of a process.
    pub(super) fn process(&self, run: Run) -> Option<u32> {
        self.0.get(&run).and_then(|(pid, _)| u32::try_from(pid.as_raw_nonzero().get()).ok())
    }

    /// Asks a process to end.
    pub(super) fn terminate(&self, run: Run) -> io::Result<()> {
        let Some((pid, _)) = self.0.get(&run) else { return Ok(()) };
        Ok(kill_process(*pid, Signal::TERM)?)
    }

    /// Kills a process and its group.
    pub(super) fn kill(&self, run: Run) -> io::Result<()> {
        let Some((pid, _)) = self.0.get(&run) else { return Ok(()) };
        Ok(kill_process_group(*pid, Signal::KILL)?)
    }

    /// Reaps what has ended, and kills what is left of its group before.
    pub(super) fn reap(&mut self) -> Vec<(Run, String)> {
        let ended: Vec<Run> = self.0.iter().filter(|(_, (pid, _))| has_ended(*pid)).map(|(run, _)| *run).collect();
        ended.into_iter().filter_map(|run| Some((run, self.bury(run)?))).collect()
    }

    fn bury(&mut self, run: Run) -> Option<String> {
        let (pid, mut child) = self.0.remove(&run)?;
        if state(pid) == State::Dead {
            // The number of the group is not free before its leader is reaped. The group may be empty.
            let _ = kill_process_group(pid, Signal::KILL);
        }
        Some(match child.try_wait() {
            Ok(Some(status)) => status.to_string(),
            Ok(None) => "ended".to_owned(),
            Err(error) => format!("ended, status unknown: {error}"),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Alive,
    /// Dead, and not reaped.
    Dead,
    /// No child: reaped by another part of the program, so that its number may be a stranger's.
    Gone,
}

fn has_ended(pid: Pid) -> bool {
    state(pid) != State::Alive
}

fn state(pid: Pid) -> State {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match waitid(WaitId::Pid(pid), options) {
        Ok(None) => State::Alive,
        Ok(Some(_)) => State::Dead,
        Err(_) => State::Gone,
    }
}
