//! The sign-in form.

use egui::{Align, Key, Layout, Rect, TextEdit, Ui, UiBuilder, pos2, vec2};

use super::View;
use crate::command::UiCommand;
use crate::navigation;
use crate::theme::font;
use crate::theme::tokens::{color, radius, size, space, text};
use crate::widgets::{
    Icon, Line, Prominence, body, elided, glass_button, gradient_vertical, heading, paint_strong, select_all, spinner,
    text_button, wordmark,
};

/// Height of the card when the window has room for it.
const CARD_HEIGHT: f32 = 404.0;

/// Draws the form in the middle of the window.
pub fn show(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let page = ui.max_rect();
    backdrop(ui, page, view.state.notice.is_some());
    let height = CARD_HEIGHT.min(page.height() - space::XL);
    let card = Rect::from_center_size(page.center() + vec2(0.0, space::S), vec2(size::SIGN_IN_CARD, height));
    // A low window has room for the form only.
    if card.top() >= page.top() + size::TOP_BAR {
        wordmark(ui.painter(), pos2(page.left() + space::PAGE, page.top() + size::TOP_BAR / 2.0), text::TITLE);
    }
    let shadow = egui::Shadow { offset: [0, 16], blur: 48, spread: 0, color: color::scrim(160) };
    ui.painter().add(shadow.as_shape(card, radius::LARGE));
    ui.painter().rect_filled(card, radius::LARGE, color::SURFACE);
    ui.painter().rect_stroke(card, radius::LARGE, egui::Stroke::new(1.0, color::LINE), egui::StrokeKind::Inside);
    // The focus ring stands a little outside of the fields.
    let inside = card.shrink2(vec2(space::XXL - space::XS, space::XL));
    let layout = Layout::top_down(Align::Min);
    ui.scope_builder(UiBuilder::new().max_rect(inside).layout(layout), |ui| {
        let content = |ui: &mut Ui| {
            egui::Frame::new().inner_margin(egui::Margin::symmetric(4, 12)).show(ui, |ui| form(ui, view, out));
        };
        let area = egui::ScrollArea::vertical().id_salt("sign-in").auto_shrink(false);
        navigation::scroll(ui, area, content, |(): &(), focus| focus.expand(space::L));
    });
}

fn form(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let form = &view.state.sign_in;
    ui.spacing_mut().item_spacing.y = space::XS;
    heading(ui, "Sign in", text::TITLE);
    ui.add_space(space::XS);
    let hint = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 2, width: ui.available_width() };
    body(ui, "to watch where you left off, on any device.", hint);
    ui.add_space(space::L);
    let mut submit = false;
    ui.add_enabled_ui(!form.busy, |ui| {
        let email = field(ui, "E-mail", &form.email, Content::Plain);
        ui.add_space(space::S);
        let content = if form.shows_password { Content::ShownPassword } else { Content::HiddenPassword };
        let password = field(ui, "Password", &form.password, content);
        if password.toggled {
            out.push(UiCommand::ShowPassword(!form.shows_password));
        }
        let wanted = if form.email.is_empty() { &email } else { &password };
        if navigation::focus_by_default(&wanted.response) {
            // After a refusal the next letter replaces the text, and the arrows mend it.
            select_all(ui.ctx(), wanted.response.id, &form.password);
        }
        submit = email.entered || password.entered;
        out.extend(email.edited.map(UiCommand::EditEmail));
        out.extend(password.edited.map(UiCommand::EditPassword));
    });
    ui.add_space(space::S);
    message(ui, form.message(view.now).as_deref());
    if form.wait_until.is_some_and(|until| until > view.now) {
        // The countdown moves by whole seconds.
        ui.ctx().request_repaint_after_secs(0.5);
    }
    let justified = Layout::top_down_justified(Align::Center);
    let button = ui.with_layout(justified, |ui| {
        let label = if form.busy { "Signing in…" } else { "Sign in" };
        ui.add_enabled_ui(!form.busy, |ui| text_button(ui, Prominence::Primary, label)).inner
    });
    if form.busy {
        let place = button.inner.rect.right_center() - vec2(space::XL, 0.0);
        spinner(ui.painter(), place, 9.0, color::ON_ACCENT, view.now);
        ui.ctx().request_repaint();
    }
    if submit || button.inner.clicked() {
        out.push(UiCommand::SignIn);
    }
}

/// Way in which a field shows its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Plain,
    HiddenPassword,
    ShownPassword,
}

/// A drawn field and what the viewer did in it.
struct Field {
    response: egui::Response,
    /// The new text, when it was changed.
    edited: Option<String>,
    /// Enter was pressed.
    entered: bool,
    /// The password is to be shown, or hidden again.
    toggled: bool,
}

/// Draws a field under its name; a password has a button in it that shows it.
fn field(ui: &mut Ui, name: &str, value: &str, content: Content) -> Field {
    let line = Line { size: text::SMALL, color: color::TEXT_SOFT, rows: 1, width: ui.available_width() };
    let label = body(ui, name, line);
    let is_password = content != Content::Plain;
    let mut edited = value.to_owned();
    let right = if is_password { size::FIELD as i8 } else { 14 };
    let edit = TextEdit::singleline(&mut edited)
        .id_salt(name)
        .password(content == Content::HiddenPassword)
        .font(font(text::LARGE))
        .text_color(color::TEXT)
        .background_color(color::GROUND)
        .margin(egui::Margin { left: 14, right, top: 12, bottom: 12 })
        .char_limit(256)
        .desired_width(f32::INFINITY);
    let response = ui.add(edit).labelled_by(label.id);
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    let toggled = is_password && show_button(ui, response.rect, content == Content::ShownPassword);
    let edited = response.changed().then_some(edited);
    Field { response, edited, entered, toggled }
}

/// The eye at the right end of a password field; returns true when it was pressed.
fn show_button(ui: &mut Ui, field: Rect, shown: bool) -> bool {
    let side = field.height() - space::S;
    let rect = Rect::from_center_size(pos2(field.right() - field.height() / 2.0, field.center().y), vec2(side, side));
    let (icon, name) = if shown { (Icon::EyeClosed, "Hide password") } else { (Icon::Eye, "Show password") };
    glass_button(&mut ui.new_child(UiBuilder::new().max_rect(rect)), icon, name, side).clicked()
}

/// The line that says why it did not work; its place is kept when there is nothing to say.
fn message(ui: &mut Ui, words: Option<&str>) {
    let line = Line { size: text::SMALL, color: color::DANGER, rows: 2, width: ui.available_width() };
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), text::SMALL * 3.2), egui::Sense::hover());
    if let Some(words) = words {
        body(&mut ui.new_child(UiBuilder::new().max_rect(rect)), words, line);
    }
}

/// Light from a projector: a warm glow from above.
fn backdrop(ui: &Ui, page: Rect, has_notice: bool) {
    let painter = ui.painter();
    let glow = page.with_max_y(page.top() + page.height() * 0.75);
    gradient_vertical(painter, glow, color::ACCENT.gamma_multiply(0.10), color::ACCENT.gamma_multiply(0.0));
    // A notice has the place of the line.
    if page.height() < CARD_HEIGHT + size::TOP_BAR * 2.0 || has_notice {
        return;
    }
    let line = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 1, width: page.width() };
    let galley = elided(painter, "Films and series, straight to your screen.", line);
    let place = pos2(page.center().x - galley.size().x / 2.0, page.bottom() - space::PAGE);
    paint_strong(painter, place, &galley, line.color);
}
