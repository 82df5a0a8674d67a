//! A caption memory: 15 rows of 32 columns (ANSI/CTA-608-E §5.1), of which only written cells are seen.

/// Number of rows of the screen.
pub(in crate::text) const ROWS: usize = 15;
/// Number of columns of the screen.
pub(in crate::text) const COLUMNS: usize = 32;

/// Red, green, blue, alpha.
pub(super) type Rgba = [u8; 4];

/// Style of characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pen {
    /// Colour of the text; `None` is white.
    pub color: Option<Rgba>,
    /// Colour behind the text; `None` is black.
    pub background: Option<Rgba>,
    pub italic: bool,
    pub underline: bool,
}

/// A cell of the screen that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub char: char,
    pub pen: Pen,
}

/// A row; cells without writing are transparent.
pub(super) type Row = [Option<Cell>; COLUMNS];

/// A memory of rows and columns, displayed or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Screen {
    rows: Box<[Row; ROWS]>,
}

impl Default for Screen {
    fn default() -> Self {
        Self { rows: Box::new([[None; COLUMNS]; ROWS]) }
    }
}

impl Screen {
    /// The rows from the top.
    pub fn rows(&self) -> &[Row; ROWS] {
        &self.rows
    }

    /// Writes, or erases with `None`. Nothing lies outside.
    pub fn set(&mut self, row: usize, column: usize, cell: Option<Cell>) {
        if let Some(place) = self.rows.get_mut(row).and_then(|row| row.get_mut(column)) {
            *place = cell;
        }
    }

    /// Erases a row from a column on.
    pub fn erase_from(&mut self, row: usize, column: usize) {
        if let Some(cells) = self.rows.get_mut(row).and_then(|row| row.get_mut(column..)) {
            cells.fill(None);
        }
    }

    /// Erases all cells.
    pub fn erase(&mut self) {
        self.rows.fill([None; COLUMNS]);
    }

    /// The rows `base + 1 − count ..= base` go up by one, and the last one becomes empty. What lies above is erased.
    pub fn roll_up(&mut self, base: usize, count: usize) {
        self.keep(base, count);
        let base = base.min(ROWS - 1);
        let top = (base + 1).saturating_sub(count);
        self.rows.copy_within(top + 1..=base, top);
        self.erase_from(base, 0);
    }

    /// Erases all rows but the `count` that end with `base`.
    pub fn keep(&mut self, base: usize, count: usize) {
        for (index, row) in self.rows.iter_mut().enumerate() {
            if index > base || index + count <= base {
                row.fill(None);
            }
        }
    }

    /// Moves the `count` rows that end with `from` so that they end with `to`; everything else is erased.
    pub fn move_window(&mut self, from: usize, to: usize, count: usize) {
        let mut moved = Self::default();
        for up in 0..count {
            let (Some(old), Some(new)) = (from.checked_sub(up), to.checked_sub(up)) else { break };
            if let (Some(old), Some(new)) = (self.rows.get(old), moved.rows.get_mut(new)) {
                *new = *old;
            }
        }
        *self = moved;
    }
}
