//! Pictures of profiles, painted from simple shapes so that they are sharp at any size.

use egui::epaint::EllipseShape;
use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, vec2};
use kinora_api::AVATARS;

use super::{Line, elided, paint_strong};
use crate::theme::mix;
use crate::theme::tokens::color;

/// Paints the disc of a profile: its picture, else the first letter of its name on the ground number `index`. `heat` 0–1 is
/// that of a hovered button.
pub fn paint_avatar(
    painter: &Painter,
    (center, radius): (Pos2, f32),
    (avatar, name): (Option<&str>, &str),
    index: usize,
    heat: f32,
) {
    let picture = avatar.and_then(|id| AVATARS.iter().position(|known| *known == id));
    let Some(number) = picture else {
        let (light, _) = color::POSTER_GROUNDS[index % color::POSTER_GROUNDS.len()];
        painter.circle_filled(center, radius, mix(light, color::RAISED_HOVER, heat * 0.3));
        let initial = name.trim().chars().next().unwrap_or('•').to_uppercase().to_string();
        let line = Line { size: radius * 0.85, color: color::TEXT, rows: 1, width: radius * 2.0 };
        let letter = elided(painter, &initial, line);
        paint_strong(painter, center - letter.size() / 2.0, &letter, color::TEXT);
        return;
    };
    let (ground, figure, detail) = color::AVATARS[number % color::AVATARS.len()];
    let ground = mix(ground, color::RAISED_HOVER, heat * 0.3);
    painter.circle_filled(center, radius, ground);
    let brush = Brush { painter, center, unit: radius / 12.0, ground, figure, detail };
    match AVATARS[number] {
        "fox" => brush.fox(),
        "owl" => brush.owl(),
        "cat" => brush.cat(),
        "bear" => brush.bear(),
        "whale" => brush.whale(),
        "frog" => brush.frog(),
        "robot" => brush.robot(),
        "rocket" => brush.rocket(),
        "moon" => brush.moon(),
        "star" => brush.star(0.0, 0.4, 7.8, figure),
        "leaf" => brush.leaf(),
        _ => brush.wave(),
    }
}

/// Paints in a disc with a radius of 12 units.
struct Brush<'a> {
    painter: &'a Painter,
    center: Pos2,
    unit: f32,
    ground: Color32,
    figure: Color32,
    detail: Color32,
}

impl Brush<'_> {
    fn at(&self, (x, y): (f32, f32)) -> Pos2 {
        self.center + vec2(x, y) * self.unit
    }

    fn disc(&self, place: (f32, f32), radius: f32, ink: Color32) {
        self.painter.circle_filled(self.at(place), radius * self.unit, ink);
    }

    fn oval(&self, place: (f32, f32), (width, height): (f32, f32), ink: Color32) {
        let radius = vec2(width, height) * self.unit;
        self.painter.add(EllipseShape::filled(self.at(place), radius, ink));
    }

    /// A convex figure.
    fn area(&self, points: &[(f32, f32)], ink: Color32) {
        let points = points.iter().map(|point| self.at(*point)).collect();
        self.painter.add(Shape::convex_polygon(points, ink, Stroke::NONE));
    }

    fn line(&self, points: &[(f32, f32)], width: f32, ink: Color32) {
        let points: Vec<Pos2> = points.iter().map(|point| self.at(*point)).collect();
        self.painter.line(points, Stroke::new(width * self.unit, ink));
    }

    fn eyes(&self, x: f32, y: f32, radius: f32) {
        self.disc((-x, y), radius, color::ON_ACCENT);
        self.disc((x, y), radius, color::ON_ACCENT);
    }

    fn both(&self, points: &[(f32, f32)], ink: Color32) {
        self.area(points, ink);
        let mirrored: Vec<(f32, f32)> = points.iter().rev().map(|(x, y)| (-x, *y)).collect();
        self.area(&mirrored, ink);
    }

    fn fox(&self) {
        self.both(&[(-7.6, -7.8), (-1.6, -3.6), (-7.2, 0.6)], self.figure);
        self.area(&[(-7.2, -1.4), (-3.0, -4.2), (3.0, -4.2), (7.2, -1.4), (0.0, 7.6)], self.figure);
        self.both(&[(-7.2, -0.6), (-2.4, 1.4), (0.0, 7.6)], self.detail);
        self.eyes(2.7, -0.6, 0.8);
        self.disc((0.0, 6.6), 1.2, color::ON_ACCENT);
    }

    fn owl(&self) {
        self.both(&[(-6.2, -8.0), (-1.0, -4.8), (-6.0, -1.5)], self.figure);
        self.oval((0.0, 0.8), (6.4, 7.4), self.figure);
        self.oval((0.0, 4.2), (4.0, 3.6), self.detail);
        for x in [-2.7, 2.7] {
            self.disc((x, -2.2), 2.7, self.detail);
        }
        self.eyes(2.5, -2.1, 1.3);
        self.area(&[(-1.1, -0.6), (1.1, -0.6), (0.0, 1.8)], color::ACCENT);
    }

    fn cat(&self) {
        self.both(&[(-6.8, -7.6), (-1.4, -4.6), (-6.2, -0.4)], self.figure);
        self.oval((0.0, 0.8), (6.8, 5.8), self.figure);
        self.eyes(2.6, -0.2, 0.9);
        self.area(&[(-1.0, 1.6), (1.0, 1.6), (0.0, 2.8)], self.detail);
        for (near, far) in [(1.9, 1.0), (2.9, 3.2)] {
            self.line(&[(-3.0, near), (-8.6, far)], 0.35, self.detail);
            self.line(&[(3.0, near), (8.6, far)], 0.35, self.detail);
        }
    }

    fn bear(&self) {
        for x in [-5.0, 5.0] {
            self.disc((x, -4.8), 2.6, self.figure);
            self.disc((x, -4.8), 1.3, self.detail);
        }
        self.disc((0.0, 0.6), 6.6, self.figure);
        self.oval((0.0, 3.2), (3.3, 2.6), self.detail);
        self.eyes(2.6, -0.8, 0.85);
        self.oval((0.0, 2.2), (1.3, 0.9), color::ON_ACCENT);
    }

    fn whale(&self) {
        self.both(&[(-0.6, 0.0), (-3.4, -2.6), (-2.8, 0.6)], self.ground);
        self.oval((-1.0, 2.2), (7.2, 4.6), self.figure);
        self.area(&[(4.6, 2.8), (8.2, -3.4), (8.8, -0.6), (6.0, 3.8)], self.figure);
        self.area(&[(8.4, -1.6), (5.2, -4.4), (8.6, -3.6)], self.figure);
        self.area(&[(8.4, -1.6), (10.6, -5.0), (8.0, -3.6)], self.figure);
        self.oval((-2.0, 4.4), (5.0, 2.0), self.detail);
        self.disc((-4.8, 1.2), 0.8, color::ON_ACCENT);
        self.line(&[(-2.0, -2.8), (-2.0, -5.4), (-3.8, -6.6)], 0.8, self.detail);
        self.line(&[(-2.0, -5.4), (-0.2, -6.6)], 0.8, self.detail);
    }

    fn frog(&self) {
        self.oval((0.0, 1.8), (7.4, 5.2), self.figure);
        for x in [-4.0, 4.0] {
            self.disc((x, -3.4), 2.9, self.figure);
            self.disc((x, -3.4), 1.9, self.detail);
        }
        self.eyes(4.0, -3.3, 1.0);
        self.line(&[(-4.4, 2.6), (-2.0, 4.0), (0.0, 4.4), (2.0, 4.0), (4.4, 2.6)], 0.7, color::ON_ACCENT);
    }

    fn robot(&self) {
        self.line(&[(0.0, -4.0), (0.0, -7.6)], 0.9, self.figure);
        self.disc((0.0, -7.8), 1.3, self.detail);
        let head = Rect::from_min_max(self.at((-6.2, -4.6)), self.at((6.2, 6.0)));
        self.painter.rect_filled(head, 2.0 * self.unit, self.figure);
        for x in [-2.7, 2.7] {
            self.disc((x, -0.6), 1.8, color::ON_ACCENT);
            self.disc((x, -0.6), 0.9, self.detail);
        }
        self.line(&[(-3.0, 3.6), (3.0, 3.6)], 1.1, color::ON_ACCENT);
    }

    fn rocket(&self) {
        self.area(&[(-1.6, 5.4), (1.6, 5.4), (0.0, 9.6)], color::ACCENT);
        self.both(&[(-2.4, 1.2), (-2.2, 5.4), (-5.6, 6.8)], self.detail);
        self.oval((0.0, -0.8), (3.2, 7.4), self.figure);
        self.area(&[(-2.3, -5.8), (0.0, -8.4), (2.3, -5.8)], self.detail);
        self.disc((0.0, -1.8), 1.7, self.ground);
    }

    fn moon(&self) {
        self.disc((-0.6, 0.2), 7.0, self.figure);
        self.disc((2.6, -1.6), 6.0, self.ground);
        self.star(5.0, 3.4, 1.9, self.detail);
        self.star(2.6, -3.6, 1.5, self.detail);
    }

    fn star(&self, x: f32, y: f32, radius: f32, ink: Color32) {
        let point = |turn: f32, reach: f32| {
            let angle = std::f32::consts::TAU * turn - std::f32::consts::FRAC_PI_2;
            let offset = vec2(angle.cos(), angle.sin()) * reach;
            (x + offset.x, y + offset.y)
        };
        let inner = radius * 0.42;
        let core: Vec<(f32, f32)> = (0..5).map(|k| point((k as f32 + 0.5) / 5.0, inner)).collect();
        self.area(&core, ink);
        for k in 0..5 {
            let turn = k as f32 / 5.0;
            self.area(&[point(turn, radius), point(turn + 0.1, inner), point(turn - 0.1, inner)], ink);
        }
    }

    fn leaf(&self) {
        let blade =
            [(7.0, -7.0), (6.6, 0.0), (3.4, 4.8), (-1.6, 6.0), (-5.2, 5.2), (-6.0, 1.6), (-4.8, -3.4), (0.0, -6.6)];
        self.area(&blade, self.figure);
        self.line(&[(-8.2, 8.2), (4.4, -4.4)], 0.8, self.detail);
        for (along, reach) in [(-2.6, 3.2), (0.4, 3.4)] {
            self.line(&[(along, -along), (along, -along - reach)], 0.6, self.detail);
            self.line(&[(along, -along), (along + reach, -along)], 0.6, self.detail);
        }
    }

    fn wave(&self) {
        for (row, ink) in [(-3.4, self.detail), (0.6, self.figure), (4.6, self.figure)] {
            let half = (72.0_f32 - row * row).max(0.0).sqrt();
            let points: Vec<(f32, f32)> = (0..=24)
                .map(|k| {
                    let x = half * (k as f32 / 12.0 - 1.0);
                    (x, row + (x * 0.85 + row).sin() * 1.2)
                })
                .collect();
            self.line(&points, 1.9, ink);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_picture_has_its_colours() {
        assert_eq!(AVATARS.len(), color::AVATARS.len());
        let grounds: std::collections::BTreeSet<_> =
            color::AVATARS.iter().map(|(ground, ..)| ground.to_array()).collect();
        assert_eq!(grounds.len(), AVATARS.len(), "grounds differ, so that profiles do");
    }
}
