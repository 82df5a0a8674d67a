//! A picture that is drawn on: pixels in memory and the few shapes that everything is made of.

use crate::math::Rgb;

/// A picture of 16:9. Positions are fractions of its height: `x` from 0 to 16/9, `y` from 0 at the top to 1.
#[derive(Debug, Clone)]
pub(crate) struct Canvas {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Row by row from the top.
    pub(crate) pixels: Vec<Rgb>,
}

/// Width of a picture in heights.
pub(crate) const ASPECT: f32 = 16.0 / 9.0;

impl Canvas {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![[0.0; 3]; width * height] }
    }

    /// Number of pixels in a height.
    pub(crate) fn scale(&self) -> f32 {
        self.height as f32
    }

    /// Returns the pixels of a row, from the left.
    pub(crate) fn row(&mut self, y: usize) -> &mut [Rgb] {
        &mut self.pixels[y * self.width..(y + 1) * self.width]
    }

    /// Draws a colour over what is there.
    pub(crate) fn blend(&mut self, x: usize, y: usize, colour: Rgb, alpha: f32) {
        blend(&mut self.pixels[y * self.width + x], colour, alpha);
    }

    /// Returns the whole pixels of a box that lie in the picture: from and to, not included.
    fn clip(&self, (left, top): (f32, f32), (right, bottom): (f32, f32)) -> (usize, usize, usize, usize) {
        let end = |value: f32, limit: usize| (value.ceil().max(0.0) as usize).min(limit);
        let start = |value: f32| value.floor().max(0.0) as usize;
        (start(left), start(top), end(right + 1.0, self.width), end(bottom + 1.0, self.height))
    }

    /// Fills an ellipse; its edge is `soft` wide (in heights, at least a pixel).
    pub(crate) fn ellipse(&mut self, (x, y): (f32, f32), (rx, ry): (f32, f32), soft: f32, colour: Rgb, alpha: f32) {
        let scale = self.scale();
        let (cx, cy, rx, ry) = (x * scale, y * scale, (rx * scale).max(0.3), (ry * scale).max(0.3));
        let edge = (soft * scale).max(1.0);
        let (left, top, right, bottom) = self.clip((cx - rx - edge, cy - ry - edge), (cx + rx + edge, cy + ry + edge));
        let least = rx.min(ry);
        for py in top..bottom {
            let dy = (py as f32 + 0.5 - cy) / ry;
            if dy.abs() > 1.0 + edge / ry {
                continue;
            }
            let row = &mut self.pixels[py * self.width..(py + 1) * self.width];
            for (px, pixel) in row.iter_mut().enumerate().take(right).skip(left) {
                let dx = (px as f32 + 0.5 - cx) / rx;
                let out = ((dx * dx + dy * dy).sqrt() - 1.0) * least;
                let cover = (0.5 - out / edge).clamp(0.0, 1.0);
                if cover > 0.0 {
                    blend(pixel, colour, cover * alpha);
                }
            }
        }
    }

    /// Fills a disc.
    pub(crate) fn disc(&mut self, at: (f32, f32), radius: f32, soft: f32, colour: Rgb, alpha: f32) {
        self.ellipse(at, (radius, radius), soft, colour, alpha);
    }

    /// Adds light that falls off to nothing at `radius`.
    pub(crate) fn glow(&mut self, (x, y): (f32, f32), radius: f32, colour: Rgb, strength: f32) {
        let scale = self.scale();
        let (cx, cy, r) = (x * scale, y * scale, (radius * scale).max(1.0));
        let (left, top, right, bottom) = self.clip((cx - r, cy - r), (cx + r, cy + r));
        let inverse = 1.0 / (r * r);
        for py in top..bottom {
            let dy = py as f32 + 0.5 - cy;
            let row = &mut self.pixels[py * self.width..(py + 1) * self.width];
            for (px, pixel) in row.iter_mut().enumerate().take(right).skip(left) {
                let dx = px as f32 + 0.5 - cx;
                let near = 1.0 - (dx * dx + dy * dy) * inverse;
                if near > 0.0 {
                    let light = near * near * near * strength;
                    screen(pixel, colour, light);
                }
            }
        }
    }

    /// Draws a thick line whose radius goes from one to another (in heights).
    pub(crate) fn line(&mut self, from: (f32, f32), to: (f32, f32), (r0, r1): (f32, f32), colour: Rgb, alpha: f32) {
        let scale = self.scale();
        let (x0, y0, x1, y1) = (from.0 * scale, from.1 * scale, to.0 * scale, to.1 * scale);
        let (r0, r1) = (r0 * scale, r1 * scale);
        // A line that is thinner than a pixel is a pixel wide and fainter.
        let alpha = alpha * (2.0 * r0.max(r1)).min(1.0);
        let (r0, r1) = (r0.max(0.5), r1.max(0.5));
        let reach = r0.max(r1) + 1.0;
        let (left, top, right, bottom) =
            self.clip((x0.min(x1) - reach, y0.min(y1) - reach), (x0.max(x1) + reach, y0.max(y1) + reach));
        let (dx, dy) = (x1 - x0, y1 - y0);
        let length = (dx * dx + dy * dy).max(1e-6);
        for py in top..bottom {
            let vy = py as f32 + 0.5 - y0;
            let row = &mut self.pixels[py * self.width..(py + 1) * self.width];
            for (px, pixel) in row.iter_mut().enumerate().take(right).skip(left) {
                let vx = px as f32 + 0.5 - x0;
                let t = ((vx * dx + vy * dy) / length).clamp(0.0, 1.0);
                let (ex, ey) = (vx - dx * t, vy - dy * t);
                let cover = (r0 + (r1 - r0) * t + 0.5 - (ex * ex + ey * ey).sqrt()).clamp(0.0, 1.0);
                if cover > 0.0 {
                    blend(pixel, colour, cover * alpha);
                }
            }
        }
    }

    /// Fills a box with sharp edges that fall between pixels.
    pub(crate) fn rectangle(&mut self, (x0, y0): (f32, f32), (x1, y1): (f32, f32), colour: Rgb, alpha: f32) {
        let scale = self.scale();
        let (x0, y0, x1, y1) = (x0 * scale, y0 * scale, x1 * scale, y1 * scale);
        let (left, top, right, bottom) = self.clip((x0, y0), (x1, y1));
        let part = |p: usize, from: f32, to: f32| ((p as f32 + 1.0).min(to) - (p as f32).max(from)).clamp(0.0, 1.0);
        for py in top..bottom {
            let vertical = part(py, y0, y1) * alpha;
            for px in left..right {
                self.blend(px, py, colour, part(px, x0, x1) * vertical);
            }
        }
    }

    /// Fills what is below a line. `top` gives for each column the height of the edge and that of the ground below it, and `paint` the
    /// colour for a place below the ground, as a fraction of `depth`.
    pub(crate) fn below(&mut self, top: impl Fn(f32) -> (f32, f32), depth: f32, paint: impl Fn(f32) -> Rgb) {
        let scale = self.scale();
        let edges = (0..self.width).map(|x| top((x as f32 + 0.5) / scale));
        let edges: Vec<(f32, f32)> = edges.map(|(edge, ground)| (edge * scale, ground * scale)).collect();
        let first = edges.iter().map(|(edge, _)| *edge).fold(f32::MAX, f32::min).floor().max(0.0) as usize;
        const STEPS: usize = 256;
        let ramp: Vec<Rgb> = (0..=STEPS).map(|step| paint(step as f32 / STEPS as f32)).collect();
        let inverse = STEPS as f32 / (depth * scale);
        for y in first..self.height {
            let row = &mut self.pixels[y * self.width..(y + 1) * self.width];
            for (pixel, (edge, ground)) in row.iter_mut().zip(&edges) {
                let under = y as f32 + 1.0 - edge;
                if under > 0.0 {
                    let colour = ramp[(((y as f32 + 1.0 - ground).max(0.0) * inverse) as usize).min(STEPS)];
                    if under >= 1.0 { *pixel = colour } else { blend(pixel, colour, under) }
                }
            }
        }
    }

    /// Writes the picture as bytes, red, green and blue of each pixel. A pattern finer than a step of brightness hides the steps.
    pub(crate) fn write(&self, shade: &[f32], out: &mut Vec<u8>) {
        out.resize(self.pixels.len() * 3, 0);
        let mut bytes = out.chunks_exact_mut(3);
        // Interleaved gradient noise (Jimenez 2014), which is even at any size.
        for (y, (row, shade)) in self.pixels.chunks(self.width).zip(shade.chunks(self.width)).enumerate() {
            let line = 0.005_837_15 * y as f32;
            for (x, (pixel, shade)) in row.iter().zip(shade).enumerate() {
                let a = 0.067_110_56 * x as f32 + line;
                let b = 52.982_918 * (a - a.floor());
                let noise = b - b.floor();
                let Some(to) = bytes.next() else { return };
                for (byte, channel) in to.iter_mut().zip(pixel) {
                    *byte = ((channel * shade).clamp(0.0, 1.0) * 254.0 + noise) as u8;
                }
            }
        }
    }
}

/// Draws a colour over a pixel.
#[inline]
pub(crate) fn blend(pixel: &mut Rgb, colour: Rgb, alpha: f32) {
    for (channel, new) in pixel.iter_mut().zip(colour) {
        *channel += (new - *channel) * alpha;
    }
}

/// Adds light to a pixel so that it never exceeds white.
#[inline]
fn screen(pixel: &mut Rgb, colour: Rgb, light: f32) {
    for (channel, new) in pixel.iter_mut().zip(colour) {
        *channel += new * light * (1.0 - *channel).max(0.0);
    }
}

/// Adds light to a pixel.
#[inline]
pub(crate) fn add(pixel: &mut Rgb, colour: Rgb, light: f32) {
    for (channel, new) in pixel.iter_mut().zip(colour) {
        *channel += new * light;
    }
}
