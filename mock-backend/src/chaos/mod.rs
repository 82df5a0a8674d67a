//! Faults on purpose: [`plan`] decides (seeded, pure), [`apply`] does it to real responses.

pub mod apply;
pub mod plan;
