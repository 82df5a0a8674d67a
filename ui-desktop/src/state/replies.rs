//! Changes of the state by answers of the service.

use kinora_api::{Account, ErrorCode as Wire, PlaybackGrant, TitleId};

use super::ahead::Prepared;
use super::film::{begin_ahead, begin_film, play, waits_for_grant};
use super::kept::{KEPT_PAUSE, KeptAnswer, KeptPage};
use super::pages::fail_with;
use super::player::{self, Source};
use super::update::{enter_home, to_sign_in};
use super::{
    AppState, Effect, Load, Moment, Notice, Problem, Route, SignInForm, accounts, ahead, elsewhere, home_pages, kept,
    library, on_air, outage, profiles, search,
};
use crate::api::{AccountReply, AccountRequest, Failure, Reply, Request, Told};
use crate::command::Begin;

pub fn on_reply(state: &mut AppState, reply: Reply, moment: &Moment, effects: &mut Vec<Effect>) {
    match reply {
        Reply::Restored(None) => {
            end_outage(state);
            if state.route == Route::Starting {
                state.route = Route::SignIn;
            } else {
                to_sign_in(state, Some("Your sign-in has expired. Please sign in again.".to_owned()), effects);
            }
        }
        Reply::Restored(Some(account)) => on_session(state, account, false, effects),
        Reply::SignedIn(Ok(account)) => {
            // A form that somebody filled in may be followed by a question; a start by itself is not.
            let by_form = state.opening.is_none();
            state.sign_in = SignInForm { email: account.email.clone(), ..SignInForm::default() };
            state.settings.last_email = account.email.clone();
            effects.push(Effect::SaveSettings(state.settings.clone()));
            on_session(state, account, by_form, effects);
        }
        Reply::SignedIn(Err(failure)) => {
            end_outage(state);
            let was_starting = state.route == Route::Starting;
            if state.route != Route::SignIn && !was_starting {
                to_sign_in(state, None, effects);
            }
            state.route = Route::SignIn;
            super::sign_in::on_refused(state, &failure, moment);
            // A password that nobody typed is not shown as one that somebody did.
            if was_starting && state.sign_in.page == super::SignInPage::Password {
                state.sign_in.password.clear();
            }
        }
        Reply::Offline { failure, account, homes } => {
            outage::on_offline_start(state, &failure, account, homes, moment, effects);
        }
        Reply::Unreachable => {
            if state.account.is_some() {
                outage::on_unreachable(state, moment.now);
            }
        }
        Reply::SignedOut => to_sign_in(state, None, effects),
        Reply::SessionLost => {
            to_sign_in(state, Some("Your sign-in has expired. Please sign in again.".to_owned()), effects);
        }
        Reply::ProfileInUse(profile) => state.profile_pending &= state.profile != profile,
        reply if state.profile_pending && reply.is_of_a_profile() => {}
        Reply::MoreRows(path, result) => home_pages::on_more_rows(state, &path, result, moment),
        Reply::MoreTitles { row, path, result } => home_pages::on_more_titles(state, &row, &path, result, moment),
        Reply::KeptHome { home, age_s } => {
            outage::on_kept_home(state, home, age_s, moment, effects);
            library::on_home(state);
        }
        Reply::Home(result) => on_home(state, result, moment, effects),
        Reply::Title(id, result) => on_title(state, &id, result, moment, effects),
        Reply::Found(query, result) => search::on_found(state, &query, result, moment, effects),
        Reply::Companion(id, companion) => {
            if let Some(player) = state.player.as_mut().filter(|player| player.is_title(&id)) {
                player.companion = Some(companion);
            }
        }
        Reply::Granted(id, result) => on_grant(state, &id, result, moment, effects),
        Reply::Prepared(id, result) => on_prepared(state, id, result, moment, effects),
        Reply::Kept { reply, age_s } => on_kept(state, *reply, age_s, moment, effects),
        Reply::ServiceClock { ahead_ms } => state.air.ahead_ms = ahead_ms,
        Reply::Watched(titles) => state.library.take_watched(titles),
        Reply::NowPlaying(playing) => state.elsewhere.take(playing),
        Reply::Changed(id, change, result) => library::on_changed(state, &id, change, result, moment, effects),
        Reply::Displaced(session) => elsewhere::on_displaced(state, &session, moment, effects),
        Reply::Claimed(grant, result) => on_claimed(state, &grant, result, moment, effects),
        Reply::PlaybackStopped => {
            ahead::on_playback_stopped(state, moment.now, effects);
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
        Reply::Account(AccountReply::Told(Told::Erased, Ok(()))) => {
            search::forget_account(state, effects);
            to_sign_in(state, None, effects);
            accounts::on_erased(state, moment, effects);
        }
        Reply::Account(reply) => accounts::on_reply(state, reply, moment, effects),
        Reply::Image { .. } => debug_assert!(false, "images go to the shelf and not through the state"),
    }
}

/// Shows a kept answer, and marks what is shown.
fn on_kept(state: &mut AppState, reply: Reply, age_s: u64, moment: &Moment, effects: &mut Vec<Effect>) {
    let seen_at = kept::seen_at(age_s, moment);
    let page = Some(KeptPage { seen_at, next_try: Some(moment.now + KEPT_PAUSE) });
    let (title, query) = match &reply {
        Reply::Title(id, Ok(_)) => (state.route == Route::Title(id.clone()), None),
        Reply::Found(query, Ok(_)) => (false, Some(query.clone())),
        Reply::MoreRows(_, Ok(_)) | Reply::MoreTitles { result: Ok(_), .. } => {
            let known = state.home.pages.kept_at.unwrap_or(seen_at);
            state.home.pages.kept_at = Some(known.min(seen_at));
            state.home.kept.get_or_insert(KeptAnswer { next_try: Some(moment.now + KEPT_PAUSE) });
            (false, None)
        }
        _ => (false, None),
    };
    on_reply(state, reply, moment, effects);
    if title {
        state.title.kept = page;
    } else if query.is_some_and(|query| query == state.search.answered) {
        state.search.kept = page;
    }
}

/// Takes the answer to a request for permission ahead of "Play".
fn on_prepared(
    state: &mut AppState,
    id: TitleId,
    result: Result<PlaybackGrant, Failure>,
    moment: &Moment,
    effects: &mut Vec<Effect>,
) {
    let waits = waits_for_grant(state, &id);
    match ahead::on_prepared(state, &id, result, waits, moment.now, effects) {
        Prepared::Nothing => {}
        Prepared::Begin(grant) => {
            begin_ahead(state, &id, *grant, effects);
            outage::on_reached(state, effects);
        }
        Prepared::Ask => effects.push(Effect::Api(Request::Authorize(id))),
        Prepared::Unreachable => outage::on_unreachable(state, moment.now),
    }
}

/// Takes the answer to [`Request::Claim`]. A film whose place has gone is asked for as if nothing had been fetched ahead: the
/// service then says why, or gives another place.
fn on_claimed(
    state: &mut AppState,
    grant: &PlaybackGrant,
    result: Result<(), Failure>,
    moment: &Moment,
    effects: &mut Vec<Effect>,
) {
    let Err(failure) = result else { return };
    let Some(player) = &mut state.player else { return };
    let is_used =
        matches!(&player.source, Source::Title { grant: Some(used), .. } if used.session_id == grant.session_id);
    if is_used && !failure.is_outage() {
        player::retry(player, &state.settings, moment, effects);
        // It never had its place: that it lost it says nothing.
        player.last_session = None;
    }
}

pub fn end_outage(state: &mut AppState) {
    state.outage = None;
    state.opening = None;
}

/// The service has opened the session: at the start, after the form, or because it is back.
fn on_session(state: &mut AppState, account: Account, by_form: bool, effects: &mut Vec<Effect>) {
    state.opening = None;
    profiles::choose_remembered(state, account, effects);
    if profiles::ask_if_locked(state) {
        state.outage = None;
        return;
    }
    if by_form && profiles::must_ask(state) {
        state.outage = None;
        profiles::ask(state);
        return;
    }
    if matches!(state.route, Route::Starting | Route::SignIn) {
        state.outage = None;
        enter_home(state, effects);
    } else {
        // It was away at the start: the page on screen stays and is brought up to date.
        outage::on_reached(state, effects);
        effects.push(Effect::Api(Request::Home));
        if state.route == Route::Home {
            on_air::open_wanted(state, effects);
        }
    }
}

fn on_home(
    state: &mut AppState,
    result: Result<kinora_api::Home, Failure>,
    moment: &Moment,
    effects: &mut Vec<Effect>,
) {
    match result {
        Ok(home) => {
            kept::on_fresh_home(&mut state.home);
            home_pages::replace(&mut state.home, home);
            library::on_home(state);
            state.home.seen_at = Some(moment.wall_ms);
            state.home.kept = None;
            outage::on_reached(state, effects);
        }
        Err(failure) => {
            kept::on_home_refused(state, moment.now);
            if matches!(failure.wire(), Some(Wire::ProfileLocked | Wire::ProfileNotFound)) {
                // Another device has set a PIN or deleted the profile.
                effects.push(Effect::Api(Request::Account(AccountRequest::Describe)));
            }
            if failure.is_outage() {
                outage::on_unreachable(state, moment.now);
            } else {
                outage::on_reached(state, effects);
            }
            // What was seen last is better than a card over an empty page.
            if state.home.data.ready().is_none() {
                outage::show_last_seen(state);
            }
            if state.home.data.ready().is_none() {
                state.home.data = Load::Failed(Problem::of_failure(&failure));
            } else if !failure.is_outage() {
                let text = Problem::of_failure(&failure).meaning;
                state.notice = Some(Notice { text, since: moment.now });
            }
        }
    }
}

fn on_title(
    state: &mut AppState,
    id: &TitleId,
    result: Result<Box<kinora_api::TitleDetail>, Failure>,
    moment: &Moment,
    effects: &mut Vec<Effect>,
) {
    match &result {
        Err(failure) if failure.is_outage() => outage::on_unreachable(state, moment.now),
        _ => outage::on_reached(state, effects),
    }
    if state.route != Route::Title(id.clone()) {
        return;
    }
    match result {
        Ok(detail) => {
            state.title.kept = None;
            state.title.take(*detail);
            if on_air::take_wanted(state, id) {
                play(state, id, Begin::Start, moment, effects);
            }
        }
        Err(failure) => {
            // The page stands with what the poster wall knew, and the rest comes when the service is back.
            let is_shown = state.title.data.ready().is_some() || state.title.card.is_some();
            if failure.is_outage() {
                kept::on_refused(&mut state.title.kept, moment.now);
            }
            if !failure.is_outage() {
                state.opens = None;
            }
            if !failure.is_outage() || !is_shown {
                state.title.kept = None;
                state.title.data = Load::Failed(Problem::of_failure(&failure));
            }
        }
    }
}

fn on_grant(
    state: &mut AppState,
    id: &TitleId,
    result: Result<PlaybackGrant, Failure>,
    moment: &Moment,
    effects: &mut Vec<Effect>,
) {
    if let Err(failure) = &result
        && failure.is_outage()
        && state.player.as_ref().is_some_and(|player| player.is_title(id) && player.problem.is_none())
    {
        // The wait says so and counts down; it is asked again when the service is back.
        return outage::on_unreachable(state, moment.now);
    }
    match (waits_for_grant(state, id), result) {
        (true, Ok(grant)) => {
            begin_film(state, id, grant, effects);
            outage::on_reached(state, effects);
        }
        (true, Err(failure)) => {
            fail_with(state, Problem::of_failure(&failure), moment);
        }
        // The viewer has left before the answer came: give the leave back.
        (false, Ok(grant)) => effects.push(Effect::Api(Request::Abandon(grant))),
        (false, Err(_)) => {}
    }
}
