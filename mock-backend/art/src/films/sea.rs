//! The open sea, and what is under it.

use super::{sun, under};
use crate::air::{Birds, Mote, Motes};
use crate::city::Rain;
use crate::land::{Island, Lighthouse};
use crate::scene::Scene;
use crate::sea::{Jellies, Shafts, Shoal, Weeds};
use crate::sky::{Clouds, Mist, Stars};
use crate::water::{Swell, Water};

/// Sunrise, the open sea, the storm, and the lighthouse.
pub fn salt_road() -> Vec<Scene> {
    let sunrise = under(&[(0.0, 0x2d4a86), (0.25, 0x7f7fb4), (0.42, 0xf0a08a), (0.5, 0xffd79a)])
        .with(sun((1.16, 0.455), 0.05, 0xfff4d0, 0xffae6a, 0.7))
        .with(Clouds { count: 8, between: (0.14, 0.36), colour: 0xc98ba0, strength: 0.45, seed: 22 })
        .with(Water {
            at: 0.5,
            far: 0xd99a8a,
            near: 0x1d3460,
            mirror: 0.7,
            road: Some((1.16, 0xffd79a, 0.85)),
            waves: 0.9,
        })
        .with(Birds { count: 5, at: 0.26, size: 0.017, colour: 0x2d2f55, seed: 3 });
    let open = under(&[(0.0, 0x2f7fb8), (0.3, 0x84c2da), (0.5, 0xe9f4ea)])
        .with(sun((1.4, 0.16), 0.04, 0xfffbe8, 0xfff2c0, 0.6))
        .with(Clouds { count: 10, between: (0.16, 0.42), colour: 0xffffff, strength: 0.8, seed: 27 })
        .with(Swell { from: 0.50, to: 0.93, count: 8, colours: (0x7fc0cc, 0x0d3f6e), crest: 0xdff5ee, rise: 0.05 })
        .with(Birds { count: 3, at: 0.32, size: 0.026, colour: 0xf4f6f8, seed: 9 });
    let storm = under(&[(0.0, 0x141c2b), (0.3, 0x2c3a4c), (0.5, 0x6f7f86)])
        .with(Mist { colour: 0x465a6a, at: 0.2, thick: 0.26, strength: 0.8, seed: 3 })
        .with(Mist { colour: 0x202c3c, at: 0.34, thick: 0.2, strength: 0.8, seed: 8 })
        .with(Swell { from: 0.46, to: 0.92, count: 8, colours: (0x64777d, 0x0c1d2a), crest: 0xb9cccb, rise: 0.115 })
        .with(Rain { count: 260, long: 0.11, slant: 0.42, colour: 0xc8d8e0, strength: 0.20, seed: 5 });
    let light = under(&[(0.0, 0x050b1e), (0.35, 0x10224a), (0.55, 0x2a4a76)])
        .with(Stars { count: 460, until: 0.55, seed: 12, band: 0.0 })
        .with(Water { at: 0.58, far: 0x1d3a60, near: 0x050d1c, mirror: 0.8, road: None, waves: 0.7 })
        .with(Island { at: (1.30, 0.645), wide: 0.36, tall: 0.075, colours: (0x101a2e, 0x060a14), seed: 64 })
        .with(Lighthouse {
            at: (1.28, 0.595),
            tall: 0.30,
            rings: (0xe9e4da, 0xb4463c),
            light: 0xfff0c0,
            strength: 1.0,
        });
    vec![sunrise, open, storm, light]
}

fn depth(stops: &[(f32, u32)], light: u32, strength: f32) -> Scene {
    under(stops).with(Shafts { from: 1.05, colour: light, strength, until: 1.0 })
}

/// Under the surface, the forest of weeds, the field of jellyfish, and the deep.
pub fn deep() -> Vec<Scene> {
    let dust = |count| Motes {
        kind: Mote::Dust,
        count,
        size: (0.0012, 0.004),
        colours: vec![0xbfefff],
        strength: 0.5,
        seed: 6,
    };
    let surface = depth(&[(0.0, 0x3fb4c4), (0.35, 0x147a9a), (1.0, 0x062a4a)], 0xcffff4, 0.62)
        .with(Shoal { count: 90, at: 0.46, size: 0.011, colour: 0x0b3a58, seed: 4 })
        .with(Shoal { count: 40, at: 0.66, size: 0.019, colour: 0x062338, seed: 8 })
        .with(dust(70));
    let forest = depth(&[(0.0, 0x1d8f86), (0.4, 0x0b5560), (1.0, 0x03222e)], 0xc8ffd8, 0.5)
        .with(Weeds { count: 26, between: (0.0, 1.78), tall: 0.62, colours: (0x0d4a44, 0x1a6a52), seed: 5 })
        .with(Shoal { count: 46, at: 0.38, size: 0.014, colour: 0xd9a441, seed: 14 })
        .with(Weeds { count: 15, between: (0.9, 1.85), tall: 0.85, colours: (0x04262a, 0x0a3b38), seed: 9 })
        .with(Motes {
            kind: Mote::Bubble,
            count: 26,
            size: (0.003, 0.008),
            colours: vec![0xd8fff4],
            strength: 0.7,
            seed: 3,
        });
    let field = depth(&[(0.0, 0x1a3a78), (0.45, 0x0d1c4a), (1.0, 0x050a20)], 0x8fb4ff, 0.26)
        .with(Jellies {
            count: 9,
            size: (0.030, 0.115),
            colours: vec![0xff8fc8, 0x8fb8ff, 0xc79bff],
            strength: 0.85,
            seed: 5,
        })
        .with(dust(90));
    let deep = under(&[(0.0, 0x061022), (0.5, 0x030814), (1.0, 0x010308)])
        .with(Motes {
            kind: Mote::Firefly,
            count: 34,
            size: (0.0015, 0.004),
            colours: vec![0x5fffe0, 0x7fb0ff],
            strength: 0.8,
            seed: 23,
        })
        .with(Jellies { count: 2, size: (0.05, 0.24), colours: vec![0x57ffd8, 0x4fb8ff], strength: 0.9, seed: 12 })
        .with(dust(60));
    vec![surface, forest, field, deep]
}
