//! Windows as cues: one for each visible window with text, anchored inside the safe title area, which is the middle
//! 80 % of the picture both ways (ANSI/CTA-708-E §8.2).

use cea708_types::tables::{Anchor, Direction, EdgeType, FontStyle, Justify};

use super::window::{Cell, Pen, Rgba, Window};
use crate::text::cue::even_out;
use crate::text::{
    Cue, CueLayout, CueSpan, EdgeKind, FontFamily, LineAlign, LinePosition, PositionAlign, SpanStyle, TextAlign,
    TextEdge, Vertical,
};
use crate::time::MediaTime;

/// Start and extent of the safe area, in percent.
const SAFE: (f64, f64) = (10.0, 80.0);
/// Rows and columns of the grid of a wide picture (§8.2).
const GRID: (f64, f64) = (75.0, 210.0);

/// The cues of the visible windows, those that stand before others last.
pub(super) fn cues<'a>(windows: impl Iterator<Item = &'a Window>, at: MediaTime) -> Vec<Cue> {
    let mut visible: Vec<&Window> = windows.filter(|window| window.visible).collect();
    visible.sort_by_key(|window| std::cmp::Reverse(window.priority));
    visible.into_iter().filter_map(|window| cue(window, at)).collect()
}

fn cue(window: &Window, at: MediaTime) -> Option<Cue> {
    let written = |cell: &Option<Cell>| cell.is_some_and(|cell| !cell.char.is_whitespace());
    let lines: Vec<(&[Option<Cell>], usize)> = window
        .lines()
        .iter()
        .filter_map(|line| {
            let from = line.iter().position(written)?;
            let to = line.iter().rposition(written)? + 1;
            Some((line.get(from..to)?, from))
        })
        .collect();
    let left = lines.iter().map(|(_, from)| *from).min()?;
    let indented = matches!(window.attributes.justify, Justify::Left | Justify::Full);
    let mut spans: Vec<CueSpan> = Vec::new();
    for (index, (cells, from)) in lines.iter().enumerate() {
        if index > 0 {
            push_plain(&mut spans, '\n');
        }
        if indented {
            (left..*from).for_each(|_| push_plain(&mut spans, '\u{a0}'));
        }
        for cell in *cells {
            match cell {
                Some(cell) => push(&mut spans, cell.char, style(cell.pen, window)),
                None => push_plain(&mut spans, ' '),
            }
        }
    }
    even_out(&mut spans);
    Some(Cue { id: None, start: at, end: MediaTime::MAX, spans, layout: layout(window), forced: false })
}

fn push(spans: &mut Vec<CueSpan>, char: char, style: SpanStyle) {
    match spans.last_mut() {
        Some(last) if last.style == style => last.text.push(char),
        _ => spans.push(CueSpan { text: char.to_string(), style }),
    }
}

/// Distance belongs to what stands before it.
fn push_plain(spans: &mut Vec<CueSpan>, char: char) {
    match spans.last_mut() {
        Some(last) => last.text.push(char),
        None => spans.push(CueSpan { text: char.to_string(), style: SpanStyle::default() }),
    }
}

/// White on black is what captions are without a style, and is left to the viewer's taste.
fn style(pen: Pen, window: &Window) -> SpanStyle {
    let background = match (pen.background, window.fill()) {
        ([.., 0], [.., 0]) => Some([0; 4]),
        ([.., 0], _) | ([0, 0, 0, 255], _) => None,
        (own, _) => Some(own),
    };
    SpanStyle {
        italic: pen.italic,
        underline: pen.underline,
        color: Some(pen.color).filter(|color| *color != [255; 4]),
        background,
        flash: pen.flash,
        font_family: family(pen.font),
        edge: edge(pen.edge),
        ..SpanStyle::default()
    }
}

fn family(font: FontStyle) -> Option<FontFamily> {
    match font {
        FontStyle::Default => None,
        FontStyle::MonospacedWithSerifs => Some(FontFamily::MonospaceSerif),
        FontStyle::ProportionallySpacedWithSerifs => Some(FontFamily::ProportionalSerif),
        FontStyle::MonospacedWithoutSerifs => Some(FontFamily::MonospaceSansSerif),
        FontStyle::ProportionallySpacedWithoutSerifs => Some(FontFamily::ProportionalSansSerif),
        FontStyle::CasualFontType => Some(FontFamily::Casual),
        FontStyle::CursiveFontType => Some(FontFamily::Cursive),
        FontStyle::SmallCapitals => Some(FontFamily::SmallCapitals),
    }
}

fn edge((kind, color): (EdgeType, Rgba)) -> Option<TextEdge> {
    let kind = match kind {
        EdgeType::Raised => EdgeKind::Raised,
        EdgeType::Depressed => EdgeKind::Depressed,
        EdgeType::Uniform => EdgeKind::Uniform,
        EdgeType::LeftDropShadow => EdgeKind::ShadowLeft,
        EdgeType::RightDropShadow => EdgeKind::ShadowRight,
        EdgeType::None | EdgeType::Undefined6 | EdgeType::Undefined7 => return None,
    };
    Some(TextEdge { kind, color: Some(color), thickness: None })
}

fn layout(window: &Window) -> CueLayout {
    let (row, column) = window.place;
    let grid = if window.relative { (100.0, 100.0) } else { GRID };
    let share = |at: u8, of: f64| SAFE.0 + SAFE.1 * (f64::from(at) / of).min(1.0);
    let (line_align, position_align) = match window.anchor {
        Anchor::TopLeft => (LineAlign::Start, PositionAlign::LineLeft),
        Anchor::TopMiddle => (LineAlign::Start, PositionAlign::Center),
        Anchor::TopRight => (LineAlign::Start, PositionAlign::LineRight),
        Anchor::CenterLeft => (LineAlign::Center, PositionAlign::LineLeft),
        Anchor::CenterMiddle => (LineAlign::Center, PositionAlign::Center),
        Anchor::CenterRight => (LineAlign::Center, PositionAlign::LineRight),
        Anchor::BottomLeft => (LineAlign::End, PositionAlign::LineLeft),
        Anchor::BottomRight => (LineAlign::End, PositionAlign::LineRight),
        // The others are not defined: at the bottom they do least harm.
        _ => (LineAlign::End, PositionAlign::Center),
    };
    let attributes = &window.attributes;
    let to_the_left = attributes.print_direction == Direction::RightToLeft;
    let align = match attributes.justify {
        Justify::Center => TextAlign::Center,
        Justify::Right => TextAlign::Right,
        Justify::Left | Justify::Full if to_the_left => TextAlign::Right,
        Justify::Left | Justify::Full => TextAlign::Left,
    };
    let vertical = match (attributes.print_direction, attributes.scroll_direction) {
        (Direction::TopToBottom | Direction::BottomToTop, Direction::LeftToRight) => Some(Vertical::RightToLeft),
        (Direction::TopToBottom | Direction::BottomToTop, _) => Some(Vertical::LeftToRight),
        (Direction::LeftToRight | Direction::RightToLeft, _) => None,
    };
    CueLayout {
        line: LinePosition::Percent(share(row, grid.0)),
        line_align,
        position: Some(share(column, grid.1)),
        position_align,
        align,
        vertical,
        background: Some(window.fill()).filter(|[.., alpha]| *alpha > 0).filter(|fill| *fill != [0, 0, 0, 255]),
        ..CueLayout::default()
    }
}
