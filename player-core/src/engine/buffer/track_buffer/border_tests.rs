//! Exact borders: of seams, gaps, key frames, windows, and of what was handed out.
#![expect(clippy::unwrap_used, reason = "tests")]
use super::eviction::Evicted;
use super::tests::{add, config, ms, of, samples, video};
use super::*;

/// The longest gap that counts as none.
const SEAM_MS: i64 = GAP_TOLERANCE.as_millis() as i64;

#[test]
fn a_gap_of_the_tolerance_is_none_and_a_millisecond_more_is_one() {
    for (more, end) in [(0, 3000 + SEAM_MS), (1, 1000)] {
        let mut buffer = video(&[(0, 1000)]);
        let begin = 1000 + SEAM_MS + more;
        add(&mut buffer, 1, "a", begin, begin + 2000);
        assert_eq!(buffer.media_end(ms(0)), Some(ms(end)), "{more}");
        assert_eq!(buffer.ranges().iter().count() as i64, 1 + more);
        assert_eq!(buffer.settled_end(ms(0)), Some(ms(begin + 2000)), "either way it is known");
    }
}

#[test]
fn media_that_begins_within_the_tolerance_is_presented_from_the_position_on() {
    let buffer = video(&[(1000, 2000)]);
    let mut later = video(&[]);
    later.restart(ms(1000), Departure::Void);
    add(&mut later, 0, "a", 1000, 2000);
    for (at, media, settled) in
        [(1000 - SEAM_MS, true, true), (999 - SEAM_MS, false, false), (1999, true, true), (2000, false, false)]
    {
        assert_eq!(later.media_end(ms(at)).is_some(), media, "{at}");
        assert_eq!(later.settled_end(ms(at)).is_some(), settled, "{at}");
        assert_eq!(later.begins_by(ms(at)), at >= 1000 - SEAM_MS, "{at}");
    }
    assert_eq!(buffer.settled_end(ms(0)), Some(ms(2000)), "it was asked for from zero on: what lies before is missing");
    later.extend_to(ms(0));
    assert_eq!(later.settled_end(ms(0)), Some(ms(2000)));
    later.extend_to(ms(500));
    assert!(later.begins_by(ms(0)), "never later again");
}

#[test]
fn what_is_held_begins_and_ends_exactly() {
    let mut buffer = video(&[(1000, 2000), (2000, 3000)]);
    let held = |buffer: &TrackBuffer, at| buffer.holds(ms(at));
    assert_eq!([0, 1000, 2999, 3000].map(|at| held(&buffer, at)), [true, true, true, false]);
    buffer.evict(ms(2000), Some(Cursor { seq: 1, index: 0 }));
    assert_eq!([1999, 2000].map(|at| held(&buffer, at)), [false, true]);
    assert_eq!(buffer.next_media(ms(1999)), Some(ms(2000)));
    assert_eq!(buffer.next_media(ms(2000)), None, "media after the position, not at it");
}

#[test]
fn eviction_stops_before_what_is_not_over_not_complete_or_not_handed_out() {
    let full = || video(&[(0, 1000), (1000, 2000)]);
    for (limit, seq, left) in [(999, 9, 2), (1000, 9, 1), (1000, 0, 2), (1000, 1, 1), (1999, 9, 1), (2000, 9, 0)] {
        let mut buffer = full();
        buffer.evict(ms(limit), Some(Cursor { seq, index: 0 }));
        assert_eq!(buffer.parts().count(), left, "{limit} {seq}");
        assert_eq!(buffer.bytes(), left as u64 * 100);
        assert_eq!(buffer.end(), (left > 0).then_some(ms(2000)));
    }
    let mut open = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    add(&mut open, 0, "a", 0, 1000);
    open.evict(ms(5000), Some(Cursor { seq: 9, index: 0 }));
    assert_eq!(open.parts().count(), 1);
}

#[test]
fn a_gap_that_is_evicted_or_withdrawn_counts_no_longer() {
    let mut buffer = video(&[(0, 1000), (5000, 6000), (6000, 7000)]);
    assert_eq!(buffer.media_end(ms(500)), Some(ms(1000)));
    buffer.evict(ms(6000), Some(Cursor { seq: 2, index: 0 }));
    assert_eq!((buffer.gaps, buffer.media_end(ms(6000))), (0, Some(ms(7000))));
    add(&mut buffer, 9, "a", 9000, 9500);
    assert_eq!(buffer.gaps, 1);
    buffer.truncate(None, Departure::Void, |part| part.first >= ms(9000));
    assert_eq!((buffer.gaps, buffer.end()), (0, Some(ms(7000))));
    buffer.insert_empty_range(of(10), ms(7000), ms(8000));
    assert_eq!(buffer.gaps, 1);
    buffer.restart(ms(0), Departure::Void);
    assert_eq!((buffer.gaps, buffer.end(), buffer.bytes()), (0, None, 0));
}

#[test]
fn decoding_begins_at_a_key_frame_from_its_own_time_on() {
    let buffer = video(&[(0, 2000), (2000, 4000)]);
    let key = |at| buffer.locate(ms(at), true).map(|(cursor, pts)| (cursor.seq, cursor.index, pts));
    assert_eq!(key(1999), Some((0, 10, ms(1000))));
    assert_eq!(key(2000), Some((1, 0, ms(2000))));
    assert_eq!(key(2999), Some((1, 0, ms(2000))));
    assert_eq!(key(3000), Some((1, 10, ms(3000))));
    assert_eq!(key(3999).map(|(.., pts)| pts), Some(ms(3000)));
    assert_eq!(key(4000), None);
}

#[test]
fn audio_begins_with_the_sample_that_sounds() {
    let mut audio = TrackBuffer::new(ItemId::default(), MediaKind::Audio);
    add(&mut audio, 0, "a", 0, 1000);
    let at = |millis| audio.locate(ms(millis), true).map(|(cursor, pts)| (cursor.index, pts));
    assert_eq!([at(99), at(100), at(999)], [Some((0, ms(0))), Some((1, ms(100))), Some((9, ms(900)))]);
}

#[test]
fn in_a_gap_the_picture_before_it_is_shown_after_a_seek_and_the_one_after_it_after_a_jump() {
    let buffer = video(&[(0, 1000), (5000, 6000)]);
    let begin = |at, held| buffer.locate(ms(at), held).map(|(_, pts)| pts);
    assert_eq!((begin(3000, true), begin(3000, false)), (Some(ms(0)), Some(ms(5000))));
    assert_eq!(begin(5000 - SEAM_MS, true), Some(ms(0)), "what is so near is no gap, but its key frame comes later");
    assert_eq!(begin(5000, false), Some(ms(5000)));
    assert_eq!(begin(4900, false), Some(ms(5000)), "after a jump nothing before the gap is decoded");
}

#[test]
fn the_frame_on_screen_lasts_up_to_the_next_one() {
    let buffer = video(&[(0, 1000), (1000, 2000)]);
    let at = |millis| buffer.sample_at(ms(millis));
    assert_eq!(at(999), Some((ms(900), ms(1000))));
    assert_eq!(at(1000), Some((ms(1000), ms(1100))));
    assert_eq!((at(1999), at(2000), at(-1)), (Some((ms(1900), ms(2000))), None, None));
    let mut seen = buffer;
    assert_eq!(seen.mark_seen(ms(1000)).map(|part| part.seq), Some(1));
    assert!(seen.mark_seen(ms(2000)).is_none());
    assert_eq!(seen.parts().map(|part| part.seen).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_segment_that_is_not_complete_reaches_no_further_than_its_begin() {
    let mut buffer = video(&[(0, 1000)]);
    assert_eq!(buffer.complete_end(ms(500)), Some(ms(1000)));
    add(&mut buffer, 1, "a", 1000, 1500);
    assert_eq!(buffer.complete_end(ms(500)), Some(ms(1000)));
    assert_eq!(buffer.complete_end(ms(1200)), Some(ms(1200)), "inside of it nothing is complete ahead");
    buffer.complete();
    assert_eq!(buffer.complete_end(ms(500)), Some(ms(1500)));
    assert_eq!(buffer.complete_end(ms(1500)), None);
}

#[test]
fn nothing_is_complete_while_the_first_segment_is_under_way() {
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    buffer.restart(ms(1000), Departure::Void);
    assert_eq!(buffer.complete_end(ms(1000)), None, "nothing is settled");
    add(&mut buffer, 0, "a", 1200, 2000);
    for at in [1000, 1200, 1500] {
        assert_eq!(buffer.complete_end(ms(at)), Some(ms(at)), "its begin is no end");
    }
    add(&mut buffer, 0, "b", 2000, 3000);
    assert_eq!(buffer.complete_end(ms(1000)), Some(ms(1000)), "a configuration ends in it, and it goes on");
    buffer.extend_to(ms(0));
    assert_eq!(buffer.complete_end(ms(0)), Some(ms(0)));
    buffer.complete();
    assert_eq!(buffer.complete_end(ms(1000)), Some(ms(3000)));
}

#[test]
fn media_is_complete_up_to_the_segment_under_way_and_over_the_gap_before_it() {
    let end = |begin, at| {
        let mut buffer = video(&[(0, 1000), (1000, 2000)]);
        add(&mut buffer, 2, "a", begin, begin + 1000);
        add(&mut buffer, 2, "b", begin + 1000, begin + 2000);
        buffer.complete_end(ms(at))
    };
    assert_eq!(end(2000 + SEAM_MS, 500), Some(ms(2000)), "the tolerance is no media");
    assert_eq!(end(2001 + SEAM_MS, 500), Some(ms(2001 + SEAM_MS)), "what is missing is settled");
    assert_eq!((end(2000, 1999), end(2000, 2000), end(2000, 2500)), (Some(ms(2000)), Some(ms(2000)), Some(ms(2500))));
    // Pictures of the segment under way are presented before the last one of the segment before it.
    let mut reordered = video(&[(0, 1000)]);
    let early = Sample { dts: ms(1000), ..samples(800, 900).remove(0) };
    reordered.insert(of(1), &config("a"), Window::ALL, vec![early], None);
    assert_eq!(reordered.complete_end(ms(0)), Some(ms(800)));
}

#[test]
fn an_overlap_up_to_the_tolerance_is_rounding() {
    for (begin, kept) in [(1900, 11), (1899, 0)] {
        let mut buffer = video(&[(0, 2000)]);
        let mut late = samples(begin, begin + 1100);
        late.iter_mut().for_each(|sample| sample.key = sample.pts == ms(begin));
        assert_eq!(buffer.insert(of(9), &config("a"), Window::ALL, late, None), kept, "{begin}");
    }
    for (begin, kept) in [(1950, 10), (1949, 9)] {
        let mut audio = TrackBuffer::new(ItemId::default(), MediaKind::Audio);
        add(&mut audio, 0, "a", 0, 2000);
        audio.complete();
        assert_eq!(add(&mut audio, 9, "a", begin, begin + 1000), kept, "half a sample: {begin}");
    }
}

/// Pictures in decoding order whose presentation order differs: `(dts, pts)` in milliseconds.
fn decoded(times: &[(i64, i64)]) -> Vec<Sample> {
    let sample = |(dts, pts): &(i64, i64)| Sample {
        dts: ms(*dts),
        pts: ms(*pts),
        key: dts == pts,
        ..samples(0, 100)[0].clone()
    };
    times.iter().map(sample).collect()
}

#[test]
fn an_interrupted_segment_goes_on_in_decoding_order() {
    let whole = [(0, 0), (100, 400), (200, 100), (300, 200), (400, 300), (500, 700), (600, 500), (700, 600)];
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    buffer.insert(of(0), &config("a"), Window::ALL, decoded(&whole[..4]), None);
    let committed = Some(Cursor { seq: 0, index: 2 });
    assert_eq!(buffer.interrupt(committed), 0);
    assert_eq!(buffer.insert(of(0), &config("a"), Window::ALL, decoded(&whole), committed), 4);
    let held: Vec<MediaTime> = buffer.parts().flat_map(|part| &part.samples).map(|sample| sample.dts).collect();
    assert_eq!(held, whole.map(|(dts, _)| ms(dts)), "each once, and none missing");
    assert_eq!(buffer.end(), Some(ms(800)));
    // Another attempt at another segment is not shortened.
    buffer.complete();
    assert_eq!(buffer.insert(of(1), &config("a"), Window::ALL, decoded(&[(800, 800), (900, 900)]), committed), 2);
}

#[test]
fn what_was_resumed_is_forgotten_after_a_restart() {
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    add(&mut buffer, 0, "a", 0, 500);
    buffer.interrupt(Some(Cursor { seq: 0, index: 1 }));
    buffer.restart(ms(0), Departure::Void);
    assert_eq!(add(&mut buffer, 0, "a", 0, 500), 5);
}

#[test]
fn media_after_a_discontinuity_shortens_what_was_not_handed_out() {
    let until = Window { from: ms(900), until: Window::ALL.until };
    for (committed, end) in [(None, 900), (Some(Cursor { seq: 0, index: 1 }), 1000)] {
        let mut buffer = video(&[(0, 1000)]);
        buffer.insert(of(1), &config("a"), until, samples(900, 1900), committed);
        assert_eq!(buffer.parts().next().unwrap().last, ms(end), "{committed:?}");
        assert_eq!(buffer.end(), Some(ms(1900)));
    }
}

#[test]
fn a_blank_ends_where_media_comes_after_all() {
    let mut buffer = video(&[(0, 1000)]);
    buffer.insert_empty_range(of(1), ms(1000), ms(3000));
    add(&mut buffer, 2, "a", 2000, 4000);
    let spans: Vec<(MediaTime, MediaTime)> = buffer.parts().map(|part| (part.first, part.last)).collect();
    assert_eq!(spans, [(ms(0), ms(1000)), (ms(1000), ms(2000)), (ms(2000), ms(4000))]);
    buffer.insert_empty_range(of(3), ms(4000), ms(4000));
    assert_eq!(buffer.parts().count(), 3, "nothing is missing between equal times");
    let mut all = video(&[]);
    all.insert_empty_range(of(0), ms(500), ms(3000));
    add(&mut all, 0, "a", 0, 1000);
    assert_eq!((all.parts().count(), all.gaps, all.media_end(ms(0))), (1, 0, Some(ms(1000))));
}

#[test]
fn what_lies_outside_of_its_window_is_counted_and_no_more() {
    let window = Window { from: ms(0), until: ms(1000) };
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    assert_eq!(buffer.insert(of(0), &config("a"), window, samples(1000, 1500), None), 0);
    assert_eq!(buffer.account().counts().lost.outside_window, 5);
    assert_eq!(buffer.insert(of(0), &config("a"), window, samples(0, 1500), None), 15);
    assert_eq!((buffer.end(), buffer.back().unwrap().first), (Some(ms(1000)), ms(0)));
}

#[test]
fn a_cut_at_a_key_that_is_missing_leaves_what_lies_before_it() {
    let locked = |from: i64, to: i64, key: u8| -> Vec<Sample> {
        let crypto = crate::container::SampleCrypto {
            scheme: *b"cenc",
            key_id: [key; 16],
            iv: Vec::new(),
            subsamples: Vec::new(),
            pattern: (0, 0),
        };
        let crypto = Arc::new(crypto);
        samples(from, to).into_iter().map(|sample| Sample { crypto: Some(Arc::clone(&crypto)), ..sample }).collect()
    };
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    buffer.insert(of(0), &config("a"), Window::ALL, [locked(0, 500, 1), locked(500, 1000, 2)].concat(), None);
    buffer.complete();
    buffer.insert(of(1), &config("a"), Window::ALL, locked(1000, 2000, 1), None);
    assert_eq!(buffer.parts().next().unwrap().needs, [KeyId([1; 16]), KeyId([2; 16])]);
    let missing = |wanted: u8| move |id: KeyId| (id == KeyId([wanted; 16])).then_some(wanted);
    assert_eq!(buffer.first_needing(missing(2)).map(|(at, _, key)| (at, key)), Some((ms(500), 2)));
    assert_eq!(buffer.first_needing(missing(3)), None);
    assert_eq!(buffer.cut_needing(|id| id == KeyId([2; 16])), 150);
    assert_eq!((buffer.end(), buffer.bytes(), buffer.parts().count()), (Some(ms(500)), 50, 1));
    assert_eq!(buffer.account().counts().lost.undecodable, 15);
    assert_eq!(buffer.parts().next().unwrap().needs, [KeyId([1; 16])]);
    assert_eq!(buffer.first_needing(missing(2)), None);
    assert_eq!(buffer.cut_needing(|id| id == KeyId([1; 16])), 50);
    assert_eq!((buffer.end(), buffer.bytes(), buffer.parts().count()), (None, 0, 0));
}

#[test]
fn what_a_cut_leaves_ends_with_its_latest_picture_whatever_is_decoded_last() {
    let crypto = crate::container::SampleCrypto {
        scheme: *b"cenc",
        key_id: [2; 16],
        iv: Vec::new(),
        subsamples: Vec::new(),
        pattern: (0, 0),
    };
    let crypto = Arc::new(crypto);
    let mut all = samples(0, 600);
    for (sample, pts) in all.iter_mut().zip([0, 300, 100, 200, 500, 400]) {
        sample.pts = ms(pts);
    }
    for sample in &mut all[4..] {
        sample.crypto = Some(Arc::clone(&crypto));
    }
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    buffer.insert(of(0), &config("a"), Window::ALL, all, None);
    assert_eq!(buffer.cut_needing(|id| id == KeyId([2; 16])), 20);
    let part = buffer.back().unwrap();
    assert_eq!((part.last, part.complete, buffer.end()), (ms(400), true, Some(ms(400))));
    assert_eq!(buffer.media_end(ms(0)), Some(ms(400)));
}

#[test]
fn media_of_another_window_ends_the_one_before_only_inside_it() {
    let window = |from: i64, until: i64| Window { from: ms(from), until: ms(until) };
    for (leading, ended) in [(0, 2000), (100, 100), (1900, 1900), (2000, 2000)] {
        let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Audio);
        buffer.insert(of(0), &config("a"), window(-9000, 9000), samples(0, 2000), None);
        buffer.complete();
        buffer.yield_to(ms(leading), window(0, 8000), None);
        let part = buffer.back().unwrap();
        let until = if ended == 2000 { 9000 } else { ended };
        assert_eq!((part.last, part.window.until), (ms(ended), ms(until)), "new media from {leading} ms on");
    }
}

#[test]
fn a_segment_whose_key_frame_was_dropped_goes_on_with_its_next_one() {
    // A quarter of a segment of another representation is here; the renderer has it.
    let begun = || {
        let mut buffer = video(&[]);
        add(&mut buffer, 4, "a", 0, 2500);
        buffer.interrupt(Some(Cursor { seq: 0, index: 25 }));
        buffer
    };
    let other = PartOf::for_tests(1, 4);
    let arrive = |buffer: &mut TrackBuffer, samples: Vec<Sample>| {
        buffer.insert(other, &config("b"), Window::ALL, samples, Some(Cursor { seq: 0, index: 25 }))
    };
    let late = |from: i64, to: i64, key: i64| -> Vec<Sample> {
        samples(from, to).into_iter().map(|sample| Sample { key: sample.pts == ms(key), ..sample }).collect()
    };
    let mut buffer = begun();
    assert_eq!(arrive(&mut buffer, late(0, 2000, 0)), 0, "held already");
    assert_eq!(arrive(&mut buffer, late(2000, 2600, -1)), 0);
    assert_eq!(arrive(&mut buffer, late(2600, 3000, -1)), 0, "nothing that it refers to is here");
    assert_eq!(arrive(&mut buffer, late(3000, 4000, 3300)), 7);
    assert_eq!(arrive(&mut buffer, late(4000, 4200, -1)), 2, "what follows a key frame is whole");
    let lost = buffer.account().counts().lost;
    assert_eq!((lost.overlapped, lost.undecodable), (25, 8));
    assert!(buffer.parts().all(|part| part.samples.first().is_some_and(|sample| sample.key)));

    let mut buffer = begun();
    arrive(&mut buffer, late(0, 2000, 0));
    let next = buffer.insert(PartOf::for_tests(1, 5), &config("b"), Window::ALL, late(4000, 4500, -1), None);
    assert_eq!(next, 5, "another segment is another matter");
    let mut buffer = begun();
    arrive(&mut buffer, late(0, 2000, 0));
    buffer.restart(ms(0), Departure::Void);
    assert_eq!(arrive(&mut buffer, late(2600, 3000, -1)), 4, "nothing was dropped since");
}

#[test]
fn an_evicted_part_gives_its_bytes_and_those_that_were_never_seen() {
    let mut buffer = video(&[(0, 1000), (1000, 1500), (1500, 2000)]);
    assert_eq!([999, 1000, 1499, 1500, 2000].map(|at| buffer.bytes_behind(ms(at))), [0, 100, 100, 150, 200]);
    let handed_out = Some(Cursor { seq: 2, index: 0 });
    assert_eq!(buffer.first_evictable(ms(999), handed_out), None, "it has not ended");
    assert_eq!(buffer.first_evictable(ms(1000), None), Some(ms(1000)), "nothing is handed out of the run any more");
    assert_eq!(buffer.first_evictable(ms(1000), handed_out), Some(ms(1000)));
    assert!(buffer.mark_seen(ms(500)).is_some());
    assert_eq!(buffer.evict_first(), Evicted { bytes: 100, unseen: 0 });
    assert_eq!(buffer.evict_first(), Evicted { bytes: 50, unseen: 50 });
    assert_eq!((buffer.bytes(), buffer.end(), buffer.begins_by(ms(1499 - SEAM_MS))), (50, Some(ms(2000)), false));
    assert_eq!(buffer.first_evictable(ms(9000), handed_out), None, "it is being handed out");
    assert_eq!(buffer.evict_first(), Evicted { bytes: 50, unseen: 50 });
    assert_eq!((buffer.bytes(), buffer.end(), buffer.holds(ms(1999))), (0, None, false));
    assert_eq!(buffer.evict_first(), Evicted::default());
    let lost = buffer.account().counts().lost;
    assert_eq!((lost.outside_window, lost.late), (20, 0), "twenty pictures were passed over");
}

#[test]
fn an_empty_range_of_an_empty_run_may_begin_before_what_was_asked_for() {
    let mut buffer = video(&[]);
    buffer.restart(ms(5000), Departure::Void);
    buffer.insert_empty_range(of(0), ms(4000), ms(6000));
    assert_eq!([3999, 4000, 5999, 6000].map(|at| buffer.holds(ms(at))), [false, true, true, false]);
    let mut later = video(&[]);
    later.insert_empty_range(of(0), ms(4000), ms(6000));
    assert!(later.holds(ms(0)), "nothing exists from the begin of the run on");
}

#[test]
fn an_attempt_that_failed_takes_back_what_it_lost() {
    let mut buffer = video(&[(0, 1000)]);
    let window = Window { from: MediaTime::ZERO, until: ms(1000) };
    assert_eq!(buffer.insert(of(1), &config("a"), window, samples(1000, 1500), None), 0);
    assert_eq!((buffer.account().counts().received, buffer.account().counts().lost.outside_window), (15, 5));
    assert_eq!(buffer.interrupt(None), 0);
    assert_eq!((buffer.account().counts().received, buffer.account().counts().lost.outside_window), (10, 0));
}

#[test]
fn a_part_of_which_nothing_was_handed_out_may_be_dropped() {
    let full = || video(&[(0, 1000), (1000, 2000), (2000, 3000)]);
    for (index, dropped) in [(0, 200), (1, 100)] {
        let mut buffer = full();
        let committed = Some(Cursor { seq: 1, index });
        assert_eq!(buffer.truncate(committed, Departure::Void, |_| true), dropped, "{index}");
    }
    assert_eq!(full().truncate(None, Departure::Void, |part| part.seq > 0), 200);
}

#[test]
fn only_media_that_was_on_screen_is_seen() {
    let mut buffer = video(&[(0, 1000), (5000, 6000)]);
    let seq = buffer.mark_seen(ms(3000)).map(|part| part.seq);
    assert_eq!((seq, buffer.clone().restart(ms(0), Departure::Void)), (None, 200), "it comes after the gap");
    let seen = |position| buffer.clone().mark_seen(ms(position)).map(|part| part.seq);
    assert_eq!((seen(4749), seen(4750)), (None, Some(1)), "a short gap counts as none");
    assert_eq!(buffer.mark_seen(ms(999)).map(|part| part.seq), Some(0));
    assert_eq!(buffer.clone().restart(ms(0), Departure::Void), 100);
    assert_eq!(buffer.mark_seen(ms(1000)).map(|part| part.seq), None, "the first has ended");
    buffer.mark_seen(ms(5000));
    assert_eq!(buffer.restart(ms(0), Departure::Void), 0);
}

#[test]
fn a_segment_under_way_may_still_reach_the_target() {
    let mut buffer = video(&[]);
    add(&mut buffer, 0, "a", 0, 500);
    assert_eq!(buffer.locate(ms(800), true).map(|(_, pts)| pts), Some(ms(0)));
    buffer.complete();
    assert_eq!(buffer.locate(ms(800), true), None);
}

#[test]
fn what_comes_before_the_place_of_decoding_is_lost_if_it_would_be_presented() {
    let mut buffer = video(&[(0, 1000), (1000, 2000)]);
    buffer.skip_to(Cursor { seq: 1, index: 2 }, ms(900));
    assert_eq!(buffer.account().counts().lost.undecodable, 3, "one of the first segment, two of the second");
    buffer.skip_to(Cursor { seq: 1, index: 2 }, ms(900));
    assert_eq!(buffer.account().counts().lost.undecodable, 3, "each once");
}

#[test]
fn an_overlap_is_clipped_at_a_key_frame_up_to_twenty_milliseconds_early() {
    for (begin, kept) in [(1480, 15), (1479, 0)] {
        let mut buffer = video(&[(0, 2000)]);
        let mut overlapping = samples(begin, begin + 2000);
        for sample in &mut overlapping {
            sample.key = sample.pts == ms(begin) || sample.pts == ms(begin + 500);
        }
        let found = buffer.insert(of(1), &config("a"), Window::ALL, overlapping, None);
        assert_eq!((found, buffer.account().counts().lost.overlapped), (kept, 20 - kept as u64), "{begin}");
    }
}

#[test]
fn after_a_dropped_key_frame_pictures_of_times_that_are_held_are_repetitions_and_others_undecodable() {
    let mut buffer = video(&[(0, 2000)]);
    assert_eq!(add(&mut buffer, 1, "a", 1500, 1900), 0);
    let lost = |buffer: &TrackBuffer| {
        let lost = buffer.account().counts().lost;
        (lost.overlapped, lost.undecodable)
    };
    assert_eq!(lost(&buffer), (4, 0));
    let mut rest = samples(1950, 2350);
    rest.iter_mut().for_each(|sample| sample.key = sample.pts == ms(2250));
    assert_eq!(buffer.insert(of(1), &config("a"), Window::ALL, rest, None), 1, "from the key frame on");
    assert_eq!(lost(&buffer), (5, 2), "the one that reaches past what is held begins before its end");
}

#[test]
fn pictures_after_a_clipped_beginning_can_be_decoded() {
    let mut buffer = video(&[(0, 2500)]);
    assert_eq!(add(&mut buffer, 1, "a", 2000, 3500), 5, "from the key frame at three seconds on");
    // Another configuration opens another part of the same segment.
    let mut rest = samples(3500, 4000);
    rest.iter_mut().for_each(|sample| sample.key = false);
    assert_eq!(buffer.insert(of(1), &config("b"), Window::ALL, rest, None), 5);
    assert_eq!(buffer.account().counts().lost.undecodable, 0);
}

#[test]
fn media_begins_where_its_window_does() {
    let mut buffer = video(&[(0, 1000)]);
    let window = Window { from: ms(1000), until: MediaTime::MAX };
    assert_eq!(buffer.insert(of(1), &config("a"), window, samples(950, 1950), None), 10);
    let spans: Vec<_> = buffer.parts().map(|part| (part.first, part.last)).collect();
    assert_eq!(spans, [(ms(0), ms(1000)), (ms(1000), ms(1950))], "although its first picture begins earlier");
}

#[test]
fn a_part_ends_with_its_window_and_its_segment_counts_all_its_parts() {
    let mut buffer = video(&[]);
    let window = Window { from: MediaTime::ZERO, until: ms(950) };
    assert_eq!(buffer.insert(of(0), &config("a"), window, samples(0, 1000), None), 10);
    assert_eq!((buffer.end(), buffer.back().unwrap().last), (Some(ms(950)), ms(950)));
    buffer.complete();
    add(&mut buffer, 1, "a", 1000, 1500);
    add(&mut buffer, 1, "b", 1500, 2000);
    let bytes = |number| buffer.bytes_of(of(number).key().unwrap());
    assert_eq!((bytes(0), bytes(1)), (0, 100), "those at the end of the run");
    assert_eq!(buffer.parts().count(), 3);
}

#[test]
fn nothing_joins_a_part_that_is_complete() {
    let mut buffer = video(&[]);
    add(&mut buffer, 0, "a", 0, 500);
    add(&mut buffer, 0, "a", 500, 1000);
    assert_eq!(buffer.parts().count(), 1);
    buffer.complete();
    add(&mut buffer, 0, "a", 1000, 1500);
    assert_eq!(buffer.parts().map(|part| part.complete).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn decoding_waits_while_the_run_begins_after_its_start() {
    let mut buffer = video(&[]);
    buffer.restart(ms(5000), Departure::Void);
    add(&mut buffer, 0, "a", 6000, 7000);
    assert_eq!(buffer.locate(ms(4000), true), None, "earlier media may be on its way");
    assert_eq!(buffer.locate(ms(5000), true).map(|(_, pts)| pts), Some(ms(6000)));
    buffer.extend_to(ms(4000));
    assert_eq!(buffer.locate(ms(4000), true).map(|(_, pts)| pts), Some(ms(6000)), "nothing exists before it");
}

#[test]
fn a_flush_calls_back_what_begins_after_the_position_in_every_segment() {
    let mut buffer = video(&[(0, 1000), (1000, 2000)]);
    buffer.hand_over(0, 0..10, ms(0));
    buffer.hand_over(1, 0..10, ms(0));
    buffer.recall(ms(500));
    buffer.restart(ms(9000), Departure::Discarded(crate::engine::buffer::Discard::Seek));
    assert_eq!(buffer.account().counts().discarded.seek, 4 + 10, "the picture at the position is on screen");
}
