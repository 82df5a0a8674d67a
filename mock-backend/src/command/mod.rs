//! What the commands of `kinora-backend` do, below the reading of their arguments.

pub mod demo;
pub mod edges;
pub mod package;
pub mod progress;
