//! A manifest that is read again in mid-play: what it lists takes the place of what was known, under the same keys.
//! Streams, buffers, exclusions and choices go on. A refresh that fails leaves everything as it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use url::Url;

use super::Session;
use super::pathways::{self, ReadIndex};
use crate::engine::context::Context;
use crate::engine::download::{Activity, NextSegment, schedule};
use crate::engine::ids::{self, Identities, PeriodKey, RepKey, StreamId};
use crate::engine::io::{FetchKind, Ingest};
use crate::engine::opening::{IncompleteManifest, fetch_remotes};
use crate::engine::requests::error_map;
use crate::engine::requests::recovery::Cause;
use crate::engine::requests::{Job, JobId, Purpose};
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::manifest::{self, IndexPiece, PathwayClone, RemoteElements};
use crate::model::{
    Agreement, Changes, IndexFormat, Presentation, PresentationKind, Resource, SegmentIndex, SegmentList,
    ThumbnailSpan, TimedMetadata,
};

/// Consequences of an index that was read.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::engine) struct IndexMerge {
    /// The length has become known, or is another one.
    pub is_duration_changed: bool,
    /// Nanoseconds by which its segments were moved to where they were known to be.
    pub shift: i64,
    /// Differences from what was known.
    pub changes: Changes,
}

/// State that a manifest which is read again needs of those before it.
#[derive(Debug, Default)]
pub(in crate::engine) struct Reloads {
    /// Parts of indexes that are not complete yet.
    pub index_pieces: BTreeMap<RepKey, Vec<IndexPiece>>,
    /// Keys of what its manifests list.
    pub identities: Identities,
    /// Lists that were forgotten to be read again from elsewhere: what comes is merged with them.
    pub former_lists: BTreeMap<RepKey, SegmentIndex>,
    /// Pathways that a steering server made from others, and where their addresses are relative to.
    pub clones: Vec<(PathwayClone, Url)>,
    /// The presentation was replaced by a newer state of it.
    pub was_refreshed: bool,
    /// Manifest that is read again, while parts of it are fetched.
    pub incomplete: Option<IncompleteManifest>,
}

impl Session {
    /// Places the time from which the presentation is available on the monotonic clock, as the host's clocks stand now.
    pub(in crate::engine) fn place_availability(&mut self, cx: &Context) {
        let before = self.presentation.available_at();
        self.presentation.place_availability(cx.wall_clock);
        let after = self.presentation.available_at();
        // Streams that wait for that time wait for where it lies now.
        if let Some(before) = before {
            self.streams.iter_mut().for_each(|stream| stream.move_hold(before, after));
        }
    }

    /// Fetches the manifest again, unless that is under way.
    pub(in crate::engine) fn refresh(&mut self, cx: &mut Context) {
        let is_under_way = |purpose| cx.jobs.of_purpose(purpose).is_some();
        if cx.playback.is_over() || is_under_way(Purpose::Manifest) || is_under_way(Purpose::Remote) {
            return;
        }
        let urls = self.locations.manifest_candidates().into_iter().map(|candidate| candidate.url).collect();
        let resource = Resource { urls, range: None };
        cx.jobs.add(cx.now, Purpose::Manifest, FetchKind::Manifest, resource, Ingest::Body);
    }

    /// Takes the index of a representation and merges it with what was known of it.
    pub(in crate::engine) fn merge_index(&mut self, key: RepKey, segments: SegmentList) -> IndexMerge {
        let presentation = &mut self.presentation;
        let index = presentation.representation(key).map(|rep| &rep.index);
        let is_first = matches!(index, Some(SegmentIndex::External(_)));
        let former = self.reloads.former_lists.remove(&key).filter(|_| is_first);
        let wants_sibling = is_first && former.is_none() && self.reloads.was_refreshed;
        let sibling = if wants_sibling { presentation.sibling(key) } else { None };
        let (begin, mut changes) = (segments.start(), Changes::default());
        if let Some(index) = presentation.index_mut(key) {
            let placed = sibling.map(|mut placed| {
                let found = placed.merge(SegmentIndex::Known(segments.clone()));
                (placed, found.agreement)
            });
            match (former, placed) {
                // Differences from another representation are no changes of this one.
                (None, Some((placed, Agreement::Names | Agreement::Addresses))) => *index = placed,
                (former, _) => {
                    if let Some(former) = former {
                        *index = former;
                    }
                    changes = index.merge(SegmentIndex::Known(segments));
                }
            }
        }
        let start = schedule::known_list(presentation, key).and_then(SegmentList::start);
        let shift = start.zip(begin).map_or(0, |(start, begin)| start.nanos_from(begin));
        let before = self.duration;
        self.duration = schedule::duration(&self.presentation);
        IndexMerge { is_duration_changed: self.duration != before, shift, changes }
    }
}

/// Warns if a newer state of a list contradicts what was known.
pub(super) fn warn_of_changes(cx: &mut Context, changes: Changes, url: &Url) {
    let mut contradictions = Contradictions::default();
    contradictions.add(changes);
    contradictions.warn(cx, Stage::Index, url);
}

/// Returns true if a request only renews what is known: playback goes on without it.
pub(super) fn is_refresh(session: &Session, purpose: Purpose) -> bool {
    match purpose {
        Purpose::Manifest | Purpose::Remote => true,
        Purpose::Index(rep) => schedule::known_list(&session.presentation, rep).is_some(),
        Purpose::Init(_) | Purpose::Media(_) | Purpose::Steering | Purpose::Key => false,
    }
}

/// Goes on with what is known. A manifest may do without a part of it.
pub(super) fn give_up(session: &mut Session, cx: &mut Context, job: JobId, purpose: Purpose, error: PlayerError) {
    cx.effects.warn(error);
    match purpose {
        Purpose::Remote => on_remote(session, cx, job, None),
        _ => drop(cx.jobs.remove(job, cx.now)),
    }
}

/// Takes a manifest that was fetched again. Parts of it that lie in other files are fetched before it is read.
pub(super) fn on_manifest(session: &mut Session, cx: &mut Context, job: JobId, body: &Bytes, url: &Url) {
    if let Some(attempt) = cx.jobs.get(job).and_then(Job::attempt) {
        session.locations.manifest_came_from(&attempt.candidate.place, url);
    }
    cx.jobs.remove(job, cx.now);
    let remotes = RemoteElements::default();
    let missing = manifest::missing(body, url, &remotes).unwrap_or_default();
    let incomplete = IncompleteManifest { body: body.clone(), url: url.clone(), remotes };
    read_again(session, cx, incomplete, missing);
}

/// Takes a part of a manifest that was fetched again; `None` if it is unavailable.
pub(super) fn on_remote(session: &mut Session, cx: &mut Context, job: JobId, body: Option<Bytes>) {
    let Some(done) = cx.jobs.remove(job, cx.now) else { return };
    let Some(mut incomplete) = session.reloads.incomplete.take() else { return };
    for url in done.resource.urls {
        incomplete.remotes.insert(url, body.clone());
    }
    if cx.jobs.of_purpose(Purpose::Remote).is_some() {
        session.reloads.incomplete = Some(incomplete);
        return;
    }
    let missing = manifest::missing(&incomplete.body, &incomplete.url, &incomplete.remotes).unwrap_or_default();
    read_again(session, cx, incomplete, missing);
}

fn read_again(session: &mut Session, cx: &mut Context, incomplete: IncompleteManifest, missing: Vec<Url>) {
    if !missing.is_empty() {
        session.reloads.incomplete = Some(incomplete);
        return fetch_remotes(cx, missing);
    }
    let IncompleteManifest { body, url, remotes } = incomplete;
    let parsed = match manifest::parse_with(&body, &url, None, &remotes) {
        Ok(parsed) => parsed,
        Err(error) => {
            let error = error_map::describe(FetchKind::Manifest, Cause::Manifest(&error), Some(&url));
            return cx.effects.warn(error);
        }
    };
    cx.effects.warn_about(parsed.warnings, Stage::Manifest, &url);
    match parsed.presentation.kind {
        PresentationKind::OnDemand => renew_presentation(session, cx, parsed.presentation, &url),
        PresentationKind::Live => {
            cx.effects.warn(PlayerError::unsupported("live playback").at(Stage::Manifest).with_url(&url));
        }
    }
}

fn renew_presentation(session: &mut Session, cx: &mut Context, presentation: Presentation, url: &Url) {
    let replaced = replace(session, presentation);
    session.presentation.place_availability(cx.wall_clock);
    for (clone, base) in session.reloads.clones.clone() {
        pathways::add_addresses(session, &clone, &base);
    }
    if replaced.is_steering_changed {
        session.renew_steering(cx);
    }
    for rep in replaced.released {
        let job = cx.jobs.of_purpose(Purpose::Index(rep));
        let attempt = job.and_then(|job| cx.jobs.remove(job, cx.now)?.attempt().map(|attempt| attempt.fetch));
        if let Some(fetch) = attempt {
            cx.effects.cancel(fetch);
        }
    }
    replaced.contradictions.warn(cx, Stage::Manifest, url);
    session.add_metadata(cx, replaced.metadata, Stage::Manifest);
    session.choose_captions(cx);
    if session.list_choices(cx.now) {
        cx.effects.emit(Event::TracksChanged);
    }
    if replaced.is_duration_changed {
        cx.effects.emit(Event::TimelineChanged);
    }
    for rep in replaced.indexes {
        let Some(read) = session.indexes.get(&rep) else { continue };
        if cx.jobs.of_purpose(Purpose::Index(rep)).is_none() {
            let resource = read.source.first_request();
            cx.jobs.add(cx.now, Purpose::Index(rep), FetchKind::Index, resource, Ingest::Body);
        }
    }
}

/// Consequences of a presentation that was replaced.
#[derive(Debug, Default)]
pub(in crate::engine) struct Replaced {
    /// Differences that contradict what was known.
    pub contradictions: Contradictions,
    /// The length is another one.
    pub is_duration_changed: bool,
    /// Metadata that the manifest has now.
    pub metadata: Vec<TimedMetadata>,
    /// Indexes that streams waited for and that nothing needs any more.
    pub released: Vec<RepKey>,
    /// Indexes in separate files that streams use: they may have changed too.
    pub indexes: Vec<RepKey>,
    /// Other pathways are listed, or another steering server.
    pub is_steering_changed: bool,
}

/// Differences between two states of the same lists that contradict each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Contradictions {
    /// Number of representations with a contradiction.
    representations: u64,
    /// Segments that are listed with another time, length or address.
    changed: u64,
    /// Lists whose numbers count from elsewhere.
    renumbered: u64,
    /// Lists that have nothing in common with what was known.
    unrelated: u64,
}

impl Contradictions {
    /// Adds the differences of one list.
    pub(in crate::engine) fn add(&mut self, changes: Changes) {
        self.representations += u64::from(changes.disagree());
        self.changed += changes.changed;
        self.renumbered += u64::from(changes.agreement == Agreement::Addresses);
        self.unrelated += u64::from(changes.agreement == Agreement::Nothing);
    }

    fn warn(self, cx: &mut Context, stage: Stage, url: &Url) {
        if let Some(message) = self.message() {
            cx.effects.warn(PlayerError::warning(ErrorCode::ManifestMalformed, message).at(stage).with_url(url));
        }
    }

    /// Returns the message of a warning; `None` if nothing is contradicted.
    pub(in crate::engine) fn message(self) -> Option<String> {
        let Self { representations, changed, renumbered, unrelated } = self;
        (representations > 0).then(|| {
            format!(
                "{representations} lists of segments contradict what they said before: {changed} segments differ, \
                 {renumbered} lists are numbered anew, {unrelated} have nothing in common with it"
            )
        })
    }
}

/// Replaces the presentation of a session. Keys, public names and known indexes stay; streams whose place is gone go on
/// by time.
pub(in crate::engine) fn replace(session: &mut Session, presentation: Presentation) -> Replaced {
    let known = session.reloads.identities.intern(presentation);
    let mut before = std::mem::replace(&mut session.presentation, known);
    let known = &session.presentation;
    let mut replaced = Replaced {
        metadata: known.metadata.clone(),
        is_steering_changed: known.pathways != before.pathways || known.steering != before.steering,
        ..Replaced::default()
    };
    session.presentation.learn_epoch(before.epoch);
    for key in before.all_reps().collect::<Vec<_>>() {
        let Some(index) = before.take_index(key) else { continue };
        match session.presentation.index_mut(key) {
            Some(slot) => replaced.contradictions.add(renew(&mut session.indexes, key, slot, index)),
            // It may come back: names and times of its segments depend on what was known.
            None if ids::is_relative(&index) => drop(session.reloads.former_lists.insert(key, index)),
            None => {}
        }
    }
    forget(session);
    for id in [StreamId::Main, StreamId::Audio, StreamId::Text] {
        place(session, id, &mut replaced);
    }
    let duration = schedule::duration(&session.presentation);
    replaced.is_duration_changed = session.duration != duration;
    session.duration = duration;
    let thumbnails = ThumbnailSpan::all(&session.presentation);
    if *session.thumbnails != thumbnails {
        session.thumbnails = Arc::new(thumbnails);
    }
    session.reloads.was_refreshed = true;
    replaced
}

/// Merges the index of a representation into what was known of it.
fn renew(
    indexes: &mut BTreeMap<RepKey, ReadIndex>,
    key: RepKey,
    slot: &mut SegmentIndex,
    before: SegmentIndex,
) -> Changes {
    let update = std::mem::replace(slot, before);
    if let (SegmentIndex::External(source), Some(read)) = (&update, indexes.get_mut(&key)) {
        // From now on it is read from the addresses that the manifest has now.
        read.source = source.clone();
    }
    slot.merge(update)
}

/// Forgets what is known of periods that would not be recognised any more.
fn forget(session: &mut Session) {
    let Session { reloads, exclusions, indexes, .. } = session;
    let Reloads { identities, former_lists, index_pieces, .. } = reloads;
    let stays = |rep: &RepKey| identities.knows(rep.period);
    exclusions.retain(stays);
    indexes.retain(|rep, _| stays(rep));
    former_lists.retain(|rep, _| stays(rep));
    index_pieces.retain(|rep, _| stays(rep));
}

/// Places a stream in the new presentation, if what it pointed to is gone.
fn place(session: &mut Session, id: StreamId, replaced: &mut Replaced) {
    let Session { streams, indexes, presentation, .. } = session;
    let known = &*presentation;
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
        replaced.released.push(rep);
    }
    let playlist = |rep: &RepKey| {
        let read = indexes.get(rep).filter(|read| read.source.format == IndexFormat::HlsMediaPlaylist);
        read.is_some() && schedule::known_list(known, *rep).is_some()
    };
    let in_use = stream.last().into_iter().chain(stream.pending().map(|plan| plan.rep)).filter(playlist);
    for rep in in_use {
        if !replaced.indexes.contains(&rep) {
            replaced.indexes.push(rep);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::ids::ItemId;
    use crate::engine::session::tests::session_of;
    use crate::time::Now;

    #[test]
    fn contradictions_of_all_lists_are_counted() {
        let list = |changed, agreement| Changes { changed, agreement, ..Changes::default() };
        let mut all = Contradictions::default();
        all.add(list(0, Agreement::Names));
        assert_eq!(all.message(), None);
        for changes in [
            list(3, Agreement::Names),
            list(4, Agreement::Names),
            list(0, Agreement::Addresses),
            list(0, Agreement::Addresses),
            list(0, Agreement::Addresses),
            list(0, Agreement::Nothing),
            list(0, Agreement::Nothing),
        ] {
            all.add(changes);
        }
        let expected = "7 lists of segments contradict what they said before: 7 segments differ, 3 lists are numbered \
                        anew, 2 have nothing in common with it";
        assert_eq!(all.message().as_deref(), Some(expected));
    }

    #[test]
    fn what_is_known_of_forgotten_periods_goes_with_them() {
        let mut session = session_of(ItemId::default(), &[]);
        let (known, unknown) = (RepKey::for_tests(0, 0, 0), RepKey::for_tests(9, 0, 0));
        for rep in [known, unknown] {
            session.exclusions.exclude(rep, Duration::MAX, Now::ZERO);
            session.reloads.former_lists.insert(rep, SegmentIndex::Known(SegmentList::Explicit(Vec::new())));
            session.reloads.index_pieces.insert(rep, Vec::new());
        }
        forget(&mut session);
        assert_eq!([known, unknown].map(|rep| session.exclusions.is_final(rep)), [true, false]);
        assert_eq!(session.reloads.former_lists.keys().collect::<Vec<_>>(), [&known]);
        assert_eq!(session.reloads.index_pieces.keys().collect::<Vec<_>>(), [&known]);
    }
}
