//! The pace of attempts that are counted in the store: codes, PINs, mails. Pure.

/// How many attempts are free, and how long further ones wait.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Attempts without a wait.
    pub free: i64,
    /// Wait after those, doubled with each further one, in milliseconds.
    pub first_wait_ms: i64,
    /// Maximum wait in milliseconds.
    pub longest_wait_ms: i64,
    /// Time without an attempt after which all are forgotten, in milliseconds.
    pub forget_ms: i64,
}

/// Lead of a stored time over the clock beyond which the clock was set back, in milliseconds.
const MAX_LEAD_MS: i64 = 60_000;

const HOUR_MS: i64 = 3_600_000;

impl Pace {
    /// Guesses of an account's PIN.
    pub const PIN: Self =
        Self { free: 5, first_wait_ms: 30_000, longest_wait_ms: HOUR_MS / 4, forget_ms: 24 * HOUR_MS };
    /// Guesses of codes mailed to one address, beyond the few that each code allows.
    pub const CODE: Self = Self { free: 10, first_wait_ms: 30_000, longest_wait_ms: HOUR_MS, forget_ms: 24 * HOUR_MS };
    /// Mails to one address.
    pub const MAIL: Self = Self { free: 3, first_wait_ms: 60_000, longest_wait_ms: HOUR_MS, forget_ms: 24 * HOUR_MS };
    /// Requests for codes from one network.
    pub const PEER: Self = Self { free: 30, first_wait_ms: 5_000, longest_wait_ms: HOUR_MS / 6, forget_ms: HOUR_MS };
    /// Guesses of codes of devices from one network.
    pub const USER_CODE: Self =
        Self { free: 10, first_wait_ms: 10_000, longest_wait_ms: HOUR_MS / 6, forget_ms: HOUR_MS };

    /// Returns the number of attempts with this one, given those before and the time of the latest.
    ///
    /// # Errors
    /// The time to wait in milliseconds.
    pub fn next(&self, count: i64, last_at: i64, now_ms: i64) -> Result<i64, i64> {
        let since = now_ms - last_at;
        if since >= self.forget_ms || since < -MAX_LEAD_MS {
            return Ok(1);
        }
        if count >= self.free {
            let doublings = u32::try_from(count - self.free).unwrap_or(u32::MAX).min(20);
            let wait = (self.first_wait_ms << doublings).min(self.longest_wait_ms) - since.max(0);
            if wait > 0 {
                return Err(wait);
            }
        }
        Ok(count + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;

    #[test]
    fn the_free_ones_pass_and_further_ones_wait_longer_and_longer() {
        let pace = Pace { free: 2, first_wait_ms: 10, longest_wait_ms: 35, forget_ms: 1_000 };
        assert_eq!(pace.next(0, 0, 5), Ok(1));
        assert_eq!(pace.next(1, 5, 5), Ok(2));
        assert_eq!(pace.next(2, 5, 5), Err(10));
        assert_eq!(pace.next(2, 5, 14), Err(1));
        assert_eq!(pace.next(2, 5, 15), Ok(3));
        assert_eq!(pace.next(3, 15, 15), Err(20));
        assert_eq!(pace.next(9, 15, 15), Err(35));
        assert_eq!(pace.next(i64::MAX - 1, 15, 15), Err(35));
        assert_eq!(pace.next(9, 15, 1_015), Ok(1), "forgotten");
        assert_eq!(pace.next(9, 20, 15), Err(35), "a clock that went back a little");
        assert_eq!(pace.next(9, 100_000, 15), Ok(1), "a clock that was set back");
    }
}
