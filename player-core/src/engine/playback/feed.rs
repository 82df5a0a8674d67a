//! Feeds the renderer: per epoch one flush, then configurations and samples in decoding order, as far as the renderer's
//! lead asks for. The caller decides when an epoch begins or ends.

use std::sync::Arc;

use super::super::licence::Keys;
use crate::container::{CodecConfig, Payload, Sample};
use crate::drm::{self, DrmError, KeyId};
use crate::engine::buffer::{BufferedSegment, Cursor, GAP_TOLERANCE, TrackBuffer};
use crate::engine::ids::ItemId;
use crate::model::MediaKind;
use crate::render::{Epoch, RenderCommand, Window};
use crate::time::MediaTime;

/// One track of the epoch.
#[derive(Clone, Debug)]
struct TrackFeed {
    kind: MediaKind,
    /// The next sample; unknown until there is media at the place where the track begins.
    at: Option<Cursor>,
    /// Time at which the track begins.
    from: MediaTime,
    config: Option<(Arc<CodecConfig>, Window)>,
    /// The end of what was handed out.
    end: MediaTime,
    finished: bool,
}

impl TrackFeed {
    const fn new(kind: MediaKind, from: MediaTime) -> Self {
        Self { kind, at: None, from, config: None, end: from, finished: false }
    }

    /// Ends the track. The renderer learns of it unless another item follows.
    fn finish(&mut self, is_followed: bool, epoch: Epoch, out: &mut impl FnMut(RenderCommand)) {
        self.finished = true;
        if !is_followed {
            out(RenderCommand::EndOfTrack { track: self.kind, epoch });
        }
    }
}

/// Place of an item on the timeline of the renderer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Placement {
    item: ItemId,
    /// Nanoseconds that are added to the times of the item.
    shift: i64,
    /// Time of the item before which nothing of it is presented: there the item before it ends. `None` for the item that
    /// the epoch began with.
    seam: Option<MediaTime>,
}

impl Placement {
    /// Puts a command, which is in the time of the item, on the timeline of the renderer.
    fn place(self, command: RenderCommand) -> RenderCommand {
        let Some(seam) = self.seam else { return command };
        match command {
            RenderCommand::Configure { track, config, window, epoch } => {
                let from = window.from.max(seam).shifted(self.shift);
                let until =
                    if window.until == MediaTime::MAX { window.until } else { window.until.shifted(self.shift) };
                RenderCommand::Configure { track, config, window: Window { from, until }, epoch }
            }
            RenderCommand::Append { track, mut samples, epoch } => {
                for sample in &mut samples {
                    sample.pts = sample.pts.shifted(self.shift);
                    sample.dts = sample.dts.shifted(self.shift);
                }
                RenderCommand::Append { track, samples, epoch }
            }
            RenderCommand::Gap { track, until, epoch } => {
                RenderCommand::Gap { track, until: until.shifted(self.shift), epoch }
            }
            RenderCommand::FlushTrack { track, from, epoch } => {
                RenderCommand::FlushTrack { track, from: from.shifted(self.shift), epoch }
            }
            other => other,
        }
    }
}

/// The feed of the renderer. It takes the media of one item after the other. Each epoch begins in the time of its first
/// item; an item that follows without a flush is placed behind it on the renderer's timeline. Times of all methods are
/// those of the item that they name.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Feed {
    epoch: Epoch,
    flushed: bool,
    /// Items of the epoch in their order; the tracks belong to the last one.
    items: Vec<Placement>,
    /// Item that follows without a flush once the tracks of the last one have ended.
    next: Option<ItemId>,
    /// If the epoch begins in a gap, the picture before it is shown.
    held: bool,
    tracks: Vec<TrackFeed>,
}

impl Feed {
    /// The epoch in force.
    pub(in crate::engine) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// True once the flush of the epoch was sent.
    pub(in crate::engine) const fn is_flushed(&self) -> bool {
        self.flushed
    }

    /// Everything handed out so far is void: a new epoch, whose flush follows.
    pub(in crate::engine) fn reset(&mut self) {
        self.epoch.0 += 1;
        self.flushed = false;
        self.items.clear();
        self.tracks.clear();
    }

    /// Drops all items, also the one that would follow.
    pub(in crate::engine) fn forget(&mut self) {
        self.reset();
        self.next = None;
    }

    /// Returns the item whose media is handed out; `None` before the flush of an epoch.
    fn current(&self) -> Option<Placement> {
        self.items.last().copied()
    }

    fn placement(&self, item: ItemId) -> Option<Placement> {
        self.items.iter().copied().find(|placement| placement.item == item)
    }

    /// Returns true if all media of an item was handed out, and another item has followed it.
    pub(in crate::engine) fn has_left(&self, item: ItemId) -> bool {
        self.current().is_some_and(|current| current.item != item) && self.placement(item).is_some()
    }

    /// Returns true if an item follows the present one without a flush, and has not begun.
    pub(in crate::engine) fn is_next(&self, item: ItemId) -> bool {
        self.next == Some(item)
    }

    /// Lets an item follow the present one without a flush: where its tracks end, no end of track is announced.
    pub(in crate::engine) fn announce_next(&mut self, item: ItemId) {
        self.next = Some(item);
    }

    /// Goes on with the item that was announced, from `start` in its time, once all tracks of the present one have ended.
    /// It begins where the longest of them ends. Returns false, and changes nothing, while that is not so, or if the item
    /// has other kinds of track: then it needs a flush.
    pub(in crate::engine) fn follow(&mut self, item: ItemId, start: MediaTime, kinds: &[MediaKind]) -> bool {
        let Some(current) = self.current() else { return false };
        let ended = self.tracks.iter().all(|fed| fed.finished);
        if self.next != Some(item) || !ended || !self.kinds().eq(kinds.iter().copied()) {
            return false;
        }
        let end = self.tracks.iter().map(|fed| fed.end).max().unwrap_or(start);
        let shift = end.shifted(current.shift).nanos_from(start);
        self.next = None;
        self.items.push(Placement { item, shift, seam: Some(start) });
        for fed in &mut self.tracks {
            // A track that ended earlier is silent, or holds its picture, up to the seam.
            let reached = fed.end.shifted(current.shift).shifted(shift.saturating_neg());
            *fed = TrackFeed { end: reached, ..TrackFeed::new(fed.kind, start) };
        }
        true
    }

    /// Returns a time on the renderer's timeline in the time of an item. Both are the same for an item that is not placed.
    pub(in crate::engine) fn time_in(&self, item: ItemId, time: MediaTime) -> MediaTime {
        time.shifted(self.placement(item).map_or(0, |placement| placement.shift.saturating_neg()))
    }

    /// Returns the flush with which the epoch begins. `held` is true if the viewer sought here: in a gap the picture
    /// before it is then shown.
    pub(in crate::engine) fn begin(
        &mut self,
        item: ItemId,
        start: MediaTime,
        kinds: &[MediaKind],
        held: bool,
    ) -> RenderCommand {
        self.flushed = true;
        self.items = vec![Placement { item, shift: 0, seam: None }];
        self.next.take_if(|next| *next == item);
        self.held = held;
        self.tracks = kinds.iter().map(|kind| TrackFeed::new(*kind, start)).collect();
        RenderCommand::Flush { epoch: self.epoch, start, tracks: kinds.to_vec() }
    }

    /// One track begins again at a time, with media of another adaptation set.
    pub(in crate::engine) fn restart_track(&mut self, kind: MediaKind, from: MediaTime) -> RenderCommand {
        if let Some(fed) = self.tracks.iter_mut().find(|fed| fed.kind == kind) {
            *fed = TrackFeed::new(kind, from);
        }
        let command = RenderCommand::FlushTrack { track: kind, from, epoch: self.epoch };
        self.current().unwrap_or_default().place(command)
    }

    /// The kinds of the epoch.
    pub(in crate::engine) fn kinds(&self) -> impl Iterator<Item = MediaKind> + '_ {
        self.tracks.iter().map(|fed| fed.kind)
    }

    /// Returns the place up to which a track was handed out: nothing before it may change.
    pub(in crate::engine) fn committed(&self, item: ItemId, kind: MediaKind) -> Option<Cursor> {
        if self.has_left(item) {
            return Some(Cursor { seq: u64::MAX, index: 0 });
        }
        self.current().filter(|current| current.item == item)?;
        self.tracks.iter().find(|fed| fed.kind == kind)?.at
    }

    /// The end of what was handed out of a track.
    pub(in crate::engine) fn end(&self, item: ItemId, kind: MediaKind) -> Option<MediaTime> {
        self.current().filter(|current| current.item == item)?;
        self.tracks.iter().find(|fed| fed.kind == kind).map(|fed| fed.end)
    }

    /// The run of a kind was emptied though the epoch goes on (its media will come from elsewhere): nothing is handed
    /// out until the track is restarted.
    pub(in crate::engine) fn suspend_track(&mut self, kind: MediaKind) {
        if let Some(fed) = self.tracks.iter_mut().find(|fed| fed.kind == kind) {
            fed.at = None;
            fed.from = MediaTime::MAX;
        }
    }

    /// Hands out one track, decrypted, up to `until`, but not past `limit`, where all tracks have a gap, nor past the
    /// first sample whose key is missing. `ended` is true if the track gets no more media. Returns the first error of
    /// decryption; samples with such an error are left out, because the renderer must never get encrypted ones.
    ///
    /// The walk over the buffer stops at the first of these: enough media, `limit`, a missing key, a segment that is
    /// not complete. The next call resumes there, so that each sample goes out once an epoch, in decoding order, after
    /// the configuration and window that it needs. Media past `limit` is not given even if it is buffered: playback
    /// jumps over the gap by a flush, which would drop it again. The end of the track is announced only if nothing held
    /// the walk up, because a renderer that learns of it too early ends playback in front of media that waits for its
    /// key.
    pub(in crate::engine) fn hand_out(
        &mut self,
        buffer: &mut TrackBuffer,
        keys: &Keys,
        kind: MediaKind,
        (until, limit): (MediaTime, MediaTime),
        ended: bool,
        out: &mut impl FnMut(RenderCommand),
    ) -> Option<DrmError> {
        let placement = self.current().filter(|current| current.item == buffer.item())?;
        let is_followed = self.next.is_some();
        let out = &mut |command| out(placement.place(command));
        let (epoch, held) = (self.epoch, self.held);
        let mut failed = None;
        let fed = self.tracks.iter_mut().find(|fed| fed.kind == kind && !fed.finished)?;
        if fed.at.is_none() && fed.from != MediaTime::MAX {
            fed.at = buffer.locate(fed.from, held).map(|(cursor, _)| cursor);
            if let Some(cursor) = fed.at {
                buffer.skip_to(cursor, fed.from);
            }
        }
        let Some(mut cursor) = fed.at else {
            if ended && fed.from != MediaTime::MAX {
                fed.finish(is_followed, epoch, out);
            }
            return None;
        };
        // Nothing is due; a gap or an end ahead is still looked for.
        if fed.end >= until && limit == MediaTime::MAX && !ended {
            return None;
        }
        let mut blocked = false;
        let mut handed = Vec::new();
        while let Some(part) = buffer.part_from(cursor.seq) {
            if part.seq > cursor.seq {
                cursor = Cursor { seq: part.seq, index: 0 };
            }
            // Only ranges without media are left: the track ends before them.
            if ended && part.config.is_none() && !buffer.has_media_from(part.seq) {
                break;
            }
            if cursor.index == 0 {
                // At a gap in all tracks the decoder must give what it holds before playback jumps.
                let beyond = part.first >= limit;
                if beyond || fed.end < until {
                    announce_gap(fed, part, epoch, out);
                }
                if beyond {
                    blocked = true;
                    break;
                }
            }
            let rest = part.samples.get(cursor.index..).unwrap_or_default();
            let wanted = due(rest, fed.end, until);
            let due = rest.get(..wanted).unwrap_or_default();
            let count = due.iter().position(|sample| is_locked(sample, keys)).unwrap_or(wanted);
            if count > 0 {
                configure(fed, part, epoch, out);
                let due = due.get(..count).unwrap_or_default();
                handed.push((part.seq, cursor.index..cursor.index + count));
                cursor.index += count;
                let seen = due.iter().filter(|sample| part.window.shows(sample.pts, sample.end()));
                fed.end = seen.map(|sample| sample.end().min(part.window.until)).fold(fed.end, MediaTime::max);
                let clear = due.iter().filter_map(|sample| match clear(sample, keys) {
                    Ok(sample) => Some(sample),
                    Err(error) => {
                        failed.get_or_insert(error);
                        None
                    }
                });
                let mut samples: Vec<Sample> = clear.collect();
                if kind == MediaKind::Video && cursor.index == part.samples.len() {
                    hold_last(&mut samples, part, fed.from, buffer);
                }
                if !samples.is_empty() {
                    out(RenderCommand::Append { track: kind, samples, epoch });
                }
            }
            if count < rest.len() || !part.complete {
                blocked = count < rest.len();
                break;
            }
            cursor = Cursor { seq: part.seq + 1, index: 0 };
        }
        fed.at = Some(cursor);
        for (seq, range) in handed {
            buffer.hand_over(seq, range, fed.from);
        }
        if ended && !blocked {
            fed.finish(is_followed, epoch, out);
        }
        failed
    }
}

/// Announces a gap where a part has no media, or where a gap lies before it. Without it a renderer waits for samples
/// that do not exist.
fn announce_gap(fed: &mut TrackFeed, part: &BufferedSegment, epoch: Epoch, out: &mut impl FnMut(RenderCommand)) {
    let goes_on = if part.config.is_some() { part.first } else { part.last };
    if goes_on > fed.end + GAP_TOLERANCE {
        fed.end = goes_on;
        out(RenderCommand::Gap { track: fed.kind, until: goes_on, epoch });
    }
}

/// An epoch that begins in a gap shows the last picture before it: it lasts until the next one. Its time is moved to
/// the begin, because parsers count durations for themselves.
fn hold_last(samples: &mut [Sample], part: &BufferedSegment, from: MediaTime, buffer: &TrackBuffer) {
    if from < part.last {
        return;
    }
    let Some(next) = buffer.next_media(part.last).filter(|next| *next > from) else { return };
    let shown = samples.iter_mut().filter(|sample| part.window.shows(sample.pts, sample.end()));
    if let Some(last) = shown.max_by_key(|sample| sample.pts) {
        last.pts = from;
        last.duration = next.since(from);
    }
}

/// A sample whose key is not here.
fn is_locked(sample: &Sample, keys: &Keys) -> bool {
    sample.crypto.as_ref().is_some_and(|crypto| keys.ready(KeyId(crypto.key_id)).is_none())
}

/// A sample as the renderer gets it: nothing encrypted ever leaves the engine.
fn clear(sample: &Sample, keys: &Keys) -> Result<Sample, DrmError> {
    let Some(crypto) = &sample.crypto else { return Ok(sample.clone()) };
    let key = keys.ready(KeyId(crypto.key_id)).ok_or(DrmError::LicenceEmpty)?;
    let payload = Payload(drm::decrypt_sample(&sample.payload.0, crypto, key)?.into());
    Ok(Sample { payload, crypto: None, ..sample.clone() })
}

/// Returns the number of samples that are due: until one reaches `until`.
fn due(samples: &[Sample], end: MediaTime, until: MediaTime) -> usize {
    let mut reached = end;
    samples
        .iter()
        .position(|sample| {
            let enough = reached >= until;
            reached = reached.max(sample.end());
            enough
        })
        .unwrap_or(samples.len())
}

fn configure(fed: &mut TrackFeed, part: &BufferedSegment, epoch: Epoch, out: &mut impl FnMut(RenderCommand)) {
    let Some(config) = &part.config else { return };
    // A decoder gets clear samples, so for it nothing changes where encryption begins.
    let config = match config.protection_scheme {
        Some(_) => Arc::new(CodecConfig { protection_scheme: None, ..config.as_ref().clone() }),
        None => Arc::clone(config),
    };
    let same = fed.config.as_ref().is_some_and(|(known, window)| *known == config && *window == part.window);
    if !same {
        fed.config = Some((Arc::clone(&config), part.window));
        out(RenderCommand::Configure { track: fed.kind, config, window: part.window, epoch });
    }
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
