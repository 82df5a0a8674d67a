//! The QA tool: plays, inspects and reports. The binary is glue over this library; the end-to-end tests use it too.

pub mod cli;
pub mod inspect;
pub mod play;
pub mod service;
