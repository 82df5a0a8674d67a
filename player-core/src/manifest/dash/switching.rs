//! Sets that belong to one ladder though they are written as several (ISO/IEC 23009-1 §5.3.3.5).

use super::descriptors;
use super::playable_set::PlayableSet;
use crate::manifest::document::Warnings;
use crate::model::Representation;

/// Merges sets that name each other as switchable into the first of them, when a decoder can go from one to the other
/// without a break: same kind, language, container, codec family and protection. Others stay separate sets.
pub(super) fn merge(found: &mut Vec<PlayableSet<'_>>, warnings: &mut Warnings) {
    let mut at = 0;
    while at < found.len() {
        let mut next = at + 1;
        while next < found.len() {
            let (Some(first), Some(other)) = (found.get(at), found.get(next)) else { return };
            if !names(first, other) && !names(other, first) {
                next += 1;
            } else if is_compatible(first, other) {
                let moved = found.remove(next);
                if let Some(first) = found.get_mut(at) {
                    first.representations.extend(moved.representations);
                }
            } else {
                let line = other.set.element.line;
                warnings.push(line, "sets that are said to be switchable differ too much: they stay apart");
                next += 1;
            }
        }
        at += 1;
    }
}

fn names(one: &PlayableSet<'_>, other: &PlayableSet<'_>) -> bool {
    let id = other.set.element.attr("id");
    id.is_some() && descriptors::switchable_with(one.set.element).any(|named| Some(named) == id)
}

fn is_compatible(one: &PlayableSet<'_>, other: &PlayableSet<'_>) -> bool {
    let lang = |found: &PlayableSet<'_>| found.set.element.attr("lang").map(str::to_owned);
    let (Some(a), Some(b)) = (one.representations.first(), other.representations.first()) else { return false };
    one.kind == other.kind
        && lang(one) == lang(other)
        && a.format == b.format
        && family(a) == family(b)
        && a.protection.is_empty() == b.protection.is_empty()
}

/// The sample entries of the codecs, without their parameters.
fn family(representation: &Representation) -> Vec<String> {
    let family = |codec: &String| codec.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let mut families: Vec<String> = representation.codecs.iter().map(family).collect();
    families.sort();
    families
}
