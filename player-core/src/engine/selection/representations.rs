//! Representations of an adaptation set that may be requested. Pure functions of the presentation and of what bounds
//! the choice.

use crate::command::QualityChoice;
use crate::engine::ids::{KeyedPresentation, RepKey, SetKey};
use crate::engine::licence::Keys;
use crate::engine::selection::Exclusions;
use crate::model::Representation;
use crate::time::Now;

/// Limits of the choice of a representation.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Bounds<'a> {
    /// Time of the input.
    pub now: Now,
    /// Representations that are excluded.
    pub exclusions: &'a Exclusions,
    /// Quality that the viewer chose.
    pub quality: &'a QualityChoice,
    /// Renditions of this group only, when it has any.
    pub audio_group: Option<&'a str>,
    /// Keys, which decide on what can be decrypted.
    pub keys: &'a Keys,
    /// Copy protection of the output.
    pub output: abr::Hdcp,
}

/// Returns the representations of a set that may be requested, ascending.
///
/// Final are keys that cannot be had, the protection of the output, exclusions for ever, and that audio alone stands in
/// for no video: playback could not go on with such a representation. The bounds after them give way one by one if they
/// would leave nothing, because something is better than nothing: exclusions for a time, then the group of the audio
/// that plays (RFC 8216bis §4.4.6.2.1). The quality that the viewer chose comes last and wins among what is left; if it
/// were asked first, a chosen quality that is excluded would end playback that another could carry on.
pub(in crate::engine) fn permitted(presentation: &KeyedPresentation, set: SetKey, bounds: Bounds<'_>) -> Vec<RepKey> {
    let all = playable(presentation, set, bounds);
    let fresh: Vec<RepKey> = all.iter().copied().filter(|key| !bounds.exclusions.holds(*key, bounds.now)).collect();
    let left = if fresh.is_empty() { all } else { fresh };
    let grouped: Vec<RepKey> = left
        .iter()
        .copied()
        .filter(|key| {
            let group = representation(presentation, *key).and_then(|rep| rep.audio_group.as_deref());
            bounds.audio_group.zip(group).is_none_or(|(wanted, group)| wanted == group)
        })
        .collect();
    let left = if grouped.is_empty() { left } else { grouped };
    let pinned = match bounds.quality {
        QualityChoice::Representation(id) => {
            left.iter().copied().find(|key| representation(presentation, *key).is_some_and(|rep| rep.id == *id))
        }
        QualityChoice::Auto | QualityChoice::MaxHeight(_) => None,
    };
    pinned.map_or(left, |key| vec![key])
}

/// Returns the representations of a set that the final bounds leave, ascending; see [`permitted`].
pub(in crate::engine) fn playable(presentation: &KeyedPresentation, set: SetKey, bounds: Bounds<'_>) -> Vec<RepKey> {
    let Some(reps) = reps_of(presentation, set) else { return Vec::new() };
    let some_video = reps.iter().any(|rep| rep.width.is_some() || rep.content.is_some_and(|content| content.video));
    let usable = |rep: &Representation| {
        let only_sound = rep.content.is_some_and(|content| !content.video && !content.text);
        !(some_video && only_sound) && bounds.keys.may_unlock(rep) && may_show(rep, bounds.output)
    };
    let found = presentation.reps_of(set).filter(|(key, rep)| usable(rep) && !bounds.exclusions.is_final(*key));
    found.map(|(key, _)| key).collect()
}

/// The representations of a set.
pub(in crate::engine) fn reps_of(presentation: &KeyedPresentation, set: SetKey) -> Option<&[Representation]> {
    presentation.set(set).map(|set| set.representations.as_slice())
}

/// A representation by name.
pub(in crate::engine) fn representation(presentation: &KeyedPresentation, key: RepKey) -> Option<&Representation> {
    presentation.representation(key)
}

/// Returns true if an output has the copy protection that a representation demands (RFC 8216bis §4.4.6.2,
/// `HDCP-LEVEL`).
pub(in crate::engine) fn may_show(rep: &Representation, output: abr::Hdcp) -> bool {
    needed_of(rep) <= output
}

/// A level that is not known may ask for anything.
pub(super) fn needed_of(rep: &Representation) -> abr::Hdcp {
    let level = rep.traits.hdcp_level.as_deref();
    level.map_or(abr::Hdcp::None, |level| abr::Hdcp::parse(level).unwrap_or(abr::Hdcp::Type1))
}
