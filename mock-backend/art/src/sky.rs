//! Layers of the sky: gradients, sun and moon, stars, northern lights, clouds.

use crate::canvas::{ASPECT, Canvas, add, blend};
use crate::clock::Clock;
use crate::math::{Dice, cos, exp2, hash, mix, noise, rgb, rough, sin, smooth};

/// A gradient from the top down.
#[derive(Debug, Clone)]
pub struct Sky {
    /// Height, from 0 at the top to 1, and colour; from the top.
    pub stops: Vec<(f32, u32)>,
}

impl Sky {
    pub(crate) fn draw(&self, canvas: &mut Canvas, _: Clock) {
        let height = canvas.height;
        for y in 0..height {
            let at = (y as f32 + 0.5) / height as f32;
            let after = self.stops.iter().position(|stop| stop.0 > at).unwrap_or(self.stops.len());
            let (above, below) = (&self.stops[after.saturating_sub(1)], &self.stops[after.min(self.stops.len() - 1)]);
            let t = if below.0 > above.0 { (at - above.0) / (below.0 - above.0) } else { 0.0 };
            let colour = mix(rgb(above.1), rgb(below.1), t.clamp(0.0, 1.0));
            canvas.row(y).fill(colour);
        }
    }
}

/// A sun or a moon with its glow.
#[derive(Debug, Clone)]
pub struct Orb {
    /// Middle.
    pub at: (f32, f32),
    /// Radius.
    pub radius: f32,
    /// Colour of the disc.
    pub colour: u32,
    /// Colour of the glow.
    pub glow: u32,
    /// Radius of the glow.
    pub reach: f32,
    /// Strength of the glow in its middle, from 0 to 1.
    pub strength: f32,
    /// True for a moon with seas on it.
    pub is_moon: bool,
}

impl Orb {
    pub(crate) fn draw(&self, canvas: &mut Canvas, _: Clock) {
        canvas.glow(self.at, self.reach, rgb(self.glow), self.strength);
        canvas.glow(self.at, self.reach * 0.4, rgb(self.glow), self.strength * 0.7);
        canvas.disc(self.at, self.radius, self.radius * 0.04, rgb(self.colour), 1.0);
        if self.is_moon {
            let mut dice = Dice::new(7);
            for _ in 0..9 {
                let (turn, far) = (dice.roll(), dice.roll() * 0.62);
                let at = (self.at.0 + sin(turn) * far * self.radius, self.at.1 + cos(turn) * far * self.radius);
                let size = self.radius * dice.between(0.08, 0.3);
                canvas.disc(at, size, size * 0.8, mix(rgb(self.colour), rgb(self.glow), 0.5), 0.35);
            }
        }
    }
}

/// Stars that twinkle.
#[derive(Debug, Clone)]
pub struct Stars {
    /// Number of stars.
    pub count: u32,
    /// Lowest of them.
    pub until: f32,
    /// Seed of their places.
    pub seed: u32,
    /// Strength of the band of the Milky Way, 0 for none.
    pub band: f32,
}

impl Stars {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let mut dice = Dice::new(self.seed);
        for index in 0..self.count {
            let (mut x, mut y) = (dice.roll() * ASPECT, dice.roll());
            let size = dice.roll();
            let along = dice.roll();
            if self.band > 0.0 && index % 3 != 0 {
                // A broad diagonal band, dense in the middle.
                let across = (dice.roll() + dice.roll() + dice.roll() - 1.5) * 0.22;
                x = along * (ASPECT + 0.4) - 0.2;
                y = 0.85 - along * 0.75 + across;
            }
            let (turn, beat) = (dice.roll(), 1.0 + (dice.roll() * 3.0).floor());
            let fade = 1.0 - smooth(self.until * 0.6, self.until, y);
            if fade <= 0.0 || y < 0.0 {
                continue;
            }
            let light = (0.25 + 0.75 * size * size) * fade * (0.75 + 0.25 * sin(turn + beat * clock.phase));
            let tint = mix([1.0, 0.93, 0.82], [0.8, 0.9, 1.0], dice.roll());
            let radius = 0.0016 + 0.0028 * size * size * size;
            canvas.glow((x, y), radius, tint, light * 1.1);
            if size > 0.94 {
                canvas.glow((x, y), radius * 5.0, tint, light * 0.18);
            }
        }
    }
}

/// The cloudy light of the Milky Way, which goes with the band of [`Stars`].
#[derive(Debug, Clone)]
pub struct Haze {
    /// Colour.
    pub colour: u32,
    /// Strength in its middle.
    pub strength: f32,
}

impl Haze {
    pub(crate) fn draw(&self, canvas: &mut Canvas, _: Clock) {
        let scale = canvas.scale();
        let colour = rgb(self.colour);
        for y in 0..canvas.height {
            let v = y as f32 / scale;
            for (x, pixel) in canvas.row(y).iter_mut().enumerate() {
                let u = x as f32 / scale;
                let along = (u + 0.2) / (ASPECT + 0.4);
                let across = (v - 0.85 + along * 0.75) / 0.2;
                let near = 1.0 - across * across;
                if near > 0.0 {
                    let cloud =
                        rough(along * 9.0 + across * 0.4, 64, 5) * 0.6 + rough(along * 4.0 - across, 64, 9) * 0.6;
                    let lane = 1.0 - 0.65 * smooth(0.34, 0.0, (across - 0.12 + 0.4 * (cloud - 0.6)).abs());
                    add(pixel, colour, near * near * cloud * lane * self.strength);
                }
            }
        }
    }
}

/// Northern lights: curtains that hang from the sky and wave.
#[derive(Debug, Clone)]
pub struct Aurora {
    /// Colour at the foot of a curtain.
    pub low: u32,
    /// Colour at its top.
    pub high: u32,
    /// Height of the feet.
    pub foot: f32,
    /// Height over which the light falls by half.
    pub tall: f32,
    /// Strength.
    pub strength: f32,
    /// Seed of the curtains.
    pub seed: i32,
}

impl Aurora {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let scale = canvas.scale();
        let (low, high) = (rgb(self.low), rgb(self.high));
        for curtain in 0..3_i32 {
            let seed = self.seed + curtain * 17;
            let offset = hash(seed, 3);
            let beat = if curtain % 2 == 0 { clock.phase } else { -clock.phase };
            for px in 0..canvas.width {
                let x = (px as f32 + 0.5) / scale;
                let fold = x + 0.10 * sin(0.9 * x + beat + offset) + 0.05 * sin(2.3 * x - beat + offset * 3.0);
                let foot = self.foot - 0.07 * curtain as f32
                    + 0.07 * sin(0.55 * fold + beat + offset)
                    + 0.025 * sin(1.7 * fold - beat * 2.0 + offset * 5.0);
                // Rays that drift along the curtain and brighten in turn.
                let ray = noise(fold * 16.0 + 0.6 * sin(beat + x * 0.7), 512, seed);
                let fine = noise(fold * 47.0 + 0.9 * sin(beat + x * 0.4), 2048, seed + 1);
                let swell = 0.55 + 0.45 * sin(0.6 * x - beat + offset * 7.0);
                let light = (0.25 + 0.75 * ray) * (0.7 + 0.3 * fine) * swell * swell * self.strength;
                if light < 0.004 {
                    continue;
                }
                let tall = self.tall * (0.55 + 0.9 * ray);
                let bottom = ((foot + 0.10) * scale).clamp(0.0, canvas.height as f32) as usize;
                let top = ((foot - tall * 5.0) * scale).max(0.0) as usize;
                for py in top..bottom {
                    let up = foot - (py as f32 + 0.5) / scale;
                    let fall =
                        if up < 0.0 { exp2(up / 0.018) * (1.0 - smooth(0.05, 0.10, -up)) } else { exp2(-up / tall) };
                    let colour = mix(low, high, smooth(0.0, tall * 3.2, up));
                    add(&mut canvas.pixels[py * canvas.width + px], colour, fall * light);
                }
            }
        }
    }
}

/// Bands of cloud or mist that sway slowly.
#[derive(Debug, Clone)]
pub struct Mist {
    /// Colour.
    pub colour: u32,
    /// Height of the middle.
    pub at: f32,
    /// Half its height.
    pub thick: f32,
    /// Strength, from 0 to 1.
    pub strength: f32,
    /// Seed of the mist.
    pub seed: i32,
}

impl Mist {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let scale = canvas.scale();
        let colour = rgb(self.colour);
        let (top, bottom) = ((self.at - self.thick).max(0.0), (self.at + self.thick).min(1.0));
        let (top, bottom) = ((top * scale) as usize, ((bottom * scale) as usize).min(canvas.height));
        let shift = 0.12 * sin(clock.phase);
        let width = canvas.width;
        let columns: Vec<(f32, f32)> = (0..width)
            .map(|px| {
                let x = px as f32 / scale + shift;
                (rough(x * 1.6, 256, self.seed), rough(x * 3.1 - shift * 2.0, 256, self.seed + 40))
            })
            .collect();
        for y in top..bottom {
            let v = (y as f32 / scale - self.at) / self.thick;
            for (pixel, (a, b)) in canvas.row(y).iter_mut().zip(&columns) {
                let lifted = v + (a - 0.5) * 0.9;
                let near = 1.0 - lifted * lifted * 1.4;
                if near > 0.0 {
                    let alpha = near * near * (0.35 + 0.9 * b) * self.strength * (1.0 - v * v);
                    blend(pixel, colour, alpha.clamp(0.0, 1.0));
                }
            }
        }
    }
}

/// Rows of small heaped clouds with flat feet, cut from paper.
#[derive(Debug, Clone)]
pub struct Clouds {
    /// Number of clouds.
    pub count: u32,
    /// Highest and lowest.
    pub between: (f32, f32),
    /// Colour.
    pub colour: u32,
    /// Opacity, from 0 to 1.
    pub strength: f32,
    /// Seed of the clouds.
    pub seed: u32,
}

impl Clouds {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let mut dice = Dice::new(self.seed);
        let colour = rgb(self.colour);
        for _ in 0..self.count {
            let size = dice.between(0.05, 0.13);
            let y = dice.between(self.between.0, self.between.1);
            let x = dice.roll() * (ASPECT + 0.4) - 0.2 + 0.05 * sin(clock.phase + dice.roll());
            for _ in 0..7 {
                let along = dice.between(-1.0, 1.0);
                let r = size * (0.5 - 0.28 * along * along) * dice.between(0.75, 1.1);
                let at = (x + along * size * 1.25, y - r * 0.4);
                canvas.ellipse(at, (r * 1.35, r * 0.8), r * 0.25, colour, self.strength);
            }
        }
    }
}
