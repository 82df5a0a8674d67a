//! Kinora.
