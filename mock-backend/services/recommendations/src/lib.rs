//! The service of recommendations: it learns from the log of events, and says which titles to show to whom, and why.
//!
//! * [`domain`] — rules, pure.

#![warn(missing_docs)]

pub mod domain;
