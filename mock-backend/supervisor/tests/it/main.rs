//! Integration tests of `kinora-supervisor` as a process with processes, and the fuzz corpus, one binary for all.

#![expect(clippy::unwrap_used, reason = "tests")]

mod commands;
mod ends;
mod fuzz_corpus;
mod library;
mod restarts;
mod rolls;
mod supervised;
