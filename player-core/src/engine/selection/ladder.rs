//! Representations as the ladder that a rule chooses from. Pure.

use crate::engine::ids::{KeyedPresentation, RepKey};
use crate::engine::selection::representation;
use crate::engine::selection::representations::needed_of;

/// Highest declared rate that is taken without asking the network: 192 kbit/s.
const MODEST_BPS: u64 = 192_000;

/// The representations that a rule chose from, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Ladder {
    /// Rungs as the adaptive rule sees them.
    pub rungs: Vec<abr::Rung>,
    /// The same rungs as representations.
    pub keys: Vec<RepKey>,
}

/// Returns the rung of a representation on an output, as the adaptive rule sees it.
pub(in crate::engine) fn rung(presentation: &KeyedPresentation, key: RepKey, output: abr::Hdcp) -> abr::Rung {
    let found = representation(presentation, key);
    let protection = abr::Protection { needed: found.map_or(abr::Hdcp::None, needed_of), present: output };
    let height = found.and_then(|rep| rep.height);
    abr::Rung { height, protection, ..abr::Rung::new(rate(presentation, key)) }
}

/// Returns the declared mean rate of a representation, or else its peak rate, in bits per second; at least 1.
pub(in crate::engine) fn rate(presentation: &KeyedPresentation, key: RepKey) -> u64 {
    representation(presentation, key).map_or(1, |rep| rep.average_bandwidth.unwrap_or(rep.bandwidth).max(1))
}

/// Returns the ladder of some representations on an output, as the adaptive rule sees it.
pub(in crate::engine) fn ladder(presentation: &KeyedPresentation, mut keys: Vec<RepKey>, output: abr::Hdcp) -> Ladder {
    keys.sort_by_key(|key| (rate(presentation, *key), *key));
    drop_dominated(presentation, &mut keys);
    let rungs = keys.iter().map(|key| rung(presentation, *key, output)).collect();
    Ladder { rungs, keys }
}

/// Drops representations that cost more than another and score no higher. Only if the author has scored all of them.
fn drop_dominated(presentation: &KeyedPresentation, ascending: &mut Vec<RepKey>) {
    let score = |key: &RepKey| representation(presentation, *key).and_then(|rep| rep.traits.score);
    if !ascending.iter().all(|key| score(key).is_some()) {
        return;
    }
    let mut best = f64::NEG_INFINITY;
    ascending.retain(|key| {
        let higher = score(key).is_some_and(|score| score > best);
        best = score(key).unwrap_or(best).max(best);
        higher
    });
}

/// The tallest picture worth fetching: the least of all limits; a viewport is rounded up to the rung that fills it.
pub(in crate::engine) fn max_height(
    rungs: &[abr::Rung],
    limits: &[Option<u32>],
    viewport: Option<(u32, u32)>,
) -> Option<u32> {
    let filling = viewport
        .and_then(|(_, height)| rungs.iter().filter_map(|rung| rung.height).filter(|known| *known >= height).min());
    limits.iter().copied().flatten().chain(filling).min()
}

/// Returns the rung of a track that no rule adapts: the last one if possible, otherwise the best of a modest rate.
pub(in crate::engine) fn steady_rung(ladder: &Ladder, last: Option<RepKey>) -> usize {
    let same = last.and_then(|last| ladder.keys.iter().position(|key| *key == last));
    same.or_else(|| ladder.rungs.iter().rposition(|rung| rung.bitrate_bps <= MODEST_BPS)).unwrap_or(0)
}
