//! The post that comes by balloon: hills in the first season, islands in the second.

use super::{moon, sun, under};
use crate::air::{Balloons, Birds, Mote, Motes};
use crate::land::{Island, Lighthouse, Ridge, Village};
use crate::scene::Scene;
use crate::sky::{Clouds, Mist, Stars};
use crate::water::{Swell, Water};

const RED: [u32; 3] = [0xd9483b, 0xf7e6cf, 0x2f4f6f];
const BLUE: [u32; 3] = [0x2f6f9f, 0xf4d58a, 0xd9483b];
const GREEN: [u32; 3] = [0x3f8f6a, 0xf7f0d8, 0xe8a23a];

fn fleet(first: (f32, f32, f32), are_lit: bool) -> Balloons {
    let each = vec![(1.52, 0.23, 0.036, GREEN), (0.72, 0.17, 0.028, BLUE), (first.0, first.1, first.2, RED)];
    Balloons { each, drift: 0.035, are_lit }
}

fn hill(at: f32, rise: f32, colours: (u32, u32), sway: f32, trees: f32, seed: i32) -> Ridge {
    Ridge { at, rise, steps: 1.5, colour: colours.0, foot: colours.1, depth: 0.4, sway, trees, dense: 24.0, seed }
}

fn houses(on: &Ridge, size: f32, light: u32, seed: u32, night: bool) -> Village {
    let (wall, roof) = if night { (0x4a3f5c, 0x2a1f3c) } else { (0xe9dcc4, 0xb4553f) };
    Village { count: 9, between: (0.7, 1.55), on: on.clone(), size, wall, roof, light, seed }
}

/// Two scenes for each of six episodes, in order.
pub fn balloon_post() -> Vec<[Scene; 2]> {
    vec![letter(), fog(), nine_villages(), salt(), keeper(), lanterns()]
}

fn letter() -> [Scene; 2] {
    let middle = hill(0.74, 0.16, (0x79b184, 0xa5cf9a), 0.012, 0.03, 103);
    let morning = under(&[(0.0, 0x5fa8d4), (0.45, 0xbfe0e4), (0.7, 0xfdf0d4)])
        .with(Clouds { count: 9, between: (0.1, 0.42), colour: 0xffffff, strength: 0.85, seed: 31 })
        .with(hill(0.62, 0.2, (0xa8cfae, 0xcfe3c4), 0.004, 0.0, 101))
        .with(middle.clone())
        .with(houses(&middle, 0.032, 0xf3d9a0, 5, false))
        .with(hill(0.90, 0.1, (0x4f9468, 0x2f7050), 0.03, 0.06, 107))
        .with(fleet((1.12, 0.36, 0.125), false));
    let climb = under(&[(0.0, 0x3f86c4), (0.5, 0xa4d4e8), (1.0, 0xf4f4e4)])
        .with(sun((1.45, 0.18), 0.05, 0xfffbe4, 0xfff0b4, 0.7))
        .with(Clouds { count: 16, between: (0.55, 0.98), colour: 0xffffff, strength: 0.9, seed: 33 })
        .with(fleet((1.02, 0.40, 0.19), false))
        .with(Birds { count: 7, at: 0.2, size: 0.018, colour: 0x2f4f6f, seed: 3 })
        .with(Clouds { count: 7, between: (0.9, 1.06), colour: 0xf2f8fc, strength: 0.95, seed: 37 });
    [morning, climb]
}

fn fog() -> [Scene; 2] {
    let veil = |at, thick, strength, seed| Mist { colour: 0xdfe4e4, at, thick, strength, seed };
    let grey = under(&[(0.0, 0x8fa0ac), (0.6, 0xc4ccd0), (1.0, 0xdfe3e2)])
        .with(hill(0.60, 0.26, (0xa8b4ba, 0xcfd6d8), 0.004, 0.04, 111))
        .with(veil(0.60, 0.16, 0.9, 3))
        .with(hill(0.74, 0.2, (0x7f9096, 0xb8c4c6), 0.014, 0.07, 113))
        .with(fleet((1.16, 0.34, 0.12), true))
        .with(veil(0.72, 0.2, 0.9, 5))
        .with(hill(0.93, 0.12, (0x4a5d62, 0x6f8286), 0.03, 0.14, 117))
        .with(veil(0.92, 0.14, 0.6, 9));
    let woods = under(&[(0.0, 0x5d7078), (0.6, 0xa4b0b0), (1.0, 0xc8d0cc)])
        .with(hill(0.66, 0.12, (0x8a9c9c, 0xb8c4c0), 0.004, 0.14, 121))
        .with(veil(0.70, 0.2, 0.9, 13))
        .with(fleet((0.98, 0.30, 0.15), true))
        .with(hill(0.84, 0.10, (0x546a68, 0x8a9c98), 0.016, 0.20, 123))
        .with(veil(0.86, 0.16, 0.8, 17))
        .with(hill(1.03, 0.10, (0x22383a, 0x22383a), 0.035, 0.34, 127));
    [grey, woods]
}

fn nine_villages() -> [Scene; 2] {
    let far = hill(0.60, 0.2, (0xd9b078, 0xf3d4a0), 0.004, 0.0, 131);
    let near = hill(0.72, 0.16, (0xb8954f, 0xdcb97c), 0.012, 0.03, 133);
    let gold = under(&[(0.0, 0x6f8fc4), (0.4, 0xe4c4a4), (0.65, 0xffe2a8), (1.0, 0xffe8b8)])
        .with(sun((1.34, 0.44), 0.06, 0xfff6d8, 0xffc67a, 0.85))
        .with(far.clone())
        .with(houses(&far, 0.018, 0xffe0a0, 11, false))
        .with(near.clone())
        .with(houses(&near, 0.03, 0xffe0a0, 13, false))
        .with(hill(0.88, 0.1, (0x7f6f35, 0xa48a4f), 0.03, 0.05, 137))
        .with(fleet((1.08, 0.32, 0.12), false));
    let high = under(&[(0.0, 0x4f7fc0), (0.5, 0xb4cfe0), (1.0, 0xf0e8d4)])
        .with(Clouds { count: 12, between: (0.14, 0.5), colour: 0xfff8ec, strength: 0.8, seed: 43 })
        .with(hill(0.72, 0.3, (0x8f9fc4, 0xc4cce0), 0.004, 0.0, 141))
        .with(hill(0.82, 0.24, (0x64789f, 0xa4b0cc), 0.012, 0.0, 143))
        .with(fleet((1.18, 0.36, 0.16), false))
        .with(hill(0.95, 0.16, (0x3f5470, 0x2f405a), 0.03, 0.08, 147))
        .with(Birds { count: 9, at: 0.26, size: 0.014, colour: 0x2f405a, seed: 13 });
    [gold, high]
}

fn salt() -> [Scene; 2] {
    let bay = under(&[(0.0, 0x3fa0c8), (0.4, 0xa8dfe0), (0.56, 0xf8f4dc)])
        .with(Clouds { count: 8, between: (0.12, 0.36), colour: 0xffffff, strength: 0.8, seed: 51 })
        .with(hill(0.60, 0.16, (0x86b8a4, 0x9fcab4), 0.003, 0.0, 151))
        .with(Water { at: 0.60, far: 0x9fdcdc, near: 0x1d6f8f, mirror: 0.5, road: None, waves: 0.8 })
        .with(fleet((1.1, 0.33, 0.13), false))
        .with(Birds { count: 3, at: 0.48, size: 0.022, colour: 0xffffff, seed: 21 });
    let wind = under(&[(0.0, 0x5f7f9f), (0.4, 0xb4c4cc), (0.55, 0xe4e4d8)])
        .with(Mist { colour: 0x8fa4b4, at: 0.2, thick: 0.2, strength: 0.6, seed: 6 })
        .with(fleet((1.2, 0.30, 0.12), false))
        .with(Swell { from: 0.56, to: 0.94, count: 7, colours: (0x8fb4b8, 0x1d4f66), crest: 0xeaf6f0, rise: 0.08 });
    [bay, wind]
}

fn keeper() -> [Scene; 2] {
    let rock = |colour| Island { at: (1.36, 0.675), wide: 0.34, tall: 0.075, colours: (colour, 0x0a1020), seed: 164 };
    let tower =
        |strength| Lighthouse { at: (1.34, 0.64), tall: 0.36, rings: (0xf3ece0, 0xc4503f), light: 0xfff0c0, strength };
    let evening = under(&[(0.0, 0x2f3f7f), (0.35, 0x9f6f9f), (0.52, 0xf4a07a), (0.6, 0xffd09a)])
        .with(sun((0.94, 0.54), 0.055, 0xffe8b8, 0xff9a5a, 0.7))
        .with(Water {
            at: 0.60,
            far: 0xe49a84,
            near: 0x24305f,
            mirror: 0.7,
            road: Some((0.94, 0xffc48a, 0.7)),
            waves: 0.8,
        })
        .with(rock(0x2c2f48))
        .with(tower(0.5))
        .with(fleet((0.98, 0.26, 0.09), true));
    let night = under(&[(0.0, 0x060d24), (0.4, 0x142a54), (0.6, 0x34527f)])
        .with(Stars { count: 420, until: 0.58, seed: 5, band: 0.0 })
        .with(moon((0.78, 0.18), 0.05))
        .with(Water {
            at: 0.62,
            far: 0x24406a,
            near: 0x060f20,
            mirror: 0.8,
            road: Some((0.78, 0xb4c8e8, 0.35)),
            waves: 0.7,
        })
        .with(rock(0x0c1424))
        .with(tower(1.0))
        .with(fleet((1.02, 0.36, 0.085), true));
    [evening, night]
}

fn lanterns() -> [Scene; 2] {
    let lights = |count| Motes {
        kind: Mote::Lantern,
        count,
        size: (0.006, 0.020),
        colours: vec![0xff9a3a, 0xffb85a, 0xff7f3f],
        strength: 0.95,
        seed: 61,
    };
    let shore = hill(0.66, 0.14, (0x2f2a54, 0x4a3a64), 0.003, 0.0, 171);
    let low = hill(0.80, 0.14, (0x181c44, 0x24285a), 0.012, 0.04, 183);
    let bay = under(&[(0.0, 0x0a1030), (0.4, 0x2a2a5f), (0.62, 0x7f4f7f), (0.7, 0xc4707a)])
        .with(Stars { count: 260, until: 0.5, seed: 15, band: 0.0 })
        .with(shore.clone())
        .with(houses(&shore, 0.026, 0xffc46b, 23, true))
        .with(lights(46))
        .with(Water { at: 0.72, far: 0x4a3a64, near: 0x0a1030, mirror: 0.85, road: None, waves: 0.6 })
        .with(fleet((1.14, 0.30, 0.11), true));
    let home = under(&[(0.0, 0x070b22), (0.5, 0x1d2350), (0.8, 0x4a3a64)])
        .with(Stars { count: 380, until: 0.6, seed: 19, band: 0.0 })
        .with(hill(0.70, 0.2, (0x24285a, 0x3a3a68), 0.004, 0.0, 181))
        .with(low.clone())
        .with(houses(&low, 0.036, 0xffc46b, 27, true))
        .with(hill(0.96, 0.08, (0x0a0d24, 0x0a0d24), 0.03, 0.08, 187))
        .with(lights(60))
        .with(fleet((1.1, 0.34, 0.13), true));
    [bay, home]
}
