//! Layers that fly: snow, petals, fireflies, lanterns, balloons, birds.

use crate::canvas::{ASPECT, Canvas};
use crate::clock::Clock;
use crate::math::{Dice, Rgb, cos, dim, mix, rgb, sin, smooth};

/// Small things in the air.
#[derive(Debug, Clone)]
pub struct Motes {
    /// Their kind.
    pub kind: Mote,
    /// Number of them.
    pub count: u32,
    /// Smallest and largest.
    pub size: (f32, f32),
    /// Colours.
    pub colours: Vec<u32>,
    /// Opacity, from 0 to 1.
    pub strength: f32,
    /// Seed of their order.
    pub seed: u32,
}

/// Kind of [`Motes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mote {
    /// Falls and sways.
    Snow,
    /// Falls, sways far and turns.
    Petal,
    /// Wanders and glows now and then.
    Firefly,
    /// Rises and glows steadily.
    Lantern,
    /// Rises quickly; a small ring.
    Bubble,
    /// Hangs in the light and hardly moves.
    Dust,
}

impl Motes {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let mut dice = Dice::new(self.seed);
        for index in 0..self.count {
            let near = (index as f32 + 0.5) / self.count as f32;
            let size = self.size.0 + (self.size.1 - self.size.0) * near * near;
            let (x, y, turn, beat) = (dice.roll() * (ASPECT + 0.2) - 0.1, dice.roll(), dice.roll(), dice.roll());
            let colour = rgb(dice.pick(&self.colours));
            self.draw_one(canvas, clock, (x, y), (size, near), (turn, beat), colour);
        }
    }

    fn draw_one(
        &self,
        canvas: &mut Canvas,
        clock: Clock,
        (x, y): (f32, f32),
        (size, near): (f32, f32),
        (turn, beat): (f32, f32),
        colour: Rgb,
    ) {
        let alpha = self.strength * (0.4 + 0.6 * near);
        let through = |hertz: f32| (y + clock.turns(hertz)).fract() * 1.16 - 0.08;
        match self.kind {
            Mote::Snow => {
                let at = (x + 0.035 * sin(clock.turns(0.1 + 0.1 * beat) + turn), through(0.06 + 0.10 * near));
                canvas.disc(at, size, size * 0.9, colour, alpha);
            }
            Mote::Petal => {
                let at = (x + 0.10 * sin(clock.turns(0.12) + turn), through(0.08 + 0.05 * near));
                let flat = 0.3 + 0.7 * sin(clock.turns(0.5 + beat * 0.4) + turn).abs();
                canvas.ellipse(at, (size, size * flat), size * 0.3, colour, alpha);
            }
            Mote::Firefly => {
                let at = (
                    x + 0.06 * sin(clock.phase + turn) + 0.02 * sin(clock.phase * 3.0 + beat),
                    y + 0.05 * cos(clock.phase + beat) + 0.015 * sin(clock.phase * 2.0 + turn),
                );
                let light = smooth(-0.15, 0.9, sin(clock.turns(0.22) + beat)) * self.strength;
                canvas.glow(at, size * 7.0, colour, light * 0.5);
                canvas.glow(at, size * 1.6, mix(colour, [1.0; 3], 0.6), light);
            }
            Mote::Lantern => {
                let at = (x + 0.03 * sin(clock.phase + turn), 1.08 - (y + clock.turns(0.03)).fract() * 1.16);
                let light = self.strength * (0.85 + 0.15 * sin(clock.turns(0.7) + beat));
                canvas.glow(at, size * 5.0, colour, light * 0.40);
                canvas.ellipse(at, (size * 0.72, size), size * 0.25, colour, light);
                canvas.ellipse(
                    (at.0, at.1 + size * 0.45),
                    (size * 0.5, size * 0.45),
                    size * 0.6,
                    mix(colour, [1.0, 0.95, 0.75], 0.75),
                    light,
                );
            }
            Mote::Bubble => {
                let at = (
                    x + 0.02 * sin(clock.turns(0.3) + turn),
                    1.08 - (y + clock.turns(0.10 + 0.06 * near)).fract() * 1.16,
                );
                canvas.disc(at, size, size * 0.4, colour, alpha * 0.25);
                canvas.disc((at.0 - size * 0.3, at.1 - size * 0.3), size * 0.25, size * 0.2, [1.0; 3], alpha * 0.7);
            }
            Mote::Dust => {
                let at = (x + 0.02 * sin(clock.phase + turn), y + 0.02 * cos(clock.phase + beat));
                let light = self.strength * (0.5 + 0.5 * sin(clock.turns(0.2) + turn));
                canvas.glow(at, size * 2.0, colour, light);
            }
        }
    }
}

/// Hot-air balloons.
#[derive(Debug, Clone)]
pub struct Balloons {
    /// Place, radius, and the colours of the panels, of each.
    pub each: Vec<(f32, f32, f32, [u32; 3])>,
    /// Distance that they drift to the side and back.
    pub drift: f32,
    /// True if their flames light them from within.
    pub are_lit: bool,
}

impl Balloons {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        for (index, &(x, y, size, colours)) in self.each.iter().enumerate() {
            let turn = index as f32 * 0.31;
            let x = x + self.drift * sin(clock.phase + turn) * (size / 0.1).min(1.5);
            let y = y + 0.018 * sin(clock.phase + turn * 2.0 + 0.25);
            let flame = if self.are_lit { 0.55 + 0.45 * smooth(0.2, 0.8, sin(clock.turns(0.25) + turn)) } else { 0.0 };
            draw_balloon(canvas, (x, y), size, colours, flame);
        }
    }
}

fn draw_balloon(canvas: &mut Canvas, (x, y): (f32, f32), size: f32, colours: [u32; 3], flame: f32) {
    let scale = canvas.scale();
    let warm = [1.0, 0.72, 0.35];
    if flame > 0.0 {
        canvas.glow((x, y), size * 2.6, warm, 0.22 * flame);
    }
    let (top, bottom) = (y - size, y + size * 1.32);
    let (from, to) = (((top * scale).max(0.0)) as usize, ((bottom * scale + 1.0).max(0.0)) as usize);
    for py in from..to.min(canvas.height) {
        let v = ((py as f32 + 0.5) / scale - y) / size;
        // A ball above, a cone that closes below.
        let half =
            if v < 0.35 { (1.0 - v * v).max(0.0).sqrt() } else { 0.9367 * (1.0 - smooth(0.0, 1.35, v - 0.35) * 0.84) };
        let half_pixels = half * size * scale;
        let middle = x * scale;
        let (left, right) =
            ((middle - half_pixels - 1.0).max(0.0) as usize, (middle + half_pixels + 2.0).max(0.0) as usize);
        for px in left..right.min(canvas.width) {
            let off = px as f32 + 0.5 - middle;
            let cover = (half_pixels + 0.5 - off.abs()).clamp(0.0, 1.0);
            if cover <= 0.0 {
                continue;
            }
            let u = (off / half_pixels.max(0.5)).clamp(-1.0, 1.0);
            // Panels run from pole to pole: equal steps of longitude.
            let round = u * (1.0 + 0.57 * u * u * u.abs()) * 0.64;
            let along = (round + 1.0) * 4.5;
            // Half a pixel of each neighbour at a seam.
            let seam = (along * 0.5).fract() * 2.0;
            let soft = 4.5 / half_pixels.max(1.0);
            let second = stripe(seam, soft);
            let colour = mix(rgb(colours[0]), rgb(colours[1]), second);
            let colour = if (0.05..0.30).contains(&v) { mix(colour, rgb(colours[2]), 0.85) } else { colour };
            let side = 0.66 + 0.40 * smooth(-1.0, 0.6, -u * 0.8 - v * 0.45);
            let lit = mix(dim(colour, side), mix(colour, warm, 0.35), flame * smooth(-0.9, 1.3, v) * 0.8);
            canvas.blend(px, py, lit, cover);
        }
    }
    let dark = [0.16, 0.11, 0.09];
    let basket = (y + size * 1.62, size * 0.15);
    for side in [-1.0, 1.0] {
        canvas.line(
            (x + side * size * 0.14, bottom),
            (x + side * basket.1, basket.0),
            (size * 0.008, size * 0.008),
            dark,
            0.8,
        );
    }
    canvas.rectangle((x - basket.1, basket.0), (x + basket.1, basket.0 + size * 0.21), [0.42, 0.27, 0.15], 1.0);
    canvas.rectangle(
        (x - basket.1 * 1.1, basket.0 - size * 0.01),
        (x + basket.1 * 1.1, basket.0 + size * 0.03),
        dark,
        1.0,
    );
    if flame > 0.0 {
        canvas.glow((x, bottom + size * 0.08), size * 0.4, [1.0, 0.8, 0.4], flame);
    }
}

/// Part of the second colour at a place between 0 and 2, of which the second half has it.
fn stripe(at: f32, soft: f32) -> f32 {
    smooth(1.0 - soft, 1.0 + soft, at) * (1.0 - smooth(2.0 - soft, 2.0, at)) + 0.5 * (1.0 - smooth(0.0, soft, at))
}

/// Birds that cross the picture.
#[derive(Debug, Clone)]
pub struct Birds {
    /// Number of birds.
    pub count: u32,
    /// Height of the middle of the flock.
    pub at: f32,
    /// Half the span of a bird's wings.
    pub size: f32,
    /// Colour.
    pub colour: u32,
    /// Seed of the flock.
    pub seed: u32,
}

impl Birds {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let mut dice = Dice::new(self.seed);
        let colour = rgb(self.colour);
        for index in 0..self.count {
            // In a wedge behind the first.
            let rank = (index as f32 / 2.0).ceil();
            let side = if index % 2 == 0 { 1.0 } else { -1.0 };
            let (jitter, turn) = (dice.between(-0.2, 0.2), dice.roll());
            let size = self.size * dice.between(0.85, 1.1);
            let head = (clock.turns(0.05) + 0.35).fract() * (ASPECT + 1.6) - 0.3;
            let x = head - (rank + jitter) * self.size * 2.4;
            let y = self.at + side * rank * self.size * 1.05 + jitter * self.size + 0.02 * sin(x * 0.5);
            let flap = sin(clock.turns(1.1) + turn * 0.3 + rank * 0.08);
            for wing in [-1.0, 1.0] {
                let elbow = (x + wing * size * 0.45, y - size * (0.10 + 0.24 * flap));
                let tip = (x + wing * size, y - size * (0.02 + 0.42 * flap) + size * 0.10);
                canvas.line((x, y), elbow, (size * 0.085, size * 0.065), colour, 0.95);
                canvas.line(elbow, tip, (size * 0.065, size * 0.012), colour, 0.95);
            }
            canvas.line(
                (x - size * 0.24, y + size * 0.02),
                (x + size * 0.2, y - size * 0.01),
                (size * 0.05, size * 0.07),
                colour,
                0.95,
            );
        }
    }
}
