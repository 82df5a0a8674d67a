//! Vertical text: columns of upright letters. egui lays lines out from left to right only, so each column is text
//! with one letter a line.

use std::sync::Arc;

use egui::text::LayoutJob;
use egui::{Align, Galley, Painter, Rect, pos2};
use player_core::MediaTime;
use player_core::text::{Cue, DisplayAlign, LinePosition, TextAlign, Vertical};

use super::letters::{self, LINE, Layer, Scale};
use super::place;
use crate::theme::tokens::color;

/// Columns of a group of cues that are drawn.
const MOST_COLUMNS: usize = 64;

/// Paints cues that follow each other inside `frame`. Those that own no background get the usual one.
pub(super) fn paint(painter: &Painter, frame: Rect, align: DisplayAlign, cues: &[&Cue], at: MediaTime, scale: Scale) {
    let Some(first) = cues.first() else { return };
    let points = cues.iter().map(|cue| scale.largest(cue)).fold(0.0, f32::max);
    let width = points * LINE;
    let columns = columns(painter, frame.height(), cues, at, scale);
    let total = width * columns.len() as f32;
    let free = (frame.width() - total).max(0.0);
    let lines = &first.layout;
    let before = match (lines.area.is_some(), lines.line) {
        (false, LinePosition::Percent(percent)) => (frame.width() * percent as f32 / 100.0).clamp(0.0, free),
        (false, LinePosition::Line(line)) if line >= 0.0 => (line as f32 * width).min(free),
        (false, _) => free,
        (true, _) => match align {
            DisplayAlign::Before => 0.0,
            DisplayAlign::Center => free / 2.0,
            DisplayAlign::After => free,
        },
    };
    for (number, (column, cue)) in columns.iter().enumerate() {
        let along = before + width * (number as f32 + 0.5);
        let x = match cue.layout.vertical {
            Some(Vertical::RightToLeft) | None => frame.right() - along,
            Some(Vertical::LeftToRight) => frame.left() + along,
        };
        let height = column.size().y;
        let room = (frame.height() - height).max(0.0);
        let share = match (cue.layout.area.is_some(), cue.layout.position) {
            (false, Some(_)) => place::position(&cue.layout).0,
            _ => match cue.layout.align {
                TextAlign::Start | TextAlign::Left => 0.0,
                TextAlign::Center => 0.5,
                TextAlign::End | TextAlign::Right => 1.0,
            },
        };
        let top = frame.top() + room * share;
        let behind = Rect::from_min_max(pos2(x - width / 2.0, top), pos2(x + width / 2.0, top + height));
        if let Some(ground) = super::ground(cue, scale) {
            painter.rect_filled(behind, 0.0, ground);
        }
        painter.galley(pos2(x, top), Arc::clone(column), color::WHITE);
    }
}

/// The columns of the cues, those that are too long broken.
fn columns<'c>(
    painter: &Painter,
    height: f32,
    cues: &[&'c Cue],
    at: MediaTime,
    scale: Scale,
) -> Vec<(Arc<Galley>, &'c Cue)> {
    let mut columns = Vec::new();
    for &cue in cues {
        let capacity = ((height / (scale.largest(cue) * LINE)).floor() as usize).max(1);
        let mut job = LayoutJob { halign: Align::Center, ..LayoutJob::default() };
        let mut length = 0;
        for span in &cue.spans {
            let format = letters::format(span, at, scale, Layer::All);
            for letter in span.text.chars() {
                if letter == '\n' || length == capacity {
                    let done = std::mem::replace(&mut job, LayoutJob { halign: Align::Center, ..LayoutJob::default() });
                    columns.push((painter.layout_job(done), cue));
                    length = 0;
                    if columns.len() == MOST_COLUMNS {
                        return columns;
                    }
                }
                if letter != '\n' {
                    let text = if length == 0 { letter.to_string() } else { format!("\n{letter}") };
                    job.append(&text, 0.0, format.clone());
                    length += 1;
                }
            }
        }
        if length > 0 {
            columns.push((painter.layout_job(job), cue));
        }
    }
    columns
}
