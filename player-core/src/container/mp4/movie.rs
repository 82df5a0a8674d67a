//! The movie box (ISO/IEC 14496-12 §8.2): tracks, their timing and what their samples are coded in.

use std::sync::Arc;

use super::boxes::{BoxBody, malformed};
use super::entry;
use super::limits;
use super::protection;
use super::samples::Row;
use super::table;
use super::track::{Edit, SampleDefaults, Track};
use crate::container::{DemuxError, ProtectionInfo, TrackInit};
use crate::drm::{KeyId, Pssh};
use crate::model::MediaKind;
use crate::time::MediaTime;

/// Maximum number of keys that are reported from one movie box.
const MAX_KEYS: usize = 256;

/// Content of a movie box.
#[derive(Clone, Debug)]
pub(super) struct Movie {
    /// Tracks that carry pictures, sound or text; at least one.
    pub tracks: Vec<Track>,
    /// Samples of an unfragmented movie, ordered by their place in the file; empty in an initialisation segment.
    pub samples: Vec<Row>,
}

impl Movie {
    /// Reads a `moov` box.
    pub fn read(moov: &BoxBody<'_>) -> Result<Self, DemuxError> {
        let mvhd = moov.required(*b"mvhd")?;
        let (version, _, mut fields) = mvhd.full()?;
        fields.take(if version > 0 { 16 } else { 8 })?;
        let timescale = fields.u32()?;
        let mut tracks = Vec::new();
        let mut tables = Vec::new();
        let mut seen = 0;
        for child in moov.children() {
            let child = child?;
            if &child.kind != b"trak" {
                continue;
            }
            seen += 1;
            limits::check("the number of tracks", seen, limits::TRACKS as u64, child.offset)?;
            if let Some(track) = read_track(&child, timescale)? {
                tables.push(child);
                tracks.push(track);
            }
        }
        if tracks.is_empty() {
            return match seen {
                0 => Err(malformed("a movie without tracks", moov.offset)),
                _ => Err(DemuxError::Unsupported { feature: "an MP4 file without video, audio or text".to_owned() }),
            };
        }
        if let Some(mvex) = moov.child(*b"mvex")? {
            read_defaults(&mvex, &mut tracks)?;
        }
        let samples = table::read_all(&tables, &tracks)?;
        Ok(Self { tracks, samples })
    }

    /// Returns the keys that the movie names, and the boxes of `moov` for key systems; `None` if there is neither.
    pub fn protection(&self, moov: &BoxBody<'_>) -> Option<ProtectionInfo> {
        let entries = self.tracks.iter().flat_map(|track| &track.entries).filter_map(|entry| entry.protection.as_ref());
        let groups = self.tracks.iter().flat_map(|track| &track.key_groups);
        let mut info = ProtectionInfo::default();
        for key in entries.map(|found| &found.defaults).chain(groups).filter(|key| key.protected) {
            let id = KeyId(key.key_id);
            if info.key_ids.len() < MAX_KEYS && !info.key_ids.contains(&id) {
                info.key_ids.push(id);
            }
        }
        let boxes = moov.children().take(MAX_KEYS).map_while(Result::ok).filter(|child| &child.kind == b"pssh");
        info.pssh.extend(boxes.filter_map(|child| Pssh::of_body(child.bytes)));
        (info != ProtectionInfo::default()).then_some(info)
    }

    /// The index of a track by its number.
    pub fn index_of(&self, id: u32) -> Option<usize> {
        self.tracks.iter().position(|track| track.init.id == id)
    }
}

fn read_defaults(mvex: &BoxBody<'_>, tracks: &mut [Track]) -> Result<(), DemuxError> {
    for child in mvex.children() {
        let child = child?;
        if &child.kind != b"trex" {
            continue;
        }
        let (_, _, mut fields) = child.full()?;
        let id = fields.u32()?;
        let defaults = SampleDefaults {
            description: fields.u32()?,
            duration: fields.u32()?,
            size: fields.u32()?,
            flags: fields.u32()?,
        };
        if let Some(track) = tracks.iter_mut().find(|track| track.init.id == id) {
            track.defaults = defaults;
            track.use_entry(track.entry_index(defaults.description));
        }
    }
    Ok(())
}

/// Reads a `trak` box; `None` when it carries neither pictures nor sound nor text.
fn read_track(trak: &BoxBody<'_>, movie_timescale: u32) -> Result<Option<Track>, DemuxError> {
    let (id, rotation) = read_header(&trak.required(*b"tkhd")?)?;
    let mdia = trak.required(*b"mdia")?;
    let (_, _, mut handler) = mdia.required(*b"hdlr")?.full()?;
    handler.u32()?;
    let kind = match &handler.array::<4>()? {
        b"vide" => MediaKind::Video,
        b"soun" => MediaKind::Audio,
        b"text" | b"subt" | b"sbtl" | b"clcp" => MediaKind::Text,
        _ => return Ok(None),
    };
    let (timescale, language) = read_media_header(&mdia)?;
    let stbl = mdia.required(*b"minf")?.required(*b"stbl")?;
    let Some(stsd) = stbl.child(*b"stsd")? else { return Ok(None) };
    let entries = entry::read_all(&stsd, kind, rotation)?;
    let Some(first) = entries.first() else { return Ok(None) };
    let config = Arc::new(first.config.clone());
    let edit = match trak.child(*b"edts")? {
        Some(edts) => match edts.child(*b"elst")? {
            Some(elst) => read_edits(&elst, movie_timescale)?,
            None => Edit::default(),
        },
        None => Edit::default(),
    };
    let mut key_groups = Vec::new();
    for child in stbl.children() {
        let child = child?;
        if &child.kind == b"sgpd" {
            key_groups.extend(protection::key_groups(&child)?.unwrap_or_default());
        }
    }
    let init = TrackInit { id, kind, timescale, language, config };
    Ok(Some(Track { init, entries, entry: 0, defaults: SampleDefaults::default(), edit, key_groups }))
}

/// The track's number and the clockwise rotation of its matrix (§8.3.2, §6.2.2).
fn read_header(tkhd: &BoxBody<'_>) -> Result<(u32, u16), DemuxError> {
    let (version, _, mut fields) = tkhd.full()?;
    fields.take(if version > 0 { 16 } else { 8 })?;
    let id = fields.u32()?;
    // Reserved, duration, reserved, layer, group, volume, reserved.
    fields.take(if version > 0 { 12 } else { 8 })?;
    fields.take(16)?;
    let (a, b) = (fields.i32()?, fields.i32()?);
    fields.i32()?;
    let (c, d) = (fields.i32()?, fields.i32()?);
    let rotation = match (a.signum(), b.signum(), c.signum(), d.signum()) {
        (0, 1, -1, 0) => 90,
        (-1, 0, 0, -1) => 180,
        (0, -1, 1, 0) => 270,
        _ => 0,
    };
    Ok((id, rotation))
}

/// Timescale and language (`mdhd` §8.4.2, `elng` §8.4.6).
fn read_media_header(mdia: &BoxBody<'_>) -> Result<(u32, Option<String>), DemuxError> {
    let mdhd = mdia.required(*b"mdhd")?;
    let (version, _, mut fields) = mdhd.full()?;
    fields.take(if version > 0 { 16 } else { 8 })?;
    let timescale = fields.u32()?;
    if timescale == 0 {
        return Err(malformed("a track with a timescale of zero", mdhd.offset));
    }
    fields.u32_or_u64(version > 0)?;
    let packed = fields.u16()?;
    let letters = [packed >> 10 & 31, packed >> 5 & 31, packed & 31];
    let packed = letters
        .iter()
        .map(|&letter| u8::try_from(letter + 0x60).ok().filter(u8::is_ascii_lowercase).map(char::from))
        .collect::<Option<String>>();
    let extended = match mdia.child(*b"elng")? {
        Some(elng) => {
            let (_, _, fields) = elng.full()?;
            let tag = fields.rest().split(|&byte| byte == 0).next().unwrap_or_default();
            std::str::from_utf8(tag).ok().filter(|tag| (1..=64).contains(&tag.len())).map(str::to_owned)
        }
        None => None,
    };
    Ok((timescale, extended.or(packed).filter(|language| language != "und")))
}

fn read_edits(elst: &BoxBody<'_>, movie_timescale: u32) -> Result<Edit, DemuxError> {
    let (version, _, mut fields) = elst.full()?;
    let wide = version > 0;
    let count = fields.count(if wide { 20 } else { 12 })?;
    let mut empty = 0i64;
    for _ in 0..count {
        let duration = fields.u32_or_u64(wide)?;
        let media_time = if wide { fields.u64()? as i64 } else { i64::from(fields.i32()?) };
        fields.take(4)?;
        if media_time >= 0 {
            let delay = MediaTime::from_ticks(empty, movie_timescale).as_nanos();
            return Ok(Edit { media_time, delay });
        }
        empty = empty.saturating_add(i64::try_from(duration).unwrap_or(i64::MAX));
    }
    // Only empty edits: nothing of the track is presented by the letter, but writers mean a delay.
    Ok(Edit { media_time: 0, delay: MediaTime::from_ticks(empty, movie_timescale).as_nanos() })
}
