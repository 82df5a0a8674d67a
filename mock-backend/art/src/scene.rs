//! A scene: layers that are drawn one over the other, again and again.

use crate::air::{Balloons, Birds, Motes};
use crate::canvas::{ASPECT, Canvas};
use crate::city::{Bokeh, Buildings, Drops, Rain, Viaduct};
use crate::clock::Clock;
use crate::land::{Island, Lighthouse, Ridge, Tree, Village};
use crate::math::smooth;
use crate::pond::{Carp, Lilies, Pool, Rings};
use crate::sea::{Jellies, Shafts, Shoal, Weeds};
use crate::sky::{Aurora, Clouds, Haze, Mist, Orb, Sky, Stars};
use crate::space::Planet;
use crate::water::{Swell, Water};

macro_rules! layers {
    ($($name:ident: $still:literal,)*) => {
        /// Part of a scene.
        #[derive(Debug, Clone)]
        #[expect(missing_docs, reason = "each has the documentation of its type")]
        pub enum Layer {
            $($name($name),)*
        }

        impl Layer {
            fn is_still(&self) -> bool {
                match self {
                    $(Self::$name(_) => $still,)*
                }
            }

            fn draw(&self, canvas: &mut Canvas, clock: Clock) {
                match self {
                    $(Self::$name(layer) => layer.draw(canvas, clock),)*
                }
            }
        }

        $(impl From<$name> for Layer {
            fn from(layer: $name) -> Self {
                Self::$name(layer)
            }
        })*
    };
}

layers! {
    Sky: true, Orb: true, Haze: true,
    Stars: false, Aurora: false, Mist: false, Clouds: false,
    Ridge: false, Island: false, Village: false, Lighthouse: false, Tree: false,
    Water: false, Swell: false,
    Buildings: false, Viaduct: false, Rain: false, Bokeh: false, Drops: false,
    Planet: false,
    Shafts: false, Jellies: false, Shoal: false, Weeds: false,
    Motes: false, Balloons: false, Birds: false,
    Pool: false, Carp: false, Lilies: false, Rings: false,
}

/// A scene that can be drawn at any size and moment.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    /// Layers, the farthest first.
    pub layers: Vec<Layer>,
    /// Darkness of the corners, from 0 to 1.
    pub vignette: f32,
    /// Darkness of the left side, from 0 to 1, where text stands.
    pub shade: f32,
}

impl Scene {
    /// Adds a layer in front of the others.
    #[must_use]
    pub fn with(mut self, layer: impl Into<Layer>) -> Self {
        self.layers.push(layer.into());
        self
    }

    /// Sets the darkness of the left side.
    #[must_use]
    pub fn shaded(mut self, shade: f32) -> Self {
        self.shade = shade;
        self
    }
}

/// Draws a scene at one size.
#[derive(Debug)]
pub struct Painter<'a> {
    scene: &'a Scene,
    /// The layers at the back that never change, drawn.
    back: Canvas,
    still: usize,
    canvas: Canvas,
    /// Factor of each pixel.
    shade: Vec<f32>,
}

impl<'a> Painter<'a> {
    /// Makes a painter for pictures of `width` by `height` pixels, of 16:9.
    pub fn new(scene: &'a Scene, width: usize, height: usize) -> Self {
        let mut back = Canvas::new(width, height);
        let still = scene.layers.iter().take_while(|layer| layer.is_still()).count();
        for layer in &scene.layers[..still] {
            layer.draw(&mut back, Clock { phase: 0.0, seconds: 1.0 });
        }
        let shade = (0..width * height).map(|index| {
            let (u, v) = ((index % width) as f32 / width as f32, (index / width) as f32 / height as f32);
            let (x, y) = (u * 2.0 - 1.0, v * 2.0 - 1.0);
            let corner = smooth(0.55, 1.9, x * x + y * y * 0.9);
            let left = 1.0 - smooth(0.0, 0.62, u);
            (1.0 - scene.vignette * corner) * (1.0 - scene.shade * left)
        });
        let shade = shade.collect();
        Self { scene, canvas: back.clone(), back, still, shade }
    }

    /// Writes the picture of a moment into `out`: red, green and blue of each pixel, row by row.
    pub fn draw(&mut self, clock: Clock, out: &mut Vec<u8>) {
        self.canvas.pixels.copy_from_slice(&self.back.pixels);
        for layer in &self.scene.layers[self.still..] {
            layer.draw(&mut self.canvas, clock);
        }
        self.canvas.write(&self.shade, out);
    }
}

/// Width of a picture in heights, for those who place things in it.
pub const WIDTH: f32 = ASPECT;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::films;

    fn all() -> Vec<Scene> {
        let post = films::balloon_post().into_iter().flatten();
        let films = [
            films::paper_valley(),
            films::seven_carp(),
            films::green_hours(),
            films::lindengasse(),
            films::salt_road(),
            films::far_noon(),
            films::wednesday_tree(),
            films::deep(),
        ];
        films.into_iter().flatten().chain(post).collect()
    }

    fn draw(scene: &Scene, phase: f32) -> Vec<u8> {
        let mut bytes = Vec::new();
        Painter::new(scene, 192, 108).draw(Clock { phase, seconds: 10.0 }, &mut bytes);
        bytes
    }

    /// Mean difference of two pictures, in steps of brightness.
    fn difference(a: &[u8], b: &[u8]) -> f32 {
        let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        sum as f32 / a.len() as f32
    }

    #[test]
    fn each_scene_ends_as_it_begins_and_moves_between() {
        for (index, scene) in all().iter().enumerate() {
            let (begin, end) = (draw(scene, 0.0), draw(scene, 1.0));
            assert_eq!(begin.len(), 192 * 108 * 3);
            assert!(difference(&begin, &end) < 0.05, "scene {index} jumps by {}", difference(&begin, &end));
            let (a, b) = (draw(scene, 0.25), draw(scene, 0.55));
            assert!(difference(&a, &b) > 0.02, "scene {index} stands still");
            let next = difference(&begin, &draw(scene, 1.0 / 240.0));
            assert!(next < 9.0, "scene {index} leaps by {next} from one picture to the next");
        }
    }

    #[test]
    fn equal_scenes_give_equal_bytes_on_each_machine() {
        // FNV-1a of the picture: another value means that stored pictures and new ones differ.
        let fnv = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
        };
        let scenes = films::paper_valley();
        assert_eq!(draw(&scenes[3], 0.4), draw(&scenes[3], 0.4));
        assert_eq!(fnv(&draw(&scenes[3], 0.4)), 12_505_178_321_923_074_011);
    }
}
