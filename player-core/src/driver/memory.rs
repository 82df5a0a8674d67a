//! Free memory goes back to the system while players play and after they have ended.
//!
//! glibc keeps what was freed for later use by the same arena, and a player's threads use many arenas: media that one
//! thread receives and another frees left 10 MB of holes after a minute and a half, and 50 players that were played and
//! dropped left more than 500 MiB with the process. Other allocators need no help.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;

use super::MonotonicClock;

/// Pauses after which memory is given back again: cancelled requests and GStreamer's own threads free what they held of a
/// player soon, on a busy machine seconds later, and idle threads of GLib's pool end after 15 s.
const AFTERMATH: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(15)];

/// Players that have ended since the task of [`return_memory`] looked last; it runs while this is not zero.
static ENDED: AtomicU32 = AtomicU32::new(0);

/// Shortest time between two returns of memory while players play. Buffered media changes completely within half a minute.
const UPKEEP: Duration = Duration::from_secs(5);

/// Least time between two returns for each part of it that one takes: a host with a large heap pays 0.1 % for it at most.
const UPKEEP_SHARE: u32 = 1_000;

/// The players of this process.
static PLAYERS: Players = Players::new();

/// Counts living players and knows if a task looks after their memory.
struct Players {
    living: AtomicU32,
    has_task: AtomicBool,
}

impl Players {
    const fn new() -> Self {
        Self { living: AtomicU32::new(0), has_task: AtomicBool::new(false) }
    }

    /// Adds a player and returns true if its caller must start the task.
    fn add(&self) -> bool {
        self.living.fetch_add(1, Ordering::SeqCst);
        !self.has_task.swap(true, Ordering::SeqCst)
    }

    fn remove(&self) {
        self.living.fetch_sub(1, Ordering::SeqCst);
    }

    /// Returns true if the task ends because no player lives. A player that is added meanwhile either keeps this task or
    /// starts another one.
    fn ends_task(&self) -> bool {
        if self.living.load(Ordering::SeqCst) > 0 {
            return false;
        }
        self.has_task.store(false, Ordering::SeqCst);
        self.living.load(Ordering::SeqCst) == 0 || self.has_task.swap(true, Ordering::SeqCst)
    }
}

/// Counts a player as living until it is dropped, and gives free memory back to the system from time to time meanwhile.
#[derive(Debug)]
pub struct Upkeep(());

impl Upkeep {
    /// Begins to count. However many players live, one task on `runtime` does the work.
    pub fn begin(runtime: &Runtime) -> Self {
        if PLAYERS.add() {
            runtime.spawn(keep_up());
        }
        Self(())
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        PLAYERS.remove();
    }
}

async fn keep_up() {
    let clock = MonotonicClock::start();
    let mut pause = UPKEEP;
    loop {
        tokio::time::sleep(pause).await;
        if PLAYERS.ends_task() {
            break;
        }
        let begin = clock.now();
        trim();
        pause = pause_after(clock.now().since(begin));
    }
}

/// Returns the time until the next return of memory after one that took `cost`.
fn pause_after(cost: Duration) -> Duration {
    cost.saturating_mul(UPKEEP_SHARE).max(UPKEEP)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_task_looks_after_all_players_and_ends_with_the_last() {
        let players = Players::new();
        assert!(players.add());
        assert!(!players.add(), "the task of the first player");
        players.remove();
        assert!(!players.ends_task());
        players.remove();
        assert!(!players.add(), "the task has not noticed that there was none");
        players.remove();
        assert!(players.ends_task());
        assert!(players.add(), "another task");
    }

    #[test]
    fn a_large_heap_is_looked_through_less_often() {
        assert_eq!(pause_after(Duration::from_micros(200)), UPKEEP);
        assert_eq!(pause_after(Duration::from_millis(20)), Duration::from_secs(20));
        assert_eq!(pause_after(Duration::MAX), Duration::MAX);
    }
}
