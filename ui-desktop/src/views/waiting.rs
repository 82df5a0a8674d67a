//! The overlay of a film that does not move: a spinner, then words, then a way out.

use egui::accesskit::Role;
use egui::{Align2, Rect, Sense, Ui, UiBuilder, WidgetInfo, vec2};

use player_core::Now;

use super::View;
use crate::command::PlayerCommand;
use crate::state::{PlayerState, waiting};
use crate::theme::tokens::{color, radius, space, text};
use crate::widgets::{Line, Prominence, elided, spinner, text_button};

/// Height of one line of words.
const STEP: f32 = 26.0;

/// Draws what the wait calls for in the middle of the page.
pub fn show(ui: &mut Ui, view: &View<'_>, player: &PlayerState, page: Rect, wishes: &mut Vec<PlayerCommand>) {
    let clocks = (view.now, view.player.map_or(Now::ZERO, |player| player.port.now()));
    let Some(waiting) = waiting(player, &view.snapshot, view.state.outage.as_ref(), clocks) else {
        // A wait that has just begun shows itself when it is long enough.
        if let Some(at) = crate::state::next_wait_change(player, view.now) {
            ui.ctx().request_repaint_after_secs((at - view.now) as f32 + 0.01);
        }
        return;
    };
    ui.ctx().request_repaint();
    let center = page.center() - vec2(0.0, if waiting.cancel { STEP } else { 0.0 });
    spinner(ui.painter(), center, 26.0, color::WHITE, view.now);
    let lines: Vec<&String> = waiting.words.iter().chain(&waiting.action).collect();
    let mut top = center.y + 44.0;
    for (index, words) in lines.into_iter().enumerate() {
        let ink = if index == 0 { color::TEXT } else { color::TEXT_SOFT };
        let line = Line { size: text::BODY, color: ink, rows: 2, width: page.width() - space::PAGE };
        let galley = elided(ui.painter(), words, line);
        let size = galley.size() + vec2(space::XL, space::S);
        let rect = Align2::CENTER_TOP.anchor_size(egui::pos2(center.x, top), size);
        ui.painter().rect_filled(rect, radius::MEDIUM, color::scrim(170));
        ui.painter().galley(rect.center() - galley.size() / 2.0, galley, line.color);
        let response = ui.interact(rect, ui.scope_id().with(("waiting", index)), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Status, true, words));
        top = rect.bottom() + space::XS;
    }
    if waiting.cancel {
        let width = 110.0;
        let place = Align2::CENTER_TOP.anchor_size(egui::pos2(center.x, top + space::S), vec2(width, 44.0));
        ui.scope_builder(UiBuilder::new().max_rect(place), |ui| {
            if text_button(ui, Prominence::Secondary, "Cancel").clicked() {
                wishes.push(PlayerCommand::Leave);
            }
        });
    }
}
