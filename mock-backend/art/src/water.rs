//! Water seen from the side: waves that mirror the sky, and the road of the sun on them.

use crate::canvas::{Canvas, add, blend};
use crate::clock::Clock;
use crate::math::{mix, rgb, sin, smooth};

/// Water from a height down.
#[derive(Debug, Clone)]
pub struct Water {
    /// Height of the horizon.
    pub at: f32,
    /// Colour at the horizon.
    pub far: u32,
    /// Colour near the eye.
    pub near: u32,
    /// Part of what is above that it mirrors, from 0 to 1.
    pub mirror: f32,
    /// Place of the sun or moon, across, and colour and strength of its road.
    pub road: Option<(f32, u32, f32)>,
    /// Height of the waves, about 1 for a lake.
    pub waves: f32,
}

impl Water {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let scale = canvas.scale();
        let (far, near) = (rgb(self.far), rgb(self.near));
        let horizon = ((self.at * scale) as usize).min(canvas.height);
        let (slow, quick) = (clock.turns(0.25), clock.turns(0.45));
        let width = canvas.width;
        for y in horizon..canvas.height {
            let down = (y as f32 + 0.5) / scale - self.at;
            // Waves are small near the horizon and large near the eye.
            let near_eye = down / (1.0 - self.at);
            let size = 0.012 + 0.22 * near_eye;
            let base = mix(far, near, smooth(0.0, 1.0, near_eye));
            let depth = 0.9 / (down + 0.03);
            let (above, below) = canvas.pixels.split_at_mut(y * width);
            let row = &mut below[..width];
            let inverse = 1.0 / size;
            for (px, pixel) in row.iter_mut().enumerate() {
                let u = (px as f32 + 0.5) / scale;
                let across = (u - 0.9) * inverse * 0.32;
                let wave = sin(across + depth * 1.9 + slow) * 0.5
                    + sin(across * 1.73 - depth * 1.3 + quick) * 0.3
                    + sin(across * 3.1 + depth * 3.7 - slow * 2.0) * 0.2;
                let slope = wave * self.waves;
                let mut colour = base;
                if self.mirror > 0.0 {
                    let lifted = (self.at - down * (0.92 + 0.10 * slope)).max(0.0);
                    let sideways = u + slope * size * 0.09;
                    let from_y = ((lifted * scale) as usize).min(horizon.saturating_sub(1));
                    let from_x = ((sideways * scale).max(0.0) as usize).min(width - 1);
                    let seen = above[from_y * width + from_x];
                    blend(&mut colour, seen, self.mirror * (1.0 - 0.45 * near_eye));
                }
                let crest = slope * 0.5 + 0.5;
                *pixel = mix(
                    colour,
                    [colour[0] * 0.72, colour[1] * 0.74, colour[2] * 0.78],
                    (1.0 - crest).clamp(0.0, 1.0) * 0.55,
                );
                if let Some((sun, hue, strength)) = self.road {
                    let spread = 0.035 + 0.26 * near_eye;
                    let off = (u - sun) / spread;
                    let inside = 1.0 - off * off;
                    if inside > 0.0 {
                        let spark = smooth(0.15, 0.75, slope + 0.25 * inside);
                        add(pixel, rgb(hue), inside * spark * strength);
                    }
                }
            }
        }
    }
}

/// Slow hills of water, one before the other, for the open sea.
#[derive(Debug, Clone)]
pub struct Swell {
    /// Height of the farthest.
    pub from: f32,
    /// Height of the nearest.
    pub to: f32,
    /// Number of them.
    pub count: u32,
    /// Colour of the farthest and of the nearest.
    pub colours: (u32, u32),
    /// Colour of the edges.
    pub crest: u32,
    /// Height of the waves.
    pub rise: f32,
}

impl Swell {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        for index in 0..self.count {
            let t = index as f32 / (self.count - 1).max(1) as f32;
            let at = self.from + (self.to - self.from) * t * t.sqrt();
            let rise = self.rise * (0.15 + 0.85 * t);
            let pace = if index % 2 == 0 { clock.turns(0.12) } else { -clock.turns(0.12) };
            let long = 0.55 + 1.2 * (1.0 - t);
            let offset = index as f32 * 0.37;
            let bob = 0.25 * rise * sin(clock.turns(0.12) + offset);
            let edge = |x: f32| {
                let wave = sin(x * long + offset + pace) * 0.6 + sin(x * long * 2.1 - offset + pace * 2.0) * 0.25;
                let edge = at + bob - rise * (wave + 0.12 * sin(x * long * 5.3 + offset * 3.0 - pace));
                (edge, edge)
            };
            let colour = mix(rgb(self.colours.0), rgb(self.colours.1), t);
            let crest = mix(colour, rgb(self.crest), 0.65);
            let deep = mix(colour, rgb(self.colours.1), 0.6);
            let thin = 0.006 + 0.03 * t;
            let depth = 0.05 + 0.35 * t;
            canvas.below(edge, depth, |down| {
                let under = down * depth;
                mix(mix(crest, colour, smooth(0.0, thin, under)), deep, smooth(thin, depth, under))
            });
        }
    }
}
