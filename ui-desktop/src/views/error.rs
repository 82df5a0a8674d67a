//! The error card: what happened and what to do in a viewer's words, the technical part folded.

use egui::accesskit::Role;
use egui::{Align, Layout, Rect, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use kinora_api::NowPlaying;

use super::{View, outage};
use crate::command::UiCommand;
use crate::navigation;
use crate::state::{Problem, device_name};
use crate::theme::tokens::{color, radius, size, space, text};
use crate::widgets::{Icon, Line, Prominence, body, elided, paint_icon, text_button};

/// Choice of the viewer on the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The advice's own action: try again, or sign in.
    Retry,
    /// Leave it.
    Leave,
}

/// Height of the button that unfolds the technical part.
const DETAILS: f32 = size::BUTTON + space::S;
/// Height of the card without its texts.
const FRAME: f32 = 224.0;

/// Draws the card in the middle of an area. `leave` names the way out; without one only trying again is offered. The
/// button that tries again takes the focus when the card appears, so that Enter presses it.
pub fn card(
    ui: &mut Ui,
    view: &View<'_>,
    area: Rect,
    problem: &Problem,
    leave: Option<&str>,
    out: &mut Vec<UiCommand>,
) -> Option<Choice> {
    let width = (area.width() - space::PAGE).min(size::ERROR_CARD);
    let text_width = width - space::XXL * 2.0 - space::M;
    let meaning = Line { size: text::HEADING + 3.0, color: color::TEXT, rows: 3, width: text_width };
    let advice = Line { size: text::LARGE, color: color::TEXT_SOFT, rows: 4, width: text_width };
    let small = Line { size: text::SMALL, color: color::TEXT_FAINT, rows: 12, width: text_width };
    let by_itself = match &view.state.player {
        Some(player) => player.retry_at.map(|at| outage::countdown(Some(at), view.now)),
        None => view.state.outage.as_ref().map(|outage| outage::countdown(outage.next_try, view.now)),
    };
    if by_itself.is_some() {
        ui.ctx().request_repaint_after_secs(0.5);
    }
    let technical = view.state.details_open.then(|| problem.technical());
    let mut lines = vec![(problem.meaning.clone(), meaning), (problem.advice.clone(), advice)];
    lines.extend(by_itself.map(|words| (words, Line { color: color::ACCENT, ..advice })));
    let lines_of_details: Vec<(String, Line)> =
        technical.iter().flat_map(|text| text.lines()).map(|line| (line.to_owned(), small)).collect();
    let painter = ui.painter();
    let heights = |lines: &[(String, Line)]| -> f32 {
        lines.iter().map(|(words, line)| elided(painter, words, *line).size().y + space::S).sum()
    };
    let frame = if problem.is_displaced { FRAME - DETAILS } else { FRAME };
    let height = (heights(&lines) + heights(&lines_of_details) + frame + problem.playing.len() as f32 * STOP_LINE)
        .min(area.height() - space::L);
    let card = Rect::from_center_size(area.center(), vec2(width, height));
    painter.rect_filled(card, radius::LARGE, color::GLASS);
    painter.rect_filled(card, radius::LARGE, color::SURFACE.gamma_multiply(0.85));
    painter.rect_stroke(card, radius::LARGE, egui::Stroke::new(1.0, color::LINE), egui::StrokeKind::Inside);
    announce(ui, card, problem);
    let inside = card.shrink2(vec2(space::XXL, space::XL));
    let builder = UiBuilder::new().max_rect(inside).layout(Layout::top_down(Align::Min));
    ui.scope_builder(builder, |ui| {
        // A low window shows the card through a gap. The focus scrolls it, and the keys beyond the last button.
        let content = |ui: &mut Ui| {
            navigation::scroll_by_keys(ui);
            ui.spacing_mut().item_spacing.y = space::S;
            sign(ui, problem);
            for (words, line) in lines {
                body(ui, &words, line);
            }
            ui.add_space(space::S);
            for playing in &problem.playing {
                stop_button(ui, playing, text_width, out);
            }
            let choice = buttons(ui, problem, leave);
            if !problem.is_displaced {
                details(ui, view, problem, &lines_of_details, out);
            }
            // The focus ring of the last button.
            ui.add_space(space::S);
            choice
        };
        let area = ScrollArea::vertical().id_salt("error card").auto_shrink(false);
        navigation::scroll(ui, area, content, |_: &Option<Choice>, focus| focus.expand(space::S)).inner
    })
    .inner
}

/// Screen readers say the card at once, as an alert.
fn announce(ui: &Ui, card: Rect, problem: &Problem) {
    let response = ui.interact(card, ui.scope_id().with("error card"), Sense::hover());
    let words = format!("{} {}", problem.meaning, problem.advice);
    response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, &words));
}

fn sign(ui: &mut Ui, problem: &Problem) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 36.0), Sense::hover());
    let disc = pos2(rect.left() + 18.0, rect.center().y);
    if problem.is_displaced {
        ui.painter().circle_filled(disc, 18.0, color::RAISED);
        paint_icon(ui.painter(), Icon::Info, disc, 19.0, color::TEXT);
        return;
    }
    ui.painter().circle_filled(disc, 18.0, color::DANGER_GROUND);
    paint_icon(ui.painter(), Icon::Warning, disc - vec2(0.0, 1.0), 19.0, color::DANGER);
}

/// Height of the line of a playback that can be stopped.
const STOP_LINE: f32 = size::BUTTON + 22.0 + space::S * 2.0;

/// A playback in the place of this one, and the button that stops it.
fn stop_button(ui: &mut Ui, playing: &NowPlaying, width: f32, out: &mut Vec<UiCommand>) {
    let device = device_name(playing);
    let what = match &playing.title {
        Some(title) => format!("{device} plays “{}”", title.name),
        None => format!("{device} plays a film"),
    };
    body(ui, &what, Line { size: text::BODY, color: color::TEXT, rows: 1, width });
    let mut name = device.to_owned();
    if playing.device_name.trim().is_empty() || playing.is_this_device {
        name = name.to_lowercase();
    }
    let words = format!("Stop {name} and watch here");
    // The line above has the name of a device that has no room on the button.
    let line = Line { size: text::LARGE, color: color::TEXT, rows: 1, width: f32::INFINITY };
    let fits = elided(ui.painter(), &words, line).size().x + space::XL * 2.0 <= width;
    let stop = text_button(ui, Prominence::Primary, if fits { &words } else { "Stop it and watch here" });
    stop.widget_info(|| WidgetInfo::labeled(Role::Button, true, &words));
    navigation::focus_by_default(&stop);
    if stop.clicked() {
        out.push(UiCommand::StopOther(playing.playback_id.clone()));
    }
}

fn buttons(ui: &mut Ui, problem: &Problem, leave: Option<&str>) -> Option<Choice> {
    let mut choice = None;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::M;
        let label = match problem {
            _ if problem.needs_sign_in() => "Sign in",
            _ if problem.is_displaced => "Watch here",
            _ => "Try again",
        };
        let prominence = if problem.playing.is_empty() { Prominence::Primary } else { Prominence::Secondary };
        let retry = text_button(ui, prominence, label);
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

fn details(ui: &mut Ui, view: &View<'_>, problem: &Problem, lines: &[(String, Line)], out: &mut Vec<UiCommand>) {
    ui.horizontal(|ui| {
        let label = if view.state.details_open { "Hide details" } else { "Details" };
        if text_button(ui, Prominence::Quiet, label).clicked() {
            out.push(UiCommand::ToggleDetails);
        }
        if view.state.details_open && text_button(ui, Prominence::Quiet, "Copy").clicked() {
            out.push(UiCommand::Copy(problem.technical()));
        }
    });
    for (words, line) in lines {
        body(ui, words, *line);
    }
}
