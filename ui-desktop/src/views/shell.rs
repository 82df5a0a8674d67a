//! What pages share: the bar on top, the start screen, the notice at the bottom.

use egui::{Align, Align2, Layout, Rect, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use super::{View, top_actions};
use crate::command::{LibraryCommand, UiCommand};
use crate::navigation;
use crate::state::Route;
use crate::theme::tokens::{color, radius, size, space, text, time};
use crate::widgets::{
    Icon, Line, Prominence, elided, focus_ring, glass_button, paint_strong, spinner, text_button, wordmark,
};

/// The start screen: the wordmark, and a spinner when it takes longer.
pub fn starting(ui: &Ui, view: &View<'_>) {
    let center = ui.max_rect().center();
    let mark = wordmark(&ui.painter().clone().with_clip_rect(Rect::NOTHING), center, text::DISPLAY);
    wordmark(ui.painter(), center - vec2(mark.width() / 2.0, space::XL), text::DISPLAY);
    if view.now > time::SPINNER_DELAY {
        spinner(ui.painter(), center + vec2(0.0, space::PAGE), 16.0, color::ACCENT, view.now);
        ui.ctx().request_repaint();
    }
}

/// Returns the part of a page below its bar on top.
pub fn below_bar(page: Rect) -> Rect {
    page.with_min_y((page.top() + size::TOP_BAR).min(page.bottom()))
}

/// The bar on top of pages: the wordmark leads home, the circle opens the settings. `scrolled` is how many points of
/// the page lie above the window: the bar gets a ground as soon as something can lie under it.
pub fn top_bar(ui: &mut Ui, view: &View<'_>, scrolled: f32, out: &mut Vec<UiCommand>) {
    let full = ui.max_rect();
    let whole = Rect::from_min_size(full.min, vec2(full.width(), size::TOP_BAR));
    let ground = (scrolled / (size::TOP_BAR * 0.5)).clamp(0.0, 1.0);
    if ground > 0.0 {
        ui.painter().rect_filled(whole, 0.0, color::ground((ground * 255.0) as u8));
        ui.painter().hline(whole.x_range(), whole.bottom(), egui::Stroke::new(1.0, color::LINE.gamma_multiply(ground)));
    }
    let mut bar = whole.shrink2(vec2(space::PAGE, 0.0));
    if !view.state.history.is_empty() {
        // The arrow, not the circle around it, stands above the page's left edge.
        bar.min.x -= space::M;
    }
    let mut bar = ui.new_child(UiBuilder::new().max_rect(bar).layout(Layout::left_to_right(Align::Center)));
    if !view.state.history.is_empty() {
        let back = glass_button(&mut bar, Icon::ChevronLeft, "Back", size::PLAYER_BUTTON);
        navigation::in_bar(&back);
        if back.clicked() {
            out.push(UiCommand::Back);
        }
    }
    home_mark(&mut bar, out);
    bar.with_layout(Layout::right_to_left(Align::Center), |ui| {
        avatar(ui, view, out);
        top_actions::show(ui, view, out);
    });
}

fn home_mark(ui: &mut Ui, out: &mut Vec<UiCommand>) {
    let (rect, response) = ui.allocate_exact_size(vec2(128.0, size::BUTTON), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Button, true, "Kinora, home"));
    navigation::in_bar(&response);
    wordmark(ui.painter(), rect.left_center(), text::TITLE - 3.0);
    focus_ring(ui, &response, rect, radius::MEDIUM);
    if response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
        out.push(UiCommand::GoHome);
    }
}

fn avatar(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let Some(account) = &view.state.account else { return };
    let (rect, response) = ui.allocate_exact_size(vec2(38.0, 38.0), Sense::click());
    navigation::in_bar(&response);
    let name = format!("Settings of {}", account.display_name);
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Button, true, &name));
    let heat = ui.ctx().animate_bool_with_time(response.id.with("heat"), response.hovered(), time::HOVER);
    let ground = crate::theme::mix(color::RAISED, color::RAISED_HOVER, heat);
    ui.painter().circle_filled(rect.center(), 19.0, ground);
    ui.painter().circle_stroke(rect.center(), 19.0, egui::Stroke::new(1.0, color::LINE));
    let initial = account.display_name.chars().next().unwrap_or('•').to_uppercase().to_string();
    let line = Line { size: text::LARGE, color: color::ACCENT, rows: 1, width: 38.0 };
    let galley = elided(ui.painter(), &initial, line);
    paint_strong(ui.painter(), rect.center() - galley.size() / 2.0, &galley, line.color);
    focus_ring(ui, &response, rect, egui::CornerRadius::same(19));
    if response.on_hover_cursor(egui::CursorIcon::PointingHand).on_hover_text(name).clicked() {
        out.push(UiCommand::ToggleSettings);
    }
}

/// Width that a notice has beside its words.
const NOTICE_BUTTON: f32 = 140.0;

/// A notice: at the bottom of a page, and over a film at the top right.
pub fn notice(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let Some(notice) = &view.state.notice else { return };
    let left = time::NOTICE - (view.now - notice.since);
    if left <= 0.0 {
        return;
    }
    ui.ctx().request_repaint_after_secs(left as f32);
    let page = ui.max_rect();
    let most = (page.width() - space::PAGE * 2.0).min(size::TEXT_COLUMN + 80.0);
    let line = Line { size: text::BODY, color: color::TEXT, rows: 3, width: most - NOTICE_BUTTON };
    let galley = elided(ui.painter(), &notice.text, line);
    let extent = vec2(galley.size().x + NOTICE_BUTTON, galley.size().y.max(size::BUTTON) + space::L);
    let rect = if view.state.route == Route::Player {
        // Subtitles and controls are at the bottom, and statistics on the left.
        Align2::RIGHT_TOP.align_size_within_rect(extent, below_bar(page).shrink2(vec2(space::XL, space::S)))
    } else {
        Align2::CENTER_BOTTOM.align_size_within_rect(extent, page.shrink(space::XL))
    };
    ui.painter().rect_filled(rect, radius::LARGE, color::GLASS);
    ui.painter().rect_stroke(rect, radius::LARGE, egui::Stroke::new(1.0, color::LINE), egui::StrokeKind::Inside);
    let response = ui.interact(rect, ui.scope_id().with("notice"), Sense::hover());
    let words = notice.text.clone();
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Status, true, &words));
    ui.painter().galley(pos2(rect.left() + space::XL, rect.center().y - galley.size().y / 2.0), galley, line.color);
    let inside = rect.shrink2(vec2(space::M, 0.0));
    ui.scope_builder(UiBuilder::new().max_rect(inside).layout(Layout::right_to_left(Align::Center)), |ui| {
        if view.state.library.can_undo() {
            if text_button(ui, Prominence::Quiet, "Undo").clicked() {
                out.push(UiCommand::Library(LibraryCommand::Undo));
            }
        } else if text_button(ui, Prominence::Quiet, "OK").clicked() {
            out.push(UiCommand::DismissNotice);
        }
    });
}
