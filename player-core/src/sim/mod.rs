//! A virtual world for the engine: a link, hosts with a film, a renderer and a clock, all deterministic. An hour of
//! film passes in a fraction of a second, because time jumps from one event to the next.
//!
//! Nothing here is shipped: it exists under the feature `sim`, for scenario tests and for the QA tool.

mod audit;
mod captions;
mod dash;
mod fault;
mod film;
mod hls;
pub mod live;
mod media;
mod network;
mod packaging;
pub mod record;
mod relist;
mod resume;
mod segments;
mod shape;
mod sounds;
mod watch;
mod world;

pub use captions::Captions;
pub use fault::{Effect, Fault, FaultPlan, FiredFault};
pub use film::{Content, Film, Lock, LockKind, Missing, Rung, Sounds, Voice};
pub use network::Network;
pub use relist::Relisting;
pub use resume::Serving;
pub use shape::{Addressing, Muxed, Shape};
pub use world::{Outcome, Recorded, TimedEvent, World, replay};
