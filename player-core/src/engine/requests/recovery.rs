//! Decides on what follows a failed request: one pure function and its table. Nothing here knows the engine.
//!
//! A host may decide otherwise with another [`LoadErrorPolicy`].

use std::time::Duration;

use crate::config::{RetryPolicies, RetryPolicy};
use crate::container::DemuxError;
use crate::engine::io::{FetchError, FetchKind};
use crate::manifest::ManifestError;

/// Time for which a location is excluded after it failed as a host; it doubles each time that this happens again.
const HOST_EXCLUSION: Duration = Duration::from_secs(60);
/// Time for which a representation is excluded after a segment of it was missing or damaged.
const PART_EXCLUSION: Duration = Duration::from_secs(20);
/// Time for which a representation is excluded because its index or initialisation data is unavailable.
const INDEX_EXCLUSION: Duration = Duration::from_secs(60);

/// Cause of a failed request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cause<'a> {
    /// It failed on the way.
    Fetch(&'a FetchError),
    /// The manifest or index was received and cannot be read.
    Manifest(&'a ManifestError),
    /// The segment was received and holds no samples.
    NoSamples,
}

/// All that the decision may depend on.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// Purpose of the request.
    pub kind: FetchKind,
    /// Cause of the failure.
    pub cause: Cause<'a>,
    /// Failures of this request so far, this one included.
    pub failures: u32,
    /// Other addresses of the same bytes that are worth a try.
    pub locations_left: usize,
    /// Other representations that could take over. Of an index or initialisation data, if none is fit: those that are
    /// excluded for a while.
    pub representations_left: usize,
    /// Retries of this kind of failure; see [`FailureClass::policy`].
    pub policy: RetryPolicy,
    /// Delay before the latest attempt; zero for the first.
    pub last_delay: Duration,
    /// Time that is left of the deadline for all attempts.
    pub deadline_left: Duration,
}

/// Action that follows a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The same again after a delay.
    RetryAfter(Duration),
    /// The same bytes from elsewhere at once; zero leaves the location in use for other requests.
    OtherLocation {
        /// Time for which the location is excluded.
        exclude_for: Duration,
    },
    /// The same time from another representation at once.
    OtherRepresentation {
        /// Time for which the representation is excluded; [`Duration::MAX`] is for ever.
        exclude_for: Duration,
    },
    /// Go on without this segment.
    SkipSegment,
    /// Nothing can be done.
    Fatal,
}

/// Kind of failure: the rows of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// The host cannot be reached at its address, or cannot prove who it is.
    Unreachable,
    /// The host does not answer, or not in time.
    Silent,
    /// The host answers that it cannot serve now, and perhaps when.
    Busy(Option<Duration>),
    /// The host answers that it will not serve this, or in a way that is no answer.
    Refused,
    /// The answer is incomplete or damaged; it may have happened on the way.
    Damaged,
    /// The answer is whole and of no use.
    Useless,
    /// The answer needs a feature that is not built.
    Unsupported,
}

impl FailureClass {
    /// The class of a cause.
    pub fn of(cause: Cause<'_>) -> Self {
        match cause {
            Cause::Fetch(
                FetchError::Refused(_) | FetchError::UnknownHost(_) | FetchError::NoRoute(_) | FetchError::Tls(_),
            ) => Self::Unreachable,
            Cause::Fetch(FetchError::Unreachable(_) | FetchError::Timeout { .. }) => Self::Silent,
            Cause::Fetch(FetchError::Status { status: 500..=599 | 408 | 425 | 429, retry_after }) => {
                Self::Busy(*retry_after)
            }
            Cause::Fetch(
                FetchError::Status { .. }
                | FetchError::BadAddress(_)
                | FetchError::RangeIgnored(_)
                | FetchError::MalformedHead(_)
                | FetchError::Host(_),
            ) => Self::Refused,
            Cause::Fetch(FetchError::TooLarge { .. } | FetchError::Key(_))
            | Cause::Manifest(ManifestError::NotAManifest { .. }) => Self::Useless,
            Cause::Fetch(FetchError::Demux(DemuxError::Unsupported { .. }))
            | Cause::Manifest(ManifestError::Unsupported { .. }) => Self::Unsupported,
            Cause::Fetch(FetchError::Truncated { .. } | FetchError::Demux(_) | FetchError::Decrypt(_))
            | Cause::NoSamples => Self::Damaged,
            Cause::Manifest(
                ManifestError::Malformed { .. } | ManifestError::Empty { .. } | ManifestError::TooLarge { .. },
            ) => Self::Useless,
        }
    }

    /// The policy for this class; `at_start` means that nothing has been played yet and that every failure of the
    /// request so far was of the class `Unreachable`.
    pub const fn policy(self, policies: &RetryPolicies, at_start: bool) -> RetryPolicy {
        match self {
            Self::Unreachable if at_start => policies.unreachable_at_start,
            Self::Unreachable => policies.unreachable,
            Self::Busy(_) => policies.busy,
            Self::Damaged => policies.damaged,
            Self::Silent | Self::Refused | Self::Useless | Self::Unsupported => policies.silent,
        }
    }
}

/// Least delay of a retry that a host's policy asks for, so that none makes the engine spin.
const LEAST_DELAY: Duration = Duration::from_millis(10);

/// Decides what follows a failed request. [`UsualPolicy`] is the default.
///
/// A policy is a pure function: equal failures give equal actions, or a recorded session does not replay. It is called on
/// the player's thread and must not block. Successive failures of one request differ in [`Failure::failures`] and
/// [`Failure::deadline_left`]; a policy that retries for ever ends nothing, and is the host's own choice.
pub trait LoadErrorPolicy: Send + Sync {
    /// Returns the action that follows a failure.
    fn decide(&self, failure: &Failure<'_>) -> Action;
}

/// The policy of a player whose host gives none: [`decide`] and its table.
#[derive(Clone, Copy, Debug, Default)]
pub struct UsualPolicy;

impl LoadErrorPolicy for UsualPolicy {
    fn decide(&self, failure: &Failure<'_>) -> Action {
        decide(failure)
    }
}

/// Asks a policy, and replaces an action that cannot be carried out by the usual one.
pub(in crate::engine) fn ask(policy: &dyn LoadErrorPolicy, failure: &Failure<'_>) -> Action {
    let usual = || decide(failure);
    match policy.decide(failure) {
        Action::RetryAfter(delay) => Action::RetryAfter(delay.max(LEAST_DELAY)),
        Action::OtherLocation { .. } if failure.locations_left == 0 => usual(),
        Action::OtherRepresentation { .. } if failure.representations_left == 0 => usual(),
        Action::SkipSegment if !matches!(failure.kind, FetchKind::Segment | FetchKind::Text) => usual(),
        action => action,
    }
}

/// Returns the usual decision about a failure.
///
/// Another address of the same bytes comes first, because it costs no quality. A host that fails as a host (it
/// cannot be reached, is silent, or answers 408, 425, 429 or 5xx) is excluded for a while; one that refuses or
/// damages a file stays in use for others. Without another address a failing host is asked again with growing
/// delays until the deadline: to give up a segment would only lose the next one too. A longer `Retry-After` (RFC
/// 9110 §10.2.3) takes the place of the delay. A refusal is not repeated, because the same request gets the same
/// answer; a damaged answer is requested once more, because the damage may have happened on the way. A feature that
/// is not supported is never retried: only another representation can do without it.
pub fn decide(failure: &Failure<'_>) -> Action {
    let elsewhere = failure.locations_left > 0;
    let class = FailureClass::of(failure.cause);
    let announced = if let FailureClass::Busy(announced) = class { announced } else { None };
    match class {
        FailureClass::Unreachable | FailureClass::Silent | FailureClass::Busy(_) if elsewhere => {
            Action::OtherLocation {
                exclude_for: announced.map_or(HOST_EXCLUSION, |announced| announced.max(HOST_EXCLUSION)),
            }
        }
        FailureClass::Unreachable | FailureClass::Silent | FailureClass::Busy(_) => {
            match delay(failure, announced).filter(|_| may_retry(failure)) {
                Some(delay) => Action::RetryAfter(delay),
                None if matches!(class, FailureClass::Busy(_)) => give_up(failure),
                None if failure.kind == FetchKind::Text => Action::SkipSegment,
                None => Action::Fatal,
            }
        }
        FailureClass::Refused if elsewhere => Action::OtherLocation { exclude_for: Duration::ZERO },
        FailureClass::Refused => give_up(failure),
        FailureClass::Damaged if !may_retry(failure) => give_up(failure),
        FailureClass::Damaged if failure.policy.most_retries.is_none() && delay(failure, None).is_none() => {
            give_up(failure)
        }
        FailureClass::Damaged if elsewhere => Action::OtherLocation { exclude_for: Duration::ZERO },
        FailureClass::Damaged => Action::RetryAfter(backoff(failure)),
        FailureClass::Useless if elsewhere && failure.kind == FetchKind::Manifest => {
            Action::OtherLocation { exclude_for: HOST_EXCLUSION }
        }
        FailureClass::Useless if elsewhere => Action::OtherLocation { exclude_for: Duration::ZERO },
        FailureClass::Useless => give_up(failure),
        FailureClass::Unsupported if failure.kind == FetchKind::Text => Action::SkipSegment,
        FailureClass::Unsupported if failure.kind != FetchKind::Manifest && failure.representations_left > 0 => {
            Action::OtherRepresentation { exclude_for: Duration::MAX }
        }
        FailureClass::Unsupported => Action::Fatal,
    }
}

/// No address is left to ask.
fn give_up(failure: &Failure<'_>) -> Action {
    let another = failure.representations_left > 0;
    match failure.kind {
        FetchKind::Manifest | FetchKind::Key => Action::Fatal,
        FetchKind::Index | FetchKind::Init if another => Action::OtherRepresentation { exclude_for: INDEX_EXCLUSION },
        FetchKind::Index | FetchKind::Init => Action::Fatal,
        FetchKind::Segment if another && failure.cause != Cause::NoSamples => {
            Action::OtherRepresentation { exclude_for: PART_EXCLUSION }
        }
        FetchKind::Segment | FetchKind::Text => Action::SkipSegment,
    }
}

fn may_retry(failure: &Failure<'_>) -> bool {
    failure.policy.most_retries.is_none_or(|most| failure.failures <= most)
}

/// The delay before the next attempt, which begins at the deadline at the latest; `None` when no attempt is left. A
/// rest of the time that is too short for two more delays is waited for at once, so that attempts never come faster
/// towards the end.
fn delay(failure: &Failure<'_>, announced: Option<Duration>) -> Option<Duration> {
    let left = failure.deadline_left;
    let shortest = failure.policy.first_delay.max(failure.last_delay);
    let usual = backoff(failure);
    if left.is_zero() || left < shortest {
        return None;
    }
    match announced.filter(|announced| *announced > usual) {
        Some(announced) => Some(announced.min(left)),
        None if left < usual.saturating_mul(2) => Some(left),
        None => Some(usual),
    }
}

/// Doubles with each failure from the policy's first delay to its longest, and is never shorter than the latest delay.
fn backoff(failure: &Failure<'_>) -> Duration {
    let RetryPolicy { first_delay, longest_delay, .. } = failure.policy;
    let doubled = first_delay.saturating_mul(1 << failure.failures.saturating_sub(1).min(16));
    doubled.min(longest_delay).max(first_delay).max(failure.last_delay)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drm::DrmError;

    const LEFT: Duration = Duration::from_secs(20);
    const NONE: Duration = Duration::ZERO;
    const LONGEST_DELAY: Duration = Duration::from_secs(4);

    /// A failure with the default policy of its cause, after the start.
    fn failure<'a>(kind: FetchKind, cause: Cause<'a>, failures: u32) -> Failure<'a> {
        Failure {
            kind,
            cause,
            failures,
            locations_left: 0,
            representations_left: 0,
            policy: FailureClass::of(cause).policy(&RetryPolicies::default(), false),
            last_delay: Duration::ZERO,
            deadline_left: LEFT,
        }
    }

    fn status(status: u16) -> FetchError {
        FetchError::Status { status, retry_after: None }
    }

    fn damaged() -> FetchError {
        FetchError::Demux(DemuxError::Malformed { what: "box".into(), offset: 4 })
    }

    fn unsupported() -> FetchError {
        FetchError::Demux(DemuxError::Unsupported { feature: "WebM".into() })
    }

    fn other(exclude_for: Duration) -> Action {
        Action::OtherLocation { exclude_for }
    }

    fn another(exclude_for: Duration) -> Action {
        Action::OtherRepresentation { exclude_for }
    }

    #[test]
    fn the_table() {
        use FetchKind::{Index, Init, Key, Manifest, Segment, Text};
        let dead = FetchError::Refused("refused".into());
        let stalled = FetchError::Timeout { started: true };
        let cut = FetchError::Truncated { received: 1, expected: Some(2) };
        let ms = Duration::from_millis;
        // kind, error, failures, locations left, representations left, deadline left → action
        let table = [
            (Segment, dead.clone(), 1, 1, 3, LEFT, other(HOST_EXCLUSION)),
            (Segment, stalled.clone(), 1, 1, 3, LEFT, other(HOST_EXCLUSION)),
            (Segment, status(503), 1, 1, 3, LEFT, other(HOST_EXCLUSION)),
            (Manifest, dead.clone(), 1, 1, 0, LEFT, other(HOST_EXCLUSION)),
            (Segment, dead.clone(), 1, 0, 3, LEFT, Action::RetryAfter(ms(250))),
            (Segment, dead.clone(), 3, 0, 3, LEFT, Action::RetryAfter(ms(1000))),
            (Segment, dead.clone(), 30, 0, 3, LEFT, Action::RetryAfter(LONGEST_DELAY)),
            (Segment, dead.clone(), 2, 0, 3, ms(700), Action::RetryAfter(ms(700))),
            (Segment, dead.clone(), 2, 0, 3, ms(1000), Action::RetryAfter(ms(500))),
            (Segment, dead.clone(), 9, 0, 3, ms(200), Action::Fatal),
            (Segment, dead.clone(), 9, 0, 3, NONE, Action::Fatal),
            (Manifest, stalled.clone(), 9, 0, 0, NONE, Action::Fatal),
            (Text, dead, 9, 0, 0, NONE, Action::SkipSegment),
            (Segment, status(500), 9, 0, 3, NONE, another(PART_EXCLUSION)),
            (Segment, status(500), 9, 0, 0, NONE, Action::SkipSegment),
            (Segment, status(400), 1, 1, 3, LEFT, other(NONE)),
            (Segment, status(404), 1, 1, 3, LEFT, other(NONE)),
            (Segment, status(408), 1, 1, 3, LEFT, other(HOST_EXCLUSION)),
            (Segment, status(425), 1, 1, 3, LEFT, other(HOST_EXCLUSION)),
            (Segment, status(429), 1, 1, 3, LEFT, other(HOST_EXCLUSION)),
            (Segment, status(500), 1, 1, 3, LEFT, other(HOST_EXCLUSION)),
            (Segment, status(599), 1, 1, 3, LEFT, other(HOST_EXCLUSION)),
            (Segment, status(404), 2, 0, 3, LEFT, another(PART_EXCLUSION)),
            (Segment, status(404), 1, 0, 0, LEFT, Action::SkipSegment),
            (Manifest, status(404), 1, 0, 0, LEFT, Action::Fatal),
            (Index, status(404), 1, 0, 2, LEFT, another(INDEX_EXCLUSION)),
            (Init, status(403), 1, 0, 0, LEFT, Action::Fatal),
            (Text, status(404), 1, 0, 0, LEFT, Action::SkipSegment),
            (Segment, cut.clone(), 1, 1, 3, LEFT, other(NONE)),
            (Segment, cut.clone(), 1, 0, 3, LEFT, Action::RetryAfter(ms(250))),
            (Segment, cut, 2, 0, 3, LEFT, another(PART_EXCLUSION)),
            (Segment, damaged(), 2, 1, 3, LEFT, another(PART_EXCLUSION)),
            (Segment, damaged(), 2, 0, 0, LEFT, Action::SkipSegment),
            (Segment, unsupported(), 1, 1, 1, LEFT, another(Duration::MAX)),
            (Segment, unsupported(), 1, 1, 0, LEFT, Action::Fatal),
            (Text, unsupported(), 1, 0, 0, LEFT, Action::SkipSegment),
            (Manifest, unsupported(), 1, 1, 2, LEFT, Action::Fatal),
            (Init, FetchError::TooLarge { limit: 9 }, 1, 0, 0, LEFT, Action::Fatal),
            (Segment, FetchError::Tls("bad".into()), 1, 0, 0, NONE, Action::Fatal),
            (Key, status(404), 1, 1, 0, LEFT, other(NONE)),
            (Key, status(404), 2, 0, 0, LEFT, Action::Fatal),
            (Key, stalled.clone(), 1, 0, 0, LEFT, Action::RetryAfter(ms(250))),
            (Key, FetchError::Key(DrmError::LicenceEmpty), 1, 0, 0, LEFT, Action::Fatal),
            (Segment, FetchError::Decrypt(DrmError::Padding), 1, 0, 0, LEFT, Action::RetryAfter(ms(250))),
            (Segment, FetchError::Decrypt(DrmError::Padding), 2, 0, 0, LEFT, Action::SkipSegment),
            (Segment, FetchError::RangeIgnored("x".into()), 1, 0, 0, LEFT, Action::SkipSegment),
            (Manifest, FetchError::UnknownHost("x".into()), 1, 0, 0, LEFT, Action::RetryAfter(ms(250))),
            (Manifest, FetchError::NoRoute("x".into()), 1, 1, 0, LEFT, other(HOST_EXCLUSION)),
            (Manifest, FetchError::Unreachable("reset".into()), 1, 0, 0, LEFT, Action::RetryAfter(ms(250))),
            (Manifest, FetchError::MalformedHead("x".into()), 1, 0, 0, LEFT, Action::Fatal),
            (Manifest, FetchError::MalformedHead("x".into()), 1, 1, 0, LEFT, other(NONE)),
            (Segment, FetchError::MalformedHead("x".into()), 1, 0, 2, LEFT, another(PART_EXCLUSION)),
        ];
        for (kind, error, failures, locations_left, representations_left, deadline_left, expected) in table {
            let failure = failure(kind, Cause::Fetch(&error), failures);
            let failure = Failure { locations_left, representations_left, deadline_left, ..failure };
            assert_eq!(decide(&failure), expected, "{failure:?}");
        }
    }

    #[test]
    fn damage_that_may_be_retried_without_limit_is_given_up_with_the_time() {
        let damage = damaged();
        let failure = failure(FetchKind::Segment, Cause::Fetch(&damage), 9);
        let policy = RetryPolicy { most_retries: None, ..failure.policy };
        let after = |deadline_left: Duration, locations_left: usize| {
            decide(&Failure { policy, deadline_left, locations_left, representations_left: 1, ..failure })
        };
        assert_eq!(after(LEFT, 0), Action::RetryAfter(LONGEST_DELAY));
        assert_eq!(
            (after(LEFT, 1), after(NONE, 1), after(NONE, 0)),
            (other(NONE), another(PART_EXCLUSION), another(PART_EXCLUSION))
        );
    }

    #[test]
    fn a_server_that_names_its_delay_is_believed_within_the_deadline() {
        let error = FetchError::Status { status: 503, retry_after: Some(Duration::from_secs(7)) };
        let failure = failure(FetchKind::Segment, Cause::Fetch(&error), 1);
        assert_eq!(decide(&failure), Action::RetryAfter(Duration::from_secs(7)));
        let short = Failure { deadline_left: Duration::from_secs(2), ..failure };
        assert_eq!(decide(&short), Action::RetryAfter(Duration::from_secs(2)));
        let now = FetchError::Status { status: 503, retry_after: Some(Duration::ZERO) };
        let hasty = Failure { cause: Cause::Fetch(&now), ..failure };
        assert_eq!(decide(&hasty), Action::RetryAfter(Duration::from_millis(250)), "never faster than the back-off");
    }

    #[test]
    fn a_busy_location_is_left_for_a_minute_or_for_as_long_as_it_asks() {
        let left = |seconds| {
            let error = FetchError::Status { status: 503, retry_after: Some(Duration::from_secs(seconds)) };
            decide(&Failure { locations_left: 1, ..failure(FetchKind::Segment, Cause::Fetch(&error), 1) })
        };
        assert_eq!([0, 5, 61].map(left), [60, 60, 61].map(|seconds| other(Duration::from_secs(seconds))));
    }

    #[test]
    fn each_class_has_its_policy() {
        let class = |error: &FetchError| FailureClass::of(Cause::Fetch(error));
        let policies = RetryPolicies {
            unreachable_at_start: RetryPolicy { most_retries: Some(1), ..RetryPolicy::default() },
            unreachable: RetryPolicy { most_retries: Some(2), ..RetryPolicy::default() },
            silent: RetryPolicy { most_retries: Some(3), ..RetryPolicy::default() },
            busy: RetryPolicy { most_retries: Some(4), ..RetryPolicy::default() },
            damaged: RetryPolicy { most_retries: Some(5), ..RetryPolicy::default() },
        };
        let table = [
            (FetchError::Refused("x".into()), 1, 2),
            (FetchError::UnknownHost("x".into()), 1, 2),
            (FetchError::NoRoute("x".into()), 1, 2),
            (FetchError::Tls("x".into()), 1, 2),
            (FetchError::Unreachable("reset".into()), 3, 3),
            (FetchError::Timeout { started: false }, 3, 3),
            (status(429), 4, 4),
            (damaged(), 5, 5),
        ];
        for (error, at_start, later) in table {
            let most = |at_start| class(&error).policy(&policies, at_start).most_retries;
            assert_eq!((most(true), most(false)), (Some(at_start), Some(later)), "{error:?}");
            let failed = |failures| {
                let failure = failure(FetchKind::Manifest, Cause::Fetch(&error), failures);
                decide(&Failure { policy: class(&error).policy(&policies, false), ..failure })
            };
            assert!(matches!(failed(later), Action::RetryAfter(_)), "{error:?}");
            assert_eq!(failed(later + 1), Action::Fatal, "{error:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn delays_grow_from_the_first_and_end_at_the_deadline(
            first in 1u64..2000, growth in 0u64..5000, deadline in 0u64..60_000, attempt in 0u64..7000,
            announced in proptest::option::of(0u64..20_000), jitter in 0u32..25,
        ) {
            let ms = Duration::from_millis;
            let policy = RetryPolicy { first_delay: ms(first), longest_delay: ms(first + growth), deadline: None, most_retries: None };
            let error = FetchError::Status { status: 503, retry_after: announced.map(ms) };
            let (mut clock, mut last, mut failures) = (ms(attempt), Duration::ZERO, 1);
            loop {
                let left = ms(deadline).saturating_sub(clock);
                let failure = failure(FetchKind::Manifest, Cause::Fetch(&error), failures);
                let failure = Failure { policy, last_delay: last, deadline_left: left, ..failure };
                let Action::RetryAfter(delay) = decide(&failure) else { break };
                let delay = (delay + delay * jitter / 100).min(left);
                proptest::prop_assert!(delay >= last && delay >= ms(first), "{:?} after {:?}", delay, last);
                clock += delay;
                proptest::prop_assert!(clock <= ms(deadline), "the last attempt begins by the deadline");
                clock += ms(attempt);
                (last, failures) = (delay, failures + 1);
                proptest::prop_assert!(failures < 70_000);
            }
        }
    }

    #[test]
    fn a_page_in_place_of_a_manifest_is_looked_for_elsewhere_and_fatal_at_last() {
        let html = ManifestError::NotAManifest { found: "HTML".into() };
        let failure = Failure { locations_left: 1, ..failure(FetchKind::Manifest, Cause::Manifest(&html), 1) };
        assert_eq!(decide(&failure), other(HOST_EXCLUSION));
        assert_eq!(decide(&Failure { locations_left: 0, ..failure }), Action::Fatal);
    }

    #[test]
    fn an_empty_segment_never_costs_a_representation() {
        let failure = failure(FetchKind::Segment, Cause::NoSamples, 2);
        let failure = Failure { locations_left: 1, representations_left: 3, ..failure };
        assert_eq!(decide(&failure), Action::SkipSegment);
    }

    /// A policy that always gives the same action.
    struct Always(Action);

    impl LoadErrorPolicy for Always {
        fn decide(&self, _: &Failure<'_>) -> Action {
            self.0
        }
    }

    #[test]
    fn another_policy_decides_what_can_be_carried_out() {
        let error = status(404);
        let plain = failure(FetchKind::Segment, Cause::Fetch(&error), 1);
        let usual = decide(&plain);
        let asked = |action, failure: &Failure<'_>| ask(&Always(action), failure);
        for action in [Action::Fatal, Action::SkipSegment, Action::RetryAfter(LEAST_DELAY)] {
            assert_eq!(asked(action, &plain), action);
        }
        assert_eq!(asked(Action::RetryAfter(NONE), &plain), Action::RetryAfter(LEAST_DELAY));
        let (elsewhere, other) =
            (Action::OtherLocation { exclude_for: LEFT }, Action::OtherRepresentation { exclude_for: LEFT });
        assert_eq!([elsewhere, other].map(|action| asked(action, &plain)), [usual; 2], "nothing else is left");
        let wide = Failure { locations_left: 1, representations_left: 1, ..plain };
        assert_eq!([elsewhere, other].map(|action| asked(action, &wide)), [elsewhere, other]);
        for kind in [FetchKind::Manifest, FetchKind::Init, FetchKind::Index] {
            let of_kind = Failure { kind, ..plain };
            assert_eq!(asked(Action::SkipSegment, &of_kind), decide(&of_kind), "{kind:?} is no segment");
        }
        let busy = status(503);
        let text = Failure { kind: FetchKind::Text, cause: Cause::Fetch(&busy), ..plain };
        assert!(matches!(decide(&text), Action::RetryAfter(_)));
        assert_eq!(asked(Action::SkipSegment, &text), Action::SkipSegment, "a segment of text may be skipped");
        assert_eq!(UsualPolicy.decide(&plain), usual);
    }
}
