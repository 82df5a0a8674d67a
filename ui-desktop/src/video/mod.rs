//! Video on screen: planes of a decoded picture go to the graphics card as they are, and a shader makes colours of
//! them inside egui's paint callback. No conversion to RGBA on the processor, no egui texture.

mod colour;
mod fit;
mod planes;
mod shader;
mod surface;

pub use colour::{ColourTransform, transform};
pub use fit::{Fit, fit};
pub use surface::{TooOld, VideoSurface, supported};
