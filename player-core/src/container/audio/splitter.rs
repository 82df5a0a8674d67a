//! Frames of sound out of a stream of bytes, with a time for each: packets tell the time of the first frame that
//! begins in them, and frames are counted from there.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};

use super::header::{Coding, Format, Head, LONGEST, Look};
use super::id3;
use super::latm::Latm;
use super::protect::{AUDIO_PATTERN, Runs};
use crate::container::elementary::{Piece, Unit};
use crate::container::ts::clock::{Clock, Stamp, instant};
use crate::container::{CodecConfig, DemuxError, SampleKey};
use crate::time::{MediaTime, duration_from_ticks};

/// Maximum number of packets whose time is known and whose bytes were not read yet.
const MARKS: usize = 1 << 12;

/// Cuts a stream into frames.
#[derive(Clone, Debug)]
pub(in crate::container) struct FrameSplitter {
    /// Formats that are possible; one is left once it has been found.
    formats: &'static [Format],
    /// ID3 tags may stand between frames, and tell the time.
    tags: bool,
    clock: Clock,
    key: Option<SampleKey>,
    buffer: BytesMut,
    /// Place of the buffer's first byte in the stream.
    base: u64,
    marks: VecDeque<(u64, MediaTime)>,
    /// Time of the last packet that had one, and the number of samples since.
    anchor: Option<(MediaTime, u64)>,
    synchronised: bool,
    /// Duration of the last frame.
    frame: Duration,
    /// Shape of the last configuration that was given.
    known: Option<(Coding, u32, Option<u32>)>,
    latm: Latm,
    /// An access unit to which dependent frames may be added.
    held: Option<Held>,
}

#[derive(Clone, Debug)]
struct Held {
    bytes: BytesMut,
    head: Head,
    time: MediaTime,
    runs: Runs,
}

impl FrameSplitter {
    /// A splitter for a stream of a transport stream.
    pub fn new(format: Format, key: Option<SampleKey>) -> Self {
        Self {
            formats: format.alone(),
            tags: false,
            clock: Clock::default(),
            key,
            buffer: BytesMut::new(),
            base: 0,
            marks: VecDeque::new(),
            anchor: None,
            synchronised: false,
            frame: Duration::ZERO,
            known: None,
            latm: Latm::default(),
            held: None,
        }
    }

    /// Returns a splitter for packed audio: any of its formats, with tags; time begins at zero unless a tag sets it.
    pub fn packed(key: Option<SampleKey>) -> Self {
        let mut splitter = Self::new(Format::Adts, key);
        splitter.formats = Format::PACKED;
        splitter.tags = true;
        splitter.anchor = Some((MediaTime::ZERO, 0));
        splitter
    }

    /// Sets the presentation time of the first frame that begins in the bytes pushed from now on.
    pub fn mark(&mut self, stamp: Stamp) {
        if self.marks.len() == MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back((self.base + self.buffer.len() as u64, instant(stamp.pts)));
    }

    /// Takes bytes.
    ///
    /// # Errors
    /// When a tag exceeds its limit.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Piece>) -> Result<(), DemuxError> {
        self.buffer.extend_from_slice(bytes);
        while self.step(false, out)? {}
        Ok(())
    }

    /// A segment of packed audio begins: gives the beginning of the frame that the one before ended in. The
    /// configuration is given again with the first frame.
    pub fn begin_segment(&mut self, continues: bool) -> Bytes {
        let cut = if continues { self.buffer.split().freeze() } else { Bytes::new() };
        let (clock, anchor, held) = (self.clock, self.anchor, self.held.take());
        self.base += cut.len() as u64;
        let now = self.now();
        self.jump();
        if continues {
            // Only tags tell times that go on; without any, each segment begins at zero.
            let anchor = now.map(|now| (now, 0)).or(anchor).filter(|_| clock.is_running());
            (self.clock, self.held) = (clock, held);
            self.anchor = anchor.or(self.anchor);
        }
        self.known = None;
        cut
    }

    /// True if a frame begins with these bytes; bytes that may be more of a header count.
    pub fn begins_frame(&self, bytes: &[u8]) -> bool {
        self.formats.iter().any(|format| matches!(format.look(bytes), Look::Yes(_)))
    }

    /// Takes the beginning of a frame whose rest is `following`. After a tag the frame is placed before the time that the
    /// tag gave: that is the time of the first frame which begins in the segment. A dependent frame has the time of the
    /// independent one before it.
    ///
    /// # Errors
    /// When a tag exceeds its limit.
    pub fn take_cut(
        &mut self,
        cut: &[u8],
        following: &[u8],
        tagged: bool,
        out: &mut Vec<Piece>,
    ) -> Result<(), DemuxError> {
        let look = |bytes: &[u8]| {
            self.formats.iter().find_map(|format| match format.look(bytes) {
                Look::Yes(head) => Some(head),
                Look::No | Look::More => None,
            })
        };
        let (mut rest, mut duration, mut last) = (cut, Duration::ZERO, self.frame);
        while let Some(head) = look(rest).filter(|head| head.size > 0) {
            last = duration_from_ticks(u64::from(head.samples), head.rate.max(1));
            duration += if head.dependent { Duration::ZERO } else { last };
            rest = rest.get(head.size..).unwrap_or_default();
        }
        if !rest.is_empty() && !look(&[rest, following].concat()).is_some_and(|head| head.dependent) {
            // A header that is cut itself: frames of one stream last alike.
            duration += last;
        }
        if let (Some((origin, 0)), true) = (self.anchor, tagged && self.clock.is_running()) {
            self.anchor = Some((origin - duration, 0));
        }
        self.synchronised = !last.is_zero();
        self.push(cut, out)
    }

    /// Forgets the frame that was begun, and all times; the configuration stays known.
    pub fn jump(&mut self) {
        self.base += self.buffer.len() as u64;
        self.buffer.clear();
        self.marks.clear();
        (self.clock, self.held, self.synchronised) = (Clock::default(), None, false);
        self.anchor = self.tags.then_some((MediaTime::ZERO, 0));
    }

    /// Frames from now on are encrypted with this key.
    pub fn set_key(&mut self, key: Option<SampleKey>) {
        self.key = key;
    }

    /// Bytes held back for frames that are not complete.
    pub fn held_bytes(&self) -> usize {
        self.buffer.len() + self.held.as_ref().map_or(0, |held| held.bytes.len())
    }

    /// Nothing follows; a frame that is cut off is dropped.
    ///
    /// # Errors
    /// When a tag exceeds its limit.
    pub fn finish(&mut self, out: &mut Vec<Piece>) -> Result<(), DemuxError> {
        while self.step(true, out)? {}
        self.release(out);
        self.buffer.clear();
        Ok(())
    }

    /// Goes on by a frame, a tag or a byte that is neither; false when more bytes are needed.
    fn step(&mut self, last: bool, out: &mut Vec<Piece>) -> Result<bool, DemuxError> {
        if self.buffer.is_empty() {
            return Ok(false);
        }
        if self.tags && id3::may_begin(&self.buffer) {
            match id3::tag_size(&self.buffer) {
                Some(size) if size > id3::TAG_BYTES => {
                    let (what, limit) = ("the size of an ID3 tag".to_owned(), id3::TAG_BYTES as u64);
                    return Err(DemuxError::Limit { what, limit, offset: self.base });
                }
                Some(size) if size <= self.buffer.len() => {
                    self.take_tag(size, out);
                    return Ok(true);
                }
                _ if !last => return Ok(false),
                _ => {}
            }
        }
        for &format in self.formats {
            match format.look(&self.buffer) {
                Look::Yes(head) => match self.confirm(format, &head, last) {
                    Some(true) => {
                        self.formats = format.alone();
                        self.take_frame(&head, out);
                        return Ok(true);
                    }
                    Some(false) => {}
                    None => return Ok(false),
                },
                Look::More if !last => return Ok(false),
                Look::More | Look::No => {}
            }
        }
        self.synchronised = false;
        self.skip(1);
        Ok(true)
    }

    /// Returns true if a header is one: its frame is here, and while synchronisation is not certain another one
    /// follows. `None` if more bytes are needed.
    fn confirm(&self, format: Format, head: &Head, last: bool) -> Option<bool> {
        let whole = self.buffer.len() >= head.size;
        if !whole {
            return if last { Some(false) } else { None };
        }
        if self.synchronised {
            return Some(true);
        }
        let rest = self.buffer.get(head.size..).unwrap_or_default();
        let rest = &rest[..rest.len().min(LONGEST)];
        if self.tags && id3::may_begin(rest) {
            return if rest.len() >= 3 || last { Some(true) } else { None };
        }
        match format.look(rest) {
            Look::Yes(next) => {
                Some(next.coding == head.coding || next.dependent || next.coding == Coding::DtsExtension)
            }
            Look::No => Some(last && rest.is_empty()),
            Look::More if last => Some(true),
            Look::More => None,
        }
    }

    fn skip(&mut self, count: usize) {
        self.buffer.advance(count);
        self.base += count as u64;
    }

    fn take_tag(&mut self, size: usize, out: &mut Vec<Piece>) {
        let tag = Bytes::copy_from_slice(&self.buffer.split_to(size));
        self.base += size as u64;
        if let Some(ticks) = id3::timestamp(&tag) {
            let stamp = self.clock.unroll(ticks, None);
            self.anchor = Some((instant(stamp.pts), 0));
        }
        out.push(Piece::Tag(self.now(), tag));
    }

    /// The time of the next frame.
    fn now(&self) -> Option<MediaTime> {
        let (origin, samples) = self.anchor?;
        let rate = self.known.map_or(1, |(_, rate, _)| rate.max(1));
        let since = duration_from_ticks(samples, rate);
        Some(origin + since)
    }

    /// The time of a frame of `rate` that begins at `place`.
    fn time(&mut self, place: u64, rate: u32) -> Option<MediaTime> {
        while let Some(&(_, time)) = self.marks.front().filter(|(marked, _)| *marked <= place) {
            self.anchor = Some((time, 0));
            self.marks.pop_front();
        }
        if let Some((_, known, _)) = self.known
            && known != rate
            && let Some(now) = self.now()
        {
            self.anchor = Some((now, 0));
        }
        let (origin, samples) = self.anchor?;
        Some(origin + duration_from_ticks(samples, rate))
    }

    fn take_frame(&mut self, head: &Head, out: &mut Vec<Piece>) {
        self.synchronised = true;
        let behind_core = head.coding == Coding::DtsExtension
            && self.held.as_ref().is_some_and(|held| held.head.coding == Coding::Dts);
        if head.dependent || behind_core {
            // Without an independent frame before it there is nothing to add it to.
            let bytes = self.buffer.split_to(head.size);
            self.base += head.size as u64;
            if let Some(held) = &mut self.held {
                held.bytes.extend_from_slice(&bytes);
                held.runs.frame(bytes.len());
            }
            return;
        }
        self.release(out);
        if head.coding == Coding::Latm {
            return self.take_latm(head, out);
        }
        self.frame = duration_from_ticks(u64::from(head.samples), head.rate.max(1));
        let time = self.time(self.base, head.rate);
        let mut bytes = self.buffer.split_to(head.size);
        self.base += head.size as u64;
        // Frames before the first time are not presentable.
        let Some(time) = time else { return };
        let shape = (head.coding, head.rate, head.channels);
        if self.known.replace(shape) != Some(shape)
            && let Some(config) = head.config()
        {
            out.push(self.config(config));
        }
        self.count(head.samples);
        let bytes = bytes.split_off(head.strip);
        let mut runs = Runs::default();
        runs.frame(bytes.len());
        self.held = Some(Held { bytes, head: *head, time, runs });
        if !matches!(head.coding, Coding::Eac3 | Coding::Dts) {
            self.release(out);
        }
    }

    fn take_latm(&mut self, head: &Head, out: &mut Vec<Piece>) {
        let start = self.base;
        let frame = self.buffer.split_to(head.size);
        self.base += head.size as u64;
        let Some(element) = self.latm.read(frame.get(head.strip..).unwrap_or_default()) else { return };
        let time = self.time(start, element.rate);
        self.known = Some((Coding::Latm, element.rate, None));
        if let Some(config) = element.config {
            out.push(self.config(config));
        }
        let Some(mut time) = time else { return };
        let duration = duration_from_ticks(u64::from(element.samples), element.rate);
        for payload in element.frames {
            self.count(element.samples);
            let stored = payload.len();
            let crypto = None;
            out.push(Piece::Unit(Unit { pts: time, dts: time, duration, key: true, payload, stored, crypto }));
            time = time + duration;
        }
    }

    fn config(&self, mut config: CodecConfig) -> Piece {
        config.protection_scheme = self.key.as_ref().map(|_| *b"cbcs");
        Piece::Config(Box::new(config))
    }

    fn count(&mut self, samples: u32) {
        if let Some((_, since)) = &mut self.anchor {
            *since += u64::from(samples);
        }
    }

    /// Gives the access unit that waits for dependent frames.
    fn release(&mut self, out: &mut Vec<Piece>) {
        let Some(held) = self.held.take() else { return };
        // An access unit of the segment before: the configuration comes before the first samples of each segment.
        if self.known.is_none()
            && let Some(config) = held.head.config()
        {
            self.known = Some((held.head.coding, held.head.rate, held.head.channels));
            out.push(self.config(config));
        }
        let duration: Duration = duration_from_ticks(u64::from(held.head.samples), held.head.rate);
        let crypto = self.key.as_ref().and_then(|key| held.runs.finish(key, AUDIO_PATTERN));
        let stored = held.bytes.len() + held.head.strip;
        let payload = held.bytes.freeze();
        let unit = Unit { pts: held.time, dts: held.time, duration, key: true, payload, stored, crypto };
        out.push(Piece::Unit(unit));
    }
}

#[cfg(test)]
#[path = "splitter_tests.rs"]
mod tests;
