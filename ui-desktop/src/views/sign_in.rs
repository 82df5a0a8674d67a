//! The forms before the sign-in: address and password, a new account, a forgotten password.

use egui::{Align, Layout, Rect, Ui, pos2, vec2};

use super::form::{Content, card, field, message, wide_button};
use super::{View, sign_in_phone};
use crate::command::{AccountCommand, UiCommand};
use crate::navigation;
use crate::state::{MAX_NAME, SignInForm, SignInPage};
use crate::theme::tokens::{color, size, space, text};
use crate::widgets::{
    Line, Prominence, body, elided, gradient_vertical, heading, paint_strong, select_all, spinner, text_button,
    wordmark,
};

/// Guess of the height of a form before it was drawn once.
const FORM_HEIGHT: f32 = 470.0;
/// Maximum number of characters of an address, a password or a code.
const LIMIT: usize = 256;

/// Draws the page in the middle of the window.
pub fn show(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let page = ui.max_rect();
    let form = &view.state.sign_in;
    let glow = page.with_max_y(page.top() + page.height() * 0.75);
    gradient_vertical(ui.painter(), glow, color::ACCENT.gamma_multiply(0.10), color::ACCENT.gamma_multiply(0.0));
    let id = ui.scope_id().with(("sign-in", form.page));
    let width = if form.page == SignInPage::Phone { sign_in_phone::WIDTH } else { size::SIGN_IN_CARD };
    let card = card(ui, page, width, FORM_HEIGHT, id, |ui| match form.page {
        SignInPage::Phone => sign_in_phone::show(ui, view, out),
        _ => fields(ui, view, out),
    });
    surroundings(ui, page, card, view.state.notice.is_some());
    let escaped = ui.input(|input| input.key_pressed(egui::Key::Escape));
    if form.page != SignInPage::Password && escaped {
        out.push(UiCommand::Account(AccountCommand::ShowSignIn(SignInPage::Password)));
    }
}

/// Words of a page: heading, hint, name of its button, and of the button while an answer is awaited.
fn words(form: &SignInForm) -> (&'static str, String, &'static str, &'static str) {
    let email = form.email.trim();
    match form.page {
        SignInPage::Password | SignInPage::Phone => {
            ("Sign in", "to watch where you left off, on any device.".to_owned(), "Sign in", "Signing in…")
        }
        SignInPage::StepUp => {
            let hint = format!(
                "This sign-in is unusual, so we mailed a code to {email}. It works for 15 minutes. If it wasn't you who asked, \
                 change the password."
            );
            ("Is it you?", hint, "Sign in", "Signing in…")
        }
        SignInPage::Register => {
            ("Create an account", "We mail you a code to prove the address.".to_owned(), "Continue", "One moment…")
        }
        SignInPage::RegisterCode => {
            let hint = format!(
                "It is on its way to {email} and works for 15 minutes. If that address has an account already, the mail says \
                 so: sign in then."
            );
            ("Enter the code", hint, "Create account", "One moment…")
        }
        SignInPage::Forgot => (
            "Forgot your password?",
            "We mail you a code to choose another one.".to_owned(),
            "Send code",
            "One moment…",
        ),
        SignInPage::Reset => {
            let hint = format!(
                "If {email} has an account, a code is in the mail. It works for 15 minutes. The new password signs all devices \
                 out."
            );
            ("Choose a password", hint, "Set password", "One moment…")
        }
    }
}

fn fields(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let form = &view.state.sign_in;
    let (title, hint, action, acting) = words(form);
    ui.spacing_mut().item_spacing.y = space::XS;
    heading(ui, title, text::TITLE);
    ui.add_space(space::XS);
    let faint = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 5, width: ui.available_width() };
    body(ui, &hint, faint);
    ui.add_space(space::M);
    let mut submit = false;
    ui.add_enabled_ui(!form.busy, |ui| submit = texts(ui, form, out));
    ui.add_space(space::XS);
    message(ui, form.message(view.now).as_deref(), true);
    if form.wait_until.is_some_and(|until| until > view.now) {
        // The countdown moves by whole seconds.
        ui.ctx().request_repaint_after_secs(0.5);
    }
    let label = if form.busy { acting } else { action };
    let button = wide_button(ui, Prominence::Primary, label, !form.busy);
    if form.busy {
        let place = button.rect.right_center() - vec2(space::XL, 0.0);
        spinner(ui.painter(), place, 9.0, color::ON_ACCENT, view.now);
        ui.ctx().request_repaint();
    }
    if submit || button.clicked() {
        out.push(UiCommand::SignIn);
    }
    links(ui, form, out);
}

/// Draws the fields of the page; returns true when Enter was pressed in one.
fn texts(ui: &mut Ui, form: &SignInForm, out: &mut Vec<UiCommand>) -> bool {
    let page = form.page;
    let mut drawn = Vec::new();
    if page == SignInPage::Register {
        let name = field(ui, "Your name", &form.name, Content::Plain, MAX_NAME);
        out.extend(name.edited.clone().map(|text| UiCommand::Account(AccountCommand::EditName(text))));
        drawn.push((name, form.name.as_str()));
        ui.add_space(space::S);
    }
    if matches!(page, SignInPage::StepUp | SignInPage::RegisterCode | SignInPage::Reset) {
        let code = field(ui, "Code from the mail", &form.code, Content::Plain, LIMIT);
        out.extend(code.edited.clone().map(|text| UiCommand::Account(AccountCommand::EditCode(text))));
        drawn.push((code, form.code.as_str()));
    } else {
        let email = field(ui, "E-mail", &form.email, Content::Plain, LIMIT);
        out.extend(email.edited.clone().map(UiCommand::EditEmail));
        drawn.push((email, form.email.as_str()));
    }
    let name = match page {
        SignInPage::Password => Some("Password"),
        SignInPage::Register => Some("Password"),
        SignInPage::Reset => Some("New password"),
        SignInPage::StepUp | SignInPage::Phone | SignInPage::RegisterCode | SignInPage::Forgot => None,
    };
    if let Some(name) = name {
        ui.add_space(space::S);
        let password = field(ui, name, &form.password, Content::password(form.shows_password), LIMIT);
        if password.toggled {
            out.push(UiCommand::ShowPassword(!form.shows_password));
        }
        out.extend(password.edited.clone().map(UiCommand::EditPassword));
        drawn.push((password, form.password.as_str()));
    }
    // The first field that is empty, else the last one.
    let wanted = drawn.iter().find(|(_, text)| text.is_empty()).or(drawn.last());
    if let Some((wanted, text)) = wanted
        && navigation::focus_by_default(&wanted.response)
    {
        // After a refusal the next letter replaces the text, and the arrows mend it.
        select_all(ui.ctx(), wanted.response.id, text);
    }
    drawn.iter().any(|(field, _)| field.entered)
}

fn links(ui: &mut Ui, form: &SignInForm, out: &mut Vec<UiCommand>) {
    use SignInPage as P;
    let show = |page: P| UiCommand::Account(AccountCommand::ShowSignIn(page));
    let again = || UiCommand::Account(AccountCommand::SendAgain);
    ui.add_space(space::S);
    if form.page == P::Password
        && wide_button(ui, Prominence::Secondary, "Sign in with your phone", !form.busy).clicked()
    {
        out.push(show(P::Phone));
    }
    let below = match form.page {
        P::Password => [("Create an account", show(P::Register)), ("Forgot password?", show(P::Forgot))],
        P::StepUp | P::RegisterCode | P::Reset => {
            [("Send another code", again()), ("Back to sign-in", show(P::Password))]
        }
        P::Register | P::Forgot | P::Phone => {
            return back(ui, form, out);
        }
    };
    ui.add_space(space::XS);
    let half = (ui.available_width() - space::S) / 2.0;
    ui.add_enabled_ui(!form.busy, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            for (label, command) in below {
                let layout = Layout::top_down_justified(Align::Center);
                let button = ui.allocate_ui_with_layout(vec2(half, size::BUTTON), layout, |ui| {
                    text_button(ui, Prominence::Quiet, label)
                });
                if button.inner.clicked() {
                    out.push(command);
                }
            }
        });
    });
}

fn back(ui: &mut Ui, form: &SignInForm, out: &mut Vec<UiCommand>) {
    if wide_button(ui, Prominence::Quiet, "Back to sign-in", !form.busy).clicked() {
        out.push(UiCommand::Account(AccountCommand::ShowSignIn(SignInPage::Password)));
    }
}

/// Draws what is around the card where it leaves room: the wordmark above, a line below.
fn surroundings(ui: &Ui, page: Rect, card: Rect, has_notice: bool) {
    let painter = ui.painter();
    if card.top() >= page.top() + size::TOP_BAR {
        wordmark(painter, pos2(page.left() + space::PAGE, page.top() + size::TOP_BAR / 2.0), text::TITLE);
    }
    // A notice has the place of the line.
    if card.bottom() > page.bottom() - size::TOP_BAR || has_notice {
        return;
    }
    let line = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 1, width: page.width() };
    let galley = elided(painter, "Films and series, straight to your screen.", line);
    let place = pos2(page.center().x - galley.size().x / 2.0, page.bottom() - space::PAGE);
    paint_strong(painter, place, &galley, line.color);
}
