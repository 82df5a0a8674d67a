//! A manifest that is read again in mid-play: what it lists takes the place of what was known, under the same keys.
//! Streams, buffers, exclusions and choices go on. What is fetched for it, and when, is decided by its callers.

use super::ids::{KeyedPresentation, PeriodKey};
use super::schedule;
use super::session::Session;
use super::stream::{Activity, Place, RepKey, StreamId};
use crate::model::{
    Agreement, Changes, IndexFormat, Presentation, SegmentId, SegmentIndex, ThumbnailSpan, TimedMetadata,
};

/// What follows from a presentation that was replaced.
#[derive(Debug, Default)]
pub struct Replaced {
    /// Differences that contradict what was known.
    pub contradictions: Contradictions,
    /// The length is another one.
    pub is_duration_changed: bool,
    /// Metadata that the manifest has now.
    pub metadata: Vec<TimedMetadata>,
    /// Indexes that streams waited for and that nothing needs any more.
    pub released: Vec<RepKey>,
    /// Indexes in files of their own that streams use: they may have changed too.
    pub indexes: Vec<RepKey>,
    /// Other pathways are listed, or another steering server.
    pub is_steering_changed: bool,
}

/// Differences between two states of the same lists that contradict each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contradictions {
    /// Representations with any.
    pub representations: u64,
    /// Segments that are listed with another time, length or address.
    pub changed: u64,
    /// Lists whose numbers count from elsewhere.
    pub renumbered: u64,
    /// Lists that have nothing in common with what was known.
    pub unrelated: u64,
}

impl Contradictions {
    /// Adds the differences of one list.
    pub fn add(&mut self, changes: Changes) {
        self.representations += u64::from(changes.disagree());
        self.changed += changes.changed;
        self.renumbered += u64::from(changes.agreement == Agreement::Addresses);
        self.unrelated += u64::from(changes.agreement == Agreement::Nothing);
    }

    /// Returns what a warning says; `None` if there is nothing to say.
    pub fn message(self) -> Option<String> {
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
/// by time. Without a presentation nothing happens.
pub fn replace(session: &mut Session, presentation: Presentation) -> Replaced {
    let Some(mut before) = session.presentation.take() else { return Replaced::default() };
    let mut known = session.identities.intern(presentation);
    let mut replaced = Replaced {
        metadata: known.metadata.clone(),
        is_steering_changed: known.pathways != before.pathways || known.steering != before.steering,
        ..Replaced::default()
    };
    known.learn_epoch(before.epoch);
    for key in before.all_reps().collect::<Vec<_>>() {
        let Some(index) = before.take_index(key) else { continue };
        match known.index_mut(key) {
            Some(slot) => replaced.contradictions.add(renew(session, key, slot, index)),
            // It may come back: names and times of its segments depend on what was known.
            None if is_relative(&index) => drop(session.former_lists.insert(key, index)),
            None => {}
        }
    }
    forget(session);
    for id in [StreamId::Main, StreamId::Audio, StreamId::Text] {
        place(session, &known, id, &mut replaced);
    }
    let duration = schedule::duration(&known);
    replaced.is_duration_changed = session.duration != duration;
    session.duration = duration;
    let thumbnails = ThumbnailSpan::all(&known);
    if *session.thumbnails != thumbnails {
        session.thumbnails = std::sync::Arc::new(thumbnails);
    }
    session.presentation = Some(known);
    session.was_refreshed = true;
    replaced
}

/// Merges the index of a representation into what was known of it.
fn renew(session: &mut Session, key: RepKey, slot: &mut SegmentIndex, before: SegmentIndex) -> Changes {
    let update = std::mem::replace(slot, before);
    if let (SegmentIndex::External(source), Some(read)) = (&update, session.indexes.get_mut(&key)) {
        // From now on it is read from where the manifest says now.
        read.source = source.clone();
    }
    slot.merge(update)
}

/// True for lists whose times count from their own beginning.
fn is_relative(index: &SegmentIndex) -> bool {
    matches!(index, SegmentIndex::Known(list) if matches!(list.id(0), Some(SegmentId::Sequence(_))))
}

/// Forgets what is known of periods that would not be recognised any more.
fn forget(session: &mut Session) {
    let Session { identities, exclusions, indexes, former_lists, index_pieces, .. } = session;
    let stays = |rep: &RepKey| identities.knows(rep.period);
    exclusions.retain(stays);
    indexes.retain(|rep, _| stays(rep));
    former_lists.retain(|rep, _| stays(rep));
    index_pieces.retain(|rep, _| stays(rep));
}

/// Places a stream in the new presentation, if what it pointed to is gone.
fn place(session: &mut Session, known: &KeyedPresentation, id: StreamId, replaced: &mut Replaced) {
    let Session { streams, indexes, .. } = session;
    let Some(stream) = streams.iter_mut().find(|stream| stream.id == id) else { return };
    let is_gone = |period: PeriodKey| known.period(period).is_none();
    let time = match stream.place {
        Place::At { period, time } => is_gone(period).then_some(time),
        Place::After { rep, end, .. } => is_gone(rep.period).then_some(end),
        Place::End => None,
    };
    if let Some(time) = time {
        stream.place = Place::At { period: schedule::period_at(known, time), time };
    }
    let external = |rep| matches!(known.representation(rep).map(|rep| &rep.index), Some(SegmentIndex::External(_)));
    if let Activity::Index(rep) = stream.activity
        && !external(rep)
    {
        stream.activity = Activity::Idle;
        replaced.released.push(rep);
    }
    let playlist = |rep: &RepKey| {
        let read = indexes.get(rep).filter(|read| read.source.format == IndexFormat::HlsMediaPlaylist);
        read.is_some() && schedule::known_list(known, *rep).is_some()
    };
    let in_use = stream.last.into_iter().chain(stream.coming().map(|chosen| chosen.rep)).filter(playlist);
    for rep in in_use {
        if !replaced.indexes.contains(&rep) {
            replaced.indexes.push(rep);
        }
    }
}

/// Returns a list by which one that is read for the first time can be placed, if segments may have been removed in front
/// of it: of the same set, or else of another of the same kind. Variants of the same content have the same media
/// sequence numbers.
pub fn sibling(presentation: &KeyedPresentation, key: RepKey) -> Option<SegmentIndex> {
    let period = presentation.period(key.period)?;
    let kind = |set| presentation.set(set).map(|set| set.kind);
    let others = presentation.set_keys(key.period).filter(|set| *set != key.set && kind(*set) == kind(key.set));
    let reps = std::iter::once(key.set).chain(others).flat_map(|set| presentation.reps_of(set));
    let mut moved = reps
        .filter(|(rep, _)| *rep != key)
        .map(|(_, rep)| &rep.index)
        .filter(|index| is_relative(index) && starts_late(index, period.start));
    moved.next().cloned()
}

fn starts_late(index: &SegmentIndex, start: crate::time::MediaTime) -> bool {
    matches!(index, SegmentIndex::Known(list) if list.start().is_some_and(|first| first > start))
}
