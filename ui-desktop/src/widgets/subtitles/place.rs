//! Where cues go: by the settings of WebVTT (W3C TR webvtt1 §7), or into the area or region that they name.

use egui::{Rect, Vec2, pos2, vec2};
use player_core::text::{Area, CueLayout, DisplayAlign, LineAlign, LinePosition, PositionAlign, Region, TextAlign};

/// Distance from the edges of the picture, as a share of its height.
const SAFE: f32 = 0.04;

/// A part of the picture that cues follow each other in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    /// Its edges.
    pub outer: Rect,
    /// Where text may stand.
    pub inner: Rect,
    /// Where the lines stand in it.
    pub align: DisplayAlign,
}

impl Frame {
    /// Of the area or region of a cue; `None` when the cue stands free. `line_height` is in points.
    pub fn of(layout: &CueLayout, picture: Rect, line_height: f32) -> Option<Self> {
        match (&layout.area, &layout.region) {
            (Some(area), _) => Some(Self::of_area(area, picture)),
            (None, Some(region)) => Some(Self::of_region(region, picture, line_height)),
            (None, None) => None,
        }
    }

    fn of_area(area: &Area, picture: Rect) -> Self {
        let x = |percent: f64| picture.width() * share(percent);
        let y = |percent: f64| picture.height() * share(percent);
        let corner = pos2(picture.left() + x(area.origin.0), picture.top() + y(area.origin.1));
        let outer = Rect::from_min_size(corner, vec2(x(area.extent.0).max(0.0), y(area.extent.1).max(0.0)));
        let [top, right, bottom, left] = area.padding;
        let min = pos2(outer.left() + x(left), outer.top() + y(top));
        let max = pos2((outer.right() - x(right)).max(min.x), (outer.bottom() - y(bottom)).max(min.y));
        Self { outer, inner: Rect::from_min_max(min, max), align: area.display_align }
    }

    /// A region is some lines high, and new lines come in at its bottom (W3C TR webvtt1 §7.2).
    fn of_region(region: &Region, picture: Rect, line_height: f32) -> Self {
        let height = (region.lines.min(100) as f32 * line_height).min(picture.height());
        let size = vec2(picture.width() * share(region.width), height);
        let x = picture.width() * share(region.viewport_anchor.0) - size.x * share(region.region_anchor.0);
        let y = picture.height() * share(region.viewport_anchor.1) - size.y * share(region.region_anchor.1);
        let outer = Rect::from_min_size(pos2(picture.left() + x, picture.top() + y), size);
        Self { outer, inner: outer, align: DisplayAlign::After }
    }

    /// The top of lines that are so high together. Lines that do not fit overflow at the end.
    pub fn top(&self, height: f32) -> f32 {
        let free = (self.inner.height() - height).max(0.0);
        self.inner.top()
            + match self.align {
                DisplayAlign::Before => 0.0,
                DisplayAlign::Center => free / 2.0,
                DisplayAlign::After => self.inner.height() - height,
            }
    }
}

/// A percentage as a share; wild numbers stay drawable.
fn share(percent: f64) -> f32 {
    (percent as f32 / 100.0).clamp(-10.0, 10.0)
}

/// The part of the picture that free cues keep to.
pub(super) fn safe(picture: Rect) -> Rect {
    picture.shrink(picture.height() * SAFE)
}

/// Where a box of a size goes.
pub(super) fn place(layout: &CueLayout, size: Vec2, picture: Rect, line_height: f32, lift: f32) -> Rect {
    let inside = safe(picture);
    let x = {
        let (position, align) = position(layout);
        let at = picture.left() + picture.width() * position;
        let left = match align {
            PositionAlign::LineLeft => at,
            PositionAlign::LineRight => at - size.x,
            PositionAlign::Auto | PositionAlign::Center => at - size.x / 2.0,
        };
        left.clamp(inside.left(), (inside.right() - size.x).max(inside.left()))
    };
    let bottom = (inside.bottom() - lift.max(0.0)).max(inside.top() + size.y);
    let top = match layout.line {
        LinePosition::Auto => bottom - size.y,
        LinePosition::Line(line) if line < 0.0 => bottom + (line as f32 + 1.0) * line_height - size.y,
        LinePosition::Line(line) => inside.top() + line as f32 * line_height,
        LinePosition::Percent(share) => {
            let at = picture.top() + picture.height() * (share as f32 / 100.0);
            match layout.line_align {
                LineAlign::Start => at,
                LineAlign::Center => at - size.y / 2.0,
                LineAlign::End => at - size.y,
            }
        }
    };
    let top = top.clamp(inside.top(), (bottom - size.y).max(inside.top()));
    Rect::from_min_size(pos2(x, top), size)
}

/// The computed position and its alignment (W3C TR webvtt1 §3.1 "computed position").
pub(super) fn position(layout: &CueLayout) -> (f32, PositionAlign) {
    let automatic = match layout.align {
        TextAlign::Start | TextAlign::Left => (0.0, PositionAlign::LineLeft),
        TextAlign::Center => (0.5, PositionAlign::Center),
        TextAlign::End | TextAlign::Right => (1.0, PositionAlign::LineRight),
    };
    let share = layout.position.map_or(automatic.0, |percent| (percent as f32 / 100.0).clamp(0.0, 1.0));
    let align = if layout.position_align == PositionAlign::Auto { automatic.1 } else { layout.position_align };
    (share, align)
}

/// Moves a box off those that are there already: up, and down when there is no room above.
pub(super) fn avoid(wanted: Rect, taken: &[Rect], picture: Rect) -> Rect {
    let free = |rect: &Rect| !taken.iter().any(|other| other.shrink(0.5).intersects(*rect));
    let mut rect = wanted;
    while !free(&rect) && rect.top() > picture.top() {
        let Some(blocker) = taken.iter().find(|other| other.shrink(0.5).intersects(rect)) else { break };
        rect = rect.translate(vec2(0.0, blocker.top() - rect.bottom() - 2.0));
    }
    if rect.top() >= picture.top() {
        return rect;
    }
    let mut rect = wanted;
    while let Some(blocker) = taken.iter().find(|other| other.shrink(0.5).intersects(rect)) {
        rect = rect.translate(vec2(0.0, blocker.bottom() - rect.top() + 2.0));
        if rect.bottom() > picture.bottom() {
            return wanted;
        }
    }
    rect
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: Rect = Rect::from_min_max(pos2(100.0, 0.0), pos2(1100.0, 600.0));

    fn placed(layout: &CueLayout, lift: f32) -> Rect {
        place(layout, vec2(200.0, 40.0), PICTURE, 40.0, lift)
    }

    #[test]
    fn cues_stand_where_they_say() {
        let bottom = placed(&CueLayout::default(), 0.0);
        assert!((bottom.center().x - 600.0).abs() < 0.1 && (bottom.bottom() - 576.0).abs() < 0.1, "{bottom:?}");
        assert!((placed(&CueLayout::default(), 100.0).bottom() - 476.0).abs() < 0.1);
        let top = placed(&CueLayout { line: LinePosition::Line(0.0), ..CueLayout::default() }, 0.0);
        assert!((top.top() - 24.0).abs() < 0.1);
        let middle = CueLayout { line: LinePosition::Percent(50.0), ..CueLayout::default() };
        assert!((placed(&middle, 0.0).top() - 300.0).abs() < 0.1);
        let right = CueLayout { align: TextAlign::End, ..CueLayout::default() };
        assert!((placed(&right, 0.0).right() - 1076.0).abs() < 0.1);
        let at_fifth =
            CueLayout { position: Some(20.0), position_align: PositionAlign::LineLeft, ..CueLayout::default() };
        assert!((placed(&at_fifth, 0.0).left() - 300.0).abs() < 0.1);
    }

    #[test]
    fn wild_numbers_stay_inside_the_picture() {
        for line in [LinePosition::Line(1e9), LinePosition::Line(-1e9), LinePosition::Percent(1e9), LinePosition::Auto]
        {
            let layout = CueLayout { line, position: Some(-1e9), ..CueLayout::default() };
            assert!(PICTURE.contains_rect(placed(&layout, 1e9)), "{line:?}: {:?}", placed(&layout, 1e9));
        }
    }

    #[test]
    fn areas_are_shares_of_the_picture_less_their_padding() {
        let area = Area {
            origin: (10.0, 20.0),
            extent: (50.0, 40.0),
            padding: [5.0, 1.0, 5.0, 2.0],
            display_align: DisplayAlign::After,
            ..Area::default()
        };
        let layout = CueLayout { area: Some(std::sync::Arc::new(area)), ..CueLayout::default() };
        let frame = Frame::of(&layout, PICTURE, 40.0).unwrap_or_else(|| panic!("the cue has an area"));
        assert_eq!(frame.outer, Rect::from_min_max(pos2(200.0, 120.0), pos2(700.0, 360.0)));
        assert_eq!(frame.inner, Rect::from_min_max(pos2(220.0, 150.0), pos2(690.0, 330.0)));
        assert!((frame.top(50.0) - 280.0).abs() < 0.1);
        // Lines that do not fit grow away from the edge that they are aligned with.
        assert!((frame.top(200.0) - 130.0).abs() < 0.1);
        let before = Frame { align: DisplayAlign::Before, ..frame };
        let middle = Frame { align: DisplayAlign::Center, ..frame };
        assert!((before.top(50.0) - 150.0).abs() < 0.1 && (middle.top(50.0) - 215.0).abs() < 0.1);
    }

    #[test]
    fn regions_hang_on_their_anchors() {
        let region = Region {
            id: "r".to_owned(),
            width: 40.0,
            lines: 3,
            region_anchor: (0.0, 100.0),
            viewport_anchor: (10.0, 90.0),
            scroll_up: true,
        };
        let layout = CueLayout { region: Some(std::sync::Arc::new(region)), ..CueLayout::default() };
        let frame = Frame::of(&layout, PICTURE, 40.0).unwrap_or_else(|| panic!("the cue has a region"));
        assert_eq!(frame.outer, Rect::from_min_max(pos2(200.0, 420.0), pos2(600.0, 540.0)));
    }

    #[test]
    fn two_cues_at_one_place_do_not_overlap() {
        let first = placed(&CueLayout::default(), 0.0);
        let second = avoid(first, &[first], PICTURE);
        assert!(!second.intersects(first.shrink(1.0)) && second.bottom() <= first.top());
        let high = Rect::from_min_size(pos2(200.0, 2.0), vec2(100.0, 40.0));
        assert!(avoid(high, &[high], PICTURE).top() >= high.bottom());
    }
}
