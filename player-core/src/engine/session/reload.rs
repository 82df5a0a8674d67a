//! Reads the lists of a live presentation again, and deals with its edge: media that is not there yet, announced parts
//! that never come, and a presentation that has stopped. When lists are due is answered by `source::live`.

use std::time::Duration;

use url::Url;

use super::Session;
use crate::engine::buffer::BUFFERED;
use crate::engine::context::Context;
use crate::engine::download::{NextSegment, Stream, schedule};
use crate::engine::ids::{RepKey, StreamId};
use crate::engine::io::{FetchError, FetchKind, Ingest};
use crate::engine::requests::recovery::Cause;
use crate::engine::requests::{JobId, Purpose};
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::model::{Agreement, IndexSource};
use crate::time::Now;

/// A list that has not changed for this long, or for five target durations, has stopped: nothing more is waited for.
const LONGEST_SILENCE: Duration = Duration::from_secs(20);
/// A request that the server holds may take this many target durations.
const BLOCKED_TARGETS: u32 = 3;
/// Time for which a representation is excluded whose playlist could not be read again.
const PLAYLIST_EXCLUSION: Duration = Duration::from_secs(20);
/// Segments before the one of the clock's time that are tried at a join.
const MOST_STEPS: u8 = 3;
/// Time for which a location is asked for media that it may not have yet, where another may have it.
const SHORT_PATIENCE: Duration = Duration::from_millis(500);
/// Clocks of servers may be behind ours by this.
const EARLY: Duration = Duration::from_secs(2);

impl Session {
    /// Reads playlists and the manifest again that are due.
    pub(super) fn read_again(&mut self, cx: &mut Context) {
        for rep in self.playlists_in_use() {
            let due = self.source.playlist_due(rep).is_some_and(|due| due <= cx.now);
            if due && cx.jobs.of_purpose(Purpose::Index(rep)).is_none() {
                self.reload_playlist(cx, rep);
            }
        }
        if self.source.manifest_due(self.is_update_awaited(cx)).is_some_and(|due| due <= cx.now) {
            self.refresh(cx);
        }
    }

    /// Returns the representations whose playlists streams use or wait for.
    fn playlists_in_use(&self) -> Vec<RepKey> {
        let mut used: Vec<RepKey> = Vec::new();
        for stream in &self.streams {
            let pending = stream.pending().map(|plan| plan.rep);
            for rep in stream.last().into_iter().chain(pending).chain(stream.awaited()) {
                if !used.contains(&rep) && self.source.growth(rep).is_some() {
                    used.push(rep);
                }
            }
        }
        used
    }

    /// Requests a playlist again. A server that can hold the answer until the playlist has the next part or segment is
    /// asked to (RFC 8216bis §6.2.5.2).
    ///
    /// A server that can leave out what is known is asked to (§6.2.5.1).
    pub(super) fn reload_playlist(&mut self, cx: &mut Context, rep: RepKey) {
        let Some(mut resource) = self.source.index_source(rep).map(IndexSource::first_request) else { return };
        let Some(growth) = self.source.growth(rep) else { return };
        let patience = growth.target_duration * BLOCKED_TARGETS;
        let is_blocking = self.source.may_block(rep);
        if is_blocking {
            let part = growth.part_target.filter(|_| cx.config.live.low_latency).map(|_| growth.next_part);
            for url in &mut resource.urls {
                let mut query = url.query_pairs_mut();
                query.append_pair("_HLS_msn", &growth.next_sequence.to_string());
                if let Some(part) = part {
                    query.append_pair("_HLS_part", &part.to_string());
                }
            }
        }
        if let Some(skip) = self.source.skip_directive(rep, cx.now) {
            for url in &mut resource.urls {
                url.query_pairs_mut().append_pair("_HLS_skip", skip);
            }
        }
        let job = cx.jobs.add(cx.now, Purpose::Index(rep), FetchKind::Index, resource, Ingest::Body);
        if is_blocking {
            cx.jobs.set_patience(job, patience);
        }
    }

    /// A playlist that was read again was passed over. The whole list is asked for at once if the update left out what
    /// is not known; an older state is asked for again soon.
    pub(super) fn on_playlist_refused(&mut self, cx: &mut Context, rep: RepKey, agreement: Agreement, url: &Url) {
        let is_misfit = agreement == Agreement::Misfit;
        let is_first = self.source.note_playlist_refused(rep, is_misfit, cx.now);
        let message = match is_misfit {
            true => "an update of the playlist leaves out segments that are not known: the whole list is asked for",
            false => "the playlist is an older state than what is known, or empty: it is passed over",
        };
        if is_first {
            cx.effects.warn(PlayerError::warning(ErrorCode::ManifestMalformed, message).at(Stage::Index).with_url(url));
        }
        if is_misfit {
            self.reload_playlist(cx, rep);
        }
    }

    /// Returns true if a stream waits for something that no list has yet.
    fn is_update_awaited(&self, cx: &Context) -> bool {
        self.streams.iter().any(|stream| {
            let rep = stream.awaited().or(stream.last());
            stream.is_idle()
                && rep.is_some_and(|rep| {
                    let step = schedule::step(self.source.presentation(), stream.place(), rep, cx.now);
                    step == schedule::Step::AwaitUpdate
                })
        })
    }

    /// Returns the time at which something is due to be read again.
    pub(in crate::engine) fn next_reload(&self, cx: &Context) -> Option<Now> {
        if cx.playback.is_over() || !self.source.is_live() {
            return None;
        }
        let idle = |rep: &RepKey| cx.jobs.of_purpose(Purpose::Index(*rep)).is_none();
        let playlists = self.playlists_in_use();
        let playlists = playlists.into_iter().filter(idle).filter_map(|rep| self.source.playlist_due(rep));
        let is_fetched = cx.jobs.of_purpose(Purpose::Manifest).is_some();
        let manifest = self.source.manifest_due(self.is_update_awaited(cx)).filter(|_| !is_fetched);
        playlists.chain(manifest).chain(self.next_time(cx)).min()
    }

    /// A playlist could not be read again: another quality goes on meanwhile, if there is one.
    pub(super) fn on_playlist_failed(&mut self, cx: &mut Context, rep: RepKey) {
        if self.source.growth(rep).is_none() {
            return;
        }
        self.source.note_playlist_failed(rep, cx.now);
        if self.others_left(cx, rep) > 0 {
            self.exclude(cx, rep, PLAYLIST_EXCLUSION);
        }
    }

    /// Returns true if a failure at the live edge is no failure: the media is not there yet, or an announced part never
    /// comes. The stream looks for its segment again soon.
    ///
    /// Clocks differ, and a server may refuse what is due by ours (RFC 8470, 425; 404 or 410 by others). An announced
    /// part may be withdrawn (RFC 8216bis §6.2.2).
    pub(super) fn forgive_at_edge(&mut self, cx: &mut Context, job: JobId, id: StreamId, cause: Cause<'_>) -> bool {
        if !self.source.is_live() {
            return false;
        }
        let Some(download) = self.stream(id).and_then(Stream::download) else { return false };
        let (plan, since) = (download.plan().clone(), self.stream(id).and_then(Stream::wanted_since));
        let Some(goal) = self.goal(cx, plan.rep) else { return false };
        let is_hinted = plan.segment.part.is_some_and(|part| part.is_hinted);
        let status = match cause {
            Cause::Fetch(FetchError::Status { status, .. }) => Some(*status),
            _ => None,
        };
        let is_early = matches!(status, Some(404 | 410 | 416 | 425));
        let edge = self.source.live_edge(plan.rep, cx.now);
        let waited = since.map_or(Duration::ZERO, |since| cx.now.since(since));
        // Another location is asked soon: this one may have lost the media, or be behind.
        let has_other_place = self.has_other_place(cx, job, id);
        let patience = if has_other_place { SHORT_PATIENCE } else { goal.period + EARLY };
        let behind = edge.map(|edge| edge.since(plan.segment.end()));
        let is_near = behind.is_some_and(|behind| behind <= goal.period * 2 + EARLY);
        let is_patient = is_early && is_near && waited < patience;
        let is_due = behind.is_some_and(|behind| behind <= goal.period * 2 + EARLY + patience);
        let is_missing =
            is_early && !has_other_place && !is_hinted && !is_patient && self.is_encoder_silent(cx, id, &plan, is_due);
        if !is_hinted && !is_patient && !is_missing {
            return false;
        }
        self.drop_partial(cx, id, 0);
        cx.jobs.remove(job, cx.now);
        if is_missing {
            self.await_encoder(cx, id, &plan, since.unwrap_or(cx.now));
        } else if self.looks_numbered_elsewhere(id, plan.rep) {
            self.with_stream(id, Stream::stop);
            self.step_back_from(cx, id, plan.rep, plan.segment.id);
            return true;
        }
        let pause = (goal.period / 4).clamp(Duration::from_millis(50), Duration::from_millis(500));
        let until = cx.now + pause;
        self.with_stream(id, |stream| {
            stream.stop();
            stream.hold(until);
        });
        true
    }

    /// Returns true if the media of a request may be had from another location, which is asked at once.
    fn has_other_place(&self, cx: &Context, job: JobId, id: StreamId) -> bool {
        let Some(job) = cx.jobs.get(job) else { return false };
        let Some(place) = job.attempt().map(|attempt| attempt.candidate.place.clone()) else { return false };
        let candidates = self.source.locations().candidates(&job.resource);
        let elsewhere = self.alternatives(cx, Purpose::Media(id), &place).sources_left;
        elsewhere + self.source.locations().left(&candidates, &job.tried, &place, cx.now) > 0
    }

    /// Returns true if a refused segment may be one that its writer numbers from elsewhere than its times: the first one
    /// of a join, whose number follows from the clock. The one before it then has the media of that time.
    fn looks_numbered_elsewhere(&self, id: StreamId, rep: RepKey) -> bool {
        let is_first = self.stream(id).is_some_and(|stream| {
            matches!(stream.place(), NextSegment::At { .. }) && stream.stepped_back() < MOST_STEPS
        });
        is_first && self.is_by_rule(rep) && !self.holds_media(id)
    }

    /// Returns true if media of a stream is buffered.
    fn holds_media(&self, id: StreamId) -> bool {
        let brought = self.brought_by(id);
        BUFFERED
            .into_iter()
            .filter(|kind| brought.has(*kind))
            .any(|kind| self.buffer(kind).is_some_and(|buffer| buffer.parts().next().is_some()))
    }

    /// Cancels the request for an announced part that the playlist no longer announces or lists.
    pub(super) fn check_hint(&mut self, cx: &mut Context, rep: RepKey) {
        for id in StreamId::ALL {
            let Some(download) = self.stream(id).and_then(Stream::download) else { continue };
            let plan = download.plan();
            let is_hinted = plan.segment.part.is_some_and(|part| part.is_hinted);
            let has_begun =
                cx.jobs.get(download.job()).and_then(|job| job.attempt()).is_some_and(|at| at.began.is_some());
            if plan.rep != rep || !is_hinted || has_begun {
                continue;
            }
            let known = self.source.presentation();
            let place = self.stream(id).map(Stream::place);
            let next = place.map(|place| schedule::step(known, place, rep, cx.now));
            let is_same = match next {
                Some(schedule::Step::Segment(next)) => {
                    next.resource.range.map(|range| range.offset)
                        == plan.segment.resource.range.map(|range| range.offset)
                        && next.resource.urls == plan.segment.resource.urls
                }
                _ => false,
            };
            if !is_same {
                self.cancel_stream(cx, id);
            }
        }
    }

    /// Returns true if playback that runs out of media waits for the live edge: nothing that is available is missing.
    pub(super) fn is_at_edge(&self, cx: &Context) -> bool {
        self.source.is_live()
            && self.streams.iter().filter(|stream| stream.id() != StreamId::Text).any(|stream| {
                let is_hinted = stream
                    .download()
                    .is_some_and(|download| download.plan().segment.part.is_some_and(|part| part.is_hinted));
                let waits = stream.is_idle()
                    && stream.last().is_some_and(|rep| {
                        let step = schedule::step(self.source.presentation(), stream.place(), rep, cx.now);
                        matches!(step, schedule::Step::AwaitUpdate | schedule::Step::WaitUntil(_))
                    });
                is_hinted || waits || stream.missing_since().is_some()
            })
    }

    /// Returns the error of a presentation that has stopped: playback has run out of media, and nothing was added for
    /// longer than an encoder may be silent (RFC 8216bis §6.2.1 allows one and a half target durations).
    pub(super) fn stopped_growing(&self, cx: &Context) -> Option<PlayerError> {
        if !self.is_at_edge(cx) {
            return None;
        }
        let rep = self.live_rep()?;
        let missing = self.silent_since().map(|since| cx.now.since(since));
        let (silence, limit) = (self.source.silence(rep).or(missing)?, self.silence_limit(rep));
        (silence >= limit).then(|| {
            let message = format!("the live stream has stopped: nothing was added for {} s", silence.as_secs());
            PlayerError::fatal(ErrorCode::LiveStopped, message).at(Stage::Index)
        })
    }

    fn silence_limit(&self, rep: RepKey) -> Duration {
        let target = self.source.growth(rep).map_or(Duration::ZERO, |growth| growth.target_duration);
        (target * 5).max(LONGEST_SILENCE)
    }
}
