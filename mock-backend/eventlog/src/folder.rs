//! The folder of a partition: its files, what a start reads of them, and files that are written anew.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::segment::{self, ERASED, scan};
use super::{Event, LogError, Record};

/// A file of records.
#[derive(Clone)]
pub(super) struct Segment {
    /// Number of its first record.
    pub(super) first: u64,
    pub(super) path: PathBuf,
    /// Bytes that are durable.
    pub(super) bytes: u64,
    /// Time of its newest record, or that of the file if no start has read it.
    pub(super) newest_ms: i64,
    /// Number of times that it was written anew since the start.
    pub(super) edition: u64,
}

/// State of a partition.
pub(super) struct Partition {
    pub(super) folder: PathBuf,
    /// Oldest first.
    pub(super) segments: Vec<Segment>,
    /// Number of the next record.
    pub(super) next: u64,
    /// Places of the identifiers that are remembered.
    pub(super) seen: HashMap<String, u64>,
    order: VecDeque<String>,
}

impl Partition {
    pub(super) fn remember(&mut self, id: &str, offset: u64, window: usize) {
        self.seen.insert(id.to_owned(), offset);
        self.order.push_back(id.to_owned());
        while self.order.len() > window {
            let oldest = self.order.pop_front().unwrap_or_default();
            self.seen.remove(&oldest);
        }
    }
}

pub(super) fn unusable(path: &Path) -> impl FnOnce(io::Error) -> LogError + use<> {
    let path = path.to_owned();
    move |source| LogError::File { path, source }
}

pub(super) fn sync_folder(folder: &Path) -> Result<(), LogError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(unusable(folder))
}

/// Opens a partition. Only the newest files are read: the last one, of which an incomplete end is cut off, and those before it
/// until `window` identifiers are known. Damage in an older file is found by who reads it.
pub(super) fn open_partition(folder: &Path, window: usize) -> Result<Partition, LogError> {
    fs::create_dir_all(folder).map_err(unusable(folder))?;
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unusable(folder))? {
        let path = entry.map_err(unusable(folder))?.path();
        let first = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        names.extend(first.filter(|_| path.extension().is_some_and(|end| end == "log")).map(|first| (first, path)));
    }
    names.sort();
    let (mut segments, mut known) = (VecDeque::new(), VecDeque::new());
    let mut after: Option<u64> = None;
    let mut next = 0;
    for (first, path) in names.into_iter().rev() {
        let is_newest = after.is_none();
        if !is_newest && known.len() >= window {
            let metadata = fs::metadata(&path).map_err(unusable(&path))?;
            let changed = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let newest_ms = changed.and_then(|at| i64::try_from(at.as_millis()).ok()).unwrap_or(i64::MAX);
            segments.push_front(Segment { first, path, bytes: metadata.len(), newest_ms, edition: 0 });
            continue;
        }
        let bytes = fs::read(&path).map_err(unusable(&path))?;
        let (mut newest_ms, mut end, mut ids) = (i64::MIN, first, Vec::new());
        let valid = scan(&bytes, first, |record| {
            newest_ms = newest_ms.max(record.event.at_ms);
            end = record.offset.saturating_add(1);
            ids.push((record.event.id, record.offset));
        });
        match after {
            None => {
                next = end;
                if valid < bytes.len() {
                    let lost = bytes.len() - valid;
                    tracing::warn!(path = %path.display(), bytes = lost, "the end of the log was not complete");
                    let file = OpenOptions::new().write(true).open(&path).map_err(unusable(&path))?;
                    file.set_len(valid as u64).and_then(|()| file.sync_all()).map_err(unusable(&path))?;
                }
            }
            Some(follower) if valid < bytes.len() || end != follower => {
                return Err(LogError::Damaged { path, valid: valid as u64 });
            }
            Some(_) => {}
        }
        ids.into_iter().rev().for_each(|id| known.push_front(id));
        after = Some(first);
        segments.push_front(Segment { first, path, bytes: valid as u64, newest_ms, edition: 0 });
    }
    let mut partition = Partition {
        folder: folder.to_owned(),
        segments: segments.into(),
        next,
        seen: HashMap::new(),
        order: VecDeque::new(),
    };
    for (id, offset) in known {
        partition.remember(&id, offset, window);
    }
    Ok(partition)
}

/// Returns the bytes of a file with the events of a key before a number erased; `None` if it has none of them.
pub(super) fn without(segment: &Segment, key: &str, before: u64) -> Result<Option<Vec<u8>>, LogError> {
    let bytes = fs::read(&segment.path).map_err(unusable(&segment.path))?;
    let (mut written, mut has_any) = (Vec::with_capacity(bytes.len()), false);
    let valid = scan(&bytes, segment.first, |Record { offset, event }| {
        let is_erased = event.key == key && offset < before;
        has_any |= is_erased;
        let event = match is_erased {
            true => Event { key: ERASED.to_owned(), body: Vec::new(), ..event },
            false => event,
        };
        segment::write(&mut written, offset, &event);
    });
    if (valid as u64) < segment.bytes {
        return Err(LogError::Damaged { path: segment.path.clone(), valid: valid as u64 });
    }
    Ok(has_any.then_some(written))
}

/// Writes the bytes that a file is to have beside it, durably, and returns where.
pub(super) fn write_draft(path: &Path, bytes: &[u8]) -> Result<PathBuf, LogError> {
    let draft = path.with_extension("draft");
    let written = File::create(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(unusable(&draft))?;
    Ok(draft)
}
