//! Samples held for one kind of track: one run of media around the playhead, in decoding order. The files around this
//! one decide on what is fetched next and what is handed out.
//!
//! The run is a queue of parts, each the samples of one segment under one decoder configuration. Gaps lie only between
//! parts and before the first: nothing is ever fetched to fill them, so everything before the end of the run is
//! settled. `gap` decides how playback passes a gap.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::container::{CodecConfig, Sample};
use crate::drm::KeyId;
use crate::engine::buffer::{Departure, Fate, Loss, SampleAccount};
use crate::engine::ids::{ItemId, PartOf, RepKey, SegmentKey};
use crate::model::MediaKind;
use crate::render::Window;
use crate::time::{MediaTime, TimeRanges};

/// Pictures freeze and sound pauses unnoticed, or nearly so, for so long: a shorter gap counts as none.
pub(in crate::engine) const GAP_TOLERANCE: Duration = Duration::from_millis(250);

/// Samples of one segment under one configuration.
#[derive(Clone, Debug)]
pub(in crate::engine) struct BufferedSegment {
    /// Grows along the run; never used twice.
    pub seq: u64,
    /// Segment that the samples belong to.
    pub of: PartOf,
    /// Decoder configuration; `None` for a range that has no media of this kind by design.
    pub config: Option<Arc<CodecConfig>>,
    /// Part of its time that may be presented.
    pub window: Window,
    /// Samples in decoding order.
    pub samples: Vec<Sample>,
    /// Fate of each of the samples.
    fates: Vec<Fate>,
    /// Start of the first sample that is presented.
    pub first: MediaTime,
    /// End of the last instant presented.
    pub last: MediaTime,
    /// Bytes of the samples.
    pub bytes: u64,
    /// The keys that its samples need, each once.
    pub needs: Vec<KeyId>,
    /// Nothing will be added.
    pub complete: bool,
    /// Some of it has been presented.
    pub seen: bool,
    /// It has no media, or a gap lies between the part before and this one.
    after_hole: bool,
}

impl BufferedSegment {
    /// True if samples of a segment go on in decoding order where this ends, in the same representation. Pictures of
    /// both may then be presented in turns: a segment can be cut between a picture and those that are presented before
    /// it, and nothing of that is a repetition.
    fn is_before(&self, of: PartOf, samples: &[Sample]) -> bool {
        let follows = self.of.segment == of.segment || (of.previous.is_some() && self.of.segment == of.previous);
        let last = self.samples.iter().map(|sample| sample.dts).max();
        follows && self.of.rep == of.rep && last.zip(samples.first()).is_some_and(|(last, first)| first.dts > last)
    }

    /// True if the renderer has some of it.
    fn is_handed_out(&self, committed: Option<Cursor>) -> bool {
        committed.is_some_and(|at| at.seq > self.seq || (at.seq == self.seq && at.index > 0))
    }

    /// Number of samples that were never handed over.
    fn waiting(&self) -> usize {
        self.fates.iter().filter(|fate| **fate == Fate::Waiting).count()
    }
}

/// A place in the run: a sample of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) struct Cursor {
    /// Number of the part, see [`BufferedSegment::seq`].
    pub seq: u64,
    /// The sample in it.
    pub index: usize,
}

/// The run of one kind.
#[derive(Clone, Debug)]
pub(in crate::engine) struct TrackBuffer {
    item: ItemId,
    kind: MediaKind,
    parts: VecDeque<BufferedSegment>,
    next_seq: u64,
    bytes: u64,
    /// Number of parts that begin after a gap or are one. It is almost always 0, which makes the most frequent query
    /// cheap.
    gaps: usize,
    /// Number of parts whose samples need a key. It is 0 in clear media, which makes the question for missing keys cheap.
    encrypted: usize,
    /// The end of everything held.
    end: Option<MediaTime>,
    /// Nothing before this was asked for, or it was dropped.
    from: MediaTime,
    /// A segment that is fetched again, and the decoding time up to which it was handed out.
    resume_after: Option<(SegmentKey, MediaTime)>,
    /// A segment whose beginning was dropped as an overlap, until a key frame of it comes.
    headless: Option<SegmentKey>,
    account: SampleAccount,
}

impl TrackBuffer {
    /// Creates an empty run that begins at zero.
    pub(in crate::engine) fn new(item: ItemId, kind: MediaKind) -> Self {
        Self {
            item,
            kind,
            parts: VecDeque::new(),
            next_seq: 0,
            bytes: 0,
            gaps: 0,
            encrypted: 0,
            end: None,
            from: MediaTime::ZERO,
            resume_after: None,
            headless: None,
            account: SampleAccount::default(),
        }
    }

    /// Returns the item whose media it holds.
    pub(in crate::engine) const fn item(&self) -> ItemId {
        self.item
    }

    /// Account of its samples.
    pub(in crate::engine) const fn account(&self) -> &SampleAccount {
        &self.account
    }

    /// The same, to count what happens outside of the run.
    pub(in crate::engine) const fn account_mut(&mut self) -> &mut SampleAccount {
        &mut self.account
    }

    /// Returns the size of all samples held, in bytes.
    pub(in crate::engine) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the size of the samples of a segment at the end of the run, in bytes.
    pub(in crate::engine) fn bytes_of(&self, key: SegmentKey) -> u64 {
        let parts = self.parts.iter().rev().take_while(|part| part.of.key() == Some(key));
        parts.map(|part| part.bytes).sum()
    }

    /// The parts in order.
    pub(in crate::engine) fn parts(&self) -> impl DoubleEndedIterator<Item = &BufferedSegment> {
        self.parts.iter()
    }

    /// Returns the last part; only its segment may be incomplete.
    pub(in crate::engine) fn back(&self) -> Option<&BufferedSegment> {
        self.parts.back()
    }

    /// The part with this number, or the first one after it.
    pub(in crate::engine) fn part_from(&self, seq: u64) -> Option<&BufferedSegment> {
        self.parts.get(self.parts.partition_point(|part| part.seq < seq))
    }

    /// Adds samples (in decoding order, in presentation time) at the end of the run, of which `window` may be
    /// presented. Samples that were held already after a failed attempt, or that overlap what is held, are dropped.
    /// Returns the number of samples that were kept.
    ///
    /// Samples of the same segment and configuration join the last part. Others open a new part, so that a decoder is
    /// configured exactly where its configuration changes. Before it opens, earlier media makes room: an empty range
    /// ends where the new media begins, and so does media of another window that was not handed out, because the
    /// playlist places the first sample after a discontinuity (RFC 8216bis §4.4.4.3). Each sample is counted once, as
    /// held or as refused for a reason, because the session report accounts for all of them.
    pub(in crate::engine) fn insert(
        &mut self,
        of: PartOf,
        config: &Arc<CodecConfig>,
        window: Window,
        samples: Vec<Sample>,
        committed: Option<Cursor>,
    ) -> usize {
        let continues = self.parts.back().is_some_and(|part| {
            !part.complete && part.of == of && part.config.as_ref().is_some_and(|known| known == config)
        });
        let mut samples = samples;
        if let Some((_, after)) = self.resume_after.filter(|(key, _)| of.key() == Some(*key)) {
            samples.retain(|sample| sample.dts > after);
        }
        if !continues {
            self.drop_headless(of, &mut samples);
            if samples.iter().all(|sample| window.is_over(sample.pts)) {
                self.account.refuse(Loss::OutsideWindow, samples.len());
                return 0;
            }
            let seen = samples.iter().filter(|sample| window.shows(sample.pts, sample.end()));
            let leading = seen.map(|sample| sample.pts.max(window.from)).min().unwrap_or(window.from);
            self.complete();
            self.yield_to(leading, window, committed);
            if let Some(end) = self.parts.back().filter(|part| !part.is_before(of, &samples)).map(|part| part.last) {
                let before = samples.len();
                self.drop_overlap(&mut samples, leading, end);
                self.account.refuse(Loss::Overlapped, before - samples.len());
                if before > samples.len() {
                    self.headless = of.key().filter(|_| samples.is_empty());
                }
            }
            if let Some(first) = samples.first() {
                let leading = leading.max(first.pts);
                self.open(of, Some(Arc::clone(config)), window, leading, leading);
            }
        }
        let kept = samples.len();
        if let Some(part) = self.parts.back_mut() {
            let bytes: u64 = samples.iter().map(|sample| sample.payload.0.len() as u64).sum();
            let was_clear = part.needs.is_empty();
            for key in samples.iter().filter_map(|sample| sample.crypto.as_ref()).map(|crypto| KeyId(crypto.key_id)) {
                if !part.needs.contains(&key) {
                    part.needs.push(key);
                }
            }
            self.encrypted += usize::from(was_clear && !part.needs.is_empty());
            let window = part.window;
            for sample in samples.iter().filter(|sample| window.shows(sample.pts, sample.end())) {
                part.first = part.first.min(sample.pts.max(window.from));
                part.last = part.last.max(sample.end().min(window.until));
            }
            self.account.receive(samples.len());
            part.samples.append(&mut samples);
            part.fates.resize(part.samples.len(), Fate::Waiting);
            part.bytes += bytes;
            self.bytes += bytes;
            self.end = self.end.max(Some(part.last));
        }
        kept
    }

    /// Marks that there is no media of this kind from the end of the run, or from `begin` when the run is empty and begins
    /// later, to `end`.
    pub(in crate::engine) fn insert_empty_range(&mut self, of: PartOf, begin: MediaTime, end: MediaTime) {
        let start = self.parts.back().map_or(self.from.min(begin), |part| part.last);
        if start < end {
            self.complete();
            self.open(of, None, Window::ALL, start, end);
            self.end = self.end.max(Some(end));
            self.complete();
        }
    }

    /// The segment at the end of the run has come to its end.
    pub(in crate::engine) fn complete(&mut self) {
        if let Some(part) = self.parts.back_mut() {
            part.complete = true;
        }
    }

    /// The segment at the end of the run will be fetched again: what was handed out stays, and what was not goes.
    /// Gives the number of bytes that go.
    pub(in crate::engine) fn interrupt(&mut self, committed: Option<Cursor>) -> u64 {
        self.account.void_attempt();
        let Some(of) = self.parts.back().filter(|part| !part.complete).map(|part| part.of) else { return 0 };
        let mut dropped = 0;
        while let Some(part) = self.parts.back().filter(|part| part.of.is_same(of)) {
            if part.is_handed_out(committed) {
                self.resume_after = of.key().zip(part.samples.last().map(|sample| sample.dts));
                break;
            }
            dropped += self.pop_back(Departure::Void);
        }
        dropped
    }

    /// Drops the parts of the end for which `unwanted` holds and of which nothing was handed out. Gives their bytes.
    pub(in crate::engine) fn truncate(
        &mut self,
        committed: Option<Cursor>,
        departure: Departure,
        mut unwanted: impl FnMut(&BufferedSegment) -> bool,
    ) -> u64 {
        let mut dropped = 0;
        while let Some(part) = self.parts.back() {
            if part.is_handed_out(committed) || !unwanted(part) {
                break;
            }
            dropped += self.pop_back(departure);
        }
        dropped
    }

    /// The first sample for whose key `holds` gives something: its time, the representation, and what was given.
    pub(in crate::engine) fn first_needing<T>(
        &self,
        mut holds: impl FnMut(KeyId) -> Option<T>,
    ) -> Option<(MediaTime, RepKey, T)> {
        if self.encrypted == 0 {
            return None;
        }
        let part = self.parts.iter().find(|part| part.needs.iter().any(|id| holds(*id).is_some()))?;
        let found = part.samples.iter().find_map(|sample| Some((sample.pts, holds(key_of(sample)?)?)));
        found.map(|(at, given)| (at, part.of.rep, given))
    }

    /// Drops the first sample whose key is such a one, and everything after it; none of it was ever handed out. Gives
    /// the bytes.
    pub(in crate::engine) fn cut_needing(&mut self, doomed: impl Fn(KeyId) -> bool) -> u64 {
        let dooms = |sample: &Sample| key_of(sample).is_some_and(&doomed);
        let Some(at) = self.parts.iter().position(|part| part.samples.iter().any(dooms)) else { return 0 };
        let (mut dropped, lost) = (0, Departure::Lost(Loss::Undecodable));
        while self.parts.len() > at + 1 {
            dropped += self.pop_back(lost);
        }
        if self.parts.back().is_some_and(|part| part.samples.first().is_some_and(dooms)) {
            return dropped + self.pop_back(lost);
        }
        if let Some(part) = self.parts.back_mut() {
            let keep = part.samples.iter().position(dooms).unwrap_or(part.samples.len());
            let bytes: u64 = part.samples.drain(keep..).map(|sample| sample.payload.0.len() as u64).sum();
            let waiting = part.fates.drain(keep..).filter(|fate| *fate == Fate::Waiting).count();
            self.account.depart(waiting, lost);
            part.bytes -= bytes;
            let was_encrypted = !part.needs.is_empty();
            part.needs.retain(|id| !doomed(*id));
            self.encrypted -= usize::from(was_encrypted && part.needs.is_empty());
            part.last = part.samples.iter().map(Sample::end).max().unwrap_or(part.first);
            part.complete = true;
            self.bytes -= bytes;
            dropped += bytes;
        }
        self.end = self.parts.iter().map(|part| part.last).max();
        dropped
    }

    /// Drops everything; what comes next answers for all times from `from` on. Gives the bytes never presented.
    pub(in crate::engine) fn restart(&mut self, from: MediaTime, departure: Departure) -> u64 {
        self.account.depart(self.parts.iter().map(BufferedSegment::waiting).sum(), departure);
        self.account.end_attempt();
        (self.resume_after, self.headless) = (None, None);
        let unseen = self.parts.iter().filter(|part| !part.seen).map(|part| part.bytes).sum();
        self.parts.clear();
        self.bytes = 0;
        (self.gaps, self.encrypted) = (0, 0);
        self.end = None;
        self.from = from;
        unseen
    }

    /// The part on screen at a time becomes seen, and is given back; `None` in a gap.
    pub(in crate::engine) fn mark_seen(&mut self, position: MediaTime) -> Option<&BufferedSegment> {
        let part = self.parts.iter_mut().find(|part| part.last > position && part.config.is_some())?;
        part.seen |= part.first <= position;
        (part.first <= position + GAP_TOLERANCE).then_some(part)
    }

    /// Up to where all is settled from `position` on: held, or known to be missing. `None` when nothing is.
    pub(in crate::engine) fn settled_end(&self, position: MediaTime) -> Option<MediaTime> {
        self.end.filter(|end| self.begins_by(position) && position < *end)
    }

    /// Returns the same end, counting only segments that are here as a whole. It is `position` while the only media at
    /// it belongs to the segment under way.
    pub(in crate::engine) fn complete_end(&self, position: MediaTime) -> Option<MediaTime> {
        let end = self.settled_end(position)?;
        let Some(back) = self.parts.back().filter(|part| !part.complete) else { return Some(end) };
        let is_under_way = |part: &&BufferedSegment| part.of.is_same(back.of);
        // A segment with several configurations has several parts.
        let under_way = self.parts.iter().rev().take_while(is_under_way).count();
        let complete = self.parts.iter().take(self.parts.len() - under_way);
        let Some(complete) = complete.map(|part| part.last).max() else { return Some(position) };
        let first = self.parts.get(self.parts.len() - under_way)?;
        // A gap before the segment is settled. Without one its pictures may be presented between those of the last.
        let end = if first.after_hole { first.first } else { complete.min(first.first) };
        Some(end.max(position))
    }

    /// Returns the end of the media that reaches from `position` without a gap longer than [`GAP_TOLERANCE`]; `None` if there is
    /// no media at `position`.
    pub(in crate::engine) fn media_end(&self, position: MediaTime) -> Option<MediaTime> {
        if self.gaps == 0 {
            let begins = self.parts.front().is_some_and(|part| part.first <= position + GAP_TOLERANCE);
            return self.end.filter(|end| begins && position < *end);
        }
        let mut parts = self.media().skip_while(|part| part.last <= position);
        let mut end = parts.next().filter(|part| part.first <= position + GAP_TOLERANCE)?.last;
        for part in parts {
            if part.first > end + GAP_TOLERANCE {
                break;
            }
            end = end.max(part.last);
        }
        Some(end)
    }

    /// Returns the start of the first media after `position`.
    pub(in crate::engine) fn next_media(&self, position: MediaTime) -> Option<MediaTime> {
        self.end.filter(|end| *end > position)?;
        self.media().map(|part| part.first).find(|first| *first > position)
    }

    /// The end of the last media.
    pub(in crate::engine) fn last_media(&self) -> Option<MediaTime> {
        self.parts.iter().rev().find(|part| part.config.is_some()).map(|part| part.last)
    }

    /// True when a part from this number on has media.
    pub(in crate::engine) fn has_media_from(&self, seq: u64) -> bool {
        self.parts.iter().rev().take_while(|part| part.seq >= seq).any(|part| part.config.is_some())
    }

    fn media(&self) -> impl Iterator<Item = &BufferedSegment> {
        self.parts.iter().filter(|part| part.config.is_some())
    }

    /// The end of everything held.
    pub(in crate::engine) const fn end(&self) -> Option<MediaTime> {
        self.end
    }

    /// True when nothing needs to be fetched for `time` or lies behind it in the run; a gap counts as held.
    pub(in crate::engine) fn holds(&self, time: MediaTime) -> bool {
        self.begin() <= time && self.end.is_some_and(|end| time < end)
    }

    /// Returns the start of the run: a segment may begin before the time that it was fetched for.
    fn begin(&self) -> MediaTime {
        self.parts.front().map_or(self.from, |part| part.first.min(self.from))
    }

    /// Returns true if the run begins at `time` or before, up to the tolerance of a seam.
    pub(in crate::engine) fn begins_by(&self, time: MediaTime) -> bool {
        self.begin() <= time + GAP_TOLERANCE
    }

    /// Declares that nothing exists between an earlier time and the begin of the run.
    pub(in crate::engine) fn extend_to(&mut self, time: MediaTime) {
        self.from = self.from.min(time);
    }

    /// Returns the sample at which decoding must begin to present `start`, with its time; `None` while it is not known.
    ///
    /// For video it is the last key frame at or before `start` (a sync sample, ISO/IEC 14496-12 §8.6.2), because a
    /// decoder that begins elsewhere shows broken pictures or none; and the first one of the run if there is none
    /// before. For audio it is the sample that sounds at `start`, or the next one after it. If `start` lies in a gap,
    /// `held` selects the picture before the gap, and otherwise the one after it. Nothing is known while the run begins
    /// after `start`: earlier media may be on its way, and an epoch that began without it would begin too late.
    pub(in crate::engine) fn locate(&self, start: MediaTime, held: bool) -> Option<(Cursor, MediaTime)> {
        let reaches = |part: &&BufferedSegment| part.last > start || (!part.complete && part.first <= start);
        let at = self.parts.iter().position(|part| reaches(&part))?;
        let part = self.parts.get(at)?;
        if !self.begins_by(start) {
            return None;
        }
        let slack = if held { GAP_TOLERANCE } else { Duration::ZERO };
        let missing = part.config.is_none() || part.first > start + slack;
        if self.kind != MediaKind::Video || missing && (at == 0 || !held) {
            let index = part.samples.iter().position(|sample| sample.end() > start);
            let index = if part.samples.is_empty() { Some(0) } else { index }?;
            let pts = part.samples.get(index).map_or(part.first, |sample| sample.pts);
            return Some((Cursor { seq: part.seq, index }, pts));
        }
        let before = self.parts.iter().take(at + 1).rev().find_map(|part| {
            let index = part.samples.iter().rposition(|sample| sample.key && sample.pts <= start)?;
            Some((Cursor { seq: part.seq, index }, part.samples.get(index)?.pts))
        });
        // What comes before the first key frame cannot be decoded.
        before.or_else(|| {
            self.parts.iter().skip(at).find_map(|part| {
                let index = part.samples.iter().position(|sample| sample.key)?;
                Some((Cursor { seq: part.seq, index }, part.samples.get(index)?.pts))
            })
        })
    }

    /// The picture on screen at a time: its begin and end.
    pub(in crate::engine) fn sample_at(&self, time: MediaTime) -> Option<(MediaTime, MediaTime)> {
        // Pictures of two segments may be presented in turns.
        let mut parts = self.parts.iter().skip_while(|part| part.last <= time).take(2);
        let shows = |sample: &&Sample| sample.pts <= time && time < sample.end();
        let sample = parts.find_map(|part| part.samples.iter().find(shows))?;
        Some((sample.pts, sample.end()))
    }

    /// The latest end among the first `count` samples in decoding order that are presented after `position`; `None`
    /// when there is none.
    pub(in crate::engine) fn lead_end(&self, position: MediaTime, count: usize) -> Option<MediaTime> {
        let parts = self.parts.iter().skip_while(|part| part.last <= position);
        parts.flat_map(|part| &part.samples).map(Sample::end).filter(|end| *end > position).take(count).max()
    }

    /// Returns the ranges that hold media; gaps up to [`GAP_TOLERANCE`] do not divide them.
    pub(in crate::engine) fn ranges(&self) -> TimeRanges {
        let mut ranges = TimeRanges::new();
        for part in self.media() {
            ranges.insert(part.first, part.last, GAP_TOLERANCE);
        }
        ranges
    }

    fn open(
        &mut self,
        of: PartOf,
        config: Option<Arc<CodecConfig>>,
        window: Window,
        first: MediaTime,
        last: MediaTime,
    ) {
        let seq = self.next_seq;
        self.next_seq += 1;
        let after_hole = config.is_none() || first > self.end.unwrap_or(self.from) + GAP_TOLERANCE;
        self.gaps += usize::from(after_hole);
        self.parts.push_back(BufferedSegment {
            seq,
            of,
            config,
            window,
            samples: Vec::new(),
            fates: Vec::new(),
            first,
            last,
            bytes: 0,
            needs: Vec::new(),
            complete: false,
            seen: false,
            after_hole,
        });
    }

    fn pop_back(&mut self, departure: Departure) -> u64 {
        let Some(part) = self.parts.pop_back() else { return 0 };
        self.account.depart(part.waiting(), departure);
        self.bytes -= part.bytes;
        self.gaps -= usize::from(part.after_hole);
        self.encrypted -= usize::from(!part.needs.is_empty());
        self.end = self.parts.iter().map(|part| part.last).max();
        part.bytes
    }
}

fn key_of(sample: &Sample) -> Option<KeyId> {
    sample.crypto.as_ref().map(|crypto| KeyId(crypto.key_id))
}

mod eviction;
mod fates;
mod overlap;

#[cfg(test)]
mod tests;

#[cfg(test)]
mod border_tests;
