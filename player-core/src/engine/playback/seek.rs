//! Error of a seek: the distance from its target to the picture that is shown. Pure.

use crate::command::SeekMode;
use crate::engine::buffer::TrackBuffer;
use crate::time::MediaTime;

/// Nanoseconds between the target and the first picture, which was stamped `pts`; negative when it lies before. An
/// exact seek that shows the picture on screen at the target has no error, though that picture may begin before it.
pub(in crate::engine) fn error_nanos(target: MediaTime, mode: SeekMode, pts: MediaTime, video: &TrackBuffer) -> i64 {
    let on_screen = video.sample_at(target).is_some_and(|(begin, end)| begin <= pts && pts < end);
    match mode {
        SeekMode::Exact if on_screen => 0,
        SeekMode::Exact | SeekMode::Keyframe => pts.nanos_from(target),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::container::{CodecConfig, Payload, Sample};
    use crate::engine::ids::{ItemId, PartOf};
    use crate::model::MediaKind;
    use crate::render::Window;

    fn ms(value: i64) -> MediaTime {
        MediaTime::from_millis(value)
    }

    /// Frames of 40 ms from one second to two.
    fn video() -> TrackBuffer {
        let config = CodecConfig::for_tests("");
        let sample = |at: i64| Sample {
            pts: ms(at),
            dts: ms(at - 80),
            duration: Duration::from_millis(40),
            key: at == 1000,
            payload: Payload::default(),
            crypto: None,
        };
        let of = PartOf::for_tests(0, 0);
        let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
        let samples = (1000..2000).step_by(40).map(sample).collect();
        buffer.insert(of, &Arc::new(config), Window::ALL, samples, None);
        buffer
    }

    #[test]
    fn an_exact_seek_has_no_error_from_the_begin_to_the_end_of_the_frame_on_screen() {
        let buffer = video();
        let error = |target, pts| error_nanos(ms(target), SeekMode::Exact, ms(pts), &buffer);
        assert_eq!((error(1040, 1040), error(1079, 1040)), (0, 0));
        assert_eq!(error(1080, 1040), -40_000_000, "the next frame begins at its end");
        assert_eq!(error(1039, 1040), 1_000_000, "the frame before is on screen");
        assert_eq!((error(1040, 1080), error(1079, 1079)), (40_000_000, 0));
        assert_eq!((error(999, 1000), error(2000, 1960)), (1_000_000, -40_000_000), "there is no frame to compare");
    }

    #[test]
    fn a_seek_to_a_key_frame_is_off_by_the_distance_to_it() {
        let buffer = video();
        let error = |target, pts| error_nanos(ms(target), SeekMode::Keyframe, ms(pts), &buffer);
        assert_eq!((error(1500, 1000), error(1000, 1000), error(900, 1000)), (-500_000_000, 0, 100_000_000));
        assert_eq!(error(1030, 1000), -30_000_000, "on screen at the target, and yet before it");
    }
}
