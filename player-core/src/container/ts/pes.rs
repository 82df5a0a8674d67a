//! Packets of elementary streams (ISO/IEC 13818-1 §2.4.3.6): their headers and times.

use super::clock::{Clock, Stamp};

/// Bytes of a header at most: six, three, and as many as one byte counts.
const HEADER: usize = 9 + 255;

/// Role of a piece of a stream's payload for its reader.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event<'a> {
    /// A packet begins, with its times if it has any.
    Begin(Option<Stamp>),
    /// Some of its bytes.
    Data(&'a [u8]),
    End,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first packet, or after a damaged one.
    #[default]
    Lost,
    Header,
    /// Bytes that are left; `None` up to the next packet.
    Data(Option<usize>),
}

/// Takes the packets of one stream apart.
#[derive(Clone, Debug, Default)]
pub(super) struct PesReader {
    state: State,
    header: Vec<u8>,
    /// The length of packets is not looked at: pictures may be longer than it can tell.
    unbounded: bool,
    /// Bytes that the header announced and that have not come; `None` without a length, or past it.
    announced: Option<usize>,
}

impl PesReader {
    /// A reader; `unbounded` for video.
    pub fn new(unbounded: bool) -> Self {
        Self { unbounded, ..Self::default() }
    }

    /// Takes the payload of a transport packet and passes its pieces to `reader`.
    ///
    /// # Errors
    /// Those of `reader`.
    pub fn push<E>(
        &mut self,
        mut payload: &[u8],
        unit_start: bool,
        clock: &mut Clock,
        mut reader: impl FnMut(Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if unit_start {
            self.finish(&mut reader)?;
            (self.state, self.header) = (State::Header, Vec::new());
        }
        if self.state == State::Header {
            let taken = payload.len().min(HEADER - self.header.len());
            self.header.extend_from_slice(&payload[..taken]);
            let Some(header) = read_header(&self.header) else {
                self.state = if self.header.len() < HEADER { State::Header } else { State::Lost };
                return Ok(());
            };
            let Ok(header) = header else {
                self.state = State::Lost;
                return Ok(());
            };
            // The header grew by `taken`, and its end lies in what was added.
            payload = &payload[(header.size + taken).saturating_sub(self.header.len())..];
            self.state = State::Data(header.length.filter(|_| !self.unbounded));
            self.announced = header.length;
            reader(Event::Begin(header.times.map(|(pts, dts)| clock.unroll(pts, dts))))?;
        }
        if let State::Data(left) = &mut self.state {
            let count = left.map_or(payload.len(), |left| payload.len().min(left));
            self.announced = self.announced.and_then(|announced| announced.checked_sub(count));
            if count > 0 {
                reader(Event::Data(&payload[..count]))?;
            }
            if let Some(left) = left {
                *left -= count;
                if *left == 0 {
                    return self.finish(&mut reader);
                }
            }
        }
        Ok(())
    }

    /// True when no byte of a packet is awaited, as far as lengths say.
    pub fn is_between(&self) -> bool {
        match self.state {
            State::Lost => true,
            State::Header => false,
            State::Data(_) => self.announced == Some(0),
        }
    }

    /// True before the first packet, and after the end of one whose length is known.
    pub fn is_lost(&self) -> bool {
        self.state == State::Lost
    }

    /// Forgets the packet that was begun: what comes belongs elsewhere.
    pub fn reset(&mut self) {
        (self.state, self.announced) = (State::Lost, None);
        self.header.clear();
    }

    /// Nothing follows.
    ///
    /// # Errors
    /// Those of `reader`.
    pub fn finish<E>(&mut self, reader: &mut impl FnMut(Event<'_>) -> Result<(), E>) -> Result<(), E> {
        let open = matches!(self.state, State::Data(_));
        self.state = State::Lost;
        if open { reader(Event::End) } else { Ok(()) }
    }
}

/// Content of a packet header.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    size: usize,
    /// Number of bytes of payload, if declared.
    length: Option<usize>,
    times: Option<(u64, Option<u64>)>,
}

/// Reads a header; `None` when more bytes are needed, an error when it is none.
fn read_header(bytes: &[u8]) -> Option<Result<Header, ()>> {
    let prefix = bytes.get(..3)?;
    if prefix != [0, 0, 1] {
        return Some(Err(()));
    }
    let [_, _, _, stream, high, low, rest @ ..] = bytes else { return None };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    // Program maps, padding, private stream 2, control and directory packets have no further header.
    if matches!(stream, 0xbc | 0xbe | 0xbf | 0xf0..=0xf2 | 0xf8 | 0xff) {
        return Some(Err(()));
    }
    let [flags, times, size, rest @ ..] = rest else { return None };
    if flags >> 6 != 2 {
        return Some(Err(()));
    }
    let size = usize::from(*size);
    let fields = rest.get(..size)?;
    let pts = fields.first_chunk().map(time);
    let dts = fields.get(5..).and_then(|fields| fields.first_chunk()).map(time);
    let times = match times >> 6 {
        2 => pts.map(|pts| (pts, None)),
        3 => pts.map(|pts| (pts, dts)),
        _ => None,
    };
    let length = (length > 0).then(|| length.saturating_sub(3 + size));
    Some(Ok(Header { size: 9 + size, length, times }))
}

/// A time stamp of 33 bits between marker bits.
fn time(bytes: &[u8; 5]) -> u64 {
    let [a, b, c, d, e] = bytes.map(u64::from);
    ((a >> 1 & 7) << 30) + (b << 22) + ((c >> 1) << 15) + (d << 7) + (e >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that come of a packet with this kind of stream and declared length, and whether it ended.
    fn read(unbounded: bool, stream: u8, length: u16, payload: &[u8]) -> (Vec<u8>, bool) {
        let [high, low] = length.to_be_bytes();
        // Five further bytes of header: a time of zero.
        let header = [0, 0, 1, stream, high, low, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1];
        let (mut data, mut ended) = (Vec::new(), false);
        let take = |event: Event<'_>| -> Result<(), ()> {
            match event {
                Event::Begin(stamp) => assert_eq!(stamp, Some(Stamp { pts: 0, dts: 0 })),
                Event::Data(bytes) => data.extend_from_slice(bytes),
                Event::End => ended = true,
            }
            Ok(())
        };
        let packet = [&header[..], payload].concat();
        assert_eq!(PesReader::new(unbounded).push(&packet, true, &mut Clock::default(), take), Ok(()));
        (data, ended)
    }

    #[test]
    fn a_packet_has_the_bytes_that_its_length_leaves_behind_its_header_and_pictures_have_all() {
        // The length counts three bytes, the five of the time, and the payload.
        assert_eq!(read(false, 0xc0, 3 + 5 + 4, b"abcdefgh"), (b"abcd".to_vec(), true));
        assert_eq!(read(false, 0xc0, 3 + 5 + 8, b"abcdefgh"), (b"abcdefgh".to_vec(), true));
        assert_eq!(read(false, 0xc0, 3 + 5 + 9, b"abcdefgh"), (b"abcdefgh".to_vec(), false));
        assert_eq!(read(false, 0xc0, 0, b"abcdefgh"), (b"abcdefgh".to_vec(), false), "no length");
        assert_eq!(read(true, 0xe0, 3 + 5 + 4, b"abcdefgh"), (b"abcdefgh".to_vec(), false));
        assert_eq!(read(true, 0xe0, 3 + 5 + 8, b"abcdefgh"), (b"abcdefgh".to_vec(), false));
    }

    #[test]
    fn a_header_may_be_cut_anywhere_by_transport_packets() {
        // A time of zero in five bytes and three bytes of stuffing, then four bytes of payload.
        let header = [0, 0, 1, 0xc0, 0, 3 + 8 + 4, 0x80, 0x80, 8, 0x21, 0, 1, 0, 1, 0xff, 0xff, 0xff];
        let packet = [&header[..], b"abcd"].concat();
        for cut in 1..packet.len() {
            for second in cut..packet.len() {
                let (mut reader, mut clock) = (PesReader::new(false), Clock::default());
                let (mut data, mut begun, mut ended) = (Vec::new(), 0, 0);
                for (number, piece) in [&packet[..cut], &packet[cut..second], &packet[second..]].iter().enumerate() {
                    let take = |event: Event<'_>| -> Result<(), ()> {
                        match event {
                            Event::Begin(_) => begun += 1,
                            Event::Data(bytes) => data.extend_from_slice(bytes),
                            Event::End => ended += 1,
                        }
                        Ok(())
                    };
                    assert_eq!(reader.push(piece, number == 0, &mut clock, take), Ok(()));
                }
                assert_eq!((&data[..], begun, ended), (&b"abcd"[..], 1, 1), "{cut} {second}");
            }
        }
    }

    #[test]
    fn padding_and_packets_of_maps_and_directories_carry_nothing() {
        for stream in [0xbc, 0xbe, 0xbf, 0xf0, 0xf1, 0xf2, 0xf8, 0xff] {
            assert_eq!(read(false, stream, 16, b"abcdefgh"), (Vec::new(), false), "{stream:#x}");
        }
        for stream in [0xbd, 0xc0, 0xdf, 0xe0, 0xef, 0xf3, 0xfd] {
            assert_eq!(read(false, stream, 16, b"abcdefgh"), (b"abcdefgh".to_vec(), true), "{stream:#x}");
        }
    }
}
