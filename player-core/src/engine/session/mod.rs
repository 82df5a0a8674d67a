//! State of the item that is loaded: its presentation, the viewer's preferences, its streams and their media. This file
//! holds the state and answers questions about it; the files below it fetch and present.

mod audio_pairing;
mod captions;
mod carry;
mod failed_requests;
mod first_picture;
mod ingest;
mod latency;
mod licence;
mod live;
mod memory;
mod on_fetch;
mod outcome;
mod output;
mod pathways;
mod progress;
mod refresh;
mod reload;
mod reports;
mod rule;
mod seek;
mod silence;
mod start;
mod streams;
mod time_source;
mod timed_metadata;
mod tracks;

use std::sync::Arc;
use std::time::Duration;

use crate::command::TrackChoice;
use crate::engine::buffer::gap::{self, Gap, Known};
use crate::engine::buffer::timeline::Timeline;
use crate::engine::buffer::{
    BUFFERED, CaptionStore, Cursor, KindList, MetadataStore, SampleAccount, TextStore, TrackBuffer,
};
use crate::engine::context::Context;
use crate::engine::download::{SegmentPlan, Stream, schedule};
use crate::engine::ids::{ItemId, KeyedPresentation, PartOf, PeriodKey, RepKey, SetKey, StreamId};
use crate::engine::jitter::Jitter;
use crate::engine::licence::Keys;
use crate::engine::opening::Opening;
use crate::engine::selection::{self, TrackPreferences, TrackSelection, listing};
use crate::engine::source::{Locations, Source};
use crate::model::{ContentKinds, MediaKind, Presentation, ThumbnailSpan, TimedMetadata, TrackId};
use crate::snapshot::{Quality, Track};
use crate::text::Cue;
use crate::time::{MediaTime, Now, TimeRange, TimeRanges};

/// A presentation that is loaded.
#[derive(Debug)]
pub(in crate::engine) struct Session {
    item: ItemId,
    /// Presentation, what is read of it, and its locations.
    source: Source,
    /// Tracks and qualities that are selected, and those that may be.
    selection: TrackSelection,
    /// Streams in the order main, audio, text; one that has no track to fetch is absent.
    streams: Vec<Stream>,
    video: TrackBuffer,
    audio: TrackBuffer,
    /// Cues of the subtitle stream, and the segments of it that were loaded.
    text: TextStore,
    /// Timed metadata of the manifest, the indexes and the media.
    metadata: MetadataStore,
    /// Captions inside the pictures.
    captions: CaptionStore,
    /// Offsets of media time.
    timeline: Timeline,
    /// Decryption keys, and the requests for them.
    keys: Keys,
    /// State of live playback.
    live: live::Live,
    /// Time at which a source of time was asked last.
    time_asked_at: Option<Now>,
}

impl Session {
    /// Creates the session of an item whose presentation has become known. `jitter` draws among equal services.
    pub(in crate::engine) fn new(opening: &Opening, presentation: Presentation, jitter: &mut Jitter) -> Self {
        Self {
            item: opening.item(),
            source: Source::new(presentation, opening.locations().clone(), opening.start(), jitter),
            selection: TrackSelection::new(opening.preferences().clone(), opening.output()),
            streams: Vec::new(),
            video: TrackBuffer::new(opening.item(), MediaKind::Video),
            audio: TrackBuffer::new(opening.item(), MediaKind::Audio),
            text: TextStore::default(),
            metadata: MetadataStore::default(),
            captions: CaptionStore::default(),
            timeline: Timeline::default(),
            keys: opening.keys().clone(),
            live: live::Live::default(),
            time_asked_at: None,
        }
    }

    /// Returns the position of playback in the time of the item.
    pub(in crate::engine) fn position(&self, cx: &Context) -> MediaTime {
        cx.playback.position(self.item, cx.now)
    }

    /// Returns the place in a run up to which the renderer has the media of a kind.
    fn committed(&self, cx: &Context, kind: MediaKind) -> Option<Cursor> {
        cx.playback.feed().committed(self.item, kind)
    }

    /// Returns the presentation under its keys.
    pub(in crate::engine) const fn presentation(&self) -> &KeyedPresentation {
        self.source.presentation()
    }

    /// Returns the duration as far as it is known.
    pub(in crate::engine) const fn duration(&self) -> Option<Duration> {
        self.source.duration()
    }

    /// Returns what the viewer prefers.
    pub(in crate::engine) const fn preferences(&self) -> &TrackPreferences {
        self.selection.preferences()
    }

    /// Returns the tracks to choose from.
    pub(in crate::engine) fn tracks(&self) -> Arc<Vec<Track>> {
        self.selection.tracks()
    }

    /// Returns the qualities to choose from.
    pub(in crate::engine) fn qualities(&self) -> Arc<Vec<Quality>> {
        self.selection.qualities()
    }

    /// Returns the timed metadata that is known.
    pub(in crate::engine) fn metadata(&self) -> Arc<Vec<Arc<TimedMetadata>>> {
        self.metadata.list()
    }

    /// Returns the thumbnails for the seek bar.
    pub(in crate::engine) fn thumbnails(&self) -> Arc<Vec<ThumbnailSpan>> {
        self.source.thumbnails()
    }

    /// Returns the account of the video samples.
    pub(in crate::engine) const fn account(&self) -> &SampleAccount {
        self.video.account()
    }

    /// Returns the locations.
    pub(in crate::engine) const fn locations(&self) -> &Locations {
        self.source.locations()
    }

    /// Returns the locations, to record how they answer.
    pub(in crate::engine) const fn locations_mut(&mut self) -> &mut Locations {
        self.source.locations_mut()
    }

    /// Returns the representation on screen, and what a rule sees of it on the output.
    pub(in crate::engine) fn shown_rung(&self) -> Option<(RepKey, abr::Rung)> {
        let output = self.selection.output();
        self.selection.shown().map(|key| (key, selection::rung(self.presentation(), key, output)))
    }

    /// A stream by name.
    pub(in crate::engine) fn stream(&self, id: StreamId) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.id() == id)
    }

    /// Returns the stream of the main files: video, or video with audio.
    fn main(&self) -> Option<&Stream> {
        self.stream(StreamId::Main)
    }

    /// A stream by name, to change it.
    pub(in crate::engine) fn stream_mut(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.id() == id)
    }

    /// The run of a kind; text has none.
    pub(in crate::engine) const fn buffer(&self, kind: MediaKind) -> Option<&TrackBuffer> {
        match kind {
            MediaKind::Video => Some(&self.video),
            MediaKind::Audio => Some(&self.audio),
            MediaKind::Text => None,
        }
    }

    /// The run of a kind, to change it.
    pub(in crate::engine) const fn buffer_mut(&mut self, kind: MediaKind) -> Option<&mut TrackBuffer> {
        match kind {
            MediaKind::Video => Some(&mut self.video),
            MediaKind::Audio => Some(&mut self.audio),
            MediaKind::Text => None,
        }
    }

    /// Bytes of samples held.
    pub(in crate::engine) const fn held_bytes(&self) -> u64 {
        self.video.bytes() + self.audio.bytes()
    }

    /// The set that a stream presents in a period.
    pub(in crate::engine) fn set_in(&self, id: StreamId, period: PeriodKey) -> Option<SetKey> {
        let track = self.stream(id).map(Stream::track);
        self.selection.set_in(self.presentation(), period, id.kind(), track, &self.keys)
    }

    /// The kinds of sample that a stream is wanted for.
    pub(in crate::engine) fn wanted_of(&self, id: StreamId) -> ContentKinds {
        let separate = self.stream(StreamId::Audio).is_some();
        let (video, audio) = (self.selection.has_video(), self.selection.has_audio());
        match id {
            StreamId::Main => ContentKinds { video, audio: !separate && audio, text: false },
            StreamId::Audio => ContentKinds { video: false, audio, text: false },
            StreamId::Text => ContentKinds::only(MediaKind::Text),
        }
    }

    /// The stream that brings a kind; `None` when nothing does.
    pub(in crate::engine) fn source_of(&self, kind: MediaKind) -> Option<&Stream> {
        self.streams.iter().find(|stream| {
            self.wanted_of(stream.id()).has(kind)
                && (stream.id() != StreamId::Main || stream.carries().is_none_or(|carries| carries.has(kind)))
        })
    }

    /// Returns the kinds that are presented; `None` until initialisation data has shown the content of every stream.
    pub(in crate::engine) fn kinds(&self) -> Option<KindList> {
        let media = || self.streams.iter().filter(|stream| stream.id() != StreamId::Text);
        if media().next().is_none() || media().any(|stream| stream.carries().is_none() && !stream.is_finished()) {
            return None;
        }
        let carried =
            |kind| media().any(|s| self.wanted_of(s.id()).has(kind) && s.carries().is_some_and(|c| c.has(kind)));
        let kinds: KindList = BUFFERED.into_iter().filter(|kind| carried(*kind)).collect();
        (!kinds.is_empty()).then_some(kinds)
    }

    /// True when nothing more of a kind is awaited, neither media nor its keys.
    pub(in crate::engine) fn is_ended(&self, kind: MediaKind) -> bool {
        let changing = kind == MediaKind::Audio && self.selection.audio_change().is_some();
        !changing && self.source_of(kind).is_none_or(Stream::is_finished) && self.locked_from(kind).is_none()
    }

    /// Returns the earliest time at which media of a kind is buffered without its key.
    pub(in crate::engine) fn locked_from(&self, kind: MediaKind) -> Option<MediaTime> {
        let missing = |id| self.keys.ready(id).is_none().then_some(());
        self.buffer(kind)?.first_needing(missing).map(|(at, ..)| at)
    }

    /// The next span from `position` on in which none of these kinds has media.
    pub(in crate::engine) fn next_gap(&self, kinds: &[MediaKind], position: MediaTime) -> Option<Gap> {
        self.with_known(kinds, position, |known| gap::next_gap(known, position))
    }

    /// Returns the end of the media that can be presented from `position` on; `MediaTime::MAX` unless media after it is
    /// still awaited.
    pub(in crate::engine) fn presentable_end(&self, kinds: &[MediaKind], position: MediaTime) -> MediaTime {
        self.with_known(kinds, position, |known| {
            if known.iter().all(|kind| kind.settled == MediaTime::MAX) {
                return MediaTime::MAX;
            }
            let end = gap::covered_end(known, position);
            if gap::gap_from(known, end).is_some() { MediaTime::MAX } else { end }
        })
    }

    /// Answers a question about the first two of some kinds: no more have a track buffer.
    fn with_known<R>(&self, kinds: &[MediaKind], position: MediaTime, ask: impl FnOnce(&[Known<'_>]) -> R) -> R {
        let known = |kind: &MediaKind| {
            let reach = self.buffered_until(*kind, position).unwrap_or(position);
            let settled = if self.is_ended(*kind) { MediaTime::MAX } else { reach };
            Some(Known { run: self.buffer(*kind)?, settled })
        };
        match (kinds.first().and_then(known), kinds.get(1).and_then(known)) {
            (Some(one), Some(other)) => ask(&[one, other]),
            (Some(one), None) | (None, Some(one)) => ask(&[one]),
            (None, None) => ask(&[]),
        }
    }

    /// Up to where all of a kind is settled from `position` on: held, or known to be missing.
    pub(in crate::engine) fn buffered_until(&self, kind: MediaKind, position: MediaTime) -> Option<MediaTime> {
        let buffered = self.buffer(kind).and_then(|buffer| buffer.settled_end(position));
        match (kind, self.selection.audio_change()) {
            (MediaKind::Audio, Some(until)) => Some(until),
            // What is locked is here and yet cannot be presented.
            _ => match self.locked_from(kind) {
                Some(locked) => buffered.map(|end| end.min(locked)).filter(|end| *end > position),
                None => buffered,
            },
        }
    }

    /// Up to where a stream of media is held, gaps included: what was skipped is not waited for, but the segment
    /// after it is.
    pub(in crate::engine) fn held_until(&self, id: StreamId) -> Option<MediaTime> {
        let brought = self.brought_by(id);
        let kinds = BUFFERED.into_iter().filter(|kind| brought.has(*kind));
        kinds.map(|kind| self.buffer(kind).and_then(TrackBuffer::end)).min().flatten()
    }

    /// The kinds of sample that a stream brings, as far as is known.
    pub(in crate::engine) fn brought_by(&self, id: StreamId) -> ContentKinds {
        let wanted = self.wanted_of(id);
        let carried = self.stream(id).and_then(|stream| stream.carries()).unwrap_or(wanted);
        ContentKinds { video: wanted.video && carried.video, audio: wanted.audio && carried.audio, text: wanted.text }
    }

    /// Marks a range as missing in the kinds that a stream supplies, because the stream has no more media for it.
    pub(in crate::engine) fn mark_resolved(&mut self, id: StreamId, of: PartOf, from: MediaTime, until: MediaTime) {
        let brought = self.brought_by(id);
        for kind in BUFFERED {
            if let Some(buffer) = self.buffer_mut(kind).filter(|_| brought.has(kind)) {
                buffer.insert_empty_range(of, from, until);
            }
        }
    }

    /// A segment is here as a whole. A kind that its stream brings elsewhere and that it lacks is missing up to where
    /// the others reach.
    pub(in crate::engine) fn complete_segment(&mut self, id: StreamId, plan: &SegmentPlan) {
        let brought = self.brought_by(id);
        let of = PartOf::new(plan.rep, &plan.segment, plan.reason);
        let kinds = BUFFERED.into_iter().filter(|kind| brought.has(*kind));
        let mut reach = None;
        for kind in kinds.clone() {
            if let Some(buffer) = self.buffer_mut(kind) {
                buffer.complete();
                buffer.account_mut().end_attempt();
                let came = buffer.back().is_some_and(|part| part.of.is_same(of));
                reach = reach.max(buffer.end().filter(|_| came));
            }
        }
        for kind in kinds {
            let Some(buffer) = self.buffer_mut(kind) else { continue };
            let lacks = buffer.back().is_none_or(|part| !part.of.is_same(of));
            if let (true, Some(reach)) = (lacks, reach) {
                buffer.insert_empty_range(of, plan.segment.start, reach);
            }
        }
    }

    /// Media ahead of a position on all kinds that have not ended; `None` when all have.
    pub(in crate::engine) fn ahead(&self, kinds: &[MediaKind], position: MediaTime) -> Option<Duration> {
        let open = kinds.iter().filter(|kind| !self.is_ended(**kind));
        open.map(|kind| self.buffered_until(*kind, position).map_or(Duration::ZERO, |end| end.since(position))).min()
    }

    /// The same, up to the end of what is here when all have ended.
    pub(in crate::engine) fn held_ahead(&self, kinds: &[MediaKind], position: MediaTime) -> Duration {
        self.ahead(kinds, position).unwrap_or_else(|| {
            let ends = kinds.iter().filter_map(|kind| self.buffer(*kind).and_then(TrackBuffer::end));
            ends.max().map_or(Duration::ZERO, |end| end.since(position))
        })
    }

    /// Returns the ranges that are buffered in all kinds together.
    pub(in crate::engine) fn buffered(&self, kinds: &[MediaKind]) -> TimeRanges {
        let ranges = kinds.iter().filter_map(|kind| self.buffer(*kind)).map(TrackBuffer::ranges);
        ranges.reduce(|all, more| all.intersection(&more)).unwrap_or_default()
    }

    /// A seek target inside the presentation.
    pub(in crate::engine) fn clamp(&self, cx: &Context, target: MediaTime) -> MediaTime {
        if self.source.is_live() { self.clamp_live(cx, target) } else { self.source.clamp(target) }
    }

    /// Returns the range that a seek may go to; `None` while the duration is unknown.
    pub(in crate::engine) fn seekable(&self, cx: &Context) -> Option<TimeRange> {
        if self.source.is_live() { self.live_state(cx).map(|live| live.window) } else { self.source.seekable() }
    }

    /// Sends a stream to a time; what it was doing must have been ended before.
    pub(in crate::engine) fn send_stream_to(&mut self, id: StreamId, time: MediaTime) {
        let period = schedule::period_at(self.presentation(), time);
        if let Some(stream) = self.stream_mut(id) {
            stream.restart_at(period, time);
        }
    }

    /// The cues of the text that is presented.
    pub(in crate::engine) fn cues(&self) -> Arc<Vec<Cue>> {
        if self.captions.chosen().is_some() { self.captions.cues() } else { self.text.cues() }
    }

    /// The track that a stream presents, as it should be named.
    pub(in crate::engine) fn is_selected(&self, kind: MediaKind, id: &TrackId) -> bool {
        let caption = kind == MediaKind::Text && self.captions.chosen() == Some(id);
        match self.stream(StreamId::of(kind)) {
            _ if caption => true,
            Some(stream) => stream.track() == id,
            // Audio in the files of the video has no separate stream.
            None if kind == MediaKind::Audio && self.preferences().audio != TrackChoice::Off => {
                listing::muxed_audio(self.presentation()).any(|m| m.id == *id)
            }
            None => false,
        }
    }

    /// Makes the lists of tracks and qualities again. Returns true if they changed, which `Event::TracksChanged`
    /// announces.
    pub(in crate::engine) fn list_choices(&mut self, now: Now) -> bool {
        let is_selected = |kind, id: &TrackId| self.is_selected(kind, id);
        let caption = self.captions.chosen();
        let tracks = listing::tracks(self.presentation(), self.caption_tracks(), caption, is_selected);
        let period = self.selection.listed_period(self.presentation());
        let video = period.and_then(|period| self.set_in(StreamId::Main, period));
        self.selection.list(self.source.presentation(), tracks, video, &self.keys, now)
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod announcement_tests;

#[cfg(test)]
mod choice_tests;

#[cfg(test)]
mod outcome_tests;

#[cfg(test)]
mod placing_tests;

#[cfg(test)]
mod presenting_tests;

#[cfg(test)]
mod queue_tests;

#[cfg(test)]
mod recovery_tests;

#[cfg(test)]
mod waiting_tests;
