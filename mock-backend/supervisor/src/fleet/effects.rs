//! The time, what leaves the fleet, and numbers that are never used twice.

use std::collections::VecDeque;

use crate::fleet::io::{Output, Run};
use crate::moment::Moment;

/// Passed to all parts of the fleet.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Now.
    pub(super) now: Moment,
    outputs: VecDeque<Output>,
    last_run: u64,
}

impl Effects {
    pub(super) fn emit(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(super) fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(super) fn next_run(&mut self) -> Run {
        self.last_run += 1;
        Run(self.last_run)
    }
}
