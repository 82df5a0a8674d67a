//! Variants as adaptation sets: one for each family of codecs and dynamic range, for nothing may switch between
//! those in mid-play. Renditions are not known here.
//!
//! The families stand in the order in which they should be tried: a player takes the first one that it can decode.
//! That is standard before high dynamic range, for nothing here maps tones; then the author's `SCORE`; then the
//! codecs that most machines decode. Variants that do not tell their codecs, or not that of the sound, join the first
//! family that they may belong to.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use super::builder::Builder;
use super::multivariant::Variant;
use super::pathways;
use crate::manifest::codecs;
use crate::manifest::document::clip;
use crate::model::{
    AdaptationSet, ContainerFormat, ContentKinds, MediaKind, Representation, RepresentationTraits, SegmentIndex,
    TrackId, VideoRange,
};

/// Families of codecs by the names of their sample entries, those that most machines decode first.
const VIDEO_FAMILIES: [(&str, &[&str]); 7] = [
    ("avc", &["avc1", "avc2", "avc3", "avc4"]),
    ("hevc", &["hvc1", "hev1"]),
    ("vp9", &["vp9", "vp09"]),
    ("av1", &["av01"]),
    ("vp8", &["vp8", "vp08"]),
    ("vvc", &["vvc1", "vvi1"]),
    ("dolby-vision", &["dvh1", "dvhe", "dva1", "dvav", "dav1"]),
];
const AUDIO_FAMILIES: [(&str, &[&str]); 8] = [
    ("aac", &["mp4a", "aac"]),
    ("mp3", &["mp3"]),
    ("opus", &["opus"]),
    ("flac", &["flac"]),
    ("ac3", &["ac-3"]),
    ("eac3", &["ec-3", "ec+3"]),
    ("alac", &["alac"]),
    ("ac4", &["ac-4"]),
];

/// Values of `HDCP-LEVEL` (§4.4.6.2).
const HDCP_LEVELS: [&str; 3] = ["NONE", "TYPE-0", "TYPE-1"];

/// Properties that make variants interchangeable. The order of families is that of their fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Family {
    range: VideoRange,
    video: (usize, String),
    audio: Vec<(usize, String)>,
}

impl Family {
    /// `None` when the variant does not tell.
    fn of(variant: &Variant) -> Option<Self> {
        let all = variant.codecs();
        let of_kind = |kind| all.iter().filter(move |codec| codecs::kind_of(codec) == Some(kind));
        let video = family(of_kind(MediaKind::Video).next()?, &VIDEO_FAMILIES);
        let mut audio: Vec<_> = of_kind(MediaKind::Audio).map(|codec| family(codec, &AUDIO_FAMILIES)).collect();
        audio.sort();
        audio.dedup();
        Some(Self { range: range_of(variant), video, audio })
    }

    fn name(&self) -> String {
        let range = match self.range {
            VideoRange::Sdr => None,
            VideoRange::Hlg => Some("hlg"),
            VideoRange::Pq => Some("pq"),
        };
        let audio = self.audio.iter().map(|(_, name)| name.as_str());
        let parts: Vec<&str> = ["video", &self.video.1].into_iter().chain(range).chain(audio).collect();
        parts.join("-")
    }
}

/// Rank and name of a codec's family.
fn family(codec: &str, families: &[(&str, &[&str])]) -> (usize, String) {
    let codec = codec.to_ascii_lowercase();
    let entry = codec.split('.').next().unwrap_or_default();
    // MPEG-4 names MP3 by its object type (RFC 6381 §3.3).
    let entry = if matches!(codec.as_str(), "mp4a.40.34" | "mp4a.69" | "mp4a.6b") { "mp3" } else { entry };
    let found = families.iter().enumerate().find(|(_, (_, entries))| entries.contains(&entry));
    found.map_or_else(|| (families.len(), clip(entry)), |(rank, (name, _))| (rank, (*name).to_owned()))
}

/// Returns `VIDEO-RANGE` (§4.4.6.2); unknown values count as the highest, `PQ`.
fn range_of(variant: &Variant) -> VideoRange {
    match variant.written("VIDEO-RANGE") {
        None | Some("SDR") => VideoRange::Sdr,
        Some("HLG") => VideoRange::Hlg,
        Some(_) => VideoRange::Pq,
    }
}

/// True when the variant certainly has no pictures.
fn is_audio_only(variant: &Variant) -> bool {
    let kinds = codecs::contents(&variant.codecs());
    variant.stream.resolution.is_none() && kinds.is_some_and(|kinds| kinds.audio && !kinds.video)
}

/// `REQ-VIDEO-LAYOUT` (§4.4.6.2): a flat screen shows one view, unprojected. Each entry of the list must be met.
fn fits_a_flat_screen(variant: &Variant) -> bool {
    let flat = |word: &str| matches!(word, "" | "CH-MONO" | "PROJ-RECT");
    let layout = variant.written("REQ-VIDEO-LAYOUT").unwrap_or_default();
    layout.split([',', '/']).all(|word| flat(word.trim()))
}

/// The sets of all variants with pictures; without any, one of those with sound only.
pub(super) fn sets(builder: &mut Builder<'_, '_>) -> Vec<AdaptationSet> {
    let playlist = builder.playlist;
    let pictures = playlist.variants.iter().any(|variant| !is_audio_only(variant));
    let shown = playlist.variants.iter().any(fits_a_flat_screen);
    let wanted = playlist
        .variants
        .iter()
        .filter(|variant| (!pictures || !is_audio_only(variant)) && (!shown || fits_a_flat_screen(variant)));
    let streams = pathways::streams(wanted);
    let kind = if pictures { MediaKind::Video } else { MediaKind::Audio };
    let families = if pictures { families(&streams) } else { Vec::new() };
    let mut places: BTreeMap<Family, usize> = BTreeMap::new();
    for (at, family) in families.iter().enumerate() {
        places.entry(Family { audio: Vec::new(), ..family.clone() }).or_insert(at);
        places.insert(family.clone(), at);
    }
    let mut ladders: Vec<Vec<Representation>> = vec![Vec::new(); families.len().max(1)];
    for (number, same) in streams.iter().enumerate() {
        let own = same.first().and_then(|variant| Family::of(variant));
        let at = own.and_then(|own| places.get(&own).copied()).unwrap_or(0);
        if let (Some(representation), Some(ladder)) =
            (representation(builder, format!("v{number}"), same), ladders.get_mut(at))
        {
            ladder.push(representation);
        }
    }
    let mut sets = Vec::new();
    for (at, mut representations) in ladders.into_iter().enumerate() {
        if representations.is_empty() {
            continue;
        }
        representations.sort_by_key(|representation| representation.bandwidth);
        mark_same_media(&mut representations);
        let name = families.get(at).filter(|_| !sets.is_empty()).map(Family::name);
        sets.push(set(name.unwrap_or_else(|| kind.as_str().to_owned()), kind, representations));
    }
    sets
}

/// Variants with one address and several groups of sound are the same pictures.
fn mark_same_media(representations: &mut [Representation]) {
    let address = |representation: &Representation| match &representation.index {
        SegmentIndex::External(source) => source.resource.urls.first().cloned(),
        SegmentIndex::Known(_) => None,
    };
    let mut numbers: BTreeMap<Url, (u32, usize)> = BTreeMap::new();
    for url in representations.iter().filter_map(address) {
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        numbers.entry(url).or_insert((next, 0)).1 += 1;
    }
    for representation in representations {
        let known = address(representation).and_then(|url| numbers.get(&url));
        representation.traits.same_media = known.filter(|(_, count)| *count > 1).map(|(number, _)| *number);
    }
}

/// The families of some streams in the order to be tried. Scores count only when every variant has one (§4.4.6.2).
fn families(streams: &[Vec<&Variant>]) -> Vec<Family> {
    let firsts = || streams.iter().filter_map(|same| same.first());
    let scored = firsts().all(|variant| variant.score().is_some());
    // The best score of each, in thousandths.
    let mut found: BTreeMap<Family, u64> = BTreeMap::new();
    for variant in firsts() {
        let Some(family) = Family::of(variant) else { continue };
        let score = variant.score().filter(|_| scored).map_or(0, |score| (score * 1000.0) as u64);
        let best = found.entry(family).or_default();
        *best = score.max(*best);
    }
    // Variants that tell the codec of their pictures only join those that tell that of the sound too.
    let pictures = |family: &Family| (family.range, family.video.clone());
    let told: BTreeSet<_> = found.keys().filter(|family| !family.audio.is_empty()).map(pictures).collect();
    found.retain(|family, _| !family.audio.is_empty() || !told.contains(&pictures(family)));
    let mut families: Vec<(Family, u64)> = found.into_iter().collect();
    // A stable sort: what is equal keeps the order of the families themselves.
    families.sort_by_key(|(family, score)| (family.range, Reverse(*score)));
    families.into_iter().map(|(family, _)| family).collect()
}

/// The I-frame variants as one set: key frames only, never for normal playback.
pub(super) fn trick_sets(builder: &mut Builder<'_, '_>) -> Vec<AdaptationSet> {
    let playlist = builder.playlist;
    let streams = pathways::streams(playlist.iframe_variants.iter().filter(|variant| fits_a_flat_screen(variant)));
    let mut representations: Vec<Representation> = streams
        .iter()
        .enumerate()
        .filter_map(|(number, same)| {
            let content = Some(ContentKinds::only(MediaKind::Video));
            Some(Representation { content, ..representation(builder, format!("i{number}"), same)? })
        })
        .collect();
    representations.sort_by_key(|representation| representation.bandwidth);
    if representations.is_empty() {
        return Vec::new();
    }
    vec![set("iframes".to_owned(), MediaKind::Video, representations)]
}

fn set(id: String, kind: MediaKind, representations: Vec<Representation>) -> AdaptationSet {
    AdaptationSet {
        id: TrackId(id),
        kind,
        language: None,
        label: None,
        roles: Vec::new(),
        default: true,
        autoselect: true,
        forced: false,
        representations,
    }
}

/// Makes one stream and the places that serve it.
fn representation(builder: &mut Builder<'_, '_>, id: String, same: &[&Variant]) -> Option<Representation> {
    let variant = *same.first()?;
    let urls = builder.urls(same.iter().map(|variant| (variant.line, variant.uri.as_str())));
    if urls.is_empty() {
        return None;
    }
    let stream = &variant.stream;
    let group = stream.audio.as_deref().filter(|name| builder.groups.contains_key(name));
    if let (Some(name), None) = (stream.audio.as_deref(), group) {
        builder.warnings.push(variant.line, format!("the audio group {} is not defined", clip(name)));
    }
    let elsewhere = group.and_then(|name| builder.groups.get(name)).is_some_and(|group| !group.muxed);
    let all = variant.codecs();
    // Codecs without video together with a resolution are an incomplete list.
    let told = codecs::contents(&all).filter(|kinds| kinds.video || stream.resolution.is_none());
    // With all sound in renditions, the audio codecs of the list are the renditions' (§4.4.6.2).
    let content = match told {
        Some(kinds) => Some(ContentKinds { audio: kinds.audio && !(elsewhere && kinds.video), text: false, ..kinds }),
        None if all.is_empty() && elsewhere && stream.resolution.is_some() => {
            Some(ContentKinds::only(MediaKind::Video))
        }
        None => None,
    };
    let carried = |codec: &String| match codecs::kind_of(codec) {
        Some(kind) => content.is_none_or(|content| content.has(kind)),
        None => true,
    };
    if let Some(level) = variant.written("HDCP-LEVEL").filter(|level| !HDCP_LEVELS.contains(level)) {
        let message = format!("there is no HDCP level {}: the variant counts as one of the highest", clip(level));
        builder.warnings.push(variant.line, message);
    }
    let (width, height) = stream.resolution.map(|pixels| (pixels.width, pixels.height)).unzip();
    Some(Representation {
        id,
        bandwidth: stream.bandwidth,
        average_bandwidth: stream.average_bandwidth,
        codecs: all.into_iter().filter(carried).collect(),
        content,
        width: width.and_then(|pixels| u32::try_from(pixels).ok()),
        height: height.and_then(|pixels| u32::try_from(pixels).ok()),
        frame_rate: stream.frame_rate.and_then(codecs::frame_rate),
        channels: None,
        sample_rate: None,
        format: ContainerFormat::Unknown,
        audio_group: group.map(|name| builder.pathways.group(name).to_owned()),
        index: builder.index(urls),
        availability: None,
        protection: builder.protection.clone(),
        traits: traits(variant),
    })
}

fn traits(variant: &Variant) -> RepresentationTraits {
    let written = |name: &str| variant.written(name).map(str::to_owned);
    RepresentationTraits {
        score: variant.score(),
        video_range: range_of(variant),
        supplemental_codecs: variant.written("SUPPLEMENTAL-CODECS").map(codecs::split).unwrap_or_default(),
        stable_id: written("STABLE-VARIANT-ID"),
        pathway: written("PATHWAY-ID"),
        hdcp_level: written("HDCP-LEVEL"),
        video_layout: written("REQ-VIDEO-LAYOUT"),
        allowed_cpc: written("ALLOWED-CPC"),
        name: written("NAME"),
        ..RepresentationTraits::default()
    }
}

/// Returns true if a playlist has nothing for a flat screen for that reason.
pub(super) fn only_for_other_screens(variants: &[Variant]) -> bool {
    !variants.is_empty() && !variants.iter().any(fits_a_flat_screen)
}
