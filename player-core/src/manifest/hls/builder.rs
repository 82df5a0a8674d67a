//! State that the makers of adaptation sets share: the playlist, its `AUDIO` groups and pathways, and the addresses that
//! they all resolve in the same way.

use std::collections::BTreeMap;
use std::sync::Arc;

use m3u8_rs::AlternativeMediaType as Type;
use url::Url;

use super::keys;
use super::lexer::Variables;
use super::multivariant::MultivariantPlaylist;
use super::pathways::{MAX_ALTERNATIVES, Pathways};
use crate::manifest::codecs;
use crate::manifest::document::Warnings;
use crate::model::{IndexSource, MediaKind, Protection, Resource, SegmentIndex};

/// A multivariant playlist on its way to the sets of a presentation.
pub(super) struct Builder<'a, 'w> {
    pub(super) playlist: &'a MultivariantPlaylist,
    pub(super) base: &'a Url,
    variables: Vec<(String, String)>,
    pub(super) protection: Vec<Arc<Protection>>,
    pub(super) groups: BTreeMap<&'a str, AudioGroup>,
    pub(super) pathways: Pathways<'a>,
    pub(super) warnings: &'w mut Warnings,
}

/// Properties of an `AUDIO` group.
#[derive(Default)]
pub(super) struct AudioGroup {
    /// Some rendition of it lies in the variant's own media.
    pub(super) muxed: bool,
    /// Codecs, channels are the variants'; the least bandwidth of a variant that names the group.
    pub(super) codecs: Vec<String>,
    pub(super) bandwidth: u64,
}

impl<'a, 'w> Builder<'a, 'w> {
    /// Collects the keys, groups and pathways of a playlist that was read from `base`.
    pub(super) fn new(
        playlist: &'a MultivariantPlaylist,
        base: &'a Url,
        variables: Variables,
        warnings: &'w mut Warnings,
    ) -> Self {
        Self {
            playlist,
            base,
            variables: variables.into_iter().collect(),
            protection: keys::announced(playlist.session_keys.iter(), base, warnings),
            groups: audio_groups(playlist),
            pathways: Pathways::new(playlist, base),
            warnings,
        }
    }

    /// The addresses that can be used, each once.
    pub(super) fn urls<'u>(&mut self, uris: impl Iterator<Item = (u32, &'u str)>) -> Vec<Url> {
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

    pub(super) fn index(&self, urls: Vec<Url>) -> SegmentIndex {
        let source = IndexSource::playlist(Resource { urls, range: None });
        SegmentIndex::External(IndexSource { variables: self.variables.clone(), ..source })
    }
}

fn audio_groups(playlist: &MultivariantPlaylist) -> BTreeMap<&str, AudioGroup> {
    let mut groups: BTreeMap<&str, AudioGroup> = BTreeMap::new();
    for rendition in playlist.renditions.iter().filter(|rendition| rendition.media.media_type == Type::Audio) {
        groups.entry(&rendition.media.group_id).or_default().muxed |= rendition.uri.is_none();
    }
    for variant in &playlist.variants {
        let Some(group) = variant.stream.audio.as_deref().and_then(|name| groups.get_mut(name)) else { continue };
        let audio = variant.codecs().into_iter().filter(|codec| codecs::kind_of(codec) == Some(MediaKind::Audio));
        if group.codecs.is_empty() {
            group.codecs = audio.collect();
        }
        group.bandwidth =
            if group.bandwidth == 0 { variant.stream.bandwidth } else { group.bandwidth.min(variant.stream.bandwidth) };
    }
    groups
}
