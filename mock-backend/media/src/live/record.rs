//! `DATA/live/<id>.json`: what a channel says about itself, and the list of channels in a data directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::{IngestError, slug};

/// Largest record that is read, bytes.
const MAX_RECORD: u64 = 1 << 16;

/// A live channel: titles that follow one another for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelRecord {
    /// Public identifier: a slug that no title has. It is the name of the file, and is not read from it.
    #[serde(skip)]
    pub id: String,
    /// Name for people.
    pub name: String,
    /// A sentence or two; may be empty.
    #[serde(default)]
    pub description: String,
    /// Ids of the titles, in the order in which they are played; after the last one the first follows.
    pub programmes: Vec<String>,
    /// Time at which the first programme began for the first time: the origin of the presentation timeline.
    pub epoch: Timestamp,
    /// Duration of a part (HLS) and of a chunk (DASH) in milliseconds; absent: the channel is not one of low latency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_ms: Option<u32>,
    /// Time in milliseconds for which media can be sought back to.
    #[serde(default = "default_window_ms")]
    pub window_ms: u64,
    /// Latency that manifests name as the target, in milliseconds; absent: three times the longest segment, or with parts 3 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// True if each programme begins with a discontinuity, and with timestamps from zero. False if timestamps run through, which
    /// is for channels of one title only.
    #[serde(default)]
    pub discontinuities: bool,
}

fn default_window_ms() -> u64 {
    60_000
}

/// `DATA/live`, where the channels are.
pub fn live_dir(data: &Path) -> PathBuf {
    data.join("live")
}

/// Returns a time since the Unix epoch as records have it; `None` beyond the years that they can hold.
pub fn timestamp(unix_ms: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(unix_ms).ok()
}

/// Returns the channels of a data directory by id. A file without a readable record is not a channel, and is named in a warning
/// of the log.
///
/// # Errors
/// [`IngestError::Io`] when `DATA/live` exists and cannot be listed. That it does not exist is no error: there are no channels.
pub fn channels(data: &Path) -> Result<Vec<ChannelRecord>, IngestError> {
    let live = live_dir(data);
    let entries = match fs::read_dir(&live) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(IngestError::io(&live)(source)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(IngestError::io(&live))?.path();
        let id = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json"));
        let Some(id) = id.filter(|id| slug::is_valid(id)) else { continue };
        match read(&path) {
            Ok(record) => found.push(ChannelRecord { id: id.to_owned(), ..record }),
            Err(error) => tracing::warn!(%error, path = %path.display(), "a channel cannot be read"),
        }
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}

fn read(path: &Path) -> io::Result<ChannelRecord> {
    if fs::metadata(path)?.len() > MAX_RECORD {
        return Err(io::Error::other("the record is too large"));
    }
    serde_json::from_slice(&fs::read(path)?).map_err(io::Error::other)
}

/// Writes a record, unless the same one is there.
///
/// # Errors
/// [`IngestError::Io`] when it cannot be written.
pub fn write(data: &Path, record: &ChannelRecord) -> Result<(), IngestError> {
    let live = live_dir(data);
    fs::create_dir_all(&live).map_err(IngestError::io(&live))?;
    let path = live.join(format!("{}.json", record.id));
    let json = serde_json::to_vec_pretty(record).map_err(|error| IngestError::output(error.to_string()))?;
    if fs::read(&path).is_ok_and(|there| there == json) {
        return Ok(());
    }
    // Renamed into place, so that no reader sees half of it.
    let draft = live.join(format!(".{}.draft", record.id));
    fs::write(&draft, json).map_err(IngestError::io(&draft))?;
    fs::rename(&draft, &path).map_err(IngestError::io(&path))
}
