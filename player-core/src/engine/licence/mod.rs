//! The keys of a session: how each stands, and the requests that obtain them. Only this folder changes them.

mod keys;
mod requests;

pub(super) use keys::{KeyState, Keys};
pub(super) use requests::Needs;
