//! The service is away: when it is asked again, and what is asked then. What was on screen stays on screen.

use kinora_api::Home;

use super::kept::{KEPT_PAUSE, KeptAnswer};
use super::{AppState, Effect, Load, Moment, Problem, Route, Source, kept};
use crate::api::{Failure, LastSeen, Request};
use crate::state::pages::to_home;

/// Seconds from a failed try to the next one; the last value repeats.
const BACK_OFF: [f64; 5] = [2.0, 4.0, 8.0, 15.0, 30.0];

/// The service is away.
#[derive(Clone, Debug, PartialEq)]
pub struct Outage {
    /// Time at which it was noticed, in seconds of the interface's clock.
    pub since: f64,
    /// Tries that have failed; the first failure counts as one.
    pub attempt: u32,
    /// Time of the next try; `None` while one is under way.
    pub next_try: Option<f64>,
}

impl Outage {
    /// Seconds until the next try, rounded up; `None` while one is under way.
    pub fn seconds_left(&self, now: f64) -> Option<u64> {
        self.next_try.map(|at| (at - now).max(0.0).ceil() as u64)
    }
}

/// Shows a home screen that the gateway had kept, unless a newer one is on screen, and marks what is shown.
pub fn on_kept_home(state: &mut AppState, home: Home, age_s: u64, moment: &Moment, effects: &mut Vec<Effect>) {
    let seen_at = kept::seen_at(age_s, moment);
    let is_newer = state.home.data.ready().is_none() || state.home.seen_at.is_none_or(|shown| seen_at > shown);
    if is_newer {
        super::home_pages::replace(&mut state.home, home);
        state.home.seen_at = Some(seen_at);
    }
    state.home.kept = Some(KeptAnswer { next_try: Some(moment.now + KEPT_PAUSE) });
    on_reached(state, effects);
}

/// Notes that the service did not answer. Failures between two tries change nothing: several requests fail together.
pub fn on_unreachable(state: &mut AppState, now: f64) {
    let outage = state.outage.get_or_insert(Outage { since: now, attempt: 0, next_try: None });
    if outage.next_try.is_none() {
        let index = usize::try_from(outage.attempt).unwrap_or(usize::MAX).min(BACK_OFF.len() - 1);
        outage.attempt += 1;
        outage.next_try = Some(now + BACK_OFF[index]);
    }
}

/// Notes that the service has answered. What could not be had meanwhile is asked for again.
pub fn on_reached(state: &mut AppState, effects: &mut Vec<Effect>) {
    if state.outage.take().is_some() {
        effects.extend(page_requests(state).into_iter().map(Effect::Api));
    }
}

/// Tries again when it is time.
pub fn on_tick(state: &mut AppState, now: f64, effects: &mut Vec<Effect>) {
    let is_due = state.outage.as_ref().and_then(|outage| outage.next_try).is_some_and(|at| now >= at);
    if is_due {
        retry(state, effects);
    }
    kept::on_tick(state, now, effects);
}

/// Tries again now.
pub fn retry(state: &mut AppState, effects: &mut Vec<Effect>) {
    let Some(outage) = &mut state.outage else { return kept::ask_again(state, effects) };
    outage.next_try = None;
    effects.push(Effect::Api(state.opening.clone().unwrap_or(Request::Home)));
}

/// Shows what was last seen, because the session could not be opened: offline is not signed out.
pub fn on_offline_start(
    state: &mut AppState,
    failure: &Failure,
    account: Option<kinora_api::Account>,
    homes: Vec<LastSeen>,
    moment: &Moment,
    effects: &mut Vec<Effect>,
) {
    on_unreachable(state, moment.now);
    if !matches!(state.route, Route::Starting | Route::SignIn) && state.account.is_some() {
        return;
    }
    if let Some(account) = account {
        let is_locked = super::profiles::choose_remembered(state, account, effects);
        if !is_locked {
            state.last_seen = homes;
            show_last_seen(state);
        }
    }
    if state.home.data.ready().is_none() {
        state.home.data = Load::Failed(Problem::of_service(&failure.error));
    }
    state.sign_in.busy = false;
    to_home(state);
}

/// Puts the home screen that the profile last saw on screen, when there is one and no newer one.
pub fn show_last_seen(state: &mut AppState) {
    let profile = state.profile.as_ref();
    if let Some(seen) = state.last_seen.iter().find(|seen| seen.profile.as_ref() == profile) {
        state.home.data = Load::Ready(seen.home.clone());
        state.home.seen_at = Some(seen.seen_at);
    }
}

/// Requests for what the page on screen still lacks, once the service is back.
fn page_requests(state: &AppState) -> Vec<Request> {
    let mut requests = Vec::new();
    if let Route::Title(id) = &state.route
        && state.title.data.ready().is_none()
    {
        requests.push(Request::Title(id.clone()));
    }
    let wanted = state.search.wanted();
    if state.route == Route::Search && state.search.data.ready().is_none() && !wanted.is_empty() {
        requests.push(Request::Search(wanted));
    }
    if let Some(player) = &state.player
        && player.problem.is_none()
        && let Source::Title { card, grant: None, .. } = &player.source
    {
        requests.push(Request::Authorize(card.id.clone()));
    }
    requests
}
