//! Sessions without a network: the link of a recorded trace, a player's buffer over it, and the score of the result.
//!
//! The link is [`crate::link`], which the virtual world of the playback engine and the shaper of the edge server use too.

pub mod plot;
pub mod protocol;
pub mod qoe;
pub mod record;
pub mod session;
pub mod video;

pub use crate::link;
