//! Risk of sign-ins and tokens: pure rules over events in order of time.
//!
//! * [`event`] — what is assessed; [`assessment`] — the result; [`key`] — names as digests; [`place`] — where it was; [`networks`] — places of addresses;
//! * `habits` and `rules` — what belongs to an account, and the signals;
//! * [`memory`] — assessment while events come; [`hindsight`] — assessment of a whole file;
//! * [`reader`] — files of events; [`evaluation`] — precision and recall of scores.
//!
//! Signals and figures are described in `docs/risk.md`.

#![warn(missing_docs)]

pub mod assessment;
pub mod evaluation;
pub mod event;
mod habits;
pub mod hindsight;
pub mod key;
pub mod memory;
pub mod networks;
pub mod place;
pub mod reader;
mod rules;
mod values;
