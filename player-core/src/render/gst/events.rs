//! Events on their way to the owner. State events are never lost; of positions, frame counts and sync samples
//! only the newest is kept, and warnings beyond a limit are dropped.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::render::{RenderEvent, Waker};

/// Maximum number of warnings that wait: later ones are dropped, as the first ones show the cause.
const MAX_WARNINGS: usize = 32;

/// The queue between the renderer's threads and its owner.
#[derive(Default)]
pub(super) struct EventQueue {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    queue: VecDeque<RenderEvent>,
    waker: Option<Waker>,
}

impl EventQueue {
    /// Gives the function that is called after each event.
    pub(super) fn set_waker(&self, waker: Waker) {
        self.lock().waker = Some(waker);
    }

    /// Adds an event and wakes the owner.
    pub(super) fn push(&self, event: RenderEvent) {
        let mut inner = self.lock();
        if !inner.add(event) {
            return;
        }
        let waker = inner.waker.clone();
        drop(inner);
        if let Some(waker) = waker {
            waker();
        }
    }

    /// Takes the oldest event.
    pub(super) fn pop(&self) -> Option<RenderEvent> {
        self.lock().queue.pop_front()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Returns whether the event was kept.
    fn add(&mut self, event: RenderEvent) -> bool {
        match event {
            RenderEvent::Position { .. } | RenderEvent::Frames(_) | RenderEvent::AvSync { .. } => {
                let kind = std::mem::discriminant(&event);
                self.queue.retain(|queued| std::mem::discriminant(queued) != kind);
            }
            RenderEvent::Warning(_) => {
                let warnings = self.queue.iter().filter(|queued| matches!(queued, RenderEvent::Warning(_))).count();
                if warnings >= MAX_WARNINGS {
                    return false;
                }
            }
            _ => {}
        }
        self.queue.push_back(event);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorCode, PlayerError};
    use crate::render::Epoch;
    use crate::time::MediaTime;

    fn position(millis: i64) -> RenderEvent {
        RenderEvent::Position { epoch: Epoch(1), position: MediaTime::from_millis(millis) }
    }

    #[test]
    fn positions_merge_and_state_events_stay() {
        let queue = EventQueue::default();
        queue.push(position(1));
        queue.push(RenderEvent::Flushed { epoch: Epoch(1) });
        queue.push(position(2));
        assert_eq!(queue.pop(), Some(RenderEvent::Flushed { epoch: Epoch(1) }));
        assert_eq!(queue.pop(), Some(position(2)));
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn a_flood_of_warnings_is_bounded() {
        let queue = EventQueue::default();
        for _ in 0..10_000 {
            queue.push(RenderEvent::Warning(PlayerError::warning(ErrorCode::DecoderFailed, "damaged")));
        }
        assert_eq!(std::iter::from_fn(|| queue.pop()).count(), MAX_WARNINGS);
    }
}
