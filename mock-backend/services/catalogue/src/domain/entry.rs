//! A title of the catalogue, as the wire types want it.

use kinora_api::internal::{Offer, OfferedVideo};
use kinora_api::{AgeRating, Image, Language, Profile, Protocol, ResumePosition, ThumbnailIndex, TitleCard};
use kinora_media::TitleRecord;

use crate::pictures::PictureKeys;

/// One title.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its id, which is also its directory.
    pub id: String,
    /// Manifests relative to its directory, the preferred first.
    pub manifests: Vec<(Protocol, String)>,
    /// Time at which it was added, in milliseconds since the Unix epoch; also the number of its version.
    pub added_at: i64,
    /// Representations, to compare with what a device can play.
    pub offer: Offer,
    pub(super) card: TitleCard,
    pub(super) description: String,
    pub(super) audio: Vec<Language>,
    pub(super) subtitles: Vec<Language>,
    pub(super) max_height: Option<u32>,
    pub(super) thumbnails: Option<ThumbnailIndex>,
}

impl Entry {
    /// Returns the card of the poster wall, with the profile's position; a finished title has no position.
    pub fn card(&self, resume: Option<&ResumePosition>) -> TitleCard {
        let resume = resume.filter(|resume| !resume.finished && resume.position_ms > 0).cloned();
        TitleCard { resume, ..self.card.clone() }
    }

    /// Its length.
    pub fn duration_ms(&self) -> u64 {
        self.card.duration_ms
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.card.name
    }

    /// The age from which it is suitable; `None` when it has no rating.
    pub fn min_age(&self) -> Option<u8> {
        self.card.rating.as_ref().map(|rating| rating.min_age)
    }

    /// Returns true if it suits everyone, so that its pictures need no key.
    pub(crate) fn is_for_everyone(&self) -> bool {
        is_for_everyone(self.card.rating.as_ref())
    }

    /// Its genres.
    pub fn genres(&self) -> &[String] {
        &self.card.genres
    }

    /// Returns true if a profile may see it.
    pub fn suits(&self, profile: &Profile) -> bool {
        match (profile.max_age, &self.card.rating) {
            (None, _) => true,
            (Some(limit), Some(rating)) => rating.min_age <= limit,
            // What nobody rated is not shown to children.
            (Some(_), None) => false,
        }
    }

    /// Reads the record that the packager wrote; `keys` name the pictures of titles that are not for everyone.
    pub(super) fn from_record(record: TitleRecord, keys: &PictureKeys) -> Self {
        let version = record.version();
        let rating = Some(AgeRating { label: "ALL".to_owned(), min_age: 0 }).filter(|_| record.demo_revision > 0);
        let key = if is_for_everyone(rating.as_ref()) { String::new() } else { keys.key(&record.id, version) + "/" };
        let image = |file: &str| format!("/v1/images/{key}{}/{file}?v={version}", record.id);
        let language = |tag: &str, label: &str| Language { tag: tag.to_owned(), label: label.to_owned() };
        let best = record.rungs.iter().max_by_key(|rung| rung.height);
        let synopsis = record.description.split("\n\n").next().unwrap_or_default().to_owned();
        Self {
            manifests: vec![(Protocol::Hls, record.files.hls.clone()), (Protocol::Dash, record.files.dash.clone())],
            added_at: version,
            offer: offer(&record),
            card: TitleCard {
                id: record.id.as_str().into(),
                name: record.title.clone(),
                poster: Image { path: image(&record.files.poster), width: 0, height: 0 },
                duration_ms: record.duration_ms,
                year: record.year,
                rating,
                genres: record.genres.clone(),
                synopsis,
                ..TitleCard::default()
            },
            audio: record.audio.iter().map(|audio| language(&audio.language, &audio.label)).collect(),
            subtitles: record.text.iter().map(|text| language(&text.language, &text.label)).collect(),
            max_height: best.map(|rung| rung.height),
            thumbnails: Some(ThumbnailIndex { path: image("thumbs/thumbs.vtt") }),
            description: record.description,
            id: record.id,
        }
    }
}

/// Returns the representations of a title. Bandwidths are those of the multivariant playlist, which counts the audio too.
fn offer(record: &TitleRecord) -> Offer {
    let audio_bps = record.audio.iter().map(|audio| audio.peak_bps).max().unwrap_or(0);
    let video = record.rungs.iter().map(|rung| OfferedVideo {
        height: rung.height,
        bandwidth: rung.peak_bps.saturating_add(audio_bps),
        codec: rung.codec.clone(),
    });
    Offer { video: video.collect(), audio_codecs: record.audio.iter().map(|audio| audio.codec.clone()).collect() }
}

/// Returns true if a title of this rating suits everyone. A title without a rating does not.
fn is_for_everyone(rating: Option<&AgeRating>) -> bool {
    rating.is_some_and(|rating| rating.min_age == 0)
}
