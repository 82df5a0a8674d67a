//! A multivariant playlist as a presentation: one period, the sets of its variants and renditions, and the other data
//! of the session. Reading of playlists is not known here.

use url::Url;

use super::builder::Builder;
use super::lexer::Variables;
use super::multivariant::MultivariantPlaylist;
use super::{renditions, variants};
use crate::manifest::ManifestError;
use crate::manifest::document::Warnings;
use crate::model::{
    ContentSteering, MediaKind, Period, Presentation, PresentationKind, Protocol, Resource, SessionData,
};
use crate::time::MediaTime;

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
    let mut builder = Builder::new(playlist, base, variables, warnings);
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
        live: None,
    })
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
