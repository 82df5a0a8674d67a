//! Kinora.
pub mod media;
