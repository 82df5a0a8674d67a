//! The sign-in form.

use egui::{Align, Key, Layout, Rect, TextEdit, Ui, UiBuilder, pos2, vec2};

use super::View;
use crate::command::UiCommand;
use crate::theme::font;
use crate::theme::tokens::{color, radius, size, space, text};
use crate::widgets::{
    Line, Prominence, body, elided, gradient_vertical, heading, paint_strong, spinner, text_button, wordmark,
};

/// Draws the form in the middle of the window.
pub fn show(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let page = ui.max_rect();
    backdrop(ui, page);
    wordmark(ui.painter(), pos2(page.left() + space::PAGE, page.top() + size::TOP_BAR / 2.0), text::TITLE);
    let height = 404.0;
    let card = Rect::from_center_size(page.center() + vec2(0.0, space::S), vec2(size::SIGN_IN_CARD, height));
    let shadow = egui::Shadow { offset: [0, 16], blur: 48, spread: 0, color: color::scrim(160) };
    ui.painter().add(shadow.as_shape(card, radius::LARGE));
    ui.painter().rect_filled(card, radius::LARGE, color::SURFACE);
    ui.painter().rect_stroke(card, radius::LARGE, egui::Stroke::new(1.0, color::LINE), egui::StrokeKind::Inside);
    let inside = card.shrink2(vec2(space::XXL, space::XXL));
    let layout = Layout::top_down(Align::Min);
    ui.scope_builder(UiBuilder::new().max_rect(inside).layout(layout), |ui| form(ui, view, out));
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
        let (email, enter) = field(ui, "E-mail", &form.email, false);
        if let Some(email) = email {
            out.push(UiCommand::EditEmail(email));
        }
        submit |= enter;
        ui.add_space(space::S);
        let (password, enter) = field(ui, "Password", &form.password, true);
        if let Some(password) = password {
            out.push(UiCommand::EditPassword(password));
        }
        submit |= enter;
    });
    ui.add_space(space::S);
    message(ui, form.error.as_deref());
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

/// A field under its name. Answers the new text when it was changed, and whether Enter was pressed in it.
fn field(ui: &mut Ui, name: &str, value: &str, password: bool) -> (Option<String>, bool) {
    let line = Line { size: text::SMALL, color: color::TEXT_SOFT, rows: 1, width: ui.available_width() };
    let label = body(ui, name, line);
    let mut edited = value.to_owned();
    let edit = TextEdit::singleline(&mut edited)
        .id_salt(name)
        .password(password)
        .font(font(text::LARGE))
        .text_color(color::TEXT)
        .background_color(color::GROUND)
        .margin(egui::Margin::symmetric(14, 12))
        .char_limit(256)
        .desired_width(f32::INFINITY);
    let response = ui.add(edit).labelled_by(label.id);
    let enter = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    (response.changed().then_some(edited), enter)
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
fn backdrop(ui: &Ui, page: Rect) {
    let painter = ui.painter();
    let glow = page.with_max_y(page.top() + page.height() * 0.75);
    gradient_vertical(painter, glow, color::ACCENT.gamma_multiply(0.10), color::ACCENT.gamma_multiply(0.0));
    let line = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 1, width: page.width() };
    let galley = elided(painter, "Films and series, straight to your screen.", line);
    let place = pos2(page.center().x - galley.size().x / 2.0, page.bottom() - space::PAGE);
    paint_strong(painter, place, &galley, line.color);
}
