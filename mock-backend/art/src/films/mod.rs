//! The looks of the demo catalogue: each function gives the scenes of one film, in order.

mod city;
mod land;
mod north;
mod post;
mod sea;
mod space;
mod water;

pub use city::lindengasse;
pub use land::{paper_valley, wednesday_tree};
pub use north::green_hours;
pub use post::balloon_post;
pub use sea::{deep, salt_road};
pub use space::far_noon;
pub use water::seven_carp;

use crate::scene::Scene;
use crate::sky::{Orb, Sky};

/// Returns a scene with a sky and darker corners.
fn under(stops: &[(f32, u32)]) -> Scene {
    Scene { vignette: 0.38, ..Scene::default() }.with(Sky { stops: stops.to_vec() })
}

/// Returns a sun with its glow.
fn sun(at: (f32, f32), radius: f32, colour: u32, glow: u32, reach: f32) -> Orb {
    Orb { at, radius, colour, glow, reach, strength: 0.62, is_moon: false }
}

/// Returns a moon.
fn moon(at: (f32, f32), radius: f32) -> Orb {
    Orb { at, radius, colour: 0xf4efdc, glow: 0x9db4d8, reach: radius * 6.0, strength: 0.38, is_moon: true }
}
