//! Finds the gaps in the media, and decides how playback passes them. Pure.
//!
//! | missing | effect |
//! |---|---|
//! | up to [`GAP_TOLERANCE`], of one kind or of all | none: the clock runs on |
//! | one kind only, of whatever length | *bridged*: the others go on; the last picture stays, or there is silence |
//! | all kinds at the same time | *jumped*: playback goes on where the first of them does, with `Event::GapSkipped` |
//! | all kinds, up to the end | jumped to the end |
//!
//! A gap is known once every stream has supplied the media after it, or has none: playback waits for media that is on
//! its way, never for media that does not exist. Jumped time counts as played.

use crate::engine::buffer::{GAP_TOLERANCE, TrackBuffer};
use crate::time::MediaTime;

/// One kind of track, as far as it was fetched.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Known<'a> {
    /// Buffer of the kind.
    pub run: &'a TrackBuffer,
    /// Nothing more will come before this time.
    pub settled: MediaTime,
}

/// A span in which no kind has media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Gap {
    /// End of the media before it, or the position inside of it.
    pub from: MediaTime,
    /// Start of the first media after it, of any kind.
    pub to: MediaTime,
}

/// Up to where one kind or another has media from `position` on; `position` itself when none has.
pub(in crate::engine) fn covered_end(kinds: &[Known<'_>], position: MediaTime) -> MediaTime {
    let mut end = position;
    // Each turn passes at least one part of one run.
    while let Some(further) = kinds.iter().filter_map(|kind| kind.run.media_end(end)).max() {
        end = further;
    }
    end
}

/// The next gap in all kinds at or after `position` that is longer than a seam.
pub(in crate::engine) fn next_gap(kinds: &[Known<'_>], position: MediaTime) -> Option<Gap> {
    gap_from(kinds, covered_end(kinds, position))
}

/// Returns the gap in all kinds that begins at `from`, where the media of each has ended, if it is longer than a seam.
pub(in crate::engine) fn gap_from(kinds: &[Known<'_>], from: MediaTime) -> Option<Gap> {
    let to = kinds.iter().filter_map(|kind| kind.run.next_media(from)).min()?;
    let known = kinds.iter().all(|kind| kind.settled >= to);
    (known && to > from + GAP_TOLERANCE).then_some(Gap { from, to })
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

    fn run(kind: MediaKind, spans: &[(i64, i64)]) -> TrackBuffer {
        let config = Arc::new(CodecConfig::for_tests(""));
        let mut run = TrackBuffer::new(ItemId::default(), kind);
        for (number, (from, to)) in spans.iter().enumerate() {
            let of = PartOf::for_tests(0, number as u64);
            let sample = |at: i64| Sample {
                pts: ms(at),
                dts: ms(at),
                duration: Duration::from_millis(100),
                key: true,
                payload: Payload::default(),
                crypto: None,
            };
            run.insert(of, &config, Window::ALL, (*from..*to).step_by(100).map(sample).collect(), None);
            run.complete();
        }
        run
    }

    fn gap(video: &[(i64, i64)], audio: &[(i64, i64)], at: i64, settled: (i64, i64)) -> Option<(i64, i64)> {
        let (video, audio) = (run(MediaKind::Video, video), run(MediaKind::Audio, audio));
        let kinds = [Known { run: &video, settled: ms(settled.0) }, Known { run: &audio, settled: ms(settled.1) }];
        next_gap(&kinds, ms(at)).map(|gap| (gap.from.as_nanos() / 1_000_000, gap.to.as_nanos() / 1_000_000))
    }

    #[test]
    fn what_one_kind_lacks_is_no_hole() {
        let whole = [(0, 10_000)];
        assert_eq!(gap(&whole, &[(0, 4000), (6000, 10_000)], 0, (10_000, 10_000)), None);
        assert_eq!(gap(&[(0, 4000), (6000, 10_000)], &whole, 0, (10_000, 10_000)), None);
        assert_eq!(gap(&[(0, 5000), (9000, 10_000)], &[(0, 4000), (5000, 10_000)], 0, (10_000, 10_000)), None);
    }

    #[test]
    fn what_all_lack_is_one_from_the_last_end_to_the_first_begin() {
        let (video, audio) = ([(0, 4000), (6000, 9000)], [(0, 4500), (5500, 9000)]);
        assert_eq!(gap(&video, &audio, 0, (9000, 9000)), Some((4500, 5500)));
        assert_eq!(gap(&video, &audio, 4700, (9000, 9000)), Some((4700, 5500)));
        assert_eq!(gap(&video, &audio, 5500, (9000, 9000)), None);
        assert_eq!(gap(&[(0, 4000), (4200, 9000)], &[(0, 4000), (4200, 9000)], 0, (9000, 9000)), None, "a seam");
    }

    #[test]
    fn nothing_is_jumped_while_media_may_still_come() {
        assert_eq!(gap(&[(0, 4000), (6000, 9000)], &[(0, 4000)], 0, (9000, 4000)), None);
        assert_eq!(gap(&[(0, 4000), (6000, 9000)], &[(0, 4000)], 0, (9000, 6000)), Some((4000, 6000)));
        assert_eq!(gap(&[(0, 4000)], &[(0, 4000)], 0, (i64::MAX / 1_000_000, i64::MAX / 1_000_000)), None);
    }

    #[test]
    fn a_gap_is_longer_than_the_tolerance_and_begins_at_the_position_inside_of_it() {
        let seam = GAP_TOLERANCE.as_millis() as i64;
        for (more, found) in [(0, None), (1, Some((4000, 4000 + seam + 1)))] {
            let spans = [(0, 4000), (4000 + seam + more, 9000)];
            assert_eq!(gap(&spans, &spans, 0, (9000, 9000)), found, "{more}");
            assert_eq!(gap(&spans, &spans, 4000 + more, (9000, 9000)), None, "what is left of it is short");
        }
        // Between the end of one kind and the begin of the other.
        for (more, found) in [(0, None), (1, Some((4000, 4000 + seam + 1)))] {
            assert_eq!(gap(&[(0, 4000)], &[(4000 + seam + more, 9000)], 0, (9000, 9000)), found, "{more}");
        }
        let spans = [(0, 4000), (6000, 9000)];
        assert_eq!(gap(&spans, &spans, 4000, (9000, 9000)), Some((4000, 6000)));
        assert_eq!(gap(&spans, &spans, 4000, (9000, 5999)), None, "one of them may still bring what lies in it");
        let (video, audio) =
            (run(MediaKind::Video, &[(0, 4000)]), run(MediaKind::Audio, &[(3000, 5000), (5000, 6000)]));
        let kinds = [&video, &audio].map(|run| Known { run, settled: ms(0) });
        assert_eq!([0, 4500, 6000].map(|at| covered_end(&kinds, ms(at))), [6000, 6000, 6000].map(ms));
        assert_eq!(covered_end(&[], ms(7)), ms(7));
        let late = run(MediaKind::Video, &[(4000 + seam, 9000)]);
        let from = |at| gap_from(&[Known { run: &late, settled: ms(9000) }], ms(at)).map(|gap| gap.from);
        assert_eq!((from(4000), from(3999)), (None, Some(ms(3999))), "what is as long as the tolerance is none");
    }
}
