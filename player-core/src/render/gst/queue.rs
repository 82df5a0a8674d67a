//! The queue from the renderer's owner to the render thread: the newest wish of each kind, and the media of one epoch.
//!
//! It holds no history. A wish (playing, rate, volume) replaces the one before. A flush voids everything that was
//! queued for earlier epochs, and `FlushTrack` what was queued for its track. Media is bounded by [`MAX_SAMPLES`]: past
//! that the queue gives up the epoch's media and reports it once, and its owner asks for a flush at the position, after
//! which the media is handed over again. So no pace of commands can overflow it, and none is fatal.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::MediaKind;
use crate::render::{Epoch, RenderCommand};

/// Maximum number of samples that wait for the render thread; a configuration, a gap and an end count as one each.
/// That is more than a minute of video at 60 frames a second with its audio, where the engine's default lead is 2 s.
pub(super) const MAX_SAMPLES: usize = 8_192;

/// The newest value of each setting that the thread has not taken yet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Wishes {
    pub(super) playing: Option<bool>,
    pub(super) rate: Option<f64>,
    /// Linear loudness, and silence.
    pub(super) volume: Option<(f64, bool)>,
}

impl Wishes {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Notes a command and returns true if it is a wish. `Stop` voids the wish to play.
    pub(super) fn note(&mut self, command: &RenderCommand) -> bool {
        match command {
            RenderCommand::SetPlaying(playing) => self.playing = Some(*playing),
            RenderCommand::SetRate(rate) => self.rate = Some(*rate),
            RenderCommand::SetVolume { volume, muted } => self.volume = Some((*volume, *muted)),
            RenderCommand::Stop => {
                self.playing = None;
                return false;
            }
            _ => return false,
        }
        true
    }
}

/// Work for the render thread.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Work {
    pub(super) wishes: Wishes,
    pub(super) command: Option<RenderCommand>,
}

/// Outcome of [`RenderQueue::push`] for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// The command waits, or was replaced by what waits already.
    Queued,
    /// The media of the epoch was given up just now: the owner must ask for a flush.
    Overflowed,
}

#[derive(Default)]
struct Inner {
    wishes: Wishes,
    /// At most one `Stop`, then at most one `Flush`, then media in order.
    commands: VecDeque<RenderCommand>,
    samples: usize,
    /// The epoch's media was given up: no more of it is taken before the next flush.
    overflowed: bool,
    woken: bool,
    closed: bool,
}

/// One owner and one thread.
#[derive(Default)]
pub(super) struct RenderQueue {
    inner: Mutex<Inner>,
    filled: Condvar,
}

impl RenderQueue {
    /// Adds a command, or replaces those that it makes void.
    pub(super) fn push(&self, command: RenderCommand) -> Pushed {
        let pushed = self.lock().add(command);
        self.filled.notify_one();
        pushed
    }

    /// Adds wishes where there are none of the kind.
    pub(super) fn wish(&self, wishes: Wishes) {
        let mut inner = self.lock();
        let queued = inner.wishes;
        inner.wishes = Wishes {
            playing: queued.playing.or(wishes.playing),
            rate: queued.rate.or(wishes.rate),
            volume: queued.volume.or(wishes.volume),
        };
        drop(inner);
        self.filled.notify_one();
    }

    /// Makes [`RenderQueue::take`] return: the pipeline's bus has a message.
    pub(super) fn wake(&self) {
        self.lock().woken = true;
        self.filled.notify_one();
    }

    /// Ends the thread at its next [`RenderQueue::take`].
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.commands.clear();
        drop(inner);
        self.filled.notify_one();
    }

    /// True once no work is taken any more.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits for work, at most for `patience` if that is given. `None` once the queue is closed.
    pub(super) fn take(&self, patience: Option<Duration>) -> Option<Work> {
        let idle =
            |inner: &mut Inner| !inner.closed && !inner.woken && inner.commands.is_empty() && inner.wishes.is_empty();
        let inner = self.lock();
        let mut inner = match patience {
            Some(patience) => {
                self.filled.wait_timeout_while(inner, patience, idle).unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.filled.wait_while(inner, idle).unwrap_or_else(PoisonError::into_inner),
        };
        inner.woken = false;
        if inner.closed {
            return None;
        }
        let command = inner.commands.pop_front();
        inner.samples -= command.as_ref().map_or(0, weight);
        Some(Work { wishes: std::mem::take(&mut inner.wishes), command })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn add(&mut self, command: RenderCommand) -> Pushed {
        if self.wishes.note(&command) {
            return Pushed::Queued;
        }
        match command {
            RenderCommand::Stop => {
                self.retain(|_| false);
                self.overflowed = false;
            }
            RenderCommand::Flush { .. } => {
                self.retain(|queued| matches!(queued, RenderCommand::Stop));
                self.overflowed = false;
            }
            RenderCommand::FlushTrack { track, epoch, .. } => {
                self.retain(|queued| media_of(queued).is_none_or(|(kind, _)| kind != track));
                if self.overflowed || self.begins(epoch) {
                    return Pushed::Queued;
                }
            }
            _ => return self.add_media(command),
        }
        self.samples += weight(&command);
        self.commands.push_back(command);
        Pushed::Queued
    }

    fn add_media(&mut self, command: RenderCommand) -> Pushed {
        if self.overflowed {
            return Pushed::Queued;
        }
        let more = weight(&command);
        if self.samples + more > MAX_SAMPLES {
            self.retain(|queued| media_of(queued).is_none());
            self.overflowed = true;
            return Pushed::Overflowed;
        }
        self.samples += more;
        let Some(command) = self.join(command) else { return Pushed::Queued };
        self.commands.push_back(command);
        Pushed::Queued
    }

    /// Adds samples to those at the end of the queue if they are of the same track and epoch, so that media that
    /// trickles in does not become a long queue. Gives back what does not join.
    fn join(&mut self, command: RenderCommand) -> Option<RenderCommand> {
        let RenderCommand::Append { track, samples, epoch } = command else { return Some(command) };
        if let Some(RenderCommand::Append { track: kind, samples: queued, epoch: of }) = self.commands.back_mut()
            && (*kind, *of) == (track, epoch)
        {
            queued.extend(samples);
            return None;
        }
        Some(RenderCommand::Append { track, samples, epoch })
    }

    /// True while the flush that begins an epoch waits here.
    fn begins(&self, epoch: Epoch) -> bool {
        self.commands.iter().any(|queued| matches!(queued, RenderCommand::Flush { epoch: of, .. } if *of == epoch))
    }

    fn retain(&mut self, keep: impl Fn(&RenderCommand) -> bool) {
        self.commands.retain(keep);
        self.samples = self.commands.iter().map(weight).sum();
    }
}

/// Returns the track and epoch of a command that carries or describes media.
fn media_of(command: &RenderCommand) -> Option<(MediaKind, Epoch)> {
    match command {
        RenderCommand::Configure { track, epoch, .. }
        | RenderCommand::Gap { track, epoch, .. }
        | RenderCommand::Append { track, epoch, .. }
        | RenderCommand::EndOfTrack { track, epoch }
        | RenderCommand::FlushTrack { track, epoch, .. } => Some((*track, *epoch)),
        RenderCommand::Flush { .. }
        | RenderCommand::SetPlaying(_)
        | RenderCommand::SetRate(_)
        | RenderCommand::SetVolume { .. }
        | RenderCommand::Stop => None,
    }
}

/// Counts a command against [`MAX_SAMPLES`].
fn weight(command: &RenderCommand) -> usize {
    match command {
        RenderCommand::Append { samples, .. } => samples.len(),
        other => usize::from(media_of(other).is_some()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;
    use crate::container::{Payload, Sample};
    use crate::time::MediaTime;

    fn samples(from: usize, count: usize) -> Vec<Sample> {
        let sample = |index: usize| Sample {
            pts: MediaTime::from_millis(index as i64 * 40),
            dts: MediaTime::from_millis(index as i64 * 40),
            duration: Duration::from_millis(40),
            key: true,
            payload: Payload::default(),
            crypto: None,
        };
        (from..from + count).map(sample).collect()
    }

    fn append(epoch: u64, track: MediaKind, from: usize, count: usize) -> RenderCommand {
        RenderCommand::Append { track, samples: samples(from, count), epoch: Epoch(epoch) }
    }

    fn flush(epoch: u64) -> RenderCommand {
        let tracks = vec![MediaKind::Video, MediaKind::Audio];
        RenderCommand::Flush { epoch: Epoch(epoch), start: MediaTime::ZERO, tracks }
    }

    fn flush_track(epoch: u64, track: MediaKind) -> RenderCommand {
        RenderCommand::FlushTrack { track, from: MediaTime::ZERO, epoch: Epoch(epoch) }
    }

    /// Takes everything; the wishes come with the first work.
    fn drain(queue: &RenderQueue) -> (Wishes, Vec<RenderCommand>) {
        let first = queue.take(Some(Duration::ZERO)).unwrap();
        let rest = std::iter::from_fn(|| queue.take(Some(Duration::ZERO)).and_then(|work| work.command));
        (first.wishes, first.command.into_iter().chain(rest).collect())
    }

    #[test]
    fn only_the_newest_wish_of_each_kind_waits() {
        let queue = RenderQueue::default();
        for step in 0..100_000 {
            queue.push(RenderCommand::SetRate(1.0 + f64::from(step % 3)));
            queue.push(RenderCommand::SetPlaying(step % 2 == 0));
            queue.push(RenderCommand::SetVolume { volume: 0.5, muted: step % 2 == 1 });
        }
        let wishes = Wishes { playing: Some(false), rate: Some(1.0), volume: Some((0.5, true)) };
        assert_eq!(drain(&queue), (wishes, Vec::new()));
        assert_eq!(drain(&queue), (Wishes::default(), Vec::new()));
    }

    #[test]
    fn a_flush_voids_what_was_queued_and_stop_the_wish_to_play_too() {
        let queue = RenderQueue::default();
        for epoch in 0..10_000 {
            queue.push(flush(epoch));
            queue.push(append(epoch, MediaKind::Video, 0, 3));
            queue.push(flush_track(epoch, MediaKind::Video));
        }
        queue.push(append(9_999, MediaKind::Audio, 0, 1));
        assert_eq!(drain(&queue).1, [flush(9_999), append(9_999, MediaKind::Audio, 0, 1)]);
        queue.push(RenderCommand::SetPlaying(true));
        queue.push(flush(7));
        queue.push(RenderCommand::Stop);
        queue.push(RenderCommand::SetRate(2.0));
        queue.push(flush(8));
        let wishes = Wishes { rate: Some(2.0), ..Wishes::default() };
        assert_eq!(drain(&queue), (wishes, vec![RenderCommand::Stop, flush(8)]));
    }

    #[test]
    fn a_flushed_track_loses_its_media_only_and_once() {
        let queue = RenderQueue::default();
        for _ in 0..1_000 {
            queue.push(append(1, MediaKind::Audio, 0, 9));
            queue.push(flush_track(1, MediaKind::Audio));
        }
        queue.push(append(1, MediaKind::Video, 0, 1));
        queue.push(append(1, MediaKind::Video, 1, 1));
        queue.push(append(1, MediaKind::Audio, 0, 1));
        let expected =
            [flush_track(1, MediaKind::Audio), append(1, MediaKind::Video, 0, 2), append(1, MediaKind::Audio, 0, 1)];
        assert_eq!(drain(&queue).1, expected, "what trickles in is one command");
    }

    #[test]
    fn too_much_media_is_given_up_once_until_the_next_flush() {
        let queue = RenderQueue::default();
        queue.push(flush(1));
        let pushed: Vec<Pushed> = (0..20).map(|step| queue.push(append(1, MediaKind::Video, step, 1_000))).collect();
        assert_eq!(pushed.iter().filter(|pushed| **pushed == Pushed::Overflowed).count(), 1);
        assert_eq!(pushed.iter().position(|pushed| *pushed == Pushed::Overflowed), Some(MAX_SAMPLES / 1_000));
        assert_eq!(drain(&queue).1, [flush(1)], "the flush is answered all the same");
        queue.push(flush(2));
        assert_eq!(queue.push(append(2, MediaKind::Video, 0, 5)), Pushed::Queued);
        assert_eq!(drain(&queue).1, [flush(2), append(2, MediaKind::Video, 0, 5)]);
    }

    fn step() -> impl Strategy<Value = (u8, usize)> {
        (0..9_u8, 1..2_000_usize)
    }

    proptest! {
        /// Whatever is pushed and taken: the queue stays bounded, no wish is lost, and the thread gets the media of the
        /// last epoch as it was appended, unless that was given up.
        #[test]
        fn any_commands_leave_a_bounded_queue_and_the_last_wishes(steps in prop::collection::vec(step(), 1..200)) {
            let queue = RenderQueue::default();
            let (mut epoch, mut last, mut got) = (0, Wishes::default(), Wishes::default());
            let (mut appended, mut taken, mut overflowed) = (0, 0, false);
            let mut absorb = |work: Work, taken: &mut usize| {
                if work.command == Some(RenderCommand::Stop) {
                    got.playing = None;
                }
                got.playing = work.wishes.playing.or(got.playing);
                got.rate = work.wishes.rate.or(got.rate);
                got.volume = work.wishes.volume.or(got.volume);
                match work.command {
                    Some(RenderCommand::Flush { .. }) => *taken = 0,
                    Some(RenderCommand::Append { samples, .. }) => *taken += samples.len(),
                    _ => {}
                }
            };
            for (kind, count) in steps {
                let command = match kind {
                    0 => RenderCommand::SetRate(count as f64),
                    1 => RenderCommand::SetPlaying(count % 2 == 0),
                    2 => RenderCommand::SetVolume { volume: 0.5, muted: count % 2 == 0 },
                    3 => RenderCommand::Stop,
                    4 => {
                        (epoch, appended, overflowed) = (epoch + 1, 0, false);
                        flush(epoch)
                    }
                    5 => {
                        if let Some(work) = queue.take(Some(Duration::ZERO)) {
                            absorb(work, &mut taken);
                        }
                        continue;
                    }
                    _ => append(epoch, MediaKind::Video, 0, count),
                };
                last.note(&command);
                if matches!(command, RenderCommand::Stop) {
                    (epoch, appended, overflowed) = (epoch + 1, 0, false);
                    queue.push(command);
                    queue.push(flush(epoch));
                } else {
                    appended += if let RenderCommand::Append { samples, .. } = &command { samples.len() } else { 0 };
                    overflowed |= queue.push(command) == Pushed::Overflowed;
                }
                let inner = queue.lock();
                prop_assert!(inner.samples <= MAX_SAMPLES && inner.commands.len() <= MAX_SAMPLES + 2);
            }
            for _ in 0..MAX_SAMPLES + 2 {
                let work = queue.take(Some(Duration::ZERO)).unwrap();
                let last = work == Work::default();
                absorb(work, &mut taken);
                if last {
                    break;
                }
            }
            prop_assert_eq!(got, last);
            prop_assert!(overflowed || taken == appended, "{} of {}", taken, appended);
        }
    }
}
