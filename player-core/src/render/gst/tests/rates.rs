//! Changes of rate in the middle of play, in the whole pipeline.

use super::media::{FPS, aac, aac_mono, hevc, long_sound, long_video, small, time_of, vp9};
use super::playing::onsets;
use super::rig::{Picture, Rig};
use crate::model::MediaKind::{Audio, Video};
use crate::render::gst::AudioChunk;
use crate::render::{Epoch, RenderCommand, RenderEvent};
use crate::time::MediaTime;

/// Plays to the end with a number of changes of rate at even distances of `media`.
fn play_with_changes(rig: &mut Rig, rates: &[f64], changes: i64, media: MediaTime) {
    rig.play(rates[0]);
    for change in 1..=changes {
        rig.wait_position(MediaTime::from_nanos(media.as_nanos() / (changes + 1) * change));
        rig.tell(RenderCommand::SetRate(rates[change as usize % rates.len()]));
    }
    rig.wait_end();
}

fn frames(chunk: &AudioChunk) -> i64 {
    (chunk.samples.len() / chunk.channels as usize) as i64
}

fn loses_nothing(rig: &Rig, pictures: i64, rates: &[f64]) {
    let shown: Vec<_> = rig.pictures().iter().map(|picture| picture.counter).collect();
    assert_eq!(shown, (0..pictures).collect::<Vec<_>>(), "each picture once and in order");
    let off = |picture: &Picture| picture.pts.nanos_from(time_of(picture.counter)).abs();
    assert!(rig.pictures().iter().all(|picture| off(picture) <= 1_000), "{:?}", rig.pictures());
    let counts = rig.counts();
    assert_eq!((counts.presented, counts.dropped, counts.repeated), (pictures as u64, 0, 0));
    let positions: Vec<_> = rig
        .log
        .iter()
        .filter_map(|event| match event {
            RenderEvent::Position { position, .. } => Some(*position),
            _ => None,
        })
        .collect();
    assert!(positions.windows(2).all(|pair| pair[0] <= pair[1]), "the position never goes back");
    // From one block of audio to the next, presentation time goes on by its length times some rate.
    let sound = rig.sound();
    // What was decoded before the first command has rate 1.
    let least = rates.iter().copied().fold(1.0, f64::min);
    let most = rates.iter().copied().fold(1.0, f64::max);
    let window = 45_000_000.0;
    for pair in sound.windows(2) {
        let advance = pair[1].pts.nanos_from(pair[0].pts) as f64;
        let length = frames(&pair[0]) as f64 * 1e9 / 48_000.0;
        assert!(
            advance >= length * least - window && advance <= length * most + window * most,
            "{advance} in {length}"
        );
    }
    let media = pictures * 1_000_000_000 / FPS;
    let (first, last) = (sound.first().unwrap(), sound.last().unwrap());
    assert!(first.pts.nanos_from(MediaTime::ZERO).abs() < 1_000_000, "{:?}", first.pts);
    let end = last.pts.nanos_from(MediaTime::ZERO) as f64 + frames(last) as f64 * 1e9 / 48_000.0 * most;
    assert!(end > media as f64 - window * most, "audio ends at {end} of {media}");
    let no_trouble = |event: &&RenderEvent| {
        matches!(
            event,
            RenderEvent::Flushed { .. }
                | RenderEvent::FirstFrame { .. }
                | RenderEvent::Ended { .. }
                | RenderEvent::Reconfigured { .. }
        )
    };
    assert!(rig.states().iter().all(no_trouble), "{:?}", rig.states());
}

#[test]
fn small_changes_in_real_time_lose_and_repeat_nothing() {
    let rates = [1.05, 0.95, 1.0, 1.1, 0.9];
    let mut rig = Rig::new();
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    rig.feed(Video, small());
    rig.feed(Audio, aac());
    play_with_changes(&mut rig, &rates, 40, MediaTime::from_millis(4_000));
    loses_nothing(&rig, 96, &rates);
    let pictures = rig.pictures();
    let flashes = pictures.windows(2).filter(|pair| pair[1].flash && !pair[0].flash).map(|pair| pair[1].pts);
    let beeps = onsets(&rig.got);
    assert_eq!(beeps.len(), 3, "{beeps:?}");
    for (flash, beep) in flashes.zip(beeps) {
        assert!(flash.nanos_from(beep).abs() <= 40_000_000, "flash {flash:?}, beep {beep:?}");
    }
}

#[test]
fn changes_around_other_codecs_and_sound_formats_lose_and_repeat_nothing() {
    let rates = [1.6, 2.0, 1.0, 1.25, 0.8];
    let mut rig = Rig::new();
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    for (group, track) in [small(), hevc(), vp9(), small()].into_iter().enumerate() {
        rig.configure(Video, &track.config);
        rig.append(Video, track.groups(group, group + 1));
    }
    rig.end(Video);
    let cut = MediaTime::from_millis(2_000);
    rig.configure(Audio, &aac().config);
    rig.append(Audio, aac().samples.iter().filter(|sample| sample.pts < cut).cloned().collect());
    rig.configure(Audio, &aac_mono().config);
    rig.append(Audio, aac_mono().samples.iter().filter(|sample| sample.pts >= cut).cloned().collect());
    rig.end(Audio);
    play_with_changes(&mut rig, &rates, 40, MediaTime::from_millis(4_000));
    loses_nothing(&rig, 96, &rates);
}

#[test]
fn changes_while_paused_and_before_the_first_picture_hold_for_what_follows() {
    let mut rig = Rig::new();
    rig.tell(RenderCommand::SetRate(0.5));
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    rig.tell(RenderCommand::SetRate(8.0));
    rig.feed(Video, small());
    rig.feed(Audio, aac());
    rig.wait_first();
    for rate in [1.0, 0.5, 2.0, 4.0] {
        rig.tell(RenderCommand::SetRate(rate));
        rig.wait("a position", |event| *event == RenderEvent::Position { epoch: Epoch(1), position: MediaTime::ZERO });
    }
    rig.play(4.0);
    rig.wait_end();
    loses_nothing(&rig, 96, &[4.0, 8.0]);
}

#[test]
fn a_minute_with_a_hundred_changes_loses_and_repeats_nothing() {
    let rates = [4.0, 6.0, 5.0, 8.0];
    let mut rig = Rig::new();
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    rig.feed(Video, long_video());
    rig.feed(Audio, long_sound());
    play_with_changes(&mut rig, &rates, 100, MediaTime::from_millis(60_000));
    loses_nothing(&rig, 60 * FPS, &rates);
}

#[test]
fn slides_change_their_rate_at_once_though_the_sink_waits_with_the_next_one() {
    let mut rig = Rig::new();
    let mut slides = small().clone();
    slides.samples = (0..4).map(|slide| slides.samples[slide * 24].clone()).collect();
    for (slide, sample) in slides.samples.iter_mut().enumerate() {
        (sample.pts, sample.dts) = (time_of(slide as i64 * 240), time_of(slide as i64 * 240));
        sample.duration = std::time::Duration::from_secs(10);
    }
    rig.flush(MediaTime::ZERO, &[Video]);
    rig.feed(Video, &slides);
    rig.play(1.0);
    rig.wait_position(MediaTime::from_millis(100));
    rig.tell(RenderCommand::SetRate(8.0));
    rig.wait_position(time_of(240));
    let position = |event: &RenderEvent| match event {
        RenderEvent::Position { position, .. } => Some(position.as_nanos()),
        _ => None,
    };
    let positions: Vec<i64> = rig.log.iter().filter_map(position).collect();
    assert!(positions.windows(2).any(|pair| pair[1] - pair[0] > 250_000_000), "{positions:?}");
    // A small one leaves the slide that waits alone.
    rig.tell(RenderCommand::SetRate(7.5));
    rig.wait_end();
    assert_eq!(rig.pictures().iter().map(|p| p.counter).collect::<Vec<_>>(), [0, 24, 48, 72]);
}
