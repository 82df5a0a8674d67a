//! Geometry of the keyboard's focus: the widget that a key leads to, computed from rectangles alone.
//!
//! Widgets that overlap vertically form a line. Left and Right stay on the line, Up and Down go to the nearest line
//! and, on it, to the nearest widget. The bar on top of a page lies above everything, although the page scrolls under
//! it.

use egui::{Id, Rect};

/// A widget that can have the keyboard's focus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// The widget.
    pub id: Id,
    /// Its rectangle in points, also where it is scrolled out of sight.
    pub rect: Rect,
    /// True for widgets of the bar on top of a page.
    pub in_bar: bool,
    /// True for the widget that its line is entered at, such as the chosen one of several.
    pub preferred: bool,
}

/// A key that moves the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// To the line above.
    Up,
    /// To the line below.
    Down,
    /// To the widget on the left.
    Left,
    /// To the widget on the right.
    Right,
    /// To the next widget in reading order; after the last comes the first.
    Next,
    /// To the previous widget in reading order; before the first comes the last.
    Previous,
    /// Up by a window's height.
    PageUp,
    /// Down by a window's height.
    PageDown,
    /// To the first line.
    First,
    /// To the last line.
    Last,
}

/// Share of the window's height that PageUp and PageDown go.
const PAGE_SHARE: f32 = 0.8;
/// Share of the smaller of two heights that must overlap for two widgets to be on one line.
const SAME_LINE: f32 = 0.5;

/// Returns the index of the widget that `movement` leads to from `from`, or `None` at an edge. Without `from` any key
/// leads to [`first`], and Shift+Tab to the last widget. `window_height` is in points.
pub fn target(spots: &[Spot], from: Option<usize>, movement: Move, window_height: f32) -> Option<usize> {
    let Some(from) = from else {
        return if movement == Move::Previous { in_order(spots, None, false) } else { first(spots) };
    };
    match movement {
        Move::Next => in_order(spots, Some(from), true),
        Move::Previous => in_order(spots, Some(from), false),
        Move::Left => sideways(spots, from, false),
        Move::Right => sideways(spots, from, true),
        Move::Up => vertical(spots, from, 0.0, false),
        Move::Down => vertical(spots, from, 0.0, true),
        Move::PageUp => vertical(spots, from, window_height * PAGE_SHARE, false),
        Move::PageDown => vertical(spots, from, window_height * PAGE_SHARE, true),
        Move::First => vertical(spots, from, f32::INFINITY, false),
        Move::Last => vertical(spots, from, f32::INFINITY, true),
    }
}

/// Returns the widget that gets the focus when nothing has it: the preferred one, else the first outside of the bar.
pub fn first(spots: &[Spot]) -> Option<usize> {
    let find = |wanted: fn(&Spot) -> bool| spots.iter().position(wanted);
    find(|spot| spot.preferred && !spot.in_bar).or_else(|| find(|spot| !spot.in_bar)).or_else(|| find(|_| true))
}

/// Reading order: the bar from left to right, then everything else as it was drawn.
fn in_order(spots: &[Spot], from: Option<usize>, forwards: bool) -> Option<usize> {
    let mut bar: Vec<usize> = (0..spots.len()).filter(|&index| spots[index].in_bar).collect();
    bar.sort_by(|&a, &b| spots[a].rect.left().total_cmp(&spots[b].rect.left()));
    let order: Vec<usize> = bar.into_iter().chain((0..spots.len()).filter(|&index| !spots[index].in_bar)).collect();
    let last = order.len().checked_sub(1)?;
    let place = from.and_then(|from| order.iter().position(|&index| index == from));
    let next = match (place, forwards) {
        (Some(place), true) => (place + 1) % order.len(),
        (Some(place), false) => place.checked_sub(1).unwrap_or(last),
        (None, true) => 0,
        (None, false) => last,
    };
    order.get(next).copied()
}

fn on_one_line(a: Rect, b: Rect) -> bool {
    let shared = a.bottom().min(b.bottom()) - a.top().max(b.top());
    shared >= SAME_LINE * a.height().min(b.height())
}

fn sideways(spots: &[Spot], from: usize, right: bool) -> Option<usize> {
    let here = *spots.get(from)?;
    let ahead = |spot: &Spot| {
        let by = spot.rect.center().x - here.rect.center().x;
        if right { by } else { -by }
    };
    let candidates = spots.iter().enumerate().filter(|(index, spot)| {
        *index != from && spot.in_bar == here.in_bar && on_one_line(here.rect, spot.rect) && ahead(spot) > 0.0
    });
    candidates.min_by(|(_, a), (_, b)| ahead(a).total_cmp(&ahead(b))).map(|(index, _)| index)
}

/// The nearest line at least `distance` points away, or the farthest line when there is none.
fn vertical(spots: &[Spot], from: usize, distance: f32, down: bool) -> Option<usize> {
    let here = *spots.get(from)?;
    let page = |spot: &&(usize, Spot)| spot.1.in_bar == here.in_bar;
    let all: Vec<(usize, Spot)> = spots.iter().copied().enumerate().filter(|(index, _)| *index != from).collect();
    let ahead = |spot: &Spot| {
        let by = spot.rect.center().y - here.rect.center().y;
        if down { by } else { -by }
    };
    let beyond: Vec<(usize, Spot)> = all
        .iter()
        .filter(page)
        .filter(|(_, spot)| !on_one_line(here.rect, spot.rect) && ahead(spot) > 0.0)
        .copied()
        .collect();
    if beyond.is_empty() {
        return across(&all, here, down);
    }
    let nearest = |a: &&(usize, Spot), b: &&(usize, Spot)| ahead(&a.1).total_cmp(&ahead(&b.1));
    let line = beyond.iter().filter(|(_, spot)| ahead(spot) >= distance).min_by(nearest);
    let line = line.or_else(|| beyond.iter().max_by(nearest))?;
    enter(beyond.iter().filter(|(_, spot)| on_one_line(line.1.rect, spot.rect)), here.rect)
}

/// Between the bar and the page under it. The way down leads to the first line that the bar does not cover.
fn across(all: &[(usize, Spot)], here: Spot, down: bool) -> Option<usize> {
    if here.in_bar != down {
        return None;
    }
    let mut other: Vec<&(usize, Spot)> = all.iter().filter(|(_, spot)| spot.in_bar != here.in_bar).collect();
    if down && other.iter().any(|(_, spot)| spot.rect.top() >= here.rect.bottom()) {
        other.retain(|(_, spot)| spot.rect.top() >= here.rect.bottom());
    }
    let line = if down {
        other.iter().min_by(|a, b| a.1.rect.top().total_cmp(&b.1.rect.top()))
    } else {
        other.iter().max_by(|a, b| a.1.rect.bottom().total_cmp(&b.1.rect.bottom()))
    };
    let line = line?.1.rect;
    enter(other.into_iter().filter(|(_, spot)| on_one_line(line, spot.rect)), here.rect)
}

/// The widget of a line that is entered from `from`: the preferred one, else the nearest, else the leftmost.
fn enter<'a>(line: impl Iterator<Item = &'a (usize, Spot)>, from: Rect) -> Option<usize> {
    let apart = |rect: Rect| (rect.left() - from.right()).max(from.left() - rect.right()).max(0.0);
    let key = |spot: &Spot| (!spot.preferred, apart(spot.rect), spot.rect.left());
    line.min_by(|(_, a), (_, b)| {
        let ((a, a_apart, a_left), (b, b_apart, b_left)) = (key(a), key(b));
        a.cmp(&b).then(a_apart.total_cmp(&b_apart)).then(a_left.total_cmp(&b_left))
    })
    .map(|(index, _)| *index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{pos2, vec2};

    const WINDOW: f32 = 720.0;

    fn spot(id: &str, x: f32, y: f32, width: f32) -> Spot {
        let rect = Rect::from_min_size(pos2(x, y), vec2(width, 40.0));
        Spot { id: Id::unique(id), rect, in_bar: false, preferred: false }
    }

    /// A bar with a mark and an avatar, two buttons, and rows of three, one and five cards, scrolled up by `scroll`.
    fn page(scroll: f32) -> Vec<Spot> {
        let mut spots = vec![spot("play", 50.0, 400.0 - scroll, 100.0), spot("details", 160.0, 400.0 - scroll, 120.0)];
        spots[0].preferred = true;
        for (row, cards) in [3, 1, 5].into_iter().enumerate() {
            for column in 0..cards {
                let (x, y) = (50.0 + 260.0 * column as f32, 500.0 + 240.0 * row as f32 - scroll);
                spots.push(spot(&format!("card {row} {column}"), x, y, 250.0));
            }
        }
        let bar = [spot("mark", 50.0, 14.0, 128.0), spot("avatar", 1190.0, 14.0, 38.0)];
        spots.extend(bar.map(|spot| Spot { in_bar: true, ..spot }));
        spots
    }

    #[track_caller]
    fn check(spots: &[Spot], from: &str, movement: Move, want: &str) {
        let place = |id: &str| spots.iter().position(|spot| spot.id == Id::unique(id));
        let found = target(spots, place(from), movement, WINDOW);
        assert_eq!(found, place(want), "{from} {movement:?} leads to {:?}", found.map(|found| spots[found]));
    }

    #[test]
    fn the_first_key_focuses_the_most_prominent_thing() {
        for movement in [Move::Down, Move::Right, Move::Next, Move::Last] {
            check(&page(0.0), "nothing", movement, "play");
        }
        check(&page(0.0), "nothing", Move::Previous, "card 2 4");
        assert_eq!(target(&[], None, Move::Down, WINDOW), None);
        assert_eq!(target(&[], Some(3), Move::Down, WINDOW), None);
    }

    #[test]
    fn arrows_walk_the_grid_and_stop_at_its_edges() {
        for scroll in [0.0, 300.0, 600.0] {
            let page = page(scroll);
            check(&page, "card 0 1", Move::Right, "card 0 2");
            check(&page, "card 0 2", Move::Right, "nothing");
            check(&page, "card 0 2", Move::Down, "card 1 0");
            check(&page, "card 1 0", Move::Down, "card 2 0");
            check(&page, "card 2 4", Move::Down, "nothing");
            check(&page, "card 2 0", Move::Left, "nothing");
            check(&page, "card 0 2", Move::Up, "play");
            check(&page, "play", Move::Right, "details");
            check(&page, "details", Move::Down, "card 0 0");
        }
    }

    #[test]
    fn the_bar_lies_above_the_page_however_far_it_is_scrolled() {
        check(&page(0.0), "details", Move::Up, "mark");
        check(&page(390.0), "card 0 0", Move::Up, "play");
        check(&page(0.0), "mark", Move::Right, "avatar");
        check(&page(0.0), "mark", Move::Up, "nothing");
        check(&page(0.0), "avatar", Move::Down, "play");
        check(&page(390.0), "avatar", Move::Down, "card 0 2");
        check(&page(5000.0), "avatar", Move::Down, "play");
    }

    #[test]
    fn tab_goes_through_everything_once_and_around() {
        let page = page(100.0);
        let mut at = target(&page, None, Move::Next, WINDOW);
        let mut seen = Vec::new();
        for _ in 0..page.len() {
            seen.extend(at);
            at = target(&page, at, Move::Next, WINDOW);
        }
        assert_eq!(at, seen.first().copied());
        seen.sort_unstable();
        assert_eq!(seen, (0..page.len()).collect::<Vec<_>>());
        check(&page, "avatar", Move::Next, "play");
        check(&page, "play", Move::Previous, "avatar");
    }

    #[test]
    fn pages_and_ends_are_lines_too() {
        let page = page(0.0);
        check(&page, "play", Move::Last, "card 2 0");
        check(&page, "card 2 3", Move::First, "play");
        check(&page, "play", Move::PageDown, "card 2 0");
        check(&page, "card 2 1", Move::PageUp, "play");
        check(&page, "card 2 1", Move::PageDown, "nothing");
    }
}
