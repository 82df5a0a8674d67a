//! How far off a seek landed. Pure.

use super::buffer::TrackBuffer;
use crate::command::SeekMode;
use crate::time::MediaTime;

/// Nanoseconds between the target and the first picture, which was stamped `pts`; negative when it lies before. An
/// exact seek that shows the picture on screen at the target has no error, though that picture may begin before it.
pub fn error_nanos(target: MediaTime, mode: SeekMode, pts: MediaTime, video: &TrackBuffer) -> i64 {
    let on_screen = video.sample_at(target).is_some_and(|(begin, end)| begin <= pts && pts < end);
    match mode {
        SeekMode::Exact if on_screen => 0,
        SeekMode::Exact | SeekMode::Keyframe => pts.nanos_from(target),
    }
}
