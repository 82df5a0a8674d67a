//! One segment of a transport stream: tables choose the streams, and what comes out of them is put in order.

use bytes::Bytes;

use super::assembly::Assembly;
use super::clock::Clock;
use super::packet::{PACKET, Packet, PacketFinder};
use super::psi::{ProgramMap, Sections, programs};
use super::stream::ElementaryStream;
use crate::container::captions::CaptionTap;
use crate::container::sniff::{self, Signature};
use crate::container::{
    DemuxError, DemuxOutput, DemuxSetup, Demuxer, DemuxerState, InitSegment, MediaClock, SampleKey, SegmentTail,
};

/// Programs whose maps are looked for.
const PROGRAMS: usize = 64;
/// Bytes without a packet after which the data is something else.
const LOST: u64 = 1 << 20;
/// Packets that are kept until the tables tell what they are; segments that are cut anywhere begin with some.
const EARLY: usize = 1 << 13;
const PROGRAM_ASSOCIATION: u16 = 0;
const NULL: u16 = 0x1fff;

/// Reads one segment. What it holds back is at most one access unit of each stream, and the first ones until the
/// configuration of every stream is known.
#[derive(Clone, Debug)]
pub(in crate::container) struct TsDemuxer {
    finder: PacketFinder,
    association: Sections,
    /// Packet identifiers of the program maps.
    maps: Vec<(u16, Sections)>,
    program: Option<ProgramMap>,
    streams: Vec<ElementaryStream>,
    early: Vec<[u8; PACKET]>,
    clock: Clock,
    key: Option<SampleKey>,
    /// Streams that no decoder takes are read too.
    everything: bool,
    scrambled: bool,
    assembly: Assembly,
    /// Captions inside the pictures, when they are wanted.
    captions: Option<CaptionTap>,
    /// Another segment may follow.
    keeps_tail: bool,
    /// The segment began with the state of an earlier one.
    resumed: bool,
    /// The first bytes, to name what was sent instead.
    beginning: Vec<u8>,
}

impl TsDemuxer {
    /// A reader for one segment. Initialisation data brings the program tables (RFC 8216bis §3.1.1).
    ///
    /// # Errors
    /// When the tables name only what cannot be read.
    pub fn new(setup: &DemuxSetup) -> Result<Self, DemuxError> {
        if let Some(mut carried) = setup.carried_ts() {
            carried.begin_segment(setup);
            return Ok(carried);
        }
        let mut demuxer = Self::empty(setup.sample_key.clone(), false);
        demuxer.captions = setup.captions.then(CaptionTap::default);
        demuxer.keeps_tail = setup.keeps_tail;
        let tables = setup.init.as_ref().map(|init| &init.source).filter(|tables| super::looks_like(tables));
        if let Some(tables) = tables {
            demuxer.finder.push(tables);
            demuxer.advance(true)?;
            demuxer.finder = PacketFinder::default();
        }
        Ok(demuxer)
    }

    /// Goes on with another segment of the rendition.
    fn begin_segment(&mut self, setup: &DemuxSetup) {
        if setup.continues() {
            self.finder.begin_segment();
        } else {
            self.finder = PacketFinder::default();
        }
        self.beginning.clear();
        self.early.clear();
        self.assembly.begin_segment(setup.continues());
        self.captions = setup.captions.then(CaptionTap::default);
        (self.keeps_tail, self.resumed, self.scrambled) = (setup.keeps_tail, true, false);
        self.key.clone_from(&setup.sample_key);
        for stream in &mut self.streams {
            stream.set_key(setup.sample_key.as_ref());
            stream.begin_segment();
        }
        if !setup.continues() {
            self.clock = Clock::default();
            self.association.reset();
            self.maps.iter_mut().for_each(|(_, sections)| sections.reset());
            self.streams.iter_mut().for_each(ElementaryStream::jump);
        }
    }

    /// Ends the segment where another one may follow: gives what is whole, and the state for the segment after it.
    fn end_segment(&mut self) -> Result<Vec<DemuxOutput>, DemuxError> {
        self.advance(true)?;
        for stream in &mut self.streams {
            let pieces = stream.pause()?;
            self.assembly.take(stream.entry.pid, pieces);
        }
        // A track of which the segment has a beginning only is announced with the segment after it.
        let awaited = |stream: &ElementaryStream| {
            stream.media().is_some() && stream.is_open() && !self.assembly.has_begun(stream.entry.pid)
        };
        if !self.streams.iter().any(awaited) {
            self.assembly.announce();
        }
        let mut outputs = self.outputs(true);
        outputs.extend(self.take_damage());
        let state = self.clone();
        self.captions = self.captions.is_some().then(CaptionTap::default);
        self.end()?;
        let mut tail = self.outputs(true);
        tail.extend(self.take_damage());
        let held = state.streams.iter().map(ElementaryStream::held_bytes).sum();
        let waiting = state.streams.iter().map(ElementaryStream::waiting_units).sum();
        outputs.push(DemuxOutput::Tail(SegmentTail {
            outputs: tail,
            state: DemuxerState::of_ts(state, held),
            waiting,
        }));
        Ok(outputs)
    }

    /// Returns true if the beginning of the segment after this one goes on inside a packet that this one was cut in;
    /// `None` when it was cut between packets.
    pub fn is_continued_by(&self, bytes: &[u8]) -> Option<bool> {
        self.finder.is_continued_by(bytes)
    }

    /// A reader that counts the access units of every stream.
    pub(super) fn of_everything() -> Self {
        Self::empty(None, true)
    }

    fn empty(key: Option<SampleKey>, everything: bool) -> Self {
        Self {
            finder: PacketFinder::default(),
            association: Sections::default(),
            maps: Vec::new(),
            program: None,
            streams: Vec::new(),
            early: Vec::new(),
            clock: Clock::default(),
            key,
            everything,
            scrambled: false,
            assembly: Assembly::default(),
            captions: None,
            keeps_tail: false,
            resumed: false,
            beginning: Vec::new(),
        }
    }

    /// Returns the units gathered so far.
    pub(super) fn assembly(&mut self) -> &mut Assembly {
        &mut self.assembly
    }

    /// Takes bytes.
    ///
    /// # Errors
    /// As [`Demuxer::push`].
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), DemuxError> {
        let missing = sniff::ENOUGH.saturating_sub(self.beginning.len());
        self.beginning.extend_from_slice(&bytes[..bytes.len().min(missing)]);
        // In pieces, so that what is found does not depend on how much comes at once.
        for piece in bytes.chunks(PACKET * 64) {
            self.finder.push(piece);
            self.advance(false)?;
        }
        Ok(())
    }

    /// Nothing follows.
    ///
    /// # Errors
    /// As [`Demuxer::finish`].
    pub(super) fn end(&mut self) -> Result<(), DemuxError> {
        self.advance(true)?;
        for stream in &mut self.streams {
            let pieces = stream.finish()?;
            self.assembly.take(stream.entry.pid, pieces);
        }
        self.assembly.announce();
        if self.assembly.is_empty() { self.explain() } else { Ok(()) }
    }

    fn advance(&mut self, last: bool) -> Result<(), DemuxError> {
        while let Some(bytes) = self.finder.next(last) {
            if self.finder.found() == 1 && self.finder.position() > LOST {
                return Err(self.not_a_stream());
            }
            self.take(&bytes)?;
        }
        if self.finder.found() == 0 && self.finder.position() > LOST {
            return Err(self.not_a_stream());
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8; PACKET]) -> Result<(), DemuxError> {
        let packet = match Packet::read(bytes) {
            Ok(packet) => packet,
            Err(damaged) => {
                if let Some(stream) = self.streams.iter_mut().find(|stream| stream.entry.pid == damaged.pid) {
                    stream.lose_packet();
                }
                return Ok(());
            }
        };
        if packet.pid == PROGRAM_ASSOCIATION {
            for section in self.association.push(packet.payload, packet.unit_start) {
                self.take_association(&section)?;
            }
            return Ok(());
        }
        if let Some((_, sections)) = self.maps.iter_mut().find(|(pid, _)| *pid == packet.pid) {
            for section in sections.push(packet.payload, packet.unit_start) {
                if let Some(map) = ProgramMap::read(&section) {
                    self.take_map(map)?;
                }
            }
            return Ok(());
        }
        if self.program.is_none() {
            if packet.pid != NULL && self.early.len() < EARLY {
                self.early.push(*bytes);
            }
            return Ok(());
        }
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.entry.pid == packet.pid) else {
            return Ok(());
        };
        if packet.scrambled {
            self.scrambled = true;
            return Ok(());
        }
        let pieces = stream.push(&packet, &mut self.clock)?;
        self.assembly.take(packet.pid, pieces);
        Ok(())
    }

    /// Reads the packets that arrived before the tables declared their streams.
    fn catch_up(&mut self) -> Result<(), DemuxError> {
        for bytes in std::mem::take(&mut self.early) {
            self.take(&bytes)?;
        }
        Ok(())
    }

    fn take_association(&mut self, section: &[u8]) -> Result<(), DemuxError> {
        let Some(programs) = programs(section) else { return Ok(()) };
        if let Some(current) = &self.program
            && programs.iter().all(|(number, _)| *number != current.program)
        {
            self.program = None;
        }
        let before = self.maps.len();
        for (_, pid) in programs {
            if self.maps.len() < PROGRAMS && self.maps.iter().all(|(known, _)| *known != pid) {
                self.maps.push((pid, Sections::default()));
            }
        }
        // The map may have come before.
        if self.maps.len() > before { self.catch_up() } else { Ok(()) }
    }

    /// Takes a program map: the first program with something to read is the one; its streams may change.
    fn take_map(&mut self, map: ProgramMap) -> Result<(), DemuxError> {
        match &self.program {
            Some(current) if current.program != map.program && !self.streams.is_empty() => return Ok(()),
            Some(current) if current.program != map.program => {}
            Some(current) if current.streams == map.streams || current.intact && !map.intact => return Ok(()),
            _ => {}
        }
        if !self.everything && self.key.is_none() && map.streams.iter().any(|stream| stream.kind.is_encrypted()) {
            let feature = "sample encryption of a transport stream without a key".to_owned();
            return Err(DemuxError::Unsupported { feature });
        }
        let mut before = std::mem::take(&mut self.streams);
        for entry in &map.streams {
            match before.iter().position(|stream| stream.entry == *entry) {
                Some(index) => self.streams.push(before.swap_remove(index)),
                None => {
                    let stream = ElementaryStream::new(entry.clone(), self.key.as_ref(), self.everything);
                    self.streams.extend(stream);
                }
            }
        }
        for mut gone in before {
            let pieces = gone.finish()?;
            self.assembly.take(gone.entry.pid, pieces);
        }
        let media = |stream: &ElementaryStream| Some((stream.entry.clone(), stream.media()?));
        self.assembly.set_tracks(self.streams.iter().filter_map(media));
        self.program = Some(map);
        self.catch_up()
    }

    fn outputs(&mut self, last: bool) -> Vec<DemuxOutput> {
        let mut outputs = self.assembly.outputs();
        if let Some(captions) = &mut self.captions {
            captions.look(&mut outputs, last);
        }
        outputs
    }

    /// Returns the damage of each track since it was last asked for.
    fn take_damage(&mut self) -> Vec<DemuxOutput> {
        self.streams.iter_mut().filter_map(ElementaryStream::take_damage).map(DemuxOutput::Damage).collect()
    }

    fn not_a_stream(&self) -> DemuxError {
        match sniff::recognise(&self.beginning) {
            Signature::MpegTs => {
                DemuxError::Truncated { what: "the first packet of a transport stream".to_owned(), offset: 0 }
            }
            other => other.refuse("an MPEG-2 transport stream"),
        }
    }

    /// Returns the reason for an empty output.
    fn explain(&self) -> Result<(), DemuxError> {
        if self.beginning.is_empty() {
            return Err(DemuxError::Truncated { what: "an empty file".to_owned(), offset: 0 });
        }
        if self.finder.found() == 0 {
            return Err(self.not_a_stream());
        }
        let malformed = |what: &str| Err(DemuxError::Malformed { what: what.to_owned(), offset: 0 });
        if self.streams.iter().any(|stream| stream.waiting_units() > 0) {
            // A later segment may bring the parameter sets, and gives the pictures of this one then.
            let awaited = self.keeps_tail && self.streams.iter().any(ElementaryStream::awaits_parameters);
            return if awaited { Ok(()) } else { malformed("video without parameter sets") };
        }
        if self.resumed && self.streams.iter().any(|stream| stream.media().is_some()) {
            // The middle of one long unit.
            return Ok(());
        }
        let Some(program) = &self.program else {
            return malformed("a transport stream without a program map");
        };
        if self.scrambled {
            return Err(DemuxError::Unsupported { feature: "a scrambled transport stream".to_owned() });
        }
        if self.streams.is_empty() {
            let names: Vec<_> = program.streams.iter().filter_map(|stream| stream.kind.unsupported()).collect();
            let what = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
            return Err(DemuxError::Unsupported { feature: format!("a transport stream with {what} only") });
        }
        if self.streams.iter().all(|stream| stream.media().is_none()) {
            return Ok(());
        }
        malformed("a transport stream without access units")
    }
}

impl Demuxer for TsDemuxer {
    fn push(&mut self, bytes: Bytes) -> Result<Vec<DemuxOutput>, DemuxError> {
        self.read(&bytes)?;
        Ok(self.outputs(false))
    }

    fn finish(&mut self) -> Result<Vec<DemuxOutput>, DemuxError> {
        if self.keeps_tail {
            return self.end_segment();
        }
        self.end()?;
        let mut outputs = self.outputs(true);
        outputs.extend(self.take_damage());
        Ok(outputs)
    }
}

/// Reads initialisation data: the tables of a program, which tell nothing about tracks yet.
pub(in crate::container) fn read_init(source: Bytes) -> Result<InitSegment, DemuxError> {
    let init = InitSegment { tracks: Vec::new(), clock: MediaClock::Mpeg, first: None, source };
    let mut demuxer = TsDemuxer::empty(None, true);
    demuxer.read(&init.source)?;
    demuxer.advance(true)?;
    if demuxer.program.is_none() {
        let what = "initialisation data without a program map".to_owned();
        return Err(DemuxError::Malformed { what, offset: 0 });
    }
    Ok(init)
}
