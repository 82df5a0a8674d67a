//! Segments ahead of a stream, as the adaptive rule sees them. Pure.

use std::time::Duration;

use crate::engine::download::NextSegment;
use crate::engine::download::schedule::position;
use crate::engine::ids::{KeyedPresentation, RepKey};
use crate::model::SegmentList;
use crate::time::MediaTime;

/// Segments that are left from a place on, this one included.
pub(in crate::engine) fn segments_left(
    presentation: &KeyedPresentation,
    place: NextSegment,
    rep: RepKey,
) -> Option<u32> {
    let list = presentation.known_list(rep)?;
    let left = position(list, place, rep).map_or(0, |position| list.len() - position);
    u32::try_from(left).ok()
}

/// Returns the start of the segment at a place; `None` if none is known there.
pub(in crate::engine) fn segment_start(
    presentation: &KeyedPresentation,
    place: NextSegment,
    rep: RepKey,
) -> Option<MediaTime> {
    let list = presentation.known_list(rep)?;
    list.span(position(list, place, rep)?).map(|(start, _)| start)
}

/// Length of the segment at a place, or of the last one.
pub(in crate::engine) fn segment_duration(
    presentation: &KeyedPresentation,
    place: NextSegment,
    rep: RepKey,
) -> Option<Duration> {
    let list = presentation.known_list(rep)?;
    let position = position(list, place, rep).or_else(|| list.len().checked_sub(1))?;
    list.span(position).map(|(_, duration)| duration)
}

/// Returns the declared sizes of the segments from a place on, at most `most` of them: those of the first one for each
/// representation, then those of the one after it. `None` if not even the first is declared.
pub(in crate::engine) fn sizes_ahead(
    presentation: &KeyedPresentation,
    place: NextSegment,
    reps: &[RepKey],
    most: usize,
) -> Option<Vec<u64>> {
    let lists: Option<Vec<(&SegmentList, u64)>> = reps
        .iter()
        .map(|rep| {
            let list = presentation.known_list(*rep)?;
            Some((list, position(list, place, *rep)?))
        })
        .collect();
    let lists = lists.filter(|lists| !lists.is_empty())?;
    let row = |after: u64| -> Option<Vec<u64>> {
        lists.iter().map(|(list, first)| list.size(first.checked_add(after)?)).collect()
    };
    let sizes: Vec<u64> = (0..most as u64).map_while(row).flatten().collect();
    (!sizes.is_empty()).then_some(sizes)
}
