//! The part of a failed request that is the same for every owner of a job: what is left to try, what `recovery` decides
//! about that, and the retry or the change of location that follows.

use std::time::Duration;

use url::Url;

use super::context::Context;
use super::io::FetchKind;
use super::requests::error_map;
use super::requests::recovery::{self, Action, Cause, Failure, FailureClass};
use super::requests::{Job, JobId, Purpose, RetryState};
use crate::config::RetryPolicy;
use crate::engine::source::{Candidate, Locations, ServiceLocation};
use crate::error::{PlayerError, Severity};
use crate::event::Event;
use crate::snapshot::{BufferingReason, State};
use crate::telemetry::Failover;
use crate::time::Now;

/// Time for which a live presentation waits for a network that is away.
const LIVE_PATIENCE: Duration = Duration::from_secs(120);
/// With less media than this, playback is as good as stopped.
const IMMINENT: Duration = Duration::from_secs(1);

/// Knowledge of a job's owner that its recovery depends on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Alternatives {
    /// Other sources of the same media whose addresses are not candidates of this resource.
    pub sources_left: usize,
    /// Other representations that are fit to take over.
    pub representations_left: usize,
    /// Time from which the cost of the wanted segment counts, if the job belongs to one.
    pub since: Option<Now>,
    /// Media that is left to play; `None` if all of it is here.
    pub ahead: Option<Duration>,
}

/// A failed request and the decision about it.
pub(super) struct Assessment<'c> {
    pub action: Action,
    pub error: PlayerError,
    /// Candidate that the request went to.
    pub failed: Candidate,
    /// All candidates of the resource.
    pub candidates: Vec<Candidate>,
    /// Other addresses of the same bytes that are worth a try.
    pub addresses_left: usize,
    failure: Failure<'c>,
    url: Url,
}

/// Result of a failed request.
pub(super) enum Assessed<'c> {
    /// There is no such request.
    Unknown,
    /// Its location was excluded and reported while the request was under way: the next attempt is due at once.
    LeftTooEarly { place: ServiceLocation, addresses_left: usize },
    /// The owner carries out a decision.
    Decided(Box<Assessment<'c>>),
}

/// Counts the failure of a request and decides what follows.
///
/// If the location was excluded while the request was under way, its failure was reported then, and the request is due
/// elsewhere at once. Otherwise the decision gets all that it may depend on. An address counts as wrong from the start,
/// with a deadline of seconds, only if nothing has been played, no media has come from its location, and no attempt at
/// the job got further than a failed connection: a viewer should learn of a wrong address soon, and never lose a film
/// to a short outage.
pub(super) fn assess<'c>(
    cx: &mut Context,
    locations: &Locations,
    id: JobId,
    cause: Cause<'c>,
    alternatives: Alternatives,
) -> Assessed<'c> {
    let attempt = cx.jobs.get(id).and_then(Job::attempt);
    let Some((failed, url)) = attempt.map(|attempt| (attempt.candidate.clone(), attempt.url.clone())) else {
        return Assessed::Unknown;
    };
    let class = FailureClass::of(cause);
    cx.jobs.count_failure(id, failed.index);
    let Some(job) = cx.jobs.get(id) else { return Assessed::Unknown };
    let candidates = locations.candidates_of(job.purpose == Purpose::Manifest, &job.resource);
    let addresses_left = locations.left(&candidates, &job.tried, &failed.place, cx.now);
    let locations_left = addresses_left + alternatives.sources_left;
    if locations.is_excluded(&failed.place, cx.now) && locations_left > 0 {
        cx.jobs.wait(id, cx.now, cx.now);
        return Assessed::LeftTooEarly { place: failed.place, addresses_left };
    }
    if class != FailureClass::Unreachable {
        cx.jobs.note_reachable(id);
    }
    let Some(job) = cx.jobs.get(id) else { return Assessed::Unknown };
    // A first picture may stand on the screen while audio is still missing: that is no playback yet.
    let nothing_played = cx.ledger.is_starting()
        || matches!(cx.playback.state(), State::Loading | State::Buffering(BufferingReason::Starting));
    let at_start = !job.is_reachable && nothing_played && !locations.has_loaded_media(&failed.place);
    let policy = class.policy(&cx.config.load_errors, at_start);
    let (kind, failures, last_delay) = (job.kind, job.failures, job.last_delay);
    let deadline_left = deadline_left(cx, job, class, policy, alternatives);
    let failure = Failure {
        kind,
        cause,
        failures,
        locations_left,
        representations_left: alternatives.representations_left,
        policy,
        last_delay,
        deadline_left,
    };
    let error = error_map::describe(kind, cause, Some(&url));
    tracing::debug!(?kind, failures, %error, "request failed");
    let action = recovery::ask(cx.load_errors.as_ref(), &failure);
    Assessed::Decided(Box::new(Assessment { action, error, failed, candidates, addresses_left, failure, url }))
}

/// Returns what is left of the total time that a job may cost. While there is media to play, the time of a host that is
/// silent or cannot be reached counts from the end of that media: nothing else could be done meanwhile.
fn deadline_left(
    cx: &Context,
    job: &Job,
    class: FailureClass,
    policy: RetryPolicy,
    alternatives: Alternatives,
) -> Duration {
    let deadline = policy.deadline.unwrap_or(cx.config.retry_deadline);
    let mut since = match job.purpose {
        Purpose::Media(_) => alternatives.since.unwrap_or(job.created_at),
        // A busy server is asked for one representation after another: the time of the segment counts, not of each.
        Purpose::Init(_) if matches!(class, FailureClass::Busy(_)) => {
            alternatives.since.unwrap_or(job.created_at).min(job.created_at)
        }
        Purpose::Manifest
        | Purpose::Remote
        | Purpose::Steering
        | Purpose::Time(_)
        | Purpose::Index(_)
        | Purpose::Init(_)
        | Purpose::Key => job.created_at,
    };
    let waits = matches!(class, FailureClass::Unreachable | FailureClass::Silent);
    // A broadcast is worth waiting for: it goes on, wherever the viewer missed it.
    let deadline = if waits && cx.live_room.is_some() { deadline.max(LIVE_PATIENCE) } else { deadline };
    if waits && matches!(job.kind, FetchKind::Segment | FetchKind::Init) {
        if matches!(cx.playback.state(), State::Buffering(_)) {
            // What is held is too little to go on with, however long it waits.
            since = since.max(cx.playback.state_since());
        } else if let Some(ahead) = alternatives.ahead.filter(|ahead| *ahead > IMMINENT) {
            return ahead + deadline;
        }
    }
    deadline.saturating_sub(cx.now.since(since))
}

impl Assessment<'_> {
    /// Sends the same request again after a delay.
    pub(super) fn retry(self, cx: &mut Context, id: JobId, delay: Duration) {
        // A damaged answer is asked for once more whatever the time it took.
        let deadline_left = self.failure.deadline_left.max(delay);
        let delay = match delay < self.failure.policy.longest_delay {
            true => cx.jitter.stretch(delay).min(deadline_left),
            false => delay,
        };
        let retry = RetryState {
            host: self.url.origin().ascii_serialization(),
            error: self.error.clone().with_severity(Severity::Warning),
            delay,
            next_attempt_at: cx.now + delay,
            gives_up_at: cx.now + deadline_left,
        };
        cx.jobs.schedule_retry(id, retry, cx.now);
        cx.effects.warn(self.error);
    }

    /// Requests the same bytes from elsewhere at once; `sources` are candidates beyond those of the resource. If the
    /// location is excluded by that, a failover announces it.
    pub(super) fn move_on(
        &self,
        cx: &mut Context,
        locations: &mut Locations,
        id: JobId,
        exclude_for: Duration,
        sources: &[Candidate],
    ) {
        cx.jobs.wait(id, cx.now, cx.now);
        if !locations.exclude(&self.failed.place, exclude_for, cx.now) {
            cx.effects.warn(self.error.clone());
            return;
        }
        let at = cx.position();
        let tried = cx.jobs.get(id).map(|job| job.tried.clone()).unwrap_or_default();
        let elsewhere = |next: &Candidate| next.place != self.failed.place;
        let next = locations.pick(&self.candidates, &tried, cx.now).filter(elsewhere);
        let next = next.or_else(|| locations.pick(sources, &[], cx.now));
        let from = locations.label(&self.failed.place);
        let to = next.map(|next| locations.label(&next.place)).unwrap_or_default();
        let reason = self.error.to_string();
        cx.ledger.failover(Failover { at, from: from.clone(), to: to.clone(), reason: reason.clone() });
        cx.effects.emit(Event::Failover { at, from, to, reason });
        recall_from(cx, &self.failed.place);
    }
}

/// Requests to an excluded location whose answer has not begun are made elsewhere at once.
fn recall_from(cx: &mut Context, place: &ServiceLocation) {
    for id in cx.jobs.ids() {
        let attempt = cx.jobs.get(id).and_then(Job::attempt);
        if attempt.is_some_and(|attempt| attempt.candidate.place == *place && attempt.began.is_none()) {
            cx.jobs.send_again(id, cx.now, &mut cx.effects);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::config::PlayerConfig;
    use crate::container::DemuxError;
    use crate::engine::context;
    use crate::engine::io::{FetchError, Ingest};
    use crate::model::Resource;

    fn url(host: &str) -> Url {
        format!("http://{host}/film/manifest.mpd").parse().unwrap()
    }

    /// Contexts with a request for the manifest of these hosts that was sent to the first of them.
    fn sent(hosts: &[&str]) -> (Context, Locations, JobId) {
        let config = PlayerConfig::default();
        let rule = context::make_rule(&config).unwrap();
        let mut cx = Context::new(config, rule);
        let urls: Vec<Url> = hosts.iter().map(|host| url(host)).collect();
        let locations = Locations::new(&urls);
        let resource = Resource { urls, range: None };
        let id = cx.jobs.add(cx.now, Purpose::Manifest, FetchKind::Manifest, resource, Ingest::Body);
        let candidate = locations.manifest_candidates().remove(0);
        cx.jobs.send(id, candidate, &cx.config, cx.now);
        (cx, locations, id)
    }

    fn assess_as<'c>(cx: &mut Context, locations: &Locations, id: JobId, error: &'c FetchError) -> Assessed<'c> {
        assess(cx, locations, id, Cause::Fetch(error), Alternatives::default())
    }

    #[test]
    fn a_retry_is_never_announced_for_after_the_end_of_patience() {
        let (mut cx, locations, id) = sent(&["a"]);
        // A damaged answer is asked for once more, however late it is.
        cx.now = cx.now + Duration::from_secs(3600);
        let error = FetchError::Demux(DemuxError::Malformed { what: "box".into(), offset: 4 });
        let Assessed::Decided(assessment) = assess_as(&mut cx, &locations, id, &error) else { panic!("no decision") };
        let Action::RetryAfter(delay) = assessment.action else { panic!("{:?}", assessment.action) };
        assessment.retry(&mut cx, id, delay);
        let retry = cx.jobs.pending_retry().unwrap();
        assert!(delay > Duration::ZERO && retry.next_attempt_at > cx.now, "{retry:?}");
        assert!(retry.next_attempt_at <= retry.gives_up_at, "{retry:?}");
        assert_eq!((retry.host.as_str(), retry.attempt), ("http://a", 1));
    }

    #[test]
    fn a_failover_names_where_it_goes_or_nothing() {
        for (hosts, to) in [(&["a", "b"][..], "http://b"), (&["a"][..], "")] {
            let (mut cx, mut locations, id) = sent(hosts);
            let error = FetchError::Refused("no".into());
            let Assessed::Decided(assessment) = assess_as(&mut cx, &locations, id, &error) else {
                panic!("no decision")
            };
            assessment.move_on(&mut cx, &mut locations, id, Duration::from_secs(60), &[]);
            let outputs = std::iter::from_fn(|| cx.effects.take_next());
            let found: Vec<_> = outputs
                .filter_map(|output| match output {
                    crate::engine::io::Output::Event(Event::Failover { from, to, .. }) => Some((from, to)),
                    _ => None,
                })
                .collect();
            assert_eq!(found, [("http://a".to_owned(), to.to_owned())], "{hosts:?}");
            assert_eq!(cx.jobs.due(cx.now), [id], "it is requested at once");
        }
    }

    #[test]
    fn another_address_of_the_same_location_is_no_place_to_go_to() {
        let (mut cx, mut locations, _) = sent(&["a"]);
        let urls = ["1", "2"].map(|name| url("a").join(name).unwrap()).to_vec();
        let resource = Resource { urls, range: None };
        let candidate = locations.candidates(&resource).remove(0);
        let id = cx.jobs.add(cx.now, Purpose::Key, FetchKind::Key, resource, Ingest::Body);
        cx.jobs.send(id, candidate, &cx.config, cx.now);
        let error = FetchError::Refused("no".into());
        let Assessed::Decided(assessment) = assess_as(&mut cx, &locations, id, &error) else { panic!("no decision") };
        assessment.move_on(&mut cx, &mut locations, id, Duration::from_secs(60), &[]);
        let outputs = std::iter::from_fn(|| cx.effects.take_next());
        let failover = |output| match output {
            crate::engine::io::Output::Event(Event::Failover { to, .. }) => Some(to),
            _ => None,
        };
        assert_eq!(outputs.filter_map(failover).collect::<Vec<_>>(), [String::new()]);
    }

    #[test]
    fn a_failover_recalls_only_requests_that_are_not_answered() {
        let (mut cx, mut locations, id) = sent(&["a", "b"]);
        let place = locations.manifest_candidates().remove(0);
        let others = [false, true].map(|begins| {
            let resource = Resource::new(url("a"));
            let other = cx.jobs.add(cx.now, Purpose::Remote, FetchKind::Manifest, resource, Ingest::Body);
            cx.jobs.send(other, place.clone(), &cx.config, cx.now);
            if begins {
                cx.jobs.began(other, url("a"), None, cx.now);
            }
            other
        });
        let error = FetchError::Refused("no".into());
        let Assessed::Decided(assessment) = assess_as(&mut cx, &locations, id, &error) else { panic!("no decision") };
        assessment.move_on(&mut cx, &mut locations, id, Duration::from_secs(60), &[]);
        assert_eq!(others.map(|other| cx.jobs.get(other).unwrap().attempt().is_some()), [false, true]);
    }

    #[test]
    fn a_location_that_was_excluded_meanwhile_is_left_in_silence_if_there_is_another() {
        for (hosts, silent) in [(&["a", "b"][..], true), (&["a"][..], false)] {
            let (mut cx, mut locations, id) = sent(hosts);
            let place = locations.manifest_candidates().remove(0).place;
            locations.exclude(&place, Duration::from_secs(60), cx.now);
            let error = FetchError::Refused("no".into());
            let assessed = assess_as(&mut cx, &locations, id, &error);
            assert_eq!(matches!(assessed, Assessed::LeftTooEarly { .. }), silent, "{hosts:?}");
        }
        let (mut cx, locations, id) = sent(&["a"]);
        cx.jobs.remove(id, cx.now);
        let error = FetchError::Refused("no".into());
        assert!(matches!(assess_as(&mut cx, &locations, id, &error), Assessed::Unknown));
    }

    #[test]
    fn a_location_that_media_came_from_is_no_wrong_address() {
        for (loaded, at_start) in [(false, true), (true, false)] {
            let (mut cx, mut locations, id) = sent(&["a"]);
            let policies = cx.config.load_errors;
            assert_ne!(policies.unreachable, policies.unreachable_at_start);
            if loaded {
                let place = locations.manifest_candidates().remove(0).place;
                locations.record_media(&place);
            }
            cx.playback.set_state(State::Loading, cx.now, &mut cx.effects);
            let error = FetchError::Refused("no".into());
            let Assessed::Decided(assessment) = assess_as(&mut cx, &locations, id, &error) else {
                panic!("no decision")
            };
            let expected = if at_start { policies.unreachable_at_start } else { policies.unreachable };
            assert_eq!(assessment.failure.policy, expected, "{loaded}");
        }
    }

    /// Seconds that are left for a silent segment, in a state that was entered at second 10, at second 30; the segment
    /// has been wanted since second 4.
    fn left(state: State, ahead: Option<Duration>, purpose: Purpose, class: FailureClass) -> u64 {
        let (mut cx, ..) = sent(&["a"]);
        let at = |seconds| Now::ZERO + Duration::from_secs(seconds);
        let kind = if matches!(purpose, Purpose::Init(_)) { FetchKind::Init } else { FetchKind::Segment };
        let job = cx.jobs.add(at(8), purpose, kind, Resource::new(url("a")), Ingest::Body);
        cx.playback.set_state(state, at(10), &mut cx.effects);
        cx.now = at(30);
        let policy =
            RetryPolicy { deadline: Some(Duration::from_secs(60)), ..class.policy(&cx.config.load_errors, false) };
        let alternatives = Alternatives { since: Some(at(4)), ahead, ..Alternatives::default() };
        deadline_left(&cx, cx.jobs.get(job).unwrap(), class, policy, alternatives).as_secs()
    }

    #[test]
    fn patience_counts_from_the_end_of_the_media_from_the_stall_or_from_the_need() {
        let media = Purpose::Media(crate::engine::ids::StreamId::Main);
        let init = Purpose::Init(crate::engine::ids::RepKey::for_tests(0, 0, 0));
        let some = |seconds| Some(Duration::from_secs(seconds));
        let (silent, busy, refused) = (FailureClass::Silent, FailureClass::Busy(None), FailureClass::Refused);
        let stalled = State::Buffering(BufferingReason::NetworkTooSlow);
        assert_eq!(left(State::Ready, some(20), media, silent), 80, "the media is played first");
        assert_eq!(left(State::Ready, some(1), media, silent), 34, "it is as good as over: since second 4");
        assert_eq!(left(State::Ready, None, media, silent), 34, "all of it is here");
        assert_eq!(left(stalled, some(20), media, silent), 40, "since the stall");
        assert_eq!(left(State::Ready, some(20), media, busy), 34, "another quality could be had meanwhile");
        assert_eq!(left(State::Ready, some(20), init, busy), 34, "the time of the segment counts");
        assert_eq!(left(State::Ready, some(20), init, refused), 38, "its own does");
        assert_eq!(left(State::Ready, some(20), Purpose::Key, busy), 38);
    }
}
