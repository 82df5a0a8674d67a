//! How long an answer may be used: Cache-Control, Expires and Age (RFC 9111) against a clock that never jumps. Pure.
//!
//! Ages are measured with the monotonic clock. The wall clock is used only for what an earlier process stored, and what cannot
//! be dated with it is stale, so that setting the clock, forward or back, keeps nothing fresh for longer than its origin said.

use std::sync::LazyLock;

use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use kinora_kit::clock::Clock;
use kinora_kit::http::date::parse_http_date;

/// Milliseconds for which a manifest is fresh when the origin gives no lifetime.
const MANIFEST_FRESH_MS: i64 = 1_000;
/// The same for anything else: segments keep their content under their name.
const SEGMENT_FRESH_MS: i64 = 3_600_000;
/// Longest time past its freshness for which an answer stands in for a failing origin, in milliseconds.
const STAND_IN_MS: i64 = 24 * 3_600_000;
/// Longest lifetime that is believed, in seconds (RFC 9111 §1.2.2 asks for at least 2^31).
const MAX_SECONDS: i64 = 1 << 31;
/// Longest `Cache-Control` value that is read, in bytes.
const MAX_CONTROL: usize = 4096;

/// A moment on both clocks of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Identifies the process, without which its monotonic clock means nothing.
    pub process: u64,
    /// Milliseconds of the monotonic clock.
    pub monotonic_ms: i64,
    /// Milliseconds since the Unix epoch.
    pub wall_ms: i64,
}

impl Moment {
    /// Returns the present moment of this process.
    pub fn now(clock: &Clock) -> Self {
        static PROCESS: LazyLock<u64> = LazyLock::new(|| Uuid::now_v7().as_u64_pair().1);
        Self { process: *PROCESS, monotonic_ms: clock.monotonic_ms(), wall_ms: clock.now_ms() }
    }

    /// Returns the milliseconds since an earlier moment; `None` when the clocks cannot tell, because it seems to lie ahead.
    pub fn since(self, earlier: Self) -> Option<i64> {
        let elapsed = if self.process == earlier.process {
            self.monotonic_ms.checked_sub(earlier.monotonic_ms)
        } else {
            self.wall_ms.checked_sub(earlier.wall_ms)
        };
        elapsed.filter(|elapsed| *elapsed >= 0)
    }
}

/// What an answer's header fields allow a shared cache to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// True if the answer may be stored and given to others.
    pub store: bool,
    /// Milliseconds for which it is fresh, counted from its generation at the origin.
    pub fresh_ms: i64,
    /// True if it may not be used past its freshness without the origin's confirmation.
    pub must_revalidate: bool,
    /// Age in milliseconds that it had on arrival.
    pub age_ms: i64,
}

impl Policy {
    /// Reads the policy of a successful answer; `is_manifest` decides the lifetime when the origin gives none.
    pub fn of(headers: &HeaderMap, is_manifest: bool) -> Self {
        let control = Directives::of(headers);
        let default_ms = if is_manifest { MANIFEST_FRESH_MS } else { SEGMENT_FRESH_MS };
        let fresh_ms = if control.no_cache { 0 } else { lifetime_ms(headers, &control).unwrap_or(default_ms) };
        Self {
            store: !control.no_store && !control.private && control.s_maxage != Some(0) && is_shareable(headers),
            fresh_ms,
            must_revalidate: control.must_revalidate || control.no_cache || control.s_maxage.is_some(),
            age_ms: age_on_arrival_ms(headers),
        }
    }
}

/// How long an answer in the cache is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifetime {
    /// When the origin sent or confirmed it.
    pub validated: Moment,
    /// Its age at that moment, in milliseconds.
    pub age_then_ms: i64,
    /// Milliseconds for which it is fresh, at an age from 0 on.
    pub fresh_ms: i64,
    /// True if it may not be used past that without confirmation.
    pub must_revalidate: bool,
}

impl Lifetime {
    /// Returns the lifetime of an answer that arrives now.
    pub fn begin(policy: &Policy, now: Moment) -> Self {
        Self {
            validated: now,
            age_then_ms: policy.age_ms,
            fresh_ms: policy.fresh_ms,
            must_revalidate: policy.must_revalidate,
        }
    }

    /// Returns the age in milliseconds (RFC 9111 §4.2.3); `None` when the clocks cannot tell.
    pub fn age_ms(&self, now: Moment) -> Option<i64> {
        now.since(self.validated).map(|since| since.saturating_add(self.age_then_ms))
    }

    /// Returns true if the answer may be used without asking the origin.
    pub fn is_fresh(&self, now: Moment) -> bool {
        self.age_ms(now).is_some_and(|age| age < self.fresh_ms)
    }

    /// Returns true if the answer may stand in for an origin that fails or takes long (RFC 5861): for a day past its freshness,
    /// unless the origin forbade it.
    pub fn may_stand_in(&self, now: Moment) -> bool {
        let past = self.age_ms(now).map_or(0, |age| age.saturating_sub(self.fresh_ms));
        !self.must_revalidate && past < STAND_IN_MS
    }
}

/// The directives of `Cache-Control` that concern a shared cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Directives {
    no_store: bool,
    no_cache: bool,
    private: bool,
    must_revalidate: bool,
    max_age: Option<i64>,
    s_maxage: Option<i64>,
}

impl Directives {
    fn of(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        for value in headers.get_all(header::CACHE_CONTROL) {
            let Ok(text) = value.to_str() else { continue };
            if text.len() > MAX_CONTROL {
                // What is not read may forbid anything.
                found.no_store = true;
                continue;
            }
            for directive in split_unquoted(text) {
                found.add(directive.trim());
            }
        }
        found
    }

    /// A directive with fields (`private="set-cookie"`) counts for the whole answer, which is stricter.
    fn add(&mut self, directive: &str) {
        let (name, value) = directive.split_once('=').map_or((directive, None), |(name, value)| (name, Some(value)));
        let seconds = || {
            let text = value?.trim().trim_matches('"');
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse().map_or(MAX_SECONDS, |seconds: i64| seconds.min(MAX_SECONDS)))
        };
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" => self.no_store = true,
            "no-cache" => self.no_cache = true,
            "private" => self.private = true,
            "must-revalidate" | "proxy-revalidate" => self.must_revalidate = true,
            // Of two that contradict each other the shorter counts (RFC 9111 §4.2.1).
            "max-age" => self.max_age = shorter(self.max_age, seconds()),
            "s-maxage" => self.s_maxage = shorter(self.s_maxage, seconds()),
            _ => {}
        }
    }
}

fn shorter(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Splits at commas outside quotation marks.
fn split_unquoted(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
}

/// The origin's lifetime: `s-maxage`, else `max-age`, else `Expires` less `Date`. An `Expires` that is no date lies in the past.
fn lifetime_ms(headers: &HeaderMap, control: &Directives) -> Option<i64> {
    if let Some(seconds) = control.s_maxage.or(control.max_age) {
        return Some(seconds * 1000);
    }
    let date = |name| headers.get(name).map(|value| value.to_str().ok().and_then(parse_http_date));
    let (Some(expires), sent) = (date(header::EXPIRES)?, date(header::DATE).flatten()) else {
        return Some(0);
    };
    // Without the origin's own date the two clocks cannot be compared.
    Some(expires.saturating_sub(sent?).clamp(0, MAX_SECONDS) * 1000)
}

fn age_on_arrival_ms(headers: &HeaderMap) -> i64 {
    let age = headers.get(header::AGE).and_then(|value| value.to_str().ok()?.trim().parse::<i64>().ok());
    age.unwrap_or(0).clamp(0, MAX_SECONDS) * 1000
}

/// Returns true if an answer that varies is the same for all our requests: they never carry what it varies by. An edge asks for
/// the identity encoding always and writes the headers for other sites itself.
fn is_shareable(headers: &HeaderMap) -> bool {
    headers.get_all(header::VARY).iter().all(|value| {
        value.to_str().is_ok_and(|text| {
            let mut names = text.split(',').map(str::trim);
            names.all(|name| {
                name.is_empty() || ["accept-encoding", "origin"].iter().any(|known| name.eq_ignore_ascii_case(known))
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{Lifetime, Moment, Policy};
    use axum::http::{HeaderMap, HeaderName, HeaderValue};
    use proptest::prelude::*;

    fn policy(list: &[(&'static str, &str)]) -> Policy {
        let pair = |&(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header"))
        };
        Policy::of(&list.iter().map(pair).collect::<HeaderMap>(), true)
    }

    fn moment(process: u64, monotonic_ms: i64, wall_ms: i64) -> Moment {
        Moment { process, monotonic_ms, wall_ms }
    }

    #[test]
    fn what_the_fields_of_an_answer_mean() {
        let cases = [
            // (Cache-Control, stored, fresh for, must be confirmed)
            ("public, max-age=60, immutable", true, 60_000, false),
            ("max-age=60, no-store", false, 60_000, false),
            ("private, max-age=60", false, 60_000, false),
            ("private=\"set-cookie, x\", max-age=60", false, 60_000, false),
            ("no-cache", true, 0, true),
            ("no-cache=\"set-cookie\", max-age=9", true, 0, true),
            ("public", true, 1_000, false),
            ("max-age=soon", true, 1_000, false),
            ("max-age=0, must-revalidate", true, 0, true),
            ("max-age=5, proxy-revalidate", true, 5_000, true),
            ("s-maxage=0, max-age=600", false, 0, true),
            ("s-maxage=7, max-age=600", true, 7_000, true),
            ("max-age=9, max-age=3", true, 3_000, false),
            ("MAX-AGE=\"4\"", true, 4_000, false),
            ("max-age=99999999999999999999", true, (1 << 31) * 1000, false),
        ];
        for (text, store, fresh_ms, must_revalidate) in cases {
            let expected = Policy { store, fresh_ms, must_revalidate, age_ms: 0 };
            assert_eq!(policy(&[("cache-control", text)]), expected, "{text}");
        }
    }

    #[test]
    fn expires_counts_from_the_origins_own_date() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(policy(&[date, ("expires", "Sunday, 06-Nov-94 08:49:47 GMT")]).fresh_ms, 10_000);
        assert_eq!(policy(&[date, ("expires", "0")]).fresh_ms, 0);
        assert_eq!(policy(&[date, ("expires", "Sun, 06 Nov 1994 08:49:30 GMT")]).fresh_ms, 0);
        let both = [date, ("expires", "0"), ("cache-control", "max-age=3")];
        assert_eq!(policy(&both).fresh_ms, 3_000, "max-age goes before Expires");
        assert_eq!(policy(&[("age", "7")]).age_ms, 7_000);
    }

    #[test]
    fn what_varies_by_the_viewer_is_not_stored() {
        assert!(policy(&[("vary", "Accept-Encoding, Origin")]).store);
        for vary in ["*", "User-Agent", "accept-encoding, cookie"] {
            assert!(!policy(&[("vary", vary)]).store, "{vary}");
        }
    }

    #[test]
    fn another_process_is_dated_by_the_wall_clock_or_not_at_all() {
        let stored = Lifetime::begin(&policy(&[("cache-control", "max-age=60")]), moment(1, 900_000, 1_000_000));
        assert!(stored.is_fresh(moment(2, 0, 1_059_999)));
        assert!(!stored.is_fresh(moment(2, 0, 1_060_000)));
        assert!(!stored.is_fresh(moment(2, 0, 999_999)), "stored ahead of the present: nothing is known of its age");
        assert!(stored.may_stand_in(moment(2, 0, 999_999)));
    }

    proptest! {
        /// Whatever the wall clock does meanwhile: fresh exactly for as long as the origin said.
        #[test]
        fn the_wall_clock_changes_no_freshness(
            steps in proptest::collection::vec((0_i64..500, -200_000_000_i64..200_000_000), 1..20),
            seconds in 0_i64..5,
            age in 0_i64..3,
        ) {
            let text = format!("max-age={seconds}");
            let policy = policy(&[("cache-control", &text), ("age", &age.to_string())]);
            let (mut monotonic, mut wall) = (5_000, 1_700_000_000_000);
            let lifetime = Lifetime::begin(&policy, moment(7, monotonic, wall));
            for (passed, jump) in steps {
                monotonic += passed;
                wall += passed + jump;
                let now = moment(7, monotonic, wall);
                let old = monotonic - 5_000 + age * 1000;
                prop_assert_eq!(lifetime.age_ms(now), Some(old));
                prop_assert_eq!(lifetime.is_fresh(now), old < seconds * 1000);
            }
        }

        /// After a restart nothing is fresh for longer than its lifetime of wall time, whichever way the clock was set.
        #[test]
        fn a_restart_never_prolongs(stored_at in 0_i64..1_000_000, now in 0_i64..1_000_000, fresh in 0_i64..100) {
            let text = format!("max-age={fresh}");
            let lifetime = Lifetime::begin(&policy(&[("cache-control", &text)]), moment(1, 0, stored_at));
            let is_fresh = lifetime.is_fresh(moment(2, 0, now));
            prop_assert_eq!(is_fresh, (0..fresh * 1000).contains(&(now - stored_at)));
        }

        #[test]
        fn no_field_is_a_panic(control in "[ -~]{0,60}", expires in "[ -~]{0,40}", vary in "[ -~]{0,20}") {
            policy(&[("cache-control", &control), ("expires", &expires), ("vary", &vary), ("date", &expires)]);
        }
    }
}
