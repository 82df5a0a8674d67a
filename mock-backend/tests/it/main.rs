//! Integration tests of the backend crate, one binary for all: the packager with ffmpeg, and both servers over real
//! loopback sockets. One module for each behaviour.

#![expect(clippy::unwrap_used, reason = "tests")]

mod binaries;
mod bounds;
mod cache;
mod chaos;
mod edge_cache;
mod edge_http;
mod fuzz_corpus;
mod grants;
mod hostile;
mod media;
mod positions;
mod revocation;
mod shaping;
mod sign_in;
mod stage;
mod supervision;
mod versions;
