//! The pages before the sign-in: password, a code for the phone, a new account, a forgotten password.

use kinora_api::{DeviceAuthorization, ErrorCode as Wire, RegisterRequest, ResetPassword};

use super::{AppState, Credentials, Effect, Moment, Notice};
use crate::api::{AccountRequest, Failure, Request};
use crate::qr::QrSquares;

/// Seconds for which a mailed code works.
const MAIL_CODE_LIFETIME: f64 = 900.0;
/// Seconds that [`Wire::SlowDown`] adds to the interval (RFC 8628 §3.5).
const SLOWER_BY: f64 = 5.0;
/// Least and greatest interval between two questions, in seconds, whatever the service says.
const INTERVALS: (f64, f64) = (1.0, 300.0);

/// Page before the sign-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SignInPage {
    /// Address and password.
    #[default]
    Password,
    /// The code that was mailed because the sign-in is unusual; address and password are in the form.
    StepUp,
    /// A code that is allowed on a phone.
    Phone,
    /// A new account: name, address, password.
    Register,
    /// The code that was mailed for the new account.
    RegisterCode,
    /// A forgotten password: the address.
    Forgot,
    /// The code that was mailed, and another password.
    Reset,
}

/// The forms before the sign-in.
#[derive(Clone, Debug, Default)]
pub struct SignInForm {
    /// The page on screen.
    pub page: SignInPage,
    /// Text of the name field.
    pub name: String,
    /// Text of the field for a mailed code.
    pub code: String,
    /// What the e-mail field reads.
    pub email: String,
    /// What the password field reads.
    pub password: String,
    /// The password is shown as it is typed.
    pub shows_password: bool,
    /// An answer is awaited.
    pub busy: bool,
    /// Why it did not work.
    pub error: Option<String>,
    /// Time from which on the service takes another attempt, in seconds of the interface's clock; `None` when it was not
    /// asked too often.
    pub wait_until: Option<f64>,
    /// Time at which the newest code was mailed, in seconds of the interface's clock.
    pub mailed_at: Option<f64>,
    /// The sign-in on a phone.
    pub phone: PhoneSignIn,
}

impl SignInForm {
    /// Returns the line that says why it did not work, and what to do.
    pub fn message(&self, now: f64) -> Option<String> {
        match self.wait_until.map(|until| (until - now).max(0.0).ceil()) {
            Some(left) if left > 0.0 => Some(too_many_attempts(left)),
            Some(_) => Some("You can try again now.".to_owned()),
            None => self.error.clone(),
        }
    }

    /// Takes a refusal: a wait counts down, everything else is a sentence.
    pub(super) fn refuse(&mut self, failure: &Failure, now: f64) {
        self.busy = false;
        self.wait_until = failure.wait_seconds().map(|seconds| now + seconds);
        self.error = self.wait_until.is_none().then(|| self.words(failure, now));
    }

    fn words(&self, failure: &Failure, now: f64) -> String {
        let is_old = self.mailed_at.is_some_and(|at| now - at >= MAIL_CODE_LIFETIME);
        match failure.wire() {
            Some(Wire::CodeInvalid) if is_old => "This code has expired. Ask for another one.".to_owned(),
            Some(Wire::CodeInvalid) => "This code is wrong. Check the newest mail, or ask for another code.".to_owned(),
            Some(Wire::InvalidRequest) if self.page == SignInPage::Register => {
                "Kinora can't use this. Check the address and the name.".to_owned()
            }
            Some(Wire::InvalidRequest) => "This can't be an e-mail address. Check it.".to_owned(),
            _ => failure.for_form(),
        }
    }
}

/// Returns the sentence of a wait of so many seconds.
pub fn too_many_attempts(left: f64) -> String {
    if left < 120.0 {
        format!("Too many attempts. Wait {left:.0} s and try again.")
    } else {
        format!("Too many attempts. Wait {:.0} minutes and try again.", (left / 60.0).ceil())
    }
}

/// Sign-in by a code that is allowed on a phone (RFC 8628).
#[derive(Clone, Debug, Default)]
pub enum PhoneSignIn {
    /// Not begun.
    #[default]
    Idle,
    /// A code is asked for.
    Asking,
    /// The code is on screen.
    Waiting(Box<PhoneCode>),
    /// The code is past its time.
    Expired,
    /// The account's owner said no.
    Denied,
    /// No code could be had; the sentence says why.
    Failed(String),
}

/// Code on screen.
#[derive(Clone, Debug)]
pub struct PhoneCode {
    /// The codes, with absolute addresses.
    pub authorization: DeviceAuthorization,
    /// The address with the code in it, for a phone's camera; `None` when it is too long for one.
    pub squares: Option<QrSquares>,
    /// Seconds between two questions.
    pub interval: f64,
    /// Time of the next question, in seconds of the interface's clock; `None` while one is under way.
    pub next_ask: Option<f64>,
    /// Time at which the code stops working, by the same clock.
    pub expires_at: f64,
}

/// Shows a page before the sign-in.
pub fn show(state: &mut AppState, page: SignInPage, effects: &mut Vec<Effect>) {
    let form = &mut state.sign_in;
    if form.busy {
        return;
    }
    *form = SignInForm {
        page,
        email: std::mem::take(&mut form.email),
        name: std::mem::take(&mut form.name),
        wait_until: form.wait_until,
        ..SignInForm::default()
    };
    if page == SignInPage::Phone {
        begin_code(state, effects);
    }
}

/// Asks for a code for the phone, in place of the one before.
pub fn begin_code(state: &mut AppState, effects: &mut Vec<Effect>) {
    if !matches!(state.sign_in.phone, PhoneSignIn::Asking) {
        state.sign_in.phone = PhoneSignIn::Asking;
        effects.push(Effect::Api(Request::Account(AccountRequest::BeginCode)));
    }
}

/// Takes the codes for the phone.
pub fn on_code(state: &mut AppState, result: Result<DeviceAuthorization, Failure>, now: f64) {
    let form = &mut state.sign_in;
    if !matches!(form.phone, PhoneSignIn::Asking) {
        return;
    }
    form.phone = match result {
        Ok(authorization) => {
            let interval = (authorization.interval as f64).clamp(INTERVALS.0, INTERVALS.1);
            PhoneSignIn::Waiting(Box::new(PhoneCode {
                squares: QrSquares::of(&authorization.verification_uri_complete),
                interval,
                next_ask: Some(now + interval),
                expires_at: now + authorization.expires_in as f64,
                authorization,
            }))
        }
        Err(failure) => PhoneSignIn::Failed(failure.for_form()),
    };
}

/// Takes the answer that a sign-in on a phone is not done.
pub fn on_code_asked(state: &mut AppState, device_code: &kinora_api::Secret, failure: &Failure, now: f64) {
    let form = &mut state.sign_in;
    let PhoneSignIn::Waiting(code) = &mut form.phone else { return };
    if code.authorization.device_code != *device_code {
        return;
    }
    match failure.wire() {
        Some(Wire::AccessDenied) => form.phone = PhoneSignIn::Denied,
        Some(Wire::ExpiredToken) => form.phone = PhoneSignIn::Expired,
        Some(Wire::AuthorizationPending) => code.next_ask = Some(now + code.interval),
        // A service that is away is asked less often too (RFC 8628 §3.5).
        _ => {
            code.interval = (code.interval + SLOWER_BY).min(INTERVALS.1);
            let wait = failure.wait_seconds().unwrap_or(0.0).max(code.interval);
            code.next_ask = Some(now + wait);
        }
    }
}

/// Asks for the outcome when it is time, and notes that the code has expired.
pub fn on_tick(state: &mut AppState, now: f64, effects: &mut Vec<Effect>) {
    let PhoneSignIn::Waiting(code) = &mut state.sign_in.phone else { return };
    if now >= code.expires_at {
        state.sign_in.phone = PhoneSignIn::Expired;
    } else if code.next_ask.is_some_and(|at| now >= at) {
        code.next_ask = None;
        let device_code = code.authorization.device_code.clone();
        effects.push(Effect::Api(Request::Account(AccountRequest::AskCode(device_code))));
    }
}

/// Returns the time at which [`on_tick`] has something to do.
pub fn next_tick(form: &SignInForm) -> Option<f64> {
    let PhoneSignIn::Waiting(code) = &form.phone else { return None };
    Some(code.next_ask.map_or(code.expires_at, |at| at.min(code.expires_at)))
}

/// Sends the page's form, or says what is missing.
pub fn submit(state: &mut AppState, moment: &Moment, effects: &mut Vec<Effect>) {
    let form = &mut state.sign_in;
    if form.busy || form.wait_until.is_some_and(|until| until > moment.now) {
        return;
    }
    form.wait_until = None;
    form.error = missing(form).map(str::to_owned);
    if form.error.is_some() {
        return;
    }
    form.busy = true;
    form.shows_password = false;
    // The text stays until the answer: after a slip of the finger one letter is mended, not everything typed again.
    let (email, password) = (form.email.trim().to_owned(), form.password.clone().into());
    let code = form.code.trim().into();
    let request = match form.page {
        SignInPage::Password => {
            Request::SignIn { credentials: Credentials { email, password, code: None }, patient: false }
        }
        SignInPage::StepUp => {
            Request::SignIn { credentials: Credentials { email, password, code: Some(code) }, patient: false }
        }
        SignInPage::Phone => {
            form.busy = false;
            return;
        }
        SignInPage::Register => Request::Account(registration(form)),
        SignInPage::RegisterCode => Request::Account(AccountRequest::ConfirmRegistration { email, code }),
        SignInPage::Forgot => Request::Account(AccountRequest::Forgot(email)),
        SignInPage::Reset => Request::Account(AccountRequest::Reset(ResetPassword { email, code, password })),
    };
    effects.push(Effect::Api(request));
}

fn registration(form: &SignInForm) -> AccountRequest {
    let name = form.name.trim();
    AccountRequest::Register(RegisterRequest {
        email: form.email.trim().to_owned(),
        password: form.password.clone().into(),
        display_name: (!name.is_empty()).then(|| name.to_owned()),
    })
}

/// Returns the sentence about the first field that lacks something.
fn missing(form: &SignInForm) -> Option<&'static str> {
    let email = form.email.trim();
    let no_email = email.is_empty().then_some("Enter your e-mail address.");
    let no_password = form.password.is_empty().then_some("Enter your password.");
    let odd_email = (!looks_like_address(email)).then_some("This can't be an e-mail address. Check it.");
    let no_new = form.password.is_empty().then_some("Choose a password.");
    let no_code = form.code.trim().is_empty().then_some("Enter the code from the mail.");
    match form.page {
        SignInPage::Password => no_email.or(no_password),
        SignInPage::Phone => None,
        SignInPage::Register => no_email.or(odd_email).or(no_new),
        SignInPage::StepUp | SignInPage::RegisterCode => no_code,
        SignInPage::Forgot => no_email.or(odd_email),
        SignInPage::Reset => no_code.or(no_new),
    }
}

/// Returns true if a mail could be sent there. The service decides; this spares a question.
pub fn looks_like_address(email: &str) -> bool {
    let parts = email.trim().split_once('@');
    parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !email.contains(char::is_whitespace))
}

/// Takes the refusal of a sign-in. One that is unusual goes on with the code that is in the mail.
pub fn on_refused(state: &mut AppState, failure: &Failure, moment: &Moment) {
    let form = &mut state.sign_in;
    if failure.wire() != Some(Wire::StepUpRequired) {
        return form.refuse(failure, moment.now);
    }
    if form.page == SignInPage::StepUp {
        state.notice = Some(Notice { text: "Another code is in the mail.".to_owned(), since: moment.now });
    }
    let form = &mut state.sign_in;
    *form = SignInForm {
        page: SignInPage::StepUp,
        email: std::mem::take(&mut form.email),
        password: std::mem::take(&mut form.password),
        mailed_at: Some(moment.now),
        ..SignInForm::default()
    };
}

/// Asks for another mailed code.
pub fn send_again(state: &mut AppState, moment: &Moment, effects: &mut Vec<Effect>) {
    let form = &mut state.sign_in;
    if form.busy || form.wait_until.is_some_and(|until| until > moment.now) {
        return;
    }
    let email = form.email.trim().to_owned();
    let request = match form.page {
        // The password of the form is needed once more.
        SignInPage::RegisterCode => Request::Account(registration(form)),
        SignInPage::Reset => Request::Account(AccountRequest::Forgot(email)),
        // A sign-in without a code has one mailed.
        SignInPage::StepUp => {
            let password = form.password.clone().into();
            Request::SignIn { credentials: Credentials { email, password, code: None }, patient: false }
        }
        _ => return,
    };
    (form.busy, form.error, form.wait_until) = (true, None, None);
    effects.push(Effect::Api(request));
}

/// Takes the answer to a wish for a code by mail.
pub fn on_mailed(state: &mut AppState, result: Result<(), Failure>, moment: &Moment) {
    let form = &mut state.sign_in;
    if !form.busy {
        // The form was left meanwhile.
        return;
    }
    if let Err(failure) = &result {
        return form.refuse(failure, moment.now);
    }
    form.busy = false;
    form.mailed_at = Some(moment.now);
    match form.page {
        SignInPage::Register => form.page = SignInPage::RegisterCode,
        SignInPage::Forgot => form.page = SignInPage::Reset,
        _ => {
            form.code.clear();
            state.notice = Some(Notice { text: "Another code is in the mail.".to_owned(), since: moment.now });
        }
    }
}
