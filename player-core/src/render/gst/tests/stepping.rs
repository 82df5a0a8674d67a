//! A session whose clock moves on only when all sinks wait, so that no picture is ever late.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gstreamer as gst;

use super::clock::StepClock;
use super::media::{Track, counter};
use crate::model::MediaKind::{self, Audio, Video};
use crate::render::gst::events::EventQueue;
use crate::render::gst::queue::RenderQueue;
use crate::render::gst::session::Session;
use crate::render::gst::sink_audio::AudioPresenter;
use crate::render::gst::sink_video::VideoPresenter;
use crate::render::gst::{AudioChunk, AudioOutput, GstConfig, VideoOutput};
use crate::render::{Epoch, FrameCounts, RenderCommand, RenderEvent, Window};
use crate::time::MediaTime;

/// Time for which the last sink is waited for; only at the end of the media none comes.
const PATIENCE: Duration = Duration::from_millis(500);

/// Running time between two ticks of the session.
const TICK: gst::ClockTime = gst::ClockTime::from_mseconds(40);

/// A picture: its time and its counter.
pub(super) type Seen = (MediaTime, i64);

/// A session with video and audio from zero.
pub(super) struct Stepping {
    pub(super) session: Session,
    pub(super) events: Vec<RenderEvent>,
    pub(super) pictures: Arc<Mutex<Vec<Seen>>>,
    pub(super) sound: Arc<Mutex<Vec<AudioChunk>>>,
    queue: Arc<RenderQueue>,
    clock: StepClock,
}

impl Stepping {
    pub(super) fn new() -> Self {
        gst::init().unwrap();
        let pictures = Arc::new(Mutex::new(Vec::<Seen>::new()));
        let sound = Arc::new(Mutex::new(Vec::<AudioChunk>::new()));
        let (shown, heard) = (pictures.clone(), sound.clone());
        let config = GstConfig {
            video: VideoOutput::Frames(Arc::new(move |frame| {
                shown.lock().unwrap().push((frame.pts, counter(&frame)));
            })),
            audio: AudioOutput::Tap(Arc::new(move |chunk| heard.lock().unwrap().push(chunk))),
            drop_late: false,
        };
        let events = Arc::new(EventQueue::default());
        let presenters = (
            Arc::new(VideoPresenter::new(&config.video, events.clone())),
            Arc::new(AudioPresenter::new(&config.audio, events.clone())),
        );
        let queue = Arc::new(RenderQueue::default());
        let mut session = Session::new(config, events, presenters, queue.clone());
        let tracks = vec![Video, Audio];
        session.handle(RenderCommand::Flush { epoch: Epoch(1), start: MediaTime::ZERO, tracks });
        let clock = StepClock::new();
        session.graph.as_ref().unwrap().use_clock(&clock);
        Self { session, events: Vec::new(), pictures, sound, queue, clock }
    }

    /// Appends samples of a track.
    pub(super) fn append(&mut self, track: MediaKind, media: Track) {
        let (Track { config, samples }, epoch) = (media, Epoch(1));
        self.session.handle(RenderCommand::Configure { track, config, window: Window::ALL, epoch });
        self.session.handle(RenderCommand::Append { track, samples, epoch });
    }

    /// Ends both tracks and plays; `step` gets the clock whenever it has moved on, and may give commands.
    pub(super) fn play(&mut self, mut step: impl FnMut(&mut Session, gst::ClockTime)) {
        for track in [Video, Audio] {
            self.session.handle(RenderCommand::EndOfTrack { track, epoch: Epoch(1) });
        }
        self.session.handle(RenderCommand::SetPlaying(true));
        let mut tick = gst::ClockTime::ZERO;
        for _ in 0..1_000_000 {
            self.session.read_bus();
            self.events.extend(std::iter::from_fn(|| self.session.events.pop()));
            if matches!(self.events.last(), Some(RenderEvent::Ended { .. })) {
                return;
            }
            let Some(next) = self.clock.next(2, PATIENCE) else {
                let _ = self.queue.take(Some(Duration::from_millis(5)));
                continue;
            };
            self.clock.set(next);
            step(&mut self.session, next);
            if next >= tick {
                self.session.tick();
                tick = next + TICK;
            }
        }
        panic!("the end never came: {:?}", self.events.last());
    }

    /// The last frame counts.
    pub(super) fn counts(&self) -> FrameCounts {
        let last = self.events.iter().rev().find_map(|event| match event {
            RenderEvent::Frames(counts) => Some(*counts),
            _ => None,
        });
        last.unwrap_or_default()
    }

    /// The reported positions.
    pub(super) fn positions(&self) -> Vec<MediaTime> {
        let position = |event: &RenderEvent| match event {
            RenderEvent::Position { position, .. } => Some(*position),
            _ => None,
        };
        self.events.iter().filter_map(position).collect()
    }
}
