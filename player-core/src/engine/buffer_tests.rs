//! What the buffer keeps, drops and clips.
#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::container::{Codec, Payload};

fn ms(value: i64) -> MediaTime {
    MediaTime::from_millis(value)
}

fn of(number: u64) -> PartOf {
    PartOf { rep: RepKey { period: 0, set: 0, rep: 0 }, number, reason: abr::Reason::Only }
}

fn config(codec_string: &str) -> Arc<CodecConfig> {
    Arc::new(CodecConfig {
        codec: Codec::Ac3,
        codec_string: codec_string.into(),
        width: None,
        height: None,
        pixel_aspect: None,
        rotation: 0,
        sample_rate: None,
        channels: None,
        protection_scheme: None,
    })
}

/// Samples of 100 ms from `from` to `to`, a key frame every second and at the beginning.
fn samples(from: i64, to: i64) -> Vec<Sample> {
    let sample = |at: i64| Sample {
        pts: ms(at),
        dts: ms(at),
        duration: Duration::from_millis(100),
        key: at == from || at % 1000 == 0,
        payload: Payload(vec![0; 10].into()),
        crypto: None,
    };
    (from..to).step_by(100).map(sample).collect()
}

fn add(buffer: &mut TrackBuffer, number: u64, name: &str, from: i64, to: i64) -> usize {
    buffer.insert(of(number), &config(name), Window::ALL, samples(from, to), None)
}

fn video(spans: &[(i64, i64)]) -> TrackBuffer {
    let mut buffer = TrackBuffer::new(MediaKind::Video);
    for (number, (from, to)) in spans.iter().enumerate() {
        add(&mut buffer, number as u64, "a", *from, *to);
        buffer.complete();
    }
    buffer
}

#[test]
fn holes_end_the_contiguous_run_and_small_ones_do_not() {
    let buffer = video(&[(0, 2000), (2100, 4000), (8000, 9000)]);
    assert_eq!(buffer.media_end(ms(500)), Some(ms(4000)));
    assert_eq!(buffer.media_end(ms(5000)), None);
    assert_eq!(buffer.next_media(ms(4000)), Some(ms(8000)));
    assert_eq!(buffer.settled_end(ms(500)), Some(ms(9000)), "what is missing is known to be");
    assert_eq!(buffer.settled_end(ms(9000)), None);
    assert_eq!(buffer.ranges().iter().count(), 2);
    assert!(buffer.holds(ms(5000)), "a hole is never filled");
    assert!(!buffer.holds(ms(9000)));
}

#[test]
fn decoding_begins_at_the_key_frame_before_and_sound_where_it_is() {
    let buffer = video(&[(0, 4000)]);
    let (cursor, pts) = buffer.locate(ms(2550), true).unwrap();
    assert_eq!((cursor.index, pts), (20, ms(2000)));
    let mut audio = TrackBuffer::new(MediaKind::Audio);
    add(&mut audio, 0, "a", 0, 4000);
    assert_eq!(audio.locate(ms(2550), true).unwrap().1, ms(2500));
    assert_eq!(audio.locate(ms(9000), true), None);
    assert_eq!(buffer.sample_at(ms(2550)), Some((ms(2500), ms(2600))));
}

#[test]
fn another_configuration_opens_another_part() {
    let mut buffer = TrackBuffer::new(MediaKind::Video);
    add(&mut buffer, 0, "a", 0, 500);
    add(&mut buffer, 0, "b", 500, 1000);
    assert_eq!(buffer.parts().count(), 2);
    assert_eq!(buffer.media_end(ms(0)), Some(ms(1000)));
}

#[test]
fn an_interrupted_segment_is_kept_only_when_some_of_it_was_handed_out() {
    let mut buffer = video(&[(0, 1000)]);
    add(&mut buffer, 1, "a", 1000, 1500);
    assert_eq!(buffer.interrupt(Some(Cursor { seq: 0, index: 3 })), 50);
    assert_eq!(buffer.parts().count(), 1);
    add(&mut buffer, 1, "a", 1000, 1500);
    let seq = buffer.back().unwrap().seq;
    assert_eq!(buffer.interrupt(Some(Cursor { seq, index: 2 })), 0);
    assert_eq!(add(&mut buffer, 1, "a", 1000, 2000), 5, "only what was not held");
    assert_eq!(buffer.back().unwrap().samples.len(), 10);
}

#[test]
fn an_overlap_is_clipped_at_a_key_frame() {
    let mut buffer = video(&[(0, 2500)]);
    assert_eq!(add(&mut buffer, 1, "b", 2000, 4000), 10);
    assert_eq!(buffer.back().unwrap().first, ms(3000));
}

#[test]
fn eviction_keeps_what_is_needed_and_counts_what_was_never_seen() {
    let mut buffer = video(&[(0, 1000), (1000, 2000), (2000, 3000)]);
    assert!(buffer.mark_seen(ms(1500)).is_some());
    let unseen = buffer.evict(ms(2000), Some(Cursor { seq: 2, index: 0 }));
    assert_eq!((unseen, buffer.parts().count(), buffer.bytes()), (100, 1, 100));
    assert_eq!(buffer.restart(ms(0)), 100);
    assert_eq!(buffer.bytes(), 0);
}

#[test]
fn a_blank_is_settled_and_has_no_media() {
    let mut buffer = video(&[(0, 1000)]);
    buffer.insert_blank(of(9), ms(4000), ms(5000));
    add(&mut buffer, 2, "a", 5000, 6000);
    assert_eq!(buffer.settled_end(ms(0)), Some(ms(6000)));
    assert_eq!(buffer.media_end(ms(0)), Some(ms(1000)));
}
