//! Handles with which the host's own code answers later, from any thread: nothing in the public interface is a future.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::engine::io::FetchError;

type Callback = Box<dyn FnOnce() + Send>;

/// Calls a callback of the host. A panic in it is reported by the panic hook and stops nothing else: a second panic
/// during the drop of a future would end the process.
pub(super) fn call(callback: Callback) {
    let _ = catch_unwind(AssertUnwindSafe(callback));
}

/// Signal that the result of some work is no longer wanted: the request was cancelled, or its time limit has passed.
#[derive(Clone, Default)]
pub struct Cancellation(Arc<Mutex<CancelState>>);

#[derive(Default)]
struct CancelState {
    is_cancelled: bool,
    callbacks: Vec<Callback>,
}

impl Cancellation {
    fn lock(&self) -> MutexGuard<'_, CancelState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns true once the result is no longer wanted.
    pub fn is_cancelled(&self) -> bool {
        self.lock().is_cancelled
    }

    /// Calls `callback` when the result is no longer wanted, on the thread that notices it; at once if that is so
    /// already. It must not block. It is dropped uncalled when the work is finished first.
    pub fn on_cancel(&self, callback: impl FnOnce() + Send + 'static) {
        let mut state = self.lock();
        if state.is_cancelled {
            drop(state);
            call(Box::new(callback));
        } else {
            state.callbacks.push(Box::new(callback));
        }
    }

    /// Cancels, and calls what waits for it.
    pub(super) fn cancel(&self) {
        let callbacks = {
            let mut state = self.lock();
            state.is_cancelled = true;
            std::mem::take(&mut state.callbacks)
        };
        callbacks.into_iter().for_each(call);
    }

    /// Drops the callbacks: the work is finished.
    pub(super) fn finish(&self) {
        let callbacks = std::mem::take(&mut self.lock().callbacks);
        drop(callbacks);
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cancellation({})", self.is_cancelled())
    }
}

type Answer<T> = Box<dyn FnOnce(Result<T, FetchError>) + Send>;

/// Takes the result of one piece of work of the host. Dropping it without a result is an error of the request,
/// [`FetchError::Host`].
pub struct Completion<T> {
    answer: Option<Answer<T>>,
    cancellation: Cancellation,
}

impl<T> Completion<T> {
    /// Creates a handle that passes the result to `answer`, for a part of the host that wraps another and for its tests.
    /// It shares the `cancellation` of the handle that it stands for.
    pub fn new(cancellation: Cancellation, answer: impl FnOnce(Result<T, FetchError>) + Send + 'static) -> Self {
        Self { answer: Some(Box::new(answer)), cancellation }
    }

    /// Gives the result. After a cancellation it is ignored.
    pub fn complete(mut self, result: Result<T, FetchError>) {
        if let Some(answer) = self.answer.take() {
            answer(result);
        }
    }

    /// Returns the signal that the result is no longer wanted.
    pub const fn cancellation(&self) -> &Cancellation {
        &self.cancellation
    }
}

impl<T> Drop for Completion<T> {
    fn drop(&mut self) {
        if let Some(answer) = self.answer.take() {
            answer(Err(FetchError::Host("a completion was dropped without a result".to_owned())));
        }
    }
}

impl<T> fmt::Debug for Completion<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Completion({:?})", self.cancellation)
    }
}

/// Cancels when it is dropped before [`Self::disarm`].
struct CancelOnDrop(Option<Cancellation>);

impl CancelOnDrop {
    fn disarm(mut self) {
        if let Some(cancellation) = self.0.take() {
            cancellation.finish();
        }
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(cancellation) = self.0.take() {
            cancellation.cancel();
        }
    }
}

/// Begins work of the host and waits for its result. Dropping the future cancels the work.
///
/// # Errors
/// The error that the host gives, or [`FetchError::Host`] if it gives no result.
pub(super) async fn ask<T: Send + 'static>(start: impl FnOnce(Completion<T>)) -> Result<T, FetchError> {
    let cancellation = Cancellation::default();
    let guard = CancelOnDrop(Some(cancellation.clone()));
    let (sender, receiver) = oneshot::channel();
    start(Completion::new(cancellation, move |result| {
        // An error means that the request is over.
        let _ = sender.send(result);
    }));
    let result = receiver.await.unwrap_or_else(|_| Err(FetchError::Host("no result".to_owned())));
    guard.disarm();
    result
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_result_ends_the_wait_and_no_callback_is_called() {
        let called = Arc::new(AtomicU32::new(0));
        let counts = Arc::clone(&called);
        let waiting = ask(move |completion| {
            completion.cancellation().on_cancel(move || {
                counts.fetch_add(1, Ordering::SeqCst);
            });
            completion.complete(Ok(5));
        });
        assert_eq!(waiting.now_or_never().unwrap(), Ok(5));
        assert_eq!((called.load(Ordering::SeqCst), Arc::strong_count(&called)), (0, 1), "and it is dropped");
    }

    #[test]
    fn a_dropped_completion_is_a_typed_error() {
        let waiting = ask::<u32>(drop);
        assert!(matches!(waiting.now_or_never().unwrap(), Err(FetchError::Host(_))));
    }

    #[test]
    fn dropping_the_wait_cancels_once_and_a_callback_that_panics_stops_no_other() {
        let called = Arc::new(AtomicU32::new(0));
        let mut kept = None;
        let mut waiting = Box::pin(ask::<u32>(|completion| {
            completion.cancellation().on_cancel(|| panic!("a callback of the host"));
            let counts = Arc::clone(&called);
            completion.cancellation().on_cancel(move || {
                counts.fetch_add(1, Ordering::SeqCst);
            });
            kept = Some(completion);
        }));
        assert_eq!(waiting.as_mut().now_or_never(), None);
        drop(waiting);
        let completion = kept.unwrap();
        assert_eq!(called.load(Ordering::SeqCst), 1);
        assert!(completion.cancellation().is_cancelled());
        let counts = Arc::clone(&called);
        completion.cancellation().on_cancel(move || {
            counts.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(called.load(Ordering::SeqCst), 2, "what comes late is called at once");
        completion.complete(Ok(1));
    }
}
