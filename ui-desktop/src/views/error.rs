//! The error card: what happened, what it means, what to do.

use egui::accesskit::Role;
use egui::{Align, Layout, Rect, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use crate::navigation;
use crate::state::Problem;
use crate::theme::tokens::{color, radius, size, space, text};
use crate::widgets::{Icon, Line, Prominence, body, elided, paint_icon, paint_strong, text_button};

/// What the viewer chose on the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The advice's own action: try again, or sign in.
    Retry,
    /// Leave it.
    Leave,
}

/// Draws the card in the middle of an area. `leave` names the way out; without one only trying again is offered.
pub fn card(ui: &mut Ui, area: Rect, problem: &Problem, leave: Option<&str>) -> Option<Choice> {
    let width = (area.width() - space::PAGE).min(size::ERROR_CARD);
    let text_width = width - space::XXL * 2.0;
    let meaning = Line { size: text::HEADING + 2.0, color: color::TEXT, rows: 3, width: text_width };
    let advice = Line { size: text::LARGE, color: color::TEXT_SOFT, rows: 4, width: text_width };
    let detail = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 4, width: text_width };
    let lines = [(&problem.meaning, meaning), (&problem.advice, advice), (&problem.detail, detail)];
    let painter = ui.painter();
    let heights: f32 = lines.iter().map(|(words, line)| elided(painter, words, *line).size().y).sum();
    let height = heights + 210.0;
    let card = Rect::from_center_size(area.center(), vec2(width, height));
    painter.rect_filled(card, radius::LARGE, color::GLASS);
    painter.rect_filled(card, radius::LARGE, color::SURFACE.gamma_multiply(0.85));
    painter.rect_stroke(card, radius::LARGE, egui::Stroke::new(1.0, color::LINE), egui::StrokeKind::Inside);
    announce(ui, card, problem);
    let inside = card.shrink(space::XXL);
    let builder = UiBuilder::new().max_rect(inside).layout(Layout::top_down(Align::Min));
    ui.scope_builder(builder, |ui| {
        ui.spacing_mut().item_spacing.y = space::S;
        title(ui, &problem.code_line());
        ui.add_space(space::S);
        for (index, (words, line)) in lines.into_iter().enumerate() {
            body(ui, words, line);
            ui.add_space(if index == 1 { space::S } else { 0.0 });
        }
        ui.add_space(space::M);
        buttons(ui, problem, leave)
    })
    .inner
}

/// Screen readers say the card at once, as an alert.
fn announce(ui: &Ui, card: Rect, problem: &Problem) {
    let response = ui.interact(card, ui.scope_id().with("error card"), Sense::hover());
    let words = format!("{} {}", problem.meaning, problem.advice);
    response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, &words));
}

fn title(ui: &mut Ui, code: &str) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 36.0), Sense::hover());
    let disc = pos2(rect.left() + 18.0, rect.center().y);
    ui.painter().circle_filled(disc, 18.0, color::DANGER_GROUND);
    paint_icon(ui.painter(), Icon::Warning, disc - vec2(0.0, 1.0), 19.0, color::DANGER);
    let line = Line { size: text::SMALL, color: color::DANGER, rows: 1, width: rect.width() - 60.0 };
    let galley = elided(ui.painter(), code, line);
    let place = pos2(disc.x + 18.0 + space::M, rect.center().y - galley.size().y / 2.0);
    paint_strong(ui.painter(), place, &galley, line.color);
    let response = ui.interact(rect, ui.scope_id().with("code"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, code));
}

fn buttons(ui: &mut Ui, problem: &Problem, leave: Option<&str>) -> Option<Choice> {
    let mut choice = None;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::M;
        let label = if problem.needs_sign_in() { "Sign in" } else { "Try again" };
        let retry = text_button(ui, Prominence::Primary, label);
        navigation::focus_by_default(&retry);
        if retry.clicked() {
            choice = Some(Choice::Retry);
        }
        if let Some(leave) = leave
            && text_button(ui, Prominence::Secondary, leave).clicked()
        {
            choice = Some(Choice::Leave);
        }
    });
    choice
}
