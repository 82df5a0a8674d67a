//! The account page, and what the pages about profiles and devices share.

use kinora_api::{Account, Device};

use super::dialog::{self, Dialog};
use super::pages::visit;
use super::profile_editor::{self, ProfileEditor};
use super::{AppState, Effect, Load, Moment, Notice, Problem, Route, confirmation, profiles, sign_in};
use crate::api::{AccountReply, AccountRequest, Request, Told};
use crate::command::AccountCommand;

/// State of the pages about the account.
#[derive(Clone, Debug, Default)]
pub struct AccountPages {
    /// A press on a profile changes it instead of going on with it.
    pub edits_profiles: bool,
    /// The profile that is made or changed.
    pub editor: Option<ProfileEditor>,
    /// The devices that are signed in.
    pub devices: Load<Vec<Device>>,
    /// The dialog on screen.
    pub dialog: Option<Dialog>,
}

/// Carries out a wish about the account.
pub fn on_command(state: &mut AppState, command: AccountCommand, moment: &Moment, effects: &mut Vec<Effect>) {
    match command {
        AccountCommand::ShowSignIn(page) => sign_in::show(state, page, effects),
        AccountCommand::EditName(name) => state.sign_in.name = name,
        AccountCommand::EditCode(code) => state.sign_in.code = code,
        AccountCommand::SendAgain => sign_in::send_again(state, moment, effects),
        AccountCommand::NewCode => sign_in::begin_code(state, effects),
        AccountCommand::Open => open(state, effects),
        AccountCommand::EditProfiles(edits) => state.accounts.edits_profiles = edits,
        AccountCommand::NewProfile => profile_editor::open(state, None),
        AccountCommand::EditProfile(id) => profile_editor::open(state, Some(id)),
        AccountCommand::ChangeProfile(draft) => profile_editor::change(state, *draft),
        AccountCommand::SaveProfile => profile_editor::save(state, effects),
        AccountCommand::LeaveProfile => profile_editor::leave(state),
        AccountCommand::Ask(kind) => dialog::open(state, kind),
        AccountCommand::EditField(index, text) => dialog::edit(state, index, text),
        AccountCommand::ShowPasswords(shown) => {
            if let Some(dialog) = &mut state.accounts.dialog {
                dialog.shows_passwords = shown;
            }
        }
        AccountCommand::Digit(digit) => dialog::press_digit(state, Some(digit)),
        AccountCommand::EraseDigit => dialog::press_digit(state, None),
        AccountCommand::Confirm => confirmation::confirm(state, moment, effects),
        AccountCommand::Cancel => dialog::cancel(state),
    }
}

fn open(state: &mut AppState, effects: &mut Vec<Effect>) {
    if state.account.is_none() || matches!(state.route, Route::Account | Route::Player) {
        return;
    }
    state.settings_open = false;
    if state.accounts.devices.ready().is_none() {
        state.accounts.devices = Load::Loading;
    }
    visit(state, Route::Account);
    effects.push(Effect::Api(Request::Account(AccountRequest::Describe)));
    effects.push(Effect::Api(Request::Account(AccountRequest::Devices)));
}

/// Takes an answer about the account.
pub fn on_reply(state: &mut AppState, reply: AccountReply, moment: &Moment, effects: &mut Vec<Effect>) {
    match reply {
        AccountReply::CodeBegun(result) => sign_in::on_code(state, result, moment.now),
        AccountReply::CodeAsked(code, failure) => sign_in::on_code_asked(state, &code, &failure, moment.now),
        AccountReply::Told(Told::CodeMailed, result) => sign_in::on_mailed(state, result, moment),
        // An answer of a sign-in that has ended meanwhile concerns nobody.
        _ if state.account.is_none() => {}
        AccountReply::Described(Ok(account)) => on_described(state, account, effects),
        AccountReply::Described(Err(failure)) => {
            tracing::info!(error = %failure.error, "the account could not be described anew");
        }
        AccountReply::Entered(id, result) => confirmation::on_entered(state, &id, &result, moment, effects),
        AccountReply::ProfileSaved(result) => profile_editor::on_saved(state, result, moment, effects),
        AccountReply::Devices(result) => match result {
            Ok(devices) => state.accounts.devices = Load::Ready(devices),
            Err(failure) if state.accounts.devices.ready().is_none() => {
                state.accounts.devices = Load::Failed(Problem::of_failure(&failure));
            }
            Err(_) => {}
        },
        AccountReply::Told(told, result) => confirmation::on_told(state, told, result, moment, effects),
    }
}

/// Forgets an account that was erased. Called once its pages have gone.
pub fn on_erased(state: &mut AppState, moment: &Moment, effects: &mut Vec<Effect>) {
    state.sign_in.email.clear();
    state.settings.last_email.clear();
    effects.push(Effect::SaveSettings(state.settings.clone()));
    state.notice = Some(Notice { text: "Your account was erased.".to_owned(), since: moment.now });
}

/// Takes the account as it is now. A profile that was locked or deleted on another device is no longer watched.
fn on_described(state: &mut AppState, account: Account, effects: &mut Vec<Effect>) {
    let Some(known) = &mut state.account else { return };
    if known.id != account.id {
        return;
    }
    if state.settings.last_email == known.email && known.email != account.email {
        state.settings.last_email.clone_from(&account.email);
        effects.push(Effect::SaveSettings(state.settings.clone()));
    }
    *known = account;
    profiles::check_watching(state);
}
