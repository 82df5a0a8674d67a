//! The banner over a page while the service is away.

use egui::accesskit::Role;
use egui::{Align, Layout, Rect, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use super::View;
use crate::command::UiCommand;
use crate::state::{Outage, Route, kept_page};
use crate::theme::tokens::{color, radius, size, space, text};
use crate::widgets::{Line, Prominence, elided, text_button};

/// Returns the words that count down to a try; without a time one is under way.
pub fn countdown(next_try: Option<f64>, now: f64) -> String {
    match next_try {
        Some(at) => format!("Trying again in {} s.", (at - now).max(0.0).ceil() as u64),
        None => "Trying again now…".to_owned(),
    }
}

/// Returns the banner's words, such as `Offline – showing what you saw at 10:42 · retrying in 8 s`.
fn words(view: &View<'_>, outage: &Outage) -> String {
    let seen = view.state.home.seen_at.filter(|_| view.state.home.data.ready().is_some());
    let seen = seen.map(|at| format!(" – showing what you saw at {}", view.wall.time_of_day(at))).unwrap_or_default();
    let next = match outage.seconds_left(view.now) {
        Some(seconds) => format!("retrying in {seconds} s"),
        None => "trying now…".to_owned(),
    };
    format!("Offline{seen} · {next}")
}

/// Returns an age of so many milliseconds in words, such as `3 minutes ago`.
pub fn ago(ms: i64) -> String {
    let minutes = ms / 60_000;
    let (count, unit) = match minutes {
        ..60 => (minutes, "minute"),
        60..2880 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    match count {
        ..=0 => "less than a minute ago".to_owned(),
        1 => format!("1 {unit} ago"),
        _ => format!("{count} {unit}s ago"),
    }
}

/// Draws the banner under the bar on top of a page that still shows something. The page below stays usable.
pub fn banner(ui: &mut Ui, view: &View<'_>, out: &mut Vec<UiCommand>) {
    let kept = kept_page(view.state);
    let (words, may_try) = match (&view.state.outage, kept) {
        (Some(outage), _) => (words(view, outage), outage.next_try.is_some()),
        (None, Some(kept)) => {
            let age = view.wall.now_ms().saturating_sub(kept.seen_at);
            (format!("Not up to date – this is from {}", ago(age)), kept.next_try.is_some())
        }
        (None, None) => return,
    };
    // The countdown moves by whole seconds.
    ui.ctx().request_repaint_after_secs(0.5);
    let has_page = match &view.state.route {
        Route::Home => view.state.home.data.ready().is_some(),
        Route::Title(_) | Route::Search | Route::Profiles | Route::EditProfile | Route::Account => true,
        Route::Starting | Route::SignIn | Route::Player => false,
    };
    if !has_page {
        return;
    }
    let page = ui.max_rect();
    let most = page.width() - space::PAGE * 2.0;
    let line = Line { size: text::SMALL, color: color::TEXT, rows: 1, width: most - 130.0 };
    let galley = elided(ui.painter(), &words, line);
    let size = vec2((galley.size().x + 150.0).min(most), size::BUTTON);
    let rect = Rect::from_min_size(pos2(page.center().x - size.x / 2.0, page.top() + size::TOP_BAR), size);
    ui.painter().rect_filled(rect, radius::LARGE, color::GLASS);
    ui.painter().rect_stroke(rect, radius::LARGE, egui::Stroke::new(1.0, color::LINE), egui::StrokeKind::Inside);
    let response = ui.interact(rect, ui.scope_id().with("outage"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, &words));
    let dot = pos2(rect.left() + space::L, rect.center().y);
    ui.painter().circle_filled(dot, 4.0, color::ACCENT);
    let place = pos2(dot.x + space::M, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(place, galley, line.color);
    let inside = rect.shrink2(vec2(space::XS, 0.0));
    ui.scope_builder(UiBuilder::new().max_rect(inside).layout(Layout::right_to_left(Align::Center)), |ui| {
        ui.add_enabled_ui(may_try, |ui| {
            if text_button(ui, Prominence::Quiet, "Try now").clicked() {
                out.push(UiCommand::RetryNow);
            }
        });
    });
}
