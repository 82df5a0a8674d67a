//! Where a picture goes on screen: as large as fits, in its own proportions, turned as it asks.

use egui::{Pos2, Rect, Vec2};

/// A picture's place and turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// Where it is drawn.
    pub rect: Rect,
    /// Clockwise quarter turns, 0–3.
    pub turns: u8,
}

/// Fits a picture of so many pixels, of a pixel aspect and of a rotation in degrees into an area, centred.
/// A size or aspect of zero counts as one.
pub fn fit(area: Rect, width: u32, height: u32, pixel_aspect: (u32, u32), rotation: u16) -> Fit {
    let turns = ((u32::from(rotation) + 45) / 90 % 4) as u8;
    let aspect = f64::from(pixel_aspect.0.max(1)) / f64::from(pixel_aspect.1.max(1));
    let (mut across, mut down) = (f64::from(width.max(1)) * aspect, f64::from(height.max(1)));
    if turns % 2 == 1 {
        std::mem::swap(&mut across, &mut down);
    }
    let scale = (f64::from(area.width()) / across).min(f64::from(area.height()) / down).max(0.0);
    let size = Vec2::new((across * scale) as f32, (down * scale) as f32);
    Fit { rect: Rect::from_center_size(area.center(), size), turns }
}

impl Fit {
    /// For each corner of the screen rectangle (top left, top right, bottom left, bottom right) the place in the
    /// picture, 0–1, that is shown there.
    pub fn corners(&self) -> [Pos2; 4] {
        let corner = |across: f32, down: f32| {
            let (x, y) = match self.turns {
                0 => (across, down),
                1 => (down, 1.0 - across),
                2 => (1.0 - across, 1.0 - down),
                _ => (1.0 - down, across),
            };
            Pos2::new(x, y)
        };
        [corner(0.0, 0.0), corner(1.0, 0.0), corner(0.0, 1.0), corner(1.0, 1.0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(width: f32, height: f32) -> Rect {
        Rect::from_min_size(Pos2::ZERO, Vec2::new(width, height))
    }

    #[test]
    fn pictures_keep_their_proportions() {
        let check = |area: Rect, size: (u32, u32), aspect: (u32, u32), rotation: u16, want: (f32, f32)| {
            let fit = fit(area, size.0, size.1, aspect, rotation);
            let got = fit.rect.size();
            assert!((got.x - want.0).abs() < 0.5 && (got.y - want.1).abs() < 0.5, "{size:?}: {got:?} is not {want:?}");
            assert!((fit.rect.center() - area.center()).length() < 0.01);
        };
        check(area(1280.0, 720.0), (1920, 1080), (1, 1), 0, (1280.0, 720.0));
        check(area(1280.0, 720.0), (1440, 1080), (1, 1), 0, (960.0, 720.0));
        check(area(1280.0, 720.0), (1440, 1080), (4, 3), 0, (1280.0, 720.0));
        check(area(1000.0, 1000.0), (1920, 800), (1, 1), 0, (1000.0, 416.67));
        check(area(1280.0, 720.0), (1920, 1080), (1, 1), 90, (405.0, 720.0));
        check(area(100.0, 100.0), (0, 0), (0, 0), 0, (100.0, 100.0));
    }

    #[test]
    fn a_clockwise_turn_brings_the_bottom_left_to_the_top_left() {
        let turned = fit(area(100.0, 100.0), 10, 10, (1, 1), 90).corners();
        assert_eq!(turned[0], Pos2::new(0.0, 1.0));
        assert_eq!(turned[1], Pos2::new(0.0, 0.0));
        let half = fit(area(100.0, 100.0), 10, 10, (1, 1), 180).corners();
        assert_eq!(half[0], Pos2::new(1.0, 1.0));
        let other = fit(area(100.0, 100.0), 10, 10, (1, 1), 270).corners();
        assert_eq!(other[0], Pos2::new(1.0, 0.0));
    }
}
