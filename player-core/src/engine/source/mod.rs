//! Sources: the locations of the same bytes, and the steering server that orders between them.

mod locations;
mod steering;

pub(super) use locations::{Candidate, Locations, ServiceLocation};
pub(super) use steering::Steering;
