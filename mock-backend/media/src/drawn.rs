//! Material that is drawn and played: scenes, words on them, music.

use kinora_art::{Scene, music::Score};

/// Frames in a second of drawn pictures.
pub(super) const FPS: u32 = 24;
/// Seconds of a segment of drawn pictures; scenes last for whole segments.
pub(super) const SEGMENT_SECONDS: u32 = 2;

/// A drawn title. Without scenes it has no media: that is a series.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// Scenes, in order.
    pub scenes: Vec<DrawnScene>,
    /// Picture of 16:9 for lists.
    pub poster: Still,
    /// Large picture behind text.
    pub key_art: Still,
    /// Music, for the whole length.
    pub music: Score,
    /// Language tag of the sound.
    pub language: String,
    /// A language tag and a whole WebVTT file for each text rendition.
    pub text: Vec<(String, String)>,
}

/// A scene of a film.
#[derive(Debug, Clone)]
pub struct DrawnScene {
    /// Picture.
    pub scene: Scene,
    /// Seconds after which it repeats; even.
    pub seconds: u32,
    /// Number of times that it is shown.
    pub times: u32,
    /// Words on it.
    pub words: Words,
}

/// A moment of a scene.
#[derive(Debug, Clone)]
pub struct Still {
    /// Scene.
    pub scene: Scene,
    /// Moment, from 0 to 1.
    pub phase: f32,
}

/// Words on a scene.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// None.
    None,
    /// The name of the film and a smaller line below it, which come and go.
    Title(String, String),
    /// Lines that go up through the picture; an empty one is a gap.
    Credits(Vec<String>),
    /// A short line in the corner.
    Corner(String),
}

impl Drawn {
    /// Duration in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.scenes.iter().map(DrawnScene::duration_ms).sum()
    }

    /// Returns the scene that is shown at a time, and the moment of it; none beyond the end.
    pub(super) fn at(&self, ms: u64) -> Option<(usize, f32)> {
        let mut begin = 0;
        for (index, scene) in self.scenes.iter().enumerate() {
            let inside = ms - begin;
            if inside < scene.duration_ms() {
                let period = u64::from(scene.seconds) * 1000;
                return Some((index, (inside % period) as f32 / period as f32));
            }
            begin += scene.duration_ms();
        }
        None
    }
}

impl DrawnScene {
    /// Duration in milliseconds, with all repetitions.
    pub fn duration_ms(&self) -> u64 {
        u64::from(self.seconds) * u64::from(self.times) * 1000
    }
}
