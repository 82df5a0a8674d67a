//! Lists of tracks and qualities that the viewer chooses from. Pure functions of the presentation.

use crate::engine::ids::{KeyedPresentation, RepKey, SetKey};
use crate::model::{CaptionTrack, MediaKind, MuxedAudio, Representation, Role, TrackId};
use crate::snapshot::{Quality, Track};

/// Returns the audio in the files of the video, of all periods.
pub(in crate::engine) fn muxed_audio(presentation: &KeyedPresentation) -> impl Iterator<Item = &MuxedAudio> {
    presentation.periods.iter().filter_map(|period| period.muxed_audio.as_ref())
}

/// Returns the tracks to choose from.
///
/// A track is listed once, in however many periods it appears. Video is listed by quality. Audio in the files of
/// the video (RFC 8216bis §4.4.6.2.1) and captions inside the video (§4.4.6.1, `INSTREAM-ID`) are tracks like
/// others, although no set holds them. `caption` is the one that is chosen.
pub(in crate::engine) fn tracks(
    presentation: &KeyedPresentation,
    captions: Vec<CaptionTrack>,
    caption: Option<&TrackId>,
    is_selected: impl Fn(MediaKind, &TrackId) -> bool,
) -> Vec<Track> {
    let mut tracks: Vec<Track> = Vec::new();
    for set in presentation.periods.iter().flat_map(|period| &period.adaptation_sets) {
        if set.kind == MediaKind::Video || tracks.iter().any(|track| track.id == set.id) {
            continue;
        }
        tracks.push(Track {
            id: set.id.clone(),
            kind: set.kind,
            language: set.language.clone(),
            label: set.label.clone(),
            roles: set.roles.clone(),
            forced: set.forced,
            selected: is_selected(set.kind, &set.id),
        });
    }
    for muxed in muxed_audio(presentation) {
        if tracks.iter().all(|track| track.id != muxed.id) {
            tracks.push(Track {
                id: muxed.id.clone(),
                kind: MediaKind::Audio,
                language: muxed.language.clone(),
                label: muxed.label.clone(),
                roles: muxed.roles.clone(),
                forced: false,
                selected: is_selected(MediaKind::Audio, &muxed.id),
            });
        }
    }
    tracks.extend(captions.into_iter().map(|track| Track {
        selected: caption == Some(&track.id),
        id: track.id,
        kind: MediaKind::Text,
        language: track.language,
        label: track.label,
        roles: vec![Role::Caption],
        forced: false,
    }));
    tracks
}

/// Returns the qualities of a set of video, ascending by rate. `shown` is the representation on screen.
pub(super) fn qualities(
    presentation: &KeyedPresentation,
    set: SetKey,
    shown: Option<RepKey>,
    is_available: impl Fn(RepKey, &Representation) -> bool,
) -> Vec<Quality> {
    let mut qualities: Vec<Quality> = presentation
        .reps_of(set)
        .map(|(key, found)| Quality {
            id: found.id.clone(),
            bitrate: found.average_bandwidth.unwrap_or(found.bandwidth),
            width: found.width,
            height: found.height,
            codec: found.codecs.first().cloned(),
            shown: shown == Some(key),
            available: is_available(key, found),
        })
        .collect();
    qualities.sort_by_key(|quality| quality.bitrate);
    qualities
}
