//! The steps that keep audio and video together if each has separate files: audio is chosen to go with the video, stays
//! behind it in fetching, and is dropped if other video replaces that which it was fetched for. `Pairing` holds
//! the pairs that go together, and `abr::joint` on the best of them.

use std::time::Duration;

use super::Session;
use crate::engine::buffer::Departure;
use crate::engine::context::Context;
use crate::engine::download::schedule::{self, ROUNDING};
use crate::engine::download::{Activity, NextSegment};
use crate::engine::ids::{PeriodKey, RepKey, StreamId};
use crate::engine::selection;
use crate::engine::selection::audio_pairing::{self, Pairing};
use crate::model::MediaKind;
use crate::time::MediaTime;

/// Audio with less than this ahead of the playhead is about to hold playback up.
const SHORT: Duration = Duration::from_secs(2);

/// A choice of sound, and what it was chosen from.
pub(in crate::engine) struct Plan {
    pub pairing: Pairing,
    pub choice: abr::joint::Choice,
}

impl Session {
    /// Chooses the audio to go with the video, if audio has separate files.
    pub(in crate::engine) fn plan_sound(&mut self, cx: &mut Context, period: PeriodKey) -> Option<Plan> {
        let presentation = self.source.presentation();
        let (main, audio) = (self.main()?, self.stream(StreamId::Audio)?);
        let set = self.set_in(StreamId::Main, period);
        let pictures = set.map(|set| self.permitted(cx, StreamId::Main, set, None)).unwrap_or_default();
        let grouped = audio_pairing::has_groups(presentation, &pictures);
        let group = pictures.first().filter(|_| !grouped).and_then(|key| selection::representation(presentation, *key));
        let group = group.and_then(|rep| rep.audio_group.as_deref());
        let set = self.set_in(StreamId::Audio, period)?;
        let renditions = self.permitted(cx, StreamId::Audio, set, group);
        let pairing = Pairing::new(presentation, &pictures, renditions, audio.last(), self.selection.output());
        let position = self.position(cx);
        let ahead = |kind| {
            let end = self.buffer(kind).and_then(|buffer| buffer.complete_end(position));
            end.map_or(Duration::ZERO, |end| end.since(position))
        };
        let buffer = ahead(MediaKind::Video).min(ahead(MediaKind::Audio));
        let phase = self.phase(cx, MediaKind::Audio, buffer);
        let representative = audio.last().or(pairing.keys.first().copied());
        let awaited = representative.and_then(|key| self.awaited_media(cx, phase, audio.place(), key));
        let mut sound = self.selection.audio();
        let choice = sound.chooser.choose(&abr::joint::Situation {
            now: cx.now.as_duration(),
            pairs: pairing.pairs.as_deref(),
            pictures_now: main.last().and_then(|last| pairing.picture(last)),
            sound_now: audio.last().and_then(|last| pairing.heard(presentation, sound.wanted.unwrap_or(last))),
            estimate_bps: cx.rule.estimate_bps(),
            buffer,
            phase,
            awaited: awaited.unwrap_or_default(),
            rate: cx.settings.rate as f32,
            caps: self.picture_caps(cx, &pairing.pictures),
            total_bps: cx.config.max_bitrate_bps,
            ..abr::joint::Situation::new(&pairing.pictures, &pairing.sound)
        });
        sound.wanted = pairing.keys.get(choice.sound).copied();
        self.selection.pair_audio(sound);
        Some(Plan { pairing, choice })
    }

    /// Returns the bandwidth that separate audio takes: that of the representation chosen for it.
    pub(in crate::engine) fn reserved_bps(&self, id: StreamId) -> u64 {
        let audio = self.stream(StreamId::Audio).filter(|stream| stream.id() != id);
        let rep = audio.and_then(|stream| self.selection.audio().wanted.or(stream.last()));
        let rep = rep.and_then(|key| selection::representation(self.source.presentation(), key));
        rep.map_or(0, |rep| rep.average_bandwidth.unwrap_or(rep.bandwidth))
    }

    /// The group of renditions that goes with the pictures where sound goes on.
    pub(in crate::engine) fn audio_group(&self, id: StreamId) -> Option<&str> {
        if id != StreamId::Audio {
            return None;
        }
        let time = self.stream(id)?.fetched_until();
        let pictures = pictures_at(self, time).or(self.main()?.last())?;
        selection::representation(self.source.presentation(), pictures)?.audio_group.as_deref()
    }

    /// Returns true if audio must wait for video: the next audio segment may start no later than the end of the video
    /// that is buffered or in flight, because video needs the bandwidth more. If the video names audio groups, audio
    /// waits until the video at its position has been chosen. It waits for no video that is itself full while audio runs
    /// short, as after a segment whose audio ends early: playback would wait for audio, audio for video, and video for
    /// playback.
    pub(in crate::engine) fn waits_for_main(&self, cx: &Context, id: StreamId, period: PeriodKey) -> bool {
        if id != StreamId::Audio {
            return false;
        }
        let (Some(main), Some(audio)) = (self.main(), self.stream(id)) else { return false };
        if self.is_full(cx, StreamId::Main) && self.runs_short(cx, MediaKind::Audio) {
            return false;
        }
        let (time, pictures) = (audio.fetched_until(), main.fetched_until());
        if time > pictures + ROUNDING {
            return true;
        }
        let Some(set) = self.set_in(StreamId::Main, period) else { return false };
        time + ROUNDING >= pictures
            && pictures_at(self, time).is_none()
            && audio_pairing::has_groups(self.source.presentation(), &self.permitted(cx, StreamId::Main, set, None))
    }

    fn runs_short(&self, cx: &Context, kind: MediaKind) -> bool {
        let position = self.position(cx);
        self.buffered_until(kind, position).is_none_or(|end| end.since(position) < SHORT)
    }

    /// Reads the index of the sound that will go with the pictures whose index is read, while it waits for them.
    pub(in crate::engine) fn prefetch_audio_index(&mut self, cx: &mut Context, period: PeriodKey) {
        let Some(main) = self.main() else { return };
        let Activity::Index(pictures) = *main.activity() else { return };
        let group =
            selection::representation(self.source.presentation(), pictures).and_then(|rep| rep.audio_group.as_deref());
        let Some(set) = self.set_in(StreamId::Audio, period) else { return };
        if let Some(sound) = self.permitted(cx, StreamId::Audio, set, group).first().copied() {
            self.want_index(cx, sound);
        }
    }

    /// From `from` on these pictures will be shown: sound of another group than theirs that was fetched for others is
    /// dropped, but for what was handed out.
    pub(in crate::engine) fn drop_unpaired_sound(&mut self, cx: &mut Context, pictures: RepKey, from: MediaTime) {
        let Some(audio) = self.stream(StreamId::Audio) else { return };
        let group = |key: RepKey| {
            selection::representation(self.source.presentation(), key).and_then(|rep| rep.audio_group.as_deref())
        };
        let Some(wanted) = group(pictures) else { return };
        let other = |key: RepKey| group(key).is_some_and(|group| group != wanted);
        let coming = audio.pending().is_some_and(|plan| plan.segment.start + ROUNDING >= from && other(plan.rep));
        let index = matches!(audio.activity(), Activity::Index(rep) if other(*rep));
        let doomed = self.audio.parts().find(|part| part.first + ROUNDING >= from && other(part.of.rep));
        let doomed = doomed.map(|part| part.seq);
        if (coming || index) && !self.is_committed(cx, StreamId::Audio) {
            self.cancel_stream(cx, StreamId::Audio);
        }
        if let Some(first) = doomed {
            self.truncate_sound(cx, first);
        }
    }

    /// Drops the sound from a part on; its stream goes on from there. What is on its way then belongs to what is
    /// dropped, or was handed out, and then nothing before it can be dropped.
    fn truncate_sound(&mut self, cx: &mut Context, first: u64) {
        if self.is_committed(cx, StreamId::Audio) {
            return;
        }
        self.cancel_stream(cx, StreamId::Audio);
        let committed = self.committed(cx, MediaKind::Audio);
        let begin = self.audio.part_from(first).map(|part| (part.of.rep, part.first));
        let dropped = self.audio.truncate(committed, Departure::Void, |part| part.seq >= first);
        let kept = self.audio.back().and_then(|part| part.of.key());
        let after = kept
            .and_then(|key| Some(NextSegment::after(key.rep, &schedule::segment(self.source.presentation(), key)?)));
        let place = after.or_else(|| begin.map(|(rep, time)| NextSegment::At { period: rep.period, time }));
        if let (Some(place), Some(stream), true) = (place, self.stream_mut(StreamId::Audio), dropped > 0) {
            stream.rewind_to(place);
        }
        cx.ledger.wasted(dropped);
    }
}

/// The pictures that are decided on for a time: here, or on their way.
pub(in crate::engine) fn pictures_at(session: &Session, time: MediaTime) -> Option<RepKey> {
    let time = time + ROUNDING;
    let coming = session.main()?.pending();
    if let Some(plan) = coming.filter(|plan| plan.segment.start <= time && time < plan.segment.end()) {
        return Some(plan.rep);
    }
    session.video.end().filter(|end| time < *end)?;
    session.video.parts().rev().find(|part| part.first <= time).map(|part| part.of.rep)
}
