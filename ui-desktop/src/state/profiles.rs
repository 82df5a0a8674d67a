//! Who watches: the account's profiles, and the one that was chosen.
//!
//! The service shows each profile the titles that its age permits. Once the account has a PIN, profiles that may see more than
//! the most limited one are locked on each device until the PIN is entered; the service keeps the lock, and this asks for the PIN.

use kinora_api::{Account, Profile, ProfileId};

use super::dialog::{self, DialogKind};
use super::watching::watching;
use super::{Ahead, AppState, Effect, Elsewhere, HomeState, Load, Route, TitleState, outage};
use crate::api::{AccountRequest, Request};
use crate::state::pages::to_home;

/// Maximum accounts whose choice is remembered; the first by id goes first.
const MAX_REMEMBERED: usize = 32;

/// Returns the profile that was chosen last on this device, else the account's default.
pub fn last_chosen<'a>(state: &AppState, account: &'a Account) -> Option<&'a Profile> {
    let remembered = state.settings.profiles.get(account.id.as_str());
    let chosen = account.profiles.iter().find(|profile| Some(&profile.id) == remembered);
    chosen.or_else(|| account.profiles.first())
}

/// Returns the name by which requests know a profile; `None` for the only one of an account. The service takes a request without
/// a name for the profile that was entered last, so that one of several always has its name.
fn named(account: &Account, id: &ProfileId) -> Option<ProfileId> {
    (account.profiles.len() > 1).then(|| id.clone())
}

/// Takes the account and goes on with the profile that was chosen last on this device, unless it is locked. Returns true if it
/// is: nothing that it has seen may be shown then.
pub fn choose_remembered(state: &mut AppState, account: Account, effects: &mut Vec<Effect>) -> bool {
    let chosen = last_chosen(state, &account);
    let is_locked = chosen.is_some_and(|profile| profile.locked);
    let profile = chosen.filter(|_| !is_locked).and_then(|profile| named(&account, &profile.id));
    state.account = Some(account);
    use_profile(state, profile, effects);
    is_locked
}

/// Returns true when the viewer should be asked who watches: there is a choice, and none was made on this device.
pub fn must_ask(state: &AppState) -> bool {
    state
        .account
        .as_ref()
        .is_some_and(|account| account.profiles.len() > 1 && !state.settings.profiles.contains_key(account.id.as_str()))
}

/// Asks for the PIN when the profile that was chosen last is locked. Returns true if it does. A film on screen goes on: the
/// service ends it if it has to.
pub fn ask_if_locked(state: &mut AppState) -> bool {
    let account = state.account.as_ref();
    let locked = account.and_then(|account| last_chosen(state, account)).filter(|profile| profile.locked);
    let Some(id) = locked.filter(|_| state.route != Route::Player).map(|profile| profile.id.clone()) else {
        return false;
    };
    let is_known = !must_ask(state);
    ask(state);
    if is_known {
        dialog::open(state, DialogKind::Enter(id));
    }
    true
}

/// Shows the page that asks who watches.
pub fn ask(state: &mut AppState) {
    if state.account.is_some() && state.route != Route::Player {
        state.settings_open = false;
        state.accounts.edits_profiles = false;
        state.history.clear();
        state.route = Route::Profiles;
    }
}

/// Goes on with a profile that the viewer chose, after its PIN when it is locked.
pub fn choose(state: &mut AppState, id: &ProfileId, effects: &mut Vec<Effect>) {
    let Some(account) = &state.account else { return };
    let Some(profile) = account.profiles.iter().find(|profile| profile.id == *id) else { return };
    if profile.locked {
        return dialog::open(state, DialogKind::Enter(id.clone()));
    }
    if account.has_pin {
        // From now on the service locks what this profile may not see.
        effects.push(Effect::Api(Request::Account(AccountRequest::Enter { id: id.clone(), pin: None })));
    }
    go_on(state, id, effects);
}

/// Goes on with a profile that may watch, and remembers it for the next start.
pub fn go_on(state: &mut AppState, id: &ProfileId, effects: &mut Vec<Effect>) {
    let Some(account) = &state.account else { return };
    let profile = named(account, id);
    let account = account.id.as_str().to_owned();
    let remembered = state.settings.profiles.insert(account.clone(), id.clone());
    while state.settings.profiles.len() > MAX_REMEMBERED {
        let first = state.settings.profiles.keys().find(|key| **key != account).cloned();
        first.and_then(|key| state.settings.profiles.remove(&key));
    }
    if remembered.as_ref() != Some(id) {
        effects.push(Effect::SaveSettings(state.settings.clone()));
    }
    let is_same = state.profile == profile && state.home.data.ready().is_some();
    if !is_same {
        use_profile(state, profile, effects);
        outage::show_last_seen(state);
    }
    to_home(state);
    effects.push(Effect::Api(Request::Home));
}

/// Asks who watches when the profile on screen has been locked or deleted meanwhile. A film that plays goes on: the service ends
/// it if it has to.
pub fn check_watching(state: &mut AppState) {
    let is_gone = watching(state).is_none_or(|profile| profile.locked)
        || state.profile.is_some() && watching(state).map(|profile| &profile.id) != state.profile.as_ref();
    let shows_titles = matches!(state.route, Route::Home | Route::Title(_) | Route::Search);
    if is_gone && shows_titles {
        forget_watching(state);
        if !ask_if_locked(state) {
            ask(state);
        }
    }
}

/// Takes what a profile has seen off the screen, without another one in its place.
pub fn forget_watching(state: &mut AppState) {
    state.profile = None;
    clear_pages(state);
}

fn clear_pages(state: &mut AppState) {
    state.home = HomeState::default();
    state.title = TitleState::default();
    state.ahead = Ahead::default();
    state.search.clear();
    state.library = Default::default();
    state.elsewhere = Elsewhere::default();
    state.history.clear();
}

/// Takes what the service has answered for another profile off the screen. The profile's settings hold again, whatever was
/// changed here before.
fn use_profile(state: &mut AppState, profile: Option<ProfileId>, effects: &mut Vec<Effect>) {
    state.changed_here = Default::default();
    if state.profile == profile {
        return;
    }
    state.profile.clone_from(&profile);
    state.profile_pending = true;
    clear_pages(state);
    state.home.data = Load::Loading;
    effects.push(Effect::Api(Request::UseProfile(profile)));
}
