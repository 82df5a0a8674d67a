//! Controls that only live presentations have: the bar over their window, the mark that the picture is live, and the
//! way back to the live edge.

use egui::accesskit::Role;
use egui::{Color32, Rect, Response, Sense, Ui, WidgetInfo, pos2, vec2};
use player_core::Now;

use super::View;
use crate::command::PlayerCommand;
use crate::state::{LiveBar, behind_words};
use crate::theme::tokens::{color, radius, space, text};
use crate::widgets::{Line, SeekBar, elided, focus_ring, paint_strong};

/// Width of the controls, in points, below which the time of day is left out, and then the distance to the present.
const ROOM: (f32, f32) = (720.0, 480.0);
/// Seconds between frames while the distance to the present grows.
const TICK: f32 = 0.5;

/// Returns the bar of the live presentation on screen; `None` on demand, and until the live edge is known.
pub fn bar(view: &View<'_>) -> Option<LiveBar> {
    let now = view.player.map_or(Now::ZERO, |player| player.port.now());
    LiveBar::new(&view.snapshot, view.position, now)
}

/// Draws the bar over the window. Its times are seconds before its right end, which is live.
pub fn seek_bar(ui: &mut Ui, view: &View<'_>, live: &LiveBar, wishes: &mut Vec<PlayerCommand>) {
    let end = live.end;
    let ranges = view.snapshot.buffered.iter();
    let buffered: Vec<(f64, f64)> =
        ranges.map(|range| (range.start.as_secs_f64() - end, range.end.as_secs_f64() - end)).collect();
    let words = |at: f64| written(view, live, end + at);
    let bar = SeekBar {
        start: live.start - end,
        end: 0.0,
        position: live.position - end,
        buffered: &buffered,
        chapters: &[],
        name: "Position in seconds before live",
        words: &words,
    };
    if let Some((seconds, scrubbing)) = bar.show(ui).target {
        wishes.push(PlayerCommand::SeekTo { seconds: end + seconds, scrubbing });
    }
    ui.ctx().request_repaint_after_secs(TICK);
}

fn written(view: &View<'_>, live: &LiveBar, seconds: f64) -> String {
    live.words(seconds, |at| view.wall.time_to_the_second(at))
}

/// Draws the mark, the time of day of the picture, how far behind it is, and the way back to the live edge.
pub fn marks(ui: &mut Ui, view: &View<'_>, live: &LiveBar, room: f32, wishes: &mut Vec<PlayerCommand>) {
    let behind = behind_words(live.behind);
    mark(ui, live.is_live, &behind);
    let time = written(view, live, live.position);
    if room >= ROOM.0 && !time.starts_with('−') {
        ui.add_space(space::S);
        words(ui, &time, color::TEXT);
    }
    if room >= ROOM.1 {
        ui.add_space(space::S);
        words(ui, &behind, color::TEXT_SOFT);
    }
    if !live.is_live {
        ui.add_space(space::S);
        if go_live(ui).clicked() {
            wishes.push(PlayerCommand::GoLive);
        }
    }
}

/// Draws the mark: a red dot while the picture is live, a grey one else.
fn mark(ui: &mut Ui, is_live: bool, behind: &str) {
    let (dot, ink) = if is_live { (color::LIVE, color::WHITE) } else { (color::TEXT_FAINT, color::TEXT_FAINT) };
    let line = Line { size: text::SMALL, color: ink, rows: 1, width: f32::INFINITY };
    let galley = elided(ui.painter(), "LIVE", line);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(space::L, 0.0), Sense::hover());
    let spoken = if is_live { format!("Live, {behind}") } else { format!("Not live, {behind}") };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
    ui.painter().circle_filled(pos2(rect.left() + 5.0, rect.center().y), 4.5, dot);
    paint_strong(ui.painter(), rect.min + vec2(space::L, 0.0), &galley, ink);
}

fn words(ui: &mut Ui, words: &str, ink: Color32) {
    let line = Line { size: text::BODY, color: ink, rows: 1, width: f32::INFINITY };
    let galley = elided(ui.painter(), words, line);
    let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
    ui.painter().galley(rect.min, galley, ink);
}

/// Draws the button that goes to the live edge.
fn go_live(ui: &mut Ui) -> Response {
    let line = Line { size: text::BODY, color: color::WHITE, rows: 1, width: f32::INFINITY };
    let galley = elided(ui.painter(), "Go to live", line);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(space::XL, space::M), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Go to live"));
    let ground = if response.hovered() { color::RAISED_HOVER } else { color::RAISED };
    ui.painter().rect_filled(rect, radius::MEDIUM, ground);
    ui.painter().galley(Rect::from_center_size(rect.center(), galley.size()).min, galley, color::WHITE);
    focus_ring(ui, &response, rect, radius::MEDIUM);
    response.on_hover_cursor(egui::CursorIcon::PointingHand).on_hover_text("Go to live (L)")
}
