//! Integration tests of the edge over real loopback sockets, one binary for all. One module for each behaviour.

#![expect(clippy::unwrap_used, reason = "tests")]

mod cache;
mod chaos;
mod edge_cache;
mod edge_http;
mod live;
mod shaping;
