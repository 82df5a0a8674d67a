//! A window: where it stands, how it looks, and the text that its pen has written (ANSI/CTA-708-E §8.4 to §8.10).

use cea708_types::tables::{
    Anchor, Code, Color, ColorValue, DefineWindowArgs, Direction, EdgeType, Ext1, FontStyle, Opacity,
    SetPenAttributesArgs, SetPenColorArgs, SetWindowAttributesArgs,
};

/// Red, green, blue, alpha.
pub(super) type Rgba = [u8; 4];

/// Style of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pen {
    /// Colour of the text.
    pub color: Rgba,
    /// Colour behind the text.
    pub background: Rgba,
    pub italic: bool,
    pub underline: bool,
    /// Text or ground flashes.
    pub flash: bool,
    /// The kind of type.
    pub font: FontStyle,
    /// Edge drawn around each letter, and its colour.
    pub edge: (EdgeType, Rgba),
}

/// A cell of the window that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub char: char,
    pub pen: Pen,
}

/// A window of a service: its text, position and style.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub visible: bool,
    /// Lower numbers stand before higher ones (§8.4.2).
    pub priority: u8,
    /// Point of the window that `place` positions.
    pub anchor: Anchor,
    /// Position: rows and columns of the grid, or hundredths of the safe area when `relative`.
    pub place: (u8, u8),
    /// True if `place` is in hundredths of the safe area.
    pub relative: bool,
    /// Alignment of lines, and the direction in which they move.
    pub attributes: SetWindowAttributesArgs,
    /// Lines from the first; in each, cells in the direction of printing.
    lines: Vec<Vec<Option<Cell>>>,
    columns: usize,
    row: usize,
    column: usize,
    pen: Pen,
}

impl Window {
    /// A window that was not there before. Without a style it has the first one (§8.10.5.2).
    pub fn new(args: &DefineWindowArgs) -> Self {
        Self {
            visible: args.visible,
            priority: args.priority,
            anchor: args.anchor_point,
            place: (args.anchor_vertical, args.anchor_horizontal),
            relative: args.relative_positioning,
            attributes: args.window_attributes(),
            lines: vec![Vec::new(); usize::from(args.row_count) + 1],
            columns: usize::from(args.column_count) + 1,
            row: 0,
            column: 0,
            pen: Pen::new(&args.pen_attributes(), &args.pen_color()),
        }
    }

    /// A definition of a window that is there: its text stays as far as it fits; without a style its style stays.
    pub fn redefine(&mut self, args: &DefineWindowArgs) {
        self.visible = args.visible;
        self.priority = args.priority;
        self.anchor = args.anchor_point;
        self.place = (args.anchor_vertical, args.anchor_horizontal);
        self.relative = args.relative_positioning;
        self.columns = usize::from(args.column_count) + 1;
        let rows = usize::from(args.row_count) + 1;
        if rows < self.lines.len() {
            self.lines.drain(..self.lines.len() - rows);
        }
        self.lines.resize(rows, Vec::new());
        self.row = self.row.min(rows - 1);
        if args.window_style_id != 0 {
            self.attributes = args.window_attributes();
        }
        if args.pen_style_id != 0 {
            self.pen = Pen::new(&args.pen_attributes(), &args.pen_color());
        }
    }

    /// The lines from the first to be read.
    pub fn lines(&self) -> &[Vec<Option<Cell>>] {
        &self.lines
    }

    /// Erases the text of all rows.
    pub fn clear(&mut self) {
        self.lines.iter_mut().for_each(Vec::clear);
        (self.row, self.column) = (0, 0);
    }

    /// Follows a code that is for the current window.
    pub fn follow(&mut self, code: &Code) {
        match code {
            Code::BS => self.backspace(),
            Code::FF => self.clear(),
            Code::CR => self.carriage_return(),
            Code::HCR => {
                if let Some(line) = self.lines.get_mut(self.row) {
                    line.clear();
                }
                self.column = 0;
            }
            Code::SetPenAttributes(attributes) => self.pen.set_attributes(attributes),
            Code::SetPenColor(colors) => self.pen.set_colors(colors),
            Code::SetPenLocation(place) => {
                self.row = usize::from(place.row).min(self.lines.len() - 1);
                self.column = usize::from(place.column).min(self.columns - 1);
            }
            Code::SetWindowAttributes(attributes) => self.attributes = *attributes,
            Code::P16(unit) => self.write(char::from_u32(u32::from(*unit)).unwrap_or(char::REPLACEMENT_CHARACTER)),
            Code::NUL | Code::ETX | Code::Unknown(_) => {}
            // What an extended set does not define is shown as an underscore (§7.1.11).
            Code::Ext1(Ext1::Unknown(bytes)) => {
                if matches!(bytes.as_slice(), [0x20..=0x7f | 0xa0..=0xff]) {
                    self.write('_');
                }
            }
            // The table of characters has none for the one sign of G3.
            Code::Ext1(Ext1::ClosedCaptionSign) => self.write('㏄'),
            other => {
                if let Some(char) = other.char() {
                    self.write(char);
                }
            }
        }
    }

    /// Lines move up when there is no room below; the only other way that is used with horizontal text moves them
    /// down.
    fn scrolls_up(&self) -> bool {
        self.attributes.scroll_direction != Direction::TopToBottom
    }

    /// The pen goes to the next line, and the lines move when it was on the last one (§7.1.4.1).
    fn carriage_return(&mut self) {
        self.column = 0;
        if self.scrolls_up() {
            if self.row + 1 < self.lines.len() {
                self.row += 1;
            } else {
                self.lines.rotate_left(1);
                if let Some(last) = self.lines.last_mut() {
                    last.clear();
                }
            }
        } else if self.row > 0 {
            self.row -= 1;
        } else {
            self.lines.rotate_right(1);
            if let Some(first) = self.lines.first_mut() {
                first.clear();
            }
        }
    }

    fn backspace(&mut self) {
        if let Some(column) = self.column.checked_sub(1) {
            if let Some(cell) = self.lines.get_mut(self.row).and_then(|line| line.get_mut(column)) {
                *cell = None;
            }
            self.column = column;
        }
    }

    /// Writes at the pen. In the last column it stays.
    fn write(&mut self, char: char) {
        let column = self.column.min(self.columns - 1);
        let pen = self.pen;
        if let Some(line) = self.lines.get_mut(self.row) {
            if line.len() <= column {
                line.resize(column + 1, None);
            }
            if let Some(cell) = line.get_mut(column) {
                *cell = Some(Cell { char, pen });
            }
        }
        self.column = (column + 1).min(self.columns);
    }

    /// The colour of the window itself.
    pub fn fill(&self) -> Rgba {
        rgba(self.attributes.fill_color, self.attributes.fill_opacity)
    }
}

impl Pen {
    fn new(attributes: &SetPenAttributesArgs, colors: &SetPenColorArgs) -> Self {
        let mut pen = Self {
            color: [0; 4],
            background: [0; 4],
            italic: false,
            underline: false,
            flash: false,
            font: FontStyle::Default,
            edge: (EdgeType::None, [0; 4]),
        };
        pen.set_attributes(attributes);
        pen.set_colors(colors);
        pen
    }

    fn set_attributes(&mut self, attributes: &SetPenAttributesArgs) {
        self.italic = attributes.italics;
        self.underline = attributes.underline;
        self.font = attributes.font_style;
        self.edge.0 = attributes.edge_type;
    }

    fn set_colors(&mut self, colors: &SetPenColorArgs) {
        self.color = rgba(colors.foreground_color, colors.foreground_opacity);
        self.background = rgba(colors.background_color, colors.background_opacity);
        self.edge.1 = rgba(colors.edge_color, Opacity::Solid);
        self.flash = [colors.foreground_opacity, colors.background_opacity].contains(&Opacity::Flash);
    }
}

/// Two bits a colour (§8.8). Flashing is kept apart from the colour.
fn rgba(color: Color, opacity: Opacity) -> Rgba {
    let level = |value: ColorValue| match value {
        ColorValue::None => 0,
        ColorValue::OneThird => 85,
        ColorValue::TwoThirds => 170,
        ColorValue::Full => 255,
    };
    let alpha = match opacity {
        Opacity::Solid | Opacity::Flash => 255,
        Opacity::Translucent => 128,
        Opacity::Transparent => 0,
    };
    [level(color.r), level(color.g), level(color.b), alpha]
}
