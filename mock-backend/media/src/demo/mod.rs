//! The demo catalogue: films that are generated, so that a fresh machine has something to watch and tests have pictures whose every frame
//! is known.
//!
//! Drawn titles are for viewers: films, a series and a trailer, with scenes that repeat ([`super::Loop`]). Test cards are for tests and
//! are hidden from every screen. Each card carries the frame counter and the flash of [`super::counter`], a beep at every second in two languages of sound, and subtitles
//! every three seconds in two languages. They go through the same ingest as any other file.

mod catalogue;
mod channels;
mod drawn;
mod film;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Cancel, IngestError, Progress, Request, ingest, live, media_dir, record};

/// Version of the catalogue: titles that an older version made are made again.
pub const REVISION: u32 = 3;

/// The title of ten minutes; the others last 20 to 30 seconds.
pub const LONG_TITLE: &str = "night-train-north";

/// Titles made at the same time: each keeps one core busy.
const PARALLEL: usize = 2;

/// What [`ensure`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Ids that were made now, in no particular order.
    pub made: Vec<String>,
    /// Ids that were there already.
    pub kept: Vec<String>,
    /// Bytes of all segments of the catalogue.
    pub media_bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// The ids of the catalogue, in the order in which they are made.
pub fn ids() -> Vec<String> {
    requests().into_iter().filter_map(|request| request.id).collect()
}

/// The ids of the live channels, that of low latency first.
pub fn channels() -> Vec<String> {
    channels::all().into_iter().map(|channel| channel.id).collect()
}

/// The ids of the test cards: each frame of theirs is numbered, they are plain files, and no screen offers them.
pub fn cards() -> Vec<&'static str> {
    catalogue::films().iter().map(|film| film.id).collect()
}

/// Requests for all titles: the test cards, and then those that are drawn.
fn requests() -> Vec<Request> {
    catalogue::films().iter().map(film::Film::request).chain(drawn::requests()).collect()
}

/// Whether every title of the catalogue is complete in `data`, so that [`ensure`] would have nothing to do.
pub fn is_complete(data: &Path) -> bool {
    let media = media_dir(data);
    let channels = live::channels(data).unwrap_or_default();
    let has_channels = channels::all().iter().all(|channel| channels.contains(channel));
    has_channels && requests().iter().all(|request| complete(&media, request).is_some())
}

/// Makes the titles of the catalogue that are missing in `data`. Complete ones are kept, so an interrupted run is taken up where it was.
///
/// Two processes may do this at the same time: the second waits for the first and finds everything made.
///
/// # Errors
/// The first [`IngestError`] of any title; titles that were finished before it stay.
pub fn ensure(data: &Path, progress: &dyn Progress, cancel: &Cancel) -> Result<Report, IngestError> {
    let started = Instant::now();
    let media = media_dir(data);
    fs::create_dir_all(&media).map_err(IngestError::io(&media))?;
    let path = media.join(".demo.lock");
    let lock = File::create(&path).map_err(IngestError::io(&path))?;
    lock.lock().map_err(IngestError::io(&path))?;
    let mut kept = Vec::new();
    let mut media_bytes = 0;
    let mut missing = VecDeque::new();
    for request in requests() {
        match complete(&media, &request) {
            Some(bytes) => {
                media_bytes += bytes;
                kept.extend(request.id);
            }
            None => missing.push_back(request),
        }
    }
    let (made, bytes) = make(data, missing, progress, cancel)?;
    for channel in channels::all() {
        live::record::write(data, &channel)?;
    }
    media_bytes += bytes;
    Ok(Report { made, kept, media_bytes, elapsed: started.elapsed() })
}

/// Bytes of a title that is complete and of this revision.
fn complete(media: &Path, request: &Request) -> Option<u64> {
    let record = record::read(media, request.id.as_ref()?)?;
    (record.demo_revision == REVISION).then_some(record.media_bytes)
}

/// Makes the titles on a few threads, in the order given, and stops all at the first error.
fn make(
    data: &Path,
    titles: VecDeque<Request>,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<(Vec<String>, u64), IngestError> {
    let workers = PARALLEL.min(titles.len());
    let queue = Mutex::new(titles);
    let done: Mutex<(Vec<String>, u64)> = Mutex::default();
    let failed: Mutex<Option<IngestError>> = Mutex::default();
    // Raised by a failure; the caller's own flag stays the caller's.
    let stop = Cancel::new();
    let work = || {
        while !stop.is_cancelled() {
            let Some(request) = hold(&queue).pop_front() else { return };
            match ingest(data, &request, progress, cancel) {
                Ok(record) => {
                    let mut done = hold(&done);
                    done.0.push(record.id);
                    done.1 += record.media_bytes;
                }
                Err(error) => {
                    stop.cancel();
                    hold(&failed).get_or_insert(error);
                }
            }
        }
    };
    thread::scope(|scope| {
        for n in 0..workers {
            let spawned = thread::Builder::new().name(format!("demo-{n}")).spawn_scoped(scope, work);
            if let Err(source) = spawned {
                hold(&failed).get_or_insert(IngestError::Tool { tool: "a thread", source });
            }
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    match failed {
        Some(error) => Err(error),
        None => Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

/// The data are plain lists, whole after every statement, so a panic elsewhere leaves nothing half done in them.
fn hold<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::{Files, Rate, Silent, Source, TitleRecord, slug};
    use super::*;

    fn record_of(id: &str, demo_revision: u32) -> TitleRecord {
        TitleRecord {
            id: id.to_owned(),
            title: id.to_owned(),
            description: String::new(),
            year: None,
            genres: Vec::new(),
            duration_ms: 1,
            frames: 1,
            frame_rate: Rate::new(24, 1),
            rungs: Vec::new(),
            audio: Vec::new(),
            text: Vec::new(),
            files: Files::default(),
            media_bytes: 10,
            about: super::super::About::default(),
            looped: None,
            created: jiff::Timestamp::UNIX_EPOCH,
            demo_revision,
        }
    }

    fn pretend_made(data: &Path, demo_revision: u32) {
        for id in ids() {
            let dir = media_dir(data).join(&id);
            fs::create_dir_all(&dir).unwrap();
            record::write(&dir, &record_of(&id, demo_revision)).unwrap();
        }
    }

    #[test]
    fn the_catalogue_is_what_tests_and_viewers_expect() {
        let films = catalogue::films();
        let long: Vec<_> = films.iter().filter(|f| f.seconds > 30).map(|f| (f.id, f.seconds)).collect();
        assert_eq!(long, [(LONG_TITLE, 600)]);
        assert!(films.iter().filter(|f| (20..=30).contains(&f.seconds)).count() >= 6);
        let mut ids = ids();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), requests().len());
        assert_eq!(cards().len(), films.len());
        for film in &films {
            assert!(slug::is_valid(film.id), "{}", film.id);
            assert!(film.fps * film.seconds <= 0xffff, "{} outgrows its counter", film.id);
            assert!([24, 25, 30].contains(&film.fps), "{}", film.id);
            film.request().ladder.check().unwrap();
        }
        assert!(films.iter().any(|f| f.fps == 30));
    }

    #[test]
    fn subtitles_come_every_three_seconds_in_two_languages() {
        let film = catalogue::films().into_iter().find(|f| f.id == "broadcast-hour").unwrap();
        let Source::Synthetic(source) = film.request().source else { panic!("the demo is generated") };
        let [(en, english), (fr, french)] = &source.text[..] else { panic!("two languages") };
        assert_eq!((en.as_str(), fr.as_str()), ("en", "fr"));
        assert!(
            english
                .starts_with("WEBVTT\n\n1\n00:00:00.000 --> 00:00:02.500\nAre we on?\n[00:00]\n\n2\n00:00:03.000 -->")
        );
        assert!(french.contains("\n00:00:03.000 --> 00:00:05.500\nOn est toujours à l'antenne.\n[00:03]\n"));
        assert_eq!(english.matches("-->").count() as u32, film.seconds.div_ceil(3));
    }

    #[test]
    fn complete_titles_are_kept_and_older_ones_are_not() {
        let data = tempfile::tempdir().unwrap();
        assert!(!is_complete(data.path()));
        pretend_made(data.path(), REVISION - 1);
        assert!(!is_complete(data.path()));
        pretend_made(data.path(), REVISION);
        assert!(!is_complete(data.path()), "channels are missing");
        let report = ensure(data.path(), &Silent, &Cancel::new()).unwrap();
        assert_eq!((report.made.len(), report.kept.len()), (0, ids().len()));
        assert_eq!(report.media_bytes, 10 * ids().len() as u64);
        assert!(is_complete(data.path()));
    }

    #[test]
    fn channels_play_titles_of_the_catalogue() {
        let titles = ids();
        let all = channels::all();
        assert!(all.iter().all(|channel| channel.programmes.iter().all(|id| titles.contains(id))));
        assert!(all.iter().all(|channel| slug::is_valid(&channel.id) && !titles.contains(&channel.id)));
        assert!(all.iter().any(|channel| channel.part_ms.is_some() && !channel.discontinuities));
        assert!(all.iter().any(|channel| channel.part_ms.is_none() && channel.discontinuities));
    }

    #[test]
    fn a_cancelled_run_makes_nothing() {
        let data = tempfile::tempdir().unwrap();
        let cancel = Cancel::new();
        cancel.cancel();
        let error = ensure(data.path(), &Silent, &cancel).unwrap_err();
        assert!(matches!(error, IngestError::Cancelled), "{error}");
        assert!(super::super::titles(data.path()).unwrap().is_empty());
    }
}
