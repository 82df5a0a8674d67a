//! Asks the sources of time that a live manifest names, one after the other until one answers
//! (ISO/IEC 23009-1 §5.8.4.11).

use std::time::Duration;

use bytes::Bytes;

use super::Session;
use crate::engine::context::Context;
use crate::engine::io::{FetchKind, Ingest};
use crate::engine::requests::{Job, JobId, Purpose};
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::manifest;
use crate::model::{Resource, TimeSource};
use crate::time::Now;

/// Universal time is asked for again after this: two clocks drift by a tenth of a second in a quarter of an hour.
const ASK_AGAIN: Duration = Duration::from_secs(300);
/// Resolution of a time that a manifest has in it.
const DIRECT_RESOLUTION: Duration = Duration::from_millis(1);

impl Session {
    /// Takes the time that a manifest has in it, or asks the first of its other sources. `asked_at` is the time at which
    /// the manifest was requested.
    pub(in crate::engine) fn begin_clock(&mut self, cx: &mut Context, asked_at: Now) {
        let clocks = self.source.live_description().map(|live| live.clocks.clone()).unwrap_or_default();
        match clocks.first() {
            Some(TimeSource::Direct(utc)) => {
                cx.utc.note_timing(*utc, DIRECT_RESOLUTION, asked_at, cx.now);
                self.on_clock_set(cx);
            }
            Some(TimeSource::Head(_) | TimeSource::Body(_)) => self.keep_time(cx),
            None => {}
        }
    }

    /// Asks for the time again when that is due.
    pub(in crate::engine) fn keep_time(&mut self, cx: &mut Context) {
        if self.next_time(cx).is_some_and(|due| due <= cx.now) {
            self.ask_time(cx, 0);
        }
    }

    /// Returns the time at which a source is to be asked again; `None` without any, and while one is asked.
    pub(in crate::engine) fn next_time(&self, cx: &Context) -> Option<Now> {
        if self.is_time_awaited(cx) || !self.source.is_live() {
            return None;
        }
        let clocks = &self.source.live_description()?.clocks;
        let asks = clocks.iter().any(|clock| !matches!(clock, TimeSource::Direct(_)));
        asks.then(|| self.time_asked_at.map_or(Now::ZERO, |at| at + ASK_AGAIN))
    }

    /// Returns true while a source of time is asked.
    pub(in crate::engine) fn is_time_awaited(&self, cx: &Context) -> bool {
        cx.jobs.find(|job| matches!(job.purpose, Purpose::Time(_))).is_some()
    }

    /// Asks the first source from `from` on that has an address.
    fn ask_time(&mut self, cx: &mut Context, from: usize) {
        self.time_asked_at = Some(cx.now);
        let clocks = self.source.live_description().map(|live| live.clocks.as_slice()).unwrap_or_default();
        let mut asked = clocks.iter().enumerate().skip(from).filter_map(|(at, clock)| match clock {
            TimeSource::Direct(_) => None,
            TimeSource::Head(urls) => Some((at, urls.clone(), true)),
            TimeSource::Body(urls) => Some((at, urls.clone(), false)),
        });
        if let Some((at, urls, is_head)) = asked.next() {
            let resource = Resource { urls, range: None };
            let job = cx.jobs.add(cx.now, Purpose::Time(at), FetchKind::Manifest, resource, Ingest::Body);
            if is_head {
                cx.jobs.ask_head(job);
            }
        }
    }

    /// Takes the answer of a source: a date in its head, which is noted already, or in its body.
    pub(in crate::engine) fn on_time(&mut self, cx: &mut Context, job: JobId, source: usize, body: &Bytes) {
        let Some(done) = cx.jobs.remove(job, cx.now) else { return };
        let clocks = self.source.live_description().map(|live| live.clocks.as_slice()).unwrap_or_default();
        let is_body = matches!(clocks.get(source), Some(TimeSource::Body(_)));
        if is_body && let Some(attempt) = done.attempt() {
            let text = String::from_utf8_lossy(body.get(..body.len().min(64)).unwrap_or_default());
            if let Some((utc, resolution)) = manifest::date_of(&text) {
                cx.utc.note_timing(utc, resolution, attempt.sent, cx.now);
            }
        }
        if !cx.utc.is_timed() {
            let message = "a source of time gave no date".to_owned();
            let warning = PlayerError::warning(ErrorCode::ManifestMalformed, message).at(Stage::Manifest);
            cx.effects.warn(warning);
            self.ask_time(cx, source + 1);
        }
        self.on_clock_set(cx);
    }

    /// A source did not answer: the next one is asked.
    pub(super) fn on_time_failed(&mut self, cx: &mut Context, job: JobId, source: usize, error: PlayerError) {
        let urls_left = cx.jobs.get(job).is_some_and(|job| job.tried.len() + 1 < job.resource.urls.len());
        let failed = cx.jobs.get(job).and_then(Job::attempt).map(|attempt| attempt.candidate.index);
        if let (true, Some(failed)) = (urls_left, failed) {
            cx.jobs.count_failure(job, failed);
            return cx.jobs.wait(job, cx.now, cx.now);
        }
        cx.jobs.remove(job, cx.now);
        cx.effects.warn(error);
        self.ask_time(cx, source + 1);
        self.on_clock_set(cx);
    }
}
