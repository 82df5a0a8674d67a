//! Pages that a gateway gave from what it had kept, because the service behind it is silent. They are marked with their
//! age, and asked for again.

use kinora_api::UnixMillis;

use super::{AppState, Effect, HomeState, Load, Moment, Route};
use crate::api::Request;

/// What is on screen comes from what the gateway had kept, because the service behind it is silent.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptAnswer {
    /// Time at which the service is asked again, in seconds of the interface's clock; `None` while it is being asked.
    pub next_try: Option<f64>,
}

/// Seconds from a kept answer to the next question.
pub const KEPT_PAUSE: f64 = 15.0;

/// A page that the gateway had kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptPage {
    /// Time at which the service gave it.
    pub seen_at: UnixMillis,
    /// Time at which the service is asked again, in seconds of the interface's clock; `None` while it is being asked.
    pub next_try: Option<f64>,
}

/// Returns the time at which the service gave an answer that is so many seconds old.
pub fn seen_at(age_s: u64, moment: &Moment) -> UnixMillis {
    let age_ms = i64::try_from(age_s.saturating_mul(1000)).unwrap_or(i64::MAX);
    moment.wall_ms.saturating_sub(age_ms)
}

/// Returns the page on screen as a kept one: the time at which the service gave it, and the time of the next question.
pub fn on_screen(state: &AppState) -> Option<KeptPage> {
    match &state.route {
        Route::Home => {
            let kept = state.home.kept.as_ref()?;
            let times = [state.home.seen_at, state.home.pages.kept_at];
            let seen_at = times.into_iter().flatten().min().unwrap_or_default();
            Some(KeptPage { seen_at, next_try: kept.next_try })
        }
        Route::Title(_) => state.title.kept.clone(),
        Route::Search => state.search.kept.clone(),
        Route::Starting | Route::SignIn | Route::Profiles | Route::EditProfile | Route::Account | Route::Player => None,
    }
}

/// Asks the service again for the page on screen when it is time.
pub fn on_tick(state: &mut AppState, now: f64, effects: &mut Vec<Effect>) {
    let is_due = on_screen(state).and_then(|page| page.next_try).is_some_and(|at| now >= at);
    if is_due && state.outage.is_none() {
        ask_again(state, effects);
    }
}

/// Asks the service again for the page on screen.
pub fn ask_again(state: &mut AppState, effects: &mut Vec<Effect>) {
    let next_try = match state.route {
        Route::Home => state.home.kept.as_mut().map(|kept| &mut kept.next_try),
        Route::Title(_) => state.title.kept.as_mut().map(|kept| &mut kept.next_try),
        _ => state.search.kept.as_mut().map(|kept| &mut kept.next_try),
    };
    if next_try.and_then(Option::take).is_none() {
        return;
    }
    effects.extend(match &state.route {
        Route::Home => Some(Effect::Api(Request::Home)),
        Route::Title(id) => Some(Effect::Api(Request::Title(id.clone()))),
        Route::Search => Some(Effect::Api(Request::Search(state.search.wanted()))),
        _ => None,
    });
}

/// Notes that the question after a kept page failed: it is put again later.
pub fn on_refused(page: &mut Option<KeptPage>, now: f64) {
    if let Some(page) = page {
        page.next_try = Some(now + KEPT_PAUSE);
    }
}

/// Notes that the question after a kept answer failed: it is put again later.
pub fn on_home_refused(state: &mut AppState, now: f64) {
    if let Some(kept) = &mut state.home.kept {
        kept.next_try = Some(now + KEPT_PAUSE);
    }
}

/// Drops further rows and titles that were kept, before an answer of the service itself: they are asked for anew.
pub fn on_fresh_home(home: &mut HomeState) {
    if home.pages.kept_at.take().is_some() {
        home.data = Load::Loading;
    }
}

/// Returns the time at which [`on_tick`] has something to do.
pub fn next_tick(state: &AppState) -> Option<f64> {
    on_screen(state).filter(|_| state.outage.is_none()).and_then(|page| page.next_try)
}
