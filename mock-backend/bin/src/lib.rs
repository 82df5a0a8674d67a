//! Commands of `kinora-backend`, below the reading of their arguments.

#![warn(missing_docs)]

pub mod demo;
pub mod edges;
pub mod events;
pub mod package;
pub mod progress;
pub mod recommend;
pub mod risk;
