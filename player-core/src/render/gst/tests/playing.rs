//! Playing to the end, pausing, rates, sync.

use std::sync::{Arc, Mutex};

use super::media::{FPS, Track, aac, fragmented, large, small, time_of};
use super::rig::{Got, Rig};
use crate::model::MediaKind::{Audio, Video};
use crate::render::gst::{AudioOutput, GstConfig, VideoOutput};
use crate::render::{RenderCommand, RenderEvent};
use crate::time::MediaTime;

fn counting() -> GstConfig {
    GstConfig { video: VideoOutput::Count, audio: AudioOutput::Silent, drop_late: false }
}

#[test]
fn every_picture_comes_once_and_in_order() {
    let mut rig = Rig::new();
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    rig.feed(Video, small());
    rig.feed(Audio, aac());
    rig.play(4.0);
    rig.wait_end();
    let pictures = rig.pictures();
    assert_eq!(pictures.iter().map(|p| p.counter).collect::<Vec<_>>(), (0..96).collect::<Vec<_>>());
    assert_eq!(pictures.iter().map(|p| p.serial).collect::<Vec<_>>(), (1..=96).collect::<Vec<_>>());
    let off = pictures.iter().filter(|p| p.pts.nanos_from(time_of(p.counter)).abs() > 1_000).collect::<Vec<_>>();
    assert!(off.is_empty(), "{off:?}");
    let counts = rig.counts();
    assert_eq!((counts.presented, counts.dropped, counts.corrupt), (96, 0, 0));
    assert!(rig.states().iter().all(|event| !matches!(event, RenderEvent::Warning(_))), "{:?}", rig.states());
}

#[test]
fn counting_needs_no_host() {
    let mut rig = Rig::with(counting(), Arc::default());
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    rig.feed(Video, large());
    rig.feed(Audio, aac());
    rig.play(8.0);
    rig.wait_end();
    assert_eq!(rig.counts().presented, 96);
    let RenderEvent::Position { position, .. } = *rig.log.iter().rev().nth(1).unwrap() else { panic!("no position") };
    assert!(position.nanos_from(MediaTime::from_millis(4_000)).abs() < 60_000_000, "{position:?}");
}

#[test]
fn sound_alone_plays_to_its_end() {
    let mut rig = Rig::new();
    rig.flush(MediaTime::ZERO, &[Audio]);
    rig.feed(Audio, aac());
    rig.play(8.0);
    assert!(rig.wait_first().nanos_from(MediaTime::ZERO).abs() < 60_000_000);
    rig.wait_end();
    assert!(!rig.sound().is_empty());
}

#[test]
fn a_pause_holds_the_position_and_loses_nothing() {
    let mut rig = Rig::new();
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    rig.feed(Video, small());
    rig.feed(Audio, aac());
    assert_eq!(rig.wait_first(), MediaTime::ZERO, "the first picture shows while the clock is held");
    rig.play(1.0);
    rig.wait_position(MediaTime::from_millis(400));
    rig.tell(RenderCommand::SetPlaying(false));
    // Each loudness changes nothing that is reported; each pause reports the position once.
    let mut held = Vec::new();
    for _ in 0..3 {
        rig.tell(RenderCommand::SetRate(1.0));
        let RenderEvent::Position { position, .. } =
            rig.wait("a position", |event| matches!(event, RenderEvent::Position { .. }))
        else {
            unreachable!("just matched")
        };
        held.push(position);
    }
    // The first may have been on its way when the clock stopped.
    assert_eq!(held[1], held[2]);
    rig.play(4.0);
    rig.wait_end();
    assert_eq!(rig.pictures().iter().map(|p| p.counter).collect::<Vec<_>>(), (0..96).collect::<Vec<_>>());
}

#[test]
fn a_rate_change_in_the_middle_shows_each_picture_once() {
    let mut rig = Rig::new();
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    rig.feed(Video, small());
    rig.feed(Audio, aac());
    rig.play(1.0);
    rig.wait_position(MediaTime::from_millis(500));
    rig.tell(RenderCommand::SetRate(2.0));
    rig.wait_end();
    assert_eq!(rig.pictures().iter().map(|p| p.counter).collect::<Vec<_>>(), (0..96).collect::<Vec<_>>());
    assert_eq!(rig.counts().presented, 96);
}

#[test]
fn twice_the_rate_takes_half_the_sound_and_keeps_its_pitch() {
    let sound_at = |rate: f64| {
        let mut rig = Rig::new();
        rig.flush(MediaTime::ZERO, &[Audio]);
        rig.feed(Audio, aac());
        rig.play(rate);
        rig.wait_end();
        let chunks = rig.sound();
        let mono: Vec<f32> = chunks.iter().flat_map(|chunk| chunk.samples.iter().step_by(2).copied()).collect();
        mono
    };
    let (normal, double) = (sound_at(1.0), sound_at(2.0));
    let seconds = |samples: &[f32]| samples.len() as f64 / 48_000.0;
    assert!((seconds(&normal) - 4.0).abs() < 0.05, "{}", seconds(&normal));
    assert!((seconds(&double) - 2.0).abs() < 0.12, "{}", seconds(&double));
    // A beep of 1 kHz crosses zero twice a millisecond, at any rate.
    let pitch = |samples: &[f32]| {
        let loud: Vec<_> = samples.windows(480).filter(|window| window.iter().any(|s| s.abs() > 0.3)).collect();
        let middle = loud[loud.len() / 8];
        middle.windows(2).filter(|pair| (pair[0] < 0.0) != (pair[1] < 0.0)).count()
    };
    assert!((18..=22).contains(&pitch(&double)), "{} crossings in 10 ms", pitch(&double));
    assert!((18..=22).contains(&pitch(&normal)), "{} crossings in 10 ms", pitch(&normal));
}

#[test]
fn beep_and_flash_come_together() {
    in_sync(small(), aac());
}

#[test]
fn fragmented_files_play_the_same_through_our_own_demuxer() {
    let (video, audio) = fragmented();
    in_sync(&video, &audio);
}

fn in_sync(video: &Track, audio: &Track) {
    let mut rig = Rig::new();
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    rig.feed(Video, video);
    rig.feed(Audio, audio);
    rig.play(1.0);
    rig.wait("a sync sample", |event| matches!(event, RenderEvent::AvSync { .. }));
    rig.wait_end();
    let pictures = rig.pictures();
    assert_eq!(pictures.iter().map(|p| p.counter).collect::<Vec<_>>(), (0..96).collect::<Vec<_>>());
    let flashes: Vec<_> =
        pictures.windows(2).filter(|pair| pair[1].flash && !pair[0].flash).map(|pair| pair[1].pts).collect();
    let beeps = onsets(&rig.got);
    assert_eq!((flashes.len(), beeps.len()), (3, 3), "{flashes:?} {beeps:?}");
    for (flash, beep) in flashes.iter().zip(&beeps) {
        assert!(flash.nanos_from(*beep).abs() <= 40_000_000, "flash {flash:?}, beep {beep:?}");
    }
}

/// Times at which sound begins after silence, without the one at the very beginning.
pub(super) fn onsets(got: &Mutex<Got>) -> Vec<MediaTime> {
    let mut onsets = Vec::new();
    let mut quiet_since = MediaTime::ZERO;
    for chunk in &got.lock().unwrap().sound {
        for (index, frame) in chunk.samples.chunks(chunk.channels as usize).enumerate() {
            let time = chunk.pts.shifted(index as i64 * 1_000_000_000 / i64::from(chunk.sample_rate));
            if frame[0].abs() > 0.1 {
                if time.nanos_from(quiet_since) > 500_000_000 {
                    onsets.push(time);
                }
                quiet_since = time;
            }
        }
    }
    onsets
}

#[test]
fn late_pictures_are_dropped_only_for_viewers() {
    let config = GstConfig { drop_late: true, ..counting() };
    let mut rig = Rig::with(config, Arc::default());
    rig.flush(MediaTime::ZERO, &[Video]);
    rig.feed(Video, small());
    rig.play(1.0);
    rig.wait_end();
    let counts = rig.counts();
    assert!(counts.presented > FPS as u64, "{counts:?}");
    assert_eq!(counts.presented + counts.dropped, 96, "{counts:?}");
}

#[test]
fn loudness_scales_and_silence_silences() {
    let peak = |volume: f64, muted: bool| {
        let mut rig = Rig::new();
        rig.tell(RenderCommand::SetVolume { volume, muted });
        rig.flush(MediaTime::ZERO, &[Audio]);
        rig.feed(Audio, aac());
        rig.play(1.0);
        rig.wait_position(MediaTime::from_millis(200));
        rig.sound().iter().flat_map(|chunk| chunk.samples.clone()).fold(0.0_f32, |peak, s| peak.max(s.abs()))
    };
    let (full, half) = (peak(1.0, false), peak(0.5, false));
    assert!((full - 2.0 * half).abs() < 0.01, "{full} and {half}");
    assert!(full > 0.3 && peak(1.0, true) == 0.0);
}
