//! Every codec that hosts may offer.

use super::media::{Track, ac3, eac3, flac, hevc, mp3, opus, vp9};
use super::rig::Rig;
use crate::container::Codec;
use crate::model::MediaKind::{Audio, Video};
use crate::render::gst::can_decode;
use crate::time::MediaTime;

fn seconds_of_sound(track: &Track) -> f64 {
    assert!(can_decode(&track.config.codec));
    let mut rig = Rig::new();
    rig.flush(MediaTime::ZERO, &[Audio]);
    rig.feed(Audio, track);
    rig.play(8.0);
    rig.wait_end();
    // The clock stops at the end of the media, however fast it went.
    let chunks = rig.sound();
    let samples: usize = chunks.iter().map(|chunk| chunk.samples.len() / chunk.channels as usize).sum();
    assert!(chunks.iter().any(|chunk| chunk.samples.iter().any(|s| s.abs() > 0.2)), "the beep is heard");
    samples as f64 / 48_000.0 * 8.0
}

#[test]
fn sound_codecs_decode_in_full() {
    for (name, track) in [("Opus", opus()), ("FLAC", flac()), ("AC-3", ac3()), ("E-AC-3", eac3()), ("MP3", mp3())] {
        let seconds = seconds_of_sound(track);
        assert!((seconds - 4.0).abs() < 0.7, "{name}: {seconds} s");
    }
}

#[test]
fn picture_codecs_decode_in_full() {
    for track in [hevc(), vp9()] {
        assert!(can_decode(&track.config.codec));
        let mut rig = Rig::new();
        rig.flush(MediaTime::ZERO, &[Video]);
        rig.feed(Video, track);
        rig.play(8.0);
        rig.wait_end();
        let counters: Vec<_> = rig.pictures().iter().map(|picture| picture.counter).collect();
        assert_eq!(counters, (0..96).collect::<Vec<_>>(), "{:?}", track.config.codec);
    }
}

#[test]
fn what_nobody_decodes_is_said_beforehand() {
    assert!(!can_decode(&Codec::Other(*b"zzzz")) && !can_decode(&Codec::Wvtt));
}
