//! The end of the audio branch: conversion to one format, pitch-keeping rate, volume, and the sink.

use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_audio as gst_audio;

use super::config::{AudioCallback, AudioChunk, AudioOutput};
use super::events::EventQueue;
use super::retimer::{ahead, floats, presentation};
use super::sink_video::lateness;
use super::tail::{Tail, make, make_retimer, open_device};
use super::timing::Timing;
use crate::error::PlayerError;
use crate::model::MediaKind;
use crate::render::{Epoch, RenderEvent};
use crate::time::MediaTime;

/// Every sink gets this rate, whatever the track has, so that a device is opened once.
const SINK_RATE: i32 = 48_000;

/// More channels than any speaker layout that decoders give.
const MOST_CHANNELS: i32 = 16;

/// Decoded sound between decoder and sink, in nanoseconds.
const QUEUED_SOUND: u64 = 200_000_000;

/// The element that sets loudness.
pub(super) const VOLUME: &str = "audio-volume";

#[derive(Default)]
struct Heard {
    epoch: Epoch,
    /// The first sound of the epoch is to be announced: there are no pictures.
    announce: bool,
    /// Time of the first audio, once it has arrived.
    first: Option<MediaTime>,
    lateness: Option<i64>,
}

/// Reports the first audio and the sync, and hands audio out. Shared by the render thread and the sink's.
pub(super) struct AudioPresenter {
    events: Arc<EventQueue>,
    heard: Mutex<Heard>,
    callback: Mutex<Option<AudioCallback>>,
}

impl AudioPresenter {
    /// For an output; `events` gets the first sound of each epoch that has no pictures.
    pub(super) fn new(output: &AudioOutput, events: Arc<EventQueue>) -> Self {
        let callback = match output {
            AudioOutput::Tap(callback) => Some(callback.clone()),
            AudioOutput::Device | AudioOutput::Silent => None,
        };
        Self { events, heard: Mutex::default(), callback: Mutex::new(callback) }
    }

    /// A new epoch begins. The tail must be flushing.
    pub(super) fn begin(&self, epoch: Epoch, announce: bool) {
        *self.heard() = Heard { epoch, announce, first: None, lateness: None };
    }

    /// Takes the lateness of the last audio buffer, in nanoseconds; a device plays by its own clock and is never late.
    pub(super) fn take_lateness(&self) -> Option<i64> {
        self.heard().lateness.take()
    }

    /// No callback runs after this returns.
    pub(super) fn close(&self) {
        *self.callback.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Announces the first audio, even if it has arrived already: no video is presented where the epoch begins.
    pub(super) fn stand_in(&self) {
        let mut heard = self.heard();
        heard.announce = true;
        self.announce(heard);
    }

    fn came(&self, pts: MediaTime) {
        let mut heard = self.heard();
        heard.first.get_or_insert(pts);
        self.announce(heard);
    }

    fn announce(&self, mut heard: std::sync::MutexGuard<'_, Heard>) {
        let Some(pts) = heard.first.filter(|_| heard.announce) else { return };
        heard.announce = false;
        let epoch = heard.epoch;
        drop(heard);
        self.events.push(RenderEvent::FirstAudio { epoch, pts });
    }

    fn sound(&self, sample: &gst::Sample, late: Option<i64>) {
        self.heard().lateness = late.map(|late| late - sample.buffer().map_or(0, ahead));
        let callback = self.callback.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(callback) = callback.as_ref()
            && let Some(chunk) = chunk(sample)
        {
            callback(chunk);
        }
    }
}

/// Makes the tail for sound. The second value is false when a device was wanted and could not be had.
pub(super) fn audio_tail(
    pipeline: &gst::Pipeline,
    (output, device_lost): (&AudioOutput, bool),
    presenter: &Arc<AudioPresenter>,
    timing: &Arc<Timing>,
) -> Result<(Tail, bool), PlayerError> {
    let queue = make("queue", "audio-queue")?;
    queue.set_property("max-size-buffers", 0u32);
    queue.set_property("max-size-bytes", 0u32);
    queue.set_property("max-size-time", QUEUED_SOUND);
    let format = make("capsfilter", "audio-format")?;
    let caps = gst_audio::AudioCapsBuilder::new_interleaved()
        .format(gst_audio::AudioFormat::F32le)
        .rate(SINK_RATE)
        // A track that changes between one channel and two makes no device open again.
        .channels_range(2..=MOST_CHANNELS);
    format.set_property("caps", caps.build());
    let retimer = make_retimer("audio-retimer", MediaKind::Audio, timing)?;
    watch_first(&retimer, presenter);
    let mut chain = vec![
        queue,
        make("audioconvert", "audio-convert")?,
        make("audioresample", "audio-resample")?,
        format,
        retimer,
        make("volume", VOLUME)?,
    ];
    let device = match output {
        AudioOutput::Device if !device_lost => open_device(gst::ElementFactoryType::MEDIA_AUDIO, "audio-sink"),
        AudioOutput::Device | AudioOutput::Silent | AudioOutput::Tap(_) => None,
    };
    let opened = device.is_some() || !matches!(output, AudioOutput::Device);
    let sink = match device {
        Some(device) => {
            chain.push(make("audioconvert", "audio-device-convert")?);
            chain.push(make("audioresample", "audio-device-resample")?);
            device
        }
        None => clocked_sink(presenter).upcast(),
    };
    chain.push(sink);
    let empty = gst_audio::AudioCapsBuilder::new_interleaved()
        .format(gst_audio::AudioFormat::F32le)
        .rate(SINK_RATE)
        .channels(2)
        .build();
    Ok((Tail::new(pipeline, &chain, empty)?, opened))
}

/// Takes sound at its time and makes none.
fn clocked_sink(presenter: &Arc<AudioPresenter>) -> gst_app::AppSink {
    let sink = gst_app::AppSink::builder()
        .name("audio-sink")
        .sync(true)
        .max_buffers(1)
        .drop(false)
        .enable_last_sample(false)
        .qos(false)
        .build();
    let presenter = presenter.clone();
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Flushing)?;
                presenter.sound(&sample, lateness(sink.upcast_ref(), &sample));
                Ok(gst::FlowSuccess::Ok)
            })
            .build(),
    );
    sink
}

fn watch_first(retimer: &gst::Element, presenter: &Arc<AudioPresenter>) {
    let Some(pad) = retimer.static_pad("src") else { return };
    let presenter = presenter.clone();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some((pts, _)) = info.buffer().and_then(|buffer| presentation(buffer)) {
            presenter.came(pts);
        }
        gst::PadProbeReturn::Ok
    });
}

fn chunk(sample: &gst::Sample) -> Option<AudioChunk> {
    let info = gst_audio::AudioInfo::from_caps(sample.caps()?).ok()?;
    let buffer = sample.buffer()?;
    Some(AudioChunk {
        pts: presentation(buffer)?.0,
        sample_rate: info.rate(),
        channels: info.channels(),
        samples: floats(buffer),
    })
}
