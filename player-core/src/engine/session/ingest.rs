//! Puts the media that a demuxer returns on the presentation timeline and into the buffer.

use std::sync::Arc;

use super::Session;
use crate::container::{DemuxOutput, Fragment, InitSegment, MediaClock, Sample, TrackDamage, TrackInit};
use crate::drm::{KeyId, KeySystem};
use crate::engine::buffer::timeline::{self, PLAUSIBLE, Timeline};
use crate::engine::buffer::{Departure, Loss, TrackBuffer};
use crate::engine::context::Context;
use crate::engine::download::{NextSegment, SegmentDownload, SegmentPlan, Stream, schedule};
use crate::engine::ids::{PartOf, RepKey, StreamId};
use crate::engine::source::Source;
use crate::error::{ErrorCode, PlayerError, Stage};
use crate::event::Event;
use crate::model::{ContentKinds, MediaKind, SegmentId, TimestampMapping};
use crate::time::MediaTime;

/// Media of a numbered segment that lies this far from the time of its number shows that all of them do, in nanoseconds.
const NUMBERED_ELSEWHERE: i64 = 150_000_000;
/// Media that begins this much after a seek target lies in the segment after the right one.
const BEGINS_LATE: std::time::Duration = std::time::Duration::from_millis(50);

impl Session {
    /// Takes the output of the demuxer of a stream's request.
    pub(in crate::engine) fn on_media(&mut self, cx: &mut Context, id: StreamId, output: DemuxOutput) {
        match output {
            DemuxOutput::Init(init) => self.on_init(cx, id, init),
            DemuxOutput::Fragment(fragment) => self.on_fragment(cx, id, fragment),
            DemuxOutput::Metadata(all) => self.on_media_metadata(cx, id, all),
            DemuxOutput::Captions(packets) => self.on_captions(cx, id, packets),
            DemuxOutput::Damage(damage) => self.on_damage(cx, id, damage),
            DemuxOutput::Tail(tail) => self.on_tail(id, tail),
            DemuxOutput::Protection(info) => {
                let download = self.stream(id).and_then(|stream| stream.download());
                let encryption = download.and_then(|download| download.plan().segment.encryption.clone());
                self.keys.on_protection(encryption.as_ref(), &info, &mut cx.jobs, cx.now);
            }
            DemuxOutput::Cues { cues, timestamp_map } => {
                let Session { streams, text, timeline, .. } = self;
                let Some(stream) = streams.iter().find(|stream| stream.id() == id) else { return };
                let Some(download) = stream.download() else { return };
                let segment = &download.plan().segment;
                if text.insert(cues, timestamp_map, segment.mapping, segment.start, timeline) {
                    cx.effects.emit(Event::CuesChanged);
                }
            }
        }
    }

    /// Counts what damage of a segment cost, and announces it once for consecutive segments.
    fn on_damage(&mut self, cx: &mut Context, id: StreamId, damage: TrackDamage) {
        if !self.wanted_of(id).has(damage.kind) {
            return;
        }
        if damage.kind == MediaKind::Video {
            let account = self.video.account_mut();
            account.refuse(Loss::Undecodable, usize::try_from(damage.undecodable).unwrap_or(usize::MAX));
            account.note_incomplete(damage.incomplete);
        }
        let Some(stream) = self.stream_mut(id) else { return };
        let Some(download) = stream.download() else { return };
        let segment = &download.plan().segment;
        let (number, previous) = (segment.id, segment.previous);
        let url = segment.resource.urls.first().cloned();
        let before = stream.note_damaged(number);
        let goes_on = before.is_some_and(|before| before == number || Some(before) == previous);
        if damage.gaps == 0 || goes_on {
            return;
        }
        let message = format!("packets are missing or damaged in {} places of the segment", damage.gaps);
        let error = PlayerError::warning(ErrorCode::MediaMalformed, message).at(Stage::Segment);
        cx.effects.warn(match &url {
            Some(url) => error.with_url(url),
            None => error,
        });
    }

    fn on_init(&mut self, cx: &mut Context, id: StreamId, init: Arc<InitSegment>) {
        note_carried(self, id, &init);
        cx.ledger.phase("init", cx.now);
        let Some(stream) = self.stream_mut(id) else { return };
        let Some(download) = stream.download_mut() else { return };
        download.note_init(init);
    }

    /// Names the key of each encrypted sample as the session knows it, and requests a licence for keys that were not
    /// requested yet.
    fn name_keys(&mut self, cx: &mut Context, id: StreamId, fragment: &mut Fragment) {
        if fragment.samples.iter().all(|sample| sample.crypto.is_none()) {
            return;
        }
        let download = self.stream(id).and_then(|stream| stream.download());
        let encryption = download.and_then(|download| download.plan().segment.encryption.clone());
        if let Some(key) = self.keys.sample_key(encryption.as_ref()) {
            for crypto in fragment.samples.iter_mut().filter_map(|sample| sample.crypto.as_mut()) {
                Arc::make_mut(crypto).key_id = key.key_id;
            }
            return;
        }
        let mut ids: Vec<KeyId> = Vec::new();
        for crypto in fragment.samples.iter().filter_map(|sample| sample.crypto.as_ref()) {
            let key = KeyId(crypto.key_id);
            if ids.last() != Some(&key) {
                ids.push(key);
            }
        }
        ids.sort_unstable();
        let systems = encryption.iter().flat_map(|found| found.media.iter()).map(|key| key.system.clone());
        let systems: Vec<KeySystem> = systems.collect();
        self.keys.request_licence(&ids, &systems, &mut cx.jobs, cx.now);
    }

    fn on_fragment(&mut self, cx: &mut Context, id: StreamId, fragment: Fragment) {
        let mut fragment = fragment;
        self.name_keys(cx, id, &mut fragment);
        if let Some(fragment) = self.hold_early(id, fragment) {
            self.place_fragment(cx, id, fragment);
            self.place_early(cx, id);
        }
    }

    /// Holds audio back until the video of the same file has shown where their discontinuity belongs.
    fn hold_early(&mut self, id: StreamId, fragment: Fragment) -> Option<Fragment> {
        let pictures = self.wanted_of(id).video;
        let Session { streams, timeline, .. } = self;
        let download = streams.iter_mut().find(|stream| stream.id() == id)?.download_mut()?;
        let kind = |number| download.init().and_then(|init| wanted_track(init, number)).map(|track| track.kind);
        let sound = kind(fragment.track) == Some(MediaKind::Audio);
        let with_pictures = pictures
            && download.init().into_iter().flat_map(|init| &init.tracks).any(|track| track.kind == MediaKind::Video);
        if sound && with_pictures && timeline.known(download.plan().segment.mapping).is_none() {
            download.hold_early(fragment);
            return None;
        }
        Some(fragment)
    }

    /// Sound that was kept back goes where it belongs: the pictures have come, or none will.
    pub(in crate::engine) fn place_early(&mut self, cx: &mut Context, id: StreamId) {
        let Some(stream) = self.stream_mut(id) else { return };
        let Some(download) = stream.download_mut() else { return };
        for fragment in download.take_early() {
            self.place_fragment(cx, id, fragment);
        }
    }

    /// Places samples on the presentation timeline and adds them to the buffer of their kind.
    ///
    /// The first samples of a segment fix the shift of all its times, for all of its tracks. In HLS the shift follows
    /// from the declared start of the segment and its earliest time stamp, and holds for the whole discontinuity (RFC
    /// 8216bis §4.4.4.3); in DASH the manifest declares it (ISO/IEC 23009-1 §5.3.9.2, `@presentationTimeOffset`). A
    /// shift for each fragment would move every track to the start of its segment, and audio would no longer match the
    /// video. Times far outside of the segment are corrected or dropped, with one warning a segment: they would open a
    /// gap of hours. If the first video after a start or seek begins later than the target, the segment before it is
    /// fetched instead, because declared times of long playlists drift.
    fn place_fragment(&mut self, cx: &mut Context, id: StreamId, fragment: Fragment) {
        let wanted = self.wanted_of(id);
        let Session { item, source, streams, timeline, video, audio, .. } = &mut *self;
        let Some(stream) = streams.iter_mut().find(|stream| stream.id() == id) else { return };
        let place = stream.place();
        let Some(download) = stream.download_mut() else { return };
        let Some(first) = first_presented(&fragment.samples) else { return };
        download.count(fragment.samples.len());
        let Some(init) = download.init().cloned() else { return };
        let Some(track) = wanted_track(&init, fragment.track) else { return };
        let buffer = match track.kind {
            MediaKind::Video if wanted.video => video,
            MediaKind::Audio if wanted.audio => audio,
            MediaKind::Video | MediaKind::Audio | MediaKind::Text => return,
        };
        let (kind, config) = (track.kind, Arc::clone(&track.config));
        let placing = match download.shift() {
            Some(shift) => Placing { shift, corrected: false },
            None => {
                let first = init.first.unwrap_or(first);
                move_to_media(source, download, first);
                let begins_at = download.begins_at();
                place_segment(timeline, download.plan(), place, begins_at, &init, first, buffer)
            }
        };
        download.set_shift(placing.shift);
        let (begins_at, end) = (download.begins_at(), download.plan().segment.end());
        let (samples, absurd) = place_samples(fragment.samples, placing.shift, begins_at, end);
        buffer.account_mut().refuse(Loss::OutsideWindow, absurd);
        let strange = (absurd > 0 || placing.corrected) && download.note_wrong_times();
        let SegmentPlan { rep, segment, reason, window, .. } = download.plan();
        let url = segment.resource.urls.first().cloned();
        let of = PartOf::new(*rep, segment, *reason);
        let was_empty = buffer.end().is_none();
        let committed = cx.playback.feed().committed(*item, kind);
        buffer.insert(of, &config, *window, samples, committed);
        let begins = buffer.parts().next().map(|part| part.first);
        let began_late = kind == MediaKind::Video
            && was_empty
            && stream.stepped_back() == 0
            && stream.skipped() == 0
            && !cx.playback.has_begun()
            && begins.is_some_and(|first| first > cx.playback.start().at + BEGINS_LATE);
        cx.ledger.phase("first_media", cx.now);
        let cues_placed = self.text.place(&self.timeline);
        if strange {
            let error = PlayerError::warning(
                ErrorCode::MediaMalformed,
                "timestamps lie far outside of the segment: it was moved to its announced place, or they were dropped",
            );
            let error = error.at(Stage::Segment);
            cx.effects.warn(match &url {
                Some(url) => error.with_url(url),
                None => error,
            });
        }
        if cues_placed {
            cx.effects.emit(Event::CuesChanged);
        }
        self.place_metadata(cx, id, false);
        if began_late {
            self.step_back(cx, id);
        }
    }

    /// The announced times of long playlists drift: when the segment at a seek target turns out to begin after it,
    /// the one before is fetched first.
    fn step_back(&mut self, cx: &mut Context, id: StreamId) {
        let plan = self.stream(id).and_then(|stream| stream.download()).map(|download| download.plan());
        if let Some((rep, segment)) = plan.map(|plan| (plan.rep, plan.segment.id)) {
            self.step_back_from(cx, id, rep, segment);
        }
    }

    /// Sends a stream that has nothing yet to the segment before this one.
    pub(super) fn step_back_from(&mut self, cx: &mut Context, id: StreamId, rep: RepKey, segment: SegmentId) {
        let Some(place) = schedule::before(self.source.presentation(), rep, segment) else { return };
        let steps = self.stream(id).map_or(0, Stream::stepped_back).saturating_add(1);
        self.restart_stream(cx, id, cx.playback.start().at, Departure::Void);
        if let Some(stream) = self.stream_mut(id) {
            stream.step_back_to(place, steps);
        }
    }
}

/// A stream learns from initialisation data what its files carry; what a set of sound or text carries is known.
pub(in crate::engine) fn note_carried(session: &mut Session, id: StreamId, init: &InitSegment) {
    if init.tracks.is_empty() {
        return;
    }
    let carries = |kind| init.tracks.iter().any(|track| track.kind == kind);
    if let Some(stream) = session.stream_mut(id).filter(|stream| stream.id() == StreamId::Main) {
        stream.note_carried(ContentKinds {
            video: carries(MediaKind::Video),
            audio: carries(MediaKind::Audio),
            text: carries(MediaKind::Text),
        });
    }
}

/// Moves the segments of a live set to where the media is, if their times follow from their numbers and the first media
/// shows that the writer numbers from elsewhere. The clock would else find each segment at a wrong time.
fn move_to_media(source: &mut Source, download: &mut SegmentDownload, first: MediaTime) {
    let TimestampMapping::Offset(offset) = download.plan().segment.mapping else { return };
    let off = first.shifted(offset).nanos_from(download.begins_at());
    let is_numbered_elsewhere = (NUMBERED_ELSEWHERE..PLAUSIBLE).contains(&off.abs());
    if source.is_live() && is_numbered_elsewhere && source.move_numbered(download.plan().rep, off) {
        download.move_segment(off);
    }
}

/// Shift of the times of a segment to presentation time.
struct Placing {
    shift: i64,
    /// Its media lay elsewhere than announced.
    corrected: bool,
}

/// Places a segment whose earliest sample is stamped `first` and belongs at `begins_at`, after what is in `buffer`.
fn place_segment(
    timeline: &mut Timeline,
    plan: &SegmentPlan,
    place: NextSegment,
    begins_at: MediaTime,
    init: &InitSegment,
    first: MediaTime,
    buffer: &TrackBuffer,
) -> Placing {
    let segment = &plan.segment;
    let offset = offset_of(timeline, plan, begins_at, init.clock, first);
    let neighbour = buffer
        .back()
        .filter(|part| matches!(place, NextSegment::After { rep, segment, .. } if part.of.rep == rep && part.of.segment == Some(segment)))
        .map(|part| part.last);
    let duration = segment.end().since(begins_at);
    let correction = timeline::correction(begins_at, first.shifted(offset), duration, neighbour);
    Placing { shift: offset.saturating_add(correction), corrected: correction != 0 }
}

/// Returns the map of the times of a segment whose earliest sample is stamped `first` and belongs at `begins_at` to
/// presentation time.
fn offset_of(
    timeline: &mut Timeline,
    plan: &SegmentPlan,
    begins_at: MediaTime,
    clock: MediaClock,
    first: MediaTime,
) -> i64 {
    let mapping = plan.segment.mapping;
    match clock {
        MediaClock::Endless => timeline.offset(mapping, plan.opening, begins_at, first),
        // Its origin is arbitrary: a small offset is not rounding.
        MediaClock::Mpeg => {
            let offset = timeline.offset(mapping, false, begins_at, first);
            offset.saturating_add(timeline::turns(begins_at, first.shifted(offset)))
        }
        MediaClock::Absent => begins_at.nanos_from(first),
    }
}

/// The time of the first picture or sound. What lies before time zero, when other media does not, is the delay of an
/// encoder that an edit list cuts off (ISO/IEC 14496-12 §8.6.6): it belongs to no place.
fn first_presented(samples: &[Sample]) -> Option<MediaTime> {
    let times = || samples.iter().map(|sample| sample.pts);
    times().filter(|pts| *pts >= MediaTime::ZERO).min().or_else(|| times().min())
}

/// The track with a number, when it is the first of its kind.
fn wanted_track(init: &InitSegment, number: u32) -> Option<&TrackInit> {
    let track = init.tracks.iter().find(|track| track.id == number)?;
    let first = init.tracks.iter().find(|other| other.kind == track.kind)?;
    (first.id == number).then_some(track)
}

/// Shifts samples onto the presentation timeline and drops those that lie absurdly far from their segment; gives their
/// number.
fn place_samples(samples: Vec<Sample>, shift: i64, start: MediaTime, end: MediaTime) -> (Vec<Sample>, usize) {
    let (earliest, latest) = (start.shifted(-PLAUSIBLE), end.shifted(PLAUSIBLE));
    let before = samples.len();
    let mut samples = samples;
    samples.retain_mut(|sample| {
        sample.pts = sample.pts.shifted(shift);
        sample.dts = sample.dts.shifted(shift);
        sample.pts >= earliest && sample.pts <= latest
    });
    let dropped = before - samples.len();
    (samples, dropped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::Payload;

    #[test]
    fn the_first_sample_that_is_not_before_zero_places_a_segment() {
        let first = |times: &[i64]| {
            let sample = |at: &i64| Sample {
                pts: MediaTime::from_millis(*at),
                dts: MediaTime::from_millis(*at),
                duration: std::time::Duration::from_millis(20),
                key: true,
                payload: Payload(vec![0].into()),
                crypto: None,
            };
            first_presented(&times.iter().map(sample).collect::<Vec<_>>()).map(|time| time.as_nanos() / 1_000_000)
        };
        assert_eq!(first(&[-40, -20, 0, 20]), Some(0));
        assert_eq!(first(&[-40, 60, 20, 40]), Some(20));
        assert_eq!(first(&[-20, -40]), Some(-40), "nothing else is there");
        assert_eq!(first(&[]), None);
    }
}
