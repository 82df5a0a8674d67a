//! Hills of paper, and a tree through the year.

use super::{moon, sun, under};
use crate::air::{Birds, Mote, Motes};
use crate::land::{Ridge, Tree, Village};
use crate::scene::Scene;
use crate::sky::{Clouds, Mist, Stars};

/// Colours of five rows of hills, the farthest first, and of the mist between them.
struct Hills {
    rows: [u32; 5],
    mist: u32,
    trees: bool,
    seed: i32,
}

impl Hills {
    fn row(&self, index: usize) -> Ridge {
        let near = index as f32 / 4.0;
        Ridge {
            at: 0.47 + 0.40 * near * near.sqrt() + 0.02 * index as f32,
            rise: 0.34 - 0.10 * near,
            steps: 2.3 - 0.9 * near,
            colour: self.rows[index],
            foot: self.mist,
            depth: 0.34 + 0.25 * near,
            sway: 0.004 + 0.050 * near * near,
            trees: if self.trees && index >= 2 { 0.030 + 0.075 * near * near } else { 0.0 },
            dense: 40.0 - 22.0 * near,
            seed: self.seed + index as i32 * 13,
        }
    }

    fn below(&self, mut scene: Scene, veil: f32) -> Scene {
        for index in 0..5 {
            scene = scene.with(self.row(index));
            if index < 4 {
                scene = scene.with(Mist {
                    colour: self.mist,
                    at: 0.60 + 0.08 * index as f32,
                    thick: 0.09,
                    strength: veil,
                    seed: self.seed + 70 + index as i32,
                });
            }
        }
        scene
    }
}

/// Dawn, noon, evening and night in a valley of paper.
pub fn paper_valley() -> Vec<Scene> {
    let dawn = under(&[(0.0, 0x3b4f86), (0.28, 0x8d7fae), (0.46, 0xf2a98f), (0.6, 0xffdcae), (1.0, 0xffe9c9)])
        .with(sun((1.22, 0.47), 0.058, 0xfff3d6, 0xffb27a, 0.75));
    let dawn =
        Hills { rows: [0xb8a0bf, 0x9a7fa8, 0x76608f, 0x4d4674, 0x2a2c54], mist: 0xf6c9ae, trees: true, seed: 11 }
            .below(dawn, 0.55);
    let noon = under(&[(0.0, 0x3f8fc4), (0.4, 0x8ccbe0), (0.65, 0xdff1e4), (1.0, 0xf3f3dc)])
        .with(sun((1.32, 0.2), 0.05, 0xfffbe8, 0xfff0b8, 0.6))
        .with(Clouds { count: 9, between: (0.1, 0.36), colour: 0xffffff, strength: 0.85, seed: 5 });
    let noon =
        Hills { rows: [0x9cc7b4, 0x74ad8c, 0x4f9070, 0x2f7059, 0x174b42], mist: 0xcfe6cf, trees: true, seed: 23 }
            .below(noon, 0.30)
            .with(Birds { count: 7, at: 0.27, size: 0.022, colour: 0x1d3b46, seed: 4 });
    let evening = under(&[(0.0, 0x2b2350), (0.25, 0x6f3a6e), (0.45, 0xd9616a), (0.58, 0xffa25e), (1.0, 0xffc983)])
        .with(sun((1.12, 0.52), 0.085, 0xffe2a8, 0xff8a4a, 0.85))
        .with(Clouds { count: 6, between: (0.2, 0.42), colour: 0x8a3f6a, strength: 0.5, seed: 8 });
    let evening =
        Hills { rows: [0xc4635f, 0x9c4660, 0x70335a, 0x45244b, 0x221536], mist: 0xf59a63, trees: true, seed: 37 }
            .below(evening, 0.42)
            .with(Birds { count: 5, at: 0.33, size: 0.016, colour: 0x2a1536, seed: 6 });
    let night = under(&[(0.0, 0x060c22), (0.4, 0x12264d), (0.62, 0x2b4a74), (1.0, 0x3b5c82)])
        .with(moon((1.28, 0.24), 0.062))
        .with(Stars { count: 520, until: 0.62, seed: 9, band: 0.0 });
    let hills =
        Hills { rows: [0x2c4669, 0x213755, 0x182a45, 0x101d34, 0x080f20], mist: 0x3a587c, trees: true, seed: 52 };
    let village = Village {
        count: 11,
        between: (0.62, 1.5),
        on: hills.row(2),
        size: 0.034,
        wall: 0x26344f,
        roof: 0x131c31,
        light: 0xffc46b,
        seed: 3,
    };
    let night = (0..3).fold(night, |scene, index| scene.with(hills.row(index)));
    let night = night.with(village).with(hills.row(3)).with(hills.row(4)).with(Motes {
        kind: Mote::Firefly,
        count: 22,
        size: (0.002, 0.004),
        colours: vec![0xd8ff8a, 0xffe28a],
        strength: 0.9,
        seed: 12,
    });
    vec![dawn, noon, evening, night]
}

/// The ground under the tree, two rows.
fn meadow(scene: Scene, far: (u32, u32), near: (u32, u32)) -> Scene {
    let row = |at, rise, colours: (u32, u32), seed| Ridge {
        at,
        rise,
        steps: 1.1,
        colour: colours.0,
        foot: colours.1,
        depth: 0.3,
        sway: 0.0,
        trees: 0.0,
        dense: 1.0,
        seed,
    };
    scene.with(row(0.72, 0.16, far, 3)).with(row(0.88, 0.07, near, 8))
}

fn tree(leaves: &[u32], wood: u32) -> Tree {
    Tree { at: (1.12, 0.885), tall: 0.185, wood, leaves: leaves.to_vec(), leaf: 0.0105, forks: 6, seed: 41 }
}

fn falling(kind: Mote, count: u32, size: (f32, f32), colours: &[u32]) -> Motes {
    Motes { kind, count, size, colours: colours.to_vec(), strength: 0.95, seed: 77 }
}

/// The same tree in spring, summer, autumn and winter.
pub fn wednesday_tree() -> Vec<Scene> {
    let clouds = |colour, strength| Clouds { count: 7, between: (0.12, 0.4), colour, strength, seed: 15 };
    let spring = under(&[(0.0, 0x7fb6dc), (0.55, 0xd4e9f0), (0.8, 0xfff3e6)]).with(clouds(0xffffff, 0.75));
    let spring = meadow(spring, (0x9ecb88, 0x7db574), (0x5d9f58, 0x3d7f45))
        .with(tree(&[0xffd3e0, 0xf7a8c4, 0xffe9f0, 0xee8fb2], 0x4a3330))
        .with(falling(Mote::Petal, 46, (0.004, 0.009), &[0xffc9da, 0xffe3ec]));
    let summer = under(&[(0.0, 0x2d6f9e), (0.45, 0x7fbfc9), (0.7, 0xf7e2a6), (1.0, 0xf8d58a)])
        .with(sun((0.72, 0.52), 0.06, 0xfff6d0, 0xffd27a, 0.8))
        .with(clouds(0xfff2d8, 0.55));
    let summer = meadow(summer, (0x7fae58, 0x5e9448), (0x3d7a3a, 0x215a30))
        .with(tree(&[0x3f8f3f, 0x5aa84a, 0x2d7538, 0x86bf55], 0x3f2a20))
        .with(falling(Mote::Dust, 60, (0.002, 0.006), &[0xfff0b0, 0xffffff]));
    let autumn = under(&[(0.0, 0x6c7f99), (0.45, 0xc9b6a0), (0.7, 0xf3c583), (1.0, 0xf0b070)])
        .with(clouds(0xe8d3bd, 0.55))
        .with(Birds { count: 9, at: 0.24, size: 0.018, colour: 0x4a3b3a, seed: 2 });
    let autumn = meadow(autumn, (0xc39a52, 0xa57b3e), (0x8d6a35, 0x5b4326))
        .with(tree(&[0xd9722a, 0xe89b2f, 0xb8431f, 0xf2bd45], 0x38241c))
        .with(falling(Mote::Petal, 52, (0.005, 0.011), &[0xd9722a, 0xe8a23a, 0xb8431f]));
    let winter = under(&[(0.0, 0x27375c), (0.5, 0x7d8fb4), (0.75, 0xe3c9cc), (1.0, 0xf2dfd6)]).with(sun(
        (0.66, 0.5),
        0.045,
        0xfff1e6,
        0xf6c9c0,
        0.55,
    ));
    let winter = meadow(winter, (0xd7e2f0, 0xbccbe2), (0xf3f6fb, 0xc6d4e8)).with(tree(&[], 0x4b4450)).with(falling(
        Mote::Snow,
        240,
        (0.0015, 0.0065),
        &[0xffffff, 0xe9f1ff],
    ));
    vec![spring, summer, autumn, winter]
}
