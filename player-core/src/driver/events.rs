//! The queue from the player to the application.
//!
//! Overflow rule: beyond [`CAPACITY`], progress events go first, then state events that a later one supersedes;
//! only when neither is left does the oldest event go, and the loss is counted.

use std::collections::VecDeque;
use std::mem::discriminant;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::MonotonicClock;
use crate::event::Event;

/// Events that may wait.
pub const CAPACITY: usize = 4096;

#[derive(Default)]
struct Queue {
    events: VecDeque<Event>,
    lost: u64,
    closed: bool,
}

/// One sender, any number of receivers; each event goes to one of them.
#[derive(Default)]
pub struct EventQueue {
    queue: Mutex<Queue>,
    filled: Condvar,
}

impl EventQueue {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event.
    pub fn push(&self, event: Event) {
        let mut queue = self.lock();
        if queue.events.len() >= CAPACITY {
            make_room(&mut queue);
        }
        queue.events.push_back(event);
        self.filled.notify_one();
    }

    /// The next event, if there is one.
    pub fn try_pop(&self) -> Option<Event> {
        self.lock().events.pop_front()
    }

    /// The next event, waiting for one; `None` when the time is up or the player has ended.
    pub fn wait(&self, clock: &MonotonicClock, timeout: Duration) -> Option<Event> {
        let deadline = clock.now() + timeout;
        let mut queue = self.lock();
        loop {
            if let Some(event) = queue.events.pop_front() {
                return Some(event);
            }
            let span = clock.until(deadline);
            if queue.closed || span.is_zero() {
                return None;
            }
            queue = self.filled.wait_timeout(queue, span).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Lets every waiting receiver go.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    /// How many events were lost because nobody took them.
    pub fn lost(&self) -> u64 {
        self.lock().lost
    }
}

fn make_room(queue: &mut Queue) {
    let superseded = |index: usize, event: &Event| {
        matches!(event, Event::StateChanged { .. } | Event::TracksChanged | Event::TimelineChanged)
            && queue.events.iter().skip(index + 1).any(|later| discriminant(later) == discriminant(event))
    };
    let progress = queue.events.iter().position(Event::is_progress);
    let old = progress.or_else(|| queue.events.iter().enumerate().position(|(index, event)| superseded(index, event)));
    if old.is_none() {
        queue.lost += 1;
    }
    queue.events.remove(old.unwrap_or(0));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::State;

    #[test]
    fn progress_goes_first_then_superseded_states_then_the_oldest() {
        let queue = EventQueue::default();
        queue.push(Event::Stopped);
        queue.push(Event::StateChanged { state: State::Loading });
        queue.push(Event::CuesChanged);
        for _ in 3..CAPACITY {
            queue.push(Event::Ended);
        }
        queue.push(Event::StateChanged { state: State::Ready });
        queue.push(Event::Ended);
        assert_eq!(queue.lost(), 0, "a progress event and a superseded state made room");
        queue.push(Event::Ended);
        assert_eq!(queue.lost(), 1);
        let first = queue.try_pop();
        assert_eq!(first, Some(Event::Ended), "the oldest, Stopped, was lost last");
    }
}
