//! More commands than the render thread can follow, and a thread that ends.

use super::media::{aac, small, time_of};
use super::rig::Rig;
use crate::error::ErrorCode;
use crate::model::MediaKind::{Audio, Video};
use crate::render::gst::{AudioOutput, GstConfig, VideoOutput};
use crate::render::{RenderCommand, RenderEvent};
use crate::time::MediaTime;

fn failures(rig: &Rig) -> usize {
    rig.states().iter().filter(|event| matches!(event, RenderEvent::Failed(_))).count()
}

fn playing() -> Rig {
    let mut rig = Rig::new();
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    rig.feed(Video, small());
    rig.feed(Audio, aac());
    rig.play(1.0);
    rig.wait_position(MediaTime::from_millis(200));
    rig
}

#[test]
fn a_flood_while_the_render_thread_stands_still_ends_nothing() {
    let mut rig = playing();
    rig.hold_thread();
    for step in 0..20_000_u32 {
        rig.tell(RenderCommand::SetRate(if step % 2 == 0 { 1.5 } else { 1.0 }));
        rig.tell(RenderCommand::SetPlaying(step % 2 == 0));
        rig.tell(RenderCommand::SetVolume { volume: f64::from(step % 100) / 100.0, muted: step % 7 == 0 });
        let epoch = rig.epoch;
        rig.tell(RenderCommand::FlushTrack { track: Audio, from: MediaTime::ZERO, epoch });
        rig.configure(Audio, &aac().config);
        rig.append(Audio, aac().samples.clone());
        if step % 10 == 0 {
            rig.flush(time_of(60), &[Video, Audio]);
            rig.feed(Video, small());
        }
    }
    rig.flush(time_of(24), &[Video, Audio]);
    rig.feed(Video, small());
    rig.feed(Audio, aac());
    *rig.got.lock().unwrap() = super::rig::Got::default();
    rig.play(8.0);
    rig.release_thread();
    rig.wait_end();
    let shown: Vec<_> = rig.pictures().iter().map(|p| p.counter).filter(|counter| *counter >= 24).collect();
    assert_eq!(shown[shown.len() - 72..], (24..96).collect::<Vec<_>>(), "{:?}", rig.states());
    assert_eq!(failures(&rig), 0, "{:?}", rig.states());
    let flushed = rig.states().iter().filter(|event| matches!(event, RenderEvent::Flushed { .. })).count();
    assert_eq!(flushed, 2, "the first and the last: {:?}", rig.states());
}

#[test]
fn more_media_than_it_can_hold_is_asked_for_again() {
    let mut rig = playing();
    rig.hold_thread();
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    rig.configure(Video, &small().config);
    for _ in 0..200 {
        rig.append(Video, small().samples.clone());
    }
    rig.release_thread();
    rig.wait("a wish for a flush", |event| matches!(event, RenderEvent::FlushWanted { .. }));
    rig.flush(time_of(24), &[Video, Audio]);
    rig.feed(Video, small());
    rig.feed(Audio, aac());
    rig.play(8.0);
    rig.wait_end();
    assert_eq!(failures(&rig), 0, "{:?}", rig.states());
    let wanted = rig.states().iter().filter(|event| matches!(event, RenderEvent::FlushWanted { .. })).count();
    assert_eq!(wanted, 1, "{:?}", rig.states());
}

#[test]
fn a_render_thread_that_panics_is_replaced_at_the_next_flush() {
    let mut rig = playing();
    rig.tell(RenderCommand::SetRate(8.0));
    rig.break_thread();
    rig.wait("the failure", |event| matches!(event, RenderEvent::Failed(_)));
    rig.tell(RenderCommand::Stop);
    rig.tell(RenderCommand::SetPlaying(true));
    rig.flush_and_forget(time_of(24), &[Video, Audio]);
    rig.feed(Video, small());
    rig.feed(Audio, aac());
    rig.wait_end();
    let shown: Vec<_> = rig.pictures().iter().map(|p| p.counter).collect();
    assert_eq!(shown, (24..96).collect::<Vec<_>>(), "the wish to play and the rate outlast the thread");
    assert_eq!(failures(&rig), 1, "{:?}", rig.states());
}

#[test]
fn a_device_that_went_away_is_tried_again_after_a_stop() {
    let config = GstConfig { video: VideoOutput::Count, audio: AudioOutput::Device, drop_late: false };
    let mut rig = Rig::with(config, std::sync::Arc::default());
    let mut warned = Vec::new();
    for _ in 0..2 {
        rig.flush(MediaTime::ZERO, &[Video, Audio]);
        rig.feed(Video, small());
        rig.feed(Audio, aac());
        rig.play(8.0);
        rig.wait_end();
        rig.tell(RenderCommand::Stop);
        let missing = |event: &&&RenderEvent| matches!(event, RenderEvent::Warning(error) if error.code == ErrorCode::AudioDeviceUnavailable);
        warned.push(rig.states().iter().filter(missing).count());
    }
    assert_eq!(warned[1], 2 * warned[0], "with a device, none; without one, each time: {:?}", rig.states());
}
