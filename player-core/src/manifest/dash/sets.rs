//! Adaptation sets of a period that can be played, and the tracks that a viewer selects among.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::addressing::{Addresser, Owner, Span};
use super::descriptors::{self, Purpose};
use super::mpd::{Period, Representation as Source, Set};
use super::playable_set::PlayableSet;
use super::{captions, live, protection, readable, switching};
use crate::drm::KeySystem;
use crate::manifest::document::Warnings;
use crate::manifest::xml::Element;
use crate::manifest::{ManifestError, codecs, languages};
use crate::model::{
    AdaptationSet, CaptionTrack, ContainerFormat, ContentKinds, FrameRate, MediaKind, Protection, Representation,
    RepresentationTraits, Role, SegmentIndex, ThumbnailTrack, TrackId, VideoRange,
};
use crate::time::{MediaTime, duration_from_ticks};

/// Sets and representations beyond these counts make the search for tracks slow.
const MAX_SETS: usize = 500;

/// Offer of a period.
#[derive(Debug, Default)]
pub(super) struct Offer {
    /// Sets that can be played, in document order.
    pub(super) sets: Vec<AdaptationSet>,
    /// Sets with key frames only.
    pub(super) trick: Vec<AdaptationSet>,
    /// Pictures for the seek bar.
    pub(super) thumbnails: Vec<ThumbnailTrack>,
    /// Captions inside the video.
    pub(super) captions: Vec<CaptionTrack>,
}

/// Returns the sets that a period offers to playback.
///
/// # Errors
/// When the addresses of the document exceed the limit.
pub(super) fn offer(
    period: &Period<'_>,
    start: MediaTime,
    duration: Option<Duration>,
    grows: bool,
    addresser: &mut Addresser,
    warnings: &mut Warnings,
) -> Result<Offer, ManifestError> {
    let span = Span { start, duration, trim: true, window: None, grows };
    let mut offer = Offer::default();
    let mut found: Vec<PlayableSet<'_>> = Vec::new();
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    for set in period.sets.iter().take(MAX_SETS) {
        let Some(purpose) = descriptors::purpose(set.element, warnings) else { continue };
        let image = set.content_type() == Some("image");
        let Some(kind) = kind(set).or(image.then_some(MediaKind::Video)) else {
            warnings.push(set.element.line, "AdaptationSet skipped: nothing tells what it carries");
            continue;
        };
        let shared = Shared { base_elements: &period.base_elements, ..Shared::of(set, kind, warnings) };
        let (mut representations, mut trick) = (Vec::new(), Vec::new());
        for source in &set.representations {
            let Some(own) = descriptors::purpose(source.element, warnings) else { continue };
            let Some(made) = representation(source, &shared, span, addresser, warnings)? else { continue };
            match (purpose, own) {
                (Purpose::Thumbnails(columns, rows), _) | (_, Purpose::Thumbnails(columns, rows)) => {
                    offer.thumbnails.push(ThumbnailTrack { columns, rows, representation: made });
                }
                _ if image => {
                    offer.thumbnails.push(ThumbnailTrack { columns: 1, rows: 1, representation: made });
                }
                (Purpose::TrickPlay, _) | (_, Purpose::TrickPlay) => trick.push(made),
                (Purpose::Normal, Purpose::Normal) => representations.push(made),
            }
        }
        if kind == MediaKind::Video && purpose == Purpose::Normal {
            captions::read(set.element, &mut offer.captions);
        }
        if !trick.is_empty() {
            trick.sort_by_key(|representation| representation.bandwidth);
            let number = offer.trick.len() + 1;
            offer.trick.push(trick_set(set, number, kind, trick));
        }
        if !representations.is_empty() {
            unique(&mut representations, &mut ids);
            found.push(PlayableSet { set, kind, representations });
        }
    }
    readable::prefer(&mut found, warnings);
    switching::merge(&mut found, warnings);
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let priorities: Vec<u32> =
        found.iter().map(|found| found.set.element.number("selectionPriority").unwrap_or(1)).collect();
    for PlayableSet { set, kind, mut representations } in found {
        representations.sort_by_key(|representation| representation.bandwidth);
        offer.sets.push(track(set, kind, representations, &mut names));
    }
    choose_defaults(&mut offer.sets, &priorities);
    Ok(offer)
}

fn trick_set(set: &Set<'_>, number: usize, kind: MediaKind, representations: Vec<Representation>) -> AdaptationSet {
    AdaptationSet {
        id: TrackId(format!("trick-{number}")),
        kind,
        language: None,
        label: descriptors::label(set.element),
        roles: Vec::new(),
        default: false,
        autoselect: false,
        forced: false,
        representations,
    }
}

/// Returns the kind of media in a set; `None` for pictures and for sets without media.
fn kind(set: &Set<'_>) -> Option<MediaKind> {
    let word = |word: &str| match word {
        "video" => Some(MediaKind::Video),
        "audio" => Some(MediaKind::Audio),
        "text" => Some(MediaKind::Text),
        _ => None,
    };
    if set.content_type() == Some("image") {
        return None;
    }
    if let Some(kind) = set.content_type().and_then(word) {
        return Some(kind);
    }
    let mime = set.mime_type().unwrap_or_default();
    if mime.contains("ttml") || mime.contains("vtt") || mime.contains("subrip") {
        return Some(MediaKind::Text);
    }
    let components: Vec<MediaKind> =
        set.element.all("ContentComponent").filter_map(|part| part.attr("contentType")).filter_map(word).collect();
    let codec = || {
        let list = set.representations.first()?.inherited("codecs")?;
        codecs::split(list).iter().filter_map(|codec| codecs::kind_of(codec)).min()
    };
    let mixed = || set.representations.first()?.inherited("mimeType")?.split('/').next().and_then(word);
    components.iter().min().copied().or_else(codec).or_else(mixed)
}

/// Properties of a set that hold for all of its representations, looked up once: sets with ten thousand children exist.
struct Shared<'x> {
    /// The first `BaseURL` of the document and of the period.
    base_elements: &'x [&'x Element],
    id: Option<String>,
    protection: Vec<Arc<Protection>>,
    segment_encryption: Option<protection::SegmentEncryption>,
    /// Set when the set holds one kind only.
    content: Option<ContentKinds>,
    kind: MediaKind,
    channels: Option<u32>,
    video_range: Option<VideoRange>,
    last_number: Option<u64>,
}

impl Shared<'_> {
    fn of(set: &Set<'_>, kind: MediaKind, warnings: &mut Warnings) -> Self {
        let bases = set.representations.first().map_or(&[][..], |first| &first.bases);
        let set = set.element;
        let muxed = set.all("ContentComponent").count() > 1;
        Self {
            base_elements: &[],
            id: set.attr("id").filter(|id| !id.is_empty()).map(str::to_owned),
            content: (!muxed).then(|| ContentKinds::only(kind)),
            kind,
            channels: descriptors::channels(set),
            video_range: descriptors::video_range(set),
            protection: protection::descriptors(set, bases),
            segment_encryption: protection::segment_encryption(set, bases, warnings),
            last_number: descriptors::last_number(set),
        }
    }
}

fn representation(
    source: &Source<'_>,
    set: &Shared<'_>,
    span: Span,
    addresser: &mut Addresser,
    warnings: &mut Warnings,
) -> Result<Option<Representation>, ManifestError> {
    let line = source.element.line;
    let frame_rate = source.inherited("frameRate").and_then(codecs::frame_rate_text);
    let format = format(source.inherited("mimeType").unwrap_or_default(), source);
    let owner = Owner {
        id: source.id(),
        bandwidth: source.bandwidth(),
        line,
        bases: &source.bases,
        shortest: shortest(set.kind, frame_rate),
        last_number: descriptors::last_number(source.element).or(set.last_number),
        indexed: format == ContainerFormat::Fmp4,
    };
    let Some(mut addressed) = addresser.address(&source.chain, owner, span, warnings)? else { return Ok(None) };
    if let SegmentIndex::Known(list) = &addressed.index {
        let timed = list.span(0).is_some_and(|(_, duration)| duration > Duration::ZERO);
        // A list that grows may be empty still.
        let may_grow = span.grows && list.is_empty();
        if !timed && !may_grow {
            warnings.push(line, "Representation skipped: it has no segments");
            return Ok(None);
        }
    }
    let protection = protect(source, set, &mut addressed.index, warnings);
    let codec_list = source.inherited("codecs").map(codecs::split).unwrap_or_default();
    let content = codecs::contents(&codec_list).or(set.content);
    let id = if source.id().is_empty() { format!("line-{line}") } else { source.id().to_owned() };
    Ok(Some(Representation {
        id,
        bandwidth: source.bandwidth(),
        average_bandwidth: None,
        format,
        codecs: codec_list,
        content,
        width: source.number("width"),
        height: source.number("height"),
        frame_rate,
        channels: descriptors::channels(source.element).or(set.channels),
        sample_rate: source
            .inherited("audioSamplingRate")
            .and_then(|text| text.split_whitespace().last()?.parse().ok()),
        audio_group: None,
        index: addressed.index,
        availability: span.grows.then(|| live::availability(&source.chain, &base_elements(source, set))),
        protection,
        traits: traits(source, set),
    }))
}

/// Returns the first `BaseURL` of each level.
fn base_elements<'x>(source: &Source<'x>, set: &Shared<'x>) -> Vec<&'x Element> {
    let own = [source.element, source.set].into_iter().filter_map(|level| level.first("BaseURL"));
    own.chain(set.base_elements.iter().copied()).collect()
}

/// Returns the properties that few representations declare.
fn traits(source: &Source<'_>, set: &Shared<'_>) -> RepresentationTraits {
    RepresentationTraits {
        // A lower ranking is better (§5.3.5.2), a higher score is.
        score: source.number::<u32>("qualityRanking").map(|ranking| -f64::from(ranking)),
        video_range: descriptors::video_range(source.element).or(set.video_range).unwrap_or_default(),
        supplemental_codecs: source.any("supplementalCodecs").map(codecs::split).unwrap_or_default(),
        written_id: Some(source.id()).filter(|id| !id.is_empty()).map(str::to_owned),
        written_set: set.id.clone(),
        ..RepresentationTraits::default()
    }
}

/// The protection of a representation and of its set; its segments learn how they are encrypted.
fn protect(
    source: &Source<'_>,
    set: &Shared<'_>,
    index: &mut SegmentIndex,
    warnings: &mut Warnings,
) -> Vec<Arc<Protection>> {
    let mut found = protection::descriptors(source.element, &source.bases);
    found.extend(set.protection.iter().filter(|known| !found.contains(known)).cloned().collect::<Vec<_>>());
    let own = protection::segment_encryption(source.element, &source.bases, warnings);
    if let Some(whole) = own.as_ref().or(set.segment_encryption.as_ref()) {
        if protection::apply(index, &whole.periods) {
            found.push(Arc::clone(&whole.descriptor));
        } else {
            warnings.push(source.element.line, "encrypted segments that are not addressed by a template");
            let system = Some(KeySystem::Other("segment encryption of this addressing".to_owned()));
            found.push(Arc::new(Protection { system, key: None, ..whole.descriptor.as_ref().clone() }));
        }
    }
    found
}

/// A numbered segment shorter than one frame exists on paper only: presentations are as long as their longest
/// track, and the others end a little earlier.
fn shortest(kind: MediaKind, frame_rate: Option<FrameRate>) -> Duration {
    const AUDIO_FRAME: Duration = Duration::from_millis(25);
    match (kind, frame_rate) {
        (MediaKind::Video, Some(rate)) if rate.numerator >= rate.denominator => {
            // Nine tenths: rates are rounded.
            duration_from_ticks(u64::from(rate.denominator) * 9, rate.numerator.saturating_mul(10))
        }
        _ => AUDIO_FRAME,
    }
}

fn format(mime: &str, source: &Source<'_>) -> ContainerFormat {
    match mime {
        "video/mp4" | "audio/mp4" | "application/mp4" | "video/iso.segment" | "audio/iso.segment" => {
            ContainerFormat::Fmp4
        }
        "video/webm" | "audio/webm" => ContainerFormat::WebM,
        "video/mp2t" | "audio/mp2t" => ContainerFormat::MpegTs,
        "text/vtt" => ContainerFormat::WebVtt,
        "application/ttml+xml" | "text/ttml" => ContainerFormat::Ttml,
        picture if picture.starts_with("image/") => ContainerFormat::Image,
        "" => source.bases.first().map_or(ContainerFormat::Unknown, |base| codecs::format_of(base.path())),
        _ => ContainerFormat::Unknown,
    }
}

fn track(
    set: &Set<'_>,
    kind: MediaKind,
    representations: Vec<Representation>,
    names: &mut BTreeMap<String, usize>,
) -> AdaptationSet {
    let roles = descriptors::roles(set.element);
    let language = set.element.attr("lang").and_then(languages::canonical);
    let label = descriptors::label(set.element);
    // The same track has the same name in every period: identifiers of the document need not be stable.
    let mut id = kind.as_str().to_owned();
    for part in [language.as_deref(), descriptors::role_word(&roles), label.as_deref()].into_iter().flatten() {
        id.push('-');
        id.push_str(part);
    }
    let count = names.entry(id.clone()).or_default();
    *count += 1;
    if *count > 1 {
        id = format!("{id}-{count}");
    }
    let forced = roles.contains(&Role::ForcedSubtitle);
    AdaptationSet {
        id: TrackId(id),
        kind,
        language,
        label,
        default: roles.contains(&Role::Main),
        autoselect: kind != MediaKind::Text || forced,
        forced,
        roles,
        representations,
    }
}

/// The default of a kind: with a main role, then with the highest `@selectionPriority` (§5.3.3.2), then the first. Text
/// is nobody's default.
fn choose_defaults(sets: &mut [AdaptationSet], priorities: &[u32]) {
    for kind in [MediaKind::Video, MediaKind::Audio] {
        let rank =
            |at: usize, set: &AdaptationSet| (set.default, priorities.get(at).copied().unwrap_or(1), Reverse(at));
        let of_kind = sets.iter().enumerate().filter(|(_, set)| set.kind == kind);
        let chosen = of_kind.max_by_key(|(at, set)| rank(*at, set)).map(|(at, _)| at);
        for (at, set) in sets.iter_mut().enumerate().filter(|(_, set)| set.kind == kind) {
            set.default = Some(at) == chosen;
        }
    }
    for set in sets.iter_mut().filter(|set| set.kind == MediaKind::Text) {
        set.default = false;
    }
}

/// Ids that another representation of the period has get their place appended.
fn unique(representations: &mut [Representation], seen: &mut BTreeMap<String, usize>) {
    for representation in representations {
        let count = seen.entry(representation.id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            representation.id = format!("{}-{count}", representation.id);
        }
    }
}
