//! Slow music for slow pictures: chords that swell, a melody over them, air, and a room around both.

use crate::math::{Dice, exp2, sin};

/// Samples in a second of each of the two channels.
pub const RATE: u32 = 48_000;

/// A piece of music, of any length.
#[derive(Debug, Clone)]
pub struct Score {
    /// Frequency of the lowest root, Hz.
    pub root: f32,
    /// Chords in order, repeated: semitones above the root.
    pub chords: Vec<[i8; 4]>,
    /// Semitones of the scale that the melody uses, within an octave.
    pub scale: Vec<i8>,
    /// Seconds of a beat; a chord lasts for eight.
    pub beat: f32,
    /// Part of the beats that have a note of the melody.
    pub dense: f32,
    /// Sound of the melody.
    pub voice: Voice,
    /// Loudness of wind or waves, from 0 to 1.
    pub air: f32,
    /// Seed of the melody.
    pub seed: u32,
}

/// Sound of a melody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// Long, with partials that do not fit.
    Bell,
    /// Short and round.
    Harp,
    /// Soft, with a slow begin.
    Flute,
}

impl Voice {
    /// Partials: multiple of the frequency, loudness, and time in which it falls by half, seconds.
    fn partials(self) -> &'static [(f32, f32, f32)] {
        match self {
            Self::Bell => &[(1.0, 1.0, 0.9), (2.76, 0.32, 0.45), (5.4, 0.12, 0.2)],
            Self::Harp => &[(1.0, 1.0, 0.32), (2.0, 0.45, 0.2), (3.0, 0.18, 0.12)],
            Self::Flute => &[(1.0, 1.0, 0.75), (2.0, 0.16, 0.6), (3.0, 0.05, 0.4)],
        }
    }

    /// Time of the begin, seconds.
    fn attack(self) -> f32 {
        if self == Self::Flute { 0.12 } else { 0.004 }
    }
}

const TABLE: usize = 4096;
/// Samples between two looks at the score.
const BLOCK: usize = 256;
const RELEASE: f32 = 3.0;

/// A sine that goes on by itself.
#[derive(Debug, Clone)]
struct Partial {
    phase: u32,
    step: u32,
    level: f32,
    /// Factor of the level from one sample to the next.
    decay: f32,
}

#[derive(Debug, Clone)]
struct Note {
    partials: Vec<Partial>,
    /// Present loudness of the whole and its change for each sample: the begin, or the end of a chord.
    gain: f32,
    slope: f32,
    /// Samples until it ends, or for a chord until it fades.
    left: usize,
    pan: f32,
    is_chord: bool,
}

/// Plays a score from its begin to its end.
#[derive(Debug)]
pub struct Player {
    score: Score,
    table: Vec<f32>,
    notes: Vec<Note>,
    dice: Dice,
    motif: Vec<Option<i32>>,
    position: u64,
    end: u64,
    next_beat: u64,
    beat: u64,
    room: Room,
    air: (f32, f32),
}

impl Player {
    /// Begins a piece that lasts for so many seconds.
    pub fn new(score: &Score, seconds: u32) -> Self {
        let table = (0..TABLE).map(|index| sin(index as f32 / TABLE as f32)).collect();
        let mut player = Self {
            score: score.clone(),
            table,
            notes: Vec::new(),
            dice: Dice::new(score.seed),
            motif: Vec::new(),
            position: 0,
            end: u64::from(seconds) * u64::from(RATE),
            next_beat: 0,
            beat: 0,
            room: Room::new(),
            air: (0.0, 0.0),
        };
        player.motif = player.compose();
        player
    }

    /// Writes the next block into `out`: 16 bits, little-endian, left and right in turn. Returns false at the end.
    pub fn play(&mut self, out: &mut Vec<u8>) -> bool {
        out.clear();
        let frames = (self.end - self.position).min(BLOCK as u64) as usize;
        if frames == 0 {
            return false;
        }
        while self.next_beat <= self.position {
            self.on_beat();
            self.next_beat += (self.score.beat * RATE as f32) as u64;
        }
        let mut mix = [[0.0f32; 2]; BLOCK];
        for note in &mut self.notes {
            note.add_to(&mut mix[..frames], &self.table);
        }
        self.notes.retain(|note| note.left > 0 || note.gain > 0.0);
        for (index, [left, right]) in mix[..frames].iter_mut().enumerate() {
            self.add_air(left, right);
            let (wet_left, wet_right) = self.room.hear(*left, *right);
            let fade = self.fade(self.position + index as u64);
            for sample in [*left * 0.72 + wet_left, *right * 0.72 + wet_right] {
                // A soft limit.
                let level = sample * fade * 0.5;
                let level = level / (1.0 + level * level).sqrt();
                out.extend(((level * 30_000.0) as i16).to_le_bytes());
            }
        }
        self.position += frames as u64;
        true
    }

    /// Loudness of the whole: it comes in two seconds and goes in four.
    fn fade(&self, position: u64) -> f32 {
        let seconds = |samples: u64| samples as f32 / RATE as f32;
        let fade = (seconds(position) / 2.0).min(seconds(self.end - position) / 4.0).min(1.0);
        fade * fade * (3.0 - 2.0 * fade)
    }

    fn add_air(&mut self, left: &mut f32, right: &mut f32) {
        if self.score.air <= 0.0 {
            return;
        }
        let swell = 0.6 + 0.4 * sin(self.position as f32 / (RATE as f32 * 9.0));
        let level = self.score.air * swell * 0.5;
        self.air.0 += (self.dice.roll() - 0.5 - self.air.0) * 0.035;
        self.air.1 += (self.dice.roll() - 0.5 - self.air.1) * 0.035;
        *left += self.air.0 * level;
        *right += self.air.1 * level;
    }

    /// Two bars of a melody: steps of the scale, or rests.
    fn compose(&mut self) -> Vec<Option<i32>> {
        let mut at = 4.0;
        (0..16)
            .map(|beat| {
                let weight = if beat % 4 == 0 { 1.5 } else { 1.0 };
                at += self.dice.between(-2.4, 2.4) + (4.5 - at) * 0.18;
                (self.dice.roll() < self.score.dense * weight).then_some(at as i32)
            })
            .collect()
    }

    fn on_beat(&mut self) {
        let in_chord = self.beat % 8;
        let round = self.beat / 16;
        if in_chord == 0 {
            let chord = self.score.chords[(self.beat / 8) as usize % self.score.chords.len()];
            self.notes.iter_mut().filter(|note| note.is_chord).for_each(|note| note.left = note.left.min(1));
            for (index, semitones) in chord.into_iter().enumerate() {
                self.begin_chord_note(f32::from(semitones), index);
            }
        }
        // The melody: twice the same, once another, once the same again; then a new one. It rests for the first bar.
        if round % 4 == 2 && self.beat.is_multiple_of(16)
            || round.is_multiple_of(4) && self.beat.is_multiple_of(16) && round > 0
        {
            self.motif = self.compose();
        }
        if let Some(step) = self.motif[(self.beat % 16) as usize].filter(|_| self.beat >= 8) {
            let degrees = self.score.scale.len() as i32;
            let semitones = f32::from(self.score.scale[step.rem_euclid(degrees) as usize]);
            let octave = step.div_euclid(degrees) as f32;
            let frequency = self.score.root * exp2(2.0 + octave + semitones / 12.0);
            self.begin_melody_note(frequency);
        }
        self.beat += 1;
    }

    fn begin_chord_note(&mut self, semitones: f32, index: usize) {
        let frequency = self.score.root * exp2(semitones / 12.0);
        let partials = [(0.9985, 0.5), (1.0018, 0.5), (2.0, 0.16), (3.0, 0.05)];
        let partials = partials.into_iter().map(|(multiple, level)| Partial {
            phase: (self.dice.roll() * 4_294_967_000.0) as u32,
            step: step(frequency * multiple),
            level: level * 0.20,
            decay: 1.0,
        });
        let attack = 2.2 * RATE as f32;
        self.notes.push(Note {
            partials: partials.collect(),
            gain: 0.0,
            slope: 1.0 / attack,
            left: (self.score.beat * 8.0 * RATE as f32) as usize,
            pan: 0.25 + 0.5 * (index as f32 / 3.0),
            is_chord: true,
        });
    }

    fn begin_melody_note(&mut self, frequency: f32) {
        let loud = self.dice.between(0.13, 0.21);
        let partials = self.score.voice.partials().iter().map(|&(multiple, level, half)| Partial {
            phase: 0,
            step: step(frequency * multiple),
            level: level * loud,
            decay: exp2(-1.0 / (half * RATE as f32)),
        });
        self.notes.push(Note {
            partials: partials.collect(),
            gain: 0.0,
            slope: 1.0 / (self.score.voice.attack() * RATE as f32),
            left: (self.score.voice.partials()[0].2 * 9.0 * RATE as f32) as usize,
            pan: self.dice.between(0.25, 0.75),
            is_chord: false,
        });
    }
}

fn step(frequency: f32) -> u32 {
    (frequency / RATE as f32 * 4_294_967_296.0) as u32
}

impl Note {
    fn add_to(&mut self, mix: &mut [[f32; 2]], table: &[f32]) {
        let (left, right) = ((1.0 - self.pan).sqrt(), self.pan.sqrt());
        for frame in mix {
            self.gain = (self.gain + self.slope).clamp(0.0, 1.0);
            let mut level = 0.0;
            for partial in &mut self.partials {
                level += table[(partial.phase >> 20) as usize] * partial.level;
                partial.phase = partial.phase.wrapping_add(partial.step);
                partial.level *= partial.decay;
            }
            frame[0] += level * self.gain * left;
            frame[1] += level * self.gain * right;
            self.left = self.left.saturating_sub(1);
            if self.left == 0 {
                let fall = if self.is_chord { RELEASE } else { 0.05 };
                self.slope = -1.0 / (fall * RATE as f32);
            }
        }
    }
}

/// A room: four delays that feed themselves.
#[derive(Debug)]
struct Room {
    lines: Vec<(Vec<f32>, usize, f32)>,
}

impl Room {
    fn new() -> Self {
        let lengths = [1_617, 1_871, 2_251, 2_753, 3_301, 3_907];
        Self { lines: lengths.map(|length| (vec![0.0; length], 0, 0.0)).into() }
    }

    fn hear(&mut self, left: f32, right: f32) -> (f32, f32) {
        let mut sums = [0.0, 0.0];
        for (index, (line, at, dull)) in self.lines.iter_mut().enumerate() {
            let side = index % 2;
            let out = line[*at];
            *dull += (out - *dull) * 0.42;
            line[*at] = [left, right][side] + *dull * 0.80;
            *at = (*at + 1) % line.len();
            sums[side] += out;
        }
        // Some of each side is heard on the other.
        (sums[0] * 0.15 + sums[1] * 0.05, sums[1] * 0.15 + sums[0] * 0.05)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score() -> Score {
        Score {
            root: 110.0,
            chords: vec![[0, 7, 12, 16], [-4, 3, 8, 15]],
            scale: vec![0, 2, 4, 7, 9],
            beat: 0.5,
            dense: 0.5,
            voice: Voice::Harp,
            air: 0.2,
            seed: 3,
        }
    }

    fn whole(score: &Score, seconds: u32) -> Vec<i16> {
        let (mut player, mut block, mut all) = (Player::new(score, seconds), Vec::new(), Vec::new());
        while player.play(&mut block) {
            all.extend(block.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])));
        }
        all
    }

    #[test]
    fn it_lasts_as_long_as_was_asked_comes_and_goes_softly_and_never_clips() {
        let samples = whole(&score(), 20);
        assert_eq!(samples.len(), 20 * RATE as usize * 2);
        let loudest = |from: usize, to: usize| samples[from..to].iter().map(|sample| sample.unsigned_abs()).max();
        let last = samples.len();
        assert!(loudest(0, 2000) < Some(100), "{:?}", loudest(0, 2000));
        assert!(loudest(last - 2000, last) < Some(100));
        let middle = loudest(last / 4, last / 2);
        assert!((Some(3_000)..Some(30_000)).contains(&middle), "{middle:?}");
        let step = samples
            .chunks_exact(2)
            .zip(samples.chunks_exact(2).skip(1))
            .map(|(a, b)| (i32::from(a[0]) - i32::from(b[0])).abs());
        assert!(step.max() < Some(6_000), "no clicks");
    }

    #[test]
    fn equal_scores_give_equal_samples() {
        assert_eq!(whole(&score(), 3), whole(&score(), 3));
        assert_ne!(whole(&score(), 3), whole(&Score { seed: 4, ..score() }, 3));
    }
}
