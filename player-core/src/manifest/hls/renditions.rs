//! A multivariant playlist as the model's adaptation sets: variants become the representations of one set,
//! renditions of the same name and language one set across their groups. How playlists are read is not known here.

use std::collections::BTreeMap;

use m3u8_rs::AlternativeMediaType as Type;
use url::Url;

use super::lexer::Variables;
use super::multivariant::{MultivariantPlaylist, Rendition, Variant};
use super::segments::key_protection;
use crate::manifest::document::{Warnings, clip};
use crate::manifest::{ManifestError, codecs};
use crate::model::{
    AdaptationSet, ContainerFormat, ContentKinds, IndexFormat, IndexSource, MediaKind, Period, Presentation,
    PresentationKind, Protection, Protocol, Representation, RepresentationTraits, Resource, Role, SegmentIndex,
    TimestampMapping, TrackId,
};
use crate::time::MediaTime;

/// Redundant addresses beyond this are dropped.
const MAX_ALTERNATIVES: usize = 16;

struct Builder<'a, 'w> {
    playlist: &'a MultivariantPlaylist,
    base: &'a Url,
    variables: Vec<(String, String)>,
    protection: Vec<Protection>,
    groups: BTreeMap<&'a str, AudioGroup>,
    warnings: &'w mut Warnings,
}

/// What is known about an `AUDIO` group.
#[derive(Default)]
struct AudioGroup {
    /// Some rendition of it lies in the variant's own media.
    muxed: bool,
    /// Codecs, channels are the variants'; the least bandwidth of a variant that names the group.
    codecs: Vec<String>,
    bandwidth: u64,
}

/// One HLS presentation is one period, its segment indexes still to be fetched.
pub(super) fn presentation(
    playlist: &MultivariantPlaylist,
    base: &Url,
    variables: Variables,
    warnings: &mut Warnings,
) -> Result<Presentation, ManifestError> {
    let protection = playlist.session_keys.iter().filter(|key| !key.is_none()).map(key_protection).collect();
    let variables = variables.into_iter().collect();
    let groups = audio_groups(playlist);
    let mut builder = Builder { playlist, base, variables, protection, groups, warnings };
    let mut sets = builder.variants();
    let audio_only = sets.iter().all(|set| set.kind == MediaKind::Audio);
    let audio = builder.audio(audio_only);
    if audio_only && !audio.is_empty() && !builder.groups.values().any(|group| group.muxed) {
        // The variants' own addresses are those of renditions: a set more would be the same sound twice.
        sets.clear();
    }
    sets.extend(audio);
    sets.extend(builder.subtitles());
    if !sets.iter().any(|set| set.kind != MediaKind::Text) {
        return Err(ManifestError::Empty { message: "the playlist has no variant with an address".to_owned() });
    }
    let period = Period::new("0".to_owned(), MediaTime::ZERO, None, sets);
    let start = playlist.start.filter(|start| start.offset_nanos >= 0);
    Ok(Presentation {
        protocol: Protocol::Hls,
        kind: PresentationKind::OnDemand,
        duration: None,
        start: start.map(|start| MediaTime::from_nanos(start.offset_nanos)),
        periods: vec![period],
        epoch: None,
        metadata: Vec::new(),
        session_data: Vec::new(),
        steering: None,
    })
}

fn audio_groups(playlist: &MultivariantPlaylist) -> BTreeMap<&str, AudioGroup> {
    let mut groups: BTreeMap<&str, AudioGroup> = BTreeMap::new();
    for rendition in playlist.renditions.iter().filter(|rendition| rendition.media.media_type == Type::Audio) {
        groups.entry(&rendition.media.group_id).or_default().muxed |= rendition.uri.is_none();
    }
    for variant in &playlist.variants {
        let Some(group) = variant.stream.audio.as_deref().and_then(|name| groups.get_mut(name)) else { continue };
        let audio = codecs_of(variant).into_iter().filter(|codec| codecs::kind_of(codec) == Some(MediaKind::Audio));
        if group.codecs.is_empty() {
            group.codecs = audio.collect();
        }
        group.bandwidth =
            if group.bandwidth == 0 { variant.stream.bandwidth } else { group.bandwidth.min(variant.stream.bandwidth) };
    }
    groups
}

fn codecs_of(variant: &Variant) -> Vec<String> {
    variant.stream.codecs.as_deref().map(codecs::split).unwrap_or_default()
}

/// True when the variant certainly has no pictures.
fn is_audio_only(variant: &Variant) -> bool {
    let kinds = codecs::contents(&codecs_of(variant));
    variant.stream.resolution.is_none() && kinds.is_some_and(|kinds| kinds.audio && !kinds.video)
}

/// Everything that makes a variant what it is, besides its address: redundant variants share it (§6.2.4).
fn identity(variant: &Variant) -> BTreeMap<&str, &str> {
    let place = |name: &str| matches!(name, "URI" | "PATHWAY-ID");
    variant
        .attributes
        .iter()
        .filter(|(name, _)| !place(name))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

impl Builder<'_, '_> {
    /// The addresses that can be used, each once.
    fn urls<'u>(&mut self, uris: impl Iterator<Item = (u32, &'u str)>) -> Vec<Url> {
        let mut urls = Vec::new();
        for (line, uri) in uris {
            match self.base.join(uri) {
                Ok(url) if urls.len() >= MAX_ALTERNATIVES || urls.contains(&url) => {}
                Ok(url) => urls.push(url),
                Err(_) => self.warnings.push(line, "the address cannot be used"),
            }
        }
        urls
    }

    fn index(&self, urls: Vec<Url>) -> SegmentIndex {
        SegmentIndex::External(IndexSource {
            resource: Resource { urls, range: None },
            format: IndexFormat::HlsMediaPlaylist,
            init: None,
            mapping: TimestampMapping::Discontinuity(0),
            period_start: MediaTime::ZERO,
            variables: self.variables.clone(),
        })
    }

    /// One set of all variants with pictures; without any, one of those with sound only.
    fn variants(&mut self) -> Vec<AdaptationSet> {
        let playlist = self.playlist;
        let pictures = playlist.variants.iter().any(|variant| !is_audio_only(variant));
        let wanted = playlist.variants.iter().filter(|variant| !pictures || !is_audio_only(variant));
        // In order of appearance, redundant ones behind the first.
        let mut order: Vec<Vec<&Variant>> = Vec::new();
        let mut places: BTreeMap<BTreeMap<&str, &str>, usize> = BTreeMap::new();
        for variant in wanted {
            let place = *places.entry(identity(variant)).or_insert(order.len());
            match order.get_mut(place) {
                Some(same) if variant.bandwidth.is_some() => same.push(variant),
                _ => order.push(vec![variant]),
            }
        }
        let mut representations: Vec<Representation> =
            order.iter().enumerate().filter_map(|(number, same)| self.variant(number, same)).collect();
        representations.sort_by_key(|representation| representation.bandwidth);
        if representations.is_empty() {
            return Vec::new();
        }
        let kind = if pictures { MediaKind::Video } else { MediaKind::Audio };
        vec![AdaptationSet {
            id: TrackId(kind.as_str().to_owned()),
            kind,
            language: None,
            label: None,
            roles: Vec::new(),
            default: true,
            autoselect: true,
            forced: false,
            representations,
        }]
    }

    fn variant(&mut self, number: usize, same: &[&Variant]) -> Option<Representation> {
        let variant = *same.first()?;
        let urls = self.urls(same.iter().map(|variant| (variant.line, variant.uri.as_str())));
        if urls.is_empty() {
            return None;
        }
        let stream = &variant.stream;
        let group = stream.audio.as_deref().filter(|name| self.groups.contains_key(name));
        if let (Some(name), None) = (stream.audio.as_deref(), group) {
            self.warnings.push(variant.line, format!("the audio group {} is not defined", clip(name)));
        }
        let elsewhere = group.and_then(|name| self.groups.get(name)).is_some_and(|group| !group.muxed);
        let all = codecs_of(variant);
        // Codecs without pictures beside a resolution are an incomplete list.
        let told = codecs::contents(&all).filter(|kinds| kinds.video || stream.resolution.is_none());
        // With all sound in renditions, the audio codecs of the list are the renditions' (§4.4.6.2).
        let content = match told {
            Some(kinds) => {
                Some(ContentKinds { audio: kinds.audio && !(elsewhere && kinds.video), text: false, ..kinds })
            }
            None if all.is_empty() && elsewhere && stream.resolution.is_some() => {
                Some(ContentKinds::only(MediaKind::Video))
            }
            None => None,
        };
        let carried = |codec: &String| match codecs::kind_of(codec) {
            Some(kind) => content.is_none_or(|content| content.has(kind)),
            None => true,
        };
        let (width, height) = stream.resolution.map(|pixels| (pixels.width, pixels.height)).unzip();
        Some(Representation {
            id: format!("v{number}"),
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
            audio_group: group.map(str::to_owned),
            index: self.index(urls),
            protection: self.protection.clone(),
            traits: RepresentationTraits::default(),
        })
    }

    /// Sets of one kind of rendition, in order of appearance: the same name and language is the same track.
    fn tracks(&self, kind: &Type) -> Vec<Vec<(usize, &'_ Rendition)>> {
        let mut tracks: Vec<Vec<(usize, &Rendition)>> = Vec::new();
        let mut places: BTreeMap<(&str, &str, bool), usize> = BTreeMap::new();
        for (number, rendition) in self.playlist.renditions.iter().enumerate() {
            let media = &rendition.media;
            if media.media_type != *kind || rendition.uri.is_none() {
                continue;
            }
            let key = (media.name.as_str(), media.language.as_deref().unwrap_or_default(), media.forced);
            let place = *places.entry(key).or_insert(tracks.len());
            match tracks.get_mut(place) {
                Some(track) => track.push((number, rendition)),
                None => tracks.push(vec![(number, rendition)]),
            }
        }
        tracks
    }

    fn audio(&mut self, audio_only: bool) -> Vec<AdaptationSet> {
        let mut sets = Vec::new();
        let tracks: Vec<Vec<(usize, Rendition)>> = owned(self.tracks(&Type::Audio));
        for track in tracks {
            let mut representations: Vec<Representation> = Vec::new();
            // Two renditions of one name in one group are the same bytes twice (§6.2.4).
            let mut by_group: BTreeMap<&str, Vec<&(usize, Rendition)>> = BTreeMap::new();
            for entry in &track {
                by_group.entry(&entry.1.media.group_id).or_default().push(entry);
            }
            for (group, same) in by_group {
                let urls = self.urls(same.iter().map(|(_, r)| (r.line, r.uri.as_deref().unwrap_or_default())));
                let (Some((number, first)), false) = (same.first(), urls.is_empty()) else { continue };
                let known = self.groups.get(group);
                representations.push(Representation {
                    id: format!("a{number}"),
                    bandwidth: known.filter(|_| audio_only).map_or(0, |known| known.bandwidth),
                    average_bandwidth: None,
                    codecs: known.map(|known| known.codecs.clone()).unwrap_or_default(),
                    content: Some(ContentKinds::only(MediaKind::Audio)),
                    width: None,
                    height: None,
                    frame_rate: None,
                    channels: first.media.channels.as_deref().and_then(|text| text.split('/').next()?.parse().ok()),
                    sample_rate: first.attributes.get("SAMPLE-RATE").and_then(|rate| rate.parse().ok()),
                    format: ContainerFormat::Unknown,
                    audio_group: Some(group.to_owned()),
                    index: self.index(urls),
                    protection: self.protection.clone(),
                    traits: RepresentationTraits::default(),
                });
            }
            representations.sort_by_key(|representation| representation.bandwidth);
            sets.extend(set(MediaKind::Audio, &track, representations));
        }
        distinct(sets)
    }

    /// Subtitles of different groups are the same text: one representation with all addresses.
    fn subtitles(&mut self) -> Vec<AdaptationSet> {
        let ttml =
            self.playlist.variants.iter().any(|variant| codecs_of(variant).iter().any(|c| c.starts_with("stpp")));
        let mut sets = Vec::new();
        for track in owned(self.tracks(&Type::Subtitles)) {
            let urls = self.urls(track.iter().map(|(_, r)| (r.line, r.uri.as_deref().unwrap_or_default())));
            let (Some((number, _)), false) = (track.first(), urls.is_empty()) else { continue };
            let representation = Representation {
                id: format!("t{number}"),
                bandwidth: 0,
                average_bandwidth: None,
                codecs: Vec::new(),
                content: Some(ContentKinds::only(MediaKind::Text)),
                width: None,
                height: None,
                frame_rate: None,
                channels: None,
                sample_rate: None,
                // §3.5: subtitles are WebVTT or IMSC1; only the latter needs to be told by its codec.
                format: if ttml { ContainerFormat::Unknown } else { ContainerFormat::WebVtt },
                audio_group: None,
                index: self.index(urls),
                protection: Vec::new(),
                traits: RepresentationTraits::default(),
            };
            sets.extend(set(MediaKind::Text, &track, vec![representation]));
        }
        distinct(sets)
    }
}

fn owned(tracks: Vec<Vec<(usize, &Rendition)>>) -> Vec<Vec<(usize, Rendition)>> {
    tracks.into_iter().map(|track| track.into_iter().map(|(number, r)| (number, r.clone())).collect()).collect()
}

fn set(kind: MediaKind, track: &[(usize, Rendition)], representations: Vec<Representation>) -> Option<AdaptationSet> {
    let media = &track.first()?.1.media;
    if representations.is_empty() {
        return None;
    }
    let any = |test: fn(&Rendition) -> bool| track.iter().any(|(_, rendition)| test(rendition));
    let language = media.language.clone();
    // A rendition without a name got a stand-in on its way through `m3u8-rs`.
    let label = track.first()?.1.attributes.get("NAME").filter(|name| !name.is_empty()).cloned();
    let mut id = format!("{}-{}", kind.as_str(), language.as_deref().unwrap_or("und"));
    for part in label.iter() {
        id.push('-');
        id.push_str(part);
    }
    Some(AdaptationSet {
        id: TrackId(id),
        kind,
        language,
        label,
        roles: roles(media.characteristics.as_deref().unwrap_or_default(), media.forced),
        default: any(|rendition| rendition.media.default),
        autoselect: any(|rendition| rendition.media.autoselect || rendition.media.default),
        forced: media.forced,
        representations,
    })
}

/// Ids that are equal by chance (a forced and a full track of one name) get a number.
fn distinct(mut sets: Vec<AdaptationSet>) -> Vec<AdaptationSet> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for set in &mut sets {
        let count = seen.entry(set.id.0.clone()).or_default();
        *count += 1;
        if *count > 1 {
            set.id.0 = format!("{}-{count}", set.id.0);
        }
    }
    sets
}

/// `CHARACTERISTICS` (§4.4.6.1).
fn roles(characteristics: &str, forced: bool) -> Vec<Role> {
    let mut roles: Vec<Role> = Vec::new();
    for tag in characteristics.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        let role = match tag {
            "public.accessibility.describes-video" => Role::Description,
            "public.accessibility.transcribes-spoken-dialog" | "public.accessibility.describes-music-and-sound" => {
                Role::Caption
            }
            other => Role::Other(other.to_owned()),
        };
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    if forced {
        roles.push(Role::ForcedSubtitle);
    }
    roles
}
