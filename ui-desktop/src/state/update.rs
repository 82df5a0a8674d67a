//! The one function that changes the state.

use player_core::Command;
use player_core::command::TrackChoice;

use super::film::{back, leave_player, open_title, play, set_fullscreen};
use super::pages::{RETRY_AFTER, fail, to_home};
use super::player::{self, PlayerState, Source};
use super::{
    Ahead, AirClock, AppState, Changed, Choices, Effect, Elsewhere, HomeState, Launch, Library, Load, Message, Moment,
    Notice, RecentSearches, Route, SearchState, Settings, SignInForm, TitleState, accounts, ahead, choices, elsewhere,
    events, home_pages, kept, library, next_up, on_air, outage, preferences, profiles, replies, search, sign_in, skips,
};
use crate::api::Request;
use crate::command::{PlayerCommand, UiCommand};
use crate::theme::tokens::time;

/// The state at the start, and what to do first.
pub fn start(launch: Launch, settings: Settings, choices: Choices) -> (AppState, Vec<Effect>) {
    let mut state = AppState {
        route: Route::Starting,
        history: Vec::new(),
        account: None,
        sign_in: SignInForm { email: settings.last_email.clone(), ..SignInForm::default() },
        accounts: Default::default(),
        home: HomeState::default(),
        title: TitleState::default(),
        air: AirClock::default(),
        opens: None,
        ahead: Ahead::default(),
        search: SearchState::default(),
        library: Library::default(),
        elsewhere: Elsewhere::default(),
        profile: None,
        profile_pending: false,
        outage: None,
        opening: None,
        last_seen: Vec::new(),
        choices,
        recent: RecentSearches::default(),
        details_open: false,
        player: None,
        settings,
        changed_here: Changed::default(),
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
            let request = player.load_request(&state.settings, None);
            state.player = Some(player);
            request.map(Effect::Load).into_iter().collect()
        }
        Launch::Service { credentials: Some(credentials) } => {
            state.sign_in.email = credentials.email.clone();
            state.sign_in.password = credentials.password.expose().to_owned();
            state.sign_in.busy = true;
            open_session(&mut state, Request::SignIn { credentials, patient: true })
        }
        Launch::Service { credentials: None } => open_session(&mut state, Request::Restore),
    };
    (state, effects)
}

fn open_session(state: &mut AppState, request: Request) -> Vec<Effect> {
    state.opening = Some(request.clone());
    vec![Effect::Api(request)]
}

/// Returns the time of the interface's clock at which [`Message::Tick`] has something to do.
pub fn next_tick(state: &AppState) -> Option<f64> {
    let retry = state.outage.as_ref().and_then(|outage| outage.next_try);
    let card = state.player.as_ref().and_then(|player| player.retry_at);
    let others = [search::next_tick(&state.search), ahead::next_tick(state), elsewhere::next_tick(state)];
    let others = others.into_iter().chain([kept::next_tick(state), sign_in::next_tick(&state.sign_in)]);
    let others = others.chain([next_up::next_tick(state), on_air::next_tick(state)]);
    [retry, card].into_iter().chain(others).flatten().reduce(f64::min)
}

/// Changes the state by what happened and tells what is to be done.
pub fn update(state: &mut AppState, message: Message, moment: &Moment) -> Vec<Effect> {
    let mut effects = Vec::new();
    match message {
        Message::Ui(command) => on_command(state, command, moment, &mut effects),
        Message::Api(reply) => replies::on_reply(state, *reply, moment, &mut effects),
        Message::Player(event) => events::on_event(state, event, moment, &mut effects),
        Message::PlayerRefused(error) => fail(state, &error, moment),
        Message::WindowAt(place) => {
            // The size from before is kept while the window is maximised, for when it no longer is.
            let kept = state.settings.window.filter(|_| place.maximized);
            let place = kept.map_or(place, |kept| super::WindowPlace { maximized: true, ..kept });
            if state.settings.window.replace(place) != Some(place) {
                effects.push(Effect::SaveSettings(state.settings.clone()));
            }
        }
        Message::Tick => {
            outage::on_tick(state, moment.now, &mut effects);
            search::on_tick(state, moment.now, &mut effects);
            sign_in::on_tick(state, moment.now, &mut effects);
            retry_film(state, moment, &mut effects);
            next_up::on_tick(state, moment, &mut effects);
        }
    }
    ahead::follow(state, moment.now, &mut effects);
    if state.notice.as_ref().is_some_and(|notice| moment.now - notice.since > time::NOTICE) {
        state.notice = None;
    }
    library::follow(state, &mut effects);
    elsewhere::follow(state, moment.now, &mut effects);
    on_air::follow(state, moment, &mut effects);
    effects
}

fn on_command(state: &mut AppState, command: UiCommand, moment: &Moment, effects: &mut Vec<Effect>) {
    match command {
        UiCommand::EditEmail(email) => state.sign_in.email = email,
        UiCommand::EditPassword(password) => state.sign_in.password = password,
        UiCommand::ShowPassword(shown) => state.sign_in.shows_password = shown,
        UiCommand::SignIn => sign_in::submit(state, moment, effects),
        UiCommand::Account(command) => accounts::on_command(state, command, moment, effects),
        UiCommand::SignOut => {
            state.settings_open = false;
            effects.push(Effect::Api(Request::SignOut));
        }
        UiCommand::GoHome => go_home(state, effects),
        UiCommand::Back => back(state, effects),
        UiCommand::Reload => reload(state, effects),
        UiCommand::OpenTitle(id) => open_title(state, id, effects),
        UiCommand::Play(id, begin) => play(state, &id, begin, moment, effects),
        UiCommand::MoreRows => home_pages::ask_for_rows(state, moment, effects),
        UiCommand::MoreTitles(row) => home_pages::ask_for_titles(state, &row, moment, effects),
        UiCommand::FocusAt(focus) => state.home.focus = Some(focus),
        UiCommand::ToggleSettings => state.settings_open = !state.settings_open,
        UiCommand::ChangeSettings(settings) => {
            preferences::change(state, settings, effects);
        }
        UiCommand::Zoom(zoom) => {
            state.settings.change_zoom(zoom);
            let text = format!("Zoom {:.0} %", state.settings.zoom * 100.0);
            state.notice = Some(Notice { text, since: moment.now });
            effects.push(Effect::SaveSettings(state.settings.clone()));
        }
        UiCommand::DismissNotice => state.notice = None,
        UiCommand::OpenSearch => search::open(state, effects),
        UiCommand::Search(command) => search::on_command(state, command, moment, effects),
        UiCommand::ShowSeason(number) => state.title.season = Some(number),
        UiCommand::SwitchProfile => profiles::ask(state),
        UiCommand::ChooseProfile(id) => profiles::choose(state, &id, effects),
        UiCommand::RetryNow => outage::retry(state, effects),
        UiCommand::ToggleDetails => state.details_open = !state.details_open,
        UiCommand::Copy(text) => {
            state.notice = Some(Notice { text: "The details are on the clipboard.".to_owned(), since: moment.now });
            effects.push(Effect::Copy(text));
        }
        UiCommand::Library(command) => library::on_command(state, command, moment, effects),
        UiCommand::TakeOver(session) => elsewhere::take_over(state, &session, moment, effects),
        UiCommand::StopOther(session) => elsewhere::stop_other(state, session, moment, effects),
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
        PlayerCommand::Escape if player.next.is_shown() => next_up::stop(player),
        PlayerCommand::Escape if state.fullscreen => set_fullscreen(state, false, effects),
        PlayerCommand::Escape | PlayerCommand::Leave => leave_player(state, effects),
        PlayerCommand::TurnChapter { forward } => skips::turn_chapter(player, forward, moment, effects),
        PlayerCommand::GoToChapter(index) => skips::go_to_chapter(player, index, moment, effects),
        PlayerCommand::StopNext => next_up::stop(player),
        PlayerCommand::Skip => {
            player.last_activity = moment.now;
            if !skips::skip(player, moment, effects) && player.next.is_shown() {
                next_up::play_next(state, moment, effects);
            }
        }
        PlayerCommand::PlayNext => next_up::play_next(state, moment, effects),
        PlayerCommand::Retry => player::retry(player, &state.settings, moment, effects),
        command => {
            let mut done = Vec::new();
            player::handle(player, &mut state.settings, command, moment, &mut done);
            remember_choices(state, &mut done, moment);
            effects.append(&mut done);
        }
    }
}

/// Tries a film again by itself when it is time, unless the viewer reads the details of the error.
fn retry_film(state: &mut AppState, moment: &Moment, effects: &mut Vec<Effect>) {
    let Some(player) = &mut state.player else { return };
    if player.retry_at.is_none_or(|at| moment.now < at) {
        return;
    }
    if state.details_open {
        player.retry_at = Some(moment.now + RETRY_AFTER[0]);
    } else {
        player::retry(player, &state.settings, moment, effects);
    }
}

/// Remembers for the title what the viewer has just chosen.
fn remember_choices(state: &mut AppState, done: &mut Vec<Effect>, moment: &Moment) {
    let (Some(account), Some(player)) = (&state.account, &state.player) else { return };
    let Source::Title { card, .. } = &player.source else { return };
    let before = state.choices.clone();
    for effect in done.iter() {
        let Effect::Player(command) = effect else { continue };
        match command {
            Command::SelectAudio(TrackChoice::Track(id)) => {
                let audio = choices::mark_of(&moment.snapshot, id);
                state.choices.change(&account.id, &card.id, |choice| choice.audio = audio);
            }
            Command::SelectText(TrackChoice::Track(id)) => {
                let text = choices::mark_of(&moment.snapshot, id);
                state.choices.change(&account.id, &card.id, |choice| choice.text = text.map(Some));
            }
            Command::SelectText(TrackChoice::Off) => {
                state.choices.change(&account.id, &card.id, |choice| choice.text = Some(None));
            }
            Command::SetRate(rate) => {
                let rate = ((rate - 1.0).abs() > 0.01).then_some(*rate);
                state.choices.change(&account.id, &card.id, |choice| choice.rate = rate);
            }
            _ => {}
        }
    }
    if state.choices != before {
        done.push(Effect::SaveChoices);
    }
}

pub(super) fn to_sign_in(state: &mut AppState, error: Option<String>, effects: &mut Vec<Effect>) {
    if state.player.take().is_some() {
        effects.push(Effect::EndPlayback);
    }
    state.account = None;
    state.accounts = Default::default();
    state.home = HomeState::default();
    state.title = TitleState::default();
    state.ahead = Ahead::default();
    state.search.clear();
    state.library = Library::default();
    state.elsewhere = Elsewhere::default();
    state.profile = None;
    state.profile_pending = false;
    state.last_seen.clear();
    replies::end_outage(state);
    state.history.clear();
    state.settings_open = false;
    state.route = Route::SignIn;
    state.sign_in = SignInForm { email: state.settings.last_email.clone(), error, ..SignInForm::default() };
    set_fullscreen(state, false, effects);
}

pub(super) fn enter_home(state: &mut AppState, effects: &mut Vec<Effect>) {
    to_home(state);
    state.home.data = Load::Loading;
    effects.push(Effect::Api(Request::Home));
    on_air::open_wanted(state, effects);
}

fn go_home(state: &mut AppState, effects: &mut Vec<Effect>) {
    if state.account.is_some() && state.route != Route::Player {
        to_home(state);
        effects.push(Effect::Api(Request::Home));
    }
}

fn reload(state: &mut AppState, effects: &mut Vec<Effect>) {
    match &state.route {
        _ if state.outage.is_some() => outage::retry(state, effects),
        Route::Home => {
            state.home.data = Load::Loading;
            effects.push(Effect::Api(Request::Home));
        }
        Route::Title(id) => {
            state.title.data = Load::Loading;
            effects.push(Effect::Api(Request::Title(id.clone())));
        }
        Route::Search => {
            state.search.data = Load::Loading;
            effects.push(Effect::Api(Request::Search(state.search.wanted())));
        }
        Route::Starting | Route::SignIn | Route::Profiles | Route::EditProfile | Route::Account | Route::Player => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::DataSaver;

    #[test]
    fn a_data_saver_holds_for_the_film_that_plays() {
        let launch = Launch::Address("http://h/film.mpd".parse().expect("a valid address"));
        let (mut state, _) = start(launch, Settings::default(), Choices::default());
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
