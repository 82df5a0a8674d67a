//! Differences of segment timelines: they lose segments at the beginning and get some at the end.

use super::element::Element;
use super::patch_operation::{PatchOperation, Position, Selector};

/// Start, duration and number of further segments of an `S` element.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Run {
    start: u64,
    duration: u64,
    repeated: u64,
}

impl Run {
    fn end(self) -> Option<u64> {
        self.duration.checked_mul(self.repeated.checked_add(1)?)?.checked_add(self.start)
    }
}

/// Returns the runs of a timeline; `None` if a number is missing or too large.
fn runs(elements: &[Element]) -> Option<Vec<Run>> {
    let mut end = Some(0);
    let mut runs = Vec::with_capacity(elements.len());
    for element in elements {
        let number = |name| element.value(name).map(str::parse::<u64>);
        let start = match number("t") {
            Some(start) => start.ok()?,
            None => end?,
        };
        let repeated = number("r").unwrap_or(Ok(0)).ok()?;
        let run = Run { start, duration: number("d")?.ok()?, repeated };
        end = run.end();
        runs.push(run);
    }
    Some(runs)
}

/// Returns the operations that make one timeline of another; `None` if it is simpler to replace it.
pub(super) fn timeline_operations(
    before: &[Element],
    after: &[Element],
    selector: &Selector,
) -> Option<Vec<PatchOperation>> {
    let (known, runs) = (runs(before)?, runs(after)?);
    let begin = runs.first()?.start;
    let gone = known.iter().take_while(|run| run.end().is_some_and(|end| end <= begin)).count();
    let (rest, elements) = (known.get(gone..)?, before.get(gone..)?);
    if rest.is_empty() || rest.len() > runs.len() {
        return None;
    }
    let first = || selector.child_at("S", 1);
    let mut operations = vec![PatchOperation::Remove { selector: first() }; gone];
    for (place, (old, new)) in elements.iter().zip(after).enumerate().filter(|(_, (old, new))| old != new) {
        // Runs that grow or shrink keep their duration; anything else is another timeline.
        if rest.get(place)?.duration != runs.get(place)?.duration {
            return None;
        }
        let selector = selector.child_at("S", place + 1);
        match (old.value("r"), new.value("r")) {
            (Some(_), Some(value)) if old.value("t") == new.value("t") => {
                let value = value.to_owned();
                operations.push(PatchOperation::ReplaceAttribute { selector, name: "r", value });
            }
            _ => operations.push(PatchOperation::Replace { selector, element: new.clone() }),
        }
    }
    let added = after.get(rest.len()..)?.to_vec();
    if !added.is_empty() {
        let selector = selector.clone();
        operations.push(PatchOperation::Add { selector, position: Position::Append, elements: added });
    }
    Some(operations)
}
