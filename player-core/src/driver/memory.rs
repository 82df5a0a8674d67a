//! Memory of a player that has ended goes back to the system.
//!
//! glibc keeps what was freed for later use by the same arena, and a player's threads use many arenas: 50 players that
//! were played and dropped left more than 500 MiB with the process. Other allocators need no help.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;

/// Pauses after which memory is given back again: cancelled requests and GStreamer's own threads free what they held of a
/// player soon, on a busy machine seconds later, and idle threads of GLib's pool end after 15 s.
const AFTERMATH: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(15)];

/// Players that have ended since the task of [`return_memory`] looked last; it runs while this is not zero.
static ENDED: AtomicU32 = AtomicU32::new(0);

/// Gives the free memory of the process back to the system: now, and on `runtime` when the threads that the player used
/// have freed theirs. However many players end meanwhile, one task does it.
pub fn return_memory(runtime: &Runtime) {
    trim();
    if ENDED.fetch_add(1, Ordering::SeqCst) > 0 {
        return;
    }
    runtime.spawn(async {
        loop {
            let ended = ENDED.load(Ordering::SeqCst);
            for pause in AFTERMATH {
                tokio::time::sleep(pause).await;
                trim();
            }
            if ENDED.compare_exchange(ended, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
                break;
            }
        }
    });
}

/// It takes some milliseconds, during which other threads that allocate from the arena at hand wait.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "glibc has no other interface for it")]
fn trim() {
    unsafe extern "C" {
        fn malloc_trim(pad: usize) -> std::ffi::c_int;
    }
    // SAFETY: malloc_trim(3) takes any padding and may be called on any thread.
    let _ = unsafe { malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
const fn trim() {}
