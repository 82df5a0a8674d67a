//! Missing, damaged and late media.

use std::sync::Arc;

use bytes::Bytes;

use super::media::{Track, aac, small};
use super::rig::Rig;
use crate::container::{Codec, CodecConfig, Payload};
use crate::error::{ErrorCode, Severity};
use crate::model::MediaKind::{Audio, Video};
use crate::render::gst::events::EventQueue;
use crate::render::gst::pipeline::Origin;
use crate::render::gst::queue::RenderQueue;
use crate::render::gst::session::Session;
use crate::render::gst::sink_audio::AudioPresenter;
use crate::render::gst::sink_video::VideoPresenter;
use crate::render::gst::{AudioOutput, GstConfig, VideoOutput};
use crate::render::{Epoch, RenderCommand, RenderEvent, Window};
use crate::time::MediaTime;

fn warnings(rig: &Rig, code: ErrorCode) -> usize {
    let matches = |event: &&&RenderEvent| matches!(event, RenderEvent::Warning(error) if error.code == code);
    rig.states().iter().filter(matches).count()
}

#[test]
fn a_codec_that_nobody_decodes_fails_its_track_only() {
    let mut rig = Rig::new();
    let codec = Codec::Other(*b"zzzz");
    let config = Arc::new(CodecConfig { codec, codec_string: "zzzz.1".to_owned(), ..(*aac().config).clone() });
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    rig.configure(Audio, &config);
    rig.append(Audio, aac().samples.clone());
    rig.end(Audio);
    rig.feed(Video, small());
    rig.play(8.0);
    let event = rig.wait("a failed track", |event| matches!(event, RenderEvent::TrackFailed { .. }));
    let RenderEvent::TrackFailed { track, error } = event else { unreachable!("just matched") };
    assert_eq!((track, error.code), (Audio, ErrorCode::DecoderUnavailable));
    assert_eq!(error.context.feature.as_deref(), Some("zzzz.1"));
    rig.wait_end();
    assert_eq!(rig.pictures().len(), 96);
}

#[test]
fn a_failed_track_comes_back_with_another_configuration() {
    let mut rig = Rig::new();
    let config = Arc::new(CodecConfig { codec: Codec::Other(*b"zzzz"), ..(*small().config).clone() });
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    rig.configure(Video, &config);
    rig.append(Video, small().samples.clone());
    rig.feed(Audio, aac());
    rig.wait("a failed track", |event| matches!(event, RenderEvent::TrackFailed { .. }));
    rig.feed(Video, small());
    rig.wait_first();
    rig.play(8.0);
    rig.wait_end();
    assert_eq!(rig.pictures().iter().map(|p| p.counter).collect::<Vec<_>>(), (0..96).collect::<Vec<_>>());
}

#[test]
fn without_an_audio_device_it_plays_silently_and_says_so_once() {
    let config = GstConfig { video: VideoOutput::Count, audio: AudioOutput::Device, drop_late: false };
    let mut rig = Rig::with(config, Arc::default());
    for _ in 0..2 {
        rig.flush(MediaTime::ZERO, &[Video, Audio]);
        rig.feed(Video, small());
        rig.feed(Audio, aac());
        rig.play(8.0);
        rig.wait_end();
    }
    assert_eq!(rig.counts().presented, 192);
    let devices = crate::render::gst::tail::open_device(gstreamer::ElementFactoryType::MEDIA_AUDIO, "probe");
    assert_eq!(warnings(&rig, ErrorCode::AudioDeviceUnavailable), usize::from(devices.is_none()));
    assert!(rig.states().iter().all(|event| match event {
        RenderEvent::Warning(error) => error.severity == Severity::Warning,
        event => !matches!(event, RenderEvent::Failed(_) | RenderEvent::TrackFailed { .. }),
    }));
}

#[test]
fn garbage_from_the_beginning_fails_the_track_and_the_sound_goes_on() {
    let mut rig = Rig::new();
    let mut samples = small().samples.clone();
    for (index, sample) in samples.iter_mut().enumerate() {
        sample.payload = Payload(Bytes::from(vec![index as u8; sample.payload.0.len()]));
    }
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    rig.configure(Video, &small().config);
    rig.append(Video, samples);
    rig.end(Video);
    rig.feed(Audio, aac());
    rig.play(8.0);
    rig.wait_end();
    let failed = |event: &&&RenderEvent| matches!(event, RenderEvent::TrackFailed { track: Video, .. });
    let first = |event: &&&RenderEvent| matches!(event, RenderEvent::FirstAudio { .. });
    let frame = |event: &&&RenderEvent| matches!(event, RenderEvent::FirstFrame { .. });
    assert_eq!(rig.states().iter().filter(first).count(), 1, "the first audio stands in: {:?}", rig.states());
    assert_eq!(rig.states().iter().filter(frame).count(), 0, "audio is no frame: {:?}", rig.states());
    assert_eq!(rig.states().iter().filter(failed).count(), 1, "{:?}", rig.states());
    assert!(!rig.sound().is_empty());
}

#[test]
fn damage_in_the_middle_is_survived() {
    let mut rig = Rig::new();
    let mut samples = small().samples.clone();
    for sample in &mut samples[30..40] {
        let length = sample.payload.0.len();
        sample.payload = Payload(Bytes::from(vec![0xa5; length]));
    }
    rig.flush(MediaTime::ZERO, &[Video]);
    rig.configure(Video, &small().config);
    rig.append(Video, samples);
    rig.end(Video);
    rig.play(8.0);
    rig.wait_end();
    let counters: Vec<_> = rig.pictures().iter().map(|picture| picture.counter).collect();
    assert!(counters.starts_with(&(0..24).collect::<Vec<_>>()), "{counters:?}");
    assert!(counters.ends_with(&(48..96).collect::<Vec<_>>()), "{counters:?}");
}

#[test]
fn a_track_that_never_comes_does_not_hold_up_the_other() {
    let mut rig = Rig::new();
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    rig.feed(Video, small());
    rig.play(8.0);
    rig.wait_position(MediaTime::from_millis(500));
    rig.end(Audio);
    rig.wait_end();
    assert_eq!(rig.pictures().len(), 96);
}

#[test]
fn stopping_and_beginning_again_is_a_new_life() {
    let mut rig = Rig::new();
    rig.flush(MediaTime::ZERO, &[Video]);
    rig.feed(Video, small());
    rig.wait_first();
    rig.tell(RenderCommand::Stop);
    rig.flush(MediaTime::ZERO, &[Video]);
    rig.feed(Video, small());
    rig.play(8.0);
    rig.wait_end();
    assert_eq!(rig.pictures().last().unwrap().counter, 95);
}

#[test]
fn without_a_display_pictures_are_counted() {
    let config = GstConfig { video: VideoOutput::Window, audio: AudioOutput::Silent, drop_late: false };
    let mut rig = Rig::with(config, Arc::default());
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    rig.feed(Video, small());
    rig.feed(Audio, aac());
    rig.play(4.0);
    rig.wait_end();
    assert_eq!(rig.counts().presented, 96, "{:?}", rig.states());
    let failed = |event: &&RenderEvent| matches!(event, RenderEvent::Failed(_));
    assert!(!rig.states().iter().any(failed), "{:?}", rig.states());
}

/// Drives a session as the render thread does, until `until` returns true.
fn drive(session: &mut Session, queue: &RenderQueue, log: &mut Vec<RenderEvent>, until: fn(&RenderEvent) -> bool) {
    for _ in 0..100_000 {
        session.read_bus();
        session.tick();
        while let Some(event) = session.events.pop() {
            log.push(event);
            if log.last().is_some_and(until) {
                return;
            }
        }
        let _ = queue.take(Some(std::time::Duration::from_millis(10)));
    }
    panic!("it never came: {log:?}");
}

#[test]
fn a_device_that_goes_away_in_the_middle_is_replaced() {
    gstreamer::init().unwrap();
    let events = Arc::new(EventQueue::default());
    let config = GstConfig { video: VideoOutput::Count, audio: AudioOutput::Silent, drop_late: false };
    let presenters = (
        Arc::new(VideoPresenter::new(&config.video, events.clone())),
        Arc::new(AudioPresenter::new(&config.audio, events.clone())),
    );
    let queue = Arc::new(RenderQueue::default());
    let mut session = Session::new(config, events, presenters.clone(), queue.clone());
    let epoch = Epoch(1);
    session.handle(RenderCommand::Flush { epoch, start: MediaTime::ZERO, tracks: vec![Video, Audio] });
    for (track, Track { config, samples }) in [(Video, small().clone()), (Audio, aac().clone())] {
        session.handle(RenderCommand::Configure { track, config, window: Window::ALL, epoch });
        session.handle(RenderCommand::Append { track, samples, epoch });
        session.handle(RenderCommand::EndOfTrack { track, epoch });
    }
    session.handle(RenderCommand::SetPlaying(true));
    let mut log = Vec::new();
    let half = |event: &RenderEvent| matches!(event, RenderEvent::Position { position, .. } if *position > MediaTime::from_millis(500));
    drive(&mut session, &queue, &mut log, half);
    session.recover(Origin::Tail(Audio), "unplugged");
    session.handle(RenderCommand::SetRate(4.0));
    drive(&mut session, &queue, &mut log, |event| matches!(event, RenderEvent::Ended { .. }));
    let warned = |event: &&RenderEvent| matches!(event, RenderEvent::Warning(error) if error.code == ErrorCode::AudioDeviceUnavailable);
    assert_eq!(log.iter().filter(warned).count(), 1, "{log:?}");
    assert_eq!(presenters.0.counts().0, 96, "each picture once, across the replacement");
}
