//! Paces time like a device and decodes nothing.

use super::{RenderCommand, RenderEvent, Renderer, Waker};
use crate::time::Now;

/// Presents nothing yet: the engine's change brings it.
#[derive(Debug, Default)]
pub struct NullRenderer;

impl NullRenderer {
    /// A renderer at rest.
    pub fn new() -> Self {
        Self
    }
}

impl Renderer for NullRenderer {
    fn set_waker(&mut self, _waker: Waker) {}
    fn handle(&mut self, _now: Now, _command: RenderCommand) {}
    fn advance(&mut self, _now: Now) {}
    fn poll_event(&mut self, _now: Now) -> Option<RenderEvent> {
        None
    }
    fn poll_timeout(&self) -> Option<Now> {
        None
    }
}
