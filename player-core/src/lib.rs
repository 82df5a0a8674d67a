//! A deterministic playback engine for HLS and DASH, with its renderers and its HTTP shell.
//!
//! The engine is sans-IO: its inputs are the time and what arrived, its outputs are requests, samples for the renderer,
//! flushes and events. Hosts use a [`player::Player`], which owns the engine on its own thread; tests and the simulator
//! drive [`engine::Engine`] directly:
//!
//! 1. `engine.handle_input(now, input)` or `engine.advance(now)` — one mutation;
//! 2. drain `engine.poll_output()` until `None` — before the next mutation;
//! 3. wait for an input or for `engine.poll_timeout()`; go to 1.
//!
//! Deliberately absent: no function here is `async`, no GStreamer type appears in a public signature outside
//! `render::gst`, and nothing outside `manifest` knows HLS from DASH.

pub mod command;
pub mod config;
pub mod container;
#[cfg(feature = "http")]
pub mod driver;
pub mod drm;
pub mod engine;
pub mod error;
pub mod event;
pub mod manifest;
pub mod model;
#[cfg(feature = "http")]
pub mod player;
pub mod render;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod snapshot;
pub mod telemetry;
pub mod text;
pub mod time;

pub use abr::Hdcp;
pub use command::{Command, CommandId, LoadRequest, QualityChoice, SeekMode, TrackChoice};
pub use config::PlayerConfig;
pub use error::{ErrorCode, PlayerError, Severity};
pub use event::Event;
#[cfg(feature = "http")]
pub use player::Player;
pub use snapshot::{PendingRetry, Snapshot, State};
pub use time::{MediaTime, Now, TimeRange, TimeRanges, WallClock};
