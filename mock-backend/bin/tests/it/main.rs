//! Integration tests of the two programs as processes, and the fuzz corpora, one binary for all.

#![expect(clippy::unwrap_used, reason = "tests")]

mod binaries;
mod events;
mod fuzz_corpus;
mod ingest;
mod killed;
mod recommend;
mod risk;
mod supervision;
mod tracing;
