//! Keeps threads of this crate from linking libraries while the process ends.
//!
//! exit(3) runs the finalisers of all libraries and marks each as one whose initialisers have not run. A thread that opens
//! a library at that moment has the initialisers of all that it needs run once more: GObject then aborts the process
//! ("cannot register existing fundamental type"), and other libraries corrupt the heap. A program that failed within its
//! first 100 ms ended by a signal, one time in 500.

use std::sync::{Once, PoisonError, RwLock};

/// The process has begun to end. Read for as long as something is linked.
static ENDING: RwLock<bool> = RwLock::new(false);

/// Does what links libraries, unless the process has begun to end; the end of the process waits for it. Must not be called
/// by `work` itself.
pub(super) fn unless_ending<T>(work: impl FnOnce() -> T) -> Option<T> {
    static KNOWN: Once = Once::new();
    KNOWN.call_once(|| register(wait));
    let ending = ENDING.read().unwrap_or_else(PoisonError::into_inner);
    (!*ending).then(work)
}

/// Has `handler` called by exit(3) before any finaliser of a library.
#[expect(unsafe_code, reason = "the standard library has no handlers of exit")]
fn register(handler: extern "C" fn()) {
    // SAFETY: the handler does not unwind, and glibc takes it back when the library with its code is closed.
    if unsafe { libc::atexit(handler) } != 0 {
        tracing::debug!("no handler of exit can be registered");
    }
}

/// Waits until nothing is linked, and forbids it from then on.
extern "C" fn wait() {
    *ENDING.write().unwrap_or_else(PoisonError::into_inner) = true;
}
