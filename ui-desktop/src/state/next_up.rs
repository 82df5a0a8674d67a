//! The episode after the one on screen: offered during the credits with a count that can be stopped, begun at the end.

use kinora_api::{TitleCard, TitleKind};
use player_core::State;

use super::film::{leave_player, play};
use super::player::{NextUp, PlayerState};
use super::skips::to_seconds;
use super::{AppState, Effect, Moment, Settings};
use crate::command::Begin;

/// Seconds of credits after which the next episode begins.
const COUNT: f64 = 10.0;

/// Returns the episode that follows the one on screen.
pub fn next_episode(player: &PlayerState) -> Option<&TitleCard> {
    let detail = &player.companion.as_ref().filter(|_| player.problem.is_none())?.detail;
    detail.up_next.as_ref().filter(|_| detail.card.kind == TitleKind::Episode)
}

/// Returns true if the end of the film begins the next episode.
pub fn follows_by_itself(player: &PlayerState, settings: &Settings) -> bool {
    settings.plays_next && player.next != NextUp::Stopped && next_episode(player).is_some()
}

/// Follows the film. Called with the time of every frame.
pub fn on_tick(state: &mut AppState, moment: &Moment, effects: &mut Vec<Effect>) {
    let counts = state.settings.plays_next;
    let Some(player) = &mut state.player else { return };
    player.next = match player.next {
        _ if !is_in_credits(player, moment) => NextUp::Hidden,
        NextUp::Hidden if counts => NextUp::Counting { left: COUNT, at: moment.now },
        NextUp::Hidden => NextUp::Offered,
        NextUp::Counting { left, at } => {
            let passed = if moment.snapshot.is_playing() { moment.now - at } else { 0.0 };
            NextUp::Counting { left: left - passed.max(0.0), at: moment.now }
        }
        kept @ (NextUp::Offered | NextUp::Stopped) => kept,
    };
    if matches!(player.next, NextUp::Counting { left, .. } if left <= 0.0) {
        play_next(state, moment, effects);
    }
}

fn is_in_credits(player: &PlayerState, moment: &Moment) -> bool {
    let marks = player.companion.as_ref().map(|companion| companion.detail.marks);
    let from = marks.and_then(|marks| marks.credits_from_ms).map(to_seconds);
    let is_there = from.is_some_and(|from| moment.position.as_secs_f64() >= from);
    is_there && player.started && next_episode(player).is_some()
}

/// Returns the time at which [`on_tick`] has something to do.
pub fn next_tick(state: &AppState) -> Option<f64> {
    match state.player.as_ref()?.next {
        NextUp::Counting { left, at } => Some(at + left.max(0.0)),
        NextUp::Hidden | NextUp::Offered | NextUp::Stopped => None,
    }
}

/// Lets the viewer watch the credits.
pub fn stop(player: &mut PlayerState) {
    if player.next.is_shown() {
        player.next = NextUp::Stopped;
    }
}

/// Begins the next episode, if there is one.
pub fn play_next(state: &mut AppState, moment: &Moment, effects: &mut Vec<Effect>) {
    let next = state.player.as_ref().and_then(next_episode).map(|card| card.id.clone());
    if let Some(id) = next {
        play(state, &id, Begin::Resume, moment, effects);
    }
}

/// Goes on after the end: with the next episode, or from a trailer back to its page.
pub fn on_ended(state: &mut AppState, moment: &Moment, effects: &mut Vec<Effect>) {
    let Some(player) = &state.player else { return };
    if moment.snapshot.state != State::Ended {
        return;
    }
    if player.card().is_some_and(|card| card.kind == TitleKind::Trailer) {
        leave_player(state, effects);
    } else if follows_by_itself(player, &state.settings) {
        play_next(state, moment, effects);
    }
}
