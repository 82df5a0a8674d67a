//! End to end: the real engine, GStreamer, sockets, edges and files. One binary, one behaviour a file.
#![expect(clippy::unwrap_used, reason = "tests")]

mod av_sync;
mod c_abi;
mod continuity;
mod corpus;
mod encrypted;
mod failover;
mod faults;
mod media_cache;
mod packagers;
mod pictures;
mod reports;
mod services;
mod split;
mod support;
