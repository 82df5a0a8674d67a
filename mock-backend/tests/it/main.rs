//! Component tests over real loopback sockets: one module for each behaviour.

#![expect(clippy::unwrap_used, reason = "tests")]

mod binaries;
mod cache;
mod chaos;
mod grants;
mod positions;
mod shaping;
mod sign_in;
mod stage;
