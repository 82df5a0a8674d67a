//! A segment on its way: what is known of its times, and what was received and has no place yet.

use std::sync::Arc;

use crate::container::{DemuxOutput, Fragment, InitSegment, SegmentTail};
use crate::engine::ids::{RepKey, SegmentKey};
use crate::engine::requests::JobId;
use crate::engine::selection::Ladder;
use crate::model::{SegmentRef, TimedMetadata};
use crate::render::Window;
use crate::time::{MediaTime, Now};

/// Maximum number of pieces of metadata that one segment keeps until its times are known; more are dropped.
const MOST_METADATA: usize = 1024;

/// A segment that was decided on.
#[derive(Clone, Debug)]
pub(in crate::engine) struct SegmentPlan {
    /// Representation that it belongs to.
    pub rep: RepKey,
    /// The segment itself.
    pub segment: SegmentRef,
    /// Reason of the adaptive rule for that representation.
    pub reason: abr::Reason,
    /// Its place in the ladder that the rule saw, and that ladder.
    pub ladder: Arc<Ladder>,
    /// Index of the representation in the ladder.
    pub rung: usize,
    /// It belongs to the first discontinuity of the presentation.
    pub opening: bool,
    /// Part of its time that may be presented.
    pub window: Window,
}

impl SegmentPlan {
    /// Returns the key of the segment.
    pub(in crate::engine) const fn key(&self) -> SegmentKey {
        SegmentKey::of(self.rep, &self.segment)
    }
}

/// Download of a segment. It changes by its verbs only.
#[derive(Clone, Debug)]
pub(in crate::engine) struct SegmentDownload {
    job: JobId,
    plan: SegmentPlan,
    init: Option<Arc<InitSegment>>,
    begins_at: MediaTime,
    shift: Option<i64>,
    /// Audio that was received before the first video of its discontinuity: the video shows where both belong.
    early: Vec<Fragment>,
    seen: usize,
    /// Metadata that was received before the offset of its times was known.
    metadata: Vec<TimedMetadata>,
    /// Something about its times was wrong and has been reported.
    warned: bool,
    tail: Option<Box<SegmentTail>>,
    judged_at: Now,
    /// Interrupted requests that the present one, or the next, continues.
    earlier: Option<EarlierRequests>,
}

/// The interrupted requests whose bytes a download goes on after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EarlierRequests {
    /// Number of bytes received by them.
    bytes: u64,
    /// Time of the first of them.
    since: Now,
}

impl SegmentDownload {
    /// Creates the download of a segment by a job. `init` is the initialisation data that was fetched for it, and
    /// `begins_at` the announced time of its first sample: its start, or that of an earlier segment whose samples come
    /// with it.
    pub(in crate::engine) const fn new(
        job: JobId,
        plan: SegmentPlan,
        init: Option<Arc<InitSegment>>,
        begins_at: MediaTime,
    ) -> Self {
        Self {
            job,
            plan,
            init,
            begins_at,
            shift: None,
            early: Vec::new(),
            seen: 0,
            metadata: Vec::new(),
            warned: false,
            tail: None,
            judged_at: Now::ZERO,
            earlier: None,
        }
    }

    /// Returns the job of the request.
    pub(in crate::engine) const fn job(&self) -> JobId {
        self.job
    }

    /// Returns the segment that is fetched.
    pub(in crate::engine) const fn plan(&self) -> &SegmentPlan {
        &self.plan
    }

    /// Returns the initialisation data in force: fetched before, or read from the segment itself.
    pub(in crate::engine) const fn init(&self) -> Option<&Arc<InitSegment>> {
        self.init.as_ref()
    }

    /// Returns the announced presentation time of the first sample.
    pub(in crate::engine) const fn begins_at(&self) -> MediaTime {
        self.begins_at
    }

    /// Returns the offset of its times, known once its first samples were placed.
    pub(in crate::engine) const fn shift(&self) -> Option<i64> {
        self.shift
    }

    /// Returns the number of samples or cues received.
    pub(in crate::engine) const fn seen(&self) -> usize {
        self.seen
    }

    /// Returns the end of the segment, once it was read.
    pub(in crate::engine) fn tail(&self) -> Option<&SegmentTail> {
        self.tail.as_deref()
    }

    /// Returns the time at which the transfer was last due to be judged; [`Now::ZERO`] before the first time.
    pub(in crate::engine) const fn judged_at(&self) -> Now {
        self.judged_at
    }

    /// Returns the number of bytes received by interrupted requests that the present one, or the next, continues.
    pub(in crate::engine) fn earlier_bytes(&self) -> u64 {
        self.earlier.map_or(0, |earlier| earlier.bytes)
    }

    /// Returns the size of the segment: that of its byte range, or else as the present answer declares it, or else as the
    /// manifest does; never less than what was received. `received` and `announced` are of the present request, which
    /// may continue others. `None` if no size is known.
    pub(in crate::engine) fn expected_bytes(&self, received: u64, announced: Option<u64>) -> Option<u64> {
        let earlier = self.earlier_bytes();
        let answered = announced.map(|rest| rest.saturating_add(earlier));
        let ranged = self.plan.segment.resource.range.and_then(|range| range.length);
        let size = ranged.or(answered).or(self.plan.segment.size)?;
        Some(size.max(received.saturating_add(earlier)))
    }

    /// Returns the time of the first request that gave any of the bytes, where `sent` is that of the present one.
    pub(in crate::engine) fn since(&self, sent: Now) -> Now {
        self.earlier.map_or(sent, |earlier| earlier.since)
    }

    /// Keeps the bytes of a request that was sent at `sent` and broke off, because the next one continues it.
    pub(in crate::engine) fn keep_earlier(&mut self, bytes: u64, sent: Now) {
        let since = self.since(sent);
        self.earlier = Some(EarlierRequests { bytes: self.earlier_bytes() + bytes, since });
    }

    /// Gives up the bytes of interrupted requests, and returns their number.
    pub(in crate::engine) fn take_earlier(&mut self) -> u64 {
        self.earlier.take().map_or(0, |earlier| earlier.bytes)
    }

    /// Takes initialisation data that the segment itself has.
    pub(in crate::engine) fn note_init(&mut self, init: Arc<InitSegment>) {
        self.init = Some(init);
    }

    /// Counts samples or cues that were received.
    pub(in crate::engine) const fn count(&mut self, samples: usize) {
        self.seen += samples;
    }

    /// Fixes the offset of its times.
    pub(in crate::engine) const fn set_shift(&mut self, shift: i64) {
        self.shift = Some(shift);
    }

    /// Moves the segment to where its media turned out to be.
    pub(in crate::engine) fn move_segment(&mut self, nanos: i64) {
        self.plan.segment.move_by(nanos);
        self.begins_at = self.begins_at.shifted(nanos);
    }

    /// Holds audio back until its discontinuity has a place. It counts as received.
    pub(in crate::engine) fn hold_early(&mut self, fragment: Fragment) {
        self.seen += fragment.samples.len();
        self.early.push(fragment);
    }

    /// Takes the audio that was held back.
    pub(in crate::engine) fn take_early(&mut self) -> Vec<Fragment> {
        std::mem::take(&mut self.early)
    }

    /// Holds metadata back until the offset of its times is known. More than [`MOST_METADATA`] pieces are dropped.
    pub(in crate::engine) fn hold_metadata(&mut self, mut all: Vec<TimedMetadata>) {
        all.truncate(MOST_METADATA.saturating_sub(self.metadata.len()));
        self.metadata.append(&mut all);
    }

    /// Takes the metadata that was held back.
    pub(in crate::engine) fn take_metadata(&mut self) -> Vec<TimedMetadata> {
        std::mem::take(&mut self.metadata)
    }

    /// Notes that its times are wrong. Returns true the first time.
    pub(in crate::engine) const fn note_wrong_times(&mut self) -> bool {
        !std::mem::replace(&mut self.warned, true)
    }

    /// Takes the end of the segment. Samples that the end holds back count as received.
    pub(in crate::engine) fn end_with(&mut self, tail: SegmentTail) {
        let samples = |output: &DemuxOutput| match output {
            DemuxOutput::Fragment(fragment) => fragment.samples.len(),
            _ => 0,
        };
        self.seen += tail.outputs.iter().map(samples).sum::<usize>();
        self.tail = Some(Box::new(tail));
    }

    /// Notes the time at which the transfer was due to be judged.
    pub(in crate::engine) const fn note_judged(&mut self, due: Now) {
        self.judged_at = due;
    }

    /// Begins an attempt at the same segment again: what it brings is placed afresh.
    pub(super) fn restart(&mut self) {
        self.seen = 0;
        self.early.clear();
        self.tail = None;
    }

    /// Returns the same download without its end, to present what the end left open.
    pub(super) fn without_tail(&self) -> Self {
        Self { tail: None, ..self.clone() }
    }
}

#[cfg(test)]
impl SegmentDownload {
    /// Returns the plan, to make another one of it.
    pub(in crate::engine) const fn plan_mut(&mut self) -> &mut SegmentPlan {
        &mut self.plan
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::container::{Payload, Sample};
    use crate::model::{ByteRange, MetadataBody, MetadataSource, Resource, SegmentId, TimestampMapping};

    fn download() -> SegmentDownload {
        let segment = SegmentRef {
            id: SegmentId::Sequence(0),
            previous: None,
            start: MediaTime::ZERO,
            duration: Duration::from_secs(4),
            resource: Resource { urls: Vec::new(), range: None },
            init: None,
            mapping: TimestampMapping::Offset(0),
            gap: false,
            size: None,
            encryption: None,
            program_date_time: None,
            part: None,
        };
        let plan = SegmentPlan {
            rep: RepKey::for_tests(0, 0, 0),
            segment,
            reason: abr::Reason::Only,
            ladder: Arc::default(),
            rung: 0,
            opening: false,
            window: Window::ALL,
        };
        SegmentDownload::new(JobId::for_tests(1), plan, None, MediaTime::ZERO)
    }

    fn fragment(samples: usize) -> Fragment {
        let sample = Sample {
            pts: MediaTime::ZERO,
            dts: MediaTime::ZERO,
            duration: Duration::ZERO,
            key: true,
            payload: Payload::default(),
            crypto: None,
        };
        Fragment { track: 1, samples: vec![sample; samples] }
    }

    fn metadata(count: usize) -> Vec<TimedMetadata> {
        let one = TimedMetadata {
            source: MetadataSource::Id3,
            scheme: String::new(),
            value: String::new(),
            id: String::new(),
            start: MediaTime::ZERO,
            duration: None,
            body: MetadataBody::Text(String::new()),
        };
        vec![one; count]
    }

    #[test]
    fn samples_count_when_they_are_placed_held_back_or_left_open() {
        let mut download = download();
        download.count(3);
        download.hold_early(fragment(2));
        assert_eq!(download.seen(), 5);
        assert_eq!((download.take_early().len(), download.take_early().len(), download.seen()), (1, 0, 5));
        download.hold_early(fragment(2));
        download.restart();
        assert_eq!((download.seen(), download.take_early().len(), download.tail().is_none()), (0, 0, true));
    }

    #[test]
    fn a_segment_is_as_large_as_its_range_its_answer_or_its_manifest_says_and_as_what_came() {
        for (range, announced, declared, received, expected) in [
            (None, None, None, 70, None),
            (None, None, Some(500), 0, Some(500)),
            (None, Some(600), Some(500), 0, Some(600)),
            (Some(700), Some(9000), Some(500), 70, Some(700)),
            (Some(700), None, None, 800, Some(800)),
            (None, Some(600), None, 601, Some(601)),
        ] {
            let mut download = download();
            let segment = &mut download.plan_mut().segment;
            segment.resource.range = range.map(|length| ByteRange { offset: 5, length: Some(length) });
            segment.size = declared;
            assert_eq!(download.expected_bytes(received, announced), expected, "{range:?} {announced:?} {declared:?}");
            if range.is_none() && announced == Some(600) {
                // The answer to a request that continues others declares the rest only.
                download.keep_earlier(100, Now::ZERO);
                assert_eq!(download.expected_bytes(0, announced), Some(700));
            }
        }
    }

    #[test]
    fn a_segment_that_breaks_off_twice_counts_all_its_bytes_since_the_first_request() {
        let at = |seconds| Now::ZERO + Duration::from_secs(seconds);
        let mut download = download();
        assert_eq!((download.earlier_bytes(), download.since(at(3))), (0, at(3)));
        download.keep_earlier(100, at(3));
        download.keep_earlier(40, at(5));
        assert_eq!((download.earlier_bytes(), download.since(at(9))), (140, at(3)));
        download.plan_mut().segment.size = Some(150);
        assert_eq!(download.expected_bytes(10, None), Some(150));
        assert_eq!(download.expected_bytes(11, None), Some(151), "never less than what was received");
        assert_eq!((download.take_earlier(), download.earlier_bytes(), download.since(at(9))), (140, 0, at(9)));
    }

    #[test]
    fn the_end_of_a_segment_counts_the_samples_in_it() {
        let mut download = download();
        download.count(1);
        let state = serde_json::from_str("0").expect("a state");
        let outputs = vec![DemuxOutput::Fragment(fragment(3)), DemuxOutput::Metadata(metadata(5))];
        download.end_with(SegmentTail { outputs, state, waiting: 0 });
        assert_eq!((download.seen(), download.tail().map(|tail| tail.outputs.len())), (4, Some(2)));
        let without = download.without_tail();
        assert_eq!((without.seen(), without.tail().is_none()), (4, true));
    }

    #[test]
    fn metadata_of_a_segment_is_limited() {
        let mut download = download();
        download.hold_metadata(metadata(MOST_METADATA - 1));
        download.hold_metadata(metadata(3));
        assert_eq!((download.take_metadata().len(), download.take_metadata().len()), (MOST_METADATA, 0));
    }

    #[test]
    fn wrong_times_are_reported_once_and_a_transfer_is_judged_by_its_last_time() {
        let mut download = download();
        assert_eq!([download.note_wrong_times(), download.note_wrong_times()], [true, false]);
        let due = Now::ZERO + Duration::from_secs(1);
        assert_eq!(download.judged_at(), Now::ZERO);
        download.note_judged(due);
        assert_eq!(download.judged_at(), due);
        assert_eq!(download.shift(), None);
        download.set_shift(-7);
        assert_eq!(download.shift(), Some(-7));
    }
}
