//! The engine: sans-IO, one owner, deterministic.

pub mod io;
