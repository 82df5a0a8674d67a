//! The overlay of a film that does not move: a spinner, then words, then a way out.

use egui::accesskit::Role;
use egui::{Align2, Rect, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use player_core::Now;

use super::View;
use crate::command::PlayerCommand;
use crate::state::{PlayerState, waiting};
use crate::theme::tokens::{color, radius, size, space, text};
use crate::widgets::{Line, Prominence, elided, spinner, text_button};

/// Radius of the spinner, and of the one where there is little room.
const SPINNER: (f32, f32) = (26.0, 12.0);
/// Height of the button, and its distance from the words.
const CANCEL: (f32, f32) = (size::BUTTON, space::S);

/// Draws what the wait calls for in the middle of an area, which the bar on top and the controls leave free.
pub fn show(ui: &mut Ui, view: &View<'_>, player: &PlayerState, area: Rect, wishes: &mut Vec<PlayerCommand>) {
    let clocks = (view.now, view.player.map_or(Now::ZERO, |player| player.port.now()));
    let Some(waiting) = waiting(player, &view.snapshot, view.state.outage.as_ref(), clocks) else {
        // A wait that has just begun shows itself when it is long enough.
        if let Some(at) = crate::state::next_wait_change(player, view.now) {
            ui.ctx().request_repaint_after_secs((at - view.now) as f32 + 0.01);
        }
        return;
    };
    ui.ctx().request_repaint();
    let words = waiting.words.iter().chain(&waiting.action).enumerate().map(|(index, words)| {
        let ink = if index == 0 { color::TEXT } else { color::TEXT_SOFT };
        let line = Line { size: text::BODY, color: ink, rows: 2, width: area.width() - space::PAGE };
        (words, line, elided(ui.painter(), words, line))
    });
    let words: Vec<_> = words.collect();
    let heights = words.iter().map(|(.., galley)| galley.size().y + space::S + space::XS);
    let cancel = if waiting.cancel { CANCEL.0 + CANCEL.1 } else { 0.0 };
    let below = heights.sum::<f32>() + cancel;
    let has_room = below + SPINNER.0 * 2.0 + space::L <= area.height();
    let (radius, gap) = if has_room { (SPINNER.0, space::L) } else { (SPINNER.1, space::S) };
    let mut top = (area.center().y - (below + radius * 2.0 + gap) / 2.0).max(area.top());
    let x = area.center().x;
    spinner(ui.painter(), pos2(x, top + radius), radius, color::WHITE, view.now);
    top += radius * 2.0 + gap;
    for (index, (words, line, galley)) in words.into_iter().enumerate() {
        let size = galley.size() + vec2(space::XL, space::S);
        let rect = Align2::CENTER_TOP.anchor_size(pos2(x, top), size);
        ui.painter().rect_filled(rect, radius::MEDIUM, color::scrim(170));
        ui.painter().galley(rect.center() - galley.size() / 2.0, galley, line.color);
        let response = ui.interact(rect, ui.scope_id().with(("waiting", index)), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Status, true, words));
        top = rect.bottom() + space::XS;
    }
    if waiting.cancel {
        let place = Align2::CENTER_TOP.anchor_size(pos2(x, top + CANCEL.1), vec2(110.0, CANCEL.0));
        ui.scope_builder(UiBuilder::new().max_rect(place), |ui| {
            if text_button(ui, Prominence::Secondary, "Cancel").clicked() {
                wishes.push(PlayerCommand::Leave);
            }
        });
    }
}
