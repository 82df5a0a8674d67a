//! The render thread: takes commands in order, reads the bus, and ticks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::session::Session;
use crate::render::RenderCommand;

/// Time between two looks at the position; at most 100 ms by the contract of `RenderEvent::Position`.
const TICK: gst::ClockTime = gst::ClockTime::from_mseconds(40);

/// What the render thread is told.
pub(super) enum Message {
    /// The owner wants something.
    Command(RenderCommand),
    /// The bus has something.
    Wake,
}

/// Runs until `quit` is set and a message comes, or all senders are gone.
pub(super) fn run(mut session: Session, messages: &Receiver<Message>, quit: &Arc<AtomicBool>) {
    let clock = gst::SystemClock::obtain();
    let mut due = clock.time();
    while !quit.load(Ordering::SeqCst) {
        let received = if session.is_active() {
            let wait = due.saturating_sub(clock.time());
            messages.recv_timeout(Duration::from_nanos(wait.nseconds()))
        } else {
            messages.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match received {
            Ok(Message::Command(command)) => session.handle(command),
            Ok(Message::Wake) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        session.read_bus();
        let now = clock.time();
        if now >= due {
            session.tick();
            due = now + TICK;
        }
    }
    session.stop();
}
