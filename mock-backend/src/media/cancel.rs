//! A flag that one thread raises and the packager looks at between steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks a running ingest to stop. Clones share the flag; once raised it stays raised.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag: child processes are ended and what was written is removed within a fraction of a second.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the flag was raised.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
