//! Downloads: the streams, the state that their segments leave for the next, and which segment comes next. Only the
//! verbs of `Stream` change a stream.

mod demand;
mod kept;
mod load_control;
mod lookahead;
pub(super) mod schedule;
mod segment_download;
mod stream;
mod window;

pub(super) use demand::{Demand, RATES};
pub(super) use kept::{KeptState, OpenTail};
pub(super) use load_control::{LoadControl, Waiting};
pub(super) use lookahead::{segment_duration, segment_start, segments_left, sizes_ahead};
pub(super) use segment_download::{SegmentDownload, SegmentPlan};
pub(super) use stream::{Activity, NextSegment, Stream};
pub(super) use window::window;
