//! Selection: which adaptation set of a kind is presented, which of its representations may be requested, and which
//! audio goes with which video. `TrackSelection` has the state; everything else is a function of what it is given. The
//! adaptive rule is asked by the session.

pub(super) mod audio_pairing;
mod exclusions;
mod ladder;
pub(super) mod listing;
mod representations;
mod track_selection;
mod tracks;

pub(super) use exclusions::Exclusions;
pub(super) use ladder::{Ladder, ladder, max_height, rate, rung, steady_rung};
pub(super) use representations::{Bounds, may_show, permitted, playable, representation, reps_of};
pub(super) use track_selection::TrackSelection;
pub(super) use tracks::{TrackPreferences, same_language, same_track, set_of};

#[cfg(test)]
mod state_tests;
#[cfg(test)]
mod tests;
