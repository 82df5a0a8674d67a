//! Under water: light from above, jellyfish, fish, weeds.

use crate::canvas::{ASPECT, Canvas, add};
use crate::clock::Clock;
use crate::math::{Dice, cos, dim, mix, noise, rgb, sin, smooth};

/// Shafts of light from the surface.
#[derive(Debug, Clone)]
pub struct Shafts {
    /// Place above the picture from which they come, across.
    pub from: f32,
    /// Colour.
    pub colour: u32,
    /// Strength.
    pub strength: f32,
    /// Depth at which they are gone.
    pub until: f32,
}

impl Shafts {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let scale = canvas.scale();
        let colour = rgb(self.colour);
        let sway = 0.35 * sin(clock.phase);
        const STEPS: usize = 512;
        let fan: Vec<f32> = (0..=STEPS)
            .map(|step| {
                let angle = step as f32 / STEPS as f32 * 4.0 - 2.0;
                let a = noise(angle * 5.0 + 40.0 + sway, 4096, 3);
                let b = noise(angle * 11.0 + 40.0 - sway * 1.6, 4096, 4);
                smooth(0.38, 1.0, a * 0.62 + b * 0.38)
            })
            .collect();
        for y in 0..((self.until * scale) as usize).min(canvas.height) {
            let v = (y as f32 + 0.5) / scale;
            let fade = (1.0 - v / self.until) * self.strength;
            let slope = 1.0 / (v + 0.55);
            for (px, pixel) in canvas.row(y).iter_mut().enumerate() {
                let angle = ((px as f32 + 0.5) / scale - self.from) * slope;
                let at = ((angle + 2.0) * (STEPS as f32 / 4.0)).clamp(0.0, STEPS as f32) as usize;
                let wide = 1.0 - (angle * 0.5) * (angle * 0.5);
                if wide > 0.0 {
                    add(pixel, colour, fan[at] * fade * fade * wide);
                }
            }
        }
    }
}

/// Jellyfish that rise with each beat and sink between.
#[derive(Debug, Clone)]
pub struct Jellies {
    /// Number of them.
    pub count: u32,
    /// Smallest and largest.
    pub size: (f32, f32),
    /// Colours of their bells.
    pub colours: Vec<u32>,
    /// Brightness.
    pub strength: f32,
    /// Seed of the jellyfish.
    pub seed: u32,
}

impl Jellies {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let mut dice = Dice::new(self.seed);
        for index in 0..self.count {
            let t = (index as f32 + 0.5) / self.count as f32;
            let size = self.size.0 + (self.size.1 - self.size.0) * t * t;
            let across = ((index as f32 * 0.618 + dice.roll() * 0.2).fract()) * (ASPECT + 0.1) - 0.05;
            let height = dice.between(0.18, 0.72);
            let (turn, hue) = (dice.roll(), rgb(dice.pick(&self.colours)));
            let beat = clock.turns(0.32) + turn;
            let x = across + 0.05 * sin(clock.phase + turn);
            let y = height - 0.035 * sin(beat) - 0.05 * sin(clock.phase + turn * 3.0);
            self.draw_one(canvas, (x, y), size, beat, hue);
        }
    }

    fn draw_one(&self, canvas: &mut Canvas, (x, y): (f32, f32), size: f32, beat: f32, hue: [f32; 3]) {
        let pulse = 0.5 + 0.5 * sin(beat);
        let (wide, tall) = (size * (0.78 + 0.26 * pulse), size * (0.80 - 0.14 * pulse));
        let light = self.strength;
        canvas.glow((x, y), size * 2.6, hue, 0.16 * light);
        for arm in 0..9 {
            let root = (arm as f32 / 8.0 - 0.5) * 1.6;
            let long = size * (2.1 + 1.5 * ((arm * 37 % 11) as f32 / 11.0));
            let mut from = (x + root * wide, y + 0.05 * size);
            for step in 1..=14 {
                let t = step as f32 / 14.0;
                let wave = sin(t * 0.9 - beat + arm as f32 * 0.13) * size * 0.22 * t;
                let to = (x + root * wide * (1.0 - 0.35 * t) + wave, y + 0.05 * size + long * t);
                let thin = size * 0.018 * (1.0 - 0.8 * t);
                canvas.line(from, to, (thin, thin * 0.9), mix(hue, [1.0; 3], 0.25), 0.34 * light * (1.0 - t * 0.8));
                from = to;
            }
        }
        for arm in 0..4 {
            let root = (arm as f32 / 3.0 - 0.5) * 0.7;
            let mut from = (x + root * wide, y);
            for step in 1..=9 {
                let t = step as f32 / 9.0;
                let wave = sin(t * 1.4 - beat + arm as f32 * 0.21) * size * 0.20 * t;
                let to = (x + root * wide + wave, y + size * 1.7 * t);
                let thick = size * 0.10 * (1.0 - 0.75 * t);
                canvas.line(from, to, (thick, thick * 0.9), mix(hue, [1.0, 0.85, 0.95], 0.4), 0.14 * light);
                from = to;
            }
        }
        self.draw_bell(canvas, (x, y), (wide, tall), hue);
    }

    /// The bell: bright at its rim and along its ribs.
    fn draw_bell(&self, canvas: &mut Canvas, (x, y): (f32, f32), (wide, tall): (f32, f32), hue: [f32; 3]) {
        let scale = canvas.scale();
        let (left, right) = (((x - wide) * scale).max(0.0) as usize, ((x + wide) * scale + 1.0).max(0.0) as usize);
        let (top, bottom) =
            (((y - tall) * scale).max(0.0) as usize, ((y + tall * 0.32) * scale + 1.0).max(0.0) as usize);
        for py in top..bottom.min(canvas.height) {
            let v = ((py as f32 + 0.5) / scale - y) / tall;
            for px in left..right.min(canvas.width) {
                let u = ((px as f32 + 0.5) / scale - x) / wide;
                // The lower rim curves inwards.
                let v = if v > 0.0 { v * (3.2 + 1.5 * cos(u * 2.5).abs()) } else { v };
                let far = u * u + v * v;
                if far >= 1.0 {
                    continue;
                }
                let up = (1.0 - far).sqrt();
                let rib = 0.75 + 0.25 * cos(u / (0.35 + 0.65 * (1.0 - v * v).max(0.05)) * 2.4);
                let rim = (1.0 - up) * (1.0 - up);
                let light =
                    (0.22 + 0.85 * rim + 0.25 * (1.0 - v).max(0.0) * up * 0.5) * rib * smooth(0.0, 0.12, 1.0 - far);
                add(
                    &mut canvas.pixels[py * canvas.width + px],
                    mix(hue, [1.0; 3], rim * 0.35),
                    light * self.strength * 0.75,
                );
            }
        }
    }
}

/// A shoal of small fish that swim across together.
#[derive(Debug, Clone)]
pub struct Shoal {
    /// Number of fish.
    pub count: u32,
    /// Height of the middle.
    pub at: f32,
    /// Size of a fish.
    pub size: f32,
    /// Colour.
    pub colour: u32,
    /// Seed of the shoal.
    pub seed: u32,
}

impl Shoal {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let mut dice = Dice::new(self.seed);
        let colour = rgb(self.colour);
        for _ in 0..self.count {
            let (along, turn) = (dice.roll(), dice.roll());
            let spread = (dice.roll() + dice.roll() - 1.0) * 0.16;
            let x = (along * 0.55 + clock.turns(0.06)).fract() * (ASPECT + 1.0) - 0.5;
            let y = self.at + spread + 0.06 * sin(x * 0.45 + 0.2) + 0.012 * sin(clock.turns(0.3) + turn);
            let size = self.size * dice.between(0.7, 1.2);
            let tone = dim(colour, dice.between(0.6, 1.1));
            let flap = sin(clock.turns(1.2) + turn) * size * 0.35;
            canvas.ellipse((x, y), (size, size * 0.34), size * 0.2, tone, 0.9);
            canvas.line((x - size * 0.8, y), (x - size * 1.7, y + flap), (size * 0.12, size * 0.36), tone, 0.8);
        }
    }
}

/// Weeds that stand on the ground and sway.
#[derive(Debug, Clone)]
pub struct Weeds {
    /// Number of weeds.
    pub count: u32,
    /// From and to, across.
    pub between: (f32, f32),
    /// Longest.
    pub tall: f32,
    /// Colours of the shortest and the longest.
    pub colours: (u32, u32),
    /// Seed of the weeds.
    pub seed: u32,
}

impl Weeds {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let mut dice = Dice::new(self.seed);
        for _ in 0..self.count {
            let x = dice.between(self.between.0, self.between.1);
            let tall = self.tall * dice.between(0.35, 1.0);
            let (turn, thick) = (dice.roll(), self.tall * dice.between(0.018, 0.034));
            let colour = mix(rgb(self.colours.0), rgb(self.colours.1), tall / self.tall);
            let mut from = (x, 1.02);
            for step in 1..=10 {
                let t = step as f32 / 10.0;
                let sway = 0.10 * tall * t * t * sin(clock.turns(0.14) + turn - t * 0.35) + 0.02 * sin(t * 1.3 + turn);
                let to = (x + sway, 1.02 - tall * t);
                let wide = thick * (1.0 - 0.75 * t) * (1.0 + 0.35 * sin(t * 3.0 + turn));
                canvas.line(from, to, (wide, wide * 0.95), colour, 1.0);
                from = to;
            }
        }
    }
}
