//! The one function that changes the state.

use std::sync::Arc;

use kinora_api::{TitleCard, TitleId};
use player_core::error::PlayerError;
use player_core::{Command, ErrorCode, Event, Snapshot};

use super::player::{self, PlayerState, Source};
use super::{
    AppState, Effect, HomeState, Launch, Load, Message, Notice, Problem, Route, Settings, SignInForm, TitleState,
};
use crate::api::{Failure, Reply, Request};
use crate::command::{Begin, PlayerCommand, UiCommand};
use crate::theme::tokens::time;

/// How many pages can be gone back to.
const HISTORY: usize = 16;
/// A new leave to play is asked for by itself at most this often, in seconds.
const RENEW_EVERY: f64 = 30.0;

/// What the moment is at which something happened.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// Seconds of the interface's clock.
    pub now: f64,
    /// The player as it is; the default when there is none.
    pub snapshot: Arc<Snapshot>,
}

/// The state at the start, and what to do first.
pub fn start(launch: Launch, settings: Settings) -> (AppState, Vec<Effect>) {
    let mut state = AppState {
        route: Route::Starting,
        history: Vec::new(),
        account: None,
        sign_in: SignInForm { email: settings.last_email.clone(), ..SignInForm::default() },
        home: HomeState::default(),
        title: TitleState::default(),
        player: None,
        settings,
        settings_open: false,
        notice: None,
        fullscreen: false,
        standalone: false,
        secrets_place: None,
    };
    let effects = match launch {
        Launch::Address(url) => {
            state.standalone = true;
            state.route = Route::Player;
            let player = PlayerState::new(Source::Address(url), 0.0);
            let request = player.load_request(&state.settings);
            state.player = Some(player);
            request.map(Effect::Load).into_iter().collect()
        }
        Launch::Service { credentials: Some(credentials) } => {
            state.sign_in.email = credentials.email.clone();
            state.sign_in.busy = true;
            vec![Effect::Api(Request::SignIn { credentials, patient: true })]
        }
        Launch::Service { credentials: None } => vec![Effect::Api(Request::Restore)],
    };
    (state, effects)
}

/// Changes the state by what happened and tells what is to be done.
pub fn update(state: &mut AppState, message: Message, moment: &Moment) -> Vec<Effect> {
    let mut effects = Vec::new();
    match message {
        Message::Ui(command) => on_command(state, command, moment, &mut effects),
        Message::Api(reply) => on_reply(state, *reply, moment, &mut effects),
        Message::Player(event) => on_event(state, event, moment, &mut effects),
        Message::PlayerRefused(error) => fail(state, &error, moment),
    }
    if state.notice.as_ref().is_some_and(|notice| moment.now - notice.since > time::NOTICE) {
        state.notice = None;
    }
    effects
}

fn on_command(state: &mut AppState, command: UiCommand, moment: &Moment, effects: &mut Vec<Effect>) {
    match command {
        UiCommand::EditEmail(email) => state.sign_in.email = email,
        UiCommand::EditPassword(password) => state.sign_in.password = password,
        UiCommand::ShowPassword(shown) => state.sign_in.shows_password = shown,
        UiCommand::SignIn => sign_in(state, effects),
        UiCommand::SignOut => {
            state.settings_open = false;
            effects.push(Effect::Api(Request::SignOut));
        }
        UiCommand::GoHome => go_home(state, effects),
        UiCommand::Back => back(state, effects),
        UiCommand::Reload => reload(state, effects),
        UiCommand::OpenTitle(id) => open_title(state, id, effects),
        UiCommand::Play(id, begin) => play(state, &id, begin, moment, effects),
        UiCommand::FocusAt(focus) => state.home.focus = Some(focus),
        UiCommand::ToggleSettings => state.settings_open = !state.settings_open,
        UiCommand::ChangeSettings(settings) => {
            if settings.data_saver != state.settings.data_saver {
                let limit = settings.data_saver.max_bitrate_bps();
                effects.push(Effect::Player(Command::SetMaxBitrate(limit)));
            }
            state.settings = settings.clone();
            effects.push(Effect::SaveSettings(settings));
        }
        UiCommand::Zoom(zoom) => {
            state.settings.change_zoom(zoom);
            let text = format!("Zoom {:.0} %", state.settings.zoom * 100.0);
            state.notice = Some(Notice { text, since: moment.now });
            effects.push(Effect::SaveSettings(state.settings.clone()));
        }
        UiCommand::DismissNotice => state.notice = None,
        UiCommand::Player(command) => on_player_command(state, command, moment, effects),
    }
}

fn on_player_command(state: &mut AppState, command: PlayerCommand, moment: &Moment, effects: &mut Vec<Effect>) {
    let Some(player) = &mut state.player else { return };
    match command {
        PlayerCommand::ToggleFullscreen => {
            player.last_activity = moment.now;
            set_fullscreen(state, !state.fullscreen, effects);
        }
        PlayerCommand::Escape if player.menu.is_some() => player.menu = None,
        PlayerCommand::Escape if state.fullscreen => set_fullscreen(state, false, effects),
        PlayerCommand::Escape | PlayerCommand::Leave => leave_player(state, effects),
        PlayerCommand::Retry => player::retry(player, &state.settings, moment, effects),
        command => player::handle(player, &mut state.settings, command, moment, effects),
    }
}

fn on_reply(state: &mut AppState, reply: Reply, moment: &Moment, effects: &mut Vec<Effect>) {
    match reply {
        Reply::Restored(None) => state.route = Route::SignIn,
        Reply::Restored(Some(account)) => {
            state.account = Some(account);
            enter_home(state, effects);
        }
        Reply::SignedIn(Ok(account)) => {
            state.sign_in = SignInForm { email: account.email.clone(), ..SignInForm::default() };
            state.settings.last_email = account.email.clone();
            effects.push(Effect::SaveSettings(state.settings.clone()));
            state.account = Some(account);
            enter_home(state, effects);
        }
        Reply::SignedIn(Err(failure)) => {
            state.route = Route::SignIn;
            state.sign_in.busy = false;
            state.sign_in.error = Some(failure.for_form());
        }
        Reply::SignedOut => to_sign_in(state, None, effects),
        Reply::SessionLost => {
            to_sign_in(state, Some("Your sign-in has expired. Please sign in again.".to_owned()), effects);
        }
        Reply::Home(result) => state.home.data = loaded(result),
        Reply::Title(id, result) if state.route == Route::Title(id.clone()) => state.title.data = loaded(result),
        Reply::Title(..) => {}
        Reply::Granted(id, result) => on_grant(state, &id, result, moment, effects),
        Reply::PlaybackStopped => {
            // The rows "Continue watching" and the progress bars have changed.
            if state.account.is_some() {
                effects.push(Effect::Api(Request::Home));
                if let Route::Title(id) = &state.route {
                    effects.push(Effect::Api(Request::Title(id.clone())));
                }
            }
        }
        Reply::SecretsAt { place, notice } => {
            state.secrets_place = Some(place);
            if let Some(text) = notice.filter(|_| !state.settings.secrets_notice_shown) {
                state.notice = Some(Notice { text, since: moment.now });
                state.settings.secrets_notice_shown = true;
                effects.push(Effect::SaveSettings(state.settings.clone()));
            }
        }
        Reply::Image { .. } => debug_assert!(false, "images go to the shelf and not through the state"),
    }
}

fn on_event(state: &mut AppState, event: Event, moment: &Moment, effects: &mut Vec<Effect>) {
    let Some(player) = &mut state.player else { return };
    match event {
        Event::FirstFrame { .. } => {
            player.started = true;
            player.waiting_since = None;
        }
        Event::StateChanged { .. } => {
            let waits = !moment.snapshot.is_playing() && !player.started;
            player.waiting_since = player.waiting_since.filter(|_| waits);
        }
        Event::StallStarted { .. } | Event::SeekStarted { .. } => player.waiting_since = Some(moment.now),
        Event::StallEnded { .. } | Event::SeekCompleted { .. } => player.waiting_since = None,
        Event::Failed { error } => {
            player.last_timeline = player::timeline(&moment.snapshot).or(player.last_timeline);
            player.resume_at = Some(moment.snapshot.position).filter(|at| at.as_nanos() > 0).or(player.resume_at);
            if may_renew(player, &error, moment.now) {
                player.renewed_at = Some(moment.now);
                player::retry(player, &state.settings, moment, effects);
            } else {
                fail(state, &error, moment);
            }
        }
        Event::Warning { error } if error.code == ErrorCode::AudioDeviceUnavailable => {
            player.has_sound_device = false;
            // The controls come out: the crossed speaker is one of them.
            player.last_activity = moment.now;
            let text = "There is no sound device: the film plays without sound.".to_owned();
            state.notice = Some(Notice { text, since: moment.now });
        }
        Event::Reply { error: Some(error), .. } => {
            state.notice = Some(Notice { text: error.code.advice().to_owned(), since: moment.now });
        }
        Event::Ended => player.last_activity = moment.now,
        _ => {}
    }
}

/// An edge that says "not allowed" in the middle of a film means that the signed address is past its time: a new one
/// is asked for without bothering the viewer, but not over and over.
fn may_renew(player: &PlayerState, error: &PlayerError, now: f64) -> bool {
    let by_code = matches!(error.code, ErrorCode::GrantExpired | ErrorCode::GrantInvalid);
    let by_status = matches!(error.context.http_status, Some(401 | 403 | 410));
    let refused = by_code || (error.code == ErrorCode::HttpStatus && by_status);
    let from_service = matches!(&player.source, Source::Title { grant: Some(_), .. });
    refused && from_service && player.renewed_at.is_none_or(|at| now - at > RENEW_EVERY)
}

fn on_grant(
    state: &mut AppState,
    id: &TitleId,
    result: Result<kinora_api::PlaybackGrant, Failure>,
    moment: &Moment,
    effects: &mut Vec<Effect>,
) {
    let settings = &state.settings;
    let waiting = state.player.as_mut().filter(|player| {
        matches!(&player.source, Source::Title { card, grant: None, .. } if card.id == *id) && player.problem.is_none()
    });
    match (waiting, result) {
        (Some(player), Ok(leave)) => {
            if let Source::Title { grant, .. } = &mut player.source {
                *grant = Some(Box::new(leave.clone()));
            }
            if let Some(request) = player.load_request(settings) {
                effects.push(Effect::Load(request));
            }
            effects.push(Effect::Watch(leave));
        }
        (Some(_), Err(failure)) => fail(state, &failure.error, moment),
        // The viewer has left before the answer came: give the leave back.
        (None, Ok(leave)) => effects.push(Effect::Api(Request::Abandon(leave))),
        (None, Err(_)) => {}
    }
}

fn fail(state: &mut AppState, error: &PlayerError, moment: &Moment) {
    let problem = Problem::new(error);
    match &mut state.player {
        Some(player) => {
            player.problem = Some(problem);
            player.menu = None;
            player.waiting_since = None;
        }
        None => state.notice = Some(Notice { text: problem.meaning, since: moment.now }),
    }
}

fn sign_in(state: &mut AppState, effects: &mut Vec<Effect>) {
    let form = &mut state.sign_in;
    if form.busy {
        return;
    }
    let email = form.email.trim().to_owned();
    form.error = match (email.is_empty(), form.password.is_empty()) {
        (true, _) => Some("Enter your e-mail address.".to_owned()),
        (false, true) => Some("Enter your password.".to_owned()),
        (false, false) => None,
    };
    if form.error.is_none() {
        form.busy = true;
        form.shows_password = false;
        // The text stays until the answer: after a slip of the finger one letter is mended, not everything typed again.
        let credentials = super::Credentials { email, password: form.password.clone().into() };
        effects.push(Effect::Api(Request::SignIn { credentials, patient: false }));
    }
}

fn to_sign_in(state: &mut AppState, error: Option<String>, effects: &mut Vec<Effect>) {
    if state.player.take().is_some() {
        effects.push(Effect::EndPlayback);
    }
    state.account = None;
    state.home = HomeState::default();
    state.title = TitleState::default();
    state.history.clear();
    state.settings_open = false;
    state.route = Route::SignIn;
    state.sign_in = SignInForm { email: state.settings.last_email.clone(), error, ..SignInForm::default() };
    set_fullscreen(state, false, effects);
}

fn enter_home(state: &mut AppState, effects: &mut Vec<Effect>) {
    state.route = Route::Home;
    state.history.clear();
    state.home.data = Load::Loading;
    effects.push(Effect::Api(Request::Home));
}

fn go_home(state: &mut AppState, effects: &mut Vec<Effect>) {
    if state.account.is_some() && state.route != Route::Player {
        state.history.clear();
        state.route = Route::Home;
        effects.push(Effect::Api(Request::Home));
    }
}

fn visit(state: &mut AppState, route: Route) {
    if state.history.len() == HISTORY {
        state.history.remove(0);
    }
    state.history.push(std::mem::replace(&mut state.route, route));
}

fn back(state: &mut AppState, effects: &mut Vec<Effect>) {
    match state.history.pop() {
        Some(Route::Title(id)) => {
            state.title = TitleState { data: Load::Loading, card: find_card(state, &id).cloned() };
            effects.push(Effect::Api(Request::Title(id.clone())));
            state.route = Route::Title(id);
        }
        Some(route) => state.route = route,
        None => {}
    }
}

fn reload(state: &mut AppState, effects: &mut Vec<Effect>) {
    match &state.route {
        Route::Home => {
            state.home.data = Load::Loading;
            effects.push(Effect::Api(Request::Home));
        }
        Route::Title(id) => {
            state.title.data = Load::Loading;
            effects.push(Effect::Api(Request::Title(id.clone())));
        }
        Route::Starting | Route::SignIn | Route::Player => {}
    }
}

fn open_title(state: &mut AppState, id: TitleId, effects: &mut Vec<Effect>) {
    state.title = TitleState { data: Load::Loading, card: find_card(state, &id).cloned() };
    visit(state, Route::Title(id.clone()));
    effects.push(Effect::Api(Request::Title(id)));
}

fn play(state: &mut AppState, id: &TitleId, begin: Begin, moment: &Moment, effects: &mut Vec<Effect>) {
    let Some(card) = find_card(state, id).cloned() else { return };
    let source = Source::Title { card: Box::new(card), begin, grant: None };
    state.player = Some(PlayerState::new(source, moment.now));
    state.settings_open = false;
    visit(state, Route::Player);
    effects.push(Effect::Api(Request::Authorize(id.clone())));
}

fn leave_player(state: &mut AppState, effects: &mut Vec<Effect>) {
    state.player = None;
    effects.push(Effect::EndPlayback);
    set_fullscreen(state, false, effects);
    if state.standalone {
        effects.push(Effect::Quit);
    } else {
        back(state, effects);
    }
}

fn set_fullscreen(state: &mut AppState, fullscreen: bool, effects: &mut Vec<Effect>) {
    if state.fullscreen != fullscreen {
        state.fullscreen = fullscreen;
        effects.push(Effect::Fullscreen(fullscreen));
    }
}

fn find_card<'a>(state: &'a AppState, id: &TitleId) -> Option<&'a TitleCard> {
    let home = state.home.data.ready();
    let on_home =
        home.into_iter().flat_map(|home| home.hero.iter().chain(home.rows.iter().flat_map(|row| &row.titles)));
    let detail = state.title.data.ready();
    let on_page = detail.into_iter().flat_map(|detail| std::iter::once(&detail.card).chain(&detail.similar));
    on_page.chain(on_home).chain(&state.title.card).find(|card| card.id == *id)
}

fn loaded<T>(result: Result<T, Failure>) -> Load<T> {
    match result {
        Ok(data) => Load::Ready(data),
        Err(failure) => Load::Failed(Problem::new(&failure.error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::DataSaver;

    #[test]
    fn a_data_saver_holds_for_the_film_that_plays() {
        let launch = Launch::Address("http://h/film.mpd".parse().expect("a valid address"));
        let (mut state, _) = start(launch, Settings::default());
        let mut change = |settings: &Settings| {
            let command = UiCommand::ChangeSettings(settings.clone());
            update(&mut state, Message::Ui(command), &Moment::default())
        };
        let saver = |data_saver| Settings { data_saver, ..Settings::default() };
        let (low, off) = (saver(DataSaver::Low), saver(DataSaver::Off));
        let told = |limit, settings: &Settings| {
            [Effect::Player(Command::SetMaxBitrate(limit)), Effect::SaveSettings(settings.clone())]
        };
        assert_eq!(change(&low), told(Some(666_666), &low));
        assert_eq!(change(&low), [Effect::SaveSettings(low.clone())], "only changes are told");
        assert_eq!(change(&off), told(None, &off));
    }
}
