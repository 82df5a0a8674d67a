//! The queue from the player to the application.
//!
//! A reply is never dropped: its place is reserved when its command is accepted, and past [`MAX_REPLIES`] commands are
//! refused. Of all other events at most [`MAX_EVENTS`] wait. Past that, progress events are dropped first, then state
//! events that a later one supersedes, then the oldest; [`Event::EventsLost`] gives their number.

use std::collections::{BTreeSet, VecDeque};
use std::mem::discriminant;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::MonotonicClock;
use crate::command::CommandId;
use crate::error::{ErrorCode, PlayerError};
use crate::event::Event;

/// Maximum number of events other than replies that wait for the application.
pub const MAX_EVENTS: usize = 4096;
/// Maximum number of commands that are unanswered or whose reply waits for the application. Past that,
/// [`Player::send`](crate::Player::send) returns `QueueFull`.
pub const MAX_REPLIES: usize = 4096;

#[derive(Default)]
struct Queue {
    events: VecDeque<Event>,
    /// Replies among the events.
    replies: usize,
    /// Commands that were accepted and have no reply yet.
    unanswered: BTreeSet<CommandId>,
    /// Events dropped since the last [`Event::EventsLost`].
    dropped: u64,
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

    /// Reserves the place of a command's reply.
    ///
    /// # Errors
    /// `QueueFull` when [`MAX_REPLIES`] are reserved or wait.
    pub fn reserve(&self, id: CommandId) -> Result<(), PlayerError> {
        let mut queue = self.lock();
        if queue.unanswered.len() + queue.replies >= MAX_REPLIES {
            let message = format!("{MAX_REPLIES} replies are due or were not taken yet");
            return Err(PlayerError::warning(ErrorCode::QueueFull, message));
        }
        queue.unanswered.insert(id);
        Ok(())
    }

    /// Gives back the place of a command that was not accepted after all. False if its reply is here already.
    pub fn release(&self, id: CommandId) -> bool {
        self.lock().unanswered.remove(&id)
    }

    /// Adds an event and keeps the queue within its limit.
    pub fn push(&self, event: Event) {
        self.lock().add(event);
        self.filled.notify_one();
    }

    /// Answers every command that has no reply yet: the player has ended by this error.
    pub fn refuse_unanswered(&self, error: &PlayerError) {
        let mut queue = self.lock();
        for id in std::mem::take(&mut queue.unanswered) {
            queue.add(Event::Reply { id, error: Some(error.clone()) });
        }
        drop(queue);
        self.filled.notify_all();
    }

    /// The next event, if there is one.
    pub fn try_pop(&self) -> Option<Event> {
        self.lock().take()
    }

    /// The next event, waiting for one; `None` when the time is up or the player has ended.
    pub fn wait(&self, clock: &MonotonicClock, timeout: Duration) -> Option<Event> {
        let deadline = clock.now() + timeout;
        let mut queue = self.lock();
        loop {
            if let Some(event) = queue.take() {
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

    /// Number of events dropped so far because the application did not take them.
    pub fn lost(&self) -> u64 {
        self.lock().lost
    }
}

impl Queue {
    fn add(&mut self, event: Event) {
        if let Event::Reply { id, .. } = &event {
            self.unanswered.remove(id);
            self.replies += 1;
        } else if self.events.len() - self.replies >= MAX_EVENTS {
            self.make_room();
        }
        self.events.push_back(event);
    }

    fn take(&mut self) -> Option<Event> {
        match std::mem::take(&mut self.dropped) {
            0 => {
                let event = self.events.pop_front()?;
                self.replies -= usize::from(is_reply(&event));
                Some(event)
            }
            count => Some(Event::EventsLost { count }),
        }
    }

    fn make_room(&mut self) {
        let superseded = |index: usize, event: &Event| {
            matches!(event, Event::StateChanged { .. } | Event::TracksChanged | Event::TimelineChanged)
                && self.events.iter().skip(index + 1).any(|later| discriminant(later) == discriminant(event))
        };
        let progress = self.events.iter().position(Event::is_progress);
        let state = || self.events.iter().enumerate().position(|(index, event)| superseded(index, event));
        let oldest = || self.events.iter().position(|event| !is_reply(event));
        if let Some(index) = progress.or_else(state).or_else(oldest) {
            self.events.remove(index);
            self.dropped += 1;
            self.lost += 1;
        }
    }
}

const fn is_reply(event: &Event) -> bool {
    matches!(event, Event::Reply { .. })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;
    use crate::snapshot::State;

    fn reply(id: u64) -> Event {
        Event::Reply { id: CommandId(id), error: None }
    }

    fn drain(queue: &EventQueue) -> Vec<Event> {
        std::iter::from_fn(|| queue.try_pop()).collect()
    }

    #[test]
    fn progress_goes_first_then_superseded_states_then_the_oldest() {
        let queue = EventQueue::default();
        queue.push(Event::Stopped);
        queue.push(Event::StateChanged { state: State::Loading });
        queue.push(Event::CuesChanged);
        for _ in 3..MAX_EVENTS {
            queue.push(Event::Ended);
        }
        queue.push(Event::StateChanged { state: State::Ready });
        queue.push(Event::Ended);
        assert_eq!(queue.try_pop(), Some(Event::EventsLost { count: 2 }), "a progress event and a superseded state");
        queue.push(Event::Ended);
        assert_eq!(queue.lost(), 3);
        assert_eq!(queue.try_pop(), Some(Event::EventsLost { count: 1 }));
        assert_eq!(queue.try_pop(), Some(Event::Ended), "the oldest, Stopped, was lost last");
    }

    #[test]
    fn replies_outlast_everything_and_the_command_too_many_is_refused() {
        let queue = EventQueue::default();
        for id in 0..MAX_REPLIES as u64 {
            queue.reserve(CommandId(id)).unwrap();
        }
        let full = |queue: &EventQueue| queue.reserve(CommandId(u64::MAX)).unwrap_err().code;
        assert_eq!(full(&queue), ErrorCode::QueueFull);
        for id in 0..MAX_REPLIES as u64 {
            queue.push(Event::Ended);
            queue.push(reply(id));
            queue.push(Event::Stopped);
        }
        assert_eq!(full(&queue), ErrorCode::QueueFull, "the replies were not taken");
        let events = drain(&queue);
        assert_eq!(events.first(), Some(&Event::EventsLost { count: MAX_EVENTS as u64 }));
        let replies: Vec<&Event> = events.iter().filter(|event| is_reply(event)).collect();
        assert_eq!(replies.len(), MAX_REPLIES);
        assert!(replies.iter().zip(0..).all(|(event, id)| **event == reply(id)), "in order");
        queue.reserve(CommandId(u64::MAX)).unwrap();
    }

    #[test]
    fn a_player_that_ends_answers_what_it_was_asked() {
        let queue = EventQueue::default();
        let error = PlayerError::fatal(ErrorCode::Internal, "over");
        for id in [7, 8, 9] {
            queue.reserve(CommandId(id)).unwrap();
        }
        queue.push(reply(8));
        assert!(queue.release(CommandId(9)) && !queue.release(CommandId(8)));
        queue.refuse_unanswered(&error);
        let refused = Event::Reply { id: CommandId(7), error: Some(error) };
        assert_eq!(drain(&queue), [reply(8), refused]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 8))]

        #[test]
        fn every_event_is_taken_or_counted(
            rounds in prop::collection::vec((0..6_000_u64, 0..3_000_u64, 0..4_000_usize), 1..5),
        ) {
            let queue = EventQueue::default();
            let (mut sent, mut next, mut others, mut taken) = (0_u64, 0_u64, 0_u64, Vec::new());
            for (events, commands, pops) in rounds {
                for _ in 0..commands {
                    sent += u64::from(queue.reserve(CommandId(sent)).is_ok());
                }
                for _ in 0..events {
                    queue.push(if others % 3 == 0 { Event::CuesChanged } else { Event::Ended });
                    others += 1;
                }
                while next < sent {
                    queue.push(reply(next));
                    next += 1;
                }
                taken.extend((0..pops).map_while(|_| queue.try_pop()));
            }
            taken.extend(std::iter::from_fn(|| queue.try_pop()));
            let replies: Vec<u64> = taken.iter().filter_map(|event| match event {
                Event::Reply { id, .. } => Some(id.0),
                _ => None,
            }).collect();
            prop_assert_eq!(replies, (0..sent).collect::<Vec<_>>(), "each once, in order");
            let lost: u64 = taken.iter().map(|event| match event {
                Event::EventsLost { count } => *count,
                _ => 0,
            }).sum();
            let seen = taken.iter().filter(|event| matches!(event, Event::CuesChanged | Event::Ended)).count();
            prop_assert_eq!(seen as u64 + lost, others);
        }
    }
}
