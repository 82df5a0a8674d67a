//! Further pages of the home screen: rows as the page is scrolled down, titles as a row is.

use std::collections::{BTreeMap, BTreeSet};

use kinora_api::{Home, Row, TitleCard, UnixMillis};

use super::{AppState, Effect, HomeState, Load, Moment, outage};
use crate::api::{Failure, Request};

/// Seconds after a failure before the same page is asked for again.
const PAUSE: f64 = 10.0;
/// Maximum rows of the home screen.
const MAX_ROWS: usize = 400;
/// Maximum titles of a row.
const MAX_TITLES: usize = 4000;

/// Pages that have been asked for.
#[derive(Clone, Debug, Default)]
pub struct HomePages {
    /// Paths that an answer is awaited for.
    pending: BTreeSet<String>,
    /// Paths that failed, and the time from which on they may be asked for again, in seconds of the interface's clock.
    failed: BTreeMap<String, f64>,
    /// Time at which the service gave the oldest of them that a gateway had kept; `None` when the service itself gave all.
    pub(super) kept_at: Option<UnixMillis>,
}

impl HomePages {
    /// Notes that a page is asked for; returns false when it must not be asked for now.
    fn begin(&mut self, path: &str, now: f64) -> bool {
        let is_due = self.failed.get(path).is_none_or(|at| now >= *at);
        is_due && self.pending.insert(path.to_owned())
    }

    /// Notes the answer for a page.
    fn end(&mut self, path: &str, has_failed: bool, now: f64) {
        self.pending.remove(path);
        self.failed.remove(path);
        if has_failed {
            self.failed.insert(path.to_owned(), now + PAUSE);
        }
    }
}

/// Asks for further rows when the service has some.
pub fn ask_for_rows(state: &mut AppState, moment: &Moment, effects: &mut Vec<Effect>) {
    let Load::Ready(home) = &state.home.data else { return };
    let Some(path) = home.next.clone() else { return };
    if state.outage.is_none() && state.home.pages.begin(&path, moment.now) {
        effects.push(Effect::Api(Request::MoreRows(path)));
    }
}

/// Asks for further titles of a row when the service has some.
pub fn ask_for_titles(state: &mut AppState, row: &str, moment: &Moment, effects: &mut Vec<Effect>) {
    let Load::Ready(home) = &state.home.data else { return };
    let Some(path) = home.rows.iter().find(|known| known.id == row).and_then(|row| row.next.clone()) else { return };
    if state.outage.is_none() && state.home.pages.begin(&path, moment.now) {
        effects.push(Effect::Api(Request::MoreTitles { row: row.to_owned(), path }));
    }
}

/// Takes further rows. Rows that are shown already, and an answer to another page than the next one, are dropped.
pub fn on_more_rows(state: &mut AppState, path: &str, result: Result<Home, Failure>, moment: &Moment) {
    let Some(more) = taken(state, path, result, moment) else { return };
    let Load::Ready(home) = &mut state.home.data else { return };
    if home.next.as_deref() == Some(path) {
        let known = home.rows.len();
        let new: Vec<Row> = more.rows.into_iter().filter(|row| home.rows.iter().all(|old| old.id != row.id)).collect();
        home.rows.extend(new);
        let has_room = home.rows.len() < MAX_ROWS;
        home.rows.truncate(MAX_ROWS);
        // A service that repeats itself is not asked for ever.
        home.next = more.next.filter(|_| has_room && home.rows.len() > known);
    }
}

/// Takes further titles of a row, as [`on_more_rows`] takes rows.
pub fn on_more_titles(state: &mut AppState, row: &str, path: &str, result: Result<Row, Failure>, moment: &Moment) {
    let Some(more) = taken(state, path, result, moment) else { return };
    let Load::Ready(home) = &mut state.home.data else { return };
    let Some(row) = home.rows.iter_mut().find(|known| known.id == row) else { return };
    if row.next.as_deref() == Some(path) {
        let known: BTreeSet<_> = row.titles.iter().map(|title| title.id.clone()).collect();
        row.titles.extend(more.titles.into_iter().filter(|title| !known.contains(&title.id)));
        let has_room = row.titles.len() < MAX_TITLES;
        row.titles.truncate(MAX_TITLES);
        row.next = more.next.filter(|_| has_room && row.titles.len() > known.len());
    }
}

/// Notes an answer; returns its content unless it is a failure.
fn taken<T>(state: &mut AppState, path: &str, result: Result<T, Failure>, moment: &Moment) -> Option<T> {
    state.home.pages.end(path, result.is_err(), moment.now);
    if result.as_ref().is_err_and(Failure::is_outage) {
        outage::on_unreachable(state, moment.now);
    }
    result.ok()
}

/// Replaces the home screen by a new answer. The answer is the first page only: what followed it stays where the answer
/// still leads to it, so that neither scroll position nor focus is lost.
pub fn replace(state: &mut HomeState, mut home: Home) {
    // An answer that is still to come fits no longer or is taken all the same; one that was lost is asked for again.
    state.pages.pending.clear();
    if let Load::Ready(old) = &mut state.data {
        for row in &mut home.rows {
            if let Some(old) = old.rows.iter_mut().find(|old| old.id == row.id) {
                keep_titles(row, old);
            }
        }
        let last = home.rows.last().and_then(|last| old.rows.iter().position(|row| row.id == last.id));
        if let (Some(last), true) = (last, home.next.is_some()) {
            let further = old.rows.drain(..).skip(last + 1);
            let further: Vec<Row> = further.filter(|row| home.rows.iter().all(|known| known.id != row.id)).collect();
            if !further.is_empty() {
                home.rows.extend(further);
                home.next = old.next.take();
            }
        }
    }
    state.data = Load::Ready(home);
}

/// Keeps the titles after the first page of a row that begins as it did before.
fn keep_titles(row: &mut Row, old: &mut Row) {
    let first = row.titles.len();
    let ids = |titles: &[TitleCard]| titles.iter().take(first).map(|title| title.id.clone()).collect::<Vec<_>>();
    if row.next.is_some() && old.titles.len() > first && ids(&old.titles) == ids(&row.titles) {
        row.titles.extend(old.titles.drain(first..));
        row.next = old.next.take();
    }
}
