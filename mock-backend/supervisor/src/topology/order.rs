//! An order of starting: each process after those that it depends on.

/// Returns the places of all processes in order, those of the file where nothing else decides; `after[n]` are the dependencies of
/// the one at place n.
///
/// # Errors
/// The places of a circle, each of which depends on the next, and the last on the first.
pub(super) fn sort(after: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut order = Vec::with_capacity(after.len());
    while order.len() < after.len() {
        let is_free = |place: &usize| !order.contains(place) && after[*place].iter().all(|other| order.contains(other));
        match (0..after.len()).find(is_free) {
            Some(place) => order.push(place),
            None => return Err(circle(after, &order)),
        }
    }
    Ok(order)
}

/// Follows dependencies that have no place in the order until one is met again.
fn circle(after: &[Vec<usize>], order: &[usize]) -> Vec<usize> {
    let is_stuck = |place: &usize| !order.contains(place);
    let mut path = Vec::new();
    let mut place = (0..after.len()).find(is_stuck);
    while let Some(next) = place {
        if let Some(begin) = path.iter().position(|seen| *seen == next) {
            return path.split_off(begin);
        }
        path.push(next);
        place = after[next].iter().copied().find(is_stuck);
    }
    path
}
