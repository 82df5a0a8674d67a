//! A track of a movie, as its boxes describe it: what its samples are coded in, and how their times become presentation
//! time. Reading the boxes is left to `movie`.

use std::sync::Arc;

use super::entry::SampleEntry;
use super::protection::KeyParameters;
use crate::container::captions;
use crate::container::{Codec, TrackInit};
use crate::model::MediaKind;
use crate::time::MediaTime;

/// A track of the movie.
#[derive(Clone, Debug)]
pub(super) struct Track {
    /// Description for other modules.
    pub init: TrackInit,
    /// Sample entries; at least one.
    pub entries: Vec<SampleEntry>,
    /// Index of the entry that `init` describes.
    pub entry: u16,
    /// Defaults of the samples in fragments.
    pub defaults: SampleDefaults,
    /// From composition time to presentation time.
    pub edit: Edit,
    /// Key groups that all fragments can name.
    pub key_groups: Vec<KeyParameters>,
}

/// Defaults for samples (`trex`, §8.8.3, overridden by `tfhd`, §8.8.7).
#[derive(Clone, Copy, Debug)]
pub(super) struct SampleDefaults {
    /// Number of the sample entry, from one.
    pub description: u32,
    /// Duration in ticks of the track's timescale.
    pub duration: u32,
    /// Size in bytes of a sample.
    pub size: u32,
    /// Sample flags of §8.8.3.1.
    pub flags: u32,
}

impl Default for SampleDefaults {
    fn default() -> Self {
        Self { description: 1, duration: 0, size: 0, flags: 0 }
    }
}

/// Effect of an edit list (§8.6.6): `presentation = composition − media_time + delay`. One edit after any number of
/// empty ones is what streams use (ISO/IEC 23000-19 §7.5.13); further edits, rates and the end of the edit are not
/// applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Edit {
    /// Ticks of the track. Composition offsets and encoder priming are cut off with it.
    pub media_time: i64,
    /// Nanoseconds of empty edits before.
    pub delay: i64,
}

impl Edit {
    /// Presentation time of an instant of the track's own timeline.
    pub fn apply(self, ticks: i64, timescale: u32) -> MediaTime {
        MediaTime::from_ticks(ticks.saturating_sub(self.media_time), timescale).shifted(self.delay)
    }
}

impl Track {
    /// From what a caller kept of a movie box, without defaults and edits.
    pub fn from_init(init: &TrackInit) -> Self {
        let entry = SampleEntry { config: (*init.config).clone(), protection: None };
        Self {
            init: init.clone(),
            entries: vec![entry],
            entry: 0,
            defaults: SampleDefaults::default(),
            edit: Edit::default(),
            key_groups: Vec::new(),
        }
    }

    /// Returns the presentation time of the beginning of its timeline.
    pub fn origin(&self) -> MediaTime {
        self.edit.apply(0, self.init.timescale)
    }

    /// Index of the sample entry with a number of `sample_description_index` (§8.8.7), which counts from one. A
    /// number that no entry has names the first one.
    pub fn entry_index(&self, description: u32) -> u16 {
        let index = description.checked_sub(1).and_then(|index| u16::try_from(index).ok());
        index.filter(|index| usize::from(*index) < self.entries.len()).unwrap_or(0)
    }

    /// Makes the samples that follow those of another entry. Returns true if the decoder must be configured anew.
    pub fn use_entry(&mut self, index: u16) -> bool {
        if self.entry == index {
            return false;
        }
        self.entry = index;
        let Some(entry) = self.entries.get(usize::from(index)) else { return false };
        let changed = *self.init.config != entry.config;
        if changed {
            self.init.config = Arc::new(entry.config.clone());
        }
        changed
    }

    /// True when its samples can be given out.
    pub fn is_readable(&self) -> bool {
        let codec = &self.init.config.codec;
        self.init.kind != MediaKind::Text || matches!(codec, Codec::Wvtt | Codec::Stpp) || captions::is_track(codec)
    }
}
