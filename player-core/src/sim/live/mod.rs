//! A virtual live service: what its origin answers is a pure function of a description and of the time at which a request
//! arrives, so that a session of days is the same on every machine.

mod clock;
mod dash;
mod film;
mod hls;
mod media;
mod origin;
mod service;
#[cfg(test)]
mod tests;
mod timeline;
mod track;
mod troubles;
mod truth;

pub(in crate::sim) use clock::WORLD_BEGINS;
pub use film::{
    ClockSource, Dates, Emsg, LiveContainer, LiveDash, LiveFilm, LiveHls, LivePathway, LiveSteering, LowLatency,
    MpdAddressing, PartFiles, Patching, ServiceDescribed, UtcBody,
};
pub use origin::{LiveAnswer, LiveOrigin, LiveQuery};
pub use troubles::{DateHeader, Resumption, SequenceFault, Troubles};
pub(in crate::sim) use truth::{Truth, latency};
