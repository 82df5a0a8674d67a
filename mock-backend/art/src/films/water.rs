//! A pond through a day and a year.

use crate::air::{Mote, Motes};
use crate::city::Rain;
use crate::pond::{Carp, Lilies, Pool, Rings};
use crate::scene::Scene;

const LEAVES: [(f32, f32, f32); 9] = [
    (1.46, 0.16, 0.105),
    (1.63, 0.30, 0.085),
    (1.30, 0.06, 0.075),
    (1.70, 0.10, 0.11),
    (1.55, 0.88, 0.12),
    (1.72, 0.74, 0.085),
    (0.10, 0.92, 0.10),
    (0.26, 0.99, 0.08),
    (1.36, 0.98, 0.07),
];

fn pool(colours: (u32, u32), light: u32, strength: f32) -> Scene {
    Scene { vignette: 0.45, ..Scene::default() }.with(Pool { colours, light, strength })
}

fn carp(shadow: f32, tint: [u32; 3]) -> Carp {
    Carp {
        count: 7,
        size: 0.13,
        bodies: vec![0xf5efe4, tint[0], 0xf0e6d2],
        spots: vec![tint[1], tint[2], 0x2a2a30],
        shadow,
        seed: 19,
    }
}

fn lilies(leaf: u32, blossom: u32) -> Lilies {
    Lilies { each: LEAVES.to_vec(), leaf, blossom, seed: 5 }
}

/// Morning, petals, rain, and lanterns by night.
pub fn seven_carp() -> Vec<Scene> {
    let rings = |count, strength| Rings { count, size: 0.12, colour: 0xe8fbff, strength, seed: 3 };
    let morning = pool((0x06323a, 0x1f7f80), 0xb8fff0, 0.30)
        .with(carp(1.0, [0xf2a33c, 0xe4552b, 0xf07f2e]))
        .with(lilies(0x3f8f4f, 0xffd7e6))
        .with(rings(3, 0.35));
    let petals = pool((0x123a4a, 0x4a97a0), 0xfff2e8, 0.24)
        .with(carp(0.9, [0xf4b25a, 0xe2512f, 0xec7a35]))
        .with(lilies(0x5d9f58, 0xffb9d2))
        .with(rings(4, 0.3))
        .with(Motes {
            kind: Mote::Petal,
            count: 70,
            size: (0.006, 0.013),
            colours: vec![0xffc3d8, 0xffe4ee, 0xf7a3c0],
            strength: 0.95,
            seed: 31,
        });
    let rain = pool((0x0a2228, 0x2a5c62), 0xa0d0d0, 0.08)
        .with(carp(0.5, [0xd98f3c, 0xc24a2b, 0xcc6f30]))
        .with(lilies(0x2f6f48, 0xe8c4d4))
        .with(rings(44, 0.42))
        .with(Rain { count: 70, long: 0.09, slant: 0.06, colour: 0xd6ecf2, strength: 0.22, seed: 8 });
    let night = pool((0x03101f, 0x0d3550), 0x7fb4ff, 0.16)
        .with(carp(0.4, [0xc98a4a, 0xb8482c, 0xc06a34]))
        .with(lilies(0x1d4a3f, 0xd9c0e8))
        .with(rings(3, 0.25))
        .with(Motes {
            kind: Mote::Firefly,
            count: 26,
            size: (0.003, 0.006),
            colours: vec![0xffd27a, 0xfff0a8],
            strength: 1.0,
            seed: 17,
        });
    vec![morning, petals, rain, night]
}
