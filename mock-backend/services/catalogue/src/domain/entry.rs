//! A title of the catalogue, as the wire types want it.

use kinora_api::internal::{Offer, OfferedVideo};
use kinora_api::{
    AgeRating, Image, Language, Profile, Protocol, ResumePosition, ThumbnailIndex, TitleCard, TitleId, TitleKind,
    UnixMillis,
};
use kinora_media::TitleRecord;

use super::facts::{Facts, Setting};
use crate::pictures::PictureKeys;

/// One title.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its id, which is also its directory.
    pub id: String,
    /// Manifests relative to its directory, the preferred first.
    pub manifests: Vec<(Protocol, String)>,
    /// Number of its version: milliseconds since the Unix epoch at which it was packaged.
    pub version: i64,
    /// Time at which it was added; of a series, that of its newest episode.
    pub added_at: UnixMillis,
    /// True if no screen offers it: it is hidden, or an episode of a series that is.
    pub is_hidden: bool,
    /// True if the page of what it belongs to shows it: it is not hidden itself.
    pub(super) is_linked: bool,
    /// Representations, to compare with what a device can play.
    pub offer: Offer,
    pub(super) card: TitleCard,
    pub(super) description: String,
    pub(super) audio: Vec<Language>,
    pub(super) subtitles: Vec<Language>,
    pub(super) max_height: Option<u32>,
    pub(super) thumbnails: Option<ThumbnailIndex>,
    pub(super) original_name: Option<String>,
    /// Its names in other languages.
    pub(super) names: Vec<String>,
    pub(super) season_names: std::collections::BTreeMap<u16, String>,
    pub(super) facts: Facts,
    /// True if it can be played here and now; of a series, if any of its episodes can.
    pub(super) is_open: bool,
    /// Age from which it is suitable: for an episode its series counts too, for a series its episodes do.
    pub(super) age: Option<u8>,
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

    /// Returns its kind.
    pub fn kind(&self) -> TitleKind {
        self.card.kind
    }

    /// Returns true for films and series, which rows offer. Episodes and trailers have their places on the pages of others.
    pub fn is_whole(&self) -> bool {
        matches!(self.card.kind, TitleKind::Film | TitleKind::Series)
    }

    /// Returns true if rows offer it: it is a film or a series that can be played, and is not hidden.
    pub fn is_offered(&self) -> bool {
        self.is_open && !self.is_hidden && self.is_whole()
    }

    /// Returns the title that an episode or a trailer belongs to.
    pub fn part_of(&self) -> Option<TitleId> {
        self.facts.part_of.as_ref().map(|part| part.title.as_str().into())
    }

    /// The age from which it is suitable; `None` when it has no rating.
    pub fn min_age(&self) -> Option<u8> {
        self.age
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
        match (profile.max_age, self.age) {
            (None, _) => true,
            (Some(limit), Some(age)) => age <= limit,
            // What nobody rated is not shown to children.
            (Some(_), None) => false,
        }
    }

    /// Reads the record that the packager wrote; `keys` name the pictures of titles that are not for everyone. What it is to other
    /// titles is not known yet.
    pub(super) fn from_record(
        record: TitleRecord,
        keys: &PictureKeys,
        setting: &Setting,
        warn: &mut impl FnMut(String),
    ) -> Self {
        let version = record.version();
        let facts = Facts::of(&record.about, record.duration_ms, setting, warn);
        let of_the_demo = || record.demo_revision > 0 && record.about.ratings.is_empty();
        let everyone = || AgeRating { label: "ALL".to_owned(), min_age: 0 };
        let rating = facts.rating.clone().or_else(|| of_the_demo().then(everyone));
        let key = if is_for_everyone(rating.as_ref()) { String::new() } else { keys.key(&record.id, version) + "/" };
        let image = |file: &str| format!("/v1/images/{key}{}/{file}?v={version}", record.id);
        let picture = |file: &str, (width, height): (u32, u32)| Image { path: image(file), width, height };
        let language = |tag: &str, label: &str| Language { tag: tag.to_owned(), label: label.to_owned() };
        let best = record.rungs.iter().max_by_key(|rung| rung.height);
        let synopsis = record.description.split("\n\n").next().unwrap_or_default().to_owned();
        let is_played = facts.kind != TitleKind::Series;
        let manifests = [(Protocol::Hls, &record.files.hls), (Protocol::Dash, &record.files.dash)];
        let manifests = manifests.into_iter().filter(|_| is_played).map(|(protocol, file)| (protocol, file.clone()));
        Self {
            manifests: manifests.collect(),
            version,
            added_at: version,
            is_hidden: record.about.is_hidden,
            is_linked: !record.about.is_hidden,
            offer: offer(&record),
            age: rating.as_ref().map(|rating| rating.min_age),
            is_open: facts.opening.is_open,
            card: TitleCard {
                id: record.id.as_str().into(),
                name: record.title.clone(),
                kind: facts.kind,
                poster: picture(&record.files.poster, kinora_media::POSTER),
                key_art: record.files.key_art.as_deref().map(|file| picture(file, kinora_media::KEY_ART)),
                duration_ms: if is_played { record.duration_ms } else { 0 },
                year: record.year,
                rating,
                genres: record.genres.clone(),
                synopsis,
                ..TitleCard::default()
            },
            audio: record.audio.iter().map(|audio| language(&audio.language, &audio.label)).collect(),
            subtitles: record.text.iter().map(|text| language(&text.language, &text.label)).collect(),
            max_height: best.map(|rung| rung.height),
            thumbnails: is_played.then(|| ThumbnailIndex { path: image("thumbs/thumbs.vtt") }),
            original_name: record.about.original_name,
            names: record.about.names.into_values().collect(),
            season_names: record.about.season_names,
            facts,
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
