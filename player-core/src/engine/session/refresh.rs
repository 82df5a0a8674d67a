//! A manifest that is read again in mid-play: what it lists takes the place of what was known, under the same keys.
//! Streams, buffers, exclusions and choices go on. A refresh that fails leaves everything as it is.

use bytes::Bytes;
use url::Url;

use super::Session;
use crate::engine::context::Context;
use crate::engine::download::{Activity, NextSegment, schedule};
use crate::engine::ids::{PeriodKey, RepKey, StreamId};
use crate::engine::io::{FetchKind, Ingest};
use crate::engine::opening::fetch_remotes;
use crate::engine::requests::error_map;
use crate::engine::requests::recovery::Cause;
use crate::engine::requests::{Job, JobId, Purpose};
use crate::engine::source::{Contradictions, IncompleteManifest, PatchOutcome};
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::manifest::{self, PatchableManifest};
use crate::model::{Changes, Presentation, Resource, SegmentIndex};

impl Session {
    /// Places the time from which the presentation is available on the monotonic clock, as the host's clocks stand now.
    pub(in crate::engine) fn place_availability(&mut self, cx: &Context) {
        let placed = self.source.place_availability(cx.utc.mapping());
        // Streams that wait for that time wait for where it lies now.
        if let Some((before, after)) = placed {
            self.streams.iter_mut().for_each(|stream| stream.move_hold(before, after));
        }
    }

    /// Fetches the manifest again, unless that is under way.
    pub(in crate::engine) fn refresh(&mut self, cx: &mut Context) {
        let is_under_way = |purpose| cx.jobs.of_purpose(purpose).is_some();
        if cx.playback.is_over() || is_under_way(Purpose::Manifest) || is_under_way(Purpose::Remote) {
            return;
        }
        self.source.name_updates(cx.utc.mapping().map(|clock| clock.utc_at(cx.now)));
        let urls = self.source.locations().manifest_candidates().into_iter().map(|candidate| candidate.url).collect();
        let resource = Resource { urls, range: None };
        cx.jobs.add(cx.now, Purpose::Manifest, FetchKind::Manifest, resource, Ingest::Body);
    }
}

impl Session {
    /// Keeps the manifest, to be patched.
    pub(in crate::engine) fn keep_manifest(&mut self, manifest: Option<Box<PatchableManifest>>) {
        self.source.keep_manifest(manifest);
    }

    /// Takes the changes of a manifest. One that cannot be used is answered by a request for the whole.
    fn on_patch(&mut self, cx: &mut Context, body: &Bytes, url: &Url) {
        match self.source.patch(body) {
            Ok(PatchOutcome::Changed { has_grown }) => {
                self.note_manifest(cx, true);
                if has_grown {
                    self.source.note_manifest_changed(cx.now);
                }
            }
            Ok(PatchOutcome::Presentation(parsed)) => {
                cx.effects.warn_about(parsed.warnings, Stage::Manifest, url);
                self.note_manifest(cx, true);
                renew_presentation(self, cx, parsed.presentation, url);
            }
            Err(error) => {
                let message = format!("{error}: the whole manifest is fetched");
                cx.effects.warn(
                    PlayerError::warning(ErrorCode::ManifestMalformed, message).at(Stage::Manifest).with_url(url),
                );
                self.refresh(cx);
            }
        }
    }
}

/// Warns if a newer state of a list contradicts what was known.
pub(super) fn warn_of_changes(cx: &mut Context, changes: Changes, url: &Url) {
    let mut contradictions = Contradictions::default();
    contradictions.add(changes);
    warn_of(cx, contradictions, Stage::Index, url);
}

/// Returns true if a request only renews what is known: playback goes on without it.
pub(super) fn is_refresh(session: &Session, purpose: Purpose) -> bool {
    match purpose {
        Purpose::Manifest | Purpose::Remote => true,
        Purpose::Index(rep) => session.source.presentation().known_list(rep).is_some(),
        Purpose::Init(_) | Purpose::Media(_) | Purpose::Steering | Purpose::Time(_) | Purpose::Key => false,
    }
}

/// Goes on with what is known. A manifest may do without a part of it.
pub(super) fn give_up(session: &mut Session, cx: &mut Context, job: JobId, purpose: Purpose, error: PlayerError) {
    let is_bad_request = error.context.http_status == Some(400);
    cx.effects.warn(error);
    match purpose {
        Purpose::Index(rep) if is_bad_request && session.source.may_block(rep) => {
            cx.jobs.remove(job, cx.now);
            session.source.note_directives_refused(rep, cx.now);
            session.reload_playlist(cx, rep);
        }
        Purpose::Remote => on_remote(session, cx, job, None),
        Purpose::Index(rep) => {
            cx.jobs.remove(job, cx.now);
            session.on_playlist_failed(cx, rep);
        }
        Purpose::Manifest => {
            cx.jobs.remove(job, cx.now);
            session.note_manifest(cx, false);
        }
        _ => drop(cx.jobs.remove(job, cx.now)),
    }
}

/// Takes a manifest that was fetched again. Parts of it that lie in other files are fetched before it is read.
pub(super) fn on_manifest(session: &mut Session, cx: &mut Context, job: JobId, body: &Bytes, url: &Url) {
    if let Some(attempt) = cx.jobs.get(job).and_then(Job::attempt) {
        session.source.locations_mut().manifest_came_from(&attempt.candidate.place, url);
    }
    cx.jobs.remove(job, cx.now);
    if manifest::is_patch(body) {
        return session.on_patch(cx, body, url);
    }
    read_again(session, cx, IncompleteManifest::new(body, url));
}

/// Takes a part of a manifest that was fetched again; `None` if it is unavailable.
pub(super) fn on_remote(session: &mut Session, cx: &mut Context, job: JobId, body: Option<&Bytes>) {
    let Some(done) = cx.jobs.remove(job, cx.now) else { return };
    let Some(mut incomplete) = session.source.take_manifest() else { return };
    incomplete.add_remote(done.resource.urls, body);
    if cx.jobs.of_purpose(Purpose::Remote).is_some() {
        return session.source.hold_manifest(incomplete);
    }
    read_again(session, cx, incomplete);
}

fn read_again(session: &mut Session, cx: &mut Context, manifest: IncompleteManifest) {
    let missing = manifest.missing().unwrap_or_default();
    if !missing.is_empty() {
        session.source.hold_manifest(manifest);
        return fetch_remotes(cx, missing);
    }
    let url = manifest.url();
    let (parsed, patchable) = match manifest.read() {
        Ok(parsed) => parsed,
        Err(error) => {
            session.note_manifest(cx, false);
            let error = error_map::describe(FetchKind::Manifest, Cause::Manifest(&error), Some(url));
            return cx.effects.warn(error);
        }
    };
    cx.effects.warn_about(parsed.warnings, Stage::Manifest, url);
    session.note_manifest(cx, true);
    session.keep_manifest(patchable);
    renew_presentation(session, cx, parsed.presentation, url);
}

fn renew_presentation(session: &mut Session, cx: &mut Context, presentation: Presentation, url: &Url) {
    let replaced = session.source.replace(presentation);
    if replaced.has_grown {
        session.source.note_manifest_changed(cx.now);
    }
    let Session { source, selection, .. } = session;
    selection.retain(|rep| source.knows(rep.period));
    let placed = place_streams(session);
    session.source.place_availability(cx.utc.mapping());
    if replaced.is_steering_changed {
        session.source.renew_steering(cx.now);
    }
    for rep in placed.released {
        let job = cx.jobs.of_purpose(Purpose::Index(rep));
        let attempt = job.and_then(|job| cx.jobs.remove(job, cx.now)?.attempt().map(|attempt| attempt.fetch));
        if let Some(fetch) = attempt {
            cx.effects.cancel(fetch);
        }
    }
    warn_of(cx, replaced.contradictions, Stage::Manifest, url);
    session.add_metadata(cx, replaced.metadata, Stage::Manifest);
    session.choose_captions(cx);
    if session.list_choices(cx.now) {
        cx.effects.emit(Event::TracksChanged);
    }
    if replaced.is_duration_changed {
        cx.effects.emit(Event::TimelineChanged);
    }
    for rep in placed.indexes {
        let Some(index) = session.source.index_source(rep) else { continue };
        if cx.jobs.of_purpose(Purpose::Index(rep)).is_none() {
            cx.jobs.add(cx.now, Purpose::Index(rep), FetchKind::Index, index.first_request(), Ingest::Body);
        }
    }
}

fn warn_of(cx: &mut Context, contradictions: Contradictions, stage: Stage, url: &Url) {
    if let Some(message) = contradictions.message() {
        cx.effects.warn(PlayerError::warning(ErrorCode::ManifestMalformed, message).at(stage).with_url(url));
    }
}

/// Indexes that are affected by the new places of the streams.
#[derive(Debug, Default)]
struct Placed {
    /// Indexes that streams waited for and that nothing needs any more.
    released: Vec<RepKey>,
    /// Indexes in separate files that streams use: they may have changed too.
    indexes: Vec<RepKey>,
}

/// Places the streams in a presentation that was replaced, if what they pointed to is gone: they go on by time.
fn place_streams(session: &mut Session) -> Placed {
    let mut placed = Placed::default();
    for id in StreamId::ALL {
        place(session, id, &mut placed);
    }
    placed
}

fn place(session: &mut Session, id: StreamId, placed: &mut Placed) {
    let Session { streams, source, .. } = session;
    let known = source.presentation();
    let Some(stream) = streams.iter_mut().find(|stream| stream.id() == id) else { return };
    let is_gone = |period: PeriodKey| known.period(period).is_none();
    let time = match stream.place() {
        NextSegment::At { period, time } => is_gone(period).then_some(time),
        NextSegment::After { rep, end, .. } => is_gone(rep.period).then_some(end),
        NextSegment::End => None,
    };
    if let Some(time) = time {
        stream.go_on_at(schedule::period_at(known, time), time);
    }
    let external = |rep| matches!(known.representation(rep).map(|rep| &rep.index), Some(SegmentIndex::External(_)));
    if let Activity::Index(rep) = *stream.activity()
        && !external(rep)
    {
        stream.stop();
        placed.released.push(rep);
    }
    let used = stream.last().into_iter().chain(stream.pending().map(|plan| plan.rep));
    for rep in used.filter(|rep| source.is_playlist_read(*rep)) {
        if !placed.indexes.contains(&rep) {
            placed.indexes.push(rep);
        }
    }
}

#[cfg(test)]
#[path = "refresh_tests.rs"]
mod tests;
