//! Clocks as values, so that tests move time instead of waiting for it.
//!
//! [`Clock`] gives two readings. The wall clock names points in time to other machines and may jump: a time server steps it, an
//! operator sets it. The monotonic reading only measures durations: freshness, waits and limits use it, so that a jump neither
//! freezes nor ends anything. [`LogicalClock`] joins both into an order of writes that survives a wall clock that went back.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::watch;

/// A source of UTC and of a monotonic time, both in milliseconds. Cloning is cheap; clones agree.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Manual(ManualClock),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until the handle moves it. Its monotonic reading starts at 0.
    pub fn manual(start_ms: i64) -> (Self, ManualClock) {
        let time = ManualClock {
            wall: Arc::new(AtomicI64::new(start_ms)),
            monotonic: Arc::new(AtomicI64::new(0)),
            moved: Arc::new(watch::Sender::new(())),
        };
        (Self(Source::Manual(time.clone())), time)
    }

    /// Now, in milliseconds since the Unix epoch; 0 on a machine whose clock lies before it.
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Source::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |elapsed| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)),
            Source::Manual(time) => time.wall.load(Ordering::SeqCst),
        }
    }

    /// Waits until the wall clock reads `wall_ms` or later. A step of the wall clock is noticed within a second.
    pub async fn reaches(&self, wall_ms: i64) {
        match &self.0 {
            Source::System => loop {
                let left = wall_ms.saturating_sub(self.now_ms());
                if left <= 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(left.min(1000).unsigned_abs())).await;
            },
            Source::Manual(time) => {
                let mut moved = time.moved.subscribe();
                while self.now_ms() < wall_ms && moved.changed().await.is_ok() {}
            }
        }
    }

    /// Milliseconds since an unnamed moment of this machine; never goes back. Only differences mean anything, and only within
    /// one process. Time in which the machine was suspended counts where the system can tell (`CLOCK_BOOTTIME`).
    pub fn monotonic_ms(&self) -> i64 {
        match &self.0 {
            Source::System => system_monotonic_ms(),
            Source::Manual(time) => time.monotonic.load(Ordering::SeqCst),
        }
    }
}

/// Latest reading of the machine's monotonic clock, and the time that has passed until then, both in milliseconds. Differences are
/// added up, so that a virtual machine whose monotonic clock went back loses that step instead of standing still until it has
/// caught up.
static MONOTONIC: Mutex<Option<(i64, i64)>> = Mutex::new(None);

fn system_monotonic_ms() -> i64 {
    let mut latest = MONOTONIC.lock().unwrap_or_else(PoisonError::into_inner);
    let now = machine_reading_ms();
    let (before, passed) = latest.unwrap_or((now, 0));
    let passed = passed.saturating_add(now.saturating_sub(before).max(0));
    *latest = Some((now, passed));
    passed
}

fn machine_reading_ms() -> i64 {
    #[cfg(target_os = "linux")]
    const CLOCK: ClockId = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: ClockId = ClockId::Monotonic;
    let now = clock_gettime(CLOCK);
    now.tv_sec.saturating_mul(1000).saturating_add(now.tv_nsec / 1_000_000)
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Source::System => f.write_str("Clock::System"),
            Source::Manual(_) => write!(f, "Clock::Manual({}, {})", self.now_ms(), self.monotonic_ms()),
        }
    }
}

/// Moves the [`Clock`] it was made with.
#[derive(Clone, Debug)]
pub struct ManualClock {
    wall: Arc<AtomicI64>,
    monotonic: Arc<AtomicI64>,
    moved: Arc<watch::Sender<()>>,
}

impl ManualClock {
    /// Lets time pass: both readings move forward.
    pub fn advance_ms(&self, by_ms: i64) {
        self.wall.fetch_add(by_ms, Ordering::SeqCst);
        self.monotonic.fetch_add(by_ms.max(0), Ordering::SeqCst);
        self.moved.send_replace(());
    }

    /// Steps the wall clock alone, forward or back, as a time server does.
    pub fn step_wall_ms(&self, by_ms: i64) {
        self.wall.fetch_add(by_ms, Ordering::SeqCst);
        self.moved.send_replace(());
    }
}

/// Gives writes an order that follows the wall clock and never goes back with it.
///
/// Its time is the wall clock while that runs forward. After the wall clock went back, it goes on from the latest time that it
/// gave, at the pace of the monotonic clock, until the wall clock has caught up. A writer that reports something older gives the
/// age, and age is subtracted from this time, so that both kinds of writes compare rightly in either case.
#[derive(Debug)]
pub struct LogicalClock {
    clock: Clock,
    /// The latest time that was given, and the monotonic reading then.
    latest: Mutex<(i64, i64)>,
}

impl LogicalClock {
    /// Continues after `latest_ms`, the latest time that an earlier process recorded; `i64::MIN` when there is none.
    pub fn resume(clock: Clock, latest_ms: i64) -> Self {
        let monotonic = clock.monotonic_ms();
        Self { clock, latest: Mutex::new((latest_ms, monotonic)) }
    }

    /// The logical time now, in milliseconds since the Unix epoch: the wall clock, or later.
    pub fn now_ms(&self) -> i64 {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let monotonic = self.clock.monotonic_ms();
        let carried = latest.0.saturating_add(monotonic.saturating_sub(latest.1).max(0));
        *latest = (carried.max(self.clock.now_ms()), monotonic);
        latest.0
    }

    /// The logical time of something that happened at `at_ms` by the wall clock. What lies in the future counts as now.
    pub fn stamp_ms(&self, at_ms: i64) -> i64 {
        let age = self.clock.now_ms().saturating_sub(at_ms).max(0);
        self.now_ms().saturating_sub(age)
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, LogicalClock};
    use futures_util::FutureExt as _;
    use proptest::prelude::*;

    const DAY: i64 = 86_400_000;

    #[test]
    fn a_step_of_the_wall_clock_is_no_duration() {
        let (clock, hand) = Clock::manual(1_000);
        hand.advance_ms(5);
        hand.step_wall_ms(-DAY);
        assert_eq!((clock.now_ms(), clock.monotonic_ms()), (1_005 - DAY, 5));
        assert!(Clock::system().monotonic_ms() <= Clock::system().monotonic_ms());
    }

    #[tokio::test]
    async fn who_waits_for_a_time_goes_on_when_the_clock_reads_it() {
        let (clock, hand) = Clock::manual(1_000);
        clock.reaches(1_000).await;
        let waits = clock.reaches(1_500);
        let mut waits = std::pin::pin!(waits);
        assert!(waits.as_mut().now_or_never().is_none());
        hand.advance_ms(499);
        assert!(waits.as_mut().now_or_never().is_none());
        hand.advance_ms(1);
        assert!(waits.as_mut().now_or_never().is_some());
        Clock::system().reaches(0).await;
    }

    #[test]
    fn a_write_after_the_clock_went_back_comes_after_those_before() {
        let (clock, hand) = Clock::manual(10 * DAY);
        let logical = LogicalClock::resume(clock.clone(), i64::MIN);
        assert_eq!(logical.now_ms(), 10 * DAY);
        hand.step_wall_ms(DAY);
        let ahead = logical.now_ms();
        hand.step_wall_ms(-DAY);
        hand.advance_ms(7);
        assert_eq!(logical.now_ms(), ahead + 7);
        // A report that is five seconds old is older than all that was written since.
        assert_eq!(logical.stamp_ms(clock.now_ms() - 5_000), ahead + 7 - 5_000);
        let restarted = LogicalClock::resume(clock, ahead + 7);
        assert!(restarted.now_ms() >= ahead + 7);
    }

    proptest! {
        #[test]
        fn logical_time_never_goes_back_and_never_lags(
            steps in proptest::collection::vec((-2 * DAY..2 * DAY, 0..10_000_i64, any::<bool>()), 1..40),
        ) {
            let (clock, hand) = Clock::manual(1_000 * DAY);
            let logical = LogicalClock::resume(clock.clone(), i64::MIN);
            let mut latest = logical.now_ms();
            for (step, pass, report) in steps {
                hand.step_wall_ms(step);
                hand.advance_ms(pass);
                let now = if report { logical.stamp_ms(clock.now_ms()) } else { logical.now_ms() };
                prop_assert!(now >= latest + pass && now >= clock.now_ms());
                prop_assert!(logical.stamp_ms(clock.now_ms() - 1) < now);
                latest = now;
            }
        }
    }
}
