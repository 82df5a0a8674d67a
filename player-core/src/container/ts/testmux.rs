//! Makes small transport streams for tests: tables, packets of elementary streams, counters.

use std::collections::BTreeMap;

use super::packet::PACKET;

/// Packet identifier of the program map.
pub(crate) const MAP: u16 = 0x100;

/// A transport stream that is being made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mux {
    /// Packets made so far.
    pub bytes: Vec<u8>,
    counters: BTreeMap<u16, u8>,
}

/// A stream of the program map: type, identifier, descriptors.
pub(crate) type Entry<'a> = (u8, u16, &'a [u8]);

impl Mux {
    /// A stream that begins with its tables.
    pub fn new(entries: &[Entry<'_>]) -> Self {
        let mut mux = Self::default();
        mux.tables(entries, 0);
        mux
    }

    /// Adds the program association table and the program map.
    pub fn tables(&mut self, entries: &[Entry<'_>], version: u8) {
        let [high, low] = MAP.to_be_bytes();
        self.section(0, &section(0, 1, 0, &[0, 1, 0xe0 | high, low]));
        self.section(MAP, &map(1, entries, version));
    }

    /// Adds a section in packets of its stream.
    pub fn section(&mut self, pid: u16, section: &[u8]) {
        let payload = [&[0][..], section].concat();
        self.unit(pid, &payload, true);
    }

    /// Adds a packet of an elementary stream.
    pub fn packet(&mut self, pid: u16, times: Option<(u64, u64)>, payload: &[u8]) {
        self.unit(pid, &pes(times, payload), false);
    }

    /// Adds bytes as the payload of as many packets as are needed, filled up with stuffing.
    pub fn unit(&mut self, pid: u16, mut payload: &[u8], table: bool) {
        let mut start = 0x40;
        while start != 0 || !payload.is_empty() {
            let room = PACKET - 4;
            let taken = payload.len().min(room);
            let missing = room - taken;
            let counter = self.counters.entry(pid).or_default();
            let [high, low] = pid.to_be_bytes();
            let stuffed = missing > 0 && !table;
            self.bytes.extend([0x47, start | high, low, if stuffed { 0x30 } else { 0x10 } | *counter]);
            *counter = (*counter + 1) & 15;
            if stuffed {
                self.bytes.push(missing as u8 - 1);
                if missing > 1 {
                    self.bytes.push(0);
                    self.bytes.extend(vec![0xff; missing - 2]);
                }
            }
            self.bytes.extend_from_slice(&payload[..taken]);
            if table {
                self.bytes.extend(vec![0xff; missing]);
            }
            payload = &payload[taken..];
            start = 0;
        }
    }
}

/// A section of the long form.
pub(crate) fn section(table: u8, number: u16, version: u8, body: &[u8]) -> Vec<u8> {
    let length = (5 + body.len() + 4) as u16;
    let [high, low] = length.to_be_bytes();
    let [number_high, number_low] = number.to_be_bytes();
    let mut section = vec![table, 0xb0 | high, low, number_high, number_low, 0xc1 | version << 1, 0, 0];
    section.extend_from_slice(body);
    let checksum = super::psi::checksum32(&section);
    section.extend(checksum.to_be_bytes());
    section
}

/// Makes a program map section.
pub(crate) fn map(program: u16, entries: &[Entry<'_>], version: u8) -> Vec<u8> {
    let mut body = vec![0xe1, 0x01, 0xf0, 0];
    for (kind, pid, info) in entries {
        let [high, low] = pid.to_be_bytes();
        body.extend([*kind, 0xe0 | high, low, 0xf0, info.len() as u8]);
        body.extend_from_slice(info);
    }
    section(2, program, version, &body)
}

/// Makes a packet of an elementary stream, its length declared if possible.
pub(crate) fn pes(times: Option<(u64, u64)>, payload: &[u8]) -> Vec<u8> {
    let field = |mark: u8, time: u64| {
        let part = |shift: u32, mask: u64| (time >> shift & mask) as u8;
        [mark << 4 | part(30, 7) << 1 | 1, part(22, 255), part(15, 127) << 1 | 1, part(7, 255), part(0, 127) << 1 | 1]
    };
    let (flags, fields) = match times {
        None => (0, Vec::new()),
        Some((pts, dts)) if pts == dts => (0x80, field(2, pts).to_vec()),
        Some((pts, dts)) => (0xc0, [field(3, pts), field(1, dts)].concat()),
    };
    let length = u16::try_from(3 + fields.len() + payload.len()).unwrap_or(0);
    let [high, low] = length.to_be_bytes();
    let mut bytes = vec![0, 0, 1, 0xe0, high, low, 0x80, flags, fields.len() as u8];
    bytes.extend(fields);
    bytes.extend_from_slice(payload);
    bytes
}

/// Parameter sets of H.264: High, 640 × 360, 25 pictures a second.
pub(crate) const SPS: &[u8] = &[
    0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9, 0x40, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00,
    0x03, 0x00, 0x32, 0x0f, 0x16, 0x2d, 0x96,
];
/// The picture parameter set that goes with it.
pub(crate) const PPS: &[u8] = &[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];

/// NAL units with start codes of four bytes.
pub(crate) fn byte_stream(nals: &[&[u8]]) -> Vec<u8> {
    nals.iter().flat_map(|nal| [&[0, 0, 0, 1][..], *nal].concat()).collect()
}

/// An ADTS frame at 48 kHz with `size` bytes of content.
pub(crate) fn adts(size: usize, fill: u8) -> Vec<u8> {
    let length = size + 7;
    let mut frame =
        vec![0xff, 0xf1, 0x4c, 0x80 | (length >> 11) as u8, (length >> 3) as u8, (length << 5) as u8 | 0x1f];
    frame.push(0xfc);
    frame.extend(vec![fill; size]);
    frame
}

/// A slice of the picture with this number and order, of which macroblock `first` is the first one.
pub(crate) fn slice(idr: bool, first: u32, frame: u32, order: u32, size: usize) -> Vec<u8> {
    let mut bits = String::new();
    let mut code = |value: u32| {
        let binary = format!("{:b}", value + 1);
        bits += &"0".repeat(binary.len() - 1);
        bits += &binary;
    };
    code(first);
    code(7);
    code(0);
    bits += &format!("{frame:04b}");
    if idr {
        bits += "1";
    }
    bits += &format!("{order:06b}");
    bits += &"1".repeat(8 - bits.len() % 8);
    let mut nal = vec![if idr { 0x65 } else { 0x41 }];
    nal.extend(bits.as_bytes().chunks(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | (bit - b'0'))));
    nal.extend(vec![0xa5; size]);
    nal
}
