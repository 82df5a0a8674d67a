//! `title.json`: what a finished title says about itself, and the list of titles in a data directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::looped::Loop;
use super::{About, IngestError, Rate};

/// The name of the record inside a title's directory.
pub(super) const FILE: &str = "title.json";
/// Largest record that is read, bytes; a real one has a few kilobytes.
const MAX_RECORD: u64 = 1 << 20;

/// One finished title.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TitleRecord {
    /// Directory name and public identifier: a slug.
    pub id: String,
    /// For people.
    pub title: String,
    /// A sentence or two; may be empty.
    #[serde(default)]
    pub description: String,
    /// Year of release, if known.
    #[serde(default)]
    pub year: Option<u16>,
    /// Genres, most fitting first.
    #[serde(default)]
    pub genres: Vec<String>,
    /// Duration of the picture in milliseconds, rounded down.
    pub duration_ms: u64,
    /// Frames of the picture.
    pub frames: u64,
    /// Frames per second, the same in every rung.
    pub frame_rate: Rate,
    /// The rungs, lowest rate first.
    pub rungs: Vec<RungRecord>,
    /// The sound, default first; empty for a silent film.
    pub audio: Vec<AudioRecord>,
    /// The subtitles.
    pub text: Vec<TextRecord>,
    /// Where the parts are, relative to the title's directory.
    pub files: Files,
    /// Bytes of all segments, as they are served.
    pub media_bytes: u64,
    /// Place in a series, people, chapters, ratings, availability.
    #[serde(default)]
    pub about: About,
    /// Scenes, where video segments are made when they are asked for.
    #[serde(rename = "loop", default, skip_serializing_if = "Option::is_none")]
    pub looped: Option<Loop>,
    /// When it was packaged.
    pub created: Timestamp,
    /// Version of the generator for a title of the demo catalogue; 0 for anything else.
    #[serde(default)]
    pub demo_revision: u32,
}

impl TitleRecord {
    /// Number of this version of the title: the milliseconds at which it was packaged. No two versions of a title share it.
    pub fn version(&self) -> i64 {
        self.created.as_millisecond()
    }

    /// Language tags of the sound, default first.
    pub fn languages(&self) -> Vec<&str> {
        self.audio.iter().map(|a| a.language.as_str()).collect()
    }

    /// Language tags of the subtitles.
    pub fn subtitles(&self) -> Vec<&str> {
        self.text.iter().map(|t| t.language.as_str()).collect()
    }
}

/// One rung as it came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RungRecord {
    /// Directory below `video/` and representation id.
    pub name: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// RFC 6381 string.
    pub codec: String,
    /// Mean rate of the segments, bits per second.
    pub average_bps: u64,
    /// Rate of the largest segment, bits per second.
    pub peak_bps: u64,
}

/// One audio rendition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioRecord {
    /// Directory below `audio/`.
    pub name: String,
    /// BCP 47 tag; `und` if unknown.
    pub language: String,
    /// The language's own name.
    pub label: String,
    /// RFC 6381 string.
    pub codec: String,
    /// Rate of the largest segment, bits per second.
    pub peak_bps: u64,
}

/// One subtitle rendition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextRecord {
    /// Directory below `text/`.
    pub name: String,
    /// BCP 47 tag; `und` if unknown.
    pub language: String,
    /// The language's own name.
    pub label: String,
}

/// Paths relative to the title's directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// HLS multivariant playlist.
    pub hls: String,
    /// DASH with exact segment timelines.
    pub dash: String,
    /// DASH with `$Number$` and a nominal duration.
    pub dash_number: String,
    /// A 16:9 picture for a home screen.
    pub poster: String,
    /// Picture in landscape without text, at least 1920 wide; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_art: Option<String>,
    /// Index of the preview pictures (JSON).
    pub thumbnails: String,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            hls: "master.m3u8".to_owned(),
            dash: "manifest.mpd".to_owned(),
            dash_number: "manifest-number.mpd".to_owned(),
            poster: "poster.jpg".to_owned(),
            key_art: None,
            thumbnails: "thumbs/thumbs.json".to_owned(),
        }
    }
}

/// `DATA/media`, where the titles are.
pub fn media_dir(data: &Path) -> PathBuf {
    data.join("media")
}

/// The complete titles in a data directory, by title and then by id. A directory without a readable record is not a title.
///
/// # Errors
/// [`IngestError::Io`] when `DATA/media` exists and cannot be listed. That it does not exist is no error: there are no titles.
pub fn titles(data: &Path) -> Result<Vec<TitleRecord>, IngestError> {
    let media = media_dir(data);
    let entries = match fs::read_dir(&media) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(IngestError::io(&media)(source)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(IngestError::io(&media))?;
        let name = entry.file_name();
        let Some(id) = name.to_str().filter(|id| super::slug::is_valid(id)) else {
            continue;
        };
        found.extend(read(&media, id));
    }
    found.sort_by(|a, b| (&a.title, &a.id).cmp(&(&b.title, &b.id)));
    Ok(found)
}

/// The record of one complete title; `None` if there is none, it cannot be read, or it belongs to another id.
pub(super) fn read(media: &Path, id: &str) -> Option<TitleRecord> {
    read_in(&media.join(id), id)
}

/// The record in a title's directory, wherever that lies; `None` as for [`read`].
pub(super) fn read_in(title: &Path, id: &str) -> Option<TitleRecord> {
    let path = title.join(FILE);
    if fs::metadata(&path).ok()?.len() > MAX_RECORD {
        return None;
    }
    let record: TitleRecord = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
    (record.id == id).then_some(record)
}

/// Writes the record into a title's directory.
pub(super) fn write(dir: &Path, record: &TitleRecord) -> Result<(), IngestError> {
    let path = dir.join(FILE);
    let json = serde_json::to_vec_pretty(record).map_err(|e| IngestError::output(format!("{FILE}: {e}")))?;
    fs::write(&path, json).map_err(IngestError::io(&path))
}
