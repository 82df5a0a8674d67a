//! A street in a city by night.

use super::{moon, sun, under};
use crate::city::{Bokeh, Buildings, Drops, Rain, Viaduct};
use crate::scene::Scene;
use crate::sky::{Clouds, Mist, Stars};

const WARM: [u32; 4] = [0xffc879, 0xffe2ab, 0xff9f55, 0xcfe4ff];

/// Buildings: foot, lowest and highest, widest; walls; part and size of the lit windows; sway, and seed.
fn block(
    (foot, tall, wide): (f32, (f32, f32), f32),
    wall: (u32, u32),
    (lit, pane): (f32, f32),
    (sway, seed): (f32, u32),
) -> Buildings {
    Buildings { foot, tall, wide, wall, windows: WARM.to_vec(), lit, pane, sway, seed }
}

fn streets(scene: Scene, walls: [(u32, u32); 3], lit: f32) -> Scene {
    scene
        .with(block((0.95, (0.30, 0.62), 0.17), walls[0], (lit * 0.7, 0.0065), (0.004, 4)))
        .with(Mist { colour: walls[0].1, at: 0.78, thick: 0.16, strength: 0.5, seed: 3 })
        .with(block((1.0, (0.22, 0.46), 0.22), walls[1], (lit, 0.010), (0.012, 9)))
        .with(block((1.05, (0.12, 0.27), 0.34), walls[2], (lit * 1.1, 0.016), (0.03, 23)))
}

/// Blue hour, the train, rain on a window, and the first light.
pub fn lindengasse() -> Vec<Scene> {
    let blue = under(&[(0.0, 0x101a44), (0.35, 0x33407f), (0.6, 0xb0688c), (0.75, 0xf0a070)])
        .with(Stars { count: 90, until: 0.35, seed: 3, band: 0.0 })
        .with(Clouds { count: 5, between: (0.3, 0.48), colour: 0x5a4a80, strength: 0.4, seed: 4 });
    let blue = streets(blue, [(0x3f3f75, 0x8a5f85), (0x262a55, 0x3a3560), (0x10142e, 0x171a38)], 0.5);
    let train = under(&[(0.0, 0x060a1c), (0.5, 0x131f44), (0.8, 0x2a3a66)])
        .with(moon((1.42, 0.17), 0.05))
        .with(Stars { count: 200, until: 0.5, seed: 6, band: 0.0 })
        .with(block((0.86, (0.18, 0.44), 0.15), (0x16224a, 0x26376a), (0.36, 0.006), (0.004, 31)))
        .with(Mist { colour: 0x2f4478, at: 0.74, thick: 0.15, strength: 0.55, seed: 9 })
        .with(Viaduct { at: 0.66, stone: 0x1a2340, train: 0x3a1f2c, light: 0xffd58a, carriages: 6 })
        .with(block((1.04, (0.10, 0.20), 0.30), (0x090e20, 0x0c1228), (0.42, 0.013), (0.02, 41)));
    let window = under(&[(0.0, 0x0a0f22), (0.6, 0x1a1f3c), (1.0, 0x10142a)])
        .with(block((1.0, (0.3, 0.7), 0.26), (0x12182f, 0x1a2140), (0.0, 0.018), (0.0, 51)))
        .with(Mist { colour: 0x1b2242, at: 0.5, thick: 0.6, strength: 0.75, seed: 2 })
        .with(Bokeh {
            count: 60,
            between: (0.32, 0.95),
            size: (0.016, 0.06),
            colours: vec![0xffb45a, 0xff7a4a, 0xffe0a0, 0x6fb0ff, 0xff4f6a, 0x8affd0],
            strength: 0.8,
            seed: 12,
        })
        .with(Rain { count: 90, long: 0.10, slant: 0.05, colour: 0x9fb4e0, strength: 0.16, seed: 4 })
        .with(Drops { count: 210, running: 16, seed: 5 });
    let dawn = under(&[(0.0, 0x6a86b8), (0.4, 0xc6b6cc), (0.62, 0xffd0a8), (1.0, 0xffdcb0)])
        .with(sun((1.26, 0.56), 0.06, 0xfff3dc, 0xffb87a, 0.8))
        .with(Clouds { count: 6, between: (0.16, 0.4), colour: 0xe9c3c4, strength: 0.6, seed: 14 });
    let dawn = streets(dawn, [(0xa58fae, 0xe8b8a4), (0x6b5f8a, 0xa07f92), (0x37325a, 0x4a3f60)], 0.10);
    vec![blue, train, window, dawn]
}
