//! The log of one process: a folder for each partition, in it files of records, and a file for each group's place.
//!
//! One thread writes: it takes all that waits, writes it, makes each file that it touched durable once, and only then answers.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kinora_kit::clock::Clock;
use tokio::sync::{mpsc, oneshot};

use super::folder::{self, Partition, Segment, open_partition, sync_folder, unusable};
use super::segment::{self, ERASED, scan};
use super::{Answer, Event, EventLog, LogError, Place, Record, check_group};

/// Batches that wait for the writer; further callers wait for a place.
const WAITING: usize = 256;
/// Batches that are made durable together.
const GROUP: usize = 64;
/// Maximum number of events in one answer.
const MAX_READ: usize = 1_000;
/// Maximum number of times that a read begins anew because files were deleted or written anew meanwhile.
const MAX_TRIES: usize = 10;

/// Settings of a log.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Number of partitions, 1 to 64; it stays what it was when the log was made.
    pub partitions: u32,
    /// Bytes after which a file is followed by another one.
    pub segment_bytes: u64,
    /// Time for which events are kept, in milliseconds.
    pub keep_ms: i64,
    /// Bytes of a partition that are kept; the newest file is in any case.
    pub keep_bytes: u64,
    /// Identifiers of a partition that are remembered.
    pub window: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { partitions: 8, segment_bytes: 4 << 20, keep_ms: 30 * 86_400_000, keep_bytes: 64 << 20, window: 10_000 }
    }
}

struct Batch {
    events: Vec<Event>,
    reply: oneshot::Sender<Result<Vec<Place>, LogError>>,
}

/// Work of the thread that writes.
enum Work {
    Append(Batch),
    Erase { key: String, before: Place, reply: oneshot::Sender<Result<(), LogError>> },
}

/// A log in a folder.
pub struct Log {
    shared: Arc<Shared>,
    work: mpsc::Sender<Work>,
}

struct Shared {
    folder: PathBuf,
    settings: Settings,
    clock: Clock,
    partitions: Mutex<Vec<Partition>>,
    /// Turn of those who write places of groups.
    groups: Mutex<()>,
    /// Held as long as the log is open.
    _lock: File,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    /// Opens the log of a folder, and makes it if there is none. What a crash left of a record at the end of the newest file of a
    /// partition is cut off, with a warning.
    ///
    /// # Errors
    /// When files cannot be used, an older one is damaged, or another process has the log open.
    pub fn open(folder: &Path, settings: Settings, clock: Clock) -> Result<Self, LogError> {
        if !(1..=64).contains(&settings.partitions) {
            return Err(LogError::Refused("a log has 1 to 64 partitions"));
        }
        fs::create_dir_all(folder.join("groups")).map_err(unusable(folder))?;
        let lock_file = folder.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_file);
        let lock = lock.map_err(unusable(&lock_file))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(LogError::InUse(folder.to_owned())),
            Err(fs::TryLockError::Error(source)) => return Err(unusable(&lock_file)(source)),
        }
        if folder.join(settings.partitions.to_string()).exists()
            || (folder.join("0").exists() && !folder.join((settings.partitions - 1).to_string()).exists())
        {
            return Err(LogError::Refused("the number of partitions of a log cannot be changed"));
        }
        let partitions: Result<Vec<Partition>, LogError> =
            (0..settings.partitions).map(|n| open_partition(&folder.join(n.to_string()), settings.window)).collect();
        let partitions = partitions?;
        sync_folder(folder)?;
        let shared = Shared {
            folder: folder.to_owned(),
            settings,
            clock,
            partitions: Mutex::new(partitions),
            groups: Mutex::default(),
            _lock: lock,
        };
        let shared = Arc::new(shared);
        let (work, receiver) = mpsc::channel(WAITING);
        let writing = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("eventlog".to_owned());
        thread.spawn(move || write_all(&writing, receiver)).map_err(unusable(folder))?;
        Ok(Self { shared, work })
    }
}

fn write_all(shared: &Shared, mut work: mpsc::Receiver<Work>) {
    let mut has_failed = false;
    let mut waiting = Vec::with_capacity(GROUP);
    let mut next = None;
    while let Some(first) = next.take().or_else(|| work.blocking_recv()) {
        match first {
            Work::Append(batch) => waiting.push(batch),
            Work::Erase { key, before, reply } => {
                let erased = if has_failed { Err(LogError::Failed) } else { erase(shared, &key, before) };
                has_failed |= matches!(erased, Err(LogError::File { .. }));
                // Whoever asked may have left.
                let _ = reply.send(erased);
                continue;
            }
        }
        while waiting.len() < GROUP {
            match work.try_recv() {
                Ok(Work::Append(batch)) => waiting.push(batch),
                Ok(other) => {
                    next = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        if has_failed {
            for batch in waiting.drain(..) {
                let _ = batch.reply.send(Err(LogError::Failed));
            }
            continue;
        }
        let written = write_group(shared, &waiting);
        if let Err(error) = &written {
            tracing::error!(%error, "the event log cannot be written");
            has_failed = true;
        }
        let mut places = written.map(IntoIterator::into_iter).ok();
        for batch in waiting.drain(..) {
            let answer = places.as_mut().and_then(Iterator::next).ok_or(LogError::Failed);
            let _ = batch.reply.send(answer);
        }
    }
}

/// Writes the files of a partition anew in which a key has events, without their keys and contents. Only this thread changes files,
/// so that readers are not kept waiting.
fn erase(shared: &Shared, key: &str, before: Place) -> Result<(), LogError> {
    let n = before.partition as usize;
    let segments = lock(&shared.partitions).get(n).map(|partition| partition.segments.clone());
    let segments = segments.ok_or(LogError::Refused("there is no such partition"))?;
    for (index, segment) in segments.iter().enumerate().filter(|(_, segment)| segment.first < before.offset) {
        let Some(bytes) = folder::without(segment, key, before.offset)? else { continue };
        let draft = folder::write_draft(&segment.path, &bytes)?;
        // A reader that has the list of before finds another edition in the list of now.
        let mut partitions = lock(&shared.partitions);
        fs::rename(&draft, &segment.path).map_err(unusable(&segment.path))?;
        if let Some(segment) = partitions[n].segments.get_mut(index) {
            segment.bytes = bytes.len() as u64;
            segment.edition += 1;
        }
        let written = partitions[n].folder.clone();
        drop(partitions);
        sync_folder(&written)?;
    }
    Ok(())
}

/// Writes batches and makes them durable together.
fn write_group(shared: &Shared, batches: &[Batch]) -> Result<Vec<Vec<Place>>, LogError> {
    let Settings { segment_bytes, window, .. } = shared.settings;
    let mut partitions = lock(&shared.partitions);
    let mut pending: Vec<(Vec<u8>, i64)> = partitions.iter().map(|_| (Vec::new(), i64::MIN)).collect();
    let mut places = Vec::with_capacity(batches.len());
    for batch in batches {
        let mut of_batch = Vec::with_capacity(batch.events.len());
        for event in &batch.events {
            let n = crc32fast::hash(event.key.as_bytes()) as usize % partitions.len();
            let (partition, (bytes, newest_ms)) = (&mut partitions[n], &mut pending[n]);
            let offset = match partition.seen.get(&event.id) {
                Some(offset) => *offset,
                None => {
                    let offset = partition.next;
                    segment::write(bytes, offset, event);
                    *newest_ms = event.at_ms.max(*newest_ms);
                    partition.next += 1;
                    partition.remember(&event.id, offset, window);
                    offset
                }
            };
            of_batch.push(Place { partition: n as u32, offset });
        }
        places.push(of_batch);
    }
    for (partition, (bytes, newest_ms)) in partitions.iter_mut().zip(&pending) {
        if bytes.is_empty() {
            continue;
        }
        let first = segment::read(bytes).map_or(partition.next, |(record, _)| record.offset);
        if partition.segments.last().is_none_or(|segment| segment.bytes >= segment_bytes) {
            let path = partition.folder.join(format!("{first:020}.log"));
            File::create_new(&path).map_err(unusable(&path))?;
            sync_folder(&partition.folder)?;
            partition.segments.push(Segment { first, path, bytes: 0, newest_ms: i64::MIN, edition: 0 });
        }
        let Some(segment) = partition.segments.last_mut() else { continue };
        let file = OpenOptions::new().append(true).open(&segment.path);
        let written = file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_data()));
        written.map_err(unusable(&segment.path))?;
        segment.bytes += bytes.len() as u64;
        segment.newest_ms = segment.newest_ms.max(*newest_ms);
        forget_old(partition, &shared.settings, shared.clock.now_ms())?;
    }
    Ok(places)
}

/// Deletes the oldest files while they are too old or too large together; the newest stays.
fn forget_old(partition: &mut Partition, settings: &Settings, now_ms: i64) -> Result<(), LogError> {
    let mut total: u64 = partition.segments.iter().map(|segment| segment.bytes).sum();
    while let [oldest, _, ..] = partition.segments.as_slice() {
        if total <= settings.keep_bytes && oldest.newest_ms >= now_ms.saturating_sub(settings.keep_ms) {
            break;
        }
        fs::remove_file(&oldest.path).map_err(unusable(&oldest.path))?;
        total -= oldest.bytes;
        partition.segments.remove(0);
    }
    Ok(())
}

impl Shared {
    fn group_file(&self, group: &str, partition: u32) -> Result<PathBuf, LogError> {
        check_group(group)?;
        if partition >= self.settings.partitions {
            return Err(LogError::Refused("there is no such partition"));
        }
        Ok(self.folder.join("groups").join(format!("{group}.{partition}")))
    }

    /// Number of the first event that a group has not acknowledged.
    fn place(path: &Path) -> Result<u64, LogError> {
        match fs::read_to_string(path) {
            Ok(text) => text.trim().parse().map_err(|_| LogError::Damaged { path: path.to_owned(), valid: 0 }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(unusable(path)(error)),
        }
    }

    fn read(&self, group: &str, partition: u32, from: Option<u64>, max: usize) -> Result<Vec<Record>, LogError> {
        let path = self.group_file(group, partition)?;
        let from = from.map_or_else(|| Self::place(&path), Ok)?;
        for _ in 0..MAX_TRIES {
            // The files are read without the lock: the writer goes on. Nothing is seen before it is durable.
            let segments = lock(&self.partitions)[partition as usize].segments.clone();
            match read_segments(&segments, from, max.min(MAX_READ)) {
                Err(LogError::Damaged { .. } | LogError::File { .. }) if self.has_changed(partition, &segments) => {}
                read => return read,
            }
        }
        Err(LogError::Away("its files change too quickly to be read".to_owned()))
    }

    /// Returns true if a file was deleted or written anew since its list was taken.
    fn has_changed(&self, partition: u32, known: &[Segment]) -> bool {
        let now = lock(&self.partitions)[partition as usize].segments.clone();
        known.iter().any(|old| !now.iter().any(|new| new.first == old.first && new.edition == old.edition))
    }

    fn ack(&self, group: &str, place: Place) -> Result<(), LogError> {
        let path = self.group_file(group, place.partition)?;
        if place.offset >= lock(&self.partitions)[place.partition as usize].next {
            return Err(LogError::Refused("an event that was not written cannot be acknowledged"));
        }
        let _turn = lock(&self.groups);
        let next = place.offset + 1;
        if next <= Self::place(&path)? {
            return Ok(());
        }
        let draft = self.folder.join("groups").join("draft");
        let written = File::create(&draft).and_then(|mut file| {
            file.write_all(next.to_string().as_bytes())?;
            file.sync_all()
        });
        written.and_then(|()| fs::rename(&draft, &path)).map_err(unusable(&path))?;
        sync_folder(&self.folder.join("groups"))
    }
}

fn read_segments(segments: &[Segment], from: u64, max: usize) -> Result<Vec<Record>, LogError> {
    let mut records = Vec::new();
    let begin = segments.partition_point(|segment| segment.first <= from).saturating_sub(1);
    for segment in &segments[begin.min(segments.len())..] {
        if records.len() >= max {
            break;
        }
        let bytes = fs::read(&segment.path).map_err(unusable(&segment.path))?;
        let durable = &bytes[..bytes.len().min(segment.bytes as usize)];
        let valid = scan(durable, segment.first, |record| {
            if record.offset >= from && records.len() < max && record.event.key != ERASED {
                records.push(record);
            }
        });
        if (valid as u64) < segment.bytes {
            return Err(LogError::Damaged { path: segment.path.clone(), valid: valid as u64 });
        }
    }
    Ok(records)
}

/// Runs work that waits for files where it keeps no task waiting.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T, LogError> + Send + 'static) -> Result<T, LogError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(LogError::Failed))
}

impl EventLog for Log {
    fn partitions(&self) -> u32 {
        self.shared.settings.partitions
    }

    fn append(&self, events: Vec<Event>) -> Answer<'_, Vec<Place>> {
        Box::pin(async move {
            events.iter().try_for_each(segment::check)?;
            let (reply, answer) = oneshot::channel();
            self.work.send(Work::Append(Batch { events, reply })).await.map_err(|_| LogError::Failed)?;
            answer.await.unwrap_or(Err(LogError::Failed))
        })
    }

    fn erase<'a>(&'a self, key: &'a str, before: Place) -> Answer<'a, ()> {
        let key = key.to_owned();
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            self.work.send(Work::Erase { key, before, reply }).await.map_err(|_| LogError::Failed)?;
            answer.await.unwrap_or(Err(LogError::Failed))
        })
    }

    fn read<'a>(&'a self, group: &'a str, partition: u32, from: Option<u64>, max: usize) -> Answer<'a, Vec<Record>> {
        let (shared, group) = (Arc::clone(&self.shared), group.to_owned());
        Box::pin(apart(move || shared.read(&group, partition, from, max)))
    }

    fn ack<'a>(&'a self, group: &'a str, place: Place) -> Answer<'a, ()> {
        let (shared, group) = (Arc::clone(&self.shared), group.to_owned());
        Box::pin(apart(move || shared.ack(&group, place)))
    }
}
