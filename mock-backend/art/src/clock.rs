//! Time within a scene that repeats.

/// A moment of a scene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// Part of the scene that has passed, from 0 to 1. At 1 the picture is that of 0.
    pub phase: f32,
    /// Duration of the scene, seconds.
    pub seconds: f32,
}

impl Clock {
    /// Returns the turns made by something that turns about so often in a second: a whole number in a scene, at least one.
    pub(crate) fn turns(self, hertz: f32) -> f32 {
        (hertz * self.seconds).round().max(1.0) * self.phase
    }
}
