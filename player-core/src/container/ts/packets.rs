//! Streams whose packets are units by themselves: Opus (the Opus mapping for MPEG-2 TS), ID3 tags (RFC 8216bis §3.1.3),
//! and sound that is only counted.

use bytes::{Buf as _, Bytes, BytesMut};

use super::clock::{RATE, Stamp, instant};
use crate::container::audio::header::audio_config;
use crate::container::audio::id3;
use crate::container::elementary::{Piece, Unit};
use crate::container::{Codec, DemuxError};
use crate::time::{MediaTime, duration_from_ticks};

/// Bytes of a packet.
const PACKET_BYTES: usize = 4 << 20;
/// Samples per second of Opus.
const OPUS_RATE: u32 = 48_000;

/// Content of the packets.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// Opus with control headers, and the body of its `dOps` box until it has been given.
    Opus(Option<Bytes>),
    Id3,
    /// One access unit of a codec, named by its sample entry until that has been given.
    Whole(Option<[u8; 4]>),
}

/// Reads such a stream.
#[derive(Clone, Debug)]
pub(super) struct PacketReader {
    content: Content,
    buffer: BytesMut,
    stamp: Option<Stamp>,
    /// A unit whose duration follows from the next one's time.
    held: Option<Unit>,
    /// Time of the next unit in a packet without a time.
    next: Option<MediaTime>,
}

impl PacketReader {
    /// Returns a reader of this content.
    pub fn new(content: Content) -> Self {
        Self { content, buffer: BytesMut::new(), stamp: None, held: None, next: None }
    }

    /// Begins a packet, with its times if it has any.
    pub fn begin(&mut self, stamp: Option<Stamp>) {
        self.buffer.clear();
        self.stamp = stamp;
    }

    /// Takes bytes of the packet.
    ///
    /// # Errors
    /// When it exceeds its limit.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), DemuxError> {
        if self.buffer.len() + bytes.len() > PACKET_BYTES {
            let what = "the size of a packet".to_owned();
            return Err(DemuxError::Limit { what, limit: PACKET_BYTES as u64, offset: 0 });
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Ends the packet and gives its units.
    pub fn end(&mut self, out: &mut Vec<Piece>) {
        let packet = self.buffer.split().freeze();
        let time = self.stamp.take().map(|stamp| instant(stamp.pts));
        match &mut self.content {
            Content::Opus(dops) => {
                if let Some(dops) = dops.take() {
                    let channels = dops.get(1).map(|&count| u32::from(count));
                    let config = audio_config(Codec::Opus { dops }, "Opus".to_owned(), Some(OPUS_RATE), channels);
                    out.push(Piece::Config(Box::new(config)));
                }
                self.next = time.or(self.next);
                self.read_opus(packet, out);
            }
            Content::Id3 => out.extend(id3::split(packet).into_iter().map(|tag| Piece::Tag(time, tag))),
            Content::Whole(name) => {
                if let Some(name) = name.take() {
                    let string = String::from_utf8_lossy(&name).into_owned();
                    out.push(Piece::Config(Box::new(audio_config(Codec::Other(name), string, None, None))));
                }
                self.hold(packet, time, out);
            }
        }
    }

    /// Forgets the packet that was begun, and all times.
    pub fn jump(&mut self) {
        self.buffer.clear();
        (self.stamp, self.held, self.next) = (None, None, None);
    }

    pub fn held_bytes(&self) -> usize {
        self.buffer.len() + self.held.as_ref().map_or(0, |unit| unit.payload.len())
    }

    /// Ends the stream and gives its last unit.
    pub fn finish(&mut self, out: &mut Vec<Piece>) {
        out.extend(self.held.take().map(Piece::Unit));
    }

    fn hold(&mut self, payload: Bytes, time: Option<MediaTime>, out: &mut Vec<Piece>) {
        let Some(pts) = time.filter(|_| !payload.is_empty()) else { return };
        let duration = duration_from_ticks(u64::from(RATE) / 30, RATE);
        let stored = payload.len();
        let unit = Unit { pts, dts: pts, duration, key: true, payload, stored, crypto: None };
        if let Some(mut before) = self.held.replace(unit) {
            before.duration = pts.since(before.pts);
            out.push(Piece::Unit(before));
        }
    }

    /// Packets of Opus after control headers. A damaged one ends the packet.
    fn read_opus(&mut self, mut bytes: Bytes, out: &mut Vec<Piece>) {
        while let Some((header, size)) = opus_header(&bytes) {
            let stored = header + size;
            if bytes.len() < stored {
                return;
            }
            bytes.advance(header);
            let payload = bytes.split_to(size);
            let samples = opus_samples(&payload);
            let (Some(pts), Some(samples)) = (self.next, samples) else { return };
            let duration = duration_from_ticks(u64::from(samples), OPUS_RATE);
            self.next = Some(pts + duration);
            out.push(Piece::Unit(Unit { pts, dts: pts, duration, key: true, payload, stored, crypto: None }));
        }
    }
}

/// The sizes of a control header and of the packet after it.
fn opus_header(bytes: &[u8]) -> Option<(usize, usize)> {
    let [first, flags, rest @ ..] = bytes else { return None };
    if *first != 0x7f || flags & 0xe0 != 0xe0 {
        return None;
    }
    let ends = rest.iter().position(|&byte| byte != 255)?;
    let size = 255 * ends + usize::from(*rest.get(ends)?);
    let mut header = 2 + ends + 1;
    // Samples to drop at the start and at the end.
    for trimmed in [flags & 0x10 != 0, flags & 0x08 != 0] {
        header += if trimmed { 2 } else { 0 };
    }
    if flags & 0x04 != 0 {
        header += 1 + usize::from(*bytes.get(header)?);
    }
    Some((header, size))
}

/// Samples at 48 kHz of an Opus packet (RFC 6716 §3.1, §3.2).
fn opus_samples(packet: &[u8]) -> Option<u32> {
    let first = *packet.first()?;
    let frame = match first >> 3 {
        configuration @ 0..=11 => [480, 960, 1920, 2880][usize::from(configuration & 3)],
        configuration @ 12..=15 => [480, 960][usize::from(configuration & 1)],
        configuration => 120 << (configuration & 3),
    };
    let frames = match first & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 0x3f),
    };
    Some(frame * frames).filter(|samples| (1..=5760).contains(samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_headers_are_read() {
        assert_eq!(opus_header(&[0x7f, 0xe0, 10]), Some((3, 10)));
        assert_eq!(opus_header(&[0x7f, 0xf0, 255, 3, 0, 9, 1]), Some((6, 258)));
        assert_eq!(opus_header(&[0x7f, 0xe4, 5, 2, 0, 0]), Some((6, 5)));
        assert_eq!(opus_header(&[0x7f, 0x00, 5]), None);
        assert_eq!(opus_header(&[0x7f, 0xe0, 255]), None);
    }

    #[test]
    fn packets_tell_their_duration() {
        assert_eq!(opus_samples(&[31 << 3]), Some(960));
        assert_eq!(opus_samples(&[3 << 3 | 1]), Some(5760));
        assert_eq!(opus_samples(&[16 << 3 | 3, 48]), Some(5760));
        assert_eq!(opus_samples(&[16 << 3 | 3, 0]), None);
        assert_eq!(opus_samples(&[]), None);
    }

    #[test]
    fn a_packet_is_held_up_to_its_limit_and_not_past_it() {
        let mut reader = PacketReader::new(Content::Id3);
        reader.begin(None);
        assert_eq!(reader.push(&vec![0; PACKET_BYTES - 1]), Ok(()));
        assert_eq!(reader.push(&[0]), Ok(()));
        for more in [1, 2, PACKET_BYTES] {
            assert!(matches!(reader.push(&vec![0; more]), Err(DemuxError::Limit { .. })), "{more}");
        }
        assert_eq!(reader.held_bytes(), PACKET_BYTES);
        reader.begin(None);
        assert_eq!((reader.push(&[0; 2]), reader.held_bytes()), (Ok(()), 2), "another packet");
        // An access unit is held until the time of the one after it is known.
        let mut reader = PacketReader::new(Content::Whole(None));
        let mut out = Vec::new();
        for (pts, expected) in [(90_000, 30), (99_000, 30)] {
            reader.begin(Some(Stamp { pts, dts: pts }));
            assert_eq!(reader.push(&[1; 30]), Ok(()));
            reader.end(&mut out);
            assert_eq!(reader.held_bytes(), expected);
        }
        reader.finish(&mut out);
        assert_eq!(reader.held_bytes(), 0);
        let duration = |piece: &Piece| match piece {
            Piece::Unit(unit) => Some(unit.duration.as_micros()),
            _ => None,
        };
        let durations: Vec<u128> = out.iter().filter_map(duration).collect();
        assert_eq!(durations, [100_000, 33_333], "the last is as long as one of thirty a second");
    }
}
