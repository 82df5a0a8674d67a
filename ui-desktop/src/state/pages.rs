//! Pages and messages: going to a page, and showing what failed.

use player_core::error::PlayerError;

use super::{AppState, Moment, Notice, Problem, Route};

/// How many pages can be gone back to.
const HISTORY: usize = 16;
/// Seconds after which the error card of a film tries again by itself, when that may help; the last value repeats.
pub(super) const RETRY_AFTER: [f64; 3] = [10.0, 20.0, 40.0];

pub(super) fn fail(state: &mut AppState, error: &PlayerError, moment: &Moment) {
    fail_with(state, Problem::new(error), moment);
}

pub(super) fn fail_with(state: &mut AppState, problem: Problem, moment: &Moment) {
    state.details_open = false;
    match &mut state.player {
        Some(player) => {
            let pause = RETRY_AFTER[usize::try_from(player.failures).unwrap_or(0).min(RETRY_AFTER.len() - 1)];
            player.failures = player.failures.saturating_add(1);
            player.retry_at = problem.is_temporary().then_some(moment.now + pause);
            player.problem = Some(problem);
            player.menu = None;
            player.waiting_since = None;
        }
        None => state.notice = Some(Notice { text: problem.meaning, since: moment.now }),
    }
}

/// Shows the home screen, with nothing to go back to.
pub(super) fn to_home(state: &mut AppState) {
    state.route = Route::Home;
    state.history.clear();
}

/// Shows a page from which one can go back to the present one.
pub(super) fn visit(state: &mut AppState, route: Route) {
    if state.history.len() == HISTORY {
        state.history.remove(0);
    }
    state.history.push(std::mem::replace(&mut state.route, route));
}
