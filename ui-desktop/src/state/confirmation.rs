//! Carries out what a dialog is about, and takes the answers.

use kinora_api::{Authority, ChangeEmail, ChangePassword, PinRequest, ProfileId, Secret};

use super::dialog::{DialogKind, missing, open, refuse};
use super::{AppState, Effect, Load, Moment, Notice, profile_editor, profiles, watching};
use crate::api::{AccountRequest, Failure, Request, Told};

/// Carries out what the dialog is about, or says what is missing.
pub fn confirm(state: &mut AppState, moment: &Moment, effects: &mut Vec<Effect>) {
    let has_pin = state.account.as_ref().is_some_and(|account| account.has_pin);
    let Some(dialog) = &mut state.accounts.dialog else { return };
    if dialog.busy || dialog.wait_until.is_some_and(|until| until > moment.now) {
        return;
    }
    dialog.wait_until = None;
    dialog.error = missing(dialog).map(str::to_owned);
    if dialog.error.is_some() {
        return;
    }
    let pin = Secret::from(dialog.pin.as_str());
    let authority = dialog.kind.is_pad().then(|| Authority::Pin(pin.clone()));
    let request = match &dialog.kind {
        DialogKind::Enter(id) => AccountRequest::Enter { id: id.clone(), pin: Some(pin) },
        DialogKind::SaveProfile => {
            dialog.busy = true;
            return profile_editor::send(state, authority, effects);
        }
        DialogKind::DeleteProfile(id) if has_pin => {
            let kind = DialogKind::DeleteWithPin(id.clone());
            return open(state, kind);
        }
        DialogKind::DeleteProfile(id) | DialogKind::DeleteWithPin(id) => {
            AccountRequest::DeleteProfile { id: id.clone(), authority }
        }
        DialogKind::SignOutDevice(id) => AccountRequest::SignOutDevice(id.clone()),
        DialogKind::ChangePassword => {
            AccountRequest::ChangePassword(ChangePassword { present: dialog.secret(0), new: dialog.secret(1) })
        }
        DialogKind::ChangeEmail => {
            let email = dialog.text(0).trim().to_owned();
            AccountRequest::ChangeEmail(ChangeEmail { email, password: dialog.secret(1) })
        }
        DialogKind::ConfirmEmail => AccountRequest::ConfirmEmail(dialog.text(0).trim().into()),
        DialogKind::SetPin => {
            AccountRequest::SetPin(PinRequest { pin: Some(dialog.secret(0)), password: dialog.secret(1) })
        }
        DialogKind::RemovePin => AccountRequest::SetPin(PinRequest { pin: None, password: dialog.secret(0) }),
        DialogKind::Erase => AccountRequest::Erase(dialog.secret(0)),
    };
    dialog.busy = true;
    dialog.shows_passwords = false;
    effects.push(Effect::Api(Request::Account(request)));
}

/// Takes the answer to a wish of a dialog.
pub fn on_told(
    state: &mut AppState,
    told: Told,
    result: Result<(), Failure>,
    moment: &Moment,
    effects: &mut Vec<Effect>,
) {
    if let Err(failure) = &result {
        refuse(state, failure, moment);
        return;
    }
    let dialog = state.accounts.dialog.take();
    let mut say = |text: &str| state.notice = Some(Notice { text: text.to_owned(), since: moment.now });
    match told {
        Told::CodeMailed | Told::Erased => {}
        Told::ProfileDeleted(id) => {
            say("The profile was deleted.");
            profile_editor::on_deleted(state, &id, effects);
        }
        Told::PinSet => {
            let pin = dialog.filter(|dialog| dialog.kind == DialogKind::SetPin).map(|dialog| dialog.secret(0));
            say(if pin.is_some() { "The PIN was set." } else { "The PIN was removed." });
            // The service locks all profiles anew: whoever knows the password goes on without a question.
            let id = watching(state).map(|profile| profile.id.clone());
            let enter = id.filter(|_| pin.is_some()).map(|id| AccountRequest::Enter { id, pin });
            effects.push(Effect::Api(Request::Account(enter.unwrap_or(AccountRequest::Describe))));
        }
        Told::DeviceSignedOut(id) => {
            if let Load::Ready(devices) = &mut state.accounts.devices {
                devices.retain(|device| device.id != id);
            }
        }
        Told::PasswordChanged => {
            say("Your password was changed. All other devices were signed out.");
            effects.push(Effect::Api(Request::Account(AccountRequest::Devices)));
        }
        Told::EmailAsked => open(state, DialogKind::ConfirmEmail),
        Told::EmailChanged => {
            say("Your e-mail address was changed.");
            effects.push(Effect::Api(Request::Account(AccountRequest::Describe)));
        }
    }
}

/// Takes the answer to a PIN: goes on with the profile, or says why not.
pub fn on_entered(
    state: &mut AppState,
    id: &ProfileId,
    result: &Result<kinora_api::Profile, Failure>,
    moment: &Moment,
    effects: &mut Vec<Effect>,
) {
    let waits = matches!(&state.accounts.dialog, Some(dialog) if dialog.kind == DialogKind::Enter(id.clone()));
    match result {
        Ok(_) => {
            if waits {
                state.accounts.dialog = None;
                profiles::go_on(state, id, effects);
            }
            effects.push(Effect::Api(Request::Account(AccountRequest::Describe)));
        }
        Err(failure) if waits => refuse(state, failure, moment),
        Err(failure) => tracing::warn!(error = %failure.error, "a profile could not be entered"),
    }
}
