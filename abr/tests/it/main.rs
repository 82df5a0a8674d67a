//! Sessions, bounds, examples and the binary, from outside the crate: one test binary, so that it links once.

mod abr_sim;
mod caps;
mod examples;
mod joint;
mod playing;
mod recorded;
mod rules;
mod sessions;
