//! One stream of downloads: the track that it follows, the place of its next segment, and what it is doing. Steps of
//! the session move it by its verbs; nothing else writes its state.

use crate::drm::KeyId;
use crate::engine::download::{Demand, KeptState, OpenTail, SegmentDownload, SegmentPlan};
use crate::engine::ids::{PeriodKey, RepKey, StreamId};
use crate::engine::requests::Jobs;
use crate::error::PlayerError;
use crate::model::{ContentKinds, Resource, SegmentId, SegmentRef, TrackId};
use crate::time::{MediaTime, Now};

/// Place at which the next segment of a stream is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum NextSegment {
    /// The segment that holds this time.
    At {
        /// Period that holds it.
        period: PeriodKey,
        /// Time that it must hold.
        time: MediaTime,
    },
    /// The one after this.
    After {
        /// The representation of the last segment.
        rep: RepKey,
        /// Its name in that.
        segment: SegmentId,
        /// Declared end of that segment.
        end: MediaTime,
    },
    /// There is no further segment.
    End,
}

impl NextSegment {
    /// Returns the place after a segment.
    pub(in crate::engine) fn after(rep: RepKey, segment: &SegmentRef) -> Self {
        Self::After { rep, segment: segment.id, end: segment.end() }
    }
}

/// State machine of a stream.
#[derive(Clone, Debug)]
pub(in crate::engine) enum Activity {
    /// Nothing is on its way.
    Idle,
    /// The index of a representation is on its way.
    Index(RepKey),
    /// A key is on its way without which nothing can be fetched; the segment follows.
    Key {
        /// Segment that follows.
        plan: Box<SegmentPlan>,
        /// Key that is awaited.
        key: KeyId,
    },
    /// Initialisation data is on its way; the segment follows.
    Init {
        /// Segment that follows.
        plan: Box<SegmentPlan>,
        /// Address of the initialisation data.
        resource: Resource,
    },
    /// A segment is on its way.
    Media(Box<SegmentDownload>),
}

/// Activity of a stream that a complete download interrupted when it was opened again.
#[derive(Debug)]
#[must_use = "the stream has to go on with it"]
pub(in crate::engine) struct Interrupted(Activity);

/// Cost so far of the segment that is wanted.
#[derive(Clone, Copy, Debug)]
struct RetryBudget {
    /// Time of its first request.
    since: Now,
    /// Requests for it so far, of whichever representation.
    requests: u32,
}

/// A stream. It changes only by its verbs.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Stream {
    id: StreamId,
    /// The track that it follows through all periods.
    track: TrackId,
    /// Presentation that its downloads serve.
    demand: Demand,
    place: NextSegment,
    activity: Activity,
    /// Content of its files, known once initialisation data was read.
    carries: Option<ContentKinds>,
    /// Representation of the last segment that was decided on.
    last: Option<RepKey>,
    /// The total time that the wanted segment may cost began here.
    retry_budget: Option<RetryBudget>,
    /// Segments given up in a row.
    skipped: u32,
    /// Time before which nothing is fetched: the adaptive rule asked to wait, or nothing is available.
    hold_until: Option<Now>,
    /// Segments before the one at the seek target that were asked for because decoding cannot begin there.
    stepped_back: u8,
    /// State that its last segment left for the one after it.
    kept: Option<KeptState>,
    /// The last segment that was damaged.
    damaged: Option<SegmentId>,
    /// Initialisation data that was asked for before its segment, last.
    prefetched: Option<Resource>,
    /// Representation whose next segment is not listed yet.
    awaited: Option<RepKey>,
    /// Time at which the first segment was asked for that is due by the clock and that its encoder has not made.
    missing_since: Option<Now>,
    /// Reason for which nothing after the end of the stream can be decrypted.
    ends_with: Option<Box<PlayerError>>,
}

impl Stream {
    /// Creates a stream that begins at a place. Its demand is that of normal speed.
    pub(in crate::engine) fn new(id: StreamId, track: TrackId, place: NextSegment) -> Self {
        Self {
            id,
            track,
            demand: Demand::of(id, 1.0),
            place,
            activity: Activity::Idle,
            carries: None,
            last: None,
            retry_budget: None,
            skipped: 0,
            hold_until: None,
            stepped_back: 0,
            kept: None,
            damaged: None,
            prefetched: None,
            awaited: None,
            missing_since: None,
            ends_with: None,
        }
    }

    pub(in crate::engine) const fn id(&self) -> StreamId {
        self.id
    }

    pub(in crate::engine) const fn track(&self) -> &TrackId {
        &self.track
    }

    /// Returns the presentation that its downloads serve.
    pub(in crate::engine) const fn demand(&self) -> Demand {
        self.demand
    }

    /// Returns the place of the next segment.
    pub(in crate::engine) const fn place(&self) -> NextSegment {
        self.place
    }

    pub(in crate::engine) const fn activity(&self) -> &Activity {
        &self.activity
    }

    /// Returns the kinds that its files carry; `None` before initialisation data was read.
    pub(in crate::engine) const fn carries(&self) -> Option<ContentKinds> {
        self.carries
    }

    /// Returns the representation of the last segment that was decided on.
    pub(in crate::engine) const fn last(&self) -> Option<RepKey> {
        self.last
    }

    /// Returns the number of segments given up in a row.
    pub(in crate::engine) const fn skipped(&self) -> u32 {
        self.skipped
    }

    /// Returns the number of segments before the one at the seek target that were asked for.
    pub(in crate::engine) const fn stepped_back(&self) -> u8 {
        self.stepped_back
    }

    /// Returns the time before which nothing is fetched.
    pub(in crate::engine) const fn hold_until(&self) -> Option<Now> {
        self.hold_until
    }

    /// Returns the time of the first request for the wanted segment.
    pub(in crate::engine) fn wanted_since(&self) -> Option<Now> {
        self.retry_budget.map(|retry_budget| retry_budget.since)
    }

    /// Returns the time at which the first segment was asked for that its encoder has not made; `None` while it makes them.
    pub(in crate::engine) const fn missing_since(&self) -> Option<Now> {
        self.missing_since
    }

    /// Returns true if the wanted segment was asked for more than once.
    pub(in crate::engine) fn is_refused(&self) -> bool {
        self.retry_budget.is_some_and(|retry_budget| retry_budget.requests > 1)
    }

    /// Returns the end of the last segment that was fetched or passed; `None` if the stream has begun anew since.
    pub(in crate::engine) const fn held_to(&self) -> Option<MediaTime> {
        match self.place {
            NextSegment::After { end, .. } => Some(end),
            NextSegment::At { .. } | NextSegment::End => None,
        }
    }

    /// Returns the reason for which nothing after the end of the stream can be decrypted.
    pub(in crate::engine) fn error(&self) -> Option<&PlayerError> {
        self.ends_with.as_deref()
    }

    /// Returns what the last segment left for the one after it.
    pub(in crate::engine) const fn kept(&self) -> Option<&KeptState> {
        self.kept.as_ref()
    }

    /// Up to where everything is fetched or on its way.
    pub(in crate::engine) fn fetched_until(&self) -> MediaTime {
        match (&self.activity, self.place) {
            (Activity::Media(download), _) => download.plan().segment.end(),
            (_, NextSegment::At { time, .. }) => time,
            (_, NextSegment::After { end, .. }) => end,
            (_, NextSegment::End) => MediaTime::MAX,
        }
    }

    /// Returns true if nothing is on its way.
    pub(in crate::engine) const fn is_idle(&self) -> bool {
        matches!(self.activity, Activity::Idle)
    }

    /// True when the last segment of the last period has been fetched.
    pub(in crate::engine) fn is_finished(&self) -> bool {
        self.place == NextSegment::End && self.is_idle()
    }

    /// The segment that was decided on and is not here: it is on its way, or what it needs is.
    pub(in crate::engine) fn pending(&self) -> Option<&SegmentPlan> {
        match &self.activity {
            Activity::Media(download) => Some(download.plan()),
            Activity::Key { plan, .. } | Activity::Init { plan, .. } => Some(plan),
            Activity::Idle | Activity::Index(_) => None,
        }
    }

    /// The segment on its way.
    pub(in crate::engine) fn download(&self) -> Option<&SegmentDownload> {
        match &self.activity {
            Activity::Media(download) => Some(download),
            Activity::Idle | Activity::Index(_) | Activity::Key { .. } | Activity::Init { .. } => None,
        }
    }

    /// Returns the segment on its way, to add the samples received.
    pub(in crate::engine) fn download_mut(&mut self) -> Option<&mut SegmentDownload> {
        match &mut self.activity {
            Activity::Media(download) => Some(download),
            Activity::Idle | Activity::Index(_) | Activity::Key { .. } | Activity::Init { .. } => None,
        }
    }

    /// Serves another presentation from here on.
    pub(in crate::engine) const fn set_demand(&mut self, demand: Demand) {
        self.demand = demand;
    }

    /// Follows another track from here on.
    pub(in crate::engine) fn follow_track(&mut self, track: TrackId) {
        self.track = track;
    }

    /// Learns the kinds that its files carry. A kind that they carried once is presented to the end: a period may lack
    /// it.
    pub(in crate::engine) fn note_carried(&mut self, kinds: ContentKinds) {
        let before = self.carries.unwrap_or_default();
        self.carries = Some(ContentKinds {
            video: before.video || kinds.video,
            audio: before.audio || kinds.audio,
            text: before.text || kinds.text,
        });
    }

    /// Notes a damaged segment, and returns the one that was damaged before it.
    pub(in crate::engine) fn note_damaged(&mut self, segment: SegmentId) -> Option<SegmentId> {
        self.damaged.replace(segment)
    }

    /// Notes that initialisation data is asked for before its segment. Returns false if it was already: should it fail, it
    /// is fetched again with the segment, whose recovery has delays and an end.
    pub(in crate::engine) fn note_prefetched(&mut self, init: &Resource) -> bool {
        let is_new = self.prefetched.as_ref() != Some(init);
        if is_new {
            self.prefetched = Some(init.clone());
        }
        is_new
    }

    /// Begins again at a time with nothing on its way. The demuxer's tables and parameter sets stay.
    pub(in crate::engine) fn restart_at(&mut self, period: PeriodKey, time: MediaTime) {
        self.rewind_to(NextSegment::At { period, time });
        self.retry_budget = None;
        self.skipped = 0;
        self.hold_until = None;
        self.stepped_back = 0;
        self.missing_since = None;
        if let Some(kept) = &mut self.kept {
            kept.jump();
        }
        self.ends_with = None;
    }

    /// Goes back to a place, because media from there on was dropped. Nothing is on its way after that.
    pub(in crate::engine) fn rewind_to(&mut self, place: NextSegment) {
        self.place = place;
        self.activity = Activity::Idle;
    }

    /// Goes back to the segment before the one at the seek target, for the `steps`th time.
    pub(in crate::engine) fn step_back_to(&mut self, place: NextSegment, steps: u8) {
        self.rewind_to(place);
        self.stepped_back = steps;
    }

    /// Passes a segment that is not fetched.
    pub(in crate::engine) fn advance_past(&mut self, rep: RepKey, segment: &SegmentRef) {
        self.place = NextSegment::after(rep, segment);
        self.last = Some(rep);
    }

    /// Goes on with another period, or to the end.
    pub(in crate::engine) fn enter_period(&mut self, place: NextSegment) {
        self.place = place;
        self.retry_budget = None;
    }

    /// Ends here: nothing that follows can be decrypted, for this reason.
    pub(in crate::engine) fn finish(&mut self, error: PlayerError) {
        self.place = NextSegment::End;
        self.ends_with = Some(Box::new(error));
    }

    /// Goes on at a time, because the period of its next segment is no longer listed. Segments on their way still come.
    pub(in crate::engine) fn go_on_at(&mut self, period: PeriodKey, time: MediaTime) {
        self.place = NextSegment::At { period, time };
    }

    /// Waits until `until`: the adaptive rule asked for it, or nothing is available before.
    pub(in crate::engine) fn hold(&mut self, until: Now) {
        self.hold_until = Some(until);
    }

    /// Waits for no time any more.
    pub(in crate::engine) fn end_hold(&mut self) {
        self.hold_until = None;
    }

    /// Notes that the next segment of a representation is not listed yet.
    pub(in crate::engine) fn await_update(&mut self, rep: RepKey) {
        self.awaited = Some(rep);
    }

    /// Returns the representation whose next segment was not listed when it was looked for last.
    pub(in crate::engine) const fn awaited(&self) -> Option<RepKey> {
        self.awaited
    }

    /// Waits until `after` if it waits until `before`, because that time lies elsewhere now.
    pub(in crate::engine) fn move_hold(&mut self, before: Now, after: Option<Now>) {
        if self.hold_until == Some(before) {
            self.hold_until = after;
        }
    }

    /// Decides on a segment of `rep`. The time that it may cost counts from the first decision.
    pub(in crate::engine) fn decide_on(&mut self, rep: RepKey, now: Now) {
        self.last = Some(rep);
        self.awaited = None;
        self.retry_budget.get_or_insert(RetryBudget { since: now, requests: 0 });
    }

    /// Waits for the index of a representation.
    pub(in crate::engine) fn await_index(&mut self, rep: RepKey) {
        self.activity = Activity::Index(rep);
    }

    /// Waits for the key of a segment.
    pub(in crate::engine) fn await_key(&mut self, plan: SegmentPlan, key: KeyId) {
        self.activity = Activity::Key { plan: Box::new(plan), key };
    }

    /// Waits for the initialisation data of a segment.
    pub(in crate::engine) fn await_init(&mut self, plan: SegmentPlan, resource: Resource) {
        self.activity = Activity::Init { plan: Box::new(plan), resource };
    }

    /// Notes that the wanted segment is due by the clock and that its encoder has not made it. The first one that is missing
    /// was asked for at `since`.
    pub(in crate::engine) fn miss(&mut self, since: Now) {
        self.missing_since.get_or_insert(since);
    }

    /// Notes that the encoder goes on: the time that the wanted segment may cost counts from now.
    pub(in crate::engine) fn find_again(&mut self, now: Now) {
        if self.missing_since.take().is_some() {
            self.retry_budget = Some(RetryBudget { since: now, requests: 1 });
        }
    }

    /// Counts a request for the wanted segment. Returns true if it is not the first.
    pub(in crate::engine) fn count_request(&mut self) -> bool {
        let Some(retry_budget) = &mut self.retry_budget else { return false };
        retry_budget.requests += 1;
        retry_budget.requests > 1
    }

    /// Starts the download of a segment.
    pub(in crate::engine) fn start_download(&mut self, download: SegmentDownload) {
        self.activity = Activity::Media(Box::new(download));
    }

    /// Starts an attempt at the same segment again: what it brings is placed afresh.
    pub(in crate::engine) fn restart_download(&mut self) {
        if let Some(download) = self.download_mut() {
            download.restart();
        }
    }

    /// Stops waiting, for a download or for what it needs.
    pub(in crate::engine) fn stop(&mut self) {
        self.activity = Activity::Idle;
    }

    /// The index of a representation has come: a stream that waited for it goes on.
    pub(in crate::engine) fn on_index(&mut self, rep: RepKey) {
        if matches!(self.activity, Activity::Index(waited) if waited == rep) {
            self.stop();
        }
    }

    /// Stops waiting for a segment of an unusable representation, or for its key or initialisation data. A download
    /// whose job still exists goes on.
    pub(in crate::engine) fn leave_representations(&mut self, unusable: impl Fn(RepKey) -> bool, jobs: &Jobs) {
        let waits = match &self.activity {
            Activity::Idle | Activity::Index(_) => false,
            Activity::Init { plan, .. } | Activity::Key { plan, .. } => unusable(plan.rep),
            Activity::Media(download) => unusable(download.plan().rep) && jobs.get(download.job()).is_none(),
        };
        if waits {
            self.stop();
        }
    }

    /// The download is complete: the segment after it is next. One whose pictures all wait for parameter sets is no
    /// progress yet, so that segments given up in a row are still counted.
    pub(in crate::engine) fn complete_download(&mut self, is_progress: bool) {
        if let Some(download) = self.download() {
            self.place = NextSegment::after(download.plan().rep, &download.plan().segment);
        }
        self.stop();
        self.retry_budget = None;
        if is_progress {
            self.missing_since = None;
            self.skipped = 0;
        }
    }

    /// Gives the wanted segment up and passes it. Returns what it was, if its download had begun.
    pub(in crate::engine) fn skip_download(&mut self) -> Option<SegmentPlan> {
        let plan = self.download().map(|download| download.plan().clone());
        self.complete_download(false);
        self.skipped += 1;
        plan
    }

    /// Keeps what a segment leaves for the one after it.
    pub(in crate::engine) fn keep(&mut self, kept: Option<KeptState>) {
        self.kept = kept;
    }

    /// Takes what the last segment left open: nothing goes on with it.
    pub(in crate::engine) fn take_open(&mut self) -> Option<OpenTail> {
        self.kept.as_mut()?.take_open()
    }

    /// Opens a download that was complete again, to add what its end left open. What is on its way goes on with
    /// [`Self::close_again`].
    pub(in crate::engine) fn open_again(&mut self, download: SegmentDownload) -> Interrupted {
        Interrupted(std::mem::replace(&mut self.activity, Activity::Media(Box::new(download))))
    }

    /// Closes the download that was opened again, and returns it; the stream goes on with what was on its way.
    pub(in crate::engine) fn close_again(&mut self, interrupted: Interrupted) -> Option<SegmentDownload> {
        match std::mem::replace(&mut self.activity, interrupted.0) {
            Activity::Media(download) => Some(*download),
            Activity::Idle | Activity::Index(_) | Activity::Key { .. } | Activity::Init { .. } => None,
        }
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
