//! Rules, pure: what is remembered of viewers, the model that learns from it, the rows, and how good they are.
//!
//! * [`interest`] — what one profile has done with one title, folded from events, and what that is worth;
//! * [`model`] — which titles go together (EASE^R);
//! * [`audience`] — what all profiles together have done with one title;
//! * [`parts`] — titles that count as others: episodes, trailers;
//! * [`memory`] — all of it, changed by one event at a time;
//! * [`rows`] — the rows of a profile's home screen, with a reason for each title;
//! * [`insights`] — how each title is watched, for the operator;
//! * [`ratings`], [`evaluate`] — files of ratings, and the quality of the model on them.

pub mod audience;
pub mod evaluate;
pub mod insights;
pub mod interest;
pub mod memory;
pub mod model;
pub mod parts;
pub mod ratings;
pub mod rows;
