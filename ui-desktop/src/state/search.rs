//! Search as the viewer types, with filters and what was searched for lately.

use std::collections::BTreeMap;

use kinora_api::{SearchFilter, SearchFilters, SearchResults, TitleId};

use super::watching::watching;
use super::{AppState, Effect, KeptPage, Load, Moment, Problem, Route, kept, outage};
use crate::api::{Failure, Request, SearchQuery};
use crate::command::SearchCommand;
use crate::state::pages::visit;

/// Seconds without another letter after which the service is asked.
const PAUSE: f64 = 0.2;
/// Maximum letters of a query; the service looks at no more.
const MAX_QUERY: usize = 200;
/// Maximum genres that are offered to browse.
const MAX_GENRES: usize = 12;

/// A group of filters, of which one value can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilterGroup {
    /// Films, series, episodes.
    Kind,
    /// Genres.
    Genre,
    /// Languages of the sound.
    Language,
    /// Maximum length.
    Length,
}

/// The search page.
#[derive(Clone, Debug, Default)]
pub struct SearchState {
    /// Text of the field.
    pub query: String,
    /// Filters. They stay while the viewer types.
    pub filter: SearchFilter,
    /// The group of filters whose values are shown.
    pub group: Option<FilterGroup>,
    /// Time of the last change that the service has not been asked about, in seconds of the interface's clock.
    pub typed_at: Option<f64>,
    /// Titles found for the newest query that has been answered.
    pub data: Load<SearchResults>,
    /// The gateway gave `data` from what it had kept; `None` when the service itself answered.
    pub kept: Option<KeptPage>,
    /// The query that `data` answers.
    pub answered: SearchQuery,
    /// The title that was opened from here last: it has the focus after the way back.
    pub opened: Option<TitleId>,
    /// Values by which the whole catalogue can be filtered, to browse; `None` until the service has answered.
    pub offered: Option<SearchFilters>,
    /// Counts the openings of the page, so that the view knows when to put the focus into the field. Never goes back.
    pub openings: u64,
}

impl SearchState {
    /// Forgets what was typed and found.
    pub fn clear(&mut self) {
        *self = Self { openings: self.openings, ..Self::default() };
    }

    /// Returns what the field and the filters ask for.
    pub fn wanted(&self) -> SearchQuery {
        SearchQuery { text: self.query.trim().to_owned(), filter: self.filter.clone() }
    }

    /// Returns true while an answer to the field and the filters is still to come.
    pub fn is_waiting(&self) -> bool {
        let wanted = self.wanted();
        !wanted.is_empty() && (self.typed_at.is_some() || self.answered != wanted)
    }

    /// Returns true if a filter is chosen.
    pub fn is_filtered(&self) -> bool {
        self.filter != SearchFilter::default()
    }
}

/// Opens the page, or puts the focus back into its field.
pub fn open(state: &mut AppState, effects: &mut Vec<Effect>) {
    if state.account.is_none() || matches!(state.route, Route::Starting | Route::SignIn | Route::Player) {
        return;
    }
    state.search.openings += 1;
    state.search.opened = None;
    if state.route != Route::Search {
        visit(state, Route::Search);
        // Filters are for one search: whoever begins another one would wonder what is missing.
        if state.search.is_filtered() {
            state.search.filter = SearchFilter::default();
            state.search.group = None;
            ask(state, effects);
        }
        if state.search.offered.is_none() && state.outage.is_none() {
            effects.push(Effect::Api(Request::Search(SearchQuery::default())));
        }
    }
}

/// Does what the viewer asks for.
pub fn on_command(state: &mut AppState, command: SearchCommand, moment: &Moment, effects: &mut Vec<Effect>) {
    match command {
        SearchCommand::Edit(query) => edit(state, query, moment),
        SearchCommand::Submit => {
            note(state, effects);
            if state.search.typed_at.is_some() {
                ask(state, effects);
            }
        }
        SearchCommand::ToggleGroup(group) => {
            state.search.group = Some(group).filter(|group| state.search.group != Some(*group));
        }
        SearchCommand::Filter(filter) => {
            // The page that offered it may be gone: the field is there.
            if state.search.wanted().is_empty() {
                state.search.openings += 1;
            }
            state.search.filter = filter;
            ask(state, effects);
        }
        SearchCommand::ClearFilters => {
            state.search.filter = SearchFilter::default();
            state.search.group = None;
            state.search.openings += 1;
            ask(state, effects);
        }
        SearchCommand::Recall(text) => {
            state.search.query = text;
            state.search.openings += 1;
            note(state, effects);
            ask(state, effects);
        }
        SearchCommand::Forget(text) => {
            with_recent(state, effects, |recent, account, profile| recent.forget(account, profile, &text));
        }
        SearchCommand::ForgetAll => {
            with_recent(state, effects, |recent, account, profile| recent.forget_all(account, profile));
            state.search.openings += 1;
        }
    }
}

/// Takes the new text of the field. The service is asked once no letter has come for a moment.
fn edit(state: &mut AppState, query: String, moment: &Moment) {
    let query: String = query.chars().take(MAX_QUERY).collect();
    if query == state.search.query {
        return;
    }
    state.search.query = query;
    if state.search.wanted().is_empty() {
        forget_results(&mut state.search);
    } else {
        state.search.typed_at = Some(moment.now);
    }
}

fn forget_results(search: &mut SearchState) {
    search.typed_at = None;
    search.data = Load::Idle;
    search.kept = None;
    search.group = None;
    search.answered = SearchQuery::default();
}

/// Asks the service for what the field and the filters say.
fn ask(state: &mut AppState, effects: &mut Vec<Effect>) {
    let wanted = state.search.wanted();
    if wanted.is_empty() {
        return forget_results(&mut state.search);
    }
    state.search.typed_at = None;
    if state.search.data.ready().is_none() {
        state.search.data = Load::Loading;
    }
    effects.push(Effect::Api(Request::Search(wanted)));
}

/// Remembers the text of the field as a search of the profile that led somewhere.
pub fn note(state: &mut AppState, effects: &mut Vec<Effect>) {
    let text = state.search.query.clone();
    with_recent(state, effects, |recent, account, profile| recent.note(account, profile, &text));
}

/// Forgets the searches of the account that is signed in.
pub fn forget_account(state: &mut AppState, effects: &mut Vec<Effect>) {
    with_recent(state, effects, |recent, account, _| recent.forget_account(account));
}

fn with_recent(
    state: &mut AppState,
    effects: &mut Vec<Effect>,
    change: impl FnOnce(&mut super::RecentSearches, &kinora_api::AccountId, &kinora_api::ProfileId),
) {
    let Some(account) = state.account.as_ref().map(|account| account.id.clone()) else { return };
    let Some(profile) = watching(state).map(|profile| profile.id.clone()) else { return };
    let before = state.recent.clone();
    change(&mut state.recent, &account, &profile);
    if state.recent != before {
        effects.push(Effect::SaveRecent);
    }
}

/// Returns the recent searches of the profile that watches, the newest first.
pub fn recent(state: &AppState) -> Vec<&str> {
    match (&state.account, watching(state)) {
        (Some(account), Some(profile)) => state.recent.of(&account.id, &profile.id).collect(),
        _ => Vec::new(),
    }
}

/// Returns genres to browse, the most frequent first: those of the catalogue, or of the titles on the home screen while the
/// service has not told them.
pub fn genres(state: &AppState) -> Vec<&str> {
    if let Some(offered) = state.search.offered.as_ref().filter(|offered| !offered.genres.is_empty()) {
        return offered.genres.iter().take(MAX_GENRES).map(|genre| genre.value.as_str()).collect();
    }
    let home = state.home.data.ready();
    let cards = home.into_iter().flat_map(|home| home.hero.iter().chain(home.rows.iter().flat_map(|row| &row.titles)));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for genre in cards.flat_map(|card| &card.genres) {
        *counts.entry(genre).or_default() += 1;
    }
    let mut genres: Vec<(&str, usize)> = counts.into_iter().collect();
    genres.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    genres.into_iter().take(MAX_GENRES).map(|(genre, _)| genre).collect()
}

/// Asks the service when the viewer has paused.
pub fn on_tick(state: &mut AppState, now: f64, effects: &mut Vec<Effect>) {
    if state.search.typed_at.is_some_and(|at| now - at >= PAUSE) {
        ask(state, effects);
    }
}

/// Returns the time at which [`on_tick`] has something to do.
pub fn next_tick(state: &SearchState) -> Option<f64> {
    state.typed_at.map(|at| at + PAUSE)
}

/// Takes an answer. One to another query than the page's is dropped: letters have been typed since.
pub fn on_found(
    state: &mut AppState,
    query: &SearchQuery,
    result: Result<SearchResults, Failure>,
    moment: &Moment,
    effects: &mut Vec<Effect>,
) {
    match &result {
        Err(failure) if failure.is_outage() => outage::on_unreachable(state, moment.now),
        _ => outage::on_reached(state, effects),
    }
    if query.is_empty() {
        state.search.offered = result.ok().map(|found| found.filters);
        return;
    }
    if *query != state.search.wanted() {
        return;
    }
    let is_shown = state.search.kept.is_some() && state.search.answered == *query;
    query.clone_into(&mut state.search.answered);
    state.search.data = match result {
        Ok(found) => {
            state.search.kept = None;
            Load::Ready(found)
        }
        // What the gateway had kept is better than a card.
        Err(_) if is_shown => return kept::on_refused(&mut state.search.kept, moment.now),
        Err(failure) => {
            state.search.kept = None;
            Load::Failed(Problem::of_service(&failure.error))
        }
    };
}
