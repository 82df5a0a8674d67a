//! The steps that keep sound and pictures together when each has files of its own: sound is chosen beside the pictures,
//! keeps behind them, and is dropped when others take the place of those that it was fetched for. What goes together is
//! answered by `pairing`, what is best by `abr::joint`.

use std::time::Duration;

use super::Engine;
use super::accounting::Departure;
use super::ids::PeriodKey;
use super::pairing::{self, Pairing};
use super::schedule::{self, ROUNDING};
use super::select;
use super::stream::{Activity, Place, RepKey, StreamId};
use crate::model::MediaKind;
use crate::time::MediaTime;

/// A choice of sound, and what it was chosen from.
pub(super) struct Plan {
    pub pairing: Pairing,
    pub choice: abr::joint::Choice,
}

impl Engine {
    /// Chooses what is to be heard beside the pictures, when sound has files of its own.
    pub(super) fn plan_sound(&mut self, period: PeriodKey) -> Option<Plan> {
        let session = self.session.as_ref()?;
        let presentation = session.presentation.as_ref()?;
        let (main, audio) = (session.stream(StreamId::Main)?, session.stream(StreamId::Audio)?);
        let set = session.set_in(StreamId::Main, period);
        let pictures = set.map(|set| self.permitted(StreamId::Main, set, None)).unwrap_or_default();
        let grouped = pairing::has_groups(presentation, &pictures);
        let group = pictures.first().filter(|_| !grouped).and_then(|key| select::representation(presentation, *key));
        let group = group.and_then(|rep| rep.audio_group.as_deref());
        let set = session.set_in(StreamId::Audio, period)?;
        let renditions = self.permitted(StreamId::Audio, set, group);
        let pairing = Pairing::new(presentation, &pictures, renditions, audio.last, session.output);
        let position = self.position();
        let ahead = |kind| {
            let end = session.buffer(kind).and_then(|buffer| buffer.complete_end(position));
            end.map_or(Duration::ZERO, |end| end.since(position))
        };
        let buffer = ahead(MediaKind::Video).min(ahead(MediaKind::Audio));
        let mut sound = session.sound;
        let choice = sound.chooser.choose(&abr::joint::Situation {
            now: self.now.as_duration(),
            pairs: pairing.pairs.as_deref(),
            pictures_now: main.last.and_then(|last| pairing.picture(last)),
            sound_now: audio.last.and_then(|last| pairing.heard(presentation, sound.wanted.unwrap_or(last))),
            estimate_bps: self.rule.estimate_bps(),
            buffer,
            phase: self.phase(buffer),
            rate: self.settings.rate as f32,
            caps: self.picture_caps(&pairing.pictures),
            total_bps: self.config.max_bitrate_bps,
            ..abr::joint::Situation::new(&pairing.pictures, &pairing.sound)
        });
        sound.wanted = pairing.keys.get(choice.sound).copied();
        self.session.as_mut()?.sound = sound;
        Some(Plan { pairing, choice })
    }

    /// What separate sound takes of the network: that which is wanted of it.
    pub(super) fn reserved_bps(&self, id: StreamId) -> u64 {
        let Some(session) = self.session.as_ref() else { return 0 };
        let audio = session.stream(StreamId::Audio).filter(|stream| stream.id != id);
        let rep = audio.and_then(|stream| session.sound.wanted.or(stream.last));
        let rep = rep.zip(session.presentation.as_ref()).and_then(|(key, known)| select::representation(known, key));
        rep.map_or(0, |rep| rep.average_bandwidth.unwrap_or(rep.bandwidth))
    }

    /// The group of renditions that goes with the pictures where sound goes on.
    pub(super) fn audio_group(&self, id: StreamId) -> Option<&str> {
        let session = self.session.as_ref().filter(|_| id == StreamId::Audio)?;
        let time = session.stream(id)?.fetched_until();
        let pictures = pairing::pictures_at(session, time).or(session.stream(StreamId::Main)?.last)?;
        select::representation(session.presentation.as_ref()?, pictures)?.audio_group.as_deref()
    }

    /// Whether sound must wait for the pictures. It is fetched no further than one segment behind those that are here
    /// or on their way: they need the link more. Where they name groups, it waits until they are decided on.
    pub(super) fn waits_for_main(&self, id: StreamId, period: PeriodKey) -> bool {
        let Some(session) = self.session.as_ref().filter(|_| id == StreamId::Audio) else { return false };
        let (Some(main), Some(audio)) = (session.stream(StreamId::Main), session.stream(id)) else { return false };
        let (time, pictures) = (audio.fetched_until(), main.fetched_until());
        if time > pictures + ROUNDING {
            return true;
        }
        let (Some(presentation), Some(set)) = (&session.presentation, session.set_in(StreamId::Main, period)) else {
            return false;
        };
        time + ROUNDING >= pictures
            && pairing::pictures_at(session, time).is_none()
            && pairing::has_groups(presentation, &self.permitted(StreamId::Main, set, None))
    }

    /// Reads the index of the sound that will go with the pictures whose index is read, while it waits for them.
    pub(super) fn foresee_sound(&mut self, period: PeriodKey) {
        let Some(session) = self.session.as_ref() else { return };
        let (Some(main), Some(presentation)) = (session.stream(StreamId::Main), &session.presentation) else { return };
        let Activity::Index(pictures) = main.activity else { return };
        let group = select::representation(presentation, pictures).and_then(|rep| rep.audio_group.as_deref());
        let Some(set) = session.set_in(StreamId::Audio, period) else { return };
        if let Some(sound) = self.permitted(StreamId::Audio, set, group).first().copied() {
            self.want_index(sound);
        }
    }

    /// From `from` on these pictures will be shown: sound of another group than theirs that was fetched for others is
    /// dropped, but for what was handed out.
    pub(super) fn drop_unpaired_sound(&mut self, pictures: RepKey, from: MediaTime) {
        let Some(session) = self.session.as_ref() else { return };
        let (Some(presentation), Some(audio)) = (&session.presentation, session.stream(StreamId::Audio)) else {
            return;
        };
        let group = |key: RepKey| select::representation(presentation, key).and_then(|rep| rep.audio_group.as_deref());
        let Some(wanted) = group(pictures) else { return };
        let other = |key: RepKey| group(key).is_some_and(|group| group != wanted);
        let coming = audio.coming().is_some_and(|chosen| chosen.segment.start + ROUNDING >= from && other(chosen.rep));
        let index = matches!(audio.activity, Activity::Index(rep) if other(rep));
        let doomed = session.audio.parts().find(|part| part.first + ROUNDING >= from && other(part.of.rep));
        let doomed = doomed.map(|part| part.seq);
        if (coming || index) && !self.is_committed(StreamId::Audio) {
            self.cancel_stream(StreamId::Audio);
        }
        if let Some(first) = doomed {
            self.truncate_sound(first);
        }
    }

    /// Drops the sound from a part on; its stream goes on from there. What is on its way then belongs to what is
    /// dropped, or was handed out, and then nothing before it can be dropped.
    fn truncate_sound(&mut self, first: u64) {
        if self.is_committed(StreamId::Audio) {
            return;
        }
        self.cancel_stream(StreamId::Audio);
        let committed = self.playback.feed.committed(MediaKind::Audio);
        let Some(session) = self.session.as_mut() else { return };
        let begin = session.audio.part_from(first).map(|part| (part.of.rep, part.first));
        let dropped = session.audio.truncate(committed, Departure::Void, |part| part.seq >= first);
        let kept = session.audio.back().and_then(|part| part.of.key());
        let after = kept
            .zip(session.presentation.as_ref())
            .and_then(|(key, presentation)| Some(schedule::after(key.rep, &schedule::segment(presentation, key)?)));
        let place = after.or_else(|| begin.map(|(rep, time)| Place::At { period: rep.period, time }));
        if let (Some(place), Some(stream), true) = (place, session.stream_mut(StreamId::Audio), dropped > 0) {
            stream.place = place;
        }
        self.ledger.wasted(dropped);
    }
}
