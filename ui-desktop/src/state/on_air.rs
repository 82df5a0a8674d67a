//! Programmes that live channels show at a time, by the service's clock, and when to ask for it again.

use kinora_api::{OnAir, Programme, RowKind, TitleCard, TitleId, UnixMillis};

use super::{AppState, Effect, Moment, Route, time_left};
use crate::api::Request;

/// Minimum seconds between two questions for what comes next.
const PAUSE: f64 = 15.0;

/// The service's clock, and the next question for what is on the air.
#[derive(Clone, Debug, Default)]
pub struct AirClock {
    /// Milliseconds by which the service's clock is ahead of this computer's.
    pub ahead_ms: i64,
    /// Time of the next question, in seconds of the interface's clock; `None` while no page shows a channel.
    due: Option<f64>,
    /// Time of the last question, in seconds of the interface's clock.
    asked_at: Option<f64>,
}

/// A channel at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Showing<'a> {
    /// Programme on the air.
    pub now: &'a Programme,
    /// The one after it; `None` if that is not known yet.
    pub next: Option<&'a Programme>,
    /// Share of the programme that has passed, 0–1.
    pub share: f32,
    /// Time until its end in words, such as `12 min left`.
    pub left: String,
}

/// Returns what a channel shows at a time of the service's clock; `None` when what is known of it has passed.
pub fn showing(on_air: &OnAir, at: UnixMillis) -> Option<Showing<'_>> {
    let (now, next) = match on_air {
        OnAir { now, next, .. } if at < now.ends_at => (now, Some(next)),
        OnAir { next, .. } if at < next.ends_at => (next, None),
        _ => return None,
    };
    let span = |from: UnixMillis, to: UnixMillis| u64::try_from(to.saturating_sub(from)).unwrap_or(0);
    let (passed, whole) = (span(now.started_at, at), span(now.started_at, now.ends_at).max(1));
    let share = (passed as f64 / whole as f64).clamp(0.0, 1.0) as f32;
    Some(Showing { now, next, share, left: time_left(passed.min(whole), whole) })
}

/// Asks for the page on screen again when a programme on it has ended. Called after every change of the state.
pub fn follow(state: &mut AppState, moment: &Moment, effects: &mut Vec<Effect>) {
    state.air.due = None;
    let Some((ends_at, request)) = first_end(state).filter(|_| state.outage.is_none()) else { return };
    let at = moment.wall_ms.saturating_add(state.air.ahead_ms);
    let end = moment.now + ends_at.saturating_sub(at).max(0) as f64 / 1000.0;
    let due = state.air.asked_at.map_or(end, |asked| end.max(asked + PAUSE));
    if moment.now < due {
        state.air.due = Some(due);
        return;
    }
    state.air.asked_at = Some(moment.now);
    state.air.due = Some(moment.now + PAUSE);
    effects.push(Effect::Api(request));
}

/// Returns the time at which [`follow`] has something to do.
pub const fn next_tick(state: &AppState) -> Option<f64> {
    state.air.due
}

/// Returns the first end of a programme on the page, and what to ask for then.
fn first_end(state: &AppState) -> Option<(UnixMillis, Request)> {
    let end = |card: &TitleCard| card.live.as_ref().map(|on_air| on_air.now.ends_at);
    match &state.route {
        Route::Home => {
            let rows = state.home.data.ready()?.rows.iter().filter(|row| row.kind == RowKind::Live);
            Some((rows.flat_map(|row| &row.titles).filter_map(end).min()?, Request::Home))
        }
        Route::Title(id) => {
            let detail = state.title.data.ready().filter(|detail| detail.card.id == *id)?;
            Some((end(&detail.card)?, Request::Title(id.clone())))
        }
        _ => None,
    }
}

/// Opens the page of the title that the app was started for.
pub(super) fn open_wanted(state: &mut AppState, effects: &mut Vec<Effect>) {
    if let Some(id) = state.opens.clone() {
        super::film::open_title(state, id, effects);
    }
}

/// Returns true if a title whose page has come is one that the app was started for and that plays at once: a channel.
pub(super) fn take_wanted(state: &mut AppState, id: &TitleId) -> bool {
    let is_wanted = state.opens.take_if(|opens| opens == id).is_some();
    is_wanted && state.title.data.ready().is_some_and(|detail| detail.card.live.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> OnAir {
        let programme = |name: &str, started_at, ends_at| Programme {
            title_id: name.into(),
            name: name.to_owned(),
            picture: Default::default(),
            started_at,
            ends_at,
        };
        OnAir { now: programme("one", 60_000, 180_000), next: programme("two", 180_000, 300_000), window_ms: 60_000 }
    }

    #[test]
    fn a_programme_passes_and_the_next_takes_its_place() {
        let channel = channel();
        let at = |ms| showing(&channel, ms).map(|is| (is.now.name.as_str(), is.next.is_some(), is.share, is.left));
        assert_eq!(at(90_000), Some(("one", true, 0.25, "2 min left".to_owned())));
        assert_eq!(at(0), Some(("one", true, 0.0, "2 min left".to_owned())), "a clock that is behind");
        assert_eq!(at(240_000), Some(("two", false, 0.5, "1 min left".to_owned())));
        assert_eq!(at(300_000), None);
    }
}
