//! Tests of the feed: order, leads, gaps, and tracks that wait for their restart.

use std::time::Duration;

use super::*;
use crate::engine::ids::{ItemId, PartOf};

fn ms(value: i64) -> MediaTime {
    MediaTime::from_millis(value)
}

fn config(name: &str) -> Arc<CodecConfig> {
    Arc::new(CodecConfig::for_tests(name))
}

fn fill(buffer: &mut TrackBuffer, number: u64, name: &str, from: i64, to: i64) {
    let sample = |at: i64| Sample {
        pts: ms(at),
        dts: ms(at),
        duration: Duration::from_millis(100),
        key: at % 1000 == 0,
        payload: Payload::default(),
        crypto: None,
    };
    let of = PartOf::for_tests(0, number);
    let samples = (from..to).step_by(100).map(sample).collect();
    buffer.insert(of, &config(name), Window::ALL, samples, None);
    buffer.complete();
}

fn hand_out(feed: &mut Feed, buffer: &mut TrackBuffer, until: i64, ended: bool) -> Vec<String> {
    let mut out = Vec::new();
    let (keys, limits) = (Keys::default(), (ms(until), MediaTime::MAX));
    feed.hand_out(buffer, &keys, MediaKind::Video, limits, ended, &mut |command| {
        out.push(match command {
            RenderCommand::Configure { config, .. } => config.codec_string.clone(),
            RenderCommand::Append { samples, .. } => {
                format!("{:?}+{}", samples[0].pts, samples.len())
            }
            RenderCommand::EndOfTrack { .. } => "end".to_owned(),
            RenderCommand::Gap { until, .. } => format!("gap to {until:?}"),
            other => format!("{other:?}"),
        });
    });
    out
}

#[test]
fn samples_go_out_as_far_as_the_lead_and_configurations_before_them() {
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    fill(&mut buffer, 0, "a", 0, 2000);
    fill(&mut buffer, 1, "b", 2000, 4000);
    let mut feed = Feed::default();
    feed.begin(ItemId::default(), ms(1250), &[MediaKind::Video], true);
    assert_eq!(hand_out(&mut feed, &mut buffer, 1500, false), ["a", "1.000000s+5"]);
    assert_eq!(hand_out(&mut feed, &mut buffer, 1500, false), Vec::<String>::new());
    assert_eq!(hand_out(&mut feed, &mut buffer, 2200, false), ["1.500000s+5", "b", "2.000000s+2"]);
    assert_eq!(hand_out(&mut feed, &mut buffer, 9000, true), ["2.200000s+18", "end"]);
    assert_eq!(hand_out(&mut feed, &mut buffer, 9000, true), Vec::<String>::new());
}

#[test]
fn a_hole_is_announced_and_what_lies_behind_it_waits_for_its_time() {
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    fill(&mut buffer, 0, "a", 0, 1000);
    fill(&mut buffer, 2, "a", 5000, 6000);
    let mut feed = Feed::default();
    feed.begin(ItemId::default(), ms(0), &[MediaKind::Video], true);
    assert_eq!(hand_out(&mut feed, &mut buffer, 900, false), ["a", "0.000000s+9"]);
    assert_eq!(hand_out(&mut feed, &mut buffer, 2000, false), ["0.900000s+1", "gap to 5.000000s"]);
    assert_eq!(hand_out(&mut feed, &mut buffer, 4900, false), Vec::<String>::new());
    assert_eq!(hand_out(&mut feed, &mut buffer, 9000, true), ["5.000000s+10", "end"]);
    feed.reset();
    feed.begin(ItemId::default(), ms(3000), &[MediaKind::Video], true);
    assert_eq!(
        hand_out(&mut feed, &mut buffer, 3500, true),
        ["a", "0.000000s+10", "gap to 5.000000s"],
        "the picture before the gap is on screen in it"
    );
}

#[test]
fn the_window_of_an_item_that_follows_is_moved_and_begins_at_its_seam() {
    let placement = Placement { item: ItemId::default(), shift: 1_000_000_000, seam: Some(ms(300)) };
    let placed = |from: MediaTime, until: MediaTime| {
        let window = Window { from, until };
        let command =
            RenderCommand::Configure { track: MediaKind::Video, config: config("a"), window, epoch: Epoch(1) };
        match placement.place(command) {
            RenderCommand::Configure { window, .. } => (window.from, window.until),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(placed(ms(500), ms(2000)), (ms(1500), ms(3000)));
    assert_eq!(placed(ms(100), MediaTime::MAX), (ms(1300), MediaTime::MAX));
}

#[test]
fn a_last_span_without_media_ends_the_track() {
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    fill(&mut buffer, 0, "a", 0, 1000);
    let of = PartOf::for_tests(0, 1);
    buffer.insert_empty_range(of, ms(2000), ms(4000));
    let mut feed = Feed::default();
    feed.begin(ItemId::default(), ms(0), &[MediaKind::Video], true);
    assert_eq!(hand_out(&mut feed, &mut buffer, 9000, true), ["a", "0.000000s+10", "end"]);
}

#[test]
fn a_track_without_media_only_ends() {
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    let mut feed = Feed::default();
    feed.begin(ItemId::default(), ms(0), &[MediaKind::Video], true);
    assert_eq!(hand_out(&mut feed, &mut buffer, 9000, false), Vec::<String>::new());
    assert_eq!(hand_out(&mut feed, &mut buffer, 9000, true), ["end"]);
}

#[test]
fn a_track_is_fed_up_to_the_sample_that_reaches_the_lead_and_not_one_more() {
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    fill(&mut buffer, 0, "a", 0, 2000);
    let mut feed = Feed::default();
    feed.begin(ItemId::default(), ms(0), &[MediaKind::Video], true);
    assert_eq!(hand_out(&mut feed, &mut buffer, 500, false), ["a", "0.000000s+5"]);
    assert_eq!(feed.end(ItemId::default(), MediaKind::Video), Some(ms(500)));
    assert_eq!(hand_out(&mut feed, &mut buffer, 500, false), Vec::<String>::new());
    assert_eq!(hand_out(&mut feed, &mut buffer, 501, false), ["0.500000s+1"]);
    assert_eq!(feed.committed(ItemId::default(), MediaKind::Video), Some(Cursor { seq: 0, index: 6 }));
    assert_eq!(hand_out(&mut feed, &mut buffer, 2000, false), ["0.600000s+14"]);
    assert_eq!(hand_out(&mut feed, &mut buffer, 2000, true), ["end"]);
}

#[test]
fn a_gap_is_announced_from_a_millisecond_past_the_tolerance_on() {
    let seam = GAP_TOLERANCE.as_millis() as i64;
    for (more, announced) in [(0, false), (1, true)] {
        let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
        fill(&mut buffer, 0, "a", 0, 1000);
        fill(&mut buffer, 1, "a", 1000 + seam + more, 3000);
        let mut feed = Feed::default();
        feed.begin(ItemId::default(), ms(0), &[MediaKind::Video], true);
        let commands = hand_out(&mut feed, &mut buffer, 2000, false);
        assert_eq!(commands.iter().any(|command| command.starts_with("gap")), announced, "{commands:?}");
    }
}

#[test]
fn what_lies_past_a_gap_in_all_tracks_waits_until_playback_jumps() {
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    fill(&mut buffer, 0, "a", 0, 1000);
    fill(&mut buffer, 2, "a", 5000, 6000);
    let mut feed = Feed::default();
    feed.begin(ItemId::default(), ms(0), &[MediaKind::Video], true);
    let mut commands = Vec::new();
    let keys = Keys::default();
    for ended in [false, true] {
        let limits = (ms(9000), ms(1000));
        feed.hand_out(&mut buffer, &keys, MediaKind::Video, limits, ended, &mut |command| commands.push(command));
    }
    let samples = commands.iter().map(|command| match command {
        RenderCommand::Append { samples, .. } => samples.len(),
        _ => 0,
    });
    assert_eq!(samples.sum::<usize>(), 10, "{commands:?}");
    assert!(!commands.iter().any(|command| matches!(command, RenderCommand::EndOfTrack { .. })), "{commands:?}");
    feed.reset();
    feed.begin(ItemId::default(), ms(5000), &[MediaKind::Video], false);
    assert_eq!(hand_out(&mut feed, &mut buffer, 9000, true), ["a", "5.000000s+10", "end"]);
}

#[test]
fn pictures_in_decoding_order_are_handed_out_until_one_is_presented_late_enough() {
    let sample = |(dts, pts): (i64, i64)| Sample {
        pts: ms(pts),
        dts: ms(dts),
        duration: Duration::from_millis(100),
        key: dts == pts,
        payload: Payload::default(),
        crypto: None,
    };
    let of = PartOf::for_tests(0, 0);
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    let order = [(0, 0), (100, 300), (200, 100), (300, 200), (400, 600), (500, 400), (600, 500)];
    buffer.insert(of, &config("a"), Window::ALL, order.map(sample).to_vec(), None);
    let mut feed = Feed::default();
    feed.begin(ItemId::default(), ms(0), &[MediaKind::Video], true);
    assert_eq!(hand_out(&mut feed, &mut buffer, 200, false), ["a", "0.000000s+2"]);
    assert_eq!(feed.end(ItemId::default(), MediaKind::Video), Some(ms(400)), "the latest that was handed out");
    assert_eq!(hand_out(&mut feed, &mut buffer, 450, false), ["0.100000s+3"]);
    assert_eq!(feed.end(ItemId::default(), MediaKind::Video), Some(ms(700)));
}

#[test]
fn a_suspended_track_waits_for_its_restart_and_ends_nowhere_before() {
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    fill(&mut buffer, 0, "a", 0, 1000);
    let mut feed = Feed::default();
    feed.begin(ItemId::default(), ms(0), &[MediaKind::Video, MediaKind::Audio], true);
    let epoch = feed.epoch();
    feed.suspend_track(MediaKind::Video);
    assert_eq!(hand_out(&mut feed, &mut buffer, 9000, true), Vec::<String>::new());
    assert_eq!(feed.committed(ItemId::default(), MediaKind::Video), None);
    let command = feed.restart_track(MediaKind::Video, ms(300));
    assert_eq!(command, RenderCommand::FlushTrack { track: MediaKind::Video, from: ms(300), epoch });
    assert_eq!(feed.end(ItemId::default(), MediaKind::Video), Some(ms(300)));
    assert_eq!(hand_out(&mut feed, &mut buffer, 9000, true), ["a", "0.000000s+10", "end"]);
    assert!(feed.is_flushed());
    feed.reset();
    assert!(!feed.is_flushed() && feed.epoch() > epoch && feed.kinds().next().is_none());
}

#[test]
fn a_track_is_fed_up_to_the_end_of_the_window_however_long_its_last_sample_is() {
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    let sample = |at: i64| Sample {
        pts: ms(at),
        dts: ms(at),
        duration: Duration::from_millis(100),
        key: at == 0,
        payload: Payload::default(),
        crypto: None,
    };
    let window = Window { from: ms(0), until: ms(950) };
    let samples = (0..1000).step_by(100).map(sample).collect();
    buffer.insert(PartOf::for_tests(0, 0), &config("a"), window, samples, None);
    buffer.complete();
    let mut feed = Feed::default();
    feed.begin(ItemId::default(), ms(0), &[MediaKind::Video], true);
    assert_eq!(hand_out(&mut feed, &mut buffer, 9000, false), ["a", "0.000000s+10"]);
    assert_eq!(feed.end(ItemId::default(), MediaKind::Video), Some(ms(950)));
}

#[test]
fn a_segment_that_stays_open_does_not_keep_its_track_from_ending() {
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    fill(&mut buffer, 0, "a", 0, 1000);
    let open = Sample {
        pts: ms(1000),
        dts: ms(1000),
        duration: Duration::from_millis(100),
        key: true,
        payload: Payload::default(),
        crypto: None,
    };
    buffer.insert(PartOf::for_tests(0, 1), &config("a"), Window::ALL, vec![open], None);
    let mut feed = Feed::default();
    feed.begin(ItemId::default(), ms(0), &[MediaKind::Video], true);
    assert_eq!(hand_out(&mut feed, &mut buffer, 5000, false), ["a", "0.000000s+10", "1.000000s+1"]);
    assert_eq!(hand_out(&mut feed, &mut buffer, 5000, true), ["end"], "nothing more comes");
}

#[test]
fn a_gap_of_all_is_announced_although_the_renderer_has_its_lead() {
    let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
    fill(&mut buffer, 0, "a", 0, 1000);
    buffer.insert_empty_range(PartOf::for_tests(0, 1), ms(1000), ms(5000));
    fill(&mut buffer, 2, "a", 5000, 6000);
    let mut feed = Feed::default();
    feed.begin(ItemId::default(), ms(0), &[MediaKind::Video], true);
    assert_eq!(hand_out(&mut feed, &mut buffer, 1000, false), ["a", "0.000000s+10"]);
    let mut gaps = Vec::new();
    feed.hand_out(&mut buffer, &Keys::default(), MediaKind::Video, (ms(500), ms(1000)), true, &mut |command| {
        gaps.push(command);
    });
    let epoch = feed.epoch();
    assert_eq!(gaps, [RenderCommand::Gap { track: MediaKind::Video, until: ms(5000), epoch }], "and no end");
}

#[test]
fn media_that_begins_where_all_tracks_have_a_gap_waits_until_playback_jumps() {
    for (limit, samples) in [(1000, 10), (1001, 20)] {
        let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
        fill(&mut buffer, 0, "a", 0, 1000);
        fill(&mut buffer, 1, "a", 1000, 2000);
        let mut feed = Feed::default();
        feed.begin(ItemId::default(), ms(0), &[MediaKind::Video], true);
        let mut found = 0;
        let limits = (ms(9000), ms(limit));
        feed.hand_out(&mut buffer, &Keys::default(), MediaKind::Video, limits, false, &mut |command| {
            if let RenderCommand::Append { samples, .. } = command {
                found += samples.len();
            }
        });
        assert_eq!(found, samples, "{limit}");
    }
}

#[test]
fn pictures_of_the_epoch_that_precede_the_first_key_frame_are_lost() {
    for (start, lost) in [(0, 10), (500, 5), (1000, 0)] {
        let mut buffer = TrackBuffer::new(ItemId::default(), MediaKind::Video);
        let sample = |at: i64| Sample {
            pts: ms(at),
            dts: ms(at),
            duration: Duration::from_millis(100),
            key: at == 1000,
            payload: Payload::default(),
            crypto: None,
        };
        let samples = (0..2000).step_by(100).map(sample).collect();
        buffer.insert(PartOf::for_tests(0, 0), &config("a"), Window::ALL, samples, None);
        buffer.complete();
        let mut feed = Feed::default();
        feed.begin(ItemId::default(), ms(start), &[MediaKind::Video], true);
        assert_eq!(hand_out(&mut feed, &mut buffer, 9000, true), ["a", "1.000000s+10", "end"]);
        assert_eq!(buffer.account().counts().lost.undecodable, lost, "{start}");
    }
}
