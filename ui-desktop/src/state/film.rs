//! Going to the film and back: the page of a title, the beginning of its film, and leaving it.

use kinora_api::{PlaybackGrant, TitleId, TitleKind};
use player_core::Command;

use super::pages::visit;
use super::player::{NextUp, PlayerState, Source};
use super::{AppState, Effect, Moment, Route, find_card, preferences, search};
use crate::api::{Companion, Request, Sprites};
use crate::command::Begin;

pub fn back(state: &mut AppState, effects: &mut Vec<Effect>) {
    match state.history.pop() {
        Some(Route::Title(id)) => {
            let card = find_card(state, &id).cloned();
            state.title.reopen(&id, card);
            effects.push(Effect::Api(Request::Title(id.clone())));
            state.route = Route::Title(id);
        }
        Some(route) => state.route = route,
        None => {}
    }
}

pub fn open_title(state: &mut AppState, id: TitleId, effects: &mut Vec<Effect>) {
    let card = find_card(state, &id).cloned();
    state.title.open(card);
    if state.route == Route::Search {
        state.search.opened = Some(id.clone());
        search::note(state, effects);
    }
    visit(state, Route::Title(id.clone()));
    effects.push(Effect::Api(Request::Title(id)));
}

pub fn play(state: &mut AppState, id: &TitleId, begin: Begin, moment: &Moment, effects: &mut Vec<Effect>) {
    let Some(card) = find_card(state, id).cloned() else { return };
    if card.kind == TitleKind::Series {
        return open_series(state, id, effects);
    }
    if state.route == Route::Search {
        search::note(state, effects);
    }
    let source = Source::Title { card: Box::new(card), begin, grant: None };
    let mut player = PlayerState::new(source, moment.now);
    // The page knows the chapters; what comes with the film has the pictures of the seek bar too.
    let detail = state.title.data.ready().filter(|detail| detail.card.id == *id);
    player.companion = detail.map(|detail| Box::new(Companion { detail: detail.clone(), sprites: Sprites::default() }));
    if let Some(before) = state.player.replace(player) {
        // The end screen, or the credits, lead from one film to the next.
        effects.push(end_of(&before));
    }
    state.settings_open = false;
    if state.route != Route::Player {
        visit(state, Route::Player);
    }
    // Its intro may begin at once: the page is asked for together with the permission.
    ask_for_companion(state, id, effects);
    match state.ahead.take(id, moment.now) {
        Some(grant) => begin_ahead(state, id, grant, effects),
        // The answer that is on its way begins the film.
        None if state.ahead.is_coming(id) => {}
        None => effects.push(Effect::Api(Request::Authorize(id.clone()))),
    }
}

/// Shows the page of a series, which is not played itself. From the end of a film it takes the film's place.
fn open_series(state: &mut AppState, id: &TitleId, effects: &mut Vec<Effect>) {
    if state.route == Route::Player {
        state.player = None;
        effects.push(Effect::EndPlayback);
        set_fullscreen(state, false, effects);
        state.route = state.history.pop().unwrap_or(Route::Home);
    }
    open_title(state, id.clone(), effects);
}

pub fn leave_player(state: &mut AppState, effects: &mut Vec<Effect>) {
    effects.push(state.player.take().as_ref().map_or(Effect::EndPlayback, end_of));
    set_fullscreen(state, false, effects);
    if state.standalone {
        effects.push(Effect::Quit);
    } else {
        back(state, effects);
    }
}

pub fn set_fullscreen(state: &mut AppState, fullscreen: bool, effects: &mut Vec<Effect>) {
    if state.fullscreen != fullscreen {
        state.fullscreen = fullscreen;
        effects.push(Effect::Fullscreen(fullscreen));
    }
}

/// Begins the film that waits with permission that was fetched ahead, and takes the account's place for it.
pub fn begin_ahead(state: &mut AppState, id: &TitleId, grant: PlaybackGrant, effects: &mut Vec<Effect>) {
    let claim = Request::Claim(grant.clone());
    begin_film(state, id, grant, effects);
    effects.push(Effect::Api(claim));
}

/// Returns true while a film that was asked for waits for permission to play.
pub fn waits_for_grant(state: &AppState, id: &TitleId) -> bool {
    state.player.as_ref().is_some_and(|player| {
        matches!(&player.source, Source::Title { card, grant: None, .. } if card.id == *id) && player.problem.is_none()
    })
}

/// Loads the film that waits for this permission.
pub fn begin_film(state: &mut AppState, id: &TitleId, permission: PlaybackGrant, effects: &mut Vec<Effect>) {
    let settings = preferences::settings(state);
    let choice = state.account.as_ref().and_then(|account| state.choices.of(&account.id, id));
    let Some(player) = &mut state.player else { return };
    if let Source::Title { grant, .. } = &mut player.source {
        *grant = Some(Box::new(permission.clone()));
    }
    player.choice_applied = false;
    if let Some(request) = player.load_request(&settings, choice) {
        effects.push(Effect::Load(request));
        let rate = choice.and_then(|choice| choice.rate);
        effects.extend(rate.map(|rate| Effect::Player(Command::SetRate(rate))));
    }
    effects.push(Effect::Watch(permission));
    ask_for_companion(state, id, effects);
}

/// Asks for what goes with the film, unless it has been asked for.
fn ask_for_companion(state: &mut AppState, id: &TitleId, effects: &mut Vec<Effect>) {
    if let Some(player) = state.player.as_mut().filter(|player| !player.companion_asked) {
        player.companion_asked = true;
        effects.push(Effect::Api(Request::Companion(id.clone())));
    }
}

/// Returns the effect that ends a film: in the credits before the next episode it was seen.
fn end_of(player: &PlayerState) -> Effect {
    match player.next {
        NextUp::Hidden => Effect::EndPlayback,
        NextUp::Counting { .. } | NextUp::Offered | NextUp::Stopped => Effect::FinishPlayback,
    }
}
