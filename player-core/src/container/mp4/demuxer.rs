//! The incremental reader: bytes in, samples and event messages out as soon as theirs have arrived.

use std::sync::Arc;

use bytes::Bytes;

use super::boxes::{BoxBody, BoxHeader, malformed, name};
use super::emsg::EventMessage;
use super::fragment::MovieFragment;
use super::movie::Movie;
use super::queue::ByteQueue;
use super::samples::Row;
use super::track::Track;
use super::{init_segment, limits, stpp, wvtt};
use crate::container::captions::{self, CaptionQueue};
use crate::container::sniff::{self, Signature};
use crate::container::{
    CaptionPacket, Codec, DemuxError, DemuxOutput, Demuxer, Fragment, InitSegment, Payload, Sample,
};
use crate::model::{MediaKind, TimedMetadata};
use crate::text::Cue;
use crate::text::webvtt::TimestampMap;
use crate::time::MediaTime;

/// Reads fragmented and progressive MP4. Payloads share the pushed buffers; a sample that spans two of them is
/// joined. What it holds back is at most one box of metadata or one sample.
#[derive(Debug)]
pub struct Mp4Demuxer {
    queue: ByteQueue,
    state: State,
    movie: Option<Movie>,
    /// Decoding time of the next sample of each track.
    clocks: Vec<i64>,
    announced: Rows,
    events: Events,
    /// Captions inside the pictures, when they are wanted.
    captions: Option<CaptionQueue>,
}

/// Event messages, which may precede the media that determines the start of the segment.
#[derive(Debug, Default)]
struct Events {
    /// Earliest presentation time of the segment.
    earliest: Option<MediaTime>,
    waiting: Vec<EventMessage>,
}

#[derive(Debug)]
enum State {
    /// Before the first box.
    Beginning,
    Between,
    /// Inside a box that is read as a whole.
    Whole {
        header: BoxHeader,
        start: u64,
    },
    /// Inside a box that does not matter.
    Skip {
        kind: [u8; 4],
        start: u64,
        end: u64,
    },
    /// Inside a box of media data.
    Media {
        start: u64,
        end: u64,
    },
}

/// Samples whose bytes have not come yet, ordered by their place.
#[derive(Debug, Default)]
struct Rows {
    rows: std::vec::IntoIter<Row>,
    /// Offset of the fragment and the offset that it declares, while they have not been compared.
    explicit_base: Option<(u64, u64)>,
}

/// Output of one push.
#[derive(Default)]
struct Batch {
    done: Vec<DemuxOutput>,
    samples: Vec<(u16, Vec<Sample>)>,
    cues: Vec<Cue>,
    captions: Vec<CaptionPacket>,
}

impl Mp4Demuxer {
    /// A reader for one segment or file. Without `init` the data must carry its own.
    ///
    /// # Errors
    /// When `init` carries bytes that cannot be read.
    pub fn new(init: Option<&InitSegment>) -> Result<Self, DemuxError> {
        let movie = match init {
            Some(init) if init.source.is_empty() => {
                Some(Movie { tracks: init.tracks.iter().map(Track::from_init).collect(), samples: Vec::new() })
            }
            Some(init) => {
                let (mut movie, _) = super::find_movie(&init.source)?;
                // They lie in the file that the initialisation data was read from.
                movie.samples.clear();
                Some(movie)
            }
            None => None,
        };
        let clocks = vec![0; movie.as_ref().map_or(0, |movie| movie.tracks.len())];
        Ok(Self {
            queue: ByteQueue::default(),
            state: State::Beginning,
            movie,
            clocks,
            announced: Rows::default(),
            events: Events::default(),
            captions: None,
        })
    }

    /// Gives captions, too: those inside the pictures and those of caption tracks.
    #[must_use]
    pub fn with_captions(mut self, wanted: bool) -> Self {
        self.captions = wanted.then(CaptionQueue::default);
        self
    }

    /// Goes on as far as the bytes reach.
    fn advance(&mut self, batch: &mut Batch) -> Result<(), DemuxError> {
        loop {
            let moved = match self.state {
                State::Beginning => self.check_beginning()?,
                State::Between => self.begin_box()?,
                State::Whole { header, start } => self.read_whole(header, start, batch)?,
                State::Skip { end, .. } => self.skip_to(end),
                State::Media { end, .. } => self.read_media(end, batch)?,
            };
            if !moved {
                return Ok(());
            }
        }
    }

    fn check_beginning(&mut self) -> Result<bool, DemuxError> {
        let mut bytes = [0; sniff::HEAD];
        let bytes = self.queue.peek(&mut bytes);
        match sniff::recognise(bytes) {
            Signature::Mp4 => {}
            _ if bytes.len() < sniff::HEAD => return Ok(false),
            other => return Err(other.refuse("an MP4 file")),
        }
        self.state = State::Between;
        Ok(true)
    }

    fn begin_box(&mut self) -> Result<bool, DemuxError> {
        let start = self.queue.position();
        let mut bytes = [0; BoxHeader::LONGEST];
        let Some(header) = BoxHeader::read(self.queue.peek(&mut bytes), start)? else { return Ok(false) };
        if !header.kind.iter().all(|&byte| matches!(byte, 0x20..=0x7e | 0xa9)) {
            return Err(malformed("bytes that are not a box", start));
        }
        let end =
            header.content.map_or(u64::MAX, |content| start.saturating_add(header.header).saturating_add(content));
        self.state = match &header.kind {
            b"moov" | b"moof" => {
                let limit = if &header.kind == b"moov" { limits::MOVIE_BYTES } else { limits::FRAGMENT_BYTES };
                let Some(content) = header.content else {
                    return Err(malformed(format!("box '{}' without a size", name(header.kind)), start));
                };
                limits::check(&format!("the size of box '{}'", name(header.kind)), content, limit, start)?;
                State::Whole { header, start }
            }
            b"emsg" if header.content.is_some_and(|content| content <= limits::EVENT_BYTES) => {
                State::Whole { header, start }
            }
            b"mdat" if self.movie.is_none() => {
                let feature = "an MP4 file with its media before its index".to_owned();
                return Err(DemuxError::Unsupported { feature });
            }
            b"mdat" => {
                self.announced.rebase(start + header.header, end);
                State::Media { start, end }
            }
            &kind => State::Skip { kind, start, end },
        };
        if !matches!(self.state, State::Whole { .. }) {
            self.queue.skip(header.header);
        }
        Ok(true)
    }

    fn read_whole(&mut self, header: BoxHeader, start: u64, batch: &mut Batch) -> Result<bool, DemuxError> {
        // Within `limits::MOVIE_BYTES`.
        let total = (header.header + header.content.unwrap_or_default()) as usize;
        let Some(whole) = self.queue.take(total) else { return Ok(false) };
        self.state = State::Between;
        let offset = start + header.header;
        let bytes = whole.get(header.header as usize..).unwrap_or_default();
        let body = BoxBody { kind: header.kind, bytes, offset };
        if &header.kind == b"emsg" {
            self.events.take(&body);
        } else if &header.kind == b"moov" {
            self.announced.must_be_empty(start)?;
            let mut movie = Movie::read(&body)?;
            self.announced = Rows::new(std::mem::take(&mut movie.samples), None, &movie)?;
            self.events.media_begins(self.announced.rows.as_slice(), &movie);
            self.clocks = vec![0; movie.tracks.len()];
            batch.flush(Some(&movie));
            batch.done.extend(movie.protection(&body).map(DemuxOutput::Protection));
            batch.done.push(DemuxOutput::Init(Arc::new(init_segment(&movie, whole.clone()))));
            self.movie = Some(movie);
        } else {
            let movie = self.movie.as_ref().ok_or(DemuxError::NoInit)?;
            must_be_readable(movie)?;
            self.announced.must_be_empty(start)?;
            let fragment = MovieFragment { body, start };
            let announced = fragment.read(movie, &mut self.clocks)?;
            let base = announced.explicit_base.map(|base| (start, base));
            self.announced = Rows::new(announced.rows, base, movie)?;
            self.events.media_begins(self.announced.rows.as_slice(), movie);
        }
        let placed = self.events.placed();
        if !placed.is_empty() {
            batch.flush(self.movie.as_ref());
            batch.done.push(DemuxOutput::Metadata(placed));
        }
        Ok(true)
    }

    fn skip_to(&mut self, end: u64) -> bool {
        self.queue.skip(end - self.queue.position());
        let reached = self.queue.position() == end;
        if reached {
            self.state = State::Between;
        }
        reached
    }

    fn read_media(&mut self, end: u64, batch: &mut Batch) -> Result<bool, DemuxError> {
        let Some(movie) = &mut self.movie else { return Err(DemuxError::NoInit) };
        while let Some(row) = self.announced.rows.as_slice().first().filter(|row| row.lies_before(end)) {
            let Some(before) = row.offset.checked_sub(self.queue.position()) else {
                return Err(malformed("samples that overlap or lie outside of the media data", row.offset));
            };
            if row.end() > end {
                return Err(malformed("a sample that reaches beyond the media data", row.offset));
            }
            if self.queue.skip(before) < before {
                return Ok(false);
            }
            let Some(bytes) = self.queue.take(row.size as usize) else { return Ok(false) };
            if let (Some(row), place) = (self.announced.rows.next(), self.queue.position()) {
                batch.add(row, bytes, movie, place, self.captions.as_mut())?;
            }
        }
        Ok(self.skip_to(end))
    }
}

impl Demuxer for Mp4Demuxer {
    fn push(&mut self, bytes: Bytes) -> Result<Vec<DemuxOutput>, DemuxError> {
        self.queue.push(bytes);
        let mut batch = Batch::default();
        self.advance(&mut batch)?;
        batch.captions = self.captions.as_mut().map(CaptionQueue::take).unwrap_or_default();
        Ok(batch.finish(self.movie.as_ref()))
    }

    fn finish(&mut self) -> Result<Vec<DemuxOutput>, DemuxError> {
        let truncated = |what: String, offset: u64| Err(DemuxError::Truncated { what, offset });
        let position = self.queue.position();
        match self.state {
            State::Beginning if self.queue.len() > 0 => {
                let mut bytes = [0; sniff::HEAD];
                match sniff::recognise(self.queue.peek(&mut bytes)) {
                    Signature::Nothing => truncated("a box".to_owned(), 0),
                    other => Err(other.refuse("an MP4 file")),
                }
            }
            State::Beginning => truncated("an empty file".to_owned(), 0),
            State::Between if self.queue.len() > 0 => truncated("a box".to_owned(), position),
            State::Whole { header, start } => truncated(format!("box '{}'", name(header.kind)), start),
            State::Skip { kind, start, end } if end != u64::MAX => truncated(format!("box '{}'", name(kind)), start),
            State::Media { start, end } if end != u64::MAX || !self.announced.is_empty() => {
                truncated("box 'mdat'".to_owned(), start)
            }
            _ if !self.announced.is_empty() => truncated("a movie fragment".to_owned(), position),
            _ => {
                let captions = self.captions.as_mut().map(CaptionQueue::finish).unwrap_or_default();
                Ok(Batch { captions, ..Batch::default() }.finish(None))
            }
        }
    }
}

impl Events {
    /// Takes one. A damaged one is passed over: the media plays without it.
    fn take(&mut self, body: &BoxBody<'_>) {
        match EventMessage::read(body) {
            Ok(event) if self.waiting.len() < limits::WAITING_EVENTS => self.waiting.push(event),
            Ok(_) => tracing::debug!("too many event messages before their media"),
            Err(error) => tracing::debug!(%error, "an event message that cannot be read"),
        }
    }

    /// The first samples of the segment are known.
    fn media_begins(&mut self, rows: &[Row], movie: &Movie) {
        let time = |row: &Row| {
            let track = movie.tracks.get(usize::from(row.track))?;
            Some(track.edit.apply(row.cts, track.init.timescale))
        };
        self.earliest = self.earliest.or_else(|| rows.iter().filter_map(time).min());
    }

    /// Those whose time is known now.
    fn placed(&mut self) -> Vec<TimedMetadata> {
        match self.earliest {
            Some(earliest) => self.waiting.drain(..).map(|event| event.placed(earliest)).collect(),
            None => Vec::new(),
        }
    }
}

impl Rows {
    fn new(mut rows: Vec<Row>, explicit_base: Option<(u64, u64)>, movie: &Movie) -> Result<Self, DemuxError> {
        if !rows.is_sorted_by_key(|row| row.offset) {
            rows.sort_by_key(|row| row.offset);
        }
        let mut latest = vec![i64::MIN; movie.tracks.len()];
        for row in &rows {
            if let Some(latest) = latest.get_mut(usize::from(row.track)) {
                if row.dts < *latest {
                    let feature = "MP4 samples that are not stored in decoding order".to_owned();
                    return Err(DemuxError::Unsupported { feature });
                }
                *latest = row.dts;
            }
        }
        Ok(Self { rows: rows.into_iter(), explicit_base })
    }

    fn is_empty(&self) -> bool {
        self.rows.as_slice().is_empty()
    }

    fn must_be_empty(&self, offset: u64) -> Result<(), DemuxError> {
        if self.is_empty() { Ok(()) } else { Err(malformed("samples that no media data box holds", offset)) }
    }

    /// Explicit offsets count from the beginning of a file. When only a range of it was pushed they miss the
    /// media data, and then the fragment itself is what they count from.
    fn rebase(&mut self, content: u64, end: u64) {
        let Some((start, base)) = self.explicit_base.take() else { return };
        let fits = |row: &Row| row.offset >= content && row.end() <= end;
        if self.rows.as_slice().iter().all(fits) {
            return;
        }
        for row in self.rows.as_mut_slice() {
            row.offset = row.offset.wrapping_sub(base).wrapping_add(start);
        }
    }
}

impl Batch {
    fn add(
        &mut self,
        row: Row,
        bytes: Bytes,
        movie: &mut Movie,
        end: u64,
        captions: Option<&mut CaptionQueue>,
    ) -> Result<(), DemuxError> {
        self.use_entry_of(&row, movie);
        let Some(track) = movie.tracks.get(usize::from(row.track)).filter(|track| track.is_readable()) else {
            return Ok(());
        };
        let number = row.track;
        let offset = end - bytes.len() as u64;
        let sample = row.into_sample(track, Payload(bytes));
        match track.init.config.codec {
            Codec::Wvtt => return wvtt::read(&sample, offset, &mut self.cues),
            Codec::Stpp => return stpp::read(&sample, track.origin(), offset, &mut self.cues),
            _ => {}
        }
        let codec = &track.init.config.codec;
        let alone = captions::is_track(codec);
        if let Some(queue) = captions.filter(|_| alone || track.init.kind == MediaKind::Video) {
            queue.add(&sample, codec);
        }
        if alone {
            return Ok(());
        }
        match self.samples.iter_mut().find(|(track, _)| *track == number) {
            Some((_, samples)) => samples.push(sample),
            None => self.samples.push((number, vec![sample])),
        }
        Ok(())
    }

    /// Announces the sample entry of a sample when it is another than that of the samples before it (ISO/IEC 14496-12
    /// §8.5.2): what was gathered so far keeps its own.
    fn use_entry_of(&mut self, row: &Row, movie: &mut Movie) {
        let current = movie.tracks.get(usize::from(row.track)).map(|track| track.entry);
        if current.is_none_or(|current| current == row.entry) {
            return;
        }
        self.flush(Some(movie));
        let changed = movie.tracks.get_mut(usize::from(row.track)).is_some_and(|track| track.use_entry(row.entry));
        if changed {
            self.done.push(DemuxOutput::Init(Arc::new(init_segment(movie, Bytes::new()))));
        }
    }

    /// Closes the pieces gathered so far.
    fn flush(&mut self, movie: Option<&Movie>) {
        for (number, samples) in self.samples.drain(..) {
            if let Some(track) = movie.and_then(|movie| movie.tracks.get(usize::from(number))) {
                self.done.push(DemuxOutput::Fragment(Fragment { track: track.init.id, samples }));
            }
        }
        if let Some(first) = self.cues.first() {
            // Cue times are media time, not presentation time: say so by an identity. It stands near the cues, so
            // that a reader who unrolls the 33-bit counter around it stays on the right turn.
            let seconds = u32::try_from(first.start.as_nanos() / 1_000_000_000).unwrap_or(0);
            let local = MediaTime::from_ticks(i64::from(seconds), 1);
            let timestamp_map = Some(TimestampMap { mpegts: u64::from(seconds) * 90_000, local });
            self.done.push(DemuxOutput::Cues { cues: std::mem::take(&mut self.cues), timestamp_map });
        }
    }

    fn finish(mut self, movie: Option<&Movie>) -> Vec<DemuxOutput> {
        self.flush(movie);
        if !self.captions.is_empty() {
            self.done.push(DemuxOutput::Captions(self.captions));
        }
        self.done
    }
}

fn must_be_readable(movie: &Movie) -> Result<(), DemuxError> {
    if movie.tracks.iter().any(Track::is_readable) {
        return Ok(());
    }
    let codec = movie.tracks.first().map(|track| track.init.config.codec_string.as_str()).unwrap_or_default();
    Err(DemuxError::Unsupported { feature: format!("text in MP4 coded as '{codec}'") })
}
