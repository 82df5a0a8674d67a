//! The page on which a profile is made or changed.

use kinora_api::{Account, Authority, ErrorCode as Wire, Profile, ProfileId, ProfileRequest};

use super::dialog::{self, DialogKind};
use super::pages::visit;
use super::{AppState, Effect, Moment, Route, profiles, watching};
use crate::api::{AccountRequest, Failure, Request};

/// Maximum number of profiles of an account.
pub const MAX_PROFILES: usize = 5;
/// Maximum number of characters of a name.
pub const MAX_NAME: usize = 40;

/// Profile that is made or changed.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileEditor {
    /// The profile; `None` while one is made.
    pub id: Option<ProfileId>,
    /// Its settings as they are on the page.
    pub draft: ProfileRequest,
    /// An answer is awaited.
    pub busy: bool,
    /// Why it did not work.
    pub error: Option<String>,
}

/// Returns the settings of a profile.
fn settings(profile: &Profile) -> ProfileRequest {
    ProfileRequest {
        name: profile.name.clone(),
        max_age: profile.max_age,
        language: profile.language.clone(),
        avatar: profile.avatar.clone(),
        subtitle_style: profile.subtitle_style,
        data_saver: profile.data_saver,
        authority: None,
    }
}

/// Opens the page for a profile of the account, or for a new one.
pub fn open(state: &mut AppState, id: Option<ProfileId>) {
    let Some(account) = &state.account else { return };
    let draft = match &id {
        Some(id) => account.profiles.iter().find(|profile| profile.id == *id).map(settings),
        None if account.profiles.len() < MAX_PROFILES => {
            let free =
                |avatar: &&&str| !account.profiles.iter().any(|profile| profile.avatar.as_deref() == Some(**avatar));
            let avatar = kinora_api::AVATARS.iter().find(free).map(|avatar| (*avatar).to_owned());
            Some(ProfileRequest { avatar, ..ProfileRequest::default() })
        }
        None => None,
    };
    let Some(draft) = draft else { return };
    state.accounts.editor = Some(ProfileEditor { id, draft, busy: false, error: None });
    visit(state, Route::EditProfile);
}

/// Takes a change on the page.
pub fn change(state: &mut AppState, draft: ProfileRequest) {
    if let Some(editor) = state.accounts.editor.as_mut().filter(|editor| !editor.busy) {
        editor.draft = draft;
    }
}

/// Returns true when the service wants the PIN for what is on the page.
fn needs_pin(account: &Account, editor: &ProfileEditor) -> bool {
    let before = editor.id.as_ref().and_then(|id| account.profiles.iter().find(|profile| profile.id == *id));
    account.has_pin && before.is_none_or(|before| before.locked || before.max_age != editor.draft.max_age)
}

/// Saves what is on the page, after the PIN when one is needed.
pub fn save(state: &mut AppState, effects: &mut Vec<Effect>) {
    let (Some(account), Some(editor)) = (&state.account, &mut state.accounts.editor) else { return };
    if editor.busy {
        return;
    }
    editor.error = editor.draft.name.trim().is_empty().then(|| "Enter a name.".to_owned());
    if editor.error.is_some() {
        return;
    }
    if needs_pin(account, editor) {
        dialog::open(state, DialogKind::SaveProfile);
    } else {
        send(state, None, effects);
    }
}

/// Sends what is on the page.
pub fn send(state: &mut AppState, authority: Option<Authority>, effects: &mut Vec<Effect>) {
    let Some(editor) = &mut state.accounts.editor else { return };
    editor.busy = true;
    let settings = ProfileRequest { authority, name: editor.draft.name.trim().to_owned(), ..editor.draft.clone() };
    let request = AccountRequest::SaveProfile { id: editor.id.clone(), settings };
    effects.push(Effect::Api(Request::Account(request)));
}

/// Takes the answer to [`send`].
pub fn on_saved(state: &mut AppState, result: Result<Profile, Failure>, moment: &Moment, effects: &mut Vec<Effect>) {
    let Some(editor) = &mut state.accounts.editor else { return };
    editor.busy = false;
    match result {
        Ok(profile) => {
            let is_watching = watching(state).is_some_and(|watching| watching.id == profile.id);
            state.accounts.dialog = None;
            take(state, profile);
            leave(state);
            effects.push(Effect::Api(Request::Account(AccountRequest::Describe)));
            if is_watching && state.home.data.ready().is_some() {
                // Another age limit shows other titles.
                effects.push(Effect::Api(Request::Home));
            }
        }
        Err(failure) => {
            let of_pin = matches!(failure.wire(), Some(Wire::NotAuthorised | Wire::TooManyAttempts));
            if of_pin && state.accounts.dialog.is_some() {
                dialog::refuse(state, &failure, moment);
                return;
            }
            state.accounts.dialog = None;
            if let Some(editor) = &mut state.accounts.editor {
                editor.error = Some(match failure.wire() {
                    Some(Wire::ProfileLimit) => "Your account has five profiles already. Delete one first.".to_owned(),
                    Some(Wire::InvalidRequest) => "Kinora can't use this name. Choose another one.".to_owned(),
                    _ => failure.for_form(),
                });
            }
        }
    }
}

/// Puts a profile into the account at once; the service describes the whole account a moment later.
fn take(state: &mut AppState, profile: Profile) {
    let Some(account) = &mut state.account else { return };
    match account.profiles.iter_mut().find(|known| known.id == profile.id) {
        Some(known) => *known = profile,
        None => account.profiles.push(profile),
    }
}

/// Leaves the page.
pub fn leave(state: &mut AppState) {
    state.accounts.editor = None;
    if state.route == Route::EditProfile {
        state.route = state.history.pop().unwrap_or(Route::Profiles);
    }
}

/// Takes a deleted profile out of the account. The one that watched is followed by a question.
pub fn on_deleted(state: &mut AppState, id: &ProfileId, effects: &mut Vec<Effect>) {
    let was_watching = watching(state).is_some_and(|watching| watching.id == *id);
    if let Some(account) = &mut state.account {
        account.profiles.retain(|profile| profile.id != *id);
    }
    leave(state);
    if was_watching {
        profiles::forget_watching(state);
        profiles::ask(state);
    }
    effects.push(Effect::Api(Request::Account(AccountRequest::Describe)));
}
