//! The bundled backend and edge of Kinora, as a library: the two binaries are thin, and tests start servers in their process.
//!
//! * [`services`] — the backend: accounts, tokens, catalogue, playback authorisation, resume positions, the origin;
//! * [`edge`] — the edge: signed paths, pull-through cache, shaped bandwidth, request log;
//! * [`media`] — the packager and the demo catalogue;
//! * [`chaos`] — a seeded plan of faults, pure, and its application to real responses;
//! * [`http`] — what both servers share: listening, ranges, conditional requests, safe paths, error bodies;
//! * [`command`] — what the commands of `kinora-backend` do;
//! * [`clock`], [`keyfile`] — clocks as values, secrets on disk.
//!
//! `services` and `edge` do not know each other but for [`edge::signature`], with which the backend signs what the edge checks.
//! Nothing here knows the player.

#![warn(missing_docs)]

pub mod chaos;
pub mod clock;
pub mod command;
pub mod edge;
pub mod http;
pub mod keyfile;
pub mod media;
pub mod services;
