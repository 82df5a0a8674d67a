//! A player whose every picture and sound is looked at.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kinora_media::counter;
use player_core::render::VideoFrame;
use player_core::render::gst::{AudioChunk, AudioOutput, GstConfig, GstRenderer, VideoOutput};
use player_core::{Command, Event, LoadRequest, MediaTime, Player, PlayerConfig};

/// Guard against hanging: no test waits longer for one thing.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// What one decoded picture shows.
#[derive(Clone, Copy, Debug)]
pub struct Picture {
    /// Its time.
    pub pts: MediaTime,
    /// When it was handed out.
    pub at: Instant,
    /// The burnt-in number.
    pub counter: Option<u32>,
    /// The flash is white.
    pub flash: bool,
    /// Lines.
    pub height: u32,
}

/// A beginning of a beep.
#[derive(Clone, Copy, Debug)]
pub struct Beep {
    /// Its time.
    pub pts: MediaTime,
    /// When it was handed out.
    pub at: Instant,
}

/// Which counter the pictures carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// The demo films'.
    Demo,
    /// The other packager's.
    Peer,
}

/// A player and what it showed.
pub struct Show {
    pub player: Player,
    pictures: Arc<Mutex<Vec<Picture>>>,
    beeps: Arc<Mutex<Onsets>>,
}

#[derive(Default)]
struct Onsets {
    found: Vec<Beep>,
    quiet_since: Option<MediaTime>,
}

impl Onsets {
    /// Looks for the first loud sample of all, and after at least a quarter of a second without one.
    fn listen(&mut self, chunk: &AudioChunk) {
        let at = Instant::now();
        let channels = usize::try_from(chunk.channels.max(1)).unwrap();
        for (index, frame) in chunk.samples.chunks(channels).enumerate() {
            let offset = Duration::from_secs_f64(index as f64 / f64::from(chunk.sample_rate));
            let pts = chunk.pts + offset;
            let loud = frame.iter().any(|sample| sample.abs() > LOUD);
            if loud {
                let quiet = self.quiet_since.is_none_or(|quiet| pts.since(quiet) >= Duration::from_millis(250));
                if quiet {
                    self.found.push(Beep { pts, at: at + offset });
                }
                self.quiet_since = Some(pts);
            }
        }
    }
}

/// Louder than any background sound of the demo films, quieter than their beeps.
const LOUD: f32 = 0.25;

fn look(frame: &VideoFrame, kind: Counter) -> Picture {
    let plane = &frame.planes[0];
    let (luma, stride) = (plane.bytes(), plane.stride);
    let (width, height) = (frame.width as usize, frame.height as usize);
    let counter = match kind {
        Counter::Demo => counter::read(luma, stride, width, height),
        Counter::Peer => counter::read_peer(luma, stride, width, height),
    };
    let flash = counter::flash(luma, stride, width, height);
    Picture { pts: frame.pts, at: Instant::now(), counter, flash, height: frame.height }
}

impl Show {
    /// A player that decodes everything and drops nothing.
    pub fn new(config: PlayerConfig, kind: Counter) -> Self {
        let pictures: Arc<Mutex<Vec<Picture>>> = Arc::default();
        let beeps: Arc<Mutex<Onsets>> = Arc::default();
        let (seen, heard) = (Arc::clone(&pictures), Arc::clone(&beeps));
        let renderer = GstRenderer::new(GstConfig {
            video: VideoOutput::Frames(Arc::new(move |frame| seen.lock().unwrap().push(look(&frame, kind)))),
            audio: AudioOutput::Tap(Arc::new(move |chunk| heard.lock().unwrap().listen(&chunk))),
            drop_late: false,
        });
        let player = Player::new(config, Box::new(renderer.unwrap())).unwrap();
        Self { player, pictures, beeps }
    }

    /// Loads and plays.
    pub fn load(&self, request: LoadRequest) {
        self.player.send(Command::Load(request)).unwrap();
    }

    /// Takes events until one fits; a failure of the player fails the test.
    pub fn until(&self, what: &str, fits: impl Fn(&Event) -> bool) -> Event {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            match self.player.wait_event(Duration::from_millis(200)) {
                Some(Event::Failed { error }) => panic!("failed while waiting for {what}: {error}"),
                Some(Event::Reply { error: Some(error), .. }) => panic!("refused while waiting for {what}: {error}"),
                Some(event) if fits(&event) => return event,
                _ => {}
            }
        }
        panic!("no {what} came; {:?}, {:?}", self.player, self.player.snapshot().state);
    }

    /// Waits until playback has passed `time`.
    pub fn until_position(&self, time: MediaTime) {
        let begin = Instant::now();
        while self.player.position() < time {
            assert!(begin.elapsed() < PATIENCE, "playback did not reach {time:?}: {:?}", self.player);
            if let Some(Event::Failed { error }) = self.player.wait_event(Duration::from_millis(20)) {
                panic!("failed on the way to {time:?}: {error}");
            }
        }
    }

    /// Waits until so many pictures came.
    pub fn until_pictures(&self, count: usize) {
        let begin = Instant::now();
        while self.pictures().len() < count {
            assert!(begin.elapsed() < PATIENCE, "{count} pictures did not come: {:?}", self.player);
            if let Some(Event::Failed { error }) = self.player.wait_event(Duration::from_millis(20)) {
                panic!("failed: {error}");
            }
        }
    }

    /// The pictures so far.
    pub fn pictures(&self) -> Vec<Picture> {
        self.pictures.lock().unwrap().clone()
    }

    /// The beeps so far.
    pub fn beeps(&self) -> Vec<Beep> {
        self.beeps.lock().unwrap().found.clone()
    }

    /// Runs of consecutive numbers: first number and length. A picture without a number fails the test.
    pub fn runs(&self) -> Vec<(u32, u32)> {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for picture in self.pictures() {
            let number = picture.counter.unwrap_or_else(|| panic!("no counter to read in {picture:?}"));
            match runs.last_mut() {
                Some((first, length)) if *first + *length == number => *length += 1,
                _ => runs.push((number, 1)),
            }
        }
        runs
    }
}
