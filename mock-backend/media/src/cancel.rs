//! A flag that one thread raises and the packager looks at between steps, and that wakes whoever waits.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

type Wake = dyn Fn() + Send + Sync;

/// Asks a running ingest to stop. Clones share the flag; once raised it stays raised.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Shared>);

#[derive(Default)]
struct Shared {
    is_raised: AtomicBool,
    sleepers: Mutex<Vec<Weak<Wake>>>,
}

/// Calls a function when the flag is raised, until it is dropped.
pub(super) struct OnCancel(#[expect(dead_code, reason = "owns the function that the flag refers to")] Arc<Wake>);

impl Cancel {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag: child processes are ended and what was written is removed at once.
    pub fn cancel(&self) {
        let sleepers = self.sleepers();
        self.0.is_raised.store(true, Ordering::Release);
        for wake in sleepers.iter().filter_map(Weak::upgrade) {
            wake();
        }
    }

    /// Whether the flag was raised.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_raised.load(Ordering::Acquire)
    }

    /// Calls `wake` once the flag is raised; at once if it is. `wake` may not block.
    pub(super) fn on_cancel(&self, wake: impl Fn() + Send + Sync + 'static) -> OnCancel {
        let wake: Arc<Wake> = Arc::new(wake);
        let mut sleepers = self.sleepers();
        if self.is_cancelled() {
            wake();
        } else {
            sleepers.retain(|sleeper| sleeper.strong_count() > 0);
            sleepers.push(Arc::downgrade(&wake));
        }
        OnCancel(wake)
    }

    /// The flag changes only under this lock, so that no sleeper misses it.
    fn sleepers(&self) -> MutexGuard<'_, Vec<Weak<Wake>>> {
        self.0.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_cancelled()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Cancel;
    use std::sync::mpsc;

    #[test]
    fn a_raised_flag_wakes_each_sleeper_once_whenever_it_went_to_sleep() {
        let cancel = Cancel::new();
        let (sender, woken) = mpsc::channel();
        let sleep = |name| {
            let sender = sender.clone();
            cancel.on_cancel(move || sender.send(name).expect("the test listens"))
        };
        let _early = sleep("early");
        drop(sleep("gone"));
        cancel.clone().cancel();
        let _late = sleep("late");
        assert_eq!(woken.try_iter().collect::<Vec<_>>(), ["early", "late"]);
        assert!(cancel.is_cancelled());
    }
}
