//! Source of an item: its presentation with what was read of it, and the locations to read it from. Only the files of
//! this folder change it, and none of them knows of streams or buffers.

mod incomplete;
mod indexes;
mod live;
mod locations;
mod patch;
mod pathways;
mod reload;
mod start;
mod steering;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::container::InitSegment;
use crate::engine::ids::{Identities, KeyedPresentation, PeriodKey};
use crate::engine::jitter::Jitter;
use crate::manifest::PathwayClone;
use crate::model::{
    Footprint, MediaKind, Presentation, PresentationKind, Resource, SegmentIndex, SegmentKeys, ThumbnailSpan,
};
use crate::time::{MediaTime, Now, TimeRange, WallClock, WallClockMapping};

pub(super) use incomplete::IncompleteManifest;
pub(super) use locations::{Candidate, Locations, ServiceLocation};
pub(super) use patch::PatchOutcome;
pub(super) use reload::Contradictions;

use indexes::Indexes;
use live::Live;
use patch::Patching;
use steering::Steering;

/// Maximum number of initialisation segments that are kept; the oldest is fetched again when it is needed.
const MOST_INITS: usize = 256;
/// A seek to the very end goes this far before it, so that there is a picture to show.
const BEFORE_END: Duration = Duration::from_millis(100);

/// A presentation that is known, and where to read it.
#[derive(Debug)]
pub(in crate::engine) struct Source {
    /// Presentation under keys that survive a reload of its manifest.
    presentation: KeyedPresentation,
    /// Keys of what its manifests list.
    identities: Identities,
    /// Length as far as it is known.
    duration: Option<Duration>,
    /// Pictures for the seek bar.
    thumbnails: Arc<Vec<ThumbnailSpan>>,
    indexes: Indexes,
    /// Initialisation data read so far, oldest first.
    inits: VecDeque<(Resource, SegmentKeys, Arc<InitSegment>)>,
    /// Manifest that is read again, while parts of it are fetched.
    incomplete: Option<IncompleteManifest>,
    /// Start position that the viewer chose, or else the one that was resolved from the author's; `None` before.
    start: Option<MediaTime>,
    /// `EXT-X-START` offset still to be resolved against the duration; negative values count from the end.
    authored_start: Option<MediaTime>,
    /// `EXT-X-START` offset of a live playlist.
    live_start: Option<MediaTime>,
    /// Service locations and pathways, with their failures.
    locations: Locations,
    /// Content steering, if the manifest declares a server.
    steering: Option<Steering>,
    /// Pathways that a steering server made from others, and where their addresses are relative to.
    clones: Vec<(PathwayClone, Url)>,
    /// Growth of a live presentation.
    live: Live,
    /// Manifest that is kept, to be patched.
    patching: Patching,
    /// Memory of the presentation and of lists that were forgotten, as of the last change of either.
    footprint: Footprint,
}

impl Source {
    /// Creates the source of an item whose presentation has become known. `start` is the position that the viewer chose,
    /// and `jitter` draws among equal services.
    pub(in crate::engine) fn new(
        presentation: Presentation,
        mut locations: Locations,
        start: Option<MediaTime>,
        jitter: &mut Jitter,
    ) -> Self {
        locations.weigh(&presentation.weights, jitter);
        let mut identities = Identities::default();
        let presentation = identities.intern(presentation);
        Self {
            duration: duration(&presentation),
            footprint: Footprint::of(&presentation),
            thumbnails: Arc::new(ThumbnailSpan::all(&presentation)),
            presentation,
            identities,
            indexes: Indexes::default(),
            inits: VecDeque::new(),
            incomplete: None,
            start,
            authored_start: None,
            live_start: None,
            locations,
            steering: None,
            clones: Vec::new(),
            live: Live::default(),
            patching: Patching::default(),
        }
    }

    /// Returns the presentation under its keys.
    pub(in crate::engine) const fn presentation(&self) -> &KeyedPresentation {
        &self.presentation
    }

    /// Returns the duration as far as it is known.
    pub(in crate::engine) const fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// Returns an estimate of the memory of the presentation, with lists that are kept to be merged.
    pub(in crate::engine) const fn footprint(&self) -> Footprint {
        self.footprint
    }

    /// Estimates the memory anew, after the presentation or one of its lists has changed.
    fn measure(&mut self) {
        self.footprint = Footprint::of(&self.presentation);
        self.footprint.indexes += self.indexes.former_bytes();
    }

    /// Returns the pictures for the seek bar.
    pub(in crate::engine) fn thumbnails(&self) -> Arc<Vec<ThumbnailSpan>> {
        Arc::clone(&self.thumbnails)
    }

    /// Returns the locations.
    pub(in crate::engine) const fn locations(&self) -> &Locations {
        &self.locations
    }

    /// Returns the locations, to record how they answer.
    pub(in crate::engine) const fn locations_mut(&mut self) -> &mut Locations {
        &mut self.locations
    }

    /// Returns true if a period is listed, or was listed so lately that it would be recognised when it returns.
    pub(in crate::engine) fn knows(&self, period: PeriodKey) -> bool {
        self.identities.knows(period)
    }

    /// Returns a seek target moved into the presentation.
    pub(in crate::engine) fn clamp(&self, target: MediaTime) -> MediaTime {
        let target = target.max(MediaTime::ZERO);
        match self.duration {
            Some(duration) => target.min(MediaTime::ZERO + duration.saturating_sub(BEFORE_END)),
            None => target,
        }
    }

    /// Returns the range that a seek may go to; `None` while the duration is unknown.
    pub(in crate::engine) fn seekable(&self) -> Option<TimeRange> {
        self.duration.map(|duration| TimeRange { start: MediaTime::ZERO, end: MediaTime::ZERO + duration })
    }

    /// Places the time from which the presentation is available on the monotonic clock. Returns that time before, if
    /// there was one, and after.
    pub(in crate::engine) fn place_availability(
        &mut self,
        clock: Option<WallClockMapping>,
    ) -> Option<(Now, Option<Now>)> {
        let before = self.presentation.available_at();
        self.presentation.place_availability(clock);
        before.map(|before| (before, self.presentation.available_at()))
    }

    /// Takes the wall-clock time of presentation time zero, unless it is known.
    pub(in crate::engine) fn learn_epoch(&mut self, epoch: Option<WallClock>) {
        self.presentation.learn_epoch(epoch);
    }

    /// Returns initialisation data that was read before and is still kept.
    pub(in crate::engine) fn init(&self, resource: &Resource, keys: &SegmentKeys) -> Option<&Arc<InitSegment>> {
        self.inits.iter().find(|(known, with, _)| known == resource && with == keys).map(|(_, _, init)| init)
    }

    /// Keeps initialisation data that was read.
    pub(in crate::engine) fn keep_init(&mut self, resource: Resource, keys: SegmentKeys, init: InitSegment) {
        if self.inits.len() >= MOST_INITS {
            self.inits.pop_front();
        }
        self.inits.push_back((resource, keys, Arc::new(init)));
    }

    /// Keeps a manifest that was fetched again while parts of it are fetched.
    pub(in crate::engine) fn hold_manifest(&mut self, manifest: IncompleteManifest) {
        self.incomplete = Some(manifest);
    }

    /// Takes back the manifest that waits for its parts.
    pub(in crate::engine) const fn take_manifest(&mut self) -> Option<IncompleteManifest> {
        self.incomplete.take()
    }
}

/// Returns the length of a presentation as far as it is known: declared, or the latest end of a known list of video or
/// audio. Subtitles accompany a presentation and never make it longer, unless there is nothing else.
pub(in crate::engine) fn duration(presentation: &Presentation) -> Option<Duration> {
    if presentation.duration.is_some() || presentation.kind == PresentationKind::Live {
        return presentation.duration;
    }
    let sets = &presentation.periods.last()?.adaptation_sets;
    let only_text = sets.iter().all(|set| set.kind == MediaKind::Text);
    let timed = sets.iter().filter(|set| only_text || set.kind != MediaKind::Text);
    let ends = timed.flat_map(|set| &set.representations).filter_map(|rep| match &rep.index {
        SegmentIndex::Known(list) => list.end(),
        SegmentIndex::External(_) => None,
    });
    ends.max().map(|end| end.since(MediaTime::ZERO))
}

#[cfg(test)]
impl Source {
    /// Sets the presentation without the consequences of a reload.
    pub(in crate::engine) fn set_presentation(&mut self, presentation: KeyedPresentation) {
        self.presentation = presentation;
    }

    /// Sets the start position.
    pub(in crate::engine) const fn set_start(&mut self, start: MediaTime) {
        self.start = Some(start);
    }

    /// Sets the duration.
    pub(in crate::engine) const fn set_duration(&mut self, duration: Option<Duration>) {
        self.duration = duration;
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod index_tests;

#[cfg(test)]
mod playlist_tests;
