//! The render thread: takes the newest wishes and the commands in order, reads the bus, and ticks.

use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::queue::RenderQueue;
use super::session::Session;

/// Runs until the queue is closed.
pub(super) fn run(mut session: Session, queue: &RenderQueue) {
    let clock = gst::SystemClock::obtain();
    let mut due = clock.time();
    loop {
        let wait = session.is_active().then(|| Duration::from_nanos(due.saturating_sub(clock.time()).nseconds()));
        let Some(work) = queue.take(wait) else { break };
        session.execute(work);
        session.read_bus();
        let now = clock.time();
        if now >= due {
            session.tick();
            due = now + session.tick_period();
        }
    }
    session.stop();
}
