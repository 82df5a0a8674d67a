//! Redundant streams (RFC 8216bis §6.2.4, §7.1): which variants are the same from elsewhere, and which addresses
//! belong to which pathway. What a variant becomes is not known here.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use super::multivariant::{MultivariantPlaylist, Variant};
use crate::model::Pathway;

/// Redundant addresses beyond this are dropped.
pub(super) const MAX_ALTERNATIVES: usize = 16;
/// Maximum number of whole addresses by which pathways that share all folders are distinguished.
const MAX_ADDRESSES: usize = 256;
/// Attributes of a variant's location, which do not distinguish variants.
const PLACE: [&str; 2] = ["URI", "PATHWAY-ID"];
/// Attributes that name groups; each pathway may have its own.
const GROUPS: [&str; 4] = ["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"];

/// Attributes with their values, in the order of their names.
type Attributes<'a> = Vec<(&'a str, &'a str)>;

/// Variants grouped by equal attributes, in order of appearance, the first of each best.
pub(super) fn streams<'a>(variants: impl Iterator<Item = &'a Variant>) -> Vec<Vec<&'a Variant>> {
    let mut streams: Vec<Vec<&Variant>> = Vec::new();
    // By what they are, and the how manieth of these in their pathway.
    let mut places: BTreeMap<(usize, Attributes<'a>), usize> = BTreeMap::new();
    let mut seen: BTreeMap<(&str, Attributes<'a>), usize> = BTreeMap::new();
    for variant in variants {
        let pathway = variant.written("PATHWAY-ID");
        let what: Attributes<'a> = variant
            .attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| !PLACE.contains(name) && (pathway.is_none() || !GROUPS.contains(name)))
            .collect();
        // Two equal variants of one named pathway differ in their groups; without names they are redundant.
        let ordinal = pathway.map_or(0, |pathway| {
            let count = seen.entry((pathway, what.clone())).or_default();
            *count += 1;
            *count
        });
        let place = *places.entry((ordinal, what)).or_insert(streams.len());
        match streams.get_mut(place) {
            Some(same) if variant.bandwidth.is_some() => same.push(variant),
            _ => streams.push(vec![variant]),
        }
    }
    streams
}

/// The pathway of the variant at `place` of its stream: one without name is the pathway `.` (§4.4.6.2), and those
/// that repeat it are numbered.
fn name(variant: &Variant, place: usize) -> String {
    match (variant.written("PATHWAY-ID"), place) {
        (Some(id), _) => id.to_owned(),
        (None, 0) => ".".to_owned(),
        (None, place) => format!(".{place}"),
    }
}

/// The pathways of a playlist, and the groups that stand for each other in them.
pub(super) struct Pathways<'a> {
    pub(super) list: Vec<Pathway>,
    /// By the group of a redundant variant: that of the first variant of its stream.
    canonical: BTreeMap<&'a str, &'a str>,
}

impl<'a> Pathways<'a> {
    pub(super) fn new(playlist: &'a MultivariantPlaylist, base: &Url) -> Self {
        let streams = streams(playlist.variants.iter());
        let iframes = self::streams(playlist.iframe_variants.iter());
        let mut canonical = BTreeMap::new();
        for same in &streams {
            let mut groups = same.iter().filter_map(|variant| variant.stream.audio.as_deref());
            if let Some(first) = groups.next() {
                for other in groups.filter(|group| *group != first) {
                    canonical.entry(other).or_insert(first);
                }
            }
        }
        let places = || streams.iter().chain(&iframes).flat_map(|same| same.iter().enumerate());
        let mut order: Vec<String> = Vec::new();
        for (place, variant) in places() {
            let name = name(variant, place);
            if order.len() < MAX_ALTERNATIVES && !order.contains(&name) {
                order.push(name);
            }
        }
        if order.len() < 2 && playlist.steering.is_none() {
            return Self { list: Vec::new(), canonical };
        }
        let mut addresses: BTreeMap<String, BTreeSet<Url>> = BTreeMap::new();
        let mut users: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (place, variant) in places() {
            let name = name(variant, place);
            for group in GROUPS.iter().filter_map(|group| variant.written(group)) {
                users.entry(group).or_default().insert(name.clone());
            }
            addresses.entry(name).or_default().extend(base.join(&variant.uri).ok());
        }
        // Renditions of a group that one pathway alone uses belong to it.
        for rendition in &playlist.renditions {
            let owners = users.get(rendition.media.group_id.as_str());
            if let (Some(owner), Some(1)) = (owners.and_then(BTreeSet::first), owners.map(BTreeSet::len)) {
                let url = rendition.uri.as_deref().and_then(|uri| base.join(uri).ok());
                addresses.entry(owner.clone()).or_default().extend(url);
            }
        }
        Self { list: with_prefixes(order, &addresses), canonical }
    }

    /// The group that a group stands for.
    pub(super) fn group<'g>(&self, group: &'g str) -> &'g str
    where
        'a: 'g,
    {
        self.canonical.get(group).copied().unwrap_or(group)
    }
}

fn with_prefixes(order: Vec<String>, addresses: &BTreeMap<String, BTreeSet<Url>>) -> Vec<Pathway> {
    let of = |id: &String| addresses.get(id).cloned().unwrap_or_default();
    let mut list: Vec<Pathway> = order.into_iter().map(|id| Pathway { prefixes: folders(&of(&id)), id }).collect();
    let shared = |at: usize, list: &[Pathway]| {
        let others = list.iter().enumerate().filter(|(other, _)| *other != at);
        let mut prefixes = others.flat_map(|(_, pathway)| &pathway.prefixes);
        prefixes.any(|prefix| list.get(at).is_some_and(|pathway| pathway.prefixes.contains(prefix)))
    };
    let ambiguous: Vec<usize> = (0..list.len()).filter(|at| shared(*at, &list)).collect();
    for at in ambiguous {
        if let Some(pathway) = list.get_mut(at) {
            pathway.prefixes = of(&pathway.id).into_iter().take(MAX_ADDRESSES).collect();
        }
    }
    list
}

/// For each origin the longest folder that holds all addresses there.
fn folders(urls: &BTreeSet<Url>) -> Vec<Url> {
    let mut folders: BTreeMap<String, Url> = BTreeMap::new();
    for url in urls {
        let folder = url.join(".").unwrap_or_else(|_| url.clone());
        let known = folders.entry(url.origin().ascii_serialization()).or_insert_with(|| folder.clone());
        while !folder.as_str().starts_with(known.as_str()) && known.path() != "/" {
            match known.join("..") {
                Ok(up) if up != *known => *known = up,
                _ => break,
            }
        }
    }
    folders.into_values().take(MAX_ALTERNATIVES).collect()
}
