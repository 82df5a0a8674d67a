//! The one queue that the player thread blocks on.
//!
//! Overflow rules: at most [`MAX_COMMANDS`] commands wait, then `QueueFull`; at most [`MAX_ANSWERS`] pieces of
//! answers wait, then the request that has the next one waits (its sender must hold a permit); wake-ups of the
//! renderer merge into one.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::MonotonicClock;
use crate::command::{Command, CommandId};
use crate::engine::io::Input;
use crate::error::{ErrorCode, PlayerError};
use crate::time::Now;

/// Maximum number of commands that wait for the player's thread. Past that,
/// [`Player::send`](crate::Player::send) returns `QueueFull`.
pub const MAX_COMMANDS: usize = 2048;
/// Pieces of answers that may wait.
pub const MAX_ANSWERS: usize = 64;

/// Something for the player thread.
pub enum Message {
    /// The host wants something.
    Command(CommandId, Command),
    /// A request has something to say. The permit frees its place in the queue when it is dropped.
    Answer(Input, Option<OwnedSemaphorePermit>),
    /// The renderer has events.
    RendererReady,
    /// The handle is gone.
    Shutdown,
}

#[derive(Default)]
struct Queue {
    messages: VecDeque<Message>,
    commands: usize,
    renderer_ready: bool,
    closed: bool,
}

/// Many senders, one receiver.
pub struct Inbox {
    queue: Mutex<Queue>,
    filled: Condvar,
    answers: Arc<Semaphore>,
}

impl Inbox {
    /// Returns an empty queue.
    pub fn new() -> Self {
        Self {
            queue: Mutex::new(Queue::default()),
            filled: Condvar::new(),
            answers: Arc::new(Semaphore::new(MAX_ANSWERS)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a command.
    ///
    /// # Errors
    /// `QueueFull` when too many wait; `InvalidState` when the player has ended.
    pub fn command(&self, id: CommandId, command: Command) -> Result<(), PlayerError> {
        let mut queue = self.lock();
        if queue.closed {
            return Err(PlayerError::fatal(ErrorCode::InvalidState, "the player has ended"));
        }
        if queue.commands >= MAX_COMMANDS {
            let message = format!("{MAX_COMMANDS} commands are waiting already");
            return Err(PlayerError::warning(ErrorCode::QueueFull, message));
        }
        queue.commands += 1;
        queue.messages.push_back(Message::Command(id, command));
        self.filled.notify_one();
        Ok(())
    }

    /// The places for pieces of answers: a request takes one before [`Inbox::answer`].
    pub fn places(&self) -> Arc<Semaphore> {
        Arc::clone(&self.answers)
    }

    /// Adds a piece of an answer.
    pub fn answer(&self, input: Input, permit: Option<OwnedSemaphorePermit>) {
        let mut queue = self.lock();
        if !queue.closed {
            queue.messages.push_back(Message::Answer(input, permit));
            self.filled.notify_one();
        }
    }

    /// Signals that the renderer has events.
    pub fn renderer_ready(&self) {
        let mut queue = self.lock();
        queue.renderer_ready = true;
        self.filled.notify_one();
    }

    /// Refuses everything from now on and lets the receiver know.
    pub fn close(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        queue.messages.clear();
        queue.commands = 0;
        self.answers.close();
        self.filled.notify_one();
    }

    /// The next message, waiting until `deadline` for one. `None` when the deadline passed.
    pub fn receive(&self, clock: &MonotonicClock, deadline: Option<Now>) -> Option<Message> {
        let mut queue = self.lock();
        loop {
            if queue.closed {
                return Some(Message::Shutdown);
            }
            if queue.renderer_ready {
                queue.renderer_ready = false;
                return Some(Message::RendererReady);
            }
            if let Some(message) = queue.messages.pop_front() {
                if matches!(message, Message::Command(..)) {
                    queue.commands -= 1;
                }
                return Some(message);
            }
            queue = match deadline {
                None => self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let span = clock.until(deadline);
                    if span.is_zero() {
                        return None;
                    }
                    self.filled.wait_timeout(queue, span).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn commands_are_bounded_and_wake_ups_merge() {
        let inbox = Inbox::new();
        let clock = MonotonicClock::start();
        for id in 0..MAX_COMMANDS as u64 {
            inbox.command(CommandId(id), Command::Play).unwrap();
        }
        assert_eq!(inbox.command(CommandId(999), Command::Play).unwrap_err().code, ErrorCode::QueueFull);
        inbox.renderer_ready();
        inbox.renderer_ready();
        assert!(matches!(inbox.receive(&clock, None), Some(Message::RendererReady)));
        assert!(matches!(inbox.receive(&clock, None), Some(Message::Command(CommandId(0), _))));
        inbox.command(CommandId(999), Command::Play).unwrap();
        inbox.close();
        assert!(matches!(inbox.receive(&clock, None), Some(Message::Shutdown)));
        assert_eq!(inbox.command(CommandId(1000), Command::Play).unwrap_err().code, ErrorCode::InvalidState);
    }

    #[test]
    fn a_passed_deadline_ends_the_wait() {
        let clock = MonotonicClock::start();
        assert!(Inbox::new().receive(&clock, Some(Now::ZERO)).is_none());
    }
}
