//! A caption channel: control codes and characters applied to its screens (ANSI/CTA-608-E §6, and 47 CFR §15.119 (f)
//! for a receiver's behaviour in the three modes).

use cea608_types::tables::{Color, Control, MidRow, PreambleAddressCode};

use super::screen::{COLUMNS, Cell, Pen, ROWS, Rgba, Screen};

/// Captioning mode: the memory that characters are written to, and their display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Into the hidden memory, which is shown as a whole.
    PopOn,
    /// Written onto the screen directly.
    PaintOn,
    /// Onto the last of this number of rows, which move up at a carriage return.
    RollUp(usize),
}

/// One of the four caption channels.
#[derive(Clone, Debug)]
pub(in crate::text) struct Channel {
    /// Unknown before the first code that sets it: characters before it are lost (§C.10).
    mode: Option<Mode>,
    shown: Screen,
    hidden: Screen,
    row: usize,
    /// One more than the last column when the row is full.
    column: usize,
    pen: Pen,
    /// True while characters are text, not captions, until a captioning mode is resumed.
    text: bool,
    /// True if the screen was composed out of sight, so its lines keep their written positions.
    composed: bool,
    changed: bool,
}

impl Default for Channel {
    fn default() -> Self {
        Self {
            mode: None,
            shown: Screen::default(),
            hidden: Screen::default(),
            row: ROWS - 1,
            column: 0,
            pen: Pen::default(),
            text: false,
            composed: false,
            changed: false,
        }
    }
}

impl Channel {
    /// Returns the screen that is displayed.
    pub fn shown(&self) -> &Screen {
        &self.shown
    }

    /// Returns true if whole lines appeared on screen at once.
    pub const fn is_composed(&self) -> bool {
        self.composed
    }

    /// Returns true once after the screen may have changed.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Writes at the cursor.
    pub fn write(&mut self, char: char) {
        let pen = self.pen;
        self.put(Some(Cell { char, pen }));
    }

    fn put(&mut self, cell: Option<Cell>) {
        let (row, column) = (self.row, self.column.min(COLUMNS - 1));
        if let Some(screen) = self.target() {
            screen.set(row, column, cell);
            self.column = (column + 1).min(COLUMNS);
        }
    }

    /// The memory that is written into.
    fn target(&mut self) -> Option<&mut Screen> {
        if self.text {
            return None;
        }
        match self.mode? {
            Mode::PopOn => Some(&mut self.hidden),
            Mode::PaintOn | Mode::RollUp(_) => {
                self.changed = true;
                Some(&mut self.shown)
            }
        }
    }

    /// Follows a control code.
    pub fn control(&mut self, code: Control) {
        match code {
            Control::ResumeCaptionLoading => self.enter(Mode::PopOn),
            Control::ResumeDirectionCaptioning => self.enter(Mode::PaintOn),
            Control::RollUp2 => self.enter(Mode::RollUp(2)),
            Control::RollUp3 => self.enter(Mode::RollUp(3)),
            Control::RollUp4 => self.enter(Mode::RollUp(4)),
            Control::TextRestart | Control::ResumeTextDisplay => self.text = true,
            Control::EraseDisplayedMemory => {
                self.shown.erase();
                self.changed = true;
            }
            Control::EraseNonDisplayedMemory => self.hidden.erase(),
            Control::EndOfCaption => {
                std::mem::swap(&mut self.shown, &mut self.hidden);
                self.enter(Mode::PopOn);
                self.composed = true;
                self.changed = true;
            }
            _ if self.text => {}
            Control::CarriageReturn => self.carriage_return(),
            Control::Backspace => self.backspace(),
            Control::DeleteToEndOfRow => {
                let (row, column) = (self.row, self.column);
                if let Some(screen) = self.target() {
                    screen.erase_from(row, column);
                }
            }
            Control::TabOffset1 => self.tab(1),
            Control::TabOffset2 => self.tab(2),
            Control::TabOffset3 => self.tab(3),
            Control::PreambleAddress(preamble) => self.preamble(preamble),
            Control::MidRow(change) => self.mid_row(change),
            // It takes a cell like a mid-row code (§6.2); nothing flashes here.
            Control::FlashOn => self.write(' '),
            Control::TransparentSpace => self.put(None),
            // Alarms and unknown codes have no character.
            other => self.special(other),
        }
    }

    /// Special characters stand for themselves; extended ones replace the one before, which older receivers show in
    /// their place (§6.4.2).
    fn special(&mut self, code: Control) {
        let field = cea608_types::tables::Field::ONE;
        let code = cea608_types::tables::ControlCode::new(field, cea608_types::tables::Channel::ONE, code);
        let code = cea608_types::tables::Code::Control(code);
        let Some(char) = code.char() else { return };
        if code.needs_backspace() {
            self.backspace();
        }
        self.write(char);
    }

    fn enter(&mut self, mode: Mode) {
        self.text = false;
        if let Mode::RollUp(rows) = mode {
            match self.mode {
                Some(Mode::RollUp(before)) => {
                    if rows < before {
                        self.shown.keep(self.row, rows);
                        self.changed = true;
                    }
                }
                Some(Mode::PopOn | Mode::PaintOn) | None => {
                    self.shown.erase();
                    self.hidden.erase();
                    self.row = ROWS - 1;
                    self.changed = true;
                }
            }
            if self.mode != Some(mode) {
                self.column = 0;
                self.pen = Pen::default();
            }
            self.row = self.row.max(rows - 1);
        }
        if mode != Mode::PopOn {
            self.composed = false;
        }
        self.mode = Some(mode);
    }

    fn carriage_return(&mut self) {
        if let Some(Mode::RollUp(rows)) = self.mode {
            self.shown.roll_up(self.row, rows);
            self.column = 0;
            self.pen = Pen::default();
            self.changed = true;
        }
    }

    fn backspace(&mut self) {
        if let Some(column) = self.column.checked_sub(1) {
            let row = self.row;
            if let Some(screen) = self.target() {
                screen.set(row, column, None);
                self.column = column;
            }
        }
    }

    fn tab(&mut self, columns: usize) {
        self.column = (self.column + columns).min(COLUMNS - 1);
    }

    fn preamble(&mut self, preamble: PreambleAddressCode) {
        let row = usize::from(preamble.row()).min(ROWS - 1);
        self.row = match self.mode {
            Some(Mode::RollUp(rows)) => {
                let row = row.max(rows - 1);
                if row != self.row {
                    self.shown.move_window(self.row, row, rows);
                    self.changed = true;
                }
                row
            }
            Some(Mode::PopOn | Mode::PaintOn) | None => row,
        };
        // At most 28 (ANSI/CTA-608-E table 53).
        self.column = usize::from(preamble.column());
        self.pen = Pen {
            color: ink(preamble.color()),
            background: None,
            italic: preamble.italics(),
            underline: preamble.underline(),
        };
    }

    /// A mid-row code takes a cell (§6.2): a colour ends italics, and italics keep the colour.
    fn mid_row(&mut self, change: MidRow) {
        self.write(' ');
        match change.color() {
            Some(color) => {
                self.pen.color = ink(color);
                self.pen.italic = false;
            }
            None => self.pen.italic = true,
        }
        self.pen.underline = change.underline();
    }

    /// Background attributes (§6.2, table 3) replace the space before them, as older receivers see only that.
    pub fn background(&mut self, code: [u8; 2]) {
        if self.text {
            return;
        }
        self.backspace();
        match code {
            [0x10, attribute] => {
                let [red, green, blue] = match (attribute >> 1) & 7 {
                    0 => [255, 255, 255],
                    1 => [0, 255, 0],
                    2 => [0, 0, 255],
                    3 => [0, 255, 255],
                    4 => [255, 0, 0],
                    5 => [255, 255, 0],
                    6 => [255, 0, 255],
                    _ => [0, 0, 0],
                };
                let alpha = if attribute & 1 == 0 { 255 } else { 128 };
                self.pen.background = Some([red, green, blue, alpha]);
            }
            [_, 0x2d] => self.pen.background = Some([0; 4]),
            [_, attribute] => {
                self.pen.color = Some([0, 0, 0, 255]);
                self.pen.underline = attribute & 1 != 0;
            }
        }
        self.write(' ');
    }
}

/// The colour of text; white is what text is without a colour.
fn ink(color: Color) -> Option<Rgba> {
    match color {
        Color::White => None,
        Color::Green => Some([0, 255, 0, 255]),
        Color::Blue => Some([0, 0, 255, 255]),
        Color::Cyan => Some([0, 255, 255, 255]),
        Color::Red => Some([255, 0, 0, 255]),
        Color::Yellow => Some([255, 255, 0, 255]),
        Color::Magenta => Some([255, 0, 255, 255]),
    }
}
