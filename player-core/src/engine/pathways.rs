//! The steps around pathways: asking the steering server, obeying it, and reading indexes again from elsewhere when
//! the place that they came from is left. Which place is used is decided in `locations`, when to ask in `steering`.

use url::Url;

use super::Engine;
use super::ids::KeyedPresentation;
use super::io::{FetchError, FetchKind, Ingest, Output};
use super::locations::Place;
use super::request::{JobId, Purpose};
use super::select;
use super::session::Session;
use super::steering::Steering;
use super::stream::{Activity, RepKey, Stream};
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::manifest::{self, PathwayClone};
use crate::model::{IndexSource, Resource, SegmentIndex};
use crate::snapshot::State;
use crate::time::Now;

/// An index that was read: how to read it again, and where it came from.
#[derive(Clone, Debug)]
pub struct ReadIndex {
    /// What the manifest says about it.
    pub source: IndexSource,
    /// Where it came from.
    pub place: Place,
}

impl Engine {
    /// The presentation has become known: its pathways are the places to choose from, and its steering server, if
    /// any, is asked at once.
    pub(super) fn begin_steering(&mut self) {
        let Some(session) = self.session.as_mut() else { return };
        let Some(presentation) = &session.presentation else { return };
        let told = presentation.steering.as_ref();
        session.locations.set_pathways(&presentation.pathways, told.and_then(|told| told.pathway.as_deref()));
        session.steering = told.and_then(|told| Steering::new(presentation.protocol, told, self.now));
    }

    /// The manifest was read again and lists other pathways, or another steering server.
    pub(super) fn renew_steering(&mut self) {
        let Some(session) = self.session.as_mut() else { return };
        let Some(presentation) = &session.presentation else { return };
        session.locations.renew_pathways(&presentation.pathways);
        let told = presentation.steering.as_ref();
        session.steering = told.and_then(|told| Steering::new(presentation.protocol, told, self.now));
    }

    /// Asks the steering server when that is due and something is left to fetch.
    pub(super) fn steer(&mut self) {
        if self.next_steering().is_none_or(|due| due > self.now) {
            return;
        }
        let Some(session) = self.session.as_mut() else { return };
        let pathway = session.locations.pathway().map(str::to_owned);
        let Some(steering) = session.steering.as_mut() else { return };
        let url = steering.ask(pathway.as_deref(), self.rule.estimate_bps());
        let resource = Resource::new(url);
        self.jobs.add(self.now, Purpose::Steering, FetchKind::Manifest, resource, Ingest::Body);
    }

    /// When the steering server is to be asked next; it is not while nothing is left to fetch.
    pub(super) fn next_steering(&self) -> Option<Now> {
        let busy = !matches!(self.playback.state, State::Idle | State::Failed | State::Ended);
        let session = self.session.as_ref().filter(|_| busy)?;
        let left = session.streams.iter().any(|stream| !stream.is_finished());
        session.steering.as_ref().and_then(Steering::due).filter(|_| left)
    }

    /// The steering server has answered.
    pub(super) fn steering_arrived(&mut self, job: JobId, body: &[u8], url: &Url) {
        self.jobs.remove(job, self.now);
        let orders = match manifest::parse_steering(body) {
            Ok(orders) => orders,
            Err(error) => {
                if let Some(steering) = self.session.as_mut().and_then(|session| session.steering.as_mut()) {
                    steering.failed(None, self.now);
                }
                let error = PlayerError::warning(ErrorCode::ManifestMalformed, error.to_string());
                return self.warn(error.at(Stage::Manifest).with_url(url));
            }
        };
        let Some(session) = self.session.as_mut() else { return };
        if let Some(steering) = session.steering.as_mut() {
            steering.answered(&orders, url, self.now);
        }
        for clone in &orders.clones {
            if session.locations.add_clone(clone) {
                add_addresses(session, clone, url);
                session.clones.push((clone.clone(), url.clone()));
            }
        }
        if session.locations.prefer(&orders.priority, self.now) {
            self.follow_orders();
        }
    }

    /// The steering server cannot be had. Playback goes on as it is.
    pub(super) fn steering_failed(&mut self, job: JobId, cause: Option<&FetchError>, error: PlayerError) {
        self.jobs.remove(job, self.now);
        if let Some(steering) = self.session.as_mut().and_then(|session| session.steering.as_mut()) {
            steering.failed(cause, self.now);
        }
        self.warn(error);
    }

    /// Another pathway is preferred: indexes that are on their way from elsewhere are asked for there, and those that
    /// lead elsewhere are read again when they are needed. Media on its way is taken as it comes.
    fn follow_orders(&mut self) {
        for id in self.jobs.ids() {
            let Some(job) = self.jobs.get(id).filter(|job| matches!(job.purpose, Purpose::Index(_))) else { continue };
            let (Some(session), Some(attempt)) = (self.session.as_ref(), job.attempt()) else { continue };
            let candidates = session.locations.candidates(&job.resource);
            let best = session.locations.pick(&candidates, &[], self.now);
            if best.is_some_and(|best| best.place != attempt.candidate.place) {
                self.outbox.push_back(Output::Cancel(attempt.fetch));
                self.jobs.wait(id, self.now, self.now);
            }
        }
        let Some(session) = self.session.as_ref() else { return };
        let elsewhere: Vec<RepKey> = session
            .indexes
            .iter()
            .filter(|(_, read)| session.locations.current() != &read.place)
            .map(|(rep, _)| *rep)
            .collect();
        let current = session.locations.current().clone();
        self.forget_indexes(&elsewhere, |place| *place == current);
    }

    /// Other places that a representation can be read from whose index came from `place` and whose segments are
    /// nowhere else.
    pub(super) fn other_sources(&self, rep: Option<RepKey>, place: &Place) -> usize {
        let Some(session) = self.session.as_ref() else { return 0 };
        let first = rep.zip(session.presentation.as_ref()).and_then(|(rep, known)| first_segment(known, rep));
        if first.is_some_and(|first| session.locations.candidates(&first).iter().any(|other| other.place != *place)) {
            return 0;
        }
        let read = rep.and_then(|rep| session.indexes.get(&rep)).filter(|read| read.place == *place);
        let Some(read) = read else { return 0 };
        let candidates = session.locations.candidates(&read.source.resource);
        session.locations.left(&candidates, &[], place, self.now)
    }

    /// A place has been left: indexes that came from there and can be had elsewhere are read again when they are
    /// needed.
    pub(super) fn leave(&mut self, place: &Place) {
        let Some(session) = self.session.as_ref() else { return };
        let from_there = session.indexes.iter().filter(|(_, read)| read.place == *place);
        let reps: Vec<RepKey> = from_there.map(|(rep, _)| *rep).collect();
        let (locations, now) = (session.locations.clone(), self.now);
        self.forget_indexes(&reps, |other| other != place && !locations.is_excluded(other, now));
    }

    /// Makes indexes unread whose source has a place that is `wanted` and whose segments have none.
    fn forget_indexes(&mut self, reps: &[RepKey], wanted: impl Fn(&Place) -> bool) {
        let Some(session) = self.session.as_mut() else { return };
        let Session { indexes, former_lists, locations, presentation: Some(presentation), .. } = session else {
            return;
        };
        let leads = |resource: &Resource| locations.candidates(resource).iter().any(|c| wanted(&c.place));
        let mut forgotten = Vec::new();
        for rep in reps {
            let Some(read) = indexes.get(rep).filter(|read| leads(&read.source.resource)) else { continue };
            if first_segment(presentation, *rep).is_some_and(|resource| leads(&resource)) {
                continue;
            }
            if let Some(index) = presentation.index_mut(*rep) {
                let known = std::mem::replace(index, SegmentIndex::External(read.source.clone()));
                former_lists.insert(*rep, known);
                forgotten.push(*rep);
            }
        }
        for rep in &forgotten {
            session.indexes.remove(rep);
        }
        // What waits for a request that will not be made again begins anew.
        let abandoned: Vec<JobId> = session.streams.iter().filter_map(|stream| waiting(stream, &forgotten)).collect();
        for id in abandoned {
            let Some(job) = self.jobs.get(id) else { continue };
            let begun = job.attempt().is_some_and(|attempt| attempt.began.is_some());
            if !begun
                && let Some(job) = self.jobs.remove(id, self.now)
                && let Some(attempt) = job.attempt()
            {
                self.outbox.push_back(Output::Cancel(attempt.fetch));
            }
        }
        for stream in &mut session.streams {
            let idle = match &stream.activity {
                Activity::Init { chosen, .. } | Activity::Key { chosen, .. } => forgotten.contains(&chosen.rep),
                Activity::Media(media) => forgotten.contains(&media.chosen.rep) && self.jobs.get(media.job).is_none(),
                Activity::Idle | Activity::Index(_) => false,
            };
            if idle {
                stream.activity = Activity::Idle;
            }
        }
    }
}

/// The request for media of one of these representations.
fn waiting(stream: &Stream, reps: &[RepKey]) -> Option<JobId> {
    stream.fetching().filter(|fetching| reps.contains(&fetching.chosen.rep)).map(|fetching| fetching.job)
}

fn first_segment(presentation: &KeyedPresentation, rep: RepKey) -> Option<Resource> {
    match &select::representation(presentation, rep)?.index {
        SegmentIndex::Known(list) => list.get(0).map(|segment| segment.resource),
        SegmentIndex::External(_) => None,
    }
}

/// A clone may give whole addresses for streams that have a stable id.
pub(super) fn add_addresses(session: &mut Session, clone: &PathwayClone, base: &Url) {
    let Session { indexes, locations, presentation: Some(presentation), .. } = session else { return };
    let keys: Vec<RepKey> = presentation.all_reps().collect();
    for key in keys {
        let stable_id = select::representation(presentation, key).and_then(|rep| rep.traits.stable_id.as_ref());
        let told = stable_id.and_then(|id| clone.addresses.get(id));
        let Some(url) = told.and_then(|told| base.join(told).ok()) else { continue };
        locations.add_prefix(&clone.id, &url);
        let source = match presentation.index_mut(key) {
            Some(SegmentIndex::External(source)) => Some(source),
            Some(SegmentIndex::Known(_)) => indexes.get_mut(&key).map(|read| &mut read.source),
            None => None,
        };
        if let Some(source) = source.filter(|source| !source.resource.urls.contains(&url)) {
            source.resource.urls.insert(0, url);
        }
    }
}
