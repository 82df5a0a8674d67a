//! State that a stream carries from one segment to the segment after it: what the demuxer knows, and access units that
//! the end of a segment left open. It belongs to one representation within one discontinuity.

use super::accounting::Loss;
use super::context::Context;
use super::schedule;
use super::session::Session;
use super::stream::{Activity, Chosen, Fetching, RepKey, StreamId};
use crate::container::{CarriedState, DemuxOutput, DemuxerState, SegmentTail};
use crate::model::{MediaKind, Resource, SegmentRef, TimestampMapping};
use crate::time::MediaTime;

/// What the last segment of a stream left.
#[derive(Clone, Debug)]
pub struct KeptState {
    rep: RepKey,
    number: u64,
    mapping: TimestampMapping,
    init: Option<Resource>,
    state: DemuxerState,
    /// Outputs that complete the segment unless the one after it comes, and how that segment was placed.
    open: Option<Box<(Fetching, Vec<DemuxOutput>)>>,
    /// Pictures in the state of which no output has come, because their parameter sets are awaited.
    waiting: u64,
    /// The stream goes on elsewhere than behind that segment.
    jumped: bool,
}

/// What a segment left open, to be presented because nothing goes on with it.
#[derive(Clone, Debug)]
pub(super) struct OpenTail {
    pub fetching: Fetching,
    pub outputs: Vec<DemuxOutput>,
    pub waiting: u64,
}

impl KeptState {
    /// True if a segment is of the same rendition, discontinuity and initialisation data.
    fn fits(&self, rep: RepKey, segment: &SegmentRef) -> bool {
        self.rep == rep && self.mapping == segment.mapping && self.init == segment.init
    }

    /// True if a segment is the one after it.
    fn is_before(&self, rep: RepKey, segment: &SegmentRef) -> bool {
        !self.jumped && self.fits(rep, segment) && self.number.checked_add(1) == Some(segment.number)
    }

    /// Takes what waits for the segment after it: nothing goes on with it.
    pub(super) fn take_open(&mut self) -> Option<OpenTail> {
        self.jumped = true;
        let waiting = std::mem::take(&mut self.waiting);
        let (fetching, outputs) = *self.open.take()?;
        Some(OpenTail { fetching, outputs, waiting })
    }

    /// The stream goes on elsewhere: unfinished access units are dropped, tables and parameter sets stay.
    pub fn jump(&mut self) {
        (self.open, self.waiting) = (None, 0);
        self.jumped = true;
    }
}

impl Session {
    /// Takes the end of a segment; what it holds back counts as media of the segment.
    pub(super) fn take_tail(&mut self, id: StreamId, tail: SegmentTail) {
        let Some(stream) = self.stream_mut(id) else { return };
        let Some(fetching) = stream.fetching_mut() else { return };
        let samples = |output: &DemuxOutput| match output {
            DemuxOutput::Fragment(fragment) => fragment.samples.len(),
            _ => 0,
        };
        fetching.seen += tail.outputs.iter().map(samples).sum::<usize>();
        fetching.tail = Some(Box::new(tail));
    }

    /// True if the segment after this one is of the same rendition and discontinuity, and goes on with its state.
    pub(super) fn is_continued(&self, chosen: &Chosen) -> bool {
        let Chosen { rep, segment, .. } = chosen;
        let next = schedule::step(&self.presentation, schedule::after(*rep, segment), *rep);
        let schedule::Step::Segment(next) = next else { return false };
        let follows = segment.number.checked_add(1) == Some(next.number);
        follows && !next.gap && next.mapping == segment.mapping && next.init == segment.init
    }

    /// Returns where a segment that goes on with the carried state begins, if pictures that wait for parameter sets come
    /// with it: at the start of the segment that they lie in.
    pub(super) fn carried_begin(&self, id: StreamId, chosen: &Chosen) -> Option<MediaTime> {
        let kept = self.stream(id)?.kept()?;
        let (fetching, _) =
            kept.open.as_deref().filter(|_| kept.waiting > 0 && kept.is_before(chosen.rep, &chosen.segment))?;
        Some(fetching.begins_at)
    }

    /// A segment is here as a whole: keeps its end for the segment after it, or presents it when none can follow.
    pub(super) fn keep_tail(&mut self, cx: &mut Context, id: StreamId, fetching: &Fetching) {
        let Chosen { rep, segment, .. } = &fetching.chosen;
        let kept = fetching.tail.as_deref().map(|tail| KeptState {
            rep: *rep,
            number: segment.number,
            mapping: segment.mapping,
            init: segment.init.clone(),
            state: tail.state.clone(),
            waiting: tail.waiting,
            open: (!tail.outputs.is_empty() || tail.waiting > 0)
                .then(|| Box::new((Fetching { tail: None, ..fetching.clone() }, tail.outputs.clone()))),
            jumped: false,
        });
        let goes_on = kept.is_some() && self.is_continued(&fetching.chosen);
        if let Some(stream) = self.stream_mut(id) {
            stream.keep(kept);
        }
        if !goes_on {
            self.release_tail(cx, id);
        }
    }

    /// The state that the demuxer of a segment begins with. What the segment before left open is presented first when
    /// this one does not go on with it.
    pub(super) fn carried_state(&mut self, cx: &mut Context, id: StreamId, chosen: &Chosen) -> Option<CarriedState> {
        let kept = |session: &Self| -> Option<CarriedState> {
            let kept = session.stream(id)?.kept()?;
            kept.fits(chosen.rep, &chosen.segment).then(|| CarriedState {
                state: kept.state.clone(),
                continues: kept.is_before(chosen.rep, &chosen.segment),
            })
        };
        let carried = kept(self);
        if carried.as_ref().is_none_or(|carried| !carried.continues) {
            self.release_tail(cx, id);
        }
        carried
    }

    /// Presents what the last segment of a stream left open: nothing goes on with it.
    pub(super) fn release_tail(&mut self, cx: &mut Context, id: StreamId) {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.id() == id) else { return };
        let Some(OpenTail { fetching, mut outputs, waiting }) = stream.take_open() else { return };
        let given = [(MediaKind::Video, &self.video), (MediaKind::Audio, &self.audio)];
        for output in &mut outputs {
            let DemuxOutput::Fragment(fragment) = output else { continue };
            let tracks = fetching.init.iter().flat_map(|init| &init.tracks);
            let kind = tracks.into_iter().find(|track| track.id == fragment.track).map(|track| track.kind);
            let buffer = given.iter().find(|(given, _)| Some(*given) == kind).map(|(_, buffer)| *buffer);
            // The segment after it may have given them already, in an attempt that failed later.
            let last = buffer.and_then(|buffer| buffer.back()?.samples.last()).map(|sample| sample.dts);
            if let (Some(last), Some(shift)) = (last, fetching.shift) {
                fragment.samples.retain(|sample| sample.dts.shifted(shift) > last);
            }
        }
        outputs.retain(|output| !matches!(output, DemuxOutput::Fragment(fragment) if fragment.samples.is_empty()));
        let before = stream.replace_activity(Activity::Media(Box::new(fetching)));
        for output in outputs {
            self.take_media(cx, id, output);
        }
        self.place_early(cx, id);
        if self.wanted_of(id).video {
            let waiting = usize::try_from(waiting).unwrap_or(usize::MAX);
            self.video.account_mut().refuse(Loss::Undecodable, waiting);
        }
        let Some(stream) = self.stream_mut(id) else { return };
        let ended = stream.replace_activity(before);
        if let Activity::Media(fetching) = ended {
            self.complete_segment(id, &fetching.chosen);
        }
    }
}

#[cfg(test)]
#[path = "carry_tests.rs"]
mod tests;
