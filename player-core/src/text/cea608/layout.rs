//! A screen as cues: one for each block of adjacent rows, placed by rows and columns inside the safe caption area,
//! which is the middle 80 % of the picture both ways (ANSI/CTA-608-E §C.2).

use super::screen::{COLUMNS, Cell, Pen, ROWS, Row, Screen};
use crate::text::cue::even_out;
use crate::text::{Cue, CueLayout, CueSpan, LineAlign, LinePosition, PositionAlign, SpanStyle, TextAlign};
use crate::time::MediaTime;

/// Start and extent of the safe area, in percent.
const SAFE: (f64, f64) = (10.0, 80.0);
/// Lines of characters that are not all equally wide look centred when the two margins differ by fewer columns.
const OFF_CENTRE: usize = 3;

/// A row with writing: from where to where, the end excluded.
#[derive(Clone, Copy, Debug)]
struct Line<'a> {
    cells: &'a Row,
    from: usize,
    to: usize,
}

/// Returns the cues of a screen, from the top. Lines that appeared as a whole and stand in the middle are centred; all
/// others begin at their column.
pub(super) fn cues(screen: &Screen, composed: bool, at: MediaTime) -> Vec<Cue> {
    let mut cues = Vec::new();
    let mut block: Vec<Line<'_>> = Vec::new();
    for (index, row) in screen.rows().iter().enumerate() {
        match line(row) {
            Some(line) => block.push(line),
            None => cues.extend(cue(&std::mem::take(&mut block), index, composed, at)),
        }
    }
    cues.extend(cue(&block, ROWS, composed, at));
    cues
}

fn line(cells: &Row) -> Option<Line<'_>> {
    let written = |cell: &Option<Cell>| cell.is_some_and(|cell| cell.char != ' ');
    let from = cells.iter().position(written)?;
    let to = cells.iter().rposition(written)? + 1;
    Some(Line { cells, from, to })
}

/// A block of lines that ends before row `end`.
fn cue(block: &[Line<'_>], end: usize, composed: bool, at: MediaTime) -> Option<Cue> {
    let left = block.iter().map(|line| line.from).min()?;
    let centred = composed && block.iter().all(|line| line.from.abs_diff(COLUMNS - line.to) < OFF_CENTRE);
    let mut spans: Vec<CueSpan> = Vec::new();
    for (index, line) in block.iter().enumerate() {
        if index > 0 {
            push(&mut spans, Pen::default(), '\n', true);
        }
        if !centred {
            (left..line.from).for_each(|_| push(&mut spans, Pen::default(), '\u{a0}', true));
        }
        for cell in line.cells.get(line.from..line.to).unwrap_or_default() {
            match cell {
                Some(cell) => push(&mut spans, cell.pen, cell.char, false),
                None => push(&mut spans, Pen::default(), ' ', true),
            }
        }
    }
    even_out(&mut spans);
    let layout = layout(end - block.len(), end, left, centred);
    Some(Cue { id: None, start: at, end: MediaTime::MAX, spans, layout, forced: false })
}

/// Appends a character; one that is only distance (`plain`) needs no separate span.
fn push(spans: &mut Vec<CueSpan>, pen: Pen, char: char, plain: bool) {
    let style = SpanStyle {
        italic: pen.italic,
        underline: pen.underline,
        color: pen.color,
        background: pen.background,
        ..SpanStyle::default()
    };
    match spans.last_mut() {
        Some(last) if last.style == style || (plain && char == '\n') => last.text.push(char),
        _ => spans.push(CueSpan { text: char.to_string(), style }),
    }
}

/// The upper half hangs from its first row, the lower half stands on its last: type that is larger than the rows
/// then grows towards the middle.
fn layout(top: usize, end: usize, left: usize, centred: bool) -> CueLayout {
    let share = |at: usize, of: usize| SAFE.0 + SAFE.1 * at as f64 / of as f64;
    let (line, line_align) =
        if end > ROWS / 2 + 1 { (share(end, ROWS), LineAlign::End) } else { (share(top, ROWS), LineAlign::Start) };
    let (position, position_align, align) = if centred {
        (50.0, PositionAlign::Center, TextAlign::Center)
    } else {
        (share(left, COLUMNS), PositionAlign::LineLeft, TextAlign::Left)
    };
    CueLayout {
        line: LinePosition::Percent(line),
        line_align,
        position: Some(position),
        position_align,
        size: if centred { 100.0 } else { 100.0 - position },
        align,
        ..CueLayout::default()
    }
}
