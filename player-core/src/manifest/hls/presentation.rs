//! A multivariant playlist as a presentation: one period, the sets of its variants and renditions, and the other data
//! of the session. Reading of playlists is not known here.

use std::collections::BTreeMap;
use std::sync::Arc;

use m3u8_rs::AlternativeMediaType as Type;
use url::Url;

use super::keys;
use super::lexer::Variables;
use super::multivariant::MultivariantPlaylist;
use super::pathways::{MAX_ALTERNATIVES, Pathways};
use super::variants::codecs_of;
use super::{renditions, variants};
use crate::manifest::document::Warnings;
use crate::manifest::{ManifestError, codecs};
use crate::model::{
    ContentSteering, IndexFormat, IndexSource, MediaKind, Period, Presentation, PresentationKind, Protection, Protocol,
    Resource, SegmentIndex, SessionData, TimestampMapping,
};
use crate::time::MediaTime;

/// State that the makers of sets share.
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

/// One HLS presentation is one period, its segment indexes still to be fetched.
pub(super) fn presentation(
    playlist: &MultivariantPlaylist,
    base: &Url,
    variables: Variables,
    warnings: &mut Warnings,
) -> Result<Presentation, ManifestError> {
    if variants::only_for_other_screens(&playlist.variants) {
        return Err(ManifestError::Unsupported { feature: "video for headsets and 3D screens".to_owned() });
    }
    let mut builder = Builder {
        playlist,
        base,
        variables: variables.into_iter().collect(),
        protection: keys::announced(playlist.session_keys.iter(), base, warnings),
        groups: audio_groups(playlist),
        pathways: Pathways::new(playlist, base),
        warnings,
    };
    let mut sets = variants::sets(&mut builder);
    let audio_only = sets.iter().all(|set| set.kind == MediaKind::Audio);
    let audio = renditions::audio(&mut builder, audio_only);
    if audio_only && !audio.is_empty() && !builder.groups.values().any(|group| group.muxed) {
        // The variants' own addresses are those of renditions: a set more would be the same sound twice.
        sets.clear();
    }
    sets.extend(audio);
    sets.extend(renditions::subtitles(&mut builder));
    if !sets.iter().any(|set| set.kind != MediaKind::Text) {
        return Err(ManifestError::Empty { message: "the playlist has no variant with an address".to_owned() });
    }
    let mut period = Period::new("0".to_owned(), MediaTime::ZERO, None, sets);
    period.trick_sets = variants::trick_sets(&mut builder);
    period.no_captions = renditions::no_captions(playlist);
    period.captions = renditions::captions(&mut builder);
    period.muxed_audio = renditions::muxed_audio(playlist);
    let (session_data, steering) = (session_data(&mut builder), steering(&mut builder));
    Ok(Presentation {
        protocol: Protocol::Hls,
        kind: PresentationKind::OnDemand,
        duration: None,
        start: playlist.start.map(|start| MediaTime::from_nanos(start.offset_nanos)),
        periods: vec![period],
        epoch: None,
        available_from: None,
        metadata: Vec::new(),
        session_data,
        steering,
        pathways: builder.pathways.list,
        weights: Vec::new(),
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

fn session_data(builder: &mut Builder<'_, '_>) -> Vec<SessionData> {
    let mut list = Vec::new();
    for data in &builder.playlist.session_data {
        let resource = data.uri.as_deref().and_then(|uri| match builder.base.join(uri) {
            Ok(url) => Some(Resource::new(url)),
            Err(_) => {
                builder.warnings.push(None, "the address of an EXT-X-SESSION-DATA cannot be used");
                None
            }
        });
        list.push(SessionData {
            data_id: data.data_id.clone(),
            value: data.value.clone(),
            resource,
            format: data.format.clone(),
            language: data.language.clone(),
        });
    }
    list
}

fn steering(builder: &mut Builder<'_, '_>) -> Option<ContentSteering> {
    let steering = builder.playlist.steering.as_ref()?;
    match builder.base.join(&steering.server_uri) {
        Ok(url) => Some(ContentSteering { server: Resource::new(url), pathway: steering.pathway_id.clone() }),
        Err(_) => {
            builder.warnings.push(None, "the address of EXT-X-CONTENT-STEERING cannot be used");
            None
        }
    }
}

impl Builder<'_, '_> {
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
        SegmentIndex::External(IndexSource {
            resource: Resource { urls, range: None },
            format: IndexFormat::HlsMediaPlaylist,
            init: None,
            mapping: TimestampMapping::Discontinuity(0),
            period_start: MediaTime::ZERO,
            period_duration: None,
            media: Vec::new(),
            variables: self.variables.clone(),
        })
    }
}
