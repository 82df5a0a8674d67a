//! Faults on purpose: [`plan`] decides (seeded, pure), [`apply`] does it to real responses.

#![warn(missing_docs)]

pub mod apply;
pub mod plan;
