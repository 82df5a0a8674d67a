//! Search as the viewer types.

use kinora_api::{TitleCard, TitleId};

use super::{AppState, Effect, KeptPage, Load, Moment, Problem, Route, kept, outage};
use crate::api::{Failure, Request};
use crate::state::pages::visit;

/// Seconds without another letter after which the service is asked.
const PAUSE: f64 = 0.2;
/// Maximum letters of a query; the service looks at no more.
const MAX_QUERY: usize = 200;

/// The search page.
#[derive(Clone, Debug, Default)]
pub struct SearchState {
    /// Text of the field.
    pub query: String,
    /// Time of the last change that the service has not been asked about, in seconds of the interface's clock.
    pub typed_at: Option<f64>,
    /// Titles found for the newest query that has been answered.
    pub data: Load<Vec<TitleCard>>,
    /// The gateway gave `data` from what it had kept; `None` when the service itself answered.
    pub kept: Option<KeptPage>,
    /// The query that `data` answers.
    pub answered: String,
    /// The title that was opened from here last: it has the focus after the way back.
    pub opened: Option<TitleId>,
    /// Counts the openings of the page, so that the view knows when to put the focus into the field. Never goes back.
    pub openings: u64,
}

impl SearchState {
    /// Forgets what was typed and found.
    pub fn clear(&mut self) {
        *self = Self { openings: self.openings, ..Self::default() };
    }

    /// Returns true while an answer to the text of the field is still to come.
    pub fn is_waiting(&self) -> bool {
        !self.query.trim().is_empty() && (self.typed_at.is_some() || self.answered != self.query.trim())
    }
}

/// Opens the page, or puts the focus back into its field.
pub fn open(state: &mut AppState) {
    if state.account.is_none() || matches!(state.route, Route::Starting | Route::SignIn | Route::Player) {
        return;
    }
    state.search.openings += 1;
    state.search.opened = None;
    if state.route != Route::Search {
        visit(state, Route::Search);
    }
}

/// Takes the new text of the field. The service is asked once no letter has come for a moment.
pub fn edit(state: &mut AppState, query: String, moment: &Moment) {
    let query: String = query.chars().take(MAX_QUERY).collect();
    if query == state.search.query {
        return;
    }
    state.search.query = query;
    if state.search.query.trim().is_empty() {
        state.search.typed_at = None;
        state.search.data = Load::Idle;
        state.search.kept = None;
        state.search.answered.clear();
    } else {
        state.search.typed_at = Some(moment.now);
    }
}

/// Asks the service when the viewer has paused.
pub fn on_tick(state: &mut AppState, now: f64, effects: &mut Vec<Effect>) {
    if state.search.typed_at.is_some_and(|at| now - at >= PAUSE) {
        state.search.typed_at = None;
        let query = state.search.query.trim().to_owned();
        if state.search.data.ready().is_none() {
            state.search.data = Load::Loading;
        }
        effects.push(Effect::Api(Request::Search(query)));
    }
}

/// Returns the time at which [`on_tick`] has something to do.
pub fn next_tick(state: &SearchState) -> Option<f64> {
    state.typed_at.map(|at| at + PAUSE)
}

/// Takes an answer. One to another query than the field's is dropped: letters have been typed since.
pub fn on_found(
    state: &mut AppState,
    query: &str,
    result: Result<Vec<TitleCard>, Failure>,
    moment: &Moment,
    effects: &mut Vec<Effect>,
) {
    match &result {
        Err(failure) if failure.is_outage() => outage::on_unreachable(state, moment.now),
        _ => outage::on_reached(state, effects),
    }
    if query != state.search.query.trim() {
        return;
    }
    let is_shown = state.search.kept.is_some() && state.search.answered == query;
    query.clone_into(&mut state.search.answered);
    state.search.data = match result {
        Ok(titles) => {
            state.search.kept = None;
            Load::Ready(titles)
        }
        // What the gateway had kept is better than a card.
        Err(_) if is_shown => return kept::on_refused(&mut state.search.kept, moment.now),
        Err(failure) => {
            state.search.kept = None;
            Load::Failed(Problem::of_service(&failure.error))
        }
    };
}
