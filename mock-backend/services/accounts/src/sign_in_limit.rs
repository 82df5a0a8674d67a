//! The limit on sign-ins at work: the table of [`attempts`](super::domain::attempts) behind a lock, stored before a password is hashed.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kinora_api::ErrorCode;
use tokio::sync::{Notify, Semaphore};

use super::domain::attempts::{Attempts, Guess, Settled, Subject, Verdict};
use super::store::attempts as rows;
use kinora_kit::clock::Clock;
use kinora_kit::http::problem::Problem;
use kinora_store::Store;

/// Maximum number of sign-ins that wait for others of the same account or peer to be decided.
const MAX_IN_LINE: usize = 256;

/// The limit on sign-ins.
pub struct SignInLimit {
    attempts: Mutex<Attempts>,
    settled: Notify,
    line: Semaphore,
    store: Store,
    clock: Clock,
}

/// A guess that was reserved. Dropping it without [`SignInLimit::settle`] gives the reservation back.
pub struct Reservation<'l> {
    limit: &'l SignInLimit,
    guess: Guess,
    is_open: bool,
}

impl SignInLimit {
    /// The limit with what earlier processes stored.
    ///
    /// # Errors
    /// Of the database.
    pub async fn open(store: Store, clock: Clock) -> Result<Self, Problem> {
        let (now, monotonic) = (clock.now_ms(), clock.monotonic_ms());
        let mut attempts = Attempts::default();
        for (subject, failures, last_at) in rows::all(&store).await? {
            let failures = u32::try_from(failures).unwrap_or(0);
            attempts.restore(Subject::stored(subject), failures, now - last_at, monotonic);
        }
        Ok(Self {
            attempts: Mutex::new(attempts),
            settled: Notify::new(),
            line: Semaphore::new(MAX_IN_LINE),
            store,
            clock,
        })
    }

    /// Reserves a guess, after those before it when as many are in flight as may fail, and stores the reservation.
    ///
    /// # Errors
    /// 7004 when the guess has to wait, or too many are in line; 7018 when it cannot be stored.
    pub async fn reserve(
        &self,
        email: &str,
        known_device: Option<&str>,
        peer: Option<IpAddr>,
    ) -> Result<Reservation<'_>, Problem> {
        let guess = match known_device {
            Some(device) => Guess::of_known_device(email, device),
            None => Guess::of_stranger(email, peer),
        };
        self.reserve_guess(guess).await
    }

    /// Reserves a guess, as [`SignInLimit::reserve`] does.
    ///
    /// # Errors
    /// As there.
    pub async fn reserve_guess(&self, guess: Guess) -> Result<Reservation<'_>, Problem> {
        let mut place = None;
        loop {
            // Enabled before the table is asked, so that no settlement between the two is missed.
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            let verdict = self.attempts().reserve(&guess, self.clock.monotonic_ms());
            match verdict {
                Verdict::Reserved => break,
                Verdict::Wait(wait_ms) => return Err(too_many(wait_ms)),
                Verdict::InLine if place.is_none() => {
                    place = Some(self.line.try_acquire().map_err(|_| too_many(1_000))?);
                    // Asked again: one may have been settled meanwhile.
                }
                Verdict::InLine => settled.await,
            }
        }
        let reservation = Reservation { limit: self, guess, is_open: true };
        self.store(&reservation.guess).await?;
        Ok(reservation)
    }

    /// Records the outcome of a guess. A wrong one is stored already, as the reservation was.
    ///
    /// # Errors
    /// 7018 when it cannot be stored; it counts in this process all the same.
    pub async fn settle(&self, mut reservation: Reservation<'_>, outcome: Settled) -> Result<(), Problem> {
        reservation.close(outcome);
        match outcome {
            Settled::Wrong => Ok(()),
            Settled::Right | Settled::NotCompared => self.store(&reservation.guess).await,
        }
    }

    async fn store(&self, guess: &Guess) -> Result<(), Problem> {
        let rows: Vec<(String, i64)> = {
            let attempts = self.attempts();
            guess.subjects().map(|subject| (subject.name().to_owned(), i64::from(attempts.to_store(subject)))).collect()
        };
        let now = self.clock.now_ms();
        rows::put(&self.store, rows, now).await
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation<'_> {
    fn close(&mut self, outcome: Settled) {
        if std::mem::take(&mut self.is_open) {
            self.limit.attempts().settle(&self.guess, outcome, self.limit.clock.monotonic_ms());
            self.limit.settled.notify_waiters();
        }
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.close(Settled::NotCompared);
    }
}

fn too_many(wait_ms: u64) -> Problem {
    let message = format!("too many failed sign-ins: wait {} s", wait_ms.div_ceil(1000));
    Problem::new(ErrorCode::TooManyAttempts, message).with_retry_after_ms(wait_ms)
}
