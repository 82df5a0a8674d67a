//! Manifests of DASH (ISO/IEC 23009-1).

mod addressing;
mod element;
mod live;
#[cfg(test)]
mod live_tests;
mod mpd;
mod patch;
mod patch_operation;
mod patch_timeline;
mod sets;
mod template;
#[cfg(test)]
mod tests;

pub use addressing::{
    MediaRange, SegmentAddressing, SegmentBase, SegmentList, SegmentTemplate, SegmentTiming, TimelineEntry,
    fold_timeline,
};
pub use element::Element;
pub use live::{
    AvailabilityTimeOffset, BaseUrl, ContentSteering, Latency, PatchLocation, PlaybackRate, ProducerReferenceTime,
    ReferenceType, Resync, ServiceDescription, UtcScheme, UtcTiming,
};
pub use mpd::{DynamicAttributes, Event, EventStream, Mpd, MpdType, Period, PeriodElement};
pub use patch::Patch;
pub use patch_operation::{PatchOperation, Position, Selector};
pub use sets::{AdaptationSet, ContentProtection, ContentType, Descriptor, FrameRate, Representation};
pub use template::UrlTemplate;
