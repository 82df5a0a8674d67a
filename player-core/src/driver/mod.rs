//! The shell around the engine: its thread, its clock, its HTTP. Nothing here decides what to fetch or when to play.
//!
//! One thread named `player` owns the engine and the renderer and blocks on one [`inbox::Inbox`]; requests run on
//! an I/O runtime that the process shares. tokio and reqwest appear nowhere outside this module.

mod clock;
mod cookies;
mod credentials;
mod events;
mod exchange;
mod http;
mod inbox;
mod memory;
#[cfg(test)]
mod odd_servers_tests;
mod ranges;
mod record;
mod resolver;
mod run;
mod sink;

pub use clock::MonotonicClock;
pub use events::{MAX_EVENTS, MAX_REPLIES};
pub use http::NetworkConfig;
pub use inbox::MAX_COMMANDS;

pub(crate) use events::EventQueue;
pub(crate) use http::HttpFetcher;
pub(crate) use inbox::{Inbox, Message};
pub(crate) use memory::return_memory;
pub(crate) use record::Recorder;
pub(crate) use run::{PlayerLoop, Published, panic_error};
