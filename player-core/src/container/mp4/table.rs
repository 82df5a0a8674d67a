//! Sample tables of unfragmented movies (ISO/IEC 14496-12 §8.5.1, §8.6, §8.7).

use super::boxes::{BoxBody, Fields, malformed};
use super::limits;
use super::samples::Row;
use super::track::Track;
use crate::container::DemuxError;
use crate::model::MediaKind;

/// The samples of all tracks, ordered by their place in the file. `traks` and `tracks` run in parallel.
pub(super) fn read_all(traks: &[BoxBody<'_>], tracks: &[Track]) -> Result<Vec<Row>, DemuxError> {
    let mut rows = Vec::new();
    for (index, (trak, track)) in traks.iter().zip(tracks).enumerate() {
        let stbl = trak.required(*b"mdia")?.required(*b"minf")?.required(*b"stbl")?;
        let number = u16::try_from(index).unwrap_or(u16::MAX);
        let before = rows.len();
        SampleTable::gather(&stbl)?.read(number, track, &mut rows)?;
        if rows.len() > before && track.entries.iter().any(|entry| entry.protection.is_some()) {
            let feature = "an encrypted MP4 file that is not fragmented".to_owned();
            return Err(DemuxError::Unsupported { feature });
        }
    }
    if !rows.is_sorted_by_key(|row: &Row| row.offset) {
        rows.sort_by_key(|row| row.offset);
    }
    Ok(rows)
}

/// The boxes of a sample table.
struct SampleTable<'a> {
    body: BoxBody<'a>,
    times: Option<BoxBody<'a>>,
    compositions: Option<BoxBody<'a>>,
    syncs: Option<BoxBody<'a>>,
    chunk_runs: Option<BoxBody<'a>>,
    sizes: Option<BoxBody<'a>>,
    offsets: Option<BoxBody<'a>>,
}

impl<'a> SampleTable<'a> {
    fn gather(stbl: &BoxBody<'a>) -> Result<Self, DemuxError> {
        let mut table = Self {
            body: *stbl,
            times: None,
            compositions: None,
            syncs: None,
            chunk_runs: None,
            sizes: None,
            offsets: None,
        };
        for child in stbl.children() {
            let child = child?;
            let place = match &child.kind {
                b"stts" => &mut table.times,
                b"ctts" => &mut table.compositions,
                b"stss" => &mut table.syncs,
                b"stsc" => &mut table.chunk_runs,
                b"stsz" | b"stz2" => &mut table.sizes,
                b"stco" | b"co64" => &mut table.offsets,
                _ => continue,
            };
            place.get_or_insert(child);
        }
        Ok(table)
    }

    fn read(&self, number: u16, track: &Track, rows: &mut Vec<Row>) -> Result<(), DemuxError> {
        let (Some(sizes), Some(offsets), Some(chunk_runs)) = (&self.sizes, &self.offsets, &self.chunk_runs) else {
            return Ok(());
        };
        let mut sizes = Sizes::read(sizes)?;
        if sizes.count == 0 {
            return Ok(());
        }
        let total = rows.len() as u64 + u64::from(sizes.count);
        limits::check("the number of samples", total, limits::MOVIE_SAMPLES as u64, self.body.offset)?;
        let mut times = Runs::read(self.times.as_ref())?;
        let mut compositions = Runs::read(self.compositions.as_ref())?;
        let mut syncs = match (&self.syncs, track.init.kind) {
            (Some(stss), MediaKind::Video) => Some(Syncs::read(stss)?),
            // Some codecs of sound depend on earlier frames; an empty list is a mistake there.
            (Some(stss), MediaKind::Audio) => Some(Syncs::read(stss)?).filter(|syncs| syncs.entries > 0),
            _ => None,
        };
        let mut chunks = Chunks::read(chunk_runs, offsets)?;
        let (mut dts, mut duration) = (0i64, 0u32);
        let mut left = sizes.count;
        let mut sample = 0u32;
        while left > 0 {
            let Some((mut offset, count, description)) = chunks.next()? else {
                return Err(malformed("a sample table with fewer chunks than samples", self.body.offset));
            };
            let count = count.min(left);
            left -= count;
            for _ in 0..count {
                sample += 1;
                let delta = times.next()?.unwrap_or(0);
                let composition = compositions.next()?.unwrap_or(0) as i32;
                let size = sizes.next()?;
                // The last sample often has no declared length; it lasts as long as the one before.
                let last = sample == sizes.count;
                duration = if delta == 0 && last { duration } else { delta };
                rows.push(Row {
                    offset,
                    dts,
                    cts: dts.saturating_add(i64::from(composition)),
                    duration,
                    size,
                    track: number,
                    entry: track.entry_index(description),
                    key: match &mut syncs {
                        Some(syncs) => syncs.contains(sample)?,
                        None => true,
                    },
                    crypto: None,
                });
                offset = offset.saturating_add(u64::from(size));
                dts = dts.saturating_add(i64::from(delta));
            }
        }
        Ok(())
    }
}

/// Reader of the sample sizes, `stsz` or `stz2` (§8.7.3).
struct Sizes<'a> {
    count: u32,
    constant: u32,
    /// Bits of an entry.
    width: u8,
    fields: Fields<'a>,
    /// The second half of a byte that holds two entries.
    half: Option<u8>,
}

impl<'a> Sizes<'a> {
    fn read(body: &BoxBody<'a>) -> Result<Self, DemuxError> {
        let (_, _, mut fields) = body.full()?;
        let word = fields.u32()?;
        let compact = &body.kind == b"stz2";
        let (constant, width) = if compact { (0, (word & 0xff) as u8) } else { (word, 32) };
        if !matches!(width, 4 | 8 | 16 | 32) {
            return Err(malformed(format!("sample sizes of {width} bits"), body.offset));
        }
        let count = fields.u32()?;
        let needed = (u64::from(count) * u64::from(width)).div_ceil(8);
        if constant == 0 && needed > fields.rest().len() as u64 {
            return Err(malformed("a sample table that promises more sizes than it holds", body.offset));
        }
        Ok(Self { count, constant, width, fields, half: None })
    }

    fn next(&mut self) -> Result<u32, DemuxError> {
        if self.constant > 0 {
            return Ok(self.constant);
        }
        Ok(match self.width {
            32 => self.fields.u32()?,
            16 => u32::from(self.fields.u16()?),
            8 => u32::from(self.fields.u8()?),
            _ => match self.half.take() {
                Some(half) => u32::from(half),
                None => {
                    let byte = self.fields.u8()?;
                    self.half = Some(byte & 15);
                    u32::from(byte >> 4)
                }
            },
        })
    }
}

/// Run-length coded values: `stts` (§8.6.1.2), `ctts` (§8.6.1.3).
struct Runs<'a> {
    fields: Option<Fields<'a>>,
    entries: usize,
    left: u32,
    value: u32,
}

impl<'a> Runs<'a> {
    fn read(body: Option<&BoxBody<'a>>) -> Result<Self, DemuxError> {
        let Some(body) = body else { return Ok(Self { fields: None, entries: 0, left: 0, value: 0 }) };
        let (_, _, mut fields) = body.full()?;
        let entries = fields.count(8)?;
        Ok(Self { fields: Some(fields), entries, left: 0, value: 0 })
    }

    /// The next value; `None` after the last.
    fn next(&mut self) -> Result<Option<u32>, DemuxError> {
        let Some(fields) = &mut self.fields else { return Ok(None) };
        while self.left == 0 {
            if self.entries == 0 {
                return Ok(None);
            }
            self.entries -= 1;
            self.left = fields.u32()?;
            self.value = fields.u32()?;
        }
        self.left -= 1;
        Ok(Some(self.value))
    }
}

/// `stss` (§8.6.2): numbers of sync samples, ascending.
struct Syncs<'a> {
    fields: Fields<'a>,
    entries: usize,
    next: u32,
}

impl<'a> Syncs<'a> {
    fn read(body: &BoxBody<'a>) -> Result<Self, DemuxError> {
        let (_, _, mut fields) = body.full()?;
        let entries = fields.count(4)?;
        Ok(Self { fields, entries, next: 0 })
    }

    fn contains(&mut self, number: u32) -> Result<bool, DemuxError> {
        while self.next < number && self.entries > 0 {
            self.entries -= 1;
            self.next = self.fields.u32()?;
        }
        Ok(self.next == number)
    }
}

/// `stsc` (§8.7.4) over `stco` or `co64` (§8.7.5).
struct Chunks<'a> {
    runs: Fields<'a>,
    runs_left: usize,
    /// First chunk of the next run.
    next_first: Option<u32>,
    next_count: u32,
    next_description: u32,
    samples: u32,
    description: u32,
    offsets: Fields<'a>,
    offsets_left: usize,
    wide: bool,
    number: u32,
}

impl<'a> Chunks<'a> {
    fn read(runs: &BoxBody<'a>, offsets: &BoxBody<'a>) -> Result<Self, DemuxError> {
        let (_, _, mut runs) = runs.full()?;
        let runs_left = runs.count(12)?;
        let wide = &offsets.kind == b"co64";
        let (_, _, mut offsets) = offsets.full()?;
        let offsets_left = offsets.count(if wide { 8 } else { 4 })?;
        let mut chunks = Self {
            runs,
            runs_left,
            next_first: None,
            next_count: 0,
            next_description: 1,
            samples: 0,
            description: 1,
            offsets,
            offsets_left,
            wide,
            number: 0,
        };
        chunks.load()?;
        Ok(chunks)
    }

    fn load(&mut self) -> Result<(), DemuxError> {
        self.next_first = None;
        if self.runs_left > 0 {
            self.runs_left -= 1;
            self.next_first = Some(self.runs.u32()?);
            self.next_count = self.runs.u32()?;
            self.next_description = self.runs.u32()?;
        }
        Ok(())
    }

    /// Place and number of samples of the next chunk, and the number of their sample entry.
    fn next(&mut self) -> Result<Option<(u64, u32, u32)>, DemuxError> {
        if self.offsets_left == 0 {
            return Ok(None);
        }
        self.offsets_left -= 1;
        self.number += 1;
        while self.next_first.is_some_and(|first| first <= self.number) {
            (self.samples, self.description) = (self.next_count, self.next_description);
            self.load()?;
        }
        Ok(Some((self.offsets.u32_or_u64(self.wide)?, self.samples, self.description)))
    }
}
