//! The log of a folder, for reading only: also while a process has it open, which neither waits for the reader nor knows of it.
//!
//! Events that the writer has not made durable yet may be seen, and the end of a record that is being written is not.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::unusable;
use super::segment::{ERASED, scan};
use super::{Answer, Event, EventLog, LogError, Place, Record, check_group};

/// Maximum number of events in one answer.
const MAX_READ: usize = 1_000;
/// Maximum number of times that a read begins anew because files were deleted or written anew meanwhile.
const MAX_TRIES: usize = 10;
/// Maximum number of partitions of a log.
const MAX_PARTITIONS: u32 = 64;

/// Files of a log.
#[derive(Clone, Debug)]
pub struct Files {
    folder: PathBuf,
    partitions: u32,
}

impl Files {
    /// Looks for the partitions of a log; one that is not there yet has none.
    ///
    /// # Errors
    /// When the folder is there and cannot be read.
    pub fn open(folder: &Path) -> Result<Self, LogError> {
        let is_there = folder.try_exists().map_err(unusable(folder))?;
        let partitions = (0..MAX_PARTITIONS).take_while(|n| is_there && folder.join(n.to_string()).is_dir()).count();
        Ok(Self { folder: folder.to_owned(), partitions: u32::try_from(partitions).unwrap_or(MAX_PARTITIONS) })
    }

    /// Returns the files of a partition, by the numbers of their first records.
    fn list(&self, partition: u32) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(self.folder.join(partition.to_string()))? {
            let path = entry?.path();
            let first = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            files.extend(first.filter(|_| path.extension().is_some_and(|end| end == "log")).map(|first| (first, path)));
        }
        files.sort_unstable();
        Ok(files)
    }

    fn read_some(&self, partition: u32, from: u64, max: usize) -> Result<Vec<Record>, LogError> {
        for _ in 0..MAX_TRIES {
            let folder = self.folder.join(partition.to_string());
            let files = self.list(partition).map_err(unusable(&folder))?;
            if let Some(records) = read_files(&files, from, max)? {
                return Ok(records);
            }
        }
        Err(LogError::Away("its files change too quickly to be read".to_owned()))
    }
}

/// Reads records from a number on; `None` if a file is gone.
fn read_files(files: &[(u64, PathBuf)], from: u64, max: usize) -> Result<Option<Vec<Record>>, LogError> {
    let mut records = Vec::new();
    let begin = files.partition_point(|(first, _)| *first <= from).saturating_sub(1);
    for (at, (first, path)) in files.iter().enumerate().skip(begin) {
        if records.len() >= max {
            break;
        }
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(path)(error)),
        };
        let valid = scan(&bytes, *first, |record| {
            if record.offset >= from && records.len() < max && record.event.key != ERASED {
                records.push(record);
            }
        });
        // The newest one may grow.
        if valid < bytes.len() && at + 1 < files.len() {
            return Err(LogError::Damaged { path: path.clone(), valid: valid as u64 });
        }
    }
    Ok(Some(records))
}

fn refused<'a, T: Send + 'a>() -> Answer<'a, T> {
    Box::pin(async { Err(LogError::Refused("the log is open for reading only")) })
}

impl EventLog for Files {
    fn partitions(&self) -> u32 {
        self.partitions
    }

    fn append(&self, _: Vec<Event>) -> Answer<'_, Vec<Place>> {
        refused()
    }

    /// Groups have no places here: without `from` it begins with the oldest event.
    fn read<'a>(&'a self, group: &'a str, partition: u32, from: Option<u64>, max: usize) -> Answer<'a, Vec<Record>> {
        Box::pin(async move {
            check_group(group)?;
            if partition >= self.partitions {
                return Err(LogError::Refused("there is no such partition"));
            }
            let this = self.clone();
            let read = move || this.read_some(partition, from.unwrap_or(0), max.min(MAX_READ));
            tokio::task::spawn_blocking(read).await.unwrap_or(Err(LogError::Failed))
        })
    }

    fn erase<'a>(&'a self, _: &'a str, _: Place) -> Answer<'a, ()> {
        refused()
    }

    fn ack<'a>(&'a self, _: &'a str, _: Place) -> Answer<'a, ()> {
        refused()
    }
}
