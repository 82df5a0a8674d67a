//! The keyboard's focus on the home screen: a grid of rows with the hero's buttons above it.

use crate::command::Direction;

/// A button on the hero banner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeroButton {
    /// Play or resume.
    Play,
    /// The title's page.
    Details,
}

/// A place that the focus can be at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Focus {
    /// On the hero banner.
    Hero(HeroButton),
    /// On a poster.
    Card {
        /// Which row, from the top.
        row: usize,
        /// Which card, from the left.
        column: usize,
    },
}

/// Where the focus goes from `focus` in a direction. `rows` holds the number of cards in each row, none of them zero;
/// `hero` tells whether there is a banner. At an edge the focus stays. `None` means there is nothing to focus.
pub fn moved(focus: Option<Focus>, direction: Direction, rows: &[usize], hero: bool) -> Option<Focus> {
    let first = if hero {
        Focus::Hero(HeroButton::Play)
    } else if rows.is_empty() {
        return None;
    } else {
        Focus::Card { row: 0, column: 0 }
    };
    let Some(focus) = focus else { return Some(first) };
    Some(match focus {
        Focus::Hero(button) => from_hero(button, direction, rows),
        Focus::Card { row, column } => from_card(row, column, direction, rows, hero).unwrap_or(first),
    })
}

fn from_hero(button: HeroButton, direction: Direction, rows: &[usize]) -> Focus {
    match direction {
        Direction::Left => Focus::Hero(HeroButton::Play),
        Direction::Right => Focus::Hero(HeroButton::Details),
        Direction::Up => Focus::Hero(button),
        Direction::Down if rows.is_empty() => Focus::Hero(button),
        Direction::Down => Focus::Card { row: 0, column: 0 },
    }
}

fn from_card(row: usize, column: usize, direction: Direction, rows: &[usize], hero: bool) -> Option<Focus> {
    // The catalogue may have shrunk since the focus was set.
    let row = row.min(rows.len().checked_sub(1)?);
    let last = |row: usize| rows.get(row).map_or(0, |cards| cards.saturating_sub(1));
    let column = column.min(last(row));
    Some(match direction {
        Direction::Left => Focus::Card { row, column: column.saturating_sub(1) },
        Direction::Right => Focus::Card { row, column: (column + 1).min(last(row)) },
        Direction::Up if row == 0 && hero => Focus::Hero(HeroButton::Play),
        Direction::Up => {
            let row = row.saturating_sub(1);
            Focus::Card { row, column: column.min(last(row)) }
        }
        Direction::Down => {
            let row = (row + 1).min(rows.len() - 1);
            Focus::Card { row, column: column.min(last(row)) }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn card(row: usize, column: usize) -> Option<Focus> {
        Some(Focus::Card { row, column })
    }

    #[test]
    fn the_first_key_focuses_the_most_prominent_thing() {
        assert_eq!(moved(None, Direction::Down, &[3], true), Some(Focus::Hero(HeroButton::Play)));
        assert_eq!(moved(None, Direction::Right, &[3], false), card(0, 0));
        assert_eq!(moved(None, Direction::Right, &[], false), None);
    }

    #[test]
    fn arrows_walk_the_grid_and_stop_at_its_edges() {
        let rows = [3, 1, 5];
        assert_eq!(moved(card(0, 1), Direction::Right, &rows, true), card(0, 2));
        assert_eq!(moved(card(0, 2), Direction::Right, &rows, true), card(0, 2));
        assert_eq!(moved(card(0, 2), Direction::Down, &rows, true), card(1, 0));
        assert_eq!(moved(card(2, 4), Direction::Down, &rows, true), card(2, 4));
        assert_eq!(moved(card(2, 0), Direction::Left, &rows, true), card(2, 0));
        assert_eq!(moved(card(0, 2), Direction::Up, &rows, true), Some(Focus::Hero(HeroButton::Play)));
        assert_eq!(moved(card(0, 2), Direction::Up, &rows, false), card(0, 2));
        assert_eq!(
            moved(Some(Focus::Hero(HeroButton::Play)), Direction::Right, &rows, true),
            Some(Focus::Hero(HeroButton::Details))
        );
    }

    #[test]
    fn a_focus_beyond_a_catalogue_that_shrank_comes_back_inside() {
        assert_eq!(moved(card(9, 9), Direction::Left, &[2, 3], true), card(1, 1));
        assert_eq!(moved(card(9, 9), Direction::Left, &[], true), Some(Focus::Hero(HeroButton::Play)));
    }
}
