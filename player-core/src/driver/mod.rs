//! The shell around the engine: its thread, its clock, its HTTP. Nothing here decides what to fetch or when to play.
//!
//! One thread named `player` owns the engine and the renderer and blocks on one [`inbox::Inbox`]; requests run on
//! an I/O runtime that the process shares. tokio and reqwest appear nowhere outside this module.
//!
//! A host may replace parts of the player ([`HostParts`], `docs/adr/0019`): its network ([`Fetcher`]), changes to requests and
//! answers ([`FetchDecorator`]), kept media ([`MediaStore`]), the exchange of licences ([`KeySystem`]), and decisions about
//! failures ([`LoadErrorPolicy`](crate::engine::recovery::LoadErrorPolicy)). What takes time is finished through handles.
//! `docs/embedding.md` has an example of each.

mod client;
mod clock;
mod completion;
mod connect;
mod cookies;
mod credentials;
mod decorator;
mod events;
mod exchange;
mod fetcher;
mod host;
#[cfg(test)]
mod host_tests;
mod http;
mod identity;
mod inbox;
mod kept;
mod key_system;
mod memory;
mod network_config;
#[cfg(test)]
mod odd_servers_tests;
mod ranges;
mod record;
mod reply;
mod requests;
mod resolver;
#[cfg(test)]
mod resume_tests;
mod run;
mod sink;
mod store;
mod transfer;

pub use clock::MonotonicClock;
pub use completion::{Cancellation, Completion};
pub use decorator::{FetchDecorator, RequestParts};
pub use events::{MAX_EVENTS, MAX_REPLIES};
pub use exchange::REFUSED_HEADERS;
pub use fetcher::Fetcher;
pub use host::HostParts;
pub use http::HttpFetcher;
pub use identity::{FileIdentity, Rest, Validator};
pub use inbox::MAX_COMMANDS;
pub use key_system::{ClearKeySystem, KeySystem};
pub use network_config::NetworkConfig;
pub use reply::{FetchReply, MAX_WAITING_BYTES};
pub use store::{MediaKey, MediaStore, MemoryStore, StoreCounts, StoredMedia};

pub(crate) use events::EventQueue;
pub(crate) use inbox::{Inbox, Message};
pub(crate) use memory::{Upkeep, return_memory};
pub(crate) use record::Recorder;
pub(crate) use requests::Requests;
pub(crate) use run::{PlayerLoop, Published, panic_error};

/// The examples of the guide compile and run with the tests of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/embedding.md")]
struct Guide;
