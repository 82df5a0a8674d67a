//! Worlds that circle a star.

use crate::canvas::{Canvas, blend};
use crate::clock::Clock;
use crate::math::{Rgb, cos, dim, mix, rgb, rough, sin, smooth};

/// A planet.
#[derive(Debug, Clone)]
pub struct Planet {
    /// Middle of its path, or its place if it does not move.
    pub at: (f32, f32),
    /// Half axes of the path; 0 for a planet that stands.
    pub path: (f32, f32),
    /// Turns around the path in a second; the nearest whole number of them in a scene.
    pub pace: f32,
    /// Place on the path at the begin, in turns.
    pub start: f32,
    /// Radius.
    pub radius: f32,
    /// Colours of its bands or lands, dark, middle and light.
    pub colours: (u32, u32, u32),
    /// Number of bands; 0 for lands.
    pub bands: f32,
    /// Direction of the light, as it is seen: right, down, to the eye.
    pub light: (f32, f32, f32),
    /// Colour of its air, at the rim.
    pub air: u32,
    /// Ring: inner and outer radius, tilt and colour.
    pub ring: Option<(f32, f32, f32, u32)>,
    /// Seed of the planet.
    pub seed: i32,
}

impl Planet {
    /// Returns the place, and the distance to the eye: more is nearer.
    fn place(&self, clock: Clock) -> ((f32, f32), f32) {
        if self.path.0 == 0.0 {
            return (self.at, 0.0);
        }
        let turn = self.start + clock.turns(self.pace);
        ((self.at.0 + self.path.0 * sin(turn), self.at.1 + self.path.1 * cos(turn)), cos(turn))
    }

    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let (at, near) = self.place(clock);
        let radius = self.radius * (1.0 + if self.path.0 == 0.0 { 0.0 } else { 0.25 * near });
        self.draw_ring(canvas, at, radius, false);
        self.draw_ball(canvas, clock, at, radius);
        self.draw_ring(canvas, at, radius, true);
    }

    fn draw_ball(&self, canvas: &mut Canvas, clock: Clock, at: (f32, f32), radius: f32) {
        let scale = canvas.scale();
        let (dark, middle, light) = (rgb(self.colours.0), rgb(self.colours.1), rgb(self.colours.2));
        let air = rgb(self.air);
        let length = (self.light.0.powi(2) + self.light.1.powi(2) + self.light.2.powi(2)).sqrt();
        let sun = (self.light.0 / length, self.light.1 / length, self.light.2 / length);
        let spin = clock.phase;
        canvas.glow(at, radius * 1.25, air, 0.20);
        let (left, right) =
            (((at.0 - radius) * scale).max(0.0) as usize, ((at.0 + radius) * scale + 2.0).max(0.0) as usize);
        let (top, bottom) =
            (((at.1 - radius) * scale).max(0.0) as usize, ((at.1 + radius) * scale + 2.0).max(0.0) as usize);
        let pixel = 1.0 / (radius * scale);
        for y in top..bottom.min(canvas.height) {
            let v = ((y as f32 + 0.5) / scale - at.1) / radius;
            for x in left..right.min(canvas.width) {
                let u = ((x as f32 + 0.5) / scale - at.0) / radius;
                let far = u * u + v * v;
                if far >= 1.0 {
                    continue;
                }
                let up = (1.0 - far).sqrt();
                let shine = u * sun.0 + v * sun.1 + up * sun.2;
                let ground = self.ground(u, v, up, spin);
                let base =
                    if ground < 0.5 { mix(dark, middle, ground * 2.0) } else { mix(middle, light, ground * 2.0 - 1.0) };
                let day = smooth(-0.18, 0.85, shine);
                let rim = (1.0 - up) * (1.0 - up);
                let colour = mix(dim(base, 0.02 + 1.05 * day), air, rim * 0.75 * day);
                let cover = ((1.0 - far.sqrt()) / pixel).clamp(0.0, 1.0);
                canvas.blend(x, y, colour, cover);
            }
        }
    }

    /// Brightness of the ground at a place of the ball, from 0 to 1. It turns once in a scene.
    fn ground(&self, u: f32, v: f32, up: f32, spin: f32) -> f32 {
        // The noise repeats after 8 steps: one turn of the ball.
        let along = longitude(u, up) * 8.0 + spin * 8.0;
        if self.bands > 0.0 {
            let swirl = rough(along, 8, self.seed) * 0.16 + 0.05 * sin(v * 2.2 + spin);
            return rough((v + 2.0) * self.bands + swirl * self.bands, 512, self.seed + 3).clamp(0.0, 1.0);
        }
        let a = rough(along + v * 1.3, 8, self.seed);
        let b = rough((v + 2.0) * 2.6 + a * 1.4, 64, self.seed + 7);
        smooth(0.25, 0.75, (a + b) * 0.5)
    }

    fn draw_ring(&self, canvas: &mut Canvas, at: (f32, f32), radius: f32, front: bool) {
        let Some((inner, outer, tilt, colour)) = self.ring else { return };
        let scale = canvas.scale();
        let reach = outer * radius;
        let colour: Rgb = rgb(colour);
        let lean = 0.22;
        let span = reach * (tilt + lean) + 0.01;
        let (top, bottom) = (((at.1 - span) * scale).max(0.0) as usize, ((at.1 + span) * scale).max(0.0) as usize);
        for y in top..bottom.min(canvas.height) {
            let v = (y as f32 + 0.5) / scale - at.1;
            for (x, pixel) in canvas.row(y).iter_mut().enumerate() {
                let u = (x as f32 + 0.5) / scale - at.0;
                let across = v + u * lean;
                if (across > 0.0) != front {
                    continue;
                }
                let far = (u * u + (across / tilt) * (across / tilt)).sqrt() / radius;
                if far < inner || far > outer {
                    continue;
                }
                let t = (far - inner) / (outer - inner);
                let grain = rough(t * 14.0, 64, self.seed + 11);
                let shade = smooth(0.0, 0.06, t) * (1.0 - smooth(0.9, 1.0, t)) * smooth(0.25, 0.6, grain);
                // The planet's shadow falls on the part behind it.
                let dark =
                    if !front && u * self.light.0 < 0.0 && (u * u + v * v).sqrt() < radius * 1.6 { 0.35 } else { 1.0 };
                blend(pixel, dim(colour, dark), shade * 0.8);
            }
        }
    }
}

/// Angle around the ball in turns, from the place seen: near enough to an arc tangent for clouds.
fn longitude(u: f32, up: f32) -> f32 {
    let (a, b) = (u.abs(), up.max(1e-4));
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    let t = small / large;
    let arc = t * (0.159_15 - 0.034_15 * t * t);
    let arc = if a < b { arc } else { 0.25 - arc };
    if u < 0.0 { -arc } else { arc }
}
