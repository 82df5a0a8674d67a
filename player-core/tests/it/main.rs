//! Scenario tests of the engine in a virtual world: one behaviour a file.

#![expect(clippy::unwrap_used, reason = "tests")]

mod plays;
mod support;
