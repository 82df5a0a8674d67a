//! Adaptive bitrate selection: numbers in, a representation and a reason out.
//!
//! A [`Rule`] is asked once per segment which rung of a ladder to fetch, observes every finished transfer, and may
//! advise that a running transfer be given up for a smaller one. It never sees a URL, a codec string or a clock: every
//! time is handed to it as a [`Duration`](std::time::Duration) since an origin of the caller's choosing, so the same
//! inputs always give the same decisions. Nothing here allocates while deciding, and nothing here depends on a player:
//! any streaming client can use it.
//!
//! # Use
//!
//! 1. Make a rule with [`default_rule`] or by name with [`rule()`]; [`Rule::seed`] it when the network is a known one.
//! 2. Before each segment fill a [`Context`] and call [`Rule::select`].
//! 3. While a segment is arriving call [`Rule::on_progress`]; obey [`Verdict::AbandonTo`] or ignore it.
//! 4. After each transfer, also one that was given up, call [`Rule::on_transfer`].
//! 5. After a seek call [`Rule::on_seek`].
//!
//! The bounds of the choice, [`Caps`], are part of the context; [`frames`] makes one of the frames that the renderer
//! dropped. Audio that has its own ladder is chosen together with the video by [`joint`]. `examples/player.rs` is a
//! whole client, the README has the contract as a table and the tools.
//!
//! ```
//! use std::time::Duration;
//! use abr::{Context, Rung, Transfer};
//!
//! let ladder = [Rung::new(400_000), Rung::new(1_200_000), Rung::new(4_000_000)];
//! let mut rule = abr::default_rule();
//!
//! // Nothing is known yet, so playback begins with what starts soonest.
//! let first = rule.select(&Context::new(&ladder, Duration::from_secs(4)));
//! assert_eq!(first.representation, 0);
//!
//! // Four seconds of media arrived in a fifth of a second: the link carries about 8 Mbit/s.
//! rule.on_transfer(&Transfer {
//!     at: Duration::from_millis(230),
//!     bytes: 200_000,
//!     ttfb: Duration::from_millis(30),
//!     duration: Duration::from_millis(200),
//!     cached: false,
//!     concurrent: 1,
//!     others: 0,
//! });
//! let next = rule.select(&Context {
//!     now: Duration::from_millis(230),
//!     last: Some(first.representation),
//!     buffer: Duration::from_secs(4),
//!     ..Context::new(&ladder, Duration::from_secs(4))
//! });
//! assert!(next.representation > 0, "{}", next.reason);
//! ```
//!
//! # What it does not do
//!
//! It does not fetch, time or cancel anything, does not choose between codecs, languages or numbers of channels, and does not
//! persist what it learned: the host keeps a [`History`] per network if it wants one.

#![warn(missing_docs)]

pub mod abandon;
mod caps;
mod chunks;
mod context;
mod decision;
pub mod estimator;
pub mod frames;
pub mod joint;
pub mod link;
pub mod rule;
mod rung;
pub mod simulator;
mod transfer;

pub use caps::Caps;
pub use chunks::ChunkMeter;
pub use context::{Context, FirstPicture, Live, Objective, Phase};
pub use decision::{Decision, EXPLAINED, Explanation, Reason, Verdict};
pub use rule::{Rule, default_rule, rule};
pub use rung::{Hdcp, Protection, Rung};
pub use transfer::{History, InFlight, Transfer};

/// The example of the README compiles and runs with the tests of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
