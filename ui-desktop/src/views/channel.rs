//! Live channels on pages: what a card says of the programme on the air, and the part of a title's page that only a
//! channel has.

use egui::accesskit::Role;
use egui::{Rect, Sense, Ui, WidgetInfo, vec2};
use kinora_api::{Image, Programme, TitleCard};

use super::View;
use crate::state::{Showing, runtime, showing};
use crate::theme::tokens::{color, space, text};
use crate::widgets::{Line, body, heading, live_mark};

/// Seconds between frames while a programme passes.
const TICK: f32 = 1.0;

/// Returns what a channel shows now by the service's clock; `None` for other titles, and when it is not known.
pub fn on_air<'a>(view: &View<'_>, card: &'a TitleCard) -> Option<Showing<'a>> {
    showing(card.live.as_ref()?, view.wall.now_ms().saturating_add(view.state.air.ahead_ms))
}

/// Returns the picture of a card: of a channel that of the programme on the air, else the poster.
pub fn picture<'a>(card: &'a TitleCard, showing: Option<&Showing<'a>>) -> &'a Image {
    showing.map_or(&card.poster, |showing| &showing.now.picture)
}

/// Returns both lines below the name on the card of a channel.
pub fn lines(view: &View<'_>, showing: Option<&Showing<'_>>) -> (String, String) {
    let Some(showing) = showing else { return ("Live channel".to_owned(), String::new()) };
    let next = showing.next.map_or_else(String::new, |next| self::next(view, next));
    (format!("{}  ·  {}", showing.now.name, showing.left), next)
}

fn next(view: &View<'_>, next: &Programme) -> String {
    format!("Next at {}: {}", time_of_day(view, next.started_at), next.name)
}

/// Writes a time of the service's clock as the viewer's clock shows it.
fn time_of_day(view: &View<'_>, at: i64) -> String {
    view.wall.time_of_day(at.saturating_sub(view.state.air.ahead_ms))
}

/// Asks for the next frame in which the bars have moved.
pub fn keep_moving(ui: &Ui) {
    ui.ctx().request_repaint_after_secs(TICK);
}

/// Draws the mark of a channel in the line of facts.
pub fn mark(ui: &mut Ui) {
    let size = live_mark::size(ui.painter());
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, "Live"));
    live_mark::paint(ui.painter(), rect);
}

/// Draws the programme on the air with its bar, the next one, and how far back a viewer can go.
pub fn programmes(ui: &mut Ui, view: &View<'_>, card: &TitleCard) {
    let Some(on_air) = &card.live else { return };
    let width = ui.available_width();
    let line = |size: f32, color| Line { size, color, rows: 1, width };
    ui.add_space(space::L);
    if let Some(showing) = on_air_now(ui, view, card, width) {
        ui.add_space(space::S);
        if let Some(next) = showing.next {
            body(ui, &self::next(view, next), line(text::BODY, color::TEXT_SOFT));
            ui.add_space(space::XS);
        }
    }
    let back = format!("You can go back {}.", runtime(on_air.window_ms));
    body(ui, &back, line(text::SMALL, color::TEXT_FAINT));
}

fn on_air_now<'a>(ui: &mut Ui, view: &View<'_>, card: &'a TitleCard, width: f32) -> Option<Showing<'a>> {
    let showing = on_air(view, card)?;
    heading(ui, &format!("Now: {}", showing.now.name), text::HEADING);
    ui.add_space(space::S);
    let (rect, _) = ui.allocate_exact_size(vec2(280.0_f32.min(width), 4.0), Sense::hover());
    ui.painter().rect_filled(rect, 2.0, color::RAIL);
    let done = Rect::from_min_size(rect.min, vec2(rect.width() * showing.share.clamp(0.02, 1.0), rect.height()));
    ui.painter().rect_filled(done, 2.0, color::LIVE);
    ui.add_space(space::S);
    let (from, to) = (time_of_day(view, showing.now.started_at), time_of_day(view, showing.now.ends_at));
    let words = format!("{from} – {to}  ·  {}", showing.left);
    body(ui, &words, Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 1, width });
    keep_moving(ui);
    Some(showing)
}
