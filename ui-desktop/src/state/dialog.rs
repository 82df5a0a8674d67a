//! Dialogs about the account: the PIN pad, questions, and small forms. One is open at a time.

use kinora_api::{ErrorCode as Wire, ProfileId, Secret, SignInId};

use super::sign_in::{looks_like_address, too_many_attempts};
use super::{AppState, Moment, Notice};
use crate::api::Failure;

/// Least and greatest number of digits of a PIN.
pub const PIN_LENGTH: (usize, usize) = (4, 8);

/// Subject of a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialogKind {
    /// The PIN for a profile that is to watch.
    Enter(ProfileId),
    /// The PIN for the changes of a profile.
    SaveProfile,
    /// A profile is to be deleted.
    DeleteProfile(ProfileId),
    /// The PIN for that.
    DeleteWithPin(ProfileId),
    /// A device is to be signed out.
    SignOutDevice(SignInId),
    /// Another password.
    ChangePassword,
    /// Another address.
    ChangeEmail,
    /// The code that was mailed to it.
    ConfirmEmail,
    /// A PIN, or another one.
    SetPin,
    /// No PIN any more.
    RemovePin,
    /// The account is to be erased.
    Erase,
}

/// Content of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldContent {
    /// An e-mail address or a code.
    Plain,
    /// A password.
    Password,
    /// Digits that are hidden as a password is.
    Pin,
}

/// Field of a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldSpec {
    /// Its name.
    pub label: &'static str,
    /// What it takes.
    pub content: FieldContent,
}

const fn field(label: &'static str, content: FieldContent) -> FieldSpec {
    FieldSpec { label, content }
}

impl DialogKind {
    /// Returns true for the PIN pad.
    pub const fn is_pad(&self) -> bool {
        matches!(self, Self::Enter(_) | Self::SaveProfile | Self::DeleteWithPin(_))
    }

    /// Returns the fields of its form, from the top.
    pub const fn fields(&self) -> &'static [FieldSpec] {
        const PASSWORD: FieldSpec = field("Password", FieldContent::Password);
        match self {
            Self::ChangePassword => {
                const { &[field("Present password", FieldContent::Password), field("New password", FieldContent::Password)] }
            }
            Self::ChangeEmail => const { &[field("New e-mail", FieldContent::Plain), PASSWORD] },
            Self::ConfirmEmail => const { &[field("Code from the mail", FieldContent::Plain)] },
            Self::SetPin => const { &[field("New PIN, 4 to 8 digits", FieldContent::Pin), PASSWORD] },
            Self::RemovePin | Self::Erase => const { &[PASSWORD] },
            Self::Enter(_)
            | Self::SaveProfile
            | Self::DeleteProfile(_)
            | Self::DeleteWithPin(_)
            | Self::SignOutDevice(_) => &[],
        }
    }
}

/// Dialog on screen.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// Its subject.
    pub kind: DialogKind,
    /// Texts of its fields.
    pub fields: Vec<String>,
    /// Digits of the PIN pad.
    pub pin: String,
    /// Passwords are shown as they are typed.
    pub shows_passwords: bool,
    /// An answer is awaited.
    pub busy: bool,
    /// Why it did not work.
    pub error: Option<String>,
    /// Time from which on the service takes another attempt, in seconds of the interface's clock.
    pub wait_until: Option<f64>,
}

impl Dialog {
    fn new(kind: DialogKind) -> Self {
        let fields = vec![String::new(); kind.fields().len()];
        Self { kind, fields, pin: String::new(), shows_passwords: false, busy: false, error: None, wait_until: None }
    }

    /// Returns the line that says why it did not work.
    pub fn message(&self, now: f64) -> Option<String> {
        match self.wait_until.map(|until| (until - now).max(0.0).ceil()) {
            Some(left) if left > 0.0 => Some(too_many_attempts(left)),
            Some(_) => Some("You can try again now.".to_owned()),
            None => self.error.clone(),
        }
    }

    /// Returns the text of a field, counted from 0.
    pub(super) fn text(&self, index: usize) -> &str {
        self.fields.get(index).map_or("", String::as_str)
    }

    /// Returns the text of a field as a secret.
    pub(super) fn secret(&self, index: usize) -> Secret {
        self.text(index).into()
    }

    fn refuse(&mut self, failure: &Failure, now: f64) {
        self.busy = false;
        self.pin.clear();
        self.wait_until = failure.wait_seconds().map(|seconds| now + seconds);
        let words = match failure.wire() {
            Some(Wire::NotAuthorised) if self.kind.is_pad() => "This PIN is wrong. Try again.".to_owned(),
            Some(Wire::NotAuthorised) => "The password is wrong.".to_owned(),
            Some(Wire::CodeInvalid) => {
                "This code is wrong or has expired. Check the newest mail, or begin again.".to_owned()
            }
            Some(Wire::InvalidRequest) if self.kind == DialogKind::ChangeEmail => {
                "This can't be an e-mail address. Check it.".to_owned()
            }
            _ => failure.for_form(),
        };
        self.error = self.wait_until.is_none().then_some(words);
    }
}

/// Opens a dialog.
pub fn open(state: &mut AppState, kind: DialogKind) {
    state.settings_open = false;
    state.accounts.dialog = Some(Dialog::new(kind));
}

/// Puts a text into a field. A PIN takes digits only.
pub fn edit(state: &mut AppState, index: usize, text: String) {
    let Some(dialog) = state.accounts.dialog.as_mut().filter(|dialog| !dialog.busy) else { return };
    let is_pin = dialog.kind.fields().get(index).is_some_and(|field| field.content == FieldContent::Pin);
    if let Some(field) = dialog.fields.get_mut(index) {
        *field = if is_pin { digits(&text) } else { text };
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).take(PIN_LENGTH.1).collect()
}

/// Adds a digit to the PIN, or takes the last one away.
pub fn press_digit(state: &mut AppState, digit: Option<u8>) {
    let Some(dialog) = state.accounts.dialog.as_mut().filter(|dialog| dialog.kind.is_pad() && !dialog.busy) else {
        return;
    };
    dialog.error = None;
    match digit {
        Some(digit) if dialog.pin.len() < PIN_LENGTH.1 => dialog.pin.push(char::from(b'0' + digit.min(9))),
        Some(_) => {}
        None => drop(dialog.pin.pop()),
    }
}

/// Returns the sentence about the first thing that is missing.
pub fn missing(dialog: &Dialog) -> Option<&'static str> {
    const SHORT: &str = "A PIN has at least four digits.";
    if dialog.kind.is_pad() {
        return (dialog.pin.len() < PIN_LENGTH.0).then_some(SHORT);
    }
    if dialog.kind == DialogKind::ChangeEmail && !looks_like_address(dialog.text(0)) {
        return Some("Enter the new e-mail address.");
    }
    if dialog.kind == DialogKind::SetPin && dialog.text(0).len() < PIN_LENGTH.0 {
        return Some(SHORT);
    }
    dialog.fields.iter().any(|text| text.trim().is_empty()).then_some("Fill in every field.")
}

/// Takes the refusal of what the dialog is about.
pub fn refuse(state: &mut AppState, failure: &Failure, moment: &Moment) {
    match &mut state.accounts.dialog {
        Some(dialog) => dialog.refuse(failure, moment.now),
        None => state.notice = Some(Notice { text: failure.for_form(), since: moment.now }),
    }
}

/// Closes the dialog. Without a profile that may watch, the page that asks who watches stays.
pub fn cancel(state: &mut AppState) {
    state.accounts.dialog = None;
}
