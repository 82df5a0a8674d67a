//! State of the selection: what the viewer prefers, what is excluded or cannot be presented, what is on screen, and the
//! lists that the viewer chooses from. Only this file changes it.

use std::sync::Arc;
use std::time::Duration;

use super::audio_pairing::AudioChoice;
use super::{Bounds, Exclusions, TrackPreferences, listing, may_show, same_track, set_of};
use crate::command::{QualityChoice, TrackChoice};
use crate::engine::ids::{KeyedPresentation, PeriodKey, RepKey, SetKey};
use crate::engine::licence::Keys;
use crate::model::{MediaKind, Representation, TrackId};
use crate::snapshot::{Quality, Track};
use crate::time::{MediaTime, Now};

/// Tracks and qualities of an item that are selected, and those that may be.
#[derive(Debug)]
pub(in crate::engine) struct TrackSelection {
    /// Tracks and quality that the viewer prefers.
    preferences: TrackPreferences,
    /// Representations that are excluded, and until when.
    exclusions: Exclusions,
    /// Copy protection of the output.
    output: abr::Hdcp,
    /// Audio representation that was chosen to go with the video.
    audio: AudioChoice,
    /// Other audio was chosen: what was handed out of the old one ends here.
    audio_change: Option<MediaTime>,
    /// Video cannot be presented here.
    without_video: bool,
    /// Audio cannot be presented here.
    without_audio: bool,
    /// Representation on screen.
    shown: Option<RepKey>,
    /// Tracks to choose from.
    tracks: Arc<Vec<Track>>,
    /// Qualities to choose from.
    qualities: Arc<Vec<Quality>>,
}

impl TrackSelection {
    /// Creates the selection of an item with nothing selected yet.
    pub(in crate::engine) fn new(preferences: TrackPreferences, output: abr::Hdcp) -> Self {
        Self {
            preferences,
            exclusions: Exclusions::default(),
            output,
            audio: AudioChoice::default(),
            audio_change: None,
            without_video: false,
            without_audio: false,
            shown: None,
            tracks: Arc::default(),
            qualities: Arc::default(),
        }
    }

    /// Returns what the viewer prefers.
    pub(in crate::engine) const fn preferences(&self) -> &TrackPreferences {
        &self.preferences
    }

    /// Returns the exclusions.
    pub(in crate::engine) const fn exclusions(&self) -> &Exclusions {
        &self.exclusions
    }

    /// Returns the copy protection of the output.
    pub(in crate::engine) const fn output(&self) -> abr::Hdcp {
        self.output
    }

    /// Returns the audio that was chosen to go with the video.
    pub(in crate::engine) const fn audio(&self) -> AudioChoice {
        self.audio
    }

    /// Returns the end of the audio that was handed out before other audio was chosen, until that takes over.
    pub(in crate::engine) const fn audio_change(&self) -> Option<MediaTime> {
        self.audio_change
    }

    /// Returns the representation on screen.
    pub(in crate::engine) const fn shown(&self) -> Option<RepKey> {
        self.shown
    }

    /// Returns the tracks to choose from.
    pub(in crate::engine) fn tracks(&self) -> Arc<Vec<Track>> {
        Arc::clone(&self.tracks)
    }

    /// Returns the qualities to choose from.
    pub(in crate::engine) fn qualities(&self) -> Arc<Vec<Quality>> {
        Arc::clone(&self.qualities)
    }

    /// Returns true if video can be presented.
    pub(in crate::engine) const fn has_video(&self) -> bool {
        !self.without_video
    }

    /// Returns true if audio can be presented and the viewer has not turned it off.
    pub(in crate::engine) fn has_audio(&self) -> bool {
        !self.without_audio && self.preferences.audio != TrackChoice::Off
    }

    /// Selects audio. What could not be presented before is tried again, because another track may be decodable.
    pub(in crate::engine) fn select_audio(&mut self, choice: TrackChoice) {
        self.preferences.audio = choice;
        self.without_audio = false;
    }

    /// Selects subtitles or captions.
    pub(in crate::engine) fn select_text(&mut self, choice: TrackChoice) {
        self.preferences.text = choice;
    }

    /// Selects the quality.
    pub(in crate::engine) fn select_quality(&mut self, choice: QualityChoice) {
        self.preferences.quality = choice;
    }

    /// Takes the copy protection of the output.
    pub(in crate::engine) const fn set_output(&mut self, output: abr::Hdcp) {
        self.output = output;
    }

    /// Takes the audio that was chosen to go with the video.
    pub(in crate::engine) const fn pair_audio(&mut self, audio: AudioChoice) {
        self.audio = audio;
    }

    /// Begins a change of audio: the old one is presented up to `until`.
    pub(in crate::engine) const fn begin_audio_change(&mut self, until: MediaTime) {
        self.audio_change = Some(until);
    }

    /// Ends a change of audio: the new one takes over, or there is nothing to take over from.
    pub(in crate::engine) const fn end_audio_change(&mut self) {
        self.audio_change = None;
    }

    /// Gives up a kind of track that cannot be presented here, and ends a change of audio, because the kinds that are
    /// handed out change now. Text is given up with its stream.
    pub(in crate::engine) const fn give_up(&mut self, kind: MediaKind) {
        match kind {
            MediaKind::Video => self.without_video = true,
            MediaKind::Audio => self.without_audio = true,
            MediaKind::Text => {}
        }
        self.audio_change = None;
    }

    /// Excludes a representation for a time; [`Duration::MAX`] is for ever.
    pub(in crate::engine) fn exclude(&mut self, rep: RepKey, span: Duration, now: Now) {
        self.exclusions.exclude(rep, span, now);
    }

    /// Forgets the exclusions of all representations but these.
    pub(in crate::engine) fn retain(&mut self, stays: impl Fn(RepKey) -> bool) {
        self.exclusions.retain(|rep| stays(*rep));
    }

    /// Notes the representation on screen. Returns the one before.
    pub(in crate::engine) const fn show(&mut self, rep: RepKey) -> Option<RepKey> {
        self.shown.replace(rep)
    }

    /// Returns the limits of the choice of a representation: any quality, and any audio group.
    pub(in crate::engine) const fn bounds<'a>(&'a self, keys: &'a Keys, now: Now) -> Bounds<'a> {
        Bounds {
            now,
            exclusions: &self.exclusions,
            quality: &QualityChoice::Auto,
            audio_group: None,
            keys,
            output: self.output,
        }
    }

    /// Returns true if a representation can be decrypted, and shown on the output.
    pub(in crate::engine) fn may_present(&self, rep: &Representation, keys: &Keys) -> bool {
        keys.may_unlock(rep) && may_show(rep, self.output)
    }

    /// Returns the set that presents a kind in a period. `track` is the track that the stream follows.
    ///
    /// The stream keeps its track as long as a representation of it can be presented. Another set that can be presented
    /// takes over otherwise, and if there is none, the same track, so that the reason can be reported.
    pub(in crate::engine) fn set_in(
        &self,
        presentation: &KeyedPresentation,
        period: PeriodKey,
        kind: MediaKind,
        track: Option<&TrackId>,
        keys: &Keys,
    ) -> Option<SetKey> {
        let found = presentation.period(period)?;
        let sets: Vec<SetKey> = presentation.set_keys(period).collect();
        let reps = |set: usize| sets.get(set).into_iter().flat_map(|key| presentation.reps_of(*key));
        let gone = |set: usize| reps(set).all(|(rep, _)| self.exclusions.is_final(rep));
        let locked = |set: usize| !reps(set).any(|(_, rep)| self.may_present(rep, keys));
        let same = track
            .and_then(|track| same_track(found, track))
            .filter(|set| !gone(*set) && found.adaptation_sets.get(*set).is_some_and(|set| set.kind == kind));
        let set = same
            .filter(|set| !locked(*set))
            .or_else(|| set_of(found, kind, &self.preferences, |set| gone(set) || locked(set)))
            .or(same)
            .or_else(|| set_of(found, kind, &self.preferences, gone))?;
        sets.get(set).copied()
    }

    /// Returns the track of a kind that the preferences ask for, in the first period that has one.
    pub(in crate::engine) fn preferred_track(
        &self,
        presentation: &KeyedPresentation,
        kind: MediaKind,
    ) -> Option<TrackId> {
        presentation.periods.iter().find_map(|period| {
            let set = set_of(period, kind, &self.preferences, |_| false)?;
            period.adaptation_sets.get(set).map(|set| set.id.clone())
        })
    }

    /// Takes the list of tracks, and lists the qualities of the set `video`. Returns true if either list changed. Snapshots share the lists, which are replaced only if they differ.
    pub(in crate::engine) fn list(
        &mut self,
        presentation: &KeyedPresentation,
        tracks: Vec<Track>,
        video: Option<SetKey>,
        keys: &Keys,
        now: Now,
    ) -> bool {
        let is_available =
            |key: RepKey, rep: &Representation| self.may_present(rep, keys) && !self.exclusions.holds(key, now);
        let qualities = video.map(|set| listing::qualities(presentation, set, self.shown, is_available));
        let qualities = qualities.unwrap_or_default();
        let changed = *self.tracks != tracks || *self.qualities != qualities;
        if changed {
            self.tracks = Arc::new(tracks);
            self.qualities = Arc::new(qualities);
        }
        changed
    }

    /// Returns the period whose qualities are listed: that on screen, or else the first.
    pub(in crate::engine) fn listed_period(&self, presentation: &KeyedPresentation) -> Option<PeriodKey> {
        let shown = self.shown.map(|shown| shown.period).filter(|period| presentation.period(*period).is_some());
        shown.or_else(|| presentation.period_key(0))
    }
}
