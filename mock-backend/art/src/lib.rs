//! Draws the pictures of the demo catalogue and plays its music.
//!
//! A [`Scene`] is a list of layers from the sky to what is nearest. A [`Painter`] draws it at any size and at any moment of a
//! period after which it begins again, so that a scene may be repeated without a visible end. Nothing here reads a file, a clock or the
//! system's mathematics: equal scenes give equal bytes.

#![warn(missing_docs)]

mod air;
mod canvas;
mod city;
mod clock;
pub mod films;
mod land;
mod math;
pub mod music;
mod pond;
mod scene;
mod sea;
mod sky;
mod space;
mod water;

pub use air::{Balloons, Birds, Mote, Motes};
pub use city::{Bokeh, Buildings, Drops, Rain, Viaduct};
pub use clock::Clock;
pub use land::{Island, Lighthouse, Ridge, Tree, Village};
pub use pond::{Carp, Lilies, Pool, Rings};
pub use scene::{Layer, Painter, Scene, WIDTH};
pub use sea::{Jellies, Shafts, Shoal, Weeds};
pub use sky::{Aurora, Clouds, Haze, Mist, Orb, Sky, Stars};
pub use space::Planet;
pub use water::{Swell, Water};
