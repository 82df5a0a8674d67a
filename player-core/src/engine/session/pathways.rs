//! The steps for pathways: asking the steering server, obeying it, and reading indexes again from elsewhere if the
//! location that they were read from is left. `locations` decides on the location, `steering` on the time of a request.

use url::Url;

use super::Session;
use crate::engine::context::Context;
use crate::engine::download::Stream;
use crate::engine::ids::RepKey;
use crate::engine::io::{FetchError, FetchKind, Ingest};
use crate::engine::requests::{JobId, Purpose};
use crate::engine::source::ServiceLocation;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::manifest;
use crate::model::Resource;
use crate::snapshot::State;
use crate::time::Now;

impl Session {
    /// Asks the steering server when that is due and something is left to fetch.
    pub(in crate::engine) fn steer(&mut self, cx: &mut Context) {
        if self.next_steering(cx).is_none_or(|due| due > cx.now) {
            return;
        }
        let Some(url) = self.source.ask_steering(cx.rule.estimate_bps()) else { return };
        let resource = Resource::new(url);
        cx.jobs.add(cx.now, Purpose::Steering, FetchKind::Manifest, resource, Ingest::Body);
    }

    /// Returns the time of the next request to the steering server; `None` if nothing is left to fetch.
    pub(in crate::engine) fn next_steering(&self, cx: &Context) -> Option<Now> {
        let busy = !matches!(cx.playback.state(), State::Idle | State::Failed | State::Ended);
        let left = self.streams.iter().any(|stream| !stream.is_finished());
        self.source.steering_due().filter(|_| busy && left)
    }

    /// The steering server has answered.
    pub(in crate::engine) fn on_steering(&mut self, cx: &mut Context, job: JobId, body: &[u8], url: &Url) {
        cx.jobs.remove(job, cx.now);
        let orders = match manifest::parse_steering(body) {
            Ok(orders) => orders,
            Err(error) => {
                self.source.steering_failed(None, cx.now);
                let error = PlayerError::warning(ErrorCode::ManifestMalformed, error.to_string());
                return cx.effects.warn(error.at(Stage::Manifest).with_url(url));
            }
        };
        if self.source.obey_steering(&orders, url, cx.now) {
            self.follow_orders(cx);
        }
    }

    /// Takes a failed request for orders. Playback goes on as it is.
    pub(in crate::engine) fn on_steering_failed(
        &mut self,
        cx: &mut Context,
        job: JobId,
        cause: Option<&FetchError>,
        error: PlayerError,
    ) {
        cx.jobs.remove(job, cx.now);
        self.source.steering_failed(cause, cx.now);
        cx.effects.warn(error);
    }

    /// Another pathway is preferred: indexes that are on their way from elsewhere are asked for there, and those that
    /// lead elsewhere are read again when they are needed. Media on its way is taken as it comes.
    fn follow_orders(&mut self, cx: &mut Context) {
        for id in cx.jobs.ids() {
            let Some(job) = cx.jobs.get(id).filter(|job| matches!(job.purpose, Purpose::Index(_))) else { continue };
            let Some(attempt) = job.attempt() else { continue };
            let candidates = self.source.locations().candidates(&job.resource);
            let best = self.source.locations().pick(&candidates, &[], cx.now);
            if best.is_some_and(|best| best.place != attempt.candidate.place) {
                cx.effects.cancel(attempt.fetch);
                cx.jobs.wait(id, cx.now, cx.now);
            }
        }
        let elsewhere = self.source.indexes_elsewhere();
        let forgotten = self.source.forget_indexes(&elsewhere, |locations, place| place == locations.current());
        self.begin_anew(cx, &forgotten);
    }

    /// Leaves a location: indexes that were read from there and are available elsewhere are read again when they are
    /// needed.
    pub(in crate::engine) fn leave(&mut self, cx: &mut Context, place: &ServiceLocation) {
        let (reps, now) = (self.source.indexes_of(place), cx.now);
        let forgotten =
            self.source.forget_indexes(&reps, |locations, other| other != place && !locations.is_excluded(other, now));
        self.begin_anew(cx, &forgotten);
    }

    /// Makes streams read the indexes again that were forgotten. A download whose answer has begun goes on; one without
    /// an answer is cancelled, because it waits for the host that is left.
    fn begin_anew(&mut self, cx: &mut Context, forgotten: &[RepKey]) {
        let abandoned: Vec<JobId> = self.streams.iter().filter_map(|stream| waiting(stream, forgotten)).collect();
        for id in abandoned {
            let Some(job) = cx.jobs.get(id) else { continue };
            let begun = job.attempt().is_some_and(|attempt| attempt.began.is_some());
            if !begun && let Some(job) = cx.jobs.remove(id, cx.now) {
                job.fetches().for_each(|fetch| cx.effects.cancel(fetch));
                if let Purpose::Media(stream) = job.purpose {
                    self.drop_earlier(cx, stream);
                }
            }
        }
        for stream in &mut self.streams {
            stream.leave_representations(|rep| forgotten.contains(&rep), &cx.jobs);
        }
    }
}

/// The request for media of one of these representations.
fn waiting(stream: &Stream, reps: &[RepKey]) -> Option<JobId> {
    stream.download().filter(|download| reps.contains(&download.plan().rep)).map(|download| download.job())
}

#[cfg(test)]
#[path = "pathways_tests.rs"]
mod tests;
