//! Flushes: exact starts, repeated ones, after the end, of one track.

use super::media::{aac, aac_surround, small, time_of};
use super::rig::Rig;
use crate::model::MediaKind::{Audio, Video};
use crate::render::{RenderCommand, RenderEvent};
use crate::time::MediaTime;

#[test]
fn an_exact_seek_shows_the_picture_of_that_instant_first() {
    let mut rig = Rig::new();
    for (target, picture) in [(time_of(61), 61), (time_of(30).shifted(20_000_000), 30), (time_of(24), 24)] {
        rig.flush_and_forget(target, &[Video, Audio]);
        rig.feed(Video, small());
        rig.feed(Audio, aac());
        let pts = rig.wait_first();
        assert!(pts.nanos_from(target).abs() <= 1_000, "{pts:?} for {target:?}");
        assert_eq!(rig.pictures().first().unwrap().counter, picture, "target {target:?}");
    }
    rig.play(8.0);
    rig.wait_end();
    assert_eq!(rig.pictures().iter().map(|p| p.counter).collect::<Vec<_>>(), (24..96).collect::<Vec<_>>());
}

#[test]
fn a_decoder_that_caught_up_gives_way_without_a_trace() {
    let mut rig = Rig::new();
    for start in [17, 39] {
        rig.flush_and_forget(time_of(start), &[Video, Audio]);
        rig.feed(Video, small());
        rig.feed(Audio, aac());
        assert!(rig.wait_first().nanos_from(time_of(start)).abs() <= 1_000);
        rig.play(4.0);
        rig.wait_end();
        assert_eq!(rig.pictures().iter().map(|p| p.counter).collect::<Vec<_>>(), (start..96).collect::<Vec<_>>());
    }
}

#[test]
fn a_flush_while_playing_and_after_the_end_works_again() {
    let mut rig = Rig::new();
    rig.play(8.0);
    for start in [0, 72, 48] {
        rig.flush_and_forget(time_of(start), &[Video, Audio]);
        rig.feed(Video, small());
        rig.feed(Audio, aac());
        if start == 72 {
            rig.wait_first();
            continue;
        }
        rig.wait_end();
        assert_eq!(rig.pictures().iter().map(|p| p.counter).collect::<Vec<_>>(), (start..96).collect::<Vec<_>>());
    }
}

#[test]
fn times_before_zero_are_times() {
    let mut rig = Rig::new();
    let shift = -3_000_000_000;
    let mut track = small().clone();
    for sample in &mut track.samples {
        (sample.pts, sample.dts) = (sample.pts.shifted(shift), sample.dts.shifted(shift));
    }
    rig.flush(time_of(12).shifted(shift), &[Video]);
    rig.feed(Video, &track);
    assert!(rig.wait_first().nanos_from(time_of(12).shifted(shift)).abs() <= 1_000);
    rig.play(8.0);
    rig.wait_end();
    let pictures = rig.pictures();
    assert_eq!(pictures.iter().map(|p| p.counter).collect::<Vec<_>>(), (12..96).collect::<Vec<_>>());
    assert!(pictures[10].pts.nanos_from(time_of(22).shifted(shift)).abs() <= 1_000);
}

#[test]
fn what_belongs_to_an_older_epoch_is_ignored() {
    let mut rig = Rig::new();
    rig.flush(MediaTime::ZERO, &[Video]);
    let old = rig.epoch;
    rig.flush(time_of(48), &[Video]);
    rig.configure(Video, &small().config);
    rig.tell(RenderCommand::Append { track: Video, samples: small().groups(0, 1), epoch: old });
    rig.tell(RenderCommand::EndOfTrack { track: Video, epoch: old });
    rig.append(Video, small().groups(2, 4));
    rig.end(Video);
    rig.play(8.0);
    rig.wait_end();
    assert_eq!(rig.pictures().iter().map(|p| p.counter).collect::<Vec<_>>(), (48..96).collect::<Vec<_>>());
}

#[test]
fn another_language_replaces_the_sound_and_keeps_the_pictures() {
    let mut rig = Rig::new();
    rig.flush(MediaTime::ZERO, &[Video, Audio]);
    rig.feed(Video, small());
    rig.configure(Audio, &aac().config);
    rig.append(Audio, aac().samples.clone());
    rig.play(1.0);
    let from = rig.wait_position(MediaTime::from_millis(600));
    let epoch = rig.epoch;
    rig.tell(RenderCommand::FlushTrack { track: Audio, from, epoch });
    rig.configure(Audio, &aac_surround().config);
    let rest: Vec<_> = aac_surround().samples.iter().filter(|sample| sample.end() > from).cloned().collect();
    rig.append(Audio, rest);
    rig.end(Audio);
    rig.wait_position(from);
    rig.tell(RenderCommand::SetRate(4.0));
    rig.wait_end();
    assert_eq!(rig.pictures().iter().map(|p| p.counter).collect::<Vec<_>>(), (0..96).collect::<Vec<_>>());
    let channels: Vec<_> = rig.sound().iter().map(|chunk| chunk.channels).collect();
    assert!(channels.windows(2).filter(|pair| pair[0] != pair[1]).count() == 1, "{channels:?}");
    assert_eq!(channels.last(), Some(&6));
    assert!(!rig.states().iter().any(|event| matches!(event, RenderEvent::FlushWanted { .. })));
}
