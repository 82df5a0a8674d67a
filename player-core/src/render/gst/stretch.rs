//! Changes the tempo of audio and keeps its pitch, without an end or a beginning at a change.
//!
//! Output is input, copied, except where it jumps: the caller gives the frame of the input that is due, and once the next
//! frame to be copied is too far from it, the copy goes on elsewhere, with a crossfade. The place is chosen near the due
//! frame, at the best similarity of the waveforms, so a jump takes out or puts in whole periods of what sounds (WSOLA:
//! Verhelst and Roelands, ICASSP 1993). Close to rate 1 jumps are rare: at 1.05 about four a second.
//!
//! No error adds up, because the due frame does not depend on the jumps. Tempo may change at any frame: nothing but the
//! due frames of what follows changes. At rate 1 nothing jumps, and output is the input bit for bit. Only a remainder of
//! earlier jumps is halved where the waveforms allow it, and undone at the first place where that cannot be heard.

/// Milliseconds of a crossfade.
const OVERLAP: usize = 8;

/// Milliseconds on both sides of the due frame in which a jump may land. Twice as much holds a period of 50 Hz.
const SEARCH: usize = 10;

/// Milliseconds from the due frame at which the next one to be copied is too far from it. More than [`SEARCH`], so that
/// a jump never lands where it began.
const TOLERANCE: usize = 12;

/// Fewest milliseconds from the beginning of one crossfade to that of the next.
const SEGMENT: usize = 32;

/// Milliseconds of input kept behind what is due and what was copied: a jump back lands there.
const HISTORY: usize = 64;

/// Frames that are averaged for the first, coarse search.
const COARSE: usize = 4;

/// Least similarity at which a remainder is undone at rate 1.
const ALIKE: f32 = 0.98;

/// Least similarity at which a remainder is at least halved at rate 1. Jumps at other rates take the best place there is.
const NEARLY: f32 = 0.9;

/// Mean square of samples below which nothing is heard: −80 dB.
const QUIET: f32 = 1e-8;

/// Loss of similarity at the rim of the search, so that among equal places the one closest to the due frame is taken.
const FAR: f32 = 0.02;

/// Result of a try to jump.
enum Jump {
    Done,
    /// Input that has not come yet is to be compared first.
    Waits,
    Impossible,
}

/// Stretches interleaved samples. Frames are counted from the first one pushed.
#[derive(Debug)]
pub(super) struct Stretcher {
    channels: usize,
    overlap: usize,
    search: usize,
    tolerance: f64,
    segment: usize,
    history: usize,
    /// Held samples; the first one belongs to frame `first`.
    input: Vec<f32>,
    first: i64,
    /// The next frame to be copied.
    next: i64,
    /// Frames given since the last crossfade began, no more than `segment`.
    since: usize,
}

impl Stretcher {
    /// For samples per second of each channel, and channels; zero counts as one.
    pub(super) fn new(sample_rate: u32, channels: u32) -> Self {
        let frames = |millis: usize| (sample_rate as usize * millis / 1_000).max(COARSE);
        Self {
            channels: channels.max(1) as usize,
            overlap: frames(OVERLAP),
            search: frames(SEARCH),
            tolerance: frames(TOLERANCE) as f64,
            segment: frames(SEGMENT),
            history: frames(HISTORY),
            input: Vec::new(),
            first: 0,
            next: 0,
            since: 0,
        }
    }

    /// Takes samples of whole frames.
    pub(super) fn push(&mut self, samples: &[f32]) {
        self.input.extend_from_slice(samples);
    }

    /// Returns the number of frames pushed.
    pub(super) fn end(&self) -> i64 {
        self.first + (self.input.len() / self.channels) as i64
    }

    /// Returns the next frame to be copied.
    pub(super) fn next(&self) -> i64 {
        self.next
    }

    /// Takes samples that the caller has copied itself: everything pushed before must be given.
    pub(super) fn skip(&mut self, samples: &[f32]) {
        self.push(samples);
        self.next = self.end();
        self.since = self.segment;
        self.forget(self.next);
    }

    /// Appends all output that the input suffices for to `out`, and returns the number of frames. `due` maps a frame of
    /// this output, counted from zero, to the frame of the input that is due at it; it must grow. With `last`, everything
    /// is given that was pushed.
    pub(super) fn pull(&mut self, due: impl Fn(i64) -> f64, last: bool, out: &mut Vec<f32>) -> i64 {
        let check = (self.segment / 32).max(1);
        let mut made = 0;
        loop {
            let target = due(made);
            let error = self.next as f64 - target;
            let mut room = check;
            if self.since < self.segment {
                room = self.segment - self.since;
            } else if error.abs() >= self.tolerance {
                match self.jump(target.round() as i64, last, out) {
                    Jump::Done => {
                        made += self.overlap as i64;
                        continue;
                    }
                    Jump::Waits => break,
                    Jump::Impossible => {}
                }
            } else if error.abs() >= 1.0 && self.is_unity(&due, made) {
                match self.undo(target.round() as i64, last, out) {
                    Jump::Done => {
                        made += self.overlap as i64;
                        continue;
                    }
                    Jump::Waits => break,
                    Jump::Impossible => (self.since, room) = (0, self.segment),
                }
            }
            let count = (self.end() - self.next).min(room as i64);
            if count <= 0 {
                break;
            }
            out.extend_from_slice(self.samples(self.next, count as usize));
            self.next += count;
            self.since = (self.since + count as usize).min(self.segment);
            made += count;
        }
        self.forget(self.next.min(due(made).floor() as i64));
        made
    }

    /// Forgets everything but the format.
    pub(super) fn clear(&mut self) {
        self.input.clear();
        (self.first, self.next, self.since) = (0, 0, 0);
    }

    fn is_unity(&self, due: impl Fn(i64) -> f64, from: i64) -> bool {
        let span = self.segment as i64;
        (due(from + span) - due(from) - span as f64).abs() < 1e-3
    }

    /// Fades to the place near `center` that is most like what would follow.
    fn jump(&mut self, center: i64, last: bool, out: &mut Vec<f32>) -> Jump {
        let (overlap, search, end) = (self.overlap as i64, self.search as i64, self.end());
        if !last && end < self.next.max(center + search) + overlap {
            return Jump::Waits;
        }
        let high = (center + search).min(end - overlap);
        if self.next + overlap > end || high < self.first {
            return Jump::Impossible;
        }
        // At the end, what is due may lie past it.
        let low = (center - search).max(self.first).min(high);
        let place = self.most_alike(low, high, center);
        self.fade(place, out);
        Jump::Done
    }

    /// Fades to `place` if that cannot be heard, or to a place at most half as far from it as the next frame.
    fn undo(&mut self, place: i64, last: bool, out: &mut Vec<f32>) -> Jump {
        let half = (self.next - place).abs() / 2;
        if self.next.max(place + half) + self.overlap as i64 > self.end() {
            return if last { Jump::Impossible } else { Jump::Waits };
        }
        if place < self.first {
            return Jump::Impossible;
        }
        let (before, after) = (self.mix(self.next, self.overlap), self.mix(place, self.overlap));
        let quiet = |mix: &[f32]| dot(mix, mix) < QUIET * mix.len() as f32;
        let energy = dot(&before, &before);
        if similarity(&before, energy, &after) >= ALIKE || (quiet(&before) && quiet(&after)) {
            self.fade(place, out);
            return Jump::Done;
        }
        let closer = self.most_alike((place - half).max(self.first), place + half, place);
        if similarity(&before, energy, &self.mix(closer, self.overlap)) < NEARLY {
            return Jump::Impossible;
        }
        self.fade(closer, out);
        Jump::Done
    }

    fn fade(&mut self, place: i64, out: &mut Vec<f32>) {
        let (from, to) = (self.samples(self.next, self.overlap), self.samples(place, self.overlap));
        let step = 1.0 / self.overlap as f32;
        let frames = from.chunks_exact(self.channels).zip(to.chunks_exact(self.channels));
        for (index, (from, to)) in frames.enumerate() {
            let weight = (index as f32 + 0.5) * step;
            out.extend(from.iter().zip(to).map(|(from, to)| from + (to - from) * weight));
        }
        self.next = place + self.overlap as i64;
        self.since = self.overlap;
    }

    fn most_alike(&self, low: i64, high: i64, center: i64) -> i64 {
        let wanted = self.mix(self.next, self.overlap);
        let places = (high - low) as usize;
        let window = self.mix(low, places + self.overlap);
        let far = |place: usize| {
            let distance = (low + place as i64 - center) as f32 / self.search as f32;
            FAR * distance * distance
        };
        let (coarse, coarse_window) = (decimate(&wanted), decimate(&window));
        let last = coarse_window.len().saturating_sub(coarse.len());
        let (energy, coarse_energy) = (dot(&wanted, &wanted), dot(&coarse, &coarse));
        let roughly = |place: usize| similarity(&coarse, coarse_energy, &coarse_window[place..]) - far(place * COARSE);
        let exactly = |place: usize| similarity(&wanted, energy, &window[place..]) - far(place);
        let best = (best_of(0..=last, roughly) * COARSE).min(places);
        let near = best.saturating_sub(COARSE)..=(best + COARSE).min(places);
        low + best_of(near, exactly) as i64
    }

    /// One channel made of all. Those of odd index count less, so that opposite ones do not cancel out.
    fn mix(&self, from: i64, frames: usize) -> Vec<f32> {
        let weight = |channel: usize| if channel.is_multiple_of(2) { 1.0 } else { 0.6 };
        let mixed = |frame: &[f32]| frame.iter().enumerate().map(|(channel, sample)| sample * weight(channel)).sum();
        self.samples(from, frames).chunks_exact(self.channels).map(mixed).collect()
    }

    fn samples(&self, from: i64, frames: usize) -> &[f32] {
        let begin = (from - self.first) as usize * self.channels;
        &self.input[begin..begin + frames * self.channels]
    }

    fn forget(&mut self, before: i64) {
        let count = (before - self.history as i64 - self.first).min(self.next - self.first).max(0);
        self.input.drain(..count as usize * self.channels);
        self.first += count;
    }
}

fn best_of(places: impl Iterator<Item = usize>, score: impl Fn(usize) -> f32) -> usize {
    let scored = places.map(|place| (place, score(place)));
    scored.fold((0, f32::MIN), |best, next| if next.1 > best.1 { next } else { best }).0
}

fn decimate(samples: &[f32]) -> Vec<f32> {
    samples.as_chunks::<COARSE>().0.iter().map(|group| group.iter().sum()).collect()
}

/// Returns the cosine of the angle between a waveform with its energy and the beginning of another, or zero if one of
/// them is silent.
fn similarity(wanted: &[f32], energy: f32, other: &[f32]) -> f32 {
    let other = &other[..wanted.len()];
    let norm = (energy * dot(other, other)).sqrt();
    if norm > f32::MIN_POSITIVE { dot(wanted, other) / norm } else { 0.0 }
}

/// Sums in lanes, which the compiler turns into vector instructions.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 8;
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}
