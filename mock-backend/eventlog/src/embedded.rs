//! The log of one process: a folder for each partition, in it files of records, and a file for each group's place.
//!
//! One thread writes: it takes all that waits, writes it, makes each file that it touched durable once, and only then answers.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kinora_kit::clock::Clock;
use tokio::sync::{mpsc, oneshot};

use super::segment::{self, scan};
use super::{Answer, Event, EventLog, LogError, Place, Record};

/// Batches that wait for the writer; further callers wait for a place.
const WAITING: usize = 256;
/// Batches that are made durable together.
const GROUP: usize = 64;
/// Maximum number of events in one answer.
const MAX_READ: usize = 1_000;

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

struct Segment {
    first: u64,
    path: PathBuf,
    bytes: u64,
    newest_ms: i64,
}

struct Partition {
    folder: PathBuf,
    segments: Vec<Segment>,
    next: u64,
    seen: HashMap<String, u64>,
    order: VecDeque<String>,
}

impl Partition {
    fn remember(&mut self, id: &str, offset: u64, window: usize) {
        self.seen.insert(id.to_owned(), offset);
        self.order.push_back(id.to_owned());
        while self.order.len() > window {
            let oldest = self.order.pop_front().unwrap_or_default();
            self.seen.remove(&oldest);
        }
    }
}

struct Batch {
    events: Vec<Event>,
    reply: oneshot::Sender<Result<Vec<Place>, LogError>>,
}

/// A log in a folder.
pub struct Log {
    shared: Arc<Shared>,
    batches: mpsc::Sender<Batch>,
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

fn unusable(path: &Path) -> impl FnOnce(io::Error) -> LogError + use<> {
    let path = path.to_owned();
    move |source| LogError::File { path, source }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sync_folder(folder: &Path) -> Result<(), LogError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(unusable(folder))
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
            (0..settings.partitions).map(|n| open_partition(&folder.join(n.to_string()), &settings)).collect();
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
        let (batches, receiver) = mpsc::channel(WAITING);
        let writing = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("eventlog".to_owned());
        thread.spawn(move || write_all(&writing, receiver)).map_err(unusable(folder))?;
        Ok(Self { shared, batches })
    }
}

fn open_partition(folder: &Path, settings: &Settings) -> Result<Partition, LogError> {
    fs::create_dir_all(folder).map_err(unusable(folder))?;
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unusable(folder))? {
        let path = entry.map_err(unusable(folder))?.path();
        let first = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        names.extend(first.filter(|_| path.extension().is_some_and(|end| end == "log")).map(|first| (first, path)));
    }
    names.sort();
    let mut partition = Partition {
        folder: folder.to_owned(),
        segments: Vec::new(),
        next: names.first().map_or(0, |(first, _)| *first),
        seen: HashMap::new(),
        order: VecDeque::new(),
    };
    let newest = names.len().saturating_sub(1);
    for (n, (first, path)) in names.into_iter().enumerate() {
        let bytes = fs::read(&path).map_err(unusable(&path))?;
        let mut newest_ms = i64::MIN;
        let follows = first == partition.next;
        let valid = scan(&bytes, first, |record| {
            newest_ms = newest_ms.max(record.event.at_ms);
            partition.next = record.offset.saturating_add(1);
            partition.remember(&record.event.id, record.offset, settings.window);
        });
        if !follows || (valid < bytes.len() && n < newest) {
            return Err(LogError::Damaged { path, valid: valid as u64 });
        }
        if valid < bytes.len() {
            tracing::warn!(path = %path.display(), bytes = bytes.len() - valid, "the end of the log was not complete");
            let file = OpenOptions::new().write(true).open(&path).map_err(unusable(&path))?;
            file.set_len(valid as u64).and_then(|()| file.sync_all()).map_err(unusable(&path))?;
        }
        partition.segments.push(Segment { first, path, bytes: valid as u64, newest_ms });
    }
    Ok(partition)
}

fn write_all(shared: &Shared, mut batches: mpsc::Receiver<Batch>) {
    let mut has_failed = false;
    let mut waiting = Vec::with_capacity(GROUP);
    while let Some(first) = batches.blocking_recv() {
        waiting.push(first);
        while let Some(batch) = (waiting.len() < GROUP).then(|| batches.try_recv().ok()).flatten() {
            waiting.push(batch);
        }
        if has_failed {
            for batch in waiting.drain(..) {
                // Whoever asked may have left.
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
            partition.segments.push(Segment { first, path, bytes: 0, newest_ms: i64::MIN });
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
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=64).contains(&group.len()) || !group.bytes().all(is_plain) {
            return Err(LogError::Refused("a group has 1 to 64 lower-case letters, digits and hyphens"));
        }
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
        let mut records = Vec::new();
        // Held while files are read, so that none is deleted meanwhile, and nothing is seen before it is durable.
        let partitions = lock(&self.partitions);
        let segments = &partitions[partition as usize].segments;
        let begin = segments.partition_point(|segment| segment.first <= from).saturating_sub(1);
        for segment in &segments[begin..] {
            if records.len() >= max.min(MAX_READ) {
                break;
            }
            let bytes = fs::read(&segment.path).map_err(unusable(&segment.path))?;
            let durable = &bytes[..bytes.len().min(segment.bytes as usize)];
            let valid = scan(durable, segment.first, |record| {
                if record.offset >= from && records.len() < max.min(MAX_READ) {
                    records.push(record);
                }
            });
            if (valid as u64) < segment.bytes {
                return Err(LogError::Damaged { path: segment.path.clone(), valid: valid as u64 });
            }
        }
        Ok(records)
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
            self.batches.send(Batch { events, reply }).await.map_err(|_| LogError::Failed)?;
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
