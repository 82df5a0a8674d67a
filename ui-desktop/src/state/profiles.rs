//! Who watches: the account's profiles, and the one that was chosen.
//!
//! The service knows names and age limits and no PIN; it shows each profile the titles that its age permits.

use kinora_api::{Account, Profile, ProfileId};

use super::{Ahead, AppState, Changed, Effect, Elsewhere, HomeState, Library, Load, Route, TitleState, outage};
use crate::api::Request;
use crate::state::pages::to_home;

/// Maximum accounts whose choice is remembered; the first by id goes first.
const MAX_REMEMBERED: usize = 32;

/// Returns the profile that watches: the chosen one, else the account's default.
pub fn watching(state: &AppState) -> Option<&Profile> {
    let profiles = &state.account.as_ref()?.profiles;
    let chosen = profiles.iter().find(|profile| Some(&profile.id) == state.profile.as_ref());
    chosen.or_else(|| profiles.first())
}

/// Takes the account and goes on with the profile that was chosen last on this device.
pub fn choose_remembered(state: &mut AppState, account: Account, effects: &mut Vec<Effect>) {
    let remembered = state.settings.profiles.get(account.id.as_str()).cloned();
    let is_other = |id: &ProfileId| account.profiles.iter().skip(1).any(|profile| profile.id == *id);
    let profile = remembered.filter(is_other);
    state.account = Some(account);
    use_profile(state, profile, effects);
}

/// Returns true when the viewer should be asked who watches: there is a choice, and none was made on this device.
pub fn must_ask(state: &AppState) -> bool {
    state
        .account
        .as_ref()
        .is_some_and(|account| account.profiles.len() > 1 && !state.settings.profiles.contains_key(account.id.as_str()))
}

/// Shows the page that asks who watches.
pub fn ask(state: &mut AppState) {
    if state.account.is_some() && state.route != Route::Player {
        state.settings_open = false;
        state.history.clear();
        state.route = Route::Profiles;
    }
}

/// Goes on with a profile that the viewer chose, and remembers it for the next start.
pub fn choose(state: &mut AppState, id: &ProfileId, effects: &mut Vec<Effect>) {
    let Some(account) = &state.account else { return };
    let Some(index) = account.profiles.iter().position(|profile| profile.id == *id) else { return };
    let profile = (index > 0).then(|| id.clone());
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

/// Takes what the service has answered for another profile off the screen. The profile's settings hold again, whatever was
/// changed here before.
fn use_profile(state: &mut AppState, profile: Option<ProfileId>, effects: &mut Vec<Effect>) {
    state.changed_here = Changed::default();
    if state.profile == profile {
        return;
    }
    state.profile.clone_from(&profile);
    state.profile_pending = true;
    state.home = HomeState { data: Load::Loading, ..HomeState::default() };
    state.title = TitleState::default();
    state.ahead = Ahead::default();
    state.search.clear();
    state.library = Library::default();
    state.elsewhere = Elsewhere::default();
    state.history.clear();
    effects.push(Effect::Api(Request::UseProfile(profile)));
}
