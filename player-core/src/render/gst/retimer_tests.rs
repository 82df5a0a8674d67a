//! The retimers without a pipeline: buffers and events go in and come out on the thread of the test.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_audio as gst_audio;

use super::anchor::{Anchor, to_clock};
use super::retimer::{ahead, floats, presentation, retimer};
use super::timing::Timing;
use crate::model::MediaKind::{self, Audio, Video};
use crate::time::MediaTime;

const FRAMES: i64 = 1_024;

/// A buffer that was handed on.
#[derive(Clone, Debug)]
struct Passed {
    /// Running times of its begin and end in nanoseconds.
    running: (i64, i64),
    /// Its presentation times in nanoseconds.
    presentation: (i64, i64),
    ahead: i64,
    samples: Vec<f32>,
}

/// A retimer with a pad before and one after it.
struct Harness {
    element: gst::Element,
    before: gst::Pad,
    after: gst::Pad,
    passed: Arc<Mutex<Vec<Passed>>>,
    events: Arc<Mutex<Vec<gst::Event>>>,
    upstream: Arc<Mutex<Vec<gst::Event>>>,
}

impl Harness {
    fn new(track: MediaKind, timing: &Arc<Timing>, start: MediaTime) -> Self {
        gst::init().unwrap();
        let element = retimer("retimer", track, timing).unwrap();
        let (passed, events, upstream) = (Arc::default(), Arc::default(), Arc::default());
        let (got, seen, asked) = (Arc::clone(&passed), Arc::clone(&events), Arc::clone(&upstream));
        let after = gst::Pad::builder(gst::PadDirection::Sink)
            .name("after")
            .chain_function(move |_, _, buffer| {
                let nanos = |time: Option<gst::ClockTime>| time.unwrap().nseconds() as i64;
                let (begin, end) = presentation(&buffer).unwrap();
                let running = nanos(buffer.pts());
                let passed: &Mutex<Vec<Passed>> = &got;
                passed.lock().unwrap().push(Passed {
                    running: (running, running + nanos(buffer.duration())),
                    presentation: (begin.as_nanos(), end.as_nanos()),
                    ahead: ahead(&buffer),
                    samples: floats(&buffer),
                });
                Ok(gst::FlowSuccess::Ok)
            })
            .event_function(move |_, _, event| {
                let events: &Mutex<Vec<gst::Event>> = &seen;
                events.lock().unwrap().push(event);
                true
            })
            .build();
        let before = gst::Pad::builder(gst::PadDirection::Src)
            .name("before")
            .event_function(move |_, _, event| {
                let events: &Mutex<Vec<gst::Event>> = &asked;
                events.lock().unwrap().push(event);
                true
            })
            .build();
        before.link(&element.static_pad("sink").unwrap()).unwrap();
        element.static_pad("src").unwrap().link(&after).unwrap();
        after.set_active(true).unwrap();
        before.set_active(true).unwrap();
        element.set_state(gst::State::Playing).unwrap();
        let harness = Self { element, before, after, passed, events, upstream };
        harness.send(gst::event::StreamStart::new("test"));
        if track == Audio {
            harness.format(1);
        }
        harness.send(gst::event::Segment::new(&Anchor { start }.segment()));
        harness
    }

    fn send(&self, event: gst::Event) {
        assert!(self.before.push_event(event));
    }

    fn format(&self, channels: u32) {
        let info = gst_audio::AudioInfo::builder(gst_audio::AudioFormat::F32le, 48_000, channels).build().unwrap();
        self.send(gst::event::Caps::new(&info.to_caps().unwrap()));
    }

    fn picture(&self, pts: i64, span: i64) {
        let mut buffer = gst::Buffer::new();
        let times = buffer.get_mut().unwrap();
        times.set_pts(to_clock(MediaTime::from_nanos(pts)));
        times.set_duration(gst::ClockTime::from_nseconds(span as u64));
        self.before.push(buffer).unwrap();
    }

    /// Pushes a block of audio of one channel that begins at a frame; its samples are a tone.
    fn sound(&self, frame: i64, frames: i64) {
        let bytes: Vec<u8> = (frame..frame + frames).flat_map(|frame| tone(frame).to_le_bytes()).collect();
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        let times = buffer.get_mut().unwrap();
        times.set_pts(to_clock(MediaTime::from_nanos(time_of(frame))));
        times.set_duration(gst::ClockTime::from_nseconds(time_of(frames) as u64));
        self.before.push(buffer).unwrap();
    }

    fn passed(&self) -> Vec<Passed> {
        self.passed.lock().unwrap().clone()
    }

    fn frames(&self) -> i64 {
        self.passed().iter().map(|passed| passed.samples.len() as i64).sum()
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        let _ = self.element.set_state(gst::State::Null);
    }
}

fn tone(frame: i64) -> f32 {
    (frame as f64 * 0.05).sin() as f32 * 0.5
}

fn time_of(frames: i64) -> i64 {
    frames * 1_000_000_000 / 48_000
}

fn milli(millis: i64) -> i64 {
    millis * 1_000_000
}

/// Plays a minute of both tracks in order of presentation, with a change of rate before every `every` blocks of audio.
fn a_minute(every: usize, rates: &[f64]) -> (Arc<Timing>, Harness, Harness, usize) {
    let timing = Arc::new(Timing::new(MediaTime::ZERO, 1.0));
    let (video, audio) = (Harness::new(Video, &timing, MediaTime::ZERO), Harness::new(Audio, &timing, MediaTime::ZERO));
    let (mut pictures, mut changes) = (0, 0);
    for block in 0..60 * 48_000 / FRAMES {
        if block as usize % every == every - 1 {
            // The clock lags what is handed on by some 40 ms.
            let now = timing.lock().running(MediaTime::from_nanos(time_of(block * FRAMES) - milli(40))).max(0);
            let before = timing.position(gst::ClockTime::from_nseconds(now as u64));
            timing.set_rate(rates[changes % rates.len()], gst::ClockTime::from_nseconds(now as u64));
            assert_eq!(
                timing.position(gst::ClockTime::from_nseconds(now as u64)),
                before,
                "the position does not leap"
            );
            changes += 1;
        }
        audio.sound(block * FRAMES, FRAMES);
        while milli(40) * pictures < time_of((block + 1) * FRAMES) {
            video.picture(milli(40) * pictures, milli(40));
            pictures += 1;
        }
    }
    audio.send(gst::event::Eos::new());
    video.send(gst::event::Eos::new());
    (timing, video, audio, changes)
}

#[test]
fn a_hundred_changes_in_a_minute_lose_and_repeat_nothing() {
    for rates in [&[0.95, 1.05, 1.0, 1.1, 0.9][..], &[0.5, 2.0, 2.0, 1.25], &[1.0, 1.02]] {
        let (timing, video, audio, changes) = a_minute(28, rates);
        assert_eq!(changes, 100);
        let pictures = video.passed();
        assert_eq!(pictures.len(), 1_500);
        for (index, picture) in pictures.iter().enumerate() {
            let begin = milli(40) * index as i64;
            assert_eq!(picture.presentation, (begin, begin + milli(40)));
            assert_eq!(
                picture.running.0,
                timing.lock().running(MediaTime::from_nanos(begin)),
                "stamped by the final map"
            );
        }
        assert!(pictures.windows(2).all(|pair| pair[0].running.0 < pair[1].running.0));
        let sound = audio.passed();
        for pair in sound.windows(2) {
            let hole = pair[1].running.0 - pair[0].running.1;
            assert!(hole.abs() <= 21_000, "a hole of {hole} ns at {}", pair[1].running.0);
        }
        for block in &sound {
            let off = block.presentation.0 - timing.lock().presentation(block.running.0);
            assert!(off.abs() <= milli(45), "{off} ns off at {:?}", block.running);
            assert!((off - block.ahead).abs() <= 4, "the offset is known: {off} and {}", block.ahead);
        }
        let expected = timing.lock().running(MediaTime::from_nanos(time_of(60 * 48_000 / FRAMES * FRAMES)));
        let off = time_of(audio.frames()) - expected;
        assert!(off.abs() <= milli(45), "{off} ns of {expected}");
        let samples: Vec<f32> = sound.iter().flat_map(|block| block.samples.clone()).collect();
        let steepest = samples.windows(2).fold(0.0_f32, |most, pair| most.max((pair[1] - pair[0]).abs()));
        assert!(steepest < 0.025 * 1.1, "a click of {steepest}");
    }
}

#[test]
fn at_rate_one_audio_passes_untouched() {
    let (_, _, audio, _) = a_minute(28, &[1.0]);
    let samples: Vec<f32> = audio.passed().iter().flat_map(|block| block.samples.clone()).collect();
    let expected: Vec<f32> = (0..60 * 48_000 / FRAMES * FRAMES).map(tone).collect();
    assert!(samples == expected);
    for block in audio.passed() {
        assert_eq!(block.running.0, block.presentation.0);
    }
}

#[test]
fn nothing_before_the_start_is_handed_on_and_a_start_within_is_exact() {
    let start = MediaTime::from_nanos(milli(100));
    let timing = Arc::new(Timing::new(start, 2.0));
    let (video, audio) = (Harness::new(Video, &timing, start), Harness::new(Audio, &timing, start));
    for picture in [0, 40, 60, 80, 120] {
        video.picture(milli(picture), milli(40));
    }
    let times: Vec<_> = video.passed().iter().map(|picture| (picture.presentation.0, picture.running)).collect();
    assert_eq!(times, [(milli(100), (0, milli(10))), (milli(120), (milli(10), milli(30)))]);
    for block in 0..8 {
        audio.sound(block * FRAMES, FRAMES);
    }
    let first = audio.passed()[0].clone();
    assert_eq!((first.presentation.0, first.running.0, first.samples[0]), (milli(100), 0, tone(4_800)));
}

#[test]
fn gaps_leaps_formats_and_the_end_give_out_what_is_held() {
    let timing = Arc::new(Timing::new(MediaTime::ZERO, 1.25));
    let audio = Harness::new(Audio, &timing, MediaTime::ZERO);
    let blocks = |from: i64, count: i64| {
        for block in 0..count {
            audio.sound(from + block * FRAMES, FRAMES);
        }
    };
    let whole = |given: i64, frames: i64, what: &str| {
        let off = time_of(given) - time_of(frames) * 4 / 5;
        assert!(off.abs() <= milli(45), "{what}: off by {off} ns");
    };
    blocks(0, 20);
    // On in small steps up to a place where input is held for comparison.
    let mut length = 20 * FRAMES;
    let mut before = -1;
    while audio.frames() > before {
        before = audio.frames();
        audio.sound(length, 256);
        length += 256;
    }
    audio.send(gst::event::Gap::builder(to_clock(MediaTime::from_nanos(time_of(length)))).build());
    assert!(audio.frames() > before);
    whole(audio.frames(), length, "a gap");
    let gap = audio.events.lock().unwrap().iter().find_map(|event| match event.view() {
        gst::EventView::Gap(gap) => Some(gap.get().0),
        _ => None,
    });
    let running = timing.lock().running(MediaTime::from_nanos(time_of(length)));
    assert_eq!(gap.unwrap().nseconds() as i64, running);

    let later = 480_000;
    blocks(later, 20);
    blocks(2 * later, 20);
    whole(audio.frames(), length + 40 * FRAMES, "a leap");
    let at = timing.lock().running(MediaTime::from_nanos(time_of(later)));
    assert!(audio.passed().iter().any(|block| block.running.0 == at), "what follows a gap is at its time");

    audio.format(2);
    whole(audio.frames(), length + 40 * FRAMES, "another format");
    let before = audio.frames();
    audio.format(2);
    audio.format(1);
    assert_eq!(audio.frames(), before, "nothing is given twice");
    blocks(3 * later, 20);
    audio.send(gst::event::Eos::new());
    whole(audio.frames(), length + 60 * FRAMES, "the end");
}

#[test]
fn a_flush_drops_what_is_held() {
    let timing = Arc::new(Timing::new(MediaTime::ZERO, 0.8));
    let audio = Harness::new(Audio, &timing, MediaTime::ZERO);
    for block in 0..20 {
        audio.sound(block * FRAMES, FRAMES);
    }
    audio.send(gst::event::FlushStart::new());
    audio.send(gst::event::FlushStop::new(true));
    timing.restart(MediaTime::from_nanos(time_of(96_000)), 1.0);
    audio.passed.lock().unwrap().clear();
    audio.send(gst::event::Segment::new(&Anchor { start: MediaTime::from_nanos(time_of(96_000)) }.segment()));
    audio.sound(96_000, FRAMES);
    let passed = audio.passed();
    assert_eq!((passed.len(), passed[0].running.0), (1, 0));
    assert_eq!(passed[0].samples, (96_000..96_000 + FRAMES).map(tone).collect::<Vec<_>>());
}

#[test]
fn quality_reports_go_upstream_in_the_time_of_decoders() {
    let start = MediaTime::from_millis(5_000);
    let timing = Arc::new(Timing::new(start, 2.0));
    let video = Harness::new(Video, &timing, start);
    let report = |late: i64, at: u64| {
        gst::event::Qos::new(gst::QOSType::Underflow, 1.0, late, gst::ClockTime::from_mseconds(at))
    };
    assert!(video.after.push_event(report(milli(10), 1_000)));
    timing.set_rate(1.0, gst::ClockTime::from_mseconds(1_500));
    assert!(video.after.push_event(report(milli(10), 2_000)));
    let upstream = video.upstream.lock().unwrap();
    let reports = upstream.iter().filter_map(|event| match event.view() {
        gst::EventView::Qos(quality) => Some((quality.get().2, quality.get().3.unwrap().mseconds())),
        _ => None,
    });
    let got: Vec<_> = reports.collect();
    assert_eq!(got, [(milli(20), 2_000), (milli(10), 3_500)]);
}
