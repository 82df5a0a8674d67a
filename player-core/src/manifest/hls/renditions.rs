//! Renditions as adaptation sets: those of the same name and language are one set across their groups. Captions and
//! audio inside the video's files are listed apart.

use std::collections::{BTreeMap, BTreeSet};

use m3u8_rs::AlternativeMediaType as Type;

use super::builder::Builder;
use super::multivariant::{MultivariantPlaylist, Rendition, Variant};
use crate::manifest::document::clip;
use crate::model::{
    AdaptationSet, CaptionService, CaptionTrack, ContainerFormat, ContentKinds, MediaKind, MuxedAudio, Representation,
    RepresentationTraits, Role, TrackId,
};

/// Renditions with an address in order of appearance; those that share name and language are the same track.
fn tracks<'a>(playlist: &'a MultivariantPlaylist, kind: &Type) -> Vec<Vec<(usize, &'a Rendition)>> {
    let mut tracks: Vec<Vec<(usize, &Rendition)>> = Vec::new();
    let mut places: BTreeMap<(&str, &str, bool), usize> = BTreeMap::new();
    for (number, rendition) in playlist.renditions.iter().enumerate() {
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

pub(super) fn audio(builder: &mut Builder<'_, '_>, audio_only: bool) -> Vec<AdaptationSet> {
    let playlist = builder.playlist;
    let mut sets = Vec::new();
    for track in tracks(playlist, &Type::Audio) {
        let mut representations: Vec<Representation> = Vec::new();
        // Two renditions of one name in one group, or in the groups of redundant variants, are the same bytes twice
        // (§6.2.4).
        let mut by_group: BTreeMap<&str, Vec<(usize, &Rendition)>> = BTreeMap::new();
        for (number, rendition) in &track {
            by_group.entry(builder.pathways.group(&rendition.media.group_id)).or_default().push((*number, *rendition));
        }
        for (group, same) in by_group {
            let urls = builder.urls(same.iter().map(|(_, r)| (r.line, r.uri.as_deref().unwrap_or_default())));
            let (Some((number, first)), false) = (same.first(), urls.is_empty()) else { continue };
            let index = builder.index(urls);
            let known = builder.groups.get(group);
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
                sample_rate: first.written("SAMPLE-RATE").and_then(|rate| rate.parse().ok()),
                format: ContainerFormat::Unknown,
                audio_group: Some(group.to_owned()),
                index,
                availability: None,
                protection: builder.protection.clone(),
                traits: traits(first),
            });
        }
        representations.sort_by_key(|representation| representation.bandwidth);
        sets.extend(set(MediaKind::Audio, &track, representations));
    }
    distinct(sets)
}

/// Subtitles of different groups are the same text: one representation with all addresses.
pub(super) fn subtitles(builder: &mut Builder<'_, '_>) -> Vec<AdaptationSet> {
    let playlist = builder.playlist;
    let ttml = playlist.variants.iter().any(|variant| variant.codecs().iter().any(|c| c.starts_with("stpp")));
    let mut sets = Vec::new();
    for track in tracks(playlist, &Type::Subtitles) {
        let urls = builder.urls(track.iter().map(|(_, r)| (r.line, r.uri.as_deref().unwrap_or_default())));
        let (Some((number, first)), false) = (track.first(), urls.is_empty()) else { continue };
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
            // §3.5: subtitles are WebVTT or IMSC1; only the latter needs its codec declared.
            format: if ttml { ContainerFormat::Unknown } else { ContainerFormat::WebVtt },
            audio_group: None,
            index: builder.index(urls),
            availability: None,
            protection: Vec::new(),
            traits: traits(first),
        };
        sets.extend(set(MediaKind::Text, &track, vec![representation]));
    }
    distinct(sets)
}

fn traits(rendition: &Rendition) -> RepresentationTraits {
    let written = |name: &str| rendition.written(name).map(str::to_owned);
    RepresentationTraits {
        stable_id: written("STABLE-RENDITION-ID"),
        associated_language: written("ASSOC-LANGUAGE"),
        bit_depth: rendition.written("BIT-DEPTH").and_then(|bits| bits.parse().ok()),
        ..RepresentationTraits::default()
    }
}

/// True when the variants all say `CLOSED-CAPTIONS=NONE` (§4.4.6.2).
pub(super) fn no_captions(playlist: &MultivariantPlaylist) -> bool {
    !playlist.variants.is_empty() && playlist.variants.iter().all(Variant::denies_captions)
}

/// Captions inside the video, each service once (`INSTREAM-ID`, §4.4.6.1).
pub(super) fn captions(builder: &mut Builder<'_, '_>) -> Vec<CaptionTrack> {
    let playlist = builder.playlist;
    let mut tracks: Vec<CaptionTrack> = Vec::new();
    if no_captions(playlist) {
        return tracks;
    }
    for rendition in &playlist.renditions {
        if rendition.media.media_type != Type::ClosedCaptions {
            continue;
        }
        let written = rendition.written("INSTREAM-ID").unwrap_or_default();
        let Some(service) = caption_service(written) else {
            builder.warnings.push(rendition.line, format!("there are no captions named {}", clip(written)));
            continue;
        };
        if tracks.iter().any(|track| track.service == service) {
            continue;
        }
        tracks.push(CaptionTrack {
            id: TrackId(format!("captions-{written}")),
            service,
            language: rendition.media.language.clone(),
            label: rendition.written("NAME").map(str::to_owned),
            default: rendition.media.default,
            autoselect: rendition.media.autoselect || rendition.media.default,
        });
    }
    tracks
}

/// `CC1` to `CC4`, `SERVICE1` to `SERVICE63`.
fn caption_service(written: &str) -> Option<CaptionService> {
    let number = |text: &str| text.parse::<u8>().ok();
    if let Some(channel) = written.strip_prefix("CC") {
        return number(channel).filter(|channel| (1..=4).contains(channel)).map(CaptionService::Cea608);
    }
    let service = number(written.strip_prefix("SERVICE")?)?;
    (1..=63).contains(&service).then_some(CaptionService::Cea708(service))
}

/// Returns the audio inside the video's files, if a rendition without address names it and others have one: the default
/// of several (§4.4.6.2.1).
pub(super) fn muxed_audio(playlist: &MultivariantPlaylist) -> Option<MuxedAudio> {
    let audio = || playlist.renditions.iter().filter(|rendition| rendition.media.media_type == Type::Audio);
    let name = |rendition: &Rendition| (rendition.media.name.clone(), rendition.media.language.clone());
    let separate: BTreeSet<_> = audio().filter(|rendition| rendition.uri.is_some()).map(name).collect();
    let mut muxed = audio().filter(|rendition| rendition.uri.is_none() && !separate.contains(&name(rendition)));
    let first = muxed.next()?;
    let chosen = if first.media.default { first } else { muxed.find(|other| other.media.default).unwrap_or(first) };
    if separate.is_empty() {
        return None;
    }
    let (language, label) = (chosen.media.language.clone(), chosen.written("NAME").map(str::to_owned));
    Some(MuxedAudio {
        id: TrackId(format!("{}-muxed", track_id(MediaKind::Audio, language.as_deref(), label.as_deref()))),
        roles: roles(chosen.media.characteristics.as_deref().unwrap_or_default(), false),
        language,
        label,
        default: chosen.media.default,
        autoselect: chosen.media.autoselect || chosen.media.default,
    })
}

fn track_id(kind: MediaKind, language: Option<&str>, label: Option<&str>) -> String {
    let mut id = format!("{}-{}", kind.as_str(), language.unwrap_or("und"));
    if let Some(part) = label {
        id.push('-');
        id.push_str(part);
    }
    id
}

fn set(kind: MediaKind, track: &[(usize, &Rendition)], representations: Vec<Representation>) -> Option<AdaptationSet> {
    let media = &track.first()?.1.media;
    if representations.is_empty() {
        return None;
    }
    let any = |test: fn(&Rendition) -> bool| track.iter().any(|(_, rendition)| test(rendition));
    let language = media.language.clone();
    // A rendition without a name got a stand-in on its way through `m3u8-rs`.
    let label = track.first()?.1.attributes.get("NAME").filter(|name| !name.is_empty()).cloned();
    Some(AdaptationSet {
        id: TrackId(track_id(kind, language.as_deref(), label.as_deref())),
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

/// Returns the roles that `CHARACTERISTICS` names (§4.4.6.1).
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
