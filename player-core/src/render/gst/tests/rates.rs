//! Changes of rate in the middle of play, in the whole pipeline.

use std::time::Duration;

use gstreamer as gst;

use super::media::{FPS, Track, aac, aac_mono, hevc, long_sound, long_video, small, time_of, vp9};
use super::rig::Rig;
use super::stepping::Stepping;
use crate::model::MediaKind::{Audio, Video};
use crate::render::gst::AudioChunk;
use crate::render::gst::session::Session;
use crate::render::{Epoch, RenderCommand, RenderEvent};
use crate::time::MediaTime;

/// Nanoseconds by which audio may lie from its time: the stretcher's tolerance and segment.
const WINDOW: i64 = 45_000_000;

fn length(chunk: &AudioChunk) -> i64 {
    let frames = (chunk.samples.len() / chunk.channels as usize) as i64;
    frames * 1_000_000_000 / i64::from(chunk.sample_rate)
}

/// Returns a step that changes the rate `changes` times at even distances of `media`, and sees that the position goes on
/// by the clock, between the slowest and the fastest rate, and never leaps.
fn changing(rates: &'static [f64], changes: i64, media: MediaTime) -> impl FnMut(&mut Session, gst::ClockTime) {
    let (slowest, fastest) = rates.iter().fold((1.0_f64, 1.0_f64), |(a, b), rate| (a.min(*rate), b.max(*rate)));
    let (mut done, mut before, mut last) = (0, MediaTime::ZERO, gst::ClockTime::ZERO);
    move |session, now| {
        let (position, elapsed) = (session.position(), (now - last).nseconds() as f64);
        let advance = position.nanos_from(before) as f64;
        // It stands still until the pipeline is wholly in its playing state, which its sinks are before it, and at the end
        // of the media, though the last audio may be on its way out.
        let moves = before > MediaTime::from_millis(1) && position < media;
        assert!(
            !moves || (advance >= elapsed * slowest - 2.0 && advance <= elapsed * fastest + 2.0),
            "{advance} in {elapsed} ns"
        );
        (before, last) = (position, now);
        while done < changes && position >= MediaTime::from_nanos(media.as_nanos() / (changes + 1) * (done + 1)) {
            session.handle(RenderCommand::SetRate(rates[done as usize % rates.len()]));
            assert_eq!(session.position(), position, "a change moves nothing");
            done += 1;
        }
    }
}

/// Asserts that each picture and all audio of `pictures` pictures was presented once and at its time.
fn assert_whole(played: &Stepping, pictures: i64) {
    let shown = played.pictures.lock().unwrap();
    assert_eq!(shown.iter().map(|(_, counter)| *counter).collect::<Vec<_>>(), (0..pictures).collect::<Vec<_>>());
    assert!(shown.iter().all(|(pts, counter)| pts.nanos_from(time_of(*counter)).abs() <= 1_000));
    let counts = played.counts();
    assert_eq!((counts.presented, counts.dropped, counts.repeated), (pictures as u64, 0, 0));
    let map = played.session.timing.lock();
    let sound = played.sound.lock().unwrap();
    let mut running = 0;
    for chunk in sound.iter() {
        let off = chunk.pts.as_nanos() - map.presentation(running);
        assert!(off.abs() <= WINDOW, "audio of {:?} is {off} ns off", chunk.pts);
        running += length(chunk);
    }
    let end = map.running(MediaTime::from_nanos(pictures * 1_000_000_000 / FPS));
    assert!((running - end).abs() <= WINDOW, "{running} ns of audio, {end} ns of playing");
    assert!(played.positions().windows(2).all(|pair| pair[0] <= pair[1]), "the position never goes back");
    let sync = |event: &&RenderEvent| matches!(event, RenderEvent::AvSync { nanos } if nanos.abs() > WINDOW);
    assert_eq!(played.events.iter().find(sync), None);
    let trouble = |event: &&RenderEvent| {
        matches!(
            event,
            RenderEvent::FlushWanted { .. }
                | RenderEvent::Warning(_)
                | RenderEvent::TrackFailed { .. }
                | RenderEvent::Failed(_)
        )
    };
    assert_eq!(played.events.iter().find(trouble), None);
}

#[test]
fn a_hundred_changes_in_a_minute_lose_and_repeat_no_picture_and_no_audio() {
    // Less than a minute of running time, for which the map keeps every knot.
    for rates in [&[1.05, 0.95, 1.0, 1.1, 0.9][..], &[0.5, 2.0, 1.25, 2.0]] {
        let mut played = Stepping::new();
        played.append(Video, long_video().clone());
        played.append(Audio, long_sound().clone());
        played.play(changing(rates, 100, MediaTime::from_millis(60_000)));
        assert_whole(&played, 60 * FPS);
    }
}

#[test]
fn changes_around_other_codecs_and_sound_formats_lose_and_repeat_nothing() {
    let mut played = Stepping::new();
    for (group, track) in [small(), hevc(), vp9(), small()].into_iter().enumerate() {
        played.append(Video, Track { config: track.config.clone(), samples: track.groups(group, group + 1) });
    }
    let cut = MediaTime::from_millis(2_000);
    let part = |track: &Track, late: bool| Track {
        config: track.config.clone(),
        samples: track.samples.iter().filter(|sample| (sample.pts >= cut) == late).cloned().collect(),
    };
    played.append(Audio, part(aac(), false));
    played.append(Audio, part(aac_mono(), true));
    played.play(changing(&[1.6, 2.0, 1.0, 1.25, 0.8], 40, MediaTime::from_millis(4_000)));
    assert_whole(&played, 96);
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
    assert_eq!(rig.pictures().iter().map(|picture| picture.counter).collect::<Vec<_>>(), (0..96).collect::<Vec<_>>());
    // A second of media at most was decoded ahead at another rate.
    let sound: i64 = rig.sound().iter().map(length).sum();
    assert!(sound > 900_000_000 && sound < 2_000_000_000, "{sound} ns of audio");
}

#[test]
fn slides_change_their_rate_at_once_though_the_sink_waits_with_the_next_one() {
    let mut rig = Rig::new();
    let mut slides = small().clone();
    slides.samples = (0..4).map(|slide| slides.samples[slide * 24].clone()).collect();
    for (slide, sample) in slides.samples.iter_mut().enumerate() {
        (sample.pts, sample.dts) = (time_of(slide as i64 * 240), time_of(slide as i64 * 240));
        sample.duration = Duration::from_secs(10);
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
