//! What the profile keeps of titles: its list, what it has watched, what it goes on with. A change is shown at once and
//! undone when the service refuses it.

use std::collections::{BTreeMap, BTreeSet};

use kinora_api::events::Rating;
use kinora_api::{Episode, ErrorCode, Row, RowKind, TitleCard, TitleDetail, TitleId};

use super::cards::episodes;
use super::{AppState, Effect, Load, Moment, Notice, Problem, Route, ahead, find_card, outage};
use crate::api::{Failure, Request, TitleChange};
use crate::command::LibraryCommand;

/// A property of a title that the viewer changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Listed,
    Watched,
    Rated,
    Continued,
}

impl Mark {
    const fn of(change: TitleChange) -> Self {
        match change {
            TitleChange::Listed(_) => Self::Listed,
            TitleChange::Watched(_) => Self::Watched,
            TitleChange::Rated(_) => Self::Rated,
            TitleChange::NotContinued | TitleChange::Continued { .. } => Self::Continued,
        }
    }

    /// Returns the sentence that says that a change was not made.
    const fn refusal(self) -> &'static str {
        match self {
            Self::Listed => "My list was not changed.",
            Self::Watched => "The mark was not changed.",
            Self::Rated => "Your rating was not changed.",
            Self::Continued => "“Continue watching” was not changed.",
        }
    }
}

/// Value of a property that the viewer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Is(bool),
    Rated(Option<Rating>),
}

/// A change that the service has not answered yet.
#[derive(Clone, Copy, Debug)]
struct Pending {
    asked: Wish,
    /// The viewer's latest wish: asked for after the answer when it is another one.
    wanted: Wish,
}

/// A card that was removed from "Continue watching", and its place there.
#[derive(Clone, Debug)]
struct Removed {
    column: usize,
    card: TitleCard,
}

/// A removal that a press takes back, while its notice stands.
#[derive(Clone, Debug)]
struct Undo {
    id: TitleId,
    notice: String,
}

/// What the profile keeps of titles, beside what pages show.
#[derive(Clone, Debug, Default)]
pub struct Library {
    watched: BTreeSet<TitleId>,
    pending: BTreeMap<(TitleId, Mark), Pending>,
    removed: BTreeMap<TitleId, Removed>,
    /// Titles that are not recommended to the profile, as the viewer has rated them since it came.
    unwanted: BTreeSet<TitleId>,
    undo: Option<Undo>,
    /// A press on a card of "Continue watching" removes it.
    pub is_editing: bool,
}

impl Library {
    fn wanted(&self, id: &TitleId, mark: Mark) -> Option<bool> {
        match self.pending.get(&(id.clone(), mark))?.wanted {
            Wish::Is(on) => Some(on),
            Wish::Rated(_) => None,
        }
    }

    fn wanted_rating(&self, id: &TitleId) -> Option<Option<Rating>> {
        match self.pending.get(&(id.clone(), Mark::Rated))?.wanted {
            Wish::Rated(rating) => Some(rating),
            Wish::Is(_) => None,
        }
    }

    /// Returns the profile's rating of the title, as the viewer last wanted it.
    pub fn rating(&self, detail: &TitleDetail) -> Option<Rating> {
        self.wanted_rating(&detail.card.id).unwrap_or(detail.my_rating)
    }

    /// Returns true if a row shows the title: what the viewer does not like leaves the recommendations at once.
    pub fn is_shown(&self, row: &Row, id: &TitleId) -> bool {
        let recommends = matches!(row.kind, RowKind::ForYou | RowKind::BecauseWatched { .. } | RowKind::Popular);
        let is_unwanted = || self.wanted_rating(id).map_or_else(|| self.unwanted.contains(id), is_against);
        !recommends || !is_unwanted()
    }

    /// Returns true if the title is on the profile's list, as the viewer last wanted it.
    pub fn is_listed(&self, detail: &TitleDetail) -> bool {
        self.wanted(&detail.card.id, Mark::Listed).unwrap_or(detail.is_listed)
    }

    /// Returns true if the profile has watched the title, as the viewer last wanted it.
    pub fn is_watched(&self, id: &TitleId) -> bool {
        self.wanted(id, Mark::Watched).unwrap_or_else(|| self.watched.contains(id))
    }

    /// Returns true if the profile has watched an episode, as the viewer last wanted it.
    pub fn is_episode_watched(&self, episode: &Episode) -> bool {
        let id = &episode.card.id;
        self.wanted(id, Mark::Watched).unwrap_or_else(|| episode.is_watched || self.watched.contains(id))
    }

    /// Returns true if the title's page can offer to remove it from "Continue watching".
    pub fn is_continued(&self, card: &TitleCard) -> bool {
        card.resume.is_some() && self.wanted(&card.id, Mark::Continued).unwrap_or(true)
    }

    /// Returns true while the notice on screen can be taken back.
    pub fn can_undo(&self) -> bool {
        self.undo.is_some()
    }

    /// Takes the titles that the service knows as watched.
    pub fn take_watched(&mut self, titles: BTreeSet<TitleId>) {
        self.watched = titles;
    }

    fn mark_watched(&mut self, id: &TitleId, is_watched: bool) {
        if is_watched {
            self.watched.insert(id.clone());
        } else {
            self.watched.remove(id);
        }
    }
}

/// Returns true if a title with this rating is not recommended.
fn is_against(rating: Option<Rating>) -> bool {
    matches!(rating, Some(Rating::Down | Rating::NotInterested))
}

/// Does what the viewer asks for.
pub fn on_command(state: &mut AppState, command: LibraryCommand, moment: &Moment, effects: &mut Vec<Effect>) {
    match command {
        LibraryCommand::List(id, on) => change(state, id, (Mark::Listed, Wish::Is(on)), effects),
        LibraryCommand::MarkWatched(id, on) => change(state, id, (Mark::Watched, Wish::Is(on)), effects),
        LibraryCommand::Rate(id, rating) => change(state, id, (Mark::Rated, Wish::Rated(rating)), effects),
        LibraryCommand::RemoveFromContinue(id) => remove(state, id, moment, effects),
        LibraryCommand::Undo => {
            let Some(Undo { id, .. }) = state.library.undo.take() else { return };
            state.notice = None;
            put_back(state, &id);
            change(state, id, (Mark::Continued, Wish::Is(true)), effects);
        }
        LibraryCommand::EditContinue(on) => state.library.is_editing = on,
    }
}

/// Asks the service for a change, or notes the wish while it answers an earlier one.
fn change(state: &mut AppState, id: TitleId, (mark, wish): (Mark, Wish), effects: &mut Vec<Effect>) {
    if let Some(pending) = state.library.pending.get_mut(&(id.clone(), mark)) {
        pending.wanted = wish;
        return;
    }
    state.library.pending.insert((id.clone(), mark), Pending { asked: wish, wanted: wish });
    ask(state, id, mark, wish, effects);
}

fn ask(state: &AppState, id: TitleId, mark: Mark, wish: Wish, effects: &mut Vec<Effect>) {
    let change = match (mark, wish) {
        (_, Wish::Rated(rating)) => TitleChange::Rated(rating),
        (Mark::Listed, Wish::Is(on)) => TitleChange::Listed(on),
        (Mark::Watched | Mark::Rated, Wish::Is(on)) => TitleChange::Watched(on),
        (Mark::Continued, Wish::Is(false)) => TitleChange::NotContinued,
        (Mark::Continued, Wish::Is(true)) => {
            let resume = state.library.removed.get(&id).and_then(|removed| removed.card.resume.as_ref());
            TitleChange::Continued { position_ms: resume.map_or(0, |resume| resume.position_ms) }
        }
    };
    effects.push(Effect::Api(Request::Change(id, change)));
}

fn remove(state: &mut AppState, id: TitleId, moment: &Moment, effects: &mut Vec<Effect>) {
    let Some(card) = find_card(state, &id).cloned() else { return };
    let mut column = 0;
    for row in continue_rows(state) {
        column = row.titles.iter().position(|title| title.id == id).unwrap_or(column);
        row.titles.retain(|title| title.id != id);
    }
    let text = format!("“{}” was removed from “Continue watching”.", card.name);
    state.library.removed.insert(id.clone(), Removed { column, card });
    state.library.undo = Some(Undo { id: id.clone(), notice: text.clone() });
    state.notice = Some(Notice { text, since: moment.now });
    change(state, id, (Mark::Continued, Wish::Is(false)), effects);
}

/// Puts a removed card back where it was.
fn put_back(state: &mut AppState, id: &TitleId) {
    let Some(Removed { column, card }) = state.library.removed.get(id).cloned() else { return };
    for row in continue_rows(state) {
        if row.titles.iter().all(|title| title.id != *id) {
            row.titles.insert(column.min(row.titles.len()), card.clone());
        }
    }
}

fn continue_rows(state: &mut AppState) -> impl Iterator<Item = &mut Row> {
    let home = match &mut state.home.data {
        Load::Ready(home) => Some(home),
        Load::Idle | Load::Loading | Load::Failed(_) => None,
    };
    home.into_iter().flat_map(|home| &mut home.rows).filter(|row| row.kind == RowKind::ContinueWatching)
}

/// Takes the outcome of a change.
pub fn on_changed(
    state: &mut AppState,
    id: &TitleId,
    change: TitleChange,
    result: Result<(), Failure>,
    moment: &Moment,
    effects: &mut Vec<Effect>,
) {
    let mark = Mark::of(change);
    let key = (id.clone(), mark);
    let Some(pending) = state.library.pending.get(&key).copied() else { return };
    match result {
        Ok(()) => {
            settle(state, id, change);
            if pending.wanted != pending.asked {
                state.library.pending.insert(key, Pending { asked: pending.wanted, ..pending });
                return ask(state, id.clone(), mark, pending.wanted, effects);
            }
            state.library.pending.remove(&key);
            if matches!(mark, Mark::Watched | Mark::Continued) {
                // Permission that was fetched ahead has the place to resume from.
                ahead::on_playback_stopped(state, moment.now, effects);
            }
            refresh(state, id, effects);
        }
        Err(failure) => {
            state.library.pending.remove(&key);
            if failure.is_outage() {
                outage::on_unreachable(state, moment.now);
            }
            if mark == Mark::Continued && pending.asked == Wish::Is(false) {
                put_back(state, id);
            }
            state.library.undo = state.library.undo.take().filter(|undo| undo.id != *id);
            state.notice = Some(Notice { text: refusal(mark, &failure), since: moment.now });
        }
    }
}

fn refusal(mark: Mark, failure: &Failure) -> String {
    if failure.wire() == Some(ErrorCode::ListFull) {
        return "My list is full. Remove a title from it to add another one.".to_owned();
    }
    format!("{} {}", mark.refusal(), Problem::of_service(&failure.error).meaning)
}

/// Asks for what a change has changed on pages.
fn refresh(state: &AppState, id: &TitleId, effects: &mut Vec<Effect>) {
    effects.push(Effect::Api(Request::Home));
    let shows = |detail: &TitleDetail| episodes(detail).any(|episode| episode.card.id == *id);
    if let Route::Title(page) = &state.route
        && (page == id || state.title.data.ready().is_some_and(shows))
    {
        effects.push(Effect::Api(Request::Title(page.clone())));
    }
}

/// Brings what is shown to a change that the service has made.
fn settle(state: &mut AppState, id: &TitleId, change: TitleChange) {
    match change {
        TitleChange::Listed(on) => each_detail(state, id, |detail| detail.is_listed = on),
        TitleChange::Watched(on) => {
            state.library.mark_watched(id, on);
            each_detail(state, id, |detail| {
                detail.is_watched = on;
                detail.card.resume = None;
            });
            each_episode(state, id, |episode| {
                episode.is_watched = on;
                episode.card.resume = None;
            });
        }
        TitleChange::Rated(rating) => {
            if is_against(rating) {
                state.library.unwanted.insert(id.clone());
            } else {
                state.library.unwanted.remove(id);
            }
            each_detail(state, id, |detail| detail.my_rating = rating);
        }
        TitleChange::NotContinued | TitleChange::Continued { .. } => {}
    }
}

fn each_detail(state: &mut AppState, id: &TitleId, change: impl Fn(&mut TitleDetail)) {
    details(state).filter(|detail| detail.card.id == *id).for_each(change);
}

fn each_episode(state: &mut AppState, id: &TitleId, change: impl Fn(&mut Episode)) {
    let seasons = details(state).flat_map(|detail| &mut detail.seasons);
    seasons.flat_map(|season| &mut season.episodes).filter(|episode| episode.card.id == *id).for_each(change);
}

fn details(state: &mut AppState) -> impl Iterator<Item = &mut TitleDetail> {
    let shown = match &mut state.title.data {
        Load::Ready(detail) => Some(detail),
        Load::Idle | Load::Loading | Load::Failed(_) => None,
    };
    shown.into_iter().chain(&mut state.title.seen)
}

/// Keeps removed titles off a home screen that was answered before the removal.
pub fn on_home(state: &mut AppState) {
    let pending = state.library.pending.clone();
    let is_removed = |id: &TitleId| {
        pending.get(&(id.clone(), Mark::Continued)).is_some_and(|pending| pending.wanted == Wish::Is(false))
    };
    for row in continue_rows(state) {
        row.titles.retain(|title| !is_removed(&title.id));
    }
}

/// Follows the page and the notice. Called after every change of the state.
pub fn follow(state: &mut AppState, effects: &mut Vec<Effect>) {
    let words = state.notice.as_ref().map(|notice| notice.text.as_str());
    let is_shown = |undo: &mut Undo| words == Some(undo.notice.as_str());
    state.library.undo = state.library.undo.take_if(is_shown);
    let kept: Vec<TitleId> = state.library.undo.iter().map(|undo| undo.id.clone()).collect();
    let pending = &state.library.pending;
    let is_needed = |id: &TitleId| kept.contains(id) || pending.contains_key(&(id.clone(), Mark::Continued));
    state.library.removed.retain(|id, _| is_needed(id));
    let has_cards = continue_rows(state).any(|row| !row.titles.is_empty());
    state.library.is_editing &= state.route == Route::Home && has_cards;
    if effects.contains(&Effect::Api(Request::Home)) {
        effects.push(Effect::Api(Request::Watched));
    }
}
