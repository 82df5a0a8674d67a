//! Changes of track and quality in mid-play, and what happens when a track cannot be decoded.

use std::time::Duration;

use super::Session;
use super::start::add_stream;
use crate::command::{QualityChoice, TrackChoice};
use crate::engine::buffer::{Departure, Discard, Loss};
use crate::engine::context::Context;
use crate::engine::download::{NextSegment, Stream, schedule};
use crate::engine::ids::{RepKey, StreamId};
use crate::engine::requests::error_map::invalid;
use crate::engine::selection;
use crate::error::{ErrorCode, PlayerError};
use crate::event::Event;
use crate::model::{MediaKind, Representation, TrackId};
use crate::time::MediaTime;

/// Media of the old quality that is kept past the renderer's lead when the viewer chooses a quality: time to fetch the
/// new one without a stall.
const KEPT_ON_CHOICE: Duration = Duration::from_secs(3);

impl Session {
    /// Chooses the sound. The old one plays on until enough of the new one is here.
    pub(in crate::engine) fn select_audio(&mut self, cx: &mut Context, choice: TrackChoice) {
        let position = self.position(cx);
        self.selection.select_audio(choice);
        let wanted = self.wanted_track(StreamId::Audio);
        let present = self.track_of(StreamId::Audio);
        let muxed_before = present.is_none();
        if wanted == present && wanted.is_some() {
            return;
        }
        self.remove_stream(cx, StreamId::Audio);
        let held = self.audio.restart(position, Departure::Discarded(Discard::Switch));
        cx.ledger.wasted(held);
        if wanted.is_some() {
            add_stream(self, StreamId::Audio, position);
            if let Some(end) = cx.playback.feed().end(self.item, MediaKind::Audio) {
                cx.playback.suspend_track(MediaKind::Audio);
                self.selection.begin_audio_change(end.max(position));
            }
        } else if self.wanted_of(StreamId::Main).audio {
            // The audio of the main files was dropped on arrival: they are fetched again from here.
            let muxed = self.main().and_then(Stream::carries).is_some_and(|c| c.audio);
            if muxed && !muxed_before {
                self.restart_stream(cx, StreamId::Main, position, Departure::Discarded(Discard::Switch));
                self.flush_here(cx);
            }
        }
        self.choices_changed(cx);
    }

    /// Chooses the subtitles, as a track or as captions inside the video.
    pub(in crate::engine) fn select_text(&mut self, cx: &mut Context, choice: TrackChoice) {
        let position = self.position(cx);
        self.selection.select_text(choice);
        self.choose_captions(cx);
        let wanted = self.wanted_track(StreamId::Text);
        if wanted != self.track_of(StreamId::Text) {
            self.remove_stream(cx, StreamId::Text);
            if wanted.is_some() {
                add_stream(self, StreamId::Text, position);
            }
        }
        self.choices_changed(cx);
    }

    /// Chooses the quality. It shows soon: what is held of others is dropped but for a few seconds.
    pub(in crate::engine) fn select_quality(&mut self, cx: &mut Context, choice: QualityChoice) {
        self.selection.select_quality(choice);
        self.drop_unwanted_quality(cx, Discard::Switch);
        self.choices_changed(cx);
    }

    /// Refuses a quality that the presentation does not have.
    pub(in crate::engine) fn check_quality(&self, choice: &QualityChoice) -> Result<(), PlayerError> {
        let QualityChoice::Representation(id) = choice else { return Ok(()) };
        let mut sets = self.source.presentation().periods.iter().flat_map(|p| &p.adaptation_sets);
        let known = sets.any(|set| set.kind == MediaKind::Video && set.representations.iter().any(|rep| rep.id == *id));
        known.then_some(()).ok_or_else(|| invalid(format!("there is no quality named {id:?}")))
    }

    /// Another output, or one that protects otherwise: what may not be shown there soon ends.
    pub(in crate::engine) fn set_output_protection(&mut self, cx: &mut Context, output: abr::Hdcp) {
        self.selection.set_output(output);
        self.drop_unwanted_quality(cx, Discard::Replaced);
        self.choices_changed(cx);
    }

    fn drop_unwanted_quality(&mut self, cx: &mut Context, discard: Discard) {
        let keep_until = self.position(cx) + cx.config.renderer_lead + KEPT_ON_CHOICE;
        let presentation = self.source.presentation();
        let quality = self.preferences().quality.clone();
        let wanted = |rep| is_wanted(rep, &quality) && selection::may_show(rep, self.selection.output());
        let unwanted = |key: RepKey| selection::representation(presentation, key).is_some_and(|rep| !wanted(rep));
        let coming = self.main().and_then(|s| s.download()).map(|download| download.plan().rep);
        let call_back = coming.is_some_and(unwanted) && !self.is_committed(cx, StreamId::Main);
        let doomed: Vec<u64> = self
            .video
            .parts()
            .filter(|part| part.first > keep_until && unwanted(part.of.rep))
            .map(|part| part.seq)
            .collect();
        if call_back {
            self.cancel_stream(cx, StreamId::Main);
        }
        // What is still on its way stays only when it is handed out already; nothing can be dropped before it then.
        let open = self.main().is_some_and(|stream| stream.download().is_some());
        if open || doomed.is_empty() {
            return;
        }
        self.truncate_main(cx, &doomed, Departure::Discarded(discard));
    }

    /// Drops these segments of video and the audio of the same files from the end of the buffer; the main stream goes
    /// on from there.
    fn truncate_main(&mut self, cx: &mut Context, doomed: &[u64], departure: Departure) {
        let committed = self.committed(cx, MediaKind::Video);
        let committed_audio = self.committed(cx, MediaKind::Audio);
        let mut dropped = self.video.truncate(committed, departure, |part| doomed.contains(&part.seq));
        let kept = self.video.back().and_then(|part| part.of.key());
        if self.wanted_of(StreamId::Main).audio {
            let end = self.video.end().unwrap_or(MediaTime::ZERO);
            dropped += self.audio.truncate(committed_audio, departure, |part| part.first >= end);
        }
        cx.ledger.wasted(dropped);
        let place = kept.and_then(|key| {
            let segment = schedule::segment(self.source.presentation(), key)?;
            Some(NextSegment::after(key.rep, &segment))
        });
        if let (Some(place), Some(stream)) = (place, self.stream_mut(StreamId::Main)) {
            stream.rewind_to(place);
        }
    }

    /// Takes a track that cannot be decoded in this representation of a stream: another representation takes over, or another set, or playback goes on
    /// without it.
    ///
    /// # Errors
    /// The error of the track, if nothing else is presented.
    pub(super) fn track_failed(
        &mut self,
        cx: &mut Context,
        kind: MediaKind,
        (stream, rep): (StreamId, RepKey),
        error: PlayerError,
    ) -> Result<(), PlayerError> {
        let position = self.position(cx);
        let doomed = self.same_decoder(rep, &error);
        if let Some(buffer) = self.buffer_mut(kind) {
            buffer.account_mut().decoder_failed();
        }
        for key in doomed {
            self.selection.exclude(key, Duration::MAX, cx.now);
        }
        if self.set_in(stream, rep.period).is_some() {
            let set = self.set_in(stream, rep.period);
            let track = set.and_then(|set| self.source.presentation().set(set).map(|set| set.id.clone()));
            if let (Some(track), Some(found)) = (track, self.stream_mut(stream)) {
                found.follow_track(track);
            }
            self.restart_stream(cx, stream, position, Departure::Lost(Loss::Undecodable));
            self.flush_here(cx);
            cx.effects.warn(error);
        } else if self.presented_kinds(cx).iter().any(|other| *other != kind) {
            self.do_without(cx, kind);
            cx.effects.warn(error);
        } else {
            return Err(error);
        }
        Ok(())
    }

    /// Playback goes on without a kind of track.
    pub(in crate::engine) fn do_without(&mut self, cx: &mut Context, kind: MediaKind) {
        let position = self.position(cx);
        let source = self.source_of(kind).map(|stream| stream.id());
        self.selection.give_up(kind);
        // A stream that brings another kind as well goes on.
        let alone = source.filter(|id| {
            let wanted = self.wanted_of(*id);
            let carries = self.stream(*id).and_then(Stream::carries).unwrap_or(wanted);
            !(wanted.video && carries.video || wanted.audio && carries.audio)
        });
        if let Some(id) = alone {
            self.remove_stream(cx, id);
        }
        let dropped = self.buffer_mut(kind).map(|run| run.restart(position, Departure::Lost(Loss::Undecodable)));
        cx.ledger.wasted(dropped.unwrap_or(0));
        if cx.playback.feed().is_flushed() {
            self.flush_here(cx);
        }
    }

    /// The stream and the representation whose samples the decoder of a kind has now.
    pub(super) fn failing_representation(&self, cx: &Context, kind: MediaKind) -> Option<(StreamId, RepKey)> {
        let stream = self.source_of(kind)?;
        let buffer = self.buffer(kind)?;
        let at = self.committed(cx, kind);
        let part = at.and_then(|at| buffer.part_from(at.seq.saturating_sub(u64::from(at.index == 0))));
        let rep = part.or_else(|| buffer.back()).map(|part| part.of.rep).or(stream.last())?;
        Some((stream.id(), rep))
    }

    /// The representations that need the decoder that failed. A decoder that is missing is missing for all of its
    /// codec; one that stumbled is only mistrusted with what it stumbled over.
    pub(super) fn same_decoder(&self, rep: RepKey, error: &PlayerError) -> Vec<RepKey> {
        let presentation = self.source.presentation();
        if error.code != ErrorCode::DecoderUnavailable {
            return vec![rep];
        }
        let family = |rep: &Representation| -> Vec<String> {
            rep.codecs.iter().filter_map(|codec| codec.split('.').next().map(str::to_owned)).collect()
        };
        let failed = selection::representation(presentation, rep).map(family).unwrap_or_default();
        let kind = |set| presentation.set(set).map(|set| set.kind);
        let sets = presentation.set_keys(rep.period).filter(|set| kind(*set) == kind(rep.set));
        let mut keys: Vec<RepKey> = sets
            .flat_map(|set| presentation.reps_of(set))
            .filter(|(_, other)| family(other) == failed)
            .map(|(key, _)| key)
            .filter(|key| !failed.is_empty() || key.set == rep.set)
            .collect();
        if keys.is_empty() {
            keys.push(rep);
        }
        keys
    }

    /// Refuses a track that the presentation does not have.
    pub(in crate::engine) fn check_track(&self, kind: MediaKind, choice: &TrackChoice) -> Result<(), PlayerError> {
        match choice {
            TrackChoice::Auto | TrackChoice::Off => Ok(()),
            TrackChoice::Track(id) => {
                let known = self.selection.tracks().iter().any(|track| track.kind == kind && track.id == *id);
                let missing = || invalid(format!("there is no {} track named {:?}", kind.as_str(), id.0));
                known.then_some(()).ok_or_else(missing)
            }
        }
    }

    fn track_of(&self, id: StreamId) -> Option<TrackId> {
        self.stream(id).map(|stream| stream.track().clone())
    }

    /// The track that the preferences ask for, in the first period that has one.
    fn wanted_track(&self, id: StreamId) -> Option<TrackId> {
        if id == StreamId::Text && self.captions.chosen().is_some() {
            return None;
        }
        self.selection.preferred_track(self.presentation(), id.kind())
    }

    pub(in crate::engine) fn choices_changed(&mut self, cx: &mut Context) {
        let now = cx.now;
        self.list_choices(now);
        cx.effects.emit(Event::TracksChanged);
    }
}

fn is_wanted(rep: &Representation, quality: &QualityChoice) -> bool {
    match quality {
        QualityChoice::Auto => true,
        QualityChoice::Representation(id) => rep.id == *id,
        QualityChoice::MaxHeight(height) => rep.height.is_none_or(|known| known <= *height),
    }
}

#[cfg(test)]
#[path = "tracks_tests.rs"]
mod tests;
