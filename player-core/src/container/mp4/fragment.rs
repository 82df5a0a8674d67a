//! The movie fragment box (ISO/IEC 14496-12 §8.8.4): which samples follow, where, and when.

use std::sync::Arc;

use super::boxes::{BoxBody, Fields, malformed};
use super::limits;
use super::movie::Movie;
use super::protection::{self, AuxiliarySource, KeyParameters};
use super::samples::{Row, is_key};
use super::track::{SampleDefaults, Track};
use crate::container::{DemuxError, SampleCrypto};
use crate::model::MediaKind;

/// Content of a movie fragment box.
#[derive(Debug)]
pub(super) struct Announced {
    /// In the order of its track fragments and runs.
    pub rows: Vec<Row>,
    /// The first `base_data_offset`, when it has one. It counts from the beginning of the file, which is not the
    /// beginning of what a range request gives.
    pub explicit_base: Option<u64>,
}

/// A movie fragment box and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct MovieFragment<'a> {
    pub body: BoxBody<'a>,
    /// First byte of its header.
    pub start: u64,
}

impl MovieFragment<'_> {
    fn end(&self) -> u64 {
        self.body.offset + self.body.bytes.len() as u64
    }

    /// Reads it. `clocks` hold the decoding time of the next sample of each track in case that the fragment does
    /// not tell, and are moved on.
    pub fn read(&self, movie: &Movie, clocks: &mut [i64]) -> Result<Announced, DemuxError> {
        let mut announced = Announced { rows: Vec::new(), explicit_base: None };
        let mut implicit_base = self.start;
        let mut seen = 0;
        for child in self.body.children() {
            let child = child?;
            if &child.kind != b"traf" {
                continue;
            }
            seen += 1;
            limits::check("the number of track fragments", seen, limits::TRACKS as u64, child.offset)?;
            let boxes = TrackFragment::gather(&child)?;
            let header = TrackFragmentHeader::read(&boxes, movie)?;
            let base = match header.base {
                Base::Explicit(base) => {
                    announced.explicit_base.get_or_insert(base);
                    base
                }
                Base::Fragment => self.start,
                Base::Implicit => implicit_base,
            };
            let Some((track, clock)) =
                header.track.and_then(|index| Some((movie.tracks.get(index)?, clocks.get_mut(index)?)))
            else {
                continue;
            };
            let mut reader = RunReader { fragment: self, boxes: &boxes, header: &header, track, base, clock };
            implicit_base = reader.read(&mut announced.rows)?;
        }
        Ok(announced)
    }
}

/// The boxes of a track fragment (`traf`, §8.8.6).
struct TrackFragment<'a> {
    body: BoxBody<'a>,
    header: BoxBody<'a>,
    decode_time: Option<BoxBody<'a>>,
    runs: Vec<BoxBody<'a>>,
    encryption: Option<BoxBody<'a>>,
    auxiliary_sizes: Option<Vec<u8>>,
    auxiliary_offset: Option<u64>,
    groups: Vec<KeyParameters>,
    group_runs: Vec<(u32, u32)>,
}

/// The sample encryption box of PIFF 1.1 §5.3.2, a forerunner of `senc` with the same content.
const PIFF_ENCRYPTION: [u8; 16] =
    [0xa2, 0x39, 0x4f, 0x52, 0x5a, 0x9b, 0x4f, 0x14, 0xa2, 0x44, 0x6c, 0x42, 0x7c, 0x64, 0x8d, 0xf4];

impl<'a> TrackFragment<'a> {
    fn gather(traf: &BoxBody<'a>) -> Result<Self, DemuxError> {
        let mut boxes = Self {
            body: *traf,
            header: traf.required(*b"tfhd")?,
            decode_time: None,
            runs: Vec::new(),
            encryption: None,
            auxiliary_sizes: None,
            auxiliary_offset: None,
            groups: Vec::new(),
            group_runs: Vec::new(),
        };
        for child in traf.children() {
            let child = child?;
            match &child.kind {
                b"tfdt" => boxes.decode_time = Some(child),
                b"trun" => boxes.runs.push(child),
                b"senc" => boxes.encryption = Some(child),
                b"uuid" => {
                    if let Some((&PIFF_ENCRYPTION, rest)) = child.bytes.split_first_chunk::<16>() {
                        boxes.encryption = Some(BoxBody { bytes: rest, offset: child.offset + 16, ..child });
                    }
                }
                b"saiz" => boxes.auxiliary_sizes = protection::auxiliary_sizes(&child)?.or(boxes.auxiliary_sizes),
                b"saio" => boxes.auxiliary_offset = protection::auxiliary_offset(&child)?.or(boxes.auxiliary_offset),
                b"sgpd" => boxes.groups.extend(protection::key_groups(&child)?.unwrap_or_default()),
                b"sbgp" => boxes.group_runs.extend(protection::group_runs(&child)?.unwrap_or_default()),
                _ => {}
            }
        }
        Ok(boxes)
    }
}

/// Origin of the data offsets of runs.
#[derive(Clone, Copy, Debug)]
enum Base {
    Explicit(u64),
    Fragment,
    /// The end of the data of the track fragment before, or the movie fragment for the first one.
    Implicit,
}

/// `tfhd` (§8.8.7) over `trex`.
struct TrackFragmentHeader {
    track: Option<usize>,
    base: Base,
    defaults: SampleDefaults,
}

impl TrackFragmentHeader {
    fn read(boxes: &TrackFragment<'_>, movie: &Movie) -> Result<Self, DemuxError> {
        let (_, flags, mut fields) = boxes.header.full()?;
        let track = movie.index_of(fields.u32()?);
        let base = if flags & 0x1 != 0 {
            Base::Explicit(fields.u64()?)
        } else if flags & 0x2_0000 != 0 {
            Base::Fragment
        } else {
            Base::Implicit
        };
        let mut defaults =
            track.and_then(|index| movie.tracks.get(index)).map_or_else(SampleDefaults::default, |t| t.defaults);
        for (flag, field) in [
            (0x2, &mut defaults.description),
            (0x8, &mut defaults.duration),
            (0x10, &mut defaults.size),
            (0x20, &mut defaults.flags),
        ] {
            if flags & flag != 0 {
                *field = fields.u32()?;
            }
        }
        Ok(Self { track, base, defaults })
    }
}

struct RunReader<'r, 'a> {
    fragment: &'r MovieFragment<'a>,
    boxes: &'r TrackFragment<'a>,
    header: &'r TrackFragmentHeader,
    track: &'r Track,
    base: u64,
    clock: &'r mut i64,
}

impl RunReader<'_, '_> {
    /// Appends the rows of all runs and gives the end of their data.
    fn read(&mut self, rows: &mut Vec<Row>) -> Result<u64, DemuxError> {
        if let Some(tfdt) = &self.boxes.decode_time {
            let (version, _, mut fields) = tfdt.full()?;
            // The field is unsigned by the letter (§8.8.12). Writers that put the priming of an encoder before time
            // zero mean two's complement, and no stream lasts for the 2^63 ticks that the sign bit stands for.
            *self.clock = fields.u32_or_u64(version > 0)?.cast_signed();
        }
        let first = rows.len();
        // Without any data offset the data begins with the media data box after the fragment.
        let mut position = if self.base == self.fragment.start { self.fragment.end() + 8 } else { self.base };
        for run in &self.boxes.runs {
            position = self.read_run(run, position, rows)?;
        }
        let own = rows.get_mut(first..).unwrap_or_default();
        if let [.., before, last] = own
            && last.duration == 0
        {
            last.duration = before.duration;
        }
        self.add_encryption(own)?;
        Ok(position)
    }

    /// Reads a track run box, `trun` (§8.8.8).
    fn read_run(&mut self, run: &BoxBody<'_>, position: u64, rows: &mut Vec<Row>) -> Result<u64, DemuxError> {
        let (_, flags, mut fields) = run.full()?;
        let count = fields.u32()?;
        let mut position = position;
        if flags & 0x1 != 0 {
            let offset = i64::from(fields.i32()?);
            position = self
                .base
                .checked_add_signed(offset)
                .ok_or_else(|| malformed("a data offset before the beginning of the file", run.offset))?;
        }
        let first_flags = if flags & 0x4 != 0 { Some(fields.u32()?) } else { None };
        let record = 4 * (flags & 0xf00).count_ones() as usize;
        let total = rows.len() as u64 + u64::from(count);
        limits::check("the number of samples in a fragment", total, limits::FRAGMENT_SAMPLES as u64, run.offset)?;
        let count = count as usize;
        if count * record > fields.rest().len() {
            return Err(malformed("box 'trun' promises more samples than it holds", run.offset));
        }
        let defaults = &self.header.defaults;
        if record == 0 && defaults.size == 0 {
            limits::check("the number of samples without size", count as u64, limits::FREE_SAMPLES as u64, run.offset)?;
        }
        rows.reserve(count);
        for index in 0..count {
            let mut field = |flag: u32, default: u32| if flags & flag != 0 { fields.u32() } else { Ok(default) };
            let duration = field(0x100, defaults.duration)?;
            let size = field(0x200, defaults.size)?;
            let mut own_flags = field(0x400, defaults.flags)?;
            // Signed in version 1; writers of version 0 mean it signed too when it is that large.
            let composition = field(0x800, 0)? as i32;
            if index == 0 && flags & 0x400 == 0 {
                own_flags = first_flags.unwrap_or(own_flags);
            }
            let row = Row {
                offset: position,
                dts: *self.clock,
                cts: self.clock.saturating_add(i64::from(composition)),
                duration,
                size,
                // At most `limits::TRACKS` tracks.
                track: self.header.track.unwrap_or_default() as u16,
                entry: self.track.entry_index(defaults.description),
                key: self.track.init.kind != MediaKind::Video || is_key(own_flags),
                crypto: None,
            };
            position = position.saturating_add(u64::from(size));
            *self.clock = self.clock.saturating_add(i64::from(duration));
            rows.push(row);
        }
        Ok(position)
    }

    /// Adds vectors and subsamples (ISO/IEC 23001-7 §7).
    fn add_encryption(&self, rows: &mut [Row]) -> Result<(), DemuxError> {
        let entry = self.track.entries.get(usize::from(self.track.entry_index(self.header.defaults.description)));
        let Some(protection) = entry.and_then(|entry| entry.protection.as_ref()) else { return Ok(()) };
        let mut source = self.auxiliary_source()?;
        let mut groups = self.boxes.group_runs.iter().copied();
        let mut group = (0u32, 0u32);
        for (index, row) in rows.iter_mut().enumerate() {
            while group.0 == 0 {
                // Samples after the last run belong to no group.
                group = groups.next().unwrap_or((u32::MAX, 0));
            }
            group.0 -= 1;
            let parameters = self.key_parameters(group.1)?.unwrap_or(&protection.defaults);
            let auxiliary = match &mut source {
                Some(source) => source.next(index, parameters.iv_size)?,
                None if parameters.protected && parameters.iv_size > 0 => {
                    return Err(malformed("encrypted samples without initialisation vectors", self.boxes.body.offset));
                }
                None => protection::Auxiliary::default(),
            };
            if !parameters.protected {
                continue;
            }
            let iv = if parameters.iv_size == 0 { parameters.constant_iv.clone() } else { auxiliary.iv };
            row.crypto = Some(Arc::new(SampleCrypto {
                scheme: protection.scheme,
                key_id: parameters.key_id,
                iv,
                subsamples: auxiliary.subsamples,
                pattern: parameters.pattern,
            }));
        }
        Ok(())
    }

    /// The parameters of a group; `None` when the sample belongs to none (§8.9.4 of ISO/IEC 14496-12: numbers
    /// above 65,536 are groups of the fragment itself).
    fn key_parameters(&self, group: u32) -> Result<Option<&KeyParameters>, DemuxError> {
        let (groups, number) = match group.checked_sub(0x1_0000) {
            Some(local) => (&self.boxes.groups, local),
            None => (&self.track.key_groups, group),
        };
        let Some(index) = (number as usize).checked_sub(1) else { return Ok(None) };
        let missing = || malformed(format!("key group {group} that nothing describes"), self.boxes.body.offset);
        groups.get(index).map(Some).ok_or_else(missing)
    }

    fn auxiliary_source(&self) -> Result<Option<AuxiliarySource<'_>>, DemuxError> {
        if let Some(senc) = &self.boxes.encryption {
            let (_, flags, mut fields) = senc.full()?;
            fields.u32()?;
            return Ok(Some(AuxiliarySource::Senc(fields, flags & 2 != 0)));
        }
        let (Some(sizes), Some(offset)) = (&self.boxes.auxiliary_sizes, self.boxes.auxiliary_offset) else {
            return Ok(None);
        };
        let whole = &self.fragment.body;
        // An explicit base may count from the beginning of a file of which only a range is here.
        let place = [self.base, self.fragment.start].into_iter().find_map(|base| {
            let at = base.checked_add(offset)?.checked_sub(whole.offset)?;
            Some((usize::try_from(at).ok()?, whole.bytes.get(usize::try_from(at).ok()?..)?))
        });
        match place {
            Some((at, bytes)) => {
                let fields = Fields::new(*b"saio", bytes, whole.offset + at as u64);
                Ok(Some(AuxiliarySource::Sized(sizes.clone(), fields)))
            }
            None => Err(DemuxError::Unsupported { feature: "encryption information outside its fragment".to_owned() }),
        }
    }
}
