//! The stored media of a programme: which samples lie where. Read once from the heads of the stored segments.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::super::package::segment::file_name;
use super::super::package::track::{Sample, Stored};
use super::super::{IngestError, TitleRecord, looped, media_dir, record};
use super::LiveError;

/// Ticks and length of a track.
#[derive(Clone, Debug)]
pub(super) struct Track {
    /// Directory of the track below that of the title, such as `video/720p`.
    pub(super) folder: String,
    /// Ticks a second.
    pub(super) timescale: u32,
    /// Decode time at which the presentation begins: the priming of audio.
    pub(super) priming: u64,
    /// Bytes of `init.mp4`.
    pub(super) init: Vec<u8>,
}

/// A stored sample and the file that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stocked {
    /// Index of the stored segment.
    pub(super) file: u32,
    /// The sample; its offset counts from the first byte of the file.
    pub(super) sample: Sample,
}

/// A rung: stored segments.
#[derive(Clone, Debug)]
pub(super) struct Video {
    pub(super) track: Track,
    /// Samples of each stored segment.
    pub(super) segments: Vec<Vec<Stocked>>,
}

/// A language: frames of equal duration.
#[derive(Clone, Debug)]
pub(super) struct Audio {
    pub(super) track: Track,
    /// Ticks of a frame.
    pub(super) frame: u64,
    /// All frames; not empty.
    pub(super) frames: Vec<Stocked>,
}

/// A title as a channel plays it.
#[derive(Clone, Debug)]
pub(super) struct Programme {
    pub(super) record: TitleRecord,
    /// Directory of the title.
    pub(super) directory: PathBuf,
    /// Ticks a second of all rungs.
    pub(super) timescale: u32,
    /// Start of each segment in ticks of the video, and the end of the last one.
    pub(super) starts: Vec<u64>,
    /// Index of the stored segment that is shown as each segment.
    pub(super) shown: Vec<u32>,
    pub(super) video: Vec<Video>,
    pub(super) audio: Vec<Audio>,
    /// True if the stored segments are named as those of a loop.
    is_loop: bool,
}

impl Programme {
    /// Reads a title of a data directory.
    pub(super) fn read(data: &Path, id: &str) -> Result<Self, LiveError> {
        let media = media_dir(data);
        let record = record::read(&media, id).ok_or_else(|| LiveError::NoTitle(id.to_owned()))?;
        let unfit = |reason: &str| LiveError::Unfit { title: id.to_owned(), reason: reason.to_owned() };
        let directory = media.join(id);
        let mut video = Vec::with_capacity(record.rungs.len());
        let mut times: Option<(u32, Vec<u64>)> = None;
        for rung in &record.rungs {
            let (track, segments) = read_video(&directory, &record, &rung.name)?;
            let own = (track.timescale, segments.iter().map(|samples| ticks(samples)).collect::<Vec<_>>());
            match &times {
                Some(others) if *others != own => return Err(unfit("its rungs are not aligned")),
                _ => times = Some(own),
            }
            video.push(Video { track, segments });
        }
        let (timescale, durations) = times.ok_or_else(|| unfit("it has no video"))?;
        let shown: Vec<u32> = match &record.looped {
            None => (0..durations.len() as u32).collect(),
            Some(looped) => {
                (0..looped.shown()).filter_map(|index| looped.part(index)).map(|part| part as u32).collect()
            }
        };
        let mut starts = vec![0];
        for part in &shown {
            let duration = durations.get(*part as usize).copied().filter(|duration| *duration > 0);
            let duration = duration.ok_or_else(|| unfit("a segment of it is missing or empty"))?;
            starts.push(starts.last().copied().unwrap_or(0) + duration);
        }
        if shown.is_empty() {
            return Err(unfit("it has no segments"));
        }
        let mut audio = Vec::with_capacity(record.audio.len());
        for language in &record.audio {
            audio.push(read_audio(&directory, &language.name)?.ok_or_else(|| unfit("its audio has no equal frames"))?);
        }
        let is_loop = record.looped.is_some();
        Ok(Self { record, directory, timescale, starts, shown, video, audio, is_loop })
    }

    /// Keeps the rungs and languages of some names, in their order.
    pub(super) fn keep(&mut self, rungs: &[String], languages: &[String]) {
        let place = |names: &[String], folder: &str| {
            names.iter().position(|name| folder.split_once('/').is_some_and(|(_, own)| own == name))
        };
        self.video.retain(|video| place(rungs, &video.track.folder).is_some());
        self.video.sort_by_key(|video| place(rungs, &video.track.folder));
        self.audio.retain(|audio| place(languages, &audio.track.folder).is_some());
        self.audio.sort_by_key(|audio| place(languages, &audio.track.folder));
    }

    /// Ticks of the video from the first segment to the last.
    pub(super) fn ticks(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Number of segments.
    pub(super) fn segments(&self) -> u64 {
        self.shown.len() as u64
    }

    /// Appends the bytes of samples.
    ///
    /// # Errors
    /// When a stored segment cannot be read.
    pub(super) fn copy(&self, track: &Track, samples: &[Stocked], out: &mut Vec<u8>) -> io::Result<()> {
        let mut open: Option<(u32, File)> = None;
        let mut rest = samples;
        while let Some(first) = rest.first() {
            // Samples that lie one after another are read at once.
            let mut end = first.sample.offset;
            let run = rest.iter().take_while(|next| {
                let follows = next.file == first.file && next.sample.offset == end;
                end += if follows { u64::from(next.sample.size) } else { 0 };
                follows
            });
            let count = run.count().max(1);
            let file = match open.take() {
                Some((number, file)) if number == first.file => file,
                _ => File::open(self.directory.join(&track.folder).join(self.stored_name(track, first.file)))?,
            };
            let at = out.len();
            let length = usize::try_from(end - first.sample.offset).map_err(io::Error::other)?;
            out.resize(at + length, 0);
            file.read_exact_at(&mut out[at..], first.sample.offset)?;
            open = Some((first.file, file));
            rest = &rest[count..];
        }
        Ok(())
    }

    fn stored_name(&self, track: &Track, file: u32) -> String {
        if self.is_loop && track.folder.starts_with("video/") {
            looped::part_name(file as usize)
        } else {
            file_name(file as usize)
        }
    }
}

/// Ticks of some samples.
pub(super) fn ticks(samples: &[Stocked]) -> u64 {
    samples.iter().map(|stocked| u64::from(stocked.sample.duration)).sum()
}

fn open_track(directory: &Path, folder: String) -> Result<(Track, Stored), IngestError> {
    let path = directory.join(&folder).join("init.mp4");
    let init = fs::read(&path).map_err(IngestError::io(&path))?;
    let stored = Stored::read(&init)?;
    Ok((Track { folder, timescale: stored.timescale, priming: stored.start, init }, stored))
}

/// Reads the samples of a stored segment; `None` if there is no such file.
fn read_segment(stored: &Stored, path: &Path, file: u32) -> Result<Option<Vec<Stocked>>, IngestError> {
    let opened = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(IngestError::io(path))?,
    };
    let (_, samples) = stored.segment(BufReader::new(opened), path)?;
    Ok(Some(samples.into_iter().map(|sample| Stocked { file, sample }).collect()))
}

type Rung = (Track, Vec<Vec<Stocked>>);

fn read_video(directory: &Path, record: &TitleRecord, rung: &str) -> Result<Rung, IngestError> {
    let (track, stored) = open_track(directory, format!("video/{rung}"))?;
    let name = if record.looped.is_some() { looped::part_name } else { file_name };
    let mut segments = Vec::new();
    for file in 0.. {
        let path = directory.join(&track.folder).join(name(file as usize));
        match read_segment(&stored, &path, file)? {
            Some(samples) => segments.push(samples),
            None => break,
        }
    }
    Ok((track, segments))
}

/// Returns `None` if there are no frames, or some but the last are of another duration.
fn read_audio(directory: &Path, name: &str) -> Result<Option<Audio>, IngestError> {
    let (track, stored) = open_track(directory, format!("audio/{name}"))?;
    let mut frames = Vec::new();
    for file in 0.. {
        let path = directory.join(&track.folder).join(file_name(file as usize));
        match read_segment(&stored, &path, file)? {
            Some(samples) => frames.extend(samples),
            None => break,
        }
    }
    let Some(frame) = frames.first().map(|frame| frame.sample.duration).filter(|frame| *frame > 0) else {
        return Ok(None);
    };
    let is_equal = frames.iter().rev().skip(1).all(|stocked| stocked.sample.duration == frame);
    if let Some(last) = frames.last_mut() {
        last.sample.duration = frame;
    }
    Ok(is_equal.then_some(Audio { track, frame: u64::from(frame), frames }))
}
