//! Buffers: media that is held, its place in time, and its account.

mod accounting;
mod captions;
mod cues;
pub(super) mod gap;
mod kinds;
mod metadata;
pub(super) mod timeline;
mod track_buffer;

pub(super) use accounting::{Departure, Discard, Fate, Loss, SampleAccount};
pub(super) use captions::CaptionStore;
pub(super) use cues::TextStore;
pub(super) use kinds::KindList;
pub(super) use metadata::{MetadataStore, Passage, Taken};
pub(super) use track_buffer::{BufferedSegment, Cursor, GAP_TOLERANCE, TrackBuffer};

use crate::model::MediaKind;

/// Kinds of media that have a track buffer and are handed to a decoder.
pub(super) const BUFFERED: [MediaKind; 2] = [MediaKind::Video, MediaKind::Audio];
