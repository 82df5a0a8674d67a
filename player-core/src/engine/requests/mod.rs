//! Requests under way, and what follows when one fails: the job is what is wanted, each attempt at it one request. Jobs
//! change by the verbs of `Jobs` only. `recovery` decides on failures, and `error_map` gives them their codes.

pub(super) mod error_map;
mod jobs;
pub mod recovery;

pub(super) use jobs::{Job, JobId, Jobs, Measured, Purpose, RetryState};
