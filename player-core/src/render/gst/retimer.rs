//! The element in front of a sink: it stamps buffers with running time by the map that all tracks share, and stretches
//! audio by it.
//!
//! Upstream of it, buffers carry presentation times in a TIME segment of rate 1 that begins at the anchor, whatever the
//! rate is. Downstream, time stamps are running times. A buffer keeps its presentation time in a metadata entry.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_audio as gst_audio;

use super::anchor::{from_clock, to_clock};
use super::stretch::Stretcher;
use super::timing::{TimeMap, Timing};
use crate::model::MediaKind;
use crate::time::MediaTime;

/// Nanoseconds by which audio may begin before or after the end of the audio before it and still continue it.
const CONTINUOUS: i64 = 20_000_000;

/// Names the clock of presentation times in buffers.
static PRESENTATION: LazyLock<gst::Caps> = LazyLock::new(|| gst::Caps::new_empty_simple("timestamp/x-kinora"));

/// Names the clock of presentation times that were due when the audio of a buffer was chosen.
static DUE: LazyLock<gst::Caps> = LazyLock::new(|| gst::Caps::new_empty_simple("timestamp/x-kinora-due"));

/// Makes the element for a track.
///
/// # Errors
/// The pads do not fit the element, which no version of GStreamer is known to find.
pub(super) fn retimer(
    name: &str,
    track: MediaKind,
    timing: &Arc<Timing>,
) -> Result<gst::Element, gst::glib::BoolError> {
    let flags = gst::PadFlags::PROXY_CAPS | gst::PadFlags::PROXY_ALLOCATION | gst::PadFlags::PROXY_SCHEDULING;
    let asked = timing.clone();
    let src = gst::Pad::builder(gst::PadDirection::Src)
        .name("src")
        .flags(flags)
        .event_function(move |pad, parent, event| {
            let event = quality_upstream(&asked, &event).unwrap_or(event);
            gst::Pad::event_default(pad, parent, event)
        })
        .build();
    let core = Arc::new(Core { track, timing: timing.clone(), sound: Mutex::default() });
    let (chain, events) = (core.clone(), core);
    let (out, end) = (src.downgrade(), src.downgrade());
    let sink = gst::Pad::builder(gst::PadDirection::Sink)
        .name("sink")
        .flags(flags)
        .chain_function(move |_, _, buffer| {
            let out = out.upgrade().ok_or(gst::FlowError::Flushing)?;
            chain.buffer(buffer).into_iter().try_fold(gst::FlowSuccess::Ok, |_, buffer| out.push(buffer))
        })
        .event_function(move |pad, parent, event| {
            let Some(out) = end.upgrade() else { return false };
            let (before, event) = events.event(event);
            if let Some(buffer) = before {
                // A failure comes back with the event that follows.
                let _ = out.push(buffer);
            }
            gst::Pad::event_default(pad, parent, event)
        })
        .build();
    // A bin without children: an element that needs no type.
    let element = gst::Bin::with_name(name);
    element.add_pad(&sink)?;
    element.add_pad(&src)?;
    Ok(element.upcast())
}

/// Returns the presentation times at which a buffer that has passed begins and ends.
pub(super) fn presentation(buffer: &gst::BufferRef) -> Option<(MediaTime, MediaTime)> {
    let meta =
        buffer.iter_meta::<gst::ReferenceTimestampMeta>().find(|meta| meta.reference() == PRESENTATION.as_ref())?;
    let begin = meta.timestamp();
    Some((from_clock(begin), from_clock(begin + meta.duration().unwrap_or(gst::ClockTime::ZERO))))
}

/// Returns the nanoseconds of media by which the audio of a buffer is ahead of its time, at most some 10 ms either way
/// within 10 % of rate 1.
pub(super) fn ahead(buffer: &gst::BufferRef) -> i64 {
    let mut metas = buffer.iter_meta::<gst::ReferenceTimestampMeta>();
    let due = metas.find(|meta| meta.reference() == DUE.as_ref()).map(|meta| from_clock(meta.timestamp()));
    due.zip(presentation(buffer)).map_or(0, |(due, (begin, _))| begin.nanos_from(due))
}

/// Turns a report of a sink, in running time, into the time of the elements upstream.
fn quality_upstream(timing: &Timing, event: &gst::Event) -> Option<gst::Event> {
    let gst::EventView::Qos(quality) = event.view() else { return None };
    let (kind, proportion, late, at) = quality.get();
    let running = i64::try_from(at?.nseconds()).ok()?;
    let map = timing.lock();
    let rate = map.rate(running);
    let since = u64::try_from(map.presentation(running).saturating_sub(map.start().as_nanos())).unwrap_or(0);
    let at = gst::ClockTime::from_nseconds(since);
    Some(gst::event::Qos::builder(kind, proportion * rate, (late as f64 * rate) as i64).timestamp(at).build())
}

/// State that the functions of the pads share.
struct Core {
    track: MediaKind,
    timing: Arc<Timing>,
    sound: Mutex<Sound>,
}

impl Core {
    /// Returns what is to be pushed for a buffer: nothing, it, or other ones.
    fn buffer(&self, mut buffer: gst::Buffer) -> Vec<gst::Buffer> {
        let pts = buffer.pts().map(from_clock);
        let mut map = self.timing.lock();
        if self.track == MediaKind::Audio {
            return self.sound().take(&mut map, buffer, pts);
        }
        let Some(pts) = pts else { return vec![buffer] };
        let until = pts.shifted(nanos(buffer.duration()));
        let begin = pts.max(map.start());
        if until.max(pts.shifted(1)) <= map.start() {
            return Vec::new();
        }
        let running = (map.running(begin), map.running(until));
        map.pass(MediaKind::Video, running.0);
        drop(map);
        stamp(buffer.make_mut(), running, (begin, until));
        vec![buffer]
    }

    /// Returns what is to be pushed before an event, and the event that takes its place.
    fn event(&self, event: gst::Event) -> (Option<gst::Buffer>, gst::Event) {
        match event.view() {
            gst::EventView::Segment(_) => (None, gst::event::Segment::new(&running_segment())),
            gst::EventView::Caps(caps) if self.track == MediaKind::Audio => {
                let info = gst_audio::AudioInfo::from_caps(caps.caps()).ok();
                let format = info.map(|info| (info.rate(), info.channels()));
                let mut map = self.timing.lock();
                (self.sound().set_format(&mut map, format), event)
            }
            gst::EventView::Gap(gap) => {
                let mut map = self.timing.lock();
                let left = self.sound().drain(&mut map);
                let (at, span) = gap.get();
                let (from, until) = (from_clock(at).max(map.start()), from_clock(at + span.unwrap_or_default()));
                let (begin, end) = (map.running(from), map.running(until));
                let span = span.map(|_| clock(end.saturating_sub(begin)));
                (left, gst::event::Gap::builder(clock(begin)).duration(span).build())
            }
            gst::EventView::Eos(_) => {
                let mut map = self.timing.lock();
                (self.sound().drain(&mut map), event)
            }
            gst::EventView::FlushStop(_) => {
                self.sound().reset();
                (None, event)
            }
            _ => (None, event),
        }
    }

    fn sound(&self) -> MutexGuard<'_, Sound> {
        self.sound.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Audio on its way through.
#[derive(Default)]
struct Sound {
    /// Samples per second and channels.
    format: Option<(u32, u32)>,
    stretcher: Option<Stretcher>,
    /// Presentation time at which the next buffer continues the last one, in nanoseconds.
    continues: Option<i64>,
    /// Buffers go through the stretcher; otherwise they pass untouched.
    stretching: bool,
    /// Frame of the stretcher's input whose presentation time, in nanoseconds, is known.
    mark: (i64, i64),
    /// Running time at which the stretcher's output began, in nanoseconds.
    base: i64,
    /// Frames of output since then.
    given: i64,
}

impl Sound {
    /// Returns what is left of audio in another format.
    fn set_format(&mut self, map: &mut TimeMap, format: Option<(u32, u32)>) -> Option<gst::Buffer> {
        if self.format == format {
            return None;
        }
        let left = self.drain(map);
        self.format = format;
        self.stretcher = format.map(|(rate, channels)| Stretcher::new(rate, channels));
        left
    }

    fn take(&mut self, map: &mut TimeMap, buffer: gst::Buffer, pts: Option<MediaTime>) -> Vec<gst::Buffer> {
        let Some(pts) = pts.or(self.continues.map(MediaTime::from_nanos)) else { return vec![buffer] };
        let Some((mut buffer, pts, samples)) = self.clip(map.start(), buffer, pts) else { return Vec::new() };
        let far = self.continues.is_some_and(|expected| (pts.as_nanos() - expected).abs() > CONTINUOUS);
        let left = if far { self.drain(map) } else { None };
        let (Some((rate, channels)), Some(stretcher)) = (self.format, &mut self.stretcher) else { return vec![buffer] };
        let until = pts.shifted(time_of((samples.len() / channels.max(1) as usize) as i64, rate));
        self.continues = Some(until.as_nanos());
        if !self.stretching {
            let running = (map.running(pts), map.running(until));
            if map.is_unity(running.0, running.1) {
                stretcher.skip(&samples);
                map.pass(MediaKind::Audio, running.1);
                stamp(buffer.make_mut(), running, (pts, until));
                return left.into_iter().chain([buffer]).collect();
            }
            (self.stretching, self.base, self.given) = (true, running.0, 0);
        }
        self.mark = (stretcher.end(), pts.as_nanos());
        stretcher.push(&samples);
        left.into_iter().chain(self.pull(map, false)).collect()
    }

    /// Gives what is held, and forgets what was before it.
    fn drain(&mut self, map: &mut TimeMap) -> Option<gst::Buffer> {
        let left = if self.stretching { self.pull(map, true) } else { None };
        self.reset();
        left
    }

    fn reset(&mut self) {
        if let Some(stretcher) = &mut self.stretcher {
            stretcher.clear();
        }
        (self.stretching, self.continues) = (false, None);
    }

    fn pull(&mut self, map: &mut TimeMap, last: bool) -> Option<gst::Buffer> {
        let ((rate, _), stretcher) = (self.format?, self.stretcher.as_mut()?);
        let (mark, base, given) = (self.mark, self.base, self.given);
        let running = |frame: i64| base + time_of(given + frame, rate);
        let due = |frame: i64| {
            let ahead = map.presentation(running(frame)).saturating_sub(mark.1);
            mark.0 as f64 + ahead as f64 * f64::from(rate) / 1e9
        };
        let from = MediaTime::from_nanos(mark.1).shifted(time_of(stretcher.next() - mark.0, rate));
        let mut samples = Vec::new();
        let made = stretcher.pull(due, last, &mut samples);
        let end = running(made);
        // Output is input again: the next buffer may pass as it is, unless the rate changes within it.
        let is_even = stretcher.next() == stretcher.end() && (stretcher.next() as f64 - due(made)).abs() < 1.0;
        self.stretching = !(is_even && map.is_unity(end, end.saturating_add(1)));
        let begin = running(0);
        self.given += made;
        map.pass(MediaKind::Audio, end);
        let mut buffer = block(&samples)?;
        stamp(buffer.make_mut(), (begin, end), (from, from.shifted(end - begin)));
        let due = to_clock(MediaTime::from_nanos(map.presentation(begin)));
        gst::ReferenceTimestampMeta::add(buffer.make_mut(), &DUE, due, None);
        Some(buffer)
    }

    /// Returns the part of a buffer from `start` on, its presentation time and its samples.
    fn clip(
        &self,
        start: MediaTime,
        buffer: gst::Buffer,
        pts: MediaTime,
    ) -> Option<(gst::Buffer, MediaTime, Vec<f32>)> {
        let mut buffer = buffer;
        if pts < start
            && let Some((rate, channels)) = self.format
        {
            let mut span = gst::FormattedSegment::<gst::ClockTime>::new();
            span.set_start(to_clock(start));
            buffer = gst_audio::audio_buffer_clip(buffer, span.upcast_ref(), rate, channels * 4)?;
        }
        let pts = buffer.pts().map_or(pts, from_clock);
        let samples = floats(&buffer);
        Some((buffer, pts, samples))
    }
}

/// Returns the samples of a buffer of 32-bit floats.
pub(super) fn floats(buffer: &gst::BufferRef) -> Vec<f32> {
    let Ok(map) = buffer.map_readable() else { return Vec::new() };
    map.as_slice().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// Makes a buffer of samples, if there are any.
fn block(samples: &[f32]) -> Option<gst::Buffer> {
    let mut buffer = gst::Buffer::with_size(samples.len() * 4).ok().filter(|_| !samples.is_empty())?;
    let mut map = buffer.get_mut()?.map_writable().ok()?;
    for (bytes, sample) in map.as_mut_slice().as_chunks_mut::<4>().0.iter_mut().zip(samples) {
        *bytes = sample.to_le_bytes();
    }
    drop(map);
    Some(buffer)
}

/// Stamps a buffer with running times in nanoseconds, and notes its presentation times.
fn stamp(buffer: &mut gst::BufferRef, running: (i64, i64), presentation: (MediaTime, MediaTime)) {
    let span = clock(presentation.1.nanos_from(presentation.0));
    buffer.set_pts(clock(running.0));
    buffer.set_dts(gst::ClockTime::NONE);
    buffer.set_duration(clock(running.1.saturating_sub(running.0)));
    gst::ReferenceTimestampMeta::add(buffer, &PRESENTATION, to_clock(presentation.0), span);
}

/// The segment in which time stamps are running times.
fn running_segment() -> gst::FormattedSegment<gst::ClockTime> {
    let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
    segment.set_start(gst::ClockTime::ZERO);
    segment.set_time(gst::ClockTime::ZERO);
    segment
}

/// Returns the nanoseconds of frames at a sample rate.
fn time_of(frames: i64, rate: u32) -> i64 {
    (i128::from(frames) * 1_000_000_000 / i128::from(rate.max(1))) as i64
}

fn nanos(span: Option<gst::ClockTime>) -> i64 {
    span.and_then(|span| i64::try_from(span.nseconds()).ok()).unwrap_or(0)
}

fn clock(nanos: i64) -> gst::ClockTime {
    gst::ClockTime::from_nseconds(u64::try_from(nanos).unwrap_or(0))
}
