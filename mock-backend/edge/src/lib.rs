//! The edge: a small CDN node. It checks the signed prefix of a path, answers from its cache or the origin behind it, sends at
//! the pace of a trace, and writes down what it did.
//!
//! * [`shaper`] — the link model, pure and clock-free; [`links`] applies it, one link for each session;
//! * [`cache`] — pull-through with request collapsing; [`freshness`], [`breaker`] and [`absent`] decide, pure, what may be used and
//!   asked; [`download`] fills [`store`] (memory and disk); [`fill`] is one download that many may follow; [`slices`] reads objects
//!   that are larger than an entry; [`origin`] fetches;
//! * [`revoked`] — sessions whose addresses are no longer good; [`status`] — what an answer tells about the cache;
//! * [`directives`] — the queries of live playlists, which are part of a key;
//! * `faults` — the fault plan: verdicts, and the effects that come before a body;
//! * [`body`] — from a cached or growing object to the pieces of a response;
//! * [`log`] — one line of JSON for each request;
//! * [`server`] — the request's way through all of these. The token of its path is read by [`kinora_kit::signature`].

#![warn(missing_docs)]

pub mod absent;
pub mod body;
pub mod breaker;
pub mod cache;
pub mod directives;
mod download;
mod faults;
pub mod fill;
pub mod freshness;
pub mod links;
pub mod log;
mod log_file;
pub mod lookup;
pub mod object;
pub mod origin;
pub mod revoked;
pub mod server;
pub mod shaper;
pub mod slices;
pub mod status;
pub mod store;

pub use server::{Access, Config, EdgeError, serve};
