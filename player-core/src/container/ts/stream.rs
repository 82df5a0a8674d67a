//! One elementary stream: from the payload of its packets to access units.

use super::clock::Clock;
use super::counters::{PacketCounters, PacketOrder};
use super::packets::{Content, PacketReader};
use super::pes::{Event, PesReader};
use super::psi::StreamEntry;
use super::stream_type::StreamKind;
use super::video::annexb::VideoReader;
use super::video::h264::H264;
use super::video::h265::H265;
use super::video::mpeg::Mpeg;
use crate::container::audio::header::Format;
use crate::container::audio::splitter::FrameSplitter;
use crate::container::elementary::Piece;
use crate::container::{DemuxError, SampleKey, TrackDamage};
use crate::model::MediaKind;

use super::packet::Packet;

/// A stream of the program that is read.
#[derive(Clone, Debug)]
pub(super) struct ElementaryStream {
    /// From the program map.
    pub entry: StreamEntry,
    pes: PesReader,
    reader: Reader,
    counters: PacketCounters,
    /// No packet has come since the segment began.
    first: bool,
    damage: TrackDamage,
    /// The missing packets before the next one are counted already.
    is_gap_noted: bool,
    /// The last packet had stuffing.
    stuffed: bool,
    /// No packet has come since the segment began, and the one before it left an open PES packet.
    resumed: bool,
}

#[derive(Clone, Debug)]
enum Reader {
    Video(VideoReader),
    Sound(FrameSplitter),
    Packets(PacketReader),
}

impl ElementaryStream {
    /// A reader for a stream; `None` for what is not read. With `everything`, streams that no decoder takes are
    /// read too, as far as their access units can be counted.
    pub fn new(entry: StreamEntry, key: Option<&SampleKey>, everything: bool) -> Option<Self> {
        let key = key.filter(|_| entry.kind.is_encrypted()).cloned();
        let reader = match &entry.kind {
            StreamKind::H264(_) => Reader::Video(VideoReader::new(Box::new(H264::default()), key)),
            StreamKind::H265 => Reader::Video(VideoReader::new(Box::new(H265::default()), key)),
            StreamKind::Audio(Format::Dts, _) if !everything => return None,
            StreamKind::Audio(format, _) => Reader::Sound(FrameSplitter::new(*format, key)),
            StreamKind::Opus(dops) => Reader::Packets(PacketReader::new(Content::Opus(Some(dops.clone())))),
            StreamKind::Id3 => Reader::Packets(PacketReader::new(Content::Id3)),
            StreamKind::OldVideo(generation) if everything => {
                Reader::Video(VideoReader::new(Box::new(Mpeg::new(*generation)), None))
            }
            StreamKind::OtherVideo(_) | StreamKind::OtherAudio(_) if everything => {
                Reader::Packets(PacketReader::new(Content::Whole(Some(*b"none"))))
            }
            StreamKind::OldVideo(_) | StreamKind::OtherVideo(_) | StreamKind::OtherAudio(_) | StreamKind::Other(_) => {
                return None;
            }
        };
        let unbounded = matches!(reader, Reader::Video(_)) || matches!(entry.kind, StreamKind::OtherVideo(_));
        let kind = kind_of(&entry).unwrap_or(MediaKind::Text);
        Some(Self {
            entry,
            pes: PesReader::new(unbounded),
            reader,
            counters: PacketCounters::default(),
            first: true,
            damage: TrackDamage::none(kind),
            is_gap_noted: false,
            stuffed: false,
            resumed: false,
        })
    }

    /// Returns the kind of media; `None` for metadata.
    pub fn media(&self) -> Option<MediaKind> {
        kind_of(&self.entry)
    }

    /// Takes a packet of the stream.
    ///
    /// # Errors
    /// When something exceeds its limit.
    pub fn push(&mut self, packet: &Packet<'_>, clock: &mut Clock) -> Result<Vec<Piece>, DemuxError> {
        if packet.payload.is_empty() {
            if packet.discontinuity {
                self.counters.restart();
            }
            return Ok(Vec::new());
        }
        let order = self.counters.take(packet);
        if order == PacketOrder::Repeated {
            return Ok(Vec::new());
        }
        let first = std::mem::take(&mut self.first);
        let resumed = std::mem::take(&mut self.resumed) && !packet.unit_start;
        let mut pieces = Vec::new();
        // Writers may begin to count anew with each segment, and begin it with a unit then.
        if order == PacketOrder::Gap && !(first && packet.unit_start) {
            self.note_gap(!packet.unit_start, first);
            if resumed {
                // It goes on with something else: the open unit ends as it is, and this belongs to none.
                pieces = self.finish()?;
            }
        }
        self.is_gap_noted = false;
        self.stuffed = packet.stuffed;
        let reader = &mut self.reader;
        self.pes.push(packet.payload, packet.unit_start, clock, |event| reader.take(event, &mut pieces))?;
        Ok(pieces)
    }

    /// A packet of the stream cannot be used.
    pub fn lose_packet(&mut self) {
        self.note_gap(false, false);
        self.is_gap_noted = true;
    }

    /// Notes that packets are missing; `within` means that the next one belongs to a PES packet whose beginning
    /// arrived, or is missing too, and `first` that it is the first one of a segment.
    fn note_gap(&mut self, within: bool, first: bool) {
        self.damage.gaps += u64::from(!self.is_gap_noted);
        let Reader::Video(video) = &mut self.reader else { return };
        // Stuffing ends a picture also where its beginning was missing.
        if self.pes.is_lost() && !first && !self.stuffed {
            return;
        }
        if !(self.stuffed || self.pes.is_between()) {
            video.lose_bytes();
        } else if within {
            // The picture before is whole: what follows is the rest of one without a beginning.
            self.pes.reset();
            self.damage.undecodable += 1;
        }
    }

    /// Returns the damage since it was last asked for, if there was any.
    pub fn take_damage(&mut self) -> Option<TrackDamage> {
        let none = TrackDamage::none(self.media()?);
        let mut damage = std::mem::replace(&mut self.damage, none);
        if let Reader::Video(video) = &mut self.reader {
            let (incomplete, undecodable) = video.take_damage();
            damage.incomplete += incomplete;
            damage.undecodable += undecodable;
        }
        (damage != none).then_some(damage)
    }

    /// Number of pictures that wait for their first parameter sets.
    pub fn waiting_units(&self) -> u64 {
        match &self.reader {
            Reader::Video(video) => video.waiting_units() as u64,
            Reader::Sound(_) | Reader::Packets(_) => 0,
        }
    }

    /// True if pictures wait for their first parameter sets and more of them may do so.
    pub fn awaits_parameters(&self) -> bool {
        matches!(&self.reader, Reader::Video(video) if video.waiting_units() > 0 && !video.is_full())
    }

    /// Prepares for another segment.
    pub fn begin_segment(&mut self) {
        self.first = true;
    }

    /// The segment ends and another one may follow: gives a picture that is certainly whole, and keeps everything
    /// that may go on. Frames of sound say by themselves where they end.
    ///
    /// # Errors
    /// When something exceeds its limit.
    pub fn pause(&mut self) -> Result<Vec<Piece>, DemuxError> {
        let mut pieces = Vec::new();
        let whole = self.stuffed || self.pes.is_between();
        if whole {
            let reader = &mut self.reader;
            self.pes.finish(&mut |event: Event<'_>| reader.take(event, &mut pieces))?;
            if let Reader::Video(video) = reader {
                video.finish(&mut pieces)?;
            }
        }
        self.resumed = !whole;
        Ok(pieces)
    }

    /// Playback goes on elsewhere in the rendition: parameter sets are kept, times and unfinished units are not.
    pub fn jump(&mut self) {
        self.pes.reset();
        self.counters.restart();
        (self.stuffed, self.resumed, self.is_gap_noted) = (false, false, false);
        match &mut self.reader {
            Reader::Video(video) => video.jump(),
            Reader::Sound(sound) => sound.jump(),
            Reader::Packets(packets) => packets.jump(),
        }
    }

    /// Units from now on are encrypted with this key.
    pub fn set_key(&mut self, key: Option<&SampleKey>) {
        let key = key.filter(|_| self.entry.kind.is_encrypted()).cloned();
        match &mut self.reader {
            Reader::Video(video) => video.set_key(key),
            Reader::Sound(sound) => sound.set_key(key),
            Reader::Packets(_) => {}
        }
    }

    /// True if a unit has begun and is not complete.
    pub fn is_open(&self) -> bool {
        self.held_bytes() > 0 || !self.pes.is_between()
    }

    /// Bytes held back for units that are not complete.
    pub fn held_bytes(&self) -> usize {
        match &self.reader {
            Reader::Video(video) => video.held_bytes(),
            Reader::Sound(sound) => sound.held_bytes(),
            Reader::Packets(packets) => packets.held_bytes(),
        }
    }

    /// Nothing follows.
    ///
    /// # Errors
    /// When something exceeds its limit.
    pub fn finish(&mut self) -> Result<Vec<Piece>, DemuxError> {
        let mut pieces = Vec::new();
        let reader = &mut self.reader;
        self.pes.finish(&mut |event: Event<'_>| reader.take(event, &mut pieces))?;
        match reader {
            Reader::Video(video) => video.finish(&mut pieces)?,
            Reader::Sound(sound) => sound.finish(&mut pieces)?,
            Reader::Packets(packets) => packets.finish(&mut pieces),
        }
        Ok(pieces)
    }
}

fn kind_of(entry: &StreamEntry) -> Option<MediaKind> {
    match entry.kind {
        StreamKind::H264(_) | StreamKind::H265 | StreamKind::OldVideo(_) | StreamKind::OtherVideo(_) => {
            Some(MediaKind::Video)
        }
        StreamKind::Audio(..) | StreamKind::Opus(_) | StreamKind::OtherAudio(_) => Some(MediaKind::Audio),
        StreamKind::Id3 | StreamKind::Other(_) => None,
    }
}

impl Reader {
    fn take(&mut self, event: Event<'_>, out: &mut Vec<Piece>) -> Result<(), DemuxError> {
        match (self, event) {
            (Self::Video(video), Event::Begin(Some(stamp))) => video.mark(stamp),
            (Self::Video(video), Event::Data(bytes)) => video.push(bytes, out)?,
            (Self::Sound(sound), Event::Begin(Some(stamp))) => sound.mark(stamp),
            (Self::Sound(sound), Event::Data(bytes)) => sound.push(bytes, out)?,
            (Self::Packets(packets), Event::Begin(stamp)) => packets.begin(stamp),
            (Self::Packets(packets), Event::Data(bytes)) => packets.push(bytes)?,
            (Self::Packets(packets), Event::End) => packets.end(out),
            (Self::Video(_) | Self::Sound(_), Event::Begin(None) | Event::End) => {}
        }
        Ok(())
    }
}
