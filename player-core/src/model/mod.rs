//! The presentation as plain data: what both HLS and DASH become. Nothing here fetches, parses or decides.
//!
//! `Presentation → Period → AdaptationSet → Representation → SegmentIndex → SegmentRef`, in the terms of
//! ISO/IEC 23009-1; HLS renditions, variants and discontinuities are mapped at the parser.

mod encryption;
mod extras;
mod footprint;
#[cfg(test)]
mod for_tests;
mod index;
mod listing;
mod live;
mod merge;
mod metadata;
mod part_entry;
mod parts;
mod placing;
mod presentation;
mod resource;
mod runs;
mod segment;
mod splice;
#[cfg(test)]
mod tests;
mod thumbnails;
mod track;

pub use encryption::{EncryptionMethod, KeySource, Protection, SegmentEncryption, SegmentKey, SegmentKeys};
pub use extras::{
    BaseWeight, CaptionService, CaptionTrack, ContentSteering, MuxedAudio, Pathway, SessionData, Thumbnail,
};
pub use footprint::Footprint;
pub use index::{CryptoPeriod, SegmentIndex, SegmentList, SegmentTemplate};
pub use listing::{INHERITED, INHERITED_OFFSET, ListedPart, ListedSegment, SegmentListing, Skipped};
pub use live::{
    Availability, LiveDescription, ManifestUpdates, PatchLocation, PlaylistGrowth, RenditionReport, ServiceDescription,
    TimeSource,
};
pub use merge::{Agreement, Changes};
pub use metadata::{MetadataBody, MetadataSource, TimedMetadata};
pub use presentation::{
    AdaptationSet, ContentKinds, FrameRate, MediaKind, Period, Presentation, PresentationKind, Protocol,
    Representation, RepresentationTraits, ThumbnailTrack, VideoRange,
};
pub use resource::{ByteRange, ContainerFormat, IndexFormat, IndexSource, Resource, TimestampMapping};
pub use runs::{TimelineBounds, TimelineChange, TimelineCut, TimelineEntry, TimelineRun, TimelineRuns, TimelineSource};
pub use segment::{PartTraits, SegmentId, SegmentRef};
pub use thumbnails::ThumbnailSpan;
pub use track::{Role, TrackId};
