//! The whole way of one title: examine, encode, package, record, put in place.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::encode::Job;
use super::package::{self, Encoded, Packaged, Presentation};
use super::paint::{KEY_ART_FILE, PaintJob};
use super::recipe::Recipe;
use super::staging::Staging;
use super::{
    AudioRecord, Cancel, Effort, Files, IngestError, Ladder, Metadata, Progress, Rate, RungRecord, Source, Stage,
    TextRecord, TitleRecord, Update, media_dir, record, slug, versions,
};

/// A title to be made.
#[derive(Debug, Clone)]
pub struct Request {
    /// The material.
    pub source: Source,
    /// The id; made from the title when `None`.
    pub id: Option<String>,
    /// What people read about it.
    pub metadata: Metadata,
    /// Sizes and rates.
    pub ladder: Ladder,
    /// Nominal duration of a segment, milliseconds; rounded to whole frames. Drawn pictures have their own.
    pub segment_ms: u32,
    /// How hard the encoder works.
    pub effort: Effort,
    /// Whether an existing title with this id is replaced; otherwise the new one gets `id-2`, `id-3`…
    pub replace: bool,
    /// Stored in the record; 0 for everything but the demo catalogue.
    pub demo_revision: u32,
}

/// Segments of this length start fast and switch often; longer ones compress a little better.
const DEFAULT_SEGMENT_MS: u32 = 2000;

impl Request {
    /// A request with the usual settings; the title is the file's name without its extension.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let stem = path.file_stem().map(|s| s.to_string_lossy().replace('_', " "));
        Self {
            metadata: Metadata { title: stem.unwrap_or_default(), ..Metadata::default() },
            ..Self::new(Source::File(path))
        }
    }

    /// A request with the usual settings and no title.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            id: None,
            metadata: Metadata::default(),
            ladder: Ladder::default(),
            segment_ms: DEFAULT_SEGMENT_MS,
            effort: Effort::default(),
            replace: false,
            demo_revision: 0,
        }
    }

    fn check(&self) -> Result<String, IngestError> {
        self.ladder.check()?;
        if !(250..=30_000).contains(&self.segment_ms) {
            let feature = format!("segments of {} ms (250 to 30000 are possible)", self.segment_ms);
            return Err(IngestError::Unsupported { feature });
        }
        match &self.id {
            Some(id) if slug::is_valid(id) => Ok(id.clone()),
            Some(id) => Err(IngestError::BadId { id: id.clone() }),
            None => Ok(slug::from_title(&self.metadata.title)),
        }
    }
}

/// Packages a title into `data/media/<id>` and returns its record. Blocks until it is done; needs `ffmpeg` and `ffprobe`.
///
/// # Errors
/// One [`IngestError`] for anything that prevents a complete title, and then nothing of it is left in `data`.
pub fn ingest(
    data: &Path,
    request: &Request,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<TitleRecord, IngestError> {
    let id = request.check()?;
    let report = |stage, fraction| progress.update(Update { title: &id, stage, fraction });
    report(Stage::Probe, 0.0);
    let recipe = match &request.source {
        Source::File(path) => Some(Recipe::from_file(path, cancel)?),
        Source::Synthetic(synthetic) => Some(Recipe::from_synthetic(synthetic)),
        Source::Drawn(_) => None,
    };
    // ffmpeg runs in a directory of its own.
    let media = std::path::absolute(media_dir(data)).map_err(IngestError::io(data))?;
    let staging = Staging::new(&media)?;
    let (title, work) = (staging.title(), staging.work());
    report(Stage::Encode, 0.0);
    let progressed = |fraction| report(Stage::Encode, fraction);
    let encoded = encode(request, recipe.as_ref(), (&work, &title), cancel, progressed)?;
    report(Stage::Package, 0.0);
    let packed = |fraction| report(Stage::Package, fraction);
    let packaged = encoded.map(|encoded| package::package(&encoded, &title, cancel, packed)).transpose()?;
    if let (Some(recipe), Some(packaged)) = (&recipe, &packaged) {
        check_whole(recipe, packaged)?;
    }
    if cancel.is_cancelled() {
        return Err(IngestError::Cancelled);
    }
    let mut made = packaged.map_or_else(|| describe(request), |packaged| describe_media(request, &packaged));
    let id = if request.replace {
        made.id.clone_from(&id);
        made.created = versions::later_than_present(&media, &id, made.created);
        record::write(&title, &made)?;
        staging.replace(&media, &id)?;
        id
    } else {
        staging.place(&media, &id, |dir, candidate| {
            candidate.clone_into(&mut made.id);
            record::write(dir, &made)
        })?
    };
    made.id = id;
    progress.update(Update { title: &made.id, stage: Stage::Done, fraction: 1.0 });
    Ok(made)
}

/// Makes all that is not made by the packager: `None` for a title without media.
fn encode(
    request: &Request,
    recipe: Option<&Recipe>,
    (work, title): (&Path, &Path),
    cancel: &Cancel,
    progress: impl FnMut(f64),
) -> Result<Option<Encoded>, IngestError> {
    let (metadata, ladder) = (&request.metadata, &request.ladder);
    let (segment_ms, effort) = (request.segment_ms, request.effort);
    match (&request.source, recipe) {
        (Source::Drawn(drawn), _) => PaintJob { drawn, ladder, work, title }.run(cancel, progress),
        (_, Some(recipe)) => {
            let job = Job { recipe, metadata, ladder, segment_ms, effort, work, title };
            job.run(cancel, progress).map(Some)
        }
        (_, None) => Ok(None),
    }
}

/// ffmpeg ends well when its input ends early; a film that lost its second half is still not a film.
fn check_whole(recipe: &Recipe, packaged: &Packaged) -> Result<(), IngestError> {
    let Some(declared_ms) = recipe.declared_ms else { return Ok(()) };
    let decoded_ms = (packaged.frames as f64 * 1000.0 / recipe.rate.fps()) as u64;
    let tolerance = (declared_ms / 50).max(1000);
    if decoded_ms + tolerance < declared_ms {
        return Err(IngestError::Truncated { declared_ms, decoded_ms });
    }
    Ok(())
}

/// The record of a title without media.
fn describe(request: &Request) -> TitleRecord {
    let key_art = matches!(request.source, Source::Drawn(_)).then(|| KEY_ART_FILE.to_owned());
    TitleRecord {
        id: String::new(),
        title: request.metadata.title.clone(),
        description: request.metadata.description.clone(),
        year: request.metadata.year,
        genres: request.metadata.genres.clone(),
        duration_ms: 0,
        frames: 0,
        frame_rate: Rate::new(1, 1),
        rungs: Vec::new(),
        audio: Vec::new(),
        text: Vec::new(),
        files: Files { key_art, ..Files::default() },
        media_bytes: 0,
        about: request.metadata.about.clone(),
        looped: None,
        created: Timestamp::now(),
        demo_revision: request.demo_revision,
    }
}

fn describe_media(request: &Request, packaged: &Packaged) -> TitleRecord {
    let presentation: &Presentation = &packaged.presentation;
    let rungs = presentation.video.iter().map(|v| RungRecord {
        name: v.name.clone(),
        width: v.width,
        height: v.height,
        codec: v.media.codec.clone(),
        average_bps: v.media.average_bps(),
        peak_bps: v.media.peak_bps(),
    });
    let audio = presentation.audio.iter().map(|a| AudioRecord {
        name: a.name.clone(),
        language: a.language.clone(),
        label: a.label.clone(),
        codec: a.media.codec.clone(),
        peak_bps: a.media.peak_bps(),
    });
    let text = presentation.text.iter().map(|t| TextRecord {
        name: t.name.clone(),
        language: t.language.clone(),
        label: t.label.clone(),
    });
    let video_bytes: u64 = presentation.video.iter().map(|v| v.media.bytes()).sum();
    let audio_bytes: u64 = presentation.audio.iter().map(|a| a.media.bytes()).sum();
    TitleRecord {
        duration_ms: presentation.duration_ms(),
        frames: packaged.frames,
        frame_rate: presentation.rate,
        rungs: rungs.collect(),
        audio: audio.collect(),
        text: text.collect(),
        media_bytes: video_bytes + audio_bytes,
        looped: packaged.looped.clone(),
        ..describe(request)
    }
}
