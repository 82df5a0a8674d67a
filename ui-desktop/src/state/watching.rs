//! The profile that watches.

use kinora_api::Profile;

use super::AppState;

/// Returns the profile that watches: the chosen one, else the account's default.
pub fn watching(state: &AppState) -> Option<&Profile> {
    let profiles = &state.account.as_ref()?.profiles;
    let chosen = profiles.iter().find(|profile| Some(&profile.id) == state.profile.as_ref());
    chosen.or_else(|| profiles.first())
}
