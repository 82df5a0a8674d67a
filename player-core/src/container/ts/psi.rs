//! Program specific information (ISO/IEC 13818-1 §2.4.4): sections out of packets, the program association table and
//! program maps.

use super::stream_type::{self, StreamKind};

/// Bytes of a section after its first three (§2.4.4.11).
const SECTION: usize = 4093;
/// Streams of a program.
const STREAMS: usize = 64;

/// Gathers the sections of one packet identifier.
#[derive(Clone, Debug, Default)]
pub(super) struct Sections {
    bytes: Vec<u8>,
    open: bool,
}

impl Sections {
    /// Takes the payload of a packet and gives the sections that became complete.
    pub fn push(&mut self, payload: &[u8], unit_start: bool) -> Vec<Vec<u8>> {
        let mut sections = Vec::new();
        if !unit_start {
            if self.open {
                self.bytes.extend_from_slice(payload);
                self.cut(&mut sections);
            }
            return sections;
        }
        let Some((&pointer, rest)) = payload.split_first() else { return sections };
        let Some((before, rest)) = rest.split_at_checked(usize::from(pointer)) else { return sections };
        if self.open {
            self.bytes.extend_from_slice(before);
            self.cut(&mut sections);
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(rest);
        self.open = true;
        self.cut(&mut sections);
        sections
    }

    /// Gives up what was begun, after packets were lost.
    pub fn reset(&mut self) {
        self.open = false;
        self.bytes.clear();
    }

    fn cut(&mut self, sections: &mut Vec<Vec<u8>>) {
        while let &[table, high, low, ..] = &self.bytes[..] {
            let length = usize::from(u16::from_be_bytes([high & 15, low]));
            if table == 0xff || length > SECTION {
                return self.reset();
            }
            if self.bytes.len() < 3 + length {
                return;
            }
            let rest = self.bytes.split_off(3 + length);
            sections.push(std::mem::replace(&mut self.bytes, rest));
        }
    }
}

/// A section of the long form, without its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Section<'a> {
    table: u8,
    /// Transport stream or program number.
    number: u16,
    body: &'a [u8],
    /// The checksum (§2.4.4.3, annex A) is right.
    intact: bool,
}

impl<'a> Section<'a> {
    /// `None` for sections of the short form, of a future version, or too short.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let [table, flags, _, high, low, version, _, _, rest @ ..] = bytes else { return None };
        let (body, checksum) = rest.split_last_chunk::<4>()?;
        let intact = checksum32(&bytes[..bytes.len() - checksum.len()]) == u32::from_be_bytes(*checksum);
        let number = u16::from_be_bytes([*high, *low]);
        (flags & 0x80 != 0 && version & 1 == 1).then_some(Self { table: *table, number, body, intact })
    }
}

pub(super) fn checksum32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |sum, &byte| {
        (0..8)
            .fold(sum ^ u32::from(byte) << 24, |sum, _| if sum >> 31 == 1 { sum << 1 ^ 0x04c1_1db7 } else { sum << 1 })
    })
}

/// Programs and where their maps are (§2.4.4.3): program number and packet identifier. `None` for another table.
pub(super) fn programs(section: &[u8]) -> Option<Vec<(u16, u16)>> {
    let section = Section::read(section).filter(|section| section.table == 0)?;
    let entry = |entry: &[u8; 4]| {
        let number = u16::from_be_bytes([entry[0], entry[1]]);
        (number, u16::from_be_bytes([entry[2], entry[3]]) & 0x1fff)
    };
    // Number zero is the network's own.
    Some(section.body.as_chunks().0.iter().map(entry).filter(|(number, _)| *number > 0).collect())
}

/// One elementary stream of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StreamEntry {
    /// Packet identifier of the stream.
    pub pid: u16,
    /// Kind of the stream.
    pub kind: StreamKind,
    /// Language by ISO 639-2, if declared.
    pub language: Option<String>,
}

/// A program map (§2.4.4.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProgramMap {
    /// Number of the program.
    pub program: u16,
    /// In the table's order.
    pub streams: Vec<StreamEntry>,
    /// The checksum is right. Some packagers write none, so a map without a right one is better than none.
    pub intact: bool,
}

impl ProgramMap {
    /// Reads a section; `None` when it is another table or cut off.
    pub fn read(section: &[u8]) -> Option<Self> {
        let section = Section::read(section).filter(|section| section.table == 2)?;
        let length = |high: u8, low: u8| usize::from(u16::from_be_bytes([high & 15, low]));
        let [_, _, high, low, rest @ ..] = section.body else { return None };
        let (program_info, mut rest) = rest.split_at_checked(length(*high, *low))?;
        let mut streams: Vec<StreamEntry> = Vec::new();
        while let [kind, pid_high, pid_low, high, low, after @ ..] = rest {
            let Some((info, after)) = after.split_at_checked(length(*high, *low)) else { break };
            rest = after;
            let pid = u16::from_be_bytes([*pid_high, *pid_low]) & 0x1fff;
            if streams.len() < STREAMS && streams.iter().all(|stream| stream.pid != pid) {
                let kind = StreamKind::of(*kind, program_info, info);
                streams.push(StreamEntry { pid, kind, language: stream_type::language(info) });
            }
        }
        Some(Self { program: section.number, streams, intact: section.intact })
    }
}
