//! Segment indexes that lie in separate files: how each was read, the pieces of those that are not complete, and the
//! lists that were forgotten to be read again from elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use url::Url;

use super::{Candidate, Locations, ServiceLocation, Source, duration};
use crate::engine::ids::{KeyedPresentation, RepKey};
use crate::manifest::{self, IndexPiece, IndexReading, ManifestError, ManifestWarning, PathwayClone, PlaylistText};
use crate::model::{Agreement, ByteRange, Changes, IndexFormat, IndexSource, Resource, SegmentIndex, SegmentList};
use crate::time::{Now, WallClock};

/// More different warnings about a playlist that is read again and again say nothing new.
const MOST_WARNINGS: usize = 50;

/// An index that was read: how to read it again, and its location.
#[derive(Clone, Debug)]
pub(super) struct ReadIndex {
    /// Address and format, as the manifest declares them.
    pub(super) source: IndexSource,
    /// Location that it was read from.
    place: ServiceLocation,
}

/// State of the indexes in separate files.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    /// Indexes read so far, with the location that each was read from.
    read: BTreeMap<RepKey, ReadIndex>,
    /// Pieces of indexes that are not complete yet.
    pieces: BTreeMap<RepKey, Vec<IndexPiece>>,
    /// Lists that were forgotten to be read again from elsewhere: what is read then is merged with them.
    former: BTreeMap<RepKey, SegmentIndex>,
    /// Playlists whose numbers were found to count anew: that is reported once.
    renumbered: BTreeSet<RepKey>,
    /// Warnings that were given about playlists that grow: each is given once.
    warned: BTreeMap<RepKey, Vec<String>>,
    /// Texts of playlists that grow, to recognise what has not changed.
    texts: BTreeMap<RepKey, PlaylistText>,
    /// Text of the playlist that was read last, until its segments are merged.
    read_text: Option<(RepKey, PlaylistText)>,
    /// The presentation was replaced by a newer state of it.
    was_replaced: bool,
}

impl Indexes {
    /// Returns how an index was read, to change that.
    pub(super) fn read_mut(&mut self, rep: RepKey) -> Option<&mut ReadIndex> {
        self.read.get_mut(&rep)
    }

    /// Notes how the index of a representation, which was part of the manifest, is read again.
    pub(super) fn adopt(&mut self, rep: RepKey, source: IndexSource, from: &Candidate) {
        self.read.insert(rep, ReadIndex { source, place: from.place.clone() });
    }

    /// Keeps the list of a representation that is listed no more, for the case that it comes back.
    pub(super) fn keep_former(&mut self, rep: RepKey, index: SegmentIndex) {
        self.former.insert(rep, index);
    }

    /// Estimates the memory of the lists that were forgotten, and of the texts that are kept.
    pub(super) fn former_bytes(&self) -> u64 {
        let texts: usize = self.texts.values().map(PlaylistText::bytes).sum();
        self.former.values().map(SegmentIndex::bytes).sum::<u64>() + texts as u64
    }

    /// Forgets all that is not known of these representations.
    pub(super) fn retain(&mut self, stays: impl Fn(RepKey) -> bool) {
        self.read.retain(|rep, _| stays(*rep));
        self.former.retain(|rep, _| stays(*rep));
        self.texts.retain(|rep, _| stays(*rep));
        self.warned.retain(|rep, _| stays(*rep));
        self.pieces.retain(|rep, _| stays(*rep));
    }

    /// Removes warnings that were given before. No more than [`MOST_WARNINGS`] are given about one playlist.
    fn keep_new_warnings(&mut self, rep: RepKey, warnings: &mut Vec<ManifestWarning>) {
        if warnings.is_empty() {
            return;
        }
        let given = self.warned.entry(rep).or_default();
        warnings.retain(|warning| {
            let is_new = given.len() < MOST_WARNINGS && !given.contains(&warning.message);
            if is_new {
                given.push(warning.message.clone());
            }
            is_new
        });
    }

    /// Returns the number of pieces of an index that is not complete.
    #[cfg(test)]
    pub(super) fn pieces_of(&self, rep: RepKey) -> usize {
        self.pieces.get(&rep).map_or(0, Vec::len)
    }

    /// Notes that the presentation was replaced by a newer state of it.
    pub(super) const fn note_replaced(&mut self) {
        self.was_replaced = true;
    }
}

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

impl Source {
    /// Returns the address and format of the index of a representation, for the first time or again; `None` if its
    /// segments are in the manifest.
    pub(in crate::engine) fn index_source(&self, rep: RepKey) -> Option<&IndexSource> {
        match self.presentation.representation(rep).map(|rep| &rep.index)? {
            SegmentIndex::External(source) => Some(source),
            SegmentIndex::Known(_) => self.indexes.read.get(&rep).map(|read| &read.source),
        }
    }

    /// Returns true if a representation has a media playlist (RFC 8216bis §4.4.3) whose segments are known.
    pub(in crate::engine) fn is_playlist_read(&self, rep: RepKey) -> bool {
        let read = self.indexes.read.get(&rep);
        read.is_some_and(|read| read.source.format == IndexFormat::HlsMediaPlaylist)
            && self.presentation.known_list(rep).is_some()
    }

    /// Reads an index, of which `body` is all or the next piece: the bytes of `range`, received from `url` after
    /// redirects. Pieces are kept until the index is complete, so that after a failure only the last one is fetched
    /// again.
    ///
    /// # Errors
    /// An index that cannot be read, or that has no segments.
    pub(in crate::engine) fn read_index(
        &mut self,
        rep: RepKey,
        source: &IndexSource,
        range: Option<ByteRange>,
        body: &Bytes,
        url: &Url,
    ) -> Result<IndexReading, ManifestError> {
        self.indexes.read_text = None;
        if source.format == IndexFormat::HlsMediaPlaylist
            && let Some(SegmentList::Listed(known)) = self.presentation.known_list(rep)
            && known.is_open()
        {
            let before = self.indexes.texts.get(&rep);
            let (mut parsed, text) = manifest::read_playlist_again(body, source, url, known, before)?;
            self.indexes.read_text = text.map(|text| (rep, text));
            self.indexes.keep_new_warnings(rep, &mut parsed.warnings);
            return Ok(IndexReading::Known(parsed));
        }
        let mut pieces = self.indexes.pieces.remove(&rep).unwrap_or_default();
        pieces.push(IndexPiece::new(range, body.clone()));
        let reading = match manifest::read_index(&pieces, source, url) {
            Ok(IndexReading::Known(parsed)) if parsed.segments.is_empty() && parsed.growth.is_none() => {
                Err(ManifestError::Empty { message: "the index has no segments".to_owned() })
            }
            reading => reading,
        };
        match &reading {
            Ok(IndexReading::Known(_)) => {}
            Ok(IndexReading::More(_)) => drop(self.indexes.pieces.insert(rep, pieces)),
            Err(_) => {
                // The earlier pieces may be whole: only the last piece is fetched again.
                pieces.pop();
                self.indexes.pieces.insert(rep, pieces);
            }
        }
        reading
    }

    /// Notes that an index was read from a candidate, whose address after redirects is `url`.
    pub(in crate::engine) fn note_index(&mut self, rep: RepKey, source: IndexSource, from: Candidate, url: &Url) {
        self.locations.redirected(&from, url);
        self.indexes.read.insert(rep, ReadIndex { source, place: from.place });
    }

    /// Takes the segments of a representation and merges them with what was known of it.
    ///
    /// A list that is read for the first time after the presentation was replaced is placed by a sibling: segments may
    /// have been removed in front of it, and alone it would begin too early. Differences from another representation are
    /// no changes of this one.
    ///
    /// A live list, whose first segment has the wall-clock time `date` if that is declared, is placed by another live one
    /// when it is read for the first time, because the two begin anywhere; and when nothing of it was known before,
    /// because it was not read for longer than its window, or its server counts anew.
    pub(in crate::engine) fn merge_index(
        &mut self,
        key: RepKey,
        mut segments: SegmentList,
        date: Option<WallClock>,
    ) -> IndexMerge {
        let text = self.indexes.read_text.take().filter(|(rep, _)| *rep == key);
        let begin = segments.start();
        let is_update = matches!(&segments, SegmentList::Listed(listing) if listing.skipped().is_some());
        let presentation = &mut self.presentation;
        let index = presentation.representation(key).map(|rep| &rep.index);
        let is_first = matches!(index, Some(SegmentIndex::External(_)));
        let former = self.indexes.former.remove(&key).filter(|_| is_first);
        if is_first
            && former.is_none()
            && is_open(&segments)
            && let Some(known) = freshest(presentation, key)
        {
            segments.place_like(known, date.zip(presentation.epoch));
        }
        let wants_sibling = is_first && former.is_none() && self.indexes.was_replaced;
        let sibling = if wants_sibling { presentation.sibling(key) } else { None };
        let mut changes = Changes::default();
        if let Some(index) = presentation.index_mut(key) {
            let placed = sibling.map(|mut placed| {
                let found = placed.merge(SegmentIndex::Known(segments.clone()));
                (placed, found.agreement)
            });
            match (former, placed) {
                (None, Some((placed, Agreement::Names | Agreement::Addresses))) => *index = placed,
                (former, _) => {
                    if let Some(mut former) = former {
                        // Another location may be a little behind the one before: that is no older state.
                        former.close();
                        *index = former;
                    }
                    changes = index.merge(SegmentIndex::Known(segments));
                }
            }
        }
        let is_renumbered =
            changes.agreement == Agreement::Addresses && presentation.known_list(key).is_some_and(is_open);
        if is_renumbered && !self.indexes.renumbered.insert(key) {
            changes.agreement = Agreement::Names;
        }
        if changes.agreement == Agreement::Nothing {
            place_anew(presentation, key);
        }
        let start = presentation.known_list(key).and_then(SegmentList::start);
        // Metadata of an update that leaves segments out is in time of the presentation.
        let shift = start.zip(begin).filter(|_| !is_update).map_or(0, |(start, begin)| start.nanos_from(begin));
        if !changes.agreement.is_refused() {
            match text {
                Some((_, text)) => drop(self.indexes.texts.insert(key, text)),
                None => drop(self.indexes.texts.remove(&key)),
            }
        }
        let before = self.duration;
        self.duration = duration(&self.presentation);
        self.measure();
        IndexMerge { is_duration_changed: self.duration != before, shift, changes }
    }

    /// Returns the representations whose index was read from another location than the one that is asked first.
    pub(in crate::engine) fn indexes_elsewhere(&self) -> Vec<RepKey> {
        let elsewhere = self.indexes.read.iter().filter(|(_, read)| self.locations.current() != &read.place);
        elsewhere.map(|(rep, _)| *rep).collect()
    }

    /// Returns the representations whose index was read from a location.
    pub(in crate::engine) fn indexes_of(&self, place: &ServiceLocation) -> Vec<RepKey> {
        let from_there = self.indexes.read.iter().filter(|(_, read)| read.place == *place);
        from_there.map(|(rep, _)| *rep).collect()
    }

    /// Returns the candidates for the index of a representation that was read before.
    pub(in crate::engine) fn index_candidates(&self, rep: RepKey) -> Vec<Candidate> {
        let read = self.indexes.read.get(&rep);
        read.map(|read| self.locations.candidates(&read.source.resource)).unwrap_or_default()
    }

    /// Returns the number of other locations that can supply a representation whose index was read from `place` and
    /// whose segments are at no other location.
    pub(in crate::engine) fn other_sources(&self, rep: Option<RepKey>, place: &ServiceLocation, now: Now) -> usize {
        let first = rep.and_then(|rep| first_segment(&self.presentation, rep));
        if first.is_some_and(|first| self.locations.candidates(&first).iter().any(|other| other.place != *place)) {
            return 0;
        }
        let read = rep.and_then(|rep| self.indexes.read.get(&rep)).filter(|read| read.place == *place);
        let Some(read) = read else { return 0 };
        let candidates = self.locations.candidates(&read.source.resource);
        self.locations.left(&candidates, &[], place, now)
    }

    /// Makes indexes unread whose source has a place that is `wanted` and whose segments have none. Returns their
    /// representations; streams read the indexes again when they need them.
    ///
    /// The addresses in a playlist lead to one host, so a stream moves to another one only by a playlist from there
    /// (RFC 8216bis §7.1). The former list is kept and merged with the next one: without it the segments would get
    /// other names and times, and what is buffered would be fetched again.
    pub(in crate::engine) fn forget_indexes(
        &mut self,
        reps: &[RepKey],
        wanted: impl Fn(&Locations, &ServiceLocation) -> bool,
    ) -> Vec<RepKey> {
        let Self { indexes, locations, presentation, .. } = self;
        let leads = |resource: &Resource| locations.candidates(resource).iter().any(|c| wanted(locations, &c.place));
        let mut forgotten = Vec::new();
        for rep in reps {
            let Some(read) = indexes.read.get(rep).filter(|read| leads(&read.source.resource)) else { continue };
            if first_segment(presentation, *rep).is_some_and(|resource| leads(&resource)) {
                continue;
            }
            if let Some(index) = presentation.index_mut(*rep) {
                let known = std::mem::replace(index, SegmentIndex::External(read.source.clone()));
                indexes.former.insert(*rep, known);
                forgotten.push(*rep);
            }
        }
        for rep in &forgotten {
            indexes.read.remove(rep);
        }
        self.measure();
        forgotten
    }

    /// Adds the whole addresses that a clone gives for streams with a stable id (RFC 8216bis §7.2, `PER-VARIANT-URIS`,
    /// `PER-RENDITION-URIS`). `base` is where they are relative to.
    pub(super) fn add_addresses(&mut self, clone: &PathwayClone, base: &Url) {
        let Self { indexes, locations, presentation, .. } = self;
        let keys: Vec<RepKey> = presentation.all_reps().collect();
        for key in keys {
            let stable_id = presentation.representation(key).and_then(|rep| rep.traits.stable_id.as_ref());
            let address = stable_id.and_then(|id| clone.addresses.get(id));
            let Some(url) = address.and_then(|address| base.join(address).ok()) else { continue };
            locations.add_prefix(&clone.id, &url);
            let source = match presentation.index_mut(key) {
                Some(SegmentIndex::External(source)) => Some(source),
                Some(SegmentIndex::Known(_)) => indexes.read_mut(key).map(|read| &mut read.source),
                None => None,
            };
            if let Some(source) = source.filter(|source| !source.resource.urls.contains(&url)) {
                source.resource.urls.insert(0, url);
            }
        }
    }
}

fn is_open(list: &SegmentList) -> bool {
    matches!(list, SegmentList::Listed(listing) if listing.is_open())
}

/// Places a live list, which has nothing in common with what was known of it, by another live one that is further.
fn place_anew(presentation: &mut KeyedPresentation, key: RepKey) {
    let other = freshest(presentation, key).cloned();
    if let (Some(other), Some(SegmentIndex::Known(list))) = (other, presentation.index_mut(key))
        && is_open(list)
        && other.end() > list.start()
    {
        list.place_like(&other, None);
    }
}

/// Returns the live list of another representation that reaches furthest.
fn freshest(presentation: &KeyedPresentation, key: RepKey) -> Option<&SegmentList> {
    let others = presentation.all_reps().filter(|rep| *rep != key);
    others.filter_map(|rep| presentation.known_list(rep)).filter(|list| is_open(list)).max_by_key(|list| list.end())
}

fn first_segment(presentation: &KeyedPresentation, rep: RepKey) -> Option<Resource> {
    presentation.known_list(rep)?.get(0).map(|segment| segment.resource)
}
