//! Reads the fragmented MP4 file of one track that ffmpeg wrote: initialisation, codec string and where every sample lies.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::super::IngestError;
use super::boxes::{self, Reader};

/// One coded picture or audio frame, in the ticks of its track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Where its bytes are in the file.
    pub(crate) offset: u64,
    pub(crate) size: u32,
    pub(crate) duration: u32,
    /// Presentation minus decoding time.
    pub(crate) composition: i32,
    /// As in `trun` (ISO/IEC 14496-12 §8.8.3.1).
    pub(crate) flags: u32,
}

/// `sample_is_non_sync_sample`.
const NON_SYNC: u32 = 0x0001_0000;

impl Sample {
    pub(crate) fn is_sync(&self) -> bool {
        self.flags & NON_SYNC == 0
    }
}

/// A track with all its samples in decoding order. The first is decoded at 0.
#[derive(Debug)]
pub(crate) struct Track {
    /// `ftyp` and `moov`, as they will be served.
    pub(crate) init: Vec<u8>,
    pub(crate) timescale: u32,
    /// Media time at which the presentation begins (the edit list): the encoder's priming for AAC, 0 for pictures.
    pub(crate) start: u64,
    /// RFC 6381 string.
    pub(crate) codec: String,
    pub(crate) samples: Vec<Sample>,
}

/// Largest `moov` or `moof` that is read into memory, bytes.
const MAX_HEADER: u64 = 64 << 20;
/// Maximum number of samples of a track: four days at 60 pictures a second.
const MAX_SAMPLES: usize = 1 << 24;

/// What a fragment falls back on for a sample's values (`trex`, then `tfhd`).
#[derive(Clone, Copy, Debug, Default)]
struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
}

impl Track {
    /// Reads a file that holds exactly one track.
    pub(crate) fn read(path: &Path) -> Result<Self, IngestError> {
        let file = File::open(path).map_err(IngestError::io(path))?;
        let length = file.metadata().map_err(IngestError::io(path))?.len();
        Self::read_from(BufReader::new(file), length, path)
    }

    /// The same from `length` bytes; `path` names them in errors.
    pub(crate) fn read_from(mut input: impl Read + Seek, length: u64, path: &Path) -> Result<Self, IngestError> {
        let io = || IngestError::io(path);
        let mut track: Option<(Self, Defaults)> = None;
        let mut brand = Vec::new();
        let (mut at, mut next) = (0u64, 0u64);
        while length - at >= 8 {
            let mut header = [0; 8];
            input.read_exact(&mut header).map_err(io())?;
            let mut reader = Reader(&header);
            let (size, kind) = (u64::from(reader.u32()?), reader.array::<4>()?);
            let (size, header) = if size == 1 { (large_size(&mut input).map_err(io())?, 16) } else { (size, 8) };
            let end = at.checked_add(size).filter(|end| size >= header && *end <= length);
            let Some(end) = end else {
                return Err(IngestError::output(format!("box {} does not fit", kind.escape_ascii())));
            };
            if matches!(&kind, b"ftyp" | b"moov" | b"moof") {
                let body = read_body(&mut input, size - header).map_err(io())?;
                match &kind {
                    b"ftyp" => boxes::write(&mut brand, b"ftyp", |out| out.extend_from_slice(&body)),
                    b"moov" => track = Some(Self::from_moov(std::mem::take(&mut brand), &body)?),
                    _ => {
                        let (track, defaults) =
                            track.as_mut().ok_or_else(|| IngestError::output("a moof before the moov"))?;
                        next = track.add_fragment(&body, at, *defaults, next)?;
                    }
                }
            }
            at = end;
            input.seek(SeekFrom::Start(at)).map_err(io())?;
        }
        match track {
            Some((track, _)) if !track.samples.is_empty() => Ok(track),
            _ => Err(IngestError::output("nothing could be decoded from the input")),
        }
    }

    fn from_moov(mut init: Vec<u8>, moov: &[u8]) -> Result<(Self, Defaults), IngestError> {
        boxes::write(&mut init, b"moov", |out| out.extend_from_slice(moov));
        let (timescale, start, defaults) = header(moov)?;
        let stsd = [b"trak", b"mdia", b"minf", b"stbl", b"stsd"];
        let track = Self {
            init,
            timescale,
            start,
            codec: super::codec::string(boxes::descend(moov, &stsd)?)?,
            samples: Vec::new(),
        };
        Ok((track, defaults))
    }

    /// Adds the samples of a `moof` that begins at `offset`, checks that it continues at `expected`, and returns where it ends.
    fn add_fragment(&mut self, moof: &[u8], offset: u64, trex: Defaults, expected: u64) -> Result<u64, IngestError> {
        let traf = boxes::child(moof, b"traf")?;
        let defaults = track_fragment_defaults(boxes::child(traf, b"tfhd")?, trex)?;
        let mut tfdt = Reader(boxes::child(traf, b"tfdt")?);
        let (version, _) = tfdt.version_flags()?;
        let start = tfdt.versioned(version)?;
        if start != expected {
            return Err(IngestError::output(format!("a fragment begins at {start}, not at {expected}")));
        }
        let mut end = start;
        for found in boxes::children(traf) {
            let found = found?;
            if &found.kind == b"trun" {
                end += self.add_run(found.body, offset, defaults)?;
            }
        }
        Ok(end)
    }

    /// Adds a track run (§8.8.8) and returns its duration.
    fn add_run(&mut self, trun: &[u8], moof: u64, defaults: Defaults) -> Result<u64, IngestError> {
        let mut reader = Reader(trun);
        let (_, flags) = reader.version_flags()?;
        let count = reader.u32()?;
        if flags & 0x1 == 0 {
            return Err(IngestError::output("a run without a data offset"));
        }
        let mut offset = moof
            .checked_add_signed(i64::from(reader.u32()?.cast_signed()))
            .ok_or_else(|| IngestError::output("a run before the file"))?;
        let mut first_flags = if flags & 0x4 != 0 { Some(reader.u32()?) } else { None };
        if self.samples.len().saturating_add(count as usize) > MAX_SAMPLES {
            return Err(IngestError::output("a track of too many samples"));
        }
        let mut total = 0;
        for _ in 0..count {
            let duration = if flags & 0x100 != 0 { reader.u32()? } else { defaults.duration };
            let size = if flags & 0x200 != 0 { reader.u32()? } else { defaults.size };
            let own = if flags & 0x400 != 0 { reader.u32()? } else { defaults.flags };
            let composition = if flags & 0x800 != 0 { reader.u32()?.cast_signed() } else { 0 };
            let flags = first_flags.take().unwrap_or(own);
            self.samples.push(Sample { offset, size, duration, composition, flags });
            offset += u64::from(size);
            total += u64::from(duration);
        }
        Ok(total)
    }
}

/// Properties of a packaged track's segments that its initialisation data declares.
#[derive(Debug)]
pub(crate) struct Stored {
    /// Ticks a second.
    pub(crate) timescale: u32,
    /// Media time at which the presentation begins, as [`Track::start`].
    pub(crate) start: u64,
    defaults: Defaults,
}

impl Stored {
    /// Reads `init.mp4` of a track.
    pub(crate) fn read(init: &[u8]) -> Result<Self, IngestError> {
        let moov = boxes::child(init, b"moov")?;
        let (timescale, start, defaults) = header(moov)?;
        Ok(Self { timescale, start, defaults })
    }

    /// Returns the decode time and the samples of one segment; their offsets count from its first byte.
    pub(crate) fn segment(&self, mut input: impl Read + Seek, path: &Path) -> Result<(u64, Vec<Sample>), IngestError> {
        let io = || IngestError::io(path);
        let mut at = 0;
        loop {
            let mut header = [0; 8];
            input.read_exact(&mut header).map_err(io())?;
            let mut reader = Reader(&header);
            let (size, kind) = (u64::from(reader.u32()?), reader.array::<4>()?);
            if size < 8 {
                return Err(IngestError::output(format!("box {} of {size} bytes", kind.escape_ascii())));
            }
            if &kind == b"moof" {
                let body = read_body(&mut input, size - 8).map_err(io())?;
                let mut tfdt = Reader(boxes::descend(&body, &[b"traf", b"tfdt"])?);
                let (version, _) = tfdt.version_flags()?;
                let decode_time = tfdt.versioned(version)?;
                let mut track = Track {
                    init: Vec::new(),
                    timescale: self.timescale,
                    start: self.start,
                    codec: String::new(),
                    samples: Vec::new(),
                };
                track.add_fragment(&body, at, self.defaults, decode_time)?;
                return Ok((decode_time, track.samples));
            }
            at += size;
            input.seek(SeekFrom::Start(at)).map_err(io())?;
        }
    }
}

/// Returns the timescale, the media time of the first edit and the defaults of fragments.
fn header(moov: &[u8]) -> Result<(u32, u64, Defaults), IngestError> {
    let trak = boxes::child(moov, b"trak")?;
    let mut mdhd = Reader(boxes::descend(trak, &[b"mdia", b"mdhd"])?);
    let (version, _) = mdhd.version_flags()?;
    mdhd.skip(if version == 0 { 8 } else { 16 })?;
    let timescale = mdhd.u32()?;
    let timescale = (timescale > 0).then_some(timescale).ok_or_else(|| IngestError::output("timescale 0"))?;
    let mut trex = Reader(boxes::descend(moov, &[b"mvex", b"trex"])?);
    trex.skip(12)?;
    let defaults = Defaults { duration: trex.u32()?, size: trex.u32()?, flags: trex.u32()? };
    Ok((timescale, edit_start(trak)?, defaults))
}

fn large_size(input: &mut impl Read) -> std::io::Result<u64> {
    let mut size = [0; 8];
    input.read_exact(&mut size)?;
    Ok(u64::from_be_bytes(size))
}

fn read_body(input: &mut impl Read, size: u64) -> std::io::Result<Vec<u8>> {
    if size > MAX_HEADER {
        return Err(std::io::Error::other("a header box is implausibly large"));
    }
    let mut body = vec![0; size as usize];
    input.read_exact(&mut body)?;
    Ok(body)
}

/// `tfhd` (§8.8.7) over `trex`.
fn track_fragment_defaults(tfhd: &[u8], trex: Defaults) -> Result<Defaults, IngestError> {
    let mut reader = Reader(tfhd);
    let (_, flags) = reader.version_flags()?;
    reader.skip(4)?;
    if flags & 0x1 != 0 {
        return Err(IngestError::output("a fragment with absolute offsets"));
    }
    if flags & 0x2 != 0 {
        reader.skip(4)?;
    }
    let mut or = |bit: u32, fallback: u32| if flags & bit != 0 { reader.u32() } else { Ok(fallback) };
    Ok(Defaults { duration: or(0x8, trex.duration)?, size: or(0x10, trex.size)?, flags: or(0x20, trex.flags)? })
}

/// The media time of the first edit (§8.6.6). ffmpeg was told to begin every track at 0, so an empty edit is a mistake.
fn edit_start(trak: &[u8]) -> Result<u64, IngestError> {
    let Some(edts) = boxes::optional(trak, b"edts")? else { return Ok(0) };
    let mut elst = Reader(boxes::child(edts, b"elst")?);
    let (version, _) = elst.version_flags()?;
    let entries = elst.u32()?;
    elst.versioned(version)?;
    let time = elst.versioned(version)?;
    let empty = time == u64::from(u32::MAX) || time == u64::MAX;
    if entries != 1 || empty {
        return Err(IngestError::output("an edit list with a gap"));
    }
    Ok(time)
}
