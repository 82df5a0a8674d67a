//! A pond seen from above: carp, lilies, rings on the water.

use crate::canvas::{ASPECT, Canvas, add};
use crate::clock::Clock;
use crate::math::{Dice, Rgb, cos, dim, hash, mix, rgb, sin, smooth};

/// Water with the net of light that waves throw on the ground.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Colours at the edge and in the middle.
    pub colours: (u32, u32),
    /// Colour of the net of light.
    pub light: u32,
    /// Its strength.
    pub strength: f32,
}

impl Pool {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let scale = canvas.scale();
        let (edge, middle, light) = (rgb(self.colours.0), rgb(self.colours.1), rgb(self.light));
        let beat = clock.phase;
        let quick = clock.turns(0.2);
        for y in 0..canvas.height {
            let v = (y as f32 + 0.5) / scale;
            let rows = [sin(v * 1.7 + beat), sin(v * 1.1 - beat + 0.3)];
            for (px, pixel) in canvas.row(y).iter_mut().enumerate() {
                let u = (px as f32 + 0.5) / scale;
                let far = ((u - 0.95) * (u - 0.95) * 0.6 + (v - 0.45) * (v - 0.45)).min(1.0);
                let a = u * 2.6 + 0.23 * rows[0] + 0.06 * sin(v * 5.1 + quick);
                let b = v * 2.9 + u * 0.8 + 0.23 * rows[1] + 0.07 * sin(u * 4.3 - quick);
                // Bright where two families of lines are near each other.
                let lines = (sin(a) + sin(b) + sin(a * 0.7 + b * 0.9 + beat)) * 0.333;
                let net = 1.0 - smooth(0.0, 0.22, lines.abs());
                *pixel = mix(middle, edge, smooth(0.0, 0.75, far));
                add(pixel, light, net * net * self.strength * (1.0 - 0.7 * far));
            }
        }
    }
}

/// Carp that swim along closed paths.
#[derive(Debug, Clone)]
pub struct Carp {
    /// Number of them.
    pub count: u32,
    /// Length of half a fish.
    pub size: f32,
    /// Colours of their bodies.
    pub bodies: Vec<u32>,
    /// Colours of their spots.
    pub spots: Vec<u32>,
    /// Darkness of their shadows.
    pub shadow: f32,
    /// Seed of the carp.
    pub seed: u32,
}

/// A closed path: middle, half axes, turns up and down for one across, and begin.
#[derive(Clone, Copy)]
struct Path {
    middle: (f32, f32),
    axes: (f32, f32),
    folds: f32,
    start: f32,
    direction: f32,
}

impl Path {
    fn at(self, turn: f32) -> (f32, f32) {
        let turn = self.start + turn * self.direction;
        (self.middle.0 + self.axes.0 * sin(turn), self.middle.1 + self.axes.1 * cos(turn * self.folds + self.start))
    }
}

impl Carp {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let mut dice = Dice::new(self.seed);
        for index in 0..self.count {
            let path = Path {
                middle: (dice.between(0.55, 1.25), dice.between(0.36, 0.64)),
                axes: (dice.between(0.35, 0.75), dice.between(0.16, 0.36)),
                folds: if index % 3 == 0 { 2.0 } else { 1.0 },
                start: dice.roll(),
                direction: if index % 2 == 0 { 1.0 } else { -1.0 },
            };
            let size = self.size * dice.between(0.75, 1.15);
            let (body, spot) = (rgb(dice.pick(&self.bodies)), rgb(dice.pick(&self.spots)));
            let swim = clock.turns(0.75 + 0.3 * dice.roll());
            // One round of the path in a scene, of 20 seconds at the least.
            let turn = clock.turns(0.045);
            self.draw_one(canvas, (path, turn), (swim, size), (body, spot), index as i32);
        }
    }

    fn draw_one(
        &self,
        canvas: &mut Canvas,
        (path, turn): (Path, f32),
        (swim, size): (f32, f32),
        (body, spot): (Rgb, Rgb),
        seed: i32,
    ) {
        let ahead = path.at(turn + 0.012);
        let here = path.at(turn);
        let (dx, dy) = (ahead.0 - here.0, ahead.1 - here.1);
        let long = (dx * dx + dy * dy).sqrt().max(1e-5);
        let (dx, dy) = (dx / long, dy / long);
        // The body bends after the path, and beats with its tail.
        let behind = path.at(turn - 0.02);
        let bend = ((here.0 - behind.0) * dy - (here.1 - behind.1) * dx).clamp(-0.05, 0.05) * 2.0;
        let spine = |t: f32| {
            let back = t * size * 2.0 - size * 0.5;
            let wave = sin(swim - t * 0.75) * size * 0.13 * t * t + bend * t * t;
            (here.0 - dx * back - dy * wave, here.1 - dy * back + dx * wave)
        };
        const PARTS: usize = 22;
        let radius = |t: f32| size * (0.24 * smooth(-0.12, 0.22, t) * (1.0 - smooth(0.25, 1.0, t) * 0.86));
        for part in 0..PARTS {
            let t = part as f32 / (PARTS - 1) as f32;
            let at = spine(t);
            canvas.disc(
                (at.0 + size * 0.16, at.1 + size * 0.24),
                radius(t),
                size * 0.16,
                [0.0, 0.03, 0.04],
                self.shadow * 0.3,
            );
        }
        let fin = mix(body, [1.0; 3], 0.25);
        for side in [-1.0, 1.0] {
            let root = spine(0.24);
            let beat = 0.25 * sin(swim + 0.25 * side);
            let tip = (
                root.0 - dx * size * (0.26 + beat * 0.3) - dy * side * size * 0.42,
                root.1 - dy * size * (0.26 + beat * 0.3) + dx * side * size * 0.42,
            );
            canvas.line(
                (root.0 - dy * side * size * 0.12, root.1 + dx * side * size * 0.12),
                tip,
                (size * 0.05, size * 0.11),
                fin,
                0.55,
            );
        }
        let (tail, end) = (spine(0.96), spine(1.25));
        for side in [-1.0, 1.0] {
            let tip = (end.0 - dy * side * size * 0.15, end.1 + dx * side * size * 0.15);
            canvas.line(tail, tip, (size * 0.05, size * 0.10), fin, 0.6);
        }
        for part in (0..PARTS).rev() {
            let t = part as f32 / (PARTS - 1) as f32;
            let patch = hash(seed * 31 + (t * 5.5) as i32, 3);
            let colour = if patch > 0.52 { spot } else { body };
            canvas.disc(spine(t), radius(t), size * 0.03, dim(colour, 0.93), 1.0);
            canvas.disc(spine(t), radius(t) * 0.55, radius(t) * 0.8, mix(colour, [1.0; 3], 0.16), 0.55);
        }
        for side in [-1.0, 1.0] {
            let head = spine(0.07);
            canvas.disc(
                (head.0 - dy * side * size * 0.13, head.1 + dx * side * size * 0.13),
                size * 0.028,
                size * 0.02,
                [0.05, 0.05, 0.07],
                0.9,
            );
        }
    }
}

/// Leaves and blossoms of water lilies.
#[derive(Debug, Clone)]
pub struct Lilies {
    /// Place and radius of each leaf.
    pub each: Vec<(f32, f32, f32)>,
    /// Colour of the leaves.
    pub leaf: u32,
    /// Colour of the blossoms.
    pub blossom: u32,
    /// Seed of their order.
    pub seed: u32,
}

impl Lilies {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let mut dice = Dice::new(self.seed);
        let leaf = rgb(self.leaf);
        for &(x, y, size) in &self.each {
            let (turn, notch) = (dice.roll(), dice.roll());
            let (x, y) = (x + 0.006 * sin(clock.phase + turn), y + 0.005 * cos(clock.phase + turn * 2.0));
            canvas.disc((x + size * 0.10, y + size * 0.16), size, size * 0.2, [0.0, 0.03, 0.03], 0.35);
            let tone = dim(leaf, dice.between(0.82, 1.15));
            canvas.disc((x, y), size, 0.002, tone, 1.0);
            canvas.disc(
                (x - size * 0.12, y - size * 0.14),
                size * 0.72,
                size * 0.6,
                mix(tone, [0.9, 1.0, 0.7], 0.22),
                0.8,
            );
            for vein in 0..9 {
                let angle = notch + 0.06 + vein as f32 * 0.11;
                let end = (x + sin(angle) * size * 0.9, y + cos(angle) * size * 0.9);
                canvas.line((x, y), end, (size * 0.012, size * 0.004), dim(tone, 0.72), 0.6);
            }
            // The notch shows the water.
            for step in 0..5 {
                let angle = notch - 0.028 + step as f32 * 0.014;
                let end = (x + sin(angle) * size * 1.01, y + cos(angle) * size * 1.01);
                canvas.line((x, y), end, (size * 0.01, size * 0.05), [0.03, 0.16, 0.17], 0.95);
            }
            if dice.roll() > 0.55 {
                self.draw_blossom(canvas, (x - size * 0.2, y - size * 0.1), size * 0.5, turn);
            }
        }
    }

    fn draw_blossom(&self, canvas: &mut Canvas, (x, y): (f32, f32), size: f32, turn: f32) {
        let colour = rgb(self.blossom);
        for (ring, reach) in [(0.0, 1.0), (0.05, 0.72), (0.02, 0.45)] {
            for petal in 0..9 {
                let angle = turn + ring + petal as f32 / 9.0;
                let tip = (x + sin(angle) * size * reach, y + cos(angle) * size * reach);
                let shade = mix(dim(colour, 0.86), [1.0; 3], (1.0 - reach) * 0.5);
                canvas.line((x, y), tip, (size * 0.17, size * 0.05), shade, 1.0);
            }
        }
        canvas.disc((x, y), size * 0.16, size * 0.08, [0.98, 0.82, 0.35], 1.0);
    }
}

/// Rings that spread on the water where something touched it.
#[derive(Debug, Clone)]
pub struct Rings {
    /// Number of places.
    pub count: u32,
    /// Largest radius.
    pub size: f32,
    /// Colour.
    pub colour: u32,
    /// Opacity, from 0 to 1.
    pub strength: f32,
    /// Seed of the places.
    pub seed: u32,
}

impl Rings {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let mut dice = Dice::new(self.seed);
        let scale = canvas.scale();
        for _ in 0..self.count {
            let (x, y) = (dice.roll() * ASPECT, dice.roll());
            let t = (dice.roll() + clock.turns(0.2)).fract();
            let size = self.size * dice.between(0.5, 1.0);
            for ring in 0..3 {
                let age = t * 1.3 - ring as f32 * 0.11;
                if age <= 0.0 || age >= 1.0 {
                    continue;
                }
                let (radius, fade) = (size * age, (1.0 - age) * (1.0 - age) * self.strength);
                let steps = ((radius * scale * 0.5) as usize).clamp(16, 90);
                for step in 0..steps {
                    let (a, b) = (step as f32 / steps as f32, (step + 1) as f32 / steps as f32);
                    let at = |turn: f32| (x + sin(turn) * radius, y + cos(turn) * radius);
                    let side = 0.55 + 0.45 * cos(a - 0.6);
                    canvas.line(at(a), at(b), (0.0016, 0.0016), rgb(self.colour), fade * side);
                }
            }
        }
    }
}
