//! The edge: a small CDN node. It checks the signed prefix of a path, answers from its cache or the origin behind it, sends at
//! the pace of a trace, and writes down what it did.
//!
//! * [`signature`] — the token in `/t/TOKEN/<title>/…`, pure;
//! * [`shaper`] — the link model, pure and clock-free; [`links`] applies it, one link for each session;
//! * [`cache`] — pull-through with request collapsing; [`fill`] is one download that many may follow; [`origin`] fetches;
//! * [`body`] — from a cached or growing object to the pieces of a response;
//! * [`log`] — one line of JSON for each request;
//! * [`server`] — the request's way through all of these.

pub mod body;
pub mod cache;
pub mod fill;
pub mod links;
pub mod log;
pub mod origin;
pub mod server;
pub mod shaper;
pub mod signature;

pub use server::{Access, Config, EdgeError, serve};
