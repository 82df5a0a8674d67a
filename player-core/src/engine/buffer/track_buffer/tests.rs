//! Tests of which samples the buffer keeps, drops and clips.
#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::container::Payload;
use crate::engine::buffer::Discard;
use crate::render::FrameCounts;

pub(super) fn ms(value: i64) -> MediaTime {
    MediaTime::from_millis(value)
}

pub(super) fn of(number: u64) -> PartOf {
    PartOf::for_tests(0, number)
}

pub(super) fn config(codec_string: &str) -> Arc<CodecConfig> {
    Arc::new(CodecConfig::for_tests(codec_string))
}

/// Samples of 100 ms from `from` to `to`, a key frame every second and at the beginning.
pub(super) fn samples(from: i64, to: i64) -> Vec<Sample> {
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

pub(super) fn add(buffer: &mut TrackBuffer, number: u64, name: &str, from: i64, to: i64) -> usize {
    buffer.insert(of(number), &config(name), Window::ALL, samples(from, to), None)
}

pub(super) fn video(spans: &[(i64, i64)]) -> TrackBuffer {
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
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
    assert!(buffer.holds(ms(5000)), "a gap is never filled");
    assert!(!buffer.holds(ms(9000)));
}

#[test]
fn decoding_begins_at_the_key_frame_before_and_sound_where_it_is() {
    let buffer = video(&[(0, 4000)]);
    let (cursor, pts) = buffer.locate(ms(2550), true).unwrap();
    assert_eq!((cursor.index, pts), (20, ms(2000)));
    let mut audio = TrackBuffer::new(ItemId::default(), MediaKind::Audio);
    add(&mut audio, 0, "a", 0, 4000);
    assert_eq!(audio.locate(ms(2550), true).unwrap().1, ms(2500));
    assert_eq!(audio.locate(ms(9000), true), None);
    assert_eq!(buffer.sample_at(ms(2550)), Some((ms(2500), ms(2600))));
}

#[test]
fn another_configuration_opens_another_part() {
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
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
    assert_eq!(buffer.restart(ms(0), Departure::Void), 100);
    assert_eq!(buffer.bytes(), 0);
}

#[test]
fn a_blank_is_settled_and_has_no_media() {
    let mut buffer = video(&[(0, 1000)]);
    buffer.insert_empty_range(of(9), ms(4000), ms(5000));
    add(&mut buffer, 2, "a", 5000, 6000);
    assert_eq!(buffer.settled_end(ms(0)), Some(ms(6000)));
    assert_eq!(buffer.media_end(ms(0)), Some(ms(1000)));
}

/// Samples of 100 ms in decoding order that are presented in turns: each pair swaps its places.
fn reordered(from: i64, times: &[i64]) -> Vec<Sample> {
    let place = |(index, at): (usize, &i64)| Sample {
        dts: ms(from + index as i64 * 100),
        pts: ms(*at),
        ..samples(0, 100)[0].clone()
    };
    let mut made: Vec<_> = times.iter().enumerate().map(place).collect();
    made.iter_mut().for_each(|sample| sample.key = false);
    made
}

#[test]
fn pictures_of_two_segments_that_are_presented_in_turns_are_no_overlap() {
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    let first = [Sample { key: true, ..reordered(0, &[0])[0].clone() }, reordered(100, &[800])[0].clone()];
    buffer.insert(of(0), &config("a"), Window::ALL, first.to_vec(), None);
    buffer.complete();
    // Cut between a picture and those that are presented before it.
    let second = reordered(200, &[400, 200, 300, 600, 500, 700]);
    assert_eq!(buffer.insert(of(1), &config("a"), Window::ALL, second, None), 6);
    assert_eq!(buffer.sample_at(ms(650)), Some((ms(600), ms(700))));
    assert_eq!((buffer.account().counts().received, buffer.account().counts().departed()), (8, 0));
    // The same pictures from another representation do repeat what is here.
    let other = PartOf::for_tests(1, 1);
    assert_eq!(buffer.insert(other, &config("b"), Window::ALL, reordered(200, &[400, 200, 300]), None), 0);
    assert_eq!(buffer.account().counts().lost.overlapped, 3);
}

#[test]
fn a_repeated_request_counts_its_samples_once() {
    let mut buffer = video(&[(0, 1000)]);
    add(&mut buffer, 1, "a", 1000, 1500);
    buffer.interrupt(None);
    assert_eq!(buffer.account().counts().received, 10);
    add(&mut buffer, 1, "a", 1000, 1300);
    add(&mut buffer, 1, "b", 1300, 1500);
    buffer.hand_over(buffer.back().unwrap().seq - 1, 0..2, ms(0));
    let first = buffer.back().unwrap().seq - 1;
    buffer.interrupt(Some(Cursor { seq: first, index: 2 }));
    assert_eq!(add(&mut buffer, 1, "a", 1000, 1300), 0);
    assert_eq!(add(&mut buffer, 1, "b", 1300, 2000), 7);
    assert_eq!((buffer.account().counts().received, buffer.account().counts().departed()), (20, 0));
}

#[test]
fn what_comes_before_the_first_key_frame_is_undecodable() {
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    let mut all = samples(0, 2000);
    all[0].key = false;
    buffer.insert(of(0), &config("a"), Window::ALL, all, None);
    let (cursor, pts) = buffer.locate(ms(0), true).unwrap();
    assert_eq!(pts, ms(1000));
    buffer.skip_to(cursor, ms(0));
    assert_eq!(buffer.account().counts().lost.undecodable, 10);
}

#[test]
fn a_segment_without_a_key_frame_is_passed_over() {
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    let keyless = samples(0, 1000).into_iter().map(|sample| Sample { key: false, ..sample }).collect();
    buffer.insert(of(0), &config("a"), Window::ALL, keyless, None);
    buffer.complete();
    assert_eq!(buffer.locate(ms(0), true), None, "the next one may begin with one");
    add(&mut buffer, 1, "a", 1000, 2000);
    assert_eq!(buffer.locate(ms(0), true).map(|(_, pts)| pts), Some(ms(1000)));
}

#[test]
fn the_lead_counts_pictures_after_the_position() {
    let buffer = video(&[(0, 1000), (1000, 2000)]);
    assert_eq!(buffer.lead_end(ms(850), 3), Some(ms(1100)));
    assert_eq!(buffer.lead_end(ms(1950), 3), Some(ms(2000)));
    assert_eq!(buffer.lead_end(ms(2000), 3), None);
}

#[test]
fn samples_that_wait_at_the_end_are_counted_once_and_the_counted_ones_stay_so() {
    let mut buffer = video(&[(0, 1000)]);
    let counts = |buffer: &TrackBuffer| {
        let counts = buffer.account().counts();
        (counts.received, counts.lost.undecodable, counts.discarded.seek, counts.departed())
    };
    buffer.close_account(FrameCounts::default());
    assert_eq!(counts(&buffer), (10, 10, 0, 10));
    // Nothing of what was counted is counted again when it leaves the buffer.
    buffer.restart(ms(0), Departure::Discarded(Discard::Seek));
    assert_eq!(counts(&buffer), (10, 10, 0, 10));
}
