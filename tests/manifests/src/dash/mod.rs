//! Manifests of DASH (ISO/IEC 23009-1).

mod addressing;
mod element;
mod mpd;
mod sets;
mod template;
#[cfg(test)]
mod tests;

pub use addressing::{
    MediaRange, SegmentAddressing, SegmentBase, SegmentList, SegmentTemplate, SegmentTiming, TimelineEntry,
    fold_timeline,
};
pub use element::Element;
pub use mpd::{Event, EventStream, Mpd, MpdType, Period, PeriodElement};
pub use sets::{AdaptationSet, ContentProtection, ContentType, Descriptor, FrameRate, Representation};
pub use template::UrlTemplate;
