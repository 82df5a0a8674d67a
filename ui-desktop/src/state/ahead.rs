//! Fetches permission to play while a title's page is open, so that "Play" begins with it, and the manifest, so that the
//! edge's cache has it.
//!
//! One title at a time, of the page on screen. What was not played is given back when the page is left; the service counts
//! it as no playback until it begins (`PlaybackRequest::ahead`).

use kinora_api::{PlaybackGrant, TitleId};

use super::{AppState, DataSaver, Effect, Route, find_card, preferences, to_play};
use crate::api::{Failure, Request};

/// Seconds for which a page is open before anything is fetched ahead: whoever leafs through titles fetches nothing.
const REST: f64 = 0.3;
/// Maximum seconds for which permission is kept: the place to resume from, which comes with it, grows old.
const MAX_AGE: f64 = 600.0;
/// Share of its time for which permission is kept. The rest is for a film that begins with it.
const USABLE: f64 = 0.5;
/// Seconds from a failed request to the next one.
const RETRY: f64 = 5.0;
/// Maximum requests while a page is open: one that is left open for hours does not ask for ever.
const MAX_REQUESTS: u32 = 4;

/// State of the requests ahead of "Play", and their permission.
#[derive(Clone, Debug, Default)]
pub struct Ahead {
    /// Title that the page on screen plays.
    page: Option<TitleId>,
    /// Time of the next request, in seconds of the interface's clock; `None` while none is planned.
    due: Option<f64>,
    /// Requests since the page was opened.
    requests: u32,
    /// Title of the request that is under way.
    pending: Option<TitleId>,
    /// The answer to the request under way will be out of date: a film has ended meanwhile.
    is_outdated: bool,
    /// Permission that no film has begun with.
    held: Option<Held>,
}

/// Permission that no film has begun with, and its limit.
#[derive(Clone, Debug)]
struct Held {
    grant: PlaybackGrant,
    /// Time from which on it is not used.
    until: f64,
}

impl Ahead {
    /// Takes the permission for a title, if it is here and still good.
    pub fn take(&mut self, id: &TitleId, now: f64) -> Option<PlaybackGrant> {
        let usable = self.held.take_if(|held| held.grant.title_id == *id && now < held.until)?;
        Some(usable.grant)
    }

    /// Returns true while the permission for a title is on its way.
    pub fn is_coming(&self, id: &TitleId) -> bool {
        !self.is_outdated && self.pending.as_ref() == Some(id)
    }

    /// Plans a request, unless the page has had its share.
    fn plan(&mut self, at: f64) {
        self.due = (self.page.is_some() && self.requests < MAX_REQUESTS).then_some(at);
    }

    fn give_back(&mut self, effects: &mut Vec<Effect>) {
        effects.extend(self.held.take().map(|held| Effect::Api(Request::Abandon(held.grant))));
    }
}

/// Follows the page on screen and the time. Called after every change of the state.
pub fn follow(state: &mut AppState, now: f64, effects: &mut Vec<Effect>) {
    let page = played_by_page(state);
    if state.ahead.page != page {
        state.ahead.page = page;
        state.ahead.requests = 0;
        state.ahead.plan(now + REST);
        state.ahead.give_back(effects);
    }
    if state.ahead.held.as_ref().is_some_and(|held| now >= held.until) {
        state.ahead.give_back(effects);
        state.ahead.plan(now);
    }
    if let Some(id) = request_planned(state)
        && state.ahead.due.is_some_and(|due| now >= due)
    {
        state.ahead.due = None;
        state.ahead.requests += 1;
        state.ahead.pending = Some(id.clone());
        state.ahead.is_outdated = false;
        let manifest = preferences::settings(state).data_saver == DataSaver::Off;
        effects.push(Effect::Api(Request::Prepare { id, manifest }));
    }
}

/// Returns the title that the main button of the page on screen plays; of a series it is an episode.
fn played_by_page(state: &AppState) -> Option<TitleId> {
    let Route::Title(id) = &state.route else { return None };
    let detail = state.title.data.ready().filter(|detail| detail.card.id == *id);
    match find_card(state, id) {
        Some(card) => to_play(card, detail).map(|plays| plays.id.clone()),
        None => Some(id.clone()),
    }
}

/// Returns the time at which [`follow`] has something to do.
pub fn next_tick(state: &AppState) -> Option<f64> {
    let due = state.ahead.due.filter(|_| request_planned(state).is_some());
    let until = state.ahead.held.as_ref().map(|held| held.until);
    [due, until].into_iter().flatten().reduce(f64::min)
}

/// Returns the title that may be asked for once it is time.
fn request_planned(state: &AppState) -> Option<TitleId> {
    let ahead = &state.ahead;
    let id = ahead.page.as_ref().filter(|_| ahead.due.is_some() && ahead.pending.is_none())?;
    let is_there = state.outage.is_none() && !state.profile_pending && state.account.is_some();
    (is_there && find_card(state, id).is_some()).then(|| id.clone())
}

/// Consequence of an answer to [`Request::Prepare`].
pub enum Prepared {
    /// None for the film: the permission is kept for the page, or given back.
    Nothing,
    /// The film that waits begins with it.
    Begin(Box<PlaybackGrant>),
    /// The film that waits asks for permission as if nothing had been fetched ahead.
    Ask,
    /// The service is away while a film waits.
    Unreachable,
}

/// Takes the answer to [`Request::Prepare`]. `waits` is true if the title's film waits for permission: it then begins, and
/// else the permission is kept for the page.
pub fn on_prepared(
    state: &mut AppState,
    id: &TitleId,
    result: Result<PlaybackGrant, Failure>,
    waits: bool,
    now: f64,
    effects: &mut Vec<Effect>,
) -> Prepared {
    state.ahead.pending.take_if(|pending| pending == id);
    let is_outdated = std::mem::take(&mut state.ahead.is_outdated) || state.profile_pending;
    let waits = waits && !is_outdated;
    let is_shown = state.ahead.page.as_ref() == Some(id);
    match result {
        Ok(grant) if waits => return Prepared::Begin(Box::new(grant)),
        Ok(grant) if is_shown && !is_outdated => {
            let good = (grant.expires_in_ms as f64 / 1000.0 * USABLE).min(MAX_AGE);
            state.ahead.give_back(effects);
            state.ahead.held = Some(Held { grant, until: now + good });
        }
        Ok(grant) => {
            effects.push(Effect::Api(Request::Abandon(grant)));
            state.ahead.plan(now);
        }
        // A place that is not free for a grant ahead may be free for "Play".
        Err(failure) if waits && !failure.is_outage() => return Prepared::Ask,
        Err(_) if waits => return Prepared::Unreachable,
        Err(_) => state.ahead.plan(now + RETRY),
    }
    Prepared::Nothing
}

/// Notes that the last position of a film has arrived: the place to resume from has changed.
pub fn on_playback_stopped(state: &mut AppState, now: f64, effects: &mut Vec<Effect>) {
    state.ahead.is_outdated = state.ahead.pending.is_some();
    if state.ahead.held.is_some() {
        state.ahead.give_back(effects);
        state.ahead.plan(now);
    }
}

#[cfg(test)]
#[path = "ahead_tests.rs"]
mod tests;
