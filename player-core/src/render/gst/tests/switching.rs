//! Other representations, codecs and sound formats in the middle of play.

use super::media::{aac, aac_mono, hevc, large, small, time_of, vp9};
use super::rig::Rig;
use crate::container::CodecConfig;
use crate::model::MediaKind::{Audio, Video};
use crate::render::RenderEvent;
use crate::time::MediaTime;
use std::sync::Arc;

#[test]
fn pictures_are_exact_across_resolutions() {
    let mut rig = Rig::new();
    rig.flush(MediaTime::ZERO, &[Video]);
    for group in 0..4 {
        let track = if group % 2 == 0 { small() } else { large() };
        rig.configure(Video, &track.config);
        rig.append(Video, track.groups(group, group + 1));
    }
    rig.end(Video);
    rig.play(4.0);
    rig.wait_end();
    let pictures = rig.pictures();
    assert_eq!(pictures.iter().map(|p| p.counter).collect::<Vec<_>>(), (0..96).collect::<Vec<_>>());
    for picture in &pictures {
        let height = if picture.counter / 24 % 2 == 0 { 240 } else { 720 };
        assert_eq!(picture.height, height, "{picture:?}");
    }
    let from: Vec<_> = rig
        .states()
        .iter()
        .filter_map(|event| match event {
            RenderEvent::Reconfigured { from, .. } => Some(*from),
            _ => None,
        })
        .collect();
    assert_eq!(from, [time_of(24), time_of(48), time_of(72)]);
    assert_eq!(rig.counts().presented, 96);
}

#[test]
fn another_codec_drains_the_old_decoder_first() {
    let mut rig = Rig::new();
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    for (group, track) in [small(), hevc(), vp9(), large()].into_iter().enumerate() {
        rig.configure(Video, &track.config);
        rig.append(Video, track.groups(group, group + 1));
    }
    rig.end(Video);
    rig.feed(Audio, aac());
    rig.play(4.0);
    rig.wait_end();
    let counters: Vec<_> = rig.pictures().iter().map(|p| p.counter).collect();
    assert_eq!(counters, (0..96).collect::<Vec<_>>(), "{:?}", rig.states());
}

#[test]
fn another_sample_rate_and_channel_count_leave_no_hole_in_the_sound() {
    let mut rig = Rig::new();
    let (before, after) = (aac(), aac_mono());
    let cut = MediaTime::from_millis(2_000);
    rig.flush(MediaTime::ZERO, &[Audio]);
    rig.configure(Audio, &before.config);
    rig.append(Audio, before.samples.iter().filter(|s| s.pts < cut).cloned().collect());
    rig.configure(Audio, &after.config);
    rig.append(Audio, after.samples.iter().filter(|s| s.pts >= cut).cloned().collect());
    rig.end(Audio);
    rig.play(1.0);
    rig.wait_end();
    let sound = rig.sound();
    assert!(sound.iter().all(|chunk| chunk.sample_rate == 48_000));
    let span = |chunk: &crate::render::gst::AudioChunk| {
        (chunk.samples.len() / chunk.channels as usize) as i64 * 1_000_000_000 / 48_000
    };
    for pair in sound.windows(2) {
        let hole = pair[1].pts.nanos_from(pair[0].pts.shifted(span(&pair[0])));
        assert!(hole.abs() < 30_000_000, "a hole of {hole} ns at {:?}", pair[1].pts);
    }
    let total: i64 = sound.iter().map(span).sum();
    assert!((total - 4_000_000_000).abs() < 60_000_000, "{total}");
}

#[test]
fn a_turned_picture_says_so() {
    let mut rig = Rig::new();
    let turned = Arc::new(CodecConfig { rotation: 90, ..(*small().config).clone() });
    rig.flush(MediaTime::ZERO, &[Video]);
    rig.configure(Video, &small().config);
    rig.append(Video, small().groups(0, 1));
    rig.configure(Video, &turned);
    rig.append(Video, small().groups(1, 2));
    rig.end(Video);
    rig.play(8.0);
    rig.wait_end();
    let turns: Vec<_> = rig.pictures().iter().map(|picture| picture.rotation).collect();
    assert_eq!(turns, [[0; 24], [90; 24]].concat());
}
