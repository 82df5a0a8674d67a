//! Far from home.

use super::under;
use crate::land::Ridge;
use crate::math::{cos, sin};
use crate::scene::Scene;
use crate::sky::{Haze, Orb, Stars};
use crate::space::Planet;

fn black(tint: u32) -> Scene {
    under(&[(0.0, 0x03040c), (0.6, tint), (1.0, 0x04040a)])
}

/// A giant with rings, the inner worlds, a camp under the Milky Way, and the way home.
pub fn far_noon() -> Vec<Scene> {
    let stars = |count, seed, band| Stars { count, until: 2.0, seed, band };
    let giant = black(0x0b0a1c)
        .with(stars(420, 3, 0.0))
        .with(Planet {
            at: (1.16, 0.50),
            path: (0.0, 0.0),
            pace: 0.0,
            start: 0.0,
            radius: 0.25,
            colours: (0x8a5a3a, 0xd9a868, 0xf6e3b8),
            bands: 5.0,
            light: (-0.75, -0.35, 0.55),
            air: 0xffd9a0,
            ring: Some((1.28, 2.15, 0.24, 0xe2c9a0)),
            seed: 4,
        })
        .with(moonlet((1.16, 0.50), (0.78, 0.20), 0.02, 0.62, 0.022));
    let camp = under(&[(0.0, 0x050716), (0.6, 0x0f1530), (0.85, 0x3a2a48), (1.0, 0x5a3a4c)])
        .with(Haze { colour: 0x9a9ad8, strength: 0.5 })
        .with(stars(1500, 11, 1.0))
        .with(Ridge {
            at: 0.80,
            rise: 0.16,
            steps: 2.0,
            colour: 0x241a30,
            foot: 0x3a2840,
            depth: 0.2,
            sway: 0.004,
            trees: 0.0,
            dense: 1.0,
            seed: 6,
        })
        .with(Ridge {
            at: 0.90,
            rise: 0.10,
            steps: 1.2,
            colour: 0x0c0914,
            foot: 0x0c0914,
            depth: 0.2,
            sway: 0.014,
            trees: 0.0,
            dense: 1.0,
            seed: 8,
        });
    let home = black(0x060b1a)
        .with(stars(460, 17, 0.0))
        .with(Planet {
            at: (1.30, 0.86),
            path: (0.0, 0.0),
            pace: 0.0,
            start: 0.0,
            radius: 0.62,
            colours: (0x0a2f66, 0x1d6a9a, 0xe8f0ea),
            bands: 0.0,
            light: (-0.5, -0.75, 0.35),
            air: 0x8fd0ff,
            ring: None,
            seed: 33,
        })
        .with(Planet {
            at: (0.62, 0.24),
            path: (0.0, 0.0),
            pace: 0.0,
            start: 0.0,
            radius: 0.055,
            colours: (0x6a6a70, 0xa8a6a4, 0xd8d4cc),
            bands: 0.0,
            light: (-0.5, -0.75, 0.35),
            air: 0xc0c4cc,
            ring: None,
            seed: 3,
        });
    vec![giant, inner_worlds(), camp, home]
}

fn moonlet(at: (f32, f32), path: (f32, f32), pace: f32, start: f32, radius: f32) -> Planet {
    Planet {
        at,
        path,
        pace,
        start,
        radius,
        colours: (0x5a5a68, 0x9a98a0, 0xd0ccc8),
        bands: 0.0,
        light: (-0.75, -0.35, 0.55),
        air: 0xa0a8c0,
        ring: None,
        seed: 9,
    }
}

/// Four worlds around their star.
fn inner_worlds() -> Scene {
    let star = Orb {
        at: (0.98, 0.5),
        radius: 0.062,
        colour: 0xfff6dc,
        glow: 0xffb45a,
        reach: 0.75,
        strength: 0.75,
        is_moon: false,
    };
    let mut inner = black(0x120b16).with(star).with(Stars { count: 380, until: 2.0, seed: 7, band: 0.0 });
    for (index, (reach, radius, colours, air)) in [
        (0.22, 0.016, (0x5a4a44, 0x9a8070, 0xcfb8a4), 0xd8c0a8),
        (0.36, 0.028, (0x9a5a2a, 0xd99a4a, 0xf8dca0), 0xffd8a0),
        (0.54, 0.034, (0x0d3a66, 0x2f7a8a, 0xd8e8d0), 0x9fd4ff),
        (0.74, 0.024, (0x6a2a1a, 0xb8552f, 0xe0a070), 0xffa880),
    ]
    .into_iter()
    .enumerate()
    {
        let start = index as f32 * 0.27 + 0.1;
        let turn = (sin(start), cos(start));
        inner = inner.with(Planet {
            at: (0.98, 0.5),
            path: (reach, reach * 0.36),
            pace: if index < 2 { 0.1 } else { 0.05 },
            start,
            radius,
            colours,
            bands: if index == 1 { 4.0 } else { 0.0 },
            light: (-turn.0, -turn.1 * 0.4, 0.35),
            air,
            ring: None,
            seed: 20 + index as i32,
        });
    }
    inner
}
