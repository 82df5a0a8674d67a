//! The timeline, and the bytes of segments and parts.

use std::fs;

use super::super::channel::MILLI;
use super::super::record;
use super::super::{LiveChannel, LiveError};
use super::*;

#[test]
fn timestamps_run_through_whole_loops_without_a_gap() {
    let Channels { low, through, .. } = &channels();
    for channel in [low, through] {
        for (track, folder, timescale) in [(VIDEO, "video/720p", 24_000), (AUDIO, "audio/en", 48_000)] {
            let mut next = None;
            for number in 0..40 {
                let segment = bytes(channel, &format!("{folder}/seg-{number}.m4s"), number * 2_000 + 3_000);
                for (start, samples) in fragments(&segment, timescale) {
                    assert!(next.is_none_or(|next| next == start), "{track:?} {number}: {start} follows {next:?}");
                    next = Some(start + samples.iter().map(|sample| u64::from(sample.duration)).sum::<u64>());
                }
                let span = channel.inner().timeline.span(track, number);
                assert_eq!(next, Some(span.end), "{track:?} {number}");
            }
        }
    }
    // Audio stays with the video for ever: half a frame, and the priming.
    for number in [1_000_000, 100_000_000] {
        let timeline = &low.inner().timeline;
        let (video, audio) = (timeline.span(VIDEO, number), timeline.span(AUDIO, number));
        assert!(video.start_ns.abs_diff(audio.start_ns) < 33 * MILLI, "{video:?} {audio:?}");
    }
}

/// The bytes of all samples of a file.
fn payload(bytes: &[u8]) -> Vec<u8> {
    let mut rest = bytes;
    let mut all = Vec::new();
    while let Some(at) = rest.windows(4).position(|kind| kind == b"mdat") {
        let size = u32::from_be_bytes(rest[at - 4..at].try_into().unwrap()) as usize;
        all.extend_from_slice(&rest[at + 4..at - 4 + size]);
        rest = &rest[at - 4 + size..];
    }
    all
}

#[test]
fn the_media_of_a_segment_is_that_of_its_title() {
    let Channels { low, data, .. } = &channels();
    let stored = |part: usize| {
        let name = format!("media/drawn/video/720p/part-{part:05}.m4s");
        payload(&fs::read(data.path().join(name)).unwrap())
    };
    // Two stored segments three times and a third one, in each loop.
    for (number, part) in [(0, 1), (1, 2), (2, 1), (5, 2), (6, 3), (7, 1), (13, 3), (700, 1)] {
        let segment = bytes(low, &format!("video/720p/seg-{number}.m4s"), number * 2_000 + 100);
        assert_eq!(payload(&segment), stored(part), "{number}");
        let count = |kind: &[u8; 4]| segment.windows(4).filter(|found| found == kind).count();
        assert_eq!((count(b"styp"), count(b"prft"), count(b"moof")), (1, 6, 6));
    }
    // The first chunk of segment 700 was produced 1400 s after the epoch, in NTP's years since 1900.
    let segment = bytes(low, "video/720p/seg-700.m4s", 1_400_100);
    let at = segment.windows(4).position(|kind| kind == b"prft").unwrap() + 12;
    let seconds = u32::from_be_bytes(segment[at..at + 4].try_into().unwrap());
    assert_eq!(i64::from(seconds) - 2_208_988_800, EPOCH / 1000 + 1_400);
}

#[test]
fn parts_are_the_bytes_of_their_segment() {
    let Channels { low, two, .. } = &channels();
    for (channel, number) in [(low, 5), (two, 4), (two, 11), (two, 12)] {
        for folder in ["video/240p", "audio/en"] {
            let now = (number + 2) * 2_000;
            let whole = bytes(channel, &format!("{folder}/seg-{number}.m4s"), now);
            let parts = channel.inner().timeline.parts(number);
            let part = |part| bytes(channel, &format!("{folder}/seg-{number}.{part}.m4s"), now);
            assert_eq!((0..parts).flat_map(part).collect::<Vec<u8>>(), whole, "{folder} {number}");
            assert_eq!(ask(channel, &format!("{folder}/seg-{number}.{parts}.m4s"), now), Answer::Absent);
        }
    }
}

#[test]
fn a_discontinuity_begins_with_timestamps_from_zero() {
    let Channels { plain: two, .. } = &channels();
    // Five segments of the first title, seven of the second.
    for (number, start) in [(0, 0), (4, 192_000), (5, 0), (11, 288_000), (12, 0), (17, 0)] {
        let segment = bytes(two, &format!("video/240p/seg-{number}.m4s"), number * 2_000 + 3_000);
        assert_eq!(fragments(&segment, 24_000)[0].0, start, "{number}");
    }
    assert_eq!(two.inner().timeline.start_of(1), 9_000 * MILLI);
    assert_eq!(two.inner().timeline.start_of(2), 23_000 * MILLI);
    let on_air = |after| two.on_air(EPOCH + after).map(|programme| (programme.title, programme.starts_at - EPOCH));
    let (first, second) = (|at| ("plain".to_owned(), at), |at| ("drawn".to_owned(), at));
    assert_eq!(on_air(-5), [first(0), second(9_000)]);
    assert_eq!(on_air(22_999), [second(9_000), first(23_000)]);
    assert_eq!(on_air(23_000), [first(23_000), second(32_000)]);
}

#[test]
fn media_is_there_when_its_time_has_come() {
    let Channels { low, through, .. } = &channels();
    let segment = |channel, number: u64, after| ask(channel, &format!("video/240p/seg-{number}.m4s"), after);
    assert_eq!(segment(low, 5, 7_900), Answer::Early);
    let Answer::Media(pieces) = segment(low, 5, 8_000) else { panic!("it is held until it begins") };
    let times: Vec<i64> = pieces.iter().map(|piece| piece.ready_at - EPOCH).collect();
    assert_eq!(times, [10_334, 10_667, 11_000, 11_334, 11_667, 12_000]);
    assert_eq!(segment(through, 2, 5_499), Answer::Early, "without chunks it is there when it is complete");
    assert!(matches!(segment(through, 2, 5_500), Answer::Media(pieces) if pieces.len() == 1));
    assert_eq!(segment(low, 5, 12_000 + 70_001), Answer::Gone);
    assert_eq!(ask(low, "video/240p/seg-5.3.m4s", 10_499), Answer::Early);
    assert!(matches!(ask(low, "video/240p/seg-5.3.m4s", 10_500), Answer::Media(pieces) if pieces.len() == 1));
    for absent in ["seg-05.m4s", "seg-99999999999.m4s", "seg-5.x.m4s", "init-1.mp4", "init.mp4", "payload"] {
        assert_eq!(ask(low, &format!("video/240p/{absent}"), 12_000), Answer::Absent, "{absent}");
    }
    for absent in ["video/360p/seg-5.m4s", "x", "a/b/c/d", "text/en/playlist.m3u8", "patch-5.mpp"] {
        assert_eq!(ask(low, absent, 12_000), Answer::Absent, "{absent}");
    }
    assert!(matches!(ask(low, "video/240p/init-0.mp4", 0), Answer::Init(init) if init.len() > 8));
    assert_eq!(ask(low, "time", 1_500), Answer::Time("2026-01-01T00:00:01.5Z".to_owned()));
}

#[test]
fn channels_are_read_by_their_names() {
    let data = tempfile::tempdir().unwrap();
    assert_eq!(record::channels(data.path()).unwrap(), []);
    let own = record(&["drawn"], Some(500), true);
    record::write(data.path(), &own).unwrap();
    fs::write(data.path().join("live/broken.json"), "{").unwrap();
    fs::write(data.path().join("live/README"), "{}").unwrap();
    assert_eq!(record::channels(data.path()).unwrap(), std::slice::from_ref(&own));
    let error = LiveChannel::open(data.path(), own).unwrap_err();
    assert!(error.to_string().contains("no title drawn"), "{error}");
    let empty = LiveChannel::open(data.path(), record(&[], None, false)).unwrap_err();
    assert!(matches!(empty, LiveError::Empty), "{empty}");
}
