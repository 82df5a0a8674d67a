//! A renderer with a host around it that remembers what it got.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::media::{Track, counter, flashes};
use crate::container::{CodecConfig, Sample};
use crate::model::MediaKind;
use crate::render::gst::{AudioChunk, AudioOutput, GstConfig, GstRenderer, VideoOutput};
use crate::render::{Epoch, FrameCounts, RenderCommand, RenderEvent, Renderer, Window};
use crate::time::{MediaTime, Now};

/// Without any event for so long, a test hangs.
const SILENCE: Duration = Duration::from_secs(30);

/// Maximum number of events before the awaited one (a position is sent every 40 ms); beyond it the test hangs.
const MAX_EVENTS: usize = 1_000;

/// A picture as the host got it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Picture {
    pub(super) pts: MediaTime,
    pub(super) counter: i64,
    pub(super) flash: bool,
    pub(super) height: u32,
    pub(super) serial: u64,
    pub(super) rotation: u16,
}

/// Output that the host has received so far.
#[derive(Default)]
pub(super) struct Got {
    pub(super) pictures: Vec<Picture>,
    pub(super) sound: Vec<AudioChunk>,
}

type Bell = Arc<(Mutex<bool>, Condvar)>;

/// Behaviour of the render thread when it announces an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spell {
    Works,
    /// It stands still there, or will at its next event.
    Held {
        arrived: bool,
    },
    Panics,
}

type Enchanted = Arc<(Mutex<Spell>, Condvar)>;

fn obey(spell: &Enchanted) {
    if std::thread::current().name() != Some("render") {
        return;
    }
    let mut now = spell.0.lock().unwrap();
    if *now == Spell::Panics {
        *now = Spell::Works;
        drop(now);
        panic!("a panic in the render thread, as a test wishes");
    }
    if matches!(*now, Spell::Held { .. }) {
        *now = Spell::Held { arrived: true };
        spell.1.notify_all();
        drop(spell.1.wait_timeout_while(now, SILENCE, |now| *now != Spell::Works).unwrap());
    }
}

/// The renderer under test.
pub(super) struct Rig {
    pub(super) renderer: GstRenderer,
    pub(super) got: Arc<Mutex<Got>>,
    pub(super) log: Vec<RenderEvent>,
    pub(super) epoch: Epoch,
    bell: Bell,
    spell: Enchanted,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.release_thread();
    }
}

impl Rig {
    /// Reads pictures and taps sound; drops nothing.
    pub(super) fn new() -> Self {
        let got = Arc::new(Mutex::new(Got::default()));
        let (pictures, sound) = (got.clone(), got.clone());
        let video = VideoOutput::Frames(Arc::new(move |frame| {
            pictures.lock().unwrap().pictures.push(Picture {
                pts: frame.pts,
                counter: counter(&frame),
                flash: flashes(&frame),
                height: frame.height,
                serial: frame.serial,
                rotation: frame.rotation,
            });
        }));
        let audio = AudioOutput::Tap(Arc::new(move |chunk| sound.lock().unwrap().sound.push(chunk)));
        Self::with(GstConfig { video, audio, drop_late: false }, got)
    }

    /// Returns a rig with these outputs.
    pub(super) fn with(config: GstConfig, got: Arc<Mutex<Got>>) -> Self {
        let mut renderer = GstRenderer::new(config).unwrap();
        let bell: Bell = Arc::default();
        let spell: Enchanted = Arc::new((Mutex::new(Spell::Works), Condvar::new()));
        let (ring, cast) = (bell.clone(), spell.clone());
        renderer.set_waker(Arc::new(move || {
            *ring.0.lock().unwrap() = true;
            ring.1.notify_one();
            obey(&cast);
        }));
        Self { renderer, got, log: Vec::new(), epoch: Epoch(0), bell, spell }
    }

    /// Stops the render thread at its next event, and waits until it stands still.
    pub(super) fn hold_thread(&mut self) {
        let mut spell = self.spell.0.lock().unwrap();
        *spell = Spell::Held { arrived: false };
        let (spell, waited) =
            self.spell.1.wait_timeout_while(spell, SILENCE, |now| *now == Spell::Held { arrived: false }).unwrap();
        assert!(!waited.timed_out() && *spell == Spell::Held { arrived: true }, "no event for so long");
    }

    /// Lets the render thread go on.
    pub(super) fn release_thread(&mut self) {
        *self.spell.0.lock().unwrap() = Spell::Works;
        self.spell.1.notify_all();
    }

    /// The render thread panics at its next event.
    pub(super) fn break_thread(&mut self) {
        *self.spell.0.lock().unwrap() = Spell::Panics;
    }

    pub(super) fn tell(&mut self, command: RenderCommand) {
        self.renderer.handle(Now::ZERO, command);
    }

    /// Begins the next epoch.
    pub(super) fn flush(&mut self, start: MediaTime, tracks: &[MediaKind]) {
        self.epoch.0 += 1;
        let (epoch, tracks) = (self.epoch, tracks.to_vec());
        self.tell(RenderCommand::Flush { epoch, start, tracks });
    }

    /// Begins the next epoch, and forgets what was shown before it began.
    pub(super) fn flush_and_forget(&mut self, start: MediaTime, tracks: &[MediaKind]) {
        self.flush(start, tracks);
        let epoch = self.epoch;
        self.wait("the flush", |event| *event == RenderEvent::Flushed { epoch });
        *self.got.lock().unwrap() = Got::default();
    }

    pub(super) fn configure(&mut self, track: MediaKind, config: &Arc<CodecConfig>) {
        let (config, epoch) = (config.clone(), self.epoch);
        self.tell(RenderCommand::Configure { track, config, window: Window::ALL, epoch });
    }

    pub(super) fn append(&mut self, track: MediaKind, samples: Vec<Sample>) {
        let epoch = self.epoch;
        self.tell(RenderCommand::Append { track, samples, epoch });
    }

    pub(super) fn end(&mut self, track: MediaKind) {
        let epoch = self.epoch;
        self.tell(RenderCommand::EndOfTrack { track, epoch });
    }

    /// A whole track: configuration, samples, end.
    pub(super) fn feed(&mut self, kind: MediaKind, track: &Track) {
        self.configure(kind, &track.config);
        self.append(kind, track.samples.clone());
        self.end(kind);
    }

    pub(super) fn play(&mut self, rate: f64) {
        self.tell(RenderCommand::SetRate(rate));
        self.tell(RenderCommand::SetPlaying(true));
    }

    /// Waits for an event and gives it.
    pub(super) fn wait(&mut self, what: &str, mut wanted: impl FnMut(&RenderEvent) -> bool) -> RenderEvent {
        for _ in 0..MAX_EVENTS {
            let event = self.next(what);
            self.log.push(event.clone());
            if wanted(&event) {
                return event;
            }
        }
        panic!("{what} never came: {:?}", self.states());
    }

    /// Waits for the end of the present epoch.
    pub(super) fn wait_end(&mut self) {
        let epoch = self.epoch;
        self.wait("the end", |event| *event == RenderEvent::Ended { epoch });
    }

    /// Waits for the first picture or sound of the present epoch.
    pub(super) fn wait_first(&mut self) -> MediaTime {
        let epoch = self.epoch;
        let event = self.wait(
            "the first frame",
            |event| matches!(event, RenderEvent::FirstFrame { epoch: of, .. } | RenderEvent::FirstAudio { epoch: of, .. } if *of == epoch),
        );
        let (RenderEvent::FirstFrame { pts, .. } | RenderEvent::FirstAudio { pts, .. }) = event else {
            unreachable!("just matched")
        };
        pts
    }

    /// Waits until the clock has come to `position` and gives where it is.
    pub(super) fn wait_position(&mut self, position: MediaTime) -> MediaTime {
        let epoch = self.epoch;
        let event = self.wait("a position", |event| {
            matches!(event, RenderEvent::Position { epoch: of, position: at } if *of == epoch && *at >= position)
        });
        let RenderEvent::Position { position, .. } = event else { unreachable!("just matched") };
        position
    }

    /// All events but positions and counts.
    pub(super) fn states(&self) -> Vec<&RenderEvent> {
        let often = |event: &&RenderEvent| {
            matches!(event, RenderEvent::Position { .. } | RenderEvent::Frames(_) | RenderEvent::AvSync { .. })
        };
        self.log.iter().filter(|event| !often(event)).collect()
    }

    /// The last frame counts.
    pub(super) fn counts(&self) -> FrameCounts {
        let last = self.log.iter().rev().find_map(|event| match event {
            RenderEvent::Frames(counts) => Some(*counts),
            _ => None,
        });
        last.unwrap_or_default()
    }

    pub(super) fn pictures(&self) -> Vec<Picture> {
        self.got.lock().unwrap().pictures.clone()
    }

    pub(super) fn sound(&self) -> Vec<AudioChunk> {
        self.got.lock().unwrap().sound.clone()
    }

    fn next(&mut self, what: &str) -> RenderEvent {
        loop {
            if let Some(event) = self.renderer.poll_event(Now::ZERO) {
                return event;
            }
            let rung = self.bell.0.lock().unwrap();
            let (mut rung, waited) = self.bell.1.wait_timeout_while(rung, SILENCE, |rung| !*rung).unwrap();
            *rung = false;
            assert!(!waited.timed_out(), "silence while waiting for {what}: {:?}", self.log);
        }
    }
}
