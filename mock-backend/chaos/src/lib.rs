//! Applies the verdicts of a fault plan ([`kinora_faults`], seeded and pure) to real responses: [`apply`] spoils bodies,
//! [`server`] judges plans and requests.

#![warn(missing_docs)]

pub mod apply;
pub mod server;
