//! Layers on the ground: hills with woods, villages, a lighthouse, a tree.

use crate::canvas::{Canvas, add};
use crate::clock::Clock;
use crate::math::{Dice, Rgb, cos, dim, hash, mix, rgb, rough, sin, smooth};

/// A row of hills, cut out like paper.
#[derive(Debug, Clone)]
pub struct Ridge {
    /// Height of the middle of its edge.
    pub at: f32,
    /// Difference between its highest and lowest places.
    pub rise: f32,
    /// Hills in a width of one height.
    pub steps: f32,
    /// Colour at the edge.
    pub colour: u32,
    /// Colour in the mist at its foot.
    pub foot: u32,
    /// Depth over which one becomes the other.
    pub depth: f32,
    /// Distance by which it sways when the eye does: more for what is near.
    pub sway: f32,
    /// Height of its fir trees, 0 for none.
    pub trees: f32,
    /// Trees in a width of one height.
    pub dense: f32,
    /// Seed of the hills.
    pub seed: i32,
}

impl Ridge {
    fn ground(&self, x: f32) -> f32 {
        self.at - (rough(x * self.steps + 40.0, 4096, self.seed) - 0.5) * self.rise
    }

    /// Height of the edge with its trees, at `x` of the ground.
    fn edge(&self, x: f32) -> f32 {
        let mut top = self.ground(x);
        if self.trees > 0.0 {
            let cell = (x * self.dense).floor() as i32;
            for at in cell - 1..=cell + 1 {
                let rare = hash(at, self.seed + 5);
                if rare < 0.22 {
                    continue;
                }
                let middle = (at as f32 + 0.15 + 0.7 * hash(at, self.seed + 9)) / self.dense;
                let tall = self.trees * (0.45 + 0.55 * rare);
                let away = (x - middle).abs();
                // Three tiers of branches.
                let up = 1.0 - away / (tall * 0.27);
                if up > 0.0 {
                    let tier = up + 0.10 * (1.0 - up) * ((up * 3.5).fract() - 0.5) * -1.6;
                    top = top.min(self.ground(middle) + self.trees * 0.08 - tall * tier);
                }
            }
        }
        top
    }

    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let shift = self.sway * sin(clock.phase);
        let (colour, foot) = (rgb(self.colour), rgb(self.foot));
        canvas.below(
            |x| (self.edge(x + shift), self.ground(x + shift)),
            self.depth,
            |t| mix(colour, foot, smooth(0.0, 1.0, t)),
        );
    }
}

/// A rock that rises from the water.
#[derive(Debug, Clone)]
pub struct Island {
    /// Middle of its foot.
    pub at: (f32, f32),
    /// Half its width.
    pub wide: f32,
    /// Height.
    pub tall: f32,
    /// Colours at the top and at the foot.
    pub colours: (u32, u32),
    /// Seed of the rock.
    pub seed: i32,
}

impl Island {
    pub(crate) fn draw(&self, canvas: &mut Canvas, _: Clock) {
        let scale = canvas.scale();
        for column in 0..canvas.width {
            let x = (column as f32 + 0.5) / scale;
            let off = (x - self.at.0) / self.wide;
            let whole = 1.0 - off * off;
            if whole <= 0.0 {
                continue;
            }
            let height = self.tall
                * (whole.sqrt() * 0.45 + whole * 0.35 + 0.35 * whole * rough(x * 7.0 + 20.0, 4096, self.seed));
            const STEPS: usize = 8;
            for step in 0..STEPS {
                let (a, b) = (step as f32 / STEPS as f32, (step + 1) as f32 / STEPS as f32);
                let colour = mix(rgb(self.colours.0), rgb(self.colours.1), a);
                let (top, bottom) = (self.at.1 - height * (1.0 - a), self.at.1 - height * (1.0 - b));
                canvas.rectangle((column as f32 / scale, top), ((column + 1) as f32 / scale, bottom), colour, 1.0);
            }
        }
    }
}

/// Houses with lit windows along a ridge.
#[derive(Debug, Clone)]
pub struct Village {
    /// Number of houses.
    pub count: u32,
    /// From and to, across.
    pub between: (f32, f32),
    /// Hills on which they stand.
    pub on: Ridge,
    /// Size of a house.
    pub size: f32,
    /// Colour of walls.
    pub wall: u32,
    /// Colour of roofs.
    pub roof: u32,
    /// Colour of windows.
    pub light: u32,
    /// Seed of the houses.
    pub seed: u32,
}

impl Village {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let mut dice = Dice::new(self.seed);
        let shift = self.on.sway * sin(clock.phase);
        let (wall, roof, light) = (rgb(self.wall), rgb(self.roof), rgb(self.light));
        for index in 0..self.count {
            let across = (index as f32 + 0.5 + dice.between(-0.3, 0.3)) / self.count as f32;
            let along = self.between.0 + (self.between.1 - self.between.0) * across;
            let x = along - shift;
            let size = self.size * dice.between(0.75, 1.2);
            let y = self.on.ground(along) + dice.between(0.15, 0.5) * self.size;
            let (w, h) = (size * dice.between(0.45, 0.65), size * 0.55);
            let tone = dim(wall, dice.between(0.85, 1.1));
            canvas.rectangle((x - w, y - h), (x + w, y + size * 0.12), tone, 1.0);
            // The roof, in steps of a line.
            let peak = size * 0.62;
            for step in 0..24 {
                let t = step as f32 / 24.0;
                let half = w * 1.22 * (1.0 - t);
                let level = y - h - peak * t;
                canvas.rectangle((x - half, level - peak / 24.0), (x + half, level + 0.0005), roof, 1.0);
            }
            if dice.roll() > 0.5 {
                canvas.rectangle((x + w * 0.4, y - h - peak * 0.9), (x + w * 0.62, y - h - peak * 0.1), roof, 1.0);
            }
            for side in [-0.5, 0.5] {
                let (lit, beat, turn) = (dice.roll(), dice.roll(), dice.roll());
                let flicker = 0.85 + 0.15 * sin(clock.turns(0.5 + beat) + turn);
                let at = (x + side * w, y - h * 0.45);
                let half = size * 0.10;
                let colour = if lit > 0.25 { dim(light, flicker) } else { dim(wall, 0.6) };
                canvas.rectangle((at.0 - half, at.1 - half * 1.2), (at.0 + half, at.1 + half * 1.2), colour, 1.0);
                if lit > 0.25 {
                    canvas.glow(at, size * 0.75, light, 0.20 * flicker);
                }
            }
        }
    }
}

/// A lighthouse whose beam goes round.
#[derive(Debug, Clone)]
pub struct Lighthouse {
    /// Foot.
    pub at: (f32, f32),
    /// Height.
    pub tall: f32,
    /// Colours of its rings.
    pub rings: (u32, u32),
    /// Colour of the light.
    pub light: u32,
    /// Strength of the beam, 0 by day.
    pub strength: f32,
}

impl Lighthouse {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let (x, foot) = self.at;
        let lamp = (x, foot - self.tall * 0.93);
        let light = rgb(self.light);
        if self.strength > 0.0 {
            self.beam(canvas, lamp, clock.turns(0.125));
        }
        const STEPS: u32 = 60;
        for step in 0..STEPS {
            let t = step as f32 / STEPS as f32;
            let half = self.tall * (0.085 - 0.035 * t);
            let y = foot - self.tall * 0.86 * t;
            let ring = rgb(if ((t * 5.0) as u32).is_multiple_of(2) { self.rings.0 } else { self.rings.1 });
            let next = y - self.tall * 0.86 / STEPS as f32 - 0.0005;
            canvas.rectangle((x - half, next), (x, y), ring, 1.0);
            canvas.rectangle((x, next), (x + half, y), dim(ring, 0.72), 1.0);
        }
        let dark = dim(rgb(self.rings.1), 0.25);
        let part = |canvas: &mut Canvas, half: f32, from: f32, to: f32, colour: Rgb| {
            let (top, bottom) = (foot - self.tall * to, foot - self.tall * from);
            canvas.rectangle((x - half * self.tall, top), (x + half * self.tall, bottom), colour, 1.0);
        };
        part(canvas, 0.075, 0.86, 0.885, dark);
        part(canvas, 0.040, 0.885, 0.965, mix(light, [1.0; 3], 0.3));
        part(canvas, 0.052, 0.965, 0.985, dark);
        part(canvas, 0.030, 0.985, 1.01, dark);
        let facing = 0.5 + 0.5 * cos(clock.turns(0.125));
        canvas.glow(lamp, self.tall * 0.35, light, 0.35 + 0.65 * facing * self.strength);
    }

    /// Two beams, seen as wedges that are wide and bright when they point at the eye.
    fn beam(&self, canvas: &mut Canvas, lamp: (f32, f32), turn: f32) {
        let light = rgb(self.light);
        let scale = canvas.scale();
        for opposite in [0.0, 0.5] {
            let (along, facing) = (sin(turn + opposite), cos(turn + opposite));
            let reach = 1.9 * along.abs();
            if reach < 0.03 {
                continue;
            }
            let spread = 0.05 + 0.10 * (facing * 0.5 + 0.5);
            for y in 0..canvas.height {
                let v = (y as f32 + 0.5) / scale - lamp.1;
                for (px, pixel) in canvas.row(y).iter_mut().enumerate() {
                    let u = ((px as f32 + 0.5) / scale - lamp.0) * along.signum();
                    if u <= 0.0 || u >= reach {
                        continue;
                    }
                    let off = v.abs() / (u * spread + 0.008);
                    if off < 1.0 {
                        let fade = (1.0 - off * off) * (1.0 - u / reach);
                        add(pixel, light, fade * fade * 0.55 * self.strength * (0.6 + 0.4 * facing));
                    }
                }
            }
        }
    }
}

/// A tree that sways in the wind.
#[derive(Debug, Clone)]
pub struct Tree {
    /// Foot of the trunk.
    pub at: (f32, f32),
    /// Length of the trunk.
    pub tall: f32,
    /// Colour of the wood.
    pub wood: u32,
    /// Colours of leaves or blossoms; empty in winter.
    pub leaves: Vec<u32>,
    /// Size of a leaf.
    pub leaf: f32,
    /// Number of times that branches fork, at most 8.
    pub forks: u32,
    /// Seed of the tree.
    pub seed: u32,
}

/// A branch from one place to another: ends, radii, and its rank.
struct Branch {
    from: (f32, f32),
    to: (f32, f32),
    thick: (f32, f32),
    rank: u32,
}

impl Tree {
    pub(crate) fn draw(&self, canvas: &mut Canvas, clock: Clock) {
        let mut branches = Vec::new();
        let mut dice = Dice::new(self.seed);
        self.grow(&mut branches, &mut dice, clock, (self.at, 0.0, self.tall, self.tall * 0.11, 0));
        let wood = rgb(self.wood);
        for branch in &branches {
            let tone = mix(wood, dim(wood, 1.25), branch.rank as f32 / 8.0);
            canvas.line(branch.from, branch.to, branch.thick, tone, 1.0);
        }
        if self.leaves.is_empty() {
            return;
        }
        let mut dice = Dice::new(self.seed ^ 0x1eaf);
        for branch in branches.iter().filter(|branch| branch.rank + 2 >= self.forks) {
            for _ in 0..4 {
                let t = dice.roll();
                let spread = self.leaf * 3.0;
                let x = branch.from.0 + (branch.to.0 - branch.from.0) * t + dice.between(-spread, spread);
                let y = branch.from.1 + (branch.to.1 - branch.from.1) * t + dice.between(-spread, spread);
                let colour = dim(rgb(dice.pick(&self.leaves)), dice.between(0.82, 1.1));
                let flutter = 1.0 + 0.18 * sin(clock.turns(0.4) + dice.roll());
                let size = self.leaf * dice.between(0.6, 1.25) * flutter;
                canvas.ellipse((x, y), (size, size * 0.8), size * 0.4, colour, 0.9);
            }
        }
    }

    fn grow(
        &self,
        branches: &mut Vec<Branch>,
        dice: &mut Dice,
        clock: Clock,
        (from, lean, length, thick, rank): ((f32, f32), f32, f32, f32, u32),
    ) {
        let wind = 0.006 * (rank + 1) as f32 * sin(clock.turns(0.12) + 0.07 * rank as f32 + dice.roll() * 0.3);
        let lean = lean + wind;
        let to = (from.0 + sin(lean) * length, from.1 - cos(lean) * length);
        branches.push(Branch { from, to, thick: (thick, thick * 0.66), rank });
        if rank >= self.forks.min(8) {
            return;
        }
        let count = if rank == 0 || dice.roll() > 0.6 { 3 } else { 2 };
        for index in 0..count {
            let side = (index as f32 - (count - 1) as f32 / 2.0) * 2.0 / count as f32;
            let turn = lean * 0.85 + side * dice.between(0.08, 0.15) + dice.between(-0.025, 0.025);
            let share = dice.between(0.68, 0.84);
            self.grow(branches, dice, clock, (to, turn, length * share, thick * 0.64, rank + 1));
        }
    }
}
