//! Transport packets (ISO/IEC 13818-1 §2.4.3): found in the bytes, also after damage, and taken apart.

use bytes::{Buf as _, BytesMut};

/// Bytes of a packet.
pub(in crate::container) const PACKET: usize = 188;
const SYNC: u8 = 0x47;
/// Distances from packet to packet: plain, with a time code before each (Blu-ray), with error correction after.
const STRIDES: [usize; 3] = [PACKET, 192, 204];
/// Packets in a row that make a stride certain, where there are as many.
const CERTAIN: usize = 4;

/// A packet whose content is not reliable (`transport_error_indicator`, §2.4.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DamagedPacket {
    /// Identifier of its stream, as far as the header is readable.
    pub pid: u16,
}

/// A transport packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    /// Identifier of the stream.
    pub pid: u16,
    /// A table section or a packet of an elementary stream begins in it.
    pub unit_start: bool,
    /// Counters of time and packets may begin anew.
    pub discontinuity: bool,
    /// Its payload is scrambled.
    pub scrambled: bool,
    /// Stuffing bytes stand before its payload. Writers put them into the last packet of a PES packet only, because
    /// nothing else leaves room (§2.4.3.5).
    pub stuffed: bool,
    /// Its number in its stream, modulo 16.
    pub counter: u8,
    /// Bytes of the stream; empty without payload.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Takes a packet apart.
    ///
    /// # Errors
    /// [`DamagedPacket`] when its sender marked it as damaged, or its adaptation field is longer than it is.
    pub fn read(bytes: &'a [u8; PACKET]) -> Result<Self, DamagedPacket> {
        let [_, flags, low, control, rest @ ..] = bytes;
        let pid = u16::from_be_bytes([flags & 0x1f, *low]);
        let damaged = DamagedPacket { pid };
        if flags & 0x80 != 0 {
            return Err(damaged);
        }
        let (has_adaptation, has_payload) = (control & 0x20 != 0, control & 0x10 != 0);
        let mut payload = &rest[..];
        let (mut discontinuity, mut stuffed) = (false, false);
        if has_adaptation {
            let (&length, after) = payload.split_first().ok_or(damaged)?;
            let (adaptation, after) = after.split_at_checked(usize::from(length)).ok_or(damaged)?;
            discontinuity = adaptation.first().is_some_and(|flags| flags & 0x80 != 0);
            stuffed = adaptation_fields(adaptation).is_none_or(|used| used < adaptation.len());
            payload = after;
        }
        Ok(Self {
            pid,
            unit_start: flags & 0x40 != 0,
            discontinuity,
            scrambled: control & 0xc0 != 0,
            stuffed,
            counter: control & 15,
            payload: if has_payload { payload } else { &[] },
        })
    }
}

/// Bytes of an adaptation field that its flags account for (§2.4.3.4); `None` for an empty one, which is a byte of
/// stuffing by itself.
fn adaptation_fields(field: &[u8]) -> Option<usize> {
    let flags = *field.first()?;
    let mut used = 1;
    for (flag, size) in [(0x10, 6), (0x08, 6), (0x04, 1)] {
        used += if flags & flag != 0 { size } else { 0 };
    }
    // Private data and the extension count their own bytes.
    for flag in [0x02, 0x01] {
        if flags & flag != 0 {
            used += 1 + field.get(used).copied().map_or(0, usize::from);
        }
    }
    Some(used)
}

/// True when packets can be found near the beginning of `bytes`: three in a row, or the only one there is room for.
pub(in crate::container) fn looks_like(bytes: &[u8]) -> bool {
    let fits = |at: usize, needed: usize| {
        bytes.get(at) == Some(&SYNC)
            && STRIDES.iter().any(|stride| {
                let there: Vec<_> = (1..3).filter_map(|count| bytes.get(at + stride * count)).collect();
                there.len() >= needed && there.iter().all(|&&byte| byte == SYNC)
            })
    };
    let short = if bytes.len() > 2 * STRIDES[2] { 2 } else { 0 };
    fits(0, short) || (1..STRIDES[2]).any(|at| fits(at, 2))
}

/// Finds packets in bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct PacketFinder {
    buffer: BytesMut,
    /// Place in the data of the buffer's first byte.
    base: u64,
    /// Distance to the next packet, once it is certain.
    stride: Option<usize>,
    /// Bytes after a packet that are passed over.
    skip: usize,
    found: u64,
    /// Bytes in the buffer of the segment before, while it is open whether this one goes on inside their packet.
    joint: Option<usize>,
}

impl PacketFinder {
    /// The data goes on in another segment, which may be cut inside a packet: its beginning is kept, and counts start
    /// anew.
    pub fn begin_segment(&mut self) {
        let within = self.buffer.first().map_or(self.skip > 0, |&byte| byte == SYNC);
        if self.stride.is_none() || !within {
            *self = Self::default();
            return;
        }
        (self.base, self.found, self.joint) = (0, 0, Some(self.buffer.len()));
    }

    /// Returns true if `bytes`, the beginning of another segment or all of it, can go on inside the packet that was cut:
    /// the packets after it stand where they must. `None` when there is no such packet.
    pub fn is_continued_by(&self, bytes: &[u8]) -> Option<bool> {
        let stride = self.stride?;
        let cut = self.buffer.first().is_some_and(|&byte| byte == SYNC);
        let next = if cut { stride.checked_sub(self.buffer.len())? } else { self.skip };
        if next == 0 {
            return None;
        }
        let mut starts = (next..).step_by(stride).take(CERTAIN).map_while(|at| bytes.get(at));
        Some(starts.all(|&byte| byte == SYNC))
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Place of the next byte that was not read.
    pub fn position(&self) -> u64 {
        self.base
    }

    /// Packets found so far.
    pub fn found(&self) -> u64 {
        self.found
    }

    /// Takes the next packet; `last` means that no byte follows.
    pub fn next(&mut self, last: bool) -> Option<[u8; PACKET]> {
        self.join(last)?;
        loop {
            let gap = self.skip.min(self.buffer.len());
            self.advance(gap);
            self.skip -= gap;
            if self.buffer.len() < PACKET {
                return None;
            }
            match self.stride {
                Some(stride) if self.buffer[0] == SYNC => {
                    let packet = *self.buffer.first_chunk()?;
                    self.advance(PACKET);
                    self.skip = stride - PACKET;
                    self.found += 1;
                    return Some(packet);
                }
                Some(_) => self.stride = None,
                None => self.synchronise(last)?,
            }
        }
    }

    /// Decides if the segment goes on inside the packet that the one before ended in, or begins with another one;
    /// `None` when more bytes are needed.
    fn join(&mut self, last: bool) -> Option<()> {
        let Some((kept, stride)) = self.joint.zip(self.stride) else { return Some(()) };
        if self.buffer.len() < kept + self.skip + stride * CERTAIN && !last {
            return None;
        }
        // Packets in a row from a place on, as far as there are bytes; none when one of them is missing.
        let row = |at: usize| {
            let mut there = (0..CERTAIN).map_while(|count| self.buffer.get(at + stride * count));
            there.try_fold(0, |count, &byte| (byte == SYNC).then_some(count + 1))
        };
        let next = if kept > 0 { stride } else { self.skip };
        let (goes_on, begins) = (row(next), row(kept).unwrap_or(0));
        if goes_on.is_none_or(|packets| packets < begins) {
            let rest = self.buffer.split_off(kept);
            *self = Self { buffer: rest, ..Self::default() };
        }
        self.joint = None;
        Some(())
    }

    /// Looks for the next packets in a row; `None` when more bytes are needed.
    fn synchronise(&mut self, last: bool) -> Option<()> {
        let mut at = 0;
        loop {
            let Some(next) = self.buffer.get(at..).and_then(|rest| rest.iter().position(|&byte| byte == SYNC)) else {
                self.advance(self.buffer.len());
                return None;
            };
            at += next;
            let rest = &self.buffer[at..];
            let mut undecided = false;
            for stride in STRIDES {
                let there = (1..CERTAIN).map_while(|count| rest.get(stride * count)).take(CERTAIN - 1);
                let (count, fits) = there.fold((1, true), |(count, fits), &byte| (count + 1, fits && byte == SYNC));
                if !fits {
                    continue;
                }
                if count == CERTAIN || last && rest.len() >= PACKET {
                    self.advance(at);
                    self.stride = Some(stride);
                    return Some(());
                }
                undecided |= !last;
            }
            if undecided {
                self.advance(at);
                return None;
            }
            at += 1;
        }
    }

    fn advance(&mut self, count: usize) {
        self.buffer.advance(count);
        self.base += count as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(bytes: &[u8], piece: usize) -> Vec<u8> {
        let mut finder = PacketFinder::default();
        let mut found = Vec::new();
        for piece in bytes.chunks(piece) {
            finder.push(piece);
            found.extend(std::iter::from_fn(|| finder.next(false)).map(|packet| packet[4]));
        }
        found.extend(std::iter::from_fn(|| finder.next(true)).map(|packet| packet[4]));
        found
    }

    fn packet(number: u8) -> Vec<u8> {
        let mut packet = vec![0xee; PACKET];
        (packet[0], packet[4]) = (SYNC, number);
        packet
    }

    #[test]
    fn packets_are_found_behind_garbage_and_damage() {
        let mut bytes = vec![SYNC, 1, 2, SYNC];
        (0..6).for_each(|number| bytes.extend(packet(number)));
        bytes.extend([9; 77]);
        (6..12).for_each(|number| bytes.extend(packet(number)));
        bytes[4 + 3 * PACKET] = 0;
        bytes.extend(&packet(12)[..100]);
        let expected = [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11];
        for piece in 1..400 {
            let found = packets(&bytes, piece);
            assert!(found.ends_with(&expected[5..]), "{piece}: {found:?}");
            assert_eq!(found, packets(&bytes, bytes.len()), "{piece}");
        }
    }

    #[test]
    fn longer_strides_and_short_files_are_read() {
        for (before, after) in [(4, 0), (0, 16), (0, 0)] {
            for count in [1u8, 2, 9] {
                let one = |number| [vec![0x11; before], packet(number), vec![0x22; after]].concat();
                let bytes: Vec<_> = (0..count).flat_map(one).collect();
                assert_eq!(packets(&bytes, 100), (0..count).collect::<Vec<_>>(), "{before} {after} {count}");
            }
        }
        assert_eq!(packets(&[SYNC; 187], 5).len(), 0);
    }

    #[test]
    fn a_segment_may_begin_inside_the_bytes_after_a_packet() {
        // The 16 check bytes of a packet of 204 bytes hold a false sync byte at their fourth place.
        let check = |place: usize| if place == 3 { SYNC } else { 0x22 };
        let one = |number| [packet(number), (0..16).map(check).collect()].concat();
        let bytes: Vec<_> = (0..20).flat_map(one).collect();
        for cut in 9 * 204..=10 * 204 {
            let mut finder = PacketFinder::default();
            let mut found = Vec::new();
            for (segment, last) in [(&bytes[..cut], false), (&bytes[cut..], true)] {
                finder.push(segment);
                found.extend(std::iter::from_fn(|| finder.next(last)).map(|packet| packet[4]));
                finder.begin_segment();
            }
            assert_eq!(found, (0..20).collect::<Vec<_>>(), "cut at {cut}");
        }
    }

    #[test]
    fn adaptation_fields_are_passed_over() {
        let mut bytes = [0xff; PACKET];
        bytes[..7].copy_from_slice(&[SYNC, 0x41, 0x02, 0x37, 2, 0x80, 0]);
        let packet = Packet::read(&bytes);
        let expected = (0x102, true, true, 7, PACKET - 7);
        assert_eq!(packet.map(|p| (p.pid, p.unit_start, p.discontinuity, p.counter, p.payload.len())), Ok(expected));
        bytes[4] = 184;
        assert_eq!(Packet::read(&bytes), Err(DamagedPacket { pid: 0x102 }));
        (bytes[1], bytes[4]) = (0xc1, 2);
        assert_eq!(Packet::read(&bytes), Err(DamagedPacket { pid: 0x102 }));
    }
}
