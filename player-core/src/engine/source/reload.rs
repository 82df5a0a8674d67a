//! Replacement of the presentation by a newer state of it: keys, public names and known indexes stay.

use super::indexes::Indexes;
use super::{Source, duration};
use crate::engine::ids::{self, RepKey};
use crate::model::{Agreement, Changes, Presentation, SegmentIndex, ThumbnailSpan, TimedMetadata};
use std::sync::Arc;

/// Consequences of a presentation that was replaced.
#[derive(Debug, Default)]
pub(in crate::engine) struct Replaced {
    /// Differences that contradict what was known.
    pub contradictions: Contradictions,
    /// The length is another one.
    pub is_duration_changed: bool,
    /// Metadata that the manifest has now.
    pub metadata: Vec<TimedMetadata>,
    /// Segments or periods were added.
    pub has_grown: bool,
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

impl Source {
    /// Replaces the presentation by a newer state of it. Everything that is known of periods which are still recognised
    /// stays: [`Self::knows`] names those.
    ///
    /// Each index that was read is merged into the new one, because a manifest that lists segments anew may count them
    /// from elsewhere, and what is buffered would then be fetched twice. The index of a representation that is not
    /// listed any more is kept if its times follow only from those before it (HLS playlists): when it comes back, a list
    /// without its beginning could not be placed. Addresses that pathways of a steering server added are added again;
    /// without them the pathway in use would have none.
    pub(in crate::engine) fn replace(&mut self, presentation: Presentation) -> Replaced {
        let known = self.identities.intern(presentation);
        let mut before = std::mem::replace(&mut self.presentation, known);
        self.move_again();
        let known = &self.presentation;
        let mut replaced = Replaced {
            metadata: known.metadata.clone(),
            is_steering_changed: known.pathways != before.pathways || known.steering != before.steering,
            ..Replaced::default()
        };
        replaced.has_grown = known.periods.last().map(|last| last.start) > before.periods.last().map(|last| last.start);
        self.presentation.learn_epoch(before.epoch);
        for key in before.all_reps().collect::<Vec<_>>() {
            let Some(index) = before.take_index(key) else { continue };
            match self.presentation.index_mut(key) {
                Some(slot) => {
                    let changes = renew(&mut self.indexes, key, slot, index);
                    replaced.has_grown |= changes.added > 0;
                    replaced.contradictions.add(changes);
                }
                // It may come back: names and times of its segments depend on what was known.
                None if ids::is_relative(&index) => self.indexes.keep_former(key, index),
                None => {}
            }
        }
        let identities = &self.identities;
        self.indexes.retain(|rep| identities.knows(rep.period));
        self.live.retain(|rep| identities.knows(rep.period));
        self.indexes.note_replaced();
        let before = std::mem::replace(&mut self.duration, duration(&self.presentation));
        replaced.is_duration_changed = self.duration != before;
        let thumbnails = ThumbnailSpan::all(&self.presentation);
        if *self.thumbnails != thumbnails {
            self.thumbnails = Arc::new(thumbnails);
        }
        for (clone, base) in self.clones.clone() {
            self.add_addresses(&clone, &base);
        }
        self.measure();
        replaced
    }
}

/// Merges the index of a representation into what was known of it.
fn renew(indexes: &mut Indexes, key: RepKey, slot: &mut SegmentIndex, before: SegmentIndex) -> Changes {
    let update = std::mem::replace(slot, before);
    if let (SegmentIndex::External(source), Some(read)) = (&update, indexes.read_mut(key)) {
        // From now on it is read from the addresses that the manifest has now.
        read.source = source.clone();
    }
    slot.merge(update)
}
