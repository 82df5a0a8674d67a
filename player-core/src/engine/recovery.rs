//! What to do when a request fails: one pure function and its table. Nothing here knows the engine.

use std::time::Duration;

use super::io::{FetchError, FetchKind};
use crate::container::DemuxError;
use crate::manifest::ManifestError;

/// How long a location is left alone after it failed as a host; it grows when it happens again.
const HOST_REST: Duration = Duration::from_secs(60);
/// How long a representation is left alone after a part of it was missing or damaged.
const PART_REST: Duration = Duration::from_secs(20);
/// How long a representation is left alone when its index or initialisation cannot be had.
const INDEX_REST: Duration = Duration::from_secs(60);
/// First delay of the exponential back-off, and its bound.
const FIRST_DELAY: Duration = Duration::from_millis(250);
const LONGEST_DELAY: Duration = Duration::from_secs(8);

/// Why a request did not give what was wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cause<'a> {
    /// It failed on the way.
    Fetch(&'a FetchError),
    /// The manifest or index came and cannot be read.
    Manifest(&'a ManifestError),
    /// The segment came and holds nothing.
    NoSamples,
}

/// All that the decision may depend on.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// What was being fetched.
    pub kind: FetchKind,
    /// What happened.
    pub cause: Cause<'a>,
    /// Failures of this request so far, this one included.
    pub failures: u32,
    /// Other addresses of the same bytes that are worth a try.
    pub locations_left: usize,
    /// Other representations that could take over.
    pub representations_left: usize,
    /// What is left of the total time that this may cost.
    pub deadline_left: Duration,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The same again after a delay.
    RetryAfter(Duration),
    /// The same bytes from elsewhere at once; zero leaves the location in use for other requests.
    OtherLocation {
        /// How long the location is left alone.
        exclude_for: Duration,
    },
    /// The same time from another representation at once.
    OtherRepresentation {
        /// How long the representation is left alone; [`Duration::MAX`] is for ever.
        exclude_for: Duration,
    },
    /// Go on without this segment.
    SkipSegment,
    /// Nothing can be done.
    Fatal,
}

/// What kind of trouble it is: the rows of the table.
enum Trouble {
    /// The host does not answer, or not in time.
    HostSilent,
    /// The host answers that it cannot serve now, and perhaps when.
    HostBusy(Option<Duration>),
    /// The host answers that it will not serve this.
    Refused,
    /// What came is incomplete or damaged; it may have happened on the way.
    Damaged,
    /// What came is whole and cannot be used.
    Useless,
    /// Not built.
    Unsupported,
}

impl Trouble {
    fn of(cause: Cause<'_>) -> Self {
        match cause {
            Cause::Fetch(FetchError::Unreachable(_) | FetchError::Timeout { .. } | FetchError::Tls(_)) => {
                Self::HostSilent
            }
            Cause::Fetch(FetchError::Status { status: 500..=599 | 408 | 425 | 429, retry_after }) => {
                Self::HostBusy(*retry_after)
            }
            Cause::Fetch(FetchError::Status { .. } | FetchError::BadAddress(_) | FetchError::RangeIgnored(_)) => {
                Self::Refused
            }
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
}

/// The one place where recovery is decided.
pub fn decide(failure: &Failure<'_>) -> Action {
    let elsewhere = failure.locations_left > 0;
    match Trouble::of(failure.cause) {
        Trouble::HostSilent | Trouble::HostBusy(_) if elsewhere => {
            Action::OtherLocation { exclude_for: retry_after(failure).map_or(HOST_REST, |told| told.max(HOST_REST)) }
        }
        Trouble::HostSilent | Trouble::HostBusy(_) if !failure.deadline_left.is_zero() => {
            let delay = retry_after(failure).unwrap_or_else(|| backoff(failure.failures));
            Action::RetryAfter(delay.min(failure.deadline_left))
        }
        Trouble::HostSilent => match failure.kind {
            FetchKind::Text => Action::SkipSegment,
            FetchKind::Manifest | FetchKind::Index | FetchKind::Init | FetchKind::Segment | FetchKind::Key => {
                Action::Fatal
            }
        },
        Trouble::HostBusy(_) => give_up(failure),
        Trouble::Refused if elsewhere => Action::OtherLocation { exclude_for: Duration::ZERO },
        Trouble::Refused => give_up(failure),
        Trouble::Damaged if failure.failures == 1 && elsewhere => Action::OtherLocation { exclude_for: Duration::ZERO },
        Trouble::Damaged if failure.failures == 1 => Action::RetryAfter(backoff(1)),
        Trouble::Damaged => give_up(failure),
        Trouble::Useless if elsewhere && failure.kind == FetchKind::Manifest => {
            Action::OtherLocation { exclude_for: HOST_REST }
        }
        Trouble::Useless if elsewhere => Action::OtherLocation { exclude_for: Duration::ZERO },
        Trouble::Useless => give_up(failure),
        Trouble::Unsupported if failure.kind == FetchKind::Text => Action::SkipSegment,
        Trouble::Unsupported if failure.kind != FetchKind::Manifest && failure.representations_left > 0 => {
            Action::OtherRepresentation { exclude_for: Duration::MAX }
        }
        Trouble::Unsupported => Action::Fatal,
    }
}

/// No address is left to ask.
fn give_up(failure: &Failure<'_>) -> Action {
    let another = failure.representations_left > 0;
    match failure.kind {
        FetchKind::Manifest | FetchKind::Key => Action::Fatal,
        FetchKind::Index | FetchKind::Init if another => Action::OtherRepresentation { exclude_for: INDEX_REST },
        FetchKind::Index | FetchKind::Init => Action::Fatal,
        FetchKind::Segment if another && failure.cause != Cause::NoSamples => {
            Action::OtherRepresentation { exclude_for: PART_REST }
        }
        FetchKind::Segment | FetchKind::Text => Action::SkipSegment,
    }
}

fn retry_after(failure: &Failure<'_>) -> Option<Duration> {
    match Trouble::of(failure.cause) {
        Trouble::HostBusy(told) => told,
        _ => None,
    }
}

/// Doubles from [`FIRST_DELAY`] to [`LONGEST_DELAY`].
fn backoff(failures: u32) -> Duration {
    FIRST_DELAY.saturating_mul(1 << failures.saturating_sub(1).min(5)).min(LONGEST_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drm::DrmError;

    const LEFT: Duration = Duration::from_secs(20);
    const NONE: Duration = Duration::ZERO;

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
        let dead = FetchError::Unreachable("refused".into());
        let stalled = FetchError::Timeout { started: true };
        let cut = FetchError::Truncated { received: 1, expected: Some(2) };
        let ms = Duration::from_millis;
        // kind, error, failures, locations left, representations left, deadline left → action
        let table = [
            (Segment, dead.clone(), 1, 1, 3, LEFT, other(HOST_REST)),
            (Segment, stalled.clone(), 1, 1, 3, LEFT, other(HOST_REST)),
            (Segment, status(503), 1, 1, 3, LEFT, other(HOST_REST)),
            (Manifest, dead.clone(), 1, 1, 0, LEFT, other(HOST_REST)),
            (Segment, dead.clone(), 1, 0, 3, LEFT, Action::RetryAfter(ms(250))),
            (Segment, dead.clone(), 3, 0, 3, LEFT, Action::RetryAfter(ms(1000))),
            (Segment, dead.clone(), 30, 0, 3, LEFT, Action::RetryAfter(LONGEST_DELAY)),
            (Segment, dead.clone(), 9, 0, 3, ms(700), Action::RetryAfter(ms(700))),
            (Segment, dead.clone(), 9, 0, 3, NONE, Action::Fatal),
            (Manifest, stalled.clone(), 9, 0, 0, NONE, Action::Fatal),
            (Text, dead, 9, 0, 0, NONE, Action::SkipSegment),
            (Segment, status(500), 9, 0, 3, NONE, another(PART_REST)),
            (Segment, status(500), 9, 0, 0, NONE, Action::SkipSegment),
            (Segment, status(404), 1, 1, 3, LEFT, other(NONE)),
            (Segment, status(404), 2, 0, 3, LEFT, another(PART_REST)),
            (Segment, status(404), 1, 0, 0, LEFT, Action::SkipSegment),
            (Manifest, status(404), 1, 0, 0, LEFT, Action::Fatal),
            (Index, status(404), 1, 0, 2, LEFT, another(INDEX_REST)),
            (Init, status(403), 1, 0, 0, LEFT, Action::Fatal),
            (Text, status(404), 1, 0, 0, LEFT, Action::SkipSegment),
            (Segment, cut.clone(), 1, 1, 3, LEFT, other(NONE)),
            (Segment, cut.clone(), 1, 0, 3, LEFT, Action::RetryAfter(ms(250))),
            (Segment, cut, 2, 0, 3, LEFT, another(PART_REST)),
            (Segment, damaged(), 2, 1, 3, LEFT, another(PART_REST)),
            (Segment, damaged(), 2, 0, 0, LEFT, Action::SkipSegment),
            (Segment, unsupported(), 1, 1, 1, LEFT, another(Duration::MAX)),
            (Segment, unsupported(), 1, 1, 0, LEFT, Action::Fatal),
            (Text, unsupported(), 1, 0, 0, LEFT, Action::SkipSegment),
            (Init, FetchError::TooLarge { limit: 9 }, 1, 0, 0, LEFT, Action::Fatal),
            (Segment, FetchError::Tls("bad".into()), 1, 0, 0, NONE, Action::Fatal),
            (Key, status(404), 1, 1, 0, LEFT, other(NONE)),
            (Key, status(404), 2, 0, 0, LEFT, Action::Fatal),
            (Key, stalled.clone(), 1, 0, 0, LEFT, Action::RetryAfter(ms(250))),
            (Key, FetchError::Key(DrmError::LicenceEmpty), 1, 0, 0, LEFT, Action::Fatal),
            (Segment, FetchError::Decrypt(DrmError::Padding), 1, 0, 0, LEFT, Action::RetryAfter(ms(250))),
            (Segment, FetchError::Decrypt(DrmError::Padding), 2, 0, 0, LEFT, Action::SkipSegment),
            (Segment, FetchError::RangeIgnored("x".into()), 1, 0, 0, LEFT, Action::SkipSegment),
        ];
        for (kind, error, failures, locations_left, representations_left, deadline_left, expected) in table {
            let cause = Cause::Fetch(&error);
            let failure = Failure { kind, cause, failures, locations_left, representations_left, deadline_left };
            assert_eq!(decide(&failure), expected, "{failure:?}");
        }
    }

    #[test]
    fn a_server_that_names_its_delay_is_believed_within_the_deadline() {
        let error = FetchError::Status { status: 503, retry_after: Some(Duration::from_secs(7)) };
        let failure = Failure {
            kind: FetchKind::Segment,
            cause: Cause::Fetch(&error),
            failures: 1,
            locations_left: 0,
            representations_left: 0,
            deadline_left: LEFT,
        };
        assert_eq!(decide(&failure), Action::RetryAfter(Duration::from_secs(7)));
        let short = Failure { deadline_left: Duration::from_secs(2), ..failure };
        assert_eq!(decide(&short), Action::RetryAfter(Duration::from_secs(2)));
    }

    #[test]
    fn a_page_in_place_of_a_manifest_is_looked_for_elsewhere_and_fatal_at_last() {
        let html = ManifestError::NotAManifest { found: "HTML".into() };
        let failure = Failure {
            kind: FetchKind::Manifest,
            cause: Cause::Manifest(&html),
            failures: 1,
            locations_left: 1,
            representations_left: 0,
            deadline_left: LEFT,
        };
        assert_eq!(decide(&failure), other(HOST_REST));
        assert_eq!(decide(&Failure { locations_left: 0, ..failure }), Action::Fatal);
    }

    #[test]
    fn an_empty_segment_never_costs_a_representation() {
        let failure = Failure {
            kind: FetchKind::Segment,
            cause: Cause::NoSamples,
            failures: 2,
            locations_left: 1,
            representations_left: 3,
            deadline_left: LEFT,
        };
        assert_eq!(decide(&failure), Action::SkipSegment);
    }
}
