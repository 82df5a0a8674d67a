//! State that a stream carries from one segment to the segment after it: what the demuxer knows, and access units that
//! the end of a segment left open. It belongs to one representation within one discontinuity.

use crate::container::{CarriedState, DemuxOutput, DemuxerState};
use crate::engine::download::{SegmentDownload, SegmentPlan};
use crate::engine::ids::RepKey;
use crate::model::{Resource, SegmentId, SegmentRef, TimestampMapping};
use crate::time::MediaTime;

/// State that the last segment of a stream left.
#[derive(Clone, Debug)]
pub(in crate::engine) struct KeptState {
    rep: RepKey,
    segment: SegmentId,
    mapping: TimestampMapping,
    init: Option<Resource>,
    state: DemuxerState,
    /// Outputs that complete the segment unless the one after it comes, and how that segment was placed.
    open: Option<Box<(SegmentDownload, Vec<DemuxOutput>)>>,
    /// Pictures in the state of which no output has come, because their parameter sets are awaited.
    waiting: u64,
    /// The stream goes on elsewhere than behind that segment.
    jumped: bool,
}

/// Samples that a segment left open, to be presented because no later segment completes them.
#[derive(Clone, Debug)]
pub(in crate::engine) struct OpenTail {
    pub download: SegmentDownload,
    pub outputs: Vec<DemuxOutput>,
    pub waiting: u64,
}

impl KeptState {
    /// Creates the state that a complete segment leaves; `None` if its demuxer keeps nothing.
    pub(in crate::engine) fn of(download: &SegmentDownload) -> Option<Self> {
        let SegmentPlan { rep, segment, .. } = download.plan();
        download.tail().map(|tail| Self {
            rep: *rep,
            segment: segment.id,
            mapping: segment.mapping,
            init: segment.init.clone(),
            state: tail.state.clone(),
            waiting: tail.waiting,
            open: (!tail.outputs.is_empty() || tail.waiting > 0)
                .then(|| Box::new((download.without_tail(), tail.outputs.clone()))),
            jumped: false,
        })
    }

    /// Returns the state with which the demuxer of a segment begins, if it may use this one.
    pub(in crate::engine) fn carried(&self, plan: &SegmentPlan) -> Option<CarriedState> {
        self.fits(plan.rep, &plan.segment)
            .then(|| CarriedState { state: self.state.clone(), continues: self.is_before(plan.rep, &plan.segment) })
    }

    /// Returns where a segment that goes on with this state begins, if samples that wait for parameter sets come with
    /// it: at the start of the segment that they lie in.
    pub(in crate::engine) fn carried_start(&self, plan: &SegmentPlan) -> Option<MediaTime> {
        let is_next = self.waiting > 0 && self.is_before(plan.rep, &plan.segment);
        self.open.as_deref().filter(|_| is_next).map(|(download, _)| download.begins_at())
    }

    /// True if a segment is of the same rendition, discontinuity and initialisation data.
    fn fits(&self, rep: RepKey, segment: &SegmentRef) -> bool {
        self.rep == rep && self.mapping == segment.mapping && self.init == segment.init
    }

    /// True if a segment is the one after it.
    fn is_before(&self, rep: RepKey, segment: &SegmentRef) -> bool {
        !self.jumped && self.fits(rep, segment) && segment.previous == Some(self.segment)
    }

    /// Takes what waits for the segment after it: nothing goes on with it.
    pub(in crate::engine) fn take_open(&mut self) -> Option<OpenTail> {
        self.jumped = true;
        let waiting = std::mem::take(&mut self.waiting);
        let (download, outputs) = *self.open.take()?;
        Some(OpenTail { download, outputs, waiting })
    }

    /// The stream goes on elsewhere: unfinished access units are dropped, tables and parameter sets stay.
    pub(in crate::engine) fn jump(&mut self) {
        (self.open, self.waiting) = (None, 0);
        self.jumped = true;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::container::SegmentTail;
    use crate::engine::requests::JobId;

    fn resource(name: &str) -> Resource {
        Resource::new(format!("http://h/{name}").parse().unwrap())
    }

    fn segment(number: u64) -> SegmentRef {
        SegmentRef {
            id: SegmentId::Sequence(number),
            previous: number.checked_sub(1).map(SegmentId::Sequence),
            start: MediaTime::from_millis(4000 * number as i64),
            duration: std::time::Duration::from_secs(4),
            resource: resource("x"),
            init: Some(resource("map")),
            mapping: TimestampMapping::Discontinuity(1),
            gap: false,
            size: None,
            encryption: None,
            program_date_time: None,
            part: None,
        }
    }

    fn plan(number: u64) -> SegmentPlan {
        SegmentPlan {
            rep: RepKey::for_tests(0, 0, 0),
            segment: segment(number),
            reason: abr::Reason::Only,
            ladder: std::sync::Arc::default(),
            rung: 0,
            opening: false,
            window: crate::render::Window::ALL,
        }
    }

    /// The state that segment 6 leaves, whose first samples lie a second before it.
    fn left(outputs: Vec<DemuxOutput>, waiting: u64) -> KeptState {
        let begins_at = MediaTime::from_millis(23_000);
        let mut download = SegmentDownload::new(JobId::for_tests(1), plan(6), None, begins_at);
        assert!(KeptState::of(&download).is_none(), "its end was not read");
        let state = serde_json::from_str("0").unwrap();
        download.end_with(SegmentTail { outputs, state, waiting });
        KeptState::of(&download).unwrap()
    }

    #[test]
    fn only_the_segment_after_it_goes_on_with_what_is_open() {
        let kept = left(Vec::new(), 2);
        let continues = |kept: &KeptState, number| kept.carried(&plan(number)).map(|carried| carried.continues);
        assert_eq!([6, 7, 8].map(|number| continues(&kept, number)), [Some(false), Some(true), Some(false)]);
        let start = |kept: &KeptState, number| kept.carried_start(&plan(number));
        assert_eq!([7, 8].map(|number| start(&kept, number)), [Some(MediaTime::from_millis(23_000)), None]);
        let whole = left(vec![DemuxOutput::Metadata(Vec::new())], 0);
        assert_eq!((continues(&whole, 7), start(&whole, 7)), (Some(true), None), "no picture waits");
    }

    #[test]
    fn what_is_open_is_presented_once_and_nothing_goes_on_with_it_then() {
        let mut kept = left(Vec::new(), 2);
        let open = kept.take_open().unwrap();
        assert_eq!((open.waiting, open.outputs.len(), open.download.tail().is_none()), (2, 0, true));
        assert_eq!(kept.carried(&plan(7)).map(|carried| carried.continues), Some(false));
        assert!(kept.take_open().is_none() && kept.carried_start(&plan(7)).is_none());
        assert!(left(Vec::new(), 0).take_open().is_none(), "nothing was open");
        let outputs = left(vec![DemuxOutput::Metadata(Vec::new())], 0).take_open().map(|open| open.outputs.len());
        assert_eq!(outputs, Some(1));
    }

    #[test]
    fn a_jump_drops_what_is_open() {
        let mut kept = left(vec![DemuxOutput::Metadata(Vec::new())], 2);
        kept.jump();
        assert!(kept.take_open().is_none());
        assert_eq!((kept.waiting, kept.carried(&plan(7)).map(|carried| carried.continues)), (0, Some(false)));
    }

    #[test]
    fn state_belongs_to_one_rendition_discontinuity_and_initialisation_data() {
        let rep = RepKey::for_tests(0, 0, 0);
        let mut kept = left(Vec::new(), 0);
        assert!(kept.fits(rep, &segment(7)) && kept.is_before(rep, &segment(7)));
        assert!(kept.fits(rep, &segment(8)) && !kept.is_before(rep, &segment(8)), "a segment later");
        let others = [
            (RepKey::for_tests(0, 0, 1), segment(7)),
            (rep, SegmentRef { mapping: TimestampMapping::Discontinuity(2), ..segment(7) }),
            (rep, SegmentRef { init: Some(resource("other")), ..segment(7) }),
            (rep, SegmentRef { init: None, ..segment(7) }),
        ];
        for (rep, segment) in others {
            assert!(!kept.fits(rep, &segment) && !kept.is_before(rep, &segment), "{segment:?}");
        }
        kept.jump();
        assert!(kept.fits(rep, &segment(7)) && !kept.is_before(rep, &segment(7)), "playback went elsewhere");
    }
}
