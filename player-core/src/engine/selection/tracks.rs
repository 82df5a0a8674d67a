//! Preferences of the viewer, and the adaptation set of a kind that fits them best. Pure functions of a period and the
//! preferences.

use crate::command::{QualityChoice, TrackChoice};
use crate::model::{AdaptationSet, ContainerFormat, MediaKind, MuxedAudio, Period, Role, TrackId};

/// Tracks and quality that the viewer prefers.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::engine) struct TrackPreferences {
    /// Languages of the sound, most wanted first.
    pub audio_languages: Vec<String>,
    /// Languages of the subtitles, most wanted first.
    pub text_languages: Vec<String>,
    /// Choice of the audio track.
    pub audio: TrackChoice,
    /// Choice of the subtitles or captions.
    pub text: TrackChoice,
    /// Choice of the quality of video.
    pub quality: QualityChoice,
}

/// Returns the position of the set of a kind to present in a period, by choice, language, default and role. `None` if
/// nothing is to be presented, or if the audio lies in the files of the video. Sets for which `gone` holds are passed
/// over.
///
/// A chosen audio track that the period lacks is replaced by the best other one, because a period in another language
/// is better than silence; chosen subtitles are not replaced, because wrong ones are worse than none. Without a choice,
/// subtitles in a wanted language are shown, and otherwise only forced ones in the language of the audio (RFC 8216bis
/// §4.4.6.1, `FORCED`): they translate what the audio leaves foreign. Audio inside the video's files wins against a
/// separate set that is no better, because it costs no request.
pub(in crate::engine) fn set_of(
    period: &Period,
    kind: MediaKind,
    preferences: &TrackPreferences,
    gone: impl Fn(usize) -> bool,
) -> Option<usize> {
    let sets = || {
        let usable = |(index, set): &(usize, &AdaptationSet)| {
            set.kind == kind && !set.representations.is_empty() && !is_picture_strip(set) && !gone(*index)
        };
        period.adaptation_sets.iter().enumerate().filter(usable)
    };
    let (choice, languages) = match kind {
        MediaKind::Video => (&TrackChoice::Auto, [].as_slice()),
        MediaKind::Audio => (&preferences.audio, preferences.audio_languages.as_slice()),
        MediaKind::Text => (&preferences.text, preferences.text_languages.as_slice()),
    };
    let muxed = period.muxed_audio.as_ref().filter(|_| kind == MediaKind::Audio);
    match choice {
        TrackChoice::Off => None,
        // Sound inside the pictures' files needs no set.
        TrackChoice::Track(id) if muxed.is_some_and(|muxed| muxed.id == *id) => None,
        TrackChoice::Track(id) => {
            let exact = sets().find(|(_, set)| set.id == *id).map(|(index, _)| index);
            exact.or_else(|| (kind == MediaKind::Audio).then(|| best(sets(), languages)).flatten())
        }
        TrackChoice::Auto if kind == MediaKind::Text => {
            let audio = period.adaptation_sets.iter().filter(|set| set.kind == MediaKind::Audio);
            let spoken = best(audio.enumerate(), &preferences.audio_languages)
                .and_then(|at| period.adaptation_sets.iter().filter(|set| set.kind == MediaKind::Audio).nth(at))
                .and_then(|set| set.language.as_deref());
            let wanted =
                sets().filter(|(_, set)| !set.forced && language_rank(set.language.as_deref(), languages).is_some());
            best(wanted, languages).or_else(|| {
                let forced = sets().find(|(_, set)| {
                    set.forced && spoken.is_some_and(|spoken| speaks(set.language.as_deref(), spoken))
                });
                forced.map(|(index, _)| index)
            })
        }
        TrackChoice::Auto => {
            let found = best(sets(), languages)?;
            let separate = period.adaptation_sets.get(found)?;
            let inside = muxed.is_some_and(|muxed| muxed_key(muxed, languages) <= key(separate, languages));
            (!inside).then_some(found)
        }
    }
}

/// Less is better: wanted language, then plain content, then the author's default.
fn key(set: &AdaptationSet, languages: &[String]) -> (usize, bool, bool, bool) {
    let language = language_rank(set.language.as_deref(), languages).unwrap_or(languages.len());
    (language, is_special(&set.roles), !set.default, !set.autoselect)
}

fn muxed_key(muxed: &MuxedAudio, languages: &[String]) -> (usize, bool, bool, bool) {
    let language = language_rank(muxed.language.as_deref(), languages).unwrap_or(languages.len());
    (language, is_special(&muxed.roles), !muxed.default, !muxed.autoselect)
}

/// The best of some sets: wanted language, then plain content, then the author's default, then order.
fn best<'a>(sets: impl Iterator<Item = (usize, &'a AdaptationSet)>, languages: &[String]) -> Option<usize> {
    sets.min_by_key(|(index, set)| (key(set, languages), *index)).map(|(index, _)| index)
}

/// Position of a language among the wanted ones.
fn language_rank(language: Option<&str>, languages: &[String]) -> Option<usize> {
    languages.iter().position(|wanted| speaks(language, wanted))
}

/// True when the primary language is the same (RFC 4647 §3.3.1: the more specific tag matches the range).
fn speaks(language: Option<&str>, wanted: &str) -> bool {
    language.is_some_and(|language| same_language(language, wanted))
}

/// True when two tags have the same primary language.
pub(in crate::engine) fn same_language(language: &str, wanted: &str) -> bool {
    let primary = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    primary(language) == primary(wanted)
}

/// Meant for some viewers only.
fn is_special(roles: &[Role]) -> bool {
    roles.iter().any(|role| matches!(role, Role::Description | Role::Commentary | Role::Alternate))
}

/// Thumbnails, not pictures that move.
fn is_picture_strip(set: &AdaptationSet) -> bool {
    set.representations.iter().all(|rep| rep.format == ContainerFormat::Image)
}

/// The set of a later period that is the same track to the viewer, when there is one.
pub(in crate::engine) fn same_track(period: &Period, track: &TrackId) -> Option<usize> {
    period.adaptation_sets.iter().position(|set| set.id == *track)
}
