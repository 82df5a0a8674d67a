//! State that a stream carries from one segment to the segment after it: what the demuxer knows, and access units that
//! the end of a segment left open. It belongs to one representation within one discontinuity.

use super::Session;
use crate::container::{CarriedState, DemuxOutput, SegmentTail};
use crate::engine::buffer::Loss;
use crate::engine::context::Context;
use crate::engine::download::{KeptState, NextSegment, OpenTail, SegmentDownload, SegmentPlan, Stream, schedule};
use crate::engine::ids::StreamId;
use crate::model::MediaKind;
use crate::time::MediaTime;

impl Session {
    /// Takes the end of a segment; what it holds back counts as media of the segment.
    pub(in crate::engine) fn on_tail(&mut self, id: StreamId, tail: SegmentTail) {
        let Some(stream) = self.stream_mut(id) else { return };
        let Some(download) = stream.download_mut() else { return };
        download.end_with(tail);
    }

    /// True if the segment after this one is of the same rendition and discontinuity, and goes on with its state.
    pub(in crate::engine) fn is_continued(&self, cx: &Context, plan: &SegmentPlan) -> bool {
        let SegmentPlan { rep, segment, .. } = plan;
        let next = schedule::step(self.source.presentation(), NextSegment::after(*rep, segment), *rep, cx.now);
        let schedule::Step::Segment(next) = next else { return false };
        let follows = next.previous == Some(segment.id);
        follows && !next.gap && next.mapping == segment.mapping && next.init == segment.init
    }

    /// Returns where a segment that goes on with the carried state begins, if pictures that wait for parameter sets come
    /// with it: at the start of the segment that they lie in.
    pub(in crate::engine) fn carried_begin(&self, id: StreamId, plan: &SegmentPlan) -> Option<MediaTime> {
        self.stream(id)?.kept()?.carried_start(plan)
    }

    /// A segment is here as a whole: keeps its end for the segment after it, or presents it when none can follow.
    pub(in crate::engine) fn keep_tail(&mut self, cx: &mut Context, id: StreamId, download: &SegmentDownload) {
        let kept = KeptState::of(download);
        let goes_on = kept.is_some() && self.is_continued(cx, download.plan());
        if let Some(stream) = self.stream_mut(id) {
            stream.keep(kept);
        }
        if !goes_on {
            self.release_tail(cx, id);
        }
    }

    /// The state that the demuxer of a segment begins with. What the segment before left open is presented first when
    /// this one does not go on with it.
    pub(in crate::engine) fn carried_state(
        &mut self,
        cx: &mut Context,
        id: StreamId,
        plan: &SegmentPlan,
    ) -> Option<CarriedState> {
        let carried = self.stream(id).and_then(Stream::kept).and_then(|kept| kept.carried(plan));
        if carried.as_ref().is_none_or(|carried| !carried.continues) {
            self.release_tail(cx, id);
        }
        carried
    }

    /// Presents what the last segment of a stream left open: nothing goes on with it.
    ///
    /// The end of the segment is taken back for that, since its samples belong to its place, shift and rate. The segment
    /// after it may have given some of them in an attempt that failed later; they would be decoded twice. Pictures that
    /// never became whole count as undecodable, so that every sample received has one end.
    pub(in crate::engine) fn release_tail(&mut self, cx: &mut Context, id: StreamId) {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.id() == id) else { return };
        let Some(OpenTail { download, mut outputs, waiting }) = stream.take_open() else { return };
        let given = [(MediaKind::Video, &self.video), (MediaKind::Audio, &self.audio)];
        for output in &mut outputs {
            let DemuxOutput::Fragment(fragment) = output else { continue };
            let tracks = download.init().into_iter().flat_map(|init| &init.tracks);
            let kind = tracks.into_iter().find(|track| track.id == fragment.track).map(|track| track.kind);
            let buffer = given.iter().find(|(given, _)| Some(*given) == kind).map(|(_, buffer)| *buffer);
            // The segment after it may have given them already, in an attempt that failed later.
            let last = buffer.and_then(|buffer| buffer.back()?.samples.last()).map(|sample| sample.dts);
            if let (Some(last), Some(shift)) = (last, download.shift()) {
                fragment.samples.retain(|sample| sample.dts.shifted(shift) > last);
            }
        }
        outputs.retain(|output| !matches!(output, DemuxOutput::Fragment(fragment) if fragment.samples.is_empty()));
        let before = stream.open_again(download);
        for output in outputs {
            self.on_media(cx, id, output);
        }
        self.place_early(cx, id);
        if self.wanted_of(id).video {
            let waiting = usize::try_from(waiting).unwrap_or(usize::MAX);
            self.video.account_mut().refuse(Loss::Undecodable, waiting);
        }
        let Some(stream) = self.stream_mut(id) else { return };
        if let Some(download) = stream.close_again(before) {
            self.complete_segment(id, download.plan());
        }
    }
}

#[cfg(test)]
#[path = "carry_tests.rs"]
mod tests;
