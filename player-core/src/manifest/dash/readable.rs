//! Leaves out representations that this player cannot read, as long as another of their kind remains.

use super::playable_set::PlayableSet;
use crate::manifest::codecs;
use crate::manifest::document::Warnings;
use crate::model::{ContainerFormat, MediaKind, Representation};

/// Leaves out unreadable representations, kind by kind, with a warning for each set. Where nothing else remains they
/// stay: the error that follows names the missing feature.
pub(super) fn prefer(found: &mut Vec<PlayableSet<'_>>, warnings: &mut Warnings) {
    for kind in [MediaKind::Video, MediaKind::Audio, MediaKind::Text] {
        let of_kind = || found.iter().filter(|found| found.kind == kind).flat_map(|found| &found.representations);
        if !of_kind().any(|representation| obstacle(representation).is_none()) {
            continue;
        }
        for found in found.iter_mut().filter(|found| found.kind == kind) {
            let mut reason = None;
            found.representations.retain(|representation| match obstacle(representation) {
                Some(obstacle) => {
                    reason.get_or_insert(obstacle);
                    false
                }
                None => true,
            });
            if let Some(reason) = reason {
                let what = if found.representations.is_empty() { "AdaptationSet" } else { "Representation" };
                warnings.push(found.set.element.line, format!("{what} skipped: {reason} is not supported"));
            }
        }
    }
    found.retain(|found| !found.representations.is_empty());
}

/// Returns the reason why a representation cannot be read, if there is one.
fn obstacle(representation: &Representation) -> Option<String> {
    if representation.format == ContainerFormat::WebM {
        return Some("WebM".to_owned());
    }
    let unreadable = representation.codecs.iter().find(|codec| codecs::is_unreadable(codec));
    unreadable.map(|codec| format!("the codec {}", crate::manifest::document::clip(codec)))
}
