//! The music of the drawn titles.

use kinora_art::music::{Score, Voice};

/// Mood of a film's music.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// Open and warm.
    Warm(u32),
    /// Light, quicker.
    Playful(u32),
    /// Wide and cold.
    Wide(u32),
    /// Dark, with few notes.
    Dark(u32),
    /// Sad and tender.
    Tender(u32),
}

impl Mood {
    pub(super) fn score(self) -> Score {
        const MAJOR: [i8; 5] = [0, 2, 4, 7, 9];
        const MINOR: [i8; 5] = [0, 3, 5, 7, 10];
        let piece = |root, chords: &[[i8; 4]], scale: [i8; 5], (beat, dense), voice, air, seed| Score {
            root,
            chords: chords.to_vec(),
            scale: scale.to_vec(),
            beat,
            dense,
            voice,
            air,
            seed,
        };
        match self {
            Self::Warm(seed) => piece(
                110.0,
                &[[0, 7, 12, 16], [-3, 4, 12, 16], [-7, 5, 9, 16], [-5, 7, 11, 14]],
                MAJOR,
                (0.62, 0.42),
                Voice::Harp,
                0.12,
                seed,
            ),
            Self::Playful(seed) => piece(
                130.81,
                &[[0, 7, 12, 16], [5, 9, 12, 17], [-3, 4, 9, 12], [-5, 7, 11, 14]],
                MAJOR,
                (0.44, 0.5),
                Voice::Bell,
                0.06,
                seed,
            ),
            Self::Wide(seed) => piece(
                98.0,
                &[[0, 7, 14, 15], [-4, 3, 12, 15], [-9, 3, 10, 15], [-2, 5, 10, 14]],
                MINOR,
                (0.78, 0.28),
                Voice::Flute,
                0.30,
                seed,
            ),
            Self::Dark(seed) => piece(
                73.42,
                &[[0, 7, 12, 15], [-2, 5, 13, 15], [-4, 8, 12, 15], [-5, 7, 10, 14]],
                MINOR,
                (0.9, 0.22),
                Voice::Bell,
                0.34,
                seed,
            ),
            Self::Tender(seed) => piece(
                103.83,
                &[[0, 7, 12, 15], [-4, 8, 12, 15], [-9, 3, 7, 15], [-2, 5, 10, 14]],
                MINOR,
                (0.6, 0.38),
                Voice::Harp,
                0.10,
                seed,
            ),
        }
    }
}
