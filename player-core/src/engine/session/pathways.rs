//! The steps for pathways: asking the steering server, obeying it, and reading indexes again from elsewhere if the
//! location that they were read from is left. `locations` decides on the location, `steering` on the time of a request.

use url::Url;

use super::Session;
use crate::engine::context::Context;
use crate::engine::download::Stream;
use crate::engine::ids::{KeyedPresentation, RepKey};
use crate::engine::io::{FetchError, FetchKind, Ingest};
use crate::engine::requests::{JobId, Purpose};
use crate::engine::selection;
use crate::engine::source::{ServiceLocation, Steering};
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::manifest::{self, PathwayClone};
use crate::model::{IndexSource, Resource, SegmentIndex};
use crate::snapshot::State;
use crate::time::Now;

/// An index that was read: how to read it again, and its location.
#[derive(Clone, Debug)]
pub(in crate::engine) struct ReadIndex {
    /// Address and format, as the manifest declares them.
    pub source: IndexSource,
    /// Location that it was read from.
    pub place: ServiceLocation,
}

impl Session {
    /// The presentation has become known: its pathways are the places to choose from, and its steering server, if
    /// any, is asked at once.
    pub(in crate::engine) fn begin_steering(&mut self, cx: &mut Context) {
        let presentation = &self.presentation;
        let told = presentation.steering.as_ref();
        self.locations.set_pathways(&presentation.pathways, told.and_then(|told| told.pathway.as_deref()));
        self.steering = told.and_then(|told| Steering::new(presentation.protocol, told, cx.now));
    }

    /// The manifest was read again and lists other pathways, or another steering server.
    pub(super) fn renew_steering(&mut self, cx: &Context) {
        let presentation = &self.presentation;
        self.locations.renew_pathways(&presentation.pathways);
        let declared = presentation.steering.as_ref();
        self.steering = declared.and_then(|declared| Steering::new(presentation.protocol, declared, cx.now));
    }

    /// Asks the steering server when that is due and something is left to fetch.
    pub(in crate::engine) fn steer(&mut self, cx: &mut Context) {
        if self.next_steering(cx).is_none_or(|due| due > cx.now) {
            return;
        }
        let pathway = self.locations.pathway().map(str::to_owned);
        let Some(steering) = self.steering.as_mut() else { return };
        let url = steering.ask(pathway.as_deref(), cx.rule.estimate_bps());
        let resource = Resource::new(url);
        cx.jobs.add(cx.now, Purpose::Steering, FetchKind::Manifest, resource, Ingest::Body);
    }

    /// Returns the time of the next request to the steering server; `None` if nothing is left to fetch.
    pub(in crate::engine) fn next_steering(&self, cx: &Context) -> Option<Now> {
        let busy = !matches!(cx.playback.state(), State::Idle | State::Failed | State::Ended);
        let left = self.streams.iter().any(|stream| !stream.is_finished());
        self.steering.as_ref().and_then(Steering::due).filter(|_| busy && left)
    }

    /// The steering server has answered.
    pub(in crate::engine) fn on_steering(&mut self, cx: &mut Context, job: JobId, body: &[u8], url: &Url) {
        cx.jobs.remove(job, cx.now);
        let orders = match manifest::parse_steering(body) {
            Ok(orders) => orders,
            Err(error) => {
                if let Some(steering) = self.steering.as_mut() {
                    steering.failed(None, cx.now);
                }
                let error = PlayerError::warning(ErrorCode::ManifestMalformed, error.to_string());
                return cx.effects.warn(error.at(Stage::Manifest).with_url(url));
            }
        };
        if let Some(steering) = self.steering.as_mut() {
            steering.answered(&orders, url, cx.now);
        }
        for clone in &orders.clones {
            if self.locations.add_clone(clone) {
                add_addresses(self, clone, url);
                self.reloads.clones.push((clone.clone(), url.clone()));
            }
        }
        if self.locations.prefer(&orders.priority, cx.now) {
            self.follow_orders(cx);
        }
    }

    /// The steering server cannot be had. Playback goes on as it is.
    pub(in crate::engine) fn on_steering_failed(
        &mut self,
        cx: &mut Context,
        job: JobId,
        cause: Option<&FetchError>,
        error: PlayerError,
    ) {
        cx.jobs.remove(job, cx.now);
        if let Some(steering) = self.steering.as_mut() {
            steering.failed(cause, cx.now);
        }
        cx.effects.warn(error);
    }

    /// Another pathway is preferred: indexes that are on their way from elsewhere are asked for there, and those that
    /// lead elsewhere are read again when they are needed. Media on its way is taken as it comes.
    fn follow_orders(&mut self, cx: &mut Context) {
        for id in cx.jobs.ids() {
            let Some(job) = cx.jobs.get(id).filter(|job| matches!(job.purpose, Purpose::Index(_))) else { continue };
            let Some(attempt) = job.attempt() else { continue };
            let candidates = self.locations.candidates(&job.resource);
            let best = self.locations.pick(&candidates, &[], cx.now);
            if best.is_some_and(|best| best.place != attempt.candidate.place) {
                cx.effects.cancel(attempt.fetch);
                cx.jobs.wait(id, cx.now, cx.now);
            }
        }
        let elsewhere: Vec<RepKey> = self
            .indexes
            .iter()
            .filter(|(_, read)| self.locations.current() != &read.place)
            .map(|(rep, _)| *rep)
            .collect();
        let current = self.locations.current().clone();
        self.forget_indexes(cx, &elsewhere, |place| *place == current);
    }

    /// Returns the number of other locations that can supply a representation whose index was read from `place` and
    /// whose segments are at no other location.
    pub(in crate::engine) fn other_sources(&self, cx: &Context, rep: Option<RepKey>, place: &ServiceLocation) -> usize {
        let first = rep.and_then(|rep| first_segment(&self.presentation, rep));
        if first.is_some_and(|first| self.locations.candidates(&first).iter().any(|other| other.place != *place)) {
            return 0;
        }
        let read = rep.and_then(|rep| self.indexes.get(&rep)).filter(|read| read.place == *place);
        let Some(read) = read else { return 0 };
        let candidates = self.locations.candidates(&read.source.resource);
        self.locations.left(&candidates, &[], place, cx.now)
    }

    /// Leaves a location: indexes that were read from there and are available elsewhere are read again when they are
    /// needed.
    pub(in crate::engine) fn leave(&mut self, cx: &mut Context, place: &ServiceLocation) {
        let from_there = self.indexes.iter().filter(|(_, read)| read.place == *place);
        let reps: Vec<RepKey> = from_there.map(|(rep, _)| *rep).collect();
        let (locations, now) = (self.locations.clone(), cx.now);
        self.forget_indexes(cx, &reps, |other| other != place && !locations.is_excluded(other, now));
    }

    /// Makes indexes unread whose source has a place that is `wanted` and whose segments have none.
    fn forget_indexes(&mut self, cx: &mut Context, reps: &[RepKey], wanted: impl Fn(&ServiceLocation) -> bool) {
        let Session { indexes, reloads, locations, presentation, .. } = &mut *self;
        let leads = |resource: &Resource| locations.candidates(resource).iter().any(|c| wanted(&c.place));
        let mut forgotten = Vec::new();
        for rep in reps {
            let Some(read) = indexes.get(rep).filter(|read| leads(&read.source.resource)) else { continue };
            if first_segment(presentation, *rep).is_some_and(|resource| leads(&resource)) {
                continue;
            }
            if let Some(index) = presentation.index_mut(*rep) {
                let known = std::mem::replace(index, SegmentIndex::External(read.source.clone()));
                reloads.former_lists.insert(*rep, known);
                forgotten.push(*rep);
            }
        }
        for rep in &forgotten {
            self.indexes.remove(rep);
        }
        // What waits for a request that will not be made again begins anew.
        let abandoned: Vec<JobId> = self.streams.iter().filter_map(|stream| waiting(stream, &forgotten)).collect();
        for id in abandoned {
            let Some(job) = cx.jobs.get(id) else { continue };
            let begun = job.attempt().is_some_and(|attempt| attempt.began.is_some());
            if !begun
                && let Some(job) = cx.jobs.remove(id, cx.now)
                && let Some(attempt) = job.attempt()
            {
                cx.effects.cancel(attempt.fetch);
            }
        }
        for stream in &mut self.streams {
            stream.leave_representations(|rep| forgotten.contains(&rep), &cx.jobs);
        }
    }
}

/// The request for media of one of these representations.
fn waiting(stream: &Stream, reps: &[RepKey]) -> Option<JobId> {
    stream.download().filter(|download| reps.contains(&download.plan.rep)).map(|download| download.job)
}

fn first_segment(presentation: &KeyedPresentation, rep: RepKey) -> Option<Resource> {
    match &selection::representation(presentation, rep)?.index {
        SegmentIndex::Known(list) => list.get(0).map(|segment| segment.resource),
        SegmentIndex::External(_) => None,
    }
}

/// A clone may give whole addresses for streams that have a stable id.
pub(super) fn add_addresses(session: &mut Session, clone: &PathwayClone, base: &Url) {
    let Session { indexes, locations, presentation, .. } = session;
    let keys: Vec<RepKey> = presentation.all_reps().collect();
    for key in keys {
        let stable_id = selection::representation(presentation, key).and_then(|rep| rep.traits.stable_id.as_ref());
        let address = stable_id.and_then(|id| clone.addresses.get(id));
        let Some(url) = address.and_then(|address| base.join(address).ok()) else { continue };
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
