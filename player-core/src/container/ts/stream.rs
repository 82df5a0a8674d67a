//! One elementary stream: from the payload of its packets to access units.

use super::clock::Clock;
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
use crate::container::{DemuxError, SampleKey};
use crate::model::MediaKind;

use super::packet::Packet;

/// A stream of the program that is read.
#[derive(Clone, Debug)]
pub(super) struct ElementaryStream {
    /// From the program map.
    pub entry: StreamEntry,
    pes: PesReader,
    reader: Reader,
    /// Number and payload of the last packet.
    last: Option<(u8, Vec<u8>)>,
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
        Some(Self { entry, pes: PesReader::new(unbounded), reader, last: None, stuffed: false, resumed: false })
    }

    /// What is presented of it; `None` for metadata.
    pub fn media(&self) -> Option<MediaKind> {
        match self.entry.kind {
            StreamKind::H264(_) | StreamKind::H265 | StreamKind::OldVideo(_) | StreamKind::OtherVideo(_) => {
                Some(MediaKind::Video)
            }
            StreamKind::Audio(..) | StreamKind::Opus(_) | StreamKind::OtherAudio(_) => Some(MediaKind::Audio),
            StreamKind::Id3 | StreamKind::Other(_) => None,
        }
    }

    /// Takes a packet of the stream.
    ///
    /// # Errors
    /// When something exceeds its limit.
    pub fn push(&mut self, packet: &Packet<'_>, clock: &mut Clock) -> Result<Vec<Piece>, DemuxError> {
        // A packet may be sent twice (§2.4.3.3). Some packagers never count, so the payload decides.
        let repeats = |(counter, payload): &(u8, Vec<u8>)| *counter == packet.counter && payload == packet.payload;
        if packet.payload.is_empty() || !packet.discontinuity && self.last.as_ref().is_some_and(repeats) {
            return Ok(Vec::new());
        }
        let mut pieces = Vec::new();
        if std::mem::take(&mut self.resumed) && !packet.unit_start {
            let expected = self.last.as_ref().map(|(counter, _)| (counter + 1) & 15);
            if expected.is_some_and(|expected| expected != packet.counter) {
                // It goes on with something else: the open unit ends as it is, and this belongs to none.
                pieces = self.finish()?;
            }
        }
        self.stuffed = packet.stuffed;
        let last = self.last.get_or_insert_default();
        last.0 = packet.counter;
        last.1.clear();
        last.1.extend_from_slice(packet.payload);
        let reader = &mut self.reader;
        self.pes.push(packet.payload, packet.unit_start, clock, |event| reader.take(event, &mut pieces))?;
        Ok(pieces)
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
        (self.last, self.stuffed, self.resumed) = (None, false, false);
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
