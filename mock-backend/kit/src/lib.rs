//! Parts that both servers of the backend share. Nothing here knows a title, a user or a cache.
//!
//! * [`http`] — listening, bounds for connections and bodies, ranges, conditional requests, safe paths, error bodies,
//!   TLS with a pinned key, trace context, the client behind a gateway;
//! * [`filter`] — names of manifests for devices with limits;
//! * [`signature`] and [`address`] — the contract between backend and edge: signed paths, versions of titles in them;
//! * [`clock`], [`keyfile`] — clocks as values, secrets on disk.

#![warn(missing_docs)]

pub mod address;
pub mod clock;
pub mod filter;
pub mod http;
pub mod keyfile;
pub mod signature;
