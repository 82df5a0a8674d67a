//! DASH (ISO/IEC 23009-1): an MPD in, model out. Nothing here fetches.
//!
//! The document is read into a tree of our own, not into the structs of `dash-mpd-core`: that crate refuses a whole
//! manifest for one odd attribute, gives no line numbers, overflows on hostile durations, and drops what segment
//! lists, content steering and patches need. A test compares both on what they have in common.

mod addressing;
mod base_url;
mod captions;
mod chain;
mod describe;
mod descriptors;
mod edits;
mod events;
mod kept;
mod live;
mod mpd;
mod patch;
mod playable_set;
mod presentation;
mod protection;
mod readable;
mod selector;
mod sets;
mod switching;
mod template;
mod timeline;
mod xlink;

pub(super) use describe::describe;
pub use kept::{PatchableManifest, Patched};
pub use patch::PatchError;
pub(super) use presentation::{missing, parse};

/// Elements whose content is handed to the host as it is written.
const VERBATIM: &[&str] = &["Event"];
