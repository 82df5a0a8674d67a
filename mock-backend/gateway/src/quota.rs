//! Quotas: how many requests an account, or an address, may make. Token buckets (`governor`), told the time by the
//! gateway's clock.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use kinora_kit::clock::Clock;
use kinora_kit::http::crowd::Peer;

use crate::caller::Caller;

/// A quota: so many requests at once, and so many a second for long.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Requests a second.
    pub per_second: NonZeroU32,
    /// Requests at once.
    pub burst: NonZeroU32,
}

impl Allowance {
    /// Returns an allowance; 0 counts as 1.
    pub fn new(per_second: u32, burst: u32) -> Self {
        let at_least_one = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        Self { per_second: at_least_one(per_second), burst: at_least_one(burst) }
    }

    /// Returns so many requests a second, and twice as many at once.
    pub fn per_second(count: u32) -> Self {
        Self::new(count, count.saturating_mul(2))
    }

    fn quota(self) -> Quota {
        Quota::per_second(self.per_second).allow_burst(self.burst)
    }
}

/// The gateway's clock as governor reads it.
#[derive(Clone, Debug)]
struct Monotonic(Clock);

impl governor::clock::Clock for Monotonic {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.monotonic_ms()).unwrap_or(0))
    }
}

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, Monotonic, NoOpMiddleware<Duration>>;

/// The quotas of all callers.
pub struct Quotas {
    clock: Monotonic,
    addresses: Limiter<Peer>,
    accounts: Limiter<Caller>,
}

impl Quotas {
    /// Quotas of which nothing is used.
    pub fn new(address: Allowance, account: Allowance, clock: Clock) -> Self {
        let clock = Monotonic(clock);
        Self {
            addresses: RateLimiter::hashmap_with_clock(address.quota(), clock.clone()),
            accounts: RateLimiter::hashmap_with_clock(account.quota(), clock.clone()),
            clock,
        }
    }

    /// Counts a request against its address and, if it has one, its account.
    ///
    /// # Errors
    /// The time to wait, if a quota is used up. What an address may not ask does not count against the account.
    pub fn take(&self, address: Peer, caller: Option<&Caller>) -> Result<(), Duration> {
        let now = governor::clock::Clock::now(&self.clock);
        self.addresses.check_key(&address).map_err(|until| until.wait_time_from(now))?;
        match caller {
            Some(caller) => self.accounts.check_key(caller).map_err(|until| until.wait_time_from(now)),
            None => Ok(()),
        }
    }

    /// Forgets who has not asked for so long that the quota is whole again. To be called every few seconds.
    pub fn forget_idle(&self) {
        self.addresses.retain_recent();
        self.accounts.retain_recent();
        self.addresses.shrink_to_fit();
        self.accounts.shrink_to_fit();
    }

    /// Number of callers that are remembered.
    pub fn len(&self) -> usize {
        self.addresses.len() + self.accounts.len()
    }

    /// Returns true if no caller is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::{Allowance, Quotas};
    use crate::caller::Caller;
    use kinora_kit::clock::{Clock, ManualClock};
    use std::net::IpAddr;
    use std::time::Duration;

    fn quotas() -> (Quotas, ManualClock) {
        let (clock, hand) = Clock::manual(0);
        (Quotas::new(Allowance::new(10, 4), Allowance::new(2, 2), clock), hand)
    }

    #[test]
    fn an_address_waits_exactly_until_its_next_request_counts() {
        let (quotas, hand) = quotas();
        let address = IpAddr::from([192, 0, 2, 1]).into();
        for _ in 0..4 {
            assert_eq!(quotas.take(address, None), Ok(()));
        }
        let wait = quotas.take(address, None).expect_err("used up");
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(quotas.take(IpAddr::from([192, 0, 2, 2]).into(), None), Ok(()), "another address");
        hand.advance_ms(99);
        assert!(quotas.take(address, None).is_err());
        hand.advance_ms(1);
        assert_eq!(quotas.take(address, None), Ok(()));
    }

    #[test]
    fn an_account_has_one_quota_at_all_addresses() {
        let (quotas, _) = quotas();
        let address = |last| IpAddr::from([192, 0, 2, last]).into();
        let (ours, theirs) = (Caller::Account("ours".into()), Caller::Account("theirs".into()));
        assert_eq!(quotas.take(address(1), Some(&ours)), Ok(()));
        assert_eq!(quotas.take(address(2), Some(&ours)), Ok(()));
        assert_eq!(quotas.take(address(3), Some(&ours)), Err(Duration::from_millis(500)));
        assert_eq!(quotas.take(address(3), Some(&theirs)), Ok(()));
    }

    #[test]
    fn callers_that_left_are_forgotten() {
        let (quotas, hand) = quotas();
        for last in 0..100 {
            let caller = Caller::Account(format!("{last}").into());
            assert_eq!(quotas.take(IpAddr::from([192, 0, 2, last]).into(), Some(&caller)), Ok(()));
        }
        assert_eq!(quotas.len(), 200);
        hand.advance_ms(10_000);
        quotas.forget_idle();
        assert!(quotas.is_empty());
    }
}
