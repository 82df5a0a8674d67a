//! Sessions without a network: the link of a recorded trace, a player's buffer over it, and the score of the result.
//!
//! [`link`] alone is also what the virtual world of the playback engine and the shaper of the edge server are driven by.

pub mod link;
pub mod plot;
pub mod protocol;
pub mod qoe;
pub mod record;
pub mod session;
pub mod video;
