//! Times of a segment that may be presented. Pure.

use crate::engine::ids::{KeyedPresentation, PeriodKey, RepKey};
use crate::model::{MediaKind, SegmentRef, TimestampMapping};
use crate::render::Window;
use crate::time::MediaTime;

/// Returns the part of a segment that may be presented: inside of its period; after a discontinuity not before that,
/// and audio before one not past it. Video may go on past its last declared time, because it is shown as long as
/// nothing takes its place.
pub(in crate::engine) fn window(presentation: &KeyedPresentation, rep: RepKey, segment: &SegmentRef) -> Window {
    let mut window = Window::ALL;
    if rep.period != PeriodKey::FIRST
        && let Some(period) = presentation.period(rep.period)
    {
        window.from = period.start;
    }
    if let Some(end) = period_end(presentation, rep.period, segment.mapping) {
        window.until = end;
    }
    let list = presentation.known_list(rep);
    let position = list.and_then(|list| list.position(segment.id));
    let neighbour = |position: Option<u64>| list?.get(position?);
    let elsewhere = |neighbour: &SegmentRef| neighbour.mapping != segment.mapping;
    if neighbour(position.and_then(|at| at.checked_sub(1))).is_some_and(|before| elsewhere(&before)) {
        window.from = window.from.max(segment.start);
    }
    if presentation.set(rep.set).is_some_and(|set| set.kind == MediaKind::Audio)
        && let Some(next) = neighbour(position.and_then(|at| at.checked_add(1))).filter(elsewhere)
    {
        window.until = window.until.min(next.start);
    }
    window
}

/// Returns the end of a period as the manifest declares it: where the next one begins, or where the period or the whole
/// presentation ends (ISO/IEC 23009-1 §5.3.2). `None` if only the media knows: where the place of media is learned from
/// its first sample, announced lengths are sums of rounded durations and end nothing.
fn period_end(presentation: &KeyedPresentation, period: PeriodKey, mapping: TimestampMapping) -> Option<MediaTime> {
    let number = presentation.period_position(period)?;
    if let Some(next) = presentation.periods.get(number + 1) {
        return Some(next.start);
    }
    if matches!(mapping, TimestampMapping::Discontinuity(_)) {
        return None;
    }
    let own = presentation.periods.get(number).and_then(|period| Some(period.start + period.duration?));
    let whole = presentation.duration.map(|duration| MediaTime::ZERO + duration);
    own.into_iter().chain(whole).min()
}
