//! Parts of forms: the card that they stand on, fields, the line of an error, buttons in the middle.

use egui::{Align, Id, Key, Layout, Rect, TextEdit, Ui, UiBuilder, pos2, vec2};

use crate::navigation;
use crate::theme::font;
use crate::theme::tokens::{color, radius, size, space, text};
use crate::widgets::{Icon, Line, Prominence, body, elided, glass_button, text_button};

/// Way in which a field shows its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// As it is.
    Plain,
    /// As dots.
    HiddenPassword,
    /// A password as it is.
    ShownPassword,
}

impl Content {
    /// Returns the way of a password.
    pub const fn password(shown: bool) -> Self {
        if shown { Self::ShownPassword } else { Self::HiddenPassword }
    }
}

/// A drawn field and what the viewer did in it.
pub struct Field {
    /// The field itself.
    pub response: egui::Response,
    /// The new text, when it was changed.
    pub edited: Option<String>,
    /// Enter was pressed.
    pub entered: bool,
    /// The password is to be shown, or hidden again.
    pub toggled: bool,
}

/// Draws a field under its name; a password has a button in it that shows it.
pub fn field(ui: &mut Ui, name: &str, value: &str, content: Content, limit: usize) -> Field {
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
        .char_limit(limit)
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

/// Draws the line that says why it did not work. With `keeps_place` it is as high when there is nothing to say. Widgets after it
/// keep their ids, and so the focus, when the words come and go.
pub fn message(ui: &mut Ui, words: Option<&str>, keeps_place: bool) {
    let line = Line { size: text::SMALL, color: color::DANGER, rows: 2, width: ui.available_width() };
    let height = if keeps_place || words.is_some() { text::SMALL * 3.2 } else { 0.0 };
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), egui::Sense::hover());
    let mut inside = ui.new_child(UiBuilder::new().max_rect(rect));
    if let Some(words) = words {
        body(&mut inside, words, line);
    }
}

/// Draws a card in the middle of an area, as high as its content was in the frame before; `guess` is for the first one. A low
/// window shows the content through a gap.
pub fn card(ui: &mut Ui, area: Rect, width: f32, guess: f32, id: Id, content: impl FnOnce(&mut Ui)) -> Rect {
    let height = ui.data(|data| data.get_temp::<f32>(id)).unwrap_or(guess);
    let extent = vec2(width.min(area.width() - space::L), (height + space::L * 2.0).min(area.height() - space::L));
    let card = Rect::from_center_size(area.center(), extent);
    let shadow = egui::Shadow { offset: [0, 16], blur: 48, spread: 0, color: color::scrim(160) };
    ui.painter().add(shadow.as_shape(card, radius::LARGE));
    ui.painter().rect_filled(card, radius::LARGE, color::SURFACE);
    ui.painter().rect_stroke(card, radius::LARGE, egui::Stroke::new(1.0, color::LINE), egui::StrokeKind::Inside);
    // The focus ring stands a little outside of the fields.
    let inside = card.shrink2(vec2(space::XXL - space::XS, space::L));
    let builder = UiBuilder::new().max_rect(inside).layout(Layout::top_down(Align::Min)).id_salt(id);
    ui.scope_builder(builder, |ui| {
        let framed = |ui: &mut Ui| {
            navigation::scroll_by_keys(ui);
            egui::Frame::new().inner_margin(egui::Margin::symmetric(4, 8)).show(ui, content);
        };
        let scroll = egui::ScrollArea::vertical().id_salt("card").auto_shrink(false);
        let shown = navigation::scroll(ui, scroll, framed, |(): &(), focus| focus.expand(space::L));
        let measured = shown.content_size.y;
        if (measured - height).abs() > 0.5 {
            ui.data_mut(|data| data.insert_temp(id, measured));
            ui.ctx().request_repaint();
        }
    });
    card
}

/// Draws a button as wide as the form.
pub fn wide_button(ui: &mut Ui, prominence: Prominence, label: &str, enabled: bool) -> egui::Response {
    let justified = Layout::top_down_justified(Align::Center);
    ui.with_layout(justified, |ui| ui.add_enabled_ui(enabled, |ui| text_button(ui, prominence, label)).inner).inner
}

/// Draws buttons side by side in the middle; returns the number of the pressed one, and what each answered.
pub fn centered_buttons(ui: &mut Ui, buttons: &[(Prominence, &str)]) -> (Option<usize>, Vec<egui::Response>) {
    let line = Line { size: text::LARGE, color: color::TEXT, rows: 1, width: f32::INFINITY };
    let width = |(prominence, label): &(Prominence, &str)| {
        let padding = if *prominence == Prominence::Quiet { space::M } else { space::XL };
        elided(ui.painter(), label, line).size().x + padding * 2.0 + 1.0
    };
    let gaps = space::M * buttons.len().saturating_sub(1) as f32;
    let total = buttons.iter().map(width).sum::<f32>() + gaps;
    let room = ui.available_width();
    let left = ((room - total) / 2.0).max(0.0);
    let mut responses = Vec::new();
    ui.allocate_ui_with_layout(
        vec2(room, size::BUTTON),
        Layout::left_to_right(Align::Center).with_main_wrap(true),
        |ui| {
            ui.spacing_mut().item_spacing = vec2(space::M, space::S);
            ui.add_space((left - space::M).max(0.0));
            for (prominence, label) in buttons {
                responses.push(text_button(ui, *prominence, label));
            }
        },
    );
    (responses.iter().position(egui::Response::clicked), responses)
}
