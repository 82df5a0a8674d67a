//! What backend and edge share as HTTP servers. Nothing here knows what is served.

pub mod attested;
pub mod body;
pub mod conditional;
mod connection;
pub mod crowd;
pub mod date;
pub mod descriptors;
pub mod extract;
pub mod file;
pub mod handed;
pub mod host;
pub mod internal;
pub mod path;
pub mod probe;
pub mod problem;
pub mod range;
pub mod reply;
pub mod server;
pub mod service;
pub mod signal;
pub mod stream;
pub mod tls;
pub mod trace;
