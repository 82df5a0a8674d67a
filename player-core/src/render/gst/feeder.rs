//! The samples of one track between the engine and the decoder: those to come, and those since the last key
//! picture that are kept so that the pipeline can be set up again at the present position without asking anybody.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::container::{CodecConfig, Sample};
use crate::model::MediaKind;
use crate::render::Window;
use crate::time::MediaTime;

/// Sound before the position that is kept: decoders need a frame or two before they are right.
const AUDIO_HISTORY: i64 = 200_000_000;

/// Pictures kept behind the position when no key picture comes. More than this is not worth its memory: setting
/// up again then begins with damaged pictures.
const MAX_HISTORY: usize = 1_500;

/// A sample, the configuration that decodes it, and the window in which it may be presented.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) sample: Sample,
    pub(super) config: Arc<CodecConfig>,
    pub(super) window: Window,
}

/// An item of a track: a sample, or a gap between two times.
#[derive(Clone)]
pub(super) enum Item {
    Sample(Entry),
    /// Nothing from one time to the other.
    Gap(MediaTime, MediaTime),
}

impl Item {
    fn sample(&self) -> Option<&Entry> {
        match self {
            Self::Sample(entry) => Some(entry),
            Self::Gap(..) => None,
        }
    }
}

/// Samples of one track and the position of the feed in them.
pub(super) struct Feeder {
    kind: MediaKind,
    items: VecDeque<Item>,
    next: usize,
    config: Option<Arc<CodecConfig>>,
    window: Window,
    last_config: Option<Arc<CodecConfig>>,
    media_end: Option<MediaTime>,
    ended: bool,
    switches: VecDeque<(MediaTime, Arc<CodecConfig>)>,
}

impl Feeder {
    /// Returns a feeder without samples.
    pub(super) fn new(kind: MediaKind) -> Self {
        Self {
            kind,
            items: VecDeque::new(),
            next: 0,
            config: None,
            window: Window::ALL,
            last_config: None,
            media_end: None,
            ended: false,
            switches: VecDeque::new(),
        }
    }

    /// Returns the kind of the track.
    pub(super) fn kind(&self) -> MediaKind {
        self.kind
    }

    /// Forgets all samples. The configuration stays in force until another one comes.
    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.next = 0;
        self.last_config = None;
        self.media_end = None;
        self.ended = false;
        self.switches.clear();
    }

    /// Adds a configuration and a window for the samples that follow.
    pub(super) fn configure(&mut self, config: Arc<CodecConfig>, window: Window) {
        self.window = window;
        if self.config.as_deref() != Some(&*config) {
            self.config = Some(config);
        }
    }

    /// Configuration of the next samples to be appended.
    pub(super) fn config(&self) -> Option<&Arc<CodecConfig>> {
        self.config.as_ref()
    }

    /// The configuration of the last sample.
    pub(super) fn last_config(&self) -> Option<Arc<CodecConfig>> {
        self.last_config.clone()
    }

    /// Takes samples. Without a configuration they cannot be decoded and are dropped.
    pub(super) fn append(&mut self, samples: Vec<Sample>) {
        let Some(config) = self.config.clone() else { return };
        let is_new = self.last_config.as_ref().is_none_or(|last| !Arc::ptr_eq(last, &config));
        if is_new && let Some(first) = samples.first() {
            self.switches.push_back((first.pts.max(self.window.from), config.clone()));
        }
        self.last_config = Some(config.clone());
        for sample in samples {
            if self.window.shows(sample.pts, sample.end()) {
                self.media_end = self.media_end.max(Some(sample.end().min(self.window.until)));
            }
            self.items.push_back(Item::Sample(Entry { sample, config: config.clone(), window: self.window }));
        }
        self.ended = false;
    }

    /// Nothing comes before `until`. `begin` is where the epoch begins, for a track that begins with a gap.
    pub(super) fn gap(&mut self, begin: MediaTime, until: MediaTime) {
        let from = self.media_end.unwrap_or(begin).max(begin);
        self.items.push_back(Item::Gap(from, until));
        self.ended = false;
    }

    /// Marks the end of the track's media.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// The next sample to push.
    pub(super) fn peek(&self) -> Option<&Item> {
        self.items.get(self.next)
    }

    /// The next sample was pushed.
    pub(super) fn advance(&mut self) {
        self.next += 1;
    }

    /// Everything was pushed and nothing follows.
    pub(super) fn is_finished(&self) -> bool {
        self.ended && self.next >= self.items.len()
    }

    /// Nothing follows what was appended.
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// The end of the last sample in presentation order.
    pub(super) fn media_end(&self) -> Option<MediaTime> {
        self.media_end
    }

    /// A configuration that has come on screen by `position` and was not reported yet.
    pub(super) fn take_switch(&mut self, position: MediaTime) -> Option<(MediaTime, Arc<CodecConfig>)> {
        if self.switches.front()?.0 > position { None } else { self.switches.pop_front() }
    }

    /// Goes back so that decoding begins in time to present `position`.
    pub(super) fn rewind(&mut self, position: MediaTime) {
        self.next = self.entry_point(position);
    }

    /// Drops the samples that will not be needed even if the pipeline is set up again at `position`.
    pub(super) fn trim(&mut self, position: MediaTime) {
        let unneeded = self.entry_point(position).max(self.next.saturating_sub(MAX_HISTORY)).min(self.next);
        self.items.drain(..unneeded);
        self.next -= unneeded;
    }

    /// Returns the sample at which decoding must begin to present `position`: the last key sample that is presented at
    /// or before it.
    fn entry_point(&self, position: MediaTime) -> usize {
        let position = match self.kind {
            MediaKind::Audio => position.shifted(-AUDIO_HISTORY),
            MediaKind::Video | MediaKind::Text => position,
        };
        let before = |item: &Item| item.sample().is_some_and(|entry| entry.sample.key && entry.sample.pts <= position);
        // Samples lie in decoding order, and a key sample is presented no later than any that follows another
        // key sample: the last one that qualifies is the nearest.
        self.items.iter().rposition(before).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::caps::tests::config;
    use super::*;
    use crate::container::{Codec, Payload};
    use std::time::Duration;

    fn sample(millis: i64, key: bool) -> Sample {
        let pts = MediaTime::from_millis(millis);
        let duration = Duration::from_millis(40);
        Sample { pts, dts: pts, duration, key, payload: Payload::default(), crypto: None }
    }

    fn next(feeder: &Feeder) -> MediaTime {
        feeder.peek().and_then(Item::sample).unwrap().sample.pts
    }

    fn feeder(keys: &[bool]) -> Feeder {
        let mut feeder = Feeder::new(MediaKind::Video);
        feeder.configure(Arc::new(config(Codec::Ac3)), Window::ALL);
        feeder.append(keys.iter().enumerate().map(|(n, key)| sample(n as i64 * 40, *key)).collect());
        feeder
    }

    #[test]
    fn rewinds_to_the_key_before_the_position() {
        let mut feeder = feeder(&[true, false, false, true, false, false]);
        for _ in 0..6 {
            feeder.advance();
        }
        feeder.rewind(MediaTime::from_millis(210));
        assert_eq!(next(&feeder), MediaTime::from_millis(120));
        feeder.rewind(MediaTime::from_millis(100));
        assert_eq!(next(&feeder), MediaTime::ZERO);
    }

    #[test]
    fn trimming_keeps_what_a_rewind_needs_and_what_was_not_pushed() {
        let mut feeder = feeder(&[true, false, true, false, true, false]);
        feeder.advance();
        feeder.trim(MediaTime::from_millis(1_000));
        assert_eq!(next(&feeder), MediaTime::from_millis(40), "not pushed yet");
        for _ in 0..5 {
            feeder.advance();
        }
        feeder.trim(MediaTime::from_millis(130));
        feeder.rewind(MediaTime::from_millis(130));
        assert_eq!(next(&feeder), MediaTime::from_millis(80));
    }

    #[test]
    fn history_without_key_samples_is_bounded() {
        let mut feeder = feeder(&vec![false; 4_000]);
        for _ in 0..4_000 {
            feeder.advance();
        }
        feeder.trim(MediaTime::MAX);
        assert_eq!(feeder.items.len(), MAX_HISTORY);
    }

    #[test]
    fn a_new_configuration_is_reported_when_it_is_on_screen() {
        let mut feeder = feeder(&[true, false]);
        assert!(feeder.take_switch(MediaTime::ZERO).is_some());
        feeder.configure(Arc::new(config(Codec::Ac3)), Window::ALL);
        feeder.append(vec![sample(80, true)]);
        assert!(feeder.take_switch(MediaTime::MAX).is_none(), "an equal configuration is not a switch");
        feeder.configure(Arc::new(config(Codec::Mp3)), Window::ALL);
        feeder.append(vec![sample(120, true)]);
        assert!(feeder.take_switch(MediaTime::from_millis(100)).is_none());
        assert_eq!(feeder.take_switch(MediaTime::from_millis(120)).unwrap().0, MediaTime::from_millis(120));
    }
}
