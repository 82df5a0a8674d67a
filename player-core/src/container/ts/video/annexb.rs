//! Access units out of a byte stream (ITU-T H.264 annex B, H.265 annex B), as length-prefixed NAL units.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use super::{Syntax, unescape};
use crate::container::audio::protect::{CLEAR_NAL, Runs, VIDEO_PATTERN};
use crate::container::elementary::{Piece, Unit};
use crate::container::ts::clock::{RATE, Stamp, instant};
use crate::container::{CodecConfig, DemuxError, SampleCrypto, SampleKey};
use crate::time::duration_from_ticks;

/// Bytes of an access unit.
const UNIT_BYTES: usize = 16 << 20;
/// NAL units of an access unit.
const NAL_UNITS: usize = 1 << 14;
/// Zeros before a start code that are counted to its access unit.
const ZEROS: usize = 3;
/// Maximum number of packets whose time is known and whose bytes were not read yet.
const MARKS: usize = 1 << 12;
/// Pictures before the first parameter sets that are kept, and their bytes: ten seconds of a usual stream.
const EARLY: usize = 256;
const EARLY_BYTES: usize = 32 << 20;
/// Two pictures further apart than this are not neighbours: times were reset between them.
const FAR: i64 = 10 * RATE as i64;
/// Duration of a picture in ticks if nothing declares it.
const GUESS: i64 = RATE as i64 / 30;

/// Reads a stream of pictures.
#[derive(Clone, Debug)]
pub(in crate::container::ts) struct VideoReader {
    syntax: Box<dyn Syntax>,
    key: Option<SampleKey>,
    /// From the beginning of the access unit on.
    buffer: BytesMut,
    /// Place in the stream of the buffer's first byte.
    base: u64,
    /// Up to where start codes were looked for.
    scanned: usize,
    /// The start code of the NAL unit that is being received.
    open: Option<usize>,
    /// NAL units of the access unit so far, without start codes.
    nals: Vec<(usize, usize)>,
    /// The access unit has a part of a picture.
    within: bool,
    entry: bool,
    config: Option<CodecConfig>,
    configured: bool,
    /// Pictures before the first parameter sets, which segments that are cut anywhere begin with.
    early: Vec<Unit>,
    early_bytes: usize,
    /// Bytes of the access unit are missing.
    incomplete: bool,
    /// Pictures that were given incomplete, and those that were not given.
    damage: (u64, u64),
    marks: VecDeque<(u64, Stamp)>,
    /// The times of the access unit.
    stamp: Option<Stamp>,
    /// Ticks between the last two pictures.
    step: Option<i64>,
}

impl VideoReader {
    /// A reader; with `key` the slices are encrypted.
    pub fn new(syntax: Box<dyn Syntax>, key: Option<SampleKey>) -> Self {
        Self {
            syntax,
            key,
            buffer: BytesMut::new(),
            base: 0,
            scanned: 0,
            open: None,
            nals: Vec::new(),
            within: false,
            entry: false,
            config: None,
            configured: false,
            early: Vec::new(),
            early_bytes: 0,
            incomplete: false,
            damage: (0, 0),
            marks: VecDeque::new(),
            stamp: None,
            step: None,
        }
    }

    /// Sets the presentation time of the first access unit that begins in the bytes pushed from now on.
    pub fn mark(&mut self, stamp: Stamp) {
        if self.marks.len() == MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back((self.base + self.buffer.len() as u64, stamp));
    }

    /// Takes bytes.
    ///
    /// # Errors
    /// When an access unit exceeds its limits.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Piece>) -> Result<(), DemuxError> {
        self.buffer.extend_from_slice(bytes);
        while let Some(at) = self.next_start_code() {
            let shift = match self.open {
                Some(open) => self.close(open, at, out)?,
                None if self.nals.is_empty() => self.drop_before(at),
                None => 0,
            };
            self.open = Some(at - shift);
            self.scanned = at - shift + 3;
        }
        if self.open.is_none() && self.nals.is_empty() {
            // A start code may have begun.
            let keep = self.buffer.len().min(3);
            self.drop_before(self.buffer.len() - keep);
        }
        limit("the size of a picture", self.buffer.len(), UNIT_BYTES, self.base)
    }

    /// Nothing follows.
    ///
    /// # Errors
    /// When an access unit exceeds its limits.
    pub fn finish(&mut self, out: &mut Vec<Piece>) -> Result<(), DemuxError> {
        if let Some(open) = self.open.take() {
            self.close(open, self.buffer.len(), out)?;
            // Without a picture these are parameter sets and messages of one that has not come.
            self.scanned = self.buffer.len();
        }
        if self.within {
            self.emit(self.buffer.len(), None, out);
            self.drop_all();
        }
        Ok(())
    }

    /// Forgets everything but parameter sets.
    pub fn jump(&mut self) {
        self.drop_all();
        self.nals.clear();
        self.early.clear();
        self.early_bytes = 0;
        (self.open, self.within, self.entry, self.stamp, self.incomplete) = (None, false, false, None, false);
    }

    /// Bytes are missing before those that are pushed next.
    pub fn lose_bytes(&mut self) {
        self.incomplete = true;
    }

    /// Returns how many pictures were given incomplete, and how many were not given, since that was last asked for.
    pub fn take_damage(&mut self) -> (u64, u64) {
        std::mem::take(&mut self.damage)
    }

    /// Number of pictures that wait for the first parameter sets.
    pub fn waiting_units(&self) -> usize {
        self.early.len()
    }

    /// True if no further picture can wait for the first parameter sets.
    pub fn is_full(&self) -> bool {
        self.early.len() >= EARLY || self.early_bytes >= EARLY_BYTES
    }

    /// Slices from now on are encrypted with this key.
    pub fn set_key(&mut self, key: Option<SampleKey>) {
        self.key = key;
    }

    /// Bytes held back for a picture that is not complete, and for those that wait for parameter sets.
    pub fn held_bytes(&self) -> usize {
        self.buffer.len() + self.early_bytes
    }

    fn drop_all(&mut self) {
        self.base += self.buffer.len() as u64;
        self.buffer.clear();
        self.marks.clear();
        self.scanned = 0;
    }

    /// Returns the position of the next start code's `00 00 01`.
    fn next_start_code(&mut self) -> Option<usize> {
        let mut at = self.scanned;
        while let Some(&[first, second, third]) = self.buffer.get(at..at + 3) {
            match (first, second, third) {
                (0, 0, 1) => return Some(at),
                (_, _, 2..) => at += 3,
                (_, 1.., _) => at += 2,
                _ => at += 1,
            }
        }
        self.scanned = at;
        None
    }

    /// Drops the bytes before the first start code, except zeros right before it. Returns their number.
    fn drop_before(&mut self, at: usize) -> usize {
        let zeros = self.buffer[..at].iter().rev().take(ZEROS).take_while(|&&byte| byte == 0).count();
        let dropped = at - zeros;
        self.forget(dropped);
        dropped
    }

    fn forget(&mut self, count: usize) {
        self.buffer.advance(count);
        self.base += count as u64;
        self.scanned = self.scanned.saturating_sub(count);
    }

    /// Reads the NAL unit from the start code at `open` to `end`; returns the number of bytes by which the buffer
    /// moved.
    fn close(&mut self, open: usize, end: usize, out: &mut Vec<Piece>) -> Result<usize, DemuxError> {
        let start = open + 3;
        let zeros = self.buffer[start..end].iter().rev().take_while(|&&byte| byte == 0).count();
        let end = end - zeros;
        if start == end {
            return Ok(0);
        }
        let role = self.syntax.read(&self.buffer[start..end], self.within);
        let mut shift = 0;
        if role.starts_unit {
            shift = self.nals.last().map_or(0, |(_, end)| *end);
            let next = self.take_stamp(open);
            self.emit(shift, next, out);
            self.stamp = next.or(self.stamp);
            self.forget(shift);
        } else if self.nals.is_empty() {
            self.stamp = self.take_stamp(open).or(self.stamp);
        }
        if role.picture && !self.within {
            self.config = self.syntax.new_config();
        }
        self.within |= role.picture;
        self.entry |= role.key;
        self.nals.push((start - shift, end - shift));
        limit("the number of NAL units of a picture", self.nals.len(), NAL_UNITS, self.base)?;
        Ok(shift)
    }

    /// The times of an access unit that begins at `at`: those of the packet it begins in.
    fn take_stamp(&mut self, at: usize) -> Option<Stamp> {
        let place = self.base + at as u64;
        let mut found = None;
        while let Some(&(_, stamp)) = self.marks.front().filter(|(marked, _)| *marked <= place) {
            found = Some(stamp);
            self.marks.pop_front();
        }
        found
    }

    /// Gives the access unit that ends at `end`, in front of one whose times are `next`.
    fn emit(&mut self, end: usize, next: Option<Stamp>, out: &mut Vec<Piece>) {
        let told = self.syntax.picture_ticks().map(i64::from);
        let step = told.or(self.step).unwrap_or(GUESS);
        let stamp = self.stamp;
        let between = next.zip(stamp).map(|(next, stamp)| next.dts - stamp.dts).filter(|step| (1..=FAR).contains(step));
        if between.is_some() {
            self.step = between;
        }
        // A picture without times follows the one before it.
        if next.is_none() {
            self.stamp = stamp.map(|stamp| Stamp { pts: stamp.pts + step, dts: stamp.dts + step });
        }
        let nals = std::mem::take(&mut self.nals);
        let entry = std::mem::take(&mut self.entry);
        self.within = false;
        if let Some(config) = self.config.take() {
            self.configured = true;
            out.push(self.configuration(config));
            out.extend(self.early.drain(..).map(Piece::Unit));
            self.early_bytes = 0;
        }
        self.damage.0 += u64::from(std::mem::take(&mut self.incomplete));
        // Pictures before the first time cannot be presented.
        let Some(stamp) = stamp else {
            self.damage.1 += 1;
            return;
        };
        let (payload, crypto) = self.gather(&nals);
        let unit = Unit {
            pts: instant(stamp.pts),
            dts: instant(stamp.dts),
            duration: duration_from_ticks(between.or(self.step).unwrap_or(step).unsigned_abs(), RATE),
            key: entry,
            payload,
            stored: end,
            crypto,
        };
        if self.configured {
            out.push(Piece::Unit(unit));
        } else if self.is_full() {
            self.damage.1 += 1;
        } else {
            self.early_bytes += unit.payload.len();
            self.early.push(unit);
        }
    }

    fn configuration(&self, mut config: CodecConfig) -> Piece {
        config.protection_scheme = self.key.as_ref().map(|_| *b"cbcs");
        Piece::Config(Box::new(config))
    }

    /// The NAL units with their lengths, and what of them is encrypted.
    fn gather(&self, nals: &[(usize, usize)]) -> (Bytes, Option<Arc<SampleCrypto>>) {
        let size: usize = nals.iter().map(|(start, end)| 4 + end - start).sum();
        let mut payload = BytesMut::with_capacity(size);
        let mut runs = Runs::default();
        for &(start, end) in nals {
            let nal = &self.buffer[start..end];
            let slice = nal.first().is_some_and(|header| matches!(header & 31, 1 | 5)) && nal.len() > CLEAR_NAL;
            runs.clear(4);
            if self.key.is_some() && slice {
                // Emulation prevention was applied once more after encryption.
                let nal = unescape(nal, usize::MAX);
                put(&mut payload, &nal);
                runs.slice(nal.len());
            } else {
                put(&mut payload, nal);
                runs.clear(nal.len());
            }
        }
        let crypto = self.key.as_ref().and_then(|key| runs.finish(key, VIDEO_PATTERN));
        (payload.freeze(), crypto)
    }
}

/// Adds a NAL unit; it is within [`UNIT_BYTES`].
fn put(payload: &mut BytesMut, nal: &[u8]) {
    payload.put_u32(nal.len() as u32);
    payload.put_slice(nal);
}

fn limit(what: &str, value: usize, limit: usize, offset: u64) -> Result<(), DemuxError> {
    if value <= limit {
        return Ok(());
    }
    Err(DemuxError::Limit { what: what.to_owned(), limit: limit as u64, offset })
}
