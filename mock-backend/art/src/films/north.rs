//! Nights under the northern lights.

use super::{moon, under};
use crate::air::{Mote, Motes};
use crate::land::{Ridge, Village};
use crate::scene::Scene;
use crate::sky::{Aurora, Mist, Stars};
use crate::water::Water;

fn peaks(at: f32, rise: f32, colours: (u32, u32), seed: i32) -> Ridge {
    Ridge {
        at,
        rise,
        steps: 2.6,
        colour: colours.0,
        foot: colours.1,
        depth: 0.2,
        sway: 0.003,
        trees: 0.0,
        dense: 1.0,
        seed,
    }
}

fn firs(at: f32, tall: f32, colour: u32, seed: i32) -> Ridge {
    Ridge { at, rise: 0.08, steps: 1.3, colour, foot: colour, depth: 0.2, sway: 0.02, trees: tall, dense: 22.0, seed }
}

fn curtains(colours: (u32, u32), foot: f32, strength: f32, seed: i32) -> Aurora {
    Aurora { low: colours.0, high: colours.1, foot, tall: 0.085, strength, seed }
}

fn lake(at: f32, mirror: f32) -> Water {
    Water { at, far: 0x0b1f33, near: 0x04101e, mirror, road: None, waves: 0.45 }
}

/// Dusk, the first arc, the great curtains, a village, and mist in the morning.
pub fn green_hours() -> Vec<Scene> {
    let dusk = under(&[(0.0, 0x0a1738), (0.35, 0x21386b), (0.52, 0x74618e), (0.62, 0xe39b85), (1.0, 0xf0b890)])
        .with(Stars { count: 240, until: 0.45, seed: 2, band: 0.0 })
        .with(peaks(0.60, 0.26, (0x4a4a72, 0x6e5c80), 5))
        .with(peaks(0.64, 0.12, (0x2d3154, 0x3d3d60), 9))
        .with(lake(0.66, 0.85))
        .with(firs(0.95, 0.16, 0x060c1a, 3));
    let night = |stars| {
        under(&[(0.0, 0x030a18), (0.4, 0x07182c), (0.65, 0x103048), (1.0, 0x16405a)]).with(Stars {
            count: stars,
            until: 0.66,
            seed: 4,
            band: 0.0,
        })
    };
    let first = night(420)
        .with(curtains((0x4dffb0, 0x2f8f9a), 0.46, 0.55, 3))
        .with(peaks(0.60, 0.22, (0x0f2536, 0x16384a), 15))
        .with(lake(0.64, 0.9))
        .with(firs(0.96, 0.20, 0x02070e, 8));
    let great = night(380)
        .with(curtains((0x58ffa6, 0x8a4fd0), 0.48, 0.72, 11))
        .with(curtains((0x7dffc8, 0xd04f9a), 0.36, 0.50, 29))
        .with(peaks(0.63, 0.24, (0x0c2030, 0x143244), 25))
        .with(peaks(0.68, 0.10, (0x081824, 0x0c2230), 27))
        .with(lake(0.70, 0.9))
        .with(firs(0.99, 0.24, 0x02060c, 14));
    let snow = Ridge {
        at: 0.80,
        rise: 0.06,
        steps: 1.1,
        colour: 0x7f9cb4,
        foot: 0x4a6a86,
        depth: 0.2,
        sway: 0.008,
        trees: 0.0,
        dense: 1.0,
        seed: 31,
    };
    let village = night(320)
        .with(curtains((0x63ffb4, 0x5a6fe0), 0.42, 0.6, 41))
        .with(peaks(0.62, 0.30, (0x14304a, 0x27506a), 35))
        .with(snow.clone())
        .with(Village {
            count: 8,
            between: (0.55, 1.55),
            on: snow,
            size: 0.046,
            wall: 0x6b2f2f,
            roof: 0xb9cddd,
            light: 0xffcf7d,
            seed: 21,
        })
        .with(Ridge {
            at: 0.90,
            rise: 0.05,
            steps: 0.9,
            colour: 0xa9c2d6,
            foot: 0x54748f,
            depth: 0.2,
            sway: 0.02,
            trees: 0.0,
            dense: 1.0,
            seed: 33,
        })
        .with(firs(1.02, 0.30, 0x0a1a26, 36))
        .with(Motes {
            kind: Mote::Snow,
            count: 120,
            size: (0.001, 0.004),
            colours: vec![0xdff0ff],
            strength: 0.6,
            seed: 6,
        });
    let morning = under(&[(0.0, 0x5d7ea6), (0.4, 0xa9b8c8), (0.62, 0xf2d3c0), (1.0, 0xf6dfcc)])
        .with(moon((1.35, 0.16), 0.03))
        .with(peaks(0.58, 0.26, (0x9fb0c6, 0xd9cfcf), 5))
        .with(peaks(0.63, 0.14, (0x7d93ad, 0xc4c3cb), 9))
        .with(lake(0.66, 0.95))
        .with(Mist { colour: 0xfbeadf, at: 0.66, thick: 0.11, strength: 0.85, seed: 5 })
        .with(Mist { colour: 0xeedfd8, at: 0.78, thick: 0.12, strength: 0.5, seed: 7 })
        .with(firs(0.97, 0.22, 0x22384a, 3));
    vec![dusk, first, great, village, morning]
}
