//! Playbacks on the account's other devices: one that can be taken over here, one that has to end for this one, and the
//! end of this one by another device.

use kinora_api::{NowPlaying, PlaybackPhase, PlaybackSessionId, TitleCard, TitleId};

use super::pages::{fail_with, visit};
use super::player::{PlayerState, Source};
use super::{AppState, Effect, Moment, Problem, Route, find_card};
use crate::api::Request;
use crate::command::Begin;

/// Seconds after which a home screen that stays on screen asks again.
const EVERY: f64 = 30.0;

/// Playbacks of the profile on other devices.
#[derive(Clone, Debug, Default)]
pub struct Elsewhere {
    playing: Vec<NowPlaying>,
    /// Time of the latest question, in seconds of the interface's clock; `None` while the home screen is not shown.
    asked_at: Option<f64>,
}

impl Elsewhere {
    /// Returns the playback that the home screen offers to take over: the latest that runs on another device.
    pub fn offer(&self) -> Option<&NowPlaying> {
        let is_over = |phase| matches!(phase, PlaybackPhase::Ended | PlaybackPhase::Stopped);
        self.playing.iter().find(|it| !it.is_this_device && it.title.is_some() && !is_over(it.phase))
    }

    /// Takes the answer of the service.
    pub fn take(&mut self, playing: Vec<NowPlaying>) {
        self.playing = playing;
    }
}

/// Returns the name of a playback's device for a sentence.
pub fn device_name(playing: &NowPlaying) -> &str {
    match playing.device_name.trim() {
        _ if playing.is_this_device => "This device",
        "" => "Another device",
        name => name,
    }
}

fn may_ask(state: &AppState) -> bool {
    let is_there = state.account.is_some() && state.outage.is_none() && !state.profile_pending;
    state.route == Route::Home && is_there
}

/// Asks what plays when the home screen comes, is brought up to date, or has been shown for a while. Called after every
/// change of the state.
pub fn follow(state: &mut AppState, now: f64, effects: &mut Vec<Effect>) {
    if state.route != Route::Home {
        state.elsewhere.asked_at = None;
    }
    let is_due = state.elsewhere.asked_at.is_none_or(|at| now - at >= EVERY);
    if may_ask(state) && (is_due || effects.contains(&Effect::Api(Request::Home))) {
        state.elsewhere.asked_at = Some(now);
        effects.push(Effect::Api(Request::NowPlaying));
    }
}

/// Returns the time at which [`follow`] has something to do.
pub fn next_tick(state: &AppState) -> Option<f64> {
    state.elsewhere.asked_at.filter(|_| may_ask(state)).map(|at| at + EVERY)
}

/// Goes on with a playback of another device on this one.
pub fn take_over(state: &mut AppState, session: &PlaybackSessionId, moment: &Moment, effects: &mut Vec<Effect>) {
    let Some(playing) = state.elsewhere.playing.iter().find(|it| it.playback_id == *session).cloned() else { return };
    let Some(title) = playing.title else { return };
    let card = find_card(state, &title.id).cloned();
    let card = card.unwrap_or_else(|| bare_card(title.id.clone(), title.name, playing.duration_ms));
    let source = Source::Title { card: Box::new(card), begin: Begin::Resume, grant: None };
    if state.player.replace(PlayerState::new(source, moment.now)).is_some() {
        effects.push(Effect::EndPlayback);
    }
    state.elsewhere.playing.retain(|it| it.playback_id != *session);
    state.settings_open = false;
    visit(state, Route::Player);
    effects.push(Effect::Api(Request::TakeOver { id: title.id, session: session.clone() }));
}

/// Returns the card of a title that no page has shown.
fn bare_card(id: TitleId, name: String, duration_ms: u64) -> TitleCard {
    TitleCard { id, name, duration_ms, ..TitleCard::default() }
}

/// Ends a playback of the account in whose place the film that was refused begins.
pub fn stop_other(state: &mut AppState, stop: PlaybackSessionId, moment: &Moment, effects: &mut Vec<Effect>) {
    let Some(player) = &mut state.player else { return };
    let Source::Title { card, grant: None, .. } = &player.source else { return };
    if player.problem.take().is_none() {
        return;
    }
    player.retry_at = None;
    player.waiting_since = Some(moment.now);
    effects.push(Effect::Api(Request::AuthorizeInstead { id: card.id.clone(), stop }));
}

/// Ends the film whose place another device took, and says so. The player may have failed before, because the edges
/// refuse such a film, and wait for new permission.
pub fn on_displaced(state: &mut AppState, session: &PlaybackSessionId, moment: &Moment, effects: &mut Vec<Effect>) {
    let Some(player) = &mut state.player else { return };
    let last = player.last_session.as_ref() == Some(session);
    let Source::Title { begin, grant, .. } = &mut player.source else { return };
    let is_playing = grant.as_ref().is_some_and(|grant| grant.session_id == *session);
    if !is_playing && !last {
        return;
    }
    // The service knows where it goes on: the other device may have played further.
    *begin = Begin::Resume;
    if grant.take().is_some() {
        effects.push(Effect::EndPlayback);
    }
    player.resume_at = None;
    player.last_session = None;
    fail_with(state, Problem::displaced(), moment);
}
