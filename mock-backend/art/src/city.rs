//! A city by night: rows of buildings with lit windows, a viaduct with a train, rain, and drops on the glass.

use crate::canvas::{ASPECT, Canvas};
use crate::clock::Clock;
use crate::math::{Dice, dim, hash, mix, rgb, sin, smooth};

/// A row of buildings.
#[derive(Debug, Clone)]
pub struct Buildings {
    /// Height of their feet.
    pub foot: f32,
    /// Lowest and highest.
    pub tall: (f32, f32),
    /// Widest; the narrowest is half of it.
    pub wide: f32,
    /// Colour of the walls, at the roof and at the foot.
    pub wall: (u32, u32),
    /// Colours of the windows.
    pub windows: Vec<u32>,
    /// Part of the windows that are lit.
    pub lit: f32,
    /// Size of a window.
    pub pane: f32,
    /// Distance by which they sway when the eye does.
    pub sway: f32,
    /// Seed of the buildings.
    pub seed: u32,
}

impl Buildings {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let mut dice = Dice::new(self.seed);
        let shift = -self.sway * sin(clock.phase);
        let (top, foot) = (rgb(self.wall.0), rgb(self.wall.1));
        let mut x = -0.25 + shift;
        let mut index = 0;
        while x < ASPECT + 0.25 + shift {
            let wide = self.wide * dice.between(0.5, 1.0);
            let tall = dice.between(self.tall.0, self.tall.1);
            let roof = self.foot - tall;
            let tone = dice.between(0.86, 1.12);
            let steps = 18;
            for step in 0..steps {
                let (a, b) = (step as f32 / steps as f32, (step + 1) as f32 / steps as f32);
                let colour = dim(mix(top, foot, a), tone);
                canvas.rectangle((x, roof + tall * a), (x + wide, roof + tall * b + 0.001), colour, 1.0);
            }
            match (dice.roll() * 5.0) as u32 {
                0 => canvas.rectangle((x + wide * 0.46, roof - 0.05), (x + wide * 0.5, roof), dim(top, tone), 1.0),
                1 => canvas.rectangle((x + wide * 0.2, roof - 0.02), (x + wide * 0.8, roof), dim(top, tone), 1.0),
                2 => canvas.rectangle((x + wide * 0.6, roof - 0.03), (x + wide * 0.75, roof), dim(top, tone), 1.0),
                _ => {}
            }
            self.light_windows(canvas, clock, (x, roof), (wide, tall), index);
            x += wide * dice.between(0.98, 1.12);
            index += 1;
        }
    }

    fn light_windows(&self, canvas: &mut Canvas, clock: Clock, at: (f32, f32), size: (f32, f32), building: i32) {
        let step = (self.pane * 2.1, self.pane * 2.6);
        let columns = ((size.0 - self.pane) / step.0).max(0.0) as i32;
        let rows = ((size.1 - self.pane) / step.1).max(0.0) as i32;
        let left = at.0 + (size.0 - (columns - 1) as f32 * step.0 - self.pane) / 2.0;
        let seed = self.seed as i32 + building * 977;
        for row in 0..rows {
            // Whole floors are dark or awake.
            let floor = 0.5 + hash(seed + row, 77);
            for column in 0..columns {
                let kind = hash(seed + row * 131 + column * 7919, 5);
                if kind > self.lit * floor {
                    continue;
                }
                let hue = hash(seed + row * 17 + column * 291, 9);
                let colour =
                    rgb(self.windows[((hue * self.windows.len() as f32) as usize).min(self.windows.len() - 1)]);
                let mut light = 0.55 + 0.45 * hash(seed + row, column + 31);
                if hash(seed + row * 3, column + 63) > 0.965 {
                    // Someone watches television.
                    light *= 0.75 + 0.25 * sin(clock.turns(0.8) + hue) * sin(clock.turns(1.3) + kind);
                } else if hash(seed + column * 5, row + 91) > 0.95 {
                    // Someone leaves the room and comes back.
                    light *= smooth(-0.08, 0.08, sin(clock.phase + hue) + 0.55);
                }
                let (x, y) = (left + column as f32 * step.0, at.1 + self.pane + row as f32 * step.1);
                canvas.rectangle((x, y), (x + self.pane, y + self.pane * 1.45), colour, light);
            }
        }
    }
}

/// A viaduct over which trains with lit windows go.
#[derive(Debug, Clone)]
pub struct Viaduct {
    /// Height of the rails.
    pub at: f32,
    /// Colour of the stones.
    pub stone: u32,
    /// Colour of the train.
    pub train: u32,
    /// Colour of its windows.
    pub light: u32,
    /// Number of carriages.
    pub carriages: u32,
}

impl Viaduct {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let stone = rgb(self.stone);
        let (long, gap, tall) = (0.26, 0.012, 0.062);
        let whole = self.carriages as f32 * (long + gap);
        let head = -0.1 + (ASPECT + whole + 0.6) * clock.turns(0.07).fract();
        for carriage in 0..self.carriages {
            let right = head - carriage as f32 * (long + gap);
            let left = right - long;
            canvas.rectangle((left, self.at - tall), (right, self.at - 0.008), rgb(self.train), 1.0);
            canvas.rectangle(
                (left + 0.008, self.at - tall - 0.006),
                (right - 0.008, self.at - tall),
                dim(rgb(self.train), 0.7),
                1.0,
            );
            for window in 0..7 {
                let x = left + 0.016 + window as f32 * 0.034;
                canvas.rectangle((x, self.at - tall * 0.82), (x + 0.024, self.at - tall * 0.42), rgb(self.light), 0.95);
            }
            canvas.glow(((left + right) / 2.0, self.at - tall * 0.6), 0.17, rgb(self.light), 0.16);
            if carriage == 0 {
                canvas.glow((right + 0.02, self.at - 0.022), 0.12, rgb(self.light), 0.8);
            }
        }
        canvas.rectangle((0.0, self.at - 0.008), (ASPECT, self.at + 0.018), dim(stone, 1.2), 1.0);
        let scale = canvas.scale();
        for column in 0..canvas.width {
            let x = (column as f32 + 0.5) / scale;
            let across = ((x / 0.235).fract() * 2.0 - 1.0) / 0.8;
            // Pillars reach the ground; between them an arch is open.
            let open = (1.0 - across * across).max(0.0).sqrt();
            let bottom = if open > 0.0 { self.at + 0.05 + 0.15 * (1.0 - open) } else { 1.0 };
            let tone = dim(stone, 0.82 + 0.18 * across.abs().min(1.0));
            canvas.rectangle(
                (column as f32 / scale, self.at + 0.016),
                ((column + 1) as f32 / scale, bottom),
                tone,
                1.0,
            );
        }
    }
}

/// Rain: streaks that fall.
#[derive(Debug, Clone)]
pub struct Rain {
    /// Number of streaks.
    pub count: u32,
    /// Length of a streak.
    pub long: f32,
    /// Distance that it goes aside while it falls through the picture.
    pub slant: f32,
    /// Colour.
    pub colour: u32,
    /// Opacity, from 0 to 1.
    pub strength: f32,
    /// Seed of the rain.
    pub seed: u32,
}

impl Rain {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let mut dice = Dice::new(self.seed);
        for _ in 0..self.count {
            let (x, start, near) = (dice.roll() * (ASPECT + 0.4) - 0.2, dice.roll(), dice.roll());
            let at = (start + clock.turns(0.9 + 0.6 * near)).fract() * (1.0 + self.long * 2.0) - self.long;
            let long = self.long * (0.5 + near);
            let (x0, x1) = (x + self.slant * at, x + self.slant * (at + long));
            let thick = 0.0006 + 0.0008 * near;
            canvas.line(
                (x0, at),
                (x1, at + long),
                (thick * 0.5, thick),
                rgb(self.colour),
                self.strength * (0.35 + 0.65 * near),
            );
        }
    }
}

/// Lights out of focus, as they are seen through a wet window.
#[derive(Debug, Clone)]
pub struct Bokeh {
    /// Number of lights.
    pub count: u32,
    /// Highest and lowest.
    pub between: (f32, f32),
    /// Smallest and largest radius.
    pub size: (f32, f32),
    /// Colours.
    pub colours: Vec<u32>,
    /// Opacity, from 0 to 1.
    pub strength: f32,
    /// Seed of the lights.
    pub seed: u32,
}

impl Bokeh {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let mut dice = Dice::new(self.seed);
        for _ in 0..self.count {
            let at = (dice.roll() * (ASPECT + 0.2) - 0.1, dice.between(self.between.0, self.between.1));
            let size = dice.between(self.size.0, self.size.1);
            let colour = rgb(dice.pick(&self.colours));
            let (turn, far) = (dice.roll(), dice.between(0.0, 0.03));
            let x = at.0 + far * sin(clock.phase + turn);
            let light = self.strength * (0.6 + 0.4 * sin(clock.turns(0.15) + turn * 3.0)) * dice.between(0.4, 1.0);
            canvas.disc((x, at.1), size, size * 0.16, colour, light * 0.55);
            canvas.disc((x, at.1), size * 0.86, size * 0.2, mix(colour, [1.0; 3], 0.12), light * 0.25);
        }
    }
}

/// Drops on a window: still ones, and ones that run down.
#[derive(Debug, Clone)]
pub struct Drops {
    /// Number of still drops.
    pub count: u32,
    /// Number of drops that run.
    pub running: u32,
    /// Seed of the drops.
    pub seed: u32,
}

impl Drops {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let mut dice = Dice::new(self.seed);
        for _ in 0..self.count {
            let at = (dice.roll() * ASPECT, dice.roll());
            let size = 0.0015 + 0.008 * dice.roll() * dice.roll();
            drop_at(canvas, at, size);
        }
        for _ in 0..self.running {
            let (x, start, size) = (dice.roll() * ASPECT, dice.roll(), dice.between(0.006, 0.012));
            // It stops now and then.
            let t = (start + clock.phase).fract();
            let y = t * 1.3 - 0.15 + 0.03 * sin(t * 5.0);
            let wander = |y: f32| x + 0.012 * sin(y * 2.3 + start) + 0.005 * sin(y * 7.1);
            for step in 0..14 {
                let back = y - step as f32 * 0.014;
                let fade = 1.0 - step as f32 / 14.0;
                canvas.line(
                    (wander(back), back),
                    (wander(back - 0.014), back - 0.014),
                    (size * 0.35 * fade, size * 0.3 * fade),
                    [0.75, 0.8, 0.9],
                    0.13 * fade,
                );
            }
            drop_at(canvas, (wander(y), y), size);
        }
    }
}

/// A drop: dark above, bright below, with a spark, because it turns the picture behind it upside down.
fn drop_at(canvas: &mut Canvas, (x, y): (f32, f32), size: f32) {
    canvas.ellipse((x, y), (size, size * 1.2), size * 0.5, [0.03, 0.04, 0.08], 0.35);
    canvas.ellipse((x, y + size * 0.35), (size * 0.72, size * 0.7), size * 0.7, [0.75, 0.82, 0.95], 0.38);
    canvas.disc((x - size * 0.3, y - size * 0.45), size * 0.18, size * 0.2, [1.0; 3], 0.6);
}
